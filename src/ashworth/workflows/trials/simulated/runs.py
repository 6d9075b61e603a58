"""Run cells: block by block, resumable, on any executor."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import as_completed
from hashlib import sha256
from pathlib import Path

from ashworth.trials.protocols.executable import Executable
from ashworth.trials.simulation.performance import Sums, rows
from ashworth.trials.simulation.protocol_runs import (
    performance,
    simulate_block_of,
    simulate_blocks,
)
from ashworth.trials.simulation.protocol_trials import ProtocolTrial
from ashworth.trials.simulation.questions import Question
from ashworth.version import __version__
from ashworth.workflows.executors import interrupts_held, open_executor
from ashworth.workflows.trials.simulated.cells import Cell
from ashworth.workflows.trials.simulated.results import CellResult

Progress = Callable[[str, int, int], None]


def store_of(trial: Executable, target: Path) -> Path:
    """Folder of finished blocks beside the target, for this protocol and this software."""
    name = sha256(f"{trial.document.digest} {__version__}".encode()).hexdigest()[:12]
    return target.parent / f".{target.name}.{name}.blocks"


def run_cells(
    cells: tuple[Cell, ...], workers: int, cluster: str | None, progress: Progress | None
) -> tuple[CellResult, ...]:
    """Run cells one after the other, or side by side over an executor, in their order."""
    tell = progress or (lambda *_: None)
    if cluster is None and (workers == 1 or len(cells) == 1):
        return tuple(_cell(c, k, len(cells), tell) for k, c in enumerate(cells))
    for cell in cells:
        cell.prepared()
    with open_executor(min(workers, len(cells)), cluster) as pool:
        with interrupts_held():
            waiting = {pool.submit(run_cell, cell): k for k, cell in enumerate(cells)}
        sums: dict[int, Sums] = {}
        for done, future in enumerate(as_completed(waiting), start=1):
            sums[waiting[future]] = future.result()
            tell("cells", done, len(cells))
    return tuple(_result(cell, sums[k]) for k, cell in enumerate(cells))


def _cell(cell: Cell, k: int, total: int, tell: Progress) -> CellResult:
    label = cell.scenario if total == 1 else f"{cell.scenario} ({k + 1} of {total})"
    return _result(cell, run_cell(cell, lambda done: tell(label, done, cell.replicates)))


def run_cell(cell: Cell, tell: Callable[[int], None] = lambda done: None) -> Sums:
    """Run a cell block by block; finished blocks are kept in the store and not done again."""
    trial, asked = cell.prepared()
    sums = Sums()
    if cell.store is None:
        for block in simulate_blocks(trial, asked, replicates=cell.replicates, seed=cell.seed):
            sums.merge(block.sums)
            tell(block.first + block.count)
        return sums
    size, done = trial.replicates_at_once(), 0
    while done < cell.replicates:
        count = min(size, cell.replicates - done)
        sums.merge(_stored_block(cell, trial, asked, done, count))
        done += count
        tell(done)
    return sums


def _stored_block(
    cell: Cell, trial: ProtocolTrial, asked: Question, first: int, count: int
) -> Sums:
    assert cell.store is not None
    path = cell.store / f"{cell.key()}-{first}-{count}.json"
    kept = _read_block(path)
    if kept is not None:
        return kept
    block = simulate_block_of(trial, asked, seed=cell.seed, first=first, count=count)
    cell.store.mkdir(parents=True, exist_ok=True)
    text = json.dumps(block.sums.to_dict())
    half = path.with_suffix(".part")
    half.write_text(f"{sha256(text.encode()).hexdigest()}\n{text}\n", encoding="utf-8")
    half.replace(path)
    return block.sums


def _read_block(path: Path) -> Sums | None:
    """A finished block; None without one, and where its text is not what its digest says."""
    try:
        digest, _, text = path.read_text(encoding="utf-8").partition("\n")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    text = text.removesuffix("\n")
    if sha256(text.encode()).hexdigest() != digest:
        return None
    return Sums.from_dict(json.loads(text))


def _result(cell: Cell, sums: Sums) -> CellResult:
    trial, asked = cell.prepared()
    measures, theory = performance(trial, asked, sums)
    return CellResult(cell, trial.course.randomised, asked, sums, rows(measures), theory)
