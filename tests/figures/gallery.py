"""One figure of each kind, with hostile names in them."""

from __future__ import annotations

from ashworth.figures import (
    Figure,
    accuracy_figure,
    caterpillar_figure,
    cohort_flow_figure,
    count_bars_figure,
    count_distribution_figure,
    counts_over_time_figure,
    cumulative_incidence_figure,
    dilution_figure,
    dynamics_flow_figure,
    forest_figure,
    kaplan_meier_figure,
    look_boundaries_figure,
    pooled_forest_figure,
    positivity_figure,
    power_curve_figure,
    predicted_survival_figure,
    protocol_flow_figure,
    schoenfeld_figure,
    status_risk_figure,
    timeline_figure,
    world_map_figure,
)
from ashworth.figures.cartridge_map import cartridge_map_figure
from ashworth.figures.cell_scatter import cell_scatter_figure
from ashworth.figures.look_outcomes import look_outcomes_figure

from . import (
    accuracy_tables,
    cell_tables,
    course_tables,
    incidence_tables,
    meta_tables,
    penalised_tables,
    reconstruction_tables,
    schoenfeld_tables,
    tables,
    trial_tables,
    value_added_tables,
)

TICKS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


def survival_figure(sizes: dict[str, int], name: str = "km", **options: object) -> Figure:
    curves = tables.curves(sizes)
    given = {"title": "Overall survival", "labels": ("Log-rank p < 0.001",), "max_time": 5.0}
    return kaplan_meier_figure(
        curves,
        tables.risk_table(curves, TICKS),
        name=name,
        x_title="Years",
        y_title="Alive",
        **{**given, **options},
    )


def incidence_figure(sizes: dict[str, int], name: str, **options: object) -> Figure:
    return cumulative_incidence_figure(
        incidence_tables.incidence_curves(sizes),
        incidence_tables.incidence_risk_table(sizes, TICKS),
        name=name,
        x_title="Years",
        y_title="Recurrence",
        max_time=5.0,
        simulated=True,
        **{"title": "Recurrence", "labels": ("Gray's test p = 0.031",), **options},
    )


def gallery() -> dict[str, Figure]:
    five = dict(zip((*tables.HOSTILE, tables.VERY_LONG), (300, 200, 150, 60, 40), strict=True))
    made = [
        *value_added_tables.figures(),
        *meta_tables.figures(),
        *reconstruction_tables.figures(),
        survival_figure({"negative": 120, "positive": 80}, "km-two", simulated=True),
        survival_figure(five, "km-five", simulated=True),
        survival_figure({"all": 30}, "km-one", simulated=True),
        accuracy_figure(
            accuracy_tables.accuracy_rows(),
            name="accuracy",
            title="Accuracy " + tables.VERY_LONG,
            x_title="Years",
            simulated=True,
        ),
        incidence_figure({"negative": 120, "positive": 80}, "incidence-two"),
        incidence_figure(five, "incidence-five"),
        status_risk_figure(
            incidence_tables.risk_rows(),
            name="status-risk",
            title="Risk " + tables.VERY_LONG,
            note="At risk: followed up to the time.",
            simulated=True,
        ),
        forest_figure(tables.forest_rows(), name="forest", title="Cox model", simulated=True),
        caterpillar_figure(
            penalised_tables.caterpillar_rows(),
            name="caterpillar",
            title="Centres " + tables.VERY_LONG,
            label_heading="Centre",
            note="Shrunken towards 1.",
            simulated=True,
        ),
        dilution_figure(
            penalised_tables.ratio_rows(),
            penalised_tables.count_rows(),
            name="dilution",
            title="Dilution " + tables.VERY_LONG,
            simulated=True,
        ),
        pooled_forest_figure(
            tables.pooled_rows(),
            name="pooled",
            title="Centres",
            note="tau² 0.05 (0.00–0.60), I² 31% (0–84)",
            simulated=True,
        ),
        schoenfeld_figure(
            schoenfeld_tables.points(60),
            schoenfeld_tables.smooth(),
            schoenfeld_tables.tests(),
            name="schoenfeld",
            title="Residuals " + tables.VERY_LONG,
            x_title="Years",
            simulated=True,
        ),
        predicted_survival_figure(
            tables.curves({"negative": 40, tables.HOSTILE[0]: 30, tables.VERY_LONG: 5}),
            name="predicted",
            title="Predicted",
            x_title="Years",
            y_title="Alive",
            simulated=True,
        ),
        positivity_figure(
            tables.positivity_rows(), name="positivity", title="Positivity", simulated=True
        ),
        count_distribution_figure(
            tables.count_rows(),
            name="counts",
            title="Counts",
            cutoff_category="5–9",
            cutoff_label="cut-off ≥ 5",
            simulated=True,
        ),
        counts_over_time_figure(
            *course_tables.courses({"decrease": 30, tables.HOSTILE[0]: 8, tables.VERY_LONG: 1}),
            name="courses",
            title="Courses " + tables.VERY_LONG,
            x_title="Days",
            y_title="CTC",
            cut=5,
            marked="progression",
            simulated=True,
        ),
        dynamics_flow_figure(
            tables.flow_rows(),
            name="dynamics",
            title="Dynamics",
            from_title="Baseline",
            to_title="Follow-up",
            simulated=True,
        ),
        cohort_flow_figure(
            tables.cohort_rows(),
            name="cohort",
            title="Patients " + tables.VERY_LONG,
            simulated=True,
        ),
        cell_scatter_figure(
            cell_tables.cells(),
            name="cells",
            title="Cells " + tables.VERY_LONG,
            x_cut=60.0,
            y_cut=75.0,
            simulated=True,
        ),
        cartridge_map_figure(
            cell_tables.frames(),
            cell_tables.cells(),
            name="cartridge",
            title="Map",
            frame_width_um=886.0,
            frame_height_um=663.0,
            simulated=True,
        ),
        protocol_flow_figure(
            trial_tables.flow_boxes(),
            trial_tables.flow_arrows(),
            name="protocol-flow",
            title="Flow " + tables.VERY_LONG,
            note="A note",
            simulated=True,
        ),
        count_bars_figure(
            trial_tables.bars(),
            name="count-bars",
            title="Bars " + tables.VERY_LONG,
            note="A note",
            simulated=True,
        ),
        world_map_figure(
            trial_tables.countries(),
            name="world-map",
            title="Map " + tables.VERY_LONG,
            simulated=True,
        ),
        timeline_figure(
            trial_tables.years(),
            name="timeline",
            title="Years " + tables.VERY_LONG,
            note="A note",
            simulated=True,
        ),
        power_curve_figure(
            trial_tables.power_rows(),
            name="power-curve",
            title="Power " + tables.VERY_LONG,
            x_title="Hazard ratio",
        ),
        look_boundaries_figure(
            trial_tables.look_rows(),
            name="look-boundaries",
            title="Looks " + tables.VERY_LONG,
        ),
        look_outcomes_figure(
            trial_tables.outcome_rows(),
            name="look-outcomes",
            title="Endings " + tables.VERY_LONG,
        ),
    ]
    return {f.name: f for f in made}
