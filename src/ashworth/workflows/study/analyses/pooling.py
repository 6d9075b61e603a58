"""The marker over centres: two stages, one stage, one centre left out, interactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.evidence import (
    CentreInteraction,
    LeaveOneOut,
    OneStage,
    TwoStage,
    interaction_within_and_across,
    leave_one_centre_out,
    one_stage,
    two_stage,
)
from ashworth.reports import Callout
from ashworth.reports.blocks import Block
from ashworth.survival import FrailtyResult, frailty_cox
from ashworth.workflows.study.analyses.context import (
    Context,
    Rows,
    covariate_matrix,
    demand_groups,
)
from ashworth.workflows.study.analyses.pooling_blocks import (
    centre_forest,
    interaction_table,
    left_out_table,
    models_table,
    noun,
    opening,
)
from ashworth.workflows.study.analyses.pooling_tables import (
    TEST,
    centre_rows,
    interaction_rows,
    left_out_rows,
    model_rows,
)
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import noted, remarks
from ashworth.workflows.study.analysis_settings import PoolingRequest
from ashworth.workflows.study.coding import MISSING_LEVELS, Coding

TITLE = "Pooled over centres"
METHODS = (
    "Two stages: a Cox model in each centre, then random effects over the centres' log hazard "
    "ratios (restricted maximum likelihood; intervals of Hartung, Knapp, Sidik and Jonkman with a "
    "variance factor of at least 1; Q-profile limits of the between-centre variance; prediction "
    "interval with k - 1 degrees of freedom). One stage: a Cox model of all patients with a "
    "baseline hazard per centre, and one with a shared gamma frailty. Centres without an estimate "
    "are listed with the reason."
)
INTERACTION_METHODS = (
    " Interactions were estimated with the covariate centred at its mean in each centre and the "
    "mean as a term of its own, so that differences between centres are not read as differences "
    "between patients."
)


@dataclass(frozen=True, slots=True)
class Fits:
    """One set of covariates: both stages.

    Attributes
    ----------
    title : str
        "Not adjusted" or "Adjusted".
    adjusted_for : str
        Labels of the covariates.
    one : OneStage
    two : TwoStage or None
    frailty : FrailtyResult or None
    notes : list of str
        Why a model is absent, and warnings.
    """

    title: str
    adjusted_for: str
    one: OneStage
    two: TwoStage | None
    frailty: FrailtyResult | None
    notes: list[str]


def run(context: Context, request: PoolingRequest, anchor: str) -> AnalysisResult:
    """Pool the marker's hazard ratio over the groups of a column."""
    found: dict[str, list[pl.DataFrame]] = {}

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, tables = _endpoint(context, request, endpoint, name)
        for key, table in tables.items():
            found.setdefault(key, []).append(table)
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    tables = {k: pl.concat(v, how="vertical_relaxed") for k, v in found.items()}
    methods = METHODS + (INTERACTION_METHODS if request.interactions else "")
    title = TITLE if request.by == "centre" else f"Pooled by {noun(request.by)}"
    return AnalysisResult(title, blocks, tables, methods)


def _centres(rows: Rows, column: str) -> tuple[Rows, NDArray[Any], int]:
    """Patients with a centre, their centres, and how many have none."""
    if column not in rows.patients.columns:
        raise EstimationError(f"the patients table has no column '{column}' to pool over")
    series = rows.patients[column]
    if series.dtype == pl.String:
        series = series.set(series.is_in(MISSING_LEVELS), None)
    known = series.is_not_null().to_numpy()
    if not known.any():
        raise EstimationError(f"no patient has a value of '{column}' to pool over")
    demand_groups(series, column)
    kept = rows.take(known)
    return kept, series.drop_nulls().to_numpy(), int((~known).sum())


def _endpoint(
    context: Context, request: PoolingRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], dict[str, pl.DataFrame]]:
    """One endpoint: text, forest, tables, remarks."""
    rows, centre, missing = _centres(
        context.rows(endpoint, context.timepoint(request).name), request.by
    )
    codings = [c for c in context.codings if c.column != request.by]
    fits = [_fit(context, rows, centre, [])]
    notes = list(fits[0].notes)
    if codings:
        try:
            fits.append(_fit(context, rows, centre, codings))
            notes += [f"adjusted: {note}" for note in fits[-1].notes]
        except EstimationError as error:
            notes.append(f"adjusted models not estimated: {error}")
    blocks: list[Block] = [opening(context, endpoint, request, fits, rows, missing)]
    blocks.append(centre_forest(context, endpoint, request, fits[0], name))
    models = pl.concat([model_rows(endpoint, f, context.settings.level) for f in fits])
    blocks.append(models_table(context, endpoint, fits, models))
    tables = {"models": models, "centres": pl.concat([centre_rows(endpoint, f) for f in fits])}
    more, further = _further(context, request, endpoint, rows, centre)
    return [*blocks, *more, *remarks(notes)], tables | further


