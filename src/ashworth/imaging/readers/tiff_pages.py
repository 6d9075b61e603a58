"""The few TIFF tags that say where a page's pixels lie and how to restore them.

Written from the TIFF 6.0 specification (Adobe 1992) and its BigTIFF extension. A whole-file
parser would read every tag of every page; a cartridge has 700 pages and needs a dozen numbers
of each.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, DESCRIPTION = 254, 256, 257, 258, 259, 270
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_COUNTS, PREDICTOR = 273, 277, 278, 279, 317
TILE_WIDTH, TILE_OFFSETS, TILE_COUNTS, SAMPLE_FORMAT = 322, 324, 325, 339
LOWER_STRETCH, HIGHER_STRETCH = 755, 756

_WANTED = {SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP}
_WANTED |= {STRIP_COUNTS, PREDICTOR, TILE_WIDTH, TILE_OFFSETS, TILE_COUNTS, SAMPLE_FORMAT}
_WANTED |= {LOWER_STRETCH, HIGHER_STRETCH}
_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_REDUCED = 1
MOST_PAGES = 100_000
MOST_DESCRIPTION_BYTES = 64 * 2**20


class TiffFault(ValueError):
    """What keeps a file from being read as TIFF."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a TIFF file.

    Attributes
    ----------
    number : int
        Position among all pages of the file, thumbnails included.
    width, height : int
        Pixels.
    bits, sample_format, samples : int
        Bits of a sample; 1 unsigned, 2 signed, 3 float; samples per pixel.
    compression, predictor : int
        As in the file; 1 is none.
    big_endian, tiled : bool
    rows_per_strip : int
    offsets, counts : tuple of int
        Bytes of every strip (or tile); adjoining uncompressed strips are one.
    low, high : int or None
        Private tags 755 and 756, the limits of the intensity stretch.
    """

    number: int
    width: int
    height: int
    bits: int
    sample_format: int
    samples: int
    compression: int
    predictor: int
    big_endian: bool
    tiled: bool
    rows_per_strip: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    low: int | None
    high: int | None

    @property
    def end(self) -> int:
        """Bytes that the file must have for this page."""
        return max(map(sum, zip(self.offsets, self.counts, strict=False)), default=0)


@dataclass(frozen=True, slots=True)
class Scan:
    """Pages of a file, and the fault that ended the scan, if one did."""

    pages: tuple[Page, ...]
    fault: str = ""


def scan(path: Path) -> Scan:
    """Find the pages of a TIFF file; thumbnails are left out.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Scan
        What could be read; never raises for a bad file.
    """
    pages: list[Page] = []
    try:
        with path.open("rb") as handle:
            directories = _Directories(handle)
            for number, tags in enumerate(directories.walk()):
                if not tags.get(SUBFILE, (0,))[0] & _REDUCED:
                    pages.append(_page(number, tags, big_endian=directories.order == ">"))
    except OSError as error:
        return Scan(tuple(pages), f"cannot be read ({error.strerror or error})")
    except TiffFault as error:
        return Scan(tuple(pages), str(error))
    return Scan(tuple(pages))


def description(path: Path) -> str:
    """Text of tag 270 (ImageDescription) of the first page, or "" where there is none."""
    try:
        with path.open("rb") as handle:
            return _Directories(handle).description()
    except (OSError, TiffFault):
        return ""


class _Directories:
    """The chain of image file directories of an open file."""

    def __init__(self, handle: BinaryIO) -> None:
        self.handle = handle
        self.size = os.fstat(handle.fileno()).st_size
        head = handle.read(16)
        if not head:
            raise TiffFault("is empty (0 bytes)")
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        magic = struct.unpack(f"{self.order}H", head[2:4])[0] if self.order and head[3:] else 0
        if magic not in (42, 43):
            raise TiffFault(f"is not a TIFF file (begins with {head[:4]!r})")
        self.big = magic == 43
        if len(head) < (16 if self.big else 8):
            raise TiffFault(f"is truncated: the file ends after {len(head)} bytes")
        where = head[8:16] if self.big else head[4:8]
        self.first: int = struct.unpack(self.order + ("Q" if self.big else "I"), where)[0]

    def walk(self) -> Iterator[dict[int, tuple[int, ...]]]:
        """Yield the wanted tags of every directory."""
        seen: set[int] = set()
        where = self.first
        while where:
            if where in seen or len(seen) >= MOST_PAGES:
                raise TiffFault("its chain of pages runs in a circle")
            seen.add(where)
            entries, where = self._entries(where, len(seen))
            yield {
                tag: self._values(code, count, field)
                for tag, code, count, field in entries
                if tag in _WANTED and code in _CODES
            }

    def description(self) -> str:
        """Text of the first page's description."""
        entries, _ = self._entries(self.first, 1) if self.first else ((), 0)
        for tag, code, count, field in entries:
            if tag == DESCRIPTION and code in (1, 2, 7) and count <= MOST_DESCRIPTION_BYTES:
                raw = self._bytes(count, field)
                return raw.rstrip(b"\0").decode("utf-8", errors="replace")
        return ""

    def _read(self, where: int, size: int) -> bytes:
        """Read bytes that must be there."""
        if where + size > self.size:
            raise TiffFault(
                f"is truncated: bytes up to {where + size} are needed, the file ends at {self.size}"
            )
        self.handle.seek(where)
        return self.handle.read(size)

    def _entries(self, where: int, page: int) -> tuple[list[tuple[int, int, int, bytes]], int]:
        """Entries of the directory at an offset, and where the next one lies."""
        head, entry, link = ("Q", "HHQ8s", "Q") if self.big else ("H", "HHI4s", "I")
        number = self._read(where, struct.calcsize(f"<{head}"))
        (count,) = struct.unpack(self.order + head, number)
        if not 0 < count <= 4096:
            raise TiffFault(f"page {page} has {count} tags: the file is damaged")
        size = count * struct.calcsize(f"<{entry}")
        block = self._read(where + len(number), size + struct.calcsize(f"<{link}"))
        (after,) = struct.unpack(self.order + link, block[size:])
        return list(struct.iter_unpack(self.order + entry, block[:size])), after

    def _bytes(self, size: int, field: bytes) -> bytes:
        """Bytes of a value: in the entry itself, or where it points."""
        if size <= len(field):
            return field[:size]
        (where,) = struct.unpack(self.order + ("Q" if self.big else "I"), field)
        return self._read(where, size)

    def _values(self, code: int, count: int, field: bytes) -> tuple[int, ...]:
        """Whole numbers of a tag."""
        letter = _CODES[code]
        size = struct.calcsize(f"<{letter}")
        if count * size > self.size:
            raise TiffFault(f"is damaged: a tag claims {count} values")
        return struct.unpack(f"{self.order}{count}{letter}", self._bytes(count * size, field))


