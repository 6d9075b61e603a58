"""Simulate a protocol over scenarios, patients and effects: what the design can show."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ashworth.storage import results_folder, write_run_log
from ashworth.trials.protocols.executable import load_protocol
from ashworth.trials.simulation.runs import check_run
from ashworth.workflows.trials.simulated.cells import Cell, check_axes, grid_of, refuse_large
from ashworth.workflows.trials.simulated.figures import simulation_figures
from ashworth.workflows.trials.simulated.results import SimulatedProtocol
from ashworth.workflows.trials.simulated.runs import Progress, run_cells, store_of


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
    check_axes(patients, effects, workers)
    grid = grid_of(trial, scenarios, patients, effects)
    base = Cell(protocol, version, folders, "base", None, None, analysis, alpha, sided,
                replicates, seed)  # fmt: skip
    if not large:
        refuse_large(grid, base)
    target = None if out is None else out.absolute()
    store = None if target is None else store_of(trial, target)
    cells = tuple(replace(base, scenario=s, patients=n, effect=e, store=store) for s, n, e in grid)
    found = run_cells(cells, workers, cluster, progress)
    made = SimulatedProtocol(trial, found, replicates, seed, target)
    if target is not None:
        _write(made, target, started)
    if store is not None:
        shutil.rmtree(store, ignore_errors=True)
    return made


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
