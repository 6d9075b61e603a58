"""Rubin's rules: one result from the results of m imputed data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtr, stdtrit

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Faults, Floats, check_level, check_number
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class RubinResult:
    """p estimates combined over m imputed data sets.

    Attributes
    ----------
    names : tuple of str
        Names of the estimates.
    estimates, standard_errors : ndarray, shape (p,)
        Means over the imputations, and roots of the total variance.
    within, between, total : ndarray, shape (p, p)
        Mean covariance, covariance between the imputations, and ``within + (1 + 1/m) between``;
        without covariances, diagonal but for `between`.
    df : ndarray, shape (p,)
        Degrees of freedom of t: Barnard and Rubin's with `n`, Rubin's of 1987 without; infinite
        where the imputations agree.
    fraction_missing : ndarray, shape (p,)
        Fraction of missing information.
    relative_increase : ndarray, shape (p,)
        Increase of the variance through the missing values.
    relative_efficiency : ndarray, shape (p,)
        Of m imputations against infinitely many.
    n : int or None
        Observations that the complete-data degrees of freedom come from.
    m : int
        Number of imputations.
    method : str
        Name of the rules.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    names: tuple[str, ...]
    estimates: Floats
    standard_errors: Floats
    within: Floats
    between: Floats
    total: Floats
    df: Floats
    fraction_missing: Floats
    relative_increase: Floats
    relative_efficiency: Floats
    n: int | None
    m: int
    method: str
    options: Mapping[str, Any]
    version: str

    @property
    def p_values(self) -> Floats:
        """Two-sided p-values by t, shape (p,)."""
        return 2.0 * stdtr(self.df, -np.abs(self.estimates / self.standard_errors))

    def confint(self, level: float | None = None) -> Floats:
        """Limits by t, shape (p, 2); at the level of the call by default."""
        level = check_level(self.options["level"] if level is None else level)
        half = stdtrit(self.df, 0.5 + level / 2.0) * self.standard_errors
        return np.stack([self.estimates - half, self.estimates + half], axis=1)

    def table(self) -> pl.DataFrame:
        """One row per estimate."""
        import polars as pl

        limits = self.confint()
        return pl.DataFrame(
            {
                "term": list(self.names),
                "estimate": self.estimates,
                "standard_error": self.standard_errors,
                "lower": limits[:, 0],
                "upper": limits[:, 1],
                "df": self.df,
                "p_value": self.p_values,
                "fraction_missing": self.fraction_missing,
                "relative_increase": self.relative_increase,
                "relative_efficiency": self.relative_efficiency,
            }
        )


def _read(estimates: Any, variances: Any) -> tuple[Floats, Floats]:
    """Estimates (m, p) and covariances (m, p, p)."""
    q, u = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    faults = Faults("rubin")
    q = q[:, None] if q.ndim == 1 else q
    u = u[:, None] if u.ndim == 1 else u
    if q.ndim != 2 or u.ndim not in (2, 3) or u.shape[:2] != q.shape or u.shape[-1] != q.shape[1]:
        allowed = "estimates (m,) or (m, p); variances of the same shape, or (m, p, p)"
        found = f"shapes {np.shape(estimates)} and {np.shape(variances)}"
        faults.note("variances", found, allowed, "give one row per imputation")
        faults.stop()
    if u.ndim == 2:
        u = u[:, :, None] * np.eye(q.shape[1])
    remedy = "leave the term out: a term that is infinite or missing in one imputation has no rule"
    faults.rows(np.asarray(~np.isfinite(q).all(axis=1)), "estimates", "missing or infinite values",
                "numbers", remedy)  # fmt: skip
    diagonal = np.diagonal(u, axis1=1, axis2=2)
    bad = np.asarray(~(np.isfinite(u).all(axis=(1, 2)) & (diagonal > 0.0).all(axis=1)))
    faults.rows(bad, "variances", "missing, zero or negative variances", "above 0", remedy)
    faults.stop()
    return q, u


