"""What the figure of a reconstruction says."""

from __future__ import annotations

import polars as pl
import pytest

from ashworth.errors import EstimationError
from ashworth.figures import reconstruction_figure

from . import reconstruction_tables as tables

ARMS = ("control", "trastuzumab")
WORDS = {"name": "r", "title": "PFS", "x_title": "Months", "y_title": "Free of progression"}


def values(figure, field):
    """Rows of the layers whose data have a field."""
    layers = [part["data"]["values"] for part in figure.spec["layer"]]
    return [rows for rows in layers if rows and field in rows[0]]


def test_points_and_lines_are_the_numbers_given():
    curves = tables.curves(ARMS)
    figure = reconstruction_figure(curves, tables.risk_table(ARMS, (0.0, 12.0, 24.0)), **WORDS)
    lines = [r for r in values(figure, "survival") if "lower" not in r[0]]
    assert [[row["survival"] for row in rows] for rows in lines] == [
        curves.filter(pl.col("arm") == arm)["reconstructed"].to_list() for arm in ARMS
    ]
    circles = [r for r in values(figure, "given") if "reconstructed" not in r[0]]
    for rows, arm in zip(circles, ARMS, strict=True):
        mine = set(curves.filter(pl.col("arm") == arm).select("time", "given").iter_rows())
        assert {(r["time"], r["given"]) for r in rows} <= mine


def test_printed_and_rebuilt_numbers_stand_under_each_other():
    figure = reconstruction_figure(
        tables.curves(ARMS), tables.risk_table(ARMS, (0.0, 12.0)), **WORDS
    )
    svg = figure.svg()
    for words in ("Printed", "Rebuilt", "1,020", "1,021"):
        assert words in svg
    assert "control: 1,200 patients, 61 points, off by at most 0.4 percentage points" in figure.alt
    assert "Simulated" not in svg


def test_a_dense_table_is_thinned():
    every = tuple(float(t) for t in range(61))
    svg = reconstruction_figure(tables.curves(ARMS), tables.risk_table(ARMS, every), **WORDS).svg()
    assert ">1,200<" in svg
    assert ">1,185<" not in svg


def test_at_most_five_arms():
    six = tuple("abcdef")
    with pytest.raises(EstimationError, match="1 to 5 arms, found 6"):
        reconstruction_figure(tables.curves(six), tables.risk_table(six, (0.0,)), **WORDS)
