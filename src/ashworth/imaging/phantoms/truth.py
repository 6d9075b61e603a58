"""The truth beside the pixels: one row per object."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.imaging.cartridge import AssignedEvent, Layout
from ashworth.imaging.phantoms.spec import PhantomSpec


def truth_table(
    spec: PhantomSpec, layout: Layout, objects: pl.DataFrame, centre: NDArray[np.float64]
) -> pl.DataFrame:
    """Say what lies where.

    Returns
    -------
    polars.DataFrame
        object_id (from 1); kind; is_ctc (an intact CTC, which a perfect reader counts); x_px,
        y_px (pixels of the cartridge, the middle of its first pixel is 0, 0); frame (number of
        the frame that holds the middle); frames (numbers of all on which its disc of equal area
        lies); on_border (that disc crosses a seam or the outer edge); at_edge (the outer edge);
        diameter_um, nucleus_diameter_um (discs of equal area; null: none); dapi_counts (mean
        over the nucleus), ck_counts, cd45_counts (mean over the outline of the cell; a doublet's
        CD45 over that of its leukocyte), all above background at exposure and gain 1 without
        vignetting and bleed-through; her2_density (leukocytes' mean = 1); her2_class (0 to 3,
        HER2 by immunofluorescence; null: no class); cluster_id (null: alone).
    """
    x, y = centre[:, 0], centre[:, 1]
    radius = objects["diameter_um"].to_numpy() / (2 * spec.pixel_size_um)
    columns = max((c for c, _ in layout.places), default=0) + 1
    rows = max((r for _, r in layout.places), default=0) + 1
    number = np.zeros((rows, columns), np.int64)
    for n, (c, r) in zip(layout.numbers, layout.places, strict=True):
        number[r, c] = n
    column = _cells(x, radius, layout.width, columns)
    row = _cells(y, radius, layout.height, rows)
    frames = [
        sorted(number[r0 : r1 + 1, c0 : c1 + 1].ravel().tolist())
        for r0, r1, c0, c1 in zip(row[1], row[2], column[1], column[2], strict=True)
    ]
    at_edge = column[3] | row[3]
    place = pl.DataFrame(
        {
            "object_id": np.arange(1, len(x) + 1),
            "is_ctc": (objects["kind"] == "ctc").to_numpy(),
            "x_px": x,
            "y_px": y,
            "frame": number[row[0], column[0]],
            "frames": pl.Series(frames, dtype=pl.List(pl.Int64)),
            "on_border": at_edge | (column[1] < column[2]) | (row[1] < row[2]),
            "at_edge": at_edge,
        }
    )
    nucleus = pl.col("nucleus_diameter_um")
    shown = objects.with_columns(pl.when(nucleus > 0).then(nucleus).alias("nucleus_diameter_um"))
    return pl.concat([place, shown], how="horizontal").select(
        "object_id", "kind", *place.columns[1:], "diameter_um", "nucleus_diameter_um",
        "dapi_counts", "ck_counts", "cd45_counts", "her2_density", "her2_class", "cluster_id",
    )  # fmt: skip


def _cells(
    x: NDArray[np.float64], radius: NDArray[np.float64], size: int, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Grid cell of the middle, first and last cell that is reached, whether the outside is."""
    middle, low, high = (
        np.floor((v + 0.5) / size).astype(np.int64) for v in (x, x - radius, x + radius)
    )
    first, last = np.clip(low, 0, n - 1), np.clip(high, 0, n - 1)
    return np.clip(middle, 0, n - 1), first, last, (low < 0) | (high > n - 1)


PRESENTED = ("ctc", "apoptotic_ctc", "doublet", "ck_without_nucleus")
"""Kinds that an instrument shows to its operator."""


def read_events(truth: pl.DataFrame, pixel_size_um: float) -> tuple[AssignedEvent, ...]:
    """Give the events of an operator who makes no error: intact CTCs are assigned, others not.

    Boxes have twice the diameter, at least 24 pixels, and lie around the middle.
    """
    shown = truth.filter(pl.col("kind").is_in(PRESENTED)).sort("frame", "object_id")
    columns = ("object_id", "frame", "x_px", "y_px", "diameter_um", "is_ctc")
    return tuple(
        AssignedEvent(
            event_id=str(number),
            frame=frame,
            x=round(x - side / 2),
            y=round(y - side / 2),
            width=side,
            height=side,
            assigned=is_ctc,
            score=str(int(is_ctc)),
        )
        for number, frame, x, y, diameter, is_ctc in shown.select(columns).iter_rows()
        for side in (max(2 * round(diameter / pixel_size_um), 24),)
    )
