"""Tables over several samples, and the page that lists them."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ashworth.errors import AshworthError
from ashworth.reports.sample_index import sample_index
from ashworth.storage import write_table
from ashworth.workflows.images.task import MARK, SampleResult, read_result

OVERVIEW = (
    "counts.parquet", "counts.csv", "assay_runs.parquet", "assay_runs.csv", "samples.csv",
    "index.html",
)  # fmt: skip


def write_overview(folder: Path, samples: Sequence[SampleResult]) -> None:
    """Write the tables over samples (counts, assay_runs, samples.csv) and their index page.

    Samples of earlier calls whose results still lie in the folder stay in them.

    Parameters
    ----------
    folder : Path
    samples : sequence of SampleResult
        Those of this call.

    Raises
    ------
    AshworthError
        If they cannot be written; those of an earlier call are then still whole.
    """
    samples = [*samples, *_of_earlier_calls(folder, {s.sample for s in samples})]
    try:
        for old in folder.glob(".overview.*"):
            shutil.rmtree(old, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".overview.", dir=folder) as work:
            _write_tables(samples, Path(work))
            _write_samples(samples, Path(work) / "samples.csv")
            page = sample_index(_index_rows(samples))
            (Path(work) / "index.html").write_text(page, encoding="utf-8")
            for name in OVERVIEW:
                _put(Path(work) / name, folder / name)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise AshworthError(
            f"{folder}: the tables over all samples could not be written ({reason}); "
            f"samples:\n" + "\n".join(f"- {s.words}" for s in samples)
        ) from None


def _of_earlier_calls(folder: Path, here: set[str]) -> list[SampleResult]:
    """Samples whose results lie in the folder and that this call did not do, by name."""
    marks = sorted(folder.glob(f"*/{MARK}"))
    found = (read_result(mark.parent) for mark in marks if mark.parent.name not in here)
    return [result for result in found if result is not None]


def _put(new: Path, place: Path) -> None:
    """Put a file in place; one that was not made now is of an earlier call and goes."""
    if new.is_file():
        new.replace(place)
    else:
        place.unlink(missing_ok=True)


def _write_tables(samples: Sequence[SampleResult], work: Path) -> None:
    here = [s for s in samples if s.outcome in ("done", "not_evaluable")]
    for name in ("counts", "assay_runs"):
        paths = [s.folder / f"{name}.parquet" for s in here]
        parts = [pl.read_parquet(p, glob=False) for p in paths if p.is_file()]
        if parts:
            write_table(pl.concat(parts), work, name)


def _write_samples(samples: Iterable[SampleResult], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["sample", "outcome", "reason", "frames", "ctc", "simulated"])
        for s in samples:
            ctc = s.counts.get("ctc", "") if s.outcome == "done" else ""
            words = (_no_formula(s.sample), s.outcome, _no_formula(s.reason))
            writer.writerow([*words, s.n_frames, ctc, s.simulated])


def _no_formula(text: str) -> str:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{text}" if text[:1] in "=+-@" and text else text


def _index_rows(samples: Sequence[SampleResult]) -> list[dict[str, Any]]:
    return [
        {
            "sample": s.sample,
            "outcome": s.outcome,
            "reason": s.reason,
            "frames": s.n_frames,
            "counts": s.counts,
            "simulated": s.simulated,
            "pages": (s.folder / MARK).is_file() and (s.folder / "summary.html").is_file(),
        }
        for s in samples
    ]
