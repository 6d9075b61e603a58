"""ClinicalTrials.gov, API version 2: one study, or an answer with a list of studies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from ashworth.registries.readers.texts import once, tidy
from ashworth.registries.record import (
    Arm,
    Intervention,
    RawDate,
    RegisteredOutcome,
    Registration,
)

STATUSES = frozenset((
    "RECRUITING", "NOT_YET_RECRUITING", "ENROLLING_BY_INVITATION", "ACTIVE_NOT_RECRUITING",
    "SUSPENDED", "TERMINATED", "COMPLETED", "WITHDRAWN", "UNKNOWN", "AVAILABLE",
    "NO_LONGER_AVAILABLE", "TEMPORARILY_NOT_AVAILABLE", "APPROVED_FOR_MARKETING", "WITHHELD",
))  # fmt: skip
PHASES = frozenset(("NA", "EARLY_PHASE1", "PHASE1", "PHASE2", "PHASE3", "PHASE4"))


class _Base(msgspec.Struct, rename="camel"):
    pass


class _Date(_Base):
    date: str = ""
    type: str = ""


class _Id(_Base):
    id: str = ""
    type: str = ""


class _Identification(_Base):
    nct_id: str
    org_study_id_info: _Id = msgspec.field(default_factory=_Id)
    secondary_id_infos: list[_Id] = []
    brief_title: str = ""
    official_title: str = ""
    acronym: str = ""


class _Status(_Base):
    overall_status: str = ""
    last_known_status: str = ""
    why_stopped: str = ""
    status_verified_date: str = ""
    start_date_struct: _Date = msgspec.field(default_factory=_Date)
    primary_completion_date_struct: _Date = msgspec.field(default_factory=_Date)
    completion_date_struct: _Date = msgspec.field(default_factory=_Date)
    study_first_post_date_struct: _Date = msgspec.field(default_factory=_Date)
    last_update_post_date_struct: _Date = msgspec.field(default_factory=_Date)


class _Sponsor(_Base):
    name: str = ""


class _Sponsors(_Base):
    lead_sponsor: _Sponsor = msgspec.field(default_factory=_Sponsor)


class _Description(_Base):
    brief_summary: str = ""
    detailed_description: str = ""


class _Conditions(_Base):
    conditions: list[str] = []
    keywords: list[str] = []


class _Info(_Base):
    allocation: str = ""
    primary_purpose: str = ""


class _Enrollment(_Base):
    count: int | None = None
    type: str = ""


class _Design(_Base):
    study_type: str = ""
    phases: list[str] = []
    design_info: _Info = msgspec.field(default_factory=_Info)
    enrollment_info: _Enrollment = msgspec.field(default_factory=_Enrollment)


class _ArmGroup(_Base):
    label: str = ""
    description: str = ""


class _Given(_Base):
    type: str = ""
    name: str = ""
    description: str = ""


class _Arms(_Base):
    arm_groups: list[_ArmGroup] = []
    interventions: list[_Given] = []


class _Outcome(_Base):
    measure: str = ""
    description: str = ""


class _Outcomes(_Base):
    primary_outcomes: list[_Outcome] = []
    secondary_outcomes: list[_Outcome] = []
    other_outcomes: list[_Outcome] = []


class _Eligibility(_Base):
    eligibility_criteria: str = ""


class _Location(_Base):
    country: str = ""


class _Locations(_Base):
    locations: list[_Location] = []


class _Protocol(_Base):
    identification_module: _Identification
    status_module: _Status = msgspec.field(default_factory=_Status)
    sponsor_collaborators_module: _Sponsors = msgspec.field(default_factory=_Sponsors)
    description_module: _Description = msgspec.field(default_factory=_Description)
    conditions_module: _Conditions = msgspec.field(default_factory=_Conditions)
    design_module: _Design = msgspec.field(default_factory=_Design)
    arms_interventions_module: _Arms = msgspec.field(default_factory=_Arms)
    outcomes_module: _Outcomes = msgspec.field(default_factory=_Outcomes)
    eligibility_module: _Eligibility = msgspec.field(default_factory=_Eligibility)
    contacts_locations_module: _Locations = msgspec.field(default_factory=_Locations)


class _Mesh(_Base):
    term: str = ""


class _Browse(_Base):
    meshes: list[_Mesh] = []


class _Removed(_Base):
    removed_countries: list[str] = []
    version_holder: str = ""


class _Derived(_Base):
    condition_browse_module: _Browse = msgspec.field(default_factory=_Browse)
    intervention_browse_module: _Browse = msgspec.field(default_factory=_Browse)
    misc_info_module: _Removed = msgspec.field(default_factory=_Removed)


class _Study(_Base):
    protocol_section: _Protocol
    derived_section: _Derived = msgspec.field(default_factory=_Derived)


class _Answer(_Base):
    studies: list[msgspec.Raw] = []
    total_count: int | None = None


_STUDY = msgspec.json.Decoder(_Study)
_ANSWER = msgspec.json.Decoder(_Answer)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


def announced_total(raw: bytes) -> int | None:
    """Give the total that an answer announces, where it does."""
    if raw.lstrip()[:1] != b"{":
        return None
    return _ANSWER.decode(raw).total_count


def is_answer(raw: bytes) -> bool:
    """Whether a file is a page of an answer, no study and no list of studies."""
    head = raw[:4200].lstrip()
    told = b'"studies"' in head[:200] or b'"protocolSection"' not in head
    return head[:1] == b"{" and told


def studies_of(raw: bytes) -> list[bytes]:
    """Split a file into the bytes of its studies.

    Raises
    ------
    msgspec.DecodeError
        If the text is no JSON.
    """
    if raw.lstrip()[:1] == b"[":
        return [bytes(study) for study in _LIST.decode(raw)]
    if b'"protocolSection"' in raw[:4000] and b'"studies"' not in raw[:200]:
        return [raw]
    return [bytes(study) for study in _ANSWER.decode(raw).studies]


def read_ctgov_json(raw: bytes, file: str = "") -> Iterator[Registration]:
    """Read one study, a list of studies, or an answer of the API.

    Parameters
    ----------
    raw : bytes
        The file.
    file : str
        Its name, for the record.

    Yields
    ------
    Registration

    Raises
    ------
    msgspec.MsgspecError
        If the text is no JSON, or no study.

    Examples
    --------
    >>> study = b'{"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}}}'
    >>> next(read_ctgov_json(study)).registry_id
    'NCT00000001'
    """
    for study in studies_of(raw):
        yield registration_of(study, file)


def registration_of(raw: bytes, file: str) -> Registration:
    """Turn the bytes of one study into a record."""
    study = _STUDY.decode(raw)
    protocol, derived = study.protocol_section, study.derived_section
    identity, status = protocol.identification_module, protocol.status_module
    design, given = protocol.design_module, protocol.arms_interventions_module
    unknown = [f"status {status.overall_status}"] if _strange(status.overall_status) else []
    unknown += [f"phase {p}" for p in design.phases if p not in PHASES]
    return Registration(
        source="ctgov", format="ctgov_json_v2", registry_id=identity.nct_id, file=file,
        sha256=hashlib.sha256(raw).hexdigest(), processed=derived.misc_info_module.version_holder,
        url=f"https://clinicaltrials.gov/study/{identity.nct_id}", ids=_ids(identity),
        brief_title=tidy(identity.brief_title), official_title=tidy(identity.official_title),
        acronym=tidy(identity.acronym), summary=tidy(protocol.description_module.brief_summary),
        description=tidy(protocol.description_module.detailed_description),
        eligibility=tidy(protocol.eligibility_module.eligibility_criteria),
        conditions=tuple(map(tidy, protocol.conditions_module.conditions)),
        keywords=tuple(map(tidy, protocol.conditions_module.keywords)),
        condition_mesh=tuple(m.term for m in derived.condition_browse_module.meshes),
        intervention_mesh=tuple(m.term for m in derived.intervention_browse_module.meshes),
        interventions=tuple(
            Intervention(g.type, tidy(g.name), tidy(g.description)) for g in given.interventions
        ),
        arms=tuple(Arm(tidy(a.label), tidy(a.description)) for a in given.arm_groups),
        outcomes=_outcomes(protocol.outcomes_module), status=status.overall_status,
        last_known_status=status.last_known_status, why_stopped=tidy(status.why_stopped),
        study_type=design.study_type, phases=tuple(design.phases),
        allocation=design.design_info.allocation, purpose=design.design_info.primary_purpose,
        enrolment=design.enrollment_info.count, enrolment_kind=design.enrollment_info.type,
        start=_date(status.start_date_struct),
        primary_completion=_date(status.primary_completion_date_struct),
        completion=_date(status.completion_date_struct),
        first_posted=_date(status.study_first_post_date_struct),
        last_updated=_date(status.last_update_post_date_struct),
        verified=RawDate(status.status_verified_date),
        countries=once([p.country for p in protocol.contacts_locations_module.locations]),
        removed_countries=tuple(derived.misc_info_module.removed_countries),
        sponsor=protocol.sponsor_collaborators_module.lead_sponsor.name,
        unknown_values=tuple(unknown),
    )  # fmt: skip


def _strange(status: str) -> bool:
    return bool(status) and status not in STATUSES


def _ids(identity: _Identification) -> tuple[str, ...]:
    return once([identity.org_study_id_info.id, *(i.id for i in identity.secondary_id_infos)])


def _date(found: _Date) -> RawDate:
    return RawDate(found.date, found.type)


def _outcomes(module: _Outcomes) -> tuple[RegisteredOutcome, ...]:
    groups: list[tuple[str, list[Any]]] = [
        ("primary", module.primary_outcomes), ("secondary", module.secondary_outcomes),
        ("other", module.other_outcomes),
    ]  # fmt: skip
    return tuple(
        RegisteredOutcome(role, tidy(o.measure), tidy(o.description))
        for role, found in groups for o in found
    )  # fmt: skip
