"""Labels to a table: one row per cell, physical units, ACCEPT's features under its names.

| column | meaning |
|---|---|
| `x_um`, `y_um` | centre, from the upper left of the cartridge (of the frame for single fields) |
| `area_um2`, `diameter_um` | area of the cell; diameter of the circle of that area |
| `nucleus_um2`, `nuclear_share` | area of the nucleus; its share of the cell |
| `<p>_mean`, `<p>_peak` | mean and highest count over the cell above its local background |
| `<p>_background` | level of the local background, pixel values |
| `<p>_nucleus_mean`, `<p>_ring_mean` | mean over the nucleus; over the ring at the outline |
| `<p>_granularity` | standard deviation over mean |
| `<p>_speckle` | share of the signal in spots under 2 micrometres, relative to an even disc |
| `<p>_saturated_share` | share of saturated pixels |
| `<p>_noise` | noise of the smoothed background of the whole cartridge |
| `<p>_MeanIntensity` ... `<p>_P2A` | ACCEPT's definitions, on the channel's own mask |
| `dapi_Overlay_<p>` | share of the nucleus that lies on the channel's mask |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ashworth.imaging import feature_kernels as kernels
from ashworth.imaging.even_disc import even_disc_speckle
from ashworth.imaging.pixel_lists import PixelLists, Positions, clipped_means, labelled, pixel_lists
from ashworth.imaging.segmentation import Planes, SegmentationSettings, Segmented
from ashworth.imaging.territories import annuli
from ashworth.imaging.thresholds import ChannelLevels
from ashworth.imaging.windows import SAMPLE_STEP, Window

Columns = dict[str, NDArray[np.float64]]
SPECKLE_UM = 2.0
BACKGROUND_REACH = 10.0
_FEWEST_ANNULUS_PX = 12


@dataclass(frozen=True, slots=True)
class Measured:
    """The cells of one window, as columns of equal length.

    Attributes
    ----------
    columns : dict of str to ndarray
        Columns of the table above; `x_px`, `y_px` are pixels of the window.
    """

    columns: Columns

    def __len__(self) -> int:
        """Count the cells."""
        return len(self.columns["x_px"])


@dataclass(frozen=True, slots=True)
class _CellPixels:
    """The pixels of every cell: column, row, whether in the nucleus, whether at the outline.

    And, of the window's sample, the pixels of no cell.
    """

    lists: PixelLists
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    in_nucleus: NDArray[np.bool_]
    at_rim: NDArray[np.bool_]
    free: Positions


def _cell_pixels(segmented: Segmented, lists: PixelLists) -> _CellPixels:
    width = segmented.cells.shape[1]
    x, y = kernels.coordinates(lists.position, width)
    in_nucleus, at_rim = kernels.parts(
        lists.start,
        lists.position,
        segmented.cells.reshape(-1),
        segmented.nuclei.reshape(-1),
        width,
    )
    free = kernels.unlabelled(segmented.cells, SAMPLE_STEP)
    return _CellPixels(lists, x, y, in_nucleus, at_rim, free)


def measure(
    window: Window,
    smooth: Planes,
    segmented: Segmented,
    settings: SegmentationSettings,
    levels: Sequence[ChannelLevels],
    prefixes: Sequence[str],
) -> Measured:
    """Measure every cell of a window in every channel.

    Parameters
    ----------
    window : Window
    smooth : ndarray of float32, shape (channels, height, width)
    segmented : Segmented
    settings : SegmentationSettings
    levels : sequence of ChannelLevels
    prefixes : sequence of str
        Column prefix of each channel.
    """
    inside = labelled(segmented.cells)
    lists = pixel_lists(segmented.cells, inside=inside)
    limits = [level.threshold for level in levels]
    around = annuli(segmented.cells, smooth, limits, reach=settings.reach, inside=inside)
    pixels = _cell_pixels(segmented, lists)
    columns = _geometry(segmented, lists, settings)
    for c, prefix in enumerate(prefixes):
        columns |= _channel(c, prefix, window, smooth, segmented, settings, levels, pixels, around)
    nucleus = settings.index("nucleus")
    if nucleus is not None:
        columns["focus"] = kernels.sharpness(
            smooth[nucleus].reshape(-1), lists.start, lists.position,
            segmented.nuclei.reshape(-1), segmented.cells.shape[1],
        )  # fmt: skip
    return Measured(columns)


def _geometry(segmented: Segmented, lists: PixelLists, settings: SegmentationSettings) -> Columns:
    height, width = segmented.cells.shape
    found = kernels.places(
        lists.start, lists.position, segmented.nuclei.reshape(-1),
        segmented.bodies.reshape(-1), width, height,
    )  # fmt: skip
    x, y, area, nucleus, body, edge = found.T
    pixel_um2 = settings.pixel_size_um**2
    return {
        "x_px": x,
        "y_px": y,
        "area_um2": area * pixel_um2,
        "diameter_um": 2 * np.sqrt(area * pixel_um2 / np.pi),
        "nucleus_um2": nucleus * pixel_um2,
        "nuclear_share": nucleus / np.maximum(area, 1),
        "body": body,
        "edge": edge,
    }


def _channel(
    c: int,
    prefix: str,
    window: Window,
    smooth: Planes,
    segmented: Segmented,
    settings: SegmentationSettings,
    levels: Sequence[ChannelLevels],
    pixels: _CellPixels,
    around: PixelLists,
) -> Columns:
    """Columns of one channel."""
    lists, width = pixels.lists, segmented.cells.shape[1]
    above, raw = window.above[c].reshape(-1), window.raw[c].reshape(-1)
    reach = BACKGROUND_REACH * levels[c].noise
    local, level = clipped_means(above, raw, around.start, around.position, reach)
    local[(around.area_px < _FEWEST_ANNULUS_PX) | ~np.isfinite(local)] = 0
    own = kernels.intensities(
        above, raw, local, lists.start, lists.position, pixels.in_nucleus, pixels.at_rim,
        levels[c].saturation,
    )  # fmt: skip
    columns = {f"{prefix}_{name}": own[:, k] for k, name in enumerate(kernels.INTENSITIES)}
    columns[f"{prefix}_background"] = level.astype(np.float64)
    accept = kernels.accept_features(
        smooth[c].reshape(-1), raw, lists.start, lists.position, pixels.x, pixels.y,
        pixels.in_nucleus, levels[c].threshold,
        kernels.median_at(window.sample[c].reshape(-1), pixels.free), settings.pixel_size_um**2,
    )  # fmt: skip
    radius = max(2, round(SPECKLE_UM / settings.pixel_size_um))
    spots = kernels.speckle(smooth[c].reshape(-1), lists.start, lists.position, width, radius)
    columns[f"{prefix}_speckle"] = spots / even_disc_speckle(lists.area_px, radius)
    for k, name in enumerate(kernels.ACCEPT):
        column = f"dapi_Overlay_{prefix}" if name == "Overlay" else f"{prefix}_{name}"
        columns[column] = accept[:, k]
    return columns
