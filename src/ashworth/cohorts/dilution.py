"""Regression dilution: what counting noise does to the hazard ratio of a status."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ashworth.cohorts.latent_status import LatentStatusLikelihood, Profile
from ashworth.enumeration import (
    FittedPopulation,
    Measurement,
    NegativeBinomial,
    PoissonLognormal,
    concentration_probability,
)
from ashworth.errors import (
    EstimationError,
    MonotoneLikelihoodWarning,
    NotEstimableWarning,
)
from ashworth.survival import cox
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Faults,
    Floats,
    check_level,
    check_number,
    numbers,
)
from ashworth.survival.proportional_hazards.data import CoxData, read_cox_data
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Population = NegativeBinomial | PoissonLognormal
ANALYSES = ("observed status", "regression calibration", "true status, maximum likelihood")
_SHIFT = 0.1


@dataclass(frozen=True, slots=True)
class RegressionDilution:
    """Hazard ratio of the status as observed, and of the true status behind the counts.

    Attributes
    ----------
    analyses : tuple of str
        Names of the three estimates, in the order of the next two arrays: the Cox model of the
        observed status, regression calibration (approximate), maximum likelihood (the answer).
    coefficients, standard_errors : ndarray, shape (3,)
        Log hazard ratios of positive against negative. The last error allows for the patients'
        unknown statuses and, with a `FittedPopulation`, for the estimated population.
    population_variance : float
        Part of the last squared error that comes from the estimated population.
    attenuation : float
        Observed log hazard ratio over the corrected one; below 1 is dilution.
    positive : ndarray of bool, shape (n,)
        Observed status.
    probability : ndarray, shape (n,)
        Probability of being truly positive given the count (not the outcome).
    misclassification : ndarray, shape (n,)
        Probability that the observed status is not the true one, given the count.
    posterior : ndarray, shape (n,)
        Probability of being truly positive given count and outcome.
    sensitivity, specificity, positive_predictive_value, negative_predictive_value : float
        Of the observed status for the true one, expected over these patients; NaN without
        anybody in the denominator.
    covariate_names : tuple of str
        Adjusting covariates.
    covariate_coefficients : ndarray, shape (p,)
        Theirs in the maximum likelihood fit.
    concentration : float
        True concentration from which a patient is truly positive.
    population : str
        The population of true concentrations, in words.
    n, events : int
        Patients and events.
    level : float
        Confidence level.
    method, version : str
        Name of the method, version of the package.
    options : mapping
        What was chosen.
    """

    analyses: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    population_variance: float
    attenuation: float
    positive: NDArray[np.bool_]
    probability: Floats
    misclassification: Floats
    posterior: Floats
    sensitivity: float
    specificity: float
    positive_predictive_value: float
    negative_predictive_value: float
    covariate_names: tuple[str, ...]
    covariate_coefficients: Floats
    concentration: float
    population: str
    n: int
    events: int
    level: float
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per analysis: hazard ratio of the status with limits."""
        import polars as pl

        half = normal_quantile(self.level) * self.standard_errors
        return pl.DataFrame(
            {
                "analysis": list(self.analyses),
                "n": [self.n] * 3,
                "events": [self.events] * 3,
                "coefficient": self.coefficients,
                "standard_error": self.standard_errors,
                "hazard_ratio": np.exp(self.coefficients),
                "lower": np.exp(self.coefficients - half),
                "upper": np.exp(self.coefficients + half),
            }
        )

    def patients_table(self) -> pl.DataFrame:
        """One row per patient: status, probabilities before and after the outcome."""
        import polars as pl

        return pl.DataFrame(
            {
                "positive": self.positive,
                "probability": self.probability,
                "misclassification": self.misclassification,
                "posterior": self.posterior,
            }
        )


def _share(part: Floats, of: Floats) -> float:
    return float(part.sum() / of.sum()) if of.sum() > 0.0 else float("nan")


def _prior(
    population: FittedPopulation | Population, measurement: Measurement | None
) -> tuple[Population, Measurement, Floats | None]:
    """Population, measurement and, if it was fitted, the covariance of its parameters."""
    if isinstance(population, FittedPopulation):
        if measurement is not None and measurement != population.measurement:
            raise EstimationError(
                "regression_dilution: the population was fitted with "
                f"{population.measurement}; leave measurement out"
            )
        return population.population, population.measurement, population.covariance
    return population, measurement or Measurement(), None


