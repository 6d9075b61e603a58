"""Partial likelihood of the Fine-Gray model in O(n p^2) per step, by cumulative sums.

A row with a competing event stays in later risk sets with the weight G(u-) / G(x-). Each risk set
is therefore a sum over rows that are still there plus, per censoring group, G(u-) times a sum over
rows that had a competing event before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ashworth.survival.competing_risks.censoring import Censoring
from ashworth.survival.inputs import Booleans, Floats, Integers


@dataclass(frozen=True, slots=True)
class Stratum:
    """Rows of one stratum by time: m rows, p covariates, u times with an event of the cause.

    Attributes
    ----------
    rows : ndarray of int, shape (m,)
        Position of each row in the whole data.
    end : ndarray, shape (m,)
        Ascending ends of follow-up.
    columns : ndarray, shape (p, m)
        Covariates.
    own, competing : ndarray of bool, shape (m,)
        Event of the cause, event of another one.
    cell : ndarray of int, shape (m,)
        Number of event times at or before each row's end.
    times, deaths : ndarray, shape (u,)
        Event times and events.
    first : ndarray of int, shape (u,)
        First row still there at each event time.
    group : ndarray of int, shape (m,)
        Censoring group.
    free : ndarray, shape (g, u)
        G(u-) of every group.
    inverse : ndarray, shape (m,)
        1 / G(x-) of rows with a competing event, else 0.
    """

    rows: Integers
    end: Floats
    columns: Floats
    own: Booleans
    competing: Booleans
    cell: Integers
    times: Floats
    deaths: Floats
    first: Integers
    group: Integers
    free: Floats
    inverse: Floats


@dataclass(frozen=True, slots=True)
class Point:
    """Likelihood at one coefficient vector.

    Attributes
    ----------
    value : float
        Log partial likelihood.
    score, information : ndarray, shape (p,), (p, p)
        Its derivatives.
    risks : list of ndarray
        Per stratum exp(linear predictor), shape (m,), up to a factor that is one in `hazards`.
    hazards : list of ndarray
        Per stratum the steps of the baseline subdistribution hazard times that factor, shape (u,).
    totals : list of ndarray
        Per stratum the weighted sum of the risks in each risk set, shape (u,).
    means : list of ndarray
        Per stratum the weighted means of the covariates, shape (p, u).
    shifts : list of float
        Per stratum the logarithm of that factor.
    """

    value: float
    score: Floats
    information: Floats
    risks: list[Floats]
    hazards: list[Floats]
    totals: list[Floats]
    means: list[Floats]
    shifts: list[float]


def build_stratum(
    rows: Integers, columns: Floats, time: Floats, own: Booleans, competing: Booleans,
    group: Integers, censoring: Sequence[Censoring],
) -> Stratum:  # fmt: skip
    """Sort the given rows by time; all arrays are of the whole data, `columns` is (p, n)."""
    rows = rows[np.argsort(time[rows], kind="stable")]
    t, d, c, g = time[rows], own[rows], competing[rows], group[rows]
    times, deaths = np.unique(t[d], return_counts=True)
    cell = np.searchsorted(times, t, side="right")
    free = np.stack([s.before(times) for s in censoring])
    inverse = np.zeros(rows.size)
    for k, s in enumerate(censoring):
        mine = c & (g == k)
        inverse[mine] = 1.0 / s.before(t[mine])
    first = np.searchsorted(cell, np.arange(times.size), side="right")
    x = np.ascontiguousarray(columns[:, rows])
    return Stratum(
        rows, t, x, d, c, cell, times, deaths.astype(np.float64), first, g, free, inverse
    )  # fmt: skip


def still_there(s: Stratum, values: Floats) -> Floats:
    """Sums over the rows that have not left, at each event time; the last axis is rows."""
    parts = np.add.reduceat(values, s.first, axis=-1)
    return np.cumsum(parts[..., ::-1], axis=-1)[..., ::-1]


def gone_before(s: Stratum, values: Floats) -> Floats:
    """Sums of G(u-) / G(x-) values over earlier competing events, at each event time."""
    u, flat = s.times.size, np.atleast_2d(values)
    out = np.zeros((flat.shape[0], u))
    for g, free in enumerate(s.free):
        mine = np.flatnonzero(s.competing & (s.group == g) & (s.cell < u))
        if mine.size:
            at, weight = s.cell[mine], s.inverse[mine]
            for row, total in zip(flat, out, strict=True):
                total += free * np.cumsum(np.bincount(at, weight * row[mine], u))
    return out if values.ndim == 2 else out[0]


def expected(s: Stratum, risk: Floats, steps: Floats) -> Floats:
    """Each row's integral of its weight times `steps` (…, u) times its risk, shape (…, m)."""
    zero = np.zeros((*steps.shape[:-1], 1))
    passed = np.concatenate([zero, np.cumsum(steps, axis=-1)], axis=-1)
    total = passed[..., s.cell]
    for g, free in enumerate(s.free):
        mine = np.flatnonzero(s.competing & (s.group == g))
        if mine.size:
            later = np.cumsum((steps * free)[..., ::-1], axis=-1)[..., ::-1]
            later = np.concatenate([later, zero], axis=-1)
            total[..., mine] += later[..., s.cell[mine]] * s.inverse[mine]
    return total * risk


def evaluate(strata: Sequence[Stratum], beta: Floats) -> Point:
    """Log partial likelihood (Breslow) with its derivatives, summed over strata."""
    p = beta.size
    value, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    parts: list[tuple[Floats, Floats, Floats, Floats, float]] = []
    for s in strata:
        eta = beta @ s.columns
        shift = float(eta.max())
        risk = np.exp(eta - shift)
        total = still_there(s, risk) + gone_before(s, risk)
        weighted = s.columns * risk
        means = (still_there(s, weighted) + gone_before(s, weighted)) / total
        hazard = s.deaths / total
        weight = expected(s, risk, hazard)
        value += float(eta[s.own].sum() - s.deaths @ (np.log(total) + shift))
        score += s.columns[:, s.own].sum(axis=1) - means @ s.deaths
        information += (s.columns * weight) @ s.columns.T - (means * s.deaths) @ means.T
        parts.append((risk, hazard, total, means, shift))
    risks, hazards, totals, means_, shifts = (list(v) for v in zip(*parts, strict=True))
    return Point(value, score, information, risks, hazards, totals, means_, shifts)
