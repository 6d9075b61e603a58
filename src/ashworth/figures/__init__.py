"""Figures: tables in, Vega-Lite charts out, each with its numbers and a description.

Every function returns a frozen `Figure` with `.svg()`, `.png()`, `.json()` and `.data`.
Nothing is computed here that belongs to an estimator: the tables arrive finished.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.figures.accuracy import accuracy_figure as accuracy_figure
    from ashworth.figures.baujat import baujat_figure as baujat_figure
    from ashworth.figures.calibration import calibration_figure as calibration_figure
    from ashworth.figures.cartridge_map import cartridge_map_figure as cartridge_map_figure
    from ashworth.figures.caterpillar import caterpillar_figure as caterpillar_figure
    from ashworth.figures.cell_scatter import cell_scatter_figure as cell_scatter_figure
    from ashworth.figures.cohort_flow import cohort_flow_figure as cohort_flow_figure
    from ashworth.figures.count_bars import count_bars_figure as count_bars_figure
    from ashworth.figures.count_distribution import (
        count_distribution_figure as count_distribution_figure,
    )
    from ashworth.figures.counts_over_time import (
        counts_over_time_figure as counts_over_time_figure,
    )
    from ashworth.figures.cumulative_incidence import (
        cumulative_incidence_figure as cumulative_incidence_figure,
    )
    from ashworth.figures.cut_point import cut_point_figure as cut_point_figure
    from ashworth.figures.decision_curve import decision_curve_figure as decision_curve_figure
    from ashworth.figures.dilution import dilution_figure as dilution_figure
    from ashworth.figures.dynamics_flow import dynamics_flow_figure as dynamics_flow_figure
    from ashworth.figures.forest import forest_figure as forest_figure
    from ashworth.figures.funnel import funnel_figure as funnel_figure
    from ashworth.figures.kaplan_meier import kaplan_meier_figure as kaplan_meier_figure
    from ashworth.figures.leave_one_out import leave_one_out_figure as leave_one_out_figure
    from ashworth.figures.look_boundaries import look_boundaries_figure as look_boundaries_figure
    from ashworth.figures.marker_form import marker_form_figure as marker_form_figure
    from ashworth.figures.meta_forest import meta_forest_figure as meta_forest_figure
    from ashworth.figures.pooled_forest import pooled_forest_figure as pooled_forest_figure
    from ashworth.figures.positivity import positivity_figure as positivity_figure
    from ashworth.figures.power_curve import power_curve_figure as power_curve_figure
    from ashworth.figures.predicted_survival import (
        predicted_survival_figure as predicted_survival_figure,
    )
    from ashworth.figures.protocol_flow import protocol_flow_figure as protocol_flow_figure
    from ashworth.figures.reconstruction import reconstruction_figure as reconstruction_figure
    from ashworth.figures.result import Figure as Figure
    from ashworth.figures.schoenfeld import schoenfeld_figure as schoenfeld_figure
    from ashworth.figures.status_risk import status_risk_figure as status_risk_figure
    from ashworth.figures.ticks import time_ticks as time_ticks
    from ashworth.figures.timeline import timeline_figure as timeline_figure
    from ashworth.figures.world_map import world_map_figure as world_map_figure

_HOMES = {
    "Figure": "result",
    "accuracy_figure": "accuracy",
    "baujat_figure": "baujat",
    "calibration_figure": "calibration",
    "cartridge_map_figure": "cartridge_map",
    "caterpillar_figure": "caterpillar",
    "cell_scatter_figure": "cell_scatter",
    "cohort_flow_figure": "cohort_flow",
    "count_bars_figure": "count_bars",
    "count_distribution_figure": "count_distribution",
    "counts_over_time_figure": "counts_over_time",
    "cumulative_incidence_figure": "cumulative_incidence",
    "cut_point_figure": "cut_point",
    "decision_curve_figure": "decision_curve",
    "dilution_figure": "dilution",
    "dynamics_flow_figure": "dynamics_flow",
    "forest_figure": "forest",
    "funnel_figure": "funnel",
    "kaplan_meier_figure": "kaplan_meier",
    "leave_one_out_figure": "leave_one_out",
    "marker_form_figure": "marker_form",
    "meta_forest_figure": "meta_forest",
    "pooled_forest_figure": "pooled_forest",
    "positivity_figure": "positivity",
    "look_boundaries_figure": "look_boundaries",
    "power_curve_figure": "power_curve",
    "predicted_survival_figure": "predicted_survival",
    "protocol_flow_figure": "protocol_flow",
    "reconstruction_figure": "reconstruction",
    "schoenfeld_figure": "schoenfeld",
    "status_risk_figure": "status_risk",
    "time_ticks": "ticks",
    "timeline_figure": "timeline",
    "world_map_figure": "world_map",
}

__all__ = [
    "Figure",
    "accuracy_figure",
    "baujat_figure",
    "calibration_figure",
    "cartridge_map_figure",
    "caterpillar_figure",
    "cell_scatter_figure",
    "cohort_flow_figure",
    "count_bars_figure",
    "count_distribution_figure",
    "counts_over_time_figure",
    "cumulative_incidence_figure",
    "cut_point_figure",
    "decision_curve_figure",
    "dilution_figure",
    "dynamics_flow_figure",
    "forest_figure",
    "funnel_figure",
    "kaplan_meier_figure",
    "leave_one_out_figure",
    "look_boundaries_figure",
    "marker_form_figure",
    "meta_forest_figure",
    "pooled_forest_figure",
    "positivity_figure",
    "power_curve_figure",
    "predicted_survival_figure",
    "protocol_flow_figure",
    "reconstruction_figure",
    "schoenfeld_figure",
    "status_risk_figure",
    "time_ticks",
    "timeline_figure",
    "world_map_figure",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ashworth.figures' has no attribute '{name}'")
    return getattr(importlib.import_module(f"ashworth.figures.{_HOMES[name]}"), name)
