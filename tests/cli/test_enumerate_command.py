"""`ashworth enumerate` as a user calls it: exit codes, what is printed, what is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from ashworth.cli.main import main
from ashworth.imaging.phantoms import PhantomSpec, phantom
from ashworth.imaging.writers import write_folder

SMALL = PhantomSpec(
    frames=4, frame_width=400, frame_height=320, tumour_cells=3, nuclei_per_frame=25,
    cluster_share=0.0, clump_share=0.0, apoptotic_ctcs=0, doublets=0, min_gap_um=4.0,
)  # fmt: skip


@pytest.fixture
def ashworth(capsys):
    """Call the program in this process: exit code, standard output, standard error."""
    handler = signal.getsignal(signal.SIGTERM)

    def call(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(w) for w in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return left.value.code, out, err

    yield call
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def cartridge(tmp_path_factory):
    place = tmp_path_factory.mktemp("images") / "s1"
    return write_folder(phantom(SMALL, 1).cartridge, place, format="CellTracks")


@pytest.fixture
def broken(cartridge, tmp_path):
    """A copy of which one frame is cut."""
    folder = shutil.copytree(cartridge, tmp_path / "in" / "cut")
    (folder / "s1.xml").rename(folder / "cut.xml")
    path = next((folder / "processed").glob("*_002.tif"))
    path.write_bytes(path.read_bytes()[:3000])
    return folder


def test_help_names_every_option(ashworth):
    code, out, err = ashworth("enumerate", "--help")
    assert (code, err) == (0, "")
    for option in ("--out", "--assay", "--volume-ml", "--anndata", "--workers", "--cluster",
                   "--json", "--quiet"):  # fmt: skip
        assert option in out


def test_a_good_folder(ashworth, cartridge, tmp_path):
    words = ("enumerate", cartridge, "--out", tmp_path / "o", "--volume-ml", 7.5, "--workers", 1)
    code, out, err = ashworth(*words)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("s1 [SIMULATED]: 3 CTC, ")
    assert Path(lines[-2].removeprefix("open: ")).is_file()
    assert lines[-1] == "Research use only. Not a medical device."
    code, out, _ = ashworth(*words)
    assert code == 0
    assert "1 of them finished earlier, not done again" in out


def test_json(ashworth, cartridge, broken, tmp_path):
    code, out, err = ashworth(
        "enumerate", cartridge, broken, "--out", tmp_path / "o", "--workers", 1, "--json"
    )
    document = json.loads(out)
    assert (code, err) == (0, "")
    good, cut = document["samples"]
    assert (good["outcome"], good["simulated"], good["counts"]["ctc"]) == ("done", True, 3)
    assert (cut["outcome"], cut["counts"]) == ("not_evaluable", {})
    assert "truncated" in cut["reason"]
    assert Path(document["index"]).is_file()
    assert Path(good["results"], "cells.parquet").is_file()
    assert document["notice"] == "Research use only. Not a medical device."


def test_the_second_folder_is_no_image_folder(ashworth, cartridge, tmp_path):
    (tmp_path / "letters").mkdir()
    code, out, err = ashworth(
        "enumerate", cartridge, tmp_path / "letters", "--out", tmp_path / "o", "--workers", 1
    )
    assert (code, err) == (2, "")
    assert "letters: bad input: " in out
    assert "s1 [SIMULATED]: 3 CTC" in out
    assert (tmp_path / "o" / "s1" / "summary.html").is_file()


def test_work_that_fails(ashworth, cartridge, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ashworth.workflows.images.sample.write_table", full)
    code, out, err = ashworth("enumerate", cartridge, "--out", tmp_path / "o", "--workers", 1)
    assert (code, err) == (1, "")
    assert "s1: failed: No space left on device" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "FOLDER: found none"),
        (("nowhere",), "allowed: an existing folder"),
        ((".", "--volume-ml", 0), "above 0 to 100 ml"),
        ((".", "--workers", 0), "1 or more"),
        ((".", "--assay", "no-such-assay"), "no-such-assay"),
    ],
)
def test_bad_calls(ashworth, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = ashworth("enumerate", *words, "--out", tmp_path / "o" / "o")
    assert (code, out) == (2, "")
    assert said in err
    assert not (tmp_path / "o").exists()


def test_without_image_packages_a_sentence(ashworth, tmp_path, monkeypatch):
    monkeypatch.setattr("ashworth.workflows.enumerate_folders.PACKAGES", ("no_such_package",))
    code, _, err = ashworth("enumerate", tmp_path, "--out", tmp_path / "o")
    assert code == 2
    assert "pip install 'ashworth[imaging]'" in err


def test_without_anndata_a_sentence(ashworth, cartridge, tmp_path, monkeypatch):
    from ashworth.storage import anndata_export

    find = anndata_export.importlib.util.find_spec
    monkeypatch.setattr(
        anndata_export.importlib.util, "find_spec", lambda n: None if n == "anndata" else find(n)
    )
    code, _, err = ashworth("enumerate", cartridge, "--out", tmp_path / "o", "--anndata")
    assert code == 2
    assert "no package 'anndata'" in err
    assert not (tmp_path / "o").exists()


@pytest.mark.filterwarnings("ignore:::anndata")
def test_anndata(ashworth, cartridge, tmp_path):
    anndata = pytest.importorskip("anndata")
    code, _, err = ashworth(
        "enumerate", cartridge, "--out", tmp_path / "o", "--anndata", "--workers", 1
    )
    assert (code, err) == (0, "")
    table = anndata.read_h5ad(tmp_path / "o" / "s1" / "cells.h5ad")
    cells = pl.read_parquet(tmp_path / "o" / "s1" / "cells.parquet")
    assert table.n_obs == cells.height
    assert (table.obs["call"] == "ctc").sum() == 3
    assert bool(table.uns["ashworth"]["simulated"]) is True
    mean = list(table.var_names).index("ck_mean")
    assert table.X[:, mean].tolist() == cells["ck_mean"].cast(pl.Float32).to_list()


def ended(group: int, within_s: float = 20.0) -> bool:
    """Whether no process of a group is left."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(
    ("how", "workers", "after"),
    [(signal.SIGINT, "1", "c1"), (signal.SIGTERM, "2", "c1"),
     (signal.SIGINT, "2", "enumeration.json")],
)  # fmt: skip
def test_interrupted_it_leaves_nothing_half_written(cartridge, tmp_path, how, workers, after):
    folders = [shutil.copytree(cartridge, tmp_path / "in" / f"c{k}") for k in range(20)]
    for folder in folders:
        (folder / "s1.xml").rename(folder / f"{folder.name}.xml")
    out = tmp_path / "o"
    program = "from ashworth.cli import main; main()"
    command = [sys.executable, "-c", program, "enumerate", *map(str, folders), "--out", str(out)]
    command += ["--workers", workers]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, start_new_session=True, **pipes) as running:
        end = time.monotonic() + 120
        while not (out / after).exists() and running.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.3)
        (os.killpg if how == signal.SIGINT else os.kill)(running.pid, how)
        _, err = running.communicate(timeout=120)
    assert running.returncode == 130
    said = err.splitlines()[-1]
    assert b"Traceback" not in err, err.decode()
    assert said == b"ashworth: interrupted; nothing half-written was left"
    assert ended(running.pid)
    finished = sorted(p.name for p in out.iterdir())
    assert not [n for n in finished if n.startswith(".")]
    assert (after == "c1") <= len(finished) - 1 < 20
    for name in finished:
        if name != "enumeration.json":
            assert (out / name / "sample.json").is_file()
