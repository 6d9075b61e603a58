"""What a cut-off loses: one marker as cut, as logarithm and as smooth curve on the same rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ashworth.errors import EstimationError, NotEstimableWarning
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Faults,
    Floats,
    check_level,
    check_number,
    check_option,
    numbers,
)
from ashworth.survival.prognostic_value.concordance_share import (
    added_terms,
    concordance_share,
    risk_order,
)
from ashworth.survival.prognostic_value.marker_forms_result import MarkerForm, MarkerForms
from ashworth.survival.prognostic_value.spline import spline_columns, spline_knots
from ashworth.survival.proportional_hazards.covariates import covariate_matrix
from ashworth.survival.proportional_hazards.data import CoxData, read_cox_data
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import TestResult, chi_square_p, normal_quantile
from ashworth.version import __version__

_GRID = 200


def _knots(x: Floats, n_knots: int) -> tuple[Floats | None, str]:
    """Harrell's knots, or quantiles above a common smallest value; None where 3 do not exist."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotEstimableWarning)
        try:
            found = spline_knots(x, n_knots)
        except EstimationError:
            found = x[:0]
    if found.size == n_knots:
        return found, "quantiles"
    above = x[x > x.min()]
    if above.size:
        places = np.quantile(above, np.linspace(0.1, 0.9, n_knots - 1), method="inverted_cdf")
        other = np.unique(np.concatenate([[x.min()], places]))
        if other.size > found.size:
            found = other
            return (
                (found, "smallest value and quantiles above it") if found.size > 2 else (None, "")
            )
    return (found, "distinct quantiles") if found.size > 2 else (None, "")


@dataclass(frozen=True, slots=True)
class _Study:
    """Checked rows, the covariates z and how every model is fitted."""

    data: CoxData
    z: Floats
    z_names: tuple[str, ...]
    ties: Literal["efron", "breslow"]

    def fit(self, columns: Floats, names: Sequence[str]) -> CoxResult:
        """Fit marker columns beside the covariates; the marker stands first."""
        d = self.data
        x = np.concatenate([columns, self.z], axis=1)
        return cox(
            d.time, d.event, x, names=[*names, *self.z_names], entry=d.entry, strata=d.stratum,
            ties=self.ties, tie_tolerance=0.0,
        )  # fmt: skip

    def null(self) -> tuple[float, int, float]:
        """Log likelihood, df and C of the model without the marker."""
        if not self.z.shape[1]:
            return float("nan"), 0, 0.5
        fit = self.fit(np.zeros((self.z.shape[0], 0)), ())
        return fit.log_likelihood, fit.likelihood_ratio_test.df, self.concordance(fit)

    def concordance(self, fit: CoxResult) -> float:
        """C of a fit; NaN with an infinite coefficient."""
        beta = np.nan_to_num(fit.coefficients, nan=0.0, posinf=np.inf, neginf=-np.inf)
        if not np.isfinite(beta).all():
            return float("nan")
        d = self.data
        order = risk_order(d.time, d.event, d.entry, d.stratum)
        return concordance_share(order, added_terms(fit.data.covariates, beta))


def _forms(
    study: _Study, columns: Mapping[str, tuple[Floats, tuple[str, ...]]]
) -> dict[str, MarkerForm]:
    """Fit every form, and judge it against the model without the marker."""
    log_likelihood, df, share = study.null()
    forms = {}
    for name, (x, names) in columns.items():
        fit = study.fit(x, names)
        base = fit.log_likelihood_null if np.isnan(log_likelihood) else log_likelihood
        chi = max(2.0 * (fit.log_likelihood - base), 0.0)
        added = fit.likelihood_ratio_test.df - df
        forms[name] = MarkerForm(
            name, fit, chi, added, chi_square_p(chi, added),
            2.0 * (fit.likelihood_ratio_test.df - fit.log_likelihood), float("nan"),
            study.concordance(fit), share,
        )  # fmt: skip
    return forms


def _against(narrow: MarkerForm, wide: MarkerForm, what: str) -> TestResult:
    """Likelihood-ratio test of one form within another."""
    statistic = max(wide.chi_square - narrow.chi_square, 0.0)
    df = wide.df - narrow.df
    return TestResult(statistic, df, chi_square_p(statistic, df), what, wide.fit.n, wide.fit.events)


