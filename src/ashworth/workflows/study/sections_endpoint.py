"""Report sections about one endpoint: curve, estimates, models, subgroups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import polars.selectors as cs

from ashworth.definitions import Endpoint
from ashworth.figures import forest_figure, kaplan_meier_figure, time_ticks
from ashworth.reports import Callout, Column, FigureBlock, Paragraph, Row, Section, Table
from ashworth.reports.numbers import (
    count,
    interval,
    median_limits,
    number,
    p_value,
    p_words,
    percent,
    percent_limits,
    ratio_limits,
)
from ashworth.workflows.study.analyse import EndpointResult, StudyResults
from ashworth.workflows.study.clock import AnalysisSet
from ashworth.workflows.study.methods import endpoint_text, stratified_words
from ashworth.workflows.study.models import CoxModels
from ashworth.workflows.study.survival_by_status import SurvivalByStatus

Blocks = list[Paragraph | Table | FigureBlock | Callout | Section]
FEW_EVENTS = 10


def endpoint_section(results: StudyResults, endpoint: Endpoint) -> Section:
    """Everything about one endpoint; one subsection per time point if there are several."""
    mine = [r for r in results.results if r.endpoint.id == endpoint.id]
    titles = {p.name: p.title for p in results.groups.timepoints}
    blocks: Blocks = [Paragraph(endpoint_text(endpoint), lead="Counted as events.")]
    if not mine:
        blocks.append(Callout("caution", "No patient with a status is at risk; not analysed."))
    for result in mine:
        timepoint = result.survival.analysis.timepoint
        part = _blocks(results, result, first=result is mine[0])
        if len(mine) == 1:
            blocks += part
        else:
            title = f"{endpoint.abbreviation} by status: {titles.get(timepoint, timepoint)}"
            blocks.append(Section(title, f"{endpoint.id}-{_slug(timepoint)}", tuple(part)))
    return Section(endpoint.title, endpoint.id, tuple(blocks))


def _slug(text: str) -> str:
    """Text as an anchor."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in text.lower()).strip("-")


def _blocks(results: StudyResults, result: EndpointResult, *, first: bool) -> Blocks:
    """Curve, numbers and models of one endpoint at one time point."""
    survival, endpoint = result.survival, result.endpoint
    analysis = survival.analysis
    blocks: Blocks = []
    name = f"km-{endpoint.id}-{_slug(analysis.timepoint)}"
    blocks.append(
        curve_block(
            results, survival, endpoint, name=name, lines=_comparison(results, survival),
            caption=_caption(results, survival, endpoint),
        )
    )  # fmt: skip
    blocks += _excluded(analysis)
    blocks.append(estimates_table(results, survival, f"{endpoint.abbreviation} by marker status."))
    if survival.problem:
        blocks.append(Callout("caution", survival.problem[0].upper() + survival.problem[1:] + "."))
    if analysis.n_competing:
        blocks.append(_competing(analysis.n_competing))
    if result.models is not None:
        blocks += _model_blocks(results, result, result.models)
    if first and result.subgroups is not None and result.subgroups.height:
        blocks += _subgroup_blocks(results, result, result.subgroups)
    return blocks


def _excluded(analysis: AnalysisSet) -> Blocks:
    """Patients with a status who are not in this analysis, by reason."""
    n = int(analysis.exclusions["n"].sum())
    if not n:
        return []
    reasons = "; ".join(f"{r} {k:,}" for r, k in analysis.exclusions.iter_rows())
    text = (
        f"{n:,} of {n + analysis.n:,} patients with a status are not in this analysis: {reasons}."
    )
    return [Paragraph(text, lead="Excluded.")]


def _competing(n: int) -> Callout:
    """What competing events mean for the curve."""
    return Callout(
        "caution",
        f"{n:,} patients had a competing event first and are censored there. Hazard ratios are "
        "cause-specific; 1 minus the curve overstates the probability of the event.",
    )


def _comparison(results: StudyResults, survival: SurvivalByStatus) -> list[str]:
    """Lines printed in the panel of a curve."""
    lines = []
    ratio = survival.hazard_ratio
    if ratio is not None:
        words = ratio_limits(ratio["estimate"], ratio["lower"], ratio["upper"])
        lines.append(f"HR {words}, {results.groups.high} against {results.groups.low}")
    if survival.test is not None:
        lines.append(f"log-rank {p_words(survival.test.p_value)}")
    if results.settings.stratify:
        lines.append(f"stratified by {' and '.join(results.settings.stratify)}")
    return lines


