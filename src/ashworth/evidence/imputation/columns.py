"""Columns with missing values: numbers, factors with their levels, and the outcome's columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Booleans, Faults, Floats, Integers

if TYPE_CHECKING:
    import polars as pl

MOST_LEVELS = 20


@dataclass(frozen=True, slots=True)
class Column:
    """One covariate.

    Attributes
    ----------
    name : str
        Its name.
    missing : ndarray of bool, shape (n,)
        True where there is no value.
    values : ndarray of float, shape (n,)
        Numbers, or codes of the levels; arbitrary where missing.
    levels : tuple
        Levels of a factor in order; empty for numbers.
    """

    name: str
    missing: Booleans
    values: Floats
    levels: tuple[Any, ...]

    @property
    def kind(self) -> str:
        """``"number"`` or ``"factor"``."""
        return "factor" if self.levels else "number"

    def design(self, values: Floats) -> Floats:
        """Columns for a regression: standardised numbers, or one indicator per further level."""
        if self.levels:
            return (values[:, None] == np.arange(1, len(self.levels))).astype(np.float64)
        spread = values.std()
        return ((values - values.mean()) / (spread if spread > 0.0 else 1.0))[:, None]


def as_frame(covariates: Any, faults: Faults) -> pl.DataFrame:
    """Polars frame from a frame or a dict of columns; NaN counts as missing."""
    import polars as pl

    if isinstance(covariates, pl.DataFrame):
        plain = [
            _series(s.name, s.to_list(), faults) if s.dtype == pl.Object else s
            for s in covariates.get_columns()
        ]
        frame = pl.DataFrame(plain)
    elif isinstance(covariates, dict) or hasattr(covariates, "columns"):
        names = list(covariates) if isinstance(covariates, dict) else list(covariates.columns)
        columns = [_series(str(c), covariates[c], faults) for c in names]
        if len({c.len() for c in columns}) > 1:
            found = f"columns of {len({c.len() for c in columns})} lengths"
            faults.note("covariates", found, "one length", "align the columns")
            faults.stop()
        frame = pl.DataFrame(columns)
    else:
        found = type(covariates).__name__
        faults.note("covariates", found, "a frame or a dict of columns", "name the columns")
        faults.stop()
        raise AssertionError
    return frame.with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None))


def _series(name: str, values: Any, faults: Faults) -> pl.Series:
    """Column of plain values; missing ones of every kind become null."""
    import polars as pl

    if isinstance(values, pl.Series) and values.dtype != pl.Object:
        return values.alias(name)
    plain = values.tolist() if hasattr(values, "tolist") else list(values)
    missing = [v is None or v != v or type(v).__name__ in {"NAType", "NaTType"} for v in plain]
    known = [None if m else v for m, v in zip(missing, plain, strict=True)]
    try:
        return pl.Series(name, known)
    except (TypeError, pl.exceptions.PolarsError):
        faults.note(name, "values of mixed types", "one type", f"convert {name}")
        return pl.Series(name, [0.0] * len(plain))


def _read_column(series: pl.Series, faults: Faults) -> Column | None:
    import polars as pl

    missing = series.is_null().to_numpy()
    known = series.drop_nulls()
    levels = known.unique().sort()
    if series.dtype.is_numeric() and levels.len() > 2:
        if not np.isfinite(known.cast(pl.Float64).to_numpy()).all():
            faults.note(series.name, "infinite values", "finite numbers", "correct them")
        values = series.cast(pl.Float64).fill_null(0.0).to_numpy()
        return Column(series.name, missing, values, ())
    if series.dtype.is_temporal() or series.dtype.is_nested():
        found = f"values of type {series.dtype}"
        faults.note(series.name, found, "numbers, text or truth values", "convert the column")
        return None
    if levels.len() > MOST_LEVELS:
        found = f"{levels.len()} levels"
        remedy = "leave it out, or join levels; a number must not be stored as text"
        faults.note(series.name, found, f"at most {MOST_LEVELS} levels of a factor", remedy)
        return None
    listed = tuple(levels.to_list())
    codes = {level: code for code, level in enumerate(listed)}
    values = np.array([float(codes.get(v, 0)) for v in series.to_list()])
    return Column(series.name, missing, values, listed)


def read_columns(frame: pl.DataFrame, faults: Faults) -> list[Column]:
    """Check and code the columns; a column with no value at all is a fault."""
    columns = []
    for series in frame.get_columns():
        if series.null_count() == series.len():
            remedy = "leave the column out: nothing is known to impute from"
            faults.note(series.name, "no value at all", "some values", remedy)
            continue
        column = _read_column(series, faults)
        if column is not None:
            columns.append(column)
    return columns


def write_columns(
    frame: pl.DataFrame, columns: list[Column], filled: dict[str, Floats]
) -> pl.DataFrame:
    """The frame with imputed values in the types of its columns."""
    import polars as pl

    changed = []
    for column in columns:
        if not column.missing.any():
            continue
        values: list[Any] = filled[column.name].tolist()
        if column.levels:
            values = [column.levels[int(v)] for v in values]
        old = frame.get_column(column.name)
        new = pl.Series(column.name, values).cast(old.dtype)
        changed.append(old.fill_null(pl.lit(None)).zip_with(~pl.Series(column.missing), new))
    return frame.with_columns(changed)


def nelson_aalen(time: Floats, event: Booleans, entry: Floats | None) -> Floats:
    """Cumulative hazard of all patients together at each patient's time, less that at entry."""
    at = np.unique(time[event])
    deaths = np.array([np.count_nonzero(event & (time == t)) for t in at], dtype=np.float64)
    order = np.sort(time)
    at_risk = order.size - np.searchsorted(order, at, side="left")
    if entry is not None:
        at_risk = at_risk - (entry.size - np.searchsorted(np.sort(entry), at, side="left"))
    total = np.concatenate([[0.0], np.cumsum(deaths / at_risk)])
    hazard = total[np.searchsorted(at, time, side="right")]
    if entry is None:
        return hazard
    return hazard - total[np.searchsorted(at, entry, side="right")]


def indicator_columns(codes: Integers, k: int) -> Floats:
    """One indicator for each group but the first."""
    return (codes[:, None] == np.arange(1, k)).astype(np.float64)


def demand_missing(columns: list[Column]) -> None:
    """Refuse complete columns: there is nothing to impute."""
    if not any(c.missing.any() for c in columns):
        raise EstimationError("impute: no value is missing; fit the model once")
