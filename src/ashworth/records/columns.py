"""Kinds of column: each builder makes a dataframely column that also carries its dictionary entry.

The schema is the one source: ranges are enforced by dataframely, and unit, description and
remedy stand beside them for messages and for the data dictionary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

import dataframely as dy
import polars as pl

Kind: TypeAlias = Literal["text", "integer", "number", "boolean", "date"]

DAY_LIMIT = 40_000
FIRST_DATE, LAST_DATE = date(1900, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """What is known of one column: the entry of the data dictionary.

    Attributes
    ----------
    name, kind, unit, description : str
        Name, kind of value, unit ('' where there is none), meaning.
    minimum, maximum : float, date or None
        Limits; `minimum` itself is excluded where `above` is true.
    categories : tuple of str
        The allowed words, empty where the column is free.
    required, key, identifying, above : bool
        Must be filled; part of the table's key; tells who the patient is or when something
        happened by the calendar; `minimum` is excluded.
    remedy : str
        How to mend a value outside the range.
    """

    name: str
    kind: Kind
    unit: str
    description: str
    minimum: float | date | None = None
    maximum: float | date | None = None
    categories: tuple[str, ...] = ()
    required: bool = False
    key: bool = False
    identifying: bool = False
    above: bool = False
    remedy: str = ""

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        if self.categories:
            return "one of " + ", ".join(self.categories)
        words = _KIND_WORDS[self.kind] + _range_words(self)
        return words + (f" ({self.unit})" if self.unit else "")


_KIND_WORDS = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date",
}


def _range_words(spec: ColumnSpec) -> str:
    words = []
    if spec.minimum is not None:
        words.append(f"{'above' if spec.above else 'at least'} {_limit(spec.minimum)}")
    if spec.maximum is not None:
        words.append(f"at most {_limit(spec.maximum)}")
    return (", " if words else "") + " and ".join(words)


def _limit(value: float | date) -> str:
    return str(value) if isinstance(value, date) else f"{value:.12g}"


def _meta(kind: Kind, **entries: Any) -> dict[str, Any]:
    return {"kind": kind, **entries}


def text(
    description: str, *, key: bool = False, required: bool = False, identifying: bool = False
) -> dy.String:
    """Make a column of free text."""
    return dy.String(
        nullable=not (key or required),
        primary_key=key,
        description=description,
        metadata=_meta("text", identifying=identifying),
    )


def choice(
    description: str, *categories: str, key: bool = False, required: bool = False
) -> dy.String:
    """Make a column of words from a list."""
    return dy.String(
        nullable=not (key or required),
        primary_key=key,
        description=description,
        check={"category": _within(categories)},
        metadata=_meta("text", categories=categories),
    )


def _within(categories: tuple[str, ...]) -> Callable[[pl.Expr], pl.Expr]:
    return lambda column: column.is_in(list(categories))


def integer(
    description: str,
    minimum: int | None = None,
    maximum: int | None = None,
    *,
    unit: str = "",
    key: bool = False,
    required: bool = False,
    remedy: str = "",
) -> dy.Int64:
    """Make a column of whole numbers."""
    return dy.Int64(
        nullable=not (key or required),
        primary_key=key,
        min=minimum,
        max=maximum,
        description=description,
        metadata=_meta("integer", unit=unit, remedy=remedy),
    )


def day(description: str, *, key: bool = False, required: bool = False) -> dy.Int64:
    """Make a column of days from the patient's index date."""
    return integer(
        description,
        -DAY_LIMIT,
        DAY_LIMIT,
        unit="days",
        key=key,
        required=required,
        remedy="give days from the patient's index date (negative before it), not a calendar date",
    )


def number(
    description: str,
    minimum: float | None = None,
    maximum: float | None = None,
    *,
    unit: str = "",
    above: bool = False,
    required: bool = False,
    remedy: str = "",
) -> dy.Float64:
    """Make a column of numbers; with `above` the minimum itself is not allowed."""
    return dy.Float64(
        nullable=not required,
        min=None if above else minimum,
        min_exclusive=minimum if above else None,
        max=maximum,
        description=description,
        metadata=_meta("number", unit=unit, remedy=remedy),
    )


def percent(description: str) -> dy.Float64:
    """Make a column of percentages."""
    return number(
        description,
        0,
        100,
        unit="%",
        remedy="give per cent of cells, 0 to 100",
    )


def probability(description: str) -> dy.Float64:
    """Make a column of probabilities."""
    return number(description, 0, 1, remedy="give a probability, 0 to 1")


def boolean(description: str) -> dy.Bool:
    """Make a column of true and false."""
    return dy.Bool(nullable=True, description=description, metadata=_meta("boolean"))


def calendar_date(description: str, *, identifying: bool = True) -> dy.Date:
    """Make a column of calendar dates."""
    return dy.Date(
        nullable=True,
        min=FIRST_DATE,
        max=LAST_DATE,
        description=description,
        metadata=_meta("date", identifying=identifying),
    )


def spec_of(name: str, column: dy.Column) -> ColumnSpec:
    """Read the dictionary entry back from a dataframely column."""
    meta = column.metadata or {}
    above = getattr(column, "min_exclusive", None)
    return ColumnSpec(
        name=name,
        kind=meta["kind"],
        unit=meta.get("unit", ""),
        description=column.description or "",
        minimum=above if above is not None else getattr(column, "min", None),
        maximum=getattr(column, "max", None),
        categories=meta.get("categories", ()),
        required=not column.nullable,
        key=column.primary_key,
        identifying=meta.get("identifying", False),
        above=above is not None,
        remedy=meta.get("remedy", ""),
    )
