"""`ashworth run`: a study folder to its results folder."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ashworth.errors import InputError, Problem
from ashworth.figures import Figure
from ashworth.storage import results_folder, write_run_log, write_table
from ashworth.version import __version__
from ashworth.workflows.enumerate_folders import workers_problems
from ashworth.workflows.study.analyse import EndpointResult, StudyResults, analyse
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.run import run_analyses
from ashworth.workflows.study.image_folders import FOLDER
from ashworth.workflows.study.images import StudyImages, clear_staging, count_images
from ashworth.workflows.study.inputs import StudyInputs, read_study
from ashworth.workflows.study.report import study_report
from ashworth.workflows.study.result_tables import result_tables
from ashworth.workflows.study.settings import StudySettings, load_settings

Progress = Callable[[str, int, int], None]
STEPS = 4


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run says when it is done.

    Attributes
    ----------
    title : str
    folder : Path
        Results folder.
    patients : int
    endpoints : tuple of dict
        Per endpoint and time point: n, events, hazard ratio with limits, log-rank p-value, and
        the adjusted hazard ratio with its limits.
    notices : tuple of str
    simulated : bool
    """

    title: str
    folder: Path
    patients: int
    endpoints: tuple[dict[str, Any], ...]
    notices: tuple[str, ...]
    simulated: bool

    @property
    def report(self) -> Path:
        """The report."""
        return self.folder / "report.html"

    def lines(self) -> list[str]:
        """Text for a terminal."""
        head = f"{self.title}{' [SIMULATED DATA]' if self.simulated else ''}"
        return [
            head,
            f"{self.patients} patients",
            *(_endpoint_line(e) for e in self.endpoints),
            *(f"note: {n}" for n in self.notices),
            f"report: {self.report}",
            "Research use only. Not a medical device.",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "title": self.title,
            "simulated": self.simulated,
            "patients": self.patients,
            "endpoints": list(self.endpoints),
            "notices": list(self.notices),
            "results": str(self.folder),
            "report": str(self.report),
            "version": __version__,
            "notice": "Research use only. Not a medical device.",
        }


