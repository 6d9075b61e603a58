"""One member state's record of the EU Clinical Trials Register, whatever file it came in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ashworth.registries.normalisation.countries import country_code
from ashworth.registries.readers.texts import eligibility, no_number, once, tidy, whole
from ashworth.registries.record import (
    Intervention,
    RawDate,
    RegisteredOutcome,
    Registration,
    Translation,
)

EUDRACT = re.compile(r"\d{4}-\d{6}-\d{2}")
STATUSES = frozenset((
    "Ongoing", "Completed", "Prematurely Ended", "Temporarily Halted", "Restarted",
    "Not Authorised", "Prohibited by CA", "Suspended by CA", "GB - no longer in EU/EEA",
    "Trial now transitioned",
))  # fmt: skip
PHASES = {
    "E.7.1": "Human pharmacology (Phase I)", "E.7.2": "Therapeutic exploratory (Phase II)",
    "E.7.3": "Therapeutic confirmatory (Phase III)", "E.7.4": "Therapeutic use (Phase IV)",
}  # fmt: skip
OUTSIDE = "3rd"
"""The register's suffix of a record for countries outside the EEA."""
_URL = "https://www.clinicaltrialsregister.eu/ctr-search/trial"
_NONE = frozenset(("", "no", "none", "n/a", "na", "not applicable", "not available", "nil known"))
_IDS = {
    "A.5.1": ("ISRCTN number", re.compile(r"ISRCTN\s?\d{8}", re.IGNORECASE)),
    "A.5.2": ("NCT number", re.compile(r"NCT\s?\d{8}(?!\d)", re.IGNORECASE)),
    "A.5.3": ("UTN", re.compile(r"U1111-\d{4}-\d{4}", re.IGNORECASE)),
}  # fmt: skip
_ENROLMENT = ("F.4.2.2", "F.4.2.1", "F.4.1")
_TRANSLATED = {
    "A.3": "official_title", "A.3.1": "brief_title", "A.3.2": "acronym", "E.1.1": "conditions",
    "E.1.1.1": "conditions", "E.2.1": "summary", "E.2.2": "description", "E.3": "eligibility",
    "E.4": "eligibility", "E.5.1": "primary_outcomes", "E.5.2": "other_outcomes",
}  # fmt: skip


@dataclass
class EuctrFields:
    """Values of a record by the codes of the register's form.

    Attributes
    ----------
    values : dict of str to list of (str, str)
        Code of the form, e.g. ``"E.1.1"``, to language (empty: the main text) and value.
    products : list of dict of str to list of str
        Investigational products, each with its codes.
    head : dict of str to str
        ``status``, ``entered``, ``link``, ``results``.
    """

    values: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    products: list[dict[str, list[str]]] = field(default_factory=list)
    head: dict[str, str] = field(default_factory=dict)

    def add(self, code: str, language: str, value: str) -> None:
        """Note one value."""
        self.values.setdefault(code, []).append((language, value))

    def text(self, code: str) -> str:
        """The main text; where it is told in other languages only, the first of them."""
        values = self.values.get(code)
        if values is None:
            return ""
        found = [(language, tidy(value)) for language, value in values]
        main = [v for language, v in found if v and not language]
        return (main or [v for _, v in found if v] or [""])[0]

    def texts(self, code: str) -> list[str]:
        """Every main text."""
        return [tidy(v) for language, v in self.values.get(code, ()) if not language and tidy(v)]

    def lines(self, code: str) -> list[str]:
        """The lines of the main text."""
        found = [v for language, v in self.values.get(code, ()) if not language]
        return [tidy(line) for v in found for line in v.splitlines() if tidy(line)]


def registration_of(
    fields: EuctrFields, *, format: str, file: str, sha256: str, state: str, processed: str = ""
) -> Registration:
    """Turn the values of one member state's record into a registration."""
    text = fields.text
    number, status = text("A.2"), text("P.status") or fields.head.get("status", "")
    other, enrolment = fields.head.get("status", ""), _enrolment(fields)
    return Registration(
        source="euctr", format=format, registry_id=number, file=file, sha256=sha256,
        member_state=state, processed=processed, ids=_ids(fields),
        url=fields.head.get("link") or f"{_URL}/{number}/{state}",
        brief_title=text("A.3.1"), official_title=text("A.3"), acronym=text("A.3.2"),
        summary=text("E.2.1"), description=text("E.2.2"),
        eligibility=eligibility(text("E.3"), text("E.4")),
        conditions=once([text("E.1.1"), text("E.1.1.1"), *fields.texts("E.1.2 Term")]),
        keywords=once([text("E.1.1.2")]), interventions=_interventions(fields.products),
        outcomes=_outcomes(fields), status=status,
        last_known_status=other if other != status else "",
        study_type="INTERVENTIONAL", phases=phases_of({c: text(c) for c in PHASES}),
        allocation={"yes": "RANDOMIZED", "no": "NON_RANDOMIZED"}.get(text("E.8.1.1").lower(), ""),
        enrolment=enrolment, enrolment_kind="" if enrolment is None else "ESTIMATED",
        start=start_of(text("results.start"), text("N.authority"), text("N.ethics")),
        completion=RawDate(text("P.date")), first_posted=RawDate(fields.head.get("entered", "")),
        countries=_countries(fields, state), sponsor=text("B.1.1"),
        sponsor_country=text("B.1.3.4"), results=fields.head.get("results", ""),
        translations=_translations(fields), unknown_values=_unknown(fields, status),
    )  # fmt: skip