def _curve(
    fit: CoxResult, knots: Floats | None, top: float, reference: float, level: float, cut: float
) -> dict[str, Floats]:
    """Log hazard ratio of the smooth form against the reference count, with limits."""
    log_grid = np.linspace(0.0, np.log1p(top), _GRID)
    steps = np.arange(0.0, min(top, 50.0) + 1.0)
    count = np.unique(np.concatenate([np.expm1(log_grid), steps, [reference, cut, top]]))
    count = count[count <= top]

    def columns(values: Floats) -> Floats:
        x = np.log1p(values)
        return x[:, None] if knots is None else spline_columns(x, knots)

    x = columns(count) - columns(np.array([reference]))
    k = x.shape[1]
    variance = np.einsum("ij,jk,ik->i", x, fit.covariance[:k, :k], x)
    half = normal_quantile(level) * np.sqrt(np.maximum(variance, 0.0))
    with np.errstate(invalid="ignore"):  # infinite coefficients: no curve
        value = x @ fit.coefficients[:k]
    return {"count": count, "log_hazard_ratio": value, "lower": value - half, "upper": value + half}


def _read(
    time: Any, event: Any, count: Any, covariates: Any, names: Any, entry: Any, strata: Any
) -> tuple[CoxData, Floats, Floats, tuple[str, ...]]:
    faults = Faults("compare_marker_forms")
    x = numbers(count, "count", faults)
    z, terms = np.zeros((x.size, 0)), ()
    if covariates is not None:
        z, terms = covariate_matrix(covariates, names, faults)
    bad = ~np.isfinite(x)
    remedy = "leave these rows out, and count them, before the call"
    faults.rows(bad, "count", "missing or infinite values", "finite numbers", remedy)
    faults.rows(x < 0, "count", "negative values", "0 or more", "correct the counts")
    if z.shape[0] != x.size:
        faults.note("covariates", f"{z.shape[0]} rows", f"{x.size}, as many as count", "align")
    faults.stop()
    data = read_cox_data(
        "compare_marker_forms", time, event, np.concatenate([x[:, None], z], axis=1),
        names=["count", *terms], entry=entry, strata=strata, cluster=None, weights=None,
        offset=None, tie_tolerance=TIE_TOLERANCE,
    )  # fmt: skip
    return data, x, z, terms


