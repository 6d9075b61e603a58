"""Image folders of a study to counts: which specimens, in which runs, beside which other counts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ashworth.definitions import Assay, load
from ashworth.errors import AshworthError, InputError, Problem
from ashworth.records import blank
from ashworth.records.rules import default_runs
from ashworth.workflows.enumerate_folders import demand_image_packages
from ashworth.workflows.study.image_folders import FOLDER, ImageFolder, find_image_folders
from ashworth.workflows.study.image_table import image_table
from ashworth.workflows.study.settings import StudySettings

if TYPE_CHECKING:
    from ashworth.workflows.images.task import SampleResult, SampleTask

Progress = Callable[[str, int, int], None]
Tables = Mapping[str, pl.DataFrame]
SPECIMEN = ["patient_id", "specimen_id"]
RUN = [*SPECIMEN, "run_id"]


@dataclass(frozen=True, slots=True)
class StudyImages:
    """Counts of a study's image folders.

    Attributes
    ----------
    tables : mapping of str to polars.DataFrame
        The study's tables; `counts` and `assay_runs` hold what the images gave.
    table : polars.DataFrame
        Table `image_counts`: one row per image folder (and per caller of the file, where the
        file has several for a specimen).
    caller : str
        Rule and version that called the cells.
    simulated : bool
        Whether the images of a specimen are simulated.
    notices : tuple of str
    fingerprints : dict of str to str
        By folder: hash of names, sizes and hours of its files, of options and version.
    """

    tables: Tables
    table: pl.DataFrame
    caller: str
    simulated: bool
    notices: tuple[str, ...]
    fingerprints: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which folder fills which run.

    Attributes
    ----------
    tables : mapping
        With `counts` and `assay_runs`, derived where they are not given.
    folders : tuple of ImageFolder
    new : frame of patient_id, specimen_id, run_id
        Specimens whose count comes from the images.
    """

    tables: Tables
    folders: tuple[ImageFolder, ...]
    new: pl.DataFrame


