"""Two outcomes of the same studies pooled together, such as disease-free and overall survival."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr

from ashworth.errors import EstimationError
from ashworth.evidence.pooling.columns import need
from ashworth.survival.inputs import Faults, Floats, check_level, check_option, numbers
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class TwoOutcomes:
    """Two pooled effects with their correlation.

    Attributes
    ----------
    names : tuple of str
    estimates, standard_errors, lower, upper, p_values : ndarray, shape (2,)
    covariance : ndarray, shape (2, 2)
        Of the two estimates.
    tau2 : ndarray, shape (2,)
        Between-study variances.
    correlation : float
        Between studies; 1 or -1 where the likelihood rises to that bound.
    at_bound : bool
        Whether a variance is 0 or the correlation 1 or -1: the correlation is not to be read.
    log_likelihood : float
    sizes : tuple of int
        Studies with each outcome, and with both.
    n : int
        Studies; `events` is None.
    method, options, version
    """

    names: tuple[str, str]
    estimates: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    p_values: Floats
    covariance: Floats
    tau2: Floats
    correlation: float
    at_bound: bool
    log_likelihood: float
    sizes: tuple[int, int, int]
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per outcome."""
        import polars as pl

        return pl.DataFrame(
            {
                "outcome": self.names, "k": self.sizes[:2], "estimate": self.estimates,
                "standard_error": self.standard_errors, "lower": self.lower, "upper": self.upper,
                "p_value": self.p_values, "tau2": self.tau2,
                "correlation": [self.correlation] * 2,
            }
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Data:
    y: Floats
    s: Floats
    seen: Any
    within: Floats

    @property
    def observed(self) -> int:
        return int(self.seen.sum())


def _read(first: Any, first_error: Any, second: Any, second_error: Any, within: Any) -> _Data:
    faults = Faults("pool_two_outcomes")
    given = {"first": first, "first_error": first_error, "second": second,
             "second_error": second_error}  # fmt: skip
    columns = {name: numbers(v, name, faults) for name, v in given.items()}
    k = columns["first"].size
    for name, values in columns.items():
        if values.size != k:
            faults.note(name, f"{values.size} values", f"{k}, as many as first", "align them")
    faults.stop()
    for name in ("first", "second"):
        y, s = columns[name], columns[f"{name}_error"]
        half = np.isfinite(y) != np.isfinite(s)
        faults.rows(half, name, "an estimate without its standard error, or the reverse",
                    "both or neither", "leave the outcome of this study empty")  # fmt: skip
        bad = np.isfinite(s) & (s <= 0.0)
        faults.rows(bad, f"{name}_error", "zero or negative values", "above 0", "correct them")
    r = numbers(within, "within_correlation", faults) if np.ndim(within) else np.full(k, within)
    remedy = "unknown correlations are often set between 0.5 and 0.8; try several"
    if r.size != k:
        faults.note("within_correlation", f"{r.size} values", f"1 or {k}", "align them")
    else:
        faults.rows(~(abs(r) < 1.0), "within_correlation", "missing values, or not between -1 "
                    "and 1", "between -1 and 1", remedy)  # fmt: skip
    faults.stop()
    y = np.column_stack([columns["first"], columns["second"]])
    s = np.column_stack([columns["first_error"], columns["second_error"]])
    seen = np.isfinite(y)
    keep = seen.any(axis=1)
    need("pool_two_outcomes", int(seen.all(axis=1).sum()), 3, "the correlation between studies")
    return _Data(np.where(seen, y, 0.0)[keep], np.where(seen, s, 1.0)[keep], seen[keep], r[keep])


def _between(theta: Floats) -> tuple[float, float, float]:
    """Variances and covariance from the Cholesky factor (a, b; 0, c)."""
    a, b, c = theta
    return a * a, b * b + c * c, a * b


def _solve(d: _Data, theta: Floats, *, restricted: bool) -> tuple[float, Floats, Floats]:
    """Log likelihood, estimates and the inverse information at a between-study matrix."""
    t1, t2, t12 = _between(theta)
    both, one, two = d.seen.all(axis=1), d.seen[:, 0], d.seen[:, 1]
    v1, v2 = d.s[:, 0] ** 2 + t1, d.s[:, 1] ** 2 + t2
    c = np.where(both, d.within * d.s[:, 0] * d.s[:, 1] + t12, 0.0)
    det = np.where(both, v1 * v2 - c * c, np.where(one, v1, v2))
    w11 = np.where(both, v2 / det, np.where(one, 1.0 / v1, 0.0))
    w22 = np.where(both, v1 / det, np.where(two, 1.0 / v2, 0.0))
    w12 = np.where(both, -c / det, 0.0)
    y1, y2 = d.y.T
    information = np.array([[w11.sum(), w12.sum()], [w12.sum(), w22.sum()]])
    right = np.array([(w11 * y1 + w12 * y2).sum(), (w12 * y1 + w22 * y2).sum()])
    inverse = np.linalg.inv(information)
    beta = inverse @ right
    r1, r2 = np.where(one, y1 - beta[0], 0.0), np.where(two, y2 - beta[1], 0.0)
    q = float((w11 * r1**2 + 2.0 * w12 * r1 * r2 + w22 * r2**2).sum())
    value = -0.5 * (float(np.log(det).sum()) + q)
    count = d.observed
    if restricted:
        sizes = np.log(d.seen.sum(axis=0)).sum()
        value -= 0.5 * float(np.linalg.slogdet(information)[1]) - 0.5 * float(sizes)
        count -= 2
    return value - 0.5 * count * math.log(2.0 * math.pi), beta, inverse


def _maximise(d: _Data, *, restricted: bool) -> Floats:
    """Highest maximum from several starts: quasi-Newton's steps, then Nelder and Mead's."""
    spread = [max(float(np.std(d.y[d.seen[:, j], j])), 1e-3) for j in (0, 1)]

    def loss(theta: Floats) -> float:
        return -_solve(d, theta, restricted=restricted)[0]

    best = None
    for share in (0.7, 0.2):
        for r in (-0.5, 0.3, 0.9):
            a, b = share * spread[0], share * spread[1]
            start = np.array([a, b * r, b * math.sqrt(1.0 - r * r)])
            found = minimize(loss, start, method="BFGS", options={"gtol": 1e-7})
            best = found if best is None or found.fun < best.fun else best
    assert best is not None
    fine = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000, "maxfev": 4000}
    return minimize(loss, best.x, method="Nelder-Mead", options=fine).x


