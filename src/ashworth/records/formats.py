"""How the input is written, as the user declares it: separators, signs, dates, extra columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, get_args

from ashworth.records.columns import ColumnSpec, Kind

Delimiter: TypeAlias = Literal[",", ";", "\t"]
Encoding: TypeAlias = Literal["utf-8", "latin-1", "cp1252"]
DateFormat: TypeAlias = Literal[
    "YYYY-MM-DD",
    "YYYY/MM/DD",
    "YYYYMMDD",
    "DD-MM-YYYY",
    "DD.MM.YYYY",
    "DD/MM/YYYY",
    "MM/DD/YYYY",
    "MM-DD-YYYY",
    "YYYY-MM-DD HH:MM:SS",
    "excel",
    "excel-1904",
]
MISSING = ("", "NA", "N/A", "na", ".", "NULL")


@dataclass(frozen=True, slots=True)
class InputFormat:
    r"""How a text file is written; nothing in it that changes a value is guessed.

    Attributes
    ----------
    delimiter : {",", ";", "\t"} or None
        None: the one that splits the header line into most names.
    decimal : {".", ","}
        Sign between units and tenths. A thousands separator is not accepted.
    encoding : {"utf-8", "latin-1", "cp1252"} or None
        None: UTF-8, and where the bytes are not UTF-8, cp1252 (the result says which).
    date_format : str
        ``"excel"`` and ``"excel-1904"`` are serial numbers of days.
    missing : tuple of str
        Cells that mean "no value".
    max_bytes : int
        Larger files are refused before they are read.

    Examples
    --------
    >>> InputFormat(decimal=",", date_format="DD.MM.YYYY").delimiter is None
    True
    """

    delimiter: Delimiter | None = None
    decimal: Literal[".", ","] = "."
    encoding: Encoding | None = None
    date_format: DateFormat = "YYYY-MM-DD"
    missing: tuple[str, ...] = MISSING
    max_bytes: int = 2 * 1024**3

    def __post_init__(self) -> None:
        """Refuse a setting outside the list."""
        _one_of("delimiter", self.delimiter, (None, *get_args(Delimiter)))
        _one_of("decimal", self.decimal, (".", ","))
        _one_of("encoding", self.encoding, (None, *get_args(Encoding)))
        _one_of("date_format", self.date_format, get_args(DateFormat))
        if self.delimiter == self.decimal:
            raise ValueError("delimiter and decimal cannot both be a comma")


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; allowed: {', '.join(map(repr, allowed))}")


@dataclass(frozen=True, slots=True)
class ExtraColumn:
    """A covariate that the study declares beyond the schema.

    Examples
    --------
    >>> ExtraColumn("number", minimum=0, unit="mm", label="Tumour size").spec("size_mm").allowed
    'a number, at least 0 (mm)'
    """

    type: Kind
    minimum: float | date | None = None
    maximum: float | date | None = None
    categories: tuple[str, ...] = ()
    unit: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself."""
        _one_of("type", self.type, get_args(Kind))
        if self.categories and self.type != "text":
            raise ValueError("categories need type 'text'")
        if self.type in ("text", "boolean") and (self.minimum, self.maximum) != (None, None):
            raise ValueError(f"type '{self.type}' has no minimum or maximum")

    def spec(self, name: str) -> ColumnSpec:
        """Return the dictionary entry of the column under its name."""
        return ColumnSpec(
            name=name,
            kind=self.type,
            unit=self.unit,
            description=self.label or name,
            minimum=self.minimum,
            maximum=self.maximum,
            categories=tuple(self.categories),
            identifying=self.type == "date",
        )
