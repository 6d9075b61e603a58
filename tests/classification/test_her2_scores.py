"""HER2 per cell: classes against the simulated truth, gain and offset, what is not evaluable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.classification import Her2Ladder, score_her2, simulated_cells
from ashworth.classification.her2_reference import bleed_coefficient, leukocyte_reference
from ashworth.classification.her2_scale import class_probabilities, scores_of, thresholds_between
from ashworth.definitions import load
from ashworth.errors import InputError

CALIBRATION = load("her2_calibration", "her2-simulated")
SIGNALS = ("her2_mean", "her2_ring_mean", "ck_mean")


def ladder(seed: int, n: int = 100, **options) -> pl.DataFrame:
    return simulated_cells(np.random.default_rng(seed), cells_per_class=(n,) * 4, **options)


def weighted_kappa(truth: np.ndarray, found: np.ndarray) -> float:
    """Cohen's kappa with quadratic weights, from its definition."""
    table = np.zeros((4, 4))
    np.add.at(table, (truth, found), 1.0)
    table /= table.sum()
    weight = np.subtract.outer(np.arange(4), np.arange(4)) ** 2
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    return 1.0 - float((weight * table).sum() / (weight * expected).sum())


def truth_and_score(cells: pl.DataFrame, scores: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    both = (
        cells.select("cell_id", "simulated_score")
        .join(scores, on="cell_id")
        .drop_nulls(["simulated_score", "her2_score"])
    )
    return both["simulated_score"].to_numpy(), both["her2_score"].to_numpy()


def test_weighted_kappa_of_a_hand_made_table():
    """Two categories, 45 + 25 agreeing of 100: (0.70 - 0.54) / (1 - 0.54), as in textbooks."""
    truth = np.repeat([0, 0, 1, 1], [45, 15, 15, 25])
    found = np.repeat([0, 1, 0, 1], [45, 15, 15, 25])
    assert weighted_kappa(truth, found) == pytest.approx((0.70 - 0.52) / (1 - 0.52))


@pytest.mark.parametrize("seed", range(5))
def test_ladder_agrees_with_the_truth(seed):
    cells = ladder(seed)
    truth, found = truth_and_score(cells, score_her2(cells).table())
    assert truth.size == 400
    assert weighted_kappa(truth, found) >= 0.95
    assert np.mean(truth == found) >= 0.95


@pytest.mark.parametrize(
    "change",
    [
        {"leukocyte_variation": 0.6},
        {"background_error": 5.0},
        {"counts_per_density": 6.0},
        {"log_spread": 0.4},
        {"bleed": 0.02},
    ],
    ids=str,
)
def test_ladder_of_other_cartridges_keeps_the_limit(change):
    """Cartridges that are not those of the calibration, and without control cells."""
    cells = ladder(11, ladder=replace(Her2Ladder(), **change))
    truth, found = truth_and_score(cells, score_her2(cells).table())
    assert weighted_kappa(truth, found) >= 0.85


def test_negative_cells_are_hardly_ever_called_strong():
    """The limit is 0.05 % per cell; 200 cartridges with 500 cells of 0 and 1+ each."""
    rng = np.random.default_rng(5)
    strong = n = 0
    for _ in range(200):
        cells = simulated_cells(rng, cells_per_class=(250, 250, 0, 0), leukocytes=200)
        found = score_her2(cells).table().filter(pl.col("call") == "ctc")["her2_score"]
        strong, n = strong + int((found == 3).sum()), n + found.len()
    assert n == 100_000
    # Exact: with a rate of 0.05 % or more, 33 or fewer of 100 000 have a probability below 1 %.
    assert strong <= 33


@settings(max_examples=40, deadline=None)
@given(
    gain=st.floats(0.5, 2.0),
    offset=st.floats(-50.0, 50.0),
    ck_offset=st.just(0.0),
    seed=st.integers(0, 5),
)
def test_gain_and_offset_change_no_class(gain, offset, ck_offset, seed):
    cells = ladder(seed, 40)
    changed = cells.with_columns(*(pl.col(c) * gain for c in SIGNALS)).with_columns(
        pl.col("her2_mean") + offset
    )
    before, after = score_her2(cells).table(), score_her2(changed).table()
    np.testing.assert_allclose(
        after["her2_relative"], before["her2_relative"], rtol=1e-9, atol=1e-9
    )
    cuts = np.asarray(CALIBRATION.thresholds)
    near = np.abs(before["her2_relative"].to_numpy()[:, None] - cuts).min(axis=1) < 1e-8
    assert (before["her2_score"] == after["her2_score"]).to_numpy()[~near].all()


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.25, 2.0])
def test_gain_of_her2_alone(gain):
    """Told as gain_ratio it changes nothing; untold, only what bleed-through moves."""
    cells = ladder(3, 250)
    changed = cells.with_columns(pl.col("her2_mean") * gain)
    before = score_her2(cells).table()
    told = score_her2(changed, gain_ratio=gain).table()
    np.testing.assert_allclose(told["her2_relative"], before["her2_relative"], atol=1e-9)
    tumour = (cells["call"] == "ctc").to_numpy()
    untold = score_her2(changed).table()["her2_score"].to_numpy()[tumour]
    assert np.mean(untold == before["her2_score"].to_numpy()[tumour]) >= 0.95


