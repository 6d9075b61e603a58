"""The pixels of each label as one list, and statistics over such lists."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]
_BINS = 128


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
    """Flat positions of the pixels that are not 0, ascending; 16 empty pixels are one step."""
    flat = labels.reshape(-1)
    whole = flat.size // 16
    pairs = flat[: 16 * whole].view(np.int64)
    found = np.empty(65536, np.int64)
    n = 0
    for i in range(whole + 1):
        q = 8 * i
        if i < whole and (
            pairs[q] | pairs[q + 1] | pairs[q + 2] | pairs[q + 3]
            | pairs[q + 4] | pairs[q + 5] | pairs[q + 6] | pairs[q + 7]
        ) == 0:  # fmt: skip
            continue
        if n + 16 > found.size:
            found = np.concatenate((found, np.empty(n, np.int64)))
        for p in range(16 * i, min(16 * i + 16, flat.size)):
            found[n] = p
            n += flat[p] != 0
    return found[:n]


@numba.njit(cache=True, nogil=True)
def marked(mask: NDArray[np.uint8]) -> Positions:
    """Flat positions of the pixels that are not 0, ascending; 32 empty pixels are one step."""
    flat = mask.reshape(-1)
    whole = flat.size // 32
    words = flat[: 32 * whole].view(np.int64)
    found = np.empty(65536, np.int64)
    n = 0
    for i in range(whole + 1):
        q = 4 * i
        if i < whole and words[q] | words[q + 1] | words[q + 2] | words[q + 3] == 0:
            continue
        if n + 32 > found.size:
            found = np.concatenate((found, np.empty(n, np.int64)))
        for p in range(32 * i, min(32 * i + 32, flat.size)):
            found[n] = p
            n += flat[p] != 0
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


def pixel_lists(
    labels: NDArray[np.int32], n: int | None = None, *, inside: Positions | None = None
) -> PixelLists:
    """List the pixels of the labels 1..n.

    Parameters
    ----------
    labels : ndarray of int32
    n : int, optional
        The highest label by default.
    inside : ndarray of int64, optional
        The positions `labelled` in `labels`, where they are known.

    Examples
    --------
    >>> lists = pixel_lists(np.array([[0, 1, 1], [2, 0, 1]], np.int32))
    >>> lists.area_px.tolist(), lists.position.tolist()
    ([3, 1], [1, 2, 5, 3])
    """
    inside = labelled(labels) if inside is None else inside
    label = labels.reshape(-1)[inside]
    highest = int(label.max(initial=0))
    return PixelLists(*by_label(label, inside, highest if n is None else n))


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
def _middle_bin(values: Floats, k: int) -> tuple[int, int]:
    """Move to the front the values among which the k-th smallest is; their number and its rank.

    Values are counted in bins of equal width between the extremes; those of one bin remain.
    """
    low = high = values[0]
    for v in values:
        low, high = min(low, v), max(high, v)
    if not 1e-30 < high - low < 1e30:
        return values.size, k
    scale = np.float32(_BINS - 1) / (high - low)
    counts, bins = np.zeros(_BINS, np.int64), np.empty(values.size, np.uint8)
    for i in range(values.size):
        bins[i] = int((values[i] - low) * scale)
        counts[bins[i]] += 1
    chosen, below = 0, counts[0]
    while below <= k:
        chosen += 1
        below += counts[chosen]
    m = 0
    for i in range(values.size):
        if bins[i] == chosen:
            values[i], values[m] = values[m], values[i]
            m += 1
    return m, k - (below - counts[chosen])


@numba.njit(cache=True, nogil=True)
def median_of(values: Floats) -> float:
    """Median; the order of `values` is changed. NaN without values."""
    n = values.size
    if n == 0:
        return np.nan
    m, k = _middle_bin(values, n // 2) if n >= _BINS else (n, n // 2)
    upper = select(values[:m], k)
    if n % 2 == 1:
        return upper
    lower = np.float32(-np.inf)
    smaller = values[:k] if k > 0 else values[m:]
    for v in smaller:
        if v <= upper:
            lower = max(lower, v)
    return float(0.5 * (lower + upper))


@numba.njit(cache=True, nogil=True)
def clipped_means(
    flat: Floats, beside: NDArray[np.uint16], start: Positions, position: Positions, reach: float
) -> tuple[Floats, Floats]:
    """Means over each label's pixels within `reach` of their median, NaN where it has none.

    The median is that of `flat`; the second array holds the means of `beside` over the same
    pixels. A median of whole or coarsely stored counts is itself coarse; the mean about it is
    not, and what lies far from it (a neighbour's halo) does not move it.
    """
    n = start.size - 2
    out, other = np.full(n, np.nan, np.float32), np.full(n, np.nan, np.float32)
    buffer = np.empty(max(1, np.max(np.diff(start))), np.float32)
    for k in range(1, n + 1):
        mine = position[start[k] : start[k + 1]]
        for i in range(mine.size):
            buffer[i] = flat[mine[i]]
        middle, total, level, within = median_of(buffer[: mine.size]), 0.0, 0.0, 0
        for p in mine:
            if abs(flat[p] - middle) <= reach:
                total += flat[p]
                level += beside[p]
                within += 1
        if within > 0:
            out[k - 1], other[k - 1] = total / within, level / within
    return out, other
