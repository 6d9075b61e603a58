"""Forest plot of centres or studies: their estimates, pooled diamonds, prediction intervals."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from ashworth.figures import theme
from ashworth.figures.canvas import (
    Spec,
    Text,
    channel,
    feet_texts,
    layer,
    rect_layer,
    rule_layer,
    sheet,
    text_layers,
    tip,
    title_text,
)
from ashworth.figures.interval_rows import (
    LINE,
    ROW,
    Axis,
    Interval,
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
_LARGEST = 190.0
_SMALLEST = 14.0

Record = dict[str, Any]


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
        *_prediction_layers(places, axis),
        *_study_layers(places, axis, estimate_title),
        *_diamond_layers(places, axis),
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


def _clipped(row: Record, axis: Axis) -> tuple[float, float]:
    low, high = usable(row["lower"]), usable(row["upper"])
    return axis.pixel(axis.low if low is None else low), axis.pixel(
        axis.high if high is None else high
    )


def _drawn(places: list[tuple[Record, float]], role: str) -> list[tuple[Record, float]]:
    """Rows of one role with an estimate."""
    return [
        (row, y)
        for row, y in places
        if row["role"] == role and usable(row["estimate"]) is not None and not row["reason"]
    ]


def _study_layers(places: list[tuple[Record, float]], axis: Axis, title: str) -> list[Spec]:
    """Lines of the limits, arrow heads, and squares whose area is the weight."""
    lines, arrows, squares = [], [], []
    studies = _drawn(places, "study")
    heaviest = max([usable(row["weight_percent"]) or 0.0 for row, _ in studies], default=0.0)
    for row, y in studies:
        left, right = _clipped(row, axis)
        lines.append({"x": left, "y": y - 4, "x2": right, "y2": y - 4})
        interval = Interval("", y, *(usable(row[c]) for c in ("estimate", "lower", "upper")))
        if interval.lower is None or interval.lower < axis.low:
            arrows.append({"x": axis.left, "y": y - 4, "angle": 270})
        if interval.upper is None or interval.upper > axis.high:
            arrows.append({"x": axis.right, "y": y - 4, "angle": 90})
        weight = usable(row["weight_percent"])
        share = weight / heaviest if weight is not None and heaviest > 0.0 else 0.35
        squares.append(
            {"x": axis.pixel(row["estimate"]), "y": y - 4, "label": clean(row["label"]),
             "size": round(max(_LARGEST * share, _SMALLEST), 1), "estimate": interval.estimate,
             "lower": interval.lower, "upper": interval.upper, "weight": weight}
        )  # fmt: skip
    tips = [
        tip("label", "Row"),
        tip("estimate", title, number=".3~r"),
        tip("lower", "Lower limit", number=".3~r"),
        tip("upper", "Upper limit", number=".3~r"),
        tip("weight", "Weight, %", number=".3~r"),
    ]
    place: Spec = {"x": channel("x"), "y": channel("y")}
    turn = {"angle": {"field": "angle", "type": "quantitative", "scale": None}}
    size = {"size": {"field": "size", "type": "quantitative", "scale": None}}
    head = {"type": "point", "shape": "triangle-up", "filled": True, "size": 45, "opacity": 1}
    box = {"type": "point", "shape": "square", "filled": True, "opacity": 1}
    return [
        rule_layer(lines, color=theme.INK, strokeWidth=1.2),
        layer({**head, "color": theme.INK}, arrows, {**place, **turn}),
        layer({**box, "color": theme.PALETTE[0]}, squares, {**place, **size, "tooltip": tips}),
    ]


def _diamond_layers(places: list[tuple[Record, float]], axis: Axis) -> list[Spec]:
    """Diamonds from limit to limit, widest at the estimate."""
    made = []
    for row, y in _drawn(places, "pooled"):
        left, right = _clipped(row, axis)
        middle = axis.pixel(row["estimate"])
        points = [(left, 0.0), (middle, 7.0), (right, 0.0)]
        rows = [{"x": round(x, 2), "y": y - 4 - half, "y2": y - 4 + half} for x, half in points]
        mark = {"type": "area", "color": theme.PALETTE[1], "opacity": 1, "line": False}
        encoding = {"x": channel("x"), "y": channel("y"), "y2": {"field": "y2"}}
        made.append(layer(mark, rows, encoding))
    return made


def _prediction_layers(places: list[tuple[Record, float]], axis: Axis) -> list[Spec]:
    """Bars from limit to limit."""
    bars = []
    for row, y in places:
        if row["role"] == "prediction" and usable(row["lower"]) is not None:
            left, right = _clipped(row, axis)
            bars.append({"x": left, "y": y - 7, "x2": right, "y2": y - 1})
    return [rect_layer(bars, color=theme.PALETTE[2], opacity=1)] if bars else []


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
