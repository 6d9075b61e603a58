"""What is to be done with one sample, and what became of it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ashworth.definitions.loader import load
from ashworth.definitions.models import Definition
from ashworth.version import __version__

MARK = "sample.json"
RESUME = ".fingerprint"
Outcome = Literal["done", "not_evaluable", "bad_input", "failed"]


@dataclass(frozen=True, slots=True)
class SampleTask:
    """One sample to be enumerated.

    Attributes
    ----------
    folder : Path
        Image folder.
    sample : str
        Name of its results folder.
    patient_id, specimen_id, run_id : str
    volume_ml : float or None
    assay : str
        Id of the assay's definition.
    out : Path
        Results folder of the sample.
    pictures_per_class : int
        Most cells of a class in the gallery.
    anndata : bool
        Write the cells as AnnData too.
    """

    folder: Path
    sample: str
    patient_id: str
    specimen_id: str
    run_id: str
    volume_ml: float | None
    assay: str
    out: Path
    pictures_per_class: int = 200
    anndata: bool = False

    @property
    def key(self) -> dict[str, str]:
        """Key of the run."""
        return {
            "patient_id": self.patient_id,
            "specimen_id": self.specimen_id,
            "run_id": self.run_id,
        }


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What became of one sample.

    Attributes
    ----------
    sample : str
    outcome : {"done", "not_evaluable", "bad_input", "failed"}
        ``bad_input``: the folder is no image folder, or its headers are at fault; ``failed``:
        the results could not be written, or something went wrong that nobody foresaw.
    reason : str
        Why it is not done; empty otherwise.
    folder : Path
        Results folder; for ``bad_input`` and ``failed`` there is none.
    n_frames : int
    counts : dict of str to int
        Cells by call.
    simulated, resumed : bool
    verdicts : tuple of dict
        HER2 verdicts.
    """

    sample: str
    outcome: Outcome
    reason: str = ""
    folder: Path = Path()
    n_frames: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    simulated: bool = False
    resumed: bool = False
    verdicts: tuple[dict[str, Any], ...] = ()

    @property
    def words(self) -> str:
        """One line for a terminal."""
        if self.outcome != "done":
            return f"{self.sample}: {self.outcome.replace('_', ' ')}: {self.reason}"
        seen = f"{self.counts.get('ctc', 0)} CTC, {self.counts.get('leukocyte', 0)} leukocytes"
        mark = " [SIMULATED]" if self.simulated else ""
        return f"{self.sample}{mark}: {seen} in {self.n_frames} frames"


def fingerprint(task: SampleTask) -> str:
    """Hash of what a sample's results depend on: its files, options, definitions, the version.

    Files enter by path, size and time of change; reading 2 GB of frames to hash them would take
    as long as counting.
    """
    digest = hashlib.sha256(__version__.encode())
    options = [task.key, task.volume_ml, task.pictures_per_class, task.sample, task.anndata]
    digest.update(json.dumps(options, sort_keys=True).encode())
    for definition in _definitions(task.assay):
        digest.update(definition.model_dump_json().encode())
    for path in sorted(_files(task.folder)):
        status = path.stat()
        entry = (path.relative_to(task.folder).as_posix(), status.st_size, status.st_mtime_ns)
        digest.update(repr(entry).encode())
    return digest.hexdigest()


def _definitions(assay: str) -> list[Definition]:
    """Definitions that a sample is read by."""
    found = load("assay", assay)
    images = found.images
    if images is None:
        return [found]
    used: list[Definition] = [found, load("call_rule", images.call_rule)]
    if images.her2_calibration is not None:
        used.append(load("her2_calibration", images.her2_calibration))
    return used + [load("her2_rule", rule) for rule in images.her2_rules]


def _files(folder: Path) -> list[Path]:
    """Files below a folder; links to folders are not followed."""
    found = []
    for root, _, names in os.walk(folder):
        found += [Path(root) / name for name in names]
    return [path for path in found if path.is_file()]


def finished(task: SampleTask) -> SampleResult | None:
    """Result of an earlier run, if nothing that it depends on has changed and it is whole."""
    try:
        if (task.out / RESUME).read_text(encoding="utf-8") != fingerprint(task):
            return None
    except OSError:
        return None
    return read_result(task.out)


def read_result(folder: Path) -> SampleResult | None:
    """Result of a sample as its folder says; None where that is not whole."""
    try:
        record = json.loads((folder / MARK).read_text(encoding="utf-8"))
        if not all((folder / name).is_file() for name in record["files"]):
            return None
        return SampleResult(
            sample=record["sample"], outcome=record["outcome"], reason=record["reason"],
            folder=folder, n_frames=record["n_frames"], counts=record["counts"],
            simulated=record["simulated"], resumed=True, verdicts=tuple(record["verdicts"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None
