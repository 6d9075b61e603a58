"""Events that a log-rank test needs, power of given events, and what they can declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .checks import check_level, check_ratios
from .event_formulas import (
    EventMethod,
    check_allocation,
    declared_ratio,
    drift_per_root_event,
)
from .normal import critical_value, quantile, tail_below, whole

if TYPE_CHECKING:
    import polars as pl

Sided = Literal[1, 2]


@dataclass(frozen=True, slots=True)
class LogRankEvents:
    """Events of a log-rank test, real-valued and whole.

    Attributes
    ----------
    method : str
        Formula.
    hazard_ratio, null_hazard_ratio : float
        Under the alternative and under the null (a margin for non-inferiority).
    alpha, power : float
        As asked for; `alpha` of `sided` sides.
    sided : int
        1 or 2.
    ratio : float
        Patients of the experimental arm to patients of the control arm.
    events : float
        Real-valued events.
    events_integer : int
        Whole events, rounded up.
    alpha_integer, power_integer : float
        With whole events, computed anew: alpha from the hazard ratio that they declare, so that
        it is the normal approximation's; power from `events_integer`.
    declared_hazard_ratio : float
        Estimate at which the test turns significant with `events_integer` events.
    version : str
        Version of the package.
    """

    method: str
    hazard_ratio: float
    null_hazard_ratio: float
    alpha: float
    sided: int
    power: float
    ratio: float
    events: float
    events_integer: int
    alpha_integer: float
    power_integer: float
    declared_hazard_ratio: float
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "hazard_ratio", "null_hazard_ratio", "alpha", "sided", "power", "ratio")
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row: the question, the real-valued and the whole design."""
        from .tables import one_row

        return one_row(self)


def log_rank_events(
    hazard_ratio: float,
    *,
    alpha: float = 0.025,
    sided: Sided = 1,
    power: float = 0.9,
    ratio: float = 1.0,
    null_hazard_ratio: float = 1.0,
    method: EventMethod = "schoenfeld",
) -> LogRankEvents:
    r"""Events that a log-rank test needs for a hazard ratio.

    Parameters
    ----------
    hazard_ratio : float
        Experimental to control, above 0. For superiority other than 1; with a margin below it.
    alpha : float
        Type I error over `sided` sides.
    sided : 1 or 2
        Sides of the test. The far side's power is left out, as usual.
    power : float
        Above alpha, below 1.
    ratio : float
        Allocation, experimental to control.
    null_hazard_ratio : float
        1 for superiority; the margin M for non-inferiority. Variance is that under the null,
        so that :math:`D = (z_\alpha+z_\beta)^2 / (p_1 p_2 (\log HR - \log M)^2)`.
    method : {"schoenfeld", "freedman", "hsieh_freedman"}
        Schoenfeld (1981, Biometrika 68:316), Freedman (1982, Stat Med 1:121), or Freedman with
        Hsieh's (1992) factor for unequal arms. The two are the same at ratio 1 only.

    Returns
    -------
    LogRankEvents

    Raises
    ------
    InputError
        All faults at once: hazard ratio 1 without a margin, or not below it; power not above
        alpha; values out of their range; a margin with Freedman's formula.

    Examples
    --------
    >>> log_rank_events(0.75).events
    507.844335...
    >>> design = log_rank_events(1.0, alpha=0.05, power=0.8, null_hazard_ratio=1.25)
    >>> design.events_integer, round(design.power_integer, 5)
    (497, 0.80024)
    """
    faults = Faults("log_rank_events")
    faults.level_and_power(alpha, sided, power)
    check_ratios(faults, hazard_ratio, null_hazard_ratio)
    check_allocation(faults, ratio, null_hazard_ratio, method)
    faults.refuse()
    drift = drift_per_root_event(hazard_ratio, ratio, null_hazard_ratio, method)
    limit = critical_value(alpha, sided)
    events = ((limit + quantile(power)) / drift) ** 2
    whole_events = max(whole(events), 1)
    declared = declared_ratio(limit, whole_events, ratio, null_hazard_ratio, hazard_ratio)
    back = drift_per_root_event(declared, ratio, null_hazard_ratio, "schoenfeld")
    return LogRankEvents(
        method, float(hazard_ratio), float(null_hazard_ratio), float(alpha), sided, float(power),
        float(ratio), events, whole_events,
        sided * tail_below(-back * whole_events**0.5),
        tail_below(drift * whole_events**0.5 - limit), declared,
    )  # fmt: skip


def log_rank_power(
    events: float,
    hazard_ratio: float,
    *,
    alpha: float = 0.025,
    sided: Sided = 1,
    ratio: float = 1.0,
    null_hazard_ratio: float = 1.0,
    method: EventMethod = "schoenfeld",
) -> float:
    """Power of a log-rank test with given events.

    Parameters
    ----------
    events : float
        Events of both arms together, above 0.
    hazard_ratio, alpha, sided, ratio, null_hazard_ratio, method
        As in `log_rank_events`; the hazard ratio may equal the null, which gives alpha / sided.

    Returns
    -------
    float
        Probability to reject on the side of the alternative.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> round(log_rank_power(120, 1 / 1.7, alpha=0.05, sided=2), 4)
    0.828
    """
    faults = Faults("log_rank_power")
    faults.number("events", events, above=0)
    faults.number("hazard_ratio", hazard_ratio, above=0)
    check_level(faults, alpha, sided)
    check_allocation(faults, ratio, null_hazard_ratio, method)
    faults.refuse()
    drift = drift_per_root_event(hazard_ratio, ratio, null_hazard_ratio, method)
    worse = null_hazard_ratio != 1.0 and hazard_ratio > null_hazard_ratio
    return tail_below((-drift if worse else drift) * events**0.5 - critical_value(alpha, sided))
