"""Cumulative incidence with competing events, Gray's test, both kinds of hazard ratio."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures import cumulative_incidence_figure, time_ticks
from ashworth.figures.cumulative_incidence import BANDS
from ashworth.figures.numbers import counted, percent
from ashworth.reports import Column, FigureBlock, GroupHeader, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import p_value, p_words, percent_limits, ratio_limits
from ashworth.survival import CumulativeIncidence, TestResult, cumulative_incidence, gray_test
from ashworth.survival.competing_risks.side_by_side import TWO_QUESTIONS
from ashworth.workflows.study.analyses.competing_ratios import (
    HAZARD,
    SUBDISTRIBUTION,
    pooled_codes,
    ratios,
)
from ashworth.workflows.study.analyses.context import Context, Rows
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import left_out, remarks
from ashworth.workflows.study.analysis_settings import CompetingRisksRequest
from ashworth.workflows.study.methods import kind_words, stratified_words

TITLE = "Competing risks"
METHODS = (
    "Cumulative incidence is Aalen and Johansen's estimate with the variance of the infinitesimal "
    "jackknife{limits}; groups are compared by Gray's test (Gray 1988). Cause-specific hazard "
    "ratios are from Cox models in which the other kind of event ends follow-up; subdistribution "
    "hazard ratios are Fine and Gray's, with the sandwich variance that includes the estimated "
    "censoring distribution (Fine and Gray 1999)."
)


def run(context: Context, request: CompetingRisksRequest, anchor: str) -> AnalysisResult:
    """Curves, tests and models of every endpoint that has competing events."""
    parts: dict[str, list[pl.DataFrame]] = {"incidence": [], "tests": [], "ratios": []}

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, tables = _endpoint(context, request, endpoint, name)
        for key, table in tables.items():
            parts[key].append(table.insert_column(0, pl.lit(endpoint.id).alias("endpoint")))
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    limits = f" and {context.settings.interval} limits"
    found = {k: pl.concat(v) for k, v in parts.items() if v}
    return AnalysisResult(TITLE, blocks, found, METHODS.format(limits=limits) if found else "")


def _endpoint(
    context: Context, request: CompetingRisksRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], dict[str, pl.DataFrame]]:
    """One endpoint: text, two figures, two tables, remarks."""
    rows = context.rows(endpoint, context.timepoint(request).name)
    titles = _titles(endpoint)
    _check(endpoint, rows)
    curves = cumulative_incidence(
        context.in_unit(rows.time), pooled_codes(rows), group=rows.group,
        entry=None if rows.entry is None else context.in_unit(rows.entry),
        ci=context.settings.interval, level=context.settings.level,
    )  # fmt: skip
    tests, notes = _tests(rows, titles)
    ratio_table, more = ratios(context, rows, titles)
    blocks: list[Block] = [Paragraph(_text(context, endpoint, rows))]
    for cause, title in titles.items():
        lines = _lines(context, cause, title, tests, ratio_table)
        blocks.append(_figure(context, endpoint, rows, curves, cause, title, lines, name))
    times = tuple(sorted(set(request.at or context.settings.survival_at)))
    tables = {"tests": _test_frame(tests, titles), "ratios": ratio_table}
    if times:
        tables["incidence"] = _incidence(context, curves, times, titles)
        blocks.append(_incidence_table(context, endpoint, tables["incidence"]))
    if ratio_table.height:
        blocks.append(_ratio_table(context, endpoint, ratio_table))
    return [*blocks, *remarks([*notes, *more])], {k: v for k, v in tables.items() if v.height}


def _titles(endpoint: Endpoint) -> dict[int, str]:
    """Printed names of the event and of what competes with it."""
    kinds = [kind_words(k) for group in endpoint.competing.values() for k in group]
    words = " or ".join(kinds) if 0 < len(kinds) <= 2 else "competing event"
    return {1: f"{endpoint.abbreviation} event", 2: words[:1].upper() + words[1:]}


def _check(endpoint: Endpoint, rows: Rows) -> None:
    """Refuse what has nothing to compare."""
    code = pooled_codes(rows)
    if not (code == 2).any():
        why = "none happened" if endpoint.competing else "its definition names none"
        raise EstimationError(
            f"{endpoint.abbreviation} has no competing events ({why}); one minus its Kaplan-Meier "
            "curve is its cumulative incidence"
        )
    if not (code == 1).any():
        raise EstimationError(f"{endpoint.abbreviation}: no events")
    if np.unique(rows.group).size < 2:
        raise EstimationError(f"{endpoint.abbreviation}: only one marker group has patients")


def _text(context: Context, endpoint: Endpoint, rows: Rows) -> str:
    """Numbers of all kinds, and what is left out."""
    code = pooled_codes(rows)
    text = (
        f"{endpoint.abbreviation}: {counted(rows.n, 'patient')}, "
        f"{counted(int((code == 1).sum()), 'event')}, "
        f"{counted(int((code == 2).sum()), 'competing event')} first, "
        f"{int((code == 0).sum()):,} censored."
    )
    if words := stratified_words(context.settings):
        text += f" Tests and models are {words}; the curves are not."
    if rows.entry is not None:
        text += (
            " Patients enter at their draw. Subdistribution models are then weighted Cox models "
            "with weights for censoring and entry, and a robust variance that takes the weights as "
            "known."
        )
    return f"{text} {left_out(rows.analysis)}".strip()


def _tests(rows: Rows, titles: dict[int, str]) -> tuple[dict[int, TestResult], list[str]]:
    """Gray's test of both kinds of event."""
    if rows.entry is not None:
        return {}, ["Gray's test takes no late entry and is not given"]
    found: dict[int, TestResult] = {}
    notes = []
    for cause, title in titles.items():
        try:
            found[cause] = gray_test(
                rows.time, pooled_codes(rows), rows.group, cause=cause, strata=rows.strata
            )
        except EstimationError as error:
            notes.append(f"{title}: {error}")
    return found, notes


