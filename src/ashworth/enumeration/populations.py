"""Populations of true concentrations, and how a measurement turns them into counts.

Patient i has a true concentration c_i (cells per unit of the denominator). A tube of amount v
gives N ~ Poisson(v (recovery c_i + blank_rate)): `recovery` is the wet laboratory's (spiked cells
found again), `blank_rate` the false positives per unit. Both are known constants here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaincc, gammaln, pdtr, xlogy

Floats = NDArray[np.float64]
Family = Literal["negative_binomial", "poisson_lognormal"]
_DROP = 42.0  # exp(-42) is below double precision of the integral
_NODES = 96
_LOG_ROOT_2PI = 0.5 * np.log(2.0 * np.pi)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What happens between the patient's blood or marrow and the count.

    Attributes
    ----------
    recovery : float
        Share of cells in the tube that are found, in (0, 1].
    blank_rate : float
        False positive cells per unit of the denominator, >= 0.

    Examples
    --------
    >>> Measurement(recovery=0.85).mean(concentration=1.0, amount=7.5)
    6.375
    """

    recovery: float = 1.0
    blank_rate: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.recovery <= 1 or self.blank_rate < 0:
            raise ValueError("need 0 < recovery <= 1 and blank_rate >= 0")

    def mean(self, concentration: float, amount: float) -> float:
        """Poisson mean of the count in this amount."""
        return amount * (self.recovery * concentration + self.blank_rate)


@dataclass(frozen=True, slots=True)
class NegativeBinomial:
    """Gamma distributed concentrations: counts are negative binomial.

    Attributes
    ----------
    mean : float
        Mean true concentration (cells per unit).
    size : float
        Shape of the gamma distribution (theta of R's `glm.nb`); small is zero-heavy.

    Examples
    --------
    >>> prior = NegativeBinomial(mean=3.0, size=0.25)
    >>> float(np.exp(prior.log_pmf(np.array([0.0]), np.array([1.0])))[0].round(6))
    0.52664
    """

    mean: float
    size: float
    family: ClassVar[Family] = "negative_binomial"

    def log_pmf(self, n: Floats, exposure: Floats) -> Floats:
        """Log probability of n found cells when Poisson means are exposure times c."""
        mu = exposure * self.mean
        k = self.size
        return (
            gammaln(n + k)
            - gammaln(k)
            - gammaln(n + 1.0)
            - k * np.log1p(mu / k)
            + xlogy(n, mu / (mu + k))
        )

    def tail(self, n: Floats, exposure: Floats, concentration: Floats) -> Floats:
        """P(c >= concentration | n): the posterior is Gamma(size + n, size / mean + exposure)."""
        return gammaincc(self.size + n, concentration * (self.size / self.mean + exposure))

    def next_below(
        self, n: Floats, exposure: Floats, cut: Floats, second: Floats, blanks: Floats
    ) -> Floats:
        """P(second count < cut | n found cells); the second signal is negative binomial."""
        shape = self.size + n
        rate = self.size / self.mean + exposure
        p = rate / (rate + second)
        out = np.zeros(np.broadcast(n, cut).shape)
        top = int(np.max(cut, initial=0)) if np.any(blanks > 0) else 1
        for b in range(top):
            left = cut - b
            chance = np.exp(xlogy(b, blanks) - blanks - gammaln(b + 1.0))
            out += np.where(left > 0, chance * betainc(shape, np.maximum(left, 1.0), p), 0.0)
        return out

    def describe(self) -> str:
        """Name and parameters for tables."""
        return f"negative_binomial(mean={self.mean:.6g}, size={self.size:.6g})"

    def draw(self, n: int, generator: np.random.Generator) -> Floats:
        """Draw n true concentrations."""
        return generator.gamma(self.size, self.mean / self.size, n)


