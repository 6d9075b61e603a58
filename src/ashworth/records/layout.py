"""Which header stands for which column: renames, near misses, dates for days, what is ignored."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ashworth.errors import Problem
from ashworth.records.checks import ROW
from ashworth.records.columns import ColumnSpec
from ashworth.records.formats import ExtraColumn
from ashworth.records.schemas import specs

STANDARD_DEFAULTS = {"counts": {"run_id": "1"}}


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one input table.

    Attributes
    ----------
    columns : dict of str to ColumnSpec
        Schema columns in order, then the declared extra ones.
    header_of : dict of str to str
        For each column found (also ``<x>_date``), its header in the input.
    defaults : dict of str to str
        Values for columns that are not in the input.
    ignored, absent : tuple of str
        Headers that mean nothing here; columns that the input does not have.
    problems : tuple of Problem
        Missing and near-miss headers, bad renames.
    notices : tuple of str
        Likely misspellings among the ignored.
    """

    columns: dict[str, ColumnSpec]
    header_of: dict[str, str]
    defaults: dict[str, str]
    ignored: tuple[str, ...]
    absent: tuple[str, ...]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]


def date_name(column: str) -> str:
    """Return the name of the date column that may stand for a day column.

    Examples
    --------
    >>> date_name("collected_day"), date_name("day")
    ('collected_date', 'date')
    """
    return re.sub(r"day$", "date", column)


def day_columns(columns: Mapping[str, ColumnSpec]) -> dict[str, str]:
    """Map each date column that may be given to its day column."""
    return {date_name(n): n for n, s in columns.items() if s.unit == "days" and n.endswith("day")}


def lay_out(
    header: Sequence[str],
    table: str,
    *,
    rename: Mapping[str, str] | None = None,
    extra: Mapping[str, ExtraColumn] | None = None,
    defaults: Mapping[str, str] | None = None,
) -> Layout:
    """Match the header of an input table with the columns of its schema."""
    if clash := {*specs(table), ROW} & set(extra or {}):
        raise ValueError(f"extra columns with a name of the schema: {', '.join(sorted(clash))}")
    columns = specs(table) | {n: e.spec(n) for n, e in (extra or {}).items()}
    accepted = [*columns, *day_columns(columns)]
    named, problems = _renamed(header, table, rename or {}, accepted)
    header_of = {name: head for head, name in named.items() if name in accepted}
    unused = [head for head, name in named.items() if name not in accepted]
    strays = [head for head in unused if head not in (rename or {})]
    near = {head: _same_but_for_spelling(head, accepted, header_of) for head in strays}
    problems += [_near_miss(table, head, name) for head, name in near.items() if name]
    problems += _same_but_for_case(table, [head for head in header if head not in (rename or {})])
    filled = STANDARD_DEFAULTS.get(table, {}) | dict(defaults or {})
    taken = {*header_of, *(n for n in near.values() if n)}
    missing = [n for n in columns if n not in taken and date_name(n) not in taken]
    problems += [
        _missing(table, columns[n], strays, declared=n in (extra or {}))
        for n in missing
        if n not in filled and (columns[n].required or n in (extra or {}))
    ]
    ignored = tuple(head for head in unused if not near.get(head))
    return Layout(
        columns=columns,
        header_of=header_of,
        defaults={n: str(v) for n, v in filled.items() if n in missing},
        ignored=ignored,
        absent=tuple(n for n in missing if n not in filled),
        problems=tuple(problems),
        notices=_misspelt(table, ignored, accepted),
    )


def _renamed(
    header: Sequence[str], table: str, rename: Mapping[str, str], accepted: Sequence[str]
) -> tuple[dict[str, str], list[Problem]]:
    """Apply the declared renames; each must start from a header and end at a column."""
    problems = [
        Problem(table, 1, old, f"no header '{old}', which rename mentions",
                "headers: " + ", ".join(header), "correct the left side of the rename")
        for old in rename
        if old not in header
    ] + [
        Problem(table, 1, old, f"a rename to '{new}', which is no column of {table}",
                "one of " + ", ".join(accepted),
                _suggest(new, accepted) or "correct the right side of the rename")
        for old, new in rename.items()
        if new not in accepted
    ]  # fmt: skip
    named = {head: rename.get(head, head) for head in header}
    for new in set(rename.values()):
        heads = [head for head, name in named.items() if name == new]
        if len(heads) > 1:
            found = f"{' and '.join(repr(h) for h in heads)}, which all become '{new}'"
            problems.append(Problem(table, 1, new, found, "one header per column", "drop one"))
    return named, problems


def _plain(name: str) -> str:
    return re.sub(r"[\s\-_.]+", "_", name.strip()).casefold()


def _same_but_for_spelling(
    head: str, accepted: Sequence[str], header_of: Mapping[str, str]
) -> str | None:
    match = [name for name in accepted if _plain(name) == _plain(head) and name not in header_of]
    return match[0] if match else None


def _same_but_for_case(table: str, header: Sequence[str]) -> list[Problem]:
    """Report every header that repeats an earlier one but for capitals."""
    first: dict[str, str] = {}
    problems = []
    for head in header:
        other = first.setdefault(head.strip().casefold(), head)
        if other != head:
            found = f"the headers '{other}' and '{head}', which differ only in case or blanks"
            problems.append(
                Problem(table, 1, head, found, "each name once", "delete or rename one of the two")
            )
    return problems


def _near_miss(table: str, head: str, name: str) -> Problem:
    return Problem(
        table, 1, head, f"the header '{head}'", f"'{name}', spelt exactly so",
        f"rename the header '{head}' to '{name}', or declare the rename",
    )  # fmt: skip


def _missing(table: str, spec: ColumnSpec, unused: Sequence[str], *, declared: bool) -> Problem:
    near = difflib.get_close_matches(spec.name, unused, n=1, cutoff=0.6)
    remedy = f"add the column '{spec.name}'" + (f" with {spec.allowed}" if not declared else "")
    if near:
        remedy = f"rename the header '{near[0]}' to '{spec.name}' if that is meant, or add it"
    elif declared:
        remedy += ", or remove its declaration"
    elif spec.unit == "days":
        remedy += f", or '{date_name(spec.name)}' with calendar dates"
    return Problem(table, 1, spec.name, "no such column", f"the column '{spec.name}'", remedy)


def _suggest(name: str, accepted: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, accepted, n=1, cutoff=0.75)
    return f"did you mean '{near[0]}'?" if near else ""


def _misspelt(table: str, ignored: Sequence[str], accepted: Sequence[str]) -> tuple[str, ...]:
    hints = [(head, _suggest(head, accepted)) for head in ignored]
    return tuple(f"{table}: column '{head}' is not used; {hint}" for head, hint in hints if hint)
