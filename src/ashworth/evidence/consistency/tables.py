"""Anyone's table of statistics to records: all its faults at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from ashworth.errors import InputError, Problem
from ashworth.evidence.consistency.cells import Cells
from ashworth.evidence.consistency.records import Arm, Dossier, Record
from ashworth.evidence.consistency.table_rules import row_faults, twice

COLUMNS = (
    "study", "statistic", "label", "measure", "outcome", "contrast", "timepoint", "population",
    "model", "value", "lower", "upper", "level", "standard_error", "unit", "events", "n", "p",
    "p_test", "document", "document_version", "origin",
)  # fmt: skip
GROUP_COLUMNS = ("group", "events", "n", "person_years", "value", "lower", "upper")
_GROUP = re.compile(rf"^({'|'.join(GROUP_COLUMNS)})_([1-9]\d?)$")
_NEEDED = ("study", "measure", "origin")


def dossiers_of_table(
    table: Any,
    *,
    name: str = "statistics",
    lines: Sequence[int] | None = None,
    decimal: str = "point",
) -> list[Dossier]:
    """Make one dossier per study of a table, in the order of first appearance."""
    columns, problems = _columns(table, name)
    n = max((len(c) for c in columns.values()), default=0)
    rows = lines if lines is not None else range(n)
    records: list[Record] = []
    faults: list[Problem] = [] if n else [_empty(name)]
    for i in range(n if not problems else 0):
        cells = Cells({k: c[i] for k, c in columns.items()}, name, rows[i], decimal)
        record = _record(cells, i)
        faults += [*cells.problems, *row_faults(record, cells)]
        records.append(record)
    faults += twice(records, name, rows)
    if problems or faults:
        raise InputError([*problems, *faults], subject=name)
    studies = dict.fromkeys(r.study for r in records)
    return [Dossier(s, s, tuple(r for r in records if r.study == s)) for s in studies]


def _empty(name: str) -> Problem:
    return Problem(name, None, None, "no rows", "one row per statistic", "add the statistics")


def _columns(table: Any, name: str) -> tuple[dict[str, list[Any]], list[Problem]]:
    """Columns as lists; unknown, missing and unequal ones are faults."""
    problems: list[Problem] = []
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):
        allowed = "studies, a DataFrame, or a mapping of columns"
        raise InputError([Problem(name, None, None, type(table).__name__, allowed,
                                  "pass a table of statistics")])  # fmt: skip
    names = [str(c) for c in (table if isinstance(table, Mapping) else table.columns)]
    columns = {c: list(table[c]) for c in names}
    for c in names:
        if c not in COLUMNS and not _GROUP.match(c):
            problems.append(Problem(name, None, c, "a column that is not known",
                                    ", ".join([*COLUMNS, *(f"{g}_1" for g in GROUP_COLUMNS)]),
                                    "rename it, or leave it out"))  # fmt: skip
    problems += [
        Problem(name, None, c, "no such column", "study, measure and origin are needed",
                f"add the column {c}")
        for c in _NEEDED if c not in names
    ]  # fmt: skip
    lengths = {len(c) for c in columns.values()}
    if len(lengths) > 1:
        problems.append(Problem(name, None, None, f"columns of {sorted(lengths)} rows",
                                "columns of one length", "align the columns"))  # fmt: skip
    return columns, problems


def measures() -> tuple[str, ...]:
    """Known measures."""
    from ashworth.definitions.evidence_models import Measure

    return get_args(Measure)


def _origins() -> tuple[str, ...]:
    from ashworth.definitions.models import Origin

    return get_args(Origin)


def _tests() -> tuple[str, ...]:
    from ashworth.definitions.evidence_models import TestName

    return get_args(TestName)


def _record(cells: Cells, i: int) -> Record:
    """Read one row."""
    value, lower, upper = (cells.number(c) for c in ("value", "lower", "upper"))
    relation, p, p_digits = cells.p_value("p")
    words = " ".join(filter(None, (cells.text("outcome"), cells.text("measure"))))
    return Record(
        cells.text("study", needed=True),
        cells.text("statistic") or f"row-{i + 1}",
        cells.text("label") or words,
        cells.word("measure", measures()),
        cells.text("outcome"), cells.text("contrast"), cells.text("timepoint"),
        cells.text("population"), cells.text("model"), value, lower, upper,
        cells.number("level"), cells.number("standard_error"),
        cells.digits("value", "lower", "upper"), cells.text("unit"),
        cells.whole("events"), cells.whole("n"), _arms(cells), p, relation,
        cells.word("p_test", _tests(), default="unknown"), p_digits,
        cells.text("document"), cells.text("document_version"),
        cells.word("origin", _origins()),
    )  # fmt: skip


def _arms(cells: Cells) -> tuple[Arm, ...]:
    """Groups 1, 2, ... that have any entry."""
    found = {int(m[2]) for c in cells.values if (m := _GROUP.match(c))}
    arms = []
    for k in sorted(found):
        value, lower, upper = (cells.number(f"{c}_{k}") for c in ("value", "lower", "upper"))
        arm = Arm(
            cells.text(f"group_{k}") or f"group {k}", cells.whole(f"events_{k}"),
            cells.whole(f"n_{k}"), cells.number(f"person_years_{k}"), value, lower, upper,
            cells.digits(f"value_{k}", f"lower_{k}", f"upper_{k}"),
        )  # fmt: skip
        numbers = (arm.events, arm.n, arm.person_years, value, lower, upper)
        if any(x is not None for x in numbers) or cells.text(f"group_{k}"):
            arms.append(arm)
    return tuple(arms)
