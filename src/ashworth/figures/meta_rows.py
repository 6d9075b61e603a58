"""Rows of a meta-analysis forest: their texts and heights."""

from __future__ import annotations

from ashworth.figures import theme
from ashworth.figures.canvas import Text
from ashworth.figures.forest_marks import Placed, Record
from ashworth.figures.interval_rows import INDENT, LABEL_X, LINE, ROW, label_texts, usable
from ashworth.figures.meta_layout import RIGHT, Layout, cell_words, row_words
from ashworth.figures.meta_scales import EffectScale
from ashworth.figures.typesetting import shorten, wrap


def rows_of(
    records: list[Record], place: Layout, scale: EffectScale, top: float
) -> tuple[list[Text], Placed, list[float], float]:
    """Texts, rows with their heights, lines between the parts, and the lower end."""
    texts: list[Text] = []
    places: Placed = []
    breaks: list[float] = []
    y, before, inside = top + 4.0, "", False
    for row in records:
        role = row["role"]
        whole = role in ("pooled", "prediction") and before not in ("", "pooled", "prediction")
        if (role == "heading" and before) or whole:
            breaks.append(y + 9)
            y += 5
        inside = role == "heading" or (inside and not whole)
        y += _step(role, before)
        own = _row_texts(row, y, place, scale, indent=inside)
        texts += own
        places.append((row, y))
        y = max(t.y for t in own) if own else y
        before = role
    return texts, places, breaks, y + 14


def _step(role: str, before: str) -> float:
    """Height of a row."""
    if role != "note":
        return ROW
    return LINE if before == "note" else 19.0


def _row_texts(
    row: Record, y: float, place: Layout, scale: EffectScale, *, indent: bool
) -> list[Text]:
    """All texts of one row, the label first."""
    role = row["role"]
    if role == "heading":
        return label_texts(str(row["label"]), y, RIGHT, bold=True, indent=False)
    if role == "note":
        x = LABEL_X + (INDENT if indent else 0)
        lines = wrap(str(row["label"]), RIGHT - x)
        return [Text(x, y + LINE * i, t, colour=theme.MUTED) for i, t in enumerate(lines)]
    bold = role in ("subtotal", "pooled")
    texts = label_texts(str(row["label"]), y, place.label_right, bold=bold, indent=indent)
    for column in place.columns:
        x, align = column.anchor
        lines = wrap(cell_words(row[column.key]), column.width + 1, bold=bold, max_lines=3)
        texts += [Text(x, y + LINE * i, t, align, bold=bold) for i, t in enumerate(lines) if t]
    return [*texts, *_numbers(row, y, place, scale, bold=bold)]


def _numbers(row: Record, y: float, place: Layout, scale: EffectScale, *, bold: bool) -> list[Text]:
    """The estimate with its limits, or why there is none; the weight."""
    texts = []
    weight = usable(row["weight_percent"])
    if weight is not None:
        texts.append(Text(RIGHT, y, f"{weight:.1f}%", "right", bold=bold))
    words = row_words(row, scale)
    if words:
        wide = place.numbers_right - place.numbers_left + 1
        return [*texts, Text(place.numbers_left, y, shorten(words, wide, bold=bold), bold=bold)]
    end = place.numbers_right if weight is not None else RIGHT
    reason = str(row["reason"] or "not estimable")
    lines = wrap(reason, end - place.numbers_left, max_lines=4)
    return [
        *texts,
        *(Text(place.numbers_left, y + LINE * i, t, italic=True) for i, t in enumerate(lines)),
    ]
