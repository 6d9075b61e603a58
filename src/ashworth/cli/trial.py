"""`ashworth trial show|check|route|size|...`: marker-guided trials as documents that run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from ashworth.cli import randomise
from ashworth.cli.output import show_json, show_lines, steps_shown

app = cyclopts.App(
    name="trial", help="Protocols that run: shown, checked, routed, sized, simulated, randomised."
)
app.command(randomise.app)
Folders = Annotated[list[Path], Parameter(name="--folder", negative=())]


@app.command
def show(
    protocol: str,
    /,
    *,
    version: int | None = None,
    folder: Folders | None = None,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Print a protocol: flow, eligibility, decision tables, analyses, what is unknown.

    Parameters
    ----------
    protocol
        Id of a protocol (see `ashworth definitions list`), or a YAML file.
    version
        Version; the newest by default.
    folder
        Folder with own definitions (may be repeated).
    out
        Folder for the flow diagram (SVG).
    json
        Print JSON.
    """
    from ashworth.workflows.trials.show import show_protocol

    shown = show_protocol(protocol, version=version, folders=tuple(folder or ()), out=out)
    if json:
        show_json(shown.to_dict())
    else:
        show_lines(shown.lines())
    return 0


@app.command
def check(
    protocol: str,
    /,
    *,
    version: int | None = None,
    folder: Folders | None = None,
    json: bool = False,
) -> int:
    """Check a protocol before any patient; exit code 1 where a check finds an error.

    Parameters
    ----------
    protocol
        Id of a protocol, or a YAML file.
    version
        Version; the newest by default.
    folder
        Folder with own definitions (may be repeated).
    json
        Print JSON.
    """
    from ashworth.workflows.trials.check import check as check_protocol

    checked = check_protocol(protocol, version=version, folders=tuple(folder or ()))
    if json:
        show_json(checked.to_dict())
    else:
        show_lines(checked.lines())
    return 0 if checked.holds else 1


@app.command
def size(
    protocol: str,
    /,
    *,
    version: int | None = None,
    folder: Folders | None = None,
    json: bool = False,
) -> int:
    """Compute the sizes that a protocol asks for, beside what its sources print.

    Parameters
    ----------
    protocol
        Id of a protocol, or a YAML file.
    version
        Version; the newest by default.
    folder
        Folder with own definitions (may be repeated).
    json
        Print JSON.
    """
    from ashworth.workflows.trials.size import size as size_protocol

    sized = size_protocol(protocol, version=version, folders=tuple(folder or ()))
    if json:
        show_json(sized.to_dict())
    else:
        show_lines(sized.lines())
    return 0


