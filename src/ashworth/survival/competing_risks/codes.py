"""Event codes of competing risks: 0 censored, 1, 2, ... the causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Faults,
    Floats,
    Integers,
    merge_near_ties,
    numbers,
    observations,
)


@dataclass(frozen=True, slots=True)
class CodedRows:
    """Checked follow-up with a code for what ended it.

    Attributes
    ----------
    time : ndarray, shape (n,)
        End of follow-up, near-ties merged.
    code : ndarray of int, shape (n,)
        0 censored, 1, 2, ... the cause.
    entry, weights : ndarray, shape (n,), or None
        Late entry and case weights.
    causes : tuple of int
        Codes above 0 that occur, ascending.
    """

    time: Floats
    code: Integers
    entry: Floats | None
    weights: Floats | None
    causes: tuple[int, ...]


def _whole_codes(event_code: Any, faults: Faults) -> Integers:
    values = numbers(event_code, "event_code", faults)
    with np.errstate(invalid="ignore"):
        bad = ~(np.isfinite(values) & (values >= 0.0) & (values == np.floor(values)))
        bad |= values > 1e6
    remedy = "code 0 censored, 1, 2, ... the kind of event; a missing outcome is never an event"
    faults.rows(bad, "event_code", "values that are no codes", "whole numbers from 0", remedy)
    return np.where(bad, 0, values).astype(np.int64)


def read_codes(
    time: Any,
    event_code: Any,
    entry: Any,
    weights: Any,
    faults: Faults,
    *others: tuple[str, Any],
    tie_tolerance: float = TIE_TOLERANCE,
) -> CodedRows:
    """Check follow-up with event codes; `others` are named columns of the same length.

    Raises
    ------
    InputError
        All faults noted so far, with their rows.
    """
    code = _whole_codes(event_code, faults)
    event = (code > 0).astype(np.float64)
    seen = observations(time, event, entry, weights, faults, *others)
    t, e = merge_near_ties(seen.time, seen.entry, tie_tolerance)
    causes = tuple(np.unique(code[code > 0]).tolist())
    return CodedRows(t, code, e, seen.weights, causes)


def check_cause(cause: Any, rows: CodedRows, subject: str) -> int:
    """Return the code of the event of interest; it must occur."""
    whole = isinstance(cause, int | np.integer) and not isinstance(cause, bool)
    if not whole or cause < 1:
        raise EstimationError(f"{subject}: cause is {cause!r}; allowed: a whole number from 1")
    if cause not in rows.causes:
        found = ", ".join(map(str, rows.causes)) or "only censored rows"
        raise EstimationError(
            f"{subject}: no events with code {cause} among {rows.time.size} rows; found: {found}"
        )
    return int(cause)
