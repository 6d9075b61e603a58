"""Accrual and event prediction: closed forms, simulated trials, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, gamma, nbinom, poisson

from ashworth.errors import InputError
from ashworth.trials import expected_accrual, predict_accrual, predict_events

DAYS = [100.0] * 10 + [400.0] * 40
STATUS = [1] * 10 + [0] * 40


def test_expected_accrual_in_closed_form():
    """Sites of equal exposure: the sum is negative binomial; sites alike: Poisson."""
    found = expected_accrual([100], site_open_days=[0] * 5, mean_rate=0.04, cv=0.5, level=0.8)
    assert found.expected == pytest.approx([20.0])
    assert found.standard_deviation == pytest.approx([(20 + 0.25 * 16 * 5) ** 0.5])
    size, chance = 5 / 0.25, 1 / (1 + 4 * 0.25)
    assert found.lower == (nbinom.ppf(0.1, size, chance),)
    assert found.upper == (nbinom.ppf(0.9, size, chance),)
    alike = expected_accrual([100], site_open_days=[0] * 5, mean_rate=0.04, level=0.8)
    assert alike.upper == (poisson.ppf(0.9, 20),)


@given(st.floats(0.1, 30))
@settings(max_examples=10, deadline=None)
def test_expected_accrual_does_not_know_the_unit_of_time(unit):
    plain = expected_accrual([50, 250], site_open_days=[0, 60], site_close_days=[200, 300],
                             mean_rate=0.1, cv=0.7)  # fmt: skip
    other = expected_accrual([50 * unit, 250 * unit], site_open_days=[0, 60 * unit],
                             site_close_days=[200 * unit, 300 * unit], mean_rate=0.1 / unit,
                             cv=0.7)  # fmt: skip
    assert plain.expected == pytest.approx((5.0, 39.0))
    assert other.expected == pytest.approx(plain.expected)
    assert other.standard_deviation == pytest.approx(plain.standard_deviation)


def test_sites_that_vary_by_chance_share_a_rate():
    """Then the days are a scaled beta prime: gamma(34) over gamma(26.5), over 3 sites."""
    found = predict_accrual([12, 5, 9], [200.0, 150.0, 180.0], 60, seed=1)
    assert found.method == "poisson"
    assert found.mean_days == pytest.approx(34 / 3 * 530 / 25.5)
    rng = np.random.default_rng(8)
    plain = rng.gamma(34, size=200_000) / rng.gamma(26.5, size=200_000) * 530 / 3
    low, high = np.quantile(plain, [0.05, 0.95])
    assert (found.lower_days, found.upper_days) == pytest.approx((low, high), rel=0.02)


@pytest.mark.parametrize("exposure", [[200.0] * 4, [200.0, 150.0, 180.0, 100.0]])
def test_mean_days_of_unlike_sites_equal_the_simulation(exposure):
    found = predict_accrual([22, 2, 9, 1], exposure, 100, seed=4)
    assert found.method == "poisson_gamma"
    assert abs(found.mean_days - found.simulated_mean_days) < 4 * found.standard_error
    if exposure[0] == exposure[-1]:
        shape = found.cv**-2
        rate = shape / found.mean_rate + 200.0
        assert found.mean_days == pytest.approx(66 * rate / (4 * shape + 34 - 1), rel=1e-12)


def test_fitted_rates_are_those_planted():
    """Simulated: 2000 sites, rates gamma with mean 0.05 and cv 0.6."""
    rng = np.random.default_rng(2)
    days = rng.uniform(100, 500, 2000)
    counts = rng.poisson(rng.gamma(0.6**-2, 0.05 * 0.36, 2000) * days)
    found = predict_accrual(counts.tolist(), days.tolist(), int(counts.sum()) + 10, seed=1,
                            repeats=100)  # fmt: skip
    assert found.mean_rate == pytest.approx(0.05, rel=0.06)
    assert found.cv == pytest.approx(0.6, abs=0.05)


def test_sites_that_open_later_shorten_the_wait_and_closed_ones_lengthen_it():
    plain = predict_accrual([10, 10], [100, 100], 60, seed=1, mean_rate=0.1, cv=0.0)
    assert plain.mean_days == pytest.approx(40 / 0.2)
    assert plain.upper_days == pytest.approx(gamma.ppf(0.95, 40) / 0.2, rel=0.02)
    more = predict_accrual([10, 10], [100, 100], 60, seed=1, mean_rate=0.1, cv=0.0,
                           future_open_days=[100.0, 100.0])  # fmt: skip
    expected = 100 + (40 - 20) / 0.4
    assert more.simulated_mean_days == pytest.approx(expected, rel=0.02)
    assert more.mean_days is None
    fewer = predict_accrual([10, 10], [100, 100], 60, seed=1, mean_rate=0.1, cv=0.0,
                            still_open=[True, False])  # fmt: skip
    assert fewer.mean_days == pytest.approx(400)
    only = predict_accrual([10, 10], [100, 100], 60, seed=1, mean_rate=0.1, cv=0.0,
                           still_open=[False, False], future_open_days=[50.0])  # fmt: skip
    assert only.simulated_mean_days == pytest.approx(450, rel=0.02)


@pytest.mark.parametrize("uncertain", [True, False])
def test_mean_day_of_the_nth_event_equals_the_simulation(uncertain):
    found = predict_events(DAYS, STATUS, 20, seed=1, parameter_uncertainty=uncertain)
    inverse = 17000 / 9.5 if uncertain else 1700
    assert found.mean_day == pytest.approx(inverse * sum(1 / (40 - j) for j in range(10)))
    assert abs(found.mean_day - found.simulated_mean_day) < 4 * found.standard_error


def test_the_distribution_of_the_nth_event_is_binomial():
    """With drop-out: an event by then has a known probability, and the day its binomial."""
    found = predict_events(DAYS, STATUS, 20, seed=3, hazards=[0.001], dropout_hazard=0.0005,
                           level=0.8, repeats=20_000)  # fmt: skip
    for day, share in ((found.lower_day, 0.1), (found.median_day, 0.5), (found.upper_day, 0.9)):
        chance = 0.001 / 0.0015 * -np.expm1(-0.0015 * day)
        assert binom.sf(9, 40, chance) == pytest.approx(share, abs=0.015)
    by_day = 40 / 1.5 * -np.expm1(-0.0015 * found.expected_day)
    assert by_day == pytest.approx(10)
    assert found.mean_day is None
    assert found.probability_reached == pytest.approx(binom.sf(9, 40, 2 / 3), abs=1e-3)


def test_patients_go_on_from_their_own_follow_up():
    """After the break the hazard is ten times: those beyond it have it at once."""
    days, status = [1.0, *[90.0] * 30, *[150.0] * 30], [1] + [0] * 60
    found = predict_events(days, status, 21, seed=5, hazard_breaks=[100.0],
                           hazards=[0.001, 0.01], level=0.8, repeats=20_000)  # fmt: skip
    assert found.method == "piecewise_exponential"

    def chance(start, day):
        early = np.clip(100.0 - start, 0, day)
        return -np.expm1(-0.001 * early - 0.01 * (day - early))

    total = 30 * chance(90.0, found.expected_day) + 30 * chance(150.0, found.expected_day)
    assert total == pytest.approx(20)
    parts = [binom.pmf(np.arange(31), 30, chance(s, found.median_day)) for s in (90.0, 150.0)]
    assert np.convolve(*parts)[20:].sum() == pytest.approx(0.5, abs=0.015)


def test_fitted_pieces_are_events_over_exposure():
    days = [50.0, 120.0, 300.0, 300.0]
    found = predict_events(days, [1, 1, 0, 0], 3, seed=1, hazard_breaks=[100.0], repeats=100)
    assert found.hazards == pytest.approx((1 / 350, 1 / 420))


def test_future_patients_bring_their_events():
    """All 60 to come enter at once where the rate is high: then as if at risk from day 0."""
    base = {"seed": 1, "hazards": [0.001], "dropout_hazard": 0.0}
    coming = predict_events([10.0], [1], 31, future_patients=60, patients_per_day=1e6, **base)
    here = predict_events([10.0] + [0.0] * 60, [1] + [0] * 60, 31, **base)
    assert coming.median_day == pytest.approx(here.median_day, rel=0.02)
    slow = predict_events([10.0], [1], 31, future_patients=60, patients_per_day=0.1, **base)
    assert slow.median_day > coming.median_day + 200
    assert slow.expected_day == pytest.approx(slow.median_day, rel=0.02)


@given(st.floats(0.05, 40))
@settings(max_examples=8, deadline=None)
def test_event_prediction_does_not_know_the_unit_of_time(unit):
    plain = predict_events(DAYS, STATUS, 20, seed=9, repeats=200)
    other = predict_events([d * unit for d in DAYS], STATUS, 20, seed=9, repeats=200)
    assert other.median_day == pytest.approx(plain.median_day * unit, rel=1e-9)
    assert other.expected_day == pytest.approx(plain.expected_day * unit, rel=1e-9)
    again = predict_events(DAYS, STATUS, 20, seed=np.random.default_rng(9), repeats=200)
    assert again == plain


def test_intervals_cover_by_simulation():
    """Simulated: 120 trials cut at day 365, 80% intervals; band of four standard errors."""
    rng, runs, covered = np.random.default_rng(21), 120, 0
    for _ in range(runs):
        entry, event = rng.uniform(0, 300, 150), rng.exponential(700, 150)
        seen = np.minimum(event, 365 - entry)
        status = (event <= 365 - entry).astype(int)
        day = np.sort(entry + event)[89] - 365
        found = predict_events(seen.tolist(), status.tolist(), 90, seed=rng, level=0.8,
                               repeats=400)  # fmt: skip
        covered += found.lower_day <= day <= found.upper_day
    assert abs(covered / runs - 0.8) < 4 * (0.16 / runs) ** 0.5


def faults_of(call, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        call(*args, **kwargs)
    return {p.column for p in caught.value.problems}


def test_faults_of_accrual():
    found = faults_of(expected_accrual, [-1], site_open_days=[0, 5], site_close_days=[0],
                      mean_rate=0, cv=-1, level=2)  # fmt: skip
    assert found == {"days", "site_close_days", "mean_rate", "cv", "level"}
    found = faults_of(predict_accrual, [3.5, 2], [10.0], 4, seed=1, cv=0.1, still_open=[1, 0],
                      future_open_days=[-3.0], repeats=1)  # fmt: skip
    assert found == {"patients", "exposure_days", "target", "mean_rate", "still_open",
                     "future_open_days", "repeats"}  # fmt: skip
    assert faults_of(predict_accrual, [0, 0], [10, 10], 4, seed=1) == {"patients"}
    assert faults_of(predict_accrual, [2], [9], 4, seed=1, still_open=[False]) == {"still_open"}


def test_faults_of_events():
    found = faults_of(predict_events, [-1.0, 2.0], [1, 3], 0, seed=1, hazard_breaks=[5, 4],
                      future_patients=3, dropout_hazard=-1, level=0, repeats=2.5)  # fmt: skip
    assert found == {"follow_up_days", "status", "target_events", "hazard_breaks",
                     "patients_per_day", "dropout_hazard", "level", "repeats"}  # fmt: skip
    assert faults_of(predict_events, DAYS, STATUS, 51, seed=1) == {"target_events"}
    assert faults_of(predict_events, DAYS, STATUS, 10, seed=1) == {"target_events"}
    assert faults_of(predict_events, DAYS, [0] * 50, 10, seed=1) == {"status"}
    assert "hazard_breaks" in faults_of(predict_events, DAYS, STATUS, 20, seed=1,
                                        hazard_breaks=[500.0])  # fmt: skip
    assert faults_of(predict_events, DAYS, STATUS, 20, seed=1, hazards=[0.1, 0.2]) == {"hazards"}


def test_tables():
    assert predict_events(DAYS, STATUS, 20, seed=1, repeats=100).table()["at_risk"][0] == 40
    assert expected_accrual([1, 2], site_open_days=[0], mean_rate=1).table().height == 2
