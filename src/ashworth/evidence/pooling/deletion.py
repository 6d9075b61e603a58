"""Pooling without each study, all deletions at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ashworth.evidence.pooling.heterogeneity import ESTIMATORS
from ashworth.evidence.pooling.roots import gather, sums
from ashworth.survival.inputs import Booleans, Floats

_GRID = np.linspace(0.0, 1.0, 12)
_MOST, _CLOSE = 60, 1e-9  # the error after such a step of Newton's is its square


def _slopes(
    y: Floats, v: Floats, rows: Any, tau2: Floats, *, restricted: bool
) -> tuple[Floats, Floats]:
    """Both derivatives of the log likelihood without study `rows[i]`, at `tau2[i]`."""
    w = 1.0 / (v + tau2[:, None])
    w[np.arange(rows.size), rows] = 0.0
    square = w * w
    cube = square * w
    w1, w2, w3 = w.sum(axis=1), square.sum(axis=1), cube.sum(axis=1)
    mean = (w @ y) / w1
    wwy, wwyy = square @ y, square @ (y * y)
    w3y, w3yy = cube @ y, cube @ (y * y)
    q2 = wwyy - 2.0 * mean * wwy + mean**2 * w2
    q3 = w3yy - 2.0 * mean * w3y + mean**2 * w3
    c2 = wwy - mean * w2
    first = 0.5 * (q2 - w1)
    second = 0.5 * w2 - q3 + c2**2 / w1
    if restricted:
        ratio = w2 / w1
        first += 0.5 * ratio
        second += 0.5 * (ratio**2 - 2.0 * w3 / w1)
    return first, second


def _first_slopes(y: Floats, v: Floats, tau2: float, *, restricted: bool) -> Floats:
    """First derivative without each study at one tau2: sums of all less the study's own part."""
    w = 1.0 / (v + tau2)
    parts = np.array([w, w * y, w * w, w * w * y, w * w * y * y])
    w1, wy, w2, wwy, wwyy = parts.sum(axis=1)[:, None] - parts
    mean = wy / w1
    first = 0.5 * (wwyy - 2.0 * mean * wwy + mean**2 * w2 - w1)
    return first + 0.5 * w2 / w1 if restricted else first


def _brackets(
    y: Floats, v: Floats, *, restricted: bool
) -> tuple[Floats, Floats, Booleans, Booleans]:
    """Bracket of the only maximum of each deletion; which are at 0, and which are not plain."""
    top = float(np.ptp(y)) ** 2 + float(v.max())
    low = 1e-3 * float(v.min())
    grid = np.append(0.0, low * (top / low) ** _GRID)
    slope = np.array([_first_slopes(y, v, t, restricted=restricted) for t in grid])
    falls = (slope[:-1] > 0.0) & (slope[1:] <= 0.0)
    zero = slope[0] <= 0.0
    count = falls.sum(axis=0)
    at = falls.argmax(axis=0)
    return grid[at], grid[at + 1], zero & (count == 0), count + zero != 1


def sums_without_each(y: Floats, v: Floats, tau2: Floats) -> tuple[Floats, Floats, Floats]:
    """Sum of weights, weighted mean and Q without each study, at its own `tau2`."""
    w = 1.0 / (v + tau2[:, None])
    np.fill_diagonal(w, 0.0)
    w1 = w.sum(axis=1)
    mean = (w @ y) / w1
    return w1, mean, np.maximum(w @ (y * y) - mean**2 * w1, 0.0)


def tau2_without_each(y: Floats, s: Floats, method: str) -> Floats:
    """tau2 of the studies without each in turn.

    By likelihood: Newton's steps for all deletions together, kept in their brackets. A deletion
    whose likelihood has several maxima, or whose steps do not settle, is solved by itself.
    """
    if method == "FE":
        return np.zeros(y.size)
    v, restricted = s * s, method == "REML"
    y = y - float(np.average(y, weights=1.0 / v))
    if method not in ("REML", "ML"):
        return _one_by_one(y, v, method, np.zeros(y.size), np.arange(y.size))
    low, high, zero, hard = _brackets(y, v, restricted=restricted)
    d = gather(y, v)
    start = ESTIMATORS[method](d, sums(d, 0.0))
    inner = (low < start) & (start < high)
    tau2 = np.where(zero, 0.0, np.where(inner, start, 0.5 * (low + high)))
    active = np.flatnonzero(~zero & ~hard)
    for _ in range(_MOST):
        if not active.size:
            break
        now = tau2[active]
        first, second = _slopes(y, v, active, now, restricted=restricted)
        low[active] = np.where(first > 0.0, now, low[active])
        high[active] = np.where(first > 0.0, high[active], now)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = now - first / second
        inside = (second < 0.0) & (new >= low[active]) & (new <= high[active])
        new = np.where(inside, new, 0.5 * (low[active] + high[active]))
        tau2[active] = new
        active = active[~(inside & (abs(new - now) <= _CLOSE * new)) & (first != 0.0)]
    hard[active] = True
    return _one_by_one(y, v, method, tau2, np.flatnonzero(hard))


def _one_by_one(y: Floats, v: Floats, method: str, tau2: Floats, rows: Any) -> Floats:
    for i in rows:
        d = gather(np.delete(y, i), np.delete(v, i))
        tau2[i] = ESTIMATORS[method](d, sums(d, 0.0))
    return tau2
