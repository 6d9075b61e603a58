"""The result of a Cox model with shared frailty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import gammaincinv, ndtr, ndtri

from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.results import TestResult, normal_quantile

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class FrailtyResult:
    """A Cox model with shared frailty: p covariates, G groups.

    Attributes
    ----------
    names : tuple of str
        Covariates.
    coefficients, standard_errors : ndarray, shape (p,)
        Log hazard ratios within a group (given its frailty). The errors allow for the estimated
        frailties, and take the variance as known.
    covariance : ndarray, shape (p, p)
        Block of the inverse penalised information (R: ``var``, with ``sparse = FALSE``).
    variance, variance_lower, variance_upper : float
        Variance of the frailty (gamma) or of the log frailty (Gaussian), with profile-likelihood
        limits.
    variance_test : TestResult
        Likelihood ratio test of variance 0 by the half-and-half mixture of chi-squares with 0
        and 1 degrees of freedom.
    groups : tuple
        Labels.
    log_frailties, frailty_errors : ndarray, shape (G,)
        Log hazard ratio of each group against the average, shrunken, and standard errors.
        NaN for a group that shares no stratum with another one.
    n_per_group, events_per_group : ndarray of int, shape (G,)
        Rows and events.
    log_likelihood : float
        Marginal (gamma) or Laplace-integrated (Gaussian) log likelihood at `variance`.
    log_likelihood_no_frailty : float
        Log partial likelihood of the Cox model without frailty: the same scale at variance 0.
    log_partial_likelihood : float
        At the estimates, frailties included, without the penalty.
    effective_df : float
        Trace of the information times the inverse penalised information: degrees of freedom that
        covariates and frailties spend.
    n, events, n_strata : int
        Rows, events, strata.
    ties, distribution : str
        Treatment of ties; ``"gamma"`` or ``"gaussian"``.
    level : float
        Confidence level of all limits.
    method, version : str
        Name of the estimator, version of the package.
    options : mapping
        What was chosen.
    """

    names: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    covariance: Floats
    variance: float
    variance_lower: float
    variance_upper: float
    variance_test: TestResult
    groups: tuple[Any, ...]
    log_frailties: Floats
    frailty_errors: Floats
    n_per_group: Integers
    events_per_group: Integers
    log_likelihood: float
    log_likelihood_no_frailty: float
    log_partial_likelihood: float
    effective_df: float
    n: int
    events: int
    n_strata: int
    ties: str
    distribution: str
    level: float
    method: str
    options: Mapping[str, Any]
    version: str

    @property
    def hazard_ratios(self) -> Floats:
        """Hazard ratios within a group, shape (p,)."""
        return np.exp(self.coefficients)

    @property
    def quartile_ratio(self) -> float:
        """Hazard at the upper quartile of the groups over that at the lower; 1 at variance 0."""
        if self.variance == 0.0:
            return 1.0
        if self.distribution == "gaussian":
            return float(np.exp((ndtri(0.75) - ndtri(0.25)) * np.sqrt(self.variance)))
        shape = 1.0 / self.variance
        return float(gammaincinv(shape, 0.75) / gammaincinv(shape, 0.25))

    @property
    def p_values(self) -> Floats:
        """Two-sided Wald p-values of the coefficients, shape (p,)."""
        return 2.0 * ndtr(-np.abs(self.coefficients / self.standard_errors))

    def confint(self) -> Floats:
        """Wald limits of the coefficients, shape (p, 2)."""
        half = normal_quantile(self.level) * self.standard_errors
        return np.stack([self.coefficients - half, self.coefficients + half], axis=1)

    def table(self) -> pl.DataFrame:
        """One row per covariate with the hazard ratio within a group, limits and p."""
        import polars as pl

        limits = np.exp(self.confint())
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
                "p_value": self.p_values,
            }
        )

    def frailty_table(self) -> pl.DataFrame:
        """One row per group: rows, events, hazard ratio against the average group, limits."""
        import polars as pl

        half = normal_quantile(self.level) * self.frailty_errors
        return pl.DataFrame(
            {
                "group": [str(g) for g in self.groups],
                "n": self.n_per_group,
                "events": self.events_per_group,
                "log_frailty": self.log_frailties,
                "standard_error": self.frailty_errors,
                "hazard_ratio": np.exp(self.log_frailties),
                "lower": np.exp(self.log_frailties - half),
                "upper": np.exp(self.log_frailties + half),
            }
        )
