"""ISRCTN: records as the registry's XML, or as JSON by the R package ctrdata."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from ashworth.errors import InputError, Problem
from ashworth.registries.normalisation.phases import phase_codes
from ashworth.registries.normalisation.statuses import status_class
from ashworth.registries.readers.json_records import (
    Document,
    at,
    documents_of,
    listed,
    read_each,
    text_at,
)
from ashworth.registries.readers.texts import eligibility, no_number, once, tidy, whole
from ashworth.registries.record import (
    Intervention,
    RawDate,
    RegisteredOutcome,
    Registration,
)

_NUMBER = re.compile(r"(?:ISRCTN)?(\d{8})")
_NOT_TOLD = frozenset(("", "nil known", "nil", "n/a", "na", "none", "not applicable", "not known"))
_IDS = {
    "eudraCTNumber": re.compile(r"(?:19|20)\d{2}-\d{6}-\d{2}"),
    "clinicalTrialsGovNumber": re.compile(r"NCT\d{8}(?!\d)", re.IGNORECASE),
}


def read_isrctn_json(raw: bytes, file: str = "") -> Iterator[Registration]:
    """Read records: one, a list, or one per line.

    Raises
    ------
    msgspec.DecodeError
        If the text is no JSON, or cut.
    InputError
        With every record that is none of ISRCTN, or has no number that is one.

    Examples
    --------
    >>> record = b'{"isrctn": "12949496", "trialDescription": {"title": "A trial"},'
    >>> record += b'"participants": {"recruitmentStart": "2015-11-01T00:00:00.000Z"}}'
    >>> next(read_isrctn_json(record)).registry_id
    'ISRCTN12949496'
    """
    found = list(documents_of(raw, file, "isrctn", "a record of ISRCTN"))
    _check(file, [document for _, document in found])
    yield from read_each(
        found, file,
        lambda own, document: registration_of(
            document, {}, "isrctn_json", file, hashlib.sha256(own).hexdigest()
        ),
    )  # fmt: skip


def read_isrctn_xml(raw: bytes, file: str = "") -> Iterator[Registration]:
    """Read the registry's XML: ``allTrials``, or one ``fullTrial`` or ``trial``.

    Raises
    ------
    lxml.etree.XMLSyntaxError
        If the text is no XML, or cut.
    InputError
        Entities or a document type; no trial inside; numbers that are none.

    Examples
    --------
    >>> record = b'<allTrials xmlns="http://www.67bricks.com/isrctn"><fullTrial><trial>'
    >>> record += b'<isrctn>12949496</isrctn></trial></fullTrial></allTrials>'
    >>> next(read_isrctn_xml(record)).registry_id
    'ISRCTN12949496'
    """
    root = _root(raw, file)
    found = [e for e in root.iter() if etree.QName(e).localname == "trial"]
    documents = [_document(trial) for trial in found]
    if not found and announced_total(raw) != 0:
        raise InputError([Problem(file, None, None, f"no trial in <{root.tag}>",
                                  "trials of ISRCTN", "see the formats that are read")],
                         subject=file)  # fmt: skip
    _check(file, documents)
    for trial, document in zip(found, documents, strict=True):
        digest = hashlib.sha256(etree.tostring(trial)).hexdigest()
        yield registration_of(document, _sponsor(trial), "isrctn_xml", file, digest)


def announced_total(raw: bytes) -> int | None:
    """Give the total that an answer in XML announces, where it does."""
    match = re.search(rb"<allTrials[^>]*\stotalCount=[\"'](\d+)[\"']", raw[:5000])
    return int(match[1]) if match else None


def _root(raw: bytes, file: str) -> etree._Element:
    """One parser as for the other registry's XML: no entities, no network, no huge trees."""
    if b"<!DOCTYPE" in raw[:2000] or b"<!ENTITY" in raw:
        raise InputError([Problem(file, None, None, "a document type or entities", "neither",
                                  "fetch the file anew")], subject=file)  # fmt: skip
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True, dtd_validation=False,
    )  # fmt: skip
    return etree.fromstring(raw, parser)


def _document(element: etree._Element) -> Document:
    """An element as the nested form of the JSON: repeated children become lists."""
    found: Document = {f"@{name}": str(value) for name, value in element.attrib.items()}
    for child in element:
        name = etree.QName(child).localname
        value: Any = _document(child) if len(child) else (child.text or "")
        if name == "isrctn":
            found["@dateAssigned"] = child.get("dateAssigned", "")
        if name in found:
            found[name] = [
                *(found[name] if isinstance(found[name], list) else [found[name]]),
                value,
            ]
        else:
            found[name] = value
    return found


def _sponsor(trial: etree._Element) -> Document:
    """The first sponsor, which stands beside the trial."""
    parent = trial.getparent()
    beside = () if parent is None else parent
    return next((_document(e) for e in beside if etree.QName(e).localname == "sponsor"), {})


def _check(file: str, documents: list[Document]) -> None:
    problems = [
        Problem(file, number, "isrctn", f"'{text_at(document, 'isrctn')}'", "eight digits",
                "fetch the record anew")
        for number, document in enumerate(documents, start=1)
        if not _NUMBER.fullmatch(text_at(document, "isrctn").strip())
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject=file)


