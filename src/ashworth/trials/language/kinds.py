"""What an expression can be: truth value, number with a unit, category, day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ashworth.trials.language.units import DIMENSIONLESS, Unit

Sort = Literal["boolean", "number", "category", "date", "any"]


@dataclass(frozen=True, slots=True)
class Kind:
    """Sort of a value; the unit of numbers; the values of a category (None: any text).

    ``any`` is the kind of the word `unknown`, which fits everywhere.
    """

    sort: Sort
    unit: Unit = DIMENSIONLESS
    values: frozenset[str] | None = None

    def words(self) -> str:
        """Describe the kind."""
        if self.sort == "number" and self.unit is not DIMENSIONLESS:
            return f"a number of {self.unit.name}"
        return {
            "boolean": "true or false", "number": "a number without a unit",
            "category": "a category", "date": "a day", "any": "unknown",
        }[self.sort]  # fmt: skip


BOOLEAN = Kind("boolean")
NUMBER = Kind("number")
CATEGORY = Kind("category")
DATE = Kind("date")
ANY = Kind("any")
