"""Guards of pooling: what is refused, what is only displayed, what is said."""

from __future__ import annotations

import json
import math

import pytest

from ashworth.cli.main import _run
from ashworth.errors import EstimationError, InputError
from ashworth.evidence import NotPoolableError, find, pool, pool_effects
from ashworth.evidence.pooling.guards import components
from ashworth.evidence.pooling.scales import on_other_scale


def rows(**changes):
    base = [
        {"study": s, "estimate": e, "lower": low, "upper": high, "level": 0.95, "scale": "ratio",
         "cohort": s.lower(), "contains": "", "adjustment": "adjusted", "cutoff": ">= 1",
         "volume_ml": 7.5, "timepoint": "before", "outcome": "os"}
        for s, e, low, high in (("A", 1.8, 1.4, 2.3), ("B", 1.3, 0.9, 1.9), ("C", 2.2, 1.2, 4.0))
    ]  # fmt: skip
    for column, value in changes.items():
        base[1][column] = value
    return base


def test_pools_like_pool_on_the_logarithm():
    found = pool_effects(rows())
    assert found.pooled is not None
    y = [math.log(r["estimate"]) for r in rows()]
    s = [math.log(r["upper"] / r["lower"]) / 2 / 1.959963984540054 for r in rows()]
    alone = pool(y, s)
    assert found.pooled.estimate == pytest.approx(alone.estimate, abs=1e-14)
    assert found.pooled.ci == pytest.approx(alone.ci, abs=1e-13)
    assert found.n_cohorts == 3
    assert any("risk of bias" in m and "3 of 3" in m for m in found.messages)
    assert f"{math.exp(alone.estimate):.2f}" in found.sentence()


@pytest.mark.parametrize(
    ("guard", "change", "words"),
    [("overlap", {"contains": "a, z"}, "A, B share a"), ("overlap", {"cohort": "a"}, "A, B share"),
     ("adjustment", {"adjustment": "none"}, "none \\(B\\)"),
     ("cutoff", {"cutoff": ">= 5"}, "mixed cut-off: >= 1 \\(A, C\\); >= 5 \\(B\\)"),
     ("cutoff", {"cutoff": None}, "not stated \\(B\\)"),
     ("volume", {"volume_ml": 30.0}, "30 \\(B\\)"),
     ("timepoint", {"timepoint": "two_years"}, "mixed time point"),
     ("outcome", {"outcome": "dfs"}, "mixed outcome")],
)  # fmt: skip
def test_mixtures_are_refused_unless_allowed_by_name(guard, change, words):
    with pytest.raises(NotPoolableError, match=words) as caught:
        pool_effects(rows(**change))
    assert [o.guard for o in caught.value.obstacles] == [guard]
    allowed = pool_effects(rows(**change), allow=[guard])
    assert [o.guard for o in allowed.allowed] == [guard]
    assert (allowed.pooled is None) == (guard == "overlap")


def test_all_obstacles_are_named_together():
    with pytest.raises(NotPoolableError, match=r'allow=\["adjustment", "cutoff"\]'):
        pool_effects(rows(adjustment="none", cutoff=">= 5"))
    with pytest.raises(NotPoolableError) as caught:
        pool_effects(rows(adjustment="none", cutoff=">= 5"), allow=["cutoff"])
    assert [o.guard for o in caught.value.obstacles] == ["adjustment"]


def test_overlap_is_found_through_a_third_study():
    chain = [{"study": "x", "contains": "c"}, {"study": "y", "contains": "d"},
             {"study": "z", "contains": "c, d"}, {"study": "w"}]  # fmt: skip
    assert components(chain) == ((0, 1, 2), (3,))


def test_fewer_than_three_cohorts_are_displayed():
    found = pool_effects(rows()[:2])
    assert found.pooled is None
    assert "2 independent cohorts" in found.sentence()
    assert found.summary().height == 0
    assert found.table()["weight_percent"].to_list() == [None, None]


def test_no_verified_record():
    found = pool_effects(find(studies="bidard2014", outcome="os"))
    assert (found.pooled, found.reason) == (None, "no verified record")
    assert pool_effects([]).reason == "no record"


def test_patients_of_success_are_counted_once():
    """SUCCESS A is inside the pooled analysis of 2016, Hartkopf's patients inside PADDY."""
    with pytest.raises(NotPoolableError, match=r"share .*success-a"):
        pool_effects(find(outcome="os", setting="early", marker="ctc", measure="hazard_ratio"))
    with pytest.raises(NotPoolableError, match="hartkopf2014/death, paddy/os"):
        pool_effects(find(outcome="os", setting="early", marker="dtc", measure="hazard_ratio"))


