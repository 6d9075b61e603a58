"""Covariate profiles for prediction: named, complete, and known to the fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Faults, Floats, native, numbers
from ashworth.survival.proportional_hazards.covariates import check_covariates
from ashworth.survival.proportional_hazards.fitted import refuse_infinite
from ashworth.survival.proportional_hazards.result import CoxResult


def _columns_of(values: Any) -> dict[str, Any] | None:
    """Named columns of a dict (of numbers or columns) or a frame; None for a bare matrix."""
    if isinstance(values, dict):
        return {str(k): v if np.ndim(native(v)) else [v] for k, v in values.items()}
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):
        return {str(c): values[c] for c in values.columns}
    return None


def _named(columns: dict[str, Any], names: tuple[str, ...], faults: Faults) -> Floats:
    unknown = [n for n in columns if n not in names]
    missing = [n for n in names if n not in columns]
    if unknown:
        what = f"unknown covariates {', '.join(unknown)}"
        faults.note("covariates", what, ", ".join(names), "name the fit's covariates only")
    if missing:
        what = f"no values for {', '.join(missing)}"
        faults.note("covariates", what, ", ".join(names), "give every covariate of the fit")
    arrays = {n: numbers(columns[n], n, faults) for n in names if n in columns}
    longest = max((a.size for a in arrays.values()), default=0)
    wrong = [n for n, a in arrays.items() if a.size not in (1, longest)]
    if wrong:
        remedy = "one value per profile"
        faults.note("covariates", "columns of different lengths", f"{longest} values", remedy)
    faults.stop()
    return np.stack([np.broadcast_to(arrays[n], longest) for n in names], axis=1)


def _unnamed(values: Any, names: tuple[str, ...], faults: Faults) -> Floats:
    array = native(values)
    if array.dtype.kind not in "biuf" or array.ndim > 2:
        found = f"{array.ndim} dimensions of type {array.dtype}"
        faults.note("covariates", found, "numbers, one row per profile", "pass a matrix or a dict")
        faults.stop()
    matrix = np.asarray(array, dtype=np.float64)
    if matrix.ndim < 2:
        matrix = matrix.reshape(-1, 1) if len(names) == 1 else matrix.reshape(1, -1)
    if matrix.shape[1] != len(names):
        found, allowed = f"{matrix.shape[1]} columns", f"{len(names)}: {', '.join(names)}"
        faults.note("covariates", found, allowed, "give every covariate of the fit, in its order")
        faults.stop()
    return matrix


def read_profiles(fit: CoxResult, values: Any, faults: Faults) -> Floats:
    """Profiles as a matrix of shape (k, p).

    Parameters
    ----------
    fit : CoxResult
        Names the covariates.
    values : frame, dict, or array-like
        One row (or one number per name) per profile; a bare list of p numbers is one profile.
    faults : Faults
        Collects what is wrong with the values; wrong names and shapes are raised at once.
    """
    columns = _columns_of(values)
    if columns is None:
        matrix = _unnamed(values, fit.names, faults)
    else:
        matrix = _named(columns, fit.names, faults)
    if matrix.shape[0] == 0:
        faults.note("covariates", "no profiles", "at least one row", "give a profile")
    check_covariates(matrix, fit.names, faults)
    return matrix


def read_offset(values: Any, k: int, faults: Faults) -> Floats:
    """Offsets of k profiles from one number or k."""
    array = numbers(np.atleast_1d(native(values)), "offset", faults)
    if array.size not in (1, k):
        faults.note("offset", f"{array.size} values", f"1 or {k}", "one value per profile")
        return np.zeros(k)
    bad = ~np.isfinite(array)
    faults.rows(bad, "offset", "missing or infinite values", "finite numbers", "give a number")
    return np.broadcast_to(array, k).astype(np.float64)


def check_predictable(fit: CoxResult, what: str) -> None:
    """Refuse fits with infinite or undetermined coefficients."""
    refuse_infinite(fit, what)
    open_ones = np.isnan(fit.coefficients)
    if open_ones.any():
        names = ", ".join(n for n, o in zip(fit.names, open_ones, strict=True) if o)
        raise EstimationError(
            f"{what}: the data do not determine the coefficients of {names}; "
            "fit without these covariates"
        )
