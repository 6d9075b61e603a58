"""Flow of a trial: boxes from screening to the end, arrows with what leads along them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import (
    Spec,
    Text,
    channel,
    feet_texts,
    layer,
    rule_layer,
    sheet,
    text_layers,
    title_text,
)
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, shorten, wrap

LINE, PAD, GAP, SIZE = 15, 7, 44, 12
WIDEST, NARROW = 190.0, 70.0
_FILLS = {
    "decide": "#f3ead7", "randomise": "#dbe6f2", "treat": "#dfeee2", "stop": "#ffffff",
    "screen": "#f3ead7",
}  # fmt: skip
Row = Mapping[str, Any]


def protocol_flow_figure(
    boxes: pl.DataFrame,
    arrows: pl.DataFrame,
    *,
    name: str,
    title: str = "",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the flow of a trial protocol.

    Parameters
    ----------
    boxes : polars.DataFrame
        Columns node, kind, title, observed (patients, or null), layer (0 at the top), place
        (0 to 1 from the left).
    arrows : polars.DataFrame
        Columns source, target, label, places (list: the arrow's place in every layer, from that
        of its source to that of its target).
    name, title, note, alt, simulated
        As for every figure.

    Returns
    -------
    Figure
        `data` is `boxes`.

    Examples
    --------
    >>> boxes = pl.DataFrame({"node": ["a", "b"], "kind": ["screen", "stop"],
    ...     "title": ["Screened", "Treated"], "observed": [10, None], "layer": [0, 1],
    ...     "place": [0.5, 0.5]})
    >>> arrows = pl.DataFrame({"source": ["a"], "target": ["b"], "label": ["eligible"],
    ...     "places": [[0.5, 0.5]]})
    >>> protocol_flow_figure(boxes, arrows, name="flow", title="A trial").alt
    'A trial. Screened (10) leads to Treated if eligible.'
    """
    if boxes.is_empty():
        raise EstimationError("a flow needs at least one box")
    rows = sorted(boxes.to_dicts(), key=lambda r: (r["layer"], r["place"]))
    top = 34.0 if title else 6.0
    drawn, bottom = _boxes(rows, arrows.to_dicts(), top)
    lines, heads, labels = _arrows(arrows.to_dicts(), drawn)
    feet, height = feet_texts(bottom + 20, note, simulated=simulated)
    texts = [t for box in drawn.values() for t in box["texts"]]
    if title:
        texts.append(title_text(clean(title)))
    layers = [*_marks(drawn, lines, heads), *text_layers([*texts, *labels, *feet])]
    words = alt or _alt(rows, arrows.to_dicts(), clean(title))
    return Figure(name, clean(title), words, sheet(layers, height=height), boxes)


def _marks(drawn: Mapping[str, Row], lines: Sequence[Row], heads: Sequence[Row]) -> list[Spec]:
    turn = {"angle": {"field": "angle", "type": "quantitative", "scale": None}}
    point = {"type": "point", "shape": "triangle-down", "filled": True, "size": 36, "opacity": 1}
    fill = {"fill": {"field": "fill", "type": "nominal", "scale": None}}
    outlines = [{k: box[k] for k in ("x", "x2", "y", "y2", "fill")} for box in drawn.values()]
    frame = {"x2": {"field": "x2"}, "y2": {"field": "y2"}, **fill}
    rect = {"type": "rect", "clip": False, "stroke": theme.INK, "strokeWidth": 1}
    rects = layer(rect, outlines, {"x": channel("x"), "y": channel("y"), **frame})
    return [
        rule_layer(lines, color=theme.INK, strokeWidth=1),
        layer({**point, "color": theme.INK}, heads, {"x": channel("x"), "y": channel("y"), **turn}),
        rects,
    ]


def _width(rows: Sequence[Row], arrows: Sequence[Row], deepest: int) -> float:
    """Width of the boxes: as wide as the fullest layer allows."""
    most = 1
    for number in range(deepest + 1):
        places = {round(r["place"], 6) for r in rows if r["layer"] == number}
        most = max(most, len(places))
        gaps = sorted(places)
        for a, b in pairwise(gaps):
            most = max(most, round(1 / (b - a)))
    return min(WIDEST, (theme.WIDTH - 8) / most - 10)


def _boxes(
    rows: Sequence[Row], arrows: Sequence[Row], top: float
) -> tuple[dict[str, dict[str, Any]], float]:
    deepest = max(r["layer"] for r in rows)
    wide = _width(rows, arrows, deepest)
    drawn: dict[str, dict[str, Any]] = {}
    y = top
    for number in range(deepest + 1):
        members = [r for r in rows if r["layer"] == number]
        parts = {r["node"]: _words(r, wide) for r in members}
        tall = max((2 * PAD + LINE * len(p) for p in parts.values()), default=LINE)
        for row in members:
            drawn[row["node"]] = _box(row, parts[row["node"]], wide, y, tall)
        y += tall + GAP
    return drawn, y - GAP


