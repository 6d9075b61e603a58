from __future__ import annotations

import polars as pl
import pytest

from ashworth import definitions
from ashworth import enumeration as en
from ashworth.errors import InputError


def statuses_of(tubes, rows, rule="ctc-metastatic-5"):
    tables = tubes.make(rows)
    return en.statuses(
        *tables,
        definitions.load("positivity_rule", rule),
        assay=definitions.load("assay", "cellsearch-ctc"),
    ).table()


def test_classes_and_reasons(tubes):
    before = statuses_of(
        tubes,
        [("a", "t0", 0, "done", 1, 7.5), ("b", "t0", 0, "done", 20, 7.5),
         ("c", "t0", 0, "done", 2, 5.0), ("d", "t0", 0, "done", 9, 7.5),
         ("e", "t0", 0, "done", 9, 7.5)],
    )  # fmt: skip
    after = statuses_of(
        tubes,
        [("a", "t1", 28, "done", 7, 7.5), ("b", "t1", 28, "done", 3, 7.5),
         ("c", "t1", 28, "done", 3, 7.5), ("e", "t1", 28, "not_evaluable", None, None)],
    )  # fmt: skip
    rule = definitions.load("dynamics_rule", "ctc-dynamics-5")
    table = en.dynamics(before, after, rule).table()
    assert table["dynamics_class"].to_list() == ["increase", "decrease", None, None, None]
    assert table["change_direction"].to_list() == ["up", "down", None, None, None]
    assert table["reason"].to_list()[2:] == [
        "first draw not assessable: too little volume: 5 ml for 7.5 ml",
        "no later draw",
        "later draw not assessable: not evaluable",
    ]
    assert set(table["to_timepoint"]) == {"t1"}
    schemas = pytest.importorskip("ashworth.records.schemas.outcomes")
    schemas.Dynamics.validate(table)


def test_all_problems_at_once(tubes):
    one = statuses_of(tubes, [("a", "t0", 0, "done", 1, 7.5)])
    rule = definitions.load("dynamics_rule", "ctc-dynamics-5")
    later = one.with_columns(pl.lit("t1").alias("timepoint"))
    with pytest.raises(InputError, match="after day 0"):
        en.dynamics(one, later, rule)
    with pytest.raises(InputError) as caught:
        en.dynamics(pl.concat([one, one]), later.drop("reason"), rule)
    assert {p.column for p in caught.value.problems} == {"patient_id", "reason"}
    early = statuses_of(tubes, [("a", "t1", 5, "done", 1, 7.5)], rule="ctc-early-1")
    with pytest.raises(InputError, match=r"at least 5 per 7\.5"):
        en.dynamics(one, early, rule)


def test_every_worked_case_of_the_dynamics_rules(tubes):
    cut = {1: "ctc-early-1", 5: "ctc-metastatic-5"}
    for rule in definitions.load_all("dynamics_rule"):
        for case in rule.cases:
            given = case.given
            if given.volume_from_ml is None or given.volume_to_ml is None:
                continue
            before = statuses_of(
                tubes, [("p", "a", 0, "done", given.n_from, given.volume_from_ml)],
                cut[rule.at_least],
            )  # fmt: skip
            after = statuses_of(
                tubes, [("p", "b", 9, "done", given.n_to, given.volume_to_ml)], cut[rule.at_least]
            )
            found = en.dynamics(before, after, rule).table()["dynamics_class"][0]
            assert found == case.expect.dynamics_class, (rule.id, case.name)
