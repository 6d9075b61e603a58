"""Guards of pooling: what is refused, what is only displayed, what is said."""

from __future__ import annotations

import json
import math

import pytest

from ashworth.cli.main import _run
from ashworth.errors import EstimationError, InputError
from ashworth.evidence import NotPoolableError, find, pool, pool_effects
from ashworth.evidence.pooling.guards import components


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
