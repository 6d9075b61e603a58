"""Laws of the Cox model: twin and kernel agree, invariances, brute force, infinite coefficients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import EstimationError, MonotoneLikelihoodWarning, NotEstimableWarning
from ashworth.survival import cox
from ashworth.survival.proportional_hazards import kernel as compiled
from ashworth.survival.proportional_hazards import twin as plain
from ashworth.survival.proportional_hazards.design import build_design, interval_maximum
from ashworth.survival.proportional_hazards.monotone import interval_maximum_of_rows
from ashworth.survival.proportional_hazards.order import by_counting, find_cells, sort_rows


def study(seed, n=60, p=3, days=True, strata=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    time = rng.exponential(size=n) * 20 + 0.5
    time = np.ceil(time) if days else time
    entry = np.floor(time * rng.uniform(0, 1, n) * (rng.random(n) < 0.5) * 0.99)
    event = rng.random(n) < 0.6
    event[0] = True
    weights = rng.uniform(0.5, 2, n)
    return {
        "time": time,
        "event": event,
        "x": x,
        "entry": np.minimum(entry, time - 0.5) if not days else np.minimum(entry, time - 1),
        "weights": weights,
        "offset": rng.normal(size=n) * 0.5,
        "stratum": rng.integers(0, strata, n),
    }


def brute_force(s, beta, *, efron, late):
    """Log partial likelihood by its definition, one event time at a time."""
    eta = s["x"] @ beta + s["offset"]
    total = 0.0
    for g in np.unique(s["stratum"]):
        mine = s["stratum"] == g
        for t in np.unique(s["time"][mine & s["event"]]):
            at_risk = mine & (s["time"] >= t) & ((s["entry"] < t) | (not late))
            dead = mine & s["event"] & (s["time"] == t)
            r = (s["weights"] * np.exp(eta))[at_risk].sum()
            f = (s["weights"] * np.exp(eta))[dead].sum()
            d = dead.sum()
            total += (s["weights"] * eta)[dead].sum()
            for k in range(d):
                total -= s["weights"][dead].mean() * np.log(r - (k / d if efron else 0) * f)
    return total


def design_of(s, *, late):
    n_strata = int(s["stratum"].max()) + 1
    entry = s["entry"] if late else None
    order = sort_rows(s["time"], s["event"], entry, s["stratum"], n_strata)
    return build_design(order, s["x"], s["weights"], s["offset"])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    days=st.booleans(),
    late=st.booleans(),
    efron=st.booleans(),
    strata=st.integers(1, 4),
)
def test_twin_equals_kernel_and_definition(seed, days, late, efron, strata):
    s = study(seed, n=40, days=days, strata=strata)
    design = design_of(s, late=late)
    beta = np.random.default_rng(seed + 1).normal(size=3)
    twin = plain.likelihood(design, beta, efron=efron)
    kernel = compiled.likelihood(design, beta, efron=efron)
    size = 1.0 + abs(twin.value)
    assert abs(twin.value - kernel.value) < 1e-11 * size
    np.testing.assert_allclose(twin.score, kernel.score, atol=1e-10 * size)
    np.testing.assert_allclose(twin.information, kernel.information, atol=1e-10 * size)
    zero = plain.likelihood(design, np.zeros(3), efron=efron)
    raw = np.divide(beta, design.scale, out=np.zeros(3), where=design.scale > 0)
    expected = brute_force(s, raw, efron=efron, late=late) - brute_force(
        s, np.zeros(3), efron=efron, late=late
    )
    assert abs(twin.value - zero.value - expected) < 1e-9 * size


@pytest.mark.parametrize("strata", [1, 3, 300, 900])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("efron", [False, True])
def test_twin_equals_kernel_with_many_blocks_of_rows(strata, late, efron):
    design = design_of(study(strata, n=3000, strata=strata), late=late)
    beta = np.array([0.4, -0.8, 0.2])
    twin = plain.likelihood(design, beta, efron=efron)
    kernel = compiled.likelihood(design, beta, efron=efron)
    assert abs(twin.value / kernel.value - 1) < 1e-12
    np.testing.assert_allclose(twin.score, kernel.score, atol=1e-10)
    np.testing.assert_allclose(twin.information, kernel.information, rtol=1e-10)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_a_stratum_keeps_its_digits_beside_a_larger_one(factor):
    """The information of two strata, one of which has far larger risks, is the sum of theirs."""
    s = study(3, n=400, strata=2)
    s["weights"] = np.ones(400)
    s["offset"] = np.where(s["stratum"] == 1, np.log(factor), 0.0) + s["offset"]
    whole, beta = design_of(s, late=False), np.array([0.3, -0.2, 0.1])
    shifted = replace(whole, offset=s["offset"][whole.rows], widest_offset=30.0)
    a = plain.likelihood(shifted, beta, efron=True)
    b = plain.likelihood(whole, beta, efron=True)
    np.testing.assert_allclose(a.score, b.score, atol=1e-10)
    np.testing.assert_allclose(a.information, b.information, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), days=st.booleans(), late=st.booleans(), strata=st.integers(1, 5)
)
def test_sorting_and_counting_order_rows_alike(seed, days, late, strata):
    s = study(seed, n=50, days=days, strata=strata)
    columns = (s["time"], s["event"], s["entry"] if late else None, s["stratum"], strata)
    a, b = sort_rows(*columns), by_counting(find_cells(*columns), s["event"])
    for name in (
        "cell_start",
        "deaths",
        "stratum_start",
        "late_start",
        "event_rows",
        "event_start",
    ):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(a.exit_cell, b.exit_cell)
    by_row_a, by_row_b = np.argsort(a.rows), np.argsort(b.rows)
    np.testing.assert_array_equal(a.rows[by_row_a], b.rows[by_row_b])
    np.testing.assert_array_equal(a.exit_cell[by_row_a], b.exit_cell[by_row_b])
    np.testing.assert_array_equal(a.entry_cell[by_row_a], b.entry_cell[by_row_b])
    np.testing.assert_array_equal(np.sort(a.rows[a.late_rows]), np.sort(b.rows[b.late_rows]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), late=st.booleans(), efron=st.booleans())
def test_score_and_information_are_derivatives(seed, late, efron):
    design = design_of(study(seed, strata=2), late=late)
    beta, h = np.array([0.3, -0.2, 0.1]), 1e-5

    def at(b):
        return plain.likelihood(design, b, efron=efron)

    for j, e in enumerate(np.eye(3) * h):
        slope = (at(beta + e).value - at(beta - e).value) / (2 * h)
        assert abs(slope - at(beta).score[j]) < 1e-5
        curve = -(at(beta + e).score - at(beta - e).score) / (2 * h)
        np.testing.assert_allclose(curve, at(beta).information[j], atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_interval_maxima(seed):
    design = design_of(study(seed, n=30, strata=2), late=True)
    rng = np.random.default_rng(seed)
    v, per_cell = rng.normal(size=design.rows.size), rng.normal(size=design.deaths.size)
    cells = np.arange(design.deaths.size)
    inside = (cells > design.entry_cell[:, None]) & (cells <= design.exit_cell[:, None])
    by_cell = np.where(inside, v[:, None], -np.inf).max(axis=0)
    np.testing.assert_array_equal(interval_maximum(v, design), by_cell)
    by_row = np.where(inside, per_cell, -np.inf).max(axis=1)
    np.testing.assert_array_equal(interval_maximum_of_rows(per_cell, design), by_row)


def fitted(s, **changes):
    s = s | changes
    return cox(
        s["time"], s["event"], s["x"], entry=s["entry"], weights=s["weights"],
        offset=s["offset"], strata=s["stratum"],
    )  # fmt: skip


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_scale_and_origin_of_a_covariate_do_not_matter(factor):
    s = study(5)
    a, b = fitted(s), fitted(s, x=s["x"] * factor + 3 * factor)
    np.testing.assert_allclose(a.coefficients, b.coefficients * factor, rtol=1e-9)
    np.testing.assert_allclose(a.standard_errors, b.standard_errors * factor, rtol=1e-9)


def test_order_of_rows_does_not_matter():
    s = study(6, strata=3)
    order = np.random.default_rng(0).permutation(60)
    a, b = fitted(s), fitted({k: v[order] for k, v in s.items()})
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-10)


def test_whole_weights_are_copies_with_breslow():
    s = study(7)
    w = np.random.default_rng(1).integers(0, 4, 60)
    a = cox(s["time"], s["event"], s["x"], weights=w, ties="breslow")
    b = cox(*(np.repeat(s[k], w, axis=0) for k in ("time", "event", "x")), ties="breslow")
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-9)
    np.testing.assert_allclose(a.standard_errors, b.standard_errors, rtol=1e-9)


def test_split_follow_up_changes_nothing():
    s = study(8, n=80)
    half = np.floor(s["time"] / 2)
    a = cox(s["time"], s["event"], s["x"])
    split = half > 0
    b = cox(
        np.r_[half[split], s["time"]],
        np.r_[np.zeros(split.sum()), s["event"]],
        np.r_[s["x"][split], s["x"]],
        entry=np.r_[np.zeros(split.sum()), half],
    )
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-9)


def test_large_study_uses_the_kernel_and_agrees(monkeypatch):
    s = study(9, n=60_000, strata=4)
    big = fitted(s)
    monkeypatch.setattr("ashworth.survival.proportional_hazards.newton.KERNEL_ROWS", 10**9)
    monkeypatch.setattr("ashworth.survival.proportional_hazards.design.KERNEL_ROWS", 10**9)
    monkeypatch.setattr("ashworth.survival.proportional_hazards.model._SAMPLED_FROM", 10**9)
    plain = fitted(s)
    np.testing.assert_allclose(big.coefficients, plain.coefficients, rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(big.standard_errors, plain.standard_errors, rtol=1e-9)
    np.testing.assert_allclose(big.log_likelihood, plain.log_likelihood, rtol=1e-12)


def test_strata_with_one_subject_or_no_event_contribute_nothing():
    s = study(10)
    a = fitted(s)
    more = {k: np.r_[v, v[:4]] for k, v in s.items()}
    more["stratum"] = np.r_[s["stratum"], [5, 6, 7, 7]]
    more["event"] = np.r_[s["event"], [True, False, False, False]]
    more["weights"][60:] = 1
    b = fitted(more)
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-10)
    np.testing.assert_allclose(a.log_likelihood, b.log_likelihood, rtol=1e-12)
    assert b.n_strata == 4


def test_covariate_constant_within_strata_is_nan():
    s = study(11, strata=3)
    x = np.column_stack([s["x"][:, 0], s["stratum"] * 1.1 + 0.3, s["x"][:, 1]])
    with pytest.warns(NotEstimableWarning, match="x2"):
        found = fitted(s, x=x)
    assert np.isnan(found.coefficients[1])
    assert np.isnan(found.standard_errors[1])
    without = fitted(s, x=x[:, [0, 2]])
    np.testing.assert_allclose(found.coefficients[[0, 2]], without.coefficients, rtol=1e-10)
    assert found.likelihood_ratio_test.df == 2


def test_collinear_covariate_is_nan():
    s = study(12)
    x = np.column_stack([s["x"], s["x"][:, 0] - 2 * s["x"][:, 1]])
    with pytest.warns(NotEstimableWarning, match="x4"):
        found = fitted(s, x=x)
    np.testing.assert_allclose(found.coefficients[:3], fitted(s).coefficients, rtol=1e-9)


def test_no_event_is_an_error():
    with pytest.raises(EstimationError, match="no events among 3 rows"):
        cox([1, 2, 3], [0, 0, 0], [1, 2, 3])


def separated(n=40, seed=0):
    rng = np.random.default_rng(seed)
    time, x2 = np.ceil(rng.exponential(size=n) * 30), rng.normal(size=n)
    x1 = np.repeat([0.0, 1.0], n // 2)
    event = (x1 == 1) & (rng.random(n) < 0.8)
    return time, event, x1, x2


@pytest.mark.parametrize("sign", [1, -1])
def test_monotone_likelihood_is_infinite(sign):
    time, event, x1, x2 = separated()
    with pytest.warns(MonotoneLikelihoodWarning, match="marker"):
        found = cox(time, event, {"marker": sign * x1, "age": x2})
    assert found.coefficients[0] == sign * np.inf
    assert np.isinf(found.standard_errors[0])
    assert found.hazard_ratios[0] == (np.inf if sign > 0 else 0.0)
    exposed = x1 == 1
    limit = cox(time[exposed], event[exposed], x2[exposed])
    np.testing.assert_allclose(found.coefficients[1], limit.coefficients[0], rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors[1], limit.standard_errors[0], rtol=1e-9)
    np.testing.assert_allclose(found.log_likelihood, limit.log_likelihood, rtol=1e-12)
    lr = found.likelihood_ratio_test
    assert lr.df == 2
    assert lr.statistic == pytest.approx(2 * (found.log_likelihood - found.log_likelihood_null))
    assert np.isfinite(found.score_test.statistic)


def test_monotone_likelihood_with_late_entry_and_levels():
    time, event, _, x2 = separated(60, 3)
    level = np.arange(60) % 3
    event = event & (level > 0)
    with pytest.warns(MonotoneLikelihoodWarning, match=r"b \(\+infinite\), c \(\+infinite\)"):
        found = cox(
            time, event, {"age": x2, "b": 1.0 * (level == 1), "c": 1.0 * (level == 2)},
            entry=np.floor(time / 3),
        )  # fmt: skip
    kept = level > 0
    limit = cox(
        time[kept], event[kept], np.column_stack([x2, level == 2])[kept],
        entry=np.floor(time / 3)[kept],
    )  # fmt: skip
    np.testing.assert_allclose(found.coefficients[0], limit.coefficients[0], rtol=1e-9)
    np.testing.assert_allclose(found.log_likelihood, limit.log_likelihood, rtol=1e-12)


def test_perfectly_ordered_times_are_infinite():
    for n in (5, 30, 300):
        with pytest.warns(MonotoneLikelihoodWarning):
            found = cox(np.arange(1, n + 1), np.ones(n), -np.arange(n) / n)
        assert found.coefficients[0] == np.inf
        assert found.log_likelihood == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("effect", [3.0, 6.0, 10.0])
def test_a_large_effect_is_not_called_infinite(effect):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(400, 2)) * [1.0, 1e-6]
    time = rng.exponential(size=400) * np.exp(-x @ [effect, 2e5])
    found = cox(time, np.ones(400), x, tie_tolerance=0)
    assert np.isfinite(found.coefficients).all()
    assert abs(found.coefficients[0] / effect - 1) < 0.2


def test_an_outlier_is_not_called_infinite():
    rng = np.random.default_rng(5)
    x = rng.normal(size=100)
    time = rng.exponential(size=100) * np.exp(-x)
    x[np.argmin(time)] = 1e6
    found = cox(time, np.ones(100), x)
    rest = x < 1e5
    expected = cox(time[rest], np.ones(99), x[rest])
    np.testing.assert_allclose(found.coefficients, expected.coefficients, rtol=1e-5)
