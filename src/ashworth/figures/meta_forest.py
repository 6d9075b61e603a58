"""Forest plot of a meta-analysis: studies, subgroups, pooled diamonds, prediction interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from ashworth.figures.forest_marks import (
    Placed,
    Record,
    diamond_layers,
    drawn,
    prediction_layers,
    study_layers,
)
from ashworth.figures.interval_rows import (
    LABEL_X,
    LINE,
    Axis,
    axis_layers,
    axis_texts,
    usable,
)
from ashworth.figures.meta_layout import RIGHT, Layout, layout_of, row_words
from ashworth.figures.meta_rows import rows_of
from ashworth.figures.meta_scales import EffectScale, effect_axis, no_effect
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, shorten, wrap

ROLES = ("heading", "study", "subtotal", "pooled", "prediction", "note")
_SUMMARIES = ("subtotal", "pooled", "prediction")
_MOST_COLUMNS = 3


def meta_forest_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str,
    columns: Mapping[str, str] | None = None,
    scale: EffectScale = "ratio",
    label_heading: str = "Study",
    estimate_title: str = "Hazard ratio",
    estimate_heading: str = "HR (95% CI)",
    favours: tuple[str, str] | None = None,
    notes: Sequence[str] = (),
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw studies as squares by weight, subgroups and the whole as diamonds, prediction as a bar.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns role, label, estimate, lower, upper, weight_percent, reason, and those named in
        `columns`. Role is ``"heading"`` (begins a subgroup), ``"study"``, ``"subtotal"`` (diamond
        of a subgroup), ``"pooled"`` (diamond of the whole), ``"prediction"`` (bar from lower to
        upper) or ``"note"`` (a line of words: heterogeneity, test of interaction). Ratios, not
        logarithms; shares from 0 to 1. A row without an estimate prints its `reason`. Without any
        weight the squares are alike and the column is left out: a display, not a pooled result.
    name, title : str
        Name and title of the figure.
    columns : mapping of str to str, optional
        Up to three further columns of text and their headings; numbers stand at the right.
    scale : {"ratio", "difference", "share"}
        Ratios have a log axis with a line at 1, differences a line at 0, shares neither.
    label_heading, estimate_title, estimate_heading : str
        Heading of the labels, title of the axis, heading of the numbers.
    favours : (str, str), optional
        Words under the axis left and right of no effect.
    notes : sequence of str
        Small lines at the foot: what was allowed by name, risk of bias.
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
        Without rows, with an unknown role, or with more than three columns of text.

    Examples
    --------
    >>> rows = pl.DataFrame({"role": ["study", "study", "pooled"], "label": ["A", "B", "REML"],
    ...     "cutoff": ["1", "5", None], "estimate": [1.4, 1.9, 1.6], "lower": [0.9, 1.1, 1.1],
    ...     "upper": [2.2, 3.3, 2.3], "weight_percent": [60.0, 40.0, None], "reason": [""] * 3})
    >>> meta_forest_figure(rows, name="m", title="OS", columns={"cutoff": "Cut-off"}).alt
    'OS. 2 of 2 rows with an estimate: A 1.40 (0.90–2.20); B 1.90 (1.10–3.30). REML: 1.60
    (1.10–2.30).'
    """
    records = rows.to_dicts()
    columns = dict(columns or {})
    _check(records, columns)
    place = layout_of(records, columns, scale, (label_heading, estimate_heading))
    head = 44.0 if title else 20.0
    texts, places, breaks, bottom = rows_of(records, place, scale, head + _heading_extra(place))
    axis = effect_axis(_values(records), scale, place.axis_left, place.axis_right)
    texts += _headings(clean(title), head, place, label_heading, estimate_heading)
    texts += axis_texts(axis, bottom, _axis_title(estimate_title, scale), percent=scale == "share")
    favoured = _favours(favours, axis, scale, bottom + 53)
    top = head + _heading_extra(place) + 6
    foot = bottom + (74 if favoured else 56)
    feet, height = feet_texts(foot, *notes, simulated=simulated)
    layers: list[Spec] = [
        rule_layer([_across(y) for y in breaks], color=theme.HAIRLINE),
        rule_layer([_across(top)], color=theme.INK),
        *_reference_lines(places, axis, scale, _open_parts(texts, place.axis_left, top, bottom)),
        *axis_layers(axis, bottom),
        *prediction_layers(places, axis),
        *study_layers(places, axis, estimate_title),
        *diamond_layers(places, axis, "subtotal", theme.PALETTE[3]),
        *diamond_layers(places, axis),
        *text_layers([*texts, *favoured, *feet]),
    ]
    words = alt or _alt(records, scale, clean(title))
    return Figure(name, clean(title), words, sheet(layers, height=height), rows)


