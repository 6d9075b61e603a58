"""Sort a Cox problem once: rows by stratum and event time, covariates centred and scaled.

Only the distinct event times matter. A *cell* is one event time of one stratum; cells are numbered
by stratum and ascending time. A row is at risk in the cells ``entry_cell < u <= exit_cell`` of its
stratum, where ``exit_cell`` is the last event time at or before its end and ``entry_cell`` the last
one at or before its start. Rows that are at risk in no cell say nothing and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ashworth.survival.inputs import Booleans, Floats, Integers, is_sorted, whole_days

KERNEL_ROWS = 20_000
"""From this many rows on the compiled kernel runs; below it the numpy twin."""

_TABLE_SLOTS = 8_192
_SLOTS_PER_ROW = 16
_CONSTANT = 1e-12
_GATHERED = 4096


@dataclass(frozen=True, slots=True)
class Ties:
    """Events by cell, and the cells with several.

    Attributes
    ----------
    event_rows, event_start : ndarray of int, shapes (events,), (U,)
        Rows with an event by cell, and where each cell's start among them.
    death_weight : ndarray, shape (U,)
        Summed weights of each cell's dead.
    cells, rows, start : ndarray of int
        Cells with several events, the rows of these, and where each cell's start among them.
    of : ndarray of int
        For every one of these rows the index of its cell in `cells`.
    part : ndarray
        Efron's k / d for every one of these rows.
    mean_weight : ndarray
        Mean weight of the dead of `cells`.
    """

    event_rows: Integers
    event_start: Integers
    death_weight: Floats
    cells: Integers
    rows: Integers
    start: Integers
    of: Integers
    part: Floats
    mean_weight: Floats


@dataclass(frozen=True, slots=True)
class CoxDesign:
    """A sorted Cox problem with m rows, p covariates and U cells.

    Attributes
    ----------
    columns : ndarray, shape (p, m)
        Covariates, centred within strata and divided by `scale`.
    scale : ndarray, shape (p,)
        Scale of each covariate; 0 marks one that is constant within every stratum.
    weights, offset : ndarray, shape (m,)
        Case weights and offsets (centred within strata).
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
    rows : ndarray of int, shape (m,)
        Position of each row in the caller's data.
    largest : ndarray, shape (p,)
        Largest absolute value of each column.
    event_sums : ndarray, shape (p,)
        Weighted sums of the columns over the events.
    ties : Ties
        Events by cell.
    widest_offset : float
        Largest absolute offset.
    """

    columns: Floats
    scale: Floats
    weights: Floats
    offset: Floats
    exit_cell: Integers
    entry_cell: Integers
    cell_start: Integers
    deaths: Integers
    stratum_start: Integers
    late_rows: Integers
    late_start: Integers
    rows: Integers
    largest: Floats
    event_sums: Floats
    ties: Ties
    widest_offset: float

    @property
    def row_start(self) -> Integers:
        """First row of each stratum, shape (S + 1,)."""
        return self.cell_start[self.stratum_start]


def find_ties(cell_start: Integers, deaths: Integers, weights: Floats) -> Ties:
    """Find the events and the ties of sorted rows."""
    start = np.cumsum(deaths) - deaths
    event_rows = np.arange(deaths.sum()) + np.repeat(cell_start[:-1] - start, deaths)
    total = np.add.reduceat(weights[event_rows], start)
    cells = np.flatnonzero(deaths > 1)
    sizes = deaths[cells]
    first = np.cumsum(sizes) - sizes
    of = np.repeat(np.arange(cells.size), sizes)
    k = np.arange(of.size) - first[of]
    rows = cell_start[cells][of] + k
    return Ties(
        event_rows, start, total, cells, rows, first, of, k / sizes[of], total[cells] / sizes
    )


def _ranks(time: Floats, entry: Floats | None) -> tuple[Integers, Integers | None, int]:
    """Integer clock of times and entries, and its length: days, or ranks among all times."""
    if whole_days(time) and (entry is None or whole_days(entry)):
        first = int(time.min() if entry is None else min(time.min(), entry.min()))
        span = int(time.max()) - first + 1
        if span <= max(4 * time.size, 100_000):
            clock = time.astype(np.int64) - first
            return clock, None if entry is None else entry.astype(np.int64) - first, span
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


def _order(cells: Cells, event: Booleans) -> tuple[Integers, Integers]:
    """Rows at risk in some cell, sorted by exit cell with the dead first; start of each cell."""
    n_cells = cells.deaths.size
    key = np.where(cells.exit_cell > cells.entry_cell, 2 * cells.exit_cell + 1 - event, 2 * n_cells)
    if key.size >= KERNEL_ROWS:
        from ashworth.survival.cox_kernel import counting_sort

        order, start = counting_sort(key, 2 * n_cells + 1)
    else:
        small = key.astype(np.uint16) if n_cells < 2**15 else key  # 16 bits are sorted by radix
        order = np.argsort(small, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=2 * n_cells + 1))])
    return order[: start[2 * n_cells]], start[: 2 * n_cells + 1 : 2].astype(np.int64)


def late_entries(entry_cell: Integers, first_cell: Integers, n_cells: int) -> tuple[Integers, ...]:
    """Rows that enter after their stratum's first event time, by entry cell, and the starts."""
    late = np.flatnonzero(entry_cell >= first_cell)
    if late.size == 0:
        return late, np.zeros(n_cells + 1, dtype=np.int64)
    counts = np.bincount(entry_cell[late], minlength=n_cells)
    order = np.argsort(entry_cell[late], kind="stable")
    return late[order], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _standardise(columns: Floats, row_start: Integers) -> tuple[Floats, Floats]:
    """Centre columns within strata and scale them, in place; return scales and largest values."""
    if columns.shape[1] >= KERNEL_ROWS:
        from ashworth.survival.cox_kernel import standardise

        return standardise(columns, row_start, _CONSTANT)
    size = np.abs(columns).max(axis=1)
    if row_start.size == 2:
        columns -= columns.mean(axis=1, keepdims=True)
    else:
        rows = np.diff(row_start)
        columns -= np.repeat(np.add.reduceat(columns, row_start[:-1], axis=1) / rows, rows, axis=1)
    spread = np.sqrt(np.einsum("ij,ij->i", columns, columns) / columns.shape[1])
    scale = np.where(spread > _CONSTANT * size, spread, 0.0)
    columns *= np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)[:, None]
    return scale, np.abs(columns).max(axis=1)


