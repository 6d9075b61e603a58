"""Risk by status, predictive values and lead time against R, by definition and on bad input."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from ashworth.errors import EstimationError, InputError
from ashworth.survival import absolute_risk_by_status, lead_time, predictive_values

from .conftest import FOLDER, close, load_data


@pytest.fixture(scope="module")
def pinned():
    document = json.loads((FOLDER / "surveillance.json").read_text())
    return {v["id"]: v for v in document["values"]}


@pytest.fixture(scope="module")
def patients() -> pl.DataFrame:
    return load_data("competing")


def codes(d: pl.DataFrame, competing: bool) -> pl.Series:
    return d["code"] if competing else (d["code"] > 0).cast(pl.Int64)


@pytest.mark.parametrize("clock", ["day", "continuous"])
@pytest.mark.parametrize("competing", [False, True])
def test_risk_by_status_equals_survfit(clock, competing, patients, pinned):
    expected = pinned[f"{'aalen-johansen' if competing else 'kaplan-meier'} {clock}"]
    found = absolute_risk_by_status(
        patients[f"t_{clock}"], codes(patients, competing), patients["x2"], expected["at"]
    )
    for name, key in (("risk", "risk"), ("standard_error", "se"), ("lower", "lower"),
                      ("upper", "upper")):  # fmt: skip
        close(getattr(found, name).ravel(), expected[key], 1e-10)
    if not competing:
        close(found.at_risk.ravel(), expected["at_risk"])
    risk, error = np.reshape(expected["risk"], (2, 3)), np.reshape(expected["se"], (2, 3))
    close(found.difference[1], risk[1] - risk[0], 1e-10)
    half = 1.959963984540054 * np.sqrt((error**2).sum(axis=0))
    close(found.difference_upper[1] - found.difference[1], half, 1e-9)
    assert np.isnan(found.difference[0]).all()
    assert found.method == ("Aalen-Johansen" if competing else "Kaplan-Meier")


def test_events_are_counted_up_to_and_at_the_time(patients):
    found = absolute_risk_by_status(patients["t_day"], patients["code"], patients["x2"], [7, 7.5])
    inside = patients.filter((pl.col("t_day") <= 7) & (pl.col("x2") == 1))
    assert found.cumulative_events[1].tolist() == [inside.filter(pl.col("code") == 1).height] * 2
    others = inside.filter(pl.col("code") > 1).height
    assert found.cumulative_competing[1].tolist() == [others] * 2
    table = found.table()
    assert table.height == 4
    assert table["n"].to_list() == [*[patients.filter(pl.col("x2") == 0).height] * 2,
                                    *[patients.filter(pl.col("x2") == 1).height] * 2]  # fmt: skip


def test_a_group_without_events_has_no_limits_and_one_that_ended_no_risk():
    found = absolute_risk_by_status(
        [1, 2, 3, 9, 9, 9], [1, 1, 0, 0, 0, 0], ["+", "+", "+", "-", "-", "-"], [2.5, 5],
        reference="-",
    )  # fmt: skip
    assert found.status == ("+", "-")
    close(found.risk[0], [2 / 3, np.nan])
    close(found.risk[1], [0.0, 0.0])
    assert np.isnan(found.upper[1]).all()
    assert np.isnan(found.difference_upper[0]).all()
    close(found.difference[0], [2 / 3, np.nan])


@pytest.mark.parametrize("clock", ["day", "continuous"])
@pytest.mark.parametrize("competing", [False, True])
def test_weighted_accuracy_equals_the_area_of_riskregression(clock, competing, patients, pinned):
    expected = pinned[f"auc {'competing ' if competing else ''}{clock}"]
    found = predictive_values(
        patients[f"t_{clock}"],
        codes(patients, competing),
        patients["x2"],
        expected["at"],
        method="ipcw",
    )
    close((found.sensitivity + found.specificity) / 2, expected["auc"], 1e-12)


@pytest.mark.parametrize("competing", [False, True])
@pytest.mark.parametrize("controls", ["no event of the cause", "no event"])
def test_values_from_curves_follow_from_the_risks(competing, controls, patients, pinned):
    expected = pinned[f"{'aalen-johansen' if competing else 'kaplan-meier'} continuous"]
    found = predictive_values(
        patients["t_continuous"], codes(patients, competing), patients["x2"], expected["at"],
        controls=controls,
    )  # fmt: skip
    low, high = np.reshape(expected["risk"], (2, 3))
    free = np.reshape(expected["free"], (2, 3)) if competing else 1 - np.array([low, high])
    out = np.array([1 - low, 1 - high]) if controls == "no event of the cause" else free
    share = patients["x2"].mean()
    close(found.positive_predictive_value, high, 1e-10)
    close(found.negative_predictive_value, out[0], 1e-10)
    close(found.sensitivity, share * high / (share * high + (1 - share) * low), 1e-10)
    controls_all = (1 - share) * out[0] + share * out[1]
    close(found.specificity, (1 - share) * out[0] / controls_all, 1e-10)
    if controls == "no event of the cause":
        error = np.reshape(expected["se"], (2, 3))
        close(found.standard_error[:2], error[::-1], 1e-9)
        risk = absolute_risk_by_status(
            patients["t_continuous"], codes(patients, competing), patients["x2"], expected["at"]
        )
        close(found.upper[0], risk.upper[1], 1e-12)
        close(found.lower[1], 1 - risk.upper[0], 1e-12)


@pytest.mark.parametrize("method", ["kaplan-meier", "ipcw"])
@pytest.mark.parametrize("controls", ["no event of the cause", "no event"])
def test_standard_errors_are_those_of_the_jackknife(method, controls, patients):
    """Leave one out: equal to first order, hence within a few percent at n = 120."""
    d, options = patients[:120], {"method": method, "controls": controls}
    found = predictive_values(d["t_continuous"], d["code"], d["x2"], [40], **options)
    n, rows = d.height, np.arange(d.height)
    left = []
    for i in rows:
        some = d[rows[rows != i].tolist()]
        part = predictive_values(some["t_continuous"], some["code"], some["x2"], [40], **options)
        left.append(part.estimate[:, 0])
    spread = np.array(left) - np.mean(left, axis=0)
    jackknife = np.sqrt((n - 1) / n * (spread**2).sum(axis=0))
    close(found.standard_error[:, 0], jackknife, 0.04)


def test_without_censoring_all_methods_are_the_four_field_table():
    rng = np.random.default_rng(2)
    time, positive = rng.integers(1, 30, 80), rng.random(80) < 0.4
    case = time <= 12
    true = [case[positive].mean(), 1 - case[~positive].mean(), positive[case].mean(),
            1 - positive[~case].mean()]  # fmt: skip
    found = predictive_values(time, np.ones(80), positive, [12])
    close(found.estimate[:, 0], true, 1e-12)
    again = predictive_values(time, np.ones(80), positive, [12], method="ipcw")
    close(again.estimate[:, 0], true, 1e-12)
    close(again.standard_error, found.standard_error, 1e-9)
    sizes = [positive.sum(), (~positive).sum(), case.sum(), (~case).sum()]
    binomial = [np.sqrt(p * (1 - p) / n) for p, n in zip(true, sizes, strict=True)]
    close(found.standard_error[:, 0], binomial, 1e-9)


def test_measures_without_cases_are_not_numbers():
    found = predictive_values([5, 6, 7, 8], [1, 0, 1, 0], [1, 0, 0, 1], [1, 9])
    assert np.isnan(found.sensitivity).all()
    close(found.positive_predictive_value, [0.0, np.nan])
    assert np.isnan(found.upper[0]).all()
    late = predictive_values([5, 6, 7, 8], [1, 0, 1, 0], [1, 0, 0, 1], [9], method="ipcw")
    assert np.isnan(late.estimate).all()
    assert found.table().height == 8


@pytest.mark.parametrize("count", [0, 3, 17, 20])
def test_limits_of_the_share_equal_binom_test(count, pinned):
    names = [f"p{i:02}" for i in range(20)]
    draws = np.full(20, 10.0)
    positive = np.arange(20) < count
    found = lead_time(names, draws, positive, names, draws + 50, np.ones(20))
    close([found.proportion_lower, found.proportion_upper], pinned[f"share {count}"]["limits"])
    assert (found.n_before, found.events, found.proportion) == (count, 20, count / 20)


@pytest.mark.parametrize("n", [6, 7, 20, 41])
def test_limits_of_the_median_are_r_s_ranks(n, pinned):
    ids = np.arange(n)
    lead = np.arange(n) + 1.0
    found = lead_time(ids, 100 - lead, np.ones(n), ids, np.full(n, 100.0), np.ones(n))
    close([found.median_lower, found.median_upper], pinned[f"median {n}"]["ranks"])
    close(found.median, np.median(lead))
    close([found.lower_quartile, found.upper_quartile], np.quantile(lead, [0.25, 0.75]))


def test_lead_times_by_hand():
    draws = pl.DataFrame(
        {
            "id": ["a", "a", "a", "b", "b", "c", "d", "d", "e", "f", "g"],
            "day": [0, 100, 200, 0, 150, 0, 0, 90, 300, 50, 10],
            "positive": [0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0],
        }
    )
    follow = pl.DataFrame(
        {
            "id": ["a", "b", "c", "d", "e", "f", "g", "h"],
            "time": [260, 400, 70, 90, 250, 500, 500, 30],
            "event": [1, 1, 1, 1, 1, 0, 0, 1],
        }
    )
    found = lead_time(*draws, *follow)
    assert found.patient == ("a", "b", "c", "d")
    close(found.lead_time, [60, 400, np.nan, np.nan])
    close(found.last_negative_day, [100, np.nan, 0, 0])
    assert (found.n, found.events, found.n_before) == (6, 4, 2)
    assert (found.positive_without_recurrence, found.without_recurrence) == (1, 2)
    assert (found.no_draw, found.draws_after) == (2, 2)
    assert (found.schedule_gap, found.unwarned_gap) == (100.0, 80.0)
    assert np.isnan(found.median_lower)
    table = found.table()
    assert table["bias"].str.contains("only patients with the event count").all()
    assert table["bias"].str.contains("Immortal time").all()
    assert "1 of 2 patients without it" in found.bias[0]
    assert "before the first draw in 1 of 2 patients" in found.bias[1]
    assert found.n_first_positive == 1
    assert found.patients()["lead_time"].to_list()[:2] == [60.0, 400.0]
    mixed = np.random.default_rng(1).permutation(draws.height)
    again = lead_time(*draws[mixed.tolist()], *follow[::-1])
    close(again.lead_time, found.lead_time)


def test_bad_input_of_the_risks():
    with pytest.raises(InputError) as caught:
        absolute_risk_by_status([1, -2], [0, 7.5], ["a", None], 1)
    assert {p.column for p in caught.value.problems} == {"time", "event_code", "status"}
    with pytest.raises(EstimationError, match="one status only"):
        absolute_risk_by_status([1, 2], [1, 0], ["a", "a"], 1)
    with pytest.raises(EstimationError, match="reference is 'c'; allowed: 'a', 'b'"):
        absolute_risk_by_status([1, 2], [1, 0], ["a", "b"], 1, reference="c")
    with pytest.raises(EstimationError, match="no events with code 1"):
        absolute_risk_by_status([1, 2], [0, 2], ["a", "b"], 1)
    with pytest.raises(EstimationError, match="times above 0"):
        absolute_risk_by_status([1, 2], [1, 2], ["a", "b"], [0, 1])
    with pytest.raises(EstimationError, match="none is positive among 2 rows"):
        predictive_values([1, 2], [1, 0], [0, 0], 1)
    with pytest.raises(InputError, match="values other than 0 and 1"):
        predictive_values([1, 2], [1, 0], [0, None], 1)


def test_bad_input_of_the_lead_time():
    with pytest.raises(InputError) as caught:
        lead_time(["a", "x"], [1, None], [1, 2], ["a", "b", "b"], [5, 6, 7], [1, 0, 3])
    columns = [p.column for p in caught.value.problems]
    assert columns == ["draw_day", "positive", "patient", "draw_patient", "event"]
    with pytest.raises(InputError, match="as many as draws"):
        lead_time(["a", "a"], [1], [1, 0], ["a"], [5], [1])
    with pytest.raises(EstimationError, match="none of 1 recurrences has a draw before it"):
        lead_time(["a"], [9], [1], ["a"], [5], [1])
