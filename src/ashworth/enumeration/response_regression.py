"""Logistic model of a response: count and covariates."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import chdtrc, expit, ndtr, ndtri

from ashworth.enumeration.arguments import (
    Faults,
    column,
    confidence,
    finite,
    flags,
    one_of,
    same_length,
)
from ashworth.enumeration.logistic import LogisticFit, fit_logistic, profile_limits
from ashworth.errors import (
    AshworthWarning,
    EstimationError,
    MonotoneLikelihoodWarning,
    NotEstimableWarning,
)
from ashworth.version import __version__

Floats = NDArray[np.float64]
Limits = Literal["profile", "wald"]


@dataclass(frozen=True, slots=True)
class ResponseModel:
    """A logistic regression with p covariates.

    Attributes
    ----------
    names : tuple of str
        Terms, the intercept first.
    coefficients, standard_errors : ndarray, shape (p + 1,)
        Log odds; infinite under separation, NaN where the data do not say.
    covariance : ndarray, shape (p + 1, p + 1)
        Inverse of the information; NaN where a coefficient is not finite.
    lower, upper : ndarray, shape (p + 1,)
        Limits of the log odds; an infinite coefficient has one finite profile limit.
    log_likelihood, log_likelihood_null : float
        At the maximum (or its limit), and with the intercept alone.
    likelihood_ratio, p_value : float
        Test that all covariates have no effect.
    df : int
        Its degrees of freedom.
    fitted : ndarray, shape (n,)
        Probability of response of every row; NaN under separation.
    n, n_responders : int
        Rows, and responders among them.
    level : float
        Of the limits.
    method : str
    options : mapping
    version : str
    """

    names: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    covariance: Floats
    lower: Floats
    upper: Floats
    log_likelihood: float
    log_likelihood_null: float
    likelihood_ratio: float
    df: int
    p_value: float
    fitted: Floats
    n: int
    n_responders: int
    level: float
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per term: odds ratio with limits, z, Wald p."""
        known = np.isfinite(self.coefficients)
        z = np.full(len(self.names), np.nan)
        np.divide(self.coefficients, self.standard_errors, out=z, where=known)
        return pl.DataFrame(
            {
                "term": self.names,
                "n": [self.n] * len(self.names),
                "n_responders": [self.n_responders] * len(self.names),
                "coefficient": self.coefficients,
                "standard_error": self.standard_errors,
                "odds_ratio": np.exp(self.coefficients),
                "lower": np.exp(self.lower),
                "upper": np.exp(self.upper),
                "z": z,
                "p_value": 2.0 * ndtr(-np.abs(z)),
            }
        )


def response_model(
    response: Any,
    covariates: Any,
    *,
    names: Sequence[str] | None = None,
    limits: Limits = "profile",
    level: float = 0.95,
) -> ResponseModel:
    r"""Fit a response (such as pathological complete response) to count and covariates.

    Use it to ask whether counts tell the response beside what is known anyway. For time to an
    event use `ashworth.survival.cox`.

    Parameters
    ----------
    response : array-like of bool or 0/1, shape (n,)
        1 response.
    covariates : array-like, shape (n, p) or (n,), or a frame or dict of columns
        Numbers without missing values, without an intercept; categories as columns of 0 and 1.
    names : sequence of str, optional
        Names of the covariates.
    limits : {'profile', 'wald'}
        By the profile likelihood, or estimate plus and minus normal quantiles.
    level : float
        Of the limits.

    Returns
    -------
    ResponseModel

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        If all or none responded.

    Warns
    -----
    MonotoneLikelihoodWarning
        With separation: coefficients that are infinite, by name.
    NotEstimableWarning
        With a collinear or constant covariate, which has NaN.
    AshworthWarning
        With fewer responders (or non-responders) than coefficients.

    Notes
    -----
    :math:`P(Y = 1) = 1 / (1 + e^{-(\beta_0 + x\beta)})`. Newton's method; stops when the gain of
    a step is below 1e-13 and takes that step too. Separation is decided by linear programmes,
    not by large coefficients; under it the likelihood is taken at its limit, so that the
    likelihood-ratio test holds, and R's ``glm`` gives large numbers with a warning. Profile
    limits are roots of the profile likelihood itself; R's ``confint`` interpolates and agrees to
    about 1e-4.

    References
    ----------
    Albert A, Anderson JA. Biometrika 1984;71:1. Venzon DJ, Moolgavkar SH. Appl Stat 1988;37:87.
    Bidard FC et al. J Natl Cancer Inst 2018;110:560.

    Examples
    --------
    >>> model = response_model([1, 1, 0, 1, 0, 0, 1, 0], {"cells": [0, 0, 1, 0, 3, 0, 2, 5]})
    >>> model.table()["odds_ratio"].round(4).to_list()
    [2.6058, 0.4456]
    """
    one_of(limits, "limits", ("profile", "wald"))
    confidence(level)
    y, x, terms = _read(response, covariates, names)
    responders = int(y.sum())
    if responders in (0, y.size):
        word = "all" if responders else "none"
        raise EstimationError(f"response_model: {word} of {y.size} responded; nothing to explain")
    smaller = min(responders, y.size - responders)
    if smaller < x.shape[1]:
        text = f"{smaller} {'responders' if smaller == responders else 'non-responders'}"
        warnings.warn(
            f"response_model: {text} for {x.shape[1]} coefficients", AshworthWarning, stacklevel=2
        )
    fit = fit_logistic(y, x)
    _warn(terms, fit)
    lower, upper = _limits(y, x, fit, limits, level)
    share = responders / y.size
    null = float(responders * np.log(share) + (y.size - responders) * np.log1p(-share))
    rise, df = max(0.0, 2.0 * (fit.log_likelihood - null)), fit.kept.size - 1
    ordinary = fit.separation is None
    return ResponseModel(
        terms, fit.beta, fit.standard_error, fit.covariance, lower, upper, fit.log_likelihood, null,
        rise, df, float(chdtrc(df, rise)) if df else float("nan"),
        expit(x[:, fit.kept] @ fit.beta[fit.kept]) if ordinary else np.full(y.size, np.nan),
        y.size, responders, level, f"logistic regression, {limits} limits", {"limits": limits},
    )  # fmt: skip


