"""Differences of survival at milestones and of restricted means; weighted log-rank tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures.numbers import counted
from ashworth.reports import Column, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import number, p_value, ratio_limits
from ashworth.survival import (
    log_rank,
    max_combo,
    milestone_difference,
    restricted_mean_difference,
)
from ashworth.workflows.study.analyses.context import Context, Rows
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import left_out, noted, remarks, sizes, span
from ashworth.workflows.study.analysis_settings import MilestonesRequest

TITLE = "Milestones, restricted means and weighted tests"
TESTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Log-rank", "proportional hazards", {}),
    ("Peto-Prentice, G(1, 0)", "early differences", {"rho": 1.0}),
    ("Gehan-Breslow", "early differences", {"weighting": "gehan-breslow"}),
    ("Tarone-Ware", "early differences", {"weighting": "tarone-ware"}),
    ("Fleming-Harrington (0, 1)", "late differences", {"gamma": 1.0}),
    ("Fleming-Harrington (1, 1)", "differences in between", {"rho": 1.0, "gamma": 1.0}),
)


def run(context: Context, request: MilestonesRequest, anchor: str) -> AnalysisResult:
    """Compare groups at milestones, by restricted means and by weighted log-rank tests."""
    parts: dict[str, list[pl.DataFrame]] = {"differences": [], "restricted_means": [], "tests": []}

    def build(endpoint: Endpoint, _: str) -> list[Block]:
        blocks, tables = _endpoint(context, request, endpoint)
        for key, table in tables.items():
            parts[key].append(table.insert_column(0, pl.lit(endpoint.id).alias("endpoint")))
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    methods = (
        "Survival at milestones and restricted means were compared by differences with Greenwood's "
        "standard errors and normal limits, and by ratios on the log scale (Klein et al. 2007; Uno "
        "et al. 2014). Weighted log-rank tests have hypergeometric variances; the modestly "
        "weighted test (Magirr and Burman 2019) has its delay at "
        f"{span(min(request.at), context.settings.time_unit)}."
    )
    return AnalysisResult(TITLE, blocks, {k: pl.concat(v) for k, v in parts.items() if v}, methods)


def _endpoint(
    context: Context, request: MilestonesRequest, endpoint: Endpoint
) -> tuple[list[Block], dict[str, pl.DataFrame]]:
    """One endpoint: text, three tables, remarks."""
    rows = context.rows(endpoint, context.timepoint(request).name)
    labels = [g for g in context.results.groups.labels if (rows.group == g).any()]
    if len(labels) < 2 or not rows.n_events:
        raise EstimationError(
            f"{endpoint.abbreviation}: "
            + ("no events" if len(labels) > 1 else "only one marker group has patients")
        )
    blocks: list[Block] = [Paragraph(_text(context, endpoint, rows, labels[0]))]
    tables: dict[str, pl.DataFrame] = {}
    notes: list[str] = []
    found = [
        _attempt(context, rows, labels[0], milestone_difference, at, notes)
        for at in sorted(set(request.at))
    ]
    milestones = [m.table() for m in found if m is not None]
    if milestones:
        tables["differences"] = pl.concat(milestones)
        blocks.append(_milestone_table(context, endpoint, tables["differences"]))
    horizon = request.restricted_mean_at or context.settings.restricted_mean_at
    if horizon is not None:
        means = _attempt(context, rows, labels[0], restricted_mean_difference, horizon, notes)
        if means is not None:
            tables["restricted_means"] = means.table()
            blocks.append(_mean_table(context, endpoint, tables["restricted_means"]))
    tables["tests"] = _tests(context, request, rows, notes)
    blocks.append(_test_table(context, endpoint, tables["tests"]))
    return [*blocks, *remarks(notes)], tables


def _text(context: Context, endpoint: Endpoint, rows: Rows, reference: str) -> str:
    """Numbers, and what the comparison is not."""
    text = (
        f"{endpoint.abbreviation}: {sizes(rows.n, rows.n_events)}; reference "
        f"{reference}. Not adjusted for covariates"
    )
    strata = context.settings.stratify
    if strata:
        text += f"; the tests are stratified by {' and '.join(strata)}, the differences are not"
    competing = int((rows.event_code > 1).sum())
    if competing:
        text += (
            f". {counted(competing, 'patient')} had a competing event first, where follow-up ends; "
            "survival and means are not those of being free of both"
        )
    return f"{text}. {left_out(rows.analysis)}".strip()


def _attempt(
    context: Context, rows: Rows, reference: str, estimate: Any, at: float, notes: list[str]
) -> Any:
    """Compare at one time; None, with a remark, where follow-up is too short."""
    try:
        found, said = noted(
            estimate, context.in_unit(rows.time), rows.event, rows.group, at, reference=reference,
            entry=None if rows.entry is None else context.in_unit(rows.entry),
            level=context.settings.level,
        )  # fmt: skip
    except EstimationError as error:
        notes.append(f"Not estimated: {error}")
        return None
    notes += said
    return found


def _tests(
    context: Context, request: MilestonesRequest, rows: Rows, notes: list[str]
) -> pl.DataFrame:
    """All weighted tests of one endpoint."""
    delay = min(request.at)
    unit = context.settings.time_unit
    weights: dict[str, Any] = {"weighting": "modestly-weighted", "delay": context.days(delay)}
    modest = ("Modestly weighted", f"late differences, delay {span(delay, unit)}", weights)
    out = []
    for title, looks_for, options in (*TESTS, modest):
        try:
            test = log_rank(
                rows.time, rows.event, rows.group, entry=rows.entry, strata=rows.strata, **options
            )
        except EstimationError as error:
            notes.append(f"{title}: {error}")
            continue
        out.append((title, looks_for, test.statistic, test.df, test.p_value))
    if len(set(rows.group.tolist())) == 2:
        out += _largest(rows, notes)
    names = ["test", "looks_for", "chi_square", "df", "p_value"]
    types = [pl.String, pl.String, pl.Float64, pl.Int64, pl.Float64]
    return pl.DataFrame(out, schema=dict(zip(names, types, strict=True)), orient="row")


def _largest(rows: Rows, notes: list[str]) -> list[tuple[Any, ...]]:
    """The MaxCombo test as a row: square of the largest test, no degrees of freedom."""
    try:
        test = max_combo(rows.time, rows.event, rows.group, entry=rows.entry, strata=rows.strata)
    except EstimationError as error:
        notes.append(f"MaxCombo: {error}")
        return []
    return [("MaxCombo", "the largest of four tests", test.statistic**2, None, test.p_value)]


def _known(value: float | None) -> bool:
    return value is not None and bool(np.isfinite(value))


def _limits(row: dict[str, Any], factor: float, decimals: int) -> str:
    """Difference with its limits, or a dash for what is not known."""
    if not _known(row["lower"]):
        return f"{number(factor * row['difference'], decimals)} (–)"
    parts = (number(factor * row[k], decimals) for k in ("difference", "lower", "upper"))
    return "{} ({} to {})".format(*parts)


def _milestone_table(context: Context, endpoint: Endpoint, table: pl.DataFrame) -> Table:
    """Milestones under milestones."""
    unit, level = context.settings.time_unit, f"{100 * context.settings.level:g}% CI"
    rows = [
        Row((span(r["at"], unit), r["group"], number(100 * r["survival"]),
             number(100 * r["survival_reference"]), _limits(r, 100, 1), p_value(r["p_value"]),
             ratio_limits(r["ratio"], r["ratio_lower"], r["ratio_upper"])))
        for r in table.iter_rows(named=True)
    ]  # fmt: skip
    return Table(
        (Column("At", "left"), Column("Group", "left"), Column("Survival", "right", "%"),
         Column("Reference", "right", "%"),
         Column("Difference", "right", f"percentage points ({level})"), Column("p", "decimal"),
         Column("Ratio", "right", level)),
        tuple(rows),
        f"{endpoint.abbreviation} at milestones, against {table['reference'][0]}.",
        ("Limits and p of the difference by Greenwood's standard errors.",),
    )  # fmt: skip


def _mean_table(context: Context, endpoint: Endpoint, table: pl.DataFrame) -> Table:
    """Restricted means, one row per group."""
    unit, level = context.settings.time_unit, f"{100 * context.settings.level:g}% CI"
    rows = [
        Row((r["group"], number(r["mean"], 2), number(r["mean_reference"], 2), _limits(r, 1, 2),
             p_value(r["p_value"]), ratio_limits(r["ratio"], r["ratio_lower"], r["ratio_upper"]),
             ratio_limits(r["lost_ratio"], r["lost_lower"], r["lost_upper"])))
        for r in table.iter_rows(named=True)
    ]  # fmt: skip
    return Table(
        (Column("Group", "left"), Column("Mean", "right", unit), Column("Reference", "right", unit),
         Column("Difference", "right", f"{unit} ({level})"), Column("p", "decimal"),
         Column("Ratio", "right", level), Column("Ratio of time lost", "right", level)),
        tuple(rows),
        f"{endpoint.abbreviation}: mean event-free time up to {span(table['tau'][0], unit)}, "
        f"against {table['reference'][0]}.",
    )  # fmt: skip


def _test_table(context: Context, endpoint: Endpoint, table: pl.DataFrame) -> Table:
    """Tests with the warning that belongs to a list of tests."""
    rows = [
        Row((r["test"], r["looks_for"], number(r["chi_square"], 2),
             "" if r["df"] is None else str(r["df"]), p_value(r["p_value"])))
        for r in table.iter_rows(named=True)
    ]  # fmt: skip
    notes = [
        "Only a test that was named before the data were seen has a valid p-value; the smallest of "
        "this list has none."
    ]
    if "MaxCombo" in table["test"]:
        notes.append(
            "MaxCombo: the largest of the Fleming-Harrington tests (0, 0), (0, 1), (1, 0) and "
            "(1, 1), with a p-value that allows for the choice."
        )
    return Table(
        (Column("Test", "left"), Column("Looks for", "left"), Column("Chi-square", "decimal"),
         Column("df"), Column("p", "decimal")),
        tuple(rows), f"{endpoint.abbreviation}: weighted log-rank tests.", tuple(notes),
    )  # fmt: skip
