"""The result of the test of proportional hazards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.smooth import smooth_residuals
from ashworth.survival.results import TestResult, normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ProportionalHazardsTest:
    """Tests of k terms, and the scaled Schoenfeld residuals of the events.

    Attributes
    ----------
    terms : tuple of str
        Terms, in the order of all arrays.
    statistic, df, p_value : ndarray, shape (k,)
        Chi-square statistics, degrees of freedom, upper tails.
    global_test : TestResult
        All terms together.
    time, transformed_time : ndarray, shape (events,)
        Event times by stratum, time and row, and what the test used for them.
    residuals : ndarray, shape (events, k)
        Scaled Schoenfeld residuals, about the coefficient (about 1 for a term of several
        covariates); NaN in strata where the term does not vary.
    residual_variance : ndarray, shape (k, k)
        Mean variance of one event's residuals.
    estimate : ndarray, shape (k,)
        The constant that the smooth would follow under proportional hazards.
    stratum : tuple
        Label of each event's stratum; empty without strata.
    rows : ndarray of int, shape (events,)
        Position of each event in what the caller gave to `cox`.
    n, events : int
        Rows and events.
    method, options, version : str, mapping, str
        Name of the test, what was chosen, version of the package.
    """

    terms: tuple[str, ...]
    statistic: Floats
    df: Integers
    p_value: Floats
    global_test: TestResult
    time: Floats
    transformed_time: Floats
    residuals: Floats
    residual_variance: Floats
    estimate: Floats
    stratum: tuple[Any, ...]
    rows: Integers
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per term and a last row ``GLOBAL``: statistic, df, p_value."""
        import polars as pl

        test = self.global_test
        return pl.DataFrame(
            {
                "term": [*self.terms, "GLOBAL"],
                "statistic": [*self.statistic.tolist(), test.statistic],
                "df": [*self.df.tolist(), test.df],
                "p_value": [*self.p_value.tolist(), test.p_value],
            }
        )

    def points(self) -> pl.DataFrame:
        """One row per term and event: term, time, transformed_time, residual, row."""
        import polars as pl

        k, events = len(self.terms), self.time.size
        return pl.DataFrame(
            {
                "term": np.repeat(np.array(self.terms, dtype=object), events).tolist(),
                "time": np.tile(self.time, k),
                "transformed_time": np.tile(self.transformed_time, k),
                "residual": self.residuals.T.ravel(),
                "row": np.tile(self.rows, k),
            }
        )

    def smooth(self, term: str, *, df: int = 4, points: int = 40) -> pl.DataFrame:
        """Smoothed residuals of one term: transformed_time, time, estimate, lower, upper.

        A natural cubic spline of the residuals on transformed time, fitted by least squares, with
        `df` columns and inner knots at quantiles of `points` even steps and the events together,
        as R draws it. The limits are pointwise, at the test's level, from the mean variance of a
        residual; ``time`` is interpolated between the events.
        """
        import polars as pl

        if term not in self.terms:
            raise EstimationError(f"term is {term!r}; allowed: {', '.join(self.terms)}")
        if df < 2 or points < 2:
            raise EstimationError("a smooth needs df >= 2 and points >= 2")
        j = self.terms.index(term)
        known = ~np.isnan(self.residuals[:, j])
        x = self.transformed_time
        grid = np.linspace(x.min(), x.max(), points)
        variance = float(self.residual_variance[j, j])
        y = self.residuals[:, j]
        fitted, error = smooth_residuals(x, y, known, grid, variance, df)
        half = normal_quantile(self.options["level"]) * error
        order = np.argsort(x, kind="stable")
        return pl.DataFrame(
            {
                "transformed_time": grid,
                "time": np.interp(grid, x[order], self.time[order]),
                "estimate": fitted,
                "lower": fitted - half,
                "upper": fitted + half,
            }
        )
