"""Funnel asymmetry: Egger, Begg, trim and fill, PET-PEESE, Rosenthal's fail-safe number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from ashworth.errors import EstimationError
from ashworth.evidence.pooling import weighted_regression as wr
from ashworth.evidence.pooling.columns import need, read_estimates
from ashworth.evidence.pooling.kendall import kendall
from ashworth.evidence.pooling.model import METHODS, TESTS, Method, Test
from ashworth.evidence.pooling.result import Pooled
from ashworth.evidence.pooling.sensitivity import pool_quietly
from ashworth.survival.inputs import Floats, check_level, check_option
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class AsymmetryTest:
    """A test of whether small studies give other effects.

    Attributes
    ----------
    statistic, df, p_value : float
        t or z of the slope on the standard error; Kendall's tau for the rank test (df NaN).
    slope, slope_standard_error : float
        NaN for the rank test.
    limit, limit_standard_error, limit_lower, limit_upper : float
        Effect of a study without sampling error (the intercept); NaN for the rank test.
    n : int
        Studies; `events` is None.
    note : str
        What limits the answer.
    method, options, version
    """

    statistic: float
    df: float
    p_value: float
    slope: float
    slope_standard_error: float
    limit: float
    limit_standard_error: float
    limit_lower: float
    limit_upper: float
    n: int
    events: int | None
    note: str
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row."""
        import polars as pl

        names = ("method", "n", "statistic", "df", "p_value", "slope", "slope_standard_error",
                 "limit", "limit_standard_error", "limit_lower", "limit_upper", "note")  # fmt: skip
        return pl.DataFrame([{name: getattr(self, name) for name in names}])


def _note(k: int) -> str:
    return f"{k} studies: with fewer than 10 the test has little power" if k < 10 else ""


def _two_columns(subject: str, estimate: Any, standard_error: Any) -> tuple[Floats, Floats]:
    y, s = read_estimates(subject, estimate, standard_error)
    need(subject, y.size, 3, "a test of the funnel")
    if np.ptp(s) <= 1e-12 * s.max():
        raise EstimationError(
            f"{subject}: all standard errors are {s[0]:g}; a funnel needs studies of unequal size"
        )
    return y, s


def _line(
    d: wr.Design,
    model: str,
    tau2_method: str,
    level: float,
    method: str,
    options: Mapping[str, Any],
) -> AsymmetryTest:
    """Slope and intercept of a line through the funnel: least squares or random effects."""
    tau2 = wr.estimate_tau2(d, tau2_method) if model == "random" else 0.0
    f = wr.fit(d, tau2)
    scale = 1.0 if model == "random" else f.q / d.df
    error = np.sqrt(scale * np.diag(f.inverse))
    df = math.inf if model == "random" else float(d.df)
    with np.errstate(divide="ignore"):
        t = float(f.beta[1] / error[1])
    p = 2.0 * float(ndtr(-abs(t)) if model == "random" else stdtr(df, -abs(t)))
    tail = 0.5 + level / 2.0
    half = float(ndtri(tail) if model == "random" else stdtrit(df, tail)) * float(error[0])
    limit = float(f.beta[0])
    return AsymmetryTest(
        t, df, p, float(f.beta[1]), float(error[1]), limit, float(error[0]), limit - half,
        limit + half, d.y.size, None, _note(d.y.size), method, dict(options), __version__,
    )  # fmt: skip


