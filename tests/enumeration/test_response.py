"""Response and kinetics: equal to R, and honest where nothing can be said."""

from __future__ import annotations

import json
import warnings
from itertools import product
from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_expit

from ashworth.enumeration import (
    count_before_imaging,
    count_kinetics,
    response_by_category,
    response_by_dynamics,
    response_model,
)
from ashworth.enumeration.contingency import cochran_armitage, fisher, pearson
from ashworth.errors import (
    AshworthWarning,
    EstimationError,
    InputError,
    MonotoneLikelihoodWarning,
    NotEstimableWarning,
)

from .conftest import HERE

close = np.testing.assert_allclose


@pytest.fixture(scope="module")
def r():
    return json.loads((HERE / "response.json").read_text())


@pytest.fixture(scope="module")
def columns(r):
    y, count, her2, age = (np.array(r[k], float) for k in ("pcr", "count", "her2", "age"))
    return y, {"log cells": np.log1p(count), "her2": her2, "age": age}


def test_categories_and_tests_equal_r(r):
    found = response_by_category(r["count"], r["pcr"])
    assert found.n.tolist() == r["n"]
    assert found.n_responders.tolist() == r["x"]
    close(found.trend.z**2, r["trend"]["chisq"], rtol=1e-12)
    close([found.trend.z, found.trend.p_value], [r["trend"]["z"], r["trend"]["p"]], rtol=1e-11)
    close(found.pearson.statistic, r["pearson"], rtol=1e-12)
    close(found.fisher_p_value, r["fisher"], rtol=1e-9)
    scored = response_by_category(r["count"], r["pcr"], scores=[0, 1, 2, 3.5, 8])
    close(scored.trend.z**2, r["scored"]["chisq"], rtol=1e-12)
    assert np.isnan(scored.trend.exact_p_value)
    assert found.test_table()["p_value"].is_finite().all()


def test_exact_tests_of_a_small_table_equal_a_list_of_all_tables(r):
    s = r["small"]
    x, n, scores = (np.array(s[k], float) for k in ("x", "m", "s"))
    close(cochran_armitage(x, n, scores).exact_p_value, s["trend"], rtol=1e-11)
    close(fisher(x, n), s["fisher"], rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=4))
def test_exact_tests_equal_their_definition(rows):
    x = np.array([a for a, _ in rows], float)
    n = np.array([a + b for a, b in rows], float)
    if x.sum() in (0, n.sum()):
        assert np.isnan(fisher(x, n))
        return
    ranges = (range(int(m) + 1) for m in n)
    tables = [t for t in product(*ranges) if sum(t) == x.sum()]
    mass = np.array([np.prod([comb(int(m), k) for m, k in zip(n, t, strict=True)]) for t in tables])
    mass = mass / mass.sum()
    seen = mass[tables.index(tuple(x.astype(int)))]
    if (n > 0).sum() > 1:
        close(fisher(x, n), mass[mass <= seen * (1 + 1e-7)].sum(), rtol=1e-9)
    scores = np.arange(len(n), dtype=float)
    trend = cochran_armitage(x, n, scores)
    if not np.isnan(trend.z):
        away = np.abs(np.array(tables) @ scores - x.sum() * (n @ scores) / n.sum())
        now = abs(x @ scores - x.sum() * (n @ scores) / n.sum())
        close(trend.exact_p_value, mass[away >= now - 1e-9].sum(), rtol=1e-9)
        close(trend.z, -cochran_armitage(n - x, n, scores).z, atol=1e-12)


def test_large_tables_are_still_exact_or_say_nan():
    n = np.array([1200.0, 150, 80, 80, 64])
    x = np.array([280.0, 30, 12, 10, 5])
    trend = cochran_armitage(x, n, np.arange(5.0))
    close(trend.exact_p_value, trend.p_value, rtol=0.1)
    assert 0 < fisher(x, n) < pearson(x, n).p_value * 3
    assert np.isnan(fisher(n / 2, np.full(5, 4000.0)))


