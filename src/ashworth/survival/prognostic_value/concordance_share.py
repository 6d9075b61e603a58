"""Harrell's C alone, without its standard error: for refits by the hundred."""

from __future__ import annotations

import numpy as np

from ashworth.survival.inputs import Booleans, Floats, Integers
from ashworth.survival.prognostic_value.dominance import weight_below
from ashworth.survival.prognostic_value.pairs import RiskOrder, order_risk


def risk_order(
    time: Floats, event: Booleans, entry: Floats | None, stratum: Integers | None
) -> RiskOrder:
    """Sort rows once for all scores and weights."""
    codes = np.zeros(time.size, np.int64) if stratum is None else stratum
    return order_risk(time, event, entry, codes)


def added_terms(covariates: Floats, coefficients: Floats) -> Floats:
    """Linear predictor added term by term, so that equal rows stay equal, shape (n,)."""
    total = np.zeros(covariates.shape[0])
    for column, coefficient in zip(covariates.T, coefficients.tolist(), strict=True):
        total += column * coefficient
    return total


def concordance_share(order: RiskOrder, score: Floats, weights: Floats | None = None) -> float:
    """Harrell's C within strata; a tied score counts a half.

    Parameters
    ----------
    order : RiskOrder
        From `risk_order`.
    score : ndarray, shape (n,)
        The higher, the earlier the event is expected.
    weights : ndarray, shape (n,), optional
        How often each row stands in the sample.

    Returns
    -------
    float
        NaN without comparable pairs.
    """
    w = np.ones(score.size) if weights is None else weights
    rank = np.unique(score, return_inverse=True)[1].astype(np.int64)
    own, mass = rank[order.events], w[order.events]
    lower = _partners(order, rank, w, own)
    upto = _partners(order, rank, w, own + 1)
    sums = np.concatenate([[0.0], w[order.leave].cumsum()])
    everybody = sums[order.until] - sums[order.first]
    if (order.late_until > order.first).any():
        late = np.concatenate([[0.0], w[order.enter].cumsum()])
        everybody -= late[order.late_until] - late[order.first]
    pairs = float(mass @ everybody)
    return float(mass @ (lower + upto)) / (2.0 * pairs) if pairs > 0 else float("nan")


def _partners(order: RiskOrder, rank: Integers, weights: Floats, bound: Integers) -> Floats:
    """Weight with a rank below a bound among those with which each event is compared."""
    leave, enter = order.leave, order.enter
    below = weight_below(rank[leave], weights[leave], order.first, order.until, bound)
    if (order.late_until > order.first).any():
        below -= weight_below(rank[enter], weights[enter], order.first, order.late_until, bound)
    return below
