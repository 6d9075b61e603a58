"""What false positive cells alone would do to a patient's HER2 verdict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, betaincinv

from ashworth.definitions.her2_models import Her2Criterion

Floats = NDArray[np.float64]


def h_score(counts: NDArray[np.int64]) -> float:
    """H-score: percentage of cells 1+, twice that of 2+ and three times that of 3+; 0 to 300.

    References
    ----------
    McCarty KS et al. Arch Pathol Lab Med 1985;109:716.

    Examples
    --------
    >>> h_score(np.array([10, 20, 30, 40]))
    200.0
    """
    return 100.0 * float(counts @ np.arange(4)) / float(counts.sum())


def exact_limits(positive: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson limits of a share of cells; NaN without cells.

    Examples
    --------
    >>> lower, upper = exact_limits(1, 500)
    >>> round(lower, 5), round(upper, 5)
    (5e-05, 0.01109)
    """
    if n == 0:
        return float("nan"), float("nan")
    tail = (1.0 - level) / 2.0
    lower = float(betaincinv(positive, n - positive + 1, tail)) if positive else 0.0
    upper = float(betaincinv(positive + 1, n - positive, 1.0 - tail)) if positive < n else 1.0
    return lower, upper


def reached(criterion: Her2Criterion, positive: int, n: int, counts: NDArray[np.int64]) -> bool:
    """Tell whether a number of positive cells, their share or the H-score reaches the cut-off."""
    value = {"cells": float(positive), "share": float(positive)}.get(criterion.kind)
    if value is None:
        value, cutoff = float(counts @ np.arange(4)) * 100.0, criterion.cutoff * n
    else:
        cutoff = criterion.cutoff * (n if criterion.kind == "share" else 1)
    slack = 1e-9 * max(abs(cutoff), 1.0)
    return value >= cutoff - slack if criterion.at_least is not None else value > cutoff + slack


def false_cells_removed(n: int, rate: float, level: float = 0.95) -> int:
    """Number of false positive cells that a patient without positive cells rarely exceeds.

    The smallest k with P(X <= k) >= level for X of Binomial(n, rate).

    Examples
    --------
    >>> [false_cells_removed(n, 0.0005) for n in (8, 100, 500, 5000)]
    [0, 0, 1, 5]
    """
    k = np.arange(n + 1)
    return int(np.argmax(bdtr(k, n, rate) >= level))


def chance_if_negative(
    criterion: Her2Criterion, n: int, false_2: float | None, false_3: float | None, lowest: int
) -> float | None:
    r"""Probability that n HER2-negative cells are called a positive patient.

    Parameters
    ----------
    criterion : Her2Criterion
        Of the rule.
    n : int
        Evaluable cells, all HER2 negative (0 or 1+).
    false_2, false_3 : float or None
        Rate per cell of a score of at least 2, and of 3.
    lowest : int
        Lowest positive score of the rule.

    Returns
    -------
    float or None
        None where no rate is stated for that score.

    Notes
    -----
    Binomial for cells and shares. For the H-score every cell is taken as 1+ where it is not
    falsely higher, the worst case: with a cells called 2+ and b called 3+ it reaches T if
    :math:`a + 2b \ge n(T / 100 - 1)`, summed over b exactly.

    Examples
    --------
    >>> rule = Her2Criterion(kind="cells", at_least=1)
    >>> [round(chance_if_negative(rule, n, None, 0.0005, 3), 4) for n in (8, 100, 500)]
    [0.004, 0.0488, 0.2212]
    """
    if criterion.kind == "h_score":
        if false_2 is None or false_3 is None:
            return None
        return _h_score_chance(criterion, n, false_2, false_3)
    rate = {2: false_2, 3: false_3}.get(lowest)
    if rate is None:
        return None
    nothing = np.zeros(4, np.int64)
    enough = (k for k in range(n + 1) if reached(criterion, k, n, nothing))
    fewest = next(enough, None)
    if fewest is None:
        return 0.0
    return 1.0 if fewest == 0 else float(bdtrc(fewest - 1, n, rate))


def _h_score_chance(criterion: Her2Criterion, n: int, false_2: float, false_3: float) -> float:
    """Sum over the number of cells falsely 3+ of the chance of enough cells falsely 2+."""
    needed = n * (criterion.cutoff / 100.0 - 1.0)
    fewest = (
        np.ceil(needed - 1e-9) if criterion.at_least is not None else np.floor(needed + 1e-9) + 1
    )
    b = np.arange(n + 1)
    weight = np.diff(np.concatenate([[0.0], bdtr(b, n, false_3)]))
    rest = np.maximum(fewest - 2 * b, 0.0)
    moderate = (false_2 - false_3) / (1.0 - false_3)
    tail = np.where(rest <= 0, 1.0, 0.0)
    open_ = (rest > 0) & (rest <= n - b)
    tail[open_] = bdtrc(rest[open_] - 1, n - b[open_], max(moderate, 0.0))
    return float(min(weight @ tail, 1.0))