def _gather(covariates: Floats, rows: Integers) -> Floats:
    """Copy rows of an (n, p) matrix into the columns of a (p, m) one, by blocks in the cache."""
    m, p = rows.size, covariates.shape[1]
    if not covariates.flags.c_contiguous:
        return np.ascontiguousarray(covariates.T.take(rows, axis=1))
    out, block = np.empty((p, m)), np.empty((min(_GATHERED, m), p))
    for first in range(0, m, _GATHERED):
        part = rows[first : first + _GATHERED]
        covariates.take(part, axis=0, out=block[: part.size], mode="clip")
        out[:, first : first + part.size] = block[: part.size].T
    return out


def build_design(
    cells: Cells, event: Booleans, covariates: Floats, weights: Floats | None, offset: Floats | None
) -> CoxDesign:
    """Sort the rows by cell and standardise the covariates.

    Parameters
    ----------
    cells : Cells
        From `find_cells`, with at least one event.
    event : ndarray of bool, shape (n,)
        True at an event.
    covariates : ndarray, shape (n, p)
        Raw covariates.
    weights, offset : ndarray, shape (n,), or None
        Case weights (positive) and offsets.
    """
    rows, cell_start = _order(cells, event)
    columns = _gather(covariates, rows)
    used = cells.stratum_start[np.concatenate([[True], np.diff(cells.stratum_start) > 0])]
    row_start = cell_start[used]
    scale, largest = _standardise(columns, row_start)
    shift = np.zeros(rows.size) if offset is None else offset[rows]
    if offset is not None:
        sizes = np.diff(row_start)
        shift -= np.repeat(np.add.reduceat(shift, row_start[:-1]) / sizes, sizes)
    exit_cell, entry_cell = cells.exit_cell[rows], cells.entry_cell[rows]
    if used.size == 2 and entry_cell.size and entry_cell.max() < 0:
        late, late_start = np.zeros(0, np.int64), np.zeros(cells.deaths.size + 1, np.int64)
    else:
        first = np.repeat(used[:-1], np.diff(row_start))
        late, late_start = late_entries(entry_cell, first, cells.deaths.size)
    weight = np.ones(rows.size) if weights is None else weights[rows]
    ties = find_ties(cell_start, cells.deaths, weight)
    totals = event_totals(columns, weight, cell_start, cells.deaths, ties.event_rows)
    widest = 0.0 if offset is None else float(np.abs(shift).max(initial=0.0))
    return CoxDesign(
        columns, scale, weight, shift, exit_cell, entry_cell, cell_start, cells.deaths,
        used, late, late_start, rows, largest, totals, ties, widest,
    )  # fmt: skip


def event_totals(
    columns: Floats, weights: Floats, cell_start: Integers, deaths: Integers, rows: Integers
) -> Floats:
    """Weighted sums of the columns over the events."""
    if columns.shape[1] < KERNEL_ROWS:
        return columns.take(rows, axis=1) @ weights[rows]
    from ashworth.survival.cox_kernel import event_sums

    return event_sums(columns, weights, cell_start, deaths)


def interval_maximum(values: Floats, design: CoxDesign) -> NDArray[np.float64]:
    """Largest value among the rows at risk in each cell, shape (U,).

    Every row's interval of cells is covered by two blocks of length 2^k; the blocks' maxima are
    pushed down from the longest to single cells.
    """
    low, high = design.entry_cell + 1, design.exit_cell
    power = np.frexp((high - low + 1).astype(np.float64))[1].astype(np.int64) - 1
    top = int(power.max())
    table = np.full((top + 1, design.deaths.size), -np.inf)
    np.maximum.at(table, (power, low), values)
    np.maximum.at(table, (power, high + 1 - (1 << power)), values)
    for k in range(top, 0, -1):
        half = 1 << (k - 1)
        np.maximum(table[k - 1], table[k], out=table[k - 1])
        np.maximum(table[k - 1, half:], table[k, :-half], out=table[k - 1, half:])
    return table[0]
