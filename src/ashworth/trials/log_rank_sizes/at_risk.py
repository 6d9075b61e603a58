"""Patients at risk over time since randomisation, on nodes of a quadrature."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .course import TrialCourse

Floats = NDArray[np.float64]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_MOST_PANELS = 2000


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Per randomised patient, on K times since randomisation, for a calendar time.

    Attributes
    ----------
    weights : ndarray of shape (K,)
        Weights of the quadrature, in units of time.
    risk : ndarray of shape (2, S, K)
        Share of all planned patients at risk, by arm (control, experimental) and stratum:
        entered early enough, neither event nor drop-out.
    hazards : ndarray of shape (2, S, K)
        Event hazard among them.
    """

    weights: Floats
    risk: Floats
    hazards: Floats

    @property
    def event_density(self) -> Floats:
        """Weighted events at each node, shape (2, S, K); the sum is events per patient."""
        return self.weights * self.risk * self.hazards

    @property
    def events(self) -> Floats:
        """Events per planned patient, shape (2, S): control and experimental, by stratum."""
        return self.event_density.sum(axis=2)


def at_risk(course: TrialCourse, calendar_time: float) -> AtRisk:
    """Evaluate patients at risk and their hazards for an analysis at a calendar time.

    Panels end at every break of hazards, ratios and accrual and are short against the hazards,
    so that 20 Gauss-Legendre nodes integrate piecewise exponentials to rounding error.
    """
    times, weights = _nodes(course, calendar_time)
    seen = accrued_share(course, calendar_time - times)
    shares = np.asarray(course.stratum_shares)
    risk = np.empty((2, shares.size, times.size))
    hazards = np.empty_like(risk)
    for arm in (0, 1):
        for stratum, factor in enumerate(course.stratum_hazard_factors):
            own, other, hazard = _states(course, arm, factor, times)
            risk[arm, stratum] = course.arm_shares[arm] * shares[stratum] * seen * (own + other)
            hazards[arm, stratum] = hazard
    return AtRisk(weights, risk, hazards)


def accrued_share(course: TrialCourse, times: Floats) -> Floats:
    """Share of the planned patients who have entered by calendar times."""
    if course.accrual_duration == 0.0:
        return (np.asarray(times) >= 0.0).astype(float)
    knots = np.array([0.0, *course.accrual_breaks, course.accrual_duration])
    steps = np.diff(knots) * np.asarray(course.accrual_rates, dtype=float)
    entered = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    return np.interp(times, knots, entered)


def piece_rates(course: TrialCourse, factor: float) -> tuple[Floats, Floats]:
    """Starts of the merged pieces, and event hazards (2, J): control's and experimental's."""
    starts = np.array([0.0, *sorted({*course.hazard_breaks, *course.hazard_ratio_breaks})])
    base = np.searchsorted(np.asarray(course.hazard_breaks), starts, side="right")
    effect = np.searchsorted(np.asarray(course.hazard_ratio_breaks), starts, side="right")
    control = factor * np.asarray(course.control_hazards)[base]
    return starts, np.stack([control, control * np.asarray(course.hazard_ratios)[effect]])


def _nodes(course: TrialCourse, calendar_time: float) -> tuple[Floats, Floats]:
    """Times since randomisation and their weights, over [0, calendar_time]."""
    accrual = calendar_time - np.array([0.0, *course.accrual_breaks, course.accrual_duration])
    inner = np.concatenate([course.hazard_breaks, course.hazard_ratio_breaks, accrual])
    inner = inner[(inner > 0.0) & (inner < calendar_time)]
    edges = np.unique(np.concatenate([[0.0, calendar_time], inner]))
    panels = [
        np.linspace(a, b, int(min(_MOST_PANELS, 1 + rate * (b - a))) + 1)[:-1]
        for (a, b), rate in zip(pairwise(edges), _fastest(course, edges[:-1]), strict=True)
    ]
    edges = np.concatenate([*panels, [calendar_time]])
    half = np.diff(edges)[:, None] / 2.0
    middle = (edges[1:] + edges[:-1])[:, None] / 2.0
    return (middle + half * _NODES).ravel(), (half * _WEIGHTS).ravel()


def _fastest(course: TrialCourse, times: Floats) -> Floats:
    """Largest hazard of leaving any state from times on, until the next break."""
    starts, events = piece_rates(course, max(course.stratum_hazard_factors))
    piece = np.searchsorted(starts, times, side="right") - 1
    return events.max(axis=0)[piece] + max(course.dropout_hazards) + max(course.change_hazards)


def _states(
    course: TrialCourse, arm: int, factor: float, times: Floats
) -> tuple[Floats, Floats, Floats]:
    """Shares on the own and on the other treatment, and the event hazard among both."""
    starts, events = piece_rates(course, factor)
    change, dropout = course.change_hazards[arm], course.dropout_hazards[arm]
    leave_own, leave_other = events[arm] + dropout + change, events[1 - arm] + dropout
    own, other = np.ones(starts.size), np.zeros(starts.size)
    for j in range(starts.size - 1):
        length = starts[j + 1] - starts[j]
        moved = own[j] * change * _passage(leave_own[j], leave_other[j], length)
        other[j + 1] = other[j] * np.exp(-leave_other[j] * length) + moved
        own[j + 1] = own[j] * np.exp(-leave_own[j] * length)
    j = np.searchsorted(starts, times, side="right") - 1
    since = times - starts[j]
    moved = own[j] * change * _passage(leave_own[j], leave_other[j], since)
    at_other = other[j] * np.exp(-leave_other[j] * since) + moved
    at_own = own[j] * np.exp(-leave_own[j] * since)
    both = np.maximum(at_own + at_other, np.finfo(float).tiny)
    share = np.minimum(at_own / both, 1.0)
    mixed = share * events[arm, j] + (1.0 - share) * events[1 - arm, j]
    return at_own, at_other, mixed


def _passage(leave_own: Floats, leave_other: Floats, time: Floats) -> Floats:
    """(exp(-a t) - exp(-b t)) / (b - a), with its limit t exp(-a t) at a = b."""
    gap = np.abs(leave_other - leave_own) * time
    near = gap < 1e-6
    slope = np.where(near, 1.0 - gap / 2.0, -np.expm1(-gap) / np.where(near, 1.0, gap))
    return slope * time * np.exp(-np.minimum(leave_own, leave_other) * time)
