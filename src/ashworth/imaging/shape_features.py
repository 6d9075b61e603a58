"""Shape of masks: perimeter, eccentricity, roundness, after the definitions that ACCEPT uses.

Eccentricity is that of the ellipse with the same second moments (each pixel a unit square,
which adds 1/12 to the variances). The perimeter weights border pixels by their neighbours
(Benkrid and Crookes 2000), within a few per cent of MATLAB's chain code.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.pixel_lists import Positions

Coordinates = NDArray[np.int32]
WEIGHTS = np.zeros(50)
"""Contribution of a border pixel by 1 + 2 x its straight + 10 x its diagonal border neighbours."""
WEIGHTS[[5, 7, 15, 17, 25, 27]] = 1.0
WEIGHTS[[21, 33]] = np.sqrt(2.0)
WEIGHTS[[13, 23]] = (1.0 + np.sqrt(2.0)) / 2.0


@numba.njit(cache=True, nogil=True)
def _bitmap(
    member: NDArray[np.bool_], x: Coordinates, y: Coordinates
) -> tuple[NDArray[np.uint8], Positions, int]:
    """Draw the mask in its own box with a free rim; where each pixel lies, length of a row.

    The pixels are in reading order.
    """
    first = last = x[0]
    for column in x:
        first, last = min(first, column), max(last, column)
    left, top = first - 1, y[0] - 1
    row_length = last - left + 2
    bitmap = np.zeros((y[-1] - top + 2) * row_length, np.uint8)
    place = np.empty(x.size, np.int64)
    for k in range(x.size):
        place[k] = (y[k] - top) * row_length + x[k] - left
        bitmap[place[k]] = member[k]
    return bitmap, place, row_length


@numba.njit(cache=True, nogil=True)
def perimeter(member: NDArray[np.bool_], x: Coordinates, y: Coordinates) -> float:
    """Perimeter in pixels of the mask that `member` selects from pixels at x, y.

    The pixels are in reading order.
    """
    if x.size == 0:
        return 0.0
    mask, place, step = _bitmap(member, x, y)
    border = np.zeros_like(mask)
    for p in place:
        inner = mask[p - 1] & mask[p + 1] & mask[p - step] & mask[p + step]
        border[p] = mask[p] & (1 - inner)
    total = 0.0
    for p in place:
        if border[p]:
            up, down = p - step, p + step
            straight = border[p - 1] + border[p + 1] + border[up] + border[down]
            diagonal = border[up - 1] + border[up + 1] + border[down - 1] + border[down + 1]
            total += WEIGHTS[1 + 2 * straight + 10 * diagonal]
    return total


@numba.njit(cache=True, nogil=True)
def eccentricity(member: NDArray[np.bool_], x: Coordinates, y: Coordinates) -> float:
    """Eccentricity of the ellipse with the mask's second moments, 0 (circle) to 1."""
    n = 0
    mx = my = 0.0
    for k in range(x.size):
        if member[k]:
            n += 1
            mx += x[k]
            my += y[k]
    if n == 0:
        return np.nan
    mx, my = mx / n, my / n
    xx = yy = xy = 0.0
    for k in range(x.size):
        if member[k]:
            dx, dy = x[k] - mx, y[k] - my
            xx += dx * dx
            yy += dy * dy
            xy += dx * dy
    xx, yy, xy = xx / n + 1 / 12, yy / n + 1 / 12, xy / n
    root = np.sqrt((xx - yy) ** 2 + 4 * xy * xy)
    major, minor = xx + yy + root, xx + yy - root
    return np.sqrt(max(0.0, 1 - minor / major))
