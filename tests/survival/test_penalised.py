"""Profile limits and Firth's penalty against R, firthmodels and the definition."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import (
    EstimationError,
    InputError,
    MonotoneLikelihoodWarning,
    NotEstimableWarning,
)
from ashworth.survival import cox, firth_cox, profile_limits
from ashworth.survival.proportional_hazards import definition
from ashworth.survival.proportional_hazards.data import read_cox_data
from ashworth.survival.proportional_hazards.firth_likelihood import FirthLikelihood

from .conftest import FOLDER, close

TERMS = ["x1", "x2", "x3"]
TIED = [("efron", 0), ("efron", 1), ("breslow", 0), ("breslow", 1)]


@pytest.fixture(scope="module")
def pinned():
    document = json.loads((FOLDER / "penalised.json").read_text())
    return {v["id"]: v for v in document["values"]}


def arguments(d, full, ties):
    more = {"ties": ties}
    if full:
        more |= {"strata": d["stratum"], "entry": d["entry_day"]}
        more |= {"weights": d["weight"], "offset": d["offset"]}
    return (d["t_day"], d["event"], d.select(TERMS)), more


def fit_monotone(x=None, **more):
    x = [1, 1, 1, 1, 0, 0, 0, 0] if x is None else x
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MonotoneLikelihoodWarning)
        return cox(range(1, 9), [1, 1, 1, 1, 0, 0, 0, 0], x, **more)


@pytest.mark.parametrize(("ties", "full"), TIED)
def test_profile_limits_equal_r(cohort, pinned, ties, full):
    positional, more = arguments(cohort, full, ties)
    found = profile_limits(cox(*positional, **more))
    expected = pinned[f"profile {ties} {full}"]
    close(found.lower, expected["lower"], 1e-9, 1e-11)
    close(found.upper, expected["upper"], 1e-9, 1e-11)
    wald = cox(*positional, **more).confint()
    close(found.wald_lower, wald[:, 0])
    without = cox(*positional[:2], cohort.select("x2", "x3"), **more)
    fall = 2.0 * (cox(*positional, **more).log_likelihood - without.log_likelihood)
    close(found.chi_square[0], fall, 1e-8)
    assert found.table().columns[0] == "term"


def test_profile_limits_of_chosen_terms_and_level(cohort):
    positional, more = arguments(cohort, 0, "efron")
    fit = cox(*positional, **more)
    every, one = profile_limits(fit), profile_limits(fit, terms=["x2"])
    assert one.names == ("x2",)
    close(one.lower, every.lower[1])
    narrow = profile_limits(fit, 0.5, terms="x2")
    assert every.lower[1] < narrow.lower[0] < narrow.upper[0] < every.upper[1]
    with pytest.raises(EstimationError, match="'x9' are not in the model"):
        profile_limits(fit, terms=["x9"])


def test_infinite_coefficient_has_one_finite_limit():
    fit = fit_monotone()
    limits = profile_limits(fit)
    assert limits.upper[0] == np.inf
    assert np.isnan(limits.wald_lower[0])
    offset = limits.lower[0] * np.repeat([1.0, 0.0], 4)
    held = cox(range(1, 9), [1, 1, 1, 1, 0, 0, 0, 0], [1, 0, 2, 1, 0, 3, 1, 2], offset=offset)
    fall = 2.0 * (fit.log_likelihood - held.log_likelihood_null)
    assert fall == pytest.approx(3.841458820694124, abs=1e-10)
    mirrored = profile_limits(fit_monotone([0, 0, 0, 0, 1, 1, 1, 1]))
    close(mirrored.upper, -limits.lower, 1e-10)
    assert mirrored.lower[0] == -np.inf


def test_limits_beside_an_infinite_coefficient():
    """The finite coefficient's limits are those of the likelihood's limit."""
    rng = np.random.default_rng(4)
    x, z = np.repeat([1.0, 0.0], [20, 20]), rng.normal(size=40)
    time = np.where(x == 1, rng.exponential(size=40), 10.0 + rng.exponential(size=40))
    event = (x == 1) & (rng.random(40) < 0.8)
    with pytest.warns(MonotoneLikelihoodWarning):
        both = cox(time, event, {"x": x, "z": z})
    alone = cox(time[x == 1], event[x == 1], {"z": z[x == 1]})
    found, expected = profile_limits(both), profile_limits(alone)
    close([found.lower[1], found.upper[1]], [expected.lower[0], expected.upper[0]], 1e-8)
    assert np.isfinite(found.lower[0])
    assert found.upper[0] == np.inf


def test_undetermined_coefficient_has_no_limits(cohort):
    d = cohort.with_columns(twice=2.0 * cohort["x1"])
    with pytest.warns(NotEstimableWarning):
        fit = cox(d["t_day"], d["event"], d.select("x1", "twice"))
    limits = profile_limits(fit)
    assert np.isnan(limits.lower[1])
    assert np.isfinite(limits.lower[0])


@pytest.mark.parametrize(("ties", "full"), TIED)
def test_firth_equals_r(cohort, pinned, ties, full):
    """R: optimisers over coxph held at given values; derivatives are numeric there.

    They leave an error of some 1e-9 in R's coefficients.
    """
    positional, more = arguments(cohort, full, ties)
    found, expected = firth_cox(*positional, **more), pinned[f"firth {ties} {full}"]
    close(found.coefficients, expected["coef"], 0.0, 1e-8)
    close(found.standard_errors, expected["se"], 1e-8)
    close(found.penalised_log_likelihood, expected["value"], 1e-12)
    close(found.penalised_log_likelihood_null, expected["null"], 1e-12)
    close(found.log_likelihood, expected["loglik"], 1e-9)
    rise = 2.0 * (found.penalised_log_likelihood - found.penalised_log_likelihood_null)
    close(found.likelihood_ratio_test.statistic, rise, 1e-9)


@pytest.mark.parametrize(("name", "n"), [("all", 160), ("first 60", 60)])
def test_firth_equals_firthmodels(cohort, name, n):
    expected = json.loads((FOLDER / "firth.json").read_text())["values"][name]
    d = cohort[:n]
    found = firth_cox(d["t_day"], d["event"], d.select(TERMS), ties="breslow")
    close(found.coefficients, expected["coef"], 1e-12)
    close(found.standard_errors, expected["se"], 1e-12)
    close(found.penalised_log_likelihood, expected["value"], 1e-12)
    close(found.lower, expected["lower"], 1e-8)
    close(found.upper, expected["upper"], 1e-8)


def test_firth_of_a_monotone_likelihood():
    """All events in one of two groups of four: 2.948199 is known."""
    found = firth_cox(range(1, 9), [1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0])
    assert found.coefficients[0] == pytest.approx(2.948199, abs=5e-7)
    assert found.lower[0] > 0.0
    assert np.isfinite(found.upper[0])
    assert found.chi_square[0] == pytest.approx(found.likelihood_ratio_test.statistic)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_gradient_is_that_of_the_definition(seed):
    """Risk sets one by one, differenced, against the closed form."""
    rng = np.random.default_rng(seed)
    n = 40
    time = np.ceil(rng.exponential(size=n) * 8) + 1
    data = read_cox_data(
        "firth_cox", time, np.arange(n) % 3 > 0, rng.normal(size=(n, 2)), names=None,
        entry=np.minimum(np.floor(time * rng.random(n)), time - 1), strata=rng.integers(0, 2, n),
        cluster=None, weights=rng.uniform(0.5, 2, n), offset=rng.normal(size=n), tie_tolerance=0.0,
    )  # fmt: skip
    design, beta = data.design(), rng.normal(size=2) * 0.5
    efron = bool(seed % 2)
    found = FirthLikelihood(design, np.arange(2), efron=efron)(beta)

    def value(b):
        at = definition.likelihood(design, b, efron=efron)
        return at.value + 0.5 * np.linalg.slogdet(at.information)[1]

    assert found.value == pytest.approx(value(beta), abs=1e-9)
    for k, step in enumerate(np.eye(2) * 1e-3):
        near, far = value(beta + step) - value(beta - step), 0.0
        far = value(beta + 2 * step) - value(beta - 2 * step)
        assert found.gradient[k] == pytest.approx((8 * near - far) / 12e-3, abs=1e-6)


def test_firth_does_not_depend_on_units(cohort):
    d = cohort
    a = firth_cox(d["t_day"], d["event"], d.select(TERMS))
    b = firth_cox(d["t_day"], d["event"], d.select(TERMS).with_columns(x1=d["x1"] * 1e3 + 5))
    close(b.coefficients * [1e3, 1, 1], a.coefficients, 1e-9)
    close(b.upper * [1e3, 1, 1], a.upper, 1e-8)
    close(b.p_values, a.p_values, 1e-7)


def test_firth_refuses_and_warns(cohort):
    d = cohort
    with pytest.raises(EstimationError, match="no events"):
        firth_cox([1, 2], [0, 0], [0, 1])
    with pytest.raises(InputError, match="missing or infinite"):
        firth_cox([1, 2], [0, 1], [0, np.nan])
    with (
        pytest.warns(NotEstimableWarning, match="constant"),
        pytest.raises(EstimationError, match="no covariate varies"),
    ):
        firth_cox([1, 2, 3], [1, 1, 0], [1, 1, 1])
    with pytest.warns(NotEstimableWarning, match="twice"):
        found = firth_cox(d["t_day"], d["event"], d.select("x1").with_columns(twice=2.0 * d["x1"]))
    assert np.isnan(found.coefficients[1])
    assert np.isnan(found.upper[1])
    assert found.table()["term"].to_list() == ["x1", "twice"]


@pytest.mark.r
def test_profile_of_occult_nodal_tumour_cells():
    """KMsurv::btrial, where R has that package (GPL, never copied)."""
    from .test_live_r import r, r_frame

    if "yes" not in r("cat(if (requireNamespace('KMsurv', quietly = TRUE)) 'yes')"):
        pytest.skip("KMsurv is not installed")
    d = r_frame("{data(btrial, package = 'KMsurv'); btrial}")
    found = profile_limits(cox(d["time"], d["death"], (d["im"] == 2).cast(float)))
    close([found.lower[0], found.upper[0]], [0.0743651357627889, 1.8054020430652], 1e-11)
