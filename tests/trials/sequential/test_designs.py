"""What holds of every group-sequential design."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import InputError
from ashworth.trials import (
    error_spending,
    group_sequential,
    sequential_events,
    sequential_looks_at,
)

FAMILIES = (
    {"efficacy": "obrien_fleming"},
    {"efficacy": "pocock"},
    {"efficacy": "hwang_shih_decani", "gamma": -4},
    {"efficacy": "hwang_shih_decani", "gamma": 0},
    {"efficacy": "kim_demets", "rho": 2.5},
    {"efficacy": "exact_obrien_fleming"},
    {"efficacy": "exact_pocock"},
    {"efficacy": "wang_tsiatis", "shape": 0.1},
    {"efficacy": "haybittle_peto"},
)


def brownian(times, drift, runs, seed):
    """Z statistics of runs of a Brownian motion with drift."""
    steps = np.diff(times, prepend=0.0)
    noise = np.random.default_rng(seed).standard_normal((runs, len(times)))
    return np.cumsum(noise * np.sqrt(steps) + drift * steps, axis=1) / np.sqrt(times)


def first(crossed):
    """Share of runs that cross first at each look."""
    here = crossed & (np.cumsum(crossed, axis=1) == 1)
    return here.mean(axis=0)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: "-".join(map(str, f.values())))
@given(st.lists(st.floats(0.05, 0.95), min_size=1, max_size=4), st.sampled_from([1, 2]),
       st.floats(0.01, 0.2))  # fmt: skip
@settings(max_examples=8, deadline=None)
def test_the_type_one_error_is_alpha_and_the_power_is_met(family, interim, sided, alpha):
    fractions = [*sorted({round(t, 2) for t in interim}), 1.0]
    if family["efficacy"] == "haybittle_peto":
        family = {**family, "interim_z": 3.5}
    design = group_sequential(information_fractions=fractions, alpha=alpha, sided=sided, **family)
    assert design.type_one_error == pytest.approx(alpha, abs=1e-12)
    assert sum(design.upper_alternative) == pytest.approx(0.9, abs=1e-11)
    assert np.all(np.diff(design.alpha_spent) >= 0)
    assert design.inflation >= 1.0 - 1e-12
    assert design.expected_alternative <= design.inflation
    if sided == 2:
        assert design.lower_z == pytest.approx([-u for u in design.upper_z])
        assert design.lower_null == pytest.approx(design.upper_null, rel=1e-10)


@pytest.mark.parametrize("binding", [True, False])
@pytest.mark.parametrize("futility", ["obrien_fleming", "pocock", "kim_demets"])
def test_futility_spends_beta_and_meets_the_upper_bound(binding, futility):
    rho = 1.5 if futility == "kim_demets" else None
    design = group_sequential(4, futility=futility, futility_rho=rho, binding=binding, power=0.85)
    assert design.lower_z[-1] == design.upper_z[-1]
    assert design.beta_spent[-1] == pytest.approx(0.15, abs=1e-11)
    plan = error_spending(design.information_fractions, alpha=0.15, family=futility, rho=rho)
    assert design.beta_spent == pytest.approx(plan.cumulative, abs=1e-11)
    assert design.type_one_error == pytest.approx(0.025, abs=1e-12)
    heeded = sum(design.upper_null)
    assert heeded == pytest.approx(0.025, abs=1e-12) if binding else heeded < 0.0245
    assert sum(design.lower_null) == pytest.approx(1 - heeded, abs=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("sided", [1, 2])
def test_crossing_probabilities_agree_with_simulated_brownian_motion(share, sided):
    """Simulated: 100,000 runs; the band is four standard errors."""
    kind = {"futility": "pocock", "binding": True} if sided == 1 else {}
    design = group_sequential(information_fractions=[0.3, 0.45, 0.8, 1.0], alpha=0.05,
                              sided=sided, efficacy="pocock", **kind)  # fmt: skip
    runs = 100_000
    z = brownian(np.array(design.information_fractions), share * design.drift, runs, seed=11)
    up, down = z > design.upper_z, z <= design.lower_z
    ended = first(up | down)
    name = {0.0: "null", 0.5: "halfway", 1.0: "alternative"}[share]
    upward = (up & (np.cumsum(up | down, axis=1) == 1)).mean(axis=0)
    expected = np.array(getattr(design, f"upper_{name}"))
    total = expected + np.array(getattr(design, f"lower_{name}"))
    for found, theory in ((upward, expected), (ended, total)):
        assert np.all(np.abs(found - theory) <= 4 * np.sqrt(theory * (1 - theory) / runs) + 1e-9)
    times = np.array(design.information_fractions)
    information = ended @ times + (1 - ended.sum()) * times[-1]
    average = design.inflation * information
    assert getattr(design, f"expected_{name}") == pytest.approx(average, rel=0.01)


def test_one_look_is_the_fixed_design():
    design = group_sequential(1, alpha=0.05, sided=2, power=0.8)
    assert design.upper_z == pytest.approx([1.959963984540054], abs=1e-12)
    assert design.inflation == pytest.approx(1.0, abs=1e-11)
    assert design.drift == pytest.approx(2.801585218, abs=1e-8)


def test_users_values_and_given_bounds_are_the_same_design():
    plain = group_sequential(3)
    spent = group_sequential(3, efficacy="user", spent=plain.alpha_spent)
    given_ = group_sequential(3, efficacy="fixed", bounds=plain.upper_z)
    for other in (spent, given_):
        assert other.upper_z == pytest.approx(plain.upper_z, abs=1e-10)
        assert other.drift == pytest.approx(plain.drift, abs=1e-10)
    futile = group_sequential(3, futility="pocock", binding=True)
    same = group_sequential(3, futility="fixed", futility_bounds=futile.lower_z[:-1], binding=True)
    assert same.upper_z == pytest.approx(futile.upper_z, abs=1e-10)
    assert same.power == pytest.approx(sum(same.upper_alternative), abs=1e-11)


def test_nothing_spent_at_a_look_is_no_look():
    quiet = group_sequential(information_fractions=[0.2, 0.5, 1.0], efficacy="user",
                             spent=[0.0, 0.01, 0.025])  # fmt: skip
    short = group_sequential(information_fractions=[0.5, 1.0], efficacy="user", spent=[0.01, 0.025])
    assert quiet.upper_z[0] == np.inf
    assert quiet.upper_z[1:] == pytest.approx(short.upper_z, abs=1e-12)
    assert quiet.drift == pytest.approx(short.drift, abs=1e-12)


def test_looks_close_together_and_many_looks_stay_accurate():
    close = group_sequential(information_fractions=[0.5, 0.502, 1.0], efficacy="pocock")
    assert close.type_one_error == pytest.approx(0.025, abs=1e-12)
    many = group_sequential(40)
    assert many.type_one_error == pytest.approx(0.025, abs=1e-12)
    assert np.all(np.isfinite(many.upper_z))
    assert np.all(np.diff(many.upper_z) < 0)


@pytest.mark.parametrize("futility", ["none", "pocock"])
def test_looks_at_planned_information_are_the_design(futility):
    design = group_sequential(3, futility=futility)
    events = [100.0, 200.0, 300.0]
    looks = sequential_looks_at(design, events, planned_information=300, final=True)
    assert looks.upper_z == pytest.approx(design.upper_z, abs=1e-10)
    assert looks.lower_z == pytest.approx(design.lower_z, abs=1e-9)
    assert looks.power[-1] == pytest.approx(0.9, abs=1e-11)


@given(st.lists(st.integers(20, 290), min_size=2, max_size=4, unique=True), st.floats(0.1, 10))
@settings(max_examples=15, deadline=None)
def test_earlier_bounds_stand_whatever_follows_and_whatever_the_unit(events, unit):
    design = group_sequential(3, efficacy="pocock", alpha=0.05, sided=2)
    events = sorted(events)
    all_looks = sequential_looks_at(design, events, planned_information=280 + 20, final=True)
    before = sequential_looks_at(design, events[:-1], planned_information=300)
    assert all_looks.upper_z[:-1] == pytest.approx(before.upper_z, abs=1e-10)
    assert all_looks.alpha_spent[-1] == pytest.approx(0.05, abs=1e-12)
    scaled = [unit * d for d in events]
    again = sequential_looks_at(design, scaled, planned_information=300 * unit, final=True)
    assert again.upper_z == pytest.approx(all_looks.upper_z, abs=1e-9)


def test_haybittle_keeps_its_interim_bound_at_any_information():
    design = group_sequential(3, efficacy="haybittle_peto")
    looks = sequential_looks_at(design, [0.2, 0.9])
    assert looks.upper_z == (3.0, 3.0)
    over = sequential_looks_at(design, [0.2, 0.9, 1.1], final=True)
    assert over.alpha_spent[-1] == pytest.approx(0.025, abs=1e-12)


def test_whole_events_have_their_own_alpha_and_power():
    found = sequential_events(group_sequential(3), 0.75)
    assert found.events[-1] == pytest.approx(507.84433535462659 * 1.0118527592839623, rel=1e-8)
    assert found.events_integer == (172, 343, 514)
    assert found.alpha_integer == pytest.approx(0.025, abs=1e-12)
    assert found.alpha_if_kept != pytest.approx(0.025, abs=1e-9)
    assert 0.9 < found.power_integer < 0.901
    assert found.expected_alternative < found.fixed_events


def faults_of(call, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        call(*args, **kwargs)
    return {p.column for p in caught.value.problems}


def test_all_faults_of_a_design_at_once():
    found = faults_of(
        group_sequential, information_fractions=[0.5, 0.4, 1.2], alpha=0.7, power=1.5,
        efficacy="kim_demets", gamma=2.0, futility="pocock", futility_gamma=1.0,
    )  # fmt: skip
    assert found == {"information_fractions", "alpha", "power", "rho", "gamma", "futility_gamma"}


@pytest.mark.parametrize(
    ("asked", "column"),
    [
        ({}, "looks"),
        ({"looks": 3, "information_fractions": [1.0]}, "looks"),
        ({"looks": 2.5}, "looks"),
        ({"looks": 0}, "looks"),
        ({"information_fractions": [0.5, 0.9]}, "information_fractions"),
        ({"information_fractions": [0.5, 0.5001, 1.0]}, "information_fractions"),
        ({"information_fractions": "abc"}, "information_fractions"),
        ({"looks": 3, "power": 0.02}, "power"),
        ({"looks": 3, "alpha": 0.5}, "alpha"),
        ({"looks": 3, "alpha": float("nan")}, "alpha"),
        ({"looks": 3, "efficacy": "other"}, "efficacy"),
        ({"looks": 3, "efficacy": "user", "spent": [0.02, 0.01, 0.025]}, "spent"),
        ({"looks": 3, "efficacy": "user", "spent": [0.01, 0.02, 0.024]}, "spent"),
        ({"looks": 3, "efficacy": "user", "spent": [0.01, 0.025]}, "spent"),
        ({"looks": 3, "efficacy": "fixed", "bounds": [3.0, 2.0]}, "bounds"),
        ({"looks": 2, "efficacy": "fixed", "bounds": [0.1, 0.1], "power": 0.5}, "bounds"),
        ({"looks": 8, "efficacy": "haybittle_peto", "interim_z": 2.0}, "interim_z"),
        ({"looks": 3, "futility": "pocock", "sided": 2}, "futility"),
        ({"looks": 3, "binding": True}, "binding"),
        ({"looks": 3, "efficacy": "exact_pocock", "futility": "pocock", "binding": True},
         "binding"),
        ({"looks": 3, "futility": "hwang_shih_decani", "futility_gamma": 100, "binding": True,
          "alpha": 0.2, "power": 0.201}, "futility"),
        ({"looks": 2, "futility": "fixed", "futility_bounds": [2.5], "binding": True}, "futility"),
        ({"looks": 3, "efficacy": "fixed", "bounds": [3.0, 2.5, float("inf")]}, "bounds"),
        ({"looks": 3, "sided": np.array([1, 2])}, "sided"),
        ({"looks": 10**400}, "looks"),
    ],
)  # fmt: skip
def test_each_fault_is_named(asked, column):
    assert column in faults_of(group_sequential, **asked)


def test_bounds_that_can_hardly_be_passed_have_their_power():
    design = group_sequential(information_fractions=[0.05, 1.0], efficacy="fixed",
                              bounds=[30.0, 20.0], futility="fixed",
                              futility_bounds=[5.0])  # fmt: skip
    assert sum(design.upper_alternative) == pytest.approx(0.9, abs=1e-10)
    assert design.drift * 0.05**0.5 == pytest.approx(5.0 + 1.2815515655446004, abs=1e-6)


def test_faults_of_looks_and_spending():
    design = group_sequential(3)
    assert faults_of(sequential_looks_at, design, [0.5, 0.4]) == {"information"}
    assert faults_of(sequential_looks_at, design, [0.5, 1.0]) == {"information"}
    exact = group_sequential(3, efficacy="exact_pocock")
    assert faults_of(sequential_looks_at, exact, [0.5]) == {"design"}
    assert faults_of(error_spending, [0.5, 1.0], family="kim_demets", alpha=0.9) == {"rho", "alpha"}
    assert faults_of(sequential_events, design) == {"hazard_ratio"}
    assert faults_of(sequential_events, group_sequential(9), 0.05) == {"design"}


def test_tables_have_a_row_per_look():
    design = group_sequential(4, futility="pocock")
    assert design.table()["look"].to_list() == [1, 2, 3, 4]
    assert sequential_events(design, 0.7).table().height == 4
    assert sequential_looks_at(design, [0.3]).table().height == 1
    assert error_spending([0.2, 0.4]).table().columns[1] == "information_fraction"
    assert design.options["efficacy"] == "obrien_fleming"