def test_bleed_through_is_removed():
    """HER2-negative cells with the brightest cytokeratin stay negative."""
    bright = Her2Ladder(ck_median=2800.0, ck_log_spread=0.1)
    rng = np.random.default_rng(8)
    cells = simulated_cells(rng, cells_per_class=(500, 0, 0, 0), ladder=bright)
    without = CALIBRATION.model_copy(update={"bleed_coefficient": 0.0})
    shares = [
        (score_her2(cells, c).table().filter(pl.col("call") == "ctc")["her2_score"] == 0).mean()
        for c in (CALIBRATION, without)
    ]
    assert shares[0] >= 0.95
    assert shares[1] <= 0.8


def test_bleed_coefficient_is_found_and_robust():
    rng = np.random.default_rng(4)
    ck = rng.uniform(100, 3000, 900)
    her2 = 15 + 0.013 * ck + rng.normal(0, 5, ck.size)
    her2[::10] += 1000.0
    assert bleed_coefficient(her2, ck) == pytest.approx(0.013, abs=0.002)
    assert bleed_coefficient(np.array([5.0, 4.0]), np.array([1.0, 2.0])) == 0.0
    assert bleed_coefficient(np.array([5.0, 4.0]), np.array([1.0, 1.0])) == 0.0


def test_control_cells_rescale():
    """Leukocytes less spread raise every relative signal; the control cells put it right."""
    patient = ladder(6, 60, leukocytes=0).with_columns(("p-" + pl.col("cell_id")).alias("cell_id"))
    spiked = ladder(7, 40, control_cells=True, leukocytes=0)
    odd = Her2Ladder(leukocyte_variation=0.1, background_error=1.0)
    white = simulated_cells(np.random.default_rng(9), cells_per_class=(0,) * 4, ladder=odd)
    white = white.with_columns(("w-" + pl.col("cell_id")).alias("cell_id"))
    without = pl.concat([white, patient])
    alone, helped = score_her2(without), score_her2(pl.concat([without, spiked]))
    assert helped.controls.used == ("simulated HER2 1+", "simulated HER2 2+", "simulated HER2 3+")
    assert 1 / 3 < helped.controls.factor < 0.6
    kappas = [weighted_kappa(*truth_and_score(without, s.table())) for s in (alone, helped)]
    assert kappas[1] >= 0.95 > kappas[0]


def test_names_of_controls_can_be_given():
    cells = pl.concat(
        [
            ladder(1, 5),
            ladder(2, 30, leukocytes=0, control_cells=True)
            .with_columns(("c-" + pl.col("cell_id")).alias("cell_id"), control=pl.lit("SK-BR-3"))
            .filter(pl.col("simulated_score") == 3),
        ]
    )
    assert score_her2(cells).controls.used == ()
    named = score_her2(cells, controls={"SK-BR-3": 3})
    assert named.controls.used == ("SK-BR-3",)
    assert named.controls.factor == pytest.approx(1.0, abs=0.2)


def test_control_cells_that_do_not_fit_stop_the_cartridge():
    cells = pl.concat(
        [
            ladder(1, 5),
            ladder(2, 30, leukocytes=0, control_cells=True).with_columns(
                ("c-" + pl.col("cell_id")).alias("cell_id"), pl.col("her2_mean") * 0.1
            ),
        ]
    )
    scores = score_her2(cells)
    assert not scores.controls.in_range
    assert set(scores.table()["her2_reason"]) == {"controls_out_of_range"}
    assert scores.n_evaluable == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c.drop("her2_mean"), "her2_channel_missing"),
        (lambda c: c.with_columns(her2_mean=pl.lit(None)), "her2_channel_missing"),
        (lambda c: c.filter(pl.col("call") == "ctc"), "no_leukocyte_reference"),
        (lambda c: c.with_columns(her2_mean=pl.lit(0.0), ck_mean=pl.lit(0.0)),
         "no_leukocyte_reference"),
        (lambda c: c.with_columns(her2_mean=pl.lit(4095.0), ck_mean=pl.lit(0.0)),
         "no_leukocyte_reference"),
    ],
)  # fmt: skip
def test_cartridges_that_are_not_evaluable(change, reason):
    scores = score_her2(change(ladder(0, 10)))
    table = scores.table()
    assert set(table["her2_reason"]) == {reason}
    assert table["her2_score"].null_count() == table.height
    assert table["her2_class"].null_count() == table.height
    assert scores.n_evaluable == 0
    assert "not a medical device" in scores.text().lower()


