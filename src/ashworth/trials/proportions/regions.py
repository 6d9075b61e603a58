"""Tables that each test rejects, for one pair of arm sizes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .binomial import all_counts, binomial, likely_counts
from .certified import largest_probability
from .fisher_tables import Alternative, fisher_p_values, fisher_rejects
from .scores import SCORE_TESTS, normal_p_values, score_statistics

Floats = NDArray[np.float64]
Region = NDArray[np.bool_]
ProportionTestName = Literal[
    "fisher", "boschloo", "farrington_manning", "miettinen_nurminen", "z_pooled", "z_unpooled"
]
TESTS = ("fisher", "boschloo", *SCORE_TESTS)
WITH_MARGIN = ("farrington_manning", "miettinen_nurminen", "z_unpooled")
_SLACK = 1e-9
_FINE = 1e-12


def rejection_region(
    test: ProportionTestName, n_control: int, n_experimental: int, alpha: float,
    alternative: Alternative, null_difference: float = 0.0,
    rows: slice | None = None, columns: slice | None = None,
) -> Region:  # fmt: skip
    """Whether the test rejects, by events of control (rows) and experimental (columns).

    `alpha` is the level of the alternative as it stands: of one side, or of both together.
    """
    rows = all_counts(n_control) if rows is None else rows
    columns = all_counts(n_experimental) if columns is None else columns
    level = alpha
    if test == "boschloo":
        level = boschloo_level(n_control, n_experimental, alpha, alternative)
    if test in ("fisher", "boschloo"):
        limit = level * (1.0 + _SLACK)
        return fisher_rejects(n_control, n_experimental, alternative, limit, rows, columns)
    x = np.arange(rows.start, rows.stop)[:, None]
    y = np.arange(columns.start, columns.stop)
    statistic = score_statistics(test, x, n_control, y, n_experimental, null_difference)
    return normal_p_values(statistic, alternative) <= alpha * (1.0 + _SLACK)


def boschloo_level(
    n_control: int, n_experimental: int, alpha: float, alternative: Alternative
) -> float:
    """Largest Fisher p-value that Boschloo's test still rejects.

    Never below alpha, since Fisher's test keeps its level; found by halving among the p-values
    that occur, each step with a certified type I error.
    """
    p_values = fisher_p_values(n_control, n_experimental, alternative, in_tails=alpha < _FINE)
    high = 2.0 * alpha
    while high < 1.0 and _keeps(p_values, high, alpha):
        high = min(1.0, 2.0 * high)
    levels = np.unique(p_values[(p_values > alpha) & (p_values <= high)])
    kept, refused = -1, levels.size
    while refused - kept > 1:
        middle = (kept + refused) // 2
        if _keeps(p_values, float(levels[middle]), alpha):
            kept = middle
        else:
            refused = middle
    return float(levels[kept]) if kept >= 0 else alpha


def boschloo_reaches(
    shares: tuple[float, float], sizes: tuple[int, int], alpha: float, alternative: Alternative,
    power: float,
) -> bool:  # fmt: skip
    """Whether Boschloo's test has the power, that is, the level that gives it keeps alpha."""
    rows, columns = (likely_counts(n, p) for n, p in zip(sizes, shares, strict=True))
    p_values = fisher_p_values(*sizes, alternative, in_tails=alpha < _FINE)
    control, experimental = (binomial(n, p) for n, p in zip(sizes, shares, strict=True))
    likely = p_values[rows, columns].ravel()
    order = np.argsort(likely)
    mass = np.outer(control[rows], experimental[columns]).ravel()[order]
    place = int(np.searchsorted(np.cumsum(mass), power))
    if place == order.size:
        return False
    level = float(likely[order[place]])
    return level <= alpha or _keeps(p_values, level, alpha)


def _keeps(p_values: Floats, level: float, alpha: float) -> bool:
    region = p_values <= level * (1.0 + _SLACK)
    limit = alpha * (1.0 + _SLACK)
    return largest_probability(region, limit=limit).probability <= limit
