"""Likelihood of a frailty's variance, all else profiled out, and its maximum.

Gamma: the marginal likelihood in closed form, with the baseline hazard profiled out.
Gaussian: the integrated partial likelihood by Laplace's approximation, as in coxme.

References
----------
.. [1] Therneau TM, Grambsch PM, Pankratz VS (2003). Penalized survival models and frailty.
   J Comput Graph Stat 12:156-175.
.. [2] Ripatti S, Palmgren J (2000). Estimation of multivariate frailty models using penalized
   partial likelihood. Biometrics 56:1016-1022.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from ashworth.errors import EstimationError
from ashworth.survival.frailty.penalised import FrailtyProblem, PenalisedFit
from ashworth.survival.inputs import Floats

_SMALLEST = 1e-7
_GRID = tuple(float(v) for v in 10.0 ** np.arange(-4.0, 2.01, 0.5))
_H = 0.01
_LARGEST = 1e4


class VarianceProfile:
    """Marginal log likelihood as a function of the variance.

    Parameters
    ----------
    problem : FrailtyProblem
        The penalised problem.
    start : ndarray, shape (p + G,)
        The Cox fit without frailty; log frailties 0.
    """

    def __init__(self, problem: FrailtyProblem, start: Floats) -> None:
        self.problem, self.start = problem, start
        self.null = problem.at(start)
        self._fits: dict[float, PenalisedFit] = {}
        deaths = problem.events
        ends = np.cumsum(deaths)
        self._ranks = np.arange(int(deaths.sum())) - np.repeat(ends - deaths, deaths)

    def fit(self, variance: float) -> PenalisedFit:
        """Penalised fit, from the nearest one that is known."""
        if variance not in self._fits:
            near = min(self._fits, key=lambda v: abs(np.log(v / variance)), default=None)
            start = self.start if near is None else self._fits[near].point
            self._fits[variance] = self.problem.fit(variance, start)
        return self._fits[variance]

    def value(self, variance: float) -> float:
        """Marginal log likelihood, on the scale of the partial likelihood at variance 0."""
        if variance == 0.0:
            return self.null.value
        fit = self.fit(variance)
        penalised = fit.at.value - self.problem.penalty(fit.point, variance)[0]
        if self.problem.distribution == "gamma":
            return penalised + self._gamma_term(1.0 / variance)
        block = fit.at.information[self.problem.p :, self.problem.p :]
        spread = np.eye(block.shape[0]) + variance * block
        return penalised - 0.5 * float(np.linalg.slogdet(spread)[1])

    def _gamma_term(self, nu: float) -> float:
        """What integrating gamma frailties adds to the penalised likelihood."""
        d = self.problem.events
        ranks = np.log1p(self._ranks / nu).sum()
        return float((d - (nu + d) * np.log1p(d / nu)).sum() + ranks)

    def slope(self, variance: float) -> float:
        """Derivative of `value` by the log of the variance."""
        if self.problem.distribution == "gamma":
            return self._gamma_slope(variance)
        up, down = self.value(variance * np.exp(_H)), self.value(variance * np.exp(-_H))
        up2, down2 = self.value(variance * np.exp(2 * _H)), self.value(variance * np.exp(-2 * _H))
        return (8.0 * (up - down) - (up2 - down2)) / (12.0 * _H)

    def _gamma_slope(self, variance: float) -> float:
        """Explicit derivative: what is maximised has none."""
        w, nu, d = self.fit(variance).point[self.problem.p :], 1.0 / variance, self.problem.events
        by_nu = (w - np.expm1(w)).sum() + (d / nu - np.log1p(d / nu)).sum()
        by_nu -= (self._ranks / (nu * (nu + self._ranks))).sum()
        return -nu * float(by_nu)

    def _rises_from_zero(self) -> bool:
        """Whether the likelihood rises where the variance leaves 0."""
        if self.problem.distribution == "gamma":
            return self._gamma_slope(_SMALLEST) > 0.0
        p = self.problem.p
        score, information = self.null.score[p:], self.null.information[p:, p:]
        return float(score @ score - information.trace()) > 0.0

    def maximum(self) -> float:
        """Variance of the largest likelihood; 0 where none is larger than that at 0.

        Raises
        ------
        EstimationError
            If the likelihood still rises at a variance of 100.
        """
        values = np.array([self.value(v) for v in _GRID])
        best = int(values.argmax())
        if best == len(_GRID) - 1:
            raise EstimationError(
                f"frailty_cox: the likelihood still rises at variance {_GRID[-1]:g}; groups hardly "
                "share risk sets, or the frailty is confounded with a covariate"
            )
        if values[best] <= self.null.value:
            if not self._rises_from_zero():
                return 0.0
            best = 0
        low = np.log(_SMALLEST if best == 0 else _GRID[best - 1])
        high = np.log(_GRID[best + 1])
        if self.slope(float(np.exp(low))) > 0.0:
            root = brentq(lambda s: self.slope(float(np.exp(s))), low, high, xtol=1e-12)
            return float(np.exp(root))  # pyrefly: ignore[bad-argument-type]
        found = minimize_scalar(
            lambda s: -self.value(float(np.exp(s))), bounds=(low, high), method="bounded",
            options={"xatol": 1e-8},
        )  # fmt: skip
        return float(np.exp(found.x))

    def limits(self, variance: float, quantile: float) -> tuple[float, float]:
        """Variances at which twice the log likelihood has fallen by `quantile`."""
        top = self.value(variance)

        def excess(log_variance: float) -> float:
            return 2.0 * (top - self.value(float(np.exp(log_variance)))) - quantile

        lower, inside = 0.0, np.log(max(variance, _SMALLEST))
        if 2.0 * (top - self.null.value) > quantile:
            lower = float(np.exp(brentq(excess, np.log(_SMALLEST), inside, xtol=1e-11)))
        near, far = inside, max(inside, np.log(_GRID[0])) + 0.5
        while excess(far) <= 0.0:
            near, far = far, far + 0.5
            if far > np.log(_LARGEST):
                return lower, float("inf")
        return lower, float(np.exp(brentq(excess, near, far, xtol=1e-11)))
