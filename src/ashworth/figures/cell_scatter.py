"""Cytokeratin against CD45 of all cells of one sample, by call."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from ashworth.figures import theme
from ashworth.figures.canvas import (
    Spec,
    Text,
    feet_texts,
    rect_layer,
    rule_layer,
    sheet,
    text_layers,
    tip,
    title_text,
)
from ashworth.figures.cell_classes import CLASSES, COMMON, key_layers, mark_layer, style_of
from ashworth.figures.numbers import counted
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean

LEFT, RIGHT, HEIGHT = 66, 630, 282
BIN = 6
_TICKS = (0.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0)


def cell_scatter_figure(
    cells: pl.DataFrame,
    *,
    name: str,
    title: str,
    x: str = "cd45_mean",
    y: str = "ck_mean",
    x_title: str = "CD45, mean above background (counts)",
    y_title: str = "Cytokeratin, mean above background (counts)",
    x_cut: float | None = None,
    y_cut: float | None = None,
    linear_below: float = 10.0,
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw two intensities of every cell, coloured and shaped by its call.

    Leukocytes and unclassified nuclei, of which a cartridge has many thousand, are shown as a
    density: squares that are the darker the more cells lie in them. All other classes are shown
    cell by cell. The axes are linear up to about `linear_below` and logarithmic beyond
    (inverse hyperbolic sine), because a mean above background may be zero or negative.

    Parameters
    ----------
    cells : polars.DataFrame
        Columns cell_id, call, frame, `x` and `y`. Cells without both values are counted in the
        note and not drawn.
    name, title, x_title, y_title : str
        Name, title, titles of the axes.
    x, y : str
        Columns of the intensities.
    x_cut, y_cut : float, optional
        Thresholds, drawn as dashed lines.
    linear_below : float
        Counts up to which the axes are about linear; above 0.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` has the columns call, n, x_median, y_median.

    Examples
    --------
    >>> cells = pl.DataFrame({"cell_id": ["1", "2"], "call": ["ctc", "leukocyte"],
    ...     "frame": [1, 1], "cd45_mean": [2.0, 300.0], "ck_mean": [900.0, -1.0]})
    >>> cell_scatter_figure(cells, name="scatter", title="Cells").alt
    'Cells. CTC: 1 cell, median 900 against 2; Leukocyte: 1 cell, median -1 against 300.'
    """
    drawn = cells.filter(pl.col(x).is_finite() & pl.col(y).is_finite())
    lost = cells.height - drawn.height
    top = 36.0 if title else 14.0
    across = _Scale(drawn[x], x_cut, linear_below, LEFT, RIGHT)
    up = _Scale(drawn[y], y_cut, linear_below, top + HEIGHT, top)
    placed = drawn.with_columns(
        px=across.pixels(drawn[x].to_numpy()), py=up.pixels(drawn[y].to_numpy())
    )
    order = order_of(drawn)
    layers: list[Spec] = [*_density(placed, top), *_cuts(across, up, x_cut, y_cut, top)]
    for call in reversed([c for c in order if c not in COMMON]):
        layers.append(mark_layer(call, _rows(placed, call, x, y), _tips(x_title, y_title)))
    ticks, texts = _axes(across, up, top, clean(x_title), clean(y_title))
    keys, key_texts, foot = key_layers(
        [(c, drawn.filter(call=c).height) for c in order], top + HEIGHT + 60
    )
    missing = f"{counted(lost, 'cell')} without both values not drawn." if lost else ""
    feet, height = feet_texts(foot + 22, note, missing, simulated=simulated)
    heading = [title_text(clean(title))] if title else []
    layers += [*ticks, *keys, *text_layers([*heading, *texts, *key_texts, *feet])]
    data = _summary(drawn, order, x, y)
    words = alt or _alt(data, clean(title))
    return Figure(name, clean(title), words, sheet(layers, height=height), data)


class _Scale:
    """An axis that is linear near zero and logarithmic far from it."""

    def __init__(
        self, values: pl.Series, cut: float | None, linear: float, start: float, end: float
    ) -> None:
        found = [-linear, 100.0, *([cut] if cut else [])]
        if len(values):
            found += [float(values.min() or 0), float(values.max() or 0)]  # type: ignore[arg-type]
        self.linear, self.start, self.end = linear, start, end
        self.low = math.asinh(max(min(found), -10 * linear) / linear)
        self.high = math.asinh(max(found) * 1.05 / linear)

    def pixels(self, values: np.ndarray) -> np.ndarray:
        """Pixels of values; those far below zero stand at the end of the axis."""
        share = (np.arcsinh(values / self.linear) - self.low) / (self.high - self.low)
        return np.round(self.start + np.clip(share, 0, 1) * (self.end - self.start), 2)

    def pixel(self, value: float) -> float:
        """Pixel of one value."""
        return float(self.pixels(np.array([value]))[0])

    def ticks(self) -> list[tuple[float, str]]:
        """Pixel and words of each tick."""
        inside = [t for t in _TICKS if self.low <= math.asinh(t / self.linear) <= self.high]
        return [(self.pixel(t), f"{t:,.0f}") for t in inside]


def order_of(cells: pl.DataFrame) -> list[str]:
    """Classes that occur, in the order of the key."""
    found = set(cells["call"].unique().to_list())
    return [c for c in CLASSES if c in found] + sorted(found - set(CLASSES))


