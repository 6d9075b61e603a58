"""Cells that two neighbouring frames both claim."""

from __future__ import annotations

import numpy as np
import polars as pl

SAME_CELL_UM = 3.0


def drop_doubles(cells: pl.DataFrame, pixel_size_um: float) -> pl.DataFrame:
    """Keep one row of each cell that was found from both sides of a seam.

    Two cells of different frames are the same when their centres lie closer than 3 micrometres
    and closer than a quarter of the smaller diameter plus one pixel; the larger stays.

    Parameters
    ----------
    cells : polars.DataFrame
        With `frame`, `x_um`, `y_um`, `diameter_um`, `border`.
    pixel_size_um : float

    Examples
    --------
    >>> twice = pl.DataFrame(
    ...     {
    ...         "frame": [1, 2, 2],
    ...         "x_um": [100.0, 100.4, 180.0],
    ...         "y_um": [50.0, 50.2, 50.0],
    ...         "diameter_um": [9.0, 8.5, 9.0],
    ...         "border": [True, True, True],
    ...     }
    ... )
    >>> drop_doubles(twice, 0.64)["frame"].to_list()
    [1, 2]
    """
    rows = cells.with_row_index("row").filter("border")
    rows = rows.sort("x_um").select("row", "frame", "x_um", "y_um", "diameter_um")
    row, frame, x, y, size = (rows[c].to_numpy() for c in rows.columns)
    keep = np.ones(cells.height, bool)
    for i in range(len(row)):
        j = i + 1
        while j < len(row) and x[j] - x[i] < SAME_CELL_UM:
            apart = np.hypot(x[j] - x[i], y[j] - y[i])
            limit = min(SAME_CELL_UM, min(size[i], size[j]) / 4 + pixel_size_um)
            if frame[i] != frame[j] and apart < limit and keep[row[i]] and keep[row[j]]:
                larger_first = (size[i], -frame[i]) >= (size[j], -frame[j])
                keep[row[j] if larger_first else row[i]] = False
            j += 1
    return cells.filter(pl.Series(keep))
