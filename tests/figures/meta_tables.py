"""Made-up meta-analyses: subgroups, a display without pooling, shares, funnels."""

from __future__ import annotations

import polars as pl

from ashworth.figures import (
    Figure,
    baujat_figure,
    funnel_figure,
    leave_one_out_figure,
    meta_forest_figure,
)

from .tables import HOSTILE, VERY_LONG

INF, NAN = float("inf"), float("nan")
NAMES = ["role", "label", "cutoff", "n", "estimate", "lower", "upper", "weight_percent", "reason"]


def subgroup_rows() -> pl.DataFrame:
    """Two subgroups, limits beyond the axis, a study without a record, every kind of row."""
    rows = [
        ("heading", "Blood " + VERY_LONG, None, None, None, None, None, None, ""),
        ("study", HOSTILE[0], ">= 1", 3173, 1.97, 1.51, 2.59, 40.0, ""),
        ("study", VERY_LONG, VERY_LONG, 302, 4.6, 0.001, INF, 3.0, ""),
        ("study", "Memory", ">= 5", 1944, None, None, None, None, "no verified record"),
        ("subtotal", "Subtotal", None, None, 1.99, 1.6, 2.4, 43.0, ""),
        ("note", "tau² 0.00, I² 0% " + VERY_LONG, None, None, None, None, None, None, ""),
        ("heading", "Marrow", None, None, None, None, None, None, ""),
        ("study", HOSTILE[3], None, 10307, 1.23, 1.06, 1.43, 57.0, ""),
        ("pooled", "REML, HKSJ", None, None, 1.6, 1.02, 2.7, 100.0, ""),
        ("prediction", "Prediction interval", None, None, 1.6, 0.7, 3.8, None, ""),
        ("prediction", "Another", None, None, None, NAN, NAN, None, "undefined for k = 2"),
        ("note", "Test of interaction: p = 0.012", None, None, None, None, None, None, ""),
    ]
    return pl.DataFrame(rows, schema=NAMES, orient="row")


def display_rows(scale: float) -> pl.DataFrame:
    """Studies without weights."""
    rows = [
        ("study", "A", "1", 20, 0.2 * scale, 0.1 * scale, 0.35 * scale, None, ""),
        ("study", "B", "5", 1000, 0.31 * scale, 0.28 * scale, 0.34 * scale, None, ""),
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(NAMES) | _TYPES, orient="row")


_TYPES = {"weight_percent": pl.Float64}


def funnel_rows(*, filled: bool) -> pl.DataFrame:
    rows = [(f"Study {i}", 1.2 + 0.15 * i, 0.08 + 0.05 * i, False) for i in range(12)]
    rows += [(HOSTILE[0], 4.0, 0.9, False), (VERY_LONG, 0.3, 0.3, False)]
    rows += [("added", 0.6, 0.6, True)] if filled else []
    return pl.DataFrame(
        rows, schema=["label", "estimate", "standard_error", "filled"], orient="row"
    )


def influence_rows() -> pl.DataFrame:
    rows = [(f"Study {i}", 0.2 * (i % 5), 0.05 * (i % 7)) for i in range(30)]
    rows += [(VERY_LONG, 9.0, 0.8), ("single", NAN, NAN)]
    return pl.DataFrame(rows, schema=["label", "contribution", "influence"], orient="row")


def left_out_rows() -> tuple[pl.DataFrame, pl.DataFrame]:
    names = ["label", "estimate", "lower", "upper", "tau2", "q", "reason"]
    rows = [
        (HOSTILE[2], 1.9, 1.1, 3.3, 0.012, 30.0, ""),
        (VERY_LONG, 1.4, 0.9, 2.2, 0.0, 0.0, ""),
        ("C", None, None, None, None, None, "one study is left"),
    ]
    whole = pl.DataFrame([(1.6, 1.1, 2.3, 0.02, 21.0)], schema=names[1:6], orient="row")
    return pl.DataFrame(rows, schema=names, orient="row"), whole


def figures() -> list[Figure]:
    return [
        meta_forest_figure(
            subgroup_rows(), name="meta", title="Survival " + VERY_LONG,
            columns={"cutoff": "Cut-off " + VERY_LONG, "n": "n"},
            favours=("lower risk if positive", VERY_LONG),
            notes=("Allowed by name: cutoff.", VERY_LONG), simulated=True,
        ),
        meta_forest_figure(
            display_rows(1.0), name="meta-shares", title="Positivity", scale="share",
            columns={"n": "n"}, estimate_title="Positive", estimate_heading="% (95% CI)",
            simulated=True,
        ),
        meta_forest_figure(
            display_rows(-1.0).rename({"lower": "upper", "upper": "lower"}).select(NAMES),
            name="meta-differences", title="Difference", scale="difference",
            estimate_title="Risk difference", estimate_heading="RD (95% CI)",
            favours=("fewer", "more"), simulated=True,
        ),
        leave_one_out_figure(*left_out_rows(), name="left-out", title="Without", simulated=True),
        funnel_figure(
            funnel_rows(filled=True), name="funnel", title="Funnel " + VERY_LONG, pooled=1.7,
            note=VERY_LONG, simulated=True,
        ),
        funnel_figure(
            funnel_rows(filled=False), name="funnel-differences", title="Differences",
            scale="difference", estimate_title="Difference", simulated=True,
        ),
        baujat_figure(influence_rows(), name="baujat", title="Baujat " + VERY_LONG, simulated=True),
    ]  # fmt: skip
