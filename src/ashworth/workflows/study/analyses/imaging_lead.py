"""What the second count said before the first imaging did."""

from __future__ import annotations

import numpy as np
import polars as pl

from ashworth.enumeration import CountBeforeImaging, count_before_imaging
from ashworth.errors import EstimationError
from ashworth.figures.numbers import counted
from ashworth.reports import Callout, Column, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import number, percent_limits, ratio_limits
from ashworth.workflows.study.analyses.context import Context

BENEFIT_FROM = 168
Part = tuple[list[Block], dict[str, pl.DataFrame]]


def before_imaging(context: Context) -> Part:
    """Compare the status at the second draw with progression at the first imaging after day 0.

    Nothing if the study has no assessments or no second time point.
    """
    table = context.tables.get("assessments")
    points = context.results.groups.timepoints
    if table is None or not table.height or len(points) < 2 or context.results.marker is None:
        return [], {}
    pairs = _pairs(context, table, points[1].name)
    try:
        found = count_before_imaging(
            pairs["high"], pairs["progressive"], pairs["count_day"], pairs["imaging_day"],
            level=context.settings.level,
        )  # fmt: skip
    except EstimationError as error:
        return [Callout("caution", f"Count before imaging not estimated: {error}.")], {}
    measures = found.table().with_columns(pl.col(pl.Float64).fill_nan(None))
    return [Paragraph(_text(context, found)), _table(context, found)], {"before_imaging": measures}


def best_responses(context: Context) -> pl.DataFrame:
    """Objective response and clinical benefit of every patient, from the assessments after day 0.

    What counts stands before or at the first progression. Response: complete or partial.
    Benefit: a response, or no progression up to an assessment on day 168 (24 weeks) or later.

    Returns
    -------
    polars.DataFrame
        patient_id, response, benefit: 1, 0, or null where the assessments do not tell.
    """
    table = context.tables.get("assessments")
    schema = {"patient_id": pl.String, "response": pl.Int64, "benefit": pl.Int64}
    if table is None:
        return pl.DataFrame(schema=schema)
    rows = []
    known = table.filter((pl.col("day") > 0) & (pl.col("response") != "ne"))
    for (patient,), mine in known.sort("patient_id", "day").group_by(
        "patient_id", maintain_order=True
    ):
        progressed: list[int] = mine.filter(pl.col("response") == "pd")["day"].to_list()
        end = min(progressed, default=float("inf"))
        before = mine.filter(pl.col("day") < end)
        response = bool(before["response"].is_in(["cr", "pr"]).any())
        stable = bool((before["day"] >= BENEFIT_FROM).any())
        unknown = not response and not stable and not progressed
        rows.append((patient, int(response), None if unknown else int(response or stable)))
    return pl.DataFrame(rows, schema=schema, orient="row")


def _pairs(context: Context, assessments: pl.DataFrame, second: str) -> pl.DataFrame:
    """Status at the second draw and the first evaluable imaging under therapy, per patient."""
    counts = context.counts(second).select(
        "patient_id", pl.col("specimen_day").cast(pl.Float64).alias("count_day"),
        pl.when(pl.col("status") != "not_assessable")
        .then((pl.col("status") == "positive").cast(pl.Int64)).alias("high"),
    )  # fmt: skip
    first = (
        assessments.filter((pl.col("day") > 0) & (pl.col("response") != "ne"))
        .sort("patient_id", "day", "method")
        .unique("patient_id", keep="first", maintain_order=True)
        .select(
            "patient_id", pl.col("day").cast(pl.Float64).alias("imaging_day"),
            (pl.col("response") == "pd").cast(pl.Int64).alias("progressive"),
        )
    )  # fmt: skip
    return counts.join(first, on="patient_id", how="left").sort("patient_id")


def _text(context: Context, found: CountBeforeImaging) -> str:
    """Who is compared, and the days between."""
    low, middle, high = (found.days["days"][j] for j in (1, 2, 3))
    out = "; ".join(f"{reason} {n:,}" for reason, n in found.excluded.items() if n)
    words = (
        f"Before imaging: {counted(found.n, 'patient')} had an assessable second count before "
        f"the first evaluable imaging under therapy, by a median of {number(middle, 0)} days "
        f"(quartiles {number(low, 0)} and {number(high, 0)}); the schedule of imaging decides "
        f"these days. {context.results.groups.high} then against progressive disease at that "
        f"imaging: kappa {number(found.kappa, 2) or 'not estimable'}."
    )
    return f"{words} Left out: {out}." if out else words


def _table(context: Context, found: CountBeforeImaging) -> Table:
    rows = []
    for r in found.table().to_dicts():
        values = [None if np.isnan(r[k]) else r[k] for k in ("estimate", "lower", "upper")]
        if r["n"] is None:
            rows.append(Row((r["measure"].capitalize(), "", ratio_limits(*values))))
        else:
            rows.append(
                Row((r["measure"].capitalize(), f"{r['n']:,} of {r['of']:,}",
                     percent_limits(*values)))
            )  # fmt: skip
    return Table(
        (Column("Measure", "left"), Column("Patients"),
         Column("Estimate", "right", f"{100 * context.settings.level:g}% CI")),
        tuple(rows),
        "The second count as a test for progression at the first imaging after it.",
        ("Positive test: high count. Wilson limits; likelihood ratios by their logarithm.",),
    )  # fmt: skip
