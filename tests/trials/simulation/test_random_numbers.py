"""Philox against the published known answers, and its compiled twin."""

from __future__ import annotations

import numpy as np
import pytest

from ashworth.trials.random_numbers.philox import key_of, philox_blocks
from ashworth.trials.random_numbers.word_kernel import fill_words

ONES = 0xFFFFFFFF
KNOWN = (
    (0, 0, 0, (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (2**64 - 1, ONES, ONES, (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (0x13198A2E85A308D3, 0x243F6A88, 0x03707344, (0xA4093822, 0x299F31D0),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
)  # fmt: skip
"""Counter and key words of the Random123 distribution's known-answer file for philox4x32-10."""


@pytest.mark.parametrize(("replicate", "patient", "purpose", "key", "words"), KNOWN)
def test_known_answers(replicate, patient, purpose, key, words):
    assert tuple(philox_blocks(replicate, np.array([patient]), purpose, key)[0]) == words


def test_the_kernel_makes_the_same_words():
    key = key_of(12, "base")
    replicates = np.array([0, 5, 2**33 + 1], dtype=np.int64)
    out = np.empty((3 * 40, 4), dtype=np.uint32)
    fill_words(np.uint32(key[0]), np.uint32(key[1]), replicates, 40, 7, np.uint32(99), out)
    plain = [philox_blocks(int(r), np.arange(7, 47), 99, key) for r in replicates]
    assert np.array_equal(out, np.concatenate(plain))
