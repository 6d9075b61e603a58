"""Dates of registries with their precision: three styles, and years or months alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Literal

Precision = Literal["day", "month", "year"]
_ISO = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:T.*)?$")
YEARS = range(1900, 2101)
_WORDS = ("%B %d, %Y", "%d %B %Y", "%d/%m/%Y", "%d-%m-%Y")


@dataclass(frozen=True, slots=True)
class PreciseDate:
    """The first day that a date can mean, and how precise it is."""

    first_day: date
    precision: Precision


@lru_cache(maxsize=65_536)
def precise_date(text: str) -> PreciseDate | None:
    """Read a date; None where the text is none, or its year can be none of a trial's.

    Examples
    --------
    >>> precise_date("February 2012").precision, precise_date("2018-02-13").first_day.day
    ('month', 13)
    >>> precise_date("29/01/2021").first_day.month, precise_date("2024-04-24T15:14").first_day.day
    (1, 24)
    >>> precise_date("soon"), precise_date("31/02/2021"), precise_date("0210-06-18")
    (None, None, None)
    """
    found = _read(text.strip())
    return found if found is not None and found.first_day.year in YEARS else None


def _read(text: str) -> PreciseDate | None:
    match = _ISO.fullmatch(text)
    try:
        if match:
            year, month, day = match.groups()
            precision: Precision = "day" if day else "month" if month else "year"
            return PreciseDate(date(int(year), int(month or 1), int(day or 1)), precision)
        for form in _WORDS:
            try:
                return PreciseDate(datetime.strptime(text, form).date(), "day")
            except ValueError:
                continue
        return PreciseDate(datetime.strptime(text, "%B %Y").date(), "month")
    except ValueError:
        return None
