"""The law of the largest of many standardised log-rank statistics.

The statistics of rising cuts are correlated: under permutation of the scores the correlation of two
cuts with m1 <= m2 rows below them is that of a Brownian bridge,
sqrt(m1 (n - m2) / (m2 (n - m1))). So the limit law is that of a Markov chain and is integrated cut
by cut; the two older approximations of the literature stand beside it.

References
----------
.. [1] Miller R, Siegmund D (1982). Maximally selected chi square statistics. Biometrics 38:1011-16.
.. [2] Lausen B, Schumacher M (1992). Maximally selected rank statistics. Biometrics 48:73-85.
.. [3] Lausen B, Sauerbrei W, Schumacher M (1994). Classification and regression trees (CART) used
   for the exploration of prognostic factors measured on different scales. In: Computational
   statistics, 483-496. Physica.
.. [4] Hothorn T, Lausen B (2003). On the exact distribution of maximally selected rank statistics.
   Comput Stat Data Anal 43:121-137.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from ashworth.survival.inputs import Booleans, Floats, Integers

_BATCH = 2_000_000
_MOST_CUTS = 1_000
_REACH = 9.0
_LARGEST = 37.0
_ROOT_2_PI = math.sqrt(2.0 * math.pi)


def log_rank_scores(time: Floats, event: Booleans) -> Floats:
    """Event less cumulative hazard (Nelson-Aalen) at its own time, shape (n,); their sum is 0."""
    distinct, code = np.unique(time, return_inverse=True)
    leave = np.bincount(code, minlength=distinct.size)
    deaths = np.bincount(code[event], minlength=distinct.size)
    at_risk = leave[::-1].cumsum()[::-1]
    return event - (deaths / at_risk).cumsum()[code]


def standardised(sums: Floats, below: Integers, scores: Floats) -> Floats:
    """Permutation-standardised sums of the scores of the `below` first rows."""
    n = scores.size
    total, squares = scores.sum(), float(scores @ scores)
    mean = below / n * total
    spread = below * (n - below) / (n * n * (n - 1.0)) * (n * squares - total * total)
    inverse = np.where(spread > 0.0, 1.0 / np.sqrt(np.where(spread > 0.0, spread, 1.0)), 0.0)
    return (sums - mean) * inverse


def permuted_maxima(
    scores: Floats, below: Integers, permutations: int, rng: np.random.Generator
) -> Floats:
    """Largest absolute statistic of random permutations of the scores, ascending."""
    maxima = np.empty(permutations)
    size = max(1, _BATCH // scores.size)
    for first in range(0, permutations, size):
        count = min(size, permutations - first)
        shuffled = rng.permuted(np.broadcast_to(scores, (count, scores.size)), axis=1)
        sums = shuffled.cumsum(axis=1)[:, below - 1]
        maxima[first : first + count] = np.abs(standardised(sums, below, scores)).max(axis=1)
    return np.sort(maxima)


def every_maximum(scores: Floats, below: Integers) -> Floats:
    """Largest absolute statistic of all permutations of a few scores, ascending."""
    from itertools import permutations

    every = np.array(list(permutations(scores.tolist())))
    sums = every.cumsum(axis=1)[:, below - 1]
    return np.sort(np.abs(standardised(sums, below, scores)).max(axis=1))


def lausen_1992(b: float, low: float, high: float) -> float:
    """P-value from the smallest and largest share below a cut (Miller and Siegmund)."""
    if b <= 1.0:
        return 1.0
    density = math.exp(-b * b / 2.0) / math.sqrt(2.0 * math.pi)
    spread = math.log(high * (1.0 - low) / ((1.0 - high) * low))
    return min(max(density * (4.0 / b + (b - 1.0 / b) * spread), 0.0), 1.0)


def lausen_1994(b: float, below: Integers, n: int) -> float:
    """P-value by the improved Bonferroni inequality over neighbouring cuts."""
    m1, m2 = below[:-1].astype(np.float64), below[1:].astype(np.float64)
    t = np.sqrt(1.0 - m1 * (n - m2) / ((n - m1) * m2))
    steps = math.exp(-b * b / 2.0) / math.pi * (t - (b * b / 4.0 - 1.0) * t**3 / 6.0)
    return float(min(max(2.0 * ndtr(-b) + steps.sum(), 0.0), 1.0))


def gaussian(b: float, below: Integers, n: int) -> float:
    r"""P(max |Z_j| > b) for the normal limit, integrated cut by cut.

    Given :math:`Z_j = x`, :math:`Z_{j+1}` is normal with mean :math:`\rho x` and variance
    :math:`1 - \rho^2`. The density of the mass that has stayed within (-b, b) is carried on at
    Gauss-Legendre nodes that lie closer than the narrowest step. NaN for more than 1,000 cuts.
    """
    if b <= 0.0:
        return 1.0
    if b > _LARGEST:
        return 0.0
    if below.size > _MOST_CUTS:
        return float("nan")
    m = below.astype(np.float64)
    rho = np.sqrt(m[:-1] * (n - m[1:]) / (m[1:] * (n - m[:-1])))
    sigma = np.sqrt(((m[1:] - m[:-1]) * n) / (m[1:] * (n - m[:-1])))
    nodes = int(60 + 5.0 * b / float(sigma.min(initial=1.0)))
    x, weight = _legendre(nodes)
    x, weight = x * b, weight * b
    density = np.exp(-x * x / 2.0) / _ROOT_2_PI
    for r, s in zip(rho.tolist(), sigma.tolist(), strict=True):
        density = _step(density * weight, x, r, s)
    return float(min(max(1.0 - density @ weight, 0.0), 1.0))


@lru_cache(maxsize=8)
def _legendre(nodes: int) -> tuple[Floats, Floats]:
    from scipy.special import roots_legendre

    return roots_legendre(nodes)


def _step(mass: Floats, x: Floats, rho: float, sigma: float) -> Floats:
    """Density at the nodes after one step, from the sources within nine standard deviations."""
    first = np.searchsorted(x, (x - _REACH * sigma) / rho)
    last = np.searchsorted(x, (x + _REACH * sigma) / rho)
    width = int((last - first).max())
    source = np.minimum(first[:, None] + np.arange(width), x.size - 1)
    inside = first[:, None] + np.arange(width) < last[:, None]
    away = (x[:, None] - rho * x[source]) / sigma
    kernel = np.exp(-away * away / 2.0) * inside
    return (kernel * mass[source]).sum(axis=1) / (sigma * _ROOT_2_PI)


def critical_value(p_value: Callable[[float], float], level: float) -> float:
    """Statistic whose corrected p-value is `level`."""
    found: Any = brentq(lambda b: p_value(b) - level, 1.0, _LARGEST, xtol=1e-8)
    return float(found)
