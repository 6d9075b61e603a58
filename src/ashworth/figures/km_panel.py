"""What stands in and above the panel of a Kaplan-Meier plot: title, legend, annotation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ashworth.figures import theme
from ashworth.figures.canvas import Spec, Text, rule_layer, title_text
from ashworth.figures.km_curves import DrawnCurve
from ashworth.figures.km_table import LEFT
from ashworth.figures.typesetting import shorten, text_width, wrap

RIGHT = 20
PLOT_HEIGHT = 300
PLOT_WIDTH = theme.WIDTH - LEFT - RIGHT
LINE = 17


@dataclass(frozen=True, slots=True)
class Group:
    """One curve with its look.

    Attributes
    ----------
    label : str
        Printed name.
    colour : str
        Colour of line and band.
    dash : list of int
        Dash pattern.
    curve : DrawnCurve
        Rows to draw.
    """

    label: str
    colour: str
    dash: list[int]
    curve: DrawnCurve


def panel(
    groups: Sequence[Group], title: str, labels: Sequence[str], end: float
) -> tuple[list[Text], list[Spec], float]:
    """Title, legend and annotation.

    Parameters
    ----------
    groups : sequence of Group
        Curves in the panel.
    title : str
        Title; may be empty.
    labels : sequence of str
        Lines of the annotation; long ones are wrapped.
    end : float
        End of the time axis.

    Returns
    -------
    tuple
        Texts, legend lines, and the height in px above the plot.
    """
    labels = [line for text in labels for line in wrap(text, PLOT_WIDTH - 20)]
    corner = _free_corner(groups, labels, end)
    above = list(labels) if corner is None else []
    keys, key_rows = _legend(groups)
    head = 26 if title else 8
    top = head + LINE * (key_rows + len(above)) + 8
    texts: list[Text] = []
    if title:
        texts.append(title_text(title, 4 - LEFT, 17 - top))
    start = head + 12 - top
    rules: list[Spec] = []
    for group, x, row in keys:
        y = start + LINE * row
        line = {"x": x, "y": y - 4, "x2": x + 26, "y2": y - 4}
        rules.append(key_line(group, line))
        texts.append(Text(x + 32, y, shorten(group.label, 240)))
    texts += [Text(0, start + LINE * (key_rows + i), s) for i, s in enumerate(above)]
    if corner is not None:
        texts += _in_corner(labels, corner)
    return texts, rules, top


def key_line(group: Group, line: dict[str, float]) -> Spec:
    """Sample of a group's line."""
    return rule_layer([line], color=group.colour, strokeDash=group.dash, strokeWidth=2)


def _legend(groups: Sequence[Group]) -> tuple[list[tuple[Group, float, int]], int]:
    """Place the keys in rows from the left; a single group needs none."""
    if len(groups) == 1:
        return [], 0
    x, row, keys = 0.0, 0, []
    for group in groups:
        width = 32 + text_width(shorten(group.label, 240)) + 22
        if x and x + width > PLOT_WIDTH + RIGHT:
            x, row = 0.0, row + 1
        keys.append((group, x, row))
        x += width
    return keys, row + 1


def _free_corner(groups: Sequence[Group], labels: Sequence[str], end: float) -> str | None:
    """Corner of the panel where no curve or limit runs under the annotation."""
    if not labels:
        return None
    wide = (max(text_width(s) for s in labels) + 24) / PLOT_WIDTH * end
    high = (LINE * len(labels) + 16) / PLOT_HEIGHT
    rows = [r for g in groups for r in (*g.curve.firm, *g.curve.thin)]
    lows = [_value(r, "lower") for r in rows if r["time"] <= wide]
    if wide < end and min(lows, default=1.0) > high:
        return "bottom left"
    from_time = end - wide
    highs = [_value(r, "upper") for r in rows if r["time"] >= from_time]
    before = [g for g in groups for r in [_last_before(g, from_time)] if r > 1 - high]
    if wide < end and max(highs, default=0.0) < 1 - high and not before:
        return "top right"
    early = [_value(r, "upper") for r in rows if r["time"] <= wide]
    if wide < end and max(early, default=1.0) < 1 - high:
        return "top left"
    return None


def _value(row: dict[str, Any], column: str) -> float:
    value = row[column] if row[column] is not None else row["survival"]
    return float(value) if isinstance(value, int | float) else 0.0


def _last_before(group: Group, time: float) -> float:
    rows = [r for r in (*group.curve.firm, *group.curve.thin) if r["time"] <= time]
    return _value(rows[-1], "upper") if rows else 1.0


def _in_corner(labels: Sequence[str], corner: str) -> list[Text]:
    if corner == "bottom left":
        first = PLOT_HEIGHT - 10 - LINE * (len(labels) - 1)
        return [Text(10, first + LINE * i, s) for i, s in enumerate(labels)]
    if corner == "top left":
        return [Text(10, 14 + LINE * i, s) for i, s in enumerate(labels)]
    right = PLOT_WIDTH - 4
    return [Text(right, 14 + LINE * i, s, "right") for i, s in enumerate(labels)]
