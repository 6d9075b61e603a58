"""AUC and Brier score over time, side by side, for up to five models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from ashworth.figures.result import Figure
from ashworth.figures.ticks import TimeUnit, time_ticks
from ashworth.figures.typesetting import clean, shorten, text_width

WIDE, HIGH = 252, 190
LEFT, GAP = 50, 66
LINE = 17
MOST_MODELS = 5
PANELS = (("auc", "AUC"), ("brier_score", "Brier score"))
NOTE = "Bands: pointwise confidence limits. Dotted: {auc}; {brier}."

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Panel:
    """Place of a panel and the values at its edges."""

    x: float
    y: float
    end: float
    low: float
    high: float

    def across(self, time: float) -> float:
        return round(self.x + WIDE * time / self.end, 2)

    def up(self, value: float) -> float:
        held = min(max(value, self.low), self.high)
        return round(self.y + HIGH * (self.high - held) / (self.high - self.low), 2)


def accuracy_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str,
    time_unit: TimeUnit = "years",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw AUC(t) and Brier(t) of one to five models.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns measure ("auc", "brier_score"), model, time, estimate, lower, upper. Limits may be
        null (then there is no band). A model "no model" is dotted and grey: the Brier score of the
        average risk. Models are drawn in order of appearance.
    name, title, x_title : str
        Name of the figure, its title, title of the time axes.
    time_unit : {"days", "weeks", "months", "years"}
        Unit of the times, for the ticks.
    note : str
        Small line at the foot, after what bands and dotted lines are.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `rows`.

    Raises
    ------
    EstimationError
        With no model or more than five, or without a time.

    Examples
    --------
    >>> rows = pl.DataFrame({"measure": ["auc"] * 2, "model": ["Base"] * 2, "time": [1.0, 2.0],
    ...     "estimate": [0.61, 0.7], "lower": [0.5, 0.6], "upper": [0.7, 0.8]})
    >>> accuracy_figure(rows, name="a", title="OS", x_title="Years").alt
    'Accuracy over time, OS. At 2, AUC: Base 0.70 (0.60–0.80).'
    """
    models = [m for m in rows["model"].unique(maintain_order=True) if m != "no model"]
    if not 1 <= len(models) <= MOST_MODELS or not rows.height:
        raise EstimationError(f"a figure shows 1 to {MOST_MODELS} models, found {len(models)}")
    end = float(rows["time"].to_numpy().max())
    texts = [title_text(clean(title))] if title else []
    head = 34.0 if title else 10.0
    keys, key_texts, head = _keys(models, head)
    layers: list[Spec] = [*keys]
    for place, (measure, label) in enumerate(PANELS):
        mine = rows.filter(pl.col("measure") == measure)
        panel = _panel(mine, place, head + 24, end, measure)
        layers += _frame(panel, measure)
        texts += _axis(panel, label, x_title, time_unit)
        for model, colour, dash in _looks(models):
            layers += _curve(panel, mine, model, colour, dash, x_title)
    bottom = head + 24 + HIGH
    dotted = NOTE.format(
        auc="no discrimination (0.5)", brier="the average risk for everybody (Brier score)"
    )
    feet, height = feet_texts(bottom + 58, dotted, note, simulated=simulated)
    spec = sheet([*layers, *text_layers([*texts, *key_texts, *feet])], height=height)
    return Figure(name, clean(title), alt or _alt(rows, models, clean(title)), spec, rows)


def _looks(models: Sequence[str]) -> list[tuple[str, str, list[int]]]:
    given = zip(models, theme.PALETTE, theme.DASHES, strict=False)
    return [*given, ("no model", theme.MUTED, [2, 2])]


def _keys(models: Sequence[str], head: float) -> tuple[list[Spec], list[Text], float]:
    """Legend in rows under the title, and where it ends."""
    layers, texts, x, y = [], [], 4.0, head
    for model, colour, dash in _looks(models)[:-1]:
        words = shorten(clean(model), 420)
        wide = 32 + text_width(words) + 22
        if x > 4 and x + wide > theme.WIDTH:
            x, y = 4.0, y + LINE
        line = {"x": x, "y": y - 4, "x2": x + 26, "y2": y - 4}
        layers.append(rule_layer([line], color=colour, strokeDash=dash, strokeWidth=2))
        texts.append(Text(x + 32, y, words))
        x += wide
    return layers, texts, y + 8


