"""The result of a search for a cut-point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.survival.inputs import Booleans, Floats, Integers, check_level
from ashworth.survival.results import normal_quantile

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class CutPointSearch:
    """A searched cut-point with the p-value that the search deserves.

    Attributes
    ----------
    cut : float
        The selected cut: high is ``marker >= cut``.
    last_below : float
        Largest value of the low group: the form in which R's maxstat names the cut.
    statistic : float
        Largest absolute standardised log-rank (or score) statistic.
    p_value : float
        Corrected p-value by `p_method`: no cut of the marker separates.
    p_method : str
        ``"permutation"``, ``"exact"``, ``"multiplier"`` or ``"gaussian"``.
    corrected : mapping of str to float
        Corrected p-values of every method that was computed.
    uncorrected_p_value : float
        What a single prespecified cut would have; never the answer to a search.
    critical_value : float
        The statistic whose corrected p-value is 1 - level.
    cuts, statistics : ndarray, shape (K,)
        Candidate cuts and their signed statistics: positive where the high group has more events.
    n_low, n_high, events_low, events_high : ndarray of int, shape (K,)
        Rows and events on both sides of every candidate.
    log_hazard_ratio, standard_error : float
        High against low at the selected cut as if it had been prespecified: too large.
    corrected_log_hazard_ratio : float
        Less its bootstrap optimism; NaN without a bootstrap.
    held_out_log_hazard_ratio : float
        Median over the bootstrap of the effect in the rows that the sample did not hold, at the cut
        that the sample chose; NaN without a bootstrap.
    bootstrap_cuts : ndarray, shape (B,)
        The cut that each bootstrap sample chose.
    above_permutations : bool
        Whether the statistic lies above all permutations.
    method : str
        Name of the search.
    n, events : int
        Rows and events.
    options : mapping
        Smallest share, permutations, bootstrap samples, level, covariates.
    version : str
        Version of the package.
    """

    cut: float
    last_below: float
    statistic: float
    p_value: float
    p_method: str
    corrected: Mapping[str, float]
    uncorrected_p_value: float
    critical_value: float
    cuts: Floats
    statistics: Floats
    n_low: Integers
    n_high: Integers
    events_low: Integers
    events_high: Integers
    log_hazard_ratio: float
    standard_error: float
    corrected_log_hazard_ratio: float
    held_out_log_hazard_ratio: float
    bootstrap_cuts: Floats
    above_permutations: bool
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str

    @property
    def hazard_ratio(self) -> float:
        """Hazard ratio at the selected cut, uncorrected for the search."""
        return float(np.exp(self.log_hazard_ratio))

    @property
    def corrected_hazard_ratio(self) -> float:
        """Hazard ratio less its bootstrap optimism."""
        return float(np.exp(self.corrected_log_hazard_ratio))

    def confint(self, level: float = 0.95) -> Floats:
        """Wald limits of the uncorrected log hazard ratio; they do not know of the search."""
        half = normal_quantile(check_level(level)) * self.standard_error
        return np.array([self.log_hazard_ratio - half, self.log_hazard_ratio + half])

    def cut_distribution(self) -> pl.DataFrame:
        """How many bootstrap samples chose each cut: cut, n, share."""
        import polars as pl

        values, counts = np.unique(self.bootstrap_cuts, return_counts=True)
        return pl.DataFrame({"cut": values, "n": counts, "share": counts / max(counts.sum(), 1)})

    def table(self) -> pl.DataFrame:
        """One row per candidate cut, with the statistic and whether it was selected."""
        import polars as pl

        selected: Booleans = self.cuts == self.cut
        return pl.DataFrame(
            {
                "cut": self.cuts,
                "n_low": self.n_low,
                "n_high": self.n_high,
                "events_low": self.events_low,
                "events_high": self.events_high,
                "statistic": self.statistics,
                "critical_value": np.full(self.cuts.size, self.critical_value),
                "selected": selected,
            }
        )