def _words(row: Row, wide: float) -> list[tuple[str, bool]]:
    lines = [(part, False) for part in wrap(clean(row["title"]), wide - 2 * PAD, size=SIZE)]
    if row["observed"] is not None:
        lines.append((f"observed n = {int(row['observed']):,}", True))
    return lines


def _box(
    row: Row, lines: Sequence[tuple[str, bool]], wide: float, y: float, tall: float
) -> dict[str, Any]:
    half = wide / 2
    middle = min(max(4 + row["place"] * (theme.WIDTH - 8), 4 + half), theme.WIDTH - 4 - half)
    height = 2 * PAD + LINE * len(lines)
    start = y + (tall - height) / 2
    texts = [
        Text(middle, start + PAD + 11 + LINE * i, text, "center", size=SIZE, bold=bold)
        for i, (text, bold) in enumerate(lines)
    ]
    return {
        "x": middle - half, "x2": middle + half, "y": start, "y2": start + height,
        "middle": middle, "layer": row["layer"], "top": y, "bottom": y + tall, "texts": texts,
        "fill": _FILLS.get(row["kind"], theme.FILL),
    }  # fmt: skip


def _arrows(
    arrows: Sequence[Row], drawn: Mapping[str, Row]
) -> tuple[list[dict[str, float]], list[dict[str, float]], list[Text]]:
    tops = {box["layer"]: (box["top"], box["bottom"]) for box in drawn.values()}
    lines: list[dict[str, float]] = []
    heads: list[dict[str, float]] = []
    labels: list[Text] = []
    levels = {id: 6.0 * (i % 3 - 1) for i, id in enumerate(dict.fromkeys(_forks(arrows)))}
    for row in arrows:
        source, target = drawn[row["source"]], drawn[row["target"]]
        points = _points(row, source, target, tops, levels.get(row["source"], 0.0))
        for (x, y), (x2, y2) in pairwise(points):
            lines.append({"x": x, "y": y, "x2": x2, "y2": y2})
        heads.append({"x": points[-1][0], "y": target["y"] - 4, "angle": 0})
        if row["label"]:
            labels += _label(row, points)
    return lines, heads, labels


def _forks(arrows: Sequence[Row]) -> list[str]:
    """Sources whose arrows turn, so that two of them do not share a level."""
    return [row["source"] for row in arrows if row["label"] or len(row["places"]) > 2]


def _points(
    row: Row, source: Row, target: Row, tops: Mapping[int, tuple[float, float]], shift: float
) -> list[tuple[float, float]]:
    """The way of an arrow: down from its source, through its places, down into its target.

    `shift` moves the level where the arrow turns.
    """
    x, y = source["middle"], source["y2"]
    points = [(x, y)]
    first = source["layer"]
    for number, place in enumerate(row["places"][1:-1], start=first + 1):
        top, bottom = tops.get(number, (y, y))
        aside = 4 + place * (theme.WIDTH - 8)
        turn = top - GAP / 2 + shift
        points += [(points[-1][0], turn), (aside, turn), (aside, bottom)]
    turn = target["top"] - GAP / 2 + shift
    end = target["middle"]
    points += [(points[-1][0], turn), (end, turn), (end, target["y"] - 6)]
    return points


def _label(row: Row, points: Sequence[tuple[float, float]]) -> list[Text]:
    """Words beside the first downward piece after the turn."""
    turned = next((i for i, (a, b) in enumerate(pairwise(points)) if a[1] == b[1]), 0)
    x, y = points[turned + 1]
    right = theme.WIDTH - 4 - (x + 4)
    leftwards = right < NARROW
    room = x - 8 if leftwards else min(right, 130)
    return [
        Text(
            x - 4 if leftwards else x + 4, y + 12 + 12 * i, line,
            "right" if leftwards else "left", size=SIZE, colour=theme.MUTED,
        )
        for i, line in enumerate(_two_lines(clean(row["label"]), room))
    ]  # fmt: skip


def _two_lines(label: str, room: float) -> list[str]:
    """At most two lines of a label; what is longer is cut short."""
    lines = wrap(label, room, size=SIZE)
    if len(lines) <= 2:
        return lines
    return [lines[0], shorten(" ".join(lines[1:]), room, size=SIZE)]


def _alt(rows: Sequence[Row], arrows: Sequence[Row], title: str) -> str:
    names = {
        r["node"]: clean(r["title"])
        + ("" if r["observed"] is None else f" ({int(r['observed']):,})")
        for r in rows
    }
    parts = [
        f"{names[a['source']]} leads to {names[a['target']]}"
        + (f" if {clean(a['label'])}" if a["label"] else "")
        for a in arrows
    ]
    return (f"{title}. " if title else "") + "; ".join(parts) + "."
