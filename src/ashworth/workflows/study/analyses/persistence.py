"""Whether those high at the first draw are still high at the second, and how they fare (S0500)."""

from __future__ import annotations

from typing import Literal

import polars as pl

from ashworth.definitions import Endpoint
from ashworth.figures import cohort_flow_figure, kaplan_meier_figure, time_ticks
from ashworth.reports import Callout, Column, FigureBlock, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import count, median_limits, p_words, percent_limits, ratio_limits
from ashworth.survival import Persistence, persistence
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import noted, remarks, sizes
from ashworth.workflows.study.analysis_settings import PersistenceRequest
from ashworth.workflows.study.methods import stratified_words
from ashworth.workflows.study.settings import TimePoint

CAUTION = (
    "The comparison is of patients drawn twice, by a status that treatment and disease made: it "
    "does not show that a change of therapy helps the persistent. In SWOG S0500 it did not."
)


def run(context: Context, request: PersistenceRequest, anchor: str) -> AnalysisResult:
    """Flow, share with limits, and outcome from the second draw on."""
    first, second = _points(context, request)
    flows: list[pl.DataFrame] = []
    groups: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, found = _endpoint(context, endpoint, name, (first, second))
        head = pl.lit(endpoint.id).alias("endpoint")
        flows.append(found.flow_table().select(head, pl.all()))
        if found.curves is not None:
            groups.append(_plain(found.table().select(head, pl.all())))
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    tables = {"flow": pl.concat(flows)} if flows else {}
    if groups:
        tables["groups"] = pl.concat(groups, how="vertical_relaxed")
    methods = (
        f"Persistence: of patients with {context.results.groups.high} at {first.title.lower()}, "
        f"those still so at {second.title.lower()}, with exact limits; outcome from the second "
        "draw on (landmark at the draw), log-rank test and Cox model (Smerage et al., J Clin "
        "Oncol 2014;32:3483)."
    )
    return AnalysisResult("Persistence of a high count", blocks, tables, methods)


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _points(context: Context, request: PersistenceRequest) -> tuple[TimePoint, TimePoint]:
    """First and second draw: as named, else the first two time points (order: see the settings)."""
    points = {p.name: p for p in context.results.groups.timepoints}
    names = list(points)
    first = request.first or names[0]
    later = names[names.index(first) + 1 :]
    return points[first], points[request.second or later[0]]


def _endpoint(
    context: Context, endpoint: Endpoint, name: str, points: tuple[TimePoint, TimePoint]
) -> tuple[list[Block], Persistence]:
    """One endpoint: text, flow, curves, table, remarks."""
    frame, unfollowed = _patients(context, endpoint, points)
    settings = context.settings
    strata = frame["stratum"] if "stratum" in frame.columns else None
    found, notes = noted(
        persistence, frame["before"], frame["after"], frame["draw"], frame["exit"], frame["event"],
        strata=strata, ci=settings.interval, ties=settings.ties, level=settings.level,
    )  # fmt: skip
    if found.problem:
        notes.append(found.problem)
    text = _text(context, endpoint, found, points, unfollowed)
    blocks: list[Block] = [Paragraph(text), _flow(context, endpoint, found, name)]
    if found.curves is not None:
        blocks += [_curves(context, endpoint, found, name), _table(context, endpoint, found)]
    return [*blocks, Callout("caution", CAUTION), *remarks(notes)], found


def _patients(
    context: Context, endpoint: Endpoint, points: tuple[TimePoint, TimePoint]
) -> tuple[pl.DataFrame, int]:
    """Statuses and days of both draws and the end of follow-up, in the report's unit of time."""
    per_unit = context.settings.days_per_unit
    first, second = (_status(context, p.name) for p in points)
    events = context.results.course.events.filter(pl.col("endpoint") == endpoint.id)
    frame = (
        first.select("patient_id", pl.col("high").alias("before"))
        .join(
            second.select("patient_id", pl.col("high").alias("after"), "day"),
            on="patient_id", how="left",
        )
        .join(events, on="patient_id", how="left")
        .sort("patient_id")
    )  # fmt: skip
    followed = frame.filter(pl.col("exit_day").is_not_null())
    if context.results.strata is not None:
        followed = followed.join(context.results.strata, on="patient_id", how="left")
    out = followed.with_columns(
        (pl.col("day") / per_unit).alias("draw"),
        (pl.col("exit_day") / per_unit).alias("exit"),
        (pl.col("event_code") == 1).cast(pl.Int64).alias("event"),
    )
    return out, frame.height - followed.height


