"""Cox's model with Firth's penalty."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.errors import EstimationError, NotEstimableWarning
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Floats,
    Integers,
    check_level,
    check_option,
)
from ashworth.survival.proportional_hazards.data import CoxData, read_cox_data
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.firth_likelihood import FirthLikelihood, Penalised
from ashworth.survival.proportional_hazards.monotone import determined
from ashworth.survival.proportional_hazards.profile import find_limit
from ashworth.survival.results import TestResult, chi_square_p, normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

_STEPS = 200
_HALVINGS = 30
_TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class FirthResult:
    """A Cox model with Firth's penalty, p covariates. All coefficients are finite.

    Attributes
    ----------
    names : tuple of str
        Covariates, in the order of all arrays.
    coefficients, standard_errors : ndarray, shape (p,)
        Penalised log hazard ratios; roots of the diagonal of `covariance`. NaN for a covariate
        that the data do not determine.
    covariance : ndarray, shape (p, p)
        Inverse information of the partial likelihood (without the penalty) at the estimate.
    lower, upper : ndarray, shape (p,)
        Profile penalised likelihood limits of the coefficients at `level`.
    chi_square, p_values : ndarray, shape (p,)
        Penalised likelihood ratio test that the coefficient is 0.
    level : float
        Confidence level.
    penalised_log_likelihood, penalised_log_likelihood_null : float
        At the estimate and with all coefficients 0 (the penalty in both).
    log_likelihood : float
        Partial likelihood without the penalty, at the estimate.
    likelihood_ratio_test : TestResult
        Penalised likelihood ratio test that all coefficients are 0.
    n, events, n_strata : int
        Rows with a positive weight, events among them, and their strata.
    ties, method, version : str
        Treatment of ties, name of the estimator, version of the package.
    options : mapping
        What was chosen.
    """

    names: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    covariance: Floats
    lower: Floats
    upper: Floats
    chi_square: Floats
    p_values: Floats
    level: float
    penalised_log_likelihood: float
    penalised_log_likelihood_null: float
    log_likelihood: float
    likelihood_ratio_test: TestResult
    n: int
    events: int
    n_strata: int
    ties: str
    method: str
    options: Mapping[str, Any]
    version: str

    @property
    def hazard_ratios(self) -> Floats:
        """Penalised hazard ratios per unit of each covariate, shape (p,)."""
        return np.exp(self.coefficients)

    def table(self) -> pl.DataFrame:
        """One row per term with hazard ratio, profile penalised limits, chi-square and p."""
        import polars as pl

        return pl.DataFrame(
            {
                "term": list(self.names),
                "n": [self.n] * len(self.names),
                "events": [self.events] * len(self.names),
                "coefficient": self.coefficients,
                "standard_error": self.standard_errors,
                "hazard_ratio": self.hazard_ratios,
                "lower": np.exp(self.lower),
                "upper": np.exp(self.upper),
                "chi_square": self.chi_square,
                "p_value": self.p_values,
            }
        )


def _climb(
    likelihood: Callable[[Floats], Penalised], start: Floats, free: Booleans
) -> tuple[Floats, Penalised]:
    """Maximise over the free coefficients: BFGS that starts from the information."""
    beta, at = start.copy(), likelihood(start)
    block = np.ix_(free, free)
    curve = at.information[block].copy()
    stuck = False
    for _ in range(_STEPS):
        slope = at.gradient[free]
        step = np.linalg.solve(curve, slope)
        length = float(np.sqrt(abs(step @ at.information[block] @ step)))
        for halving in range(_HALVINGS):
            trial = beta.copy()
            trial[free] += step * 0.5**halving
            there = likelihood(trial)
            if there.value >= at.value - 1e-12 * (1.0 + abs(at.value)):
                break
        else:
            curve = at.information[block].copy()
            if length < 1e-7:
                return beta, at
            if stuck:  # the next step would be the same
                break
            stuck = True
            continue
        stuck = False
        moved, bend = trial[free] - beta[free], slope - there.gradient[free]
        beta, at = trial, there
        if length < _TOLERANCE:
            return beta, at
        push, along = float(moved @ bend), curve @ moved
        if push > 0.0:
            curve = curve - np.outer(along, along) / (moved @ along) + np.outer(bend, bend) / push
    raise EstimationError(
        f"firth_cox: no maximum of the penalised likelihood in {_STEPS} steps; look for extreme "
        "values of the covariates and offsets"
    )


def _profiles(
    likelihood: FirthLikelihood, beta: Floats, at: Penalised, errors: Floats, level: float
) -> tuple[Floats, Floats]:
    """Limits, shape (k, 2), and chi-squares of the test of 0, shape (k,), of all coefficients."""
    quantile = normal_quantile(level) ** 2
    limits, chi_square = np.empty((beta.size, 2)), np.empty(beta.size)
    for j in range(beta.size):
        free = np.arange(beta.size) != j
        last = [beta.copy()]

        def fall(b: float, j: int = j, free: Booleans = free, last: list[Floats] = last) -> float:
            start = last[0].copy()
            start[j] = b
            if not free.any():
                return 2.0 * (at.value - likelihood(start).value)
            last[0], there = _climb(likelihood, start, free)
            return 2.0 * (at.value - there.value)

        step = errors[j] * np.sqrt(quantile)
        for side, way in enumerate((-step, step)):
            last[0] = beta.copy()
            limits[j, side] = find_limit(fall, beta[j], way, quantile)
        last[0] = beta.copy()
        chi_square[j] = max(fall(0.0), 0.0)
    return limits, chi_square


def _kept(data: CoxData, design: CoxDesign) -> Integers:
    """Covariates that the data determine; the others are named in a warning."""
    if design.rows.size == 0 or design.scale.size == 0:
        raise EstimationError(
            "firth_cox: no covariates" if design.rows.size else "firth_cox: nobody at risk"
        )
    kept = determined(design, np.arange(design.scale.size))
    missing = [n for j, n in enumerate(data.names) if j not in kept]
    if missing:
        text = "not estimable (constant within strata, or collinear with earlier terms): "
        warnings.warn(text + ", ".join(missing), NotEstimableWarning, stacklevel=3)
    if not kept.size:
        raise EstimationError("firth_cox: no covariate varies within a risk set")
    return kept


def _assemble(
    data: CoxData, design: CoxDesign, kept: Integers, level: float, options: dict[str, Any]
) -> FirthResult:
    """Fit and return to units of the covariates."""
    likelihood = FirthLikelihood(design, kept, efron=options["ties"] == "efron")
    null = likelihood(np.zeros(kept.size))
    beta, at = _climb(likelihood, np.zeros(kept.size), np.ones(kept.size, dtype=bool))
    inverse = np.linalg.inv(at.information)
    errors = np.sqrt(inverse.diagonal())
    limits, chi_square = _profiles(likelihood, beta, at, errors, level)
    p, scale = design.scale.size, design.scale[kept]
    columns = np.full((5, p), np.nan)
    columns[:, kept] = [beta / scale, errors / scale, *(limits.T / scale), chi_square]
    covariance = np.full((p, p), np.nan)
    covariance[np.ix_(kept, kept)] = (inverse + inverse.T) / 2.0 / np.outer(scale, scale)
    n, events = data.time.size, int(np.count_nonzero(data.event))
    rise, df = 2.0 * (at.value - null.value), kept.size
    test = TestResult(
        rise, df, chi_square_p(rise, df), "penalised likelihood ratio test", n, events
    )
    p_values = np.array([chi_square_p(float(c), 1) for c in columns[4]])
    units = float(np.log(scale).sum())
    return FirthResult(
        data.names, columns[0], columns[1], covariance, columns[2], columns[3], columns[4],
        p_values, float(level), at.value + units, null.value + units, at.log_likelihood, test,
        n, events, data.n_strata, options["ties"],
        f"Cox proportional hazards, Firth's penalty, {options['ties'].capitalize()} ties",
        options, __version__,
    )  # fmt: skip


def firth_cox(
    time: Any,
    event: Any,
    covariates: Any,
    *,
    names: Sequence[str] | None = None,
    entry: Any = None,
    strata: Any = None,
    weights: Any = None,
    offset: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
    tie_tolerance: float = TIE_TOLERANCE,
    level: float = 0.95,
) -> FirthResult:
    r"""Fit a Cox model with Firth's penalty: finite, less biased estimates with few events.

    Use it where `cox` finds an infinite coefficient (all events in one group), or with few events
    per covariate. Prefer its profile limits and its likelihood ratio tests to Wald's.

    Parameters
    ----------
    time, event, covariates, names, entry, strata, weights, offset, ties, tie_tolerance
        As for `cox`.
    level : float
        Confidence level of the profile penalised limits.

    Returns
    -------
    FirthResult
        Coefficients, limits, tests, and ``.table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, or where no covariate varies within a risk set.

    Warns
    -----
    NotEstimableWarning
        With the covariates that are constant within strata or collinear; they have NaN.

    Notes
    -----
    With the partial likelihood :math:`\ell` and its information I the maximum is that of

    .. math:: \ell^*(\beta) = \ell(\beta) + \tfrac12 \log |I(\beta)|

    and its gradient is exact (third moments of the risk sets). The covariance is the inverse of I
    at the estimate, without the penalty's curvature. Tests and limits of one coefficient fix it and
    keep it in the determinant. The R package coxphf knows Breslow's way with ties only; with
    ``ties="breslow"`` the estimates are comparable. Multiplying a covariate by a constant shifts
    `penalised_log_likelihood` by a constant; estimates and tests do not change.

    References
    ----------
    .. [1] Firth D (1993). Bias reduction of maximum likelihood estimates. Biometrika 80:27-38.
    .. [2] Heinze G, Schemper M (2001). A solution to the problem of monotone likelihood in Cox
       regression. Biometrics 57:114-119.

    Examples
    --------
    >>> fit = firth_cox([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0])
    >>> print(fit.coefficients.round(3), fit.lower.round(3), fit.upper.round(3))
    [2.565] [0.157] [7.486]
    """
    check_option(ties, "ties", ("efron", "breslow"))
    check_level(level)
    data = read_cox_data(
        "firth_cox", time, event, covariates, names=names, entry=entry, strata=strata, cluster=None,
        weights=weights, offset=offset, tie_tolerance=tie_tolerance,
    )  # fmt: skip
    options = {
        "ties": ties,
        "strata": strata is not None,
        "entry": entry is not None,
        "weights": weights is not None,
        "offset": offset is not None,
        "tie_tolerance": tie_tolerance,
        "level": float(level),
    }
    design = data.design()
    kept = _kept(data, design)
    with np.errstate(all="ignore"):
        return _assemble(data, design, kept, level, options)
