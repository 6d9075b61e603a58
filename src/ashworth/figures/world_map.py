"""A world map of counts by country; the outlines ship with the package.

Outlines: Natural Earth 1:110 million (public domain), rounded to a tenth of a degree, drawn in the
plate carrée projection without Antarctica.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from ashworth.figures import theme
from ashworth.figures.canvas import (
    Spec,
    Text,
    feet_texts,
    layer,
    rect_layer,
    sheet,
    text_layers,
    title_text,
)
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean

SCALE, WEST, SOUTH, NORTH = 1.75, -168.5, -56.0, 84.0
_FILE = Path(__file__).parent / "world.json"
_CLASSES = (1, 2, 5, 10)


@cache
def outlines() -> dict[str, list[list[list[float]]]]:
    """Rings of longitude and latitude by ISO code."""
    found: dict[str, list[list[list[float]]]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def world_map_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str = "",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Colour countries by a count.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns code (ISO 3166 alpha-2), label, n. A code without an outline stands in the note.
    name, title, note, alt, simulated
        As for every figure.

    Returns
    -------
    Figure
        `data` is `rows`.

    Examples
    --------
    >>> rows = pl.DataFrame({"code": ["DE"], "label": ["Germany"], "n": [6]})
    >>> world_map_figure(rows, name="map", title="Trials").alt
    'Trials. Germany 6.'
    """
    counts = dict(zip(rows["code"], rows["n"], strict=True))
    top = 34.0 if title else 8.0
    features = [_feature(code, rings, counts.get(code, 0), top)
                for code, rings in outlines().items()]  # fmt: skip
    bottom = top + (NORTH - SOUTH) * SCALE
    missing = [r["label"] for r in rows.to_dicts() if r["code"] not in outlines()]
    words = note + (f" Not on the map: {', '.join(map(clean, missing))}." if missing else "")
    feet, height = feet_texts(bottom + 38, words, simulated=simulated)
    texts, boxes = _legend(bottom + 12)
    if title:
        texts.append(title_text(clean(title)))
    shape: Spec = layer(
        {"type": "geoshape", "stroke": "#ffffff", "strokeWidth": 0.4}, features,
        {"fill": {"field": "colour", "type": "nominal", "scale": None}},
    )  # fmt: skip
    shape["projection"] = {"type": "identity"}
    boxes_layer = [rect_layer([b], fill=colour) for b, colour in boxes]
    layers = [shape, *boxes_layer, *text_layers([*texts, *feet])]
    said = alt or _alt(rows, clean(title))
    return Figure(name, clean(title), said, sheet(layers, height=height), rows)


def _feature(code: str, rings: list[list[list[float]]], n: int, top: float) -> dict[str, Any]:
    polygons = [[[[4 + (_east(x) - WEST) * SCALE, top + (NORTH - y) * SCALE] for x, y in ring]]
                for ring in rings]  # fmt: skip
    rounded = [[[[round(x, 1), round(y, 1)] for x, y in r] for r in p] for p in polygons]
    return {
        "type": "Feature", "code": code, "n": n, "colour": _colour(n),
        "geometry": {"type": "MultiPolygon", "coordinates": rounded},
    }  # fmt: skip


def _east(longitude: float) -> float:
    """Longitude on a map that is cut in the Bering strait, not through Siberia."""
    return longitude + 360 if longitude < WEST else longitude


def _colour(n: int) -> str:
    """Darker for more; none is grey."""
    step = sum(n >= least for least in _CLASSES)
    return theme.HAIRLINE if step == 0 else theme.SEQUENCE[step - 1]


def _legend(y: float) -> tuple[list[Text], list[tuple[dict[str, float], str]]]:
    words = ["none", "1", "2 to 4", "5 to 9", "10 or more"]
    texts, boxes = [], []
    for i, (label, least) in enumerate(zip(words, (0, *_CLASSES), strict=True)):
        x = 4 + 110 * i
        boxes.append(({"x": x, "x2": x + 14, "y": y, "y2": y + 12}, _colour(least)))
        texts.append(Text(x + 19, y + 10, label))
    return texts, boxes


def _alt(rows: pl.DataFrame, title: str) -> str:
    ordered = rows.sort("n", "label", descending=[True, False]).to_dicts()
    parts = [f"{clean(r['label'])} {r['n']}" for r in ordered]
    return (f"{title}. " if title else "") + ", ".join(parts) + "."
