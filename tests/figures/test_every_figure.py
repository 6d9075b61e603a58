"""What holds for every figure: valid, the same bytes, described, nothing cut off."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from functools import cache

import pytest

from ashworth.errors import DefinitionError
from ashworth.figures import Figure, theme
from ashworth.figures.canvas import sheet
from ashworth.figures.render import still
from ashworth.figures.typesetting import text_width

from . import tables
from .gallery import gallery

FIGURES = gallery()
SVG = "{http://www.w3.org/2000/svg}"
each_figure = pytest.mark.parametrize("name", FIGURES)


@cache
def drawn(name: str) -> str:
    """SVG of a figure of the gallery, drawn once for all tests."""
    return FIGURES[name].svg()


def texts(name: str) -> list[tuple[ElementTree.Element, float, float]]:
    """Text elements of the SVG with their absolute positions."""
    found: list[tuple[ElementTree.Element, float, float]] = []

    def visit(element: ElementTree.Element, x: float, y: float) -> None:
        move = re.match(r"translate\(([-\d.e]+),([-\d.e]+)\)", element.get("transform", ""))
        if move:
            x, y = x + float(move[1]), y + float(move[2])
        if element.tag == f"{SVG}text":
            found.append((element, x, y))
        for child in element:
            visit(child, x, y)

    visit(ElementTree.fromstring(drawn(name)), 0.0, 0.0)
    return found


@each_figure
def test_spec_is_valid_vega_lite(name: str) -> None:
    import altair

    altair.LayerChart.from_dict(FIGURES[name].spec, validate=True)


def test_the_schema_check_can_fail() -> None:
    import altair
    import jsonschema

    with pytest.raises((altair.utils.schemapi.SchemaValidationError, jsonschema.ValidationError)):
        altair.LayerChart.from_dict({"layer": [{"mark": "no such mark"}]}, validate=True)


@each_figure
def test_json_reads_back_and_points_nowhere(name: str) -> None:
    figure = FIGURES[name]
    assert json.loads(figure.json()) == figure.spec
    assert '"url"' not in figure.json()
    assert '"href"' not in figure.json()


def test_same_bytes_twice_and_in_any_order() -> None:
    first = {n: f.svg() for n, f in FIGURES.items()}
    again = gallery()
    second = {n: again[n].svg() for n in reversed(FIGURES)}
    assert first == second
    assert FIGURES["km-two"].png(1) == FIGURES["km-two"].png(1)


def test_same_bytes_in_a_fresh_process() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from figures.gallery import gallery; "
        "import hashlib; print(hashlib.sha256(gallery()['km-two'].svg().encode()).hexdigest())"
    )
    import hashlib
    from pathlib import Path

    folder = str(Path(__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True
    )
    here = hashlib.sha256(FIGURES["km-two"].svg().encode()).hexdigest()
    assert run.stdout.strip() == here


@each_figure
def test_ids_carry_the_figures_name(name: str) -> None:
    svg = drawn(name)
    ids = re.findall(r'\bid="([^"]*)"', svg)
    assert ids
    assert len(ids) == len(set(ids))
    assert all(i.startswith(f"{name}-") for i in ids)
    assert set(re.findall(r"url\(#([^)]*)\)", svg)) <= set(ids)


@each_figure
def test_title_and_description(name: str) -> None:
    root = ElementTree.fromstring(FIGURES[name].svg())
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == FIGURES[name].title
    assert root.find(f"{SVG}desc").text == FIGURES[name].alt
    assert root.get("aria-labelledby") == f"{name}-title {name}-desc"


@each_figure
def test_simulated_is_printed_inside(name: str) -> None:
    assert "Simulated data" in [e.text for e, _, _ in texts(name)]


@each_figure
def test_no_text_leaves_the_picture_or_is_small(name: str) -> None:
    figure = FIGURES[name]
    root = ElementTree.fromstring(figure.svg())
    width, height = float(root.get("width")), float(root.get("height"))
    assert width == theme.WIDTH
    for element, x, y in texts(name):
        size = float(element.get("font-size").removesuffix("px"))
        assert size >= 12, "12 px are 9 pt"
        if "rotate" in element.get("transform", ""):
            continue
        wide = text_width(element.text, size=size, bold=element.get("font-weight") == "600")
        left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[element.get("text-anchor")]
        assert left >= 0, element.text
        assert left + wide <= width, element.text
        assert size * 0.8 <= y <= height - 2, element.text


@each_figure
def test_no_two_texts_overlap(name: str) -> None:
    boxes = []
    for element, x, y in texts(name):
        size = float(element.get("font-size").removesuffix("px"))
        wide = text_width(element.text, size=size, bold=element.get("font-weight") == "600")
        left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[element.get("text-anchor")]
        box = (left, left + wide, y - 0.66 * size, y, element.text)
        if "rotate" in element.get("transform", ""):
            box = (x - size, x, y - wide / 2, y + wide / 2, element.text)
        boxes.append(box)
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            apart = a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]
            assert apart, (a[4], b[4])


def test_hostile_names_are_text_only() -> None:
    svg = FIGURES["km-five"].svg()
    assert "<script" not in svg
    shown = " ".join(e.text for e, _, _ in texts("km-five"))
    assert "<script>alert(1)</script>" in shown
    assert "=SUM(A1) tabs" in shown
    assert "مرحبا" in shown
    assert tables.VERY_LONG.strip() not in shown


def test_names_that_are_no_ids_are_refused() -> None:
    figure = Figure('a"b', "t", "d", sheet([], height=10), tables.flow_rows())
    with pytest.raises(DefinitionError, match="lower-case"):
        figure.svg()


def test_figures_are_frozen_and_give_their_table() -> None:
    figure = FIGURES["forest"]
    with pytest.raises(AttributeError):
        figure.name = "other"  # type: ignore[misc]
    assert figure.table().equals(figure.data)


def test_tooltip_layers_are_left_out_of_still_pictures() -> None:
    spec = FIGURES["km-two"].spec
    hidden = [p for p in spec["layer"] if str(p.get("name", "")).startswith("hover")]
    assert len(hidden) == 2
    assert len(still(spec)["layer"]) == len(spec["layer"]) - 2


def test_groups_differ_in_grey_and_in_dash() -> None:
    grey = []
    for colour in theme.PALETTE:
        r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        grey.append(0.299 * r + 0.587 * g + 0.114 * b)
    assert abs(grey[0] - grey[1]) > 60
    assert len({tuple(d) for d in theme.DASHES}) == len(theme.PALETTE)


def test_importing_figures_loads_no_chart_library() -> None:
    code = (
        "import sys, ashworth.figures as f; f.kaplan_meier_figure; "
        "print([m for m in ('altair', 'vl_convert', 'pandas', 'jinja2') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
