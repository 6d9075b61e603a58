"""Kernels on label images: connected parts, the largest part of each label, holes, numbering."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Boxes = NDArray[np.int32]
"""Top, left, bottom, right (inclusive) of each label from 0; top > bottom where it is absent."""


@njit(cache=True, nogil=True)
def root(parent: Labels, i: int) -> int:
    """Representative of a set, with path halving."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, nogil=True)
def connected_parts(labels: Labels) -> tuple[Labels, int]:
    """Number the 4-connected parts of equal label from 1, in reading order; and their count."""
    height, width = labels.shape
    parts = np.zeros((height, width), np.int32)
    parent = np.zeros(labels.size // 2 + 2, np.int32)
    n = 0
    for i in range(height):
        for j in range(width):
            label = labels[i, j]
            if label == 0:
                continue
            left = parts[i, j - 1] if j > 0 and labels[i, j - 1] == label else 0
            above = parts[i - 1, j] if i > 0 and labels[i - 1, j] == label else 0
            if left and above and left != above:
                a, b = root(parent, left), root(parent, above)
                parent[max(a, b)] = min(a, b)
            elif left == 0 and above == 0:
                n += 1
                parent[n] = n
                left = n
            parts[i, j] = max(left, above)
    return parts, _settle(parts, parent, n)


@njit(cache=True, nogil=True)
def _settle(parts: Labels, parent: Labels, n: int) -> int:
    """Replace each number by its set's, in place; return the number of sets."""
    number = np.zeros(n + 1, np.int32)
    count = 0
    for k in range(1, n + 1):
        if parent[k] == k:
            count += 1
            number[k] = count
        else:
            number[k] = number[root(parent, k)]
    for i in range(parts.shape[0]):
        for j in range(parts.shape[1]):
            parts[i, j] = number[parts[i, j]]
    return count


@njit(cache=True, nogil=True)
def largest_parts(labels: Labels, n_labels: int, smallest_px: int) -> Labels:
    """Keep the largest 4-connected part of each label where it has `smallest_px` or more."""
    parts, n = connected_parts(labels)
    area = np.zeros(n + 1, np.int64)
    owner = np.zeros(n + 1, np.int32)
    height, width = labels.shape
    for i in range(height):
        for j in range(width):
            part = parts[i, j]
            if part:
                area[part] += 1
                owner[part] = labels[i, j]
    best = np.zeros(n_labels + 1, np.int32)
    for part in range(1, n + 1):
        if area[part] >= smallest_px and area[part] > area[best[owner[part]]]:
            best[owner[part]] = part
    for i in range(height):
        for j in range(width):
            part = parts[i, j]
            parts[i, j] = owner[part] if part and best[owner[part]] == part else 0
    return parts


@njit(cache=True, nogil=True)
def boxes(labels: Labels, n_labels: int) -> Boxes:
    """Box of each label."""
    height, width = labels.shape
    box = np.empty((n_labels + 1, 4), np.int32)
    box[:, 0], box[:, 1], box[:, 2], box[:, 3] = height, width, -1, -1
    for i in range(height):
        for j in range(width):
            k = labels[i, j]
            if k:
                box[k, 0] = min(box[k, 0], i)
                box[k, 1] = min(box[k, 1], j)
                box[k, 2] = max(box[k, 2], i)
                box[k, 3] = max(box[k, 3], j)
    return box


@njit(cache=True, nogil=True)
def fill_holes(labels: Labels, box: Boxes) -> None:
    """Give each label the pixels that it encloses by 4-connectivity, in place."""
    for k in range(1, box.shape[0]):
        top, left = box[k, 0], box[k, 1]
        high, wide = box[k, 2] - top + 3, box[k, 3] - left + 3
        if high <= 2:
            continue
        outside = np.zeros((high, wide), np.uint8)
        stack = np.empty(high * wide, np.int32)
        outside[0, 0] = 1
        stack[0] = 0
        size = 1
        while size:
            size -= 1
            y, x = stack[size] // wide, stack[size] % wide
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                b, a = y + dy, x + dx
                if b < 0 or a < 0 or b >= high or a >= wide or outside[b, a]:
                    continue
                inner = 0 < b < high - 1 and 0 < a < wide - 1
                if inner and labels[top + b - 1, left + a - 1] == k:
                    continue
                outside[b, a] = 1
                stack[size] = b * wide + a
                size += 1
        for b in range(1, high - 1):
            for a in range(1, wide - 1):
                if outside[b, a] == 0:
                    labels[top + b - 1, left + a - 1] = k


@njit(cache=True, nogil=True)
def renumber(labels: Labels, n_labels: int) -> int:
    """Number the labels from 1 in reading order, in place; return their count."""
    number = np.zeros(n_labels + 1, np.int32)
    count = 0
    height, width = labels.shape
    for i in range(height):
        for j in range(width):
            k = labels[i, j]
            if k:
                if number[k] == 0:
                    count += 1
                    number[k] = count
                labels[i, j] = number[k]
    return count
