"""Edge cases and refusals of the survival room."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ashworth.survival
from ashworth.errors import EstimationError, InputError
from ashworth.survival import (
    cox,
    day_histogram,
    follow_up,
    kaplan_meier,
    log_rank,
    log_rank_from_histogram,
    person_years,
    rate_ratio,
)

TIME, EVENT = [2.0, 3.0, 3.0, 5.0, 8.0], [1, 1, 0, 1, 0]


def test_public_names_are_callables_whatever_was_imported_first():
    code = (
        "import ashworth.survival.curves.follow_up_time, ashworth.survival as s\n"
        "assert all(callable(getattr(s, n)) for n in s.__all__)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_room_is_light():
    code = (
        "import sys, ashworth.survival\n"
        "assert not {'numba', 'polars', 'pandas', 'scipy'} & set(sys.modules), 'heavy import'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_small_studies_never_compile():
    code = (
        "import sys; from ashworth.survival import cox\n"
        "cox([1, 2, 3, 4], [1, 1, 0, 1], [0, 1, 0, 0])\n"
        "assert not {'numba', 'pandas', 'scipy.stats'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_faults_come_together_with_their_rows():
    with pytest.raises(InputError) as caught:
        cox([1.0, np.nan, -2.0, 4.0], [1, 2, 0, None], [1.0, 2.0, np.inf, 1.0])
    text = str(caught.value)
    assert len(caught.value.problems) == 4
    assert "missing or infinite values in 1 row (from 0: 1)" in text
    assert "values other than 0 and 1 in 2 rows (from 0: 1, 3)" in text
    assert "negative values in 1 row (from 0: 2)" in text


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kaplan_meier([1, 2], [1]), "1 values; allowed: 2"),
        (lambda: kaplan_meier([], []), "no rows"),
        (lambda: kaplan_meier([1, 2], [1, 0], entry=[1, 0]), "entry at or after time in 1 row"),
        (lambda: kaplan_meier([1, 2], [1, 0], weights=[1, -1]), "negative values"),
        (lambda: kaplan_meier([1, 2], ["a", "b"]), "allowed: numbers"),
        (lambda: kaplan_meier([1, 2], [1, 0], group=["a", None]), "missing labels in 1 row"),
        (lambda: log_rank(pl.Series([1, None]), [1, 0], [0, 1]), "missing or infinite"),
        (lambda: person_years([1, 2], [1, 3]), "other than 0 and 1"),
        (lambda: cox([1, 2], [1, 0], [[1, 2], [3, 4]], names=["a"]), "1 names; allowed: 2"),
        (lambda: cox([1, 2], [1, 0], pl.DataFrame({"a": ["x", "y"]})), "allowed: numbers"),
        (lambda: follow_up([1, 2], [1, np.nan]), "never an event"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: log_rank([1, 2], [1, 1], [0, 0]),
        lambda: log_rank([1, 2], [0, 0], [0, 1]),
        lambda: kaplan_meier(TIME, EVENT, ci="exact"),
        lambda: kaplan_meier(TIME, EVENT, level=95),
        lambda: kaplan_meier(TIME, EVENT)["all"].restricted_mean(9),
        lambda: kaplan_meier(TIME, EVENT)["all"].quantile(50),
        lambda: rate_ratio(0, 1, 0, 1),
        lambda: rate_ratio(1.5, 1, 0, 1),
        lambda: rate_ratio(1, 0, 1, 1),
        lambda: cox([1, 2], [1, 1], [0, 1], ties="exact"),
        lambda: kaplan_meier([1.0, 2.0], [1, 1], entry=[1.0 - 1e-12, 0.0]),
    ],
)
def test_what_cannot_be_estimated_is_refused(call):
    with pytest.raises(EstimationError):
        call()


def test_all_censored():
    km = kaplan_meier(TIME, np.zeros(5))
    assert (km.survival == 1).all()
    assert (km.lower == 1).all()
    assert np.isnan(km.median)
    assert all(np.isnan(v) for v in km.median_limits)
    assert km["all"].restricted_mean(6) == (6.0, 0.0)


def test_one_subject():
    km = kaplan_meier([3], [1])
    assert km.survival.tolist() == [0.0]
    assert km.median == 3.0
    assert km.survival_at([1, 3, 10]).survival.tolist() == [1.0, 0.0, 0.0]


def test_everything_tied():
    km = kaplan_meier([4] * 6, [1, 1, 0, 0, 1, 0])
    assert km.survival.tolist() == [0.5]
    assert km.median == 4.0
    found = cox([4] * 6, [1, 1, 0, 0, 1, 0], [0, 1, 0, 1, 1, 0])
    assert np.isfinite(found.coefficients[0])


def test_after_the_last_follow_up_survival_is_unknown():
    at = kaplan_meier(TIME, EVENT).survival_at([8, 8.1])
    assert at.survival[0] == pytest.approx(0.3)
    assert np.isnan(at.survival[1])


def test_median_is_the_middle_where_survival_is_one_half():
    assert kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).median == 2.5
    assert kaplan_meier([1, 2, 3, 4], [1, 1, 0, 0]).median == 3.0


def test_numbers_at_risk_are_just_before():
    km = kaplan_meier([2, 2, 4], [1, 0, 1], entry=[0, 0, 1])
    table = km.risk_table([0, 1, 2, 4, 5])
    assert table["at_risk"].to_list() == [2, 2, 3, 1, 0]
    assert table["n_events"].to_list() == [0, 0, 0, 1, 2]
    assert table["n_censored"].to_list() == [0, 0, 0, 1, 1]


def test_table_starts_at_time_zero_in_every_group():
    table = kaplan_meier(TIME, EVENT, group=list("aabbb")).table()
    assert table.columns == [
        "group", "time", "at_risk", "n_events", "n_censored", "survival", "standard_error",
        "lower", "upper",
    ]  # fmt: skip
    first = table.group_by("group", maintain_order=True).first()
    assert first["time"].to_list() == [0.0, 0.0]
    assert first["at_risk"].to_list() == [2.0, 3.0]


def test_group_never_at_risk_costs_a_degree_of_freedom():
    time, event, group = [5, 6, 7, 8, 1, 2], [1, 1, 1, 1, 0, 0], [0, 1, 0, 1, 2, 2]
    found = log_rank(time, event, group)
    assert found.df == 1
    two = log_rank(time[:4], event[:4], group[:4])
    assert found.statistic == pytest.approx(two.statistic)


@pytest.mark.parametrize("make", [np.array, list, pl.Series, pd.Series])
def test_columns_of_every_kind(make):
    km = kaplan_meier(make(TIME), make(EVENT), group=make(["b", "a", "b", "a", "b"]))
    assert list(km.groups) == ["a", "b"]
    assert cox(make(TIME), make(EVENT), make([1.0, 0.0, 1.0, 0.0, 0.0])).n == 5


@pytest.mark.parametrize("frame", [pl.DataFrame, pd.DataFrame, dict])
def test_frames_give_their_names(frame):
    x = frame({"nodes": [1, 5, 2, 9, 1], "age": [50.0, 61.0, 44.0, 70.0, 52.0]})
    assert cox(TIME, EVENT, x).names == ("nodes", "age")


def test_nullable_pandas_columns_are_read_and_their_gaps_refused():
    assert kaplan_meier(pd.Series([1, 2], dtype="Int64"), [1, 0]).n == 2
    with pytest.raises(InputError, match="missing"):
        kaplan_meier(pd.Series([1, None], dtype="Int64"), [1, 0])


rows = st.lists(
    st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 2), st.integers(0, 11)),
    min_size=2,
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(rows)
def test_curve_falls_within_zero_and_one(table):
    time, event, _, _ = map(np.array, zip(*table, strict=True))
    for ci in ("plain", "log", "log-log", "logit", "arcsin"):
        km = kaplan_meier(time, event, ci=ci)
        s = km.survival
        assert ((s >= 0) & (s <= 1)).all()
        assert (np.diff(s) <= 0).all()
        known = ~np.isnan(km.lower)
        assert (km.lower[known] <= s[known] + 1e-15).all()
        assert (km.upper[known] >= s[known] - 1e-15).all()


@settings(max_examples=80, deadline=None)
@given(rows, st.sampled_from([0.0, 1.0, 0.5]))
def test_log_rank_by_days_by_ranks_and_by_definition(table, rho):
    day, event, group, entry = map(np.array, zip(*table, strict=True))
    entry = np.minimum(entry, day - 1)
    event[0], group[:2] = True, [0, 1]
    k = int(group.max()) + 1
    deaths, at_risk = day_histogram(
        day, event, group, n_groups=k, n_days=13, entry=np.where(entry == 0, -1, entry)
    )
    days = log_rank_from_histogram(deaths, at_risk, rho)
    codes = np.searchsorted(np.unique(group), group)
    found = log_rank(day * np.pi, event, codes, entry=entry * np.pi, rho=rho)
    expected, survival = np.zeros(k), 1.0
    for t in np.unique(day[event]):
        inside = (entry < t) & (day >= t)
        dead = inside & event & (day == t)
        expected += (
            survival**rho * dead.sum() * np.bincount(group[inside], minlength=k) / inside.sum()
        )
        survival *= 1 - dead.sum() / inside.sum()
    np.testing.assert_allclose(days[1], expected, atol=1e-12)
    present = np.isin(np.arange(k), group)
    np.testing.assert_allclose(found.expected, expected[present], atol=1e-12)
    np.testing.assert_allclose(found.observed.sum(), found.expected.sum(), atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(rows)
def test_relabelled_arms_give_the_same_statistic(table):
    day, event, group, _ = map(np.array, zip(*table, strict=True))
    event[0], group[:2] = True, [0, 1]
    a, b = log_rank(day, event, group > 0), log_rank(day, event, group == 0)
    assert a.statistic == pytest.approx(b.statistic, abs=1e-10)


def test_person_years_add_up_over_groups():
    rates = person_years([365.25, 730.5, 365.25], [1, 0, 1], group=list("aab"))
    assert rates.person_years.tolist() == [3.0, 1.0]
    assert rates.table().columns == [
        "group", "n", "events", "person_years", "rate", "lower", "upper",
    ]  # fmt: skip
    assert ashworth.survival.person_years([1], [0]).rate[0] == 0
