"""Contour-enhanced funnel: estimates against their standard errors, with regions of p."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Literal

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import (
    HOVER,
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
from ashworth.figures.meta_scales import signed
from ashworth.figures.numbers import ratio
from ashworth.figures.point_labels import Box, point_texts
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean
from ashworth.figures.value_panel import Scale, round_marks

LEFT, RIGHT, HEIGHT = 54.0, 624.0, 330.0
_SHADES = ("#ffffff", "#edf1f6", "#dae3ec", "#c6d3e0")
_STEPS = 60
_LABELS_AT_MOST = 25

Record = dict[str, Any]


def funnel_figure(
    studies: pl.DataFrame,
    *,
    name: str,
    title: str,
    pooled: float | None = None,
    scale: Literal["ratio", "difference"] = "ratio",
    levels: tuple[float, float, float] = (0.10, 0.05, 0.01),
    estimate_title: str = "Hazard ratio",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw studies over their standard error, the most precise on top.

    The shaded regions say which two-sided p-value a study at that place has, so that missing
    studies can be told apart: those in the white region suggest that what was not significant was
    not published. The dashed lines hold 95% of the studies if all share the pooled effect.

    Parameters
    ----------
    studies : polars.DataFrame
        Columns label, estimate, standard_error and, where trim and fill added some, filled (bool).
        Ratios stand on their natural scale and have the standard error of the logarithm.
    name, title : str
        Name and title of the figure.
    pooled : float, optional
        Pooled estimate on the same scale; without it there are no dashed lines.
    scale : {"ratio", "difference"}
        Ratios have a log axis.
    levels : (float, float, float)
        p-values at the borders of the regions, descending.
    estimate_title : str
        Title of the axis.
    note : str
        Small line at the foot: test of asymmetry.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `studies`.

    Raises
    ------
    EstimationError
        Without a study, with a standard error that is not above 0, or with levels that do not
        descend within 0 to 1.

    References
    ----------
    .. [1] Peters JL, Sutton AJ, Jones DR, Abrams KR, Rushton L (2008). Contour-enhanced
       meta-analysis funnel plots help distinguish publication bias from other causes of asymmetry.
       J Clin Epidemiol 61:991-996.

    Examples
    --------
    >>> studies = pl.DataFrame({"label": ["A", "B"], "estimate": [1.4, 2.4],
    ...     "standard_error": [0.1, 0.4]})
    >>> funnel_figure(studies, name="f", title="OS", pooled=1.5).alt
    'Funnel, OS. 2 studies, standard errors from 0.10 to 0.40; pooled 1.50. p below 0.05: 2.'
    """
    records = studies.to_dicts()
    _check(records, levels)
    centre = _place(pooled, scale) if pooled is not None else None
    top = 52.0 if title else 30.0
    errors = [r["standard_error"] for r in records]
    down = Scale(0.0, max(errors) * 1.08, top, top + HEIGHT)
    across = _across(records, scale, centre, down.high)
    frame, words = _frame(across, down, scale, estimate_title)
    shades = [_contour(z, across, down) for z in _regions(levels)]
    texts = [title_text(clean(title))] if title else []
    lines = _lines(across, down, centre)
    points, names = _points(records, across, down, scale, estimate_title, lines)
    keys, key_texts = _keys(levels, down.end + 58, centre is not None, _filled(records))
    feet, height = feet_texts(
        down.end + (99 if _filled(records) else 82), note, simulated=simulated
    )
    background = {"x": LEFT, "x2": RIGHT, "y": down.start, "y2": down.end}
    layers: list[Spec] = [
        rect_layer([background], color=_SHADES[3], opacity=1),
        *(layer({"type": "area", "orient": "horizontal", "opacity": 1, "color": c}, rows, _SPAN)
          for rows, c in zip(shades, _SHADES[2::-1], strict=True)),
        *_middle(across, down, centre, scale),
        *frame, *points, *keys,
        *text_layers([*texts, *words, *names, *key_texts, *feet]),
    ]  # fmt: skip
    text = alt or _alt(records, clean(title), pooled, scale)
    return Figure(name, clean(title), text, sheet(layers, height=height), studies)


_PLACE: Spec = {"x": channel("x"), "y": channel("y")}
_DOT: Spec = {"type": "point", "size": 46, "opacity": 1, "strokeWidth": 1.4, "filled": True}
_HOLLOW: Spec = {**_DOT, "color": "white", "stroke": theme.PALETTE[0]}
_SPAN: Spec = {"x": channel("x"), "x2": {"field": "x2"}, "y": channel("y")}


