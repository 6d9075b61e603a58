"""Positivity by time point, with limits."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ashworth.enumeration.intervals import ProportionInterval, proportion_interval
from ashworth.version import __version__


@dataclass(frozen=True, slots=True)
class Positivity:
    """Share of positive patients among the assessable, by rule and time point.

    Attributes
    ----------
    positivity : polars.DataFrame
        rule, timepoint, n, n_assessable, n_positive, proportion, lower, upper, first_day
        (earliest specimen day, for the order of time points).
    """

    positivity: pl.DataFrame
    n: int
    method: str
    options: dict[str, float]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the table, in order of rule and day."""
        return self.positivity


def positivity(
    statuses: pl.DataFrame,
    *,
    method: ProportionInterval = "clopper-pearson",
    level: float = 0.95,
) -> Positivity:
    """Count the positive patients at each time point.

    Parameters
    ----------
    statuses : polars.DataFrame
        Table `statuses`; what is not assessable is counted apart and not in the denominator.
    method : {'clopper-pearson', 'wilson'}
        Limits.
    level : float
        Their level.

    Returns
    -------
    Positivity

    Examples
    --------
    >>> table = pl.DataFrame({"rule": "r", "timepoint": "baseline", "specimen_day": 0,
    ...     "status": ["positive", "negative", "negative", "not_assessable"]})
    >>> positivity(table).table()["n", "n_assessable", "n_positive"].rows()
    [(4, 3, 1)]
    """
    status = pl.col("status")
    grouped = (
        statuses.group_by("rule", "timepoint")
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            (status != "not_assessable").sum().cast(pl.Int64).alias("n_assessable"),
            (status == "positive").sum().cast(pl.Int64).alias("n_positive"),
            pl.col("specimen_day").min().alias("first_day"),
        )
        .sort("rule", "first_day", "timepoint")
    )
    limits = proportion_interval(
        grouped["n_positive"].to_numpy(),
        grouped["n_assessable"].to_numpy(),
        method=method,
        level=level,
    )
    table = grouped.with_columns(
        pl.Series("proportion", limits.estimate).fill_nan(None),
        pl.Series("lower", limits.lower).fill_nan(None),
        pl.Series("upper", limits.upper).fill_nan(None),
    )
    order = [c for c in table.columns if c != "first_day"]
    return Positivity(table.select(*order, "first_day"), statuses.height, method, {"level": level})
