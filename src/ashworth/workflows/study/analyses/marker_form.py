"""The marker as a continuous count against its cut-off."""

from __future__ import annotations

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures import marker_form_figure
from ashworth.reports import Column, FigureBlock, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import number, p_value, p_words
from ashworth.survival import MarkerForms, compare_marker_forms
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.marker_value import MarkerRows, marker_cut, marker_rows
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import noted, remarks
from ashworth.workflows.study.analysis_settings import MarkerFormRequest

TITLE = "The count against its cut-off"
LABELS = {
    "cut": "Cut-off",
    "log": "log(1 + count)",
    "spline": "Spline of log(1 + count)",
    "cut and spline": "Cut-off and spline",
    "cut and log": "Cut-off and log(1 + count)",
}


def run(context: Context, request: MarkerFormRequest, anchor: str) -> AnalysisResult:
    """Fit all forms of the marker on the same patients."""
    forms: list[pl.DataFrame] = []
    curves: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        data = marker_rows(context, request, endpoint)
        found, notes = noted(_compare, context, request, data)
        of = pl.lit(endpoint.id).alias("endpoint")
        forms.append(found.table().insert_column(0, of))
        curves.append(found.curve_table().insert_column(0, of))
        return [
            Paragraph(data.words), _table(context, endpoint, found, data),
            Paragraph(_words(found)), _figure(context, endpoint, found, data, name),
            *remarks(notes),
        ]  # fmt: skip

    blocks = context.each_endpoint(request, anchor, build)
    tables = {"forms": pl.concat(forms), "curve": pl.concat(curves)} if forms else {}
    return AnalysisResult(TITLE, blocks, tables, _methods(request))


def _methods(request: MarkerFormRequest) -> str:
    return (
        "The marker was entered into Cox models on the same patients as cut-off, as log(1 + count) "
        f"and as a restricted cubic spline of it with {request.knots} knots at fixed quantiles "
        "(Harrell 2015), beside the adjusting covariates. Adequacy is the share of the chi-square "
        "of all forms together that a form reaches: what is missing to 1 is lost by it."
    )


def _compare(context: Context, request: MarkerFormRequest, data: MarkerRows) -> MarkerForms:
    rows = data.rows
    if (rows.value < 0).any():
        raise EstimationError("the marker has negative values; it is no count")
    return compare_marker_forms(
        context.in_unit(rows.time), rows.event, rows.value, marker_cut(context, rows),
        covariates=data.covariates if data.names else None, names=data.names or None,
        entry=None if rows.entry is None else context.in_unit(rows.entry), strata=rows.strata,
        n_knots=request.knots, ties=context.settings.ties, level=context.settings.level,
    )  # fmt: skip


def _table(context: Context, endpoint: Endpoint, found: MarkerForms, data: MarkerRows) -> Table:
    rows = [
        Row((LABELS[f.name], number(f.chi_square, 2), str(f.df), p_value(f.p_value),
             number(f.adequacy, 3), number(f.aic, 1), number(f.concordance, 3)))
        for f in found.forms.values()
    ]  # fmt: skip
    beside = f"Beside {', '.join(data.labels)}. " if data.names else "Without other covariates. "
    base = next(iter(found.forms.values())).base_concordance
    return Table(
        (Column("Form", "left"), Column("Chi-square", "decimal"), Column("df"), Column("p"),
         Column("Adequacy", "decimal"), Column("AIC", "decimal"), Column("C", "decimal")),
        tuple(rows),
        f"{endpoint.abbreviation}: the marker as cut-off ({context.results.groups.high}) and as a "
        f"count, {found.n:,} patients, {found.events:,} events.",
        (f"{beside}Chi-square and df: of the marker in this form. C: apparent, of the whole model"
         + (f"; {number(base, 3)} without the marker." if data.names else "."),),
    )  # fmt: skip


def _words(found: MarkerForms) -> str:
    """What the cut-off loses, and whether the log is enough."""
    bent, beyond, step = (
        found.tests[k] for k in ("nonlinearity", "curve beyond cut", "cut beyond curve")
    )
    lost = 1.0 - found["cut"].adequacy
    share = f"{100 * lost:.0f}%" if np.isfinite(lost) else "an unknown share"
    text = (
        f"The cut-off at {found.cut:g} loses {share} of the marker's chi-square. Added by the "
        f"count to the cut-off: {_test(beyond)}. Added by the cut-off to the count: {_test(step)}."
    )
    if bent.df:
        text += f" Nonlinearity of log(1 + count): {_test(bent)}."
        knots = ", ".join(f"{k:.3g}" for k in found.knots)
        text += f" Knots of the spline at counts of {knots} ({found.knots_by})."
    else:
        text += " Too few distinct counts for a spline; the curve is that of log(1 + count)."
    return text


def _test(test: object) -> str:
    statistic, df, p = (getattr(test, k) for k in ("statistic", "df", "p_value"))
    return f"chi-square {number(statistic, 2)}, df {df}, {p_words(p)}" if df else "not testable"


def _figure(
    context: Context, endpoint: Endpoint, found: MarkerForms, data: MarkerRows, name: str
) -> FigureBlock:
    groups = context.results.groups
    curve = found.curve_table().select(
        "count", hazard_ratio=pl.col("log_hazard_ratio").exp(), lower=pl.col("lower").exp(),
        upper=pl.col("upper").exp(),
    )  # fmt: skip
    values, n = np.unique(data.rows.value, return_counts=True)
    smooth = found.knots.size > 0
    figure = marker_form_figure(
        curve, pl.DataFrame({"count": values, "n": n}), name=f"{name}-form", title="",
        cut=found.cut, cut_ratio=float(found["cut"].fit.hazard_ratios[0]),
        cut_label=f"{groups.high} against {groups.low}",
        curve_label="spline of log(1 + count)" if smooth else "log(1 + count)",
        x_title=f"{groups.name} (cells)" if context.results.marker else groups.name,
        reference=found.reference, simulated=context.simulated,
    )  # fmt: skip
    caption = (
        f"{endpoint.title}: hazard ratio over the count against a count of {found.reference:g}, "
        f"with {100 * context.settings.level:g}% limits; the step is the hazard ratio of the "
        f"cut-off against all below it. {found.n:,} patients, {found.events:,} events."
    )
    return FigureBlock(figure, caption)
