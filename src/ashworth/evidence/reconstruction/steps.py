"""Curves given as their steps, not as clicks: each step is d events among n at risk, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import gammaln

from ashworth.evidence.reconstruction.intervals import ArmCurve, ArmPatients
from ashworth.survival.inputs import Booleans, Floats, Integers

_MOST_DIGITS = 14
_LEAST_EXPECTED = 0.05


@dataclass(frozen=True, slots=True)
class _Node:
    """A point of the curve with the numbers at risk that it allows.

    Attributes
    ----------
    index : int
        Place among the curve's points.
    at_risk, events : ndarray of int, shape (c,)
        Patients at risk just before the point, falling, and events at it.
    surprise : ndarray, shape (c,)
        Minus log probability of so many events.
    expected : float
        Censorings to expect since the point before.
    sure : ndarray of bool, shape (c,)
        Whether rounding leaves this number at risk apart from its neighbours.
    """

    index: int
    at_risk: Integers
    events: Integers
    surprise: Floats
    expected: float
    sure: Booleans


def rounding(survival: Floats) -> float:
    """Half a unit of the last digit in which the values are written.

    Examples
    --------
    >>> rounding(np.array([1.0, 0.95, 0.912]))
    0.0005
    """
    for digits in range(1, _MOST_DIGITS):
        scaled = survival * 10.0**digits
        if (np.abs(scaled - np.rint(scaled)) <= 1e-15 * 10.0**digits).all():
            return 0.5 * 10.0**-digits
    return 1e-13


def from_steps(curve: ArmCurve) -> ArmPatients | None:
    """Read events and numbers at risk off the steps, where their heights tell them.

    A step from S to S' at which d of n patients have an event has 1 - S'/S = d/n. Each step allows
    the n that make n (1 - S'/S) a whole number within the rounding of the values: 1 of 2, or 2 of
    4, or 3 of 6. Of all paths through the numbers allowed that never rise and meet the risk table
    the most probable is taken: Poisson events at a step, geometric censorings in a gap with the
    mean that the risk table gives it. The total of events is met where a path has it.

    Parameters
    ----------
    curve : ArmCurve
        The arm.

    Returns
    -------
    ArmPatients or None
        None without a step, where a step is no whole number of events, where rounding does not
        tell n from n + 1, or where the risk table contradicts the steps: then these are clicks.
    """
    nodes = _nodes(curve)
    if nodes is None or all(node.events[0] == 0 for node in nodes):
        return None
    path = _with_total(nodes, curve.total_events)
    if path is None or not all(n.sure[c] for n, c in zip(nodes, path, strict=True)):
        return None
    pinned = [(n.index, n.at_risk[c], n.events[c]) for n, c in zip(nodes, path, strict=True)]
    return _patients(curve, pinned)


def _nodes(curve: ArmCurve) -> list[_Node] | None:
    """Every step and every time of the risk table; None where a step allows no number."""
    error, steps = 2.0 * rounding(curve.survival), np.count_nonzero(np.diff(curve.survival))
    usual = max(float(curve.at_risk[0] * (1.0 - curve.survival[-1])) / max(steps, 1), 1.0)
    bounds = np.append(curve.starts, curve.time.size - 1)
    numbers = np.append(curve.at_risk, 0)
    nodes: list[_Node] = []
    level, place = 1.0, 0
    for k, value in enumerate(curve.survival.tolist()):
        printed = place < curve.starts.size and k == curve.starts[place]
        place += int(printed)
        if value == level and not printed:
            continue
        most, least = int(numbers[place - 1]), int(numbers[place])
        begin, end = curve.time[bounds[place - 1]], curve.time[bounds[place]]
        before = curve.time[nodes[-1].index] if nodes else 0.0
        passed = curve.time[k] - before
        expected = (most - least) * passed / (end - begin) if end > begin else 0.0
        drop, slack = (1.0 - value / level, error / level) if level > 0.0 else (0.0, 0.0)
        node = _node(k, drop, slack, most, least, usual, expected, printed)
        if node is None:
            return None
        nodes.append(node)
        level = value
    return nodes


def _node(
    index: int,
    drop: float,
    slack: float,
    most: int,
    least: int,
    usual: float,
    expected: float,
    printed: bool,
) -> _Node | None:
    """Numbers at risk that one step allows."""
    numbers = np.arange(most, (most if printed else max(least, 1)) - 1, -1)
    events = np.rint(drop * numbers)
    if drop > 0.0:
        fits = np.abs(drop * numbers - events) <= slack * numbers
        fits &= (events >= 1) & (numbers - events >= least)
        numbers, events = numbers[fits], events[fits]
    if numbers.size == 0:
        return None
    sure = np.array(2.0 * slack * numbers < drop, dtype=np.bool_) | printed
    if not sure.any():
        return None
    surprise = gammaln(events + 1.0) - events * np.log(usual)
    return _Node(index, numbers, events.astype(np.int64), surprise,
                 max(expected, _LEAST_EXPECTED), sure)  # fmt: skip


def _with_total(nodes: list[_Node], total: int | None) -> list[int] | None:
    """Best path, and where its events are not the total, the best that a price on events finds."""
    path = _best_path(nodes, 0.0)
    if path is None or total is None:
        return path
    low, high = -50.0, 50.0
    tried = path
    for _ in range(40):
        found = sum(int(n.events[c]) for n, c in zip(nodes, tried, strict=True))
        if found == total:
            return tried
        price = (low + high) / 2.0
        tried = _best_path(nodes, price) or path
        if sum(int(n.events[c]) for n, c in zip(nodes, tried, strict=True)) > total:
            low = price
        else:
            high = price
    return path


def _best_path(nodes: list[_Node], price: float) -> list[int] | None:
    """Most probable numbers at risk along the curve (Viterbi); `price` is paid per event."""
    cost = nodes[0].surprise + price * nodes[0].events
    origins: list[Integers] = []
    for before, node in pairwise(nodes):
        censored = (before.at_risk - before.events)[:, None] - node.at_risk[None, :]
        rate = np.log1p(1.0 / node.expected)
        paid = np.where(censored >= 0, cost[:, None] + rate * censored, np.inf)
        origin = np.argmin(paid, axis=0)
        cost = paid[origin, np.arange(node.at_risk.size)] + node.surprise + price * node.events
        if not np.isfinite(cost).any():
            return None
        origins.append(origin)
    path = [int(np.argmin(cost))]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def _patients(curve: ArmCurve, pinned: list[tuple[int, int, int]]) -> ArmPatients:
    """Events at the steps, censorings evenly between points with a known number at risk."""
    events = np.zeros(curve.time.size, dtype=np.int64)
    events[[k for k, _, _ in pinned]] = [d for _, _, d in pinned]
    gaps = []
    for (a, n, d), (b, after, _) in pairwise(pinned):
        gaps.append(_even(curve.time[a], curve.time[b], n - d - after))
    last, n, d = pinned[-1]
    start, origin, end = curve.time[last], curve.time[0], curve.time[-1]
    earlier = sum(gap.size for gap in gaps)
    tail = round(earlier * (end - start) / (start - origin)) if start > origin else 0
    gaps.append(_even(start, end, min(tail, n - d)))
    times = np.concatenate(gaps)
    gone = np.searchsorted(times, curve.time, side="left")
    at_risk = curve.at_risk[0] - gone - np.append(0, np.cumsum(events)[:-1])
    survival = np.cumprod(1.0 - events / np.maximum(at_risk, 1))
    remaining = int(curve.at_risk[0] - events.sum() - times.size)
    return ArmPatients(events, at_risk, times, remaining, survival)


def _even(start: float, end: float, count: int) -> Floats:
    """So many times, evenly between two."""
    return start + (end - start) * np.arange(1, count + 1) / (count + 1)
