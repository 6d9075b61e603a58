"""Separation in logistic regression, found by linear programmes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from ashworth.errors import EstimationError

Floats = NDArray[np.float64]
_TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class Separation:
    """Directions in which the likelihood never falls.

    Attributes
    ----------
    rows : ndarray of bool, shape (n,)
        Rows that no such direction tells apart: they alone determine what is finite.
    sign : ndarray, shape (p,)
        1 or -1 where a coefficient goes to plus or minus infinity, 0 where it is finite, NaN where
        directions of both signs exist.
    """

    rows: NDArray[np.bool_]
    sign: Floats


def find_separation(y: Floats, z: Floats) -> Separation | None:
    """Say whether a direction exists that predicts no row worse and some row better.

    With s = 2y - 1 such a direction b has s_i z_i'b >= 0 in all rows and > 0 in one (Albert and
    Anderson, Biometrika 1984;71:1). Rows that it predicts better leave; the search goes on in the
    rest until nothing is found.
    """
    margin = (2.0 * y - 1.0)[:, None] * z
    rest = np.ones(y.size, dtype=bool)
    while rest.any():
        direction = _solve(-margin[rest].sum(axis=0), margin[rest])
        better = margin @ direction > _TOLERANCE
        if not (better & rest).any():
            break
        rest &= ~better
    if rest.all():
        return None
    p = z.shape[1]
    high = np.array([_reach(margin, j, 1.0) for j in range(p)])
    low = np.array([_reach(margin, j, -1.0) for j in range(p)])
    sign = np.where(high & low, np.nan, high.astype(float) - low.astype(float))
    return Separation(rest, sign)


def _reach(margin: Floats, j: int, direction: float) -> bool:
    """Whether a direction of the cone moves coefficient j that way."""
    cost = np.zeros(margin.shape[1])
    cost[j] = -direction
    return bool(direction * _solve(cost, margin)[j] > _TOLERANCE)


def _solve(cost: Floats, margin: Floats) -> Floats:
    """Minimise the cost in the box of side 2 within the cone."""
    found = linprog(cost, A_ub=-margin, b_ub=np.zeros(len(margin)), bounds=(-1.0, 1.0))
    if found.status != 0:
        raise EstimationError(f"logistic regression: separation not decided ({found.message})")
    return np.asarray(found.x, dtype=np.float64)
