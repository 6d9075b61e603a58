"""Whether a frame shows anything: constant and saturated channels."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from ashworth.imaging.thresholds import ChannelLevels
from ashworth.imaging.windows import SAMPLE_STEP, Window


def frame_state(
    window: Window, levels: Sequence[ChannelLevels], prefixes: Sequence[str]
) -> dict[str, bool | float]:
    """Judge every channel of a frame on the sampled rows and columns of its window.

    Returns
    -------
    dict
        `<p>_flat`: all pixels are equal; `<p>_saturated`: share of saturated pixels.
    """
    state: dict[str, bool | float] = {}
    rows = _sampled(window.top, window.height)
    columns = _sampled(window.left, window.width)
    for c, prefix in enumerate(prefixes):
        frame = window.sample[c, rows, columns]
        state[f"{prefix}_flat"] = bool(frame.min() == frame.max())
        saturated = np.count_nonzero(frame >= ceil(levels[c].saturation))
        state[f"{prefix}_saturated"] = saturated / frame.size
    return state


def _sampled(first: int, size: int) -> slice:
    """Sampled rows or columns of a window that lie in its own frame."""
    return slice(-(-first // SAMPLE_STEP), -(-(first + size) // SAMPLE_STEP))
