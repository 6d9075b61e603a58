"""Fine and Gray's proportional subdistribution hazards model."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ashworth.errors import (
    AshworthWarning,
    FewEventsWarning,
    MonotoneLikelihoodWarning,
    NotEstimableWarning,
)
from ashworth.survival.competing_risks.fine_gray_data import FineGrayData, layout, read_fine_gray
from ashworth.survival.competing_risks.fine_gray_result import FineGrayFit, FineGrayResult
from ashworth.survival.competing_risks.subdistribution import evaluate
from ashworth.survival.competing_risks.subdistribution_fit import maximise_subdistribution
from ashworth.survival.competing_risks.subdistribution_variance import score_influence
from ashworth.survival.inputs import TIE_TOLERANCE, Floats, Integers, check_option
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.results import TestResult, chi_square_p
from ashworth.version import __version__

CensoringTies = Literal["cmprsk", "survival"]


def _first_look(data: FineGrayData) -> Floats:
    """Coefficients of a Cox model in which competing events stay at risk for ever.

    Its risk sets have the same rows as Fine and Gray's, with other positive weights: what is
    constant, collinear (NaN) or monotone (infinite) here is so there, and the rest is a start.
    """
    own = data.rows.code == data.cause
    stays = (data.rows.code > 0) & ~own
    time = np.where(stays, data.rows.time.max() + 1.0, data.rows.time)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AshworthWarning)
        fit = cox(
            time, own, data.covariates, strata=data.stratum, ties="breslow", tie_tolerance=0.0
        )
    return fit.coefficients


def _warn(data: FineGrayData, first: Floats, events: int) -> None:
    p = len(data.names)
    if p > events:
        text = f"{p} covariates and {events} events: {events / p:.2g} events per variable"
        warnings.warn(text, FewEventsWarning, stacklevel=4)
    endless = np.isinf(first)
    if endless.any():
        what = ", ".join(
            f"{n} ({'+' if c > 0 else '-'}infinite)"
            for n, c in zip(data.names, first, strict=True)
            if np.isinf(c)
        )
        warnings.warn(
            f"the pseudo-likelihood is monotone: {what}; the other coefficients are not given. "
            "Leave it out, merge its levels, or compare cumulative incidences by Gray's test",
            MonotoneLikelihoodWarning,
            stacklevel=4,
        )
    if np.isnan(first).any():
        what = ", ".join(n for n, c in zip(data.names, first, strict=True) if np.isnan(c))
        text = f"not estimable (constant within strata, or collinear with earlier terms): {what}"
        warnings.warn(text, NotEstimableWarning, stacklevel=4)


def _fit(data: FineGrayData, kept: Integers, start: Floats, *, events_at_risk: bool) -> Any:
    """Fit the kept covariates, centred and scaled."""
    x = data.covariates[:, kept]
    centre, scale = x.mean(axis=0), x.std(axis=0)
    columns = ((x - centre) / scale).T
    strata, rows, places = layout(data, columns, events_at_risk=events_at_risk)
    null = evaluate(strata, np.zeros(kept.size))
    start = start * scale
    if evaluate(strata, start).value < null.value:
        start = np.zeros(kept.size)
    point, beta, iterations = maximise_subdistribution(strata, start)
    inverse = np.linalg.inv(point.information)
    influence = inverse @ score_influence(strata, point, rows)
    fit = FineGrayFit(data, strata, places, rows, point, kept, centre, scale, beta, influence)
    return fit, null.value, inverse, iterations


def _embed(values: Floats, kept: Integers, p: int) -> Floats:
    whole = np.full((p, p), np.nan)
    whole[np.ix_(kept, kept)] = values
    return whole


def _result(
    data: FineGrayData, fit: FineGrayFit, first: Floats, null: float, inverse: Floats,
    iterations: int, options: dict[str, Any],
) -> FineGrayResult:  # fmt: skip
    p, code, kept = len(data.names), data.rows.code, fit.kept
    sums = fit.influence
    if data.cluster is not None:
        sums = np.stack([np.bincount(data.cluster, row) for row in sums])
    units = np.outer(fit.scale, fit.scale)
    sandwich = sums @ sums.T / units
    coefficients = np.where(np.isinf(first), first, np.nan)
    coefficients[kept] = fit.beta / fit.scale
    covariance = _embed(sandwich, kept, p)
    errors = np.sqrt(covariance.diagonal())
    errors = np.where(np.isinf(coefficients), np.inf, errors)
    events = int(np.count_nonzero(code == data.cause))
    beta = coefficients[kept]
    wald = float(beta @ np.linalg.solve(sandwich, beta)) if _full_rank(sandwich) else np.nan
    test = TestResult(
        wald, kept.size, chi_square_p(wald, kept.size), "Wald test", code.size, events
    )
    censored = int(np.count_nonzero(code == 0))
    reached = np.nan if np.isinf(first).any() else fit.point.value
    return FineGrayResult(
        data.names, coefficients, errors, covariance, _embed(inverse / units, kept, p),
        reached, null, test, data.cause, code.size, events, code.size - events - censored,
        censored, max(len(data.stratum_labels), 1), True, iterations, "Fine-Gray", options,
        __version__, fit,
    )  # fmt: skip


def _full_rank(matrix: Floats) -> bool:
    root = np.sqrt(matrix.diagonal())
    if root.size == 0 or not (root > 0).all():
        return False
    return bool(np.linalg.cond(matrix / np.outer(root, root)) < 1e12)


def fine_gray(
    time: Any,
    event_code: Any,
    covariates: Any,
    *,
    cause: int = 1,
    names: Sequence[str] | None = None,
    strata: Any = None,
    cluster: Any = None,
    censoring_group: Any = None,
    censoring_ties: CensoringTies = "cmprsk",
    tie_tolerance: float = TIE_TOLERANCE,
) -> FineGrayResult:
    r"""Fit a proportional subdistribution hazards model, converged to the end.

    Use it for the effect of covariates on the cumulative incidence of one cause. It does not say
    what a covariate does to the rate of the event among those still at risk: for that see the
    cause-specific model (`cause_specific` gives both).

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, in any unit, 0 or later.
    event_code : array-like of int, shape (n,)
        0 censored, 1, 2, ... the kind of event.
    covariates : array-like, shape (n, p) or (n,), or a frame or dict of columns
        Numbers without missing values.
    cause : int
        Code of the event of interest; the others compete.
    names : sequence of str, optional
        Names of the covariates; those of the frame by default.
    strata : array-like, shape (n,), optional
        Labels of strata with their own baseline. They share one censoring distribution unless
        `censoring_group` says otherwise.
    cluster : array-like, shape (n,), optional
        Labels of clusters (centres); their rows' influences are added before they are squared.
    censoring_group : array-like, shape (n,), optional
        Labels of groups with their own censoring distribution (`cengroup` of ``cmprsk::crr``).
    censoring_ties : {"cmprsk", "survival"}
        Whether rows with an event at a censoring time count as at risk of censoring then
        (``cmprsk::crr``), or have left before (``survival::finegray``).
    tie_tolerance : float
        As for `kaplan_meier`.

    Returns
    -------
    FineGrayResult
        Coefficients, sandwich covariance, ``.table()`` and ``.predict()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events of the cause, with one cluster only, or where no maximum is found.

    Warns
    -----
    MonotoneLikelihoodWarning, NotEstimableWarning
        With the names of the covariates. Beside an infinite coefficient the others are NaN.
    FewEventsWarning
        With more covariates than events.

    Notes
    -----
    Rows with a competing event at x stay in the risk set of a later event time u with the weight
    G(u-)/G(x-), where G is the Kaplan-Meier estimate of staying uncensored (in the row's group).
    The pseudo-likelihood has Breslow's form for ties. The covariance is

    .. math:: I^{-1} \Bigl\{\sum_i (\eta_i + \psi_i)(\eta_i + \psi_i)'\Bigr\} I^{-1}

    with the row's weighted martingale residual :math:`\eta_i` and its part :math:`\psi_i` in the
    estimated G. With tied event and censoring times :math:`\psi` follows ``crr``. With censoring
    groups ours is the derivative of the estimate in the weights of the rows; ``crr`` differs there.
    No late entry: see `fine_gray_rows`.

    References
    ----------
    .. [1] Fine JP, Gray RJ (1999). A proportional hazards model for the subdistribution of a
       competing risk. J Am Stat Assoc 94:496-509.
    .. [2] Zhou B, Fine J, Latouche A, Labopin M (2012). Competing risks regression for clustered
       data. Biostatistics 13:371-383.

    Examples
    --------
    >>> fit = fine_gray([5, 8, 12, 3, 9, 14, 6, 11], [1, 1, 0, 1, 2, 1, 2, 0],
    ...                 [1, 0, 0, 1, 1, 0, 1, 1], names=["marker"])
    >>> print(round(float(fit.coefficients[0]), 4), round(float(fit.standard_errors[0]), 4))
    -0.0993 0.7863
    """
    check_option(censoring_ties, "censoring_ties", ("cmprsk", "survival"))
    data = read_fine_gray(
        "fine_gray", time, event_code, covariates, cause=cause, names=names, strata=strata,
        cluster=cluster, censoring_group=censoring_group, tie_tolerance=tie_tolerance,
    )  # fmt: skip
    first = _first_look(data)
    _warn(data, first, int(np.count_nonzero(data.rows.code == data.cause)))
    kept = np.flatnonzero(np.isfinite(first))
    if np.isinf(first).any():
        kept = kept[:0]
    fit, null, inverse, iterations = _fit(
        data, kept, first[kept], events_at_risk=censoring_ties == "cmprsk"
    )
    options = {
        "cause": cause, "strata": strata is not None, "cluster": cluster is not None,
        "censoring_group": censoring_group is not None, "censoring_ties": censoring_ties,
        "tie_tolerance": tie_tolerance,
    }  # fmt: skip
    return _result(data, fit, first, null, inverse, iterations, options)
