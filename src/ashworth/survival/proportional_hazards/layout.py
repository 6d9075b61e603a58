"""Lay a Cox problem out so that all its risk sets are summed by a few matrix products.

With the rows of a stratum in the order in which they leave, the dead of a cell first, a risk set is
a row and all later ones: a running sum. It is made within blocks of rows by a product with a
triangle of ones, then over the later blocks of the stratum. No sum crosses strata or subtracts, so
that a small stratum keeps its digits beside a large one.

Efron's k-th term for d tied dead takes k / d of their risk out of the risk set. That is the running
sum from the k-th of them on, once each of them has their mean moments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.design import CoxDesign

_BLOCK = 16
_SPARE = 1.5
_LONG = 128
_TRIANGLE = np.tril(np.ones((_LONG, _LONG)))
_BELOW = np.tril(np.ones((_LONG, _LONG)), -1)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Rows in blocks of one size, B blocks in S strata.

    Attributes
    ----------
    size : int
        Rows per block.
    start : ndarray of int, shape (S + 1,)
        First block of each stratum.
    count : int
        B.
    below : ndarray, shape (B, B), or None
        1 where the row's block is a later one of the column's stratum; None for many blocks.
    """

    size: int
    start: Integers
    count: int
    below: Floats | None


@dataclass(frozen=True, slots=True)
class Layout:
    """A problem in blocks: w rows, some of them empty, and one term per event (Efron) or cell.

    Attributes
    ----------
    blocks : Blocks
        The blocks; the last one may reach beyond the rows.
    columns : ndarray, shape (p, w)
        Standardised covariates; in empty rows those of the stratum's last row.
    weights, offset : ndarray, shape (w,), or None
        Case weights, 0 in empty rows, and offsets; None where all are 1 or 0.
    row_start : ndarray of int, shape (S + 1,)
        First row of each stratum.
    events : ndarray of int, shape (events,)
        Rows with an event.
    terms : ndarray of int, shape (T,)
        The row at which each term's risk set starts.
    term_weight : ndarray, shape (T,)
        Mean weight of the dead (Efron), or their summed weight (Breslow).
    last_term : ndarray of int, shape (w,), or None
        Last term at or before each row, where there is one stratum.
    tied, tie_start, tie_of : ndarray of int
        Rows of tied dead with Efron's way, where each cell's start among them, and the cell of
        every one of them.
    tie_share : ndarray
        1 / d of each cell in `tie_start`.
    late, left_at, left_start : ndarray of int
        Rows that enter late, the last row of a risk set of which they are no part yet (each once),
        and where its rows start in `late`.
    left_of : ndarray of int
        Index into `left_at` for each row of `late`.
    """

    blocks: Blocks
    columns: Floats
    weights: Floats | None
    offset: Floats | None
    row_start: Integers
    events: Integers
    terms: Integers
    term_weight: Floats
    last_term: Integers | None
    tied: Integers
    tie_start: Integers
    tie_of: Integers
    tie_share: Floats
    late: Integers
    left_at: Integers
    left_start: Integers
    left_of: Integers


def running_sums(sums: Floats, start: Integers, *, later: bool) -> Floats:
    """Sums over an item and the later (or earlier) ones of its stratum, along the last axis.

    Parameters
    ----------
    sums : ndarray, shape (..., k)
        Values of the items: blocks, or cells.
    start : ndarray of int, shape (S + 1,)
        First item of each stratum.
    later : bool
        Sum over the later ones, else the earlier.
    """
    sizes = np.diff(start)
    longest = int(sizes.max())
    if longest > _LONG:
        return _long_running(sums, start, later=later)
    pad = np.arange(sizes.size) * longest - start[:-1]
    place = np.arange(sums.shape[-1]) + np.repeat(pad, sizes)
    padded = np.zeros((*sums.shape[:-1], sizes.size * longest))
    padded[..., place] = sums
    triangle = _TRIANGLE[:longest, :longest]
    running = padded.reshape(-1, longest) @ (triangle if later else triangle.T)
    return running.reshape(padded.shape).take(place, axis=-1)


def _long_running(sums: Floats, start: Integers, *, later: bool) -> Floats:
    """The same, one stratum after the other."""
    out = np.empty_like(sums)
    step = -1 if later else 1
    for a, b in zip(start[:-1].tolist(), start[1:].tolist(), strict=True):
        out[..., a:b] = sums[..., a:b][..., ::step].cumsum(axis=-1)[..., ::step]
    return out


def _later_blocks(sums: Floats, blocks: Blocks) -> Floats:
    """Sums over the later blocks of a block's stratum, shape (..., B)."""
    if blocks.below is not None:
        return sums @ blocks.below
    out = np.zeros_like(sums)
    out[..., :-1] = running_sums(sums, blocks.start, later=True)[..., 1:]
    out[..., blocks.start[1:] - 1] = 0.0
    return out


def _earlier_blocks(sums: Floats, blocks: Blocks) -> Floats:
    """Sums over the earlier blocks of a block's stratum, shape (B,)."""
    if blocks.below is not None:
        return blocks.below @ sums
    out = np.zeros_like(sums)
    out[1:] = running_sums(sums, blocks.start, later=False)[:-1]
    out[blocks.start[:-1]] = 0.0
    return out


