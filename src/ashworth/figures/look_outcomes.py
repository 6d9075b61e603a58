"""How simulated trials with interim looks end: one stacked bar per series, theory below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import (
    Spec,
    Text,
    feet_texts,
    rect_layer,
    sheet,
    text_layers,
    title_text,
)
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, shorten

LEFT, RIGHT, TOP, THICK, THIN = 4.0, 636.0, 46.0, 20.0, 5.0
ENDS = {
    "benefit": ("#0b3c6f", "#a9c0d8"),
    "none": ("#d9d9d9", "#d9d9d9"),
    "futility": ("#c0521f", "#efc4ae"),
    "harm": ("#c0521f", "#efc4ae"),
}
"""Colours of the first and of the last look, by how a trial ends."""
WORDS = {"benefit": "Ends for benefit", "none": "No bound crossed", "futility": "Ends for futility",
         "harm": "Ends for harm"}  # fmt: skip
NOTE = "Broad bars: simulated trials, by the look at which they end; narrow bars: theory"


def look_outcomes_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str = "",
    note: str = NOTE,
    alt: str | None = None,
    simulated: bool = True,
) -> Figure:
    """Draw how trials end: benefit from the left, harm or futility from the right.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns series, look, outcome (benefit, none, futility, harm), share (0 to 1) and
        expected (0 to 1 or null). `none` has one row per series, at the last look.
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
    >>> rows = pl.DataFrame({"series": ["base"] * 3, "look": [1, 2, 2],
    ...     "outcome": ["benefit", "benefit", "none"], "share": [0.3, 0.5, 0.2],
    ...     "expected": [0.31, 0.49, 0.2]})
    >>> look_outcomes_figure(rows, name="outcomes").alt
    'base: benefit at look 1 30.0 %, benefit at look 2 50.0 %, no bound crossed 20.0 %.'
    """
    if rows.is_empty():
        raise EstimationError("outcomes need at least one look")
    most = int(rows["look"].max())  # type: ignore[arg-type]
    texts = _legend([o for o in WORDS if o in set(rows["outcome"])])
    layers: list[Spec] = []
    y = TOP + 16
    for label in rows["series"].unique(maintain_order=True):
        mine = _in_order(rows.filter(pl.col("series") == label).to_dicts())
        texts.append(Text(LEFT, y, shorten(clean(label), RIGHT - LEFT, bold=True), bold=True))
        layers += _bar(mine, "share", y + 22, THICK, most)
        if all(r["expected"] is not None for r in mine):
            layers += _bar(mine, "expected", y + 24 + THICK, THIN, most)
        texts += _segment_texts(mine, y + 22, most)
        y += 22 + THICK + THIN + 26
    feet, height = feet_texts(y - 4, note, simulated=simulated)
    if title:
        texts.append(title_text(clean(title)))
    spec = sheet([*layers, *text_layers([*texts, *feet])], height=height)
    return Figure(name, clean(title), alt or _alt(rows, clean(title)), spec, rows)


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """From left to right: benefit by look, no crossing, the others from the last look back."""
    place = {"benefit": 0, "none": 1, "futility": 2, "harm": 2}

    def where(row: dict[str, Any]) -> tuple[int, int]:
        side = place[row["outcome"]]
        return side, -row["look"] if side == 2 else row["look"]

    return sorted(rows, key=where)


def _edges(rows: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    found, x = [], LEFT
    for row in rows:
        end = x + row[key] * (RIGHT - LEFT)
        found.append((x, end))
        x = end
    return found


def _bar(rows: Sequence[dict[str, Any]], key: str, y: float, thick: float, most: int) -> list[Spec]:
    return [
        rect_layer([{"x": a, "x2": b, "y": y, "y2": y + thick}], fill=_colour(row, most),
                   stroke="#ffffff", strokeWidth=1)
        for row, (a, b) in zip(rows, _edges(rows, key), strict=True)
        if b - a > 0.5
    ]  # fmt: skip


def _colour(row: dict[str, Any], most: int) -> str:
    """Between the colours of the first and the last look."""
    first, last = ENDS[row["outcome"]]
    part = 0.0 if most == 1 else (row["look"] - 1) / (most - 1)
    pairs = [(int(first[i : i + 2], 16), int(last[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in pairs)


def _legible_on(colour: str) -> str:
    """Ink or white, whichever has more contrast (relative luminance of WCAG 2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return theme.INK if light > 0.2 else "#ffffff"


def _segment_texts(rows: Sequence[dict[str, Any]], y: float, most: int) -> list[Text]:
    """Look above and share within a segment, where there is room."""
    found = []
    for row, (a, b) in zip(rows, _edges(rows, "share"), strict=True):
        inside = Text((a + b) / 2, y + 14, f"{100 * row['share']:.0f} %", "center",
                      colour=_legible_on(_colour(row, most)))  # fmt: skip
        above = Text((a + b) / 2, y - 5, f"look {row['look']}", "center", colour=theme.MUTED)
        if inside.width() + 6 <= b - a:
            found.append(inside)
        if row["outcome"] != "none" and above.width() + 6 <= b - a:
            found.append(above)
    return found


def _legend(outcomes: Sequence[str]) -> list[Text]:
    found, x = [], LEFT
    for outcome in outcomes:
        colour = theme.MUTED if outcome == "none" else ENDS[outcome][0]
        found.append(Text(x, TOP - 6, WORDS[outcome], colour=colour, bold=True))
        x += found[-1].width() + 24
    return found


def _alt(rows: pl.DataFrame, title: str) -> str:
    parts = []
    for label in rows["series"].unique(maintain_order=True):
        mine = _in_order(rows.filter(pl.col("series") == label).to_dicts())
        said = ", ".join(f"{_ending(r)} {100 * r['share']:.1f} %" for r in mine)
        parts.append(f"{clean(label)}: {said}")
    return (f"{title}. " if title else "") + ". ".join(parts) + "."


def _ending(row: dict[str, Any]) -> str:
    if row["outcome"] == "none":
        return "no bound crossed"
    return f"{row['outcome']} at look {row['look']}"
