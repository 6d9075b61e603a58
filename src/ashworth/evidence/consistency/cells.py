"""Cells of one row, as text or as numbers, with their printed digits."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ashworth.errors import Problem
from ashworth.evidence.consistency.records import decimals, digits_of

_MISSING = ("", "na", "n/a", "nan", "none", "-")
_P = re.compile(r"^p?\s*([<>=]?)\s*(\S+)$", re.IGNORECASE)


class Cells:
    """One row: reads cells and notes their faults.

    Parameters
    ----------
    values : mapping of str to cell
    table : str
        Name of the table in messages.
    row : int
        Line or row of the table.
    decimal : {'point', 'comma'}
        Decimal sign of numbers written as text.
    """

    def __init__(self, values: Mapping[str, Any], table: str, row: int, decimal: str) -> None:
        self.values, self.table, self.row, self.decimal = values, table, row, decimal
        self.problems: list[Problem] = []

    def fault(self, column: str, found: str, allowed: str, remedy: str) -> None:
        """Note one fault of a cell, once."""
        problem = self.problem(column, found, allowed, remedy)
        if problem not in self.problems:
            self.problems.append(problem)

    def problem(self, column: str, found: str, allowed: str, remedy: str) -> Problem:
        """Make a problem of this row."""
        return Problem(self.table, self.row, column, found, allowed, remedy)

    def text(self, column: str, *, needed: bool = False) -> str:
        """Text of a cell; empty where it is missing."""
        value = self.values.get(column)
        text = "" if value is None else str(value).strip()
        text = "" if text.lower() in _MISSING else text
        if needed and not text:
            self.fault(column, "nothing", "a name", f"fill in the {column}")
        return text

    def word(self, column: str, allowed: Sequence[str], *, default: str = "") -> str:
        """One of the allowed words."""
        text = self.text(column) or default
        if text not in allowed:
            found = text or "nothing"
            self.fault(column, found, ", ".join(allowed), f"name the {column.replace('_', ' ')}")
        return text

    def number(self, column: str) -> float | None:
        """A number, or None where it is missing."""
        text = self.text(column)
        if not text:
            return None
        return self._parsed(column, text)

    def _parsed(self, column: str, text: str) -> float | None:
        try:
            number = float(self._plain(text))
        except ValueError:
            self._refuse(column, text)
            return None
        if not math.isfinite(number):
            self.fault(column, text, "a finite number", "leave the cell empty where it is unknown")
            return None
        return number

    def _plain(self, text: str) -> str:
        """Number text with a decimal point."""
        if self.decimal == "comma":
            return text.replace(",", ".") if "." not in text else "not a number"
        return text

    def _refuse(self, column: str, text: str) -> None:
        sign = "comma" if self.decimal == "point" else "point"
        if re.fullmatch(r"-?\d+[.,]\d+", text):
            remedy = f"write the decimal {self.decimal}, or say --decimal {sign}"
            self.fault(column, f"{text} with a decimal {sign}", f"a decimal {self.decimal}", remedy)
        else:
            self.fault(column, text, "a number", "correct it, or leave it empty")

    def whole(self, column: str) -> int | None:
        """A whole number of at least 0, or None."""
        number = self.number(column)
        if number is None:
            return None
        if number < 0 or number != int(number):
            self.fault(column, f"{number:g}", "a whole number of at least 0", "correct the count")
            return None
        return int(number)

    def digits(self, *columns: str) -> int:
        """Most printed decimals of some cells."""
        return max(self._digits(c) for c in columns)

    def _digits(self, column: str) -> int:
        value = self.values.get(column)
        if isinstance(value, str):
            return digits_of(self._plain(value.strip()))
        if value is None or not isinstance(value, int | float) or not math.isfinite(value):
            return 0
        return decimals(value)

    def p_value(self, column: str) -> tuple[str, float | None, int]:
        """Relation, value and decimals of a p-value: "<0.001"."""
        text = self.text(column)
        match = _P.match(text)
        if not text or match is None:
            if text:
                self.fault(column, text, "a p-value such as 0.03 or <0.001", "correct it")
            return "=", None, 0
        p = self._parsed(column, match[2])
        if p is not None and not 0 < p <= 1:
            remedy = "write what is meant, e.g. <0.001" if p == 0 else "correct it"
            self.fault(column, text, "above 0, at most 1", remedy)
            p = None
        digits = self._p_digits(column, match[2])
        return match[1] or "=", p, digits

    def _p_digits(self, column: str, text: str) -> int:
        """Decimals of a p-value, whether it came as text or as a number."""
        value = self.values.get(column)
        return digits_of(self._plain(text)) if isinstance(value, str) else decimals(float(text))
