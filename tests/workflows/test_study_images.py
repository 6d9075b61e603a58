"""Image folders in a study: which specimens they count, and what is refused."""

import json
import os
import shutil

import polars as pl
import pytest

from ashworth.definitions import load
from ashworth.errors import AshworthError, InputError
from ashworth.imaging.phantoms import all_black
from ashworth.imaging.writers import write_folder
from ashworth.workflows.run_study import run_study
from ashworth.workflows.study import images as study_images

from .small_cartridges import small_folder, small_phantom

TOML = """
title = "Invented"
setting = "metastatic"
index_event = "start of therapy"
assay = "cellsearch-ctc"
rule = "ctc-metastatic-5"
endpoints = ["os"]

[[timepoints]]
name = "baseline"
"""
COUNTS = {"P1": 0, "P2": 9, "P3": 1, "P4": 20, "P5": 2, "P6": 7}
OUTCOMES = [("P1", 900, "last_contact"), ("P2", 200, "death_breast_cancer"),
            ("P3", 800, "death_other_cause"), ("P4", 90, "death_breast_cancer"),
            ("P5", 700, "last_contact"), ("P6", 400, "death_breast_cancer")]  # fmt: skip


def write(folder, name, **columns):
    pl.DataFrame(columns).write_csv(folder / f"{name}.csv")


