"""One Kaplan-Meier curve: steps, limits, quantiles, restricted mean, numbers at risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import expit, logit

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats
from ashworth.survival.results import normal_quantile

Interval = Literal["plain", "log", "log-log", "logit", "arcsin"]
INTERVALS = ("plain", "log", "log-log", "logit", "arcsin")
_SAME = float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True, slots=True)
class CurveValues:
    """Survival at chosen times; NaN after the last follow-up unless survival reached 0.

    Attributes
    ----------
    time, survival, standard_error, lower, upper : ndarray, shape (t,)
        Times, survival, its Greenwood standard error and its limits.
    """

    time: Floats
    survival: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class Curve:
    """Kaplan-Meier curve of one group over its u distinct times.

    Attributes
    ----------
    time : ndarray, shape (u,)
        Ascending times at which someone leaves.
    at_risk, n_events, n_censored : ndarray, shape (u,)
        (Weighted) numbers at risk just before, events at and censorings at each time.
    survival, standard_error, lower, upper : ndarray, shape (u,)
        Survival just after each time, Greenwood's standard error and the limits. After survival
        reached 0 the standard error and the limits are NaN.
    log_error : ndarray, shape (u,)
        Standard error of log survival.
    n, events : float
        Rows and events (sums of weights with case weights).
    ci, level : str, float
        Kind and level of the limits.
    sorted_entry, entry_weight : ndarray
        Times of late entry and the weight that entered before each (empty without late entry).
    """

    time: Floats
    at_risk: Floats
    n_events: Floats
    n_censored: Floats
    survival: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    log_error: Floats
    n: float
    events: float
    ci: str
    level: float
    sorted_entry: Floats
    entry_weight: Floats

    @property
    def median(self) -> float:
        """Median survival time; NaN where it is not reached."""
        return self.quantile(0.5)[0]

    @property
    def median_limits(self) -> tuple[float, float]:
        """Limits of the median, from the limits of the curve; NaN where not reached."""
        return self.quantile(0.5)[1:]

    def survival_at(self, times: Any) -> CurveValues:
        """Survival at `times` (a number or a sequence), with limits."""
        at = np.atleast_1d(np.asarray(times, dtype=np.float64))
        place = np.searchsorted(self.time, at, side="right")
        gone = (at > self.time[-1]) & (self.survival[-1] > 0)

        def step(values: Floats, start: float) -> Floats:
            return np.where(gone, np.nan, np.concatenate([[start], values])[place])

        return CurveValues(
            at,
            step(self.survival, 1.0),
            step(self.standard_error, 0.0),
            step(self.lower, 1.0),
            step(self.upper, 1.0),
        )

    def quantile(self, q: float) -> tuple[float, float, float]:
        """Time by which a proportion `q` had the event, with limits.

        Where survival equals 1 - q over an interval its midpoint is taken, as R does. The limits
        are where the limits of the curve cross 1 - q (Brookmeyer and Crowley 1982 for ``plain``).
        A limit of the curve can rise again although the curve falls; then its first crossing
        counts, the first time at which it is at or below 1 - q. R interpolates there differently.
        NaN where a curve does not come down to 1 - q.
        """
        if not 0.0 <= q <= 1.0:
            raise EstimationError(f"quantile is {q!r}; allowed: 0 to 1")
        curves = (self.survival, self.lower, self.upper)
        value, lower, upper = (_crossing(self.time, s, 1.0 - q) for s in curves)
        return (value, lower, upper) if q < 1.0 else (value, float("nan"), float("nan"))

    def restricted_mean(self, horizon: float) -> tuple[float, float]:
        r"""Mean survival time up to `horizon`, and its standard error.

        .. math:: \mu(\tau) = \int_0^\tau S(t)\,dt,\quad
                  \mathrm{var} = \sum_{t_i\le\tau} \Bigl(\int_{t_i}^\tau S\Bigr)^2
                  \frac{d_i}{r_i (r_i - d_i)}
        """
        if not horizon > 0:
            raise EstimationError(f"horizon is {horizon!r}; allowed: a time after 0")
        if horizon > self.time[-1] and self.survival[-1] > 0:
            raise EstimationError(
                f"horizon {horizon:g} is after the last follow-up {self.time[-1]:g}; "
                "choose a horizon within the follow-up of every group"
            )
        inside = self.time < horizon
        edges = np.concatenate([[0.0], self.time[inside], [horizon]])
        height = np.concatenate([[1.0], self.survival[inside]])
        areas = height * np.diff(edges)
        later = np.cumsum(areas[::-1])[::-1][1:]
        d, r = self.n_events[inside], self.at_risk[inside]
        terms = np.divide(d, r * (r - d), out=np.zeros_like(d), where=r - d > 0)
        return float(areas.sum()), float(np.sqrt((later**2 * terms).sum()))

    def risk_numbers(self, times: Any) -> tuple[Floats, Floats, Floats]:
        """At risk just before each time, and censorings and events before it."""
        at = np.atleast_1d(np.asarray(times, dtype=np.float64))
        place = np.searchsorted(self.time, at, side="left")
        censored = np.concatenate([[0.0], np.cumsum(self.n_censored)])
        events = np.concatenate([[0.0], np.cumsum(self.n_events)])
        entered = np.full(at.shape, float(self.n))
        if self.sorted_entry.size:
            place_in = np.searchsorted(self.sorted_entry, at, side="left")
            at_start = np.searchsorted(self.sorted_entry, 0.0, side="right")
            entered = self.entry_weight[np.maximum(place_in, at_start)]
        return entered - censored[place] - events[place], censored[place], events[place]


def _crossing(time: Floats, curve: Floats, level: float) -> float:
    """Time at which a falling step curve comes down to `level`; the middle of a level stretch."""
    if level >= 1.0:
        return 0.0
    known = ~np.isnan(curve)
    t, y = time[known], curve[known]
    at = np.flatnonzero(y <= level + _SAME)
    if at.size == 0:
        return float("nan")
    below = np.flatnonzero(y < level - _SAME)
    if abs(y[at[0]] - level) > _SAME:
        return float(t[at[0]])
    last = time[below[0]] if below.size and known.all() else None
    if last is None:
        last = t[below[0]] if below.size else time[-1]
    return float((t[at[0]] + last) / 2.0)


def curve_limits(survival: Floats, error: Floats, ci: str, level: float) -> tuple[Floats, Floats]:
    """Limits of survival from the standard error of its logarithm.

    Where nobody had an event yet both limits are 1; after survival reached 0 they are NaN.
    """
    z = normal_quantile(level)
    s, e = survival, error
    with np.errstate(divide="ignore", invalid="ignore"):
        if ci == "plain":
            lower, upper = s - z * s * e, s + z * s * e
        elif ci == "log":
            lower, upper = s * np.exp(-z * e), s * np.exp(z * e)
        elif ci == "log-log":
            half = z * e / np.log(s)
            lower, upper = s ** np.exp(-half), s ** np.exp(half)
        elif ci == "logit":
            half = z * e / (1.0 - s)
            lower, upper = expit(logit(s) - half), expit(logit(s) + half)
        else:
            half = 0.5 * z * e * np.sqrt(s / (1.0 - s))
            angle = np.arcsin(np.sqrt(s))
            lower = np.sin(np.maximum(angle - half, 0.0)) ** 2
            upper = np.sin(np.minimum(angle + half, np.pi / 2)) ** 2
    lower, upper = np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)
    lower, upper = np.where(s >= 1.0, 1.0, lower), np.where(s >= 1.0, 1.0, upper)
    return np.where(s > 0, lower, np.nan), np.where(s > 0, upper, np.nan)
