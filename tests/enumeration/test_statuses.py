from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ashworth import definitions
from ashworth import enumeration as en
from ashworth.definitions.models import PositivityRule
from ashworth.errors import InputError

CTC = "cellsearch-ctc"


def load(rule, assay=CTC):
    return definitions.load("positivity_rule", rule), definitions.load("assay", assay)


def call(tables, rule, assay=CTC, **options):
    found, by = load(rule, assay)
    return en.statuses(*tables, found, assay=by, **options).table()


def test_five_kinds_of_nothing_stay_apart(tubes):
    outcomes = ["done", "not_done", "failed", "insufficient_volume", "not_evaluable", None]
    tables = tubes.make(
        [
            (f"p{i}", "baseline", 0, outcome, 0 if outcome == "done" else None, 7.5)
            for i, outcome in enumerate(outcomes)
        ]
    )
    table = call(tables, "ctc-early-1")
    assert table["status"].to_list() == ["negative"] + ["not_assessable"] * 5
    assert table["reason"].to_list() == [
        "", "not done", "failed", "insufficient volume", "not evaluable", "no assay run",
    ]  # fmt: skip
    assert table["n_cells"].to_list() == [0, None, None, None, None, None]


def test_columns_are_those_of_the_schema(tubes):
    schemas = pytest.importorskip("ashworth.records.schemas.outcomes")
    table = call(tubes.make([("p", "baseline", 0, "done", 3, 7.5)]), "ctc-early-1")
    assert table.columns == list(schemas.Statuses.columns())
    schemas.Statuses.validate(table)


def test_tubes_add_up_and_more_volume_needs_a_model(tubes):
    tables = tubes.make(
        [
            ("p", "baseline", 3, "done", 2, 7.5),
            ("p", "baseline", 1, "done", 4, 7.5),
            ("q", "baseline", 0, "done", 2, 2.5),
            ("q", "baseline", 0, "done", 2, 2.5),
            ("q", "baseline", 0, "done", 1, 2.5),
            ("r", "baseline", 0, "failed", None, None),
            ("r", "baseline", 0, "done", 4, 7.5),
        ]
    )
    table = call(tables, "ctc-metastatic-5")
    assert table["status"].to_list() == ["not_assessable", "positive", "negative"]
    assert table["reason"][0] == "more than the rule's amount: 15 ml for 7.5 ml"
    assert table["specimen_day"].to_list() == [1, 0, 0]
    assert table["n_cells"].to_list() == [6, 5, 4]
    assert table["rate"].to_list() == [None, 5.0, 4.0]
    assert call(tables, "ctc-metastatic-5", tolerance=8.0)["status"][0] == "positive"


def test_models_for_more_volume(tubes, r_values):
    cells = [4, 8, 10, 11]
    tables = tubes.make([(f"p{n:02d}", "baseline", 0, "done", n, 15.0) for n in cells])
    rule, _ = load("ctc-metastatic-5")
    from ashworth.enumeration.cutoffs import reach_probability

    n = np.array(cells, float)
    chance = reach_probability(n, np.full(4, 15.0), 7.5, np.full(4, 5.0), "binomial_thinning")
    np.testing.assert_allclose(chance, r_values["thinning_5_of_15"], rtol=1e-12)
    table = call(tables, rule.id, model="binomial_thinning")
    assert table["status"].to_list() == ["negative", "negative", "positive", "positive"]
    assert table["reason"][2].startswith("binomial_thinning: 7.5 of 15 ml")
    table = call(tables, rule.id, model="homogeneous_poisson")
    assert table["status"].to_list() == ["negative", "negative", "positive", "positive"]


def test_too_little_volume(tubes):
    tables = tubes.make(
        [("p", "baseline", 0, "done", 5, 4.0), ("q", "baseline", 0, "done", 4, 4.0)]
    )
    table = call(tables, "ctc-metastatic-5")
    assert table["status"].to_list() == ["positive", "not_assessable"]
    assert table["reason"][1] == "too little volume: 4 ml for 7.5 ml"


