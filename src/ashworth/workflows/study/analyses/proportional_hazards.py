"""Test of proportional hazards of the multivariable model, with scaled Schoenfeld residuals."""

from __future__ import annotations

import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures import schoenfeld_figure
from ashworth.figures.schoenfeld import MOST_PANELS
from ashworth.reports import Callout, Column, FigureBlock, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import number, p_value, p_words
from ashworth.survival import ProportionalHazardsTest, proportional_hazards_test
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.multivariable import (
    MultivariableFit,
    few_events,
    model_words,
    multivariable_fit,
)
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import remarks
from ashworth.workflows.study.analysis_settings import ProportionalHazardsRequest

TITLE = "Proportional hazards"
SCALES = {
    "km": "one minus the Kaplan-Meier estimate",
    "rank": "the rank of time",
    "identity": "time",
    "log": "the logarithm of time",
}
SMALL = 0.05
POWER = (
    "A large p-value does not prove proportional hazards: with few events the test has little "
    "power, and it looks for a trend over the chosen scale only."
)


def run(context: Context, request: ProportionalHazardsRequest, anchor: str) -> AnalysisResult:
    """Test every term of the multivariable model, and all together."""
    tables: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, table = _endpoint(context, request, endpoint, name)
        tables.append(table)
        return blocks

    blocks = (Paragraph(POWER), *context.each_endpoint(request, anchor, build))
    methods = (
        "Proportional hazards were tested by the score test of covariate by time interactions on "
        f"the scale of {SCALES[request.transform]} (Grambsch and Therneau 1994), for each term of "
        "the multivariable Cox model and for all together. Scaled Schoenfeld residuals were "
        "smoothed by natural cubic splines with 4 columns."
    )
    return AnalysisResult(TITLE, blocks, {"tests": pl.concat(tables)} if tables else {}, methods)


def _endpoint(
    context: Context, request: ProportionalHazardsRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], pl.DataFrame]:
    """One endpoint: text, table, remarks, figures."""
    model = multivariable_fit(context, context.rows(endpoint, context.timepoint(request).name))
    test = proportional_hazards_test(
        model.fit, request.transform, terms=model.terms, level=context.settings.level
    )
    overall = test.global_test
    text = (
        f"{model_words(context, model)} Global test on the scale of {SCALES[request.transform]}: "
        f"chi-square {number(overall.statistic, 2)} on {overall.df} df, {p_words(overall.p_value)}."
    )
    blocks: list[Block] = [Paragraph(text), _table(endpoint, test)]
    blocks += _warning(context, test)
    blocks += remarks(few_events(model))
    blocks += _figures(context, endpoint, model, test, name)
    table = test.table().select(
        pl.lit(endpoint.id).alias("endpoint"), "term",
        pl.col("statistic").fill_nan(None), "df", pl.col("p_value").fill_nan(None),
        pl.lit(test.n).alias("n"), pl.lit(test.events).alias("events"),
    )  # fmt: skip
    return blocks, table


def _table(endpoint: Endpoint, test: ProportionalHazardsTest) -> Table:
    rows = [
        Row(
            (r["term"] if r["term"] != "GLOBAL" else "All terms together",
             number(r["statistic"], 2), str(r["df"]), p_value(r["p_value"])),
            bold=r["term"] == "GLOBAL",
        )
        for r in test.table().iter_rows(named=True)
    ]  # fmt: skip
    columns = (
        Column("Term", "left"), Column("Chi-square", "decimal"), Column("df"),
        Column("p", "decimal"),
    )  # fmt: skip
    return Table(
        columns, tuple(rows), f"{endpoint.abbreviation}: score tests of proportional hazards.",
        ("Not adjusted for the number of terms tested.",) if len(test.terms) > 1 else (),
    )  # fmt: skip


def _warning(context: Context, test: ProportionalHazardsTest) -> list[Callout]:
    """What a small p-value of the marker means for its hazard ratio."""
    p = dict(zip(test.terms, test.p_value.tolist(), strict=True))
    marker = context.results.groups.name
    if not p.get(marker, 1.0) < SMALL:
        return []
    return [
        Callout(
            "caution",
            f"The effect of {marker} changes over time ({p_words(p[marker])}): one hazard ratio is "
            "an average over the follow-up of this study. Hazard ratios in windows of follow-up "
            "describe it better.",
        )
    ]


def _figures(
    context: Context, endpoint: Endpoint, model: MultivariableFit, test: ProportionalHazardsTest,
    name: str,
) -> list[FigureBlock | Callout]:  # fmt: skip
    """Panels of all terms, up to eight to a figure."""
    smooths, notes = [], []
    for term in test.terms:
        try:
            smooth = test.smooth(term)
        except EstimationError as error:
            notes.append(f"{term}: no smooth, {error}")
            continue
        smooths.append(smooth.select(pl.lit(term).alias("term"), pl.all()))
    empty = pl.DataFrame(
        schema=dict.fromkeys(["transformed_time", "estimate", "lower", "upper"], pl.Float64)
        | {"term": pl.String}
    )
    smooth = pl.concat(smooths) if smooths else empty
    tests = _panels(context, model, test)
    blocks: list[FigureBlock | Callout] = []
    for first in range(0, tests.height, MOST_PANELS):
        part = tests.slice(first, MOST_PANELS)
        figure = schoenfeld_figure(
            test.points().filter(pl.col("term").is_in(part["term"].implode())), smooth, part,
            name=f"{name}-residuals" + (f"-{first // MOST_PANELS + 1}" if first else ""), title="",
            x_title=f"Time ({context.settings.time_unit})", time_unit=context.settings.time_unit,
            simulated=context.simulated,
        )  # fmt: skip
        caption = (
            f"{endpoint.abbreviation}: scaled Schoenfeld residuals over time, "
            f"{test.events:,} events. A level smooth speaks for proportional hazards; time runs on "
            f"the scale of the test. Bands: pointwise {100 * context.settings.level:g}% limits."
        )
        blocks.append(FigureBlock(figure, caption))
    return [*blocks, *remarks(notes)]


def _panels(
    context: Context, model: MultivariableFit, test: ProportionalHazardsTest
) -> pl.DataFrame:
    """One row per term for the figure."""
    groups = context.results.groups
    known = {groups.name: f"{groups.name}: {groups.labels[-1]} against {groups.labels[0]}"}
    for coding in context.codings:
        level = coding.levels[-1].replace("_", " ") if coding.kind == "factor" else ""
        known[coding.label] = f"{coding.label}: {level}" if level else coding.number_label
    single = [len(model.terms[t]) == 1 for t in test.terms]
    labels = [known[t] if one else t for t, one in zip(test.terms, single, strict=True)]
    return pl.DataFrame(
        {
            "term": list(test.terms),
            "label": labels,
            "p_value": test.p_value,
            "estimate": test.estimate,
            "null": [0.0 if one else None for one in single],
            "y_title": ["Log hazard ratio" if one else "Multiple of the effect" for one in single],
        },
        schema_overrides={"null": pl.Float64},
    )
