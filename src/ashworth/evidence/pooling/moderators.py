"""Meta-regression and subgroups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import chdtri, fdtrc, ndtr, ndtri, stdtr, stdtrit

from ashworth.errors import EstimationError
from ashworth.evidence.pooling import weighted_regression as wr
from ashworth.evidence.pooling.columns import need, read_estimates, read_labels
from ashworth.evidence.pooling.model import TESTS, Method, Test, check_size, pool
from ashworth.evidence.pooling.result import Pooled
from ashworth.survival.inputs import Faults, Floats, check_level, check_option, numbers
from ashworth.survival.results import chi_square_p
from ashworth.version import __version__

_EXACT = 1e-26  # share of the squares that rounding leaves where every estimate is met

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class MetaRegression:
    """Coefficients of moderators of the effect.

    Attributes
    ----------
    names : tuple of str
        Coefficients, the intercept first.
    coefficients, standard_errors, lower, upper, statistics, p_values : ndarray, shape (p,)
        Estimates with their limits and tests by the chosen method.
    df : float
        Degrees of freedom of t; infinite for the normal.
    covariance : ndarray, shape (p, p)
    tau2 : float, and `tau2_ci`
        Residual between-study variance, with Q-profile limits.
    i2 : float
        Share of residual variance that is between studies, in percent, from tau2.
    r2_percent : float
        Share of tau2 that the moderators explain; NaN where there was none to explain.
    q, q_df, q_p_value : float, int, float
        Test for residual heterogeneity.
    moderator_statistic, moderator_df, moderator_p_value : float, (float, float), float
        Test of all moderators: F with (m, k - p) degrees of freedom, or chi-square (m, infinite).
    log_likelihood : float
    n : int
        Studies; `events` is None.
    method, options, version
    """

    names: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    statistics: Floats
    p_values: Floats
    df: float
    covariance: Floats
    tau2: float
    tau2_ci: tuple[float, float]
    i2: float
    r2_percent: float
    q: float
    q_df: int
    q_p_value: float
    moderator_statistic: float
    moderator_df: tuple[float, float]
    moderator_p_value: float
    log_likelihood: float
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per coefficient."""
        import polars as pl

        return pl.DataFrame(
            {
                "term": self.names, "estimate": self.coefficients,
                "standard_error": self.standard_errors, "lower": self.lower, "upper": self.upper,
                "statistic": self.statistics, "p_value": self.p_values,
            }
        )  # fmt: skip


def _columns(moderators: Any, k: int) -> tuple[tuple[str, ...], Floats]:
    """Design matrix with intercept; text columns become indicator columns of their levels."""
    frame = moderators if isinstance(moderators, Mapping) else dict(_named(moderators))
    faults, names, parts = Faults("meta_regression"), ["intercept"], [np.ones(k)]
    for name, values in frame.items():
        array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
        if array.dtype.kind in "OUS" and any(isinstance(v, str) for v in array):
            levels, rows = read_labels("meta_regression", values, name, k)
            for level in levels[1:]:
                names.append(f"{name}: {level}")
                parts.append(np.array([float(r == level) for r in rows]))
            continue
        column = numbers(values, name, faults)
        if column.size != k:
            faults.note(name, f"{column.size} values", f"{k}, as many as estimates", "align them")
            continue
        remedy = "leave the study out and say so"
        faults.rows(~np.isfinite(column), name, "missing or infinite values", "numbers", remedy)
        names.append(name)
        parts.append(column)
    faults.stop()
    if len(parts) == 1:
        raise EstimationError("meta_regression: no moderators; give at least one, or take pool")
    return tuple(names), np.column_stack(parts)


def _named(moderators: Any) -> list[tuple[str, Any]]:
    if hasattr(moderators, "columns"):
        return [(str(name), moderators[name]) for name in moderators.columns]
    raise EstimationError(
        f"moderators is {type(moderators).__name__}; allowed: a mapping of names to columns, "
        "or a data frame"
    )


