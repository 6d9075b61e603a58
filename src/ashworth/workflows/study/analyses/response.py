"""Response by count before therapy, by dynamics class, and before imaging knew."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl

from ashworth.enumeration import (
    ResponseByCategory,
    response_by_category,
    response_by_dynamics,
    response_model,
)
from ashworth.errors import AshworthWarning, EstimationError, InputError, Problem
from ashworth.figures import forest_figure, positivity_figure
from ashworth.figures.numbers import counted
from ashworth.reports import Callout, Column, FigureBlock, GroupHeader, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import count, p_words, percent_limits
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.imaging_lead import before_imaging, best_responses
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.terms import term_labels
from ashworth.workflows.study.analyses.words import noted, remarks
from ashworth.workflows.study.analysis_settings import ResponseRequest
from ashworth.workflows.study.coding import LABELS, level_texts

TITLE = "Response by count"
METHODS = (
    "Response by count category: Wilson limits; Cochran-Armitage test for trend over the "
    "categories' ranks, also exact given the margins. Model: logistic regression of the response "
    "on log(count + 1), profile-likelihood limits."
)
BEST, BENEFIT = "Objective response (imaging)", "Clinical benefit (imaging)"
NAMED = {"positive", "yes", "true", "1", "pcr", "response", "responder"}


def run(context: Context, request: ResponseRequest, anchor: str) -> AnalysisResult:
    """Response by category, logistic model, by dynamics class, and before imaging."""
    label, frame = _responses(context, request)
    point = context.timepoint(request)
    counts = context.counts(point.name).filter(pl.col("status") != "not_assessable")
    known = (
        counts.filter(pl.col("n_cells").is_not_null())
        .select("patient_id", "n_cells", "denominator")
        .join(frame, on="patient_id", how="inner", maintain_order="left")
    )
    if not known.height:
        raise EstimationError(f"no patient has both a count and a known {label.lower()}")
    found = _by_category(context, known)
    blocks: list[Block] = [
        Paragraph(_text(context, label, found, known, frame, point.title)),
        _shares(context, label, found, anchor, point.title),
    ]
    tables = {"by_count": _plain(found.table()), "tests": _plain(found.test_table())}
    for part in (_model, _dynamics):
        more, more_tables = part(context, request, label, known, frame, anchor)
        blocks += more
        tables |= more_tables
    lead, lead_tables = before_imaging(context)
    return AnalysisResult(f"{label} by count", (*blocks, *lead), tables | lead_tables, METHODS)


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _responses(context: Context, request: ResponseRequest) -> tuple[str, pl.DataFrame]:
    """Label of the response, and patient_id with response (0 or 1) where it is known."""
    patients = context.results.patients
    if request.response == "pcr" and "pcr" not in patients.columns:
        return "Pathological complete response", _complete_responses(context)
    context.code((request.response,), "response")
    texts = level_texts(patients, request.response)
    levels = texts.drop_nulls().unique().sort().to_list()
    yes = _responding(context, request, levels)
    frame = patients.select("patient_id").with_columns((texts == yes).cast(pl.Int64).alias("y"))
    known = frame.filter(pl.col("y").is_not_null()).sort("patient_id")
    declared = context.settings.covariates.get(request.response)
    label = declared.label if declared is not None and declared.label else None
    fallback = request.response.replace("_", " ")
    fallback = fallback[:1].upper() + fallback[1:]
    return label or LABELS.get(request.response, fallback), known


def _complete_responses(context: Context) -> pl.DataFrame:
    """The pathologists' answers among the outcomes: the first of each patient."""
    outcomes = context.tables.get("outcomes")
    schema = {"patient_id": pl.String, "y": pl.Int64}
    if outcomes is None:
        return pl.DataFrame(schema=schema)
    answers = outcomes.filter(pl.col("kind").is_in(["pcr", "no_pcr"])).sort("patient_id", "day")
    first = answers.unique("patient_id", keep="first", maintain_order=True)
    return first.select("patient_id", (pl.col("kind") == "pcr").cast(pl.Int64).alias("y"))


