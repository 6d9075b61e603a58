"""When the n-th event will come, from the patients followed so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.version import __version__

from .event_courses import Courses, read_courses

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class EventPrediction:
    """Days from now until the n-th event.

    Attributes
    ----------
    method : str
        "exponential" or "piecewise_exponential".
    target_events, events, at_risk, future_patients : int
        Events wanted and so far; patients followed without an event; patients still to enter.
    hazards : tuple of float
        Per day, by piece of the time since entry: events over exposure, or as given.
    dropout_hazard : float
        Per day.
    level : float
        Of the prediction interval.
    expected_day : float or None
        Day at which the expected number of events, with these hazards, is the target; None where
        it never is.
    mean_day : float or None
        Mean in closed form: one hazard, no drop-out, nobody still to enter; else None.
    median_day, lower_day, upper_day : float
        Of the simulated days; infinite where the target is not reached.
    probability_reached : float
        Share of simulations that reach the target.
    simulated_mean_day, standard_error : float or None
        Mean of the simulated days and its Monte Carlo standard error, where all reach it.
    repeats : int
        Simulations.
    version : str
        Version of the package.
    """

    method: str
    target_events: int
    events: int
    at_risk: int
    future_patients: int
    hazards: tuple[float, ...]
    dropout_hazard: float
    level: float
    expected_day: float | None
    mean_day: float | None
    median_day: float
    lower_day: float
    upper_day: float
    probability_reached: float
    simulated_mean_day: float | None
    standard_error: float | None
    repeats: int
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {k: getattr(self, k) for k in ("method", "target_events", "level", "repeats")}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def predict_events(
    follow_up_days: Sequence[float],
    status: Sequence[int],
    target_events: int,
    *,
    seed: int | np.random.Generator,
    hazard_breaks: Sequence[float] = (),
    hazards: Sequence[float] | None = None,
    dropout_hazard: float | None = None,
    future_patients: int = 0,
    patients_per_day: float | None = None,
    parameter_uncertainty: bool = True,
    level: float = 0.9,
    repeats: int = 10_000,
) -> EventPrediction:
    r"""Day of the n-th event, with the two arms pooled.

    Parameters
    ----------
    follow_up_days, status : sequence, one value per patient
        Days since entry until event, drop-out or now; 0 at risk now, 1 event, 2 dropped out.
        Any unit of time will do.
    target_events : int
        Events in all, above those so far.
    seed : int or numpy Generator
        Of the simulation.
    hazard_breaks : sequence of float
        Days since entry at which the hazard changes; none for an exponential course.
    hazards : sequence of float, optional
        One more than breaks; without them events over exposure in each piece.
    dropout_hazard : float, optional
        Without it drop-outs over exposure.
    future_patients, patients_per_day
        Patients still to enter, as a Poisson process of that rate.
    parameter_uncertainty : bool
        Whether fitted hazards are drawn from gamma(events + 1/2, exposure) (Jeffreys) in each
        simulation, or stand as fitted. Given hazards stand.
    level, repeats
        Of the prediction interval; simulations.

    Returns
    -------
    EventPrediction
        Patients at risk go on from their own follow-up. Mean in closed form, for m at risk and
        r more events: :math:`E[1/\lambda] \sum_{j<r} 1/(m-j)`.

    Raises
    ------
    InputError
        All faults at once; also where the target cannot be reached, or a piece has no exposure.

    Examples
    --------
    >>> days = [100.0] * 10 + [400.0] * 40
    >>> found = predict_events(days, [1] * 10 + [0] * 40, 20, seed=1, parameter_uncertainty=False)
    >>> round(found.mean_day), round(found.expected_day)
    (482, 489)
    """
    courses, level_, repeats_ = read_courses(
        follow_up_days, status, target_events, hazard_breaks, hazards, dropout_hazard,
        future_patients, patients_per_day, level, repeats, uncertain=parameter_uncertainty,
    )  # fmt: skip
    days = _simulated(courses, np.random.default_rng(seed), repeats_)
    low, middle, high = np.quantile(
        days, [(1 - level_) / 2, 0.5, (1 + level_) / 2], method="higher"
    )  # fmt: skip
    reached = np.isfinite(days)
    whole = bool(reached.all())
    return EventPrediction(
        "piecewise_exponential" if len(courses.breaks) else "exponential",
        courses.events + courses.more, courses.events, len(courses.followed), courses.future,
        tuple(courses.hazards.tolist()), courses.dropout, level_, expected_day(courses),
        mean_day(courses), float(middle), float(low), float(high), float(reached.mean()),
        float(days.mean()) if whole else None,
        float(days.std(ddof=1) / math.sqrt(len(days))) if whole else None, repeats_,
    )  # fmt: skip


def _simulated(courses: Courses, rng: np.random.Generator, repeats: int) -> np.ndarray:
    """Days of the n-th event, drawn in blocks that bound the memory."""
    size = max(1, 2_000_000 // (len(courses.followed) + courses.future))
    starts = range(0, repeats, size)
    return np.concatenate([courses.draw(rng, min(size, repeats - s)) for s in starts])


def mean_day(courses: Courses) -> float | None:
    """Mean of the day of the n-th event where it has a closed form."""
    if len(courses.breaks) or courses.future or courses.dropout > 0:
        return None
    inverse = (courses.exposure[0] / (courses.hazard_counts[0] - 0.5) if courses.uncertain
               else 1.0 / courses.hazards[0])  # fmt: skip
    at_risk = len(courses.followed)
    return float(inverse * sum(1.0 / (at_risk - j) for j in range(courses.more)))


def expected_day(courses: Courses) -> float | None:
    """Day at which the expected number of further events is the number wanted."""
    from .recursion import root

    high = 1.0 / max(float(courses.hazards.max()), 1e-300)
    for _ in range(60):
        if courses.expected_events(high) >= courses.more:
            return root(lambda day: courses.expected_events(day) - courses.more, 0.0, high)
        high *= 2.0
        if not math.isfinite(high):
            break
    return None
