"""Cox's model with a frailty that patients of one group share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ashworth.errors import AshworthWarning, EstimationError, NotEstimableWarning
from ashworth.survival.frailty.marginal import VarianceProfile
from ashworth.survival.frailty.penalised import FrailtyProblem, PenalisedFit
from ashworth.survival.frailty.result import FrailtyResult
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Faults,
    Floats,
    Integers,
    check_level,
    check_number,
    check_option,
    labels,
)
from ashworth.survival.proportional_hazards.data import CoxData, read_cox_data
from ashworth.survival.proportional_hazards.design import CoxDesign, build_design
from ashworth.survival.proportional_hazards.monotone import determined
from ashworth.survival.proportional_hazards.newton import maximise
from ashworth.survival.proportional_hazards.order import sort_rows
from ashworth.survival.results import TestResult, chi_square_p, normal_quantile
from ashworth.version import __version__

_AFFORDABLE = 100_000_000


class UnsharedFrailtyWarning(AshworthWarning):
    """Every group has one row: only the model's form identifies the frailty's variance."""


def _read_groups(group: Any, n: int) -> tuple[list[Any], Integers]:
    """Check the groups' labels."""
    faults = Faults("frailty_cox")
    found, codes = labels(group, "group", faults)
    if codes.size != n and not faults.problems:
        faults.note("group", f"{codes.size} values", f"{n}, as many as time", "align the columns")
    faults.stop()
    if len(found) < 2:
        raise EstimationError("frailty_cox: one group; a variance between groups needs several")
    if len(found) * n > _AFFORDABLE:
        raise EstimationError(
            f"frailty_cox: {len(found)} groups among {n} rows are too many for a full covariance; "
            "stratify by group, or use a variance that is robust to clusters"
        )
    if len(found) == n:
        text = "every group has one row: the frailty's variance rests on proportional hazards alone"
        warnings.warn(text, UnsharedFrailtyWarning, stacklevel=3)
    return found, codes


def _kept(data: CoxData) -> tuple[Integers, Floats]:
    """Covariates that the data determine, and their scale."""
    if not data.names:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    design = data.design()
    if design.rows.size == 0:
        raise EstimationError("frailty_cox: nobody at risk")
    kept = determined(design, np.arange(len(data.names)))
    missing = [n for j, n in enumerate(data.names) if j not in kept]
    if missing:
        text = "not estimable (constant within strata, or collinear with earlier terms): "
        warnings.warn(text + ", ".join(missing), NotEstimableWarning, stacklevel=3)
    return kept, design.scale[kept]


def _start(data: CoxData, kept: Integers, *, efron: bool) -> Floats:
    """Coefficients of the Cox model without frailty, of the standardised covariates."""
    if not kept.size:
        return np.zeros(0)
    order = sort_rows(data.time, data.event, data.entry, data.stratum, data.n_strata)
    design = build_design(order, data.covariates[:, kept], None, data.offset)
    fit = maximise(design, efron=efron)
    if fit.infinite.any():
        names = [data.names[j] for j, s in zip(kept, fit.infinite, strict=True) if s != 0]
        raise EstimationError(
            f"frailty_cox: the coefficient of {', '.join(names)} is infinite (monotone "
            "likelihood); leave it out, or use firth_cox with strata"
        )
    return fit.beta


def _design(data: CoxData, kept: Integers, codes: Integers, n_groups: int) -> CoxDesign:
    """Covariates and indicators of the groups, sorted by cells."""
    indicators = np.zeros((data.time.size, n_groups))
    indicators[np.arange(data.time.size), codes] = 1.0
    columns = np.concatenate([data.covariates[:, kept], indicators], axis=1)
    order = sort_rows(data.time, data.event, data.entry, data.stratum, data.n_strata)
    return build_design(order, columns, None, data.offset)


def _check_informative(problem: FrailtyProblem, groups: list[Any]) -> None:
    """At least two groups must meet in a risk set."""
    if np.count_nonzero(problem.informative) < 2:
        raise EstimationError(
            "frailty_cox: no two groups share a stratum with events; strata that are the groups "
            "leave nothing for a frailty to explain"
        )
    alone = [str(g) for g, i in zip(groups, problem.informative, strict=True) if not i]
    if alone:
        text = f"no frailty for groups that share no stratum with another: {', '.join(alone)}"
        warnings.warn(text, NotEstimableWarning, stacklevel=3)


