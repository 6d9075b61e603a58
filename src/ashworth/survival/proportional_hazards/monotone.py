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

from ashworth.survival.inputs import Booleans, Floats, Integers
from ashworth.survival.proportional_hazards.design import CoxDesign, interval_maximum
from ashworth.survival.proportional_hazards.order import find_events, late_entries

_STRAY = 1e-2
_NEAR = 1e-3
_ROUNDING = 1e-12
_MOVES = 0.5
_COLLINEAR = 1e-5


def recedes(design: CoxDesign, direction: Floats, tolerance: float) -> bool:
    """Say whether all events have the largest predictor of their risk set along `direction`."""
    v = direction @ design.columns
    top = interval_maximum(v, design)
    dead = np.minimum.reduceat(v[design.event_rows], design.event_start)
    lowest = -interval_maximum(-v, design)
    return bool((dead >= top - tolerance).all() and (top - lowest).max() > _MOVES)


def rounding(design: CoxDesign, direction: Floats) -> float:
    """Rounding error of a linear predictor along `direction`."""
    return _ROUNDING * float(np.abs(direction) @ design.largest)


def _spanning_contrasts(design: CoxDesign, kept: Integers) -> Floats:
    """Contrasts that span those of all risk sets, shape (rows, kept).

    Every row less the first of the dead with whom it leaves, and the first dead of neighbouring
    cells where somebody is at risk in both.
    """
    z, n_cells = design.columns[kept], design.deaths.size
    first_dead = z[:, design.cell_start[:-1]]
    low, high = design.entry_cell + 1, design.exit_cell
    reach = np.bincount(low, minlength=n_cells + 1) - np.bincount(high, minlength=n_cells + 1)
    joined = np.cumsum(reach)[: n_cells - 1] > 0
    links = np.diff(first_dead, axis=1)[:, joined]
    return np.concatenate([z - first_dead[:, design.exit_cell], links], axis=1).T


def free_space(design: CoxDesign, kept: Integers) -> Floats:
    """Orthonormal rows that span the directions in which no predictor differs in a risk set.

    Parameters
    ----------
    design : CoxDesign
        A sorted problem, or the limit of one.
    kept : ndarray of int
        Coefficients that may differ from 0.

    Returns
    -------
    ndarray, shape (dimension, kept)
        Empty where the data determine all kept coefficients.
    """
    contrasts = _spanning_contrasts(design, kept)
    _, singular, right = np.linalg.svd(np.linalg.qr(contrasts, mode="r"))
    size = np.zeros(right.shape[0])
    size[: singular.size] = singular
    limit = _ROUNDING * design.largest[kept].max() * np.sqrt(contrasts.shape[0])
    return right[size <= limit]


def determined(design: CoxDesign, order: Integers) -> Integers:
    """Coefficients that the data determine, whatever the weights and offsets.

    Parameters
    ----------
    design : CoxDesign
        A sorted problem, or the limit of one.
    order : ndarray of int
        Coefficients, those to be kept first in front: a later one whose contrasts are a
        combination of earlier ones is left out.
    """
    _, triangle = np.linalg.qr(_spanning_contrasts(design, order))
    nothing = _ROUNDING * design.largest * np.sqrt(design.rows.size)
    basis, kept = np.zeros((triangle.shape[0], 0)), []
    for j, column in zip(order.tolist(), triangle.T, strict=True):
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)
        size = float(np.linalg.norm(rest))
        if size > max(_COLLINEAR * float(np.linalg.norm(column)), float(nothing[j])):
            basis = np.column_stack([basis, rest / size])
            kept.append(j)
    return np.array(sorted(kept), dtype=np.int64)


def _settle(design: CoxDesign, direction: Floats) -> Floats:
    """Make the predictor exactly equal where it is nearly equal within risk sets.

    The contrasts of such members span a space; what is left of the direction is orthogonal to it.
    """
    free = free_space(limit_design(design, direction, _NEAR), np.arange(direction.size))
    return free.T @ (free @ direction)


def recession_direction(design: CoxDesign, step: Floats) -> Floats | None:
    """Return a direction along which the likelihood never falls, if the Newton step shows one.

    In the tail of a monotone likelihood a Newton step moves the decisive contrasts by about 1. The
    step only suggests the direction: its small components are left out, contrasts that nearly
    vanish are made to vanish, and then every risk set must obey the condition to rounding.
    """
    if np.abs(step) @ design.largest < _MOVES:
        return None
    cleaned = np.where(np.abs(step) < _STRAY * np.abs(step).max(), 0.0, step)
    for candidate in (cleaned, step):
        if not recedes(design, candidate, _NEAR):
            continue
        direction = _settle(design, candidate)
        if recedes(design, direction, rounding(design, direction)):
            return direction
    return None


def _runs(on_face: Booleans) -> list[tuple[int, int]]:
    """First and last index of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on_face.view(np.int8), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _intervals_on_face(
    v: Floats, top: Floats, design: CoxDesign, near: float
) -> tuple[Integers, ...]:
    """Split each row's cells into the runs in which it has the largest predictor."""
    rows, entry, leave = [], [], []
    low, high = design.entry_cell + 1, design.exit_cell
    for i in np.flatnonzero(v >= -interval_maximum_of_rows(-top, design) - near):
        here = v[i] >= top[low[i] : high[i] + 1] - near
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


def limit_design(design: CoxDesign, direction: Floats, near: float | None = None) -> CoxDesign:
    """Keep in every risk set only the members with the largest predictor along `direction`."""
    v = direction @ design.columns
    near = 1e3 * rounding(design, direction) if near is None else near
    pieces, entry, leave = _intervals_on_face(v, interval_maximum(v, design), design, near)
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
    event_rows, event_start = find_events(cell_start, design.deaths)
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
