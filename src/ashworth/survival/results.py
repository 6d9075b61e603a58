"""What tests return: one small result type shared by the room."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtri

from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


def normal_quantile(level: float) -> float:
    """Two-sided normal quantile: 1.96 for 0.95."""
    return float(ndtri(0.5 + level / 2.0))


def chi_square_p(statistic: float, df: int) -> float:
    """Upper tail of the chi-square distribution; NaN without degrees of freedom."""
    if df < 1 or not math.isfinite(statistic):
        return float("nan")
    return float(chdtrc(df, max(statistic, 0.0)))


@dataclass(frozen=True, slots=True)
class TestResult:
    """A chi-square test.

    Attributes
    ----------
    statistic, df, p_value : float, int, float
        The chi-square statistic, its degrees of freedom and its upper tail.
    method : str
        Name of the test.
    n, events : int
        Rows and events that entered.
    groups : tuple
        Labels of the groups (empty for tests of coefficients).
    n_per_group, observed, expected : ndarray, shape (k,)
        Per group: rows, (weighted) observed and expected events.
    variance : ndarray, shape (k, k)
        Variance of observed minus expected.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    __test__ = False  # the name is no test class for pytest

    statistic: float
    df: int
    p_value: float
    method: str
    n: int
    events: int
    groups: tuple[Any, ...] = ()
    n_per_group: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    observed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    expected: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    variance: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    options: Mapping[str, Any] = field(default_factory=dict)
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per group (group, n, observed, expected), or one row with the test."""
        import polars as pl

        test = {"statistic": self.statistic, "df": self.df, "p_value": self.p_value}
        if not self.groups:
            return pl.DataFrame([{"method": self.method, **test}])
        return pl.DataFrame(
            {
                "group": [str(g) for g in self.groups],
                "n": self.n_per_group,
                "observed": self.observed,
                "expected": self.expected,
            }
        ).with_columns(**{k: pl.lit(v) for k, v in test.items()})