def run_study(
    study: Path,
    *,
    out: Path | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> RunSummary:
    """Analyse a study folder and write its results folder.

    Image folders below ``images/`` are enumerated first. Those that are finished are kept, also
    if the run ends early: they are not done again until their files change.

    Parameters
    ----------
    study : Path
        Folder with study.toml and the tables.
    out : Path, optional
        Results folder; ``study / "results"`` by default.
    workers : int, optional
        Processes for image folders; by default as many as there are processors.
    cluster : str, optional
        Address of a Dask scheduler for image folders instead.
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    RunSummary

    Raises
    ------
    InputError
        With all problems of the input; the previous results are then untouched.
    AshworthError
        If the results of an image folder could not be written.
    """
    started = datetime.now(UTC)
    tell = progress or (lambda *_: None)
    study = Path(study).absolute()
    if not study.is_dir():
        raise InputError(
            [Problem("STUDY", None, None, f"{study}, which is not a folder",
                     "a folder with study.toml", "name the study's folder")]
        )  # fmt: skip
    target = Path(out).absolute() if out else study / "results"
    _demand_call(study, target, workers)
    with results_folder(target) as work:
        settings = load_settings(study / "study.toml")
        tell("reading tables", 0, STEPS)
        inputs = read_study(study, settings)
        images = count_images(
            study, inputs.tables, settings, work=work, target=target,
            runs_given=inputs.runs_given, workers=workers, cluster=cluster, progress=tell,
        )  # fmt: skip
        inputs, settings = _with_images(inputs, settings, images)
        tell("analysing", 1, STEPS)
        results = analyse(inputs.tables, settings)
        further = run_analyses(Context(inputs.tables, results), progress=tell)
        tell("drawing", 2, STEPS)
        html, figures = study_report(
            results, notices=inputs.notices, images=images, further=further
        )
        tell("writing", 3, STEPS)
        _write(work, result_tables(results, further), images, html, figures)
        summary = _summary(results, inputs, target)
        _log(work, study, started, settings, inputs, images, summary)
    clear_staging(target)
    tell("done", STEPS, STEPS)
    return summary


def _demand_call(study: Path, target: Path, workers: int | None) -> None:
    """Raise the faults of the call: results among the images, fewer than one process."""
    problems = workers_problems(workers)
    images = Path(os.path.realpath(study / FOLDER))
    if Path(os.path.realpath(target)).is_relative_to(images):
        problems.append(
            Problem("--out", None, None, f"{target}, which lies in {study / FOLDER}",
                    "a place outside of the images", "choose another folder with --out")
        )  # fmt: skip
    if problems:
        raise InputError(problems, subject="the command")


def _with_images(
    inputs: StudyInputs, settings: StudySettings, images: StudyImages | None
) -> tuple[StudyInputs, StudySettings]:
    """Put the counts of images into the inputs; simulated images make a simulated study."""
    if images is None:
        return inputs, settings
    notices = (*inputs.notices, *images.notices)
    if images.simulated and not settings.simulated:
        settings = settings.model_copy(update={"simulated": True})
        notices += ("images: some are simulated, so everything here is marked as simulated",)
    return replace(inputs, tables=images.tables, notices=notices), settings


def _write(
    work: Path, tables: dict[str, pl.DataFrame], images: StudyImages | None, html: str,
    figures: list[Figure],
) -> None:  # fmt: skip
    """Write tables, figures and the report."""
    for folder in ("tables", "figures"):
        (work / folder).mkdir()
    counted = {} if images is None else {"image_counts": images.table}
    for name, frame in (tables | counted).items():
        write_table(frame, work / "tables", name)
    for figure in figures:
        (work / "figures" / f"{figure.name}.svg").write_text(figure.svg(), encoding="utf-8")
        (work / "figures" / f"{figure.name}.vl.json").write_text(figure.json(), encoding="utf-8")
    (work / "report.html").write_text(html, encoding="utf-8")


def _log(
    work: Path, study: Path, started: datetime, settings: StudySettings, inputs: StudyInputs,
    images: StudyImages | None, summary: RunSummary,
) -> None:  # fmt: skip
    """Write the run log; image folders stand in it by fingerprint, their pixels are not hashed."""
    fingerprints = {} if images is None else {"images": images.fingerprints}
    write_run_log(
        work,
        command="ashworth run",
        started_at=started,
        inputs=inputs.files,
        base=study,
        options=json.loads(settings.model_dump_json()) | fingerprints,
        notices=summary.notices,
    )


def _summary(results: StudyResults, inputs: StudyInputs, target: Path) -> RunSummary:
    """Collect what the terminal shows."""
    return RunSummary(
        title=results.settings.title,
        folder=target,
        patients=results.patients.height,
        endpoints=tuple(_endpoint_summary(r, results.groups.labels) for r in results.results),
        notices=(*inputs.notices, *results.notes),
        simulated=results.settings.simulated,
    )


def _endpoint_summary(result: EndpointResult, labels: tuple[str, ...]) -> dict[str, Any]:
    """One endpoint at one time point."""
    survival = result.survival
    ratio = survival.hazard_ratio or {}
    groups = _group_summaries(result, labels)
    adjusted = groups[0] if len(groups) == 1 else {}
    return {
        "endpoint": result.endpoint.abbreviation,
        "timepoint": survival.analysis.timepoint,
        "n": survival.analysis.n,
        "events": survival.analysis.n_events,
        "hazard_ratio": _finite(ratio.get("estimate")),
        "lower": _finite(ratio.get("lower")),
        "upper": _finite(ratio.get("upper")),
        "log_rank_p": None if survival.test is None else float(survival.test.p_value),
        "adjusted_hazard_ratio": adjusted.get("adjusted_hazard_ratio"),
        "adjusted_lower": adjusted.get("adjusted_lower"),
        "adjusted_upper": adjusted.get("adjusted_upper"),
        "groups": groups,
        "problem": survival.problem,
    }


def _group_summaries(result: EndpointResult, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Every group against the reference, alone and adjusted."""
    if result.models is None:
        return []
    pairs = zip(
        result.models.univariable.head(len(labels)).iter_rows(named=True),
        result.models.multivariable.head(len(labels)).iter_rows(named=True),
        strict=True,
    )
    return [
        {
            "group": alone["label"],
            "reference": labels[0],
            "hazard_ratio": _finite(alone["estimate"]),
            "lower": _finite(alone["lower"]),
            "upper": _finite(alone["upper"]),
            "adjusted_hazard_ratio": _finite(adjusted["estimate"]),
            "adjusted_lower": _finite(adjusted["lower"]),
            "adjusted_upper": _finite(adjusted["upper"]),
        }
        for alone, adjusted in pairs
        if not alone["is_reference"]
    ]


def _finite(value: float | None) -> float | None:
    """A number that JSON can hold, else None."""
    return value if value is not None and math.isfinite(value) else None


def _endpoint_line(entry: dict[str, Any]) -> str:
    """One line of the terminal's summary."""
    head = f"{entry['endpoint']} ({entry['timepoint']}): {entry['n']} patients, "
    head += f"{entry['events']} events"
    if len(entry["groups"]) > 1:
        return f"{head}; {_group_words(entry)}"
    if entry["hazard_ratio"] is None:
        return f"{head}; hazard ratio not estimable: {entry['problem']}"
    limits = "–".join("∞" if v is None else f"{v:.2f}" for v in (entry["lower"], entry["upper"]))
    p_value = entry["log_rank_p"]
    text = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
    return f"{head}; hazard ratio {entry['hazard_ratio']:.2f} ({limits}), log-rank {text}"


def _group_words(entry: dict[str, Any]) -> str:
    """Hazard ratios of several groups."""
    words = (
        f"{g['group']} {g['hazard_ratio']:.2f}" if g["hazard_ratio"] is not None
        else f"{g['group']} not estimable"
        for g in entry["groups"]
    )  # fmt: skip
    return f"hazard ratios against {entry['groups'][0]['reference']}: {', '.join(words)}"