def _page(number: int, tags: dict[int, tuple[int, ...]], *, big_endian: bool) -> Page:
    """Build a page from its tags, with the defaults of the specification."""

    def one(tag: int, default: int) -> int:
        return (tags.get(tag) or (default,))[0]

    tiled = TILE_OFFSETS in tags or TILE_WIDTH in tags
    height, compression = one(HEIGHT, 0), one(COMPRESSION, 1)
    offsets = tags.get(TILE_OFFSETS if tiled else STRIP_OFFSETS, ())
    counts = tags.get(TILE_COUNTS if tiled else STRIP_COUNTS, ())
    rows = min(one(ROWS_PER_STRIP, height), height)
    if compression == 1 and not tiled and _adjoin(offsets, counts):
        offsets, counts, rows = offsets[:1], (sum(counts),), height
    low, high = tags.get(LOWER_STRETCH), tags.get(HIGHER_STRETCH)
    return Page(
        number=number,
        width=one(WIDTH, 0),
        height=height,
        bits=max(tags.get(BITS) or (1,)),
        sample_format=max(tags.get(SAMPLE_FORMAT) or (1,)),
        samples=one(SAMPLES, 1),
        compression=compression,
        predictor=one(PREDICTOR, 1),
        big_endian=big_endian,
        tiled=tiled,
        rows_per_strip=rows,
        offsets=offsets,
        counts=counts,
        low=low[0] if low else None,
        high=high[0] if high else None,
    )


def _adjoin(offsets: tuple[int, ...], counts: tuple[int, ...]) -> bool:
    """Whether strips lie one after the other without gaps."""
    ends = (o + c for o, c in zip(offsets, counts, strict=False))
    return len(offsets) == len(counts) > 0 and all(
        end == start for end, start in zip(ends, offsets[1:], strict=False)
    )
