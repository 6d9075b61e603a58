"""Check and convert what callers hand to the estimators: all faults at once, with their rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ashworth.errors import EstimationError, InputError, Problem

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

TIE_TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))
"""Times closer than this, absolutely or relative to their mean size, are one time."""

_SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True)
class Observations:
    """Checked follow-up: arrays of one length n.

    Attributes
    ----------
    time, entry : ndarray of float, shape (n,)
        End and (late) start of follow-up; `entry` is None without late entry.
    event : ndarray of bool, shape (n,)
        True where the event was seen at `time`.
    weights : ndarray of float, shape (n,), or None
        Case weights, None where all are 1.
    """

    time: Floats
    event: Booleans
    entry: Floats | None
    weights: Floats | None


class Faults:
    """Collects the faults of one call, so that they are raised together."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.problems: list[Problem] = []

    def rows(self, bad: Booleans, column: str, what: str, allowed: str, remedy: str) -> None:
        """Note the rows (counted from 0) where `bad` is true; none is no fault."""
        if not bad.any():
            return
        rows = np.flatnonzero(bad)
        listed = ", ".join(str(r) for r in rows[:_SHOWN_ROWS])
        more = ", ..." if rows.size > _SHOWN_ROWS else ""
        found = f"{what} in {rows.size} row{'s' if rows.size > 1 else ''} (from 0: {listed}{more})"
        self.note(column, found, allowed, remedy)

    def note(self, column: str, found: str, allowed: str, remedy: str) -> None:
        """Note one fault of a whole argument."""
        self.problems.append(Problem(self.subject, None, column, found, allowed, remedy))

    def stop(self) -> None:
        """Raise `InputError` if anything was noted."""
        if self.problems:
            raise InputError(self.problems, subject=f"the arguments of {self.subject}")


