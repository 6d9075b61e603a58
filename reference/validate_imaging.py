"""Counts, calls and HER2 on phantom cartridges of two independent generators, at full size.

Writes docs/explanation/imaging-validation.md. With an argument N only N seeds are run; the page
is then printed and not written.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ashworth.classification import call_cells, score_her2
from ashworth.imaging import Cartridge, PhantomSpec, detect, phantom
from ashworth.imaging.phantoms import (
    with_8_bit_stretch,
    with_blob,
    with_gain,
    with_offset,
    with_vignetting,
)
from ashworth.testing.detection_score import score_detection
from ashworth.testing.independent_phantoms import IndependentSpec, independent_phantom
from ashworth.version import __version__

PAGE = Path(__file__).resolve().parents[1] / "docs/explanation/imaging-validation.md"
COUNTS = (0, 1, 2, 5, 10, 50, 500)
GENERATORS = ("own", "independent")
SEEDS = 20
OFFSETS = {"own": (120.0, 150.0, 140.0, 160.0), "independent": (140.0,) * 4}


@dataclass(frozen=True)
class Task:
    """One cartridge to be made and read."""

    generator: str
    n_ctc: int
    seed: int
    columns: int = 7
    rows: int = 5
    change: str = "none"
    her2: str = "negative"


@dataclass(frozen=True)
class Row:
    """What was found on it."""

    task: Task
    true: int
    found: int
    called: int
    false: int
    apoptotic_true: int
    apoptotic_called_ctc: int
    her2: tuple[tuple[int, int], ...]


MIXES = {"negative": (0.5, 0.5, 0.0, 0.0), "ladder": (0.25, 0.25, 0.25, 0.25)}
CHANGES: dict[str, Callable[[Cartridge, Any], Cartridge]] = {
    "none": lambda c, _: c,
    "gain x 0.5": lambda c, o: with_gain(c, 0.5, offset=o),
    "gain x 2": lambda c, o: with_gain(c, 2.0, offset=o),
    "offset + 60": lambda c, _: with_offset(c, 60.0),
    "offset - 60": lambda c, _: with_offset(c, -60.0),
    "vignetting 30 %": lambda c, o: with_vignetting(c, 0.3, offset=o),
    "blob of 16000 counts": lambda c, _: with_blob(c, 16000.0, x_px=700.0, y_px=500.0),
    "8-bit pages": lambda c, _: with_8_bit_stretch(c),
}


def made(task: Task) -> tuple[Cartridge, pl.DataFrame]:
    """The phantom of a task, changed as it says; a blank one has no tumour object at all."""
    rare = 0 if task.n_ctc == 0 else 2
    if task.generator == "own":
        spec = PhantomSpec(
            frames=task.columns * task.rows, tumour_cells=task.n_ctc, apoptotic_ctcs=rare,
            doublets=rare, blobs=1, bubbles=1, edge_counts=300.0, her2_mix=MIXES[task.her2],
        )  # fmt: skip
        own = phantom(spec, task.seed)
        cartridge, truth = own.cartridge, own.truth
    else:
        other = IndependentSpec(
            columns=task.columns, rows=task.rows, ctcs=task.n_ctc, apoptotic=rare,
            doublets=4 if task.n_ctc else 0, her2_mix=MIXES[task.her2],
        )  # fmt: skip
        second = independent_phantom(other, task.seed)
        cartridge, truth = second.cartridge, second.truth
    return CHANGES[task.change](cartridge, OFFSETS[task.generator]), truth


def run(task: Task) -> Row:
    """Read one cartridge and compare it with its truth."""
    cartridge, truth = made(task)
    cells = detect(cartridge, read_ahead=False).cells
    cells = cells.with_columns(call_cells(cells).calls.select("call"))
    score = score_detection(truth, cells)
    apoptotic = score.matched.filter(pl.col("kind") == "apoptotic_ctc")
    return Row(
        task, score.n_true, score.n_found, score.n_called, score.n_false,
        apoptotic.height, apoptotic.filter(pl.col("call") == "ctc").height,
        _her2(cells, score.matched),
    )  # fmt: skip


def _her2(cells: pl.DataFrame, matched: pl.DataFrame) -> tuple[tuple[int, int], ...]:
    """True and found class of every tumour cell that was called."""
    saturated = cells.with_columns(her2_saturated=pl.col("her2_saturated_share") > 0)
    scores = score_her2(saturated, "her2-simulated").table()
    pairs = (
        matched.filter(pl.col("is_ctc") & (pl.col("call") == "ctc"))
        .select("cell_id", "her2_class")
        .join(scores.filter("her2_evaluable").select("cell_id", "her2_score"), on="cell_id")
    )
    return tuple((int(a), int(b)) for a, b in pairs.select("her2_class", "her2_score").iter_rows())


def tasks(seeds: int) -> list[Task]:
    """Everything that is run, the long ones first."""
    out = [Task(g, 50, 7, columns=35) for g in GENERATORS]
    for g in GENERATORS:
        for seed in range(101, 101 + seeds):
            out += [Task(g, n, seed) for n in COUNTS]
        for seed in range(201, 201 + max(1, seeds // 5)):
            out += [Task(g, 50, seed, change=c) for c in CHANGES]
            out += [Task(g, 200, seed, columns=4, her2="ladder", change=c) for c in CHANGES]
    return out


def count_table(rows: list[Row]) -> list[str]:
    """Counts against truth."""
    lines = [
        "| generator | tumour cells | cartridges | software sensitivity | called | false calls |",
        "|---|---|---|---|---|---|",
    ]
    for g in GENERATORS:
        for n in COUNTS:
            here = [r for r in rows if r.task.generator == g and r.task.n_ctc == n and plain(r)]
            true, found = sum(r.true for r in here), sum(r.found for r in here)
            share = f"{100 * found / true:.1f} % ({found} of {true})" if true else ""
            called, false = sum(r.called for r in here), sum(r.false for r in here)
            lines.append(f"| {g} | {n} | {len(here)} | {share} | {called} | {false} |")
    return lines


def plain(row: Row) -> bool:
    """Whether a row belongs to the table of counts."""
    task = row.task
    return (
        task.change == "none" and task.columns == 7 and task.her2 == "negative" and task.seed < 200
    )


def summary(rows: list[Row]) -> list[str]:
    """Slope, sensitivity and false calls per blank cartridge."""
    lines = []
    for g in GENERATORS:
        here = [r for r in rows if r.task.generator == g and plain(r)]
        true = np.array([r.true for r in here], float)
        called = np.array([r.called for r in here], float)
        slope = float(true @ called / (true @ true))
        blanks = [r.called for r in here if r.true == 0]
        found = sum(r.found for r in here) / true.sum()
        seen = sum(r.apoptotic_true for r in here)
        apoptotic = sum(r.apoptotic_called_ctc for r in here)
        lines.append(
            f"- **{g} generator**: slope of calls against truth {slope:.4f}; software sensitivity "
            f"{100 * found:.2f} %; {sum(blanks)} false calls in {len(blanks)} blank cartridges; "
            f"{apoptotic} of {seen} apoptotic cells were called CTC."
        )
    return lines


def change_table(rows: list[Row]) -> list[str]:
    """The same with gain, offset, vignetting, a bright blob, 8-bit pages."""
    lines = ["| generator | change | software sensitivity | called / true | false calls |"]
    lines.append("|---|---|---|---|---|")
    for g in GENERATORS:
        for change in CHANGES:
            here = [
                r for r in rows
                if r.task.generator == g and r.task.change == change and r.task.seed > 200
                and r.task.her2 == "negative"
            ]  # fmt: skip
            true = sum(r.true for r in here)
            found, called = sum(r.found for r in here), sum(r.called for r in here)
            lines.append(
                f"| {g} | {change} | {100 * found / true:.1f} % | {called / true:.3f} | "
                f"{sum(r.false for r in here)} |"
            )
    return lines


def weighted_kappa(pairs: Iterable[tuple[int, int]]) -> float:
    """Cohen's kappa with quadratic weights over four classes."""
    table = np.zeros((4, 4))
    for a, b in pairs:
        table[a, b] += 1
    weight = np.subtract.outer(np.arange(4), np.arange(4)) ** 2
    chance = np.outer(table.sum(1), table.sum(0)) / table.sum()
    return float(1 - (weight * table).sum() / (weight * chance).sum())


