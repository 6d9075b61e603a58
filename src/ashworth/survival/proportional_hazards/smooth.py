"""A natural cubic spline through scaled Schoenfeld residuals, with pointwise limits."""

from __future__ import annotations

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Booleans, Floats

_SINGULAR = 1e-9


def natural_basis(x: Floats, knots: Floats) -> Floats:
    """Natural cubic splines with k knots, boundary ones included, shape (n, k).

    Cubic between the knots and straight beyond the outer ones: 1, x and k - 2 differences of
    truncated cubes.
    """
    z = (x - knots[0]) / (knots[-1] - knots[0])
    at = (knots - knots[0]) / (knots[-1] - knots[0])
    cubes = np.maximum(z[:, None] - at, 0.0) ** 3
    slopes = (cubes[:, :-1] - cubes[:, -1:]) / (at[-1] - at[:-1])
    return np.column_stack([np.ones_like(z), z, slopes[:, :-1] - slopes[:, -1:]])


def smooth_residuals(
    x: Floats, y: Floats, known: Booleans, grid: Floats, variance: float, df: int
) -> tuple[Floats, Floats]:
    """Least-squares spline of y on x at the points of `grid`, and its standard error.

    Parameters
    ----------
    x, y : ndarray, shape (events,)
        Transformed times and scaled residuals.
    known : ndarray of bool, shape (events,)
        Which of them are fitted; the knots go by all.
    grid : ndarray, shape (g,)
        Where the curve is wanted.
    variance : float
        Variance of one scaled residual.
    df : int
        Columns of the spline: df - 2 inner knots at quantiles of the times.

    Raises
    ------
    EstimationError
        With fewer distinct times than columns.
    """
    everything = np.concatenate([grid, x])
    if np.unique(x[known]).size < df:
        raise EstimationError(f"a smooth with {df} columns needs {df} distinct event times")
    knots = np.quantile(everything, np.linspace(0.0, 1.0, df))
    if (np.diff(knots) <= 0).any():
        raise EstimationError(f"too many equal event times for a smooth with {df} columns")
    basis = natural_basis(x[known], knots)
    q, triangle = np.linalg.qr(basis)
    diagonal = np.abs(triangle.diagonal())
    if diagonal.min() <= _SINGULAR * diagonal.max():
        raise EstimationError(f"too many equal event times for a smooth with {df} columns")
    at = natural_basis(grid, knots)
    fitted = at @ np.linalg.solve(triangle, q.T @ y[known])
    spread = np.linalg.solve(triangle.T, at.T)
    return fitted, np.sqrt(variance * (spread**2).sum(axis=0))
