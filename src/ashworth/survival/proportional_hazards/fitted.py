"""What is read off a fit: its rows in order, its standardised coefficients, and what it lacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.proportional_hazards.risk_sets import RiskSets, risk_sets


@dataclass(frozen=True, slots=True)
class FittedSets:
    """Risk sets of a fit at its maximum.

    Attributes
    ----------
    sets : RiskSets
        At the standardised coefficients; those that the data do not determine are 0 there.
    scale : ndarray, shape (p,)
        Units of the standardised covariates; 1 where a covariate is constant within strata.
    kept : ndarray of int
        Coefficients that the data determine.
    """

    sets: RiskSets
    scale: Floats
    kept: Integers


def refuse_infinite(fit: CoxResult, what: str) -> None:
    """Refuse a fit with infinite coefficients."""
    endless = np.isinf(fit.coefficients)
    if endless.any():
        names = ", ".join(n for n, e in zip(fit.names, endless, strict=True) if e)
        raise EstimationError(
            f"{what}: the coefficients of {names} are infinite, so there are no fitted hazards; "
            "leave these covariates out, merge their levels, or use a penalised fit"
        )


def fitted_sets(fit: CoxResult, what: str) -> FittedSets:
    """Sort the rows of a fit and sum its risk sets at the maximum.

    Parameters
    ----------
    fit : CoxResult
        A fit without infinite coefficients.
    what : str
        Name of the calling function, for messages.

    Raises
    ------
    EstimationError
        With an infinite coefficient, or with predictors of too large a range.
    """
    refuse_infinite(fit, what)
    design = fit.data.design()
    known = np.isfinite(fit.coefficients)
    beta = np.where(known, fit.coefficients, 0.0) * design.scale
    with np.errstate(all="ignore"):
        sets = risk_sets(design, beta, efron=fit.ties == "efron")
    scale = np.where(design.scale > 0, design.scale, 1.0)
    return FittedSets(sets, scale, np.flatnonzero(known))
