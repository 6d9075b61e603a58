"""Cox partial likelihood risk set by risk set, for linear predictors of extreme range.

Sums over all rows lose small risks beside ones that are e^30 times larger. Here every risk set is
summed by itself relative to its own largest member, at a cost of rows times event times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.twin import Likelihood

AFFORDABLE = 20_000_000
"""Largest number of rows times event times for which this way is taken."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """One risk set of r members.

    Attributes
    ----------
    number, deaths : int
        The cell, and how many die: the first members.
    members : ndarray of int, shape (r,)
        Rows of the design.
    weights, predictor : ndarray, shape (r,)
        Case weights and linear predictors.
    z : ndarray, shape (p, r)
        Covariates less `origin`, the (weighted) mean of the dead.
    origin : ndarray, shape (p,)
        See `z`.
    """

    number: int
    deaths: int
    members: Integers
    weights: Floats
    predictor: Floats
    z: Floats
    origin: Floats

    @property
    def total(self) -> float:
        """Summed weight of the dead."""
        return float(self.weights[: self.deaths].sum())

    @property
    def risk(self) -> Floats:
        """Weighted risks relative to the largest, shape (r,)."""
        return self.weights * np.exp(self.predictor - self.predictor.max())


def _cells(design: CoxDesign, beta: Floats) -> Iterator[_Cell]:
    """All risk sets at `beta`."""
    d = design
    eta = beta @ d.columns + d.offset
    ends = np.repeat(d.row_start[1:], np.diff(d.stratum_start))
    for u, deaths in enumerate(d.deaths.tolist()):
        first = int(d.cell_start[u])
        members = first + np.flatnonzero(d.entry_cell[first : ends[u]] < u)
        weights, here = d.weights[members], d.columns[:, members]
        origin = here[:, :deaths] @ (weights[:deaths] / weights[:deaths].sum())
        yield _Cell(u, deaths, members, weights, eta[members], here - origin[:, None], origin)


def _risk_set(
    z: Floats, risk: Floats, deaths: int, weights: Floats, *, efron: bool
) -> tuple[float, Floats, Floats]:
    """Log sum, mean and covariance of one risk set, summed over Efron's terms.

    Parameters
    ----------
    z : ndarray, shape (p, r)
        Covariates of the risk set, the dead first, less the mean of the dead.
    risk : ndarray, shape (r,)
        Weighted risks relative to the largest.
    deaths : int
        How many die.
    weights : ndarray, shape (deaths,)
        Case weights of the dead.
    efron : bool
        Efron's treatment of ties.
    """
    repeats = deaths if efron else 1
    logs, mean, covariance = 0.0, np.zeros(z.shape[0]), np.zeros((z.shape[0], z.shape[0]))
    for k in range(repeats):
        share = risk.copy()
        share[:deaths] *= 1.0 - k / deaths
        total = share.sum()
        share /= total
        centre = z @ share
        away = z - centre[:, None]
        logs += np.log(total)
        mean += centre
        covariance += (away * share) @ away.T
    factor = weights.sum() / repeats
    return logs * factor, mean * factor, covariance * factor


def likelihood(design: CoxDesign, beta: Floats, *, efron: bool) -> Likelihood:
    """Log partial likelihood, score and information at `beta` (of the standardised columns).

    Everything is counted from the (weighted) mean of the dead, so that a risk set in which they
    hold nearly all the risk keeps the digits of what is left.
    """
    p = design.columns.shape[0]
    value, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    squares = np.zeros(p)
    for cell in _cells(design, beta):
        deaths, total = cell.deaths, cell.total
        logs, mean, covariance = _risk_set(
            cell.z, cell.risk, deaths, cell.weights[:deaths], efron=efron
        )
        own = cell.weights[:deaths] / total
        value += total * float(own @ (cell.predictor[:deaths] - cell.predictor.max())) - logs
        score -= mean
        information += covariance
        squares += (mean / total + cell.origin) ** 2 * total
    return Likelihood(value, score, information, np.diagonal(information) + squares)


def weighted_information(design: CoxDesign, beta: Floats, *, efron: bool, factor: Floats) -> Floats:
    """Information with each cell's part times a factor, shape (p, p)."""
    p = design.columns.shape[0]
    information = np.zeros((p, p))
    for cell in _cells(design, beta):
        deaths = cell.deaths
        part = _risk_set(cell.z, cell.risk, deaths, cell.weights[:deaths], efron=efron)[2]
        information += part * factor[cell.number]
    return information


def event_contrasts(design: CoxDesign, beta: Floats, *, efron: bool) -> Floats:
    """Covariates of every event less the mean of its risk set's terms, shape (p, events)."""
    parts = []
    for cell in _cells(design, beta):
        deaths = cell.deaths
        mean = _risk_set(cell.z, cell.risk, deaths, cell.weights[:deaths], efron=efron)[1]
        parts.append(cell.z[:, :deaths] - (mean / cell.total)[:, None])
    return np.concatenate(parts, axis=1)


def _shares(cell: _Cell, *, efron: bool) -> Floats:
    """Weighted risk of every member in each term over the term's sum, shape (terms, r)."""
    repeats = cell.deaths if efron else 1
    risk = np.tile(cell.risk, (repeats, 1))
    risk[:, : cell.deaths] *= (1.0 - np.arange(repeats) / cell.deaths)[:, None]
    return risk / risk.sum(axis=1, keepdims=True)


def row_sums(
    design: CoxDesign, beta: Floats, *, efron: bool, factor: Floats | None = None
) -> tuple[Floats, Floats]:
    """Weighted expected events, shape (m,), and score residuals, shape (p, m), of every row.

    Parameters
    ----------
    design, beta, efron
        As for `likelihood`.
    factor : ndarray, shape (U,), optional
        Factor of each cell.
    """
    p, m = design.columns.shape
    expected, score = np.zeros(m), np.zeros((p, m))
    for cell in _cells(design, beta):
        share = _shares(cell, efron=efron)
        size = cell.total / len(share) * (1.0 if factor is None else factor[cell.number])
        centres = cell.z @ share.T
        away = cell.z * share.sum(axis=0) - centres @ share
        dead = cell.z[:, : cell.deaths] - centres.mean(axis=1)[:, None]
        expected[cell.members] += size * share.sum(axis=0)
        score[:, cell.members] -= size * away
        score[:, cell.members[: cell.deaths]] += cell.weights[: cell.deaths] * dead
    return expected, score


def sums(design: CoxDesign, risk: Floats) -> tuple[Floats, Floats]:
    """Moments of every risk set and of its dead, shape (p + 1, U), without a subtraction."""
    moments = np.concatenate([risk[None], risk * design.columns])
    at_risk = np.zeros((moments.shape[0], design.deaths.size))
    dead = np.zeros_like(at_risk)
    for cell in _cells(design, np.zeros(design.columns.shape[0])):
        here = moments[:, cell.members]
        at_risk[:, cell.number] = here.sum(axis=1)
        dead[:, cell.number] = here[:, : cell.deaths].sum(axis=1)
    return at_risk, dead
