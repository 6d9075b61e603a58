"""Subgroups and treatment by marker: equal to R, and honest where nothing can be said."""

from __future__ import annotations

import json
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import AshworthWarning, EstimationError, InputError
from ashworth.survival import cox, subgroup_effects, treatment_by_marker

from .conftest import FOLDER, close, load_data


@pytest.fixture(scope="module")
def d():
    return load_data("subgroups")


@pytest.fixture(scope="module")
def pinned():
    return json.loads((FOLDER / "subgroups.json").read_text())


CHOICES = {
    "plain": {},
    "adjusted": {"covariates": ["age"], "strata": "centre"},
    "late_weighted": {"covariates": ["age"], "weights": "weight", "entry": "entry"},
}


def arguments(d, kind):
    chosen = {k: d[v] if isinstance(v, str) else d.select(v) for k, v in CHOICES[kind].items()}
    return (d["time"], d["event"], d["marker"]), chosen


@pytest.mark.parametrize("kind", CHOICES)
@pytest.mark.parametrize("model", ["joint", "separate"])
def test_effects_and_tests_equal_r(d, pinned, kind, model):
    given, chosen = arguments(d, kind)
    factors = list(pinned[kind])
    found = subgroup_effects(*given, d.select(factors), model=model, **chosen)
    for factor, want in pinned[kind].items():
        rows = [r for r in found.rows if r.factor == factor]
        assert [r.level for r in rows] == want["levels"]
        usable = [r for r in rows if not r.reason]
        assert [r.level for r in usable] == np.atleast_1d(want["usable"]).tolist()
        close([r.coefficient for r in usable], want[model]["coef"], 1e-9)
        close([r.standard_error for r in usable], want[model]["se"], 1e-9)
        test = next(t for t in found.tests if t.factor == factor)
        if "lr" in want:
            close(test.likelihood_ratio.statistic, want["lr"], 1e-8, 1e-9)
            close(test.wald.statistic, want["wald"], 1e-8)
            q = want["q"] if model == "separate" else want["wald"]
            close(test.heterogeneity.statistic, q, 1e-8)
            assert test.likelihood_ratio.df == test.wald.df == want["df"]


def test_overall_row_equals_r(d, pinned):
    for kind, name in (("plain", "overall"), ("adjusted", "overall_adjusted")):
        given, chosen = arguments(d, kind)
        first = subgroup_effects(*given, d.select("grade"), **chosen).rows[0]
        close([first.coefficient, first.standard_error], list(pinned[name].values()), 1e-9)


def test_levels_that_say_nothing_say_why(d):
    found = subgroup_effects(d["time"], d["event"], d["marker"], d.select("subtype", "sites"))
    reasons = {(r.factor, r.level): r.reason for r in found.rows}
    assert reasons["subtype", "rare"] == "no events"
    assert reasons["sites", "many"] == "one marker group only"
    tests = {t.factor: t for t in found.tests}
    assert tests["subtype"].n_compared == 4
    assert tests["subtype"].likelihood_ratio.df == 3
    assert tests["subtype"].n_missing == d["subtype"].null_count() > 0
    assert tests["sites"].likelihood_ratio.df == 0
    assert np.isnan(tests["sites"].likelihood_ratio.p_value)
    table = found.table()
    assert table.filter(pl.col("level") == "rare")["hazard_ratio"].is_nan().all()
    assert table.filter(pl.col("interaction_p").is_not_null()).height == 2
    assert found.test_table().height == 6


def test_a_level_whose_events_all_have_one_marker_keeps_its_likelihood_ratio(d):
    here = (d["grade"] == 3) & (d["marker"] == 0)
    event = np.where(here.to_numpy(), 0, d["event"].to_numpy())
    found = subgroup_effects(d["time"], event, d["marker"], d.select("grade"))
    row = next(r for r in found.rows if r.level == "3")
    assert row.coefficient == np.inf
    assert "monotone" in row.reason
    test = found.tests[0]
    assert np.isnan(test.wald.p_value)
    assert test.likelihood_ratio.df == 1
    assert test.likelihood_ratio.p_value < 1e-4


def test_a_covariate_that_repeats_the_factor_drops_out(d):
    age, grade = d["age"].to_numpy(), (d["grade"] == 3).to_numpy() * 1.0
    given = (d["time"], d["event"], d["marker"], d.select("grade"))
    plain = subgroup_effects(*given, covariates={"age": age})
    twice = subgroup_effects(*given, covariates={"age": age, "grade": grade})
    close([r.coefficient for r in twice.rows[1:]], [r.coefficient for r in plain.rows[1:]], 1e-9)
    assert twice.tests[0].likelihood_ratio.df == 1


