"""Likelihood ratio, explained variation, splines, optimism and forms of a marker against R."""

from __future__ import annotations

import json
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import (
    EstimationError,
    InputError,
    MonotoneLikelihoodWarning,
    NotEstimableWarning,
)
from ashworth.survival import (
    bootstrap_optimism,
    compare_marker_forms,
    cox,
    explained_variation,
    likelihood_ratio,
    restricted_cubic_spline,
)
from ashworth.survival.prognostic_value import marker_forms, refits
from ashworth.survival.prognostic_value.refits import draw_rows, refit_samples

from .conftest import FOLDER, close, load_data


@pytest.fixture(scope="module")
def pinned():
    document = json.loads((FOLDER / "value_added.json").read_text())
    return {v["id"]: v for v in document["values"]}


@pytest.fixture(scope="module")
def d():
    return load_data("value_added").with_columns(
        event=(pl.col("code") == 1).cast(int), log=(pl.col("count") + 1).log()
    )


def models(d, ties="efron"):
    base = cox(d["time"], d["event"], d.select("age", "grade3"), ties=ties)
    return base, cox(d["time"], d["event"], d.select("age", "grade3", "log"), ties=ties)


def test_likelihood_ratio_equals_r(pinned, d):
    r = pinned["likelihood_ratio"]
    found = likelihood_ratio(*models(d))
    close(found.statistic, r["statistic"], 1e-10)
    close(found.p_value, r["p"], 1e-9)
    assert found.df == r["df"][0]
    close([found.base_aic, found.extended_aic], r["aic"], 1e-12)
    base, full = (2 * (r[k][0] - r["loglik0"][0]) for k in ("base", "extended"))
    close([found.adequacy, found.new_information], [base / full, 1 - base / full], 1e-10)
    assert found.added_names == ("log",)
    assert found.table()["share"].to_list() == [found.adequacy, 1.0, found.new_information]


