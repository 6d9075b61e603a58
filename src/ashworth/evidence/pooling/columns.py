"""Columns that the functions of pooling take, checked together."""

from __future__ import annotations

from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Faults, Floats, labels, numbers

_REMEDY = "leave the study out and say so; a study without events has no estimate"


def read_estimates(subject: str, estimate: Any, standard_error: Any) -> tuple[Floats, Floats]:
    """Estimates and standard errors of one length, finite, the latter above 0."""
    faults = Faults(subject)
    y, s = numbers(estimate, "estimate", faults), numbers(standard_error, "standard_error", faults)
    if y.size != s.size and not faults.problems:
        found = f"{s.size} values"
        faults.note("standard_error", found, f"{y.size}, as many as estimates", "align the columns")
    faults.stop()
    faults.rows(~np.isfinite(y), "estimate", "missing or infinite values", "numbers", _REMEDY)
    bad = ~(np.isfinite(s) & (s > 0.0))
    faults.rows(bad, "standard_error", "missing, zero or negative values", "above 0", _REMEDY)
    faults.stop()
    return y, s


def read_counts(subject: str, **given: Any) -> tuple[Floats, ...]:
    """Columns of numbers of one length, finite and not negative."""
    faults = Faults(subject)
    columns = {name: numbers(values, name, faults) for name, values in given.items()}
    faults.stop()
    first = next(iter(columns))
    n = columns[first].size
    for name, values in columns.items():
        if values.size != n:
            found = f"{values.size} values"
            faults.note(name, found, f"{n}, as many as {first}", "align the columns")
            continue
        bad = ~(np.isfinite(values) & (values >= 0.0))
        faults.rows(bad, name, "missing or negative values", "0 or more", "correct these rows")
    faults.stop()
    if n == 0:
        raise EstimationError(f"{subject}: no rows; give at least one study")
    return tuple(columns.values())


def read_labels(subject: str, values: Any, name: str, k: int) -> tuple[list[Any], list[Any]]:
    """Distinct labels, and the label of every row."""
    faults = Faults(subject)
    found, codes = labels(values, name, faults)
    if len(codes) != k and not faults.problems:
        faults.note(name, f"{len(codes)} values", f"{k}, as many as estimates", "align the columns")
    faults.stop()
    return list(found), [found[c] for c in codes]


def need(subject: str, k: int, least: int, why: str) -> None:
    """Refuse fewer studies than a method needs."""
    if k < least:
        raise EstimationError(f"{subject}: {k} studies; {why} needs at least {least}")
