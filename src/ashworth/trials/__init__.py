"""Trials: protocols that run, sizes, sequential designs, marker designs, randomisation, simulation.

Functions take plain numbers and numpy arrays and return one frozen result with ``.table()``.
"""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {
    "AccrualPrediction": "sequential.accrual_prediction",
    "Allocation": "randomisation.allocation",
    "AllocationScheme": "randomisation.scheme",
    "AssayEnrichment": "marker_trials.assay_error",
    "ColumnRouter": "protocols.route_columns",
    "ConditionalCrossing": "sequential.conditional",
    "ConditionalPower": "sequential.conditional",
    "CourseEvents": "log_rank_sizes.course_events",
    "DetectableShare": "proportions.detectable",
    "DiscordantDilution": "marker_trials.hazards",
    "ErrorSpending": "sequential.spending",
    "EventPrediction": "sequential.event_prediction",
    "Executable": "protocols.executable",
    "ExpectedAccrual": "sequential.accrual",
    "ExpectedScore": "simulation.expected",
    "GroupSequential": "sequential.design",
    "InteractionEvents": "marker_trials.hazards",
    "InterimPower": "proportions.conditional",
    "LogRankEvents": "log_rank_sizes.events",
    "LogRankLimits": "log_rank_sizes.limits",
    "LogRankPower": "log_rank_sizes.patients_power",
    "LogRankSize": "log_rank_sizes.patients",
    "MarkerDesign": "marker_trials.effects",
    "MarkerDesigns": "marker_trials.effects",
    "MethodComparison": "log_rank_sizes.comparison",
    "MisclassifiedClearance": "proportions.clearance",
    "MonitoredLooks": "sequential.monitoring",
    "Past": "randomisation.allocation",
    "ProportionContrast": "proportions.intervals",
    "ProportionFormulaSize": "proportions.formulas",
    "ProportionPower": "proportions.power",
    "ProportionSize": "proportions.size",
    "ProportionTest": "proportions.result",
    "ProtocolChecks": "protocols.static_checks",
    "ProtocolTrial": "simulation.protocol_trials",
    "RandomisationMetrics": "randomisation.metrics",
    "RepeatedInterval": "sequential.inference",
    "RerandomisationTest": "randomisation.rerandomisation",
    "Route": "protocols.route",
    "RoutedColumns": "protocols.route_columns",
    "SequentialEvents": "sequential.whole_events",
    "SimonDesign": "proportions.simon",
    "SimonDesigns": "proportions.simon",
    "SimulatedLooks": "simulation.runs",
    "SimulatedPatients": "simulation.exact_times",
    "SingleArmSize": "proportions.single_arm",
    "StagewiseInference": "sequential.inference",
    "SurvivalDesign": "simulation.design",
    "TrialCourse": "log_rank_sizes.course",
    "allocate": "randomisation.allocation",
    "allocation_scheme": "randomisation.scheme",
    "assay_enrichment": "marker_trials.assay_error",
    "average_hazard_ratio": "log_rank_sizes.course_events",
    "boschloo_test": "proportions.exact_tests",
    "check_protocol": "protocols.static_checks",
    "compare_methods": "log_rank_sizes.comparison",
    "concordant_share": "protocols.static_checks",
    "conditional_crossing": "sequential.conditional",
    "conditional_power": "sequential.conditional",
    "course_events": "log_rank_sizes.course_events",
    "decision_tables": "protocols.decision_tables",
    "discordant_dilution": "marker_trials.hazards",
    "draw_population": "protocols.population",
    "error_spending": "sequential.spending",
    "expected_accrual": "sequential.accrual",
    "expected_score": "simulation.expected",
    "farrington_manning_test": "proportions.score_tests",
    "fisher_conditional_power": "proportions.conditional",
    "fisher_exact_test": "proportions.exact_tests",
    "fisher_predictive_power": "proportions.conditional",
    "flow_diagram": "protocols.diagram",
    "group_sequential": "sequential.design",
    "hazard_of_survival": "log_rank_sizes.course",
    "implied_events": "log_rank_sizes.limits",
    "interaction_events": "marker_trials.hazards",
    "load_protocol": "protocols.executable",
    "log_rank_accrual": "log_rank_sizes.durations",
    "log_rank_events": "log_rank_sizes.events",
    "log_rank_follow_up": "log_rank_sizes.durations",
    "log_rank_limits": "log_rank_sizes.limits",
    "log_rank_power": "log_rank_sizes.events",
    "log_rank_power_of_patients": "log_rank_sizes.patients_power",
    "log_rank_size": "log_rank_sizes.patients",
    "marker_designs": "marker_trials.effects",
    "miettinen_nurminen_interval": "proportions.intervals",
    "misclassified_clearance": "proportions.clearance",
    "predict_accrual": "sequential.accrual_prediction",
    "predict_events": "sequential.event_prediction",
    "randomisation_metrics": "randomisation.metrics",
    "repeated_interval": "sequential.inference",
    "rerandomisation_test": "randomisation.rerandomisation",
    "route_patient": "protocols.route",
    "sequential_events": "sequential.whole_events",
    "sequential_looks_at": "sequential.monitoring",
    "simon_two_stage": "proportions.simon",
    "simulate_survival": "simulation.runs",
    "simulated_analysis": "simulation.exact_times",
    "simulated_patients": "simulation.exact_times",
    "single_arm_size": "proportions.single_arm",
    "stagewise_inference": "sequential.inference",
    "survival_design": "simulation.design",
    "time_of_events": "log_rank_sizes.course_events",
    "two_proportions_detectable": "proportions.detectable",
    "two_proportions_formula": "proportions.formulas",
    "two_proportions_p_values": "proportions.score_tests",
    "two_proportions_power": "proportions.power",
    "two_proportions_size": "proportions.size",
    "two_proportions_z_test": "proportions.score_tests",
    "typed_patients": "protocols.patients",
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module 'ashworth.trials' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"ashworth.trials.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