def registration_of(
    document: Document, sponsor: Document, format: str, file: str, sha256: str
) -> Registration:
    """Turn one record into a registration."""
    told, people, design = (
        document.get(name) or {} for name in ("trialDescription", "participants", "trialDesign")
    )
    match = _NUMBER.fullmatch(text_at(document, "isrctn").strip())
    number = f"ISRCTN{match[1]}" if match else ""
    given = [
        i for i in listed(at(document, "interventions", "intervention")) if isinstance(i, dict)
    ]
    status = text_at(people, "recruitmentStatusOverride") or text_at(
        design, "overallStatusOverride"
    )
    phases = once([tidy(text_at(i, "phase")) for i in given])
    enrolment, kind = _enrolment(people, status)
    return Registration(
        source="isrctn", format=format, registry_id=number, file=file, sha256=sha256,
        processed=_processed(document), url=f"https://www.isrctn.com/{number}",
        ids=_ids(document), brief_title=_text(told, "title"),
        official_title=_text(told, "scientificTitle"), acronym=_text(told, "acronym"),
        summary=_text(told, "plainEnglishSummary"), description=_text(told, "studyHypothesis"),
        eligibility=eligibility(_text(people, "inclusion"), _text(people, "exclusion")),
        conditions=once([_text(c, "description") for c in _conditions(document)]),
        keywords=once([_text(c, k) for c in _conditions(document)
                       for k in ("diseaseClass1", "diseaseClass2")]),
        interventions=tuple(
            Intervention(*(_text(i, k) for k in ("interventionType", "drugNames", "description")))
            for i in given
        ),
        outcomes=_outcomes(told), status=status, why_stopped=_text(design, "reasonAbandoned"),
        study_type=_text(design, "primaryStudyDesign").upper(), phases=phases,
        allocation=_text(design, "secondaryStudyDesign"),
        purpose="; ".join(_each(design, "trialTypes", "trialType")),
        enrolment=enrolment, enrolment_kind=kind,
        start=RawDate(text_at(people, "recruitmentStart")),
        recruitment_end=RawDate(text_at(people, "recruitmentEnd")),
        completion=RawDate(text_at(design, "overallEndDate")),
        first_posted=RawDate(text_at(document, "@dateAssigned")),
        last_updated=RawDate(text_at(document, "@lastUpdated")),
        countries=_each(people, "recruitmentCountries", "country"),
        sponsor=_text(sponsor, "organisation"),
        sponsor_country=_text(at(sponsor, "contactDetails") or sponsor, "country"),
        results=_text(document.get("results"), "publicationStage"),
        unknown_values=tuple(_unknown(document, status, phases)),
    )  # fmt: skip


def _text(document: Any, key: str) -> str:
    return tidy(text_at(document, key))


def _each(document: Any, *path: str) -> tuple[str, ...]:
    return once([tidy(str(value)) for value in listed(at(document, *path))])


def _processed(document: Document) -> str:
    """Day of the registry's last update, else of the copy."""
    return (text_at(document, "@lastUpdated") or text_at(document, "record_last_import"))[:10]


def _conditions(document: Document) -> list[Any]:
    return listed(at(document, "conditions", "condition"))


def _references(document: Document) -> list[str]:
    """Numbers elsewhere; a number may stand alone or with attributes."""
    found = document.get("externalRefs") or {}
    names = ("eudraCTNumber", "clinicalTrialsGovNumber", "irasNumber", "protocolSerialNumber")
    more = listed(at(found, "secondaryNumbers", "secondaryNumber"))
    return [text_at(found, name) for name in names] + [
        text_at(m, "value") if isinstance(m, dict) else str(m) for m in more
    ]


def _ids(document: Document) -> tuple[str, ...]:
    return once([tidy(t) for t in _references(document) if t.strip().lower() not in _NOT_TOLD])


def _unknown(document: Document, status: str, phases: tuple[str, ...]) -> Iterator[str]:
    """Values of closed lists, and of typed fields, that are none of theirs."""
    if status and status_class("isrctn", status) is None:
        yield f"status {status}"
    yield from (f"phase {p}" for p in phases if phase_codes(p) is None)
    numbers = (text_at(document, "participants", f"{n}Enrolment") for n in ("totalFinal", "target"))
    yield from no_number("enrolment", *numbers)
    for name, pattern in _IDS.items():
        value = tidy(text_at(document, "externalRefs", name))
        if value.lower() not in _NOT_TOLD and not pattern.search(value):
            yield f"{name} {value}"


def _enrolment(people: Any, status: str) -> tuple[int | None, str]:
    """The final number, else the target; a final 0 of a trial that was not stopped is none yet."""
    final, target = text_at(people, "totalFinalEnrolment"), text_at(people, "targetEnrolment")
    if whole(final) or (whole(final) == 0 and status == "Stopped"):
        return whole(final), "ACTUAL"
    return whole(target), "" if whole(target) is None else "ESTIMATED"


def _outcomes(told: Any) -> tuple[RegisteredOutcome, ...]:
    """Structured measures where there are some, else the free text."""
    found = []
    for role in ("primary", "secondary"):
        measures = listed(at(told, f"{role}Outcomes", "outcomeMeasure"))
        for m in measures:
            rest = (_text(m, "method"), _text(m, "timepoints"))
            found.append(
                RegisteredOutcome(role, _text(m, "variable"), "; ".join(filter(None, rest)))
            )
        if not measures and _text(told, f"{role}Outcome"):
            found.append(RegisteredOutcome(role, _text(told, f"{role}Outcome")))
    return tuple(found)
