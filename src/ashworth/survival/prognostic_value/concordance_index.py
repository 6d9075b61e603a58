"""Concordance of scores with the order of events: Harrell's, also weighted in time."""

from __future__ import annotations

from collections.abc import Sequence
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
from ashworth.survival.prognostic_value.concordance_result import (
    Concordance,
    ConcordanceDifference,
    cut_limits,
    two_sided_p,
)
from ashworth.survival.prognostic_value.pairs import count_pairs, order_risk
from ashworth.survival.prognostic_value.time_weights import TIME_WEIGHTS, time_weights
from ashworth.survival.proportional_hazards.covariates import check_covariates, covariate_matrix
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import normal_quantile
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
    faults = Faults("concordance")
    x, terms = covariate_matrix(score, None if names is None else names, faults)
    found, stratum = ([], None) if strata is None else labels(strata, "strata", faults)
    clusters = None if cluster is None else labels(cluster, "cluster", faults)[1]
    check_covariates(x, terms, faults)
    others = (("score", x), ("strata", stratum), ("cluster", clusters))
    seen = observations(time, event, entry, weights, faults, *others)
    t, e = merge_near_ties(seen.time, seen.entry, tie_tolerance)
    w = np.ones(t.size) if seen.weights is None else seen.weights
    codes = np.zeros(t.size, dtype=np.int64) if stratum is None else stratum
    kept = w > 0.0
    if not kept.all():
        t, w, codes, x = t[kept], w[kept], codes[kept], x[kept]
        e = None if e is None else e[kept]
        clusters = None if clusters is None else clusters[kept]
    options = {
        "time_weight": time_weight, "until": until, "high_score": high_score,
        "strata": strata is not None, "entry": entry is not None, "weights": weights is not None,
        "cluster": cluster is not None, "tie_tolerance": tie_tolerance,
    }  # fmt: skip
    return _concordance(
        t, seen.event[kept], e, codes, w, clusters, x if high_score == "early" else -x,
        score_names(terms, names, score), level, max(len(found), 1), options,
    )  # fmt: skip


def score_names(terms: tuple[str, ...], names: Sequence[str] | None, score: Any) -> tuple[str, ...]:
    """A lone score without a name is "score"."""
    unnamed = names is None and terms == ("x1",) and not hasattr(score, "columns")
    return ("score",) if unnamed and not isinstance(score, dict) else terms


def _concordance(
    time: Floats, event: Booleans, entry: Floats | None, stratum: Integers, weights: Floats,
    cluster: Integers | None, scores: Floats, names: tuple[str, ...], level: float, n_strata: int,
    options: dict[str, Any],
) -> Concordance:  # fmt: skip
    """Concordance of checked rows; high scores go with early events."""
    order = order_risk(time, event, entry, stratum)
    size = time_weights(
        options["time_weight"], order, time, event, stratum, weights, options["until"]
    )
    values, parts, counts = [], [], []
    for column in scores.T:
        pairs, share, _ = count_pairs(order, column, weights, size)
        if not pairs[:3].sum() > 0.0:
            raise no_pairs("concordance", time.size, int(event.sum()), options["until"])
        c, influence = index_and_influence(pairs, share, weights)
        values.append(c)
        parts.append(influence)
        counts.append(pairs)
    influence = _by_cluster(np.stack(parts, axis=1), cluster)
    name = "Harrell's C" if options["time_weight"] == "n" else "concordance"
    method = f"{name}, time weight {options['time_weight']}, infinitesimal jackknife"
    return gather(
        names, values, influence, counts, level, time.size, int(event.sum()), n_strata, method,
        options,
    )  # fmt: skip


def linear_predictor(fit: CoxResult) -> Floats:
    """Linear predictor of the fitted rows; equal covariates give equal numbers to the last bit.

    Terms are added one by one: a matrix product may round equal rows differently, which would
    break ties.
    """
    if not np.isfinite(fit.coefficients[~np.isnan(fit.coefficients)]).all():
        raise EstimationError(
            "a coefficient is infinite, so the linear predictor has no finite values; leave the "
            "covariate out or pass your own score"
        )
    x, total = fit.data.covariates, np.zeros(fit.data.time.size)
    for j, b in enumerate(fit.coefficients):
        if not np.isnan(b):
            total += x[:, j] * b
    return total if fit.data.offset is None else total + fit.data.offset


