"""Numbers of the figures of meta-analyses."""

from __future__ import annotations

import math

import polars as pl
import pytest

from ashworth.errors import EstimationError
from ashworth.figures import Figure, baujat_figure, funnel_figure, meta_forest_figure

from . import meta_tables

FIGURES = {f.name: f for f in meta_tables.figures()}


def marks(figure: Figure, **wanted: object) -> list[dict]:
    layers = [p for p in figure.spec["layer"] if not str(p.get("name", "")).startswith("hover")]
    same = (p for p in layers if all(p["mark"].get(k) == v for k, v in wanted.items()))
    return [row for p in same for row in p["data"]["values"]]


def words(figure: Figure) -> list[str]:
    return [row["text"] for row in marks(figure, type="text")]


def test_squares_have_the_area_of_the_weight():
    squares = {m["weight"]: m["size"] for m in marks(FIGURES["meta"], shape="square")}
    assert squares[57.0] / squares[40.0] == pytest.approx(57 / 40, rel=1e-2)
    assert squares[3.0] >= 14.0
    assert set(squares) == {40.0, 3.0, 57.0}


def test_diamonds_reach_from_limit_to_limit():
    figure = FIGURES["meta"]
    by_estimate = {m["estimate"]: m["x"] for m in marks(figure, shape="square")}
    per_log = (by_estimate[1.97] - by_estimate[1.23]) / math.log(1.97 / 1.23)
    areas = [p["data"]["values"] for p in figure.spec["layer"] if p["mark"]["type"] == "area"]
    widths = [a[2]["x"] - a[0]["x"] for a in areas]
    assert widths == pytest.approx(
        [per_log * math.log(2.4 / 1.6), per_log * math.log(2.7 / 1.02)], abs=0.1
    )
    (bar,) = marks(figure, type="rect")
    assert bar["x2"] - bar["x"] == pytest.approx(per_log * math.log(3.8 / 0.7), abs=0.1)


def test_reasons_and_undefined_predictions_are_printed():
    text = " ".join(words(FIGURES["meta"]))
    assert "no verified record" in text
    assert "undefined for k = 2" in text
    assert "Allowed by name: cutoff." in text
    assert "Test of interaction: p = 0.012" in text


def test_without_weights_there_is_no_column_of_weights():
    assert "Weight" in words(FIGURES["meta"])
    assert "Weight" not in words(FIGURES["meta-shares"])
    assert len({m["size"] for m in marks(FIGURES["meta-shares"], shape="square")}) == 1


def test_shares_and_differences_are_printed_on_their_scale():
    assert "20.0% (10.0–35.0)" in words(FIGURES["meta-shares"])
    assert "20%" not in words(FIGURES["meta-shares"])
    assert "−0.31 (−0.34 to −0.28)" in words(FIGURES["meta-differences"])


def test_no_line_crosses_a_note():
    figure = FIGURES["meta"]
    lines = [m for m in marks(figure, type="rule") if m["x"] == m["x2"] and m["y2"] - m["y"] > 5]
    notes = [m for m in marks(figure, type="text") if m["text"].startswith("tau²")]
    assert notes
    for note in notes:
        assert all(m["y2"] <= note["y"] - 8 or m["y"] >= note["y"] for m in lines)


def test_leave_one_out_ends_with_the_whole():
    figure = FIGURES["left-out"]
    assert figure.table()["label"].to_list()[-1] == "All studies"
    assert {"0.012", "30.0", "0.020", "21.0", "one study is left"} <= set(words(figure))


def test_points_of_the_funnel_stand_at_logarithm_and_error():
    figure = FIGURES["funnel"]
    points = [m for m in marks(figure, type="point") if "estimate" in m]
    first, last = points[0], points[11]
    assert (first["estimate"], last["estimate"]) == pytest.approx((1.2, 2.85))
    per_log = (last["x"] - first["x"]) / math.log(last["estimate"] / first["estimate"])
    other = points[5]
    assert other["x"] - first["x"] == pytest.approx(
        per_log * math.log(other["estimate"] / 1.2), abs=0.05
    )
    per_error = (last["y"] - first["y"]) / (last["error"] - first["error"])
    assert per_error > 0
    assert other["y"] - first["y"] == pytest.approx(per_error * (other["error"] - 0.08), abs=0.05)
    assert sum(m["filled"] for m in points) == 1