def sums_from(values: Floats, layout: Layout) -> Floats:
    """Sums over the rows from each term on, those of its stratum.

    The sums of the later blocks are added to the last row of each block first.

    Parameters
    ----------
    values : ndarray, shape (k, B * size)
        What is summed; it is used up.
    layout : Layout
        Where the terms stand.

    Returns
    -------
    ndarray, shape (k, T)
    """
    blocks, size = layout.blocks, layout.blocks.size
    rows = values.reshape(-1, size)
    totals = (rows @ _TRIANGLE[:size, 0]).reshape(-1, blocks.count)
    values[:, size - 1 :: size] += _later_blocks(totals, blocks)
    return (rows @ _TRIANGLE[:size, :size]).reshape(values.shape).take(layout.terms, axis=1)


def sums_up_to(values: Floats, layout: Layout) -> Floats:
    """Sums of the terms' values over each row and the earlier ones of its stratum.

    Parameters
    ----------
    values : ndarray, shape (T,)
        What is summed.
    layout : Layout
        Where the terms stand.

    Returns
    -------
    ndarray, shape (w,)
    """
    if layout.last_term is not None:
        return values.cumsum().take(layout.last_term)
    blocks, size = layout.blocks, layout.blocks.size
    spread = np.zeros((blocks.count, size))
    spread.reshape(-1)[layout.terms] = values
    within = spread @ _TRIANGLE[:size, :size].T
    within += _earlier_blocks(within[:, -1], blocks)[:, None]
    return within.reshape(-1)


def _make_blocks(sizes: Integers) -> Blocks:
    """Choose the largest size of block that does not leave too many rows empty."""
    size = _BLOCK
    while size > 1 and sizes.size > 1 and (-(-sizes // size)).sum() * size > _SPARE * sizes.sum():
        size //= 2
    per_stratum = -(-sizes // size)
    start = np.concatenate([[0], per_stratum.cumsum()])
    n_blocks = int(start[-1])
    if n_blocks > _LONG:
        return Blocks(size, start, n_blocks, None)
    below = _BELOW[:n_blocks, :n_blocks]
    if sizes.size > 1:
        stratum = np.arange(sizes.size).repeat(per_stratum)
        below = np.where(stratum == stratum[:, None], below, 0.0)
    return Blocks(size, start, n_blocks, below)


def average_ties(values: Floats, layout: Layout) -> None:
    """Give the tied dead of each cell their mean, in place, along the last axis."""
    sums = np.add.reduceat(values.take(layout.tied, axis=-1), layout.tie_start, axis=-1)
    sums *= layout.tie_share
    values[..., layout.tied] = sums.take(layout.tie_of, axis=-1)


def lay_out(design: CoxDesign, *, efron: bool) -> Layout:
    """Lay a sorted problem out in blocks of rows.

    Parameters
    ----------
    design : CoxDesign
        The sorted problem.
    efron : bool
        Efron's treatment of ties, else Breslow's.
    """
    d, row_start = design, design.row_start
    blocks = _make_blocks(row_start[1:] - row_start[:-1])
    terms, term_weight, tied, tie_start, tie_of, tie_share = _terms(d, efron=efron)
    late, left_at, left_start, left_of = _late(d)
    offset = d.offset if d.widest_offset else None
    if row_start.size == 2:
        here = np.zeros(d.rows.size, np.int64)
        here[terms] = 1
        weights = None if (d.weights == 1.0).all() else d.weights
        return Layout(
            blocks, d.columns, weights, offset, row_start, d.event_rows, terms,
            term_weight,
            here.cumsum() - 1, tied, tie_start, tie_of, tie_share, late, left_at,
            left_start, left_of,
        )  # fmt: skip
    padded = blocks.start * blocks.size
    shift = padded[:-1] - row_start[:-1]
    row = np.arange(padded[-1]) - shift.repeat(padded[1:] - padded[:-1])
    end = row_start[1:].repeat(padded[1:] - padded[:-1])
    source = np.minimum(row, end - 1)
    place = np.arange(d.rows.size) + shift.repeat(row_start[1:] - row_start[:-1])
    terms = place.take(terms)
    return Layout(
        blocks, d.columns.take(source, axis=1), d.weights.take(source) * (row < end),
        None if offset is None else offset.take(source), padded, place.take(d.event_rows),
        terms, term_weight, None, place.take(tied), tie_start, tie_of, tie_share, place.take(late),
        place.take(left_at), left_start, left_of,
    )  # fmt: skip


def _terms(
    design: CoxDesign, *, efron: bool
) -> tuple[Integers, Floats, Integers, Integers, Integers, Floats]:
    """Rows and weights of the terms; tied rows, their starts, their cells, and 1 / d."""
    rows, start, deaths = design.event_rows, design.event_start, design.deaths
    weight = np.add.reduceat(design.weights.take(rows), start)
    none = rows[:0]
    if not efron or rows.size == deaths.size:
        return rows.take(start), weight, none, none, none, weight[:0]
    several = deaths > 1
    sizes = deaths[several]
    of, tied = np.arange(sizes.size).repeat(sizes), rows[several.repeat(deaths)]
    mean_weight = (weight / deaths).repeat(deaths)
    return rows, mean_weight, tied, sizes.cumsum() - sizes, of, 1.0 / sizes


def _late(design: CoxDesign) -> tuple[Integers, Integers, Integers, Integers]:
    """Late rows, the last dead of the cells before their entry, their starts and indices."""
    late = design.late_rows
    if not late.size:
        return late, late, late, late
    counts = np.diff(design.late_start)
    cells = np.flatnonzero(counts)
    counts = counts[cells]
    left_at = design.cell_start[cells] + design.deaths[cells] - 1
    return late, left_at, np.cumsum(counts) - counts, np.repeat(np.arange(cells.size), counts)
