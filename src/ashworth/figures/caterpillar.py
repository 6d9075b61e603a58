"""Caterpillar plot: many groups by the size of their effect, each with limits."""

from __future__ import annotations

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
    Axis,
    Interval,
    axis_layers,
    axis_texts,
    interval_layers,
    log_axis,
    usable,
)
from ashworth.figures.numbers import ratio_limits
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, shorten

LABEL_WIDTH = 150
N_RIGHT, EVENTS_RIGHT = 200, 252
AXIS_LEFT, AXIS_RIGHT, RATIO_LEFT = 274, 500, 520
_MANY = 60


def caterpillar_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str,
    label_heading: str = "Centre",
    estimate_title: str = "Hazard ratio against the average",
    estimate_heading: str = "HR (95% CI)",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw groups in ascending order of their ratio on a log axis.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns label, n, events, estimate, lower, upper (ratios). Rows without an estimate
        stand last, as words.
    name, title : str
        Name and title of the figure.
    label_heading, estimate_title, estimate_heading : str
        Heading of the labels, title of the axis, heading of the numbers.
    note : str
        Small line under the axis.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `rows` in the order drawn.

    Examples
    --------
    >>> rows = pl.DataFrame({"label": ["A", "B"], "n": [40, 50], "events": [20, 21],
    ...     "estimate": [1.4, 0.8], "lower": [0.9, 0.5], "upper": [2.2, 1.3]})
    >>> caterpillar_figure(rows, name="centres", title="Centres").alt
    'Centres. 2 groups from B, 0.80 (0.50–1.30), to A, 1.40 (0.90–2.20).'
    """
    ordered = rows.sort(pl.col("estimate").fill_nan(None), "label", nulls_last=True)
    records = ordered.to_dicts()
    values = (usable(r[c]) for r in records for c in ("estimate", "lower", "upper"))
    axis = log_axis([v for v in values if v is not None], AXIS_LEFT, AXIS_RIGHT)
    head, step = (44 if title else 20), (18 if len(records) <= _MANY else 14)
    texts, intervals = _body(records, head, step)
    bottom = head + 14.0 + step * len(records)
    texts += _headings(clean(title), head, clean(label_heading), estimate_heading)
    texts += axis_texts(axis, bottom, f"{estimate_title} (log scale)")
    feet, height = feet_texts(bottom + 56, note, simulated=simulated)
    layers = _layers(axis, intervals, head, bottom, estimate_title)
    spec = sheet([*layers, *text_layers([*texts, *feet])], height=height)
    return Figure(name, clean(title), alt or _alt(records, clean(title)), spec, ordered)


def _layers(
    axis: Axis, intervals: list[Interval], head: float, bottom: float, title: str
) -> list[Spec]:
    """Rules, axis and intervals."""
    one = axis.pixel(1)
    return [
        rule_layer([{"x": 4, "y": head + 6, "x2": 636, "y2": head + 6}], color=theme.INK),
        rule_layer([{"x": one, "y": head + 6, "x2": one, "y2": bottom}], color=theme.AXIS),
        *axis_layers(axis, bottom),
        *interval_layers(intervals, axis, title),
    ]


def _headings(title: str, y: float, label: str, estimate: str) -> list[Text]:
    texts = [
        Text(4, y, shorten(label, LABEL_WIDTH, bold=True), bold=True),
        Text(N_RIGHT, y, "n", "right", bold=True),
        Text(EVENTS_RIGHT, y, "Events", "right", bold=True),
        Text(RATIO_LEFT, y, estimate, bold=True),
    ]
    return [title_text(title), *texts] if title else texts


def _body(
    records: list[dict[str, Any]], top: float, step: float
) -> tuple[list[Text], list[Interval]]:
    """Texts and intervals of all rows."""
    texts: list[Text] = []
    intervals: list[Interval] = []
    for i, row in enumerate(records):
        y = top + 20.0 + step * i
        label = clean(row["label"])
        words = ratio_limits(row["estimate"], row["lower"], row["upper"])
        texts += [
            Text(4, y, shorten(label, LABEL_WIDTH)),
            Text(N_RIGHT, y, f"{int(row['n']):,}", "right"),
            Text(EVENTS_RIGHT, y, f"{int(row['events']):,}", "right"),
            Text(RATIO_LEFT, y, words, italic=not words.endswith(")")),
        ]
        numbers = (usable(row[c]) for c in ("estimate", "lower", "upper"))
        intervals.append(Interval(label, y, *numbers))
    return texts, intervals


def _alt(records: list[dict[str, Any]], title: str) -> str:
    """Number of groups, the smallest and the largest."""
    known = [r for r in records if usable(r["estimate"]) is not None]
    if not known:
        return f"{title}. {len(records)} groups, none with an estimate."
    ends = [
        f"{clean(r['label'])}, {ratio_limits(r['estimate'], r['lower'], r['upper'])}"
        for r in (known[0], known[-1])
    ]
    return f"{title}. {len(records)} groups from {ends[0]}, to {ends[1]}."
