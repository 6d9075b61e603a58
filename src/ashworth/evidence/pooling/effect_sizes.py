"""Effect sizes with standard errors, from what papers print."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import expit, ndtri

from ashworth.errors import AshworthWarning, EstimationError
from ashworth.evidence.pooling.columns import read_counts
from ashworth.survival.inputs import Booleans, Faults, Floats, check_level, check_option, numbers
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

TwoGroupMeasure = Literal["risk_ratio", "odds_ratio", "risk_difference", "peto_odds_ratio"]
ProportionMeasure = Literal["logit", "double_arcsine", "raw"]
DoubleZero = Literal["leave_out", "keep"]


class BackTransformationWarning(AshworthWarning):
    """A pooled double arcsine has no unique proportion; its value depends on a chosen n."""


@dataclass(frozen=True, slots=True)
class EffectSizes:
    """Effect sizes of k studies, ready for `pool`.

    Attributes
    ----------
    estimate, standard_error : ndarray, shape (k,)
        On the scale `scale`; NaN in rows that are left out.
    scale : {"log", "logit", "double_arcsine", "raw"}
    used : ndarray of bool, shape (k,)
    corrected : ndarray of bool, shape (k,)
        Rows with a zero cell, to which `add` was added.
    reasons : tuple of str
        Why a row is left out; empty where it is not.
    n : int
        Rows; `events` of all rows, where events were given.
    method, options, version
    """

    estimate: Floats
    standard_error: Floats
    scale: str
    used: Booleans
    corrected: Booleans
    reasons: tuple[str, ...]
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self, level: float = 0.95) -> pl.DataFrame:
        """One row per study with normal limits; ratios also on the natural scale."""
        import polars as pl

        half = normal_quantile(check_level(level)) * self.standard_error
        columns = {
            "estimate": self.estimate, "standard_error": self.standard_error,
            "lower": self.estimate - half, "upper": self.estimate + half,
        }  # fmt: skip
        back = {"log": np.exp, "logit": expit}.get(self.scale)
        if back is not None:
            for name in ("estimate", "lower", "upper"):
                columns[f"natural_{name}"] = back(columns[name])
        columns |= {"corrected": self.corrected, "reason": np.array(self.reasons)}
        return pl.DataFrame(columns)


def _sizes(
    y: Floats, s: Floats, scale: str, method: str, options: Mapping[str, Any],
    *, corrected: Any = None, reasons: Any = None, events: int | None = None,
) -> EffectSizes:  # fmt: skip
    k = y.size
    why = tuple(reasons) if reasons is not None else ("",) * k
    used = np.array([not r for r in why], dtype=bool)
    fixed = np.zeros(k, dtype=bool) if corrected is None else corrected & used
    return EffectSizes(
        np.where(used, y, np.nan), np.where(used, s, np.nan), scale, used, fixed, why, k, events,
        method, dict(options), __version__,
    )  # fmt: skip


def _one_length(faults: Faults, columns: Mapping[str, Floats]) -> None:
    first = next(iter(columns))
    for name, values in columns.items():
        if values.size != columns[first].size:
            found = f"{values.size} values"
            allowed = f"{columns[first].size}, as many as {first}"
            faults.note(name, found, allowed, "align the columns")
    faults.stop()


def ratios_from_intervals(
    ratio: Any, lower: Any, upper: Any, *, level: float | Any = 0.95
) -> EffectSizes:
    r"""Log ratios (hazard, odds, risk, rate) from printed ratios with their limits.

    Parameters
    ----------
    ratio, lower, upper : array-like, shape (k,)
        On the natural scale, as printed.
    level : float or array-like, shape (k,)
        Level of the limits.

    Returns
    -------
    EffectSizes
        The estimate is the printed one, not the middle of the limits.

    Raises
    ------
    InputError
        Ratios or limits not above 0 (are they logarithms?), limits swapped or equal, an interval
        without its estimate; where the logarithm or the exponential of the estimate lies inside,
        the fault says that the scales are mixed.

    Notes
    -----
    .. math:: SE = \frac{\log u - \log l}{2 z_{(1 + level)/2}}

    References
    ----------
    .. [1] Parmar MKB, Torri V, Stewart L (1998). Extracting summary statistics to perform
       meta-analyses of the published literature for survival endpoints. Stat Med 17:2815-2834.

    Examples
    --------
    >>> found = ratios_from_intervals([1.82], [1.47], [2.26])
    >>> round(float(found.estimate[0]), 4), round(float(found.standard_error[0]), 4)
    (0.5988, 0.1097)
    """
    faults = Faults("ratios_from_intervals")
    r, low, high = (
        numbers(v, name, faults)
        for v, name in ((ratio, "ratio"), (lower, "lower"), (upper, "upper"))
    )
    several = np.ndim(level) > 0 or hasattr(level, "to_numpy")
    levels = numbers(level, "level", faults) if several else np.full(r.size, check_level(level))
    _one_length(faults, {"ratio": r, "lower": low, "upper": high, "level": levels})
    _check_levels(levels, faults)
    _check_intervals(r, low, high, faults)
    faults.stop()
    s = np.log(high / low) / (2.0 * ndtri(0.5 + levels / 2.0))
    options = {"level": level if not several else "by row"}
    return _sizes(np.log(r), s, "log", "log ratio from ratio and interval", options)


def _check_levels(levels: Floats, faults: Faults) -> None:
    bad = ~((levels > 0.0) & (levels < 1.0))
    remedy = "give the level of each interval; a level that the paper does not name is not known"
    faults.rows(bad, "level", "missing levels, or not between 0 and 1", "such as 0.95", remedy)


def _check_intervals(r: Floats, low: Floats, high: Floats, faults: Faults) -> None:
    """Note limits that cannot belong to their ratio, and mixed scales."""
    missing = ~(np.isfinite(r) & np.isfinite(low) & np.isfinite(high))
    faults.rows(missing, "ratio", "missing values", "ratio and limits", "leave the study out")
    with np.errstate(all="ignore"):
        logged = ~missing & (r > 0.0) & (low < np.log(r)) & (np.log(r) < high)
        logged &= (low <= 0.0) | (r < low) | (r > high)
        raised = ~missing & (low < np.exp(r)) & (np.exp(r) < high)
        raised &= (low > 0.0) & ((r < low) | (r > high))
    words = "give ratio and limits on one scale, the natural one"
    allowed = "one scale"
    faults.rows(logged, "lower", "natural ratio with limits that are logarithms", allowed, words)
    faults.rows(raised, "ratio", "logarithm of a ratio with natural limits", allowed, words)
    rest = ~missing & ~logged & ~raised
    positive = (r > 0.0) & (low > 0.0) & (high > 0.0)
    faults.rows(rest & ~positive, "ratio", "ratios or limits of 0 or less", "above 0",
                "are these logarithms? then pass them with standard errors to pool")  # fmt: skip
    rest &= positive
    faults.rows(rest & (low > high), "lower", "limits swapped", "lower below upper", "swap them")
    faults.rows(rest & (low == high), "lower", "limits equal", "lower below upper",
                "take more digits from the paper")  # fmt: skip
    outside = rest & (low < high) & ((r < low) | (r > high))
    faults.rows(outside, "ratio", "an interval without its estimate", "lower <= ratio <= upper",
                "look at the paper again")  # fmt: skip


def ratios_from_p_values(ratio: Any, p_value: Any) -> EffectSizes:
    r"""Log ratios from printed ratios with two-sided p-values of Wald's or the log-rank test.

    A rounded p gives a rough standard error, and "p < 0.001" gives none: prefer limits.

    Parameters
    ----------
    ratio, p_value : array-like, shape (k,)

    Returns
    -------
    EffectSizes

    Raises
    ------
    InputError
        Ratios not above 0 or equal to 1 (no standard error follows), p of 0 or not below 1.

    Notes
    -----
    .. math:: SE = |\log r| / z_{1 - p/2}

    Examples
    --------
    >>> round(float(ratios_from_p_values([1.23], [0.007]).standard_error[0]), 4)
    0.0768
    """
    faults = Faults("ratios_from_p_values")
    r, p = numbers(ratio, "ratio", faults), numbers(p_value, "p_value", faults)
    _one_length(faults, {"ratio": r, "p_value": p})
    faults.rows(~(np.isfinite(r) & (r > 0.0)), "ratio", "missing values, or 0 or less", "above 0",
                "give ratios on the natural scale")  # fmt: skip
    faults.rows(r == 1.0, "ratio", "ratios of 1", "not 1",
                "a ratio of 1 tells no standard error: take the interval")  # fmt: skip
    bad = ~((p > 0.0) & (p < 1.0))
    faults.rows(bad, "p_value", "missing values, 0, or not below 1", "above 0 and below 1",
                "p is never 0: a paper that prints 0.000 means p < 0.0005")  # fmt: skip
    faults.stop()
    y = np.log(r)
    return _sizes(y, abs(y) / -ndtri(p / 2.0), "log", "log ratio from ratio and p-value", {})


def ratios_from_log_rank(observed: Any, expected: Any, variance: Any) -> EffectSizes:
    r"""Log hazard ratios from the log-rank test's observed and expected events and variance.

    Parameters
    ----------
    observed, expected, variance : array-like, shape (k,)
        O, E and V of the group whose hazard stands above the line.

    Returns
    -------
    EffectSizes
        Peto's one-step estimate; good for ratios near 1.

    Raises
    ------
    InputError
        Missing or negative values; a variance of 0.

    Notes
    -----
    .. math:: \log HR = (O - E) / V,\quad SE = 1/\sqrt{V}

    Examples
    --------
    >>> round(float(ratios_from_log_rank([30], [24.0], [12.0]).estimate[0]), 3)
    0.5
    """
    o, e, v = read_counts(
        "ratios_from_log_rank", observed=observed, expected=expected, variance=variance
    )
    faults = Faults("ratios_from_log_rank")
    remedy = "a study without events tells nothing about the ratio: leave it out and say so"
    faults.rows(v == 0.0, "variance", "variances of 0", "above 0", remedy)
    faults.stop()
    method = "log hazard ratio from O - E and V"
    return _sizes((o - e) / v, 1.0 / np.sqrt(v), "log", method, {}, events=int(o.sum()))


def read_two_groups(
    subject: str, events1: Any, n1: Any, events2: Any, n2: Any
) -> tuple[Floats, Floats, Floats, Floats]:
    """Cells a, b (group 1) and c, d (group 2) of checked two by two tables."""
    a, m, c, n = read_counts(subject, events1=events1, n1=n1, events2=events2, n2=n2)
    faults = Faults(subject)
    for name, cell, total in (("events1", a, m), ("events2", c, n)):
        remedy = "events are patients with the event among the group's patients"
        faults.rows(cell > total, name, "more events than patients", "at most n", remedy)
        faults.rows(total == 0, name.replace("events", "n"), "groups of 0 patients", "1 or more",
                    "leave the study out")  # fmt: skip
        faults.rows(cell != np.floor(cell), name, "fractions", "whole numbers",
                    "give events, not shares")  # fmt: skip
    faults.stop()
    return a, m - a, c, n - c


def two_groups(
    events1: Any,
    n1: Any,
    events2: Any,
    n2: Any,
    *,
    measure: TwoGroupMeasure = "risk_ratio",
    add: float = 0.5,
    double_zero: DoubleZero = "leave_out",
) -> EffectSizes:
    r"""Effect sizes of k studies of two groups, from events and totals.

    Parameters
    ----------
    events1, n1, events2, n2 : array-like, shape (k,)
        Events and patients of group 1 (whose risk stands above the line) and group 2.
    measure : {"risk_ratio", "odds_ratio", "risk_difference", "peto_odds_ratio"}
    add : float
        Added to all four cells of studies with a zero cell (not for Peto's).
    double_zero : {"leave_out", "keep"}
        Studies without events, or with only events, in both groups: they tell nothing about a
        ratio, and are left out by default; for a risk difference they are kept.

    Returns
    -------
    EffectSizes
        Ratios as logarithms.

    Raises
    ------
    InputError
        Missing or negative counts, fractions, more events than patients, groups of 0.

    Notes
    -----
    ``corrected`` names the rows that needed `add`; with many of them take `mantel_haenszel` or
    `peto`, which need no correction. metafor's ``escalc`` keeps studies with two zeros: take
    ``double_zero="keep"``.

    Examples
    --------
    >>> found = two_groups([5], [29], [4], [29], measure="odds_ratio")
    >>> round(float(found.estimate[0]), 4), round(float(found.standard_error[0]), 4)
    (0.264, 0.7292)
    """
    check_option(measure, "measure", ("risk_ratio", "odds_ratio", "risk_difference",
                                      "peto_odds_ratio"))  # fmt: skip
    check_option(double_zero, "double_zero", ("leave_out", "keep"))
    if not add > 0.0:
        raise EstimationError(f"two_groups: add is {add!r}; allowed: above 0, such as 0.5")
    a, b, c, d = read_two_groups("two_groups", events1, n1, events2, n2)
    empty = ((a + c) == 0) | ((b + d) == 0)
    ratio = measure != "risk_difference"
    out = empty & ratio & ((double_zero == "leave_out") | (measure == "peto_odds_ratio"))
    why = ["no contrast: none or all of both groups had the event" if e else "" for e in out]
    zero = (a == 0) | (b == 0) | (c == 0) | (d == 0)
    options = {"measure": measure, "add": add, "double_zero": double_zero}
    if measure == "peto_odds_ratio":
        y, s, zero = *_peto_sizes(a, b, c, d), np.zeros(a.size, dtype=bool)
    else:
        y, s = _two_group_sizes(measure, *(x + np.where(zero, add, 0.0) for x in (a, b, c, d)))
    return _sizes(
        y, s, "log" if ratio else "raw", f"{measure} from events and totals", options,
        corrected=zero, reasons=why, events=int((a + c).sum()),
    )  # fmt: skip


def _two_group_sizes(
    measure: str, a: Floats, b: Floats, c: Floats, d: Floats
) -> tuple[Floats, Floats]:
    if measure == "odds_ratio":
        return np.log(a * d / (b * c)), np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    m, n = a + b, c + d
    if measure == "risk_ratio":
        return np.log(a / m) - np.log(c / n), np.sqrt(1 / a - 1 / m + 1 / c - 1 / n)
    return a / m - c / n, np.sqrt(a * b / m**3 + c * d / n**3)


def peto_parts(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats]:
    """O - E and hypergeometric variance of each table."""
    m, n = a + b, c + d
    total, cases = m + n, a + c
    with np.errstate(invalid="ignore", divide="ignore"):
        v = m * n * cases * (b + d) / (total**2 * (total - 1.0))
    return a - m * cases / total, np.nan_to_num(v)


def _peto_sizes(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats]:
    difference, v = peto_parts(a, b, c, d)
    with np.errstate(invalid="ignore", divide="ignore"):
        return difference / v, 1.0 / np.sqrt(v)


def proportions(
    events: Any, n: Any, *, measure: ProportionMeasure = "logit", add: float = 0.5
) -> EffectSizes:
    r"""Effect sizes of k proportions.

    Prefer `pool_proportions`, which pools the counts themselves.

    Parameters
    ----------
    events, n : array-like, shape (k,)
    measure : {"logit", "double_arcsine", "raw"}
        The double arcsine (Freeman and Tukey) has no unique way back to a proportion: a warning
        says so.
    add : float
        Added to events and to non-events where either is 0 (not for the double arcsine).

    Returns
    -------
    EffectSizes

    Raises
    ------
    InputError
        Missing or negative counts, fractions, more events than n (also: over 100 %).

    Warns
    -----
    BackTransformationWarning
        For the double arcsine.

    Notes
    -----
    .. math:: \tfrac12\left(\arcsin\sqrt{\tfrac{x}{n+1}} + \arcsin\sqrt{\tfrac{x+1}{n+1}}\right),
              \quad v = \frac{1}{4n + 2}

    References
    ----------
    .. [1] Schwarzer G, et al. (2019). Seriously misleading results using inverse of Freeman-Tukey
       double arcsine transformation in meta-analysis of single proportions. Res Synth Methods
       10:476-483.

    Examples
    --------
    >>> found = proportions([95], [1317])
    >>> round(float(found.estimate[0]), 4), round(float(found.standard_error[0]), 4)
    (-2.5544, 0.1065)
    """
    check_option(measure, "measure", ("logit", "double_arcsine", "raw"))
    x, total = read_proportions("proportions", events, n)
    zero = (x == 0) | (x == total)
    options, seen = {"measure": measure, "add": add}, int(x.sum())
    method = f"{measure} of proportions"
    if measure == "double_arcsine":
        warnings.warn(
            "the double arcsine of a pooled estimate has no unique proportion (it depends on a "
            "chosen n); take pool_proportions",
            BackTransformationWarning, stacklevel=2,
        )  # fmt: skip
        y = 0.5 * (np.arcsin(np.sqrt(x / (total + 1))) + np.arcsin(np.sqrt((x + 1) / (total + 1))))
        return _sizes(y, 1 / np.sqrt(4 * total + 2), "double_arcsine", method, options, events=seen)
    plus = np.where(zero, add, 0.0)
    e, f = x + plus, total - x + plus
    if measure == "logit":
        y, s, scale = np.log(e / f), np.sqrt(1 / e + 1 / f), "logit"
    else:
        y, s, scale = e / (e + f), np.sqrt(e * f / (e + f) ** 3), "raw"
    return _sizes(y, s, scale, method, options, corrected=zero, events=seen)


def read_proportions(subject: str, events: Any, n: Any) -> tuple[Floats, Floats]:
    """Checked events and totals."""
    x, total = read_counts(subject, events=events, n=n)
    faults = Faults(subject)
    faults.rows(total == 0, "n", "totals of 0", "1 or more", "leave the study out")
    faults.rows(x > total, "events", "more events than n (over 100 %)", "at most n",
                "look at numerator and denominator")  # fmt: skip
    faults.rows(x != np.floor(x), "events", "fractions", "whole numbers",
                "give events, not shares")  # fmt: skip
    faults.stop()
    return x, total


def rates(events: Any, person_time: Any, *, add: float = 0.5) -> EffectSizes:
    r"""Log rates of k studies from events and person-time.

    Parameters
    ----------
    events, person_time : array-like, shape (k,)
    add : float
        Added to events where they are 0.

    Returns
    -------
    EffectSizes

    Raises
    ------
    InputError
        Missing or negative values, person-time of 0.

    Notes
    -----
    .. math:: \log(x / t),\quad SE = 1/\sqrt{x}

    Examples
    --------
    >>> round(float(rates([16], [796.3]).estimate[0]), 4)
    -3.9074
    """
    x, t = _read_rates("rates", events=events, person_time=person_time)
    zero = x == 0
    e = x + np.where(zero, add, 0.0)
    return _sizes(
        np.log(e / t), 1 / np.sqrt(e), "log", "log rate", {"add": add}, corrected=zero,
        events=int(x.sum()),
    )  # fmt: skip


def rate_ratios(
    events1: Any, time1: Any, events2: Any, time2: Any, *, add: float = 0.5
) -> EffectSizes:
    r"""Log rate ratios of k studies of two groups from events and person-time.

    Parameters
    ----------
    events1, time1, events2, time2 : array-like, shape (k,)
    add : float
        Added to both groups' events where either is 0.

    Returns
    -------
    EffectSizes
        A study without events in both groups is left out.

    Raises
    ------
    InputError
        Missing or negative values, person-time of 0.

    Examples
    --------
    >>> found = rate_ratios([7], [32.7], [16], [796.3])
    >>> round(float(np.exp(found.estimate[0])), 2)
    10.65
    """
    a, t, c, u = _read_rates(
        "rate_ratios", events1=events1, time1=time1, events2=events2, time2=time2
    )
    why = ["no events in either group" if e else "" for e in (a + c) == 0]
    zero = (a == 0) | (c == 0)
    e, f = (x + np.where(zero, add, 0.0) for x in (a, c))
    return _sizes(
        np.log(e / t) - np.log(f / u), np.sqrt(1 / e + 1 / f), "log", "log rate ratio",
        {"add": add}, corrected=zero, reasons=why, events=int((a + c).sum()),
    )  # fmt: skip


def _read_rates(subject: str, **given: Any) -> tuple[Floats, ...]:
    columns = read_counts(subject, **given)
    faults = Faults(subject)
    for name, values in zip(given, columns, strict=True):
        if "time" in name:
            faults.rows(values == 0.0, name, "person-time of 0", "above 0", "leave the study out")
    faults.stop()
    return columns
