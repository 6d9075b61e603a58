"""The status as it changes over all draws, beside the status of the first draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures import forest_figure
from ashworth.figures.numbers import counted
from ashworth.reports import FigureBlock, Paragraph
from ashworth.reports.blocks import Block
from ashworth.survival import StatusHistory, status_history
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.serial_draws import (
    built,
    draws_by_status,
    not_assessable,
    outcomes_of,
)
from ashworth.workflows.study.analyses.words import forest_alt, remarks, span
from ashworth.workflows.study.analysis_settings import TimeVaryingStatusRequest
from ashworth.workflows.study.fitting import fit_cox
from ashworth.workflows.study.methods import stratified_words

TITLE = "Status updated at every draw"
FIRST, CURRENT = "Status of the first draw", "Current status"
CAUTION = (
    "The hazard ratio of the current status tells what is known on a day, not what a change of the "
    "status does: patients whose status changes differ from others, and therapy may have changed "
    "with it."
)
SECTIONS = ("One at a time", "Both together", "One at a time, adjusted", "Both together, adjusted")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Start-stop rows of one endpoint with a known status."""

    frame: pl.DataFrame
    current: np.ndarray
    first: np.ndarray
    covariates: np.ndarray
    names: list[str]
    strata: np.ndarray | None


def run(context: Context, request: TimeVaryingStatusRequest, anchor: str) -> AnalysisResult:
    """Fit Cox models with the current and with the first status on the same rows."""
    ratios: list[pl.DataFrame] = []
    histories: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, table, history = _endpoint(context, request, endpoint, name)
        ratios.append(table)
        histories.append(history.with_columns(endpoint=pl.lit(endpoint.id)))
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    tables = {"hazard_ratios": pl.concat(ratios), "rows": pl.concat(histories)} if ratios else {}
    return AnalysisResult(TITLE, blocks, tables, _methods(context, request))


def _methods(context: Context, request: TimeVaryingStatusRequest) -> str:
    """What was done."""
    text = (
        "Follow-up was cut at every assessable draw; a status counts from its day on, and an event "
        "on the day of a draw belongs to the status before it. Cox models on the index clock have "
        "patients at risk from their first assessable draw on, with the current status, with that "
        "of the first draw, or both, on the same rows."
    )
    if request.max_age is not None:
        text += (
            f" A status older than {span(request.max_age, context.settings.time_unit)} is unknown; "
            "time with an unknown status is left out."
        )
    return text


def _endpoint(
    context: Context, request: TimeVaryingStatusRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], pl.DataFrame, pl.DataFrame]:
    """One endpoint: text, forest, remarks, tables."""
    history = built(
        status_history, draws_by_status(context).drop("status"), outcomes_of(context, endpoint),
        status="high",
        max_age_days=None if request.max_age is None else context.days(request.max_age),
    )  # fmt: skip
    rows = _rows(context, history)
    table, notes = _models(context, endpoint, rows)
    blocks: list[Block] = [
        Paragraph(_text(context, endpoint, history, rows)),
        _forest(context, endpoint, table, name),
    ]
    return [*blocks, *remarks(notes)], table, history.rows.rename({"status": "high"})


def _rows(context: Context, history: StatusHistory) -> _Rows:
    """Rows with a known status, with that of the first one and the covariates."""
    frame = history.known()
    if frame.is_empty():
        raise EstimationError("no follow-up with a known status")
    first = frame.select(pl.col("status").first().over("patient_id"))["status"]
    patients = frame.select("patient_id").join(
        context.results.patients, on="patient_id", how="left", maintain_order="left"
    )
    blocks = [c.values(patients) for c in context.codings]
    covariates = np.column_stack(blocks) if blocks else np.empty((frame.height, 0))
    names = [t for c in context.codings for t in c.terms]
    strata = context.results.strata
    stratum = None
    if strata is not None:
        joined = frame.select("patient_id").join(
            strata, on="patient_id", how="left", maintain_order="left"
        )
        stratum = joined["stratum"].to_numpy()
    high, at_first = (s.cast(pl.Float64).to_numpy() for s in (frame["status"], first))
    return _Rows(frame, high, at_first, covariates, names, stratum)


def _models(context: Context, endpoint: Endpoint, rows: _Rows) -> tuple[pl.DataFrame, list[str]]:
    """Rows of all models for the forest, and their remarks."""
    if not rows.frame["event"].sum():
        raise EstimationError(f"{endpoint.abbreviation}: no events while the status was known")
    complete = np.asarray(~np.isnan(rows.covariates).any(axis=1), dtype=bool)
    everyone = np.ones(complete.size, dtype=bool)
    plans = [(SECTIONS[0], everyone, (FIRST,)), (SECTIONS[0], everyone, (CURRENT,)),
             (SECTIONS[1], everyone, (FIRST, CURRENT))]  # fmt: skip
    if rows.names:
        plans += [(SECTIONS[2], complete, (FIRST,)), (SECTIONS[2], complete, (CURRENT,)),
                  (SECTIONS[3], complete, (FIRST, CURRENT))]  # fmt: skip
    out: list[dict[str, object]] = []
    notes: list[str] = []
    for section, keep, terms in plans:
        made, said = _model(context, rows, section, keep, terms)
        out += made
        notes += said
    table = pl.DataFrame(out, infer_schema_length=None)
    return table.insert_column(0, pl.lit(endpoint.id).alias("endpoint")), notes


