"""One row of a subgroup table, and the tests between rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr

from ashworth.survival.inputs import Booleans, Faults, Floats, Integers, labels, native
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import TestResult, chi_square_p

NO_EVENTS = "no events"
ONE_GROUP = "one marker group only"


@dataclass(frozen=True, slots=True)
class SubgroupLevel:
    """Effect of the marker in one level of a factor.

    Attributes
    ----------
    factor, level : str
        Names; the overall row has the factor ``""``.
    n, events : int
        Rows and events.
    n_low, events_low, n_high, events_high : int
        The same with marker 0 and with marker 1.
    coefficient, standard_error : float
        Log hazard ratio of marker 1 against 0; infinite where all events have one marker, NaN
        where not estimable.
    reason : str
        Why there is no estimate, or no finite one; else ``""``.
    """

    factor: str
    level: str
    n: int
    events: int
    n_low: int
    events_low: int
    n_high: int
    events_high: int
    coefficient: float = np.nan
    standard_error: float = np.nan
    reason: str = ""

    def estimated(self, fit: CoxResult, place: int) -> SubgroupLevel:
        """Take the coefficient at a place of a fitted model."""
        value, error = float(fit.coefficients[place]), float(fit.standard_errors[place])
        reason = ""
        if np.isnan(value):
            reason = "not estimable: constant within strata, or collinear"
        elif np.isinf(value):
            reason = "no finite estimate: the likelihood is monotone"
        return replace(self, coefficient=value, standard_error=error, reason=reason)

    def record(self, z: float) -> dict[str, Any]:
        """Row of the table, with limits of z standard errors."""
        finite = np.isfinite(self.coefficient)
        half = z * self.standard_error if finite else np.nan
        middle = self.coefficient if finite else np.nan
        p = 2.0 * float(ndtr(-abs(middle / self.standard_error))) if finite else np.nan
        with np.errstate(over="ignore"):
            ratios = np.exp([self.coefficient, middle - half, middle + half]).tolist()
        return {
            "factor": self.factor, "level": self.level, "n": self.n, "events": self.events,
            "n_low": self.n_low, "events_low": self.events_low,
            "n_high": self.n_high, "events_high": self.events_high,
            "coefficient": self.coefficient, "standard_error": self.standard_error,
            "hazard_ratio": ratios[0], "lower": ratios[1], "upper": ratios[2], "p_value": p,
            "reason": self.reason,
        }  # fmt: skip


def level_of(factor: str, name: str, marker: Floats, event: Booleans) -> SubgroupLevel:
    """Count one level, and say if it can have no estimate."""
    high = marker == 1.0
    counts = (
        marker.size, int(event.sum()), int((~high).sum()), int(event[~high].sum()),
        int(high.sum()), int(event[high].sum()),
    )  # fmt: skip
    reason = ""
    if counts[2] == 0 or counts[4] == 0:
        reason = ONE_GROUP
    if counts[1] == 0:
        reason = NO_EVENTS
    return SubgroupLevel(factor, name, *counts, reason=reason)


def factor_levels(values: Any, faults: Faults) -> dict[str, tuple[list[Any], Integers]]:
    """Levels of every factor and each row's index into them; -1 for a missing label."""
    columns: dict[str, Any] = {}
    if isinstance(values, dict):
        columns = {str(k): v for k, v in values.items()}
    elif hasattr(values, "columns") and hasattr(values, "to_numpy"):
        columns = {str(c): values[c] for c in values.columns}
    else:
        remedy = "pass {'name': labels}"
        faults.note("subgroups", f"a {type(values).__name__}", "a frame or dict of columns", remedy)
        faults.stop()
    if not columns:
        faults.note("subgroups", "no factors", "at least one column", "name a factor")
    return {name: _coded(column, name, faults) for name, column in columns.items()}


def _coded(column: Any, name: str, faults: Faults) -> tuple[list[Any], Integers]:
    array = native(column)
    if array.dtype.kind == "f":
        missing = np.isnan(array)
    elif array.dtype == object:
        missing = np.array([v is None or v != v for v in array.ravel().tolist()], dtype=bool)
    else:
        missing = np.zeros(array.shape, dtype=bool)
    if array.ndim != 1:
        faults.note(name, f"{array.ndim} dimensions", "one dimension", f"pass {name} as a column")
        return [], np.zeros(0, dtype=np.int64)
    codes = np.full(array.size, -1, dtype=np.int64)
    if missing.all():
        remedy = "leave the factor out, or fill it"
        faults.note(name, "no row with a label", "labels in some rows", remedy)
        return [], codes
    levels, found = labels(array[~missing], name, faults)
    codes[~missing] = found
    return _plain(levels), codes


def _plain(levels: list[Any]) -> list[Any]:
    """Whole numbers that a column with gaps turned into floats become whole again."""
    whole = all(isinstance(v, float) and v.is_integer() for v in levels)
    return [int(v) for v in levels] if whole else levels


def wald_of_equality(fit: CoxResult, k: int, n: int, events: int) -> TestResult:
    """Wald test that the first k coefficients are equal; NaN with an infinite one among them."""
    b, v = fit.coefficients[:k], fit.covariance[:k, :k]
    kept = ~np.isnan(b)
    df = int(kept.sum()) - 1
    name = "Wald test of interaction"
    if df < 1:
        return TestResult(np.nan, 0, np.nan, name, n, events)
    if np.isinf(b[kept]).any():
        return TestResult(np.nan, df, np.nan, name, n, events)
    b, v = b[kept], v[np.ix_(kept, kept)]
    contrast = np.column_stack([-np.ones(df), np.eye(df)])
    difference, spread = contrast @ b, contrast @ v @ contrast.T
    try:
        statistic = float(difference @ np.linalg.solve(spread, difference))
    except np.linalg.LinAlgError:  # a robust covariance of fewer clusters than contrasts
        return TestResult(np.nan, df, np.nan, name, n, events)
    return TestResult(statistic, df, chi_square_p(statistic, df), name, n, events)


def cochran_q(rows: list[SubgroupLevel], n: int, events: int) -> TestResult:
    """Cochran's Q of independent estimates; NaN with an infinite one among them."""
    b = np.array([r.coefficient for r in rows])
    se = np.array([r.standard_error for r in rows])
    kept = ~np.isnan(b)
    df = int(kept.sum()) - 1
    name = "Cochran's Q"
    if df < 1:
        return TestResult(np.nan, 0, np.nan, name, n, events)
    if np.isinf(b[kept]).any():
        return TestResult(np.nan, df, np.nan, name, n, events)
    weight = se[kept] ** -2.0
    away = b[kept] - (weight @ b[kept]) / weight.sum()
    statistic = float(weight @ away**2)
    return TestResult(statistic, df, chi_square_p(statistic, df), name, n, events)