def _check(records: list[Record], levels: tuple[float, ...]) -> None:
    if not records:
        raise EstimationError("a funnel without studies; give at least one row")
    bad = [r["label"] for r in records if not 0.0 < (r["standard_error"] or 0.0) < math.inf]
    if bad:
        raise EstimationError(
            f"standard error of {', '.join(map(str, bad))} is missing or not above 0"
        )
    if not 1.0 > levels[0] > levels[1] > levels[2] > 0.0:
        raise EstimationError(f"levels {levels}; give three p-values that descend, such as 0.1, "
                              "0.05, 0.01")  # fmt: skip


def _place(value: float, scale: str) -> float:
    """Where a value stands: the logarithm of a ratio."""
    return math.log(value) if scale == "ratio" else value


def _filled(records: list[Record]) -> bool:
    return any(r.get("filled") for r in records)


def _regions(levels: tuple[float, float, float]) -> list[float]:
    """Normal quantiles of the borders, the widest first."""
    return [NormalDist().inv_cdf(1.0 - p / 2.0) for p in reversed(levels)]


def _across(records: list[Record], scale: str, centre: float | None, deepest: float) -> Scale:
    values = [_place(r["estimate"], scale) for r in records]
    half = 1.96 * deepest
    wide = [0.0, *values] + ([centre - half, centre + half] if centre is not None else [])
    pad = 0.04 * (max(wide) - min(wide)) + 0.02
    return Scale(min(wide) - pad, max(wide) + pad, LEFT, RIGHT)


def _contour(z: float, across: Scale, down: Scale) -> list[dict[str, float]]:
    """The wedge about no effect inside which p is above a level."""
    depths = [down.high * i / _STEPS for i in range(_STEPS + 1)]
    depths += [abs(end) / z for end in (across.low, across.high) if abs(end) / z < down.high]
    return [
        {"x": across.pixel(-z * d), "x2": across.pixel(z * d), "y": down.pixel(d)}
        for d in sorted(depths)
    ]


def _middle(across: Scale, down: Scale, centre: float | None, scale: str) -> list[Spec]:
    """Lines at no effect and at the pooled estimate, with its 95% limits."""
    null = across.pixel(0.0)
    lines = [{"x": null, "x2": null, "y": down.start, "y2": down.end}]
    layers = [rule_layer(lines, color=theme.AXIS)]
    if centre is None:
        return layers
    x, orange = across.pixel(centre), theme.PALETTE[1]
    layers.append(rule_layer([{"x": x, "x2": x, "y": down.start, "y2": down.end}], color=orange))
    for sign in (-1.0, 1.0):
        end = {"x": x, "y": down.start, "y2": down.end,
               "x2": across.pixel(centre + sign * 1.96 * down.high)}  # fmt: skip
        layers.append(rule_layer([end], color=orange, strokeDash=[5, 4]))
    return layers


def _frame(across: Scale, down: Scale, scale: str, title: str) -> tuple[list[Spec], list[Text]]:
    """Axes with ticks; the vertical one runs downwards."""
    lines = [{"x": LEFT, "x2": RIGHT, "y": down.end, "y2": down.end},
             {"x": LEFT, "x2": LEFT, "y": down.start, "y2": down.end}]  # fmt: skip
    what = "Standard error of the logarithm" if scale == "ratio" else "Standard error"
    texts = [Text(18, down.start - 10, what)]
    for value in round_marks(0.0, down.high):
        y = down.pixel(value)
        lines.append({"x": LEFT - 4, "x2": LEFT, "y": y, "y2": y})
        texts.append(Text(LEFT - 7, y + 4, f"{value:g}", "right"))
    for x, words in _ticks(across, scale):
        lines.append({"x": x, "x2": x, "y": down.end, "y2": down.end + 4})
        texts.append(Text(x, down.end + 17, words, "center"))
    words = f"{clean(title)} (log scale)" if scale == "ratio" else clean(title)
    texts.append(Text((LEFT + RIGHT) / 2, down.end + 35, words, "center"))
    return [rule_layer(lines, color=theme.AXIS)], texts


def _ticks(across: Scale, scale: str) -> list[tuple[float, str]]:
    if scale == "difference":
        return [(across.pixel(v), f"{v:g}".replace("-", "−"))
                for v in round_marks(across.low, across.high)]  # fmt: skip
    named = Scale(math.exp(across.low), math.exp(across.high), LEFT, RIGHT, "log")
    return [(named.pixel(v), f"{v:g}") for v in named.marks()]


