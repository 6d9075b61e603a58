"""Parts of a mask from its runs: what costs time is the foreground alone.

A run is a maximal stretch of foreground pixels in one row; runs of neighbouring rows that share a
column belong to the same part (4-connectivity).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ashworth.imaging.nuclei_regions import Boxes, Labels, root

Runs = NDArray[np.int32]
"""Row, first column, column after the last: shape (runs, 3), in reading order."""


def find_runs(mask: NDArray[np.uint8]) -> Runs:
    """Runs of the pixels that are not 0."""
    spare = -mask.shape[1] % 8
    if spare:
        mask = np.pad(mask, ((0, 0), (0, spare)))
    mask = np.ascontiguousarray(mask)
    words = mask.view(np.int64)
    runs = np.empty((_scan(mask, words, np.empty((0, 3), np.int32)), 3), np.int32)
    _scan(mask, words, runs)
    return runs


@njit(cache=True, nogil=True)
def _scan(mask: NDArray[np.uint8], words: NDArray[np.int64], runs: Runs) -> int:
    """Count the runs and write them where `runs` has room; eight empty pixels are one step."""
    n = 0
    for i in range(mask.shape[0]):
        before = False
        for q in range(words.shape[1]):
            if words[i, q] == 0 and not before:
                continue
            for j in range(8 * q, 8 * q + 8):
                now = mask[i, j] != 0
                if now and not before:
                    if n < runs.shape[0]:
                        runs[n, 0], runs[n, 1], runs[n, 2] = i, j, mask.shape[1]
                    n += 1
                elif before and not now and n <= runs.shape[0]:
                    runs[n - 1, 2] = j
                before = now
    return n


@njit(cache=True, nogil=True)
def join_runs(runs: Runs) -> tuple[Labels, int]:
    """Part of each run, numbered from 1 in reading order, and the number of parts."""
    n = runs.shape[0]
    parent = np.arange(n).astype(np.int32)
    above = 0
    for i in range(n):
        while above < i and (
            runs[above, 0] < runs[i, 0] - 1
            or (runs[above, 0] == runs[i, 0] - 1 and runs[above, 2] <= runs[i, 1])
        ):
            above += 1
        k = above
        while k < i and runs[k, 0] == runs[i, 0] - 1 and runs[k, 1] < runs[i, 2]:
            a, b = root(parent, k), root(parent, i)
            parent[max(a, b)] = min(a, b)
            k += 1
    part = np.zeros(n, np.int32)
    parts = 0
    for i in range(n):
        r = root(parent, i)
        if r == i:
            parts += 1
            part[i] = parts
        else:
            part[i] = part[r]
    return part, parts


@njit(cache=True, nogil=True)
def part_boxes(runs: Runs, part: Labels, n_parts: int) -> tuple[Boxes, NDArray[np.int64]]:
    """Box and area in px of each part; entry 0 is empty."""
    box = np.zeros((n_parts + 1, 4), np.int32)
    area = np.zeros(n_parts + 1, np.int64)
    box[0, 2] = -1
    for i in range(runs.shape[0]):
        k, row, start, last = part[i], runs[i, 0], runs[i, 1], runs[i, 2] - 1
        if area[k] == 0:
            box[k, 0], box[k, 1], box[k, 3] = row, start, last
        box[k, 1] = min(box[k, 1], start)
        box[k, 2] = row
        box[k, 3] = max(box[k, 3], last)
        area[k] += last - start + 1
    return box, area


@njit(cache=True, nogil=True)
def row_limits(
    runs: Runs, part: Labels, box: Boxes
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """First and last column of each part in each of its rows, and where each part's rows begin."""
    start = np.zeros(box.shape[0] + 1, np.int64)
    for k in range(box.shape[0]):
        start[k + 1] = start[k] + box[k, 2] - box[k, 0] + 1
    first = np.full(start[-1], np.iinfo(np.int32).max, np.int32)
    last = np.full(start[-1], -1, np.int32)
    for i in range(runs.shape[0]):
        at = start[part[i]] + runs[i, 0] - box[part[i], 0]
        first[at] = min(first[at], runs[i, 1])
        last[at] = max(last[at], runs[i, 2] - 1)
    return start, first, last


@njit(cache=True, nogil=True)
def paint(runs: Runs, value: Labels, labels: Labels) -> None:
    """Write a value over each run."""
    for i in range(runs.shape[0]):
        labels[runs[i, 0], runs[i, 1] : runs[i, 2]] = value[i]
