"""Random-effects pooling of estimates with their standard errors."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal

import numpy as np
from scipy.special import chdtri, ndtr, ndtri, stdtr, stdtrit

from ashworth.errors import AshworthWarning, EstimationError
from ashworth.evidence.pooling.heterogeneity import (
    ESTIMATORS,
    log_likelihood,
    profile_likelihood,
    standard_error_of_tau2,
)
from ashworth.evidence.pooling.result import Heterogeneity, Interval, Pooled, Prediction
from ashworth.evidence.pooling.roots import Studies, Sums, gather, solve_q, sums
from ashworth.survival.inputs import Faults, Floats, check_level, check_option, labels, numbers
from ashworth.survival.results import chi_square_p
from ashworth.version import __version__

Method = Literal["REML", "DL", "DL2", "PM", "ML", "EB", "SJ", "HE", "HS", "FE"]
Test = Literal["hksj", "hksj_conservative", "t", "normal", "wald"]
DfRule = Literal["k-1", "k-2", "normal"]
Tau2Limits = Literal["q_profile", "profile_likelihood"]

METHODS = (*ESTIMATORS, "FE")
TESTS = ("hksj", "hksj_conservative", "t", "normal", "wald")
DF_RULES = ("k-1", "k-2", "normal")
TAU2_LIMITS = ("q_profile", "profile_likelihood")
_MOST_UNEQUAL = 1e6
_LARGEST = 1e40


class NarrowIntervalWarning(AshworthWarning):
    """An interval by Hartung, Knapp, Sidik and Jonkman narrower than the fixed-effect one."""


def _read(
    estimate: Any, standard_error: Any, studies: Any
) -> tuple[Floats, Floats, tuple[Any, ...]]:
    """Check the columns together."""
    faults = Faults("pool")
    y, s = numbers(estimate, "estimate", faults), numbers(standard_error, "standard_error", faults)
    names: list[Any] = list(range(1, y.size + 1))
    if studies is not None:
        found, codes = labels(studies, "studies", faults)
        names = [found[c] for c in codes] if found else []
        if len(set(names)) < len(names):
            remedy = "one row per study, or name its parts apart"
            faults.note("studies", "a label more than once", "each label once", remedy)
    for name, length in (("standard_error", s.size), ("studies", len(names))):
        if length != y.size and not faults.problems:
            found_words = f"{length} values"
            faults.note(name, found_words, f"{y.size}, as many as estimates", "align the columns")
    faults.stop()
    remedy = "leave the study out and say so; a study without events has no estimate"
    faults.rows(~np.isfinite(y), "estimate", "missing or infinite values", "numbers", remedy)
    bad = ~(np.isfinite(s) & (s > 0.0))
    faults.rows(bad, "standard_error", "missing, zero or negative values", "above 0", remedy)
    faults.stop()
    return y, s, tuple(names)


def check_size(y: Floats, s: Floats, subject: str = "pool") -> None:
    """Refuse fewer than two studies, and numbers that cannot be squared or compared."""
    if y.size < 2:
        own = f" (its own estimate is {y[0]:g}, standard error {s[0]:g})" if y.size else ""
        raise EstimationError(
            f"{subject}: {y.size} study{own}; pooling needs two or more: report the study itself"
        )
    if max(s.max(), abs(y).max()) > _LARGEST or s.min() < 1.0 / _LARGEST:
        raise EstimationError(
            f"{subject}: estimates or standard errors beyond {_LARGEST:g} or its inverse; change "
            "the unit of the estimates"
        )
    if s.max() > _MOST_UNEQUAL * s.min():
        raise EstimationError(
            f"{subject}: standard errors from {s.min():g} to {s.max():g}; they differ by more than "
            "a factor of a million, which is no set of studies: mend or leave out the extreme one"
        )


def _interval(estimate: float, error: float, df: float, level: float) -> Interval:
    """Interval and test by t with `df` degrees of freedom, normal where they are infinite."""
    tail = 0.5 + level / 2.0
    half = float(ndtri(tail) if math.isinf(df) else stdtrit(df, tail)) * error
    if error == 0.0:
        statistic = math.copysign(math.inf, estimate) if estimate else math.nan
    else:
        statistic = estimate / error
    size = -abs(statistic)
    p = 2.0 * float(ndtr(size) if math.isinf(df) else stdtr(df, size))
    return Interval(error, estimate - half, estimate + half, statistic, df, p)


def _interval_by(test: str, mean: float, s: Sums, k: int, level: float) -> Interval:
    """The interval by one of the tests."""
    factor = math.sqrt(s.q1 / (k - 1))
    scale = {"hksj": factor, "hksj_conservative": max(factor, 1.0)}.get(test, 1.0)
    df = math.inf if test in ("normal", "wald") else k - 1.0
    return _interval(mean, scale * math.sqrt(1.0 / s.w1), df, level)


def _tau2_limits(
    d: Studies, fixed: Sums, tau2: float, options: dict[str, Any]
) -> tuple[float, float]:
    """Limits of tau2 by Q-profile, where Q equals its quantiles, or by profile likelihood."""
    tail = 0.5 + options["level"] / 2.0
    if options["tau2_method"] == "FE":
        return math.nan, math.nan
    if options["tau2_limits"] == "q_profile":
        upper_q, lower_q = (float(chdtri(d.k - 1, p)) for p in (1.0 - tail, tail))
        return solve_q(d, upper_q, fixed, tau2), solve_q(d, lower_q, fixed, tau2)
    drop = 0.5 * float(ndtri(tail)) ** 2
    return profile_likelihood(d, tau2, drop, restricted=options["tau2_method"] == "REML")


def _i2_from_q(q: float, df: int, level: float) -> tuple[float, tuple[float, float]]:
    """I2 from Q in percent, with Higgins and Thompson's test-based limits."""
    share = 100.0 * max(0.0, 1.0 - df / q) if q > 0.0 else 0.0
    if q > df + 1:
        spread = 0.5 * (math.log(q) - math.log(df)) / (math.sqrt(2 * q) - math.sqrt(2 * df - 1))
    elif df > 1:
        spread = math.sqrt(1 / (2 * (df - 1)) * (1 - 1 / (3 * (df - 1) ** 2)))
    else:
        return share, (math.nan, math.nan)
    centre = math.log(max(q / df, 1.0)) / 2.0
    half = float(ndtri(0.5 + level / 2.0)) * spread
    low, high = (100.0 * max(0.0, 1.0 - math.exp(-2.0 * (centre + h))) for h in (-half, half))
    return share, (low, high)


