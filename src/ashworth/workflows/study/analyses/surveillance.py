"""From the draw on: absolute risk by status, predictive values over time, lead time."""

from __future__ import annotations

from typing import Any

import polars as pl
import polars.selectors as cs

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures import status_risk_figure
from ashworth.figures.numbers import counted, missing
from ashworth.reports import Column, FigureBlock, GroupHeader, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import count, number, p_value, percent, percent_limits
from ashworth.survival import AbsoluteRisk, absolute_risk_by_status, predictive_values
from ashworth.workflows.study.analyses.competing_ratios import pooled_codes
from ashworth.workflows.study.analyses.competing_risks import by_time
from ashworth.workflows.study.analyses.context import Context, Rows
from ashworth.workflows.study.analyses.leads import lead_blocks
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import left_out, remarks
from ashworth.workflows.study.analysis_settings import SurveillanceRequest

TITLE = "Surveillance: what a status says from the draw on"
METHODS = (
    "Absolute risks by status run from {start}: one minus Kaplan-Meier, or Aalen and Johansen's "
    "estimate where events compete, with {interval} limits; differences have Wald limits."
)
VALUES = (
    " Predictive values, sensitivity and specificity are of cumulative cases and dynamic controls "
    "(Heagerty, Lumley and Pepe 2000), from the curves within each status; patients with a "
    "competing event count as free of the event. The tables give them with inverse probability of "
    "censoring weights as well (Blanche et al. 2013)."
)
LEAD = " Lead time is from the first positive draw to the event, among events."


def run(context: Context, request: SurveillanceRequest, anchor: str) -> AnalysisResult:
    """Risks, predictive values and lead time of every endpoint."""
    parts: dict[str, list[pl.DataFrame]] = {}

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, tables = _endpoint(context, request, endpoint, name)
        for key, table in tables.items():
            table = table.insert_column(0, pl.lit(endpoint.id).alias("endpoint"))
            parts.setdefault(key, []).append(table)
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    found = {k: pl.concat(v) for k, v in parts.items()}
    return AnalysisResult(TITLE, blocks, found, _methods(context, found))


def _methods(context: Context, tables: dict[str, pl.DataFrame]) -> str:
    """What was done, for the tables that there are."""
    if not tables:
        return ""
    text = METHODS.format(start=_start(context), interval=context.settings.interval)
    text += VALUES if "predictive_values" in tables else ""
    return text + (LEAD if "lead_time" in tables else "")


def _start(context: Context) -> str:
    """Where the clock starts."""
    return "the index date" if context.results.marker is None else "the day of the draw"


def _endpoint(
    context: Context, request: SurveillanceRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], dict[str, pl.DataFrame]]:
    """One endpoint: text, figure, tables, remarks."""
    timepoint = context.timepoint(request)
    members = context.results.groups.at(timepoint.name)
    rows = context.rows_of(members, endpoint, clock="specimen")
    labels = [g for g in context.results.groups.labels if (rows.group == g).any()]
    if len(labels) < 2 or not rows.n_events:
        why = "no events" if len(labels) > 1 else "only one marker group has patients"
        raise EstimationError(f"{endpoint.abbreviation}: {why}")
    times = sorted(set(request.at))
    settings = context.settings
    risk = absolute_risk_by_status(
        context.in_unit(rows.time), pooled_codes(rows), rows.group, times, reference=labels[0],
        entry=None if rows.entry is None else context.in_unit(rows.entry),
        ci=settings.interval, level=settings.level,
    )  # fmt: skip
    table = _risk_frame(risk, labels)
    blocks: list[Block] = [
        Paragraph(_text(context, endpoint, rows, timepoint.title, risk)),
        _figure(context, endpoint, table, risk, name),
        _risk_table(context, endpoint, table, labels[0]),
    ]
    values, notes = _predictive(context, rows, times)
    tables = {"risks": table} | ({"predictive_values": values} if values is not None else {})
    if values is not None:
        blocks.append(_value_table(context, endpoint, values))
    more, leads = lead_blocks(context, endpoint)
    return [*blocks, *remarks(notes), *more], tables | leads


def _text(
    context: Context, endpoint: Endpoint, rows: Rows, timepoint: str, risk: AbsoluteRisk
) -> str:
    """Numbers, the clock, and what is left out."""
    where = f" at '{timepoint}'" if context.results.marker is not None else ""
    text = (
        f"{endpoint.abbreviation} by status{where}, time from {_start(context)}: "
        f"{counted(rows.n, 'patient')}, {counted(rows.n_events, 'event')}. Method: {risk.method}, "
        "not adjusted, not stratified."
    )
    competing = int((rows.event_code > 1).sum())
    if competing:
        text += f" {counted(competing, 'patient')} had a competing event first."
    return f"{text} {left_out(rows.analysis)}".strip()


def _risk_frame(risk: AbsoluteRisk, labels: list[str]) -> pl.DataFrame:
    """Risks sorted by time and group, no number as null."""
    order = {g: i for i, g in enumerate(labels)}
    key = pl.col("status").replace_strict(order, return_dtype=pl.Int64)
    whole = ("at_risk", "cumulative_events", "cumulative_competing")
    return (
        risk.table()
        .with_columns(pl.col(whole).cast(pl.Int64))
        .with_columns(cs.float().fill_nan(None))
        .sort("time", key)
    )


