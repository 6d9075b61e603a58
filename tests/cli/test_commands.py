"""The commands as a user calls them: exit codes, what is printed where, what is left behind."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ashworth.cli.main import main
from ashworth.version import __version__

ROOT = Path(__file__).parents[2]
GBSG = ROOT / "examples" / "gbsg"
RULES = ROOT / "src/ashworth/definitions/data/positivity_rule"


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
def simulated(tmp_path_factory):
    from ashworth.workflows.simulate_cohort import simulate_study

    folder = tmp_path_factory.mktemp("cli") / "study"
    simulate_study("metastatic", out=folder, seed=4, patients=60, centres=2)
    return folder


@pytest.fixture
def study(simulated, tmp_path):
    return Path(shutil.copytree(simulated, tmp_path / "study"))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {p.relative_to(folder).as_posix(): p.read_bytes()
            for p in sorted(folder.rglob("*")) if p.is_file()}  # fmt: skip


# --- what works -------------------------------------------------------------------------------


def test_version_and_help(ashworth):
    assert ashworth("--version") == (0, f"{__version__}\n", "")
    code, out, err = ashworth("--help")
    assert (code, err) == (0, "")
    assert "Research use only" in " ".join(out.split())
    for command in ("run", "simulate", "definitions"):
        assert command in out


def test_run_says_where_the_report_is(ashworth, study):
    code, out, err = ashworth("run", study)
    assert (code, err) == (0, "")
    report = re.search(r"(?m)^report: (.*)$", out)
    assert Path(report[1]).is_file()
    assert "[SIMULATED DATA]" in out.splitlines()[0]
    assert out.splitlines()[-1] == "Research use only. Not a medical device."


def test_run_as_json(ashworth, study, tmp_path):
    code, out, err = ashworth("run", study, "--json", "--out", tmp_path / "elsewhere")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document["simulated"] is True
    assert document["patients"] == 60
    assert {e["endpoint"] for e in document["endpoints"]} == {"OS", "PFS"}
    assert Path(document["report"]).is_file()
    assert not (study / "results").exists()


def test_simulated_data_say_so_and_depend_on_the_seed_only(ashworth, tmp_path):
    sizes = ("--patients", 30, "--centres", 2)
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        code, out, _ = ashworth("simulate", "cohort", "early_dtc", "--out", tmp_path / name,
                                "--seed", seed, *sizes)  # fmt: skip
        assert code == 0
        assert out.startswith("SIMULATED study")
    a, b, c = (tree(tmp_path / n) for n in "abc")
    assert a == b
    assert a["counts.csv"] != c["counts.csv"]
    assert b"simulated = true" in a["study.toml"]


def test_simulate_as_json(ashworth, tmp_path):
    code, out, err = ashworth("simulate", "cohort", "early_ctc", "--out", tmp_path / "s",
                              "--patients", 25, "--centres", 2, "--json")  # fmt: skip
    document = json.loads(out)
    assert (code, err, document["simulated"]) == (0, "", True)
    assert document["rows"]["patients"] == 25
    assert Path(document["truth"]).is_file()


def test_a_simulation_replaces_a_simulation(ashworth, tmp_path):
    words = ("simulate", "cohort", "--out", tmp_path / "s", "--patients", 20, "--centres", 2)
    assert ashworth(*words, "--seed", 1)[0] == 0
    first = tree(tmp_path / "s")
    assert ashworth(*words, "--seed", 2)[0] == 0
    assert tree(tmp_path / "s") != first


def test_definitions(ashworth):
    code, out, err = ashworth("definitions", "list")
    assert (code, err) == (0, "")
    assert "ctc-metastatic-5" in out
    listed = json.loads(ashworth("definitions", "list", "--json")[1])
    assert {"assay", "endpoint"} <= {d["kind"] for d in listed}
    code, out, _ = ashworth("definitions", "show", "ctc-metastatic-5")
    assert code == 0
    assert "7.5" in out
    assert "Cristofanilli" in out
    shown = json.loads(ashworth("definitions", "show", "idfs", "--json")[1])
    assert shown["abbreviation"] == "IDFS"


def test_every_listed_definition_can_be_shown(ashworth):
    for entry in json.loads(ashworth("definitions", "list", "--json")[1]):
        code, out, _ = ashworth("definitions", "show", entry["id"])
        assert code == 0
        assert out.startswith(f"{entry['id']}, version {entry['version']}")


# --- exit code 1: a worked case does not hold ---------------------------------------------------


@pytest.fixture
def own_rule(tmp_path):
    """A folder with one's own rule, which holds."""
    folder = tmp_path / "own"
    (folder / "positivity_rule").mkdir(parents=True)
    text = (RULES / "ctc-treat-ctc-15ml.yaml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^id: .*$", "id: my-rule", text)
    text = re.sub(r"(?m)^differs_from: .*\n", "", text)
    (folder / "positivity_rule" / "my-rule.yaml").write_text(text, encoding="utf-8")
    return folder


