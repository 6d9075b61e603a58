"""Search for a cut-off of the marker, with the p-value that a search deserves."""

from __future__ import annotations

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures import cut_point_figure
from ashworth.figures.numbers import ratio_limits
from ashworth.reports import Callout, Column, FigureBlock, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import number, p_words
from ashworth.survival import CutPointSearch, cut_point_search
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.marker_value import MarkerRows, is_count, marker_rows
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import noted, remarks
from ashworth.workflows.study.analysis_settings import CutPointRequest

TITLE = "Search for a cut-off"
CAUTION = (
    "A cut-off that was searched on these data is no validated cut-off. Its uncorrected p-value "
    "and hazard ratio are too favourable; use it only to plan a study on other patients."
)


def run(context: Context, request: CutPointRequest, anchor: str) -> AnalysisResult:
    """Search the cut-off for every endpoint."""
    cuts: list[pl.DataFrame] = []
    chosen: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        data = marker_rows(context, request, endpoint)
        found, notes = noted(_search, context, request, data, adjusted=False)
        of = pl.lit(endpoint.id).alias("endpoint")
        cuts.append(found.table().insert_column(0, of))
        if found.bootstrap_cuts.size:
            chosen.append(found.cut_distribution().insert_column(0, of))
        blocks: list[Block] = [Paragraph(data.words), Paragraph(_words(context, found)),
                               _table(context, endpoint, found)]  # fmt: skip
        blocks.append(_figure(context, endpoint, found, name))
        if data.names:
            text, more = _adjusted(context, request, data)
            blocks.append(Paragraph(text))
            notes = [*notes, *more]
        if data.rows.strata is not None:
            notes = [*notes, "the search takes no account of the study's strata"]
        return [*blocks, *remarks(notes)]

    blocks = (Callout("caution", CAUTION), *context.each_endpoint(request, anchor, build))
    tables = {}
    if cuts:
        tables["statistics"] = pl.concat(cuts)
    if chosen:
        tables["bootstrap"] = pl.concat(chosen)
    return AnalysisResult(TITLE, blocks, tables, _methods(request))


def _methods(request: CutPointRequest) -> str:
    text = (
        "All cut-offs that leave at least "
        f"{100 * request.minimum_share:g}% of the patients on both sides were compared by the "
        "maximally selected log-rank statistic (Lausen and Schumacher 1992; Hothorn and Lausen "
        "2003); the corrected p-value is that of random permutations (seed "
        f"{request.seed})."
    )
    if request.bootstrap:
        text += (
            f" {request.bootstrap:,} bootstrap samples repeated the search: they give the "
            "distribution of the cut-off, the optimism of the hazard ratio, and the hazard ratio "
            "in the patients that a sample left out."
        )
    return text


def _search(
    context: Context, request: CutPointRequest, data: MarkerRows, *, adjusted: bool
) -> CutPointSearch:
    rows = data.rows
    if rows.entry is not None:
        raise EstimationError("with late entry the search has no permutation law")
    return cut_point_search(
        context.in_unit(rows.time), rows.event, rows.value, seed=request.seed,
        minprop=request.minimum_share, bootstrap=0 if adjusted else request.bootstrap,
        covariates=data.covariates if adjusted else None, names=data.names if adjusted else None,
    )  # fmt: skip


def _corrected(found: CutPointSearch) -> str:
    words = p_words(found.p_value)
    return f"{words}, above all permutations" if found.above_permutations else words


def _words(context: Context, found: CutPointSearch) -> str:
    """The cut, its statistic, and both p-values by name."""
    name = context.results.groups.name
    text = (
        f"Of {found.cuts.size:,} cut-offs, {name} of {found.cut:g} or more has the largest "
        f"statistic, {number(found.statistic, 2)}; corrected {_corrected(found)}. (Uncorrected, as "
        f"if this cut-off had been prespecified: {p_words(found.uncorrected_p_value)}.)"
    )
    if found.p_value > 1.0 - found.options["level"]:
        text += " No cut-off separates the patients better than chance would."
    if found.bootstrap_cuts.size:
        low, high = np.quantile(found.bootstrap_cuts, [0.1, 0.9], method="inverted_cdf")
        share = float(np.mean(found.bootstrap_cuts == found.cut))
        text += (
            f" The bootstrap chose the same cut-off in {100 * share:.0f}% of samples; the middle "
            f"80% of its choices lie from {low:g} to {high:g}."
        )
    return text


def _table(context: Context, endpoint: Endpoint, found: CutPointSearch) -> Table:
    low, high = np.exp(found.confint(context.settings.level))
    place = int(np.flatnonzero(found.cuts == found.cut)[0])
    rows = [
        Row(("Uncorrected, limits ignore the search",
             ratio_limits(found.hazard_ratio, float(low), float(high)))),
    ]  # fmt: skip
    if found.bootstrap_cuts.size:
        held_out = float(np.exp(found.held_out_log_hazard_ratio))
        rows += [
            Row(("Less the bootstrap optimism", number(found.corrected_hazard_ratio, 2))),
            Row(("In patients left out of the sample (median)", number(held_out, 2))),
        ]
    return Table(
        (Column("Hazard ratio, high against low", "left"), Column("Estimate", "decimal")),
        tuple(rows),
        f"{endpoint.abbreviation}: hazard ratio at the searched cut-off of {found.cut:g}, "
        f"{found.n_high[place]:,} high ({found.events_high[place]:,} events), "
        f"{found.n_low[place]:,} low ({found.events_low[place]:,} events).",
    )


def _figure(context: Context, endpoint: Endpoint, found: CutPointSearch, name: str) -> FigureBlock:
    counts = is_count(found.cuts)
    label = context.results.groups.name
    level = 1.0 - found.options["level"]
    figure = cut_point_figure(
        found.table(), found.cut_distribution(), name=f"{name}-cut", title="",
        critical_label=f"corrected p = {level:.2g}", x_title=f"Cut-off: {label}",
        x_scale="log1p" if counts else "linear", simulated=context.simulated,
    )  # fmt: skip
    caption = (
        f"{endpoint.title}: statistic of every cut-off with the corrected threshold"
        + (", and the cut-offs that the bootstrap chose" if found.bootstrap_cuts.size else "")
        + f". {found.n:,} patients, {found.events:,} events."
    )
    return FigureBlock(figure, caption)


def _adjusted(
    context: Context, request: CutPointRequest, data: MarkerRows
) -> tuple[str, list[str]]:
    """The same search given the adjusting covariates."""
    try:
        found, notes = noted(_search, context, request, data, adjusted=True)
    except EstimationError as error:
        return f"Given the covariates the search was not possible: {error}.", []
    return (
        f"Given {', '.join(data.labels)} the largest score statistic is "
        f"{number(found.statistic, 2)} "
        f"at {found.cut:g} or more; corrected {p_words(found.p_value)} (multipliers instead of "
        "permutations).",
        notes,
    )
