"""Tests of two proportions against scipy, R's values, and their own definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import xlog1py, xlogy
from scipy.stats import boschloo_exact, fisher_exact

from ashworth.enumeration import proportion_interval
from ashworth.evidence import p_values_of_counts
from ashworth.trials import (
    boschloo_test,
    farrington_manning_test,
    fisher_exact_test,
    two_proportions_p_values,
    two_proportions_z_test,
)
from ashworth.trials.proportions.certified import Masses, Runs, largest_probability
from ashworth.trials.proportions.fisher_tables import fisher_p_values, fisher_rejects
from ashworth.trials.proportions.regions import TESTS, rejection_region
from ashworth.trials.proportions.scores import restricted_shares

from .conftest import MADE, PRINTED, entries

SIDES = ("two-sided", "less", "greater")


@st.composite
def tables(draw, most=25):
    n, m = draw(st.integers(1, most)), draw(st.integers(1, most))
    return draw(st.integers(0, n)), n, draw(st.integers(0, m)), m


def test_treat_ctc():
    less = PRINTED["treat_ctc"]["fisher_less"]
    evaluable = fisher_exact_test(4, 29, 5, 29, alternative="less")
    randomised = fisher_exact_test(4, 32, 5, 31, alternative="less")
    assert evaluable.p_value == pytest.approx(less["5of29_vs_4of29"], abs=5e-9)
    assert round(evaluable.p_value, 3) == 0.765 != round(randomised.p_value, 3)
    assert randomised.p_value == pytest.approx(less["5of31_vs_4of32"], abs=5e-9)
    both = fisher_exact_test(4, 32, 5, 31).p_value
    assert both == pytest.approx(PRINTED["treat_ctc"]["two_sided_5of31_vs_4of32"], abs=5e-7)
    two_sided = MADE["treatctc.fisher.two_sided.5of29_vs_4of29"]
    assert fisher_exact_test(4, 29, 5, 29).p_value == pytest.approx(two_sided, abs=1e-12)


def test_yield_of_treat_ctc_has_limits_in_enumeration():
    made = MADE["ci95.63_of_1317"]
    exact, wilson = proportion_interval(63, 1317), proportion_interval(63, 1317, method="wilson")
    assert float(exact.lower) == pytest.approx(made["cp_lo"], abs=1e-12)
    assert float(exact.upper) == pytest.approx(made["cp_hi"], abs=1e-12)
    assert float(wilson.lower) == pytest.approx(made["wilson_lo"], abs=1e-12)
    assert float(wilson.upper) == pytest.approx(made["wilson_hi"], abs=1e-12)


@given(table=tables())
@settings(max_examples=60, deadline=None)
def test_fisher_equals_scipy(table):
    x, n, y, m = table
    for side in SIDES:
        peer = float(fisher_exact([[y, m - y], [x, n - x]], alternative=side)[1])
        found = fisher_exact_test(x, n, y, m, alternative=side).p_value
        assert found == pytest.approx(peer, rel=1e-10)


def test_a_p_value_of_exactly_alpha_rejects():
    assert fisher_exact_test(0, 3, 3, 3, alternative="greater").p_value == pytest.approx(0.05)
    assert rejection_region("fisher", 3, 3, 0.05, "greater")[0, 3]


@pytest.mark.parametrize(
    "table", [(74, 100, 43, 100), (5, 12, 1, 14), (7, 9, 2, 20), (4, 29, 5, 29)]
)
@pytest.mark.parametrize("side", ["less", "greater"])
def test_boschloo_equals_scipy(table, side):
    x, n, y, m = table
    peer = boschloo_exact([[y, x], [m - y, n - x]], alternative=side, n=64).pvalue
    found = boschloo_test(x, n, y, m, alternative=side)
    assert found.p_value == pytest.approx(peer, rel=2e-6)
    assert 0.0 <= found.p_value_bound - found.p_value <= 2e-9 * found.p_value
    assert found.p_value <= fisher_exact_test(x, n, y, m, alternative=side).p_value


@pytest.mark.parametrize("table", [(5, 12, 1, 14), (7, 9, 2, 20), (3, 30, 9, 28)])
def test_both_exact_tests_equal_the_check_of_printed_counts(table):
    x, n, y, m = table
    printed = p_values_of_counts(y, m, x, n).p_values
    assert boschloo_test(x, n, y, m).p_value == pytest.approx(printed["boschloo_two_sided"])
    assert fisher_exact_test(x, n, y, m).p_value == pytest.approx(printed["fisher_two_sided"])


@given(table=tables(), side=st.sampled_from(SIDES))
@settings(max_examples=40, deadline=None)
def test_exchanging_the_arms_exchanges_the_sides(table, side):
    x, n, y, m = table
    other = {"less": "greater", "greater": "less"}.get(side, side)
    for test in TESTS:
        here = two_proportions_p_values(x, n, y, m, test=test, alternative=side)
        there = two_proportions_p_values(y, m, x, n, test=test, alternative=other)
        assert here == pytest.approx(there, rel=1e-8, abs=1e-12), test


@given(n=st.integers(1, 60), m=st.integers(1, 150), side=st.sampled_from(SIDES),
       level=st.sampled_from([0.001, 0.05, 0.2]))  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_the_fast_region_is_that_of_the_p_values(n, m, side, level):
    whole = slice(0, n + 1), slice(0, m + 1)
    p_values = fisher_p_values(n, m, side)
    assert (fisher_rejects(n, m, side, level, *whole) == (p_values <= level)).all()
    part = slice(n // 3, n + 1), slice(m // 4, m // 2 + 1)
    assert (fisher_rejects(n, m, side, level, *part) == (p_values <= level)[part]).all()


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("side", SIDES)
def test_regions_and_single_tables_decide_alike(test, side):
    region = rejection_region(test, 9, 14, 0.06, side)
    x, y = np.mgrid[:10, :15]
    p_values = two_proportions_p_values(x, 9, y, 14, test=test, alternative=side)
    assert ((p_values <= 0.06) == region).all()


@pytest.mark.parametrize(("made", "y", "m", "x", "n", "null"),
                         entries(r"fm\.(\d+)of(\d+)_vs_(\d+)of(\d+)\.null(-?[\d.]+)"))  # fmt: skip
def test_farrington_manning_equals_rpact(made, y, m, x, n, null):
    side = "less" if null > 0 else "greater"
    found = farrington_manning_test(x, n, y, m, null_difference=null, alternative=side)
    assert (found.statistic, found.p_value) == pytest.approx(tuple(made), rel=1e-11)


@given(table=tables(), null=st.floats(-0.95, 0.95))
@settings(max_examples=60, deadline=None)
def test_restricted_shares_are_most_likely(table, null):
    x, n, y, m = map(float, table)
    p, q = restricted_shares(*(np.array([v]) for v in (x, n, y, m)), null)

    def log_likelihood(p):
        q = np.clip(p + null, 0.0, 1.0)
        return xlogy(x, p) + xlog1py(n - x, -p) + xlogy(y, q) + xlog1py(m - y, -q)

    grid = np.linspace(max(0.0, -null), min(1.0, 1.0 - null), 4001)
    with np.errstate(divide="ignore"):
        assert log_likelihood(p)[0] >= np.max(log_likelihood(grid)) - 1e-10
    assert q[0] - p[0] == pytest.approx(null, abs=1e-12)


def test_z_tests_in_closed_form():
    pooled = two_proportions_z_test(23, 48, 13, 48)
    assert pooled.statistic**2 == pytest.approx(96 * (23 * 35 - 25 * 13) ** 2 / (48**2 * 36 * 60))
    own = two_proportions_z_test(23, 48, 13, 60, pooled=False).statistic
    assert own == pytest.approx((13 / 60 - 23 / 48) / np.sqrt(23 * 25 / 48**3 + 13 * 47 / 60**3))
    corrected = farrington_manning_test(23, 48, 13, 48, method="miettinen_nurminen")
    assert corrected.statistic == pytest.approx(pooled.statistic * np.sqrt(95 / 96))
    assert two_proportions_z_test(0, 9, 0, 7).p_value == 1.0


@pytest.mark.parametrize(
    ("test", "n", "m", "side", "null"),
    [("fisher", 7, 9, "less", 0.0), ("z_unpooled", 50, 50, "greater", 0.0),
     ("z_pooled", 100, 40, "two-sided", 0.0), ("farrington_manning", 60, 30, "greater", -0.1),
     ("z_unpooled", 20, 30, "less", 0.2)],
)  # fmt: skip
def test_no_share_exceeds_the_certified_type_1_error(test, n, m, side, null):
    region = rejection_region(test, n, m, 0.05, side, null)
    found = largest_probability(region, null)
    shares = np.linspace(max(0.0, -null), min(1.0, 1.0 - null), 5001)
    fine = Runs.of(region).probability(Masses.at(shares, null, (n, m)))
    assert found.probability * (1 - 1e-7) <= fine.max() * (1 + 1e-5)
    assert fine.max() <= found.bound * (1 + 1e-12)
    assert found.bound <= found.probability * (1 + 2e-9)


@given(region=st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=4, max_size=4))
@settings(max_examples=30, deadline=None)
def test_any_region_is_bounded(region):
    region = np.array(region)
    found = largest_probability(region)
    shares = np.linspace(0.0, 1.0, 501)
    masses = Masses.at(shares, 0.0, (3, 5))
    whole = np.einsum("pi,ij,pj->p", masses.control, region, np.diff(masses.below)[:, :6])
    assert whole.max(initial=0.0) <= found.bound + 1e-12
    assert found.probability <= whole.max(initial=0.0) + 1e-3


def test_tiny_p_values_keep_their_digits():
    found = boschloo_test(300, 300, 0, 300, alternative="less")
    assert found.p_value == pytest.approx(0.25**300, rel=1e-9)
    assert found.nuisance == pytest.approx(0.5)
    assert found.p_value_bound <= found.p_value * (1 + 2e-9)
