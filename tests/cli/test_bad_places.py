"""Places and names that a file system or this program refuses: a sentence, never a traceback."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from ashworth.cli.main import main

LONG = "x" * 300


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


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """A folder that nobody may look into, also not root."""
    folder = tmp_path / "closed"
    folder.mkdir()
    whole = Path.stat

    def stat(path, **options):
        if folder in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    return folder


def folder_named(tmp_path, name):
    (tmp_path / "in" / name).mkdir(parents=True)
    return tmp_path / "in" / name


def test_image_folders_below_a_closed_folder(ashworth, closed, tmp_path):
    code, out, err = ashworth("enumerate", closed / "s1", closed / "s2", "--out", tmp_path / "o")
    assert (code, out) == (2, "")
    for name in ("s1", "s2"):
        assert f"FOLDER: found {closed / name}: Permission denied; allowed" in err
    assert not (tmp_path / "o").exists()


def test_results_below_a_closed_folder(ashworth, closed, tmp_path):
    images = folder_named(tmp_path, "s1")
    code, out, err = ashworth("enumerate", images, "--out", closed / "o")
    assert (code, out) == (2, "")
    assert f"--out: found {closed / 'o'}: Permission denied; allowed" in err


def test_names_that_are_too_long(ashworth, tmp_path):
    images = folder_named(tmp_path, "s1")
    code, out, err = ashworth("enumerate", images, tmp_path / LONG, "--out", tmp_path / "o")
    assert (code, out) == (2, "")
    assert "FOLDER: found " in err
    assert "too long" in err
    code, out, err = ashworth("enumerate", images, "--out", tmp_path / LONG)
    assert (code, out) == (2, "")
    assert "--out: found " in err
    assert "too long" in err
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_what_the_system_refuses_is_a_sentence(ashworth, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "somewhere.csv")

    monkeypatch.setattr("ashworth.workflows.run_study.run_study", full)
    found = ashworth("run", tmp_path)
    assert found == (1, "", "ashworth: somewhere.csv: No space left on device\n")


@pytest.mark.parametrize(
    "name", ["index.html", "counts.csv", "counts.parquet", "samples.csv", "Assay_Runs.csv",
             "assay_runs.parquet", "enumeration.json", ".overview.x"]
)  # fmt: skip
def test_samples_named_like_files_of_the_results(ashworth, tmp_path, name):
    images = folder_named(tmp_path, name)
    code, out, err = ashworth("enumerate", images, "--out", tmp_path / "o")
    assert (code, out) == (2, "")
    assert f"FOLDER: found a folder named '{name}'; allowed: another name" in err
    assert not (tmp_path / "o").exists()


def test_samples_whose_names_differ_in_case_only(ashworth, tmp_path):
    lower, upper = folder_named(tmp_path, "s1"), folder_named(tmp_path / "b", "S1")
    code, out, err = ashworth("enumerate", lower, upper, "--out", tmp_path / "o")
    assert (code, out) == (2, "")
    assert "FOLDER: found folders named 'S1', 's1'; allowed: names that differ" in err


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_a_name_that_is_not_utf8(ashworth, tmp_path):
    images = folder_named(tmp_path, os.fsdecode(b"pati\xebnt"))
    code, out, err = ashworth("enumerate", images, "--out", tmp_path / "o")
    assert (code, out) == (2, "")
    assert r"FOLDER: found a folder named 'pati\udcebnt'; allowed: a name in UTF-8" in err
    assert not (tmp_path / "o").exists()
    code, out, err = ashworth("enumerate", images.parent, "--out", images)
    assert (code, out) == (2, "")
    assert r"pati\udcebnt'; allowed: a name in UTF-8" in err
    assert list(images.iterdir()) == []


def test_a_file_whose_name_is_not_utf8_is_named_on_one_line(ashworth, tmp_path):
    place = folder_named(tmp_path, "holiday")
    (place / os.fsdecode(b"bad\xff\n\x1b[31m.tif")).write_bytes(b"no picture")
    code, out, err = ashworth("enumerate", place, "--out", tmp_path / "out", "--workers", 1)
    assert code == 2
    assert "\x1b" not in out + err
    rows = (tmp_path / "out" / "samples.csv").read_text("utf-8").splitlines()
    assert len(rows) == 2
    assert rows[1].startswith("holiday,bad_input,")
