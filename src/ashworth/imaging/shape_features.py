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

DIAGONAL = np.sqrt(2.0)
HALF_DIAGONAL = (1.0 + np.sqrt(2.0)) / 2.0


@numba.njit(cache=True, nogil=True)
def _inside(member: NDArray[np.bool_], positions: Positions, p: int, q: int) -> bool:
    """Whether pixel q, near p, belongs to the mask (positions ascend; q is searched)."""
    k = np.searchsorted(positions, q)
    return k < positions.size and positions[k] == q and member[k]


@numba.njit(cache=True, nogil=True)
def _is_border(
    member: NDArray[np.bool_], positions: Positions, k: int, width: int, size: int
) -> bool:
    p = positions[k]
    x = p % width
    if x == 0 or x == width - 1 or p < width or p + width >= size:
        return True
    if not (k > 0 and positions[k - 1] == p - 1 and member[k - 1]):
        return True
    if not (k + 1 < positions.size and positions[k + 1] == p + 1 and member[k + 1]):
        return True
    return not (
        _inside(member, positions, p, p - width) and _inside(member, positions, p, p + width)
    )


@numba.njit(cache=True, nogil=True)
def _weight(straight: int, diagonal: int) -> float:
    """Contribution of a border pixel by its border neighbours (four and diagonal)."""
    code = 1 + 2 * straight + 10 * diagonal
    if code in (5, 7, 15, 17, 25, 27):
        return 1.0
    if code in (21, 33):
        return DIAGONAL
    if code in (13, 23):
        return HALF_DIAGONAL
    return 0.0


@numba.njit(cache=True, nogil=True)
def perimeter(member: NDArray[np.bool_], positions: Positions, width: int, size: int) -> float:
    """Perimeter in pixels of the mask that `member` selects from ascending flat positions."""
    n = positions.size
    border = np.zeros(n, np.bool_)
    for k in range(n):
        border[k] = member[k] and _is_border(member, positions, k, width, size)
    total = 0.0
    for k in range(n):
        if not border[k]:
            continue
        p, x = positions[k], positions[k] % width
        straight = diagonal = 0
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                inside = 0 <= x + dx < width
                if (dy != 0 or dx != 0) and inside:
                    if _inside(border, positions, p, p + dy * width + dx):
                        if dy == 0 or dx == 0:
                            straight += 1
                        else:
                            diagonal += 1
        total += _weight(straight, diagonal)
    return total


@numba.njit(cache=True, nogil=True)
def eccentricity(member: NDArray[np.bool_], positions: Positions, width: int) -> float:
    """Eccentricity of the ellipse with the mask's second moments, 0 (circle) to 1."""
    n = 0
    mx = my = 0.0
    for k in range(positions.size):
        if member[k]:
            n += 1
            mx += positions[k] % width
            my += positions[k] // width
    if n == 0:
        return np.nan
    mx, my = mx / n, my / n
    xx = yy = xy = 0.0
    for k in range(positions.size):
        if member[k]:
            dx, dy = positions[k] % width - mx, positions[k] // width - my
            xx += dx * dx
            yy += dy * dy
            xy += dx * dy
    xx, yy, xy = xx / n + 1 / 12, yy / n + 1 / 12, xy / n
    root = np.sqrt((xx - yy) ** 2 + 4 * xy * xy)
    major, minor = xx + yy + root, xx + yy - root
    return np.sqrt(max(0.0, 1 - minor / major))