def bare_study(folder, *, without=()):
    """Six patients with a specimen each; counts of all but some."""
    folder.mkdir()
    (folder / "study.toml").write_text(TOML)
    patients = list(COUNTS)
    write(folder, "patients", patient_id=patients)
    specimens = [f"{p}-a" for p in patients]
    write(folder, "specimens", patient_id=patients, specimen_id=specimens, timepoint="baseline",
          collected_day=0, volume_ml=7.5)  # fmt: skip
    counted = [p for p in patients if p not in without]
    if counted:
        write(folder, "counts", patient_id=counted, specimen_id=[f"{p}-a" for p in counted],
              n_cells=[COUNTS[p] for p in counted], volume_ml=7.5)  # fmt: skip
    rows = [list(c) for c in zip(*OUTCOMES, strict=True)]
    write(folder, "outcomes", patient_id=rows[0], day=rows[1], kind=rows[2])
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Image folders by name: three good ones, one without any light."""
    root = tmp_path_factory.mktemp("folders")
    for seed in (1, 2):
        small_folder(root / f"s{seed}", seed)
    black = all_black(small_phantom(3).cartridge)
    write_folder(black, root / "black", format="TIFF")
    return root


@pytest.fixture(scope="module")
def done(tmp_path_factory, folders):
    """A study of four counts and three image folders, one of them beside a count."""
    study = bare_study(tmp_path_factory.mktemp("done") / "study", without=("P1", "P6"))
    shutil.copytree(folders / "s1", study / "images" / "P1-a")
    shutil.copytree(folders / "s2", study / "images" / "P2" / "P2-a")
    shutil.copytree(folders / "black", study / "images" / "P6-a")
    return study, run_study(study, workers=1)


def table(summary, name):
    return pl.read_parquet(summary.folder / "tables" / f"{name}.parquet")


def by_patient(frame, column):
    return dict(frame.select("patient_id", column).iter_rows())


def problems_of(study, **options):
    with pytest.raises(InputError) as caught:
        run_study(study, workers=1, **options)
    for problem in caught.value.problems:
        assert problem.allowed
        assert problem.remedy
    return caught.value.problems


def test_images_fill_the_counts_that_are_not_there(done):
    _, summary = done
    statuses = table(summary, "statuses")
    counts = table(summary, "image_counts")
    seen = by_patient(counts, "n_cells_images")
    assert by_patient(counts, "status_from") == {"P1": "images", "P2": "file", "P6": "images"}
    n = by_patient(statuses, "n_cells")
    assert n["P1"] == seen["P1"]
    assert n["P2"] == COUNTS["P2"]
    assert by_patient(counts, "n_cells_file") == {"P1": None, "P2": 9, "P6": None}
    assert by_patient(statuses, "denominator")["P1"] == 7.5
    reasons = by_patient(statuses, "reason")
    assert reasons["P6"] == "not evaluable"
    assert by_patient(counts, "outcome") == {"P1": "done", "P2": "done", "P6": "not_evaluable"}


def test_the_count_of_the_images_is_that_of_the_sample(done):
    _, summary = done
    counts = table(summary, "image_counts")
    for folder, name in (("P1-a", "P1"), ("P2/P2-a", "P2")):
        path = summary.folder / "images" / folder / "counts.parquet"
        sample = pl.read_parquet(path).filter(pl.col("phenotype") == "ctc")
        key = sample.select("patient_id", "specimen_id", "run_id").row(0)
        assert key == (name, f"{name}-a", "1")
        mine = counts.filter(pl.col("patient_id") == name)
        assert mine["n_cells_images"].item() == sample["n_cells"].item()
        assert mine["caller_images"].item() == sample["caller"].item()
        listing = pl.read_parquet(path.with_name("agreement_events.parquet"))
        assert mine["both"].item() == (listing["outcome"] == "both").sum()


def test_the_report_says_where_counts_came_from(done):
    _, summary = done
    html = summary.report.read_text()
    assert "Counts from images" in html
    caller = table(summary, "image_counts")["caller_images"].drop_nulls()[0]
    for words in (caller, "Image folders that were evaluable: 2 of 3.", "images/index.html",
                  "images/P1-a/summary.html", "not zero"):  # fmt: skip
        assert words in html.replace("&#39;", "'")
    for page in ("images/index.html", "images/P1-a/gallery.html", "images/P2/P2-a/summary.html"):
        assert (summary.folder / page).is_file()
    index = (summary.folder / "images" / "index.html").read_text()
    assert 'href="P2/P2-a/summary.html"' in index


def test_simulated_images_make_everything_simulated(done):
    _, summary = done
    assert summary.simulated
    assert "imulated data" in summary.report.read_text()
    assert any("simulated" in n for n in summary.notices)


def test_the_log_names_every_file_and_every_folder(done):
    study, summary = done
    log = json.loads((summary.folder / "run.json").read_text())
    written = {p.relative_to(summary.folder).as_posix()
               for p in summary.folder.rglob("*") if p.is_file()}  # fmt: skip
    assert set(log["results"]) == written - {"run.json"}
    assert set(log["options"]["images"]) == {"P1-a", "P2/P2-a", "P6-a"}
    assert sorted(p.name for p in study.iterdir() if p.name.startswith(".")) == []


def test_two_processes_give_the_same_bytes(done, tmp_path):
    study, first = done
    second = run_study(study, out=tmp_path / "other", workers=2)
    names = [p.relative_to(first.folder) for p in first.folder.rglob("*") if p.is_file()]
    assert len(names) > 100
    for name in names:
        if name.name != "run.json":
            assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes(), name


def test_finished_samples_are_taken_over(done, monkeypatch, tmp_path):
    study = tmp_path / "study"
    shutil.copytree(done[0], study)
    before = run_study(study, workers=1)
    kept = (before.folder / "images" / "P1-a" / "cells.parquet").read_bytes()
    again = []

    def counted(task, progress=None):
        from ashworth.workflows.images.sample import enumerate_sample

        result = enumerate_sample(task, progress)
        again.append((task.sample, result.resumed))
        return result

    monkeypatch.setattr("ashworth.workflows.images.running.enumerate_sample", counted)
    run_study(study, workers=1)
    assert again == [("P1-a", True), ("P2/P2-a", True), ("P6-a", True)]
    again.clear()
    frame = next((study / "images" / "P1-a").rglob("*.tif"))
    os.utime(frame, (1, 1))
    after = run_study(study, workers=1)
    assert again == [("P1-a", False), ("P2/P2-a", True), ("P6-a", True)]
    assert (after.folder / "images" / "P1-a" / "cells.parquet").read_bytes() == kept
    assert table(after, "image_counts").equals(table(before, "image_counts"))


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_run_that_ends_early_keeps_what_is_finished(folders, tmp_path, monkeypatch):
    study = bare_study(tmp_path / "study", without=("P1",))
    shutil.copytree(folders / "s1", study / "images" / "P1-a")
    whole = study_images.image_table
    monkeypatch.setattr(study_images, "image_table", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_study(study, workers=1)
    assert not (study / "results").exists()
    assert not list(study.glob("*.part"))
    monkeypatch.setattr(study_images, "image_table", whole)
    monkeypatch.setattr("ashworth.workflows.images.sample.analyse_cartridge", None)
    summary = run_study(study, workers=1)
    assert table(summary, "image_counts")["outcome"].to_list() == ["done"]
    assert sorted(p.name for p in study.iterdir() if p.name.startswith(".")) == []


def test_all_counts_may_come_from_images(folders, tmp_path):
    study = bare_study(tmp_path / "study", without=tuple(COUNTS))
    for k, patient in enumerate(COUNTS):
        shutil.copytree(folders / f"s{1 + k % 2}", study / "images" / f"{patient}-a")
    write(study, "assay_runs", patient_id=list(COUNTS), specimen_id=[f"{p}-a" for p in COUNTS],
          run_id=[f"r{p}" for p in COUNTS], outcome=["done"] * 5 + ["failed"])  # fmt: skip
    summary = run_study(study, workers=2)
    statuses = table(summary, "statuses")
    assert by_patient(statuses, "reason")["P6"] == "failed"
    images = table(summary, "image_counts")
    assert by_patient(images, "status_from")["P6"] == "file"
    assert statuses.filter(pl.col("patient_id") != "P6")["n_cells"].null_count() == 0
    run = pl.read_parquet(summary.folder / "images" / "P3-a" / "assay_runs.parquet")
    assert run["run_id"].to_list() == ["rP3"]


def test_without_counts_and_images_both_are_named(tmp_path):
    study = bare_study(tmp_path / "study", without=tuple(COUNTS))
    (study / "images").mkdir()
    (problem,) = problems_of(study)
    assert problem.table == "counts"
    assert "images/" in problem.remedy


def empty(study, *names):
    for name in names:
        (study / "images" / name).mkdir(parents=True)
    return study


@pytest.fixture
def study(tmp_path):
    return bare_study(tmp_path / "study", without=("P1",))


def test_folders_without_a_specimen_are_all_named(study):
    problems = problems_of(empty(study, "P1-b", "what", "P2/P3-a", "P3"))
    assert [p.table for p in problems] == [
        "images/P1-b", "images/P2/P3-a", "images/P3", "images/what",
    ]  # fmt: skip
    assert "'P1-a'" in problems[0].remedy


def test_one_name_of_several_patients_needs_their_folders(study):
    frame = pl.read_csv(study / "specimens.csv").with_columns(specimen_id=pl.lit("a"))
    frame.write_csv(study / "specimens.csv")
    counts = pl.read_csv(study / "counts.csv").with_columns(specimen_id=pl.lit("a"))
    counts.write_csv(study / "counts.csv")
    (problem,) = problems_of(empty(study, "a"))
    assert "6 patients" in problem.found
    assert problem.remedy == "give images/<patient_id>/a/ for each of them"


def test_a_folder_that_can_be_read_two_ways_is_refused(study):
    for name in ("specimens", "counts"):
        frame = pl.read_csv(study / f"{name}.csv")
        mine = pl.col("specimen_id").replace({"P2-a": "P1"})
        frame.with_columns(mine).write_csv(study / f"{name}.csv")
    (problem,) = problems_of(empty(study, "P1/P1-a"))
    assert "also the patient" in problem.found


def test_a_second_folder_of_one_specimen_is_refused(study):
    (problem,) = problems_of(empty(study, "P1-a", "P1/P1-a"))
    assert "second folder" in problem.found


def test_images_of_another_matrix_are_refused(study):
    frame = pl.read_csv(study / "specimens.csv")
    marrow = pl.when(pl.col("patient_id") == "P1").then(pl.lit("bone_marrow"))
    frame.with_columns(matrix=marrow.otherwise(pl.lit("blood"))).write_csv(study / "specimens.csv")
    (problem,) = problems_of(empty(study, "P1-a"))
    assert problem.found == "images of a specimen of bone_marrow"


def test_an_assay_that_reads_no_images_is_refused(study, monkeypatch):
    def deaf(kind, name):
        found = load(kind, name)
        return found.model_copy(update={"images": None}) if kind == "assay" else found

    monkeypatch.setattr(study_images, "load", deaf)
    (problem,) = problems_of(empty(study, "P1-a"))
    assert "does not say how images are read" in problem.found
    assert "cellsearch-ctc-her2" in problem.allowed


def test_a_specimen_without_its_volume_is_named(study):
    frame = pl.read_csv(study / "specimens.csv")
    none = pl.when(pl.col("patient_id") != "P1").then("volume_ml")
    frame.with_columns(volume_ml=none).write_csv(study / "specimens.csv")
    (problem,) = problems_of(empty(study, "P1-a", "P2-a"))
    assert (problem.table, problem.column) == ("specimens", "volume_ml")
    assert "'P1-a'" in problem.found


def test_two_tubes_of_a_draw_counted_in_two_ways_are_refused(study):
    frame = pl.read_csv(study / "specimens.csv")
    second = frame.filter(pl.col("patient_id") == "P2").with_columns(specimen_id=pl.lit("P2-b"))
    pl.concat([frame, second]).write_csv(study / "specimens.csv")
    (problem,) = problems_of(empty(study, "P2-b"))
    assert problem.table == "images/P2-b"


def test_two_open_runs_of_one_folder_are_refused(tmp_path):
    study = bare_study(tmp_path / "study", without=tuple(COUNTS))
    write(study, "assay_runs", patient_id=["P1", "P1"], specimen_id="P1-a", run_id=["1", "2"],
          outcome="done")  # fmt: skip
    (problem,) = problems_of(empty(study, "P1-a"))
    assert "2 done runs" in problem.found


def test_folders_that_are_no_images_are_all_named(study):
    empty(study, "P1-a", "P2-a")
    (study / "images" / "P1-a" / "note.txt").write_text("nothing")
    problems = problems_of(study)
    assert [p.table for p in problems] == ["images/P1-a", "images/P2-a"]
    assert not (study / "results").exists()


def test_a_disk_that_is_full_fails_and_names_the_sample(folders, study, monkeypatch):
    shutil.copytree(folders / "s1", study / "images" / "P1-a")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ashworth.workflows.images.sample.write_table", full)
    with pytest.raises(AshworthError, match=r"(?s)1 of 1 .*P1-a: .*No space left") as caught:
        run_study(study, workers=1)
    assert not isinstance(caught.value, InputError)
    assert not (study / "results").exists()
    assert not list(study.rglob("*.part"))


def test_missing_image_packages_are_named(study, monkeypatch):
    monkeypatch.setattr("ashworth.workflows.enumerate_folders.PACKAGES", ("no_such_package",))
    (problem,) = problems_of(empty(study, "P1-a"))
    assert "ashworth[imaging]" in problem.remedy


def test_a_covariate_study_does_not_read_images(study):
    toml = TOML.replace('assay = "cellsearch-ctc"\nrule = "ctc-metastatic-5"',
                        'marker = "age_years"\ncut = 50').split("[[timepoints]]")[0]  # fmt: skip
    (study / "study.toml").write_text(toml)
    write(study, "patients", patient_id=list(COUNTS), age_years=[40, 60, 44, 70, 48, 66])
    summary = run_study(empty(study, "P1-a"), workers=1)
    assert any("images/" in n for n in summary.notices)
