"""Calls to counts: zero is not 'no count', conventions come from the assay, keys add up."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth import definitions
from ashworth.enumeration import count_calls
from ashworth.errors import InputError
from ashworth.records import check_tables, validate
from ashworth.records.schemas.imaging import CALLS

CTC = definitions.load("assay", "cellsearch-ctc")
DTC = definitions.load("assay", "dtc-icc-a45b-b3")
RUN = {"patient_id": pl.String, "specimen_id": pl.String, "run_id": pl.String}
COLUMNS = ["specimen_id", "phenotype", "caller", "n_cells"]


def runs(*rows, assay=CTC, amount=7.5):
    """Rows: specimen, outcome."""
    return pl.DataFrame(
        [("p", s, "1", assay.id, o, amount) for s, o in rows],
        schema=RUN | {"assay": pl.String, "outcome": pl.String, assay.denominator: pl.Float64},
        orient="row",
    )


def calls(*rows):
    """Rows: specimen, cell, call, caller ('g@1' where left out)."""
    return pl.DataFrame(
        [("p", s, "1", c, (*who, "g@1")[0], call) for s, c, call, *who in rows],
        schema=RUN | {"cell_id": pl.String, "caller": pl.String, "call": pl.String},
        orient="row",
    )


def cells(**clusters):
    """Cells a, b, ... of specimen s1 with their cluster (None: single)."""
    return pl.DataFrame(
        [("p", "s1", "1", cell, cluster) for cell, cluster in clusters.items()],
        schema=RUN | {"cell_id": pl.String, "cluster_id": pl.String},
        orient="row",
    )


def rows(counted, *columns):
    return counted.table().select(columns or ("specimen_id", "phenotype", "n_cells")).rows()


def found(calls, runs, **options):
    with pytest.raises(InputError) as caught:
        count_calls(calls, runs, **({"assay": CTC} | options))
    return [(p.table, p.row, p.column, p.found) for p in caught.value.problems]


def test_evaluated_without_a_call_is_zero_and_not_evaluable_is_no_count():
    table = runs(("s1", "done"), ("s2", "done"), ("s3", "not_evaluable"), ("s4", "failed"))
    counted = count_calls(calls(("s1", "a", "ctc"), ("s3", "a", "ctc")), table, assay=CTC)
    assert rows(counted) == [("s1", "ctc", 1), ("s2", "ctc", 0)]
    assert counted.uncounted["specimen_id", "reason"].rows() == [
        ("s3", "not_evaluable"),
        ("s4", "failed"),
    ]
    assert "1 calls of runs that are not done were left out" in counted.notes
    assert counted.n == 2


def test_a_run_in_which_no_cell_could_be_judged_has_no_count():
    table = runs(("s1", "done"), ("s2", "done"))
    made = calls(
        ("s1", "a", "not_evaluable"), ("s1", "b", "not_evaluable"),
        ("s2", "a", "not_evaluable"), ("s2", "b", "leukocyte"),
    )  # fmt: skip
    counted = count_calls(made, table, assay=CTC)
    assert rows(counted) == [("s2", "ctc", 0)]
    assert counted.uncounted["specimen_id", "caller", "reason"].rows() == [
        ("s1", "g@1", "no cell was evaluable")
    ]
    assert counted.classes["specimen_id", "call", "n_calls"].rows() == [
        ("s1", "not_evaluable", 2), ("s2", "leukocyte", 1), ("s2", "not_evaluable", 1)
    ]  # fmt: skip


def test_counts_fit_the_schema_and_the_rules():
    table = runs(("s1", "done"), ("s2", "done"))
    counts = count_calls(calls(("s1", "a", "ctc")), table, assay=CTC).table()
    assert validate(counts, "counts") == []
    assert check_tables({"counts": counts, "assay_runs": table}) == []
    assert counts["volume_ml"].to_list() == [7.5, 7.5]


def test_marrow_is_counted_per_nucleated_cells():
    table = runs(("s1", "done"), assay=DTC, amount=2e6)
    counted = count_calls(calls(("s1", "a", "ctc")), table, assay=DTC)
    assert rows(counted, "phenotype", "n_cells", "nucleated_cells") == [
        ("dtc", 1, 2e6), ("dtc_apoptotic", 0, 2e6)
    ]  # fmt: skip
    assert counted.notes == (
        "clusters: the assay says study_defined; taken as each_cell",
        "apoptotic: the assay says study_defined; taken as separately",
    )


APOPTOTIC = [
    (None, [("s1", "ctc", 1)]),
    ("not_counted", [("s1", "ctc", 1)]),
    ("each_cell", [("s1", "ctc", 3)]),
    ("as_one", [("s1", "ctc", 3)]),
    ("separately", [("s1", "ctc", 1), ("s1", "ctc_apoptotic", 2)]),
]


@pytest.mark.parametrize(("how", "expected"), APOPTOTIC)
def test_apoptotic_cells_count_as_said(how, expected):
    made = calls(("s1", "a", "ctc"), ("s1", "b", "apoptotic_ctc"), ("s1", "c", "apoptotic_ctc"))
    counted = count_calls(made, runs(("s1", "done")), assay=CTC, apoptotic=how)
    assert rows(counted) == expected
    assert not any("apoptotic" in n for n in counted.notes)


CLUSTERS = [
    (None, [("s1", "ctc", 5)]),
    ("each_cell", [("s1", "ctc", 5)]),
    ("as_one", [("s1", "ctc", 3)]),
    ("not_counted", [("s1", "ctc", 2)]),
    ("separately", [("s1", "ctc", 2), ("s1", "ctc_cluster", 1)]),
]


@pytest.mark.parametrize(("how", "expected"), CLUSTERS)
def test_clusters_count_as_said(how, expected):
    """Three tumour cells in a cluster, one beside leukocytes only, one alone."""
    made = calls(
        *(("s1", c, "ctc") for c in "abcde"), ("s1", "x", "leukocyte"), ("s1", "y", "leukocyte")
    )
    place = cells(a="1", b="1", c="1", d="2", x="2", y="1", e=None)
    counted = count_calls(made, runs(("s1", "done")), assay=CTC, cells=place, clusters=how)
    assert rows(counted) == expected
    assert bool(counted.notes) == (how is None)


def test_clusters_of_two_runs_or_callers_do_not_join():
    made = calls(*(("s1", c, "ctc", who) for c in "ab" for who in ("g@1", "reader")))
    counted = count_calls(
        made, runs(("s1", "done")), assay=CTC, cells=cells(a="1", b="1"), clusters="as_one",
        callers=["g@1", "reader"],
    )  # fmt: skip
    assert rows(counted, "caller", "n_cells") == [("g@1", 1), ("reader", 1)]


def test_clusters_without_cells_are_refused():
    made, table = calls(("s1", "a", "ctc")), runs(("s1", "done"))
    assert found(made, table, clusters="as_one") == [
        ("cells", None, "cluster_id", "no such column")
    ]
    with pytest.raises(ValueError, match="clusters is 'study_defined'"):
        count_calls(made, table, assay=CTC, clusters="study_defined")


def test_a_reader_who_looked_at_one_run_has_no_zero_in_the_other():
    table = runs(("s1", "done"), ("s2", "done"))
    made = calls(("s1", "a", "ctc"), ("s1", "a", "leukocyte", "reader"))
    assert "2 callers (g@1, reader)" in found(made, table)[0][3]
    assert "0 callers (none)" in found(calls(), table)[0][3]
    looked = table.select(list(RUN)).join(pl.DataFrame({"caller": ["g@1"]}), how="cross")
    looked = pl.concat([looked, looked[:1].with_columns(caller=pl.lit("reader"))])
    counted = count_calls(made, table, assay=CTC, callers=looked)
    assert rows(counted, *COLUMNS) == [
        ("s1", "ctc", "g@1", 1), ("s1", "ctc", "reader", 0), ("s2", "ctc", "g@1", 0)
    ]  # fmt: skip
    assert found(made, table, callers=["g@1"]) == [
        ("calls", None, "caller", "calls of p / s1 / 1 / reader")
    ]
    assert rows(count_calls(calls(), table, assay=CTC, callers=["g@1"])) == [
        ("s1", "ctc", 0), ("s2", "ctc", 0)
    ]  # fmt: skip


def test_runs_of_another_assay_are_left_out():
    other = runs(("s2", "done"), assay=DTC, amount=2e6).with_columns(volume_ml=None)
    table = pl.concat([runs(("s1", "done")), other], how="diagonal_relaxed")
    made = calls(("s1", "a", "ctc"), ("s2", "a", "ctc"))
    assert rows(count_calls(made, table, assay=CTC)) == [("s1", "ctc", 1)]


def test_an_unknown_amount_may_be_allowed_and_a_wrong_one_not():
    table = runs(("s1", "done"), ("s2", "done"), amount=None)
    made = calls(("s1", "a", "ctc"))
    for bare in (table, table.drop("volume_ml")):
        assert len(found(made, bare)) in (1, 2)
        counted = count_calls(made, bare, assay=CTC, without_amount=True)
        assert rows(counted, "n_cells", "volume_ml") == [(1, None), (0, None)]
        told = validate(counted.table(), "counts")
        assert [(p.row, p.column) for p in told] == [(2, "volume_ml"), (3, "volume_ml")]
    wrong = runs(("s1", "done"), amount=-7.5)
    assert found(made, wrong, without_amount=True) == [("assay_runs", 2, "volume_ml", "-7.5")]


def test_phenotypes_can_be_named():
    made = calls(("s1", "a", "ctc"), ("s1", "b", "ck_without_nucleus"), ("s1", "c", "doublet"),
                 ("s1", "d", "apoptotic_ctc"))  # fmt: skip
    wanted = {"ck_positive": ("ctc", "ck_without_nucleus"), "dying": ("apoptotic_ctc",)}
    counted = count_calls(made, runs(("s1", "done")), assay=CTC, phenotypes=wanted)
    assert rows(counted) == [("s1", "ck_positive", 2), ("s1", "dying", 1)]


def test_all_faults_come_at_once():
    table = runs(("s1", "done"), ("s2", "done"), ("s3", "failed")).with_columns(
        volume_ml=pl.Series([None, -1.0, None], dtype=pl.Float64)
    )
    made = calls(("s1", "a", "ctc"), ("s9", "a", "ctc"))
    assert found(made, table) == [
        ("calls", 3, "run_id", "run '1' of specimen 's9'"),
        ("assay_runs", 2, "volume_ml", "None"),
        ("assay_runs", 3, "volume_ml", "-1.0"),
    ]
    assert found(made[:1], table.drop("volume_ml"))[0][3] == "no such column"
    assert [f[2] for f in found(calls(("s1", "a", "tumour")), table)] == ["call"]
    twice = calls(("s1", "a", "ctc"), ("s1", "a", "leukocyte"))
    assert len(found(twice, runs(("s1", "done")))) == 2
    stray = cells(b=None)
    assert found(calls(("s1", "a", "ctc")), runs(("s1", "done")), cells=stray) == [
        ("calls", 2, "cell_id", "cell 'a' of run '1'")
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("uvw"), st.sampled_from(CALLS)), max_size=25),
       st.randoms(use_true_random=False))  # fmt: skip
def test_counts_are_plain_counts_whatever_the_order(drawn, order):
    rows_ = [(s, f"c{i}", call) for i, (s, call) in enumerate(drawn)]
    table = runs(*((s, "done") for s in "uvw"))
    plain = {}
    for s in "uvw":
        mine = [call for t, _, call in rows_ if t == s]
        if not mine or set(mine) != {"not_evaluable"}:
            plain[s] = mine.count("ctc") + mine.count("apoptotic_ctc")
    first = count_calls(calls(*rows_), table, assay=CTC, callers=["g@1"], apoptotic="each_cell")
    order.shuffle(rows_)
    second = count_calls(
        calls(*rows_), table.reverse(), assay=CTC, callers=["g@1"], apoptotic="each_cell"
    )
    assert dict(first.table()["specimen_id", "n_cells"].rows()) == plain
    assert second.table().equals(first.table())
