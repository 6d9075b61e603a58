"""Pictures of single cells cut out of a cartridge, across frame borders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import Cartridge, Layout, Pixels

SMALLEST, LARGEST = 8, 1024
"""Side of a picture in pixels; 1024 keeps every sheet of pictures within WebP's limit."""


def crops(cartridge: Cartridge, cells: pl.DataFrame, *, size_px: int = 80) -> Pixels:
    """Cut a square picture around each cell, in all channels.

    Every needed frame is loaded once, in reading order, and one at a time: beside the result
    only one frame is in memory. Cut the cells of all classes in one call and part the result;
    frames are then read once, not once for each class. The pixel that holds the cell's centre
    is pixel ``size_px // 2`` of the picture. Near a seam of a contiguous layout the neighbour's
    pixels are there too; outside of the cartridge (or of an unrelated field) all is zero.

    Parameters
    ----------
    cartridge : Cartridge
    cells : polars.DataFrame
        Columns frame (a number of the layout), x_um, y_um: centre in the cartridge, or in the
        frame where the fields are unrelated; pixel = x_um / pixel_size_um.
    size_px : int
        Side of the pictures, 8 to 1024.

    Returns
    -------
    ndarray of uint16, shape (cells, channels, size_px, size_px)
        In the order of `cells`: about 51 kB a cell for 80 px and four channels, so limit the
        number of cells of a common class.

    Raises
    ------
    InputError
        If a column is missing, a frame is not of the cartridge, a position is no finite number
        or `size_px` is out of range.

    Examples
    --------
    >>> from ashworth.imaging.cartridge import row_major
    >>> from ashworth.imaging.channels import Channel
    >>> layout = Layout(4, 6, (1, 2), row_major(2, 1))
    >>> load = lambda i: np.full((1, 4, 6), i + 1, np.uint16)
    >>> one = Cartridge("s", "phantom", "", (Channel("nucleus", "DAPI"),), 0.5, layout, load)
    >>> cells = pl.DataFrame({"frame": [1], "x_um": [3.0], "y_um": [1.0]})
    >>> crops(one, cells, size_px=8)[0, 0, 3]
    array([1, 1, 1, 1, 2, 2, 2, 2], dtype=uint16)
    """
    _check(cartridge, cells, size_px)
    made = np.zeros((cells.height, len(cartridge.channels), size_px, size_px), np.uint16)
    corners = _corners(cartridge, cells, size_px)
    for frame, rows, shifts in _frames(cartridge.layout, cartridge.load, corners, cells, size_px):
        for row, shift in zip(rows, shifts, strict=True):
            _paste(made[row], frame, shift)
    return made


def label_crops(
    cartridge: Cartridge,
    cells: pl.DataFrame,
    labels: Callable[[int], NDArray[np.int32]],
    *,
    size_px: int = 80,
) -> NDArray[np.int32]:
    """Cut the label image around each cell, as `crops` does the channels.

    Parameters
    ----------
    cartridge, cells, size_px
        As in `crops`.
    labels : callable
        ``labels(index)`` gives the label image of frame `index`, shape (height, width), 0 for
        background.

    Returns
    -------
    ndarray of int32, shape (cells, size_px, size_px)

    Raises
    ------
    InputError
        As in `crops`.

    Examples
    --------
    >>> layout = Layout(9, 9, (7,))
    >>> one = Cartridge("s", "phantom", "", (), 1.0, layout, lambda i: np.zeros((1, 9, 9)))
    >>> cells = pl.DataFrame({"frame": [7], "x_um": [4.0], "y_um": [4.0]})
    >>> int(label_crops(one, cells, lambda i: np.eye(9, dtype=np.int32), size_px=8).sum())
    8
    """
    _check(cartridge, cells, size_px)
    made = np.zeros((cells.height, size_px, size_px), np.int32)
    corners = _corners(cartridge, cells, size_px)
    for frame, rows, shifts in _frames(cartridge.layout, labels, corners, cells, size_px):
        for row, shift in zip(rows, shifts, strict=True):
            _paste(made[row], frame, shift)
    return made


def _corners(cartridge: Cartridge, cells: pl.DataFrame, size_px: int) -> NDArray[np.int64]:
    """Upper left pixel (x, y) of every picture, shape (cells, 2)."""
    centres = cells.select("x_um", "y_um").cast(pl.Float64).to_numpy() / cartridge.pixel_size_um
    return np.floor(centres + 0.5).astype(np.int64) - size_px // 2


def _frames(
    layout: Layout,
    load: Callable[[int], NDArray[Any]],
    corners: NDArray[np.int64],
    cells: pl.DataFrame,
    size_px: int,
) -> Iterator[tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]]:
    """Each needed frame with the rows of `cells` on it and their corners in frame pixels."""
    numbers = cells["frame"].to_numpy()
    extent = np.array([layout.width, layout.height])
    for index, number in enumerate(layout.numbers):
        shifts = corners - np.array(layout.origin(index))
        on = np.all((shifts < extent) & (shifts + size_px > 0), axis=1)
        if not layout.contiguous:
            on &= numbers == number
        rows = np.flatnonzero(on)
        if rows.size:
            yield load(index), rows, shifts[rows]


def _paste(picture: NDArray[Any], frame: NDArray[Any], shift: NDArray[np.int64]) -> None:
    """Copy what a frame shows of a picture whose corner lies at `shift` (x, y) of the frame."""
    x, y = int(shift[0]), int(shift[1])
    size = picture.shape[-1]
    height, width = frame.shape[-2:]
    left, right = max(x, 0), min(x + size, width)
    top, bottom = max(y, 0), min(y + size, height)
    picture[..., top - y : bottom - y, left - x : right - x] = frame[..., top:bottom, left:right]


def _check(cartridge: Cartridge, cells: pl.DataFrame, size_px: int) -> None:
    problems = []
    if not SMALLEST <= size_px <= LARGEST:
        allowed, remedy = f"{SMALLEST} to {LARGEST} px", "choose a side in this range"
        problems.append(Problem("options", None, "size_px", str(size_px), allowed, remedy))
    for column in ("frame", "x_um", "y_um"):
        if column not in cells.columns:
            remedy = "give frame, x_um and y_um of every cell"
            problems.append(Problem("cells", None, column, "no such column", "a column", remedy))
    if not problems:
        problems = [*_frame_problems(cartridge, cells), *_position_problems(cells)]
    if problems:
        raise InputError(problems, subject=f"the cells to be cut from {cartridge.sample!r}")


def _frame_problems(cartridge: Cartridge, cells: pl.DataFrame) -> list[Problem]:
    known = set(cartridge.layout.numbers)
    allowed = f"a frame of {cartridge.sample!r}"
    remedy = "take the cells and the images of the same sample"
    found = enumerate(cells["frame"].to_list(), 2)
    wrong = [(row, number) for row, number in found if number not in known]
    return [Problem("cells", row, "frame", str(n), allowed, remedy) for row, n in wrong]


def _position_problems(cells: pl.DataFrame) -> list[Problem]:
    problems = []
    for column in ("x_um", "y_um"):
        values = cells[column].cast(pl.Float64)
        bad = (~values.is_finite()).fill_null(True).arg_true()
        allowed, remedy = "a finite position in µm", "leave cells without a position out"
        problems += [
            Problem("cells", int(i) + 2, column, str(values[int(i)]), allowed, remedy) for i in bad
        ]
    return problems
