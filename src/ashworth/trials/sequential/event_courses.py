"""Patients under follow-up as piecewise exponential courses: hazards, expectation, draws."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ashworth.trials.faults import Faults

from .checks import MOST, check_repeats, numbers
from .recursion import Floats

JEFFREYS = 0.5
MOST_FUTURE = 100_000


@dataclass(frozen=True, slots=True)
class Courses:
    """What is known of the patients and of their hazards.

    Attributes
    ----------
    followed : ndarray
        Days since entry of the patients at risk.
    events, more, future : int
        Events so far and wanted beyond; patients still to enter.
    rate : float
        Patients per day still to enter.
    breaks, hazards, hazard_counts, exposure : ndarray
        Pieces of the hazard, events and exposure in them.
    dropout, dropouts : float
        Hazard of drop-out per day, and the drop-outs it was fitted to.
    uncertain, dropout_uncertain : bool
        Whether draws redraw the hazards.
    """

    followed: Floats
    events: int
    more: int
    future: int
    rate: float
    breaks: Floats
    hazards: Floats
    hazard_counts: Floats
    exposure: Floats
    dropout: float
    dropouts: float
    uncertain: bool
    dropout_uncertain: bool

    def expected_events(self, day: float) -> float:
        """Expected further events until a day from now; entries at their expected days."""
        entries = np.arange(1, self.future + 1) / self.rate if self.future else np.zeros(0)
        start = np.concatenate([self.followed, np.zeros(self.future)])
        length = np.concatenate([np.full(len(self.followed), day), day - entries])
        return float(self._event_probability(start, np.maximum(length, 0.0)).sum())

    def _event_probability(self, start: Floats, length: Floats) -> Floats:
        edges = np.concatenate([[0.0], self.breaks, [np.inf]])
        found, free = np.zeros(len(start)), np.ones(len(start))
        for j, hazard in enumerate(self.hazards):
            both = hazard + self.dropout
            inside = np.minimum(start + length, edges[j + 1]) - np.maximum(start, edges[j])
            gone = -np.expm1(-both * np.maximum(inside, 0.0))
            found += free * gone * (hazard / both if both > 0 else 0.0)
            free *= 1.0 - gone
        return found

    def draw(self, rng: np.random.Generator, repeats: int) -> Floats:
        """Days from now of the last wanted event, shape (repeats,); infinite where never."""
        hazards = np.broadcast_to(self.hazards, (repeats, len(self.hazards)))
        dropout = np.full((repeats, 1), self.dropout)
        if self.uncertain:
            shape = self.hazard_counts + JEFFREYS
            hazards = rng.gamma(shape, size=hazards.shape) / self.exposure
        if self.dropout_uncertain:
            shape = self.dropouts + JEFFREYS
            dropout = rng.gamma(shape, size=dropout.shape) / self.exposure.sum()
        entry = np.zeros((repeats, len(self.followed) + self.future))
        if self.future:
            gaps = rng.exponential(1.0 / self.rate, size=(repeats, self.future))
            entry[:, len(self.followed) :] = np.cumsum(gaps, axis=1)
        start = np.concatenate([self.followed, np.zeros(self.future)])
        waited = self._waiting(rng.exponential(size=entry.shape), hazards, start)
        if self.dropout > 0:
            with np.errstate(divide="ignore"):
                gone = rng.exponential(size=entry.shape) / dropout
            waited = np.where(gone < waited, np.inf, waited)
        return np.partition(entry + waited, self.more - 1, axis=1)[:, self.more - 1]

    def _waiting(self, exponential: Floats, hazards: Floats, start: Floats) -> Floats:
        """Days from `start` until the cumulative hazard beyond it passes a unit exponential."""
        edges = np.concatenate([[0.0], self.breaks, [np.inf]])
        left, waited = exponential, np.full(exponential.shape, np.inf)
        for j in range(len(edges) - 1):
            hazard = hazards[:, j : j + 1]
            begin = np.maximum(start, edges[j])
            inside = np.maximum(edges[j + 1] - begin, 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                need = np.where(hazard > 0, left / hazard, np.inf)
                here = ~np.isfinite(waited) & (need <= inside) & (inside > 0)
                waited = np.where(here & np.isfinite(need), begin - start + need, waited)
                left = left - np.where(np.isfinite(inside), hazard * inside, 0.0)
        return waited


def read_courses(
    follow_up: Any, status: Any, target: Any, breaks: Any, hazards: Any, dropout: Any,
    future: Any, rate: Any, level: Any, repeats: Any, *, uncertain: Any,
) -> tuple[Courses, float, int]:  # fmt: skip
    """Check the arguments of `predict_events` and fit the hazards."""
    faults = Faults("predict_events")
    days, codes = _patients(faults, follow_up, status)
    edges = _breaks(faults, breaks)
    _check_future(faults, future, rate)
    if not isinstance(uncertain, bool):
        faults.add("parameter_uncertainty", repr(uncertain), "True or False")
    faults.probability("level", level)
    check_repeats(faults, repeats)
    _check_hazards(faults, hazards, edges, dropout)
    if faults.whole("target_events", target):
        _check_target(faults, int(target), codes, future)
    faults.refuse()
    counts, exposure = pieces(days, codes == 1, edges)
    if hazards is None:
        _check_exposure(faults, counts, exposure)
    faults.refuse()
    fitted = counts / exposure if hazards is None else np.asarray(numbers(hazards))
    lost = float((codes == 2).sum())
    loss = lost / max(float(exposure.sum()), 1e-300) if dropout is None else float(dropout)
    courses = Courses(
        days[codes == 0], int((codes == 1).sum()), int(target) - int((codes == 1).sum()),
        int(future), float(rate or 0.0), edges, fitted, counts, exposure, loss, lost,
        uncertain and hazards is None, uncertain and dropout is None and lost > 0,
    )  # fmt: skip
    return courses, float(level), int(repeats)


def pieces(days: Floats, event: Any, breaks: Floats) -> tuple[Floats, Floats]:
    """Events and exposure in each piece of the time since entry."""
    edges = np.concatenate([[0.0], breaks, [np.inf]])
    exposure = np.array([np.clip(days - a, 0.0, b - a).sum()
                         for a, b in pairwise(edges)])  # fmt: skip
    place = np.searchsorted(breaks, days[event], side="left")
    return np.bincount(place, minlength=len(breaks) + 1).astype(np.float64), exposure


def _patients(faults: Faults, follow_up: Any, status: Any) -> tuple[Floats, Floats]:
    days, codes = numbers(follow_up), numbers(status)
    if not days:
        faults.add("follow_up_days", repr(follow_up)[:60], "days since entry, one per patient")
    if not codes:
        faults.add("status", repr(status)[:60], "0, 1 or 2, one per patient")
    days, codes = days or (), codes or ()
    if days and codes and len(days) != len(codes):
        faults.add("status", f"{len(codes)} values", f"{len(days)}, one per patient")
    if days and not 0 <= min(days) <= max(days) <= MOST:
        found = f"{min(days):g} to {max(days):g}"
        faults.add("follow_up_days", found, f"numbers from 0 to {MOST:g}")
    wrong = sorted(set(codes) - {0.0, 1.0, 2.0})
    if wrong:
        faults.add("status", str(wrong), "0 at risk, 1 event, 2 dropped out")
    return np.asarray(days, dtype=np.float64), np.asarray(codes, dtype=np.float64)


def _breaks(faults: Faults, breaks: Any) -> Floats:
    edges = numbers(breaks)
    if edges is None or any(b <= a for a, b in pairwise((0.0, *edges))):
        faults.add("hazard_breaks", repr(breaks)[:60], "days above 0 that increase")
        return np.zeros(0)
    return np.asarray(edges, dtype=np.float64)


def _check_hazards(faults: Faults, hazards: Any, edges: Floats, dropout: Any) -> None:
    if dropout is not None:
        faults.number("dropout_hazard", dropout, least=0, most=MOST)
    if hazards is None:
        return
    found = numbers(hazards)
    if (
        found is None
        or len(found) != len(edges) + 1
        or min(found) < 0
        or not 0 < max(found) <= MOST
    ):
        faults.add("hazards", repr(hazards)[:60],
                   f"{len(edges) + 1} numbers from 0 upwards, not all 0",
                   "give one more than breaks")  # fmt: skip


def _check_future(faults: Faults, future: Any, rate: Any) -> None:
    if not faults.whole("future_patients", future, least=0):
        return
    if future > MOST_FUTURE:
        faults.add("future_patients", f"{future:g}", f"at most {MOST_FUTURE}")
    if future > 0:
        faults.number("patients_per_day", rate, above=0, most=MOST)
    elif rate is not None:
        faults.add("patients_per_day", repr(rate), "nothing unless future_patients are given")


def _check_target(faults: Faults, target: int, codes: Floats, future: Any) -> None:
    events, at_risk = int((codes == 1).sum()), int((codes == 0).sum())
    if target <= events:
        faults.add("target_events", f"{target}", f"more than the {events} events so far")
    coming = int(future) if isinstance(future, int | np.integer) else 0
    if target > events + at_risk + coming:
        faults.add("target_events", f"{target}", f"at most {events + at_risk + coming}",
                   "events, patients at risk and future patients are fewer")  # fmt: skip


def _check_exposure(faults: Faults, counts: Floats, exposure: Floats) -> None:
    for piece in np.flatnonzero(exposure <= 0).tolist():
        faults.add("hazard_breaks", f"no follow-up in piece {piece + 1}", "pieces with follow-up",
                   "give fewer breaks, or hazards")  # fmt: skip
    if counts.sum() == 0:
        faults.add("status", "no event", "at least one event", "give hazards")
