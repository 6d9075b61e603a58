"""Cells of the grid: scenarios x patients x effects, counted before they are made."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

from ashworth.definitions.protocols.analyses import Looks
from ashworth.errors import InputError, Problem
from ashworth.trials.faults import Faults
from ashworth.trials.protocols.executable import Executable, load_protocol
from ashworth.trials.simulation.protocol_runs import simulate_block_of
from ashworth.trials.simulation.protocol_trials import ProtocolTrial
from ashworth.trials.simulation.questions import Question, question

MOST_CELLS = 2_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the grid: everything that a worker needs."""

    protocol: str
    version: int | None
    folders: tuple[Path, ...]
    scenario: str
    patients: int | None
    effect: float | None
    analysis: str | None
    alpha: float | None
    sided: int | None
    replicates: int
    seed: int
    looks: Looks | None = None
    events: int | None = None
    store: Path | None = None

    def prepared(self) -> tuple[ProtocolTrial, Question]:
        """Load the protocol and complete its question."""
        trial = load_protocol(self.protocol, version=self.version, folders=self.folders)
        made = ProtocolTrial(
            trial, scenario=self.scenario, patients=self.patients, effect=self.effect
        )
        asked = question(
            made, self.analysis, alpha=self.alpha, sided=self.sided, looks=self.looks,
            events=self.events,
        )  # fmt: skip
        return made, asked

    def key(self) -> str:
        """A name that is the same for the same numbers."""
        text = repr(
            (self.scenario, self.patients, self.effect, self.analysis, self.alpha, self.sided,
             self.seed, self.looks, self.events)
        )  # fmt: skip
        return sha256(text.encode()).hexdigest()[:16]


class Grid:
    """Cells of scenarios x patients x effects, counted before they are made."""

    def __init__(self, axes: tuple[Sequence[Any], ...]) -> None:
        self.axes = axes

    def __len__(self) -> int:
        return math.prod(len(a) for a in self.axes)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return product(*self.axes)


def grid_of(
    trial: Executable, scenarios: Sequence[str], patients: Sequence[int], effects: Sequence[float]
) -> Grid:
    """Cells of the scenarios (all of them by default), patients and effects."""
    assumed = trial.protocol.assumptions
    known = ["base", *(s.id for s in assumed.scenarios)] if assumed is not None else ["base"]
    return Grid((scenarios or known, patients or (None,), effects or (None,)))


def check_axes(patients: Sequence[int], effects: Sequence[float], workers: int) -> None:
    """Refuse patients, effects and workers that are none, all at once."""
    faults = Faults("simulation")
    for n in patients:
        faults.whole("patients", n, least=2)
    for effect in effects:
        faults.number("effect", effect, above=0)
    faults.whole("workers", workers, least=1)
    faults.refuse()


def refuse_large(grid: Grid, base: Cell) -> None:
    """Refuse a large grid with what it would cost, before any of its cells is made.

    Raises
    ------
    InputError
        More than 2,000 cells.
    """
    if len(grid) <= MOST_CELLS:
        return
    scenario, patients, effect = next(iter(grid))
    first = replace(base, scenario=scenario, patients=patients, effect=effect)
    trial, asked = first.prepared()
    simulate_block_of(trial, asked, seed=base.seed, first=0, count=2)
    begun = time.perf_counter()
    simulate_block_of(trial, asked, seed=base.seed, first=0, count=20)
    seconds = (time.perf_counter() - begun) / 20 * base.replicates * len(grid)
    raise InputError(
        [Problem("simulation", None, "grid",
                 f"{len(grid):,} cells of {base.replicates:,} trials, about "
                 f"{_duration(seconds)} on one processor", f"{MOST_CELLS:,} cells at once",
                 "take fewer scenarios, patients or effects, or say --large")],
        subject="the simulation",
    )  # fmt: skip


def _duration(seconds: float) -> str:
    for unit, length in (("years", 365.25 * 86400), ("days", 86400), ("hours", 3600),
                         ("minutes", 60)):  # fmt: skip
        if seconds >= length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.0f} seconds"
