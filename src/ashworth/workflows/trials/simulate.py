"""Simulate a protocol over scenarios, patients and effects: what the design can show."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ashworth.definitions.protocols.analyses import Looks
from ashworth.storage import results_folder, write_run_log
from ashworth.trials.faults import Faults
from ashworth.trials.protocols.executable import load_protocol
from ashworth.trials.simulation.runs import check_run
from ashworth.workflows.trials.simulated.cells import Cell, check_axes, grid_of, refuse_large
from ashworth.workflows.trials.simulated.figures import simulation_figures
from ashworth.workflows.trials.simulated.results import SimulatedProtocol
from ashworth.workflows.trials.simulated.runs import Progress, run_cells, store_of

SPENDING = ("obrien_fleming", "pocock", "exact_obrien_fleming", "exact_pocock", "haybittle_peto")
FUTILITY = ("none", "obrien_fleming", "pocock")


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
    looks: Looks | None = None,
    events: int | None = None,
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
    looks : Looks, optional
        Interim looks instead of the protocol's.
    events : int, optional
        Events at which the last analysis is done, instead of the planned ones.
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
                replicates, seed, looks, events)  # fmt: skip
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


def looks_asked(
    fractions: Sequence[float] | None, spending: str | None, futility: str | None
) -> Looks | None:
    """Looks from the options of a command; None where nothing is asked.

    Raises
    ------
    InputError
        Fractions that do not increase to 1, an unknown bound, a bound without looks.
    """
    if fractions is None and spending is None and futility is None:
        return None
    faults = Faults("the looks")
    given = list(fractions or ())
    if given != sorted(set(given)) or not given or given[-1] != 1 or given[0] <= 0:
        faults.add(
            "look", ", ".join(f"{f:g}" for f in given) or "nothing",
            "fractions above 0 that increase to 1", "repeat --look, the last with 1",
        )  # fmt: skip
    if spending is not None:
        faults.one_of("spending", spending, SPENDING)
    if futility is not None:
        faults.one_of("futility", futility, FUTILITY)
    faults.refuse()
    return Looks.model_validate(
        {"fractions": given, "spending": spending or SPENDING[0], "futility": futility or "none"}
    )


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
