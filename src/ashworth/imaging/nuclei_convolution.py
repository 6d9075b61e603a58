"""The 3 x 3 convolution of stacked planes, compiled: one thread, the same bits everywhere.

Rows are padded and lie behind one another, so that a tap is a shift along memory; blocks of a few
hundred pixels stay in the first cache level. No library of linear algebra is
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
def convolve(planes: Floats, weights: Floats, bias: Floats) -> Floats:
    """Convolve; beyond the border everything is 0.

    Parameters
    ----------
    planes : ndarray of float32, shape (planes, height, width)
        Number of planes a multiple of 4.
    weights : ndarray of float32, shape (planes out, 9 * planes)
        For each tap, row by row, the weights of all planes.
    bias : ndarray of float32, shape (planes out,)

    Returns
    -------
    ndarray of float32, shape (planes out, height, width)
    """
    depth, height, width = planes.shape
    pitch = width + 2
    padded = np.zeros((depth, height + 3, pitch), np.float32)
    padded[:, 1 : height + 1, 1 : width + 1] = planes
    flat = padded.reshape((depth, -1))
    out = np.empty((bias.size, height, width), np.float32)
    rows = max(1, BLOCK // pitch)
    block = np.empty((bias.size, rows * pitch), np.float32)
    for top in range(0, height, rows):
        high = min(rows, height - top)
        _multiply(weights, bias, flat, top * pitch, pitch, high * pitch, block)
        for o in range(bias.size):
            for y in range(high):
                for x in range(width):
                    out[o, top + y, x] = block[o, y * pitch + x]
    return out


@njit(cache=True, nogil=True, fastmath=_FAST)
def _multiply(
    weights: Floats, bias: Floats, flat: Floats, start: int, pitch: int, n: int, block: Floats
) -> None:
    """Sum the taps for `n` pixels from `start` on; four planes in each pass."""
    depth = flat.shape[0]
    for o in range(weights.shape[0]):
        line = block[o]
        for j in range(n):
            line[j] = bias[o]
        for k in range(0, weights.shape[1], 4):
            tap, plane = k // depth, k % depth
            at = start + tap // 3 * pitch + tap % 3
            a, b, c, d = weights[o, k], weights[o, k + 1], weights[o, k + 2], weights[o, k + 3]
            p, q = flat[plane][at : at + n], flat[plane + 1][at : at + n]
            r, s = flat[plane + 2][at : at + n], flat[plane + 3][at : at + n]
            for j in range(n):
                line[j] += a * p[j] + b * q[j] + c * r[j] + d * s[j]
