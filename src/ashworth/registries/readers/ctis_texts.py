"""Texts of a CTIS trial: criteria, outcomes, products, and what they are in other languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ashworth.registries.readers.json_records import Document, at, listed, text_at
from ashworth.registries.readers.texts import eligibility, once, tidy
from ashworth.registries.record import Intervention, RegisteredOutcome, Translation

_ROLES = {"1": "Test", "2": "Comparator", "3": "Placebo", "4": "Auxiliary"}
_FIELDS = {
    "fullTitle": "official_title", "publicTitle": "brief_title", "medicalCondition": "conditions",
    "mainObjective": "summary", "secondaryObjective": "description",
    "principalInclusionCriteria": "eligibility", "principalExclusionCriteria": "eligibility",
}  # fmt: skip
_MORE = "Translations"


def text_of(document: Any, *keys: str) -> str:
    """The first of several keys under which a text stands."""
    return next((t for t in (tidy(text_at(document, key)) for key in keys) if t), "")


def _each(document: Any, name: str, key: str) -> list[str]:
    return [t for t in (text_of(item, key) for item in listed(at(document, name))) if t]


def objectives(details: Document) -> tuple[str, str]:
    """The main objective, and the secondary ones in one text."""
    found = at(details, "trialInformation", "trialObjective")
    secondary = _each(found, "secondaryObjectives", "secondaryObjective")
    return text_of(found, "mainObjective"), " ".join(secondary)


def criteria(details: Document) -> str:
    """Criteria of inclusion and exclusion."""
    found = at(details, "trialInformation", "eligibilityCriteria")
    names = ("principalInclusionCriteria", "principalExclusionCriteria")
    return eligibility(*(" ".join(_each(found, name, name)) for name in names))


def conditions(document: Document, details: Document) -> tuple[str, ...]:
    """Conditions of the trial; those of a search answer are one text."""
    found = at(details, "trialInformation", "medicalCondition")
    told = _each(found, "partIMedicalConditions", "medicalCondition")
    return once(told or [text_of(document, "conditions")])


def areas(document: Document, part: Any) -> tuple[str, ...]:
    """Therapeutic areas."""
    found = document.get("therapeuticAreas")
    told = found if isinstance(found, list) else [found]
    return once([*_each(part, "therapeuticAreas", "name"), *(str(a) for a in told if a)])


def interventions(part: Any) -> tuple[Intervention, ...]:
    """Products: role, name (else the substance) and substance."""
    found = []
    for product in listed(at(part, "products")):
        role = text_at(product, "mpRoleInTrial")
        entry = at(product, "productDictionaryInfo")
        substance = text_of(entry, "activeSubstanceName")
        substance = "" if substance == "N/A" else substance
        name = text_of(product, "productName") or text_of(entry, "prodName") or substance
        found.append(Intervention(_ROLES.get(role, role), name, substance))
    return tuple(found)


def _end_points(details: Document) -> Iterator[tuple[str, Any]]:
    found = at(details, "trialInformation", "endPoint")
    for role in ("primary", "secondary"):
        for item in listed(at(found, f"{role}EndPoints")):
            yield role, item


def outcomes(details: Document) -> tuple[RegisteredOutcome, ...]:
    """End points, primary ones first."""
    return tuple(
        RegisteredOutcome(role, text_of(item, "endPoint")) for role, item in _end_points(details)
    )


def translations(node: Any) -> Iterator[Translation]:
    """Every text of a key that ends with ``Translations``, at any depth."""
    if isinstance(node, list):
        for item in node:
            yield from translations(item)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if not key.endswith(_MORE):
            yield from translations(value)
            continue
        name = key.removesuffix(_MORE)
        role = "primary_outcomes" if node.get("isPrimary") else "other_outcomes"
        field = role if name == "endPoint" else _FIELDS.get(name)
        if field is not None:
            yield from _translated(field, value)


def _translated(field: str, items: Any) -> Iterator[Translation]:
    for item in listed(items):
        text = text_of(item, "attributeTranslation")
        if text:
            language = text_of(item, "languageDescription", "language")
            yield Translation(field, language, text)