def test_ordinal_levels(tubes):
    cells = [0, 1, 2, 3, 4, 5, 90]
    tables = tubes.make([(f"p{n:02d}", "baseline", 0, "done", n, 7.5) for n in cells])
    table = call(tables, "ctc-neoadjuvant-ordinal")
    assert table["level"].to_list() == ["0", "1", "2", "3-4", "3-4", ">=5", ">=5"]
    short = tubes.make([("p", "b", 0, "done", 2, 4.0), ("q", "b", 0, "done", 6, 4.0)])
    table = call(short, "ctc-neoadjuvant-ordinal")
    assert table["status"].to_list() == ["positive", "positive"]
    assert table["level"].to_list() == [None, ">=5"]


def test_count_without_denominator_lists_all(tubes):
    tables = tubes.make(
        [("p", "baseline", 0, "done", 1, None), ("q", "baseline", 0, "done", 0, None)]
    )
    with pytest.raises(InputError) as caught:
        call(tables, "ctc-early-1")
    assert len(caught.value.problems) == 2
    table = call(tables, "ctc-early-1", missing_denominator="not_assessable")
    assert table["reason"].unique().to_list() == ["no volume_ml given"]


def test_bad_counts_are_listed_together(tubes):
    specimens, runs, counts = tubes.make(
        [("p", "b", 0, "failed", 3, 7.5), ("q", "b", 0, "done", -1, 7.5),
         ("r", "b", 0, None, 3, -2.0)]
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        call((specimens, runs, counts), "ctc-early-1")
    assert {p.column for p in caught.value.problems} == {"n_cells", "run_id", "volume_ml"}
    assert sorted(p.row for p in caught.value.problems) == [2, 3, 4, 4]
    with pytest.raises(InputError, match="collected_day"):
        call((specimens.drop("collected_day"), runs, counts), "ctc-early-1")


def test_the_same_key_twice_is_refused(tubes):
    specimens, runs, counts = tubes.make([("p", "b", 0, "done", 3, 7.5)])
    with pytest.raises(InputError) as caught:
        call((specimens, pl.concat([runs, runs]), pl.concat([counts, counts])), "ctc-early-1")
    assert {p.table for p in caught.value.problems} == {"assay_runs", "counts"}


def test_assay_must_fit(tubes):
    tables = tubes.make([("p", "b", 0, "done", 3, 7.5)], assay="cellsearch-ctc-her2")
    table = call(tables, "ctc-metastatic-5")
    assert table["reason"].to_list() == ["no run of assay cellsearch-ctc (another assay was run)"]
    with pytest.raises(InputError):
        call(tables, "ctc-metastatic-5", assay="dtc-icc-a45b-b3")


def test_two_callers_need_a_choice(tubes):
    specimens, runs, counts = tubes.make([("p", "b", 0, "done", 3, 7.5)])
    other = counts.with_columns(pl.lit("model").alias("caller"), pl.lit(9).alias("n_cells"))
    both = pl.concat([counts, other.select(counts.columns).cast(counts.schema)])
    with pytest.raises(InputError, match="model, reader"):
        call((specimens, runs, both), "ctc-metastatic-5")
    assert call((specimens, runs, both), "ctc-metastatic-5", caller="model")["n_cells"][0] == 9


def test_requirements(tubes):
    tables = tubes.make(
        [("p", "b", 0, "done", 1, 2e6)],
        assay="dtc-icc-a45b-b3", matrix="bone_marrow", phenotype="dtc", kind="nucleated_cells",
    )  # fmt: skip
    table = call(tables, "dtc-icc-1", "dtc-icc-a45b-b3")
    assert table["reason"][0] == "required but missing: morphological category, isotype control"
    declared = ("morphological_category", "isotype_control")
    table = call(tables, "dtc-icc-1", "dtc-icc-a45b-b3", fulfilled=declared)
    assert table["status"][0] == "positive"
    assert table["rate"][0] == 0.5
    specimens, runs, counts = tables
    counts = counts.with_columns(
        pl.lit("tumour cell").alias("morphological_category"),
        pl.lit("yes").alias("isotype_control"),
    )
    assert (
        call((specimens, runs, counts), "dtc-icc-1", "dtc-icc-a45b-b3")["status"][0] == "positive"
    )


def test_prior_and_probabilities(tubes):
    rows = [(f"p{n}", "baseline", 0, "done", n, 7.5) for n in (0, 4, 5, 9)]
    tables = tubes.make([*rows, ("q", "baseline", 0, "done", 1, 5.0)])
    without = call(tables, "ctc-metastatic-5")
    assert set(without["prior"]) == {"none"}
    assert without["agreement_probability"].null_count() == without.height
    prior = en.NegativeBinomial(mean=0.9, size=0.4)
    beside = call(tables, "ctc-metastatic-5", population=prior)
    assert beside["status"].equals(without["status"])
    assert beside["prior"][0].startswith("negative_binomial(mean=0.9, size=0.4)")
    assert beside["agreement_probability"].is_between(0, 1).sum() == 4
    assert beside["prob_at_least_cutoff"][:4].is_sorted()
    assert beside["agreement_probability"][4] is None
    one = call(tables, "ctc-early-1", population=prior)
    assert one["prob_at_least_cutoff"].null_count() == one.height


def test_every_worked_case_of_the_positivity_rules(tubes):
    checked = 0
    for rule in definitions.load_all("positivity_rule"):
        assert isinstance(rule, PositivityRule)
        assay = definitions.load("assay", rule.assays[0])
        for case in rule.cases:
            given = case.given
            amount = getattr(given, rule.denominator.kind)
            specimens, runs, counts = tubes.make(
                [("p", "b", 0, given.outcome, given.n_cells, amount)],
                assay=assay.id, matrix=rule.matrix, phenotype=rule.phenotype,
                kind=rule.denominator.kind,
            )  # fmt: skip
            result = en.statuses(
                specimens, runs, counts, rule, assay=assay,
                fulfilled=given.fulfilled or (), missing_denominator="not_assessable",
            ).table()  # fmt: skip
            assert result["status"][0] == case.expect.status, (rule.id, case.name)
            if case.expect.level is not None:
                assert result["level"][0] == case.expect.level, (rule.id, case.name)
            checked += 1
    assert checked >= 30


def test_positivity_table(tubes):
    tables = tubes.make(
        [("a", "t0", 0, "done", 5, 7.5), ("b", "t0", 0, "done", 0, 7.5),
         ("a", "t1", 28, "done", 0, 7.5), ("b", "t1", 30, "failed", None, None)]
    )  # fmt: skip
    result = en.positivity(call(tables, "ctc-metastatic-5"), method="wilson")
    assert result.table()["timepoint", "n", "n_assessable", "n_positive"].rows() == [
        ("t0", 2, 2, 1),
        ("t1", 2, 1, 0),
    ]


@pytest.mark.parametrize(
    ("n", "category", "control", "status", "reason"),
    [
        (2, "tumour_cell", "negative", "positive", ""),
        (2, "probable_tumour_cell", "negative", "positive", ""),
        (2, "probable_tumour_cell", "positive", "not_assessable", "probable tumour cells"),
        (2, "tumour_cell", "positive", "positive", ""),
        (2, None, "negative", "not_assessable", "missing: morphological category"),
        (2, "tumour_cell", None, "not_assessable", "missing: isotype control"),
        (0, None, "negative", "negative", ""),
    ],
)
def test_bone_marrow_categories_and_isotype_control(n, category, control, status, reason):
    keys = {"patient_id": ["p"], "specimen_id": ["s"]}
    specimens = pl.DataFrame(
        keys | {"matrix": "bone_marrow", "timepoint": "surgery", "collected_day": 0}
    )
    runs = pl.DataFrame(
        keys | {"run_id": "1", "assay": "dtc-icc-a45b-b3", "outcome": "done",
                "isotype_control": control},
        schema_overrides={"isotype_control": pl.String},
    )  # fmt: skip
    counts = pl.DataFrame(
        keys | {"run_id": "1", "phenotype": "dtc", "caller": "reader", "n_cells": n,
                "nucleated_cells": 2e6, "morphological_category": category},
        schema_overrides={"morphological_category": pl.String},
    )  # fmt: skip
    rule = definitions.load("positivity_rule", "dtc-icc-1")
    assay = definitions.load("assay", "dtc-icc-a45b-b3")
    row = en.statuses(specimens, runs, counts, rule, assay=assay).table().row(0, named=True)
    assert row["status"] == status
    assert reason in row["reason"]