def _caption(results: StudyResults, survival: SurvivalByStatus, endpoint: Endpoint) -> str:
    """Caption of a curve."""
    settings, analysis = results.settings, survival.analysis
    start = "the index date" if results.marker is None or settings.clock != "specimen" else (
        "the day of the specimen"
    )  # fmt: skip
    return (
        f"{endpoint.title} from {start}: {analysis.n:,} patients, {analysis.n_events:,} events. "
        f"Bands: pointwise {100 * settings.level:g}% limits."
    )


def curve_block(
    results: StudyResults, survival: SurvivalByStatus, endpoint: Endpoint, *, name: str,
    lines: Sequence[str], caption: str,
) -> FigureBlock:  # fmt: skip
    """Kaplan-Meier figure with its risk table."""
    settings = results.settings
    order = _group_order(results, survival)
    curves = _whole_numbers(survival.curves.table())
    end = float(curves["time"].to_numpy().max())
    ticks = time_ticks(end, settings.time_unit)
    risk = _whole_numbers(survival.curves.risk_table(ticks))
    figure = kaplan_meier_figure(
        _ordered(curves, order),
        _ordered(risk, order),
        name=name,
        title="",
        x_title=f"Time ({settings.time_unit})",
        y_title=endpoint.title,
        labels=lines,
        time_unit=settings.time_unit,
        simulated=settings.simulated,
    )
    return FigureBlock(figure, caption)


