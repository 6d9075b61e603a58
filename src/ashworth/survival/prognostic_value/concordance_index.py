"""Concordance of scores with the order of events: Harrell's, also weighted in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Faults,
    Floats,
    Integers,
    check_level,
    check_number,
    check_option,
    labels,
    merge_near_ties,
    observations,
)
from ashworth.survival.prognostic_value.concordance_result import Concordance, cut_limits
from ashworth.survival.prognostic_value.pairs import count_pairs, order_risk
from ashworth.survival.prognostic_value.time_weights import TIME_WEIGHTS, time_weights
from ashworth.survival.proportional_hazards.covariates import check_covariates, covariate_matrix
from ashworth.version import __version__

TimeWeight = Literal["n", "S", "S/G", "n/G2", "I"]


def check_until(until: float | None) -> float | None:
    """Check the last time of events."""
    return None if until is None else check_number(until, "until", "a time, or None for all")


def _by_cluster(influence: Floats, cluster: Integers | None) -> Floats:
    if cluster is None:
        return influence
    sums = np.zeros((int(cluster.max()) + 1, influence.shape[1]))
    np.add.at(sums, cluster, influence)
    return sums


def index_and_influence(counts: Floats, share: Floats, weights: Floats) -> tuple[float, Floats]:
    """C and the influence of each row."""
    pairs = counts[:3].sum()
    somer = (counts[0] - counts[1]) / pairs
    influence = (share[:, 0] - share[:, 1] - somer * share.sum(axis=1)) / pairs
    return (somer + 1.0) / 2.0, weights * influence / 2.0


def no_pairs(subject: str, n: int, events: int, until: float | None) -> EstimationError:
    """Say that concordance has nothing to compare."""
    when = "" if until is None else f" up to {until:g}"
    return EstimationError(
        f"{subject}: no comparable pairs among {n} rows with {events} events{when}; concordance "
        "needs an event with somebody still at risk after it in the same stratum"
    )


def gather(
    names: tuple[str, ...], values: list[float], influence: Floats, counts: list[Floats],
    level: float, n: int, events: int, n_strata: int, method: str, options: dict[str, Any],
) -> Concordance:  # fmt: skip
    """Result of several scores from their values and influences."""
    c = np.array(values)
    covariance = influence.T @ influence
    error = np.sqrt(covariance.diagonal())
    lower, upper = cut_limits(c, error, level)
    return Concordance(
        names, c, error, lower, upper, covariance, np.array(counts), n, events, n_strata, level,
        method, options, __version__, influence,
    )  # fmt: skip


def concordance(
    time: Any,
    event: Any,
    score: Any,
    *,
    names: Sequence[str] | None = None,
    entry: Any = None,
    strata: Any = None,
    weights: Any = None,
    cluster: Any = None,
    time_weight: TimeWeight = "n",
    until: float | None = None,
    high_score: Literal["early", "late"] = "early",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> Concordance:
    r"""Probability that of two patients the one with the earlier event has the higher score.

    Use it for the discrimination of a marker or of a model's linear predictor: 0.5 says nothing,
    1 orders all events. Several scores at once get their covariance, so that
    `compare_concordance` can test their difference.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, 0 or later.
    event : array-like of bool or 0/1, shape (n,)
        1 event, 0 censored.
    score : array-like, shape (n,) or (n, m), or a frame or dict of columns
        Scores without missing values; equal numbers are ties.
    names : sequence of str, optional
        Names of the scores.
    entry : array-like, shape (n,), optional
        Late entry: a row is compared with events after its entry only.
    strata : array-like, shape (n,), optional
        Pairs are formed within strata.
    weights : array-like, shape (n,), optional
        Case weights; a pair weighs their product. Rows of weight 0 are left out.
    cluster : array-like, shape (n,), optional
        Rows of one patient or centre; the standard error takes them as one unit.
    time_weight : {"n", "S", "S/G", "n/G2", "I"}
        Weight of a pair by the time of its event, as R's ``timewt``: "n" 1 (Harrell), "S" survival
        over the share at risk (Peto-Wilcoxon), "S/G" Schemper, "n/G2" inverse probability of
        censoring (Uno; R's version), "I" 1 over the number at risk (log-rank).
    until : float, optional
        Leave out events after this time (R: ``ymax``).
    high_score : {"early", "late"}
        Whether a high score goes with early events (a risk) or late ones (R's default for a
        marker; for a Cox model R takes "early").
    level : float
        Level of the limits.
    tie_tolerance : float
        As for `cox`; ties of scores are exact.

    Returns
    -------
    Concordance

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without a comparable pair; with "S/G" or "n/G2" and late entry.

    Notes
    -----
    A pair is comparable when one has an event at t and the other is still at risk after it;
    somebody censored at t is. Two events at one time are not compared (``tied_time``), equal scores
    count one half:

    .. math:: C = \frac{\text{concordant} + \tfrac12 \text{tied}}
                       {\text{concordant} + \text{discordant} + \text{tied}}

    The standard error is the infinitesimal jackknife; it takes the weights of times as known. The
    cost is O(n log n) for each score.

    References
    ----------
    .. [1] Harrell FE, Califf RM, Pryor DB, et al (1982). Evaluating the yield of medical tests.
       JAMA 247:2543-2546.
    .. [2] Therneau TM, Watson DA (2017). The concordance statistic and the Cox model. Mayo Clinic
       Department of Health Science Research, Technical Report 85.

    Examples
    --------
    >>> found = concordance([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], [2, 1, 0, 3, 3, 0])
    >>> round(float(found.concordance[0]), 4), found.counts[0, :3].tolist()
    (0.8214, [11.0, 2.0, 1.0])
    """
    check_option(time_weight, "time_weight", TIME_WEIGHTS)
    check_option(high_score, "high_score", ("early", "late"))
    check_level(level)
    check_until(until)
    if entry is not None and time_weight in ("S/G", "n/G2"):
        raise EstimationError(
            f"concordance: time_weight {time_weight!r} needs the censoring distribution, which is "
            "not estimated with late entry; allowed with entry: n, S, I"
        )
    rows = _read(
        time, event, score, names=names, entry=entry, strata=strata, weights=weights,
        cluster=cluster, tie_tolerance=tie_tolerance,
    )  # fmt: skip
    options = {
        "time_weight": time_weight, "until": until, "high_score": high_score,
        "strata": strata is not None, "entry": entry is not None, "weights": weights is not None,
        "cluster": cluster is not None, "tie_tolerance": tie_tolerance,
    }  # fmt: skip
    return _concordance(rows, level, options)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Checked rows with a positive weight."""

    time: Floats
    event: Booleans
    entry: Floats | None
    stratum: Integers
    n_strata: int
    weights: Floats
    cluster: Integers | None
    scores: Floats
    names: tuple[str, ...]


def _read(
    time: Any, event: Any, score: Any, *, names: Sequence[str] | None, entry: Any, strata: Any,
    weights: Any, cluster: Any, tie_tolerance: float,
) -> _Rows:  # fmt: skip
    """Check all columns together."""
    faults = Faults("concordance")
    x, terms = covariate_matrix(score, names, faults)
    found, stratum = ([], None) if strata is None else labels(strata, "strata", faults)
    clusters = None if cluster is None else labels(cluster, "cluster", faults)[1]
    check_covariates(x, terms, faults)
    others = (("score", x), ("strata", stratum), ("cluster", clusters))
    seen = observations(time, event, entry, weights, faults, *others)
    t, e = merge_near_ties(seen.time, seen.entry, tie_tolerance)
    w = np.ones(t.size) if seen.weights is None else seen.weights
    codes = np.zeros(t.size, dtype=np.int64) if stratum is None else stratum
    kept = w > 0.0
    return _Rows(
        t[kept], seen.event[kept], None if e is None else e[kept], codes[kept],
        max(len(found), 1), w[kept], None if clusters is None else clusters[kept], x[kept],
        score_names(terms, names, score),
    )  # fmt: skip


def score_names(terms: tuple[str, ...], names: Sequence[str] | None, score: Any) -> tuple[str, ...]:
    """A lone score without a name is "score"."""
    unnamed = names is None and terms == ("x1",) and not hasattr(score, "columns")
    return ("score",) if unnamed and not isinstance(score, dict) else terms


def _concordance(rows: _Rows, level: float, options: dict[str, Any]) -> Concordance:
    """Concordance of checked rows."""
    kind, until = options["time_weight"], options["until"]
    n, events, w = rows.time.size, int(rows.event.sum()), rows.weights
    order = order_risk(rows.time, rows.event, rows.entry, rows.stratum)
    size = time_weights(kind, order, rows.time, rows.event, rows.stratum, w, until)
    values, parts, counts = [], [], []
    for column in rows.scores.T if options["high_score"] == "early" else -rows.scores.T:
        pairs, share, _ = count_pairs(order, column, w, size)
        if not pairs[:3].sum() > 0.0:
            raise no_pairs("concordance", n, events, until)
        c, influence = index_and_influence(pairs, share, w)
        values.append(c)
        parts.append(influence)
        counts.append(pairs)
    influence = _by_cluster(np.stack(parts, axis=1), rows.cluster)
    name = "Harrell's C" if kind == "n" else "concordance"
    method = f"{name}, time weight {kind}, infinitesimal jackknife"
    return gather(
        rows.names, values, influence, counts, level, n, events, rows.n_strata, method, options
    )
