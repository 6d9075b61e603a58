"""Reconstructed curves with hostile names, and without a risk table."""

from __future__ import annotations

import polars as pl

from ashworth.figures import Figure, reconstruction_figure

from . import tables


def curves(arms: tuple[str, ...], points: int = 60) -> pl.DataFrame:
    rows = []
    for j, arm in enumerate(arms):
        for i in range(points + 1):
            given = (1.0 - 0.01 * (j + 1)) ** i
            made = given + (0.004 if i % 2 else -0.003)
            rows.append((arm, 60.0 * i / points, given, min(made, 1.0)))
    return pl.DataFrame(rows, ["arm", "time", "given", "reconstructed"], orient="row")


def risk_table(arms: tuple[str, ...], times: tuple[float, ...]) -> pl.DataFrame:
    rows = [
        (arm, t, 1200 - 15 * int(t), 1200 - 15 * int(t) + (1 if t else 0))
        for arm in arms
        for t in times
    ]
    return pl.DataFrame(rows, ["arm", "time", "printed", "reconstructed"], orient="row")


def figures() -> list[Figure]:
    hostile = (*tables.HOSTILE, tables.VERY_LONG)
    every_three = tuple(float(t) for t in range(0, 61, 3))
    words = {"x_title": "Months", "y_title": "Alive"}
    return [
        reconstruction_figure(
            curves(hostile),
            risk_table(hostile, every_three),
            name="reconstruction-five",
            title="Rebuilt " + tables.VERY_LONG,
            labels=("HR 0.87 (95% CI 0.70 to 1.08)",),
            simulated=True,
            **words,
        ),
        reconstruction_figure(
            curves(("all",)),
            risk_table(("all",), (0.0,)),
            name="reconstruction-one",
            title="Rebuilt",
            simulated=True,
            **words,
        ),
    ]