def _variance_test(rise: float, n: int, events: int) -> TestResult:
    """Test of variance 0, which lies on the edge of what is possible."""
    statistic = max(2.0 * rise, 0.0) if np.isfinite(rise) else rise
    p_value = 0.5 * chi_square_p(statistic, 1) if statistic > 0.0 else 1.0
    if np.isnan(statistic):
        p_value = float("nan")
    name = "likelihood ratio test of variance 0 (chi-square mixture, 0 and 1 df, half each)"
    return TestResult(statistic, 1, p_value, name, n, events)


def _without_frailty(profile: VarianceProfile) -> PenalisedFit:
    """The fit at variance 0: frailties 0, without curvature of their own."""
    return PenalisedFit(0.0, profile.start, profile.null, profile.null.information)


def _covariances(fit: PenalisedFit, p: int) -> tuple[Floats, Floats, float]:
    """Covariance of coefficients, errors of frailties, effective degrees of freedom."""
    if fit.variance == 0.0:
        block = fit.curvature[:p, :p]
        inverse = np.asarray(np.linalg.inv(block), dtype=np.float64) if p else np.zeros((0, 0))
        return inverse, np.full(fit.point.size - p, np.nan), float(p)
    inverse: Floats = np.asarray(np.linalg.inv(fit.curvature), dtype=np.float64)
    spent = float((fit.at.information * inverse).sum())
    return inverse[:p, :p], np.sqrt(inverse.diagonal()[p:]), spent


def frailty_cox(
    time: Any,
    event: Any,
    covariates: Any,
    group: Any,
    *,
    distribution: Literal["gamma", "gaussian"] = "gamma",
    names: Sequence[str] | None = None,
    entry: Any = None,
    strata: Any = None,
    offset: Any = None,
    variance: float | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    tie_tolerance: float = TIE_TOLERANCE,
    level: float = 0.95,
) -> FrailtyResult:
    r"""Fit a Cox model in which patients of one group (centre) share a random hazard.

    Use it for pooled patient data of several centres: hazard ratios within a centre, and how much
    the centres' hazards differ. A frailty needs groups that meet in the same risk sets; with a few
    groups its variance is poorly known, and a stratified `cox` asks for less.

    Parameters
    ----------
    time, event, covariates, names, entry, strata, offset, ties, tie_tolerance
        As for `cox`; `covariates` may be None.
    group : array-like, shape (n,)
        Labels of the groups that share a frailty.
    distribution : {"gamma", "gaussian"}
        Gamma frailties with mean 1, or normal log frailties with mean 0.
    variance : float, optional
        Fixes the variance instead of estimating it.
    level : float
        Confidence level of all limits.

    Returns
    -------
    FrailtyResult
        Coefficients, variance with limits and test, frailties; ``.table()`` and
        ``.frailty_table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events; with one group; where no two groups share a stratum; for an infinite
        coefficient; where the likelihood rises with the variance for ever.

    Warns
    -----
    NotEstimableWarning
        For covariates that are constant within strata, and groups alone in their strata.
    UnsharedFrailtyWarning
        When every group has one row.

    Notes
    -----
    At a variance :math:`\theta = 1/\nu` coefficients and log frailties w maximise the partial
    likelihood less a penalty, :math:`\nu\sum(e^{w_j} - w_j - 1)` (gamma) or
    :math:`\sum w_j^2 / 2\theta` (Gaussian), converged. The variance maximises what remains
    after the frailties are integrated out. Gamma, with :math:`d_j` events in group j (reference 1),

    .. math:: \ell(\hat\beta, \hat w) - \text{penalty} + \sum_j \Bigl\{d_j
              - (\nu + d_j)\log(1 + d_j/\nu) + \sum_{k<d_j} \log(1 + k/\nu)\Bigr\}

    Gaussian, by Laplace's approximation (reference 2),
    :math:`\ell - \text{penalty} - \tfrac12\log|1 + \theta I_{ww}|`. Its maximum is found to
    1e-9 of the log variance; R's ``frailty()`` stops earlier, and its ``frailty.gaussian()``
    maximises another criterion (REML). With Efron's ties the gamma form is R's: exact for
    Breslow's. Limits of the variance are those of its profile likelihood (0 where that is
    inside); limits of the frailties are normal ones on the log scale and take the variance as
    known.

    References
    ----------
    .. [1] Therneau TM, Grambsch PM, Pankratz VS (2003). Penalized survival models and frailty.
       J Comput Graph Stat 12:156-175.
    .. [2] Ripatti S, Palmgren J (2000). Estimation of multivariate frailty models using penalized
       partial likelihood. Biometrics 56:1016-1022.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> centre = np.repeat(np.arange(10), 20)
    >>> hazard = np.exp(rng.normal(0.0, 0.7, 10))[centre]
    >>> fit = frailty_cox(rng.exponential(1 / hazard), np.ones(200), None, centre)
    >>> bool(0.1 < fit.variance < 1.5), fit.variance_test.p_value < 0.001
    (True, True)
    """
    check_option(ties, "ties", ("efron", "breslow"))
    check_option(distribution, "distribution", ("gamma", "gaussian"))
    check_level(level)
    if variance is not None and check_number(variance, "variance", "0 or more") < 0.0:
        raise EstimationError(f"variance is {variance!r}; allowed: 0 or more, or None")
    if covariates is None:
        covariates = np.zeros((len(time), 0))
    data = read_cox_data(
        "frailty_cox", time, event, covariates, names=names, entry=entry, strata=strata,
        cluster=None, weights=None, offset=offset, tie_tolerance=tie_tolerance,
    )  # fmt: skip
    groups, codes = _read_groups(group, data.time.size)
    options = {
        "distribution": distribution, "ties": ties, "strata": strata is not None,
        "entry": entry is not None, "offset": offset is not None, "variance": variance,
        "tie_tolerance": tie_tolerance, "level": float(level),
    }  # fmt: skip
    with np.errstate(over="ignore", under="ignore"):
        return _fit(data, groups, codes, options)


