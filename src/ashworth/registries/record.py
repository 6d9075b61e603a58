"""One registration as its registry publishes it: verbatim, before anything is decided about it."""

from __future__ import annotations

from typing import Literal

import msgspec

Source = Literal["ctgov", "euctr", "ctis", "isrctn"]


class Intervention(msgspec.Struct, frozen=True):
    """What is given, with its kind."""

    kind: str = ""
    name: str = ""
    description: str = ""


class Arm(msgspec.Struct, frozen=True):
    """A group of patients."""

    label: str = ""
    description: str = ""


class RegisteredOutcome(msgspec.Struct, frozen=True):
    """An outcome measure; `role` is primary, secondary or other."""

    role: str = ""
    measure: str = ""
    description: str = ""


class RawDate(msgspec.Struct, frozen=True):
    """A date as written, and whether it is actual or expected."""

    text: str = ""
    kind: str = ""


class Translation(msgspec.Struct, frozen=True):
    """The same text in another language.

    Attributes
    ----------
    field : str
        Field of the text, by the names of the classification, e.g. ``"official_title"``.
    language : str
        As the registry writes it: ``"es"``, ``"Spanish"`` or a number.
    """

    field: str = ""
    language: str = ""
    text: str = ""


class MemberState(msgspec.Struct, frozen=True):
    """What one country says in a record that holds several; verbatim.

    Attributes
    ----------
    country, status : str
    decided, started : str
        Days of the country's decision and of the trial's start there.
    """

    country: str = ""
    status: str = ""
    decided: str = ""
    started: str = ""


class Registration(msgspec.Struct, frozen=True):
    """One record of one registry at one time.

    Attributes
    ----------
    source : {"ctgov", "euctr", "ctis", "isrctn"}
    format : str
        Format that was read, e.g. ``"ctgov_json_v2"``.
    registry_id : str
        The registry's own id, e.g. ``"NCT01710605"``.
    member_state : str
        Country of a European member state's record (ISO code, or ``3rd`` for outside the EEA);
        empty elsewhere.
    processed : str
        Day on which the registry made this version, as far as the record tells (YYYY-MM-DD).
    file, sha256 : str
        File of the record, and the digest of its raw bytes.
    ids : tuple of str
        Other ids of the same trial, verbatim.
    status, last_known_status, why_stopped : str
        Verbatim.
    phases : tuple of str
        Verbatim; empty where the registry gives none.
    countries : tuple of str
        Countries of sites, verbatim, each once.
    unknown_values : tuple of str
        Values of closed lists that this program does not know.
    recruitment_end : RawDate
        End of accrual, where the registry has a date of its own for it.
    member_states : tuple of MemberState
        Countries of a record that speaks for several (CTIS).
    translations : tuple of Translation
        Texts in other languages than the main one.
    results : str
        What the record says about posted results, verbatim.
    """

    source: Source
    format: str
    registry_id: str
    file: str = ""
    sha256: str = ""
    member_state: str = ""
    processed: str = ""
    url: str = ""
    ids: tuple[str, ...] = ()
    brief_title: str = ""
    official_title: str = ""
    acronym: str = ""
    summary: str = ""
    description: str = ""
    eligibility: str = ""
    conditions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    condition_mesh: tuple[str, ...] = ()
    intervention_mesh: tuple[str, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    arms: tuple[Arm, ...] = ()
    outcomes: tuple[RegisteredOutcome, ...] = ()
    status: str = ""
    last_known_status: str = ""
    why_stopped: str = ""
    study_type: str = ""
    phases: tuple[str, ...] = ()
    allocation: str = ""
    purpose: str = ""
    enrolment: int | None = None
    enrolment_kind: str = ""
    start: RawDate = RawDate()
    primary_completion: RawDate = RawDate()
    completion: RawDate = RawDate()
    first_posted: RawDate = RawDate()
    last_updated: RawDate = RawDate()
    verified: RawDate = RawDate()
    countries: tuple[str, ...] = ()
    removed_countries: tuple[str, ...] = ()
    sponsor: str = ""
    sponsor_country: str = ""
    unknown_values: tuple[str, ...] = ()
    recruitment_end: RawDate = RawDate()
    member_states: tuple[MemberState, ...] = ()
    translations: tuple[Translation, ...] = ()
    results: str = ""


def slim(record: Registration) -> Registration:
    """The record without its long texts, for when they have been read and judged."""
    return msgspec.structs.replace(
        record, summary="", description="", eligibility="", outcomes=(), arms=(),
        interventions=(), keywords=(), why_stopped="", translations=(),
    )  # fmt: skip
