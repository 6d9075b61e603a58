"""Cartridges to calls against scikit-image: per frame, a whole cartridge, the bright-blob sweep.

All images are simulated. scikit-image is imported only where it runs, so that the memory of a
cartridge is ours. Each figure is given as wall and as processor seconds, since other
programs may share the machine; best of some repeats.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.spatial import KDTree

from ashworth.classification.gates import Calls, call_cells
from ashworth.imaging.cartridge import Cartridge, Layout, snake
from ashworth.imaging.detection import Detection, detect
from ashworth.imaging.phantoms import BLOB_SWEEP, PhantomSpec, blob_frame, phantom
from ashworth.imaging.readers import open_folder
from ashworth.imaging.writers.tiff_folder import write_tiff

FRAMES, COLUMNS, ROWS, DISTINCT = 175, 35, 5, 35
BUDGETS, CORES = {"none": 8.0, "lzw": 14.0}, {"none": 1, "lzw": 2}
BUDGET_GIB = 1.0
PUBLISHED = {0: (10, 63), 1000: (10, 63), 2000: (9, 63), 4000: (6, 63), 16000: (0, 26)}
"""ACCEPT under GNU Octave on another simulated frame of 11 CTCs and 63 nuclei: CK objects,
nuclei found, by counts of the blob (a published measurement, not run here)."""
SAME_PX = 6.0


@dataclass(frozen=True, slots=True)
class Timed:
    """Shortest wall and processor seconds of some repeats, and the last result."""

    wall: float
    cpu: float
    result: Any


def timed(task: Callable[[], Any], repeats: int) -> Timed:
    """Run a task some times; all its threads count as processor time."""
    wall = cpu = float("inf")
    result = None
    for _ in range(repeats):
        w, c = time.perf_counter(), time.process_time()
        result = task()
        wall, cpu = min(wall, time.perf_counter() - w), min(cpu, time.process_time() - c)
    return Timed(wall, cpu, result)


def crowded(n: int) -> PhantomSpec:
    """Specify n frames with about 120 events each."""
    return PhantomSpec(frames=n, tumour_cells=3 * n, nuclei_per_frame=110.0)


def in_memory(cartridge: Cartridge) -> Cartridge:
    """Render a phantom's frames once."""
    frames = [cartridge.load(i) for i in range(len(cartridge.layout))]
    return cartridge.with_load(frames.__getitem__)


def detected_and_called(cartridge: Cartridge, *, read_ahead: bool) -> tuple[Detection, Calls]:
    """Do all that counts need."""
    found = detect(cartridge, read_ahead=read_ahead)
    return found, call_cells(found.cells)


def per_frame(*, quick: bool) -> None:
    """Print seconds per frame of both, frames in memory, one thread."""
    from skimage_pipeline import analyse

    n, peer_frames = (6, 2) if quick else (35, 6)
    made = phantom(crowded(n), 1)
    cartridge = in_memory(made.cartridge)
    first = timed(lambda: detected_and_called(cartridge, read_ahead=False), 1)
    ours = timed(lambda: detected_and_called(cartridge, read_ahead=False), 3 if quick else 5)
    peer = timed(lambda: [analyse(cartridge.load(i)) for i in range(peer_frames)], 2)
    found, _ = ours.result
    truth = made.truth.filter(pl.col("nucleus_diameter_um") > 0, pl.col("frame") <= peer_frames)
    mine = found.cells.filter(pl.col("frame") <= peer_frames, pl.col("nuclei") > 0)
    theirs = sum(len(f.nuclei["label"]) for f in peer.result)
    print(f"compiled code loaded (or compiled, once): {first.wall - ours.wall:.1f} s")
    print(f"nuclei in {peer_frames} frames: {truth.height} true, {mine.height} ours, {theirs} peer")
    print("\n| per frame and core, ms | wall | processor |\n|---|---|---|")
    print(f"| ours ({found.cells.height / n:.0f} cells a frame) | {ms(ours.wall / n)} |", end="")
    print(f" {ms(ours.cpu / n)} |")
    print(f"| scikit-image | {ms(peer.wall / peer_frames)} | {ms(peer.cpu / peer_frames)} |")
    ratio = [(p / peer_frames) / (o / n) for p, o in ((peer.wall, ours.wall), (peer.cpu, ours.cpu))]
    print(f"| scikit-image / ours | {ratio[0]:.0f} | {ratio[1]:.0f} |\n", flush=True)


def ms(seconds: float) -> str:
    """Milliseconds."""
    return f"{seconds * 1e3:.1f}"


def repeated(cartridge: Cartridge) -> Cartridge:
    """A full cartridge that shows each of a smaller one's frames several times."""
    n = len(cartridge.layout)
    size = cartridge.layout.height, cartridge.layout.width
    layout = Layout(*size, tuple(range(1, FRAMES + 1)), snake(COLUMNS, ROWS))
    load = cartridge.load
    return replace(cartridge, layout=layout, events=(), load=lambda i: load(i % n))