def _degrees_of_freedom(share: Floats, m: int, complete: float | None) -> Floats:
    """Barnard and Rubin's degrees of freedom, or Rubin's of 1987 without `complete`."""
    with np.errstate(divide="ignore"):
        old = (m - 1) / share**2
    if complete is None:
        return old
    observed = (complete + 1.0) / (complete + 3.0) * complete * (1.0 - share)
    return 1.0 / (1.0 / old + 1.0 / observed)


def rubin(
    estimates: Any,
    variances: Any,
    *,
    names: Sequence[str] | None = None,
    n: int | None = None,
    level: float = 0.95,
) -> RubinResult:
    r"""Combine the estimates of m imputed data sets by Rubin's rules.

    Parameters
    ----------
    estimates : array-like, shape (m,) or (m, p)
        Estimates of each imputed data set, on a scale on which they are normal: log hazard ratios.
    variances : array-like, shape (m,), (m, p) or (m, p, p)
        Their variances or covariances (squares of standard errors).
    names : sequence of str, optional
        Names of the p estimates; ``x1``, ``x2``, ... by default.
    n : int, optional
        Observations behind each estimate, for the degrees of freedom of the complete data,
        ``n - p``; for a Cox model its number of events. Without it, or from many, they count as
        infinite.
    level : float
        Confidence level of ``.table()``.

    Returns
    -------
    RubinResult
        ``.estimates .standard_errors .df .fraction_missing``, ``.confint()``, ``.table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with the imputations they are in.
    EstimationError
        With one imputation, or `n` not above p.

    Notes
    -----
    With the mean variance W and the variance B between m estimates,

    .. math:: T = W + (1 + \tfrac1m) B,\quad \lambda = (1 + \tfrac1m) B / T,\quad
              \nu_{old} = \frac{m - 1}{\lambda^2},\quad
              \nu_{obs} = \frac{\nu_c + 1}{\nu_c + 3} \nu_c (1 - \lambda),\quad
              \frac1\nu = \frac1{\nu_{old}} + \frac1{\nu_{obs}}

    The fraction of missing information is :math:`(r + 2/(\nu + 3)) / (r + 1)` with r = (1 + 1/m)
    B / W, the relative efficiency 1 / (1 + fraction / m).

    References
    ----------
    .. [1] Rubin DB (1987). Multiple imputation for nonresponse in surveys. Wiley.
    .. [2] Barnard J, Rubin DB (1999). Small-sample degrees of freedom with multiple imputation.
       Biometrika 86:948-955.

    Examples
    --------
    >>> found = rubin([0.61, 0.55, 0.66], [0.012, 0.013, 0.0125])
    >>> print(round(float(found.estimates[0]), 4), round(float(found.df[0]), 3))
    0.6067 33.467
    """
    level = check_level(level)
    q, u = _read(estimates, variances)
    m, p = q.shape
    if m < 2:
        raise EstimationError(f"rubin: {m} imputation; two or more are needed, better 20")
    terms = tuple(f"x{j + 1}" for j in range(p)) if names is None else tuple(map(str, names))
    if len(terms) != p:
        raise EstimationError(f"rubin: {len(terms)} names for {p} estimates")
    if n is not None and check_number(n, "n", f"a whole number above {p}") <= p:
        raise EstimationError(f"rubin: n is {n}; allowed: more than the {p} estimates")
    within = u.mean(axis=0)
    centred = q - q.mean(axis=0)
    between = centred.T @ centred / (m - 1)
    total = within + (1.0 + 1.0 / m) * between
    b, w, t = ((x.diagonal()) for x in ((1.0 + 1.0 / m) * between, within, total))
    df = _degrees_of_freedom(b / t, m, None if n is None else float(n - p))
    increase = b / w
    fraction = (increase + 2.0 / (df + 3.0)) / (increase + 1.0)
    return RubinResult(
        terms, q.mean(axis=0), np.sqrt(t), within, between, total, df, fraction, increase,
        1.0 / (1.0 + fraction / m), n, m,
        "Rubin's rules, Barnard-Rubin df" if n is not None else "Rubin's rules, df of 1987",
        {"level": level, "n": n}, __version__,
    )  # fmt: skip