def _same_rows(first: CoxResult, other: CoxResult) -> bool:
    def same(name: str) -> bool:
        a, b = getattr(first.data, name), getattr(other.data, name)
        return a is b or (a is not None and b is not None and np.array_equal(a, b))

    return all(same(n) for n in ("time", "event", "entry", "stratum", "weights", "cluster", "rows"))


def cox_concordance(
    *fits: CoxResult,
    names: Sequence[str] | None = None,
    time_weight: TimeWeight = "n",
    until: float | None = None,
    level: float = 0.95,
) -> Concordance:
    """Concordance of the linear predictors of Cox models fitted to the same rows.

    Use it with `compare_concordance` to ask what a marker adds to a model. The value is the
    apparent one: a model orders its own data better than new data.

    Parameters
    ----------
    *fits : CoxResult
        Models with the same rows, strata, weights and clusters.
    names : sequence of str, optional
        Names of the models; ``model 1``, ``model 2``, ... by default.
    time_weight, until, level
        As for `concordance`.

    Returns
    -------
    Concordance
        Pairs within the strata of the fit, with its weights, late entry and clusters.

    Raises
    ------
    EstimationError
        Where the models stand on different rows, or a coefficient is infinite.

    Examples
    --------
    >>> from ashworth.survival import cox
    >>> time, event = [5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1]
    >>> age, marker = [61, 50, 47, 55, 70, 58], [1, 0, 0, 1, 0, 1]
    >>> base, both = cox(time, event, age), cox(time, event, {"age": age, "marker": marker})
    >>> cox_concordance(base, both).concordance.round(4).tolist()
    [0.5714, 0.6429]
    """
    if not fits:
        raise EstimationError("cox_concordance: no models; pass one or more CoxResult")
    for k, other in enumerate(fits[1:], start=2):
        if not _same_rows(fits[0], other):
            raise EstimationError(
                f"cox_concordance: model {k} stands on other rows, strata, weights or clusters "
                "than model 1; fit both on the rows that are complete for both"
            )
    data = fits[0].data
    terms = names or [f"model {k}" for k in range(1, len(fits) + 1)]
    scores = np.stack([linear_predictor(f) for f in fits], axis=1)
    return concordance(
        data.time, data.event, scores, names=terms, entry=data.entry, strata=data.stratum,
        weights=data.weights, cluster=data.cluster, time_weight=time_weight, until=until,
        level=level, tie_tolerance=0.0,
    )  # fmt: skip


def compare_concordance(
    found: Concordance, reference: str | None = None, *, level: float | None = None
) -> ConcordanceDifference:
    """Difference in concordance of each score from a reference score on the same rows.

    Parameters
    ----------
    found : Concordance
        Of two or more scores, from `concordance`, `cox_concordance` or `uno_concordance`.
    reference : str, optional
        Name of the score to subtract; the first by default.
    level : float, optional
        Level of the limits; that of `found` by default.

    Returns
    -------
    ConcordanceDifference

    Raises
    ------
    EstimationError
        With one score only, or an unknown reference.

    Notes
    -----
    The variance of a difference comes from the joint influence of each row on both values; the
    test is Wald's. For nested models it is weak and its p-value is not the one to judge an added
    marker by: use the likelihood-ratio test.

    References
    ----------
    .. [1] Therneau TM, Watson DA (2017). The concordance statistic and the Cox model. Mayo Clinic
       Department of Health Science Research, Technical Report 85.

    Examples
    --------
    >>> scores = {"a": [2, 1, 0, 3, 3, 0], "b": [1, 2, 0, 2, 1, 0]}
    >>> found = concordance([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], scores)
    >>> difference = compare_concordance(found)
    >>> difference.names, round(float(difference.difference[0]), 4)
    (('b',), 0.0357)
    """
    names = found.names
    if len(names) < 2:
        raise EstimationError("compare_concordance: one score only; two or more are needed")
    base = names[0] if reference is None else check_option(reference, "reference", names)
    width = check_level(found.level if level is None else level)
    r = names.index(base)
    others = [k for k in range(len(names)) if k != r]
    part = found.influence[:, others] - found.influence[:, [r]]
    difference, error = found.concordance[others] - found.concordance[r], np.sqrt((part**2).sum(0))
    half = normal_quantile(width) * error
    z, p = two_sided_p(difference, error)
    return ConcordanceDifference(
        tuple(names[k] for k in others), base, difference, error, difference - half,
        difference + half, z, p, found.n, found.events, width, f"difference in {found.method}",
        found.options, __version__,
    )  # fmt: skip
