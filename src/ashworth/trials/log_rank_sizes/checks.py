"""Checks that sizes of log-rank tests share."""

from __future__ import annotations

import math
from typing import Any

from ashworth.trials.faults import Faults


def is_number(value: Any) -> bool:
    """Whether a value is a finite number (numpy's too), not a truth value."""
    if isinstance(value, bool | str | bytes) or value is None:
        return False
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def check_level(faults: Faults, alpha: Any, sided: Any) -> None:
    """Demand a level and its sides, where no power is asked for."""
    right = faults.one_of("sided", sided, (1, 2))
    faults.number("alpha", alpha, above=0, below=0.5 * (sided if right else 1))


def check_ratios(faults: Faults, hazard_ratio: Any, null_hazard_ratio: Any) -> None:
    """Demand that the alternative differs from the null, and lies on its right side."""
    right = faults.number("hazard_ratio", hazard_ratio, above=0)
    if not faults.number("null_hazard_ratio", null_hazard_ratio, above=0) or not right:
        return
    found = f"{hazard_ratio:g} with null_hazard_ratio {null_hazard_ratio:g}"
    if null_hazard_ratio == 1.0 and hazard_ratio == 1.0:
        remedy = "give the effect to be shown, or a margin as null_hazard_ratio"
        faults.add("hazard_ratio", found, "a ratio other than 1 for superiority", remedy)
    if null_hazard_ratio != 1.0 and hazard_ratio >= null_hazard_ratio:
        remedy = "a ratio at or beyond the margin cannot be shown to lie below it"
        faults.add("hazard_ratio", found, "a ratio below null_hazard_ratio", remedy)
