"""Cox partial likelihood risk set by risk set, for linear predictors of extreme range.

Sums over all rows lose small risks beside ones that are e^30 times larger. Here every risk set is
summed by itself relative to its own largest member, at a cost of rows times event times.
"""

from __future__ import annotations

import numpy as np

from ashworth.survival.inputs import Floats
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.twin import Likelihood

AFFORDABLE = 20_000_000
"""Largest number of rows times event times for which this way is taken."""


def _risk_set(
    z: Floats, risk: Floats, deaths: int, weights: Floats, *, efron: bool
) -> tuple[float, Floats, Floats]:
    """Log sum, mean and covariance of one risk set, summed over Efron's terms.

    Parameters
    ----------
    z : ndarray, shape (p, r)
        Covariates of the risk set, the dead first, less the mean of the dead.
    risk : ndarray, shape (r,)
        Weighted risks relative to the largest.
    deaths : int
        How many die.
    weights : ndarray, shape (deaths,)
        Case weights of the dead.
    efron : bool
        Efron's treatment of ties.
    """
    repeats = deaths if efron else 1
    logs, mean, covariance = 0.0, np.zeros(z.shape[0]), np.zeros((z.shape[0], z.shape[0]))
    for k in range(repeats):
        share = risk.copy()
        share[:deaths] *= 1.0 - k / deaths
        total = share.sum()
        share /= total
        centre = z @ share
        away = z - centre[:, None]
        logs += np.log(total)
        mean += centre
        covariance += (away * share) @ away.T
    factor = weights.sum() / repeats
    return logs * factor, mean * factor, covariance * factor


def likelihood(design: CoxDesign, beta: Floats, *, efron: bool) -> Likelihood:
    """Log partial likelihood, score and information at `beta` (of the standardised columns).

    Everything is counted from the (weighted) mean of the dead, so that a risk set in which they
    hold nearly all the risk keeps the digits of what is left.
    """
    d, p = design, design.columns.shape[0]
    eta = beta @ d.columns + d.offset
    value, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    squares = np.zeros(p)
    ends = np.repeat(d.row_start[1:], np.diff(d.stratum_start))
    for u, deaths in enumerate(d.deaths.tolist()):
        first = int(d.cell_start[u])
        members = first + np.flatnonzero(d.entry_cell[first : ends[u]] < u)
        weights, here, predictor = d.weights[members], d.columns[:, members], eta[members]
        own = weights[:deaths] / weights[:deaths].sum()
        origin, top = here[:, :deaths] @ own, predictor.max()
        logs, mean, covariance = _risk_set(
            here - origin[:, None], weights * np.exp(predictor - top), deaths, weights[:deaths],
            efron=efron,
        )  # fmt: skip
        total = weights[:deaths].sum()
        value += total * float(own @ (predictor[:deaths] - top)) - logs
        score -= mean
        information += covariance
        squares += (mean / total + origin) ** 2 * total
    return Likelihood(value, score, information, np.diagonal(information) + squares)