def _density(placed: pl.DataFrame, top: float) -> list[Spec]:
    """Squares of the common classes, each square in the colour of the class that prevails."""
    common = placed.filter(pl.col("call").is_in(COMMON)).with_columns(
        i=((pl.col("px") - LEFT) // BIN).cast(pl.Int64).clip(0, (RIGHT - LEFT) // BIN - 1),
        j=((pl.col("py") - top) // BIN).cast(pl.Int64).clip(0, HEIGHT // BIN - 1),
    )
    binned = common.group_by("i", "j", "call").len("n").sort("i", "j", "n", "call")
    chief = binned.group_by("i", "j", maintain_order=True).last()
    most = max(chief["n"].to_list(), default=1)
    layers = []
    for call in COMMON:
        rows = [_square(r, most, top) for r in chief.filter(call=call).iter_rows(named=True)]
        for strength in sorted({r["strength"] for r in rows}):
            part = [r for r in rows if r["strength"] == strength]
            tips = [tip("call", "Call"), tip("n", "Cells", number=",")]
            colour = style_of(call).colour
            layers.append(rect_layer(part, tips, color=colour, opacity=strength))
    return layers


def _square(row: Mapping[str, Any], most: int, top: float) -> dict[str, Any]:
    x, y = LEFT + row["i"] * BIN, top + row["j"] * BIN
    share = math.log1p(row["n"]) / math.log1p(most)
    strength = round(0.25 + 0.15 * min(int(share * 5), 5), 2)
    return {
        "call": style_of(row["call"]).label,
        "n": row["n"],
        "strength": strength,
        "x": x,
        "y": y,
        "x2": x + BIN,
        "y2": y + BIN,
    }


def _rows(placed: pl.DataFrame, call: str, x: str, y: str) -> list[dict[str, object]]:
    rows = placed.filter(call=call).sort("cell_id")
    return [
        {
            "call": style_of(call).label,
            "cell": clean(row["cell_id"]),
            "frame": row["frame"],
            "x": row["px"],
            "y": row["py"],
            "vx": round(row[x], 1),
            "vy": round(row[y], 1),
        }
        for row in rows.iter_rows(named=True)
    ]


def _tips(x_title: str, y_title: str) -> list[Spec]:
    return [
        tip("call", "Call"),
        tip("cell", "Cell"),
        tip("frame", "Frame", number="d"),
        tip("vy", clean(y_title), number=",.1f"),
        tip("vx", clean(x_title), number=",.1f"),
    ]


def _cuts(
    across: _Scale, up: _Scale, x_cut: float | None, y_cut: float | None, top: float
) -> list[Spec]:
    """Dashed lines at the thresholds."""
    rows = []
    if x_cut is not None:
        at = across.pixel(x_cut)
        rows.append({"x": at, "x2": at, "y": top, "y2": top + HEIGHT})
    if y_cut is not None:
        at = up.pixel(y_cut)
        rows.append({"x": LEFT, "x2": RIGHT, "y": at, "y2": at})
    return [rule_layer(rows, color=theme.INK, strokeDash=[4, 3])] if rows else []


def _axes(
    across: _Scale, up: _Scale, top: float, x_title: str, y_title: str
) -> tuple[list[Spec], list[Text]]:
    base = top + HEIGHT
    lines = [
        {"x": LEFT, "x2": RIGHT, "y": base, "y2": base},
        {"x": LEFT, "x2": LEFT, "y": top, "y2": base},
        *({"x": p, "x2": p, "y": base, "y2": base + 4} for p, _ in across.ticks()),
        *({"x": LEFT - 4, "x2": LEFT, "y": p, "y2": p} for p, _ in up.ticks()),
    ]
    texts = [Text(p, base + 18, words, "center") for p, words in _apart(across.ticks())]
    texts += [Text(LEFT - 8, p + 4, words, "right") for p, words in up.ticks()]
    texts.append(Text((LEFT + RIGHT) / 2, base + 36, x_title, "center"))
    texts.append(Text(16, top + HEIGHT / 2, y_title, "center", angle=-90))
    return [rule_layer(lines, color=theme.AXIS)], texts


def _apart(ticks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Ticks whose words do not touch the end of the figure."""
    return [(p, w) for p, w in ticks if p + Text(0, 0, w).width() / 2 <= theme.WIDTH - 2]


def _summary(drawn: pl.DataFrame, order: Sequence[str], x: str, y: str) -> pl.DataFrame:
    parts = [drawn.filter(call=call) for call in order]
    return pl.DataFrame(
        {
            "call": list(order),
            "n": [part.height for part in parts],
            "x_median": [part[x].median() for part in parts],
            "y_median": [part[y].median() for part in parts],
        },
        schema={"call": pl.String, "n": pl.Int64, "x_median": pl.Float64, "y_median": pl.Float64},
    )


def _alt(data: pl.DataFrame, title: str) -> str:
    parts = [
        f"{style_of(r['call']).label}: {counted(r['n'], 'cell')}, median "
        f"{r['y_median']:.3g} against {r['x_median']:.3g}"
        for r in data.iter_rows(named=True)
    ]
    return f"{title}. " + ("; ".join(parts) or "No cells") + "."