def _check(records: list[Record], columns: Mapping[str, str]) -> None:
    if not any(r["role"] == "study" for r in records):
        raise EstimationError("a forest without a study; give at least one row of role 'study'")
    unknown = sorted({str(r["role"]) for r in records} - set(ROLES))
    if unknown:
        raise EstimationError(f"role {', '.join(unknown)}; allowed: {', '.join(ROLES)}")
    if len(columns) > _MOST_COLUMNS:
        raise EstimationError(
            f"{len(columns)} columns of text; at most {_MOST_COLUMNS} fit on a printed page"
        )


def _values(records: list[Record]) -> list[float]:
    found = (usable(r[c]) for r in records for c in ("estimate", "lower", "upper"))
    return [v for v in found if v is not None]


def _across(y: float) -> dict[str, float]:
    return {"x": LABEL_X, "y": y, "x2": RIGHT, "y2": y}


def _axis_title(title: str, scale: EffectScale) -> str:
    return f"{title} (log scale)" if scale == "ratio" else title


def _reference_lines(
    places: Placed, axis: Axis, scale: EffectScale, parts: Sequence[tuple[float, float]]
) -> list[Spec]:
    """A line at no effect, and a dashed one at the pooled estimate; notes interrupt them."""
    layers: list[Spec] = []
    null = no_effect(scale)
    if null is not None:
        layers.append(rule_layer(_vertical(axis.pixel(null), parts), color=theme.AXIS))
    for row, _ in drawn(places, "pooled")[:1]:
        lines = _vertical(axis.pixel(row["estimate"]), parts)
        layers.append(rule_layer(lines, color=theme.PALETTE[1], strokeDash=[3, 3]))
    return layers


def _vertical(x: float, parts: Sequence[tuple[float, float]]) -> list[dict[str, float]]:
    return [{"x": x, "y": top, "x2": x, "y2": bottom} for top, bottom in parts]


def _open_parts(
    texts: Sequence[Text], left: float, top: float, bottom: float
) -> list[tuple[float, float]]:
    """Heights from top to bottom where no words from the left reach over the axis."""
    parts, start = [], top
    over = [t for t in texts if t.y > top and t.align == "left" and t.x < left < t.x + t.width()]
    for text in sorted(over, key=lambda t: t.y):
        if text.y - LINE + 2 > start:
            parts.append((start, text.y - LINE + 2))
        start = text.y + 5
    return [*parts, (start, bottom)]


def _heading_lines(place: Layout) -> dict[str, list[str]]:
    return {c.key: wrap(c.heading, c.width + 2, bold=True, max_lines=2) for c in place.columns}


def _heading_extra(place: Layout) -> float:
    """Height of a second line of headings."""
    return LINE * (max([1, *map(len, _heading_lines(place).values())]) - 1)


def _headings(title: str, y: float, place: Layout, label: str, estimate: str) -> list[Text]:
    last = y + _heading_extra(place)
    width = place.label_right - LABEL_X
    texts = [
        Text(LABEL_X, last, shorten(clean(label), width, bold=True), bold=True),
        Text(place.numbers_left, last,
             shorten(estimate, place.numbers_right - place.numbers_left + 1, bold=True), bold=True),
    ]  # fmt: skip
    if place.weights:
        texts.append(Text(RIGHT, last, "Weight", "right", bold=True))
    lines = _heading_lines(place)
    for column in place.columns:
        x, align = column.anchor
        own = lines[column.key]
        texts += [
            Text(x, last - LINE * (len(own) - 1 - i), line, align, bold=True)
            for i, line in enumerate(own)
        ]
    return [title_text(title), *texts] if title else texts


def _favours(
    favours: tuple[str, str] | None, axis: Axis, scale: EffectScale, y: float
) -> list[Text]:
    """Words at both sides of no effect."""
    null = no_effect(scale)
    if favours is None or null is None:
        return []
    x = axis.pixel(null)
    left, right = (clean(words) for words in favours)
    return [
        Text(x - 6, y, "← " + shorten(left, x - 30), "right", colour=theme.MUTED),
        Text(x + 6, y, shorten(right, RIGHT - x - 30) + " →", colour=theme.MUTED),
    ]


def _alt(records: list[Record], scale: EffectScale, title: str) -> str:
    """Numbers of the studies (up to eight) and of every summary."""
    studies = [r for r in records if r["role"] == "study"]
    known = [r for r in studies if row_words(r, scale)]
    first = f"{len(known)} of {len(studies)} rows with an estimate"
    if 0 < len(known) <= 8:
        first += ": " + "; ".join(f"{clean(r['label'])} {row_words(r, scale)}" for r in known)
    parts = [first]
    for row in records:
        if row["role"] in _SUMMARIES and row_words(row, scale):
            parts.append(f"{clean(row['label'])}: {row_words(row, scale)}")
        if row["role"] == "note":
            parts.append(clean(row["label"]).rstrip("."))
    return (f"{title}. " if title else "") + ". ".join(parts) + "."
