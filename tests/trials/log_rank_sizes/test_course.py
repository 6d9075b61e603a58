"""Expected events, their time and the average hazard ratio against gsDesign2; bad courses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashworth.errors import InputError
from ashworth.trials import (
    TrialCourse,
    average_hazard_ratio,
    course_events,
    hazard_of_survival,
    time_of_events,
)

from .conftest import MADE, median_12, two_hazards

TIMES = (18.0, 24.0, 36.0, 48.0)


def test_expected_events_equal_gsdesign2():
    found = course_events(two_hazards(), 800, TIMES)
    np.testing.assert_allclose(found.events, MADE["gsDesign2.expected_events.t18_24_36_48"], 1e-12)
    ratios = MADE["gsDesign2.ahr.t18_24_36_48"]
    np.testing.assert_allclose(found.average_hazard_ratios, ratios, 1e-12)
    assert found.enrolled.tolist() == [600.0, 800.0, 800.0, 800.0]


def test_the_time_of_events_inverts_the_events():
    for time, events in zip(TIMES, MADE["gsDesign2.expected_events.t18_24_36_48"], strict=True):
        assert time_of_events(two_hazards(), events, 800) == pytest.approx(time, rel=1e-9)


def test_exponential_events_in_closed_form():
    """One arm's share with an event, uniform accrual over R, analysis at T, drop-out eta."""
    hazard, eta, end, accrual = math.log(2) / 12, hazard_of_survival(0.95, 12.0), 42.0, 24.0
    leave = hazard + eta
    late = (math.exp(-leave * (end - accrual)) - math.exp(-leave * end)) / (leave * accrual)
    expected = hazard / leave * (1 - late)
    found = course_events(median_12(), 2.0)
    assert found.control[0] == pytest.approx(expected, rel=1e-13)


def test_delayed_effect_weighs_pieces_by_their_events():
    """Early events have ratio 1, later ones 0.6: the exponent is the later ones' share."""
    course = two_hazards(hazard_ratio=(1.0, 0.6), hazard_ratio_breaks=(6.0,))
    whole = course_events(course, 1.0).events[0]
    # early events alone: as if every later hazard were nearly 0
    early = course_events(
        two_hazards(control_hazard=(0.06, 1e-12), hazard_ratio=(1.0, 0.6),
                    hazard_ratio_breaks=(6.0,)), 1.0,
    ).events[0]  # fmt: skip
    assert average_hazard_ratio(course) == pytest.approx(0.6 ** (1 - early / whole), rel=1e-9)
    assert average_hazard_ratio(course, 5.0) == pytest.approx(1.0)


def test_drop_in_and_crossover_in_closed_form():
    """Follow-up alone: dN/dt of two states, checked by a fine explicit sum."""
    course = TrialCourse(
        control_hazard=0.05, hazard_ratio=0.5, accrual_duration=0.0, follow_up=20.0,
        dropout_hazard=0.01, drop_in_hazard=0.03, crossover_hazard=0.07,
    )  # fmt: skip
    steps = np.linspace(0, 20, 2_001)
    for arm, (mine, other, change) in enumerate([(0.05, 0.025, 0.03), (0.025, 0.05, 0.07)]):
        leave, leave_other = mine + 0.01 + change, other + 0.01
        own = np.exp(-leave * steps)
        moved = change * (np.exp(-leave_other * steps) - own) / (leave - leave_other)
        expected = np.trapezoid(own * mine + moved * other, steps) / 2
        found = course_events(course, 1.0)
        assert (found.control, found.experimental)[arm][0] == pytest.approx(expected, rel=1e-6)


def test_breaks_without_a_change_change_nothing():
    plain = TrialCourse(
        control_hazard=0.05, hazard_ratio=0.5, accrual_duration=9.0, follow_up=20.0,
        dropout_hazard=0.01, drop_in_hazard=0.03, crossover_hazard=0.07,
    )  # fmt: skip
    broken = replace(
        plain, control_hazard=(0.05,) * 3, hazard_breaks=(3.0, 11.0),
        hazard_ratio=(0.5,) * 3, hazard_ratio_breaks=(7.0, 15.0),
    )  # fmt: skip
    for name in ("control", "experimental"):
        one, other = (getattr(course_events(c, 100, (8.0, 29.0)), name) for c in (plain, broken))
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_rates_that_meet_have_the_limit_of_rates_that_nearly_meet():
    def events(change):
        course = TrialCourse(control_hazard=0.04, hazard_ratio=0.5, accrual_duration=6.0,
                             follow_up=30.0, crossover_hazard=change)  # fmt: skip
        return course_events(course, 100).experimental[0]

    # leaving the own treatment (0.02 + change) as fast as the other (0.04)
    assert events(0.02) == pytest.approx(events(0.02 + 1e-7), rel=1e-6)
    assert events(0.02 - 1e-4) < events(0.02) < events(0.02 + 1e-4)


