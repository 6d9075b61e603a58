"""Kaplan-Meier plot in the KMunicate layout: curves with limits above, numbers below.

Morris TP et al. Proposals on Kaplan-Meier plots in medical research and a survey of
stakeholder views: KMunicate. BMJ Open 2019;9:e030215.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import HOVER, Spec, Text, feet_texts, layer, sheet, text_layers, tip
from ashworth.figures.km_curves import DrawnCurve, drawn_curve
from ashworth.figures.km_panel import PLOT_HEIGHT, PLOT_WIDTH, RIGHT, Group, key_line, panel
from ashworth.figures.km_table import LEFT, key_lines, risk_table_texts, table_height
from ashworth.figures.numbers import counted
from ashworth.figures.result import Figure
from ashworth.figures.ticks import TimeUnit, time_ticks
from ashworth.figures.typesetting import clean, shorten

MAX_GROUPS = 5

NOTE = (
    "At risk: just before the time. Censored, events: before it, cumulative. "
    "Shaded: 95% confidence limits."
)
THIN_NOTE = "Pale: fewer than 10 and under 10% at risk."


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
    x_title = shorten(x_title, PLOT_WIDTH)
    times: list[float] = risk_table["time"].unique().sort().to_list()
    end = float(max_time or max([*times, *curves["time"].to_list()]) or 1)
    ticks = [t for t in times if t <= end] or list(time_ticks(end, time_unit))
    groups = _groups(curves, end)
    texts, rules, top = panel(list(groups.values()), clean(title), labels, end)
    texts.append(Text(-44, PLOT_HEIGHT / 2, _percent(y_title), "center", angle=-90))
    names = {g: group.label for g, group in groups.items()}
    first_row = PLOT_HEIGHT + 52
    texts += risk_table_texts(risk_table, names, ticks, end, first_row)
    keys = zip(groups.values(), key_lines(len(groups), first_row), strict=True)
    rules += [key_line(group, key) for group, key in keys]
    pale = any(g.curve.thin_from is not None for g in groups.values())
    notes = [note, THIN_NOTE] if pale else [note]
    foot = first_row + table_height(len(groups)) + 8
    feet, last = feet_texts(foot, *notes, x=4 - LEFT, simulated=simulated)
    layers = [
        *frame_layers(end, ticks, x_title),
        *(part for g in groups.values() for part in curve_layers(g, x_title)),
        *rules,
        *text_layers([*texts, *feet]),
    ]
    spec = sheet(layers, height=PLOT_HEIGHT, margins=(top, RIGHT, last - PLOT_HEIGHT, LEFT))
    words = alt or _alt(curves, list(groups), clean(title))
    return Figure(name, clean(title), words, spec, risk_table)


def _groups(curves: pl.DataFrame, end: float) -> dict[Any, Group]:
    """Groups in order of appearance, each with its look and its rows for drawing."""
    order = curves["group"].unique(maintain_order=True).to_list()
    if not 1 <= len(order) <= MAX_GROUPS:
        raise EstimationError(f"a Kaplan-Meier figure shows 1 to 5 groups, found {len(order)}")
    looks = zip(order, theme.PALETTE, theme.DASHES, strict=False)
    return {g: Group(clean(g), colour, dash, _drawn(curves, g, end)) for g, colour, dash in looks}


def _percent(title: str) -> str:
    title = shorten(title, PLOT_HEIGHT - 20)
    return title if "%" in title else f"{title} (%)"


def _drawn(curves: pl.DataFrame, group: object, end: float) -> DrawnCurve:
    return drawn_curve(curves.filter(pl.col("group") == group), end, PLOT_WIDTH)


def frame_layers(end: float, ticks: Sequence[float], x_title: str) -> list[Spec]:
    """Axes; ticks stand exactly at the risk table's times."""
    x = {
        "field": "time",
        "type": "quantitative",
        "scale": {"domain": [0, end], "nice": False},
        "axis": {"values": list(ticks), "title": x_title, "titlePadding": 6, "format": "~f"},
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


def curve_layers(group: Group, x_title: str) -> list[Spec]:
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


def _hover_layer(group: Group, x: Spec, y: Spec, x_title: str) -> Spec:
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


def _alt(curves: pl.DataFrame, order: Sequence[object], title: str) -> str:
    """Describe the curves by size, events and last value."""
    parts = []
    for group in order:
        rows = curves.filter(pl.col("group") == group).sort("time")
        last = rows.row(-1, named=True)
        sizes = (
            counted(rows.select(pl.col("at_risk").max()).item(), "patient"),
            counted(rows.select(pl.col("n_events").sum()).item(), "event"),
            f"{100 * last['survival']:.1f}% at the end of the curve",
        )
        parts.append(f"{clean(group)}: {', '.join(sizes)}")
    return f"Kaplan-Meier curves, {title}. " + "; ".join(parts) + "."