def _moved(prior: Population, shift: Floats) -> Population:
    """Shift the two parameters on the scale of the fit's covariance."""
    if isinstance(prior, NegativeBinomial):
        mean, size = np.exp([np.log(prior.mean) + shift[0], np.log(prior.size) + shift[1]])
        return NegativeBinomial(float(mean), float(size))
    return PoissonLognormal(
        float(prior.log_mean + shift[0]), float(prior.log_sd * np.exp(shift[1]))
    )


@dataclass(frozen=True, slots=True)
class _Counts:
    """Counts, amounts, and the concentration that makes a patient truly positive."""

    cells: Floats
    amounts: Floats
    concentration: float
    measurement: Measurement

    def probability(self, prior: Population) -> Floats:
        return concentration_probability(
            self.cells, self.amounts, self.concentration, prior, measurement=self.measurement
        )


def _read_counts(
    n_cells: Any, denominator: Any, concentration: float, measurement: Measurement, n: int
) -> _Counts:
    """Check the counts."""
    faults = Faults("regression_dilution")
    cells = numbers(n_cells, "n_cells", faults)
    amounts = numbers(np.broadcast_to(np.asarray(denominator), cells.shape), "denominator", faults)
    if cells.size != n and not faults.problems:
        remedy = "align the columns"
        faults.note("n_cells", f"{cells.size} values", f"{n}, as many as time", remedy)
        faults.stop()
    bad = ~(np.isfinite(cells) & (cells >= 0) & (cells == np.floor(cells)))
    remedy = "leave patients without a count out, and count them, before the call"
    faults.rows(bad, "n_cells", "missing, negative or broken counts", "whole numbers >= 0", remedy)
    none = ~(np.isfinite(amounts) & (amounts > 0))
    faults.rows(none, "denominator", "missing or not positive amounts", "amounts > 0", remedy)
    if not concentration > 0:
        allowed = "cells per unit of the denominator, > 0, such as 5 / 7.5"
        faults.note("concentration", f"{concentration}", allowed, "give the rule's concentration")
    faults.stop()
    return _Counts(cells, amounts, float(concentration), measurement)


def _plain(data: CoxData, status: Floats, options: Mapping[str, Any]) -> tuple[float, float]:
    """Cox model of a status (or its probability) with the covariates."""
    x = np.column_stack([status, data.covariates])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotEstimableWarning)
        warnings.simplefilter("ignore", MonotoneLikelihoodWarning)
        fit = cox(
            data.time, data.event, x, strata=data.stratum, ties="breslow",
            tie_tolerance=options["tie_tolerance"],
        )  # fmt: skip
    if not np.isfinite(fit.coefficients).all():
        raise EstimationError(
            "regression_dilution: the Cox model of the observed status has no finite estimate "
            "(one group without events, or a covariate that is constant or collinear)"
        )
    return float(fit.coefficients[0]), float(fit.standard_errors[0])


def _sensitivity_to_population(
    data: CoxData, counts: _Counts, prior: Population, covariance: Floats, theta: Floats
) -> float:
    """Variance of the corrected coefficient that comes from the estimated population."""
    slopes = np.empty(2)
    for k in range(2):
        shift = np.zeros(2)
        shift[k] = _SHIFT * float(np.sqrt(covariance[k, k]))
        ends = []
        for sign in (1.0, -1.0):
            moved = counts.probability(_moved(prior, sign * shift))
            ends.append(LatentStatusLikelihood(data, moved).maximise(theta)[0][0])
        slopes[k] = (ends[0] - ends[1]) / (2.0 * shift[k])
    return float(slopes @ covariance @ slopes)


def _variance(information: Floats) -> float:
    """Variance of the first coefficient; the information must be positive."""
    roots = np.linalg.eigvalsh(information)
    if roots[0] <= 1e-10 * roots[-1]:
        raise EstimationError(
            "regression_dilution: the counts say too little about who is truly positive; the "
            "corrected hazard ratio is not determined"
        )
    return float(np.linalg.inv(information)[0, 0])


