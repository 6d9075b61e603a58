"""Made-up tables for the figures; no number comes from a patient."""

from __future__ import annotations

import numpy as np
import polars as pl

HOSTILE = (
    "<script>alert(1)</script>",
    "& \"quotes\" 'single' ]]>",
    "=SUM(A1)\x00\n\ttabs",
    "مرحبا 🎉",
)
VERY_LONG = "a group whose name goes on " * 12


def curves(sizes: dict[str, int], *, rate: float = 0.2, end: float = 5.0) -> pl.DataFrame:
    """Kaplan-Meier tables by the textbook product over distinct times."""
    rng = np.random.default_rng(7)
    rows: list[tuple[object, ...]] = []
    for i, (group, n) in enumerate(sizes.items()):
        event_time = rng.exponential(1 / (rate * (i + 1)), n)
        censor_time = rng.uniform(0.3 * end, end, n)
        time = np.round(np.minimum(event_time, censor_time) * 365) / 365
        event = event_time <= censor_time
        survival = 1.0
        rows.append((group, 0.0, 1.0, 1.0, 1.0, n, 0, 0))
        for t in np.unique(time):
            at_risk = int((time >= t).sum())
            d = int(((time == t) & event).sum())
            c = int(((time == t) & ~event).sum())
            survival *= 1 - d / at_risk
            low, high = max(survival - 0.05, 0.0), min(survival + 0.05, 1.0)
            rows.append((group, float(t), survival, low, high, at_risk, d, c))
    names = ["group", "time", "survival", "lower", "upper", "at_risk", "n_events", "n_censored"]
    return pl.DataFrame(rows, schema=names, orient="row")


def risk_table(table: pl.DataFrame, ticks: tuple[float, ...]) -> pl.DataFrame:
    """Numbers at risk just before, censored and events before, each tick."""
    rows = []
    for group in table["group"].unique(maintain_order=True):
        part = table.filter(pl.col("group") == group)
        n = int(part["at_risk"].max())
        for t in ticks:
            before = part.filter(pl.col("time") < t)
            d, c = int(before["n_events"].sum()), int(before["n_censored"].sum())
            rows.append((group, float(t), n - d - c, c, d))
    names = ["group", "time", "at_risk", "n_censored", "n_events"]
    return pl.DataFrame(rows, schema=names, orient="row")


def forest_rows() -> pl.DataFrame:
    """A model with a reference, clipped limits, an infinite and a missing estimate."""
    inf, nan = float("inf"), float("nan")
    rows = [
        ("CTC", "< 5", 1300, 712, None, None, None, None, True),
        ("CTC", "≥ 5", 1136, 951, 1.94, 1.70, 2.21, 1e-20, False),
        ("Age", "per 10 years", 2436, 1663, 1.08, 1.01, 1.16, 0.021, False),
        ("Grade", HOSTILE[0], 12, 3, 1.3, 0.002, 440.0, 0.7, False),
        ("Grade", "none died", 3, 0, inf, nan, inf, None, False),
        ("Grade", "constant", 0, 0, nan, nan, nan, None, False),
    ]
    names = ["section", "label", "n", "events", "estimate", "lower", "upper"]
    return pl.DataFrame(rows, schema=[*names, "p_value", "is_reference"], orient="row")


def pooled_rows() -> pl.DataFrame:
    """Centres with and without an estimate, two diamonds, a bar."""
    rows = [
        ("study", HOSTILE[0], 120, 60, 1.9, 1.2, 3.0, 30.0, ""),
        ("study", VERY_LONG, 80, 30, 1.4, 0.001, 800.0, 15.0, ""),
        ("study", "Centre 5", 12, 0, None, None, None, None, VERY_LONG),
        ("study", HOSTILE[3], 1200, 1010, 2.4, 1.7, 3.4, 55.0, ""),
        ("pooled", "Two stages, REML, conservative HKSJ", 1400, 1100, 1.95, 1.3, 2.9, 100.0, ""),
        ("pooled", "One stage", 1412, 1100, 2.05, 1.6, 2.6, None, ""),
        ("prediction", "Prediction interval", None, None, 1.95, 0.8, 4.7, None, ""),
        ("prediction", "Another", None, None, 1.95, float("nan"), None, None, "undefined"),
    ]
    names = ["role", "label", "n", "events", "estimate", "lower", "upper", "weight_percent"]
    return pl.DataFrame(rows, schema=[*names, "reason"], orient="row")


def positivity_rows() -> pl.DataFrame:
    names = ["timepoint", "n_positive", "n", "proportion", "lower", "upper"]
    rows = [("baseline", 46, 100, 0.46, 0.37, 0.56), (HOSTILE[1], 0, 0, None, None, None)]
    return pl.DataFrame(rows, schema=names, orient="row")


def count_rows() -> pl.DataFrame:
    categories = ["0", "1", "2", "3–4", "5–9", "10–49", "≥ 50"]
    shares = {"baseline": (40, 20, 10, 10, 10, 6, 4), HOSTILE[0]: (70, 10, 10, 5, 5, 0, 0)}
    rows = [
        (point, category, n, n / 100)
        for point, numbers in shares.items()
        for category, n in zip(categories, numbers, strict=True)
    ]
    return pl.DataFrame(rows, schema=["timepoint", "count_category", "n", "share"], orient="row")


def flow_rows() -> pl.DataFrame:
    rows = [("< 5", "< 5", 780), ("< 5", "≥ 5", 62), ("≥ 5", "< 5", 410), ("≥ 5", HOSTILE[0], 1)]
    return pl.DataFrame(rows, schema=["from_class", "to_class", "n"], orient="row")


def cohort_rows() -> pl.DataFrame:
    rows = [
        ("step", "Patients in the table", 2436),
        ("excluded", "no specimen " + VERY_LONG, 31),
        ("excluded", HOSTILE[1], 12),
        ("step", VERY_LONG, 2393),
        ("group", "negative", 1270),
        ("group", "positive", 1123),
    ]
    return pl.DataFrame(rows, schema=["role", "label", "n"], orient="row")
