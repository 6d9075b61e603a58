"""ClinicalTrials.gov, classic XML: one or several `clinical_study` elements per file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache

from lxml import etree

from ashworth.registries.readers.texts import once, tidy
from ashworth.registries.record import (
    Arm,
    Intervention,
    RawDate,
    RegisteredOutcome,
    Registration,
)

STATUSES = {
    "Recruiting": "RECRUITING", "Not yet recruiting": "NOT_YET_RECRUITING",
    "Enrolling by invitation": "ENROLLING_BY_INVITATION",
    "Active, not recruiting": "ACTIVE_NOT_RECRUITING", "Suspended": "SUSPENDED",
    "Terminated": "TERMINATED", "Completed": "COMPLETED", "Withdrawn": "WITHDRAWN",
    "Unknown status": "UNKNOWN", "Available": "AVAILABLE",
    "No longer available": "NO_LONGER_AVAILABLE",
    "Temporarily not available": "TEMPORARILY_NOT_AVAILABLE",
    "Approved for marketing": "APPROVED_FOR_MARKETING", "Withheld": "WITHHELD",
}  # fmt: skip
PHASES = {
    "N/A": ("NA",), "Early Phase 1": ("EARLY_PHASE1",), "Phase 1": ("PHASE1",),
    "Phase 1/Phase 2": ("PHASE1", "PHASE2"), "Phase 2": ("PHASE2",),
    "Phase 2/Phase 3": ("PHASE2", "PHASE3"), "Phase 3": ("PHASE3",), "Phase 4": ("PHASE4",),
}  # fmt: skip
CHILDREN = (
    "required_header", "id_info", "brief_title", "official_title", "acronym", "brief_summary",
    "detailed_description", "eligibility", "condition", "keyword", "condition_browse",
    "intervention_browse", "intervention", "arm_group", "primary_outcome", "secondary_outcome",
    "other_outcome", "overall_status", "last_known_status", "why_stopped", "study_type", "phase",
    "study_design_info", "enrollment", "start_date", "primary_completion_date",
    "completion_date", "study_first_posted", "last_update_posted", "verification_date",
    "location_countries", "removed_countries", "sponsors",
)  # fmt: skip
"""Elements of a study that are looked at; the others, some hundreds of sites, are passed over."""
DEEPEST = 40
_PROCESSED = re.compile(r"processed this data on (\w+ \d+, \d{4})")


class HostileXmlError(Exception):
    """XML that does not look like a registry's record."""


