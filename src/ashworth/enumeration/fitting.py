"""A population fitted to a cohort by maximum likelihood, denominators as offsets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ashworth.enumeration.blanks import log_probability
from ashworth.enumeration.populations import (
    Family,
    Measurement,
    NegativeBinomial,
    PoissonLognormal,
    Population,
)
from ashworth.errors import EstimationError
from ashworth.version import __version__

Floats = NDArray[np.float64]
_STEP = 2e-3
_LARGEST_SIZE = 1e5


@dataclass(frozen=True, slots=True)
class FittedPopulation:
    """A population with the likelihood it was fitted by.

    Attributes
    ----------
    population : NegativeBinomial or PoissonLognormal
        The fit; concentrations in cells per unit of the denominator.
    measurement : Measurement
        Recovery and blank rate taken as known.
    log_likelihood : float
        At the maximum.
    covariance : ndarray, shape (2, 2)
        Of (log mean, log size) or (log mean, log of the log-sd): inverse observed information.
    n : int
        Patients in the fit.
    """

    population: Population
    measurement: Measurement
    log_likelihood: float
    covariance: Floats
    n: int
    method: str
    options: dict[str, float]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Columns parameter, estimate, log_standard_error (of the log, except `log_mean`)."""
        prior = self.population
        names = ("mean", "size") if isinstance(prior, NegativeBinomial) else ("log_mean", "log_sd")
        return pl.DataFrame(
            {
                "parameter": names,
                "estimate": [getattr(prior, name) for name in names],
                "log_standard_error": np.sqrt(np.diag(self.covariance)),
            }
        )


def fit_population(
    n_cells: ArrayLike,
    denominator: ArrayLike,
    *,
    family: Family = "negative_binomial",
    recovery: float = 1.0,
    blank_rate: float = 0.0,
) -> FittedPopulation:
    """Fit the population of true concentrations to one count per patient.

    Parameters
    ----------
    n_cells : array_like of int, shape (n,)
        Counts; one per patient.
    denominator : array_like of float, shape (n,) or scalar
        Amounts analysed; they may differ (offset log(amount)).
    family : {'negative_binomial', 'poisson_lognormal'}
        Gamma or lognormal concentrations.
    recovery, blank_rate : float
        Known constants of the laboratory, see `Measurement`.

    Returns
    -------
    FittedPopulation

    Raises
    ------
    EstimationError
        If all counts are 0, or the counts are no more dispersed than Poisson (the likelihood then
        has no maximum), or Newton's method does not converge.
    ValueError
        For negative counts, or denominators that are not positive.

    Notes
    -----
    Newton's method on two parameters with fourth-order differences of the log likelihood, to a
    step of 1e-9. Without blanks the negative binomial fit is that of R's
    ``MASS::glm.nb(y ~ offset(log(amount)))``.

    References
    ----------
    Venables WN, Ripley BD. Modern Applied Statistics with S, 2002, section 7.4.
    Aitchison J, Ho CH. Biometrika 1989;76:643 (Poisson-lognormal).

    Examples
    --------
    >>> fit = fit_population([0] * 26 + [1] * 6 + [2, 2, 3, 4, 5, 9, 17, 61], 1.0)
    >>> round(fit.population.mean, 4), round(fit.population.size, 5)
    (2.725, 0.13197)
    """
    counts, amounts, weights = _unique(n_cells, denominator)
    measurement = Measurement(recovery, blank_rate)
    if family not in ("negative_binomial", "poisson_lognormal"):
        raise ValueError(
            f"found family {family!r}; allowed: 'negative_binomial', 'poisson_lognormal'"
        )
    make = _negative_binomial if family == "negative_binomial" else _poisson_lognormal

    def log_likelihood(theta: Floats) -> float:
        return float(weights @ log_probability(counts, amounts, make(theta), measurement))

    theta = _maximise(log_likelihood, _start(counts, amounts, weights, measurement, family))
    hessian = _derivatives(log_likelihood, theta)[1]
    return FittedPopulation(
        population=make(theta),
        measurement=measurement,
        log_likelihood=log_likelihood(theta),
        covariance=np.asarray(np.linalg.inv(-hessian), dtype=np.float64),
        n=int(weights.sum()),
        method=f"{family}, maximum likelihood with log(denominator) as offset",
        options={"recovery": recovery, "blank_rate": blank_rate},
    )


