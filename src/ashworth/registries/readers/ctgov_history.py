"""ClinicalTrials.gov, versions of records as a table: one row per version, with its day and status.

The table is the one that the R package cthist writes. It has no titles and no conditions: its rows
date the status of registrations that are read from another format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ashworth.errors import InputError, Problem
from ashworth.registries.normalisation.dates import precise_date
from ashworth.registries.readers.csv_rows import rows_of
from ashworth.registries.readers.ctgov_csv import NCT
from ashworth.registries.readers.ctgov_xml import STATUSES
from ashworth.registries.readers.texts import no_number, whole
from ashworth.registries.record import RawDate, Registration

FORMAT = "ctgov_history"


def read_ctgov_history(raw: bytes, file: str = "") -> Iterator[Registration]:
    r"""Read a table of versions.

    Parameters
    ----------
    raw : bytes
        Comma-separated with ``nctid``, ``version_date`` and ``overall_status``.
    file : str

    Raises
    ------
    InputError
        With every row that is cut, has no number of the registry, or no day.

    Examples
    --------
    >>> table = b"nctid,version_date,overall_status\nNCT00000001,2014-04-08,Recruiting\n"
    >>> record = next(read_ctgov_history(table))
    >>> record.processed, record.status
    ('2014-04-08', 'RECRUITING')
    """
    rows = rows_of(raw, file, ("nctid", "version_date", "overall_status"))
    problems = [p for line, row in rows for p in _faults(file, line, row)]
    if problems:
        raise InputError(problems, subject=file)
    for _, row in rows:
        yield _registration(row, file)


def _faults(file: str, line: int, row: dict[str, str]) -> Iterator[Problem]:
    if not NCT.fullmatch(row["nctid"]):
        yield Problem(file, line, "nctid", f"'{row['nctid']}'", "NCT and eight digits",
                      "correct the row")  # fmt: skip
    day = precise_date(row["version_date"])
    if day is None or day.precision != "day":
        yield Problem(file, line, "version_date", f"'{row['version_date']}'", "YYYY-MM-DD",
                      "correct the row")  # fmt: skip


def _registration(row: dict[str, str], file: str) -> Registration:
    status, number = row["overall_status"], row["nctid"]
    enrolment = _told(row, "enrolment")
    day = precise_date(row["version_date"])
    assert day is not None
    return Registration(
        source="ctgov", format=FORMAT, registry_id=number, file=file,
        sha256=hashlib.sha256("\x1f".join(row.values()).encode()).hexdigest(),
        processed=day.first_day.isoformat(), url=f"https://clinicaltrials.gov/study/{number}",
        status=STATUSES.get(status, status), start=RawDate(_told(row, "study_start_date")),
        primary_completion=RawDate(
            _told(row, "primary_completion_date"), _kind(_told(row, "primary_completion_date_type"))
        ),
        enrolment=whole(enrolment), enrolment_kind=_kind(_told(row, "enrolment_type")),
        unknown_values=(
            *([f"status {status}"] if status and status not in STATUSES else []),
            *no_number("enrolment", enrolment),
        ),
    )  # fmt: skip


def _told(row: dict[str, str], column: str) -> str:
    """A value; R writes NA where there is none."""
    value = row.get(column, "")
    return "" if value == "NA" else value


def _kind(text: str) -> str:
    return {"Anticipated": "ESTIMATED"}.get(text, text).upper()
