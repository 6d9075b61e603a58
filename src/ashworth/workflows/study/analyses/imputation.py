"""The multivariable model with missing covariates imputed, beside complete cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.evidence import Imputed, RubinResult, impute, rubin
from ashworth.figures import forest_figure
from ashworth.reports import Callout, Column, FigureBlock, GroupHeader, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import count, number, p_value, percent, ratio_limits
from ashworth.survival import cox
from ashworth.workflows.study.analyses.context import Context, Rows, covariate_matrix
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import left_out, noted, remarks, sizes
from ashworth.workflows.study.analysis_settings import ImputationRequest
from ashworth.workflows.study.coding import Coding, level_texts
from ashworth.workflows.study.methods import stratified_words

TITLE = "Missing covariates imputed"
METHODS = (
    "Missing covariates were imputed by chained equations (White and Royston 2009): numbers by "
    "predictive mean matching, factors by multinomial regression. Predictors were the marker's "
    "group, the strata, the other covariates, the event indicator, the Nelson-Aalen cumulative "
    "hazard and its products with the covariates. The multivariable model was fitted to each "
    "imputed data set and the results combined by Rubin's rules with the degrees of freedom of "
    "Barnard and Rubin. This assumes that values are missing at random given the covariates and "
    "the outcome."
)
MARKER = "marker"


@dataclass(frozen=True, slots=True)
class _Models:
    """Complete cases and imputed data."""

    terms: list[str]
    complete: Any
    joint: RubinResult | None
    imputed: Imputed
    notes: list[str]


def run(context: Context, request: ImputationRequest, anchor: str) -> AnalysisResult:
    """Fit the multivariable model on imputed data."""
    if not context.codings:
        raise EstimationError("no covariates to impute: name them under adjust in study.toml")
    found: dict[str, list[pl.DataFrame]] = {}

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, tables = _endpoint(context, request, endpoint, name)
        for key, table in tables.items():
            found.setdefault(key, []).append(table)
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    return AnalysisResult(TITLE, blocks, {k: pl.concat(v) for k, v in found.items()}, METHODS)


def _endpoint(
    context: Context, request: ImputationRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], dict[str, pl.DataFrame]]:
    """One endpoint: missing counts, both models, forest."""
    rows = context.rows(endpoint, context.timepoint(request).name)
    _, _, complete = covariate_matrix(rows, context.codings)
    if complete.all():
        text = (
            f"{endpoint.abbreviation}: no covariate is missing in {sizes(rows.n, rows.n_events)}; "
            "the multivariable model stands as it is."
        )
        return [Callout("note", text)], {}
    models = _fit(context, request, rows)
    missing = _missing_rows(endpoint, models.imputed, context)
    tables = {"missing": missing, "models": _model_rows(endpoint, models, context)}
    blocks: list[Block] = [
        Paragraph(_text(context, request, endpoint, rows, models)),
        _missing_table(endpoint, missing), _model_table(context, endpoint, tables["models"]),
    ]  # fmt: skip
    if models.joint is not None:
        blocks.append(_forest(context, endpoint, tables["models"], name))
    return [*blocks, *remarks(models.notes)], tables


def _raw(rows: Rows, codings: list[Coding]) -> pl.DataFrame:
    """Covariates before coding: numbers as they are, factors as the text of their levels."""
    columns = [
        level_texts(rows.patients, c.column).alias(c.column) if c.kind == "factor"
        else rows.patients[c.column].cast(pl.Float64)
        for c in codings
    ]  # fmt: skip
    group = pl.Series("_group", [str(g) for g in rows.group])
    return pl.DataFrame([*columns, group])


def _fit(context: Context, request: ImputationRequest, rows: Rows) -> _Models:
    """Complete cases, imputation, the model on each imputed data set, Rubin's rules."""
    codings = list(context.codings)
    z, names, complete = covariate_matrix(rows, codings)
    terms = [MARKER, *names]
    notes: list[str] = []
    try:
        alone, notes = _cox(context, rows.take(complete), z[complete], terms)
    except EstimationError as error:
        alone, notes = None, [f"complete cases: {error}"]
    imputed = impute(
        _raw(rows, codings), rows.time, rows.event, entry=rows.entry, strata=rows.strata,
        m=request.imputations, seed=request.seed,
    )  # fmt: skip
    fits = []
    for frame in imputed.frames:
        filled = np.column_stack([c.values(frame) for c in codings])
        fit, more = _cox(context, rows, filled, terms)
        fits.append(fit)
        notes += more
    joint = None
    usable = np.all([np.isfinite(f.coefficients) for f in fits], axis=0)
    if usable.any():
        kept = np.flatnonzero(usable)
        joint = rubin(
            [f.coefficients[kept] for f in fits],
            [f.covariance[np.ix_(kept, kept)] for f in fits],
            names=[terms[i] for i in kept], n=rows.n_events, level=context.settings.level,
        )  # fmt: skip
    return _Models(terms, alone, joint, imputed, notes)


