"""The compiled twin of `philox_blocks`, for many patients."""

from __future__ import annotations

import numpy as np
from numba import njit

from ashworth.trials.random_numbers.philox import HALF, LOW, M0, M1, ROUNDS, W0, W1


@njit(cache=True, nogil=True, inline="always")
def philox_words(
    c0: np.uint32, c1: np.uint32, c2: np.uint32, c3: np.uint32, k0: np.uint32, k1: np.uint32
) -> tuple[np.uint32, np.uint32, np.uint32, np.uint32]:
    """Four random words of one counter."""
    for _ in range(ROUNDS):
        p0 = M0 * np.uint64(c0)
        p1 = M1 * np.uint64(c2)
        high0, low0 = np.uint32(p0 >> HALF), np.uint32(p0 & LOW)
        high1, low1 = np.uint32(p1 >> HALF), np.uint32(p1 & LOW)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 = np.uint32(k0 + W0)
        k1 = np.uint32(k1 + W1)
    return c0, c1, c2, c3


@njit(cache=True, nogil=True)
def fill_words(key0, key1, replicates, n, first, purpose, out):
    """Fill four words per patient; rows run over replicates, then patients."""
    row = 0
    for replicate in replicates:
        low, high = np.uint32(replicate & 0xFFFFFFFF), np.uint32(replicate >> 32)
        for i in range(n):
            w0, w1, w2, w3 = philox_words(np.uint32(first + i), low, high, purpose, key0, key1)
            out[row, 0], out[row, 1], out[row, 2], out[row, 3] = w0, w1, w2, w3
            row += 1