def state_of(name: str, link: str = "") -> str:
    """Code of a member state from the record's link or from ``"Spain - AEMPS"``.

    Examples
    --------
    >>> state_of("Spain - AEMPS"), state_of("", "https://x/ctr-search/trial/2008-000679-90/3rd/")
    ('ES', '3rd')
    """
    match = re.search(r"/trial/\d{4}-\d{6}-\d{2}/(\w{2,3})/?$", link)
    if match:
        return match[1]
    country = name.split(" - ")[0].strip()
    return country_code(country) or country


def phases_of(flags: Mapping[str, str]) -> tuple[str, ...]:
    """The register's words for the phases that are ticked."""
    return tuple(PHASES[code] for code, flag in flags.items() if flag.lower() in ("yes", "true"))


def start_of(recruitment: str, authority: str, ethics: str) -> RawDate:
    """Start by the results, else the day of the authority's decision, else of the opinion.

    The register has no field for the start; before it is authorised a trial cannot begin.
    """
    if recruitment:
        return RawDate(recruitment, "ACTUAL")
    return RawDate(authority or ethics, "AUTHORISED" if authority or ethics else "")


def _ids(fields: EuctrFields) -> tuple[str, ...]:
    typed = [v for code in _IDS for v in fields.texts(code)]
    return once([fields.text("A.4.1"), *typed, *fields.texts("A.5.4")])


def _unknown(fields: EuctrFields, status: str) -> tuple[str, ...]:
    found = [f"status {status}"] if status and status not in STATUSES else []
    found += no_number("enrolment", *(fields.text(code) for code in _ENROLMENT))
    for code, (name, pattern) in _IDS.items():
        found += [
            f"{name} {value}" for value in fields.texts(code)
            if value.lower() not in _NONE and not pattern.search(value)
        ]  # fmt: skip
    return tuple(found)


def _interventions(products: Sequence[Mapping[str, list[str]]]) -> tuple[Intervention, ...]:
    """One per product: role, names each once, the substances."""
    found = []
    for product in products:
        names = [v for code in ("D.2.1.1.1", "D.3.1", "D.3.2") for v in product.get(code, ())]
        substances = [v for code in ("D.3.8", "D.3.9.3") for v in product.get(code, ())]
        role = "; ".join(product.get("D.1.2", ()))
        found.append(Intervention(role, "; ".join(once(names)), "; ".join(once(substances))))
    return tuple(i for i in found if i.name or i.description)


def _outcomes(fields: EuctrFields) -> tuple[RegisteredOutcome, ...]:
    pairs = (("primary", "E.5.1"), ("secondary", "E.5.2"))
    found = [(role, fields.text(code), fields.text(f"{code}.1")) for role, code in pairs]
    return tuple(RegisteredOutcome(*outcome) for outcome in found if outcome[1])


def _enrolment(fields: EuctrFields) -> int | None:
    """Planned patients of the whole trial; None where only a part of it is told."""
    every, eea, state = (whole(fields.text(code)) for code in _ENROLMENT)
    outside = "yes" in (fields.text("E.8.6.1").lower(), fields.text("E.8.6.2").lower())
    if every is not None:
        return every
    if outside:
        return None
    if eea is not None:
        return eea
    return state if fields.text("E.8.5").lower() == "no" else None


def _countries(fields: EuctrFields, state: str) -> tuple[str, ...]:
    """The member state, then countries that are planned outside the EEA."""
    own = fields.text("A.1").split(" - ")[0] or ("" if state == OUTSIDE else state)
    return once([own, *fields.lines("E.8.6.3")])


def _translations(fields: EuctrFields) -> tuple[Translation, ...]:
    found: Iterable[Translation] = (
        Translation(name, language, tidy(value))
        for code, name in _TRANSLATED.items()
        for language, value in fields.values.get(code, ())
        if language and tidy(value)
    )
    return tuple(found)
