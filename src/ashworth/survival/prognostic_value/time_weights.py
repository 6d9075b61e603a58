"""Weights of event times in concordance: what R calls timewt."""

from __future__ import annotations

import numpy as np

from ashworth.survival.inputs import Booleans, Floats, Integers
from ashworth.survival.prognostic_value.censoring import censoring_curve
from ashworth.survival.prognostic_value.pairs import RiskOrder

TIME_WEIGHTS = ("n", "S", "S/G", "n/G2", "I")


def _at_risk(order: RiskOrder, weights: Floats) -> Floats:
    """Weight at risk at each event, its ties and itself included."""
    gone = np.concatenate([[0.0], np.cumsum(weights[order.leave])])
    late = np.concatenate([[0.0], np.cumsum(weights[order.enter])])
    after = gone[order.until] - gone[order.first] - late[order.late_until] + late[order.first]
    tied = np.bincount(order.group, weights[order.events]).astype(np.float64)
    return after + tied[order.group]


def _left_survival(order: RiskOrder, weights: Floats, at_risk: Floats, stratum: Integers) -> Floats:
    """Kaplan-Meier survival just before each event, by stratum."""
    opening = np.concatenate([[True], np.diff(order.group) > 0])
    died = np.bincount(order.group, weights[order.events])
    step = 1.0 - died / at_risk[opening]
    mine = stratum[order.events][opening]
    left = np.ones(step.size)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(mine) > 0]))
    for a, b in zip(starts, [*starts[1:], step.size], strict=True):
        left[a + 1 : b] = np.cumprod(step[a:b])[:-1]
    return left[order.group]


def _left_censoring(
    order: RiskOrder, time: Floats, event: Booleans, stratum: Integers, weights: Floats
) -> Floats:
    """Probability of being uncensored just before each event, by stratum."""
    curve = np.ones(time.size)
    for s in np.unique(stratum):
        rows = np.flatnonzero(stratum == s)
        curve[rows] = censoring_curve(time[rows], event[rows], weights[rows]).before(time[rows])
    return curve[order.events]


def time_weights(
    kind: str, order: RiskOrder, time: Floats, event: Booleans, stratum: Integers, weights: Floats,
    until: float | None,
) -> Floats:  # fmt: skip
    """Weight of each event's time, in the order of ``order.events``; 0 after `until`."""
    size = np.ones(order.events.size)
    at_risk = _at_risk(order, weights)
    if kind in ("S", "S/G"):
        total = np.bincount(stratum, weights)[stratum[order.events]]
        size = total * _left_survival(order, weights, at_risk, stratum) / at_risk
    if kind == "I":
        size = 1.0 / at_risk
    if kind in ("S/G", "n/G2"):
        curve = _left_censoring(order, time, event, stratum, weights)
        size = size / curve if kind == "S/G" else 1.0 / curve**2
    if until is not None:
        size = np.where(time[order.events] > until, 0.0, size)
    return size
