"""Forest plot of centres or studies: their estimates, pooled diamonds, prediction intervals."""

from __future__ import annotations

import math

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
from ashworth.figures.forest_marks import (
    Record,
    diamond_layers,
    prediction_layers,
    study_layers,
)
from ashworth.figures.interval_rows import (
    LINE,
    ROW,
    axis_layers,
    axis_texts,
    label_texts,
    log_axis,
    usable,
)
from ashworth.figures.numbers import ratio_limits
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, wrap

LABEL_WIDTH = 176
N_RIGHT, EVENTS_RIGHT = 214, 266
AXIS_LEFT, AXIS_RIGHT = 286, 440
RATIO_LEFT, WEIGHT_RIGHT = 456, 636


def pooled_forest_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str,
    label_heading: str = "Centre",
    estimate_title: str = "Hazard ratio",
    estimate_heading: str = "HR (95% CI)",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw studies with squares by weight, pooled estimates as diamonds, predictions as bars.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns role, label, n, events, estimate, lower, upper, weight_percent, reason. Role is
        ``"study"``, ``"pooled"`` (a diamond) or ``"prediction"`` (a bar from lower to upper).
        Ratios, not logarithms. A row without an estimate prints its `reason`.
    name, title : str
        Name and title of the figure.
    label_heading, estimate_title, estimate_heading : str
        Heading of the labels, title of the axis, heading of the numbers.
    note : str
        Small line under the axis: heterogeneity.
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
    >>> rows = pl.DataFrame({"role": ["study", "study", "pooled"], "label": ["A", "B", "REML"],
    ...     "n": [90, 70, 160], "events": [40, 31, 71], "estimate": [1.4, 1.9, 1.6],
    ...     "lower": [0.9, 1.1, 1.1], "upper": [2.2, 3.3, 2.3],
    ...     "weight_percent": [60.0, 40.0, None], "reason": ["", "", ""]})
    >>> pooled_forest_figure(rows, name="centres", title="Centres").alt
    'Centres. 2 of 2 with an estimate. REML: 1.60 (1.10–2.30).'
    """
    records = rows.to_dicts()
    finite = (usable(r[c]) for r in records for c in ("estimate", "lower", "upper"))
    axis = log_axis([v for v in finite if v is not None], AXIS_LEFT, AXIS_RIGHT)
    head = 44 if title else 20
    texts, places, breaks, bottom = _body(records, head)
    one = axis.pixel(1)
    texts += _headings(clean(title), head, label_heading, estimate_heading)
    texts += axis_texts(axis, bottom, f"{estimate_title} (log scale)")
    feet, height = feet_texts(bottom + 56, note, simulated=simulated)
    across = [{"x": 4, "y": y, "x2": 636, "y2": y} for y in breaks]
    layers: list[Spec] = [
        rule_layer(across, color=theme.HAIRLINE),
        rule_layer([{"x": 4, "y": head + 6, "x2": 636, "y2": head + 6}], color=theme.INK),
        rule_layer([{"x": one, "y": head + 6, "x2": one, "y2": bottom}], color=theme.AXIS),
        *axis_layers(axis, bottom),
        *prediction_layers(places, axis),
        *study_layers(places, axis, estimate_title),
        *diamond_layers(places, axis),
        *text_layers([*texts, *feet]),
    ]
    words = alt or _alt(records, clean(title))
    return Figure(name, clean(title), words, sheet(layers, height=height), rows)


def _headings(title: str, y: float, label: str, estimate: str) -> list[Text]:
    texts = [
        Text(4, y, label, bold=True),
        Text(N_RIGHT, y, "n", "right", bold=True),
        Text(EVENTS_RIGHT, y, "Events", "right", bold=True),
        Text(RATIO_LEFT, y, estimate, bold=True),
        Text(WEIGHT_RIGHT, y, "Weight", "right", bold=True),
    ]
    return [title_text(title), *texts] if title else texts


def _body(
    records: list[Record], top: float
) -> tuple[list[Text], list[tuple[Record, float]], list[float], float]:
    """Texts, rows with their heights, lines between the kinds of rows, and the lower end."""
    texts: list[Text] = []
    places: list[tuple[Record, float]] = []
    breaks: list[float] = []
    y = top + 4.0
    before = ""
    for row in records:
        if before == "study" and row["role"] != "study":
            breaks.append(y + 8)
            y += 4
        before = row["role"]
        y += ROW
        bold = row["role"] == "pooled"
        words = label_texts(str(row["label"]), y, LABEL_WIDTH, bold=bold, indent=False)
        lines = _numbers(row, y, bold=bold)
        texts += [*words, *lines]
        places.append((row, y))
        y = max(words[-1].y, lines[-1].y)
    return texts, places, breaks, y + 14


def _numbers(row: Record, y: float, *, bold: bool) -> list[Text]:
    """Texts of one row right of its label; the last one is the lowest."""
    texts = [
        Text(right, y, f"{int(row[column]):,}", "right", bold=bold)
        for column, right in (("n", N_RIGHT), ("events", EVENTS_RIGHT))
        if row[column] is not None
    ]
    weight = usable(row["weight_percent"])
    if weight is not None:
        texts.append(Text(WEIGHT_RIGHT, y, f"{weight:.1f}%", "right", bold=bold))
    if row["role"] == "prediction":
        return [*texts, Text(RATIO_LEFT, y, _prediction_words(row))]
    if usable(row["estimate"]) is None or row["reason"]:
        reason = str(row["reason"] or "not estimable")
        lines = wrap(reason, WEIGHT_RIGHT - RATIO_LEFT, max_lines=3)
        return [
            *texts,
            *(Text(RATIO_LEFT, y + LINE * i, t, italic=True) for i, t in enumerate(lines)),
        ]
    words = ratio_limits(row["estimate"], row["lower"], row["upper"])
    return [*texts, Text(RATIO_LEFT, y, words, bold=bold)]


def _prediction_words(row: Record) -> str:
    if usable(row["lower"]) is None:
        return str(row["reason"] or "undefined")
    words = ratio_limits(row["lower"], row["lower"], row["upper"])
    return words[words.index("(") :]


def _alt(records: list[Record], title: str) -> str:
    studies = [r for r in records if r["role"] == "study"]
    known = sum(usable(r["estimate"]) is not None and not r["reason"] for r in studies)
    parts = [f"{known} of {len(studies)} with an estimate"]
    for row in records:
        if row["role"] == "pooled":
            words = ratio_limits(row["estimate"], row["lower"], row["upper"])
            parts.append(f"{clean(row['label'])}: {words}")
        if row["role"] == "prediction" and math.isfinite(usable(row["lower"]) or math.inf):
            parts.append(f"{clean(row['label'])}: {_prediction_words(row)}")
    start = f"{title}. " if title else ""
    return start + ". ".join(parts) + "."
