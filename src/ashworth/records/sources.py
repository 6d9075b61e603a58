"""A path, a frame or bytes in; a table of text cells out, with the rows a user would look up."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import narwhals as nw
import polars as pl

from ashworth.errors import InputError, Problem
from ashworth.records.csv_text import RawTable, no_rows, read_csv_text
from ashworth.records.formats import InputFormat

Source: TypeAlias = str | os.PathLike[str] | Any

_GZIP, _PARQUET, _ZIP, _OLE = b"\x1f\x8b", b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_SAVE_AS_CSV = "open it in the spreadsheet program and save it as CSV (UTF-8)"
_EXPECTED = "a CSV file (also .csv.gz), a Parquet file, or a polars or pandas frame"


def read_raw(source: Source, table: str, input_format: InputFormat) -> RawTable:
    """Read a source into text cells; raises `InputError` where that cannot be done at all."""
    if not isinstance(source, str | os.PathLike):
        return _from_native(source, table)
    path = Path(source)
    data = _bytes_of(path, table, input_format.max_bytes)
    if data.startswith(_GZIP):
        data = _gunzip(data, table, path, input_format.max_bytes)
    if data.startswith(_PARQUET) or path.suffix.lower() in (".parquet", ".pq"):
        return from_frame(_parquet(data, table, path), table)
    _refuse_binary(data, table, path)
    return read_csv_text(data, table, input_format)


def _fault(table: str, found: str, remedy: str, allowed: str = _EXPECTED) -> InputError:
    return InputError([Problem(table, None, None, found, allowed, remedy)])


def _bytes_of(path: Path, table: str, max_bytes: int) -> bytes:
    """Read a file after looking at its kind and size."""
    try:
        size = os.stat(path).st_size
        if path.is_dir():
            raise _fault(table, f"the folder '{path.name}'", "name the file inside it")
        if not path.is_file():
            raise _fault(table, f"'{path.name}', which is not a file", "name a regular file")
        if size > max_bytes:
            raise _too_large(table, path, f"{size:,} bytes", max_bytes)
        data = path.read_bytes()
    except FileNotFoundError as error:
        remedy = "check the name and the folder"
        raise _fault(table, f"no file '{path.name}'", remedy) from error
    except PermissionError as error:
        remedy = "give yourself the right to read it, or copy it"
        raise _fault(table, f"'{path.name}', which may not be read", remedy) from error
    except (OSError, ValueError) as error:
        raise _fault(table, f"'{path.name}': {error}", "check the path and the disk") from error
    if not data.strip():
        raise _fault(
            table, f"the empty file '{path.name}'", "save the table again", "a header line"
        )
    return data


def _too_large(table: str, path: Path, size: str, max_bytes: int) -> InputError:
    return _fault(
        table,
        f"'{path.name}' of {size}",
        "check that this is the table meant; if it is, split the file into smaller studies, or "
        "convert it to Parquet, which is smaller (from Python also InputFormat(max_bytes=...))",
        f"at most {max_bytes:,} bytes",
    )


def _gunzip(data: bytes, table: str, path: Path, max_bytes: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            plain = stream.read(max_bytes + 1)
    except (EOFError, OSError, zlib.error) as error:
        remedy = "copy or compress the file again"
        raise _fault(table, f"'{path.name}': truncated or damaged gzip", remedy) from error
    if len(plain) > max_bytes:
        raise _too_large(table, path, f"more than {max_bytes:,} bytes unpacked", max_bytes)
    if not plain.strip():
        raise _fault(
            table, f"the empty file '{path.name}'", "save the table again", "a header line"
        )
    return plain


def _parquet(data: bytes, table: str, path: Path) -> pl.DataFrame:
    try:
        if data[-4:] != _PARQUET:
            raise pl.exceptions.ComputeError("no end mark")
        return pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        found = f"'{path.name}': truncated, damaged or not Parquet"
        raise _fault(table, found, "write or copy the file again") from error


def _refuse_binary(data: bytes, table: str, path: Path) -> None:
    if data.startswith((_ZIP, _OLE)):
        found = f"'{path.name}', a spreadsheet or archive, not text"
        raise _fault(table, found, _SAVE_AS_CSV)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _fault(table, f"'{path.name}' in UTF-16", "save it as CSV UTF-8")
    if b"\x00" in data:
        found = f"'{path.name}', a binary file (NUL bytes)"
        raise _fault(table, found, "name a text file; " + _SAVE_AS_CSV)


def _from_native(source: Any, table: str) -> RawTable:
    """Take a polars, pandas or Arrow frame through narwhals."""
    try:
        frame = nw.from_native(source)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        _check_names(frame.columns, table)
        columns = [_to_polars(frame[name]) for name in frame.columns]
    except nw.exceptions.DuplicateError as error:
        found = "a frame with a repeated column name"
        raise _fault(table, found, "give every column its own name") from error
    except TypeError as error:
        found = f"an object of type {type(source).__name__}"
        raise _fault(table, found, "give a path or a frame") from error
    return from_frame(pl.DataFrame(columns), table)


def _check_names(names: Sequence[object], table: str) -> None:
    numbered = [repr(name) for name in names if not isinstance(name, str)]
    if numbered:
        found = f"column names that are not text: {', '.join(numbered[:8])}"
        raise _fault(table, found, "name the columns of the frame", "column names as text")


def _to_polars(series: nw.Series[Any]) -> pl.Series:
    """Copy a column; a column of mixed types becomes text, to be parsed like a file's."""
    if series.implementation.is_polars():
        return series.to_native()
    cells = zip(series.to_list(), series.is_null().to_list(), strict=True)
    values = [None if missing else cell for cell, missing in cells]
    try:
        return pl.Series(series.name, values, strict=True)
    except TypeError:
        texts = [None if cell is None else str(cell) for cell in values]
        return pl.Series(series.name, texts, dtype=pl.String)


def from_frame(frame: pl.DataFrame, table: str) -> RawTable:
    """Turn a typed frame into text cells; row 2 is the first, as if it stood in a file."""
    nested = [n for n, t in frame.schema.items() if t.is_nested() or t in (pl.Object, pl.Binary)]
    if nested:
        raise InputError(
            [
                Problem(table, None, n, f"values of type {frame.schema[n]}", "one value per cell",
                        "write the values as text, numbers or dates")
                for n in nested
            ]
        )  # fmt: skip
    return RawTable(
        cells=frame.select(_as_text(name, dtype) for name, dtype in frame.schema.items()),
        rows=pl.int_range(2, frame.height + 2, dtype=pl.Int64, eager=True),
        typed=frozenset(n for n, t in frame.schema.items() if t not in (pl.String, pl.Categorical)),
        header=tuple(frame.columns),
        problems=() if frame.height else (no_rows(table),),
    )


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        return column.dt.strftime("%Y-%m-%d")
    return column.cast(pl.String)
