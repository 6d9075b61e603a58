"""Cox partial likelihood risk set by risk set, for linear predictors of extreme range.

Sums over all rows lose small risks beside ones that are e^30 times larger. Here every risk set is
summed by itself relative to its own largest member, at a cost of rows times event times.
"""

from __future__ import annotations

import numpy as np

from ashworth.survival.cox_design import CoxDesign
from ashworth.survival.cox_twin import Likelihood
from ashworth.survival.inputs import Floats

AFFORDABLE = 20_000_000
"""Largest number of rows times event times for which this way is taken."""


def _risk_set(
    z: Floats, weights: Floats, eta: Floats, dead: Floats, deaths: int, *, efron: bool
) -> tuple[float, Floats, Floats]:
    """Log sum, mean and covariance of one risk set, summed over Efron's terms.

    Parameters
    ----------
    z, weights, eta : ndarray, shapes (p, r), (r,), (r,)
        Covariates, weights and linear predictors of the risk set.
    dead : ndarray of bool, shape (r,)
        Who dies.
    deaths : int
        How many.
    efron : bool
        Efron's treatment of ties.
    """
    top = eta.max()
    risk = weights * np.exp(eta - top)
    repeats = 1 if not efron else deaths
    logs, mean, covariance = 0.0, np.zeros(z.shape[0]), np.zeros((z.shape[0], z.shape[0]))
    for k in range(repeats):
        share = risk * np.where(dead, 1.0 - k / deaths, 1.0)
        total = share.sum()
        share = share / total
        centre = z @ share
        away = z - centre[:, None]
        logs += np.log(total) + top
        mean += centre
        covariance += (away * share) @ away.T
    factor = deaths / repeats
    return logs * factor, mean * factor, covariance * factor


def likelihood(design: CoxDesign, beta: Floats, *, efron: bool) -> Likelihood:
    """Log partial likelihood, score and information at `beta` (of the standardised columns)."""
    d, z = design, design.columns
    eta = beta @ z + d.offset
    value = float(d.weights[d.ties.event_rows] @ eta[d.ties.event_rows])
    score, information = d.event_sums.copy(), np.zeros((z.shape[0], z.shape[0]))
    squares = np.zeros(z.shape[0])
    ends = np.repeat(d.row_start[1:], np.diff(d.stratum_start))
    for u, deaths in enumerate(d.deaths.tolist()):
        first = int(d.cell_start[u])
        members = first + np.flatnonzero(d.entry_cell[first : ends[u]] < u)
        dead = members < first + deaths
        logs, mean, covariance = _risk_set(
            z[:, members], d.weights[members], eta[members], dead, deaths, efron=efron
        )
        weight = d.weights[first : first + deaths].mean()
        value -= weight * logs
        score -= weight * mean
        information += weight * covariance
        squares += weight * mean * mean / deaths
    return Likelihood(value, score, information, np.diagonal(information) + squares)