def test_labels_empty_categories_and_no_responders():
    found = response_by_category(["low", "high", "low"], [1, 0, 1], order=["low", "middle", "high"])
    assert found.n.tolist() == [2, 0, 1]
    assert np.isnan(found.proportion[1])
    assert found.pearson.df == 1
    none = response_by_category([0, 1, 7], [0, 0, 0], interval="clopper-pearson")
    assert np.isnan([none.trend.z, none.fisher_p_value, none.pearson.statistic]).all()
    assert none.upper[0] == pytest.approx(0.975)


def test_bad_categories_come_together():
    with pytest.raises(InputError) as caught:
        response_by_category([0, -1, 1.5], [0, 2, None])
    assert {p.column for p in caught.value.problems} == {"category", "response"}
    with pytest.raises(InputError, match="bounds"):
        response_by_category([0, 1], [0, 1], bounds=(1, 5))
    with pytest.raises(InputError, match="does not name"):
        response_by_category(["a", "b"], [0, 1], order=["a", "c"])
    with pytest.raises(InputError, match="as many as response"):
        response_by_category([0, 1, 2], [0, 1])
    with pytest.raises(InputError, match="scores"):
        response_by_category([0, 1], [0, 1], scores=[1, 2])
    with pytest.raises(EstimationError, match="interval"):
        response_by_category([0, 1], [0, 1], interval="wald")  # type: ignore[arg-type]


def test_logistic_model_equals_glm(r, columns):
    y, x = columns
    found, want = response_model(y, x), r["logistic"]
    close(found.coefficients, want["coef"], rtol=1e-9)
    close(found.standard_errors, want["se"], rtol=1e-9)
    close([-2 * found.log_likelihood, -2 * found.log_likelihood_null],
          [want["deviance"], want["null"]], rtol=1e-12)  # fmt: skip
    close(np.stack([found.lower, found.upper], axis=1), want["profile"], rtol=1e-8, atol=1e-10)
    close(found.fitted[:5], want["fitted"], rtol=1e-9)
    wald = response_model(y, x, limits="wald", level=0.9)
    close(wald.upper - found.coefficients, 1.6448536269514722 * found.standard_errors, rtol=1e-12)
    assert found.df == 3
    assert found.table()["term"].to_list() == ["intercept", "log cells", "her2", "age"]


def test_separation_is_told_and_the_rest_is_the_limit(r, columns):
    y, x = columns
    x = {"flag": np.array(r["flag"], float), "log cells": x["log cells"], "age": x["age"]}
    with pytest.warns(MonotoneLikelihoodWarning, match=r"flag \(\+infinite\)"):
        found = response_model(y, x)
    want = r["separated"]
    assert found.coefficients[1] == found.upper[1] == np.inf
    close(found.coefficients[[0, 2, 3]], want["coef"], rtol=1e-8)
    close(found.standard_errors[[0, 2, 3]], want["se"], rtol=1e-8)
    close(-2 * found.log_likelihood, want["deviance"], rtol=1e-11)
    close(found.lower[1], want["lower"], rtol=1e-7)
    assert found.p_value < 1e-6
    assert np.isnan(found.table()["p_value"][1])


def test_complete_separation_and_collinear_columns():
    with pytest.warns(MonotoneLikelihoodWarning):
        found = response_model([0, 0, 0, 1, 1, 1], {"x": [1, 2, 3, 4, 5, 6]})
    assert found.log_likelihood == 0.0
    assert found.coefficients[1] == np.inf
    rng = np.random.default_rng(3)
    a = rng.normal(size=60)
    y = rng.random(60) < 0.5
    with pytest.warns(NotEstimableWarning, match="twice, one"):
        both = response_model(y, {"a": a, "twice": 2 * a, "one": np.ones(60)})
    alone = response_model(y, {"a": a})
    close(both.coefficients[:2], alone.coefficients, rtol=1e-10)
    assert both.df == 1
    assert np.isnan(both.coefficients[2:]).all()


