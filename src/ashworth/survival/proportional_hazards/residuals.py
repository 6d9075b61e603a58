"""Residuals of a Cox model: per row, per cluster, or per event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import xlogy

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, Integers, check_option
from ashworth.survival.proportional_hazards.fitted import FittedSets, fitted_sets
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.proportional_hazards.risk_sets import (
    RiskSets,
    event_contrasts,
    expected_events,
    score_rows,
)
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

ResidualKind = Literal[
    "martingale", "deviance", "score", "dfbeta", "dfbetas", "schoenfeld", "scaled_schoenfeld"
]
_KINDS = (
    "martingale", "deviance", "score", "dfbeta", "dfbetas", "schoenfeld", "scaled_schoenfeld",
)  # fmt: skip
_OF_EVENTS = ("schoenfeld", "scaled_schoenfeld")
_OF_ROWS = ("martingale", "deviance")


@dataclass(frozen=True, slots=True)
class CoxResiduals:
    """Residuals of one kind.

    Attributes
    ----------
    kind : str
        What was asked for.
    values : ndarray, shape (k,) or (k, p)
        Martingale and deviance residuals, one number each; the others one per covariate. NaN for
        covariates whose coefficient the data do not determine.
    rows : ndarray of int, shape (k,)
        Position of each row in what the caller gave to `cox` (by cluster: of its first row).
    labels : tuple
        Label of each cluster; empty by row.
    time : ndarray, shape (k,)
        End of each row's follow-up; with Schoenfeld residuals the event times.
    stratum : tuple
        Label of each row's stratum; empty without strata.
    names : tuple of str
        Covariates.
    n, events : int
        Rows and events of the fit.
    method, options, version : str, mapping, str
        Name of the residuals, what was chosen, version of the package.
    """

    kind: str
    values: Floats
    rows: Integers
    labels: tuple[Any, ...]
    time: Floats
    stratum: tuple[Any, ...]
    names: tuple[str, ...]
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per residual: row (from 0) or cluster, time, stratum, and the value(s)."""
        import polars as pl

        columns: dict[str, Any] = {"row": self.rows}
        if self.labels:
            columns = {"cluster": list(self.labels)}
        else:
            columns["time"] = self.time
            if self.stratum:
                columns["stratum"] = list(self.stratum)
        if self.values.ndim == 1:
            return pl.DataFrame({**columns, self.kind: self.values})
        return pl.DataFrame({**columns, **dict(zip(self.names, self.values.T, strict=True))})


def _in_callers_order(values: Floats, sets: RiskSets, n: int) -> Floats:
    """Values per row of the design, shape (..., m), as one row each of the fit's n; others 0."""
    out = np.zeros((*values.shape[:-1], n))
    out[..., sets.design.rows] = values
    return out


def martingale_residuals(sets: RiskSets, fit: CoxResult) -> Floats:
    """Events less expected events of the fit's rows, unweighted, shape (n,)."""
    data = fit.data
    expected = _in_callers_order(expected_events(sets), sets, data.time.size)
    if data.weights is not None:
        expected /= data.weights
    return data.event - expected


def score_residuals(found: FittedSets, fit: CoxResult) -> Floats:
    """Weighted score residuals of the fit's rows in units of the covariates, shape (n, p)."""
    n = fit.data.time.size
    rows = _in_callers_order(score_rows(found.sets), found.sets, n)
    return rows.T * found.scale


def _deviance(martingale: Floats, events: Floats) -> Floats:
    """Deviance residuals from martingale residuals and (summed) events."""
    expected = events - martingale
    inner = -2.0 * (martingale + xlogy(events, expected) - xlogy(events, events))
    return np.sign(martingale) * np.sqrt(np.maximum(inner, 0.0))


def _by_cluster(values: Floats, cluster: Integers) -> Floats:
    """Sums over clusters, those without rows left out."""
    n = int(cluster.max()) + 1
    columns = values.reshape(len(values), -1)
    summed = np.empty((n, columns.shape[1]))
    for j, column in enumerate(columns.T):
        summed[:, j] = np.bincount(cluster, column, minlength=n)
    present = np.bincount(cluster, minlength=n) > 0
    return summed[present].reshape(-1, *values.shape[1:])


def _row_values(found: FittedSets, fit: CoxResult, kind: str, *, weighted: bool) -> Floats:
    """Martingale or score-like residuals of the rows."""
    weights = fit.data.weights
    if kind in _OF_ROWS:
        values = martingale_residuals(found.sets, fit)
        return values if weights is None or not weighted else values * weights
    values = score_residuals(found, fit)
    if weights is not None and not weighted:
        values /= weights[:, None]
    if kind != "score":
        values = values @ np.nan_to_num(fit.model_covariance)
    if kind == "dfbetas":
        values = values / np.sqrt(fit.model_covariance.diagonal())
    values[:, ~np.isfinite(fit.coefficients)] = np.nan
    return values


def event_order(sets: RiskSets, fit: CoxResult) -> Integers:
    """Order of the design's events by stratum, time and the caller's rows."""
    rows = sets.design.rows[sets.design.event_rows]
    cell = sets.design.exit_cell[sets.design.event_rows]
    return np.lexsort((fit.data.rows[rows], cell))


def schoenfeld_residuals(found: FittedSets, fit: CoxResult) -> tuple[Floats, Integers]:
    """Schoenfeld residuals in units of the covariates, shape (events, p), and the fit's rows."""
    contrasts, dead = event_contrasts(found.sets)
    order = event_order(found.sets, fit)
    return contrasts[:, order].T * found.scale, found.sets.design.rows[dead[order]]


