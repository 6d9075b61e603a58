"""Hazard ratio of the status in windows of follow-up: whether it still tells late events."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures import forest_figure
from ashworth.reports import FigureBlock, Paragraph
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import p_words
from ashworth.survival import HazardRatioWindows, hazard_ratio_windows
from ashworth.workflows.study.analyses.context import Context, Rows, covariate_matrix
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import (
    forest_alt,
    left_out,
    noted,
    remarks,
    sizes,
    span,
    spans,
)
from ashworth.workflows.study.analysis_settings import WindowsRequest
from ashworth.workflows.study.methods import stratified_words

TITLE = "Hazard ratio in windows of follow-up"
CAUTION = (
    "Patients in a later window are those who came that far without an event, so its hazard ratio "
    "does not describe all patients. The windows were named in the study file."
)


def run(context: Context, request: WindowsRequest, anchor: str) -> AnalysisResult:
    """Estimate the hazard ratio of high against low in each window, crude and adjusted."""
    tables: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, table = _endpoint(context, request, endpoint, name)
        tables.append(table)
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    methods = (
        f"Follow-up was cut at {spans(request.breaks, context.settings.time_unit)}; a Cox model "
        "gave the marker a hazard ratio in each window and the covariates one over all. That the "
        "ratios are equal was tested by the likelihood ratio against a model with one hazard ratio."
    )
    return AnalysisResult(
        TITLE, blocks, {"hazard_ratios": pl.concat(tables)} if tables else {}, methods
    )


def _endpoint(
    context: Context, request: WindowsRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], pl.DataFrame]:
    """One endpoint: text, forest, remarks, table."""
    rows = context.rows(endpoint, context.timepoint(request).name)
    if np.unique(rows.high).size < 2:
        raise EstimationError(f"{endpoint.abbreviation}: only one marker group has patients")
    crude, notes = _fit(context, request, rows, adjusted=False)
    models = [("Not adjusted", crude)]
    z, _, complete = covariate_matrix(rows, context.codings)
    if z.shape[1]:
        both, more = _fit(context, request, rows.take(complete), adjusted=True)
        models.append(("Adjusted", both))
        notes += more
    table = pl.concat([_rows(context, endpoint, title, found) for title, found in models])
    blocks: list[Block] = [Paragraph(_text(context, endpoint, rows, models))]
    blocks.append(_forest(context, endpoint, table, name))
    return [*blocks, *remarks(notes)], table


def _fit(
    context: Context, request: WindowsRequest, rows: Rows, *, adjusted: bool
) -> tuple[HazardRatioWindows, list[str]]:
    """Fit one model; names of the windows in the report's unit."""
    z, names, _ = covariate_matrix(rows, context.codings)
    return noted(
        hazard_ratio_windows,
        context.in_unit(rows.time), rows.event, rows.high, request.breaks,
        names=[context.results.groups.high],
        adjust={n: z[:, i] for i, n in enumerate(names)} if adjusted else None,
        entry=None if rows.entry is None else context.in_unit(rows.entry),
        strata=rows.strata, ties=context.settings.ties,
    )  # fmt: skip


def _rows(
    context: Context, endpoint: Endpoint, title: str, found: HazardRatioWindows
) -> pl.DataFrame:
    """Rows of a model for the forest and for the table."""
    table = found.table(context.settings.level)
    unit = context.settings.time_unit
    labels = [
        f"{a:g}–{span(b, unit)}" if np.isfinite(b) else f"after {span(a, unit)}"
        for a, b in zip(found.start, found.stop, strict=True)
    ]
    ratio = [pl.col(c).fill_nan(None) for c in ("lower", "upper", "p_value")]
    return table.select(
        pl.lit(endpoint.id).alias("endpoint"), pl.lit(title).alias("section"),
        pl.Series("label", labels), pl.col("at_risk").alias("n"), "events", "person_time",
        pl.col("hazard_ratio").fill_nan(None).alias("estimate"), *ratio,
        pl.lit(value=False).alias("is_reference"),
        pl.lit(found.equality_test.p_value).fill_nan(None).alias("equality_p"),
    )  # fmt: skip


def _forest(context: Context, endpoint: Endpoint, table: pl.DataFrame, name: str) -> FigureBlock:
    """Draw windows under windows."""
    groups, settings = context.results.groups, context.settings
    figure = forest_figure(
        table.drop("endpoint", "person_time", "equality_p"), name=f"{name}-forest", title="",
        estimate_heading=f"HR ({100 * settings.level:g}% CI)", simulated=context.simulated,
        note="n: patients at risk in the window.",
        alt=forest_alt(
            f"Hazard ratios of {groups.high} against {groups.low}, {endpoint.abbreviation}", table
        ),
    )  # fmt: skip
    words = stratified_words(settings)
    caption = (
        f"{endpoint.abbreviation}, {groups.high} against {groups.low}, by window of follow-up"
        + (f"; {words}." if words else ".")
    )
    return FigureBlock(figure, caption)


def _text(context: Context, endpoint: Endpoint, rows: Rows, models: list[tuple[str, Any]]) -> str:
    """Numbers, the test of equality, what was left out, the caution."""
    tests = "; ".join(
        f"{title.lower()} {p_words(found.equality_test.p_value)}" for title, found in models
    )
    text = (
        f"{endpoint.abbreviation}: {sizes(rows.n, rows.n_events)}. Likelihood-ratio "
        f"test that the hazard ratio is the same in all windows: {tests}."
    )
    if len(models) > 1 and models[1][1].n < rows.n:
        adjusted = models[1][1]
        text += (
            f" The adjusted model has {sizes(adjusted.n, adjusted.events)}; "
            f"{rows.n - adjusted.n:,} left out for a missing covariate."
        )
    gone = left_out(rows.analysis)
    return " ".join(part for part in (text, gone, CAUTION) if part)
