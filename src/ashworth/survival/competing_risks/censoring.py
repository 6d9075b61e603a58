"""The censoring distribution that weighs rows after a competing event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Booleans, Floats, Integers


@dataclass(frozen=True, slots=True)
class Censoring:
    """Kaplan-Meier estimate of staying uncensored in one group, over its m censoring times.

    Attributes
    ----------
    time, count, at_risk, survival : ndarray, shape (m,)
        Ascending censoring times, censorings, numbers at risk, probability just after each.
    """

    time: Floats
    count: Floats
    at_risk: Floats
    survival: Floats

    def before(self, times: Floats) -> Floats:
        """Probability just before each time."""
        return np.concatenate([[1.0], self.survival])[np.searchsorted(self.time, times)]


def estimate_censoring(
    time: Floats, event: Booleans, *, events_at_risk: bool, entry: Floats | None = None
) -> Censoring:
    """Estimate the censoring distribution of one group.

    Parameters
    ----------
    time, event : ndarray, shape (n,)
        End of follow-up, and whether any event ended it.
    events_at_risk : bool
        Whether rows with an event at a censoring time are at risk of being censored then: so in
        ``cmprsk``; in ``survival::finegray`` they have left before.
    entry : ndarray, shape (n,), optional
        Late entry: at risk at t if ``entry < t <= time``.
    """
    distinct, count = np.unique(time[~event], return_counts=True)
    ordered = np.sort(time)
    at_risk = time.size - np.searchsorted(ordered, distinct)
    if entry is not None:
        at_risk = at_risk - (entry.size - np.searchsorted(np.sort(entry), distinct))
    if not events_at_risk:
        died = np.sort(time[event])
        at_risk = at_risk - (
            np.searchsorted(died, distinct, side="right") - np.searchsorted(died, distinct)
        )
    sizes = at_risk.astype(np.float64)
    survival = np.cumprod(1.0 - count / sizes).astype(np.float64)
    return Censoring(distinct, count.astype(np.float64), sizes, survival)


def estimate_groups(
    time: Floats, event: Booleans, group: Integers, groups: int, *, events_at_risk: bool
) -> tuple[Censoring, ...]:
    """One censoring distribution per group."""
    return tuple(
        estimate_censoring(time[group == g], event[group == g], events_at_risk=events_at_risk)
        for g in range(groups)
    )
