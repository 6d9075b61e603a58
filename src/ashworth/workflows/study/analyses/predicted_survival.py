"""Survival that the multivariable model predicts for profiles of covariates, with limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.figures import predicted_survival_figure, time_ticks
from ashworth.figures.kaplan_meier import MAX_GROUPS
from ashworth.figures.numbers import counted
from ashworth.reports import Column, FigureBlock, GroupHeader, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import percent_limits
from ashworth.survival import PredictedCurve, PredictedSurvival, predict_survival
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.multivariable import (
    MultivariableFit,
    few_events,
    model_words,
    multivariable_fit,
)
from ashworth.workflows.study.analyses.profiles import Profile, read_profiles
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.words import remarks
from ashworth.workflows.study.analysis_settings import PredictedSurvivalRequest

TITLE = "Predicted survival"
CAUTION = (
    "The limits are those of the average of such patients, not of one patient, and hold if the "
    "model does. The model was fitted to these patients and has not been validated in others."
)
MOST_TIMES = 5


def run(context: Context, request: PredictedSurvivalRequest, anchor: str) -> AnalysisResult:
    """Predict for every profile and marker group."""
    tables: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, table = _endpoint(context, request, endpoint, name)
        tables.append(table)
        return blocks

    blocks = (Paragraph(CAUTION), *context.each_endpoint(request, anchor, build))
    estimator = "Efron" if context.settings.ties == "efron" else "Breslow"
    methods = (
        "Survival was predicted from the multivariable Cox model with the baseline hazard by "
        f"{estimator}'s estimator and log-log limits from its variance, that of the coefficients "
        "included (Tsiatis 1981, Link 1984)."
    )
    tables = [t for t in tables if t.height]
    return AnalysisResult(TITLE, blocks, {"survival": pl.concat(tables)} if tables else {}, methods)


def _endpoint(
    context: Context, request: PredictedSurvivalRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], pl.DataFrame]:
    """One endpoint: text, figures, table, remarks."""
    rows = context.rows(endpoint, context.timepoint(request).name)
    model = multivariable_fit(context, rows)
    profiles = read_profiles(context, request, model)
    matrix = np.stack([p.values for p in profiles])
    level = context.settings.level
    curves = predict_survival(model.fit, matrix, ci="log-log", level=level)
    end = max(float(c.time[-1]) for c in curves.curves)
    ticks = [t for t in time_ticks(end, context.settings.time_unit, most=MOST_TIMES + 1) if t]
    at = sorted(request.at) or ticks
    points = predict_survival(model.fit, matrix, at, ci="log-log", level=level)
    text = f"{model_words(context, model)} {_profile_words(profiles)}"
    blocks: list[Block] = [Paragraph(text.strip())]
    blocks += _figures(context, endpoint, profiles, curves, name)
    blocks.append(_table(context, endpoint, profiles, points, at))
    blocks += remarks(_notes(model, at, points))
    return blocks, _numbers(endpoint, profiles, points)


def _profile_words(profiles: list[Profile]) -> str:
    """What the unnamed covariates are set to."""
    fixed = list(dict.fromkeys(words for profile in profiles for words in profile.fixed))
    if not fixed:
        return ""
    return f"Where a profile names no other value: {'; '.join(fixed)}."


def _notes(model: MultivariableFit, at: list[float], points: PredictedSurvival) -> list[str]:
    """Competing events, times after the follow-up, few events."""
    notes = few_events(model)
    competing = int((model.rows.event_code > 1).sum())
    if competing:
        notes.append(
            f"{counted(competing, 'patient')} had a competing event first, where follow-up ends: "
            "one minus the curve overstates the probability of the event"
        )
    late = [t for i, t in enumerate(at) if all(np.isnan(c.survival[i]) for c in points.curves)]
    if late:
        notes.append(f"after the last follow-up: {', '.join(f'{t:g}' for t in late)}")
    return notes


def _main_stratum(curves: PredictedSurvival) -> Any:
    """Stratum with most events; None without strata."""
    events: dict[Any, float] = {}
    for curve in curves.curves:
        events.setdefault(curve.stratum, float(curve.n_events.sum()))
    return max(events, key=lambda s: events[s])


def _figures(
    context: Context, endpoint: Endpoint, profiles: list[Profile], curves: PredictedSurvival,
    name: str,
) -> list[FigureBlock]:  # fmt: skip
    """Curves of each panel's profiles, in the stratum with most events."""
    stratum = _main_stratum(curves)
    shown = [c for c in curves.curves if c.stratum == stratum]
    panels: dict[str, list[int]] = {}
    for i, profile in enumerate(profiles):
        panels.setdefault(profile.panel, []).append(i)
    chunks = [
        (panel, places[k : k + MAX_GROUPS])
        for panel, places in panels.items()
        for k in range(0, len(places), MAX_GROUPS)
    ]
    unit, blocks = context.settings.time_unit, []
    for number, (panel, places) in enumerate(chunks):
        figure = predicted_survival_figure(
            pl.concat([_drawn(profiles[i], shown[i]) for i in places]),
            name=f"{name}-curves" + (f"-{number + 1}" if number else ""), title="",
            x_title=f"Time ({unit})", y_title=endpoint.title, time_unit=unit,
            simulated=context.simulated,
        )  # fmt: skip
        where = "" if stratum is None else f", stratum {_stratum_words(context, stratum)}"
        caption = (
            f"{endpoint.title} predicted by the model{f' for {panel}' if panel else ''}{where}. "
            f"Bands: pointwise {100 * context.settings.level:g}% limits."
        )
        blocks.append(FigureBlock(figure, caption))
    return blocks


