"""Background of a frame: a smooth surface that cells, debris and bright blobs do not lift."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

BLOCK_PX = 16
HALF_PX = BLOCK_PX // 2


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
    means = _half_block_means(image, 2 * rows, 2 * columns)
    least = np.minimum(means[::2], means[1::2])
    least = np.minimum(least[:, ::2], least[:, 1::2])
    size = 5 if min(least.shape) >= 5 else 3
    smooth = cv2.medianBlur(np.ascontiguousarray(least), size).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(smooth, (3, 3), 0), np.float32)


def _half_block_means(image: NDArray[np.uint16], rows: int, columns: int) -> NDArray[np.uint16]:
    """Means of 8 x 8 pixels; beyond the lower and right border the image is reflected."""
    height, width = image.shape
    means = np.empty((rows, columns), np.uint16)
    whole_rows, whole_columns = height // HALF_PX, width // HALF_PX
    strips = (
        (slice(0, whole_rows), slice(0, whole_columns)),
        (slice(whole_rows, rows), slice(0, columns)),
        (slice(0, whole_rows), slice(whole_columns, columns)),
    )
    for down, across in strips:
        if down.stop > down.start and across.stop > across.start:
            _block_means(_reflected(image, down, across, HALF_PX), means[down, across])
    return means


@numba.njit(cache=True, nogil=True)
def _block_means(image: NDArray[np.uint16], means: NDArray[np.uint16]) -> None:
    """Means of 8 x 8 pixels, halves to the even number."""
    rows, columns = means.shape
    line = np.empty(HALF_PX * columns, np.int32)
    for r in range(rows):
        line[:] = 0
        for y in range(HALF_PX * r, HALF_PX * (r + 1)):
            for x in range(line.size):
                line[x] += image[y, x]
        for c in range(columns):
            total = 0
            for x in range(HALF_PX * c, HALF_PX * (c + 1)):
                total += line[x]
            mean, rest = total >> 6, total & 63
            means[r, c] = mean + (rest > 32 or (rest == 32 and mean & 1 == 1))


def _reflected(
    image: NDArray[np.uint16], down: slice, across: slice, half: int
) -> NDArray[np.uint16]:
    """Pixels of some half blocks; those beyond the border are reflected."""
    height, width = image.shape
    rows = image[_mirrored(down.start * half, down.stop * half, height)]
    return rows[:, _mirrored(across.start * half, across.stop * half, width)]


def _mirrored(first: int, last: int, size: int) -> slice | NDArray[np.int64]:
    """Indices from `first` to before `last`; those from `size` on are reflected."""
    if last <= size:
        return slice(first, last)
    at = np.arange(first, last) % (2 * size)
    return np.minimum(at, 2 * size - 1 - at)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _subtract_rows(
    image: NDArray[np.uint16],
    lines: NDArray[np.float32],
    shift_y: int,
    shift_x: int,
    box: tuple[int, int, int, int],
    out: NDArray[np.float32],
) -> None:
    """Subtract the surface that `lines` (one per row of blocks) span, linear between them."""
    y0, y1, x0, x1 = box
    half, block = np.float32(0.5), np.float32(BLOCK_PX)
    for y in range(y0, y1):
        v = min(
            max((shift_y + y + half) / block - half, np.float32(0)),
            np.float32(len(lines) - 1),
        )
        above = int(v)
        below = min(above + 1, len(lines) - 1)
        share = np.float32(v - above)
        high, low = lines[above, shift_x + x0 :], lines[below, shift_x + x0 :]
        row, target = image[y, x0:x1], out[y, x0:x1]
        for x in range(row.size):
            level = high[x] + share * (low[x] - high[x])
            target[x] = np.float32(row[x]) - level


def background_lines(grid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Interpolate the grid along the rows.

    Returns
    -------
    ndarray of float32, shape (rows of blocks, pixels of a row of blocks)
    """
    lines = np.empty((grid.shape[0], grid.shape[1] * BLOCK_PX), np.float32)
    _interpolate_rows(grid, lines)
    return lines


@numba.njit(cache=True, nogil=True)
def _interpolate_rows(grid: NDArray[np.float32], lines: NDArray[np.float32]) -> None:
    """Linear between the centres of blocks, constant beyond the outer ones."""
    rows, columns = grid.shape
    half = BLOCK_PX // 2
    share = ((np.arange(BLOCK_PX) + 0.5) / BLOCK_PX).astype(np.float32)
    rest = np.float32(1) - share
    for y in range(rows):
        lines[y, :half] = grid[y, 0]
        lines[y, -half:] = grid[y, columns - 1]
        for block in range(columns - 1):
            left, right = grid[y, block], grid[y, block + 1]
            target = lines[y, half + block * BLOCK_PX :]
            for k in range(BLOCK_PX):
                target[k] = left * rest[k] + right * share[k]


def subtract_lines(
    image: NDArray[np.uint16],
    lines: NDArray[np.float32],
    out: NDArray[np.float32],
    *,
    shift: tuple[int, int] = (0, 0),
    box: tuple[int, int, int, int] | None = None,
) -> None:
    """Write image minus the bilinear surface of its frame's `background_lines` into `out`.

    Parameters
    ----------
    image, out : ndarray, same shape
        Fastest where their rows lie one after the other in memory.
    lines : ndarray of float32
        From `background_lines` of the whole frame.
    shift : tuple of int
        Row and column of the frame at the image's upper left pixel.
    box : tuple of int, optional
        First and last (exclusive) row, first and last column of the image to be written; all by
        default.
    """
    height, width = image.shape
    _subtract_rows(image, lines, shift[0], shift[1], box or (0, height, 0, width), out)


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
    subtract_lines(image, background_lines(background_grid(image)), above)
    return above