def _heterogeneity(d: Studies, fixed: Sums, tau2: float, options: dict[str, Any]) -> Heterogeneity:
    """tau2, Q, I2 and H2 with their limits."""
    df, estimated = d.k - 1, options["tau2_method"] != "FE"
    lower, upper = _tau2_limits(d, fixed, tau2, options)
    typical = df * fixed.w1 / (fixed.w1**2 - fixed.w2)

    def i2(value: float) -> float:
        return 100.0 * value / (value + typical)

    share, share_limits = _i2_from_q(fixed.q1, df, options["level"])
    return Heterogeneity(
        tau2, standard_error_of_tau2(d, tau2, options["tau2_method"]) if estimated else math.nan,
        lower, upper, options["tau2_limits"] if estimated else "none",
        fixed.q1, df, chi_square_p(fixed.q1, df),
        i2(tau2) if estimated else math.nan, (i2(lower), i2(upper)), share, share_limits,
        1.0 + tau2 / typical if estimated else fixed.q1 / df,
    )  # fmt: skip


def _prediction(
    estimate: float, error: float, tau2: float, k: int, options: dict[str, Any]
) -> Prediction:
    rule = options["prediction"]
    df = {"k-1": k - 1.0, "k-2": k - 2.0, "normal": math.inf}[rule]
    reason = ""
    if options["tau2_method"] == "FE":
        reason = "the fixed-effect model has one true effect and predicts no other"
    elif df < 1:
        reason = f"{k} studies leave {df:g} degrees of freedom by the rule {rule}"
    if reason:
        return Prediction(math.nan, math.nan, df, rule, reason)
    interval = _interval(estimate, math.sqrt(error**2 + tau2), df, options["level"])
    return Prediction(interval.lower, interval.upper, df, rule)


