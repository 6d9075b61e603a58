"""The operator's boxes and the software's cells: which is which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.errors import InputError, Problem
from ashworth.version import __version__

Floats = NDArray[np.float64]
_BOX = ("x", "y", "width", "height")
_RUN = ("patient_id", "specimen_id", "run_id")


@dataclass(frozen=True, slots=True)
class MatchedEvents:
    """Events with their cells, and what is left of both.

    Attributes
    ----------
    pairs : polars.DataFrame
        event_id, cell_id, assigned, distance_um (cell centroid to box centre).
    events_alone : polars.DataFrame
        event_id, assigned: no cell lies in the box, or another box was nearer to it.
    cells_alone : polars.DataFrame
        cell_id of the cells without an event.
    n_events, n_assigned, n_cells : int
    """

    pairs: pl.DataFrame
    events_alone: pl.DataFrame
    cells_alone: pl.DataFrame
    n_events: int
    n_assigned: int
    n_cells: int
    method: str
    options: dict[str, object]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Pairs first, then events and cells alone; absent sides are null."""
        return pl.concat([self.pairs, self.events_alone, self.cells_alone], how="diagonal")


def match_events(
    cells: pl.DataFrame,
    events: pl.DataFrame,
    *,
    pixel_size_um: float | None = None,
    margin_um: float = 0.0,
    within_frames: bool = False,
) -> MatchedEvents:
    """Match the boxes of an instrument's events with the cells of the same run.

    A cell matches a box that holds its centroid. Pairs are made one to one, the nearest centroid
    and box centre first; equal distances go by the order of events, then of cells.

    Parameters
    ----------
    cells : polars.DataFrame
        Table `cells` of one run: cell_id, x_um, y_um (and frame).
    events : polars.DataFrame
        event_id, assigned (the operator called it a tumour cell), and the box: x_um, y_um (upper
        left corner on the cartridge), width_um, height_um; or, with `pixel_size_um`, the same in
        pixels as x, y, width, height. Where a table has both, the micrometres count.
    pixel_size_um : float, optional
        Size of a pixel, for boxes in pixels.
    margin_um : float
        Grows every box on all sides.
    within_frames : bool
        Match only in the same `frame`: for unrelated fields, whose coordinates all begin at 0.
        On a cartridge a cell on a seam may carry the number of the neighbour frame.

    Returns
    -------
    MatchedEvents

    Raises
    ------
    InputError
        With all problems: columns that are missing, cells of several runs, repeated ids, values
        that are missing or not finite, boxes of negative size.

    Examples
    --------
    >>> cells = pl.DataFrame({"cell_id": ["a", "b"], "x_um": [12.0, 90.0], "y_um": [9.0, 90.0]})
    >>> events = pl.DataFrame({"event_id": ["7"], "assigned": [True], "x": [10], "y": [10],
    ...                        "width": [20], "height": [20]})
    >>> matched = match_events(cells, events, pixel_size_um=0.64)
    >>> matched.table()["event_id", "cell_id", "assigned"].rows()
    [('7', 'a', True), (None, 'b', None)]
    """
    boxes = _in_micrometres(events, pixel_size_um)
    _demand(cells, boxes, within_frames=within_frames)
    event, cell, distance = _candidates(cells, boxes, margin_um, within_frames=within_frames)
    chosen = _nearest_first(event, cell, distance)
    event, cell, distance = event[chosen], cell[chosen], distance[chosen]
    pairs = (
        boxes[event]
        .select("event_id", "assigned")
        .with_columns(cells[cell]["cell_id"], distance_um=pl.Series(distance))
    )
    alone = np.setdiff1d(np.arange(boxes.height), event)
    rest = np.setdiff1d(np.arange(cells.height), cell)
    return MatchedEvents(
        pairs.select("event_id", "cell_id", "assigned", "distance_um"),
        boxes[alone].select("event_id", "assigned"),
        cells[rest].select("cell_id"),
        boxes.height, int(boxes["assigned"].sum()), cells.height,
        "centroid in box, one to one, nearest first",
        {"margin_um": margin_um, "within_frames": within_frames, "pixel_size_um": pixel_size_um},
    )  # fmt: skip