@cache
def _parser() -> etree.XMLParser:
    """One per process: no entities, no network, no external definitions, no huge trees."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True, dtd_validation=False, remove_blank_text=True,
    )  # fmt: skip


def read_ctgov_xml(raw: bytes, file: str = "") -> Iterator[Registration]:
    """Read the studies of a classic XML file.

    Raises
    ------
    lxml.etree.XMLSyntaxError
        If the text is no XML, or cut.
    HostileXmlError
        Entities or document types, deep nesting, no study inside.

    Examples
    --------
    >>> study = b"<clinical_study><id_info><nct_id>NCT1</nct_id></id_info></clinical_study>"
    >>> next(read_ctgov_xml(study)).registry_id
    'NCT1'
    """
    if b"<!DOCTYPE" in raw[:2000] or b"<!ENTITY" in raw:
        raise HostileXmlError("the file defines a document type or entities, no registry does")
    root = etree.fromstring(raw, _parser())
    if root.tag == "clinical_study":
        yield registration_of(root, hashlib.sha256(raw).hexdigest(), file)
        return
    studies = list(root.iter("clinical_study"))
    if not studies:
        raise HostileXmlError(f"no clinical_study inside <{root.tag}>")
    for study in studies:
        own = etree.tostring(study)
        yield registration_of(study, hashlib.sha256(own).hexdigest(), file)


def _text_below(element: etree._Element, path: str) -> str | None:
    """Text of the first element at a path."""
    name, _, rest = path.partition("/")
    for child in element.iterchildren(name):
        return _text_below(child, rest) if rest else child.text
    return None


def _leaves(element: etree._Element) -> dict[str, str | None]:
    """Texts of the children by name, of several the first."""
    return {child.tag: child.text for child in element.iterchildren(reversed=True)}


class _Study:
    """Look things up in one study; a child that is not among `CHILDREN` is a KeyError."""

    def __init__(self, root: etree._Element) -> None:
        self._children: dict[str, list[etree._Element]] = {name: [] for name in CHILDREN}
        for child in root.iterchildren(CHILDREN):
            self._children[child.tag].append(child)

    def text(self, path: str) -> str:
        name, _, rest = path.partition("/")
        for element in self._children[name]:
            return tidy(_text_below(element, rest) if rest else element.text)
        return ""

    def texts(self, path: str) -> list[str]:
        name, _, rest = path.partition("/")
        found = self._children[name]
        if not rest:
            return [tidy(e.text) for e in found]
        return [tidy(e.text) for parent in found for e in parent.iterchildren(rest)]

    def elements(self, name: str) -> list[etree._Element]:
        return self._children[name]

    def date(self, name: str) -> RawDate:
        for element in self._children[name]:
            kind = {"Anticipated": "ESTIMATED"}.get(
                element.get("type", ""), element.get("type", "")
            )
            return RawDate(tidy(element.text), kind.upper())
        return RawDate()


def registration_of(root: etree._Element, sha256: str, file: str) -> Registration:
    """Turn one study element into a record."""
    study = _Study(root)
    nct = study.text("id_info/nct_id")
    if not nct:
        raise HostileXmlError("a clinical_study without nct_id")
    status, phase = study.text("overall_status"), study.text("phase")
    unknown = [f"status {status}"] if status and status not in STATUSES else []
    unknown += [f"phase {phase}"] if phase and phase not in PHASES else []
    enrolment = study.elements("enrollment")
    return Registration(
        source="ctgov", format="ctgov_xml", registry_id=nct, file=file, sha256=sha256,
        processed=_processed(study.text("required_header/download_date")),
        url=f"https://clinicaltrials.gov/study/{nct}",
        ids=once([*study.texts("id_info/org_study_id"), *study.texts("id_info/secondary_id")]),
        brief_title=study.text("brief_title"), official_title=study.text("official_title"),
        acronym=study.text("acronym"), summary=study.text("brief_summary/textblock"),
        description=study.text("detailed_description/textblock"),
        eligibility=study.text("eligibility/criteria/textblock"),
        conditions=tuple(study.texts("condition")), keywords=tuple(study.texts("keyword")),
        condition_mesh=tuple(study.texts("condition_browse/mesh_term")),
        intervention_mesh=tuple(study.texts("intervention_browse/mesh_term")),
        interventions=tuple(
            Intervention(tidy(e.get("intervention_type")), tidy(e.get("intervention_name")),
                         tidy(e.get("description")))
            for e in map(_leaves, study.elements("intervention"))
        ),
        arms=tuple(
            Arm(tidy(e.get("arm_group_label")), tidy(e.get("description")))
            for e in map(_leaves, study.elements("arm_group"))
        ),
        outcomes=_outcomes(study), status=STATUSES.get(status, status),
        last_known_status=STATUSES.get(study.text("last_known_status"),
                                       study.text("last_known_status")),
        why_stopped=study.text("why_stopped"), study_type=_study_type(study.text("study_type")),
        phases=PHASES.get(phase, (phase,) if phase else ()),
        allocation=study.text("study_design_info/allocation"),
        purpose=study.text("study_design_info/primary_purpose"),
        enrolment=_whole(study.text("enrollment")),
        enrolment_kind=_kind(enrolment[0].get("type", "")) if enrolment else "",
        start=study.date("start_date"), primary_completion=study.date("primary_completion_date"),
        completion=study.date("completion_date"), first_posted=study.date("study_first_posted"),
        last_updated=study.date("last_update_posted"), verified=study.date("verification_date"),
        countries=once(study.texts("location_countries/country")),
        removed_countries=once(study.texts("removed_countries/country")),
        sponsor=study.text("sponsors/lead_sponsor/agency"), unknown_values=tuple(unknown),
    )  # fmt: skip


def _outcomes(study: _Study) -> tuple[RegisteredOutcome, ...]:
    return tuple(
        RegisteredOutcome(role, tidy(e.get("measure")), tidy(e.get("description")))
        for role in ("primary", "secondary", "other")
        for e in map(_leaves, study.elements(f"{role}_outcome"))
    )


def _study_type(text: str) -> str:
    return "OBSERVATIONAL" if text.startswith("Observational") else text.upper().replace(" ", "_")


def _kind(text: str) -> str:
    return {"Anticipated": "ESTIMATED"}.get(text, text).upper()


def _whole(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _processed(text: str) -> str:
    match = _PROCESSED.search(text)
    if match is None:
        return ""
    return _day(match[1])


@cache
def _day(text: str) -> str:
    try:
        return datetime.strptime(text, "%B %d, %Y").date().isoformat()
    except ValueError:
        return ""
