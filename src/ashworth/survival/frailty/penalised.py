"""The penalised partial likelihood of a shared frailty at a fixed variance.

Log frailties w of the groups stand in the linear predictor beside the covariates, and a penalty
keeps them near 0. The groups' indicators are columns of an ordinary Cox problem, so that ties,
strata and late entry are those of `ashworth.survival.cox`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Booleans, Floats, Integers
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.newton import evaluator
from ashworth.survival.proportional_hazards.twin import Likelihood

Distribution = Literal["gamma", "gaussian"]
_STEPS = 100
_HALVINGS = 30
_SMALL = 1e-7


@dataclass(frozen=True, slots=True)
class PenalisedFit:
    """Maximum of the penalised partial likelihood at one variance.

    Attributes
    ----------
    variance : float
        Variance of the frailties.
    point : ndarray, shape (p + G,)
        Coefficients of the standardised covariates, then log frailties.
    at : Likelihood
        Partial likelihood there: score and information by coefficients and log frailties.
    curvature : ndarray, shape (p + G, p + G)
        Information plus the penalty's curvature.
    """

    variance: float
    point: Floats
    at: Likelihood
    curvature: Floats


class FrailtyProblem:
    """A sorted Cox problem whose last columns are the groups' indicators.

    Parameters
    ----------
    design : CoxDesign
        Covariates and indicators, p + G columns.
    n_covariates : int
        p.
    group_events : ndarray, shape (G,)
        Events per group.
    distribution : {"gamma", "gaussian"}
        Of the frailty: gamma with mean 1, or normal on the log scale.
    efron : bool
        Efron's treatment of ties.

    Attributes
    ----------
    informative : ndarray of bool, shape (G,)
        Groups that share a stratum with another one. A group alone in its strata says nothing
        about its frailty, which the baseline hazards absorb.
    """

    def __init__(
        self, design: CoxDesign, n_covariates: int, group_events: Integers,
        distribution: Distribution, *, efron: bool,
    ) -> None:  # fmt: skip
        self.p, self.distribution = n_covariates, distribution
        self.group_scale = design.scale[n_covariates:]
        self.informative: Booleans = self.group_scale > 0.0
        self.events = np.where(self.informative, group_events, 0)
        self._units = np.concatenate([np.ones(n_covariates), self.group_scale])
        self._evaluate = evaluator(design, efron=efron)

    def at(self, point: Floats) -> Likelihood:
        """Partial likelihood in units of standardised covariates and log frailties."""
        units = self._units
        there = self._evaluate(point * units)
        return Likelihood(
            there.value, there.score * units, there.information * np.outer(units, units),
            there.gram_diagonal * units**2,
        )  # fmt: skip

    def penalty(self, point: Floats, variance: float) -> tuple[float, Floats, Floats]:
        """Penalty of the log frailties, its slope and its curvature, shapes (), (G,), (G,)."""
        w = point[self.p :]
        if self.distribution == "gaussian":
            return float(w @ w) / (2.0 * variance), w / variance, np.full(w.size, 1.0 / variance)
        away = np.expm1(w)
        return float((away - w).sum()) / variance, away / variance, np.exp(w) / variance

    def fit(self, variance: float, start: Floats) -> PenalisedFit:
        """Newton's method from `start`, to a last step that is negligible."""
        point, here = start.copy(), self.at(start)
        for _ in range(_STEPS):
            cost, slope, bend = self.penalty(point, variance)
            curvature = here.information.copy()
            curvature.flat[self.p * (curvature.shape[0] + 1) :: curvature.shape[0] + 1] += bend
            gradient = here.score.copy()
            gradient[self.p :] -= slope
            step: Floats = np.asarray(cho_solve(cho_factor(curvature), gradient))
            length = float(np.sqrt(max(step @ gradient, 0.0)))
            if length < _SMALL:
                point = point + step
                return self._finish(point, variance)
            point, here = self._advance(point, here, cost, step, variance)
        raise EstimationError(
            f"frailty_cox: no maximum at variance {variance:g} in {_STEPS} steps; look for extreme "
            "values of the covariates"
        )

    def _advance(
        self, point: Floats, here: Likelihood, cost: float, step: Floats, variance: float
    ) -> tuple[Floats, Likelihood]:
        """Move along the step, halved until the penalised likelihood does not fall."""
        floor = here.value - cost - 1e-11 * (1.0 + abs(here.value))
        for halving in range(_HALVINGS):
            trial = point + step * 0.5**halving
            there = self.at(trial)
            if there.value - self.penalty(trial, variance)[0] >= floor:
                return trial, there
        raise EstimationError(
            f"frailty_cox: the penalised likelihood cannot be raised at variance {variance:g}"
        )

    def _finish(self, point: Floats, variance: float) -> PenalisedFit:
        """Evaluate at the maximum."""
        here = self.at(point)
        curvature = here.information.copy()
        bend = self.penalty(point, variance)[2]
        curvature.flat[self.p * (curvature.shape[0] + 1) :: curvature.shape[0] + 1] += bend
        return PenalisedFit(variance, point, here, curvature)
