"""Cox partial likelihood in plain numpy: the twin of the compiled kernel, for small studies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ashworth.survival.cox_design import CoxDesign
from ashworth.survival.inputs import Floats, Integers

_BLOCK = 16
_LONG_STRATUM = 128
_TRIANGLE = np.tril(np.ones((_BLOCK, _BLOCK)))

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
    """What the risk sets add, Efron's d terms collapsed to scalars, times the mean weight.

    With b_k = s0 - (k / d) f0, k = 0..d-1 (Breslow: k = 0 throughout).

    Attributes
    ----------
    log_sum : float
        Sum of log b_k over all cells.
    inverse, square : ndarray, shape (U,)
        Sums of 1 / b_k and 1 / b_k^2.
    tied, square_tied, square_tied2 : ndarray, shape (cells with ties,)
        Sums of (k/d) / b_k, (k/d) / b_k^2 and (k/d)^2 / b_k^2.
    """

    log_sum: float
    inverse: Floats
    square: Floats
    tied: Floats
    square_tied: Floats
    square_tied2: Floats


def widest_predictor(design: CoxDesign, beta: Floats) -> float:
    """Bound of the absolute linear predictor."""
    return float(design.largest @ np.abs(beta)) + design.widest_offset


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
    return _stratum_sums(per_cell, stratum_start, later=True)


@lru_cache(maxsize=64)
def _triangle(size: int, *, later: bool) -> Floats:
    """Ones where a row's place is not before (or not after) the column's."""
    ones = np.ones((size, size))
    return np.tril(ones) if later else np.triu(ones)


def _stratum_sums(per_cell: Floats, stratum_start: Integers, *, later: bool) -> Floats:
    """Running sums within strata: for short strata one product of padded rows with a triangle."""
    sizes = np.diff(stratum_start)
    longest = int(sizes.max())
    if longest > _LONG_STRATUM:
        return _long_sums(per_cell, stratum_start, later=later)
    pad = np.arange(longest * sizes.size - longest + 1)[::longest] - stratum_start[:-1]
    place = np.arange(per_cell.shape[-1]) + np.repeat(pad, sizes)
    padded = np.zeros((*per_cell.shape[:-1], sizes.size * longest))
    padded[..., place] = per_cell
    sums = padded.reshape(-1, longest) @ _triangle(longest, later=later)
    return sums.reshape(padded.shape).take(place, axis=-1)


def _long_sums(per_cell: Floats, stratum_start: Integers, *, later: bool) -> Floats:
    """Running sums within strata, one stratum after the other."""
    out = np.empty_like(per_cell)
    step = -1 if later else 1
    for a, b in zip(stratum_start[:-1].tolist(), stratum_start[1:].tolist(), strict=True):
        out[..., a:b] = per_cell[..., a:b][..., ::step].cumsum(axis=-1)[..., ::step]
    return out


def tie_terms(s0: Floats, f0: Floats, design: CoxDesign) -> TieTerms:
    """Collapse the tied events of each cell to scalars.

    Parameters
    ----------
    s0 : ndarray, shape (U,)
        Summed risk of everybody at risk.
    f0 : ndarray, shape (cells with ties,)
        Summed risk of the dead, where there are several; empty for Breslow's way.
    design : CoxDesign
        The sorted problem.
    """
    ties = design.ties
    weight = ties.death_weight
    one, logs = 1.0 / s0, np.log(s0)
    inverse = weight * one
    square = inverse * one
    log_sum = float(weight @ logs)
    if f0.size == 0:
        return TieTerms(log_sum, inverse, square, f0, f0, f0)
    cells, of = ties.cells, ties.of
    b = s0[cells][of] - ties.part * f0[of]
    terms = np.empty((6, of.size))
    np.log(b, out=terms[0])
    np.divide(1.0, b, out=terms[1])
    np.multiply(ties.part, terms[1], out=terms[2])
    np.multiply(terms[1], terms[1:3], out=terms[3:5])
    np.multiply(terms[2], terms[2], out=terms[5])
    sums = np.add.reduceat(terms, ties.start, axis=1) * ties.mean_weight
    log_sum += float(sums[0].sum() - weight[cells] @ logs[cells])
    inverse[cells], square[cells] = sums[1], sums[3]
    return TieTerms(log_sum, inverse, square, sums[2], sums[4], sums[5])


def likelihood(design: CoxDesign, beta: Floats, *, efron: bool) -> Likelihood:
    """Log partial likelihood, score and information at `beta` (of the standardised columns)."""
    z, ties = design.columns, design.ties
    p, m = z.shape
    offset = safe_offset(design, beta)
    moments = np.empty((p + 1, -(-m // _BLOCK) * _BLOCK))
    moments[:, m:] = 0.0
    risk = moments[0, :m]
    np.exp(beta @ z + offset, out=risk)
    np.maximum(risk, SMALLEST_RISK, out=risk)
    risk *= design.weights
    np.multiply(risk, z, out=moments[1:, :m])
    at_risk = _at_risk_sums(design, moments)
    if efron and ties.rows.size:
        dead = np.add.reduceat(moments.take(ties.rows, axis=1), ties.start, axis=1)
    else:
        dead = moments[:, :0]
    terms = tie_terms(at_risk[0], dead[0], design)
    value = float(beta @ design.event_sums) - terms.log_sum
    if design.widest_offset or offset is not design.offset:
        value += float(design.weights[ties.event_rows] @ offset[ties.event_rows])
    s1, f1 = at_risk[1:], dead[1:]
    score = design.event_sums - s1 @ terms.inverse + f1 @ terms.tied
    information, diagonal = _information(design, risk, s1, f1, terms)
    return Likelihood(value, score, information, diagonal)


def _at_risk_sums(design: CoxDesign, moments: Floats) -> Floats:
    """Moments summed over everybody at risk in each cell, shape (p + 1, U).

    In one stratum without late entry that is a sum over the last rows: within blocks of rows by a
    product with a triangle of ones, then over the later blocks.
    """
    starts = design.cell_start[:-1]
    if design.stratum_start.size == 2 and not design.late_rows.size:
        within = (moments.reshape(-1, _BLOCK) @ _TRIANGLE).reshape(moments.shape)
        later = np.zeros((moments.shape[0], moments.shape[1] // _BLOCK))
        later[:, :-1] = within[:, _BLOCK::_BLOCK][:, ::-1].cumsum(axis=1)[:, ::-1]
        out = within.take(starts, axis=1)
        out += later.take(starts // _BLOCK, axis=1)
        return out
    per_cell = np.add.reduceat(moments[:, : design.rows.size], starts, axis=1)
    if design.late_rows.size:
        cell = design.entry_cell[design.late_rows]
        late = moments[:, design.late_rows]
        for row, values in zip(per_cell, late, strict=True):
            row -= np.bincount(cell, weights=values, minlength=starts.size)
    return _suffix_sums(per_cell, design.stratum_start)


def _information(
    design: CoxDesign, risk: Floats, s1: Floats, f1: Floats, terms: TieTerms
) -> tuple[Floats, Floats]:
    """Weighted Gram of the rows minus the Gram of the risk-set means."""
    z, ties = design.columns, design.ties
    hazard = prefix_sums(terms.inverse, design.stratum_start)
    exposure = hazard.take(design.exit_cell)
    if design.late_rows.size:
        exposure[design.late_rows] -= hazard[design.entry_cell[design.late_rows]]
    means = (s1 * terms.square) @ s1.T
    if f1.shape[1]:
        exposure[ties.rows] -= terms.tied[ties.of]
        cross = (s1.take(ties.cells, axis=1) * terms.square_tied) @ f1.T
        means += (f1 * terms.square_tied2) @ f1.T - cross - cross.T
    exposure *= risk
    gram = (z * exposure) @ z.T
    return gram - means, gram.diagonal().copy()


def prefix_sums(per_cell: Floats, stratum_start: Integers) -> Floats:
    """Sums over a cell and the earlier ones of its stratum."""
    if stratum_start.size == 2:
        return per_cell.cumsum()
    return _stratum_sums(per_cell, stratum_start, later=False)
