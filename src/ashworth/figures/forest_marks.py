"""Marks of the forest plots: squares by weight, diamonds, prediction bars."""

from __future__ import annotations

from typing import Any

from ashworth.figures import theme
from ashworth.figures.canvas import Spec, channel, layer, rect_layer, rule_layer, tip
from ashworth.figures.interval_rows import Axis, Interval, usable
from ashworth.figures.typesetting import clean

_LARGEST = 190.0
_SMALLEST = 14.0
_ALONE = 66.0

Record = dict[str, Any]
Placed = list[tuple[Record, float]]


def clipped(row: Record, axis: Axis) -> tuple[float, float]:
    """Pixels of a row's limits; a missing limit ends at the axis' end."""
    low, high = usable(row["lower"]), usable(row["upper"])
    left = axis.pixel(axis.low if low is None else low)
    return left, axis.pixel(axis.high if high is None else high)


def drawn(places: Placed, *roles: str) -> Placed:
    """Rows of some roles with an estimate."""
    return [
        (row, y)
        for row, y in places
        if row["role"] in roles and usable(row["estimate"]) is not None and not row["reason"]
    ]


def study_layers(places: Placed, axis: Axis, title: str) -> list[Spec]:
    """Lines of the limits, arrow heads, and squares whose area is the weight."""
    lines, arrows, squares = [], [], []
    studies = drawn(places, "study")
    heaviest = max([usable(row["weight_percent"]) or 0.0 for row, _ in studies], default=0.0)
    for row, y in studies:
        left, right = clipped(row, axis)
        lines.append({"x": left, "y": y - 4, "x2": right, "y2": y - 4})
        interval = Interval("", y, *(usable(row[c]) for c in ("estimate", "lower", "upper")))
        if interval.lower is None or interval.lower < axis.low:
            arrows.append({"x": axis.left, "y": y - 4, "angle": 270})
        if interval.upper is None or interval.upper > axis.high:
            arrows.append({"x": axis.right, "y": y - 4, "angle": 90})
        weight = usable(row["weight_percent"])
        squares.append(
            {"x": axis.pixel(row["estimate"]), "y": y - 4, "label": clean(row["label"]),
             "size": _size(weight, heaviest), "estimate": interval.estimate,
             "lower": interval.lower, "upper": interval.upper, "weight": weight}
        )  # fmt: skip
    return [
        rule_layer(lines, color=theme.INK, strokeWidth=1.2),
        _arrow_layer(arrows),
        _square_layer(squares, title),
    ]


def _size(weight: float | None, heaviest: float) -> float:
    """Area of a square in px."""
    if weight is None or heaviest <= 0.0:
        return _ALONE
    return round(max(_LARGEST * weight / heaviest, _SMALLEST), 1)


def _arrow_layer(arrows: list[dict[str, float]]) -> Spec:
    turn = {"angle": {"field": "angle", "type": "quantitative", "scale": None}}
    mark = {"type": "point", "shape": "triangle-up", "filled": True, "size": 45, "opacity": 1,
            "color": theme.INK}  # fmt: skip
    return layer(mark, arrows, {"x": channel("x"), "y": channel("y"), **turn})


def _square_layer(squares: list[dict[str, Any]], title: str) -> Spec:
    tips = [
        tip("label", "Row"),
        tip("estimate", title, number=".3~r"),
        tip("lower", "Lower limit", number=".3~r"),
        tip("upper", "Upper limit", number=".3~r"),
        tip("weight", "Weight, %", number=".3~r"),
    ]
    size = {"size": {"field": "size", "type": "quantitative", "scale": None}}
    mark = {"type": "point", "shape": "square", "filled": True, "opacity": 1,
            "color": theme.PALETTE[0]}  # fmt: skip
    return layer(mark, squares, {"x": channel("x"), "y": channel("y"), **size, "tooltip": tips})


def diamond_layers(
    places: Placed, axis: Axis, role: str = "pooled", colour: str = theme.PALETTE[1]
) -> list[Spec]:
    """Diamonds from limit to limit, widest at the estimate."""
    made = []
    for row, y in drawn(places, role):
        left, right = clipped(row, axis)
        points = [(left, 0.0), (axis.pixel(row["estimate"]), 7.0), (right, 0.0)]
        rows = [{"x": round(x, 2), "y": y - 4 - half, "y2": y - 4 + half} for x, half in points]
        mark = {"type": "area", "color": colour, "opacity": 1, "line": False}
        encoding = {"x": channel("x"), "y": channel("y"), "y2": {"field": "y2"}}
        made.append(layer(mark, rows, encoding))
    return made


def prediction_layers(places: Placed, axis: Axis) -> list[Spec]:
    """Bars from limit to limit."""
    bars = []
    for row, y in places:
        if row["role"] == "prediction" and usable(row["lower"]) is not None:
            left, right = clipped(row, axis)
            bars.append({"x": left, "y": y - 7, "x2": right, "y2": y - 1})
    return [rect_layer(bars, color=theme.PALETTE[2], opacity=1)] if bars else []