def _points(
    records: list[Record], across: Scale, down: Scale, scale: str, title: str, lines: list[Box]
) -> tuple[list[Spec], list[Text]]:
    """Full points are studies, hollow ones were added by trim and fill."""
    drawn = [
        {"x": across.pixel(_place(r["estimate"], scale)), "y": down.pixel(r["standard_error"]),
         "label": clean(r["label"]), "estimate": r["estimate"],
         "error": r["standard_error"], "filled": bool(r.get("filled"))}
        for r in records
    ]  # fmt: skip
    tips = [tip("label", "Study"), tip("estimate", title, number=".3~r"),
            tip("error", "Standard error", number=".3~r")]  # fmt: skip
    real = [d for d in drawn if not d["filled"]]
    made = [d for d in drawn if d["filled"]]
    full = {**_DOT, "color": theme.PALETTE[0], "stroke": "white"}
    layers = [layer(full, real, _PLACE)]
    if made:
        layers.append(layer(_HOLLOW, made, _PLACE))
    ghost = {"type": "point", "opacity": 0, "size": 90, "filled": True}
    layers.append(layer(ghost, drawn, {**_PLACE, "tooltip": tips}, name=f"{HOVER}-funnel"))
    if len(real) > _LABELS_AT_MOST:
        return layers, []
    named = [(d["x"], d["y"], d["label"]) for d in real]
    frame = (LEFT + 2, RIGHT, down.start, down.end - 2)
    return layers, point_texts(named, frame, lines=lines)


def _lines(across: Scale, down: Scale, centre: float | None) -> list[Box]:
    """Boxes along the lines of the funnel, which names should not cross."""
    slopes = [(0.0, 0.0)]
    if centre is not None:
        slopes += [(centre, s) for s in (-1.96, 0.0, 1.96)]
    boxes = []
    for start, slope in slopes:
        for i in range(_STEPS):
            depth = down.high * (i + 0.5) / _STEPS
            x, y = across.pixel(start + slope * depth), down.pixel(depth)
            boxes.append((x - 2, x + 2, y - 3, y + 3))
    return boxes


def _keys(
    levels: tuple[float, float, float], y: float, pooled: bool, filled: bool
) -> tuple[list[Spec], list[Text]]:
    """Boxes of the regions from the inner one out, then the line and the added studies."""
    first, second, third = (f"{p:.2f}" if p >= 0.01 else f"{p:g}" for p in levels)
    labels = [f"p > {first}", f"p {second}–{first}", f"p {third}–{second}", f"p < {third}"]
    layers: list[Spec] = []
    texts: list[Text] = []
    x = LEFT
    for label, colour in zip(labels, _SHADES, strict=True):
        box = {"x": x, "x2": x + 18, "y": y - 10, "y2": y}
        style = {"fill": colour, "stroke": theme.AXIS, "strokeWidth": 1}
        layers.append(rect_layer([box], **style))
        texts.append(Text(x + 24, y, label))
        x += 24 + texts[-1].width() + 18
    if pooled:
        line = {"x": x, "x2": x + 22, "y": y - 4, "y2": y - 4}
        layers.append(rule_layer([line], color=theme.PALETTE[1], strokeDash=[5, 4]))
        texts.append(Text(x + 28, y, "95% about the pooled"))
    if filled:
        layers.append(layer(_HOLLOW, [{"x": LEFT + 9, "y": y + 13}], _PLACE))
        texts.append(Text(LEFT + 24, y + 17, "added by trim and fill"))
    return layers, texts


def _alt(records: list[Record], title: str, pooled: float | None, scale: str) -> str:
    real = [r for r in records if not r.get("filled")]
    errors = [r["standard_error"] for r in real]
    text = (f"Funnel, {title}. " if title else "Funnel. ") + (
        f"{len(real)} studies, standard errors from {min(errors):.2f} to {max(errors):.2f}"
    )
    if pooled is not None:
        text += f"; pooled {ratio(pooled) if scale == 'ratio' else signed(pooled)}"
    beyond = sum(abs(_place(r["estimate"], scale)) > 1.959964 * r["standard_error"] for r in real)
    text += f". p below 0.05: {beyond}."
    added = len(records) - len(real)
    return text + (f" {added} added by trim and fill." if added else "")
