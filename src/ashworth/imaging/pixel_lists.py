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
def labelled(labels: NDArray[np.int32]) -> Positions:
    """Flat positions of the pixels that bear a label, ascending."""
    height, width = labels.shape
    found = np.empty(65536, np.int64)
    n = 0
    for y in range(height):
        row = labels[y]
        if n + width > found.size:
            found = np.concatenate((found, np.empty(n + width, np.int64)))
        for x in range(width):
            if row[x] > 0:
                found[n] = y * width + x
                n += 1
    return found[:n]


@numba.njit(cache=True, nogil=True)
def by_label(label: NDArray[np.int32], position: Positions, n: int) -> tuple[Positions, Positions]:
    """Sort positions by their labels 1..n, those of one label in the order given."""
    count = np.zeros(n + 2, np.int64)
    for k in label:
        count[k + 1] += 1
    start = np.cumsum(count)
    fill = start.copy()
    out = np.empty(position.size, np.int64)
    for i in range(position.size):
        k = label[i]
        out[fill[k]] = position[i]
        fill[k] += 1
    return start, out


def pixel_lists(labels: NDArray[np.int32], n: int) -> PixelLists:
    """List the pixels of the labels 1..n.

    Examples
    --------
    >>> lists = pixel_lists(np.array([[0, 1, 1], [2, 0, 1]], np.int32), 2)
    >>> lists.area_px.tolist(), lists.position.tolist()
    ([3, 1], [1, 2, 5, 3])
    """
    position = labelled(labels)
    return PixelLists(*by_label(labels.reshape(-1)[position], position, n))


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
def medians(flat: Floats | NDArray[np.uint16], start: Positions, position: Positions) -> Floats:
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
