"""Overrides of verdicts: a table by hand, each with its reason, counted apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ashworth.errors import InputError, Problem
from ashworth.registries.normalisation.dates import precise_date
from ashworth.registries.readers.csv_rows import rows_of

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
        With every fault: a column that is missing, a row that is cut, a field, value or date that
        is none, no reason, two values for one field of a trial.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            [Problem(str(path), None, None, str(error.strerror), "a table", "correct the path")],
            subject=path.name,
        ) from error  # fmt: skip
    rows = rows_of(raw, path.name, COLUMNS)
    problems = [p for number, row in rows for p in _faults(path.name, number, row)]
    said = Counter((row["registry_id"], row["field"]) for _, row in rows)
    problems += [
        Problem(path.name, None, field, f"{n} values for {name}", "one", "take the others out")
        for (name, field), n in said.items() if n > 1
    ]  # fmt: skip
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
    for column in ("registry_id", "reason", "who"):
        if not row[column]:
            found.append(Problem(table, number, column, "nothing", "a text", "fill it in"))
    if precise_date(row["when"]) is None:
        found.append(Problem(table, number, "when", f"'{row['when']}'", "a date", "YYYY-MM-DD"))
    return found
