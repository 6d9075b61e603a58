"""Score statistics of many cuts of a marker in a Cox model that holds covariates already.

Every cut is one binary column. Its score, its information given the covariates, and every subject's
share in the score come from cumulative sums over the event times (Breslow ties), for all cuts at
once. The law of the largest of the standardised scores is simulated with normal multipliers of the
subjects' shares, which keeps the correlation of the cuts with each other and with the covariates.

References
----------
.. [1] Lin DY, Wei LJ, Ying Z (1993). Checking the Cox model with cumulative sums of
   martingale-based residuals. Biometrika 80:557-572.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Booleans, Floats

_BATCH = 500


@dataclass(frozen=True, slots=True)
class AdjustedScores:
    """Statistics of K cuts given covariates.

    Attributes
    ----------
    statistic : ndarray, shape (K,)
        Signed standardised scores; positive where those above the cut have more events.
    shares : ndarray, shape (n, K)
        Every row's share in the standardised scores.
    """

    statistic: Floats
    shares: Floats


def adjusted_scores(
    time: Floats, event: Booleans, columns: Floats, covariates: Floats, predictor: Floats
) -> AdjustedScores:
    """Standardised scores of binary columns at a null model.

    Parameters
    ----------
    time, event : ndarray, shape (n,)
        Follow-up.
    columns : ndarray, shape (n, K)
        1 above the cut, else 0.
    covariates : ndarray, shape (n, p)
        Covariates of the null model.
    predictor : ndarray, shape (n,)
        Its linear predictor, from a fit with Breslow ties.
    """
    distinct, code = np.unique(time, return_inverse=True)
    risk = np.exp(predictor - predictor.mean())
    both = np.concatenate([columns, covariates], axis=1)
    deaths = np.bincount(code[event], minlength=distinct.size).astype(np.float64)
    order = np.argsort(code, kind="stable")
    start = np.searchsorted(code[order], np.arange(distinct.size))
    s0 = _at_risk(risk[order], start)
    means = _at_risk((risk[:, None] * both)[order], start) / s0[:, None]
    step = deaths / s0
    hazard = step.cumsum()[code]
    weighted = (step[:, None] * means).cumsum(axis=0)[code]
    shares = event[:, None] * (both - means[code])
    shares -= risk[:, None] * (both * hazard[:, None] - weighted)
    return _given_covariates(shares, both, means, risk * hazard, deaths, columns.shape[1])


def _at_risk(values: Floats, start: np.ndarray) -> Floats:
    """Sums of rows in the order of time over everybody from each start on."""
    return values[::-1].cumsum(axis=0)[::-1][start]


def _given_covariates(
    shares: Floats, both: Floats, means: Floats, expected: Floats, deaths: Floats, k: int
) -> AdjustedScores:
    """Take off what the covariates explain, and standardise."""
    z = both[:, k:]
    weighted_z, deaths_z = expected[:, None] * z, deaths[:, None] * means[:, k:]
    cross = both.T @ weighted_z - means.T @ deaths_z
    between, inner = cross[:k], cross[k:]
    slopes = np.linalg.lstsq(inner, between.T, rcond=None)[0]
    own = expected @ (both[:, :k] ** 2) - deaths @ (means[:, :k] ** 2)
    variance = own - (between * slopes.T).sum(axis=1)
    efficient = shares[:, :k] - shares[:, k:] @ slopes
    possible = variance > 1e-9 * np.maximum(own, 1e-300)
    root = np.sqrt(np.where(possible, variance, np.inf))
    return AdjustedScores(efficient.sum(axis=0) / root, efficient / root)


def multiplier_maxima(shares: Floats, replicates: int, rng: np.random.Generator) -> Floats:
    """Largest absolute value of simulated standardised scores, ascending."""
    spread = np.sqrt((shares * shares).sum(axis=0))
    unit = shares / np.where(spread > 0, spread, np.inf)
    maxima = []
    for first in range(0, replicates, _BATCH):
        normal = rng.standard_normal((min(_BATCH, replicates - first), shares.shape[0]))
        maxima.append(np.abs(normal @ unit).max(axis=1))
    return np.sort(np.concatenate(maxima))
