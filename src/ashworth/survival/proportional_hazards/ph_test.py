"""The score test of proportional hazards, with its scaled Schoenfeld residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, Integers, check_level, check_option
from ashworth.survival.proportional_hazards.fitted import FittedSets, fitted_sets
from ashworth.survival.proportional_hazards.ph_result import ProportionalHazardsTest
from ashworth.survival.proportional_hazards.residuals import schoenfeld_residuals
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.proportional_hazards.risk_sets import exact_sets, weighted_information
from ashworth.survival.proportional_hazards.time_transform import TRANSFORMS, transformed_times
from ashworth.survival.results import TestResult, chi_square_p

_SUBJECT = "proportional_hazards_test"
_SINGULAR = 1e-12


def group_columns(
    names: tuple[str, ...], terms: Mapping[str, Sequence[str]] | None, kept: Integers
) -> dict[str, Integers]:
    """Columns of each term, those that the data determine; covariates in no term are their own."""
    known = set(kept.tolist())
    if terms is None:
        return {names[j]: np.array([j]) for j in kept.tolist()}
    listed = [n for members in terms.values() for n in members]
    unknown = sorted({n for n in listed if n not in names})
    twice = sorted({n for n in listed if listed.count(n) > 1})
    if unknown or twice:
        faults = [f"unknown covariates: {', '.join(unknown)}"] if unknown else []
        faults += [f"in more than one term: {', '.join(twice)}"] if twice else []
        raise EstimationError(
            f"{_SUBJECT}: terms has {'; '.join(faults)}; covariates of the fit: {', '.join(names)}"
        )
    home = {n: term for term, members in terms.items() for n in members}
    found: dict[str, list[int]] = {}
    for j in range(len(names)):
        if j in known:
            found.setdefault(home.get(names[j], names[j]), []).append(j)
    return {term: np.array(columns) for term, columns in found.items()}


def _informations(found: FittedSets, clock: Floats) -> tuple[Floats, Floats, Floats]:
    """Information of covariates, covariates by time, and times squared, in the covariates' units.

    `clock` is the transformed time of each cell.
    """
    block = np.ix_(found.kept, found.kept)
    units = found.scale[found.kept]
    factors = (np.ones_like(clock), clock, clock**2)
    parts = (weighted_information(found.sets, f)[block] for f in factors)
    first, second, third = (p * units * units[:, None] for p in parts)
    return first, second, third


def _score_test(information: Floats, score: Floats) -> float:
    """``score' information^-1 score`` with a diagonal of ones; NaN where it is singular."""
    root = np.sqrt(information.diagonal())
    if not (root > 0).all():
        return float("nan")
    scaled = information / (root * root[:, None])
    if np.linalg.eigvalsh(scaled)[0] <= _SINGULAR:
        return float("nan")
    part = score / root
    return float(part @ np.linalg.solve(scaled, part))


def _varying_events(found: FittedSets, fit: CoxResult) -> Floats:
    """Events of each stratum where a covariate varies among its rows, else 0, shape (S, kept)."""
    d, x = found.sets.design, fit.data.covariates
    counts = np.add.reduceat(d.deaths, d.stratum_start[:-1])
    used = np.zeros((counts.size, found.kept.size))
    for s in range(counts.size):
        here = x[d.rows[d.row_start[s] : d.row_start[s + 1]]][:, found.kept]
        used[s] = counts[s] * (here != here[0]).any(axis=0)
    return used


def _combine(
    residuals: Floats, information: Floats, used: Floats, groups: list[Integers], beta: Floats
) -> tuple[Floats, Floats, Floats]:
    """Residuals, information and use of terms: columns of one term weighted by coefficients."""
    mix = np.zeros((beta.size, len(groups)))
    for i, columns in enumerate(groups):
        mix[columns, i] = beta[columns] if columns.size > 1 else 1.0
    together = np.stack([used[:, c].max(axis=1) for c in groups], axis=1)
    return residuals @ mix, mix.T @ information @ mix, together


def _scaled(
    residuals: Floats, information: Floats, used: Floats, stratum: Integers
) -> tuple[Floats, Floats]:
    """Residuals over the mean variance of an event, NaN where a term does not vary; its inverse.

    The mean is over the events of strata in which both terms vary.
    """
    shared = np.minimum(used[:, :, None], used[:, None, :]).sum(axis=0)
    mean = information / np.where(shared > 0, shared, 1.0)
    out = np.full_like(residuals, np.nan)
    for s in range(used.shape[0]):
        varying, here = np.flatnonzero(used[s] > 0), stratum == s
        if varying.size:
            part = residuals[np.ix_(here, varying)]
            out[np.ix_(here, varying)] = np.linalg.solve(mean[np.ix_(varying, varying)], part.T).T
    return out, np.asarray(np.linalg.inv(mean), dtype=np.float64)


