"""`ashworth run`: a study folder to its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ashworth.cli.output import show_json, show_lines, steps_shown


def run(
    study: Path,
    /,
    *,
    out: Path | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"))] = False,
) -> int:
    """Analyse a study folder: tables in, report out.

    Parameters
    ----------
    study
        Folder with study.toml and its tables.
    out
        Where the results go [default: STUDY/results].
    workers
        Processes that read image folders [default: one per processor].
    cluster
        Address of a Dask scheduler, e.g. tcp://host:8786, instead of processes.
    json
        Print a summary as JSON instead of text.
    quiet
        Show no progress.
    """
    from ashworth.workflows.run_study import run_study

    with steps_shown(quiet=quiet or json) as progress:
        summary = run_study(study, out=out, workers=workers, cluster=cluster, progress=progress)
    if json:
        show_json(summary.to_dict())
    else:
        show_lines(summary.lines())
    return 0
