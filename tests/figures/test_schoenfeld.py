"""Figures of Schoenfeld residuals and of predicted survival."""

import polars as pl
import pytest

from ashworth.errors import EstimationError
from ashworth.figures import predicted_survival_figure, schoenfeld_figure

from . import schoenfeld_tables as made
from . import tables


def draw(points=None, smooth=None, tests=None):
    return schoenfeld_figure(
        made.points() if points is None else points,
        made.smooth() if smooth is None else smooth,
        made.tests() if tests is None else tests,
        name="ph", title="", x_title="Years",
    )  # fmt: skip


def layers(figure, mark):
    return [one for one in figure.spec["layer"] if one["mark"]["type"] == mark]


def test_every_term_has_its_points_smooth_and_level():
    figure = draw()
    dots = [p for p in layers(figure, "point") if p["mark"].get("opacity")]
    assert [len(d["data"]["values"]) for d in dots] == [242, 245, 243]  # every second one inside
    lines = [one["data"]["values"] for one in layers(figure, "line")]
    assert [len(v) for v in lines] == [40, 40, 0]
    falls = [a["y"] > b["y"] for a, b in zip(lines[0], lines[0][1:], strict=False)]
    assert all(falls)  # a rising estimate goes up, to smaller pixels
    assert "residuals outside of the panels" in str(figure.spec)


def test_words_of_the_numbers():
    words = draw().alt
    start = "Scaled Schoenfeld residuals of 500 events. CTC: ≥ 5 against < 5: p < 0.001"
    assert words.startswith(start)
    assert "smooth from 0.00 to 1.00" in words
    assert "not tested" in words


def test_too_many_terms_are_refused():
    with pytest.raises(EstimationError, match="found 9"):
        draw(tests=pl.concat([made.tests()] * 3))
    with pytest.raises(EstimationError, match="found 0"):
        predicted_survival_figure(
            tables.curves({"a": 20}).clear(), name="p", title="", x_title="x", y_title="y"
        )


def test_one_event_time_and_no_spread():
    points = made.points(4).with_columns(transformed_time=pl.lit(0.5), residual=pl.lit(1.0))
    figure = draw(points, made.smooth().clear(), made.tests().with_columns(null=pl.lit(1.0)))
    assert figure.svg().startswith("<svg")
