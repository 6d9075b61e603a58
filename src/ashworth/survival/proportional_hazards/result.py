"""The result of a Cox model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from ashworth.survival.inputs import Floats, check_level
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.results import TestResult, normal_quantile

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class CoxResult:
    """A fitted Cox model with p covariates.

    An infinite coefficient is ``inf`` or ``-inf`` with an infinite standard error; one that the
    data do not determine is NaN.

    Attributes
    ----------
    names : tuple of str
        Covariates, in the order of all arrays.
    coefficients, standard_errors : ndarray, shape (p,)
        Log hazard ratios and their standard errors.
    covariance : ndarray, shape (p, p)
        The variance in use, see `variance`; NaN in the rows of infinite and undetermined
        coefficients.
    log_likelihood, log_likelihood_null : float
        Log partial likelihood at the maximum (or its limit) and with all coefficients 0.
    likelihood_ratio_test, wald_test, score_test : TestResult
        Tests that all coefficients are 0. The Wald test goes by the variance in use and is NaN
        with an infinite coefficient; the others take rows as independent.
    n, events, n_strata : int
        Rows with a positive weight, events among them, and their strata.
    ties : str
        ``"efron"`` or ``"breslow"``.
    converged : bool
        Whether the last Newton step was negligible; always true, for a fit that fails is an error.
    iterations : int
        Newton iterations.
    method : str
        Name of the estimator.
    options : mapping
        What was chosen: strata, late entry, weights, offset, tolerance of ties.
    version : str
        Version of the package.
    data : CoxData
        The checked rows that were fitted, for residuals, tests and predictions.
    variance : str
        ``"model"``, the inverse of the information, or ``"robust"``, the sandwich.
    model_covariance : ndarray, shape (p, p)
        Inverse of the information, whatever the variance in use.
    n_clusters : int or None
        Clusters of the robust variance (rows where none were given); None with the model's.
    robust_score_test : TestResult or None
        Score test with the variance of the clusters' scores; None with the model's variance.
    """

    names: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    covariance: Floats
    log_likelihood: float
    log_likelihood_null: float
    likelihood_ratio_test: TestResult
    wald_test: TestResult
    score_test: TestResult
    n: int
    events: int
    n_strata: int
    ties: str
    converged: bool
    iterations: int
    method: str
    options: Mapping[str, Any]
    version: str
    data: CoxData = field(repr=False, compare=False)
    variance: str
    model_covariance: Floats
    n_clusters: int | None
    robust_score_test: TestResult | None

    @property
    def hazard_ratios(self) -> Floats:
        """Hazard ratios per unit of each covariate, shape (p,)."""
        return np.exp(self.coefficients)

    @property
    def z(self) -> Floats:
        """Coefficients over standard errors; NaN for infinite ones, shape (p,)."""
        finite = np.isfinite(self.coefficients)
        ratio = np.full(len(self.names), np.nan)
        np.divide(self.coefficients, self.standard_errors, out=ratio, where=finite)
        return ratio

    @property
    def p_values(self) -> Floats:
        """Two-sided Wald p-values, shape (p,)."""
        return 2.0 * ndtr(-np.abs(self.z))

    def confint(self, level: float = 0.95) -> Floats:
        """Wald limits of the coefficients, shape (p, 2); NaN where the coefficient is infinite."""
        half = normal_quantile(check_level(level)) * self.standard_errors
        finite = np.isfinite(self.coefficients)
        centre = np.where(finite, self.coefficients, np.nan)
        half = np.where(finite, half, np.nan)
        return np.stack([centre - half, centre + half], axis=1)

    def table(self, level: float = 0.95) -> pl.DataFrame:
        """One row per term with hazard ratio, its limits at `level`, z and p."""
        import polars as pl

        limits = np.exp(self.confint(level))
        return pl.DataFrame(
            {
                "term": list(self.names),
                "n": [self.n] * len(self.names),
                "events": [self.events] * len(self.names),
                "coefficient": self.coefficients,
                "standard_error": self.standard_errors,
                "hazard_ratio": self.hazard_ratios,
                "lower": limits[:, 0],
                "upper": limits[:, 1],
                "z": self.z,
                "p_value": self.p_values,
            }
        )
