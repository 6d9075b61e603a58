"""Bounds for efficacy and futility: solved look by look, or by one constant."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from .recursion import Floats, Paths, crossing, root
from .spending import Spender

MOST_DRIFT = 1e4


@dataclass(frozen=True, slots=True)
class EfficacyRule:
    """How the bound for efficacy comes about.

    Attributes
    ----------
    spender : Spender or None
        Spending function, where the bound spends.
    shape : float or None
        Wang & Tsiatis: bounds are proportional to t**(shape - 0.5).
    interim_z : float or None
        Haybittle & Peto: bound before the last look.
    fixed : tuple of float
        Bounds as given.
    """

    spender: Spender | None = None
    shape: float | None = None
    interim_z: float | None = None
    fixed: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class FutilityRule:
    """How the bound for futility comes about.

    Attributes
    ----------
    spender : Spender or None
        Spending function of beta.
    fixed : tuple of float
        Bounds as given, one per look before the last.
    binding : bool
        Whether the bound for efficacy counts on it.
    """

    spender: Spender | None = None
    fixed: tuple[float, ...] = ()
    binding: bool = False

    @property
    def exists(self) -> bool:
        """Whether there is a bound for futility at all."""
        return self.spender is not None or bool(self.fixed)


def upper_by_spending(
    times: Floats, spent: Floats, lower: Callable[[int, float], float]
) -> Floats:  # fmt: skip
    """Bounds that spend an error at drift 0, given the lower bound as a function of the upper."""
    upper = np.empty(len(times))
    steps = np.diff(spent, prepend=0.0)
    paths = Paths.from_origin(0.0)
    for k, time in enumerate(times):
        upper[k] = paths.z_exceeded(time, steps[k])
        if k + 1 < len(times):
            paths = paths.go_on(time, lower(k, upper[k]), upper[k], times[k + 1])
    return upper


def upper_alone(rule: EfficacyRule, times: Floats, spending_times: Floats, error: float,
                lower: Callable[[int, float], float]) -> Floats:  # fmt: skip
    """Bounds for efficacy where the lower bound is known beforehand."""
    if rule.fixed:
        return np.asarray(rule.fixed[: len(times)], dtype=np.float64)
    if rule.spender is not None:
        return upper_by_spending(times, rule.spender.cumulative(spending_times, error), lower)
    if rule.interim_z is not None:
        if spending_times[-1] < 1.0:
            return np.full(len(times), rule.interim_z)
        return _last_bound_solved(times, rule.interim_z, error, lower)
    shares = (times / times[-1]) ** (float(rule.shape or 0.0) - 0.5)

    def excess(constant: float) -> float:
        upper = constant * shares
        bottom = np.array([lower(k, u) for k, u in enumerate(upper)])
        return float(crossing(times, bottom, upper, 0.0)[0].sum()) / error - 1.0

    bonferroni = -float(ndtri(error / len(times))) / float(shares.min())
    return shares * root(excess, 0.0, bonferroni + 1e-3)


def _last_bound_solved(
    times: Floats, interim_z: float, error: float, lower: Callable[[int, float], float]
) -> Floats:  # fmt: skip
    paths, spent = Paths.from_origin(0.0), 0.0
    for k, time in enumerate(times[:-1]):
        spent += paths.above(time, interim_z)
        paths = paths.go_on(time, lower(k, interim_z), interim_z, times[k + 1])
    last = paths.z_exceeded(times[-1], error - spent)
    return np.array([interim_z] * (len(times) - 1) + [last])


def joint_bounds(
    times: Floats, alpha_spent: Floats, beta_spent: Floats, drift: float
) -> tuple[Floats, Floats]:
    """Bounds that spend alpha at drift 0 and beta at `drift`, each counting on the other.

    The last lower bound spends the last of beta; it meets the upper one at the right drift only.
    """
    upper, lower = np.empty(len(times)), np.empty(len(times))
    alpha, beta = np.diff(alpha_spent, prepend=0.0), np.diff(beta_spent, prepend=0.0)
    null, effect = Paths.from_origin(0.0), Paths.from_origin(drift)
    for k, time in enumerate(times):
        upper[k] = null.z_exceeded(time, alpha[k])
        lower[k] = min(effect.z_undercut(time, beta[k]), upper[k])
        if k + 1 < len(times):
            after = times[k + 1]
            null = null.go_on(time, lower[k], upper[k], after)
            effect = effect.go_on(time, lower[k], upper[k], after)
    return upper, lower


def lower_by_spending(times: Floats, spent: Floats, upper: Floats, drift: float) -> Floats:
    """Bounds for futility that spend beta at `drift` below known bounds for efficacy."""
    lower = np.empty(len(times))
    steps = np.diff(spent, prepend=0.0)
    paths = Paths.from_origin(drift)
    for k, time in enumerate(times):
        lower[k] = min(paths.z_undercut(time, steps[k]), upper[k])
        if k + 1 < len(times):
            paths = paths.go_on(time, lower[k], upper[k], times[k + 1])
    return lower


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that makes the bounds of a design.

    Attributes
    ----------
    efficacy, futility : EfficacyRule, FutilityRule
        The two rules.
    alpha : float
        Error of one side.
    beta : float
        1 - power.
    sided : int
        1 or 2; with 2 the lower bound mirrors the upper one and ends the trial as well.
    """

    efficacy: EfficacyRule
    futility: FutilityRule
    alpha: float
    beta: float
    sided: int

    def bounds(
        self, times: Floats, drift: float, spending_times: Floats | None = None,
        *, final: bool = True, upper: Floats | None = None,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Upper and lower z bounds at looks; at a final look the two meet, if there is futility.

        `upper`, where it is known already and does not depend on the drift, is not solved again.
        """
        clock = times if spending_times is None else spending_times
        if self._joint and self.efficacy.spender is not None:
            spent = self.efficacy.spender.cumulative(clock, self.alpha)
            upper, lower = joint_bounds(times, spent, self._beta_spent(clock), drift)
        else:
            if upper is None:
                upper = upper_alone(self.efficacy, times, clock, self.alpha, self._known_lower())
            lower = self._lower_below(upper, times, clock, drift)
        if final and self.futility.exists:
            lower[-1] = upper[-1]
        return upper, lower

    @property
    def _joint(self) -> bool:
        return self.futility.binding and self.futility.spender is not None

    def _beta_spent(self, clock: Floats) -> Floats:
        assert self.futility.spender is not None
        return self.futility.spender.cumulative(clock, self.beta)

    def _known_lower(self) -> Callable[[int, float], float]:
        if self.sided == 2:
            return lambda k, u: -u
        fixed = self.futility.fixed if self.futility.binding else ()
        return lambda k, u: min(fixed[k], u) if k < len(fixed) else -math.inf

    def _lower_below(
        self, upper: Floats, times: Floats, clock: Floats, drift: float
    ) -> Floats:  # fmt: skip
        if self.sided == 2:
            return -upper
        if self.futility.spender is not None:
            return lower_by_spending(times, self._beta_spent(clock), upper, drift)
        fixed = self.futility.fixed
        return np.array([min(fixed[k], u) if k < len(fixed) else -math.inf
                         for k, u in enumerate(upper)])  # fmt: skip

    def solve_drift(self, times: Floats, fixed_drift: float) -> float:
        """Drift at which the power is met, and with beta spending the two bounds too."""
        moving = self.futility.spender is not None
        known = None if self._joint else self.bounds(times, fixed_drift)[0]

        def lacking(drift: float) -> float:
            upper, lower = self.bounds(times, drift, upper=known)
            return 1.0 - self.beta - float(crossing(times, lower, upper, drift)[0].sum())

        low, high = fixed_drift * 0.25 if moving else 0.0, fixed_drift * 1.5
        while lacking(high) > 0 and high < MOST_DRIFT:
            high = 1.5 * high + 0.1
        return root(lacking, low, high)
