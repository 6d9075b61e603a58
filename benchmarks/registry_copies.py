"""Synthetic copies of real registry records, each with numbers of its own."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ashworth.registries.readers.ctgov_json import studies_of
from ashworth.registries.readers.recognition import recognise

NCT = re.compile(rb"NCT\d{8}")
OTHER = re.compile(rb"\b(?:(?:19|20)\d{2}-\d{6}-\d{2}|ISRCTN ?\d{8}|U1111-\d{4}-\d{4})")
CELLS = re.compile(
    rb"(?i)circulat\w*|disseminat\w*|micro.?metasta\w*|marrow|\b[cd]tcs?\b|\bisolated|zirkul\w*"
)
PAGE, ARCHIVE = 500, 10_000
NAMED_EVERY = 100
"""Of the many copies one in so many keeps the words for cells: more than in a registry, where 2.5
of 1,000 records name such cells, and far fewer than among the records of the tests."""


@dataclass(frozen=True, slots=True)
class Records:
    """The bytes of real records by format."""

    xml: tuple[bytes, ...]
    json: tuple[bytes, ...]


def records_of(folders: list[Path]) -> Records:
    """Read every classic XML and version 2 JSON record of folders; others are passed over."""
    xml: list[bytes] = []
    json: list[bytes] = []
    for path in sorted(p for folder in folders for p in folder.rglob("*") if p.is_file()):
        raw = path.read_bytes()
        known = recognise(raw)
        if known is not None and known.format == "ctgov_xml":
            xml.append(raw)
        elif known is not None and known.format == "ctgov_json_v2":
            json += studies_of(raw)
    return Records(tuple(xml), tuple(json))


def copy_of(raw: bytes, number: int) -> bytes:
    """The record under numbers of its own, so that it is hashed and linked as another trial."""
    made = NCT.sub(b"NCT%08d" % (10_000_000 + number), raw)
    return OTHER.sub(b"2009-%06d-%02d" % (number % 500_000, number // 500_000 % 100), made)


@lru_cache(maxsize=2)
def without_cells(records: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The records with another word in place of those for cells."""
    return tuple(CELLS.sub(b"general", raw) for raw in records)


def copies(records: tuple[bytes, ...], first: int, n: int, named_every: int = 1) -> Iterator[bytes]:
    """Copies number `first` and on, the records in turn; most without words for cells if asked."""
    plain = records if named_every == 1 else without_cells(records)
    for number in range(first, first + n):
        some = plain if number // len(records) % named_every else records
        yield copy_of(some[number % len(records)], number)


def write_copies(records: Records, folder: Path, n: int) -> int:
    """Write n copies, half as classic XML in zip archives and half as pages of version 2 JSON.

    Returns
    -------
    int
        Bytes before packing.
    """
    half = n // 2
    return _archives(records.xml, folder, half) + _pages(records.json, folder, half, n - half)


def _archives(records: tuple[bytes, ...], folder: Path, n: int) -> int:
    size = 0
    for first in range(0, n, ARCHIVE):
        path = folder / f"studies-{first:07d}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            some = copies(records, first, min(ARCHIVE, n - first), NAMED_EVERY)
            for number, raw in enumerate(some, start=first):
                archive.writestr(f"NCT{10_000_000 + number:08d}.xml", raw)
                size += len(raw)
    return size


def _pages(records: tuple[bytes, ...], folder: Path, offset: int, n: int) -> int:
    size = 0
    for first in range(0, n, PAGE):
        some = list(copies(records, offset + first, min(PAGE, n - first), NAMED_EVERY))
        raw = b'{"studies":[' + b",".join(some) + b"]}"
        (folder / f"page-{first:07d}.json").write_bytes(raw)
        size += len(raw)
    return size
