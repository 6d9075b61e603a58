"""`ashworth enumerate`: image folders to counts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ashworth.cli.output import show_json, show_lines, steps_shown

DONE, FAILED, BAD_INPUT = 0, 1, 2


def enumerate_folders(
    *folders: Path,
    out: Path = Path("enumeration"),
    assay: str = "cellsearch-ctc",
    volume_ml: float | None = None,
    anndata: bool = False,
    workers: int | None = None,
    cluster: str | None = None,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"))] = False,
) -> int:
    """Find, measure, call and count the cells of image folders, one sample per folder.

    A sample that was finished earlier from the same files is not done again. A sample whose
    images cannot be read is marked not evaluable; the others go on.

    Parameters
    ----------
    folders
        Image folders: CellTracks, CellTracksXp, VyCAP, MCBP, OME-TIFF, or TIFF with frames.toml.
    out
        Folder of the results: one folder per sample, tables over all samples, index.html.
    assay
        Assay whose definition says how its images are read; cellsearch-ctc-her2 scores HER2.
    volume_ml
        Volume of blood behind each sample; without it a count has no rate and no status.
    anndata
        Write the cells of each sample as AnnData too (cells.h5ad).
    workers
        Processes [default: one per processor].
    cluster
        Address of a Dask scheduler, e.g. tcp://host:8786, instead of processes.
    json
        Print a summary as JSON instead of text.
    quiet
        Show no progress.
    """
    from ashworth.workflows.enumerate_folders import enumerate_image_folders

    with steps_shown(quiet=quiet or json) as progress:
        found = enumerate_image_folders(
            folders, out=out, assay=assay, volume_ml=volume_ml, anndata=anndata,
            workers=workers, cluster=cluster, progress=progress,
        )  # fmt: skip
    if json:
        show_json(found.to_dict())
    else:
        show_lines(found.lines())
    if found.any_failed:
        return FAILED
    return BAD_INPUT if found.any_bad_input else DONE
