"""The pixels of each label as one list, and statistics over such lists."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PixelLists:
    """Flat pixel positions by label.

    Attributes
    ----------
    start : ndarray of int64, shape (n + 2,)
        Label k has the positions ``start[k]:start[k + 1]``; label 0 has none.
    position : ndarray of int64
        Positions in the raveled frame, in reading order within a label.
    """

    start: Positions
    position: Positions

    @property
    def area_px(self) -> Positions:
        """Pixels of the labels 1..n."""
        return np.diff(self.start)[1:]


@numba.njit(cache=True, nogil=True)
def _collect(flat: NDArray[np.int32], n: int) -> tuple[Positions, Positions]:
    count = np.zeros(n + 2, np.int64)
    for p in range(flat.size):
        if flat[p] > 0:
            count[flat[p] + 1] += 1
    start = np.cumsum(count)
    fill = start.copy()
    position = np.empty(start[n + 1], np.int64)
    for p in range(flat.size):
        label = flat[p]
        if label > 0:
            position[fill[label]] = p
            fill[label] += 1
    return start, position


def pixel_lists(labels: NDArray[np.int32], n: int) -> PixelLists:
    """List the pixels of the labels 1..n.

    Examples
    --------
    >>> lists = pixel_lists(np.array([[0, 1, 1], [2, 0, 1]], np.int32), 2)
    >>> lists.area_px.tolist(), lists.position.tolist()
    ([3, 1], [1, 2, 5, 3])
    """
    return PixelLists(*_collect(labels.ravel(), n))


@numba.njit(cache=True, nogil=True)
def select(values: Floats, k: int) -> float:
    """Give the k-th smallest value (from 0); the order of `values` is changed (Hoare 1961)."""
    low, high = 0, values.size - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            return values[k]
    return values[k]


@numba.njit(cache=True, nogil=True)
def median_of(values: Floats) -> float:
    """Median; the order of `values` is changed. NaN without values."""
    n = values.size
    if n == 0:
        return np.nan
    upper = select(values, n // 2)
    if n % 2 == 1:
        return upper
    lower = values[0]
    for i in range(1, n // 2):
        lower = max(lower, values[i])
    return 0.5 * (lower + upper)


@numba.njit(cache=True, nogil=True)
def medians(flat: Floats, start: Positions, position: Positions) -> Floats:
    """Median over each label's pixels, NaN where it has none."""
    n = start.size - 2
    out = np.full(n, np.nan, np.float32)
    buffer = np.empty(max(1, np.max(np.diff(start))), np.float32)
    for k in range(1, n + 1):
        m = start[k + 1] - start[k]
        for i in range(m):
            buffer[i] = flat[position[start[k] + i]]
        out[k - 1] = median_of(buffer[:m])
    return out
