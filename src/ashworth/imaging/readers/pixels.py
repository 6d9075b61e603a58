"""From the bytes of a page to its pixels, and from stored to measured intensity."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any, Literal

import cv2
import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from ashworth.imaging.cartridge import Pixels
from ashworth.imaging.readers.tiff_pages import Page, TiffFault

Scaling = Literal["stretched", "offset", "plain"]
"""``stretched``: tags 755/756, then the offset; ``offset``: values > 32767 lose 32768."""

Stored = NDArray[np.uint8] | NDArray[np.uint16]

OFFSET = 32768
LEAST_FOR_KERNEL = 2**18
"""Pixels of a page from which LZW is decoded by the compiled kernel."""
_DECODERS: dict[int, Callable[..., Any]] = {
    5: imagecodecs.lzw_decode,
    8: imagecodecs.deflate_decode,
    32946: imagecodecs.deflate_decode,
    32773: imagecodecs.packbits_decode,
    50000: imagecodecs.zstd_decode,
}
_FORMATS = {1: "unsigned", 2: "signed", 3: "float", 4: "undefined", 5: "complex", 6: "complex"}
_UNSIGNED = (1, 4)


def fault_of(page: Page, height: int, width: int) -> str:
    """What keeps a page from being a frame of `height` x `width` pixels, or ""."""
    if page.samples != 1:
        return f"has {page.samples} samples per pixel (a colour picture); one is needed"
    if page.bits not in (8, 16) or page.sample_format not in _UNSIGNED:
        kind = _FORMATS.get(page.sample_format, "unknown")
        return f"has {page.bits}-bit {kind} pixels; 8 or 16 bit unsigned are needed"
    if (page.height, page.width) != (height, width):
        return f"is {page.width} x {page.height} pixels; the others are {width} x {height}"
    if not page.offsets or len(page.offsets) != len(page.counts):
        return "is damaged: it does not say where its pixels lie"
    return ""


def read_page(handle: FileIO, page: Page, out: Pixels, scaling: Scaling) -> None:
    """Read one page into `out`.

    Parameters
    ----------
    handle : file
        Open file, unbuffered.
    page : Page
        A page without a `fault_of`.
    out : uint16 array (height, width)
    scaling : {'stretched', 'offset', 'plain'}

    Raises
    ------
    TiffFault
        If the pixels cannot be decoded.
    """
    if _direct(page):
        _fill(handle, page.offsets[0], out)
        stored: Stored = out
    else:
        stored = _decode(handle, page)
    if scaling == "stretched" and page.low is not None and page.high is not None:
        restore(stored, page.low, page.high, out)
    else:
        if stored is not out:
            out[...] = stored
        if scaling != "plain":
            _without_offset(out)


def _direct(page: Page) -> bool:
    """Whether the bytes in the file are the pixels in memory."""
    native = page.big_endian == (sys.byteorder == "big")
    whole = len(page.offsets) == 1 and page.counts[0] >= page.width * page.height * 2
    return page.compression == 1 and page.bits == 16 and native and not page.tiled and whole


def _fill(handle: FileIO, where: int, out: Pixels) -> None:
    """Read pixels straight into memory."""
    view = out.reshape(-1).view(np.uint8).data
    handle.seek(where)
    done = 0
    while done < len(view):
        got = handle.readinto(view[done:])
        if not got:
            raise TiffFault(f"is truncated: {done} of {len(view)} bytes of a page are there")
        done += got


def _decode(handle: FileIO, page: Page) -> Stored:
    """Decode a page in strips; tiles and rare codecs go to tifffile."""
    if page.tiled or page.predictor not in (1, 2):
        return _by_tifffile(handle, page)
    if page.compression != 1 and page.compression not in _DECODERS:
        return _by_tifffile(handle, page)
    kind = np.dtype(f"{'>' if page.big_endian else '<'}u{page.bits // 8}")
    stored = np.empty((page.height, page.width), kind.newbyteorder("="))
    for strip, (where, count) in enumerate(zip(page.offsets, page.counts, strict=True)):
        rows = stored[strip * page.rows_per_strip : (strip + 1) * page.rows_per_strip]
        handle.seek(where)
        rows[...] = _strip(handle.read(count), page, rows.shape, kind)
        if page.predictor == 2:
            np.cumsum(rows, axis=1, dtype=rows.dtype, out=rows)
    if page.rows_per_strip * len(page.offsets) < page.height:
        raise TiffFault(f"is damaged: strips for {page.height} rows are missing")
    return stored


def _strip(raw: bytes, page: Page, shape: tuple[int, ...], kind: np.dtype[Any]) -> NDArray[Any]:
    """Decode one strip, which must hold all its pixels."""
    size = int(np.prod(shape)) * kind.itemsize
    if page.compression != 1:
        try:
            raw = _decoder(page, raw)(raw, out=size)
        except Exception as error:
            raise TiffFault(
                f"is damaged: its compressed pixels cannot be decoded ({error})"
            ) from None
    if len(raw) < size:
        raise TiffFault(f"is damaged: a strip holds {len(raw)} of {size} bytes")
    return np.frombuffer(raw, kind, count=size // kind.itemsize).reshape(shape)


def _decoder(page: Page, raw: bytes) -> Callable[..., Any]:
    """Decoder of a strip: for the LZW of large pages the kernel, if it knows the dialect."""
    if (
        page.compression == 5
        and raw[:1] == b"\x80"
        and page.width * page.height >= LEAST_FOR_KERNEL
    ):
        return lzw
    return _DECODERS[page.compression]


def lzw(raw: bytes, out: int) -> bytes | bytearray | NDArray[np.uint8]:
    """Decode a strip of LZW; what the kernel cannot decode is left to imagecodecs.

    Parameters
    ----------
    raw : bytes
    out : int
        Bytes that the strip holds.
    """
    from ashworth.imaging.readers.lzw_kernel import SPARE, decode_lzw

    decoded = np.empty(out + SPARE, np.uint8)
    if decode_lzw(np.frombuffer(raw, np.uint8), decoded, out) == out:
        return decoded[:out]
    return imagecodecs.lzw_decode(raw, out=out)


def _by_tifffile(handle: FileIO, page: Page) -> Stored:
    """Let tifffile decode a page."""
    try:
        handle.seek(0)
        with tifffile.TiffFile(handle) as file:
            stored = file.pages[page.number].asarray(maxworkers=1)
    except Exception as error:
        raise TiffFault(f"is damaged: its pixels cannot be decoded ({error})") from None
    if stored.shape != (page.height, page.width) or stored.dtype not in (np.uint8, np.uint16):
        raise TiffFault(f"is damaged: its pixels decode to {stored.dtype} {stored.shape}")
    return stored


def restore(stored: Stored, low: int, high: int, out: Pixels) -> None:
    """Undo the intensity stretch of a CellTracks page.

    value = low + stored x (high - low) / max(stored), rounded to nearest; a value above 32767
    loses 32768. A page of zeros has the value `low` everywhere.

    Parameters
    ----------
    stored : uint8 or uint16 array
    low, high : int
        Tags 755 and 756.
    out : uint16 array of the same shape
        May be `stored` itself.

    Raises
    ------
    TiffFault
        If `low` is above `high`.

    Examples
    --------
    >>> out = np.empty(3, np.uint16)
    >>> restore(np.array([0, 51, 255], np.uint8), 100, 1100, out)
    >>> out.tolist()
    [100, 300, 1100]
    """
    if low > high:
        raise TiffFault(f"is damaged: its stretch limits (tags 755, 756) are {low} and {high}")
    top = int(stored.max(initial=0))
    if (low, high) == (0, top) or top == 0:
        if stored is not out:
            out[...] = stored
        if top == 0:
            out[...] = low
        _without_offset(out)
        return
    table = _table(low, high, top)
    if stored.dtype == np.uint8 and stored.ndim == 2:
        cv2.LUT(stored, table, dst=out)
    else:
        np.take(table, stored, out=out, mode="clip")


def _table(low: int, high: int, top: int) -> Pixels:
    """Measured value of every stored value."""
    size = max(256, top + 1)
    values = np.floor(low + np.arange(size) * ((high - low) / top) + 0.5)
    values[values >= OFFSET] -= OFFSET
    return np.clip(values, 0, OFFSET - 1).astype(np.uint16)


def _without_offset(pixels: Pixels) -> None:
    """Take 32768 off the values that exceed 32767."""
    if pixels.size and int(pixels.max()) >= OFFSET:
        np.bitwise_and(pixels, OFFSET - 1, out=pixels)


def open_unbuffered(path: Path) -> FileIO:
    """Open a file so that pixels are read straight into their array."""
    return path.open("rb", buffering=0)


def demand_whole(handle: FileIO, page: Page) -> None:
    """Refuse a page whose bytes lie beyond the end of the file.

    Raises
    ------
    TiffFault
    """
    size = os.fstat(handle.fileno()).st_size
    if page.end > size:
        raise TiffFault(f"is truncated: {page.end} bytes are needed, {size} are there")
