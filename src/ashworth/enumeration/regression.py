"""Counts on covariates: negative binomial regression with the amount as offset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, ndtri, polygamma, psi, xlogy

from ashworth.errors import EstimationError
from ashworth.version import __version__

Floats = NDArray[np.float64]
_TOLERANCE = 1e-11


@dataclass(frozen=True, slots=True)
class CountRegression:
    """A negative binomial regression of counts.

    Attributes
    ----------
    names : tuple of str
        Terms, the intercept first.
    coefficients, standard_errors : ndarray, shape (p + 1,)
        Of the log rate; the errors take the size as known (as R's `summary` does).
    size, size_standard_error : float
        Size (theta) of the negative binomial, and its error from the observed information.
    log_likelihood : float
        At the maximum.
    n : int
        Number of counts.
    """

    names: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    size: float
    size_standard_error: float
    log_likelihood: float
    n: int
    method: str
    options: dict[str, float]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Columns term, coefficient, standard_error, rate_ratio, lower, upper."""
        half = float(ndtri(0.5 + self.options["level"] / 2.0)) * self.standard_errors
        return pl.DataFrame(
            {
                "term": self.names,
                "coefficient": self.coefficients,
                "standard_error": self.standard_errors,
                "rate_ratio": np.exp(self.coefficients),
                "lower": np.exp(self.coefficients - half),
                "upper": np.exp(self.coefficients + half),
            }
        )


def count_regression(
    n_cells: ArrayLike,
    covariates: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    denominator: ArrayLike = 1.0,
    level: float = 0.95,
) -> CountRegression:
    r"""Fit counts to covariates, with a size that is estimated too.

    Use it to ask which patients have more cells; a cut-off is not needed.

    Parameters
    ----------
    n_cells : array_like of int, shape (n,)
        Counts, >= 0.
    covariates : array_like, shape (n, p)
        Columns without an intercept.
    names : sequence of str, optional
        Names of the columns.
    denominator : array_like of float
        Amounts analysed; their log is the offset.
    level : float
        Level of the limits in the table.

    Returns
    -------
    CountRegression

    Raises
    ------
    EstimationError
        If no cell was counted, the counts are no more dispersed than Poisson, the covariates are
        collinear, or the iteration does not converge.
    ValueError
        For negative counts or amounts that are not positive.

    Notes
    -----
    :math:`N_i \sim NB(\mu_i, \theta)`, :math:`\log \mu_i = \log v_i + \beta_0 + x_i \beta`,
    variance :math:`\mu + \mu^2 / \theta`. Scoring steps for the coefficients and Newton steps
    for the size alternate to the maximum, as in R's ``MASS::glm.nb``.

    References
    ----------
    Venables WN, Ripley BD. Modern Applied Statistics with S, 2002, section 7.4.

    Examples
    --------
    >>> high = np.repeat([0.0, 1.0], 6)
    >>> fit = count_regression([0, 0, 1, 3, 0, 7, 2, 0, 9, 31, 4, 12], high[:, None])
    >>> fit.table()["rate_ratio"].round(3).to_list()
    [1.833, 5.273]
    """
    y, x, log_amount = _prepare(n_cells, covariates, denominator)
    beta, size = _start(y, x, log_amount)
    for _ in range(500):
        beta_step = _scoring_step(y, x, log_amount, beta, size)
        beta = beta + beta_step
        mu = np.exp(x @ beta + log_amount)
        slope, curvature = _size_derivatives(y, mu, size)
        log_step = float(np.clip(_log_newton(slope, curvature, size), -1.0, 1.0))
        size *= np.exp(log_step)
        if size > 1e7:
            raise EstimationError("the counts are no more dispersed than Poisson: no finite size")
        if max(np.abs(beta_step).max(), abs(log_step)) < _TOLERANCE:
            break
    else:
        raise EstimationError("the regression of counts did not converge in 500 steps")
    weight = mu / (1.0 + mu / size)
    covariance = np.linalg.inv((x * weight[:, None]).T @ x)
    given = tuple(names) if names is not None else tuple(f"x{i}" for i in range(1, x.shape[1]))
    return CountRegression(
        names=("intercept", *given),
        coefficients=beta,
        standard_errors=np.sqrt(np.diag(covariance)),
        size=float(size),
        size_standard_error=float(1.0 / np.sqrt(-_size_derivatives(y, mu, size)[1])),
        log_likelihood=_log_likelihood(y, mu, size),
        n=y.size,
        method="negative binomial regression, log link, offset log(denominator)",
        options={"level": level},
    )


def _prepare(
    n_cells: ArrayLike, covariates: ArrayLike, denominator: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Check the input; add the intercept."""
    y = np.asarray(n_cells, dtype=float)
    columns = np.asarray(covariates, dtype=float)
    amount = np.broadcast_to(np.asarray(denominator, dtype=float), y.shape)
    if np.any(y < 0) or not np.all(amount > 0) or not np.all(np.isfinite(columns)):
        raise ValueError("counts must be >= 0, denominators > 0 and covariates finite")
    if not np.any(y > 0):
        raise EstimationError("no cell in any of the counts: nothing to regress")
    x = np.column_stack([np.ones(y.size), columns])
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise EstimationError("the covariates are collinear, or one of them is constant")
    return y, x, np.log(amount)


def _start(y: Floats, x: Floats, log_amount: Floats) -> tuple[Floats, float]:
    """Mean rate without covariates, five scoring steps at size 1."""
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(y.sum() / np.exp(log_amount).sum())
    for _ in range(5):
        beta = beta + _scoring_step(y, x, log_amount, beta, 1.0)
    return beta, 1.0


def _scoring_step(y: Floats, x: Floats, log_amount: Floats, beta: Floats, size: float) -> Floats:
    """Fisher scoring step of the coefficients, at most 2 in any of them."""
    mu = np.exp(x @ beta + log_amount)
    weight = mu / (1.0 + mu / size)
    score = x.T @ ((y - mu) / (1.0 + mu / size))
    step = np.linalg.solve((x * weight[:, None]).T @ x, score)
    shorter = min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
    return np.asarray(step * shorter, dtype=np.float64)


def _size_derivatives(y: Floats, mu: Floats, size: float) -> tuple[float, float]:
    """First and second derivative of the log likelihood in the size."""
    total = mu + size
    slope = psi(size + y) - psi(size) + np.log(size / total) + 1.0 - (y + size) / total
    curvature = (
        polygamma(1, size + y) - polygamma(1, size) + 1.0 / size - 2.0 / total
        + (y + size) / total**2
    )  # fmt: skip
    return float(np.sum(slope)), float(np.sum(curvature))


def _log_newton(slope: float, curvature: float, size: float) -> float:
    """Newton step of the log size; uphill where the likelihood is not concave."""
    first, second = slope * size, slope * size + curvature * size**2
    return first / abs(second) if second != 0 else np.sign(first)


def _log_likelihood(y: Floats, mu: Floats, size: float) -> float:
    """Log likelihood with all constants."""
    terms = (
        gammaln(y + size) - gammaln(size) - gammaln(y + 1.0)
        - size * np.log1p(mu / size) + xlogy(y, mu / (mu + size))
    )  # fmt: skip
    return float(np.sum(terms))