def count_images(
    study: Path,
    tables: Tables,
    settings: StudySettings,
    *,
    work: Path,
    target: Path,
    runs_given: bool,
    workers: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> StudyImages | None:
    """Enumerate the image folders of a study and put their counts into its tables.

    A specimen gets the count of its images where neither `counts` nor `assay_runs` says anything
    about it (a done run without a count is filled); otherwise the tables' word stays and the
    images stand beside it.

    Parameters
    ----------
    study : Path
        Folder of the study.
    tables : mapping of str to polars.DataFrame
        Its validated tables.
    settings : StudySettings
    work, target : Path
        Results folder that is being written; the place that it will take. Samples that are
        finished stay beside `target` until `clear_staging`, so that a run that ends early loses
        none.
    runs_given : bool
        Whether `assay_runs` is the study's own, not derived from its counts.
    workers, cluster
        As in `ashworth.workflows.images.running.run_tasks`.
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    StudyImages or None
        None without image folders, or where a covariate plays the marker.

    Raises
    ------
    InputError
        With all problems of folders, volumes and images.
    AshworthError
        If a sample could not be written or failed.
    """
    if not settings.counted or settings.assay is None:
        return None
    assay = load("assay", settings.assay)
    folders = find_image_folders(study, tables["specimens"], assay)
    if not folders:
        return None
    demand_image_packages()
    plan = _plan(tables, folders, assay, runs_given=runs_given)
    tasks = _tasks(plan, assay, staging_of(target))
    _adopt(tasks, target / FOLDER)
    results = _enumerated(tasks, folders, work, workers, cluster, progress)
    return _merged(plan, assay, results, tasks)


def staging_of(target: Path) -> Path:
    """Folder beside the results in which samples wait until a run is complete."""
    return target.parent / f".{target.name}.{FOLDER}"


def clear_staging(target: Path) -> None:
    """Remove the waiting samples after a run that is complete."""
    shutil.rmtree(staging_of(target), ignore_errors=True)


def _plan(
    tables: Tables, folders: tuple[ImageFolder, ...], assay: Assay, *, runs_given: bool
) -> _Plan:
    """Choose the specimens that the images count; all faults at once."""
    specimens, counts = tables["specimens"], tables.get("counts", blank("counts"))
    pictured = pl.DataFrame(
        [(f.patient_id, f.specimen_id) for f in folders],
        schema=dict.fromkeys(SPECIMEN, pl.String), orient="row",
    )  # fmt: skip
    uncounted = pictured.join(counts, on=SPECIMEN, how="anti")
    if runs_given:
        kept, new = _given_runs(tables["assay_runs"], uncounted, assay)
    else:
        kept = default_runs(specimens, counts, assay.id).join(uncounted, on=SPECIMEN, how="anti")
        new = uncounted.with_columns(run_id=pl.lit("1"))
    problems = [
        *_several_runs(new),
        *_without_amount(specimens, new, assay),
        *_two_ways(specimens, counts, new),
    ]
    if problems:
        raise InputError(problems, subject="the specimens with images")
    return _Plan({**tables, "counts": counts, "assay_runs": kept}, folders, new.sort(RUN))


def _given_runs(
    runs: pl.DataFrame, uncounted: pl.DataFrame, assay: Assay
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Runs of the file that stay, and the runs that the images fill.

    Filled are done runs without a count, and a new run of specimens of which the file has none:
    run 1, or 'images' where 1 is another assay's.
    """
    mine = runs.filter(pl.col("assay") == assay.id).join(uncounted, on=SPECIMEN, how="semi")
    done = mine.filter(pl.col("outcome") == "done").select(RUN)
    taken = runs.filter(pl.col("run_id") == "1").select(*SPECIMEN, taken=pl.lit(value=True))
    run_id = pl.when(pl.col("taken").is_null()).then(pl.lit("1")).otherwise(pl.lit(FOLDER))
    bare = uncounted.join(mine, on=SPECIMEN, how="anti").join(taken, on=SPECIMEN, how="left")
    new = pl.concat([bare.select(*SPECIMEN, run_id=run_id), done])
    return runs.join(done, on=RUN, how="anti"), new


def _several_runs(new: pl.DataFrame) -> list[Problem]:
    twice = new.group_by(SPECIMEN).len().filter(pl.col("len") > 1).sort(SPECIMEN)
    return [
        Problem(
            "assay_runs", None, "run_id",
            f"{n} done runs without a count for specimen '{s}' of patient '{p}', and one image "
            "folder",
            "one such run per image folder", "give the other runs' counts in counts.csv",
        )
        for p, s, n in twice.iter_rows()
    ]  # fmt: skip


def _without_amount(specimens: pl.DataFrame, new: pl.DataFrame, assay: Assay) -> list[Problem]:
    name = assay.denominator
    bare = specimens.join(new, on=SPECIMEN, how="semi").filter(pl.col(name).is_null())
    return [
        Problem(
            "specimens", None, name, f"no value for specimen '{s}' of patient '{p}'",
            f"{name} for every specimen that is counted from images",
            "fill it: what was analysed; a count without it has no status",
        )
        for p, s in bare.select(SPECIMEN).sort(SPECIMEN).iter_rows()
    ]  # fmt: skip


def _two_ways(specimens: pl.DataFrame, counts: pl.DataFrame, new: pl.DataFrame) -> list[Problem]:
    """Tubes of one time point add up only if one caller counted them all."""
    point = ["patient_id", "timepoint"]
    drawn = specimens.select(*SPECIMEN, "timepoint")
    by_file = drawn.join(counts, on=SPECIMEN, how="semi")
    by_images = drawn.join(new, on=SPECIMEN, how="semi")
    both = by_images.join(by_file.select(point).unique(), on=point, how="semi").sort(SPECIMEN)
    return [
        Problem(
            f"{FOLDER}/{s}", None, None,
            f"the only count of a tube of patient '{p}', time point '{t}', of which another tube "
            "has its count in the file",
            "all tubes of a time point counted in one way",
            "give the counts of all of them, or the images of all of them without counts",
        )
        for p, s, t in both.iter_rows()
    ]  # fmt: skip


def _tasks(plan: _Plan, assay: Assay, staging: Path) -> list[SampleTask]:
    """One task per folder."""
    from ashworth.workflows.images.task import SampleTask

    specimens = plan.tables["specimens"].select(*SPECIMEN, "volume_ml")
    volumes = {(p, s): v for p, s, v in specimens.iter_rows()}
    runs = {(p, s): r for p, s, r in plan.new.iter_rows()}
    tasks = []
    for f in plan.folders:
        key = f.patient_id, f.specimen_id
        run, volume = runs.get(key, "1"), volumes[key]
        tasks.append(SampleTask(f.path, f.name, *key, run, volume, assay.id, staging / f.name))
    return tasks


def _adopt(tasks: Sequence[SampleTask], previous: Path) -> None:
    """Take over the samples that the previous results hold and that nothing has changed for."""
    from ashworth.workflows.images.task import finished

    for task in tasks:
        earlier = replace(task, out=previous / task.sample)
        if finished(task) is None and finished(earlier) is not None:
            shutil.rmtree(task.out, ignore_errors=True)
            _linked(earlier.out, task.out)


def _linked(source: Path, target: Path) -> None:
    """Copy a finished sample by links where the file system allows it: its files never change."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _enumerated(
    tasks: Sequence[SampleTask], folders: Sequence[ImageFolder], work: Path,
    workers: int | None, cluster: str | None, progress: Progress | None,
) -> list[SampleResult]:  # fmt: skip
    """Do the samples and put them into the results, with the index over all."""
    from ashworth.workflows.images.overview import write_overview
    from ashworth.workflows.images.running import run_tasks

    results = run_tasks(tasks, workers=workers, cluster=cluster, progress=progress)
    _demand_read(results)
    _demand_done(results)
    placed = []
    for task, result in zip(tasks, results, strict=True):
        _linked(task.out, work / FOLDER / task.sample)
        placed.append(replace(result, folder=work / FOLDER / task.sample))
    write_overview(work / FOLDER, placed)
    return placed


def _demand_read(results: Sequence[SampleResult]) -> None:
    """Refuse folders that cannot be opened, all at once."""
    problems = [
        Problem(
            f"{FOLDER}/{r.sample}", None, None, r.reason, "an image folder that can be read",
            "mend it, or move it away and give the specimen's outcome in assay_runs.csv",
        )
        for r in results
        if r.outcome == "bad_input"
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject=f"the folder {FOLDER}/")


def _demand_done(results: Sequence[SampleResult]) -> None:
    failed = [f"{r.sample}: {r.reason}" for r in results if r.outcome == "failed"]
    if failed:
        raise AshworthError(
            f"{len(failed)} of {len(results)} image folders could not be enumerated; the others "
            "are not done again in the next run:\n- " + "\n- ".join(failed)
        )


def _merged(
    plan: _Plan, assay: Assay, results: Sequence[SampleResult], tasks: Sequence[SampleTask]
) -> StudyImages:
    """Put the counts into the tables."""
    from ashworth.workflows.images.task import fingerprint

    table = image_table(plan.tables["counts"], plan.new, assay, results, tasks)
    counts = _read(results, "counts").join(plan.new, on=RUN, how="semi")
    runs = _read(results, "assay_runs").join(plan.new, on=RUN, how="semi")
    tables = {
        **plan.tables,
        "counts": _stacked("counts", plan.tables["counts"], _with_amount(counts, plan, assay)),
        "assay_runs": _stacked("assay_runs", plan.tables["assay_runs"], runs),
    }
    callers = table["caller_images"].drop_nulls().unique().sort().to_list()
    return StudyImages(
        tables, table, ", ".join(callers), any(r.simulated for r in results),
        _notices(plan, table), {t.sample: fingerprint(t) for t in tasks},
    )  # fmt: skip


def _read(results: Sequence[SampleResult], name: str) -> pl.DataFrame:
    """One table over all samples."""
    paths = [r.folder / f"{name}.parquet" for r in results]
    parts = [pl.read_parquet(p, glob=False) for p in paths if p.is_file()]
    return pl.concat([blank(name), *parts], how="diagonal_relaxed")


def _with_amount(counts: pl.DataFrame, plan: _Plan, assay: Assay) -> pl.DataFrame:
    """Counts with the amount that the assay demands, as the specimen has it."""
    amounts = plan.tables["specimens"].select(*SPECIMEN, assay.denominator)
    return counts.drop(assay.denominator).join(amounts, on=SPECIMEN, how="left")


def _stacked(table: str, given: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Rows of the file, then those of the images, by key."""
    made = made.select(c for c in made.columns if c in given.columns)
    rows = pl.concat([given, made], how="diagonal_relaxed").select(given.columns)
    key = [*RUN, "phenotype", "caller"] if table == "counts" else RUN
    return rows.sort(key)


def _notices(plan: _Plan, table: pl.DataFrame) -> tuple[str, ...]:
    """What was taken from where."""
    done = table.filter((pl.col("status_from") == FOLDER) & (pl.col("outcome") == "done")).height
    beside = len(plan.folders) - plan.new.height
    out = [
        f"images: specimens whose count comes from images: {done} of {len(plan.folders)} with an "
        "image folder; the volume of the specimen was taken as the volume analysed"
    ]
    if beside:
        out.append(f"images: folders beside what the tables say, which stays: {beside}")
    return tuple(out)
