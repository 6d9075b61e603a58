import os
import subprocess

import pytest

from ashworth.errors import InputError
from ashworth.storage import results_folder


def finish(work, text):
    (work / "report.html").write_text(text)
    (work / "run.json").write_text('{"results": {"report.html": ""}}')


def test_a_finished_run_replaces_the_previous_results(tmp_path):
    target = tmp_path / "results"
    for text in ("first", "second"):
        with results_folder(target) as work:
            finish(work, text)
    assert (target / "report.html").read_text() == "second"
    assert [p.name for p in tmp_path.iterdir()] == ["results"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_run_leaves_the_previous_results_whole(tmp_path, error):
    target = tmp_path / "results"
    with results_folder(target) as work:
        finish(work, "whole")
    with pytest.raises(error), results_folder(target) as work:
        (work / "report.html").write_text("half")
        raise error
    assert (target / "report.html").read_text() == "whole"
    assert [p.name for p in tmp_path.iterdir()] == ["results"]


def test_a_run_killed_between_the_two_renames_is_recovered(tmp_path):
    target = tmp_path / "results"
    with results_folder(target) as work:
        finish(work, "whole")
    target.rename(tmp_path / ".results.17.abc.previous")
    with pytest.raises(ValueError, match="stop"), results_folder(target):
        raise ValueError("stop")
    assert (target / "report.html").read_text() == "whole"


def test_a_folder_with_other_files_is_never_replaced(tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(InputError, match="other files"), results_folder(tmp_path):
        pass
    assert (tmp_path / "thesis.docx").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_to(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="written"), results_folder(tmp_path / "results"):
        pass


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--out"), results_folder(tmp_path / "file" / "results"):
        pass


def test_two_runs_at_once_leave_one_whole_folder(tmp_path):
    target = tmp_path / "results"
    with results_folder(target) as first:
        finish(first, "first")
        with results_folder(target) as second:
            finish(second, "second")
    assert (target / "report.html").read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["results"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").symlink_to(tmp_path / "disk" / "mine")
    for text in ("first", "second"):
        with results_folder(tmp_path / "results") as work:
            finish(work, text)
    assert (tmp_path / "results").is_symlink()
    assert (tmp_path / "disk" / "mine" / "report.html").read_text() == "second"


@pytest.mark.skipif(os.name == "nt", reason="process numbers of POSIX")
def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = tmp_path / f".results.{dead.pid}.abc.part"
    left.mkdir()
    (left / "report.html").write_text("half")
    alive = tmp_path / f".results.{os.getpid()}.abc.part"
    alive.mkdir()
    with results_folder(tmp_path / "results") as work:
        finish(work, "whole")
    assert not left.exists()
    assert alive.exists()


def test_a_users_own_file_among_the_results_is_never_deleted(tmp_path):
    target = tmp_path / "results"
    with results_folder(target) as work:
        finish(work, "first")
    (target / "notes.docx").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.docx"), results_folder(target):
        pass
    assert (target / "notes.docx").read_text() == "mine"
    assert (target / "report.html").read_text() == "first"


def test_a_log_that_is_none_protects_the_folder(tmp_path):
    target = tmp_path / "results"
    target.mkdir()
    (target / "run.json").write_text("not json")
    with pytest.raises(InputError, match="other files"), results_folder(target):
        pass


def dead_process():
    """Number of a process that has ended."""
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    return ended.pid


@pytest.mark.skipif(os.name == "nt", reason="processes by number")
@pytest.mark.parametrize("name", ["a[1]", "a*", "a?b"])
def test_a_name_of_glob_characters_is_cleared_up_too(tmp_path, name):
    left = tmp_path / f".{name}.{dead_process()}.x1.part"
    left.mkdir()
    with results_folder(tmp_path / name) as work:
        finish(work, "whole")
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(os.name == "nt", reason="processes by number")
def test_folders_of_a_name_that_begins_alike_are_left_alone(tmp_path):
    pid = dead_process()
    others = [f".A.b.{pid}.x1.part", f".A.{pid}.{pid}.x1.part", f".A.b.{pid}.x1.previous"]
    for other in others:
        (tmp_path / other).mkdir()
        finish(tmp_path / other, "another sample's")
    (tmp_path / f".A.{pid}.x1.part").mkdir()
    with pytest.raises(ValueError, match="stop"), results_folder(tmp_path / "A"):
        raise ValueError("stop")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(others)


def test_a_name_too_long_for_the_file_system(tmp_path):
    with (
        pytest.raises(InputError, match=r"--out: found .*too long"),
        results_folder(tmp_path / ("x" * 300)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
