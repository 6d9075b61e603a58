"""Counts under therapy: every patient's course, kinetics, classes of change."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.enumeration import CountKinetics, count_kinetics
from ashworth.errors import EstimationError
from ashworth.figures import Figure, counts_over_time_figure
from ashworth.figures.numbers import counted
from ashworth.reports import Callout, Column, FigureBlock, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import count, number, percent
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analysis_settings import MonitoringRequest

ALL, UNCLASSED = "All patients", "no class"
DRAWN = 300
METHODS = (
    "Kinetics: Poisson regression of each patient's counts on time with the log amount analysed as "
    "offset; profile limits of the slope. A course is called falling or rising where these limits "
    "exclude no change; otherwise the counts cannot tell."
)
CAUTION = (
    "Patients drawn more than once are those who lived and stayed under observation; their courses "
    "do not stand for all. Counts vary more between draws than Poisson noise alone: limits are "
    "then too narrow."
)


def run(context: Context, request: MonitoringRequest, anchor: str) -> AnalysisResult:
    """Course of the counts of every patient with two or more assessable draws."""
    marker = context.results.marker
    if marker is None:
        raise EstimationError("a covariate marker has no counts")
    draws = _draws(context)
    found = count_kinetics(
        draws["patient_id"], draws["specimen_day"], draws["n_cells"], draws["denominator"],
        level=context.settings.level,
    )  # fmt: skip
    if not found.n:
        raise EstimationError("no patient has two assessable draws")
    endpoint = _endpoint(context, request)
    grouped = _grouped(context, draws, found, endpoint)
    blocks: list[Block] = [
        Paragraph(_text(context, draws, found, marker.statuses)),
        _figure(context, endpoint, grouped, anchor),
        _table(context, grouped, found),
        Callout("caution", CAUTION),
    ]
    patients = found.table().with_columns(pl.col(pl.Float64).fill_nan(None))
    tables = {"kinetics": patients, "courses": found.summary}
    return AnalysisResult(f"{context.results.groups.name} under therapy", tuple(blocks), tables,
                          METHODS)  # fmt: skip


def _draws(context: Context) -> pl.DataFrame:
    """Counts with their days and amounts, of assessable draws."""
    assert context.results.marker is not None
    table = context.results.marker.statuses
    return table.filter(
        (pl.col("status") != "not_assessable")
        & pl.all_horizontal(
            pl.col("n_cells", "denominator", "specimen_day").is_not_null()
        )
    ).sort("patient_id", "specimen_day")  # fmt: skip


def _endpoint(context: Context, request: MonitoringRequest) -> Endpoint:
    """Endpoint whose events are marked: the first named, else progression, else the first."""
    endpoints = context.endpoints(request)
    if request.endpoints:
        return endpoints[0]
    return next((e for e in endpoints if e.id == "pfs"), endpoints[0])


def _grouped(
    context: Context, draws: pl.DataFrame, found: CountKinetics, endpoint: Endpoint
) -> pl.DataFrame:
    """Draws of patients with kinetics: group (class of dynamics), time, marked (later event)."""
    kept = draws.filter(pl.col("patient_id").is_in(found.table()["patient"].to_list()))
    marker = context.results.marker
    assert marker is not None
    if marker.dynamics is None:
        grouped = kept.with_columns(pl.lit(ALL).alias("group"))
    else:
        classes = marker.dynamics.select("patient_id", pl.col("dynamics_class").alias("group"))
        grouped = kept.join(classes, on="patient_id", how="left").with_columns(
            pl.col("group").fill_null(UNCLASSED)
        )
    events = context.results.course.events.filter(pl.col("endpoint") == endpoint.id).select(
        "patient_id", (pl.col("event_code") == 1).alias("marked")
    )
    order = _order(context)
    return (
        grouped.join(events, on="patient_id", how="left")
        .with_columns(
            pl.col("marked").fill_null(value=False),
            pl.col("specimen_day").min().over("patient_id").alias("_start"),
            pl.col("group").replace_strict(order, default=len(order)).alias("_rank"),
        )
        .select(
            "group", pl.col("patient_id").alias("patient"), "timepoint", "_rank",
            (pl.col("specimen_day") - pl.col("_start")).cast(pl.Float64).alias("time"),
            pl.col("n_cells").alias("count"), "marked",
        )
        .sort("_rank", "patient", "time")
        .drop("_rank")
    )  # fmt: skip


def _order(context: Context) -> dict[str, int]:
    """Order of the classes."""
    rule = context.results.dynamics_rule
    names = [ALL] if rule is None else [c.name for c in rule.classes]
    return {name: place for place, name in enumerate(names)}


def medians_of(grouped: pl.DataFrame) -> pl.DataFrame:
    """Median count and median day of each group at each time point."""
    rows: list[dict[str, Any]] = []
    for group in grouped["group"].unique(maintain_order=True).to_list():
        mine = grouped.filter(pl.col("group") == group)
        for point in mine.sort("time")["timepoint"].unique(maintain_order=True).to_list():
            here = mine.filter(pl.col("timepoint") == point)
            rows.append(
                {
                    "group": group, "timepoint": point, "n": here.height,
                    "time": float(np.median(here["time"].to_numpy())),
                    "median": float(np.median(here["count"].to_numpy())),
                }
            )  # fmt: skip
    return pl.DataFrame(rows)


def _figure(
    context: Context, endpoint: Endpoint, grouped: pl.DataFrame, anchor: str
) -> FigureBlock:
    """One line per patient; the first 300 by a fixed order where there are more."""
    patients = grouped["patient"].unique().sort()
    step = -(-patients.len() // DRAWN)
    shown = grouped.filter(pl.col("patient").is_in(patients.gather_every(step).to_list()))
    cell, rule = context.results.groups.name, context.results.rule
    cut = None if rule is None or rule.cutoff().at_least is None else rule.cutoff().at_least
    few = (
        f"Every {_nth(step)} patient by pseudonym is drawn; medians are of all." if step > 1 else ""
    )
    figure: Figure = counts_over_time_figure(
        shown.drop("timepoint"), medians_of(grouped), name=f"{anchor}-counts", title="",
        x_title="Days from the first draw", y_title=f"{cell} counted", time_unit="days", cut=cut,
        marked=f"event of {endpoint.abbreviation} in follow-up", note=few,
        simulated=context.simulated,
    )  # fmt: skip
    by = " by class of dynamics" if context.results.dynamics_rule is not None else ""
    caption = f"{cell} under therapy{by}, one line per patient, on a log(1 + count) axis."
    return FigureBlock(figure, caption)


def _nth(step: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(step, f"{step}th")


def _text(
    context: Context, draws: pl.DataFrame, found: CountKinetics, statuses: pl.DataFrame
) -> str:
    """Who has kinetics, what they say, who is left out."""
    courses = {r["course"]: r["n"] for r in found.summary.to_dicts()}
    lost = statuses.height - draws.height
    dispersed = found.table()["dispersion_p_value"].fill_nan(None).drop_nulls()
    words = [
        f"{counted(found.n, 'patient')} with two or more assessable draws ({found.n_draws:,} "
        f"draws): the concentration falls in {courses['falling']:,}, rises in "
        f"{courses['rising']:,}; in {courses['unclear']:,} the counts cannot tell, and "
        f"{courses['no cells']:,} had no cell in any draw."
    ]
    life = found.table().filter(pl.col("course") == "falling")["half_life_days"].to_numpy()
    life = life[np.isfinite(life)]
    if life.size:
        q = np.quantile(life, [0.25, 0.5, 0.75])
        words.append(
            f"Where it falls, the half-life has a median of {number(q[1], 1)} days (quartiles "
            f"{number(q[0], 1)} and {number(q[2], 1)}; 0 where all cells were in the first draw)."
        )
    if found.single or lost:
        words.append(
            f"Left out: {counted(found.single, 'patient')} with one assessable draw, and "
            f"{counted(lost, 'draw')} that cannot be assessed."
        )
    if dispersed.len():
        odd = int((dispersed < 0.05).sum())
        words.append(
            f"More spread than Poisson (p < 0.05): {odd:,} of {dispersed.len():,} patients with "
            "three or more draws."
        )
    return " ".join(words)


def _table(context: Context, grouped: pl.DataFrame, found: CountKinetics) -> Table:
    """Courses by class of dynamics."""
    classes = grouped.select("patient", "group").unique(maintain_order=True)
    joined = classes.join(found.table().select("patient", "course"), on="patient", how="left")
    names = ("falling", "rising", "unclear", "no cells")
    rows = []
    for group in classes["group"].unique(maintain_order=True).to_list():
        mine = joined.filter(pl.col("group") == group)
        counts = [mine.filter(pl.col("course") == name).height for name in names]
        share = percent(counts[0] / mine.height)
        cells = (count(mine.height), *(count(n) for n in counts), share)
        rows.append(Row((str(group), *cells)))
    columns = [Column(name.capitalize()) for name in names]
    return Table(
        (Column("Class", "left"), Column("Patients"), *columns, Column("Falling", "decimal", "%")),
        tuple(rows),
        f"Course of the concentration by class, limits {100 * context.settings.level:g}%.",
        ("A class compares two statuses with the cut-off; a course is the slope over all draws.",),
    )  # fmt: skip
