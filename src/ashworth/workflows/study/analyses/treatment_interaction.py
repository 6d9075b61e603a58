"""Effect of a treatment by marker status: whether the marker is predictive."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError, InputError, Problem
from ashworth.figures import forest_figure
from ashworth.figures.numbers import counted
from ashworth.reports import Callout, Column, FigureBlock, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import interval, number, p_value, p_words, ratio_limits
from ashworth.survival import TreatmentByMarker, treatment_by_marker
from ashworth.workflows.study.analyses.context import Context, Rows, covariate_matrix
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import left_out, noted, remarks, sizes
from ashworth.workflows.study.analysis_settings import TreatmentInteractionRequest
from ashworth.workflows.study.coding import Coding, level_texts
from ashworth.workflows.study.methods import stratified_words

NOT_RANDOMISED = (
    "The treatment was not allocated at random: who was treated differs from who was not in more "
    "than the treatment. What follows is an association, not a treatment effect, and a marker "
    "cannot be called predictive on it. The treatment is taken as known when the clock starts: one "
    "that began later would make its patients immortal until then."
)
RANDOMISED = (
    "The treatment was randomised. Whether the marker is predictive is decided by the interaction "
    "test alone, never by one significant and one insignificant group."
)


def run(context: Context, request: TreatmentInteractionRequest, anchor: str) -> AnalysisResult:
    """Treatment by marker for each endpoint."""
    coding = _treatment(context, request)
    ratios: list[pl.DataFrame] = []
    differences: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, found = _endpoint(context, request, endpoint, name, coding)
        head = pl.lit(endpoint.id).alias("endpoint")
        ratios.append(_plain(found.table().select(head, pl.all())))
        if found.differences:
            differences.append(_plain(found.difference_table().select(head, pl.all())))
        return blocks

    first = Callout("note" if request.randomised else "caution", _opening(request))
    blocks = (first, *context.each_endpoint(request, anchor, build))
    tables = {"hazard_ratios": pl.concat(ratios)} if ratios else {}
    if differences:
        tables["differences"] = pl.concat(differences)
    methods = (
        "Treatment by marker: Cox model with both and their product"
        + (", adjusted for the study's covariates" if request.adjusted else "")
        + ". Relative excess risk due to interaction by the delta method (Hosmer and Lemeshow, "
        "Epidemiology 1992;3:452)."
    )
    if request.at is not None:
        methods += " Differences of survival and of restricted means: Kaplan-Meier, not adjusted."
    return AnalysisResult(f"{coding.label} by marker", blocks, tables, methods)


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _opening(request: TreatmentInteractionRequest) -> str:
    return RANDOMISED if request.randomised else NOT_RANDOMISED


def _treatment(context: Context, request: TreatmentInteractionRequest) -> Coding:
    """Coding of the treatment column: exactly two levels, the first untreated."""
    (coding,) = context.code((request.treatment,), "treatment")
    if coding.kind == "number":
        values = context.results.patients[request.treatment].drop_nulls().unique().sort().to_list()
        if [float(v) for v in values] == [0.0, 1.0]:
            return Coding(coding.column, coding.label, "", "number", ("0", "1"), 1.0, "none")
    if len(coding.levels) == 2 and coding.kind == "factor":
        return coding
    found = ", ".join(coding.levels) or "numbers"
    problem = Problem(
        "study.toml", None, "analyses.treatment", f"'{request.treatment}' with {found}",
        "a column with two values: first untreated, then treated",
        f"give two categories in that order under [covariates.{request.treatment}]",
    )  # fmt: skip
    raise InputError([problem], subject="study.toml")


def _treated(rows: Rows, coding: Coding) -> np.ndarray:
    """1 treated, 0 not, NaN not known."""
    if coding.kind == "number":
        return rows.patients[coding.column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    texts = level_texts(rows.patients, coding.column)
    return (texts == coding.levels[1]).cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _endpoint(
    context: Context, request: TreatmentInteractionRequest, endpoint: Endpoint, name: str,
    coding: Coding,
) -> tuple[list[Block], TreatmentByMarker]:  # fmt: skip
    """One endpoint: text, forest, additive scale, remarks."""
    whole = context.rows(endpoint, context.timepoint(request).name)
    treated = _treated(whole, coding)
    codings = [c for c in context.codings if c.column != coding.column]
    z, names, complete = covariate_matrix(whole, codings)
    keep = ~np.isnan(treated) & (complete if request.adjusted else True)
    if not keep.any():
        raise EstimationError(f"{endpoint.abbreviation}: no patient at risk has all values")
    rows, z = whole.take(keep), z[keep]
    gone = (int(np.isnan(treated).sum()), int((~keep & ~np.isnan(treated)).sum()))
    covariates = {n: z[:, i] for i, n in enumerate(names)} if request.adjusted and names else None
    found, notes = noted(
        treatment_by_marker, context.in_unit(rows.time), rows.event, treated[keep], rows.high,
        randomised=request.randomised, at=request.at, covariates=covariates,
        entry=None if rows.entry is None else context.in_unit(rows.entry), strata=rows.strata,
        ties=context.settings.ties, level=context.settings.level,
    )  # fmt: skip
    blocks: list[Block] = [
        Paragraph(_text(context, request, endpoint, found, rows, gone)),
        _forest(context, request, endpoint, found, coding, name),
    ]
    if found.differences:
        blocks.append(_additive(context, request, endpoint, found))
    if found.options["left_out"]:
        notes.append(found.options["left_out"])
    return [*blocks, *remarks(notes)], found


def _text(
    context: Context, request: TreatmentInteractionRequest, endpoint: Endpoint,
    found: TreatmentByMarker, rows: Rows, gone: tuple[int, int],
) -> str:  # fmt: skip
    """Sizes, interaction, who was left out."""
    table = found.table().to_dicts()
    test = found.interaction_test
    how = "adjusted for the study's covariates" if request.adjusted else "not adjusted"
    ratio = ratio_limits(*(_number(table[5][k]) for k in ("hazard_ratio", "lower", "upper")))
    parts = [
        f"{endpoint.abbreviation}: {sizes(found.n, found.events)}; "
        f"{stratified_words(context.settings, how)}. Interaction, the ratio of the hazard ratios "
        f"of treatment with marker high and low: {ratio}, likelihood-ratio test "
        f"{p_words(_number(test.p_value))}."
    ]
    for n, what in zip(gone, ("an unknown treatment", "a missing covariate"), strict=True):
        if n:
            parts.append(f"{counted(n, 'patient')} left out for {what}.")
    competing = int((rows.event_code > 1).sum())
    if competing:
        parts.append(
            f"{counted(competing, 'patient')} had a competing event first, where follow-up ends: "
            "hazard ratios are cause-specific"
            + (", survival and means not those of being free of both." if request.at else ".")
        )
    return " ".join([*parts, left_out(rows.analysis)]).strip()


def _number(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def _forest(
    context: Context, request: TreatmentInteractionRequest, endpoint: Endpoint,
    found: TreatmentByMarker, coding: Coding, name: str,
) -> FigureBlock:  # fmt: skip
    """Treatment by marker, marker by treatment, interaction."""
    groups, settings = context.results.groups, context.settings
    off, on = (level.replace("_", " ") for level in coding.levels)
    cells = {(c["treatment"], c["marker"]): c for c in found.cells}
    pairs = (("untreated", "low"), ("treated", "low")), (("untreated", "high"), ("treated", "high"))
    counts = [_sum(cells[a], cells[b]) for a, b in pairs]
    counts.append(_sum(cells["untreated", "low"], cells["untreated", "high"]))
    counts.append(_sum(cells["treated", "low"], cells["treated", "high"]))
    everybody = {"n": found.n, "events": found.events}
    treatment, marker = f"{coding.label}: {on} against {off}", f"{groups.high} against {groups.low}"
    labels = [
        (treatment, groups.low, counts[0]), (treatment, groups.high, counts[1]),
        (marker, f"{coding.label}: {off}", counts[2]), (marker, f"{coding.label}: {on}", counts[3]),
        ("Interaction", "Ratio of hazard ratios", everybody),
    ]  # fmt: skip
    table = found.table().to_dicts()
    rows = [
        {
            "section": section, "label": label, **n, "estimate": _number(r["hazard_ratio"]),
            **{k: _number(r[k]) for k in ("lower", "upper", "p_value")}, "is_reference": False,
        }
        for (section, label, n), r in zip(labels, [*table[:4], table[5]], strict=True)
    ]  # fmt: skip
    figure = forest_figure(
        pl.DataFrame(rows, infer_schema_length=None), name=f"{name}-forest", title="",
        estimate_heading=f"HR ({100 * settings.level:g}% CI)", simulated=context.simulated,
        note="" if request.randomised else found.label.capitalize() + ".",
    )  # fmt: skip
    return FigureBlock(figure, f"{endpoint.abbreviation}, {coding.label} by marker; {found.label}.")


def _sum(a: Any, b: Any) -> dict[str, int]:
    return {k: a[k] + b[k] for k in ("n", "events")}


def _additive(
    context: Context, request: TreatmentInteractionRequest, endpoint: Endpoint,
    found: TreatmentByMarker,
) -> Table:  # fmt: skip
    """Differences of survival and restricted means, relative excess risk."""
    groups, settings = context.results.groups, context.settings
    names = {"low": groups.low, "high": groups.high, "interaction": "difference of the two"}
    rows = []
    for r in found.difference_table().to_dicts():
        relative = r["quantity"].startswith("relative")
        scale, unit = _scale(r["quantity"], settings.time_unit)
        low, high = scale * r["lower"], scale * r["upper"]
        cells = (
            "" if relative else names[r["marker"]], number(scale * r["estimate"], 2),
            interval(low, high, 2), p_value(_number(r["p_value"])),
        )  # fmt: skip
        rows.append(Row((r["quantity"].capitalize() + unit, *cells)))
    at = f" at {request.at:g} {settings.time_unit}" if request.at is not None else ""
    return Table(
        (Column("Treated minus untreated", "left"), Column("Marker", "left"),
         Column("Estimate", "decimal"), Column(f"{100 * settings.level:g}% CI"),
         Column("p", "decimal")),
        tuple(rows),
        f"Interaction on the additive scale, {endpoint.abbreviation}{at}.",
        (found.label.capitalize() + ".",
         "Survival and restricted means: Kaplan-Meier, not adjusted. The relative excess risk is "
         "that of the Cox model; 0 means that the effects add up."),
    )  # fmt: skip


def _scale(quantity: str, unit: str) -> tuple[float, str]:
    if quantity.startswith("survival"):
        return 100.0, f" {unit} (percentage points)"
    if quantity.startswith("restricted"):
        return 1.0, f" {unit} ({unit})"
    return 1.0, ""
