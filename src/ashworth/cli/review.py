"""`ashworth review`: the review that rebuilds itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ashworth.cli.output import show_json, show_lines, steps_shown


def review(
    *,
    evidence: Annotated[list[Path] | None, Parameter(negative=())] = None,
    registry: Annotated[list[Path] | None, Parameter(negative=())] = None,
    out: Path = Path("review"),
    no_pdf: bool = False,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"))] = False,
) -> int:
    """Build the review: every figure drawn, every number from a record that it opens.

    Parameters
    ----------
    evidence
        Folder with own records beside the shipped ones (may be repeated).
    registry
        Registry files or folder instead of the shipped records (may be repeated).
    out
        Folder of review.html, review.pdf and the reference lists.
    no_pdf
        Write no PDF.
    json
        Print JSON.
    quiet
        Show no progress.
    """
    from ashworth.workflows.review.build import build_review

    with steps_shown(quiet=quiet or json) as progress:
        built = build_review(
            out=out, folders=tuple(evidence or ()), registry=tuple(registry or ()),
            pdf=not no_pdf, progress=progress,
        )  # fmt: skip
    if json:
        show_json(built.to_dict())
    else:
        show_lines(built.lines())
    return 0
