"""Kernel of the Aalen-Johansen estimator: cells, incidence and its variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Floats, Integers

_EMPTY = 1e-12


@dataclass(frozen=True, slots=True)
class Incidence:
    """Aalen-Johansen estimate of one group with u distinct times and c causes.

    Attributes
    ----------
    time, at_risk, n_censored : ndarray, shape (u,)
        Ascending times at which someone leaves, (weighted) number at risk just before, censorings.
    deaths, incidence : ndarray, shape (c, u)
        (Weighted) events and cumulative incidence just after each time, by cause.
    before : ndarray, shape (u,)
        Probability to be free of every event just before each time.
    hazard : ndarray, shape (u,)
        Events of all causes over the number at risk.
    exit_cell, entry_cell : ndarray of int, shape (n,)
        Index of each row's exit, and the number of times at or before its entry.
    """

    time: Floats
    at_risk: Floats
    n_censored: Floats
    deaths: Floats
    incidence: Floats
    before: Floats
    hazard: Floats
    exit_cell: Integers
    entry_cell: Integers

    @property
    def event_free(self) -> Floats:
        """Probability to be free of every event just after each time, shape (u,)."""
        return self.before * (1.0 - self.hazard)


def _sums(cell: Integers, values: Floats, cells: int) -> Floats:
    return np.bincount(cell, values, cells).astype(np.float64)


def estimate_incidence(
    time: Floats, code: Integers, causes: tuple[int, ...], entry: Floats | None,
    weights: Floats | None,
) -> Incidence:  # fmt: skip
    """Estimate all causes of one group of checked rows."""
    distinct, cell = np.unique(time, return_inverse=True)
    u, w = distinct.size, np.ones(time.size) if weights is None else weights
    deaths = np.stack([_sums(cell, w * (code == k), u) for k in causes] or [np.zeros(u)])
    leave = _sums(cell, w, u)
    started = np.zeros(time.size, dtype=np.int64)
    if entry is not None:
        started = np.searchsorted(distinct, entry, side="right")
    here = np.cumsum(_sums(started, w, u + 1))[:u]
    at_risk = here - np.concatenate([[0.0], np.cumsum(leave)[:-1]])
    died = deaths.sum(axis=0)
    if weights is not None:
        at_risk = np.maximum(at_risk, leave)
    with np.errstate(invalid="ignore"):
        hazard = np.where(at_risk > 0, died / at_risk, 0.0)
    hazard = np.where(hazard > 1.0 - _EMPTY, 1.0, hazard)
    before = np.concatenate([[1.0], np.cumprod(1.0 - hazard)[:-1]])
    steps = np.divide(deaths, at_risk, out=np.zeros_like(deaths), where=at_risk > 0)
    incidence = np.cumsum(before * steps, axis=1)
    return Incidence(
        distinct, at_risk, leave - died, deaths, incidence, before, hazard, cell, started
    )


def _inverse(values: Floats) -> Floats:
    """One over positive values, 0 elsewhere."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def greenwood_variance(fit: Incidence, cause: int) -> Floats:
    r"""Variance of the incidence of the cause at index `cause`, shape (u,).

    The increments of the hazards at one time are multinomial. Without weights and late entry this
    is the infinitesimal jackknife:

    .. math:: \sum_{u \le t} S_{u-}^2 \frac{h_k (1 - h_k)}{Y} + (F_t - F_u)^2 \frac{h}{(1 - h) Y}
              - 2 (F_t - F_u) S_{u-} \frac{h_k}{Y}
    """
    inverse = _inverse(fit.at_risk)
    own = fit.deaths[cause] * inverse
    square = fit.before**2 * own * (1.0 - own) * inverse
    rest = fit.hazard * _inverse(1.0 - fit.hazard) * inverse
    return _unfold(fit.incidence[cause], square, rest, fit.before * own * inverse)


def aalen_variance(fit: Incidence, cause: int) -> Floats:
    r"""Variance of cmprsk, shape (u,): other causes pooled, ties drawn without replacement.

    .. math:: \sum_{u \le t} S_{u-}^2 \Bigl\{\Bigl(1 - \frac{F_t - F_u}{S_u}\Bigr)^2 v_1
              + \Bigl(\frac{F_t - F_u}{S_u}\Bigr)^2 v_2\Bigr\},\quad
              v_j = \frac{d_j}{Y^2} \Bigl(1 - \frac{d_j - 1}{Y - 1}\Bigr)
    """
    own = fit.deaths[cause]
    first = tied_variance(own, fit.at_risk)
    other = tied_variance(fit.deaths.sum(axis=0) - own, fit.at_risk)
    left = _inverse(1.0 - fit.hazard)
    square = fit.before**2 * first
    return _unfold(
        fit.incidence[cause], square, left**2 * (first + other), fit.before * left * first
    )