def _fit(context: Context, rows: Rows, centre: NDArray[Any], codings: list[Coding]) -> Fits:
    """Both stages with and without covariates, on complete cases."""
    z, names, complete = covariate_matrix(rows, codings)
    kept, labels, z = rows.take(complete), centre[complete], z[complete]
    x = {"marker": kept.high} | {n: z[:, i] for i, n in enumerate(names)}
    settings = context.settings
    options: dict[str, Any] = {"entry": kept.entry, "ties": settings.ties}
    outcome = kept.time, kept.event, x, labels
    one, notes = noted(one_stage, *outcome, **options)
    two, frailty = None, None
    try:
        two, more = noted(two_stage, *outcome, **options, test=TEST, level=settings.level)
        notes += more
    except EstimationError as error:
        notes.append(f"{error}")
    try:
        frailty, more = noted(frailty_cox, *outcome, **options, level=settings.level)
        notes += more
    except EstimationError as error:
        notes.append(f"no frailty model: {error}")
    words = ", ".join(c.label for c in codings)
    return Fits("Adjusted" if codings else "Not adjusted", words, one, two, frailty, notes)


def _further(
    context: Context, request: PoolingRequest, endpoint: Endpoint, rows: Rows,
    centre: NDArray[Any],
) -> tuple[list[Block], dict[str, pl.DataFrame]]:  # fmt: skip
    """Leave-one-out and interactions; what cannot be estimated becomes a remark."""
    blocks: list[Block] = []
    tables: dict[str, pl.DataFrame] = {}
    try:
        pair = _leave_out(context, rows, centre)
        tables["left_out"] = left_out_rows(endpoint, *pair)
        blocks.append(left_out_table(context, endpoint, *pair))
    except EstimationError as error:
        blocks.append(Callout("note", f"Leaving out one centre: {error}."))
    found = []
    for coding in context.code(request.interactions, "interactions"):
        for j, label in enumerate(_interaction_labels(coding)):
            try:
                found.append((coding, label, _interaction(context, rows, centre, coding, j)))
            except EstimationError as error:
                blocks.append(Callout("note", f"Interaction with {label}: {error}."))
    if found:
        tables["interactions"] = pl.concat([interaction_rows(endpoint, *f) for f in found])
        blocks.append(interaction_table(context, endpoint, found))
    return blocks, tables


def _leave_out(
    context: Context, rows: Rows, centre: NDArray[Any]
) -> tuple[LeaveOneOut, LeaveOneOut]:
    """Two stages and one stage without each centre, not adjusted."""
    outcome = rows.time, rows.event, {"marker": rows.high}, centre
    settings = context.settings
    options: dict[str, Any] = {
        "entry": rows.entry, "ties": settings.ties, "test": TEST, "level": settings.level,
    }  # fmt: skip
    one = leave_one_centre_out(*outcome, stages="one", **options)
    return leave_one_centre_out(*outcome, stages="two", **options), one


def _interaction_labels(coding: Coding) -> list[str]:
    """Label of each column of a covariate; a level stands against all others."""
    if coding.kind == "number":
        return [coding.number_label]
    if len(coding.levels) == 2:
        return [f"{coding.label}: {coding.levels[1]} against {coding.levels[0]}"]
    return [f"{coding.label}: {level} against the other levels" for level in coding.levels[1:]]


def _interaction(
    context: Context, rows: Rows, centre: NDArray[Any], coding: Coding, j: int
) -> CentreInteraction:
    """Marker by one column of a covariate, within and across centres."""
    z, _, complete = covariate_matrix(rows, [coding])
    kept, settings = rows.take(complete), context.settings
    if not np.unique(z[complete, j]).size > 1:
        raise EstimationError("the covariate has one value only")
    found, _ = noted(
        interaction_within_and_across, kept.time, kept.event, kept.high, z[complete, j],
        centre[complete], marker_name="marker", covariate_name=coding.column, entry=kept.entry,
        ties=settings.ties, test=TEST, level=settings.level,
    )  # fmt: skip
    return found
