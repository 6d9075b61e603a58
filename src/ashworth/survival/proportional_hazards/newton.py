"""Maximise a Cox partial likelihood to the end.

Newton's method with step halving does for nearly all data. A fit that has not converged, or that
has lost nearly all its information on the way, is not believed: linear programming decides
whether the likelihood is monotone (`programme`), and a trust region finds the maximum that
there then is (`trust`). What has no answer after that is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.linalg.lapack import dposv, dpotrf  # pyrefly: ignore[missing-module-attribute]

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards import definition, twin
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.layout import lay_out
from ashworth.survival.proportional_hazards.monotone import (
    determined,
    free_space,
    limit_design,
    recession_direction,
)
from ashworth.survival.proportional_hazards.order import KERNEL_ROWS
from ashworth.survival.proportional_hazards.programme import decidable, programme_direction
from ashworth.survival.proportional_hazards.trust import search
from ashworth.survival.proportional_hazards.twin import Likelihood, widest_predictor

_MANY_STRATA = 2_000
_PIVOT = 1e-10
_EXACT = 0.1
_MAX_ITERATIONS = 60
_MAX_HALVINGS = 30
_ROUNDING = 1e-11
_TAIL = 1e-4
_WIDE = 25.0
_SUBTRACTED = 14.0
_CANCELLED = 1e-6
_RIDGES = 8
_LOST = 1e-2
_TRACE = 1e-8
_FAR_OFFSET = 5.0

Evaluate = Callable[[Floats], Likelihood]


@dataclass(frozen=True, slots=True)
class CoxFit:
    """The maximum, in units of the standardised columns.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients; 0 where not kept.
    kept : ndarray of int
        Coefficients that the data determine; the degrees of freedom.
    fitted : ndarray of int
        Those among them that the information at the maximum determines.
    infinite : ndarray, shape (p,)
        Sign of every infinite coefficient, NaN for one that the limit leaves open, else 0.
    null, best : Likelihood
        At 0 and at the maximum.
    iterations : int
        Newton iterations, those of a limiting fit included.
    converged : bool
        Whether the last Newton step was below the tolerance.
    """

    beta: Floats
    kept: Integers
    fitted: Integers
    infinite: Floats
    null: Likelihood
    best: Likelihood
    iterations: int
    converged: bool


@dataclass(slots=True)
class _Point:
    """Where a search stands."""

    beta: Floats
    at: Likelihood
    iterations: int = 0
    converged: bool = False
    exact: bool = False
    recession: Floats | None = None


def affordable(design: CoxDesign) -> bool:
    """Say whether risk sets can be summed one by one."""
    return design.columns.shape[1] * design.deaths.size <= definition.AFFORDABLE


def careful_evaluator(design: CoxDesign, *, efron: bool) -> Evaluate:
    """Sum risk sets one by one at every point, if that is affordable."""
    if not affordable(design):
        return evaluator(design, efron=efron)
    return lambda beta: definition.likelihood(design, beta, efron=efron)


def too_wide(design: CoxDesign, beta: Floats, widest: float) -> bool:
    """Say whether sums over all rows may lose the risk of small risk sets.

    With late entry risks are subtracted, so that a smaller range is lost already.
    """
    if widest > _WIDE or not design.late_rows.size or 2.0 * widest <= _SUBTRACTED:
        return widest > _WIDE
    eta = beta @ design.columns + design.offset
    return float(eta.max() - eta.min()) > _SUBTRACTED


def evaluator(design: CoxDesign, *, efron: bool) -> Evaluate:
    """Choose the compiled kernel for large problems and the numpy twin for small ones.

    Where the linear predictor spans a range that sums over all rows cannot hold, or most digits of
    the information cancel, risk sets are summed one by one if that is affordable.
    """
    if design.columns.shape[1] >= KERNEL_ROWS or design.stratum_start.size > _MANY_STRATA:
        from ashworth.survival.proportional_hazards import kernel

        fast = partial(kernel.likelihood_at, design, efron=efron)
    else:
        fast = partial(twin.likelihood_at, design, lay_out(design, efron=efron))
    exact = affordable(design)

    def evaluate(beta: Floats) -> Likelihood:
        widest = widest_predictor(design, beta)
        if exact and too_wide(design, beta, widest):
            return definition.likelihood(design, beta, efron=efron)
        at = fast(beta, widest)
        kept = at.information.diagonal() > _CANCELLED * at.gram_diagonal
        if exact and not kept.all() and (at.gram_diagonal[~kept] > 0).any():
            return definition.likelihood(design, beta, efron=efron)
        return at

    return evaluate


def all_determined(at: Likelihood) -> bool:
    """Quick test that no coefficient can be left out."""
    diagonal = at.gram_diagonal
    if not (diagonal > 0).all():
        return False
    root = 1.0 / np.sqrt(diagonal)
    chol, failed = dpotrf(at.information * root * root[:, None])
    return not failed and bool((chol.diagonal() ** 2 > 10 * _PIVOT).all())


def _ridge_step(information: Floats, score: Floats, size: Floats) -> Floats:
    """Newton step with the smallest ridge that makes the information positive; 0 if none does."""
    for power in range(_RIDGES):
        _, solved, failed = dposv(information + np.diag(1e-14 * 100.0**power * size), score)
        if not failed:
            return solved
    return np.zeros_like(score)


def newton_step(at: Likelihood, kept: Integers) -> tuple[Floats, float]:
    """Newton step on the kept coefficients, and its squared length in standard errors."""
    every = kept.size == at.score.size
    information = at.information if every else at.information[np.ix_(kept, kept)]
    score = at.score if every else at.score[kept]
    _, solved, failed = dposv(information, score)
    if failed:
        solved = _ridge_step(information, score, at.gram_diagonal[kept])
    if every:
        return solved, float(solved @ score)
    step = np.zeros_like(at.score)
    step[kept] = solved
    return step, float(solved @ score)


def _advance(evaluate: Evaluate, point: _Point, step: Floats) -> bool:
    """Move along the step, halved until the likelihood does not fall; False if it never does."""
    slack = _ROUNDING * (1.0 + abs(point.at.value))
    for halving in range(_MAX_HALVINGS):
        beta = point.beta + step * 0.5**halving
        at = evaluate(beta)
        if np.isfinite(at.value) and at.value >= point.at.value - slack:
            point.beta, point.at = beta, at
            return True
    return False


def _tolerance(design: CoxDesign) -> float:
    """Length of the last Newton step, in standard errors."""
    return 1e-9 * float(np.sqrt(design.event_rows.size))


def climb(evaluate: Evaluate, point: _Point, kept: Integers, design: CoxDesign) -> _Point:
    """Iterate until the step is negligible or a direction of recession is proved."""
    tolerance, previous = _tolerance(design), np.inf
    while point.iterations < _MAX_ITERATIONS:
        step, squared = newton_step(point.at, kept)
        point.iterations += 1
        length = np.sqrt(max(squared, 0.0))
        if squared < _TAIL:
            point.recession = recession_direction(design, step)
            if point.recession is not None:
                return point
        small = length <= tolerance
        stalled = squared < 1e-10 and length > 0.5 * previous
        if small or stalled or not _advance(evaluate, point, step):
            point.exact = bool(small)
            point.converged = bool(small or squared < 1e-8)
            if small:
                point.beta = point.beta + step
                if length > _EXACT * tolerance and design.rows.size < KERNEL_ROWS:
                    point.at = evaluate(point.beta)
            return point
        previous = length
    return point


def _level(design: CoxDesign, *, efron: bool) -> Likelihood:
    """Likelihood at 0 without offsets and weights: what the covariates by themselves can tell.

    Its information is brought to the size of the events' weights.
    """
    rows, weights = design.event_rows, np.ones_like(design.weights)
    plain = replace(
        design, weights=weights, offset=np.zeros_like(design.offset), widest_offset=0.0,
        event_sums=design.columns[:, rows].sum(axis=1),
    )  # fmt: skip
    at = careful_evaluator(plain, efron=efron)(np.zeros(design.scale.size))
    size = float(design.weights[rows].mean())
    return replace(at, information=at.information * size, gram_diagonal=at.gram_diagonal * size)


def _what_is_determined(
    design: CoxDesign, null: Likelihood, last: Floats | None, *, efron: bool
) -> tuple[Integers, Likelihood]:
    """Coefficients that the data determine, and the point at which that was judged."""
    p = design.scale.size
    every = all_determined(null)
    if every and design.widest_offset < _FAR_OFFSET:
        return np.arange(p), null
    level = _level(design, efron=efron)
    order = np.arange(p) if last is None else np.argsort(last != 0, kind="stable")
    return determined(design, order), level


def _doubtful(design: CoxDesign, point: _Point, kept: Integers, level: Likelihood) -> bool:
    """Say whether a search failed, or lost nearly all information about some coefficient.

    One that rounding stopped before the last step was negligible can be bettered where risk sets
    can be summed one by one.
    """
    if not point.converged or (not point.exact and affordable(design)):
        return True
    before, after = level.information, point.at.information
    if kept.size < point.beta.size:
        block = np.ix_(kept, kept)
        before, after = before[block], after[block]
    first, failed = dpotrf(before)
    last, lost = dpotrf(after)
    if failed or lost:
        return True
    return bool((last.diagonal() < _LOST * first.diagonal()).any())


def _rescue(
    design: CoxDesign, point: _Point, kept: Integers, level: Likelihood, *, efron: bool
) -> _Point:
    """Decide about a fit that is not believed: a direction of recession, or the maximum."""
    decided = decidable(design)
    direction = programme_direction(design, kept) if decided else None
    if direction is not None:
        return replace(point, recession=direction)
    evaluate = careful_evaluator(design, efron=efron)
    start = point.beta if point.converged else np.zeros_like(point.beta)
    found = search(
        evaluate, start, kept, design, level.information, _tolerance(design), watch=not decided
    )
    if not found.converged and found.recession is None:
        raise EstimationError(
            f"cox: no maximum of the partial likelihood was found in {found.iterations} steps; "
            f"its log is {found.at.value:g} there. The coefficients are hardly determined: leave "
            "out a covariate, or look for extreme values and offsets"
        )
    spent = point.iterations + found.iterations
    return _Point(found.beta, found.at, spent, converged=True, recession=found.recession)


def maximise(
    design: CoxDesign, *, efron: bool, start: Floats | None = None, last: Floats | None = None
) -> CoxFit:
    """Fit a sorted problem.

    Parameters
    ----------
    design : CoxDesign
        The sorted problem.
    efron : bool
        Efron's treatment of ties, else Breslow's.
    start : ndarray, shape (p,), optional
        Where to start; 0 is tried instead if the likelihood is larger there.
    last : ndarray, shape (p,), optional
        Nonzero for coefficients to be left out first where some must be (infinite ones).

    Raises
    ------
    EstimationError
        If no maximum is found although the likelihood is not known to be monotone.
    """
    p = design.columns.shape[0]
    evaluate = evaluator(design, efron=efron)
    null = evaluate(np.zeros(p))
    kept, level = _what_is_determined(design, null, last, efron=efron)
    point = _Point(np.zeros(p), null)
    if kept.size == 0:
        return CoxFit(point.beta, kept, kept, np.zeros(p), null, null, 0, True)
    if start is not None:
        first = np.zeros(p)
        first[kept] = start[kept]
        at = evaluate(first)
        if at.value > null.value:
            point = _Point(first, at)
    point = climb(evaluate, point, kept, design)
    if point.recession is None and _doubtful(design, point, kept, level):
        point = _rescue(design, point, kept, level, efron=efron)
    if point.recession is None:
        infinite = np.zeros(p)
        return CoxFit(
            point.beta, kept, kept, infinite, null, point.at, point.iterations, point.converged
        )
    return _limit(design, point, null, kept, last, efron=efron)


def _limit(
    design: CoxDesign, point: _Point, null: Likelihood, kept: Integers, last: Floats | None,
    *, efron: bool,
) -> CoxFit:  # fmt: skip
    """Fit the limit of a monotone likelihood."""
    direction = point.recession
    assert direction is not None
    signs = np.sign(np.where(np.abs(direction) < _TRACE * np.abs(direction).max(), 0.0, direction))
    first = signs if last is None else np.where(last != 0, last, signs)
    face = limit_design(design, direction)
    if determined(face, kept).size == kept.size:
        raise EstimationError(
            "cox: the partial likelihood seems to be monotone, but rounding hides along which "
            "covariates; leave out one of those that are nearly collinear"
        )
    inner = maximise(face, efron=efron, last=first)
    infinite = np.where(signs != 0, signs, inner.infinite)
    moving = kept[(np.abs(free_space(face, kept)) > _TRACE).any(axis=0)]
    infinite[moving] = np.where(infinite[moving] == 0, np.nan, infinite[moving])
    return CoxFit(
        inner.beta, kept, inner.fitted, infinite, null, inner.best,
        point.iterations + inner.iterations, inner.converged,
    )  # fmt: skip
