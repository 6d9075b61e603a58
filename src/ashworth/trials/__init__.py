"""Trials: protocols that run, sizes, sequential designs, marker designs, randomisation, simulation.

Functions take plain numbers and numpy arrays and return one frozen result with ``.table()``.
"""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {
    "ColumnRouter": "protocols.route_columns",
    "CourseEvents": "log_rank_sizes.course_events",
    "ErrorSpending": "sequential.spending",
    "Executable": "protocols.executable",
    "ExpectedScore": "simulation.expected",
    "GroupSequential": "sequential.design",
    "LogRankEvents": "log_rank_sizes.events",
    "LogRankLimits": "log_rank_sizes.limits",
    "LogRankPower": "log_rank_sizes.patients_power",
    "LogRankSize": "log_rank_sizes.patients",
    "MethodComparison": "log_rank_sizes.comparison",
    "MonitoredLooks": "sequential.monitoring",
    "ProtocolChecks": "protocols.static_checks",
    "ProtocolTrial": "simulation.protocol_trials",
    "Route": "protocols.route",
    "RoutedColumns": "protocols.route_columns",
    "SequentialEvents": "sequential.whole_events",
    "SimulatedLooks": "simulation.runs",
    "SurvivalDesign": "simulation.design",
    "TrialCourse": "log_rank_sizes.course",
    "average_hazard_ratio": "log_rank_sizes.course_events",
    "check_protocol": "protocols.static_checks",
    "compare_methods": "log_rank_sizes.comparison",
    "concordant_share": "protocols.static_checks",
    "course_events": "log_rank_sizes.course_events",
    "decision_tables": "protocols.decision_tables",
    "draw_population": "protocols.population",
    "error_spending": "sequential.spending",
    "expected_score": "simulation.expected",
    "flow_diagram": "protocols.diagram",
    "group_sequential": "sequential.design",
    "hazard_of_survival": "log_rank_sizes.course",
    "implied_events": "log_rank_sizes.limits",
    "load_protocol": "protocols.executable",
    "log_rank_accrual": "log_rank_sizes.durations",
    "log_rank_events": "log_rank_sizes.events",
    "log_rank_follow_up": "log_rank_sizes.durations",
    "log_rank_limits": "log_rank_sizes.limits",
    "log_rank_power": "log_rank_sizes.events",
    "log_rank_power_of_patients": "log_rank_sizes.patients_power",
    "log_rank_size": "log_rank_sizes.patients",
    "route_patient": "protocols.route",
    "sequential_events": "sequential.whole_events",
    "sequential_looks_at": "sequential.monitoring",
    "simulate_survival": "simulation.runs",
    "survival_design": "simulation.design",
    "time_of_events": "log_rank_sizes.course_events",
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
