"""Covariates as callers hold them (matrix, column, frame, dict) as one matrix with names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ashworth.survival.inputs import Faults, Floats, native, numbers


def _from_columns(columns: dict[str, Any], faults: Faults) -> Floats:
    arrays = [numbers(values, name, faults) for name, values in columns.items()]
    lengths = {a.size for a in arrays}
    if len(lengths) > 1:
        found = f"columns of {len(lengths)} different lengths"
        faults.note("covariates", found, "one length", "align the columns")
        faults.stop()
    if not arrays:
        return np.zeros((0, 0))
    return np.stack(arrays).T


def _from_matrix(values: Any, faults: Faults) -> Floats:
    array = native(values)
    if array.ndim == 1:
        return numbers(array, "covariates", faults)[:, None]
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        found = f"{array.ndim} dimensions of type {array.dtype}"
        faults.note("covariates", found, "a matrix of numbers", "pass one column per covariate")
        faults.stop()
    return np.asarray(array, dtype=np.float64)


def covariate_matrix(
    values: Any, names: Sequence[str] | None, faults: Faults
) -> tuple[Floats, tuple[str, ...]]:
    """Return an (n, p) matrix and p names from a matrix, a column, a frame or a dict of columns.

    Names come from the frame or dict, or from `names`; a bare matrix has ``x1``, ``x2``, ....
    """
    found: Sequence[str] | None = None
    if isinstance(values, dict):
        matrix, found = _from_columns(values, faults), list(values)
    elif hasattr(values, "columns") and hasattr(values, "to_numpy"):
        found = [str(c) for c in values.columns]
        columns = {n: values[c] for n, c in zip(found, values.columns, strict=True)}
        matrix = _from_columns(columns, faults)
    else:
        matrix = _from_matrix(values, faults)
        name = getattr(values, "name", None)
        found = [str(name)] if isinstance(name, str) and name else None
    if names is not None and (isinstance(names, str) or not hasattr(names, "__len__")):
        faults.note("names", f"{names!r}", "a list of names", "give one name per column")
        faults.stop()
    if names is None:
        names = found or [f"x{j + 1}" for j in range(matrix.shape[1])]
    if len(names) != matrix.shape[1]:
        remedy = "give one name per column"
        faults.note("names", f"{len(names)} names", f"{matrix.shape[1]} names", remedy)
        faults.stop()
    terms = tuple(str(n) for n in names)
    if len(set(terms)) < len(terms):
        twice = sorted({n for n in terms if terms.count(n) > 1})
        faults.note("names", f"{', '.join(twice)} more than once", "each name once", "rename")
        faults.stop()
    return matrix, terms


def check_covariates(matrix: Floats, names: tuple[str, ...], faults: Faults) -> None:
    """Note missing and infinite values of every covariate."""
    flat = matrix.ravel(order="K")
    if np.isfinite(np.vdot(flat, flat)):
        return
    for name, column in zip(names, matrix.T, strict=True):
        remedy = "leave these rows out, or impute"
        bad = ~np.isfinite(column)
        faults.rows(bad, name, "missing or infinite values", "finite numbers", remedy)
