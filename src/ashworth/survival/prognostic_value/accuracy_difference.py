"""Differences in AUC or Brier score between markers or models on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, check_level, check_option
from ashworth.survival.prognostic_value.brier import BrierScore
from ashworth.survival.prognostic_value.concordance_result import two_sided_p
from ashworth.survival.prognostic_value.ipcw import standard_error
from ashworth.survival.prognostic_value.time_dependent_auc import TimeDependentAuc
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class AccuracyDifference:
    """Differences from a reference at k times.

    Attributes
    ----------
    measure : {"auc", "brier_score"}
        What is compared; a positive difference is better in AUC, worse in Brier score.
    names : tuple of str
        The j markers or models that were compared with `reference`.
    reference : str
        The one that is subtracted.
    times : ndarray, shape (k,)
        Times.
    difference, standard_errors, lower, upper, z, p_values : ndarray, shape (j, k)
        Difference, its error, normal limits at `level`, Wald z and two-sided p (NaN where the error
        is 0).
    n, events : int
        Rows and events of interest.
    level : float
        Level of the limits.
    method, options, version
        Name of the estimator, what was chosen, version of the package.
    """

    measure: str
    names: tuple[str, ...]
    reference: str
    times: Floats
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
        """One row per compared model and time."""
        import polars as pl

        k, j = self.times.size, len(self.names)
        return pl.DataFrame(
            {
                "measure": [self.measure] * (k * j),
                "model": np.repeat(self.names, k).tolist(),
                "reference": [self.reference] * (k * j),
                "time": np.tile(self.times, j),
                "difference": self.difference.ravel(),
                "standard_error": self.standard_errors.ravel(),
                "lower": self.lower.ravel(),
                "upper": self.upper.ravel(),
                "z": self.z.ravel(),
                "p_value": self.p_values.ravel(),
            }
        )


def compare_accuracy(
    found: TimeDependentAuc | BrierScore,
    reference: str | None = None,
    *,
    level: float | None = None,
) -> AccuracyDifference:
    """Difference in AUC or Brier score of each model from a reference, at each time.

    Parameters
    ----------
    found : TimeDependentAuc or BrierScore
        Of two or more markers or models on the same rows.
    reference : str, optional
        Name to subtract; the first by default.
    level : float, optional
        Level of the limits; that of `found` by default.

    Returns
    -------
    AccuracyDifference
        Limits and p-values hold at each time alone; they are not adjusted for the number of times.

    Raises
    ------
    EstimationError
        With one model only, or an unknown reference.

    Notes
    -----
    The standard error comes from the difference of the two influences of each row, so it knows
    that both values stand on the same patients.

    Examples
    --------
    >>> from ashworth.survival import time_dependent_auc
    >>> markers = {"a": [2, 1, 0, 3, 3, 0], "b": [1, 2, 0, 2, 1, 0]}
    >>> found = time_dependent_auc([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 0, 1], markers, 8)
    >>> round(float(compare_accuracy(found).difference[0, 0]), 4)
    0.2222
    """
    names = found.names
    if len(names) < 2:
        raise EstimationError("compare_accuracy: one model only; two or more are needed")
    base = names[0] if reference is None else check_option(reference, "reference", names)
    width = check_level(found.level if level is None else level)
    r = names.index(base)
    others = [i for i in range(len(names)) if i != r]
    brier = isinstance(found, BrierScore)
    value = found.score if isinstance(found, BrierScore) else found.auc
    difference = value[others] - value[r]
    error = standard_error(found.influence[:, others] - found.influence[:, [r]])
    half = normal_quantile(width) * error
    z, p = two_sided_p(difference, error)
    return AccuracyDifference(
        "brier_score" if brier else "auc", tuple(names[i] for i in others), base, found.times,
        difference, error, difference - half, difference + half, z, p, found.n, found.events, width,
        f"difference in {found.method}", found.options, __version__,
    )  # fmt: skip
