"""Length of follow-up by the reverse Kaplan-Meier method."""

from __future__ import annotations

from typing import Any

import numpy as np

from ashworth.survival.curves.curve import Interval
from ashworth.survival.curves.kaplan_meier_curves import KaplanMeier, kaplan_meier
from ashworth.survival.inputs import TIE_TOLERANCE, Faults, observations


def follow_up(
    time: Any,
    event: Any,
    *,
    group: Any = None,
    entry: Any = None,
    ci: Interval = "log-log",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> KaplanMeier:
    """Estimate how long subjects were followed, had they not had the event.

    Use its median (``.median``, ``.median_limits``) to report the follow-up of a study.

    Parameters
    ----------
    time, event, group, entry, ci, level, tie_tolerance
        As for `kaplan_meier`; `event` is the event of the study.

    Returns
    -------
    KaplanMeier
        The curve in which censorings count as events and events as censorings; its ``n_events``
        are the study's censorings. Censorings come before events at equal times.

    References
    ----------
    .. [1] Schemper M, Smith TL (1996). A note on quantifying follow-up in studies of failure time.
       Control Clin Trials 17:343-346.

    Examples
    --------
    >>> follow_up([2, 3, 4, 5, 8], [1, 0, 1, 0, 0]).median
    5.0
    """
    faults = Faults("follow_up")
    seen = observations(time, event, entry, None, faults)
    return kaplan_meier(
        seen.time,
        np.logical_not(seen.event),
        group=group,
        entry=seen.entry,
        ci=ci,
        level=level,
        tie_tolerance=tie_tolerance,
    )
