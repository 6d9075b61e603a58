"""How convex the parts of a mask are."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ashworth.imaging.nuclei_regions import Boxes, Labels
from ashworth.imaging.nuclei_runs import Runs, row_limits

Doubles = NDArray[np.float64]


@njit(cache=True, nogil=True)
def hull_areas(runs: Runs, part: Labels, box: Boxes) -> Doubles:
    """Area in px² of the convex hull of each part; entry 0 is empty.

    The hull is that of the middles of each row's outer edges, and of the upper and lower ends:
    a pixel has 0.5 px².
    """
    start, first, last = row_limits(runs, part, box)
    hull = np.zeros(box.shape[0], np.float64)
    for k in range(1, box.shape[0]):
        rows = start[k + 1] - start[k]
        y, left, right = np.empty(rows + 2), np.empty(rows + 2), np.empty(rows + 2)
        for i in range(rows):
            y[i + 1] = i
            left[i + 1] = first[start[k] + i] - 0.5
            right[i + 1] = last[start[k] + i] + 0.5
        for end, near, step in ((0, 1, -0.5), (rows + 1, rows, 0.5)):
            y[end] = y[near] + step
            left[end], right[end] = left[near] + 0.5, right[near] - 0.5
        hull[k] = hull_integral(y, right) + hull_integral(y, -left)
    return hull


@njit(cache=True, nogil=True)
def hull_integral(y: Doubles, x: Doubles) -> float:
    """Area under the smallest concave line that lies on or above the points; y increasing."""
    chain = np.empty(y.size, np.int64)
    size = 0
    for i in range(y.size):
        while size > 1:
            a, b = chain[size - 2], chain[size - 1]
            if (x[b] - x[a]) * (y[i] - y[b]) > (x[i] - x[b]) * (y[b] - y[a]):
                break
            size -= 1
        chain[size] = i
        size += 1
    total = 0.0
    for c in range(size - 1):
        a, b = chain[c], chain[c + 1]
        total += 0.5 * (x[a] + x[b]) * (y[b] - y[a])
    return total
