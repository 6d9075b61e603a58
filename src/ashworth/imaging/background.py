"""Background of a frame: a smooth surface that cells, debris and bright blobs do not lift."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

BLOCK_PX = 16


def background_grid(image: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Background on a grid of 16 x 16 pixel blocks.

    Means of 8 x 8 pixels, the least of each 2 x 2 of them, then the median of 5 x 5 (80 pixels,
    51 micrometres at 0.64 micrometres per pixel). The result follows uneven illumination; no
    brightest pixel enters it, and an object that covers less than half of the window does not
    lift it. The least of four means lies about one standard error of such a mean too low;
    measurements therefore subtract their own local background as well.

    Parameters
    ----------
    image : ndarray of uint16, shape (height, width)

    Returns
    -------
    ndarray of float32, shape (ceil(height / 16), ceil(width / 16))
    """
    height, width = image.shape
    rows, columns = -(-height // BLOCK_PX), -(-width // BLOCK_PX)
    full = cv2.copyMakeBorder(
        image, 0, rows * BLOCK_PX - height, 0, columns * BLOCK_PX - width, cv2.BORDER_REFLECT
    )
    means = cv2.resize(full, (2 * columns, 2 * rows), interpolation=cv2.INTER_AREA)
    least = means.reshape(rows, 2, columns, 2).min(axis=(1, 3))
    size = 5 if min(least.shape) >= 5 else 3
    smooth = cv2.medianBlur(np.ascontiguousarray(least), size).astype(np.float32)
    return cv2.GaussianBlur(smooth, (3, 3), 0)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _subtract_rows(
    image: NDArray[np.uint16],
    lines: NDArray[np.float32],
    top: int,
    out: NDArray[np.float32],
) -> None:
    """Subtract the surface that `lines` (one per row of blocks) span, linear between them."""
    height, width = image.shape
    half, block = np.float32(0.5), np.float32(BLOCK_PX)
    for y in range(height):
        v = min(max((top + y + half) / block - half, np.float32(0)), np.float32(len(lines) - 1))
        above = int(v)
        below = min(above + 1, len(lines) - 1)
        share = np.float32(v - above)
        for x in range(width):
            level = lines[above, x] + share * (lines[below, x] - lines[above, x])
            out[y, x] = np.float32(image[y, x]) - level


def subtract_grid(
    image: NDArray[np.uint16],
    grid: NDArray[np.float32],
    out: NDArray[np.float32],
    *,
    top: int = 0,
    left: int = 0,
) -> None:
    """Write image minus the bilinear surface of `grid` into `out`.

    Parameters
    ----------
    image, out : ndarray, same shape
        A region of a frame whose upper left pixel is (top, left).
    grid : ndarray of float32
        From `background_grid` of the whole frame.
    """
    rows, columns = grid.shape
    lines = cv2.resize(grid, (columns * BLOCK_PX, rows), interpolation=cv2.INTER_LINEAR)
    _subtract_rows(image, np.ascontiguousarray(lines[:, left : left + image.shape[1]]), top, out)


def subtract_background(image: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Counts above the background.

    Examples
    --------
    >>> frame = np.full((160, 160), 120, np.uint16)
    >>> frame[70:80, 70:80] = 900
    >>> above = subtract_background(frame)
    >>> float(above[75, 75]), float(above[5, 5])
    (780.0, 0.0)
    """
    above = np.empty(image.shape, np.float32)
    subtract_grid(image, background_grid(image), above)
    return above
