"""Dates of which only the month or the year may be known."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema


def first_day(text: str) -> date:
    """Give the first day of a day, month or year.

    Examples
    --------
    >>> first_day("2004-08")
    datetime.date(2004, 8, 1)
    """
    return date.fromisoformat(f"{text}-01-01"[:10])


def _date_text(value: Any) -> str:
    """Take a day, a month or a year as text, and check that the calendar has it."""
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", text):
        raise ValueError("a day (2004-08-19), a month (2004-08) or a year (2004)")
    first_day(text)
    return text


PartialDate = Annotated[
    str,
    BeforeValidator(_date_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1000, "maximum": 9999},
                {"type": "string", "pattern": r"^\d{4}(-\d\d(-\d\d)?)?$"},
            ],
            "description": "Day (2004-08-19), month (2004-08) or year (2004).",
        }
    ),
]
