"""Kendall's rank correlation with its p-value, as the rank test needs it."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from ashworth.survival.inputs import Floats

_EXACT_BELOW = 50


def kendall(x: Floats, y: Floats) -> tuple[float, float]:
    """Kendall's tau-b and its two-sided p: exact without ties and below 50 pairs, else normal."""
    n = x.size
    i, j = np.triu_indices(n, 1)
    product = np.sign(x[i] - x[j]) * np.sign(y[i] - y[j])
    score = int(product.sum())
    ties_x, ties_y = _ties(x), _ties(y)
    pairs = n * (n - 1) / 2.0
    free = (pairs - _sum(ties_x, 1)) * (pairs - _sum(ties_y, 1))
    tau = score / math.sqrt(free) if free > 0.0 else math.nan
    if not ties_x.size and not ties_y.size and n < _EXACT_BELOW:
        return tau, _exact(n, score)
    variance = (
        (n * (n - 1) * (2 * n + 5) - _cubes(ties_x) - _cubes(ties_y)) / 18.0
        + 2.0 * _sum(ties_x, 1) * _sum(ties_y, 1) / (n * (n - 1.0))
        + _triples(ties_x) * _triples(ties_y) / (9.0 * n * (n - 1.0) * (n - 2.0))
    )
    return tau, 2.0 * float(ndtr(-abs(score) / math.sqrt(variance)))


def _ties(values: Floats) -> Floats:
    counts = np.unique(values, return_counts=True)[1].astype(float)
    return counts[counts > 1]


def _sum(t: Floats, factor: float) -> float:
    return factor * float((t * (t - 1)).sum()) / 2.0


def _cubes(t: Floats) -> float:
    return float((t * (t - 1) * (2 * t + 5)).sum())


def _triples(t: Floats) -> float:
    return float((t * (t - 1) * (t - 2)).sum())


def _exact(n: int, score: int) -> float:
    """Two-sided p from the number of permutations with as few concordant pairs."""
    counts = np.ones(1)
    for m in range(2, n + 1):
        counts = np.convolve(counts, np.full(m, 1.0 / m))
    concordant = (n * (n - 1) // 2 + score) // 2
    lower, upper = counts[: concordant + 1].sum(), counts[concordant:].sum()
    return min(1.0, 2.0 * float(min(lower, upper)))
