"""Numbers of the discrimination analysis: concordance, accuracy over time, reclassification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ashworth.errors import EstimationError
from ashworth.survival import (
    BrierScore,
    TimeDependentAuc,
    brier_score,
    compare_accuracy,
    compare_concordance,
    cox_concordance,
    net_reclassification,
    time_dependent_auc,
    uno_concordance,
)
from ashworth.survival.prognostic_value.model_concordance import linear_predictor
from ashworth.workflows.study.analyses.context import Floats
from ashworth.workflows.study.analyses.discrimination_models import Models
from ashworth.workflows.study.analysis_settings import DiscriminationRequest

GRID = 24
FEW = 5
"""The curves over time are drawn where so many events came before and so many are followed on."""

DIFFERENCE = {
    "measure": pl.String, "model": pl.String, "reference": pl.String, "time": pl.Float64,
    "difference": pl.Float64, "standard_error": pl.Float64, "lower": pl.Float64,
    "upper": pl.Float64, "p_value": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Accuracy:
    """AUC and Brier score at the times asked for and over a grid.

    Attributes
    ----------
    at : tuple of float
        Times asked for that can be answered.
    rows : polars.DataFrame
        measure, model, time, asked, cases, estimate, standard_error, lower, upper.
    differences : polars.DataFrame
        Columns of `DIFFERENCE`, at the times asked for.
    span : tuple of float
        First and last time of the integrated Brier score.
    integrated : dict of str to float
        Integrated Brier score by model and of the average risk ("no model").
    """

    at: tuple[float, ...]
    rows: pl.DataFrame
    differences: pl.DataFrame
    span: tuple[float, float]
    integrated: dict[str, float]


def concordances(models: Models, until: float, level: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Harrell's C and, without late entry and strata, Uno's, with differences from the base."""
    fits, names = list(models.fits.values()), models.names
    found = {"harrell_c": cox_concordance(*fits, names=names, level=level)}
    data = models.whole.fit.data
    if data.entry is None and data.stratum is None:
        scores = np.stack([linear_predictor(f) for f in fits], axis=1)
        found["uno_c"] = uno_concordance(
            data.time, data.event, scores, names=names, until=until, level=level
        )
    tables, differences = [], []
    for measure, c in found.items():
        table = c.table().rename({"score": "model", "concordance": "estimate"})
        tables.append(table.insert_column(0, pl.lit(measure).alias("measure")))
        if len(names) > 1:
            differences.append(_difference(measure, compare_concordance(c).table(), "score"))
    empty = pl.DataFrame(schema=DIFFERENCE)
    return pl.concat(tables), pl.concat([empty, *differences])


def _difference(measure: str, table: pl.DataFrame, model: str) -> pl.DataFrame:
    """Columns of `DIFFERENCE` from a table of differences."""
    time = pl.col("time") if "time" in table.columns else pl.lit(None, pl.Float64).alias("time")
    return table.select(
        pl.lit(measure).alias("measure"), pl.col(model).alias("model"), "reference", time,
        "difference", "standard_error", "lower", "upper", pl.col("p_value").fill_nan(None),
    )  # fmt: skip


def _answerable(models: Models, times: Sequence[float], few: int) -> list[float]:
    time, code = models.time, models.code
    return [
        t for t in times
        if ((time <= t) & (code == 1)).sum() >= few and (time > t).sum() >= few
    ]  # fmt: skip


def accuracy(
    models: Models, at: Sequence[float], level: float
) -> tuple[Accuracy | None, list[str]]:
    """AUC and Brier score; None, with remarks, where there are none."""
    if models.late:
        why = (
            "AUC, Brier score and Uno's C are not estimated with late entry: their weights assume "
            "follow-up from the start of the clock"
        )
        return None, [why]
    asked = _answerable(models, at, 1)
    notes = [
        f"nothing is estimated at {t:g}: no event by then, or nobody followed beyond it"
        for t in at if t not in asked
    ]  # fmt: skip
    if not asked:
        return None, notes
    grid = _answerable(models, np.linspace(0.0, max(asked), GRID + 1)[1:].tolist(), FEW)
    times = np.array(sorted({*asked, *grid}))
    try:
        risks = models.risks(times)
    except EstimationError as error:
        return None, [*notes, f"AUC and Brier score, not estimated: {error}"]
    return _accuracy(models, times, asked, risks, level), notes


