"""Estimators of the between-study variance tau2, each O(k) and converged to rounding."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ashworth.evidence.pooling.roots import (
    Studies,
    Sums,
    bracket_above,
    find_root,
    solve_q,
    sums,
    sums_of_weights,
)
from ashworth.survival.inputs import Floats

_FEWEST, _MOST = 8, 64
_CELLS = 4000  # of the grid times the studies: two maxima are a matter of few studies


def hedges(d: Studies, at_zero: Sums) -> float:
    """Hedges and Olkin: variance of the estimates less their mean sampling variance."""
    return max(float(np.var(d.powers[1], ddof=1)) - float(d.variance.mean()), 0.0)


def dersimonian_laird(d: Studies, at_zero: Sums) -> float:
    """DerSimonian and Laird: moment estimator from Cochran's Q."""
    return max((at_zero.q1 - (d.k - 1)) / (at_zero.w1 - at_zero.w2 / at_zero.w1), 0.0)


def dersimonian_laird_two_step(d: Studies, at_zero: Sums) -> float:
    """DerSimonian and Kacker: moments again, with the weights that the first step gives."""
    w = 1.0 / (d.variance + dersimonian_laird(d, at_zero))
    s = sums_of_weights(d, w)
    expected = float(w @ d.variance) - float((w * w) @ d.variance) / s.w1
    return max((s.q1 - expected) / (s.w1 - s.w2 / s.w1), 0.0)


def hunter_schmidt(d: Studies, at_zero: Sums) -> float:
    """Hunter and Schmidt: excess of Q over k, per unit of weight; biased low."""
    return max((at_zero.q1 - d.k) / at_zero.w1, 0.0)


def sidik_jonkman(d: Studies, at_zero: Sums) -> float:
    """Sidik and Jonkman: from the raw variance of the estimates; positive unless all agree."""
    raw = float(np.var(d.powers[1]))
    return raw * sums(d, raw).q1 / (d.k - 1) if raw > 0.0 else 0.0


def paule_mandel(d: Studies, at_zero: Sums) -> float:
    """Paule and Mandel: Q equals its degrees of freedom; the empirical Bayes estimator too."""
    return solve_q(d, float(d.k - 1), at_zero)


def log_likelihood(d: Studies, tau2: float, *, restricted: bool) -> float:
    """Log likelihood with the mean at its maximum; `restricted` as metafor scales it."""
    k, s = d.k, sums(d, tau2)
    value = -0.5 * (float(np.log(d.variance + tau2).sum()) + s.q1)
    if restricted:
        value += 0.5 * math.log(k / s.w1)
        k -= 1
    return value - 0.5 * k * math.log(2.0 * math.pi)


def likelihood_slope(d: Studies, tau2: float, *, restricted: bool) -> tuple[float, float]:
    """First and second derivative of the profile log likelihood of tau2."""
    w = 1.0 / (d.variance + tau2)
    s = sums_of_weights(d, w)
    w3, wy, wyy = (d.powers @ (w * w * w)).tolist()
    q3 = wyy - 2.0 * s.shift * wy + s.shift**2 * w3
    first = 0.5 * (s.q2 - s.w1)
    second = 0.5 * s.w2 - q3 + s.c2**2 / s.w1
    if restricted:
        ratio = s.w2 / s.w1
        first += 0.5 * ratio
        second += 0.5 * (ratio**2 - 2.0 * w3 / s.w1)
    return first, second


