"""Write a version 2 study as the other formats of ClinicalTrials.gov have it: twins for tests."""

from __future__ import annotations

import csv
import io
from typing import Any

STATUS_WORDS = {
    "RECRUITING": "Recruiting", "COMPLETED": "Completed", "UNKNOWN": "Unknown status",
    "NOT_YET_RECRUITING": "Not yet recruiting", "ACTIVE_NOT_RECRUITING": "Active, not recruiting",
    "TERMINATED": "Terminated", "WITHDRAWN": "Withdrawn", "SUSPENDED": "Suspended",
}  # fmt: skip
PHASE_WORDS = {"NA": "Not Applicable", "EARLY_PHASE1": "Early Phase 1",
               **{f"PHASE{n}": f"Phase {n}" for n in (1, 2, 3, 4)}}  # fmt: skip


def part(study: dict[str, Any], *path: str) -> Any:
    found: Any = study["protocolSection"]
    for name in path:
        found = found.get(name, {}) if isinstance(found, dict) else {}
    return found


def text(study: dict[str, Any], *path: str) -> str:
    found = part(study, *path)
    return "" if found in ({}, None) else str(found)


def listed(study: dict[str, Any], *path: str) -> list[Any]:
    found = part(study, *path)
    return found if isinstance(found, list) else []


