"""`ashworth definitions list|show|check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from ashworth.cli.output import show_json, show_lines

app = cyclopts.App(
    name="definitions", help="List, show and check assays, rules, endpoints and subtypes."
)
Folders = Annotated[list[Path], Parameter(name="--folder", negative=())]


@app.command(name="list")
def list_(*, folder: Folders | None = None, json: bool = False) -> int:
    """List every definition by kind.

    Parameters
    ----------
    folder
        Folder with own definitions, beside those that ship (may be repeated).
    json
        Print JSON.
    """
    from ashworth.workflows.definitions import list_definitions

    found = list_definitions(folder or ())
    if json:
        show_json(found.table().to_dicts())
    else:
        show_lines([found.text()])
    return 0


@app.command
def show(id: str, /, *, folder: Folders | None = None, json: bool = False) -> int:
    """Show one definition: every value and where it comes from.

    Parameters
    ----------
    id
        Its id, as listed.
    folder
        Folder with own definitions (may be repeated).
    json
        Print JSON.
    """
    from ashworth.workflows.definitions import show_definition

    shown = show_definition(id, folder or ())
    if json:
        show_json(shown.definition.model_dump(mode="json", by_alias=True))
    else:
        show_lines([shown.text()])
    return 0


@app.command
def check(*, folder: Folders | None = None, json: bool = False) -> int:
    """Run every worked case; exit code 1 if one does not hold.

    Parameters
    ----------
    folder
        Folder with own definitions (may be repeated).
    json
        Print JSON.
    """
    from ashworth.workflows.definitions import check_definitions

    cases = check_definitions(folder or ())
    if json:
        show_json({"holds": cases.holds, "n": cases.n, "cases": cases.table().to_dicts()})
    else:
        show_lines([cases.text()])
    return 0 if cases.holds else 1
