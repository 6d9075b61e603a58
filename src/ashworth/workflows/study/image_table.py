"""The table `image_counts`: what the images gave beside what the file says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from ashworth.definitions import Assay

if TYPE_CHECKING:
    from ashworth.workflows.images.task import SampleResult, SampleTask

SPECIMEN = ["patient_id", "specimen_id"]
SCHEMA: dict[str, Any] = {
    "patient_id": pl.String,
    "specimen_id": pl.String,
    "folder": pl.String,
    "status_from": pl.String,
    "outcome": pl.String,
    "reason": pl.String,
    "n_frames": pl.Int64,
    "caller_images": pl.String,
    "n_cells_images": pl.Int64,
    "n_leukocytes": pl.Int64,
    "simulated": pl.Boolean,
    "both": pl.Int64,
    "missed": pl.Int64,
    "extra": pl.Int64,
    "neither": pl.Int64,
    "kappa": pl.Float64,
    "kappa_lower": pl.Float64,
    "kappa_upper": pl.Float64,
}


def image_table(
    counts: pl.DataFrame,
    new: pl.DataFrame,
    assay: Assay,
    results: Sequence[SampleResult],
    tasks: Sequence[SampleTask],
) -> pl.DataFrame:
    """Set the counts of the images beside those of the file.

    Parameters
    ----------
    counts : polars.DataFrame
        Counts of the file.
    new : polars.DataFrame
        Specimens whose status rests on the images.
    assay : Assay
    results, tasks : sequences
        Of the image folders, in one order.

    Returns
    -------
    polars.DataFrame
        patient_id, specimen_id, folder, status_from ('images' or 'file'), outcome, reason,
        n_frames, caller_images, n_cells_images, n_leukocytes, simulated; both, missed, extra,
        neither and kappa with limits against the operator's assigned events (null where the
        folder carries none); caller_file, n_cells_file (summed over runs).
    """
    used = set(new.select(SPECIMEN).iter_rows())
    rows = [_row(t, r, assay, used) for t, r in zip(tasks, results, strict=True)]
    images = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(cs.float().fill_nan(None))
    mine = counts.filter(pl.col("phenotype") == assay.phenotype)
    in_file = mine.group_by(*SPECIMEN, caller_file="caller").agg(
        n_cells_file=pl.col("n_cells").sum()
    )
    return images.join(in_file, on=SPECIMEN, how="left").sort(*SPECIMEN, "caller_file")


def _row(
    task: SampleTask, result: SampleResult, assay: Assay, used: set[tuple[str, str]]
) -> dict[str, Any]:
    """One image folder."""
    done = result.outcome == "done"
    key = task.patient_id, task.specimen_id
    caller, n_cells = _count(result.folder, assay) if done else (None, None)
    return {
        "patient_id": key[0],
        "specimen_id": key[1],
        "folder": task.sample,
        "status_from": "images" if key in used else "file",
        "outcome": result.outcome,
        "reason": result.reason,
        "n_frames": result.n_frames,
        "caller_images": caller,
        "n_cells_images": n_cells,
        "n_leukocytes": result.counts.get("leukocyte") if done else None,
        "simulated": result.simulated,
        **_agreement(result.folder),
    }


def _count(folder: Path, assay: Assay) -> tuple[str | None, int | None]:
    """Caller and cells of the assay's phenotype."""
    counts = pl.read_parquet(folder / "counts.parquet", glob=False)
    mine = counts.filter(pl.col("phenotype") == assay.phenotype).select("caller", "n_cells")
    return mine.row(0) if mine.height else (None, None)


def _agreement(folder: Path) -> dict[str, Any]:
    """The operator's events against the calls; nothing where the folder carries none."""
    if not (folder / "agreement.parquet").is_file():
        return {}
    outcomes = pl.read_parquet(folder / "agreement_events.parquet", glob=False)["outcome"]
    tally = {n: int((outcomes == n).sum()) for n in ("both", "missed", "extra", "neither")}
    measures = pl.read_parquet(folder / "agreement.parquet", glob=False)
    kappa = measures.filter(pl.col("measure") == "kappa").select("estimate", "lower", "upper")
    names = ("kappa", "kappa_lower", "kappa_upper")
    return tally | dict(zip(names, kappa.row(0), strict=True))
