"""Curves back to patients: published figures, invariants, bad input."""

from __future__ import annotations

import warnings
from collections import defaultdict
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from tests.evidence.published_curves import figures, kaplan_meier

from ashworth.errors import EstimationError, InputError
from ashworth.evidence import RepairedCurveWarning, reconstruct
from ashworth.evidence.reconstruction.steps import rounding
from ashworth.records import read_table

TWO_ARMED = [f for f in figures() if f.n_arms == 2]
"""Figures of trials with more arms are left out: their printed ratios come from models of all
arms or with further terms (15 of 59: ALTTO, CALGB 40502, E1199, MARIANNE, MINDACT, NeoALTTO)."""


@cache
def back(name: str, method: str):
    """A figure's patients from its steps and risk table."""
    (figure,) = [f for f in figures() if f.name == name]
    made = reconstruct(**figure.curve(), **figure.risk_table(), method=method)
    return figure, made, float(made.hazard_ratio().coefficients[0])


def quantiles(values):
    return float(np.median(values)), float(np.quantile(values, 0.9)), float(np.max(values))


# Published figures


def test_patients_come_back_from_steps_and_risk_table():
    made = [back(f.name, "auto") for f in figures()]
    off = [abs(log_hr - figure.log_hr) for figure, _, log_hr in made]
    events = [abs(a.events - f.events()[a.arm]) for f, r, _ in made for a in r.arms]
    assert {a.method for _, r, _ in made for a in r.arms} == {"steps"}
    assert np.mean(np.array(events) == 0) > 0.9
    assert max(events) <= 3
    median, ninety, largest = quantiles(off)
    assert median < 0.001
    assert ninety < 0.007
    assert largest < 0.02
    for figure, result, _ in made:
        assert {a.arm: a.n for a in result.arms} == figure.sizes()
        assert (result.risk_table()["difference"] == 0).all()
        assert result.table()["max_error"].max() < 1e-12


def test_clicks_by_guyot_come_near():
    made = [back(f.name, "guyot") for f in figures()]
    median, ninety, largest = quantiles([abs(b - f.log_hr) for f, _, b in made])
    assert median < 0.005
    assert ninety < 0.02
    assert largest < 0.06
    for figure, result, _ in made:
        assert {a.arm: a.n for a in result.arms} == figure.sizes()
        assert result.table()["rmse"].max() < 0.006
        assert np.abs(result.risk_table()["difference"].to_numpy()).max() <= 1


@pytest.mark.parametrize("method", ["auto", "guyot"])
def test_hazard_ratios_agree_with_the_printed_ones(method):
    off = []
    for figure in TWO_ARMED:
        _, _, log_hr = back(figure.name, method)
        off.append(min(abs(log_hr - figure.printed_log_hr), abs(log_hr + figure.printed_log_hr)))
    assert len(off) == 44
    median, ninety, _ = quantiles(off)
    assert median <= 0.02
    assert ninety <= 0.07


def test_they_agree_with_one_direction_per_trial():
    """The nearer direction flatters ratios near 1; one direction for all figures of a trial."""
    off = defaultdict(list)
    for figure in TWO_ARMED:
        _, _, log_hr = back(figure.name, "auto")
        off[figure.trial].append([abs(s * log_hr - figure.printed_log_hr) for s in (1, -1)])
    kept = [min(np.transpose(pairs).tolist(), key=sum) for pairs in off.values()]
    median, ninety, _ = quantiles(np.concatenate(kept))
    assert median <= 0.02
    assert ninety <= 0.07


def test_noisy_clicks_still_give_the_hazard_ratio():
    rng, off = np.random.default_rng(20260101), []
    for figure in TWO_ARMED[::4]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RepairedCurveWarning)
            made = reconstruct(**figure.clicks(0.002, 150, rng), **figure.risk_table())
        off.append(abs(float(made.hazard_ratio().coefficients[0]) - figure.log_hr))
    assert np.median(off) < 0.02
    assert max(off) < 0.08


def test_totals_of_events_are_met():
    for figure in TWO_ARMED[::6]:
        totals = figure.events()
        made = reconstruct(**figure.curve(), **figure.risk_table(), total_events=totals)
        assert {a.arm: a.events for a in made.arms} == totals
        made = reconstruct(
            **figure.curve(), **figure.risk_table(), total_events=totals, method="guyot"
        )
        assert max(abs(a.events_residual) for a in made.arms) <= 2


