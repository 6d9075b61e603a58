"""Calendar dates in a declared format; never guessed."""

from __future__ import annotations

import re
from typing import get_args

import polars as pl

from ashworth.records.formats import DateFormat

_ONE_OR_TWO, _FOUR = "([0-9]{1,2})", "([0-9]{4})"
_EXCEL_EPOCHS = {"excel": "1899-12-30", "excel-1904": "1904-01-01"}
_CLOCK = r"[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"


def pattern(date_format: DateFormat) -> str:
    r"""Return the regular expression of a format, with the groups in the order of its letters.

    Examples
    --------
    >>> pattern("DD.MM.YYYY")
    '^([0-9]{1,2})\\.([0-9]{1,2})\\.([0-9]{4})$'
    """
    if date_format in _EXCEL_EPOCHS:
        return r"^([0-9]{1,6})(?:\.0+)?$"
    if date_format == "YYYYMMDD":
        return "^([0-9]{4})([0-9]{2})([0-9]{2})$"
    if date_format == "YYYY-MM-DD HH:MM:SS":
        return "^([0-9]{4})-([0-9]{2})-([0-9]{2})" + _CLOCK + "$"
    body = re.escape(date_format).replace(r"\-", "-")
    body = body.replace("YYYY", _FOUR).replace("DD", _ONE_OR_TWO).replace("MM", _ONE_OR_TWO)
    return f"^{body}$"


def parse_dates(cells: pl.Series, date_format: DateFormat) -> pl.Series:
    """Turn text into dates; what has another shape or is no day of the calendar becomes null."""
    if date_format in _EXCEL_EPOCHS:
        return _excel(cells, date_format)
    order = sorted(("YYYY", "MM", "DD"), key=date_format.index)
    group = {letters: i for i, letters in enumerate(order, start=1)}
    iso = pl.concat_str(
        [
            pl.col("c").str.extract(pattern(date_format), group["YYYY"]),
            pl.col("c").str.extract(pattern(date_format), group["MM"]).str.zfill(2),
            pl.col("c").str.extract(pattern(date_format), group["DD"]).str.zfill(2),
        ],
        separator="-",
    )
    return cells.alias("c").to_frame().select(iso.str.to_date("%Y-%m-%d", strict=False)).to_series()


def _excel(cells: pl.Series, date_format: DateFormat) -> pl.Series:
    days = cells.str.extract(pattern(date_format), 1).cast(pl.Int32)
    epoch = pl.lit(_EXCEL_EPOCHS[date_format]).str.to_date()
    # Serial numbers up to 60 belong to Excel's 29 February 1900, which never was.
    days = days.set(days <= (60 if date_format == "excel" else -1), None)
    frame = days.alias("d").to_frame()
    return frame.select(epoch + pl.duration(days=pl.col("d"))).to_series().cast(pl.Date)


def shape(cells: pl.Series, date_format: DateFormat) -> pl.Series:
    """Say which cells have the shape of a format."""
    return cells.str.contains(pattern(date_format))


def guess_remedy(cell: str, declared: DateFormat) -> str:
    """Name the formats that a cell fits, as a hint in a message."""
    fits = [f for f in get_args(DateFormat) if re.match(pattern(f), cell) and f != declared]
    fits = [f for f in fits if f not in _EXCEL_EPOCHS or re.match(r"^[0-9]{4,5}(\.0+)?$", cell)]
    if not fits:
        return f"write the date as {declared}"
    names = " or ".join(f"'{f}'" for f in fits)
    return f"write it as {declared}, or declare date_format = {names} if the table is so written"
