"""Sums over the risk sets of a Cox model at given coefficients, and what each row expects of them.

With the weighted risks of a cell's risk set, its terms (one per tied event with Efron's way, the
k-th of d taking k / d of the risk of the dead out of it; one with Breslow's) have the sums s0 and
s1 of risk and of risk times covariates, and a weight m. From them come, per cell, the hazard
``sum m / s0``, the mean covariates ``sum m s1 / s0 / sum m`` and the covariate-weighted hazard
``sum m s1 / s0^2``; per row the expected events and the score residual; and the information.
Everything is in standardised covariates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards import definition
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.layout import running_sums
from ashworth.survival.proportional_hazards.newton import (
    affordable,
    too_wide,
)
from ashworth.survival.proportional_hazards.order import KERNEL_ROWS
from ashworth.survival.proportional_hazards.twin import LARGEST_PREDICTOR, widest_predictor

_CANCELLED = 1e-6


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Risk sets of m rows in U cells with p standardised covariates.

    Attributes
    ----------
    design : CoxDesign
        The sorted problem.
    beta : ndarray, shape (p,)
        Standardised coefficients.
    efron : bool
        Efron's treatment of ties, else Breslow's.
    careful : bool
        Whether risk sets are summed one by one: for predictors of extreme range.
    shift : ndarray, shape (m,)
        By how much each row's linear predictor was lowered, the same within a stratum.
    risk : ndarray, shape (m,)
        Weighted risk ``w exp(eta - shift)``.
    s0, f0 : ndarray, shape (U,)
        Summed risk of each risk set, and of its dead.
    s1, f1 : ndarray, shape (p, U)
        The same for risk times covariates.
    terms : ndarray, shape (6, U)
        Sums over the terms, times their weight: log b, 1/b, f/b, 1/b^2, f/b^2, f^2/b^2 with
        ``b = s0 - f f0`` and the share f of the dead that is left out.
    """

    design: CoxDesign
    beta: Floats
    efron: bool
    careful: bool
    shift: Floats
    risk: Floats
    s0: Floats
    f0: Floats
    s1: Floats
    f1: Floats
    terms: Floats

    @property
    def event_weight(self) -> Floats:
        """Summed weight of each cell's dead, shape (U,)."""
        d = self.design
        return np.add.reduceat(d.weights[d.event_rows], d.event_start)

    @property
    def means(self) -> Floats:
        """Mean covariates of each risk set over its terms, shape (p, U)."""
        return (self.s1 * self.terms[1] - self.f1 * self.terms[2]) / self.event_weight

    @property
    def mean_hazard(self) -> Floats:
        """Covariate-weighted hazard, shape (p, U)."""
        return self.s1 * self.terms[3] - self.f1 * self.terms[4]

    @property
    def spared(self) -> Floats:
        """Part of `mean_hazard` that the tied dead do not bear, shape (p, U)."""
        return self.s1 * self.terms[4] - self.f1 * self.terms[5]


def _shift(design: CoxDesign, beta: Floats) -> Floats:
    """Largest linear predictor of each stratum where exp could overflow, else 0."""
    if widest_predictor(design, beta) < LARGEST_PREDICTOR:
        return np.zeros(design.rows.size)
    eta = beta @ design.columns + design.offset
    top = np.maximum.reduceat(eta, design.row_start[:-1])
    return np.repeat(top, np.diff(design.row_start))


def collapse_ties(s0: Floats, f0: Floats, design: CoxDesign, *, efron: bool) -> Floats:
    """Sums over each cell's terms, shape (6, U); see `RiskSets`."""
    weight = np.add.reduceat(design.weights[design.event_rows], design.event_start)
    if not efron:
        zero = np.zeros_like(s0)
        return np.stack([np.log(s0), 1.0 / s0, zero, 1.0 / s0**2, zero, zero]) * weight
    deaths, start = design.deaths, design.event_start
    share = (np.arange(int(deaths.sum())) - start.repeat(deaths)) / deaths.repeat(deaths)
    b = s0.repeat(deaths) - share * f0.repeat(deaths)
    one = 1.0 / b
    parts = np.stack([np.log(b), one, share * one, one**2, share * one**2, (share * one) ** 2])
    return np.add.reduceat(parts, start, axis=1) * (weight / deaths)


def _numpy_sums(design: CoxDesign, risk: Floats) -> tuple[Floats, Floats]:
    """Moments of every risk set and of its dead, shape (p + 1, U)."""
    d = design
    moments = np.concatenate([risk[None], risk * d.columns])
    per_cell = np.add.reduceat(moments, d.cell_start[:-1], axis=1)
    dead = np.add.reduceat(moments[:, d.event_rows], d.event_start, axis=1)
    if d.late_rows.size:
        cells = np.flatnonzero(np.diff(d.late_start))
        late = moments[:, d.late_rows]
        per_cell[:, cells] -= np.add.reduceat(late, d.late_start[cells], axis=1)
    return running_sums(per_cell, d.stratum_start, later=True), dead


