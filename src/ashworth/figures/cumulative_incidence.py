"""Cumulative incidence by group over its risk table, in the layout of the Kaplan-Meier plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import Spec, Text, feet_texts, layer, sheet, text_layers
from ashworth.figures.kaplan_meier import MAX_GROUPS, THIN_NOTE, curve_layers
from ashworth.figures.km_curves import DrawnCurve, drawn_curve
from ashworth.figures.km_panel import PLOT_HEIGHT, PLOT_WIDTH, RIGHT, Group, key_line, panel
from ashworth.figures.km_table import LEFT, ROWS, key_lines, risk_table_texts, table_height
from ashworth.figures.numbers import counted
from ashworth.figures.result import Figure
from ashworth.figures.ticks import TimeUnit, time_ticks
from ashworth.figures.typesetting import clean, shorten

NOTE = "At risk: just before the time. The other rows: before it, cumulative."
_COMPETING = ("Competing", "n_competing")
_TOPS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
BANDS = 3
"""Groups up to which limits are drawn; more bands hide the curves."""
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2)


def cumulative_incidence_figure(
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
    """Draw the cumulative incidence of one kind of event in one to five groups.

    Parameters
    ----------
    curves : polars.DataFrame
        Columns group, time, incidence, lower, upper, at_risk, n_events, n_censored; times in
        `time_unit`, one row per distinct time, proportions from 0 to 1, null limits where there
        are none. Groups are drawn in order of appearance.
    risk_table : polars.DataFrame
        Columns group, time, at_risk (just before the time), n_censored, n_events, and, where other
        events compete, n_competing (all cumulative). Its times are the ticks of the axis.
    name, title, x_title, y_title : str
        Name of the figure, its title, titles of the axes; " (%)" is added to `y_title`.
    labels : sequence of str
        Lines printed in the panel, e.g. Gray's test.
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
    The axis begins at 0 and ends at a round value above the curves and their limits. Limits are
    drawn for up to three groups.

    Examples
    --------
    >>> import polars as pl
    >>> curves = pl.DataFrame({"group": ["all"] * 3, "time": [0.0, 1.0, 2.0],
    ...     "incidence": [0.0, 0.1, 0.1], "lower": [None, 0.02, 0.02], "upper": [None, 0.3, 0.3],
    ...     "at_risk": [10, 10, 9], "n_events": [0, 1, 0], "n_censored": [0, 0, 9]})
    >>> risk = pl.DataFrame({"group": ["all"] * 2, "time": [0.0, 2.0], "at_risk": [10, 9],
    ...     "n_censored": [0, 0], "n_events": [0, 1], "n_competing": [0, 0]})
    >>> cumulative_incidence_figure(curves, risk, name="cif", title="Recurrence",
    ...     x_title="Years", y_title="Recurrence").alt
    'Cumulative incidence, Recurrence. all: 10 patients, 1 event, 10.0% at the end of the curve.'
    """
    x_title = shorten(x_title, PLOT_WIDTH)
    times: list[float] = risk_table["time"].unique().sort().to_list()
    end = float(max_time or max([*times, *curves["time"].to_list()]) or 1)
    ticks = [t for t in times if t <= end] or list(time_ticks(end, time_unit))
    groups = _groups(curves, end)
    top, step = _top(list(groups.values()))
    scaled = [_scaled(g, top) for g in groups.values()]
    texts, rules, above = panel(scaled, clean(title), labels, end)
    texts.append(Text(-44, PLOT_HEIGHT / 2, _percent(y_title), "center", angle=-90))
    rows = (*ROWS, _COMPETING) if "n_competing" in risk_table.columns else ROWS
    names = {g: group.label for g, group in groups.items()}
    first_row = PLOT_HEIGHT + 52
    texts += risk_table_texts(risk_table, names, ticks, end, first_row, rows)
    keys = zip(groups.values(), key_lines(len(groups), first_row, len(rows)), strict=True)
    rules += [key_line(group, key) for group, key in keys]
    pale = any(g.curve.thin_from is not None for g in groups.values())
    shaded = any(r["lower"] is not None for g in groups.values() for r in g.curve.firm)
    notes = [note, *["Shaded: pointwise confidence limits."] * shaded, *[THIN_NOTE] * pale]
    foot = first_row + table_height(len(groups), len(rows)) + 8
    feet, last = feet_texts(foot, " ".join(notes), x=4 - LEFT, simulated=simulated)
    layers = [
        *_frame(end, ticks, x_title, top, step),
        *(part for g in groups.values() for part in curve_layers(g, x_title)),
        *rules,
        *text_layers([*texts, *feet]),
    ]
    spec = sheet(layers, height=PLOT_HEIGHT, margins=(above, RIGHT, last - PLOT_HEIGHT, LEFT))
    words = alt or _alt(curves, list(groups), clean(title or y_title))
    return Figure(name, clean(title), words, spec, risk_table)


def _groups(curves: pl.DataFrame, end: float) -> dict[Any, Group]:
    """Groups in order of appearance, each with its look and its rows for drawing."""
    order = curves["group"].unique(maintain_order=True).to_list()
    if not 1 <= len(order) <= MAX_GROUPS:
        raise EstimationError(f"a figure of incidence shows 1 to 5 groups, found {len(order)}")
    renamed = curves.rename({"incidence": "survival"})
    if len(order) > BANDS:
        none = pl.lit(None, dtype=pl.Float64)
        renamed = renamed.with_columns(lower=none, upper=none)
    looks = zip(order, theme.PALETTE, theme.DASHES, strict=False)
    return {
        g: Group(clean(g), colour, dash,
                 drawn_curve(renamed.filter(pl.col("group") == g), end, PLOT_WIDTH))
        for g, colour, dash in looks
    }  # fmt: skip


def _top(groups: Sequence[Group]) -> tuple[float, float]:
    """End of the axis and its step: above what is drawn, pale limits apart."""
    firm = [r["upper"] or r["survival"] for g in groups for r in g.curve.firm]
    pale = [r["survival"] for g in groups for r in g.curve.thin]
    high = max([*firm, *pale], default=1.0)
    return next(((t, s) for t, s in zip(_TOPS, _STEPS, strict=True) if t >= high), (1.0, 0.2))


def _scaled(group: Group, top: float) -> Group:
    """The group in shares of the axis, for finding room."""

    def part(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        keys = ("survival", "lower", "upper")
        return [r | {k: None if r[k] is None else r[k] / top for k in keys} for r in rows]

    curve: DrawnCurve = replace(
        group.curve, firm=part(group.curve.firm), thin=part(group.curve.thin)
    )
    return replace(group, curve=curve)


def _percent(title: str) -> str:
    title = shorten(title, PLOT_HEIGHT - 20)
    return title if "%" in title else f"{title} (%)"


def _frame(end: float, ticks: Sequence[float], x_title: str, top: float, step: float) -> list[Spec]:
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
        "scale": {"domain": [0, top], "nice": False},
        "axis": {
            "values": [round(step * i, 2) for i in range(round(top / step) + 1)],
            "title": None,
            "grid": True,
            "gridColor": theme.GRID,
            "labelExpr": "format(datum.value * 100, '.0f')",
        },
    }
    return [layer({"type": "point", "opacity": 0}, [], {"x": x, "y": y}, name="axes")]


def _alt(curves: pl.DataFrame, order: Sequence[object], title: str) -> str:
    """Describe the curves by size, events and last value."""
    parts = []
    for group in order:
        rows = curves.filter(pl.col("group") == group).sort("time")
        sizes = (
            counted(rows.select(pl.col("at_risk").max()).item(), "patient"),
            counted(rows.select(pl.col("n_events").sum()).item(), "event"),
            f"{100 * rows['incidence'][-1]:.1f}% at the end of the curve",
        )
        parts.append(f"{clean(group)}: {', '.join(sizes)}")
    return f"Cumulative incidence, {title}. " + "; ".join(parts) + "."
