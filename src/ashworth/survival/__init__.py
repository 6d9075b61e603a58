"""Survival analysis: curves, tests, Cox models, rates, follow-up, endpoints and subtypes.

Estimators take numpy arrays, lists, and polars or pandas columns, and return one frozen result
with ``.table()``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.survival.curves.curve import Curve as Curve
    from ashworth.survival.curves.curve import CurveValues as CurveValues
    from ashworth.survival.curves.follow_up_time import follow_up as follow_up
    from ashworth.survival.curves.kaplan_meier_curves import (
        KaplanMeier as KaplanMeier,
    )
    from ashworth.survival.curves.kaplan_meier_curves import (
        kaplan_meier as kaplan_meier,
    )
    from ashworth.survival.curves.log_rank_test import (
        day_histogram as day_histogram,
    )
    from ashworth.survival.curves.log_rank_test import (
        log_rank as log_rank,
    )
    from ashworth.survival.curves.log_rank_test import (
        log_rank_from_histogram as log_rank_from_histogram,
    )
    from ashworth.survival.curves.person_time import (
        PersonYears as PersonYears,
    )
    from ashworth.survival.curves.person_time import (
        RateRatio as RateRatio,
    )
    from ashworth.survival.curves.person_time import (
        person_years as person_years,
    )
    from ashworth.survival.curves.person_time import (
        rate_ratio as rate_ratio,
    )
    from ashworth.survival.endpoints import derive_events as derive_events
    from ashworth.survival.proportional_hazards.model import cox as cox
    from ashworth.survival.proportional_hazards.result import CoxResult as CoxResult
    from ashworth.survival.results import TestResult as TestResult
    from ashworth.survival.subtypes import classify_subtype as classify_subtype

_PLACES = {
    "CoxResult": "proportional_hazards.result",
    "Curve": "curves.curve",
    "CurveValues": "curves.curve",
    "KaplanMeier": "curves.kaplan_meier_curves",
    "PersonYears": "curves.person_time",
    "RateRatio": "curves.person_time",
    "TestResult": "results",
    "classify_subtype": "subtypes",
    "cox": "proportional_hazards.model",
    "day_histogram": "curves.log_rank_test",
    "derive_events": "endpoints",
    "follow_up": "curves.follow_up_time",
    "kaplan_meier": "curves.kaplan_meier_curves",
    "log_rank": "curves.log_rank_test",
    "log_rank_from_histogram": "curves.log_rank_test",
    "person_years": "curves.person_time",
    "rate_ratio": "curves.person_time",
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
