"""Whether a frame shows anything: constant and saturated channels."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.thresholds import ChannelLevels
from ashworth.imaging.windows import Window

STEP = 4


def frame_state(
    window: Window, levels: Sequence[ChannelLevels], prefixes: Sequence[str]
) -> dict[str, bool | float]:
    """Judge every channel of a frame on every fourth row and column.

    Returns
    -------
    dict
        `<p>_flat`: all pixels are equal; `<p>_saturated`: share of saturated pixels.
    """
    state: dict[str, bool | float] = {}
    bottom, right = window.top + window.height, window.left + window.width
    for c, prefix in enumerate(prefixes):
        frame = window.raw[c, window.top : bottom, window.left : right]
        lowest, highest, saturated = _extremes(frame, levels[c].saturation)
        state[f"{prefix}_flat"] = lowest == highest
        state[f"{prefix}_saturated"] = saturated
    return state


@numba.njit(cache=True, nogil=True)
def _extremes(frame: NDArray[np.uint16], saturation: float) -> tuple[int, int, float]:
    """Lowest and highest value, and the share of values from `saturation` on."""
    lowest, highest, saturated, n = 65535, 0, 0, 0
    for y in range(0, frame.shape[0], STEP):
        for x in range(0, frame.shape[1], STEP):
            value = frame[y, x]
            lowest, highest = min(lowest, value), max(highest, value)
            saturated += value >= saturation
            n += 1
    return lowest, highest, saturated / n
