"""A cartridge to its table of cells, frame by frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.imaging.cartridge import Cartridge, Layout, Pixels
from ashworth.imaging.features import Measured, measure
from ashworth.imaging.frame_state import frame_state
from ashworth.imaging.obstacles import obstacle_mask
from ashworth.imaging.seams import drop_doubles
from ashworth.imaging.segmentation import (
    SMOOTHING_PX,
    Planes,
    SegmentationSettings,
    Segmenter,
    completed,
    segment,
    smooth_plane,
)
from ashworth.imaging.thresholds import (
    ChannelLevels,
    cartridge_levels,
    pilot,
    pilot_indices,
)
from ashworth.imaging.windows import Buffer, FrameStore, Window, visiting_order

MARGIN_PX = 32
OWNED_BEYOND_PX = 1.0
AHEAD = 4
Columns = dict[str, NDArray[Any]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found on a cartridge.

    Attributes
    ----------
    cells : polars.DataFrame
        One row per cell, in order of frame and place; columns as in `features`, with `cell_id`,
        `frame` (the folder's number), `x_um`, `y_um`, `border`, `saturated`, `body_id`.
    levels : dict of str to ChannelLevels
        By column prefix.
    settings : SegmentationSettings
    n_frames : int
    masked_um2 : float
        Area in which nothing was looked for: the cartridge's wall, rims of bubbles.
    frames : polars.DataFrame
        frame and, by column prefix, `<p>_flat` (no variation at all) and `<p>_saturated` (share
        of saturated pixels).
    """

    cells: pl.DataFrame
    levels: dict[str, ChannelLevels]
    settings: SegmentationSettings
    n_frames: int
    masked_um2: float
    frames: pl.DataFrame

    def table(self) -> pl.DataFrame:
        """Return the cells."""
        return self.cells


def detect(
    cartridge: Cartridge,
    *,
    segmenter: Segmenter = segment,
    settings: SegmentationSettings | None = None,
    progress: Progress | None = None,
    read_ahead: bool = True,
) -> Detection:
    """Find and measure every cell of a cartridge.

    Frames are streamed: at most three columns (or rows) of the grid are in memory. Thresholds
    come from frames spread over the whole cartridge; a cell on a seam is measured whole and
    counted once.

    Parameters
    ----------
    cartridge : Cartridge
    segmenter : callable
        ``segmenter(smooth, settings)`` giving `Segmented`, or labels of shape (height, width).
    settings : SegmentationSettings, optional
        Roles, thresholds and pixel size are filled in from the cartridge.
    progress : callable, optional
        Called with the frames done and their number.
    read_ahead : bool
        Load the next frames in a second thread.

    Returns
    -------
    Detection

    Raises
    ------
    FrameError
        If a frame cannot be read.
    """
    cv2.setNumThreads(1)
    order = visiting_order(cartridge.layout)
    store, scratch = FrameStore(cartridge, order, MARGIN_PX), Buffer(np.float32)
    frames = _loaded(cartridge, _loading_order(cartridge, store, order), read_ahead=read_ahead)
    levels = _levels_of(cartridge, store, frames, scratch)
    settings = _fitted(settings, cartridge, levels)
    prefixes = [channel.prefix for channel in cartridge.channels]
    tables, states, masked_px = [], [], 0
    windows = _windows(store, order, frames, _Smoothing(scratch, settings.smoothing_px))
    for done, (window, smooth) in enumerate(windows, start=1):
        masked_px += _mask_obstacles(smooth, window, levels, settings)
        segmented = completed(segmenter(smooth, settings), smooth, settings)
        found = measure(window, smooth, segmented, settings, levels, prefixes)
        tables.append(_owned(found, window, cartridge.layout, settings))
        number = cartridge.layout.numbers[window.index]
        states.append({"frame": number, **frame_state(window, levels, prefixes)})
        if progress:
            progress(done, len(order))
    noise = {f"{p}_noise": level.noise for p, level in zip(prefixes, levels, strict=True)}
    cells = _assembled(tables, cartridge, settings).with_columns(
        **{k: pl.lit(v) for k, v in noise.items()}
    )
    return Detection(
        cells,
        dict(zip(prefixes, levels, strict=True)),
        settings,
        len(order),
        masked_px * settings.pixel_size_um**2,
        pl.DataFrame(states).sort("frame"),
    )


def _mask_obstacles(
    smooth: Planes,
    window: Window,
    levels: tuple[ChannelLevels, ...],
    settings: SegmentationSettings,
) -> int:
    """Take obstacles out of a window; give the pixels masked in the frame itself."""
    stains = [settings.index(role) for role in ("nucleus", "inclusion", "exclusion")]
    chosen = [c for c in stains if c is not None]
    noise = [levels[c].noise for c in chosen]
    planes = [smooth[c] for c in chosen]
    mask = obstacle_mask(planes, noise, pixel_size_um=settings.pixel_size_um)
    if mask is None:
        return 0
    smooth[:, mask] = 0
    frame = mask[window.top : window.top + window.height, window.left : window.left + window.width]
    return int(frame.sum())


def _pilots(layout: Layout) -> list[int]:
    """Pilot frames, by their places and not by the order in which a folder lists them."""
    frames = sorted(
        range(len(layout)), key=lambda i: layout.places[i][::-1] if layout.places else i
    )
    return [frames[k] for k in pilot_indices(len(frames))]