def _event_values(
    found: FittedSets, fit: CoxResult, kind: str, *, weighted: bool
) -> tuple[Floats, Integers]:
    """Schoenfeld residuals, shape (events, p), and their rows."""
    values, rows = schoenfeld_residuals(found, fit)
    if weighted and fit.data.weights is not None:
        values = values * fit.data.weights[rows, None]
    if kind == "scaled_schoenfeld":
        values = values @ np.nan_to_num(fit.model_covariance) * fit.events + fit.coefficients
    values[:, ~np.isfinite(fit.coefficients)] = np.nan
    return values, rows


def _check(fit: CoxResult, kind: str, by: str, *, weighted: bool) -> None:
    check_option(kind, "kind", _KINDS)
    check_option(by, "by", ("row", "cluster"))
    if by == "cluster" and fit.data.cluster is None:
        raise EstimationError("cox_residuals: the fit has no clusters; fit with cluster=...")
    if by == "cluster" and kind in _OF_EVENTS:
        raise EstimationError(f"cox_residuals: {kind} residuals belong to events, not to clusters")
    if weighted and kind == "deviance" and fit.data.weights is not None:
        raise EstimationError("cox_residuals: there are no weighted deviance residuals")


def cox_residuals(
    fit: CoxResult,
    kind: ResidualKind = "martingale",
    *,
    by: Literal["row", "cluster"] = "row",
    weighted: bool | None = None,
) -> CoxResiduals:
    r"""Residuals of a Cox model, also with strata, late entry, weights and offset.

    Martingale residuals against a covariate show the form of its effect, deviance residuals poorly
    fitted rows, dfbeta rows with much influence, Schoenfeld residuals a changing effect.

    Parameters
    ----------
    fit : CoxResult
        From `cox`.
    kind : str
        ``"martingale"``, ``"deviance"``: one number per row. ``"score"``; ``"dfbeta"``, about the
        change of the coefficients when the row is left out; ``"dfbetas"``, that in (model-based)
        standard errors: one number per row and covariate. ``"schoenfeld"``; and
        ``"scaled_schoenfeld"``, whose mean over time follows the coefficient: one per event and
        covariate.
    by : {"row", "cluster"}
        Sum over the clusters of the fit. Rows of one subject (start-stop data) are summed so.
    weighted : bool, optional
        Multiply by the case weights. By default only dfbeta and dfbetas are, as in R.

    Returns
    -------
    CoxResiduals
        ``.values``: rows in the order given to `cox` (those of weight 0 left out), clusters by
        label, events by stratum, time and row.

    Raises
    ------
    EstimationError
        With an infinite coefficient, without clusters where they are asked for, or with predictors
        of too large a range.

    Notes
    -----
    With the hazard :math:`dH(t) = \sum_k \bar w / s_{0k}` over the terms of a time (see `cox`),

    .. math:: M_i = \delta_i - e^{\eta_i} \int_i dH,\quad
              U_i = \delta_i (x_i - \bar x(t_i)) - e^{\eta_i} \int_i (x_i - \bar x_k)\, dH

    where a tied event bears the k-th term by :math:`1 - k/d` (Efron), dfbeta is :math:`w_i U_i V`
    with the inverse information V, and the scaled Schoenfeld residual is
    :math:`\hat\beta + D\, V (x_i - \bar x)` with D events. The deviance residual of N events with E
    expected is :math:`\pm\sqrt{2 (N \log(N / E) - (N - E))}`; R leaves out N log N, which gives NaN
    for clusters with more than one event.

    References
    ----------
    .. [1] Therneau TM, Grambsch PM, Fleming TR (1990). Martingale-based residuals for survival
       models. Biometrika 77:147-160.
    .. [2] Schoenfeld D (1982). Partial residuals for the proportional hazards regression model.
       Biometrika 69:239-241.

    Examples
    --------
    >>> from ashworth.survival import cox
    >>> fit = cox([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], [1, 0, 0, 1, 1, 0], names=["marker"])
    >>> cox_residuals(fit, "martingale").values.round(3).tolist()
    [0.327, 0.757, -0.378, 0.719, -1.046, -0.378]
    """
    weighted = kind in ("dfbeta", "dfbetas") if weighted is None else bool(weighted)
    _check(fit, kind, by, weighted=weighted)
    data = fit.data
    with np.errstate(all="ignore"):
        found = fitted_sets(fit, "cox_residuals")
        if kind in _OF_EVENTS:
            values, rows = _event_values(found, fit, kind, weighted=weighted)
        else:
            values = _row_values(found, fit, kind, weighted=weighted)
            rows = np.arange(data.time.size)
    labels: tuple[Any, ...] = ()
    events = data.event[rows].astype(np.float64)
    if by == "cluster":
        assert data.cluster is not None
        values, events = _by_cluster(values, data.cluster), _by_cluster(events, data.cluster)
        codes, rows = np.unique(data.cluster, return_index=True)
        labels = tuple(data.cluster_labels[c] for c in codes.tolist())
    if kind == "deviance":
        values = _deviance(values, events)
    strata = () if data.stratum is None else data.stratum[rows].tolist()
    return CoxResiduals(
        kind, values, data.rows[rows], labels, data.time[rows],
        tuple(data.stratum_labels[s] for s in strata), fit.names, fit.n, fit.events,
        f"{kind.replace('_', ' ')} residuals", {"by": by, "weighted": weighted},
    )  # fmt: skip
