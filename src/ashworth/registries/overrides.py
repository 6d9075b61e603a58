"""Overrides of verdicts: a table by hand, each with its reason, counted apart."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from ashworth.errors import InputError, Problem

FIELDS = {
    "specimen": ("CTC", "DTC", "both", "mention", "none"),
    "scope": ("breast", "other"),
    "tier": ("1", "2", "3", "4", ""),
}
COLUMNS = ("registry_id", "field", "value", "reason", "who", "when")


@dataclass(frozen=True, slots=True)
class Override:
    """One value that a person sets, and why."""

    registry_id: str
    field: str
    value: str
    reason: str
    who: str
    when: str


def read_overrides(path: Path) -> tuple[Override, ...]:
    """Read a table of overrides.

    Raises
    ------
    InputError
        With every fault: a column that is missing, a field or value that is none, no reason.
    """
    problems: list[Problem] = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        absent = [c for c in COLUMNS if c not in (reader.fieldnames or ())]
        if absent:
            raise InputError(
                [Problem(path.name, 1, c, "no such column", ", ".join(COLUMNS), "add the column")
                 for c in absent], subject=path.name,
            )  # fmt: skip
        rows = [(i, {c: (row[c] or "").strip() for c in COLUMNS})
                for i, row in enumerate(reader, start=2)]  # fmt: skip
    for number, row in rows:
        problems += _faults(path.name, number, row)
    if problems:
        raise InputError(problems, subject=path.name)
    return tuple(Override(*(row[c] for c in COLUMNS)) for _, row in rows)


def _faults(table: str, number: int, row: dict[str, str]) -> list[Problem]:
    found = []
    allowed = FIELDS.get(row["field"])
    if allowed is None:
        found.append(Problem(table, number, "field", f"'{row['field']}'", ", ".join(FIELDS),
                             "name one of them"))  # fmt: skip
    elif row["value"] not in allowed:
        words = ", ".join(a for a in allowed if a)
        found.append(Problem(table, number, "value", f"'{row['value']}'", words, "correct it"))
    for column in ("registry_id", "reason", "who", "when"):
        if not row[column]:
            found.append(Problem(table, number, column, "nothing", "a text", "fill it in"))
    return found