def _loading_order(cartridge: Cartridge, store: FrameStore, order: list[int]) -> list[int]:
    """Pilot frames, then all as they are needed."""
    wanted = dict.fromkeys(i for index in order for i in store.needs(index))
    return [*_pilots(cartridge.layout), *wanted]


def _loaded(cartridge: Cartridge, order: list[int], *, read_ahead: bool) -> Iterator[Pixels]:
    """Load frames in order; a second thread loads the next ones meanwhile."""
    if not read_ahead:
        yield from map(cartridge.load, order)
        return
    with ThreadPoolExecutor(1) as pool:
        queue: deque[Future[Pixels]] = deque()
        for index in order:
            queue.append(pool.submit(cartridge.load, index))
            if len(queue) > AHEAD:
                yield queue.popleft().result()
        while queue:
            yield queue.popleft().result()


def _levels_of(
    cartridge: Cartridge, store: FrameStore, frames: Iterator[Pixels], scratch: Buffer
) -> tuple[ChannelLevels, ...]:
    """Levels from the pilot frames, which come first."""
    pilots = []
    for index in _pilots(cartridge.layout):
        pixels = next(frames)
        store.put(index, pixels)
        smoothing = _Smoothing(scratch, SMOOTHING_PX)
        smoothing.begin(pixels.shape)
        store.above(index, smoothing)
        pilots.append(pilot(pixels, smoothing.smooth))
        store.drop(index)
    return cartridge_levels(cartridge, pilots)


def _fitted(
    settings: SegmentationSettings | None, cartridge: Cartridge, levels: tuple[ChannelLevels, ...]
) -> SegmentationSettings:
    known = {
        "roles": tuple(channel.role for channel in cartridge.channels),
        "thresholds": tuple(level.threshold for level in levels),
        "pixel_size_um": cartridge.pixel_size_um,
    }
    return replace(settings, **known) if settings else SegmentationSettings(**known)


class _Smoothing:
    """Smooths the planes of a window as they come; the memory is reused."""

    def __init__(self, scratch: Buffer, sigma_px: float) -> None:
        self._scratch, self._sigma_px = scratch, sigma_px
        self.smooth: Planes = np.empty((0, 0, 0), np.float32)

    def begin(self, shape: tuple[int, ...]) -> None:
        """Make room for a window."""
        self.smooth = self._scratch.array(shape)

    def __call__(self, channel: int, plane: NDArray[np.float32]) -> None:
        """Smooth one channel."""
        smooth_plane(plane, self._sigma_px, self.smooth[channel])


def _windows(
    store: FrameStore, order: list[int], frames: Iterator[Pixels], smoothing: _Smoothing
) -> Iterator[tuple[Window, Planes]]:
    """Yield windows in order, with their smoothed planes."""
    for step, index in enumerate(order):
        for i in store.needs(index):
            if i not in store:
                store.put(i, next(frames))
        smoothing.begin(store.shape(index))
        yield store.window(index, smoothing), smoothing.smooth
        store.forget(step)


def _owned(
    found: Measured, window: Window, layout: Layout, settings: SegmentationSettings
) -> Columns:
    """Rows of the cells whose centre lies in the window's own frame, in cartridge units."""
    columns = dict(found.columns)
    x, y = columns.pop("x_px") - window.left, columns.pop("y_px") - window.top
    beyond = OWNED_BEYOND_PX if layout.contiguous else 0.5
    own = (x >= -beyond) & (x < window.width - 1 + beyond)
    own &= (y >= -beyond) & (y < window.height - 1 + beyond)
    own |= np.zeros_like(own) if layout.contiguous else np.ones_like(own)
    left, top = window.origin_x + window.left, window.origin_y + window.top
    px = settings.pixel_size_um
    reach = 0.5 * columns["diameter_um"] / px
    seam = (x < reach) | (y < reach)
    seam |= (x > window.width - 1 - reach) | (y > window.height - 1 - reach)
    table = {
        "frame": np.full(len(x), layout.numbers[window.index], np.int64),
        "x_px": x,
        "y_px": y,
        "x_um": (x + left) * px,
        "y_um": (y + top) * px,
        "border": seam | (columns.pop("edge") > 0),
        "body_id": columns.pop("body").astype(np.int64),
        **columns,
    }
    return {name: column[own] for name, column in table.items()}


def _assembled(
    tables: list[Columns], cartridge: Cartridge, settings: SegmentationSettings
) -> pl.DataFrame:
    """Join the frames' columns; one row per cell, ids by frame and place."""
    cells = pl.DataFrame({k: np.concatenate([t[k] for t in tables]) for k in tables[0]})
    if cartridge.layout.contiguous:
        cells = drop_doubles(cells, settings.pixel_size_um)
    cells = cells.sort("frame", "y_um", "x_um")
    shares = [c for c in cells.columns if c.endswith("_saturated_share")]
    rank = pl.int_range(pl.len()).over("frame") + 1
    name = pl.format(
        "{}-{}", pl.col("frame").cast(pl.String).str.zfill(4), rank.cast(pl.String).str.zfill(4)
    )
    return cells.with_columns(
        cell_id=name,
        saturated=pl.max_horizontal(shares) > 0,
        nuclei=(pl.col("nucleus_um2") > 0).cast(pl.Int64),
    ).select("cell_id", pl.exclude("cell_id", "x_px", "y_px"))
