"""Durations of accrual and follow-up that a fixed rate or fixed patients need."""

from __future__ import annotations

import pytest

from ashworth.errors import InputError
from ashworth.trials import (
    log_rank_accrual,
    log_rank_events,
    log_rank_follow_up,
    log_rank_power_of_patients,
    time_of_events,
)

from .conftest import median_12, stic, two_hazards

METHODS = ["schoenfeld", "lachin_foulkes", "lakatos", "lakatos_limit"]


@pytest.mark.parametrize("method", METHODS)
def test_accrual_at_a_rate_brings_the_patients_that_are_needed(method):
    size = log_rank_accrual(median_12(), 30.0, method=method)
    assert size.patients == pytest.approx(30.0 * size.course.accrual_duration, rel=1e-9)
    assert size.course.follow_up == 18.0
    found = log_rank_power_of_patients(size.course, size.patients, method=method)
    assert found.power == pytest.approx(0.9, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_follow_up_of_given_patients_reaches_the_power(method):
    size = log_rank_follow_up(median_12(), 720, method=method)
    assert size.patients == pytest.approx(720, rel=1e-8)
    assert 0 < size.course.follow_up < 18.0
    assert size.course.accrual_duration == 24.0


def test_follow_up_ends_when_the_events_are_there():
    size = log_rank_follow_up(two_hazards(), 900, method="schoenfeld")
    end = time_of_events(two_hazards(), log_rank_events(0.75).events, 900)
    assert size.duration == pytest.approx(end, rel=1e-8)


def test_no_follow_up_where_accrual_gives_the_events():
    size = log_rank_follow_up(median_12(), 5000)
    assert size.course.follow_up == 0.0
    assert size.patients < 5000


def test_patients_that_never_suffice():
    most = log_rank_events(0.75).events
    course = median_12(dropout_hazard=0.0)
    with pytest.raises(InputError, match=r"at least 507\.844"):
        log_rank_follow_up(course, most - 1, method="schoenfeld")
    late = log_rank_follow_up(course, most + 1, method="schoenfeld")
    assert late.course.follow_up > 80.0


def test_all_faults_at_once():
    with pytest.raises(InputError) as error:
        log_rank_accrual(stic(accrual_rates=(1, 2), accrual_breaks=(3.0,)), 0.0, power=2.0)
    found = {p.column for p in error.value.problems}
    assert found == {"power", "hazard_ratio", "accrual_rate", "course"}
    with pytest.raises(InputError) as error:
        log_rank_follow_up("course", -5, method="cox")
    assert {p.column for p in error.value.problems} == {"course", "patients", "method"}


def test_effects_that_cancel_are_refused():
    crossing = two_hazards(hazard_ratio=(1.1, 1.3), hazard_ratio_breaks=(6.0,))
    for question, number in ((log_rank_accrual, 10.0), (log_rank_follow_up, 500.0)):
        with pytest.raises(InputError):
            question(crossing, number, method="lakatos_limit", null_hazard_ratio=1.05)