def her2_table(rows: list[Row]) -> list[str]:
    """Scores against truth on ladders."""
    lines = [
        "| generator | change | cells | weighted kappa | right class |",
        "|---|---|---|---|---|",
    ]
    for g in GENERATORS:
        for change in CHANGES:
            here = [
                r for r in rows
                if r.task.generator == g and r.task.change == change and r.task.her2 == "ladder"
            ]  # fmt: skip
            pairs = [p for r in here for p in r.her2]
            right = sum(a == b for a, b in pairs) / len(pairs)
            lines.append(
                f"| {g} | {change} | {len(pairs)} | {weighted_kappa(pairs):.3f} | "
                f"{100 * right:.1f} % |"
            )
    return lines


def false_strong(rows: list[Row]) -> str:
    """Cells without HER2 (0 or 1+) that were called strong."""
    pairs = [p for r in rows if r.task.her2 == "negative" for p in r.her2 if p[0] <= 1]
    strong = sum(b == 3 for _, b in pairs)
    limit = 3 / len(pairs) if strong == 0 else float("nan")
    tail = f", upper limit {100 * limit:.3f} %" if strong == 0 else ""
    return (
        f"{strong} of {len(pairs)} HER2-negative tumour cells were called HER2 by "
        f"immunofluorescence 3+{tail}."
    )


