"""Kaplan-Meier plot in the KMunicate layout: curves with limits above, numbers below.

Morris TP et al. Proposals on Kaplan-Meier plots in medical research and a survey of
stakeholder views: KMunicate. BMJ Open 2019;9:e030215.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import HOVER, Spec, Text, layer, rule_layer, sheet, text_layers, tip
from ashworth.figures.km_curves import DrawnCurve, drawn_curve
from ashworth.figures.km_table import LEFT, key_lines, risk_table_texts, table_height
from ashworth.figures.result import Figure
from ashworth.figures.ticks import TimeUnit, time_ticks
from ashworth.figures.typesetting import clean, shorten, text_width

RIGHT = 20
PLOT_HEIGHT = 300
PLOT_WIDTH = theme.WIDTH - LEFT - RIGHT
LINE = 17
MAX_GROUPS = 5

NOTE = (
    "At risk: just before the time. Censored, events: before it, cumulative. "
    "Shaded: 95% confidence limits."
)
THIN_NOTE = "Pale: fewer than 10 and under 10% at risk."


@dataclass(frozen=True, slots=True)
class _Group:
    label: str
    colour: str
    dash: list[int]
    curve: DrawnCurve


def kaplan_meier_figure(
    curves: pl.DataFrame,
    risk_table: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str,
    y_title: str,
    labels: Sequence[str] = (),
    time_unit: TimeUnit = "years",
    max_time: float | None = None,
    alt: str | None = None,
    note: str = NOTE,
    simulated: bool = False,
) -> Figure:
    """Draw one to five survival curves over their risk table.

    Parameters
    ----------
    curves : polars.DataFrame
        Columns group, time, survival, lower, upper, at_risk, n_events, n_censored; times in
        `time_unit`, one row per distinct time, proportions from 0 to 1. Groups are drawn in
        order of appearance.
    risk_table : polars.DataFrame
        Columns group, time, at_risk (just before the time), n_censored, n_events
        (cumulative). Its times are the ticks of the axis.
    name, title, x_title, y_title : str
        Name of the figure, its title, titles of the axes; " (%)" is added to `y_title`.
    labels : sequence of str
        Lines printed in the panel, e.g. test, hazard ratio, reference group.
    time_unit : {"days", "weeks", "months", "years"}
        Unit of the times; gives the ticks where the risk table has no row.
    max_time : float, optional
        End of the axis; default: the longest time of curves and risk table.
    alt : str, optional
        Description; written from the numbers when absent.
    note : str
        Small line under the table.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is the risk table.

    Raises
    ------
    EstimationError
        With no group or more than five.

    Notes
    -----
    Curves are thinned to two columns per px; censor ticks to one per 2 px above 400. A curve
    is pale once fewer than 10 patients and under 10 % of the group remain at risk.

    Examples
    --------
    >>> import polars as pl
    >>> curves = pl.DataFrame({"group": ["all"] * 3, "time": [0.0, 1.0, 2.0],
    ...     "survival": [1.0, 0.5, 0.5], "lower": [1.0, 0.1, 0.1], "upper": [1.0, 0.9, 0.9],
    ...     "at_risk": [2, 2, 1], "n_events": [0, 1, 0], "n_censored": [0, 0, 1]})
    >>> risk = pl.DataFrame({"group": ["all"] * 3, "time": [0.0, 1.0, 2.0],
    ...     "at_risk": [2, 2, 1], "n_censored": [0, 0, 0], "n_events": [0, 0, 1]})
    >>> kaplan_meier_figure(curves, risk, name="km-os", title="Overall survival",
    ...     x_title="Years", y_title="Alive").data.height
    3
    """
    order = curves["group"].unique(maintain_order=True).to_list()
    if not 1 <= len(order) <= MAX_GROUPS:
        raise EstimationError(f"a Kaplan-Meier figure shows 1 to 5 groups, found {len(order)}")
    times: list[float] = risk_table["time"].unique().sort().to_list()
    end = float(max_time or max([*times, *curves["time"].to_list()]) or 1)
    ticks = [t for t in times if t <= end]
    ticks = ticks or list(time_ticks(end, time_unit))
    groups = [
        _Group(clean(g), theme.PALETTE[i], theme.DASHES[i], _drawn(curves, g, end))
        for i, g in enumerate(order)
    ]
    layers = [
        *_frame(end, ticks, clean(x_title)),
        *(part for g in groups for part in _curve_layers(g, end, clean(x_title))),
    ]
    texts, rules, top = _panel(groups, clean(title), [clean(s) for s in labels], end)
    texts += [Text(-44, PLOT_HEIGHT / 2, _percent(y_title), "center", angle=-90)]
    names = {g: drawn.label for g, drawn in zip(order, groups, strict=True)}
    texts += risk_table_texts(risk_table, names, ticks, end, PLOT_HEIGHT + 52)
    for group, key in zip(groups, key_lines(len(groups), PLOT_HEIGHT + 52), strict=True):
        rules.append(_key(group, key))
    bottom = 52 + table_height(len(groups))
    feet = _feet(note, any(g.curve.thin_from is not None for g in groups), simulated=simulated)
    texts += [
        Text(-LEFT + 4, PLOT_HEIGHT + bottom + 15 * i + 8, f, colour=theme.MUTED, bold=b)
        for i, (f, b) in enumerate(feet)
    ]
    layers += [*rules, *text_layers(texts)]
    spec = sheet(
        layers, height=PLOT_HEIGHT, margins=(top, RIGHT, bottom + 15 * len(feet) + 4, LEFT)
    )
    words = alt or _alt(curves, order, clean(title))
    return Figure(name, clean(title), words, spec, risk_table)


def _percent(title: str) -> str:
    title = shorten(title, PLOT_HEIGHT - 20)
    return title if "%" in title else f"{title} (%)"


def _drawn(curves: pl.DataFrame, group: object, end: float) -> DrawnCurve:
    return drawn_curve(curves.filter(pl.col("group") == group), end, PLOT_WIDTH)


def _feet(note: str, thin: bool, *, simulated: bool) -> list[tuple[str, bool]]:
    """Lines under the table, and whether each is bold."""
    feet = [(note, False)] if note else []
    if thin:
        feet.append((THIN_NOTE, False))
    if simulated:
        feet.append((theme.SIMULATED, True))
    return feet


def _frame(end: float, ticks: Sequence[float], x_title: str) -> list[Spec]:
    """Axes; ticks stand exactly at the risk table's times."""
    x = {
        "field": "time",
        "type": "quantitative",
        "scale": {"domain": [0, end], "nice": False},
        "axis": {"values": list(ticks), "title": x_title, "titlePadding": 6, "format": "~g"},
    }
    y = {
        "field": "survival",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "nice": False},
        "axis": {
            "values": [0, 0.2, 0.4, 0.6, 0.8, 1],
            "title": None,
            "grid": True,
            "gridColor": theme.GRID,
            "labelExpr": "format(datum.value * 100, '.0f')",
        },
    }
    return [layer({"type": "point", "opacity": 0}, [], {"x": x, "y": y}, name="axes")]


