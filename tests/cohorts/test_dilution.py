"""Regression dilution: the whole likelihood, its limits, and planted truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from ashworth.cohorts import regression_dilution
from ashworth.enumeration import (
    Measurement,
    NegativeBinomial,
    PoissonLognormal,
    concentration_probability,
    fit_population,
)
from ashworth.errors import EstimationError, InputError
from ashworth.survival import cox

PRIOR = NegativeBinomial(mean=0.5, size=0.6)
CUT = 5 / 7.5


def study(seed, n=300, ratio=3.0, prior=PRIOR, amount=7.5, measurement=None):
    rng = np.random.default_rng(seed)
    true = prior.draw(n, rng)
    lab = measurement or Measurement()
    cells = rng.poisson(amount * (lab.recovery * true + lab.blank_rate))
    truly, x = true >= CUT, rng.normal(size=n)
    death = rng.exponential(1 / (np.where(truly, ratio, 1.0) * np.exp(0.4 * x)))
    end = rng.uniform(0.0, 3.0, n)
    return np.minimum(death, end), death <= end, cells, x, truly


def dilution(time, event, cells, x=None, amount=7.5, **options):
    options: dict[str, Any] = {
        "minimum_count": 5, "concentration": CUT, "population": PRIOR, **options
    }  # fmt: skip
    return regression_dilution(time, event, cells, amount, covariates=x, **options)


def test_maximum_of_the_whole_likelihood():
    """All jumps of the baseline hazard at once by scipy, and the inverse Hessian's variance."""
    time, event, cells, x, _ = study(3, n=60)
    found = dilution(time, event, cells, x)
    share = concentration_probability(cells, 7.5, CUT, PRIOR)
    deaths = np.sort(time[event])

    def minus(theta):
        gamma, beta, jumps = theta[0], theta[1], np.exp(theta[2:])
        cumulative = (deaths <= time[:, None]) @ jumps
        own = event * (beta * x) + np.where(
            event, theta[2:][np.minimum(np.searchsorted(deaths, time), deaths.size - 1)], 0.0
        )
        without = -cumulative * np.exp(beta * x)
        both = np.logaddexp(
            np.log1p(-share) + without, np.log(share) + event * gamma + without * np.exp(gamma)
        )
        return -(own + both).sum()

    start = np.concatenate([[0.5, 0.0], np.full(deaths.size, np.log(0.03))])
    best = minimize(minus, start, method="BFGS", options={"gtol": 1e-7, "maxiter": 2000})
    assert found.coefficients[2] == pytest.approx(best.x[0], abs=2e-5)
    assert found.covariate_coefficients[0] == pytest.approx(best.x[1], abs=2e-5)
    hessian, h = np.empty((best.x.size, best.x.size)), 1e-3
    steps = np.eye(best.x.size) * h
    for i, a in enumerate(steps):
        for j, b in enumerate(steps[: i + 1]):
            corners = [minus(best.x + s * a + t * b) * s * t for s in (1, -1) for t in (1, -1)]
            hessian[i, j] = hessian[j, i] = sum(corners) / (4 * h * h)
    error = np.sqrt(np.linalg.inv(hessian)[0, 0])
    assert found.standard_errors[2] == pytest.approx(error, rel=1e-3)


@pytest.mark.parametrize("with_strata", [False, True])
def test_certain_status_gives_coxs_model(with_strata):
    """A thousand litres leave no noise: Cox with Breslow's ties, days tied."""
    time, event, cells, x, truly = study(4, amount=1e6)
    time = np.ceil(time * 20)
    strata = np.arange(300) % 3 if with_strata else None
    found = dilution(time, event, cells, x, amount=1e6, minimum_count=1, positive=truly,
                     strata=strata)  # fmt: skip
    plain = cox(time, event, np.column_stack([truly, x]), ties="breslow", strata=strata)
    expected = [plain.coefficients[0]] * 3
    np.testing.assert_allclose(found.coefficients, expected, rtol=1e-6)
    np.testing.assert_allclose(found.standard_errors, [plain.standard_errors[0]] * 3, rtol=1e-5)
    np.testing.assert_allclose(found.covariate_coefficients, plain.coefficients[1], rtol=1e-6)
    assert found.attenuation == pytest.approx(1.0, abs=1e-5)
    assert found.sensitivity > 0.9999


def test_observed_row_is_coxs_model():
    time, event, cells, x, _ = study(5)
    found = dilution(time, event, cells, x)
    plain = cox(time, event, np.column_stack([cells >= 5, x]), ties="breslow")
    np.testing.assert_allclose(found.coefficients[0], plain.coefficients[0], rtol=1e-12)
    table = found.table()
    assert table["analysis"].to_list() == list(found.analyses)
    assert (table["lower"] < table["hazard_ratio"]).all()


