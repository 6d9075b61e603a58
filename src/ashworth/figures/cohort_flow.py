"""Cohort flow: from all patients to those analysed, with the reasons for exclusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ashworth.errors import EstimationError
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
    title_text,
)
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, wrap

MAIN_LEFT, MAIN_RIGHT = 4, 304
SIDE_LEFT, SIDE_RIGHT = 352, 636
LINE, PAD = 16, 9
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    right: float
    top: float
    bottom: float
    texts: list[Text]

    @property
    def middle(self) -> float:
        """Centre in x."""
        return (self.left + self.right) / 2


def cohort_flow_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str = "",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the flow of patients as boxes.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns role ("step", "excluded" or "group"), label, n, from top to bottom. Rows
        "excluded" stand beside the way from the step before them to the next step; rows
        "group" are the last boxes, side by side (at most four).
    name, title : str
        Name and title of the figure.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the rows when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `rows`.

    Raises
    ------
    EstimationError
        If the first row is no step, a role is unknown or there are more than four groups.

    Examples
    --------
    >>> rows = pl.DataFrame({"role": ["step", "excluded", "step"], "n": [10, 1, 9],
    ...     "label": ["Patients", "no specimen", "Analysed"]})
    >>> cohort_flow_figure(rows, name="flow", title="Cohort").alt
    'Cohort. Patients: 10; excluded, no specimen: 1; Analysed: 9.'
    """
    records = rows.to_dicts()
    _check(records)
    y = 34.0 if title else 6.0
    boxes, lines, heads, y = _column(records, y)
    groups = [r for r in records if r["role"] == "group"]
    if groups:
        more, more_lines, more_heads, y = _groups(groups, boxes[-1], y)
        boxes, lines, heads = [*boxes, *more], [*lines, *more_lines], [*heads, *more_heads]
    feet, height = feet_texts(y + 22, note, simulated=simulated)
    texts = [t for b in boxes for t in b.texts]
    if title:
        texts.append(title_text(clean(title)))
    outlines = [{"x": b.left, "x2": b.right, "y": b.top, "y2": b.bottom} for b in boxes]
    point = {"type": "point", "shape": "triangle-down", "filled": True, "size": 40, "opacity": 1}
    turn = {"angle": {"field": "angle", "type": "quantitative", "scale": None}}
    layers: list[Spec] = [
        rule_layer(lines, color=theme.INK, strokeWidth=1),
        layer({**point, "color": theme.INK}, heads, {"x": channel("x"), "y": channel("y"), **turn}),
        rect_layer(outlines, fill=theme.FILL, stroke=theme.INK, strokeWidth=1),
        *text_layers([*texts, *feet]),
    ]
    words = alt or _alt(records, clean(title))
    return Figure(name, clean(title), words, sheet(layers, height=height), rows)


def _check(records: Sequence[Row]) -> None:
    roles = [r["role"] for r in records]
    known = set(roles) <= {"step", "excluded", "group"}
    if not records or roles[0] != "step" or not known or roles.count("group") > 4:
        raise EstimationError(
            f"a cohort flow begins with a step and has steps, exclusions and at most four "
            f"groups; found roles {roles}"
        )


def _column(
    records: Sequence[Row], y: float
) -> tuple[list[_Box], list[dict[str, float]], list[dict[str, float]], float]:
    """Main boxes from top to bottom with the exclusions at their side."""
    boxes: list[_Box] = []
    lines: list[dict[str, float]] = []
    heads: list[dict[str, float]] = []
    last: _Box | None = None
    waiting: list[Row] = []
    for row in (*(r for r in records if r["role"] != "group"), None):
        if row is not None and row["role"] == "excluded":
            waiting.append(row)
            continue
        if waiting and last is not None:
            side = _excluded(waiting, y + 14)
            middle = (side.top + side.bottom) / 2
            lines.append({"x": last.middle, "y": middle, "x2": SIDE_LEFT - 7, "y2": middle})
            heads.append({"x": SIDE_LEFT - 5, "y": middle, "angle": 270})
            boxes.append(side)
            if row is None:
                lines.append({"x": last.middle, "y": y, "x2": last.middle, "y2": middle})
            y, waiting = side.bottom, []
        if row is None:
            break
        if last is not None:
            y += 24
            lines.append({"x": last.middle, "y": last.bottom, "x2": last.middle, "y2": y - 7})
            heads.append({"x": last.middle, "y": y - 5, "angle": 0})
        last = _main(row, MAIN_LEFT, MAIN_RIGHT, y)
        boxes.append(last)
        y = last.bottom
    ordered = [b for b in boxes if b is not last]
    return [*ordered, *([last] if last else [])], lines, heads, y


def _main(row: Row, left: float, right: float, top: float) -> _Box:
    """Box with the label and its number in the middle."""
    parts = wrap(str(row["label"]), right - left - 2 * PAD)
    middle = (left + right) / 2
    texts = [Text(middle, top + PAD + 11 + LINE * i, t, "center") for i, t in enumerate(parts)]
    y = top + PAD + 11 + LINE * len(parts)
    texts.append(Text(middle, y, f"n = {int(row['n']):,}", "center", bold=True))
    return _Box(left, right, top, top + 2 * PAD + LINE * (len(parts) + 1) - 2, texts)


def _excluded(rows: Sequence[Row], top: float) -> _Box:
    """Box of exclusions: the total, then each reason with its number."""
    total = sum(int(r["n"]) for r in rows)
    y = top + PAD + 11
    texts = [Text(SIDE_LEFT + PAD, y, f"Excluded: n = {total:,}", bold=True)]
    for row in rows:
        number = f"{int(row['n']):,}"
        parts = wrap(str(row["label"]), SIDE_RIGHT - SIDE_LEFT - 2 * PAD - 60)
        texts.append(Text(SIDE_RIGHT - PAD, y + LINE, number, "right"))
        for part in parts:
            y += LINE
            texts.append(Text(SIDE_LEFT + PAD + 8, y, part))
    return _Box(SIDE_LEFT, SIDE_RIGHT, top, y + PAD + 3, texts)


def _groups(
    rows: Sequence[Row], source: _Box, y: float
) -> tuple[list[_Box], list[dict[str, float]], list[dict[str, float]], float]:
    """Last boxes side by side under a fork."""
    gap = 16
    wide = (632 - gap * (len(rows) - 1)) / len(rows)
    wide = min(wide, 300)
    lefts = [4 + (wide + gap) * i for i in range(len(rows))]
    top = y + 44
    boxes = [_main(r, x, x + wide, top) for r, x in zip(rows, lefts, strict=True)]
    bottom = max(b.bottom for b in boxes)
    boxes = [_Box(b.left, b.right, b.top, bottom, b.texts) for b in boxes]
    fork = y + 18
    ends = [*(b.middle for b in boxes), source.middle]
    lines = [
        {"x": source.middle, "y": source.bottom, "x2": source.middle, "y2": fork},
        {"x": min(ends), "y": fork, "x2": max(ends), "y2": fork},
        *({"x": b.middle, "y": fork, "x2": b.middle, "y2": top - 7} for b in boxes),
    ]
    heads = [{"x": b.middle, "y": top - 5, "angle": 0} for b in boxes]
    return boxes, lines, heads, bottom


def _alt(records: Sequence[Row], title: str) -> str:
    parts = [
        f"{'excluded, ' if r['role'] == 'excluded' else ''}{clean(r['label'])}: {int(r['n']):,}"
        for r in records
    ]
    return (f"{title}. " if title else "") + "; ".join(parts) + "."
