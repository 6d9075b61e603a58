"""What the cross-table rules are made of: expectations from outside, orphans, problems by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import polars as pl

from ashworth.errors import Problem
from ashworth.records.checks import ROW
from ashworth.records.schemas.outcomes import DEATHS

Tables: TypeAlias = Mapping[str, pl.DataFrame]
Words: TypeAlias = str | Callable[[dict[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Expectations:
    """What the definitions of a study demand of its tables.

    Attributes
    ----------
    denominators : mapping of str to str
        Assay id to the column its counts must fill: ``"volume_ml"`` or ``"nucleated_cells"``.
        Where it is empty, any assay is accepted and a count needs one of the two.
    matrices : mapping of str to str
        Assay id to what it is done on: ``"blood"`` or ``"bone_marrow"``.
    assay : str or None
        The assay of all counts where ``assay_runs`` is not given.
    event_codes : mapping of str to set of int
        Endpoint id to the codes that it can have.
    """

    denominators: Mapping[str, str] = field(default_factory=dict)
    matrices: Mapping[str, str] = field(default_factory=dict)
    assay: str | None = None
    event_codes: Mapping[str, frozenset[int]] = field(default_factory=dict)


Rule: TypeAlias = Callable[[Tables, Expectations], list[Problem]]


def row_problems(
    frame: pl.DataFrame, table: str, column: str, *, found: Words, allowed: Words, remedy: Words
) -> list[Problem]:
    """Make one problem per row; words may be functions of the row."""
    return [
        Problem(table, row[ROW], column, _said(found, row), _said(allowed, row), _said(remedy, row))
        for row in frame.iter_rows(named=True)
    ]


def _said(words: Words, row: dict[str, Any]) -> str:
    return words if isinstance(words, str) else words(row)


def orphans(tables: Tables, child: str, parent: str, key: Sequence[str]) -> pl.DataFrame | None:
    """Return the rows of `child` without a row in `parent`; None where that cannot be said.

    It cannot be said where a table is not there, or where a key cell of the parent is missing:
    the row meant may be the unreadable one, and good rows are not blamed.
    """
    if child not in tables or parent not in tables:
        return None
    keys = tables[parent].select(key)
    if sum(keys.null_count().row(0)):
        return None
    return tables[child].drop_nulls(list(key)).join(keys.unique(), on=list(key), how="anti")


def deaths(tables: Tables) -> pl.DataFrame:
    """Return the first death of each patient: patient_id, death_day."""
    empty = pl.DataFrame(schema={"patient_id": pl.String, "death_day": pl.Int64})
    if "outcomes" not in tables:
        return empty
    dead = tables["outcomes"].filter(pl.col("kind").is_in(DEATHS)).drop_nulls(["patient_id", "day"])
    return dead.group_by("patient_id").agg(pl.col("day").min().alias("death_day"))


def after_death(tables: Tables, table: str, column: str) -> pl.DataFrame:
    """Return the rows of a table that are dated after the patient's death."""
    joined = tables[table].join(deaths(tables), on="patient_id", how="inner")
    return joined.filter(pl.col(column) > pl.col("death_day")).sort(ROW)
