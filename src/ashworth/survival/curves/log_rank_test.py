"""The log-rank test and its weighted and stratified forms, from histograms over event times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.curves.log_rank_weights import TimeWeights, Weighting, time_weights
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Faults,
    Floats,
    Integers,
    in_time_order,
    labels,
    merge_near_ties,
    observations,
)
from ashworth.survival.proportional_hazards.order import find_cells
from ashworth.survival.results import TestResult, chi_square_p

_RANK_TOLERANCE = 1e-10


def day_histogram(
    day: Integers, event: Booleans, group: Integers, *, n_groups: int, n_days: int,
    entry: Integers | None = None,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Count deaths and numbers at risk per group and day.

    Parameters
    ----------
    day : ndarray of int, shape (n,)
        Last day of follow-up, 0 to ``n_days - 1``; rows of day -1 are never at risk.
    event : ndarray of bool, shape (n,)
        True at an event.
    group : ndarray of int, shape (n,)
        Group 0 to ``n_groups - 1``.
    n_groups, n_days : int
        Size of the histogram.
    entry : ndarray of int, shape (n,), optional
        Late entry: at risk on the days ``entry < d <= day``; -1 for from the start.

    Returns
    -------
    deaths, at_risk : ndarray, shape (n_groups, n_days)
        Deaths on each day, and numbers at risk just before its deaths.

    Examples
    --------
    >>> deaths, at_risk = day_histogram(np.array([0, 1, 1]), np.array([True, True, False]),
    ...                                 np.array([0, 0, 1]), n_groups=2, n_days=2)
    >>> at_risk.tolist()
    [[2.0, 1.0], [1.0, 1.0]]
    """
    shape = (n_groups, n_days + 1)
    slot = group * (n_days + 1) + day + 1
    size = n_groups * (n_days + 1)
    deaths = np.bincount(slot[event], minlength=size).reshape(shape)
    leave = np.bincount(slot, minlength=size)
    if entry is not None:
        leave = leave - np.bincount(group * (n_days + 1) + entry + 1, minlength=size)
    at_risk = np.cumsum(leave.reshape(shape)[:, ::-1], axis=1)[:, ::-1]
    return deaths[:, 1:].astype(np.float64), at_risk[:, 1:].astype(np.float64)


def log_rank_from_histogram(
    deaths: Floats, at_risk: Floats, rho: float = 0.0
) -> tuple[Floats, Floats, Floats]:
    r"""Observed, expected and variance of one stratum from its histogram.

    Parameters
    ----------
    deaths, at_risk : ndarray, shape (k, u)
        Deaths and numbers at risk per group and time.
    rho : float
        Weight of each time: pooled survival just before it to this power.

    Returns
    -------
    observed, expected : ndarray, shape (k,)
        Weighted sums of deaths, and of their expectations.
    variance : ndarray, shape (k, k)
        Hypergeometric covariance of observed minus expected.

    Notes
    -----
    With d deaths among r at risk, of whom :math:`r_j` in group j,

    .. math:: E_j = \sum w d\, r_j / r,\quad V_{jl} = \sum w^2 \frac{d (r - d)}{r - 1}
              \frac{r_j}{r}\Bigl(\delta_{jl} - \frac{r_l}{r}\Bigr)

    Examples
    --------
    >>> o, e, v = log_rank_from_histogram(np.array([[1.0], [0.0]]), np.array([[2.0], [2.0]]))
    >>> o.tolist(), e.tolist(), v[0, 0].tolist()
    ([1.0, 0.0], [0.5, 0.5], 0.25)
    """
    time = np.arange(deaths.shape[1], dtype=np.float64)
    return _weighted(deaths, at_risk, time, TimeWeights("fleming-harrington", rho))


def _weighted(
    deaths: Floats, at_risk: Floats, time: Floats, weights: TimeWeights
) -> tuple[Floats, Floats, Floats]:
    """Observed, expected and variance of one stratum whose columns are at `time`."""
    d, r = deaths.sum(axis=0), at_risk.sum(axis=0)
    seen = d > 0
    deaths, at_risk, d, r = deaths[:, seen], at_risk[:, seen], d[seen], r[seen]
    weight = weights.at(d, r, time[seen])
    share = at_risk / r
    spread = weight**2 * d * np.divide(r - d, r - 1.0, out=np.zeros_like(r), where=r > 1)
    variance = np.diag(share @ spread) - (share * spread) @ share.T
    return deaths @ weight, share @ (weight * d), variance