def _model(
    context: Context, rows: _Rows, section: str, keep: np.ndarray, terms: tuple[str, ...]
) -> tuple[list[dict[str, object]], list[str]]:
    """One model: rows of its status terms."""
    frame = rows.frame.filter(pl.Series(keep))
    columns = [{FIRST: rows.first, CURRENT: rows.current}[t][keep] for t in terms]
    adjusted = section in SECTIONS[2:]
    if adjusted:
        columns += list(rows.covariates[keep].T)
    names = [*terms, *(rows.names if adjusted else [])]
    fit, notes = fit_cox(
        frame["stop"], frame["event"], np.column_stack(columns), names=names,
        entry=frame["start"], strata=None if rows.strata is None else rows.strata[keep],
        ties=context.settings.ties,
    )  # fmt: skip
    n, events = frame["patient_id"].n_unique(), int(frame["event"].sum())
    made = []
    for place, term in enumerate(terms):
        row: dict[str, object] = {
            "section": section, "label": term, "n": n, "events": events, "estimate": None,
            "lower": None, "upper": None, "p_value": None, "is_reference": False,
            "log_likelihood": None,
        }  # fmt: skip
        if fit is not None and not np.isnan(fit.coefficients[place]):
            limits = np.exp(fit.confint(context.settings.level)[place])
            values = (fit.hazard_ratios[place], *limits, fit.p_values[place])
            known = [None if np.isnan(v) else float(v) for v in values]
            row |= dict(zip(("estimate", "lower", "upper", "p_value"), known, strict=True))
            row["log_likelihood"] = float(fit.log_likelihood)
        made.append(row)
    return made, list(notes)


def _forest(context: Context, endpoint: Endpoint, table: pl.DataFrame, name: str) -> FigureBlock:
    """Hazard ratios of the first and of the current status."""
    groups, settings = context.results.groups, context.settings
    figure = forest_figure(
        table.drop("endpoint", "log_likelihood"), name=f"{name}-forest", title="",
        estimate_heading=f"HR ({100 * settings.level:g}% CI)", simulated=context.simulated,
        note="n: patients with follow-up while the status was known.",
        alt=forest_alt(
            f"Hazard ratios of {groups.high} against {groups.low}, {endpoint.abbreviation}", table
        ),
    )  # fmt: skip
    words = stratified_words(settings)
    caption = (
        f"{endpoint.abbreviation}, {groups.high} against {groups.low}: status of the first draw "
        "and status updated at every draw, on the same follow-up"
        + (f"; {words}." if words else ".")
    )
    return FigureBlock(figure, caption)


def _text(context: Context, endpoint: Endpoint, history: StatusHistory, rows: _Rows) -> str:
    """Who is analysed, what changed, what is left out."""
    frame, counts = rows.frame, history.counts
    patients = frame["patient_id"].n_unique()
    changed = frame.filter(pl.Series(rows.current != rows.first))["patient_id"].n_unique()
    used = counts["draws for the starting status"] + counts["draws in follow-up"]
    parts = [
        f"{endpoint.abbreviation}: {patients:,} of {history.n:,} patients with follow-up have a "
        f"known status at some time, with {counted(int(frame['event'].sum()), 'event')} in "
        f"{frame.height:,} intervals from {used:,} draws. The status differs from the first one at "
        f"some later time in {counted(changed, 'patient')}."
    ]
    if counts["events with unknown status"]:
        parts.append(
            f"{counted(counts['events with unknown status'], 'event')} in time with an unknown "
            "status left out."
        )
    late, passed = counts["draws on or after the last day"], not_assessable(context)
    if late:
        parts.append(f"{counted(late, 'draw')} on or after the last day of follow-up not used.")
    if passed:
        parts.append(
            f"Draws that were not assessable ({passed:,} of the study) are passed over: the last "
            "assessable status goes on."
        )
    incomplete = patients - _complete_patients(rows)
    if rows.names and incomplete:
        parts.append(
            f"Adjusted models leave out {counted(incomplete, 'patient')} for a missing covariate."
        )
    if int((frame["event_code"] > 1).sum()):
        parts.append(
            f"{counted(int((frame['event_code'] > 1).sum()), 'patient')} had a competing event "
            "first, where follow-up ends."
        )
    return " ".join([*parts, CAUTION])


def _complete_patients(rows: _Rows) -> int:
    """Patients without a missing covariate."""
    complete = ~np.isnan(rows.covariates).any(axis=1)
    return rows.frame.filter(pl.Series(complete))["patient_id"].n_unique()
