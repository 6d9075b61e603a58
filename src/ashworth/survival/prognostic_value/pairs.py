"""Concordant, discordant and tied pairs, and every row's share in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Booleans, Floats, Integers
from ashworth.survival.prognostic_value.dominance import weight_below

COUNTS = ("concordant", "discordant", "tied_score", "tied_time", "tied_both")


@dataclass(frozen=True, slots=True)
class RiskOrder:
    """Rows in the order in which pairs are formed, with what is at risk at each event.

    Row j is comparable with an event of row i at t in the same stratum when it is at risk just
    after t: its time is later, or equal and censored, and its entry is before t.

    Attributes
    ----------
    leave, enter : ndarray of int, shape (n,)
        Rows by (stratum, falling time, censored first) and by (stratum, falling entry).
    events : ndarray of int, shape (d,)
        Rows with an event, by (stratum, rising time).
    first, until : ndarray of int, shape (d,)
        Rows ``leave[first:until]`` are at risk after each event or enter later.
    late_until : ndarray of int, shape (d,)
        Rows ``enter[first:late_until]`` of them enter at or after the event; they are no partners.
    before, after_entry : ndarray of int, shape (n,)
        ``events[after_entry:before]`` are the events with which each row is comparable.
    group : ndarray of int, shape (d,)
        Tied events share a number.
    """

    leave: Integers
    enter: Integers
    events: Integers
    first: Integers
    until: Integers
    late_until: Integers
    before: Integers
    after_entry: Integers
    group: Integers


def _clock(time: Floats, entry: Floats | None, stratum: Integers) -> tuple[Integers, Integers, int]:
    """Whole numbers that sort by stratum and time: twice the rank of each time and entry."""
    begin = np.full(time.size, -1.0) if entry is None else entry
    distinct, place = np.unique(np.concatenate([time, begin]), return_inverse=True)
    span = 2 * distinct.size + 2
    return (
        stratum * span + 2 * place[: time.size],
        stratum * span + 2 * place[time.size :],
        span,
    )


def order_risk(
    time: Floats,
    event: Booleans,
    entry: Floats | None,
    stratum: Integers,
    *,
    censored_later: bool = True,
) -> RiskOrder:
    """Sort rows once for all scores.

    Without `censored_later` somebody censored at the time of an event is not compared with it.
    """
    stop, start, span = _clock(time, entry, stratum)
    gone = stop + ~event if censored_later else stop
    falling = 2 * stratum * span - gone
    leave = np.argsort(falling, kind="stable")
    events = np.flatnonzero(event)
    events = events[np.argsort(stop[events], kind="stable")]
    at = stop[events]
    first = np.searchsorted(np.sort(stratum), stratum[events], side="left")
    until = np.searchsorted(falling[leave], 2 * stratum[events] * span - at, side="left")
    fall_in = 2 * stratum * span - start
    enter = np.argsort(fall_in, kind="stable")
    late = np.searchsorted(fall_in[enter], 2 * stratum[events] * span - at, side="right")
    before = np.searchsorted(at, gone, side="left")
    after_entry = np.searchsorted(at, start, side="right")
    _, group = np.unique(at, return_inverse=True)
    return RiskOrder(leave, enter, events, first, until, late, before, after_entry, group)


def _below_and_upto(
    rank: Integers, weight: Floats, low: Integers, high: Integers, bound: Integers
) -> tuple[Floats, Floats]:
    """Weight below each bound, and below or at it."""
    bounds = np.concatenate([bound, bound + 1])
    both = weight_below(rank, weight, np.tile(low, 2), np.tile(high, 2), bounds)
    return both[: low.size], both[low.size :]


def _partners(
    order: RiskOrder, rank: Integers, weights: Floats, bound: Integers
) -> tuple[Floats, Floats]:
    """Weight below, and below or at, a bound among the rows that each event is compared with."""
    leave, enter = order.leave, order.enter
    below, upto = _below_and_upto(rank[leave], weights[leave], order.first, order.until, bound)
    if (order.late_until > order.first).any():
        late = _below_and_upto(rank[enter], weights[enter], order.first, order.late_until, bound)
        below, upto = below - late[0], upto - late[1]
    return below, upto


def _stretch(values: Floats, low: Integers, high: Integers) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return sums[high] - sums[low]


def _tied_events(order: RiskOrder, rank: Integers, weights: Floats, size: Floats) -> Floats:
    """Weights of pairs of events at one time: with different scores, and with equal ones."""
    w = weights[order.events]
    _, both = np.unique(order.group * (int(rank.max()) + 1) + rank[order.events],
                        return_inverse=True)  # fmt: skip
    group_pairs = _pairs(w, size, order.group)
    same_pairs = _pairs(w, size, both)
    return np.array([group_pairs - same_pairs, same_pairs])


def _pairs(w: Floats, size: Floats, code: Integers) -> float:
    """Sum of size times w_i w_j over the pairs of each code; `size` is one number per code."""
    sums, squares = np.bincount(code, w), np.bincount(code, w * w)
    each = np.zeros(sums.size)
    each[code] = size
    return float((each * (sums * sums - squares)).sum() / 2.0)


def count_pairs(
    order: RiskOrder, score: Floats, weights: Floats, size: Floats
) -> tuple[Floats, Floats, Floats]:
    """Count pairs of one score, the higher score belonging to the earlier event when concordant.

    Parameters
    ----------
    order : RiskOrder
        From `order_risk`.
    score, weights : ndarray, shape (n,)
        Score and case weights.
    size : ndarray, shape (d,)
        Weight of the time of each event, in the order of ``order.events``.

    Returns
    -------
    counts : ndarray, shape (5,)
        Concordant, discordant, tied in score, in time, in both.
    share : ndarray, shape (n, 3)
        Derivative of the first three with respect to each row's weight, times held.
    as_event : ndarray, shape (d, 3)
        The part of it that comes from pairs in which the row has the event.
    """
    rank = np.unique(score, return_inverse=True)[1].astype(np.int64)
    events, w = order.events, weights[order.events]
    mine = rank[events]
    below, upto = _partners(order, rank, weights, mine)
    total = _stretch(weights[order.leave], order.first, order.until)
    total -= _stretch(weights[order.enter], order.first, order.late_until)
    as_event = np.stack([below, total - upto, upto - below], axis=1) * size[:, None]
    mass, low, high = w * size, order.after_entry, np.maximum(order.before, order.after_entry)
    lower, lower_or_equal = _below_and_upto(mine, mass, low, high, rank)
    everything = _stretch(mass, low, high)
    share = np.stack(
        [everything - lower_or_equal, lower, lower_or_equal - lower], axis=1
    )  # as the later of the pair
    share[events] += as_event
    counts = np.concatenate([w @ as_event, _tied_events(order, rank, weights, size)])
    return counts, share, as_event
