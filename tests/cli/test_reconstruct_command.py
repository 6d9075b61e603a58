"""`ashworth evidence reconstruct`: exit codes, what is written, what is said."""

from __future__ import annotations

import json
import signal

import polars as pl
import pytest

from ashworth.cli.main import main
from ashworth.records import read_table
from ashworth.survival import cox

CURVES = "arm,time,survival\nA,6,0.90\nA,12,0.80\nA,24,0.62\nB,6,0.84\nB,12,0.70\nB,24,0.45\n"
RISK = "arm,time,at_risk\nA,0,120\nA,12,100\nB,0,118\nB,12,90\n"


@pytest.fixture
def ashworth(capsys):
    """Call the program in this process: exit code, standard output, standard error."""
    handler = signal.getsignal(signal.SIGTERM)

    def call(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["evidence", "reconstruct", *(str(w) for w in words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return left.value.code, out, err

    yield call
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def tables(tmp_path):
    (tmp_path / "curves.csv").write_text(CURVES)
    (tmp_path / "risk.csv").write_text(RISK)
    return tmp_path / "curves.csv", tmp_path / "risk.csv"


def test_everything_is_written(ashworth, tables, tmp_path):
    curves, risk = tables
    out = tmp_path / "out"
    code, text, _ = ashworth(curves, "--risk", risk, "--out", out, "--time-unit", "months")
    assert code == 0
    assert "A: 120 patients" in text
    assert "times read as months" in text
    assert sorted(p.name for p in out.iterdir()) == [
        "curve.csv", "diagnostics.csv", "events.csv", "hazard_ratios.csv", "patients.csv",
        "reconstruction.svg", "reconstruction.vl.json", "risk_table.csv", "run.json",
    ]  # fmt: skip
    events = read_table(out / "events.csv", "events").frame
    patients = pl.read_csv(out / "patients.csv")
    assert events["patient_id"].to_list() == patients["patient_id"].to_list()
    arm = (patients["arm"] == "B").to_numpy().astype(float)
    fit = cox(events["exit_day"], events["event_code"], arm)
    ratio = pl.read_csv(out / "hazard_ratios.csv")["hazard_ratio"][0]
    assert fit.hazard_ratios[0] == pytest.approx(ratio, rel=0.02)
    assert ashworth(curves, "--risk", risk, "--out", out)[0] == 0


def test_json_holds_the_diagnostics_and_the_reference_is_chosen(ashworth, tables):
    curves, risk = tables
    _, first, _ = ashworth(curves, "--risk", risk, "--json")
    _, second, _ = ashworth(curves, "--risk", risk, "--json", "--reference", "B")
    forward, backward = json.loads(first), json.loads(second)
    assert [a["n"] for a in forward["arms"]] == [120, 118]
    assert forward["hazard_ratios"][0]["hazard_ratio"] == pytest.approx(
        1 / backward["hazard_ratios"][0]["hazard_ratio"], rel=1e-8
    )
    assert forward["remarks"] == []


def test_one_arm_without_a_table(ashworth, tmp_path):
    (tmp_path / "one.csv").write_text("time;survival\n6;90,5\n12;80\n24;61\n")
    words = (tmp_path / "one.csv", "--decimal", "comma", "--percent", "--patients", 80)
    code, text, _ = ashworth(*words)
    assert code == 0
    assert "censoring is not known" in text
    code, text, _ = ashworth(*words, "--events", 25)
    assert code == 0
    assert "80 patients, 25 events" in text


def test_repairs_are_said(ashworth, tmp_path):
    (tmp_path / "one.csv").write_text("time,survival\n6,0.90\n9,0.908\n12,0.8\n")
    code, text, err = ashworth(tmp_path / "one.csv", "--patients", 80)
    assert (code, err) == (0, "")
    assert "survival of 2 of 3 points was changed" in text


def test_faults_of_both_tables_at_once_with_their_lines(ashworth, tables):
    curves, risk = tables
    curves.write_text(CURVES.replace("0.80", "eighty"))
    risk.write_text(RISK.replace("at_risk", "number"))
    code, _, err = ashworth(curves, "--risk", risk, "--events", "A=x")
    assert code == 2
    assert "curves.csv, row 3, column 'survival': found 'eighty'" in err
    assert "risk.csv, row 1, column 'at_risk'" in err
    assert "command, column '--events': found A=x" in err


def test_faults_of_the_numbers_name_the_files(ashworth, tables):
    curves, risk = tables
    risk.write_text(RISK.replace("A,12,100", "A,12,130"))
    curves.write_text(CURVES.replace("B,12", "B,5"))
    code, _, err = ashworth(curves, "--risk", risk)
    assert code == 2
    assert "risk.csv, column 'at_risk': found 130 at 12 after 120 at 0 in arm A" in err
    assert "curves.csv, column 'time': found 5 after 6 in arm B" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--patients"),
        (("--patients", "A=120", "--patients", "B=118", "--reference", "C"), "--reference"),
        (("--patients", "A=120", "--events", "7"), "one number for several arms"),
        (("--patients", "A=120", "--patients", "A=110"), "--patients once"),
    ],
)
def test_bad_calls(ashworth, tables, words, said):
    code, _, err = ashworth(tables[0], *words)
    assert code == 2
    assert said in err


def test_a_missing_file_and_nothing_left(ashworth, tmp_path):
    code, _, err = ashworth(tmp_path / "no.csv", "--out", tmp_path / "out")
    assert code == 2
    assert "no file 'no.csv'" in err
    assert not (tmp_path / "out").exists()


def test_clicks_that_are_no_steps(ashworth, tables):
    code, _, err = ashworth(tables[0], "--risk", tables[1], "--method", "steps")
    assert code == 1
    assert "not the exact steps" in err
