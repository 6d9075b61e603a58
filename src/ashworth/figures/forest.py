"""Forest plot of a Cox model: hazard ratios with limits beside their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ashworth.figures import theme
from ashworth.figures.canvas import (
    Spec,
    Text,
    feet_texts,
    rule_layer,
    sheet,
    text_layers,
    title_text,
)
from ashworth.figures.interval_rows import (
    ROW,
    Interval,
    axis_layers,
    axis_texts,
    interval_layers,
    label_texts,
    log_axis,
    usable,
)
from ashworth.figures.numbers import p_value, ratio_limits
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean

N_RIGHT, EVENTS_RIGHT = 232, 282
AXIS_LEFT, AXIS_RIGHT = 300, 432
RATIO_LEFT, P_RIGHT = 448, 636

Row = Mapping[str, Any]


def forest_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str,
    estimate_title: str = "Hazard ratio",
    estimate_heading: str = "HR (95% CI)",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the ratios of a model on a log axis between columns of text.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns section, label, n, events, estimate, lower, upper, p_value, is_reference; rows
        of one section stand together. Ratios, not logarithms. Null, NaN and infinite
        estimates are printed as words.
    name, title : str
        Name and title of the figure.
    estimate_title, estimate_heading : str
        Title of the axis, heading of the column of numbers.
    note : str
        Small line under the axis.
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
    >>> rows = pl.DataFrame({"section": ["Nodes"], "label": ["4 or more against 1-3"],
    ...     "n": [310], "events": [170], "estimate": [2.0], "lower": [1.6], "upper": [2.5],
    ...     "p_value": [1e-9], "is_reference": [False]})
    >>> forest_figure(rows, name="forest", title="Model").alt
    'Model. Nodes, 4 or more against 1-3: 2.00 (1.60–2.50).'
    """
    records = rows.to_dicts()
    drawn = [r for r in records if not r["is_reference"] and usable(r["estimate"]) is not None]
    finite = (usable(r[c]) for r in drawn for c in ("estimate", "lower", "upper"))
    axis = log_axis([v for v in finite if v is not None], AXIS_LEFT, AXIS_RIGHT)
    head = 44 if title else 20
    texts, intervals, lines, bottom = _body(records, head)
    one = axis.pixel(1)
    texts += _headings(clean(title), head, estimate_heading)
    texts += axis_texts(axis, bottom, f"{estimate_title} (log scale)")
    feet, height = feet_texts(bottom + 56, note, simulated=simulated)
    layers: list[Spec] = [
        rule_layer(lines, color=theme.HAIRLINE),
        rule_layer([{"x": 4, "y": head + 6, "x2": 636, "y2": head + 6}], color=theme.INK),
        rule_layer([{"x": one, "y": head + 6, "x2": one, "y2": bottom}], color=theme.AXIS),
        *axis_layers(axis, bottom),
        *interval_layers(intervals, axis, estimate_title),
        *text_layers([*texts, *feet]),
    ]
    words = alt or _alt(records, clean(title))
    return Figure(name, clean(title), words, sheet(layers, height=height), rows)


def _headings(title: str, y: float, estimate: str) -> list[Text]:
    texts = [
        Text(N_RIGHT, y, "n", "right", bold=True),
        Text(EVENTS_RIGHT, y, "Events", "right", bold=True),
        Text(RATIO_LEFT, y, estimate, bold=True),
        Text(P_RIGHT, y, "p", "right", bold=True),
    ]
    if title:
        texts.append(title_text(title))
    return texts


def _body(
    records: list[dict[str, Any]], top: float
) -> tuple[list[Text], list[Interval], list[dict[str, float]], float]:
    """Texts and intervals of all rows; sections begin with a bold line."""
    texts: list[Text] = []
    intervals: list[Interval] = []
    lines: list[dict[str, float]] = []
    section: object = None
    y = top + 4.0
    for i, row in enumerate(records):
        if row["section"] and row["section"] != section:
            if i:
                lines.append({"x": 4, "y": y + 8, "x2": 636, "y2": y + 8})
            y += ROW
            words = label_texts(str(row["section"]), y, 632, bold=True, indent=False)
            texts += words
            y = words[-1].y
        section = row["section"]
        y += ROW
        width = N_RIGHT - 40
        words = label_texts(str(row["label"]), y, width, bold=False, indent=bool(section))
        texts += [*words, *_numbers(row, y)]
        intervals.append(_interval(row, y))
        y = words[-1].y
    return texts, intervals, lines, y + 14


def _interval(row: Row, y: float) -> Interval:
    if row["is_reference"]:
        return Interval(clean(row["label"]), y, None, None, None)
    values = (usable(row[c]) for c in ("estimate", "lower", "upper"))
    return Interval(clean(row["label"]), y, *values)


def _numbers(row: Row, y: float) -> list[Text]:
    texts = [
        Text(right, y, f"{int(row[column]):,}", "right")
        for column, right in (("n", N_RIGHT), ("events", EVENTS_RIGHT))
        if row[column] is not None
    ]
    words, number = _ratio(row)
    texts.append(Text(RATIO_LEFT, y, words, italic=not number))
    if number:
        texts.append(Text(P_RIGHT, y, p_value(row["p_value"]), "right"))
    return texts


def _ratio(row: Row) -> tuple[str, bool]:
    """Words for the ratio, and whether they are a number with limits."""
    if row["is_reference"]:
        return "reference", False
    words = ratio_limits(row["estimate"], row["lower"], row["upper"])
    return words, words.endswith(")")


def _alt(records: list[dict[str, Any]], title: str) -> str:
    parts = []
    for row in records:
        place = f"{clean(row['section'])}, " if row["section"] else ""
        parts.append(f"{place}{clean(row['label'])}: {_ratio(row)[0]}")
    return f"{title}. " + "; ".join(parts) + "."
