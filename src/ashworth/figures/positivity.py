"""Share of positive patients by time point, with limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    Axis,
    Interval,
    axis_layers,
    axis_texts,
    interval_layers,
    label_texts,
    usable,
)
from ashworth.figures.numbers import percent_limits
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean

COUNT_RIGHT = 262
AXIS_LEFT, AXIS_RIGHT = 288, 478
SHARE_LEFT = 500
_TOPS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def positivity_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str = "Positive patients (%)",
    row_title: str = "Time point",
    count_title: str = "Positive / assessed",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the proportion of positive patients at each time point.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns timepoint, n_positive, n, proportion, lower, upper (from 0 to 1), in printing
        order.
    name, title, x_title, row_title, count_title : str
        Name, title, title of the axis, headings of the rows and of their counts.
    note : str
        Small line, e.g. the rule and the method of the limits.
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
    >>> rows = pl.DataFrame({"timepoint": ["baseline"], "n_positive": [20], "n": [100],
    ...     "proportion": [0.2], "lower": [0.13], "upper": [0.29]})
    >>> positivity_figure(rows, name="pos", title="Positivity").alt
    'Positivity. baseline: 20 of 100, 20.0% (13.0–29.0).'
    """
    records = rows.to_dicts()
    axis = _axis(records)
    head = 44 if title else 20
    texts: list[Text] = []
    intervals = []
    y = head + 4.0
    for row in records:
        y += ROW
        values = (usable(row[c]) for c in ("proportion", "lower", "upper"))
        intervals.append(Interval(clean(row["timepoint"]), y, *values))
        names = label_texts(str(row["timepoint"]), y, 150, bold=False, indent=False)
        texts += [*names, *_row_texts(row, y)]
        y = names[-1].y
    bottom = y + 14
    texts += [
        Text(4, head, clean(row_title), bold=True),
        Text(COUNT_RIGHT, head, clean(count_title), "right", bold=True),
        Text(SHARE_LEFT, head, "% (95% limits)", bold=True),
        *axis_texts(axis, bottom, clean(x_title), percent=True),
    ]
    if title:
        texts.append(title_text(clean(title)))
    feet, height = feet_texts(bottom + 56, note, simulated=simulated)
    layers: list[Spec] = [
        rule_layer([{"x": 4, "y": head + 6, "x2": 636, "y2": head + 6}], color=theme.INK),
        *axis_layers(axis, bottom),
        *interval_layers(intervals, axis, "Proportion"),
        *text_layers([*texts, *feet]),
    ]
    words = alt or f"{clean(title)}. " + "; ".join(map(_words, records)) + "."
    return Figure(name, clean(title), words, sheet(layers, height=height), rows)


def _axis(records: Sequence[Mapping[str, Any]]) -> Axis:
    """Axis from 0 to a round value that holds all limits."""
    values = [usable(r[c]) or 0.0 for r in records for c in ("proportion", "upper")]
    end = next(t for t in _TOPS if t >= min(max(values, default=1.0), 1.0))
    ticks = tuple(round(end * i / 4, 4) for i in range(5))
    return Axis(0, end, AXIS_LEFT, AXIS_RIGHT, False, ticks)


def _row_texts(row: Mapping[str, Any], y: float) -> list[Text]:
    share = percent_limits(row["proportion"], row["lower"], row["upper"])
    return [
        Text(COUNT_RIGHT, y, f"{row['n_positive']:,} / {row['n']:,}", "right"),
        Text(SHARE_LEFT, y, share.replace("%", "", 1)),
    ]


def _words(row: Mapping[str, Any]) -> str:
    share = percent_limits(row["proportion"], row["lower"], row["upper"])
    return f"{clean(row['timepoint'])}: {row['n_positive']:,} of {row['n']:,}, {share}"