def compare_marker_forms(
    time: Any,
    event: Any,
    count: Any,
    cut: float,
    *,
    covariates: Any = None,
    names: Sequence[str] | None = None,
    entry: Any = None,
    strata: Any = None,
    n_knots: int = 4,
    reference: float = 0.0,
    ties: Literal["efron", "breslow"] = "efron",
    level: float = 0.95,
) -> MarkerForms:
    r"""Compare a count cut in two, its logarithm and a smooth curve of it in Cox models.

    Use it to say what dichotomising loses: all forms are fitted on the same rows, beside the same
    covariates.

    Parameters
    ----------
    time, event : array-like, shape (n,)
        Follow-up, and 1 event, 0 censored.
    count : array-like, shape (n,)
        Counts (or concentrations), 0 or more.
    cut : float
        Positive is ``count >= cut``.
    covariates : array-like, shape (n, p), or a frame or dict of columns, optional
        Adjustment in every model.
    names : sequence of str, optional
        Names of the covariates.
    entry, strata : array-like, shape (n,), optional
        As for `cox`.
    n_knots : int
        Knots of the spline of log(1 + count), 3 to 7. Where many counts are 0 and quantiles
        coincide the knots are 0 and quantiles of the counts above it; ``.knots_by`` says so.
    reference : float
        Count at which the curve is 0.
    ties : {"efron", "breslow"}
        Treatment of tied events.
    level : float
        Level of the limits of the curve.

    Returns
    -------
    MarkerForms
        One `MarkerForm` per form ("cut", "log", "spline", "cut and spline"), tests between them,
        and the curve of the log hazard ratio.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, or where all counts are on one side of the cut.

    Warns
    -----
    MonotoneLikelihoodWarning, NotEstimableWarning
        From the models.

    Notes
    -----
    With chi-squares over the model of the covariates alone, the adequacy of a form is
    :math:`\chi^2_{form} / \chi^2_{all}`, where "all" holds cut and spline together: 1 - adequacy is
    what the form loses of the marker's information. Nonlinearity is the test of the spline against
    the logarithm alone. The limits of the curve take the knots as fixed.

    References
    ----------
    .. [1] Royston P, Altman DG, Sauerbrei W (2006). Dichotomizing continuous predictors in multiple
       regression: a bad idea. Stat Med 25:127-141.
    .. [2] Harrell FE (2015). Regression modeling strategies, 2nd ed, 9.8.4. Springer.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> count = rng.negative_binomial(0.5, 0.05, 300)
    >>> time = rng.exponential(size=300) * 3 / (1 + count) ** 0.4
    >>> found = compare_marker_forms(time, time < 2, count, cut=5)
    >>> bool(found["log"].adequacy > found["cut"].adequacy)
    True
    """
    check_option(ties, "ties", ("efron", "breslow"))
    level = check_level(level)
    threshold = check_number(cut, "cut", "a number above 0")
    origin = check_number(reference, "reference", "a number, 0 or more")
    knots_asked = check_number(n_knots, "n_knots", "a whole number from 3 to 7")
    if not 3 <= knots_asked <= 7 or knots_asked != int(knots_asked) or origin < 0:
        raise EstimationError(
            f"n_knots is {n_knots!r} and reference {reference!r}; allowed: 3 to 7, 0 or more"
        )
    data, x, z, terms = _read(time, event, count, covariates, names, entry, strata)
    positive = x >= threshold
    if positive.all() or not positive.any():
        side = "all" if positive.all() else "none"
        raise EstimationError(
            f"compare_marker_forms: {side} of {x.size} counts are {threshold:g} or more; the cut "
            "makes one group only"
        )
    study = _Study(data, z, terms, ties)
    high, log = positive.astype(np.float64)[:, None], np.log1p(x)
    knots, knots_by = _knots(log, int(knots_asked))
    columns: dict[str, tuple[Floats, tuple[str, ...]]] = {
        "cut": (high, ("cut",)),
        "log": (log[:, None], ("log1p",)),
    }
    every, terms_of_every = np.concatenate([high, log[:, None]], axis=1), ("cut", "log1p")
    if knots is not None:
        smooth = spline_columns(log, knots)
        primes = tuple("log1p" + "'" * j for j in range(smooth.shape[1]))
        columns["spline"] = (smooth, primes)
        every, terms_of_every = np.concatenate([high, smooth], axis=1), ("cut", *primes)
    columns["cut and spline" if knots is not None else "cut and log"] = (every, terms_of_every)
    forms = _forms(study, columns)
    return _result(forms, knots, knots_by, threshold, origin, x, level, study)


def _result(
    forms: dict[str, MarkerForm], knots: Floats | None, knots_by: str, cut: float, reference: float,
    x: Floats, level: float, study: _Study,
) -> MarkerForms:  # fmt: skip
    *_, widest = forms.values()
    most = widest.chi_square
    judged = {
        name: replace(f, adequacy=f.chi_square / most if most > 0 else float("nan"))
        for name, f in forms.items()
    }
    smooth = judged["log" if knots is None else "spline"]
    tests = {
        "nonlinearity": _against(judged["log"], smooth, "nonlinearity of log(1 + count)"),
        "curve beyond cut": _against(judged["cut"], widest, "continuous form beyond the cut"),
        "cut beyond curve": _against(smooth, widest, "cut beyond the continuous form"),
    }
    curve = _curve(smooth.fit, knots, float(x.max()), reference, level, cut)
    options = {"ties": study.ties, "level": level, "covariates": study.z_names,
               "strata": study.data.stratum is not None,
               "entry": study.data.entry is not None}  # fmt: skip
    fit = widest.fit
    return MarkerForms(
        judged, tests, np.zeros(0) if knots is None else np.expm1(knots), knots_by, cut, reference,
        float(np.mean(x >= cut)), curve, "forms of a marker in Cox models", fit.n, fit.events,
        options, __version__,
    )  # fmt: skip
