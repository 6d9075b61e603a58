"""Cox's likelihood when the status is not seen, only its probability before the outcome.

Semiparametric maximum likelihood: the baseline hazard has a jump at every event time, and each
patient's likelihood is the mixture of that with and that without the status. At fixed
coefficients the jumps are found by the EM algorithm; the score of the profile likelihood is then
the complete-data score at the posterior probabilities.

References
----------
.. [1] Murphy SA, van der Vaart AW (2000). On profile likelihood. J Am Stat Assoc 95:449-465.
.. [2] Zucker DM, Spiegelman D (2008). Corrected score estimation in the proportional hazards model
   with misclassified discrete covariates. Stat Med 27:1911-1933.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.proportional_hazards.order import find_cells

_INNER = 5_000
_OUTER = 60
_STEP = 1e-4
_TOLERANCE = 1e-9
_LARGEST = 12.0


@dataclass(frozen=True, slots=True)
class Profile:
    """The likelihood at given coefficients, the baseline hazard maximised.

    Attributes
    ----------
    value : float
        Profile log likelihood.
    score : ndarray, shape (p + 1,)
        By the log hazard ratio of the status, then by the covariates' coefficients.
    posterior : ndarray, shape (n,)
        Probability of the status given count and outcome.
    cumulative : ndarray, shape (n,)
        Cumulative baseline hazard at each patient's time.
    """

    value: float
    score: Floats
    posterior: Floats
    cumulative: Floats


class LatentStatusLikelihood:
    """Profile likelihood of n patients.

    Parameters
    ----------
    data : CoxData
        Checked rows without late entry and weights; `covariates` are the others than the status.
    probability : ndarray, shape (n,)
        Probability of the status before the outcome, in [0, 1].
    """

    def __init__(self, data: CoxData, probability: Floats) -> None:
        cells = find_cells(data.time, data.event, None, data.stratum, data.n_strata)
        first = cells.stratum_start
        own = np.zeros(data.time.size, np.int64) if data.stratum is None else data.stratum
        self._at_risk = cells.exit_cell >= first[own]
        self._cell = np.where(self._at_risk, cells.exit_cell, 0)
        self._deaths = cells.deaths.astype(float)
        self._stratum_start = first
        self._of_cell = np.repeat(np.arange(first.size - 1), np.diff(first))
        self.event = data.event.astype(float)
        self.x = data.covariates
        self.probability = probability
        with np.errstate(divide="ignore"):
            self._log_high, self._log_low = np.log(probability), np.log1p(-probability)
        self._logit = logit(probability)

    def _jumps(self, risk: Floats) -> tuple[Floats, Floats]:
        """Breslow's jumps, and the cumulative hazard at each patient's time."""
        leaving = np.bincount(self._cell, weights=risk * self._at_risk, minlength=self._deaths.size)
        later = np.concatenate([np.cumsum(leaving[::-1])[::-1], [0.0]])
        at_risk = later[:-1] - later[self._stratum_start[1:]][self._of_cell]
        jumps = self._deaths / at_risk
        total = np.concatenate([[0.0], np.cumsum(jumps)])
        since = total[1:] - total[self._stratum_start[:-1]][self._of_cell]
        return jumps, np.where(self._at_risk, since[self._cell], 0.0)

    def profile(self, theta: Floats, posterior: Floats | None = None) -> Profile:
        """Maximise over the baseline hazard.

        Parameters
        ----------
        theta : ndarray, shape (p + 1,)
            Log hazard ratio of the status, then the covariates' coefficients.
        posterior : ndarray, shape (n,), optional
            Where to start.
        """
        gamma, beta = float(theta[0]), theta[1:]
        reach = float(np.expm1(gamma))
        eta = self.x @ beta
        risk0 = np.exp(eta)
        share = self.probability if posterior is None else posterior
        for _ in range(_INNER):
            jumps, cumulative = self._jumps(risk0 * (1.0 + reach * share))
            fresh = expit(self._logit + self.event * gamma - cumulative * risk0 * reach)
            change = float(np.abs(fresh - share).max())
            share = fresh
            if change < 1e-13:
                break
        else:
            raise EstimationError("the baseline hazard did not converge in 5000 EM steps")
        positive = cumulative * risk0 * (1.0 + reach)
        by_status = share @ self.event - share @ positive
        residual = self.event - cumulative * risk0 * (1.0 + reach * share)
        value = self._value(eta, gamma, jumps, cumulative * risk0, positive)
        score = np.concatenate([[by_status], self.x.T @ residual])
        return Profile(value, score, share, cumulative)

    def _value(
        self, eta: Floats, gamma: float, jumps: Floats, without: Floats, positive: Floats
    ) -> float:
        """Log likelihood of the mixture."""
        log_jumps = float(self._deaths @ np.log(jumps))
        low = self._log_low - without
        high = self._log_high + self.event * gamma - positive
        return log_jumps + float(self.event @ eta) + float(np.logaddexp(low, high).sum())

    def information(self, theta: Floats, at: Profile) -> Floats:
        """Minus the derivative of the profile score, by central differences."""
        columns = []
        for k in range(theta.size):
            step = np.zeros(theta.size)
            step[k] = _STEP
            up = self.profile(theta + step, at.posterior).score
            down = self.profile(theta - step, at.posterior).score
            columns.append((down - up) / (2.0 * _STEP))
        matrix = np.stack(columns, axis=1)
        return (matrix + matrix.T) / 2.0

    def maximise(self, start: Floats) -> tuple[Floats, Profile, Floats]:
        """Coefficients, profile and information at the maximum.

        Raises
        ------
        EstimationError
            If the log hazard ratio runs away, or the information is not positive.
        """
        theta, at = start.copy(), self.profile(start)
        for _ in range(_OUTER):
            information = self.information(theta, at)
            step = _ascent(information, at.score)
            length = float(np.sqrt(max(step @ at.score, 0.0)))
            if length < _TOLERANCE:
                return theta, at, information
            theta, at = self._advance(theta, at, step)
            if abs(theta[0]) > _LARGEST:
                raise EstimationError(
                    "the hazard ratio of the true status runs away: the counts say too little "
                    "about who is truly positive, or all events are in one group"
                )
        raise EstimationError(f"the corrected hazard ratio did not converge in {_OUTER} steps")

    def _advance(self, theta: Floats, at: Profile, step: Floats) -> tuple[Floats, Profile]:
        """Step of at most 1, halved until the likelihood does not fall."""
        step = step / max(1.0, float(np.abs(step).max()))
        for halving in range(30):
            trial = theta + step * 0.5**halving
            there = self.profile(trial, at.posterior)
            if there.value >= at.value - 1e-10 * (1.0 + abs(at.value)):
                return trial, there
        raise EstimationError("the likelihood of the true status cannot be raised")


def _ascent(information: Floats, score: Floats) -> Floats:
    """Newton's step; along directions of wrong curvature its sign is turned."""
    roots, axes = np.linalg.eigh(information)
    size = np.maximum(np.abs(roots), 1e-6 * float(np.abs(roots).max()))
    return np.asarray(axes @ ((axes.T @ score) / size))