def table(rows: list[dict[str, str]], separator: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def ids_of(study: dict[str, Any]) -> list[str]:
    others = listed(study, "identificationModule", "secondaryIdInfos")
    return [text(study, "identificationModule", "orgStudyIdInfo", "id"), *(o["id"] for o in others)]


def csv_row(study: dict[str, Any]) -> dict[str, str]:
    """A row of the export of 2023 and later."""
    places = listed(study, "contactsLocationsModule", "locations")
    outcomes = {
        f"{role.capitalize()} Outcome Measures": "|".join(
            ", ".join(o[k] for k in ("measure", "description", "timeFrame") if o.get(k))
            for o in listed(study, "outcomesModule", f"{role}Outcomes")
        )
        for role in ("primary", "secondary", "other")
    }
    ids = ids_of(study)
    return {
        "NCT Number": text(study, "identificationModule", "nctId"),
        "Study Title": text(study, "identificationModule", "briefTitle"),
        "Study URL": "x", "Acronym": text(study, "identificationModule", "acronym"),
        "Study Status": text(study, "statusModule", "overallStatus"),
        "Brief Summary": text(study, "descriptionModule", "briefSummary"),
        "Conditions": "|".join(listed(study, "conditionsModule", "conditions")),
        "Interventions": "|".join(
            f"{i['type']}: {i['name']}"
            for i in listed(study, "armsInterventionsModule", "interventions")
        ),
        **outcomes,
        "Sponsor": text(study, "sponsorCollaboratorsModule", "leadSponsor", "name"),
        "Phases": "|".join(listed(study, "designModule", "phases")),
        "Enrollment": text(study, "designModule", "enrollmentInfo", "count"),
        "Study Type": text(study, "designModule", "studyType"), "Other IDs": "|".join(ids),
        "Start Date": text(study, "statusModule", "startDateStruct", "date"),
        "Completion Date": text(study, "statusModule", "completionDateStruct", "date"),
        "First Posted": text(study, "statusModule", "studyFirstPostDateStruct", "date"),
        "Last Update Posted": text(study, "statusModule", "lastUpdatePostDateStruct", "date"),
        "Locations": "|".join(
            ", ".join(p[k] for k in ("facility", "city", "state", "zip", "country") if p.get(k))
            for p in places
        ),
    }  # fmt: skip


def classic_row(study: dict[str, Any]) -> dict[str, str]:
    """A row of the export of the classic site."""
    new = csv_row(study)
    return {
        "Rank": "1", "NCT Number": new["NCT Number"], "Title": new["Study Title"],
        "Acronym": new["Acronym"], "Status": STATUS_WORDS[new["Study Status"]],
        "Conditions": new["Conditions"], "Interventions": new["Interventions"],
        "Outcome Measures": new["Primary Outcome Measures"],
        "Sponsor/Collaborators": f"{new['Sponsor']}|Another", "Enrollment": new["Enrollment"],
        "Phases": "|".join(PHASE_WORDS[p] for p in new["Phases"].split("|") if p),
        "Study Type": new["Study Type"].capitalize(), "Other IDs": new["Other IDs"],
        "Start Date": new["Start Date"], "Completion Date": new["Completion Date"],
        "First Posted": new["First Posted"], "Last Update Posted": new["Last Update Posted"],
        "Locations": new["Locations"], "URL": "x",
    }  # fmt: skip


def aact_tables(studies: list[dict[str, Any]]) -> dict[str, bytes]:
    """The tables of AACT, by file name."""
    found: dict[str, list[dict[str, str]]] = {}
    for study in studies:
        number = text(study, "identificationModule", "nctId")
        for name, rows in {**_aact_texts(study), **_aact_lists(study)}.items():
            own = found.setdefault(name, [])
            for row in rows:
                first = {} if name == "studies" else {"id": str(len(own) + 1)}
                own.append({**first, "nct_id": number, **row})
    return {f"{name}.txt": table(rows, "|") for name, rows in found.items() if rows}


def _aact_texts(study: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    status, identity = "statusModule", "identificationModule"
    phases = [PHASE_WORDS[p] for p in listed(study, "designModule", "phases")]
    start = text(study, status, "startDateStruct", "date")
    sponsor = text(study, "sponsorCollaboratorsModule", "leadSponsor", "name")
    return {
        "studies": [{
            "overall_status": text(study, status, "overallStatus"),
            "brief_title": text(study, identity, "briefTitle"),
            "official_title": text(study, identity, "officialTitle"),
            "acronym": text(study, identity, "acronym"), "phase": "/".join(phases),
            "study_type": text(study, "designModule", "studyType").capitalize(),
            "enrollment": text(study, "designModule", "enrollmentInfo", "count"),
            "start_month_year": start, "start_date": f"{start}-31"[:10],
            "completion_month_year": text(study, status, "completionDateStruct", "date"),
            "study_first_posted_date": text(study, status, "studyFirstPostDateStruct", "date"),
            "last_known_status": text(study, status, "lastKnownStatus"),
        }],
        "brief_summaries": [{"description": text(study, "descriptionModule", "briefSummary")}],
        "detailed_descriptions": [
            {"description": text(study, "descriptionModule", "detailedDescription")}
        ],
        "eligibilities": [{"criteria": text(study, "eligibilityModule", "eligibilityCriteria")}],
        "sponsors": [{"lead_or_collaborator": "collaborator", "name": "Another"},
                     {"lead_or_collaborator": "lead", "name": sponsor}],
        "facilities": [{"name": "A site | with a bar"}],
    }  # fmt: skip


def _aact_lists(study: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    places = listed(study, "contactsLocationsModule", "locations")
    given = listed(study, "armsInterventionsModule", "interventions")
    arms = listed(study, "armsInterventionsModule", "armGroups")
    derived = study.get("derivedSection", {})
    mesh = {
        f"browse_{kind}s": [
            {"mesh_term": m["term"], "mesh_type": f"mesh-{which}"}
            for which, key in (("list", "meshes"), ("ancestor", "ancestors"))
            for m in derived.get(f"{kind}BrowseModule", {}).get(key, [])
        ]
        for kind in ("condition", "intervention")
    }
    return {
        "conditions": [{"name": v} for v in listed(study, "conditionsModule", "conditions")],
        "keywords": [{"name": v} for v in listed(study, "conditionsModule", "keywords")],
        "interventions": [
            {"intervention_type": i["type"], "name": i["name"],
             "description": i.get("description", "")} for i in given
        ],
        "design_groups": [
            {"title": a["label"], "description": a.get("description", "")} for a in arms
        ],
        "design_outcomes": [
            {"outcome_type": role, "measure": o["measure"], "description": o.get("description", "")}
            for role in ("primary", "secondary", "other")
            for o in listed(study, "outcomesModule", f"{role}Outcomes")
        ],
        "countries": [
            *({"name": n, "removed": "f"} for n in dict.fromkeys(p["country"] for p in places)),
            {"name": "Chile", "removed": "t"},
        ],
        "id_information": [{"id_value": number} for number in ids_of(study)],
        **mesh,
    }  # fmt: skip


def v1_study(study: dict[str, Any]) -> dict[str, Any]:
    """The study as the retired version 1 has it."""

    def wrapped(values: list[Any], name: str) -> dict[str, Any]:
        return {f"{name}List": {name: values}} if values else {}

    def date_of(module: str, own: str, name: str) -> dict[str, Any]:
        found = part(study, module, own)
        kind = {"ESTIMATED": "Anticipated"}.get(found.get("type", ""), "Actual")
        return {f"{name}DateStruct": {f"{name}Date": found.get("date", ""),
                                      f"{name}DateType": kind}}  # fmt: skip

    places = listed(study, "contactsLocationsModule", "locations")
    outcomes: dict[str, Any] = {}
    for role in ("Primary", "Secondary", "Other"):
        outcomes |= wrapped([
            {f"{role}OutcomeMeasure": o["measure"],
             f"{role}OutcomeDescription": o.get("description", "")}
            for o in listed(study, "outcomesModule", f"{role.lower()}Outcomes")
        ], f"{role}Outcome")  # fmt: skip
    identity = "identificationModule"
    return {"ProtocolSection": {
        "IdentificationModule": {
            "NCTId": text(study, identity, "nctId"),
            "OrgStudyIdInfo": {"OrgStudyId": text(study, identity, "orgStudyIdInfo", "id")},
            "BriefTitle": text(study, identity, "briefTitle"),
            "OfficialTitle": text(study, identity, "officialTitle"),
            "Acronym": text(study, identity, "acronym"),
            **wrapped([{"SecondaryId": i["id"]} for i in
                       listed(study, identity, "secondaryIdInfos")], "SecondaryIdInfo"),
        },
        "StatusModule": {
            "OverallStatus": STATUS_WORDS[text(study, "statusModule", "overallStatus")],
            **date_of("statusModule", "startDateStruct", "Start"),
            **date_of("statusModule", "completionDateStruct", "Completion"),
            **date_of("statusModule", "studyFirstPostDateStruct", "StudyFirstPost"),
        },
        "SponsorCollaboratorsModule": {"LeadSponsor": {"LeadSponsorName": text(
            study, "sponsorCollaboratorsModule", "leadSponsor", "name")}},
        "DescriptionModule": {
            "BriefSummary": text(study, "descriptionModule", "briefSummary"),
            "DetailedDescription": text(study, "descriptionModule", "detailedDescription"),
        },
        "ConditionsModule": {
            **wrapped(listed(study, "conditionsModule", "conditions"), "Condition"),
            **wrapped(listed(study, "conditionsModule", "keywords"), "Keyword"),
        },
        "DesignModule": {
            "StudyType": text(study, "designModule", "studyType").capitalize(),
            **wrapped([PHASE_WORDS[p] for p in listed(study, "designModule", "phases")], "Phase"),
            "EnrollmentInfo": {"EnrollmentCount": text(study, "designModule", "enrollmentInfo",
                                                       "count"), "EnrollmentType": "Actual"},
        },
        "ArmsInterventionsModule": {
            **wrapped([{"ArmGroupLabel": a["label"],
                        "ArmGroupDescription": a.get("description", "")}
                       for a in listed(study, "armsInterventionsModule", "armGroups")], "ArmGroup"),
            **wrapped([{"InterventionType": i["type"], "InterventionName": i["name"],
                        "InterventionDescription": i.get("description", "")}
                       for i in listed(study, "armsInterventionsModule", "interventions")],
                      "Intervention"),
        },
        "OutcomesModule": outcomes,
        "EligibilityModule": {"EligibilityCriteria": text(study, "eligibilityModule",
                                                          "eligibilityCriteria")},
        "ContactsLocationsModule": wrapped(
            [{"LocationCountry": p["country"]} for p in places], "Location"),
    }}  # fmt: skip