def _test_frame(tests: dict[int, TestResult], titles: dict[int, str]) -> pl.DataFrame:
    out = [(titles[k], t.n, t.events, t.statistic, t.df, t.p_value) for k, t in tests.items()]
    names = ("event", "n", "events", "chi_square", "df", "p_value")
    types = (pl.String, pl.Int64, pl.Int64, pl.Float64, pl.Int64, pl.Float64)
    return pl.DataFrame(out, schema=dict(zip(names, types, strict=True)), orient="row")


def _lines(
    context: Context, cause: int, title: str, tests: dict[int, TestResult], table: pl.DataFrame
) -> list[str]:
    """What is printed in the panel: Gray's test, both ratios of the marker."""
    lines = [f"Gray's test {p_words(tests[cause].p_value)}"] if cause in tests else []
    mine = table.filter((pl.col("event") == title) & ~pl.col("adjusted"))
    for kind, short in ((SUBDISTRIBUTION, "Subdistribution HR"), (HAZARD, "Cause-specific HR")):
        for row in mine.filter(pl.col("model") == kind).iter_rows(named=True):
            lines.append(f"{short} {ratio_limits(row['ratio'], row['lower'], row['upper'])}")
    if len(lines) > 1:
        groups = context.results.groups
        lines[-1] += f", {groups.high} against {groups.low}"
    return lines


def _ordered(context: Context, frame: pl.DataFrame) -> pl.DataFrame:
    """Sort by the order of the groups, then time; groups as text, no limit as null."""
    order = {g: i for i, g in enumerate(context.results.groups.labels)}
    key = pl.col("group").replace_strict(order, return_dtype=pl.Int64)
    whole = [c for c in ("at_risk", "n_events", "n_censored", "n_competing") if c in frame.columns]
    return (
        frame.with_columns(pl.col(whole).cast(pl.Int64))
        .with_columns(cs.float().fill_nan(None))
        .sort(key, "time", maintain_order=True)
    )


def _figure(
    context: Context, endpoint: Endpoint, rows: Rows, curves: CumulativeIncidence, cause: int,
    title: str, lines: list[str], name: str,
) -> FigureBlock:  # fmt: skip
    """Incidence of one kind of event by marker group, with its risk table."""
    settings = context.settings
    mine = curves.table().filter(pl.col("cause") == cause)
    ticks = time_ticks(float(mine["time"].to_numpy().max()), settings.time_unit)
    risk = curves.risk_table(ticks).filter(pl.col("cause") == cause)
    figure = cumulative_incidence_figure(
        _ordered(context, mine), _ordered(context, risk), name=f"{name}-{cause}", title="",
        x_title=f"Time ({settings.time_unit})", y_title=title, labels=lines,
        time_unit=settings.time_unit, simulated=context.simulated,
    )  # fmt: skip
    events = int((pooled_codes(rows) == cause).sum())
    other = _lower(_titles(endpoint)[3 - cause])
    caption = (
        f"Cumulative incidence, {_lower(title)}: {rows.n:,} patients, {counted(events, 'event')}; "
        f"competing: {other}."
    )
    if len(curves.groups) <= BANDS:
        caption += f" Bands: pointwise {100 * settings.level:g}% limits."
    return FigureBlock(figure, caption)


