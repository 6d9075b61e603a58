"""Measures of agreement of a square table of two readers, with large-sample limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import bdtr, betaincinv, ndtri

Weighting: TypeAlias = Literal["identity", "linear", "quadratic"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measure:
    """An estimate with its standard error and limits; NaN where it is not defined."""

    estimate: float
    standard_error: float
    lower: float
    upper: float


def frame_of(rows: Mapping[str, Measure]) -> pl.DataFrame:
    """One row per measure: measure, estimate, standard_error, lower, upper."""
    names = ("estimate", "standard_error", "lower", "upper")
    columns = {n: [getattr(m, n) for m in rows.values()] for n in names}
    return pl.DataFrame({"measure": list(rows)} | columns)


def weights(k: int, weighting: Weighting) -> Floats:
    """Weights of agreement between k ordered categories: 1 on the diagonal, 0 in the far corners.

    Examples
    --------
    >>> weights(3, "quadratic")[0].tolist()
    [1.0, 0.75, 0.0]
    """
    if weighting == "identity":
        return np.eye(k)
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1)
    if weighting == "linear":
        return 1.0 - apart
    if weighting == "quadratic":
        return 1.0 - apart**2
    raise ValueError(f"found {weighting!r}; allowed: 'identity', 'linear', 'quadratic'")


def kappa(counts: Floats, w: Floats, level: float) -> Measure:
    """Cohen's kappa, weighted by `w`, with the variance of Fleiss, Cohen and Everitt (1969).

    NaN where chance alone agrees fully (both readers used one and the same category).
    """
    n = counts.sum()
    p = counts / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, chance = float(np.sum(w * p)), float(rows @ w @ columns)
    if chance >= 1.0:
        return Measure(*[float("nan")] * 4)
    estimate = (observed - chance) / (1.0 - chance)
    expected = np.add.outer(w @ columns, rows @ w)
    spread = np.sum(p * (w - expected * (1.0 - estimate)) ** 2)
    variance = (spread - (estimate - chance * (1.0 - estimate)) ** 2) / (n * (1.0 - chance) ** 2)
    return _gaussian(estimate, float(variance), level, -1.0)


def ac1(counts: Floats, level: float) -> Measure:
    """Gwet's AC1 of a table of k categories; variance by the delta method over the table.

    For two readers this is the variance of Gwet (2008) without his finite population correction.
    """
    n, k = counts.sum(), counts.shape[0]
    p = counts / n
    prevalence = (p.sum(axis=0) + p.sum(axis=1)) / 2.0
    observed = float(np.trace(p))
    chance = float(np.sum(prevalence * (1.0 - prevalence)) / (k - 1))
    estimate = (observed - chance) / (1.0 - chance)
    slope = (1.0 - 2.0 * prevalence) / (k - 1)
    of_chance = np.add.outer(slope, slope) / 2.0
    gradient = np.eye(k) / (1.0 - chance) - (1.0 - observed) / (1.0 - chance) ** 2 * of_chance
    return _gaussian(estimate, _delta(p, gradient, n), level, -1.0)


def specific_agreement(counts: Floats, category: int, level: float) -> Measure:
    """Share of a category's uses in which the other reader used it too; delta-method limits.

    2 n_ii / (n_i. + n_.i); Cicchetti and Feinstein (1990) call it positive or negative agreement.
    """
    n = counts.sum()
    p = counts / n
    used = float(p[category].sum() + p[:, category].sum())
    if used == 0:
        return Measure(*[float("nan")] * 4)
    both = float(p[category, category])
    gradient = np.zeros_like(p)
    gradient[category] -= 2.0 * both / used**2
    gradient[:, category] -= 2.0 * both / used**2
    gradient[category, category] += 2.0 / used
    return _gaussian(2.0 * both / used, _delta(p, gradient, n), level, 0.0)


def proportion(successes: float, trials: float, level: float) -> Measure:
    """Proportion with exact limits (Clopper and Pearson 1934); NaN without trials."""
    if trials == 0:
        return Measure(*[float("nan")] * 4)
    tail = (1.0 - level) / 2.0
    share = successes / trials
    low = betaincinv(successes, trials - successes + 1, tail) if successes > 0 else 0.0
    high = betaincinv(successes + 1, trials - successes, 1 - tail) if successes < trials else 1.0
    error = np.sqrt(share * (1.0 - share) / trials)
    return Measure(share, float(error), float(low), float(high))


def mcnemar(missed: int, extra: int) -> float:
    """Exact two-sided p value that both kinds of disagreement are as frequent; 1 without any.

    Examples
    --------
    >>> round(mcnemar(2, 9), 4)
    0.0654
    """
    n = missed + extra
    return min(1.0, 2.0 * float(bdtr(min(missed, extra), n, 0.5))) if n else 1.0


def _delta(p: Floats, gradient: Floats, n: float) -> float:
    """Large-sample variance of a function of multinomial shares."""
    return float((np.sum(p * gradient**2) - np.sum(p * gradient) ** 2) / n)


def _gaussian(estimate: float, variance: float, level: float, least: float) -> Measure:
    error = float(np.sqrt(max(variance, 0.0)))
    half = float(ndtri((1.0 + level) / 2.0)) * error
    return Measure(estimate, error, max(estimate - half, least), min(estimate + half, 1.0))
