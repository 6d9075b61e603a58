"""Primitives to pixels: every outline is laid down with exactly its light."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ashworth.imaging.phantoms.shapes import GLOW, SHELL


def reach_px(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest distance of each primitive's outline from its centre, in pixels."""
    bumps = np.abs(matrix[:, 6:10]).sum(axis=1)
    return np.maximum(matrix[:, 2], matrix[:, 3]) * (1 + bumps) + 1.5


@njit(cache=True, nogil=True)
def _weight(u: float, v: float, row: NDArray[np.float64]) -> float:
    """Light of a primitive at (u, v) pixels from its centre, before texture and scaling."""
    x = (u * row[4] + v * row[5]) / row[2]
    y = (v * row[4] - u * row[5]) / row[3]
    r2 = x * x + y * y
    if r2 > 4.0:
        return 0.0
    rho = math.sqrt(r2)
    edge = 1.0
    if rho > 1e-6:
        c, s = (x * x - y * y) / r2, 2 * x * y / r2
        c3, s3 = (c * x - s * y) / rho, (s * x + c * y) / rho
        edge += row[6] * c + row[7] * s + row[8] * c3 + row[9] * s3
    q = rho / edge
    cover = min(max((1 - q) * math.sqrt(row[2] * row[3]) + 0.5, 0.0), 1.0)
    height = math.sqrt(max(1 - q * q, 0.0))
    if row[10] == SHELL:
        k = row[11]
        return cover * (height - math.sqrt(max(k * k - q * q, 0.0)) + 0.02)
    if row[10] == GLOW:
        return cover * max(math.exp(-4.5 * q * q) - 0.0111, 0.0)
    return cover * (row[11] + (1 - row[11]) * height)


@njit(cache=True, nogil=True)
def lay_down(
    canvas: NDArray[np.float32],
    left: int,
    top: int,
    matrix: NDArray[np.float64],
    reach: NDArray[np.float64],
    tile: NDArray[np.float32],
) -> None:
    """Add primitives to a canvas whose first pixel is (left, top) of the cartridge.

    The sum over all pixels of a primitive, on this canvas or beside it, is its mean light times
    its area, whatever its profile and texture: a cell on a seam has the same light on both sides.

    Parameters
    ----------
    canvas : ndarray of float32, shape (channels, height, width)
    left, top : int
    matrix : ndarray, shape (primitives, columns)
    reach : ndarray, shape (primitives,)
        See `reach_px`.
    tile : ndarray of float32, shape (128, 128)
    """
    side = int(2 * reach.max()) + 3 if len(reach) else 1
    stamp = np.empty((side, side), np.float32)
    for i in range(matrix.shape[0]):
        row = matrix[i]
        x0, x1 = math.floor(row[0] - reach[i]), math.ceil(row[0] + reach[i]) + 1
        y0, y1 = math.floor(row[1] - reach[i]), math.ceil(row[1] + reach[i]) + 1
        phase_x, phase_y = int(row[13]) & 127, int(row[13]) >> 7
        total = 0.0
        for y in range(y0, y1):
            for x in range(x0, x1):
                weight = _weight(x - row[0], y - row[1], row)
                if weight > 0.0:
                    grain = tile[(y + phase_y) & 127, (x + phase_x) & 127]
                    weight *= max(1.0 + row[12] * grain, 0.1)
                stamp[y - y0, x - x0] = weight
                total += weight
        _add(canvas, stamp, (x0 - left, x1 - left, y0 - top, y1 - top), row, total)


@njit(cache=True, nogil=True)
def _add(
    canvas: NDArray[np.float32],
    stamp: NDArray[np.float32],
    box: tuple[int, int, int, int],
    row: NDArray[np.float64],
    total: float,
) -> None:
    """Add a stamp, scaled to the light of each channel, where it lies on the canvas."""
    if total <= 0.0:
        return
    x0, x1, y0, y1 = box
    channels, height, width = canvas.shape
    for channel in range(channels):
        if row[14 + channel] == 0.0:
            continue
        scale = np.float32(row[14 + channel] * math.pi * row[2] * row[3] / total)
        for y in range(max(y0, 0), min(y1, height)):
            for x in range(max(x0, 0), min(x1, width)):
                canvas[channel, y, x] += scale * stamp[y - y0, x - x0]
