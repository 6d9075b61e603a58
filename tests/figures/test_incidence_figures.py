"""Figures of cumulative incidence and of risk by status."""

from __future__ import annotations

import polars as pl
import pytest

from ashworth.errors import EstimationError
from ashworth.figures import cumulative_incidence_figure, status_risk_figure

from .gallery import TICKS, incidence_figure
from .incidence_tables import incidence_curves, incidence_risk_table, risk_rows

TWO = {"negative": 120, "positive": 80}


def layers(figure, mark):
    return [
        part
        for part in figure.spec["layer"]
        if part["mark"].get("type") == mark and part["data"]["values"]
    ]


def axes(figure):
    return next(part for part in figure.spec["layer"] if part.get("name") == "axes")


def printed(figure):
    return [row["text"] for part in layers(figure, "text") for row in part["data"]["values"]]


def test_the_curves_are_the_table_and_the_axis_holds_them():
    figure = incidence_figure(TWO, "i")
    curves = incidence_curves(TWO)
    drawn = [v for part in layers(figure, "line") for v in part["data"]["values"]]
    known = set(zip(curves["time"].to_list(), curves["incidence"].to_list(), strict=True))
    assert drawn
    assert {(v["time"], v["survival"]) for v in drawn} <= known
    low, high = axes(figure)["encoding"]["y"]["scale"]["domain"]
    top = curves.filter(pl.col("time") <= 5)["upper"].max()
    assert low == 0
    assert top <= high < 2 * top + 0.05
    assert axes(figure)["encoding"]["y"]["axis"]["values"][-1] == pytest.approx(high)


def test_four_rows_of_numbers_for_each_group():
    figure = incidence_figure(TWO, "i")
    words = printed(figure)
    for name in ("At risk", "Censored", "Events", "Competing"):
        assert words.count(name) == 2
    risk = incidence_risk_table(TWO, TICKS)
    assert figure.table().equals(risk)
    without = cumulative_incidence_figure(
        incidence_curves(TWO), risk.drop("n_competing"), name="i", title="", x_title="Years",
        y_title="Recurrence",
    )  # fmt: skip
    assert "Competing" not in printed(without)
    assert without.alt.startswith("Cumulative incidence, Recurrence. negative: 120 patients")


def test_limits_are_drawn_for_up_to_three_groups():
    def bands(figure):
        rows = [v for part in layers(figure, "area") for v in part["data"]["values"]]
        return [v for v in rows if v["lower"] is not None]

    assert bands(incidence_figure({"a": 40, "b": 40, "c": 40}, "i"))
    four = incidence_figure({"a": 40, "b": 40, "c": 40, "d": 40}, "i")
    assert not bands(four)
    assert not any("Shaded" in text for text in printed(four))


def test_no_group_and_six_groups_are_refused():
    with pytest.raises(EstimationError, match="found 6"):
        incidence_figure({str(i): 20 for i in range(6)}, "i")


def test_risks_without_limits_and_beyond_follow_up_are_said():
    figure = status_risk_figure(risk_rows(), name="r", title="Risk")
    words = printed(figure)
    assert "0.0 (no limits)" in words
    assert "not reached" in words
    assert "58.0 (21.0–84.0)" in words
    squares = [p for p in layers(figure, "point") if p["mark"]["shape"] == "square"]
    assert len(squares[0]["data"]["values"]) == 5
    assert "By 10 years, positive: 7 events, not reached" in figure.alt
