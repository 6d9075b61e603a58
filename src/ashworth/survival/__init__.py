"""Survival analysis: curves, tests, Cox models, rates, follow-up, endpoints and subtypes.

Estimators take numpy arrays, lists, and polars or pandas columns, and return one frozen result
with ``.table()``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.survival.competing_risks.curve import IncidenceCurve as IncidenceCurve
    from ashworth.survival.competing_risks.curve import IncidenceValues as IncidenceValues
    from ashworth.survival.competing_risks.incidence import (
        CumulativeIncidence as CumulativeIncidence,
    )
    from ashworth.survival.competing_risks.incidence import (
        cumulative_incidence as cumulative_incidence,
    )
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
    from ashworth.survival.curves.milestones import (
        MilestoneDifference as MilestoneDifference,
    )
    from ashworth.survival.curves.milestones import (
        milestone_difference as milestone_difference,
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
    from ashworth.survival.curves.restricted_means import (
        RestrictedMeanDifference as RestrictedMeanDifference,
    )
    from ashworth.survival.curves.restricted_means import (
        restricted_mean_difference as restricted_mean_difference,
    )
    from ashworth.survival.endpoints import derive_events as derive_events
    from ashworth.survival.proportional_hazards.model import cox as cox
    from ashworth.survival.proportional_hazards.result import CoxResult as CoxResult
    from ashworth.survival.results import TestResult as TestResult
    from ashworth.survival.subgroup_rows import SubgroupLevel as SubgroupLevel
    from ashworth.survival.subgroups import InteractionTest as InteractionTest
    from ashworth.survival.subgroups import SubgroupEffects as SubgroupEffects
    from ashworth.survival.subgroups import subgroup_effects as subgroup_effects
    from ashworth.survival.subtypes import classify_subtype as classify_subtype
    from ashworth.survival.treatment_marker import TreatmentByMarker as TreatmentByMarker
    from ashworth.survival.treatment_marker import treatment_by_marker as treatment_by_marker

_PLACES = {
    "InteractionTest": "subgroups",
    "SubgroupEffects": "subgroups",
    "SubgroupLevel": "subgroup_rows",
    "TreatmentByMarker": "treatment_marker",
    "subgroup_effects": "subgroups",
    "treatment_by_marker": "treatment_marker",
    "CoxResult": "proportional_hazards.result",
    "CumulativeIncidence": "competing_risks.incidence",
    "Curve": "curves.curve",
    "CurveValues": "curves.curve",
    "IncidenceCurve": "competing_risks.curve",
    "IncidenceValues": "competing_risks.curve",
    "KaplanMeier": "curves.kaplan_meier_curves",
    "MilestoneDifference": "curves.milestones",
    "PersonYears": "curves.person_time",
    "RateRatio": "curves.person_time",
    "RestrictedMeanDifference": "curves.restricted_means",
    "TestResult": "results",
    "classify_subtype": "subtypes",
    "cox": "proportional_hazards.model",
    "cumulative_incidence": "competing_risks.incidence",
    "day_histogram": "curves.log_rank_test",
    "derive_events": "endpoints",
    "follow_up": "curves.follow_up_time",
    "kaplan_meier": "curves.kaplan_meier_curves",
    "log_rank": "curves.log_rank_test",
    "log_rank_from_histogram": "curves.log_rank_test",
    "milestone_difference": "curves.milestones",
    "person_years": "curves.person_time",
    "rate_ratio": "curves.person_time",
    "restricted_mean_difference": "curves.restricted_means",
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
