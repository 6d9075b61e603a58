"""Philox 4x32-10: random numbers by counting, so that any of them can be made again alone.

Salmon, Moraes, Dror and Shaw (2011, SC '11, doi 10.1145/2063384.2063405). The key names study and
scenario, the counter replicate, patient and purpose: no number depends on another, nor on the
order in which they are made.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

WORDS = NDArray[np.uint32]
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
ROUNDS = 10


def key_of(seed: int, scenario: str) -> tuple[int, int]:
    """Give the two key words of a seed and a scenario (BLAKE2b of both).

    Examples
    --------
    >>> key_of(1, "base") == key_of(1, "base"), key_of(1, "base") == key_of(2, "base")
    (True, False)
    """
    digest = hashlib.blake2b(f"{seed}\n{scenario}".encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def philox_blocks(
    replicate: int, patients: NDArray[np.integer], purpose: int, key: tuple[int, int]
) -> WORDS:
    """Four words for each of many patients, by numpy: the plain twin of the kernel.

    Returns
    -------
    ndarray of uint32, shape (n, 4)

    Examples
    --------
    >>> philox_blocks(0, np.arange(2), 0, (0, 0)).shape
    (2, 4)
    """
    n = len(patients)
    c = np.empty((4, n), dtype=np.uint64)
    c[0], c[1] = np.asarray(patients, dtype=np.uint64), np.uint64(replicate & 0xFFFFFFFF)
    c[2], c[3] = np.uint64(replicate >> 32), np.uint64(purpose)
    k0, k1 = np.uint64(key[0]), np.uint64(key[1])
    for _ in range(ROUNDS):
        p0, p1 = M0 * c[0], M1 * c[2]
        c = np.stack([(p1 >> HALF) ^ c[1] ^ k0, p1 & LOW, (p0 >> HALF) ^ c[3] ^ k1, p0 & LOW])
        k0 = (k0 + np.uint64(W0)) & LOW
        k1 = (k1 + np.uint64(W1)) & LOW
    return c.T.astype(np.uint32)
