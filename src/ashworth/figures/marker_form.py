"""A marker as smooth curve of the hazard ratio against its cut-off, over its distribution."""

from __future__ import annotations

import math

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import (
    Spec,
    Text,
    feet_texts,
    rect_layer,
    rule_layer,
    sheet,
    text_layers,
    tip,
    title_text,
)
from ashworth.figures.numbers import ratio_limits
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean
from ashworth.figures.value_panel import Panel, Scale, legend

HIGH, LOW = 240, 70
LEFT, RIGHT = 54, 624


def marker_form_figure(
    curve: pl.DataFrame,
    counts: pl.DataFrame,
    *,
    name: str,
    title: str,
    cut: float,
    cut_ratio: float | None,
    cut_label: str,
    curve_label: str = "smooth curve",
    x_title: str = "Count",
    reference: float = 0.0,
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the hazard ratio over the count, the step of the cut-off, and how many have which count.

    Parameters
    ----------
    curve : polars.DataFrame
        Columns count, hazard_ratio, lower, upper; 1 at the reference count.
    counts : polars.DataFrame
        Columns count, n: how many patients have each count.
    name, title : str
        Name and title of the figure.
    cut : float
        The cut-off; positive from it on.
    cut_ratio : float or None
        Hazard ratio of positive against negative; None or infinite is not drawn.
    cut_label, curve_label, x_title : str
        Words of the legend and the axis.
    reference : float
        Count with hazard ratio 1.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `curve`.

    Raises
    ------
    EstimationError
        Where the curve has no finite value.

    Examples
    --------
    >>> curve = pl.DataFrame({"count": [0.0, 1.0, 4.0], "hazard_ratio": [1.0, 1.3, 2.0],
    ...     "lower": [1.0, 1.1, 1.4], "upper": [1.0, 1.6, 2.9]})
    >>> counts = pl.DataFrame({"count": [0, 1, 4], "n": [60, 20, 8]})
    >>> marker_form_figure(curve, counts, name="m", title="OS", cut=2, cut_ratio=1.7,
    ...                    cut_label="cut-off 2").alt
    'Form of the marker, OS. Hazard ratio against 0: 1.30 (1.10–1.60) at 1, 2.00 (1.40–2.90) at 4.
    From the cut-off 2 on: 1.70.'
    """
    seen = curve.filter(pl.col("hazard_ratio").is_finite() & (pl.col("hazard_ratio") > 0))
    if not seen.height:
        raise EstimationError("the curve of the marker has no finite value")
    head = 36.0 if title else 14.0
    keys = [(curve_label, theme.PALETTE[0], theme.DASHES[0])]
    if _drawable(cut_ratio):
        keys.append((cut_label, theme.PALETTE[1], theme.DASHES[1]))
    layers, texts, head = legend(keys, head)
    panel = _panel(seen, cut_ratio, head + 26)
    frame, words = panel.frame("", f"Hazard ratio against {reference:g} (log scale)", x_axis=False)
    layers += [*frame, *_lines(panel, seen, cut, cut_ratio)]
    bars, bar_words = _histogram(counts, panel.x, head + 26 + HIGH + 34, x_title)
    feet, height = feet_texts(head + 26 + HIGH + 34 + LOW + 58, note, simulated=simulated)
    titles = [title_text(clean(title))] if title else []
    every = [*titles, *texts, *words, *bar_words, *feet]
    spec = sheet([*layers, *bars, *text_layers(every)], height=height)
    words_alt = alt or _alt(seen, cut, cut_ratio, reference, clean(title))
    return Figure(name, clean(title), words_alt, spec, curve)


def _drawable(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0


def _panel(seen: pl.DataFrame, cut_ratio: float | None, top: float) -> Panel:
    values = [v for c in ("hazard_ratio", "lower", "upper") for v in seen[c].to_list()]
    if _drawable(cut_ratio):
        values.append(cut_ratio)
    good = [v for v in values if v is not None and math.isfinite(v) and v > 0]
    middle = seen["hazard_ratio"].to_list()
    low = max(min(good), min(middle) / 4, 1 / 64) / 1.08
    high = min(max(good), max(middle) * 4, 256) * 1.08
    top_count = max(float(seen["count"].to_numpy().max()), 1.0)
    across = Scale(0.0, top_count, LEFT + 8, RIGHT, "log1p")
    return Panel(across, Scale(min(low, 0.8), max(high, 1.25), top + HIGH, top, "log"))


def _lines(panel: Panel, seen: pl.DataFrame, cut: float, cut_ratio: float | None) -> list[Spec]:
    rows = seen.sort("count").to_dicts()
    one = panel.y.pixel(1.0)
    blue, orange = theme.PALETTE[:2]
    layers = [
        rule_layer([{"x": panel.x.start, "y": one, "x2": panel.x.end, "y2": one}],
                   color=theme.AXIS, strokeDash=[1, 2]),
        *panel.band(rows, "count", "lower", "upper", blue),
        *panel.line(rows, "count", "hazard_ratio", color=blue, strokeWidth=2),
    ]  # fmt: skip
    tips = (("count", "Count", ",.3~f"), ("hazard_ratio", "Hazard ratio", ".2f"))
    layers += panel.points(rows, "count", "hazard_ratio", blue, 1, tips, "curve")
    if not _drawable(cut_ratio):
        return layers
    assert cut_ratio is not None
    at, up = _before(panel, cut), panel.y.pixel(cut_ratio)
    steps = [
        {"x": panel.x.start, "y": one, "x2": at, "y2": one},
        {"x": at, "y": one, "x2": at, "y2": up},
        {"x": at, "y": up, "x2": panel.x.end, "y2": up},
    ]
    return [*layers, rule_layer(steps, color=orange, strokeWidth=2, strokeDash=theme.DASHES[1])]


def _before(panel: Panel, cut: float) -> float:
    """Pixel of the cut: between a whole count and the one below it."""
    return panel.x.pixel(cut - 0.5 if cut >= 1 and float(cut).is_integer() else cut)


def _histogram(
    counts: pl.DataFrame, across: Scale, top: float, x_title: str
) -> tuple[list[Spec], list[Text]]:
    """Bars of patients by count: one per whole count, wider ones where they would overlap."""
    bins: dict[int, dict[str, float]] = {}
    for count, n in counts.select("count", "n").iter_rows():
        slot = round(across.pixel(float(count)) / 9)
        box = bins.setdefault(slot, {"n": 0.0, "low": count, "high": count})
        box["n"] += n
        box["low"], box["high"] = min(box["low"], count), max(box["high"], count)
    most = max((b["n"] for b in bins.values()), default=1.0)
    up = Scale(0.0, most * 1.05, top + LOW, top)
    panel = Panel(across, up)
    frame, words = panel.frame(x_title, "Patients")
    boxes = [
        {"x": _middle(across, b) - 3.5, "x2": _middle(across, b) + 3.5,
         "y": up.pixel(b["n"]), "y2": up.start, "n": b["n"], "counts": _span(b["low"], b["high"])}
        for _, b in sorted(bins.items())
    ]  # fmt: skip
    tips = [tip("counts", "Count"), tip("n", "Patients", number=",")]
    words = [w for w in words if not w.text.endswith(".5")]
    return [*frame, rect_layer(boxes, tips, color=theme.SEQUENCE[1])], words


def _middle(across: Scale, box: dict[str, float]) -> float:
    return round((across.pixel(box["low"]) + across.pixel(box["high"])) / 2, 2)


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def _alt(
    seen: pl.DataFrame, cut: float, cut_ratio: float | None, reference: float, title: str
) -> str:
    rows = seen.filter(pl.col("count") != reference).sort("count").to_dicts()
    shown = [r for r in rows if r["count"] in (1.0, 5.0, 20.0)] or rows[:1]
    if rows and rows[-1] not in shown:
        shown.append(rows[-1])
    words = [
        f"{ratio_limits(r['hazard_ratio'], r['lower'], r['upper'])} at {r['count']:,g}"
        for r in shown
    ]
    start = f"Form of the marker, {title}. " if title else "Form of the marker. "
    text = f"{start}Hazard ratio against {reference:g}: {', '.join(words)}."
    if _drawable(cut_ratio):
        text += f" From the cut-off {cut:g} on: {cut_ratio:.2f}."
    return text
