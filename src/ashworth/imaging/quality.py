"""Whether a cartridge's images can be read at all, and what a reader should look at."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.detection import Detection

MOST_SATURATED = 0.2
MOST_UNREADABLE = 0.1
MOST_MASKED = 0.05
NEEDED = ("nucleus", "inclusion", "exclusion")


@dataclass(frozen=True, slots=True)
class Quality:
    """State of a cartridge's images.

    Attributes
    ----------
    measures : polars.DataFrame
        measure, value, unit, flag (true where a person should look).
    frames : polars.DataFrame
        frame, column, row, n_nuclei, focus, out_of_focus.
    void : str
        Why nothing can be read from the images; empty where something can.
    """

    measures: pl.DataFrame
    frames: pl.DataFrame
    void: str

    def table(self) -> pl.DataFrame:
        """Return the measures."""
        return self.measures


def quality(cartridge: Cartridge, detection: Detection) -> Quality:
    """Judge the images of a cartridge.

    A frame without any variation in a channel that calls need is as good as missing, and a
    cartridge with one is void; so is one of which more than a tenth of the frames have more than
    a fifth of their pixels saturated. A frame is out of focus where the median sharpness of its
    nuclei lies below 60 % of the cartridge's.
    """
    frames = _frames(cartridge, detection)
    flat, saturated = _unreadable(cartridge, detection)
    rows: list[tuple[str, float, str, bool]] = []
    for channel in cartridge.channels:
        mean = detection.frames[f"{channel.prefix}_saturated"].mean()
        share = float(mean) if isinstance(mean, float) else 0.0
        rows.append((f"saturated pixels, {channel.name}", 100 * share, "%", share > 0.001))
    n = max(detection.cells.height, 1)
    on_border = int(detection.cells["border"].sum())
    layout, px = cartridge.layout, cartridge.pixel_size_um
    masked = detection.masked_um2 / (len(layout) * layout.height * layout.width * px**2)
    blurred = int(frames["out_of_focus"].sum())
    rows += [
        ("frames without signal", float(len(flat)), "frames", bool(flat)),
        ("saturated frames", float(len(saturated)), "frames", bool(saturated)),
        ("frames out of focus", float(blurred), "frames", blurred > 0.1 * frames.height),
        ("area masked (wall, bubbles)", 100 * masked, "%", masked > MOST_MASKED),
        ("objects on a border", 100 * on_border / n, "%", False),
    ]
    schema = ["measure", "value", "unit", "flag"]
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return Quality(table, frames, _void(flat, saturated, frames.height))


def _unreadable(cartridge: Cartridge, detection: Detection) -> tuple[list[int], list[int]]:
    """Numbers of the frames without signal, and of the saturated ones."""
    needed = [c.prefix for c in cartridge.channels if c.role in NEEDED]
    if not needed:
        return [], []
    flat = pl.any_horizontal(f"{p}_flat" for p in needed)
    saturated = pl.any_horizontal(pl.col(f"{p}_saturated") > MOST_SATURATED for p in needed)
    states = detection.frames
    return (
        states.filter(flat & ~saturated)["frame"].to_list(),
        states.filter(saturated)["frame"].to_list(),
    )


def _void(flat: list[int], saturated: list[int], n_frames: int) -> str:
    """Why nothing can be read; empty where something can."""
    if not flat and len(saturated) <= MOST_UNREADABLE * n_frames:
        return ""
    parts = []
    for what, frames in (("without any signal", flat), ("saturated", saturated)):
        if frames:
            parts.append(f"{len(frames)} of {n_frames} frames {what}")
    return "; ".join(parts)


def _frames(cartridge: Cartridge, detection: Detection) -> pl.DataFrame:
    """Place, nuclei and focus of every frame."""
    layout = cartridge.layout
    places = layout.places or tuple((i, 0) for i in range(len(layout)))
    base = pl.DataFrame(
        {
            "frame": list(layout.numbers),
            "column": [c for c, _ in places],
            "row": [r for _, r in places],
        }
    )
    nuclei = detection.cells.filter(pl.col("nucleus_um2") > 0)
    focus = pl.col("focus") if "focus" in nuclei.columns else pl.lit(None, pl.Float64)
    found = nuclei.group_by("frame").agg(n_nuclei=pl.len().cast(pl.Int64), focus=focus.median())
    table = base.join(found, on="frame", how="left", maintain_order="left")
    typical = table["focus"].median()
    limit = 0.6 * float(typical) if isinstance(typical, float) else 0.0
    return table.with_columns(
        pl.col("n_nuclei").fill_null(0),
        out_of_focus=((pl.col("focus") < limit) & (pl.col("n_nuclei") >= 5)).fill_null(False),
    )
