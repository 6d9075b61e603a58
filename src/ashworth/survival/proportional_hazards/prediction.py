"""Baseline hazard and predicted survival of a Cox model, with limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.curves.curve import curve_limits
from ashworth.survival.inputs import Faults, Floats, check_level, check_option, native, numbers
from ashworth.survival.proportional_hazards.fitted import fitted_sets
from ashworth.survival.proportional_hazards.hazard_steps import (
    HazardSteps,
    curve_errors,
    hazard_steps,
    rows_of_strata,
)
from ashworth.survival.proportional_hazards.profiles import (
    check_predictable,
    read_offset,
    read_profiles,
)
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Limits = Literal["log", "log-log", "plain"]
_LIMITS = ("log", "log-log", "plain")


@dataclass(frozen=True, slots=True)
class PredictedCurve:
    """Predicted survival of one profile in one stratum at t times.

    Attributes
    ----------
    profile : int
        Row of the profiles, from 0.
    stratum : Any
        Label of the stratum; None for a fit without strata.
    covariates : ndarray, shape (p,)
        The profile.
    linear_predictor, linear_predictor_error : float
        ``x beta + offset``, and the standard error of ``x beta``.
    time : ndarray, shape (t,)
        The distinct times of the stratum's rows, or those asked for.
    at_risk, n_events, n_censored : ndarray, shape (t,)
        The stratum's (weighted) rows at risk just before each time, and the events and censorings
        at it; where times were asked for, those since the last of them.
    cumulative_hazard, cumulative_hazard_error : ndarray, shape (t,)
        With its standard error, which is also that of log survival.
    survival, standard_error, lower, upper : ndarray, shape (t,)
        ``exp(-cumulative hazard)``, its standard error and limits. After the last follow-up of the
        stratum all is NaN.
    """

    profile: int
    stratum: Any
    covariates: Floats
    linear_predictor: float
    linear_predictor_error: float
    time: Floats
    at_risk: Floats
    n_events: Floats
    n_censored: Floats
    cumulative_hazard: Floats
    cumulative_hazard_error: Floats
    survival: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class PredictedSurvival:
    """Predicted survival, or a baseline hazard, of one or more profiles.

    Attributes
    ----------
    curves : tuple of PredictedCurve
        By profile and, where a profile is predicted in all strata, by stratum.
    names : tuple of str
        Covariates.
    n, events : int
        Rows and events of the fit.
    method, options, version : str, mapping, str
        Name of the estimator, what was chosen, version of the package.
    """

    curves: tuple[PredictedCurve, ...]
    names: tuple[str, ...]
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    def __getitem__(self, place: int) -> PredictedCurve:
        """Take a curve by its place."""
        return self.curves[place]

    def __len__(self) -> int:
        """Number of curves."""
        return len(self.curves)

    def table(self) -> pl.DataFrame:
        """One row per curve and time: profile, stratum, time, numbers, hazard, survival."""
        import polars as pl

        fields = (
            "time", "at_risk", "n_events", "cumulative_hazard", "cumulative_hazard_error",
            "survival", "standard_error", "lower", "upper",
        )  # fmt: skip
        parts = [
            pl.DataFrame({f: getattr(c, f) for f in fields}).select(
                pl.lit(c.profile).alias("profile"),
                pl.lit(None if c.stratum is None else str(c.stratum), pl.String).alias("stratum"),
                *fields,
            )
            for c in self.curves
        ]
        return pl.concat(parts)


def _at(steps: HazardSteps, times: Floats | None) -> tuple[Any, Any]:
    """Function that reads steps at the times, and one for numbers at risk and counts."""
    if times is None:
        return (lambda values: values), (steps.at_risk, steps.n_events, steps.n_censored)
    place = np.searchsorted(steps.time, times, side="right")
    gone = times > steps.time[-1]

    def read(values: Floats) -> Floats:
        return np.where(gone, np.nan, np.concatenate([[0.0], values])[place])

    before = np.searchsorted(steps.time, times, side="left")
    at_risk = np.append(steps.at_risk, 0.0)[before]
    counts = []
    for each in (steps.n_events, steps.n_censored):
        total = np.concatenate([[0.0], each.cumsum()])[place]
        counts.append(np.diff(total, prepend=0.0))
    return read, (at_risk, *counts)


def _curve(
    fit: CoxResult, steps: HazardSteps, times: Floats | None, place: tuple[int, Any],
    profile: Floats, offset: float, limits: tuple[str, float],
) -> PredictedCurve:  # fmt: skip
    lp = float(profile @ fit.coefficients)
    with np.errstate(all="ignore"):
        hazard, error = curve_errors(steps, profile, fit.coefficients, offset, fit.covariance)
    if np.isnan(hazard).any() or np.isinf(hazard).any():
        raise EstimationError(
            f"profile {place[0]} (from 0) has the linear predictor {lp + offset:g}, too far from "
            "those of the fitted rows; check its units"
        )
    read, (at_risk, events, censored) = _at(steps, times)
    hazard, error = read(hazard), read(error)
    survival = np.exp(-hazard)
    lower, upper = curve_limits(survival, error, *limits)
    spread = float(np.sqrt(profile @ fit.covariance @ profile))
    return PredictedCurve(
        *place, profile, lp + offset, spread, steps.time if times is None else times, at_risk,
        events, censored, hazard, error, survival, survival * error,
        np.where(np.isnan(survival), np.nan, lower), np.where(np.isnan(survival), np.nan, upper),
    )  # fmt: skip


def _read_strata(fit: CoxResult, strata: Any, k: int, faults: Faults) -> list[list[int | None]]:
    """Strata in which each profile is predicted."""
    known = fit.data.stratum_labels
    stratified = fit.data.stratum is not None
    if strata is None:
        every: list[int | None] = list(range(len(known))) if stratified else [None]
        return [every] * k
    found = np.atleast_1d(native(strata)).tolist()
    if not known:
        remedy = "leave strata out, or fit with strata"
        faults.note("strata", f"{len(found)} labels", "none: the fit has no strata", remedy)
        return []
    if len(found) not in (1, k):
        faults.note("strata", f"{len(found)} labels", f"1 or {k}", "one stratum per profile")
        return []
    unknown = sorted({str(s) for s in found if s not in known})
    if unknown:
        allowed = ", ".join(map(str, known[:20])) + (", ..." if len(known) > 20 else "")
        faults.note("strata", f"unknown {', '.join(unknown)}", allowed, "use strata of the fit")
        return []
    places = [known.index(s) if stratified else None for s in found]
    return [[s] for s in (places * k if len(places) == 1 else places)]


def _read_times(times: Any, faults: Faults) -> Floats | None:
    if times is None:
        return None
    at = numbers(np.atleast_1d(native(times)), "times", faults)
    bad = ~np.isfinite(at) | (at < 0)
    faults.rows(bad, "times", "negative, missing or infinite times", "0 or later", "leave out")
    if at.size == 0:
        faults.note("times", "no times", "at least one", "give times, or None for all")
    if (np.diff(at) < 0).any():
        faults.note("times", "times that fall", "ascending times", "sort the times")
    return at


def _predict(
    subject: str, method: str, fit: CoxResult, covariates: Any, times: Any, strata: Any,
    offset: Any, ci: str, level: float,
) -> PredictedSurvival:  # fmt: skip
    check_option(ci, "ci", _LIMITS)
    check_level(level)
    check_predictable(fit, subject)
    faults = Faults(subject)
    profiles = read_profiles(fit, covariates, faults)
    offsets = read_offset(offset, len(profiles), faults)
    places = _read_strata(fit, strata, len(profiles), faults)
    at = _read_times(times, faults)
    faults.stop()
    found = fitted_sets(fit, subject)
    used = dict.fromkeys(s for p in places for s in p)
    with np.errstate(all="ignore"):
        rows = rows_of_strata(fit.data)
        steps = {s: hazard_steps(found, fit.data, s, rows[s or 0]) for s in used}
    curves = [
        _curve(fit, steps[s], at, (i, _label(fit, s)), profiles[i], offsets[i], (ci, level))
        for i, chosen in enumerate(places)
        for s in chosen
    ]
    options = {"ci": ci, "level": level, "ties": fit.ties, "variance": fit.variance}
    return PredictedSurvival(tuple(curves), fit.names, fit.n, fit.events, method, options)


def _label(fit: CoxResult, stratum: int | None) -> Any:
    return None if stratum is None else fit.data.stratum_labels[stratum]


def predict_survival(
    fit: CoxResult,
    covariates: Any,
    times: Any = None,
    *,
    strata: Any = None,
    offset: Any = 0.0,
    ci: Limits = "log",
    level: float = 0.95,
) -> PredictedSurvival:
    r"""Predict survival for covariate profiles, with limits.

    Use it for the absolute risk that goes with a hazard ratio. The limits are those of the curve of
    a group of such subjects, not of one subject's time.

    Parameters
    ----------
    fit : CoxResult
        From `cox`, without infinite or undetermined coefficients.
    covariates : frame, dict, or array-like
        One row per profile with exactly the covariates of the fit, in its units; a dict may hold
        single numbers; a list of p numbers is one profile.
    times : array-like, optional
        Ascending times; by default all distinct times of the stratum.
    strata : label or array-like, optional
        Stratum of all or of each profile; by default every profile is predicted in every stratum.
    offset : float or array-like
        Offset of all or of each profile; 0 by default, whatever the offsets of the fitted rows.
    ci : {"log", "log-log", "plain"}
        Kind of limits.
    level : float
        Confidence level.

    Returns
    -------
    PredictedSurvival
        ``.curves`` and ``.table()``. After the last follow-up survival is NaN.

    Raises
    ------
    InputError
        Unknown and missing covariates, missing values, unknown strata, times that fall: all faults.
    EstimationError
        With infinite or undetermined coefficients, or a profile too far from the fitted rows.

    Notes
    -----
    Survival is :math:`\exp(-r \Lambda(t))` with r the risk of the profile and the baseline hazard
    by Breslow's or, for a fit with Efron's ties, by Efron's estimator, as in the fit:

    .. math:: \Lambda(t) = \sum_k \frac{m}{s_{0k}},\quad
              \mathrm{var}(r\Lambda) = r^2 \Bigl(\sum_k \frac{m}{s_{0k}^2} + q' V q\Bigr),\quad
              q = \Lambda x - \sum_k \frac{m\, s_{1k}}{s_{0k}^2}

    over the terms up to t (`cox`), m being the mean weight of the dead, V the covariance in use.
    With case weights the first part takes the weights for numbers of subjects. Where nothing has
    happened yet both limits are 1 (R: NA with ``log-log``).

    References
    ----------
    .. [1] Tsiatis AA (1981). A large sample study of Cox's regression model. Ann Stat 9:93-108.
    .. [2] Link CL (1984). Confidence intervals for the survival function using Cox's
       proportional-hazard model with covariates. Biometrics 40:601-610.

    Examples
    --------
    >>> from ashworth.survival import cox
    >>> fit = cox([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], [1, 0, 0, 1, 1, 0], names=["marker"])
    >>> predicted = predict_survival(fit, {"marker": [0, 1]}, times=[8])
    >>> [round(float(c.survival[0]), 3) for c in predicted.curves]
    [0.784, 0.268]
    """
    return _predict(
        "predict_survival", "survival predicted by Cox's model", fit, covariates, times, strata,
        offset, ci, level,
    )  # fmt: skip


def baseline_hazard(
    fit: CoxResult,
    covariates: Any = None,
    *,
    ci: Limits = "log",
    level: float = 0.95,
) -> PredictedSurvival:
    """Cumulative hazard and survival of every stratum at one set of covariate values.

    Parameters
    ----------
    fit : CoxResult
        From `cox`, without infinite or undetermined coefficients.
    covariates : dict or array-like, optional
        One value per covariate; by default all are 0 (and the offset is 0). Choose values that
        occur: a hazard far from the data may be too small or large to be useful.
    ci : {"log", "log-log", "plain"}
        Kind of limits of survival.
    level : float
        Confidence level.

    Returns
    -------
    PredictedSurvival
        One curve per stratum with ``.cumulative_hazard`` and its standard error; see
        `predict_survival` for the equations. ``.table()``.

    Raises
    ------
    InputError, EstimationError
        As for `predict_survival`.

    Examples
    --------
    >>> from ashworth.survival import cox
    >>> fit = cox([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], [1, 0, 0, 1, 1, 0], names=["marker"])
    >>> baseline_hazard(fit)[0].cumulative_hazard.round(3).tolist()
    [0.052, 0.124, 0.243, 0.378, 0.378, 1.378]
    """
    values = np.zeros((1, len(fit.names))) if covariates is None else covariates
    method = f"{'Efron' if fit.ties == 'efron' else 'Breslow'} estimate of the baseline hazard"
    found = _predict("baseline_hazard", method, fit, values, None, None, 0.0, ci, level)
    if any(c.profile for c in found.curves):
        raise EstimationError("baseline_hazard: one set of covariate values; see predict_survival")
    return found
