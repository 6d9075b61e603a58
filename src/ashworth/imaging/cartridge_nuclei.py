"""Nuclei of a cartridge, whose scale and threshold are known: outlined at half their own height.

A threshold that is low enough for the dimmest nucleus outlines the halo of a bright one, and
joins neighbours. Each pixel is therefore compared with the brightest one near it; what is left
is divided where it is narrow; every part is then outlined at half of its own height.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.nuclei_lists import (
    distances,
    flooded,
    numbered_parts,
    painted,
    positions,
    smoothed_list,
    stained_places,
    trimmed,
)
from ashworth.imaging.nuclei_regions import fill_holes

NEAR_SHARE = 0.3
OWN_SHARE = 0.42
WINDOW_DIAMETERS = 1.1
PASS_RATIO = 0.8
PASS_DEPTH_DIAMETERS = 0.04


def near_top(smooth: NDArray[np.float32], diameter_px: float) -> NDArray[np.float32]:
    """Brightest pixel within about 1.1 typical diameters, for every 2 x 2 pixels.

    Every second row and column is looked at: a smoothed image has no peak narrower than that.
    """
    half = np.ascontiguousarray(smooth[::2, ::2])
    size = int(WINDOW_DIAMETERS * diameter_px / 2) | 1
    return np.asarray(cv2.dilate(half, np.ones((size, size), np.uint8)), np.float32)


def cartridge_nuclei(
    smooth: NDArray[np.float32], *, threshold: float, diameter_px: float, smallest_px: int
) -> NDArray[np.int32]:
    """Label the nuclei of one smoothed frame.

    Pixels above the threshold and above 30 % of the brightest one near them are divided by
    flooding from the tops of their distance map; two basins are one nucleus where the pass
    between them is at least 80 % of the lower top. Then every nucleus keeps the pixels above
    42 % of its upper quartile (about half of its height): blur moves the half height of an edge
    least, so that the outline is the same whatever the brightness.

    Parameters
    ----------
    smooth : ndarray of float32, shape (height, width)
        Smoothed counts of the nuclear stain above background.
    threshold : float
        Counts from which a pixel is stained at all.
    diameter_px : float
        Typical diameter of a nucleus.
    smallest_px : int
        Smaller ones are dropped.

    Returns
    -------
    ndarray of int32, same shape
        0 for background, 1..n in reading order; each label one 4-connected region without holes.

    Examples
    --------
    >>> y, x = np.mgrid[:60, :60] - 30
    >>> disc = cv2.GaussianBlur((np.hypot(x, y) <= 6).astype(np.float32), (0, 0), 1.5)
    >>> area = lambda height: int(cartridge_nuclei(
    ...     height * disc, threshold=20, diameter_px=12, smallest_px=10).sum())
    >>> area(200) == area(4000), int((4000 * disc > 20).sum()) > 2 * area(4000)
    (True, True)
    """
    height, width = smooth.shape
    place = stained_places(smooth, near_top(smooth, diameter_px), threshold, NEAR_SHARE)
    at = positions(place, smooth.size)
    kernel = np.asarray(cv2.getGaussianKernel(5, max(0.04 * diameter_px, 0.6)), np.float32)
    level = smoothed_list(distances(place, at, width), place, at, width, kernel.ravel())
    depth = max(PASS_DEPTH_DIAMETERS * diameter_px, 0.5)
    basin = flooded(level, place, at, width, PASS_RATIO, depth)
    trimmed(basin, smooth.reshape(-1)[place], OWN_SHARE)
    label, count = numbered_parts(basin, place, at, width, smallest_px)
    box = painted(label, place, at, count, width)
    labels = at.reshape(height, width)
    fill_holes(labels, box)
    return labels