def _compiled_sums(design: CoxDesign, beta: Floats, shift: Floats) -> tuple[Floats, Floats, Floats]:
    from ashworth.survival.proportional_hazards import kernel

    d = design
    offset = d.offset - shift if shift.any() else d.offset
    risk, at_risk, dead = kernel.cell_sums(
        d.columns, d.weights, offset, d.cell_start, d.deaths, beta
    )
    if d.late_rows.size:
        kernel.subtract_late(at_risk, risk, d.columns, d.late_rows, d.late_start)
    kernel.suffix_within(at_risk, d.stratum_start)
    return risk, at_risk, dead


def _careful(design: CoxDesign, beta: Floats) -> bool:
    """Say whether risk sets must be summed one by one; refuse where that is too much."""
    widest = widest_predictor(design, beta)
    if too_wide(design, beta, widest) and affordable(design):
        return True
    if widest >= LARGEST_PREDICTOR:
        raise EstimationError(
            f"the linear predictor spans up to {2 * widest:g}, too much for sums over "
            f"{design.rows.size} rows; look for extreme values of covariates and offsets"
        )
    return False


def risk_sets(
    design: CoxDesign, beta: Floats, *, efron: bool, careful: bool | None = None,
    compiled: bool | None = None,
) -> RiskSets:  # fmt: skip
    """Sum the risk sets of a sorted problem.

    Parameters
    ----------
    design : CoxDesign
        The sorted problem.
    beta : ndarray, shape (p,)
        Coefficients of the standardised columns.
    efron : bool
        Efron's treatment of ties, else Breslow's.
    careful, compiled : bool, optional
        One by one, and by the compiled kernel; chosen by the range of the predictors and the size.

    Raises
    ------
    EstimationError
        Where the linear predictor spans more than floating point numbers can hold.
    """
    d = design
    careful = _careful(d, beta) if careful is None else careful
    if careful:
        shift = np.zeros(d.rows.size)
        eta = beta @ d.columns + d.offset
        top = np.maximum.reduceat(eta, d.row_start[:-1])
        shift = np.repeat(top, np.diff(d.row_start))
        risk = d.weights * np.exp(eta - shift)
        at_risk, dead = definition.sums(d, risk)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            terms = collapse_ties(at_risk[0], dead[0], d, efron=efron)
        return RiskSets(
            d, beta, efron, True, shift, risk, at_risk[0], dead[0], at_risk[1:], dead[1:], terms
        )
    shift = _shift(d, beta)
    if d.rows.size >= KERNEL_ROWS if compiled is None else compiled:
        from ashworth.survival.proportional_hazards import kernel

        risk, at_risk, dead = _compiled_sums(d, beta, shift)
        terms = kernel.collapse_ties(at_risk[0], dead[0], d.deaths, d.weights, d.cell_start, efron)
    else:
        risk = d.weights * np.exp(beta @ d.columns + d.offset - shift)
        at_risk, dead = _numpy_sums(d, risk)
        terms = collapse_ties(at_risk[0], dead[0], d, efron=efron)
    return RiskSets(
        d, beta, efron, False, shift, risk, at_risk[0], dead[0], at_risk[1:], dead[1:], terms
    )


def _of_rows(per_cell: Floats, spared: Floats, design: CoxDesign) -> Floats:
    """Sums of per-cell values over the cells in which each row is at risk, shape (..., m).

    `spared` is taken off in the cell in which a row dies.
    """
    d = design
    running = running_sums(per_cell, d.stratum_start, later=False)
    rows = running.take(d.exit_cell, axis=-1)
    rows[..., d.event_rows] -= spared.take(d.exit_cell[d.event_rows], axis=-1)
    if d.late_rows.size:
        rows[..., d.late_rows] -= running.take(d.entry_cell[d.late_rows], axis=-1)
    return rows


def expected_events(sets: RiskSets, power: Floats | None = None) -> Floats:
    """Weighted expected events of every row, shape (m,).

    Parameters
    ----------
    sets : RiskSets
        The summed risk sets.
    power : ndarray, shape (U,), optional
        Factor of each cell's hazard.
    """
    if sets.careful:
        return definition.row_sums(sets.design, sets.beta, efron=sets.efron, factor=power)[0]
    factor = 1.0 if power is None else power
    hazard = _of_rows(sets.terms[1:2] * factor, sets.terms[2:3] * factor, sets.design)[0]
    return sets.risk * hazard


