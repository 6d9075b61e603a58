"""Bytes of a CSV file to text cells: encoding, separator, quotes, ragged rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import get_args

import polars as pl

from ashworth.errors import InputError, Problem
from ashworth.records.formats import Delimiter, InputFormat

_BATCH = 50_000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RawTable:
    """Text cells as they stand in the input.

    Attributes
    ----------
    cells : polars.DataFrame
        Every column as text, named by the header.
    rows : polars.Series
        Row of each record as a spreadsheet shows it (the header is row 1).
    typed : frozenset of str
        Columns that came with a type (Parquet, frames): their text is ISO dates and decimal points.
    header : tuple of str
        Names as they stand in the input.
    encoding, delimiter : str or None
        What a text file was read with.
    problems : tuple of Problem
        Ragged rows and bad header names.
    """

    cells: pl.DataFrame
    rows: pl.Series
    typed: frozenset[str] = frozenset()
    header: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    problems: tuple[Problem, ...] = ()


def read_csv_text(data: bytes, table: str, input_format: InputFormat) -> RawTable:
    """Split the bytes of a CSV file into text cells; raises `InputError` where that is hopeless."""
    text, encoding = _decode(data, table, input_format)
    delimiter = input_format.delimiter or _delimiter(text)
    records = _records(text, delimiter, table)
    header_row, header = next(records)
    while header and not header[-1].strip():
        header.pop()
    _check_header(header, table)
    problems: list[Problem] = []
    if can_split_plainly(text):
        cells, rows = split_plainly(text, header_row, header, delimiter, table, problems)
    else:
        cells, rows = split_quoted(records, header, table, problems)
    if not rows.len() and not problems:
        problems.append(no_rows(table))
    return RawTable(
        cells, rows, header=tuple(header), encoding=encoding, delimiter=delimiter,
        problems=tuple(problems),
    )  # fmt: skip


def no_rows(table: str) -> Problem:
    """Return the problem of a table that has columns only."""
    return Problem(
        table, None, None, "a header and no rows", "at least one row", "fill or leave out the table"
    )


def _decode(data: bytes, table: str, input_format: InputFormat) -> tuple[str, str]:
    """Decode strictly; without a declaration UTF-8 first, then cp1252."""
    data = data.removeprefix(_BOM)
    declared = input_format.encoding
    candidates = [declared] if declared else ["utf-8", "cp1252", "latin-1"]
    row = 1
    for encoding in candidates:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError as error:
            row = data.count(b"\n", 0, error.start) + 1
    raise InputError(
        [Problem(table, row, None, f"bytes that are not {declared}", f"text in {declared}",
                 "declare the file's encoding: encoding = 'cp1252' or 'latin-1'")]
    )  # fmt: skip


def _delimiter(text: str) -> str:
    """Return the separator that splits the header line into most names."""
    line = re.split(r"\r\n|\r|\n", text.lstrip("\r\n"), maxsplit=1)[0]
    counts = {d: len(next(csv.reader([line], delimiter=d), [])) for d in get_args(Delimiter)}
    return max(counts, key=lambda d: counts[d])


def _records(text: str, delimiter: str, table: str) -> Iterator[tuple[int, list[str]]]:
    """Yield spreadsheet row and cells of every record that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    try:
        for row, record in enumerate(reader, start=1):
            if any(record):
                yield row, record
    except csv.Error as error:
        raise InputError([_csv_fault(table, row + 1, str(error))]) from error


def _csv_fault(table: str, row: int, message: str) -> Problem:
    if "unexpected end" in message:
        found, remedy = (
            "a quoted cell without its closing quote",
            ("close the quote; if the file was cut off, export it again"),
        )
    elif "field limit" in message:
        found, remedy = (
            f"a cell of more than {csv.field_size_limit():,} characters",
            ("look for a missing closing quote or the wrong separator"),
        )
    else:
        found, remedy = f"a misplaced quote ({message})", "double a quote inside a quoted cell"
    return Problem(table, row, None, found, "cells, quoted or plain", remedy)


def _check_header(header: list[str], table: str) -> None:
    problems = [
        Problem(table, 1, name, f"the header '{name}' {header.count(name)} times", "each name once",
                "rename or delete the repeated column")
        for name in dict.fromkeys(header)
        if name.strip() and header.count(name) > 1
    ]  # fmt: skip
    problems += [
        Problem(table, 1, None, f"no name above column {i}", "a name for each column", "name it")
        for i, name in enumerate(header, start=1)
        if not name.strip()
    ]
    if problems:
        raise InputError(problems)


def split_quoted(
    records: Iterator[tuple[int, list[str]]], header: list[str], table: str, problems: list[Problem]
) -> tuple[pl.DataFrame, pl.Series]:
    """Collect records in batches; ragged ones become problems and are left out."""
    width = len(header)
    schema = dict.fromkeys(header, pl.String)
    parts, rows = [pl.DataFrame(schema=schema)], [pl.Series("row", [], dtype=pl.Int64)]
    while batch := list(islice(records, _BATCH)):
        good = [(row, cells[:width]) for row, cells in batch if _fits(cells, width)]
        problems += [_ragged(table, r, c, width) for r, c in batch if not _fits(c, width)]
        if good:
            numbers, lines = zip(*good, strict=True)
            columns = zip(*lines, strict=True)
            parts.append(pl.DataFrame(dict(zip(header, columns, strict=True)), schema=schema))
            rows.append(pl.Series("row", numbers, dtype=pl.Int64))
    return pl.concat(parts), pl.concat(rows)


def can_split_plainly(text: str) -> bool:
    """Say whether every line is one record: no quotes, and no line that could hide one."""
    return '"' not in text and max(map(len, re.split(r"[\r\n]", text))) < csv.field_size_limit()


def split_plainly(
    text: str,
    header_row: int,
    header: list[str],
    delimiter: str,
    table: str,
    problems: list[Problem],
) -> tuple[pl.DataFrame, pl.Series]:
    """Do what `split_quoted` does where there are no quotes, column by column."""
    width = len(header)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    frame = pl.DataFrame({"line": lines}, schema={"line": pl.String}).with_row_index("row", 1)
    frame = frame.cast({"row": pl.Int64}).filter(
        (pl.col("row") > header_row) & (pl.col("line").str.strip_chars(delimiter) != "")
    )
    odd = frame.filter(pl.col("line").str.count_matches(delimiter, literal=True) != width - 1)
    split = ((row, line.split(delimiter)) for row, line in odd.iter_rows())
    ragged = {
        row: _ragged(table, row, cells, width) for row, cells in split if not _fits(cells, width)
    }
    problems += ragged.values()
    good = frame.filter(~pl.col("row").is_in(list(ragged))) if ragged else frame
    cells = good.select(pl.col("line").str.split_exact(delimiter, width).alias("cells"))
    fields = [
        pl.col("cells").struct.field(f"field_{i}").cast(pl.String).alias(name)
        for i, name in enumerate(header)
    ]
    return cells.select(fields), good["row"]


def _fits(cells: list[str], width: int) -> bool:
    return len(cells) == width or (len(cells) > width and not any(cells[width:]))


def _ragged(table: str, row: int, cells: list[str], width: int) -> Problem:
    return Problem(
        table, row, None, f"{len(cells)} cells", f"{width} cells, as in the header",
        "look for a missing or extra separator, or a decimal comma in a comma-separated file",
    )  # fmt: skip
