"""Where the columns of a meta-analysis forest stand: measured, so that nothing overlaps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ashworth.figures import theme
from ashworth.figures.interval_rows import INDENT, LABEL_X, usable
from ashworth.figures.meta_scales import EffectScale, effect_words, limits_words
from ashworth.figures.typesetting import clean, text_width

RIGHT = theme.WIDTH - 4
GAP = 14.0
_LABEL_MOST, _LABEL_LEAST = 200.0, 96.0
_COLUMN_MOST, _COLUMN_LEAST = 112.0, 36.0
_AXIS_LEAST = 140.0
_NUMBER = re.compile(r"(?:[<>−-]? ?[\d,.]+%?)?")

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of text between the labels and the axis.

    Attributes
    ----------
    key, heading : str
        Column of the table, its heading.
    left, width : float
        Place in px.
    number : bool
        Aligned at the right.
    """

    key: str
    heading: str
    left: float
    width: float
    number: bool

    @property
    def anchor(self) -> tuple[float, str]:
        """Pixel and alignment of its texts."""
        return (self.left + self.width, "right") if self.number else (self.left, "left")


@dataclass(frozen=True, slots=True)
class Layout:
    """Pixels of all columns.

    Attributes
    ----------
    label_right : float
        Where labels end.
    columns : tuple of TextColumn
    axis_left, axis_right, numbers_left, numbers_right : float
    weights : bool
        Weights are printed at the right margin.
    """

    label_right: float
    columns: tuple[TextColumn, ...]
    axis_left: float
    axis_right: float
    numbers_left: float
    numbers_right: float
    weights: bool


def row_words(row: Record, scale: EffectScale) -> str:
    """What stands in the column of numbers; empty for headings and notes."""
    if row["role"] in ("heading", "note"):
        return ""
    if row["role"] == "prediction":
        known = usable(row["lower"]) is not None
        return limits_words(row["lower"], row["upper"], scale) if known else ""
    if usable(row["estimate"]) is None or row["reason"]:
        return ""
    return effect_words(row["estimate"], row["lower"], row["upper"], scale)


def cell_words(value: Any) -> str:
    """A cell of a text column."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else clean(value)


def layout_of(
    records: Sequence[Record],
    columns: Mapping[str, str],
    scale: EffectScale,
    headings: tuple[str, str],
) -> Layout:
    """Measure the texts and place the columns; the axis takes what is left."""
    label_heading, number_heading = headings
    weights = any(usable(r["weight_percent"]) is not None for r in records)
    numbers_right = RIGHT - (text_width("Weight", bold=True) + GAP if weights else 0.0)
    words = [row_words(r, scale) for r in records]
    widest = max(text_width(w, bold=True) for w in [*words, number_heading])
    numbers_left = numbers_right - min(widest, 160.0)
    room = numbers_left - GAP - _AXIS_LEAST - GAP - LABEL_X
    wanted = [_wanted(records, key, heading) for key, heading in columns.items()]
    label = _label_width(records, label_heading, room - sum(w + GAP for w in wanted))
    least = [min(_least(h), w) for h, w in zip(columns.values(), wanted, strict=True)]
    widths = _shrunk(wanted, least, room - label)
    placed, x = [], LABEL_X + label
    for (key, heading), width in zip(columns.items(), widths, strict=True):
        number = all(_NUMBER.fullmatch(cell_words(r[key])) for r in records)
        placed.append(TextColumn(key, clean(heading), x + GAP, width, number))
        x += GAP + width
    right = numbers_left - GAP
    return Layout(LABEL_X + label, tuple(placed), x + GAP, right, numbers_left, numbers_right,
                  weights)  # fmt: skip


def _wanted(records: Sequence[Record], key: str, heading: str) -> float:
    """Natural width of a text column, at most so much."""
    cells = [text_width(cell_words(r[key]), bold=r["role"] != "study") for r in records]
    natural = max([*cells, text_width(clean(heading), bold=True)])
    return min(natural + 1, _COLUMN_MOST)


def _label_width(records: Sequence[Record], heading: str, room: float) -> float:
    rows = [r for r in records if r["role"] not in ("heading", "note")]
    natural = [text_width(clean(r["label"]), bold=True) + INDENT for r in rows]
    widest = max([*natural, text_width(clean(heading), bold=True)]) + 1
    return max(_LABEL_LEAST, min(widest, _LABEL_MOST, room))


def _shrunk(wanted: Sequence[float], least: Sequence[float], room: float) -> list[float]:
    """Widths that fit into the room, in proportion, none below its least."""
    total = sum(w + GAP for w in wanted)
    if total <= room or not wanted:
        return list(wanted)
    left = max(room - GAP * len(wanted), 0.0)
    kept: set[int] = set()
    while True:
        free = sum(w for i, w in enumerate(wanted) if i not in kept)
        share = max(left - sum(least[i] for i in kept), 0.0) / free if free else 0.0
        tight = {i for i, w in enumerate(wanted) if i not in kept and w * share < least[i]}
        if not tight:
            return [least[i] if i in kept else w * share for i, w in enumerate(wanted)]
        kept |= tight


def _least(heading: str) -> float:
    """Width of a heading's longest word, which is not to be broken."""
    longest = max(text_width(word, bold=True) for word in clean(heading).split(" "))
    return min(max(longest + 1, _COLUMN_LEAST), _COLUMN_MOST)
