"""Rows of the figure of accuracy over time."""

from __future__ import annotations

import polars as pl

from . import tables


def accuracy_rows() -> pl.DataFrame:
    """Two models with hostile names over 24 times, and the average risk."""
    rows = []
    for step in range(1, 25):
        time = step / 4
        for k, model in enumerate((tables.HOSTILE[0], tables.VERY_LONG)):
            auc, brier = 0.62 + 0.1 * k + 0.02 * (step % 3), (0.2 - 0.03 * k) * step / 24
            rows.append(("auc", model, time, auc, auc - 0.08, auc + 0.08))
            rows.append(("brier_score", model, time, brier, brier - 0.01, brier + 0.01))
        rows.append(("brier_score", "no model", time, 0.24 * step / 24, None, None))
    names = ("measure", "model", "time", "estimate", "lower", "upper")
    return pl.DataFrame(rows, schema=names, orient="row")
