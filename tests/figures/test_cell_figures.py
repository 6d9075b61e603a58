"""Numbers of the figures of one sample: what stands where, and that nothing is lost."""

from __future__ import annotations

import math

import polars as pl
import pytest

from ashworth.figures.cartridge_map import cartridge_map_figure
from ashworth.figures.cell_classes import CLASSES, COMMON
from ashworth.figures.cell_scatter import BIN, LEFT, cell_scatter_figure
from ashworth.figures.result import Figure

from .cell_tables import HEIGHT_UM, NUMBERS, WIDTH_UM, cells, frames

RARE = {call: n for call, (n, _, _) in NUMBERS.items() if call not in COMMON}


def scatter(table: pl.DataFrame, **options: object) -> Figure:
    return cell_scatter_figure(table, name="scatter", title="Cells", **options)


def chart(table: pl.DataFrame, places: pl.DataFrame, **options: object) -> Figure:
    size = {"frame_width_um": WIDTH_UM, "frame_height_um": HEIGHT_UM}
    return cartridge_map_figure(places, table, name="map", title="Map", **size, **options)


def marks(figure: Figure, key: str = "cell") -> list[dict]:
    layers = figure.spec["layer"]
    rows = [r for p in layers if p["mark"]["type"] == "point" for r in p["data"]["values"]]
    return [r for r in rows if key in r]


def boxes(figure: Figure) -> list[dict]:
    layers = figure.spec["layer"]
    return [r for p in layers if p["mark"]["type"] == "rect" for r in p["data"]["values"]]


def words(figure: Figure) -> list[str]:
    layers = figure.spec["layer"]
    return [t["text"] for p in layers if p["mark"]["type"] == "text" for t in p["data"]["values"]]


def test_rare_cells_are_all_drawn_and_common_ones_add_up() -> None:
    figure = scatter(cells())
    assert len(marks(figure)) == sum(RARE.values())
    chief = sum(b["n"] for b in boxes(figure))
    assert 3500 < chief <= 3900, "of two classes in one square the smaller is not drawn"
    assert figure.table().select("call", "n").rows() == [
        (c, NUMBERS[c][0]) for c in (*(k for k in CLASSES if k in NUMBERS), list(NUMBERS)[-1])
    ]


def test_squares_hold_their_cells() -> None:
    table = cells().filter(call="leukocyte")
    figure = scatter(table)
    assert sum(b["n"] for b in boxes(figure)) == table.height
    assert {(b["x2"] - b["x"], b["y2"] - b["y"]) for b in boxes(figure)} == {(BIN, BIN)}


def test_places_follow_the_inverse_hyperbolic_sine() -> None:
    table = pl.DataFrame(
        {
            "cell_id": ["a", "b", "c", "d"],
            "call": ["ctc"] * 4,
            "frame": [1] * 4,
            "ck_mean": [0.0, 0.0, 0.0, 0.0],
            "cd45_mean": [0.0, 10.0, 1000.0, -1e9],
        }
    )
    x = {m["cell"]: m["x"] for m in marks(scatter(table))}
    ratio = (x["c"] - x["a"]) / (x["b"] - x["a"])
    assert ratio == pytest.approx(math.asinh(100) / math.asinh(1), rel=1e-3)
    assert x["d"] == LEFT


def test_cells_without_a_value_are_named_not_drawn() -> None:
    table = cells().filter(call="ctc").with_row_index("i").with_columns(
        ck_mean=pl.when(pl.col("i") == 0).then(None).when(pl.col("i") == 1)
        .then(float("nan")).otherwise("ck_mean")
    )  # fmt: skip
    figure = scatter(table)
    assert len(marks(figure)) == 32
    assert "2 cells without both values not drawn." in words(figure)


def test_thresholds_are_dashed_lines() -> None:
    def dashed(figure: Figure) -> list[dict]:
        layers = figure.spec["layer"]
        return [r for p in layers if "strokeDash" in p["mark"] for r in p["data"]["values"]]

    lines = dashed(scatter(cells(), x_cut=60.0, y_cut=75.0))
    assert sorted((r["x"] == r["x2"], r["y"] == r["y2"]) for r in lines) == [
        (False, True),
        (True, False),
    ]
    assert dashed(scatter(cells())) == []


def test_no_cells_are_a_figure_too() -> None:
    assert scatter(cells().clear()).alt == "Cells. No cells."
    assert "<svg" in scatter(cells().clear()).svg()
    assert "<svg" in chart(cells().clear(), frames()).svg()


def test_classes_differ_by_shape_or_size_not_only_by_colour() -> None:
    rare = [style for call, style in CLASSES.items() if call not in COMMON]
    assert len({style.shape for style in rare}) == len(rare)


def test_cells_of_the_map_lie_in_their_frames() -> None:
    figure = chart(cells(), frames())
    place = {b["frame"]: b for b in boxes(figure) if "frame" in b}
    assert set(place) == set(range(1, 15))
    found = marks(figure)
    assert len(found) == sum(RARE.values())
    for mark in found:
        box = place[mark["frame"]]
        assert box["x"] - 0.02 <= mark["x"] <= box["x2"] + 0.02
        assert box["y"] - 0.02 <= mark["y"] <= box["y2"] + 0.02
    assert figure.table()["cells_drawn"].sum() == sum(RARE.values())


def test_frames_keep_their_shape_and_abut() -> None:
    place = {b["frame"]: b for b in boxes(chart(cells(), frames())) if "frame" in b}
    one, two, below = place[1], place[2], place[14]
    ratio = (one["x2"] - one["x"]) / (one["y2"] - one["y"])
    assert ratio == pytest.approx(WIDTH_UM / HEIGHT_UM, rel=1e-3)
    assert two["x"] == pytest.approx(one["x2"], abs=0.02)
    assert below["y"] == pytest.approx(one["y2"], abs=0.02)


def test_shades_grow_with_the_nuclei() -> None:
    places = frames().with_columns(n_nuclei=pl.Series([0] * 7 + [400] * 7))
    figure = chart(cells(), places)
    layers = [p for p in figure.spec["layer"] if p["mark"]["type"] == "rect"]
    shades = {
        r["n_nuclei"]: p["mark"]["color"] for p in layers for r in p["data"]["values"]
        if "n_nuclei" in r
    }  # fmt: skip
    assert int(shades[400][1:], 16) < int(shades[0][1:], 16)
    assert {"0–100", "303–403"} <= set(words(figure))


def test_unrelated_fields_are_apart_and_count_from_their_own_corner() -> None:
    table = pl.DataFrame(
        {"cell_id": ["a", "b"], "call": ["ctc"] * 2, "frame": [1, 2], "x_um": [0.0] * 2,
         "y_um": [0.0] * 2}
    )  # fmt: skip
    figure = chart(table, frames(), contiguous=False)
    place = {b["frame"]: b for b in boxes(figure) if "frame" in b}
    assert place[2]["x"] > place[1]["x2"] + 2
    for mark in marks(figure):
        box = place[mark["frame"]]
        assert (mark["x"], mark["y"]) == (box["x"], box["y"])


def test_frames_out_of_focus_are_crossed_and_named() -> None:
    figure = chart(cells(), frames())
    assert "out of focus" in words(figure)
    assert "14 frames with" in figure.alt
    assert "2 out of focus" in figure.alt
    sharp = chart(cells(), frames().drop("out_of_focus"))
    assert "out of focus" not in words(sharp)
