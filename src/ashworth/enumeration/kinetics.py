"""How fast each patient's cells fall or rise under therapy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaincinv, chdtrc, chdtri

from ashworth.enumeration.arguments import (
    Faults,
    column,
    confidence,
    counts,
    finite,
    same_length,
    texts,
)
from ashworth.enumeration.change import change_test
from ashworth.version import __version__

Floats = NDArray[np.float64]
_FARTHEST = 700.0
_LEVEL = 1e-12  # a log ratio below this is the root finder's rounding


@dataclass(frozen=True, slots=True)
class CountKinetics:
    """Change of every patient's concentration over their draws.

    Attributes
    ----------
    patients : polars.DataFrame
        patient, n_draws, first_day, last_day, first_count, last_count, first_amount, last_amount,
        n_cells; rate_ratio, ratio_lower, ratio_upper, change_p_value (last draw against first);
        slope, slope_lower, slope_upper (change of the log concentration per day), half_life_days,
        half_life_lower, half_life_upper, dispersion_p_value, course
        (``falling``, ``rising``, ``unclear``, ``no cells``).
    summary : polars.DataFrame
        course, n, share.
    single : int
        Patients with one draw only, who have no kinetics and are left out.
    n, n_draws : int
        Patients with kinetics, and their draws.
    level : float
    method : str
    options : mapping
    version : str
    """

    patients: pl.DataFrame
    summary: pl.DataFrame
    single: int
    n: int
    n_draws: int
    level: float
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return one row per patient, sorted."""
        return self.patients


def count_kinetics(
    patient: Any, day: Any, count: Any, amount: Any, *, level: float = 0.95
) -> CountKinetics:
    r"""Estimate each patient's change of concentration under therapy, with counting noise in it.

    Use it to see whose cells fall, how fast, and for whom the counts cannot tell.

    Parameters
    ----------
    patient : array-like of str, shape (n,)
        One row per draw, in any order.
    day : array-like, shape (n,)
        Day of the draw; two draws of a patient on one day are a fault (add them up before).
    count : array-like of int, shape (n,)
        Cells.
    amount : array-like, shape (n,)
        Amount analysed (ml or nucleated cells), above 0.
    level : float
        Of all limits.

    Returns
    -------
    CountKinetics

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.

    Notes
    -----
    Counts are Poisson with mean :math:`v_i e^{a + b t_i}`. Given their sum they are multinomial
    with probabilities :math:`v_i e^{b t_i} / \sum_j v_j e^{b t_j}`, which is also the profile
    likelihood of b: the slope is its maximum, its limits are where twice the fall equals the
    chi-square quantile (as a profile of R's ``glm(poisson)`` with the log amount as offset). The
    half-life is :math:`-\ln 2 / b`; its limits are those of the slope, and the upper one is
    infinite where the slope may be 0. A slope is infinite where all cells lie in the first or the
    last draw. The ratio of last to first has the exact limits of the conditional binomial
    (`change_test`). More spread than Poisson makes all of this too narrow: `dispersion_p_value` is
    Pearson's test of the fit, from three draws on.

    References
    ----------
    Przyborowski J, Wilenski H. Biometrika 1940;31:313. McCullagh P, Nelder JA. Generalized Linear
    Models, 2nd ed., 1989, section 6.4.

    Examples
    --------
    >>> found = count_kinetics(
    ...     ["a", "a", "a", "b", "b"], [0, 28, 56, 0, 30], [40, 19, 11, 0, 0], 7.5)
    >>> found.table().select("patient", "course").rows()
    [('a', 'falling'), ('b', 'no cells')]
    >>> round(found.table()["half_life_days"][0], 1)
    29.1
    """
    confidence(level)
    faults = Faults("count_kinetics")
    who = texts(patient, "patient", faults)
    when, cells = column(day, "day", faults), counts(count, "count", faults)
    finite(when, "day", faults)
    volume = np.full(who.size, amount, float) if np.ndim(amount) == 0 else amount
    volume = column(volume, "amount", faults)
    with np.errstate(invalid="ignore"):
        bad = ~((volume > 0.0) & np.isfinite(volume))
    faults.rows(bad, "amount", "values that are no amounts", "numbers above 0", "give ml or cells")
    same_length({"patient": who, "day": when, "count": cells, "amount": volume}, faults)
    faults.stop()
    order = np.lexsort((when, who.astype(str)))
    who, when, cells, volume = who[order], when[order], cells[order], volume[order]
    _refuse_two_on_a_day(who, when, order, faults)
    starts = np.flatnonzero(np.concatenate([[True], who[1:] != who[:-1]]))
    rows, single = [], 0
    for a, b in zip(starts, [*starts[1:], who.size], strict=True):
        if b - a < 2:
            single += 1
            continue
        rows.append({"patient": who[a], **_one(when[a:b], cells[a:b], volume[a:b], level)})
    frame = _with_change(pl.DataFrame(rows, schema=_SCHEMA))
    return CountKinetics(
        frame, _summary(frame), single, frame.height, int(frame["n_draws"].sum()), level,
        "Poisson regression of each patient's counts on time, profile limits; "
        "exact conditional limits of the last against the first draw", {},
    )  # fmt: skip