def test_likelihood_ratio_refuses_models_that_cannot_be_compared(d):
    base, full = models(d)
    fewer = cox(d["time"][1:], d["event"][1:], d.select("age", "grade3")[1:])
    with pytest.raises(EstimationError, match="399 and 400 rows"):
        likelihood_ratio(fewer, full)
    with pytest.raises(EstimationError, match="differ in ties"):
        likelihood_ratio(models(d, "breslow")[0], full)
    shifted = cox(d["time"] + 1, d["event"], d.select("age", "grade3"))
    with pytest.raises(EstimationError, match="differ in time"):
        likelihood_ratio(shifted, full)
    other = cox(d["time"], d["event"], d.select("age", "skewed"))
    with pytest.raises(EstimationError, match="does not contain skewed"):
        likelihood_ratio(other, full)
    with pytest.raises(EstimationError, match="does not contain log"):
        likelihood_ratio(full, base)
    weighted = [
        cox(d["time"], d["event"], d.select(c), weights=d["clinical"])
        for c in (["age"], ["age", "log"])
    ]
    clustered = cox(d["time"], d["event"], d.select("age"), cluster=np.arange(400) // 2)
    with pytest.raises(EstimationError, match="robust Wald test"):
        likelihood_ratio(clustered, full)
    with pytest.raises(EstimationError, match="no counts"):
        likelihood_ratio(*weighted)


def test_a_recoded_base_model_is_nested(d):
    base = cox(d["time"], d["event"], {"decades": d["age"] / 10 + d["grade3"]})
    full = cox(d["time"], d["event"], d.select("age", "grade3"))
    assert likelihood_ratio(base, full).df == 1


def test_collinear_additions_add_no_degree_of_freedom(d):
    base, _ = models(d)
    with pytest.warns(NotEstimableWarning):
        wide = cox(d["time"], d["event"], d.select("age", "grade3", twice=2 * pl.col("age")))
    found = likelihood_ratio(base, wide)
    assert found.df == 0
    assert np.isnan(found.p_value)


def test_explained_variation_equals_r(pinned, d):
    r = pinned["royston"]
    found = explained_variation(models(d)[1])
    close(
        [found.royston_d, found.royston_d_se, found.royston_r2],
        [r["d"][0], r["se"][0], r["r2_d"][0]],
    )
    close([found.cox_snell, found.oquigley], [r["cox_snell"][0], r["oquigley"][0]])
    # survival::royston fits with the default eps = 1e-9
    royston = [
        found.royston_d,
        found.royston_d_se,
        found.royston_r2,
        found.kent_oquigley,
        found.nagelkerke,
    ]
    close(royston, r["royston"][:5], 1e-6)
    assert found.table().height == 6


def test_explained_variation_is_not_given_where_it_is_not_defined(d):
    fit = cox(d["time"], d["event"], d.select("age"), strata=d["grade3"])
    with pytest.raises(EstimationError, match="not defined with strata"):
        explained_variation(fit)


@pytest.mark.parametrize("k", range(3, 8))
def test_spline_equals_hmisc(pinned, d, k):
    r = pinned[f"rcs skewed {k}"]
    basis = restricted_cubic_spline(d["skewed"], n_knots=k, name="x")
    close(basis.knots, r["knots"], 1e-14)
    close(basis.columns[:40, -1], r["last"], 1e-12, 1e-15)
    close(basis.columns[:40, 1], r["first"], 1e-12, 1e-15)
    assert basis.names[:3] == ("x", "x'", "x''")[: k - 1]
    np.testing.assert_array_equal(basis.evaluate(d["skewed"]), basis.columns)


def test_spline_knots_of_small_samples_and_common_values(pinned, d):
    small = restricted_cubic_spline(d["skewed"][:60], n_knots=4)
    close(small.knots, pinned["rcs small"]["knots"], 1e-14)
    close(small.columns[:, -1], pinned["rcs small"]["last"], 1e-12, 1e-15)
    zeros = restricted_cubic_spline((d["skewed"] - 0.6).clip(0), n_knots=5)
    close(zeros.knots, pinned["rcs zeros"]["knots"], 1e-12)
    close(zeros.columns[:, -1], pinned["rcs zeros"]["last"], 1e-10, 1e-15)


def test_knots_that_coincide_are_told(pinned, d):
    with pytest.warns(NotEstimableWarning, match="distinct knots instead of 5"):
        basis = restricted_cubic_spline(d["log"], n_knots=5)
    close(basis.knots, pinned["rcs count"]["knots"], 1e-14)
    close(basis.columns[:60, -1], pinned["rcs count"]["last"], 1e-12, 1e-15)
    mostly_zero = np.r_[np.zeros(190), np.ones(15), np.arange(2, 7)]
    with pytest.raises(EstimationError, match="quantiles of the values above the smallest"):
        restricted_cubic_spline(mostly_zero)
    with pytest.raises(EstimationError, match="each larger"):
        restricted_cubic_spline(mostly_zero, knots=[0, 1, 1])
    with pytest.raises(EstimationError, match="from 3 to 10"):
        restricted_cubic_spline(mostly_zero, n_knots=2)
    with pytest.raises(InputError, match="missing"):
        restricted_cubic_spline([1.0, np.nan, 3, 4, 5, 6])


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=6, unique=True), st.floats(0.1, 30))
@settings(max_examples=40, deadline=None)
def test_a_spline_is_straight_beyond_its_outer_knots(knots, step):
    knots = np.sort(np.round(knots, 3))
    if np.diff(knots).min(initial=1.0) < 0.01:
        return
    for start, sign in ((knots[-1], 1.0), (knots[0], -1.0)):
        x = start + sign * step * np.arange(4)
        second = np.diff(restricted_cubic_spline(x, knots=knots).columns, 2, axis=0)
        size = 1.0 + np.abs(restricted_cubic_spline(x, knots=knots).columns).max()
        # cubes of (x - knot) are subtracted: rounding grows with their size over the scale
        cubes = (np.abs(x[:, None] - knots).max() ** 3) / (knots[-1] - knots[-2]) / np.ptp(knots)
        assert np.abs(second).max() <= 1e-12 * (size + cubes)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_optimism_equals_r_on_the_same_samples(pinned, d, ties):
    r = pinned[f"optimism {ties}"]
    samples = np.array(r["idx"], dtype=int).reshape(-1, d.height)
    values = np.array(r["values"]).reshape(samples.shape[0], -1)
    found = bootstrap_optimism(models(d, ties)[1], samples=samples)
    close(found.training[:, [0, 2]], values[:, :2], 1e-9)
    close(found.test[:, [0, 2, 3]], values[:, 2:5], 1e-9)
    close(found.coefficients, values[:, 5:], 1e-8, 1e-10)
    close(found.apparent[[0, 2]], r["apparent"], 1e-10)
    np.testing.assert_allclose(found.corrected, found.apparent - found.optimism)
    close(found["dxy"], 2 * found["concordance"] - 1)


def test_optimism_equals_rms_validate(pinned, d):
    """`rms` stops its Newton iterations at 1e-4, so four digits."""
    samples = np.array(pinned["optimism efron"]["idx"], dtype=int).reshape(-1, d.height)
    table = bootstrap_optimism(models(d)[1], samples=samples).table()
    for name in ("dxy", "r2", "slope"):
        row = table.filter(pl.col("measure") == name).select(
            "apparent", "training", "test", "optimism", "corrected"
        )
        np.testing.assert_allclose(row.row(0), pinned["rms validate"][name], atol=5e-4)