def test_bad_input():
    with pytest.raises(InputError, match="swapped"):
        pool_effects(rows(lower=1.9, upper=0.9))
    with pytest.raises(InputError, match="limits that are logarithms"):
        pool_effects(rows(lower=-0.1, upper=0.6))
    with pytest.raises(InputError, match="study, estimate"):
        pool_effects([{"estimate": 1.0}])
    with pytest.raises(EstimationError, match="ratios and other numbers"):
        pool_effects(rows(scale="number"))
    with pytest.raises(EstimationError, match="these are ratios"):
        pool_effects([{**row, "scale": None} for row in rows()])
    with pytest.raises(EstimationError, match="allowed: a list of overlap"):
        pool_effects(rows(), allow=["everything"])
    left = pool_effects([*rows(), {**rows()[0], "study": "D", "cohort": "d", "level": None}])
    assert left.left_out == (("D", "the level of the limits is not known"),)


def test_command(tmp_path, capsys):
    table = tmp_path / "effects.csv"
    lines = [f"{s},{y},{e}" for s, y, e in (("a", 0.5, 0.2), ("b", 0.3, 0.1), ("c", 0.9, 0.3))]
    table.write_text("study,estimate,standard_error\n" + "\n".join(lines) + "\n")
    command = ["evidence", "pool", str(table), "--json", "--out", str(tmp_path / "out")]
    assert _run(command) == 0
    answer = json.loads(capsys.readouterr().out)
    alone = pool([0.5, 0.3, 0.9], [0.2, 0.1, 0.3])
    assert answer["pooled"]["effect"] == pytest.approx(alone.estimate, abs=1e-14)
    assert (tmp_path / "out" / "summary.csv").is_file()
    assert _run(["evidence", "pool"]) == 2
    dtc = ["evidence", "pool", "--outcome", "os", "--marker", "dtc", "--measure", "hazard_ratio"]
    assert _run(dtc) == 1
    assert "share paddy" in capsys.readouterr().err
    assert _run([*dtc, "--allow", "overlap", "--allow", "adjustment"]) == 0
    assert "No pooled number" in capsys.readouterr().out
    table.write_text("study,estimate,standard_error\na,x,0.2\n")
    assert _run(["evidence", "pool", str(table)]) == 2


def test_limits_stand_as_printed():
    early = find(outcome="os", setting="early", marker="ctc", measure="hazard_ratio",
                 timepoint="before_therapy", adjustment="adjusted")  # fmt: skip
    allowed = ["overlap", "cutoff", "volume"]
    row = pool_effects(early, allow=allowed).table().filter(study="janni2016").row(0, named=True)
    assert (row["lower"], row["upper"]) == (1.51, 2.59)
    other = pool_effects(early, allow=allowed, level=0.9).table().filter(study="janni2016")
    assert 1.51 < other["lower"][0] < other["upper"][0] < 2.59


def test_meta_analyses_are_never_independent_of_each_other():
    early = find(outcome="os", setting="early", marker="ctc", measure="hazard_ratio",
                 studies=["zhang2012", "mahmood2021", "janni2016"])  # fmt: skip
    mixed = ["adjustment", "cutoff", "timepoint"]
    with pytest.raises(NotPoolableError, match="mahmood2021/os, zhang2012/early-os share the lit"):
        pool_effects(early, allow=mixed)
    found = pool_effects(early, allow=[*mixed, "overlap"])
    assert found.pooled is None
    assert found.n_cohorts == 2


HEAD = "study,estimate,lower,upper,level\n"
GOOD = "a,1.5,1.2,1.875,0.95\nb,1.8,1.3,2.49,0.95\nc,1.2,0.9,1.6,0.95\n"


def _pooled_file(tmp_path, text, *options):
    table = tmp_path / "table.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    return _run(["evidence", "pool", str(table), *options])


