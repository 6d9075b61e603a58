"""Power against the effect or the number of patients, with Monte Carlo error and theory."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import (
    Spec,
    Text,
    channel,
    end_labels,
    feet_texts,
    layer,
    rule_layer,
    sheet,
    text_layers,
    title_text,
)
from ashworth.figures.result import Figure
from ashworth.figures.ticks import nice_ticks
from ashworth.figures.typesetting import clean

LEFT, RIGHT, TOP, HEIGHT = 52.0, 500.0, 56.0, 260.0


def power_curve_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    x_title: str,
    title: str = "",
    y_title: str = "Probability",
    note: str = "Points: simulated, with 95 % Monte Carlo intervals; lines: theory",
    alt: str | None = None,
    simulated: bool = True,
) -> Figure:
    """Draw power over an axis: points with 95 % Monte Carlo intervals, lines for theory.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns x, series, power (or null), mcse (or null), expected (or null).
    name, title, alt, simulated
        As for every figure.
    x_title, y_title, note : str
        Titles of the axes; the line at the foot.

    Returns
    -------
    Figure
        `data` is `rows`.

    Raises
    ------
    EstimationError
        Without rows.

    Examples
    --------
    >>> rows = pl.DataFrame({"x": [0.6, 0.8], "series": ["base", "base"], "power": [0.9, 0.4],
    ...     "mcse": [0.01, 0.01], "expected": [0.91, 0.39]})
    >>> power_curve_figure(rows, name="power", x_title="Hazard ratio").alt
    'base: 0.900 at 0.6; 0.400 at 0.8.'
    """
    if rows.is_empty():
        raise EstimationError("a power curve needs at least one row")
    ordered = rows.sort("series", "x")
    series = ordered["series"].unique(maintain_order=True).to_list()
    scale = _Scale(ordered["x"].unique().sort().to_list())
    layers: list[Spec] = [rule_layer(_grid(scale), color=theme.GRID, strokeWidth=1)]
    texts = _axis_texts(scale, x_title, y_title)
    ends = []
    for i, label in enumerate(series):
        colour = theme.PALETTE[i % len(theme.PALETTE)]
        mine = ordered.filter(pl.col("series") == label).to_dicts()
        layers += _series_layers(mine, scale, colour)
        ends.append((scale.y(_height(mine[-1])) + 4, clean(label), colour))
    texts += end_labels(ends, RIGHT + 10, TOP, TOP + HEIGHT + 4)
    feet, height = feet_texts(TOP + HEIGHT + 52, note, simulated=simulated)
    if title:
        texts.append(title_text(clean(title)))
    spec = sheet([*layers, *text_layers([*texts, *feet])], height=height)
    return Figure(name, clean(title), alt or _alt(ordered, clean(title)), spec, rows)


def _height(row: dict[str, Any]) -> float:
    """The simulated probability or, without one, that of theory."""
    return row["power"] if row["power"] is not None else row["expected"]


class _Scale:
    """Pixels of an axis from x and of probabilities from y."""

    def __init__(self, values: list[float]) -> None:
        low, high = values[0], values[-1]
        spread = (high - low) or abs(high) or 1.0
        self.low, self.high = low - 0.04 * spread, high + 0.04 * spread
        self.values = values

    def ticks(self) -> list[float]:
        """The values themselves where they are few whole numbers, else round ones."""
        if len(self.values) <= 8 and all(v == round(v) for v in self.values):
            return self.values
        return [t for t in nice_ticks(self.low, self.high, 6) if self.low <= t <= self.high]

    def x(self, value: float) -> float:
        return LEFT + (value - self.low) / (self.high - self.low) * (RIGHT - LEFT)

    def y(self, probability: float) -> float:
        return TOP + (1 - probability) * HEIGHT


def _grid(scale: _Scale) -> list[dict[str, float]]:
    return [{"x": LEFT, "x2": RIGHT, "y": scale.y(p / 5), "y2": scale.y(p / 5)} for p in range(6)]


def _axis_texts(scale: _Scale, x_title: str, y_title: str) -> list[Text]:
    found = [Text(LEFT - 8, scale.y(p / 5) + 4, f"{p / 5:.1f}", "right") for p in range(6)]
    found += [Text(scale.x(t), TOP + HEIGHT + 18, f"{t:g}", "center") for t in scale.ticks()]
    found.append(Text((LEFT + RIGHT) / 2, TOP + HEIGHT + 36, clean(x_title), "center", bold=True))
    found.append(Text(4, TOP - 12, clean(y_title), bold=True))
    return found


def _series_layers(rows: list[dict[str, Any]], scale: _Scale, colour: str) -> list[Spec]:
    drawn = [r for r in rows if r["power"] is not None]
    bars = [
        {"x": scale.x(r["x"]), "x2": scale.x(r["x"]), "y": scale.y(min(1, r["power"] + 1.96 * m)),
         "y2": scale.y(max(0, r["power"] - 1.96 * m))}
        for r in drawn
        for m in [r["mcse"] or 0.0]
    ]  # fmt: skip
    points = [{"x": scale.x(r["x"]), "y": scale.y(r["power"])} for r in drawn]
    told = [r for r in rows if r["expected"] is not None]
    theory = [
        {"x": scale.x(a["x"]), "y": scale.y(a["expected"]), "x2": scale.x(b["x"]),
         "y2": scale.y(b["expected"])}
        for a, b in pairwise(told)
    ]  # fmt: skip
    mark = {"type": "point", "filled": True, "size": 46, "opacity": 1, "color": colour}
    where = {"x": channel("x"), "y": channel("y")}
    lines = [rule_layer(theory, color=colour, strokeWidth=1.5)] if theory else []
    if not points:
        return lines
    return [*lines, rule_layer(bars, color=colour, strokeWidth=1.2), layer(mark, points, where)]


def _alt(rows: pl.DataFrame, title: str) -> str:
    parts = []
    for label in rows["series"].unique(maintain_order=True):
        mine = rows.filter(pl.col("series") == label)
        values = [f"{_height(r):.3f} at {r['x']:g}" for r in mine.to_dicts()]
        parts.append(f"{clean(label)}: {'; '.join(values)}")
    return (f"{title}. " if title else "") + ". ".join(parts) + "."
