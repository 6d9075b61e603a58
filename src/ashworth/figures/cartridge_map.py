"""Map of a cartridge: its frames, how many nuclei each holds, and where the rare cells lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

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
from ashworth.figures.cell_classes import COMMON, key_layers, mark_layer, style_of
from ashworth.figures.cell_scatter import order_of
from ashworth.figures.numbers import counted
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean

LEFT, RIGHT = 4, 636
TALLEST = 240
SHADES = ("#f7f8fa", "#e3e9f0", "#c9d5e2", "#a9bdd3")


def cartridge_map_figure(
    frames: pl.DataFrame,
    cells: pl.DataFrame,
    *,
    name: str,
    title: str,
    frame_width_um: float,
    frame_height_um: float,
    contiguous: bool = True,
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw where on the cartridge the cells lie.

    Each frame is as dark as it holds nuclei; a frame that is out of focus is crossed out. All
    classes but leukocytes and unclassified nuclei are marked cell by cell.

    Parameters
    ----------
    frames : polars.DataFrame
        Columns frame, column, row (place in the grid from 0, row 0 on top) and n_nuclei;
        optional out_of_focus (true or false).
    cells : polars.DataFrame
        Columns cell_id, call, frame, x_um, y_um: in the cartridge where frames abut, in the
        frame where they are unrelated fields.
    name, title : str
        Name, title.
    frame_width_um, frame_height_um : float
        Size of a frame.
    contiguous : bool
        Whether frames abut.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` has a row per frame: frame, column, row, n_nuclei, out_of_focus and the number of
        cells drawn.

    Examples
    --------
    >>> frames = pl.DataFrame({"frame": [1, 2], "column": [0, 1], "row": [0, 0],
    ...     "n_nuclei": [40, 55]})
    >>> cells = pl.DataFrame({"cell_id": ["7"], "call": ["ctc"], "frame": [2], "x_um": [900.0],
    ...     "y_um": [300.0]})
    >>> cartridge_map_figure(frames, cells, name="map", title="Map", frame_width_um=886,
    ...     frame_height_um=663).alt
    'Map. 2 frames with 40 to 55 nuclei each. CTC: 1 cell in 1 frame.'
    """
    if "out_of_focus" not in frames.columns:
        frames = frames.with_columns(out_of_focus=False)
    rare = cells.filter(~pl.col("call").is_in(COMMON)).sort("cell_id")
    top = 34.0 if title else 12.0
    grid = _Grid(frames, frame_width_um, frame_height_um, top, contiguous=contiguous)
    boxes, legend = _boxes(frames, grid)
    crosses = _crosses(frames, grid)
    layers: list[Spec] = [*boxes, *crosses]
    order = [call for call in order_of(rare) if call not in COMMON]
    for call in reversed(order):
        layers.append(mark_layer(call, grid.marks(rare.filter(call=call)), _tips()))
    foot = grid.bottom + 24
    keys, texts, foot = key_layers([(c, rare.filter(call=c).height) for c in order], foot)
    shades, shade_texts, foot = _key(legend, foot + (20 if order else 0), crossed=bool(crosses))
    feet, height = feet_texts(foot + 22, note, simulated=simulated)
    heading = [title_text(clean(title))] if title else []
    layers += [*keys, *shades, *text_layers([*heading, *texts, *shade_texts, *feet])]
    drawn = rare.group_by("frame").len("cells_drawn")
    data = frames.join(drawn, on="frame", how="left", maintain_order="left").with_columns(
        pl.col("cells_drawn").fill_null(0).cast(pl.Int64)
    )
    words = alt or _alt(data, rare, order, clean(title))
    return Figure(name, clean(title), words, sheet(layers, height=height), data)


class _Grid:
    """Frames on the sheet: cartridge micrometres to pixels."""

    def __init__(
        self, frames: pl.DataFrame, wide: float, high: float, top: float, *, contiguous: bool
    ) -> None:
        places = frames.select("frame", "column", "row").iter_rows()
        self.places = {frame: (column, row) for frame, column, row in places}
        columns = max((c for c, _ in self.places.values()), default=0) + 1
        rows = max((r for _, r in self.places.values()), default=0) + 1
        self.gap = 0.0 if contiguous else 4.0
        room = RIGHT - LEFT - self.gap * (columns - 1)
        self.scale = min(room / (columns * wide), TALLEST / (rows * high))
        self.wide, self.high = wide * self.scale, high * self.scale
        self.contiguous, self.top = contiguous, top
        self.bottom = top + rows * self.high + (rows - 1) * self.gap

    def corner(self, frame: int) -> tuple[float, float]:
        """Upper left pixel of a frame."""
        column, row = self.places[frame]
        x, y = column * (self.wide + self.gap), row * (self.high + self.gap)
        return LEFT + x, self.top + y

    def marks(self, cells: pl.DataFrame) -> list[dict[str, object]]:
        """Cells as marks; a frame that is not on the map has none."""
        rows = []
        for cell in cells.iter_rows(named=True):
            if cell["frame"] not in self.places:
                continue
            x, y = (LEFT, self.top) if self.contiguous else self.corner(cell["frame"])
            rows.append(
                {
                    "call": style_of(cell["call"]).label,
                    "cell": clean(cell["cell_id"]),
                    "frame": cell["frame"],
                    "x": round(x + cell["x_um"] * self.scale, 2),
                    "y": round(y + cell["y_um"] * self.scale, 2),
                }
            )
        return rows


