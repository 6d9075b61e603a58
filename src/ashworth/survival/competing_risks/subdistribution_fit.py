"""Newton's method for the Fine-Gray model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.competing_risks.subdistribution import Point, Stratum, evaluate
from ashworth.survival.inputs import Floats

_STEPS = 60
_HALVINGS = 30
_SMALL = 1e-9
_ROUNDING = 1e-12


def maximise_subdistribution(strata: Sequence[Stratum], start: Floats) -> tuple[Point, Floats, int]:
    """Newton's method with halved steps, until a step is below 1e-9 standard errors.

    Returns
    -------
    point, beta, iterations
        Likelihood at the maximum, the coefficients, and the number of steps.
    """
    beta, point = start, evaluate(strata, start)
    for iteration in range(1, _STEPS):
        try:
            step = np.linalg.solve(point.information, point.score).astype(np.float64)
        except np.linalg.LinAlgError as failed:
            raise EstimationError(
                "fine_gray: the information is singular; leave out a covariate"
            ) from failed
        decrement = float(point.score @ step)
        new, at = _uphill(strata, beta, step, point)
        if decrement < _SMALL**2 or at is None:
            if at is None and decrement > _SMALL:
                break
            return (point, beta, iteration) if at is None else (at, new, iteration)
        beta, point = new, at
    raise EstimationError(
        "fine_gray: Newton's method found no maximum; look for a covariate that separates events "
        "from the rest, or is nearly collinear"
    )


def _uphill(
    strata: Sequence[Stratum], beta: Floats, step: Floats, point: Point
) -> tuple[Floats, Point | None]:
    """Longest of the halved steps that does not lower the likelihood beyond rounding."""
    slack = _ROUNDING * max(abs(point.value), 1.0)
    for _ in range(_HALVINGS):
        new = beta + step
        with np.errstate(all="ignore"):
            at = evaluate(strata, new)
        if np.isfinite(at.value) and at.value >= point.value - slack:
            return new, at
        step = step / 2.0
    return beta, None
