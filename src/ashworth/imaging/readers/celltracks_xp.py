"""CellTracksXp folders: frames as in CellTracks, with `.dlm` tables instead of XML.

Facts as found in the public image loaders of ACCEPT: ``pic.dlm`` column 1 time stamp, column 4
frame number; ``cells.dlm`` column 2 the frame's time stamp, columns 3 to 6 centre, width and
height of the box in pixels of its frame, column 11 "Y" where the operator selected it;
``frames.dlm`` column 3 channel names. A scan of 140 frames is counted from the bottom row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import AssignedEvent, Cartridge, Layout
from ashworth.imaging.readers.celltracks import findings, grid_by_count, page_problems
from ashworth.imaging.readers.directory import Directory
from ashworth.imaging.readers.dlm import read_dlm
from ashworth.imaging.readers.folder import assemble, boxed, outside
from ashworth.imaging.readers.grid import Order
from ashworth.imaging.readers.multi_page import stack_of
from ashworth.imaging.readers.recognition import Place, Reader, Recognition

FROM_BOTTOM = 140
LEAST_TABLES = 4
_REMEDY = "export the table again from the instrument's software"


@dataclass(frozen=True, slots=True)
class FramedBox:
    """An event as the tables have it: box in pixels of its frame."""

    event_id: str
    frame: int
    box: tuple[float, float, float, float]
    selected: bool


def order_of(frames: int) -> Order:
    """Order of a scan of so many frames."""
    return "snake_from_bottom" if frames == FROM_BOTTOM else "snake"


def _tables(place: Place) -> Directory | None:
    """Folder with the `.dlm` tables."""
    for directory in place.chain:
        tables = directory.ending(".dlm")
        if len(tables) >= LEAST_TABLES and "pic.dlm" in map(str.lower, tables):
            return directory
    return None


def recognise(place: Place) -> Recognition:
    """Look for the tables."""
    tables = _tables(place)
    if tables is None:
        some = place.holding(".dlm")
        count = len(some.ending(".dlm")) if some else 0
        return Recognition(False, f"{count} .dlm files" if count else "no .dlm file")
    if place.holding(".tif", ".tiff") is None:
        return Recognition(False, "no TIFF file")
    return Recognition(True, f"{len(tables.ending('.dlm'))} .dlm files, pic.dlm among them")


def open_celltracks_xp(place: Place, reason: str, markers: Mapping[str, str] | None) -> Cartridge:
    """Open a CellTracksXp folder.

    Raises
    ------
    InputError
        With all faults of the tables and of the headers.
    """
    directory = place.holding(".tif", ".tiff") or place.chain[-1]
    stack = stack_of(directory)
    problems = [*stack.problems, *page_problems(directory, stack)]
    notes = list(stack.notes)
    boxes: list[FramedBox] = []
    try:
        boxes = _boxes(place, notes)
    except InputError as error:
        problems += error.problems
    frames = len(stack.files)
    found = replace(
        findings(place, directory, stack, _channel_names(place)),
        format="CellTracksXp",
        reason=reason,
        grid=grid_by_count(frames, order_of(frames), notes),
        notes=tuple(notes),
    )
    cartridge = assemble(found, problems, markers)
    events = _events(boxes, cartridge.layout)
    notes = [*cartridge.notes, *outside(cartridge.layout, events)]
    return replace(cartridge, events=events, notes=tuple(notes))


def _channel_names(place: Place) -> list[str]:
    """Names in column 3 of `frames.dlm`, each once."""
    path = place.find("frames.dlm")
    rows = read_dlm(path) if path else []
    return list(dict.fromkeys(row[2] for row in rows if len(row) > 2 and row[2]))


def _boxes(place: Place, notes: list[str]) -> list[FramedBox]:
    """Join `cells.dlm` to the frame numbers of `pic.dlm`."""
    cells, pictures = place.find("cells.dlm"), place.find("pic.dlm")
    if cells is None or pictures is None:
        notes.append("no cells.dlm: assigned events are unknown")
        return []
    problems: list[Problem] = []
    frames = _frames(pictures, problems)
    boxes = [
        _box(cells.name, line, row, frames, problems) for line, row in enumerate(read_dlm(cells), 1)
    ]
    if problems:
        raise InputError(problems, subject=str(cells.parent))
    return [box for box in boxes if box is not None]


def _frames(path: Path, problems: list[Problem]) -> dict[str, int]:
    """Frame number of every time stamp."""
    frames: dict[str, int] = {}
    for line, row in enumerate(read_dlm(path), 1):
        number = row[3].partition(".")[0] if len(row) > 3 else ""
        if not number.isdecimal() or frames.get(row[0], int(number)) != int(number):
            found = " | ".join(row)[:120]
            allowed = "a time stamp of its own and, in column 4, the number of a frame"
            problems.append(Problem(path.name, line, None, found, allowed, _REMEDY))
        else:
            frames[row[0]] = int(number)
    return frames


def _box(
    name: str, line: int, row: Sequence[str], frames: Mapping[str, int], problems: list[Problem]
) -> FramedBox | None:
    """Read one event, or say what is wrong with it."""
    numbers = _numbers(row[2:6])
    if len(row) < 11 or len(numbers) < 4 or min(numbers[2:]) < 0 or row[1] not in frames:
        allowed = (
            "11 columns or more: a time stamp of pic.dlm in the second, numbers in the third to "
            "sixth"
        )
        problems.append(Problem(name, line, None, " | ".join(row)[:120], allowed, _REMEDY))
        return None
    x, y, width, height = numbers
    box = (x - width / 2, y - height / 2, width, height)
    return FramedBox(str(line), frames[row[1]], box, row[10].upper() == "Y")


def _numbers(fields: Sequence[str]) -> list[float]:
    """Finite numbers, with decimal point or comma; none if one of them is something else."""
    try:
        numbers = [float(field.replace(",", ".")) for field in fields]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _events(boxes: Sequence[FramedBox], layout: Layout) -> tuple[AssignedEvent, ...]:
    """Move boxes to the pixels of the cartridge."""
    first = 1 if layout.numbers[0] == 0 else 0
    index = {number + first: i for i, number in enumerate(layout.numbers)}
    return tuple(
        AssignedEvent(
            b.event_id,
            b.frame - first,
            *(boxed(layout, index[b.frame], b.box) if b.frame in index else b.box),
            assigned=b.selected,
            score="Y" if b.selected else "N",
        )
        for b in boxes
    )


CELLTRACKS_XP = Reader(
    "CellTracksXp",
    f"TIFF frames and at least {LEAST_TABLES} .dlm files with pic.dlm among them; also in a "
    "chain of single sub-folders",
    recognise,
    open_celltracks_xp,
)
