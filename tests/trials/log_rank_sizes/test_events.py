"""Events, power by events, declared and detectable ratios against gsDesign and rpact."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashworth.errors import InputError
from ashworth.trials import implied_events, log_rank_events, log_rank_limits, log_rank_power

from .conftest import MADE, PRINTED

SUPERIORITY = re.compile(r"schoenfeld\.events\.sup\.a([\d.]+)\.p([\d.]+)\.hr([\d.]+)\.r(\d)$")
MARGIN = re.compile(r"schoenfeld\.events\.ni\.a([\d.]+)\.p([\d.]+)\.margin([\d.]+)\.trueHR1$")


def numbers(pattern):
    found = [(k, pattern.match(k)) for k in MADE]
    return [(k, *map(float, m.groups())) for k, m in found if m]


@pytest.mark.parametrize(("name", "alpha", "power", "ratio", "arms"), numbers(SUPERIORITY))
def test_events_equal_gsdesign(name, alpha, power, ratio, arms):
    found = log_rank_events(ratio, alpha=alpha, power=power, ratio=arms)
    assert found.events == pytest.approx(MADE[name], rel=1e-12)
    assert found.events_integer == math.ceil(MADE[name])
    assert found.method == "schoenfeld"


@pytest.mark.parametrize(("name", "alpha", "power", "margin"), numbers(MARGIN))
def test_events_of_a_margin_equal_gsdesign(name, alpha, power, margin):
    found = log_rank_events(1.0, alpha=alpha, power=power, null_hazard_ratio=margin)
    assert found.events == pytest.approx(MADE[name], rel=1e-12)


def test_all_reference_events_were_compared():
    known = [k for k in MADE if k.startswith("schoenfeld.events.") and "s0500" not in k]
    assert len(numbers(SUPERIORITY)) + len(numbers(MARGIN)) == len(known) == 30


@pytest.mark.parametrize(
    ("alpha", "power", "events"),
    [(0.05, 0.80, 497), (0.05, 0.85, 578), (0.05, 0.90, 688), (0.025, 0.80, 631),
     (0.025, 0.90, 845)],
)  # fmt: skip
def test_stic_ctc(alpha, power, events):
    """844.09 events are printed as 844; whole events that keep the power are 845."""
    found = log_rank_events(1.0, alpha=alpha, power=power, null_hazard_ratio=1.25)
    assert found.events_integer == events
    assert found.power_integer >= power
    fewer = log_rank_power(events - 1, 1.0, alpha=alpha, null_hazard_ratio=1.25)
    assert fewer < power


def test_s0500():
    found = log_rank_events(1 / 1.7, alpha=0.05, sided=2, power=0.81)
    made = MADE["schoenfeld.events.s0500.a0.05two.p0.81.medratio1.7"]
    assert found.events == pytest.approx(made, rel=1e-12)
    power = log_rank_power(120, 1 / 1.7, alpha=0.05, sided=2)
    assert power == pytest.approx(MADE["schoenfeld.power.s0500.a0.05two.d120"], rel=1e-12)


@pytest.mark.parametrize("method", ["schoenfeld", "freedman", "hsieh_freedman"])
def test_formulae_at_two_to_one_equal_rpact(method):
    found = log_rank_events(0.75, ratio=2.0, method=method)
    assert found.events == pytest.approx(PRINTED["rpact.events.hr0.75.r2"][method], abs=5e-5)


def test_freedman_and_hsieh_agree_at_one_to_one_only():
    def events(method, ratio):
        return log_rank_events(0.75, method=method, ratio=ratio).events

    assert events("freedman", 1) == pytest.approx(events("hsieh_freedman", 1), rel=1e-12)
    made = MADE["gsDesign.nSurv.Freedman.hr0.75.med12.acc24.fu18"]["d"]
    assert events("freedman", 1) == pytest.approx(made, rel=1e-9)
    assert events("hsieh_freedman", 2) > 1.1 * events("freedman", 2)


ratios = st.floats(0.3, 0.95)
allocations = st.floats(0.3, 3.0)
methods = st.sampled_from(["schoenfeld", "freedman", "hsieh_freedman"])
levels = st.tuples(st.floats(0.005, 0.2), st.floats(0.55, 0.99), st.sampled_from([1, 2]))


@given(ratios, allocations, methods, levels)
def test_events_power_and_detectable_ratio_are_inverse(ratio, arms, method, level):
    alpha, power, sided = level
    asked = {"alpha": alpha, "sided": sided, "ratio": arms, "method": method}
    found = log_rank_events(ratio, power=power, **asked)
    assert log_rank_power(found.events, ratio, **asked) == pytest.approx(power, abs=1e-10)
    limits = log_rank_limits(found.events, power=power, **asked)
    assert limits.detectable_hazard_ratio == pytest.approx(ratio, rel=1e-9)
    assert limits.declared_hazard_ratio < 1.0
    assert method != "schoenfeld" or limits.declared_hazard_ratio > ratio
    assert found.power_integer >= power - 1e-12
    assert found.alpha_integer == pytest.approx(alpha, rel=1e-9)


@given(ratios, allocations, st.floats(1.05, 2.0))
def test_a_margin_shifts_the_scale(ratio, arms, margin):
    there = log_rank_events(ratio * margin, ratio=arms, null_hazard_ratio=margin)
    here = log_rank_events(ratio, ratio=arms)
    assert there.events == pytest.approx(here.events, rel=1e-9)
    assert there.declared_hazard_ratio == pytest.approx(margin * here.declared_hazard_ratio)


@given(ratios, allocations)
def test_exchanged_arms_need_the_same_events(ratio, arms):
    one, other = log_rank_events(ratio, ratio=arms), log_rank_events(1 / ratio, ratio=1 / arms)
    assert other.events == pytest.approx(one.events, rel=1e-9)
    assert other.declared_hazard_ratio == pytest.approx(1 / one.declared_hazard_ratio, rel=1e-6)


def test_power_at_and_beyond_the_null():
    assert log_rank_power(300, 1.0, alpha=0.05) == pytest.approx(0.05)
    assert log_rank_power(300, 1.25, null_hazard_ratio=1.25) == pytest.approx(0.025)
    assert log_rank_power(300, 1.5, null_hazard_ratio=1.25) < 0.001


def test_an_estimate_at_the_declared_ratio_has_its_limit_at_the_null():
    declared = log_rank_limits(497, alpha=0.05, null_hazard_ratio=1.25).declared_hazard_ratio
    assert declared * math.exp(1.6448536269514722 * 2 / math.sqrt(497)) == pytest.approx(1.25)


def test_freedman_has_no_ratio_for_too_few_events():
    assert log_rank_limits(9, method="freedman").detectable_hazard_ratio == 0.0


def test_events_of_printed_intervals():
    assert round(implied_events(0.69, 1.03), 1) == 383.0
    assert round(implied_events(0.81, 1.09, level=0.90)) == 491
    assert round(implied_events(0.81, 1.09)) == 697
    twice = implied_events(0.81, 1.09, ratio=2.0)
    assert twice == pytest.approx(implied_events(0.81, 1.09) * 9 / 8)


def test_tables_and_options_carry_the_question():
    found = log_rank_events(0.75, method="freedman")
    row = found.table().row(0, named=True)
    assert row["events"] == found.events
    assert row["method"] == found.options["method"] == "freedman"
    assert row["version"] == found.version
    limits = log_rank_limits(100)
    assert limits.table()["declared_hazard_ratio"].item() == limits.declared_hazard_ratio
    assert limits.options["events"] == 100


def columns(error):
    return [p.column for p in error.value.problems]


def test_all_faults_at_once():
    with pytest.raises(InputError) as error:
        log_rank_events(1.0, alpha=0.7, sided=3, power=1.2, ratio=0, method="cox")
    assert set(columns(error)) == {"sided", "alpha", "power", "hazard_ratio", "ratio", "method"}
    with pytest.raises(InputError) as error:
        log_rank_power(-1, math.nan, alpha=2, ratio="1", null_hazard_ratio=True)
    assert set(columns(error)) == {"events", "hazard_ratio", "alpha", "ratio", "null_hazard_ratio"}
    with pytest.raises(InputError) as error:
        implied_events(1.09, 0.81, level=95)
    assert columns(error) == ["upper", "level"]


@pytest.mark.parametrize(
    ("ratio", "options", "column"),
    [(1.0, {}, "hazard_ratio"), (0.75, {"power": 0.02}, "power"),
     (1.25, {"null_hazard_ratio": 1.25}, "hazard_ratio"),
     (1.4, {"null_hazard_ratio": 1.25}, "hazard_ratio"),
     (0.9, {"null_hazard_ratio": 0.8}, "hazard_ratio"),
     (1.0, {"null_hazard_ratio": 1.25, "method": "freedman"}, "method"),
     (float("inf"), {}, "hazard_ratio"), (0.0, {}, "hazard_ratio"), (None, {}, "hazard_ratio")],
)  # fmt: skip
def test_refused(ratio, options, column):
    with pytest.raises(InputError) as error:
        log_rank_events(ratio, **options)
    assert columns(error) == [column]
