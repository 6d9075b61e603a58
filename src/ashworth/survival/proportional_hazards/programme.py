"""Decide by linear programming whether a Cox partial likelihood is monotone.

A direction of recession gives every subject with an event the largest linear predictor of its risk
set. With the contrasts of the events against the members of their risk sets as the rows of A that
is a v with ``A v >= 0`` and ``A v != 0``: the feasible side of a linear programme. Newton's steps
usually show such a direction (`monotone`); this is for the fits in which they do not.

References
----------
.. [1] Konis K (2007). Linear programming algorithms for detecting separated data in binary
   logistic regression models. DPhil thesis, University of Oxford.
"""

from __future__ import annotations

import numpy as np

from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.monotone import recedes, rounding

_MOST_CONTRASTS = 300_000
_AT_ONCE = 2_000
_ROUNDS = 100
_SAME = 1e-12
_VIOLATED = 1e-9
_POSITIVE = 1e-6


def decidable(design: CoxDesign) -> bool:
    """Say whether the contrasts are few enough to be written down."""
    return int((design.exit_cell - design.entry_cell).sum()) <= _MOST_CONTRASTS


def contrasts(design: CoxDesign, kept: Integers) -> Floats:
    """First event of each cell minus every member of its risk set; both ways for the tied.

    Returns
    -------
    ndarray, shape (rows, kept)
        Contrasts of the kept columns that are not 0.
    """
    z = design.columns[kept]
    ends = np.repeat(design.row_start[1:], np.diff(design.stratum_start))
    parts = []
    for u, deaths in enumerate(design.deaths.tolist()):
        first = int(design.cell_start[u])
        members = first + np.flatnonzero(design.entry_cell[first : ends[u]] < u)
        away = z[:, first : first + 1] - z[:, members]
        parts += [away, -away[:, 1:deaths]]
    rows = np.concatenate(parts, axis=1)
    size = np.maximum(design.largest[kept], 1.0)[:, None]
    return rows[:, (np.abs(rows) > _SAME * size).any(axis=0)].T


def _solve(rows: Floats) -> Floats | None:
    """Vector w in the unit box with ``rows @ w >= 0`` and the largest sum, None if that is 0.

    Rows are added where they are violated, so that the programmes stay small.
    """
    from scipy.optimize import linprog

    used = np.unique(np.linspace(0, rows.shape[0] - 1, _AT_ONCE).astype(np.int64))
    options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    total = rows.sum(axis=0)
    for _ in range(_ROUNDS):
        found = linprog(
            -total, A_ub=-rows[used], b_ub=np.zeros(used.size), bounds=(-1.0, 1.0),
            method="highs", options=options,
        )  # fmt: skip
        if found.status != 0 or -found.fun <= _POSITIVE:
            return None
        value = rows @ found.x
        broken = np.setdiff1d(np.flatnonzero(value < -_VIOLATED), used)
        if broken.size == 0:
            return found.x
        used = np.concatenate([used, broken[np.argsort(value[broken])[:_AT_ONCE]]])
    return None


def _candidates(rows: Floats, w: Floats) -> list[Floats]:
    """The solution, with what nearly vanishes made to vanish, by rising tolerance."""
    value, found = rows @ w, []
    for near in (1e-9, 1e-7, 1e-5):
        flat = rows[value <= near]
        if flat.shape[0] == 0:
            found.append(w)
            continue
        _, singular, right = np.linalg.svd(np.linalg.qr(flat, mode="r"))
        size = np.zeros(w.size)
        size[: singular.size] = singular
        free = right[size <= 1e-9 * max(1.0, size.max())]
        found.append(free.T @ (free @ w))
    return found


def programme_direction(design: CoxDesign, kept: Integers) -> Floats | None:
    """Return a direction of recession among the kept coefficients, or None if there is none.

    The columns of A are made orthonormal and its rows of one size first, so that collinear
    covariates and outliers do not blur the answer; what the programme finds must then obey the
    condition to rounding.
    """
    rows = contrasts(design, kept)
    if rows.shape[0] == 0:
        return None
    orthonormal, triangle = np.linalg.qr(rows)
    if orthonormal.shape[1] < kept.size or (np.abs(triangle.diagonal()) == 0).any():
        orthonormal, triangle = rows, np.eye(kept.size)
    orthonormal = orthonormal / np.abs(orthonormal).max(axis=1, keepdims=True)
    w = _solve(orthonormal)
    if w is None:
        return None
    for candidate in _candidates(orthonormal, w):
        v = np.linalg.solve(triangle, candidate)
        reach = float(np.abs(rows @ v).max())
        if reach <= 0:
            continue
        direction = np.zeros(design.scale.size)
        direction[kept] = v / reach
        if recedes(design, direction, rounding(design, direction)):
            return direction
    return None
