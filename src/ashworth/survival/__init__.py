"""Survival analysis: curves, tests, Cox models, rates, follow-up, endpoints and subtypes.

Estimators take numpy arrays, lists, and polars or pandas columns, and return one frozen result
with ``.table()``.
"""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {
    "CoxResult": "cox_result",
    "Curve": "curve",
    "CurveValues": "curve",
    "KaplanMeier": "kaplan_meier_curves",
    "PersonYears": "person_time",
    "RateRatio": "person_time",
    "TestResult": "results",
    "classify_subtype": "subtypes",
    "cox": "cox_model",
    "day_histogram": "log_rank_test",
    "derive_events": "endpoints",
    "follow_up": "follow_up_time",
    "kaplan_meier": "kaplan_meier_curves",
    "log_rank": "log_rank_test",
    "log_rank_from_histogram": "log_rank_test",
    "person_years": "person_time",
    "rate_ratio": "person_time",
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module 'ashworth.survival' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"ashworth.survival.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
