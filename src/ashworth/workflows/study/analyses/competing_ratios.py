"""Cause-specific and subdistribution hazard ratios of the marker, side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.errors import EstimationError
from ashworth.survival import cox, fine_gray, fine_gray_rows
from ashworth.workflows.study.analyses.context import Context, Rows
from ashworth.workflows.study.analyses.terms import adjusted_model, missing_words
from ashworth.workflows.study.analyses.words import noted

RATIOS = {
    "event": pl.String,
    "adjusted": pl.Boolean,
    "term": pl.String,
    "model": pl.String,
    "n": pl.Int64,
    "events": pl.Int64,
    "ratio": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "p_value": pl.Float64,
}
HAZARD, SUBDISTRIBUTION = "cause-specific hazard", "subdistribution hazard"


def pooled_codes(rows: Rows) -> NDArray[np.int64]:
    """0 censored, 1 event, 2 any competing event."""
    return np.minimum(rows.event_code, 2)


def ratios(context: Context, rows: Rows, titles: dict[int, str]) -> tuple[pl.DataFrame, list[str]]:
    """All ratios of one endpoint, and what they warn of.

    Parameters
    ----------
    context : Context
        The study.
    rows : Rows
        Its patients.
    titles : dict
        Printed names of events 1 and 2.
    """
    plain = adjusted_model(context, rows, ())
    models = [(False, plain)]
    notes: list[str] = []
    if context.codings:
        full = adjusted_model(context, rows, context.codings)
        if missing := missing_words(full):
            notes.append(f"Adjusted models: {missing}")
        models.append((True, full))
    parts: list[tuple[Any, ...]] = []
    for adjusted, model in models:
        for cause, title in titles.items():
            for kind, fit in ((HAZARD, _hazard), (SUBDISTRIBUTION, _subdistribution)):
                try:
                    table, said = noted(fit, context, model.rows, model.matrix, model.labels, cause)
                except EstimationError as error:
                    notes.append(f"{title}, {kind}, not estimated: {error}")
                    continue
                notes += [f"{title}, {kind}: {s}" for s in said]
                parts += [(title, adjusted, row[0], kind, *row[1:]) for row in table]
    return pl.DataFrame(parts, schema=RATIOS, orient="row"), notes


def _cells(fit: Any, level: float, events: int, n: int) -> list[tuple[Any, ...]]:
    limits = np.exp(fit.confint(level))
    columns = (np.exp(fit.coefficients), limits[:, 0], limits[:, 1], fit.p_values)
    numbers = zip(*(c.tolist() for c in columns), strict=True)
    return [(name, n, events, *row) for name, row in zip(fit.names, numbers, strict=True)]


def _hazard(
    context: Context, rows: Rows, matrix: NDArray[np.float64], names: tuple[str, ...], cause: int
) -> list[tuple[Any, ...]]:
    event = pooled_codes(rows) == cause
    fit = cox(
        rows.time, event, matrix, names=names, entry=rows.entry, strata=rows.strata,
        ties=context.settings.ties,
    )  # fmt: skip
    return _cells(fit, context.settings.level, int(event.sum()), rows.n)


def _subdistribution(
    context: Context, rows: Rows, matrix: NDArray[np.float64], names: tuple[str, ...], cause: int
) -> list[tuple[Any, ...]]:
    """Fine and Gray's model; with late entry by weighted rows."""
    code = pooled_codes(rows)
    if rows.entry is None:
        fit: Any = fine_gray(rows.time, code, matrix, cause=cause, names=names, strata=rows.strata)
    else:
        split = fine_gray_rows(rows.time, code, cause=cause, entry=rows.entry)
        fit = cox(
            split.stop, split.event, matrix[split.row], names=names, entry=split.start,
            weights=split.weight, cluster=split.row, ties="breslow",
            strata=None if rows.strata is None else rows.strata[split.row],
        )  # fmt: skip
    return _cells(fit, context.settings.level, int((code == cause).sum()), rows.n)
