"""Exact power, type I error and sizes; formulae; what the trials printed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import EstimationError
from ashworth.trials import (
    two_proportions_detectable,
    two_proportions_formula,
    two_proportions_p_values,
    two_proportions_power,
    two_proportions_size,
)
from ashworth.trials.proportions.binomial import binomial
from ashworth.trials.proportions.regions import TESTS
from ashworth.trials.proportions.size import smallest_sizes

from .conftest import MADE, PRINTED, entries


def test_treat_ctc_by_enumeration():
    power = two_proportions_power(0.5, 0.3, 87, 87, alpha=0.05, sided=1)
    assert power.power == pytest.approx(MADE["fisher.power.one_sided.05.n87_87.p.3_.5"], abs=1e-12)
    null = two_proportions_power(0.3, 0.3, 87, 87, alpha=0.05, sided=1, alternative="less")
    assert null.power == pytest.approx(MADE["fisher.size.one_sided.05.n87_87.p.3_.3"], abs=1e-12)
    assert null.power < null.type_1_error <= null.type_1_error_bound < 0.05


FISHER = r"twoprop\.fisher_exact\.p1_([\d.]+)\.p2_([\d.]+)\.a2sided([\d.]+)\.pw([\d.]+)"


@pytest.mark.parametrize(("made", "p1", "p2", "alpha", "power"), entries(FISHER))
def test_exact_fisher_power_equals_lrstat(made, p1, p2, alpha, power):
    n, m = made["n"] // 2, made["n"] - made["n"] // 2
    found = [two_proportions_power(*p, n, m, alpha=alpha).power for p in ((p1, p2), (p2, p1))]
    assert min(abs(value - made["power"]) for value in found) < 1e-12
    per_arm = two_proportions_size(p1, p2, alpha=alpha, power=power)
    assert 2 * per_arm.first_n_control in (made["n"] - 1, made["n"] + 1)


NORMAL = r"twoprop\.(?:nBinomial\.p1|rpact\.p2)_([\d.]+)\.p[12]_([\d.]+)\.a([\d.]+)\.pw([\d.]+)"


@pytest.mark.parametrize(("made", "p1", "p2", "alpha", "power"), entries(NORMAL))
@pytest.mark.parametrize("method", ["pooled", "farrington_manning"])
def test_formulae_equal_gsdesign_and_rpact(made, p1, p2, alpha, power, method):
    found = two_proportions_formula(p1, p2, alpha=alpha, sided=1, power=power, method=method)
    assert found.n_total == pytest.approx(made, rel=1e-12)


def test_non_inferiority_equals_gsdesign():
    found = two_proportions_formula(0.15, 0.15, sided=1, method="farrington_manning",
                                    null_difference=0.1)  # fmt: skip
    assert found.n_total == pytest.approx(MADE["twoprop.ni.nBinomial.p.15.delta0.1.a.05.p.8"],
                                          rel=1e-12)  # fmt: skip
    assert found.power_integer >= 0.8


def test_all_reference_sizes_were_compared():
    known = [k for k in MADE if k.startswith("twoprop.") and ".ni." not in k]
    assert len(entries(FISHER)) + len(entries(NORMAL)) == len(known) == 31


def test_detect_v():
    printed = PRINTED["detect_v"]
    shares = printed["p_control"], round(printed["p_control"] * printed["risk_ratio"], 3)
    assert shares[1] == 0.647
    for power, per_arm in printed["per_arm"]:
        assert round(two_proportions_formula(*shares, power=power).n_control) == per_arm
    stated = printed["stated_per_arm"]
    power = two_proportions_power(*shares, stated, stated).power
    assert power == pytest.approx(printed["power_with_stated"], abs=0.005)


def test_dropout_inflates_each_arm():
    design = two_proportions_size(0.863, 0.647, power=0.9714, dropout=0.1)
    assert design.n_control == 121
    assert design.randomised_control == design.randomised_experimental == 135
    assert design.randomised_total == PRINTED["detect_v"]["stated_randomised"]


@pytest.mark.parametrize(("p", "alpha", "power", "detects"), PRINTED["treat_ctc_detects"])
def test_treat_ctc_detects(p, alpha, power, detects):
    for test in ("pooled", "boschloo"):
        found = two_proportions_detectable(p, 87, 87, alternative="less", alpha=alpha, sided=1,
                                           power=power, test=test)  # fmt: skip
        assert round(found.p_experimental, 2) == detects
    exact = two_proportions_power(p, found.p_experimental, 87, 87, alpha=alpha, sided=1,
                                  test="boschloo")  # fmt: skip
    assert exact.power == pytest.approx(power, abs=1e-9)


def test_halving_the_persistence_of_treat_ctc():
    normal = two_proportions_formula(4 / 29, 2 / 29, sided=1)
    assert round(normal.n_total) == PRINTED["treat_ctc_halving"]["value"]
    exact = two_proportions_size(4 / 29, 2 / 29, sided=1)
    assert exact.n_control == 264


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("sided", [1, 2])
def test_power_is_the_sum_over_all_tables(test, sided):
    n, m, p, q = 11, 8, 0.2, 0.65
    found = two_proportions_power(p, q, n, m, alpha=0.08, sided=sided, test=test)
    x, y = np.mgrid[: n + 1, : m + 1]
    side = "greater" if sided == 1 else "two-sided"
    rejects = two_proportions_p_values(x, n, y, m, test=test, alternative=side) <= 0.08
    assert found.power == pytest.approx(binomial(n, p) @ rejects @ binomial(m, q), abs=1e-13)
    if test in ("fisher", "boschloo"):
        assert found.type_1_error_bound <= 0.08 * (1 + 2e-9)


@given(n=st.integers(5, 60), m=st.integers(5, 60), p=st.floats(0.05, 0.95),
       q=st.floats(0.05, 0.95))  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_boschloo_is_never_less_powerful_than_fisher(n, m, p, q):
    power = [two_proportions_power(p, q, n, m, sided=1, alternative="less", test=test)
             for test in ("fisher", "boschloo")]  # fmt: skip
    assert power[1].power >= power[0].power - 1e-12
    assert power[0].type_1_error <= power[1].type_1_error <= 0.05 * (1 + 1e-8)


@given(p=st.floats(0.05, 0.95), q=st.floats(0.05, 0.95), test=st.sampled_from(TESTS))
@settings(max_examples=25, deadline=None)
def test_naming_the_other_outcome_changes_nothing(p, q, test):
    here = two_proportions_power(p, q, 20, 30, sided=1, alternative="less", test=test)
    there = two_proportions_power(1 - p, 1 - q, 20, 30, sided=1, alternative="greater", test=test)
    assert here.power == pytest.approx(there.power, abs=1e-10)
    assert here.type_1_error == pytest.approx(there.type_1_error, rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("test", ["fisher", "boschloo", "farrington_manning"])
@pytest.mark.parametrize(("p", "q", "ratio"), [(0.1, 0.4, 1.0), (0.5, 0.2, 2.0), (0.1, 0.3, 0.5)])
def test_size_is_the_first_and_the_lasting_one(test, p, q, ratio):
    design = two_proportions_size(p, q, ratio=ratio, power=0.8, test=test)
    sizes = range(design.searched_from, design.searched_to + 1)
    power = {n: two_proportions_power(p, q, n, int(np.ceil(ratio * n)), test=test).power
             for n in sizes}  # fmt: skip
    assert design.first_n_control == next(n for n in sizes if power[n] >= 0.8)
    assert design.n_control == max(n for n in sizes if power[n] < 0.8) + 1
    assert design.power_integer == power[design.n_control] >= 0.8
    assert design.first_power == power[design.first_n_control] >= 0.8
    assert design.n_experimental == np.ceil(ratio * design.n_control)


def test_the_saw_tooth_separates_first_and_lasting_sizes():
    design = two_proportions_size(0.863, 0.647, power=0.9, test="boschloo")
    assert (design.first_n_control, design.n_control) == (81, 84)
    assert two_proportions_power(0.863, 0.647, 83, 83, test="boschloo").power < 0.9
    found = smallest_sizes(lambda n, power: n in (10, 11) or n > 14, 0.8, 12.0)
    assert (found.first, found.holds, found.searched_from) == (10, 15, 1)


def test_non_inferiority_size_is_exact():
    design = two_proportions_size(0.15, 0.15, sided=1, power=0.8, null_difference=0.1,
                                  test="farrington_manning")  # fmt: skip
    assert design.alternative == "less"
    assert abs(2 * design.n_control - 325) < 20
    assert design.power_integer >= 0.8
    assert 0.05 < design.type_1_error < 0.06


def test_so_small_a_difference_has_no_exact_size():
    with pytest.raises(EstimationError, match="two_proportions_formula"):
        two_proportions_size(0.5, 0.501)


def test_out_of_reach_says_so():
    with pytest.raises(EstimationError, match="out of reach"):
        two_proportions_detectable(0.05, 20, 20, alternative="less")


def test_continuity_correction_is_inverted_by_its_power():
    design = two_proportions_formula(0.5, 0.3, method="pooled_continuity", ratio=2.0)
    plain = two_proportions_formula(0.5, 0.3, ratio=2.0)
    n, gap = design.n_control, 0.2
    corrected = gap - (1 / n + 1 / design.n_experimental) / 2
    assert corrected * np.sqrt(n) == pytest.approx(gap * np.sqrt(plain.n_control), rel=1e-12)
    nearly = design.n_control_integer / n
    assert 0.8 <= design.power_integer < 0.8 + 0.5 * (nearly - 1) + 0.005


def test_results_tell_their_options_as_a_table():
    design = two_proportions_size(0.5, 0.2)
    row = design.table().to_dicts()[0]
    assert row["n_control"] == design.n_control
    assert design.options["method"] == row["method"] == "fisher"
    assert row["version"] == design.version
