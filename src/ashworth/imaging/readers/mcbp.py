"""MCBP folders: `Parameters.txt` and one single-page TIFF per frame and channel.

Facts as found in the public image loaders of ACCEPT: in `Parameters.txt`, line 15 pixel size
(from character 10), lines 29 and 30 columns and rows (from character 19), lines 31 to 34 channel
names (from character 11); `Used Filters.txt` has a 1 for each of these that was used, parted by
tabulators; ``*<channel>.tif``; frames row by row; values above 32767 lose 32768.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ashworth.errors import Problem
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.channels import Role
from ashworth.imaging.readers.directory import read_lines
from ashworth.imaging.readers.filter_files import (
    absent,
    channels_of,
    declared,
    frames_of,
    others_ignored,
    owner_of,
)
from ashworth.imaging.readers.fixed_lines import FixedLines, fixed_lines
from ashworth.imaging.readers.folder import Findings, assemble
from ashworth.imaging.readers.grid import Grid
from ashworth.imaging.readers.marks import is_simulated
from ashworth.imaging.readers.recognition import Place, Reader, Recognition
from ashworth.imaging.readers.vycap import left_out

PARAMETERS, USED_FILTERS = "Parameters.txt", "Used Filters.txt"
ROLES: dict[str, Role] = {"percp": "exclusion", "dapi": "nucleus", "pe": "inclusion"}
NAME_LINES = (31, 32, 33, 34)


def recognise(place: Place) -> Recognition:
    """Look for the parameters."""
    path = place.find(PARAMETERS)
    if path is None:
        return Recognition(False, f"no {PARAMETERS}")
    return Recognition(True, path.relative_to(place.path).as_posix())


def open_mcbp(place: Place, reason: str, markers: Mapping[str, str] | None) -> Cartridge:
    """Open an MCBP folder.

    Raises
    ------
    InputError
        With all faults of the parameters, the channels, the file names and the headers.
    """
    path = place.find(PARAMETERS)
    assert path is not None
    settings = fixed_lines(path)
    problems: list[Problem] = settings.problems
    pixel_size_um = _pixel_size(settings)
    columns, rows = (settings.whole(n, 19, w) for n, w in ((29, "columns"), (30, "rows")))
    directory = place.holding(".tif", ".tiff") or place.chain[-1]
    notes: list[str] = []
    names = _used(place, [settings.text(line, 11) for line in NAME_LINES], notes)
    custom = declared(place, problems)
    problems += absent(custom, names, str(directory.path), f"used: {', '.join(names) or 'none'}")
    channels = channels_of(names, _roles(names, custom), str(directory.path), problems)
    owners = {file: owner_of(file, names) for file in directory.tiffs}
    kept = {c.name: [f for f, owner in owners.items() if owner == c.name] for c, _ in channels}
    found = Findings(
        sample=place.sample,
        format="MCBP",
        reason=reason,
        folder=directory.path,
        channels=tuple(channel for channel, _ in channels),
        frames=frames_of(kept, str(directory.path), problems, notes),
        pixel_size_um=pixel_size_um,
        grid=Grid(columns, rows, "row_major"),
        scaling="offset",
        notes=(*notes, *left_out(names, kept)),
        simulated=is_simulated(place),
    )
    return assemble(found, problems, markers)


def _pixel_size(settings: FixedLines) -> float:
    """Pixel size in um, with decimal point or comma."""
    text = settings.text(15, 10).replace(",", ".")
    match = re.match(r"\d+(?:\.\d+)?", text)
    value = float(match[0]) if match else 0.0
    if not 0 < value <= 100:
        found = repr(text[:80]) if text else "nothing"
        settings.problems.append(
            Problem(
                settings.name,
                15,
                "pixel size (um)",
                found,
                "a number above 0 after character 9",
                "copy the settings file again from the instrument",
            )
        )
    return value


def _used(place: Place, names: Sequence[str], notes: list[str]) -> list[str]:
    """Channel names whose filter was used."""
    path = place.find(USED_FILTERS)
    if path is None:
        notes.append(f"no {USED_FILTERS}: all channels of {PARAMETERS} were looked for")
        return [name for name in names if name]
    flags = " ".join(read_lines(path)).split()
    pairs = zip(names, flags, strict=False)
    return [n for n, flag in pairs if n and flag.lower() in ("1", "1.0", "true")]


def _roles(names: Sequence[str], custom: Mapping[str, Role]) -> Mapping[str, Role]:
    """Roles of the names: as declared, else PerCP, DAPI, PE and the one that is left."""
    if custom:
        return others_ignored(names, custom)
    others: list[Role] = ["marker1", "marker2", "marker3"]
    roles = dict(ROLES)
    for name in names:
        if name.lower() not in roles and others:
            roles[name.lower()] = others.pop(0)
    return roles


MCBP = Reader(
    "MCBP",
    f"{PARAMETERS} and TIFF files named *<channel>.tif; also in a chain of single sub-folders",
    recognise,
    open_mcbp,
)