def _grid(d: Studies) -> Floats:
    """Zero, and steps on a log scale up to a value above every maximum."""
    top = float(np.ptp(d.powers[1])) ** 2 + float(d.variance.max())
    low = 1e-3 * float(d.variance.min())
    steps = min(max(_CELLS // d.k, _FEWEST), _MOST)
    return np.append(0.0, low * (top / low) ** np.linspace(0.0, 1.0, steps))


def _scan(d: Studies, grid: Floats, *, restricted: bool) -> Floats:
    """First derivative of the log likelihood at every value of `grid`."""
    w = 1.0 / (d.variance + grid[:, None])
    w1, wy = (w @ d.powers[:2].T).T
    np.square(w, out=w)
    w2, wwy, wwyy = (w @ d.powers.T).T
    m = wy / w1
    q2 = wwyy - 2.0 * m * wwy + m**2 * w2
    return 0.5 * (q2 - w1 + (w2 / w1 if restricted else 0.0))


def _maximum_likelihood(d: Studies, at_zero: Sums, *, restricted: bool) -> float:
    """Highest maximum: every fall of the slope through 0 on a grid, refined, and 0 itself."""
    grid = _grid(d)
    slope = _scan(d, grid, restricted=restricted)
    found = [] if slope[0] > 0.0 else [0.0]

    def value_and_slope(tau2: float) -> tuple[float, float]:
        return likelihood_slope(d, tau2, restricted=restricted)

    for i in np.flatnonzero((slope[:-1] > 0.0) & (slope[1:] <= 0.0)):
        low, high = float(grid[i]), float(grid[i + 1])
        moments = dersimonian_laird(d, at_zero)
        between = low + (high - low) * float(slope[i] / (slope[i] - slope[i + 1]))
        start = moments if low < moments < high else between
        found.append(find_root(value_and_slope, low, high, start))
    if len(found) == 1:
        return found[0]
    heights = [log_likelihood(d, t, restricted=restricted) for t in found]
    return found[int(np.argmax(heights))]


def maximum_likelihood(d: Studies, at_zero: Sums) -> float:
    """Maximum likelihood: biased low with few studies."""
    return _maximum_likelihood(d, at_zero, restricted=False)


def restricted_likelihood(d: Studies, at_zero: Sums) -> float:
    """Restricted maximum likelihood."""
    return _maximum_likelihood(d, at_zero, restricted=True)


ESTIMATORS: dict[str, Callable[[Studies, Sums], float]] = {
    "REML": restricted_likelihood,
    "DL": dersimonian_laird,
    "DL2": dersimonian_laird_two_step,
    "PM": paule_mandel,
    "ML": maximum_likelihood,
    "EB": paule_mandel,
    "SJ": sidik_jonkman,
    "HE": hedges,
    "HS": hunter_schmidt,
}


def _quadratic_spread(weights: Floats, total: Floats) -> float:
    """Standard error of the quadratic form of residuals with `weights`, over its trace."""
    w, s = weights, total
    w1 = float(w.sum())
    a = w * s
    second = float(a @ a) - 2.0 * float((w * a) @ a) / w1 + (float(w @ a) / w1) ** 2
    return math.sqrt(2.0 * max(second, 0.0)) / (w1 - float(w @ w) / w1)


def standard_error_of_tau2(d: Studies, tau2: float, method: str) -> float:
    """Standard error of an estimate of tau2 from normal theory; for PM and EB after Morris."""
    v, k = d.variance, d.k
    w = 1.0 / (v + tau2)
    w1, w2 = float(w.sum()), float(w @ w)
    if method == "ML":
        return math.sqrt(2.0 / w2)
    if method == "REML":
        return math.sqrt(2.0 / (w2 - 2.0 * float((w * w) @ w) / w1 + (w2 / w1) ** 2))
    if method in ("PM", "EB"):
        return k / w1 * math.sqrt(2.0 / (k - 1))
    if method == "SJ":
        raw = float(np.var(d.powers[1]))
        start = 1.0 / (v + raw)
        trace = float(start.sum()) - float(start @ start) / float(start.sum())
        return raw / (k - 1) * trace * _quadratic_spread(start, v + tau2)
    if method == "DL2":
        first = dersimonian_laird(d, sums(d, 0.0))
        return _quadratic_spread(1.0 / (v + first), v + tau2)
    if method == "HS":
        start = 1.0 / v
        w1 = float(start.sum())
        return _quadratic_spread(start, v + tau2) * (1.0 - float(start @ start) / w1**2)
    return _quadratic_spread(1.0 / v if method == "DL" else np.ones_like(v), v + tau2)


def profile_likelihood(
    d: Studies, tau2: float, drop: float, *, restricted: bool
) -> tuple[float, float]:
    """Limits of tau2 where the log likelihood has fallen by `drop` below its maximum."""
    level = log_likelihood(d, tau2, restricted=restricted) - drop

    def above(x: float) -> tuple[float, float]:
        slope = likelihood_slope(d, x, restricted=restricted)[0]
        return log_likelihood(d, x, restricted=restricted) - level, slope

    def mirrored(x: float) -> tuple[float, float]:
        value, slope = above(tau2 - x)
        return value, -slope

    lower = 0.0
    if above(0.0)[0] < 0.0:
        lower = tau2 - find_root(mirrored, 0.0, tau2, 0.5 * tau2)
    step = max(tau2, float(np.median(d.variance)))
    low, high = bracket_above(lambda x: above(x)[0], tau2, step)
    return lower, find_root(above, low, high, 0.5 * (low + high))
