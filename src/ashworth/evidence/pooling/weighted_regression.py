"""Weighted least squares with a between-study variance: sums and tau2, O(k p^2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ashworth.errors import EstimationError
from ashworth.evidence.pooling.roots import bracket_above, find_root
from ashworth.survival.inputs import Floats

_STEPS = np.linspace(0.0, 1.0, 30)
METHODS = ("REML", "DL", "PM", "ML", "EB", "SJ", "HE", "HS", "FE")


@dataclass(frozen=True, slots=True)
class Design:
    """Estimates y, variances v, and a design matrix of full rank."""

    y: Floats
    v: Floats
    x: Floats

    @property
    def df(self) -> int:
        """Residual degrees of freedom."""
        return self.x.shape[0] - self.x.shape[1]


@dataclass(frozen=True, slots=True)
class Fit:
    """Weighted fit: weights, inverse of X'WX, coefficients and residuals."""

    w: Floats
    inverse: Floats
    beta: Floats
    residuals: Floats

    @property
    def q(self) -> float:
        """Weighted sum of squared residuals."""
        return float(self.w @ self.residuals**2)


def design(y: Floats, s: Floats, x: Floats, names: tuple[str, ...]) -> Design:
    """Check rank and degrees of freedom."""
    k, p = x.shape
    if k <= p:
        raise EstimationError(
            f"meta_regression: {k} studies for {p} coefficients; allowed: more studies than "
            "coefficients, better ten for each moderator"
        )
    scale = np.sqrt((x**2).sum(axis=0))
    flat = [names[j] for j in range(p) if scale[j] == 0.0]
    rank = 0 if flat else int(np.linalg.matrix_rank(x / scale))
    if rank < p:
        raise EstimationError(
            f"meta_regression: columns {', '.join(flat or names)} are constant or collinear "
            f"(rank {rank} of {p}); leave one out"
        )
    return Design(y, s * s, x)


def fit_weights(d: Design, w: Floats) -> Fit:
    """Weighted least squares by QR for given weights."""
    root = np.sqrt(w)
    q, r = np.linalg.qr(d.x * root[:, None])
    upper = np.linalg.inv(r)
    beta = upper @ (q.T @ (d.y * root))
    return Fit(w, upper @ upper.T, beta, d.y - d.x @ beta)


def fit(d: Design, tau2: float) -> Fit:
    """Weighted fit at `tau2`."""
    return fit_weights(d, 1.0 / (d.v + tau2))


def trace(d: Design, f: Fit) -> float:
    """Trace of the residual projection P."""
    square = d.x.T @ (d.x * (f.w**2)[:, None])
    return float(f.w.sum()) - float(np.sum(f.inverse * square))


def log_likelihood(d: Design, tau2: float, *, restricted: bool) -> float:
    """Log likelihood with coefficients at their maximum; `restricted` as metafor scales it."""
    f, k = fit(d, tau2), d.y.size
    value = -0.5 * (float(np.log(d.v + tau2).sum()) + f.q)
    if restricted:
        value += 0.5 * (np.linalg.slogdet(f.inverse)[1] + np.linalg.slogdet(d.x.T @ d.x)[1])
        k = d.df
    return value - 0.5 * k * math.log(2.0 * math.pi)


def slopes(d: Design, tau2: float, *, restricted: bool) -> tuple[float, float]:
    """First and second derivative of the profile log likelihood."""
    f = fit(d, tau2)
    w, a, x = f.w, f.inverse, d.x
    z = w * f.residuals
    cross = x.T @ (w * z)
    first = float(z @ z)
    second = -2.0 * (float(w @ z**2) - float(cross @ a @ cross))
    if restricted:
        two, three = (x.T @ (x * (w**n)[:, None]) for n in (2, 3))
        first -= trace(d, f)
        at = a @ two
        second += float(w @ w) - 2.0 * float(np.sum(a * three)) + float(np.sum(at * at.T))
    else:
        first -= float(w.sum())
        second += float(w @ w)
    return 0.5 * first, 0.5 * second


def _likelihood(d: Design, *, restricted: bool) -> float:
    top = float(np.ptp(d.y)) ** 2 + float(d.v.max())
    low = 1e-3 * float(d.v.min())
    grid = np.append(0.0, low * (top / low) ** _STEPS)
    slope = np.array([slopes(d, t, restricted=restricted)[0] for t in grid])
    found = [] if slope[0] > 0.0 else [0.0]
    for i in np.flatnonzero((slope[:-1] > 0.0) & (slope[1:] <= 0.0)):
        lower, upper = float(grid[i]), float(grid[i + 1])
        found.append(find_root(
            lambda t: slopes(d, t, restricted=restricted), lower, upper, 0.5 * (lower + upper)
        ))  # fmt: skip
    heights = [log_likelihood(d, t, restricted=restricted) for t in found]
    return found[int(np.argmax(heights))]


def solve_q(d: Design, target: float) -> float:
    """Between-study variance at which the residual Q equals `target`; 0 where Q is smaller."""
    if fit(d, 0.0).q <= target:
        return 0.0

    def reciprocal(tau2: float) -> tuple[float, float]:
        f = fit(d, tau2)
        return 1.0 / target - 1.0 / f.q, -float((f.w * f.residuals) @ (f.w * f.residuals)) / f.q**2

    low, high = bracket_above(lambda t: reciprocal(t)[0], 0.0, float(np.median(d.v)))
    return find_root(reciprocal, low, high, 0.5 * (low + high))


def estimate_tau2(d: Design, method: str) -> float:
    """tau2 by one of `METHODS`."""
    k, df = d.y.size, d.df
    if method == "FE":
        return 0.0
    if method in ("REML", "ML"):
        return _likelihood(d, restricted=method == "REML")
    if method in ("PM", "EB"):
        return solve_q(d, float(df))
    if method == "SJ":
        raw = float(np.var(d.y))
        return raw * fit(d, raw).q / df if raw > 0.0 else 0.0
    if method == "HE":
        plain = fit_weights(d, np.ones(k))
        leverage = np.einsum("ij,jk,ik->i", d.x, plain.inverse, d.x)
        return max((plain.q - float((1.0 - leverage) @ d.v)) / df, 0.0)
    fixed = fit(d, 0.0)
    if method == "HS":
        return max((fixed.q - k) / float(fixed.w.sum()), 0.0)
    return max((fixed.q - df) / trace(d, fixed), 0.0)
