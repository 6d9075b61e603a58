"""Calendar dates of the input to days from each patient's index date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import polars as pl

from ashworth.errors import Problem
from ashworth.records.cells import Fault, problems_of, quoted
from ashworth.records.columns import DAY_LIMIT

IndexDates: TypeAlias = pl.DataFrame | Mapping[str, date]


@dataclass(frozen=True, slots=True)
class DateColumn:
    """One date column on its way to days: its header, its dates, its text, its place."""

    table: str
    header: str
    dates: pl.Series
    shown: pl.Series
    patients: pl.Series
    rows: pl.Series


def index_frame(index_dates: IndexDates | None) -> pl.DataFrame | None:
    """Bring index dates into one shape: patient_id, index_date; one row per patient."""
    if index_dates is None:
        return None
    if isinstance(index_dates, pl.DataFrame):
        return index_dates.select("patient_id", "index_date").unique("patient_id", keep="first")
    schema = {"patient_id": pl.String, "index_date": pl.Date}
    pairs = {"patient_id": list(index_dates), "index_date": list(index_dates.values())}
    return pl.DataFrame(pairs, schema=schema)


def to_days(
    column: DateColumn, index: pl.DataFrame | None
) -> tuple[pl.Series, pl.Series, list[Problem]]:
    """Return the days, which cells failed, and the problems."""
    empty = pl.Series([None] * column.dates.len(), dtype=pl.Int64)
    if index is None or (index.height and index["index_date"].null_count() == index.height):
        none_known = Problem(
            column.table, 1, column.header, "calendar dates without index dates",
            "dates, where patients has index_date",
            "add index_date to patients, or give days from the index date",
        )  # fmt: skip
        return empty, column.dates.is_not_null(), [none_known]
    joined = pl.DataFrame({"patient_id": column.patients, "date": column.dates}).join(
        index.with_columns(known=pl.lit(True)),
        on="patient_id",
        how="left",
        maintain_order="left",
    )
    days = joined.select((pl.col("date") - pl.col("index_date")).dt.total_days()).to_series()
    failed = column.dates.is_not_null() & days.is_null()
    # A patient who is not in patients is reported by the cross-table rule, once.
    without = failed & joined["known"].fill_null(False)
    fault = Fault(
        without,
        "dates of patients who have an index_date",
        lambda _: "fill this patient's index_date in patients",
    )
    far = (days.abs() > DAY_LIMIT).fill_null(False)
    remote = Fault(
        far,
        f"a date within {DAY_LIMIT:,} days of the patient's index date",
        lambda _: "check the year of the date, and the patient's index_date",
    )
    faults = [fault, remote]
    problems = problems_of(faults, column.shown, column.rows, column.table, column.header)
    return days.set(far, None), failed | far, problems


def disagreements(
    given: pl.Series, days: pl.Series, column: DateColumn, day_header: str
) -> list[Problem]:
    """Report rows whose day and date say different things."""
    differ = (given != days).fill_null(False)
    if not differ.any():
        return []
    return [
        Problem(
            column.table, row, day_header,
            f"day {day} beside {column.header} {quoted(text)}, which is day {other}",
            "the same day in both columns", "correct one of them, or leave one column out",
        )
        for row, day, text, other in zip(
            column.rows.filter(differ), given.filter(differ), column.shown.filter(differ),
            days.filter(differ), strict=True,
        )
    ]  # fmt: skip
