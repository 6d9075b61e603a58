"""Whether a frame shows anything: constant and saturated channels."""

from __future__ import annotations

from collections.abc import Sequence

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
        pixels = window.raw[c, window.top : bottom : STEP, window.left : right : STEP]
        state[f"{prefix}_flat"] = bool(pixels.min() == pixels.max())
        state[f"{prefix}_saturated"] = float((pixels >= levels[c].saturation).mean())
    return state
