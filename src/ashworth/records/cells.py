"""Text cells to typed values, one column at a time; every cell that fails is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from ashworth.errors import Problem
from ashworth.records.columns import ColumnSpec
from ashworth.records.dates import guess_remedy, parse_dates, shape
from ashworth.records.formats import InputFormat
from ashworth.records.identifiers import may_identify

# Classes of ASCII digits: polars' own digit class takes digits of every script.
_PLAIN = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_COMMA = r"^[+-]?(?:[0-9]+(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_WHOLE = r"^[+-]?[0-9]+$"
_EXPONENT = r"^[+-]?[0-9.,]+[eE][+-]?[0-9]+$"
_LARGEST = 2.0**53
_TRUE, _FALSE = ["true", "yes", "ja", "1"], ["false", "no", "nein", "0"]
DTYPES = {
    "text": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "boolean": pl.Boolean,
    "date": pl.Date,
}
AS_TYPED = InputFormat()


@dataclass(frozen=True, slots=True)
class Fault:
    """Cells of one column that fail for one reason.

    Attributes
    ----------
    failing : polars.Series
        True where the cell fails.
    allowed : str
        What is allowed there.
    remedy : callable
        From the cell's text to the way to mend it.
    """

    failing: pl.Series
    allowed: str
    remedy: Callable[[str], str]


def clean(cells: pl.Series, missing: tuple[str, ...]) -> pl.Series:
    """Strip blanks around the text and turn missing tokens into null."""
    frame = cells.alias("c").to_frame()
    stripped = pl.col("c").str.strip_chars()
    value = pl.when(stripped.is_in(["", *missing])).then(None).otherwise(stripped)
    return frame.select(value).to_series().alias(cells.name)


def parse(
    cells: pl.Series, spec: ColumnSpec, input_format: InputFormat
) -> tuple[pl.Series, list[Fault]]:
    """Turn a cleaned column of text into values; failing cells become null and a `Fault`.

    Examples
    --------
    >>> spec = ColumnSpec("grade", "integer", "", "")
    >>> values, faults = parse(pl.Series(["2", "5.0", "2.5"]), spec, InputFormat())
    >>> values.to_list(), [f.failing.to_list() for f in faults if f.failing.any()]
    ([2, 5, None], [[False, False, True]])
    """
    values, faults = _PARSERS[spec.kind](cells, spec, input_format)
    return values.alias(spec.name).cast(DTYPES[spec.kind]), faults


def problems_of(
    faults: list[Fault], cells: pl.Series, rows: pl.Series, table: str, column: str
) -> list[Problem]:
    """Turn faults into problems, one per failing cell."""
    found = []
    for fault in faults:
        failing = fault.failing.fill_null(False)
        if failing.any():
            pairs = zip(rows.filter(failing), cells.filter(failing), strict=True)
            found += [
                Problem(table, row, column, quoted(c), fault.allowed, fault.remedy(c))
                for row, c in pairs
            ]
    return found


def quoted(cell: object) -> str:
    """Show a cell in a message, cut where it is long; not where it may identify a person.

    Examples
    --------
    >>> print(quoted("pos"), quoted("anna@example.org"))
    'pos' a text of 16 characters (not shown: it may identify a person)
    """
    if cell is None:
        return "no value"
    if may_identify(text := str(cell)):
        return f"a text of {len(text)} characters (not shown: it may identify a person)"
    return f"'{text}'" if len(text) <= 58 else f"'{text[:55]}…'"


def _text(
    cells: pl.Series, spec: ColumnSpec, input_format: InputFormat
) -> tuple[pl.Series, list[Fault]]:
    return cells, []


def _number(
    cells: pl.Series, spec: ColumnSpec, input_format: InputFormat
) -> tuple[pl.Series, list[Fault]]:
    decimal = input_format.decimal
    own, other = (_PLAIN, _COMMA) if decimal == "." else (_COMMA, _PLAIN)
    good = cells.str.contains(own)
    foreign = ~good & cells.str.contains(other)
    text = cells if decimal == "." else cells.str.replace(",", ".", literal=True)
    values = text.set(~good, None).cast(pl.Float64)
    mixed = bool(foreign.any()) and bool(cells.str.contains(decimal, literal=True).any())
    return values, [
        Fault(foreign, _sign(spec, decimal), lambda c: _decimal_remedy(c, decimal, mixed=mixed)),
        Fault(~good & ~foreign, _sign(spec, decimal), _number_remedy),
    ]


def _sign(spec: ColumnSpec, decimal: str) -> str:
    return f"{spec.allowed}, written with a decimal {'point' if decimal == '.' else 'comma'}"


def _decimal_remedy(cell: str, decimal: str, *, mixed: bool) -> str:
    other = "," if decimal == "." else "."
    if mixed:
        return (
            "the column mixes decimal commas and points: write every number with "
            f"'{decimal}', here {cell.replace(other, decimal)} (the setting decimal is '{decimal}')"
        )
    return (
        f"declare decimal = '{other}' in the input format, or write {cell.replace(other, decimal)}"
    )


def _number_remedy(cell: str) -> str:
    if any(sign in cell for sign in "<>≤≥±"):
        return "give one number; a limit such as '<1' is no value"
    if "," in cell and "." in cell:
        return "write the number without a thousands separator"
    return "write a number without unit or words; leave the cell empty where there is none"


def _integer(
    cells: pl.Series, spec: ColumnSpec, input_format: InputFormat
) -> tuple[pl.Series, list[Fault]]:
    plain = cells.str.contains(_WHOLE)
    if plain.all():
        values = cells.cast(pl.Int64, strict=False)
        return values, [_too_large(cells, values, spec)]
    powers = cells.str.contains(_EXPONENT).fill_null(False)
    cells = cells.set(powers, None)
    numbers, faults = _number(cells, spec, input_format)
    fractional = (numbers != numbers.round()) & numbers.is_finite()
    exact = cells.set(~plain, None).cast(pl.Int64, strict=False)
    whole = numbers.set(fractional | (numbers.abs() > _LARGEST), None)
    values = exact.zip_with(plain.fill_null(False), whole.cast(pl.Int64, strict=False))
    failed = fractional.fill_null(False)
    remedy = "a fraction is not allowed here; write the whole number" + _count_words(spec)
    return values, [
        *faults,
        Fault(powers, spec.allowed, lambda _: "write all digits, without an exponent"),
        Fault(failed, spec.allowed, lambda _: remedy),
        _too_large(cells.set(numbers.is_null() | failed, None), values, spec),
    ]


def _count_words(spec: ColumnSpec) -> str:
    return " of cells counted, not a rate or a mean" if spec.unit == "cells" else ""


def _too_large(cells: pl.Series, values: pl.Series, spec: ColumnSpec) -> Fault:
    failing = cells.is_not_null() & values.is_null()
    return Fault(failing, spec.allowed, lambda _: "the number is too large; check the cell")


def _boolean(
    cells: pl.Series, spec: ColumnSpec, input_format: InputFormat
) -> tuple[pl.Series, list[Fault]]:
    folded = cells.str.to_lowercase()
    true, false = folded.is_in(_TRUE), folded.is_in(_FALSE)
    allowed = "true or false (also yes/no, ja/nein, 1/0)"
    remedy = "write true or false; leave the cell empty where it is not known"
    return true.set(~(true | false), None), [Fault(~(true | false), allowed, lambda _: remedy)]


def _date(
    cells: pl.Series, spec: ColumnSpec, input_format: InputFormat
) -> tuple[pl.Series, list[Fault]]:
    declared = input_format.date_format
    values = parse_dates(cells, declared)
    shaped = shape(cells, declared)
    allowed = f"a date written as {declared}"
    impossible = "there is no such day in the calendar; check day, month and date_format"
    return values, [
        Fault(~shaped, allowed, lambda c: guess_remedy(c, declared)),
        Fault(shaped & values.is_null(), allowed, lambda _: impossible),
    ]


_PARSERS = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