def _warn_narrow(result: Pooled) -> None:
    if result.options["ci_method"] != "hksj" or not result.narrower_than_fixed_effect:
        return
    own, safe = result.interval, result.conservative
    warnings.warn(
        f"the studies agree better than chance: the HKSJ interval ({own.lower:.4g} to "
        f"{own.upper:.4g}) is narrower than the fixed-effect one; report the conservative one "
        f"({safe.lower:.4g} to {safe.upper:.4g}), ci_method='hksj_conservative'",
        NarrowIntervalWarning,
        stacklevel=3,
    )


def _pooled(
    y: Floats, s: Floats, names: tuple[Any, ...], events: int | None, options: dict[str, Any]
) -> Pooled:
    """Pool checked columns."""
    method, level = options["tau2_method"], options["level"]
    d = gather(y, s * s)
    fixed = sums(d, 0.0)
    tau2 = ESTIMATORS[method](d, fixed) if method != "FE" else 0.0
    at = sums(d, tau2)
    mean, alone = d.centre + at.shift, d.centre + fixed.shift
    own = _interval_by(options["ci_method"], mean, at, d.k, level)
    return Pooled(
        names, y, s, 100.0 / ((d.variance + tau2) * at.w1), mean, own,
        _interval_by("hksj_conservative", mean, at, d.k, level),
        _interval_by("normal", alone, fixed, d.k, level), alone,
        _heterogeneity(d, fixed, tau2, options),
        _prediction(mean, own.standard_error, tau2, d.k, options),
        log_likelihood(d, tau2, restricted=method == "REML"), d.k, events,
        _name(method, options["ci_method"]), options, __version__,
    )  # fmt: skip


def _name(method: str, test: str) -> str:
    model = "fixed effect" if method == "FE" else f"random effects, {method}"
    words = {"hksj": "HKSJ", "hksj_conservative": "conservative HKSJ", "t": "t"}
    return f"{model}, {words.get(test, 'normal')}"


