"""Steps of the baseline hazard of one stratum, and curves at covariate values from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.proportional_hazards.fitted import FittedSets


@dataclass(frozen=True, slots=True)
class HazardSteps:
    """Cumulative hazard of one stratum at its u distinct times, relative to a log scale.

    The hazard at covariates x is ``exp((x - centre) beta + offset - shift)`` times these.

    Attributes
    ----------
    time, at_risk, n_events, n_censored : ndarray, shape (u,)
        Distinct times, weighted numbers at risk just before, events at and censorings at each.
    hazard, squares : ndarray, shape (u,)
        Cumulative sums of m / s0 and m / s0^2 over the terms.
    mean_hazard : ndarray, shape (u, p)
        Cumulative sums of m s1 / s0^2, covariates less `centre`, in their units.
    centre : ndarray, shape (p,)
        See `mean_hazard`.
    shift : float
        Offset, and linear predictor from `centre` on, of the risk that counts 1.
    """

    time: Floats
    at_risk: Floats
    n_events: Floats
    n_censored: Floats
    hazard: Floats
    squares: Floats
    mean_hazard: Floats
    centre: Floats
    shift: float


def rows_of_strata(data: CoxData) -> list[Integers]:
    """Rows of every stratum."""
    if data.stratum is None:
        return [np.arange(data.time.size)]
    order = np.argsort(data.stratum, kind="stable")
    ends = np.cumsum(np.bincount(data.stratum, minlength=data.n_strata))
    return np.split(order, ends[:-1])


def _numbers(data: CoxData, here: Integers) -> tuple[Floats, Floats, Floats, Floats]:
    """Distinct times of some rows, with weighted numbers at risk, events and censorings."""
    time, event = data.time[here], data.event[here]
    weights = np.ones(time.size) if data.weights is None else data.weights[here]
    distinct, place = np.unique(time, return_inverse=True)
    u = distinct.size
    leave: Floats = np.bincount(place, weights, minlength=u).astype(np.float64)
    events: Floats = np.bincount(place, weights * event, minlength=u).astype(np.float64)
    at_risk = leave[::-1].cumsum()[::-1]
    if data.entry is not None:
        entry = data.entry[here]
        order = np.argsort(entry, kind="stable")
        entered = np.concatenate([[0.0], weights[order].cumsum()])
        later = entered[-1] - entered[np.searchsorted(entry[order], distinct, side="left")]
        at_risk = at_risk - later
    return distinct, at_risk, events, leave - events


def _eventless(data: CoxData, here: Integers) -> HazardSteps:
    """A stratum in which nothing happens."""
    time, at_risk, events, censored = _numbers(data, here)
    p = data.covariates.shape[1]
    none = np.zeros_like(time)
    return HazardSteps(
        time, at_risk, events, censored, none, none, np.zeros((time.size, p)), np.zeros(p), 0.0
    )


def hazard_steps(
    found: FittedSets, data: CoxData, stratum: int | None, here: Integers
) -> HazardSteps:
    """Hazard of a stratum (None: of all rows) by the fit's own way with ties.

    Parameters
    ----------
    found : FittedSets
        Risk sets at the maximum.
    data : CoxData
        Rows of the fit.
    stratum : int or None
        The stratum.
    here : ndarray of int
        Its rows.

    Raises
    ------
    EstimationError
        Where the linear predictors span more than floating point numbers hold.
    """
    sets, d = found.sets, found.sets.design
    mine = np.zeros(1, np.int64)
    if stratum is not None and data.stratum is not None:
        mine = np.flatnonzero(data.stratum[d.rows[d.row_start[:-1]]] == stratum)
    if not mine.size:
        return _eventless(data, here)
    s = int(mine[0])
    cells = slice(int(d.stratum_start[s]), int(d.stratum_start[s + 1]))
    first = int(d.row_start[s])
    time, at_risk, events, censored = _numbers(data, here)
    hazard, squares = sets.terms[1, cells].cumsum(), sets.terms[3, cells].cumsum()
    s1, f1, terms = sets.s1[:, cells], sets.f1[:, cells], sets.terms[:, cells]
    mean_hazard = (s1 * terms[3] - f1 * terms[4]).cumsum(axis=1)
    if not (np.isfinite(hazard).all() and np.isfinite(squares).all()):
        raise EstimationError(
            "the linear predictors of the fitted rows span more than floating point numbers hold; "
            "look for extreme values of covariates and offsets"
        )
    cell_time = data.time[d.rows[d.cell_start[cells]]]
    place = np.searchsorted(cell_time, time, side="right")
    row = d.rows[first]
    centre = data.covariates[row] - d.columns[:, first] * found.scale
    shift = float(sets.shift[first])
    if data.offset is not None:
        shift += float(data.offset[row] - d.offset[first])

    def step(values: Floats) -> Floats:
        return np.concatenate([np.zeros((1, *values.shape[1:])), values])[place]

    return HazardSteps(
        time, at_risk, events, censored, step(hazard), step(squares),
        step(mean_hazard.T * found.scale), centre, shift,
    )  # fmt: skip


def curve_errors(
    steps: HazardSteps, profile: Floats, beta: Floats, offset: float, covariance: Floats
) -> tuple[Floats, Floats]:
    """Cumulative hazard at a profile and its standard error, shape (u,) each.

    With risk r relative to the steps, ``r H`` and ``r sqrt(sum m / s0^2 + q' V q)`` with
    ``q = H x - sum m s1 / s0^2``.
    """
    away = profile - steps.centre
    risk = np.exp(away @ beta + offset - steps.shift)
    q = steps.hazard[:, None] * away - steps.mean_hazard
    variance = steps.squares + ((q @ covariance) * q).sum(axis=1)
    return risk * steps.hazard, risk * np.sqrt(variance)
