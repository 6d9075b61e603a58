"""Hazard ratios of all landmarks side by side, and the model over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.reports import Column, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import count, p_value, p_words, ratio_limits
from ashworth.survival import landmark
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.serial_draws import (
    built,
    outcomes_of,
)
from ashworth.workflows.study.analyses.words import remarks, sizes, span
from ashworth.workflows.study.analysis_settings import LandmarkRequest
from ashworth.workflows.study.fitting import fit_cox
from ashworth.workflows.study.groups import MarkerGroups
from ashworth.workflows.study.methods import stratified_words
from ashworth.workflows.study.models import CoxModels
from ashworth.workflows.study.survival_by_status import SurvivalByStatus

TABLE = {
    "endpoint": pl.String, "landmark_days": pl.Float64, "group": pl.String, "n": pl.Int64,
    "events": pl.Int64, "hazard_ratio": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
    "p_value": pl.Float64, "adjusted_hazard_ratio": pl.Float64, "adjusted_lower": pl.Float64,
    "adjusted_upper": pl.Float64, "adjusted_p_value": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AtLandmark:
    """One endpoint at one landmark."""

    at: float
    survival: SurvivalByStatus
    models: CoxModels | None


def strata_of(context: Context, frame: pl.DataFrame) -> Any:
    """Strata of the study in the order of a frame."""
    strata = context.results.strata
    if strata is None:
        return None
    return frame.select("patient_id").join(
        strata, on="patient_id", how="left", maintain_order="left"
    )["stratum"].to_numpy()  # fmt: skip


def by_words(request: LandmarkRequest) -> str:
    """What groups the patients, in words."""
    return "status" if request.by == "status" else "dynamics class"


def effects_table(
    context: Context, endpoint: Endpoint, groups: MarkerGroups, done: list[AtLandmark]
) -> pl.DataFrame:
    """Hazard ratios of every landmark and group, crude and adjusted."""
    rows = []
    for one in done:
        frame = one.survival.analysis.frame
        for label in groups.labels:
            mine = frame.filter(pl.col("group") == label)
            head = (endpoint.id, context.days(one.at), label, mine.height, int(mine["event"].sum()))
            rows.append((*head, *_effect(one.models, label, "univariable"),
                         *_effect(one.models, label, "multivariable")))  # fmt: skip
    table = pl.DataFrame(rows, schema=TABLE, orient="row")
    if not context.codings:
        none = [pl.lit(None, dtype=pl.Float64).alias(c) for c in TABLE if c.startswith("adjusted")]
        return table.with_columns(none)
    return table


def _effect(models: CoxModels | None, label: str, which: str) -> tuple[float | None, ...]:
    """Hazard ratio, limits and p of a group; nothing for the reference."""
    if models is None:
        return (None,) * 4
    row = getattr(models, which).filter(pl.col("label") == label).row(0, named=True)
    return tuple(row[k] for k in ("estimate", "lower", "upper", "p_value"))


def summary(
    context: Context, request: LandmarkRequest, endpoint: Endpoint, draws: pl.DataFrame,
    done: list[AtLandmark], table: pl.DataFrame,
) -> list[Block]:  # fmt: skip
    """Hazard ratios of all landmarks side by side, and the model over all of them."""
    unit, level = context.settings.time_unit, f"HR ({100 * context.settings.level:g}% CI)"
    adjusted = bool(context.codings)
    rows = []
    for r in table.iter_rows(named=True):
        reference = r["hazard_ratio"] is None and r["group"] == table["group"][0]
        at = span(r["landmark_days"] / context.settings.days_per_unit, unit)
        cells = [at, r["group"], count(r["n"]), count(r["events"])]
        for prefix in ("", "adjusted_") if adjusted else ("",):
            keys = (f"{prefix}hazard_ratio", f"{prefix}lower", f"{prefix}upper")
            words = ratio_limits(*(r[k] for k in keys))
            cells += ["1 (reference)", ""] if reference else [words, p_value(r[f"{prefix}p_value"])]
        rows.append(Row(tuple(cells)))
    columns = [
        Column("Landmark", "left"), Column("Group", "left"), Column("Patients"), Column("Events"),
        Column("Not adjusted", "right", level), Column("p", "decimal"),
    ]  # fmt: skip
    if adjusted:
        columns += [Column("Adjusted", "right", level), Column("p", "decimal")]
    notes = [_complete(one, unit) for one in done if one.models is not None and adjusted]
    stratified = stratified_words(context.settings)
    notes += [f"All models are {stratified}."] if stratified else []
    blocks: list[Block] = [
        Table(tuple(columns), tuple(rows), f"{endpoint.abbreviation} from landmarks on: hazard "
              f"ratios by {by_words(request)}.", tuple(notes))
    ]  # fmt: skip
    if len(done) > 1 and request.by == "status":
        blocks.append(Paragraph(_all_landmarks(context, endpoint, draws, done)))
    said = [note for one in done if one.models is not None for note in one.models.notes]
    return [*blocks, *remarks(said)]


def _complete(one: AtLandmark, unit: str) -> str:
    """Size of an adjusted model."""
    assert one.models is not None
    missing = one.survival.analysis.n - one.models.n
    return f"Adjusted at {span(one.at, unit)}: {sizes(one.models.n, one.models.events)}" + (
        f"; {missing:,} left out for a missing covariate." if missing else "."
    )


def _all_landmarks(
    context: Context, endpoint: Endpoint, draws: pl.DataFrame, done: list[AtLandmark]
) -> str:
    """One hazard ratio over all landmarks."""
    at = [context.days(one.at) for one in done]
    frame = built(landmark, draws, outcomes_of(context, endpoint), at).frame
    high = context.results.groups.frame.filter("high")["group"].unique().implode()
    stratum = frame["landmark"].cast(pl.String)
    mine = strata_of(context, frame)
    if mine is not None:
        stratum = stratum + "|" + pl.Series(mine).cast(pl.String)
    fit, notes = fit_cox(
        frame["time"], frame["event"], frame["status"].is_in(high).cast(pl.Float64),
        names=[context.results.groups.high], strata=stratum, cluster=frame["patient_id"],
        ties=context.settings.ties,
    )  # fmt: skip
    if fit is None or not np.isfinite(fit.coefficients[0]):
        return f"All landmarks together, not estimated: {'; '.join(notes)}."
    lower, upper = np.exp(fit.confint(context.settings.level)[0])
    words = ratio_limits(float(fit.hazard_ratios[0]), float(lower), float(upper))
    return (
        f"All landmarks together, {context.results.groups.high} against "
        f"{context.results.groups.low}: HR {words}, {p_words(float(fit.p_values[0]))} "
        f"({frame.height:,} rows of {frame['patient_id'].n_unique():,} patients; stratified by "
        f"{' and '.join(['landmark', *context.settings.stratify])}, not adjusted, robust variance "
        "clustered by patient)."
    )