def _figure(
    context: Context, endpoint: Endpoint, table: pl.DataFrame, risk: AbsoluteRisk, name: str
) -> FigureBlock:
    """Risk by time and status with limits."""
    settings = context.settings
    rows = table.select(
        pl.col("time")
        .map_elements(lambda t: by_time(t, settings.time_unit), return_dtype=pl.String)
        .alias("section"),
        pl.col("status").alias("label"), "at_risk", pl.col("cumulative_events").alias("events"),
        "risk", "lower", "upper",
    )  # fmt: skip
    level = f"{100 * settings.level:g}%"
    figure = status_risk_figure(
        rows, name=f"{name}-risk", title="", x_title=f"Risk of {endpoint.abbreviation} event (%)",
        risk_heading=f"% ({level} limits)", simulated=context.simulated,
        note="At risk: followed up to the time. Events: up to the time.",
    )  # fmt: skip
    caption = (
        f"{endpoint.title}: risk by marker status from {_start(context)} on; "
        f"{risk.n:,} patients, "
        f"{counted(risk.events, 'event')}."
    )
    return FigureBlock(figure, caption)


def _risk_table(context: Context, endpoint: Endpoint, table: pl.DataFrame, reference: str) -> Table:
    """Risks and their differences."""
    level = f"{100 * context.settings.level:g}% CI"
    rows: list[Row | GroupHeader] = []
    for at in table["time"].unique().sort():
        rows.append(GroupHeader(by_time(at, context.settings.time_unit)))
        for r in table.filter(pl.col("time") == at).iter_rows(named=True):
            cells = (
                r["status"], count(r["n"]), count(r["at_risk"]), count(r["cumulative_events"]),
                _share(r), _difference(r), p_value(r["difference_p"]),
            )  # fmt: skip
            rows.append(Row(cells, 1))
    return Table(
        (Column("Status", "left"), Column("n"), Column("At risk"), Column("Events"),
         Column("Risk", "right", f"% ({level})"),
         Column("Difference", "right", f"percentage points ({level})"), Column("p", "decimal")),
        tuple(rows), f"{endpoint.abbreviation}: absolute risk by status, against {reference}.",
        ("No limits are given while a group had no event.",),
    )  # fmt: skip


def _share(row: dict[str, Any], key: str = "risk") -> str:
    """A share with limits; words where follow-up ended, no limits where there are none."""
    if missing(row[key]):
        return "not reached"
    if missing(row["lower"]) or missing(row["upper"]):
        return f"{percent(row[key])} (–)"
    return percent_limits(row[key], row["lower"], row["upper"]).replace("%", "", 1)


def _difference(row: dict[str, Any]) -> str:
    if missing(row["difference"]):
        return ""
    if missing(row["difference_lower"]):
        return f"{number(100 * row['difference'])} (–)"
    parts = (row[k] for k in ("difference", "difference_lower", "difference_upper"))
    return "{} ({} to {})".format(*(number(100 * p) for p in parts))


def _predictive(
    context: Context, rows: Rows, times: list[float]
) -> tuple[pl.DataFrame | None, list[str]]:
    """Predictive values by curves and by weights."""
    if rows.entry is not None:
        return None, ["Predictive values take no late entry and are not given"]
    parts = []
    for method in ("kaplan-meier", "ipcw"):
        found = predictive_values(
            context.in_unit(rows.time), pooled_codes(rows), rows.high, times, method=method,
            level=context.settings.level,
        )  # fmt: skip
        parts.append(found.table().with_columns(pl.lit(method).alias("method")))
    return pl.concat(parts).with_columns(cs.float().fill_nan(None)), []


def _value_table(context: Context, endpoint: Endpoint, values: pl.DataFrame) -> Table:
    """One row per measure, one column per time."""
    mine = values.filter(pl.col("method") == "kaplan-meier")
    times = mine["time"].unique().sort().to_list()
    level, unit = f"% ({100 * context.settings.level:g}% CI)", context.settings.time_unit
    rows = []
    for measure in mine["measure"].unique(maintain_order=True):
        cells = {r["time"]: r for r in mine.filter(pl.col("measure") == measure).to_dicts()}
        shown = [_share(cells[t], "estimate") for t in times]
        rows.append(Row((measure[:1].upper() + measure[1:], *shown)))
    groups, first = context.results.groups, mine.row(0, named=True)
    return Table(
        (Column("Measure", "left"), *(Column(by_time(t, unit), "right", level) for t in times)),
        tuple(rows),
        f"{endpoint.abbreviation}: what {groups.high} foretells; {first['n_positive']:,} of "
        f"{first['n']:,} patients are positive.",
        ("Positive predictive value: share of positive patients with the event by the time. "
         "Sensitivity: share positive of those with the event by then. Predictive values depend on "
         "how many patients have events; they do not carry over to other populations.",),
    )  # fmt: skip
