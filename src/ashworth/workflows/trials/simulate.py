"""Simulate a protocol over scenarios, patients and effects: what the design can show."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl

from ashworth.errors import InputError, Problem
from ashworth.figures import Figure
from ashworth.figures.power_curve import power_curve_figure
from ashworth.figures.protocol_flow import protocol_flow_figure
from ashworth.storage import results_folder, write_run_log
from ashworth.trials.faults import Faults
from ashworth.trials.protocols.diagram import flow_diagram
from ashworth.trials.protocols.executable import Executable, load_protocol
from ashworth.trials.simulation.expected import ExpectedScore
from ashworth.trials.simulation.performance import Sums, rows
from ashworth.trials.simulation.protocol_runs import (
    Question,
    performance,
    question,
    simulate_block_of,
    simulate_blocks,
)
from ashworth.trials.simulation.protocol_trials import ProtocolTrial
from ashworth.trials.simulation.runs import check_run
from ashworth.version import __version__
from ashworth.workflows.executors import interrupts_held, open_executor

Progress = Callable[[str, int, int], None]
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
    store: Path | None = None

    def prepared(self) -> tuple[ProtocolTrial, Question]:
        """Load the protocol and complete its question."""
        trial = load_protocol(self.protocol, version=self.version, folders=self.folders)
        made = ProtocolTrial(
            trial, scenario=self.scenario, patients=self.patients, effect=self.effect
        )
        return made, question(made, self.analysis, alpha=self.alpha, sided=self.sided)

    def key(self) -> str:
        """A name that is the same for the same numbers."""
        text = repr((self.scenario, self.patients, self.effect, self.analysis, self.alpha,
                     self.sided, self.seed))  # fmt: skip
        return sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class CellResult:
    """What a cell shows."""

    cell: Cell
    patients: int
    assumed: tuple[str, ...]
    alpha: float
    sided: int
    sums: Sums
    measures: list[dict[str, Any]]
    score: ExpectedScore | None

    def reading(self) -> str | None:
        """What the probability of non-inferiority means, in a sentence."""
        by_name = {row["measure"]: row["estimate"] for row in self.measures}
        declared = by_name.get("probability of declaring non-inferiority")
        alike = by_name.get("share treated alike in both arms")
        if declared is None or alike is None or self.score is None:
            return None
        return (
            f"{self.cell.scenario}: non-inferiority is declared in {100 * declared:.1f} % of "
            f"trials with about {by_name['events']:.0f} events, where the hazard ratio over all "
            f"patients is {self.score.limit_hazard_ratio:.3f}; {100 * alike:.0f} % of the patients "
            "are treated alike in both arms and pull it towards 1"
        )


@dataclass(frozen=True, slots=True)
class SimulatedProtocol:
    """The whole grid with the words for a terminal."""

    trial: Executable
    cells: tuple[CellResult, ...]
    replicates: int
    seed: int
    out: Path | None

    def table(self) -> pl.DataFrame:
        """One row per cell and measure."""
        return pl.DataFrame(
            [
                {"scenario": c.cell.scenario, "patients": c.patients, "effect": c.cell.effect}
                | {k: _finite(v) for k, v in row.items()}
                for c in self.cells
                for row in c.measures
            ],
            infer_schema_length=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "simulated": True,
            "protocol": self.trial.protocol.id,
            "protocol_version": self.trial.document.version,
            "digest": self.trial.document.digest,
            "replicates": self.replicates,
            "seed": self.seed,
            "illustrative": self._illustrative(),
            "cells": [
                {
                    "scenario": c.cell.scenario, "patients": c.patients, "effect": c.cell.effect,
                    "alpha": c.alpha, "sided": c.sided, "assumed": list(c.assumed),
                    "measures": [{k: _finite(v) for k, v in row.items()} for row in c.measures],
                    "limit_hazard_ratio": None if c.score is None
                    else _finite(c.score.limit_hazard_ratio),
                    "approximations": _approximations(c),
                    "reading": c.reading(),
                }
                for c in self.cells
            ],
            "software_version": __version__,
            "out": None if self.out is None else str(self.out),
        }  # fmt: skip

    def _illustrative(self) -> str | None:
        assumed = self.trial.protocol.assumptions
        return None if assumed is None else assumed.illustrative

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        protocol = self.trial.protocol
        yield f"SIMULATED: {protocol.title}"
        yield (
            f"protocol {protocol.id}, version {self.trial.document.version}; "
            f"{self.replicates:,} trials per cell, seed {self.seed}"
        )
        if self._illustrative():
            yield f"assumptions: {' '.join(str(self._illustrative()).split())}"
        for cell in self.cells:
            yield ""
            yield _cell_title(cell)
            yield from _measure_lines(cell)
            yield from _approximation_lines(cell)
            reading = cell.reading()
            if reading is not None:
                yield f"  {reading}"
        if self.out is not None:
            yield from ("", f"tables and figures: {self.out}")
        yield "Simulated data. Research use only; not a medical device."


def simulate(
    protocol: str,
    *,
    replicates: int,
    seed: int,
    version: int | None = None,
    scenarios: Sequence[str] = (),
    patients: Sequence[int] = (),
    effects: Sequence[float] = (),
    analysis: str | None = None,
    alpha: float | None = None,
    sided: int | None = None,
    folders: tuple[Path, ...] = (),
    workers: int = 1,
    cluster: str | None = None,
    large: bool = False,
    out: Path | None = None,
    progress: Progress | None = None,
) -> SimulatedProtocol:
    """Simulate every cell of scenarios x patients x effects.

    Parameters
    ----------
    protocol, version, folders
        The protocol.
    replicates, seed : int
    scenarios : sequence of str
        Ids of scenarios; all of them by default.
    patients : sequence of int
        Numbers of enrolled patients; the assumed one by default.
    effects : sequence of float
        Hazard ratios that the experimental arm is given on top of the assumptions.
    analysis, alpha, sided
        Which analysis; level and sides where the protocol's are unknown or to be changed.
    workers, cluster
        Processes over cells, or a Dask scheduler.
    large : bool
        Go on although the grid has more than 2,000 cells.
    out : Path, optional
        Folder for tables and figures. An interrupted run leaves its finished blocks beside it and
        goes on from them.

    Raises
    ------
    InputError, DefinitionError, DefinitionFileError
    """
    started = datetime.now(UTC)
    trial = load_protocol(protocol, version=version, folders=folders)
    check_run(replicates, seed)
    _check_axes(patients, effects, workers)
    grid = _grid(trial, scenarios, patients, effects)
    base = Cell(protocol, version, folders, "base", None, None, analysis, alpha, sided,
                replicates, seed)  # fmt: skip
    cells = [replace(base, scenario=s, patients=n, effect=e) for s, n, e in grid]
    _refuse_large(cells, large=large)
    target = None if out is None else out.absolute()
    store = None if target is None else _store(trial, target)
    found = _run(tuple(replace(c, store=store) for c in cells), workers, cluster, progress)
    made = SimulatedProtocol(trial, found, replicates, seed, target)
    if target is not None:
        _write(made, target, started)
    if store is not None:
        shutil.rmtree(store, ignore_errors=True)
    return made


class _Grid:
    """Cells of scenarios x patients x effects, counted before they are made."""

    def __init__(self, axes: tuple[Sequence[Any], ...]) -> None:
        self.axes = axes

    def __len__(self) -> int:
        return math.prod(len(a) for a in self.axes)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return product(*self.axes)


def _grid(
    trial: Executable, scenarios: Sequence[str], patients: Sequence[int], effects: Sequence[float]
) -> _Grid:
    assumed = trial.protocol.assumptions
    known = ["base", *(s.id for s in assumed.scenarios)] if assumed is not None else ["base"]
    return _Grid((scenarios or known, patients or (None,), effects or (None,)))


def _check_axes(patients: Sequence[int], effects: Sequence[float], workers: int) -> None:
    faults = Faults("simulation")
    for n in patients:
        faults.whole("patients", n, least=2)
    for effect in effects:
        faults.number("effect", effect, above=0)
    faults.whole("workers", workers, least=1)
    faults.refuse()


def _refuse_large(cells: Sequence[Cell], *, large: bool) -> None:
    """Say what a large grid costs before it starts."""
    if len(cells) <= MOST_CELLS or large:
        return
    trial, asked = cells[0].prepared()
    simulate_block_of(trial, asked, seed=cells[0].seed, first=0, count=2)
    begun = time.perf_counter()
    simulate_block_of(trial, asked, seed=cells[0].seed, first=0, count=20)
    seconds = (time.perf_counter() - begun) / 20 * cells[0].replicates * len(cells)
    raise InputError(
        [Problem("simulation", None, "grid",
                 f"{len(cells):,} cells of {cells[0].replicates:,} trials, about "
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


def _store(trial: Executable, target: Path) -> Path:
    """Folder of finished blocks beside the target, for this protocol and this software."""
    name = sha256(f"{trial.document.digest} {__version__}".encode()).hexdigest()[:12]
    return target.parent / f".{target.name}.{name}.blocks"


def _run(
    cells: tuple[Cell, ...], workers: int, cluster: str | None, progress: Progress | None
) -> tuple[CellResult, ...]:
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
    if path.exists():
        try:
            return Sums.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError):
            path.unlink()
    block = simulate_block_of(trial, asked, seed=cell.seed, first=first, count=count)
    cell.store.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_text(json.dumps(block.sums.to_dict()), encoding="utf-8")
    half.replace(path)
    return block.sums


def _result(cell: Cell, sums: Sums) -> CellResult:
    trial, asked = cell.prepared()
    measures, score = performance(trial, asked, sums)
    return CellResult(cell, trial.course.randomised, asked.assumed, asked.alpha, asked.sided, sums,
                      rows(measures), score)  # fmt: skip


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _approximations(cell: CellResult) -> dict[str, float] | None:
    """Power by the formulae of Schoenfeld and Freedman, and how far they are off."""
    if cell.score is None:
        return None
    trial, asked = cell.cell.prepared()
    margin = asked.analysis.margin if isinstance(asked.analysis.margin, float) else 1.0
    ratio = trial.trial.protocol.randomisation.ratio  # type: ignore[union-attr]
    experimental, control = asked.analysis.experimental, asked.analysis.control
    share = ratio[experimental] / (ratio[experimental] + ratio[control])  # type: ignore[index]
    n, level = cell.patients, (cell.alpha, cell.sided)
    exact = cell.score.power(n, *level)
    found = {"integral": exact,
             "schoenfeld": cell.score.schoenfeld_power(n, margin, share, *level)}  # fmt: skip
    if margin == 1.0:
        found["freedman"] = cell.score.freedman_power(n, share, *level)
    return {k: v for k, v in found.items() if math.isfinite(v)}


def _cell_title(cell: CellResult) -> str:
    effect = "" if cell.cell.effect is None else f", hazard ratio {cell.cell.effect:g} on top"
    assumed = f" (assumed: {'; '.join(cell.assumed)})" if cell.assumed else ""
    return (
        f"Scenario {cell.cell.scenario}, {cell.patients:,} patients{effect}; alpha {cell.alpha:g}, "
        f"{cell.sided}-sided{assumed}"
    )


def _measure_lines(cell: CellResult) -> Iterator[str]:
    for row in cell.measures:
        expected = "" if row["expected"] is None else f"   theory {row['expected']:.4f}"
        far = "" if row["distance"] is None else f" ({row['distance']:+.1f} MCSE)"
        yield (
            f"  {row['measure']:<48} {row['estimate']:>11.4f}  MCSE {row['mcse']:.4f}"
            f"{expected}{far}"
        )


def _approximation_lines(cell: CellResult) -> Iterator[str]:
    found = _approximations(cell)
    if found is None:
        return
    exact = found["integral"]
    parts = [f"{name.capitalize()} {value:.4f} (error {value - exact:+.4f})"
             for name, value in found.items() if name != "integral"]  # fmt: skip
    if parts:
        yield f"  power by the integral {exact:.4f}; by formula: {', '.join(parts)}"


def _write(made: SimulatedProtocol, target: Path, started: datetime) -> None:
    with results_folder(target) as folder:
        made.table().write_csv(folder / "performance.csv", line_terminator="\n")
        text = json.dumps({**made.to_dict(), "out": None}, indent=1, ensure_ascii=False)
        (folder / "performance.json").write_text(text + "\n", encoding="utf-8")
        for figure in simulation_figures(made):
            (folder / f"{figure.name}.svg").write_text(figure.svg(), encoding="utf-8")
            (folder / f"{figure.name}.vl.json").write_text(figure.json(), encoding="utf-8")
        options = {"protocol": made.trial.protocol.id, "digest": made.trial.document.digest,
                   "replicates": made.replicates, "seed": made.seed}  # fmt: skip
        write_run_log(folder, command="trial simulate", started_at=started, inputs=[],
                      base=folder, options=options)  # fmt: skip


def simulation_figures(made: SimulatedProtocol) -> list[Figure]:
    """The flow with simulated shares and, over a grid, power against effect or patients."""
    figures = [_flow_figure(made)]
    curve = _power_rows(made)
    if curve.height > 1 and (curve["x"].n_unique() > 1):
        by_effect = any(c.cell.effect is not None for c in made.cells)
        axis = "Hazard ratio" if by_effect else "Patients"
        figures.append(
            power_curve_figure(curve, name="power", x_title=axis,
                               title=f"Power: {made.trial.protocol.title}", simulated=True)
        )  # fmt: skip
    return figures


def _power_rows(made: SimulatedProtocol) -> pl.DataFrame:
    found = []
    for cell in made.cells:
        for row in cell.measures:
            if row["measure"].startswith("probability of") and "harm" not in row["measure"]:
                x = cell.cell.effect if cell.cell.effect is not None else float(cell.patients)
                series = cell.cell.scenario
                if cell.cell.effect is not None and cell.cell.patients is not None:
                    series = f"{series}, {cell.patients} patients"
                found.append({"x": float(x), "series": series, "power": row["estimate"],
                              "mcse": row["mcse"], "expected": row["expected"]})  # fmt: skip
    schema = {"x": pl.Float64, "series": pl.String, "power": pl.Float64, "mcse": pl.Float64,
              "expected": pl.Float64}  # fmt: skip
    return pl.DataFrame(found, schema=schema)


def _flow_figure(made: SimulatedProtocol) -> Figure:
    """Flow diagram of the first cell with the simulated share of the screened at each node."""
    drawn = flow_diagram(made.trial)
    shares = {
        row["measure"].removeprefix("share at '").removesuffix("'"): row["estimate"]
        for row in made.cells[0].measures
        if row["measure"].startswith("share at ")
    }
    titles = [
        f"{r['title']} – {100 * shares[r['node']]:.1f} %" if r["node"] in shares else r["title"]
        for r in drawn.boxes.to_dicts()
    ]
    boxes = drawn.boxes.with_columns(title=pl.Series(titles), observed=pl.lit(None, dtype=pl.Int64))
    return protocol_flow_figure(
        boxes, drawn.arrows, name="routes", title=f"Routes: {made.trial.protocol.title}",
        note=f"Share of the screened patients, mean over {made.replicates:,} simulated trials",
        simulated=True,
    )  # fmt: skip