def _accuracy(
    models: Models, times: Floats, asked: list[float], risks: dict[str, Floats], level: float
) -> Accuracy:
    brier = brier_score(models.time, models.code, risks, times, level=level)
    parts, differences = _brier_rows(brier), []
    for k, t in enumerate(times.tolist()):
        now = {name: r[:, k] for name, r in risks.items()}
        auc = time_dependent_auc(models.time, models.code, now, t, level=level)
        parts.append(_auc_rows(auc))
        if t in asked and len(risks) > 1:
            differences.append(_difference("auc", compare_accuracy(auc).table(), "model"))
    if len(risks) > 1:
        table = _difference("brier_score", compare_accuracy(brier).table(), "model")
        differences.append(table.filter(pl.col("time").is_in(asked)))
    rows = pl.concat(parts).with_columns(pl.col("time").is_in(asked).alias("asked"))
    integrated = dict(zip(brier.names, brier.integrated.tolist(), strict=True))
    return Accuracy(
        tuple(asked), rows.sort("measure", "model", "time"),
        pl.concat([pl.DataFrame(schema=DIFFERENCE), *differences]),
        (float(times[0]), float(times[-1])), integrated | {"no model": brier.integrated_null},
    )  # fmt: skip


def _auc_rows(auc: TimeDependentAuc) -> pl.DataFrame:
    return auc.table().select(
        pl.lit("auc").alias("measure"), pl.col("marker").alias("model"), "time", "cases",
        pl.col("auc").alias("estimate"), "standard_error", "lower", "upper",
    )  # fmt: skip


def _brier_rows(brier: BrierScore) -> list[pl.DataFrame]:
    """Brier scores and scaled scores as rows; what has no limits has null."""
    table, null = brier.table(), [pl.col(c).fill_nan(None) for c in ("lower", "upper")]
    scores = table.select(
        pl.lit("brier_score").alias("measure"), "model", "time", "cases",
        pl.col("brier_score").alias("estimate"), pl.col("standard_error").fill_nan(None), *null,
    )  # fmt: skip
    m, k = len(brier.names), brier.times.size
    scaled = pl.DataFrame(
        {
            "measure": ["scaled_brier_score"] * (m * k),
            "model": np.repeat(brier.names, k).tolist(),
            "time": np.tile(brier.times, m),
            "cases": np.tile(brier.cases, m),
            "estimate": brier.scaled.ravel(),
            "standard_error": brier.scaled_standard_errors.ravel(),
            "lower": brier.scaled_lower.ravel(),
            "upper": brier.scaled_upper.ravel(),
        }
    )
    return [scores, scaled]


def reclassifications(
    models: Models, request: DiscriminationRequest, level: float
) -> tuple[pl.DataFrame | None, list[str]]:
    """Net reclassification at every time asked for; None, with remarks, where there is none."""
    what = "net reclassification, not estimated: "
    if len(models.names) < 2:
        return None, [f"{what}without adjusting covariates there is no base model"]
    if models.late or models.competing:
        return None, [f"{what}{'late entry' if models.late else 'competing events'}"]
    at = _answerable(models, sorted(set(request.at)), 1)
    risks = list(models.risks(np.array(at)).values()) if at else []
    tables, notes = [], []
    for k, t in enumerate(at):
        try:
            found = _reclassified(models, risks, k, t, request, level)
        except EstimationError as error:
            notes.append(f"{what}{error}")
            continue
        tables.append(found)
    return (pl.concat(tables) if tables else None), notes


def _reclassified(
    models: Models, risks: list[Floats], k: int, at: float, request: DiscriminationRequest,
    level: float,
) -> pl.DataFrame:  # fmt: skip
    options: dict[str, Any] = {"replicates": request.bootstrap, "seed": request.seed}
    found = net_reclassification(
        models.time, models.code == 1, risks[0][:, k], risks[1][:, k], at,
        cuts=sorted(set(request.reclassify_at)), level=level, **options,
    )  # fmt: skip
    null = [pl.col(c).fill_nan(None) for c in ("lower", "upper")]
    return found.table().with_columns(
        *null, pl.lit(found.n_up).alias("n_up"), pl.lit(found.n_down).alias("n_down"),
        pl.lit(found.failed).alias("failed"),
    )  # fmt: skip
