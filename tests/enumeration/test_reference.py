"""Numbers that nobody here wrote: R, and the collection of reference cases."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import gamma, norm, poisson
from tests.enumeration.conftest import HERE

from ashworth import enumeration as en


def test_garwood_and_cutoffs(cases):
    case = cases["counts_poisson_cutoff"]
    limits = en.poisson_interval(case["n"])
    assert_allclose(limits.lower, case["garwood_lower"], rtol=1e-10)
    assert_allclose(limits.upper, case["garwood_upper"], rtol=1e-10)
    for cut, name in ((1, "P_ge1"), (5, "P_ge5")):
        found = en.detection_probability(case["lambda"], 1.0, minimum_count=cut)
        assert_allclose(found, case[name], rtol=1e-10)


def test_negative_binomial_probabilities(cases):
    case = cases["counts_negbin"]
    for mean, p0, p5 in zip(case["mean"], case["P0"], case["P_ge5"], strict=True):
        prior = en.NegativeBinomial(mean=mean, size=case["size"])
        assert_allclose(1 - en.expected_positivity(1, 1.0, prior), p0, rtol=1e-10)
        assert_allclose(en.expected_positivity(5, 1.0, prior), p5, rtol=1e-10)


def test_detection_and_volume(cases):
    case = cases["counts_detection_volume"]
    conc, recovery = np.array(case["conc_per_ml"]), case["recovery"]
    assert_allclose(
        en.detection_probability(conc, 7.5, recovery=recovery), case["P_detect_7.5ml"], rtol=1e-10
    )
    assert_allclose(
        en.volume_for_detection(conc, recovery=recovery), case["volume_for_95pct"], rtol=1e-10
    )
    background = case["background"]
    assert en.smallest_cutoff(background).tolist() == case["smallest_cut_fp_le_5pct"]
    assert en.smallest_cutoff(background, alpha=0.01).tolist() == case["smallest_cut_fp_le_1pct"]
    assert_allclose(
        en.disagreement_probability(5, 1.0, concentration=[2, 4, 5, 6, 8]),
        case["duplicate_discordance_cut5"],
        rtol=1e-10,
    )


def test_negative_binomial_fit(cases):
    case = cases["counts_nb_mle_small"]
    fit = en.fit_population(case["y"], 1.0)
    assert_allclose(fit.population.mean, case["mu"], rtol=1e-6)
    assert_allclose(fit.population.size, case["theta"], rtol=1e-6)
    assert_allclose(fit.log_likelihood, case["ll"], rtol=1e-9)
    assert_allclose(en.expected_positivity(5, 1.0, fit.population), case["P_ge5_fit"], rtol=1e-6)


def test_negative_binomial_fit_with_offsets(r_values):
    y = [0, 0, 3, 1, 0, 12, 0, 5, 41, 0, 2, 0, 0, 7, 1, 0, 0, 96, 3, 0]
    volume = [7.5, 7.5, 7.5, 5, 7.5, 15, 7.5, 7.5, 30, 15, 7.5, 7.5, 6, 7.5, 7.5, 4, 7.5, 15,
              7.5, 7.5]  # fmt: skip
    fit = en.fit_population(y, volume)
    assert_allclose(fit.population.mean, r_values["nb_offset_mean"], rtol=1e-6)
    assert_allclose(fit.population.size, r_values["nb_offset_size"], rtol=1e-6)
    assert_allclose(fit.log_likelihood, r_values["nb_offset_log_likelihood"], rtol=1e-10)
    lossy = en.fit_population(y, volume, recovery=0.8)
    assert_allclose(lossy.population.mean * 0.8, fit.population.mean, rtol=1e-7)
    assert_allclose(lossy.population.size, fit.population.size, rtol=1e-7)


@pytest.mark.parametrize("data", ["quine", "epil"])
def test_negative_binomial_regression(cases, data):
    case = cases["counts_nb_regression"]
    table = pl.read_csv(HERE / f"{data}.csv")
    fit = en.count_regression(table["y"], table.drop("y").to_numpy(), names=table.columns[1:])
    expected = case[f"{data}_coef"]
    assert list(fit.names[1:]) == list(expected)[1:]
    assert_allclose(fit.coefficients, list(expected.values()), rtol=1e-6)
    assert_allclose(fit.size, case[f"{data}_theta"], rtol=1e-6)
    assert_allclose(2 * fit.log_likelihood, case[f"{data}_twologlik"], rtol=1e-9)
    if data == "quine":
        assert_allclose(fit.standard_errors, list(case["quine_se"].values()), rtol=1e-6)
        # R takes the information one step before the last: 3e-6 from the value at the maximum
        assert_allclose(fit.size_standard_error, case["quine_SE_theta"], rtol=1e-5)


def test_regression_without_covariates_is_the_population_fit():
    y, volume = [0, 0, 3, 1, 0, 12, 0, 5, 41, 0], [7.5, 7.5, 7.5, 5, 7.5, 15, 7.5, 7.5, 30, 15]
    both = en.count_regression(np.tile(y, 2), np.repeat([0.0, 1.0], 10)[:, None],
                               denominator=np.tile(volume, 2))  # fmt: skip
    alone = en.fit_population(y, volume)
    assert_allclose(np.exp(both.coefficients[0]), alone.population.mean, rtol=1e-7)
    assert_allclose(both.coefficients[1], 0.0, atol=1e-9)
    assert_allclose(both.size, alone.population.size, rtol=1e-7)


def test_intervals(r_values):
    n = [0, 1, 4, 5, 12, 250, 1789]
    limits = en.poisson_interval(n, level=0.9)
    assert_allclose(limits.lower, r_values["garwood_90_lower"], rtol=1e-9)
    assert_allclose(limits.upper, r_values["garwood_90_upper"], rtol=1e-9)
    limits = en.poisson_interval(n, method="jeffreys")
    assert_allclose(limits.lower, r_values["jeffreys_lower"], rtol=1e-9)
    assert_allclose(limits.upper, r_values["jeffreys_upper"], rtol=1e-9)
    x, m = [0, 7, 95, 2814, 20], [20, 18, 1317, 10307, 20]
    for method in ("clopper-pearson", "wilson"):
        limits = en.proportion_interval(x, m, method=method)
        key = method.replace("-", "_")
        assert_allclose(limits.lower, r_values[f"{key}_lower"], atol=1e-9)
        assert_allclose(limits.upper, r_values[f"{key}_upper"], atol=1e-9)


@pytest.mark.parametrize("rule", ["doubling", "minimum_likelihood"])
def test_change(r_values, rule):
    before, after = [12, 5, 0, 3, 40, 0, 7], [2, 4, 6, 3, 61, 0, 30]
    v, w = [7.5, 7.5, 7.5, 5, 7.5, 7.5, 7.5], [7.5, 7.5, 7.5, 7.5, 7.5, 7.5, 15]
    result = en.change_test(before, after, v, w, two_sided=rule)
    assert_allclose(result.p_value, r_values[f"change_{rule}"], rtol=1e-9)
    assert result.direction.tolist() == ["down", "down", "up", "down", "up", "none", "up"]


def test_poisson_lognormal(r_values):
    prior = en.PoissonLognormal(log_mean=-1.0, log_sd=1.5)
    counts = np.array([0.0, 5.0, 20.0])
    assert_allclose(np.exp(prior.log_pmf(counts, np.full(3, 7.5))), r_values["pln_pmf"], rtol=1e-9)
    assert_allclose(
        en.concentration_probability(counts, 7.5, 5 / 7.5, prior), r_values["pln_tail"], rtol=1e-8
    )


@pytest.mark.parametrize("log_sd", [0.3, 1.0, 2.5, 4.0])
@pytest.mark.parametrize("n", [0, 1, 7, 300, 5000])
def test_poisson_lognormal_equals_adaptive_quadrature(n, log_sd):
    prior = en.PoissonLognormal(log_mean=-0.5, log_sd=log_sd)

    def density(x):
        return poisson.pmf(n, 7.5 * np.exp(x)) * norm.pdf(x, -0.5, log_sd)

    grid = np.linspace(-0.5 - 40 * log_sd, -0.5 + 40 * log_sd, 400_001)
    grid = grid[(np.abs(grid) < 60) & (density(grid) > 1e-18 * density(grid).max())]
    marks = np.linspace(grid[0], grid[-1], 9)
    parts = [quad(density, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in pairwise(marks)]
    expected = sum(parts)
    found = np.exp(prior.log_pmf(np.array([float(n)]), np.array([7.5])))[0]
    assert_allclose(found, expected, rtol=1e-8, atol=1e-200)


def test_blanks_and_second_tubes(r_values):
    prior = en.NegativeBinomial(mean=0.8, size=0.3)
    known = en.Measurement(recovery=0.85, blank_rate=0.02)
    from ashworth.enumeration.blanks import log_probability

    n = np.array([0.0, 1.0, 5.0, 30.0])
    assert_allclose(
        np.exp(log_probability(n, np.full(4, 7.5), prior, known)),
        r_values["nb_blank_pmf"],
        rtol=1e-10,
    )
    clean = en.Measurement(recovery=0.85)
    n = np.array([0, 3, 5, 9])
    again = en.agreement_probability(n, 7.5, 5, prior, measurement=clean)
    expected = r_values["nb_second_at_least_5"]
    assert_allclose(again, np.where(n >= 5, expected, 1 - expected), rtol=1e-9)
    assert_allclose(
        en.concentration_probability(n, 7.5, 5 / 7.5, prior, measurement=clean),
        r_values["nb_tail"],
        rtol=1e-9,
    )


@pytest.mark.parametrize("family", ["gamma", "lognormal"])
def test_agreement_with_blanks_equals_quadrature(family):
    known = en.Measurement(recovery=0.7, blank_rate=0.05)
    if family == "gamma":
        prior = en.NegativeBinomial(mean=0.9, size=0.6)
        density = gamma(0.6, scale=0.9 / 0.6).pdf
    else:
        prior = en.PoissonLognormal(log_mean=-1.0, log_sd=1.2)

        def density(c):
            return norm.pdf(np.log(c), -1.0, 1.2) / c

    for n in (0, 2, 6):

        def joint(x, extra=1.0, n=n):
            c = np.exp(x)
            return poisson.pmf(n, known.mean(c, 7.5)) * density(c) * c * extra

        def both(x, n=n):
            return joint(x, poisson.sf(4, known.mean(np.exp(x), 7.5)))

        total = quad(joint, -30, 8, points=[-3, -1, 0, 1], limit=500, epsrel=1e-11)[0]
        at_least = quad(both, -30, 8, points=[-3, -1, 0, 1], limit=500, epsrel=1e-11)[0] / total
        found = en.agreement_probability(n, 7.5, 5, prior, measurement=known)[0]
        assert_allclose(found, at_least if n >= 5 else 1 - at_least, rtol=1e-6)


def test_poisson_lognormal_fit_is_a_maximum():
    rng = np.random.default_rng(3)
    volume = rng.choice([5.0, 7.5, 15.0], 800)
    truth = en.PoissonLognormal(-1.0, 1.6)
    y = rng.poisson(volume * 0.85 * truth.draw(800, rng) + volume * 0.01)
    fit = en.fit_population(y, volume, family="poisson_lognormal", recovery=0.85, blank_rate=0.01)
    from ashworth.enumeration.blanks import log_probability

    def value(mu, sd):
        prior = en.PoissonLognormal(mu, sd)
        return log_probability(y.astype(float), volume, prior, fit.measurement).sum()

    best = value(fit.population.log_mean, fit.population.log_sd)
    assert_allclose(best, fit.log_likelihood, rtol=1e-12)
    for step in (1e-3, -1e-3):
        assert value(fit.population.log_mean + step, fit.population.log_sd) < best
        assert value(fit.population.log_mean, fit.population.log_sd + step) < best
    error = np.sqrt(np.diag(fit.covariance))
    assert abs(fit.population.log_mean + 1.0) < 4 * error[0]
    assert abs(np.log(fit.population.log_sd / 1.6)) < 4 * error[1]


def test_fit_says_when_there_is_no_maximum():
    from ashworth.errors import EstimationError

    with pytest.raises(EstimationError, match="no cell"):
        en.fit_population([0, 0, 0], 7.5)
    with pytest.raises(EstimationError, match="Poisson"):
        en.fit_population([3, 3, 3, 3, 2, 4, 3, 3], 7.5)


def test_published_volume_arithmetic():
    """Evidence, section 7: 21.5 % at 30 ml is 11.9 % at 7.5 ml when the size is 0.1."""
    low, high = 1e-4, 10.0
    for _ in range(80):
        middle = np.sqrt(low * high)
        share = en.expected_positivity(1, 30.0, en.NegativeBinomial(middle, 0.1))[0]
        low, high = (middle, high) if share < 0.215 else (low, middle)
    at_one_tube = en.expected_positivity(1, 7.5, en.NegativeBinomial(middle, 0.1))[0]
    assert_allclose(at_one_tube, 0.119, atol=5e-4)
