"""Who had the event by a time, who had not, and the weights that stand for the censored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import (
    Booleans,
    Faults,
    Floats,
    Integers,
    check_option,
    merge_near_ties,
    numbers,
    observations,
)
from ashworth.survival.prognostic_value.censoring import Censoring, censoring_curve


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Checked follow-up with competing events and its censoring distribution.

    Attributes
    ----------
    time : ndarray, shape (n,)
        End of follow-up.
    code : ndarray of int, shape (n,)
        0 censored, 1 the event, 2 or more competing events.
    censoring : Censoring
        Kaplan-Meier curve of the censoring; every event ends the time at risk of it.
    before : ndarray, shape (n,)
        Probability of being uncensored just before each row's time.
    martingale : bool
        Form of the influence of the estimated weights, see `Censoring.influence`.
    """

    time: Floats
    code: Integers
    censoring: Censoring
    before: Floats
    martingale: bool

    @property
    def events(self) -> int:
        """Number of events of interest."""
        return int(np.count_nonzero(self.code == 1))

    @property
    def competing(self) -> int:
        """Number of competing events."""
        return int(np.count_nonzero(self.code > 1))


def _codes(event: Any, faults: Faults) -> Integers:
    values = numbers(event, "event", faults)
    wrong = ~((values >= 0) & (values == np.floor(values)) & (values < 2**31))
    remedy = "code 0 censored, 1 the event, 2, 3, ... competing events; missing is never an event"
    faults.rows(wrong, "event", "values that are no codes", "whole numbers of 0 or more", remedy)
    return np.where(wrong, 0, values).astype(np.int64)


WEIGHT_ERRORS = ("martingale", "jackknife")


def read_follow_up(
    time: Any,
    event: Any,
    faults: Faults,
    tie_tolerance: float,
    weight_errors: str,
    *others: tuple[str, Any],
) -> FollowUp:
    """Check follow-up with event codes; `others` are named columns of the same length."""
    check_option(weight_errors, "weight_errors", WEIGHT_ERRORS)
    code = _codes(event, faults)
    seen = observations(time, code > 0, None, None, faults, *others)
    t, _ = merge_near_ties(seen.time, None, tie_tolerance)
    curve = censoring_curve(t, seen.event)
    return FollowUp(t, code, curve, curve.before(t), weight_errors == "martingale")


def read_times(times: Any, subject: str, faults: Faults) -> Floats:
    """Check the times at which something is asked: positive and rising."""
    at = numbers(np.atleast_1d(np.asarray(times)), "times", faults)
    if at.size == 0 or not np.isfinite(at).all() or (at <= 0).any() or (np.diff(at) <= 0).any():
        remedy = "give each time once, in the unit of time, the earliest first"
        faults.note("times", f"{at.tolist()}", "rising finite times above 0", remedy)
    return at


def refuse_times(subject: str, seen: FollowUp, times: Floats, *, cases: bool) -> None:
    """Raise where nobody is followed beyond a time, or (for `cases`) nobody has the event by it."""
    dead = np.array([np.count_nonzero((seen.time <= t) & (seen.code == 1)) for t in times])
    left = np.array([np.count_nonzero(seen.time > t) for t in times])
    bad = (left == 0) | ((dead == 0) & cases)
    if not bad.any():
        return
    listed = "; ".join(
        f"at {t:g}: {d} events by then, {k} still followed"
        for t, d, k in zip(times[bad], dead[bad], left[bad], strict=True)
    )
    needed = (
        "an event by then and somebody followed beyond" if cases else "somebody followed beyond"
    )
    raise EstimationError(
        f"{subject}: not estimable {listed}; each time needs {needed}; ask for other times"
    )


@dataclass(frozen=True, slots=True)
class Horizon:
    """One time t: status and weight of every row.

    Attributes
    ----------
    time : float
        t.
    case, later, competed : ndarray of bool, shape (n,)
        The event by t; followed beyond t; a competing event by t. The rest was censored.
    weight : ndarray, shape (n,)
        1 / G(T-) for those with an event by t, 1 / G(t) for those followed beyond, else 0.
    """

    time: float
    case: Booleans
    later: Booleans
    competed: Booleans
    weight: Floats


def horizon(seen: FollowUp, time: float) -> Horizon:
    """Status and weights at one time."""
    by = seen.time <= time
    case, competed, later = by & (seen.code == 1), by & (seen.code > 1), ~by
    weight = np.zeros(seen.time.size)
    known = case | competed
    weight[known] = 1.0 / seen.before[known]
    weight[later] = 1.0 / float(seen.censoring.at(np.array([time]))[0])
    return Horizon(time, case, later, competed, weight)


def weights_influence(seen: FollowUp, at: Horizon, parts: Floats) -> Floats:
    """Influence through the estimated weights on a sum of `parts` that are proportional to them.

    Parameters
    ----------
    parts : ndarray, shape (n,)
        What each row's weight brings to the sum.

    Returns
    -------
    ndarray, shape (n,)
        Derivative with respect to each row's case weight.
    """
    curve = seen.censoring
    known = at.case | at.competed
    order = np.argsort(seen.time[known], kind="stable")
    when, sums = seen.time[known][order], np.cumsum(np.concatenate([[0.0], parts[known][order]]))
    after = sums[-1] - sums[np.searchsorted(when, curve.time, side="right")]
    after += np.where(curve.time <= at.time, parts[at.later].sum(), 0.0)
    return curve.influence(seen.time, seen.code == 0, after, martingale=seen.martingale)


def weighted_mean(seen: FollowUp, at: Horizon, values: Floats) -> tuple[float, Floats]:
    """Inverse-probability weighted mean of values over all n rows, and each row's influence."""
    n = seen.time.size
    parts = at.weight * values / n
    mean = float(parts.sum())
    return mean, parts - mean / n + weights_influence(seen, at, parts)


def standard_error(influence: Floats) -> Floats:
    """Standard error from influences of n rows (axis 0), with n - 1 as R's ``sd``."""
    n = influence.shape[0]
    centred = influence - influence.mean(axis=0)
    return np.sqrt((centred**2).sum(axis=0) * (n / max(n - 1, 1)))
