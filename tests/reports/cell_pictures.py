"""A drawn cartridge of four classes of cells, for the gallery and the summary; nothing is real."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import expit

from ashworth.imaging.atlas import Atlas, atlas, display_scales
from ashworth.imaging.cartridge import Cartridge, Layout, Pixels, snake
from ashworth.imaging.channels import Channel
from ashworth.imaging.crops import crops

CHANNELS = (
    Channel("nucleus", "DAPI"),
    Channel("inclusion", "PE"),
    Channel("exclusion", "APC"),
    Channel("marker1", "FITC", "her2"),
)
PEAKS = {
    "ctc": (900, 1200, 0, 700),
    "ck_without_nucleus": (0, 900, 0, 200),
    "leukocyte": (800, 0, 500, 60),
    "unclassified_nucleus": (700, 0, 20, 0),
}
RADII = {"ctc": (7, 11), "ck_without_nucleus": (0, 5), "leukocyte": (6, 8)}
SIZE = 48


def drawn_cells(numbers: dict[str, int], *, seed: int = 1) -> pl.DataFrame:
    """Rows of cells at random places of a cartridge of 3 x 2 frames of 160 x 120 px."""
    rng = np.random.default_rng(seed)
    calls = [call for call, n in numbers.items() for _ in range(n)]
    n = len(calls)
    x, y = rng.uniform(0, 480, n), rng.uniform(0, 240, n)
    columns, rows = (x // 160).astype(int), (y // 120).astype(int)
    numbers_of = np.where(rows == 0, columns, 5 - columns) + 1
    return pl.DataFrame(
        {
            "cell_id": [f"{i + 1}" for i in range(n)],
            "call": calls,
            "frame": numbers_of,
            "x_um": x * 0.64,
            "y_um": y * 0.64,
            "score": rng.uniform(0.3, 1, n).round(3),
            "diameter_um": rng.normal(12, 1.5, n).round(1),
            "her2_class": [("0", "1+", "2+", "3+", None)[i % 5] for i in range(n)],
            "reasons": [[f"{c} by its gates", "CD45 0.4 of the leukocytes' median"] for c in calls],
        }
    )


def drawn_cartridge(cells: pl.DataFrame, *, sample: str = "drawn", seed: int = 2) -> Cartridge:
    """Draw soft discs on a noisy ground: nucleus, cytokeratin body, CD45 rim, HER2 rim."""
    rng = np.random.default_rng(seed)
    plane = rng.poisson(100, (4, 240, 480)).astype(np.float32)
    yy, xx = np.mgrid[:240, :480].astype(np.float32)
    for row in cells.iter_rows(named=True):
        x, y = row["x_um"] / 0.64, row["y_um"] / 0.64
        distance = np.hypot(xx - x, yy - y)
        inner, outer = RADII.get(row["call"], (6, 8))
        disc = expit(inner - distance) if inner else np.zeros_like(distance)
        body = expit(outer - distance)
        rim = np.exp(-(((distance - outer) / 1.8) ** 2))
        shapes = (disc, body, rim, rim)
        for channel, (shape, peak) in enumerate(zip(shapes, PEAKS[row["call"]], strict=True)):
            plane[channel] += peak * shape
    pixels: Pixels = np.clip(plane, 0, 4095).astype(np.uint16)
    layout = Layout(120, 160, (1, 2, 3, 4, 5, 6), snake(3, 2))

    def load(index: int) -> Pixels:
        x, y = layout.origin(index)
        return pixels[:, y : y + 120, x : x + 160]

    reason = "drawn for a test"
    return Cartridge(sample, "phantom", reason, CHANNELS, 0.64, layout, load, simulated=True)


def drawn_atlases(cartridge: Cartridge, cells: pl.DataFrame, *, max_rows: int = 64) -> list[Atlas]:
    """Sheets of every class, one display scale for all."""
    parts = cells.partition_by("call", maintain_order=True)
    pictures = [crops(cartridge, part, size_px=SIZE) for part in parts]
    scales = display_scales(pictures)
    return [
        atlas(
            picture,
            part["cell_id"].to_list(),
            cartridge.channels,
            scales,
            call=part["call"][0],
            pixel_size_um=cartridge.pixel_size_um,
            max_rows=max_rows,
        )
        for picture, part in zip(pictures, parts, strict=True)
    ]