def _fit(
    data: CoxData, groups: list[Any], codes: Integers, options: dict[str, Any]
) -> FrailtyResult:
    """Find the variance and assemble the result."""
    efron, level = options["ties"] == "efron", options["level"]
    kept, scale = _kept(data)
    sizes = np.bincount(codes, minlength=len(groups))
    deaths = np.bincount(codes[data.event], minlength=len(groups))
    design = _design(data, kept, codes, len(groups))
    problem = FrailtyProblem(design, kept.size, deaths, options["distribution"], efron=efron)
    _check_informative(problem, groups)
    start = np.concatenate([_start(data, kept, efron=efron), np.zeros(len(groups))])
    profile = VarianceProfile(problem, start)
    fixed = options["variance"]
    theta = profile.maximum() if fixed is None else float(fixed)
    nan = float("nan")
    quantile = normal_quantile(level) ** 2
    limits = profile.limits(theta, quantile) if fixed is None else (nan, nan)
    fit = profile.fit(theta) if theta > 0.0 else _without_frailty(profile)
    return _result(data, groups, (kept, scale), profile, fit, limits, (sizes, deaths), options)


def _result(
    data: CoxData, groups: list[Any], columns: tuple[Integers, Floats], profile: VarianceProfile,
    fit: PenalisedFit, limits: tuple[float, float], per_group: tuple[Integers, Integers],
    options: dict[str, Any],
) -> FrailtyResult:  # fmt: skip
    """Return to units of the covariates."""
    kept, scale = columns
    inverse, errors, spent = _covariances(fit, kept.size)
    p, n, events = len(data.names), data.time.size, int(np.count_nonzero(data.event))
    coefficients, covariance = np.full(p, np.nan), np.full((p, p), np.nan)
    coefficients[kept] = fit.point[: kept.size] / scale
    covariance[np.ix_(kept, kept)] = inverse / np.outer(scale, scale)
    informative = profile.problem.informative
    value = profile.value(fit.variance)
    rise = value - profile.null.value if options["variance"] is None else float("nan")
    return FrailtyResult(
        data.names, coefficients, np.sqrt(covariance.diagonal()), covariance, fit.variance,
        limits[0], limits[1], _variance_test(rise, n, events), tuple(groups),
        np.where(informative, fit.point[kept.size :], np.nan),
        np.where(informative, errors, np.nan), per_group[0], per_group[1], value,
        profile.null.value, fit.at.value, spent, n, events, data.n_strata, options["ties"],
        options["distribution"], options["level"],
        f"Cox with shared {options['distribution']} frailty, "
        f"{options['ties'].capitalize()} ties", options, __version__,
    )  # fmt: skip
