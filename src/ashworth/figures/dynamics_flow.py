"""Flow of patients between the classes of two time points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ashworth.figures import theme
from ashworth.figures.canvas import (
    Spec,
    Text,
    channel,
    feet_texts,
    layer,
    rect_layer,
    sheet,
    text_layers,
    tip,
    title_text,
)
from ashworth.figures.numbers import percent
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, shorten

SIDE = 150
BAR = 16
FLOW = 280
GAP = 14
STEPS = 33


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    n: int
    top: float
    bottom: float


def dynamics_flow_figure(
    flows: pl.DataFrame,
    *,
    name: str,
    title: str,
    from_title: str,
    to_title: str,
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw how patients move from class to class between two time points.

    Parameters
    ----------
    flows : polars.DataFrame
        Columns from_class, to_class, n. Classes keep their order of appearance, from top to
        bottom on both sides.
    name, title, from_title, to_title : str
        Name, title, headings of the two sides.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `flows`. Ribbons are as thick as their patients.

    Examples
    --------
    >>> flows = pl.DataFrame({"from_class": ["positive", "negative"],
    ...     "to_class": ["negative", "negative"], "n": [30, 70]})
    >>> dynamics_flow_figure(flows, name="flow", title="Flow", from_title="before",
    ...     to_title="after").alt
    'Flow. positive to negative: 30; negative to negative: 70.'
    """
    flows_ = flows.filter(pl.col("n") > 0)
    total = max(int(flows_["n"].sum()), 1)
    head = 50.0 if title else 26.0
    left = _bars(flows_, "from_class", total, head)
    right = _bars(flows_, "to_class", total, head)
    bottom = max(b.bottom for b in (*left.values(), *right.values()))
    texts = [title_text(clean(title))] if title else []
    texts += [
        Text(SIDE + BAR, head - 12, shorten(clean(from_title), 280, bold=True), "right", bold=True),
        Text(640 - SIDE - BAR, head - 12, shorten(clean(to_title), 280, bold=True), bold=True),
        *(t for b in left.values() for t in _bar_texts(b, total, SIDE - 8, "right")),
        *(t for b in right.values() for t in _bar_texts(b, total, 640 - SIDE + 8, "left")),
    ]
    feet, height = feet_texts(bottom + 26, note, simulated=simulated)
    tips = [tip("label", "Class"), tip("n", "Patients", number=",")]
    layers: list[Spec] = [
        *_ribbon_layers(flows_.to_dicts(), left, right, total),
        rect_layer(_boxes(left, SIDE), tips, color=theme.INK),
        rect_layer(_boxes(right, 640 - SIDE - BAR), tips, color=theme.INK),
        *text_layers([*texts, *feet]),
    ]
    words = alt or _alt(flows, clean(title))
    return Figure(name, clean(title), words, sheet(layers, height=height), flows)


def _bars(flows: pl.DataFrame, side: str, total: int, top: float) -> dict[object, _Bar]:
    """Bars from top to bottom, in order of appearance."""
    bars: dict[object, _Bar] = {}
    y = top
    for label in flows[side].unique(maintain_order=True).to_list():
        n = int(flows.filter(pl.col(side) == label)["n"].sum())
        size = FLOW * n / total
        bars[label] = _Bar(clean(label), n, y, y + size)
        y += max(size, 20.0) + GAP
    return bars


def _boxes(bars: Mapping[object, _Bar], x: float) -> list[dict[str, Any]]:
    return [
        {"x": x, "x2": x + BAR, "y": round(b.top, 2), "y2": round(b.bottom, 2)}
        | {"label": b.label, "n": b.n}
        for b in bars.values()
    ]


def _bar_texts(bar: _Bar, total: int, x: float, align: str) -> list[Text]:
    middle = max((bar.top + bar.bottom) / 2, bar.top + 8)
    number = f"{bar.n:,} ({percent(bar.n / total)}%)"
    name = shorten(bar.label, SIDE - 14, bold=True)
    return [
        Text(x, middle - 2, name, align, bold=True),
        Text(x, middle + 13, number, align, colour=theme.MUTED),
    ]


def _ribbon_layers(
    flows: Sequence[Mapping[str, Any]],
    left: Mapping[object, _Bar],
    right: Mapping[object, _Bar],
    total: int,
) -> list[Spec]:
    """Ribbons between the bars, coloured by the class they leave, with their numbers."""
    order_left, order_right = list(left), list(right)
    start = {k: b.top for k, b in left.items()}
    end = {k: b.top for k, b in right.items()}
    ends: dict[tuple[object, object], float] = {}
    by_right = sorted(flows, key=lambda r: order_left.index(r["from_class"]))
    for row in by_right:
        ends[row["from_class"], row["to_class"]] = end[row["to_class"]]
        end[row["to_class"]] += FLOW * row["n"] / total
    layers: list[Spec] = []
    labels: list[Text] = []
    for row in sorted(flows, key=lambda r: order_right.index(r["to_class"])):
        source, size = row["from_class"], FLOW * row["n"] / total
        y0, y1 = start[source], ends[source, row["to_class"]]
        start[source] += size
        layers.append(_ribbon(row, y0, y1, size, order_left.index(source)))
        if size >= 9:
            y = y0 + size / 2 + 4
            labels.append(Text(SIDE + BAR + 8, y, f"{row['n']:,}"))
    return [*layers, *text_layers(labels)]


def _ribbon(row: Mapping[str, Any], y0: float, y1: float, size: float, colour: int) -> Spec:
    """One ribbon by the smooth step 3u^2 - 2u^3."""
    share = np.linspace(0.0, 1.0, STEPS)
    smooth = share**2 * (3 - 2 * share)
    x = SIDE + BAR + share * (640 - 2 * (SIDE + BAR))
    top = y0 + smooth * (y1 - y0)
    words = f"{clean(row['from_class'])} to {clean(row['to_class'])}"
    points = zip(x.tolist(), top.tolist(), strict=True)
    rows = [
        {"x": round(a, 2), "y": round(b, 2), "y2": round(b + size, 2), "flow": words, "n": row["n"]}
        for a, b in points
    ]
    encoding = {
        "x": channel("x"),
        "y": channel("y"),
        "y2": {"field": "y2"},
        "tooltip": [tip("flow", "From to"), tip("n", "Patients", number=",")],
    }
    shades = ("#8aa6c6", "#f1cfb8", "#b5d5d3", "#c4aed1", "#e3d7a3")
    mark = {"type": "area", "color": shades[colour % 5], "opacity": 0.8, "line": False}
    return layer(mark | {"stroke": "white", "strokeWidth": 1}, rows, encoding)


def _alt(flows: pl.DataFrame, title: str) -> str:
    parts = [
        f"{clean(r['from_class'])} to {clean(r['to_class'])}: {r['n']:,}" for r in flows.to_dicts()
    ]
    return f"{title}. " + "; ".join(parts) + "."
