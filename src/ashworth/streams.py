"""One random stream per purpose, so that a new one leaves the others as they are."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Give the generator for one purpose.

    Parameters
    ----------
    seed : int
        Seed of the cohort or phantom, >= 0.
    purpose : str
        What is drawn, e.g. ``"age"``.

    Returns
    -------
    numpy.random.Generator
        Philox, keyed by seed and purpose.

    Examples
    --------
    >>> int(stream(1, "age").integers(1000) - stream(1, "age").integers(1000))
    0
    """
    key = np.random.SeedSequence([seed, crc32(purpose.encode())])
    return np.random.Generator(np.random.Philox(key))
