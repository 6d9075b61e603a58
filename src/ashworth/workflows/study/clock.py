"""The clock: every analysis by status starts on the day that the status could be known."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ashworth.errors import ImmortalTimeError
from ashworth.workflows.study.events import Course
from ashworth.workflows.study.settings import ClockStart


@dataclass(frozen=True, slots=True)
class AnalysisSet:
    """Patients of one endpoint and time point on their clock.

    Attributes
    ----------
    endpoint, timepoint : str
        What is analysed, by the status of which time point.
    frame : polars.DataFrame
        patient_id, group, rank, high, entry, time (days on the clock), event (0 or 1), event_code.
    exclusions : polars.DataFrame
        reason, n: assessable patients who are not in `frame`.
    delayed : bool
        Whether anybody enters after time zero.
    """

    endpoint: str
    timepoint: str
    frame: pl.DataFrame
    exclusions: pl.DataFrame
    delayed: bool

    @property
    def n(self) -> int:
        """Number of patients."""
        return self.frame.height

    @property
    def n_events(self) -> int:
        """Number of events."""
        return int(self.frame["event"].sum())

    @property
    def n_competing(self) -> int:
        """Number of patients whose follow-up ended with a competing event."""
        return int((self.frame["event_code"] > 1).sum())


def start_clock(
    groups: pl.DataFrame, course: Course, *, endpoint: str, clock: ClockStart
) -> AnalysisSet:
    """Put the patients of one time point on the clock of one endpoint.

    Parameters
    ----------
    groups : polars.DataFrame
        patient_id, timepoint (one), clock_day, group, rank, high.
    course : Course
        Events, and who was never at risk.
    endpoint : str
        Endpoint id.
    clock : {'specimen', 'index-delayed-entry', 'index'}
        Time zero is the specimen's day; or the index day with entry on the specimen's day; or
        the index day alone, which is allowed only if no specimen was taken later.

    Returns
    -------
    AnalysisSet

    Raises
    ------
    ImmortalTimeError
        If the clock starts at the index day and a status became known later: those patients had
        to stay event-free to be classified (Anderson, Cain and Gelber, J Clin Oncol 1983;1:710).
    """
    timepoint = groups["timepoint"][0] if groups.height else ""
    if clock == "index":
        _refuse_immortal_time(groups, timepoint)
    mine = course.events.filter(pl.col("endpoint") == endpoint)
    never = course.excluded.filter(pl.col("endpoint") == endpoint).select("patient_id", "reason")
    joined = (
        groups.join(mine, on="patient_id", how="left")
        .join(never, on="patient_id", how="left")
        .with_columns(pl.max_horizontal("entry_day", "clock_day").alias("start_day"))
    )
    zero = pl.col("clock_day") if clock == "specimen" else pl.lit(0, dtype=pl.Int64)
    kept = (
        joined.filter(pl.col("exit_day") > pl.col("start_day"))
        .select(
            "patient_id",
            "group",
            "rank",
            "high",
            pl.max_horizontal(pl.col("start_day") - zero, pl.lit(0)).alias("entry"),
            (pl.col("exit_day") - zero).alias("time"),
            (pl.col("event_code") == 1).cast(pl.Int64).alias("event"),
            "event_code",
        )
        .sort("patient_id")
    )
    return AnalysisSet(
        endpoint=endpoint,
        timepoint=timepoint,
        frame=kept,
        exclusions=_exclusions(joined),
        delayed=bool((kept["entry"] > 0).any()),
    )


def _refuse_immortal_time(groups: pl.DataFrame, timepoint: str) -> None:
    """Refuse a clock that starts before the status is known."""
    late = groups.filter(pl.col("clock_day") > 0)
    if late.height:
        first = ", ".join(late["patient_id"].head(3).to_list())
        raise ImmortalTimeError(
            f"immortal time: clock = 'index' starts on day 0, but {late.height} of {groups.height} "
            f"specimens of time point '{timepoint}' were taken later (first patients: {first}; "
            f"latest day {late['clock_day'].max()}). A patient must stay event-free until the draw "
            "to have that status. Allowed: clock = 'specimen' (time from the draw) or "
            "clock = 'index-delayed-entry' (time from the index day, entry at the draw)"
        )


def _exclusions(joined: pl.DataFrame) -> pl.DataFrame:
    """Count who has a status but cannot enter, and why."""
    before = pl.col("exit_day") <= pl.col("start_day")
    reason = (
        pl.when(pl.col("exit_day").is_null())
        .then(pl.col("reason").fill_null("no follow-up for this endpoint"))
        .when(before & (pl.col("event_code") == 1))
        .then(pl.lit("event on or before the day of the specimen"))
        .when(before & (pl.col("event_code") > 1))
        .then(pl.lit("competing event on or before the day of the specimen"))
        .when(before)
        .then(pl.lit("follow-up ended on or before the day of the specimen"))
    )
    return (
        joined.with_columns(reason.alias("reason"))
        .filter(pl.col("reason").is_not_null())
        .group_by("reason")
        .len("n")
        .with_columns(pl.col("n").cast(pl.Int64))
        .sort("reason")
    )
