"""Decision curves: net benefit over the threshold of risk."""

from __future__ import annotations

import math

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import Spec, feet_texts, rule_layer, sheet, text_layers, title_text
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean
from ashworth.figures.value_panel import Panel, Scale, legend

ALL, NONE = "treat all", "treat none"
HIGH = 260
MOST = 5


def decision_curve_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str = "Risk from which on one would treat",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw net benefit by threshold for one to five strategies beside treating all and none.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns strategy, threshold, net_benefit, lower, upper, as of
        `ashworth.survival.DecisionCurve.table`; strategies "treat all" and "treat none" are drawn
        grey. Limits may be NaN; net benefits far below 0 are cut off.
    name, title, x_title : str
        Name and title of the figure, title of the axis.
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

    Raises
    ------
    EstimationError
        With no strategy or more than five.

    Examples
    --------
    >>> rows = pl.DataFrame({"strategy": ["model", "treat all"], "threshold": [0.2, 0.2],
    ...     "net_benefit": [0.25, 0.2], "lower": [None, None], "upper": [None, None]},
    ...     schema_overrides={"lower": pl.Float64, "upper": pl.Float64})
    >>> decision_curve_figure(rows, name="d", title="OS").alt
    'Decision curve, OS. Net benefit at a threshold of 20%: model 0.250, treat all 0.200.'
    """
    names = rows["strategy"].unique(maintain_order=True).to_list()
    models = [n for n in names if n not in (ALL, NONE)]
    if not 1 <= len(models) <= MOST:
        raise EstimationError(f"a figure shows 1 to {MOST} strategies, found {len(models)}")
    looks = list(zip(models, theme.PALETTE, theme.DASHES, strict=False))
    keys = [*looks, *([(ALL, theme.MUTED, [4, 3])] if ALL in names else [])]
    head = 36.0 if title else 14.0
    layers, texts, head = legend(keys, head)
    panel = _panel(rows, head + 26)
    frame, words = panel.frame(x_title, "Net benefit per patient", percent=(True, False))
    zero = panel.y.pixel(0.0)
    none = {"x": panel.x.start, "y": zero, "x2": panel.x.end, "y2": zero}
    layers += [*frame, rule_layer([none], color=theme.AXIS, strokeDash=[1, 2])]
    for label, colour, dash in keys[::-1]:
        layers += _strategy(panel, rows.filter(pl.col("strategy") == label), label, colour, dash)
    foot = "Dotted line at 0: treat none." + (" Bands: bootstrap limits." if _bands(rows) else "")
    feet, height = feet_texts(head + 26 + HIGH + 58, foot, note, simulated=simulated)
    titles = [title_text(clean(title))] if title else []
    spec = sheet([*layers, *text_layers([*titles, *texts, *words, *feet])], height=height)
    return Figure(name, clean(title), alt or _alt(rows, names, clean(title)), spec, rows)


def _bands(rows: pl.DataFrame) -> bool:
    return any(v is not None and math.isfinite(v) for v in rows["lower"])


def _panel(rows: pl.DataFrame, top: float) -> Panel:
    values = [v for v in rows["net_benefit"].to_list() if v is not None and math.isfinite(v)]
    upper = [v for v in rows["upper"].to_list() if v is not None and math.isfinite(v)]
    high = max([0.02, *values, *upper]) * 1.05
    ends = rows["threshold"].to_numpy()
    low_x, high_x = float(ends.min()), float(ends.max())
    pad = 0.01 if high_x == low_x else 0.0
    return Panel(
        Scale(low_x - pad, high_x + pad, 54, 624), Scale(-0.22 * high, high, top + HIGH, top)
    )


def _strategy(
    panel: Panel, mine: pl.DataFrame, label: str, colour: str, dash: list[int]
) -> list[Spec]:
    """Band, line and tooltips; the part below the panel is left out."""
    rows = [
        r | {"net_benefit": r["net_benefit"] if panel.y.holds(r["net_benefit"]) else None}
        for r in mine.sort("threshold").to_dicts()
    ]
    seen = [r for r in rows if r["net_benefit"] is not None]
    layers = [] if label == ALL else panel.band(seen, "threshold", "lower", "upper", colour)
    width = 1.4 if label == ALL else 2
    layers += panel.line(rows, "threshold", "net_benefit", color=colour, strokeDash=dash,
                         strokeWidth=width)  # fmt: skip
    tips = (("threshold", "Threshold", ".0%"), ("net_benefit", clean(label), ".4f"))
    if label == ALL:
        return layers
    return layers + panel.points(seen, "threshold", "net_benefit", colour, 1, tips, colour[1:])


def _alt(rows: pl.DataFrame, names: list[str], title: str) -> str:
    """Net benefits at the threshold where treating all comes nearest to treating none."""
    every = rows.filter(pl.col("strategy") == ALL).sort(pl.col("net_benefit").abs())
    ends = rows["threshold"].unique().sort().to_list()
    at = every["threshold"][0] if every.height else ends[len(ends) // 2]
    found = dict(
        rows.filter(pl.col("threshold") == at).select("strategy", "net_benefit").iter_rows()
    )
    parts = []
    for name in names:
        value = found.get(name)
        shown = f"{value:.3f}" if value is not None and math.isfinite(value) else "not estimable"
        parts.append(f"{clean(name)} {shown}")
    start = f"Decision curve, {title}. " if title else "Decision curve. "
    return f"{start}Net benefit at a threshold of {100 * at:.3g}%: {', '.join(parts)}."
