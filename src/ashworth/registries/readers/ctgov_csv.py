"""ClinicalTrials.gov as tables: the CSV export of 2023 and later, and that of the classic site.

Both lack the description, the eligibility criteria, the keywords, the MeSH terms and the last known
status. A table may have been exported with some of its columns only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from ashworth.errors import InputError, Problem
from ashworth.registries.normalisation.countries import country_code
from ashworth.registries.readers.csv_rows import rows_of
from ashworth.registries.readers.ctgov_json import PHASES
from ashworth.registries.readers.ctgov_json import STATUSES as CODES
from ashworth.registries.readers.ctgov_xml import STATUSES as WORDS
from ashworth.registries.readers.texts import no_number, once, tidy, whole
from ashworth.registries.record import (
    Intervention,
    RawDate,
    RegisteredOutcome,
    Registration,
)

NCT = re.compile(r"NCT\d{8}")
NUMBER = "NCT Number"
_KNOWN = {
    NUMBER, "Study Title", "Study URL", "Acronym", "Study Status", "Brief Summary",
    "Study Results", "Conditions", "Interventions", "Primary Outcome Measures",
    "Secondary Outcome Measures", "Other Outcome Measures", "Sponsor", "Collaborators", "Sex",
    "Age", "Phases", "Enrollment", "Funder Type", "Study Type", "Study Design", "Other IDs",
    "Start Date", "Primary Completion Date", "Completion Date", "First Posted",
    "Results First Posted", "Last Update Posted", "Locations", "Study Documents",
}  # fmt: skip
_CLASSIC = {
    "Rank", NUMBER, "Title", "Acronym", "Status", "Study Results", "Conditions", "Interventions",
    "Outcome Measures", "Sponsor/Collaborators", "Gender", "Age", "Phases", "Enrollment",
    "Funded Bys", "Study Type", "Study Designs", "Other IDs", "Start Date",
    "Primary Completion Date", "Completion Date", "First Posted", "Results First Posted",
    "Last Update Posted", "Locations", "Study Documents", "URL",
}  # fmt: skip
_PHASE_WORDS = {"Not Applicable": "NA", "N/A": "NA", "Early Phase 1": "EARLY_PHASE1",
                **{f"Phase {n}": f"PHASE{n}" for n in (1, 2, 3, 4)}}  # fmt: skip


def read_ctgov_csv_v2(raw: bytes, file: str = "") -> Iterator[Registration]:
    r"""Read the CSV export of ClinicalTrials.gov of 2023 and later.

    Parameters
    ----------
    raw : bytes
        Comma-separated, UTF-8, with a heading; only ``NCT Number`` must be there.
    file : str

    Raises
    ------
    InputError
        With every row that is cut or has no number of the registry.

    Examples
    --------
    >>> table = b"NCT Number,Study Title,Phases,Locations\nNCT00000001,A trial,PHASE1|PHASE2,"
    >>> record = next(read_ctgov_csv_v2(table + b'"A clinic, Seoul, Korea, Republic of"\n'))
    >>> record.phases, record.countries
    (('PHASE1', 'PHASE2'), ('Korea, Republic of',))
    """
    outcomes = (
        ("primary", "Primary Outcome Measures"), ("secondary", "Secondary Outcome Measures"),
        ("other", "Other Outcome Measures"),
    )  # fmt: skip
    for row, strange in _rows(raw, file, _KNOWN):
        status = row.get("Study Status", "")
        strange += [f"status {status}"] if status and status not in CODES else []
        phases = _listed(row, "Phases")
        strange += [f"phase {p}" for p in phases if p not in PHASES]
        yield _registration(
            row, file, "ctgov_csv_v2", strange, title=row.get("Study Title", ""), status=status,
            phases=phases, sponsor=row.get("Sponsor", ""), study_type=row.get("Study Type", ""),
            design=_design(row.get("Study Design", "")),
            outcomes=tuple(
                RegisteredOutcome(role, tidy(text))
                for role, column in outcomes for text in _listed(row, column)
            ),
        )  # fmt: skip


def read_ctgov_csv_classic(raw: bytes, file: str = "") -> Iterator[Registration]:
    r"""Read the CSV export of the classic site, retired in 2024.

    Its outcome measures are one list without roles: they are kept as ``other``. Its sponsor is the
    first of sponsor and collaborators.

    Raises
    ------
    InputError
        As for the newer export.

    Examples
    --------
    >>> table = b"Rank,NCT Number,Title,Status\n1,NCT00000001,A trial,Completed\n"
    >>> next(read_ctgov_csv_classic(table)).status
    'COMPLETED'
    """
    for row, strange in _rows(raw, file, _CLASSIC):
        status = row.get("Status", "")
        strange += [f"status {status}"] if status and status not in WORDS else []
        phases = _listed(row, "Phases")
        strange += [f"phase {p}" for p in phases if p not in _PHASE_WORDS]
        yield _registration(
            row, file, "ctgov_csv_classic", strange, title=row.get("Title", ""),
            status=WORDS.get(status, status),
            phases=tuple(_PHASE_WORDS.get(p, p) for p in phases),
            sponsor=row.get("Sponsor/Collaborators", "").split("|")[0],
            study_type=_study_type(row.get("Study Type", "")),
            design=_design(row.get("Study Designs", "")),
            outcomes=tuple(
                RegisteredOutcome("other", tidy(t)) for t in _listed(row, "Outcome Measures")
            ),
        )  # fmt: skip


def _rows(raw: bytes, file: str, known: set[str]) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Rows with what is strange in them; columns that nobody knows are named with the first."""
    rows = rows_of(raw, file, (NUMBER,))
    problems = [
        Problem(file, line, NUMBER, f"'{row[NUMBER]}'", "NCT and eight digits", "correct the row")
        for line, row in rows if not NCT.fullmatch(row[NUMBER])
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject=file)
    columns = [f"column {name}" for name in (rows[0][1] if rows else ()) if name not in known]
    for k, (_, row) in enumerate(rows):
        yield row, columns if k == 0 else []