def pool_two_outcomes(
    first: Any,
    first_error: Any,
    second: Any,
    second_error: Any,
    *,
    within_correlation: float | Any = 0.0,
    names: tuple[str, str] = ("first", "second"),
    method: Literal["REML", "ML"] = "REML",
    level: float = 0.95,
) -> TwoOutcomes:
    r"""Pool two correlated outcomes of the same studies, some of which report one only.

    Use it where studies report disease-free or overall survival or both: the study with one of
    them lends strength to the other, which also lessens selective reporting.

    Parameters
    ----------
    first, first_error, second, second_error : array-like, shape (k,)
        Estimates with standard errors; missing where a study does not report the outcome.
    within_correlation : float or array-like, shape (k,)
        Correlation of the two estimates within a study; rarely printed. Try several values.
    names : (str, str)
    method : {"REML", "ML"}
    level : float

    Returns
    -------
    TwoOutcomes
        Normal limits.

    Raises
    ------
    InputError
        All faults of the columns, with their rows.
    EstimationError
        Fewer than three studies with both outcomes.

    Notes
    -----
    :math:`y_i \sim N(\mu, S_i + T)` with an unstructured two by two T; each study costs a two by
    two inverse. Equals metafor's ``rma.mv(mods = ~ outcome - 1, random = ~ outcome | study,
    struct = "UN")``.

    References
    ----------
    .. [1] Riley RD, et al. (2007). An evaluation of bivariate random-effects meta-analysis for the
       joint synthesis of two correlated outcomes. Stat Med 26:78-97.

    Examples
    --------
    >>> dfs, os = [0.6, 0.9, 0.3, None, 0.5], [0.7, 1.1, 0.2, 0.8, None]
    >>> e, f = [0.2, 0.2, 0.2, None, 0.3], [0.2, 0.3, 0.2, 0.2, None]
    >>> pool_two_outcomes(dfs, e, os, f, within_correlation=0.5).sizes
    (4, 4, 3)
    """
    check_option(method, "method", ("REML", "ML"))
    if len(set(names)) != 2:
        raise EstimationError(f"names is {names!r}; allowed: two different names")
    level = check_level(level)
    d = _read(first, first_error, second, second_error, within_correlation)
    theta = _maximise(d, restricted=method == "REML")
    value, beta, inverse = _solve(d, theta, restricted=method == "REML")
    t1, t2, t12 = _between(theta)
    product = math.sqrt(t1 * t2)
    rho = t12 / product if product > 0.0 else math.nan
    errors = np.sqrt(np.diag(inverse))
    half = normal_quantile(level) * errors
    bound = min(t1, t2) < 1e-8 or not abs(rho) < 1.0 - 1e-6
    sizes = (*map(int, d.seen.sum(axis=0)), int(d.seen.all(axis=1).sum()))
    options = {"method": method, "level": level,
               "within_correlation": within_correlation if np.ndim(within_correlation) == 0
               else "by study"}  # fmt: skip
    return TwoOutcomes(
        names, beta, errors, beta - half, beta + half, 2.0 * ndtr(-abs(beta / errors)), inverse,
        np.array([t1, t2]), rho, bound, value, (sizes[0], sizes[1], sizes[2]), d.y.shape[0], None,
        f"bivariate random effects, {method}", options, __version__,
    )  # fmt: skip
