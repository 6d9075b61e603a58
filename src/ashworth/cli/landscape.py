"""`ashworth landscape`: who studies tumour cells, where, in which phase, on a date."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import cyclopts

from ashworth.cli.output import show_json, show_lines, steps_shown

app = cyclopts.App(
    name="landscape", help="The trial landscape from registry files: who, where, which phase, when."
)


@app.default
def landscape(
    *files: Path,
    store: Path | None = None,
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
        Files, folders, zip or gz archives of registry records; or a registry store.
    store
        A registry store in place of files, see `ashworth landscape store`.
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
        files, store=store, as_of=as_of, since=since, overrides=overrides,
        on_fault="skip" if skip else "refuse", workers=workers, out=out,
    )  # fmt: skip
    if json:
        show_json(made.to_dict())
    else:
        show_lines(made.lines())
    return 0


@app.command
def fetch(
    *,
    out: Path,
    source: Literal["ctgov", "ctis"] = "ctgov",
    term: str = "",
    condition: str = "",
    everything: bool = False,
    rate: float = 1.0,
    anew: bool = False,
    base: str | None = None,
    json: bool = False,
) -> int:
    """Fetch registry records over the network into a folder: politely, whole or not at all.

    A fetch that was interrupted goes on when the same command is given again.

    Parameters
    ----------
    out
        Folder for the records; `ashworth landscape FOLDER` reads it.
    source
        ctgov: ClinicalTrials.gov, API version 2. ctis: the European Union's CTIS.
    term
        Words anywhere in the record.
    condition
        Words about the disease.
    everything
        The whole registry, without a query.
    rate
        Requests per second, at most 10.
    anew
        Forget what was fetched before.
    base
        Another address of the same interface.
    json
        Print JSON.
    """
    from ashworth.workflows.registries.fetch import fetch_registry

    with steps_shown(quiet=json) as progress:
        found = fetch_registry(
            out, source=source, term=term, condition=condition, everything=everything, rate=rate,
            anew=anew, base=base, progress=progress,
        )  # fmt: skip
    if json:
        show_json(found.to_dict())
    else:
        show_lines(found.lines())
    return 0


@app.command
def store(
    folder: Path,
    /,
    *files: Path,
    partial: bool = False,
    skip: bool = False,
    workers: int = 1,
    verify: bool = False,
    json: bool = False,
) -> int:
    """Bring a registry store up to date: read what is new, keep older versions beside it.

    Parameters
    ----------
    folder
        The store; made where the folder is new or empty.
    files
        Files, folders, zip or gz archives of registry records.
    partial
        The files are only a part of their registries: what is not in them has not vanished.
    skip
        Leave out files that cannot be read, and name them, instead of refusing all.
    workers
        Processes that read.
    verify
        Read every byte of the store and compare with its digests, before anything else.
    json
        Print JSON.
    """
    from ashworth.workflows.registries.store import update_registry_store, verify_registry_store

    verified = [verify_registry_store(folder)] if verify else []
    if verify and not files:
        if json:
            show_json({"store": str(folder), "verified": True})
        else:
            show_lines(verified)
        return 0
    with steps_shown(quiet=json) as progress:
        made = update_registry_store(
            folder, files, on_fault="skip" if skip else "refuse", partial=partial,
            workers=workers, progress=progress,
        )  # fmt: skip
    if json:
        show_json(made.to_dict())
    else:
        show_lines([*verified, *made.lines()])
    return 0
