"""`ashworth enumerate`: several image folders, over any executor, resumable."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ashworth.definitions.loader import load
from ashworth.errors import InputError, Problem
from ashworth.storage.anndata_export import demand_anndata
from ashworth.version import __version__
from ashworth.workflows.enumerate_folders import workers_problems
from ashworth.workflows.images.analysis import images_of
from ashworth.workflows.images.overview import OVERVIEW, write_overview
from ashworth.workflows.images.running import run_tasks
from ashworth.workflows.images.task import SampleResult, SampleTask

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
    anndata: bool = False,
    workers: int | None = None,
    cluster: str | None = None,
    executor: Executor | None = None,
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
    anndata : bool
        Write ``cells.h5ad`` into each sample's folder too.
    workers : int, optional
        Processes; by default as many as there are processors, at most one per sample.
    cluster : str, optional
        Address of a Dask scheduler instead.
    executor : concurrent.futures.Executor, optional
        Any other executor instead; it is left open.
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
        place of the results that holds other files or lies in an image folder.
    AshworthError
        If the tables over all samples cannot be written.
    """
    images_of(load("assay", assay))
    if anndata:
        demand_anndata()
    out = _plain(out)
    places = [_plain(f) for f in folders]
    _demand_call(places, out, volume_ml, workers)
    tasks = [
        SampleTask(f, n, n, n, "1", volume_ml, assay, out / n, anndata=anndata)
        for f, n in zip(places, map(_name, places), strict=True)
    ]
    _claim(out)
    results = run_tasks(
        tasks, workers=workers, cluster=cluster, executor=executor, progress=progress
    )
    write_overview(out, results)
    return Enumeration(out, tuple(results))


def _plain(path: Path) -> Path:
    """Make a path absolute, without dots: the last part of ``..`` is no name of a sample."""
    return Path(os.path.abspath(path))


def _name(folder: Path) -> str:
    return folder.name or "sample"


def _demand_call(
    folders: Sequence[Path], out: Path, volume_ml: float | None, workers: int | None
) -> None:
    """Raise all faults of the call at once."""
    problems = _folder_problems(folders, out)
    if volume_ml is not None and not 0 < volume_ml <= 100:
        problems.append(
            Problem("--volume-ml", None, None, str(volume_ml), "above 0 to 100 ml",
                    "give millilitres: 7500 µl are 7.5 ml")
        )  # fmt: skip
    problems += workers_problems(workers)
    if problems:
        raise InputError(problems, subject="the command")


def _folder_problems(folders: Sequence[Path], out: Path) -> list[Problem]:
    problems = [p for f in folders if (p := _unreadable(f)) is not None]
    problems += _name_problems([_name(f) for f in folders])
    problems += [
        Problem("--out", None, None, f"{out}, which lies in the image folder {f}",
                "a place outside of the images", "choose another folder with --out")
        for f in folders if out.is_relative_to(f)
    ]  # fmt: skip
    if not _is_utf8(str(out)):
        problems.append(Problem("--out", None, None, ascii(str(out)), "a name in UTF-8",
                                "choose another folder with --out"))  # fmt: skip
    if not folders:
        problems.append(Problem("FOLDER", None, None, "none", "one or more", "name a folder"))
    return problems


def _unreadable(folder: Path) -> Problem | None:
    """Refuse what is no folder, or lies where nobody may look."""
    try:
        if folder.is_dir():
            return None
        found = str(folder)
    except OSError as error:
        found = f"{folder}: {error.strerror or error}"
    return Problem("FOLDER", None, None, found, "an existing folder", "correct the path")


def _name_problems(names: Sequence[str]) -> list[Problem]:
    """Refuse names of samples that cannot stand side by side in one results folder."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.casefold(), []).append(name)
    return [
        Problem("FOLDER", None, None, _alike_words(same), "names that differ, not only in case",
                "enumerate them into different --out folders")
        for _, same in sorted(alike.items()) if len(same) > 1
    ] + [
        Problem("FOLDER", None, None, f"a folder named '{n}'",
                "another name than those of the results' own files", "rename the folder")
        for n in sorted(set(names))
        if n.casefold() in (BATCH_MARK, *OVERVIEW) or n.startswith(".overview.")
    ] + [
        Problem("FOLDER", None, None, f"a folder named {n!a}", "a name in UTF-8",
                "rename the folder")
        for n in sorted(set(names)) if not _is_utf8(n)
    ]  # fmt: skip


def _alike_words(names: Sequence[str]) -> str:
    if len(set(names)) == 1:
        return f"{len(names)} folders named '{names[0]}'"
    return f"folders named {', '.join(repr(n) for n in sorted(set(names)))}"


def _is_utf8(name: str) -> bool:
    """Whether a name holds no byte that the system's encoding could not decode."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _claim(out: Path) -> None:
    """Make the folder of the results, or refuse one that holds other things."""
    try:
        ours = (out / BATCH_MARK).is_file()
        if out.exists() and not out.is_dir():
            raise _place(f"{out}, which is a file")
        if out.is_dir() and not ours and any(out.iterdir()):
            raise _place(f"{out}, which holds other files")
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"made_by": "ashworth enumerate", "version": __version__}, indent=2)
        (out / BATCH_MARK).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise _place(f"{out}: {error.strerror or error}") from None


def _place(found: str) -> InputError:
    allowed = "a new folder, an empty one, or the results of an earlier enumeration"
    problem = Problem("--out", None, None, found, allowed, "choose another folder with --out")
    return InputError([problem], subject="the results folder")
