"""Bounds of interim looks, and where the simulated statistics lie."""

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

LEFT, RIGHT, TOP, HEIGHT = 52.0, 500.0, 62.0, 280.0
NOTE = "Points: mean of the simulated trials; bars hold 95 % of them (mean and 1.96 SD)"


def look_boundaries_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str = "",
    note: str = NOTE,
    alt: str | None = None,
    simulated: bool = True,
) -> Figure:
    """Draw z against events: bounds as lines, the simulated trials of each series as bars.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns series, look, events, mean_z, sd_z, upper_z, lower_z (null without one); one row
        per series and look. z is positive when the experimental arm does better
        than the null hypothesis says.
    name, title, note, alt, simulated
        As for every figure.

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
    >>> rows = pl.DataFrame({"series": ["base"] * 2, "look": [1, 2], "events": [50.0, 100.0],
    ...     "mean_z": [1.4, 2.0], "sd_z": [1.0, 1.0], "upper_z": [2.96, 1.97],
    ...     "lower_z": [None, None]})
    >>> look_boundaries_figure(rows, name="looks").alt
    'base: look 1 at 50 events, z 1.40, bound 2.96; look 2 at 100 events, z 2.00, bound 1.97.'
    """
    if rows.is_empty():
        raise EstimationError("bounds need at least one look")
    ordered = rows.sort("series", "look")
    scale = _Scale(ordered)
    labels = ordered["series"].unique(maintain_order=True).to_list()
    first = ordered.filter(pl.col("series") == labels[0]).to_dicts()
    layers: list[Spec] = [rule_layer(scale.grid(), color=theme.GRID, strokeWidth=1),
                          rule_layer(scale.zero(), color=theme.AXIS, strokeWidth=1)]  # fmt: skip
    for bound in ("upper_z", "lower_z"):
        layers += _bound(first, bound, scale)
    ends = []
    for i, label in enumerate(labels):
        colour = theme.PALETTE[i % len(theme.PALETTE)]
        mine = ordered.filter(pl.col("series") == label).to_dicts()
        layers += _series(mine, scale, colour, 7.0 * (i - (len(labels) - 1) / 2))
        ends.append((scale.y(mine[-1]["mean_z"]) + 4, clean(label), colour))
    texts = [
        *scale.texts(),
        *end_labels(ends, RIGHT + 10, TOP, TOP + HEIGHT + 4),
        *_bound_names(first, scale),
    ]
    feet, height = feet_texts(TOP + HEIGHT + 52, note, simulated=simulated)
    if title:
        texts.append(title_text(clean(title)))
    spec = sheet([*layers, *text_layers([*texts, *feet])], height=height)
    return Figure(name, clean(title), alt or _alt(ordered, clean(title)), spec, rows)


class _Scale:
    """Pixels from events and z."""

    def __init__(self, rows: pl.DataFrame) -> None:
        events = rows["events"].to_list()
        spread = max(events) or 1.0
        self.left, self.right = 0.0, 1.06 * spread
        reach = [r["mean_z"] + s * 1.96 * (r["sd_z"] or 0.0) for r in rows.to_dicts()
                 for s in (-1, 1)]  # fmt: skip
        bounds = [b for c in ("upper_z", "lower_z") for b in rows[c].to_list() if b is not None]
        low, high = min([*reach, *bounds, 0.0]), max([*reach, *bounds, 0.0])
        self.low, self.high = low - 0.3, high + 0.3

    def x(self, events: float) -> float:
        return LEFT + (events - self.left) / (self.right - self.left) * (RIGHT - LEFT)

    def y(self, z: float) -> float:
        return TOP + (self.high - z) / (self.high - self.low) * HEIGHT

    def _ticks(self) -> list[float]:
        return [t for t in nice_ticks(self.low, self.high, 6) if self.low <= t <= self.high]

    def grid(self) -> list[dict[str, float]]:
        return [{"x": LEFT, "x2": RIGHT, "y": self.y(t), "y2": self.y(t)} for t in self._ticks()]

    def zero(self) -> list[dict[str, float]]:
        return [{"x": LEFT, "x2": RIGHT, "y": self.y(0.0), "y2": self.y(0.0)}]

    def texts(self) -> list[Text]:
        found = [Text(LEFT - 8, self.y(t) + 4, f"{t:g}", "right") for t in self._ticks()]
        found += [Text(self.x(t), TOP + HEIGHT + 18, f"{t:g}", "center")
                  for t in nice_ticks(self.left, self.right, 6) if t <= self.right]  # fmt: skip
        middle = (LEFT + RIGHT) / 2
        found.append(Text(middle, TOP + HEIGHT + 36, "Events", "center", bold=True))
        found.append(Text(4, TOP - 14, "z (above 0: better than the null hypothesis)", bold=True))
        return found


