"""Calibration: observed against predicted risk, one panel per model."""

from __future__ import annotations

import math

import polars as pl

from ashworth.errors import EstimationError
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
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, shorten
from ashworth.figures.value_panel import Panel, Scale

SIDE = 244
LEFT, GAP = 52, 76
MOST = 2
FOOT = (
    "Points: quantile groups with limits. Line: smooth curve with its band. Dotted: predicted = "
    "observed."
)


def calibration_figure(
    groups: pl.DataFrame,
    curves: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str = "Predicted risk",
    y_title: str = "Observed risk",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw quantile groups with limits, and a smooth curve with its band, against the diagonal.

    Parameters
    ----------
    groups : polars.DataFrame
        Columns model, n, predicted, observed, lower, upper; one row per group.
    curves : polars.DataFrame
        Columns model, predicted, observed, lower, upper; may have no rows.
    name, title, x_title, y_title : str
        Name and title of the figure, titles of the axes.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `groups`.

    Raises
    ------
    EstimationError
        With no model or more than two.

    Examples
    --------
    >>> groups = pl.DataFrame({"model": ["Base"], "n": [50], "predicted": [0.2],
    ...     "observed": [0.25], "lower": [0.15], "upper": [0.4]})
    >>> calibration_figure(groups, groups.clear(), name="c", title="OS").alt
    'Calibration, OS. Base: 1 group, predicted 20% to 20%, observed 25% to 25%.'
    """
    models = groups["model"].unique(maintain_order=True).to_list()
    if not 1 <= len(models) <= MOST:
        raise EstimationError(f"a figure shows 1 or 2 models, found {len(models)}")
    top = 62.0 if title else 40.0
    end = _end(groups, curves)
    layers: list[Spec] = []
    texts = [title_text(clean(title))] if title else []
    for place, model in enumerate(models):
        left = LEFT + place * (SIDE + GAP)
        panel = Panel(
            Scale(0.0, end, left, left + SIDE), Scale(0.0, end, top + 14 + SIDE, top + 14)
        )
        frame, words = panel.frame(x_title, y_title, percent=(True, True))
        layers += [*frame, *_drawn(panel, groups, curves, model, place)]
        head = shorten(clean(model), SIDE + 20, bold=True)
        texts += [Text(left, top - 16, head, bold=True), *words]
    foot = FOOT
    feet, height = feet_texts(top + 14 + SIDE + 58, foot, note, simulated=simulated)
    spec = sheet([*layers, *text_layers([*texts, *feet])], height=height)
    return Figure(name, clean(title), alt or _alt(groups, models, clean(title)), spec, groups)


def _end(groups: pl.DataFrame, curves: pl.DataFrame) -> float:
    columns = [groups[c] for c in ("predicted", "observed", "upper")]
    columns += [curves[c] for c in ("predicted", "observed")]
    values = [v for c in columns for v in c.to_list() if v is not None and math.isfinite(v)]
    return min(1.0, max([0.05, *values]) * 1.05)


def _drawn(
    panel: Panel, groups: pl.DataFrame, curves: pl.DataFrame, model: str, place: int
) -> list[Spec]:
    colour = theme.PALETTE[place]
    curve = curves.filter(pl.col("model") == model).to_dicts()
    points = groups.filter(pl.col("model") == model).to_dicts()
    diagonal = {"x": panel.x.start, "y": panel.y.start, "x2": panel.x.end, "y2": panel.y.end}
    tips = (
        ("n", "Patients", ","),
        ("predicted", "Predicted", ".1%"),
        ("observed", "Observed", ".1%"),
    )
    return [
        rule_layer([diagonal], color=theme.AXIS, strokeDash=[2, 2]),
        *panel.band(curve, "predicted", "lower", "upper", colour),
        *panel.line(curve, "predicted", "observed", color=colour, strokeWidth=2),
        *panel.intervals(points, "predicted", "lower", "upper", colour),
        *panel.points(points, "predicted", "observed", colour, 38, tips, f"group-{place}"),
    ]


def _alt(groups: pl.DataFrame, models: list[str], title: str) -> str:
    parts = []
    for model in models:
        mine = groups.filter(pl.col("model") == model)
        seen = mine.filter(pl.col("observed").is_finite())
        k = f"{mine.height} group{'' if mine.height == 1 else 's'}"
        words = f"{clean(model)}: {k}, predicted {_range(mine['predicted'])}"
        if seen.height:
            words += f", observed {_range(seen['observed'])}"
        parts.append(words)
    start = f"Calibration, {title}. " if title else "Calibration. "
    return start + "; ".join(parts) + "."


def _range(values: pl.Series) -> str:
    numbers = values.to_list()
    return f"{100 * min(numbers):.0f}% to {100 * max(numbers):.0f}%"
