"""Gray's test that groups have the same cumulative incidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.competing_risks.codes import CodedRows, check_cause, read_codes
from ashworth.survival.curves.log_rank_test import quadratic_form
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Faults,
    Floats,
    Integers,
    check_number,
    labels,
)
from ashworth.survival.results import TestResult, chi_square_p


@dataclass(frozen=True, slots=True)
class _Cells:
    """Counts of one stratum over its u event times, for k groups, shape (k, u)."""

    own: Floats
    other: Floats
    at_risk: Floats


def _count(time: Floats, code: Integers, group: Integers, k: int, cause: int) -> _Cells:
    """Events of the cause, of other causes, and numbers at risk at every event time."""
    distinct = np.unique(time[code > 0])
    u = distinct.size
    last = np.searchsorted(distinct, time, side="right") - 1

    def tally(which: Any) -> Floats:
        slot = group[which] * (u + 1) + last[which] + 1
        counts = np.bincount(slot, minlength=k * (u + 1)).reshape(k, u + 1)
        return counts[:, 1:].astype(np.float64)

    leave = tally(slice(None))
    at_risk = np.cumsum(leave[:, ::-1], axis=1)[:, ::-1]
    return _Cells(tally(code == cause), tally((code > 0) & (code != cause)), at_risk)


def _ratio(a: Floats, b: Floats) -> Floats:
    a, b = np.broadcast_arrays(a, b)
    return np.divide(a, b, out=np.zeros(a.shape), where=b > 0)


def _shift(values: Floats, first: float) -> Floats:
    """Values just before each time."""
    start = np.full((*values.shape[:-1], 1), first)
    return np.concatenate([start, values[..., :-1]], axis=-1)


def _ties(deaths: Floats, at_risk: Floats) -> Floats:
    """Variance of several events drawn without replacement, relative to independent ones."""
    return 1.0 - _ratio(np.maximum(deaths - 1.0, 0.0), at_risk - 1.0)


def _stratum(cells: _Cells, rho: float) -> tuple[Floats, Floats, Floats]:
    """Observed, expected and covariance of the weighted score of one stratum."""
    d1, y = cells.own, cells.at_risk
    free = np.cumprod(1.0 - _ratio(d1 + cells.other, y), axis=1).astype(np.float64)
    free_before = _shift(free, 1.0)
    own_before = _shift(np.cumsum(free_before * _ratio(d1, y), axis=1), 0.0)
    h = _ratio(y, free_before)
    total, deaths = h.sum(axis=0), d1.sum(axis=0)
    pooled = np.cumsum(_ratio(deaths, total))
    weight = np.maximum(1.0 - _shift(pooled, 0.0), 0.0) ** rho
    share = h * (1.0 - own_before)
    expected = (weight * deaths * _ratio(share, share.sum(axis=0))).sum(axis=1)
    variance = _variance(cells, h, free, pooled, weight)
    return d1 @ weight, expected, variance


def _variance(cells: _Cells, h: Floats, free: Floats, pooled: Floats, weight: Floats) -> Floats:
    """Gray's covariance, summed over the groups r in which the events fall."""
    k, total, deaths = h.shape[0], h.sum(axis=0), cells.own.sum(axis=0)
    free_before = _shift(free, 1.0)
    a = weight * h[:, None, :] * (np.eye(k)[:, :, None] - _ratio(h, total)[None])
    passed = np.cumsum(a * _ratio(deaths, total * (1.0 - _shift(pooled, 0.0))), axis=2)
    rest = passed[:, :, -1:] - passed
    left = np.where(free > 0, _ratio(1.0 - pooled, free), 0.0)
    own = a + (1.0 - left) * rest
    own_scale = _ties(deaths, total * free_before) * _ratio(deaths, total * h)
    own_scale = np.where(cells.at_risk > 0, own_scale, 0.0)
    other = left * rest
    other_scale = _ties(cells.other, cells.at_risk) * _ratio(cells.other, h**2)
    return np.einsum("iru,jru,ru->ij", own, own, own_scale) + np.einsum(
        "iru,jru,ru->ij", other, other, other_scale
    )


def gray_test(
    time: Any,
    event_code: Any,
    group: Any,
    *,
    cause: int = 1,
    strata: Any = None,
    rho: float = 0.0,
    tie_tolerance: float = TIE_TOLERANCE,
) -> TestResult:
    r"""Test that k groups have the same cumulative incidence of one cause.

    Use it beside curves of `cumulative_incidence`; the log-rank test compares the hazards instead.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, 0 or later.
    event_code : array-like of int, shape (n,)
        0 censored, 1, 2, ... the kind of event.
    group : array-like, shape (n,)
        Labels of two or more groups.
    cause : int
        Code of the event that is compared; the others compete.
    strata : array-like, shape (n,), optional
        Labels of strata; scores and covariances are added over them.
    rho : float
        Weight of each time: one minus the pooled incidence just before it to this power.
    tie_tolerance : float
        As for `kaplan_meier`.

    Returns
    -------
    TestResult
        ``.statistic .df .p_value``, per group ``.observed .expected``, ``.variance``; n counts the
        rows and events those of the cause.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        With one group only, or without events of the cause.

    Notes
    -----
    With :math:`h_k = Y_k / S_k(t-)` and :math:`R_k = h_k (1 - F_k(t-))` the score of group k is

    .. math:: \sum_t W(t) \Bigl\{ d_{1k} - d_1 \frac{R_k}{\sum_r R_r} \Bigr\},\quad
              W = (1 - F(t-))^\rho

    with Gray's covariance; ties count as drawn without replacement. No late entry.

    References
    ----------
    .. [1] Gray RJ (1988). A class of K-sample tests for comparing the cumulative incidence of a
       competing risk. Ann Stat 16:1141-1154.

    Examples
    --------
    >>> test = gray_test([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 2, 1], ["b", "a", "a", "b", "b", "a"])
    >>> round(test.statistic, 4), test.df
    (1.0177, 1)
    """
    check_number(rho, "rho", "a number, 0 for equal weights")
    faults = Faults("gray_test")
    names, codes = labels(group, "group", faults)
    places, stratum = ([0], None) if strata is None else labels(strata, "strata", faults)
    rows = read_codes(
        time, event_code, None, None, faults, ("group", codes), ("strata", stratum),
        tie_tolerance=tie_tolerance,
    )  # fmt: skip
    if len(names) < 2:
        raise EstimationError(f"gray_test: one group only ({names[0]!r}); two or more are needed")
    check_cause(cause, rows, "gray_test")
    observed, expected, variance = _all_strata(
        rows, codes, stratum, len(places), len(names), cause, rho
    )
    statistic, df = quadratic_form(observed - expected, variance)
    return TestResult(
        statistic, df, chi_square_p(statistic, df), "Gray", rows.time.size,
        int(np.count_nonzero(rows.code == cause)), tuple(names),
        np.bincount(codes, minlength=len(names)), observed, expected, variance,
        {"cause": cause, "rho": rho, "strata": strata is not None},
    )  # fmt: skip


def _all_strata(
    rows: CodedRows, group: Integers, stratum: Integers | None, n_strata: int, k: int, cause: int,
    rho: float,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for s in range(n_strata):
        which = slice(None) if stratum is None else stratum == s
        time, code = rows.time[which], rows.code[which]
        if not (code == cause).any():
            continue
        o, e, v = _stratum(_count(time, code, group[which], k, cause), rho)
        observed, expected, variance = observed + o, expected + e, variance + v
    return observed, expected, variance