_SCHEMA = {
    "patient": pl.String, "n_draws": pl.Int64, "first_day": pl.Float64, "last_day": pl.Float64,
    "first_count": pl.Int64, "last_count": pl.Int64, "first_amount": pl.Float64,
    "last_amount": pl.Float64, "n_cells": pl.Int64, "rate_ratio": pl.Float64,
    "ratio_lower": pl.Float64, "ratio_upper": pl.Float64, "change_p_value": pl.Float64,
    "slope": pl.Float64, "slope_lower": pl.Float64, "slope_upper": pl.Float64,
    "half_life_days": pl.Float64, "half_life_lower": pl.Float64, "half_life_upper": pl.Float64,
    "dispersion_p_value": pl.Float64, "course": pl.String,
}  # fmt: skip


def _refuse_two_on_a_day(
    who: NDArray[np.object_], when: Floats, order: NDArray[np.int64], faults: Faults
) -> None:
    twice = np.zeros(who.size, dtype=bool)
    twice[order[1:]] = (who[1:] == who[:-1]) & (when[1:] == when[:-1])
    remedy = "add cells and amounts of one day up (combine_tubes)"
    faults.rows(twice, "day", "a second draw of a patient on one day", "one draw a day", remedy)
    faults.stop()


def _with_change(frame: pl.DataFrame) -> pl.DataFrame:
    """Ratio of the last to the first draw and the test that it is 1."""
    if not frame.height:
        return frame
    found = change_test(*(frame[c].to_numpy() for c in (
        "first_count", "last_count", "first_amount", "last_amount")))  # fmt: skip
    return frame.with_columns(
        pl.Series("rate_ratio", found.rate_ratio), pl.Series("change_p_value", found.p_value)
    )


def _one(day: Floats, cells: Floats, amount: Floats, level: float) -> dict[str, Any]:
    """Kinetics of one patient with two or more draws."""
    low, high = ratio_limits(cells[0], cells[-1], amount[0], amount[-1], level)
    slope, slope_low, slope_high = poisson_slope(day, cells, amount, level)
    life, life_low, life_high = _half_life(slope, slope_low, slope_high)
    return {
        "n_draws": day.size, "first_day": day[0], "last_day": day[-1],
        "first_count": int(cells[0]), "last_count": int(cells[-1]),
        "first_amount": amount[0], "last_amount": amount[-1], "n_cells": int(cells.sum()),
        "ratio_lower": low, "ratio_upper": high, "slope": slope, "slope_lower": slope_low,
        "slope_upper": slope_high, "half_life_days": life, "half_life_lower": life_low,
        "half_life_upper": life_high, "dispersion_p_value": _dispersion(day, cells, amount, slope),
        "course": _course(float(cells.sum()), slope_low, slope_high),
    }  # fmt: skip


def ratio_limits(
    n_from: float, n_to: float, amount_from: float, amount_to: float, level: float
) -> tuple[float, float]:
    """Exact limits of the ratio of two rates: Clopper-Pearson of the later draw's share."""
    if n_from + n_to == 0:
        return 0.0, float("inf")
    tail, odds = (1.0 - level) / 2.0, amount_from / amount_to
    low = float(betaincinv(n_to, n_from + 1.0, tail)) if n_to else 0.0
    high = float(betaincinv(n_to + 1.0, n_from, 1.0 - tail)) if n_from else 1.0
    return low / (1.0 - low) * odds, (high / (1.0 - high) * odds if high < 1.0 else float("inf"))


