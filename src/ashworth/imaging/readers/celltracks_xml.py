"""The XML of a CellTracks folder: shape of the scan, filters, and the events its operator saw.

Fields: ``events/record`` with ``rid`` (or ``eventnum``), ``numselected``, ``framenum``,
``location`` (two pairs ``(x,y)`` in cartridge pixels, the lower right corner first) and
``assigned``; ``runs/record`` with ``numcols``, ``numrows``, ``camxsize``, ``camysize``;
``test_filters/record`` with ``filtername``.

Taken for granted, since no public description exists: ``framenum`` counts frames from 1 along
the snake; locations have their origin in the upper left corner of the frame in the first column
and row, x to the right and y downwards, without overlap of frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import AssignedEvent, Layout
from ashworth.imaging.readers.grid import Grid
from ashworth.imaging.readers.safe_xml import descendants, fields_of, named_children, read_xml

GROWN_PX = 10
"""A box is grown by this on every side."""

_PAIR = re.compile(r"\(\s*([-+]?\d+(?:\.\d+)?)\s*[,;\s]\s*([-+]?\d+(?:\.\d+)?)\s*\)")
_TRUE = frozenset(("true", "1", "yes", "y"))
_REMEDY = "export the file again from the instrument's software"
MOST_FRAMES = 1_000_000


@dataclass(frozen=True, slots=True)
class Located:
    """An event as the XML has it: corners in the instrument's cartridge pixels."""

    event_id: str
    frame: int
    corners: tuple[float, float, float, float]
    assigned: bool
    score: str


@dataclass(frozen=True, slots=True)
class CellTracksRun:
    """What the XML says.

    Attributes
    ----------
    grid : Grid or None
        None where columns and rows are not given.
    unrelated : bool
        Columns and rows are given as 0: the fields do not abut.
    camera : tuple of (width, height) or None
        Size of a frame in the pixels of the locations.
    filters : tuple of str
    events : tuple of Located
    notes : tuple of str
    """

    grid: Grid | None = None
    unrelated: bool = False
    camera: tuple[int, int] | None = None
    filters: tuple[str, ...] = ()
    events: tuple[Located, ...] = ()
    notes: tuple[str, ...] = ()


def read_run(path: Path) -> CellTracksRun:
    """Read the XML of a CellTracks folder.

    Raises
    ------
    InputError
        With every record that cannot be read.
    """
    root = read_xml(path)
    problems: list[Problem] = []
    run = next(_records(root, "runs"), None)
    numbers = fields_of(run) if run is not None else {}
    line = run.sourceline if run is not None else None

    def whole(name: str) -> int | None:
        text = numbers.get(name, "")
        if text and not (text.isdecimal() and int(text) <= MOST_FRAMES):
            allowed = f"a whole number up to {MOST_FRAMES}"
            problems.append(Problem(path.name, line, name, text[:80], allowed, _REMEDY))
            return None
        return int(text) if text else None

    columns, rows, x, y = map(whole, ("numcols", "numrows", "camxsize", "camysize"))
    located = [_located(r, path.name, problems) for r in _records(root, "events")]
    if problems:
        raise InputError(problems, subject=path.name)
    events = tuple(event for event in located if event is not None)
    filters = (fields_of(r).get("filtername", "") for r in _records(root, "test_filters"))
    return CellTracksRun(
        grid=Grid(columns, rows, "snake") if columns and rows else None,
        unrelated=columns == 0 and rows == 0,
        camera=(x, y) if x and y else None,
        filters=tuple(name for name in filters if name),
        events=events,
        notes=_notes(path.name, run is None, len(events)),
    )


def _notes(name: str, no_run: bool, events: int) -> tuple[str, ...]:
    """What the XML lacks."""
    notes = [f"{name} has no record of the run"] if no_run else []
    return (*notes, f"{name} lists no events") if not events else tuple(notes)


def _records(root: etree._Element, section: str) -> Iterator[etree._Element]:
    """Records of a section, wherever it stands."""
    for element in descendants(root, section):
        yield from named_children(element, "record")


def _located(record: etree._Element, name: str, problems: list[Problem]) -> Located | None:
    """Read one event, or say what is wrong with it."""
    fields = fields_of(record)
    line = record.sourceline
    frame, score = fields.get("framenum", ""), fields.get("numselected", "")
    pairs = _PAIR.findall(fields.get("location", ""))
    if not frame.isdecimal():
        allowed = "the number of a frame"
        problems.append(Problem(name, line, "framenum", frame[:80], allowed, _REMEDY))
    if len(pairs) != 2:
        allowed = "two pairs in parentheses, '(x,y) (x,y)'"
        found = fields.get("location", "")[:80]
        problems.append(Problem(name, line, "location", found, allowed, _REMEDY))
    if not frame.isdecimal() or len(pairs) != 2:
        return None
    (right, bottom), (left, top) = ((float(x), float(y)) for x, y in pairs)
    given = fields.get("assigned")
    return Located(
        event_id=fields.get("rid") or fields.get("eventnum") or str(line),
        frame=int(frame),
        corners=(min(left, right), min(top, bottom), max(left, right), max(top, bottom)),
        assigned=given.lower() in _TRUE if given is not None else score in ("1", "2"),
        score=score,
    )


def assigned_events(run: CellTracksRun, layout: Layout) -> tuple[AssignedEvent, ...]:
    """Boxes of the events in the cartridge's own pixels, grown by 10 px on every side.

    Where the camera's frame in the XML is not as large as the frames on disk, the place inside
    the frame is kept and the frame moved. For unrelated fields boxes are in pixels of the frame.
    """
    first = 1 if layout.numbers and layout.numbers[0] == 0 else 0
    index = {number + first: i for i, number in enumerate(layout.numbers)}
    width, height = run.camera or (layout.width, layout.height)
    events = []
    for event in run.events:
        left, top, right, bottom = event.corners
        at = index.get(event.frame)
        shift_x, shift_y = 0, 0
        if layout.places and at is not None:
            column, row = layout.places[at]
            shift_x, shift_y = column * (layout.width - width), row * (layout.height - height)
        elif not layout.places:
            shift_x = -int((left + right) / 2 // width) * width
            shift_y = -int((top + bottom) / 2 // height) * height
        events.append(
            AssignedEvent(
                event_id=event.event_id,
                frame=event.frame - first,
                x=left + shift_x - GROWN_PX,
                y=top + shift_y - GROWN_PX,
                width=right - left + 2 * GROWN_PX,
                height=bottom - top + 2 * GROWN_PX,
                assigned=event.assigned,
                score=event.score,
            )
        )
    return tuple(events)
