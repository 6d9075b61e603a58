"""Risks for patients that a model has not seen: cross-validation by folds."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np

from ashworth.errors import AshworthWarning, EstimationError
from ashworth.survival.competing_risks.fine_gray import fine_gray
from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.prognostic_value.concordance_share import added_terms
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.prediction import baseline_hazard


def folds_of(code: Integers, folds: int, rng: np.random.Generator) -> Integers:
    """Fold of every row at random, the events and the censored spread evenly, shape (n,)."""
    place = np.empty(code.size, np.int64)
    order = np.lexsort((rng.random(code.size), code))
    place[order] = np.arange(code.size) % folds
    return place


def held_out_risks(
    data: CoxData,
    code: Integers,
    at: float,
    fold: Integers,
    *,
    ties: Literal["efron", "breslow"] = "efron",
) -> Floats:
    """Risk of the event by `at` of every row, from the rows of the other folds.

    Parameters
    ----------
    data : CoxData
        Rows of a fitted model, without weights and offset.
    code : ndarray of int, shape (n,)
        0 censored, 1 the event, 2 and up competing: then Fine-Gray models are fitted.
    at : float
        The horizon.
    fold : ndarray of int, shape (n,)
        From `folds_of`.
    ties : {"efron", "breslow"}
        For Cox models.

    Returns
    -------
    ndarray, shape (n,)
        NaN where the other folds have no finite fit, or no such stratum.
    """
    risks = np.full(code.size, np.nan)
    for k in np.unique(fold):
        inside = fold == k
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AshworthWarning)
            try:
                risks[inside] = _predicted(data, code, at, inside, ties)
            except EstimationError:
                continue
    return risks


def _predicted(
    data: CoxData, code: Integers, at: float, inside: np.ndarray, ties: Literal["efron", "breslow"]
) -> Floats:
    train, test = data.take(~inside), data.take(inside)
    if (code > 1).any():
        return _incidence(train, code[~inside], test, at)
    fit = cox(
        train.time, train.event, train.covariates, names=train.names, entry=train.entry,
        strata=train.stratum, ties=ties, tie_tolerance=0.0,
    )  # fmt: skip
    means = train.covariates.mean(axis=0)
    score = added_terms(test.covariates - means, fit.coefficients)
    risks = np.full(test.time.size, np.nan)
    for curve in baseline_hazard(fit, means).curves:
        mine = np.ones(risks.size, bool) if test.stratum is None else test.stratum == curve.stratum
        place = int(np.searchsorted(curve.time, at, side="right"))
        hazard = float(curve.cumulative_hazard[place - 1]) if place else 0.0
        risks[mine] = -np.expm1(-hazard * np.exp(score[mine]))
    return risks


def _incidence(train: CoxData, code: Integers, test: CoxData, at: float) -> Floats:
    fit = fine_gray(
        train.time, code, train.covariates, names=train.names, strata=train.stratum,
        tie_tolerance=0.0,
    )  # fmt: skip
    if test.stratum is None:
        return fit.predict(test.covariates, [at], names=train.names).incidence[:, 0]
    risks = np.full(test.time.size, np.nan)
    for stratum in np.unique(test.stratum):
        mine = test.stratum == stratum
        try:
            found = fit.predict(
                test.covariates[mine], [at], names=train.names, stratum=int(stratum)
            )
        except EstimationError:
            continue
        risks[mine] = found.incidence[:, 0]
    return risks