def _responding(context: Context, request: ResponseRequest, levels: list[str]) -> str:
    """The level that means response: the second of the declared categories, or one named so."""
    declared = context.settings.covariates.get(request.response)
    if declared is not None and declared.categories and len(declared.categories) == 2:
        return declared.categories[1]
    named = [v for v in levels if v.lower() in NAMED]
    if len(levels) <= 2 and len(named) == 1:
        return named[0]
    problem = Problem(
        "study.toml", None, "analyses.response",
        f"'{request.response}' with {', '.join(levels[:5])}",
        "a boolean column, or one with two categories: first no response, then response",
        f"give two categories in that order under [covariates.{request.response}]",
    )  # fmt: skip
    raise InputError([problem], subject="study.toml")


def _by_category(context: Context, known: pl.DataFrame) -> ResponseByCategory:
    """Counts in the rule's levels, or 0, 1, 2, 3-4, 5 and more."""
    rule = context.results.rule
    bounds = (0, 1, 2, 3, 5)
    if rule is not None and rule.levels:
        bounds = tuple(int(level.at_least) for level in rule.levels)
    return response_by_category(
        known["n_cells"], known["y"], bounds=bounds, level=context.settings.level
    )


def _text(
    context: Context, label: str, found: ResponseByCategory, known: pl.DataFrame,
    frame: pl.DataFrame, title: str,
) -> str:  # fmt: skip
    """Sizes, trend, who was left out."""
    n, x = int(found.n.sum()), int(found.n_responders.sum())
    total = context.results.patients.height
    share = percent_limits(x / n, *_limits(x, n, context.settings.level))
    words = [
        f"{label}: {counted(n, 'patient')} with a count at {title.lower()}, of whom {x:,} "
        f"responded, {share}. Trend over count categories: Cochran-Armitage "
        f"{p_words(_known(found.trend.p_value))}, exact "
        f"{p_words(_known(found.trend.exact_p_value))}."
    ]
    unknown, uncounted = total - frame.height, frame.height - known.height
    if unknown or uncounted:
        words.append(
            f"Of {total:,} patients {unknown:,} are left out for an unknown response and "
            f"{uncounted:,} for no assessable count."
        )
    amounts = known["denominator"].unique()
    if amounts.len() > 1:
        words.append("Counts are those of the amounts analysed, which differ between patients.")
    return " ".join(words)


def _limits(x: int, n: int, level: float) -> tuple[float, float]:
    from ashworth.enumeration import proportion_interval

    limits = proportion_interval(x, n, method="wilson", level=level)
    return float(limits.lower), float(limits.upper)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _shares(
    context: Context, label: str, found: ResponseByCategory, anchor: str, title: str
) -> FigureBlock:
    """Shares of responders with limits."""
    cell = context.results.groups.name
    rows = _plain(found.table()).select(
        pl.concat_str(
            pl.col("category").str.replace(">=", "≥ ").str.replace("-", "–"), pl.lit(f" {cell}")
        ).alias("timepoint"),
        pl.col("n_responders").alias("n_positive"), "n", "proportion", "lower", "upper",
    )  # fmt: skip
    figure = positivity_figure(
        rows, name=f"{anchor}-by-count", title="", x_title=f"{label} (%)",
        row_title="Count", count_title="Responders / patients",
        note="Wilson limits.", simulated=context.simulated,
    )  # fmt: skip
    caption = (
        f"{label} by {cell} at {title.lower()}. Trend: {p_words(_known(found.trend.p_value))}; any "
        f"difference: Fisher's exact test {p_words(_known(found.fisher_p_value))}."
    )
    return FigureBlock(figure, caption)


Part = tuple[list[Block], dict[str, pl.DataFrame]]


