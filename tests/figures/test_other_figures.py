"""Numbers of the other figures."""

from __future__ import annotations

import math

import polars as pl
import pytest

from ashworth.errors import EstimationError
from ashworth.figures import cohort_flow_figure, forest_figure, positivity_figure
from ashworth.figures.interval_rows import log_axis
from ashworth.figures.numbers import p_value, ratio
from ashworth.figures.typesetting import clean, shorten, text_width, wrap

from . import tables
from .gallery import gallery

FIGURES = gallery()


def texts(name: str) -> list[dict]:
    layers = FIGURES[name].spec["layer"]
    return [t for p in layers if p["mark"]["type"] == "text" for t in p["data"]["values"]]


def squares(name: str) -> list[dict]:
    layers = FIGURES[name].spec["layer"]
    return [r for p in layers if p["mark"].get("shape") == "square" for r in p["data"]["values"]]


def test_forest_prints_reference_infinite_and_not_estimable() -> None:
    words = [t["text"] for t in texts("forest")]
    assert {"reference", "infinite", "not estimable", "1.94 (1.70–2.21)"} <= set(words)
    assert "< 0.001" in words
    assert "0.021" in words
    assert [s["estimate"] for s in squares("forest")] == [1.94, 1.08, 1.3]


def test_forest_squares_stand_on_a_log_axis() -> None:
    axis = log_axis([0.5, 4.0], 300, 446)
    for row in (0.5, 1.0, 2.0, 4.0):
        share = math.log(row / axis.low) / math.log(axis.high / axis.low)
        assert axis.pixel(row) == pytest.approx(300 + 146 * share, abs=0.01)
    assert axis.pixel(1e9) == 446


def test_clipped_limits_get_arrows() -> None:
    layers = FIGURES["forest"].spec["layer"]
    arrows = [
        r for p in layers if p["mark"].get("shape") == "triangle-up" for r in p["data"]["values"]
    ]
    assert sorted(a["angle"] for a in arrows) == [90, 270]


def test_forest_of_nothing_estimable_is_drawn() -> None:
    rows = tables.forest_rows().filter(pl.col("label") == "constant")
    figure = forest_figure(rows, name="f", title="x")
    assert "not estimable" in figure.svg()


def test_columns_of_the_forest_are_aligned() -> None:
    ratios = [t for t in texts("forest") if "(" in t["text"] and "–" in t["text"]]
    assert len({t["x"] for t in ratios}) == 1


def test_count_bars_show_share_and_cut() -> None:
    layers = FIGURES["counts"].spec["layer"]
    bars = [r for p in layers if p["mark"]["type"] == "rect" for r in p["data"]["values"]]
    base = {b["share"]: b["y2"] - b["y"] for b in bars}
    assert base[0.7] / base[0.1] == pytest.approx(7, rel=0.01)
    assert {b["count_category"] for b in bars if b["dark"]} == {"5–9", "10–49", "≥ 50"}
    assert sum(b["n"] for b in bars) == 200


def test_ribbons_are_as_thick_as_their_patients() -> None:
    layers = FIGURES["dynamics"].spec["layer"]
    ribbons = [p["data"]["values"] for p in layers if p["mark"]["type"] == "area"]
    thick = {rows[0]["n"]: rows[0]["y2"] - rows[0]["y"] for rows in ribbons}
    assert set(thick) == {780, 62, 410, 1}
    assert thick[780] / thick[410] == pytest.approx(780 / 410, rel=0.01)
    for rows in ribbons:
        assert all(r["y2"] - r["y"] == pytest.approx(thick[r["n"]], abs=0.02) for r in rows)


def test_cohort_texts_fit_their_boxes() -> None:
    layers = FIGURES["cohort"].spec["layer"]
    boxes = [r for p in layers if p["mark"]["type"] == "rect" for r in p["data"]["values"]]
    inside = 0
    for p in layers:
        if p["mark"]["type"] != "text":
            continue
        for t in p["data"]["values"]:
            wide = text_width(t["text"], bold=p["mark"]["fontWeight"] == 600)
            left = t["x"] - wide * {"left": 0, "center": 0.5, "right": 1}[p["mark"]["align"]]
            inside += any(
                b["x"] <= left and left + wide <= b["x2"] and b["y"] < t["y"] - 9 < b["y2"]
                for b in boxes
            )
    every = len(texts("cohort"))
    assert inside == every - 2, "all but the title and the mark of simulated data"


