"""The result of a Fine-Gray model, and the incidence it predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from ashworth.errors import EstimationError
from ashworth.survival.competing_risks.fine_gray_data import FineGrayData
from ashworth.survival.competing_risks.subdistribution import Point, Stratum
from ashworth.survival.competing_risks.subdistribution_variance import (
    CensoringRows,
    hazard_influence,
)
from ashworth.survival.inputs import Faults, Floats, check_level
from ashworth.survival.proportional_hazards.covariates import check_covariates, covariate_matrix
from ashworth.survival.results import TestResult, normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class FineGrayFit:
    """What predictions start from: centred and scaled covariates, and the likelihood's maximum.

    Attributes
    ----------
    data : FineGrayData
        Checked rows.
    strata, stratum_places : tuple
        Sorted strata with an event, and their indices.
    rows : CensoringRows
        Times and censoring distributions of all rows.
    point : Point
        Likelihood at the maximum.
    kept : ndarray of int
        Covariates in the fit.
    centre, scale : ndarray
        Of the kept covariates.
    beta : ndarray
        Coefficients of the scaled covariates.
    influence : ndarray, shape (k, n)
        Influence of each row on `beta`.
    """

    data: FineGrayData
    strata: tuple[Stratum, ...]
    stratum_places: tuple[int, ...]
    rows: CensoringRows
    point: Point
    kept: Any
    centre: Floats
    scale: Floats
    beta: Floats
    influence: Floats


@dataclass(frozen=True, slots=True)
class PredictedIncidence:
    """Cumulative incidence of r patients at t times, each array of shape (r, t).

    Attributes
    ----------
    time : ndarray, shape (t,)
        Times.
    incidence, standard_error, lower, upper : ndarray, shape (r, t)
        Predicted incidence, its standard error and its limits.
    level : float
        Confidence level; limits on the scale of log(-log(1 - F)).
    method, n, events, options, version
        Of the fit.
    """

    time: Floats
    incidence: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    level: float
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per patient (from 0) and time."""
        import polars as pl

        r, t = self.incidence.shape
        names = ("incidence", "standard_error", "lower", "upper")
        return pl.DataFrame(
            {"row": np.repeat(np.arange(r), t), "time": np.tile(self.time, r)}
            | {name: getattr(self, name).ravel() for name in names}
        )


@dataclass(frozen=True, slots=True)
class FineGrayResult:
    """A fitted Fine-Gray model with p covariates.

    Attributes
    ----------
    names : tuple of str
        Covariates, in the order of all arrays.
    coefficients, standard_errors : ndarray, shape (p,)
        Log subdistribution hazard ratios and their sandwich standard errors. Infinite where the
        likelihood is monotone, NaN where the data do not determine them.
    covariance : ndarray, shape (p, p)
        Sandwich covariance, with the part of the estimated censoring distribution.
    inverse_information : ndarray, shape (p, p)
        Inverse information; no variance of the coefficients, for comparison only.
    log_likelihood, log_likelihood_null : float
        Log pseudo-likelihood at the maximum (NaN where it is monotone) and with all coefficients 0.
        Twice their difference is not a chi-square variable.
    wald_test : TestResult
        That all coefficients are 0, from the sandwich.
    cause, n, events, competing, censored : int
        Code of the event, rows, events of it, of other causes, and censored rows.
    n_strata : int
        Strata.
    converged : bool
        Always true; a fit that fails is an error.
    iterations : int
        Newton iterations.
    method, options, version
        Name of the estimator, what was chosen, version of the package.
    fit : FineGrayFit
        What predictions need.
    """

    names: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    covariance: Floats
    inverse_information: Floats
    log_likelihood: float
    log_likelihood_null: float
    wald_test: TestResult
    cause: int
    n: int
    events: int
    competing: int
    censored: int
    n_strata: int
    converged: bool
    iterations: int
    method: str
    options: Mapping[str, Any]
    version: str
    fit: FineGrayFit = field(repr=False, compare=False)

    @property
    def subdistribution_hazard_ratios(self) -> Floats:
        """Ratios per unit of each covariate, shape (p,)."""
        with np.errstate(over="ignore"):
            return np.exp(self.coefficients)

    @property
    def z(self) -> Floats:
        """Coefficients over standard errors; NaN for infinite ones and an error of 0."""
        ratio = np.full(len(self.names), np.nan)
        known = np.isfinite(self.coefficients) & (self.standard_errors > 0)
        np.divide(self.coefficients, self.standard_errors, out=ratio, where=known)
        return ratio

    @property
    def p_values(self) -> Floats:
        """Two-sided Wald p-values, shape (p,)."""
        return 2.0 * ndtr(-np.abs(self.z))

    def confint(self, level: float = 0.95) -> Floats:
        """Wald limits of the coefficients, shape (p, 2); NaN where the coefficient is infinite."""
        half = normal_quantile(check_level(level)) * self.standard_errors
        centre = np.where(np.isfinite(self.coefficients), self.coefficients, np.nan)
        half = np.where(np.isfinite(half), half, np.nan)
        return np.stack([centre - half, centre + half], axis=1)

    def table(self, level: float = 0.95) -> pl.DataFrame:
        """One row per term with the subdistribution hazard ratio, its limits, z and p."""
        import polars as pl

        with np.errstate(over="ignore"):
            limits, p = np.exp(self.confint(level)), len(self.names)
        return pl.DataFrame(
            {
                "term": list(self.names),
                "n": [self.n] * p,
                "events": [self.events] * p,
                "competing": [self.competing] * p,
                "coefficient": self.coefficients,
                "standard_error": self.standard_errors,
                "subdistribution_hazard_ratio": self.subdistribution_hazard_ratios,
                "lower": limits[:, 0],
                "upper": limits[:, 1],
                "z": self.z,
                "p_value": self.p_values,
            }
        )

    def predict(
        self,
        covariates: Any,
        times: Any,
        *,
        names: Sequence[str] | None = None,
        stratum: Any = None,
        level: float = 0.95,
    ) -> PredictedIncidence:
        r"""Cumulative incidence of patients with given covariates, with limits.

        Parameters
        ----------
        covariates : array-like, shape (r, p) or (r,), or a frame or dict of columns
            In the units and with the names of the fit.
        times : float or array-like, shape (t,)
            Within the follow-up; after its end the prediction is NaN.
        names : sequence of str, optional
            Names of a bare matrix's columns.
        stratum : label, optional
            The stratum whose baseline is used; needed where the fit has several.
        level : float
            Confidence level.

        Returns
        -------
        PredictedIncidence
            :math:`F(t \mid x) = 1 - \exp(-\Lambda_0(t) e^{x\beta})`, with the standard error from
            the rows' influences on :math:`\beta` and :math:`\Lambda_0`.

        Raises
        ------
        InputError
            Missing values, or other covariates than those of the fit.
        EstimationError
            With a coefficient that is not finite, or an unknown stratum.
        """
        return predict_incidence(self, covariates, times, names, stratum, check_level(level))