def score_rows(sets: RiskSets, cluster: Integers | None = None, n_clusters: int = 0) -> Floats:
    """Weighted score residuals of every row, shape (p, m), or their sums over clusters.

    Parameters
    ----------
    sets : RiskSets
        The summed risk sets.
    cluster : ndarray of int, shape (m,), optional
        Cluster of every row of the design.
    n_clusters : int
        How many clusters.
    """
    d = sets.design
    if d.rows.size >= KERNEL_ROWS and not sets.careful:
        return compiled_score_rows(sets, cluster, n_clusters)
    rows = definition.row_sums(d, sets.beta, efron=sets.efron)[1] if sets.careful else None
    rows = numpy_score_rows(sets) if rows is None else rows
    if cluster is None:
        return rows
    out = np.empty((rows.shape[0], n_clusters))
    for row, sums in zip(rows, out, strict=True):
        sums[:] = np.bincount(cluster, row, minlength=n_clusters)
    return out


def score_products(sets: RiskSets) -> tuple[Floats, Floats]:
    """Sum of the rows' weighted score residuals, shape (p,), and of their outer products."""
    if sets.design.rows.size >= KERNEL_ROWS and not sets.careful:
        from ashworth.survival.proportional_hazards.kernel import score_products

        return score_products(*_kernel_arguments(sets))
    rows = score_rows(sets)
    return rows.sum(axis=1), rows @ rows.T


def numpy_score_rows(sets: RiskSets) -> Floats:
    """Weighted score residuals of every row in plain numpy."""
    d = sets.design
    rows = _of_rows(sets.mean_hazard, sets.spared, d)
    rows *= sets.risk
    rows -= expected_events(sets) * d.columns
    dead = d.event_rows
    own = d.columns[:, dead] - sets.means.take(d.exit_cell[dead], axis=1)
    rows[:, dead] += d.weights[dead] * own
    return rows


def compiled_score_rows(
    sets: RiskSets, cluster: Integers | None = None, n_clusters: int = 0
) -> Floats:
    """`score_rows` by the compiled kernel."""
    from ashworth.survival.proportional_hazards.kernel import score_rows

    codes = np.zeros(0, np.int64) if cluster is None else cluster
    found = score_rows(*_kernel_arguments(sets), cluster=codes, n_clusters=n_clusters)
    return found if cluster is None else found.T


def _kernel_arguments(sets: RiskSets) -> tuple[Any, ...]:
    """What the compiled residuals are made of."""
    from ashworth.survival.proportional_hazards import kernel

    d = sets.design
    expected = kernel.row_hazards(
        sets.risk, sets.terms, d.cell_start, d.deaths, d.stratum_start, d.entry_cell, d.late_rows
    )
    running = sets.mean_hazard
    kernel.prefix_within(running, d.stratum_start)
    late = np.zeros(d.rows.size if d.late_rows.size else 0, dtype=bool)
    late[d.late_rows] = True
    entry_cell = np.ascontiguousarray(d.entry_cell)
    return (
        d.columns, d.weights, sets.risk, expected, running, sets.spared, sets.means, d.exit_cell,
        entry_cell, late, d.event_rows,
    )  # fmt: skip


def _gram(columns: Floats, v: Floats) -> Floats:
    if columns.shape[1] >= KERNEL_ROWS:
        from ashworth.survival.proportional_hazards.kernel import weighted_gram

        return weighted_gram(np.ascontiguousarray(columns), v)
    return (columns * v) @ columns.T


def exact_sets(sets: RiskSets) -> RiskSets:
    """The same sets, summed one by one where most digits of the information cancel."""
    d = sets.design
    if sets.careful or not affordable(d):
        return sets
    ones = np.ones(d.deaths.size)
    gram = (d.columns**2) @ expected_events(sets)
    kept = weighted_information(sets, ones).diagonal() > _CANCELLED * gram
    if kept[d.scale > 0].all():
        return sets
    return risk_sets(d, sets.beta, efron=sets.efron, careful=True)


def weighted_information(sets: RiskSets, factor: Floats) -> Floats:
    """Information with each cell's part times a factor, shape (p, p).

    Parameters
    ----------
    sets : RiskSets
        The summed risk sets.
    factor : ndarray, shape (U,)
        Factor of each cell.
    """
    if not sets.careful:
        gram = _gram(sets.design.columns, expected_events(sets, factor))
        s1, f1, terms = sets.s1, sets.f1, sets.terms
        lean = terms[4] / terms[3]
        rest = np.maximum(terms[5] - lean * terms[4], 0.0)
        means = _gram(s1 - lean * f1, terms[3] * factor) + _gram(f1, rest * factor)
        return gram - means
    return definition.weighted_information(sets.design, sets.beta, efron=sets.efron, factor=factor)


def event_contrasts(sets: RiskSets) -> tuple[Floats, Integers]:
    """Schoenfeld residuals, shape (p, events), and the row of each, by cell."""
    d = sets.design
    dead = d.event_rows
    if sets.careful:
        return definition.event_contrasts(d, sets.beta, efron=sets.efron), dead
    return d.columns[:, dead] - sets.means.take(d.exit_cell[dead], axis=1), dead
