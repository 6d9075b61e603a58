"""Observed risk at one time in many groups at once: Kaplan-Meier or Aalen-Johansen.

Rows fall into a histogram of group by event time; running sums over its groups give nested groups
("risk at or above a threshold"), and a bootstrap sample is another set of weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Booleans, Floats, Integers
from ashworth.survival.results import normal_quantile


@dataclass(frozen=True, slots=True)
class Horizon:
    """Rows placed among the U event times up to a horizon.

    Attributes
    ----------
    at : float
        The horizon.
    leave, enter : ndarray of int, shape (n,)
        A row is at risk at the event times ``enter <= u < leave``.
    cause, other : ndarray of int
        Rows with the event, and with a competing event, by the horizon.
    reach : ndarray of bool, shape (n,)
        Rows followed to the horizon.
    size : int
        U.
    """

    at: float
    leave: Integers
    enter: Integers
    cause: Integers
    other: Integers
    reach: Booleans
    size: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Numbers per group and event time, shape (m, U) each, and rows that reach the horizon (m,)."""

    cause: Floats
    every: Floats
    at_risk: Floats
    reach: Floats

    def from_group_on(self) -> Histogram:
        """Add up the groups from each one on."""

        def nested(values: Floats) -> Floats:
            return values[::-1].cumsum(axis=0)[::-1]

        return Histogram(
            nested(self.cause), nested(self.every), nested(self.at_risk), nested(self.reach)
        )


def place(
    time: Floats, code: Integers, entry: Floats | None, at: float, *, cause: int = 1
) -> Horizon:
    """Place rows among the event times up to `at`.

    Raises
    ------
    EstimationError
        Where nobody is followed to `at`.
    """
    early = (code > 0) & (time <= at)
    times = np.unique(time[early])
    start = np.zeros(time.size) if entry is None else entry
    leave = np.searchsorted(times, time, side="right")
    enter = np.zeros(time.size, np.int64)
    if entry is not None:
        enter = np.minimum(np.searchsorted(times, entry, side="right"), leave)
    reach = (time >= at) & (start < at)
    if not reach.any():
        raise EstimationError(
            f"nobody is followed to {at:g}; the last follow-up ends at {time.max():g}"
        )
    mine = np.flatnonzero(early & (code == cause))
    other = np.flatnonzero(early & (code != cause))
    return Horizon(at, leave, enter, mine, other, reach, times.size)


def histogram(
    horizon: Horizon, group: Integers, m: int, weights: Floats | None = None
) -> Histogram:
    """Count events and numbers at risk per group and event time."""
    w = np.ones(group.size) if weights is None else weights
    width = horizon.size + 1

    def spread(rows: Integers | slice, cell: Integers) -> Floats:
        slot = group[rows] * width + cell
        counts = np.bincount(slot, w[rows], minlength=m * width).astype(np.float64)
        return counts.reshape(m, width)

    everyone = slice(None)
    gone = spread(everyone, horizon.leave) - spread(everyone, horizon.enter)
    at_risk = gone[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    cause = spread(horizon.cause, horizon.leave[horizon.cause] - 1)[:, :-1]
    other = spread(horizon.other, horizon.leave[horizon.other] - 1)[:, :-1]
    reach = np.bincount(group, w * horizon.reach, minlength=m).astype(np.float64)
    return Histogram(cause, cause + other, at_risk, reach)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.zeros_like(bottom), where=bottom > 0)


def observed_risk(h: Histogram) -> Floats:
    """Risk at the horizon per group, shape (m,); NaN where nobody is followed so far."""
    after = np.cumprod(1.0 - _ratio(h.every, h.at_risk), axis=1)
    before = np.concatenate([np.ones((after.shape[0], 1)), after[:, :-1]], axis=1)
    risk = (before * _ratio(h.cause, h.at_risk)).sum(axis=1)
    ended = after[:, -1] <= 0.0 if after.shape[1] else np.zeros(risk.size, dtype=bool)
    return np.where((h.reach > 0) | ended, risk, np.nan)


def risk_variance(h: Histogram) -> Floats:
    r"""Greenwood-type variance of the risk, shape (m,).

    .. math:: \sum (F_t - F_u)^2 \frac{d}{r (r - d)} + \sum S_-^2 \frac{d_1 (r - d_1)}{r^3}
              - 2 \sum (F_t - F_u) S_- \frac{d_1}{r^2}

    With one kind of event it is Greenwood's formula.
    """
    r, d, d1 = h.at_risk, h.every, h.cause
    after = np.cumprod(1.0 - _ratio(d, r), axis=1)
    before = np.concatenate([np.ones((after.shape[0], 1)), after[:, :-1]], axis=1)
    steps = before * _ratio(d1, r)
    rest = steps.sum(axis=1, keepdims=True) - steps.cumsum(axis=1)
    total = rest**2 * _ratio(d, r * (r - d)) + before**2 * _ratio(d1 * (r - d1), r**3)
    variance = (total - 2.0 * rest * before * _ratio(d1, r**2)).sum(axis=1)
    return np.where(np.isnan(observed_risk(h)), np.nan, np.maximum(variance, 0.0))


def risk_limits(risk: Floats, error: Floats, level: float) -> tuple[Floats, Floats]:
    """Limits on the scale of log(-log(1 - risk)); NaN at risks of 0 and 1."""
    inside = (risk > 0.0) & (risk < 1.0)
    safe = np.where(inside, risk, 0.5)
    log = np.log1p(-safe)
    half = normal_quantile(level) * error / ((1.0 - safe) * np.abs(log))
    lower, upper = -np.expm1(log * np.exp(-half)), -np.expm1(log * np.exp(half))
    return np.where(inside, lower, np.nan), np.where(inside, upper, np.nan)
