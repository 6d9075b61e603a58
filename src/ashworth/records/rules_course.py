"""Rules on patients' courses: known patients, order of days, death, event codes."""

from __future__ import annotations

from typing import Any

import polars as pl

from ashworth.errors import Problem
from ashworth.records.anti_joins import (
    Expectations,
    Tables,
    after_death,
    deaths,
    orphans,
    row_problems,
)
from ashworth.records.cells import quoted
from ashworth.records.checks import ROW
from ashworth.records.schemas import TABLES
from ashworth.records.schemas.outcomes import DEATHS

_ORDERED = (
    ("events", "entry_day", "exit_day"),
    ("treatments", "start_day", "stop_day"),
    ("dynamics", "from_day", "to_day"),
)
_DATED = (
    ("specimens", "collected_day"),
    ("treatments", "start_day"),
    ("treatments", "stop_day"),
    ("assessments", "day"),
    ("events", "exit_day"),
)


def patient_known(tables: Tables, expectations: Expectations) -> list[Problem]:
    """Every row of every table has its patient."""
    problems = []
    for table in TABLES[1:]:
        lost = orphans(tables, table, "patients", ["patient_id"])
        if lost is not None:
            problems += row_problems(
                lost.sort(ROW), table, "patient_id",
                found=lambda r: quoted(r["patient_id"]),
                allowed="a patient_id of the table patients",
                remedy="correct it (spelling, leading zeros), or add the patient",
            )  # fmt: skip
    return problems


def days_in_order(tables: Tables, expectations: Expectations) -> list[Problem]:
    """Exit is not before entry, stop not before start, the later draw not before the earlier."""
    problems = []
    for table, first, last in _ORDERED:
        if table in tables:
            wrong = tables[table].filter(pl.col(last) < pl.col(first))
            problems += row_problems(
                wrong, table, last,
                found=lambda r, f=first, t=last: f"day {r[t]}, before {f} {r[f]}",
                allowed=f"{first} or later",
                remedy="correct one of the two days",
            )  # fmt: skip
    return problems


def one_death(tables: Tables, expectations: Expectations) -> list[Problem]:
    """A patient dies once."""
    if "outcomes" not in tables:
        return []
    dead = tables["outcomes"].filter(pl.col("kind").is_in(DEATHS)).drop_nulls("patient_id")
    twice = dead.filter(pl.col("patient_id").is_duplicated())
    return row_problems(
        twice, "outcomes", "kind",
        found=lambda r: f"'{r['kind']}' on day {r['day']}, one of several deaths of patient "
        f"{quoted(r['patient_id'])}",
        allowed="one death per patient",
        remedy="keep the death that is right",
    )  # fmt: skip


def nothing_after_death(tables: Tables, expectations: Expectations) -> list[Problem]:
    """No fact, contact, draw, treatment, assessment or event is dated after death."""
    if "outcomes" not in tables:
        return []
    facts = after_death(tables, "outcomes", "day").filter(~pl.col("kind").is_in(DEATHS))
    problems = _after_death(facts, "outcomes", "day", lambda r: f"'{r['kind']}' on day {r['day']}")
    for table, column in _DATED:
        if table in tables:
            late = after_death(tables, table, column)
            problems += _after_death(late, table, column, lambda r, c=column: f"day {r[c]}")
    return problems


def _after_death(frame: pl.DataFrame, table: str, column: str, found: Any) -> list[Problem]:
    return row_problems(
        frame, table, column,
        found=lambda r: f"{found(r)}, after the death on day {r['death_day']}",
        allowed="the day of death or earlier",
        remedy="correct this day or the day of death in outcomes",
    )  # fmt: skip


def event_code_allowed(tables: Tables, expectations: Expectations) -> list[Problem]:
    """An event code is one that its endpoint defines, where endpoints are given."""
    if "events" not in tables or not expectations.event_codes:
        return []
    problems = []
    events = tables["events"]
    for endpoint, codes in sorted(expectations.event_codes.items()):
        listed = ", ".join(map(str, sorted(codes)))
        wrong = events.filter(
            (pl.col("endpoint") == endpoint) & ~pl.col("event_code").is_in(sorted(codes))
        )
        problems += row_problems(
            wrong, "events", "event_code",
            found=lambda r: str(r["event_code"]),
            allowed=f"{listed} for endpoint '{endpoint}'",
            remedy="0: censored, 1: event, 2 and above: competing events of the endpoint",
        )  # fmt: skip
    known = sorted(expectations.event_codes)
    problems += row_problems(
        events.filter(~pl.col("endpoint").is_in(known)), "events", "endpoint",
        found=lambda r: quoted(r["endpoint"]),
        allowed="a defined endpoint: " + ", ".join(known),
        remedy="correct the id, or add the definition of the endpoint",
    )  # fmt: skip
    return problems


def status_before_death(tables: Tables, expectations: Expectations) -> list[Problem]:
    """A status belongs to a draw from a living patient."""
    if "statuses" not in tables or not deaths(tables).height:
        return []
    late = after_death(tables, "statuses", "specimen_day")
    return _after_death(late, "statuses", "specimen_day", lambda r: f"day {r['specimen_day']}")