def proportional_hazards_test(
    fit: CoxResult,
    transform: Literal["km", "rank", "identity", "log"] = "km",
    *,
    terms: Mapping[str, Sequence[str]] | None = None,
    level: float = 0.95,
) -> ProportionalHazardsTest:
    r"""Test that log hazard ratios do not change over time, per term and globally.

    It is the score test of adding covariate by g(time) interactions to the model; also with strata,
    late entry, weights and an offset. A small p-value speaks against proportional hazards; look at
    the smoothed residuals for the form of the change. With few events the test has little power.

    Parameters
    ----------
    fit : CoxResult
        From `cox`.
    transform : {"km", "rank", "identity", "log"}
        The function g of time: one minus the (unweighted) Kaplan-Meier estimate of all rows just
        before the time; the rank of the time among all rows; the time; its logarithm. It is centred
        at its mean over the events.
    terms : mapping of str to sequence of str, optional
        Names of terms and of their covariates, such as the columns of one factor. Covariates that
        are not listed are terms by themselves.
    level : float
        Level of the limits of the smooth.

    Returns
    -------
    ProportionalHazardsTest
        Statistic, df and p-value per term, ``.global_test``, ``.table()``, and the scaled residuals
        for plotting: ``.points()`` and ``.smooth(term)``. Coefficients that the data do not
        determine are left out.

    Raises
    ------
    EstimationError
        With an infinite coefficient, unknown covariates in `terms`, without any coefficient, or
        where all events happen at one time.

    Notes
    -----
    With the parts :math:`V_t` of the information and :math:`s_t` of the score of the event times,
    the score of the interactions is :math:`u = \sum g(t) s_t`, and the statistic of terms J is
    :math:`(0, u_J)' I^{-1} (0, u_J)`, where I has the blocks :math:`\sum V_t`, :math:`\sum g V_t`
    and :math:`\sum g^2 V_t`, of all covariates and the interactions of J. The older test, with one
    mean variance for all times, is not computed. A robust fit has the same test.

    The scaled residual of an event is :math:`\hat\beta + \bar V^{-1} (x - \bar x)`, with the mean
    of V over the events of strata in which the covariates vary; a term of several covariates is
    taken along its fitted linear predictor, and its residuals scatter about 1.

    References
    ----------
    .. [1] Grambsch PM, Therneau TM (1994). Proportional hazards tests and diagnostics based on
       weighted residuals. Biometrika 81:515-526.

    Examples
    --------
    >>> from ashworth.survival import cox
    >>> fit = cox([5, 8, 12, 3, 9, 14, 2, 7], [1, 1, 0, 1, 1, 1, 1, 1], [1, 0, 0, 1, 1, 0, 0, 1])
    >>> test = proportional_hazards_test(fit, "identity")
    >>> round(test.global_test.statistic, 4), test.global_test.df
    (0.8823, 1)
    """
    check_option(transform, "transform", TRANSFORMS)
    check_level(level)
    with np.errstate(all="ignore"):
        found = fitted_sets(fit, _SUBJECT)
        if not found.kept.size:
            raise EstimationError(f"{_SUBJECT}: the fit has no coefficient that data determine")
        found = FittedSets(exact_sets(found.sets), found.scale, found.kept)
        groups = group_columns(fit.names, terms, found.kept)
        return _tested(fit, found, groups, transform, level)


def _tested(
    fit: CoxResult, found: FittedSets, groups: dict[str, Integers], transform: str, level: float
) -> ProportionalHazardsTest:
    """All tests and the scaled residuals."""
    data, kept = fit.data, found.kept
    times = transformed_times(data, transform)
    centre = times[data.event].mean()
    residuals, rows = schoenfeld_residuals(found, fit)
    residuals, stamp = residuals[:, kept], times[rows]
    if np.ptp(stamp) <= 0:
        raise EstimationError(f"{_SUBJECT}: all events happen at one time; there is nothing to see")
    d = found.sets.design
    clock = times[d.rows[d.cell_start[:-1]]] - centre
    weights = np.ones(rows.size) if data.weights is None else data.weights[rows]
    score = (weights * (stamp - centre)) @ residuals
    first, second, third = _informations(found, clock)
    place = {j: i for i, j in enumerate(kept.tolist())}
    columns = [np.array([place[j] for j in c.tolist()]) for c in groups.values()]
    everything = np.arange(kept.size)
    tests = []
    for c in [*columns, everything]:
        whole = np.block([[first, second[:, c]], [second[c], third[np.ix_(c, c)]]])
        padded = np.concatenate([np.zeros(kept.size), score[c]])
        tests.append((_score_test(whole, padded), c.size))
    beta = fit.coefficients[kept]
    used = _varying_events(found, fit)
    per_term = _combine(residuals, first, used, columns, beta)
    stratum = np.searchsorted(d.stratum_start, _cells_of(found, rows), side="right") - 1
    points, variance = _scaled(*per_term, stratum)
    effects = np.array([beta[c[0]] if c.size == 1 else 1.0 for c in columns])
    statistics = np.array([t[0] for t in tests])
    df = np.array([t[1] for t in tests])
    p_values = np.array([chi_square_p(*t) for t in tests])
    options = {"transform": transform, "terms": tuple(groups), "level": level, "ties": fit.ties}
    strata = () if data.stratum is None else data.stratum[rows].tolist()
    return ProportionalHazardsTest(
        tuple(groups), statistics[:-1], df[:-1], p_values[:-1],
        TestResult(
            float(statistics[-1]), int(df[-1]), float(p_values[-1]),
            "global test of proportional hazards", fit.n, fit.events,
        ),
        data.time[rows], stamp, points + effects, variance, effects,
        tuple(data.stratum_labels[s] for s in strata), data.rows[rows], fit.n, fit.events,
        "score test of proportional hazards", options,
    )  # fmt: skip


def _cells_of(found: FittedSets, rows: Integers) -> Integers:
    """Cell in which each of the fit's rows leaves."""
    d = found.sets.design
    cell = np.zeros(int(d.rows.max()) + 1, np.int64)
    cell[d.rows] = d.exit_cell
    return cell[rows]
