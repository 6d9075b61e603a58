"""All draws of a study and the outcomes of an endpoint, as landmarks and histories take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError, InputError
from ashworth.workflows.study.analyses.context import Context


def draws_by_status(context: Context) -> pl.DataFrame:
    """patient_id, day, status (label of the group), rank, high of every assessable draw."""
    return context.results.groups.frame.select(
        "patient_id", "rank", "high", day="clock_day", status="group"
    ).sort("patient_id", "day")


def draws_by_dynamics(context: Context) -> pl.DataFrame:
    """patient_id, day, status: the dynamics class, known from the second draw's day on."""
    marker = context.results.marker
    if marker is None or marker.dynamics is None:
        raise EstimationError(
            "there are no dynamics classes; the study file needs a dynamics rule and two time "
            "points"
        )
    return (
        marker.dynamics.filter(pl.col("dynamics_class").is_not_null())
        .select("patient_id", day="to_day", status="dynamics_class")
        .sort("patient_id", "day")
    )


def not_assessable(context: Context) -> int:
    """Number of draws without a status."""
    marker = context.results.marker
    if marker is None:
        return 0
    return marker.statuses.height - context.results.groups.frame.height


def outcomes_of(context: Context, endpoint: Endpoint) -> pl.DataFrame:
    """patient_id, entry_day, exit_day, event_code of an endpoint."""
    events = context.results.course.events.filter(pl.col("endpoint") == endpoint.id)
    return events.select("patient_id", "entry_day", "exit_day", "event_code").sort("patient_id")


def built(build: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a builder; faults of the study's days (two draws on one day) become a remark."""
    try:
        return build(*arguments, unknown_patients="ignore", **options)
    except InputError as error:
        raise EstimationError("; ".join(str(p) for p in error.problems)) from None
