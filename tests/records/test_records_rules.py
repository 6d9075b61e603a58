"""Rules between the tables of a study: each fault is named where it stands, and only it."""

from __future__ import annotations

import polars as pl
import pytest

from ashworth.errors import InputError
from ashworth.records import Expectations, blank, check_tables, default_runs, read_tables
from ashworth.records.rules import RULES

COUNTS = "patient_id,specimen_id,run_id,phenotype,caller,n_cells,volume_ml,nucleated_cells\n"
SPECIMENS = (
    "patient_id,specimen_id,matrix,timepoint,collected_day,received_day,analysed_day,volume_ml\n"
)
RUNS = "patient_id,specimen_id,run_id,assay,outcome\n"
TWO_COUNTS = COUNTS + "P1,S1,1,ctc,lab,0,7.5,\nP2,S2,1,ctc,lab,6,7.5,\n"
TWO_RUNS = RUNS + "P1,S1,1,cellsearch-ctc,done\nP2,S2,1,cellsearch-ctc,done\n"


def test_the_whole_study_has_no_problem(study_problems):
    assert study_problems() == []


CASES = [
    (
        "outcomes", "patient_id,day,kind\nP1,1,surgery\nP9,1,surgery\n",
        3, "patient_id", "'P9'",
    ),
    (
        "counts", TWO_COUNTS + "P9,S1,1,ctc,lab,1,7.5,\n",
        4, "patient_id", "'P9'",
    ),
    (
        "counts", TWO_COUNTS + "P2,S1,1,ctc,lab,1,7.5,\n",
        4, "specimen_id", "'S1' of patient 'P2', but in specimens it is of patient 'P1'",
    ),
    (
        "counts", TWO_COUNTS + "P2,S2,7,ctc,lab,1,2,\n",
        4, "run_id", "run '7' of specimen 'S2'",
    ),
    (
        "assay_runs", RUNS + "P1,S1,1,cellsearch-ctc,failed\nP2,S2,1,cellsearch-ctc,done\n",
        2, "n_cells", "a count of 0 from a run with outcome 'failed'",
    ),
    (
        "assay_runs",
        TWO_RUNS + "P2,S2,2,cellsearch-ctc,done\n",
        4, "outcome", "'done' for run '2' of specimen 'S2', which has no count",
    ),
    (
        "assay_runs", RUNS + "P1,S1,1,cellsearch-cct,done\nP2,S2,1,cellsearch-ctc,done\n",
        2, "assay", "'cellsearch-cct'",
    ),
    (
        "counts", COUNTS + "P1,S1,1,ctc,lab,0,,\nP2,S2,1,ctc,lab,6,7.5,\n",
        2, "volume_ml", "no value",
    ),
    (
        "counts", COUNTS + "P1,S1,1,ctc,lab,0,7.5,\nP2,S2,1,ctc,lab,6,12,\n",
        3, "volume_ml", "12 ml analysed",
    ),
    (
        "specimens", SPECIMENS + "P1,S1,blood,b,3,2,4,10\nP2,S2,blood,b,1,1,1,10\n",
        2, "received_day", "day 2, before collected_day 3",
    ),
    (
        "specimens", SPECIMENS + "P1,S1,blood,b,3,5,4,10\nP2,S2,blood,b,1,,,10\n",
        2, "analysed_day", "day 4, before received_day 5",
    ),
    (
        "specimens", SPECIMENS + "P1,S1,blood,b,3,,2,10\nP2,S2,blood,b,1,,,10\n",
        2, "analysed_day", "day 2, before collected_day 3",
    ),
    (
        "events", "patient_id,endpoint,entry_day,exit_day,event_code\nP1,os,9,3,1\n",
        2, "exit_day", "day 3, before entry_day 9",
    ),
    (
        "events", "patient_id,endpoint,entry_day,exit_day,event_code\nP1,os,0,3,2\n",
        2, "event_code", "2",
    ),
    (
        "events", "patient_id,endpoint,entry_day,exit_day,event_code\nP1,so,0,3,1\n",
        2, "endpoint", "'so'",
    ),
    (
        "treatments", "patient_id,line,regimen,start_day,stop_day\nP1,1,x,9,3\n",
        2, "stop_day", "day 3, before start_day 9",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("table", "text", "row", "column", "found"), CASES)
def test_a_fault_between_tables_is_named_once(study_problems, the, table, text, row, column, found):
    got = study_problems(**{table: text})
    where = "counts" if column == "n_cells" else table
    problem = the(got, where, row, column)
    assert problem.found == found
    assert problem.allowed
    assert problem.remedy
    others = {(p.row, p.column) for p in got} - {(row, column)}
    assert others <= {(4, "specimen_id"), (4, "run_id")}, "\n".join(map(str, got))


def test_an_assay_of_blood_is_not_run_on_marrow(study_problems, the):
    runs = RUNS + "P1,S1,1,dtc-icc-a45b-b3,done\nP2,S2,1,cellsearch-ctc,done\n"
    got = study_problems(assay_runs=runs)
    assert the(got, "assay_runs", 2, "assay").found == "'dtc-icc-a45b-b3' on blood"
    assert "'dtc-icc-a45b-b3' demands" in the(got, "counts", 2, "nucleated_cells").allowed


def test_two_runs_do_not_use_more_than_was_drawn(study_problems, the):
    runs = RUNS + "".join(f"P1,S1,{i},cellsearch-ctc,done\n" for i in (1, 2))
    counts = COUNTS + "".join(f"P1,S1,{i},ctc,lab,0,7.5,\n" for i in (1, 2))
    got = study_problems(assay_runs=runs, counts=counts)
    assert the(got, "counts", 3, "volume_ml").found == "7.5 ml analysed (15 ml over 2 runs)"
    two_phenotypes = COUNTS + "P1,S1,1,ctc,lab,0,7.5,\nP1,S1,1,ctc_her2,lab,0,7.5,\n"
    assert (
        study_problems(assay_runs=RUNS + "P1,S1,1,cellsearch-ctc,done\n", counts=two_phenotypes)
        == []
    )


def test_death_ends_everything(study_problems, the):
    outcomes = (
        "patient_id,day,kind\nP1,50,death_breast_cancer\nP1,60,last_contact\nP1,60,progression\n"
        "P1,50,last_disease_assessment\nP2,0,death_other_cause\nP2,7,death_unknown_cause\n"
    )
    got = study_problems(outcomes=outcomes)
    places = {(p.table, p.row, p.column) for p in got}
    assert places == {
        ("outcomes", 3, "day"),
        ("outcomes", 4, "day"),
        ("outcomes", 6, "kind"),
        ("outcomes", 7, "kind"),
        ("specimens", 3, "collected_day"),
        ("treatments", 2, "stop_day"),
        ("assessments", 2, "day"),
        ("events", 2, "exit_day"),
        ("events", 3, "exit_day"),
    }
    assert the(got, "outcomes", 3, "day").found == (
        "'last_contact' on day 60, after the death on day 50"
    )


def test_a_status_is_one_per_time_point_and_of_the_living(study_problems, the):
    statuses = "patient_id,timepoint,rule,rule_version,specimen_day,status\n"
    row = "P1,baseline,ctc-early-1,1,99,positive\n"
    outcomes = "patient_id,day,kind\nP1,95,death_breast_cancer\n"
    got = study_problems(statuses=statuses + row + row, outcomes=outcomes, events=None)
    key = "patient_id, timepoint, rule"
    assert the(got, "statuses", 2, key).found.endswith("in rows 2, 3")
    assert "after the death" in the(got, "statuses", 3, "specimen_day").found


def test_without_definitions_a_count_still_needs_a_denominator(study_problems, the):
    counts = COUNTS + "P1,S1,1,ctc,lab,0,,\nP2,S2,1,ctc,lab,6,,1000000\n"
    got = study_problems(counts=counts, expectations=Expectations())
    assert "a count without a denominator" in the(got, "counts", 2, "volume_ml").remedy
    assert len(got) == 1


def test_all_problems_of_all_tables_come_at_once_in_order(study_problems):
    got = study_problems(
        patients="patient_id,grade\nP1,9\nP2,1\n",
        counts=COUNTS + "P1,S1,1,ctc,lab,-1,7.5,\nP2,S2,1,ctc,lab,2.5,,\n",
        outcomes="patient_id,day,kind\nP7,x,surgery\n",
    )
    assert [(p.table, p.row, p.column) for p in got] == [
        ("patients", 2, "grade"),
        ("counts", 2, "n_cells"),
        ("counts", 3, "n_cells"),
        ("counts", 3, "volume_ml"),
        ("outcomes", 2, "day"),
        ("outcomes", 2, "patient_id"),
    ]


@pytest.mark.parametrize(
    "text", ["", "patient_id,centre\nP1\nP2,A\n", "patient_id,centre\n,A\nP1,A\n"]
)
def test_good_rows_are_not_blamed_for_an_unreadable_patient(study_problems, text):
    assert {p.table for p in study_problems(patients=text)} == {"patients"}


def test_a_bad_index_date_is_reported_where_it_stands(study_problems):
    got = study_problems(
        patients="patient_id,index_date\nP1,2001-02-31\nP2,2001-02-01\n",
        outcomes="patient_id,date,kind\nP1,2003-01-01,surgery\nP2,2003-01-01,surgery\n",
    )
    assert [(p.table, p.row, p.column) for p in got] == [("patients", 2, "index_date")]


def test_rename_shows_in_rules_too():
    patients = pl.DataFrame({"patient_id": ["P1"]})
    outcomes = pl.DataFrame({"pat": ["P2"], "day": [1], "kind": ["surgery"]})
    with pytest.raises(InputError) as caught:
        read_tables(
            {"patients": patients, "outcomes": outcomes}, rename={"outcomes": {"pat": "patient_id"}}
        )
    assert [p.column for p in caught.value.problems] == ["pat"]


def test_patients_are_needed_and_tables_have_names(the):
    with pytest.raises(InputError) as caught:
        read_tables({"patience": "x.csv"})
    got = list(caught.value.problems)
    assert the(got, "patience", None, None).found == "table 'patience'"
    assert the(got, "patients", None, None).found == "no table of patients"


MINIMAL = {
    "patients": pl.DataFrame({"patient_id": ["P1"]}),
    "specimens": pl.DataFrame(
        {"patient_id": ["P1", "P1"], "specimen_id": ["S1", "S2"], "matrix": ["blood"] * 2,
         "timepoint": ["baseline", "cycle_1"], "collected_day": [0, 21]}
    ),
    "counts": pl.DataFrame(
        {"patient_id": ["P1"], "specimen_id": ["S1"], "n_cells": [3], "volume_ml": [7.5]}
    ),
}  # fmt: skip


def test_minimal_counts_and_derived_runs():
    tables = read_tables(
        MINIMAL,
        defaults={"counts": {"phenotype": "ctc", "caller": "laboratory"}},
        expectations=Expectations(denominators={"a": "volume_ml"}, assay="a"),
    )
    assert tables["counts"]["run_id"].to_list() == ["1"]
    assert tables["assay_runs"].rows() == [
        ("P1", "S1", "1", "a", "done", None),
        ("P1", "S2", "1", "a", "not_done", None),
    ]
    assert any("not given" in notice for notice in tables.notices)
    assert set(tables) == {"patients", "specimens", "counts", "assay_runs"}


def test_minimal_counts_need_the_denominator_of_the_assay(the):
    with pytest.raises(InputError) as caught:
        read_tables(
            MINIMAL,
            defaults={"counts": {"phenotype": "ctc", "caller": "laboratory"}},
            expectations=Expectations(denominators={"a": "nucleated_cells"}, assay="a"),
        )
    problem = the(list(caught.value.problems), "counts", None, "nucleated_cells")
    assert problem.found == "no value in any row"


def test_default_runs_of_nothing():
    runs = default_runs(blank("specimens"), blank("counts"), "a")
    assert runs.schema == blank("assay_runs").schema
    assert not runs.height


def test_every_rule_bears_an_empty_study():
    tables = {
        name: blank(name) for name in ("patients", "specimens", "counts", "outcomes", "events")
    }
    expectations = Expectations({"a": "volume_ml"}, {"a": "blood"}, "a", {"os": frozenset({0, 1})})
    assert check_tables(tables, expectations) == []
    assert [p for rule in RULES for p in rule({}, expectations)] == []


@pytest.mark.parametrize("volume", ["inf", "７.5"])
def test_an_unreadable_volume_is_blamed_once(study_problems, the, volume):
    header = "patient_id,specimen_id,run_id,phenotype,caller,n_cells,volume_ml\n"
    one, two = "P1,S1,1,ctc,laboratory,0,", "P2,S2,1,ctc,laboratory,6,"
    got = study_problems(counts=f"{header}{one}{volume}\n{two}{volume}\n")
    assert [(p.row, p.column) for p in got] == [(2, "volume_ml"), (3, "volume_ml")]
    assert all(volume in p.found for p in got)
    got = study_problems(counts=f"{header}{one}{volume}\n{two}\n")
    assert volume in the(got, "counts", 2, "volume_ml").found
    assert the(got, "counts", 3, "volume_ml").found == "no value"
    assert len(got) == 2


def test_renames_of_an_unknown_table():
    patients = pl.DataFrame({"patient_id": ["P1"]})
    with pytest.raises(InputError, match="did you mean 'patients'"):
        read_tables({"patients": patients}, rename={"patient": {"Nr": "patient_id"}})
