"""Cox partial likelihood in plain numpy: the twin of the compiled kernel, for small studies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Floats
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.layout import (
    Layout,
    average_ties,
    lay_out,
    sums_from,
    sums_up_to,
)

SMALLEST_RISK = 1e-140
"""Floor of exp(linear predictor), so that every risk set stays positive."""

LARGEST_PREDICTOR = 300.0
"""Bound of the linear predictor above which offsets are lowered."""


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


def widest_predictor(design: CoxDesign, beta: Floats) -> float:
    """Bound of the absolute linear predictor."""
    return float(design.largest @ np.abs(beta)) + design.widest_offset


def lowered_offset(problem: CoxDesign | Layout, beta: Floats) -> Floats:
    """Offsets, lowered per stratum where exp(linear predictor) could overflow."""
    offset = np.zeros(problem.columns.shape[1]) if problem.offset is None else problem.offset
    eta = beta @ problem.columns + offset
    top = np.maximum.reduceat(eta, problem.row_start[:-1]) - LARGEST_PREDICTOR
    return offset - np.repeat(np.maximum(top, 0.0), np.diff(problem.row_start))


def likelihood(design: CoxDesign, beta: Floats, *, efron: bool) -> Likelihood:
    """Log partial likelihood, score and information at `beta` (of the standardised columns)."""
    return likelihood_at(design, lay_out(design, efron=efron), beta, widest_predictor(design, beta))


def likelihood_at(design: CoxDesign, layout: Layout, beta: Floats, widest: float) -> Likelihood:
    """`likelihood` of a problem that has been laid out, with the `widest_predictor`.

    With the risk sets' sums s0 and s1 of ``risk`` and ``risk * z`` and the weight w of every term,
    the score is ``event_sums - sum(w s1 / s0)``; the information is the Gram of the rows, weighted
    by their expected events, minus ``sum(w s1 s1' / s0^2)``.
    """
    extreme = widest >= LARGEST_PREDICTOR
    offset = lowered_offset(layout, beta) if extreme else layout.offset
    risk, moments = _moments(layout, beta, offset, extreme=extreme)
    at_risk = sums_from(moments, layout)
    s0, s1 = at_risk[0], at_risk[1:]
    inverse = layout.term_weight / s0
    value = float(beta @ design.event_sums - layout.term_weight @ np.log(s0))
    if offset is not None:
        value += float(design.weights[design.event_rows] @ offset[layout.events])
    score = design.event_sums - s1 @ inverse
    gram = (layout.columns * (_expected(layout, inverse) * risk)) @ layout.columns.T
    information = gram - (s1 * (inverse / s0)) @ s1.T
    return Likelihood(value, score, information, gram.diagonal())


def _moments(
    layout: Layout, beta: Floats, offset: Floats | None, *, extreme: bool
) -> tuple[Floats, Floats]:
    """Risk of every row, shape (w,), and risk and risk times covariates to be summed.

    Tied dead have their mean moments there; rows that enter late are taken off where they are not
    at risk yet.
    """
    z = layout.columns
    p, width = z.shape
    risk = beta @ z
    if offset is not None:
        risk += offset
    np.exp(risk, out=risk)
    if extreme:
        np.maximum(risk, SMALLEST_RISK, out=risk)
    if layout.weights is not None:
        risk *= layout.weights
    moments = np.empty((p + 1, layout.blocks.count * layout.blocks.size))
    moments[:, width:] = 0.0
    moments[0, :width] = risk
    np.multiply(risk, z, out=moments[1:, :width])
    late = moments.take(layout.late, axis=1) if layout.late.size else None
    if layout.tied.size:
        average_ties(moments, layout)
    if late is not None:
        moments[:, layout.left_at] -= np.add.reduceat(late, layout.left_start, axis=1)
    return risk, moments


def _expected(layout: Layout, inverse: Floats) -> Floats:
    """Expected events of every row per unit of risk, shape (w,)."""
    hazard = sums_up_to(inverse, layout)
    before = hazard.take(layout.left_at).take(layout.left_of) if layout.late.size else None
    if layout.tied.size:
        average_ties(hazard, layout)
    if before is not None:
        hazard[layout.late] -= before
    return hazard
