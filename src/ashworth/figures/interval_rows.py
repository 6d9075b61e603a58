"""Rows of estimates with limits on one axis between columns of text.

Shared by the forest plot and the plot of positivity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ashworth.figures import theme
from ashworth.figures.canvas import Spec, Text, channel, layer, rule_layer, tip
from ashworth.figures.typesetting import wrap

ROW = 22
LINE = 15
LABEL_LINES = 4
_MARKS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16)
_WIDE_MARKS = (0.05, 0.2, 1, 5, 20)
LABEL_X = 4
INDENT = 14


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear or logarithmic axis that maps values to pixels.

    Attributes
    ----------
    low, high : float
        Values at the ends.
    left, right : float
        Pixels of the ends.
    log : bool
        Logarithmic.
    ticks : tuple of float
        Values of the ticks.
    """

    low: float
    high: float
    left: float
    right: float
    log: bool
    ticks: tuple[float, ...]

    def pixel(self, value: float) -> float:
        """Pixel of a value, held within the ends."""
        value = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(self.left + share * (self.right - self.left), 2)


@dataclass(frozen=True, slots=True)
class Interval:
    """One estimate to draw; None where nothing can be drawn.

    Attributes
    ----------
    label : str
        Row name, for the tooltip.
    y : float
        Baseline of the row's text in px.
    estimate, lower, upper : float or None
        Values on the axis; an infinite limit is drawn as an arrow.
    """

    label: str
    y: float
    estimate: float | None
    lower: float | None
    upper: float | None


def usable(value: float | None) -> float | None:
    """Return the value, or None when it is missing, NaN or infinite.

    Examples
    --------
    >>> usable(float("inf")), usable(1.5)
    (None, 1.5)
    """
    return None if value is None or not math.isfinite(value) else float(value)


def log_axis(values: Sequence[float], left: float, right: float) -> Axis:
    """Axis for ratios: covers the values within 0.05 to 20, always with 1.

    Examples
    --------
    >>> log_axis([0.6, 2.4], 0, 100).ticks
    (0.5, 1, 2, 4)
    """
    good = [min(max(v, 0.05), 20.0) for v in values if v > 0 and math.isfinite(v)]
    low, high = min([*good, 0.9]), max([*good, 1.1])
    marks = _WIDE_MARKS if high / low > 40 else _MARKS
    first = max((m for m in marks if m <= low * 1.02), default=marks[0])
    last = min((m for m in marks if m >= high / 1.02), default=marks[-1])
    ticks = tuple(m for m in marks if first <= m <= last)
    return Axis(first, max(last, 2), left, right, True, ticks)


def interval_layers(rows: Sequence[Interval], axis: Axis, title: str) -> list[Spec]:
    """Squares with limits; a limit beyond the axis ends in an arrow head."""
    lines, arrows, squares = [], [], []
    for row in rows:
        if row.estimate is None:
            continue
        y = row.y - 4
        low = axis.low if row.lower is None else row.lower
        high = axis.high if row.upper is None else row.upper
        lines.append({"x": axis.pixel(low), "y": y, "x2": axis.pixel(high), "y2": y})
        if row.lower is None or low < axis.low:
            arrows.append({"x": axis.left, "y": y, "angle": 270})
        if row.upper is None or high > axis.high:
            arrows.append({"x": axis.right, "y": y, "angle": 90})
        if axis.low <= row.estimate <= axis.high:
            x = axis.pixel(row.estimate)
            numbers = {"estimate": row.estimate, "lower": row.lower, "upper": row.upper}
            squares.append({"x": x, "y": y, "label": row.label, **numbers})
    tips = [
        tip("label", "Row"),
        tip("estimate", title, number=".3~r"),
        tip("lower", "Lower limit", number=".3~r"),
        tip("upper", "Upper limit", number=".3~r"),
    ]
    place: Spec = {"x": channel("x"), "y": channel("y")}
    turn = {"angle": {"field": "angle", "type": "quantitative", "scale": None}}
    head = {"type": "point", "shape": "triangle-up", "filled": True, "size": 45, "opacity": 1}
    box = {"type": "point", "shape": "square", "filled": True, "size": 70, "opacity": 1}
    return [
        rule_layer(lines, color=theme.INK, strokeWidth=1.2),
        layer({**head, "color": theme.INK}, arrows, {**place, **turn}),
        layer({**box, "color": theme.PALETTE[0]}, squares, {**place, "tooltip": tips}),
    ]


def axis_layers(axis: Axis, y: float) -> list[Spec]:
    """Axis line and ticks at height `y`."""
    ticks = [{"x": axis.pixel(t), "y": y, "x2": axis.pixel(t), "y2": y + 4} for t in axis.ticks]
    line = {"x": axis.left, "y": y, "x2": axis.right, "y2": y}
    return [rule_layer([line, *ticks], color=theme.AXIS)]


def axis_texts(axis: Axis, y: float, title: str, *, percent: bool = False) -> list[Text]:
    """Numbers under the ticks and the title of the axis."""
    scale = 100 if percent else 1
    words = (f"{t * scale:g}".replace("-", "−") for t in axis.ticks)
    numbers = [
        Text(axis.pixel(t), y + 17, w, "center") for t, w in zip(axis.ticks, words, strict=True)
    ]
    return [*numbers, Text((axis.left + axis.right) / 2, y + 34, title, "center")]


def label_texts(label: str, y: float, width: float, *, bold: bool, indent: bool) -> list[Text]:
    """Row name at the left, on as many lines as its column needs; `y` is the first baseline."""
    x = LABEL_X + (INDENT if indent else 0)
    lines = wrap(label, width - x, bold=bold, max_lines=LABEL_LINES)
    return [Text(x, y + LINE * i, line, bold=bold) for i, line in enumerate(lines)]
