"""Score intervals of Miettinen and Nurminen: difference, ratio, odds ratio."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .arguments import check_counts
from .scores import restricted_shares

if TYPE_CHECKING:
    import polars as pl

Measure = Literal["difference", "ratio", "odds_ratio"]
_MEASURES = ("difference", "ratio", "odds_ratio")
_FARTHEST = 60.0


@dataclass(frozen=True, slots=True)
class ProportionContrast:
    """A contrast of two proportions with its limits.

    Attributes
    ----------
    method : str
        ``miettinen_nurminen``.
    measure : str
        ``difference``, ``ratio`` or ``odds_ratio``, experimental to control.
    estimate, lower, upper : float
        Estimate (NaN for 0/0) and limits.
    level : float
        Two-sided confidence level.
    events_control, n_control, events_experimental, n_experimental : int
        The table.
    version : str
        Version of the package.
    """

    method: str
    measure: str
    estimate: float
    lower: float
    upper: float
    level: float
    events_control: int
    n_control: int
    events_experimental: int
    n_experimental: int
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {"method": self.method, "measure": self.measure, "level": self.level}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def miettinen_nurminen_interval(
    events_control: int,
    n_control: int,
    events_experimental: int,
    n_experimental: int,
    *,
    measure: Measure = "difference",
    level: float = 0.95,
) -> ProportionContrast:
    r"""Limits by inverting the score test with the factor N / (N - 1).

    Parameters
    ----------
    events_control, n_control, events_experimental, n_experimental : int
        Events and patients.
    measure : {"difference", "ratio", "odds_ratio"}
        Experimental minus, or to, control.
    level : float
        Two-sided level. The 90% limit on one side belongs to a one-sided test at 5%.

    Returns
    -------
    ProportionContrast
        Limits where the statistic of `farrington_manning_test` (method ``miettinen_nurminen``)
        equals the normal quantile. Where no value is that far, the end of the range: -1, 1, 0 or
        infinity.

    Raises
    ------
    InputError
        All faults at once.

    References
    ----------
    Miettinen O, Nurminen M. Stat Med 1985;4:213.

    Examples
    --------
    >>> found = miettinen_nurminen_interval(48, 80, 56, 70)
    >>> round(found.estimate, 4), round(found.lower, 4), round(found.upper, 4)
    (0.2, 0.0528, 0.3382)
    """
    faults = Faults("miettinen_nurminen_interval")
    arms = {"control": (events_control, n_control),
            "experimental": (events_experimental, n_experimental)}  # fmt: skip
    check_counts(faults, arms)
    faults.one_of("measure", measure, _MEASURES)
    faults.probability("level", level)
    faults.refuse()
    x, n, y, m = (int(v) for v in (events_control, n_control, events_experimental, n_experimental))
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2.0))
    estimate, statistic, scale = _problem(measure, x, n, y, m)
    lower = scale(_limit(statistic, z)) if _can_fall(measure, x, n, y, m) else scale(-math.inf)
    upper = scale(_limit(statistic, -z)) if _can_rise(measure, x, n, y, m) else scale(math.inf)
    return ProportionContrast(
        "miettinen_nurminen", measure, estimate, lower, upper, float(level), x, n, y, m
    )


Statistic = Callable[[float], float]


def _problem(
    measure: str, x: int, n: int, y: int, m: int
) -> tuple[float, Statistic, Callable[[float], float]]:
    """Estimate, statistic on an unbounded scale, and the way back from that scale."""
    p, q = x / n, y / m
    factor = math.sqrt((n + m - 1.0) / (n + m))
    if measure == "difference":
        return q - p, lambda t: factor * _difference(math.tanh(t), x, n, y, m), math.tanh
    if measure == "ratio":
        return _quotient(q, p), lambda t: factor * _ratio(math.exp(t), x, n, y, m), _exp
    odds = _quotient(q * (1.0 - p), p * (1.0 - q))
    return odds, lambda t: factor * _odds_ratio(math.exp(t), x, n, y, m), _exp


def _limit(statistic: Statistic, z: float) -> float:
    """Where the falling statistic equals z, on the unbounded scale."""
    from scipy.optimize import brentq

    far = 1.0
    while far < _FARTHEST and not statistic(-far) > z > statistic(far):
        far *= 1.5
    if not statistic(-far) > z > statistic(far):
        return math.copysign(math.inf, statistic(far) - z)
    return brentq(lambda t: statistic(t) - z, -far, far, xtol=1e-14, rtol=1e-14)  # type: ignore[return-value]


def _can_fall(measure: str, x: int, n: int, y: int, m: int) -> bool:
    """Whether the lower limit lies inside the range."""
    if measure == "difference":
        return not (y == 0 and x == n)
    return y > 0 and (measure == "ratio" or x < n)


def _can_rise(measure: str, x: int, n: int, y: int, m: int) -> bool:
    """Whether the upper limit lies inside the range."""
    if measure == "difference":
        return not (y == m and x == 0)
    return x > 0 and (measure == "ratio" or y < m)


def _difference(d: float, x: int, n: int, y: int, m: int) -> float:
    a, b, c, e = (np.array(float(v)) for v in (x, n, y, m))
    p, q = (float(v) for v in restricted_shares(a, b, c, e, d))
    return _divide(y / m - x / n - d, p * (1.0 - p) / n + q * (1.0 - q) / m)


def _ratio(r: float, x: int, n: int, y: int, m: int) -> float:
    a, b, c = (n + m) * r, m * r + y + n + x * r, float(x + y)
    p = 2.0 * c / (b + math.sqrt(max(b * b - 4.0 * a * c, 0.0)))
    q = min(p * r, 1.0)
    return _divide(y / m - r * x / n, r * r * p * (1.0 - p) / n + q * (1.0 - q) / m)


def _odds_ratio(odds: float, x: int, n: int, y: int, m: int) -> float:
    a, c = n * (odds - 1.0), float(x + y)
    b = m * odds + n - c * (odds - 1.0)
    p = min(2.0 * c / (b + math.sqrt(max(b * b + 4.0 * a * c, 0.0))), 1.0)
    q = p * odds / (1.0 + p * (odds - 1.0))
    variances = (m * q * (1.0 - q), n * p * (1.0 - p))
    if min(variances) <= 0.0:
        return 0.0
    return (y - m * q) * math.sqrt(sum(1.0 / v for v in variances))


def _divide(gap: float, variance: float) -> float:
    if gap == 0.0:
        return 0.0
    return gap / math.sqrt(variance) if variance > 0.0 else math.copysign(math.inf, gap)


def _quotient(above: float, below: float) -> float:
    if below == 0.0:
        return math.inf if above else math.nan
    return above / below


def _exp(t: float) -> float:
    return math.inf if t == math.inf else math.exp(t)
