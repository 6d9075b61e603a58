"""Shared frailty against R at fixed variance, and the maximum of the variance's likelihood."""

from __future__ import annotations

import itertools
import json

import numpy as np
import polars as pl
import pytest
from scipy.special import chdtrc

from ashworth.errors import EstimationError, InputError, NotEstimableWarning
from ashworth.survival import UnsharedFrailtyWarning, cox, frailty_cox

from .conftest import FOLDER, close

X = ["x", "z"]


@pytest.fixture(scope="module")
def pinned():
    document = json.loads((FOLDER / "penalised.json").read_text())
    return {v["id"]: v for v in document["values"]}


@pytest.fixture(scope="module")
def centres():
    return pl.read_csv(FOLDER / "data" / "centres.csv")


def fit(d, **options):
    time = d[options.pop("clock", "day")]
    options = {"strata": d["stratum"]} | options
    return frailty_cox(time, d["event"], d.select(X), d["centre"], **options)


@pytest.mark.parametrize(
    ("kind", "variance", "late", "ties"),
    [*itertools.product(["gamma", "gaussian"], [0.05, 0.3, 1], [0, 1], ["efron", "breslow"])],
)
def test_fixed_variance_equals_r(centres, pinned, kind, variance, late, ties):
    entry = centres["entry_day"] if late else None
    found = fit(centres, distribution=kind, variance=variance, ties=ties, entry=entry)
    expected = pinned[f"frailty {kind} {variance:g} {late} {ties}"]
    close(found.coefficients, expected["coef"], 1e-10)
    close(found.standard_errors, expected["se"], 1e-10)
    close(found.log_partial_likelihood, expected["loglik"], 1e-11)
    close(found.frailty_errors, expected["frailty_se"], 1e-10)
    close(found.log_frailties, expected["frailties"], 1e-8, 1e-10)
    if kind == "gamma":
        close(found.log_likelihood, expected["marginal"], 1e-11)
    assert np.isnan(found.variance_lower)
    assert np.isnan(found.variance_test.p_value)


@pytest.mark.parametrize("late", [0, 1])
def test_gamma_maximum_is_that_of_rs_fixed_fits(centres, pinned, late):
    """R finds the maximum by values only: 1e-6 of the variance is what they can tell."""
    found = fit(centres, entry=centres["entry_day"] if late else None)
    expected = pinned[f"frailty maximum gamma {late}"]
    close(found.variance, expected["theta"], 2e-6)
    close(found.log_likelihood, expected["marginal"], 1e-11)
    close(found.log_likelihood_no_frailty, expected["null"], 1e-11)
    close(found.variance_lower, expected["lower"], 1e-8)
    close(found.variance_upper, expected["upper"], 1e-8)
    statistic = 2 * (expected["marginal"][0] - expected["null"][0])
    close(found.variance_test.statistic, statistic, 1e-9)
    close(found.variance_test.p_value, 0.5 * chdtrc(1, statistic), 1e-8)


def test_gamma_maximum_has_no_slope(centres):
    found = fit(centres)
    up, down = (fit(centres, variance=found.variance * f).log_likelihood for f in (1.001, 0.999))
    slope = (up - down) / 0.002
    assert abs(slope) < 1e-5
    assert found.log_likelihood > max(up, down)


def test_gaussian_maximum_is_that_of_the_written_out_likelihood(centres, pinned):
    found = fit(centres, clock="time", distribution="gaussian", ties="breslow")
    expected = pinned["frailty maximum gaussian"]
    close(found.variance, expected["theta"], 2e-6)
    close(found.log_likelihood, expected["marginal"], 1e-11)
    for at, value in zip(expected["at"], expected["values"], strict=True):
        held = fit(centres, clock="time", distribution="gaussian", ties="breslow", variance=at)
        close(held.log_likelihood, value, 1e-11)


def test_laplace_is_near_the_integral():
    """Two groups, integrated numerically at the same coefficients: within 0.02 of a log."""
    rng = np.random.default_rng(8)
    group = np.repeat([0, 1], 40)
    time = rng.exponential(1 / np.exp(0.8 * group))
    found = frailty_cox(time, np.ones(80), None, group, distribution="gaussian", variance=0.4)

    def risk_sets(shift):
        held = cox(time, np.ones(80), noise, offset=shift * (group == 0)).log_likelihood_null
        return np.exp(held - found.log_likelihood)

    noise = rng.normal(size=80)
    grid = np.linspace(-2.5, 2.5, 21)
    step, density = grid[1] - grid[0], np.exp(-(grid**2) / 0.8) / np.sqrt(0.8 * np.pi)
    by_shift = np.array([risk_sets(step * k) for k in range(-20, 21)])
    values = by_shift[np.arange(21)[:, None] - np.arange(21) + 20]
    total = step**2 * density @ values @ density
    assert abs(np.log(total)) < 0.02


def test_no_variation_between_groups_gives_variance_0(centres):
    d = centres.sort("event", "time").with_columns(centre=pl.Series(np.arange(400) % 8))
    for kind in ("gamma", "gaussian"):
        found = fit(d, distribution=kind)
        plain = cox(d["day"], d["event"], d.select(X), strata=d["stratum"])
        assert found.variance == 0.0
        assert found.variance_lower == 0.0
        assert 0.0 < found.variance_upper < 1.0
        assert found.variance_test.statistic == 0.0
        assert found.variance_test.p_value == 1.0
        close(found.coefficients, plain.coefficients, 1e-9)
        close(found.standard_errors, plain.standard_errors, 1e-8)
        close(found.log_likelihood, plain.log_likelihood, 1e-12)
        close(found.log_frailties, np.zeros(8))


