"""Uno's concordance: inverse probability of censoring weights, with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Faults,
    Floats,
    check_level,
    check_option,
    merge_near_ties,
    observations,
)
from ashworth.survival.prognostic_value.censoring import Censoring, censoring_curve
from ashworth.survival.prognostic_value.concordance_index import (
    check_until,
    gather,
    index_and_influence,
    no_pairs,
    score_names,
)
from ashworth.survival.prognostic_value.concordance_result import Concordance
from ashworth.survival.prognostic_value.pairs import count_pairs, order_risk
from ashworth.survival.proportional_hazards.covariates import check_covariates, covariate_matrix


def uno_concordance(
    time: Any,
    event: Any,
    score: Any,
    *,
    names: Sequence[str] | None = None,
    until: float | None = None,
    censored_at_event: Literal["compared", "left_out"] = "compared",
    high_score: Literal["early", "late"] = "early",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> Concordance:
    r"""Uno's concordance: weighted so that it does not depend on how long patients were followed.

    Use it to compare discrimination between cohorts with different follow-up; Harrell's C shifts
    with the censoring. Give `until` a time at which a fair share is still followed: the weights
    grow without bound in the tail.

    Parameters
    ----------
    time, event, score, names, high_score, level, tie_tolerance
        As for `concordance`.
    until : float, optional
        Pairs whose event comes after this time are left out; all events by default.
    censored_at_event : {"compared", "left_out"}
        Whether somebody censored at the day of another's event is compared with it, as in R
        (`concordance` with ``timewt = "n/G2"``): the patient was still at risk. Uno's paper has
        strict inequality of times and leaves such pairs out.

    Returns
    -------
    Concordance
        The standard error includes that the censoring distribution is estimated; R's takes it as
        known (so does `concordance` with ``time_weight="n/G2"``).

    Raises
    ------
    InputError, EstimationError
        As for `concordance`.

    Notes
    -----
    With G the Kaplan-Meier curve of the censoring, in which events come before censorings at equal
    times, a pair whose event comes at t weighs :math:`1/G(t-)^2`. Equal scores count one half (in
    the paper they do not count as concordant).

    References
    ----------
    .. [1] Uno H, Cai T, Pencina MJ, D'Agostino RB, Wei LJ (2011). On the C-statistics for
       evaluating overall adequacy of risk prediction procedures with censored survival data.
       Stat Med 30:1105-1117.

    Examples
    --------
    >>> found = uno_concordance([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], [2, 1, 0, 3, 3, 0])
    >>> round(float(found.concordance[0]), 4)
    0.8214
    """
    check_option(censored_at_event, "censored_at_event", ("compared", "left_out"))
    check_option(high_score, "high_score", ("early", "late"))
    check_level(level)
    check_until(until)
    faults = Faults("uno_concordance")
    x, terms = covariate_matrix(score, names, faults)
    check_covariates(x, terms, faults)
    seen = observations(time, event, None, None, faults, ("score", x))
    t, _ = merge_near_ties(seen.time, None, tie_tolerance)
    options = {
        "until": until, "censored_at_event": censored_at_event, "high_score": high_score,
        "tie_tolerance": tie_tolerance,
    }  # fmt: skip
    return _uno(
        t, seen.event, x if high_score == "early" else -x, score_names(terms, names, score),
        level, options,
    )  # fmt: skip


def _later(curve: Censoring, at: Floats, parts: Floats) -> Floats:
    """Sum of the parts of the events after each censoring time; `at` rises."""
    sums = np.concatenate([[0.0], np.cumsum(parts)])
    return sums[-1] - sums[np.searchsorted(at, curve.time, side="right")]


def _uno(
    time: Floats, event: Booleans, scores: Floats, names: tuple[str, ...], level: float,
    options: dict[str, Any],
) -> Concordance:  # fmt: skip
    """Uno's C of checked rows; high scores go with early events."""
    n, one = time.size, np.ones(time.size)
    order = order_risk(
        time, event, None, np.zeros(n, dtype=np.int64),
        censored_later=options["censored_at_event"] == "compared",
    )  # fmt: skip
    curve, at = censoring_curve(time, event), time[order.events]
    size = 1.0 / curve.before(at) ** 2
    if options["until"] is not None:
        size = np.where(at > options["until"], 0.0, size)
    values, influences, counts = [], [], []
    for column in scores.T:
        pairs, share, as_event = count_pairs(order, column, one, size)
        if not pairs[:3].sum() > 0.0:
            raise no_pairs("uno_concordance", n, int(event.sum()), options["until"])
        c, influence = index_and_influence(pairs, share, one)
        net = as_event[:, 0] - as_event[:, 1] - (2.0 * c - 1.0) * as_event.sum(axis=1)
        later = _later(curve, at, net / pairs[:3].sum())
        values.append(c)
        influences.append(influence + curve.influence(time, ~event, later))
        counts.append(pairs)
    method = "Uno's C, weights 1/G(t-)^2, infinitesimal jackknife with the weights estimated"
    return gather(
        names, values, np.stack(influences, axis=1), counts, level, n, int(event.sum()), 1, method,
        options,
    )  # fmt: skip
