"""ClinicalTrials.gov, the retired version 1 of its API: full studies as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from ashworth.errors import InputError, Problem
from ashworth.registries.normalisation.dates import precise_date
from ashworth.registries.readers.ctgov_xml import STATUSES
from ashworth.registries.readers.json_records import (
    Document,
    ShapeError,
    at,
    json_records,
    listed,
    read_each,
    text_at,
)
from ashworth.registries.readers.texts import no_number, once, tidy, whole
from ashworth.registries.record import (
    Arm,
    Intervention,
    RawDate,
    RegisteredOutcome,
    Registration,
)

_PHASES = {"Not Applicable": "NA", "Early Phase 1": "EARLY_PHASE1",
           **{f"Phase {n}": f"PHASE{n}" for n in (1, 2, 3, 4)}}  # fmt: skip


def announced_total(raw: bytes) -> int | None:
    """Give the number of studies that an answer announces, where it does."""
    for own in json_records(raw):
        answer = at(msgspec.json.decode(own), "FullStudiesResponse")
        if answer:
            return whole(text_at(answer, "NStudiesReturned"))
    return None


def read_ctgov_json_v1(raw: bytes, file: str = "") -> Iterator[Registration]:
    """Read answers (``FullStudiesResponse``), full studies, or studies, alone or in a list.

    Raises
    ------
    msgspec.DecodeError
        If the text is no JSON, or cut.
    InputError
        With every document that holds no study, or whose shape is not known.

    Examples
    --------
    >>> study = b'{"ProtocolSection": {"IdentificationModule": {"NCTId": "NCT00000001"}}}'
    >>> next(read_ctgov_json_v1(b'{"Study": ' + study + b"}")).registry_id
    'NCT00000001'
    """
    studies = [study for own in json_records(raw) for study in _studies(own)]
    if not studies:
        raise InputError(
            [Problem(file, None, "ProtocolSection", "no study", "studies of version 1",
                     "fetch the file anew")], subject=file,
        )  # fmt: skip
    found = ((msgspec.json.encode(study), study) for study in studies)
    yield from read_each(found, file, lambda own, study: _registration(own, study, file))


def _studies(raw: bytes) -> list[Document]:
    document = msgspec.json.decode(raw)
    parts = listed(at(document, "FullStudiesResponse", "FullStudies")) or [document]
    return [part.get("Study", part) for part in parts if isinstance(part, dict)]


def _registration(own: bytes, study: Document, file: str) -> Registration:
    protocol, derived = at(study, "ProtocolSection"), at(study, "DerivedSection")
    identity, status = at(protocol, "IdentificationModule"), at(protocol, "StatusModule")
    design, given = at(protocol, "DesignModule"), at(protocol, "ArmsInterventionsModule")
    number = text_at(identity, "NCTId")
    if not number:
        raise ShapeError("no NCTId")
    told, phases = text_at(status, "OverallStatus"), _texts(design, "PhaseList", "Phase")
    last = text_at(status, "LastKnownStatus")
    unknown = [f"status {told}"] if told and told not in STATUSES else []
    unknown += [f"phase {p}" for p in phases if p not in _PHASES]
    count = text_at(design, "EnrollmentInfo", "EnrollmentCount")
    return Registration(
        source="ctgov", format="ctgov_json_v1", registry_id=number, file=file,
        sha256=hashlib.sha256(own).hexdigest(),
        processed=_day(text_at(derived, "MiscInfoModule", "VersionHolder")),
        url=f"https://clinicaltrials.gov/study/{number}", ids=_ids(identity),
        brief_title=tidy(text_at(identity, "BriefTitle")),
        official_title=tidy(text_at(identity, "OfficialTitle")),
        acronym=tidy(text_at(identity, "Acronym")),
        summary=tidy(text_at(protocol, "DescriptionModule", "BriefSummary")),
        description=tidy(text_at(protocol, "DescriptionModule", "DetailedDescription")),
        eligibility=tidy(text_at(protocol, "EligibilityModule", "EligibilityCriteria")),
        conditions=_texts(protocol, "ConditionsModule", "ConditionList", "Condition"),
        keywords=_texts(protocol, "ConditionsModule", "KeywordList", "Keyword"),
        condition_mesh=_mesh(derived, "Condition"),
        intervention_mesh=_mesh(derived, "Intervention"),
        interventions=tuple(
            Intervention(text_at(i, "InterventionType"), tidy(text_at(i, "InterventionName")),
                         tidy(text_at(i, "InterventionDescription")))
            for i in listed(at(given, "InterventionList", "Intervention"))
        ),
        arms=tuple(
            Arm(tidy(text_at(a, "ArmGroupLabel")), tidy(text_at(a, "ArmGroupDescription")))
            for a in listed(at(given, "ArmGroupList", "ArmGroup"))
        ),
        outcomes=_outcomes(at(protocol, "OutcomesModule")), status=STATUSES.get(told, told),
        last_known_status=STATUSES.get(last, last),
        why_stopped=tidy(text_at(status, "WhyStopped")),
        study_type=text_at(design, "StudyType").upper().replace(" ", "_"),
        phases=tuple(_PHASES.get(p, p) for p in phases),
        allocation=text_at(design, "DesignInfo", "DesignAllocation"),
        purpose=text_at(design, "DesignInfo", "DesignPrimaryPurpose"), enrolment=whole(count),
        enrolment_kind=_kind(text_at(design, "EnrollmentInfo", "EnrollmentType")),
        start=_date(status, "Start"), primary_completion=_date(status, "PrimaryCompletion"),
        completion=_date(status, "Completion"), first_posted=_date(status, "StudyFirstPost"),
        last_updated=_date(status, "LastUpdatePost"),
        verified=RawDate(text_at(status, "StatusVerifiedDate")),
        countries=once([
            text_at(p, "LocationCountry")
            for p in listed(at(protocol, "ContactsLocationsModule", "LocationList", "Location"))
        ]),
        removed_countries=_texts(derived, "MiscInfoModule", "RemovedCountryList", "RemovedCountry"),
        sponsor=tidy(text_at(protocol, "SponsorCollaboratorsModule", "LeadSponsor",
                             "LeadSponsorName")),
        unknown_values=(*unknown, *no_number("enrolment", count)),
    )  # fmt: skip


def _day(text: str) -> str:
    found = precise_date(text)
    return found.first_day.isoformat() if found else ""


def _texts(document: Any, *path: str) -> tuple[str, ...]:
    return tuple(tidy(text_at({"": v}, "")) for v in listed(at(document, *path)))


def _ids(identity: Any) -> tuple[str, ...]:
    others = listed(at(identity, "SecondaryIdInfoList", "SecondaryIdInfo"))
    return once([text_at(identity, "OrgStudyIdInfo", "OrgStudyId"),
                 *(text_at(o, "SecondaryId") for o in others)])  # fmt: skip


def _mesh(derived: Any, of: str) -> tuple[str, ...]:
    found = listed(at(derived, f"{of}BrowseModule", f"{of}MeshList", f"{of}Mesh"))
    return tuple(text_at(m, f"{of}MeshTerm") for m in found)


def _date(status: Any, name: str) -> RawDate:
    struct = at(status, f"{name}DateStruct")
    return RawDate(text_at(struct, f"{name}Date"), _kind(text_at(struct, f"{name}DateType")))


def _kind(text: str) -> str:
    return {"Anticipated": "ESTIMATED", "Estimate": "ESTIMATED"}.get(text, text).upper()


def _outcomes(module: Any) -> tuple[RegisteredOutcome, ...]:
    return tuple(
        RegisteredOutcome(name.lower(), tidy(text_at(o, f"{name}OutcomeMeasure")),
                          tidy(text_at(o, f"{name}OutcomeDescription")))
        for name in ("Primary", "Secondary", "Other")
        for o in listed(at(module, f"{name}OutcomeList", f"{name}Outcome"))
    )  # fmt: skip
