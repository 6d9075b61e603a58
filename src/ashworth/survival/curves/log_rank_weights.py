"""Weights of the log-rank family: one number per event time of a stratum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, check_number, check_option

Weighting = Literal["fleming-harrington", "tarone-ware", "gehan-breslow", "modestly-weighted"]
WEIGHTINGS = ("fleming-harrington", "tarone-ware", "gehan-breslow", "modestly-weighted")


@dataclass(frozen=True, slots=True)
class TimeWeights:
    """A checked choice of weights.

    Attributes
    ----------
    kind : str
        One of `WEIGHTINGS`.
    rho, gamma : float
        Powers of S and 1 - S for ``"fleming-harrington"``, else 0.
    delay : float or None
        Time t* of ``"modestly-weighted"``.
    """

    kind: str
    rho: float = 0.0
    gamma: float = 0.0
    delay: float | None = None

    @property
    def equal(self) -> bool:
        """Whether every time has weight 1."""
        return self.kind == "fleming-harrington" and self.rho == 0.0 and self.gamma == 0.0

    @property
    def method(self) -> str:
        """Name of the test for people."""
        if self.kind == "fleming-harrington" and self.gamma:
            return f"Fleming-Harrington ({self.rho:g}, {self.gamma:g})"
        names = {
            "fleming-harrington": "log-rank" if self.rho == 0.0 else "G-rho",
            "tarone-ware": "Tarone-Ware",
            "gehan-breslow": "Gehan-Breslow",
            "modestly-weighted": "modestly weighted log-rank",
        }
        return names[self.kind]

    def at(self, deaths: Floats, at_risk: Floats, time: Floats) -> Floats:
        """Weights at the event times of one stratum, from the pooled numbers, shape (u,)."""
        if self.equal:
            return np.ones_like(deaths)
        if self.kind == "gehan-breslow":
            return at_risk
        if self.kind == "tarone-ware":
            return np.sqrt(at_risk)
        before, after = pooled_survival(deaths, at_risk)
        if self.kind == "modestly-weighted":
            assert self.delay is not None
            reached = int(np.searchsorted(time, self.delay, side="right"))
            floor = after[reached - 1] if reached else 1.0
            with np.errstate(divide="ignore"):
                return 1.0 / np.maximum(before, floor)
        return before**self.rho * (1.0 - before) ** self.gamma


def pooled_survival(deaths: Floats, at_risk: Floats) -> tuple[Floats, Floats]:
    """Kaplan-Meier survival of all groups just before and just after each event time."""
    after: Floats = np.cumprod(1.0 - deaths / at_risk, dtype=np.float64)
    return np.concatenate([[1.0], after])[:-1], after


def time_weights(kind: Any, rho: Any, gamma: Any, delay: Any) -> TimeWeights:
    """Check the options of a weighted test together.

    Raises
    ------
    EstimationError
        For an unknown name, powers that are no numbers or negative `gamma`, powers given to
        weights that have none, and a missing or needless `delay`.
    """
    check_option(kind, "weighting", WEIGHTINGS)
    rho = check_number(rho, "rho", "a number: 0 log-rank, 1 Peto")
    gamma = check_number(gamma, "gamma", "a number, 0 or more")
    if gamma < 0.0:
        raise EstimationError(f"gamma is {gamma:g}; allowed: 0 or more (1 - S is 0 at the start)")
    if kind != "fleming-harrington" and (rho != 0.0 or gamma != 0.0):
        raise EstimationError(
            f"rho={rho:g}, gamma={gamma:g} with weighting={kind!r}; allowed: 0, or "
            "weighting='fleming-harrington'"
        )
    if kind != "modestly-weighted":
        if delay is not None:
            raise EstimationError(
                f"delay is {delay!r} with weighting={kind!r}; allowed: only with "
                "weighting='modestly-weighted'"
            )
        return TimeWeights(kind, rho, gamma)
    if delay is None:
        raise EstimationError(
            "weighting='modestly-weighted' without delay; give the time until which the weights "
            "rise, in the unit of time"
        )
    check_number(delay, "delay", "a time, 0 or later")
    if delay < 0.0:
        raise EstimationError(f"delay is {delay!r}; allowed: a time, 0 or later")
    return TimeWeights(kind, delay=float(delay))