def _cox(context: Context, rows: Rows, z: Any, terms: list[str]) -> tuple[Any, list[str]]:
    x = np.column_stack([rows.high, z])
    return noted(
        cox, rows.time, rows.event, x, names=terms, entry=rows.entry, strata=rows.strata,
        ties=context.settings.ties,
    )  # fmt: skip


def _missing_rows(endpoint: Endpoint, imputed: Imputed, context: Context) -> pl.DataFrame:
    labels = {c.column: c.label for c in context.codings}
    table = imputed.table().filter(pl.col("column") != "_group")
    return table.select(
        pl.lit(endpoint.id).alias("endpoint"), "column",
        pl.col("column").replace_strict(labels, return_dtype=pl.String).alias("label"),
        "n", "missing", "missing_percent", "imputed_by",
    )  # fmt: skip


def _labels(context: Context) -> list[tuple[str, str]]:
    """Section and label of every term."""
    groups = context.results.groups
    found = [("Marker", f"{groups.high} against {groups.low}")]
    for c in context.codings:
        if c.kind == "number":
            found.append((c.label, c.number_label))
        else:
            against = (f"{c.label}: {level} against {c.levels[0]}" for level in c.levels[1:])
            found += [(c.label, words) for words in against]
    return found


def _model_rows(endpoint: Endpoint, models: _Models, context: Context) -> pl.DataFrame:
    """Terms of both models, one below the other."""
    level = context.settings.level
    alone = [] if models.complete is None else models.complete.table(level).to_dicts()
    joint = {} if models.joint is None else {
        r["term"]: r for r in models.joint.table().to_dicts()
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for i, (section, label) in enumerate(_labels(context)):
        head = {"endpoint": endpoint.id, "section": section, "label": label}
        if alone:
            r = alone[i]
            rows.append(head | {"model": "complete cases", "n": r["n"], "events": r["events"],
                                "hazard_ratio": r["hazard_ratio"], "lower": r["lower"],
                                "upper": r["upper"], "p_value": r["p_value"],
                                "fraction_missing": None})  # fmt: skip
        rows.append(head | _joint_row(joint.get(models.terms[i]), models.imputed))
    frame = pl.DataFrame(rows, infer_schema_length=None)
    floats = pl.col("hazard_ratio", "lower", "upper", "p_value", "fraction_missing")
    return frame.with_columns(floats.cast(pl.Float64).fill_nan(None))


def _joint_row(row: dict[str, Any] | None, imputed: Imputed) -> dict[str, Any]:
    head = {"model": "imputed", "n": imputed.n, "events": imputed.events}
    if row is None:
        empty = ("hazard_ratio", "lower", "upper", "p_value", "fraction_missing")
        return head | dict.fromkeys(empty, None)
    pairs = (("hazard_ratio", "estimate"), ("lower", "lower"), ("upper", "upper"))
    ratios = {name: float(np.exp(row[column])) for name, column in pairs}
    return head | ratios | {"p_value": row["p_value"], "fraction_missing": row["fraction_missing"]}


def _text(
    context: Context, request: ImputationRequest, endpoint: Endpoint, rows: Rows, models: _Models
) -> str:
    imputed = models.imputed
    incomplete = imputed.n - imputed.complete
    parts = [
        f"{endpoint.abbreviation}: {sizes(rows.n, rows.n_events)}; {incomplete:,} "
        f"({percent(incomplete / imputed.n)}%) lack a covariate and stand only in the imputed "
        f"model. {request.imputations} imputations, seed {request.seed}."
    ]
    if models.joint is not None and models.joint.names[0] == MARKER:
        row = models.joint.table().row(0, named=True)
        words = ratio_limits(*(float(np.exp(row[c])) for c in ("estimate", "lower", "upper")))
        parts.append(
            f"Hazard ratio of {context.results.groups.high} against {context.results.groups.low}, "
            f"adjusted, imputed: {words}; fraction of missing information "
            f"{percent(row['fraction_missing'])}%."
        )
    if incomplete > imputed.n * request.imputations / 100:
        parts.append(
            "More imputations than the percentage of incomplete patients are commonly advised."
        )
    words = stratified_words(context.settings)
    if words:
        parts.append(f"All models are {words}.")
    return " ".join(p for p in (*parts, left_out(rows.analysis)) if p)


def _missing_table(endpoint: Endpoint, missing: pl.DataFrame) -> Table:
    rows = tuple(
        Row((r["label"], count(r["missing"]), number(r["missing_percent"], 1),
             r["imputed_by"] if r["missing"] else "complete"))
        for r in missing.to_dicts()
    )  # fmt: skip
    columns = (
        Column("Covariate", "left"), Column("Missing"), Column("Missing", "decimal", "%"),
        Column("Imputed by", "left"),
    )  # fmt: skip
    n = int(missing["n"][0])
    return Table(columns, rows, f"{endpoint.abbreviation}: missing values of {n:,} patients.")


def _model_table(context: Context, endpoint: Endpoint, models: pl.DataFrame) -> Table:
    rows: list[Row | GroupHeader] = []
    for (_, label), part in models.group_by("section", "label", maintain_order=True):
        rows.append(GroupHeader(str(label)))
        for r in part.to_dicts():
            rows.append(
                Row((str(r["model"]).capitalize(), count(r["n"]), count(r["events"]),
                     ratio_limits(r["hazard_ratio"], r["lower"], r["upper"]),
                     p_value(r["p_value"]), percent(r["fraction_missing"])), indent=1)
            )  # fmt: skip
    level = f"{100 * context.settings.level:g}% CI"
    columns = (
        Column("Multivariable model", "left"), Column("n"), Column("Events"),
        Column("Hazard ratio", "decimal", level), Column("p", "decimal"),
        Column("Missing information", "decimal", "%"),
    )  # fmt: skip
    return Table(columns, tuple(rows), f"{endpoint.abbreviation}: complete cases and imputed data.")


def _capitals(column: str) -> pl.Expr:
    """Text with a capital letter at its start."""
    return pl.col(column).str.head(1).str.to_uppercase() + pl.col(column).str.slice(1)


def _forest(context: Context, endpoint: Endpoint, models: pl.DataFrame, name: str) -> FigureBlock:
    rows = models.select(
        pl.col("label").alias("section"), _capitals("model").alias("label"), "n",
        "events", pl.col("hazard_ratio").alias("estimate"), "lower", "upper", "p_value",
        pl.lit(value=False).alias("is_reference"),
    )  # fmt: skip
    figure = forest_figure(
        rows, name=f"{name}-forest", title="", simulated=context.simulated,
        estimate_heading=f"HR ({100 * context.settings.level:g}% CI)",
    )  # fmt: skip
    caption = f"{endpoint.abbreviation}: multivariable model on complete cases and on imputed data."
    return FigureBlock(figure, caption)