def test_refits_are_fits_of_the_duplicated_rows(d):
    fit = models(d)[1]
    rows = list(draw_rows(d.height, 3, np.random.default_rng(5), None))
    for refit in refit_samples(fit.data, fit.coefficients, rows, efron=True):
        again = cox(
            d["time"].to_numpy()[refit.rows],
            d["event"].to_numpy()[refit.rows],
            d.select("age", "grade3", "log").to_numpy()[refit.rows],
        )
        close(refit.coefficients, again.coefficients, 1e-9, 1e-11)
        close(refit.rise + refit.null, again.log_likelihood, 1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_compiled_refits_equal_the_careful_ones(d, monkeypatch, ties):
    fit = cox(d["time"], d["event"], d.select("age", "grade3", "log"), strata=d["grade3"] * 0,
              ties=ties)  # fmt: skip
    rows = list(draw_rows(d.height, 8, np.random.default_rng(6), None))
    efron = ties == "efron"
    careful = list(refit_samples(fit.data, fit.coefficients, rows, efron=efron))
    monkeypatch.setattr(refits, "_COMPILED_FROM", 0)
    called = []
    ascend = refits._ascend
    monkeypatch.setattr(
        refits, "_ascend", lambda *a, **k: called.append(ascend(*a, **k)) or called[-1]
    )
    quick = list(refit_samples(fit.data, fit.coefficients, rows, efron=efron))
    assert all(found is not None for found in called)
    for one, two in zip(careful, quick, strict=True):
        close(one.coefficients, two.coefficients, 1e-10, 1e-12)
        close([one.rise, one.null], [two.rise, two.null], 1e-10)


def test_compiled_refits_leave_monotone_samples_to_the_careful_way(monkeypatch):
    monkeypatch.setattr(refits, "_COMPILED_FROM", 0)
    x = np.r_[np.ones(5), np.zeros(30)]
    time = np.r_[np.arange(1.0, 6), np.arange(10.0, 40)]
    with pytest.warns(MonotoneLikelihoodWarning):
        fit = cox(time, np.ones(35), x)
    assert list(refit_samples(fit.data, np.zeros(1), [np.arange(35)], efron=True)) == [None]


def test_optimism_draws_clusters_and_leaves_out_what_has_no_finite_fit():
    rng = np.random.default_rng(2)
    n = 40
    x = (np.arange(n) < 3) * 1.0
    time, event = rng.permutation(n) + 1.0, rng.random(n) < 0.8
    fit = cox(time, event, np.column_stack([x, rng.normal(size=n)]), cluster=np.arange(n) // 2)
    with pytest.warns(NotEstimableWarning, match="left out"):
        found = bootstrap_optimism(fit, replicates=60, seed=3)
    assert found.failed > 0
    assert found.training.shape[0] == 60 - found.failed
    assert found.options["clusters"]
    sizes = {r.size for r in draw_rows(n, 5, rng, np.arange(n) // 2)}
    assert sizes == {n}
    for r in draw_rows(n, 5, rng, np.arange(n) // 2):
        counts = np.bincount(r, minlength=n).reshape(-1, 2)
        np.testing.assert_array_equal(counts[:, 0], counts[:, 1])


def test_optimism_refuses(d):
    fit = models(d)[1]
    with pytest.raises(EstimationError, match="seed is None"):
        bootstrap_optimism(fit)
    with pytest.raises(EstimationError, match="replicates is 1"):
        bootstrap_optimism(fit, replicates=1, seed=1)
    with pytest.raises(EstimationError, match="go from 0 to 399"):
        bootstrap_optimism(fit, samples=[[0, 400], [1, 2]])
    weighted = cox(d["time"], d["event"], d.select("age"), weights=d["grade3"] + 1)
    with pytest.raises(EstimationError, match="case weights"):
        bootstrap_optimism(weighted, seed=1)


def test_optimism_of_noise_is_found():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(120, 12))
    found = bootstrap_optimism(
        cox(rng.exponential(size=120), np.ones(120), x), replicates=60, seed=1
    )
    assert found.apparent[0] > 0.54
    assert abs(found["concordance"] - 0.5) < 0.05


def test_marker_forms_equal_r(pinned, d, monkeypatch):
    r = pinned["marker forms"]
    knots = np.log1p([0.0, 2.0, 9.0, 30.0])
    monkeypatch.setattr(marker_forms, "_knots", lambda x, k: (knots, "given"))
    found = compare_marker_forms(
        d["time"], d["event"], d["count"], 5, covariates=d.select("age", "grade3")
    )
    names = ("cut", "log", "spline", "cut and spline")
    chi = 2 * (np.array(r["loglik"]) - r["base"][0])
    close([found[n].chi_square for n in names], chi, 1e-9)
    close([found[n].aic for n in names], r["aic"], 1e-12)
    close([found[n].concordance for n in names], r["cstat"], 1e-12)
    close([found[n].adequacy for n in names], chi / chi[-1], 1e-9)
    assert [found[n].df for n in names] == [1, 1, 3, 4]
    close(found.tests["nonlinearity"].statistic, chi[2] - chi[1], 1e-7)
    assert [t.df for t in found.tests.values()] == [2, 3, 1]
    at = np.searchsorted(found.curve["count"], r["count"])
    close(found.curve["count"][at], r["count"], 1e-12)
    close(found.curve["log_hazard_ratio"][at], r["log_hr"], 1e-8, 1e-12)
    half = 1.959963984540054 * np.array(r["se"])
    close((found.curve["upper"] - found.curve["log_hazard_ratio"])[at], half, 1e-8, 1e-12)
    assert found.table()["form"].to_list() == list(names)


def test_marker_forms_find_knots_among_many_zeros(d):
    tenth = np.arange(d.height) % 10
    count = np.where(tenth < 7, 0, np.where(tenth == 7, 1, d["count"].to_numpy() + 1))
    found = compare_marker_forms(d["time"], d["event"], count, 1, n_knots=5)
    assert found.knots[0] == 0.0
    assert found.knots_by == "smallest value and quantiles above it"
    assert found["log"].base_concordance == 0.5
    with pytest.warns(NotEstimableWarning, match="log1p"):
        two = compare_marker_forms(d["time"], d["event"], np.minimum(count, 1), 1)
    assert two.knots.size == 0
    assert two.tests["nonlinearity"].df == 0


def test_marker_forms_refuse(d):
    with pytest.raises(EstimationError, match="none of 400 counts"):
        compare_marker_forms(d["time"], d["event"], d["count"], 10_000)
    with pytest.raises(EstimationError, match="all of 400 counts"):
        compare_marker_forms(d["time"], d["event"], d["count"] + 1, 1)
    with pytest.raises(InputError, match="negative"):
        compare_marker_forms(d["time"], d["event"], d["count"] - 1, 5)
    with pytest.raises(EstimationError, match="no events"):
        compare_marker_forms(d["time"], d["event"] * 0, d["count"], 5)


def test_marker_forms_with_strata_and_late_entry(d):
    entry = d["time"].to_numpy() * 0.3
    found = compare_marker_forms(
        d["time"], d["event"], d["count"], 5, entry=entry, strata=d["grade3"]
    )
    direct = cox(
        d["time"], d["event"], d.select("log"), entry=entry, strata=d["grade3"]
    ).likelihood_ratio_test
    close(found["log"].chi_square, direct.statistic, 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found.curve_table()


@pytest.mark.r
def test_rotterdam_nodes_equal_r(cases):
    from .test_live_r import r_frame, r_numbers

    expected = cases["cox_prognostic_value_added_LR"]
    frame = r_frame("rotterdam").with_columns(
        small=(pl.col("size") == "20-50"), large=(pl.col("size") == ">50"),
        grade3=(pl.col("grade") == 3), log_nodes=(pl.col("nodes") + 1).log(),
    )  # fmt: skip
    names = ["age", "meno", "small", "large", "grade3", "hormon", "chemo"]
    base = cox(frame["dtime"], frame["death"], frame.select(names))
    full = cox(frame["dtime"], frame["death"], frame.select([*names, "log_nodes"]))
    found = likelihood_ratio(base, full)
    close([found.statistic, found.adequacy],
          [expected["LR_chisq"], expected["adequacy_index"]], 1e-8)  # fmt: skip
    close([found.base_aic, found.extended_aic], expected["AIC"], 1e-8)
    close(found.p_value, expected["p"], 1e-6)
    code = (
        "royston(coxph(Surv(dtime, death) ~ age + meno + size + factor(grade) + hormon + chemo +"
        " log1p(nodes), rotterdam, control = ctl))"
    )
    variation = explained_variation(full)
    mine = [variation.royston_d, variation.royston_d_se, variation.royston_r2]
    close([*mine, variation.kent_oquigley, variation.nagelkerke], r_numbers(code)[:5], 1e-6)
