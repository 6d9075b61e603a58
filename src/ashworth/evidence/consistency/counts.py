"""p-values of two groups' counts by every test that a paper may have used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtrc, gammaln, ndtr

from ashworth.errors import InputError, Problem
from ashworth.survival.inputs import Floats
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

_SLACK = 1e-7
_LARGEST = 250_000


@dataclass(frozen=True, slots=True)
class CountTests:
    """p-values of one table of two groups.

    Attributes
    ----------
    p_values : mapping of str to float
        By name of the test; NaN where a test does not exist for these counts.
    n, events : int
        Patients and events of both groups.
    method, options, version
        What was done.
    """

    p_values: Mapping[str, float]
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per test."""
        import polars as pl

        names, values = list(self.p_values), list(self.p_values.values())
        return pl.DataFrame({"test": names, "p_value": values})


def p_values_of_counts(events_1: int, n_1: int, events_2: int, n_2: int) -> CountTests:
    """Give the p-value of two groups' counts by every usual test.

    When to use it: a paper prints counts and a p-value, but not the test.

    Parameters
    ----------
    events_1, n_1, events_2, n_2 : int
        Patients with the event and all patients, per group; 0 <= events <= n, n >= 1.

    Returns
    -------
    CountTests
        ``less`` means: the first group's share is lower. ``mid_p_two_sided`` doubles the smaller
        tail. ``barnard`` orders tables by the pooled score, ``boschloo`` by Fisher's p-value;
        both take the largest p over the common share, with the groups' sizes fixed. The names
        with ``_transposed`` fix the numbers of events instead: what a program gives that was
        handed the groups as rows where it expects columns. Exact unconditional tests are NaN for
        tables with more than 250 000 outcomes.

    Raises
    ------
    InputError
        Counts that are negative, not whole, or above their total; an empty group.

    References
    ----------
    Fisher RA. J R Stat Soc 1935;98:39. Barnard GA. Biometrika 1947;34:123.
    Boschloo RD. Stat Neerl 1970;24:1. Lancaster HO. J Am Stat Assoc 1961;56:223 (mid-p).

    Examples
    --------
    >>> tests = p_values_of_counts(5, 29, 4, 29)
    >>> round(tests.p_values["fisher_less"], 4), round(tests.p_values["fisher_two_sided"], 4)
    (0.7649, 1.0)
    """
    _check(events_1, n_1, events_2, n_2)
    table = (int(events_1), int(n_1), int(events_2), int(n_2))
    n, events = table[1] + table[3], table[0] + table[2]
    return CountTests(
        p_values(*table, slow=True), n, events, "tests of two groups' counts", {}, __version__
    )


@lru_cache(maxsize=256)
def p_values(a: int, n: int, b: int, m: int, *, slow: bool) -> Mapping[str, float]:
    """p-values by test; the exact unconditional ones only if `slow`."""
    quick = {**_conditional(a, n, b, m), **_asymptotic(a, n, b, m)}
    return {**quick, **_unconditional(a, n, b, m)} if slow else quick


def _check(a: int, n: int, b: int, m: int) -> None:
    problems = []
    for name, x, total in (("events_1", a, n), ("events_2", b, m)):
        numbers = all(isinstance(v, int | float | np.number) and np.isfinite(v) for v in (x, total))
        if not (numbers and x == x // 1 and total == total // 1 and 0 <= x <= total >= 1):
            problems.append(
                Problem("p_values_of_counts", None, name, f"{x} of {total}",
                        "whole numbers, 0 <= events <= n, n >= 1", "correct the counts")
            )  # fmt: skip
    if problems:
        raise InputError(problems, subject="the arguments of p_values_of_counts")


def _log_choose(n: int, k: Floats) -> Floats:
    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)


def hypergeometric(n: int, m: int, total: int) -> tuple[Floats, Floats]:
    """First group's possible events given all margins, with their probabilities."""
    x = np.arange(max(0, total - m), min(n, total) + 1, dtype=float)
    log = _log_choose(n, x) + _log_choose(m, total - x)
    weight = np.exp(log - log.max())
    return x, weight / weight.sum()


def _conditional(a: int, n: int, b: int, m: int) -> dict[str, float]:
    """Fisher's test and its mid-p form."""
    x, p = hypergeometric(n, m, a + b)
    here = float(p[x == a][0])
    less, greater = min(1.0, float(p[x <= a].sum())), min(1.0, float(p[x >= a].sum()))
    return {
        "fisher_two_sided": min(1.0, float(p[p <= here * (1 + _SLACK)].sum())),
        "fisher_less": less,
        "fisher_greater": greater,
        "mid_p_two_sided": 2.0 * min(less, greater) - here,
        "mid_p_less": less - here / 2.0,
        "mid_p_greater": greater - here / 2.0,
    }


def _asymptotic(a: int, n: int, b: int, m: int) -> dict[str, float]:
    """Chi-square with and without Yates, likelihood ratio, score tails."""
    z, yates, g = _score(a, n, b, m), _yates(a, n, b, m), _g(a, n, b, m)
    return {
        "chi_square": float(chdtrc(1, z * z)),
        "chi_square_yates": float(chdtrc(1, yates)),
        "likelihood_ratio": float(chdtrc(1, g)),
        "score_less": float(ndtr(z)),
        "score_greater": float(ndtr(-z)),
    }


def _score(a: int, n: int, b: int, m: int) -> float:
    share = (a + b) / (n + m)
    variance = share * (1 - share) * (1 / n + 1 / m)
    return (a / n - b / m) / math.sqrt(variance) if variance > 0 else math.nan