def regression_dilution(
    time: Any,
    event: Any,
    n_cells: ArrayLike,
    denominator: ArrayLike,
    *,
    minimum_count: int,
    concentration: float,
    population: FittedPopulation | Population,
    measurement: Measurement | None = None,
    positive: ArrayLike | None = None,
    covariates: Any = None,
    names: Sequence[str] | None = None,
    strata: Any = None,
    tie_tolerance: float = TIE_TOLERANCE,
    level: float = 0.95,
) -> RegressionDilution:
    r"""Hazard ratio of the true status, freed from the noise of counting few cells.

    A status near the cut-off is nearly a coin toss: a tube is a Poisson draw from the patient's
    true concentration. So the hazard ratio of the observed status is too near to 1. Use this to
    say how much, for patients whose clock starts at the draw.

    Parameters
    ----------
    time, event : array-like, shape (n,)
        Follow-up from the draw on.
    n_cells, denominator : array-like, shape (n,) (or scalar denominator)
        Cells counted, and the amount analysed.
    minimum_count : int
        Smallest count that the rule calls positive; used where `positive` is not given.
    concentration : float
        True concentration (cells per unit of the denominator) from which a patient is truly
        positive, such as 5 / 7.5.
    population : FittedPopulation, NegativeBinomial or PoissonLognormal
        True concentrations, best fitted to these patients by
        `ashworth.enumeration.fit_population`; its uncertainty is then carried on.
    measurement : Measurement, optional
        Recovery and blank rate, for a population that was not fitted.
    positive : array-like of bool, shape (n,), optional
        Observed status.
    covariates, names, strata, tie_tolerance
        As for `ashworth.survival.cox`; `covariates` without the status, or None.
    level : float
        Confidence level.

    Returns
    -------
    RegressionDilution
        Three hazard ratios, probabilities of misclassification, and ``.table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events; where the observed status has no finite hazard ratio; where the counts do
        not determine that of the true status.

    Notes
    -----
    With :math:`\pi_i = P(c_i \ge` `concentration` :math:`\mid n_i)` the likelihood is

    .. math:: \prod_i \{(1 - \pi_i) f(t_i \mid 0) + \pi_i f(t_i \mid 1)\}

    with Cox's model and a jump of the baseline hazard at every event time in f (Breslow's ties).
    It is what multiple imputation of the status, drawn given count and outcome, tends to. The
    variance is the inverse curvature of the profile likelihood (reference 1); the part of an
    estimated population is added (two-stage estimation; the score of the outcome given the counts
    is uncorrelated with that of the counts).

    Regression calibration puts :math:`\pi_i` in place of the status (ref. 2): unbiased to first
    order only, too near to 1 for large ratios and many events.

    Assumptions: the hazard depends on the true status, not on the count given the status; the
    population's form is right; given the count, covariates and strata tell nothing about the true
    concentration; counting is Poisson with known recovery and blank rate. A hazard that rises with
    the concentration within the positive breaks the first one.

    References
    ----------
    .. [1] Murphy SA, van der Vaart AW (2000). On profile likelihood. J Am Stat Assoc 95:449-465.
    .. [2] Prentice RL (1982). Covariate measurement errors and parameter estimation in a failure
       time regression model. Biometrika 69:331-342.

    Examples
    --------
    >>> from ashworth.enumeration import NegativeBinomial
    >>> rng = np.random.default_rng(1)
    >>> prior = NegativeBinomial(mean=0.5, size=0.6)
    >>> true = prior.draw(400, rng)
    >>> cells = rng.poisson(7.5 * true)
    >>> time = rng.exponential(1 / np.where(true >= 5 / 7.5, 3.0, 1.0))
    >>> found = regression_dilution(time, np.ones(400), cells, 7.5, minimum_count=5,
    ...                             concentration=5 / 7.5, population=prior)
    >>> bool(found.attenuation < 1.0)
    True
    """
    check_level(level)
    check_number(minimum_count, "minimum_count", "a whole number, 1 or more")
    check_number(concentration, "concentration", "cells per unit of the denominator, above 0")
    prior, measured, covariance = _prior(population, measurement)
    others = np.zeros((np.asarray(time).size, 0)) if covariates is None else covariates
    data = read_cox_data(
        "regression_dilution", time, event, others, names=names, entry=None, strata=strata,
        cluster=None, weights=None, offset=None, tie_tolerance=tie_tolerance,
    )  # fmt: skip
    counts = _read_counts(n_cells, denominator, concentration, measured, data.time.size)
    called = counts.cells >= minimum_count if positive is None else _called(positive)
    if called.shape != data.time.shape:
        raise EstimationError(
            f"regression_dilution: positive has {called.size} values; allowed: {data.time.size}"
        )
    options = {
        "minimum_count": minimum_count, "concentration": float(concentration),
        "recovery": measured.recovery, "blank_rate": measured.blank_rate,
        "population_estimated": covariance is not None, "strata": strata is not None,
        "tie_tolerance": tie_tolerance, "level": float(level),
    }  # fmt: skip
    return _estimate(data, counts, called, prior, covariance, options)


