"""Sums over pairs in n log n: how much weight stands below a score in a stretch of rows."""

from __future__ import annotations

import numpy as np

from ashworth.survival.inputs import Floats, Integers


def weight_below(
    rank: Integers, weight: Floats, low: Integers, high: Integers, bound: Integers
) -> Floats:
    """Sum the weights of rows ``low[q]:high[q]`` whose rank is below ``bound[q]``.

    The rows are split by the bits of their rank, highest first, each time keeping their order, and
    every question follows its bound through the bits (a wavelet matrix): O((n + q) log n).

    Parameters
    ----------
    rank : ndarray of int, shape (n,)
        Ranks from 0.
    weight : ndarray, shape (n,)
        Weights of the rows.
    low, high, bound : ndarray of int, shape (q,)
        Stretches ``0 <= low <= high <= n`` and bounds of 0 or more.

    Returns
    -------
    ndarray, shape (q,)
    """
    total = np.zeros(low.size)
    if rank.size == 0 or low.size == 0:
        return total
    bits = max(int(rank.max()), int(bound.max()), 1).bit_length()
    for bit in range(bits - 1, -1, -1):
        zero = (rank >> bit) & 1 == 0
        zeros_before = np.concatenate([[0], np.cumsum(zero)])
        sums = np.concatenate([[0.0], np.cumsum(np.where(zero, weight, 0.0))])
        one = ((bound >> bit) & 1).astype(bool)
        total += np.where(one, sums[high] - sums[low], 0.0)
        n_zeros = zeros_before[-1]
        low = np.where(one, n_zeros + low - zeros_before[low], zeros_before[low])
        high = np.where(one, n_zeros + high - zeros_before[high], zeros_before[high])
        order = np.concatenate([np.flatnonzero(zero), np.flatnonzero(~zero)])
        rank, weight = rank[order], weight[order]
    return total