def _bound(rows: list[dict[str, Any]], key: str, scale: _Scale) -> list[Spec]:
    told = [r for r in rows if r[key] is not None]
    if not told:
        return []
    lines = [{"x": scale.x(a["events"]), "y": scale.y(a[key]), "x2": scale.x(b["events"]),
              "y2": scale.y(b[key])} for a, b in pairwise(told)]  # fmt: skip
    points = [{"x": scale.x(r["events"]), "y": scale.y(r[key])} for r in told]
    mark = {"type": "point", "shape": "diamond", "filled": True, "size": 54, "opacity": 1,
            "color": theme.INK}  # fmt: skip
    drawn = layer(mark, points, {"x": channel("x"), "y": channel("y")})
    if not lines:
        return [drawn]
    return [rule_layer(lines, color=theme.INK, strokeWidth=1.2, strokeDash=[5, 3]), drawn]


def _series(rows: list[dict[str, Any]], scale: _Scale, colour: str, aside: float) -> list[Spec]:
    bars = [
        {"x": scale.x(r["events"]) + aside, "x2": scale.x(r["events"]) + aside,
         "y": scale.y(r["mean_z"] + 1.96 * r["sd_z"]),
         "y2": scale.y(r["mean_z"] - 1.96 * r["sd_z"])}
        for r in rows if r["sd_z"] is not None
    ]  # fmt: skip
    points = [{"x": scale.x(r["events"]) + aside, "y": scale.y(r["mean_z"])} for r in rows]
    mark = {"type": "point", "filled": True, "size": 46, "opacity": 1, "color": colour}
    drawn = layer(mark, points, {"x": channel("x"), "y": channel("y")})
    return [*([rule_layer(bars, color=colour, strokeWidth=1.6)] if bars else []), drawn]


def _bound_names(rows: list[dict[str, Any]], scale: _Scale) -> list[Text]:
    found = []
    for key, word in (("upper_z", "ends for benefit above"), ("lower_z", "ends below")):
        told = [r for r in rows if r[key] is not None]
        if told:
            x, y = scale.x(told[0]["events"]), scale.y(told[0][key])
            found.append(_beside(word, x, y, below=key == "lower_z"))
    return found


def _beside(word: str, x: float, y: float, *, below: bool) -> Text:
    """A bound's name left of its first point or, without room there, above or below it."""
    left = Text(x - 22, y + 4, word, "right", colour=theme.INK)
    if x - 22 - left.width() >= LEFT + 4:
        return left
    return Text(LEFT + 6, y + (18 if below else -10), word, colour=theme.INK)


def _alt(rows: pl.DataFrame, title: str) -> str:
    parts = []
    for label in rows["series"].unique(maintain_order=True):
        mine = rows.filter(pl.col("series") == label).to_dicts()
        said = "; ".join(
            f"look {r['look']} at {r['events']:.0f} events, z {r['mean_z']:.2f}, "
            f"bound {r['upper_z']:.2f}" for r in mine
        )  # fmt: skip
        parts.append(f"{clean(label)}: {said}")
    return (f"{title}. " if title else "") + ". ".join(parts) + "."