def _in_micrometres(events: pl.DataFrame, pixel_size_um: float | None) -> pl.DataFrame:
    """Boxes in micrometres, where they come in pixels."""
    if pixel_size_um is None or all(f"{n}_um" in events.columns for n in _BOX):
        return events
    if not pixel_size_um > 0:
        raise ValueError(f"pixel_size_um is {pixel_size_um}; allowed: above 0")
    known = [n for n in _BOX if n in events.columns]
    return events.with_columns((pl.col(n) * pixel_size_um).alias(f"{n}_um") for n in known)


def _demand(cells: pl.DataFrame, boxes: pl.DataFrame, *, within_frames: bool) -> None:
    """Raise every fault of the two tables."""
    frame = ("frame",) if within_frames else ()
    numbers = {"cells": ("x_um", "y_um"), "events": tuple(f"{n}_um" for n in _BOX)}
    named = {"cells": ("cell_id", *frame), "events": ("event_id", "assigned", *frame)}
    tables = {"cells": cells, "events": boxes}
    problems = [
        Problem(table, None, column, "no such column", f"the column '{column}'",
                "add it" if not column.endswith("_um") else "add it, or give pixel_size_um")
        for table, data in tables.items()
        for column in (*named[table], *numbers[table])
        if column not in data.columns
    ]  # fmt: skip
    if not problems:
        for table, data in tables.items():
            problems += _faults(data, table, named[table], numbers[table])
    run = [c for c in _RUN if c in cells.columns]
    if run and (n := cells.select(run).unique().height) > 1:
        problems.append(
            Problem("cells", None, "run_id", f"cells of {n} runs", "one run", "filter to one run")
        )
    if problems:
        raise InputError(problems, subject="the events and cells")


def _faults(
    data: pl.DataFrame, table: str, named: tuple[str, ...], numbers: tuple[str, ...]
) -> list[Problem]:
    """Rows with a missing, infinite or repeated value, or a box of negative size."""
    rows = data.with_row_index("row", offset=2)
    identity = named[0]
    checks = [(pl.col(c).is_null(), c, "no value", "a value") for c in named]
    checks += [
        (~pl.col(c).cast(pl.Float64).is_finite().fill_null(False), c, "no finite value", "a number")
        for c in numbers
    ]
    checks += [(pl.col(identity).is_duplicated(), identity, "a repeated id", "each id once")]
    checks += [
        (pl.col(c) < 0, c, "a negative size", "at least 0")
        for c in numbers if c in ("width_um", "height_um")
    ]  # fmt: skip
    return [
        Problem(table, row, column, found, allowed, "correct the row")
        for condition, column, found, allowed in checks
        for row in rows.filter(condition)["row"]
    ]


def _candidates(
    cells: pl.DataFrame, boxes: pl.DataFrame, margin: float, *, within_frames: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Pairs of event and cell whose centroid lies in the box, with their distance."""
    x, y = (cells[c].cast(pl.Float64).to_numpy() for c in ("x_um", "y_um"))
    left, top, width, height = (boxes[f"{n}_um"].cast(pl.Float64).to_numpy() for n in _BOX)
    order = np.argsort(x, kind="stable")
    first = np.searchsorted(x[order], left - margin, side="left")
    last = np.searchsorted(x[order], left + width + margin, side="right")
    size = np.maximum(last - first, 0)
    event = np.repeat(np.arange(boxes.height), size)
    start = np.repeat(first - (np.cumsum(size) - size), size)
    cell = order[np.arange(event.size) + start]
    inside = (y[cell] >= top[event] - margin) & (y[cell] <= (top + height)[event] + margin)
    if within_frames:
        inside &= cells["frame"].to_numpy()[cell] == boxes["frame"].to_numpy()[event]
    event, cell = event[inside], cell[inside]
    away = np.hypot(x[cell] - (left + width / 2)[event], y[cell] - (top + height / 2)[event])
    return event, cell, away


def _nearest_first(
    event: NDArray[np.int64], cell: NDArray[np.int64], distance: Floats
) -> NDArray[np.int64]:
    """Indices of the pairs that are kept, in the order of events."""
    taken_events: set[int] = set()
    taken_cells: set[int] = set()
    kept = []
    for i in np.lexsort((cell, event, distance)):
        if event[i] not in taken_events and cell[i] not in taken_cells:
            taken_events.add(int(event[i]))
            taken_cells.add(int(cell[i]))
            kept.append(int(i))
    chosen = np.array(kept, dtype=np.int64)
    return chosen[np.argsort(event[chosen], kind="stable")]
