"""Typed columns against their schema: ranges, words, required cells, keys, by dataframely."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import dataframely as dy
import polars as pl

from ashworth.errors import Problem
from ashworth.records.cells import quoted
from ashworth.records.columns import FIRST_DATE, LAST_DATE, ColumnSpec
from ashworth.records.identifiers import may_identify
from ashworth.records.schemas import key_of, schema_of

ROW = "_row"
_KEY_RULE = "primary_key"


def check_frame(
    frame: pl.DataFrame,
    table: str,
    columns: Mapping[str, ColumnSpec],
    *,
    shown: pl.DataFrame | None = None,
    failed: Mapping[str, pl.Series] | None = None,
) -> list[Problem]:
    """Check a typed frame against its schema and return every problem.

    Parameters
    ----------
    frame : polars.DataFrame
        All columns of the schema and the extra ones, and ``_row``.
    table : str
        Table name.
    columns : mapping
        Dictionary entries of all columns; those beyond the schema are the extra ones.
    shown : polars.DataFrame, optional
        The cells as the user wrote them, for the messages.
    failed : mapping of str to boolean Series, optional
        Cells that have a problem already: these are not reported again as missing.
    """
    failures = _row_schema(table, columns).filter(frame)[1].details()
    rules = [n for n in failures.columns if n not in frame.columns and n != _KEY_RULE]
    place = pl.int_range(frame.height, dtype=pl.Int64, eager=True)
    position = dict(zip(frame[ROW], place, strict=True)) if failures.height else {}
    problems: dict[tuple[int, str], Problem] = {}
    for rule in rules:
        column, _, _ = rule.rpartition("|")
        for row in failures.filter(pl.col(rule) == "invalid")[ROW]:
            at = position[row]
            if failed is None or column not in failed or not failed[column][at]:
                cell = (shown if shown is not None and column in shown.columns else frame)[column][
                    at
                ]
                problems.setdefault((row, column), _cell_problem(table, row, columns[column], cell))
    return [*problems.values(), *_duplicates(frame, table)]


def _row_schema(table: str, columns: Mapping[str, ColumnSpec]) -> type[dy.Schema]:
    """Return the table's schema with the extra columns and the row number."""
    base = schema_of(table)
    extra = {n: _extra_column(s) for n, s in columns.items() if n not in base.columns()}
    members = {f"extra_{i}": column for i, column in enumerate(extra.values())}
    return type(base.__name__, (base,), {**members, ROW: dy.Int64(nullable=False)})


def _extra_column(spec: ColumnSpec) -> dy.Column:
    if spec.kind == "text":
        words = list(spec.categories)
        check = {"category": lambda c: c.is_in(words)} if words else None
        return dy.String(nullable=True, alias=spec.name, check=check)
    if spec.kind == "boolean":
        return dy.Bool(nullable=True, alias=spec.name)
    if spec.kind == "date":
        low, high = spec.minimum or FIRST_DATE, spec.maximum or LAST_DATE
        return dy.Date(nullable=True, alias=spec.name, min=low, max=high)  # type: ignore[arg-type]
    kind = dy.Int64 if spec.kind == "integer" else dy.Float64
    return kind(nullable=True, alias=spec.name, min=spec.minimum, max=spec.maximum)  # type: ignore[arg-type]


def _cell_problem(table: str, row: int, spec: ColumnSpec, cell: object) -> Problem:
    if cell is None:
        remedy = "fill the cell" if not spec.key else "fill the cell: it is part of the key"
        return Problem(table, row, spec.name, "no value", spec.allowed, remedy)
    return Problem(table, row, spec.name, quoted(cell), spec.allowed, _remedy(spec, str(cell)))


def _remedy(spec: ColumnSpec, cell: str) -> str:
    if spec.categories:
        return _nearest(cell, spec.categories)
    return spec.remedy or "correct the value, or leave the cell empty where it is not known"


def _nearest(cell: str, words: tuple[str, ...]) -> str:
    folded = {w.casefold().replace("_", " "): w for w in words}
    plain = cell.casefold().replace("_", " ").replace("-", " ")
    near = difflib.get_close_matches(plain, folded, n=1, cutoff=0.6)
    return f"write '{folded[near[0]]}'" if near else "write one of the allowed words"


def _duplicates(frame: pl.DataFrame, table: str) -> list[Problem]:
    """Report every row of a repeated key, with the other rows."""
    key = list(key_of(table))
    complete = frame.select(*key, ROW).drop_nulls()
    repeated = complete.filter(complete.select(key).is_duplicated())
    if not repeated.height:
        return []
    groups = repeated.group_by(key, maintain_order=True).agg(pl.col(ROW))
    problems = []
    for *values, rows in groups.iter_rows():
        found = f"{_quoted_key(values)} in rows {_listed(rows)}"
        problems += [
            Problem(table, row, key[0] if len(key) == 1 else ", ".join(key), found,
                    "each key once", "delete the repeated row, or correct its key")
            for row in rows
        ]  # fmt: skip
    return problems


def _quoted_key(values: list[object]) -> str:
    """Quote a key as one text, unless one of its parts may identify a person."""
    if any(may_identify(str(value)) for value in values):
        return ", ".join(map(quoted, values))
    return f"'{', '.join(map(str, values))}'"


def _listed(rows: list[int]) -> str:
    words = ", ".join(map(str, rows[:8]))
    return words if len(rows) <= 8 else f"{words} and {len(rows) - 8} more"
