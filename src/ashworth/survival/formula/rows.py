"""Rows and levels behind a formula: needed columns, complete rows, levels of factors."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import AshworthWarning, EstimationError, InputError, Problem
from ashworth.survival.formula.grammar import Parsed
from ashworth.survival.inputs import Booleans, Integers

if TYPE_CHECKING:
    import polars as pl


class MissingRowsWarning(AshworthWarning):
    """Rows with missing covariates were left out; the message counts them by column."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Complete rows of the needed columns.

    Attributes
    ----------
    table : polars.DataFrame
        Complete rows, in order.
    kept : ndarray of int
        Their positions in what the caller gave.
    n_given : int
        Rows that were given.
    missing : dict
        Missing values by column, only columns that have some.
    """

    table: pl.DataFrame
    kept: Integers
    n_given: int
    missing: dict[str, int]


def read_table(data: Any, columns: Sequence[str], subject: str) -> pl.DataFrame:
    """Needed columns of a frame or a dict of columns, as polars."""
    import polars as pl

    from ashworth.survival.frames import columns_of

    needed = list(dict.fromkeys(columns))
    if isinstance(data, Mapping):
        try:
            data = pl.DataFrame(dict(data), strict=False)
        except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
            raise EstimationError(f"{subject}: the columns make no table: {error}") from None
    return columns_of(data, needed, "data")


def _absent(column: pl.Series) -> Booleans:
    gone = column.is_null()
    if column.dtype.is_float():
        gone = gone | column.is_nan().fill_null(value=True)
    return gone.to_numpy().astype(bool)


def complete_rows(table: pl.DataFrame, covariates: Sequence[str], subject: str) -> Rows:
    """Leave out rows with missing covariates and say so.

    Warns
    -----
    MissingRowsWarning
        With the number of rows and of missing values by column.
    """
    gone = np.zeros(table.height, dtype=bool)
    missing = {}
    for name in dict.fromkeys(covariates):
        absent = _absent(table[name])
        if absent.any():
            missing[name] = int(absent.sum())
            gone |= absent
    kept = np.flatnonzero(~gone)
    if missing:
        what = ", ".join(f"{name} {count}" for name, count in missing.items())
        text = (
            f"{subject}: {int(gone.sum())} of {table.height} rows left out for missing values "
            f"({what})"
        )
        warnings.warn(text, MissingRowsWarning, stacklevel=4)
    if kept.size == 0:
        raise EstimationError(f"{subject}: no row is complete in {', '.join(covariates)}")
    return Rows(table[kept], kept, table.height, missing)


def is_text(column: pl.Series) -> bool:
    """Whether a column has levels by its nature."""
    import polars as pl

    return column.dtype == pl.String or column.dtype in (pl.Categorical, pl.Enum)


def _in_order(column: pl.Series) -> list[Any]:
    """Levels that occur: in the order of an Enum, else sorted."""
    import polars as pl

    found = set(column.to_list())
    if isinstance(column.dtype, pl.Enum):
        return [c for c in column.dtype.categories.to_list() if c in found]
    return sorted(found)


def find_levels(
    table: pl.DataFrame, parsed: Parsed, reference: Mapping[str, Any] | None
) -> dict[str, tuple[Any, ...]]:
    """Levels of every factor, its reference level first.

    Raises
    ------
    InputError
        Where `reference` names a column that is no factor, or a level that does not occur.
    """
    factors = [
        c for c in parsed.covariates if c in parsed.factors or is_text(table[c])
    ]  # fmt: skip
    levels = {name: _in_order(table[name]) for name in factors}
    problems = []
    for name, first in (reference or {}).items():
        if name not in levels:
            allowed = f"factors of the formula: {', '.join(levels) or 'none'}"
            problems.append(Problem("reference", None, name, "no factor", allowed, "use C()"))
        elif first not in levels[name]:
            allowed = f"one of {levels[name]}"
            remedy = "name a level that occurs"
            problems.append(Problem("reference", None, name, repr(first), allowed, remedy))
        else:
            levels[name] = [first, *(v for v in levels[name] if v != first)]
    if problems:
        raise InputError(problems, subject="reference levels")
    return {name: tuple(values) for name, values in levels.items()}


def unknown_levels(
    table: pl.DataFrame, levels: Mapping[str, tuple[Any, ...]], rows: Integers
) -> list[Problem]:
    """Levels that a fit has not seen, by column and row."""
    problems = []
    for name, known in levels.items():
        values = table[name].to_list()
        for value in sorted({v for v in values if v is not None} - set(known), key=str):
            where = [int(r) for r, v in zip(rows, values, strict=True) if v == value]
            found = f"{value!r} in {len(where)} rows (from 0: {where[:5]})"
            allowed = f"levels of the fit: {list(known)}"
            remedy = "predict for known levels only; the model says nothing about others"
            problems.append(Problem("data", None, name, found, allowed, remedy))
    return problems
