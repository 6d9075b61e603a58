"""Found against spiked cells: a weighted straight line with limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from ashworth.enumeration.detection_limits import demand_shares
from ashworth.errors import EstimationError, InputError, Problem
from ashworth.version import __version__

Weights: TypeAlias = Literal["equal", "inverse_spiked"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RecoveryLine:
    """Line of found against spiked cells.

    Attributes
    ----------
    slope, slope_lower, slope_upper : float
        Found cells per spiked cell.
    intercept, intercept_lower, intercept_upper : float
        Cells found without a spike.
    covariance : ndarray, shape (2, 2)
        Of intercept and slope.
    residual_deviation : float
        Square root of the weighted residual mean square.
    degrees_of_freedom, n : int
    """

    slope: float
    slope_lower: float
    slope_upper: float
    intercept: float
    intercept_lower: float
    intercept_upper: float
    covariance: Floats
    residual_deviation: float
    degrees_of_freedom: int
    level: float
    n: int
    method: str
    options: dict[str, str]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Rows slope and intercept: parameter, estimate, lower, upper, standard_error."""
        error = np.sqrt(np.diag(self.covariance))[::-1]
        return pl.DataFrame(
            {
                "parameter": ["slope", "intercept"],
                "estimate": [self.slope, self.intercept],
                "lower": [self.slope_lower, self.intercept_lower],
                "upper": [self.slope_upper, self.intercept_upper],
                "standard_error": error,
            }
        )


def recovery_line(
    found: ArrayLike,
    spiked: ArrayLike,
    *,
    weights: Weights | ArrayLike = "inverse_spiked",
    level: float = 0.95,
) -> RecoveryLine:
    """Fit found against spiked cells by weighted least squares.

    Parameters
    ----------
    found, spiked : array_like, shape (n,)
        Cells found and cells spiked, >= 0.
    weights : {'inverse_spiked', 'equal'} or array_like, shape (n,)
        ``inverse_spiked``: 1 / max(spiked, 1), for counts whose variance grows with their mean.
    level : float
        Of the t limits.

    Returns
    -------
    RecoveryLine
        Of a software its slope is the software sensitivity; of a wet laboratory the recovery.

    Raises
    ------
    InputError
        With all problems: cells that are negative or not finite, a spike without its level.
    EstimationError
        Fewer than three samples, or all of one level.

    Examples
    --------
    >>> line = recovery_line([0, 4, 9, 42, 430], [0, 5, 10, 50, 500])
    >>> round(line.slope, 3), round(line.intercept, 3)
    (0.859, -0.026)
    """
    y, x = _checked(found, spiked)
    demand_shares(level=level)
    named = weights if isinstance(weights, str) else "given"
    w = _weights(weights, x)
    if x.size < 3 or np.unique(x[w > 0]).size < 2:
        raise EstimationError(
            f"found {x.size} samples at {np.unique(x).size} levels; allowed: at least three "
            "samples and two levels; mend: spike more"
        )
    design = np.column_stack([np.ones_like(x), x])
    root = np.sqrt(w)
    scale = np.array([1.0, np.abs(x).max()])
    q, r = np.linalg.qr(design / scale * root[:, None])
    beta = np.linalg.solve(r, q.T @ (y * root)) / scale
    degrees = int(np.sum(w > 0)) - 2
    if degrees < 1:
        raise EstimationError("found two weighted samples; allowed: at least three; mend: add one")
    residual = float(np.sqrt(np.sum(w * (y - design @ beta) ** 2) / degrees))
    inverse = np.linalg.inv(r) / scale[:, None]
    covariance = residual**2 * inverse @ inverse.T
    half = float(stdtrit(degrees, (1.0 + level) / 2.0)) * np.sqrt(np.diag(covariance))
    intercept, slope = (float(b) for b in beta)
    return RecoveryLine(
        slope, float(slope - half[1]), float(slope + half[1]), intercept,
        float(intercept - half[0]), float(intercept + half[0]), covariance, residual, degrees,
        level, x.size, "weighted least squares, t limits", {"weights": named},
    )  # fmt: skip


def _checked(found: ArrayLike, spiked: ArrayLike) -> tuple[Floats, Floats]:
    y, x = np.asarray(found, dtype=float), np.asarray(spiked, dtype=float)
    if y.ndim != 1 or y.shape != x.shape:
        text = f"{y.size} found, {x.size} spiked"
        raise InputError(
            [Problem("spikes", None, None, text, "one of each per sample", "pair them")]
        )
    problems = [
        Problem("spikes", int(i) + 1, name, f"{values[i]:g}", "cells, at least 0",
                "give the cells, or leave the sample out and say so")
        for name, values in (("found", y), ("spiked", x))
        for i in np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    return y, x


def _weights(weights: Weights | ArrayLike, spiked: Floats) -> Floats:
    if isinstance(weights, str):
        if weights == "equal":
            return np.ones_like(spiked)
        if weights == "inverse_spiked":
            return 1.0 / np.maximum(spiked, 1.0)
        raise ValueError(f"found weights {weights!r}; allowed: 'equal', 'inverse_spiked', numbers")
    w = np.asarray(weights, dtype=float)
    if w.shape != spiked.shape or not np.all(np.isfinite(w) & (w >= 0)):
        raise ValueError("weights must be finite, at least 0, and one per sample")
    return w