def test_own_definitions_that_hold(ashworth, own_rule):
    code, out, err = ashworth("definitions", "check", "--folder", own_rule)
    assert (code, err) == (0, "")
    assert "hold" in out
    assert "my-rule" in ashworth("definitions", "list", "--folder", own_rule)[1]


def test_a_failing_worked_case_is_exit_code_one(ashworth, own_rule):
    file = own_rule / "positivity_rule" / "my-rule.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("at_least: 1,", "at_least: 2,"), encoding="utf-8")
    code, out, _ = ashworth("definitions", "check", "--folder", own_rule)
    assert code == 1
    assert "my-rule: one cell in 15 ml, at the cut-off: expected positive, found negative" in out
    code, out, _ = ashworth("definitions", "check", "--folder", own_rule, "--json")
    document = json.loads(out)
    assert (code, document["holds"]) == (1, False)


# --- exit code 2: bad input ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nonsense"], "nonsense"),
        (["run"], "STUDY"),
        (["run", "no/such/folder"], "no/such/folder"),
        (["run", "{empty}"], "study.toml"),
        (["run", "{study}", "--speed"], "--speed"),
        (["run", "{study}", "--workers", "0"], "--workers: found 0"),
        (["run", "{study}", "--workers", "-1"], "--workers: found -1"),
        (["run", "{study}", "--out", "{study}/images"], "outside of the images"),
        (["run", "{study}", "--out", "{link}/P1/results"], "outside of the images"),
        (["simulate", "cohort"], "--out"),
        (["simulate", "cohort", "late", "--out", "{new}"], "late"),
        (["simulate", "cohort", "--out", "{new}", "--patients", "0"], "--patients"),
        (["simulate", "cohort", "--out", "{new}", "--seed", "-3"], "--seed"),
        (["definitions", "show", "ctc-metastatic-6"], "ctc-metastatic-6"),
        (["definitions", "show"], "ID"),
        (["definitions", "list", "--folder", "{new}"], "no such folder"),
    ],
    ids=" ".join,
)
def test_bad_calls(ashworth, study, tmp_path, words, says):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(study / "images")
    places = {name: tmp_path / name for name in ("empty", "new", "link")} | {"study": study}
    code, out, err = ashworth(*(w.format(**places) for w in words))
    assert (code, out) == (2, "")
    assert says in err
    assert not (tmp_path / "new").exists()
    assert not (study / "images").exists()
    assert not list(tmp_path.rglob("*.part"))


def test_all_problems_go_to_standard_error(ashworth, study):
    counts = study / "counts.csv"
    lines = counts.read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("n_cells")
    for i, value in ((1, "-1"), (2, "2.5")):
        cells = lines[i].split(",")
        cells[column] = value
        lines[i] = ",".join(cells)
    counts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, out, err = ashworth("run", study, "--json")
    assert (code, out) == (2, "")
    assert "counts, row 2, column 'n_cells': found '-1'" in err
    assert "counts, row 3, column 'n_cells': found '2.5'" in err
    assert not (study / "results").exists()


def test_a_folder_with_other_files_is_never_replaced(ashworth, study, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", encoding="utf-8")
    for words in (("run", study), ("simulate", "cohort")):
        code, out, err = ashworth(*words, "--out", mine)
        assert (code, out) == (2, "")
        assert "holds other files" in err
    assert tree(mine) == {"thesis.txt": b"years of work"}


def test_results_never_replace_the_study_itself(ashworth, study):
    before = tree(study)
    assert ashworth("run", study, "--out", study)[0] == 2
    assert ashworth("simulate", "cohort", "--out", GBSG)[0] == 2
    assert tree(study) == before


# --- interrupted ------------------------------------------------------------------------------

RUN = (
    "import signal, sys\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from ashworth.cli import main\n"
    "main(sys.argv[1:])\n"
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_an_interrupted_run_leaves_the_previous_results_whole(ashworth, study, number):
    assert ashworth("run", study)[0] == 0
    before = tree(study)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "run", str(study)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for_work(study, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert "interrupted; nothing half-written was left" in err
    assert tree(study) == before
    assert not [p.name for p in study.iterdir() if p.name.startswith(".")]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupted_first_run_leaves_nothing(study):
    before = tree(study)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "run", str(study)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for_work(study, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert tree(study) == before
    assert not (study / "results").exists()


def wait_for_work(folder: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the run has begun its working folder."""
    end = time.monotonic() + 60
    while not list(folder.glob(".results.*.part")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_closed_pipe_is_no_error():
    code = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', 'from ashworth.cli import main; "
        'main(["definitions", "list", "--json"])\'], stdout=subprocess.PIPE, '
        "stderr=subprocess.PIPE)\n"
        "p.stdout.close(); err = p.stderr.read(); sys.stdout.write(err.decode())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stdout
