"""Conditional and predictive power, score intervals, misclassified clearance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import betabinom, binom, nbinom, poisson

from ashworth.trials import (
    farrington_manning_test,
    fisher_conditional_power,
    fisher_exact_test,
    fisher_predictive_power,
    miettinen_nurminen_interval,
    misclassified_clearance,
    two_proportions_formula,
    two_proportions_power,
)

from .conftest import PRINTED, entries
from .test_two_arm_tests import tables


@pytest.mark.parametrize(("p", "q", "printed"), PRINTED["treat_ctc_conditional"])
def test_treat_ctc_could_not_succeed(p, q, printed):
    found = fisher_conditional_power(4, 29, 5, 29, 87, 87, alternative="less", p_control=p,
                                     p_experimental=q)  # fmt: skip
    assert found.probability == pytest.approx(printed, abs=0.006 if printed > 0.01 else 0.0005)


def test_conditional_and_predictive_power_by_enumeration():
    seen = (2, 10, 5, 9)
    conditional = fisher_conditional_power(*seen, 16, 14, alternative="greater", p_control=0.3,
                                           p_experimental=0.6)  # fmt: skip
    predictive = fisher_predictive_power(*seen, 16, 14, alternative="greater",
                                         prior_control=(0.5, 0.5))  # fmt: skip
    totals = [0.0, 0.0]
    for i in range(7):
        for j in range(6):
            if fisher_exact_test(2 + i, 16, 5 + j, 14, alternative="greater").p_value <= 0.05:
                totals[0] += binom.pmf(i, 6, 0.3) * binom.pmf(j, 5, 0.6)
                totals[1] += betabinom.pmf(i, 6, 2.5, 8.5) * betabinom.pmf(j, 5, 6, 5)
    assert conditional.probability == pytest.approx(totals[0], rel=1e-10)
    assert predictive.probability == pytest.approx(totals[1], rel=1e-10)


@pytest.mark.parametrize("test", ["fisher", "boschloo", "z_pooled"])
def test_power_is_conditional_power_averaged_over_the_interim(test):
    p, q, n, m = 0.2, 0.5, 30, 25
    mean = sum(
        binom.pmf(x, 6, p) * binom.pmf(y, 5, q)
        * fisher_conditional_power(x, 6, y, 5, n, m, alternative="greater", p_control=p,
                                   p_experimental=q, test=test).probability
        for x in range(7) for y in range(6)
    )  # fmt: skip
    power = two_proportions_power(p, q, n, m, sided=1, test=test).power
    assert mean == pytest.approx(power, abs=1e-12)


def test_a_finished_trial_has_its_verdict():
    for events, verdict in ((12, 1.0), (3, 0.0)):
        found = fisher_conditional_power(2, 20, events, 20, 20, 20, alternative="greater")
        assert found.probability == verdict
        assert found.p_experimental == events / 20


@pytest.mark.parametrize("name", list(PRINTED["newcombe_1998"]["value"]))
def test_newcombes_examples(name):
    x, n, y, m = (int(v) for part in name.split("_vs_") for v in part.split("of"))
    found = miettinen_nurminen_interval(x, n, y, m)
    printed = PRINTED["newcombe_1998"]["value"][name]
    assert [round(found.lower, 4), round(found.upper, 4)] == printed


@pytest.mark.parametrize("measure", ["ratio", "odds_ratio"])
def test_ratios_equal_statsmodels(measure):
    found = entries(rf"mn\.{measure}\.(\d+)of(\d+)_vs_(\d+)of(\d+)")
    assert len(found) == 4
    for (lower, upper), x, n, y, m in found:
        here = miettinen_nurminen_interval(x, n, y, m, measure=measure)
        assert (here.lower, here.upper) == pytest.approx((lower, upper), rel=1e-9)


@given(table=tables(), level=st.sampled_from([0.8, 0.9, 0.95]))
@settings(max_examples=60, deadline=None)
def test_the_difference_inverts_the_test(table, level):
    found = miettinen_nurminen_interval(*table, level=level)
    z = float(ndtri(0.5 + level / 2))
    difference = found.estimate
    assert -1.0 <= found.lower <= difference <= found.upper <= 1.0
    for limit, wanted in ((found.lower, z), (found.upper, -z)):
        if abs(limit) < 1.0 - 1e-9:
            test = farrington_manning_test(*table, null_difference=limit,
                                           method="miettinen_nurminen")  # fmt: skip
            assert test.statistic == pytest.approx(wanted, abs=1e-5)


@given(table=tables(), measure=st.sampled_from(["difference", "ratio", "odds_ratio"]))
@settings(max_examples=60, deadline=None)
def test_exchanging_the_arms_inverts_the_limits(table, measure):
    x, n, y, m = table
    here = miettinen_nurminen_interval(x, n, y, m, measure=measure)
    there = miettinen_nurminen_interval(y, m, x, n, measure=measure)
    if measure == "difference":
        expected = (-there.upper, -there.lower)
    else:
        expected = tuple(math.inf if v == 0 else 1 / v for v in (there.upper, there.lower))
    assert (here.lower, here.upper) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_limits_at_the_ends():
    none = miettinen_nurminen_interval(0, 10, 0, 12, measure="ratio")
    assert (none.lower, none.upper) == (0.0, math.inf)
    assert math.isnan(none.estimate)
    apart = miettinen_nurminen_interval(0, 10, 12, 12)
    assert apart.upper == apart.estimate == 1.0
    assert miettinen_nurminen_interval(0, 10, 5, 12, measure="odds_ratio").upper == math.inf
    all_of_them = miettinen_nurminen_interval(10, 10, 12, 12, measure="ratio")
    assert 0 < all_of_them.lower < 1 < all_of_them.upper < math.inf


@pytest.mark.parametrize("measure", ["difference", "ratio", "odds_ratio"])
def test_coverage_of_the_interval(measure):
    n, m, p, q = 25, 20, 0.3, 0.5
    truth = {"difference": q - p, "ratio": q / p, "odds_ratio": q * 0.7 / (p * 0.5)}[measure]
    covered = sum(
        binom.pmf(x, n, p) * binom.pmf(y, m, q)
        for x in range(n + 1) for y in range(m + 1)
        if binom.pmf(x, n, p) * binom.pmf(y, m, q) > 1e-7
        and (r := miettinen_nurminen_interval(x, n, y, m, measure=measure)).lower
        <= truth <= r.upper
    )  # fmt: skip
    assert 0.93 < covered < 0.97


@given(p=st.floats(0.05, 0.95), q=st.floats(0.05, 0.95), se=st.floats(0.55, 1.0),
       sp=st.floats(0.55, 1.0))  # fmt: skip
def test_misclassification_shrinks_by_its_youden_index(p, q, se, sp):
    found = misclassified_clearance(p, q, sensitivity=se, specificity=sp)
    assert found.observed_difference == pytest.approx((q - p) * (se + sp - 1), abs=1e-12)
    assert found.observed_control == pytest.approx(p * se + (1 - p) * (1 - sp))


def test_a_zero_in_one_tube_costs_patients():
    few = misclassified_clearance(0.5, 0.3, cells_per_ml=0.2, volume_ml=7.5, recovery=0.85)
    assert few.sensitivity == pytest.approx(poisson.sf(0, 0.2 * 7.5 * 0.85))
    spread = misclassified_clearance(0.5, 0.3, cells_per_ml=0.2, volume_ml=7.5, size=0.5)
    assert spread.sensitivity == pytest.approx(1 - nbinom.pmf(0, 0.5, 0.5 / (0.5 + 1.5)))
    assert (few.method, spread.method) == ("poisson", "negative_binomial")
    n = [two_proportions_formula(a, b, method="unpooled").n_control
         for a, b in ((0.5, 0.3), (few.observed_control, few.observed_experimental))]  # fmt: skip
    assert few.size_factor == pytest.approx(n[1] / n[0])
    assert few.size_factor > 1.5
    assert misclassified_clearance(0.5, 0.3, sensitivity=1.0).size_factor == pytest.approx(1.0)


def test_tables_of_results():
    rows = [
        fisher_predictive_power(4, 29, 5, 29, 87, 87, alternative="less").table(),
        miettinen_nurminen_interval(4, 29, 5, 29).table(),
        misclassified_clearance(0.5, 0.3, sensitivity=0.9).table(),
    ]
    assert all(row.height == 1 and "version" in row.columns for row in rows)
    assert np.isfinite(rows[1]["lower"][0])