def test_rows_of_weight_zero_are_as_if_absent(d):
    weight = (np.arange(d.height) % 5 > 0) * 1.0
    kept = d.filter(pl.Series(weight > 0))
    some = subgroup_effects(
        d["time"], d["event"], d["marker"], d.select("grade"), weights=weight
    ).table()
    less = subgroup_effects(kept["time"], kept["event"], kept["marker"], kept.select("grade"))
    assert some["n"].to_list() == less.table()["n"].to_list()
    close(some["coefficient"], less.table()["coefficient"], 1e-9)


def test_more_coefficients_than_events_warns(d):
    few = d.head(60)
    x = np.random.default_rng(1).normal(size=(60, 40))
    with pytest.warns(AshworthWarning, match="events per variable"):
        subgroup_effects(
            few["time"], few["event"], few["marker"], few.select("grade"), covariates=x
        )


def test_faults_come_together(d):
    with pytest.raises(InputError) as caught:
        subgroup_effects(
            [-1, 2, 3], [1, 0, 2], [0, 1, 5], {"g": ["a", "b", "b"]}, covariates=[1, np.nan, 2]
        )
    assert {p.column for p in caught.value.problems} >= {"time", "event", "marker", "x1"}
    with pytest.raises(InputError, match="a frame or dict"):
        subgroup_effects([1, 2], [1, 1], [0, 1], ["a", "b"])
    with pytest.raises(InputError, match="no row with a label"):
        subgroup_effects([1, 2], [1, 1], [0, 1], {"g": [None, None]})
    with pytest.raises(EstimationError, match="no events"):
        subgroup_effects([1, 2], [0, 0], [0, 1], {"g": ["a", "b"]})
    with pytest.raises(EstimationError, match="needs both"):
        subgroup_effects([1, 2], [1, 0], [1, 1], {"g": ["a", "b"]})
    with pytest.raises(EstimationError, match="model"):
        subgroup_effects([1, 2], [1, 0], [0, 1], {"g": ["a", "b"]}, model="both")  # type: ignore[arg-type]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_properties(seed):
    rng = np.random.default_rng(seed)
    n = 80
    time, event = rng.integers(1, 40, n), rng.random(n) < 0.7
    marker, factor = rng.random(n) < 0.5, rng.choice(["a", "b", "c"], n)
    found = subgroup_effects(time, event, marker, {"f": factor})
    order = rng.permutation(n)
    moved = subgroup_effects(time[order], event[order], marker[order], {"f": factor[order]})
    close([r.coefficient for r in moved.rows], [r.coefficient for r in found.rows], 1e-7, 1e-9)
    assert sum(r.n for r in found.rows[1:]) == n
    assert all(r.n_low + r.n_high == r.n and r.events <= r.n for r in found.rows)
    flipped = subgroup_effects(time, event, ~marker, {"f": factor})
    close([-r.coefficient for r in flipped.rows], [r.coefficient for r in found.rows], 1e-7, 1e-9)
    one, other = (x.tests[0].likelihood_ratio.statistic for x in (flipped, found))
    close(one, other, 1e-6, 1e-8)


@pytest.mark.parametrize("kind", ["plain", "adjusted"])
def test_treatment_by_marker_equals_r(d, pinned, kind):
    want = pinned["treatment"][kind]
    given, chosen = arguments(d, kind)
    time, event, marker = given
    found = treatment_by_marker(
        time, event, d["treatment"], marker, randomised=False, at=1000, **chosen
    )
    keys = ("low", "high", "marker_untreated", "marker_treated", "both", "interaction")
    close(found.coefficients, [want[k][0] for k in keys], 1e-9)
    close(found.standard_errors, [want[k][1] for k in keys], 1e-9)
    close(found.likelihood_ratio_test.statistic, want["lr"], 1e-8)
    excess = found.differences[0]
    close([excess["estimate"], excess["standard_error"]], [want["reri"], want["reri_se"]], 1e-8)
    cells = {k: np.array(v) for k, v in pinned["treatment"]["cells"].items()}
    table = found.difference_table().filter(pl.col("marker") == "interaction")
    for row, name in ((1, "surv"), (2, "rmst")):
        s, se = cells[name], cells[f"{name}_se"]
        close(table["estimate"][row], (s[3] - s[1]) - (s[2] - s[0]), 1e-9)
        close(table["standard_error"][row], np.sqrt((se**2).sum()), 1e-9)