def test_without_a_risk_table_exact_steps_suffice():
    figure = TWO_ARMED[0]
    made = reconstruct(**figure.curve(), n=figure.sizes())
    assert max(abs(a.events - figure.events()[a.arm]) for a in made.arms) <= 3
    clicked = reconstruct(**figure.curve(), n=figure.sizes(), method="guyot")
    assert all("censoring is not known" in " ".join(a.remarks()) for a in clicked.arms)
    for arm in clicked.arms:
        assert (arm.patient_time[arm.patient_event == 0] == arm.time[-1]).all()
    total = reconstruct(
        **figure.curve(), n=figure.sizes(), total_events=figure.events(), method="guyot"
    )
    assert max(abs(a.events_residual) for a in total.arms) <= 1


# By hand


def test_a_curve_by_hand():
    """10 patients: 1 event at 1 (0.9), 1 censored, 2 events of 8 at 3 (0.675), 6 at risk at 4."""
    made = reconstruct([1, 3, 5], [0.9, 0.675, 0.675], risk_time=[0, 2, 4], at_risk=[10, 8, 6])
    (arm,) = made.arms
    died = arm.patient_time[arm.patient_event == 1]
    assert died.tolist() == [1, 3, 3]
    assert arm.n == 10
    gone = arm.patient_time[arm.patient_event == 0]
    assert 1 < gone[0] < 2
    assert arm.risk_found.tolist() == [10, 8, 6]
    np.testing.assert_allclose(arm.survival, [1.0, 0.9, 0.675, 0.675], rtol=1e-14)


def test_modified_without_a_table_censors_all_others_evenly():
    made = reconstruct([2, 4], [0.9, 0.9], n=100, total_events=10, method="modified")
    (arm,) = made.arms
    gone = arm.patient_time[arm.patient_event == 0]
    np.testing.assert_allclose(np.diff(np.append(0.0, gone))[:40], 4 / 91, rtol=1e-9)


def test_last_interval_at_the_earlier_rate():
    """20 of 100 leave in 2 years without an event; in the third year 10 more."""
    made = reconstruct([3], [1.0], risk_time=[0, 2], at_risk=[100, 80])
    (arm,) = made.arms
    gone = arm.patient_time
    assert arm.events == 0
    assert arm.method == "guyot"
    assert ((gone < 2).sum(), ((gone >= 2) & (gone < 3)).sum(), (gone == 3).sum()) == (20, 10, 70)


# What must hold for any curve


METHODS = st.sampled_from(["auto", "guyot", "modified"])


@st.composite
def cohorts(draw):
    n = draw(st.integers(20, 150))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    event, gone = rng.exponential(5.0, n), rng.uniform(0.5, 12.0, n)
    time = np.round(np.minimum(event, gone), draw(st.integers(1, 3)))
    return np.maximum(time, 0.1), event <= gone


@settings(max_examples=40, deadline=None)
@given(cohort=cohorts(), digits=st.integers(2, 12), method=METHODS)
def test_patients_are_conserved_and_follow_the_curve(cohort, digits, method):
    time, event = cohort
    times, survival, _ = kaplan_meier(time, event)
    risk = np.arange(0.0, time.max(), 2.0)
    numbers = [(time >= t).sum() for t in risk]
    made = reconstruct(
        times, np.round(survival, digits), risk_time=risk, at_risk=numbers, method=method
    )
    (arm,) = made.arms
    assert arm.n == time.size == arm.patient_time.size
    assert arm.events + arm.censored == arm.n
    assert arm.events == arm.patient_event.sum()
    assert (np.diff(arm.patient_time) >= 0).all()
    assert arm.patient_time[0] >= 0
    assert arm.patient_time[-1] <= max(time.max(), risk.max())
    times, survival, _ = kaplan_meier(arm.patient_time, arm.patient_event)
    level = np.append(1.0, survival)[np.searchsorted(times, arm.time, side="right")]
    np.testing.assert_allclose(level, arm.survival, atol=1e-12)
    found = [(arm.patient_time >= t).sum() for t in arm.risk_time]
    np.testing.assert_array_equal(found, arm.risk_found)


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(), factor=st.floats(0.1, 100.0))
def test_the_unit_of_time_does_not_matter(cohort, factor):
    time, event = cohort
    times, survival, _ = kaplan_meier(time, event)
    options = {"n": time.size, "total_events": int(event.sum())}
    first = reconstruct(times, np.round(survival, 3), **options)
    second = reconstruct(times * factor, np.round(survival, 3), **options)
    assert first.events == second.events
    np.testing.assert_allclose(
        second.arms[0].patient_time, first.arms[0].patient_time * factor, rtol=1e-12
    )


