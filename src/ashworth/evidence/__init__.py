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
    from ashworth.evidence.pooling.model import NarrowIntervalWarning as NarrowIntervalWarning
    from ashworth.evidence.pooling.model import pool as pool
    from ashworth.evidence.pooling.result import Heterogeneity as Heterogeneity
    from ashworth.evidence.pooling.result import Interval as Interval
    from ashworth.evidence.pooling.result import Pooled as Pooled
    from ashworth.evidence.pooling.result import Prediction as Prediction

_PLACES = {
    "CentreFit": "individual_data.centres",
    "CentreInteraction": "individual_data.interactions",
    "Conflicts": "base.lists",
    "CountTests": "consistency.counts",
    "Disagreement": "consistency.findings",
    "Effects": "base.effects",
    "Finding": "consistency.findings",
    "Findings": "consistency.findings",
    "FoundStatistic": "base.effects",
    "Heterogeneity": "pooling.result",
    "Imputed": "imputation.chained",
    "InteractionEffect": "individual_data.interactions",
    "Interval": "pooling.result",
    "LeaveOneOut": "individual_data.leave_out",
    "NarrowIntervalWarning": "pooling.model",
    "OneStage": "individual_data.one_stages",
    "Pooled": "pooling.result",
    "Prediction": "pooling.result",
    "RubinResult": "imputation.rubins_rules",
    "Studies": "base.lists",
    "TwoStage": "individual_data.two_stages",
    "check_statistics": "consistency.check",
    "conflicts": "base.search",
    "find": "base.search",
    "impute": "imputation.chained",
    "interaction_within_and_across": "individual_data.interactions",
    "leave_one_centre_out": "individual_data.leave_out",
    "one_stage": "individual_data.one_stages",
    "p_values_of_counts": "consistency.counts",
    "pool": "pooling.model",
    "rubin": "imputation.rubins_rules",
    "studies": "base.search",
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
