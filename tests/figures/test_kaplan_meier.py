"""The Kaplan-Meier figure against its tables."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import EstimationError
from ashworth.figures import time_ticks
from ashworth.figures.kaplan_meier import PLOT_HEIGHT, PLOT_WIDTH
from ashworth.figures.km_curves import drawn_curve

from . import tables
from .gallery import TICKS, survival_figure


def rows_of(spec: dict, kind: str) -> list[list[dict]]:
    return [p["data"]["values"] for p in spec["layer"] if p["mark"]["type"] == kind]


def printed(spec: dict) -> dict[tuple[float, float], str]:
    return {(t["x"], t["y"]): t["text"] for rows in rows_of(spec, "text") for t in rows}


def test_risk_table_numbers_stand_under_their_ticks() -> None:
    figure = survival_figure({"negative": 120, "positive": 80})
    texts = printed(figure.spec)
    axis = next(p for p in figure.spec["layer"] if p.get("name") == "axes")
    assert axis["encoding"]["x"]["axis"]["values"] == list(TICKS)
    labels = sorted(y for (x, y), text in texts.items() if text == "At risk")
    assert len(labels) == 2
    for group, y in zip(("negative", "positive"), labels, strict=True):
        part = figure.data.filter(pl.col("group") == group)
        for row in part.to_dicts():
            x = round(PLOT_WIDTH * row["time"] / 5, 2)
            for step, column in enumerate(("at_risk", "n_censored", "n_events")):
                assert texts[x, y + 16 * step] == f"{row[column]:,}"


def test_domains() -> None:
    figure = survival_figure({"all": 50}, max_time=4.0)
    axis = next(p for p in figure.spec["layer"] if p.get("name") == "axes")
    assert axis["encoding"]["y"]["scale"]["domain"] == [0, 1]
    assert axis["encoding"]["x"]["scale"]["domain"] == [0, 4.0]
    assert axis["encoding"]["x"]["axis"]["values"] == [0, 1, 2, 3, 4]
    assert all(r["time"] <= 4 for rows in rows_of(figure.spec, "line") for r in rows)


def test_curves_are_steps_with_the_tables_values() -> None:
    figure = survival_figure({"negative": 120})
    lines = [p for p in figure.spec["layer"] if p["mark"]["type"] in ("line", "area")]
    assert {p["mark"]["interpolate"] for p in lines} == {"step-after"}
    table = tables.curves({"negative": 120})
    known = dict(zip(table["time"], table["survival"], strict=True))
    for rows in rows_of(figure.spec, "line"):
        assert all(known[r["time"]] == r["survival"] for r in rows)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(2, 3000), seed=st.integers(0, 10))
def test_thinning_moves_the_curve_by_less_than_a_pixel(n: int, seed: int) -> None:
    table = tables.curves({"a": n}, rate=0.05 + 0.1 * seed)
    drawn = drawn_curve(table, 5.0, PLOT_WIDTH)
    rows = {r["time"]: r["survival"] for r in (*drawn.firm, *drawn.thin)}
    times, values = np.array(list(rows)), np.array(list(rows.values()))
    grid = np.linspace(0, float(table["time"].max()), 997)
    full_t, full_s = table["time"].to_numpy(), table["survival"].to_numpy()
    shown = values[np.searchsorted(times, grid, side="right") - 1]
    px = 5.0 / PLOT_WIDTH
    early = full_s[np.maximum(np.searchsorted(full_t, grid - px, side="right") - 1, 0)]
    late = full_s[np.searchsorted(full_t, grid, side="right") - 1]
    assert np.all(shown <= early + 1e-12)
    assert np.all(shown >= late - 1e-12)


def test_big_curves_are_thinned() -> None:
    table = tables.curves({"a": 10_307})
    drawn = drawn_curve(table, 5.0, PLOT_WIDTH)
    assert table.height > 1000
    assert len(drawn.firm) <= 2 * PLOT_WIDTH + 2
    assert len(drawn.censored) <= PLOT_WIDTH / 2 + 1


def test_pale_from_where_fewer_than_ten_and_a_tenth_remain() -> None:
    table = tables.curves({"a": 200})
    drawn = drawn_curve(table, 5.0, PLOT_WIDTH)
    after = table.filter(pl.col("time") > drawn.thin_from)
    before = table.filter(pl.col("time") <= drawn.thin_from)
    assert after["at_risk"].max() < 10
    assert before["at_risk"].min() >= 10
    assert drawn_curve(table.filter(pl.col("at_risk") >= 10), 5.0, 500).thin_from is None


def test_missing_limits_are_null_in_the_spec() -> None:
    table = tables.curves({"a": 20}).with_columns(lower=pl.lit(float("nan")), upper=None)
    drawn = drawn_curve(table, 5.0, PLOT_WIDTH)
    assert all(r["lower"] is None and r["upper"] is None for r in drawn.firm)


def test_annotation_keeps_clear_of_the_curves() -> None:
    high = survival_figure({"all": 400}, labels=("Log-rank p = 0.5",))
    place = {t: xy for xy, t in printed(high.spec).items()}["Log-rank p = 0.5"]
    lows = [
        (1 - r["lower"]) * PLOT_HEIGHT
        for rows in rows_of(high.spec, "area")
        for r in rows
        if r["time"] / 5 * PLOT_WIDTH < place[0] + 120
    ]
    assert place[1] - 12 > max(lows) or place[1] < 0 or place[0] > PLOT_WIDTH / 2


def test_too_many_groups_are_refused() -> None:
    with pytest.raises(EstimationError, match="1 to 5"):
        survival_figure({str(i): 5 for i in range(6)})


@pytest.mark.parametrize(
    ("end", "unit", "ticks"),
    [
        (5, "years", (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5)),
        (60, "months", (0, 12, 24, 36, 48, 60)),
        (36, "months", (0, 6, 12, 18, 24, 30, 36)),
        (12.3, "years", (0, 2, 4, 6, 8, 10, 12)),
        (365, "days", (0, 91, 182, 273, 364)),
    ],
)
def test_ticks_are_round(end: float, unit: str, ticks: tuple[float, ...]) -> None:
    assert time_ticks(end, unit) == ticks


def test_a_curve_that_goes_on_reaches_the_end_of_the_axis() -> None:
    table = tables.curves({"a": 60})
    drawn = drawn_curve(table, 2.0, PLOT_WIDTH)
    last = table.filter(pl.col("time") <= 2.0).row(-1, named=True)
    assert drawn.firm[-1]["time"] == 2.0
    assert drawn.firm[-1]["survival"] == last["survival"]


def test_a_curve_that_ends_is_not_drawn_further() -> None:
    table = tables.curves({"a": 60})
    drawn = drawn_curve(table, 50.0, PLOT_WIDTH)
    assert (drawn.thin or drawn.firm)[-1]["time"] == table["time"].max()


def test_small_risk_sets_before_late_entries_are_not_pale() -> None:
    table = pl.DataFrame(
        {
            "time": [0.0, 1.0, 2.0, 3.0],
            "survival": [1.0, 0.9, 0.8, 0.7],
            "lower": [1.0, 0.8, 0.7, 0.6],
            "upper": [1.0, 1.0, 0.9, 0.8],
            "at_risk": [0, 5, 200, 150],
            "n_events": [0, 1, 1, 1],
            "n_censored": [0, 0, 0, 0],
        }
    )
    assert drawn_curve(table, 3.0, PLOT_WIDTH).thin_from is None


def test_long_annotations_are_wrapped() -> None:
    figure = survival_figure({"all": 30}, labels=("hazard ratio and its limits " * 8,))
    lines = [t for t in printed(figure.spec).values() if "hazard" in t]
    assert len(lines) >= 2
    assert " ".join(lines).count("hazard ratio and its limits") == 8


def test_all_censored_and_one_patient() -> None:
    table = tables.curves({"a": 1}, rate=1e-9)
    assert table["n_events"].sum() == 0
    figure = survival_figure({"a": 1})
    assert figure.svg().startswith("<svg")


def test_the_description_of_one_patient_is_singular() -> None:
    figure = survival_figure({"a": 1, "b": 30})
    assert "a: 1 patient, " in figure.alt
    assert "1 patients" not in figure.alt
    assert "1 events" not in figure.alt.replace("11 events", "").replace("21 events", "")