def _called(positive: Any) -> NDArray[np.bool_]:
    """Observed status as given: 0 or 1, never missing."""
    faults = Faults("regression_dilution")
    values = numbers(positive, "positive", faults)
    wrong = (values != 0.0) & (values != 1.0)
    remedy = "leave out patients without a status, and count them, before the call"
    faults.rows(wrong, "positive", "values other than 0 and 1", "0, 1, False or True", remedy)
    faults.stop()
    return values == 1.0


def _estimate(
    data: CoxData, counts: _Counts, called: NDArray[np.bool_], prior: Population,
    covariance: Floats | None, options: dict[str, Any],
) -> RegressionDilution:  # fmt: skip
    """The three estimates."""
    if called.all() or not called.any():
        which = "positive" if called.all() else "negative"
        raise EstimationError(f"regression_dilution: all {called.size} patients are {which}")
    probability = counts.probability(prior)
    observed = _plain(data, called.astype(float), options)
    calibrated = _plain(data, probability, options)
    start = np.concatenate(
        [[np.clip(calibrated[0], -3.0, 3.0)], np.zeros(data.covariates.shape[1])]
    )
    centred, scale = _standardised(data)
    likelihood = LatentStatusLikelihood(centred, probability)
    theta, at, information = likelihood.maximise(start)
    variance, extra = _variance(information), 0.0
    if covariance is not None:
        extra = _sensitivity_to_population(centred, counts, prior, covariance, theta)
    estimates = (observed, calibrated, (float(theta[0]), float(np.sqrt(variance + extra))))
    return _result(
        data, counts, called, probability, estimates, extra, at, theta[1:] / scale, prior, options
    )


def _standardised(data: CoxData) -> tuple[CoxData, Floats]:
    """Centre and scale the covariates."""
    x = data.covariates
    scale = x.std(axis=0)
    return (
        CoxData(
            data.time, data.event, None, (x - x.mean(axis=0)) / scale, data.stratum,
            data.stratum_labels, None, None, None, data.names, data.rows,
        ),
        scale,
    )  # fmt: skip


def _result(
    data: CoxData, counts: _Counts, called: NDArray[np.bool_], probability: Floats,
    estimates: Sequence[tuple[float, float]], extra: float, at: Profile, others: Floats,
    prior: Population, options: dict[str, Any],
) -> RegressionDilution:  # fmt: skip
    """Put the result together."""
    found = np.array(estimates)
    wrong = np.where(called, 1.0 - probability, probability)
    right = 1.0 - wrong
    return RegressionDilution(
        ANALYSES, found[:, 0], found[:, 1], extra, float(found[0, 0] / found[2, 0]), called,
        probability, wrong, at.posterior,
        _share(right[called], probability), _share(right[~called], 1.0 - probability),
        float(right[called].mean()), float(right[~called].mean()), data.names, others,
        counts.concentration, prior.describe(), data.time.size,
        int(np.count_nonzero(data.event)), options["level"],
        "Cox model of a latent status, semiparametric maximum likelihood, Breslow ties", options,
        __version__,
    )  # fmt: skip
