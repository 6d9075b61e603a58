"""Expected events over calendar time, the time of given events, the average hazard ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .at_risk import AtRisk, accrued_share, at_risk, piece_rates
from .checks import is_number
from .course import TrialCourse

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CourseEvents:
    """Expected events of a trial at calendar times since the first patient.

    Attributes
    ----------
    course : TrialCourse
        The trial.
    patients : float
        Planned patients of both arms.
    times : ndarray of shape (k,)
        Calendar times.
    enrolled, control, experimental : ndarray of shape (k,)
        Expected patients entered, and events by arm, by each time.
    average_hazard_ratios : ndarray of shape (k,)
        As `average_hazard_ratio` at each time.
    method : str
        How they were computed.
    version : str
        Version of the package.
    """

    course: TrialCourse
    patients: float
    times: Floats
    enrolled: Floats
    control: Floats
    experimental: Floats
    average_hazard_ratios: Floats
    method: str = "piecewise exponential, Gauss-Legendre quadrature"
    version: str = __version__

    @property
    def events(self) -> Floats:
        """Expected events of both arms, shape (k,)."""
        return self.control + self.experimental

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {"course": self.course, "patients": self.patients, "times": self.times.tolist()}

    def table(self) -> pl.DataFrame:
        """One row per time: enrolled, events by arm and both, average hazard ratio."""
        import polars as pl

        columns = ("times", "enrolled", "control", "experimental", "events")
        data = {name.removesuffix("s") if name == "times" else name: getattr(self, name)
                for name in columns}  # fmt: skip
        return pl.DataFrame({**data, "average_hazard_ratio": self.average_hazard_ratios})


def course_events(
    course: TrialCourse, patients: float, times: Sequence[float] | float | None = None
) -> CourseEvents:
    """Expected events by calendar time and arm.

    Parameters
    ----------
    course : TrialCourse
        Accrual, follow-up and hazards.
    patients : float
        Planned patients of both arms, above 0.
    times : sequence of float, float or None
        Calendar times since the first patient, above 0; None: the planned analysis. Times
        after it are allowed: follow-up goes on.

    Returns
    -------
    CourseEvents

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> course = TrialCourse(control_hazard=(0.06, 0.04), hazard_breaks=(6.0,), hazard_ratio=0.75,
    ...     accrual_duration=24.0, follow_up=12.0, dropout_hazard=0.005)
    >>> course_events(course, 800, (18.0, 36.0)).events.round(6)
    array([185.047431, 455.611922])
    """
    faults = Faults("course_events")
    faults.number("patients", patients, above=0)
    listed = [course.duration] if times is None else np.atleast_1d(np.asarray(times, object))
    bad = [repr(t) for t in listed if not (is_number(t) and t > 0.0)]
    if bad or not len(listed):
        faults.add("times", ", ".join(bad) or "none", "times above 0", "give calendar times")
    faults.refuse()
    grid = np.array([float(t) for t in listed])
    states = [at_risk(course, float(t)) for t in grid]
    by_arm = patients * np.array([state.events.sum(axis=1) for state in states])
    ratios = np.array([mean_log_ratio(state) for state in states])
    enrolled = patients * accrued_share(course, grid)
    return CourseEvents(course, float(patients), grid, enrolled, by_arm[:, 0], by_arm[:, 1],
                        np.exp(ratios))  # fmt: skip


def mean_log_ratio(state: AtRisk) -> float:
    """Logarithm of the hazard ratio, averaged over expected events and strata."""
    density = state.event_density.sum(axis=0)
    ratios = np.log(state.hazards[1] / state.hazards[0])
    return float((density * ratios).sum() / density.sum())


def average_hazard_ratio(course: TrialCourse, time: float | None = None) -> float:
    r"""Hazard ratio, averaged geometrically over the expected events.

    Parameters
    ----------
    course : TrialCourse
        Accrual, follow-up and hazards.
    time : float or None
        Calendar time of the analysis; None: the planned one.

    Returns
    -------
    float
        :math:`\exp(\sum_j d_j \log HR_j / \sum_j d_j)` with d the expected events of both arms
        in piece j (as in gsDesign2). With change of treatment the ratio of the arms' hazards
        at each time.

    Raises
    ------
    InputError
        A time that is not above 0.

    Examples
    --------
    >>> course = TrialCourse(control_hazard=(0.06, 0.04), hazard_breaks=(6.0,),
    ...     hazard_ratio=(1.0, 0.6), hazard_ratio_breaks=(6.0,), accrual_duration=24.0,
    ...     follow_up=12.0, dropout_hazard=0.005)
    >>> round(average_hazard_ratio(course), 4)
    0.7841
    """
    faults = Faults("average_hazard_ratio")
    if time is not None:
        faults.number("time", time, above=0)
    faults.refuse()
    return math.exp(mean_log_ratio(at_risk(course, course.duration if time is None else time)))


def time_of_events(course: TrialCourse, events: float, patients: float) -> float:
    """Calendar time at which a number of events is expected.

    Parameters
    ----------
    course : TrialCourse
        Accrual and hazards; its `follow_up` does not limit the time.
    events : float
        Events of both arms, above 0.
    patients : float
        Planned patients of both arms, above 0.

    Returns
    -------
    float
        Time since the first patient, to 1e-10 relative.

    Raises
    ------
    InputError
        All faults at once; more events than these patients can give before all have had one or
        dropped out.

    Examples
    --------
    >>> course = TrialCourse(control_hazard=(0.06, 0.04), hazard_breaks=(6.0,), hazard_ratio=0.75,
    ...     accrual_duration=24.0, follow_up=12.0, dropout_hazard=0.005)
    >>> round(time_of_events(course, 455.61192200052807, 800), 6)
    36.0
    """
    faults = Faults("time_of_events")
    fine = faults.number("events", events, above=0) & faults.number("patients", patients, above=0)
    last = horizon(course)
    most = patients * at_risk(course, last).events.sum() if fine else 0.0
    if fine and events >= most:
        faults.add("events", f"{events:g} with {patients:g} patients",
                    f"below {most:.6g}, all that they can give",
                    "plan fewer events or more patients")  # fmt: skip
    faults.refuse()
    return _solve(course, events / patients, last)


def _solve(course: TrialCourse, events_per_patient: float, last: float) -> float:
    from scipy.optimize import brentq

    def gap(time: float) -> float:
        if time <= 0.0:
            return -events_per_patient
        return float(at_risk(course, time).events.sum()) - events_per_patient

    root: Any = brentq(gap, 0.0, last, xtol=1e-12 * last, rtol=1e-12)
    return float(root)


def horizon(course: TrialCourse) -> float:
    """Calendar time at which hardly anyone is at risk: 40 mean times after the last break."""
    slowest = min(
        float(piece_rates(course, factor)[1][:, -1].min())
        for factor in course.stratum_hazard_factors
    ) + min(course.dropout_hazards)
    last_break = max([0.0, *course.hazard_breaks, *course.hazard_ratio_breaks])
    return float(course.accrual_duration + last_break + 40.0 / slowest)
