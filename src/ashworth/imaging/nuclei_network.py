"""A small convolutional network that sees where nuclei are and how far a pixel is from their edge.

It looks at images in which nuclei are about 12 px wide (`Network.diameter_px`). The image is
folded into four planes of half the size; six 3 x 3 convolutions of 16 planes with growing reach
follow, each added to its input (K. He et al., CVPR 2016); the last one gives, for each of the
four pixels, the log-odds of being nucleus and the distance to the nucleus' edge relative to
its centre (P. Naylor et al., IEEE Trans Med Imaging 38:448, 2019).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.nuclei_convolution import convolve

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Layer:
    """A 3 x 3 convolution: weights (planes out, 9 x planes in), bias, step between its taps."""

    weights: Floats
    bias: Floats
    dilation: int


@dataclass(frozen=True, slots=True)
class Network:
    """The trained network: its layers from first to last, and the width of nuclei it expects."""

    version: str
    diameter_px: float
    layers: tuple[Layer, ...]

    @property
    def reach_px(self) -> int:
        """How far a pixel may lie that still has a say."""
        return 2 * (sum(layer.dilation for layer in self.layers) + 1)


@lru_cache(maxsize=1)
def shipped_network() -> Network:
    """Read the network that comes with the package (once)."""
    text = files("ashworth.imaging").joinpath("data/nuclei_network.json").read_text("utf-8")
    document = json.loads(text)
    layers = []
    for entry in document["layers"]:
        bias = np.array(entry["bias"], np.float32)
        weights = np.array(entry["weights"], np.float32).reshape(bias.size, -1)
        layers.append(Layer(weights, bias, int(entry["dilation"])))
    return Network(document["version"], float(document["diameter_px"]), tuple(layers))


def contrast(image: Floats, background: float, height: float) -> Floats:
    """Turn counts into what the network sees: 0 is background, about 2.1 a typical nucleus.

    The inverse hyperbolic sine is linear in the noise and logarithmic in bright nuclei.
    """
    return np.arcsinh((image - np.float32(background)) * np.float32(4 / height))


def apply(network: Network, patches: Floats) -> tuple[Floats, Floats]:
    """Look at patches.

    Parameters
    ----------
    network : Network
    patches : ndarray of float32, shape (n, height, width)
        Of `contrast`, nuclei about ``network.diameter_px`` wide; height and width even. Beyond
        the border the network sees background.

    Returns
    -------
    logit, distance : ndarray of float32, shape (n, height, width)
        Log-odds of nucleus, above 0 inside; distance from the edge, about 0 to 1.
    """
    planes = _folded(patches)
    for number, layer in enumerate(network.layers[:-1]):
        found = np.maximum(convolve(planes, layer.weights, layer.bias, layer.dilation), 0)
        planes = found if number == 0 else planes + found
    last = network.layers[-1]
    out = convolve(planes, last.weights, last.bias, last.dilation)
    return _unfolded(out[:4]), _unfolded(out[4:])


def _folded(patches: Floats) -> Floats:
    """The four pixels of each 2 x 2 square as planes, shape (4, n, height / 2, width / 2)."""
    return np.stack([patches[:, i::2, j::2] for i in (0, 1) for j in (0, 1)])


def _unfolded(planes: Floats) -> Floats:
    _, n, height, width = planes.shape
    out = np.empty((n, 2 * height, 2 * width), np.float32)
    for k, plane in enumerate(planes):
        out[:, k // 2 :: 2, k % 2 :: 2] = plane
    return out
