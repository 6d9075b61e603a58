"""CellTracksXp folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.readers.celltracks import PAGES
from ashworth.imaging.readers.celltracks_xp import order_of
from ashworth.imaging.writers.celltracks import frame_files
from ashworth.imaging.writers.numbering import numbers_for
from ashworth.imaging.writers.pages import Bits, Compression, Progress, demand_roles
from ashworth.imaging.writers.whole import whole_folder

SEPARATOR = b"\xa6"


def write_celltracks_xp(
    cartridge: Cartridge,
    folder: str | Path,
    *,
    compression: Compression | None = None,
    bits: Bits = 8,
    progress: Progress | None = None,
) -> Path:
    """Write a CellTracksXp folder: frames as in CellTracks, and six ``.dlm`` tables.

    Frames are numbered along the snake, a scan of 140 frames from the bottom row. The shape of
    the scan is not part of the format: readers know the cartridges in use by their number of
    frames, and take others as unrelated fields. Events keep their box and whether they were
    assigned; their ids become the line numbers of the table.

    Parameters
    ----------
    cartridge : Cartridge
    folder : str or Path
        New folder, or an empty one.
    compression : {'lzw', 'zlib', 'zstd'}, optional
    bits : {8, 16}
        As in `write_celltracks`.
    progress : callable, optional
        Called with the frames done and all frames.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If a channel that every such folder has is absent, a value exceeds 32767, or the folder
        cannot be written.
    """
    demand_roles(cartridge, ("nucleus", "inclusion", "exclusion"), "CellTracksXp")
    numbers = numbers_for(cartridge, order_of(len(cartridge.layout)))
    name = Path(folder).absolute().name
    with whole_folder(folder, simulated=cartridge.simulated) as work:
        frame_files(cartridge, work, name, numbers, compression, bits, progress)
        for table, rows in _tables(cartridge, numbers).items():
            (work / f"{table}.dlm").write_bytes(_encoded(rows))
    return Path(folder)


def _encoded(rows: Iterable[Sequence[str]]) -> bytes:
    """Records with the separator between their fields; other non-ASCII characters become "?"."""
    lines = (SEPARATOR.join(f.encode("ascii", "replace") for f in row) for row in rows)
    return b"".join(line + b"\r\n" for line in lines)


def _tables(cartridge: Cartridge, numbers: tuple[int, ...]) -> dict[str, list[list[str]]]:
    """Records of every table."""
    names = {channel.role: channel.name for channel in cartridge.channels}
    channels = [names.get(role, usual) for role, usual in PAGES if role in names or usual == "FITC"]
    return {
        "autoanalysis": [["1", "0"]],
        "cells": _cells(cartridge, numbers),
        "expdata": [["1", cartridge.sample]],
        "exper": [["1", cartridge.sample]],
        "frames": [[str(i), part, n] for i, n in enumerate(channels, 1) for part in "ab"],
        "pic": [[f'"{_stamp(n)}"', "1", "1", str(n), ""] for n in numbers],
    }


def _stamp(number: int) -> str:
    """Time stamp of a frame: its own, and no time of day."""
    return f"T{number:06d}"


def _cells(cartridge: Cartridge, numbers: tuple[int, ...]) -> list[list[str]]:
    """Events, with boxes in pixels of their frame."""
    index = {number: i for i, number in enumerate(cartridge.layout.numbers)}
    rows = []
    for line, event in enumerate(cartridge.events, 1):
        at = index[event.frame]
        left, top = cartridge.layout.origin(at)
        centre = (event.x + event.width / 2 - left, event.y + event.height / 2 - top)
        box = [f"{v:.12g}" for v in (*centre, event.width, event.height)]
        selected = "Y" if event.assigned else "N"
        rows.append([str(line), _stamp(numbers[at]), *box, *[""] * 4, selected, "", ""])
    return rows
