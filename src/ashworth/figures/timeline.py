"""A timeline: what happened when, in lanes, labels beside their marks."""

from __future__ import annotations

from collections.abc import Mapping
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
    rule_layer,
    sheet,
    text_layers,
    title_text,
)
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, shorten

YEAR_X, LINE_X, TEXT_X, STEP = 44.0, 58.0, 72.0, 19.0


def timeline_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str = "",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw years from top to bottom, one line per thing.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns year (whole), label, kind; drawn in order of year, then as given. The kind gives
        the colour.
    name, title, note, alt, simulated
        As for every figure.

    Returns
    -------
    Figure
        `data` is `rows`.

    Raises
    ------
    EstimationError
        Without rows.

    Examples
    --------
    >>> rows = pl.DataFrame({"year": [2004, 1869], "label": ["prognosis", "first sight"],
    ...     "kind": ["blood", "blood"]})
    >>> timeline_figure(rows, name="years", title="Years").alt
    'Years. 1869: first sight; 2004: prognosis.'
    """
    if rows.is_empty():
        raise EstimationError("a timeline needs at least one row")
    records = rows.sort("year", maintain_order=True).to_dicts()
    kinds = list(dict.fromkeys(r["kind"] for r in records))
    top = 40.0 if title else 14.0
    ys = [top + 16 + STEP * i for i in range(len(records))]
    texts, marks = _marks(records, kinds, ys)
    texts += _legend(kinds, top - 6)
    if title:
        texts.append(title_text(clean(title)))
    feet, height = feet_texts(ys[-1] + 26, note, simulated=simulated)
    line = [{"x": LINE_X, "x2": LINE_X, "y": ys[0] - 8, "y2": ys[-1] + 4}]
    point = {"type": "point", "filled": True, "size": 48, "opacity": 1}
    colour = {"color": {"field": "colour", "type": "nominal", "scale": None}}
    layers: list[Spec] = [
        rule_layer(line, color=theme.HAIRLINE, strokeWidth=2),
        layer(point, marks, {"x": channel("x"), "y": channel("y"), **colour}),
        *text_layers([*texts, *feet]),
    ]
    words = alt or _alt(records, clean(title))
    return Figure(name, clean(title), words, sheet(layers, height=height), rows)


def _marks(
    records: list[dict[str, Any]], kinds: list[str], ys: list[float]
) -> tuple[list[Text], list[Mapping[str, Any]]]:
    texts: list[Text] = []
    marks: list[Mapping[str, Any]] = []
    before = None
    for record, y in zip(records, ys, strict=True):
        if record["year"] != before:
            texts.append(Text(YEAR_X, y, str(record["year"]), "right", bold=True))
        before = record["year"]
        label = shorten(clean(record["label"]), theme.WIDTH - TEXT_X - 4)
        texts.append(Text(TEXT_X, y, label))
        marks.append({"x": LINE_X, "y": y - 4, "colour": _colour(kinds, record["kind"])})
    return texts, marks


def _colour(kinds: list[str], kind: str) -> str:
    return theme.PALETTE[kinds.index(kind) % len(theme.PALETTE)]


def _legend(kinds: list[str], y: float) -> list[Text]:
    wide = (theme.WIDTH - 8) / max(len(kinds), 1)
    return [
        Text(
            4 + i * wide, y, shorten(clean(kind), wide - 8), colour=_colour(kinds, kind), bold=True
        )
        for i, kind in enumerate(kinds)
    ]


def _alt(records: list[dict[str, Any]], title: str) -> str:
    parts = [f"{r['year']}: {clean(r['label'])}" for r in records]
    return (f"{title}. " if title else "") + "; ".join(parts) + "."
