"""Cox models of every centre by itself, and why a centre has no estimate."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ashworth.errors import AshworthWarning, EstimationError, InputError
from ashworth.survival import cox, firth_cox
from ashworth.survival.inputs import TIE_TOLERANCE, Floats
from ashworth.survival.proportional_hazards.data import CoxData, read_cox_data

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True)
class CentreFit:
    """A centre's own model with p covariates.

    Attributes
    ----------
    centre : object
        Label.
    n, events : int
        Patients and events.
    coefficients, standard_errors : ndarray, shape (p,)
        NaN or infinite where the centre does not determine them.
    log_likelihood : float
        At the maximum or its limit; 0 where no model was fitted.
    reasons : tuple of str, length p
        Why a coefficient cannot be pooled; empty where it can.
    """

    centre: Any
    n: int
    events: int
    coefficients: Floats
    standard_errors: Floats
    log_likelihood: float
    reasons: tuple[str, ...]

    @property
    def rank(self) -> int:
        """Number of coefficients that the centre determines, infinite ones included."""
        return int((~np.isnan(self.coefficients)).sum())


def ratios(logarithms: Floats) -> Floats:
    """Hazard ratios of logarithms; one beyond the largest number is infinite."""
    with np.errstate(over="ignore"):
        return np.exp(logarithms)


def read_centres(
    subject: str, time: Any, event: Any, covariates: Any, centre: Any, *,
    names: Sequence[str] | None, entry: Any,
) -> CoxData:  # fmt: skip
    """Check the rows of several centres together; the centres are the strata.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, or with one centre only.
    """
    try:
        data = read_cox_data(
            subject, time, event, covariates, names=names, entry=entry, strata=centre,
            cluster=None, weights=None, offset=None, tie_tolerance=TIE_TOLERANCE,
        )  # fmt: skip
    except InputError as error:
        renamed = [
            replace(p, column="centre" if p.column == "strata" else p.column)
            for p in error.problems
        ]
        raise InputError(renamed, subject=error.subject) from None
    if data.stratum is None:
        label = data.stratum_labels[0] if data.stratum_labels else None
        raise EstimationError(f"{subject}: one centre only ({label!r}); two or more are needed")
    return data


def fit_quietly(data: CoxData, *, stratified: bool, ties: Ties) -> Any:
    """Cox model of checked rows without warnings, which the caller turns into reasons."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AshworthWarning)
        return cox(
            data.time, data.event, data.covariates, names=data.names, entry=data.entry,
            strata=data.stratum if stratified else None, ties=ties, tie_tolerance=0.0,
        )  # fmt: skip


def _too_small(events: int, fewest: int, p: int, *, firth: bool) -> str:
    """Why a centre has too few events; empty where it has not."""
    words = f"{events} event{'' if events == 1 else 's'}"
    if events < fewest:
        return f"{words}, fewer than {fewest}"
    if events < p and not firth:
        return f"{words} for {p} covariates"
    return ""


def _reason(coefficient: float, values: Floats, small: str) -> str:
    """Why a coefficient of one centre cannot be pooled; empty where it can."""
    if np.isnan(coefficient):
        if values.min() == values.max():
            return f"one value of the covariate only ({values[0]:g})"
        return "collinear, or constant among the patients at risk at every event"
    if np.isinf(coefficient):
        return "infinite coefficient: the likelihood is monotone"
    return small


def _nothing(centre: Any, n: int, events: int, p: int, reason: str) -> CentreFit:
    empty = np.full(p, np.nan)
    return CentreFit(centre, n, events, empty, empty, 0.0, (reason,) * p)


def _fit_firth(data: CoxData, ties: Ties) -> Any:
    """Cox model with Firth's penalty, without warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AshworthWarning)
        return firth_cox(
            data.time, data.event, data.covariates, names=data.names, entry=data.entry, ties=ties,
            tie_tolerance=0.0,
        )  # fmt: skip


def _fit_centre(data: CoxData, centre: Any, *, ties: Ties, fewest: int, firth: bool) -> CentreFit:
    n, events, p = data.time.size, int(data.event.sum()), len(data.names)
    if events == 0:
        return _nothing(centre, n, events, p, "no events")
    try:
        fit = _fit_firth(data, ties) if firth else fit_quietly(data, stratified=False, ties=ties)
    except EstimationError as error:
        return _nothing(centre, n, events, p, str(error))
    except np.linalg.LinAlgError:
        reason = f"{events} events are too few for {p} covariates: the information is singular"
        return _nothing(centre, n, events, p, reason)
    small = _too_small(events, fewest, p, firth=firth)
    reasons = tuple(
        _reason(float(b), x, small)
        for b, x in zip(fit.coefficients, data.covariates.T, strict=True)
    )
    return CentreFit(
        centre, n, events, fit.coefficients, fit.standard_errors, fit.log_likelihood, reasons
    )


def fit_centres(
    data: CoxData, *, ties: Ties, min_events: int, firth: bool = False
) -> tuple[CentreFit, ...]:
    """Fit each centre by itself, in the order of the labels."""
    assert data.stratum is not None
    return tuple(
        _fit_centre(data.take(data.stratum == i), centre, ties=ties, fewest=min_events, firth=firth)
        for i, centre in enumerate(data.stratum_labels)
    )
