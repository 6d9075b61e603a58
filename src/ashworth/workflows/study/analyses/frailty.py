"""Shared frailty: hazard ratios within a centre, and how much the centres' hazards differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError, InputError, Problem
from ashworth.figures import caterpillar_figure
from ashworth.figures.numbers import p_value, ratio_limits
from ashworth.reports import Column, FigureBlock, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import number, p_words
from ashworth.survival import CoxResult, FrailtyResult, cox, frailty_cox
from ashworth.workflows.study.analyses.context import Context, Rows, demand_groups
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.terms import Model, adjusted_model, missing_words
from ashworth.workflows.study.analyses.words import left_out, noted, remarks, sizes
from ashworth.workflows.study.analysis_settings import FrailtyRequest
from ashworth.workflows.study.coding import LABELS, level_texts

METHODS = {
    "gamma": (
        "Shared gamma frailty: penalised partial likelihood (Therneau, Grambsch and Pankratz, "
        "J Comput Graph Stat 2003;12:156), with the variance at the maximum of its marginal "
        "likelihood, converged; profile-likelihood limits."
    ),
    "gaussian": (
        "Shared log-normal frailty: penalised partial likelihood (Ripatti and Palmgren, Biometrics "
        "2000;56:1016), with the variance at the maximum of the likelihood integrated by Laplace's "
        "approximation; profile-likelihood limits."
    ),
}


def run(context: Context, request: FrailtyRequest, anchor: str) -> AnalysisResult:
    """Fit the adjusted model with a frailty over the groups for each endpoint."""
    _demand_column(context, request)
    ratios: list[pl.DataFrame] = []
    frailties: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, found = _endpoint(context, request, endpoint, name)
        ratios.append(found[0])
        frailties.append(found[1])
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    tables = (
        {"hazard_ratios": pl.concat(ratios), "frailties": pl.concat(frailties)} if ratios else {}
    )
    title = f"Differences between groups: frailty by {_label(request).lower()}"
    return AnalysisResult(title, blocks, tables, METHODS[request.distribution])


def _label(request: FrailtyRequest) -> str:
    """Name of the grouping column for people."""
    return LABELS.get(request.by, request.by.replace("_", " ").capitalize())


def _demand_column(context: Context, request: FrailtyRequest) -> None:
    """Refuse a grouping column that the study does not have."""
    columns = context.results.patients.columns
    if request.by not in columns:
        problem = Problem(
            "study.toml", None, "analyses.by", f"'{request.by}'",
            f"a column of patients: {', '.join(columns)}", "name the column of the groups",
        )  # fmt: skip
        raise InputError([problem], subject="study.toml")


def _strata(context: Context, rows: Rows, by: str) -> NDArray[Any] | None:
    """Strata of the study without the grouping column."""
    columns = [c for c in context.settings.stratify if c != by]
    if not columns:
        return None
    texts = [level_texts(rows.patients, c).fill_null("unknown").to_list() for c in columns]
    return np.array([" / ".join(parts) for parts in zip(*texts, strict=True)])


def _endpoint(
    context: Context, request: FrailtyRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], tuple[pl.DataFrame, pl.DataFrame]]:
    """One endpoint: text, table, caterpillar, remarks."""
    whole = context.rows(endpoint, context.timepoint(request).name)
    known = level_texts(whole.patients, request.by).is_not_null().to_numpy()
    if not known.any():
        raise EstimationError(f"no patient has a value of {request.by}")
    demand_groups(whole.patients[request.by], request.by)
    codings = [c for c in context.codings if c.column != request.by]
    model = adjusted_model(context, whole.take(known), codings)
    rows, settings = model.rows, context.settings
    group = level_texts(rows.patients, request.by).to_numpy()
    entry = None if rows.entry is None else context.in_unit(rows.entry)
    shared = {"names": model.labels, "entry": entry, "ties": settings.ties}
    data = (context.in_unit(rows.time), rows.event, model.matrix)
    strata = _strata(context, rows, request.by)
    fit, notes = noted(
        frailty_cox, *data, group, distribution=request.distribution, level=settings.level,
        strata=strata, **shared,
    )  # fmt: skip
    plain, _ = noted(cox, *data, strata=strata, **shared)
    both = (
        group
        if strata is None
        else np.array([f"{a} / {b}" for a, b in zip(group, strata, strict=True)])
    )
    within, _ = noted(cox, *data, strata=both, **shared)
    blocks: list[Block] = [
        Paragraph(_text(context, request, endpoint, model, fit, int((~known).sum()))),
        _table(context, request, endpoint, fit, plain, within),
        _caterpillar(context, request, endpoint, fit, name),
        *remarks(notes),
    ]
    gone = left_out(whole.analysis)
    if gone:
        blocks.insert(1, Paragraph(gone))
    return blocks, _tables(endpoint, request, fit)


def _tables(
    endpoint: Endpoint, request: FrailtyRequest, fit: FrailtyResult
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Hazard ratios with the variance beside them, and frailties."""
    head = pl.lit(endpoint.id).alias("endpoint")
    variance = [
        pl.lit(request.distribution).alias("distribution"),
        pl.lit(fit.variance).alias("variance"),
        pl.lit(fit.variance_lower).alias("variance_lower"),
        pl.lit(fit.variance_upper).alias("variance_upper"),
        pl.lit(fit.variance_test.p_value).alias("variance_p"),
    ]
    ratios = fit.table().select(head, pl.all(), *variance)
    frailties = fit.frailty_table().select(head, pl.lit(request.by).alias("by"), pl.all())
    return ratios, frailties.with_columns(pl.col(pl.Float64).fill_nan(None))


