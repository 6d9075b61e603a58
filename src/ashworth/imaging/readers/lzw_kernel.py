"""LZW of TIFF, decoded two to three times as fast as in the library that is its twin.

Strings of the code table are places in what is decoded already: a new string is the last one and
the byte after it, which stand one after the other in the output. So an entry is a start and a
length, and decoding is copying, eight bytes at a time (TIFF 6.0, section 13).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

SPARE = 8
"""Bytes that the output must have beyond its size: copies are of eight bytes."""
_CLEAR, _END, _MOST_CODES = 256, 257, 4096
_LENGTH_BITS = 13


@intrinsic
def _copy_eight(typing_context: Any, out: Any, to: Any, start: Any) -> Any:
    """Copy eight bytes inside an array; neither place need be aligned."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        base = builder.bitcast(array.data, ir.IntType(8).as_pointer())
        word = ir.IntType(64).as_pointer()
        source = builder.bitcast(builder.gep(base, [arguments[2]]), word)
        target = builder.bitcast(builder.gep(base, [arguments[1]]), word)
        loaded = builder.load(source)
        loaded.align = 1
        builder.store(loaded, target).align = 1
        return context.get_dummy_value()

    return types.void(out, types.int64, types.int64), generate


@numba.njit(nogil=True, cache=True)
def _copy(out: NDArray[np.uint8], to: int, start: int, length: int, overlaps: bool) -> None:
    """Copy a string; one that overlaps its copy byte by byte."""
    _copy_eight(out, to, start)  # pyrefly: ignore[missing-argument]
    for i in range(0 if overlaps else 8, length):
        out[to + i] = out[start + i]


@numba.njit(nogil=True, cache=True)
def decode_lzw(raw: NDArray[np.uint8], out: NDArray[np.uint8], size: int) -> int:
    """Decode a strip that begins with a clear code; codes have their high bits first.

    Parameters
    ----------
    raw : uint8 array
    out : uint8 array of at least ``size + SPARE``
    size : int
        Bytes wanted.

    Returns
    -------
    int
        Bytes decoded, at most `size`; -1 for a code that cannot be.
    """
    table = np.empty(_MOST_CODES, np.int64)
    bits, have, at, n = np.uint64(0), np.int64(0), 0, raw.size
    width, newest = 9, _END
    pos, last_pos, last_len, fresh = 0, 0, 0, True
    while pos < size:
        while have < width:
            if at >= n:
                return pos
            bits = (bits << np.uint64(8)) | np.uint64(raw[at])
            at += 1
            have += 8
        have -= width
        code = np.int64((bits >> np.uint64(have)) & np.uint64((1 << width) - 1))
        if code == _END:
            return pos
        if code == _CLEAR:
            width, newest, fresh = 9, _END, True
            continue
        if not fresh:
            newest += 1
            if newest < _MOST_CODES:
                table[newest] = (last_pos << _LENGTH_BITS) | (last_len + 1)
            width = min(width + (newest + 2 >= 1 << width), 12)
        fresh = False
        last_pos = pos
        if code < _CLEAR:
            out[pos] = code
            last_len = 1
            pos += 1
            continue
        if code > newest:
            return -1
        start = table[code] >> _LENGTH_BITS
        last_len = table[code] & ((1 << _LENGTH_BITS) - 1)
        length = min(last_len, size - pos)
        _copy(out, pos, start, length, code == newest)
        pos += length
    return pos