# Repairs


def test_rising_clicks_are_repaired_with_a_report():
    survival = [0.95, 0.90, 0.91, 0.80, 0.802]
    with pytest.warns(RepairedCurveWarning, match=r"all: 4 of 5 points by up to 0\.0050"):
        made = reconstruct([1, 2, 3, 4, 5], survival, n=200)
    (arm,) = made.arms
    wanted = isotonic_regression([1.0, *survival], increasing=False).x
    np.testing.assert_allclose(arm.used, wanted, rtol=1e-15)
    np.testing.assert_allclose(arm.given, [1.0, *survival], rtol=1e-15)
    row = made.table().row(0, named=True)
    assert (row["points"], row["points_repaired"], row["points_merged"]) == (5, 4, 0)
    assert row["largest_repair"] == pytest.approx(0.005, abs=1e-12)
    assert "4 of 5 points" in arm.remarks()[0]


def test_corners_of_steps_are_merged_and_counted():
    corners = reconstruct([0, 1, 1, 3, 3, 5], [1, 1, 0.9, 0.9, 0.675, 0.675], n=10)
    feet = reconstruct([1, 3, 5], [0.9, 0.675, 0.675], n=10)
    assert corners.arms[0].n_merged == 2
    assert feet.arms[0].n_merged == 0
    assert corners.patients().equals(feet.patients())


def test_steps_refuse_clicks():
    with pytest.raises(EstimationError, match=r"not the exact steps.*guyot"):
        reconstruct([1, 2, 3], [0.913, 0.82, 0.741], n=40, method="steps")


def test_rounding_is_seen():
    assert rounding(np.array([1.0, 0.91])) == 0.005
    assert rounding(np.array([1.0, 2 / 3])) < 1e-12


# Tables


def two_arms(**more):
    arguments = {
        "time": [1, 2, 3, 1, 2, 3],
        "survival": [0.9, 0.8, 0.7, 0.8, 0.6, 0.4],
        "arm": list("aaabbb"),
        "risk_time": [0, 2, 0, 2],
        "at_risk": [50, 44, 60, 46],
        "risk_arm": list("aabb"),
    }
    return reconstruct(**{**arguments, **more})


def test_events_table_is_one_that_records_reads(tmp_path):
    table = two_arms().events_table(endpoint="os", time_unit="months")
    table.write_csv(tmp_path / "events.csv")
    read = read_table(tmp_path / "events.csv", "events").frame
    assert read.height == 110
    assert read["patient_id"].n_unique() == 110
    assert read["exit_day"].max() == 91
    assert read["entry_day"].max() == 0
    with pytest.raises(EstimationError, match="time_unit"):
        two_arms().events_table(endpoint="os", time_unit="decades")


def test_the_reference_arm_can_be_chosen():
    made = two_arms()
    forward, backward = made.hazard_ratio(), made.hazard_ratio(reference="b")
    assert forward.names == ("b",)
    assert backward.names == ("a",)
    np.testing.assert_allclose(forward.coefficients, -backward.coefficients, rtol=1e-9)
    with pytest.raises(EstimationError, match="allowed: a, b"):
        made.hazard_ratio(reference="c")
    with pytest.raises(EstimationError, match="needs two arms"):
        reconstruct([1], [0.5], n=10).hazard_ratio()


def test_polars_columns_and_per_cent_give_the_same():
    frame = pl.DataFrame({"t": [1, 2, 3], "s": [90.0, 80.0, 70.0]})
    first = reconstruct(frame["t"], frame["s"], n=50, scale="percent")
    second = reconstruct([1, 2, 3], [0.9, 0.8, 0.7], n=50)
    assert first.patients().equals(second.patients())


# Bad input

