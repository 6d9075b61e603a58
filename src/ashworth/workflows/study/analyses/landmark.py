"""Outcome from landmarks on, by the status or dynamics class known by then."""

from __future__ import annotations

import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures.numbers import counted
from ashworth.reports import Paragraph, Section
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import p_words, ratio_limits
from ashworth.survival import LandmarkResult, landmark
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.landmark_summary import (
    AtLandmark,
    by_words,
    effects_table,
    strata_of,
    summary,
)
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.serial_draws import (
    built,
    draws_by_dynamics,
    draws_by_status,
    not_assessable,
    outcomes_of,
)
from ashworth.workflows.study.analyses.words import remarks, sizes, span, spans
from ashworth.workflows.study.analysis_settings import LandmarkRequest
from ashworth.workflows.study.clock import AnalysisSet
from ashworth.workflows.study.groups import MarkerGroups
from ashworth.workflows.study.methods import stratified_words
from ashworth.workflows.study.models import cox_models
from ashworth.workflows.study.sections_endpoint import curve_block, estimates_table
from ashworth.workflows.study.survival_by_status import survival_by_status


def run(context: Context, request: LandmarkRequest, anchor: str) -> AnalysisResult:
    """Compare groups from each landmark on."""
    parts: list[pl.DataFrame] = []
    left_out: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        groups, draws = _groups(context, request)
        blocks: list[Block] = []
        done: list[AtLandmark] = []
        for at in sorted(set(request.at)):
            try:
                found = built(landmark, draws, outcomes_of(context, endpoint), context.days(at))
                left_out.append(found.left_out.with_columns(endpoint=pl.lit(endpoint.id)))
                one = _analysed(context, request, groups, endpoint, found, at)
            except EstimationError as error:
                where = f"Landmark {span(at, context.settings.time_unit)}"
                blocks += remarks([f"{where}, not estimated: {error}"])
                continue
            done.append(one)
            place = f"{name}-{at:g}".replace(".", "-")
            blocks.append(_section(context, request, endpoint, one, found, place))
        if done:
            parts.append(effects_table(context, endpoint, groups, done))
            blocks += summary(context, request, endpoint, draws, done, parts[-1])
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    tables = {}
    if parts:
        tables["hazard_ratios"] = pl.concat(parts)
    if left_out:
        tables["left_out"] = pl.concat(left_out)
    return AnalysisResult(_title(request), blocks, tables, _methods(context, request))


def _title(request: LandmarkRequest) -> str:
    by = "status" if request.by == "status" else "dynamics class"
    return f"Landmark analysis by {by}"


def _methods(context: Context, request: LandmarkRequest) -> str:
    """What was done."""
    what = (
        "the status of the latest assessable draw on or before it"
        if request.by == "status"
        else "the dynamics class known by then"
    )
    text = (
        f"Landmark analyses at {spans(request.at, context.settings.time_unit)} after the index "
        f"date took the patients still at risk after the landmark, grouped by {what}; time runs "
        "from the landmark. Patients with an event or censored on or before the landmark are left "
        "out, so that no immortal time enters (Anderson, Cain and Gelber 1983)."
    )
    if len(set(request.at)) > 1 and request.by == "status":
        text += (
            " One model over all landmarks is stratified by landmark, with a variance clustered by "
            "patient (van Houwelingen 2007)."
        )
    return text


def _groups(context: Context, request: LandmarkRequest) -> tuple[MarkerGroups, pl.DataFrame]:
    """Groups in their order, and the draws with their label."""
    if request.by == "status":
        return context.results.groups, draws_by_status(context)
    draws = draws_by_dynamics(context)
    rule = context.results.dynamics_rule
    names = [c.name for c in rule.classes] if rule is not None else []
    labels = tuple(n for n in dict.fromkeys(names) if (draws["status"] == n).any())
    if len(labels) < 2:
        raise EstimationError("patients of one dynamics class only; there is nothing to compare")
    groups = MarkerGroups(
        draws, context.results.groups.timepoints, labels, labels[0], "", "Dynamics class"
    )
    return groups, draws


