"""Alignment of a table's cells on the decimal point."""

from __future__ import annotations

import re

from ashworth.figures.typesetting import clean, text_width
from ashworth.reports.blocks import Row, Table

_NUMBER = re.compile(r"^((?:[<>≤≥] ?)?[−-]?\d[\d,]*)(.*)$")

SHORT = 24
"""Tables of at most so many rows are kept on one printed page."""


def split_number(cell: str) -> tuple[str, str]:
    """Part of a cell up to the decimal point, and the rest.

    Examples
    --------
    >>> split_number("1.94 (1.70–2.21)"), split_number("1,136 (46.6)"), split_number("reference")
    (('1', '.94 (1.70–2.21)'), ('1,136', ' (46.6)'), ('', ''))
    """
    match = _NUMBER.match(cell)
    return (match[1], match[2]) if match else ("", "")


def decimal_widths(table: Table) -> dict[int, float]:
    """Width in em that stands right of the decimal point, by number of the column.

    Parameters
    ----------
    table : Table
        Columns with ``align="decimal"`` are measured; cells that are words do not count.

    Returns
    -------
    dict of int to float
        Column number to width.

    Examples
    --------
    >>> from ashworth.reports.blocks import Column
    >>> table = Table((Column("x", "decimal"),), (Row(("1.25",)), Row(("10",))), "numbers")
    >>> decimal_widths(table)
    {0: 1.25}
    """
    widths: dict[int, float] = {}
    for i, column in enumerate(table.columns):
        if column.align == "decimal":
            rows = (row for row in table.rows if isinstance(row, Row))
            tails = ((split_number(clean(row.cells[i]))[1], row.bold) for row in rows)
            sizes = [text_width(tail, size=1, bold=bold) for tail, bold in tails]
            widths[i] = round(max(sizes, default=0) + 0.005, 2)
    return widths
