"""One cumulative incidence curve: steps, limits, values at times, numbers at risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ashworth.survival.inputs import Floats
from ashworth.survival.results import normal_quantile

IncidenceInterval = Literal["log-log", "log", "plain"]
INCIDENCE_INTERVALS = ("log-log", "log", "plain")


@dataclass(frozen=True, slots=True)
class IncidenceValues:
    """Cumulative incidence at chosen times; NaN after the last follow-up unless nobody is free.

    Attributes
    ----------
    time, incidence, standard_error, lower, upper : ndarray, shape (t,)
        Times, incidence, its standard error and its limits.
    """

    time: Floats
    incidence: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class IncidenceCurve:
    """Aalen-Johansen curve of one cause in one group over its u distinct times.

    Attributes
    ----------
    cause : int
        Code of the event.
    time : ndarray, shape (u,)
        Ascending times at which someone leaves.
    at_risk, n_events, n_competing, n_censored : ndarray, shape (u,)
        (Weighted) numbers at risk just before, and events of the cause, of the other causes and
        censorings at each time.
    incidence, standard_error, lower, upper : ndarray, shape (u,)
        Probability to have had the event by each time, its standard error and limits. Before the
        first event the standard error is 0 and the limits are NaN.
    event_free : ndarray, shape (u,)
        Probability to be free of every event just after each time.
    n, events : float
        Rows and events of the cause (sums of weights with case weights).
    ci, level : str, float
        Kind and level of the limits.
    sorted_entry, entry_weight : ndarray
        Times of late entry and the weight that entered before each (empty without late entry).
    """

    cause: int
    time: Floats
    at_risk: Floats
    n_events: Floats
    n_competing: Floats
    n_censored: Floats
    incidence: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    event_free: Floats
    n: float
    events: float
    ci: str
    level: float
    sorted_entry: Floats
    entry_weight: Floats

    def incidence_at(self, times: Any) -> IncidenceValues:
        """Incidence at `times` (a number or a sequence), with limits."""
        at = np.atleast_1d(np.asarray(times, dtype=np.float64))
        place = np.searchsorted(self.time, at, side="right")
        gone = (at > self.time[-1]) & (self.event_free[-1] > 0)

        def step(values: Floats, start: float) -> Floats:
            return np.where(gone, np.nan, np.concatenate([[start], values])[place])

        return IncidenceValues(
            at, step(self.incidence, 0.0), step(self.standard_error, 0.0),
            step(self.lower, np.nan), step(self.upper, np.nan),
        )  # fmt: skip

    def quantile(self, q: float) -> float:
        """First time by which the incidence is at least `q`; NaN where it is not reached."""
        reached = np.flatnonzero(self.incidence >= q - 1e-12)
        return float(self.time[reached[0]]) if reached.size else float("nan")

    def risk_numbers(self, times: Any) -> tuple[Floats, Floats, Floats, Floats]:
        """At risk just before each time; censorings, events and competing events before it."""
        at = np.atleast_1d(np.asarray(times, dtype=np.float64))
        place = np.searchsorted(self.time, at, side="left")

        def before(values: Floats) -> Floats:
            return np.concatenate([[0.0], np.cumsum(values)])[place]

        censored, own, other = map(before, (self.n_censored, self.n_events, self.n_competing))
        entered = np.full(at.shape, self.n)
        if self.sorted_entry.size:
            place_in = np.searchsorted(self.sorted_entry, at, side="left")
            at_start = np.searchsorted(self.sorted_entry, 0.0, side="right")
            entered = self.entry_weight[np.maximum(place_in, at_start)]
        return entered - censored - own - other, censored, own, other


_ROUNDING = 1e-12


def incidence_limits(
    incidence: Floats, error: Floats, ci: str, level: float
) -> tuple[Floats, Floats]:
    """Limits of a probability from its standard error; NaN where it is 0, or 1 with ``log-log``.

    A sum of jumps that is 1 but for rounding counts as 1.
    """
    z, p = normal_quantile(level), np.where(incidence > 0, incidence, np.nan)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if ci == "plain":
            return np.maximum(p - z * error, 0.0), np.minimum(p + z * error, 1.0)
        relative = z * error / p
        if ci == "log":
            return p * np.exp(-relative), np.minimum(p * np.exp(relative), 1.0)
        inner = np.where(p < 1.0 - _ROUNDING, p, np.nan)
        half = relative / np.log(inner)
        return inner ** np.exp(-half), inner ** np.exp(half)
