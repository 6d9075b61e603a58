"""Make the pictures of docs/explanation/one-cell.md from a simulated cartridge.

Usage: python docs/images/one_cell_pictures.py
Every picture comes from the same phantom as the page's examples: `SPEC` and `SEED` stand there too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray
from one_cell_charts import gates_chart, profile_chart, threshold_chart
from picture_sheet import LINE, Grey, Sheet, composite, grey

from ashworth.classification import call_cells
from ashworth.imaging import Cartridge, Detection, PhantomSpec, detect, phantom, segment
from ashworth.imaging.atlas import COLOURS
from ashworth.imaging.background import subtract_background
from ashworth.imaging.detection import MARGIN_PX
from ashworth.imaging.obstacles import obstacle_mask
from ashworth.imaging.phantoms import with_blob, with_vignetting
from ashworth.imaging.segmentation import Segmented, smoothed
from ashworth.imaging.territories import annuli
from ashworth.imaging.windows import FrameStore

HERE = Path(__file__).resolve().parent
SPEC = PhantomSpec(
    frames=6, frame_width=480, frame_height=400, tumour_cells=5, tumour_cells_on_seams=1,
    cluster_share=0.0, nuclei_per_frame=22, apoptotic_ctcs=0, doublets=1, ck_bodies=3, debris=3,
    min_gap_um=6.0,
)  # fmt: skip
SEED = 4
FOLLOWED = (149, 268)
"""Pixel of the cell that the page follows, on frame 1."""
BLOB = 4000.0
HALF = 30
NAMES = ("DAPI: nucleus", "PE: cytokeratin", "APC: CD45", "FITC: HER2")
WHITE = (700.0, 700.0, 250.0, 100.0)
"""Counts above background that are shown white, by channel; 8 are black. For every picture."""
RGB = [COLOURS[role] for role in ("nucleus", "inclusion", "exclusion", "marker1")]


@dataclass(frozen=True)
class Seen:
    """A window of a frame with everything that was found on it."""

    above: NDArray[np.float32]
    smooth: NDArray[np.float32]
    segmented: Segmented
    around: NDArray[np.bool_]
    top: int
    left: int


def main() -> None:
    """Write all pictures."""
    made = phantom(SPEC, SEED)
    found = detect(made.cartridge)
    calls = call_cells(found.cells)
    cells = found.cells.join(calls.calls, on="cell_id", maintain_order="left")
    first = seen(made.cartridge, found, 0)
    frame_picture(first)
    outline_picture(first)
    seam_picture(made.cartridge, found, cells)
    doublet_picture(made.cartridge, found, cells)
    blob_picture(made.cartridge)
    wall_picture()
    profile_chart(HERE, profile(made.cartridge))
    threshold_chart(HERE, first.smooth[1], found, calls, at(cells, *FOLLOWED))
    gates_chart(HERE, cells, calls, at(cells, *FOLLOWED))


def at(cells: pl.DataFrame, x_px: float, y_px: float) -> dict[str, object]:
    """Row of the cell nearest to a pixel of the cartridge."""
    away = (pl.col("x_um") / SPEC.pixel_size_um - x_px) ** 2
    away += (pl.col("y_um") / SPEC.pixel_size_um - y_px) ** 2
    return cells.sort(away).row(0, named=True)


def seen(cartridge: Cartridge, found: Detection, index: int) -> Seen:
    """Look at one frame as `detect` does."""
    settings = found.settings
    window = FrameStore(cartridge, [index], MARGIN_PX).window(index)
    above = window.above.copy()
    smooth = smoothed(above, settings.smoothing_px)
    segmented = segment(smooth, settings)
    lists = annuli(segmented.cells, smooth, settings.thresholds, reach=settings.reach)
    around = np.zeros(above.shape[1:], bool)
    around.reshape(-1)[lists.position] = True
    return Seen(above, smooth, segmented, around, window.top, window.left)


def cut(plane: NDArray, x: int, y: int, half: int = HALF) -> NDArray:
    """Square round a pixel."""
    return plane[..., y - half : y + half, x - half : x + half]


def greys(above: NDArray[np.float32]) -> list[Grey]:
    """All channels at the brightness that every picture has."""
    return [grey(plane, 8, white) for plane, white in zip(above, WHITE, strict=True)]


def frame_picture(first: Seen) -> None:
    """Four channels of a frame, and the followed cell in each."""
    sheet = Sheet(760, 916)
    above = first.above[:, : SPEC.frame_height, : SPEC.frame_width]
    x, y = FOLLOWED
    for k, plane in enumerate(greys(above)):
        left, top = 384 * (k % 2), 24 + 344 * (k // 2)
        sheet.picture(plane, left, top, 376 / 480, NAMES[k])
        s = 376 / 480
        sheet.box(left + (x - HALF) * s, top + (y - HALF) * s, 60 * s, 60 * s, LINE["cell"])
        sheet.picture(cut(plane, x, y), 192 * k, 712, 184 / 60, NAMES[k])
    sheet.scale_bar(384 + 12, 24 + 300, 376 / 480 / SPEC.pixel_size_um, 50)
    sheet.scale_bar(10, 712 + 172, 184 / 60 / SPEC.pixel_size_um, 10)
    sheet.save(HERE / "one-cell-frame.webp", quality=70)


def outline_picture(first: Seen) -> None:
    """Nucleus, body, cell and local background of the followed cell."""
    x, y = FOLLOWED
    sheet, scale = Sheet(760, 836), 6.2
    planes = [cut(p, x, y) for p in greys(first.above)]
    labels = cut(first.segmented.cells, x, y)
    nuclei = cut(first.segmented.nuclei, x, y)
    mine = labels[HALF, HALF]
    body = cut(first.segmented.bodies, x, y) == cut(first.segmented.bodies, x, y)[HALF, HALF]
    around = cut(first.around, x, y)
    titles = ("1  nucleus, on DAPI", "2  cytokeratin above its threshold", "3  cell and nucleus",
              "4  pixels of the local background")  # fmt: skip
    corners = [(0, 24), (388, 24), (0, 438), (388, 438)]
    both = composite(planes[:3], RGB[:3])
    for (left, top), picture, title in zip(
        corners, (planes[0], planes[1], both, planes[1]), titles, strict=True
    ):
        sheet.picture(picture, left, top, scale, title)
    sheet.outline(nuclei == mine, *corners[0], scale, LINE["nucleus"])
    sheet.outline(body, *corners[1], scale, LINE["body"], dash="5 4")
    sheet.outline(labels == mine, *corners[1], scale, LINE["cell"])
    sheet.outline(labels == mine, *corners[2], scale, LINE["cell"])
    sheet.outline(nuclei == mine, *corners[2], scale, LINE["inner"], dash="3 3")
    near = np.hypot(*np.mgrid[-HALF:HALF, -HALF:HALF]) < 20
    ring = around & near
    sheet.outline(ring, *corners[3], scale, LINE["body"], width=1, fill="#e69f0066")
    sheet.outline(labels == mine, *corners[3], scale, LINE["cell"])
    sheet.scale_bar(10, 24 + 355, scale / SPEC.pixel_size_um, 10)
    sheet.save(HERE / "one-cell-outlines.webp")


def seam_picture(cartridge: Cartridge, found: Detection, cells: pl.DataFrame) -> None:
    """A cell on the seam of two frames, as frames and as a window show it."""
    row = at(cells, 477, 541)
    index = cartridge.layout.numbers.index(int(row["frame"]))
    window = seen(cartridge, found, index)
    left, top = cartridge.layout.origin(index)
    x = round(row["x_um"] / SPEC.pixel_size_um) - left + window.left
    y = round(row["y_um"] / SPEC.pixel_size_um) - top + window.top
    seam = SPEC.frame_width + window.left - (x - HALF)
    picture = composite([cut(p, x, y) for p in greys(window.above)][:3], RGB[:3])
    sheet, scale = Sheet(760, 412), 5.9
    sheet.picture(picture[:, :seam], 0, 28, scale, "what frame 6 has")
    sheet.picture(picture[:, seam:], seam * scale + 30, 28, scale, "what frame 5 has")
    right = 760 - 60 * scale
    sheet.picture(picture, right, 28, scale, "what the window of frame 6 shows")
    labels = cut(window.segmented.cells, x, y)
    nuclei = cut(window.segmented.nuclei, x, y)
    mine = labels[HALF, HALF]
    sheet.outline(labels == mine, right, 28, scale, LINE["cell"])
    sheet.outline(nuclei == mine, right, 28, scale, LINE["inner"], dash="3 3")
    at_seam = right + seam * scale
    sheet.line(at_seam, 28, at_seam, 28 + 60 * scale, "#ffffff", "4 5")
    sheet.scale_bar(right + 10, 370, scale / SPEC.pixel_size_um, 10)
    sheet.save(HERE / "one-cell-seam.webp")


def doublet_picture(cartridge: Cartridge, found: Detection, cells: pl.DataFrame) -> None:
    """A leukocyte on a cell with cytokeratin."""
    row = cells.filter(pl.col("call") == "doublet").row(0, named=True)
    index = cartridge.layout.numbers.index(int(row["frame"]))
    window = seen(cartridge, found, index)
    left, top = cartridge.layout.origin(index)
    x = round(row["x_um"] / SPEC.pixel_size_um) - left + window.left
    y = round(row["y_um"] / SPEC.pixel_size_um) - top + window.top
    mine = window.segmented.cells[y, x]
    x = min(x, window.above.shape[2] - HALF)
    sheet, scale = Sheet(760, 232), 184 / 60
    labels, nuclei = cut(window.segmented.cells, x, y), cut(window.segmented.nuclei, x, y)
    planes = [cut(p, x, y) for p in greys(window.above)][:3]
    shown = [*planes, composite(planes, RGB[:3])]
    for k, (plane, name) in enumerate(zip(shown, (*NAMES[:3], "together"), strict=True)):
        sheet.picture(plane, 192 * k, 24, scale, name)
        sheet.outline(labels == mine, 192 * k, 24, scale, LINE["cell"])
    sheet.outline(nuclei == mine, 0, 24, scale, LINE["nucleus"])
    sheet.scale_bar(10, 196, scale / SPEC.pixel_size_um, 10)
    sheet.save(HERE / "one-cell-doublet.webp")


def blob_picture(cartridge: Cartridge) -> None:
    """The followed cell without and with a blob near by."""
    x, y = FOLLOWED
    sheet, scale = Sheet(760, 424), 372 / 160
    for k, (counts, title) in enumerate(((0.0, "without a blob"), (BLOB, "with a blob of 4000"))):
        changed = with_blob(cartridge, counts, x_px=x + 50, y_px=y + 20) if counts else cartridge
        found = detect(changed)
        window = seen(changed, found, 0)
        plane = cut(greys(window.above)[1], x + 20, y, 80)
        sheet.picture(plane, 388 * k, 24, scale, f"PE: cytokeratin, {title}")
        labels = cut(window.segmented.cells, x + 20, y, 80)
        sheet.outline(labels == labels[80, 60], 388 * k, 24, scale, LINE["cell"])
    sheet.scale_bar(10, 24 + 352, scale / SPEC.pixel_size_um, 20)
    sheet.save(HERE / "one-cell-blob.webp")


def wall_picture() -> None:
    """The wall of the cartridge at the left of a frame, and what is masked."""
    made = phantom(replace(SPEC, edge_counts=700.0, edge_width_px=70.0), SEED)
    found = detect(made.cartridge)
    window = seen(made.cartridge, found, 0)
    noise = [level.noise for level in found.levels.values()]
    mask = obstacle_mask(window.smooth, noise, pixel_size_um=SPEC.pixel_size_um)
    sheet, scale = Sheet(760, 362), 376 / 480
    raw = made.cartridge.load(0)
    for k, title in enumerate(("DAPI, as it is", "masked: nothing is looked for")):
        plane = grey(raw[0].astype(np.float32), 150, 1000)
        sheet.picture(plane, 384 * k, 24, scale, title)
    if mask is not None:
        inside = mask[: SPEC.frame_height, : SPEC.frame_width]
        sheet.outline(inside, 384, 24, scale, LINE["body"], fill="#e69f0077")
    sheet.scale_bar(302, 24 + 296, scale / SPEC.pixel_size_um, 50)
    sheet.save(HERE / "one-cell-wall.webp", quality=60, scale=1.3)


def profile(cartridge: Cartridge) -> pl.DataFrame:
    """Counts and background on a line of pixels through the cell, with and without a blob."""
    x, y = FOLLOWED
    shaded = with_vignetting(cartridge, 0.3)
    blobbed = with_blob(shaded, BLOB, x_px=x + 190, y_px=y)
    tables = []
    for name, source in (("without a blob", shaded), ("with a saturated blob", blobbed)):
        plane = source.load(0)[1]
        surface = plane - subtract_background(plane)
        tables.append(
            pl.DataFrame(
                {
                    "x_um": np.arange(plane.shape[1]) * SPEC.pixel_size_um,
                    "counts": plane[y].astype(float),
                    "background": surface[y].astype(float),
                    "frame": name,
                }
            )
        )
    return pl.concat(tables)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
