"""What an evenly stained, sharply focused disc would show: the reference of the speckle feature."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.feature_kernels import speckle
from ashworth.imaging.pixel_lists import pixel_lists

BLUR_PX = 1.7
_LEVEL = 0.4


@cache
def _table(radius_px: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Speckle of even discs, by their area at 40 % of their height."""
    rows = [_disc(r, radius_px) for r in np.arange(1.5, 24.0, 0.5)]
    areas, values = np.array(rows).T
    return areas, values


def _disc(disc_radius_px: float, radius_px: int) -> tuple[float, float]:
    size = int(2 * disc_radius_px + 30)
    y, x = np.mgrid[:size, :size] - size // 2
    sharp = (np.hypot(x, y) <= disc_radius_px).astype(np.float32)
    disc = cv2.GaussianBlur(sharp, (0, 0), BLUR_PX)
    lists = pixel_lists((disc > _LEVEL * disc.max()).astype(np.int32), 1)
    value = speckle(disc.reshape(-1), lists.start, lists.position, size, radius_px)[0]
    return float(lists.area_px[0]), float(value)


def even_disc_speckle(area_px: NDArray[np.int64], radius_px: int) -> NDArray[np.float64]:
    """Speckle of an even disc of this area, blurred like a cell in focus.

    A small cell has more of its signal within reach of its own outline than a large one; dividing
    by this value takes the size out.

    Examples
    --------
    >>> even_disc_speckle(np.array([50, 400]), 3).round(2).tolist()
    [0.3, 0.09]
    """
    areas, values = _table(radius_px)
    return np.interp(area_px, areas, values)
