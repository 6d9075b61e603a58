"""A record's verbatim values in one meaning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ashworth.registries.normalisation.countries import country_code
from ashworth.registries.normalisation.dates import PreciseDate, precise_date
from ashworth.registries.normalisation.phases import ORDER, phase_codes
from ashworth.registries.normalisation.statuses import status_on
from ashworth.registries.record import Registration


@dataclass(frozen=True, slots=True)
class Normalised:
    """Status, phases, countries and dates of a record.

    Attributes
    ----------
    status, last_known_status, status_basis : str
    phases : tuple of str
        PHASE1 ..., NA for not applicable; empty where the registry gives none.
    highest_phase : str or None
    countries : tuple of str
        ISO codes, each once, in the registry's order.
    lead_country : str or None
        That of the sponsor where it is told, else the first of the sites' countries.
    unknown : tuple of str
        Values that could not be read, with their kind.
    """

    status: str
    last_known_status: str
    status_basis: str
    phases: tuple[str, ...]
    highest_phase: str | None
    countries: tuple[str, ...]
    lead_country: str | None
    start: PreciseDate | None
    completion: PreciseDate | None
    first_posted: PreciseDate | None
    enrolment: int | None
    enrolment_kind: str
    unknown: tuple[str, ...]


def normalise(record: Registration, on: date | None = None) -> Normalised:
    """Read a record's values; what cannot be read is listed, never guessed.

    Examples
    --------
    >>> record = Registration("ctgov", "x", "NCT1", status="RECRUITING", countries=("Germany",),
    ...     phases=("PHASE1", "PHASE2"))
    >>> normalise(record).lead_country, normalise(record).highest_phase
    ('DE', 'PHASE2')
    """
    status = status_on(record, on)
    pairs = [(name, country_code(name)) for name in record.countries]
    codes = tuple(dict.fromkeys(code for _, code in pairs if code))
    unknown = [f"country {name}" for name, code in pairs if code is None]
    sponsor = country_code(record.sponsor_country) if record.sponsor_country else None
    if record.sponsor_country and sponsor is None:
        unknown.append(f"country {record.sponsor_country}")
    dates = {}
    for name in ("start", "completion", "first_posted"):
        text = getattr(record, name).text
        dates[name] = precise_date(text)
        if text and dates[name] is None:
            unknown.append(f"date {text}")
    told = [(text, phase_codes(text)) for text in record.phases]
    listed = record.unknown_values
    unknown += [f"phase {t}" for t, c in told if c is None and f"phase {t}" not in listed]
    phases = tuple(dict.fromkeys(code for _, codes in told for code in codes or ()))
    known = [p for p in ORDER if p in phases]
    return Normalised(
        status.status, status.last_known, status.basis, phases,
        known[-1] if known else None, codes, sponsor or (codes[0] if codes else None),
        dates["start"], dates["completion"], dates["first_posted"], record.enrolment,
        record.enrolment_kind, (*record.unknown_values, *unknown),
    )  # fmt: skip
