"""Infinite Cox coefficients: prove that the likelihood is monotone, and go to its limit.

The log partial likelihood has no maximum when, along some direction, every subject that has an
event has the largest linear predictor of its risk set. Along such a direction of recession it
rises to a limit: the likelihood of the same data in which each risk set keeps only its members
with that largest value. Fitting those data gives the limit and the finite coefficients.

References
----------
.. [1] Jacobsen M (1989). Existence and unicity of MLEs in discrete exponential family
   distributions. Scand J Statist 16:335-349.
.. [2] Clarkson DB, Jennrich RI (1991). Computing extended maximum likelihood estimates for linear
   parameter models. J R Stat Soc B 53:417-426.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ashworth.survival.cox_design import CoxDesign, interval_maximum, late_entries, place_events
from ashworth.survival.inputs import Booleans, Floats, Integers

_STRAY = 1e-2
_TOLERANCE = 1e-3
_MOVES = 0.5


def _recedes(design: CoxDesign, direction: Floats) -> bool:
    """Say whether all events have the largest predictor of their risk set along `direction`."""
    v = direction @ design.columns
    top = interval_maximum(v, design)
    dead = np.minimum.reduceat(v[design.event_rows], design.event_start)
    lowest = -interval_maximum(-v, design)
    return bool((dead >= top - _TOLERANCE).all() and (top - lowest).max() > _MOVES)


def recession_direction(design: CoxDesign, step: Floats) -> Floats | None:
    """Return a direction along which the likelihood never falls, if the Newton step shows one.

    In the tail of a monotone likelihood a Newton step moves the decisive contrasts by about 1, so
    the tolerance on the linear predictor needs no scale. The proof does not rest on the step: the
    condition on every risk set is checked, first with the small components of the step left out.
    """
    if np.abs(step) @ design.largest < _MOVES:
        return None
    cleaned = np.where(np.abs(step) < _STRAY * np.abs(step).max(), 0.0, step)
    for direction in (cleaned, step):
        if _recedes(design, direction):
            return direction
    return None


def _runs(on_face: Booleans) -> list[tuple[int, int]]:
    """First and last index of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on_face.view(np.int8), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _intervals_on_face(v: Floats, top: Floats, design: CoxDesign) -> tuple[Integers, ...]:
    """Split each row's cells into the runs in which it has the largest predictor."""
    rows, entry, leave = [], [], []
    low, high = design.entry_cell + 1, design.exit_cell
    for i in np.flatnonzero(v >= -interval_maximum_of_rows(-top, design) - _TOLERANCE):
        here = v[i] >= top[low[i] : high[i] + 1] - _TOLERANCE
        for a, b in _runs(here):
            rows.append(i)
            entry.append(low[i] + a - 1)
            leave.append(low[i] + b)
    return np.array(rows, np.int64), np.array(entry, np.int64), np.array(leave, np.int64)


def interval_maximum_of_rows(per_cell: Floats, design: CoxDesign) -> Floats:
    """Largest value of `per_cell` among the cells in which each row is at risk, shape (m,)."""
    low, high = design.entry_cell + 1, design.exit_cell
    power = np.frexp((high - low + 1).astype(np.float64))[1].astype(np.int64) - 1
    levels = [per_cell]
    for k in range(int(power.max())):
        shorter, half = levels[-1], 1 << k
        longer = shorter.copy()
        np.maximum(shorter[:-half], shorter[half:], out=longer[:-half])
        levels.append(longer)
    table = np.stack(levels)
    return np.maximum(table[power, low], table[power, high + 1 - (1 << power)])


def limit_design(design: CoxDesign, direction: Floats) -> CoxDesign:
    """Keep in every risk set only the members with the largest predictor along `direction`."""
    v = direction @ design.columns
    pieces, entry, leave = _intervals_on_face(v, interval_maximum(v, design), design)
    event = np.zeros(design.columns.shape[1], dtype=bool)
    event[design.event_rows] = True
    died = event[pieces] & (leave == design.exit_cell[pieces])
    order = np.lexsort((~died, leave))
    pieces, entry, leave = pieces[order], entry[order], leave[order]
    n_cells = design.deaths.size
    counts = np.bincount(leave, minlength=n_cells)
    stratum = np.searchsorted(design.stratum_start, leave, side="right") - 1
    late, late_start = late_entries(entry, design.stratum_start[stratum], n_cells)
    cell_start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    event_rows, event_start = place_events(cell_start, design.deaths)
    return replace(
        design,
        columns=np.ascontiguousarray(design.columns[:, pieces]),
        weights=design.weights[pieces],
        event_rows=event_rows,
        event_start=event_start,
        offset=design.offset[pieces],
        exit_cell=leave,
        entry_cell=entry,
        cell_start=cell_start,
        late_rows=late,
        late_start=late_start,
        rows=design.rows[pieces],
    )