def _new_rows(result: FineGrayResult, covariates: Any, names: Sequence[str] | None) -> Floats:
    faults = Faults("predict")
    bare = names is None and not isinstance(covariates, dict) and not hasattr(covariates, "columns")
    x, found = covariate_matrix(covariates, result.names if bare else names, faults)
    absent = sorted(set(result.names) - set(found))
    for name in absent:
        faults.note(name, "no such covariate", "every covariate of the fit", f"add {name}")
    faults.stop()
    x = x[:, [found.index(name) for name in result.names]]
    check_covariates(x, result.names, faults)
    faults.stop()
    return x


def _place(result: FineGrayResult, stratum: Any) -> int:
    fit = result.fit
    known = [fit.data.stratum_labels[p] for p in fit.stratum_places if fit.data.stratum_labels]
    if not known:
        return 0
    if stratum not in known:
        listed = ", ".join(map(repr, known))
        raise EstimationError(
            f"predict: stratum is {stratum!r}; allowed, for they have events: {listed}"
        )
    return known.index(stratum)


def predict_incidence(
    result: FineGrayResult, covariates: Any, times: Any, names: Sequence[str] | None, stratum: Any,
    level: float,
) -> PredictedIncidence:  # fmt: skip
    """Predict; see `FineGrayResult.predict`."""
    fit = result.fit
    if not np.isfinite(result.coefficients).all():
        bad = [n for n, c in zip(result.names, result.coefficients, strict=True) if c - c != 0]
        raise EstimationError(f"predict: no finite coefficient of {', '.join(bad)}; leave it out")
    x = (_new_rows(result, covariates, names) - fit.centre) / fit.scale
    at = np.atleast_1d(np.asarray(times, dtype=np.float64))
    k = _place(result, stratum)
    with np.errstate(all="ignore"):
        return _predict_at(result, x, at, k, level)


def _predict_at(
    result: FineGrayResult, x: Floats, at: Floats, k: int, level: float
) -> PredictedIncidence:
    """Predict from stratum `k` for centred and scaled covariates."""
    fit, point, s = result.fit, result.fit.point, result.fit.strata[k]
    cells = np.searchsorted(s.times, at, side="right")
    factor = np.exp(-point.shifts[k])
    base = np.concatenate([[0.0], np.cumsum(point.hazards[k])])[cells] * factor
    slopes = np.concatenate(
        [np.zeros((fit.beta.size, 1)), np.cumsum(point.means[k] * point.hazards[k], axis=1)], axis=1
    )[:, cells]
    fixed = hazard_influence(
        s, point.risks[k], point.hazards[k], point.totals[k], cells, fit.rows
    )  # (t, n)
    change = (fixed - slopes.T @ fit.influence) * factor
    risk = np.exp(x @ fit.beta)
    cumulative = risk[:, None] * base
    along = x @ fit.influence
    error = np.empty_like(cumulative)
    for j in range(at.size):
        whole = risk[:, None] * (base[j] * along + change[j])
        error[:, j] = np.sqrt(_squares(whole, fit.data.cluster))
    gone = at > s.end[-1]
    return _limits(result, at, cumulative, error, gone, level)


def _squares(influence: Floats, cluster: Any) -> Floats:
    """Sums of squares over rows, or over clusters, of (r, n)."""
    if cluster is None:
        return np.vecdot(influence, influence)
    sums = np.stack([np.bincount(cluster, row) for row in influence])
    return np.vecdot(sums, sums)


def _limits(
    result: FineGrayResult, at: Floats, cumulative: Floats, error: Floats, gone: Any, level: float
) -> PredictedIncidence:
    z = normal_quantile(level)
    with np.errstate(all="ignore"):
        ratio = np.exp(z * error / cumulative)
        lower, upper = -np.expm1(-cumulative / ratio), -np.expm1(-cumulative * ratio)
    parts = (-np.expm1(-cumulative), error * np.exp(-cumulative), lower, upper)
    incidence, standard_error, lower, upper = (np.where(gone, np.nan, part) for part in parts)
    return PredictedIncidence(
        at,
        incidence,
        standard_error,
        lower,
        upper,
        level,
        result.method,
        result.n,
        result.events,
        result.options,
    )