def meta_regression(
    estimate: Any,
    standard_error: Any,
    moderators: Any,
    *,
    tau2_method: Method = "REML",
    ci_method: Test = "hksj",
    level: float = 0.95,
) -> MetaRegression:
    r"""Regress the effects of k studies on properties of the studies.

    Use it to ask whether the cut-off, the year or the setting explains differences between studies;
    with few studies (fewer than ten for each moderator) the answer is exploratory, and it compares
    studies, not patients.

    Parameters
    ----------
    estimate, standard_error : array-like, shape (k,)
        As for `pool`.
    moderators : mapping of str to array-like, or data frame
        Columns; text becomes an indicator of each level but the first in order of the alphabet.
    tau2_method : {"REML", "DL", "PM", "ML", "EB", "SJ", "HE", "HS", "FE"}
    ci_method : {"hksj", "hksj_conservative", "t", "normal", "wald"}
        t with k - p degrees of freedom (the first three) or normal.
    level : float

    Returns
    -------
    MetaRegression

    Raises
    ------
    InputError
        All faults of the columns, with their rows.
    EstimationError
        No more studies than coefficients; constant or collinear moderators.

    Notes
    -----
    .. math:: \hat\beta = (X'WX)^{-1}X'Wy,\quad w_i = 1/(s_i^2 + \tau^2),\quad
              V_{HKSJ} = \frac{y'Py}{k - p}(X'WX)^{-1}

    References
    ----------
    .. [1] Knapp G, Hartung J (2003). Improved tests for a random effects meta-regression with a
       single covariate. Stat Med 22:2693-2710.

    Examples
    --------
    >>> found = meta_regression([0.2, 0.5, 0.9, 0.7], [0.2, 0.2, 0.3, 0.2], {"dose": [1, 2, 4, 3]})
    >>> found.names, round(float(found.coefficients[1]), 4)
    (('intercept', 'dose'), 0.2355)
    """
    check_option(tau2_method, "tau2_method", wr.METHODS)
    check_option(ci_method, "ci_method", TESTS)
    level = check_level(level)
    y, s = read_estimates("meta_regression", estimate, standard_error)
    names, x = _columns(moderators, y.size)
    design = wr.design(y, s, x, names)
    check_size(y, s, "meta_regression")
    return _regress(design, names, tau2_method, ci_method, level)


def _regress(
    d: wr.Design, names: tuple[str, ...], tau2_method: str, ci_method: str, level: float
) -> MetaRegression:
    tau2 = wr.estimate_tau2(d, tau2_method)
    f, fixed = wr.fit(d, tau2), wr.fit(d, 0.0)
    scale = {"hksj": f.q / d.df, "hksj_conservative": max(f.q / d.df, 1.0)}.get(ci_method, 1.0)
    exact = f.q <= _EXACT * float(np.sum(d.y**2 / (d.v + tau2)))
    if exact and ci_method == "hksj":
        raise EstimationError(
            "meta_regression: the moderators fit every estimate exactly; the HKSJ interval would "
            "have no width: take ci_method hksj_conservative"
        )
    normal = ci_method in ("normal", "wald")
    df = math.inf if normal else float(d.df)
    covariance = scale * f.inverse
    errors = np.sqrt(np.diag(covariance))
    tail = 0.5 + level / 2.0
    half = (ndtri(tail) if normal else stdtrit(df, tail)) * errors
    z = f.beta / errors
    p = 2.0 * (ndtr(-abs(z)) if normal else stdtr(df, -abs(z)))
    share = (d.df) / wr.trace(d, fixed)
    statistic, dfs, p_all = _moderator_test(f.beta, covariance, df)
    empty = wr.Design(d.y, d.v, np.ones((d.y.size, 1)))
    none = wr.estimate_tau2(empty, tau2_method)
    estimated = tau2_method != "FE"
    limits = tuple(wr.solve_q(d, float(chdtri(d.df, t))) for t in (1.0 - tail, tail))
    return MetaRegression(
        names, f.beta, errors, f.beta - half, f.beta + half, z, p, df, covariance, tau2,
        (limits[0], limits[1]) if estimated else (math.nan, math.nan),
        100.0 * tau2 / (tau2 + share) if estimated else math.nan,
        100.0 * max(0.0, (none - tau2) / none) if none > 0.0 else math.nan,
        fixed.q, d.df, chi_square_p(fixed.q, d.df), statistic, dfs, p_all,
        wr.log_likelihood(d, tau2, restricted=tau2_method == "REML"), d.y.size, None,
        f"meta-regression, {tau2_method}, {ci_method}",
        {"tau2_method": tau2_method, "ci_method": ci_method, "level": level}, __version__,
    )  # fmt: skip


def _moderator_test(
    beta: Floats, covariance: Floats, df: float
) -> tuple[float, tuple[float, float], float]:
    """Test of all coefficients but the intercept: F, or chi-square where df is infinite."""
    m = beta.size - 1
    q = float(beta[1:] @ np.linalg.solve(covariance[1:, 1:], beta[1:]))
    if math.isinf(df):
        return q, (m, df), chi_square_p(q, m)
    return q / m, (m, df), float(fdtrc(m, df, q / m))