BAD = {
    "per cent": ({"survival": [90, 80, 70, 80, 60, 40]}, "per cent.*scale"),
    "no per cent": ({"scale": "percent"}, "per cent said"),
    "outside": ({"survival": [0.9, 0.8, -0.7, 0.8, 1.3, 0.4]}, "outside 0 to 1 in 2 rows"),
    "rises": ({"survival": [0.9, 0.6, 0.8, 0.8, 0.6, 0.4]}, "values that rise.*two arms"),
    "backwards": ({"time": [1, 3, 2, 3, 2, 1]}, "2 after 3 in arm a.*2 after 3 in arm b"),
    "negative": ({"time": [-1, 2, 3, 1, 2, 3]}, "negative"),
    "missing": ({"survival": [0.9, None, 0.7, 0.8, 0.6, 0.4]}, "missing"),
    "table rises": ({"at_risk": [50, 60, 60, 46]}, "60 at 2 after 50 at 0 in arm a"),
    "table unsorted": ({"risk_time": [0, 0, 2, 1]}, "0 after 0 in arm a.*1 after 2 in arm b"),
    "half a patient": ({"at_risk": [50, 43.5, 60, 46]}, "no counts"),
    "late table": ({"risk_time": [1, 2, 0, 2]}, "first time 1 of arm a"),
    "lacks an arm": ({"risk_arm": list("aacc")}, "no row of arm 'b'.*no point of arm 'c'"),
    "unnamed arms": ({"risk_arm": None}, "risk_arm"),
    "half a table": ({"at_risk": None, "risk_arm": None}, "at_risk.*together"),
    "n of the table": ({"n": {"a": 40, "b": 60}}, "50 at time 0 of arm a.*n=40"),
    "one n": ({"n": 50}, "one number for several arms"),
    "one total": ({"total_events": 10}, "one number for several arms"),
    "unknown arm": ({"total_events": {"z": 3}}, "arm 'z'"),
    "too many": ({"total_events": {"a": 40, "b": 20}}, "40 of arm a.*about"),
    "too few": ({"total_events": {"a": 0, "b": 20}}, "0 of arm a.*about"),
    "no size": ({"risk_time": None, "at_risk": None, "risk_arm": None}, "no number of patients"),
    "text": ({"survival": list("abcdef")}, "numbers"),
    "lengths": ({"time": [1, 2]}, "as many as time"),
    "empty": ({"time": [], "survival": [], "arm": []}, "no points"),
    "only zero": ({"time": [0] * 6, "survival": [1] * 6}, "only time 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    change, words = BAD[name]
    with pytest.raises(InputError, match=f"(?s){words}"):
        two_arms(**change)


def test_all_faults_at_once():
    with pytest.raises(InputError) as caught:
        two_arms(time=[1, 3, 2, 1, 2, 3], at_risk=[50, 60, 60, 46], total_events={"z": 1})
    columns = [p.column for p in caught.value.problems]
    assert sorted(columns) == ["at_risk", "time", "total_events"]


@pytest.mark.parametrize("option", ["method", "scale"])
def test_unknown_options(option):
    with pytest.raises(EstimationError, match=option):
        two_arms(**{option: "other"})


def test_a_contradicting_table_is_followed_and_said():
    """Half of the patients at risk where nobody left: the curve cannot give them back."""
    made = reconstruct([1, 3], [0.5, 0.5], risk_time=[0, 2], at_risk=[100, 90], method="guyot")
    (arm,) = made.arms
    assert arm.risk_found.tolist() == [100, 50]
    assert arm.largest_risk_residual == -40
    assert "50 at risk at 2, printed 90" in " ".join(arm.remarks())


def test_a_table_longer_than_the_curve():
    made = reconstruct([1, 3], [0.9, 0.8], risk_time=[0, 2, 6, 9], at_risk=[100, 80, 20, 0])
    (arm,) = made.arms
    assert arm.risk_rows_unused == 1
    assert arm.patient_time[-1] == 6.0
    assert arm.risk_found.tolist() == [100, 80, 20]


def test_kernel_stops_where_everybody_is_gone():
    made = reconstruct([1, 2, 3], [0.5, 0.0, 0.0], risk_time=[0, 2, 3], at_risk=[4, 2, 0])
    (arm,) = made.arms
    assert arm.events == 4
    assert arm.survival[-1] == 0.0


def test_patients_that_fill_the_memory_are_refused():
    with pytest.raises(InputError, match="1 to 10,000,000"):
        reconstruct([1.0, 2.0], [0.9, 0.8], n=10**12)
    with pytest.raises(InputError, match="0 to 10,000,000"):
        reconstruct([1.0, 2.0], [0.9, 0.8], risk_time=[0.0], at_risk=[10**12])
