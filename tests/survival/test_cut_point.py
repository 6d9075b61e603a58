"""Cut-point search against maxstat and coin, exact permutation laws, and its corrections."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from ashworth.errors import EstimationError, InputError
from ashworth.survival import cox, cut_point_search, log_rank
from ashworth.survival.prognostic_value import maximal_statistic as law
from ashworth.survival.prognostic_value.adjusted_statistic import adjusted_scores

from .conftest import FOLDER, close, load_data


@pytest.fixture(scope="module")
def pinned():
    document = json.loads((FOLDER / "value_added.json").read_text())
    return {v["id"]: v for v in document["values"]}


@pytest.fixture(scope="module")
def d():
    return load_data("value_added").with_columns(event=(pl.col("code") == 1).cast(int))


@pytest.fixture(scope="module")
def found(d):
    return cut_point_search(d["untied"], d["event"], d["count"], seed=1)


def test_statistics_and_p_values_equal_maxstat(pinned, found):
    r = pinned["maxstat Lau92"]
    close(found.statistic, r["statistic"], 1e-10)
    close(np.abs(found.statistics), r["stats"], 1e-10)
    close(found.last_below, r["cut"], 1e-10)
    close(found.corrected["lausen_1992"], r["p"], 1e-9)
    close(found.corrected["lausen_1994"], pinned["maxstat Lau94"]["p"], 1e-9)
    # integrated by Monte Carlo in R, exactly here
    close(found.corrected["gaussian"], pinned["maxstat exactGauss"]["p"], 0.0, 3e-4)
    assert found.corrected["permutation"] < 0.002
    assert found.above_permutations
    assert found.p_value == found.corrected["permutation"]


def test_a_continuous_marker_equals_maxstat(pinned, d):
    r = pinned["maxstat skewed Lau92"]
    found = cut_point_search(d["untied"], d["event"], d["skewed"], seed=1, minprop=0.15)
    close(np.abs(found.statistics), r["stats"], 1e-10)
    close(found.last_below, r["cut"], 1e-12)
    close(found.corrected["lausen_1992"], r["p"], 1e-9)
    close(found.corrected["lausen_1994"], min(pinned["maxstat skewed Lau94"]["p"][0], 1.0), 1e-9)
    assert found.uncorrected_p_value < found.p_value


def test_tied_times_equal_coin(pinned, d):
    r = pinned["coin"]
    found = cut_point_search(d["time"], d["event"], d["count"], seed=1)
    close(found.statistic, r["statistic"], 1e-10)
    close(np.abs(found.statistics), np.abs(r["all"]), 1e-10)


def test_all_permutations_of_few_rows_equal_r(pinned, d):
    r = pinned["maxstat exact"]
    small = d[:7]
    found = cut_point_search(small["untied"], small["event"], small["skewed"], seed=1)
    assert found.p_method == "exact"
    close(found.statistic, r["statistic"], 1e-10)
    close(found.p_value, r["p"], 1e-12)


def test_the_normal_law_of_two_and_three_cuts():
    """One cut is the normal law; two are checked by quadrature in one dimension."""
    one = law.gaussian(2.0, np.array([40]), 100)
    close(one, 2 * norm.sf(2.0), 1e-12)
    n, m = 100, np.array([30, 60])
    rho = np.sqrt(30 * 40 / (60 * 70))
    x, w = np.polynomial.legendre.leggauss(400)
    inner = norm.cdf((2.1 - rho * 2.1 * x) / np.sqrt(1 - rho**2))
    inner -= norm.cdf((-2.1 - rho * 2.1 * x) / np.sqrt(1 - rho**2))
    close(law.gaussian(2.1, m, n), 1 - 2.1 * (w * norm.pdf(2.1 * x) * inner).sum(), 1e-11)
    assert law.gaussian(0.0, m, n) == 1.0
    assert np.isnan(law.gaussian(3.0, np.arange(100, 1200), 10_000))


def test_the_normal_law_agrees_with_permutations():
    rng = np.random.default_rng(0)
    below = np.arange(30, 271, 8)
    maxima = law.permuted_maxima(rng.normal(size=300), below, 4000, rng)
    for b in (2.0, 2.5, 3.0):
        share, p = (maxima >= b).mean(), law.gaussian(b, below, 300)
        assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / 4000) + 0.004
        assert p <= law.lausen_1994(b, below, 300)


def test_a_single_candidate_is_the_log_rank_test(d):
    """Up to the permutation variance, which tends to the hypergeometric one."""
    high = (d["count"] >= 5).cast(int)
    found = cut_point_search(d["untied"], d["event"], high, seed=1)
    assert found.cuts.tolist() == [1]
    test = log_rank(d["untied"], d["event"], high)
    assert abs(found.statistic**2 / test.statistic - 1) < 0.1
    close(found.corrected["gaussian"], found.uncorrected_p_value, 1e-10)
    fit = cox(d["untied"], d["event"], high)
    close(found.log_hazard_ratio, fit.coefficients[0])
    assert found.confint()[0] < found.log_hazard_ratio < found.confint()[1]


def test_adjusted_statistics_are_score_tests(d):
    """Score test of a cut beside covariates, from the full model's information at the null fit."""
    z = d.select("age", "grade3").to_numpy().astype(float)
    time, event = d["time"].to_numpy().astype(float), d["event"].to_numpy() == 1
    null = cox(time, event, z, ties="breslow")
    columns = (d["count"].to_numpy()[:, None] >= [1, 5, 12]).astype(float)
    found = adjusted_scores(time, event, columns, z, z @ null.coefficients)
    for k in range(3):
        offset = z @ null.coefficients
        full = cox(time, event, np.column_stack([columns[:, k], z]), offset=offset, ties="breslow")
        close(found.statistic[k] ** 2, full.score_test.statistic, 1e-9)
    close(found.shares.sum(axis=0), found.statistic, 1e-9)


