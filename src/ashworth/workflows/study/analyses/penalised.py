"""Few events: Cox with Wald and profile limits, and Firth's penalty, side by side."""

from __future__ import annotations

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.figures import forest_figure
from ashworth.figures.numbers import p_value, ratio
from ashworth.reports import Column, FigureBlock, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.survival import CoxResult, FirthResult, ProfileLimits, cox, firth_cox, profile_limits
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.terms import Model, adjusted_model, missing_words
from ashworth.workflows.study.analyses.words import left_out, noted, remarks, sizes
from ashworth.workflows.study.analysis_settings import PenalisedRequest
from ashworth.workflows.study.methods import stratified_words

TITLE = "Few events: profile limits and Firth's penalty"
METHODS = (
    "Profile limits are where twice the log partial likelihood, all other coefficients free, has "
    "fallen by the chi-square quantile; an infinite coefficient has one finite limit. Firth's "
    "penalty adds half the log determinant of the information to the log partial likelihood "
    "(Heinze and Schemper, Biometrics 2001;57:114); its limits and tests are those of the "
    "penalised likelihood."
)
WAYS = ("Cox, Wald limits", "Cox, profile limits", "Firth, profile limits")


def run(context: Context, request: PenalisedRequest, anchor: str) -> AnalysisResult:
    """Fit the adjusted model three ways for each endpoint."""
    tables: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, table = _endpoint(context, request, endpoint, name)
        tables.append(table)
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    found = {"hazard_ratios": pl.concat(tables)} if tables else {}
    return AnalysisResult(TITLE, blocks, found, METHODS)


def _endpoint(
    context: Context, request: PenalisedRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], pl.DataFrame]:
    """One endpoint: text, forest, table, remarks."""
    rows = context.rows(endpoint, context.timepoint(request).name)
    model = adjusted_model(context, rows, context.codings)
    level, kept = context.settings.level, model.rows
    options = {"entry": kept.entry, "strata": kept.strata, "ties": context.settings.ties}
    data = (context.in_unit(kept.time), kept.event, model.matrix)
    if kept.entry is not None:
        options["entry"] = context.in_unit(kept.entry)
    fit, notes = noted(cox, *data, names=model.labels, **options)
    profile, more = noted(profile_limits, fit, level)
    firth, again = noted(firth_cox, *data, names=model.labels, level=level, **options)
    table = _rows(endpoint, level, fit, profile, firth)
    gone = left_out(rows.analysis)
    text = " ".join(p for p in (_text(endpoint, model, fit), missing_words(model), gone) if p)
    blocks: list[Block] = [
        Paragraph(text), _forest(context, endpoint, table, name), _table(context, endpoint, table),
        *remarks([*notes, *more, *again]),
    ]  # fmt: skip
    return blocks, table


def _rows(
    endpoint: Endpoint, level: float, fit: CoxResult, profile: ProfileLimits, firth: FirthResult
) -> pl.DataFrame:
    """Three rows per term: endpoint, term, method, n, events, ratio, limits, p."""
    wald = fit.table(level)
    frames = [
        (WAYS[0], wald["hazard_ratio"], wald["lower"], wald["upper"], wald["p_value"]),
        (WAYS[1], wald["hazard_ratio"], np.exp(profile.lower), np.exp(profile.upper),
         profile.p_values),
        (WAYS[2], firth.hazard_ratios, np.exp(firth.lower), np.exp(firth.upper), firth.p_values),
    ]  # fmt: skip
    parts = [
        pl.DataFrame(
            {
                "term": list(fit.names), "method": [way] * len(fit.names),
                "estimate": np.asarray(estimate), "lower": np.asarray(lower),
                "upper": np.asarray(upper), "p_value": np.asarray(p),
                "place": range(len(fit.names)),
            }
        )
        for way, estimate, lower, upper, p in frames
    ]  # fmt: skip
    return (
        pl.concat(parts)
        .sort("place", maintain_order=True)
        .select(
            pl.lit(endpoint.id).alias("endpoint"), "term", "method",
            pl.lit(fit.n).alias("n"), pl.lit(fit.events).alias("events"),
            *(pl.col(c).fill_nan(None) for c in ("estimate", "lower", "upper", "p_value")),
        )
    )  # fmt: skip


def _forest(context: Context, endpoint: Endpoint, table: pl.DataFrame, name: str) -> FigureBlock:
    """Draw the three ways under each term."""
    settings = context.settings
    rows = table.select(
        pl.col("term").alias("section"), pl.col("method").alias("label"), "n", "events",
        "estimate", "lower", "upper", "p_value", pl.lit(value=False).alias("is_reference"),
    )  # fmt: skip
    figure = forest_figure(
        rows, name=f"{name}-forest", title="", simulated=context.simulated,
        estimate_heading=f"HR ({100 * settings.level:g}% CI)",
        note="p: Wald test; likelihood ratio test; penalised likelihood ratio test.",
    )  # fmt: skip
    words = stratified_words(settings)
    caption = f"{endpoint.abbreviation}: the adjusted model three ways"
    return FigureBlock(figure, f"{caption}; {words}." if words else f"{caption}.")


def _table(context: Context, endpoint: Endpoint, table: pl.DataFrame) -> Table:
    """Hazard ratios with limits, one row per term and way."""
    level = f"{100 * context.settings.level:g}% limits"
    rows = [
        Row((r["term"], r["method"], ratio(r["estimate"]), _limits(r), p_value(r["p_value"])))
        for r in table.iter_rows(named=True)
    ]
    columns = (
        Column("Term", "left"), Column("Way", "left"), Column("Hazard ratio", "decimal"),
        Column(level), Column("p"),
    )  # fmt: skip
    caption = f"{endpoint.abbreviation}: hazard ratios by three ways of estimation"
    return Table(columns, tuple(rows), caption)


def _limits(row: dict[str, float | None]) -> str:
    """Limits, an endless one as a sign."""
    lower, upper = row["lower"], row["upper"]
    if lower is None or upper is None:
        return "none"
    return f"{ratio(lower)} to {'∞' if np.isinf(upper) else ratio(upper)}"


def _text(endpoint: Endpoint, model: Model, fit: CoxResult) -> str:
    """Patients, events, events per term, and what to make of the differences."""
    share = fit.events / len(model.labels)
    advice = (
        "With fewer than 10 events per coefficient Wald's limits are doubtful; prefer profile "
        "limits or Firth's estimates."
        if share < 10
        else "Where the three agree, the plain model is good enough."
    )
    count = len(model.labels)
    return (
        f"{endpoint.abbreviation}: {sizes(fit.n, fit.events)}, {count} "
        f"coefficient{'' if count == 1 else 's'}, {share:.1f} events per coefficient. {advice}"
    )