def _panel(rows: pl.DataFrame, place: int, y: float, end: float, measure: str) -> _Panel:
    values = [
        v for c in ("estimate", "lower", "upper") for v in rows[c].to_list()
        if v is not None and math.isfinite(v)
    ]  # fmt: skip
    x = LEFT + place * (WIDE + GAP)
    if measure == "auc":
        return _Panel(x, y, end, min([0.45, *values]), 1.0)
    return _Panel(x, y, end, 0.0, max([0.05, *values]) * 1.05)


def _frame(panel: _Panel, measure: str) -> list[Spec]:
    right, bottom = panel.x + WIDE, panel.y + HIGH
    lines = [
        {"x": panel.x, "y": bottom, "x2": right, "y2": bottom},
        {"x": panel.x, "y": panel.y, "x2": panel.x, "y2": bottom},
    ]
    layers = [rule_layer(lines, color=theme.AXIS)]
    if measure == "auc":
        half = panel.up(0.5)
        row = {"x": panel.x, "y": half, "x2": right, "y2": half}
        layers.append(rule_layer([row], color=theme.MUTED, strokeDash=[2, 2]))
    return layers


def _axis(panel: _Panel, label: str, x_title: str, unit: TimeUnit) -> list[Text]:
    bottom = panel.y + HIGH
    texts = [
        Text(panel.x - 30, panel.y - 10, label, bold=True),
        Text(panel.x + WIDE / 2, bottom + 34, shorten(clean(x_title), WIDE), "center"),
    ]
    texts += [Text(panel.x - 6, panel.up(v) + 4, f"{v:g}", "right") for v in _marks(panel)]
    ticks = time_ticks(panel.end, unit, most=7)
    return texts + [Text(panel.across(t), bottom + 16, f"{t:g}", "center") for t in ticks]


def _marks(panel: _Panel) -> list[float]:
    """Round values along the vertical axis."""
    rough = (panel.high - panel.low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough)
    first, last = math.ceil(panel.low / step - 1e-9), math.floor(panel.high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _curve(
    panel: _Panel, rows: pl.DataFrame, model: str, colour: str, dash: list[int], x_title: str
) -> list[Spec]:
    """Band, line and tooltips of one model."""
    mine = rows.filter(pl.col("model") == model).sort("time").to_dicts()
    if not mine:
        return []
    drawn = [
        {"x": panel.across(r["time"]), "y": panel.up(r["estimate"]), "time": r["time"],
         "estimate": r["estimate"], "low": _pixel(panel, r["lower"]),
         "high": _pixel(panel, r["upper"]), "model": clean(model)}
        for r in mine
    ]  # fmt: skip
    x, y = channel("x"), channel("y")
    band = [r for r in drawn if r["low"] is not None and r["high"] is not None]
    layers = []
    if band:
        area = {"type": "area", "orient": "vertical", "opacity": 0.14, "color": colour}
        layers.append(layer(area, band, {"x": x, "y": channel("low"), "y2": {"field": "high"}}))
    line = {"type": "line", "color": colour, "strokeDash": dash,
            "strokeWidth": 1.2 if model == "no model" else 2}  # fmt: skip
    if len(drawn) == 1:
        line = {"type": "point", "filled": True, "size": 40, "color": colour}
    layers.append(layer(line, drawn, {"x": x, "y": y}))
    tips = [tip("model", "Model"), tip("time", x_title, number=".3~f"),
            tip("estimate", "Estimate", number=".3f")]  # fmt: skip
    mark = {"type": "point", "opacity": 0, "size": 70, "filled": True}
    key = f"{HOVER}-{panel.x:g}-{colour[1:]}"
    return [*layers, layer(mark, drawn, {"x": x, "y": y, "tooltip": tips}, name=key)]


def _pixel(panel: _Panel, value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else panel.up(value)


def _alt(rows: pl.DataFrame, models: Sequence[str], title: str) -> str:
    """Describe both measures at the last time."""
    parts = []
    for measure, label in PANELS:
        mine = rows.filter(pl.col("measure") == measure)
        if not mine.height:
            continue
        last = mine.filter(pl.col("time") == mine["time"].max())
        found = {r["model"]: r for r in last.to_dicts()}
        words = [f"{clean(m)} {_limits(found[m])}" for m in models if m in found]
        parts.append(f"At {last['time'][0]:g}, {label}: {', '.join(words)}.")
    start = f"Accuracy over time, {title}. " if title else "Accuracy over time. "
    return start + " ".join(parts)


def _limits(row: Row) -> str:
    estimate = f"{row['estimate']:.2f}"
    if row["lower"] is None or row["upper"] is None:
        return estimate
    return f"{estimate} ({row['lower']:.2f}–{row['upper']:.2f})"