def test_a_table_says_all_its_faults_with_their_lines(tmp_path, capsys):
    text = HEAD + "a,1.5,1.9,1.2,0.95\nb,2.8,1.3,2.49,95\nc,0.182,1.1,1.4,\n,1.2,x,1.6,0.95\n"
    assert _pooled_file(tmp_path, text, "--ratio") == 2
    said = capsys.readouterr().err
    for words in (
        "row 2, column 'lower': found limits swapped",
        "row 3, column 'level': found 95",
        "row 3, column 'estimate': found 2.8 outside",
        "exp(0.182) = 1.2",
        "row 4, column 'level': found limits without",
        "row 5, column 'lower': found 'x'",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("a,", "study,est,lower,upper,level\na,", 1), "column 'estimate': found no"),
        (HEAD, "no rows"),
        ("", "empty file"),
        (HEAD + GOOD + "d,1.2,0.9\n", "row 5: found 3 cells"),
        ("study,estimate,standard_error\na,0.1,0\nb,0.2,-0.1\n", "row 3, column 'standard_error'"),
        (HEAD + "a,-1.5,-1.9,-1.2,0.95\n", "a ratio with -1.5"),
        (HEAD + "a,1.5,1.2,,0.95\n", "one limit without the other"),
        (b"study,estimate\x00", "binary"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path, capsys, text, words):
    assert _pooled_file(tmp_path, text, "--ratio", "--out", str(tmp_path / "out")) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_table_with_semicolons_and_decimal_commas(tmp_path, capsys):
    text = (HEAD + GOOD).replace(",", ";").replace(".", ",")
    assert _pooled_file(tmp_path, text, "--ratio") == 2
    capsys.readouterr()
    assert _pooled_file(tmp_path, text, "--ratio", "--decimal", "comma") == 0
    assert "Pooled 1.47" in capsys.readouterr().out
    for wrong in (["--allow", "nothing"], ["--level", "95"]):
        assert _pooled_file(tmp_path, HEAD + GOOD, "--ratio", *wrong) == 2


def test_one_logarithm_among_ratios_is_found():
    mixed = [*rows()[:2], {**rows()[2], "estimate": 0.41, "lower": 0.18, "upper": 0.63}]
    with pytest.raises(InputError, match=r"0.41 \(0.18 to 0.63\), .*logarithm"):
        pool_effects(mixed)
    logs = [{"study": s, "estimate": 0.1 * i, "lower": 0.1 * i - 0.3, "upper": 0.1 * i + 0.3,
             "level": 0.95} for i, s in enumerate("ab", 1)]  # fmt: skip
    ratio = {"study": "c", "estimate": 1.8, "lower": 1.3, "upper": 2.49, "level": 0.95}
    with pytest.raises(InputError, match=r"c: 1.8 .*as those of a ratio"):
        pool_effects([*logs, ratio])


def test_no_record_of_the_base_looks_like_another_scale():
    table = find(measure="hazard_ratio").table().drop_nulls(["estimate", "lower"])
    columns = (table[c].to_numpy() for c in ("estimate", "lower", "upper"))
    assert not on_other_scale(*columns, ratio=True).any()


def test_allowed_overlap_is_said_to_narrow_the_intervals():
    twice = pool_effects([*rows(), rows()[0]], allow=["overlap"])
    assert (twice.n, twice.n_cohorts) == (len(rows()) + 1, len(rows()))
    assert any("too narrow" in m for m in twice.messages)
    assert not any("too narrow" in m for m in pool_effects(rows()).messages)


def test_results_are_replaced_whole(tmp_path):
    out = tmp_path / "out"
    for _ in range(2):
        assert _pooled_file(tmp_path, HEAD + GOOD, "--ratio", "--out", str(out)) == 0
    kept = {p.name for p in out.iterdir()}
    assert kept == {"effects.csv", "summary.csv", "forest.svg", "run.json"}
    (out / "mine.txt").write_text("x")
    assert _pooled_file(tmp_path, HEAD + GOOD, "--ratio", "--out", str(out)) == 2


@pytest.mark.parametrize("error", [0.0, -0.1, math.inf, "x"])
def test_a_display_too_needs_standard_errors_above_zero(error):
    with pytest.raises(InputError, match="standard_error"):
        pool_effects([{"study": "a", "estimate": 1.0, "standard_error": error}])


def test_a_mapping_of_columns_is_a_table():
    columns = {"study": ["a", "b", "c"], "estimate": [1.0, 2.0, 3.0], "standard_error": [0.3] * 3}
    assert pool_effects(columns).pooled.estimate == pytest.approx(2.0)
    for wrong in (None, 5, "abc", [1, 2]):
        with pytest.raises(EstimationError, match="allowed: what find gave"):
            pool_effects(wrong)
