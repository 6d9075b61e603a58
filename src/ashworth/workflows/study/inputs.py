"""A study folder to validated tables."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ashworth.definitions import Catalogue, load
from ashworth.errors import InputError, Problem
from ashworth.records import TABLES, Expectations, ExtraColumn, InputFormat, read_tables
from ashworth.records.formats import MISSING
from ashworth.records.schemas import specs
from ashworth.workflows.study.declarations import declaration_problems, demand_fit
from ashworth.workflows.study.image_folders import has_image_folders
from ashworth.workflows.study.settings import Covariate, StudySettings

ENDINGS = (".csv", ".csv.gz", ".parquet")
MADE_HERE = ("statuses", "dynamics")
READ = tuple(t for t in TABLES if t not in MADE_HERE)


@dataclass(frozen=True, slots=True)
class StudyInputs:
    """The tables of a study folder.

    Attributes
    ----------
    tables : mapping of str to polars.DataFrame
    files : tuple of Path
        Every file that was read, study.toml included.
    notices : tuple of str
        What was assumed and what was not read.
    runs_given : bool
        Whether the folder has its own `assay_runs`.
    """

    tables: Mapping[str, pl.DataFrame]
    files: tuple[Path, ...]
    notices: tuple[str, ...]
    runs_given: bool = False


def read_study(folder: Path, settings: StudySettings) -> StudyInputs:
    """Read and check all tables of a study folder.

    Raises
    ------
    InputError
        With all problems of the declarations, of all tables and between them.
    """
    files, problems = _files(folder, settings)
    problems += declaration_problems(settings)
    problems += [
        Problem("study.toml", None, f"columns.{table}", "a table that is not read",
                f"one of {', '.join(READ)}", "correct the name of the table")
        for table in settings.columns if table not in READ
    ]  # fmt: skip
    extra, faults = _extra_columns(settings)
    problems += faults
    if problems:
        raise InputError(problems, subject=f"the study {folder.name}")
    read = read_tables(
        files,
        input_format=_input_format(settings),
        rename=settings.columns,
        extra=extra,
        defaults=_defaults(settings),
        declared_identifiers=settings.input.declared_identifiers,
        expectations=_expectations(settings),
    )
    demand_fit(read["patients"], settings)
    ignored = [
        f"{table}: column{'s' if len(r.ignored_columns) > 1 else ''} not read: "
        f"{', '.join(r.ignored_columns)}"
        for table, r in read.reads.items()
        if r.ignored_columns
    ]
    unread = _unread(folder, files)
    return StudyInputs(
        tables=dict(read),
        files=(folder / "study.toml", *files.values()),
        notices=(*read.notices, *ignored, *unread, *_idle_images(folder, settings)),
        runs_given="assay_runs" in files,
    )


def _files(folder: Path, settings: StudySettings) -> tuple[dict[str, Path], list[Problem]]:
    """Find one file per table; report what is missing or there twice."""
    found: dict[str, Path] = {}
    problems = []
    for table in READ:
        here = [folder / (table + e) for e in ENDINGS if (folder / (table + e)).exists()]
        if len(here) > 1:
            names = " and ".join(p.name for p in here)
            problems.append(_file_problem(table, names, "one file per table", "keep one of them"))
        if here:
            found[table] = here[0]
    needed = ["patients"]
    if settings.counted:
        needed += ["specimens"] if has_image_folders(folder) else ["specimens", "counts"]
    problems += [_missing(table, folder) for table in needed if table not in found]
    if {"outcomes", "events"} <= set(found):
        text = "both outcomes and events"
        problems.append(_file_problem("events", text, "one of the two", "keep one of them"))
    if not {"outcomes", "events"} & set(found):
        problems.append(_missing("outcomes", folder))
    if not settings.counted:
        found = {t: p for t, p in found.items() if t not in ("specimens", "counts", "assay_runs")}
    return found, problems


def _file_problem(table: str, found: str, allowed: str, remedy: str) -> Problem:
    """A problem of a file as a whole."""
    return Problem(table, None, None, found, allowed, remedy)


def _missing(table: str, folder: Path) -> Problem:
    """A table without a file, with the nearest name in the folder."""
    names = sorted(p.name for p in folder.iterdir() if p.is_file())
    near = difflib.get_close_matches(f"{table}.csv", names, n=1)
    remedy = f"is it {near[0]}?" if near else f"add {table}.csv"
    if table == "counts":
        remedy += ", or a folder images/ with a folder per specimen"
    return _file_problem(table, "no file", " or ".join(table + e for e in ENDINGS), remedy)


def _unread(folder: Path, files: Mapping[str, Path]) -> list[str]:
    """Name the data files that were not read."""
    used = {p.name for p in files.values()}
    extra = sorted(
        p.name for p in folder.iterdir() if p.name.endswith(ENDINGS) and p.name not in used
    )
    return [f"not read: {', '.join(extra)}"] if extra else []


def _idle_images(folder: Path, settings: StudySettings) -> list[str]:
    """Say that images are not looked at where a covariate plays the marker."""
    if settings.counted or not has_image_folders(folder):
        return []
    return ["not read: images/; a covariate is the marker"]


def _extra_columns(settings: StudySettings) -> tuple[dict[str, ExtraColumn], list[Problem]]:
    """Declared covariates that the schema of patients does not have."""
    standard = specs("patients")
    extra, problems = {}, []
    for name, spec in settings.covariates.items():
        if name in standard:
            continue
        try:
            extra[name] = _extra_column(spec)
        except ValueError as error:
            problems.append(
                Problem("study.toml", None, f"covariates.{name}", "this declaration",
                        str(error), "correct it")
            )  # fmt: skip
    return extra, problems


def _extra_column(spec: Covariate) -> ExtraColumn:
    """Translate a declaration."""
    return ExtraColumn(
        type=spec.type,
        minimum=spec.minimum,
        maximum=spec.maximum,
        categories=spec.categories or (),
        unit=spec.unit or "",
        label=spec.label or "",
    )


def _input_format(settings: StudySettings) -> InputFormat:
    """Translate how the files are written."""
    declared = settings.input
    return InputFormat(
        delimiter=None if declared.separator == "auto" else declared.separator,
        decimal=declared.decimal,
        encoding=None if declared.encoding == "auto" else declared.encoding,
        date_format=declared.date_format,
        missing=MISSING if declared.missing is None else declared.missing,
    )


def _defaults(settings: StudySettings) -> dict[str, dict[str, str]]:
    """Values of columns that a laboratory's table may leave out."""
    if not settings.counted or settings.assay is None:
        return {}
    assay = load("assay", settings.assay)
    return {
        "counts": {"run_id": "1", "phenotype": assay.phenotype, "caller": "laboratory"},
        "specimens": {"matrix": assay.matrix},
        "assay_runs": {"run_id": "1", "assay": assay.id},
    }


def _expectations(settings: StudySettings) -> Expectations:
    """What the definitions demand of the tables."""
    catalogue = Catalogue()
    assays = [catalogue.get("assay", i) for i in catalogue.ids("assay")]
    endpoints = [catalogue.get("endpoint", i) for i in catalogue.ids("endpoint")]
    return Expectations(
        denominators={a.id: a.denominator for a in assays},
        matrices={a.id: a.matrix for a in assays},
        assay=settings.assay,
        event_codes={e.id: frozenset({0, 1, *e.competing}) for e in endpoints},
    )
