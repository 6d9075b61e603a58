"""Diffraction with defocus for single cells; scattering and field-dependent blur for frames."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ashworth.testing.independent_phantoms.fields import FINE_UM, Plane

WAVELENGTH_UM = (0.46, 0.58, 0.67, 0.52)
APERTURE = 0.45
_SIDE = 128


def point_spreads(depths_um: NDArray[np.float64]) -> list[list[Plane]]:
    """Point spread functions on the fine grid: one list per depth, one kernel per channel.

    Scalar diffraction: |FT{P exp(i 2 pi z sqrt(1/lambda^2 - f^2))}|^2 with a circular pupil P of
    numerical aperture 0.45, averaged over the thickness of a cell (4 um) and over the camera
    pixel (Goodman, Introduction to Fourier Optics, ch. 6). Each kernel adds up to 1.
    """
    return [[_kernel(z, wave) for wave in WAVELENGTH_UM] for z in depths_um]


def _kernel(depth_um: float, wavelength_um: float) -> Plane:
    axis = np.fft.fftfreq(_SIDE, FINE_UM / 2)
    squared = axis[:, None] ** 2 + axis[None, :] ** 2
    pupil = squared <= (APERTURE / wavelength_um) ** 2
    axial = np.sqrt(np.maximum(wavelength_um**-2 - squared, 0))
    spread = np.zeros((_SIDE, _SIDE), np.float64)
    for z in depth_um + np.linspace(-2, 2, 5):
        spread += np.abs(np.fft.ifft2(pupil * np.exp(2j * np.pi * z * axial))) ** 2
    pixel = np.array([0.5, 1, 1, 1, 0.5]) / 4
    seen = np.asarray(cv2.sepFilter2D(np.fft.fftshift(spread), -1, pixel, pixel))
    return _trimmed(seen[::2, ::2])


def _trimmed(spread: Plane, energy: float = 0.985) -> Plane:
    """Cut to the smallest odd square around the middle that holds the energy."""
    middle = spread.shape[0] // 2
    total = spread.sum()
    for half in range(2, middle):
        inner = spread[middle - half : middle + half + 1, middle - half : middle + half + 1]
        if inner.sum() >= energy * total:
            break
    return (inner / inner.sum()).astype(np.float32)


def blurred(stamp: Plane, kernels: list[Plane]) -> Plane:
    """Send a stamp (side, side, 4) through the point spread function of each channel."""
    seen = np.zeros(stamp.shape, np.float32)
    for c, kernel in enumerate(kernels):
        plane = np.ascontiguousarray(stamp[..., c], np.float32)
        if plane.any():
            seen[..., c] = cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_CONSTANT)
    return seen


def field_blur(height: int, width: int, rng: np.random.Generator) -> Plane:
    """Weight of the blurred image: low in the middle, high in the corners, tilted at random."""
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    tilt = rng.normal(0, 0.12, 2).astype(np.float32)
    weight = np.float32(0.08) + np.float32(0.25) * (x * x + y * y) / 2 + tilt[0] * x + tilt[1] * y
    return np.clip(weight, 0, 0.6)


def scattered(canvas: Plane, sigma_px: float = 14.0) -> Plane:
    """Wide part of the two-part point spread, a Gaussian halo, at 1/8 of the size.

    `canvas` is (4, height, width) with both sides multiples of 8.
    """
    small = (canvas.shape[2] // 8, canvas.shape[1] // 8)
    light = [cv2.resize(plane, small, interpolation=cv2.INTER_AREA) for plane in canvas]
    edge = cv2.BORDER_REPLICATE
    return np.stack([cv2.GaussianBlur(p, (0, 0), sigma_px / 8, borderType=edge) for p in light])


def softened(canvas: Plane) -> Plane:
    """Canvas (4, height, width) as the worst corner of the field shows it."""
    soft = np.empty_like(canvas)
    for plane, target in zip(canvas, soft, strict=True):
        cv2.GaussianBlur(plane, (0, 0), 1.3, dst=target)
    return soft
