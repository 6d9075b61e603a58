"""Made-up tables of calibration, decision curves, forms of a marker and cut-points."""

from __future__ import annotations

import polars as pl

from ashworth.figures import (
    Figure,
    calibration_figure,
    cut_point_figure,
    decision_curve_figure,
    marker_form_figure,
)

from .tables import HOSTILE, VERY_LONG

NAN = float("nan")
MODELS = (HOSTILE[0], VERY_LONG)


def group_rows() -> pl.DataFrame:
    """Groups of two models; one could not be estimated, one has no limits."""
    rows = []
    for shift, model in enumerate(MODELS):
        for k in range(10):
            observed = NAN if k == 9 else min(0.05 + 0.07 * k + 0.03 * shift, 0.9)
            low, high = (NAN, NAN) if k == 0 else (observed - 0.06, observed + 0.08)
            rows.append((model, 40, 0.04 + 0.08 * k, observed, low, high))
    names = ["model", "n", "predicted", "observed", "lower", "upper"]
    return pl.DataFrame(rows, schema=names, orient="row")


def smooth_rows() -> pl.DataFrame:
    rows = [(MODELS[0], 0.01 * k, 0.009 * k, 0.008 * k, 0.011 * k) for k in range(1, 90)]
    names = ["model", "predicted", "observed", "lower", "upper"]
    return pl.DataFrame(rows, schema=names, orient="row")


def benefit_rows() -> pl.DataFrame:
    """Net benefits with a gap, limits only for one strategy, and treat all far below 0."""
    rows = []
    for k in range(1, 60):
        at = k / 100
        gap = NAN if k == 30 else 0.3 - 0.5 * at
        rows.append((HOSTILE[0], at, gap, 0.25 - 0.5 * at, 0.35 - 0.5 * at))
        rows.append((VERY_LONG, at, 0.3 - 0.6 * at, NAN, NAN))
        rows.append(("treat all", at, 0.3 - 0.7 * at / (1 - at), NAN, NAN))
        rows.append(("treat none", at, 0.0, NAN, NAN))
    names = ["strategy", "threshold", "net_benefit", "lower", "upper"]
    return pl.DataFrame(rows, schema=names, orient="row")


def form_rows() -> pl.DataFrame:
    rows = [(float(c), 1.0 + 0.1 * c, 1.0 + 0.02 * c, 1.0 + 2.0 * c) for c in range(41)]
    names = ["count", "hazard_ratio", "lower", "upper"]
    return pl.DataFrame([*rows, (900.0, 9.0, 0.001, NAN)], schema=names, orient="row")


def cut_rows() -> pl.DataFrame:
    rows = [(float(c), (-1) ** c * (1 + c % 7), 3.1, c == 6) for c in range(1, 30)]
    names = ["cut", "statistic", "critical_value", "selected"]
    return pl.DataFrame(rows, schema=names, orient="row")


def chosen_rows() -> pl.DataFrame:
    rows = [(1.0, 20, 0.2), (6.0, 70, 0.7), (300.0, 10, 0.1)]
    return pl.DataFrame(rows, schema=["cut", "n", "share"], orient="row")


def figures() -> list[Figure]:
    """All kinds, with hostile words."""
    counts = pl.DataFrame({"count": [0.0, 1.0, 2.0, 7.0, 7.5, 900.0], "n": [300, 40, 22, 8, 1, 1]})
    cut = {"title": "Cut " + HOSTILE[1], "critical_label": "corrected p = 0.05", "simulated": True}
    return [
        calibration_figure(
            group_rows(), smooth_rows(), name="calibration", title=HOSTILE[2], simulated=True
        ),
        decision_curve_figure(benefit_rows(), name="decision", title=VERY_LONG, simulated=True),
        marker_form_figure(
            form_rows(), counts, name="form", title="Form " + VERY_LONG, cut=5, cut_ratio=2.0,
            cut_label=VERY_LONG, x_title=HOSTILE[0], simulated=True,
        ),
        cut_point_figure(
            cut_rows(), chosen_rows(), name="cut", x_title=VERY_LONG, x_scale="log1p", **cut
        ),
        cut_point_figure(cut_rows(), chosen_rows().clear(), name="cut-alone", **cut),
    ]  # fmt: skip
