"""How much single studies matter: one left out, added one by one, influence, shrunken effects."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtr, ndtr, ndtri, stdtr, stdtrit

from ashworth.errors import EstimationError
from ashworth.evidence.pooling.columns import need
from ashworth.evidence.pooling.deletion import sums_without_each, tau2_without_each
from ashworth.evidence.pooling.heterogeneity import ESTIMATORS
from ashworth.evidence.pooling.model import NarrowIntervalWarning, _interval_by, pool
from ashworth.evidence.pooling.result import Interval, Pooled
from ashworth.evidence.pooling.roots import gather, sums
from ashworth.survival.inputs import Floats, native
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class PooledSeries:
    """Pooled effects of several sets of the same studies.

    Attributes
    ----------
    labels : tuple
        Study left out, or study added last.
    sizes : tuple of int
        Studies in each set.
    estimates, standard_errors, lower, upper, tau2, q, p_values : ndarray, shape (r,)
        Pooled effect of each set with its error, limits and p-value, tau2 and Cochran's Q.
    n : int
        Studies; ``events`` is None.
    method, options, version
        How it was made.
    """

    labels: tuple[Any, ...]
    sizes: tuple[int, ...]
    estimates: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    p_values: Floats
    tau2: Floats
    q: Floats
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per set."""
        import polars as pl

        return pl.DataFrame(
            {
                "study": [str(v) for v in self.labels], "k": self.sizes,
                "estimate": self.estimates, "standard_error": self.standard_errors,
                "lower": self.lower, "upper": self.upper, "p_value": self.p_values,
                "tau2": self.tau2, "q": self.q,
            }
        )  # fmt: skip


def _fast(y: Floats, s: Floats, options: Mapping[str, Any]) -> tuple[float, Interval, float, float]:
    """Estimate, interval, tau2 and Q of one set, without its limits of tau2."""
    d = gather(y, s * s)
    fixed = sums(d, 0.0)
    method = options["tau2_method"]
    tau2 = ESTIMATORS[method](d, fixed) if method != "FE" else 0.0
    at = sums(d, tau2)
    mean = d.centre + at.shift
    own = _interval_by(options["ci_method"], mean, at, d.k, options["level"])
    return mean, own, tau2, fixed.q1


def _without_each(pooled: Pooled) -> tuple[Floats, ...]:
    """Columns of `PooledSeries` for all deletions, from matrices of weights."""
    y, s, test = pooled.estimates, pooled.standard_errors, pooled.options["ci_method"]
    centre = pooled.fixed_effect_estimate
    v, z = s * s, y - centre
    tau2 = tau2_without_each(z, s, pooled.options["tau2_method"])
    w1, mean, q = sums_without_each(z, v, tau2)
    factor = np.sqrt(q / (y.size - 2))
    scale = {"hksj": factor, "hksj_conservative": np.maximum(factor, 1.0)}.get(test, 1.0)
    error = scale / np.sqrt(w1)
    normal = test in ("normal", "wald")
    df, tail = y.size - 2.0, 0.5 + pooled.options["level"] / 2.0
    half = float(ndtri(tail) if normal else stdtrit(df, tail)) * error
    estimate = centre + mean
    with np.errstate(divide="ignore", invalid="ignore"):
        size = -abs(estimate / error)
    p = 2.0 * (ndtr(size) if normal else stdtr(df, size))
    alone = sums_without_each(z, v, np.zeros(y.size))[2]
    return estimate, error, estimate - half, estimate + half, p, tau2, alone


def leave_one_out(pooled: Pooled) -> PooledSeries:
    """Pool again without each study.

    Parameters
    ----------
    pooled : Pooled
        What `pool` returned; its options hold.

    Returns
    -------
    PooledSeries
        One row per study left out. The HKSJ interval is given without the warning that `pool`
        gives where it is narrower than the fixed-effect one.

    Raises
    ------
    EstimationError
        Fewer than three studies.

    Examples
    --------
    >>> found = pool([0.45, 0.72, 0.10, 0.55], [0.20, 0.25, 0.22, 0.15])
    >>> leave_one_out(found).estimates.round(3).tolist()
    [0.457, 0.403, 0.553, 0.41]
    """
    need("leave_one_out", pooled.n, 3, "leaving one out")
    y, error, low, high, p, tau2, q = _without_each(pooled)
    return PooledSeries(
        pooled.studies, (pooled.n - 1,) * pooled.n, y, error, low, high, p, tau2, q, pooled.n, None,
        "one study left out", pooled.options, __version__,
    )  # fmt: skip


