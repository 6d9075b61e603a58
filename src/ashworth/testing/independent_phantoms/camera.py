"""Light to grey values: illumination, haze, shot noise, rows, hot pixels, saturation.

Smooth fields live on a grid of 1/8 of the pixels and are interpolated where they are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from ashworth.testing.independent_phantoms.fields import Plane
from ashworth.testing.independent_phantoms.spec import IndependentSpec

BACKGROUND = (62.0, 42.0, 30.0, 34.0)
COUNTS_PER_ELECTRON = 0.24
READ_NOISE = 3.2
HALO = 0.05
FULL = 4095
BANK = 2**21
PAD = 40
"""Margin in pixels that is rendered around a frame; a multiple of 8."""


@dataclass(frozen=True, slots=True)
class Camera:
    """What stays the same over a cartridge.

    Attributes
    ----------
    shading : array, (4, coarse height, coarse width)
        Vignetting times a polynomial of degree 3, per channel; about 1 in the middle.
    response : array, (height, width)
        Gain of each pixel, 1 +/- 0.8 %.
    dark : array, (height, width)
        Fixed pattern added to each pixel, hot pixels included, in counts.
    bank : array
        Standard normal values; a row of a page takes a run of them that starts at random.
    """

    shading: Plane
    response: Plane
    dark: Plane
    bank: Plane


def padded_shape(spec: IndependentSpec) -> tuple[int, int]:
    """Height and width of a frame with its margins, rounded up to multiples of 8."""
    return -(-(spec.height + 2 * PAD) // 8) * 8, -(-(spec.width + 2 * PAD) // 8) * 8


def make_camera(spec: IndependentSpec, rng: np.random.Generator) -> Camera:
    """Draw the illumination and the fixed patterns of one instrument."""
    shape = (spec.height, spec.width)
    response = 1 + np.float32(0.008) * rng.standard_normal(shape, np.float32)
    dark = np.float32(0.8) * rng.standard_normal(shape, np.float32)
    dark += rng.normal(0, 0.7, (1, spec.width)).astype(np.float32)
    hot = rng.integers(0, dark.size, dark.size // 30_000)
    dark.ravel()[hot] += rng.gamma(1.2, 180, len(hot)).astype(np.float32)
    shading = np.stack([_shading(spec, rng) for _ in range(4)])
    return Camera(shading, response, dark, rng.standard_normal(BANK + spec.width, np.float32))


def _shading(spec: IndependentSpec, rng: np.random.Generator) -> Plane:
    """Relative illumination of one channel on the coarse grid; x, y run -1..1 over the frame."""
    height, width = padded_shape(spec)
    x = (2 * (8 * np.arange(width // 8) + 4 - PAD) / spec.width - 1)[None, :]
    y = (2 * (8 * np.arange(height // 8) + 4 - PAD) / spec.height - 1)[:, None]
    cx, cy = rng.normal(0, 0.08, 2)
    bowl = 1 - spec.vignetting * ((x - cx) ** 2 + (y - cy) ** 2) / 2
    powers = [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3)]
    uneven = np.zeros((height // 8, width // 8))
    for i, j in powers:
        uneven += rng.normal(0, 0.022) * x**i * y**j
    return (np.maximum(bowl, 0.05) * (1 + uneven)).astype(np.float32)


def haze(spec: IndependentSpec, rng: np.random.Generator) -> Plane:
    """Smooth background of one frame, broad clouds partly shared by the channels.

    Counts, on the coarse grid, (4, coarse height, coarse width).
    """
    height, width = padded_shape(spec)
    rows, columns = height // 120 + 3, width // 120 + 3
    clouds = rng.normal(0, 0.10, (rows, columns, 1)) + rng.normal(0, 0.05, (rows, columns, 4))
    means = np.array(BACKGROUND) * rng.lognormal(0, 0.12, 4)
    light = cv2.GaussianBlur((means * np.exp(clouds)).astype(np.float32), (0, 0), 1.0)
    full = cv2.resize(light, (width // 8, height // 8), interpolation=cv2.INTER_CUBIC)
    return np.moveaxis(np.asarray(full), 2, 0)


def row_pattern(height: int, rng: np.random.Generator) -> Plane:
    """Offset of each channel and row, (4, height): autoregressive, 0.9 counts wide."""
    steps = rng.normal(0, 0.9 * np.sqrt(1 - 0.6**2), (4, height))
    return np.asarray(lfilter([1.0], [1.0, -0.6], steps)).astype(np.float32)


def enlarged(coarse: Plane, spec: IndependentSpec) -> Plane:
    """Coarse fields (n, coarse height, coarse width) to the pixels of the frame."""
    height, width = padded_shape(spec)
    full = [cv2.resize(p, (width, height), interpolation=cv2.INTER_LINEAR) for p in coarse]
    return np.stack(full)[:, PAD : PAD + spec.height, PAD : PAD + spec.width]


def collected(
    spec: IndependentSpec, sharp: Plane, soft: Plane, halo: Plane, weight: Plane
) -> Plane:
    """Light of the objects after blur, scattering, bleed-through and gain, (4, height, width).

    Parameters
    ----------
    sharp, soft : array, (4, padded height, padded width)
        In focus, and blurred.
    halo, weight : array, (4 and 1, coarse height, coarse width)
        Scattered light; share of `soft`.
    """
    inner = (slice(None), slice(PAD, PAD + spec.height), slice(PAD, PAD + spec.width))
    focus = sharp[inner] + enlarged(weight, spec) * (soft[inner] - sharp[inner])
    light = focus * np.float32(1 - HALO) + enlarged(halo, spec) * np.float32(HALO)
    light[[1, 3]] += light[[3, 1]] * np.float32(spec.bleed_through)
    return light * np.array(spec.gain, np.float32)[:, None, None]


def exposed_plain(
    spec: IndependentSpec,
    camera: Camera,
    light: Plane,
    background: Plane,
    kept: Plane,
    rows: Plane,
    noise: Plane,
) -> NDArray[np.uint16]:
    """Grey values (4, height, width) of collected light; the plain twin of `expose`.

    Shot noise is Gaussian with variance light x counts per electron, read noise is added, the
    sum is rounded and saturates at 4095. `background` is coarse, `kept` (height, width), `rows`
    (4, height), `noise` ~ N(0, 1) as `light`.
    """
    gain = np.array(spec.gain, np.float32)[:, None, None]
    seen = light + kept * enlarged(background, spec) * gain
    seen = np.maximum(seen * enlarged(camera.shading, spec), 0) * camera.response
    spread = np.sqrt(seen * np.float32(COUNTS_PER_ELECTRON) + np.float32(READ_NOISE**2))
    value = seen + noise * spread + camera.dark + rows[:, :, None]
    value += offsets(spec)[:, None, None]
    return (np.clip(value, 0, FULL) + np.float32(0.5)).astype(np.uint16)


def offsets(spec: IndependentSpec) -> Plane:
    """Grey value of darkness in each channel."""
    return (spec.offset + np.array(spec.offset_shift)).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def expose(
    sharp, soft, coarse, kept, response, dark, rows, bank, starts, gain, offset, leak
):  # pragma: no cover
    """Grey values (4, height, width), in one pass what `collected` and `exposed_plain` do.

    `coarse` stacks halo, background, shading (4 each) and the weight of the blurred image. The
    noise of row i in channel c is `bank[starts[c, i]:]`.
    """
    height, width = kept.shape
    pages = np.empty((4, height, width), np.uint16)
    field = np.empty((13, 8 * coarse.shape[2]), np.float32)
    light = np.empty((4, width), np.float32)
    spread, floor = np.float32(COUNTS_PER_ELECTRON), np.float32(READ_NOISE * READ_NOISE)
    zero, top, half = np.float32(0), np.float32(FULL), np.float32(0.5)
    for i in range(height):
        _interpolate_row(coarse, i + PAD, field)
        _collect_row(sharp[:, i + PAD], soft[:, i + PAD], field, leak, light)
        for c in range(4):
            start, base = starts[c, i], rows[c, i] + offset[c]
            for j in range(width):
                seen = light[c, j] + kept[i, j] * field[4 + c, j + PAD]
                seen = max(seen * gain[c] * field[8 + c, j + PAD], zero) * response[i, j]
                value = seen + bank[start + j] * np.sqrt(seen * spread + floor)
                value = min(max(value + dark[i, j] + base, zero), top) + half
                pages[c, i, j] = np.uint16(np.int32(value))
    return pages


@numba.njit(cache=True, nogil=True)
def _interpolate_row(coarse, row, field):  # pragma: no cover
    """Bilinear interpolation of coarse fields along one row of the padded frame."""
    eighth, half = np.float32(0.125), np.float32(0.5)
    v = (np.float32(row) + half) * eighth - half
    top = int(v)
    low = v - np.float32(top)
    high = np.float32(1) - low
    for m in range(coarse.shape[0]):
        for q in range(coarse.shape[2] - 1):
            left = coarse[m, top, q] * high + coarse[m, top + 1, q] * low
            right = coarse[m, top, q + 1] * high + coarse[m, top + 1, q + 1] * low
            slope = (right - left) * eighth
            for t in range(8):
                field[m, 8 * q + 4 + t] = left + (np.float32(t) + half) * slope


@numba.njit(cache=True, nogil=True)
def _collect_row(sharp, soft, field, leak, light):  # pragma: no cover
    """Blur, scattering and bleed-through of one row; `light` (4, width) is filled."""
    wide, narrow = np.float32(HALO), np.float32(1 - HALO)
    for c in range(4):
        for j in range(light.shape[1]):
            clear = sharp[c, j + PAD]
            clear += field[12, j + PAD] * (soft[c, j + PAD] - clear)
            light[c, j] = clear * narrow + field[c, j + PAD] * wide
    for j in range(light.shape[1]):
        ck = light[1, j]
        light[1, j] += leak * light[3, j]
        light[3, j] += leak * ck


def stretched(page: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Round a page to 256 levels between its extremes, as an 8-bit file with limits does."""
    low, high = int(page.min()), int(page.max())
    span = max(high - low, 1)
    stored = (page.astype(np.int32) - low) * 255 // span
    return (low + stored * span // 255).astype(np.uint16)
