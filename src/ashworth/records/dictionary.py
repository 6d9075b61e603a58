"""The data dictionary, rendered from the schemas; and the check of typed frames."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import polars as pl

from ashworth.errors import Problem
from ashworth.records.cells import DTYPES
from ashworth.records.checks import ROW, check_frame
from ashworth.records.formats import MISSING, ExtraColumn
from ashworth.records.layout import STANDARD_DEFAULTS, date_name
from ashworth.records.rules import check_tables
from ashworth.records.schemas import TABLES, key_of, specs, title


def describe(table: str) -> pl.DataFrame:
    """Return the dictionary of one table: one row per column.

    Examples
    --------
    >>> describe("counts").filter(pl.col("column") == "n_cells")["unit"].to_list()
    ['cells']
    """
    entries = [
        {
            "column": s.name,
            "type": s.kind,
            "unit": s.unit,
            "allowed": s.allowed,
            "required": s.required,
            "key": s.key,
            "identifying": s.identifying,
            "description": s.description,
        }
        for s in specs(table).values()
    ]
    return pl.DataFrame(entries)


def validate(
    frame: pl.DataFrame, table: str, *, extra: Mapping[str, ExtraColumn] | None = None
) -> list[Problem]:
    """Check a frame that is typed already: types, ranges, key, and the table's own rules.

    Optional columns may be missing, other columns may stand beside; nothing is changed.

    Examples
    --------
    >>> events = pl.DataFrame({"patient_id": ["P1"], "endpoint": ["os"], "entry_day": [9],
    ...                        "exit_day": [3], "event_code": [1]})
    >>> validate(events, "events")[0].found
    'day 3, before entry_day 9'
    """
    columns = specs(table) | {n: e.spec(n) for n, e in (extra or {}).items()}
    problems: list[Problem] = []
    wrong = set()
    for name, spec in columns.items():
        if name not in frame.columns:
            if spec.required:
                problems.append(_lacking(table, name))
                wrong.add(name)
        elif frame.schema[name] != DTYPES[spec.kind] and frame.schema[name] != pl.Null:
            problems.append(_mistyped(table, name, frame.schema[name], DTYPES[spec.kind]))
            wrong.add(name)
    whole = pl.DataFrame(
        {
            n: frame[n].cast(DTYPES[s.kind])
            if n in frame.columns and n not in wrong
            else pl.Series([None], dtype=DTYPES[s.kind]).new_from_index(0, frame.height)
            for n, s in columns.items()
        }
    ).with_columns(pl.int_range(2, frame.height + 2, dtype=pl.Int64).alias(ROW))
    failed = {n: pl.Series([True]).new_from_index(0, frame.height) for n in wrong}
    problems += check_frame(whole, table, columns, failed=failed)
    return problems + check_tables({table: whole})


def _lacking(table: str, name: str) -> Problem:
    return Problem(table, None, name, "no such column", f"the column '{name}'", f"add '{name}'")


def _mistyped(table: str, name: str, dtype: pl.DataType, wanted: object) -> Problem:
    remedy = f"cast it: pl.col('{name}').cast(pl.{wanted})"
    return Problem(table, None, name, f"values of type {dtype}", f"type {wanted}", remedy)


def data_dictionary() -> str:
    """Render the dictionary of all tables as Markdown (docs/reference/tables.md)."""
    head = [
        "# Tables",
        "",
        "Rendered from the schemas by `python -m ashworth.records.dictionary`; do not edit.",
        "Days are whole numbers counted from the patient's index date. A column `<x>_day` may be",
        "given as `<x>_date` with calendar dates (`day` as `date`) where patients have an",
        '`index_date`. Columns that are not required may be left out. Cells that mean "no value"',
        "unless declared otherwise: " + ", ".join(f"`{t}`" for t in MISSING if t) + " and empty.",
        "*Identifying* columns tell who the patient is or when by the calendar.",
    ]
    parts = [line for table in TABLES for line in _section(table)]
    return "\n".join([*head, *parts]) + "\n"


def _section(table: str) -> list[str]:
    key = ", ".join(f"`{name}`" for name in key_of(table))
    lines = ["", f"## {table}", "", title(table), f"Key: {key}.", ""]
    lines += ["| column | allowed | required | description |", "|---|---|---|---|"]
    for spec in specs(table).values():
        need = "yes" if spec.required else ""
        if spec.name in STANDARD_DEFAULTS.get(table, {}):
            need = f"no: '{STANDARD_DEFAULTS[table][spec.name]}' where it is left out"
        also = f" Also as `{date_name(spec.name)}`." if spec.unit == "days" else ""
        mark = " *Identifying.*" if spec.identifying else ""
        lines.append(
            f"| `{spec.name}` | {spec.allowed} | {need} | {spec.description}{also}{mark} |"
        )
    return lines


if __name__ == "__main__":
    sys.stdout.write(data_dictionary())
