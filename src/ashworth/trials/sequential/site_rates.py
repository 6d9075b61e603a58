"""Gamma rates of sites: fitted to counts, updated by them, summed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .recursion import Floats, root

MOST_ALIKE = 1e5
JEFFREYS = 0.5


@dataclass(frozen=True, slots=True)
class RatePrior:
    """Gamma distribution of rates between sites.

    Attributes
    ----------
    mean, cv : float
        Mean, and coefficient of variation; 0 for sites alike.
    patients, days : float
        Where sites alike were fitted: patients and exposure that the common rate rests on.
    """

    mean: float
    cv: float
    patients: float = 0.0
    days: float = 0.0

    def shapes_and_rates(self, counts: Floats, exposure: Floats) -> tuple[Floats, Floats]:
        """Parameters of each site's gamma distribution given its count."""
        shape = self.cv**-2
        return shape + counts, shape / self.mean + exposure

    def sums(
        self, rng: np.random.Generator, counts: Floats, exposure: Floats, new: int, repeats: int
    ) -> tuple[Floats, Floats]:
        """Summed rate of the sites, shape (repeats,), and rates of new sites, (repeats, new)."""
        if self.cv == 0.0:
            common = np.full(repeats, self.mean)
            if self.days > 0:
                common = rng.gamma(self.patients + JEFFREYS, size=repeats) / self.days
            return common * len(counts), np.repeat(common[:, None], new, axis=1)
        rates = self.posterior(rng, counts, exposure, repeats)
        nothing = np.zeros(new)
        return rates.sum(axis=1), self.posterior(rng, nothing, nothing, repeats)

    def posterior(
        self, rng: np.random.Generator, counts: Floats, exposure: Floats, repeats: int
    ) -> Floats:
        """Rates drawn given the counts, shape (repeats, sites)."""
        shape, rate = self.shapes_and_rates(counts, exposure)
        return rng.gamma(shape, size=(repeats, len(counts))) / rate

    def mean_inverse_rate(self, counts: Floats, exposure: Floats) -> float:
        """Mean of one over the sum of rates, given the counts; infinite where there is none."""
        from scipy.integrate import quad

        if self.cv == 0.0:
            least = self.patients + JEFFREYS - 1.0
            common = self.days / least if self.days > 0 else 1.0 / self.mean
            return common / len(counts)
        shape, rate = self.shapes_and_rates(counts, exposure)
        if shape.sum() <= 1.0:
            return math.inf
        if np.ptp(rate) <= 1e-12 * rate.max():
            return float(rate[0] / (shape.sum() - 1.0))
        unit = 1.0 / float((shape / rate).sum())

        def transform(u: float) -> float:
            """Laplace transform at s = unit u / (1 - u), with the change of variable."""
            s = unit * u / (1.0 - u)
            return math.exp(-float(shape @ np.log1p(s / rate))) * unit / (1.0 - u) ** 2

        return float(quad(transform, 0.0, 1.0, epsabs=0.0, epsrel=1e-10, limit=200)[0])


def prior_from_sites(counts: Floats, exposure: Floats) -> RatePrior:
    """Maximum likelihood of negative binomial counts; sites alike where they vary no more."""
    from scipy.optimize import minimize_scalar

    counts, exposure = counts[exposure > 0], exposure[exposure > 0]

    def loss(log_shape: float) -> float:
        shape = math.exp(log_shape)
        return -log_likelihood(counts, exposure, mean_given_shape(counts, exposure, shape), shape)

    best = minimize_scalar(loss, bounds=(-5.0, math.log(MOST_ALIKE)), method="bounded",
                           options={"xatol": 1e-8})  # fmt: skip
    pooled = float(counts.sum() / exposure.sum())
    if best.fun >= loss(math.log(MOST_ALIKE)) - 1e-6 or math.exp(best.x) > MOST_ALIKE / 10:
        return RatePrior(pooled, 0.0, float(counts.sum()), float(exposure.sum()))
    shape = math.exp(best.x)
    return RatePrior(mean_given_shape(counts, exposure, shape), shape**-0.5)


def mean_given_shape(counts: Floats, exposure: Floats, shape: float) -> float:
    """Root of the score of the mean rate."""
    rates = counts / exposure

    def score(mean: float) -> float:
        return float(((counts - mean * exposure) / (1.0 + mean * exposure / shape)).sum())

    low, high = float(rates.min()), float(rates.max())
    return low if high - low <= 1e-12 * high else root(score, low, high)


def log_likelihood(counts: Floats, exposure: Floats, mean: float, shape: float) -> float:
    """Log likelihood of negative binomial counts, without the factorials."""
    from scipy.special import gammaln

    expected = mean * exposure
    part = gammaln(shape + counts) - gammaln(shape) - shape * np.log1p(expected / shape)
    return float((part + counts * np.log(expected / (shape + expected))).sum())
