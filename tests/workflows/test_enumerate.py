"""Image folders to results: whole, the same bytes however run, resumable, robust."""

import errno
import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import tifffile

from ashworth.classification.gates import call_cells
from ashworth.errors import AshworthError, DefinitionError, InputError
from ashworth.imaging.detection import detect
from ashworth.imaging.phantoms import all_black, all_saturated
from ashworth.imaging.readers import open_folder
from ashworth.imaging.writers import write_folder
from ashworth.workflows.images import running, sample
from ashworth.workflows.images.batch import enumerate_folders
from ashworth.workflows.images.sample import enumerate_sample
from ashworth.workflows.images.task import SampleTask

from .small_cartridges import small_folder, small_phantom

WHOLE = {
    "cells.parquet", "cells.csv", "calls.parquet", "calls.csv", "counts.parquet", "counts.csv",
    "assay_runs.parquet", "assay_runs.csv", "leukocytes.parquet", "leukocytes.csv",
    "frames.parquet", "frames.csv", "agreement.parquet", "agreement.csv",
    "agreement_events.parquet", "agreement_events.csv", "summary.parquet", "summary.csv",
    "summary.html", "gallery.html", "sample.json", ".fingerprint",
}  # fmt: skip
OVER_ALL = {
    "counts.parquet", "counts.csv", "assay_runs.parquet", "assay_runs.csv", "samples.csv",
    "index.html", "enumeration.json",
}  # fmt: skip


def tree(folder):
    """Every file below a folder, hidden ones too."""
    return {p.relative_to(folder).as_posix(): p.read_bytes()
            for p in sorted(folder.rglob("*")) if p.is_file()}  # fmt: skip


def visible(page):
    """Text of a page without style and program, in small letters."""
    return re.sub(r"(?s)<(style|script)\b.*?</\1>", "", page.read_text()).lower()