def test_extreme_but_not_separated_predictors_stay_finite():
    x = np.array([-40.0, -30, -1, 0.5, 1, 2, 30, 45])
    y = np.array([0.0, 0, 1, 0, 1, 0, 1, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = response_model(y, {"x": x})
    assert np.isfinite(found.coefficients).all()


def test_bad_models():
    with pytest.raises(InputError) as caught:
        response_model([0, 1, 3], {"a": [1, None, 2], "b": ["x", "y", "z"]})
    assert {p.column for p in caught.value.problems} >= {"response", "a", "b"}
    with pytest.raises(EstimationError, match="all of 2 responded"):
        response_model([1, 1], [0, 1])
    rng = np.random.default_rng(1)
    y = np.zeros(60)
    y[:3] = 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        response_model(y, rng.normal(size=(60, 5)))
    assert any("3 responders for 6 coefficients" in str(w.message) for w in caught)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_a_perturbed_fit_is_never_better(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, (25, 2)).astype(float)
    y = (rng.random(25) < 0.5).astype(float)
    if y.sum() in (0, 25):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AshworthWarning)
        found = response_model(y, x)
    full = np.column_stack([np.ones(25), x])
    for _ in range(20):
        beta = np.nan_to_num(found.coefficients, posinf=20, neginf=-20) + rng.normal(size=3)
        value = log_expit((2 * y - 1) * (full @ beta)).sum()
        assert value <= found.log_likelihood + 1e-9
    assert (np.nan_to_num(found.lower, nan=-np.inf) <= np.nan_to_num(found.upper, nan=np.inf)).all()


def test_dynamics_and_response():
    classes = ["decrease"] * 6 + ["persistently high"] * 5
    responses = {
        "objective response": [1, 1, 1, 0, 0, None, 0, 0, 1, 0, None],
        "clinical benefit": [1, 1, 1, 1, 0, 1, 0, 0, 1, 0, 0],
    }
    found = response_by_dynamics(classes, pl.DataFrame(responses))
    assert found.table().select("n", "n_with", "n_missing").rows() == [
        (5, 3, 1), (4, 1, 1), (6, 5, 0), (5, 1, 0)
    ]  # fmt: skip
    # R: fisher.test(matrix(c(5, 1, 1, 4), 2))$p.value
    assert found.tests["fisher_p_value"][1] == pytest.approx(0.08008658008658009, rel=1e-9)
    with pytest.raises(InputError, match="does not name"):
        response_by_dynamics(classes, responses, order=["decrease"])
    with pytest.raises(InputError, match="a dict or frame"):
        response_by_dynamics(classes, [1] * 11)


def test_what_the_count_knew_before_imaging():
    found = count_before_imaging(
        [1, 1, 1, 0, 0, 0, 0, 1, None, 0], [1, 1, 0, 1, 0, 0, 0, 0, 1, 0],
        [28, 30, 25, 28, 27, 29, 28, 28, 28, 70], [60, 58, 63, 70, 61, 64, 62, 66, 60, 63],
    )  # fmt: skip
    assert (found.n_both, found.n_count_only, found.n_imaging_only, found.n_neither) == (2, 2, 1, 3)
    assert dict(found.excluded) == {
        "no assessable count under therapy": 1, "no evaluable imaging": 0,
        "imaging on or before the day of the draw": 1,
    }  # fmt: skip
    rows = {r["measure"]: r for r in found.table().to_dicts()}
    assert rows["sensitivity"]["estimate"] == pytest.approx(2 / 3)
    ratio = (2 / 3) / (2 / 5)
    assert rows["positive likelihood ratio"]["estimate"] == pytest.approx(ratio)
    half = 1.959963984540054 * np.sqrt(1 / 2 - 1 / 3 + 1 / 2 - 1 / 5)
    assert rows["positive likelihood ratio"]["upper"] == pytest.approx(ratio * np.exp(half))
    assert found.kappa == pytest.approx((5 / 8 - 0.5) / 0.5)
    assert found.days["days"].to_list() == [28, 33.5, 34.5, 38, 42]
    with pytest.raises(EstimationError, match="none of 1"):
        count_before_imaging([1], [1], [30], [30])
    perfect = count_before_imaging([1, 0], [1, 0], [1, 1], [9, 9])
    assert perfect.table()["estimate"].to_list() == [1, 1, 1, 1, 1, np.inf, 0]
    assert perfect.kappa == 1.0


def test_kinetics_equal_poisson_regression(r):
    for want in r["kinetics"]:
        t, y, v = (np.array(want[k], float) for k in ("t", "y", "v"))
        row = count_kinetics(["p"] * t.size, t, y, v).table().row(0, named=True)
        for name, key in (("slope", "slope"), ("slope_lower", "lower"), ("slope_upper", "upper")):
            if want[key] is None:
                assert row[name] == -np.inf
            else:
                close(row[name], want[key], rtol=1e-8)
        if want["pearson"] is not None:
            close(row["dispersion_p_value"], want["pearson"], rtol=1e-7)
        if y[0] > 0:
            close(row["rate_ratio"], want["ratio"], rtol=1e-12)
        limits = [np.inf if c in ("Inf", None) else c for c in want["ratio_limits"]]
        close([row["ratio_lower"], row["ratio_upper"]], limits, rtol=1e-10)


def test_kinetics_say_what_they_can():
    found = count_kinetics(
        ["b", "a", "a", "c", "c", "d", "d", "e", "e"], [0, 40, 0, 0, 30, 0, 30, 0, 30],
        [3, 0, 9, 0, 0, 0, 12, 4, 3], [7.5] * 9,
    )  # fmt: skip
    rows = {row["patient"]: row for row in found.table().to_dicts()}
    assert found.single == 1
    assert {k: v["course"] for k, v in rows.items()} == {
        "a": "falling", "c": "no cells", "d": "rising", "e": "unclear"
    }  # fmt: skip
    assert rows["a"]["slope"] == -np.inf
    assert rows["a"]["half_life_days"] == rows["a"]["half_life_lower"] == 0.0
    assert rows["a"]["half_life_upper"] > 0
    assert rows["d"]["slope"] == np.inf
    assert np.isnan(rows["d"]["half_life_days"])
    assert rows["e"]["half_life_upper"] == np.inf
    assert found.summary["n"].to_list() == [1, 1, 1, 1]
    empty = count_kinetics(["a"], [0], [1], [7.5])
    assert (empty.n, empty.single) == (0, 1)


@pytest.mark.parametrize("counts", [[3, 3], [7, 7], [5, 9, 5], [2, 30, 2]])
def test_kinetics_of_a_level_course_have_no_half_life(counts):
    day = [0, 21] if len(counts) == 2 else [0, 21, 42]
    row = count_kinetics(["p"] * len(day), day, counts, 7.5).table().row(0, named=True)
    assert row["slope"] == 0.0
    assert np.isnan([row["half_life_days"], row["half_life_lower"], row["half_life_upper"]]).all()
    close(row["slope_lower"], -row["slope_upper"], rtol=1e-9)


def test_bad_kinetics():
    with pytest.raises(InputError) as caught:
        count_kinetics(["a", None], [0, np.inf], [1, -2], [7.5, 0])
    assert {p.column for p in caught.value.problems} == {"patient", "day", "count", "amount"}
    with pytest.raises(InputError, match="second draw"):
        count_kinetics(["a", "a"], [5, 5], [1, 2], 7.5)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=5), st.floats(0.1, 90))
def test_kinetics_do_not_depend_on_units(counts, step):
    day = np.arange(len(counts)) * step
    one = count_kinetics(["p"] * len(counts), day, counts, 7.5).table().row(0, named=True)
    two = count_kinetics(["p"] * len(counts), day / 7 + 3, counts, 3.0).table().row(0, named=True)
    for name in ("slope", "slope_lower", "slope_upper"):
        close(one[name] * 7, two[name], rtol=1e-6, atol=1e-9 / step)
    back = count_kinetics(["p"] * len(counts), day, counts[::-1], 7.5).table().row(0, named=True)
    close(back["slope_lower"], -one["slope_upper"], rtol=1e-6, atol=1e-9 / step)
