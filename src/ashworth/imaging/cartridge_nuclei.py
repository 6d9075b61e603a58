"""Nuclei of a cartridge, whose scale and threshold are known: outlined at half their own height.

A threshold that is low enough for the dimmest nucleus outlines the halo of a bright one, and
joins neighbours. Each pixel is therefore compared with the brightest one near it; what is left
is divided where it is narrow; every part is then outlined at half of its own height.
"""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.nuclei_flood import flood
from ashworth.imaging.nuclei_regions import boxes, fill_holes, largest_parts, renumber
from ashworth.imaging.pixel_lists import pixel_lists, select

NEAR_SHARE = 0.3
OWN_SHARE = 0.42
WINDOW_DIAMETERS = 1.1
PASS_RATIO = 0.8
PASS_DEPTH_DIAMETERS = 0.04


def outlined(
    smooth: NDArray[np.float32], *, threshold: float, diameter_px: float
) -> NDArray[np.uint8]:
    """Mark the pixels above the threshold and above 30 % of the brightest pixel near them.

    Near is a square of 1.1 typical diameters. The mask of a nucleus is then the same whatever
    its brightness.

    Examples
    --------
    >>> y, x = np.mgrid[:60, :60] - 30
    >>> disc = cv2.GaussianBlur((np.hypot(x, y) <= 6).astype(np.float32), (0, 0), 1.5)
    >>> areas = [int(outlined(h * disc, threshold=20, diameter_px=12).sum()) for h in (200, 4000)]
    >>> areas[0] == areas[1], int((4000 * disc > 20).sum()) > 2 * areas[1]
    (True, True)
    """
    size = int(WINDOW_DIAMETERS * diameter_px) | 1
    top = cv2.dilate(smooth, np.ones((size, size), np.uint8))
    near = np.asarray(top, np.float32) * np.float32(NEAR_SHARE)
    return ((smooth > near) & (smooth > threshold)).astype(np.uint8)


def _trim_to_height(labels: NDArray[np.int32], smooth: NDArray[np.float32], n: int) -> None:
    """Give back what is dimmer than 42 % of a label's upper quartile, in place."""
    lists = pixel_lists(labels, n)
    _trim(labels.reshape(-1), smooth.reshape(-1), lists.start, lists.position)


@numba.njit(cache=True, nogil=True)
def _trim(
    labels: NDArray[np.int32],
    smooth: NDArray[np.float32],
    start: NDArray[np.int64],
    position: NDArray[np.int64],
) -> None:
    buffer = np.empty(max(1, np.max(np.diff(start))), np.float32)
    for k in range(1, start.size - 1):
        mine = position[start[k] : start[k + 1]]
        for i in range(mine.size):
            buffer[i] = smooth[mine[i]]
        level = OWN_SHARE * select(buffer[: mine.size], (3 * mine.size) // 4)
        for p in mine:
            if smooth[p] <= level:
                labels[p] = 0


def cartridge_nuclei(
    smooth: NDArray[np.float32], *, threshold: float, diameter_px: float, smallest_px: int
) -> NDArray[np.int32]:
    """Label the nuclei of one smoothed frame.

    The mask of `outlined` is flooded from the tops of its distance map; two basins are one
    nucleus where the pass between them is at least 80 % of the lower top.

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
    """
    mask = outlined(smooth, threshold=threshold, diameter_px=diameter_px)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    distance = cv2.GaussianBlur(distance, (0, 0), max(0.04 * diameter_px, 0.6))
    land = np.asarray(distance, np.float32)
    labels = flood(land, mask, PASS_RATIO, max(PASS_DEPTH_DIAMETERS * diameter_px, 0.5))
    n = int(labels.max(initial=0))
    _trim_to_height(labels, smooth, n)
    labels = largest_parts(labels, n, smallest_px)
    fill_holes(labels, boxes(labels, n))
    renumber(labels, n)
    return labels