def test_contours_pass_where_p_is_the_level():
    """At the border of the region of p = 0.05 the estimate is 1.96 standard errors away."""
    studies = pl.DataFrame(
        {"label": ["on the border", "zero"], "estimate": [1.959964 * 0.2, 0.0],
         "standard_error": [0.2, 0.4]}
    )  # fmt: skip
    figure = funnel_figure(studies, name="f", title="", scale="difference")
    point = next(m for m in marks(figure, type="point") if m["label"] == "on the border")
    areas = [p["data"]["values"] for p in figure.spec["layer"] if p["mark"]["type"] == "area"]
    above = max((r for r in areas[1] if r["y"] <= point["y"]), key=lambda r: r["y"])
    below = min((r for r in areas[1] if r["y"] >= point["y"]), key=lambda r: r["y"])
    assert below["y"] - above["y"] < 10
    assert above["x2"] - 0.5 <= point["x"] <= below["x2"] + 0.5


def test_alt_of_the_funnel_counts_what_is_significant():
    assert "p below 0.05" in FIGURES["funnel"].alt
    assert "1 added by trim and fill" in FIGURES["funnel"].alt


def test_baujat_names_the_extremes_and_leaves_out_what_has_no_numbers():
    figure = FIGURES["baujat"]
    assert "31 studies" in figure.alt
    assert len(marks(figure, type="point")) == 31
    assert not {"single"} & set(words(figure))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"role": "note"}, "without a study"),
        ({"role": "studies"}, "without a study"),
    ],
)
def test_forests_without_studies_are_refused(change, says):
    rows = meta_tables.display_rows(1.0).with_columns(**{k: pl.lit(v) for k, v in change.items()})
    with pytest.raises(EstimationError, match=says):
        meta_forest_figure(rows, name="m", title="")


def test_unknown_roles_and_too_many_columns_are_refused():
    rows = meta_tables.display_rows(1.0)
    extra = rows.head(1).with_columns(role=pl.lit("stdy"))
    with pytest.raises(EstimationError, match="stdy; allowed"):
        meta_forest_figure(pl.concat([rows, extra]), name="m", title="")
    with pytest.raises(EstimationError, match="at most 3"):
        meta_forest_figure(
            rows, name="m", title="", columns=dict.fromkeys(["n", "a", "b", "c"], "x")
        )


def test_bad_funnels_are_refused():
    rows = meta_tables.funnel_rows(filled=False)
    zero = pl.when(label="Study 0").then(0.0).otherwise(0.1)
    with pytest.raises(EstimationError, match="Study 0 is missing or not above 0"):
        funnel_figure(rows.with_columns(standard_error=zero), name="f", title="")
    with pytest.raises(EstimationError, match="descend"):
        funnel_figure(rows, name="f", title="", levels=(0.01, 0.05, 0.1))
    with pytest.raises(EstimationError, match="without studies"):
        funnel_figure(rows.head(0), name="f", title="")
    with pytest.raises(EstimationError, match="no study"):
        baujat_figure(meta_tables.influence_rows().tail(1), name="b", title="")


def test_no_heading_is_broken_within_a_word():
    """Three wide columns beside long labels leave less room than "Adjustment" wants."""
    long = {"cutoff": "at least 1 CTC, whatever the volume of blood",
            "timepoint": "before and after chemotherapy", "adjustment": "adjusted"}  # fmt: skip
    row = {"role": "study", "estimate": 1.5, "lower": 1.1, "upper": 12.05, "weight_percent": None,
           "reason": ""}  # fmt: skip
    table = pl.DataFrame([{**row, **long, "label": f"A long name of a study {i}"} for i in "ab"])
    heads = {"cutoff": "Cut-off", "timepoint": "Time point", "adjustment": "Adjustment"}
    figure = meta_forest_figure(table, name="wide", title="", columns=heads)
    assert {"Cut-off", "Time point", "Adjustment"} <= set(words(figure))
