"""One registration and its verdict as a row, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import polars as pl

from ashworth.registries.classification.verdicts import CellVerdict
from ashworth.registries.identifiers import trial_ids
from ashworth.registries.normalisation.dates import PreciseDate
from ashworth.registries.normalisation.normalised import Normalised, normalise
from ashworth.registries.record import Registration, slim
from ashworth.registries.survey import Surveyed

LAYOUT = 1
"""Number of this layout; a store of another is made anew."""
_TEXTS = pl.List(pl.String)
_EVIDENCE = pl.List(pl.Struct({
    "rule": pl.String, "specimen": pl.String, "field": pl.String, "tier": pl.Int64,
    "words": pl.String,
}))  # fmt: skip
ROWS = pl.Schema({
    "version": pl.Int64, "key": pl.Binary, "source": pl.String, "format": pl.String,
    "registry_id": pl.String, "number": pl.String, "member_state": pl.String,
    "processed": pl.String, "sha256": pl.String, "file": pl.String, "url": pl.String,
    "ids": _TEXTS, "trial_ids": _TEXTS, "brief_title": pl.String, "official_title": pl.String,
    "study_type": pl.String, "sponsor": pl.String, "sponsor_country": pl.String,
    "status": pl.String, "last_known_status": pl.String, "phases": _TEXTS, "countries": _TEXTS,
    "start": pl.String, "completion": pl.String, "first_posted": pl.String,
    "enrolment": pl.Int64, "enrolment_kind": pl.String, "status_class": pl.String,
    "last_known_class": pl.String, "phase_codes": _TEXTS, "highest_phase": pl.String,
    "country_codes": _TEXTS, "lead_country": pl.String, "start_day": pl.Date,
    "start_precision": pl.String, "completion_day": pl.Date, "completion_precision": pl.String,
    "first_posted_day": pl.Date, "unknown_values": _TEXTS, "specimen": pl.String,
    "scope": pl.String, "tier": pl.Int64, "roles": _TEXTS, "supported_by_mesh": pl.Boolean,
    "rules_version": pl.Int64, "evidence": _EVIDENCE, "surveyed": pl.Binary,
})  # fmt: skip
"""Columns of `rows-*.parquet`; see docs/reference/registries-store.md."""
TEXTS = pl.Schema({"version": pl.Int64, "record": pl.Binary})
"""Columns of `texts-*.parquet`: the whole record, for when the rules change."""
STATE = pl.Schema({
    "version": pl.Int64, "key": pl.Binary, "registration": pl.Binary, "source": pl.String,
    "registry_id": pl.String, "member_state": pl.String, "first_seen": pl.Datetime("us", "UTC"),
    "last_seen": pl.Datetime("us", "UTC"), "vanished": pl.Datetime("us", "UTC"),
})  # fmt: skip
FILES = pl.Schema({"digest": pl.Binary, "version": pl.Int64})
_ENCODE = msgspec.json.Encoder()
_DECODE = msgspec.json.Decoder(Registration)
_SURVEYED = msgspec.json.Decoder(Surveyed)


def registration_key(record: Registration) -> bytes:
    """16 bytes that stand for a registration: registry, number and member state."""
    return _short(record.source, record.registry_id, record.member_state)


def version_key(record: Registration) -> bytes:
    """16 bytes that stand for one version of a registration: with the hash of its raw bytes."""
    return _short(record.source, record.registry_id, record.member_state, record.sha256)


def _short(*words: str) -> bytes:
    return hashlib.blake2b("\x1f".join(words).encode(), digest_size=16).digest()


def encoded(record: Registration) -> bytes:
    """The whole record as JSON."""
    return _ENCODE.encode(record)


def decoded(raw: bytes) -> Registration:
    """The record of its JSON."""
    return _DECODE.decode(raw)


def rows_of(
    judged: Sequence[tuple[Registration, CellVerdict]], versions: Iterable[int] | None = None
) -> pl.DataFrame:
    """Make rows of records and their verdicts.

    Parameters
    ----------
    judged : sequence of (Registration, CellVerdict)
    versions : iterable of int, optional
        Their numbers; -1 where not given.
    """
    numbers = [-1] * len(judged) if versions is None else list(versions)
    made = [_row(n, r, v) for n, (r, v) in zip(numbers, judged, strict=True)]
    columns = list(zip(*made, strict=True)) or [()] * len(ROWS)
    return pl.DataFrame([
        _column(name, values, kind)
        for (name, kind), values in zip(ROWS.items(), columns, strict=True)
    ])  # fmt: skip


def _column(name: str, values: Sequence[Any], kind: pl.DataType) -> pl.Series:
    """One column; lists pass through JSON, which is ten times faster than value by value."""
    if not kind.is_nested():
        return pl.Series(name, values, kind, strict=True)
    written = [_ENCODE.encode(v).decode() for v in values]
    return pl.Series(name, written, pl.String).str.json_decode(kind)


def _row(version: int, record: Registration, verdict: CellVerdict) -> tuple[Any, ...]:
    """One row, in the order of `ROWS`."""
    values, own = normalise(record), trial_ids([record.registry_id, *record.ids])
    number = record.registry_id[:14] if record.source == "ctis" else record.registry_id
    return (
        version, version_key(record), record.source, record.format, record.registry_id, number,
        record.member_state, record.processed, record.sha256, record.file, record.url,
        record.ids, own or (record.registry_id,), record.brief_title, record.official_title,
        record.study_type, record.sponsor, record.sponsor_country, record.status,
        record.last_known_status, record.phases, record.countries, record.start.text,
        record.completion.text, record.first_posted.text, record.enrolment,
        record.enrolment_kind, *_normalised(values), verdict.specimen, verdict.scope,
        verdict.tier, verdict.roles, verdict.supported_by_mesh, verdict.rules_version,
        verdict.evidence, _ENCODE.encode(Surveyed(slim(record), verdict)),
    )  # fmt: skip


def _normalised(values: Normalised) -> tuple[Any, ...]:
    return (
        values.status, values.last_known_status, values.phases, values.highest_phase,
        values.countries, values.lead_country, *_day(values.start), *_day(values.completion),
        _day(values.first_posted)[0], values.unknown,
    )  # fmt: skip


def _day(found: PreciseDate | None) -> tuple[Any, str | None]:
    return (None, None) if found is None else (found.first_day, found.precision)


def surveyed_of(rows: pl.DataFrame) -> list[Surveyed]:
    """Records without their long texts, and verdicts, of rows."""
    return [_SURVEYED.decode(raw) for raw in rows["surveyed"]]