def _whole_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Patients as integers (no weights are used here), groups as text, no limit as null."""
    return frame.with_columns(
        pl.col("group").cast(pl.String),
        pl.col("at_risk", "n_events", "n_censored").cast(pl.Int64),
    ).with_columns(cs.float().fill_nan(None))


def _group_order(results: StudyResults, survival: SurvivalByStatus) -> dict[str, int]:
    """Order of the groups in figures and tables: low first, classes as defined."""
    names = [*results.groups.labels]
    if results.dynamics_rule is not None:
        names += [c.name for c in results.dynamics_rule.classes]
    present = [str(g) for g in survival.curves.groups]
    names += [g for g in present if g not in names]
    return {name: place for place, name in enumerate(names)}


def _ordered(frame: pl.DataFrame, order: dict[str, int]) -> pl.DataFrame:
    """Sort by group order, then time."""
    key = pl.col("group").replace_strict(order, return_dtype=pl.Int64)
    return frame.sort(key, "time", maintain_order=True)


def estimates_table(results: StudyResults, survival: SurvivalByStatus, caption: str) -> Table:
    """Events, rates, medians, survival and restricted means by group."""
    settings = results.settings
    unit = settings.time_unit
    columns = [
        Column("Group", "left"), Column("Patients"), Column("Events"),
        Column("Per 100 person-years"), Column("Median", "right", unit),
        *(Column(f"At {at:g} {unit}", "right", "%") for at in settings.survival_at),
    ]  # fmt: skip
    if settings.restricted_mean_at is not None:
        columns.append(Column(f"Mean to {settings.restricted_mean_at:g}", "right", unit))
    order = _group_order(results, survival)
    groups = sorted((str(g) for g in survival.curves.groups), key=lambda g: order[g])
    rows = [Row(_estimate_cells(results, survival, g)) for g in groups]
    note = f"With {100 * settings.level:g}% limits; – where they cannot be estimated."
    return Table(tuple(columns), tuple(rows), caption, (note,))


def _estimate_cells(
    results: StudyResults, survival: SurvivalByStatus, group: str
) -> tuple[str, ...]:
    """One row of the table of estimates."""
    settings = results.settings
    frame = survival.analysis.frame.filter(pl.col("group") == group)
    mine = survival.estimates.filter(pl.col("group") == group)
    head = (group, count(frame.height), count(int(frame["event"].sum())))
    cells = [_one(mine, "events per 100 person-years", None), _one(mine, "median", None)]
    cells += [_one(mine, "survival", at) for at in settings.survival_at]
    if settings.restricted_mean_at is not None:
        cells.append(_one(mine, "restricted mean", settings.restricted_mean_at))
    return (*head, *cells)


def _one(mine: pl.DataFrame, quantity: str, at: float | None) -> str:
    """One estimate with its limits."""
    found = mine.filter(pl.col("quantity") == quantity)
    if at is not None:
        found = found.filter(pl.col("at") == at)
    if found.is_empty():
        return "not estimable"
    value, lower, upper = found.select("estimate", "lower", "upper").row(0)
    if quantity == "median":
        return median_limits(value, lower, upper)
    if value is None or value != value:
        return "not estimable"
    if lower is None or lower != lower or upper is None or upper != upper:
        return f"{percent(value) if quantity == 'survival' else number(value)} (–)"
    if quantity == "survival":
        return percent_limits(value, lower, upper).replace("%", "")
    return f"{number(value)} ({interval(lower, upper)})"


def _model_blocks(results: StudyResults, result: EndpointResult, models: CoxModels) -> Blocks:
    """Forest of the multivariable model and the table of both kinds of models."""
    settings, endpoint = results.settings, result.endpoint
    name = f"{endpoint.id}-{_slug(result.survival.analysis.timepoint)}"
    blocks: Blocks = []
    if results.codings:
        forest = forest_figure(
            models.multivariable, name=f"forest-{name}", title="",
            estimate_heading=f"HR ({100 * settings.level:g}% CI)", simulated=settings.simulated,
        )  # fmt: skip
        caption = (
            f"Multivariable Cox model of {endpoint.abbreviation}: {models.n:,} patients, "
            f"{models.events:,} events."
        )
        blocks.append(FigureBlock(forest, caption))
        blocks.append(_model_table(results, result, models))
    if models.events_per_term < FEW_EVENTS:
        blocks.append(
            Callout(
                "caution",
                f"The multivariable model has {models.events_per_term:.1f} events per coefficient; "
                f"below about {FEW_EVENTS} its estimates are unstable.",
            )
        )
    return blocks + [Callout("caution", note) for note in models.notes]


def _model_table(results: StudyResults, result: EndpointResult, models: CoxModels) -> Table:
    """Univariable and multivariable hazard ratios side by side."""
    level = f"HR ({100 * results.settings.level:g}% CI)"
    pairs = zip(
        models.univariable.iter_rows(named=True),
        models.multivariable.iter_rows(named=True),
        strict=True,
    )
    rows: list[Row] = []
    section = None
    for alone, together in pairs:
        if alone["section"] != section:
            section = alone["section"]
            if alone["label"] != section and not _single(models.univariable, section):
                rows.append(Row((section, *("",) * 6), bold=True))
        indent = 0 if _single(models.univariable, section) else 1
        cells = (count(alone["n"]), count(alone["events"]), *_effect(alone), *_effect(together))
        rows.append(Row((alone["label"], *cells), indent=indent))
    dropped = [f"{d['covariate']} {d['n']:,}" for d in models.dropped.iter_rows(named=True)]
    missing = result.survival.analysis.n - models.n
    notes = [
        f"Multivariable: {models.n:,} complete cases, {models.events:,} events"
        + (f"; {missing:,} left out for missing values ({', '.join(dropped)})." if missing else ".")
    ]
    if results.settings.stratify:
        notes.append(f"All models are {stratified_words(results.settings)}.")
    return Table(
        (Column("", "left"), Column("n"), Column("Events"), Column("Univariable", "right", level),
         Column("p", "decimal"), Column("Multivariable", "right", level), Column("p", "decimal")),
        tuple(rows),
        f"Cox models of {result.endpoint.abbreviation}.",
        tuple(notes),
    )  # fmt: skip


def _single(frame: pl.DataFrame, section: str | None) -> bool:
    """Whether a section has one row only."""
    return frame.filter(pl.col("section") == section).height == 1


def _effect(row: dict[str, Any]) -> tuple[str, str]:
    """Hazard ratio and p-value of one row."""
    if row["is_reference"]:
        return "1 (reference)", ""
    estimate, lower, upper = (row[k] for k in ("estimate", "lower", "upper"))
    return ratio_limits(estimate, lower, upper), p_value(row["p_value"])


def _subgroup_blocks(
    results: StudyResults, result: EndpointResult, subgroups: pl.DataFrame
) -> Blocks:
    """Effects within subgroups, with interaction tests."""
    settings, endpoint = results.settings, result.endpoint
    tests = subgroups.filter(pl.col("interaction_p").is_not_null())
    words = "; ".join(
        f"{r['section']} {p_words(r['interaction_p'])}" for r in tests.iter_rows(named=True)
    )
    forest = forest_figure(
        subgroups.drop("interaction_p"),
        name=f"subgroups-{endpoint.id}-{_slug(result.survival.analysis.timepoint)}",
        title="",
        estimate_heading=f"HR ({100 * settings.level:g}% CI)",
        simulated=settings.simulated,
    )
    caption = (
        f"{endpoint.abbreviation}, {results.groups.high} against {results.groups.low} within "
        f"subgroups, {stratified_words(settings, 'not adjusted')}. Interaction: "
        f"{words or 'not testable'}. Exploratory."
    )
    return [FigureBlock(forest, caption)]