def pool(
    estimate: Any,
    standard_error: Any,
    *,
    studies: Any = None,
    tau2_method: Method = "REML",
    ci_method: Test = "hksj",
    level: float = 0.95,
    prediction: DfRule = "k-1",
    tau2_limits: Tau2Limits = "q_profile",
    events: int | None = None,
) -> Pooled:
    r"""Pool estimates of k studies or centres.

    Use it for log hazard ratios, log odds ratios or any estimates with normal errors; pool ratios
    on the log scale. Random effects by default, after Cochrane's advice of 2022 to 2025: REML, the
    interval of Hartung, Knapp, Sidik and Jonkman, Q-profile limits and a prediction interval.

    Parameters
    ----------
    estimate, standard_error : array-like, shape (k,)
        Estimates and their standard errors, above 0, without missing values.
    studies : array-like, shape (k,), optional
        Labels, each once; 1 to k by default.
    tau2_method : {"REML", "DL", "DL2", "PM", "ML", "EB", "SJ", "HE", "HS", "FE"}
        Estimator of the between-study variance tau2: restricted likelihood, DerSimonian and Laird,
        the same in two steps, Paule and Mandel, likelihood, empirical Bayes (the same root as PM),
        Sidik and Jonkman, Hedges, Hunter and Schmidt; FE is the fixed-effect (common-effect) model.
    ci_method : {"hksj", "hksj_conservative", "t", "normal", "wald"}
        Interval and test: t with k - 1 degrees of freedom and the scaled variance; the same with
        a factor of at least 1; t with the plain variance; normal, also called Wald's.
    level : float
        Confidence level of all limits.
    prediction : {"k-1", "k-2", "normal"}
        Degrees of freedom of the prediction interval: k - 1, k - 2 (Higgins, Thompson and
        Spiegelhalter; undefined for k = 2), or the normal quantile.
    tau2_limits : {"q_profile", "profile_likelihood"}
        Limits of tau2; the second needs tau2_method ML or REML.
    events : int, optional
        Events of all studies, to be carried along.

    Returns
    -------
    Pooled
        ``.estimate .standard_error .ci .p_value .tau2 .tau2_ci .i2 .q .prediction_interval``,
        all of ``.interval``, ``.heterogeneity`` and ``.prediction``,
        ``.table()`` per study and ``.summary()``.

    Raises
    ------
    InputError
        All faults of the columns, with their rows.
    EstimationError
        With fewer than two studies, standard errors further apart than a factor of a million,
        numbers too large or small to be squared, or equal estimates with ``ci_method="hksj"``,
        whose interval would have no width.

    Warns
    -----
    NarrowIntervalWarning
        Where the HKSJ interval is narrower than the fixed-effect one; ``.conservative`` has the
        one to report.

    Notes
    -----
    With :math:`w_i = 1/(s_i^2 + \tau^2)`,

    .. math:: \hat\mu = \frac{\sum w_i y_i}{\sum w_i},\quad
              q = \frac{\sum w_i (y_i - \hat\mu)^2}{k - 1},\quad
              SE_{HKSJ} = \sqrt{q / \textstyle\sum w_i}

    Every sum is O(k). Iterative estimators are exact to rounding; the likelihoods are searched for
    several maxima, and the highest is taken.

    References
    ----------
    .. [1] Viechtbauer W (2005). Bias and efficiency of meta-analytic variance estimators in the
       random-effects model. J Educ Behav Stat 30:261-293.
    .. [2] Viechtbauer W (2007). Confidence intervals for the amount of heterogeneity in
       meta-analysis. Stat Med 26:37-52.
    .. [3] Hartung J, Knapp G (2001). On tests of the overall treatment effect in meta-analysis
       with normally distributed responses. Stat Med 20:1771-1782.
    .. [4] Röver C, Knapp G, Friede T (2015). Hartung-Knapp-Sidik-Jonkman approach and its
       modification for random-effects meta-analysis with few studies. BMC Med Res Methodol 15:99.
    .. [5] Higgins JPT, Thompson SG, Spiegelhalter DJ (2009). A re-evaluation of random-effects
       meta-analysis. J R Stat Soc A 172:137-159.

    Examples
    --------
    >>> found = pool([0.45, 0.72, 0.10, 0.55], [0.20, 0.25, 0.22, 0.15], studies=list("ABCD"))
    >>> print(f"{found.estimate:.4f} ({found.lower:.4f} to {found.upper:.4f})")
    0.4601 (0.0859 to 0.8344)
    """
    check_option(tau2_method, "tau2_method", METHODS)
    check_option(ci_method, "ci_method", TESTS)
    check_option(prediction, "prediction", DF_RULES)
    check_option(tau2_limits, "tau2_limits", TAU2_LIMITS)
    level = check_level(level)
    if tau2_limits == "profile_likelihood" and tau2_method not in ("ML", "REML"):
        raise EstimationError(
            f"pool: limits by profile likelihood with tau2_method {tau2_method}; allowed: ML, REML"
        )
    y, s, names = _read(estimate, standard_error, studies)
    check_size(y, s)
    if ci_method == "hksj" and np.all(y == y[0]):
        raise EstimationError(
            f"pool: all {y.size} estimates are {y[0]:g}; the HKSJ interval would have no width: "
            "take ci_method hksj_conservative, and look whether one study was entered twice"
        )
    options = {
        "tau2_method": tau2_method, "ci_method": ci_method, "level": level,
        "prediction": prediction, "tau2_limits": tau2_limits,
    }  # fmt: skip
    result = _pooled(y, s, names, events, options)
    _warn_narrow(result)
    return result