def _lower(title: str) -> str:
    """Title inside a sentence; abbreviations stay."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def _incidence(
    context: Context, curves: CumulativeIncidence, times: tuple[float, ...], titles: dict[int, str]
) -> pl.DataFrame:
    """Incidence at chosen times: event, group, time, at_risk, estimate, limits."""
    risk = curves.risk_table(times).select("group", "cause", "time", "at_risk")
    found = curves.at(times).join(risk, on=["group", "cause", "time"], how="left")
    return _ordered(context, found).select(
        pl.col("cause").replace_strict(titles, return_dtype=pl.String).alias("event"),
        "group", "time", "at_risk", "incidence", "standard_error", "lower", "upper",
    )  # fmt: skip


def _incidence_table(context: Context, endpoint: Endpoint, table: pl.DataFrame) -> Table:
    """One row per kind of event and group, one column per time."""
    times = table["time"].unique().sort().to_list()
    unit, level = context.settings.time_unit, f"% ({100 * context.settings.level:g}% CI)"
    rows: list[Row | GroupHeader] = []
    for event in table["event"].unique(maintain_order=True):
        rows.append(GroupHeader(event))
        mine = table.filter(pl.col("event") == event)
        for group in mine["group"].unique(maintain_order=True):
            cells = {r["time"]: r for r in mine.filter(pl.col("group") == group).to_dicts()}
            rows.append(Row((group, *(_share(cells[t]) for t in times)), 1))
    columns = [Column(by_time(t, unit), "right", level) for t in times]
    return Table(
        (Column("Group", "left"), *columns), tuple(rows),
        f"{endpoint.abbreviation}: cumulative incidence by marker status.",
        ("–: follow-up of the group ends before.",),
    )  # fmt: skip


def by_time(at: float, unit: str) -> str:
    """A time in words: 'By 1 year'."""
    return f"By {at:g} {unit.removesuffix('s') if at == 1 else unit}"


def _share(row: dict[str, Any]) -> str:
    """Incidence with limits; 0 has none, a dash where follow-up ended."""
    if row["incidence"] is None:
        return "–"
    if row["lower"] is None:
        return percent(row["incidence"])
    return percent_limits(row["incidence"], row["lower"], row["upper"]).replace("%", "", 1)


def _ratio_table(context: Context, endpoint: Endpoint, table: pl.DataFrame) -> Table:
    """Both ratios beside each other, by event and term."""
    rows: list[Row | GroupHeader] = []
    for event in table["event"].unique(maintain_order=True):
        for adjusted in (False, True):
            mine = table.filter((pl.col("event") == event) & (pl.col("adjusted") == adjusted))
            if not mine.height:
                continue
            first = mine.row(0, named=True)
            what = "adjusted" if adjusted else "not adjusted"
            terms = mine["term"].n_unique()
            head = f"{event}, {what}: {first['n']:,} patients, {counted(first['events'], 'event')}"
            if adjusted:
                head += f", {first['events'] / terms:.1f} per term"
            rows.append(GroupHeader(head))
            for term in mine["term"].unique(maintain_order=True):
                rows.append(_ratio_row(term, mine.filter(pl.col("term") == term)))
    level = f"{100 * context.settings.level:g}% CI"
    return Table(
        (Column("Term", "left"), Column("Cause-specific HR", "right", level),
         Column("p", "decimal"), Column("Subdistribution HR", "right", level),
         Column("p", "decimal")),
        tuple(rows), f"{endpoint.abbreviation}: hazard ratios of both kinds.", (TWO_QUESTIONS,),
    )  # fmt: skip


def _ratio_row(term: str, mine: pl.DataFrame) -> Row:
    cells = []
    for kind in (HAZARD, SUBDISTRIBUTION):
        found = mine.filter(pl.col("model") == kind).to_dicts()
        if not found:
            cells += ["not estimated", ""]
            continue
        row = found[0]
        cells += [ratio_limits(row["ratio"], row["lower"], row["upper"]), p_value(row["p_value"])]
    return Row((term, *cells), 1)
