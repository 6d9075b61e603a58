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
    from ashworth.survival.competing_risks.fine_gray import FewEventsWarning as FewEventsWarning
    from ashworth.survival.competing_risks.fine_gray import fine_gray as fine_gray
    from ashworth.survival.competing_risks.fine_gray_result import (
        FineGrayResult as FineGrayResult,
    )
    from ashworth.survival.competing_risks.fine_gray_result import (
        PredictedIncidence as PredictedIncidence,
    )
    from ashworth.survival.competing_risks.gray import gray_test as gray_test
    from ashworth.survival.competing_risks.incidence import (
        CumulativeIncidence as CumulativeIncidence,
    )
    from ashworth.survival.competing_risks.incidence import (
        cumulative_incidence as cumulative_incidence,
    )
    from ashworth.survival.competing_risks.side_by_side import (
        CauseSpecificResult as CauseSpecificResult,
    )
    from ashworth.survival.competing_risks.side_by_side import cause_specific as cause_specific
    from ashworth.survival.competing_risks.weighted_rows import FineGrayRows as FineGrayRows
    from ashworth.survival.competing_risks.weighted_rows import fine_gray_rows as fine_gray_rows
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
    from ashworth.survival.curves.max_combo_test import MaxComboResult as MaxComboResult
    from ashworth.survival.curves.max_combo_test import max_combo as max_combo
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
    from ashworth.survival.formula.curves import kaplan_meier_formula as kaplan_meier_formula
    from ashworth.survival.formula.curves import log_rank_formula as log_rank_formula
    from ashworth.survival.formula.model import FormulaCox as FormulaCox
    from ashworth.survival.formula.model import cox_formula as cox_formula
    from ashworth.survival.formula.rows import MissingRowsWarning as MissingRowsWarning
    from ashworth.survival.frailty.model import UnsharedFrailtyWarning as UnsharedFrailtyWarning
    from ashworth.survival.frailty.model import frailty_cox as frailty_cox
    from ashworth.survival.frailty.result import FrailtyResult as FrailtyResult
    from ashworth.survival.persistent_counts import Persistence as Persistence
    from ashworth.survival.persistent_counts import persistence as persistence
    from ashworth.survival.prognostic_value.accuracy_difference import (
        AccuracyDifference as AccuracyDifference,
    )
    from ashworth.survival.prognostic_value.accuracy_difference import (
        compare_accuracy as compare_accuracy,
    )
    from ashworth.survival.prognostic_value.brier import BrierScore as BrierScore
    from ashworth.survival.prognostic_value.brier import brier_score as brier_score
    from ashworth.survival.prognostic_value.calibration_at import calibration as calibration
    from ashworth.survival.prognostic_value.calibration_result import Calibration as Calibration
    from ashworth.survival.prognostic_value.concordance_difference import (
        compare_concordance as compare_concordance,
    )
    from ashworth.survival.prognostic_value.concordance_index import concordance as concordance
    from ashworth.survival.prognostic_value.concordance_result import Concordance as Concordance
    from ashworth.survival.prognostic_value.concordance_result import (
        ConcordanceDifference as ConcordanceDifference,
    )
    from ashworth.survival.prognostic_value.cut_point import cut_point_search as cut_point_search
    from ashworth.survival.prognostic_value.cut_point_result import CutPointSearch as CutPointSearch
    from ashworth.survival.prognostic_value.explained import (
        ExplainedVariation as ExplainedVariation,
    )
    from ashworth.survival.prognostic_value.explained import (
        explained_variation as explained_variation,
    )
    from ashworth.survival.prognostic_value.likelihood_ratio_test import (
        LikelihoodRatio as LikelihoodRatio,
    )
    from ashworth.survival.prognostic_value.likelihood_ratio_test import (
        likelihood_ratio as likelihood_ratio,
    )
    from ashworth.survival.prognostic_value.marker_forms import (
        compare_marker_forms as compare_marker_forms,
    )
    from ashworth.survival.prognostic_value.marker_forms_result import MarkerForm as MarkerForm
    from ashworth.survival.prognostic_value.marker_forms_result import MarkerForms as MarkerForms
    from ashworth.survival.prognostic_value.model_concordance import (
        cox_concordance as cox_concordance,
    )
    from ashworth.survival.prognostic_value.net_benefit import DecisionCurve as DecisionCurve
    from ashworth.survival.prognostic_value.net_benefit import decision_curve as decision_curve
    from ashworth.survival.prognostic_value.optimism import Optimism as Optimism
    from ashworth.survival.prognostic_value.optimism import bootstrap_optimism as bootstrap_optimism
    from ashworth.survival.prognostic_value.reclassification import (
        NetReclassification as NetReclassification,
    )
    from ashworth.survival.prognostic_value.reclassification import (
        net_reclassification as net_reclassification,
    )
    from ashworth.survival.prognostic_value.spline import SplineBasis as SplineBasis
    from ashworth.survival.prognostic_value.spline import (
        restricted_cubic_spline as restricted_cubic_spline,
    )
    from ashworth.survival.prognostic_value.time_dependent_auc import (
        TimeDependentAuc as TimeDependentAuc,
    )
    from ashworth.survival.prognostic_value.time_dependent_auc import (
        time_dependent_auc as time_dependent_auc,
    )
    from ashworth.survival.prognostic_value.uno import uno_concordance as uno_concordance
    from ashworth.survival.proportional_hazards.firth import FirthResult as FirthResult
    from ashworth.survival.proportional_hazards.firth import firth_cox as firth_cox
    from ashworth.survival.proportional_hazards.model import cox as cox
    from ashworth.survival.proportional_hazards.ph_result import (
        ProportionalHazardsTest as ProportionalHazardsTest,
    )
    from ashworth.survival.proportional_hazards.ph_test import (
        proportional_hazards_test as proportional_hazards_test,
    )
    from ashworth.survival.proportional_hazards.prediction import PredictedCurve as PredictedCurve
    from ashworth.survival.proportional_hazards.prediction import (
        PredictedSurvival as PredictedSurvival,
    )
    from ashworth.survival.proportional_hazards.prediction import baseline_hazard as baseline_hazard
    from ashworth.survival.proportional_hazards.prediction import (
        predict_survival as predict_survival,
    )
    from ashworth.survival.proportional_hazards.profile import ProfileLimits as ProfileLimits
    from ashworth.survival.proportional_hazards.profile import profile_limits as profile_limits
    from ashworth.survival.proportional_hazards.residuals import CoxResiduals as CoxResiduals
    from ashworth.survival.proportional_hazards.residuals import cox_residuals as cox_residuals
    from ashworth.survival.proportional_hazards.result import CoxResult as CoxResult
    from ashworth.survival.results import TestResult as TestResult
    from ashworth.survival.subgroup_rows import SubgroupLevel as SubgroupLevel
    from ashworth.survival.subgroups import InteractionTest as InteractionTest
    from ashworth.survival.subgroups import SubgroupEffects as SubgroupEffects
    from ashworth.survival.subgroups import subgroup_effects as subgroup_effects
    from ashworth.survival.subtypes import classify_subtype as classify_subtype
    from ashworth.survival.surveillance.leads import LeadTime as LeadTime
    from ashworth.survival.surveillance.leads import lead_time as lead_time
    from ashworth.survival.surveillance.predictive import PredictiveValues as PredictiveValues
    from ashworth.survival.surveillance.predictive import predictive_values as predictive_values
    from ashworth.survival.surveillance.status_risk import AbsoluteRisk as AbsoluteRisk
    from ashworth.survival.surveillance.status_risk import (
        absolute_risk_by_status as absolute_risk_by_status,
    )
    from ashworth.survival.time_varying.history import StatusHistory as StatusHistory
    from ashworth.survival.time_varying.history import status_history as status_history
    from ashworth.survival.time_varying.landmarks import LandmarkResult as LandmarkResult
    from ashworth.survival.time_varying.landmarks import landmark as landmark
    from ashworth.survival.time_varying.windows import HazardRatioWindows as HazardRatioWindows
    from ashworth.survival.time_varying.windows import (
        hazard_ratio_windows as hazard_ratio_windows,
    )
    from ashworth.survival.treatment_marker import TreatmentByMarker as TreatmentByMarker
    from ashworth.survival.treatment_marker import treatment_by_marker as treatment_by_marker