def _boxes(frames: pl.DataFrame, grid: _Grid) -> tuple[list[Spec], list[tuple[str, str]]]:
    """Frames in shades of their nuclei, and what each shade stands for."""
    most = max(frames["n_nuclei"].to_list(), default=0)
    step = max(1, math.ceil((most + 1) / len(SHADES)))
    tips = [tip("frame", "Frame", number="d"), tip("n_nuclei", "Nuclei", number=",")]
    layers, legend = [], []
    for i, shade in enumerate(SHADES):
        first, last = i * step, (i + 1) * step - 1
        part = frames.filter(pl.col("n_nuclei").is_between(first, last))
        rows = [_box(row, grid) for row in part.iter_rows(named=True)]
        if rows:
            layers.append(rect_layer(rows, tips, color=shade, stroke=theme.AXIS, strokeWidth=0.5))
            legend.append((shade, f"{first:,}" if step == 1 else f"{first:,}–{last:,}"))
    return layers, legend


def _box(row: Mapping[str, Any], grid: _Grid) -> dict[str, Any]:
    x, y = grid.corner(row["frame"])
    return {
        "frame": row["frame"],
        "n_nuclei": row["n_nuclei"],
        "x": round(x, 2),
        "y": round(y, 2),
        "x2": round(x + grid.wide, 2),
        "y2": round(y + grid.high, 2),
    }


def _crosses(frames: pl.DataFrame, grid: _Grid) -> list[Spec]:
    """Both diagonals of the frames that are out of focus."""
    rows = []
    for row in frames.filter("out_of_focus").iter_rows(named=True):
        box = _box(row, grid)
        x, y, x2, y2 = (box[side] for side in ("x", "y", "x2", "y2"))
        rows += [{"x": x, "y": y, "x2": x2, "y2": y2}, {"x": x, "y": y2, "x2": x2, "y2": y}]
    return [rule_layer(rows, color=theme.MUTED, strokeWidth=0.8)] if rows else []


def _key(
    legend: Sequence[tuple[str, str]], y: float, *, crossed: bool
) -> tuple[list[Spec], list[Text], float]:
    """Key of the shades and of the cross."""
    boxes, texts = [], [Text(LEFT, y, "Nuclei per frame:")]
    x = LEFT + texts[0].width() + 10
    for shade, words in legend:
        boxes.append((shade, {"x": x, "y": y - 10, "x2": x + 14, "y2": y + 1}))
        texts.append(Text(x + 19, y, words))
        x += 19 + texts[-1].width() + 16
    layers = [rect_layer([box], color=shade, stroke=theme.AXIS) for shade, box in boxes]
    if crossed:
        box = {"x": x, "y": y - 10, "x2": x + 14, "y2": y + 1}
        layers.append(
            rule_layer([box, {**box, "y": y + 1, "y2": y - 10}], color=theme.MUTED, strokeWidth=0.8)
        )
        texts.append(Text(x + 19, y, "out of focus"))
    return layers, texts, y


def _tips() -> list[Spec]:
    return [tip("call", "Call"), tip("cell", "Cell"), tip("frame", "Frame", number="d")]


def _alt(data: pl.DataFrame, rare: pl.DataFrame, order: Sequence[str], title: str) -> str:
    nuclei = data["n_nuclei"].to_list()
    words = f"{title}. {counted(data.height, 'frame')}"
    if nuclei:
        words += f" with {min(nuclei):,} to {max(nuclei):,} nuclei each"
    blurred = int(data["out_of_focus"].sum())
    words += f", {blurred:,} out of focus." if blurred else "."
    parts = []
    for call in order:
        part = rare.filter(call=call)
        frames = counted(part["frame"].n_unique(), "frame")
        parts.append(f"{style_of(call).label}: {counted(part.height, 'cell')} in {frames}")
    return f"{words} {'; '.join(parts) or 'No rare cells'}."
