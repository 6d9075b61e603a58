"""Maximise a Cox partial likelihood where Newton's method with halving fails: a trust region.

The curvature of the likelihood changes by a factor of about e when a linear predictor moves by 1.
Where large offsets or an overshot step have led to a point with hardly any curvature, a Newton step
is worthless. Here a step is the best one, for the quadratic approximation, of at most a certain
length; the length grows while the approximation is good and shrinks where it is not.

References
----------
.. [1] More JJ, Sorensen DC (1983). Computing a trust region step. SIAM J Sci Stat Comput 4:553-572.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.monotone import recession_direction
from ashworth.survival.proportional_hazards.twin import Likelihood

_ROUNDING = 1e-11
_SMALLEST_PIVOT = 1e-12
_SMALLEST_RADIUS = 1e-13
_SETTLED = 1e-7
_RELATIVE = 1e-9
_STUCK = 1e3
_TAIL = 1e-4
MOST_STEPS = 300

Evaluate = Callable[[Floats], Likelihood]


def whitening(reference: Floats) -> Floats:
    """Matrix W such that ``W' reference W`` is the identity, apart from vanishing directions."""
    root = 1.0 / np.sqrt(np.maximum(reference.diagonal(), 1e-300))
    values, vectors = np.linalg.eigh(reference * root * root[:, None])
    return root[:, None] * vectors / np.sqrt(np.maximum(values, 1e-12))


def bounded_step(information: Floats, score: Floats, radius: float) -> Floats:
    """Step of at most `radius` that is best for the quadratic approximation.

    The step is ``(information + lambda)^-1 score``; lambda is found by bisection.
    """
    values, vectors = np.linalg.eigh(information)
    values = np.maximum(values, 0.0)
    along = vectors.T @ score
    size = float(np.linalg.norm(along))
    if size == 0.0:
        return np.zeros_like(score)
    high = size / radius
    low = 1e-300
    if values.min() > 0 and np.linalg.norm(along / values) <= radius:
        return vectors @ (along / values)
    for _ in range(80):
        middle = float(np.sqrt(low) * np.sqrt(high))
        if np.linalg.norm(along / (values + middle)) > radius:
            low = middle
        else:
            high = middle
    return vectors @ (along / (values + high))


def improves(before: Likelihood, after: Likelihood, step: Floats) -> bool:
    """Say whether a step led uphill; by the slopes where the values differ by rounding only.

    The likelihood is concave: where its slope along the step has not turned by more than half, the
    step went uphill.
    """
    slack = _ROUNDING * (1.0 + abs(before.value))
    if not np.isfinite(after.value) or not np.isfinite(after.score).all():
        return False
    rise = after.value - before.value
    if abs(rise) > slack:
        return rise > 0
    return float(after.score @ step) >= -0.5 * float(before.score @ step)


def well_determined(information: Floats) -> bool:
    """Say whether the information can be inverted with some digits left."""
    diagonal = information.diagonal()
    if not (diagonal > 0).all():
        return False
    root = 1.0 / np.sqrt(diagonal)
    return bool(np.linalg.eigvalsh(information * root * root[:, None])[0] > _SMALLEST_PIVOT)


def newton(information: Floats, score: Floats) -> Floats | None:
    """Newton step by the information with a diagonal of ones; None where it has no inverse."""
    if not well_determined(information):
        return None
    root = 1.0 / np.sqrt(information.diagonal())
    return root * np.linalg.solve(information * root * root[:, None], root * score)


@dataclass(slots=True)
class Search:
    """Where a search stands.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients.
    at : Likelihood
        The likelihood there.
    radius : float
        Length of the longest step allowed.
    iterations : int
        Steps tried.
    converged : bool
        Whether the Newton step was negligible in standard errors and in linear predictors.
    recession : ndarray, shape (p,), or None
        A direction of recession met on the way.
    """

    beta: Floats
    at: Likelihood
    radius: float = 1.0
    iterations: int = 0
    converged: bool = False
    recession: Floats | None = None


def _move(evaluate: Evaluate, found: Search, step: Floats) -> None:
    """Take a step if it leads uphill; the next one may then be longer, else must be shorter."""
    fresh = found.beta + step
    tried = evaluate(fresh)
    if improves(found.at, tried, step):
        found.beta, found.at, found.radius = fresh, tried, 2.0 * found.radius
    else:
        found.radius *= 0.25


def _negligible(
    found: Search, step: Floats, design: CoxDesign, tolerance: float, factor: float = 1.0
) -> bool:
    """Say whether a Newton step changes nothing: in standard errors, and in each coefficient.

    The second matters where hardly any information is left and standard errors are huge.
    """
    absolute = np.abs(step) * design.largest <= factor * _SETTLED
    relative = np.abs(step) <= factor * _RELATIVE * np.abs(found.beta)
    return abs(float(found.at.score @ step)) <= tolerance**2 and bool((absolute | relative).all())


def search(
    evaluate: Evaluate, beta: Floats, kept: Integers, design: CoxDesign, reference: Floats,
    tolerance: float, *, watch: bool,
) -> Search:  # fmt: skip
    """Climb from `beta` to the maximum on the kept coefficients.

    Parameters
    ----------
    evaluate : callable
        The likelihood.
    beta : ndarray, shape (p,)
        Where to start.
    kept : ndarray of int
        Coefficients to move.
    design : CoxDesign
        The sorted problem.
    reference : ndarray, shape (p, p)
        Information where all are equally at risk: the scale of the steps.
    tolerance : float
        Length of the last Newton step, in standard errors.
    watch : bool
        Look for directions of recession on the way.
    """
    block = np.ix_(kept, kept)
    scale = whitening(reference[block]) * np.sqrt(design.weights[design.event_rows].sum())
    inverse = np.linalg.inv(scale)
    found, step, full = Search(beta, evaluate(beta)), np.zeros_like(beta), None
    while found.iterations < MOST_STEPS and found.radius > _SMALLEST_RADIUS:
        found.iterations += 1
        information, score = found.at.information[block], found.at.score[kept]
        full = newton(information, score)
        if full is not None:
            step[kept] = full
            if _negligible(found, step, design, tolerance):
                found.converged = True
                return found
            if watch and abs(full @ score) < _TAIL:
                found.recession = recession_direction(design, step)
                if found.recession is not None:
                    return found
        if full is None or np.linalg.norm(inverse @ full) > found.radius:
            inner = scale.T @ information @ scale
            step[kept] = scale @ bounded_step(inner, scale.T @ score, found.radius)
        _move(evaluate, found, step)
    if full is not None:
        step[kept] = full
        found.converged = _negligible(found, step, design, _STUCK * tolerance, _STUCK)
    return found