def test_accrual_pieces_are_relative_rates():
    slow = two_hazards(accrual_rates=(1.0, 3.0), accrual_breaks=(12.0,))
    same = two_hazards(accrual_rates=(10.0, 30.0), accrual_breaks=(12.0,))
    assert course_events(slow, 800, 12.0).enrolled[0] == pytest.approx(200.0)
    assert course_events(slow, 800).events[0] == course_events(same, 800).events[0]
    assert course_events(slow, 800).events[0] < course_events(two_hazards(), 800).events[0]


def test_strata_are_averaged_and_one_stratum_is_none():
    parts = [course_events(two_hazards(control_hazard=(0.06 * f, 0.04 * f)), 1.0).events[0]
             for f in (0.5, 1.5)]  # fmt: skip
    mixed = two_hazards(stratum_shares=(0.3, 0.7), stratum_hazard_factors=(0.5, 1.5))
    expected = 0.3 * parts[0] + 0.7 * parts[1]
    assert course_events(mixed, 1.0).events[0] == pytest.approx(expected, rel=1e-12)


@given(st.floats(0.01, 0.2), st.floats(0.2, 2.0), st.floats(0.1, 30), st.floats(0, 30))
def test_events_rise_and_the_unit_of_time_is_free(hazard, ratio, accrual, follow_up):
    def events(unit):
        course = TrialCourse(
            control_hazard=hazard / unit, hazard_ratio=ratio, accrual_duration=accrual * unit,
            follow_up=follow_up * unit,
        )  # fmt: skip
        end = course.duration
        return course_events(course, 100, (end / 2, end, 2 * end)).events

    months = events(1.0)
    assert (np.diff(months) > 0).all()
    assert (months < 100).all()
    np.testing.assert_allclose(events(30.4), months, rtol=1e-9)


def test_table_of_events():
    table = course_events(two_hazards(), 800, TIMES).table()
    assert table.columns == ["time", "enrolled", "control", "experimental", "events",
                             "average_hazard_ratio"]  # fmt: skip
    assert table["time"].to_list() == list(TIMES)


def columns(error):
    return {p.column for p in error.value.problems}


def test_all_faults_of_a_course_at_once():
    with pytest.raises(InputError) as error:
        TrialCourse(
            hazard_ratio=(1.0, -0.6), accrual_duration=-3, follow_up=float("nan"),
            control_median=3.0, control_hazard=3.0, accrual_breaks=(4.0, 3.0),
            accrual_rates=(0.0,), stratum_shares=(0.4, 0.4), ratio=0, dropout_hazard=-1,
            dropout_hazard_experimental="x", drop_in_hazard=None, crossover_hazard=True,
            time_unit="fortnights",
        )  # fmt: skip
    assert columns(error) == {
        "hazard_ratio", "accrual_duration", "follow_up", "control_hazard", "accrual_breaks",
        "accrual_rates", "stratum_shares", "stratum_hazard_factors", "ratio", "dropout_hazard",
        "dropout_hazard_experimental", "drop_in_hazard", "crossover_hazard", "time_unit",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "column"),
    [({"follow_up": 0.0, "accrual_duration": 0.0}, "follow_up"),
     ({"control_hazard": None}, "control_hazard"),
     ({"control_hazard": 0.05}, "control_hazard"),
     ({"control_hazard": None, "control_median": 10.0}, "hazard_breaks"),
     ({"hazard_breaks": (0.0,)}, "hazard_breaks"),
     ({"accrual_rates": (1.0, 2.0), "accrual_breaks": (24.0,)}, "accrual_breaks"),
     ({"stratum_shares": (), "stratum_hazard_factors": ()}, "stratum_shares")],
)  # fmt: skip
def test_one_fault_of_a_course(changes, column):
    with pytest.raises(InputError) as error:
        two_hazards(**changes)
    assert column in columns(error)


def test_events_beyond_what_patients_can_give():
    with pytest.raises(InputError) as error:
        time_of_events(two_hazards(), 800, 800)
    assert "all that they can give" in str(error.value)
    late = time_of_events(two_hazards(), 0.99 * 800 * 0.88, 800)
    assert course_events(two_hazards(), 800, late).events[0] == pytest.approx(0.99 * 800 * 0.88)


def test_faults_of_the_questions():
    with pytest.raises(InputError) as error:
        course_events(two_hazards(), 0, (12.0, -1.0, "x"))
    assert columns(error) == {"patients", "times"}
    with pytest.raises(InputError) as error:
        time_of_events(two_hazards(), 0, -1)
    assert columns(error) == {"events", "patients"}
    with pytest.raises(InputError):
        average_hazard_ratio(two_hazards(), 0.0)
    with pytest.raises(InputError) as error:
        hazard_of_survival(1.0, 0.0)
    assert columns(error) == {"survival", "time"}
