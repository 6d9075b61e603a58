"""What must agree before effects may be pooled, and which patients are counted twice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

Guard = Literal[
    "overlap", "adjustment", "cutoff", "volume", "timepoint", "outcome", "setting", "specimen",
    "marker", "measure",
]  # fmt: skip
GUARDS: tuple[str, ...] = get_args(Guard)
_COLUMNS = {
    "adjustment": "adjustment", "cutoff": "cutoff", "volume": "volume_ml",
    "timepoint": "timepoint", "outcome": "outcome", "setting": "setting", "specimen": "specimen",
    "marker": "marker", "measure": "measure",
}  # fmt: skip
LITERATURE = "the literature that meta-analyses draw on"
_WORDS = {"cutoff": "cut-off", "volume": "volume of blood (ml)", "timepoint": "time point"}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that speaks against pooling.

    Attributes
    ----------
    guard : str
        Name by which it can be allowed.
    found : str
        What differs or overlaps, with the studies.
    """

    guard: str
    found: str


def _text(value: Any) -> str:
    missing = value is None or value == "" or (isinstance(value, float) and math.isnan(value))
    return "not stated" if missing else f"{value:g}" if isinstance(value, float) else str(value)


def _differences(rows: Sequence[Mapping[str, Any]], guard: str, column: str) -> Obstacle | None:
    values: dict[str, list[str]] = {}
    for row in rows:
        values.setdefault(_text(row.get(column)), []).append(str(row["study"]))
    if len(values) < 2:
        return None
    parts = "; ".join(f"{value} ({', '.join(names)})" for value, names in values.items())
    return Obstacle(guard, f"mixed {_WORDS.get(guard, guard)}: {parts}")


def contained(row: Mapping[str, Any]) -> frozenset[str]:
    """Cohorts whose patients are in a row: its own and those it contains.

    Meta-analyses draw on the same literature, so two of them are never independent.
    """
    inside = row.get("contains") or ""
    listed = inside.split(",") if isinstance(inside, str) else list(inside)
    own = row.get("cohort") or row["study"]
    found = {str(own), *(str(c).strip() for c in listed if str(c).strip())}
    return frozenset(found | ({LITERATURE} if row.get("study_kind") == "meta_analysis" else set()))


def components(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[int, ...], ...]:
    """Groups of rows that share patients, directly or through another row."""
    groups: list[tuple[set[int], set[str]]] = []
    for i, row in enumerate(rows):
        members, cohorts = {i}, set(contained(row))
        rest = []
        for other in groups:
            if other[1] & cohorts:
                members |= other[0]
                cohorts |= other[1]
            else:
                rest.append(other)
        groups = [*rest, (members, cohorts)]
    return tuple(sorted(tuple(sorted(members)) for members, _ in groups))


def _overlap(rows: Sequence[Mapping[str, Any]]) -> Obstacle | None:
    shared = []
    for group in components(rows):
        if len(group) > 1:
            names = ", ".join(_name(rows[i]) for i in group)
            cohorts = [contained(rows[i]) for i in group]
            common = sorted({c for j, a in enumerate(cohorts) for b in cohorts[j + 1 :]
                             for c in a & b})  # fmt: skip
            shared.append(f"{names} share {', '.join(common)}")
    return Obstacle("overlap", "the same patients: " + "; ".join(shared)) if shared else None


def _name(row: Mapping[str, Any]) -> str:
    statistic = row.get("statistic")
    return f"{row['study']}/{statistic}" if statistic else str(row["study"])


def obstacles(rows: Sequence[Mapping[str, Any]]) -> tuple[Obstacle, ...]:
    """Everything that speaks against pooling these rows; a column that no row has is no fault."""
    found = [_overlap(rows)]
    for guard, column in _COLUMNS.items():
        if any(column in row for row in rows):
            found.append(_differences(rows, guard, column))
    return tuple(o for o in found if o is not None)


def not_stated(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Guards that nothing is known for: all rows are silent, so agreement cannot be checked."""
    return tuple(
        guard for guard, column in _COLUMNS.items()
        if all(_text(row.get(column)) in ("not stated", "unknown") for row in rows)
    )  # fmt: skip
