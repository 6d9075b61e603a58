"""Made-up residuals and tests for the figure of Schoenfeld residuals."""

from __future__ import annotations

import numpy as np
import polars as pl

from . import tables

TERMS = ("a", "b", "c")


def points(n: int = 500) -> pl.DataFrame:
    """Residuals of three terms; the second one is missing in half of the events."""
    rng = np.random.default_rng(3)
    time = np.sort(rng.exponential(2.0, n))
    parts = []
    for k, term in enumerate(TERMS):
        residual = rng.normal(size=n) * (k + 1) + 0.5
        residual[: n // 2] = np.nan if term == "b" else residual[: n // 2]
        parts.append(
            pl.DataFrame(
                {"time": time, "transformed_time": np.arange(n) / n, "residual": residual}
            ).select(pl.lit(term).alias("term"), pl.all())
        )
    return pl.concat(parts)


def smooth() -> pl.DataFrame:
    """A rising smooth of the first two terms; the third has none."""
    x = np.linspace(0, 1, 40)
    parts = [
        pl.DataFrame({"transformed_time": x, "estimate": x, "lower": x - 1, "upper": x + 1}).select(
            pl.lit(term).alias("term"), pl.all()
        )
        for term in TERMS[:2]
    ]
    return pl.concat(parts)


def tests() -> pl.DataFrame:
    """One test each, one not possible."""
    return pl.DataFrame(
        {
            "term": TERMS,
            "label": ["CTC: ≥ 5 against < 5", tables.HOSTILE[0], tables.VERY_LONG],
            "p_value": [0.0004, 0.31, float("nan")],
            "estimate": [0.5, 1.0, 0.5],
            "null": [0.0, None, 0.0],
            "y_title": ["Log hazard ratio", "Multiple of the effect", "Log hazard ratio"],
        }
    )