def egger_test(
    estimate: Any,
    standard_error: Any,
    *,
    model: Literal["least_squares", "random"] = "least_squares",
    tau2_method: Method = "REML",
    level: float = 0.95,
) -> AsymmetryTest:
    r"""Egger's regression test of the effect on its standard error.

    Parameters
    ----------
    estimate, standard_error : array-like, shape (k,)
        Three studies or more. For log odds ratios the two are related by themselves: the test is
        too often positive.
    model : {"least_squares", "random"}
        Weighted least squares with multiplicative error and t (Egger's own), or meta-regression
        with tau2 and normal limits (metafor's default).
    tau2_method : str
        For ``model="random"``.
    level : float

    Returns
    -------
    AsymmetryTest

    Raises
    ------
    InputError, EstimationError
        Faulty columns; fewer than three studies; equal standard errors.

    References
    ----------
    .. [1] Egger M, et al. (1997). Bias in meta-analysis detected by a simple, graphical test.
       BMJ 315:629-634.

    Examples
    --------
    >>> found = egger_test([0.2, 0.5, 0.9, 0.7], [0.1, 0.2, 0.4, 0.25])
    >>> round(found.p_value, 3), found.note
    (0.017, '4 studies: with fewer than 10 the test has little power')
    """
    check_option(model, "model", ("least_squares", "random"))
    check_option(tau2_method, "tau2_method", wr.METHODS)
    y, s = _two_columns("egger_test", estimate, standard_error)
    x = np.column_stack([np.ones(y.size), s])
    d = wr.design(y, s, x, ("intercept", "standard_error"))
    options = {"model": model, "tau2_method": tau2_method, "level": check_level(level)}
    return _line(d, model, tau2_method, level, f"Egger, {model}", options)


