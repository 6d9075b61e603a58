"""Rows for the caterpillar plot and the figure of regression dilution, with hostile names."""

from __future__ import annotations

import numpy as np
import polars as pl

from . import tables


def caterpillar_rows() -> pl.DataFrame:
    """Twelve centres: hostile names, one alone in its stratum, one with endless limits."""
    rng = np.random.default_rng(6)
    labels = [*tables.HOSTILE, tables.VERY_LONG]
    labels += [f"Centre {i}" for i in range(12 - len(labels))]
    logs, errors = rng.normal(0, 0.5, 12), rng.uniform(0.1, 0.4, 12)
    logs[3], errors[4] = np.nan, 4.0
    return pl.DataFrame(
        {
            "label": labels,
            "n": rng.integers(10, 2000, 12),
            "events": rng.integers(0, 10, 12),
            "estimate": np.exp(logs),
            "lower": np.exp(logs - 2 * errors),
            "upper": np.exp(logs + 2 * errors),
        }
    )


def ratio_rows() -> pl.DataFrame:
    """Hazard ratios as observed and corrected."""
    return pl.DataFrame(
        {
            "label": ["Observed status", "Regression calibration", "True status"],
            "estimate": [1.9, 2.5, 2.7],
            "lower": [1.5, 1.8, 2.0],
            "upper": [2.5, 3.6, 3.7],
        }
    )


def count_rows() -> pl.DataFrame:
    """Probability of being truly positive by count."""
    labels = [*(str(k) for k in range(12)), "12–49", "≥ 50"]
    share = 1.0 / (1.0 + np.exp(-(np.arange(14) - 5.3)))
    return pl.DataFrame(
        {
            "label": labels,
            "n": [400, 60, 40, 30, 22, 20, 15, 12, 11, 9, 8, 7, 60, 1200],
            "probability": share,
            "positive": np.arange(14) >= 5,
        }
    )
