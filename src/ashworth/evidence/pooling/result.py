"""What pooling returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.survival.inputs import Floats

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of the pooled estimate with its test.

    Attributes
    ----------
    standard_error : float
        Standard error.
    lower, upper : float
        Limits.
    statistic, df, p_value : float
        Estimate over standard error, degrees of freedom of t (infinite: normal), two-sided p.
    """

    standard_error: float
    lower: float
    upper: float
    statistic: float
    df: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How far the studies differ.

    Attributes
    ----------
    tau2, standard_error, lower, upper : float
        Between-study variance, its standard error and its limits.
    limits : str
        Method of the limits.
    q, df, p_value : float, int, float
        Cochran's Q and its chi-square test.
    i2_from_tau2_percent, i2_from_tau2_limits : float, (float, float)
        Share of the variance that is between studies, from tau2 and the typical sampling variance;
        its limits come from those of tau2. NaN where tau2 is not estimated.
    i2_from_q_percent, i2_from_q_limits : float, (float, float)
        The same from Q, ``(Q - df) / Q``, with Higgins and Thompson's test-based limits.
    h2 : float
        ``1 / (1 - I2)``, from tau2 (from Q where tau2 is not estimated).
    """

    tau2: float
    standard_error: float
    lower: float
    upper: float
    limits: str
    q: float
    df: int
    p_value: float
    i2_from_tau2_percent: float
    i2_from_tau2_limits: tuple[float, float]
    i2_from_q_percent: float
    i2_from_q_limits: tuple[float, float]
    h2: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """Prediction interval: where the true effect of a new study would lie.

    Attributes
    ----------
    lower, upper : float
        Limits; NaN where it is undefined.
    df : float
        Degrees of freedom of t; infinite for the normal quantile.
    rule : str
        Name of the rule for the degrees of freedom: ``"k-1"``, ``"k-2"`` or ``"normal"``.
    reason : str
        Why it is undefined; empty where it is not.
    """

    lower: float
    upper: float
    df: float
    rule: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pooled:
    """An estimate pooled over k studies.

    Attributes
    ----------
    studies : tuple
        Labels of the studies.
    estimates, standard_errors : ndarray, shape (k,)
        What was pooled.
    weights_percent : ndarray, shape (k,)
        Share of each study in the pooled estimate.
    estimate : float
        The pooled estimate, on the scale of the estimates.
    interval : Interval
        Its interval by the test that was chosen.
    conservative : Interval
        The interval by Hartung, Knapp, Sidik and Jonkman whose variance factor is at least 1.
    fixed_effect : Interval
        The normal interval with tau2 = 0.
    fixed_effect_estimate : float
        The weighted mean with tau2 = 0.
    heterogeneity : Heterogeneity
        tau2, Q, I2 and H2, each with its limits.
    prediction : Prediction
        Prediction interval.
    log_likelihood : float
        Restricted for REML, else full, at the estimates.
    n : int
        Number of studies.
    events : int or None
        Events of all studies, where they were given.
    method : str
        Name of the estimator.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    studies: tuple[Any, ...]
    estimates: Floats
    standard_errors: Floats
    weights_percent: Floats
    estimate: float
    interval: Interval
    conservative: Interval
    fixed_effect: Interval
    fixed_effect_estimate: float
    heterogeneity: Heterogeneity
    prediction: Prediction
    log_likelihood: float
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    @property
    def standard_error(self) -> float:
        """Standard error by the test that was chosen."""
        return self.interval.standard_error

    @property
    def lower(self) -> float:
        """Lower limit by the test that was chosen."""
        return self.interval.lower

    @property
    def upper(self) -> float:
        """Upper limit by the test that was chosen."""
        return self.interval.upper

    @property
    def p_value(self) -> float:
        """Two-sided p-value by the test that was chosen."""
        return self.interval.p_value

    @property
    def tau2(self) -> float:
        """Between-study variance."""
        return self.heterogeneity.tau2

    @property
    def ci(self) -> tuple[float, float]:
        """Limits by the test that was chosen."""
        return self.interval.lower, self.interval.upper

    @property
    def tau2_ci(self) -> tuple[float, float]:
        """Limits of tau2."""
        return self.heterogeneity.lower, self.heterogeneity.upper

    @property
    def i2(self) -> float:
        """I2 in percent: from tau2, or from Q in the fixed-effect model."""
        h = self.heterogeneity
        return h.i2_from_q_percent if np.isnan(h.i2_from_tau2_percent) else h.i2_from_tau2_percent

    @property
    def q(self) -> float:
        """Cochran's Q."""
        return self.heterogeneity.q

    @property
    def prediction_interval(self) -> tuple[float, float]:
        """Limits of the prediction interval; NaN where it is undefined."""
        return self.prediction.lower, self.prediction.upper

    @property
    def narrower_than_fixed_effect(self) -> bool:
        """Whether the interval is narrower than that of the fixed-effect model."""
        fixed, own = self.fixed_effect, self.interval
        return own.upper - own.lower < (fixed.upper - fixed.lower) * (1.0 - 1e-12)

    def table(self) -> pl.DataFrame:
        """One row per study: estimate with normal limits, and its weight in percent."""
        import polars as pl

        from ashworth.survival.results import normal_quantile

        half = normal_quantile(self.options["level"]) * self.standard_errors
        return pl.DataFrame(
            {
                "study": [str(s) for s in self.studies],
                "estimate": self.estimates,
                "standard_error": self.standard_errors,
                "lower": self.estimates - half,
                "upper": self.estimates + half,
                "weight_percent": self.weights_percent,
            }
        )

    def summary(self) -> pl.DataFrame:
        """Pooled estimate by each kind of interval, and the prediction interval, one row each."""
        import polars as pl

        rows = [
            {"model": self.method, "estimate": self.estimate, **_fields(self.interval)},
            {"model": "random effects, conservative HKSJ", "estimate": self.estimate,
             **_fields(self.conservative)},
            {"model": "fixed effect, normal", "estimate": self.fixed_effect_estimate,
             **_fields(self.fixed_effect)},
            {"model": f"prediction interval, df {self.prediction.rule}",
             "estimate": self.estimate, "standard_error": np.nan,
             "lower": self.prediction.lower, "upper": self.prediction.upper,
             "statistic": np.nan, "df": self.prediction.df, "p_value": np.nan},
        ]  # fmt: skip
        h = self.heterogeneity
        return pl.DataFrame(rows).with_columns(
            k=pl.lit(self.n),
            tau2=pl.lit(h.tau2),
            tau2_lower=pl.lit(h.lower),
            tau2_upper=pl.lit(h.upper),
            i2_from_tau2_percent=pl.lit(h.i2_from_tau2_percent),
            i2_from_q_percent=pl.lit(h.i2_from_q_percent),
            q=pl.lit(h.q),
            q_df=pl.lit(h.df),
            q_p_value=pl.lit(h.p_value),
        )


def _fields(interval: Interval) -> dict[str, float]:
    return {
        "standard_error": interval.standard_error,
        "lower": interval.lower,
        "upper": interval.upper,
        "statistic": interval.statistic,
        "df": interval.df,
        "p_value": interval.p_value,
    }
