"""Keys of the camera noise, one per frame."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def frame_key(seed: int, index: int) -> np.uint64:
    """Key of the camera noise of frame `index` (0-based).

    Examples
    --------
    >>> len({int(frame_key(1, index)) for index in (0, 0, 1, 2)})
    3
    """
    sequence = np.random.SeedSequence([seed, crc32(b"camera"), index])
    return sequence.generate_state(1, np.uint64)[0]
