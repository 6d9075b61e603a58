"""Logistic regression by Newton's method: maximum, separation, profile likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtri, expit, log_expit

from ashworth.enumeration.separation import Separation, find_separation
from ashworth.errors import EstimationError

Floats = NDArray[np.float64]
_FAR = 15.0
_MOST = 200


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """A maximum, or the limit of the likelihood where none exists.

    Attributes
    ----------
    beta, standard_error : ndarray, shape (p,)
        Infinite where the likelihood rises for ever, NaN where the data do not say.
    covariance : ndarray, shape (p, p)
        NaN in the rows of such coefficients.
    log_likelihood : float
        At the maximum, or its limit.
    kept : ndarray of int
        Columns that are not collinear with earlier ones.
    separation : Separation or None
        Directions in which the likelihood rises for ever.
    """

    beta: Floats
    standard_error: Floats
    covariance: Floats
    log_likelihood: float
    kept: NDArray[np.int64]
    separation: Separation | None


def fit_logistic(y: Floats, x: Floats) -> LogisticFit:
    """Fit responses to columns (the intercept is one of them).

    Parameters
    ----------
    y : ndarray, shape (n,)
        0 or 1.
    x : ndarray, shape (n, p)

    Raises
    ------
    EstimationError
        If the iteration ends without a maximum and no separation is found.
    """
    scale = np.sqrt((x * x).mean(axis=0))
    scale = np.where(scale > 0.0, scale, 1.0)
    z = x / scale
    kept = independent_columns(z)
    beta, value, converged = climb(y, z[:, kept], np.zeros(y.size))
    if converged and np.abs(z[:, kept] @ beta).max(initial=0.0) < _FAR:
        return _place(z, scale, kept, kept, beta, value, None)
    separation = find_separation(y, z[:, kept])
    if separation is None:
        if not converged:
            raise EstimationError(
                "logistic regression: no maximum was reached; divide the covariates by constants"
            )
        return _place(z, scale, kept, kept, beta, value, None)
    return _limit(y, z, scale, kept, separation)


def _limit(
    y: Floats, z: Floats, scale: Floats, kept: NDArray[np.int64], separation: Separation
) -> LogisticFit:
    """Fit of the rows that the separation leaves: the finite coefficients and the likelihood."""
    rest = separation.rows
    finite = kept[separation.sign == 0.0]
    if not rest.any():
        nothing = np.zeros(0, dtype=np.int64)
        return _place(z, scale, kept, nothing, np.zeros(0), 0.0, separation)
    order = np.concatenate([finite, kept[separation.sign != 0.0]])
    use = order[independent_columns(z[rest][:, order])]
    beta, value, _ = climb(y[rest], z[rest][:, use], np.zeros(int(rest.sum())))
    return _place(z[rest], scale, kept, use, beta, value, separation)


def _place(
    z: Floats, scale: Floats, kept: NDArray[np.int64], use: NDArray[np.int64], beta: Floats,
    value: float, separation: Separation | None,
) -> LogisticFit:  # fmt: skip
    """Bring coefficients and covariance to the caller's columns and units."""
    p = scale.size
    out, covariance = np.full(p, np.nan), np.full((p, p), np.nan)
    if use.size:
        share = expit(z[:, use] @ beta)
        weight = share * (1.0 - share)
        information = (z[:, use] * weight[:, None]).T @ z[:, use]
        covariance[np.ix_(use, use)] = np.linalg.inv(information) / np.outer(scale[use], scale[use])
        out[use] = beta / scale[use]
    error = np.sqrt(covariance.diagonal().copy())
    if separation is not None:
        endless = kept[separation.sign != 0.0]
        out[endless] = separation.sign[separation.sign != 0.0] * np.inf
        error[endless] = np.abs(out[endless])
        covariance[endless, :] = covariance[:, endless] = np.nan
    return LogisticFit(out, error, covariance, value, kept, separation)


def climb(y: Floats, z: Floats, offset: Floats) -> tuple[Floats, float, bool]:
    """Newton's method with halved steps; coefficients, log likelihood, convergence.

    Without a maximum the coefficients run away by about 1 in the linear predictor per step while
    the likelihood comes within rounding of its limit.
    """
    beta, sign = np.zeros(z.shape[1]), 2.0 * y - 1.0
    value = _log_likelihood(sign, offset)
    if not beta.size:
        return beta, value, True
    for _ in range(_MOST):
        eta = z @ beta + offset
        share = expit(eta)
        weight = share * expit(-eta)
        information = (z * weight[:, None]).T @ z
        score = z.T @ (sign * expit(-sign * eta))
        step = np.linalg.lstsq(information, score, rcond=1e-15)[0]
        gain = float(score @ step)
        if gain < 1e-13:
            return beta + step, _log_likelihood(sign, z @ (beta + step) + offset), True
        for _ in range(30):
            trial = _log_likelihood(sign, z @ (beta + step) + offset)
            if trial >= value:
                break
            step = step / 2.0
        beta, value = beta + step, trial
    return beta, value, False


def _log_likelihood(sign: Floats, eta: Floats) -> float:
    return float(log_expit(sign * eta).sum())


def independent_columns(z: Floats) -> NDArray[np.int64]:
    """Columns that are no linear combination of earlier ones."""
    basis, kept = np.zeros((z.shape[0], 0)), []
    for j, column in enumerate(z.T):
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        size = float(np.linalg.norm(rest))
        if size > 1e-9 * max(float(np.linalg.norm(column)), 1e-300):
            basis = np.column_stack([basis, rest / size])
            kept.append(j)
    return np.array(kept, dtype=np.int64)


def profile_limits(
    y: Floats, x: Floats, fit: LogisticFit, which: int, level: float
) -> tuple[float, float]:
    """Limits of one coefficient by the profile likelihood; an infinite one has one finite limit.

    The limit is where twice the fall of the profile log likelihood equals the chi-square quantile.
    """
    if which not in fit.kept or np.isnan(fit.beta[which]):
        return float("nan"), float("nan")
    scale = float(np.sqrt((x[:, which] ** 2).mean()))
    others = x[:, fit.kept[fit.kept != which]]
    others = others / np.sqrt((others * others).mean(axis=0))
    column = x[:, which] / scale
    depth = 0.5 * float(chdtri(1, 1.0 - level))

    def height(b: float) -> float:
        return climb(y, others, b * column)[1] - (fit.log_likelihood - depth)

    centre, error = fit.beta[which] * scale, fit.standard_error[which] * scale
    start = centre if np.isfinite(centre) else 0.0
    width = error if np.isfinite(error) and error > 0.0 else 1.0
    bounds = []
    for direction in (-1.0, 1.0):
        if centre == direction * np.inf:
            bounds.append(float(centre))
        else:
            bounds.append(_bound(height, start, direction, width) / scale)
    return bounds[0], bounds[1]


def _bound(height: Callable[[float], float], start: float, direction: float, width: float) -> float:
    """Root of a falling function in one direction."""
    inside, step = start, width
    for _ in range(60):
        if height(inside) > 0.0:
            break
        inside -= direction * step
        step *= 2.0
    outside, step = inside + direction * width, width
    for _ in range(60):
        if height(outside) < 0.0:
            found = brentq(height, inside, outside, xtol=1e-12, rtol=1e-13)
            return float(found)  # pyrefly: ignore[bad-argument-type]
        step *= 2.0
        inside, outside = outside, outside + direction * step
    return direction * float("inf")
