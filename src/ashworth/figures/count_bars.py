"""Counts as horizontal bars in several panels, split by a second kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import Text, feet_texts, rect_layer, sheet, text_layers, title_text
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean, shorten

LABEL_RIGHT, BAR_LEFT, BAR_RIGHT, STEP, THICK = 150.0, 158.0, 560.0, 22.0, 14.0


def count_bars_figure(
    rows: pl.DataFrame,
    *,
    name: str,
    title: str = "",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw counts as stacked bars, one panel below the other.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns panel, label, kind, n: panels and labels in order of appearance; the kinds of one
        label are stacked.
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
    >>> rows = pl.DataFrame({"panel": ["Cells"] * 2, "label": ["CTC", "DTC"],
    ...     "kind": ["all", "all"], "n": [53, 5]})
    >>> count_bars_figure(rows, name="bars", title="Trials").alt
    'Trials. Cells: CTC 53; DTC 5.'
    """
    if rows.is_empty():
        raise EstimationError("bars need at least one row")
    kinds = rows["kind"].unique(maintain_order=True).to_list()
    totals = rows.group_by("panel", "label", maintain_order=True).agg(pl.col("n").sum())
    scale = (BAR_RIGHT - BAR_LEFT) / max(int(totals["n"].max() or 0), 1)  # type: ignore[arg-type]
    y = 40.0 if title else 12.0
    texts: list[Text] = []
    bars: dict[str, list[Mapping[str, float]]] = {kind: [] for kind in kinds}
    if len(kinds) > 1:
        texts += _legend(kinds, y)
        y += 24
    for panel in totals["panel"].unique(maintain_order=True):
        head = shorten(clean(panel), theme.WIDTH - 8, bold=True)
        texts.append(Text(4, y + 4, head, bold=True))
        y += 14
        y = _panel(rows.filter(pl.col("panel") == panel), kinds, scale, y, texts, bars)
    if title:
        texts.append(title_text(clean(title)))
    feet, height = feet_texts(y + 14, note, simulated=simulated)
    layers = [rect_layer(found, fill=_colour(kinds, kind)) for kind, found in bars.items() if found]
    spec = sheet([*layers, *text_layers([*texts, *feet])], height=height)
    return Figure(name, clean(title), alt or _alt(totals, clean(title)), spec, rows)


def _panel(
    rows: pl.DataFrame, kinds: Sequence[str], scale: float, y: float, texts: list[Text],
    bars: Mapping[str, list[Mapping[str, float]]],
) -> float:  # fmt: skip
    for label in rows["label"].unique(maintain_order=True):
        mine = rows.filter(pl.col("label") == label)
        x, total = BAR_LEFT, 0
        for kind in kinds:
            n = int(mine.filter(pl.col("kind") == kind)["n"].sum())
            if n:
                bars[kind].append({"x": x, "x2": x + n * scale, "y": y, "y2": y + THICK})
            x, total = x + n * scale, total + n
        texts.append(Text(LABEL_RIGHT, y + 11, shorten(clean(label), LABEL_RIGHT - 4), "right"))
        texts.append(Text(x + 6, y + 11, f"{total:,}"))
        y += STEP
    return y + 12


def _colour(kinds: Sequence[str], kind: str) -> str:
    return theme.PALETTE[kinds.index(kind) % len(theme.PALETTE)]


def _legend(kinds: Sequence[str], y: float) -> list[Text]:
    wide = (theme.WIDTH - 8) / len(kinds)
    return [
        Text(
            4 + i * wide, y, shorten(clean(kind), wide - 8), colour=_colour(kinds, kind), bold=True
        )
        for i, kind in enumerate(kinds)
    ]


def _alt(totals: pl.DataFrame, title: str) -> str:
    parts = []
    for panel in totals["panel"].unique(maintain_order=True):
        mine = totals.filter(pl.col("panel") == panel).to_dicts()
        parts.append(f"{clean(panel)}: " + "; ".join(f"{clean(r['label'])} {r['n']}" for r in mine))
    return (f"{title}. " if title else "") + ". ".join(parts) + "."
