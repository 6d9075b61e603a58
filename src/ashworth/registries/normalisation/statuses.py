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


@cache
def _ctis_codes() -> Mapping[str, str]:
    """Words of CTIS, folded, to its numbers."""
    words = status_rules()["ctis_words"].items()
    return {name.casefold(): code for code, names in words for name in names}


def ctis_code(status: str) -> str:
    """Give the number of a CTIS status that is told in words or as a number; as it is if unknown.

    Examples
    --------
    >>> ctis_code("Authorised, not started"), ctis_code("4")
    ('2', '4')
    """
    return _ctis_codes().get(status.strip().casefold(), status.strip())


def status_class(source: str, status: str) -> str | None:
    """Give the class of a verbatim status; None where the rule table does not have it.

    Examples
    --------
    >>> status_class("euctr", "Restarted"), status_class("ctis", "Ongoing, recruitment ended")
    ('open', 'closed')
    """
    key = ctis_code(status) if source == "ctis" else status
    found: str | None = status_rules()[source].get(key)
    return found


def possible_classes(record: Registration) -> frozenset[str]:
    """Every class that a record's status can stand for; empty where it tells none.

    Examples
    --------
    >>> record = Registration("euctr", "x", "2010-000001-01", status="Ongoing")
    >>> sorted(possible_classes(record))
    ['closed', 'open', 'planned']
    """
    found = status_on(record).status
    also = status_rules()["also"].get(record.source, {}).get(record.status, ())
    return frozenset(() if found == "unknown" else (found, *also))


def status_on(record: Registration, on: date | None = None) -> StatusOn:
    """Class a record's status.

    The status is that of the record's version; on an earlier day a trial that had not begun by its
    start date is planned, on a later day nothing is assumed to have changed. Where a registry sets
    no status (ISRCTN), the dates tell: planned before the start of recruitment, open until its
    end, then closed, and ended after the end of the trial.

    Parameters
    ----------
    record : Registration
    on : date, optional
        Where not given: the day of the record's version.

    Examples
    --------
    >>> record = Registration("ctgov", "x", "NCT1", status="UNKNOWN",
    ...     last_known_status="RECRUITING")
    >>> status_on(record).status, status_on(record).last_known
    ('unknown', 'open')
    """
    if record.source == "isrctn" and not record.status:
        return _by_dates(record, on)
    found = status_class(record.source, record.status)
    if found is None:
        return StatusOn("unknown", f"{record.status or 'no status'}: not in the rule table")
    last = status_class(record.source, record.last_known_status) or ""
    last = last if found == "unknown" else ""
    basis = _told(record) + (f", last known {record.last_known_status}" if last else "")
    start = precise_date(record.start.text)
    began = found in ("open", "closed", "ended", "paused")
    if on is not None and began and start is not None and on < start.first_day:
        return StatusOn("planned", f"{basis}; starts {record.start.text}", last)
    return StatusOn(found, basis, last)


def _told(record: Registration) -> str:
    """The status as it is written, and the word for a number of CTIS."""
    words = status_rules()["ctis_words"] if record.source == "ctis" else {}
    names = words.get(record.status, ())
    return f"{record.status} ({names[0]})" if names else record.status


def _by_dates(record: Registration, on: date | None) -> StatusOn:
    """A registry without a status."""
    made = precise_date(record.processed)
    on = on or (made.first_day if made else None)
    start, stop, end = (
        precise_date(d.text) for d in (record.start, record.recruitment_end, record.completion)
    )
    if start is None or on is None:
        return StatusOn("unknown", "no start date" if start is None else "no day to judge by")
    until = record.recruitment_end.text or "an unknown end"
    basis = f"recruits from {record.start.text} to {until}"
    if on < start.first_day:
        return StatusOn("planned", basis)
    if end is not None and on > end.first_day:
        return StatusOn("ended", f"{basis}; the trial ends {record.completion.text}")
    if stop is None:
        return StatusOn("unknown", basis)
    return StatusOn("closed" if on > stop.first_day else "open", basis)