_PLACES = {
    "AbsoluteRisk": "surveillance.status_risk",
    "AccuracyDifference": "prognostic_value.accuracy_difference",
    "BrierScore": "prognostic_value.brier",
    "Calibration": "prognostic_value.calibration_result",
    "CauseSpecificResult": "competing_risks.side_by_side",
    "Concordance": "prognostic_value.concordance_result",
    "ConcordanceDifference": "prognostic_value.concordance_result",
    "CoxResiduals": "proportional_hazards.residuals",
    "CoxResult": "proportional_hazards.result",
    "CumulativeIncidence": "competing_risks.incidence",
    "Curve": "curves.curve",
    "CurveValues": "curves.curve",
    "CutPointSearch": "prognostic_value.cut_point_result",
    "DecisionCurve": "prognostic_value.net_benefit",
    "ExplainedVariation": "prognostic_value.explained",
    "FewEventsWarning": "competing_risks.fine_gray",
    "FineGrayResult": "competing_risks.fine_gray_result",
    "FineGrayRows": "competing_risks.weighted_rows",
    "FirthResult": "proportional_hazards.firth",
    "FormulaCox": "formula.model",
    "FrailtyResult": "frailty.result",
    "HazardRatioWindows": "time_varying.windows",
    "IncidenceCurve": "competing_risks.curve",
    "IncidenceValues": "competing_risks.curve",
    "InteractionTest": "subgroups",
    "KaplanMeier": "curves.kaplan_meier_curves",
    "LandmarkResult": "time_varying.landmarks",
    "LeadTime": "surveillance.leads",
    "LikelihoodRatio": "prognostic_value.likelihood_ratio_test",
    "MarkerForm": "prognostic_value.marker_forms_result",
    "MarkerForms": "prognostic_value.marker_forms_result",
    "MaxComboResult": "curves.max_combo_test",
    "MilestoneDifference": "curves.milestones",
    "MissingRowsWarning": "formula.rows",
    "NetReclassification": "prognostic_value.reclassification",
    "Optimism": "prognostic_value.optimism",
    "Persistence": "persistent_counts",
    "PersonYears": "curves.person_time",
    "PredictedCurve": "proportional_hazards.prediction",
    "PredictedIncidence": "competing_risks.fine_gray_result",
    "PredictedSurvival": "proportional_hazards.prediction",
    "PredictiveValues": "surveillance.predictive",
    "ProfileLimits": "proportional_hazards.profile",
    "ProportionalHazardsTest": "proportional_hazards.ph_result",
    "RateRatio": "curves.person_time",
    "RestrictedMeanDifference": "curves.restricted_means",
    "SplineBasis": "prognostic_value.spline",
    "StatusHistory": "time_varying.history",
    "SubgroupEffects": "subgroups",
    "SubgroupLevel": "subgroup_rows",
    "TestResult": "results",
    "TimeDependentAuc": "prognostic_value.time_dependent_auc",
    "TreatmentByMarker": "treatment_marker",
    "UnsharedFrailtyWarning": "frailty.model",
    "absolute_risk_by_status": "surveillance.status_risk",
    "baseline_hazard": "proportional_hazards.prediction",
    "bootstrap_optimism": "prognostic_value.optimism",
    "brier_score": "prognostic_value.brier",
    "calibration": "prognostic_value.calibration_at",
    "cause_specific": "competing_risks.side_by_side",
    "classify_subtype": "subtypes",
    "compare_accuracy": "prognostic_value.accuracy_difference",
    "compare_concordance": "prognostic_value.concordance_difference",
    "compare_marker_forms": "prognostic_value.marker_forms",
    "concordance": "prognostic_value.concordance_index",
    "cox": "proportional_hazards.model",
    "cox_concordance": "prognostic_value.model_concordance",
    "cox_formula": "formula.model",
    "cox_residuals": "proportional_hazards.residuals",
    "cumulative_incidence": "competing_risks.incidence",
    "cut_point_search": "prognostic_value.cut_point",
    "day_histogram": "curves.log_rank_test",
    "decision_curve": "prognostic_value.net_benefit",
    "derive_events": "endpoints",
    "explained_variation": "prognostic_value.explained",
    "fine_gray": "competing_risks.fine_gray",
    "fine_gray_rows": "competing_risks.weighted_rows",
    "firth_cox": "proportional_hazards.firth",
    "follow_up": "curves.follow_up_time",
    "frailty_cox": "frailty.model",
    "gray_test": "competing_risks.gray",
    "hazard_ratio_windows": "time_varying.windows",
    "kaplan_meier": "curves.kaplan_meier_curves",
    "kaplan_meier_formula": "formula.curves",
    "landmark": "time_varying.landmarks",
    "lead_time": "surveillance.leads",
    "likelihood_ratio": "prognostic_value.likelihood_ratio_test",
    "log_rank": "curves.log_rank_test",
    "log_rank_formula": "formula.curves",
    "log_rank_from_histogram": "curves.log_rank_test",
    "max_combo": "curves.max_combo_test",
    "milestone_difference": "curves.milestones",
    "net_reclassification": "prognostic_value.reclassification",
    "persistence": "persistent_counts",
    "person_years": "curves.person_time",
    "predict_survival": "proportional_hazards.prediction",
    "predictive_values": "surveillance.predictive",
    "profile_limits": "proportional_hazards.profile",
    "proportional_hazards_test": "proportional_hazards.ph_test",
    "rate_ratio": "curves.person_time",
    "restricted_cubic_spline": "prognostic_value.spline",
    "restricted_mean_difference": "curves.restricted_means",
    "status_history": "time_varying.history",
    "subgroup_effects": "subgroups",
    "time_dependent_auc": "prognostic_value.time_dependent_auc",
    "treatment_by_marker": "treatment_marker",
    "uno_concordance": "prognostic_value.uno",
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
