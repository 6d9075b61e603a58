"""Phantom cartridges of both generators, and what the software makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from ashworth.classification import call_cells
from ashworth.imaging import Cartridge, PhantomSpec, detect, phantom
from ashworth.testing.detection_score import DetectionScore, score_detection
from ashworth.testing.independent_phantoms import IndependentSpec, independent_phantom

Generator = Literal["own", "independent"]
GENERATORS: tuple[Generator, ...] = ("own", "independent")


@dataclass(frozen=True, slots=True)
class Made:
    """A phantom of either generator."""

    cartridge: Cartridge
    truth: pl.DataFrame


def make(generator: Generator, n_ctc: int, seed: int, *, frames: int = 35, **knobs: Any) -> Made:
    """A cartridge with `n_ctc` tumour cells; a blank one has no tumour object at all."""
    rare = 0 if n_ctc == 0 else 2
    if generator == "own":
        spec = PhantomSpec(
            tumour_cells=n_ctc, frames=frames, apoptotic_ctcs=rare, doublets=rare, blobs=1,
            bubbles=1, edge_counts=300.0,
        )  # fmt: skip
        made = phantom(_changed(spec, knobs), seed)
        return Made(made.cartridge, made.truth)
    columns = max(1, frames // 5)
    other = IndependentSpec(
        ctcs=n_ctc, columns=columns, rows=frames // columns, apoptotic=rare,
        doublets=4 if n_ctc else 0,
    )  # fmt: skip
    second = independent_phantom(_changed(other, knobs), seed)
    return Made(second.cartridge, second.truth)


def _changed(spec: Any, knobs: dict[str, Any]) -> Any:
    from dataclasses import replace

    return replace(spec, **knobs) if knobs else spec


def called(cartridge: Cartridge) -> pl.DataFrame:
    """Cells of a cartridge with their calls."""
    cells = detect(cartridge).cells
    calls = call_cells(cells)
    return cells.with_columns(calls.calls.select("call", "score", "reasons", "cluster_id"))


def scored(made: Made, cartridge: Cartridge | None = None) -> DetectionScore:
    """Detect, call and compare with the truth; `cartridge` replaces the phantom's own pixels."""
    return score_detection(made.truth, called(cartridge or made.cartridge))


def in_memory(cartridge: Cartridge) -> Cartridge:
    """The same cartridge with all frames rendered once."""
    frames = [cartridge.load(i) for i in range(len(cartridge.layout))]
    return cartridge.with_load(lambda index: frames[index])
