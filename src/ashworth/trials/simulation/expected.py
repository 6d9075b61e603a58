"""What theory expects of a simulated design: the log-rank statistic on whole days.

The same sums as Lakatos's (1988, Biometrics 44:229-241), with days as steps and mixtures of
hazards within the arms: per patient the score has mean ``U`` and estimated variance ``V``, and the
statistic of n patients is close to normal with mean ``sqrt(n) U / sqrt(V)``. Its standard
deviation is 1 under the null hypothesis only; elsewhere it follows from the influence of one
patient on ``U / sqrt(V)`` (first-order expansion of the two sums and of the shares at risk in
them), arm by arm, since the sizes of the arms are given. At unequal allocation that matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from ashworth.trials.simulation.design import SurvivalDesign

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExpectedScore:
    """Moments of the score per patient on a calendar day.

    Attributes
    ----------
    mean, variance, events : float
        Per patient, at the null hazard ratio of the design; ties of a day lower the variance.
    spread : float
        Standard deviation of the statistic.
    limit_hazard_ratio : float
        The hazard ratio at which the expected score is 0: what a Cox model estimates.
    """

    mean: float
    variance: float
    events: float
    spread: float
    limit_hazard_ratio: float

    def power(self, n: float, alpha: float, sided: int) -> float:
        """Probability of a significant benefit (statistic below -z)."""
        drift = -math.sqrt(n) * self.mean / math.sqrt(self.variance)
        return float(ndtr((drift - ndtri(1 - alpha / sided)) / self.spread))

    def schoenfeld_power(
        self, n: float, null: float, share: float, alpha: float, sided: int
    ) -> float:
        """Schoenfeld's approximation with the expected events and the limit of the hazard ratio."""
        effect = math.log(null / self.limit_hazard_ratio)
        drift = effect * math.sqrt(n * self.events * share * (1 - share))
        return float(ndtr(drift - ndtri(1 - alpha / sided)))

    def freedman_power(self, n: float, share: float, alpha: float, sided: int) -> float:
        """Freedman's approximation likewise (superiority)."""
        ratio, hr = share / (1 - share), self.limit_hazard_ratio
        drift = math.sqrt(n * self.events * ratio) * (1 - hr) / (1 + ratio * hr)
        return float(ndtr(drift - ndtri(1 - alpha / sided)))


def expected_score(
    design: SurvivalDesign,
    *,
    shares: Floats | None = None,
    day: int | None = None,
) -> ExpectedScore:
    """Moments of the log-rank score on a calendar day.

    Parameters
    ----------
    design : SurvivalDesign
    shares : ndarray, shape (2, groups), optional
        Share of all patients by arm (control, experimental) and hazard group; by default the
        arms are the groups.
    day : int, optional
        Calendar day of the analysis; the latest by default.

    Examples
    --------
    >>> from ashworth.trials import survival_design
    >>> design = survival_design(n=800, hazard_ratio=0.75, control_per_month=[0.06, 0.04],
    ...     control_from_month=[0, 6], accrual_months=24, follow_up_months=12,
    ...     drop_out_per_month=0.005)
    >>> round(expected_score(design).power(800, 0.025, 1), 3)
    0.866
    """
    cut = design.latest if day is None else day
    days = np.arange(1, cut + 1, dtype=np.float64)
    by_arm = _default_shares(design) if shares is None else np.asarray(shares, dtype=np.float64)
    alive = np.exp(-design.hazards.integrated(np.concatenate([[0.0], days])))
    stay = np.exp(-design.drop_out * (days - 1)) * _room(design, cut, days)
    at_risk = by_arm @ alive[:, :-1] * stay
    events = by_arm @ (alive[:, :-1] - alive[:, 1:]) * stay
    mean, variance = _score(at_risk, events, design.null_hazard_ratio)
    spread = _spread(at_risk, events, by_arm.sum(axis=1), design.null_hazard_ratio)
    return ExpectedScore(mean, variance, float(events.sum()), spread, _limit(at_risk, events))


def _default_shares(design: SurvivalDesign) -> Floats:
    total = sum(design.ratio)
    return np.diag([design.ratio[0] / total, design.ratio[1] / total])


def _room(design: SurvivalDesign, cut: int, days: Floats) -> Floats:
    """Share of the patients whose entry leaves room for a day of follow-up.

    The day of entry is the whole part of the time of entry.
    """
    entered = np.clip(cut - days + 1, 0, None)
    return np.interp(entered, design.accrual_edges, design.accrual_share)


def _shares(at_risk: Floats, ratio: float) -> tuple[Floats, Floats]:
    """Share of the experimental arm, at the null hypothesis, and the weighted number at risk."""
    control, experimental = at_risk
    weighted = ratio * experimental + control
    share = np.divide(ratio * experimental, weighted, out=np.zeros_like(weighted),
                      where=weighted > 0)  # fmt: skip
    return share, weighted


def _untied(at_risk: Floats, events: Floats) -> Floats:
    """Factor of the variance for events that share a day."""
    total, seen = at_risk.sum(axis=0), events.sum(axis=0)
    return 1.0 - np.divide(seen, total, out=np.zeros_like(total), where=total > 0)


def _score(at_risk: Floats, events: Floats, ratio: float) -> tuple[float, float]:
    share, _ = _shares(at_risk, ratio)
    total = events.sum(axis=0)
    variance = total * share * (1 - share) * _untied(at_risk, events)
    return float((events[1] - total * share).sum()), float(variance.sum())


def _spread(at_risk: Floats, events: Floats, arms: Floats, ratio: float) -> float:
    """Standard deviation of the statistic, from one patient's influence on it.

    arms : shape (2,), shares of the arms.
    """
    mean, variance = _score(at_risk, events, ratio)
    if not variance > 0:
        return 1.0
    share, weighted = _shares(at_risk, ratio)
    by_arm = np.stack([-share, ratio * (1 - share)])
    moved = np.divide(by_arm, weighted, out=np.zeros_like(by_arm), where=weighted > 0)
    moved = moved * events.sum(axis=0)
    own = share * (1 - share) * _untied(at_risk, events)
    leave = at_risk - np.concatenate([at_risk[:, 1:], np.zeros((2, 1))], axis=1) - events
    total = 0.0
    for arm in (0, 1):
        score = -np.cumsum(moved[arm])
        estimate = np.cumsum((1 - 2 * share) * moved[arm])
        without = _on_statistic(score, estimate, mean, variance)
        having = _on_statistic(score + arm - share, estimate + own, mean, variance)
        first = float((having * events[arm] + without * leave[arm]).sum())
        second = float((having**2 * events[arm] + without**2 * leave[arm]).sum())
        total += second - first**2 / float(arms[arm])
    return math.sqrt(total)


def _on_statistic(score: Floats, estimate: Floats, mean: float, variance: float) -> Floats:
    """Influence on ``U / sqrt(V)`` from the influences on U and V."""
    return score / math.sqrt(variance) - mean / (2 * variance**1.5) * estimate


def _limit(at_risk: Floats, events: Floats) -> float:
    if not (events.sum(axis=1) > 0).all():
        return math.nan
    root = brentq(lambda b: _score(at_risk, events, math.exp(b))[0], -20, 20, xtol=1e-12)
    return math.exp(float(root))  # type: ignore[arg-type]
