"""`ashworth evidence check`: on the evidence base, and on anyone's tables."""

from __future__ import annotations

import json
import signal

import pytest

from ashworth.cli.main import main
from ashworth.evidence.consistency.findings import VERDICTS
from ashworth.workflows.check_evidence import check_evidence

HEAD = "study,statistic,measure,value,lower,upper,level,p,origin"


@pytest.fixture
def ashworth(capsys):
    handler = signal.getsignal(signal.SIGTERM)

    def call(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(w) for w in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return left.value.code, out, err

    yield call
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def base():
    return check_evidence()


def found(base, study, statistic, check):
    (one,) = [f for f in base.findings.findings
              if (f.study, f.statistic, f.check) == (study, statistic, check)]  # fmt: skip
    return one


@pytest.mark.parametrize(
    ("study", "statistic", "check", "verdict", "says"),
    [
        ("treat-ctc", "week-18-review", "p from counts", "holds only if", "5/29 against 4/29"),
        ("treat-ctc", "week-18", "p from counts", "holds", "0.7649"),
        ("treat-ctc", "positivity", "share", "holds", "5.87-8.75"),
        ("paddy", "os", "p from interval", "holds only if", "not < 0.006"),
        ("stic-ctc", "pfs", "one interval, two levels", "holds only if", "491 and 697"),
        ("stic-ctc", "os", "implied events", "holds", "383"),
        ("rack2014", "positivity-nodes", "p from counts", "cannot hold", "0.1513"),
        ("banys2019-review", "countries", "whole counts", "holds", "24/7/6/5/3, sum 45"),
        ("circe-t-dm1", "amplified", "share", "holds only if", "154"),
        ("circe01", "monitoring-3", "share", "holds only if", "52"),
        ("e5103", "recurrence", "implied events", "holds", "15 events"),
        ("success-a-late", "rfs-5y", "interval", "cannot be checked", "without its interval"),
        ("geparx", "pcr", "p from counts", "holds", "0.7128"),
    ],
)
def test_the_evidence_base(base, study, statistic, check, verdict, says):
    one = found(base, study, statistic, check)
    assert one.verdict == verdict
    assert says in f"{one.arithmetic} {one.condition}"


def test_conflicts_between_documents_stand_beside_the_checks(base):
    conflicts = base.findings.conflicts()
    versions = conflicts.filter(
        (conflicts["study"] == "e5103") & (conflicts["conflict"] == "version")
    )
    assert versions.height == 3
    assert {"treat-ctc", "stic-ctc", "paddy"} <= set(conflicts["study"])
    text = "\n".join(base.lines())
    assert "CONFLICTS BETWEEN DOCUMENTS" in text
    assert text.index("CANNOT HOLD") > text.index("CONFLICTS")


def test_no_unverified_statistic_unless_asked(base):
    assert base.findings.left_out > 0
    assert "unverified" not in {f.origin for f in base.findings.findings}
    asked = check_evidence(studies=["bidard2014"], unverified=True)
    assert "unverified" in {f.origin for f in asked.findings.findings}


def test_json_of_one_study(ashworth):
    code, out, err = ashworth("evidence", "check", "--study", "treat-ctc", "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert {f["study"] for f in document["findings"]} == {"treat-ctc"}
    assert set(document["counts"]) == set(VERDICTS)
    assert len(document["findings"]) == sum(document["counts"].values())


def test_findings_are_results_not_failures(ashworth, tmp_path):
    file = tmp_path / "paper.csv"
    file.write_text(f"{HEAD}\nA,os,hazard_ratio,1.82,1.47,2.26,0.95,0.03,publication\n")
    code, out, err = ashworth("evidence", "check", file)
    assert (code, err) == (0, "")
    assert "✗ p from interval: 1.82 (1.47-2.26), p = 0.03; cannot hold" in out
    assert (
        out.splitlines()[-1]
        == "  ✓ 1 hold, ~ 0 hold only if, ✗ 1 cannot hold, ? 1 cannot be checked."
    )


def test_decimal_commas_are_refused_with_a_hint_and_taken_when_declared(ashworth, tmp_path):
    file = tmp_path / "paper.csv"
    text = HEAD.replace(",", ";") + "\nA;os;hazard_ratio;1,82;1,47;2,26;0,95;;publication\n"
    file.write_text("\ufeff" + text, encoding="utf-8")
    code, out, err = ashworth("evidence", "check", file)
    assert (code, out) == (2, "")
    assert "paper.csv, row 2, column 'value': found 1,82 with a decimal comma" in err
    assert "--decimal comma" in err
    code, out, _ = ashworth("evidence", "check", file, "--decimal", "comma")
    assert code == 0
    assert "1.82 (1.47-2.26)" in out
    plain = tmp_path / "plain.csv"
    plain.write_text(f"{HEAD}\nA,os,hazard_ratio,1.82,1.47,2.26,0.95,,publication\n")
    assert "--decimal point" in ashworth("evidence", "check", plain, "--decimal", "comma")[2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "No such file"),
        ("", "no such column"),
        (f"{HEAD}\n", "no rows"),
        (f"{HEAD}\nA,os\n", "row 2: found 2 cells"),
        (f"{HEAD},value\n", "column value twice"),
        (f"{HEAD}\nA,a,hazard_ratio,1.2,1.5,1.0,0.95,,publication\n\nB,b,proportion,120,,,,0,\n",
         "swapped"),
    ],
)  # fmt: skip
def test_bad_files(ashworth, tmp_path, text, says):
    file = tmp_path / "t.csv"
    if text is not None:
        file.write_text(text)
    code, out, err = ashworth("evidence", "check", file)
    assert (code, out) == (2, "")
    assert says in err


def test_a_cell_of_any_length_is_no_crash(ashworth, tmp_path):
    file = tmp_path / "t.csv"
    file.write_text(
        f'{HEAD}\n"{"x" * 200_000}",s,hazard_ratio,1.5,1.2,1.9,0.95,0.001,publication\n'
    )
    code, _, err = ashworth("evidence", "check", file)
    assert (code, "line 2, field larger" in err) == (2, True)


def test_all_faults_of_all_files_at_once(ashworth, tmp_path):
    for name, row in (("a", "A,a,hazard_ratio,1.2,1.5,1.0,0.95,,publication"),
                      ("b", "\nB,b,proportion,120,,,,0,"))  :  # fmt: skip
        (tmp_path / f"{name}.csv").write_text(f"{HEAD}\n{row}\n")
    code, _, err = ashworth("evidence", "check", tmp_path / "a.csv", tmp_path / "b.csv")
    assert code == 2
    for says in (
        "a.csv, row 2, column 'lower'",
        "b.csv, row 3, column 'p'",
        "b.csv, row 3, column 'origin'",
    ):
        assert says in err


def test_an_unknown_study_names_the_known_ones(ashworth):
    code, _, err = ashworth("evidence", "check", "--study", "treatctc")
    assert code == 2
    assert "treat-ctc" in err
