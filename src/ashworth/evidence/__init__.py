"""Evidence: estimates pooled over studies and centres, pooled patient data, imputation.

Estimators take numpy arrays, lists, and polars or pandas columns, and return one frozen result
with ``.table()``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.evidence.base.effects import Effects as Effects
    from ashworth.evidence.base.effects import FoundStatistic as FoundStatistic
    from ashworth.evidence.base.lists import Conflicts as Conflicts
    from ashworth.evidence.base.lists import Studies as Studies
    from ashworth.evidence.base.search import conflicts as conflicts
    from ashworth.evidence.base.search import find as find
    from ashworth.evidence.base.search import studies as studies
    from ashworth.evidence.consistency.check import check_statistics as check_statistics
    from ashworth.evidence.consistency.counts import CountTests as CountTests
    from ashworth.evidence.consistency.counts import p_values_of_counts as p_values_of_counts
    from ashworth.evidence.consistency.findings import Disagreement as Disagreement
    from ashworth.evidence.consistency.findings import Finding as Finding
    from ashworth.evidence.consistency.findings import Findings as Findings
    from ashworth.evidence.imputation.chained import Imputed as Imputed
    from ashworth.evidence.imputation.chained import impute as impute
    from ashworth.evidence.imputation.rubins_rules import RubinResult as RubinResult
    from ashworth.evidence.imputation.rubins_rules import rubin as rubin
    from ashworth.evidence.individual_data.centres import CentreFit as CentreFit
    from ashworth.evidence.individual_data.interactions import (
        CentreInteraction as CentreInteraction,
    )
    from ashworth.evidence.individual_data.interactions import (
        InteractionEffect as InteractionEffect,
    )
    from ashworth.evidence.individual_data.interactions import (
        interaction_within_and_across as interaction_within_and_across,
    )
    from ashworth.evidence.individual_data.leave_out import LeaveOneOut as LeaveOneOut
    from ashworth.evidence.individual_data.leave_out import (
        leave_one_centre_out as leave_one_centre_out,
    )
    from ashworth.evidence.individual_data.one_stages import OneStage as OneStage
    from ashworth.evidence.individual_data.one_stages import one_stage as one_stage
    from ashworth.evidence.individual_data.two_stages import TwoStage as TwoStage
    from ashworth.evidence.individual_data.two_stages import two_stage as two_stage
    from ashworth.evidence.pooling.asymmetry import AsymmetryTest as AsymmetryTest
    from ashworth.evidence.pooling.asymmetry import FailSafeNumber as FailSafeNumber
    from ashworth.evidence.pooling.asymmetry import PetPeese as PetPeese
    from ashworth.evidence.pooling.asymmetry import TrimAndFill as TrimAndFill
    from ashworth.evidence.pooling.asymmetry import egger_test as egger_test
    from ashworth.evidence.pooling.asymmetry import fail_safe_number as fail_safe_number
    from ashworth.evidence.pooling.asymmetry import pet_peese as pet_peese
    from ashworth.evidence.pooling.asymmetry import rank_test as rank_test
    from ashworth.evidence.pooling.asymmetry import trim_and_fill as trim_and_fill
    from ashworth.evidence.pooling.contributions import Contributions as Contributions
    from ashworth.evidence.pooling.contributions import contributions as contributions
    from ashworth.evidence.pooling.counts import PooledCounts as PooledCounts
    from ashworth.evidence.pooling.counts import mantel_haenszel as mantel_haenszel
    from ashworth.evidence.pooling.counts import peto as peto
    from ashworth.evidence.pooling.counts import pool_proportions as pool_proportions
    from ashworth.evidence.pooling.effect_sizes import (
        BackTransformationWarning as BackTransformationWarning,
    )
    from ashworth.evidence.pooling.effect_sizes import EffectSizes as EffectSizes
    from ashworth.evidence.pooling.effect_sizes import proportions as proportions
    from ashworth.evidence.pooling.effect_sizes import rate_ratios as rate_ratios
    from ashworth.evidence.pooling.effect_sizes import rates as rates
    from ashworth.evidence.pooling.effect_sizes import (
        ratios_from_intervals as ratios_from_intervals,
    )
    from ashworth.evidence.pooling.effect_sizes import ratios_from_log_rank as ratios_from_log_rank
    from ashworth.evidence.pooling.effect_sizes import ratios_from_p_values as ratios_from_p_values
    from ashworth.evidence.pooling.effect_sizes import two_groups as two_groups
    from ashworth.evidence.pooling.guarded import NotPoolableError as NotPoolableError
    from ashworth.evidence.pooling.guarded import PooledEffects as PooledEffects
    from ashworth.evidence.pooling.guarded import pool_effects as pool_effects
    from ashworth.evidence.pooling.guards import Obstacle as Obstacle
    from ashworth.evidence.pooling.model import NarrowIntervalWarning as NarrowIntervalWarning
    from ashworth.evidence.pooling.model import pool as pool
    from ashworth.evidence.pooling.moderators import MetaRegression as MetaRegression
    from ashworth.evidence.pooling.moderators import Subgroups as Subgroups
    from ashworth.evidence.pooling.moderators import meta_regression as meta_regression
    from ashworth.evidence.pooling.moderators import subgroups as subgroups
    from ashworth.evidence.pooling.result import Heterogeneity as Heterogeneity
    from ashworth.evidence.pooling.result import Interval as Interval
    from ashworth.evidence.pooling.result import Pooled as Pooled
    from ashworth.evidence.pooling.result import Prediction as Prediction
    from ashworth.evidence.pooling.sensitivity import Influence as Influence
    from ashworth.evidence.pooling.sensitivity import PooledSeries as PooledSeries
    from ashworth.evidence.pooling.sensitivity import ShrunkenEffects as ShrunkenEffects
    from ashworth.evidence.pooling.sensitivity import blups as blups
    from ashworth.evidence.pooling.sensitivity import cumulative as cumulative
    from ashworth.evidence.pooling.sensitivity import influence as influence
    from ashworth.evidence.pooling.sensitivity import leave_one_out as leave_one_out
    from ashworth.evidence.pooling.two_outcomes import TwoOutcomes as TwoOutcomes
    from ashworth.evidence.pooling.two_outcomes import pool_two_outcomes as pool_two_outcomes
    from ashworth.evidence.reconstruction.model import (
        RepairedCurveWarning as RepairedCurveWarning,
    )
    from ashworth.evidence.reconstruction.model import reconstruct as reconstruct
    from ashworth.evidence.reconstruction.result import ReconstructedArm as ReconstructedArm
    from ashworth.evidence.reconstruction.result import Reconstruction as Reconstruction

_PLACES = {
    "AsymmetryTest": "pooling.asymmetry",
    "BackTransformationWarning": "pooling.effect_sizes",
    "CentreFit": "individual_data.centres",
    "CentreInteraction": "individual_data.interactions",
    "Conflicts": "base.lists",
    "CountTests": "consistency.counts",
    "Disagreement": "consistency.findings",
    "EffectSizes": "pooling.effect_sizes",
    "Contributions": "pooling.contributions",
    "Effects": "base.effects",
    "FailSafeNumber": "pooling.asymmetry",
    "Finding": "consistency.findings",
    "Findings": "consistency.findings",
    "FoundStatistic": "base.effects",
    "Heterogeneity": "pooling.result",
    "Imputed": "imputation.chained",
    "Influence": "pooling.sensitivity",
    "InteractionEffect": "individual_data.interactions",
    "Interval": "pooling.result",
    "LeaveOneOut": "individual_data.leave_out",
    "MetaRegression": "pooling.moderators",
    "NarrowIntervalWarning": "pooling.model",
    "NotPoolableError": "pooling.guarded",
    "Obstacle": "pooling.guards",
    "OneStage": "individual_data.one_stages",
    "PetPeese": "pooling.asymmetry",
    "Pooled": "pooling.result",
    "PooledCounts": "pooling.counts",
    "PooledEffects": "pooling.guarded",
    "PooledSeries": "pooling.sensitivity",
    "Prediction": "pooling.result",
    "ReconstructedArm": "reconstruction.result",
    "Reconstruction": "reconstruction.result",
    "RepairedCurveWarning": "reconstruction.model",
    "RubinResult": "imputation.rubins_rules",
    "ShrunkenEffects": "pooling.sensitivity",
    "Studies": "base.lists",
    "Subgroups": "pooling.moderators",
    "TrimAndFill": "pooling.asymmetry",
    "TwoOutcomes": "pooling.two_outcomes",
    "TwoStage": "individual_data.two_stages",
    "blups": "pooling.sensitivity",
    "check_statistics": "consistency.check",
    "conflicts": "base.search",
    "cumulative": "pooling.sensitivity",
    "egger_test": "pooling.asymmetry",
    "fail_safe_number": "pooling.asymmetry",
    "contributions": "pooling.contributions",
    "find": "base.search",
    "impute": "imputation.chained",
    "influence": "pooling.sensitivity",
    "interaction_within_and_across": "individual_data.interactions",
    "leave_one_centre_out": "individual_data.leave_out",
    "leave_one_out": "pooling.sensitivity",
    "mantel_haenszel": "pooling.counts",
    "meta_regression": "pooling.moderators",
    "one_stage": "individual_data.one_stages",
    "p_values_of_counts": "consistency.counts",
    "pet_peese": "pooling.asymmetry",
    "peto": "pooling.counts",
    "pool": "pooling.model",
    "pool_effects": "pooling.guarded",
    "pool_proportions": "pooling.counts",
    "pool_two_outcomes": "pooling.two_outcomes",
    "proportions": "pooling.effect_sizes",
    "rank_test": "pooling.asymmetry",
    "rate_ratios": "pooling.effect_sizes",
    "rates": "pooling.effect_sizes",
    "ratios_from_intervals": "pooling.effect_sizes",
    "ratios_from_log_rank": "pooling.effect_sizes",
    "ratios_from_p_values": "pooling.effect_sizes",
    "reconstruct": "reconstruction.model",
    "rubin": "imputation.rubins_rules",
    "studies": "base.search",
    "subgroups": "pooling.moderators",
    "trim_and_fill": "pooling.asymmetry",
    "two_groups": "pooling.effect_sizes",
    "two_stage": "individual_data.two_stages",
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module 'ashworth.evidence' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"ashworth.evidence.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
