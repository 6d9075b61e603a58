"""Sources to validated tables: one table, or all tables of a study with the rules between them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from ashworth.errors import InputError, Problem
from ashworth.records.checks import ROW
from ashworth.records.csv_text import RawTable
from ashworth.records.days import IndexDates, index_frame
from ashworth.records.formats import ExtraColumn, InputFormat
from ashworth.records.identifiers import refuse_identifiers
from ashworth.records.layout import Layout, lay_out
from ashworth.records.rules import Expectations, check_tables, default_runs
from ashworth.records.schemas import TABLES, blank, schema_of, specs, unknown_table
from ashworth.records.sources import Source, read_raw
from ashworth.records.typing_columns import typed_frame


@dataclass(frozen=True, slots=True)
class TableRead:
    """One table as read.

    Attributes
    ----------
    table : str
        Name of the table.
    frame : polars.DataFrame
        Every column of the schema in order (null where the input has no such column), then the
        declared extra ones. Cells with a problem are null.
    problems : tuple of Problem
        All faults.
    ignored_columns, absent_columns : tuple of str
        Headers that were not used; columns that the input does not have.
    notices : tuple of str
        What was assumed, for the report.
    rows : polars.Series
        Row of each record in the input, the header being row 1.
    encoding, delimiter : str or None
        What a text file was read with.
    complete : bool
        Whether every record of the input is in `frame`.
    header_of : dict of str to str
        Column to header, where they differ.
    """

    table: str
    frame: pl.DataFrame
    problems: tuple[Problem, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    absent_columns: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    rows: pl.Series = field(default_factory=lambda: pl.Series("row", [], dtype=pl.Int64))
    encoding: str | None = None
    delimiter: str | None = None
    complete: bool = True
    header_of: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class TablesRead(Mapping[str, pl.DataFrame]):
    """The tables of a study: a mapping from name to frame, with what was noticed on the way.

    Attributes
    ----------
    reads : dict of str to TableRead
        How each table was read; a derived table has no entry.
    frames : dict of str to polars.DataFrame
        The tables.
    notices : tuple of str
        What was assumed or left unused.
    """

    reads: dict[str, TableRead]
    frames: dict[str, pl.DataFrame]
    notices: tuple[str, ...] = ()

    def __getitem__(self, table: str) -> pl.DataFrame:
        """Return a table."""
        return self.frames[table]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self.frames)

    def __len__(self) -> int:
        """Count the tables."""
        return len(self.frames)


def read_table(
    source: Source,
    table: str,
    *,
    input_format: InputFormat | None = None,
    rename: Mapping[str, str] | None = None,
    extra: Mapping[str, ExtraColumn] | None = None,
    defaults: Mapping[str, str] | None = None,
    index_dates: IndexDates | None = None,
    declared_identifiers: Sequence[str] = (),
) -> TableRead:
    """Read one table; faults of the data are returned, not raised.

    Parameters
    ----------
    source : path or frame
        CSV (also gzipped), Parquet, or a polars, pandas or Arrow frame.
    table : str
        Name of the schema, e.g. ``"counts"``.
    input_format : InputFormat, optional
        How a text file is written.
    rename : mapping, optional
        From header to column.
    extra : mapping of str to ExtraColumn, optional
        Columns beyond the schema that are kept.
    defaults : mapping, optional
        Values of columns that the input does not have.
    index_dates : mapping or frame of patient_id and index_date, optional
        Day 0 of each patient; needed where ``<x>_date`` stands for ``<x>_day``.
    declared_identifiers : sequence of str
        Headers that look as if they named a person, and do not.

    Raises
    ------
    ValueError
        If the table is unknown, or an extra column has the name of a schema column.

    Examples
    --------
    >>> counts = pl.DataFrame({"patient_id": ["P1"], "specimen_id": ["S1"], "n_cells": ["-2"]})
    >>> read = read_table(counts, "counts", defaults={"phenotype": "ctc", "caller": "laboratory"})
    >>> print(read.problems[0].row, read.problems[0].column, read.problems[0].found)
    2 n_cells '-2'
    """
    schema_of(table)
    how = input_format or InputFormat()
    try:
        raw = read_raw(source, table, how)
    except InputError as error:
        return TableRead(table, blank(table), error.problems, complete=False)
    layout = lay_out(raw.cells.columns, table, rename=rename, extra=extra, defaults=defaults)
    problems = [
        *raw.problems,
        *layout.problems,
        *_identifiers(raw, layout, table, declared_identifiers),
    ]
    frame, cell_problems = typed_frame(raw, table, layout, how, index_frame(index_dates))
    inverse = {name: head for name, head in layout.header_of.items() if name != head}
    return TableRead(
        table=table,
        frame=frame.drop(ROW),
        problems=tuple(sorted([*problems, *in_file_words(cell_problems, inverse)], key=_order)),
        ignored_columns=layout.ignored,
        absent_columns=layout.absent,
        notices=(*_reading_notices(raw, table, how), *layout.notices),
        rows=raw.rows,
        encoding=raw.encoding,
        delimiter=raw.delimiter,
        complete=not raw.problems,
        header_of=inverse,
    )


def _identifiers(
    raw: RawTable, layout: Layout, table: str, declared: Sequence[str]
) -> list[Problem]:
    """Judge undeclared and extra columns by name and values, free text of the schema by values."""
    schema = specs(table)
    of_schema = {head for name, head in layout.header_of.items() if name in schema}
    plain = {
        head
        for name, head in layout.header_of.items()
        if name not in layout.columns or (name in schema and schema[name].kind != "text")
    }
    return refuse_identifiers(
        raw.cells,
        table,
        known=frozenset(of_schema),
        numeric=frozenset(plain),
        declared=frozenset(declared),
        pseudonyms=frozenset(h for n, h in layout.header_of.items() if n.endswith("_id")),
    )


def in_file_words(problems: Sequence[Problem], header_of: Mapping[str, str]) -> list[Problem]:
    """Name columns in problems as the input names them."""
    return [
        replace(p, column=header_of[p.column]) if p.column in header_of else p for p in problems
    ]


def _reading_notices(raw: RawTable, table: str, how: InputFormat) -> tuple[str, ...]:
    if raw.encoding in (None, "utf-8") or how.encoding:
        return ()
    return (f"{table}: the file is not UTF-8 and was read as {raw.encoding}",)


def _order(problem: Problem) -> tuple[int, int, str]:
    place = TABLES.index(problem.table) if problem.table in TABLES else len(TABLES)
    return place, problem.row or 0, problem.column or ""


def read_tables(
    sources: Mapping[str, Source],
    *,
    input_format: InputFormat | Mapping[str, InputFormat] | None = None,
    rename: Mapping[str, Mapping[str, str]] | None = None,
    extra: Mapping[str, ExtraColumn] | None = None,
    defaults: Mapping[str, Mapping[str, str]] | None = None,
    declared_identifiers: Sequence[str] = (),
    expectations: Expectations | None = None,
) -> TablesRead:
    """Read all tables of a study and check them one by one and against each other.

    Parameters
    ----------
    sources : mapping of str to path or frame
        By table name; ``patients`` must be there.
    input_format : InputFormat or mapping of table name to InputFormat, optional
        How the text files are written.
    rename : mapping of table name to mapping, optional
        From header to column.
    extra : mapping of str to ExtraColumn, optional
        Covariates of patients beyond the schema.
    defaults : mapping of table name to mapping, optional
        Values of columns that the input does not have.
    declared_identifiers : sequence of str
        Headers that look as if they named a person, and do not.
    expectations : Expectations, optional
        What definitions demand: denominators and matrices of assays, event codes.

    Returns
    -------
    TablesRead
        A mapping from table name to frame. Where ``assay_runs`` is not given and
        `expectations.assay` is, the runs are derived and a notice says so.

    Raises
    ------
    InputError
        With all problems of all tables.
    """
    known = {name: source for name, source in sources.items() if name in TABLES}
    problems = [unknown_table(name) for name in sources if name not in TABLES]
    problems += [_unknown_rename(name) for name in rename or {} if name not in TABLES]
    if "patients" not in sources:
        problems.append(_no_patients())
    reads: dict[str, TableRead] = {}
    for name in sorted(known, key=TABLES.index):
        reads[name] = read_table(
            known[name],
            name,
            input_format=input_format.get(name)
            if isinstance(input_format, Mapping)
            else input_format,
            rename=(rename or {}).get(name),
            extra=extra if name == "patients" else None,
            defaults=(defaults or {}).get(name),
            index_dates=_index_dates(reads.get("patients")),
            declared_identifiers=declared_identifiers,
        )
    return _joined(reads, problems, expectations or Expectations())


def _index_dates(patients: TableRead | None) -> pl.DataFrame | None:
    """Return the index dates, without patients whose index date is a problem of its own."""
    if patients is None:
        return None
    header = (patients.header_of or {}).get("index_date", "index_date")
    bad = [p.row for p in patients.problems if p.column == header and p.row != 1]
    return patients.frame.filter(~patients.rows.is_in(bad)) if bad else patients.frame


def _no_patients() -> Problem:
    return Problem(
        "patients", None, None, "no table of patients", "a table with at least patient_id",
        "add patients with one row per patient",
    )  # fmt: skip


def _unknown_rename(table: str) -> Problem:
    near = difflib.get_close_matches(table, TABLES, n=1, cutoff=0.6)
    remedy = f"did you mean '{near[0]}'?" if near else "correct the table's name, or remove it"
    return Problem(
        table, None, None, f"renames for a table '{table}', which does not exist",
        "one of " + ", ".join(TABLES), remedy,
    )  # fmt: skip


def _by_rows(
    problem: Problem, read: TableRead, unreadable: set[tuple[str, int | None, str | None]]
) -> list[Problem]:
    """Split a problem of a whole column into its rows where cells of it could not be read."""
    name = problem.column
    header = (read.header_of or {}).get(name or "", name)
    unread = {row for table, row, column in unreadable if (table, column) == (read.table, header)}
    if problem.row is not None or name not in read.frame.columns or not unread & set(read.rows):
        return [problem]
    rows = read.rows.filter(read.frame[name].is_null())
    return [replace(problem, row=row, found="no value") for row in rows]


def _joined(
    reads: dict[str, TableRead], problems: list[Problem], expectations: Expectations
) -> TablesRead:
    """Run the rules between the tables; raise all problems or return the tables."""
    frames = {n: r.frame for n, r in reads.items()}
    with_rows = {n: r.frame.with_columns(r.rows.alias(ROW)) for n, r in reads.items() if r.complete}
    for read in reads.values():
        problems += read.problems
    unreadable: set[tuple[str, int | None, str | None]]
    unreadable = {(p.table, p.row, p.column) for p in problems if p.row is not None}
    for problem in check_tables(with_rows, expectations):
        read = reads[problem.table]
        said = in_file_words(_by_rows(problem, read, unreadable), read.header_of or {})
        problems += [p for p in said if (p.table, p.row, p.column) not in unreadable]
    if problems:
        raise InputError(sorted(dict.fromkeys(problems), key=_order), subject="the tables")
    notices = [notice for read in reads.values() for notice in read.notices]
    if expectations.assay and "assay_runs" not in frames and {"specimens", "counts"} <= set(frames):
        frames["assay_runs"] = default_runs(
            frames["specimens"], frames["counts"], expectations.assay
        )
        notices.append(
            "assay_runs: not given; a run is taken as done where a count exists, "
            "and a specimen without a count as not done"
        )
    return TablesRead(reads, frames, tuple(notices))