def _analysed(
    context: Context, request: LandmarkRequest, groups: MarkerGroups, endpoint: Endpoint,
    found: LandmarkResult, at: float,
) -> AtLandmark:  # fmt: skip
    """Curves, test and models from the landmark on."""
    places = {label: rank for rank, label in enumerate(groups.labels)}
    high = context.results.groups.frame.filter("high")["group"].unique().implode()
    frame = found.frame.select(
        "patient_id", pl.col("status").alias("group"),
        pl.col("status").replace_strict(places, return_dtype=pl.Int64).alias("rank"),
        pl.col("status").is_in(high).alias("high"), pl.lit(0, dtype=pl.Int64).alias("entry"),
        "time", "event", "event_code",
    )  # fmt: skip
    analysis = AnalysisSet(
        endpoint.id, f"landmark {at:g}", frame, _reasons(found, request), delayed=False
    )
    strata = strata_of(context, frame)
    by_group = groups is not context.results.groups or groups.ordinal
    survival = survival_by_status(analysis, context.settings, strata, by_group=by_group)
    models = None
    if survival.test is not None:
        models = cox_models(
            analysis, context.results.patients, context.codings, groups, context.settings, strata
        )
    return AtLandmark(at, survival, models)


def _section(
    context: Context, request: LandmarkRequest, endpoint: Endpoint, one: AtLandmark,
    found: LandmarkResult, name: str,
) -> Section:  # fmt: skip
    """Who is analysed, curve and estimates of one landmark."""
    survival, unit = one.survival, context.settings.time_unit
    analysis = survival.analysis
    when = span(one.at, unit)
    lines = []
    if survival.hazard_ratio is not None:
        r, groups = survival.hazard_ratio, context.results.groups
        words = ratio_limits(r["estimate"], r["lower"], r["upper"])
        lines.append(f"HR {words}, {groups.high} against {groups.low}")
    if survival.test is not None:
        lines.append(f"log-rank {p_words(survival.test.p_value)}")
    stratified = stratified_words(context.settings)
    lines += [stratified] if stratified else []
    caption = (
        f"{endpoint.title} from the landmark at {when}, by {by_words(request)} known by then: "
        f"{sizes(analysis.n, analysis.n_events)}. Bands: pointwise "
        f"{100 * context.settings.level:g}% limits."
    )
    blocks: list[Block] = [
        Paragraph(_who(context, request, found)),
        curve_block(context.results, survival, endpoint, name=f"{name}-km", lines=lines,
                    caption=caption),
        estimates_table(context.results, survival,
                        f"{endpoint.abbreviation} from the landmark at {when}, by "
                        f"{by_words(request)}."),
    ]  # fmt: skip
    notes = [survival.problem] if survival.problem else []
    if analysis.n_competing:
        notes.append(
            f"{counted(analysis.n_competing, 'patient')} had a competing event first, where "
            "follow-up ends"
        )
    return Section(f"{endpoint.abbreviation} from {when}", name, (*blocks, *remarks(notes)))


def _who(context: Context, request: LandmarkRequest, found: LandmarkResult) -> str:
    """Patients analysed and left out, with reasons."""
    gone = _reasons(found, request)
    text = f"{found.n:,} of {found.n_patients:,} patients with follow-up are analysed"
    if gone.height:
        text += "; left out: " + "; ".join(f"{r} {n:,}" for r, n in gone.rows())
    text += "."
    if request.by == "status":
        passed = not_assessable(context)
        if passed:
            text += (
                f" Draws that were not assessable ({passed:,} of the study) are passed over: the "
                "last assessable status goes on."
            )
    else:
        text += " A class is known from the day of the second draw on."
    return text


def _reasons(found: LandmarkResult, request: LandmarkRequest) -> pl.DataFrame:
    """Who is left out: reason, n."""
    gone = found.left_out.filter(pl.col("n") > 0).select("reason", "n")
    what = "dynamics class" if request.by == "dynamics" else "assessable draw"
    return gone.with_columns(
        pl.col("reason").replace("no draw by the landmark", f"no {what} by the landmark")
    )
