"""What a registry's status means on a date (rule table as data)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ashworth.registries.normalisation.dates import precise_date
from ashworth.registries.record import Registration

RULES = Path(__file__).parents[1] / "data" / "status_rules.yaml"


@dataclass(frozen=True, slots=True)
class StatusOn:
    """Class of a status, and what it rests on.

    Attributes
    ----------
    status : str
        open, planned, paused, closed, ended, void, unknown.
    basis : str
        The verbatim value and how it was read.
    last_known : str
        Class of the last known status where the registry says unknown; else empty.
    """

    status: str
    basis: str
    last_known: str = ""


@cache
def status_rules() -> Mapping[str, Any]:
    """The rule table."""
    found: Mapping[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return found


def status_on(record: Registration, on: date | None = None) -> StatusOn:
    """Class a record's status.

    The status is that of the record's version; on an earlier day a trial that had not begun by its
    start date is planned, on a later day nothing is assumed to have changed.

    Examples
    --------
    >>> record = Registration("ctgov", "x", "NCT1", status="UNKNOWN",
    ...     last_known_status="RECRUITING")
    >>> status_on(record).status, status_on(record).last_known
    ('unknown', 'open')
    """
    if record.source == "isrctn":
        return _by_dates(record, on or date.max)
    table = status_rules()[record.source]
    found = table.get(record.status)
    if found is None:
        return StatusOn("unknown", f"{record.status or 'no status'}: not in the rule table")
    last = table.get(record.last_known_status, "") if found == "unknown" else ""
    basis = record.status + (f", last known {record.last_known_status}" if last else "")
    start = precise_date(record.start.text)
    began = found in ("open", "closed", "ended", "paused")
    if on is not None and began and start is not None and on < start.first_day:
        return StatusOn("planned", f"{basis}; starts {record.start.text}", last)
    return StatusOn(found, basis, last)


def _by_dates(record: Registration, on: date) -> StatusOn:
    """A registry without a status: planned before the start, open until the end."""
    start, end = precise_date(record.start.text), precise_date(record.completion.text)
    if start is None:
        return StatusOn("unknown", "no start date")
    basis = f"from {record.start.text} to {record.completion.text or 'an unknown end'}"
    if on < start.first_day:
        return StatusOn("planned", basis)
    if end is not None and on > end.first_day:
        return StatusOn("closed", basis)
    return StatusOn("open" if end is not None else "unknown", basis)
