"""Follow-up cut at breaks: one row per subject and window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Booleans, Floats, Integers
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.times import named_times


@dataclass(frozen=True, slots=True)
class SplitFollowUp:
    """Rows cut at the breaks: source row, interval (start, stop], event and window of each."""

    row: Integers
    start: Floats
    stop: Floats
    event: Booleans
    window: Integers


def split_follow_up(data: CoxData, edges: Floats) -> SplitFollowUp:
    """Cut follow-up at the edges; an event on an edge belongs to the window that ends there."""
    entry = np.zeros(data.time.size) if data.entry is None else data.entry
    start = np.maximum(entry[:, None], edges[:-1])
    stop = np.minimum(data.time[:, None], edges[1:])
    row, window = np.nonzero(stop > start)
    kept = (row, window)
    last = stop[kept] == data.time[row]
    return SplitFollowUp(row, start[kept], stop[kept], data.event[row] & last, window)


def window_edges(breaks: Any, data: CoxData) -> Floats:
    """Check the breaks: ascending, after 0, and somebody at risk in every window."""
    allowed = "ascending times after 0"
    cuts = named_times(breaks, "hazard_ratio_windows", "breaks", allowed)
    if cuts[0] <= 0 or (np.diff(cuts) <= 0).any():
        raise EstimationError(f"hazard_ratio_windows: breaks is {breaks!r}; allowed: {allowed}")
    if cuts[-1] >= data.time.max():
        raise EstimationError(
            f"hazard_ratio_windows: nobody is at risk after {cuts[-1]:g}, the last follow-up ends "
            f"at {data.time.max():g}; choose breaks within the follow-up"
        )
    return np.concatenate([[0.0], cuts, [np.inf]])


def on_observed_times(edges: Floats, time: Floats, tolerance: float) -> Floats:
    """Move breaks that equal an observed time but for rounding onto it."""
    if tolerance <= 0:
        return edges
    distinct, breaks = np.unique(time), edges[1:-1]
    place = np.clip(np.searchsorted(distinct, breaks), 1, max(distinct.size - 1, 1))
    near = np.stack([distinct[place - 1], distinct[np.minimum(place, distinct.size - 1)]])
    best = near[np.abs(near - breaks).argmin(axis=0), np.arange(breaks.size)]
    same = np.abs(best - breaks) <= tolerance * max(1.0, float(distinct.mean()))
    return np.concatenate([[0.0], np.where(same, best, breaks), [np.inf]])


def refuse_empty_windows(cut: SplitFollowUp, edges: Floats) -> None:
    """Refuse windows before the first late entry."""
    empty = np.flatnonzero(np.bincount(cut.window, minlength=edges.size - 1) == 0)
    if empty.size:
        what = ", ".join(window_label(edges[k], edges[k + 1]) for k in empty)
        raise EstimationError(
            f"hazard_ratio_windows: nobody is at risk in {what}; choose breaks within the follow-up"
        )


def window_label(start: float, stop: float) -> str:
    """Write a window, e.g. '(2, 5]' or '(5, inf)'."""
    return f"({start:g}, {stop:g}]" if np.isfinite(stop) else f"({start:g}, inf)"