def _curve_layers(group: _Group, end: float, x_title: str) -> list[Spec]:
    """Band, line, pale line, censor ticks and tooltips of one group."""
    x: Spec = {"field": "time", "type": "quantitative"}
    y: Spec = {"field": "survival", "type": "quantitative"}
    band = {"x": x, "y": {"field": "lower", "type": "quantitative"}, "y2": {"field": "upper"}}
    line = {"type": "line", "interpolate": "step-after", "clip": True, "color": group.colour}
    area = {"type": "area", "interpolate": "step-after", "clip": True, "color": group.colour}
    ink = group.curve
    layers = [
        layer({**area, "opacity": 0.16}, ink.firm, band),
        layer({**line, "strokeWidth": 1.8, "strokeDash": group.dash}, ink.firm, {"x": x, "y": y}),
        layer(
            {"type": "tick", "orient": "vertical", "size": 7, "thickness": 0.8, "clip": True}
            | {"color": group.colour},
            ink.censored,
            {"x": x, "y": y},
        ),
    ]
    if ink.thin:
        pale = {**line, "strokeWidth": 1.4, "strokeDash": [2, 3], "opacity": 0.55}
        layers += [
            layer({**area, "opacity": 0.06}, ink.thin, band),
            layer(pale, ink.thin, {"x": x, "y": y}),
        ]
    return [*layers, _hover_layer(group, x, y, x_title)]


