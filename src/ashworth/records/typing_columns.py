"""The text cells of one table to a typed frame with every schema column."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from ashworth.errors import Problem
from ashworth.records.cells import AS_TYPED, DTYPES, clean, parse, problems_of
from ashworth.records.checks import ROW, check_frame
from ashworth.records.columns import ColumnSpec
from ashworth.records.csv_text import RawTable
from ashworth.records.days import DateColumn, disagreements, to_days
from ashworth.records.formats import InputFormat
from ashworth.records.layout import Layout, day_columns


@dataclass(slots=True)
class _Typing:
    """What accumulates while the columns of one table are typed."""

    table: str
    raw: RawTable
    layout: Layout
    input_format: InputFormat
    values: dict[str, pl.Series] = field(default_factory=dict)
    shown: dict[str, pl.Series] = field(default_factory=dict)
    failed: dict[str, pl.Series] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def typed_frame(
    raw: RawTable,
    table: str,
    layout: Layout,
    input_format: InputFormat,
    index: pl.DataFrame | None,
) -> tuple[pl.DataFrame, list[Problem]]:
    """Type every column, turn dates into days, check against the schema.

    Returns
    -------
    frame : polars.DataFrame
        Schema columns in order, then extra ones, then ``_row``.
    problems : list of Problem
        All failing cells.
    """
    state = _Typing(table, raw, layout, input_format)
    for name, spec in layout.columns.items():
        _type_column(state, name, spec)
    for date_column, day_column in day_columns(layout.columns).items():
        if date_column in layout.header_of:
            _days_from_dates(state, date_column, day_column, index)
    frame = pl.DataFrame({n: state.values[n] for n in layout.columns} | {ROW: raw.rows})
    state.problems += check_frame(
        frame, table, layout.columns, shown=pl.DataFrame(state.shown), failed=state.failed
    )
    return frame, state.problems


def _cells_of(state: _Typing, name: str) -> tuple[pl.Series, InputFormat]:
    header = state.layout.header_of[name]
    own = AS_TYPED if header in state.raw.typed else state.input_format
    return clean(state.raw.cells[header], state.input_format.missing), own


def _type_column(state: _Typing, name: str, spec: ColumnSpec) -> None:
    height = state.raw.rows.len()
    if name not in state.layout.header_of:
        default = state.layout.defaults.get(name)
        cells = pl.Series(name, [default], dtype=pl.String).new_from_index(0, height)
        own = AS_TYPED
        state.failed[name] = pl.Series([default is None]).new_from_index(0, height)
    else:
        cells, own = _cells_of(state, name)
    values, faults = parse(cells, spec, own)
    state.values[name], state.shown[name] = values, cells
    state.problems += problems_of(faults, cells, state.raw.rows, state.table, name)
    for fault in faults:
        _mark(state, name, fault.failing)


def _mark(state: _Typing, name: str, failing: pl.Series) -> None:
    failing = failing.fill_null(False)
    before = state.failed.get(name)
    state.failed[name] = failing if before is None else before | failing


def _days_from_dates(
    state: _Typing, date_column: str, day_column: str, index: pl.DataFrame | None
) -> None:
    """Fill the day column from the date column; both given must agree."""
    spec = ColumnSpec(date_column, "date", "", "")
    cells, own = _cells_of(state, date_column)
    dates, faults = parse(cells, spec, own)
    state.problems += problems_of(faults, cells, state.raw.rows, state.table, date_column)
    column = DateColumn(
        state.table, date_column, dates, cells, state.values["patient_id"], state.raw.rows
    )
    days, failed, problems = to_days(column, index)
    state.problems += problems
    given = state.values[day_column]
    state.problems += disagreements(given, days, column, day_column)
    state.values[day_column] = _first(given, days).alias(day_column).cast(DTYPES["integer"])
    state.shown[day_column] = _first(state.shown[day_column], cells).alias(day_column)
    absent = day_column not in state.layout.header_of
    state.failed[day_column] = failed if absent else state.failed[day_column] | failed
    for fault in faults:
        _mark(state, day_column, fault.failing)


def _first(one: pl.Series, other: pl.Series) -> pl.Series:
    return one.zip_with(one.is_not_null(), other)
