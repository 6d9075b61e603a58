"""What a negative result means: detection probability, volume planning, blanks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainccinv, pdtrc

Floats = NDArray[np.float64]


def detection_probability(
    concentration: ArrayLike,
    amount: ArrayLike,
    *,
    recovery: ArrayLike = 1.0,
    minimum_count: int = 1,
    blank_rate: float = 0.0,
) -> Floats:
    r"""Probability that a tube is positive at a given true concentration.

    Parameters
    ----------
    concentration : array_like
        True cells per unit (ml, or nucleated cells), >= 0.
    amount : array_like
        Amount analysed.
    recovery : array_like
        Share of cells found, in (0, 1].
    minimum_count : int
        Smallest positive count.
    blank_rate : float
        False positive cells per unit.

    Returns
    -------
    ndarray of float
        :math:`P(N \ge k)`, N Poisson with mean amount * (recovery * concentration + blank_rate).

    Examples
    --------
    >>> float(detection_probability(0.1, 7.5, recovery=0.85).round(4))
    0.4714
    """
    rate = np.asarray(recovery, float) * np.asarray(concentration, float) + blank_rate
    return np.asarray(pdtrc(minimum_count - 1, np.asarray(amount, float) * rate))


def volume_for_detection(
    concentration: ArrayLike,
    *,
    probability: float = 0.95,
    recovery: ArrayLike = 1.0,
    minimum_count: int = 1,
) -> Floats:
    """Amount needed to find at least `minimum_count` cells with a given probability.

    Parameters
    ----------
    concentration : array_like
        True cells per unit, > 0.
    probability : float
        Wanted detection probability, in (0, 1).
    recovery : array_like
        Share of cells found.
    minimum_count : int
        Smallest positive count.

    Returns
    -------
    ndarray of float
        Same unit as the concentration's denominator; -log(1 - probability) / (recovery c) for
        one cell.

    Examples
    --------
    >>> float(volume_for_detection(0.1, recovery=0.85).round(2))
    35.24
    """
    rate = np.asarray(recovery, float) * np.asarray(concentration, float)
    if np.any(rate <= 0) or not 0 < probability < 1:
        raise ValueError("need concentration and recovery above 0 and 0 < probability < 1")
    return np.asarray(gammainccinv(minimum_count, 1.0 - probability) / rate)


def smallest_cutoff(blank_mean: ArrayLike, *, alpha: float = 0.05) -> NDArray[np.int64]:
    """Smallest cut-off that blanks alone reach with a probability of at most alpha.

    Parameters
    ----------
    blank_mean : array_like
        Expected false positive cells in the amount analysed.
    alpha : float
        Allowed false positive probability.

    Returns
    -------
    ndarray of int
        At least 0: without blanks and with alpha = 1 every count would do.

    Examples
    --------
    >>> smallest_cutoff([0.1, 0.3, 0.5]).tolist()
    [2, 2, 3]
    """
    means = np.atleast_1d(np.asarray(blank_mean, dtype=float))
    if np.any(means < 0) or not 0 < alpha <= 1:
        raise ValueError("need blank_mean >= 0 and 0 < alpha <= 1")
    cut = np.full(means.shape, 0 if alpha == 1 else 1, dtype=np.int64)
    while np.any(high := (cut > 0) & (pdtrc(np.maximum(cut - 1, 0), means) > alpha)):
        cut = cut + high
    return cut
