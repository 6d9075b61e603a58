"""`ashworth enumerate`: several image folders, over any executor, resumable."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ashworth.definitions.loader import load
from ashworth.errors import InputError, Problem
from ashworth.reports.sample_index import sample_index
from ashworth.storage import write_table
from ashworth.version import __version__
from ashworth.workflows.images.analysis import images_of
from ashworth.workflows.images.sample import enumerate_sample
from ashworth.workflows.images.task import MARK, SampleResult, SampleTask

BATCH_MARK = "enumeration.json"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Enumeration:
    """What became of all samples.

    Attributes
    ----------
    folder : Path
    samples : tuple of SampleResult
        In the order in which the folders were given.
    """

    folder: Path
    samples: tuple[SampleResult, ...]

    @property
    def any_bad_input(self) -> bool:
        """Whether a folder could not be opened."""
        return any(s.outcome == "bad_input" for s in self.samples)

    @property
    def any_failed(self) -> bool:
        """Whether writing the results of a sample failed."""
        return any(s.outcome == "failed" for s in self.samples)

    def lines(self) -> list[str]:
        """Text for a terminal."""
        resumed = sum(s.resumed for s in self.samples)
        again = [f"{resumed} of them finished earlier, not done again"] if resumed else []
        return [
            *(s.words for s in self.samples),
            *again,
            f"open: {self.folder / 'index.html'}",
            "Research use only. Not a medical device.",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "samples": [
                {
                    "sample": s.sample, "outcome": s.outcome, "reason": s.reason,
                    "frames": s.n_frames, "counts": s.counts, "simulated": s.simulated,
                    "resumed": s.resumed, "her2": list(s.verdicts),
                    "results": str(s.folder) if s.outcome in ("done", "not_evaluable") else None,
                }
                for s in self.samples
            ],
            "folder": str(self.folder),
            "index": str(self.folder / "index.html"),
            "version": __version__,
            "notice": "Research use only. Not a medical device.",
        }  # fmt: skip


def enumerate_folders(
    folders: Sequence[Path],
    *,
    out: Path,
    assay: str = "cellsearch-ctc",
    volume_ml: float | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> Enumeration:
    """Enumerate image folders and write one results folder per sample.

    Parameters
    ----------
    folders : sequence of Path
        Image folders, one per sample.
    out : Path
        Folder of the results: one folder per sample, tables over all samples, an index page.
    assay : str
        Assay with `images`.
    volume_ml : float, optional
        Volume of blood behind each sample, above 0 to 100; without it counts have no rate and no
        status.
    workers : int, optional
        Processes; by default as many as there are processors, at most one per sample.
    cluster : str, optional
        Address of a Dask scheduler instead.
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    Enumeration
        The same whatever the number of workers.

    Raises
    ------
    InputError
        With every problem of the call: a folder that does not exist, two samples of one name, a
        place of the results that holds other files.
    """
    images_of(load("assay", assay))
    out = Path(out).absolute()
    tasks = _tasks([Path(f).absolute() for f in folders], out, assay, volume_ml)
    _claim(out)
    results = run_tasks(tasks, workers=workers, cluster=cluster, progress=progress)
    write_overview(out, results)
    return Enumeration(out, tuple(results))


def _tasks(
    folders: Sequence[Path], out: Path, assay: str, volume_ml: float | None
) -> list[SampleTask]:
    """One task per folder; all faults at once."""
    names = [f.name or "sample" for f in folders]
    problems = [
        Problem("FOLDER", None, None, str(f), "an existing folder", "correct the path")
        for f in folders
        if not f.is_dir()
    ] + [
        Problem("FOLDER", None, None, f"{names.count(n)} folders named '{n}'",
                "names that differ", "enumerate them into different --out folders")
        for n in sorted({n for n in names if names.count(n) > 1})
    ]  # fmt: skip
    if not folders:
        problems.append(Problem("FOLDER", None, None, "none", "one or more", "name a folder"))
    if volume_ml is not None and not 0 < volume_ml <= 100:
        problems.append(
            Problem("--volume-ml", None, None, str(volume_ml), "above 0 to 100 ml",
                    "give millilitres: 7500 µl are 7.5 ml")
        )  # fmt: skip
    if problems:
        raise InputError(problems, subject="the command")
    return [
        SampleTask(f, n, n, n, "1", volume_ml, assay, out / n)
        for f, n in zip(folders, names, strict=True)
    ]


def _claim(out: Path) -> None:
    """Make the folder of the results, or refuse one that holds other things."""
    ours = (out / BATCH_MARK).is_file()
    if out.exists() and not out.is_dir():
        raise _place(f"{out}, which is a file")
    if out.is_dir() and not ours and any(out.iterdir()):
        raise _place(f"{out}, which holds other files")
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"made_by": "ashworth enumerate", "version": __version__}, indent=2)
        (out / BATCH_MARK).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise _place(f"{out}: {error.strerror or error}") from None


def _place(found: str) -> InputError:
    allowed = "a new folder, an empty one, or the results of an earlier enumeration"
    problem = Problem("--out", None, None, found, allowed, "choose another folder with --out")
    return InputError([problem], subject="the results folder")


def run_tasks(
    tasks: Sequence[SampleTask],
    *,
    workers: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> list[SampleResult]:
    """Do the tasks in this process, in several, or on a cluster; results in their order."""
    tell = progress or (lambda *_: None)
    count = min(len(tasks), workers or os.cpu_count() or 1)
    if cluster is None and count <= 1:
        return [_alone(task, k, len(tasks), tell) for k, task in enumerate(tasks)]
    results: dict[int, SampleResult] = {}
    with _executor(count, cluster) as pool:
        waiting = {pool.submit(enumerate_sample, task): k for k, task in enumerate(tasks)}
        tell("samples", 0, len(tasks))
        for done, future in enumerate(as_completed(waiting), start=1):
            results[waiting[future]] = future.result()
            tell(results[waiting[future]].sample, done, len(tasks))
    return [results[k] for k in range(len(tasks))]


def _alone(task: SampleTask, k: int, n: int, tell: Progress) -> SampleResult:
    """One task with progress by frame."""
    label = task.sample if n == 1 else f"{task.sample} ({k + 1} of {n})"
    return enumerate_sample(task, lambda done, total: tell(f"{label}: frames", done, total))


@contextmanager
def _executor(workers: int, cluster: str | None) -> Iterator[Executor]:
    """Processes on this machine, or the workers of a Dask cluster."""
    if cluster is None:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            yield pool
        return
    try:
        from distributed import Client
    except ImportError:
        remedy = "install ashworth[cluster]"
        raise InputError(
            [Problem("--cluster", None, None, "no package 'distributed'", "it installed", remedy)]
        ) from None
    try:
        client = Client(cluster, timeout="20s")
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            [Problem("--cluster", None, None, f"{cluster}: {error}", "a running Dask scheduler",
                     "correct the address, e.g. tcp://host:8786")]
        ) from None  # fmt: skip
    with client, nullcontext(client.get_executor(pure=False)) as pool:
        yield pool


def write_overview(folder: Path, samples: Sequence[SampleResult]) -> None:
    """Write the tables over samples (counts, assay_runs, samples.csv) and their index page."""
    here = [s for s in samples if s.outcome in ("done", "not_evaluable")]
    for name in ("counts", "assay_runs"):
        parts = [
            pl.read_parquet(s.folder / f"{name}.parquet")
            for s in here
            if (s.folder / f"{name}.parquet").is_file()
        ]
        if parts:
            write_table(pl.concat(parts), folder, name)
    _write_samples(samples, folder / "samples.csv")
    (folder / "index.html").write_text(sample_index(_index_rows(samples)), encoding="utf-8")


def _write_samples(samples: Iterable[SampleResult], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["sample", "outcome", "reason", "frames", "ctc", "simulated"])
        for s in samples:
            ctc = s.counts.get("ctc", "") if s.outcome == "done" else ""
            writer.writerow([s.sample, s.outcome, s.reason, s.n_frames, ctc, s.simulated])


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
