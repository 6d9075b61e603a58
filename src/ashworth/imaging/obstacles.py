"""Large things that shine in every channel: the wall of the cartridge, rims of air bubbles."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

BLOCK_PX = 8
NOISE_MULTIPLE = 3.0
LEAST_SHARE = 0.15
SMALLEST_LENGTH_UM = 80.0


def obstacle_mask(
    smooth: NDArray[np.float32], noise: Sequence[float], *, pixel_size_um: float
) -> NDArray[np.bool_] | None:
    """Mark large regions that shine in all channels alike.

    A stained cell is bright in some channels only; glass, plastic and rims are bright in all. On
    means of 8 x 8 pixels a block is white where its dimmest channel exceeds 3 times the noise
    and 15 % of its brightest channel (both in units of noise). Connected white blocks longer
    than 80 micrometres are an obstacle, widened by one block.

    Parameters
    ----------
    smooth : ndarray of float32, shape (channels, height, width)
        Counts above background.
    noise : sequence of float
        Noise of each smoothed channel.
    pixel_size_um : float

    Returns
    -------
    ndarray of bool, shape (height, width), or None where there is no obstacle
    """
    height, width = smooth.shape[1:]
    size = (max(1, width // BLOCK_PX), max(1, height // BLOCK_PX))
    blocks = np.stack(
        [
            cv2.resize(plane, size, interpolation=cv2.INTER_AREA) / level
            for plane, level in zip(smooth, noise, strict=True)
        ]
    )
    least, most = blocks.min(axis=0), blocks.max(axis=0)
    white = ((least > NOISE_MULTIPLE) & (least > LEAST_SHARE * most)).astype(np.uint8)
    if len(noise) < 3 or not white.any():
        return None
    count, labels, stats, _ = cv2.connectedComponentsWithStats(white, connectivity=8)
    longest = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    large = longest * BLOCK_PX * pixel_size_um >= SMALLEST_LENGTH_UM
    large[0] = False
    if count < 2 or not large.any():
        return None
    grown = cv2.dilate(large[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
    return cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
