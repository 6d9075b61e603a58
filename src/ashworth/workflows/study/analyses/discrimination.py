"""How well the model tells who has the event, without and with the marker: C, AUC, Brier score."""

from __future__ import annotations

import polars as pl

from ashworth.definitions import Endpoint
from ashworth.figures import accuracy_figure
from ashworth.reports import FigureBlock, Paragraph
from ashworth.reports.blocks import Block
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.discrimination_models import fit_models
from ashworth.workflows.study.analyses.discrimination_numbers import (
    Accuracy,
    accuracy,
    concordances,
    reclassifications,
)
from ashworth.workflows.study.analyses.discrimination_words import (
    accuracy_table,
    concordance_table,
    introduction,
    reclassification_blocks,
)
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import noted, remarks, spans
from ashworth.workflows.study.analysis_settings import DiscriminationRequest

TITLE = "Discrimination and accuracy"
CAUTION = (
    "The models were fitted to the same patients, so these values are apparent and too favourable, "
    "and those of the larger model more so. A difference in concordance is a weak test of an added "
    "marker: judge by the likelihood-ratio test."
)


def run(context: Context, request: DiscriminationRequest, anchor: str) -> AnalysisResult:
    """Compare the base model with the base model and the marker."""
    parts: dict[str, list[pl.DataFrame]] = {}

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, tables = _endpoint(context, request, endpoint, name)
        for key, table in tables.items():
            column = pl.lit(endpoint.id).alias("endpoint")
            parts.setdefault(key, []).append(table.insert_column(0, column))
        return blocks

    blocks = (Paragraph(CAUTION), *context.each_endpoint(request, anchor, build))
    tables = {key: pl.concat(found) for key, found in parts.items()}
    return AnalysisResult(TITLE, blocks, tables, _methods(context, request))


def _methods(context: Context, request: DiscriminationRequest) -> str:
    text = (
        "Harrell's C has its standard error by the infinitesimal jackknife; Uno's C, the "
        "cumulative/dynamic AUC (Uno 2007, Blanche 2013) and the Brier score (Graf 1999) use "
        "inverse probability of censoring weights from the Kaplan-Meier curve of the censoring, "
        "and their standard errors include that it is estimated. The scaled Brier score is 1 minus "
        "the ratio to that of the average risk (Kattan and Gerds 2018). Differences are tested by "
        f"Wald tests, at {spans(request.at, context.settings.time_unit)} without adjustment for "
        "their number. With competing events the risks are those of Fine-Gray models, and patients "
        "with a competing event count as free of the event."
    )
    if request.reclassify_at:
        text += (
            " Net reclassification was estimated from Kaplan-Meier curves of those who moved "
            f"(Pencina 2011) with percentile limits from {request.bootstrap:,} bootstrap samples "
            f"(seed {request.seed})."
        )
    return text


def _endpoint(
    context: Context, request: DiscriminationRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], dict[str, pl.DataFrame]]:
    """One endpoint: text, concordance, figure, numbers at the times, reclassification, remarks."""
    rows = context.rows(endpoint, context.timepoint(request).name)
    models, notes = noted(fit_models, context, rows)
    level = context.settings.level
    c_rows, c_differences = concordances(models, max(request.at), level)
    blocks: list[Block] = [Paragraph(introduction(context, endpoint, models))]
    blocks.append(concordance_table(context, endpoint, models, c_rows, c_differences))
    tables = {"concordance": c_rows, "differences": c_differences}
    found, more = accuracy(models, sorted(set(request.at)), level)
    notes = [*models.notes, *notes, *more]
    if found is not None:
        blocks += [_figure(context, endpoint, found, name),
                   accuracy_table(context, endpoint, models, found)]  # fmt: skip
        tables["accuracy"] = found.rows
        tables["differences"] = pl.concat([c_differences, found.differences])
    if request.reclassify_at:
        table, more = reclassifications(models, request, level)
        notes += more
        if table is not None:
            tables["reclassification"] = table
            blocks += reclassification_blocks(context, endpoint, request, table)
    return [*blocks, *remarks(notes)], {k: v for k, v in tables.items() if v.height}


def _figure(context: Context, endpoint: Endpoint, found: Accuracy, name: str) -> FigureBlock:
    """AUC and Brier score over time."""
    unit, level = context.settings.time_unit, f"{100 * context.settings.level:g}%"
    drawn = found.rows.filter(pl.col("measure").is_in(["auc", "brier_score"]))
    figure = accuracy_figure(
        drawn.select("measure", "model", "time", "estimate", "lower", "upper"),
        name=f"{name}-accuracy", title="", x_title=f"Time ({unit})", time_unit=unit,
        simulated=context.simulated,
    )  # fmt: skip
    caption = (
        f"{endpoint.title}: AUC and Brier score by horizon, with {level} limits at each time. "
        "Apparent values."
    )
    return FigureBlock(figure, caption)
