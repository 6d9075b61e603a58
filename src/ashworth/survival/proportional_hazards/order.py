"""Put the rows of a Cox problem in the order in which they leave the risk sets.

Only the distinct event times matter. A *cell* is one event time of one stratum; cells are numbered
by stratum and ascending time. A row is at risk in the cells ``entry_cell < u <= exit_cell`` of its
stratum, where ``exit_cell`` is the last event time at or before its end and ``entry_cell`` the last
one at or before its start. Rows that are at risk in no cell say nothing and are left out.

Large problems are sorted by counting, small ones by one sort of whole numbers that hold stratum,
time, event and place; both give the same cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Booleans, Floats, Integers, is_sorted

KERNEL_ROWS = 20_000
"""From this many rows on the compiled kernel runs; below it the numpy twin."""

_TABLE_SLOTS = 8_192
_SLOTS_PER_ROW = 16
_PLACE_BITS = 15
_LAST_DAY = 2**31


@dataclass(frozen=True, slots=True)
class Order:
    """Rows in order, m of them at risk in some of U cells.

    Attributes
    ----------
    rows : ndarray of int, shape (m,)
        Position of each row in the caller's data.
    exit_cell, entry_cell : ndarray of int, shape (m,)
        Ascending last cell at risk, and the last cell before being at risk.
    cell_start : ndarray of int, shape (U + 1,)
        Rows ``cell_start[u]:cell_start[u + 1]`` leave in cell u, the dead first.
    deaths : ndarray of int, shape (U,)
        Events per cell (at least 1).
    stratum_start : ndarray of int, shape (S + 1,)
        First cell of each stratum that has an event.
    late_rows, late_start : ndarray of int
        Rows that enter after the first event time of their stratum, by entry cell, and
        where each cell's rows start (shape (U + 1,)).
    event_rows, event_start : ndarray of int, shapes (events,), (U,)
        Rows with an event by cell, and where each cell's start among them.
    """

    rows: Integers
    exit_cell: Integers
    entry_cell: Integers
    cell_start: Integers
    deaths: Integers
    stratum_start: Integers
    late_rows: Integers
    late_start: Integers
    event_rows: Integers
    event_start: Integers


def find_events(cell_start: Integers, deaths: Integers) -> tuple[Integers, Integers]:
    """Rows with an event by cell, and where each cell's start among them."""
    start = np.cumsum(deaths) - deaths
    return np.arange(deaths.sum()) + np.repeat(cell_start[:-1] - start, deaths), start


def _days(time: Floats, first: float) -> Integers | None:
    """Days since the first one, None where not all times are whole days."""
    days = time.astype(np.int64)
    if not (days == time).all():
        return None
    days -= int(first)
    return days


def _ranks(time: Floats, entry: Floats | None) -> tuple[Integers, Integers | None, int]:
    """Integer clock of times and entries, and its length: days, or ranks among all times."""
    first = float(time.min() if entry is None else min(time.min(), entry.min()))
    last = float(time.max())
    if last < _LAST_DAY and last - first < max(4 * time.size, 100_000):
        clock, start = _days(time, first), None if entry is None else _days(entry, first)
        if clock is not None and (entry is None or start is not None):
            return clock, start, int(last - first) + 1
    if entry is None and is_sorted(time):
        place = np.cumsum(np.concatenate([[False], time[1:] > time[:-1]]))
        return place, None, int(place[-1]) + 1
    everything = time if entry is None else np.concatenate([time, entry])
    distinct, place = np.unique(everything, return_inverse=True)
    place = place.astype(np.int64)
    if entry is None:
        return place, None, distinct.size
    return place[: time.size], place[time.size :], distinct.size


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of a problem and the place of every row in them.

    Attributes
    ----------
    exit_cell, entry_cell : ndarray of int, shape (n,)
        See the module's text; ``exit_cell <= entry_cell`` where a row is never at risk.
    deaths : ndarray of int, shape (U,)
        Events per cell.
    stratum_start : ndarray of int, shape (S + 1,)
        First cell of each stratum.
    """

    exit_cell: Integers
    entry_cell: Integers
    deaths: Integers
    stratum_start: Integers


def find_cells(
    time: Floats, event: Booleans, entry: Floats | None, stratum: Integers | None, n_strata: int
) -> Cells:
    """Number the event times of each stratum and place every row among them."""
    clock, start, span = _ranks(time, entry)
    key = clock if stratum is None else stratum * span + clock
    start_key = None if start is None else (start if stratum is None else stratum * span + start)
    if n_strata * span <= max(_TABLE_SLOTS, _SLOTS_PER_ROW * time.size):
        counts = np.bincount(key[event], minlength=n_strata * span)
        present = counts > 0
        upto = np.cumsum(present) - 1
        first = np.concatenate([[0], upto[span - 1 :: span] + 1])
        exit_cell, deaths = upto[key], counts[present]
        late = None if start_key is None else upto[start_key]
    else:
        event_keys, deaths = np.unique(key[event], return_counts=True)
        first = np.searchsorted(event_keys, np.arange(n_strata + 1) * span)
        exit_cell = np.searchsorted(event_keys, key, side="right") - 1
        late = None if start_key is None else np.searchsorted(event_keys, start_key, "right") - 1
    floor = first[0] - 1 if stratum is None else (first[:-1] - 1)[stratum]
    entry_cell = np.broadcast_to(floor, time.shape) if late is None else np.maximum(late, floor)
    return Cells(exit_cell, entry_cell, deaths.astype(np.int64), first.astype(np.int64))


def late_entries(
    entry_cell: Integers, first_cell: Integers, n_cells: int
) -> tuple[Integers, Integers]:
    """Rows that enter after their stratum's first event time, by entry cell, and the starts."""
    late = np.flatnonzero(entry_cell >= first_cell)
    if late.size == 0:
        return late, np.zeros(n_cells + 1, dtype=np.int64)
    counts = np.bincount(entry_cell[late], minlength=n_cells)
    order = np.argsort(entry_cell[late], kind="stable")
    return late[order], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _used(first_cell: Integers) -> Integers:
    """First cells of the strata that have any, and the number of cells."""
    return first_cell[np.concatenate([[True], first_cell[1:] > first_cell[:-1]])]


