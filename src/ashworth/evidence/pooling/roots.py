"""Weighted sums at a given between-study variance, and the roots of functions of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats

_EPS = float(np.finfo(np.float64).eps)
_MOST = 200
_CLOSE = 1e-9  # the error after such a step of Newton's is its square


@dataclass(frozen=True, slots=True)
class Studies:
    """Estimates and variances in the form that makes every sum a product of matrices.

    Attributes
    ----------
    variance : ndarray, shape (k,)
        Sampling variances.
    powers : ndarray, shape (3, k)
        1, y and y squared for estimates y less `centre`.
    centre : float
        Fixed-effect mean.
    """

    variance: Floats
    powers: Floats
    centre: float

    @property
    def k(self) -> int:
        """Number of studies."""
        return self.variance.size


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over studies with weights ``w = 1 / (v + tau2)`` and residuals r of the weighted mean.

    Attributes
    ----------
    w1, w2 : float
        Sums of w and w squared.
    shift : float
        Weighted mean less the centre.
    q1, q2 : float
        Sums of ``w r^2`` and ``w^2 r^2``.
    c2 : float
        Sum of ``w^2 r``.
    """

    w1: float
    w2: float
    shift: float
    q1: float
    q2: float
    c2: float


def gather(y: Floats, v: Floats) -> Studies:
    """Studies from estimates y with variances v."""
    w = 1.0 / v
    centre = float(w @ y) / float(w.sum())
    powers = np.empty((3, y.size))
    powers[0] = 1.0
    np.subtract(y, centre, out=powers[1])
    np.square(powers[1], out=powers[2])
    return Studies(v, powers, centre)


def sums(d: Studies, tau2: float) -> Sums:
    """Weighted sums at `tau2`."""
    return sums_of_weights(d, 1.0 / (d.variance + tau2))


def sums_of_weights(d: Studies, w: Floats) -> Sums:
    """Weighted sums for given weights."""
    w1, wy, wyy = (d.powers @ w).tolist()
    w2, wwy, wwyy = (d.powers @ (w * w)).tolist()
    m = wy / w1
    q2 = max(wwyy - 2.0 * m * wwy + m * m * w2, 0.0)
    return Sums(w1, w2, m, max(wyy - m * wy, 0.0), q2, wwy - m * w2)


def find_root(
    value_and_slope: Callable[[float], tuple[float, float]], low: float, high: float, start: float
) -> float:
    """Root of a function that falls through 0 between `low` and `high`, to rounding.

    Newton's steps, with the middle of the bracket where a step leaves it or the bracket shrinks
    too slowly; four times the last value while `high` is infinite.
    """
    x = min(max(start, low), high)
    width = high - low
    for _ in range(_MOST):
        value, slope = value_and_slope(x)
        if value == 0.0:
            return x
        low, high = (x, high) if value > 0.0 else (low, x)
        new = x - value / slope if slope < 0.0 else np.inf
        outside = not low <= new <= high
        slow = high < np.inf and 2.0 * (high - low) > width and 2.0 * abs(new - x) > width
        if outside or slow:
            new = 0.5 * (low + high) if high < np.inf else 4.0 * x
        elif abs(new - x) <= _CLOSE * abs(new):
            return new
        width = high - low
        if high < np.inf and width <= 2.0 * _EPS * high:
            return new
        x = new
    return x


def bracket_above(value: Callable[[float], float], low: float, step: float) -> tuple[float, float]:
    """Two points around the place above `low` where a function falls below 0."""
    for _ in range(_MOST):
        if value(low + step) < 0.0:
            return low, low + step
        low, step = low + step, 4.0 * step
    raise EstimationError("pool: the between-study variance has no upper bound on these data")


def solve_q(d: Studies, target: float, at_zero: Sums, start: float = 0.0) -> float:
    """Between-study variance at which Q equals `target`; 0 where Q is smaller from the start.

    Q falls in tau2; its reciprocal is nearly a straight line, which makes Newton's steps short.
    """
    if at_zero.q1 <= target:
        return 0.0

    def reciprocal(tau2: float) -> tuple[float, float]:
        s = sums(d, tau2)
        return 1.0 / target - 1.0 / s.q1, -s.q2 / s.q1**2

    first = (1.0 / target - 1.0 / at_zero.q1) * at_zero.q1**2 / at_zero.q2
    return find_root(reciprocal, 0.0, float("inf"), start if start > 0.0 else first)
