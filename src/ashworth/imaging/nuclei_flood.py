"""Flooding a landscape from its tops: the watershed of the foreground pixels alone."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ashworth.imaging.nuclei_regions import Labels, root

Landscape = NDArray[np.float32]


@njit(cache=True, nogil=True)
def flood(land: Landscape, mask: NDArray[np.uint8], ratio: float, depth: float) -> Labels:
    """Divide the mask among the tops of a landscape.

    Two basins become one where their pass is at least `ratio` of the lower top, or less than
    `depth` below it.
    """
    height, width = land.shape
    n = 0
    for i in range(height):
        for j in range(width):
            n += mask[i, j] != 0
    place = np.empty(n, np.int32)
    level = np.empty(n, np.float32)
    k = 0
    for i in range(height):
        for j in range(width):
            if mask[i, j]:
                place[k] = i * width + j
                level[k] = -land[i, j]
                k += 1
    order = np.argsort(level, kind="mergesort")
    label = np.zeros((height, width), np.int32)
    parent = np.zeros(n + 1, np.int32)
    top = np.zeros(n + 1, np.float32)
    tops = 0
    for o in order:
        here = -level[o]
        y, x = place[o] // width, place[o] % width
        best = 0
        for b in range(max(y - 1, 0), min(y + 2, height)):
            for a in range(max(x - 1, 0), min(x + 2, width)):
                if label[b, a] == 0:
                    continue
                other = root(parent, label[b, a])
                if best == 0:
                    best = other
                elif other != best:
                    low = min(top[other], top[best])
                    if here >= ratio * low or low - here < depth:
                        if top[other] > top[best]:
                            parent[best] = other
                            best = other
                        else:
                            parent[other] = best
        if best == 0:
            tops += 1
            parent[tops] = tops
            top[tops] = here
            best = tops
        label[y, x] = best
    for p in place:
        label[p // width, p % width] = root(parent, label[p // width, p % width])
    return label
