"""Inference at and after stopping: level, median and coverage by simulation, closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from ashworth.errors import InputError
from ashworth.trials import (
    group_sequential,
    repeated_interval,
    sequential_looks_at,
    stagewise_inference,
)


def test_at_the_first_look_it_is_the_plain_interval():
    found = stagewise_inference(group_sequential(3), 1, 0.9, 0.2)
    assert found.median_unbiased == pytest.approx(0.9, abs=1e-12)
    half = 1.959963984540054 * 0.2
    assert (found.lower, found.upper) == pytest.approx((0.9 - half, 0.9 + half), abs=1e-12)
    assert found.p_value == pytest.approx(0.5 * math.erfc(4.5 / 2**0.5), rel=1e-9)


@pytest.mark.parametrize("sided", [1, 2])
@pytest.mark.parametrize("look", [1, 2, 3, 4])
def test_p_on_the_bound_is_the_alpha_spent(sided, look):
    design = group_sequential(4, efficacy="pocock", alpha=0.05, sided=sided)
    found = stagewise_inference(design, look, design.upper_z[look - 1], 1.0)
    assert found.p_value == pytest.approx(design.alpha_spent[look - 1], abs=1e-12)


@given(st.integers(1, 3), st.floats(-3, 5), st.floats(0.05, 2))
@settings(max_examples=20, deadline=None)
def test_limits_hold_the_estimate_scale_with_the_unit_and_agree_with_p(look, z, error):
    design = group_sequential(3, alpha=0.05, sided=2)
    found = stagewise_inference(design, look, z * error, error)
    assert found.lower < found.median_unbiased < found.upper
    if abs(found.p_one_sided - 0.025) > 1e-9:
        assert (found.lower > 0) == (found.p_one_sided < 0.025)
    unit = stagewise_inference(design, look, z, 1.0)
    assert found.upper == pytest.approx(error * unit.upper, rel=1e-9, abs=1e-9)
    turned = stagewise_inference(design, look, -z, 1.0)
    assert turned.median_unbiased == pytest.approx(-unit.median_unbiased, abs=1e-9)
    assert turned.lower == pytest.approx(-unit.upper, abs=1e-9)


@pytest.mark.parametrize("look", [2, 3])
def test_limits_on_a_bound_equal_multivariate_normal_probabilities(look):
    """The outcome on the bound is as likely to be passed as any bound until that look."""
    design = group_sequential(information_fractions=[0.3, 0.7, 1.0], efficacy="pocock")
    t = np.array(design.information_fractions[:look])
    error = t[-1] ** -0.5
    found = stagewise_inference(design, look, design.upper_z[look - 1] * error, error, level=0.9)
    covariance = np.minimum.outer(t, t)
    score = np.array(design.upper_z[:look]) * np.sqrt(t)
    for drift, passed in ((found.lower, 0.05), (found.median_unbiased, 0.5), (found.upper, 0.95)):
        normal = multivariate_normal(drift * t, covariance, abseps=1e-7, releps=1e-7)
        assert 1 - normal.cdf(score) == pytest.approx(passed, abs=1e-5)


@pytest.mark.parametrize("binding", [True, False])
def test_median_and_coverage_by_simulation(binding):
    """Simulated: 250 trials; bands of four standard errors."""
    drift = 2.0
    design = group_sequential(3, efficacy="pocock", futility="pocock" if binding else "none",
                              binding=binding)  # fmt: skip
    times = np.array(design.information_fractions)
    rng = np.random.default_rng(17)
    runs, below, covered = 250, 0, 0
    for _ in range(runs):
        steps = rng.standard_normal(3) / 3**0.5 + drift / 3
        z = np.cumsum(steps) / np.sqrt(times)
        stops = (z > design.upper_z) | (z <= design.lower_z)
        k = int(np.argmax(stops)) if stops.any() else 2
        error = 1 / times[k] ** 0.5
        found = stagewise_inference(design, k + 1, z[k] * error, error, level=0.8)
        below += found.median_unbiased < drift
        covered += found.lower <= drift <= found.upper
    assert abs(below / runs - 0.5) < 4 * (0.25 / runs) ** 0.5
    assert abs(covered / runs - 0.8) < 4 * (0.16 / runs) ** 0.5


def test_a_futility_bound_that_need_not_bind_is_ignored():
    plain = stagewise_inference(group_sequential(3), 3, 2.1, 1.0)
    design = group_sequential(3, futility="pocock")
    assert stagewise_inference(design, 3, 2.1, 1.0).p_value == pytest.approx(plain.p_value)
    bound = group_sequential(3, futility="pocock", binding=True)
    assert stagewise_inference(bound, 3, 2.1, 1.0).p_value < plain.p_value


def test_repeated_intervals_hold_at_all_looks_at_once():
    """Simulated: 20,000 trials. One-sided design: each limit errs in at most alpha of them."""
    design = group_sequential(3, efficacy="pocock", alpha=0.05)
    times = np.array(design.information_fractions)
    rng = np.random.default_rng(3)
    steps = rng.standard_normal((20_000, 3)) / 3**0.5 + 1.0 / 3
    estimates = np.cumsum(steps, axis=1) / times
    half = [repeated_interval(design, k, 0.0, times[k - 1] ** -0.5).upper for k in (1, 2, 3)]
    above = (estimates - half > 1.0).any(axis=1).mean()
    assert abs(above - 0.05) < 4 * (0.05 * 0.95 / 20_000) ** 0.5


def test_looks_as_held_serve_as_a_design():
    design = group_sequential(3)
    held = sequential_looks_at(design, [110, 220], planned_information=330)
    same = stagewise_inference(design, 2, 2.9, 1.0)
    assert stagewise_inference(held, 2, 2.9, 1.0).p_value == pytest.approx(same.p_value, abs=1e-12)
    assert repeated_interval(held, 2, 0.4, 0.1).table().height == 1


def test_faults():
    with pytest.raises(InputError) as caught:
        stagewise_inference(group_sequential(3), 4, float("nan"), 0.0, level=1.0)
    found = {p.column for p in caught.value.problems}
    assert found == {"look", "estimate", "standard_error", "level"}
    with pytest.raises(InputError):
        repeated_interval(group_sequential(3), 0, 1.0, 1.0)
