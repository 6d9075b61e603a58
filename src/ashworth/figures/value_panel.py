"""A panel with two value axes: lines, bands, points, bars, at exact pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ashworth.figures import theme
from ashworth.figures.canvas import HOVER, Spec, Text, channel, layer, rule_layer, tip
from ashworth.figures.typesetting import clean, shorten, text_width

Kind = Literal["linear", "log", "log1p"]
LINE = 17
_COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000, 1_000_000)


def round_marks(low: float, high: float, most: int = 6) -> list[float]:
    """Round values between two ends.

    Examples
    --------
    >>> round_marks(0.0, 0.43)
    [0.0, 0.1, 0.2, 0.3, 0.4]
    """
    rough = max(high - low, 1e-12) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Scale:
    """One axis: values to pixels.

    Attributes
    ----------
    low, high : float
        Values at the ends.
    start, end : float
        Pixels of the ends.
    kind : {"linear", "log", "log1p"}
        "log1p" is for counts with zeros.
    """

    low: float
    high: float
    start: float
    end: float
    kind: Kind = "linear"

    def _at(self, value: float) -> float:
        if self.kind == "log":
            return math.log(value)
        return math.log1p(value) if self.kind == "log1p" else value

    def pixel(self, value: float) -> float:
        """Pixel of a value, held within the ends."""
        held = min(max(value, self.low), self.high)
        low, high = self._at(self.low), self._at(self.high)
        share = (self._at(held) - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 2)

    def holds(self, value: float | None) -> bool:
        """Whether a value is a number within the ends."""
        return value is not None and math.isfinite(value) and self.low <= value <= self.high

    def marks(self) -> list[float]:
        """Round values for ticks, not too close to each other."""
        if self.kind == "linear":
            return round_marks(self.low, self.high)
        if self.kind == "log":
            powers = [2.0**k for k in range(-10, 21)]
            found = [v for v in powers if self.low <= v * 1.0001 and v <= self.high * 1.0001]
            return found[:: max(1, math.ceil(len(found) / 8))] if 1.0 not in found else _thin(found)
        found, last = [], -math.inf
        for value in _COUNTS if self.high > 12 else range(13):
            if self.low <= value <= self.high and abs(self.pixel(value) - last) >= 26:
                found.append(float(value))
                last = self.pixel(value)
        return found


def _thin(marks: list[float]) -> list[float]:
    """At most eight marks, with 1 among them."""
    step = max(1, math.ceil(len(marks) / 8))
    first = marks.index(1.0) % step
    return marks[first::step]


@dataclass(frozen=True, slots=True)
class Panel:
    """Two scales; the vertical one runs from the bottom up."""

    x: Scale
    y: Scale

    def frame(self, x_title: str, y_title: str, *, percent: tuple[bool, bool] = (False, False),
              x_axis: bool = True) -> tuple[list[Spec], list[Text]]:  # fmt: skip
        """Axes, ticks and titles; `percent` prints shares as percentages (x, y)."""
        left, right, bottom, top = self.x.start, self.x.end, self.y.start, self.y.end
        lines = [{"x": left, "y": bottom, "x2": right, "y2": bottom},
                 {"x": left, "y": top, "x2": left, "y2": bottom}]  # fmt: skip
        texts = [Text(max(left - 36, 4), top - 10, shorten(clean(y_title), 560))]
        for value in self.y.marks():
            at = self.y.pixel(value)
            lines.append({"x": left - 4, "y": at, "x2": left, "y2": at})
            texts.append(Text(left - 7, at + 4, _label(value, percent[1]), "right"))
        if x_axis:
            for value in self.x.marks():
                at = self.x.pixel(value)
                lines.append({"x": at, "y": bottom, "x2": at, "y2": bottom + 4})
                texts.append(Text(at, bottom + 17, _label(value, percent[0]), "center"))
            middle = (left + right) / 2
            room = min(right - left + 60, 2 * (theme.WIDTH - middle - 4), 2 * (middle - 4))
            texts.append(Text(middle, bottom + 35, shorten(clean(x_title), room), "center"))
        return [rule_layer(lines, color=theme.AXIS)], texts

    def line(self, rows: Sequence[Mapping[str, Any]], x: str, y: str, *, step: bool = False,
             **style: object) -> list[Spec]:  # fmt: skip
        """A line through the rows; values without a number break it."""
        pieces: list[list[dict[str, float]]] = [[]]
        for row in rows:
            value = row[y]
            if value is None or not math.isfinite(value):
                pieces.append([])
                continue
            pieces[-1].append({"x": self.x.pixel(row[x]), "y": self.y.pixel(value)})
        shape = {"interpolate": "step-after"} if step else {}
        encoding = {"x": channel("x"), "y": channel("y")}
        mark = {"type": "line", **shape, **style}
        return [layer(mark, piece, encoding) for piece in pieces if piece]

    def band(self, rows: Sequence[Mapping[str, Any]], x: str, low: str, high: str,
             colour: str) -> list[Spec]:  # fmt: skip
        """An area between two columns; rows without both are left out."""
        drawn = [
            {"x": self.x.pixel(r[x]), "low": self.y.pixel(r[low]), "high": self.y.pixel(r[high])}
            for r in rows
            if _finite(r[low]) and _finite(r[high])
        ]
        if not drawn:
            return []
        mark = {"type": "area", "orient": "vertical", "opacity": 0.14, "color": colour}
        encoding = {"x": channel("x"), "y": channel("low"), "y2": {"field": "high"}}
        return [layer(mark, drawn, encoding)]

    def intervals(self, rows: Sequence[Mapping[str, Any]], x: str, low: str, high: str,
                  colour: str) -> list[Spec]:  # fmt: skip
        """Vertical limits of points."""
        lines = [
            {"x": self.x.pixel(r[x]), "x2": self.x.pixel(r[x]),
             "y": self.y.pixel(r[low]), "y2": self.y.pixel(r[high])}
            for r in rows
            if _finite(r[low]) and _finite(r[high])
        ]  # fmt: skip
        return [rule_layer(lines, color=colour)] if lines else []

    def points(self, rows: Sequence[Mapping[str, Any]], x: str, y: str, colour: str,
               size: float = 34, tips: Sequence[tuple[str, str, str]] = (),
               key: str = "") -> list[Spec]:  # fmt: skip
        """Points with tooltips of (column, title, format)."""
        drawn = [
            {"x": self.x.pixel(r[x]), "y": self.y.pixel(r[y]), **{c: r[c] for c, _, _ in tips}}
            for r in rows
            if _finite(r[y])
        ]
        if not drawn:
            return []
        encoding: dict[str, Any] = {"x": channel("x"), "y": channel("y")}
        mark = {"type": "point", "filled": True, "size": size, "color": colour, "opacity": 1}
        layers = [layer(mark, drawn, encoding)]
        if tips:
            encoding = {**encoding, "tooltip": [tip(c, t, number=f) for c, t, f in tips]}
            ghost = {"type": "point", "opacity": 0, "size": 90, "filled": True}
            layers.append(layer(ghost, drawn, encoding, name=f"{HOVER}-{key}"))
        return layers


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _label(value: float, percent: bool) -> str:
    return f"{100 * value:g}%" if percent else f"{value:,g}" if value >= 10_000 else f"{value:g}"


def legend(
    entries: Sequence[tuple[str, str, list[int]]], y: float, left: float = 4.0
) -> tuple[list[Spec], list[Text], float]:
    """Keys (label, colour, dash) in rows from baseline `y`, and where they end."""
    layers, texts, x = [], [], left
    for label, colour, dash in entries:
        words = shorten(clean(label), 420)
        wide = 32 + text_width(words) + 22
        if x > left and x + wide > theme.WIDTH:
            x, y = left, y + LINE
        line = {"x": x, "y": y - 4, "x2": x + 26, "y2": y - 4}
        layers.append(rule_layer([line], color=colour, strokeDash=dash, strokeWidth=2))
        texts.append(Text(x + 32, y, words))
        x += wide
    return layers, texts, y + 8