def _read(
    response: Any, covariates: Any, names: Sequence[str] | None
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Check everything together; the intercept becomes the first column."""
    faults = Faults("response_model")
    y = flags(response, "response", faults)
    columns, found = _columns(covariates, faults)
    terms = tuple(str(n) for n in (names if names is not None else found))
    if len(terms) != len(columns):
        remedy = "give one name per column"
        faults.note("names", f"{len(terms)} names", f"{len(columns)} names", remedy)
        faults.stop()
    twice = sorted({n for n in terms if terms.count(n) > 1})
    if twice:
        faults.note("names", f"{', '.join(twice)} more than once", "each name once", "rename")
    for name, values in zip(terms, columns, strict=True):
        finite(values, name, faults)
    same_length({"response": y, **dict(zip(terms, columns, strict=True))}, faults)
    faults.stop()
    return y, np.column_stack([np.ones(y.size), *columns]), ("intercept", *terms)


def _columns(values: Any, faults: Faults) -> tuple[list[Floats], list[str]]:
    if isinstance(values, dict):
        return [column(v, str(k), faults) for k, v in values.items()], [str(k) for k in values]
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):
        found = [str(c) for c in values.columns]
        return [column(values[c], str(c), faults) for c in values.columns], found
    array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    if array.ndim == 1:
        return [column(array, "covariates", faults)], ["x1"]
    return (
        [column(a, f"x{j + 1}", faults) for j, a in enumerate(array.T)],
        [f"x{j + 1}" for j in range(array.shape[1])],
    )


def _limits(
    y: Floats, x: Floats, fit: LogisticFit, limits: Limits, level: float
) -> tuple[Floats, Floats]:
    if limits == "profile":
        pairs = [profile_limits(y, x, fit, j, level) for j in range(x.shape[1])]
        lower, upper = np.array(pairs).T
        return lower, upper
    known = np.isfinite(fit.beta)
    half = np.where(known, float(ndtri(0.5 + level / 2.0)) * fit.standard_error, np.nan)
    centre = np.where(known, fit.beta, np.nan)
    return centre - half, centre + half


def _warn(terms: tuple[str, ...], fit: LogisticFit) -> None:
    endless = [
        f"{n} ({'+' if b > 0 else '-'}infinite)"
        for n, b in zip(terms, fit.beta, strict=True)
        if np.isinf(b)
    ]
    if fit.separation is not None:
        text = ", ".join(endless) or "no coefficient has a sign"
        warnings.warn(
            f"separation: {text}; use the likelihood ratio test and the profile limits",
            MonotoneLikelihoodWarning,
            stacklevel=3,
        )
    missing = [n for j, n in enumerate(terms) if j not in fit.kept]
    if missing:
        text = f"not estimable (constant, or collinear with earlier terms): {', '.join(missing)}"
        warnings.warn(text, NotEstimableWarning, stacklevel=3)
