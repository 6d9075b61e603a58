"""Random fields and level sets: the raw material of shapes and textures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Plane: TypeAlias = NDArray[Any]
"""Real-valued image, float32 wherever speed counts."""

PIXEL_UM = 0.64
FINE_UM = PIXEL_UM / 2
"""Stamps are drawn at twice the resolution of the camera."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Periodic random fields with mean 0 and standard deviation 1, shape (side, side).

    Attributes
    ----------
    fractal : array
        Amplitude spectrum falling as f^-1.6: chromatin.
    grain : array
        Band around 5 fine pixels: granules.
    swell : array
        Band around 24 fine pixels: outlines, haze.
    """

    fractal: Plane
    grain: Plane
    swell: Plane


def make_tiles(rng: np.random.Generator, side: int = 512) -> Tiles:
    """Draw the periodic fields of one cartridge."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    return Tiles(
        _filtered(rng, np.where(frequency > 1 / 90, frequency**-1.6, 0.0)),
        _filtered(rng, np.exp(-(((frequency - 0.2) / 0.06) ** 2))),
        _filtered(rng, np.exp(-(((frequency - 0.042) / 0.015) ** 2))),
    )


def _filtered(rng: np.random.Generator, amplitude: NDArray[np.float64]) -> Plane:
    """White noise of standard deviation 1 through a filter in the frequency domain."""
    side = amplitude.shape[0]
    amplitude = np.where(np.isfinite(amplitude), amplitude, 0.0)
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((side, side))) * amplitude, (side, side))
    return ((field - field.mean()) / field.std()).astype(np.float32)


def crop(tile: Plane, side: int, rng: np.random.Generator) -> Plane:
    """Cut a random square out of a periodic field, mirrored and turned at random."""
    top, left = rng.integers(0, tile.shape[0], 2)
    steps = np.arange(side)
    rows, columns = (top + steps) % tile.shape[0], (left + steps) % tile.shape[0]
    if rng.random() < 0.5:
        rows = rows[::-1]
    if rng.random() < 0.5:
        columns = columns[::-1]
    cut = tile[rows[:, None], columns]
    return cut.T if rng.random() < 0.5 else cut


def grid(side: int) -> tuple[Plane, Plane]:
    """Coordinates x, y of a square stamp with the origin in its middle, each (side, side)."""
    axis = np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2)
    x, y = np.meshgrid(axis, axis)
    return x, y


def level(field: Plane, area_px: float) -> Plane:
    """Shift a field so that the set where it is positive has the given area."""
    inside = int(np.clip(round(area_px), 1, field.size - 1))
    flat = field.ravel()
    return field - np.partition(flat, flat.size - inside)[flat.size - inside]


def coverage(field: Plane) -> Plane:
    """How far a pixel lies in the set where a distance-like field is positive, 0 to 1."""
    return np.clip(field + np.float32(0.5), 0, 1)


def scaled(texture: Plane, region: Plane, mean: float) -> Plane:
    """Scale a texture that vanishes outside a region to the given mean inside."""
    total = float(texture.sum())
    return texture * np.float32(mean * float(region.sum()) / total if total > 0 else 0.0)


def contour(x: Plane, y: Plane, radius: float, rng: np.random.Generator, rough: float) -> Plane:
    """Signed distance along the ray to a star-shaped Fourier outline; positive inside.

    r(theta) = radius (1 + sum_k a_k cos(k theta + phi_k)), k = 2..7, a_k ~ N(0, rough / k).
    """
    theta, rho = np.arctan2(y, x), np.hypot(x, y)
    shape = np.ones_like(theta)
    for k in range(2, 8):
        size, phase = rng.normal(0, rough / k), rng.uniform(0, 2 * np.pi)
        shape += np.float32(size) * np.cos(k * theta + np.float32(phase))
    return np.float32(radius) * np.maximum(shape, np.float32(0.3)) - rho
