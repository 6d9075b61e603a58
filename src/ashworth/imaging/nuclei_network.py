"""A small convolutional network that sees where nuclei are and how far a pixel is from their edge.

It looks at images in which nuclei are about 16 px wide (`Network.diameter_px`). The image is
folded into four planes of half the size; 3 x 3 convolutions at this scale, at half and at a
quarter of it follow, and back up, where each scale sees its own planes again (O. Ronneberger et
al., MICCAI 2015). The last one gives, for each of the four pixels, the log-odds of being nucleus
and the distance to the nucleus' edge relative to its centre (P. Naylor et al., IEEE Trans Med
Imaging 38:448, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.nuclei_convolution import convolve

Floats = NDArray[np.float32]

GRID_PX = 8
"""Sides of what the network sees are multiples of this."""

REACH_PX = 48
"""A pixel that is so far away, or farther, has no say."""

TILE = 768
"""Side of the squares in which a whole image is looked at; multiple of `GRID_PX`."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A 3 x 3 convolution: weights (planes out, 9 x planes in), bias (planes out)."""

    weights: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Network:
    """The trained network: its layers from first to last, and the width of nuclei it expects."""

    diameter_px: float
    layers: tuple[Layer, ...]


@lru_cache(maxsize=1)
def shipped_network() -> Network:
    """Read the network that comes with the package (once)."""
    with files("ashworth.imaging").joinpath("data/nuclei_network.npz").open("rb") as file:
        return read_network(file)


def read_network(file: str | Path | IO[bytes]) -> Network:
    """Read a network that `reference/train_nuclei.py` wrote."""
    with np.load(file) as arrays:
        layers = tuple(
            Layer(arrays[f"weights_{k}"].astype(np.float32), arrays[f"bias_{k}"])
            for k in range(len(arrays.files) // 2)
        )
        return Network(float(arrays["diameter_px"]), layers)


def contrast(image: Floats, background: float, height: float) -> Floats:
    """Turn counts into what the network sees: 0 is background, about 2.1 a typical nucleus.

    The inverse hyperbolic sine is linear in the noise and logarithmic in bright nuclei.
    """
    return np.arcsinh((image - np.float32(background)) * np.float32(4 / height))


def look_at_image(network: Network, view: Floats) -> tuple[Floats, Floats]:
    """Log-odds and distance of a whole image, square by square; the squares leave no trace.

    Parameters
    ----------
    network : Network
    view : ndarray of float32, shape (height, width)
        Of `contrast`, nuclei about ``network.diameter_px`` wide. Beyond the border the network
        sees background.

    Returns
    -------
    logit, distance : ndarray of float32, shape (height, width)
        Log-odds of nucleus, above 0 inside; distance from the edge, about 0 to 1. The mean over
        the image and its mirror images.
    """
    height, width = view.shape
    padded = np.pad(view, ((0, -height % GRID_PX), (0, -width % GRID_PX)))
    out = np.empty((2, *padded.shape), np.float32)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            y, x = max(top - REACH_PX, 0), max(left - REACH_PX, 0)
            part = padded[y : top + TILE + REACH_PX, x : left + TILE + REACH_PX]
            target = out[:, top : top + TILE, left : left + TILE]
            inner = mirrored_mean(network, part)[:, top - y :, left - x :]
            target[...] = inner[:, : target.shape[1], : target.shape[2]]
    return out[0, :height, :width], out[1, :height, :width]


def mirrored_mean(network: Network, view: Floats) -> Floats:
    """Mean of what is seen in an image and in its three mirror images, shape (2, height, width)."""
    ways = [(a, b) for a in (1, -1) for b in (1, -1)]
    seen = [apply(network, np.ascontiguousarray(view[::a, ::b]))[:, ::a, ::b] for a, b in ways]
    return np.asarray(np.mean(seen, axis=0), np.float32)


def apply(network: Network, view: Floats) -> Floats:
    """Log-odds and distance, shape (2, height, width); sides are multiples of `GRID_PX`."""
    steps = iter(network.layers)

    def step(planes: Floats) -> Floats:
        layer = next(steps)
        return np.maximum(convolve(planes, layer.weights, layer.bias), np.float32(0))

    fine = step(step(_folded(view)))
    middle = step(step(_halved(fine)))
    coarse = step(step(_halved(middle)))
    middle = step(np.concatenate([_doubled(coarse), middle]))
    fine = step(step(np.concatenate([_doubled(middle), fine])))
    last = next(steps)
    return _unfolded(convolve(fine, last.weights, last.bias))


def _folded(view: Floats) -> Floats:
    """The four pixels of each 2 x 2 square as planes, shape (4, height / 2, width / 2)."""
    return np.stack([view[i::2, j::2] for i in (0, 1) for j in (0, 1)])


def _unfolded(planes: Floats) -> Floats:
    """Undo `_folded` for every four planes."""
    depth, height, width = planes.shape
    squares = planes.reshape(depth // 4, 2, 2, height, width).transpose(0, 3, 1, 4, 2)
    return squares.reshape(depth // 4, 2 * height, 2 * width)


def _halved(planes: Floats) -> Floats:
    """The highest of each 2 x 2 square."""
    high = np.maximum(planes[:, ::2], planes[:, 1::2])
    return np.maximum(high[:, :, ::2], high[:, :, 1::2])


def _doubled(planes: Floats) -> Floats:
    """Each pixel as a 2 x 2 square."""
    return planes.repeat(2, axis=1).repeat(2, axis=2)
