"""EU Clinical Trials Register as tables: one row per member state, or per trial and sponsor."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator

from ashworth.errors import InputError, Problem
from ashworth.registries.readers.csv_rows import rows_of
from ashworth.registries.readers.euctr_record import (
    EUDRACT,
    EuctrFields,
    phases_of,
    registration_of,
)
from ashworth.registries.readers.texts import tidy
from ashworth.registries.record import RawDate, Registration

_STATE = re.compile(r"(\d{4}-\d{6}-\d{2})-([A-Z]{2}|3rd)")
_COLUMNS = {
    "full_title_of_the_trial": "A.3", "title_of_the_trial_for_lay_people": "A.3.1",
    "name_or_abbreviated_title_of_the_trial_where_available": "A.3.2",
    "trial_human_pharmacology_phase_i": "E.7.1", "trial_therapeutic_exploratory_phase_ii": "E.7.2",
    "trial_therapeutic_confirmatory_phase_iii": "E.7.3", "trial_therapeutic_use_phase_iv": "E.7.4",
    "date_of_competent_authority_decision": "N.authority",
    "date_of_ethics_committee_opinion": "N.ethics", "end_of_trial_status": "P.status",
    "date_of_the_global_end_of_the_trial": "P.date",
}  # fmt: skip
_TRACKER = {
    "0": "Ongoing in every member state", "1": "Ended in every member state",
    "2": "Ended in some member states", "3": "Several statuses", "4": "",
}  # fmt: skip


def read_euctr_csv(raw: bytes, file: str = "") -> Iterator[Registration]:
    r"""Read a table with ``eudract_number`` and ``eudract_number_with_country``.

    Parameters
    ----------
    raw : bytes
        Comma-separated, UTF-8, with a heading.
    file : str

    Raises
    ------
    InputError
        With every row that has too few or too many cells or no number that is one; where the
        text is not UTF-8 or a quotation mark is never closed.

    Examples
    --------
    >>> table = b"eudract_number,eudract_number_with_country,end_of_trial_status\n"
    >>> table += b"2010-000001-01,2010-000001-01-DE,Ongoing\n"
    >>> record = next(read_euctr_csv(table))
    >>> record.registry_id, record.member_state, record.status
    ('2010-000001-01', 'DE', 'Ongoing')
    """
    rows = rows_of(raw, file, ("eudract_number", "eudract_number_with_country"))
    problems = [p for line, row in rows for p in _faults(file, line, row)]
    if problems:
        raise InputError(problems, subject=file)
    for _, row in rows:
        yield _registration(row, file)


def read_euctr_tracker(raw: bytes, file: str = "") -> Iterator[Registration]:
    """Read the table of the EU Trials Tracker: one row per trial and sponsor, no member states.

    Its numbers stand for statuses and phases over all member states (0 ongoing in each, 1 ended in
    each, 2 ended in some, 3 several, 4 none told; a phase only where all agree); titles are cut
    at 200 characters.
    """
    rows = rows_of(raw, file, ("trial_id", "trial_status", "phase"))
    problems = [
        Problem(file, line, "trial_id", f"'{row['trial_id']}'", "YYYY-NNNNNN-CC", "correct it")
        for line, row in rows if not EUDRACT.fullmatch(row["trial_id"])
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject=file)
    for _, row in rows:
        code, phase = row["trial_status"], row["phase"]
        flags = {f"E.7.{phase}": "Yes"} if phase in ("1", "2", "3", "4") else {}
        yield Registration(
            source="euctr", format="euctr_tracker", registry_id=row["trial_id"], file=file,
            sha256=_digest(row), url=row.get("trial_url", ""),
            official_title=tidy(row.get("trial_title")), status=_TRACKER.get(code, code),
            study_type="INTERVENTIONAL", phases=phases_of(flags),
            completion=RawDate(row.get("max_end_date", "")), sponsor=row.get("name_of_sponsor", ""),
            results="View results" if row.get("has_results") == "1" else "",
            unknown_values=() if code in _TRACKER else (f"status {code}",),
        )  # fmt: skip


def _faults(file: str, line: int, row: dict[str, str]) -> list[Problem]:
    number, state = row["eudract_number"], row["eudract_number_with_country"]
    match = _STATE.fullmatch(state)
    if EUDRACT.fullmatch(number) and match and match[1] == number:
        return []
    return [Problem(file, line, "eudract_number_with_country", f"'{number}' and '{state}'",
                    "YYYY-NNNNNN-CC and the same with -DE, -GB ... or -3rd",
                    "correct the row")]  # fmt: skip


def _registration(row: dict[str, str], file: str) -> Registration:
    fields = EuctrFields(head={"status": row.get("trial_status", ""),
                               "results": row.get("trial_results", "")})  # fmt: skip
    fields.add("A.2", "", row["eudract_number"])
    for column, code in _COLUMNS.items():
        if row.get(column):
            fields.add(code, "", row[column])
    sponsor = _sponsor(row.get("sponsors", ""))
    fields.add("B.1.1", "", sponsor.get("name_of_sponsor", ""))
    fields.add("B.1.3.4", "", sponsor.get("country", ""))
    return registration_of(
        fields, format="euctr_csv", file=file, sha256=_digest(row),
        state=row["eudract_number_with_country"][15:], processed=row.get("meta_updated", "")[:10],
    )  # fmt: skip


def _sponsor(text: str) -> dict[str, str]:
    """The first sponsor of a cell that holds a list as Python prints it."""
    if not text.startswith("[") or len(text) > 100_000:
        return {}
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    first = found[0] if isinstance(found, list) and found else {}
    return {k: str(v) for k, v in first.items()} if isinstance(first, dict) else {}


def _digest(row: dict[str, str]) -> str:
    return hashlib.sha256("\x1f".join(row.values()).encode()).hexdigest()
