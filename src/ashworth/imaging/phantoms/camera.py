"""Camera: Poisson and read noise, offset, saturation, from a counter-based generator."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtri

EXACT_BELOW = 16.0
"""Mean number of electrons below which Poisson numbers are drawn exactly (by inversion).

Above it they are Gaussian with the first term of Cornish and Fisher for the skewness,
z + (z^2 - 1) / (6 sqrt(mean)): mean, variance and skewness are then those of the Poisson.
"""


@cache
def normal_table() -> NDArray[np.float32]:
    """Normal quantiles of the middles of 65,536 equal parts, scaled to variance 1.

    Examples
    --------
    >>> bool(abs(normal_table().var() - 1) < 1e-5)
    True
    """
    z = ndtri((np.arange(65536) + 0.5) / 65536)
    return (z / z.std()).astype(np.float32)


@njit(cache=True, nogil=True, inline="always")
def _mixed(counter: np.uint64) -> np.uint64:
    """SplitMix64 (Steele, Lea and Flood 2014): 64 even bits for every value of a counter."""
    z = counter * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True)
def _poisson(mean: float, bits: np.uint64) -> float:
    """Poisson number by inversion."""
    u = float(bits >> np.uint64(11)) * 1.1102230246251565e-16
    term = math.exp(-mean)
    total, k = term, 0
    while u > total and k < 200:
        k += 1
        term *= mean / k
        total += term
    return float(k)


@njit(cache=True, nogil=True)
def detect(
    light: NDArray[np.float32],
    key: np.uint64,
    table: NDArray[np.float32],
    electrons: NDArray[np.float32],
    gain: NDArray[np.float32],
    offset: NDArray[np.float32],
    read_noise: float,
    saturation: int,
) -> NDArray[np.uint16]:
    """Detect the light of a frame.

    Parameters
    ----------
    light : ndarray of float32, shape (4, height, width)
        Expected counts above the offset, at exposure and gain 1.
    key : uint64
        Seed of the frame: the same key gives the same noise.
    table : ndarray of float32, shape (65536,)
        See `normal_table`.
    electrons : ndarray of float32, shape (4,)
        Electrons per count of light: exposure times electrons per count.
    gain, offset : ndarray of float32, shape (4,)
        Digital counts per electron; digital counts without light.
    read_noise : float
        Electrons.
    saturation : int
        Largest pixel value.

    Returns
    -------
    ndarray of uint16, shape (4, height, width)
    """
    channels, height, width = light.shape
    out = np.empty((channels, height, width), np.uint16)
    read2, top = np.float32(read_noise * read_noise), np.float32(saturation)
    zero, half, exact = np.float32(0.0), np.float32(0.5), np.float32(EXACT_BELOW)
    for y in range(height):
        for x in range(width):
            bits = _mixed(key + np.uint64(y * width + x))
            for c in range(channels):
                z = table[(bits >> np.uint64(16 * c)) & np.uint64(0xFFFF)]
                mean = light[c, y, x] * electrons[c]
                if mean < exact:
                    caught = np.float32(_poisson(mean, _mixed(bits + np.uint64(c + 1))))
                    caught += z * np.float32(read_noise)
                else:
                    variance = mean + read2
                    skew = mean / (np.float32(6.0) * variance)
                    caught = mean + z * np.sqrt(variance) + (z * z - np.float32(1.0)) * skew
                value = offset[c] + gain[c] * caught + half
                out[c, y, x] = np.uint16(min(max(value, zero), top))
    return out