def _text(
    context: Context, request: FrailtyRequest, endpoint: Endpoint, model: Model,
    fit: FrailtyResult, ungrouped: int,
) -> str:  # fmt: skip
    """Sizes, variance with limits and test, in words."""
    level = f"{100 * context.settings.level:g}%"
    test = fit.variance_test
    kind = "gamma frailty" if request.distribution == "gamma" else "log frailty"
    parts = [
        f"{endpoint.abbreviation}: {sizes(fit.n, fit.events)} in {len(fit.groups)} groups "
        f"({_label(request).lower()}), of {int((fit.events_per_group > 0).sum())} with events.",
        f"Variance of the {kind} {number(fit.variance, 3)} ({level} limits "
        f"{number(fit.variance_lower, 3)} to {number(fit.variance_upper, 3)}); likelihood ratio "
        f"test of no variation {number(test.statistic, 2)}, {p_words(test.p_value)} (half-and-half "
        "mixture of chi-squares with 0 and 1 degrees of freedom).",
    ]
    if fit.variance > 0.0:
        parts.append(
            "Hazards at the quartiles of such groups differ by a factor of about "
            f"{number(fit.quartile_ratio, 2)}."
        )
    else:
        parts.append("The groups' hazards differ no more than by chance: the model is plain Cox.")
    if request.by in context.settings.stratify:
        parts.append(f"The study's strata by {request.by} are replaced by the frailty here.")
    others = [c for c in context.settings.stratify if c != request.by]
    if others:
        parts.append(f"All models are stratified by {' and '.join(others)} as well.")
    if ungrouped:
        parts.append(f"{ungrouped:,} patients are left out without a value of {request.by}.")
    return " ".join([*parts, missing_words(model)]).strip()


def _table(
    context: Context, request: FrailtyRequest, endpoint: Endpoint, fit: FrailtyResult,
    plain: CoxResult, within: CoxResult,
) -> Table:  # fmt: skip
    """Hazard ratios with frailty, without, and stratified by group."""
    level = context.settings.level
    frames = [fit.table(), plain.table(level), within.table(level)]
    rows = []
    for i, term in enumerate(fit.names):
        cells = [
            ratio_limits(*(f[c][i] for c in ("hazard_ratio", "lower", "upper"))) for f in frames
        ]
        rows.append(Row((term, cells[0], p_value(fit.table()["p_value"][i]), *cells[1:])))
    unit = f"HR ({100 * level:g}% CI)"
    columns = (
        Column("Term", "left"), Column("With frailty", unit=unit), Column("p", unit="Wald"),
        Column("Without frailty", unit=unit),
        Column(f"Stratified by {_label(request).lower()}", unit=unit),
    )  # fmt: skip
    notes = (
        "With frailty and stratified: within a group. Their limits take the frailty's variance as "
        "known, or need none.",
    )
    caption = f"{endpoint.abbreviation}: hazard ratios with and without a frailty"
    return Table(columns, tuple(rows), caption, notes)


def _caterpillar(
    context: Context, request: FrailtyRequest, endpoint: Endpoint, fit: FrailtyResult, name: str
) -> FigureBlock:
    """Draw the frailties in ascending order."""
    table = fit.frailty_table().select(
        pl.col("group").alias("label"), "n", "events", pl.col("hazard_ratio").alias("estimate"),
        "lower", "upper",
    )  # fmt: skip
    figure = caterpillar_figure(
        table.with_columns(pl.col(pl.Float64).fill_nan(None)), name=f"{name}-caterpillar",
        title="", label_heading=_label(request), simulated=context.simulated,
        estimate_heading=f"HR ({100 * context.settings.level:g}% CI)",
        note="Shrunken towards 1; adjusted for the model's covariates. Not a ranking.",
    )  # fmt: skip
    caption = (
        f"{endpoint.abbreviation}: frailty of each group against the average one, in ascending "
        "order. Limits take the variance as known."
    )
    return FigureBlock(figure, caption)
