"""Nuclei from the list of stained pixels: a few per cent of a frame, so the rest is never visited.

Arrays named `place` hold flat positions in reading order; `at` maps a flat position to its row
in the list plus one (0: not stained).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.nuclei_flood import joined
from ashworth.imaging.nuclei_regions import root
from ashworth.imaging.pixel_lists import marked, select

Places = NDArray[np.int64]
Ints = NDArray[np.int32]
Floats = NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def _mark(smooth: Floats, top: Floats, threshold: Floats, mask: NDArray[np.uint8]) -> None:
    """Mark what exceeds `threshold[0]` and `threshold[1]` times `top`."""
    level, share = threshold
    limit = np.empty(2 * top.shape[1], np.float32)
    for y in range(smooth.shape[0]):
        line, near, out = smooth[y], top[y >> 1], mask[y]
        if y % 2 == 0:
            for x in range(near.size):
                limit[2 * x] = limit[2 * x + 1] = max(level, share * near[x])
        for x in range(line.size):
            out[x] = line[x] > limit[x]


def stained_places(smooth: Floats, top: Floats, threshold: float, share: float) -> Places:
    """List the pixels above the threshold and above a share of `top`.

    `top` has one value for every 2 x 2 pixels.
    """
    mask = np.empty(smooth.shape, np.uint8)
    _mark(smooth, top, np.array([threshold, share], np.float32), mask)
    return marked(mask)


STEPS = np.array(
    [(0, -1), (-1, -1), (-1, 0), (-1, 1), (-2, -1), (-2, 1), (-1, -2), (-1, 2)], dtype=np.int64
)
LENGTHS = np.array([1.0, 1.4, 1.0, 1.4, 2.1969, 2.1969, 2.1969, 2.1969], dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def _pass_of(distance: Floats, place: Places, at: Ints, width: int, sign: int) -> None:
    """One pass of the chamfer transform, forwards (sign 1) or backwards (-1)."""
    n, size = place.size, at.size
    for i in range(n):
        k = i if sign > 0 else n - 1 - i
        p, least = place[k], distance[k]
        x = p % width
        for j in range(8):
            u = x + sign * STEPS[j, 1]
            q = p + sign * (STEPS[j, 0] * width + STEPS[j, 1])
            if 0 <= u < width and 0 <= q < size:
                there = distance[at[q] - 1] if at[q] else np.float32(0)
                least = min(least, there + LENGTHS[j])
        distance[k] = least


@numba.njit(cache=True, nogil=True)
def distances(place: Places, at: Ints, width: int) -> Floats:
    """Distance of every place to the nearest pixel that is not stained.

    Chamfer distances with the 5 x 5 mask (Borgefors 1986, CVGIP 34:344), weights 1, 1.4 and
    2.1969; what lies beyond the frame counts as stained.
    """
    distance = np.full(place.size, np.float32(1e9), np.float32)
    _pass_of(distance, place, at, width, 1)
    _pass_of(distance, place, at, width, -1)
    return distance


@numba.njit(cache=True, nogil=True)
def smoothed_list(value: Floats, place: Places, at: Ints, width: int, kernel: Floats) -> Floats:
    """Values at the places smoothed by a separable kernel; 0 where not stained."""
    half, height = kernel.size // 2, at.size // width
    weight = np.outer(kernel, kernel)
    out = np.empty(place.size, np.float32)
    for k in range(place.size):
        y, x = place[k] // width, place[k] % width
        left, right = max(-half, -x), min(half, width - 1 - x)
        total = np.float32(0)
        for i in range(max(-half, -y), min(half, height - 1 - y) + 1):
            row = place[k] + i * width
            for j in range(left, right + 1):
                if at[row + j]:
                    total += weight[i + half, j + half] * value[at[row + j] - 1]
        out[k] = total
    return out


@numba.njit(cache=True, nogil=True)
def _falling(level: Floats) -> Places:
    """Rows from the highest level to the lowest, in steps of 1/64 px; equal ones in order."""
    key = (level * np.float32(64)).astype(np.int64)
    start = np.zeros(key.max() + 2 if key.size else 1, np.int64)
    for v in key:
        start[v] += 1
    total = 0
    for v in range(start.size - 1, -1, -1):
        start[v], total = total, total + start[v]
    order = np.empty(key.size, np.int64)
    for k in range(key.size):
        order[start[key[k]]] = k
        start[key[k]] += 1
    return order


@numba.njit(cache=True, nogil=True)
def flooded(level: Floats, place: Places, at: Ints, width: int, ratio: float, depth: float) -> Ints:
    """Basin of every place: flooding from the tops, as `nuclei_flood.flood` does for a mask."""
    n = place.size
    basin, parent = np.zeros(n, np.int32), np.zeros(n + 1, np.int32)
    top = np.zeros(n + 1, np.float32)
    tops = 0
    for k in _falling(level):
        best, p = 0, place[k]
        first, last = -(p % width != 0), p % width != width - 1
        for dy in range(-1 if p >= width else 0, 2 if p + width < at.size else 1):
            for dx in range(first, last + 1):
                q = at[p + dy * width + dx]
                if q and basin[q - 1]:
                    other = root(parent, basin[q - 1])
                    best = joined(parent, top, best, other, level[k], ratio, depth)
        if best == 0:
            tops += 1
            parent[tops] = tops
            top[tops] = level[k]
            best = tops
        basin[k] = best
    for k in range(n):
        basin[k] = root(parent, basin[k])
    return basin


@numba.njit(cache=True, nogil=True)
def trimmed(basin: Ints, value: Floats, share: float) -> None:
    """Take out of each basin what is dimmer than a share of its upper quartile, in place."""
    n_basins = basin.max() + 1 if basin.size else 1
    start = np.zeros(n_basins + 1, np.int64)
    for b in basin:
        start[b + 1] += 1
    start = np.cumsum(start)
    fill, values = start.copy(), np.empty(basin.size, np.float32)
    for k in range(basin.size):
        values[fill[basin[k]]] = value[k]
        fill[basin[k]] += 1
    level = np.zeros(n_basins, np.float32)
    for b in range(1, n_basins):
        mine = values[start[b] : start[b + 1]]
        if mine.size:
            level[b] = share * select(mine, (3 * mine.size) // 4)
    for k in range(basin.size):
        if value[k] <= level[basin[k]]:
            basin[k] = 0


@numba.njit(cache=True, nogil=True)
def _parts(basin: Ints, place: Places, at: Ints, width: int) -> Ints:
    """4-connected part of every place within its basin, named by its first place plus one."""
    parent = np.arange(place.size + 1).astype(np.int32)
    for k in range(place.size):
        if basin[k] == 0:
            continue
        p = place[k]
        for q in (p - 1 if p % width else -1, p - width):
            if q >= 0 and at[q] and basin[at[q] - 1] == basin[k]:
                a, b = root(parent, k + 1), root(parent, at[q])
                parent[max(a, b)] = min(a, b)
    part = np.zeros(place.size, np.int32)
    for k in range(place.size):
        part[k] = root(parent, k + 1) if basin[k] else 0
    return part


@numba.njit(cache=True, nogil=True)
def numbered_parts(
    basin: Ints, place: Places, at: Ints, width: int, smallest_px: int
) -> tuple[Ints, int]:
    """Label of every place: the largest part of each basin, if large enough, in reading order."""
    part = _parts(basin, place, at, width)
    area = np.zeros(place.size + 1, np.int64)
    for p in part:
        area[p] += 1
    best = np.zeros(basin.max() + 1 if basin.size else 1, np.int32)
    for k in range(place.size):
        p, b = part[k], basin[k]
        if p and area[p] >= smallest_px and (best[b] == 0 or area[p] > area[best[b]]):
            best[b] = p
    number, label, count = np.zeros(place.size + 1, np.int32), np.zeros(place.size, np.int32), 0
    for k in range(place.size):
        p = part[k]
        if p and best[basin[k]] == p:
            if number[p] == 0:
                count += 1
                number[p] = count
            label[k] = number[p]
    return label, count


@numba.njit(cache=True, nogil=True)
def painted(label: Ints, place: Places, at: Ints, count: int, width: int) -> Ints:
    """Write the labels over `at`; box of each label (top, left, bottom, right, inclusive)."""
    box = np.empty((count + 1, 4), np.int32)
    box[:, 0], box[:, 1], box[:, 2], box[:, 3] = at.size // width, width, -1, -1
    for k in range(place.size):
        number = label[k]
        at[place[k]] = number
        if number == 0:
            continue
        y, x = place[k] // width, place[k] % width
        box[number, 0], box[number, 1] = min(box[number, 0], y), min(box[number, 1], x)
        box[number, 2], box[number, 3] = max(box[number, 2], y), max(box[number, 3], x)
    return box


@numba.njit(cache=True, nogil=True)
def positions(place: Places, size: int) -> Ints:
    """Row in the list plus one by flat position; 0 where not stained."""
    at = np.zeros(size, np.int32)
    for k in range(place.size):
        at[place[k]] = k + 1
    return at
