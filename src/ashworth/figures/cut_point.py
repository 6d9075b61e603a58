"""A searched cut-point: the statistic of every cut, and which cut the bootstrap chose."""

from __future__ import annotations

from typing import Literal

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
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean
from ashworth.figures.value_panel import Panel, Scale

HIGH, LOW = 210, 90
LEFT, RIGHT = 54, 624
FOOT = (
    "Large point: selected cut. Dashed: corrected threshold. Dotted: 1.96, that of a single "
    "prespecified cut."
)


def cut_point_figure(
    cuts: pl.DataFrame,
    chosen: pl.DataFrame,
    *,
    name: str,
    title: str,
    critical_label: str,
    x_title: str = "Cut",
    x_scale: Literal["linear", "log1p"] = "linear",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the absolute statistic over the cuts with the corrected threshold.

    Parameters
    ----------
    cuts : polars.DataFrame
        Columns cut, statistic, critical_value, selected, as of
        `ashworth.survival.CutPointSearch.table`.
    chosen : polars.DataFrame
        Columns cut, n, share: how many bootstrap samples chose each cut; may have no rows.
    name, title : str
        Name and title of the figure.
    critical_label : str
        Words at the corrected threshold.
    x_title : str
        Title of the axis.
    x_scale : {"linear", "log1p"}
        Scale of the cuts; "log1p" for counts.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `cuts`.

    Raises
    ------
    EstimationError
        Without a selected cut.

    Examples
    --------
    >>> cuts = pl.DataFrame({"cut": [1.0, 2.0], "statistic": [1.1, 2.4],
    ...     "critical_value": [2.2, 2.2], "selected": [False, True]})
    >>> chosen = pl.DataFrame({"cut": [1.0, 2.0], "n": [30, 70], "share": [0.3, 0.7]})
    >>> cut_point_figure(cuts, chosen, name="c", title="OS", critical_label="p = 0.05").alt
    'Cut-point search, OS. Largest statistic 2.40 at 2, corrected threshold 2.20. The bootstrap
    chose 2 in 70% of samples; cuts from 1 to 2 were chosen.'
    """
    best = cuts.filter("selected")
    if not best.height:
        raise EstimationError("no cut is selected; there is nothing to draw")
    head = 52.0 if title else 30.0
    values = [float(abs(v)) for v in cuts["statistic"]]
    critical = float(cuts["critical_value"][0])
    high = max([*values, critical]) * 1.12
    panel = Panel(_across(cuts, chosen, x_scale), Scale(0.0, high, head + HIGH, head))
    below = bool(chosen.height)
    frame, words = panel.frame(x_title, "Absolute standardised statistic", x_axis=not below)
    layers = [*frame, *_statistics(panel, cuts)]
    texts = [title_text(clean(title))] if title else []
    texts += [*words, *_threshold_words(panel, critical, critical_label)]
    bottom = head + HIGH
    if below:
        bars, bar_words = _bars(panel.x, chosen, head + HIGH + 36, x_title)
        layers, texts, bottom = [*layers, *bars], [*texts, *bar_words], bottom + 36 + LOW
    foot = FOOT
    feet, height = feet_texts(bottom + 58, foot, note, simulated=simulated)
    spec = sheet([*layers, *text_layers([*texts, *feet])], height=height)
    return Figure(name, clean(title), alt or _alt(cuts, chosen, clean(title)), spec, cuts)


def _across(cuts: pl.DataFrame, chosen: pl.DataFrame, kind: Literal["linear", "log1p"]) -> Scale:
    values = [float(v) for v in [*cuts["cut"].to_list(), *chosen["cut"].to_list()]]
    low, high = min(values), max(values)
    pad = 0.5 if high == low else 0.0
    return Scale(low - pad, high + pad, LEFT + 10, RIGHT - 10, kind)


def _statistics(panel: Panel, cuts: pl.DataFrame) -> list[Spec]:
    rows = [r | {"size": abs(r["statistic"])} for r in cuts.sort("cut").to_dicts()]
    blue, orange = theme.PALETTE[:2]
    left, right = panel.x.start, panel.x.end + 10
    lines = [
        rule_layer([{"x": left, "y": at, "x2": right, "y2": at}], color=colour, strokeDash=dash)
        for at, colour, dash in (
            (panel.y.pixel(1.96), theme.MUTED, [1, 3]),
            (panel.y.pixel(rows[0]["critical_value"]), orange, [6, 3]),
        )
    ]
    tips = (("cut", "Cut", ",.4~f"), ("size", "Statistic", ".2f"))
    return [
        *lines,
        *panel.line(rows, "cut", "size", color=blue, strokeWidth=1.6),
        *panel.points(rows, "cut", "size", blue, 6, tips, "cuts"),
        *panel.points([r for r in rows if r["selected"]], "cut", "size", blue, 70),
    ]


def _threshold_words(panel: Panel, critical: float, label: str) -> list[Text]:
    at = panel.y.pixel(critical)
    return [Text(panel.x.end + 10, at - 5, clean(label), "right", colour=theme.PALETTE[1])]


def _bars(
    across: Scale, chosen: pl.DataFrame, top: float, x_title: str
) -> tuple[list[Spec], list[Text]]:
    """Share of bootstrap samples by cut; cuts that fall on one bar are added."""
    slots: dict[int, dict[str, float]] = {}
    for cut, n, share in chosen.select("cut", "n", "share").iter_rows():
        slot = round(across.pixel(cut) / 6)
        box = slots.setdefault(slot, {"n": 0.0, "share": 0.0, "low": cut, "high": cut})
        box["n"], box["share"] = box["n"] + n, box["share"] + share
        box["low"], box["high"] = min(box["low"], cut), max(box["high"], cut)
    most = max(b["share"] for b in slots.values())
    up = Scale(0.0, most * 1.05, top + LOW, top)
    frame, words = Panel(across, up).frame(
        x_title, "Bootstrap samples that chose the cut", percent=(False, True)
    )
    boxes = [
        {"x": _middle(across, b) - 2.5, "x2": _middle(across, b) + 2.5,
         "y": up.pixel(b["share"]), "y2": up.start, "n": b["n"], "cuts": _span(b["low"], b["high"])}
        for _, b in sorted(slots.items())
    ]  # fmt: skip
    tips = [tip("cuts", "Cut"), tip("n", "Samples", number=",")]
    return [*frame, rect_layer(boxes, tips, color=theme.SEQUENCE[2])], words


def _middle(across: Scale, box: dict[str, float]) -> float:
    return round((across.pixel(box["low"]) + across.pixel(box["high"])) / 2, 2)


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def _alt(cuts: pl.DataFrame, chosen: pl.DataFrame, title: str) -> str:
    best = cuts.filter("selected").row(0, named=True)
    start = f"Cut-point search, {title}. " if title else "Cut-point search. "
    text = (
        f"{start}Largest statistic {abs(best['statistic']):.2f} at {best['cut']:,g}, corrected "
        f"threshold {best['critical_value']:.2f}."
    )
    if chosen.height:
        mine = chosen.filter(pl.col("cut") == best["cut"])
        share = float(mine["share"][0]) if mine.height else 0.0
        low, high = chosen["cut"].to_list()[0], chosen["cut"].to_list()[-1]
        text += (
            f" The bootstrap chose {best['cut']:,g} in {100 * share:.0f}% of samples; cuts from "
            f"{low:,g} to {high:,g} were chosen."
        )
    return text
