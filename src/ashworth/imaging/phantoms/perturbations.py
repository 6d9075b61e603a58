"""Faults laid over a cartridge: gain, offset, vignetting, blob, bubble, rim, black, saturated.

They work on any `Cartridge`, a real one too, on pixels that are already detected; so they add no
photon noise. For a phantom the same faults are knobs of its spec (`exposure`, `gain`,
`offset_counts`, `vignetting`, `blobs`, `bubbles`, `edge_counts`), with the right noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.cartridge import Cartridge, Pixels

Counts: TypeAlias = float | Sequence[float]
Values: TypeAlias = NDArray[np.floating]

TOP = 4095.0
"""Saturation that is assumed where a channel does not say it."""


def with_gain(cartridge: Cartridge, factor: Counts, *, offset: Counts = 0.0) -> Cartridge:
    """Multiply what lies above the camera's offset.

    Parameters
    ----------
    cartridge : Cartridge
    factor : float or one per channel
    offset : float or one per channel
        Counts without light.

    Returns
    -------
    Cartridge

    Examples
    --------
    >>> from ashworth.imaging.phantoms import PhantomSpec, phantom
    >>> made = phantom(PhantomSpec(frames=1, frame_width=256, frame_height=256, ck_bodies=0), 1)
    >>> brighter = with_gain(made.cartridge, 2.0, offset=made.spec.offset_counts)
    >>> brighter.load(0)[0].mean() > made.cartridge.load(0)[0].mean()
    np.True_
    """
    times, zero = _per_channel(cartridge, factor), _per_channel(cartridge, offset)
    return _changed(cartridge, lambda value, _: (value - zero) * times + zero)


def with_offset(cartridge: Cartridge, shift: Counts) -> Cartridge:
    """Add counts to every pixel (one number, or one per channel)."""
    added = _per_channel(cartridge, shift)
    return _changed(cartridge, lambda value, _: value + added)


def with_vignetting(cartridge: Cartridge, depth: float, *, offset: Counts = 0.0) -> Cartridge:
    """Take light away towards the corners of every frame: `depth` of it in the corner itself."""
    y, x = _from_middle(cartridge)
    light = 1 - depth * (x**2 + y**2) / (x.max() ** 2 + y.max() ** 2)
    zero = _per_channel(cartridge, offset)
    return _changed(cartridge, lambda value, _: (value - zero) * light.astype(np.float32) + zero)


def with_blob(
    cartridge: Cartridge, counts: float, *, x_px: float, y_px: float, radius_px: float = 12.0
) -> Cartridge:
    """Add a disc of `counts` in every channel at a place in pixels of the cartridge."""

    def add(value: NDArray[np.float32], index: int) -> Values:
        distance = _distance(cartridge, index, x_px, y_px)
        return value + np.float32(counts) * np.clip(radius_px - distance + 0.5, 0, 1)

    return _changed(cartridge, add)


def with_bubble(
    cartridge: Cartridge, counts: float, *, x_px: float, y_px: float, radius_px: float = 140.0
) -> Cartridge:
    """Add an air bubble: a rim of `counts`, four pixels wide; inside it half the contrast."""

    def add(value: NDArray[np.float32], index: int) -> Values:
        distance = _distance(cartridge, index, x_px, y_px)
        inside = np.clip(radius_px - distance + 0.5, 0, 1)
        floor = np.median(value, axis=(1, 2), keepdims=True)
        rim = np.exp(-0.5 * ((distance - radius_px) / 2) ** 2)
        return value - inside * np.float32(0.5) * (value - floor) + np.float32(counts) * rim

    return _changed(cartridge, add)


def with_rim(cartridge: Cartridge, counts: float, *, width_px: float = 80.0) -> Cartridge:
    """Add a bright band at the outer columns of a cartridge whose frames lie in a grid."""
    width = cartridge.layout.width
    columns = max((c for c, _ in cartridge.layout.places), default=0) + 1

    def add(value: NDArray[np.float32], index: int) -> Values:
        x = cartridge.layout.origin(index)[0] + np.arange(width, dtype=np.float32)
        depth = np.minimum(x, columns * width - 1 - x)
        return value + np.float32(counts) * np.clip((width_px - depth) / 8 + 0.5, 0, 1)

    return _changed(cartridge, add)


def all_black(cartridge: Cartridge) -> Cartridge:
    """Give zeros only."""
    return _changed(cartridge, lambda value, _: np.zeros_like(value))


def all_saturated(cartridge: Cartridge) -> Cartridge:
    """Give every pixel its channel's largest value."""
    return _changed(cartridge, lambda value, _: np.full_like(value, np.inf))


def with_8_bit_stretch(cartridge: Cartridge) -> Cartridge:
    """Round every page to 256 steps between its smallest and largest value, as CellTracks does.

    That is what is left of the pixels after a folder was written with the private tags 755 and
    756 and read again: value = low + stored * (high - low) / 255.
    """

    def stretch(value: NDArray[np.float32], _: int) -> Values:
        low = value.min(axis=(1, 2), keepdims=True)
        step = np.maximum(value.max(axis=(1, 2), keepdims=True) - low, 1) / 255
        return low + np.rint((value - low) / step) * step

    return _changed(cartridge, stretch)


def _changed(
    cartridge: Cartridge, change: Callable[[NDArray[np.float32], int], Values]
) -> Cartridge:
    """Lay a change over every frame; round and saturate."""
    top = _per_channel(cartridge, [c.saturation or TOP for c in cartridge.channels])
    load = cartridge.load

    def changed(index: int) -> Pixels:
        value = change(load(index).astype(np.float32), index)
        return np.rint(np.clip(value, 0, top)).astype(np.uint16)

    return cartridge.with_load(changed)


def _per_channel(cartridge: Cartridge, value: Counts) -> NDArray[np.float32]:
    """One number per channel, in shape (channels, 1, 1)."""
    numbers = np.broadcast_to(np.asarray(value, np.float32), (len(cartridge.channels),))
    return numbers[:, None, None]


def _from_middle(cartridge: Cartridge) -> tuple[Values, Values]:
    """Column and row of distances from the middle of a frame."""
    height, width = cartridge.layout.height, cartridge.layout.width
    return np.arange(height)[:, None] - (height - 1) / 2, np.arange(width)[None] - (width - 1) / 2


def _distance(cartridge: Cartridge, index: int, x_px: float, y_px: float) -> NDArray[np.float32]:
    """Distance of every pixel of a frame from a place in the cartridge."""
    left, top = cartridge.layout.origin(index)
    y = np.arange(cartridge.layout.height, dtype=np.float32)[:, None] + (top - y_px)
    x = np.arange(cartridge.layout.width, dtype=np.float32)[None] + (left - x_px)
    return np.hypot(x, y).astype(np.float32)
