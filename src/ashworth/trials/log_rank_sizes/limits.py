"""What given events can declare and detect, and the events that a printed result implies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .event_formulas import (
    EventMethod,
    check_allocation,
    declared_ratio,
    ratio_of_drift,
)
from .events import Sided
from .normal import critical_value, quantile

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class LogRankLimits:
    """What given events can declare and detect, on the side of benefit.

    Attributes
    ----------
    method : str
        Formula of the detectable ratio; the declared one is Wald's, as in Schoenfeld's.
    events, alpha, power, ratio, null_hazard_ratio : float
        As given.
    sided : int
        1 or 2.
    declared_hazard_ratio : float
        Largest estimate whose upper limit lies below the null.
    detectable_hazard_ratio : float
        Largest true ratio that is detected with `power`; 0 where no ratio is (Freedman).
    version : str
        Version of the package.
    """

    method: str
    events: float
    alpha: float
    sided: int
    power: float
    ratio: float
    null_hazard_ratio: float
    declared_hazard_ratio: float
    detectable_hazard_ratio: float
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "events", "alpha", "sided", "power", "ratio", "null_hazard_ratio")
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row: the question and the two ratios."""
        from .tables import one_row

        return one_row(self)


def log_rank_limits(
    events: float,
    *,
    alpha: float = 0.025,
    sided: Sided = 1,
    power: float = 0.9,
    ratio: float = 1.0,
    null_hazard_ratio: float = 1.0,
    method: EventMethod = "schoenfeld",
) -> LogRankLimits:
    r"""Largest hazard ratio that given events declare, and the one that they detect.

    Parameters
    ----------
    events : float
        Events of both arms together, above 0.
    alpha, sided, power, ratio, null_hazard_ratio, method
        As in `log_rank_events`.

    Returns
    -------
    LogRankLimits
        Declared: :math:`M \exp(-z_\alpha/\sqrt{p_1 p_2 D})`. Detectable: with
        :math:`z_\alpha + z_\beta` for :math:`z_\alpha`.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> limits = log_rank_limits(497, alpha=0.05, power=0.8, null_hazard_ratio=1.25)
    >>> round(limits.declared_hazard_ratio, 4), round(limits.detectable_hazard_ratio, 4)
    (1.0785, 1.0001)
    """
    faults = Faults("log_rank_limits")
    faults.number("events", events, above=0)
    faults.level_and_power(alpha, sided, power)
    check_allocation(faults, ratio, null_hazard_ratio, method)
    faults.refuse()
    limit = critical_value(alpha, sided)
    drift = (limit + quantile(power)) / events**0.5
    return LogRankLimits(
        method, float(events), float(alpha), sided, float(power), float(ratio),
        float(null_hazard_ratio), declared_ratio(limit, events, ratio, null_hazard_ratio, 0.0),
        ratio_of_drift(drift, ratio, null_hazard_ratio, method),
    )  # fmt: skip


def implied_events(lower: float, upper: float, *, level: float = 0.95, ratio: float = 1.0) -> float:
    r"""Events that the limits of a printed hazard ratio imply.

    Parameters
    ----------
    lower, upper : float
        Wald limits of the hazard ratio, 0 < lower < upper.
    level : float
        Their confidence.
    ratio : float
        Allocation, experimental to control.

    Returns
    -------
    float
        :math:`D = 1/(p_1 p_2 SE^2)` with SE half the width on the log scale over the normal
        quantile. Printed limits are rounded, so it is near the events counted, not equal.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> round(implied_events(0.69, 1.03))
    383
    >>> round(implied_events(0.81, 1.09, level=0.90)), round(implied_events(0.81, 1.09))
    (491, 697)
    """
    faults = Faults("implied_events")
    both = faults.number("lower", lower, above=0) & faults.number("upper", upper, above=0)
    if both and lower >= upper:
        faults.add("upper", f"{upper:g} with lower {lower:g}", "above lower", "exchange the limits")
    faults.probability("level", level)
    faults.number("ratio", ratio, above=0)
    faults.refuse()
    error = math.log(upper / lower) / (2.0 * quantile((1.0 + level) / 2.0))
    return (1.0 + ratio) ** 2 / (ratio * error**2)
