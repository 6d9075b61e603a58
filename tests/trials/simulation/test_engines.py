"""Two engines, one result: histograms of days against sorted times, threads, chunks, peers."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy.stats import CensoredData, logrank

from ashworth.errors import InputError
from ashworth.survival import cox, log_rank
from ashworth.trials import (
    expected_score,
    simulate_survival,
    simulated_analysis,
    simulated_patients,
    survival_design,
)

BASE = {
    "n": 240, "accrual_months": 24.0, "follow_up_months": 30.0, "drop_out_per_month": 0.01,
    "control_per_month": (0.06, 0.04, 0.01), "control_from_month": (0.0, 6.0, 20.0),
    "hazard_ratio": 0.7,
}  # fmt: skip
DESIGNS = {
    "three looks": {"looks": (50, 100, 0)},
    "one to two": {"ratio": (1, 2)},
    "margin": {"null_hazard_ratio": 1.25, "looks": (90,)},
    "delayed": {"hazard_ratio": (1.0, 0.5), "hazard_ratio_from_month": (0.0, 6.0)},
    "nobody is lost": {"drop_out_per_month": 0.0, "looks": (239,)},
}


def design_of(**changes):
    return survival_design(**{**BASE, **changes})


@pytest.mark.parametrize("name", DESIGNS)
def test_sorted_times_give_the_numbers_of_the_histograms(name):
    design = design_of(**DESIGNS[name])
    days = simulate_survival(design, replicates=12, seed=4, first=5)
    there = simulate_survival(design, replicates=12, seed=4, first=5, engine="exact_whole_days")
    np.testing.assert_allclose(days.values[..., :7], there.values[..., :7], atol=1e-10)
    np.testing.assert_allclose(days.values[..., 7:], there.values[..., 7:], rtol=1e-8)
    assert days.method != there.method


def test_a_replicate_made_again_is_what_others_would_analyse():
    design = design_of(looks=(100,))
    for replicate in (0, 7):
        patients = simulated_patients(design, seed=9, replicate=replicate)
        seen = patients.seen_on(patients.day_of_events(100))
        here = simulate_survival(design, replicates=1, seed=9, first=replicate)
        test = log_rank(seen.time, seen.event, seen.arm)
        z = here.column("statistic")[0, 0]
        assert test.statistic == pytest.approx(z**2, rel=1e-10)
        fit = cox(seen.time, seen.event, {"arm": seen.arm.astype(float)}, ties="breslow")
        assert fit.coefficients[0] == pytest.approx(here.column("log_hazard_ratio")[0, 0], rel=1e-8)
        groups = [
            CensoredData(
                uncensored=seen.time[(seen.arm == a) & seen.event],
                right=seen.time[(seen.arm == a) & ~seen.event],
            )
            for a in (0, 1)
        ]
        assert logrank(*groups).pvalue == pytest.approx(test.p_value, rel=1e-8)
        assert seen.event.sum() == here.events[0, 0] == 100
        assert patients.table().shape == (240, 5)


def test_continuous_time_has_the_same_power():
    design = design_of(n=120)
    exact = simulate_survival(design, replicates=1500, seed=2, engine="exact", estimate=False)
    power = (exact.column("statistic")[:, -1] < -1.959964).mean()
    expected = expected_score(design).power(120, 0.025, 1)
    assert abs(power - expected) < 4 * np.sqrt(expected * (1 - expected) / 1500)
    days = simulate_survival(design, replicates=1500, seed=2, estimate=False)
    rounding = np.abs(days.column("statistic") - exact.column("statistic"))
    assert 0 < rounding.max() < 0.5


@pytest.mark.parametrize("name", DESIGNS)
def test_power_and_spread_agree_with_theory(name):
    changes = {**DESIGNS[name], "n": 400} | {"looks": (0,)}
    design = design_of(**changes)
    found = simulate_survival(design, replicates=20_000, seed=6, estimate=False)
    z = found.column("statistic")[:, 0]
    score = expected_score(design)
    power = score.power(400, 0.025, 1)
    assert abs((z < -1.959964).mean() - power) < 4 * np.sqrt(power * (1 - power) / 20_000)
    assert z.std() == pytest.approx(score.spread, abs=4 / np.sqrt(2 * 20_000))
    assert found.events.mean() == pytest.approx(400 * score.events, rel=0.003)


def test_the_spread_is_one_under_the_null_hypothesis_only():
    assert expected_score(design_of(hazard_ratio=1.0)).spread == pytest.approx(1.0, abs=2e-4)
    assert expected_score(design_of(ratio=(1, 2))).spread > 1.01
    assert expected_score(design_of(ratio=(2, 1))).spread < 0.99


def test_bits_depend_on_neither_threads_nor_chunks():
    design = design_of(looks=(50, 100, 0))
    whole = simulate_survival(design, replicates=450, seed=3).values
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        assert np.array_equal(simulate_survival(design, replicates=450, seed=3).values, whole)
    finally:
        numba.set_num_threads(threads)
    parts = [simulate_survival(design, replicates=n, seed=3, first=f).values
             for f, n in ((0, 1), (1, 299), (300, 150))]  # fmt: skip
    assert np.array_equal(np.concatenate(parts), whole)
    other = simulate_survival(design, replicates=450, seed=3, scenario="other").values
    assert not np.array_equal(other, whole)


def test_a_further_patient_or_look_moves_nobody():
    few = simulated_patients(design_of(n=100), seed=1, replicate=3)
    more = simulated_patients(design_of(n=140, looks=(20, 0)), seed=1, replicate=3)
    for name in ("entry", "time", "event", "arm"):
        assert np.array_equal(getattr(few, name), getattr(more, name)[:100])


def test_any_analysis_of_survival_on_the_same_patients():
    design = design_of(n=100)
    found = simulated_analysis(
        design, lambda s: log_rank(s.time, s.event, s.arm).statistic, replicates=8, seed=5, first=2
    )
    days = simulate_survival(design, replicates=8, seed=5, first=2).column("statistic")[:, -1]
    np.testing.assert_allclose(found, days**2, rtol=1e-10)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"replicates": 0, "seed": 1}, "replicates"),
        ({"replicates": 2.5, "seed": 1}, "replicates"),
        ({"replicates": 10, "seed": -1}, "seed"),
        ({"replicates": 10, "seed": "7"}, "seed"),
        ({"replicates": 10, "seed": 1.5}, "seed"),
        ({"replicates": 10, "seed": 1, "first": -3}, "first"),
        ({"replicates": 10, "seed": 1, "engine": "fast"}, "engine"),
    ],
)
def test_options_that_are_none_are_named(options, named):
    with pytest.raises(InputError, match=named):
        simulate_survival(design_of(), **options)


def test_all_faults_of_a_design_at_once():
    with pytest.raises(InputError) as caught:
        design_of(n=1, hazard_ratio=-1, accrual_months=0, looks=(5, 5))
    for name in ("n", "hazard_ratio", "accrual_months", "looks"):
        assert name in str(caught.value)
