"""What theory expects of a simulated design: the log-rank statistic on whole days.

The same sums as Lakatos's (1988, Biometrics 44:229-241), with days as steps and mixtures of
hazards within the arms: per patient the score has mean ``U`` and variance ``V``, and the statistic
of n patients is close to normal with mean ``sqrt(n) U / sqrt(V)`` and variance 1.
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
        Per patient, at the null hazard ratio of the design.
    limit_hazard_ratio : float
        The hazard ratio at which the expected score is 0: what a Cox model estimates.
    """

    mean: float
    variance: float
    events: float
    limit_hazard_ratio: float

    def power(self, n: float, alpha: float, sided: int) -> float:
        """Probability of a significant benefit (statistic below -z)."""
        drift = -math.sqrt(n) * self.mean / math.sqrt(self.variance)
        return float(ndtr(drift - ndtri(1 - alpha / sided)))

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
    return ExpectedScore(mean, variance, float(events.sum()), _limit(at_risk, events))


def _default_shares(design: SurvivalDesign) -> Floats:
    total = sum(design.ratio)
    return np.diag([design.ratio[0] / total, design.ratio[1] / total])


def _room(design: SurvivalDesign, cut: int, days: Floats) -> Floats:
    """Share of the patients whose entry leaves room for a day of follow-up.

    The day of entry is the whole part of the time of entry.
    """
    entered = np.clip(cut - days + 1, 0, None)
    return np.interp(entered, design.accrual_edges, design.accrual_share)


def _score(at_risk: Floats, events: Floats, ratio: float) -> tuple[float, float]:
    control, experimental = at_risk
    with np.errstate(invalid="ignore", divide="ignore"):
        share = ratio * experimental / (ratio * experimental + control)
    share = np.where(control + experimental > 0, share, 0.0)
    total = events.sum(axis=0)
    return float((events[1] - total * share).sum()), float((total * share * (1 - share)).sum())


def _limit(at_risk: Floats, events: Floats) -> float:
    if not (events.sum(axis=1) > 0).all():
        return math.nan
    root = brentq(lambda b: _score(at_risk, events, math.exp(b))[0], -20, 20, xtol=1e-12)
    return math.exp(float(root))  # type: ignore[arg-type]
