"""`ashworth simulate cohort`: a simulated study folder with its truth beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ashworth.cohorts import SimulatedCohort, preset, simulate
from ashworth.errors import InputError, Problem
from ashworth.storage import results_folder

MARK = "truth/truth.json"
TITLES = {
    "metastatic": "CTC in metastatic breast cancer before and under therapy",
    "early_dtc": "DTC in the bone marrow at primary surgery of early breast cancer",
    "early_ctc": "CTC before treatment of early breast cancer",
}
STUDY: dict[str, dict[str, Any]] = {
    "metastatic": {
        "index_event": "start of therapy (day of the first specimen)",
        "dynamics": "ctc-dynamics-5",
        "endpoints": ["os", "pfs"],
        "adjust": ["age_years", "er_status", "her2_status", "line", "de_novo"],
        "subgroups": ["er_status", "her2_status", "de_novo"],
        "time_unit": "months",
        "survival_at": [12, 24, 36],
        "restricted_mean_at": 36,
        "labels": {"baseline": "Baseline", "first_follow_up": "First follow-up"},
    },
    "early_dtc": {
        "index_event": "primary surgery (day of the bone marrow aspirate)",
        "endpoints": ["os", "idfs", "drfi", "bcss"],
        "adjust": ["age_years", "er_status", "grade", "pt", "pn"],
        "subgroups": ["er_status", "her2_status", "grade"],
        "time_unit": "years",
        "survival_at": [3, 5, 10],
        "restricted_mean_at": 10,
        "labels": {"baseline": "Primary surgery"},
    },
    "early_ctc": {
        "index_event": "start of treatment (day of the first specimen)",
        "endpoints": ["os", "idfs"],
        "adjust": ["age_years", "er_status", "grade", "pt", "pn"],
        "subgroups": ["er_status", "her2_status", "grade"],
        "time_unit": "years",
        "survival_at": [1, 3, 5],
        "restricted_mean_at": 5,
        "labels": {"baseline": "Before treatment"},
    },
}


@dataclass(frozen=True, slots=True)
class SimulatedStudy:
    """A simulated study folder.

    Attributes
    ----------
    folder : Path
    preset : str
    seed : int
    rows : dict of str to int
        Rows of every table.
    """

    folder: Path
    preset: str
    seed: int
    rows: dict[str, int]

    def lines(self) -> list[str]:
        """Text for a terminal."""
        counted = ", ".join(f"{n} {t.replace('_', ' ')}" for t, n in self.rows.items())
        return [
            f"SIMULATED study '{self.preset}', seed {self.seed}: {counted}",
            f"study: {self.folder}",
            f"truth: {self.folder / MARK}",
            f"next:  ashworth run {self.folder}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "simulated": True,
            "preset": self.preset,
            "seed": self.seed,
            "rows": self.rows,
            "study": str(self.folder),
            "truth": str(self.folder / MARK),
        }


def simulate_study(
    name: str, *, out: Path, seed: int, patients: int | None = None, centres: int | None = None
) -> SimulatedStudy:
    """Simulate a cohort and write it as a study folder.

    Parameters
    ----------
    name : {'metastatic', 'early_dtc', 'early_ctc'}
        Preset of `ashworth.cohorts`.
    out : Path
        New folder (or one that an earlier simulation made).
    seed : int
        The same seed gives the same bytes.
    patients, centres : int, optional
        Sizes other than the preset's.

    Returns
    -------
    SimulatedStudy

    Raises
    ------
    InputError
        If a number is out of range or the folder holds other files.
    """
    _demand_sizes(seed, patients, centres)
    changes: dict[str, Any] = {"n_patients": patients, "n_centres": centres}
    spec = preset(name, **{k: v for k, v in changes.items() if v is not None})
    cohort = simulate(spec, seed)
    target = Path(out).absolute()
    with results_folder(target, mark=MARK) as work:
        _write(work, name, cohort)
    rows = {t: f.height for t, f in cohort.tables.items()}
    return SimulatedStudy(target, name, seed, rows)


def _demand_sizes(seed: int, patients: int | None, centres: int | None) -> None:
    """Refuse impossible sizes."""
    given = (("--patients", patients, 1), ("--centres", centres, 1), ("--seed", seed, 0))
    problems = [
        Problem(option, None, None, str(value), f"{least} or more", "give another number")
        for option, value, least in given
        if value is not None and value < least
    ]
    if problems:
        raise InputError(problems, subject="the command")


def _write(work: Path, name: str, cohort: SimulatedCohort) -> None:
    """Write the tables, study.toml and the truth."""
    for table, frame in cohort.tables.items():
        _filled(frame).write_csv(work / f"{table}.csv", line_terminator="\n")
    (work / "study.toml").write_text(study_toml(name, cohort), encoding="utf-8")
    (work / "truth").mkdir()
    cohort.truth["concentrations"].write_csv(work / "truth" / "concentrations.csv")
    files = sorted(p.relative_to(work).as_posix() for p in work.rglob("*") if p.is_file())
    record = {**cohort.truth_record(), "files": files}
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (work / MARK).write_text(text + "\n", encoding="utf-8")


def _filled(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out columns without any value."""
    return frame.select(c for c in frame.columns if frame[c].null_count() < max(frame.height, 1))


def study_toml(name: str, cohort: SimulatedCohort) -> str:
    """Write the study file of a simulated cohort."""
    plan, spec = STUDY[name], cohort.spec
    family = "".join("_" + c.lower() if c.isupper() else c for c in type(spec.population).__name__)
    entries = {
        "title": TITLES[name],
        "setting": spec.setting,
        "simulated": True,
        "description": (
            f"Simulated patients (preset {name}, seed {cohort.seed}); nothing here was observed. "
            "The planted values stand in truth/truth.json."
        ),
        "index_event": plan["index_event"],
        "assay": spec.assay,
        "rule": spec.rule,
        **({"dynamics": plan["dynamics"]} if "dynamics" in plan else {}),
        "population": family.strip("_"),
        "recovery": spec.measurement.recovery,
        "blank_rate": spec.measurement.blank_rate,
        **({"fulfilled": list(spec.fulfilled)} if spec.fulfilled else {}),
        **{k: plan[k] for k in ("endpoints", "adjust", "subgroups")},
        "stratify": ["centre"],
        **{k: plan[k] for k in ("time_unit", "survival_at", "restricted_mean_at")},
    }
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entries.items()]
    for timepoint in spec.timepoints:
        label = json.dumps(plan["labels"].get(timepoint, timepoint), ensure_ascii=False)
        lines += ["", "[[timepoints]]", f'name = "{timepoint}"', f"label = {label}"]
    return "\n".join(lines) + "\n"