def _negative_binomial(theta: Floats) -> Population:
    """Parameters from (log mean, log size)."""
    return NegativeBinomial(float(np.exp(theta[0])), float(np.exp(theta[1])))


def _poisson_lognormal(theta: Floats) -> Population:
    """Parameters from (log mean, log of the log-sd)."""
    return PoissonLognormal(float(theta[0]), float(np.exp(theta[1])))


def _unique(n_cells: ArrayLike, denominator: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Distinct pairs of count and amount with their frequency."""
    counts, amounts = np.broadcast_arrays(
        np.asarray(n_cells, dtype=float), np.asarray(denominator, dtype=float)
    )
    if np.any(counts < 0) or not np.all(amounts > 0) or np.any(counts != np.floor(counts)):
        raise ValueError("counts must be whole and >= 0, denominators > 0")
    if not np.any(counts > 0):
        raise EstimationError("no cell in any of the counts: a population cannot be fitted")
    pairs, frequency = np.unique(np.stack([counts, amounts]), axis=1, return_counts=True)
    return pairs[0], pairs[1], frequency.astype(float)


def _start(
    counts: Floats, amounts: Floats, weights: Floats, measurement: Measurement, family: Family
) -> Floats:
    """Moment estimates, kept inside sensible limits."""
    total = weights @ amounts
    seen = max(weights @ counts / total - measurement.blank_rate, 0.1 * weights @ counts / total)
    rate = seen / measurement.recovery
    means = amounts * (measurement.recovery * rate + measurement.blank_rate)
    excess = weights @ ((counts - means) ** 2 - means)
    signal = weights @ (amounts * measurement.recovery * rate) ** 2
    spread = float(np.clip(excess / signal, 0.05, 20.0))
    if family == "negative_binomial":
        return np.array([np.log(rate), -np.log(spread)])
    variance = np.log1p(spread)
    return np.array([np.log(rate) - variance / 2.0, 0.5 * np.log(variance)])


def _derivatives(function: Callable[[Floats], float], theta: Floats) -> tuple[Floats, Floats]:
    """Gradient and Hessian by fourth-order central differences."""
    h = _STEP
    near, far = np.eye(2) * h, np.eye(2) * 2.0 * h
    up, down = [function(theta + d) for d in near], [function(theta - d) for d in near]
    up2, down2 = [function(theta + d) for d in far], [function(theta - d) for d in far]
    middle = function(theta)
    first, second = np.empty(2), np.empty((2, 2))
    for i in range(2):
        first[i] = (8.0 * (up[i] - down[i]) - (up2[i] - down2[i])) / (12.0 * h)
        inner, outer = up[i] + down[i] - 2 * middle, up2[i] + down2[i] - 2 * middle
        second[i, i] = (16.0 * inner - outer) / (12.0 * h * h)
    both, cross = near[0] + near[1], near[0] - near[1]
    mixed = function(theta + both) + function(theta - both)
    mixed -= function(theta + cross) + function(theta - cross)
    second[0, 1] = second[1, 0] = mixed / (4.0 * h * h)
    return first, second


def _maximise(function: Callable[[Floats], float], theta: Floats) -> Floats:
    """Newton's method with step halving; the Hessian is made negative definite if need be."""
    value = function(theta)
    for _ in range(200):
        gradient, hessian = _derivatives(function, theta)
        roots, axes = np.linalg.eigh(-hessian)
        step = axes @ ((axes.T @ gradient) / np.maximum(np.abs(roots), 1e-8 + 1e-6 * roots.max()))
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-9:
            return theta + step
        theta, value, moved = _halve(function, theta, step, value)
        if abs(theta[1]) > np.log(_LARGEST_SIZE):
            raise EstimationError(
                "the counts are no more dispersed than Poisson (or hold a single large count): "
                "the likelihood of the population has no maximum; use prior 'none'"
            )
        if not moved:
            return theta
    raise EstimationError("the population's likelihood did not converge in 200 Newton steps")


def _halve(
    function: Callable[[Floats], float], theta: Floats, step: Floats, value: float
) -> tuple[Floats, float, bool]:
    """Shorten the step until the likelihood no longer falls."""
    for _ in range(40):
        trial = function(theta + step)
        if trial >= value - 1e-13 * abs(value):
            return theta + step, trial, True
        step = step / 2.0
    return theta, value, False