def test_the_label_says_whether_it_was_randomised(d):
    given = (d["time"], d["event"], d["treatment"], d["marker"])
    seen = treatment_by_marker(*given, randomised=False)
    assert set(seen.table()["label"]) == {"not randomised: association, not a treatment effect"}
    assert treatment_by_marker(*given, randomised=True).label == "randomised: treatment effect"
    assert seen.cell_table()["n"].sum() == d.height == seen.n
    with pytest.raises(EstimationError, match="randomised"):
        treatment_by_marker(*given, randomised=None)  # type: ignore[arg-type]


def test_interaction_is_that_of_cox(d):
    found = treatment_by_marker(
        d["time"], d["event"], d["treatment"], d["marker"], randomised=False, strata=d["centre"]
    )
    t, m = d["treatment"].to_numpy(), d["marker"].to_numpy()
    fit = cox(d["time"], d["event"], np.column_stack([t, m, t * m]), strata=d["centre"])
    close(found.coefficients[5], fit.coefficients[2])
    close(found.table()["p_value"][5], fit.p_values[2])


def test_treatment_edges(d):
    given = (d["time"], d["event"])
    high = d["marker"].to_numpy()
    with pytest.raises(EstimationError, match="all four"):
        treatment_by_marker(*given, high, high, randomised=True)
    with pytest.raises(EstimationError, match="no events"):
        treatment_by_marker(d["time"], 0 * high, d["treatment"], high, randomised=True)
    with pytest.raises(InputError, match="values other than 0 and 1"):
        treatment_by_marker(*given, d["treatment"] + 1, high, randomised=True)
    far = treatment_by_marker(*given, d["treatment"], high, randomised=True, at=5000)
    assert "after the last follow-up" in far.options["left_out"]
    assert len(far.differences) == 1
    event = np.where((high == 1) & (d["treatment"].to_numpy() == 1), 0, d["event"].to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        none = treatment_by_marker(d["time"], event, d["treatment"], high, randomised=True)
    assert none.coefficients[5] == none.coefficients[1] == -np.inf
    assert none.likelihood_ratio_test.p_value < 0.01
    assert np.isnan(none.wald_test.p_value)
    assert none.differences == ()


def test_survival_that_has_reached_zero_has_no_limits():
    rng = np.random.default_rng(2)
    time, group = np.arange(1.0, 41.0), rng.permutation(np.arange(40) % 4)
    found = treatment_by_marker(time, np.ones(40), group % 2, group // 2, randomised=True, at=60.0)
    assert "has reached 0" in found.options["left_out"]
    assert [d["quantity"] for d in found.differences[1:]] == ["restricted mean to 60"] * 3
    with pytest.raises(EstimationError, match="after 0"):
        treatment_by_marker(time, np.ones(40), group % 2, group // 2, randomised=True, at=0)


def test_ratios_that_stay_finite_beside_an_infinite_one(d):
    """Without events among the untreated with marker low, these rows say nothing."""
    t, m = d["treatment"].to_numpy(), d["marker"].to_numpy()
    event = np.where((m == 0) & (t == 0), 0, d["event"].to_numpy())
    found = treatment_by_marker(d["time"], event, t, m, randomised=True)
    assert found.coefficients[[0, 2, 4]].tolist() == [np.inf] * 3
    assert found.coefficients[5] == -np.inf
    rest = (m == 1) | (t == 1)
    x = np.column_stack([t * m, 1 - m])[rest]
    fit = cox(d["time"].to_numpy()[rest], event[rest], x)
    close(found.coefficients[1], fit.coefficients[0], 1e-9)
    close(found.standard_errors[1], fit.standard_errors[0], 1e-6)
    assert np.isnan(found.table()["lower"][5])


def test_clustered_rows_use_the_robust_wald_test(d, pinned):
    want = pinned["treatment"]["clustered"]
    given = (d["time"], d["event"], d["treatment"], d["marker"])
    found = treatment_by_marker(
        *given, randomised=False, covariates=d.select("age"), cluster=d["centre"]
    )
    close(
        found.standard_errors[[0, 1, 5]], [want[k][1] for k in ("low", "high", "interaction")], 1e-8
    )
    assert found.interaction_test is found.wald_test
    groups = subgroup_effects(
        d["time"], d["event"], d["marker"], d.select("grade"), cluster=d["centre"]
    )
    test = groups.tests[0]
    assert groups.table()["interaction_p"][1] == test.wald.p_value != test.likelihood_ratio.p_value