def test_small_variance_tends_to_no_frailty(centres):
    for kind in ("gamma", "gaussian"):
        found = fit(centres, distribution=kind, variance=1e-7)
        assert abs(found.log_likelihood - found.log_likelihood_no_frailty) < 1e-3
        assert np.abs(found.log_frailties).max() < 1e-5


def test_quartile_ratio(centres):
    normal = fit(centres, distribution="gaussian", variance=0.25)
    assert normal.quartile_ratio == pytest.approx(np.exp(0.6744897501960817))
    skew = fit(centres, variance=0.4)
    drawn = np.quantile(np.random.default_rng(1).gamma(2.5, 0.4, 400_000), [0.25, 0.75])
    assert skew.quartile_ratio == pytest.approx(drawn[1] / drawn[0], rel=0.01)
    assert fit(centres, variance=0.0).quartile_ratio == 1.0


def test_group_without_events_and_tables(centres):
    d = centres.with_columns(event=pl.when(pl.col("centre") == 3).then(0).otherwise("event"))
    found = fit(d)
    place = found.groups.index(3)
    assert found.events_per_group[place] == 0
    assert found.log_frailties[place] < 0.0
    assert np.isfinite(found.frailty_errors[place])
    assert found.events_per_group.sum() == found.events
    table = found.frailty_table()
    assert table["n"].sum() == found.n
    assert (table["lower"] < table["upper"]).all()
    assert found.table()["term"].to_list() == X
    assert 2.0 < found.effective_df < 2 + 14


def test_order_of_rows_and_labels_do_not_matter(centres):
    a = fit(centres)
    shuffled = centres.sample(fraction=1.0, shuffle=True, seed=1)
    b = fit(shuffled.with_columns(centre=pl.format("centre {}", pl.col("centre"))))
    close(b.variance, a.variance, 1e-9)
    close(b.coefficients, a.coefficients, 1e-10)


def test_groups_alone_in_their_strata(centres):
    d = centres.with_columns(stratum=pl.when(pl.col("centre") == 1).then(9).otherwise("stratum"))
    with pytest.warns(NotEstimableWarning, match="no stratum with another: 1"):
        found = fit(d)
    assert np.isnan(found.log_frailties[found.groups.index(1)])
    rest = fit(d.filter(pl.col("centre") != 1), variance=0.2)
    assert rest.n_per_group.size == 13
    with pytest.raises(EstimationError, match="no two groups share a stratum"):
        fit(d, strata=d["centre"])


def test_refusals(centres):
    d = centres
    with pytest.raises(EstimationError, match="one group"):
        fit(d.with_columns(centre=pl.lit(1)))
    with pytest.raises(EstimationError, match="no events"):
        fit(d.with_columns(event=pl.lit(0)))
    with pytest.raises(EstimationError, match="variance is -1"):
        fit(d, variance=-1)
    with pytest.raises(EstimationError, match="distribution is 'weibull'"):
        fit(d, distribution="weibull")
    with pytest.raises(InputError, match="missing labels"):
        frailty_cox([1, 2], [1, 1], [0, 1], [None, "a"])
    with pytest.raises(InputError, match="3 values"):
        frailty_cox([1, 2], [1, 1], [0, 1], ["a", "b", "c"])
    with pytest.raises(EstimationError, match="early is infinite"):
        early = (d["event"] == 1) & (d["day"] > 0)
        frailty_cox(d["day"], d["event"], {"early": early}, d["centre"])
    with pytest.warns(NotEstimableWarning, match="same"):
        found = frailty_cox(d["day"], d["event"], {"same": np.ones(400), "x": d["x"]}, d["centre"])
    assert np.isnan(found.coefficients[0])
    assert np.isfinite(found.coefficients[1])


def test_one_row_per_group_warns(centres):
    d = centres[:60].with_columns(centre=pl.Series(range(60)))
    with pytest.warns(UnsharedFrailtyWarning):
        found = fit(d, strata=None, variance=0.1)
    assert found.n_per_group.max() == 1
    assert np.isfinite(found.coefficients).all()


@pytest.mark.r
def test_live_kidney_rats_and_lung():
    """The edge at 0, R's fixed fits over litters, and coxme's published fit of lung."""
    from .test_live_r import r_frame, r_numbers

    kidney = r_frame("kidney").with_columns(
        *(pl.col("disease").eq(level).cast(float).alias(level) for level in ("GN", "AN", "PKD"))
    )
    x = kidney.select("age", "sex", "GN", "AN", "PKD")
    edge = frailty_cox(kidney["time"], kidney["status"], x, kidney["id"])
    assert edge.variance == 0.0
    assert edge.variance_test.p_value == 1.0
    rats = r_frame("subset(rats, sex == 'f')")
    found = frailty_cox(rats["time"], rats["status"], rats.select("rx"), rats["litter"])
    best, value = r_numbers(
        "{f <- function(v) coxph(Surv(time, status) ~ rx + frailty(litter, theta = v, "
        "sparse = FALSE), subset(rats, sex == 'f'), control = ctl)$history[[1]]$c.loglik;"
        "o <- optimize(f, c(0.2, 1), maximum = TRUE, tol = 1e-10); c(o$maximum, o$objective)}"
    )
    close(found.log_likelihood, value, 1e-11)
    close(found.variance, best, 1e-5)
    lung = r_frame("lung").select("time", "status", "ph.ecog", "age", "inst").drop_nulls()
    mixed = frailty_cox(
        lung["time"], lung["status"] == 2, lung.select("ph.ecog", "age"), lung["inst"],
        distribution="gaussian",
    )  # fmt: skip
    # coxme 2.2, from the tests of the R package parameters: six digits
    close([*mixed.coefficients, mixed.variance**0.5], [0.473195, 0.011394, 0.146955], 4e-5)
