"""Tables at the room's door: polars or pandas in, the needed columns in polars out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import polars as pl

from ashworth.errors import InputError, Problem


def columns_of(table: Any, columns: Sequence[str], name: str) -> pl.DataFrame:
    """Take the needed columns of a polars or pandas frame.

    Parameters
    ----------
    table : frame, polars or pandas
        Rows are kept in order.
    columns : sequence of str
        What is needed, in this order.
    name : str
        Name of the table in error messages.

    Raises
    ------
    InputError
        Naming every column that is not there.
    """
    try:
        frame = nw.from_native(table, eager_only=True)
    except TypeError:
        fault = Problem(
            name, None, None, f"{type(table).__name__}", "a polars or pandas frame", "make a frame"
        )
        raise InputError([fault], subject=f"the table {name}") from None
    absent = [c for c in columns if c not in frame.columns]
    if absent:
        raise InputError(
            [
                Problem(name, None, c, "no such column", "this column is needed", f"add '{c}'")
                for c in absent
            ],
            subject=f"the table {name}",
        )
    if frame.implementation.is_polars():
        return frame.select(*columns).to_native()
    return pl.DataFrame({c: _without_nan(frame[c].to_list()) for c in columns}, strict=False)


def _without_nan(values: list[Any]) -> list[Any]:
    """Make pandas' empty cells null."""
    return [None if value is None or value != value else value for value in values]
