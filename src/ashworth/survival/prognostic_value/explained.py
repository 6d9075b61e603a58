"""How much of the variation in survival a Cox model explains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats
from ashworth.survival.prognostic_value.concordance_share import added_terms
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

_KAPPA_SQUARED = 8.0 / math.pi
_ERROR_VARIANCE = math.pi**2 / 6.0


@dataclass(frozen=True, slots=True)
class ExplainedVariation:
    """Measures of explained variation of one Cox model.

    Attributes
    ----------
    cox_snell, nagelkerke : float
        1 - exp(-LR / n), and divided by its largest possible value.
    oquigley : float
        1 - exp(-LR / events): not lowered by censoring.
    kent_oquigley : float
        Variance of the linear predictor over it plus pi^2 / 6.
    royston_d, royston_d_se : float
        Royston and Sauerbrei's D, a log hazard ratio between two prognostic halves, and its
        standard error.
    royston_r2 : float
        The explained variation that belongs to D.
    method : str
        Name of the measures.
    n, events : int
        Rows and events.
    options : mapping
        Treatment of ties.
    version : str
        Version of the package.
    """

    cox_snell: float
    nagelkerke: float
    oquigley: float
    kent_oquigley: float
    royston_d: float
    royston_d_se: float
    royston_r2: float
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per measure."""
        import polars as pl

        names = ("cox_snell", "nagelkerke", "oquigley", "kent_oquigley", "royston_d", "royston_r2")
        return pl.DataFrame(
            {"measure": list(names), "value": [getattr(self, n) for n in names]}
        ).with_columns(n=pl.lit(self.n), events=pl.lit(self.events))


def normal_scores(values: Floats) -> Floats:
    """Blom's expected normal order statistics; tied values get the mean of theirs."""
    n = values.size
    scores = ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    order = np.argsort(values, kind="stable")
    distinct, code = np.unique(values, return_inverse=True)
    means = np.bincount(code[order], scores) / np.bincount(code, minlength=distinct.size)
    return means[code]


def linear_predictor(fit: CoxResult) -> Floats:
    """Linear predictor of the fitted rows without offset; undetermined coefficients count 0."""
    if not np.isfinite(np.nan_to_num(fit.coefficients, nan=0.0)).all():
        raise EstimationError(
            "the model has an infinite coefficient (monotone likelihood), so that its linear "
            "predictor is infinite; leave the covariate out or use a penalised fit"
        )
    return added_terms(fit.data.covariates, np.nan_to_num(fit.coefficients, nan=0.0))


def explained_variation(fit: CoxResult) -> ExplainedVariation:
    r"""Say how much of the variation in survival a Cox model explains.

    Use it beside `likelihood_ratio`, to compare models on the same patients; values from cohorts
    with other censoring can be compared for `oquigley` and `royston_r2` only.

    Parameters
    ----------
    fit : CoxResult
        A fit of `cox` without strata, weights and late entry.

    Returns
    -------
    ExplainedVariation
        Six measures, ``.table()``.

    Raises
    ------
    EstimationError
        With strata, weights, late entry or offset (where these measures are not defined), with an
        infinite coefficient, or with a constant linear predictor.

    Notes
    -----
    D is :math:`\sqrt{8/\pi}` times the coefficient of the linear predictor's normal scores in a Cox
    model of their own (Efron ties), and :math:`R^2_D = (D^2/\kappa^2) / (\pi^2/6 + D^2/\kappa^2)`
    with :math:`\kappa^2 = 8/\pi`. Equal to R's ``survival::royston`` and the ``rsq`` of
    ``summary(coxph)``.

    References
    ----------
    .. [1] Royston P, Sauerbrei W (2004). A new measure of prognostic separation in survival data.
       Stat Med 23:723-748.
    .. [2] O'Quigley J, Xu R, Stare J (2005). Explained randomness in proportional hazards models.
       Stat Med 24:479-489.
    .. [3] Nagelkerke NJD (1991). A note on a general definition of the coefficient of
       determination. Biometrika 78:691-692.

    Examples
    --------
    >>> fit = cox([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], [61, 50, 44, 70, 52, 47])
    >>> round(explained_variation(fit).oquigley, 4)
    0.827
    """
    data = fit.data
    given = {"strata": data.stratum, "weights": data.weights, "late entry": data.entry,
             "an offset": data.offset}  # fmt: skip
    found = [name for name, value in given.items() if value is not None]
    if found:
        raise EstimationError(f"explained_variation: not defined with {' and '.join(found)}")
    eta = linear_predictor(fit)
    if eta.min() == eta.max():
        raise EstimationError("explained_variation: the linear predictor is constant")
    chi, null = fit.likelihood_ratio_test.statistic, fit.log_likelihood_null
    cox_snell = -math.expm1(-chi / fit.n)
    separated = cox(data.time, data.event, normal_scores(eta), tie_tolerance=0.0)
    beta, error = float(separated.coefficients[0]), float(separated.standard_errors[0])
    spread = float(eta.var(ddof=1))
    return ExplainedVariation(
        cox_snell, cox_snell / -math.expm1(2.0 * null / fit.n), -math.expm1(-chi / fit.events),
        spread / (_ERROR_VARIANCE + spread), beta * math.sqrt(_KAPPA_SQUARED),
        error * math.sqrt(_KAPPA_SQUARED), beta**2 / (_ERROR_VARIANCE + beta**2),
        "explained variation of a Cox model", fit.n, fit.events, {"ties": fit.ties}, __version__,
    )  # fmt: skip
