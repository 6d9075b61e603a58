"""One random stream per purpose, so that a new kind of object leaves the others as they are."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Give the generator for one purpose.

    Parameters
    ----------
    seed : int
        Seed of the phantom, >= 0.
    purpose : str
        What is drawn, e.g. ``"debris"``.

    Returns
    -------
    numpy.random.Generator
        Philox, keyed by seed and purpose.

    Examples
    --------
    >>> int(stream(1, "debris").integers(1000) - stream(1, "debris").integers(1000))
    0
    """
    key = np.random.SeedSequence([seed, crc32(purpose.encode())])
    return np.random.Generator(np.random.Philox(key))


def frame_key(seed: int, index: int) -> np.uint64:
    """Key of the camera noise of frame `index` (0-based).

    Examples
    --------
    >>> len({int(frame_key(1, index)) for index in (0, 0, 1, 2)})
    3
    """
    sequence = np.random.SeedSequence([seed, crc32(b"camera"), index])
    return sequence.generate_state(1, np.uint64)[0]