@dataclass(frozen=True, slots=True)
class GroupedCells:
    """Deaths and numbers at risk of k groups in the cells (event times) of all strata.

    Attributes
    ----------
    groups : tuple
        Sorted labels.
    n_per_group : ndarray of int, shape (k,)
    deaths, at_risk : ndarray, shape (k, u)
    time : ndarray, shape (u,)
        Event time of each cell.
    stratum_start : ndarray of int, shape (s + 1,)
        First cell of each stratum.
    n, events : int
        Rows and events.
    """

    groups: tuple[Any, ...]
    n_per_group: Integers
    deaths: Floats
    at_risk: Floats
    time: Floats
    stratum_start: Integers
    n: int
    events: int

    def strata(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Deaths, numbers at risk and times of each stratum."""
        for a, b in pairwise(self.stratum_start):
            yield self.deaths[:, a:b], self.at_risk[:, a:b], self.time[a:b]


def grouped_cells(
    subject: str, time: Any, event: Any, group: Any, *, strata: Any, entry: Any,
    tie_tolerance: float,
) -> GroupedCells:  # fmt: skip
    """Check the arguments of a test between groups and count by cells.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        With one group only, or without events.
    """
    faults = Faults(subject)
    names, codes = labels(group, "group", faults)
    stratum, n_strata = None, 1
    if strata is not None:
        found, stratum = labels(strata, "strata", faults)
        n_strata = len(found)
    seen = observations(time, event, entry, None, faults, ("group", codes), ("strata", stratum))
    if len(names) < 2:
        raise EstimationError(f"{subject}: one group only ({names[0]!r}); two or more are needed")
    per_group = np.bincount(codes, minlength=len(names))
    seen, (sorted_codes, stratum) = in_time_order(seen, codes, stratum)
    events = int(seen.event.sum())
    if events == 0:
        raise EstimationError(f"{subject}: no events among {seen.time.size} rows")
    t, e = merge_near_ties(seen.time, seen.entry, tie_tolerance)
    cells = find_cells(t, seen.event, e, stratum, n_strata)
    assert sorted_codes is not None
    n_cells = cells.deaths.size
    late = None
    if (cells.entry_cell >= 0).any():
        late = np.minimum(cells.entry_cell, cells.exit_cell)
    deaths, at_risk = day_histogram(
        cells.exit_cell, seen.event, sorted_codes, n_groups=len(names), n_days=n_cells, entry=late
    )
    at = np.zeros(n_cells)
    at[cells.exit_cell[seen.event]] = t[seen.event]
    return GroupedCells(
        tuple(names), per_group, deaths, at_risk, at, cells.stratum_start, t.size, events
    )


def _all_strata(cells: GroupedCells, weights: TimeWeights) -> tuple[Floats, Floats, Floats]:
    """Sum over strata; with equal weights their cells are one histogram."""
    if weights.equal:
        return _weighted(cells.deaths, cells.at_risk, cells.time, weights)
    parts = [_weighted(*stratum, weights) for stratum in cells.strata()]
    observed, expected, variance = (
        np.sum(np.stack(part), axis=0) for part in zip(*parts, strict=True)
    )
    return observed, expected, variance


def quadratic_form(difference: Floats, variance: Floats) -> tuple[float, int]:
    """Chi-square statistic by the generalised inverse, and the rank of the variance."""
    values, vectors = np.linalg.eigh(variance)
    kept = values > _RANK_TOLERANCE * max(float(values.max(initial=0.0)), 1e-300)
    rank = int(kept.sum())
    projected = vectors[:, kept].T @ difference
    return float((projected**2 / values[kept]).sum()), rank


def log_rank(
    time: Any,
    event: Any,
    group: Any,
    *,
    strata: Any = None,
    entry: Any = None,
    rho: float = 0.0,
    gamma: float = 0.0,
    weighting: Weighting = "fleming-harrington",
    delay: float | None = None,
    tie_tolerance: float = TIE_TOLERANCE,
) -> TestResult:
    r"""Test that k groups have the same hazard.

    Choose weights before seeing the curves: a weight that is chosen by them has no valid p-value.
    Weights that grow with time (`gamma`, ``"modestly-weighted"``) look for late differences,
    falling ones (`rho`, ``"gehan-breslow"``, ``"tarone-ware"``) for early ones.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, 0 or later.
    event : array-like of bool or 0/1, shape (n,)
        1 event, 0 censored; at equal times events come before censorings.
    group : array-like, shape (n,)
        Labels of two or more groups.
    strata : array-like, shape (n,), optional
        Labels of strata; observed and expected are added over them, weights are each stratum's.
    entry : array-like, shape (n,), optional
        Late entry: at risk at t if ``entry < t <= time``.
    rho, gamma : float
        Fleming-Harrington weights; (0, 0) log-rank, (1, 0) Peto and Peto's modification of the
        Wilcoxon test, (0, 1) late differences. `gamma` is 0 or more.
    weighting : {"fleming-harrington", "tarone-ware", "gehan-breslow", "modestly-weighted"}
        Kind of the weights; all but the first take no `rho` and `gamma`.
    delay : float, optional
        Time t* of the modestly weighted test, in the unit of `time`: its weights rise until then.
    tie_tolerance : float
        As for `kaplan_meier`.

    Returns
    -------
    TestResult
        ``.statistic .df .p_value``, per group ``.observed .expected``, ``.variance``. The degrees
        of freedom are the rank of the variance: a group never at risk does not count. The
        observed and expected are weighted unless all weights are 1.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        With one group only, without events, with options that contradict each other, or where
        every weight is 0 or a weight is infinite.

    Notes
    -----
    With pooled survival S (Kaplan-Meier, all groups of a stratum) and r at risk, the weights are

    .. math:: S(t-)^{\rho} (1 - S(t-))^{\gamma},\quad \sqrt{r(t)},\quad r(t),\quad
              1 / \max\{S(t-), S(t^*)\}

    References
    ----------
    .. [1] Mantel N (1966). Evaluation of survival data and two new rank order statistics arising
       in its consideration. Cancer Chemother Rep 50:163-170.
    .. [2] Fleming TR, Harrington DP (1991). Counting processes and survival analysis. Wiley,
       chapter 7.
    .. [3] Tarone RE, Ware J (1977). On distribution-free tests for equality of survival
       distributions. Biometrika 64:156-160.
    .. [4] Magirr D, Burman CF (2019). Modestly weighted logrank tests. Stat Med 38:3782-3790.

    Examples
    --------
    >>> test = log_rank([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], ["b", "a", "a", "b", "b", "a"])
    >>> round(test.statistic, 4), test.df
    (2.5567, 1)
    """
    weights = time_weights(weighting, rho, gamma, delay)
    cells = grouped_cells(
        "log_rank", time, event, group, strata=strata, entry=entry, tie_tolerance=tie_tolerance
    )
    observed, expected, variance = _all_strata(cells, weights)
    if not weights.equal:
        _refuse_weights(observed, weights)
    statistic, rank = quadratic_form(observed - expected, variance)
    options = {
        "rho": rho, "gamma": gamma, "weighting": weighting, "delay": delay,
        "strata": strata is not None, "entry": entry is not None,
    }  # fmt: skip
    return TestResult(
        statistic, rank, chi_square_p(statistic, rank), weights.method,
        cells.n, cells.events, cells.groups, cells.n_per_group, observed, expected, variance,
        options,
    )  # fmt: skip


def _refuse_weights(observed: Floats, weights: TimeWeights) -> None:
    """Refuse sums that no weight or an infinite one has spoilt."""
    if not np.isfinite(observed).all():
        raise EstimationError(
            f"log_rank: the weights of {weights.method} are infinite, because the pooled survival "
            "is 0 before a later event (late entry); use weights that do not divide by it"
        )
    if not observed.any():
        raise EstimationError(
            f"log_rank: every event has weight 0 by {weights.method} (all at the first event "
            "time of their stratum); use other weights"
        )
