"""CTIS, the European portal: a trial as JSON, in the shape before and since June 2024."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from ashworth.errors import InputError, Problem
from ashworth.registries.normalisation.countries import country_code
from ashworth.registries.normalisation.dates import precise_date
from ashworth.registries.normalisation.phases import phase_codes
from ashworth.registries.normalisation.statuses import status_class
from ashworth.registries.readers.ctis_texts import (
    areas,
    conditions,
    criteria,
    interventions,
    objectives,
    outcomes,
    text_of,
    translations,
)
from ashworth.registries.readers.json_records import (
    Document,
    at,
    documents_of,
    json_records,
    listed,
    read_each,
    text_at,
)
from ashworth.registries.readers.texts import no_number, once, tidy, whole
from ashworth.registries.record import (
    MemberState,
    RawDate,
    Registration,
)

NUMBER = re.compile(r"20\d{2}-5\d{5}-\d{2}(?:-\d{2})?")


def read_ctis_json(raw: bytes, file: str = "") -> Iterator[Registration]:
    """Read trials of CTIS: one, a list, one per line, or an answer of its search.

    A trial is one registration; its member states, each with its status, are in
    `Registration.member_states`. The main text is the one that the record gives first, the others
    are translations. The status is the public one, a number, or before 2024 words; the status
    of the application (``"Authorised"``) is not the trial's and is left.

    Raises
    ------
    msgspec.DecodeError
        If the text is no JSON, or cut.
    InputError
        With every record that is none of CTIS, or has no number that is one.

    Examples
    --------
    >>> record = b'{"ctNumber": "2023-508143-51-01", "ctStatus": 4, "trialCountries": ["Spain:4"]}'
    >>> found = next(read_ctis_json(record))
    >>> found.status, found.countries, found.member_states[0].status
    ('4', ('Spain',), '4')
    """
    answer = _search_answer(raw)
    rows = raw if answer is None else msgspec.json.encode(answer["data"])
    found = list(documents_of(rows, file, "ctNumber", "a trial of CTIS"))
    problems = [
        Problem(file, number, "ctNumber", f"'{text_at(document, 'ctNumber')}'",
                "YYYY-5NNNNN-NN-NN", "fetch the record anew")
        for number, (_, document) in enumerate(found, start=1)
        if not NUMBER.fullmatch(text_at(document, "ctNumber"))
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject=file)
    yield from read_each(
        found, file,
        lambda own, document: registration_of(document, file, hashlib.sha256(own).hexdigest()),
    )  # fmt: skip


def announced_total(raw: bytes) -> int | None:
    """Give the total that an answer of the search announces; None for records."""
    answer = _search_answer(raw)
    total = None if answer is None else at(answer, "pagination", "totalRecords")
    return total if isinstance(total, int) else None


def _search_answer(raw: bytes) -> Document | None:
    head = raw[:2000]
    if b'"pagination"' not in head and b'"data"' not in head:
        return None
    found = [msgspec.json.decode(own) for own in json_records(raw)]
    if len(found) == 1 and isinstance(at(found[0], "data"), list) and "ctNumber" not in found[0]:
        answer: Document = found[0]
        return answer
    return None


def registration_of(document: Document, file: str, sha256: str) -> Registration:
    """Turn one trial into a registration."""
    trial = document.get("authorizedApplication") or document
    part = at(trial, "authorizedPartI") or {}
    details = at(part, "trialDetails") or {}
    names = at(details, "clinicalTrialIdentifiers") or {}
    number, status = text_at(document, "ctNumber"), _status(document)
    states, phase = _states(document, trial), _phase(document, details)
    sponsor = _sponsor(document, part)
    enrolment = text_at(document, "totalNumberEnrolled")
    unknown = [f"status {s}" for s in once([status, *(m.status for m in states)])
               if status_class("ctis", s) is None]  # fmt: skip
    unknown += [f"phase {phase}"] if phase and phase_codes(phase) is None else []
    unknown += no_number("enrolment", enrolment)
    return Registration(
        source="ctis", format="ctis_json", registry_id=number, file=file, sha256=sha256,
        processed=_processed(document), ids=_ids(document, trial, names),
        url=f"https://euclinicaltrials.eu/ctis-public/view/{number}",
        brief_title=text_of(names, "publicTitle"),
        official_title=text_of(names, "fullTitle") or text_of(document, "title", "ctTitle"),
        acronym=text_of(names, "shortTitle") or text_of(document, "shortTitle"),
        summary=objectives(details)[0], description=objectives(details)[1],
        eligibility=criteria(details), conditions=conditions(document, details),
        keywords=areas(document, part), interventions=interventions(part),
        outcomes=outcomes(details), status=status,
        study_type="INTERVENTIONAL", phases=(phase,) if phase else (),
        enrolment=whole(enrolment), enrolment_kind="" if whole(enrolment) is None else "ESTIMATED",
        start=_start(document, details), completion=_completion(document, details),
        last_updated=RawDate(text_at(document, "lastUpdated")),
        countries=once([*(m.country for m in states), *_others(part)]),
        sponsor=sponsor[0], sponsor_country=sponsor[1], unknown_values=tuple(unknown),
        member_states=states, translations=tuple(translations(details)),
        results=text_at(document, "resultsFirstReceived"),
    )  # fmt: skip


def _status(document: Document) -> str:
    """The public status: the number where there is one."""
    number, words = text_at(document, "ctPublicStatusCode"), document.get("ctStatus")
    return number or (str(words) if isinstance(words, (int, str)) else "")


def _phase(document: Document, details: Document) -> str:
    code = text_at(details, "trialInformation", "trialCategory", "trialPhase")
    return tidy(text_at(document, "trialPhase")) or code


def _processed(document: Document) -> str:
    """Day of the version: of the last update, else of the copy."""
    for key in ("lastUpdated", "lastPublicationUpdate", "record_last_import"):
        day = precise_date(text_at(document, key)[:10])
        if day is not None:
            return day.first_day.isoformat()
    return ""


def _ids(document: Document, trial: Any, names: Any) -> tuple[str, ...]:
    """Numbers of the same trial elsewhere; associated trials are other trials and are left."""
    numbers = at(names, "secondaryIdentifyingNumbers") or {}
    eudract = text_at(trial, "eudraCt", "eudraCtCode") or text_at(
        document, "eudraCtInfo", "eudraCtCode"
    )
    typed = [text_at(value, "number") for value in numbers.values() if isinstance(value, dict)]
    others = [text_at(item, "number") for item in listed(numbers.get("additionalRegistries"))]
    return once([tidy(t) for t in (eudract, *typed, *others)])


def _pairs(value: Any) -> dict[str, str]:
    """``["Spain:4", ...]`` or ``"ES:Ongoing, recruiting, IT:Ended"``: country to the rest."""
    text = "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")
    parts = re.split(r"\n|,\s*(?=[A-Z]{2}\s*:)", text)
    split = [part.partition(":") for part in parts if ":" in part]
    return {name.strip(): rest.strip() for name, _, rest in split}


def _by_code(pairs: dict[str, str]) -> dict[str, str]:
    return {country_code(name) or name: text for name, text in pairs.items()}


def _states(document: Document, trial: Any) -> tuple[MemberState, ...]:
    statuses, decided = _pairs(document.get("trialCountries")), _by_code(
        _pairs(document.get("decisionDate"))
    )  # fmt: skip
    concerned = listed(at(trial, "memberStatesConcerned"))
    names = [text_at(s, "mscName") or text_at(s, "countryName") for s in concerned]
    public = {n: text_at(s, "mscPublicStatusCode") for n, s in zip(names, concerned, strict=True)}
    started = _started(trial)
    by_code = _by_code(statuses)
    known = {country_code(n) or n for n in names}
    every = once([*names, *(n for n in statuses if (country_code(n) or n) not in known)])
    return tuple(
        MemberState(name, public.get(name) or by_code.get(code, ""), decided.get(code, ""),
                    started.get(name, ""))
        for name, code in ((n, country_code(n) or n) for n in every)
    )  # fmt: skip


def _started(trial: Any) -> dict[str, str]:
    """Country to the day on which the trial began there."""
    infos = [at(part, "mscInfo") for part in listed(at(trial, "authorizedPartsII"))]
    return {
        text_at(i, "countryName"): text_at(i, "activeTrialPeriod", "trialStartDate") for i in infos
    }


def _others(part: Any) -> list[str]:
    """Countries outside the EEA, as names or as ISO numbers."""
    rows = listed(at(part, "rowCountries"))
    return [
        (f"{row:03d}" if isinstance(row, int) else str(row))
        if not isinstance(row, dict) else (text_of(row, "name", "countryName", "country"))
        for row in rows
    ]  # fmt: skip


def _sponsor(document: Document, part: Any) -> tuple[str, str]:
    """Name and country of the main sponsor."""
    every = [document.get("primarySponsor"), *listed(at(part, "sponsors"))]
    known = [s for s in every if isinstance(s, dict)]
    main = next((s for s in known if s.get("primary")), known[0] if known else {})
    address = next(iter(listed(main.get("addresses"))), {})
    name = text_of(at(main, "organisation"), "name") or text_of(document, "sponsor")
    return name, text_of(at(address, "address"), "countryName")


def _start(document: Document, details: Document) -> RawDate:
    if text_at(document, "startDateEU"):
        return RawDate(text_at(document, "startDateEU"), "ACTUAL")
    planned = text_at(details, "trialInformation", "trialDuration", "estimatedRecruitmentStartDate")
    return RawDate(planned, "ESTIMATED" if planned else "")


def _completion(document: Document, details: Document) -> RawDate:
    ended = text_at(document, "endDateEU") or text_at(document, "endDate")
    if ended:
        return RawDate(ended, "ACTUAL")
    duration = at(details, "trialInformation", "trialDuration")
    planned = text_of(duration, "estimatedGlobalEndDate", "estimatedEndDate")
    return RawDate(planned, "ESTIMATED" if planned else "")