@app.command
def route(
    protocol: str,
    patients: Path,
    /,
    *,
    version: int | None = None,
    decimal: Literal["point", "comma"] = "point",
    folder: Folders | None = None,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Route the patients of a table through a protocol, with the reason for every step.

    The table has patient_id, a column per quantity and, where wanted, arm (what chance gave) and
    protocol_version or registered_on (the version that holds for the patient).

    Parameters
    ----------
    protocol
        Id of a protocol, or a YAML file.
    patients
        CSV table of the patients.
    version
        Version for all patients.
    decimal
        Decimal sign of the table.
    folder
        Folder with own definitions (may be repeated).
    out
        Folder for routes.csv.
    json
        Print JSON.
    """
    from ashworth.workflows.trials.route import route as route_table

    routed = route_table(
        protocol, patients, version=version, decimal=decimal, folders=tuple(folder or ()), out=out
    )
    if json:
        show_json(routed.to_dict())
    else:
        show_lines(routed.lines())
    return 0


@app.command
def simulate(
    protocol: str,
    /,
    *,
    replicates: int = 1000,
    seed: int,
    version: int | None = None,
    scenario: Annotated[list[str] | None, Parameter(negative=())] = None,
    patients: Annotated[list[int] | None, Parameter(negative=())] = None,
    effect: Annotated[list[float] | None, Parameter(negative=())] = None,
    analysis: str | None = None,
    alpha: float | None = None,
    sided: int | None = None,
    look: Annotated[list[float] | None, Parameter(negative=())] = None,
    spending: str | None = None,
    futility: str | None = None,
    events: int | None = None,
    folder: Folders | None = None,
    workers: int = 1,
    cluster: str | None = None,
    large: bool = False,
    out: Path | None = None,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"))] = False,
) -> int:
    """Simulate a protocol's trial: routes, events, power, with Monte Carlo errors and theory.

    Several scenarios, numbers of patients and effects make a grid. An interrupted run with --out
    goes on from the blocks it finished.

    Parameters
    ----------
    protocol
        Id of a protocol, or a YAML file.
    replicates
        Trials per cell of the grid.
    seed
        Seed of the study; the same seed gives the same numbers.
    version
        Version of the protocol; the newest by default.
    scenario
        Scenario of the assumptions (may be repeated) [default: all].
    patients
        Enrolled patients (may be repeated) [default: as assumed].
    effect
        Hazard ratio given to the experimental arm on top of the assumptions (may be repeated).
    analysis
        Analysis [default: the first].
    alpha
        Level, where the protocol's is unknown or to be changed.
    sided
        Sides, likewise.
    look
        Information fraction of a look (may be repeated; the last is 1), instead of the protocol's.
    spending
        Bound of these looks [default: obrien_fleming]; pocock, exact_obrien_fleming,
        exact_pocock, haybittle_peto.
    futility
        Bound for futility of these looks, not binding: obrien_fleming or pocock [default: none].
    events
        Events of the last look, instead of the planned ones.
    folder
        Folder with own definitions (may be repeated).
    workers
        Processes over the cells of the grid.
    cluster
        Address of a Dask scheduler instead.
    large
        Go on although the grid is large.
    out
        Folder for tables and figures.
    json
        Print JSON.
    quiet
        Show no progress.
    """
    from ashworth.workflows.trials.simulate import looks_asked
    from ashworth.workflows.trials.simulate import simulate as simulate_protocol

    with steps_shown(quiet=quiet or json) as progress:
        made = simulate_protocol(
            protocol, replicates=replicates, seed=seed, version=version, scenarios=scenario or (),
            patients=patients or (), effects=effect or (), analysis=analysis, alpha=alpha,
            sided=sided, looks=looks_asked(look, spending, futility), events=events,
            folders=tuple(folder or ()), workers=workers, cluster=cluster,
            large=large, out=out, progress=progress,
        )  # fmt: skip
    if json:
        show_json(made.to_dict())
    else:
        show_lines(made.lines())
    return 0


@app.command
def analyse(
    protocol: str,
    data: Path,
    /,
    *,
    version: int | None = None,
    decimal: Literal["point", "comma"] = "point",
    folder: Folders | None = None,
    simulated: bool = False,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Analyse a trial's data as its protocol says: flow of patients, populations, tests, verdicts.

    The table is that of `ashworth trial route` with <endpoint>_days and <endpoint>_event for a
    time to event, and received (the treatment really given) for per-protocol analyses.

    Parameters
    ----------
    protocol
        Id of a protocol, or a YAML file.
    data
        CSV table of the patients.
    version
        Version whose analyses are done; the newest by default.
    decimal
        Decimal sign of the table.
    folder
        Folder with own definitions (may be repeated).
    simulated
        Say that the data are simulated.
    out
        Folder for tables and the flow diagram with the trial's numbers.
    json
        Print JSON.
    """
    from ashworth.workflows.trials.analyse import analyse_trial

    made = analyse_trial(
        protocol, data, version=version, decimal=decimal, folders=tuple(folder or ()),
        simulated=simulated, out=out,
    )  # fmt: skip
    if json:
        show_json(made.to_dict())
    else:
        show_lines(made.lines())
    return 0
