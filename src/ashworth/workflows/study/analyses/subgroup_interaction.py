"""The marker within subgroups, with the tests whether its effect differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint, Subtype, load_all
from ashworth.errors import EstimationError, InputError, Problem
from ashworth.figures import forest_figure
from ashworth.figures.numbers import counted
from ashworth.reports import Column, FigureBlock, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import count, number, p_value
from ashworth.survival import SubgroupEffects, classify_subtype, subgroup_effects
from ashworth.workflows.study.analyses.context import Context, Rows, covariate_matrix
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import left_out, noted, remarks, sizes
from ashworth.workflows.study.analysis_settings import SubgroupInteractionRequest
from ashworth.workflows.study.coding import level_texts
from ashworth.workflows.study.methods import stratified_words

TITLE = "Subgroups and their interaction with the marker"
CAUTION = (
    "That the marker tells more in one subgroup is shown by the interaction test, not by one "
    "significant and one insignificant subgroup. Subgroups are exploratory unless the protocol "
    "named them; the p-values are not corrected for the number of subgroups."
)


@dataclass(frozen=True, slots=True)
class Factor:
    """One grouping of patients: its key, its label, labels of levels in order."""

    key: str
    label: str
    levels: tuple[tuple[str, str], ...]


def run(context: Context, request: SubgroupInteractionRequest, anchor: str) -> AnalysisResult:
    """Effects within the levels of each factor, for each endpoint."""
    factors, patients = factors_of(context, request.by)
    effects: list[pl.DataFrame] = []
    tests: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, found = _endpoint(context, request, endpoint, name, factors, patients)
        head = pl.lit(endpoint.id).alias("endpoint")
        effects.append(_plain(found.table().select(head, pl.all())))
        tests.append(_plain(found.test_table().select(head, pl.all())))
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    tables = {"effects": pl.concat(effects), "tests": pl.concat(tests)} if effects else {}
    methods = (
        "Subgroups: one Cox model per factor, with an effect of the marker in each level and a "
        "main effect of the levels"
        + (", the covariates with one effect over all levels" if request.adjusted else "")
        + ". Interaction: likelihood-ratio test against one effect of the marker. Levels without "
        "events, or with one marker group, do not count."
    )
    return AnalysisResult(TITLE, blocks, tables, methods)


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def factors_of(context: Context, by: Sequence[str]) -> tuple[tuple[Factor, ...], pl.DataFrame]:
    """Factors by columns or by classifications (PADDY's subtypes), and each patient's levels.

    Returns
    -------
    factors : tuple of Factor
    patients : polars.DataFrame
        patient_id and one column of texts per factor, null where the level is not known.

    Raises
    ------
    InputError
        For a number, or a name that is neither a column with values nor a classification.
    """
    patients = context.results.patients
    subtypes = {s.id: s for s in load_all("subtype") if isinstance(s, Subtype)}
    columns = [c for c in by if c not in subtypes]
    codings = {c.column: c for c in context.code(columns, "by")}
    numbers = [c for c, coding in codings.items() if coding.kind == "number"]
    if numbers:
        raise InputError([_no_levels(c) for c in numbers], subject="study.toml")
    factors, out = [], patients.select("patient_id")
    for key in by:
        if key in codings:
            coding = codings[key]
            levels = tuple((level, level.replace("_", " ")) for level in coding.levels)
            factors.append(Factor(key, coding.label, levels))
            out = out.with_columns(level_texts(patients, key).alias(key))
        else:
            factors.append(_factor_of(subtypes[key]))
            out = out.join(_classes(patients, subtypes[key]), on="patient_id", how="left")
    return tuple(factors), out


def _no_levels(column: str) -> Problem:
    return Problem(
        "study.toml", None, "analyses.by", f"'{column}', which is a number",
        "columns with categories, or the id of a classification",
        f"add a column with classes, or give categories under [covariates.{column}]",
    )  # fmt: skip


def _factor_of(subtype: Subtype) -> Factor:
    return Factor(subtype.id, subtype.title, tuple((c.name, c.title) for c in subtype.classes))


def _classes(patients: pl.DataFrame, subtype: Subtype) -> pl.DataFrame:
    """Classes of a classification; unknown and none are null."""
    found = classify_subtype(patients, subtype).table()
    known = pl.when(pl.col("subtype") != "none").then(pl.col("subtype"))
    return found.select("patient_id", known.alias(subtype.id))


def _endpoint(
    context: Context, request: SubgroupInteractionRequest, endpoint: Endpoint, name: str,
    factors: Sequence[Factor], patients: pl.DataFrame,
) -> tuple[list[Block], SubgroupEffects]:  # fmt: skip
    """One endpoint: text, forest, tests, remarks."""
    whole = context.rows(endpoint, context.timepoint(request).name)
    z, names, complete = covariate_matrix(whole, context.codings)
    rows, missing = whole, 0
    if request.adjusted:
        rows, missing = whole.take(complete), int((~complete).sum())
        z = z[complete]
    if np.unique(rows.high).size < 2:
        raise EstimationError(f"{endpoint.abbreviation}: only one marker group has patients")
    levels = _levels(rows, patients)
    columns = {f.key: levels[f.key] for f in factors if levels[f.key].drop_nulls().len()}
    if not columns:
        raise EstimationError(f"{endpoint.abbreviation}: no patient at risk has a known level")
    covariates = {n: z[:, i] for i, n in enumerate(names)} if request.adjusted and names else None
    found, notes = noted(
        subgroup_effects, rows.time, rows.event, rows.high, columns, covariates=covariates,
        model="joint", entry=rows.entry, strata=rows.strata, ties=context.settings.ties,
        marker_names=(context.results.groups.low, context.results.groups.high),
        level=context.settings.level,
    )  # fmt: skip
    text = _text(context, request, endpoint, found, whole, missing)
    blocks: list[Block] = [
        Paragraph(text),
        _forest(context, request, endpoint, found, factors, name),
        _tests(found, factors, endpoint),
        *remarks(notes),
    ]
    return blocks, found


def _levels(rows: Rows, patients: pl.DataFrame) -> pl.DataFrame:
    """Levels in the order of the rows."""
    ids = pl.DataFrame({"patient_id": rows.patient_id.tolist()}, schema={"patient_id": pl.String})
    return ids.join(patients, on="patient_id", how="left", maintain_order="left")


def _text(
    context: Context, request: SubgroupInteractionRequest, endpoint: Endpoint,
    found: SubgroupEffects, whole: Rows, missing: int,
) -> str:  # fmt: skip
    groups = context.results.groups
    how = "adjusted for the study's covariates" if request.adjusted else "not adjusted"
    parts = [
        f"{endpoint.abbreviation}: {sizes(found.n, found.events)}. Hazard ratios of {groups.high} "
        f"against {groups.low}, {stratified_words(context.settings, how)}."
    ]
    if missing:
        parts.append(f"{counted(missing, 'patient')} left out for a missing covariate.")
    parts += [left_out(whole.analysis), CAUTION]
    return " ".join(p for p in parts if p)


def forest_rows(found: SubgroupEffects, factors: Sequence[Factor]) -> pl.DataFrame:
    """Rows for the forest: everybody, then every factor with its levels in their order."""
    records = found.table().to_dicts()
    by_place = {(r["factor"], r["level"]): r for r in records}
    rows = [_row("", "All patients", records[0])]
    for factor in factors:
        for level, label in factor.levels:
            record = by_place.get((factor.key, level))
            if record is not None:
                rows.append(_row(factor.label, label, record))
    return pl.DataFrame(rows, infer_schema_length=None)


def _row(section: str, label: str, record: dict[str, Any]) -> dict[str, Any]:
    numbers = {k: _number(record[k]) for k in ("lower", "upper", "p_value")}
    return {
        "section": section, "label": label, "n": record["n"], "events": record["events"],
        "estimate": _number(record["hazard_ratio"]), **numbers, "is_reference": False,
    }  # fmt: skip


def _number(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def _forest(
    context: Context, request: SubgroupInteractionRequest, endpoint: Endpoint,
    found: SubgroupEffects, factors: Sequence[Factor], name: str,
) -> FigureBlock:  # fmt: skip
    settings, groups = context.settings, context.results.groups
    figure = forest_figure(
        forest_rows(found, factors), name=f"{name}-forest", title="",
        estimate_heading=f"HR ({100 * settings.level:g}% CI)", simulated=context.simulated,
    )  # fmt: skip
    how = "adjusted" if request.adjusted else "not adjusted"
    caption = (
        f"{endpoint.abbreviation}, {groups.high} against {groups.low} within subgroups, "
        f"{stratified_words(settings, how)}."
    )
    return FigureBlock(figure, caption)


def _tests(found: SubgroupEffects, factors: Sequence[Factor], endpoint: Endpoint) -> Table:
    """Interaction tests with their degrees of freedom, and who has no level."""
    labels = {f.key: f.label for f in factors}
    rows = []
    for test in found.tests:
        ratio, wald = test.likelihood_ratio, test.wald
        cells = (
            number(ratio.statistic, 2), count(ratio.df) if ratio.df else "",
            p_value(ratio.p_value) or "not testable", p_value(wald.p_value),
            count(test.n), count(test.n_missing),
        )  # fmt: skip
        rows.append(Row((labels[test.factor], *cells)))
    notes = ["LR: likelihood ratio. df: levels with an estimate, less one."]
    reasons = [
        f"{labels[r.factor]}, {r.level.replace('_', ' ')}: {r.reason}"
        for r in found.rows
        if r.factor and r.reason
    ]
    return Table(
        (Column("Subgroups by", "left"), Column("LR", "decimal", "chi-square"), Column("df"),
         Column("p", "decimal", "LR"), Column("p", "decimal", "Wald"),
         Column("Patients"), Column("Unknown")),
        tuple(rows),
        f"Interaction of the marker with each subgroup, {endpoint.abbreviation}.",
        (*notes, *((f"No estimate: {'; '.join(reasons)}.",) if reasons else ())),
    )  # fmt: skip