def test_cells_that_are_not_evaluable():
    cells = ladder(0, 10)
    ids = cells.filter(pl.col("call") == "ctc")["cell_id"]
    strong, negative, lost, no_ck, junk = ids[-1], ids[0], ids[1], ids[2], ids[3]
    cells = cells.with_columns(
        her2_saturated=pl.col("cell_id").is_in([strong, negative]),
        her2_mean=pl.when(pl.col("cell_id") == lost).then(None).otherwise("her2_mean"),
        ck_mean=pl.when(pl.col("cell_id") == no_ck).then(float("nan")).otherwise("ck_mean"),
        call=pl.when(pl.col("cell_id") == junk).then(pl.lit("artefact")).otherwise("call"),
    )
    rows = {r["cell_id"]: r for r in score_her2(cells).table().iter_rows(named=True)}
    found = {
        i: (rows[i]["her2_score"], rows[i]["her2_reason"]) for i in [*ids[:5].to_list(), strong]
    }
    assert found[strong] == (3, "saturated")
    assert found[negative] == (None, "saturated")
    assert found[lost] == (None, "not_measured")
    assert found[no_ck] == (None, "ck_not_measured")
    assert found[junk] == (None, "call")
    assert found[ids[4]] == (0, None)


def test_classes_never_read_as_tissue():
    names = set(score_her2(ladder(0)).table()["her2_class"])
    assert names == {f"HER2 by immunofluorescence {s}" for s in ("0", "1+", "2+", "3+")}


def test_reference_needs_leukocytes_and_spread():
    rng = np.random.default_rng(1)
    assert leukocyte_reference(rng.normal(10, 2, 49), minimum=50).reason == "too few leukocytes"
    flat = leukocyte_reference(np.full(100, 7.3), minimum=50)
    assert flat.reason == "leukocytes without HER2 signal"
    signal = rng.normal(10, 2, 4000)
    signal[:400] = 3000.0
    found = leukocyte_reference(signal, minimum=50)
    assert (found.location, found.unit) == (pytest.approx(10, abs=0.6), pytest.approx(2, abs=0.4))
    by_median = leukocyte_reference(signal, minimum=50, unit="leukocyte_median")
    assert by_median.unit == by_median.location == found.location


def test_thresholds_are_equally_many_spreads_away():
    medians = [c.median for c in CALIBRATION.classes]
    spreads = [c.spread for c in CALIBRATION.classes]
    cuts = np.arcsinh(thresholds_between(medians, spreads))
    for i, cut in enumerate(cuts):
        below = (cut - np.arcsinh(medians[i])) / spreads[i]
        above = (np.arcsinh(medians[i + 1]) - cut) / spreads[i + 1]
        assert below == pytest.approx(above)


@given(st.lists(st.floats(-1e4, 1e6), min_size=2, max_size=50))
def test_probabilities_add_up_and_strong_rises_with_the_signal(values):
    relative = np.sort(values)
    chances = class_probabilities(relative, CALIBRATION)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    assert np.all(np.diff(chances[:, 3]) >= -1e-12)
    assert np.all(np.diff(scores_of(relative, CALIBRATION)) >= 0)


def test_probabilities_are_calibrated():
    """Of cells with a probability of 3+ near one half, about one half are 3+.

    Over many cartridges: the cells of one share the error of its leukocyte reference.
    """
    tables = []
    for seed in range(60):
        cells = ladder(seed, 500)
        tables.append(cells.join(score_her2(cells).table(), on="cell_id"))
    table = pl.concat(tables).drop_nulls("simulated_score")
    for low, high in ((0.02, 0.2), (0.4, 0.6), (0.8, 0.98)):
        group = table.filter(pl.col("her2_p3").is_between(low, high))
        assert group.height > 100
        share = (group["simulated_score"] == 3).mean()
        assert share == pytest.approx(group["her2_p3"].mean(), abs=0.06)


def test_bad_tables_are_refused_with_every_fault():
    cells = (
        ladder(0, 2).drop("call").with_columns(her2_saturated=pl.lit("no"), ck_mean=pl.lit("12"))
    )
    with pytest.raises(InputError) as caught:
        score_her2(cells, gain_ratio=0.0)
    assert [p.column for p in caught.value.problems] == [
        "call", "ck_mean", "her2_saturated", "gain_ratio",
    ]  # fmt: skip
    twice = ladder(0, 2)
    with pytest.raises(InputError, match="more than once"):
        score_her2(pl.concat([twice, twice]))
    with pytest.raises(InputError, match="1 empty"):
        score_her2(
            twice.with_columns(
                call=pl.when(pl.int_range(pl.len()) == 0).then(None).otherwise("call")
            )
        )


def test_no_cells_at_all():
    scores = score_her2(ladder(0, 2).clear())
    assert scores.n == scores.n_evaluable == 0
    assert scores.reference.reason == "too few leukocytes"
