"""What the marker adds: likelihood first, then optimism, calibration, decision curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.figures import calibration_figure, decision_curve_figure
from ashworth.reports import FigureBlock, Paragraph
from ashworth.reports.blocks import Block
from ashworth.survival import (
    Calibration,
    bootstrap_optimism,
    calibration,
    decision_curve,
    likelihood_ratio,
)
from ashworth.survival.prognostic_value.held_out import folds_of, held_out_risks
from ashworth.workflows.study.analyses.context import Context, Floats
from ashworth.workflows.study.analyses.discrimination_models import Models, fit_models
from ashworth.workflows.study.analyses.multivariable import model_words
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.value_added_words import (
    calibration_table,
    decision_words,
    likelihood_table,
    likelihood_words,
    optimism_table,
)
from ashworth.workflows.study.analyses.words import noted, remarks
from ashworth.workflows.study.analysis_settings import ValueAddedRequest

TITLE = "Prognostic value added by the marker"
FOLDS = 10
MOST_THRESHOLDS = 99
EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class _Predicted:
    """Held-out risks of the patients that every model could predict."""

    time: Floats
    code: Any
    entry: Floats | None
    risks: dict[str, Floats]
    lost: int


def run(context: Context, request: ValueAddedRequest, anchor: str) -> AnalysisResult:
    """Compare the base model with the base model and the marker."""
    parts: dict[str, list[pl.DataFrame]] = {}

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, tables = _endpoint(context, request, endpoint, name)
        for key, table in tables.items():
            column = pl.lit(endpoint.id).alias("endpoint")
            parts.setdefault(key, []).append(table.insert_column(0, column))
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    tables = {key: pl.concat(found) for key, found in parts.items()}
    return AnalysisResult(TITLE, blocks, tables, _methods(context, request))


def _methods(context: Context, request: ValueAddedRequest) -> str:
    text = (
        "What the marker adds was tested by the likelihood ratio of nested Cox models; the "
        "adequacy index is the share of the larger model's chi-square that the base model reaches "
        f"(Harrell 2015). Calibration and net benefit at {request.at:g} "
        f"{context.settings.time_unit} use "
        f"risks by {FOLDS}-fold cross-validation (seed {request.seed}): each patient's risk comes "
        "from models fitted to the others, Fine-Gray models where events compete. Observed risks "
        "are Kaplan-Meier or Aalen-Johansen estimates; calibration curves follow Austin (2020, "
        "2022), decision curves Vickers (2008)."
    )
    if request.bootstrap >= 2:
        text += (
            f" Optimism was estimated from {request.bootstrap:,} bootstrap samples with the same "
            "terms (Harrell 1996); it does not count a cut-off or terms that were chosen on these "
            "data."
        )
    return text


def _endpoint(
    context: Context, request: ValueAddedRequest, endpoint: Endpoint, name: str
) -> tuple[list[Block], dict[str, pl.DataFrame]]:
    rows = context.rows(endpoint, context.timepoint(request).name)
    models, notes = noted(fit_models, context, rows)
    notes = [*models.notes, *notes]
    text = f"{endpoint.abbreviation}. {model_words(context, models.whole)}"
    blocks: list[Block] = [Paragraph(text)]
    tables: dict[str, pl.DataFrame] = {}
    fits = list(models.fits.values())
    if len(fits) == 2:
        test = likelihood_ratio(*fits)
        blocks += [Paragraph(likelihood_words(context, test)), likelihood_table(endpoint, test)]
        tables["likelihood"] = test.table()
    else:
        notes.append(
            "the study adjusts for nothing, so there is no base model to add to; the marker is "
            "judged alone"
        )
        blocks.append(Paragraph(_alone(models)))
    for part in (_optimism, _risks):
        try:
            more, found, said = part(context, request, endpoint, models, name)
        except EstimationError as error:
            notes.append(f"not estimated: {error}")
            continue
        blocks, notes = [*blocks, *more], [*notes, *said]
        tables |= found
    return [*blocks, *remarks(notes)], tables


def _alone(models: Models) -> str:
    test = models.whole.fit.likelihood_ratio_test
    return (
        f"Likelihood-ratio chi-square of the marker {test.statistic:.2f} with "
        f"{test.df} degree{'s' if test.df > 1 else ''} of freedom."
    )


def _optimism(
    context: Context, request: ValueAddedRequest, endpoint: Endpoint, models: Models, name: str
) -> tuple[list[Block], dict[str, pl.DataFrame], list[str]]:
    """Apparent and corrected performance of both models."""
    if request.bootstrap < 2:
        return [], {}, []
    found, notes = {}, []
    for label, fit in models.fits.items():
        found[label], said = noted(
            bootstrap_optimism, fit, replicates=request.bootstrap, seed=request.seed
        )
        notes += said
    table = pl.concat(
        f.table().select(pl.lit(label).alias("model"), pl.all()) for label, f in found.items()
    )
    return [optimism_table(endpoint, found)], {"optimism": table}, notes


def _predictions(models: Models, request: ValueAddedRequest) -> _Predicted:
    """Held-out risks of both models at the horizon."""
    rng = np.random.default_rng(request.seed)
    code = np.asarray(models.code)
    fold = folds_of(code, min(FOLDS, code.size), rng)
    risks = {
        label: held_out_risks(fit.data, code, request.at, fold)
        for label, fit in models.fits.items()
    }
    known = np.all([np.isfinite(r) for r in risks.values()], axis=0)
    if not known.any():
        raise EstimationError("no risks by cross-validation: the models of the folds do not exist")
    entry = models.whole.fit.data.entry
    return _Predicted(
        models.time[known], code[known], None if entry is None else entry[known],
        {label: r[known] for label, r in risks.items()}, int((~known).sum()),
    )  # fmt: skip


def _risks(
    context: Context, request: ValueAddedRequest, endpoint: Endpoint, models: Models, name: str
) -> tuple[list[Block], dict[str, pl.DataFrame], list[str]]:
    """Calibration and decision curve from held-out risks."""
    data = _predictions(models, request)
    notes = []
    if data.lost:
        notes.append(f"{data.lost:,} patients have no held-out risk and are left out there")
    level, found = context.settings.level, {}
    for label, risk in data.risks.items():
        found[label] = calibration(
            data.time, data.code, np.clip(risk, EDGE, 1.0 - EDGE), request.at, entry=data.entry,
            level=level, groups=min(10, max(2, data.time.size // 20)),
        )  # fmt: skip
        notes += [f"{label}, {note}" for note in found[label].notes]
    blocks, tables = _calibration(context, request, endpoint, found, name)
    more, table = _decision(context, request, endpoint, data, name)
    return [*blocks, *more], {**tables, "decision_curve": table}, notes


def _calibration(
    context: Context, request: ValueAddedRequest, endpoint: Endpoint,
    found: dict[str, Calibration], name: str,
) -> tuple[list[Block], dict[str, pl.DataFrame]]:  # fmt: skip
    def stacked(read: Any) -> pl.DataFrame:
        return pl.concat(
            read(c).select(pl.lit(label).alias("model"), pl.all()) for label, c in found.items()
        )

    groups = stacked(lambda c: c.table())
    unit = context.settings.time_unit
    figure = calibration_figure(
        groups, stacked(lambda c: c.curve_table()), name=f"{name}-calibration", title="",
        x_title=f"Predicted risk by {request.at:g} {unit}", simulated=context.simulated,
    )  # fmt: skip
    first = next(iter(found.values()))
    caption = (
        f"{endpoint.title}: calibration at {request.at:g} {unit} of held-out risks, "
        f"{first.n:,} patients, {first.events:,} events by then, with "
        f"{100 * context.settings.level:g}% limits."
    )
    tables = {"calibration_groups": groups, "calibration": stacked(lambda c: c.summary())}
    return [FigureBlock(figure, caption), calibration_table(context, endpoint, found)], tables


def _decision(
    context: Context, request: ValueAddedRequest, endpoint: Endpoint, data: _Predicted, name: str
) -> tuple[list[Block], pl.DataFrame]:
    """Decision curve up to the risk that one patient in a hundred exceeds."""
    largest = max(float(np.quantile(r, 0.99)) for r in data.risks.values())
    top = min(max(int(np.ceil(100 * largest)), 2), MOST_THRESHOLDS)
    clipped = {label: np.clip(r, 0.0, 1.0) for label, r in data.risks.items()}
    found = decision_curve(
        data.time, data.code, clipped, request.at, thresholds=np.arange(1, top + 1) / 100,
        entry=data.entry, bootstrap=request.bootstrap, seed=request.seed,
        level=context.settings.level,
    )  # fmt: skip
    figure = decision_curve_figure(
        found.table(), name=f"{name}-decision", title="", simulated=context.simulated
    )
    unit = context.settings.time_unit
    caption = (
        f"{endpoint.title}: net benefit at {request.at:g} {unit} of deciding by held-out risks; "
        f"{found.n:,} patients, {found.events:,} events by then, observed risk "
        f"{100 * found.risk:.1f}%."
    )
    return [FigureBlock(figure, caption), Paragraph(decision_words(found))], found.table()
