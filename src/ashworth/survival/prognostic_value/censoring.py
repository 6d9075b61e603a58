"""The censoring distribution that inverse probability weights need, and what each row does to it.

Events come before censorings at equal times, so a death is not at risk of being censored at its
own time: ``G(t-)`` of an event leaves out the censorings at t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Booleans, Floats


@dataclass(frozen=True, slots=True)
class Censoring:
    """Kaplan-Meier estimate of staying uncensored.

    Attributes
    ----------
    time : ndarray, shape (c,)
        Distinct times with censorings, rising.
    at_risk, censored, survival : ndarray, shape (c,)
        (Weighted) numbers at risk of being censored, censorings, and the curve just after.
    followed : ndarray, shape (c,)
        Numbers followed up to each time, those with an event then included.
    """

    time: Floats
    at_risk: Floats
    followed: Floats
    censored: Floats
    survival: Floats

    def before(self, times: Floats) -> Floats:
        """The curve just before each time."""
        return self._value(np.searchsorted(self.time, times, side="left"))

    def at(self, times: Floats) -> Floats:
        """The curve just after each time."""
        return self._value(np.searchsorted(self.time, times, side="right"))

    def at_with_ties_together(self, times: Floats) -> Floats:
        """Another curve, just after each time: the dead of a time are at risk of its censorings."""
        curve = np.cumprod(1.0 - self.censored / self.followed)
        return np.concatenate([[1.0], curve])[np.searchsorted(self.time, times, side="right")]

    def _value(self, place: np.ndarray) -> Floats:
        return np.concatenate([[1.0], self.survival])[place]

    def influence(
        self, time: Floats, censored: Booleans, later: Floats, *, martingale: bool = False
    ) -> Floats:
        r"""Derivative of a sum of ``-log G`` with respect to each row's weight.

        Parameters
        ----------
        time, censored : ndarray, shape (n,)
            The rows.
        later : ndarray, shape (c,)
            Per censoring time, the sum of the factors of those terms whose G includes it.
        martingale : bool
            Take the first-order form of the counting process, with R = `followed` for both Y and
            Y - C, as riskRegression does, instead of the derivative itself.

        Returns
        -------
        ndarray, shape (n,)

        Notes
        -----
        With Y at risk and C censored at each time,
        :math:`-\partial \log G(t)/\partial w_k = \sum_{c \le t} (dN_k - Y_k C/Y) / (Y - C)`.
        """
        at_risk = self.followed if martingale else self.at_risk
        left = at_risk if martingale else at_risk - self.censored
        step = np.divide(later, left, out=np.zeros_like(left), where=left > 0)
        passed = np.concatenate([[0.0], np.cumsum(step * self.censored / at_risk)])
        own = np.searchsorted(self.time, time, side="left")
        upto = np.searchsorted(self.time, time, side="right")
        if not martingale:
            upto = np.where(censored, upto, own)
        jump = np.concatenate([step, [0.0]])[np.where(censored, own, self.time.size)]
        return jump - passed[upto]


def censoring_curve(time: Floats, event: Booleans, weights: Floats | None = None) -> Censoring:
    """Estimate the censoring distribution of one sample without late entry.

    Parameters
    ----------
    time : ndarray, shape (n,)
        End of follow-up.
    event : ndarray of bool, shape (n,)
        True at an event of any kind.
    weights : ndarray, shape (n,), optional
        Case weights.
    """
    w = np.ones(time.size) if weights is None else weights
    distinct, place = np.unique(time[~event], return_inverse=True)
    censored = np.bincount(place, w[~event], minlength=distinct.size).astype(np.float64)
    order = np.argsort(time, kind="stable")
    mass = np.concatenate([[0.0], np.cumsum(w[order])])
    followed = mass[-1] - mass[np.searchsorted(time[order], distinct, side="left")]
    dead = event[order]
    deaths, dead_mass = time[order][dead], np.concatenate([[0.0], np.cumsum(w[order][dead])])
    tied = dead_mass[np.searchsorted(deaths, distinct, side="right")]
    tied -= dead_mass[np.searchsorted(deaths, distinct, side="left")]
    at_risk = np.maximum(followed - tied, censored)
    survival = np.cumprod(1.0 - np.divide(censored, at_risk, out=np.ones_like(at_risk),
                                          where=at_risk > 0))  # fmt: skip
    return Censoring(distinct, at_risk, followed, censored, survival)
