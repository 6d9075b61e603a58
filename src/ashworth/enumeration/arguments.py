"""Check columns handed to the estimators of this room: all faults at once, with their rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ashworth.errors import EstimationError, InputError, Problem

Floats = NDArray[np.float64]
_SHOWN = 5


class Faults:
    """Collects the faults of one call, so that they are raised together."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.problems: list[Problem] = []

    def note(self, column: str, found: str, allowed: str, remedy: str) -> None:
        """Note one fault."""
        self.problems.append(Problem(self.subject, None, column, found, allowed, remedy))

    def rows(
        self, bad: NDArray[np.bool_], column: str, what: str, allowed: str, remedy: str
    ) -> None:
        """Note the rows (counted from 0) where `bad` is true; none is no fault."""
        places = np.flatnonzero(bad)
        if not places.size:
            return
        listed = ", ".join(str(i) for i in places[:_SHOWN])
        more = ", ..." if places.size > _SHOWN else ""
        plural = "s" if places.size > 1 else ""
        found = f"{what} in {places.size} row{plural} (from 0: {listed}{more})"
        self.note(column, found, allowed, remedy)

    def stop(self) -> None:
        """Raise `InputError` if anything was noted."""
        if self.problems:
            raise InputError(self.problems, subject=f"the arguments of {self.subject}")


def column(values: Any, name: str, faults: Faults) -> Floats:
    """Return one float array of shape (n,); missing values become NaN, text is a fault."""
    array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    if array.dtype == object:
        filled = [np.nan if v is None else v for v in array.ravel().tolist()]
        array = np.array(filled).reshape(array.shape)
    if array.ndim != 1:
        faults.note(name, f"{array.ndim} dimensions", "one dimension", f"pass {name} as a column")
        return np.zeros(0)
    if array.dtype.kind not in "biuf":
        faults.note(name, f"values of type {array.dtype}", "numbers", f"convert {name} to numbers")
        return np.full(array.size, np.nan)
    return array.astype(np.float64)


def finite(values: Floats, name: str, faults: Faults) -> None:
    """Note missing and infinite values."""
    remedy = "leave these rows out, and count them, before the call"
    bad = ~np.isfinite(values)
    faults.rows(bad, name, "missing or infinite values", "finite numbers", remedy)


def flags(values: Any, name: str, faults: Faults, *, gaps: bool = False) -> Floats:
    """Column of 0 and 1; with `gaps` NaN is allowed."""
    array = column(values, name, faults)
    bad = (array != 0.0) & (array != 1.0)
    if gaps:
        bad &= ~np.isnan(array)
    remedy = "code 1 yes, 0 no; leave out rows where it is not known, and count them"
    faults.rows(bad, name, "values other than 0 and 1", "0, 1, False or True", remedy)
    return array


def counts(values: Any, name: str, faults: Faults) -> Floats:
    """Column of whole numbers of 0 or more."""
    array = column(values, name, faults)
    with np.errstate(invalid="ignore"):
        bad = ~((array >= 0.0) & (array == np.floor(array)) & np.isfinite(array))
    remedy = "give the cells counted; a specimen without a result has no count"
    faults.rows(bad, name, "values that are no counts", "whole numbers of 0 or more", remedy)
    return array


def texts(values: Any, name: str, faults: Faults) -> NDArray[np.object_]:
    """Column of labels as text; missing ones are a fault."""
    array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values, dtype=object)
    if array.ndim != 1:
        faults.note(name, f"{array.ndim} dimensions", "one dimension", f"pass {name} as a column")
        return np.zeros(0, dtype=object)
    missing = np.array([v is None or v != v for v in array.tolist()], dtype=bool)
    remedy = "leave these rows out, and count them, before the call"
    faults.rows(missing, name, "missing labels", "a label in every row", remedy)
    return np.array([str(v) for v in array.tolist()], dtype=object)


def same_length(columns: dict[str, Any], faults: Faults) -> None:
    """Refuse columns of different lengths, and no rows at all."""
    lengths = {name: len(values) for name, values in columns.items() if values is not None}
    first, n = next(iter(lengths.items()))
    for name, length in lengths.items():
        if length != n:
            allowed = f"{n}, as many as {first}"
            faults.note(name, f"{length} values", allowed, "align the columns")
    if n == 0:
        faults.note(first, "no rows", "at least one row", "check the selection of patients")


def one_of(value: Any, name: str, allowed: tuple[str, ...]) -> None:
    """Refuse an unknown option."""
    if value not in allowed:
        raise EstimationError(f"{name} is {value!r}; allowed: {', '.join(allowed)}")


def confidence(level: float) -> float:
    """Return a level strictly between 0 and 1."""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0.0 < level < 1.0:
        raise EstimationError(f"level is {level!r}; allowed: between 0 and 1, such as 0.95")
    return float(level)
