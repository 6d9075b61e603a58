"""Pictures of the cells of one cartridge."""

from __future__ import annotations

import polars as pl

from ashworth.imaging.atlas import Atlas, atlas, display_scales
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.crops import crops

SIZE_PX = 80
CLASSES = (
    "ctc", "apoptotic_ctc", "ck_without_nucleus", "doublet", "unclassified_nucleus", "leukocyte",
    "artefact", "not_evaluable",
)  # fmt: skip
FEW = {"unclassified_nucleus": 60, "leukocyte": 60, "not_evaluable": 60}


def chosen_cells(cells: pl.DataFrame, *, at_most: int) -> pl.DataFrame:
    """Choose the cells to be shown: of each class those with the highest score.

    Of leukocytes, unclassified nuclei and cells that are not evaluable 60 are enough.

    Parameters
    ----------
    cells : polars.DataFrame
        cell_id, frame, x_um, y_um, call, score.
    at_most : int
        Of each class.
    """
    parts = [
        cells.filter(pl.col("call") == call)
        .sort("score", "cell_id", descending=[True, False], nulls_last=True)
        .head(min(at_most, FEW.get(call, at_most)))
        for call in CLASSES
    ]
    return pl.concat(parts)


def make_atlases(cartridge: Cartridge, cells: pl.DataFrame, *, at_most: int) -> list[Atlas]:
    """Cut out the chosen cells and put them on sheets, one brightness for all."""
    chosen = chosen_cells(cells, at_most=at_most)
    if chosen.is_empty():
        return []
    pictures = crops(cartridge, chosen, size_px=SIZE_PX)
    groups = {c: (chosen["call"] == c).to_numpy() for c in CLASSES}
    shown = {c: rows for c, rows in groups.items() if rows.any()}
    cells_only = [rows for c, rows in shown.items() if c != "artefact"] or list(shown.values())
    scales = display_scales([pictures[rows] for rows in cells_only])
    return [
        atlas(
            pictures[rows], chosen.filter(pl.Series(rows))["cell_id"].to_list(),
            cartridge.channels, scales, call=call, pixel_size_um=cartridge.pixel_size_um,
        )
        for call, rows in shown.items()
    ]  # fmt: skip