def _model(
    context: Context, request: ResponseRequest, label: str, known: pl.DataFrame,
    frame: pl.DataFrame, anchor: str,
) -> Part:  # fmt: skip
    """Logistic model with log(count + 1), and with the covariates if asked."""
    patients = known.select("patient_id").join(
        context.results.patients, on="patient_id", how="left", maintain_order="left"
    )
    codings = [c for c in context.codings if c.column != request.response]
    codings = codings if request.adjusted else []
    columns = [np.log1p(known["n_cells"].to_numpy().astype(float))[:, None]]
    columns += [c.values(patients) for c in codings]
    x = np.column_stack(columns)
    cell = context.results.groups.name
    labels = [f"ln({cell} + 1), per unit", *(t for c in codings for t in term_labels(c))]
    complete = ~np.isnan(x).any(axis=1)
    try:
        fit, notes = noted(
            response_model, known["y"].to_numpy()[complete], x[complete], names=labels,
            level=context.settings.level,
        )  # fmt: skip
    except (EstimationError, InputError) as error:
        return [Callout("caution", f"Logistic model not estimated: {error}.")], {}
    table = _plain(fit.table())
    rows = table.filter(pl.col("term") != "intercept").select(
        pl.lit("").alias("section"), pl.col("term").alias("label"), "n",
        pl.col("n_responders").alias("events"), pl.col("odds_ratio").alias("estimate"), "lower",
        "upper", "p_value", pl.lit(value=False).alias("is_reference"),
    )  # fmt: skip
    figure = forest_figure(
        rows, name=f"{anchor}-model", title="", estimate_title="Odds ratio",
        estimate_heading=f"OR ({100 * context.settings.level:g}% CI)", simulated=context.simulated,
        note="Events: responders. Limits by the profile likelihood; p by Wald's test.",
    )  # fmt: skip
    out = int((~complete).sum())
    text = f"Logistic model of {label.lower()}: {counted(fit.n, 'patient')}, "
    text += f"{counted(fit.n_responders, 'responder')}; likelihood-ratio test of all terms "
    text += f"{p_words(_known(fit.p_value))} (df {fit.df})."
    if out:
        text += f" {counted(out, 'patient')} left out for a missing covariate."
    blocks = [Paragraph(text), FigureBlock(figure, f"Odds ratios for {label.lower()}.")]
    return [*blocks, *remarks(notes)], {"model": table}


def _dynamics(
    context: Context, request: ResponseRequest, label: str, known: pl.DataFrame,
    frame: pl.DataFrame, anchor: str,
) -> Part:  # fmt: skip
    """Response and best response of the assessments by dynamics class."""
    marker, rule = context.results.marker, context.results.dynamics_rule
    if marker is None or marker.dynamics is None or rule is None:
        return [], {}
    classed = (
        marker.dynamics.filter(pl.col("dynamics_class").is_not_null())
        .select("patient_id", "dynamics_class")
        .join(frame, on="patient_id", how="left")
        .join(best_responses(context), on="patient_id", how="left")
        .sort("patient_id")
    )
    columns = {label: classed["y"], BEST: classed["response"], BENEFIT: classed["benefit"]}
    columns = {k: v for k, v in columns.items() if v.null_count() < v.len()}
    if not columns:
        return [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AshworthWarning)
        found = response_by_dynamics(
            classed["dynamics_class"], columns,
            order=[c.name for c in rule.classes], level=context.settings.level,
        )  # fmt: skip
    rows: list[Row | GroupHeader] = []
    for name in columns:
        test = found.tests.filter(pl.col("response") == name).row(0, named=True)
        words = p_words(_null(test["fisher_p_value"]))
        rows.append(GroupHeader(f"{name} (Fisher's exact test {words})"))
        rows += [
            _class_row(r)
            for r in found.table().filter(pl.col("response") == name).iter_rows(named=True)
        ]
    table = Table(
        (Column("Class", "left"), Column("Patients"), Column("Responders"),
         Column("Share", "right", f"{100 * context.settings.level:g}% CI"), Column("Unknown")),
        tuple(rows),
        f"Response by class of dynamics ({rule.title}).",
        ("Wilson limits. Only patients with two assessable draws have a class; a response known "
         "before the second draw is not foretold by it.",
         *(("Best response: complete or partial before progression. Clinical benefit: that, or no "
            "progression for 24 weeks.",) if len(columns) > 1 else ())),
    )  # fmt: skip
    return [table], {"by_dynamics": _plain(found.table())}


def _class_row(r: dict[str, Any]) -> Row:
    share = percent_limits(*(_null(r[k]) for k in ("proportion", "lower", "upper")))
    cells = (count(r["n"]), count(r["n_with"]), share, count(r["n_missing"]))
    return Row((r["dynamics_class"], *cells), indent=1)


def _null(value: Any) -> float | None:
    return None if value is None or np.isnan(value) else float(value)
