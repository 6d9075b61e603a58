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
    `depth` below it. Labels are not consecutive.
    """
    height, width = land.shape
    place, level = _falling(land, mask)
    label = np.zeros((height, width), np.int32)
    parent = np.zeros(place.size + 1, np.int32)
    top = np.zeros(place.size + 1, np.float32)
    tops = 0
    for o in range(place.size):
        y, x = place[o] // width, place[o] % width
        best = 0
        for b in range(max(y - 1, 0), min(y + 2, height)):
            for a in range(max(x - 1, 0), min(x + 2, width)):
                if label[b, a]:
                    other = root(parent, label[b, a])
                    best = joined(parent, top, best, other, level[o], ratio, depth)
        if best == 0:
            tops += 1
            parent[tops] = tops
            top[tops] = level[o]
            best = tops
        label[y, x] = best
    for p in place:
        label[p // width, p % width] = root(parent, label[p // width, p % width])
    return label


@njit(cache=True, nogil=True)
def _falling(
    land: Landscape, mask: NDArray[np.uint8]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Flat positions of the mask's pixels from the highest to the lowest, and their levels."""
    height, width = land.shape
    n = np.count_nonzero(mask)
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
    return place[order], -level[order]


@njit(cache=True, nogil=True)
def joined(
    parent: Labels, top: Landscape, best: int, other: int, here: float, ratio: float, depth: float
) -> int:
    """Basin that takes a pixel which touches two: one of the two, or both in one."""
    if best == 0 or best == other:
        return other
    low = min(top[other], top[best])
    if here < ratio * low and low - here >= depth:
        return best
    if top[other] > top[best]:
        parent[best] = other
        return other
    parent[other] = best
    return best
