"""Made-up tables for the figures of incidence and risk; no number comes from a patient."""

from __future__ import annotations

import polars as pl

from . import tables


def incidence_curves(sizes: dict[str, int]) -> pl.DataFrame:
    """Curves that rise; no limits before the first event."""
    some = pl.col("survival") < 1
    return tables.curves(sizes, rate=0.05).select(
        "group", "time",
        (1 - pl.col("survival")).alias("incidence"),
        pl.when(some).then(1 - pl.col("upper")).alias("lower"),
        pl.when(some).then(1 - pl.col("lower")).alias("upper"),
        "at_risk", "n_events", "n_censored",
    )  # fmt: skip


def incidence_risk_table(sizes: dict[str, int], ticks: tuple[float, ...]) -> pl.DataFrame:
    """With competing events."""
    risk = tables.risk_table(tables.curves(sizes, rate=0.05), ticks)
    return risk.with_columns(n_competing=pl.col("n_censored") // 3).with_columns(
        n_censored=pl.col("n_censored") - pl.col("n_competing")
    )


def risk_rows() -> pl.DataFrame:
    """Known risks, one without limits, one that follow-up does not reach."""
    rows = [
        ("By 1 year", tables.HOSTILE[0], 900, 30, 0.033, 0.02, 0.05),
        ("By 1 year", "positive", 12, 0, 0.0, None, None),
        ("By 5 years", tables.VERY_LONG, 310, 90, 0.17, 0.14, 0.21),
        ("By 5 years", "positive", 1, 7, 0.58, 0.21, 0.84),
        ("By 10 years", tables.HOSTILE[3], 1012, 120, 0.29, 0.22, 0.36),
        ("By 10 years", "positive", 0, 7, None, None, None),
    ]
    names = ["section", "label", "at_risk", "events", "risk", "lower", "upper"]
    return pl.DataFrame(rows, schema=names, orient="row")