def tied_variance(deaths: Floats, at_risk: Floats) -> Floats:
    """Variance of d/Y for d events drawn without replacement; one event has 1/Y^2."""
    shared = np.maximum(deaths - 1.0, 0.0) * _inverse(at_risk - 1.0)
    return deaths * _inverse(at_risk) ** 2 * (1.0 - shared)


def _unfold(incidence: Floats, square: Floats, rest: Floats, cross: Floats) -> Floats:
    """Sum of square + (F_t - F_u)^2 rest - 2 (F_t - F_u) cross over u <= t.

    F is counted from its last value: the large terms of small risk sets then meet small numbers.
    """
    f = incidence - incidence[-1]
    constant = np.cumsum(square + f * f * rest + 2.0 * f * cross)
    linear, quadratic = np.cumsum(f * rest + cross), np.cumsum(rest)
    variance = np.maximum(constant - 2.0 * f * linear + f * f * quadratic, 0.0)
    return np.where(incidence > 0, variance, 0.0)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Influence of row i on F_t: ``a_i + b_i f_t`` after its exit, paths A, B before it."""

    f: Floats
    path_a: Floats
    path_b: Floats
    a: Floats
    b: Floats


def _parts(fit: Incidence, code: Integers, cause: int, label: int) -> _Parts:
    f = fit.incidence[cause] - fit.incidence[cause, -1]
    inverse, left = _inverse(fit.at_risk), _inverse(1.0 - fit.hazard)
    own = fit.deaths[cause] * inverse
    rest = fit.hazard * left * inverse
    path_a = np.concatenate([[0.0], np.cumsum(fit.before * own * inverse + f * rest)])
    path_b = np.concatenate([[0.0], np.cumsum(rest)])
    x, e = fit.exit_cell, fit.entry_cell
    any_event, this = code > 0, code == label
    jump = (left * inverse)[x] * any_event
    a = path_a[e] - path_a[x + 1] + (fit.before * inverse)[x] * this + f[x] * jump
    return _Parts(f, path_a, path_b, a, path_b[x + 1] - path_b[e] - jump)


def influence(fit: Incidence, code: Integers, cause: int, label: int, at: float) -> Floats:
    """Change of the incidence at time `at` per unit of each row's weight, shape (n,).

    `cause` is the index of the cause and `label` its code.
    """
    cells = int(np.searchsorted(fit.time, at, side="right"))
    if cells == 0:
        return np.zeros(code.size)
    parts = _parts(fit, code, cause, label)
    f = parts.f[cells - 1]
    e = np.minimum(fit.entry_cell, cells)
    path = parts.path_a[e] - parts.path_a[cells]
    here = path + f * (parts.path_b[cells] - parts.path_b[e])
    return np.where(fit.exit_cell < cells, parts.a + parts.b * f, here)


def jackknife_variance(
    fit: Incidence, code: Integers, cause: int, label: int, weights: Floats
) -> Floats:
    """Infinitesimal jackknife: sum of squared (weighted) influences, shape (u,)."""
    parts, u = _parts(fit, code, cause, label), fit.time.size
    w2, f = weights**2, parts.f

    def gone(values: Floats) -> Floats:
        return np.cumsum(_sums(fit.exit_cell, w2 * values, u))

    def here(values: Floats) -> Floats:
        came = np.cumsum(_sums(fit.entry_cell, w2 * values, u + 1))[:u]
        return came - gone(values)

    a, b = parts.a, parts.b
    left = gone(a * a) + 2.0 * f * gone(a * b) + f * f * gone(b * b)
    p, q = parts.path_a[fit.entry_cell], parts.path_b[fit.entry_cell]
    level = parts.path_a[1:] - f * parts.path_b[1:]
    inside = here(p * p) - 2.0 * f * here(p * q) + f * f * here(q * q)
    inside += level**2 * here(np.ones_like(w2)) - 2.0 * level * (here(p) - f * here(q))
    return np.where(fit.incidence[cause] > 0, np.maximum(left + inside, 0.0), 0.0)
