"""Risk after a draw at chosen times by status, with limits, between columns of numbers."""

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
from ashworth.figures.numbers import percent, percent_limits
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean

AT_RISK_RIGHT, EVENTS_RIGHT = 236, 292
AXIS_LEFT, AXIS_RIGHT = 312, 486
RISK_LEFT = 506
_TOPS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def status_risk_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str = "Risk (%)",
    risk_heading: str = "% (95% limits)",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the risk by each time in each group.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns section (the time, in words), label (the status), at_risk (followed beyond the
        time), events (by the time), risk, lower, upper (from 0 to 1), in printing order; rows of
        one section stand together. A missing risk is printed as not reached, missing limits as
        none.
    name, title, x_title, risk_heading : str
        Name, title, title of the axis, heading of the numbers.
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
    >>> rows = pl.DataFrame({"section": ["By 5 years"], "label": ["positive"], "at_risk": [80],
    ...     "events": [20], "risk": [0.2], "lower": [0.13], "upper": [0.29]})
    >>> status_risk_figure(rows, name="risk", title="Recurrence").alt
    'Recurrence. By 5 years, positive: 20 events, 20.0% (13.0–29.0).'
    """
    records = rows.to_dicts()
    axis = _axis(records)
    head = 44 if title else 20
    texts, intervals, lines, bottom = _body(records, head)
    texts += [
        Text(AT_RISK_RIGHT, head, "At risk", "right", bold=True),
        Text(EVENTS_RIGHT, head, "Events", "right", bold=True),
        Text(RISK_LEFT, head, risk_heading, bold=True),
        *axis_texts(axis, bottom, clean(x_title), percent=True),
    ]
    if title:
        texts.append(title_text(clean(title)))
    feet, height = feet_texts(bottom + 56, note, simulated=simulated)
    layers: list[Spec] = [
        rule_layer(lines, color=theme.HAIRLINE),
        rule_layer([{"x": 4, "y": head + 6, "x2": 636, "y2": head + 6}], color=theme.INK),
        *axis_layers(axis, bottom),
        *interval_layers(intervals, axis, "Risk"),
        *text_layers([*texts, *feet]),
    ]
    words = alt or f"{clean(title)}. " + "; ".join(map(_words, records)) + "."
    return Figure(name, clean(title), words, sheet(layers, height=height), rows)


def _axis(records: Sequence[Mapping[str, Any]]) -> Axis:
    """Axis from 0 to a round value that holds all limits."""
    values = [usable(r[c]) or 0.0 for r in records for c in ("risk", "upper")]
    end = next(t for t in _TOPS if t >= min(max(values, default=1.0), 1.0))
    ticks = tuple(round(end * i / 4, 4) for i in range(5))
    return Axis(0, end, AXIS_LEFT, AXIS_RIGHT, False, ticks)


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
        if row["section"] != section:
            if i:
                lines.append({"x": 4, "y": y + 8, "x2": 636, "y2": y + 8})
            words = label_texts(str(row["section"]), y + ROW, 632, bold=True, indent=False)
            texts += words
            y = words[-1].y
        section = row["section"]
        y += ROW
        words = label_texts(str(row["label"]), y, AT_RISK_RIGHT - 50, bold=False, indent=True)
        texts += [*words, *_numbers(row, y)]
        intervals.append(_interval(row, y))
        y = words[-1].y
    return texts, intervals, lines, y + 14


def _interval(row: Mapping[str, Any], y: float) -> Interval:
    """The mark; without limits it stands alone."""
    risk, lower, upper = (usable(row[c]) for c in ("risk", "lower", "upper"))
    if lower is None or upper is None:
        lower = upper = risk
    return Interval(clean(row["label"]), y, risk, lower, upper)


def _numbers(row: Mapping[str, Any], y: float) -> list[Text]:
    risk = usable(row["risk"])
    return [
        Text(AT_RISK_RIGHT, y, f"{int(row['at_risk']):,}", "right"),
        Text(EVENTS_RIGHT, y, f"{int(row['events']):,}", "right"),
        Text(RISK_LEFT, y, _risk(row).replace("%", "", 1), italic=risk is None),
    ]


def _risk(row: Mapping[str, Any]) -> str:
    if usable(row["risk"]) is None:
        return "not reached"
    if usable(row["lower"]) is None or usable(row["upper"]) is None:
        return f"{percent(row['risk'])}% (no limits)"
    return percent_limits(row["risk"], row["lower"], row["upper"])


def _words(row: Mapping[str, Any]) -> str:
    events = f"{int(row['events']):,} event{'' if int(row['events']) == 1 else 's'}"
    return f"{clean(row['section'])}, {clean(row['label'])}: {events}, {_risk(row)}"
