"""Read a table of effects for pooling: all faults of all rows at once, with their lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ashworth.errors import InputError, Problem
from ashworth.evidence.base.effects import RATIOS
from ashworth.records.formats import InputFormat
from ashworth.records.sources import read_raw

_NUMBERS = ("estimate", "lower", "upper", "level", "standard_error", "volume_ml", "events", "n")
_COUNTS = ("events", "n")
_COLUMNS = "study, estimate, and lower, upper, level or standard_error"
Row = dict[str, Any]


def read_effects(file: Path, *, ratio: bool, decimal: Literal["point", "comma"]) -> list[Row]:
    """Rows of a table; empty cells are missing.

    Parameters
    ----------
    file : Path
        CSV (separator from its header) or Parquet.
    ratio : bool
        Every row is a ratio on the natural scale.
    decimal : {"point", "comma"}

    Raises
    ------
    InputError
        With every fault of every row.
    """
    sign: Literal[".", ","] = "," if decimal == "comma" else "."
    raw = read_raw(file, file.name, InputFormat(decimal=sign))
    problems = [*raw.problems, *_absent(file.name, raw.cells.columns)]
    unreadable, rows = bool(problems), []
    for line, cells in zip(raw.rows.to_list(), raw.cells.to_dicts(), strict=True):
        row = {c: v.strip() or None if isinstance(v, str) else v for c, v in cells.items()}
        unread = list(_to_numbers(row, sign))
        row |= {"scale": "ratio"} if ratio else {}
        faults = unread or ([] if unreadable else _faults(row))
        problems += [Problem(file.name, line, *fault) for fault in faults]
        rows.append(row)
    if problems:
        raise InputError(problems, subject=file.name)
    return rows


def _absent(table: str, columns: Sequence[str]) -> Iterator[Problem]:
    needed = ["study", "estimate"]
    if "standard_error" not in columns:
        needed += ["lower", "upper", "level"]
    for name in needed:
        if name not in columns:
            yield Problem(table, 1, name, "no such column", _COLUMNS, "name the columns so")


def _to_numbers(row: Row, sign: str) -> Iterator[tuple[str, str, str, str]]:
    """Turn the cells of number columns into numbers; yield those that are none."""
    for name in _NUMBERS:
        text = row.get(name)
        if text is None:
            continue
        try:
            value = float(_plain(str(text), sign))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            words = "comma" if sign == "," else "point"
            yield name, repr(text), f"a number with decimal {words}", "correct it, or say --decimal"
        elif name in _COUNTS and (value < 0 or value != int(value)):
            yield name, f"{value:g}", "a whole number of at least 0", "correct the count"
        else:
            row[name] = int(value) if name in _COUNTS else value


def _plain(text: str, sign: str) -> str:
    if sign == ",":
        return text.replace(",", ".") if "." not in text else "not a number"
    return text


def _faults(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Yield what cannot be in one row."""
    if row["study"] is None:
        yield "study", "nothing", "a name", "name each row's study"
    low, high, level = (row.get(c) for c in ("lower", "upper", "level"))
    y, error = row["estimate"], row.get("standard_error")
    if error is not None and error <= 0.0:
        yield ("standard_error", f"{error:g}", "above 0",
               "correct it; a study without events has no estimate")  # fmt: skip
    if level is not None and not 0.0 < level < 1.0:
        yield "level", f"{level:g}", "between 0 and 1", "write 0.95 for 95 %"
    if (low is None) != (high is None):
        missing = "lower" if low is None else "upper"
        yield missing, "one limit without the other", "both limits or none", "fill it in"
    if low is not None and high is not None:
        yield from _limits(y, low, high)
        if level is None and error is None:
            yield ("level", "limits without their level", "such as 0.95",
                   "write the level that the document states")  # fmt: skip
    below = [v for v in (y, low, high) if v is not None and v <= 0.0]
    if below and (row.get("scale") == "ratio" or row.get("measure") in RATIOS):
        yield ("estimate", f"a ratio with {below[0]:g}", "ratios above 0, on the natural scale",
               "logarithms have no measure and no scale 'ratio'")  # fmt: skip


def _limits(y: float | None, low: float, high: float) -> Iterator[tuple[str, str, str, str]]:
    if low > high:
        yield "lower", f"limits swapped: {low:g} above {high:g}", "lower < upper", "exchange them"
    elif low == high:
        yield "lower", "limits equal", "lower < upper", "take more digits from the paper"
    elif y is not None and not low <= y <= high:
        remedy = "look at the paper again"
        if y > 0.0 and low <= math.log(y) <= high:
            remedy = "the limits look like logarithms, the estimate does not: use one scale"
        elif y < 20.0 and low <= math.exp(y) <= high:
            remedy = f"the estimate looks like a logarithm: exp({y:g}) = {math.exp(y):.3g}"
        yield ("estimate", f"{y:g} outside of its limits {low:g} to {high:g}",
               "an estimate within its limits", remedy)  # fmt: skip
