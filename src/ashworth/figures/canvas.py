"""Vega-Lite layers whose positions are pixels: text, rules, boxes, ribbons.

Vega-Lite places marks by scales; where a figure is also a table (numbers at risk, hazard
ratios), columns and rows stand at exact pixels instead. Each layer carries its own data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ashworth.figures import theme
from ashworth.figures.typesetting import shorten, text_width, wrap

Spec = dict[str, object]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HOVER = "hover"
"""Layers whose name starts so carry tooltips only and are left out of still pictures."""


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text at a pixel; `y` is the baseline.

    Attributes
    ----------
    x, y : float
        Position in px from the figure's origin.
    text : str
        The line.
    align : str
        ``"left"``, ``"center"`` or ``"right"``.
    size : float
        Font size in px.
    bold, italic : bool
        Semibold, italic.
    colour : str
        Fill.
    angle : float
        Degrees clockwise.
    """

    x: float
    y: float
    text: str
    align: str = "left"
    size: float = theme.TEXT_SIZE
    bold: bool = False
    italic: bool = False
    colour: str = theme.INK
    angle: float = 0.0

    def width(self) -> float:
        """Width of the line in px."""
        return text_width(self.text, size=self.size, bold=self.bold)


def channel(field: str) -> Spec:
    """Encode a field whose values are pixels or colours already."""
    return {"field": field, "type": "quantitative", "scale": None, "axis": None}


def layer(
    mark: Mapping[str, object],
    rows: Sequence[Mapping[str, object]],
    encoding: Mapping[str, object],
    *,
    name: str | None = None,
) -> Spec:
    """One layer with its own rows.

    Examples
    --------
    >>> layer({"type": "rule"}, [{"x": 1}], {"x": channel("x")})["mark"]
    {'type': 'rule'}
    """
    made: Spec = {"name": name} if name else {}
    return made | {"data": {"values": list(rows)}, "mark": dict(mark), "encoding": dict(encoding)}


def text_layers(texts: Sequence[Text]) -> list[Spec]:
    """Layers that print the texts, one for each style."""
    styles: dict[tuple[object, ...], list[Text]] = {}
    for text in texts:
        style = (text.align, text.size, text.bold, text.italic, text.colour, text.angle)
        styles.setdefault(style, []).append(text)
    encoding = {
        "x": channel("x"),
        "y": channel("y"),
        "text": {"field": "text", "type": "nominal"},
    }
    return [_text_layer(members, encoding) for members in styles.values()]


def _text_layer(members: Sequence[Text], encoding: Mapping[str, object]) -> Spec:
    first = members[0]
    mark: Spec = {
        "type": "text",
        "align": first.align,
        "baseline": "alphabetic",
        "fontSize": first.size,
        "fontWeight": 600 if first.bold else 400,
        "fontStyle": "italic" if first.italic else "normal",
        "color": first.colour,
        "angle": first.angle % 360,
        "clip": False,
    }
    rows = [{"x": round(t.x, 2), "y": round(t.y, 2), "text": t.text} for t in members]
    return layer(mark, rows, encoding)


def title_text(title: str, x: float = 4, y: float = 17) -> Text:
    """Title of a figure at its top left corner."""
    size = theme.TITLE_SIZE
    line = shorten(title, theme.WIDTH - 8, size=size, bold=True)
    return Text(x, y, line, size=size, bold=True)


def end_labels(
    ends: list[tuple[float, str, str]], x: float, top: float, bottom: float
) -> list[Text]:
    """Names of series beside their ends (baseline, name, colour), moved apart where they meet."""
    texts = []
    lowest = bottom
    for place, (y, name, colour) in enumerate(sorted(ends, reverse=True)):
        lowest = min(y, lowest if place == 0 else lowest - 15)
        short = shorten(name, theme.WIDTH - x - 4)
        texts.append(Text(x, max(lowest, top), short, colour=colour))
    return texts


def feet_texts(y: float, *notes: str, x: float = 4, simulated: bool) -> tuple[list[Text], float]:
    """Small lines at the foot from baseline `y`, and the height of a figure that ends there."""
    wide = theme.WIDTH - 8
    feet = [(line, False) for note in notes if note for line in wrap(note, wide)]
    if simulated:
        feet.append((theme.SIMULATED, True))
    texts = [
        Text(x, y + 15 * i, line, bold=bold, colour=theme.MUTED)
        for i, (line, bold) in enumerate(feet)
    ]
    return texts, y + 15 * len(feet) - (9 if feet else 12)


def rule_layer(rows: Sequence[Mapping[str, object]], **style: object) -> Spec:
    """Lines from (x, y) to (x2, y2) in px."""
    encoding = {"x": channel("x"), "y": channel("y"), "x2": {"field": "x2"}, "y2": {"field": "y2"}}
    return layer({"type": "rule", "clip": False, **style}, rows, encoding)


def rect_layer(
    rows: Sequence[Mapping[str, object]],
    tooltip: Sequence[Mapping[str, object]] = (),
    **style: object,
) -> Spec:
    """Boxes from (x, y) to (x2, y2) in px; `tooltip` lists fields and their titles."""
    encoding: Spec = {
        "x": channel("x"),
        "y": channel("y"),
        "x2": {"field": "x2"},
        "y2": {"field": "y2"},
    }
    if tooltip:
        encoding["tooltip"] = list(tooltip)
    return layer({"type": "rect", "clip": False, **style}, rows, encoding)


def tip(field: str, title: str, *, number: str | None = None) -> Spec:
    """One line of a tooltip; `number` is a d3 format and makes the field quantitative."""
    if number is None:
        return {"field": field, "type": "nominal", "title": title}
    return {"field": field, "type": "quantitative", "title": title, "format": number}


def sheet(
    layers: Sequence[Spec],
    *,
    height: float,
    margins: tuple[float, float, float, float] = (0, 0, 0, 0),
) -> Spec:
    """Whole specification, `theme.WIDTH` px wide.

    Parameters
    ----------
    layers : sequence of dict
        Layers; pixels count from the plot's top left corner.
    height : float
        Height of the plot in px, without margins.
    margins : tuple of float
        Top, right, bottom, left in px, outside of the plot.

    Returns
    -------
    dict
        A Vega-Lite 6 specification.

    Examples
    --------
    >>> spec = sheet(text_layers([Text(0, 10, "a")]), height=20, margins=(1, 2, 3, 4))
    >>> spec["width"], spec["padding"]["left"]
    (634, 4)
    """
    top, right, bottom, left = margins
    return {
        "$schema": SCHEMA,
        "background": "white",
        "autosize": {"type": "none"},
        "padding": {"left": left, "right": right, "top": top, "bottom": bottom},
        "width": theme.WIDTH - left - right,
        "height": height,
        "config": theme.config(),
        "layer": list(layers),
    }
