"""Scaled Schoenfeld residuals over time, one panel per term, with their smooth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import (
    HOVER,
    Spec,
    Text,
    channel,
    feet_texts,
    layer,
    rule_layer,
    sheet,
    text_layers,
    tip,
    title_text,
)
from ashworth.figures.numbers import counted, p_value
from ashworth.figures.result import Figure
from ashworth.figures.ticks import TimeUnit, time_ticks
from ashworth.figures.typesetting import clean, shorten

MOST_PANELS = 8
MOST_POINTS = 400
WIDE, HIGH = 252, 150
LEFT, GAP_X, GAP_Y = 46, 56, 76
FIRST, LAST = 0.02, 0.98
NOTE = (
    "Points: scaled Schoenfeld residuals of the events. Line and band: smooth with pointwise "
    "limits. Dashed: no effect. Thin line: the model's constant hazard ratio."
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Panel:
    """One panel: its place in px, its data, and the values at its edges."""

    x: float
    y: float
    test: Row
    points: list[dict[str, Any]]
    smooth: list[dict[str, Any]]
    times: tuple[float, float]
    values: tuple[float, float]
    hidden: int

    def across(self, value: float) -> float:
        """Pixel of a transformed time."""
        low, high = self.times
        return round(self.x + WIDE * (value - low) / ((high - low) or 1.0), 2)

    def up(self, value: float) -> float:
        """Pixel of a residual, held within the panel."""
        low, high = self.values
        share = (min(max(value, low), high) - low) / (high - low)
        return round(self.y + HIGH * (1.0 - share), 2)


def schoenfeld_figure(
    points: pl.DataFrame,
    smooth: pl.DataFrame,
    tests: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str,
    time_unit: TimeUnit = "years",
    note: str = NOTE,
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the residuals of up to eight terms over (transformed) time.

    Parameters
    ----------
    points : polars.DataFrame
        Columns term, time, transformed_time, residual: one row per event and term.
    smooth : polars.DataFrame
        Columns term, transformed_time, estimate, lower, upper. A term without rows has no smooth.
    tests : polars.DataFrame
        Columns term, label, p_value, estimate (the constant under proportional hazards), null
        (value of no effect; null where there is none), y_title. One panel per row, in its order.
    name, title, x_title : str
        Name and title of the figure; title of the time axes.
    time_unit : {"days", "weeks", "months", "years"}
        Unit of the times, for the ticks. They stand where the transformation puts them.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `tests`.

    Raises
    ------
    EstimationError
        With no term or more than eight.

    Notes
    -----
    A panel's height shows the smooth with its limits and the middle 96 % of the residuals; how many
    lie outside is said. Of more than 400 events every k-th is drawn.

    Examples
    --------
    >>> points = pl.DataFrame({"term": ["a"] * 3, "time": [1.0, 2, 4],
    ...     "transformed_time": [0.1, 0.2, 0.4], "residual": [0.5, 1.5, -1.0]})
    >>> smooth = pl.DataFrame({"term": ["a"] * 2, "transformed_time": [0.1, 0.4],
    ...     "estimate": [0.5, 0.2], "lower": [-1.0, -1.0], "upper": [2.0, 1.0]})
    >>> tests = pl.DataFrame({"term": ["a"], "label": ["Marker"], "p_value": [0.2],
    ...     "estimate": [0.4], "null": [0.0], "y_title": ["log hazard ratio"]})
    >>> schoenfeld_figure(points, smooth, tests, name="ph", title="OS", x_title="Years").alt
    'OS. Scaled Schoenfeld residuals of 3 events. Marker: p = 0.20; smooth from 0.50 to 0.20.'
    """
    if not 1 <= tests.height <= MOST_PANELS:
        raise EstimationError(
            f"a figure of Schoenfeld residuals shows 1 to {MOST_PANELS} terms, found {tests.height}"
        )
    head = 34 if title else 8
    rows = tests.to_dicts()
    panels = [_panel(row, points, smooth, i, head) for i, row in enumerate(rows)]
    texts = [title_text(clean(title))] if title else []
    layers: list[Spec] = []
    for panel in panels:
        marks = _time_marks(panel, time_unit)
        layers += _drawn(panel, marks, clean(x_title))
        texts += _words(panel, marks, clean(x_title))
    bottom = panels[-1].y + HIGH
    feet, height = feet_texts(bottom + 64, note, _hidden(panels), simulated=simulated)
    words = alt or _alt(panels, points, clean(title))
    spec = sheet([*layers, *text_layers([*texts, *feet])], height=height)
    return Figure(name, clean(title), words, spec, tests)


