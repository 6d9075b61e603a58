"""Small simulated cartridges on disk, made once and copied."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ashworth.imaging.phantoms import Phantom, PhantomSpec, phantom
from ashworth.imaging.writers import write_folder

SMALL = PhantomSpec(
    frames=4,
    frame_width=400,
    frame_height=320,
    tumour_cells=3,
    nuclei_per_frame=25,
    cluster_share=0.0,
    clump_share=0.0,
    apoptotic_ctcs=0,
    doublets=0,
    ck_bodies=1,
    debris=1,
    min_gap_um=4.0,
)


@cache
def small_phantom(seed: int = 1, **knobs: Any) -> Phantom:
    """A cartridge of four small frames with three tumour cells."""
    from dataclasses import replace

    return phantom(replace(SMALL, **knobs), seed)


def small_folder(place: Path, seed: int = 1, *, format: Any = "CellTracks", **knobs: Any) -> Path:
    """Write a small cartridge as an image folder."""
    place.parent.mkdir(parents=True, exist_ok=True)
    return write_folder(small_phantom(seed, **knobs).cartridge, place, format=format)
