"""Patients as the protocol wants them: texts of a table to typed values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from ashworth.definitions.protocols.quantities import Quantity
from ashworth.errors import InputError, Problem
from ashworth.trials.language.checking import EPOCH
from ashworth.trials.language.columns import Codes, Column
from ashworth.trials.language.operators import Value
from ashworth.trials.protocols.executable import Executable

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")
_MISSING = ("", "na", "nan", "unknown", "none", "null", "not done", "not_done")


def typed_value(quantity: Quantity, found: Any) -> Value:
    """Turn one raw value into what the language computes with; None is unknown.

    Raises
    ------
    ValueError
        With what is allowed.
    """
    if found is None or (isinstance(found, str) and found.strip().lower() in _MISSING):
        return False if quantity.missing == "false" else None
    if isinstance(found, float) and math.isnan(found):
        return False if quantity.missing == "false" else None
    return _CONVERTERS[quantity.type](quantity, found)


def _boolean(quantity: Quantity, found: Any) -> bool:
    text = str(found).strip().lower()
    if isinstance(found, (bool, np.bool_)) or text in _TRUE + _FALSE:
        return text in _TRUE
    raise ValueError("true or false")


def _number(quantity: Quantity, found: Any) -> float:
    if isinstance(found, (bool, np.bool_)):
        raise ValueError(f"a number of {quantity.unit}")
    try:
        value = float(found)
    except (TypeError, ValueError):
        comma = isinstance(found, str) and "," in found
        hint = "; write a decimal point" if comma else ""
        raise ValueError(f"a number of {quantity.unit}{hint}") from None
    if not math.isfinite(value):
        raise ValueError("a finite number")
    return value


def _count(quantity: Quantity, found: Any) -> float:
    value = _number(quantity, found)
    if value < 0 or value != int(value):
        raise ValueError(f"a whole number of {quantity.unit}, 0 or more")
    return value


def _category(quantity: Quantity, found: Any) -> str:
    text = str(found).strip()
    if text not in quantity.values:
        raise ValueError(", ".join(quantity.values))
    return text


def _day(quantity: Quantity, found: Any) -> float:
    try:
        day = found if isinstance(found, date) else date.fromisoformat(str(found).strip())
    except ValueError:
        raise ValueError("a day as YYYY-MM-DD that the calendar has") from None
    return float((date(day.year, day.month, day.day) - EPOCH).days)


_CONVERTERS = {
    "boolean": _boolean,
    "number": _number,
    "count": _count,
    "category": _category,
    "date": _day,
}


def typed_patients(
    trial: Executable, rows: Sequence[Mapping[str, Any]], *, table: str = "patients"
) -> list[dict[str, Value]]:
    """Type the quantities of every patient; all faults at once.

    Parameters
    ----------
    trial : Executable
    rows : sequence of mapping
        One mapping per patient; a missing key or empty value is unknown; other keys stay out.

    Raises
    ------
    InputError
        With every value that does not fit its quantity.
    """
    problems: list[Problem] = []
    patients = []
    for number, row in enumerate(rows, start=2):
        patient: dict[str, Value] = {}
        for name, quantity in trial.protocol.quantities.items():
            try:
                patient[name] = typed_value(quantity, row.get(name))
            except ValueError as error:
                found = repr(row.get(name))
                problems.append(
                    Problem(table, number, name, found, str(error), "correct the value")
                )
        patients.append(patient)
    if problems:
        raise InputError(problems, subject=table)
    return patients


def columns_of(
    trial: Executable, patients: Sequence[Mapping[str, Value]], codes: Codes
) -> dict[str, Column]:
    """Lay typed patients out as columns."""
    return {
        name: _column([p.get(name) for p in patients], quantity.type, codes)
        for name, quantity in trial.protocol.quantities.items()
    }


def _column(values: Sequence[Value], sort: str, codes: Codes) -> Column:
    known = np.array([v is not None for v in values], dtype=np.bool_)
    if sort == "category":
        coded = [-1 if v is None else codes.of(str(v)) for v in values]
        return Column(np.array(coded, dtype=np.int32), known)
    dtype = np.bool_ if sort == "boolean" else np.float64
    return Column(np.array([0 if v is None else v for v in values], dtype=dtype), known)
