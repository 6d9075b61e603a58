"""Events of a study: derived from dated outcomes, or as the study brought them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import InputError, Problem
from ashworth.survival import derive_events

NOBODY = pl.DataFrame(schema=dict.fromkeys(("patient_id", "endpoint", "reason"), pl.String))


@dataclass(frozen=True, slots=True)
class Course:
    """What happened to the patients, per endpoint.

    Attributes
    ----------
    events : polars.DataFrame
        patient_id, endpoint, entry_day, exit_day, event_code.
    excluded : polars.DataFrame
        patient_id, endpoint, reason: who was never at risk for an endpoint.
    """

    events: pl.DataFrame
    excluded: pl.DataFrame = field(default_factory=NOBODY.clone)


def study_events(tables: Mapping[str, pl.DataFrame], endpoints: Sequence[Endpoint]) -> Course:
    """Collect the events of the study's endpoints.

    Raises
    ------
    InputError
        If an endpoint has no time to event, or ready-made events lack it.
    """
    binary = [e.abbreviation for e in endpoints if e.scale != "time_to_event"]
    if binary:
        raise InputError(
            [Problem("study.toml", None, "endpoints", ", ".join(binary),
                     "time-to-event endpoints", "leave it out: a binary endpoint has no curve")]
        )  # fmt: skip
    if "events" in tables:
        return Course(_ready_events(tables["events"], endpoints))
    parts = [derive_events(tables["outcomes"], e, patients=tables["patients"]) for e in endpoints]
    events = pl.concat([p.events for p in parts]).sort("endpoint", "patient_id")
    reasons = [p.excluded.select(NOBODY.columns) for p in parts]
    return Course(events, pl.concat([NOBODY, *reasons]))


def _ready_events(events: pl.DataFrame, endpoints: Sequence[Endpoint]) -> pl.DataFrame:
    """Events as the study brought them, for the endpoints that it names."""
    there = set(events["endpoint"].unique().to_list())
    absent = [e.id for e in endpoints if e.id not in there]
    if absent:
        raise InputError(
            [Problem("events", None, "endpoint", f"no rows for {', '.join(absent)}",
                     "rows for every endpoint that study.toml names",
                     "add them, or take the endpoint out of study.toml")]
        )  # fmt: skip
    return events.filter(pl.col("endpoint").is_in([e.id for e in endpoints])).sort(
        "endpoint", "patient_id"
    )
