"""AACT: ClinicalTrials.gov as pipe-delimited tables, one folder or archive of them.

Tables and columns by the published schema of the Clinical Trials Transformation Initiative. A set
is read in parts by the studies' numbers, so that memory does not grow with the registry.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from ashworth.errors import InputError, Problem
from ashworth.registries.readers.csv_rows import long_cells
from ashworth.registries.readers.ctgov_json import PHASES
from ashworth.registries.readers.ctgov_json import STATUSES as CODES
from ashworth.registries.readers.ctgov_xml import STATUSES as WORDS
from ashworth.registries.readers.texts import no_number, once, tidy, whole
from ashworth.registries.record import (
    Arm,
    Intervention,
    RawDate,
    RegisteredOutcome,
    Registration,
)

NCT = re.compile(r"NCT\d{8}")
NEEDED = {
    "studies": ("overall_status", "brief_title"),
    "conditions": ("name",), "keywords": ("name",), "brief_summaries": ("description",),
    "detailed_descriptions": ("description",), "eligibilities": ("criteria",),
    "interventions": ("intervention_type", "name"), "design_groups": ("title",),
    "design_outcomes": ("outcome_type", "measure"), "designs": ("allocation",),
    "countries": ("name",), "id_information": ("id_value",),
    "sponsors": ("lead_or_collaborator", "name"), "browse_conditions": ("mesh_term",),
    "browse_interventions": ("mesh_term",),
}  # fmt: skip
"""Tables that are looked at, and columns that they must have beside ``nct_id``."""
_PHASE_WORDS = {"N/A": "NA", "NOT APPLICABLE": "NA", "EARLY PHASE 1": "EARLY_PHASE1",
                **{f"PHASE {n}": f"PHASE{n}" for n in (1, 2, 3, 4)}}  # fmt: skip
_MOST_FAULTS = 20
_PROCESSED = re.compile(r"processed this data on (\w+ \d+, \d{4})")
Row = dict[str, str]
Rows = Mapping[str, list[Row]]


def read_aact(
    tables: Mapping[str, Callable[[], BinaryIO]], name: str, part: tuple[int, int] = (0, 1)
) -> Iterator[Registration]:
    """Read the studies of a set of tables.

    Parameters
    ----------
    tables : mapping of str to callable
        Name of a table (``studies``, ``conditions`` ...) to what opens it; ``studies`` must be
        there, of the others those that are missing leave their values empty.
    name : str
        Of the set, for messages.
    part : (int, int)
        Number of the part from 0, and how many parts: studies whose number leaves that remainder.

    Raises
    ------
    InputError
        Columns that are missing, rows that are cut, numbers that are none: all of them, at most 20
        per table.
    """
    problems: list[Problem] = []
    read = {table: _table(table, opener, name, part, problems)
            for table, opener in sorted(tables.items()) if table in NEEDED}  # fmt: skip
    studies = read["studies"]
    problems += [
        Problem(f"{name}/studies.txt", None, "nct_id", f"{number} {len(rows)} times", "once",
                "take the others out") for number, rows in studies.items() if len(rows) > 1
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject=name)
    nothing: list[Row] = []
    for number, (study,) in studies.items():
        rows = {table: found.get(number, nothing) for table, found in read.items()}
        yield _registration(number, study, rows, name)


def _table(
    table: str, opener: Callable[[], BinaryIO], name: str, part: tuple[int, int],
    problems: list[Problem],
) -> dict[str, list[Row]]:  # fmt: skip
    """Rows by study, of one part."""
    file = f"{name}/{table}.txt"
    found: dict[str, list[Row]] = defaultdict(list)
    faults: list[Problem] = []
    with opener() as raw, long_cells():
        text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        reader = csv.reader(text, delimiter="|", strict=True)
        try:
            names = next(reader, [])
            faults += [Problem(file, 1, c, "no such column", ", ".join(("nct_id", *NEEDED[table])),
                               "fetch the set anew")
                       for c in ("nct_id", *NEEDED[table]) if c not in names]  # fmt: skip
            if not faults:
                _collect(reader, names, file, part, found, faults)
        except (csv.Error, UnicodeDecodeError) as error:
            faults.append(Problem(file, reader.line_num, None, str(error), "a whole table in UTF-8",
                                  "fetch the set anew"))  # fmt: skip
    problems += faults[:_MOST_FAULTS]
    return found


def _collect(
    reader: Iterator[list[str]], names: list[str], file: str, part: tuple[int, int],
    found: dict[str, list[Row]], faults: list[Problem],
) -> None:  # fmt: skip
    at = names.index("nct_id")
    for n, cells in enumerate(reader, start=2):
        if len(cells) != len(names):
            faults.append(Problem(file, n, None, f"{len(cells)} cells", f"{len(names)} cells",
                                  "fetch the set anew"))  # fmt: skip
        elif not NCT.fullmatch(cells[at]):
            faults.append(Problem(file, n, "nct_id", f"'{cells[at]}'", "NCT and eight digits",
                                  "fetch the set anew"))  # fmt: skip
        elif int(cells[at][3:]) % part[1] == part[0]:
            found[cells[at]].append(dict(zip(names, cells, strict=True)))
        if len(faults) >= _MOST_FAULTS:
            return


def _registration(number: str, study: Row, rows: Rows, name: str) -> Registration:
    status, phase = study.get("overall_status", ""), study.get("phase", "")
    phases = _phases(phase)
    unknown = [f"status {status}"] if status and _code(status) not in CODES else []
    unknown += [f"phase {p}" for p in phases if p not in PHASES]
    design = next(iter(rows.get("designs", ())), {})
    digest = hashlib.sha256(repr((study, sorted((k, v) for k, v in rows.items()))).encode())
    return Registration(
        source="ctgov", format="aact", registry_id=number, file=name, sha256=digest.hexdigest(),
        processed=_processed(study), url=f"https://clinicaltrials.gov/study/{number}",
        ids=once(_column(rows, "id_information", "id_value")),
        brief_title=tidy(study.get("brief_title")),
        official_title=tidy(study.get("official_title")), acronym=tidy(study.get("acronym")),
        summary=_joined(rows, "brief_summaries", "description"),
        description=_joined(rows, "detailed_descriptions", "description"),
        eligibility=_joined(rows, "eligibilities", "criteria"),
        conditions=tuple(_column(rows, "conditions", "name")),
        keywords=tuple(_column(rows, "keywords", "name")),
        condition_mesh=_mesh(rows, "browse_conditions"),
        intervention_mesh=_mesh(rows, "browse_interventions"),
        interventions=tuple(
            Intervention(r["intervention_type"], tidy(r["name"]), tidy(r.get("description")))
            for r in rows.get("interventions", ())
        ),
        arms=tuple(Arm(tidy(r["title"]), tidy(r.get("description")))
                   for r in rows.get("design_groups", ())),
        outcomes=_outcomes(rows), status=_code(status),
        last_known_status=_code(study.get("last_known_status", "")),
        why_stopped=tidy(study.get("why_stopped")),
        study_type=study.get("study_type", "").upper().replace(" ", "_"), phases=phases,
        allocation=design.get("allocation", ""), purpose=design.get("primary_purpose", ""),
        enrolment=whole(study.get("enrollment", "")),
        enrolment_kind=_kind(study.get("enrollment_type", "")),
        start=_date(study, "start"), primary_completion=_date(study, "primary_completion"),
        completion=_date(study, "completion"),
        first_posted=RawDate(study.get("study_first_posted_date", "")),
        last_updated=RawDate(study.get("last_update_posted_date", "")),
        verified=RawDate(study.get("verification_month_year", "")),
        countries=once([r["name"] for r in rows.get("countries", ()) if not _removed(r)]),
        removed_countries=once([r["name"] for r in rows.get("countries", ()) if _removed(r)]),
        sponsor=next((tidy(r["name"]) for r in rows.get("sponsors", ())
                      if r["lead_or_collaborator"] == "lead"), ""),
        unknown_values=(*unknown, *no_number("enrolment", study.get("enrollment", ""))),
    )  # fmt: skip


def _code(status: str) -> str:
    return WORDS.get(status, status)


def _phases(text: str) -> tuple[str, ...]:
    parts = [p.strip() for p in re.split(r"[/|]", text) if p.strip()] if text != "N/A" else ["N/A"]
    return tuple(_PHASE_WORDS.get(p.upper(), p) for p in parts)


def _processed(study: Row) -> str:
    from datetime import datetime

    match = _PROCESSED.search(study.get("nlm_download_date_description", ""))
    return datetime.strptime(match[1], "%B %d, %Y").date().isoformat() if match else ""


def _column(rows: Rows, table: str, column: str) -> list[str]:
    return [tidy(row[column]) for row in rows.get(table, ())]


def _joined(rows: Rows, table: str, column: str) -> str:
    return " ".join(_column(rows, table, column))


def _mesh(rows: Rows, table: str) -> tuple[str, ...]:
    """Terms given to the study, without the ancestors that later schemas list beside them."""
    own = (r for r in rows.get(table, ()) if "ancestor" not in r.get("mesh_type", ""))
    return tuple(r["mesh_term"] for r in own)


def _outcomes(rows: Rows) -> tuple[RegisteredOutcome, ...]:
    found = [
        RegisteredOutcome(r["outcome_type"].split()[0].casefold() if r["outcome_type"] else "other",
                          tidy(r["measure"]), tidy(r.get("description")))
        for r in rows.get("design_outcomes", ())
    ]  # fmt: skip
    order = {"primary": 0, "secondary": 1}
    return tuple(sorted(found, key=lambda o: order.get(o.role, 2)))


def _date(study: Row, name: str) -> RawDate:
    """The date as written where it is kept: the other column fills in a day that nobody told."""
    text = study.get(f"{name}_month_year") or study.get(f"{name}_date", "")
    return RawDate(text, _kind(study.get(f"{name}_date_type", "")))


def _kind(text: str) -> str:
    return {"Anticipated": "ESTIMATED"}.get(text, text).upper()


def _removed(row: Row) -> bool:
    return row.get("removed", "").casefold() in ("t", "true", "1")
