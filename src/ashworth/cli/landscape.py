"""`ashworth landscape`: who studies tumour cells, where, in which phase, on a date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import cyclopts

from ashworth.cli.output import show_json, show_lines

app = cyclopts.App(
    name="landscape", help="The trial landscape from registry files: who, where, which phase, when."
)


@app.default
def landscape(
    *files: Path,
    as_of: date | None = None,
    since: date | None = None,
    overrides: Path | None = None,
    skip: bool = False,
    workers: int = 1,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Make the landscape of CTC and DTC trials on a date from registry records.

    Parameters
    ----------
    files
        Files, folders, zip or gz archives of registry records.
    as_of
        Date of the landscape [default: the latest version among the records].
    since
        Earlier date to compare with.
    overrides
        CSV table of verdicts by hand: registry_id, field, value, reason, who, when.
    skip
        Leave out files that cannot be read, and name them, instead of refusing all.
    workers
        Processes that read.
    out
        Folder for tables and figures.
    json
        Print JSON.
    """
    from ashworth.workflows.registries.landscape import make_landscape

    made = make_landscape(
        files, as_of=as_of, since=since, overrides=overrides,
        on_fault="skip" if skip else "refuse", workers=workers, out=out,
    )  # fmt: skip
    if json:
        show_json(made.to_dict())
    else:
        show_lines(made.lines())
    return 0
