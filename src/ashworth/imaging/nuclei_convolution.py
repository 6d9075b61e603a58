"""The 3 x 3 convolution of stacks of small images, compiled: one thread, the same bits everywhere.

Blocks of a few hundred pixels are unfolded (nine shifted copies of every plane) and multiplied
with the weights while they stay in the first cache levels. No library of linear algebra is
called: its threads would stand in the way of other processes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLOCK = 512
"""Pixels in a block."""

_FAST = {"reassoc", "contract", "nsz"}


@njit(cache=True, nogil=True)
def convolve(planes: Floats, weights: Floats, bias: Floats, dilation: int) -> Floats:
    """Convolve; beyond the border everything is 0.

    Parameters
    ----------
    planes : ndarray of float32, shape (planes, n, height, width)
        Number of planes a multiple of 4.
    weights : ndarray of float32, shape (planes out, 9 * planes)
        For each tap, row by row, the weights of all planes.
    bias : ndarray of float32, shape (planes out,)
    dilation : int
        Pixels between neighbouring taps.

    Returns
    -------
    ndarray of float32, shape (planes out, n, height, width)
    """
    depth, n, height, width = planes.shape
    shape = (depth, n, height + 2 * dilation, width + 2 * dilation)
    padded = np.zeros(shape, np.float32)
    padded[:, :, dilation : height + dilation, dilation : width + dilation] = planes
    out = np.empty((bias.size, n * height * width), np.float32)
    rows = max(1, BLOCK // width)
    taps = np.empty((9 * depth, rows * width), np.float32)
    for first in range(0, n * height, rows):
        last = min(first + rows, n * height)
        _unfold(padded, dilation, first, last, taps)
        _multiply(weights, bias, taps, (last - first) * width, out, first * width)
    return out.reshape((bias.size, n, height, width))


@njit(cache=True, nogil=True)
def _unfold(padded: Floats, dilation: int, first: int, last: int, taps: Floats) -> None:
    """Write the nine shifted copies of some rows of the stack."""
    depth = padded.shape[0]
    height, width = padded.shape[2] - 2 * dilation, padded.shape[3] - 2 * dilation
    for tap in range(9):
        y, x = tap // 3 * dilation, tap % 3 * dilation
        for plane in range(depth):
            target = taps[tap * depth + plane]
            for row in range(first, last):
                source = padded[plane, row // height, row % height + y]
                at = (row - first) * width
                for j in range(width):
                    target[at + j] = source[x + j]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _multiply(weights: Floats, bias: Floats, taps: Floats, n: int, out: Floats, at: int) -> None:
    """Product of matrices for `n` columns from `at` on; four rows of `taps` in each pass."""
    for o in range(weights.shape[0]):
        line = out[o][at : at + n]
        for j in range(n):
            line[j] = bias[o]
        for k in range(0, weights.shape[1], 4):
            a, b, c, d = weights[o, k], weights[o, k + 1], weights[o, k + 2], weights[o, k + 3]
            p, q, r, s = taps[k], taps[k + 1], taps[k + 2], taps[k + 3]
            for j in range(n):
                line[j] += a * p[j] + b * q[j] + c * r[j] + d * s[j]
