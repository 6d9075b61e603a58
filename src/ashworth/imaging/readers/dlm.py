"""`.dlm` tables of CellTracksXp: one record a line, fields parted by one non-ASCII byte."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ashworth.imaging.readers.directory import read_bytes


def read_dlm(path: Path) -> list[list[str]]:
    """Read the records of a `.dlm` file; quotation marks around fields are taken off.

    The separator is the non-ASCII character that occurs most, e.g. byte 0xA6 (a broken bar in
    Latin-1). A file without one has a single field per line.

    Raises
    ------
    InputError
        If the file cannot be read or is larger than 64 MiB.
    """
    raw = read_bytes(path)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    foreign = Counter(character for character in text if not character.isascii())
    separator = foreign.most_common(1)[0][0] if foreign else None
    lines = (line.rstrip("\r") for line in text.split("\n"))
    return [
        [field.strip().strip('"') for field in (line.split(separator) if separator else [line])]
        for line in lines
        if line.strip()
    ]