@dataclass(frozen=True, slots=True)
class Subgroups:
    """Pooled effects of groups of studies and the test between them.

    Attributes
    ----------
    groups : tuple
        Labels, in order.
    pooled : tuple of Pooled
        Each group by itself; empty with a common tau2.
    sizes : tuple of int
        Studies in each group.
    estimates, standard_errors, lower, upper : ndarray, shape (g,)
    tau2 : ndarray, shape (g,)
    statistic, df, p_value : float, (float, float), float
        Test between the groups: chi-square (df2 infinite) or F.
    n : int
        Studies; `events` is None.
    method, options, version
    """

    groups: tuple[Any, ...]
    pooled: tuple[Pooled, ...]
    sizes: tuple[int, ...]
    estimates: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    tau2: Floats
    statistic: float
    df: tuple[float, float]
    p_value: float
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per group."""
        import polars as pl

        return pl.DataFrame(
            {
                "group": [str(g) for g in self.groups], "k": self.sizes, "estimate": self.estimates,
                "standard_error": self.standard_errors, "lower": self.lower, "upper": self.upper,
                "tau2": self.tau2,
            }
        )  # fmt: skip


def subgroups(
    estimate: Any,
    standard_error: Any,
    groups: Any,
    *,
    tau2: Literal["separate", "common"] = "separate",
    tau2_method: Method = "REML",
    ci_method: Test = "hksj",
    level: float = 0.95,
) -> Subgroups:
    r"""Pool groups of studies and test whether they differ.

    Use the test, not two p-values side by side. With few studies in a group take the common tau2.

    Parameters
    ----------
    estimate, standard_error : array-like, shape (k,)
    groups : array-like, shape (k,)
        Label of each study's group; two groups or more.
    tau2 : {"separate", "common"}
        Each group its own tau2 (chi-square test between the pooled effects), or one for all
        (meta-regression on the groups; F test with `ci_method` other than normal).
    tau2_method, ci_method, level
        As for `pool`.

    Returns
    -------
    Subgroups

    Raises
    ------
    InputError, EstimationError
        Faulty columns; one group; a group of one study with separate tau2.

    Notes
    -----
    Separate tau2: :math:`Q = \sum_g (\hat\mu_g - \bar\mu)^2 / SE_g^2` with g - 1 degrees of
    freedom, standard errors by `ci_method`.

    References
    ----------
    .. [1] Borenstein M, Higgins JPT (2013). Meta-analysis and subgroups. Prev Sci 14:134-143.

    Examples
    --------
    >>> found = subgroups([0.2, 0.3, 0.7, 0.9], [0.1] * 4, ["a", "a", "b", "b"], tau2="common")
    >>> round(found.statistic, 3), round(found.p_value, 4)
    (24.2, 0.0389)
    """
    check_option(tau2, "tau2", ("separate", "common"))
    check_option(tau2_method, "tau2_method", wr.METHODS)
    check_option(ci_method, "ci_method", TESTS)
    level = check_level(level)
    y, s = read_estimates("subgroups", estimate, standard_error)
    names, rows = read_labels("subgroups", groups, "groups", y.size)
    need("subgroups", len(names), 2, "a comparison of groups (1 group is pooled by pool)")
    member = [np.array([r == g for r in rows]) for g in names]
    sizes = tuple(int(m.sum()) for m in member)
    options = {"tau2": tau2, "tau2_method": tau2_method, "ci_method": ci_method, "level": level}
    if tau2 == "common":
        return _common(y, s, member, tuple(names), sizes, options)
    alone = [str(g) for g, size in zip(names, sizes, strict=True) if size < 2]
    if alone:
        raise EstimationError(
            f"subgroups: one study in group {', '.join(alone)} has no tau2 of its own; "
            "take tau2='common'"
        )
    each = tuple(
        pool(y[m], s[m], tau2_method=tau2_method, ci_method=ci_method, level=level) for m in member
    )
    mean, error = (np.array([getattr(p, a) for p in each]) for a in ("estimate", "standard_error"))
    w = 1.0 / error**2
    q = float(w @ (mean - w @ mean / w.sum()) ** 2)
    df = len(each) - 1
    return Subgroups(
        tuple(names), each, sizes, mean, error, np.array([p.lower for p in each]),
        np.array([p.upper for p in each]), np.array([p.tau2 for p in each]), q, (df, math.inf),
        chi_square_p(q, df), y.size, None, _subgroup_name(options), options, __version__,
    )  # fmt: skip


def _common(
    y: Floats, s: Floats, member: list[Any], groups: tuple[Any, ...], sizes: tuple[int, ...],
    options: Mapping[str, Any],
) -> Subgroups:  # fmt: skip
    """Cell means and the test between them with one tau2."""
    names = tuple(map(str, groups))
    how = options["tau2_method"], options["ci_method"], options["level"]
    cells = np.column_stack([m.astype(float) for m in member])
    means = _regress(wr.design(y, s, cells, names), names, *how)
    contrast = cells.copy()
    contrast[:, 0] = 1.0
    test = _regress(wr.design(y, s, contrast, names), names, *how)
    return Subgroups(
        groups, (), sizes, means.coefficients, means.standard_errors, means.lower, means.upper,
        np.full(len(names), means.tau2), test.moderator_statistic, test.moderator_df,
        test.moderator_p_value, y.size, None, _subgroup_name(options), options, __version__,
    )  # fmt: skip


def _subgroup_name(options: Mapping[str, Any]) -> str:
    return f"subgroups, {options['tau2']} tau2 by {options['tau2_method']}, {options['ci_method']}"
