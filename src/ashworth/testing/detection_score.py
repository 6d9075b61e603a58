"""How a detector did on a phantom: software sensitivity and false calls against exact truth.

A statement about software, not about an assay: what the wet laboratory loses is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import KDTree

MATCH_UM = 6.0


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """Calls against truth on one phantom.

    Attributes
    ----------
    n_true, n_found, n_called, n_false : int
        Intact tumour cells in the phantom; those called ``ctc``; all cells called ``ctc``; those
        that are not one of the former.
    matched : polars.DataFrame
        Truth with `cell_id`, `call` of the cell that was matched (null where none was).
    """

    n_true: int
    n_found: int
    n_called: int
    n_false: int
    matched: pl.DataFrame

    @property
    def software_sensitivity(self) -> float:
        """Share of the intact tumour cells that were found; NaN without any."""
        return self.n_found / self.n_true if self.n_true else float("nan")


def score_detection(
    truth: pl.DataFrame, cells: pl.DataFrame, *, pixel_size_um: float = 0.64
) -> DetectionScore:
    """Match cells to the objects of a phantom, one to one, nearest first, within 6 micrometres.

    Parameters
    ----------
    truth : polars.DataFrame
        x_px, y_px (cartridge pixels), is_ctc and further columns.
    cells : polars.DataFrame
        cell_id, x_um, y_um, call.
    pixel_size_um : float
    """
    chosen = _match(truth, cells, pixel_size_um)
    ids = cells["cell_id"].to_list()
    calls = cells["call"].to_list()
    matched = truth.with_columns(
        cell_id=pl.Series([ids[k] if k >= 0 else None for k in chosen], dtype=pl.String),
        call=pl.Series([calls[k] if k >= 0 else None for k in chosen], dtype=pl.String),
    )
    found = matched.filter(pl.col("is_ctc") & (pl.col("call") == "ctc")).height
    called = calls.count("ctc")
    return DetectionScore(int(truth["is_ctc"].sum()), found, called, called - found, matched)


def _match(truth: pl.DataFrame, cells: pl.DataFrame, pixel_size_um: float) -> NDArray[np.int64]:
    """Row of the matched cell for every object, -1 without one."""
    chosen = np.full(truth.height, -1)
    if truth.is_empty() or cells.is_empty():
        return chosen
    objects = truth.select("x_px", "y_px").to_numpy().astype(float) * pixel_size_um
    places = cells.select("x_um", "y_um").to_numpy().astype(float)
    near = KDTree(objects).sparse_distance_matrix(
        KDTree(places), MATCH_UM, output_type="coo_matrix"
    )
    taken: set[int] = set()
    for k in np.lexsort((near.col, near.row, near.data)):
        object_, cell = int(near.row[k]), int(near.col[k])
        if chosen[object_] < 0 and cell not in taken:
            chosen[object_] = cell
            taken.add(cell)
    return chosen