def test_probabilities_and_their_averages():
    time, event, cells, _, truly = study(6, n=6000)
    found = dilution(time, event, cells)
    np.testing.assert_allclose(
        found.probability, concentration_probability(cells, 7.5, CUT, PRIOR), rtol=1e-12
    )
    wrong = np.where(cells >= 5, 1 - found.probability, found.probability)
    np.testing.assert_allclose(found.misclassification, wrong, rtol=1e-12)
    called = cells >= 5
    rates = (called[truly].mean(), (~called[~truly]).mean(), truly[called].mean(),
             (~truly[~called]).mean())  # fmt: skip
    expected = (found.sensitivity, found.specificity, found.positive_predictive_value,
                found.negative_predictive_value)  # fmt: skip
    np.testing.assert_allclose(rates, expected, atol=0.03)
    near = cells == 5
    assert 0.3 < found.misclassification[near].mean() < 0.7
    frame = found.patients_table()
    assert frame.height == 6000
    assert frame["posterior"].is_between(0, 1).all()


def test_planted_ratio_is_recovered():
    """24 studies: the corrected estimate is centred on log 3, the observed one is far below."""
    found = np.array([dilution(*study(100 + s)[:4]).coefficients for s in range(24)])
    mean, error = found.mean(axis=0), found.std(axis=0) / np.sqrt(24)
    assert abs(mean[2] - np.log(3.0)) < 3.5 * error[2]
    assert mean[0] < np.log(3.0) - 6.0 * error[0]


def test_estimated_population_adds_its_variance():
    time, event, cells, x, _ = study(8)
    known = dilution(time, event, cells, x)
    fitted = fit_population(cells, 7.5)
    found = dilution(time, event, cells, x, population=fitted)
    assert known.population_variance == 0.0
    assert found.population_variance > 0.0
    same = dilution(time, event, cells, x, population=fitted.population)
    assert found.coefficients[2] == pytest.approx(same.coefficients[2])
    expected = same.standard_errors[2] ** 2 + found.population_variance
    assert found.standard_errors[2] ** 2 == pytest.approx(expected)
    lognormal = fit_population(cells, 7.5, family="poisson_lognormal")
    other = dilution(time, event, cells, x, population=lognormal)
    assert isinstance(lognormal.population, PoissonLognormal)
    assert other.population_variance > 0.0


def test_recovery_and_blanks_are_used():
    lab = Measurement(recovery=0.6, blank_rate=0.1)
    time, event, cells, _, truly = study(9, n=4000, measurement=lab)
    found = dilution(time, event, cells, measurement=lab)
    assert found.probability.mean() == pytest.approx(truly.mean(), abs=0.03)
    assert found.options["recovery"] == 0.6
    fitted = fit_population(cells, 7.5, recovery=0.6, blank_rate=0.1)
    with pytest.raises(EstimationError, match="leave measurement out"):
        dilution(time, event, cells, population=fitted, measurement=Measurement())


def test_order_and_unit_of_time_do_not_matter():
    time, event, cells, x, _ = study(10)
    order = np.random.default_rng(0).permutation(time.size)
    a = dilution(time, event, cells, x)
    b = dilution(365.25 * time[order], event[order], cells[order], 10.0 * x[order] + 3.0)
    np.testing.assert_allclose(b.coefficients, a.coefficients, rtol=1e-7)
    np.testing.assert_allclose(b.covariate_coefficients * 10, a.covariate_coefficients, rtol=1e-6)


def test_refusals():
    time, event, cells, _, _ = study(11, n=80)
    with pytest.raises(InputError) as caught:
        dilution(time, event, np.where(np.arange(80) == 3, -1, cells), amount=0.0, concentration=-1)
    text = str(caught.value)
    assert all(word in text for word in ("n_cells", "denominator", "concentration"))
    with pytest.raises(InputError, match="80, as many as time"):
        dilution(time, event, cells[:5])
    with pytest.raises(EstimationError, match="no events"):
        dilution(time, np.zeros(80), cells)
    with pytest.raises(EstimationError, match="all 80 patients are negative"):
        dilution(time, event, np.minimum(cells, 4))
    with pytest.raises(EstimationError, match="no finite estimate"):
        dilution(time, event & (cells >= 5), cells)
    with pytest.raises(EstimationError, match="no finite estimate"):
        dilution(time, event, cells, np.ones(80))
    with pytest.raises(EstimationError, match="positive has 3 values"):
        dilution(time, event, cells, positive=[True, False, True])
    with pytest.raises(EstimationError, match="minimum_count"):
        dilution(time, event, cells, minimum_count="five")


@pytest.mark.parametrize("bad", [None, np.nan, "negative", 2, -1])
def test_a_status_that_is_missing_or_no_status_is_refused(bad):
    time, event, cells, *_ = study(3, n=60)
    status = np.asarray(cells >= 5).astype(object)
    status[7] = bad
    with pytest.raises(InputError, match="column 'positive'"):
        dilution(time, event, cells, positive=status)
