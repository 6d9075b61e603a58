"""Distribution of counts in categories, one panel for each time point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
from ashworth.figures.numbers import percent
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, shorten

LEFT, RIGHT = 12, 628
BARS = 92
PANEL = BARS + 56
BELOW, ABOVE = theme.SEQUENCE[1], theme.SEQUENCE[3]


def count_distribution_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str = "Cells",
    cutoff_category: str | None = None,
    cutoff_label: str = "cut-off",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the share of patients in each category of counts.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns timepoint, count_category, n, share (0 to 1). Categories and time points in
        order of appearance; a category absent at a time point counts as none.
    name, title, x_title : str
        Name, title, title of the axis (what is counted, in which volume).
    cutoff_category : str, optional
        First category at or above the cut-off; it and later ones are dark.
    cutoff_label : str
        Words at the cut-off line.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `rows`.

    Examples
    --------
    >>> rows = pl.DataFrame({"timepoint": ["baseline"] * 2, "count_category": ["0", "1"],
    ...     "n": [3, 1], "share": [0.75, 0.25]})
    >>> count_distribution_figure(rows, name="counts", title="Counts").alt
    'Counts. baseline: 0 75.0%, 1 25.0%.'
    """
    categories = rows["count_category"].unique(maintain_order=True).to_list()
    points = rows["timepoint"].unique(maintain_order=True).to_list()
    cut = categories.index(cutoff_category) if cutoff_category in categories else len(categories)
    top = max([0.01, *rows["share"].to_list()])
    first = 34.0 if title else 10.0
    slot = (RIGHT - LEFT) / len(categories)
    texts: list[Text] = [title_text(clean(title))] if title else []
    bars: list[dict[str, Any]] = []
    lines: list[dict[str, float]] = []
    for k, point in enumerate(points):
        y = first + PANEL * k
        base = y + 22 + BARS
        part = rows.filter(pl.col("timepoint") == point).to_dicts()
        found = {r["count_category"]: r for r in part}
        texts += _panel_texts(point, sum(r["n"] for r in part), y)
        for i, category in enumerate(categories):
            row = found.get(category, {"n": 0, "share": 0.0})
            high = (BARS - 18) * float(row["share"]) / top
            x = LEFT + slot * i
            bars.append(_bar(point, category, row, (x, slot), base, high, dark=i >= cut))
            texts += _bar_texts(row, category, x + slot / 2, base, high, slot)
        lines.append({"x": LEFT, "y": base, "x2": RIGHT, "y2": base})
    cuts, cut_texts = _cutoff(cut, len(categories), slot, len(points), cutoff_label, first)
    foot = first + PANEL * len(points) + 4
    texts += [*cut_texts, Text((LEFT + RIGHT) / 2, foot, clean(x_title), "center")]
    feet, height = feet_texts(foot + 22, note, simulated=simulated)
    layers = _layers(bars, lines, cuts, [*texts, *feet])
    words = alt or _alt(rows, points, clean(title))
    return Figure(name, clean(title), words, sheet(layers, height=height), rows)


def _panel_texts(point: object, total: int, y: float) -> list[Text]:
    return [
        Text(4, y + 8, shorten(clean(point), 320, bold=True), bold=True),
        Text(636, y + 8, f"n = {total:,}", "right", colour=theme.MUTED),
    ]


def _layers(
    bars: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
    cuts: Sequence[Mapping[str, Any]],
    texts: Sequence[Text],
) -> list[Spec]:
    tips = [
        tip("timepoint", "Time point"),
        tip("count_category", "Count"),
        tip("n", "Patients", number=","),
        tip("share", "Share", number=".1%"),
    ]
    return [
        rect_layer([b for b in bars if b["dark"]], tips, color=ABOVE),
        rect_layer([b for b in bars if not b["dark"]], tips, color=BELOW),
        rule_layer(lines, color=theme.AXIS),
        rule_layer(cuts, color=theme.INK, strokeDash=[4, 3]),
        *text_layers(texts),
    ]


def _bar(
    point: object,
    category: object,
    row: Mapping[str, Any],
    place: tuple[float, float],
    base: float,
    high: float,
    *,
    dark: bool,
) -> dict[str, Any]:
    x, slot = place
    return {
        "timepoint": clean(point),
        "count_category": clean(category),
        "n": row["n"],
        "share": row["share"],
        "dark": dark,
        "x": round(x + slot * 0.16, 2),
        "x2": round(x + slot * 0.84, 2),
        "y": round(base - high, 2),
        "y2": base,
    }


def _bar_texts(
    row: Mapping[str, Any], category: object, x: float, base: float, high: float, slot: float
) -> list[Text]:
    return [
        Text(x, base - high - 5, f"{percent(row['share'])}%", "center"),
        Text(x, base + 16, shorten(clean(category), slot - 4), "center"),
    ]


def _cutoff(
    cut: int, count: int, slot: float, panels: int, label: str, first: float
) -> tuple[list[dict[str, float]], list[Text]]:
    """Dashed line before the first category at or above the cut-off, in each panel."""
    if not 0 < cut < count:
        return [], []
    x = LEFT + slot * cut
    tops = [first + PANEL * i for i in range(panels)]
    lines = [{"x": x, "y": y + 12, "x2": x, "y2": y + 22 + BARS + 20} for y in tops]
    return lines, [Text(x + 5, tops[0] + 18, shorten(clean(label), RIGHT - x - 60))]


def _alt(rows: pl.DataFrame, points: Sequence[object], title: str) -> str:
    parts = []
    for point in points:
        found = rows.filter(pl.col("timepoint") == point).to_dicts()
        shares = ", ".join(f"{clean(r['count_category'])} {percent(r['share'])}%" for r in found)
        parts.append(f"{clean(point)}: {shares}")
    return f"{title}. " + "; ".join(parts) + "."
