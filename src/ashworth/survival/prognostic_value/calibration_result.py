"""The result of a calibration at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashworth.survival.inputs import Floats

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Calibration:
    """Observed against predicted risk at one time.

    Attributes
    ----------
    at : float
        The horizon.
    observed, standard_error, lower, upper : float
        Observed risk of all rows at the horizon, with limits.
    mean_predicted : float
        Mean predicted risk.
    ratio, ratio_lower, ratio_upper : float
        Observed over expected: above 1 the predictions are too low.
    slope, slope_lower, slope_upper : float
        Coefficient of log(-log(1 - predicted)): below 1 the predictions are too extreme.
    groups : mapping of str to ndarray, shape (g,)
        Quantile groups by predicted risk: ``group``, ``n``, ``events`` by the horizon,
        ``predicted`` (mean), ``observed``, ``standard_error``, ``lower``, ``upper``.
    curve : mapping of str to ndarray
        Smooth calibration on a grid: ``predicted``, ``observed``, ``lower``, ``upper``.
    smoothed : ndarray, shape (n,)
        Smooth observed risk of every row; NaN where no curve can be fitted.
    ici, e50, e90, e_max : float
        Mean, median, 90th percentile and largest absolute difference of smooth observed and
        predicted risk.
    knots : ndarray
        Knots of the curve, as risks.
    notes : tuple of str
        What could not be estimated, and why.
    method : str
        Name of the estimator.
    n, events : int
        Rows, and events by the horizon.
    competing : int
        Competing events by the horizon.
    options : mapping
        Groups, knots, level, late entry.
    version : str
        Version of the package.
    """

    at: float
    observed: float
    standard_error: float
    lower: float
    upper: float
    mean_predicted: float
    ratio: float
    ratio_lower: float
    ratio_upper: float
    slope: float
    slope_lower: float
    slope_upper: float
    groups: Mapping[str, Any]
    curve: Mapping[str, Floats]
    smoothed: Floats
    ici: float
    e50: float
    e90: float
    e_max: float
    knots: Floats
    notes: tuple[str, ...]
    method: str
    n: int
    events: int
    competing: int
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per quantile group."""
        import polars as pl

        return pl.DataFrame({k: self.groups[k] for k in self.groups})

    def curve_table(self) -> pl.DataFrame:
        """Smooth curve: predicted, observed, limits."""
        import polars as pl

        return pl.DataFrame({k: self.curve[k] for k in self.curve})

    def summary(self) -> pl.DataFrame:
        """One row per measure with limits."""
        import polars as pl

        rows = [
            ("observed risk", self.observed, self.lower, self.upper),
            ("mean predicted risk", self.mean_predicted, None, None),
            ("observed/expected", self.ratio, self.ratio_lower, self.ratio_upper),
            ("slope", self.slope, self.slope_lower, self.slope_upper),
            *((name, getattr(self, name), None, None) for name in ("ici", "e50", "e90", "e_max")),
        ]
        return pl.DataFrame(rows, schema=["measure", "value", "lower", "upper"], orient="row")
