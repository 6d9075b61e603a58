"""Large things that shine in every stain: the wall of the cartridge, rims of air bubbles."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

BLOCK_PX = 8
NOISE_MULTIPLE = 3.0
LEAST_SHARE = 0.15
SMALLEST_LENGTH_UM = 80.0
WIDENED_BLOCKS = 2


def obstacle_mask(
    smooth: Sequence[NDArray[np.float32]], noise: Sequence[float], *, pixel_size_um: float
) -> NDArray[np.bool_] | None:
    """Mark large regions that shine in nuclear stain, cytokeratin and CD45 alike.

    A stained cell is bright in some channels only; glass, plastic and rims are bright in all. On
    means of 8 x 8 pixels a block is white where its dimmest channel exceeds 3 times the noise
    and 15 % of its brightest channel (both in units of noise). Connected white blocks longer
    than 80 micrometres are an obstacle, widened by two blocks.

    Parameters
    ----------
    smooth : sequence of ndarray of float32, shape (height, width)
        Counts above background of these three; without one of them nothing is marked.
    noise : sequence of float
        Noise of each smoothed channel.
    pixel_size_um : float

    Returns
    -------
    ndarray of bool, shape (height, width), or None where there is no obstacle
    """
    if len(noise) < 3:
        return None
    height, width = smooth[0].shape
    size = (max(1, width // BLOCK_PX), max(1, height // BLOCK_PX))
    shortest_blocks = SMALLEST_LENGTH_UM / (BLOCK_PX * pixel_size_um)
    blocks: list[NDArray[np.float32]] = []
    shines = np.ones(size[::-1], np.uint8)
    for plane, level in zip(smooth[::-1], noise[::-1], strict=True):
        means = np.empty(size[::-1], np.float32)
        _block_means(plane, means)
        blocks.append(means / np.float32(level))
        shines &= blocks[-1] > NOISE_MULTIPLE
        if not _long_parts(shines, shortest_blocks).any():
            return None
    white = shines & (np.min(blocks, axis=0) > LEAST_SHARE * np.max(blocks, axis=0))
    large = _long_parts(white, shortest_blocks)
    if not large.any():
        return None
    grown = cv2.dilate(large.astype(np.uint8), np.ones((2 * WIDENED_BLOCKS + 1,) * 2, np.uint8))
    return cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _block_means(plane: NDArray[np.float32], means: NDArray[np.float32]) -> None:
    """Means of 8 x 8 pixels; a rest at the lower and right border is left out."""
    rows, columns = means.shape
    line = np.empty(BLOCK_PX * columns, np.float32)
    for r in range(rows):
        line[:] = 0
        for y in range(min(BLOCK_PX, plane.shape[0] - BLOCK_PX * r)):
            row = plane[BLOCK_PX * r + y]
            for x in range(min(line.size, row.size)):
                line[x] += row[x]
        for c in range(columns):
            total = np.float32(0)
            for x in range(BLOCK_PX * c, BLOCK_PX * (c + 1)):
                total += line[x]
            means[r, c] = total / (BLOCK_PX * BLOCK_PX)


def _long_parts(mask: NDArray[np.uint8], shortest: float) -> NDArray[np.bool_]:
    """Connected parts (of eight) of a mask whose box is so many blocks high or wide."""
    if not mask.any():
        return mask.astype(bool)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    longest = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    large = longest >= shortest
    large[0] = False
    return np.asarray(large[labels], np.bool_)