def test_search_beside_covariates(d):
    found = cut_point_search(
        d["time"], d["event"], d["count"], seed=2, covariates=d.select("age", "grade3"),
        permutations=499, bootstrap=20,
    )  # fmt: skip
    assert found.p_method == "multiplier"
    assert set(found.corrected) == {"multiplier"}
    assert found.p_value <= 0.004
    assert found.bootstrap_cuts.size == 20
    assert found.corrected_log_hazard_ratio < found.log_hazard_ratio
    with pytest.raises(EstimationError, match="knows no covariates"):
        cut_point_search(
            d["time"], d["event"], d["count"], seed=2, covariates=d["age"], p_method="gaussian"
        )


def test_size_of_the_test_under_no_effect():
    rng = np.random.default_rng(11)
    runs, rejected, naive = 80, 0, 0
    for seed in range(runs):
        time, marker = rng.exponential(size=60), rng.normal(size=60)
        one = cut_point_search(time, time < 1.5, marker, seed=seed, permutations=99)
        rejected += one.p_value <= 0.05
        naive += one.uncorrected_p_value <= 0.05
    assert rejected <= 10  # binomial band of 4 expected
    assert naive > 16


def test_effects_are_corrected_for_the_search():
    rng = np.random.default_rng(4)
    apparent, corrected, held_out = [], [], []
    for seed in range(8):
        time, marker = rng.exponential(size=120), rng.normal(size=120)
        one = cut_point_search(time, time < 1.5, marker, seed=seed, permutations=99, bootstrap=15)
        sign = np.sign(one.log_hazard_ratio)
        apparent.append(abs(one.log_hazard_ratio))
        corrected.append(sign * one.corrected_log_hazard_ratio)
        held_out.append(sign * one.held_out_log_hazard_ratio)
    assert np.mean(apparent) > 0.3
    assert abs(np.mean(corrected)) < 0.25
    assert abs(np.mean(held_out)) < 0.2


def test_result_says_what_was_searched(found):
    table = found.table()
    assert table["selected"].sum() == 1
    row = table.filter("selected").row(0, named=True)
    assert row["cut"] == found.cut
    assert row["n_low"] + row["n_high"] == found.n
    assert row["events_low"] + row["events_high"] == found.events
    assert (np.minimum(table["n_low"], table["n_high"]) >= 40).all()
    assert 2.0 < found.critical_value < 3.5
    assert np.isnan(found.corrected_log_hazard_ratio)
    assert found.cut_distribution().height == 0


def test_bootstrap_distribution_of_the_cut(d):
    options = {"bootstrap": 40, "permutations": 99}
    one = cut_point_search(d["untied"], d["event"], d["count"], seed=5, **options)
    two = cut_point_search(d["untied"], d["event"], d["count"], seed=5, **options)
    np.testing.assert_array_equal(one.bootstrap_cuts, two.bootstrap_cuts)
    assert one.cut_distribution()["n"].sum() == 40
    assert one.corrected_hazard_ratio < one.hazard_ratio


def test_search_refuses(d):
    with pytest.raises(EstimationError, match="no events"):
        cut_point_search(d["time"], d["event"] * 0, d["count"], seed=1)
    with pytest.raises(EstimationError, match="no cut of the marker"):
        cut_point_search(d["time"], d["event"], d["count"] * 0, seed=1)
    with pytest.raises(EstimationError, match="minprop"):
        cut_point_search(d["time"], d["event"], d["count"], seed=1, minprop=0.5)
    with pytest.raises(EstimationError, match="seed is None"):
        cut_point_search(d["time"], d["event"], d["count"], seed=None)
    with pytest.raises(InputError, match=r"marker.*missing|missing.*marker"):
        cut_point_search(d["time"], d["event"], d["count"].replace(0, None), seed=1)