def _status(context: Context, timepoint: str) -> pl.DataFrame:
    """patient_id, day of the draw, high (null where not assessable)."""
    assessable = pl.col("status") != "not_assessable"
    return context.counts(timepoint).select(
        "patient_id",
        pl.col("specimen_day").cast(pl.Float64).alias("day"),
        pl.when(assessable).then((pl.col("status") == "positive").cast(pl.Int64)).alias("high"),
    )


def _text(
    context: Context, endpoint: Endpoint, found: Persistence, points: tuple[TimePoint, TimePoint],
    unfollowed: int,
) -> str:  # fmt: skip
    """Share, comparison, who has no follow-up."""
    groups, first, second = context.results.groups, points[0].title, points[1].title
    share = percent_limits(_known(found.proportion), _known(found.lower), _known(found.upper))
    words = [
        f"Of {found.n_high:,} patients with {groups.high} at {first.lower()}, "
        f"{found.n_assessed:,} had an assessable count at {second.lower()}, and of these "
        f"{found.n_persistent:,} were still high: {share}.",
        f"{endpoint.abbreviation} from the second draw on: {sizes(found.n, found.events)}.",
    ]
    if found.hazard_ratio is not None and found.log_rank_test is not None:
        how = stratified_words(context.settings, "not adjusted")
        words.append(
            f"Persistent against cleared: hazard ratio {_ratio(context, found)}, {how}; log-rank "
            f"{p_words(_known(found.log_rank_test.p_value))}."
        )
    if unfollowed:
        words.append(f"{unfollowed:,} patients have no follow-up for {endpoint.abbreviation}.")
    return " ".join(words)


def _known(value: float) -> float | None:
    return None if value != value else float(value)


def _ratio(context: Context, found: Persistence) -> str:
    assert found.hazard_ratio is not None
    row = found.hazard_ratio.table(context.settings.level).row(0, named=True)
    return ratio_limits(*(_known(row[k]) for k in ("hazard_ratio", "lower", "upper")))


def _flow(context: Context, endpoint: Endpoint, found: Persistence, name: str) -> FigureBlock:
    """Boxes from all patients to the two groups."""
    rows = [
        ("step" if role == "step" else "excluded", what[:1].upper() + what[1:], n)
        for role, what, n in found.flow
    ]
    if found.curves is not None:
        rows += [
            ("group", str(group).capitalize(), int(curve.n))
            for group, curve in found.curves.groups.items()
        ]
    frame = pl.DataFrame(rows, schema=["role", "label", "n"], orient="row")
    figure = cohort_flow_figure(frame, name=f"{name}-flow", simulated=context.simulated)
    return FigureBlock(figure, f"From all patients to those compared, {endpoint.abbreviation}.")


def _curves(context: Context, endpoint: Endpoint, found: Persistence, name: str) -> FigureBlock:
    """Kaplan-Meier from the second draw, cleared first."""
    assert found.curves is not None
    settings = context.settings
    unit: Literal["months", "years"] = settings.time_unit
    curves = _whole(found.curves.table())
    ticks = time_ticks(float(curves["time"].to_numpy().max()), unit)
    lines = []
    if found.log_rank_test is not None:
        test = p_words(_known(found.log_rank_test.p_value))
        lines = [f"HR {_ratio(context, found)}", f"log-rank {test}"]
    figure = kaplan_meier_figure(
        curves, _whole(found.curves.risk_table(ticks)), name=f"{name}-curves", title="",
        x_title=f"Time from the second draw ({unit})", y_title=endpoint.title, labels=lines,
        time_unit=unit, simulated=context.simulated,
    )  # fmt: skip
    return FigureBlock(figure, f"{endpoint.title} from the second draw on, by persistence.")


def _whole(frame: pl.DataFrame) -> pl.DataFrame:
    """Patients as integers, no limit as null."""
    return frame.with_columns(
        pl.col("group").cast(pl.String),
        pl.col("at_risk", "n_events", "n_censored").cast(pl.Int64),
        pl.col(pl.Float64).exclude("at_risk", "n_events", "n_censored").fill_nan(None),
    )


def _table(context: Context, endpoint: Endpoint, found: Persistence) -> Table:
    """Patients, events and medians by group."""
    rows = [
        Row(
            (
                r["group"].capitalize(), count(r["n"]), count(r["events"]),
                median_limits(
                    _known(r["median"]), _known(r["median_lower"]), _known(r["median_upper"])
                ),
            )
        )
        for r in found.table().to_dicts()
    ]  # fmt: skip
    unit, level = context.settings.time_unit, context.settings.level
    return Table(
        (Column("Group", "left"), Column("Patients"), Column("Events"),
         Column("Median", "right", f"{unit} ({100 * level:g}% CI)")),
        tuple(rows),
        f"{endpoint.abbreviation} from the second draw on.",
    )  # fmt: skip
