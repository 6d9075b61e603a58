"""Fit a Cox model to many bootstrap samples of its rows.

A bootstrap sample is true duplication of rows: under Efron's way with ties the copies of one event
are tied events, which is not the same as one event of a larger weight. Every search starts from the
model's own coefficients. Once more than 300,000 rows have been fitted the compiled kernel takes
over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.newton import all_determined, maximise, newton_step
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.proportional_hazards.twin import widest_predictor

_COMPILED_FROM = 300_000
_MOST_STEPS = 12
_WIDE = 25.0


@dataclass(frozen=True, slots=True)
class Refit:
    """The model fitted to one sample.

    Attributes
    ----------
    rows : ndarray of int
        Positions of the sample's rows, ascending.
    coefficients : ndarray, shape (p,)
        In units of the covariates.
    rise, null : float
        Log partial likelihood above that of no covariates, and that.
    """

    rows: Integers
    coefficients: Floats
    rise: float
    null: float


def refit_samples(
    data: CoxData, start: Floats, samples: Iterable[Integers], *, efron: bool
) -> Iterator[Refit | None]:
    """Fit every sample; None where not all coefficients are finite.

    Parameters
    ----------
    data : CoxData
        Rows of the model, without weights.
    start : ndarray, shape (p,)
        Coefficients from which each search starts.
    samples : iterable of ndarray of int
        Positions of the rows of each sample.
    efron : bool
        Efron's treatment of ties, else Breslow's.
    """
    spent = 0
    for rows in samples:
        spent += rows.size
        yield _refit(data.take(rows), rows, start, efron=efron, quick=spent > _COMPILED_FROM)


def _refit(
    sample: CoxData, rows: Integers, start: Floats, *, efron: bool, quick: bool
) -> Refit | None:
    if not sample.event.any():
        return None
    with np.errstate(all="ignore"):
        design = sample.design()
        if design.rows.size == 0 or not design.scale.all():
            return None
        found = _ascend(design, start, efron=efron) if quick else None
        if found is not None:
            return Refit(rows, *found)
        try:
            fit = maximise(design, efron=efron, start=start * design.scale)
        except EstimationError:
            return None
    if fit.infinite.any() or fit.fitted.size < design.scale.size:
        return None
    rise = fit.best.value - fit.null.value
    return Refit(rows, fit.beta / design.scale, rise, fit.null.value)


def _ascend(design: CoxDesign, start: Floats, *, efron: bool) -> tuple[Floats, float, float] | None:
    """Newton's method on the compiled kernel: coefficients, rise and null log likelihood.

    None where anything is out of the ordinary; `maximise` then decides with all its care. Steps and
    tolerance are its own, so that both give the same maximum to rounding.
    """
    from ashworth.survival.proportional_hazards.kernel import likelihood_at

    if design.late_rows.size or design.widest_offset:
        return None
    beta, kept = start * design.scale, np.arange(design.scale.size)
    null = likelihood_at(design, np.zeros_like(beta), 0.0, efron=efron)
    tolerance, before = 1e-9 * np.sqrt(design.event_rows.size), -np.inf
    if not all_determined(null):
        return None
    for _ in range(_MOST_STEPS):
        widest = widest_predictor(design, beta)
        if widest > _WIDE:
            return None
        at = likelihood_at(design, beta, widest, efron=efron)
        if not at.value >= before - 1e-11 * abs(before) or not all_determined(at):
            return None
        step, squared = newton_step(at, kept)
        beta, before = beta + step, at.value
        if np.sqrt(squared) <= tolerance:
            return beta / design.scale, at.value - null.value, null.value
    return None


def draw_rows(
    n: int, replicates: int, rng: np.random.Generator, cluster: Integers | None
) -> Iterator[Integers]:
    """Draw rows, or whole clusters, with replacement; ascending within a sample."""
    if cluster is None:
        for _ in range(replicates):
            yield np.sort(rng.integers(0, n, n))
        return
    order = np.argsort(cluster, kind="stable")
    sizes = np.bincount(cluster)
    ends = sizes.cumsum()
    for _ in range(replicates):
        chosen = rng.integers(0, sizes.size, sizes.size)
        rows = [order[ends[c] - sizes[c] : ends[c]] for c in chosen.tolist()]
        yield np.sort(np.concatenate(rows))


def finite_model(fit: CoxResult, name: str) -> CoxData:
    """Rows of a model all of whose coefficients are finite, without weights."""
    bad = [n for n, b in zip(fit.names, fit.coefficients, strict=True) if not np.isfinite(b)]
    if bad:
        raise EstimationError(
            f"{name}: {', '.join(bad)} has no finite coefficient; leave it out first"
        )
    if fit.data.weights is not None:
        raise EstimationError(f"{name}: not defined with case weights; repeat the rows instead")
    return replace(fit.data, rows=np.arange(fit.n))
