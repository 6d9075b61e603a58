"""HER2 per patient: rules, false-strong cells, robust verdicts."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashworth.classification import (
    her2_verdict,
    her2_verdict_of_counts,
    her2_verdict_of_values,
    score_her2,
    simulated_cells,
)
from ashworth.classification.her2_chance import (
    chance_if_negative,
    exact_limits,
    false_cells_removed,
    h_score,
)
from ashworth.definitions import load, load_all
from ashworth.definitions.her2_models import Her2Criterion
from ashworth.errors import InputError

ANY = "ctc-her2-any-strong"
CALIBRATION = load("her2_calibration", "her2-simulated")


def test_every_rule_that_the_studies_use_ships():
    rules = {r.id: (r.reads, r.criterion.text, r.minimum_evaluable) for r in load_all("her2_rule")}
    assert rules == {
        "ctc-her2-any-strong": ("score", "positive cells >= 1", 1),
        "ctc-her2-any-strong-of-5": ("score", "positive cells >= 1", 5),
        "ctc-her2-any-strong-or-ck-negative": ("score", "positive cells >= 1", 1),
        "ctc-her2-half": ("score", "share of positive cells >= 50 %", 2),
        "ctc-her2-over-30-percent": ("score", "share of positive cells > 30 %", 1),
        "ctc-her2-h-score-200": ("score", "H-score >= 200", 1),
        "ctc-her2-fish-2-0": ("fish_ratio", "positive cells >= 1", 1),
        "ctc-her2-fish-2-2": ("fish_ratio", "positive cells >= 1", 1),
        "ctc-her2-cellsearch-intensity-2-5": ("cellsearch_intensity", "positive cells >= 1", 1),
    }


@pytest.mark.parametrize(("n", "most"), [(8, 0.01), (100, 0.05), (500, 0.22125)])
def test_arithmetic_of_false_strong_cells(n, most):
    """At 0.05 % per cell: 1 - (1 - 0.0005) ** n, 0.4, 4.9 and 22 %."""
    verdict = her2_verdict_of_counts({0: n}, ANY, CALIBRATION)
    assert verdict.chance_if_negative == pytest.approx(1 - (1 - 0.0005) ** n)
    assert verdict.chance_if_negative <= most
    assert verdict.expected_false_strong == pytest.approx(n * 0.0005)
    assert verdict.status == "negative"


@pytest.mark.parametrize(("n", "most"), [(8, 0.01), (100, 0.05), (500, 0.22)])
def test_negative_patients_by_simulation(n, most):
    """400 simulated HER2-negative patients, half of the cells 1+, cytokeratin up to 3000."""
    rng = np.random.default_rng(n)
    positive = 0
    for _ in range(400):
        mixed = (n - n // 2, n // 2, 0, 0)
        cells = simulated_cells(rng, cells_per_class=mixed, leukocytes=100)
        positive += her2_verdict(score_her2(cells), ANY).status == "positive"
    # Exact: at the limit itself more would be seen with a probability below 1 %.
    assert positive <= np.ceil(400 * most + 2.4 * np.sqrt(400 * most * (1 - most)))


def test_robust_status_of_negative_patients_is_rarely_positive():
    """Under the stated rate, robust 'at least one strong' is positive in at most 5 %."""
    for n in (1, 8, 100, 103, 500, 5000, 35_078):
        removed = false_cells_removed(n, 0.0005)
        weights = [comb(n, k) * 0.0005**k * 0.9995 ** (n - k) for k in range(min(removed, n) + 1)]
        assert sum(weights) >= 0.95
        assert removed == 0 or sum(weights[:-1]) < 0.95


def test_limits_against_tabulated_values():
    """Clopper and Pearson for 174 of 1159 (DETECT screening), and the rule of three."""
    lower, upper = exact_limits(174, 1159)
    assert (round(lower, 4), round(upper, 4)) == (0.1300, 0.1720)
    assert exact_limits(0, 8)[1] == pytest.approx(1 - 0.025 ** (1 / 8))
    assert exact_limits(8, 8)[0] == pytest.approx(0.025 ** (1 / 8))


@pytest.mark.parametrize(
    ("counts", "score"),
    [((1, 0, 0, 0), 0), ((0, 1, 0, 0), 100), ((0, 0, 0, 9), 300), ((10, 20, 30, 40), 200),
     ((50, 10, 20, 20), 110)],
)  # fmt: skip
def test_h_score_by_its_definition(counts, score):
    assert h_score(np.array(counts)) == pytest.approx(score)


def brute_force(criterion: Her2Criterion, n: int, false_2: float, false_3: float, lowest: int):
    """Add up every way in which n cells, 1+ where not falsely higher, can be called."""
    chance = 0.0
    share = {1: 1 - false_2, 2: false_2 - false_3, 3: false_3}
    for calls in product(share, repeat=n):
        value = {
            "cells": sum(c >= lowest for c in calls),
            "share": sum(c >= lowest for c in calls) / n,
            "h_score": 100 * sum(calls) / n,
        }[criterion.kind]
        hit = (
            value >= criterion.at_least - 1e-12
            if criterion.at_least is not None
            else value > criterion.more_than + 1e-12
        )
        chance += float(np.prod([share[c] for c in calls])) * hit
    return chance


@pytest.mark.parametrize("n", [1, 2, 5, 8])
@pytest.mark.parametrize(
    ("criterion", "lowest"),
    [
        (Her2Criterion(kind="cells", at_least=1), 3),
        (Her2Criterion(kind="cells", at_least=2), 2),
        (Her2Criterion(kind="share", at_least=0.5), 2),
        (Her2Criterion(kind="share", more_than=0.3), 3),
        (Her2Criterion(kind="h_score", at_least=200), 1),
        (Her2Criterion(kind="h_score", more_than=150), 1),
    ],
    ids=str,
)
def test_chance_of_a_negative_patient_equals_enumeration(n, criterion, lowest):
    found = chance_if_negative(criterion, n, 0.2, 0.05, lowest)
    assert found == pytest.approx(brute_force(criterion, n, 0.2, 0.05, lowest), rel=1e-9)


def test_chance_is_unknown_where_no_rate_is_stated():
    criterion = Her2Criterion(kind="share", at_least=0.5)
    assert chance_if_negative(criterion, 10, 0.01, 0.001, 1) is None
    assert chance_if_negative(criterion, 10, None, 0.001, 2) is None
    assert her2_verdict_of_counts({0: 4}, ANY).chance_if_negative is None


def test_a_missing_channel_is_never_negative():
    cells = simulated_cells(np.random.default_rng(0), cells_per_class=(20, 0, 0, 0))
    for rule in load_all("her2_rule"):
        if rule.reads == "score":
            verdict = her2_verdict(score_her2(cells.drop("her2_mean")), rule)
            assert verdict.status == verdict.robust_status == "not_assessable"
            assert (verdict.n_events, verdict.n_evaluable) == (20, 0)
            assert "no HER2 channel" in (verdict.reason or "")
            assert verdict.share is None
            assert verdict.h_score is None


def test_control_cells_and_other_calls_do_not_count():
    rng = np.random.default_rng(1)
    patient = simulated_cells(rng, cells_per_class=(6, 0, 0, 0))
    strong = simulated_cells(rng, cells_per_class=(0, 0, 0, 30), leukocytes=0).with_columns(
        ("x-" + pl.col("cell_id")).alias("cell_id")
    )
    spiked = strong.with_columns(control=pl.lit("control_her2_strong"))
    assert her2_verdict(score_her2(pl.concat([patient, spiked])), ANY).status == "negative"
    dying = strong.with_columns(call=pl.lit("apoptotic_ctc"))
    assert her2_verdict(score_her2(pl.concat([patient, dying])), ANY).status == "negative"
    nuclei = score_her2(
        pl.concat([patient, strong.with_columns(call=pl.lit("unclassified_nucleus"))])
    )
    assert her2_verdict(nuclei, ANY).status == "negative"
    assert her2_verdict(nuclei, "ctc-her2-any-strong-or-ck-negative").status == "positive"


def test_tubes_add_up():
    rng = np.random.default_rng(2)
    tubes = [
        score_her2(simulated_cells(rng, cells_per_class=c)) for c in ((5, 0, 0, 0), (0, 0, 0, 2))
    ]
    verdict = her2_verdict(tubes, ANY)
    assert (verdict.n_evaluable, verdict.n_strong, verdict.status) == (7, 2, "positive")
    other = CALIBRATION.model_copy(update={"version": 2})
    mixed = [tubes[0], score_her2(simulated_cells(rng), other)]
    with pytest.raises(InputError, match="her2-simulated@1, her2-simulated@2"):
        her2_verdict(mixed, ANY)
    with pytest.raises(InputError, match="no cartridge"):
        her2_verdict([], ANY)


def test_text_says_everything_that_qualifies_a_verdict():
    text = her2_verdict_of_counts({0: 499, 3: 1}, ANY, CALIBRATION).text()
    for part in (
        "ctc-her2-any-strong@1", "her2-simulated@1", "evaluable CTCs: 500 of 500",
        "HER2 by immunofluorescence 3+: 1 cells", "exact 95 % limits",
        "expected false-strong cells if all were HER2 negative: 0.25",
        "called positive: 22.1 %", "with 1 false positive cell removed: negative",
        "Not a medical device",
    ):  # fmt: skip
        assert part in text
    bare = [line for line in text.splitlines() if "3+" in line.replace("immunofluorescence 3+", "")]
    assert not bare


def test_expected_false_strong_by_the_cells_own_probabilities():
    wrong, expected = 0, 0.0
    for seed in range(30):
        cells = simulated_cells(np.random.default_rng(seed), cells_per_class=(0, 0, 300, 300))
        scores = score_her2(cells)
        expected += her2_verdict(scores, ANY).expected_false_strong_by_cells or 0.0
        strong = cells.join(scores.table(), on="cell_id").filter(pl.col("her2_score") == 3)
        wrong += int((strong["simulated_score"] == 2).sum())
    assert wrong > 30
    assert expected == pytest.approx(wrong, rel=0.25)


def test_table_has_one_row_and_the_same_columns_for_every_rule():
    tables = [her2_verdict_of_counts({0: 3, 2: 1, 3: 1}, r, CALIBRATION).table()
              for r in load_all("her2_rule") if r.reads == "score"]  # fmt: skip
    tables += [her2_verdict_of_values([1.0, 3.0], "ctc-her2-fish-2-2").table()]
    table = pl.concat(tables)
    assert table.height == len(tables)
    assert table["rule"].n_unique() == len(tables)


def test_values_by_hand():
    verdict = her2_verdict_of_values([1.0, None, 2.2], "ctc-her2-fish-2-2")
    assert (verdict.status, verdict.n_events, verdict.n_evaluable) == ("positive", 3, 2)
    assert verdict.robust_status is None
    assert verdict.calibration == "none"
    assert "no rate is known" in verdict.text()


@pytest.mark.parametrize("values", [[-1.0], [float("nan")], [float("inf")]])
def test_values_that_are_no_ratios(values):
    with pytest.raises(InputError):
        her2_verdict_of_values(values, "ctc-her2-fish-2-0")


def test_rules_are_not_taken_for_each_other():
    with pytest.raises(InputError):
        her2_verdict_of_values([1.0], ANY)
    with pytest.raises(InputError):
        her2_verdict_of_counts({0: 1}, "ctc-her2-fish-2-0")
    with pytest.raises(InputError):
        her2_verdict(score_her2(simulated_cells(np.random.default_rng(0))), "ctc-her2-fish-2-0")
    for bad in ({4: 1}, {0: -1}, {0: 1.5}):
        with pytest.raises(InputError):
            her2_verdict_of_counts(bad, ANY)


scored = st.lists(st.integers(0, 60), min_size=4, max_size=4)


@given(scored, st.sampled_from([r for r in load_all("her2_rule") if r.reads == "score"]))
def test_removing_cells_never_makes_a_patient_positive(counts, rule):
    verdict = her2_verdict_of_counts(dict(enumerate(counts)), rule, CALIBRATION)
    if verdict.status != "positive":
        assert verdict.robust_status == verdict.status
    better = her2_verdict_of_counts(
        {**dict(enumerate(counts)), 3: counts[3] + 1}, rule, CALIBRATION
    )
    if verdict.status == "positive":
        assert better.status == "positive"