def native(values: Any) -> Any:
    """Return a numpy array (of any dtype) from an array, a list or a dataframe column."""
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    try:
        return np.asarray(values)
    except ValueError:  # rows of different lengths
        return np.asarray(values, dtype=object)


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Objects as numbers with NaN for missing; as they are where they hold something else."""
    try:
        return np.array([np.nan if _is_missing(v) else v for v in array])
    except ValueError:
        return array


def _given_mixed(values: Any) -> bool:
    """Whether a list holds texts beside other things: numpy would make all of them text."""
    kinds = {isinstance(v, str) for v in values} if isinstance(values, list | tuple) else set()
    return len(kinds) > 1 and not any(_is_missing(v) for v in values)


def numbers(values: Any, name: str, faults: Faults) -> Floats:
    """Return one float array of shape (n,); missing values become NaN, text is a fault."""
    array = native(values)
    if array.dtype == object and array.ndim == 1:
        array = _plain(array)
    if array.ndim != 1:
        faults.note(name, f"{array.ndim} dimensions", "one dimension", f"pass {name} as a column")
        return np.zeros(0)
    if array.dtype.kind not in "biuf":
        faults.note(name, f"values of type {array.dtype}", "numbers", f"convert {name} to numbers")
        return np.zeros(array.size)
    return np.ascontiguousarray(array, dtype=np.float64)


def _same_length(columns: Iterable[tuple[str, Any]], n: int, faults: Faults) -> bool:
    lengths = {name: len(c) for name, c in columns if c is not None}
    for name, length in lengths.items():
        if length != n:
            faults.note(name, f"{length} values", f"{n}, as many as time", "align the columns")
    return all(length == n for length in lengths.values())


def _check_finite(values: Floats, name: str, faults: Faults) -> None:
    if not np.isfinite(values.sum()):
        bad = ~np.isfinite(values)
        remedy = "leave these rows out, and count them, before the call"
        faults.rows(bad, name, "missing or infinite values", "finite numbers", remedy)


def _check_event(values: Floats, faults: Faults) -> Booleans:
    event = values == 1.0
    known = np.count_nonzero(event) + np.count_nonzero(values == 0.0)
    if known != values.size:
        bad = ~event & (values != 0.0)
        remedy = "code 1 event, 0 censored; a missing outcome is never an event"
        faults.rows(bad, "event", "values other than 0 and 1", "0, 1, False or True", remedy)
    return event


def _check_order(time: Floats, entry: Floats, faults: Faults) -> None:
    bad = entry >= time
    remedy = "leave out rows without time at risk, or correct the dates"
    faults.rows(bad, "entry", "entry at or after time", "entry < time", remedy)
    _check_not_negative(entry, "entry", faults)


def _check_not_negative(values: Floats, name: str, faults: Faults) -> None:
    if values.size and not values.min() >= 0.0:
        remedy = "count from the start of the clock; events before it do not belong to it"
        faults.rows(values < 0.0, name, "negative values", "0 or later", remedy)


def _check_weights(values: Floats, faults: Faults) -> None:
    _check_finite(values, "weights", faults)
    remedy = "give each row the number of subjects that it stands for; 0 leaves it out"
    if values.size and not values.min() >= 0.0:
        faults.rows(values < 0.0, "weights", "negative values", "0 or more", remedy)
    if values.size and not values.any():
        faults.note("weights", "only zeros", "a weight above 0 in at least one row", remedy)


def observations(
    time: Any, event: Any, entry: Any, weights: Any, faults: Faults, *others: tuple[str, Any]
) -> Observations:
    """Check follow-up columns; `others` are named columns that must have the same length."""
    t, d = numbers(time, "time", faults), numbers(event, "event", faults)
    e = None if entry is None else numbers(entry, "entry", faults)
    w = None if weights is None else numbers(weights, "weights", faults)
    columns = (("event", d), ("entry", e), ("weights", w), *others)
    if not _same_length(columns, t.size, faults):
        faults.stop()
    if t.size == 0:
        faults.note("time", "no rows", "at least one row", "check the selection of patients")
    _check_finite(t, "time", faults)
    _check_not_negative(t, "time", faults)
    status = _check_event(d, faults)
    if e is not None:
        _check_finite(e, "entry", faults)
        _check_order(t, e, faults)
    if w is not None:
        _check_weights(w, faults)
    faults.stop()
    return Observations(t, status, e, w)


def whole_days(values: Floats) -> bool:
    """Say whether all times are whole numbers of a size that days can have."""
    return bool(values.max(initial=0.0) < 2**31 and (values == np.floor(values)).all())


def is_sorted(values: Floats) -> bool:
    """Say whether the values never fall."""
    return bool((values[1:] >= values[:-1]).all())


def in_time_order(
    seen: Observations, *codes: Integers | None
) -> tuple[Observations, tuple[Integers | None, ...]]:
    """Sort rows by time where that saves later sorts: times that are not days, nothing else.

    Rows with late entry or weights stay as they are: their sums depend on the order.
    """
    if seen.entry is not None or seen.weights is not None or whole_days(seen.time):
        return seen, codes
    order = np.argsort(seen.time)
    moved = Observations(seen.time[order], seen.event[order], None, None)
    return moved, tuple(None if c is None else c[order] for c in codes)


def merge_near_ties(
    time: Floats, entry: Floats | None, tolerance: float = TIE_TOLERANCE
) -> tuple[Floats, Floats | None]:
    """Give times that differ by rounding only one value (the smallest of each run).

    Two neighbouring distinct times are one when their difference is at most `tolerance`, absolutely
    or divided by the mean absolute time; this is R's ``timefix``. Whole days are left as they are.
    """
    check_number(tolerance, "tie_tolerance", "a number, 0 or more")
    if tolerance <= 0 or (whole_days(time) and (entry is None or whole_days(entry))):
        return time, entry
    everything = time if entry is None else np.concatenate([time, entry])
    in_order = is_sorted(everything)
    ordered = everything if in_order else np.sort(everything)
    distinct = ordered[np.concatenate([[True], ordered[1:] > ordered[:-1]])]
    near = tolerance * max(1.0, float(distinct.mean()))
    if not (np.diff(distinct) <= near).any():
        return time, entry
    order = slice(None) if in_order else np.argsort(everything)
    fresh = np.concatenate([[True], np.diff(ordered) > near])
    merged = np.empty_like(everything)
    merged[order] = ordered[fresh][np.cumsum(fresh) - 1]
    if entry is None:
        return merged, None
    time, entry = merged[: time.size], merged[time.size :]
    empty = np.flatnonzero(entry >= time)
    if empty.size:
        raise EstimationError(
            f"{empty.size} rows (from 0: {empty[:_SHOWN_ROWS].tolist()}) have entry and time equal "
            f"within tie_tolerance={tolerance:g}; round the times or pass tie_tolerance=0"
        )
    return time, entry


def _integer_labels(array: NDArray[Any]) -> tuple[list[Any], Integers]:
    low, high = int(array.min()), int(array.max())
    if high - low > 4 * array.size + 1000:
        distinct, codes = np.unique(array, return_inverse=True)
        return distinct.tolist(), codes.astype(np.int64)
    shifted = array.astype(np.int64) - low
    present = np.bincount(shifted, minlength=high - low + 1) > 0
    return (present.nonzero()[0] + low).tolist(), (present.cumsum() - 1).take(shifted)


def labels(values: Any, name: str, faults: Faults) -> tuple[list[Any], Integers]:
    """Return the sorted distinct labels and each row's index into them; missing is a fault."""
    array = native(values)
    if array.ndim != 1:
        faults.note(name, f"{array.ndim} dimensions", "one dimension", f"pass {name} as a column")
        return [], np.zeros(0, dtype=np.int64)
    if _given_mixed(values):
        faults.note(name, "labels of mixed types", "one type of label", f"convert {name} to text")
        return [], np.zeros(array.size, dtype=np.int64)
    if array.size and array.dtype.kind in "biu":
        if array.dtype.kind == "b":
            distinct, codes = _integer_labels(array.astype(np.int64))
            return [bool(v) for v in distinct], codes
        return _integer_labels(array)
    if array.dtype == object:
        missing = np.array([_is_missing(v) for v in array], dtype=bool)
    else:
        missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.size, dtype=bool)
    remedy = "name the missing group, or leave these rows out"
    faults.rows(missing, name, "missing labels", "a label in every row", remedy)
    if missing.any():
        return [], np.zeros(array.size, dtype=np.int64)
    try:
        distinct, codes = np.unique(array, return_inverse=True)
    except TypeError:
        faults.note(name, "labels of mixed types", "one type of label", f"convert {name} to text")
        return [], np.zeros(array.size, dtype=np.int64)
    return distinct.tolist(), codes.astype(np.int64)


