"""Mean and variance of the log-rank score: Lakatos's Markov steps and their limit."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from .at_risk import accrued_share, at_risk, piece_rates
from .course import UNITS_PER_YEAR, TrialCourse

Floats = NDArray[np.float64]


def score_moments(
    course: TrialCourse, null_hazard_ratio: float, steps_per_year: int | None
) -> tuple[float, float, Floats]:
    r"""Mean and variance of the score per planned patient, and events (2, S).

    With n the shares at risk, h the hazards, d the events of both arms, M the null,
    :math:`p = M n_1 / (M n_1 + n_0)` and :math:`q = n_1 h_1 / (n_1 h_1 + n_0 h_0)`: mean
    :math:`\int (q - p) dd` and variance :math:`\int p (1-p) dd`, summed over strata (Lakatos
    1988, Biometrics 44:229; M = 1 there). With `steps_per_year` the integrals are Lakatos's
    sums over Markov steps.
    """
    if steps_per_year is None:
        state = at_risk(course, course.duration)
        risk, hazards, events = state.risk, state.hazards, state.event_density
    else:
        risk, hazards, events = markov_steps(course, steps_per_year)
    p, q = _share(null_hazard_ratio * risk[1], risk[0]), _share(*(risk * hazards)[::-1])
    both = events.sum(axis=0)
    mean, variance = float(((q - p) * both).sum()), float((p * (1.0 - p) * both).sum())
    return mean, variance, events.sum(axis=2)


def _share(one: Floats, other: Floats) -> Floats:
    """One of the sum of both; a half where nobody is left."""
    total = one + other
    return np.divide(one, total, out=np.full_like(total, 0.5), where=total > 0.0)


def markov_steps(course: TrialCourse, steps_per_year: int) -> tuple[Floats, Floats, Floats]:
    """Shares at risk at the start of each step, hazard over it and events, each (2, S, steps).

    In a step of length h a patient has the event with probability 1 - exp(-h hazard), drops
    out, changes treatment, or is censored by the end of the trial, each computed alone; the
    rest stays. Hazards are averaged over the step; the last step may be shorter than the others.
    """
    steps = max(ceil(course.duration * steps_per_year / UNITS_PER_YEAR[course.time_unit] - 1e-9), 1)
    edges = np.linspace(0.0, course.duration, steps + 1)
    seen = accrued_share(course, course.duration - edges)
    ended = 1.0 - np.divide(seen[1:], seen[:-1], out=np.zeros(steps), where=seen[:-1] > 0.0)
    shape = (2, len(course.stratum_shares), steps)
    risk, hazards, events = np.empty(shape), np.empty(shape), np.empty(shape)
    for stratum, factor in enumerate(course.stratum_hazard_factors):
        within = _hazard_in_steps(course, factor, edges)
        for arm in (0, 1):
            share = course.arm_shares[arm] * course.stratum_shares[stratum]
            states = _walk(course, arm, within, ended, edges[1])
            risk[arm, stratum] = share * states.sum(axis=0)
            ordered = within[[arm, 1 - arm]]
            on_own = _share(states[0], states[1])
            hazards[arm, stratum] = on_own * ordered[0] + (1.0 - on_own) * ordered[1]
            events[arm, stratum] = share * (states * -np.expm1(-ordered)).sum(axis=0)
    return risk, hazards, events


def _hazard_in_steps(course: TrialCourse, factor: float, edges: Floats) -> Floats:
    """Cumulative hazard within each step, shape (2, steps)."""
    starts, hazards = piece_rates(course, factor)
    ends = np.append(starts[1:], max(edges[-1], starts[-1]) + 1.0)
    knots = np.append(starts, ends[-1])
    total = np.concatenate([np.zeros((2, 1)), np.cumsum(hazards * (ends - starts), axis=1)], axis=1)
    return np.stack([np.diff(np.interp(edges, knots, row)) for row in total])


def _walk(course: TrialCourse, arm: int, within: Floats, ended: Floats, length: float) -> Floats:
    """Shares of one arm's patients on the own and the other treatment at each step's start."""
    chances = -np.expm1(-within)
    dropout = -np.expm1(-course.dropout_hazards[arm] * length)
    change = -np.expm1(-course.change_hazards[arm] * length)
    stay_own = np.maximum(1.0 - chances[arm] - dropout - change - ended, 0.0).tolist()
    stay_other = np.maximum(1.0 - chances[1 - arm] - dropout - ended, 0.0).tolist()
    own, other, path = 1.0, 0.0, []
    for keep_own, keep_other in zip(stay_own, stay_other, strict=True):
        path.append((own, other))
        own, other = own * keep_own, other * keep_other + own * change
    return np.array(path).T
