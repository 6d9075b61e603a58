"""`ashworth evidence check|...`: what the literature says, checked, pooled, reconstructed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from ashworth.cli.output import show_json, show_lines

app = cyclopts.App(
    name="evidence", help="Check printed numbers; pool estimates; rebuild patients from curves."
)


@app.command
def check(
    *files: Path,
    study: Annotated[list[str] | None, Parameter(negative=())] = None,
    decimal: Literal["point", "comma"] = "point",
    unverified: bool = False,
    json: bool = False,
) -> int:
    """Check printed numbers against each other: what holds, what cannot.

    Exit code 0 whatever is found: findings are results.

    Parameters
    ----------
    files
        CSV tables of statistics; without them the evidence base is checked.
    study
        Only this study (may be repeated).
    decimal
        Decimal sign of the tables.
    unverified
        Take in statistics whose source could not be checked.
    json
        Print JSON.
    """
    from ashworth.workflows.check_evidence import check_evidence

    checked = check_evidence(files, studies=study or (), unverified=unverified, decimal=decimal)
    if json:
        show_json(checked.to_dict())
    else:
        show_lines(checked.lines())
    return 0