def check_number(value: Any, name: str, allowed: str) -> float:
    """Return an option that is a finite number (not text, not a truth value)."""
    right = isinstance(value, int | float | np.integer | np.floating) and not isinstance(
        value, bool
    )
    if not right or not math.isfinite(value):
        raise EstimationError(f"{name} is {value!r}; allowed: {allowed}")
    return float(value)


def check_count(value: Any, name: str, least: int, most: int = 1_000_000) -> int:
    """Return an option that is a whole number between `least` and `most`."""
    allowed = f"a whole number from {least} to {most:,}"
    count = check_number(value, name, allowed)
    if not least <= count <= most or count != int(count):
        raise EstimationError(f"{name} is {value!r}; allowed: {allowed}")
    return int(count)


def check_generator(seed: Any, name: str) -> np.random.Generator:
    """Return the caller's generator, or one from a seed; none is an error."""
    if isinstance(seed, np.random.Generator):
        return seed
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole or seed < 0:
        raise EstimationError(
            f"{name}: seed is {seed!r}; allowed: a whole number of 0 or more, or a "
            "numpy.random.Generator, so that the result can be repeated"
        )
    return np.random.default_rng(int(seed))


def check_level(level: float) -> float:
    """Return a confidence level that lies strictly between 0 and 1."""
    check_number(level, "level", "between 0 and 1, such as 0.95")
    if not 0.0 < level < 1.0:
        raise EstimationError(f"level is {level!r}; allowed: between 0 and 1, such as 0.95")
    return float(level)


def check_option(value: str, name: str, allowed: tuple[str, ...]) -> str:
    """Return `value` if it is one of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        raise EstimationError(f"{name} is {value!r}; allowed: {', '.join(allowed)}")
    return value
