"""Counts under therapy: one line per patient on a log(1 + count) axis, a panel per group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import (
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
from ashworth.figures.numbers import counted
from ashworth.figures.result import Figure
from ashworth.figures.ticks import TimeUnit, time_ticks
from ashworth.figures.typesetting import clean, shorten, text_width

MAX_GROUPS = 6
LEFT, GAP, HEIGHT, TALL = 54.0, 42.0, 168.0, 250.0
_MARKS = (0, 1, 5, 10, 50, 100, 500, 1000, 5000, 10_000, 50_000, 100_000)
_NARROW_GAP = 13.0


@dataclass(frozen=True, slots=True)
class _Panel:
    """One group's frame in px and its scales."""

    group: object
    label: str
    left: float
    top: float
    width: float
    height: float
    longest: float
    highest: float
    colour: str

    def x(self, time: float) -> float:
        """Pixel of a time."""
        return round(self.left + self.width * time / self.longest, 2)

    def y(self, count: float) -> float:
        """Pixel of a count."""
        share = math.log1p(count) / math.log1p(self.highest)
        return round(self.top + self.height * (1.0 - share), 2)


def counts_over_time_figure(
    draws: pl.DataFrame,
    medians: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str,
    y_title: str,
    time_unit: TimeUnit = "days",
    cut: float | None = None,
    marked: str = "",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw every patient's counts as a line, with medians, in one panel per group.

    Readable for about 30 to 300 patients: lines are paler the more there are.

    Parameters
    ----------
    draws : polars.DataFrame
        Columns group, patient, time (0 or later, in `time_unit`), count, marked (bool: draw a
        full dot at the patient's last draw, else an open one). Groups stand in order of
        appearance, one to six.
    medians : polars.DataFrame
        Columns group, time, median, n: drawn as a thick line.
    name, title, x_title, y_title : str
        Name, title, titles of the axes.
    time_unit : {"days", "weeks", "months", "years"}
        Gives the ticks.
    cut : float, optional
        A dashed line at this count.
    marked : str
        What a full dot means.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the medians when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `draws`.

    Raises
    ------
    EstimationError
        With no group or more than six.

    Examples
    --------
    >>> draws = pl.DataFrame({"group": ["all"] * 2, "patient": ["p", "p"], "time": [0.0, 28.0],
    ...     "count": [12, 3], "marked": [False, False]})
    >>> medians = pl.DataFrame({"group": ["all"] * 2, "time": [0.0, 28.0], "median": [12.0, 3.0],
    ...     "n": [1, 1]})
    >>> counts_over_time_figure(draws, medians, name="counts", title="Counts", x_title="Days",
    ...     y_title="CTC").alt
    'Counts. all, 1 patient: median 12 at 0, 3 at 28.'
    """
    groups = draws["group"].unique(maintain_order=True).to_list()
    if not 1 <= len(groups) <= MAX_GROUPS:
        raise EstimationError(f"counts over time: {len(groups)} groups; allowed: 1 to {MAX_GROUPS}")
    head = 52.0 if title else 28.0
    panels = _panels(groups, draws, head)
    texts = [title_text(clean(title))] if title else []
    layers: list[Spec] = []
    for panel in panels:
        mine = draws.filter(pl.col("group") == panel.group)
        middle = medians.filter(pl.col("group") == panel.group)
        more_layers, more_texts = _panel(panel, mine, middle, time_unit, cut)
        layers += more_layers
        texts += more_texts
    bottom = max(p.top + p.height for p in panels)
    texts += _axis_titles(panels, bottom, x_title, y_title)
    legend = _legend(marked, cut)
    feet, height = feet_texts(bottom + 62, legend, note, simulated=simulated)
    spec = sheet([*layers, *text_layers([*texts, *feet])], height=height)
    words = alt or _alt(clean(title), groups, draws, medians)
    return Figure(name, clean(title), words, spec, draws)


def _panels(groups: Sequence[object], draws: pl.DataFrame, head: float) -> list[_Panel]:
    """Frames in one column, or two, with common scales."""
    columns = 1 if len(groups) == 1 else 2
    width = (theme.WIDTH - LEFT - 12 - GAP * (columns - 1)) / columns
    height = TALL if len(groups) <= 2 else HEIGHT
    longest = float(draws["time"].to_numpy().max()) or 1.0
    highest = max(float(draws["count"].to_numpy().max()), 5.0) * 1.08
    return [
        _Panel(
            group, clean(group), LEFT + (i % columns) * (width + GAP),
            head + (i // columns) * (height + 44), width, height, longest * 1.02, highest,
            theme.PALETTE[i % len(theme.PALETTE)],
        )
        for i, group in enumerate(groups)
    ]  # fmt: skip


def _panel(
    panel: _Panel, draws: pl.DataFrame, medians: pl.DataFrame, unit: TimeUnit, cut: float | None
) -> tuple[list[Spec], list[Text]]:
    """Axes, lines, dots and medians of one group."""
    n = draws["patient"].n_unique()
    size = f" (n = {n:,})"
    label = shorten(panel.label, panel.width - text_width(size, bold=True), bold=True)
    texts = [Text(panel.left, panel.top - 9, label + size, bold=True)]
    axis_layers, axis_texts = _axes(panel, unit, cut)
    lines, dots = _patients(panel, draws, n)
    layers = [*axis_layers, lines, *_median_layers(panel, medians), dots]
    return layers, [*texts, *axis_texts]


def _axes(panel: _Panel, unit: TimeUnit, cut: float | None) -> tuple[list[Spec], list[Text]]:
    bottom, right = panel.top + panel.height, panel.left + panel.width
    times = [t for t in time_ticks(panel.longest / 1.02, unit) if t <= panel.longest]
    counts = _count_ticks(panel)
    lines = [
        {"x": panel.left, "y": bottom, "x2": right, "y2": bottom},
        {"x": panel.left, "y": panel.top, "x2": panel.left, "y2": bottom},
        *({"x": panel.x(t), "y": bottom, "x2": panel.x(t), "y2": bottom + 4} for t in times),
        *({"x": panel.left - 4, "y": panel.y(c), "x2": panel.left, "y2": panel.y(c)}
          for c in counts),
    ]  # fmt: skip
    grid = [{"x": panel.left, "y": panel.y(c), "x2": right, "y2": panel.y(c)} for c in counts[1:]]
    layers = [rule_layer(grid, color=theme.GRID), rule_layer(lines, color=theme.AXIS)]
    if cut is not None and cut <= panel.highest:
        y = panel.y(cut)
        line = {"x": panel.left, "y": y, "x2": right, "y2": y}
        layers.append(rule_layer([line], color=theme.INK, strokeDash=[5, 3]))
    texts = [Text(panel.x(t), bottom + 17, f"{t:g}", "center") for t in times]
    texts += [Text(panel.left - 7, panel.y(c) + 4, f"{c:,}", "right") for c in counts]
    return layers, texts


def _count_ticks(panel: _Panel) -> list[int]:
    """Counts that have room for their number."""
    out: list[int] = []
    for mark in _MARKS:
        if mark > panel.highest:
            break
        if not out or panel.y(out[-1]) - panel.y(mark) >= _NARROW_GAP:
            out.append(mark)
    return out


def _patients(panel: _Panel, draws: pl.DataFrame, n: int) -> tuple[Spec, Spec]:
    """One pale line per patient, and a dot at the last draw."""
    ordered = draws.sort("patient", "time", maintain_order=True)
    rows = [
        {
            "x": panel.x(r["time"]), "y": panel.y(r["count"]), "patient": str(r["patient"]),
            "time": r["time"], "count": r["count"],
        }
        for r in ordered.iter_rows(named=True)
    ]  # fmt: skip
    last = ordered.group_by("patient", maintain_order=True).last()
    dots = [
        {
            "x": panel.x(r["time"]), "y": panel.y(r["count"]), "patient": clean(r["patient"]),
            "count": r["count"], "fill": panel.colour if r["marked"] else "white",
        }
        for r in last.iter_rows(named=True)
    ]  # fmt: skip
    place: Spec = {"x": channel("x"), "y": channel("y")}
    pale = min(0.75, max(0.18, 9.0 / max(n, 1) ** 0.8))
    line = {"type": "line", "color": panel.colour, "strokeWidth": 1, "opacity": round(pale, 3)}
    track = {"detail": {"field": "patient", "type": "nominal"},
             "order": {"field": "time", "type": "quantitative"}}  # fmt: skip
    dot = {"type": "point", "size": 20, "stroke": panel.colour, "strokeWidth": 1, "opacity": 0.85}
    tips = [tip("patient", "Patient"), tip("count", "Cells at the last draw", number=",")]
    fill = {"fill": {"field": "fill", "type": "nominal", "scale": None}}
    return (
        layer(line, rows, {**place, **track}),
        layer(dot, dots, {**place, **fill, "tooltip": tips}),
    )


def _median_layers(panel: _Panel, medians: pl.DataFrame) -> list[Spec]:
    """Thick line with a white edge through the medians."""
    rows: list[dict[str, Any]] = [
        {"x": panel.x(r["time"]), "y": panel.y(r["median"]), "median": r["median"], "n": r["n"]}
        for r in medians.sort("time").iter_rows(named=True)
    ]
    place: Spec = {"x": channel("x"), "y": channel("y")}
    place["order"] = {"field": "x", "type": "quantitative"}
    tips = [tip("median", "Median", number=".3~r"), tip("n", "Patients", number=",")]
    square = {"type": "point", "shape": "square", "filled": True, "size": 60, "opacity": 1}
    return [
        layer({"type": "line", "color": "white", "strokeWidth": 5, "opacity": 0.7}, rows, place),
        layer({"type": "line", "color": theme.INK, "strokeWidth": 2.5}, rows, place),
        layer({**square, "color": theme.INK}, rows, {**place, "tooltip": tips}),
    ]


def _axis_titles(panels: Sequence[_Panel], bottom: float, x_title: str, y_title: str) -> list[Text]:
    first, last = panels[0], panels[min(1, len(panels) - 1)]
    middle = (first.left + last.left + last.width) / 2
    top = (first.top + bottom) / 2
    x = shorten(clean(x_title), 500)
    y = shorten(clean(y_title), bottom - first.top)
    return [Text(middle, bottom + 38, x, "center"), Text(11, top, y, "center", angle=-90)]


def _legend(marked: str, cut: float | None) -> str:
    words = ["Lines: patients. Thick line and squares: medians."]
    if marked:
        words.append(f"Full dot at the last draw: {clean(marked)}.")
    if cut is not None:
        words.append(f"Dashed: cut-off, {cut:g}.")
    return " ".join(words)


def _alt(title: str, groups: Sequence[object], draws: pl.DataFrame, medians: pl.DataFrame) -> str:
    parts = []
    for group in groups:
        n = draws.filter(pl.col("group") == group)["patient"].n_unique()
        rows = medians.filter(pl.col("group") == group).sort("time").iter_rows(named=True)
        steps = ", ".join(f"{r['median']:g} at {r['time']:g}" for r in rows)
        parts.append(f"{clean(group)}, {counted(n, 'patient')}: median {steps}")
    return f"{title}. " + "; ".join(parts) + "."
