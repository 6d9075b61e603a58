"""Calibration and decision curves against R, by hand, and on bad input."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import EstimationError, InputError
from ashworth.survival import calibration, cumulative_incidence, decision_curve, kaplan_meier
from ashworth.survival.prognostic_value.horizon_risk import (
    histogram,
    observed_risk,
    place,
    risk_variance,
)

from .conftest import FOLDER, close, load_data

AT = 1095


@pytest.fixture(scope="module")
def pinned():
    document = json.loads((FOLDER / "value_added.json").read_text())
    return {v["id"]: v for v in document["values"]}


@pytest.fixture(scope="module")
def d():
    return load_data("value_added").with_columns(event=(pl.col("code") == 1).cast(int))


def test_calibration_equals_r(pinned, d):
    r = pinned["calibration"]
    found = calibration(d["time"], d["event"], d["marked"], AT)
    groups = np.array(r["km"]).reshape(10, 4).T
    close(found.groups["predicted"], r["predicted"], 1e-12)
    np.testing.assert_array_equal(found.groups["n"], r["n"])
    names = ("observed", "standard_error", "lower", "upper")
    for name, expected in zip(names, groups, strict=True):
        close(found.groups[name], expected, 1e-9)
    close([getattr(found, n) for n in names], r["overall"], 1e-10)
    close(found.slope, r["slope"][0], 1e-8)
    close((found.slope_upper - found.slope) / 1.959963984540054, r["slope"][1], 1e-8)
    close(found.smoothed[:50], r["smoothed"], 1e-8)
    close([found.ici, found.e50, found.e90], [r["ici"][0], r["e50"][0], r["e90"][0]], 1e-8)
    assert found.notes == ()


def test_groups_equal_rms_groupkm(pinned, d):
    """rms puts a prediction that equals a limit into the upper group; here there is none."""
    r = pinned["groupkm"]
    found = calibration(d["time"], d["event"], d["marked"], AT)
    order = np.argsort(r["km"])
    close(1 - np.array(r["km"])[order], np.sort(found.groups["observed"])[::-1], 1e-2)


def test_calibration_with_competing_events_equals_r(pinned, d):
    """cmprsk converges to about 1e-7 and prodlim gives the Greenwood-type error."""
    r = pinned["calibration competing"]
    found = calibration(d["time"], d["code"], d["marked"], AT)
    close([found.observed, found.standard_error], r["overall"], 1e-9)
    groups = np.array(r["groups"]).reshape(10, 2).T
    close(found.groups["observed"], groups[0], 1e-9)
    close(found.groups["standard_error"], groups[1], 1e-9)
    close(found.slope, r["slope"][0], 1e-6)
    close((found.slope_upper - found.slope) / 1.959963984540054, r["slope"][1], 1e-6)
    close(found.smoothed[:50], r["smoothed"], 1e-6)
    close([found.ici, found.e90], [r["ici"][0], r["e90"][0]], 1e-6)
    assert found.competing == ((d["code"] == 2) & (d["time"] <= AT)).sum()
    assert found.method.endswith("Fine-Gray")


def test_a_true_model_is_calibrated_and_a_wrong_one_is_not():
    rng = np.random.default_rng(3)
    rate = np.exp(0.7 * rng.normal(size=4000) - 1)
    time = rng.exponential(size=4000) / rate
    seen, event = np.minimum(time, 4), time <= 4
    right = 1 - np.exp(-2 * rate)
    good = calibration(seen, event, right, 2)
    assert good.slope_lower < 1 < good.slope_upper
    assert good.ratio_lower < 1 < good.ratio_upper
    assert good.ici < 0.025
    extreme = 1 - np.exp(-2 * np.exp(1.4 * np.log(rate) - 0.6))
    bad = calibration(seen, event, extreme, 2)
    close(bad.slope, good.slope / 1.4, 1e-8)
    assert bad.ici > 2 * good.ici
    low = calibration(seen, event, right / 2, 2)
    assert low.ratio_lower > 1.5


def test_calibration_says_what_it_cannot_estimate(d):
    constant = calibration(d["time"], d["event"], np.full(d.height, 0.4), AT)
    assert constant.groups["n"].tolist() == [400]
    assert np.isnan([constant.slope, constant.ici]).all()
    assert constant.notes == ("slope and curve: all predictions are equal",)
    late = calibration(d["time"], d["code"], d["marked"], AT, entry=d["time"] * 0.2)
    assert np.isnan(late.slope)
    assert "late entry" in late.notes[0]
    assert 0 < late.observed < 1
    two = calibration(d["time"], d["event"], (d["marked"] > 0.5) * 0.4 + 0.2, AT)
    assert two.groups["n"].size == 2
    assert np.isfinite(two.slope)
    assert "curve" in two.notes[0]
    assert two.summary()["measure"].to_list()[:2] == ["observed risk", "mean predicted risk"]


def test_calibration_refuses(d):
    with pytest.raises(InputError, match="values that are no risk in 400 rows"):
        calibration(d["time"], d["event"], d["marked"] + 1, AT)
    with pytest.raises(EstimationError, match="followed to 9999"):
        calibration(d["time"], d["event"], d["marked"], 9999)
    with pytest.raises(EstimationError, match="no event by 1 "):
        calibration(d["time"], d["event"], d["marked"], 1)
    with pytest.raises(EstimationError, match="groups is 1"):
        calibration(d["time"], d["event"], d["marked"], AT, groups=1)
    with pytest.raises(InputError, match="event_code"):
        calibration(d["time"], d["event"] * 0.5, d["marked"], AT)


def test_decision_curve_equals_the_formula_in_r(pinned, d):
    r = pinned["decision curve"]
    predictions = {"clinical": d["clinical"], "marked": d["marked"]}
    for column, suffix in (("event", ""), ("code", "_aj")):
        found = decision_curve(d["time"], d[column], predictions, AT, thresholds=r["thresholds"])
        for k, name in enumerate(("clinical", "marked", "all")):
            close(found.net_benefit[k], r[name + suffix], 1e-10, 1e-12)
        np.testing.assert_array_equal(found.net_benefit[3], 0.0)


def test_decision_curve_by_hand():
    """Six patients without censoring before the horizon: shares of the table."""
    time, event = [1, 2, 3, 9, 9, 9], [1, 1, 1, 0, 0, 0]
    model = {"model": [0.9, 0.5, 0.2, 0.6, 0.1, 0.1]}
    found = decision_curve(time, event, model, 5, thresholds=[0.2, 0.5, 0.95])
    tp, fp = np.array([3, 2, 0]) / 6, np.array([1, 1, 0]) / 6
    odds = np.array([0.25, 1.0, 19.0])
    close(found.net_benefit[0], tp - fp * odds)
    close(found.net_benefit[1], 0.5 - 0.5 * odds)
    close(found.standardised[0], (tp - fp * odds) / 0.5)
    close(found.avoided_per_100[0, 0], 100 * (tp - fp * odds - 0.5 + 0.5 * odds)[0] / 0.25)
    close(found.share_treated[0], [4 / 6, 3 / 6, 0])
    close(
        found.difference("model", "treat all")["difference"], (tp - fp * odds) - (0.5 - 0.5 * odds)
    )


def test_net_benefit_is_not_carried_beyond_follow_up():
    time, event = [1, 2, 9, 9, 2, 9], [1, 1, 0, 0, 0, 0]
    found = decision_curve(
        time, event, {"m": [0.3, 0.2, 0.1, 0.2, 0.9, 0.4]}, 5, thresholds=[0.1, 0.8]
    )
    assert np.isfinite(found.net_benefit[0, 0])
    assert np.isnan(found.net_benefit[0, 1])


def test_decision_curve_limits_are_repeatable_and_hold_the_estimate(d):
    predictions = {"clinical": d["clinical"], "marked": d["marked"]}
    options = {"thresholds": [0.2, 0.3, 0.4], "bootstrap": 60}
    found = decision_curve(d["time"], d["code"], predictions, AT, seed=4, **options)
    again = decision_curve(d["time"], d["code"], predictions, AT, seed=4, **options)
    np.testing.assert_array_equal(found.draws, again.draws)
    assert (found.lower[:3] < found.net_benefit[:3]).all()
    assert (found.upper[:3] > found.net_benefit[:3]).all()
    gain = found.difference("marked", "clinical")
    assert (gain["lower"] < gain["difference"]).all()
    assert found.table().height == 12
    with pytest.raises(EstimationError, match="no strategy 'x'"):
        found.difference("x", "marked")


def test_decision_curve_refuses(d):
    with pytest.raises(EstimationError, match="dict of columns"):
        decision_curve(d["time"], d["event"], d["marked"], AT)
    with pytest.raises(InputError, match="rising risks"):
        decision_curve(d["time"], d["event"], {"m": d["marked"]}, AT, thresholds=[0.5, 0.5])
    with pytest.raises(InputError, match="no risk"):
        decision_curve(d["time"], d["event"], {"m": d["count"]}, AT)
    with pytest.raises(InputError, match="other names"):
        decision_curve(d["time"], d["event"], {"treat all": d["marked"]}, AT)
    with pytest.raises(EstimationError, match="seed is None"):
        decision_curve(d["time"], d["event"], {"m": d["marked"]}, AT, bootstrap=10)
    with pytest.raises(EstimationError, match="no event by 1 "):
        decision_curve(d["time"], d["event"], {"m": d["marked"]}, 1)


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(0, 2), st.integers(0, 5)), min_size=4, max_size=40
    ),
    st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_the_histogram_is_aalen_johansen(rows, seed):
    time, code, start = (np.array(c) for c in zip(*rows, strict=True))
    entry = np.minimum(start, time - 1).astype(float)
    weights = np.random.default_rng(seed).integers(1, 4, time.size).astype(float)
    if not (code == 1).any():
        return
    at = float(time.max())
    horizon = place(time.astype(float), code, entry, at)
    h = histogram(horizon, np.zeros(time.size, np.int64), 1, weights)
    curve = cumulative_incidence(time, code, entry=entry, weights=weights)["all", 1]
    close(observed_risk(h), curve.incidence[-1], 1e-11)
    single = (code > 0).astype(int)
    plain = histogram(
        place(time.astype(float), single, entry, at), np.zeros(time.size, np.int64), 1
    )
    km = kaplan_meier(time, single, entry=entry).survival_at([at])
    close(1 - observed_risk(plain), km.survival, 1e-11)
    if 0 < km.survival[0] < 1:
        close(np.sqrt(risk_variance(plain)), km.standard_error, 1e-9)