def _panel(
    test: Row, points: pl.DataFrame, smooth: pl.DataFrame, place: int, head: float
) -> _Panel:
    """Place of a panel and the rows that it shows."""
    mine = points.filter(pl.col("term") == test["term"]).sort("transformed_time", "residual")
    mine = mine.filter(pl.col("residual").is_finite())
    line = smooth.filter(pl.col("term") == test["term"]).sort("transformed_time")
    times = points["transformed_time"]
    values = _range(mine["residual"].to_numpy(), line, test)
    inside = mine.filter(pl.col("residual").is_between(*values))
    step = max(1, math.ceil(inside.height / MOST_POINTS))
    return _Panel(
        LEFT + (place % 2) * (WIDE + GAP_X), head + 22 + (place // 2) * (HIGH + GAP_Y), test,
        inside.gather_every(step).to_dicts(), line.to_dicts(),
        (float(times.to_numpy().min()), float(times.to_numpy().max())), values,
        mine.height - inside.height,
    )  # fmt: skip


def _range(residuals: np.ndarray, smooth: pl.DataFrame, test: Row) -> tuple[float, float]:
    """Values at the bottom and top of a panel."""
    values = [test["estimate"], *smooth["lower"].to_list(), *smooth["upper"].to_list()]
    if test["null"] is not None:
        values.append(test["null"])
    if residuals.size:
        values += np.quantile(residuals, [FIRST, LAST]).tolist()
    low, high = min(values), max(values)
    pad = 0.04 * (high - low) or 1.0
    return low - pad, high + pad


def _drawn(panel: _Panel, marks: Sequence[tuple[float, str]], x_title: str) -> list[Spec]:
    """Frame, points, band, lines and tooltips of a panel."""
    right, bottom = panel.x + WIDE, panel.y + HIGH
    colour = theme.PALETTE[0]
    line = [
        {
            "x": panel.across(r["transformed_time"]),
            "y": panel.up(r["estimate"]),
            "low": panel.up(r["lower"]),
            "high": panel.up(r["upper"]),
        }
        for r in panel.smooth
    ]
    dots = [
        {"x": panel.across(r["transformed_time"]), "y": panel.up(r["residual"]), **_tips(r)}
        for r in panel.points
    ]
    x, y = channel("x"), channel("y")
    constant = panel.up(panel.test["estimate"])
    ticks = [{"x": at, "y": bottom, "x2": at, "y2": bottom + 4} for at, _ in marks]
    for value in _marks(*panel.values):
        at = panel.up(value)
        ticks.append({"x": panel.x - 4, "y": at, "x2": panel.x, "y2": at})
    layers = [
        rule_layer([{"x": panel.x, "y": bottom, "x2": right, "y2": bottom},
                    {"x": panel.x, "y": panel.y, "x2": panel.x, "y2": bottom}, *ticks],
                   color=theme.AXIS),
        layer({"type": "point", "filled": True, "size": 14, "opacity": 0.4, "color": theme.MUTED},
              dots, {"x": x, "y": y}),
        layer({"type": "area", "orient": "vertical", "opacity": 0.18, "color": colour}, line,
              {"x": x, "y": channel("low"), "y2": {"field": "high"}}),
        rule_layer([{"x": panel.x, "y": constant, "x2": right, "y2": constant}],
                   color=theme.PALETTE[1], strokeWidth=1),
        layer({"type": "line", "color": colour, "strokeWidth": 2}, line, {"x": x, "y": y}),
    ]  # fmt: skip
    if panel.test["null"] is not None:
        zero = panel.up(panel.test["null"])
        row = {"x": panel.x, "y": zero, "x2": right, "y2": zero}
        layers.insert(1, rule_layer([row], color=theme.AXIS, strokeDash=[4, 3]))
    tips = [tip("time", x_title, number=".3~f"), tip("value", "Residual", number=".3~f")]
    mark = {"type": "point", "opacity": 0, "size": 60, "filled": True}
    hover = layer(mark, dots, {"x": x, "y": y, "tooltip": tips},
                  name=f"{HOVER}-{panel.x:g}-{panel.y:g}")  # fmt: skip
    return [*layers, hover]


def _tips(row: Row) -> dict[str, float]:
    return {"time": float(row["time"]), "value": float(row["residual"])}


def _words(panel: _Panel, marks: Sequence[tuple[float, str]], x_title: str) -> list[Text]:
    """Heading, ticks and titles of a panel."""
    ending = _p_words(panel.test["p_value"])
    label = shorten(clean(panel.test["label"]), WIDE - 62, bold=True)
    bottom = panel.y + HIGH
    texts = [
        Text(panel.x, panel.y - 7, label, bold=True),
        Text(panel.x + WIDE, panel.y - 7, ending, "right"),
        Text(panel.x + WIDE / 2, bottom + 35, shorten(x_title, WIDE), "center"),
        Text(panel.x - 34, panel.y + HIGH / 2, shorten(clean(panel.test["y_title"]), HIGH),
             "center", angle=-90),
    ]  # fmt: skip
    texts += [
        Text(panel.x - 7, panel.up(v) + 4, _number(v), "right") for v in _marks(*panel.values)
    ]
    return texts + [Text(x, bottom + 17, words, "center") for x, words in marks]


def _p_words(value: float | None) -> str:
    p = p_value(value)
    if not p:
        return "not tested"
    return f"p {p}" if p.startswith(("<", ">")) else f"p = {p}"


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _marks(low: float, high: float) -> list[float]:
    """Up to six round values between two."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough)
    first = math.ceil(low / step)
    last = math.floor(high / step)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _time_marks(panel: _Panel, unit: TimeUnit) -> list[tuple[float, str]]:
    """Pixels and words of round times, where the transformation of the events puts them."""
    known = sorted({(r["time"], r["transformed_time"]) for r in panel.points})
    if not known:
        return []
    times, places = np.array(known).T
    marks: list[tuple[float, str]] = []
    for most in (5, 9, 18, 40):
        for t in time_ticks(float(times[-1]), unit, most=most):
            if t < times[0] or t > times[-1]:
                continue
            x, words = panel.across(float(np.interp(t, times, places))), f"{t:g}"
            if all(abs(x - other) >= 10 + 4 * (len(words) + len(w)) for other, w in marks):
                marks.append((x, words))
    return marks


def _hidden(panels: Sequence[_Panel]) -> str:
    hidden = sum(p.hidden for p in panels)
    if not hidden:
        return ""
    return f"{counted(hidden, 'residual')} outside of the panels, beyond the middle 96% of a term."


def _alt(panels: Sequence[_Panel], points: pl.DataFrame, title: str) -> str:
    """Describe the panels by their tests and the ends of their smooths."""
    events = points.filter(pl.col("term") == panels[0].test["term"]).height
    parts = []
    for panel in panels:
        words = _p_words(panel.test["p_value"])
        if panel.smooth:
            first, last = (panel.smooth[i]["estimate"] for i in (0, -1))
            words += f"; smooth from {first:.2f} to {last:.2f}"
        parts.append(f"{clean(panel.test['label'])}: {words}")
    start = f"{title}. " if title else ""
    what = f"Scaled Schoenfeld residuals of {counted(events, 'event')}."
    return f"{start}{what} {'. '.join(parts)}."
