"""Frames with a margin from their neighbours, so that no cell is cut by a seam.

Frames of a cartridge abut. A window is a frame and, on each side where the cartridge has a
neighbour, a strip of that neighbour's pixels. A cell belongs to the frame in which its centre
lies; since each frame sees a margin beyond its border, it measures such a cell whole.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.background import background_grid, background_lines, subtract_lines
from ashworth.imaging.cartridge import Cartridge, Layout, Pixels

SAMPLE_STEP = 4
EachPlane = Callable[[int, NDArray[np.float32]], None]


@dataclass(frozen=True, slots=True)
class Window:
    """A frame with its margin.

    Attributes
    ----------
    index : int
        Position of the frame among the layout's.
    raw : ndarray of uint16, shape (channels, height, width)
        Pixel values, margin included.
    above : ndarray of float32, same shape
        Counts above the background; each frame's background is its own.
    sample : ndarray of uint16, shape (channels, ceil(height / 4), ceil(width / 4))
        Every fourth row and column of the pixel values.
    top, left : int
        Offset of the frame's first pixel in the window.
    height, width : int
        Size of the frame itself.
    origin_x, origin_y : int
        Cartridge pixel of the window's upper left pixel.
    """

    index: int
    raw: Pixels
    above: NDArray[np.float32]
    sample: Pixels
    top: int
    left: int
    height: int
    width: int
    origin_x: int
    origin_y: int


def visiting_order(layout: Layout) -> list[int]:
    """Order of frames that keeps the fewest in memory: along the shorter side of the grid.

    Examples
    --------
    >>> from ashworth.imaging.cartridge import row_major
    >>> visiting_order(Layout(10, 10, (1, 2, 3, 4, 5, 6), row_major(3, 2)))
    [0, 3, 1, 4, 2, 5]
    """
    if not layout.contiguous:
        return list(range(len(layout)))
    columns = {c for c, _ in layout.places}
    rows = {r for _, r in layout.places}
    along_columns = len(rows) <= len(columns)
    return sorted(
        range(len(layout)),
        key=lambda i: layout.places[i] if along_columns else layout.places[i][::-1],
    )


class Buffer:
    """Memory for arrays of changing shape, so that fresh pages are not touched for every frame."""

    def __init__(self, dtype: type[np.uint16 | np.float32]) -> None:
        self._flat: NDArray[Any] = np.empty(0, dtype)

    def array(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """Give an array of this shape with any content; it is overwritten by the next call."""
        size = math.prod(shape)
        if size > self._flat.size:
            self._flat = np.empty(size, self._flat.dtype)
        return self._flat[:size].reshape(shape)


class FrameStore:
    """Loaded frames with their background, kept only while a window still needs them.

    Parameters
    ----------
    cartridge : Cartridge
    order : sequence of int
        Order in which windows will be asked for.
    margin_px : int
        Width of the margin.
    """

    def __init__(self, cartridge: Cartridge, order: Sequence[int], margin_px: int) -> None:
        self._cartridge = cartridge
        self._margin = margin_px if cartridge.layout.contiguous else 0
        self._at = {place: i for i, place in enumerate(cartridge.layout.places)}
        self._frames: OrderedDict[int, tuple[Pixels, list[NDArray[np.float32]]]] = OrderedDict()
        self._last_use = self._last_uses(order)
        self._raw, self._above = Buffer(np.uint16), Buffer(np.float32)

    def _last_uses(self, order: Sequence[int]) -> dict[int, int]:
        last: dict[int, int] = {}
        for step, index in enumerate(order):
            for neighbour, _, _ in self._around(index):
                last[neighbour] = step
        return last

    def _around(self, index: int) -> Iterator[tuple[int, int, int]]:
        """Yield the frame and its neighbours: index and offset in columns and rows."""
        places = self._cartridge.layout.places
        if not places or self._margin == 0:
            yield index, 0, 0
            return
        column, row = places[index]
        for dr in (-1, 0, 1):
            for dc in (-1, 0, 1):
                found = self._at.get((column + dc, row + dr))
                if found is not None:
                    yield found, dc, dr

    def needs(self, index: int) -> list[int]:
        """Frames that the window of a frame is made of."""
        return [i for i, _, _ in self._around(index)]

    def put(self, index: int, pixels: Pixels) -> None:
        """Keep a loaded frame."""
        lines = [background_lines(background_grid(channel)) for channel in pixels]
        self._frames[index] = (pixels, lines)

    def above(self, index: int, each: EachPlane | None = None) -> NDArray[np.float32]:
        """Counts above background of a frame in memory; overwritten by the next call.

        `each` is called with channel and plane while the plane is fresh in the cache.
        """
        pixels, lines = self._frames[index]
        out = self._above.array(pixels.shape)
        for c, (plane, along) in enumerate(zip(pixels, lines, strict=True)):
            subtract_lines(plane, along, out[c])
            if each is not None:
                each(c, out[c])
        return out

    def __contains__(self, index: int) -> bool:
        """Whether a frame is in memory."""
        return index in self._frames

    def shape(self, index: int) -> tuple[int, int, int]:
        """Channels, height and width of a frame's window."""
        layout, m = self._cartridge.layout, self._margin
        offsets = {(dc, dr) for _, dc, dr in self._around(index)}
        height = layout.height + m * ((0, -1) in offsets) + m * ((0, 1) in offsets)
        width = layout.width + m * ((-1, 0) in offsets) + m * ((1, 0) in offsets)
        return len(self._cartridge.channels), height, width

    def window(self, index: int, each: EachPlane | None = None) -> Window:
        """Assemble the window of a frame; its arrays are reused by the next call.

        `each` is called with channel and plane of counts above background while the plane is
        fresh in the cache.
        """
        layout = self._cartridge.layout
        around = list(self._around(index))
        for i, _, _ in around:
            if i not in self._frames:
                self.put(i, self._cartridge.load(i))
        offsets = {(dc, dr) for _, dc, dr in around}
        left, top = self._margin * ((-1, 0) in offsets), self._margin * ((0, -1) in offsets)
        shape = self.shape(index)
        raw, above = self._raw.array(shape), self._above.array(shape)
        sample = np.empty_like(raw[:, ::SAMPLE_STEP, ::SAMPLE_STEP], order="C")
        if len(offsets) < len({dc for dc, _ in offsets}) * len({dr for _, dr in offsets}):
            raw[:], above[:] = 0, 0
        for c in range(shape[0]):
            for i, dc, dr in around:
                x, y = dc * layout.width + left, dr * layout.height + top
                self._copy(i, c, x, y, raw[c], above[c])
            sample[c] = raw[c, ::SAMPLE_STEP, ::SAMPLE_STEP]
            if each is not None:
                each(c, above[c])
        x, y = layout.origin(index)
        size = layout.height, layout.width
        return Window(index, raw, above, sample, top, left, *size, x - left, y - top)

    def _copy(
        self, index: int, channel: int, x: int, y: int, raw: NDArray[np.uint16],
        above: NDArray[np.float32],
    ) -> None:  # fmt: skip
        """Copy the part of a frame that lies in the window, at (x, y) of the window."""
        pixels, lines = self._frames[index]
        height, width = pixels.shape[1:]
        x0, x1 = max(x, 0), min(x + width, raw.shape[1])
        y0, y1 = max(y, 0), min(y + height, raw.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        raw[y0:y1, x0:x1] = pixels[channel, y0 - y : y1 - y, x0 - x : x1 - x]
        subtract_lines(raw, lines[channel], above, shift=(-y, -x), box=(y0, y1, x0, x1))

    def drop(self, index: int) -> None:
        """Drop one frame."""
        del self._frames[index]

    def forget(self, step: int) -> None:
        """Drop the frames that no window after this step needs."""
        for index in [i for i in self._frames if self._last_use.get(i, -1) <= step]:
            del self._frames[index]