def whole_cartridge(*, quick: bool) -> None:
    """Print seconds and memory of a cartridge on disk, in a process of its own."""
    cartridge = in_memory(phantom(crowded(DISTINCT), 2).cartridge)
    full = cartridge if quick else repeated(cartridge)
    n = len(full.layout)
    print(
        f"| {n} frames on disk | cores | wall, s | processor, s | peak GiB | cells | CTC | budget |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for compression, budget in BUDGETS.items():
            place = Path(folder) / compression
            write_tiff(full, place, compression=None if compression == "none" else "lzw")
            row = measured(place, CORES[compression], 1 if quick else 2)
            print(
                f"| {compression} | {CORES[compression]} | {row['wall']:.1f} | {row['cpu']:.1f} | "
                f"{row['peak_gib']:.2f} | {row['cells']} | {row['ctc']} | "
                f"{budget * n / FRAMES:.1f} s, {BUDGET_GIB:.0f} GiB |",
                flush=True,
            )
    print()


def measured(folder: Path, cores: int, repeats: int) -> dict[str, float]:
    """Run `enumerate_folder` in fresh processes; best times, highest memory."""
    command = [sys.executable, str(Path(__file__).resolve()), str(folder), str(cores)]
    rows = []
    for _ in range(repeats):
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rows.append(json.loads(text))
    best = {k: min(row[k] for row in rows) for k in ("wall", "cpu", "cells", "ctc")}
    return best | {"peak_gib": max(row["peak_gib"] for row in rows)}


def enumerate_folder(folder: Path, cores: int) -> None:
    """Print what a folder costs, on so many cores; compiled code is loaded before."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    small = phantom(replace(crowded(2), frame_width=700, frame_height=500), 3).cartridge
    detected_and_called(small, read_ahead=True)
    done = timed(lambda: detected_and_called(open_folder(folder), read_ahead=True), 1)
    found, calls = done.result
    peak = own_peak_gib()
    ctc = int((calls.calls["call"] == "ctc").sum())
    row = {"wall": done.wall, "cpu": done.cpu, "peak_gib": peak}
    print(json.dumps(row | {"cells": found.cells.height, "ctc": ctc}))


def own_peak_gib() -> float:
    """Largest resident size of this program, GiB.

    Not `ru_maxrss`: that is handed on by the program which started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 2**20


def matched(truth: pl.DataFrame, x_px: np.ndarray, y_px: np.ndarray) -> int:
    """Found objects that are the nearest, within six pixels, of a true one."""
    if not len(x_px):
        return 0
    places = truth.select("x_px", "y_px").to_numpy()
    distance, near = KDTree(np.column_stack([x_px, y_px])).query(places)
    return len(set(near[distance < SAME_PX].tolist()))


def blob_row(counts: float) -> tuple[int, ...]:
    """Cytokeratin objects and nuclei found by us, and by the peer, with a blob of `counts`."""
    from skimage_pipeline import analyse

    made = blob_frame(counts)
    nuclei = made.truth.filter(pl.col("nucleus_diameter_um") > 0)
    ctc = nuclei.filter("is_ctc")
    found, calls = detected_and_called(made.cartridge, read_ahead=False)
    cells = found.cells.join(calls.calls, on="cell_id")
    peer = analyse(made.cartridge.load(0))
    out: list[int] = []
    for table in (cells.filter(pl.col("call") == "ctc"), cells.filter(pl.col("nuclei") > 0)):
        place = table.select("x_um", "y_um").to_numpy().T / made.cartridge.pixel_size_um
        out.append(matched(nuclei if len(out) else ctc, *place))
    out.append(matched(ctc, peer.bodies["centroid-1"], peer.bodies["centroid-0"]))
    out.append(matched(nuclei, peer.nuclei["centroid-1"], peer.nuclei["centroid-0"]))
    return tuple(out)


def blob_sweep() -> None:
    """Print what is found beside a blob of rising brightness."""
    print("11 CTCs, 63 nuclei and a blob of 12 px radius in one frame: CTC (CK bodies) / nuclei")
    print("| blob, counts | ours | scikit-image | ACCEPT (published measurement) |")
    print("|---|---|---|---|")
    for counts in BLOB_SWEEP:
        a, b, c, d = blob_row(counts)
        ck, dna = PUBLISHED[int(counts)]
        print(f"| {counts:.0f} | {a} / {b} | {c} / {d} | {ck} / {dna} |", flush=True)


def run(*, quick: bool = False) -> None:
    """Print the tables."""
    print("All images are simulated (research use).\n")
    per_frame(quick=quick)
    whole_cartridge(quick=quick)
    blob_sweep()


if __name__ == "__main__":
    enumerate_folder(Path(sys.argv[1]), int(sys.argv[2]))