def page(rows: list[Row], seeds: int) -> str:
    """The whole page."""
    full = [r for r in rows if r.task.columns == 35]
    lines = [
        "# Validation of the image analysis on simulated cartridges",
        "",
        "**Simulated data.** What stands here is said of the software, not of an assay: no public "
        "cartridge with tumour cells and no public image of HER2 on tumour cells exists.",
        "",
        f"Made by `./dev validate` with ashworth {__version__}: {seeds} seeds, cartridges of 35 "
        "frames of 1384 x 1036 pixels and 4 channels with 60 nuclei per frame, a saturated blob, "
        "an air bubble, a bright wall, debris, doublets, apoptotic cells, clusters and cells over "
        "seams. Two generators were written independently; the second by an author who had not "
        "seen the segmentation. Blank cartridges hold everything but tumour cells.",
        "",
        "## Counts",
        "",
        *summary(rows),
        "",
        *count_table(rows),
        "",
        "Full cartridges of 175 frames: "
        + "; ".join(
            f"{r.task.generator}: {r.found} of {r.true} found, {r.false} false" for r in full
        )
        + ".",
        "",
        "## The same images under other gain, offset and light",
        "",
        "50 tumour cells per cartridge. Gain multiplies what the camera gave, noise included.",
        "",
        *change_table(rows),
        "",
        "## HER2 by immunofluorescence",
        "",
        "Ladders of 200 tumour cells, 20 frames each, classes 0, 1+, 2+ and 3+ in equal parts; "
        "scores by the calibration `her2-simulated`.",
        "",
        *her2_table(rows),
        "",
        false_strong(rows),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    todo = tasks(seeds)
    rows = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        for done, row in enumerate(pool.map(run, todo), start=1):
            rows.append(row)
            print(f"\r{done} of {len(todo)} cartridges", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    text = page(rows, seeds)
    print(text)
    if seeds >= SEEDS:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
