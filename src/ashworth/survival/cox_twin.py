"""Cox partial likelihood in plain numpy: the twin of the compiled kernel, for small studies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.survival.cox_design import CoxDesign
from ashworth.survival.inputs import Floats, Integers

SMALLEST_RISK = 1e-140
"""Floor of exp(linear predictor), so that every risk set stays positive."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Partial likelihood at one point.

    Attributes
    ----------
    value : float
        Log partial likelihood.
    score : ndarray, shape (p,)
        Its gradient.
    information : ndarray, shape (p, p)
        Minus its Hessian.
    gram_diagonal : ndarray, shape (p,)
        Diagonal of the information before the risk-set means are subtracted: the size against
        which a vanishing pivot is judged.
    """

    value: float
    score: Floats
    information: Floats
    gram_diagonal: Floats


@dataclass(frozen=True, slots=True)
class TieTerms:
    """What a risk set adds, per cell: Efron's d terms collapsed to scalars, shape (U,) each.

    With b_k = s0 - (k / d) f0, k = 0..d-1 (Breslow: k = 0 throughout) and the mean weight of the
    dead: ``log_sum`` = sum log b_k, ``inverse`` = sum 1/b_k, ``tied`` = sum (k/d)/b_k, and
    ``square``, ``square_tied``, ``square_tied2`` = sums of 1, k/d, (k/d)^2 over b_k^2.
    """

    log_sum: Floats
    inverse: Floats
    tied: Floats
    square: Floats
    square_tied: Floats
    square_tied2: Floats


def widest_predictor(design: CoxDesign, beta: Floats) -> float:
    """Bound of the absolute linear predictor."""
    offset = max(float(design.offset.max()), -float(design.offset.min()))
    return float(design.largest @ np.abs(beta)) + offset


def safe_offset(design: CoxDesign, beta: Floats) -> Floats:
    """Offsets, lowered per stratum where exp(linear predictor) could overflow."""
    if widest_predictor(design, beta) < 300.0:
        return design.offset
    eta = beta @ design.columns + design.offset
    top = np.maximum.reduceat(eta, design.row_start[:-1])
    return design.offset - np.repeat(np.maximum(top - 300.0, 0.0), np.diff(design.row_start))


def _suffix_sums(per_cell: Floats, stratum_start: Integers) -> Floats:
    """Sums over a cell and the later ones of its stratum, along the last axis."""
    if stratum_start.size == 2:
        return per_cell[..., ::-1].cumsum(axis=-1)[..., ::-1]
    out = np.empty_like(per_cell)
    for a, b in zip(stratum_start[:-1].tolist(), stratum_start[1:].tolist(), strict=True):
        out[..., a:b] = per_cell[..., a:b][..., ::-1].cumsum(axis=-1)[..., ::-1]
    return out


def tie_terms(s0: Floats, f0: Floats, design: CoxDesign, *, efron: bool) -> TieTerms:
    """Collapse the tied events of each cell to scalars, times the mean weight of its dead.

    Parameters
    ----------
    s0 : ndarray, shape (U,)
        Summed risk of everybody at risk.
    f0 : ndarray, shape (cells with ties,)
        Summed risk of the dead, where there are several.
    design : CoxDesign
        The sorted problem.
    efron : bool
        Efron's treatment of ties.
    """
    weight = np.add.reduceat(design.weights[design.event_rows], design.event_start)
    one = 1.0 / s0
    log_sum, inverse = weight * np.log(s0), weight * one
    square, zero = inverse * one, np.zeros_like(s0)
    if not efron or design.tied_cells.size == 0:
        return TieTerms(log_sum, inverse, zero, square, zero, zero)
    cells, starts, deaths = design.tied_cells, design.tied_start, design.deaths[design.tied_cells]
    d = np.repeat(deaths, deaths)
    part = (np.arange(d.size) - np.repeat(starts, deaths)) / d
    b = np.repeat(s0[cells], deaths) - part * np.repeat(f0, deaths)
    terms = np.empty((6, d.size))
    terms[0], terms[1] = np.log(b), 1.0 / b
    np.multiply(part, terms[1], out=terms[2])
    np.multiply(terms[1], terms[1:3], out=terms[3:5])
    np.multiply(terms[2], terms[2], out=terms[5])
    all_terms = np.stack([log_sum, inverse, zero, square, zero, zero])
    all_terms[:, cells] = np.add.reduceat(terms, starts, axis=1) * (weight[cells] / deaths)
    return TieTerms(*all_terms)


def likelihood(design: CoxDesign, beta: Floats, *, efron: bool) -> Likelihood:
    """Log partial likelihood, score and information at `beta` (of the standardised columns)."""
    z = design.columns
    eta = beta @ z
    eta += safe_offset(design, beta)
    moments = np.empty((z.shape[0] + 1, z.shape[1]))
    moments[0] = design.weights * np.maximum(np.exp(eta), SMALLEST_RISK)
    np.multiply(moments[0], z, out=moments[1:])
    at_risk = _at_risk_sums(design, moments)
    tied = design.tied_cells.size > 0 and efron
    dead = moments[:, design.tied_rows] if tied else np.zeros((z.shape[0] + 1, 0))
    f = np.add.reduceat(dead, design.tied_start, axis=1) if tied else dead
    terms = tie_terms(at_risk[0], f[0], design, efron=efron)
    weight = design.weights[design.event_rows]
    value = float(weight @ eta[design.event_rows] - terms.log_sum.sum())
    score = design.event_sums - at_risk[1:] @ terms.inverse
    if tied:
        score += f[1:] @ terms.tied[design.tied_cells]
    information, diagonal = _information(design, moments[0], at_risk[1:], f[1:], terms, tied=tied)
    return Likelihood(value, score, information, diagonal)


def _at_risk_sums(design: CoxDesign, moments: Floats) -> Floats:
    """Moments summed over everybody at risk in each cell, shape (p + 1, U)."""
    starts = design.cell_start[:-1]
    if design.stratum_start.size == 2 and not design.late_rows.size:
        return moments[:, ::-1].cumsum(axis=1)[:, moments.shape[1] - 1 - starts]
    per_cell = np.add.reduceat(moments, starts, axis=1)
    if design.late_rows.size:
        cell = design.entry_cell[design.late_rows]
        late = moments[:, design.late_rows]
        for row, values in zip(per_cell, late, strict=True):
            row -= np.bincount(cell, weights=values, minlength=starts.size)
    return _suffix_sums(per_cell, design.stratum_start)


def _information(
    design: CoxDesign, risk: Floats, s1: Floats, f1: Floats, terms: TieTerms, *, tied: bool
) -> tuple[Floats, Floats]:
    """Weighted Gram of the rows minus the Gram of the risk-set means."""
    z, cells = design.columns, design.tied_cells
    hazard = prefix_sums(terms.inverse, design.stratum_start)
    exposure = hazard[design.exit_cell]
    if design.late_rows.size:
        exposure[design.late_rows] -= hazard[design.entry_cell[design.late_rows]]
    if tied:
        exposure[design.tied_rows] -= np.repeat(terms.tied[cells], design.deaths[cells])
    gram = (z * (risk * exposure)) @ z.T
    means = (s1 * terms.square) @ s1.T
    if tied:
        cross = (s1[:, cells] * terms.square_tied[cells]) @ f1.T
        means += (f1 * terms.square_tied2[cells]) @ f1.T - cross - cross.T
    return gram - means, gram.diagonal().copy()


def prefix_sums(per_cell: Floats, stratum_start: Integers) -> Floats:
    """Sums over a cell and the earlier ones of its stratum."""
    if stratum_start.size == 2:
        return per_cell.cumsum()
    out = np.empty_like(per_cell)
    for a, b in zip(stratum_start[:-1].tolist(), stratum_start[1:].tolist(), strict=True):
        out[a:b] = per_cell[a:b].cumsum()
    return out
