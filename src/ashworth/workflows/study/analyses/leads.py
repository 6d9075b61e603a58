"""Lead time of serial draws: text, table, and what biases it."""

from __future__ import annotations

import polars as pl
import polars.selectors as cs

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures.numbers import counted
from ashworth.reports import Callout, Column, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import interval, median_limits, number, percent, percent_limits
from ashworth.survival import LeadTime, lead_time
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.serial_draws import draws_by_status, outcomes_of


def lead_blocks(
    context: Context, endpoint: Endpoint
) -> tuple[list[Block], dict[str, pl.DataFrame]]:
    """Blocks and tables of one endpoint; a remark where there is no lead time."""
    if context.results.marker is None or len(context.results.groups.timepoints) < 2:
        has = "none" if context.results.marker is None else "one time point"
        what = f"Lead time is not given: it needs serial draws, and this study has {has}."
        return [Callout("note", what)], {}
    try:
        found, unknown = _lead(context, endpoint)
    except EstimationError as error:
        return [Callout("caution", f"Lead time, not estimated: {error}.")], {}
    blocks: list[Block] = [
        Paragraph(_text(endpoint, found, unknown), lead="Lead time."),
        _table(context, endpoint, found),
        Callout("caution", " ".join(found.bias)),
    ]
    tables = {
        "lead_time": found.table().with_columns(cs.float().fill_nan(None)),
        "lead_time_patients": found.patients().with_columns(cs.float().fill_nan(None)),
    }
    return blocks, tables


def _lead(context: Context, endpoint: Endpoint) -> tuple[LeadTime, int]:
    """Lead time in the report's unit, and how many patients with draws have no follow-up."""
    outcomes = outcomes_of(context, endpoint)
    draws = draws_by_status(context)
    known = draws.join(outcomes, on="patient_id", how="semi")
    gone = draws.join(outcomes, on="patient_id", how="anti")["patient_id"].n_unique()

    def unit(column: pl.Series) -> object:
        return context.in_unit(column.cast(pl.Float64).to_numpy())

    found = lead_time(
        known["patient_id"], unit(known["day"]), known["high"].cast(pl.Float64),
        outcomes["patient_id"], unit(outcomes["exit_day"]), outcomes["event_code"] == 1,
        level=context.settings.level,
    )  # fmt: skip
    return found, gone


def _text(endpoint: Endpoint, found: LeadTime, unknown: int) -> str:
    text = (
        f"{endpoint.abbreviation}: {counted(found.n, 'patient')} had a draw before the end of "
        f"follow-up, {counted(found.events, 'event')} among them; {found.n_before:,} were positive "
        "at a draw before the event."
    )
    if unknown:
        text += f" {counted(unknown, 'patient')} with draws but without follow-up are left out."
    return text


def _table(context: Context, endpoint: Endpoint, found: LeadTime) -> Table:
    unit, level = context.settings.time_unit, f"{100 * context.settings.level:g}%"
    share = percent_limits(found.proportion, found.proportion_lower, found.proportion_upper)
    median = (
        median_limits(found.median, found.median_lower, found.median_upper)
        if found.median_lower == found.median_lower
        else f"{number(found.median)} (–)"
    )
    rows = [
        (f"Positive before the event, {level} limits", f"{found.n_before:,} of {found.events:,}",
         share),
        (f"Median lead time, {unit} ({level} limits)", f"{found.n_before:,}", median),
        (f"Quartiles of the lead time, {unit}", f"{found.n_before:,}",
         interval(found.lower_quartile, found.upper_quartile)),
        (f"Last negative to first positive draw, median, {unit}",
         f"{found.n_before - found.n_first_positive:,}",
         number(found.schedule_gap) or "–"),
        (f"Last draw to event where never positive, median, {unit}",
         f"{found.events - found.n_before:,}", number(found.unwarned_gap) or "–"),
        ("Positive, among patients without event",
         f"{found.positive_without_recurrence:,} of {found.without_recurrence:,}",
         f"{percent(found.positive_without_recurrence / found.without_recurrence)}%"
         if found.without_recurrence else "–"),
    ]  # fmt: skip
    return Table(
        (Column("Measure", "left"), Column("Patients"), Column("Value")),
        tuple(Row(cells) for cells in rows if found.n_before or "lead" not in cells[0]),
        f"{endpoint.abbreviation}: lead time from the first positive draw, among events.",
        ("Limits: Clopper-Pearson; of the median by order statistics (–: too few events).",),
    )  # fmt: skip