@dataclass(frozen=True, slots=True)
class PoissonLognormal:
    """Lognormal concentrations: fewer zeros and a longer tail than the negative binomial.

    Integrals over log c run by Gauss-Legendre quadrature (96 nodes) over the interval in which
    the integrand, which is log-concave, is within exp(-42) of its maximum.

    Attributes
    ----------
    log_mean, log_sd : float
        Mean and standard deviation of the natural log of the concentration.

    Examples
    --------
    >>> prior = PoissonLognormal(log_mean=0.0, log_sd=1.0)
    >>> float(np.exp(prior.log_pmf(np.array([0.0]), np.array([1.0])))[0].round(4))
    0.3818
    """

    log_mean: float
    log_sd: float
    family: ClassVar[Family] = "poisson_lognormal"

    def log_pmf(self, n: Floats, exposure: Floats) -> Floats:
        """Log probability of n found cells when Poisson means are exposure times c."""
        n, exposure = np.broadcast_arrays(np.asarray(n, float), np.asarray(exposure, float))
        x, weights = self._nodes(n, exposure)
        peak, total = self._weigh(n, exposure, x, weights)
        constant = xlogy(n, exposure) - gammaln(n + 1.0) - np.log(self.log_sd) - _LOG_ROOT_2PI
        return constant + peak + np.log(total.sum(axis=-1))

    def tail(self, n: Floats, exposure: Floats, concentration: Floats) -> Floats:
        """P(c >= concentration | n)."""
        lower, upper = self._support(n, exposure)
        cut = np.clip(np.log(np.maximum(concentration, 1e-300)), lower, upper)
        masses = []
        for a, b in ((lower, cut), (cut, upper)):
            x, weights = _spread(a, b)
            masses.append(self._mass(n, exposure, x, weights))
        return masses[1] / (masses[0] + masses[1])

    def next_below(
        self, n: Floats, exposure: Floats, cut: Floats, second: Floats, blanks: Floats
    ) -> Floats:
        """P(second count < cut | n found cells), averaged over the posterior of c."""
        x, weights = self._nodes(n, exposure)
        _, mass = self._weigh(n, exposure, x, weights)
        mean = second[..., None] * np.exp(x) + blanks[..., None]
        below = np.where(cut[..., None] > 0, pdtr(np.maximum(cut[..., None] - 1.0, 0.0), mean), 0.0)
        return (mass * below).sum(axis=-1) / mass.sum(axis=-1)

    def describe(self) -> str:
        """Name and parameters for tables."""
        return f"poisson_lognormal(log_mean={self.log_mean:.6g}, log_sd={self.log_sd:.6g})"

    def draw(self, n: int, generator: np.random.Generator) -> Floats:
        """Draw n true concentrations."""
        return np.exp(generator.normal(self.log_mean, self.log_sd, n))

    def _log_integrand(self, n: Floats, exposure: Floats, x: Floats) -> Floats:
        """Log of Poisson(n; exposure e^x) times the normal density at x, up to a constant."""
        z = (x - self.log_mean) / self.log_sd
        return n * x - exposure * np.exp(x) - 0.5 * z * z

    def _mode(self, n: Floats, exposure: Floats) -> Floats:
        """Mode of the integrand, near enough to find its support, by bisection of the slope."""
        variance = self.log_sd**2
        low = np.full(n.shape, self.log_mean) - exposure * np.exp(self.log_mean) * variance
        low = np.maximum(low, self.log_mean - 40.0 * (1.0 + self.log_sd))
        high = np.full(n.shape, self.log_mean) + n * variance
        for _ in range(28):
            x = 0.5 * (low + high)
            slope = n - exposure * np.exp(np.minimum(x, 700.0)) - (x - self.log_mean) / variance
            low, high = np.where(slope > 0, x, low), np.where(slope > 0, high, x)
        return 0.5 * (low + high)

    def _support(self, n: Floats, exposure: Floats) -> tuple[Floats, Floats]:
        """Interval outside which the integrand is negligible."""
        mode = self._mode(n, exposure)
        floor = self._log_integrand(n, exposure, mode) - _DROP
        reach = self.log_sd * np.sqrt(2.0 * _DROP)
        ends = []
        for side in (-1.0, 1.0):
            inside, outside = np.zeros_like(mode), np.full_like(mode, reach)
            for _ in range(12):
                step = 0.5 * (inside + outside)
                above = self._log_integrand(n, exposure, mode + side * step) > floor
                inside, outside = np.where(above, step, inside), np.where(above, outside, step)
            ends.append(mode + side * outside)
        return ends[0], ends[1]

    def _nodes(self, n: Floats, exposure: Floats) -> tuple[Floats, Floats]:
        """Nodes and weights over the support, shape (..., 96)."""
        return _spread(*self._support(n, exposure))

    def _weigh(
        self, n: Floats, exposure: Floats, x: Floats, weights: Floats
    ) -> tuple[Floats, Floats]:
        """Log of the peak, and masses at the nodes relative to it."""
        logs = self._log_integrand(n[..., None], exposure[..., None], x)
        peak = logs.max(axis=-1)
        return peak, weights * np.exp(logs - peak[..., None])

    def _mass(self, n: Floats, exposure: Floats, x: Floats, weights: Floats) -> Floats:
        """Mass relative to the integrand's mode (the same for every part of one integral)."""
        logs = self._log_integrand(n[..., None], exposure[..., None], x)
        base = self._log_integrand(n, exposure, self._mode(n, exposure))
        return (weights * np.exp(logs - base[..., None])).sum(axis=-1)


Population = NegativeBinomial | PoissonLognormal


@cache
def _legendre() -> tuple[Floats, Floats]:
    """Nodes and weights on [-1, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


def _spread(lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Move the quadrature to [lower, upper]."""
    nodes, weights = _legendre()
    half = 0.5 * (upper - lower)[..., None]
    return 0.5 * (upper + lower)[..., None] + half * nodes, half * weights
