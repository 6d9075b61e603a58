"""Events of the looks of a log-rank trial: real-valued, and whole with alpha and power anew."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.trials.faults import Faults
from ashworth.trials.log_rank_sizes.events import log_rank_events
from ashworth.trials.log_rank_sizes.normal import whole
from ashworth.version import __version__

from .design import GroupSequential, error_until
from .recursion import crossing

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class SequentialEvents:
    """Events at the looks, real-valued and whole; tuples have one value per look.

    Attributes
    ----------
    method : str
        Bounds, and the formula of the fixed design's events.
    fixed_events : float
        Events without interim looks.
    events : tuple of float
        Real-valued.
    events_integer : tuple of int
        Rounded up.
    upper_z, lower_z : tuple of float
        Solved anew at the whole events.
    alpha_integer : float
        Type I error of these bounds, over all sides.
    alpha_if_kept : float
        Type I error if the planned bounds are kept at the whole events.
    power_integer : float
        With the whole events and their bounds.
    expected_null, expected_halfway, expected_alternative : float
        Expected events of the real-valued design.
    version : str
        Version of the package.
    """

    method: str
    fixed_events: float
    events: tuple[float, ...]
    events_integer: tuple[int, ...]
    upper_z: tuple[float, ...]
    lower_z: tuple[float, ...]
    alpha_integer: float
    alpha_if_kept: float
    power_integer: float
    expected_null: float
    expected_halfway: float
    expected_alternative: float
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {"method": self.method, "fixed_events": self.fixed_events}

    def table(self) -> pl.DataFrame:
        """One row per look."""
        import polars as pl

        names = ("events", "events_integer", "upper_z", "lower_z")
        looks = {"look": range(1, len(self.events) + 1)}
        return pl.DataFrame({**looks, **{name: getattr(self, name) for name in names}})


def sequential_events(
    design: GroupSequential,
    hazard_ratio: float | None = None,
    *,
    ratio: float = 1.0,
    null_hazard_ratio: float = 1.0,
    method: Literal["schoenfeld", "freedman", "hsieh_freedman"] = "schoenfeld",
    fixed_events: float | None = None,
) -> SequentialEvents:
    """Events of a group-sequential log-rank trial.

    Parameters
    ----------
    design : GroupSequential
        Its alpha, sides and power hold.
    hazard_ratio, ratio, null_hazard_ratio, method
        As in `log_rank_events`, which gives the events without interim looks.
    fixed_events : float, optional
        Events without interim looks from elsewhere (e.g. `log_rank_size`), instead of a
        hazard ratio.

    Returns
    -------
    SequentialEvents
        Fixed events times the design's information, and whole events with everything anew.

    Raises
    ------
    InputError
        All faults at once; also where two looks fall on the same number of events.

    Examples
    --------
    >>> from ashworth.trials import group_sequential
    >>> found = sequential_events(group_sequential(3), 0.75)
    >>> found.events_integer, round(found.power_integer, 6)
    ((172, 343, 514), 0.900...)
    """
    faults = Faults("sequential_events")
    needed = _fixed_events(faults, design, hazard_ratio, ratio, null_hazard_ratio, method,
                           fixed_events)  # fmt: skip
    real = needed * np.asarray(design.information)
    counts = [max(whole(float(d)), 1) for d in real]
    if any(b - a < 1 for a, b in pairwise(counts)):
        faults.add("design", f"looks at {counts} events", "looks at different numbers of events",
                   "plan fewer looks")  # fmt: skip
        faults.refuse()
    times = np.asarray(counts) / counts[-1]
    drift = design.drift * float(np.sqrt(counts[-1] / real[-1]))
    upper, lower = design.rules.bounds(times, drift)
    kept = error_until(design.rules, times, np.array(design.lower_z), np.array(design.upper_z))
    formula = "given events" if fixed_events is not None else method
    return SequentialEvents(
        f"{design.method}, {formula}", needed, tuple(real.tolist()), tuple(counts),
        tuple(upper.tolist()), tuple(lower.tolist()),
        float(error_until(design.rules, times, lower, upper)[-1]), float(kept[-1]),
        float(crossing(times, lower, upper, drift)[0].sum()), needed * design.expected_null,
        needed * design.expected_halfway, needed * design.expected_alternative,
    )  # fmt: skip


def _fixed_events(
    faults: Faults, design: GroupSequential, hazard_ratio: Any, ratio: Any, null: Any, method: Any,
    fixed_events: Any,
) -> float:  # fmt: skip
    if (hazard_ratio is None) == (fixed_events is None):
        found = "neither" if hazard_ratio is None else "both"
        faults.add("hazard_ratio", found, "hazard_ratio or fixed_events", "give one of the two")
        faults.refuse()
    if fixed_events is not None:
        faults.number("fixed_events", fixed_events, above=0)
        faults.refuse()
        return float(fixed_events)
    return log_rank_events(
        hazard_ratio, alpha=design.alpha, sided=2 if design.sided == 2 else 1, power=design.power,
        ratio=ratio, null_hazard_ratio=null, method=method,
    ).events  # fmt: skip
