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
    """Collapse the tied events of each cell to scalars, times the mean weight of its dead."""
    deaths = design.deaths
    event_rows, starts = design.event_rows, design.event_start
    mean_weight = np.add.reduceat(design.weights[event_rows], starts) / deaths
    if not efron or event_rows.size == deaths.size:
        total = mean_weight * deaths
        inverse = total / s0
        zero = np.zeros_like(s0)
        return TieTerms(total * np.log(s0), inverse, zero, inverse / s0, zero, zero)
    part = (np.arange(event_rows.size) - np.repeat(starts, deaths)) / np.repeat(deaths, deaths)
    b = np.repeat(s0, deaths) - part * np.repeat(f0, deaths)
    inverse = 1.0 / b
    tied = part * inverse
    terms = np.stack([np.log(b), inverse, tied, inverse * inverse, inverse * tied, tied * tied])
    return TieTerms(*(np.add.reduceat(terms, starts, axis=1) * mean_weight))


def likelihood(design: CoxDesign, beta: Floats, *, efron: bool) -> Likelihood:
    """Log partial likelihood, score and information at `beta` (of the standardised columns)."""
    z, starts = design.columns, design.cell_start[:-1]
    eta = beta @ z + safe_offset(design, beta)
    risk = design.weights * np.maximum(np.exp(eta), SMALLEST_RISK)
    moments = np.concatenate([risk[None], risk * z])
    per_cell = np.add.reduceat(moments, starts, axis=1)
    if design.late_rows.size:
        cell = design.entry_cell[design.late_rows]
        late = moments[:, design.late_rows]
        for row, values in zip(per_cell, late, strict=True):
            row -= np.bincount(cell, weights=values, minlength=starts.size)
    at_risk = _suffix_sums(per_cell, design.stratum_start)
    event_rows = design.event_rows
    dead = np.add.reduceat(moments[:, event_rows], design.event_start, axis=1)
    terms = tie_terms(at_risk[0], dead[0], design, efron=efron)
    weight = design.weights[event_rows]
    value = float(weight @ eta[event_rows] - terms.log_sum.sum())
    s1, f1 = at_risk[1:], dead[1:]
    score = design.event_sums - s1 @ terms.inverse + f1 @ terms.tied
    information, diagonal = _information(design, risk, s1, f1, terms)
    return Likelihood(value, score, information, diagonal)


def _information(
    design: CoxDesign, risk: Floats, s1: Floats, f1: Floats, terms: TieTerms
) -> tuple[Floats, Floats]:
    """Weighted Gram of the rows minus the Gram of the risk-set means."""
    z = design.columns
    hazard = prefix_sums(terms.inverse, design.stratum_start)
    exposure = hazard[design.exit_cell]
    if design.late_rows.size:
        exposure[design.late_rows] -= hazard[design.entry_cell[design.late_rows]]
    v = risk * exposure
    v[design.event_rows] -= risk[design.event_rows] * np.repeat(terms.tied, design.deaths)
    gram = (z * v) @ z.T
    return gram - mean_gram(s1, f1, terms), np.diagonal(gram).copy()


def mean_gram(s1: Floats, f1: Floats, terms: TieTerms) -> Floats:
    """Sum over events of the outer products of the risk-set means, completed to two squares."""
    lean = terms.square_tied / terms.square
    centre = s1 - lean * f1
    rest = np.maximum(terms.square_tied2 - lean * terms.square_tied, 0.0)
    means = (centre * terms.square) @ centre.T
    return means + (f1 * rest) @ f1.T if rest.any() else means


def prefix_sums(per_cell: Floats, stratum_start: Integers) -> Floats:
    """Sums over a cell and the earlier ones of its stratum."""
    if stratum_start.size == 2:
        return per_cell.cumsum()
    out = np.empty_like(per_cell)
    for a, b in zip(stratum_start[:-1].tolist(), stratum_start[1:].tolist(), strict=True):
        out[a:b] = per_cell[a:b].cumsum()
    return out
