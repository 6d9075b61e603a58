"""Risks that a model predicts for its own rows, cheaply: one baseline, then powers of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ashworth.survival.competing_risks.fine_gray_result import FineGrayResult
from ashworth.survival.inputs import Floats
from ashworth.survival.prognostic_value.concordance_share import added_terms
from ashworth.survival.proportional_hazards.prediction import baseline_hazard
from ashworth.survival.proportional_hazards.result import CoxResult


def _centred(covariates: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
    """Means of the covariates, and each row's linear predictor above that of the means.

    Terms are added one by one, so that equal rows get equal numbers.
    """
    means = covariates.mean(axis=0)
    return means, added_terms(covariates - means, coefficients)


def cox_risks(fit: CoxResult, times: Floats) -> Floats:
    """Probability of the event by each time for the fitted rows, shape (n, k).

    After the last follow-up of a row's stratum the risk stays at its last value.

    Parameters
    ----------
    fit : CoxResult
        Without infinite or undetermined coefficients.
    times : ndarray, shape (k,)
        Times.
    """
    data = fit.data
    means, score = _centred(data.covariates, fit.coefficients)
    if data.offset is not None:
        score = score + data.offset
    risks = np.empty((data.time.size, times.size))
    for curve in baseline_hazard(fit, means).curves:
        mine = slice(None)
        if data.stratum is not None:
            mine = data.stratum == data.stratum_labels.index(curve.stratum)
        known = np.concatenate([[0.0], curve.cumulative_hazard])
        base = known[np.searchsorted(curve.time, times, side="right")]
        risks[mine] = -np.expm1(-np.exp(score[mine])[:, None] * base)
    return risks


def fine_gray_risks(
    fit: FineGrayResult, covariates: Floats, strata: Any, event: Any, times: Floats
) -> Floats:
    """Cumulative incidence by each time for the fitted rows, shape (n, k).

    After the last follow-up of a row's stratum the risk stays at its last value; in a stratum
    without events it is 0.

    Parameters
    ----------
    fit : FineGrayResult
        With finite coefficients.
    covariates : ndarray, shape (n, p)
        In the order of the fit.
    strata : ndarray, shape (n,), or None
        Labels of the strata of the fit.
    event : ndarray of bool, shape (n,)
        Rows with the event of the fit's cause.
    times : ndarray, shape (k,)
        Times.
    """
    means, score = _centred(covariates, fit.coefficients)
    labels = [None] if strata is None else np.unique(strata).tolist()
    risks = np.zeros((len(covariates), times.size))
    for label in labels:
        mine = np.ones(len(covariates), dtype=bool) if label is None else strata == label
        if not event[mine].any():
            continue
        base = fit.predict(means[None, :], times, stratum=label).incidence[0]
        base = np.maximum.accumulate(np.nan_to_num(base, nan=0.0))
        risks[mine] = -np.expm1(np.exp(score[mine])[:, None] * np.log1p(-base))
    return risks
