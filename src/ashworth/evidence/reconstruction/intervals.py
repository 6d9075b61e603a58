"""From one arm's curve and numbers at risk to events and censorings: the inverted Kaplan-Meier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ashworth.survival.inputs import Floats, Integers

Method = Literal["guyot", "modified"]
_ROUNDS = 200
_SAME = 1e-9
_TRIALS = 41
_CLOSE = 0.02


@dataclass(frozen=True, slots=True)
class ArmCurve:
    """One arm, checked: the curve's points and what else was printed.

    Attributes
    ----------
    time, survival : ndarray, shape (m,)
        Points, the first (0, 1); times increase, survival never rises. Every time of the risk
        table is among them.
    starts : ndarray of int, shape (i,)
        Index of the point where each interval of the risk table starts.
    at_risk : ndarray of int, shape (i,)
        Numbers at risk there.
    total_events : int or None
        Events of the whole arm, where printed.
    """

    time: Floats
    survival: Floats
    starts: Integers
    at_risk: Integers
    total_events: int | None


@dataclass(frozen=True, slots=True)
class ArmPatients:
    """What comes back for one arm.

    Attributes
    ----------
    events, at_risk : ndarray of int, shape (m,)
        Events at each point, and patients at risk just before it.
    censored : ndarray of float, shape (c,)
        Times of censoring before the end of the curve.
    remaining : int
        Patients who reach the end of the curve and are censored there.
    survival : ndarray, shape (m,)
        Kaplan-Meier estimate of these patients at each point.
    """

    events: Integers
    at_risk: Integers
    censored: Floats
    remaining: int
    survival: Floats


@dataclass(slots=True)
class _Trace:
    """Points of one interval followed with a given number censored."""

    events: list[int]
    at_risk: list[int]
    survival: list[float]
    censored: Floats
    left: int
    level: float

    @property
    def total(self) -> int:
        """Events in the interval."""
        return sum(self.events)


class _Interval:
    """The points from one time of the risk table up to the next."""

    def __init__(self, time: Floats, survival: Floats, end: float) -> None:
        self.time, self.survival, self.end = time, survival.tolist(), end

    def spread(self, censored: int) -> tuple[Floats, Integers]:
        """Times of censoring, evenly over the interval, and the point before each."""
        start, length = float(self.time[0]), self.end - float(self.time[0])
        share = np.arange(1, censored + 1) / (censored + 1)
        places = (self.time - start) / length if length > 0.0 else np.zeros(self.time.size)
        before = np.searchsorted(places, share + _SAME, side="right") - 1
        at_point = share - places[before] <= _SAME
        return np.where(at_point, self.time[before], start + share * length), before

    def follow(self, at_risk: int, level: float, censored: int, *, flat: bool = False) -> _Trace:
        """Events that bring the estimate to the curve, when so many are censored."""
        times, before = self.spread(censored)
        leaving = np.bincount(before, minlength=self.time.size).tolist()
        events, numbers, values, left, gone = [], [], [], at_risk, 0
        for target, out in zip(self.survival, leaving, strict=True):
            died = 0
            if left > 0 and level > 0.0 and not flat:
                died = min(max(int(left * (1.0 - target / level) + 0.5), 0), left)
                level *= 1.0 - died / left
            events.append(died)
            numbers.append(left)
            values.append(level)
            gone += min(out, left - died)
            left -= died + min(out, left - died)
        return _Trace(events, numbers, values, times[:gone], left, level)


def _to_table(interval: _Interval, at_risk: int, level: float, wanted: int) -> _Trace:
    """Number censored that leaves as many patients as the risk table prints, or nearly so."""
    ratio = interval.survival[-1] / level if level > 0 else 0.0
    most = max(at_risk - wanted, 0)
    guess = min(max(round(at_risk * ratio - wanted), 0), most)
    best: _Trace | None = None
    seen: set[int] = set()
    while guess not in seen and len(seen) < _ROUNDS:
        seen.add(guess)
        trace = interval.follow(at_risk, level, guess)
        if best is None or abs(trace.left - wanted) < abs(best.left - wanted):
            best = trace
        if trace.left == wanted:
            break
        guess = min(max(guess + trace.left - wanted, 0), most)
    assert best is not None
    return best


def _to_events(interval: _Interval, at_risk: int, level: float, guess: int, wanted: int) -> _Trace:
    """Number censored in the last interval that gives the printed total of events."""
    if wanted <= 0:
        return interval.follow(at_risk, level, guess, flat=True)
    best: _Trace | None = None
    seen: set[int] = set()
    guess = min(guess, at_risk)
    while guess not in seen and len(seen) < _ROUNDS:
        seen.add(guess)
        trace = interval.follow(at_risk, level, guess)
        if best is None or abs(trace.total - wanted) < abs(best.total - wanted):
            best = trace
        if trace.total == wanted:
            break
        guess = min(max(guess + trace.total - wanted, 0), at_risk)
    assert best is not None
    return best


def reverse(curve: ArmCurve, method: Method) -> ArmPatients:
    """Follow the curve interval by interval; each begins with the patients that were left.

    Parameters
    ----------
    curve : ArmCurve
        The arm.
    method : {"guyot", "modified"}
        How the last interval, whose end has no number at risk, is closed.

    Returns
    -------
    ArmPatients
    """
    bounds = [*curve.starts.tolist(), curve.time.size]
    traces: list[_Trace] = []
    left, level = int(curve.at_risk[0]), 1.0
    for i in range(len(bounds) - 1):
        last = i == len(bounds) - 2
        points = slice(bounds[i], bounds[i + 1])
        end = float(curve.time[-1] if last else curve.time[bounds[i + 1]])
        interval = _Interval(curve.time[points], curve.survival[points], end)
        if last:
            trace = _close(interval, curve, traces, left, level, method)
        else:
            trace = _to_table(interval, left, level, int(curve.at_risk[i + 1]))
        traces.append(trace)
        left, level = trace.left, trace.level
    return _together(traces)


def _close(
    interval: _Interval,
    curve: ArmCurve,
    before: list[_Trace],
    left: int,
    level: float,
    method: Method,
) -> _Trace:
    """Last interval: as many censored per time as before, unless the total of events says more."""
    guess = min(_at_earlier_rate(interval, curve, before), left)
    if curve.total_events is None:
        return _keeping_enough(interval, left, level, guess)
    wanted = curve.total_events - sum(trace.total for trace in before)
    if method == "guyot":
        return _to_events(interval, left, level, guess, wanted)
    room = left - max(wanted, 0)
    return interval.follow(left, level, max(min(guess, room) if before else room, 0))


def _keeping_enough(interval: _Interval, at_risk: int, level: float, guess: int) -> _Trace:
    """As many censored as guessed, or fewer where nobody would be left for the last steps."""
    best, least = None, np.inf
    for censored in np.unique(np.rint(np.linspace(0, guess, _TRIALS)).astype(int))[::-1].tolist():
        trace = interval.follow(at_risk, level, censored)
        error = max(abs(a - b) for a, b in zip(trace.survival, interval.survival, strict=True))
        if error < least:
            best, least = trace, error
        if error <= _CLOSE:
            break
    assert best is not None
    return best


def _at_earlier_rate(interval: _Interval, curve: ArmCurve, before: list[_Trace]) -> int:
    """Censored in the last interval at the rate of all earlier ones; 0 without earlier ones."""
    if not before:
        return 0
    start = float(interval.time[0])
    earlier = sum(trace.censored.size for trace in before)
    return round(earlier * (interval.end - start) / (start - float(curve.time[0])))


def _together(traces: list[_Trace]) -> ArmPatients:
    """Join the intervals."""
    return ArmPatients(
        np.array([d for t in traces for d in t.events], dtype=np.int64),
        np.array([n for t in traces for n in t.at_risk], dtype=np.int64),
        np.concatenate([t.censored for t in traces]),
        traces[-1].left,
        np.array([s for t in traces for s in t.survival]),
    )
