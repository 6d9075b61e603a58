"""Sort a Cox problem once: rows by stratum and event time, covariates centred and scaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.order import KERNEL_ROWS, Order

_CONSTANT = 1e-12
_GATHERED = 4096


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
    event_rows, event_start : ndarray of int, shapes (events,), (U,)
        Rows with an event by cell, and where each cell's start among them.
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
    event_rows: Integers
    event_start: Integers
    widest_offset: float

    @property
    def row_start(self) -> Integers:
        """First row of each stratum, shape (S + 1,)."""
        return self.cell_start[self.stratum_start]


def _standardise(columns: Floats, row_start: Integers) -> tuple[Floats, Floats]:
    """Centre columns within strata and scale them, in place; return scales and largest values."""
    if columns.shape[1] >= KERNEL_ROWS:
        from ashworth.survival.proportional_hazards.kernel import standardise

        return standardise(columns, row_start, _CONSTANT)
    rows = row_start[1:] - row_start[:-1]
    means = np.add.reduceat(columns, row_start[:-1], axis=1) / rows
    columns -= means if rows.size == 1 else means.repeat(rows, axis=1)
    peak = np.abs(columns).max(axis=1)
    size = np.abs(means).max(axis=1) + peak
    spread = np.sqrt(np.vecdot(columns, columns) / columns.shape[1])
    varies = spread > _CONSTANT * size
    factor = 1.0 / np.where(varies, spread, np.inf)
    columns *= factor[:, None]
    return np.where(varies, spread, 0.0), peak * factor


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
    order: Order, covariates: Floats, weights: Floats | None, offset: Floats | None
) -> CoxDesign:
    """Take the rows in order and standardise the covariates.

    Parameters
    ----------
    order : Order
        From `sort_rows`, with at least one event.
    covariates : ndarray, shape (n, p)
        Raw covariates.
    weights, offset : ndarray, shape (n,), or None
        Case weights (positive) and offsets.
    """
    rows = order.rows
    columns = _gather(covariates, rows)
    row_start = order.cell_start[order.stratum_start]
    scale, largest = _standardise(columns, row_start)
    shift, widest = np.zeros(rows.size), 0.0
    if offset is not None:
        shift, sizes = offset[rows], np.diff(row_start)
        shift -= np.repeat(np.add.reduceat(shift, row_start[:-1]) / sizes, sizes)
        widest = float(np.abs(shift).max(initial=0.0))
    weight = np.ones(rows.size) if weights is None else weights[rows]
    totals = event_totals(columns, weight, order)
    return CoxDesign(
        columns, scale, weight, shift, order.exit_cell, order.entry_cell, order.cell_start,
        order.deaths, order.stratum_start, order.late_rows, order.late_start, rows, largest, totals,
        order.event_rows, order.event_start, widest,
    )  # fmt: skip


def event_totals(columns: Floats, weights: Floats, order: Order) -> Floats:
    """Weighted sums of the columns over the events."""
    if columns.shape[1] < KERNEL_ROWS:
        at_events = np.zeros(weights.size)
        at_events[order.event_rows] = weights.take(order.event_rows)
        return columns @ at_events
    from ashworth.survival.proportional_hazards.kernel import event_sums

    return event_sums(columns, weights, order.cell_start, order.deaths)


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