def _drawn(profile: Profile, curve: PredictedCurve) -> pl.DataFrame:
    """Rows of one curve, from time 0 on."""
    start = {"at_risk": curve.at_risk[:1], "n_events": [0.0], "time": [0.0]}
    start |= {k: [1.0] for k in ("survival", "lower", "upper")}
    return pl.DataFrame(
        {
            "group": [profile.label] * (curve.time.size + 1),
            **{k: np.concatenate([start[k], getattr(curve, k)]) for k in start},
        }
    )


def _stratum_words(context: Context, stratum: Any) -> str:
    """Values that name a stratum."""
    strata = context.results.strata
    by = context.settings.stratify
    assert strata is not None
    members = strata.filter(pl.col("stratum") == stratum).join(
        context.results.patients.select("patient_id", *by), on="patient_id"
    )
    row = members.row(0, named=True)
    return ", ".join(f"{b} {row[b]}" for b in by)


def _table(
    context: Context, endpoint: Endpoint, profiles: list[Profile], points: PredictedSurvival,
    at: list[float],
) -> Table:  # fmt: skip
    """Predicted survival at the times, by stratum where there are several."""
    unit = context.settings.time_unit
    columns = [Column("Profile", "left")] + [
        Column(f"{t:g} {unit}", "right", f"% ({100 * context.settings.level:g}% CI)") for t in at
    ]
    strata = list(dict.fromkeys(c.stratum for c in points.curves))
    rows: list[Row | GroupHeader] = []
    for stratum in strata:
        if len(strata) > 1:
            rows.append(GroupHeader(f"Stratum {_stratum_words(context, stratum)}"))
        for curve in points.curves:
            if curve.stratum != stratum:
                continue
            profile = profiles[curve.profile]
            cells = [percent_limits(*v) for v in zip(
                curve.survival, curve.lower, curve.upper, strict=True)]  # fmt: skip
            rows.append(Row((profile.title, *cells), indent=int(len(strata) > 1)))
    return Table(
        tuple(columns), tuple(rows),
        f"{endpoint.abbreviation}: predicted survival.",
    )  # fmt: skip


def _numbers(
    endpoint: Endpoint, profiles: list[Profile], points: PredictedSurvival
) -> pl.DataFrame:
    """Predicted survival as a table to be written."""
    titles = [p.title for p in profiles]
    table = points.table()
    known = [pl.col(c).fill_nan(None) for c in ("survival", "standard_error", "lower", "upper")]
    return table.select(
        pl.lit(endpoint.id).alias("endpoint"),
        pl.col("profile").replace_strict(dict(enumerate(titles)), return_dtype=pl.String),
        "stratum", "time", *known,
    )  # fmt: skip
