"""Dates of registries with their precision: three styles, and years or months alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Precision = Literal["day", "month", "year"]
_ISO = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:T.*)?$")
_WORDS = ("%B %d, %Y", "%d %B %Y", "%d/%m/%Y", "%d-%m-%Y")


@dataclass(frozen=True, slots=True)
class PreciseDate:
    """The first day that a date can mean, and how precise it is."""

    first_day: date
    precision: Precision


def precise_date(text: str) -> PreciseDate | None:
    """Read a date; None where the text is none.

    Examples
    --------
    >>> precise_date("February 2012").precision, precise_date("2018-02-13").first_day.day
    ('month', 13)
    >>> precise_date("soon") is None
    True
    """
    text = text.strip()
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
