"""Values of a trial from those of its registrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ashworth.registries.linking import LinkedTrial
from ashworth.registries.normalisation.countries import country_code
from ashworth.registries.normalisation.dates import PreciseDate
from ashworth.registries.normalisation.normalised import Normalised


def merged_values(trial: LinkedTrial, values: Sequence[Normalised]) -> Normalised:
    """Take every value from the main registration, and what it does not tell from the others.

    Countries are those of all registrations. The lead country is that of a sponsor, the main
    registration's first; where none tells it, that of the main registration's sites; where member
    states' records are all there is, and there are several, it is not known (never the first by
    alphabet).

    Parameters
    ----------
    trial : LinkedTrial
    values : sequence of Normalised
        Of its registrations, in their order.

    Examples
    --------
    >>> from ashworth.registries.linking import link
    >>> from ashworth.registries.normalisation.normalised import normalise
    >>> from ashworth.registries.record import Registration
    >>> records = [Registration("euctr", "x", "2010-000001-01", member_state=state,
    ...     countries=(state,)) for state in ("AT", "DE")]
    >>> (trial,) = link(records)
    >>> found = merged_values(trial, [normalise(r) for r in trial.records])
    >>> found.countries, found.lead_country
    (('AT', 'DE'), None)
    """
    main = values[0]
    told = next((v for v in values if v.phases), main)
    return replace(
        main, phases=told.phases, highest_phase=told.highest_phase,
        countries=tuple(dict.fromkeys(code for v in values for code in v.countries)),
        lead_country=_lead(trial, values), start=_first(values, "start"),
        completion=_first(values, "completion"), first_posted=_first(values, "first_posted"),
        enrolment=_counted(values).enrolment, enrolment_kind=_counted(values).enrolment_kind,
        unknown=tuple(dict.fromkeys(text for v in values for text in v.unknown)),
    )  # fmt: skip


def _first(values: Sequence[Normalised], name: str) -> PreciseDate | None:
    return next((getattr(v, name) for v in values if getattr(v, name) is not None), None)


def _counted(values: Sequence[Normalised]) -> Normalised:
    return next((v for v in values if v.enrolment is not None), values[0])


def _lead(trial: LinkedTrial, values: Sequence[Normalised]) -> str | None:
    sponsors = (country_code(r.sponsor_country) for r in trial.records if r.sponsor_country)
    told = next((code for code in sponsors if code), None)
    states = {r.member_state for r in trial.records}
    if told is not None or trial.main.source != "euctr" or len(states) == 1:
        return told or values[0].lead_country
    return None
