"""Cox's proportional hazards model."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri  # pyrefly: ignore[missing-module-attribute]

from ashworth.errors import (
    EstimationError,
    FewEventsWarning,
    MonotoneLikelihoodWarning,
    NotEstimableWarning,
)
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Floats,
    check_option,
)
from ashworth.survival.proportional_hazards.data import CoxData, read_cox_data
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.newton import CoxFit, maximise, newton_step
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.proportional_hazards.robust import meat, quadratic
from ashworth.survival.results import TestResult, chi_square_p
from ashworth.version import __version__

_SAMPLED_FROM = 50_000
_EVERY = 25
_LARGEST = 1e150


def _start(data: CoxData, *, efron: bool) -> Floats | None:
    """Coefficients of every 25th row, in units of the covariates; None where that fails."""
    sample = data.take(slice(None, None, _EVERY))
    if not sample.event.any():
        return None
    design = sample.design()
    if design.rows.size == 0:
        return None
    try:
        fit = maximise(design, efron=efron)
    except EstimationError:
        return None
    if fit.infinite.any() or fit.kept.size < design.scale.size:
        return None
    return fit.beta / design.scale


def _fit(data: CoxData, *, efron: bool) -> tuple[CoxDesign, CoxFit]:
    """Sort and fit."""
    design = data.design()
    if design.rows.size == 0 or design.scale.size == 0:
        raise EstimationError("cox: no covariates" if design.rows.size else "cox: nobody at risk")
    large = [n for n, s in zip(data.names, design.scale.tolist(), strict=True) if s > _LARGEST]
    if large or design.widest_offset > _LARGEST:
        what = ", ".join(large) or "offset"
        raise EstimationError(
            f"cox: the values of {what} are too large to be squared; divide them by a constant"
        )
    start = _start(data, efron=efron) if data.time.size >= _SAMPLED_FROM else None
    fit = maximise(design, efron=efron, start=None if start is None else start * design.scale)
    return design, fit


def _test(statistic: float, name: str, n: int, events: int, df: int) -> TestResult:
    return TestResult(statistic, df, chi_square_p(statistic, df), f"{name} test", n, events)


def _inverse(information: Floats) -> Floats:
    """Symmetric inverse by Cholesky, or by elimination where rounding has spoilt positivity."""
    factor, failed = dpotrf(information, lower=1)
    if failed:
        inverse = np.linalg.inv(information)
        return (inverse + inverse.T) / 2.0
    lower, _ = dpotri(factor, lower=1)
    inverse = lower + lower.T
    inverse.flat[:: len(inverse) + 1] = lower.diagonal()
    return inverse


def _covariance(fit: CoxFit, scale: Floats) -> Floats:
    """Covariance of the finite coefficients in units of the covariates."""
    p = scale.size
    if fit.fitted.size == p and not fit.infinite.any():
        return _inverse(fit.best.information) / (scale * scale[:, None])
    covariance = np.full((p, p), np.nan)
    finite = fit.fitted[fit.infinite[fit.fitted] == 0]
    if fit.fitted.size:
        inverse = _inverse(fit.best.information[np.ix_(fit.fitted, fit.fitted)])
        units = scale[fit.fitted]
        covariance[np.ix_(fit.fitted, fit.fitted)] = inverse / np.outer(units, units)
    covariance[np.setdiff1d(np.arange(p), finite), :] = np.nan
    covariance[:, np.setdiff1d(np.arange(p), finite)] = np.nan
    return covariance


def _warn(names: tuple[str, ...], fit: CoxFit, missing: Booleans, events: int) -> None:
    if len(names) > events:
        per = f"{events / len(names):.2g} events per variable"
        text = f"{len(names)} covariates and {events} events: {per}"
        warnings.warn(text, FewEventsWarning, stacklevel=4)
    if fit.infinite.any():
        what = ", ".join(
            f"{n} ({'+' if s > 0 else '-'}infinite)"
            for n, s in zip(names, fit.infinite, strict=True)
            if abs(s) == 1
        )
        text = f"the partial likelihood is monotone: {what}; use the likelihood ratio test"
        warnings.warn(text, MonotoneLikelihoodWarning, stacklevel=4)
    if missing.any():
        what = ", ".join(n for n, m in zip(names, missing, strict=True) if m)
        text = f"not estimable (constant within strata, or collinear with earlier terms): {what}"
        warnings.warn(text, NotEstimableWarning, stacklevel=4)


@dataclass(frozen=True, slots=True)
class _Sandwich:
    """Robust covariance, Wald and score statistics, and the number of clusters."""

    covariance: Floats
    wald: float
    score: float
    n_clusters: int


def _sandwich(
    data: CoxData, design: CoxDesign, fit: CoxFit, model_covariance: Floats, *, efron: bool
) -> _Sandwich:
    """Robust covariance in units of the covariates; all NaN with an infinite coefficient."""
    p = design.scale.size
    n_clusters, cluster = data.time.size, None
    if data.cluster is not None:
        n_clusters = int(np.count_nonzero(np.bincount(data.cluster)))
        cluster = data.cluster[design.rows]
    if n_clusters < 2:
        raise EstimationError("cox: one cluster only; the robust variance needs several")
    score, inner = meat(design, np.zeros(p), cluster, efron=efron)
    kept = fit.kept
    test = quadratic(inner[np.ix_(kept, kept)], score[kept], "the robust score test")
    covariance = np.full((p, p), np.nan)
    if fit.infinite.any():
        return _Sandwich(covariance, float("nan"), test, n_clusters)
    block, units = np.ix_(kept, kept), design.scale[kept]
    outer = meat(design, fit.beta, cluster, efron=efron)[1][block]
    bread = model_covariance[block] * units
    covariance[block] = bread @ outer @ bread.T
    wald = quadratic(covariance[block], fit.beta[kept] / units, "the Wald test")
    return _Sandwich(covariance, wald, test, n_clusters)


def _result(
    data: CoxData, design: CoxDesign, fit: CoxFit, options: dict[str, Any], *, robust: bool
) -> CoxResult:
    scale = design.scale
    coefficients = np.full(scale.size, np.nan)
    coefficients[fit.fitted] = fit.beta[fit.fitted] / scale[fit.fitted]
    coefficients[np.isinf(coefficients)] = np.nan
    covariance = model_covariance = _covariance(fit, scale)
    wald = float(fit.beta @ fit.best.information @ fit.beta)
    n, events, df = data.time.size, int(np.count_nonzero(data.event)), fit.kept.size
    n_clusters, robust_score = None, None
    if robust:
        found = _sandwich(data, design, fit, covariance, efron=options["ties"] == "efron")
        covariance, wald, n_clusters = found.covariance, found.wald, found.n_clusters
        robust_score = _test(found.score, "robust score", n, events, df)
    errors = np.sqrt(covariance.diagonal())
    endless = fit.infinite != 0
    if endless.any():
        coefficients[endless] = np.inf * fit.infinite[endless]
        errors[endless] = np.abs(coefficients[endless])
        wald = float("nan")
    _warn(data.names, fit, np.isnan(coefficients), events)
    rise = fit.best.value - fit.null.value
    score = newton_step(fit.null, fit.kept)[1] if df else 0.0
    return CoxResult(
        data.names, coefficients, errors, covariance, fit.best.value, fit.null.value,
        _test(2.0 * rise, "likelihood ratio", n, events, df), _test(wald, "Wald", n, events, df),
        _test(score, "score", n, events, df), n, events,
        options.pop("n_strata"), options["ties"], fit.converged, fit.iterations,
        f"Cox proportional hazards, {options['ties'].capitalize()} ties", options, __version__,
        data, "robust" if robust else "model", model_covariance, n_clusters, robust_score,
    )  # fmt: skip


def cox(
    time: Any,
    event: Any,
    covariates: Any,
    *,
    names: Sequence[str] | None = None,
    entry: Any = None,
    strata: Any = None,
    weights: Any = None,
    offset: Any = None,
    cluster: Any = None,
    robust: bool | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    tie_tolerance: float = TIE_TOLERANCE,
) -> CoxResult:
    r"""Fit a Cox model by its partial likelihood, converged to the end.

    Use it for hazard ratios of one or several covariates. Strata have their own baseline hazards;
    late entry takes a row into the risk sets after its entry only (``entry < t <= time``).

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, in any unit, 0 or later.
    event : array-like of bool or 0/1, shape (n,)
        1 event, 0 censored; events come before censorings at equal times.
    covariates : array-like, shape (n, p) or (n,), or a frame or dict of columns
        Numbers without missing values.
    names : sequence of str, optional
        Names of the covariates; those of the frame by default.
    entry : array-like, shape (n,), optional
        Start of being at risk, before `time`.
    strata : array-like, shape (n,), optional
        Labels of strata. Strata with one subject or without events contribute nothing.
    weights : array-like, shape (n,), optional
        Case weights, 0 or more. Rows of weight 0 are left out. Weights that are no numbers of
        subjects (sampling weights) need ``robust=True``.
    offset : array-like, shape (n,), optional
        Added to the linear predictor.
    cluster : array-like, shape (n,), optional
        Labels of clusters of dependent rows: centres, or the rows of one subject. They may span
        strata.
    robust : bool, optional
        Use the sandwich variance, over clusters or, without them, over rows. By default exactly
        where `cluster` is given.
    ties : {"efron", "breslow"}
        Treatment of tied events.
    tie_tolerance : float
        Times closer than this, absolutely or relative to the mean time, are one time; 0 turns it
        off. Whole days are never merged.

    Returns
    -------
    CoxResult
        Coefficients, covariance, tests, and ``.table()``. A covariate that is constant within
        strata or collinear has NaN; a monotone likelihood gives infinite coefficients.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, with one cluster only, with values too large to be squared, or where neither
        a maximum nor a direction in which the likelihood rises for ever can be proved.

    Warns
    -----
    MonotoneLikelihoodWarning, NotEstimableWarning
        With the names of the covariates.
    FewEventsWarning
        With more covariates than events: the events per variable.

    Notes
    -----
    Efron's log partial likelihood, with risk set R and dead D of each event time, d = \|D\|,

    .. math:: \sum_{D} w_i\eta_i - \bar w_D \sum_{k=0}^{d-1} \log\Bigl(\sum_{R} w_j e^{\eta_j}
              - \tfrac{k}{d} \sum_{D} w_j e^{\eta_j}\Bigr)

    Newton's method stops with a step below 1e-9 times the root of the number of events, in standard
    errors: the coefficients are then exact to rounding, the standard errors to about 1e-9. From
    50,000 rows on it starts from the fit of every 25th row.

    The robust variance is ``V B V`` with the inverse information V and the sum B, over the
    clusters c, of the outer products of ``sum_c w_i r_i``, r being the score residuals
    (references 3, 4).
    It holds for many clusters; there is no small-sample correction, as in R.

    References
    ----------
    .. [1] Cox DR (1972). Regression models and life-tables. J R Stat Soc B 34:187-220.
    .. [2] Efron B (1977). The efficiency of Cox's likelihood function for censored data.
       J Am Stat Assoc 72:557-565.
    .. [3] Lin DY, Wei LJ (1989). The robust inference for the Cox proportional hazards model.
       J Am Stat Assoc 84:1074-1078.
    .. [4] Lee EW, Wei LJ, Amato DA (1992). Cox-type regression analysis for large numbers of small
       groups of correlated failure time observations. In: Survival Analysis: State of the Art.

    Examples
    --------
    >>> fit = cox([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], [1, 0, 0, 1, 1, 0], names=["marker"])
    >>> print(round(float(fit.coefficients[0]), 4), round(fit.likelihood_ratio_test.p_value, 4))
    1.6878 0.1159
    """
    check_option(ties, "ties", ("efron", "breslow"))
    if not (robust is None or isinstance(robust, bool)):
        raise EstimationError(f"robust is {robust!r}; allowed: True, False, or None")
    data = read_cox_data(
        "cox", time, event, covariates, names=names, entry=entry, strata=strata, cluster=cluster,
        weights=weights, offset=offset, tie_tolerance=tie_tolerance,
    )  # fmt: skip
    with np.errstate(all="ignore"):
        design, fit = _fit(data, efron=ties == "efron")
    robust = cluster is not None if robust is None else robust
    options = {
        "ties": ties,
        "strata": strata is not None,
        "entry": entry is not None,
        "weights": weights is not None,
        "offset": offset is not None,
        "cluster": cluster is not None,
        "robust": robust,
        "tie_tolerance": tie_tolerance,
        "n_strata": data.n_strata,
    }
    return _result(data, design, fit, options, robust=robust)