def _listed(row: Mapping[str, str], column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in row.get(column, "").split("|") if part.strip())


def _design(text: str) -> dict[str, str]:
    """Parts such as ``Allocation: RANDOMIZED``."""
    pairs = (part.partition(":") for part in text.split("|"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _study_type(text: str) -> str:
    return "OBSERVATIONAL" if text.startswith("Observational") else text.upper().replace(" ", "_")


def _registration(
    row: Mapping[str, str], file: str, format: str, strange: list[str], *, title: str,
    status: str, phases: tuple[str, ...], sponsor: str, study_type: str, design: dict[str, str],
    outcomes: tuple[RegisteredOutcome, ...],
) -> Registration:  # fmt: skip
    countries, unknown = _countries(row.get("Locations", ""))
    number = row[NUMBER]
    enrolment = row.get("Enrollment", "")
    return Registration(
        source="ctgov", format=format, registry_id=number, file=file,
        sha256=hashlib.sha256("\x1f".join(f"{k}={v}" for k, v in row.items()).encode()).hexdigest(),
        url=f"https://clinicaltrials.gov/study/{number}", ids=once(list(_listed(row, "Other IDs"))),
        brief_title=tidy(title), acronym=tidy(row.get("Acronym")),
        summary=tidy(row.get("Brief Summary")),
        conditions=tuple(map(tidy, _listed(row, "Conditions"))),
        interventions=tuple(_intervention(t) for t in _listed(row, "Interventions")),
        outcomes=outcomes, status=status, study_type=study_type, phases=phases,
        allocation=design.get("Allocation", ""), purpose=design.get("Primary Purpose", ""),
        enrolment=whole(enrolment), start=RawDate(row.get("Start Date", "")),
        primary_completion=RawDate(row.get("Primary Completion Date", "")),
        completion=RawDate(row.get("Completion Date", "")),
        first_posted=RawDate(row.get("First Posted", "")),
        last_updated=RawDate(row.get("Last Update Posted", "")),
        countries=once([*countries, *unknown]), sponsor=tidy(sponsor),
        unknown_values=(*strange, *no_number("enrolment", enrolment)),
    )  # fmt: skip


def _intervention(text: str) -> Intervention:
    kind, colon, name = text.partition(":")
    return Intervention(kind.strip(), tidy(name)) if colon else Intervention("", tidy(text))


def _countries(text: str) -> tuple[list[str], list[str]]:
    """Countries at the ends of the sites, and ends that are no country's name.

    A site's own name may hold the separator, a country's name a comma: pieces are put together
    until one ends with the name of a country.
    """
    found: list[str] = []
    rest = ""
    for piece in (p.strip() for p in text.split("|")):
        rest = f"{rest}|{piece}" if rest else piece
        country = _country_at_the_end(rest)
        if country is not None:
            found.append(country)
            rest = ""
    return found, [rest.rsplit(",", 1)[-1].strip()] if rest else []


def _country_at_the_end(site: str) -> str | None:
    parts = [p.strip() for p in site.split(",")]
    for n in (3, 2, 1):
        name = ", ".join(parts[-n:])
        if len(parts) >= n and country_code(name) is not None:
            return name
    return None