def leftovers(folder):
    """What a run must not leave behind."""
    return [p for p in folder.rglob("*") if p.suffix in (".part", ".previous")
            or p.name.startswith(".overview")]  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two small cartridges on disk."""
    root = tmp_path_factory.mktemp("folders")
    return [small_folder(root / f"s{seed}", seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def done(tmp_path_factory, folders):
    """Both of them enumerated in this process."""
    out = tmp_path_factory.mktemp("done") / "out"
    return enumerate_folders(folders, out=out, volume_ml=7.5, workers=1)


@pytest.fixture
def copies(folders, tmp_path):
    """Copies of the cartridges, to be changed."""
    return [shutil.copytree(f, tmp_path / "in" / f.name) for f in folders]


# --- what is written ------------------------------------------------------------------------


def test_results_are_whole(done):
    assert [s.outcome for s in done.samples] == ["done", "done"]
    top = {p.name for p in done.folder.iterdir()}
    assert top == OVER_ALL | {"s1", "s2"}
    for result in done.samples:
        names = set(tree(result.folder))
        assert {n for n in names if not n.startswith("atlas/")} == WHOLE
        assert any(n.startswith("atlas/ctc-") for n in names)
        assert (
            set(json.loads((result.folder / "sample.json").read_text())["files"]) | {"sample.json"}
            == names
        )


def test_tables_are_those_of_detection_and_gates(done, folders):
    found = detect(open_folder(folders[0]))
    called = call_cells(found.cells)
    cells = pl.read_parquet(done.samples[0].folder / "cells.parquet")
    calls = pl.read_parquet(done.samples[0].folder / "calls.parquet")
    assert cells.select(found.cells.columns).equals(found.cells)
    assert calls["call"].to_list() == called.calls["call"].to_list()
    counts = pl.read_parquet(done.samples[0].folder / "counts.parquet")
    ctc = counts.filter(pl.col("phenotype") == "ctc").row(0, named=True)
    assert ctc["n_cells"] == (calls["call"] == "ctc").sum() == done.samples[0].counts["ctc"]
    assert (ctc["volume_ml"], ctc["caller"]) == (7.5, called.caller)


def test_tumour_cells_that_were_put_in_are_counted(done):
    for result in done.samples:
        assert result.counts["ctc"] == 3
        assert result.counts["leukocyte"] > 20


def test_overview_is_the_sum_of_the_samples(done):
    for name in ("counts", "assay_runs"):
        whole = pl.read_parquet(done.folder / f"{name}.parquet")
        parts = [pl.read_parquet(s.folder / f"{name}.parquet") for s in done.samples]
        assert whole.equals(pl.concat(parts))
        assert pl.read_csv(done.folder / f"{name}.csv").height == whole.height
    rows = pl.read_csv(done.folder / "samples.csv")
    assert rows["sample"].to_list() == ["s1", "s2"]
    assert rows["ctc"].to_list() == [s.counts["ctc"] for s in done.samples]


def test_every_page_says_simulated_where_the_images_do(done, copies, tmp_path):
    pages = [done.folder / "index.html"]
    pages += [s.folder / p for s in done.samples for p in ("summary.html", "gallery.html")]
    for page in pages:
        assert "simulated" in visible(page), page
        assert "Research use only. Not a medical device." in page.read_text()
    (copies[0] / "SIMULATED.txt").unlink()
    real = enumerate_folders(copies[:1], out=tmp_path / "out", workers=1)
    assert not real.samples[0].simulated
    for page in ("index.html", "s1/summary.html", "s1/gallery.html"):
        assert "simulated" not in visible(tmp_path / "out" / page), page


def test_a_count_without_its_volume_has_no_rate(folders, tmp_path):
    enumerate_folders(folders[:1], out=tmp_path / "out", workers=1)
    counts = pl.read_parquet(tmp_path / "out" / "counts.parquet")
    assert counts["volume_ml"].null_count() == counts.height > 0


# --- however it is run ----------------------------------------------------------------------


def test_two_processes_give_the_same_bytes(done, folders, tmp_path):
    found = enumerate_folders(folders, out=tmp_path / "out", volume_ml=7.5, workers=2)
    assert tree(tmp_path / "out") == tree(done.folder)
    assert [s.counts for s in found.samples] == [s.counts for s in done.samples]


def test_threads_give_the_same_bytes(done, folders, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        enumerate_folders(folders, out=tmp_path / "out", volume_ml=7.5, executor=pool)
        assert pool.submit(int, 1).result() == 1
    assert tree(tmp_path / "out") == tree(done.folder)


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_gives_the_same_bytes(done, folders, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None,
        scheduler_port=0, protocol="tcp",
    ) as cluster:  # fmt: skip
        enumerate_folders(
            folders, out=tmp_path / "out", volume_ml=7.5, cluster=cluster.scheduler_address
        )
    assert tree(tmp_path / "out") == tree(done.folder)


def test_a_cluster_that_is_not_there_is_bad_input(folders, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")

    def nobody(*_, **__):
        raise OSError("Timed out trying to connect")

    monkeypatch.setattr(distributed, "Client", nobody)
    with pytest.raises(InputError, match="a running Dask scheduler"):
        enumerate_folders(folders, out=tmp_path / "out", cluster="tcp://127.0.0.1:1")


def test_progress_is_told_by_frame_or_by_sample(folders, tmp_path):
    told = []
    enumerate_folders(
        folders[:1], out=tmp_path / "a", workers=1, progress=lambda *t: told.append(t)
    )
    assert told == [("s1: frames", k, 4) for k in (1, 2, 3, 4)]
    told.clear()
    with ThreadPoolExecutor(1) as pool:
        enumerate_folders(
            folders, out=tmp_path / "b", executor=pool, progress=lambda *t: told.append(t)
        )
    assert told == [("samples", 0, 2), ("s1", 1, 2), ("s2", 2, 2)]


# --- again ----------------------------------------------------------------------------------


def resumed(copies, out, **options):
    found = enumerate_folders(copies, out=out, workers=1, **options)
    assert [s.outcome for s in found.samples] == ["done"] * len(copies)
    return [s.resumed for s in found.samples]


def test_a_finished_sample_is_not_done_again(copies, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert resumed(copies, out) == [False, False]
    before = tree(out)
    with monkeypatch.context() as patched:
        patched.setattr(sample, "open_folder", None)
        assert resumed(copies, out) == [True, True]
    assert tree(out) == before


def test_what_has_changed_is_done_again(copies, tmp_path):
    out = tmp_path / "out"
    resumed(copies, out)
    os.utime(next((copies[1] / "processed").glob("*.tif")), (1, 1))
    assert resumed(copies, out) == [True, False]
    assert resumed(copies, out, volume_ml=7.5) == [False, False]
    assert resumed(copies, out, volume_ml=7.5, anndata=True) == [False, False]
    assert resumed(copies, out, volume_ml=7.5, anndata=True) == [True, True]
    (copies[0] / "processed" / "other.txt").write_text("new")
    assert resumed(copies, out, volume_ml=7.5, anndata=True) == [False, True]


def test_what_is_not_whole_is_done_again(copies, tmp_path):
    out = tmp_path / "out"
    resumed(copies, out)
    before = tree(out)
    (out / "s1" / "calls.parquet").unlink()
    (out / "s2" / "sample.json").write_text("{")
    (out / "s2" / ".fingerprint").unlink()
    for path in list((out / "s2").rglob("*")):
        if path.is_file():
            path.unlink()
    half = out / ".s1.999999999.abc.part"
    half.mkdir()
    (half / "cells.csv").write_text("half")
    assert resumed(copies, out) == [False, False]
    assert tree(out) == before


def test_other_rules_do_it_again(copies, tmp_path, monkeypatch):
    from ashworth.workflows.images import task

    out = tmp_path / "out"
    resumed(copies, out)
    load = task.load

    def newer(kind, name):
        found = load(kind, name)
        return found.model_copy(update={"version": 99}) if kind == "call_rule" else found

    monkeypatch.setattr(task, "load", newer)
    assert resumed(copies, out) == [False, False]


def test_an_earlier_overview_is_made_anew(copies, tmp_path):
    out = tmp_path / "out"
    resumed(copies, out)
    shutil.rmtree(copies[0] / "processed")
    found = enumerate_folders(copies[:1], out=out, workers=1)
    assert found.samples[0].outcome == "bad_input"
    assert set(pl.read_csv(out / "counts.csv")["specimen_id"]) == {copies[1].name}
    assert pl.read_csv(out / "samples.csv")["outcome"].to_list() == ["bad_input", "done"]


# --- bad samples ----------------------------------------------------------------------------


def frames(folder):
    return sorted((folder / "processed").glob("*.tif"))


def truncated(folder):
    path = frames(folder)[1]
    path.write_bytes(path.read_bytes()[:3000])


def page_missing(folder):
    path = frames(folder)[2]
    pages = tifffile.imread(path)
    tifffile.imwrite(path, pages[:3], photometric="minisblack")


def other_depth(folder):
    path = frames(folder)[0]
    pages = tifffile.imread(path)
    tifffile.imwrite(path, pages.astype(np.float32), photometric="minisblack")


def other_size(folder):
    path = frames(folder)[3]
    pages = tifffile.imread(path)
    tifffile.imwrite(path, pages[:, :200], photometric="minisblack")


def xml_broken(folder):
    path = folder / f"{folder.name}.xml"
    path.write_bytes(path.read_bytes()[:200])


def xml_hostile(folder):
    body = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10 if k else "ha" * 50}">' for k in range(9))
    (folder / f"{folder.name}.xml").write_text(
        f'<?xml version="1.0"?><!DOCTYPE archive [{body}]><archive><runs><record>'
        "<numcols>&e8;</numcols></record></runs></archive>"
    )


def number_twice(folder):
    path = frames(folder)[0]
    shutil.copy(path, path.with_name(path.name.replace("_001", "_0001")))


def no_frames(folder):
    for path in frames(folder):
        path.unlink()


def three_frames(folder):
    frames(folder)[3].unlink()


def holiday(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    for k in range(3):
        (folder / f"IMG_{k}.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(400))
        picture = np.full((40, 60, 3), 90, np.uint8)
        tifffile.imwrite(folder / f"beach_{k}.tif", picture, photometric="rgb")


BAD = {
    truncated: ("not_evaluable", "truncated"),
    page_missing: ("not_evaluable", "page 4 is needed"),
    other_depth: ("not_evaluable", "32-bit float"),
    other_size: ("bad_input", "200 pixels"),
    xml_broken: ("bad_input", "xml"),
    xml_hostile: ("bad_input", "xml"),
    number_twice: ("bad_input", "1"),
    no_frames: ("bad_input", "."),
    three_frames: ("not_evaluable", "1 of 4 frames are missing"),
    holiday: ("bad_input", "frames.toml"),
}


UNUSUAL = {
    "channel_missing": "exclusion",
    "no_leukocytes": "leukocytes",
    "all_black": "without any signal",
    "all_saturated": "saturated",
}


def unusual(root):
    """Cartridges that are whole files, and not what they should be."""
    made = small_phantom(1).cartridge
    stained = [c for c, channel in enumerate(made.channels) if channel.role != "exclusion"]
    without = replace(
        made,
        channels=tuple(made.channels[c] for c in stained),
        load=lambda index: made.load(index)[stained],
    )
    lonely = small_phantom(1, nuclei_per_frame=0.0).cartridge
    given = (without, lonely, all_black(made), all_saturated(made))
    for name, cartridge in zip(UNUSUAL, given, strict=True):
        write_folder(cartridge, root / name, format="TIFF")


@pytest.fixture(scope="module")
def ward(tmp_path_factory, folders):
    """All bad samples, between two good ones, in one run."""
    root = tmp_path_factory.mktemp("ward")
    names = []
    for spoil in BAD:
        folder = shutil.copytree(folders[0], root / "in" / spoil.__name__)
        (folder / "s1.xml").rename(folder / f"{folder.name}.xml")
        spoil(folder)
        names.append(folder.name)
    unusual(root / "in")
    names += list(UNUSUAL)
    places = [folders[0], *(root / "in" / n for n in names), folders[1]]
    found = enumerate_folders(places, out=root / "out", volume_ml=7.5, workers=1)
    return root / "out", {s.sample: s for s in found.samples}


@pytest.mark.parametrize("spoil", BAD, ids=lambda f: f.__name__)
def test_a_bad_sample_says_what_is_wrong(ward, spoil):
    outcome, words = BAD[spoil]
    result = ward[1][spoil.__name__]
    assert result.outcome == outcome, result.reason
    assert words in result.reason.lower()
    assert "Traceback" not in result.reason


@pytest.mark.parametrize("name", UNUSUAL)
def test_images_of_nothing_are_not_evaluable(ward, name):
    out, results = ward
    assert results[name].outcome == "not_evaluable"
    assert UNUSUAL[name] in results[name].reason
    runs = pl.read_parquet(out / name / "assay_runs.parquet")
    assert runs.select("specimen_id", "outcome").rows() == [(name, "not_evaluable")]
    counts = out / name / "counts.parquet"
    assert not counts.exists() or pl.read_parquet(counts).height == 0


def test_the_others_go_on(ward, done):
    out, results = ward
    for good in done.samples:
        assert results[good.sample].outcome == "done"
        assert tree(out / good.sample) == tree(good.folder)
    assert not leftovers(out)
    listed = pl.read_csv(out / "samples.csv")
    assert listed["sample"].to_list() == list(results)
    assert listed["outcome"].to_list() == [r.outcome for r in results.values()]
    for result in results.values():
        assert result.reason in {"", *listed["reason"].drop_nulls().to_list()}
        assert (out / result.sample).exists() == (result.outcome in ("done", "not_evaluable"))
    page = (out / "index.html").read_text()
    assert page.count("not evaluable: ") == sum(
        r.outcome == "not_evaluable" for r in results.values()
    )


def test_a_sample_that_is_not_evaluable_has_no_count(ward):
    out, results = ward
    counted = set(pl.read_parquet(out / "counts.parquet")["specimen_id"].to_list())
    assert counted == {name for name, r in results.items() if r.outcome == "done"}


# --- what nobody foresaw --------------------------------------------------------------------


def surprised(*_, **__):
    raise ZeroDivisionError("a fault of ours")


def test_an_unforeseen_error_fails_one_sample_only(folders, tmp_path, monkeypatch):
    whole = sample.analyse_cartridge

    def once(cartridge, task, **options):
        return surprised() if task.sample == "s1" else whole(cartridge, task, **options)

    monkeypatch.setattr(sample, "analyse_cartridge", once)
    found = enumerate_folders(folders, out=tmp_path / "out", workers=1)
    assert [s.outcome for s in found.samples] == ["failed", "done"]
    assert found.samples[0].reason == "ZeroDivisionError: a fault of ours"
    assert found.any_failed
    assert not leftovers(tmp_path)
    assert not (tmp_path / "out" / "s1").exists()


def full_after(n):
    """A writer of tables whose disk is full after n tables."""
    left = [n]
    write = sample.write_table

    def full(*given):
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "cells.parquet")
        left[0] -= 1
        return write(*given)

    return full


@pytest.mark.parametrize("n", [0, 3])
def test_a_full_disk_fails_the_sample_and_leaves_nothing(folders, tmp_path, monkeypatch, n):
    monkeypatch.setattr(sample, "write_table", full_after(n))
    found = enumerate_folders(folders, out=tmp_path / "out", workers=1)
    assert [s.outcome for s in found.samples] == ["failed", "failed"]
    assert found.samples[0].reason == "cells.parquet: No space left on device"
    assert not leftovers(tmp_path)
    assert {p.name for p in (tmp_path / "out").iterdir()} <= OVER_ALL


def test_a_full_disk_keeps_the_earlier_results(copies, tmp_path, monkeypatch):
    out = tmp_path / "out"
    resumed(copies, out)
    before = tree(out / "s1")
    os.utime(next((copies[0] / "processed").glob("*.tif")), (1, 1))
    monkeypatch.setattr(sample, "write_table", full_after(2))
    found = enumerate_folders(copies, out=out, workers=1)
    assert [s.outcome for s in found.samples] == ["failed", "done"]
    assert tree(out / "s1") == before


def test_a_full_disk_at_the_end_keeps_the_earlier_overview(copies, tmp_path, monkeypatch):
    from ashworth.workflows.images import overview

    out = tmp_path / "out"
    resumed(copies, out)
    before = tree(out)
    monkeypatch.setattr(overview, "write_table", full_after(1))
    with pytest.raises(AshworthError, match="No space left on device") as caught:
        enumerate_folders(copies, out=out, workers=1)
    assert not isinstance(caught.value, InputError)
    assert tree(out) == before


def test_ctrl_c_leaves_whole_samples_only(copies, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        whole = sample.make_atlases

        def stop(cartridge, *given, **options):
            if cartridge.sample == "s2":
                raise KeyboardInterrupt
            return whole(cartridge, *given, **options)

        patched.setattr(sample, "make_atlases", stop)
        with pytest.raises(KeyboardInterrupt):
            enumerate_folders(copies, out=out, workers=1)
    assert not leftovers(tmp_path)
    assert {p.name for p in out.iterdir()} == {"enumeration.json", "s1"}
    assert resumed(copies, out) == [True, False]


def test_files_that_change_while_they_are_read_are_read_again(copies, tmp_path, monkeypatch):
    out = tmp_path / "out"
    whole = sample.analyse_cartridge

    def meanwhile(*given, **options):
        found = whole(*given, **options)
        os.utime(next((copies[0] / "processed").glob("*.tif")), (5, 5))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(sample, "analyse_cartridge", meanwhile)
        assert resumed(copies[:1], out) == [False]
    assert resumed(copies[:1], out) == [False]
    assert resumed(copies[:1], out) == [True]


class Breaking(ThreadPoolExecutor):
    """A pool whose process dies, as one without memory does."""

    def submit(self, call, task):
        return super().submit(self._die if task.sample == "s1" else call, task)

    @staticmethod
    def _die(_):
        raise BrokenProcessPool("a process in the process pool was terminated abruptly")


def test_a_process_that_died_is_tried_again_alone(done, folders, tmp_path, monkeypatch):
    with Breaking(1) as pool:
        enumerate_folders(folders, out=tmp_path / "out", volume_ml=7.5, executor=pool)
    assert tree(tmp_path / "out") == tree(done.folder)
    monkeypatch.setattr(running, "enumerate_sample", _exit)
    tasks = [SampleTask(f, f.name, "p", f.name, "1", None, "cellsearch-ctc", tmp_path / f.name)
             for f in folders]  # fmt: skip
    results = running.run_tasks(tasks, workers=2)
    assert [r.outcome for r in results] == ["failed", "failed"]
    assert "memory" in results[0].reason


def _exit(_):
    os._exit(1)


def test_an_error_on_the_way_fails_one_sample(folders, tmp_path):
    class Losing(ThreadPoolExecutor):
        def submit(self, call, task):
            return super().submit(surprised if task.sample == "s2" else call, task)

    with Losing(1) as pool:
        found = enumerate_folders(folders, out=tmp_path / "out", executor=pool)
    assert [s.outcome for s in found.samples] == ["done", "failed"]


def test_a_task_alone_needs_no_batch(folders, tmp_path):
    task = SampleTask(
        folders[0], "a", "P", "S", "7", 5.0, "cellsearch-ctc", tmp_path / "deep" / "a"
    )
    assert enumerate_sample(task).outcome == "done"
    counts = pl.read_parquet(tmp_path / "deep" / "a" / "counts.parquet")
    assert set(counts.select("patient_id", "specimen_id", "run_id", "volume_ml").iter_rows()) == {
        ("P", "S", "7", 5.0)
    }


# --- bad calls ------------------------------------------------------------------------------


def found_by(call, **options):
    with pytest.raises(InputError) as caught:
        enumerate_folders(call, **options)
    for problem in caught.value.problems:
        assert problem.allowed
        assert problem.remedy
    return [p.found for p in caught.value.problems]


def test_all_faults_of_a_call_at_once(folders, tmp_path):
    found = found_by(
        [folders[0], tmp_path / "nowhere", folders[0]], out=tmp_path / "out", volume_ml=7500.0,
        workers=0,
    )  # fmt: skip
    assert found == [str(tmp_path / "nowhere"), "2 folders named 's1'", "7500.0", "0"]
    assert found_by([], out=tmp_path / "out") == ["none"]
    assert not (tmp_path / "out").exists()


def test_an_assay_that_reads_no_images(folders, tmp_path):
    from ashworth.definitions import Catalogue

    catalogue = Catalogue()
    deaf = next(i for i in catalogue.ids("assay") if catalogue.get("assay", i).images is None)
    with pytest.raises(DefinitionError, match="does not say how its images are read"):
        enumerate_folders(folders, out=tmp_path / "out", assay=deaf)


def test_a_place_that_holds_other_things_is_refused(folders, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for place, words in (
        ("full", "holds other files"), ("file", "is a file"), ("file/out", "directory"),
    ):  # fmt: skip
        (found,) = found_by(folders, out=tmp_path / place)
        assert words in found
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"


def test_results_inside_of_the_images_are_refused(copies):
    (found,) = found_by(copies, out=copies[0] / "enumeration")
    assert "lies in the image folder" in found


def test_other_files_in_a_sample_are_not_thrown_away(copies, tmp_path):
    out = tmp_path / "out"
    resumed(copies, out)
    (out / "s1" / "notes.txt").write_text("mine")
    os.utime(next((copies[0] / "processed").glob("*.tif")), (1, 1))
    found = enumerate_folders(copies, out=out, workers=1)
    assert [s.outcome for s in found.samples] == ["failed", "done"]
    assert "notes.txt" in found.samples[0].reason
    assert (out / "s1" / "notes.txt").read_text() == "mine"


def test_a_folder_named_by_dots_has_its_own_name(copies, tmp_path, monkeypatch):
    monkeypatch.chdir(copies[0] / "processed")
    found = enumerate_folders([".."], out=tmp_path / "out", workers=1)
    assert [s.sample for s in found.samples] == ["s1"]


def test_names_with_wildcards_are_names(tmp_path):
    for name in ("P1", "P[1]", "P2"):
        small_folder(tmp_path / "images" / name, format="TIFF")
    folders = sorted((tmp_path / "images").iterdir())
    found = enumerate_folders(folders, out=tmp_path / "out", workers=1)
    assert [s.outcome for s in found.samples] == ["done"] * 3
    counts = pl.read_csv(tmp_path / "out" / "counts.csv")
    assert sorted(counts["specimen_id"].unique()) == ["P1", "P2", "P[1]"]
    assert counts.height == counts.unique(["specimen_id", "phenotype", "caller"]).height


def test_a_later_call_keeps_the_samples_of_an_earlier_one(tmp_path):
    for name in ("A", "B"):
        small_folder(tmp_path / "images" / name, format="TIFF")
    enumerate_folders([tmp_path / "images/A"], out=tmp_path / "out", workers=1)
    enumerate_folders([tmp_path / "images/B"], out=tmp_path / "out", workers=1)
    counts = pl.read_csv(tmp_path / "out" / "counts.csv")
    assert sorted(counts["specimen_id"].unique()) == ["A", "B"]
    listed = pl.read_csv(tmp_path / "out" / "samples.csv")
    assert sorted(listed["sample"]) == ["A", "B"]


def test_a_frame_of_another_bit_depth_is_not_read_as_a_dark_one(tmp_path):
    folder = tmp_path / "mixed"
    small_folder(folder, format="TIFF")
    second = sorted(folder.glob("*.tif"))[1]
    pages = tifffile.imread(second)
    tifffile.imwrite(second, (pages >> 4).astype(np.uint8), photometric="minisblack")
    found = enumerate_folders([folder], out=tmp_path / "out", workers=1)
    assert found.samples[0].outcome == "not_evaluable"
    assert "8-bit" in found.samples[0].reason
