"""What calibration, decision-curve, marker-form and cut-point figures draw and say."""

from __future__ import annotations

import polars as pl
import pytest

from ashworth.errors import EstimationError
from ashworth.figures import (
    calibration_figure,
    cut_point_figure,
    decision_curve_figure,
    marker_form_figure,
)
from ashworth.figures.value_panel import Panel, Scale, round_marks

from . import value_added_tables as t


def drawn(figure, mark):
    """Rows of all layers with a mark."""
    return [
        row for layer in figure.spec["layer"] if layer["mark"]["type"] == mark
        for row in layer["data"]["values"]
    ]  # fmt: skip


def test_scales_put_values_where_they_belong():
    log = Scale(0.5, 8.0, 100.0, 20.0, "log")
    assert log.pixel(2.0) == 60.0
    assert log.pixel(100.0) == 20.0
    assert log.marks() == [0.5, 1.0, 2.0, 4.0, 8.0]
    counts = Scale(0.0, 99.0, 0.0, 100.0, "log1p")
    assert counts.pixel(9.0) == 50.0
    assert counts.marks() == [0.0, 2.0, 9.0] or counts.marks()[0] == 0.0
    assert round_marks(-0.1, 0.5) == [-0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5]


def test_a_line_breaks_where_there_is_no_number():
    panel = Panel(Scale(0, 3, 0, 3), Scale(0, 1, 0, 1))
    rows = [{"x": k, "y": y} for k, y in enumerate((0.1, float("nan"), 0.3, 0.4))]
    assert [len(piece["data"]["values"]) for piece in panel.line(rows, "x", "y")] == [1, 2]


def test_groups_that_are_not_estimable_are_not_drawn():
    figure = calibration_figure(t.group_rows(), t.smooth_rows(), name="c", title="")
    visible = [
        layer for layer in figure.spec["layer"]
        if layer["mark"]["type"] == "point" and layer["mark"]["opacity"]
    ]  # fmt: skip
    assert [len(v["data"]["values"]) for v in visible] == [9, 9]
    assert "nan" not in figure.alt
    with pytest.raises(EstimationError, match="1 or 2 models"):
        calibration_figure(t.group_rows().clear(), t.smooth_rows(), name="c", title="")


def test_net_benefit_below_the_panel_is_cut_off_and_a_gap_is_a_gap():
    figure = decision_curve_figure(t.benefit_rows(), name="d", title="")
    lowest = max(row["y"] for row in drawn(figure, "line"))
    bottom = max(row["y2"] for row in drawn(figure, "rule"))
    assert lowest <= bottom
    assert "not estimable" in figure.alt
    with pytest.raises(EstimationError, match="1 to 5 strategies"):
        decision_curve_figure(
            t.benefit_rows().filter(pl.col("strategy") == "treat all"), name="d", title=""
        )


def test_the_step_is_drawn_only_where_it_is_finite():
    counts = pl.DataFrame({"count": [0, 5], "n": [9, 1]})
    options = {"name": "m", "title": "", "cut": 5, "cut_label": "cut"}
    with_step = marker_form_figure(t.form_rows(), counts, cut_ratio=2.0, **options)
    without = marker_form_figure(t.form_rows(), counts, cut_ratio=float("inf"), **options)
    assert len(with_step.spec["layer"]) > len(without.spec["layer"])
    assert "From the cut-off 5 on: 2.00" in with_step.alt
    assert "From the cut-off" not in without.alt
    assert sum(row["n"] for row in drawn(with_step, "rect")) == 10
    nothing = t.form_rows().with_columns(hazard_ratio=pl.lit(float("nan")))
    with pytest.raises(EstimationError, match="no finite value"):
        marker_form_figure(nothing, counts, cut_ratio=2.0, **options)


def test_the_cut_is_described_with_its_bootstrap():
    figure = cut_point_figure(
        t.cut_rows(), t.chosen_rows(), name="p", title="OS", critical_label="p"
    )
    assert "Largest statistic 7.00 at 6" in figure.alt
    assert "70% of samples; cuts from 1 to 300" in figure.alt
    assert sum(row["n"] for row in drawn(figure, "rect")) == 100
    with pytest.raises(EstimationError, match="no cut is selected"):
        cut_point_figure(
            t.cut_rows().with_columns(selected=False), t.chosen_rows(), name="p", title="",
            critical_label="p",
        )  # fmt: skip
