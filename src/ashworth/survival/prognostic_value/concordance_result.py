"""Results of concordance: the index of each score, and differences between scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from ashworth.survival.inputs import Floats
from ashworth.survival.prognostic_value.pairs import COUNTS
from ashworth.survival.results import normal_quantile

if TYPE_CHECKING:
    import polars as pl


def cut_limits(estimate: Floats, error: Floats, level: float) -> tuple[Floats, Floats]:
    """Normal limits of probabilities, cut at 0 and 1."""
    half = normal_quantile(level) * error
    return np.maximum(estimate - half, 0.0), np.minimum(estimate + half, 1.0)


def two_sided_p(difference: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Wald's z and its two-sided p-value; NaN where the error is 0."""
    z = np.full(np.shape(difference), np.nan)
    np.divide(difference, error, out=z, where=error > 0)
    return z, 2.0 * ndtr(-np.abs(z))


@dataclass(frozen=True, slots=True)
class Concordance:
    """Concordance of m scores on the same rows.

    Attributes
    ----------
    names : tuple of str
        Scores, in the order of all arrays.
    concordance, standard_errors, lower, upper : ndarray, shape (m,)
        C, its standard error and normal limits at `level`, cut at 0 and 1.
    covariance : ndarray, shape (m, m)
        Covariance of the m values of C.
    counts : ndarray, shape (m, 5)
        Pairs: concordant, discordant, tied in score only, in time only, in both; weighted by case
        and time weights.
    n, events, n_strata : int
        Rows, events among them, strata.
    level : float
        Level of the limits.
    method, options, version
        Name of the estimator, what was chosen, version of the package.
    influence : ndarray, shape (units, m)
        Infinitesimal jackknife: each row's (or cluster's) part in C; the covariance is its
        cross-product.
    """

    names: tuple[str, ...]
    concordance: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    covariance: Floats
    counts: Floats
    n: int
    events: int
    n_strata: int
    level: float
    method: str
    options: Mapping[str, Any]
    version: str
    influence: Floats = field(repr=False, compare=False)

    def table(self) -> pl.DataFrame:
        """One row per score: C with its error and limits, pairs, n, events."""
        import polars as pl

        columns: dict[str, Any] = {
            "score": list(self.names),
            "n": [self.n] * len(self.names),
            "events": [self.events] * len(self.names),
            "concordance": self.concordance,
            "standard_error": self.standard_errors,
            "lower": self.lower,
            "upper": self.upper,
        }
        columns |= {name: self.counts[:, k] for k, name in enumerate(COUNTS)}
        return pl.DataFrame(columns)


@dataclass(frozen=True, slots=True)
class ConcordanceDifference:
    """Differences in concordance, each score minus the first.

    Attributes
    ----------
    names : tuple of str
        The scores that were compared with `reference`.
    reference : str
        Score that is subtracted.
    difference, standard_errors, lower, upper, z, p_values : ndarray, shape (k,)
        Difference in C, its error, normal limits at `level`, Wald z and two-sided p; z and p are
        NaN where the error is 0.
    n, events : int
        Rows and events.
    level : float
        Level of the limits.
    method, options, version
        Name of the estimator, what was chosen, version of the package.
    """

    names: tuple[str, ...]
    reference: str
    difference: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    z: Floats
    p_values: Floats
    n: int
    events: int
    level: float
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per score: difference from the reference with its limits, z and p."""
        import polars as pl

        return pl.DataFrame(
            {
                "score": list(self.names),
                "reference": [self.reference] * len(self.names),
                "n": [self.n] * len(self.names),
                "events": [self.events] * len(self.names),
                "difference": self.difference,
                "standard_error": self.standard_errors,
                "lower": self.lower,
                "upper": self.upper,
                "z": self.z,
                "p_value": self.p_values,
            }
        )