def cumulative(pooled: Pooled, order: Any = None) -> PooledSeries:
    """Pool the first two studies, the first three, and so on.

    Parameters
    ----------
    pooled : Pooled
        What `pool` returned; its options hold.
    order : array-like, shape (k,), optional
        What the studies are sorted by, such as the year; ties stay in their order.

    Returns
    -------
    PooledSeries
        k - 1 rows, named by the study that was added last.

    Raises
    ------
    EstimationError
        `order` of another length or with missing values.

    Notes
    -----
    The intervals are not corrected for looking several times.

    Examples
    --------
    >>> found = pool([0.45, 0.72, 0.10], [0.20, 0.25, 0.22], studies=["c", "a", "b"])
    >>> cumulative(found, [2003, 2001, 2002]).labels
    ('b', 'c')
    """
    keys = np.arange(pooled.n) if order is None else native(order)
    if keys.shape != (pooled.n,) or (keys.dtype.kind == "f" and np.isnan(keys).any()):
        raise EstimationError(
            f"cumulative: order has shape {keys.shape} or missing values; allowed: one value for "
            f"each of {pooled.n} studies"
        )
    rows = np.argsort(keys, kind="stable")
    sets = [rows[: i + 1] for i in range(1, pooled.n)]
    y, s = pooled.estimates, pooled.standard_errors
    found = [_fast(y[i], s[i], pooled.options) for i in sets]
    means, intervals, tau2, q = zip(*found, strict=True)
    error, low, high, p = (
        np.array([getattr(i, name) for i in intervals])
        for name in ("standard_error", "lower", "upper", "p_value")
    )
    return PooledSeries(
        tuple(pooled.studies[i] for i in rows[1:]), tuple(i.size for i in sets), np.array(means),
        error, low, high, p, np.array(tau2), np.array(q), pooled.n, None,
        "studies added one by one", pooled.options, __version__,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Influence:
    """What leaving out each study does.

    Attributes
    ----------
    studies : tuple
    studentised_residuals : ndarray, shape (k,)
        Externally standardised: the study against the model without it.
    dffits, cook, covariance_ratio, tau2_without, q_without, hat, weights_percent, dfbetas : ndarray
        As metafor's ``influence``.
    influential : ndarray of bool, shape (k,)
        By metafor's rule: abs(DFFITS) above 3 sqrt(1/(k - 1)), Cook's distance beyond the median of
        chi-square with 1 degree of freedom, hat above 3/k, or abs(DFBETAS) above 1.
    n : int
        Studies; `events` is None.
    method, options, version
    """

    studies: tuple[Any, ...]
    studentised_residuals: Floats
    dffits: Floats
    cook: Floats
    covariance_ratio: Floats
    tau2_without: Floats
    q_without: Floats
    hat: Floats
    weights_percent: Floats
    dfbetas: Floats
    influential: Any
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per study."""
        import polars as pl

        names = ("studentised_residuals", "dffits", "cook", "covariance_ratio", "tau2_without",
                 "q_without", "hat", "weights_percent", "dfbetas", "influential")  # fmt: skip
        return pl.DataFrame(
            {"study": [str(s) for s in self.studies]} | {n: getattr(self, n) for n in names}
        )


def influence(pooled: Pooled) -> Influence:
    r"""Influence of each study on the pooled effect.

    Parameters
    ----------
    pooled : Pooled
        What `pool` returned; its options hold.

    Returns
    -------
    Influence

    Raises
    ------
    EstimationError
        Fewer than three studies.

    Notes
    -----
    With :math:`\hat\mu_{(i)}, \tau^2_{(i)}` from the model without study i,

    .. math:: t_i = \frac{y_i - \hat\mu_{(i)}}
              {\sqrt{q_{(i)} (v_i + \tau^2_{(i)}) + Var\,\hat\mu_{(i)}}}

    where q is the HKSJ factor of the model without study i, and 1 with the other tests.

    References
    ----------
    .. [1] Viechtbauer W, Cheung MWL (2010). Outlier and influence diagnostics for meta-analysis.
       Res Synth Methods 1:112-125.

    Examples
    --------
    >>> found = pool([0.45, 0.72, 0.10, 0.55, 3.0], [0.20, 0.25, 0.22, 0.15, 0.3])
    >>> influence(found).table().filter(influential=True)["study"].to_list()
    ['5']
    """
    need("influence", pooled.n, 3, "leaving one out")
    k, v = pooled.n, pooled.standard_errors**2
    without = leave_one_out(pooled)
    change = pooled.estimate - without.estimates
    variance = without.standard_errors**2
    scaled = pooled.options["ci_method"].startswith("hksj")
    plain = np.array([
        float((1.0 / (np.delete(v, i) + t)).sum()) for i, t in enumerate(without.tau2)
    ])  # fmt: skip
    factor = variance * plain if scaled else np.ones(k)
    spread = np.sqrt(factor * (v + without.tau2) + variance)
    residual = (pooled.estimates - without.estimates) / spread
    everyone = np.array([float((1.0 / (v + t)).sum()) for t in without.tau2])
    w = 1.0 / (v + pooled.tau2)
    hat = w / w.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        dfbetas = change / np.sqrt(factor / everyone)
        dffits = change / np.sqrt(factor * hat * (v + without.tau2))
        cook = change**2 / pooled.standard_error**2
        ratio = variance / pooled.standard_error**2
    marked = (abs(dffits) > 3.0 * math.sqrt(1.0 / (k - 1))) | (chdtr(1, cook) > 0.5)
    marked |= (hat > 3.0 / k) | (abs(dfbetas) > 1.0)
    return Influence(
        pooled.studies, residual, dffits, cook, ratio, without.tau2, without.q, hat,
        pooled.weights_percent, dfbetas, marked, k, None, "influence of single studies",
        pooled.options, __version__,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShrunkenEffects:
    """Best linear unbiased predictions of the studies' true effects.

    Attributes
    ----------
    studies : tuple
    estimates, standard_errors, lower, upper : ndarray, shape (k,)
    n : int
        Studies; `events` is None.
    method, options, version
    """

    studies: tuple[Any, ...]
    estimates: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per study."""
        import polars as pl

        names = ("estimates", "standard_errors", "lower", "upper")
        columns = {n.removesuffix("s"): getattr(self, n) for n in names}
        return pl.DataFrame({"study": [str(s) for s in self.studies]} | columns)


def blups(pooled: Pooled) -> ShrunkenEffects:
    r"""Predict the true effect of each study, drawn towards the pooled one.

    Parameters
    ----------
    pooled : Pooled
        What `pool` returned.

    Returns
    -------
    ShrunkenEffects
        Limits by t with the test's degrees of freedom, or normal.

    Notes
    -----
    With :math:`\lambda_i = \tau^2 / (\tau^2 + v_i)`,

    .. math:: \hat\theta_i = \lambda_i y_i + (1 - \lambda_i)\hat\mu,\quad
              SE_i^2 = \lambda_i v_i + (1 - \lambda_i)^2\, SE_{\hat\mu}^2

    Examples
    --------
    >>> blups(pool([0.45, 0.72, 0.10, 0.55], [0.20, 0.25, 0.22, 0.15])).estimates.round(3).tolist()
    [0.458, 0.494, 0.403, 0.486]
    """
    v = pooled.standard_errors**2
    share = pooled.tau2 / (pooled.tau2 + v)
    mean = share * pooled.estimates + (1.0 - share) * pooled.estimate
    error = np.sqrt(share * v + (1.0 - share) ** 2 * pooled.standard_error**2)
    own = pooled.interval
    if math.isinf(own.df):
        quantile = normal_quantile(pooled.options["level"])
    else:
        quantile = float(stdtrit(own.df, 0.5 + pooled.options["level"] / 2.0))
    return ShrunkenEffects(
        pooled.studies, mean, error, mean - quantile * error, mean + quantile * error, pooled.n,
        None, "best linear unbiased predictions", pooled.options, __version__,
    )  # fmt: skip


def pool_quietly(*columns: Any, **options: Any) -> Pooled:
    """Pool without the warning of a narrow interval, for series of which one number is shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NarrowIntervalWarning)
        return pool(*columns, **options)