def test_cohort_boxes_do_not_overlap() -> None:
    layers = FIGURES["cohort"].spec["layer"]
    boxes = [r for p in layers if p["mark"]["type"] == "rect" for r in p["data"]["values"]]
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            apart = a["x2"] <= b["x"] or b["x2"] <= a["x"] or a["y2"] <= b["y"] or b["y2"] <= a["y"]
            assert apart


def test_cohort_numbers_are_printed() -> None:
    words = [t["text"] for t in texts("cohort")]
    assert {"n = 2,436", "Excluded: n = 43", "31", "12", "n = 2,393"} <= set(words)


def test_cohort_flow_without_a_first_step_is_refused() -> None:
    rows = tables.cohort_rows().tail(3)
    with pytest.raises(EstimationError, match="begins with a step"):
        cohort_flow_figure(rows.filter(pl.col("role") == "group"), name="c")


def test_positivity_prints_what_has_no_denominator() -> None:
    words = [t["text"] for t in texts("positivity")]
    assert "46.0 (37.0–56.0)" in words
    assert "not estimable" in words


def test_text_width_is_that_of_the_font() -> None:
    # Advance widths of the shipped regular font in 1/1000 em: digits 497, space 200.
    assert text_width("0 0", size=1000) == pytest.approx(2 * 497 + 200)
    assert len({text_width(d) for d in "0123456789"}) == 1


def test_wrapping_keeps_all_words_and_the_width() -> None:
    words = "specimen taken after the start of treatment, day not known"
    lines = wrap(words, 120)
    assert " ".join(lines) == words
    assert all(text_width(line) <= 120 for line in lines)
    assert text_width(shorten("x" * 500, 90)) <= 90
    assert wrap("", 50) == [""]


def test_clean_drops_control_and_override_characters() -> None:
    assert clean("a\x00b\u202ec\nd") == "abc d"


@pytest.mark.parametrize(("value", "words"), [(0.05, "0.050"), (0.1, "0.10"), (0.001, "0.0010")])
def test_p_values(value: float, words: str) -> None:
    assert p_value(value) == words


def test_ratios_print_at_most_six_digits() -> None:
    for value in (0.0001, 1.0, 999.994, 12345.678, 999999.0, 1e12):
        assert len([c for c in ratio(value) if c.isdigit()]) <= 6


def test_a_long_forest_label_is_wrapped_and_not_cut() -> None:
    label = "ln(Progesterone receptor + 1), per unit"
    rows = pl.DataFrame(
        {"section": ["Receptors"] * 2, "label": [label, "next"], "n": [10, 10], "events": [5, 5],
         "estimate": [1.2, 1.1], "lower": [1.0, 1.0], "upper": [1.5, 1.5], "p_value": [0.1, 0.2],
         "is_reference": [False, False]}
    )  # fmt: skip
    layers = forest_figure(rows, name="f", title="").spec["layer"]
    words = [t for p in layers if p["mark"]["type"] == "text" for t in p["data"]["values"]]
    printed = [t for t in words if t["text"] and t["text"] in label and len(t["text"]) > 3]
    assert " ".join(t["text"] for t in sorted(printed, key=lambda t: t["y"])) == label
    assert len({t["y"] for t in printed}) == 2
    below = next(t for t in words if t["text"] == "next")
    assert below["y"] >= max(t["y"] for t in printed) + 15


def test_positivity_wraps_a_long_time_point() -> None:
    name = "after the third cycle of neoadjuvant chemotherapy"
    rows = tables.positivity_rows().with_columns(timepoint=pl.lit(name))
    figure = positivity_figure(rows, name="p", title="x")
    assert "neoadjuvant" in figure.svg()
    assert "…" not in figure.svg()


@pytest.mark.parametrize("word", ["Anthracycline-containing/chemotherapy", "M" * 40, "é" * 60])
def test_a_word_wider_than_its_column_is_broken_and_not_cut(word: str) -> None:
    lines = wrap("with " + word, 110)
    assert "".join(lines).replace(" ", "") == "with" + word
    assert all(text_width(line) <= 110 for line in lines)