def poisson_slope(
    day: Floats, cells: Floats, amount: Floats, level: float
) -> tuple[float, float, float]:
    """Slope of the log concentration per day with profile limits.

    Returns
    -------
    slope, lower, upper : float
        Infinite where all cells lie in the first or the last draw; NaN without cells.
    """
    total = float(cells.sum())
    if total == 0:
        return float("nan"), float("-inf"), float("inf")
    span = float(day[-1] - day[0])
    t = ((day - day[0]) / span).tolist()
    offset = np.log(amount).tolist()
    weight = float(cells @ np.array(t))

    def shares(b: float) -> tuple[list[float], float]:
        """Exponents' powers relative to the largest, and the log of their sum."""
        logs = [o + b * x for o, x in zip(offset, t, strict=True)]
        top = max(logs)
        powers = [math.exp(v - top) for v in logs]
        return powers, top + math.log(sum(powers))

    def height(b: float) -> float:
        return b * weight - total * shares(b)[1]

    def climb(b: float) -> float:
        powers = shares(b)[0]
        mean = sum(p * x for p, x in zip(powers, t, strict=True)) / sum(powers)
        return weight - total * mean

    if cells[0] == total or cells[-1] == total:
        end = 0 if cells[0] == total else -1
        best, top = (np.inf if end else -np.inf), -total * offset[end]
    else:
        best = _root(climb, *_around(climb))
        best = 0.0 if abs(best) < _LEVEL else best
        top = height(best)
    depth = top - 0.5 * float(chdtri(1, 1.0 - level))
    low = -np.inf if best == -np.inf else _cross(height, depth, best, -1.0)
    high = np.inf if best == np.inf else _cross(height, depth, best, 1.0)
    return best / span, low / span, high / span


def _around(climb: Callable[[float], float]) -> tuple[float, float]:
    """Bracket of the root of a falling function."""
    reach = 1.0
    while climb(-reach) < 0.0 or climb(reach) > 0.0:
        reach *= 2.0
    return -reach, reach


def _cross(height: Callable[[float], float], depth: float, best: float, direction: float) -> float:
    """Where a profile falls to `depth` on one side of its maximum (or from infinity)."""
    inside, step = (best if np.isfinite(best) else 0.0), 1.0
    while not np.isfinite(best) and height(inside) <= depth:
        inside -= direction * step
        step *= 2.0
    step, outside = 1.0, inside + direction
    while height(outside) > depth:
        if abs(outside) > _FARTHEST:
            return direction * float("inf")
        step *= 2.0
        inside, outside = outside, outside + direction * step
    return _root(lambda b: height(b) - depth, inside, outside)


def _root(function: Callable[[float], float], a: float, b: float) -> float:
    found = brentq(function, a, b, xtol=1e-13, rtol=1e-14)
    return float(found)  # pyrefly: ignore[bad-argument-type]


def _half_life(slope: float, low: float, high: float) -> tuple[float, float, float]:
    """Half-life with limits; NaN where the cells do not fall, infinite where they may not."""
    nan, ln2 = float("nan"), float(np.log(2.0))
    if np.isnan(slope) or slope >= 0.0:
        return nan, nan, nan
    return ln2 / -slope, ln2 / -low, (ln2 / -high if high < 0.0 else float("inf"))


def _dispersion(day: Floats, cells: Floats, amount: Floats, slope: float) -> float:
    """Pearson's test that the counts are Poisson about the line; NaN with two draws."""
    if day.size < 3 or not np.isfinite(slope):
        return float("nan")
    log = np.log(amount) + slope * (day - day[0])
    share = np.exp(log - log.max())
    expected = cells.sum() * share / share.sum()
    statistic = float(((cells - expected) ** 2 / expected).sum())
    return float(chdtrc(day.size - 2, statistic))


def _course(total: float, low: float, high: float) -> str:
    if total == 0:
        return "no cells"
    if high < 0.0:
        return "falling"
    return "rising" if low > 0.0 else "unclear"


def _summary(frame: pl.DataFrame) -> pl.DataFrame:
    names = ["falling", "rising", "unclear", "no cells"]
    n = [frame.filter(pl.col("course") == name).height for name in names]
    total = max(frame.height, 1)
    return pl.DataFrame({"course": names, "n": n, "share": [k / total for k in n]})
