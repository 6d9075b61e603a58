"""EU Clinical Trials Register records as the R package ctrdata stores them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ashworth.errors import InputError, Problem
from ashworth.registries.normalisation.countries import names_in
from ashworth.registries.readers.euctr_record import (
    EUDRACT,
    EuctrFields,
    registration_of,
    state_of,
)
from ashworth.registries.readers.json_records import (
    Document,
    at,
    documents_of,
    listed,
    read_each,
    text_at,
)
from ashworth.registries.record import Registration

_CODES = {
    "a1": "A.1", "a2": "A.2", "a3": "A.3", "a31": "A.3.1", "a32": "A.3.2", "a41": "A.4.1",
    "a51": "A.5.1", "a52": "A.5.2", "a53": "A.5.3", "a54": "A.5.4", "e11": "E.1.1",
    "e111": "E.1.1.1", "e112": "E.1.1.2", "e21": "E.2.1", "e22": "E.2.2", "e3": "E.3",
    "e4": "E.4", "e51": "E.5.1", "e511": "E.5.1.1", "e52": "E.5.2", "e521": "E.5.2.1",
    "e71": "E.7.1", "e72": "E.7.2", "e73": "E.7.3", "e74": "E.7.4", "e811": "E.8.1.1",
    "e85": "E.8.5", "e861": "E.8.6.1", "e862": "E.8.6.2", "f41": "F.4.1", "f421": "F.4.2.1",
    "f422": "F.4.2.2",
}  # fmt: skip
_PRODUCT = {
    "d12": "D.1.2", "d2111": "D.2.1.1.1", "d31": "D.3.1", "d32": "D.3.2", "d38": "D.3.8",
    "d393": "D.3.9.3",
}  # fmt: skip
_SUBSTANCES = "d38_imp_identification_details"
_NAMED = {
    "n_date_of_competent_authority_decision": "N.authority",
    "n_date_of_ethics_committee_opinion": "N.ethics",
    "p_end_of_trial_status": "P.status",
    "p_date_of_the_global_end_of_the_trial": "P.date",
}


def read_euctr_json(raw: bytes, file: str = "") -> Iterator[Registration]:
    """Read records of member states: one, a list, or one per line.

    A start of recruitment in the results part of a record becomes the start of the trial. ctrdata
    drops accents and joins lines; what it dropped cannot be read.

    Raises
    ------
    msgspec.DecodeError
        If the text is no JSON, or cut.
    InputError
        With every record that is none of the register, or has no number that is one.

    Examples
    --------
    >>> record = b'{"a1_member_state_concerned": "Spain - AEMPS",'
    >>> record += b'"a2_eudract_number": "2010-000001-01", "p_end_of_trial_status": "Ongoing"}'
    >>> next(read_euctr_json(record)).member_state
    'ES'
    """
    found = list(documents_of(raw, file, "a2_eudract_number", "a record of the EU register"))
    problems = [
        Problem(file, number, "a2_eudract_number", f"'{text_at(document, 'a2_eudract_number')}'",
                "YYYY-NNNNNN-CC", "fetch the record anew")
        for number, (_, document) in enumerate(found, start=1)
        if not EUDRACT.fullmatch(text_at(document, "a2_eudract_number"))
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject=file)
    yield from read_each(found, file, lambda own, document: _registration(own, document, file))


def _registration(own: bytes, document: Document, file: str) -> Registration:
    return registration_of(
        _fields(document), format="euctr_json", file=file, sha256=hashlib.sha256(own).hexdigest(),
        state=state_of(text_at(document, "a1_member_state_concerned")),
        processed=text_at(document, "record_last_import")[:10],
    )  # fmt: skip


def _fields(document: Document) -> EuctrFields:
    found = EuctrFields(products=[_product(p) for p in listed(document.get("dimp"))])
    bases: dict[str, str] = {}
    for key in sorted(document, key=lambda k: (k.split("_")[0], len(k))):
        name = key.split("_")[0]
        code = _NAMED.get(key) or _CODES.get(name)
        if code is None:
            continue
        base = bases.setdefault(code, key)
        found.add(code, key.removeprefix(base).strip("_"), text_at(document, key))
    _rest(found, document)
    found.head = {
        "status": text_at(document, "x5_trial_status"),
        "entered": text_at(
            document, "x6_date_on_which_this_record_was_first_entered_in_the_eudract_database"
        ),
        "results": "in the record" if "trialInformation" in document else "",
    }  # fmt: skip
    return found


def _rest(found: EuctrFields, document: Document) -> None:
    """Sponsor, classified conditions, results and countries, which stand in lists."""
    for sponsor in listed(document.get("b1_sponsor")):
        found.add("B.1.1", "", text_at(sponsor, "b11_name_of_sponsor"))
        found.add("B.1.3.4", "", text_at(sponsor, "b134_country"))
    for condition in listed(document.get("e12_meddra_classification")):
        found.add("E.1.2 Term", "", text_at(condition, "e12_term"))
    for code, key in (("A.5.1", "isrctn"), ("A.5.2", "usctn"), ("A.5.3", "who")):
        found.add(code, "", text_at(document, "trialInformation", f"{key}Identifier"))
    found.add("results.start", "", text_at(document, "trialInformation", "recruitmentStartDate"))
    regions = names_in(text_at(document, "e863_trial_sites_planned_in"))
    found.add("E.8.6.3", "", "\n".join(regions))


def _product(product: Document) -> dict[str, list[str]]:
    """Role, names and substances; the substances stand in a list of their own."""
    found: dict[str, list[str]] = {}
    for part in (product, *listed(at(product, _SUBSTANCES))):
        for key in part:
            code = _PRODUCT.get(key.split("_")[0])
            if code is None or key == _SUBSTANCES:
                continue
            text = " ".join(text_at(part, key).split())
            if text:
                found.setdefault(code, []).append(text)
    return found
