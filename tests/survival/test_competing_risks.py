"""Cumulative incidence and its test against R (survival, cmprsk, etm) and by definition."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import EstimationError, InputError
from ashworth.survival import cumulative_incidence, kaplan_meier
from ashworth.survival.competing_risks.aalen_johansen import estimate_incidence, influence
from ashworth.survival.competing_risks.curve import incidence_limits

from .conftest import FOLDER, close, load_data


@pytest.fixture(scope="module")
def pinned():
    document = json.loads((FOLDER / "competing_risks.json").read_text())
    return {v["id"]: v for v in document["values"]}


@pytest.fixture(scope="module")
def patients() -> pl.DataFrame:
    return load_data("competing")


@pytest.mark.parametrize("clock", ["day", "continuous"])
@pytest.mark.parametrize("entry", [0, 1])
@pytest.mark.parametrize("weights", [0, 1])
def test_incidence_equals_r(clock, entry, weights, patients, pinned):
    fit = cumulative_incidence(
        patients[f"t_{clock}"],
        patients["code"],
        entry=patients[f"entry_{clock}"] if entry else None,
        weights=patients["weight"] if weights else None,
    )
    for cause in (1, 2, 3):
        expected = pinned[f"incidence {clock} {entry} {weights} {cause}"]
        curve = fit["all", cause]
        at = curve.incidence_at(expected["time"])
        close(at.incidence, expected["incidence"], 1e-11)
        close(at.standard_error, expected["se"], 1e-10, 1e-12)
        if not weights:  # R counts rows, not weights, in the risk sets of several states
            close(curve.risk_numbers(expected["time"])[0], expected["at_risk"])


@pytest.mark.parametrize("ci", ["log-log", "log", "plain"])
def test_limits_equal_r(ci, patients, pinned):
    fit = cumulative_incidence(patients["t_day"], patients["code"], ci=ci)
    for cause in (1, 2, 3):
        curve, expected = fit["all", cause], pinned[f"limits {ci} {cause}"]
        some = curve.incidence > 0  # R's plain limits are 0 to 0 before the first event
        for name in ("lower", "upper"):
            want = np.array(expected[name], dtype=float)[some]
            close(getattr(curve, name)[some], want, 1e-11)
            assert np.isnan(getattr(curve, name)[~some]).all()


@pytest.mark.parametrize("cause", [1, 2, 3])
def test_greenwood_variance_equals_etm(cause, patients, pinned):
    expected = pinned[f"etm {cause}"]
    fit = cumulative_incidence(
        patients["t_continuous"],
        patients["code"],
        entry=patients["entry_continuous"],
        variance="greenwood",
    )
    at = fit["all", cause].incidence_at(expected["time"])
    close(at.incidence, expected["incidence"], 1e-11)
    close(at.standard_error**2, expected["variance"], 1e-10, 1e-15)


@pytest.mark.parametrize("clock", ["day", "continuous"])
def test_aalen_variance_equals_cmprsk(clock, patients, pinned):
    time, code, group = patients[f"t_{clock}"], patients["code"], patients["group"]
    fit = cumulative_incidence(time, code, group=group, variance="aalen")
    for g in (0, 1, 2):
        for cause in (1, 2, 3):
            expected = pinned[f"cuminc {clock} {g} {cause}"]
            at = fit[g, cause].incidence_at(expected["at"])
            known = np.array([v is not None for v in expected["incidence"]])
            want = np.array(expected["incidence"], dtype=float)[known]
            close(at.incidence[known], want, 1e-11)
            want = np.array(expected["variance"], dtype=float)[known]
            close(at.standard_error[known] ** 2, want, 1e-10, 1e-15)


rows = st.lists(
    st.tuples(st.integers(1, 8), st.integers(0, 2), st.integers(0, 7), st.integers(1, 3)),
    min_size=2,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_properties_of_the_incidence(drawn):
    time, code, start, weight = np.array(drawn, dtype=float).T
    start = np.minimum(start, time - 1)
    if not code.any():
        code[0] = 1
    fit = cumulative_incidence(time, code, entry=start, weights=weight)
    curves = list(fit.groups["all"].values())
    total = sum(c.incidence for c in curves) + curves[0].event_free
    close(total, np.ones_like(total), 1e-12)
    assert all((np.diff(c.incidence) >= 0).all() for c in curves)
    whole = weight.astype(int)
    again = cumulative_incidence(*(np.repeat(v, whole) for v in (time, code)),
                                 entry=np.repeat(start, whole))  # fmt: skip
    close(curves[0].incidence, next(iter(again.groups["all"].values())).incidence, 1e-12)


@settings(max_examples=30, deadline=None)
@given(rows)
def test_one_cause_is_one_minus_kaplan_meier(drawn):
    time, code, _, _ = np.array(drawn, dtype=float).T
    event = np.minimum(code, 1)
    event[0] = 1
    curve = cumulative_incidence(time, event)["all", 1]
    km = kaplan_meier(time, event)
    close(curve.incidence, 1 - km.survival, 1e-12)
    error = np.nan_to_num(km.standard_error)
    close(curve.standard_error**2, error**2, 1e-10, 1e-15)


def test_a_sum_that_is_one_but_for_rounding_has_no_limits_on_the_log_log_scale():
    almost = np.array([0.6, np.nextafter(1.0, 0.0), 1.0])
    error = np.array([0.1, 4e-9, 0.0])
    lower, upper = incidence_limits(almost, error, "log-log", 0.95)
    assert np.isnan(lower).tolist() == np.isnan(upper).tolist() == [False, True, True]
    lower, upper = incidence_limits(almost, error, "plain", 0.95)
    close(lower[1:], np.ones(2), 1e-7)


def test_the_influence_is_the_derivative_in_the_weights(patients):
    d = patients[:60]
    time, code = d["t_day"].to_numpy().astype(float), d["code"].to_numpy()
    entry, weights = d["entry_day"].to_numpy().astype(float), d["weight"].to_numpy()
    causes, at = (1, 2, 3), 9.0

    def value(w):
        fit = estimate_incidence(time, code, causes, entry, w)
        return fit.incidence[0, np.searchsorted(fit.time, at, side="right") - 1]

    fit = estimate_incidence(time, code, causes, entry, weights)
    steps = 1e-6 * np.eye(time.size)
    slopes = [(value(weights + s) - value(weights - s)) / 2e-6 for s in steps]
    close(influence(fit, code, 0, 1, at), slopes, 1e-5, 1e-9)
    curve = cumulative_incidence(time, code, entry=entry, weights=weights)["all", 1]
    error = curve.incidence_at(at).standard_error[0]
    close(error, np.sqrt(((weights * slopes) ** 2).sum()), 1e-6)


def test_tables(patients):
    fit = cumulative_incidence(patients["t_day"], patients["code"], group=patients["group"])
    table = fit.table()
    assert table.filter(pl.col("time") == 0)["incidence"].to_list() == [0.0] * 9
    at = fit.at([6, 12])
    assert at.height == 2 * 9
    curve = fit[1, 2]
    row = at.filter((pl.col("group") == "1") & (pl.col("cause") == 2) & (pl.col("time") == 12))
    assert row["incidence"].item() == curve.incidence_at(12).incidence[0]
    risk = fit.risk_table([12]).filter((pl.col("group") == "1") & (pl.col("cause") == 2))
    inside = patients.filter((pl.col("group") == 1) & (pl.col("t_day") < 12))
    assert risk["n_events"].item() == inside.filter(pl.col("code") == 2).height
    assert risk["n_competing"].item() == inside.filter(pl.col("code").is_in([1, 3])).height
    assert risk["at_risk"].item() == curve.n - inside.height
    assert fit.events == {k: patients.filter(pl.col("code") == k).height for k in (1, 2, 3)}
    assert curve.quantile(0.99) != curve.quantile(0.99)
    assert curve.incidence[curve.time == curve.quantile(0.1)][0] >= 0.1


def test_bad_codes_and_times_are_named_together():
    with pytest.raises(InputError) as caught:
        cumulative_incidence([1, -2, 3, 4], [0, 1, 1.5, None], group=["a", "b", "a", None])
    columns = {p.column for p in caught.value.problems}
    assert columns == {"event_code", "time", "group"}
    assert len(caught.value.problems) == 3
    with pytest.raises(InputError, match="entry at or after time"):
        cumulative_incidence([1, 2], [1, 0], entry=[0, 2])


def test_what_has_no_answer_says_so():
    with pytest.raises(EstimationError, match="no events among 2 rows"):
        cumulative_incidence([1, 2], [0, 0])
    with pytest.raises(EstimationError, match="'jackknife'"):
        cumulative_incidence([1, 2], [1, 0], weights=[1, 2], variance="aalen")
    with pytest.raises(EstimationError, match="ci is 'logit'"):
        cumulative_incidence([1, 2], [1, 0], ci="logit")


def test_after_the_last_follow_up_the_incidence_is_unknown():
    fit = cumulative_incidence([1, 2, 3], [1, 0, 0])
    assert np.isnan(fit["all", 1].incidence_at(4).incidence[0])
    done = cumulative_incidence([1, 2, 3], [1, 2, 1])
    close(done["all", 1].incidence_at(4).incidence, 2 / 3)
