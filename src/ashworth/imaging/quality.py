"""Whether a cartridge's images can be read at all, and what a reader should look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.detection import Detection
from ashworth.imaging.thresholds import pilot_indices

_STEP = 4
MOST_SATURATED = 0.2


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

    A channel without any variation, or with more than a fifth of its pixels saturated, in every
    pilot frame makes the cartridge void. A frame is out of focus where the median sharpness of
    its nuclei lies below 60 % of the cartridge's.
    """
    states = [_channel_state(cartridge, c) for c in range(len(cartridge.channels))]
    void = "; ".join(
        f"{channel.name}: {what}"
        for channel, (what, _) in zip(cartridge.channels, states, strict=True)
        if what and channel.role in ("nucleus", "inclusion", "exclusion")
    )
    frames = _frames(cartridge, detection)
    rows: list[tuple[str, float, str, bool]] = [
        (f"saturated pixels, {channel.name}", 100 * share, "%", share > 0.001)
        for channel, (_, share) in zip(cartridge.channels, states, strict=True)
    ]
    n = max(detection.cells.height, 1)
    on_border = int(detection.cells["border"].sum())
    blurred = int(frames["out_of_focus"].sum())
    rows += [
        ("frames out of focus", float(blurred), "frames", blurred > 0.1 * frames.height),
        ("area masked (wall, bubbles)", detection.masked_um2 / 1e6, "mm²", False),
        ("objects on a border", 100 * on_border / n, "%", False),
    ]
    schema = ["measure", "value", "unit", "flag"]
    return Quality(pl.DataFrame(rows, schema=schema, orient="row"), frames, void)


def _channel_state(cartridge: Cartridge, c: int) -> tuple[str, float]:
    """What makes a channel unreadable ('' if nothing does), and its share of saturated pixels."""
    saturation = cartridge.channels[c].saturation
    shares, flat = [], []
    for index in pilot_indices(len(cartridge.layout), at_most=5):
        pixels = cartridge.load(index)[c, ::_STEP, ::_STEP]
        full = saturation or float(np.iinfo(pixels.dtype).max)
        shares.append(float((pixels >= full).mean()))
        flat.append(pixels.min() == pixels.max())
    if all(share > MOST_SATURATED for share in shares):
        return "every frame saturated", float(np.mean(shares))
    if all(flat):
        return "every frame without any signal", float(np.mean(shares))
    return "", float(np.mean(shares))


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