def _yates(a: int, n: int, b: int, m: int) -> float:
    """Chi-square with the correction, which never passes 0 (as R does)."""
    total, events = n + m, a + b
    if events in (0, total):
        return math.nan
    gap = abs(a * m - b * n)
    return total * max(0.0, gap - total / 2) ** 2 / (n * m * events * (total - events))


def _g(a: int, n: int, b: int, m: int) -> float:
    total, events = n + m, a + b
    if events in (0, total):
        return math.nan
    cells = ((a, n * events), (n - a, n * (total - events)),
             (b, m * events), (m - b, m * (total - events)))  # fmt: skip
    return 2.0 * sum(o * math.log(o * total / e) for o, e in cells if o)


def farrington_manning(a: int, n: int, b: int, m: int, margin: float) -> tuple[float, float]:
    """Lower and upper tail of the score test of ``p1 - p2 = margin``.

    The variance takes the shares of largest likelihood under the margin.
    Farrington CP, Manning G. Stat Med 1990;9:1447.
    """
    second = _restricted(a, n, b, m, margin)
    first = second + margin
    variance = first * (1 - first) / n + second * (1 - second) / m
    z = (a / n - b / m - margin) / math.sqrt(variance)
    return float(ndtr(z)), float(ndtr(-z))


def _restricted(a: int, n: int, b: int, m: int, margin: float) -> float:
    """Second group's share that maximises the likelihood given ``p1 = p2 + margin``."""
    from scipy.optimize import brentq

    low, high = max(0.0, -margin) + 1e-13, min(1.0, 1.0 - margin) - 1e-13

    def slope(q: float) -> float:
        p = q + margin
        return a / p - (n - a) / (1 - p) + b / q - (m - b) / (1 - q)

    if slope(low) <= 0 or slope(high) >= 0:
        return low if slope(low) <= 0 else high
    return float(brentq(slope, low, high, xtol=1e-15, rtol=1e-14))  # type: ignore[arg-type]


def _unconditional(a: int, n: int, b: int, m: int) -> dict[str, float]:
    """Barnard and Boschloo with the groups' sizes fixed, and with the events' numbers fixed."""
    names = ("barnard_two_sided", "boschloo_two_sided", "boschloo_less", "boschloo_greater")
    swapped = (a, a + b, n - a, n + m - a - b)
    result = dict(zip(names, _exact_unconditional(a, n, b, m), strict=True))
    empty = swapped[1] == 0 or swapped[3] == 0
    turned = (math.nan,) * 4 if empty else _exact_unconditional(*swapped)
    return result | {f"{k}_transposed": p for k, p in zip(names, turned, strict=True)}


def _exact_unconditional(a: int, n: int, b: int, m: int) -> tuple[float, ...]:
    if (n + 1) * (m + 1) > _LARGEST:
        return (math.nan,) * 4
    i, j = np.arange(n + 1.0)[:, None], np.arange(m + 1.0)[None, :]
    score, fisher = np.abs(_scores(i, j, n, m)), _fisher_tables(n, m)
    here = fisher[:, a, b] * (1 + _SLACK)
    regions = [score >= score[a, b] * (1 - _SLACK)]
    regions += [fisher[k] <= here[k] for k in (2, 0, 1)]
    return _largest(regions, n, m)


def _scores(i: Floats, j: Floats, n: int, m: int) -> Floats:
    share = (i + j) / (n + m)
    variance = share * (1 - share) * (1 / n + 1 / m)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, (i / n - j / m) / np.sqrt(variance), 0.0)


def _fisher_tables(n: int, m: int) -> Floats:
    """Fisher's p (less, greater, two-sided) of every table, shape (3, n + 1, m + 1)."""
    tables = np.ones((3, n + 1, m + 1))
    for total in range(n + m + 1):
        x, p = hypergeometric(n, m, total)
        row, column = x.astype(int), (total - x).astype(int)
        tables[0, row, column] = np.cumsum(p)
        tables[1, row, column] = np.cumsum(p[::-1])[::-1]
        order = np.argsort(p, kind="stable")
        place = np.searchsorted(p[order], p * (1 + _SLACK), side="right")
        tables[2, row, column] = np.cumsum(p[order])[place - 1]
    return tables


def _largest(regions: list[Any], n: int, m: int) -> tuple[float, ...]:
    """Largest probability of each region over the common share, by a grid and its refinement."""
    share = np.linspace(0.0, 1.0, 401)
    first, second = _binomial(n, share), _binomial(m, share)
    return tuple(_refined(r.astype(float), share, ((first @ r) * second).sum(axis=1), n, m)
                 for r in regions)  # fmt: skip


def _refined(inside: Floats, share: Floats, p: Floats, n: int, m: int) -> float:
    """Go on around the largest value of a grid."""
    best = float(p.max())
    for _ in range(4):
        k, last = int(np.argmax(p)), share.size - 1
        share = np.linspace(share[max(k - 1, 0)], share[min(k + 1, last)], 41)
        p = ((_binomial(n, share) @ inside) * _binomial(m, share)).sum(axis=1)
        best = max(best, float(p.max()))
    return min(1.0, best)


def _binomial(n: int, share: Floats) -> Floats:
    """Probabilities of 0 ... n events at each share, shape (shares, n + 1)."""
    k = np.arange(n + 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = (_log_choose(n, k) + np.where(k > 0, k * np.log(share)[:, None], 0.0)
               + np.where(k < n, (n - k) * np.log1p(-share)[:, None], 0.0))  # fmt: skip
    return np.exp(log)
