"""Patients by every method against gsDesign, rpact, lrstat and rashnu; a simulated trial."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import InputError
from ashworth.trials import (
    TrialCourse,
    compare_methods,
    course_events,
    hazard_of_survival,
    log_rank_events,
    log_rank_power_of_patients,
    log_rank_size,
)

from .conftest import MADE, PRINTED, median_12, stic, two_hazards

YEARS = TrialCourse(
    control_hazard=hazard_of_survival(0.5, 2.0), hazard_ratio=math.log(0.6) / math.log(0.5),
    accrual_duration=2.0, follow_up=1.5, time_unit="years",
)  # fmt: skip
DELAYED = {"hazard_ratio": (1.0, 0.6), "hazard_ratio_breaks": (6.0,)}


@pytest.mark.parametrize(
    ("key", "course", "options"),
    [
        ("rpact.surv.sup.Schoenfeld.hr0.75.med12.acc24.fu18.drop5pct.r1", median_12(),
         {"method": "schoenfeld"}),
        ("rpact.surv.sup.Freedman.hr0.75.med12.acc24.fu18.drop5pct.r2", median_12(ratio=2.0),
         {"method": "freedman"}),
        ("rpact.surv.ni1.25.a0.025.p0.9.med13.9.acc54.fu24", stic(),
         {"method": "schoenfeld", "null_hazard_ratio": 1.25}),
    ],
)  # fmt: skip
def test_events_and_patients_equal_rpact(key, course, options):
    found = log_rank_size(course, **options)
    assert found.events == pytest.approx(MADE[key]["events"], rel=1e-12)
    assert found.patients == pytest.approx(MADE[key]["n"], rel=1e-12)
    if "n1" in MADE[key]:
        assert found.patients_experimental == pytest.approx(MADE[key]["n1"], rel=1e-12)


def test_methods_equal_gsdesign():
    made = MADE["gsDesign.nSurv.Freedman.hr0.75.med12.acc24.fu18"]
    found = log_rank_size(median_12(), method="freedman")
    assert (found.events, found.patients) == pytest.approx((made["d"], made["n"]), rel=1e-9)
    assert found.patients / 24.0 == pytest.approx(made["rate"], rel=1e-9)
    for name, method in (("LachinFoulkes", "lachin_foulkes"),
                         ("BernsteinLagakos", "bernstein_lagakos")):  # fmt: skip
        made = PRINTED[f"gsDesign.nSurv.{name}.hr0.75.med12.acc24.fu18"]
        found = log_rank_size(median_12(), method=method)
        assert found.events == pytest.approx(made["events"], abs=5e-6)
        assert found.patients == pytest.approx(made["n"], abs=5e-3)


def test_documented_example_of_nsurvival():
    course = TrialCourse(control_hazard=0.2, hazard_ratio=0.5, accrual_duration=0.5,
                         follow_up=1.5, dropout_hazard=0.1, time_unit="years")  # fmt: skip
    made = MADE["gsDesign.nSurvival.documented_example"]
    found = log_rank_size(course, method="lachin_foulkes")
    assert (found.events, found.patients) == pytest.approx((made["d"], made["n"]), rel=1e-12)


def test_margin_by_lachin_and_foulkes_equals_gsdesign():
    found = log_rank_size(stic(), alpha=0.05, power=0.8, null_hazard_ratio=1.25)
    key = "gsDesign.nSurv.LachinFoulkes.ni1.25.a0.05.p0.8.med13.9.acc54.fu24"
    assert found.events == pytest.approx(PRINTED[key]["events"], abs=5e-6)
    assert found.patients == pytest.approx(PRINTED[key]["n"], abs=5e-6)


def size_in_years(steps):
    return log_rank_size(YEARS, alpha=0.05, sided=2, method="lakatos", steps_per_year=steps)


def test_lakatos_equals_rashnu_and_its_limit_lrstat():
    assert size_in_years(24).patients_integer == 870
    for steps in (100, 365):
        made = MADE[f"lakatos.rashnu.S2y_.5_.6.acc2.fu1.5.a.05two.p.9.b{steps}"]
        assert size_in_years(steps).patients_integer == made["n"]
        assert size_in_years(steps).events == pytest.approx(made["events"], abs=0.5)
    limit = log_rank_size(YEARS, alpha=0.05, sided=2, method="lakatos_limit").patients
    made = PRINTED["lrstat.direct.S2y_.5_.6.acc2.fu1.5.a.05two.p.9"]["n"]
    assert limit == pytest.approx(made, abs=5e-4)
    gaps = [abs(size_in_years(steps).patients - limit) for steps in (50, 100, 200)]
    assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=0.02)  # first order in the step
    assert gaps[2] / gaps[1] == pytest.approx(0.5, abs=0.02)


def test_documented_example_of_rashnu():
    """Its grid spreads 48 points over 2 years but steps by 1/24: a few patients apart."""
    course = replace(YEARS, control_hazard=hazard_of_survival(0.7, 2.0),
                     hazard_ratio=math.log(0.6) / math.log(0.7), accrual_duration=1.0,
                     follow_up=1.0)  # fmt: skip
    made = MADE["lakatos.rashnu.documented_example"]
    for steps in (24, 120):
        found = log_rank_size(course, alpha=0.05, sided=2, power=0.8, method="lakatos",
                              steps_per_year=steps)  # fmt: skip
        assert found.patients_integer == pytest.approx(made["n"], abs=6)
        assert found.events == pytest.approx(made["events"], abs=0.2)


def test_power_of_the_limit_equals_lrstat():
    made = MADE["lrstat.lrpower.ni1.25.n778.a0.05"]
    found = log_rank_power_of_patients(stic(), 778, alpha=0.05, null_hazard_ratio=1.25)
    assert found.power == pytest.approx(made["power"], abs=1e-7)
    assert found.events == pytest.approx(made["events"], rel=1e-12)
    made = PRINTED["lrstat.lrpower.piecewise_.06_.04.hr0.75.n800.fu12"]
    found = log_rank_power_of_patients(two_hazards(), 800)
    assert found.power == pytest.approx(made["power"], abs=1e-7)
    assert found.events == pytest.approx(made["events"], abs=5e-6)
    found = log_rank_power_of_patients(two_hazards(**DELAYED), 800)
    made = PRINTED["lrstat.lrpower.delayed_6_months_then_.6"]
    assert found.power == pytest.approx(made["power"], abs=1e-7)


CHANGING = two_hazards(
    **DELAYED, ratio=1.5, drop_in_hazard=0.01, crossover_hazard=0.02, dropout_hazard=0.008,
    dropout_hazard_experimental=0.004, accrual_rates=(1.0, 2.0), accrual_breaks=(10.0,),
    stratum_shares=(0.4, 0.6), stratum_hazard_factors=(0.5, 1.4),
)  # fmt: skip


def test_steps_go_to_the_limit_with_everything_on():
    limit = log_rank_power_of_patients(CHANGING, 900, null_hazard_ratio=1.1)
    fine = log_rank_power_of_patients(CHANGING, 900, null_hazard_ratio=1.1, method="lakatos",
                                      steps_per_year=3000)  # fmt: skip
    assert fine.power == pytest.approx(limit.power, abs=2e-4)
    assert fine.events_control == pytest.approx(limit.events_control, rel=2e-4)
    assert fine.events_experimental == pytest.approx(limit.events_experimental, rel=2e-4)


def exponential_path(rng, n, pieces):
    """Times of a hazard given per piece of (0, 6, inf), by inversion."""
    need = rng.exponential(size=n)
    first = pieces[0] * 6.0
    return np.where(need < first, need / pieces[0], 6.0 + (need - first) / pieces[1])


def simulated_trial(course, n, seed):
    """Simulated patients of CHANGING: arm, stratum, time, event."""
    rng = np.random.default_rng(seed)
    arm = (rng.random(n) < course.arm_shares[1]).astype(int)
    stratum = (rng.random(n) < course.stratum_shares[1]).astype(int)
    late = rng.random(n) < 28 / 38  # accrual 10 months at 1, 14 at 2
    entry = np.where(late, 10 + 14 * rng.random(n), 10 * rng.random(n))
    factor = np.asarray(course.stratum_hazard_factors)[stratum]
    change = rng.exponential(1 / np.asarray(course.change_hazards)[arm])
    control = np.array([[0.06], [0.04]]) * factor
    ratio = np.array([[1.0], [0.6]])
    own = np.where(arm, control * ratio, control)
    other = np.where(arm, control, control * ratio)
    before = exponential_path(rng, n, own)
    after = np.where(change < 6, change + rng.exponential(1 / other[0]), 0.0)
    past = np.maximum(change, 6.0) + rng.exponential(1 / other[1])
    after = np.where((change < 6) & (after < 6), after, past)
    event_time = np.where(before < change, before, after)
    dropout = rng.exponential(1 / np.asarray(course.dropout_hazards)[arm])
    stop = np.minimum(dropout, course.duration - entry)
    return arm, stratum, np.minimum(event_time, stop), event_time <= stop


def test_a_simulated_trial_has_the_drift_and_events_of_the_limit():
    from ashworth.survival import log_rank

    n = 200_000
    arm, stratum, time, event = simulated_trial(CHANGING, n, 20261)
    expected = log_rank_power_of_patients(CHANGING, n)
    assert event[arm == 0].sum() == pytest.approx(expected.events_control, rel=0.01)
    assert event[arm == 1].sum() == pytest.approx(expected.events_experimental, rel=0.01)
    found = log_rank(time, event, arm, strata=stratum)
    quantile = (1.959963984540054 + 1.2815515655446004) / math.sqrt(
        log_rank_size(CHANGING, method="lakatos_limit").patients
    )
    # standard error of Z is 1; Z itself is near 30
    assert math.sqrt(found.statistic) == pytest.approx(quantile * math.sqrt(n), abs=4.0)


@pytest.mark.parametrize(
    "method",
    ["schoenfeld", "freedman", "hsieh_freedman", "lachin_foulkes", "bernstein_lagakos",
     "average_hazard_ratio", "lakatos", "lakatos_limit"],
)  # fmt: skip
def test_size_and_power_are_inverse_and_whole_designs_keep_the_power(method):
    course = median_12(ratio=1.7)
    size = log_rank_size(course, method=method)
    power = log_rank_power_of_patients(course, size.patients, method=method)
    assert power.power == pytest.approx(0.9, abs=1e-12)
    assert power.events == pytest.approx(size.events, rel=1e-12)
    assert size.patients_control + size.patients_experimental == pytest.approx(size.patients)
    assert 0 <= size.patients_control_integer - size.patients_control < 1
    assert 0 <= size.patients_experimental_integer - size.patients_experimental < 1
    assert 0.9 <= size.power_integer < 0.902
    assert size.alpha_integer == pytest.approx(0.025, rel=1e-9)
    own = replace(course, ratio=size.patients_experimental_integer / size.patients_control_integer)
    again = log_rank_power_of_patients(own, size.patients_integer, method=method)
    assert again.power == pytest.approx(size.power_integer, rel=1e-12)
    assert again.events == pytest.approx(size.expected_events_integer, rel=1e-12)
    assert size.method == again.method == method


def test_whole_patients_are_not_pushed_up_by_rounding():
    """Power asked for is that of exactly 400 to 200 patients."""
    course = median_12(ratio=2.0)
    power = log_rank_power_of_patients(course, 600, method="schoenfeld").power
    found = log_rank_size(course, power=power, method="schoenfeld")
    assert (found.patients_experimental_integer, found.patients_control_integer) == (400, 200)
    assert found.power_integer == pytest.approx(power, abs=1e-12)


def test_rounding_that_changes_the_ratio_keeps_the_power():
    """Freedman: 6.02 and 7.82 patients have power 0.9, but 7 and 8 have 0.896."""
    course = TrialCourse(control_median=1.0, hazard_ratio=0.1, accrual_duration=24.0,
                         follow_up=18.0, ratio=1.3)  # fmt: skip
    rounded = log_rank_power_of_patients(replace(course, ratio=8 / 7), 15, method="freedman")
    assert rounded.power < 0.9
    found = log_rank_size(course, method="freedman")
    assert found.power_integer >= 0.9
    assert 15 < found.patients_integer <= 18


def share_with_event(hazard, loss, end, accrual):
    """Closed form for uniform accrual."""
    leave = hazard + loss
    late = (math.exp(-leave * (end - accrual)) - math.exp(-leave * end)) / (leave * accrual)
    return hazard / leave * (1 - late)


@pytest.mark.parametrize("method", ["lachin_foulkes", "bernstein_lagakos"])
def test_unequal_arms_strata_and_a_margin_in_closed_form(method):
    """Lachin and Foulkes (1986) and Bernstein and Lagakos (1978), written out."""
    margin, ratio, arms, loss = 1.2, 0.7, 2.5, 0.01
    shares, factors = (0.3, 0.7), (3.0, 0.4)
    course = median_12(hazard_ratio=ratio, ratio=arms, dropout_hazard=loss, stratum_shares=shares,
                       stratum_hazard_factors=factors)  # fmt: skip

    def variance(control, effect):
        information = 0.0
        for share, factor in zip(shares, factors, strict=True):
            hazard = factor * control
            mine = share / (1 + arms) * share_with_event(hazard, loss, 42.0, 24.0)
            other = share * arms / (1 + arms) * share_with_event(hazard * effect, loss, 42.0, 24.0)
            information += 1 / (1 / mine + 1 / other)
        return 1 / information

    control = math.log(2) / 12
    mean = control * (1 + arms * ratio) / (1 + arms * margin)
    null = variance(mean if method == "lachin_foulkes" else control, margin)
    root = 1.959963984540054 * null**0.5 + 1.2815515655446004 * variance(control, ratio) ** 0.5
    expected = (root / math.log(ratio / margin)) ** 2
    found = log_rank_size(course, null_hazard_ratio=margin, method=method)
    assert found.patients == pytest.approx(expected, rel=1e-12)


def test_events_of_the_size_are_those_of_the_formula():
    size = log_rank_size(median_12(), method="schoenfeld")
    assert size.events == pytest.approx(log_rank_events(0.75).events, rel=1e-12)
    assert course_events(median_12(), size.patients).events[0] == pytest.approx(size.events)


@settings(max_examples=25)
@given(st.floats(0.4, 0.9), st.floats(0.5, 2.0), st.floats(1.1, 1.6))
def test_more_power_smaller_effects_and_narrower_margins_cost_patients(ratio, arms, margin):
    course = median_12(hazard_ratio=ratio, ratio=arms)
    for method in ("lachin_foulkes", "lakatos_limit"):

        def patients(this, this_method=method, **options):
            return log_rank_size(this, method=this_method, **options).patients

        base = patients(course)
        assert patients(course, power=0.95) > base
        assert patients(course, alpha=0.01) > base
        assert patients(replace(course, hazard_ratio=ratio + 0.05)) > base
        assert patients(course, null_hazard_ratio=margin) < base
        assert patients(replace(course, dropout_hazard=0.02)) > base


def test_change_of_treatment_costs_power():
    plain = log_rank_power_of_patients(two_hazards(), 800).power
    dropped_in = log_rank_power_of_patients(two_hazards(drop_in_hazard=0.02), 800).power
    both = two_hazards(drop_in_hazard=0.02, crossover_hazard=0.02)
    assert log_rank_power_of_patients(both, 800).power < dropped_in < plain


def test_strata_cost_little_when_tested_within_them():
    mixed = median_12(stratum_shares=(0.5, 0.5), stratum_hazard_factors=(0.25, 4.0))
    same = median_12(stratum_shares=(0.5, 0.5), stratum_hazard_factors=(1.0, 1.0))
    for method in ("bernstein_lagakos", "lakatos_limit", "lakatos", "lachin_foulkes"):
        one, none = (log_rank_size(c, method=method) for c in (same, median_12()))
        assert one.patients == pytest.approx(none.patients, rel=1e-12)
        assert log_rank_size(mixed, method=method).events == pytest.approx(one.events, rel=0.03)


def test_the_null_has_the_size_of_the_test():
    for method in ("schoenfeld", "lakatos", "lakatos_limit"):
        at_margin = log_rank_power_of_patients(stic(hazard_ratio=1.25), 778, alpha=0.05,
                                               null_hazard_ratio=1.25, method=method)  # fmt: skip
        assert at_margin.power == pytest.approx(0.05, abs=1e-6)
        beyond = log_rank_power_of_patients(stic(hazard_ratio=1.5), 778, alpha=0.05,
                                            null_hazard_ratio=1.25, method=method)  # fmt: skip
        assert beyond.power < 0.001


def test_methods_stand_side_by_side():
    found = compare_methods(median_12())
    table = found.table()
    assert table.height == 8
    assert not found.not_applicable
    by_method = dict(zip(table["method"], table["events"], strict=True))
    assert by_method["schoenfeld"] == pytest.approx(507.84433535462659, rel=1e-12)
    assert by_method["lachin_foulkes"] == pytest.approx(506.71210, abs=5e-6)
    changed = compare_methods(CHANGING, null_hazard_ratio=1.25)
    assert [s.method for s in changed.sizes] == ["average_hazard_ratio", "lakatos", "lakatos_limit"]
    assert [m for m, _ in changed.not_applicable] == table["method"].to_list()[:5]
    assert changed.table()["note"].to_list()[-1].startswith("bernstein_lagakos with 2 hazard")
    assert changed.options["null_hazard_ratio"] == 1.25


def columns(error):
    return {p.column for p in error.value.problems}


def test_all_faults_at_once():
    with pytest.raises(InputError) as error:
        log_rank_size(stic(), alpha=0.05, power=0.04, sided=4, method="freedman",
                      null_hazard_ratio=0.9, steps_per_year=0)  # fmt: skip
    assert columns(error) == {"sided", "method", "hazard_ratio", "steps_per_year"}
    with pytest.raises(InputError) as error:
        log_rank_size("course", method="cox", null_hazard_ratio=-1, power=2)
    assert columns(error) == {"course", "method", "null_hazard_ratio", "power"}
    with pytest.raises(InputError) as error:
        log_rank_power_of_patients(stic(), 0, alpha=1.0)
    assert columns(error) == {"patients", "alpha"}


@pytest.mark.parametrize(
    ("course", "options", "column"),
    [(stic(), {}, "hazard_ratio"),
     (stic(hazard_ratio=1.3), {"null_hazard_ratio": 1.25}, "hazard_ratio"),
     (stic(hazard_ratio=(1.0, 1.0), hazard_ratio_breaks=(3.0,)), {"method": "lakatos"},
      "hazard_ratio"),
     (stic(hazard_ratio=(1.2, 1.4), hazard_ratio_breaks=(3.0,)),
      {"method": "lakatos_limit", "null_hazard_ratio": 1.25}, "course"),
     (two_hazards(**DELAYED), {"method": "lachin_foulkes"}, "method"),
     (two_hazards(drop_in_hazard=0.1), {"method": "schoenfeld"}, "method"),
     (stic(hazard_ratio=0.8), {"power": 0.025}, "power"),
     (stic(hazard_ratio=0.8, time_unit="years", control_median=0.01), {"method": "lakatos"},
      "steps_per_year")],
)  # fmt: skip
def test_refused(course, options, column):
    with pytest.raises(InputError) as error:
        log_rank_size(course, **options)
    assert columns(error) == {column}
