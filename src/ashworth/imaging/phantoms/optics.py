"""Microscope: point spread, focus, illumination, background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import expit

from ashworth.imaging.phantoms.places import grid
from ashworth.imaging.phantoms.spec import PhantomSpec
from ashworth.streams import stream

CORE, WINGS = (0.83, 0.21), (0.17, 0.75)
"""Share and sigma (in wavelength / NA) of two Gaussians that stand for the Airy pattern.

The core's sigma is that of Zhang, Zerubia and Olivo-Marin, Appl Opt 46:1819 (2007); the wings
hold what the core leaves out of the light beyond the first dark ring (16 %) and the second (9 %).
"""
WAVES = 4


@dataclass(frozen=True, slots=True)
class Optics:
    """What is fixed for a cartridge.

    Attributes
    ----------
    focus_um : ndarray, shape (frames,)
        Defocus of every frame.
    waves : ndarray, shape (4, 3)
        Wave numbers (x, y; radians per pixel) and phases of the uneven background.
    """

    focus_um: NDArray[np.float64]
    waves: NDArray[np.float64]


def optics(spec: PhantomSpec, seed: int, places: tuple[tuple[int, int], ...]) -> Optics:
    """Draw focus and background of a cartridge."""
    columns, _ = grid(spec.frames)
    along = np.array([c for c, _ in places]) / max(columns - 1, 1) * 2 - 1
    jitter = np.clip(stream(seed, "focus").standard_normal(spec.frames), -3, 3)
    rng = stream(seed, "background")
    length = rng.uniform(500, 4000, WAVES)
    angle = rng.uniform(0, 2 * np.pi, WAVES)
    k = 2 * np.pi / length
    waves = np.stack([k * np.cos(angle), k * np.sin(angle), rng.uniform(0, 2 * np.pi, WAVES)], 1)
    return Optics(spec.tilt_um * along + spec.focus_sd_um * jitter, waves)


def blur_px(spec: PhantomSpec, focus_um: float, channel: int) -> tuple[float, float]:
    """Sigmas of core and wings in pixels.

    Defocus dz spreads a point over a disc of radius |dz| tan(asin NA), whose variance along an
    axis is radius^2 / 4; a cell of depth d has the mean square defocus dz^2 + d^2 / 12.

    Examples
    --------
    >>> [round(s, 2) for s in blur_px(PhantomSpec(), 0.0, 0)]
    [0.76, 1.38]
    """
    na = spec.numerical_aperture
    spread = np.tan(np.arcsin(na)) / 2
    defocus2 = spread**2 * (focus_um**2 + spec.cell_depth_um**2 / 12)
    unit = spec.wavelengths_nm[channel] / 1000 / na
    core, wings = (np.hypot(s * unit, np.sqrt(defocus2)) for s in (CORE[1], WINGS[1]))
    return float(core / spec.pixel_size_um), float(wings / spec.pixel_size_um)


def margin_px(spec: PhantomSpec, focus_um: float) -> int:
    """Pixels beyond a frame that its blur reaches."""
    widest = max(blur_px(spec, focus_um, channel)[1] for channel in range(4))
    return int(np.ceil(4 * widest)) + 3


def blurred(spec: PhantomSpec, focus_um: float, canvas: NDArray[np.float32]) -> None:
    """Blur a canvas in place."""
    for channel, page in enumerate(canvas):
        core, wings = blur_px(spec, focus_um, channel)
        wide = cv2.GaussianBlur(page, (0, 0), wings)
        narrow = cv2.GaussianBlur(page, (0, 0), core)
        cv2.addWeighted(narrow, CORE[0], wide, WINGS[0], 0.0, dst=page)


def unevenness(
    spec: PhantomSpec, waves: NDArray[np.float64], left: int, top: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Factors (along y, along x) whose product sums to the relative background, less one.

    Uses cos(a + b) = cos a cos b - sin a sin b, so that the field goes on across seams.
    """
    x = left + np.arange(spec.frame_width)
    y = top + np.arange(spec.frame_height)
    across = waves[:, :1] * x + waves[:, 2:]
    down = waves[:, 1:2] * y
    size = spec.background_unevenness / WAVES
    along_y = np.concatenate([size * np.cos(down), -size * np.sin(down)])
    along_x = np.concatenate([np.cos(across), np.sin(across)])
    return along_y.astype(np.float32), along_x.astype(np.float32)


def rim(spec: PhantomSpec, left: int) -> NDArray[np.float32]:
    """Counts of the cartridge's bright edge in every column of a frame."""
    x = left + np.arange(spec.frame_width)
    columns, _ = grid(spec.frames)
    depth = np.minimum(x, columns * spec.frame_width - 1 - x)
    band = expit((spec.edge_width_px - depth) / 4)
    return (spec.edge_counts * band).astype(np.float32)


@njit(cache=True, nogil=True)
def illuminate(
    canvas: NDArray[np.float32],
    margin: int,
    background: NDArray[np.float32],
    along_y: NDArray[np.float32],
    along_x: NDArray[np.float32],
    edge: NDArray[np.float32],
    vignetting: float,
) -> NDArray[np.float32]:
    """Add the background to the inner part of a canvas and let the light fall off to the corners.

    Returns
    -------
    ndarray of float32, shape (channels, height, width)
        Counts above the camera's offset.
    """
    channels = canvas.shape[0]
    height, width = along_y.shape[1], along_x.shape[1]
    out = np.empty((channels, height, width), np.float32)
    cy, cx = np.float32((height - 1) / 2), np.float32((width - 1) / 2)
    scale = np.float32(vignetting) / (cy * cy + cx * cx + np.float32(1e-6))
    one = np.float32(1.0)
    field, light = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(height):
        for x in range(width):
            field[x] = one
            light[x] = one - scale * ((y - cy) * (y - cy) + (x - cx) * (x - cx))
        for wave in range(along_y.shape[0]):
            height_here = along_y[wave, y]
            for x in range(width):
                field[x] += height_here * along_x[wave, x]
        for c in range(channels):
            for x in range(width):
                value = canvas[c, y + margin, x + margin] + background[c] * field[x] + edge[x]
                out[c, y, x] = max(value, np.float32(0.0)) * light[x]
    return out
