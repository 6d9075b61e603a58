"""Thresholds of a whole cartridge, from a sample of its frames.

No threshold depends on the brightest pixel of anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.cartridge import Cartridge, Pixels
from ashworth.imaging.segmentation import Planes

PILOT_FRAMES = 12
NOISE_MULTIPLE = 6.0
LEAST_NOISE = 0.3
SIGNAL_SHARE = 0.07
_STEP = 3


@dataclass(frozen=True, slots=True)
class Pilot:
    """What is kept of a pilot frame.

    Attributes
    ----------
    highest : ndarray of uint16, shape (channels,)
        Highest pixel values.
    stain : ndarray of float32, shape (channels, rows, columns)
        Smoothed counts above background of every second row and column.
    """

    highest: NDArray[np.uint16]
    stain: Planes


def pilot(pixels: Pixels, smooth: Planes) -> Pilot:
    """Take from a frame and its smoothed counts above background what thresholds need."""
    return Pilot(pixels.max(axis=(1, 2)), smooth[:, ::_STEP, ::_STEP].copy())


@dataclass(frozen=True, slots=True)
class ChannelLevels:
    """What is known of one channel of a cartridge.

    Attributes
    ----------
    noise : float
        Standard deviation of the smoothed background, counts.
    signal : float
        Median of the stained pixels of the pilot frames, counts above background; NaN where
        nothing is stained.
    threshold : float
        Counts above background from which a smoothed pixel is stained.
    saturation : float
        Pixel values from here on are saturated.
    """

    noise: float
    signal: float
    threshold: float
    saturation: float


def pilot_indices(n: int, *, at_most: int = PILOT_FRAMES) -> list[int]:
    """Frames spread evenly over a cartridge.

    Examples
    --------
    >>> pilot_indices(175, at_most=5)
    [17, 52, 87, 122, 157]
    >>> pilot_indices(3)
    [0, 1, 2]
    """
    if n <= at_most:
        return list(range(n))
    return [int((k + 0.5) * n / at_most) for k in range(at_most)]


def noise_of(smooth: NDArray[np.float32]) -> float:
    """Standard deviation of the background, from the values below their median.

    Cells lie above the background, so that the lower half of the histogram is nearly free of
    them: the distance of the 20th from the 40th percentile, over that of a normal distribution.
    Lower percentiles would fall into the dip of the background beside a bright wall.
    """
    low, middle = np.percentile(smooth, (20.0, 40.0))
    return float((middle - low) / 0.588274)


def _levels(
    planes: list[NDArray[np.float32]], saturation: float, *, by_signal: bool
) -> ChannelLevels:
    """Levels of one channel from its smoothed pilot frames."""
    noise = max(float(np.median([noise_of(p) for p in planes])), LEAST_NOISE)
    floor = NOISE_MULTIPLE * noise
    stained = [p[p > 2 * floor] for p in planes]
    signals = np.concatenate(stained) if stained else np.empty(0, np.float32)
    signal = float(np.median(signals)) if signals.size else float("nan")
    threshold = max(floor, SIGNAL_SHARE * signal) if by_signal and signals.size else floor
    return ChannelLevels(noise, signal, threshold, saturation)


def cartridge_levels(cartridge: Cartridge, pilots: Sequence[Pilot]) -> tuple[ChannelLevels, ...]:
    """Levels of every channel.

    The threshold is `NOISE_MULTIPLE` times the noise of the smoothed background; for the
    nuclear stain also at least `SIGNAL_SHARE` of the stained pixels' median, which keeps the
    halo of bright nuclei out.

    Parameters
    ----------
    cartridge : Cartridge
    pilots : sequence of Pilot

    Returns
    -------
    tuple of ChannelLevels, in the order of the channels
    """
    found = []
    for c, channel in enumerate(cartridge.channels):
        top = max(int(frame.highest[c]) for frame in pilots)
        saturation = channel.saturation or _assumed_saturation(top)
        planes = [frame.stain[c] for frame in pilots]
        found.append(_levels(planes, saturation, by_signal=channel.role == "nucleus"))
    return tuple(found)


def _assumed_saturation(top: int) -> float:
    """Full scale of the smallest usual camera that can hold the highest value seen.

    At least 12 bit: a camera of 8 bit is said by the reader, and pilot frames without a bright
    cell would make a low one out of any.
    """
    return float(next(full for full in (4095, 16383, 65535) if top <= full))
