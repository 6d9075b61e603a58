"""Regression dilution: the status by count as a coin toss, and the hazard ratio freed from it."""

from __future__ import annotations

from typing import Any

import polars as pl

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
from ashworth.figures.interval_rows import (
    ROW,
    Interval,
    axis_layers,
    axis_texts,
    interval_layers,
    log_axis,
    usable,
)
from ashworth.figures.numbers import counted, percent, ratio_limits
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean

AXIS_LEFT, AXIS_RIGHT, RATIO_LEFT = 270, 500, 520
PLOT_LEFT, PLOT_RIGHT, PLOT_HEIGHT = 60, 620, 150


def dilution_figure(
    ratios: pl.DataFrame,
    by_count: pl.DataFrame,
    *,
    name: str,
    title: str,
    estimate_heading: str = "HR (95% CI)",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the probability of being truly positive by count above the hazard ratios.

    Parameters
    ----------
    ratios : polars.DataFrame
        Columns label, estimate, lower, upper (hazard ratios), from top to bottom.
    by_count : polars.DataFrame
        Columns label (the count), n, probability (mean, 0 to 1), positive (whether the rule calls
        it so), in ascending order.
    name, title : str
        Name and title of the figure.
    estimate_heading : str
        Heading of the numbers.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `ratios`.

    Examples
    --------
    >>> ratios = pl.DataFrame({"label": ["Observed", "True"], "estimate": [1.9, 2.7],
    ...     "lower": [1.5, 2.0], "upper": [2.5, 3.7]})
    >>> counts = pl.DataFrame({"label": ["4", "5"], "n": [9, 7], "probability": [0.3, 0.45],
    ...     "positive": [False, True]})
    >>> dilution_figure(ratios, counts, name="dilution", title="Dilution").alt
    'Dilution. Observed: 1.90 (1.50–2.50); True: 2.70 (2.00–3.70).'
    """
    head = 40.0 if title else 16.0
    upper, texts = _probabilities(by_count.to_dicts(), head + 12)
    top = head + 12 + PLOT_HEIGHT + 66
    records = ratios.to_dicts()
    lower, more, bottom = _ratios(records, top, estimate_heading)
    texts += more
    if title:
        texts.append(title_text(clean(title)))
    feet, height = feet_texts(bottom + 56, note, simulated=simulated)
    spec = sheet([*upper, *lower, *text_layers([*texts, *feet])], height=height)
    return Figure(name, clean(title), alt or _alt(records, clean(title)), spec, ratios)


def _probabilities(records: list[dict[str, Any]], top: float) -> tuple[list[Spec], list[Text]]:
    """Upper panel: bars by count, coloured by the observed status."""
    bottom = top + PLOT_HEIGHT
    step = (PLOT_RIGHT - PLOT_LEFT) / max(len(records), 1)
    bars: list[dict[str, Any]] = []
    texts = [Text(4, top - 8, "Probability of being truly positive, by count", bold=True)]
    for i, row in enumerate(records):
        x = PLOT_LEFT + step * (i + 0.5)
        y = bottom - PLOT_HEIGHT * float(row["probability"])
        bars.append(
            {"x": round(x - 0.36 * step, 2), "x2": round(x + 0.36 * step, 2), "y": round(y, 2),
             "y2": bottom, "colour": theme.PALETTE[1 if row["positive"] else 0],
             "label": clean(row["label"]), "n": int(row["n"]),
             "probability": float(row["probability"])}
        )  # fmt: skip
        texts += [
            Text(x, bottom + 16, clean(row["label"]), "center"),
            Text(x, bottom + 31, f"{int(row['n']):,}", "center", colour=theme.MUTED),
        ]
    texts += [
        Text(PLOT_LEFT - 8, bottom + 16, "Cells", "right"),
        Text(PLOT_LEFT - 8, bottom + 31, "n", "right", colour=theme.MUTED),
    ]
    texts += [
        Text(PLOT_LEFT - 8, bottom - PLOT_HEIGHT * share + 4, f"{percent(share)[:-2]}%", "right")
        for share in (0.0, 0.5, 1.0)
    ]
    return [_grid(bottom), _bars(bars), *_key(top - 8, texts)], texts


def _grid(bottom: float) -> Spec:
    """Lines at 0, 50 and 100 %."""
    lines = [
        {"x": PLOT_LEFT, "y": bottom - PLOT_HEIGHT * s, "x2": PLOT_RIGHT,
         "y2": bottom - PLOT_HEIGHT * s}
        for s in (0.0, 0.5, 1.0)
    ]  # fmt: skip
    return rule_layer(lines, color=theme.HAIRLINE)


def _bars(bars: list[dict[str, Any]]) -> Spec:
    """Bars with tooltips."""
    encoding: Spec = {
        "x": channel("x"), "y": channel("y"), "x2": {"field": "x2"}, "y2": {"field": "y2"},
        "color": {"field": "colour", "type": "nominal", "scale": None},
        "tooltip": [tip("label", "Cells"), tip("n", "Patients", number=",d"),
                    tip("probability", "Truly positive", number=".3f")],
    }  # fmt: skip
    return layer({"type": "rect", "clip": False}, bars, encoding)


def _key(y: float, texts: list[Text]) -> list[Spec]:
    """Legend at the right of the heading."""
    boxes = []
    for x, words, place in ((430, "called negative", 0), (536, "called positive", 1)):
        boxes.append(
            {"x": x, "x2": x + 10, "y": y - 9, "y2": y + 1, "colour": theme.PALETTE[place]}
        )
        texts.append(Text(x + 15, y, words))
    encoding: Spec = {
        "x": channel("x"), "y": channel("y"), "x2": {"field": "x2"}, "y2": {"field": "y2"},
        "color": {"field": "colour", "type": "nominal", "scale": None},
    }  # fmt: skip
    return [layer({"type": "rect", "clip": False}, boxes, encoding)]


def _ratios(
    records: list[dict[str, Any]], top: float, heading: str
) -> tuple[list[Spec], list[Text], float]:
    """Lower panel: hazard ratios with limits."""
    values = (usable(r[c]) for r in records for c in ("estimate", "lower", "upper"))
    axis = log_axis([v for v in values if v is not None], AXIS_LEFT, AXIS_RIGHT)
    texts = [
        Text(4, top, "Hazard ratio of positive against negative", bold=True),
        Text(RATIO_LEFT, top, heading, bold=True),
    ]
    intervals = []
    for i, row in enumerate(records):
        y = top + ROW * (i + 1)
        texts.append(Text(4, y, clean(row["label"])))
        words = ratio_limits(row["estimate"], row["lower"], row["upper"])
        texts.append(Text(RATIO_LEFT, y, words))
        numbers = (usable(row[c]) for c in ("estimate", "lower", "upper"))
        intervals.append(Interval(clean(row["label"]), y, *numbers))
    bottom = top + ROW * len(records) + 14
    one = axis.pixel(1)
    layers = [
        rule_layer([{"x": 4, "y": top + 6, "x2": 636, "y2": top + 6}], color=theme.INK),
        rule_layer([{"x": one, "y": top + 6, "x2": one, "y2": bottom}], color=theme.AXIS),
        *axis_layers(axis, bottom),
        *interval_layers(intervals, axis, "Hazard ratio"),
    ]
    return layers, texts + axis_texts(axis, bottom, "Hazard ratio (log scale)"), bottom


def _alt(records: list[dict[str, Any]], title: str) -> str:
    """Hazard ratios in words."""
    if not records:
        return f"{title}. {counted(0, 'estimate')}."
    parts = [
        f"{clean(r['label'])}: {ratio_limits(r['estimate'], r['lower'], r['upper'])}"
        for r in records
    ]
    return f"{title}. " + "; ".join(parts) + "."
