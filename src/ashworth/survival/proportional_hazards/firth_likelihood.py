"""Cox partial likelihood with Firth's penalty, and its exact gradient.

The gradient of half the log determinant of the information needs the third central moments of
every risk set, contracted with the inverse information V. With q = z' V z and the risk set's mean
m, the contraction is ``E[(q - 2 m' V z)(z_k - m_k)]``: no array of third order is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri  # pyrefly: ignore[missing-module-attribute]

from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.layout import (
    Layout,
    average_ties,
    lay_out,
    sums_from,
    sums_up_to,
)


@dataclass(frozen=True, slots=True)
class Penalised:
    """Penalised partial likelihood at one point.

    Attributes
    ----------
    value : float
        Log partial likelihood plus half the log determinant of the information.
    gradient : ndarray, shape (p,)
        Its gradient.
    information : ndarray, shape (p, p)
        Information of the partial likelihood without the penalty.
    log_likelihood : float
        Log partial likelihood without the penalty.
    """

    value: float
    gradient: Floats
    information: Floats
    log_likelihood: float


def _at_risk(values: Floats, layout: Layout) -> Floats:
    """Sums of the rows' values over the risk set of every term, shape (k, T)."""
    width = layout.columns.shape[1]
    padded = np.zeros((values.shape[0], layout.blocks.count * layout.blocks.size))
    padded[:, :width] = values
    late = padded.take(layout.late, axis=1) if layout.late.size else None
    if layout.tied.size:
        average_ties(padded, layout)
    if late is not None:
        padded[:, layout.left_at] -= np.add.reduceat(late, layout.left_start, axis=1)
    return sums_from(padded, layout)


def _over_terms(values: Floats, layout: Layout) -> Floats:
    """Sums of the terms' values over the risk sets that each row is in, shape (k, w)."""
    width = layout.columns.shape[1]
    out = np.stack([sums_up_to(row, layout)[:width] for row in values])
    before = out[:, layout.left_at][:, layout.left_of] if layout.late.size else None
    if layout.tied.size:
        average_ties(out, layout)
    if before is not None:
        out[:, layout.late] -= before
    return out


def _inverse(information: Floats) -> tuple[Floats, float] | None:
    """Inverse and log determinant; None where the information is not positive."""
    factor, failed = dpotrf(information, lower=1)
    if failed:
        return None
    lower, _ = dpotri(factor, lower=1)
    inverse = np.tril(lower) + np.tril(lower, -1).T
    return inverse, 2.0 * float(np.log(factor.diagonal()).sum())


class FirthLikelihood:
    """Firth's penalised likelihood of a sorted problem, as a function of some of its columns.

    Parameters
    ----------
    design : CoxDesign
        The sorted problem.
    kept : ndarray of int
        Columns of the model.
    efron : bool
        Efron's treatment of ties, else Breslow's.
    """

    def __init__(self, design: CoxDesign, kept: Integers, *, efron: bool) -> None:
        self._layout = lay_out(design, efron=efron)
        self._columns = np.ascontiguousarray(self._layout.columns[kept])
        self._event_sums = design.event_sums[kept]
        event_weights = design.weights[design.event_rows]
        self._event_weights = event_weights

    def _risk(self, beta: Floats) -> tuple[Floats, float]:
        """Risks relative to the largest of their stratum, and the events' linear predictor."""
        layout = self._layout
        eta = beta @ self._columns
        if layout.offset is not None:
            eta += layout.offset
        top = np.maximum.reduceat(eta, layout.row_start[:-1])
        eta -= np.repeat(top, np.diff(layout.row_start))
        risk = np.exp(eta)
        if layout.weights is not None:
            risk *= layout.weights
        return risk, float(self._event_weights @ eta[layout.events])

    def __call__(self, beta: Floats) -> Penalised:
        """Evaluate at `beta` (of the standardised kept columns)."""
        layout, z = self._layout, self._columns
        risk, at_events = self._risk(beta)
        sums = _at_risk(np.concatenate([risk[None], risk * z]), layout)
        s0, mean = sums[0], sums[1:] / sums[0]
        weight = layout.term_weight
        hazard = weight / s0
        expected = _over_terms(hazard[None], layout)[0] * risk
        information = (z * expected) @ z.T - (mean * weight) @ mean.T
        log_likelihood = at_events - float(weight @ np.log(s0))
        score = self._event_sums - mean @ weight
        found = _inverse(information)
        if found is None:
            return Penalised(-np.inf, score, information, log_likelihood)
        inverse, log_determinant = found
        bend = _bend(layout, z, risk, s0, mean, inverse, expected)
        value = log_likelihood + 0.5 * log_determinant
        return Penalised(value, score + 0.5 * bend, information, log_likelihood)


def _bend(
    layout: Layout, z: Floats, risk: Floats, s0: Floats, mean: Floats, inverse: Floats,
    expected: Floats,
) -> Floats:  # fmt: skip
    """Gradient of the log determinant of the information, shape (p,)."""
    weight = layout.term_weight
    q = ((inverse @ z) * z).sum(axis=0)
    q_mean = _at_risk((risk * q)[None], layout)[0] / s0
    pulled = inverse @ mean
    pull = _over_terms(pulled * (weight / s0), layout)
    along = (pull * z).sum(axis=0) * risk
    inner = (mean * pulled).sum(axis=0)
    return z @ (expected * q - 2.0 * along) - mean @ (weight * (q_mean - 2.0 * inner))