def _hover_layer(group: _Group, x: Spec, y: Spec, x_title: str) -> Spec:
    tips = [
        tip("group", "Group"),
        tip("time", x_title, number=".3~f"),
        tip("survival", "Estimate", number=".1%"),
        tip("lower", "Lower limit", number=".1%"),
        tip("upper", "Upper limit", number=".1%"),
        tip("at_risk", "At risk", number=","),
    ]
    mark = {"type": "point", "opacity": 0, "size": 90, "filled": True, "clip": True}
    rows = [{"group": group.label, **row} for row in group.curve.hover]
    return layer(mark, rows, {"x": x, "y": y, "tooltip": tips}, name=f"{HOVER}-{group.colour[1:]}")


def _panel(
    groups: Sequence[_Group], title: str, labels: Sequence[str], end: float
) -> tuple[list[Text], list[Spec], float]:
    """Title, legend and annotation; returns texts, legend lines and the top margin."""
    corner = _free_corner(groups, labels, end)
    above = list(labels) if corner is None else []
    keys, key_rows = _legend(groups)
    head = 26 if title else 8
    top = head + LINE * (key_rows + len(above)) + 8
    texts: list[Text] = []
    if title:
        line = shorten(title, theme.WIDTH - 8, size=theme.TITLE_SIZE, bold=True)
        texts.append(Text(4 - LEFT, 17 - top, line, size=theme.TITLE_SIZE, bold=True))
    start = head + 12 - top
    rules: list[Spec] = []
    for group, x, row in keys:
        y = start + LINE * row
        line = {"x": x, "y": y - 4, "x2": x + 26, "y2": y - 4}
        rules.append(_key(group, line))
        texts.append(Text(x + 32, y, shorten(group.label, 240)))
    texts += [Text(0, start + LINE * (key_rows + i), s) for i, s in enumerate(above)]
    if corner is not None:
        texts += _in_corner(labels, corner)
    return texts, rules, top


def _key(group: _Group, line: dict[str, float]) -> Spec:
    return rule_layer([line], color=group.colour, strokeDash=group.dash, strokeWidth=2)


def _legend(groups: Sequence[_Group]) -> tuple[list[tuple[_Group, float, int]], int]:
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


def _free_corner(groups: Sequence[_Group], labels: Sequence[str], end: float) -> str | None:
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
    return None


def _value(row: dict[str, Any], column: str) -> float:
    value = row[column] if row[column] is not None else row["survival"]
    return float(value) if isinstance(value, int | float) else 0.0


def _last_before(group: _Group, time: float) -> float:
    rows = [r for r in (*group.curve.firm, *group.curve.thin) if r["time"] <= time]
    return _value(rows[-1], "upper") if rows else 1.0


def _in_corner(labels: Sequence[str], corner: str) -> list[Text]:
    if corner == "bottom left":
        first = PLOT_HEIGHT - 10 - LINE * (len(labels) - 1)
        return [Text(10, first + LINE * i, s) for i, s in enumerate(labels)]
    right = PLOT_WIDTH - 4
    return [Text(right, 14 + LINE * i, s, "right") for i, s in enumerate(labels)]


def _alt(curves: pl.DataFrame, order: Sequence[object], title: str) -> str:
    """Describe the curves by size, events and last value."""
    parts = []
    for group in order:
        rows = curves.filter(pl.col("group") == group).sort("time")
        last = rows.row(-1, named=True)
        parts.append(
            f"{clean(group)}: {rows['at_risk'].max():,} patients, {rows['n_events'].sum():,} "
            f"events, {100 * last['survival']:.1f}% at the end of the curve"
        )
    return f"Kaplan-Meier curves, {title}. " + "; ".join(parts) + "."