def by_counting(cells: Cells, event: Booleans) -> Order:
    """Sort rows whose cells are known, by counting them."""
    from ashworth.survival.proportional_hazards.kernel import counting_sort

    n_cells = cells.deaths.size
    key = np.where(cells.exit_cell > cells.entry_cell, 2 * cells.exit_cell + 1 - event, 2 * n_cells)
    order, start = counting_sort(key, 2 * n_cells + 1)
    rows, cell_start = order[: start[2 * n_cells]], start[: 2 * n_cells + 1 : 2].astype(np.int64)
    exit_cell, entry_cell = cells.exit_cell[rows], cells.entry_cell[rows]
    used = _used(cells.stratum_start)
    if used.size == 2 and entry_cell.size and entry_cell.max() < 0:
        late_rows, late_start = np.zeros(0, np.int64), np.zeros(n_cells + 1, np.int64)
    else:
        first = np.repeat(used[:-1], np.diff(cell_start[used]))
        late_rows, late_start = late_entries(entry_cell, first, n_cells)
    events, event_start = find_events(cell_start, cells.deaths)
    return Order(
        rows, exit_cell, entry_cell, cell_start, cells.deaths, used, late_rows, late_start,
        events, event_start,
    )  # fmt: skip


def _sorted_keys(key: Integers, event: Booleans) -> tuple[Integers, Integers]:
    """Rows by key, the dead first, and twice their key, plus 1 where censored."""
    places = 1 << _PLACE_BITS
    packed = key << (_PLACE_BITS + 1)
    packed -= event * places
    packed += np.arange(places, places + key.size)
    packed.sort()
    rows = packed & (places - 1)
    packed >>= _PLACE_BITS
    return rows, packed


def by_sorting(
    time: Floats, event: Booleans, entry: Floats | None, stratum: Integers | None, n_strata: int
) -> Order:
    """Sort fewer than 2^15 rows by one number each: stratum, time, censored, place."""
    clock, start, span = _ranks(time, entry)
    key = clock if stratum is None else stratum * span + clock
    rows, packed = _sorted_keys(key, event)
    dead = (packed & 1) == 0
    opens = dead.copy()
    opens[1:] &= packed[1:] != packed[:-1]
    exit_cell = opens.cumsum()
    exit_cell -= 1
    if stratum is None:
        first_cell, floor = np.array([0, int(exit_cell[-1]) + 1]), np.full(time.size, -1)
    else:
        bounds = packed.searchsorted(np.arange(n_strata + 1) * (2 * span))
        first_cell = np.concatenate([[0], exit_cell + 1])[bounds]
        floor = (first_cell[:-1] - 1).repeat(bounds[1:] - bounds[:-1])
    entry_cell = floor
    if start is not None:
        begin = start if stratum is None else stratum * span + start
        cell_key = packed[opens] >> 1
        late = np.searchsorted(cell_key, begin[rows], side="right") - 1
        entry_cell = np.maximum(late, floor)
    kept = (exit_cell > entry_cell).nonzero()[0]
    rows, exit_cell, entry_cell = rows.take(kept), exit_cell.take(kept), entry_cell.take(kept)
    event_rows = dead.take(kept).nonzero()[0]
    event_start = opens.take(kept).take(event_rows).nonzero()[0]
    deaths = np.bincount(exit_cell.take(event_rows))
    cell_start = np.concatenate([event_rows.take(event_start), [kept.size]])
    if start is None:
        late_rows, late_start = kept[:0], np.zeros(deaths.size + 1, np.int64)
    else:
        late_rows, late_start = late_entries(entry_cell, floor.take(kept) + 1, deaths.size)
    return Order(
        rows, exit_cell, entry_cell, cell_start, deaths, _used(first_cell), late_rows, late_start,
        event_rows, event_start,
    )  # fmt: skip


def sort_rows(
    time: Floats, event: Booleans, entry: Floats | None, stratum: Integers | None, n_strata: int
) -> Order:
    """Find the cells and put the rows in order.

    Parameters
    ----------
    time, entry : ndarray, shape (n,)
        End of follow-up and, with late entry, its start.
    event : ndarray of bool, shape (n,)
        True at an event.
    stratum : ndarray of int, shape (n,), or None
        Stratum of each row, from 0.
    n_strata : int
        How many strata.
    """
    if time.size < KERNEL_ROWS:
        return by_sorting(time, event, entry, stratum, n_strata)
    return by_counting(find_cells(time, event, entry, stratum, n_strata), event)