def rank_test(estimate: Any, standard_error: Any) -> AsymmetryTest:
    """Begg and Mazumdar's rank test of standardised effects with their variances.

    Parameters
    ----------
    estimate, standard_error : array-like, shape (k,)
        Three studies or more.

    Returns
    -------
    AsymmetryTest
        Kendall's tau and its p: exact without ties up to 49 studies, else by the normal
        approximation with ties, as in R's ``cor.test``.

    Raises
    ------
    InputError, EstimationError
        Faulty columns; fewer than three studies; equal standard errors.

    References
    ----------
    .. [1] Begg CB, Mazumdar M (1994). Operating characteristics of a rank correlation test for
       publication bias. Biometrics 50:1088-1101.

    Examples
    --------
    >>> found = rank_test([0.2, 0.5, 0.9, 0.7], [0.1, 0.2, 0.4, 0.25])
    >>> round(found.statistic, 3), round(found.p_value, 3)
    (0.667, 0.333)
    """
    y, s = _two_columns("rank_test", estimate, standard_error)
    v = s * s
    w = 1.0 / v
    mean = float(w @ y / w.sum())
    standard = (y - mean) / np.sqrt(v - 1.0 / w.sum())
    tau, p = kendall(standard, v)
    nan = math.nan
    return AsymmetryTest(
        tau, nan, p, nan, nan, nan, nan, nan, nan, y.size, None, _note(y.size),
        "Begg and Mazumdar, Kendall's tau", {}, __version__,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PetPeese:
    """Effects of a study without sampling error, from two lines.

    Attributes
    ----------
    pet, peese : AsymmetryTest
        On the standard error; on its square.
    chosen : {"pet", "peese"}
        PEESE where PET's effect differs from 0 in its expected direction (one-sided p < 0.05).
    estimate, lower, upper : float
        Of the chosen one.
    n : int
        Studies; `events` is None.
    method, options, version
    """

    pet: AsymmetryTest
    peese: AsymmetryTest
    chosen: str
    estimate: float
    lower: float
    upper: float
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """Two rows, PET and PEESE."""
        import polars as pl

        return pl.concat([self.pet.table(), self.peese.table()])


def pet_peese(estimate: Any, standard_error: Any, *, level: float = 0.95) -> PetPeese:
    """Precision-effect test and precision-effect estimate with standard error.

    Parameters
    ----------
    estimate, standard_error : array-like, shape (k,)
        Three studies or more. With much heterogeneity or few studies neither is to be trusted.
    level : float

    Returns
    -------
    PetPeese

    Raises
    ------
    InputError, EstimationError
        Faulty columns; fewer than three studies; equal standard errors.

    References
    ----------
    .. [1] Stanley TD, Doucouliagos H (2014). Meta-regression approximations to reduce publication
       selection bias. Res Synth Methods 5:60-78.

    Examples
    --------
    >>> found = pet_peese([0.2, 0.5, 0.9, 0.7], [0.1, 0.2, 0.4, 0.25])
    >>> found.chosen, round(found.estimate, 3)
    ('pet', -0.063)
    """
    y, s = _two_columns("pet_peese", estimate, standard_error)
    options = {"level": check_level(level)}
    parts = []
    for name, column in (("PET", s), ("PEESE", s * s)):
        x = np.column_stack([np.ones(y.size), column])
        d = wr.design(y, s, x, ("intercept", name))
        parts.append(_line(d, "least_squares", "FE", level, name, options))
    pet, peese = parts
    direction = math.copysign(1.0, float((y / s**2).sum()))
    t = direction * pet.limit / pet.limit_standard_error
    chosen = "peese" if stdtr(y.size - 2.0, -t) < 0.05 else "pet"
    best = peese if chosen == "peese" else pet
    return PetPeese(
        pet, peese, chosen, best.limit, best.limit_lower, best.limit_upper, y.size, None,
        "PET-PEESE", options, __version__,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrimAndFill:
    """A pooled effect with the studies that symmetry would add.

    Attributes
    ----------
    missing : int, and `missing_standard_error`
        Studies added; its standard error.
    side : {"left", "right"}
        Where they are added.
    pooled : Pooled
        With the added studies; the same as before where `missing` is 0.
    filled_estimates, filled_standard_errors : ndarray, shape (missing,)
    n : int
        Observed studies; `events` is None.
    method, options, version
    """

    missing: int
    missing_standard_error: float
    side: str
    pooled: Pooled
    filled_estimates: Floats
    filled_standard_errors: Floats
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row."""
        import polars as pl

        p = self.pooled
        return pl.DataFrame([{
            "n": self.n, "missing": self.missing, "side": self.side, "estimate": p.estimate,
            "standard_error": p.standard_error, "lower": p.lower, "upper": p.upper, "tau2": p.tau2,
        }])  # fmt: skip


def trim_and_fill(
    estimate: Any,
    standard_error: Any,
    *,
    side: Literal["auto", "left", "right"] = "auto",
    estimator: Literal["L0", "R0"] = "L0",
    tau2_method: Method = "REML",
    ci_method: Test = "hksj",
    level: float = 0.95,
) -> TrimAndFill:
    """Duval and Tweedie's trim and fill: a sensitivity analysis, not a correction.

    Parameters
    ----------
    estimate, standard_error : array-like, shape (k,)
        Three studies or more.
    side : {"auto", "left", "right"}
        Where studies are missing; by default left where the effect rises with the standard error.
    estimator : {"L0", "R0"}
        Of the number of missing studies.
    tau2_method, ci_method, level
        As for `pool`.

    Returns
    -------
    TrimAndFill

    Raises
    ------
    InputError, EstimationError
        Faulty columns; fewer than three studies; equal standard errors.

    References
    ----------
    .. [1] Duval S, Tweedie R (2000). Trim and fill: a simple funnel-plot-based method of testing
       and adjusting for publication bias in meta-analysis. Biometrics 56:455-463.

    Examples
    --------
    >>> y = [0.2, 0.25, 0.3, 0.5, 0.9, 1.1, 0.7]
    >>> trim_and_fill(y, [0.1, 0.12, 0.15, 0.2, 0.4, 0.5, 0.25]).missing
    3
    """
    check_option(side, "side", ("auto", "left", "right"))
    check_option(estimator, "estimator", ("L0", "R0"))
    check_option(tau2_method, "tau2_method", METHODS)
    check_option(ci_method, "ci_method", TESTS)
    y, s = _two_columns("trim_and_fill", estimate, standard_error)
    options = {"tau2_method": tau2_method, "ci_method": ci_method, "level": check_level(level)}
    if side == "auto":
        method = "REML" if tau2_method == "DL2" else tau2_method
        d = wr.design(y, s, np.column_stack([np.ones(y.size), s]), ("intercept", "s"))
        side = "right" if wr.fit(d, wr.estimate_tau2(d, method)).beta[1] < 0.0 else "left"
    sign = -1.0 if side == "right" else 1.0
    rows = np.argsort(sign * y, kind="stable")
    z, e = sign * y[rows], s[rows]
    missing, error, centred = _trim(z, e, estimator, options)
    tail = slice(z.size - missing, None) if missing else slice(0, 0)
    centre = z[-1] - centred[-1]
    extra = sign * (centre - centred[tail])
    pooled = pool_quietly(np.append(y, extra), np.append(s, e[tail]), **options)
    options |= {"side": side, "estimator": estimator}
    return TrimAndFill(
        missing, error, side, pooled, extra, e[tail], y.size, None,
        f"trim and fill, {estimator}", options, __version__,
    )  # fmt: skip


def _trim(
    z: Floats, e: Floats, estimator: str, options: Mapping[str, Any]
) -> tuple[int, float, Floats]:
    """Number of missing studies on the left, its standard error, and the centred estimates."""
    k, missing, before, error = z.size, 0, -1, math.nan
    centred = z
    for _ in range(200):
        if missing == before:
            break
        before = missing
        kept = k - missing
        need("trim_and_fill", kept, 2, "pooling what is left")
        centred = z - pool_quietly(z[:kept], e[:kept], **options).estimate
        ranks = np.argsort(np.argsort(abs(centred), kind="stable"), kind="stable") + 1.0
        signed = np.sign(centred) * ranks
        if estimator == "R0":
            left = signed[signed < 0.0]
            k0 = k - (float((-left).max()) if left.size else 0.0) - 1.0
            error = math.sqrt(2.0 * max(k0, 0.0) + 2.0)
        else:
            above = float(signed[signed > 0.0].sum())
            k0 = (4.0 * above - k * (k + 1)) / (2.0 * k - 1.0)
            spread = (k * (k + 1) * (2 * k + 1) + 10 * k0**3 + 27 * k0**2 + 17 * k0
                      - 18 * k * k0**2 - 18 * k * k0 + 6 * k**2 * k0) / 24.0  # fmt: skip
            error = 4.0 * math.sqrt(max(spread, 0.0)) / (2.0 * k - 1.0)
        missing = max(0, round(k0))
    return missing, error, centred


@dataclass(frozen=True, slots=True)
class FailSafeNumber:
    """How many studies without effect would take the significance away.

    Attributes
    ----------
    number : int
        0 where the studies are not significant together.
    p_value : float
        One-sided, by Stouffer's sum of z.
    alpha : float
    n : int
        Studies; `events` is None.
    method, options, version
    """

    number: int
    p_value: float
    alpha: float
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row."""
        import polars as pl

        names = ("method", "n", "number", "p_value", "alpha")
        return pl.DataFrame([{name: getattr(self, name) for name in names}])


def fail_safe_number(estimate: Any, standard_error: Any, *, alpha: float = 0.05) -> FailSafeNumber:
    r"""Rosenthal's fail-safe number. Often printed; it says nothing about the size of an effect.

    Parameters
    ----------
    estimate, standard_error : array-like, shape (k,)
    alpha : float
        One-sided.

    Returns
    -------
    FailSafeNumber

    Raises
    ------
    InputError, EstimationError
        Faulty columns; no studies.

    Notes
    -----
    .. math:: N = \left(\frac{\sum z_i}{z_{1-\alpha}}\right)^2 - k

    References
    ----------
    .. [1] Rosenthal R (1979). The "file drawer problem" and tolerance for null results.
       Psychol Bull 86:638-641.

    Examples
    --------
    >>> fail_safe_number([0.2, 0.5, 0.9, 0.7], [0.1, 0.2, 0.4, 0.25]).number
    30
    """
    alpha = check_level(alpha)
    y, s = read_estimates("fail_safe_number", estimate, standard_error)
    need("fail_safe_number", y.size, 1, "the number")
    total = abs(float((y / s).sum()))
    p = float(ndtr(-total / math.sqrt(y.size)))
    number = math.ceil((total / float(ndtri(1.0 - alpha))) ** 2 - y.size) if p < alpha else 0
    return FailSafeNumber(
        max(number, 0), p, alpha, y.size, None, "Rosenthal", {"alpha": alpha}, __version__
    )
