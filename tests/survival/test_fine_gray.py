"""Gray's test, Fine-Gray and cause-specific models against R and by definition."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import (
    AshworthWarning,
    EstimationError,
    InputError,
    MonotoneLikelihoodWarning,
    NotEstimableWarning,
)
from ashworth.survival import (
    cause_specific,
    cox,
    cumulative_incidence,
    fine_gray,
    fine_gray_rows,
    gray_test,
    log_rank,
)
from ashworth.survival.competing_risks.fine_gray import FewEventsWarning

from .conftest import FOLDER, close, load_data


@pytest.fixture(scope="module")
def pinned():
    document = json.loads((FOLDER / "competing_risks.json").read_text())
    return {v["id"]: v for v in document["values"]}


@pytest.fixture(scope="module")
def patients() -> pl.DataFrame:
    return load_data("competing")


@pytest.mark.parametrize("clock", ["day", "continuous"])
@pytest.mark.parametrize("rho", [0, 1])
@pytest.mark.parametrize("strata", [0, 1])
def test_gray_equals_cmprsk(clock, rho, strata, patients, pinned):
    for cause in (1, 2, 3):
        expected = pinned[f"gray {clock} {rho} {strata} {cause}"]
        found = gray_test(
            patients[f"t_{clock}"],
            patients["code"],
            patients["group"],
            cause=cause,
            rho=rho,
            strata=patients["stratum"] if strata else None,
        )
        close(found.statistic, expected["statistic"], 1e-11)
        close(found.p_value, expected["p"], 1e-11)
        assert found.df == expected["df"][0]
        assert found.events == patients.filter(pl.col("code") == cause).height
        close(found.observed.sum() - found.expected.sum(), 0.0, atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2), st.integers(0, 2)), min_size=6))
def test_gray_does_not_depend_on_labels(drawn):
    time, code, group = np.array(drawn).T
    time, code = np.append(time, [3, 4]), np.append(code, [1, 0])
    group = np.append(group, [0, 1])
    found = gray_test(time, code, group)
    again = gray_test(time * 2, code, 2 - group)
    close(found.statistic, again.statistic, 1e-8, 1e-9)
    assert found.df == again.df <= 2


def test_gray_without_competing_events_is_near_the_log_rank(patients):
    event = (patients["code"] > 0).cast(pl.Int64)
    found = gray_test(patients["t_continuous"], event, patients["group"])
    rank = log_rank(patients["t_continuous"], event, patients["group"])
    close(found.observed, rank.observed)
    close(found.expected, rank.expected, 1e-9)
    close(found.statistic, rank.statistic, 0.05)


@pytest.mark.parametrize("clock", ["day", "continuous"])
@pytest.mark.parametrize("cause", [1, 2])
@pytest.mark.parametrize("groups", [0, 1])
def test_fine_gray_equals_crr(clock, cause, groups, patients, pinned):
    expected = pinned[f"crr {clock} {cause} {groups}"]
    fit = fine_gray(
        patients[f"t_{clock}"],
        patients["code"],
        patients.select("x1", "x2"),
        cause=cause,
        censoring_group=patients["group"] if groups else None,
    )
    close(fit.coefficients, expected["coef"], 1e-9)
    close(fit.log_likelihood, expected["loglik"], 1e-12)
    close(fit.log_likelihood_null, expected["loglik_null"], 1e-12)
    close(fit.inverse_information.ravel(), expected["inverse_information"], 1e-8)
    if groups:  # crr's variance is not the derivative in the weights there; see below
        error = np.sqrt(np.array(expected["variance"])[[0, 3]])
        close(fit.standard_errors, error, 5e-3)
    else:
        close(fit.covariance.ravel(), expected["variance"], 1e-8)
    found = fit.predict([[0.5, 1], [-1, 0]], expected["at"])
    close(found.incidence.T.ravel(), np.ravel(np.reshape(expected["predicted"], (-1, 2))), 1e-8)
    assert fit.n == fit.events + fit.competing + fit.censored


def slow_fit(time, code, x, weights, groups, start):
    """Coefficients and cumulative baseline of weighted rows by definition, untied times."""
    event, competing = code == 1, code == 2
    at = np.sort(time[event])
    size = (time >= at[:, None]) * 1.0
    for g in np.unique(groups):
        mine = groups == g
        gone = np.sort(time[mine & (code == 0)])
        risk = np.array([weights[mine & (time >= t)].sum() for t in gone])
        count = np.array([weights[time == t][0] for t in gone])
        free = np.concatenate([[1], np.cumprod(1 - count / risk)])
        stays = mine & competing
        earlier = time[stays] < at[:, None]
        ratio = free[np.searchsorted(gone, at)][:, None] / free[np.searchsorted(gone, time[stays])]
        size[:, stays] += earlier * ratio
    died = weights[event][np.argsort(time[event])]
    beta = start
    for _ in range(8):
        risk = weights * np.exp(x @ beta)
        total = size @ risk
        mean = (size * risk) @ x / total[:, None]
        part = risk * (size.T @ (died / total))
        information = (x.T * part) @ x - (mean.T * died) @ mean
        score = (weights[event, None] * x[event]).sum(axis=0) - died @ mean
        beta = beta + np.linalg.solve(information, score)
    return np.append(beta, np.log((died / total)[at <= 30].sum()) + x[0] @ beta)


@pytest.mark.parametrize("groups", [0, 1])
def test_variances_are_the_squared_derivatives_in_the_weights(groups, patients):
    """Also of the prediction; apart from 1 / (1 - dN / Y) of each censoring, so large n."""
    d = patients[:120].with_columns(
        pl.when(pl.col("code") == 3).then(2).otherwise(pl.col("code")).alias("code")
    )
    time, code, x = d["t_continuous"].to_numpy(), d["code"].to_numpy(), d.select("x1").to_numpy()
    group = (d["group"].to_numpy() > 0) * groups
    fit = fine_gray(time, code, x, censoring_group=group)
    ones = np.ones(time.size)
    steps = 1e-4 * np.eye(time.size)
    slopes = [
        (slow_fit(time, code, x, ones + s, group, fit.coefficients)
         - slow_fit(time, code, x, ones - s, group, fit.coefficients)) / 2e-4
        for s in steps
    ]  # fmt: skip
    true = np.sqrt((np.array(slopes) ** 2).sum(axis=0))
    close(fit.standard_errors[0], true[0], 2e-3)
    found = fit.predict(x[:1], 30)
    cumulative = -np.log1p(-found.incidence[0, 0])
    error = found.standard_error[0, 0] / (1 - found.incidence[0, 0]) / cumulative
    close(error, true[1], 2e-3)


@pytest.mark.parametrize("clock", ["day", "continuous"])
@pytest.mark.parametrize("entry", [0, 1])
@pytest.mark.parametrize("strata", [0, 1])
def test_split_rows_equal_finegray(clock, entry, strata, patients, pinned):
    expected = pinned[f"finegray {clock} {entry} {strata}"]
    stratum = patients["stratum"].to_numpy()
    rows = fine_gray_rows(
        patients[f"t_{clock}"],
        patients["code"],
        entry=patients[f"entry_{clock}"] if entry else None,
        censoring_group=stratum if strata else None,
    )
    order = np.lexsort((rows.start, rows.row))
    assert order.size == expected["rows"][0]
    some = order[::7]
    close(rows.row[some] + 1, expected["row"])
    close(rows.start[some], expected["start"])
    close(rows.stop[some], expected["stop"])
    close(rows.weight[some], expected["weight"], 1e-12)
    x = patients.select("x1", "x2").to_numpy()[rows.row]
    for ties, robust in (("breslow", "robust"), ("efron", "efron_robust")):
        fit = cox(
            rows.stop, rows.event, x, entry=rows.start, weights=rows.weight, cluster=rows.row,
            strata=stratum[rows.row] if strata else None, ties=ties,
        )  # fmt: skip
        close(fit.coefficients, expected[ties], 1e-8)
        close(fit.covariance.ravel(), expected[robust], 1e-7)


@pytest.mark.parametrize("strata", [False, True])
def test_both_ways_to_fit_are_one(strata, patients):
    """The fast path against the split rows: the censoring rule of finegray, strata, clusters."""
    stratum = patients["stratum"] if strata else None
    time, code, x = patients["t_day"], patients["code"], patients.select("x1", "x2")
    fit = fine_gray(time, code, x, censoring_ties="survival", strata=stratum,
                    censoring_group=stratum)  # fmt: skip
    rows = fine_gray_rows(time, code, censoring_group=stratum)
    again = cox(
        rows.stop, rows.event, x.to_numpy()[rows.row], entry=rows.start, weights=rows.weight,
        strata=None if stratum is None else stratum.to_numpy()[rows.row], ties="breslow",
    )  # fmt: skip
    close(fit.coefficients, again.coefficients, 1e-9)
    close(fit.log_likelihood, again.log_likelihood, 1e-12)


def test_clusters_add_their_rows(patients):
    time, code, x = patients["t_day"], patients["code"], patients["x1"]
    alone = fine_gray(time, code, x, cluster=np.arange(patients.height))
    close(alone.standard_errors, fine_gray(time, code, x).standard_errors, 1e-12)
    by = fine_gray(time, code, x, cluster=patients["centre"])
    influence = by.fit.influence / by.fit.scale
    sums = [influence[0][patients["centre"].to_numpy() == c].sum() for c in range(12)]
    close(by.standard_errors, np.sqrt(np.square(sums).sum()), 1e-12)
    assert by.standard_errors != alone.standard_errors
    one = by.predict([1.0], 10)
    assert one.standard_error != alone.predict([1.0], 10).standard_error
    assert one.incidence == alone.predict([1.0], 10).incidence


def test_without_competing_events_it_is_breslows_cox(patients):
    event = patients["code"] > 0
    x = patients.select("x1", "x2")
    fit = fine_gray(patients["t_day"], event.cast(pl.Int64), x)
    plain = cox(patients["t_day"], event, x, ties="breslow",
                cluster=np.arange(patients.height))  # fmt: skip
    close(fit.coefficients, plain.coefficients, 1e-9)
    close(fit.standard_errors, plain.standard_errors, 1e-8)
    close(fit.log_likelihood, plain.log_likelihood, 1e-12)


def test_units_and_origin_do_not_matter(patients):
    time, code, x = patients["t_day"], patients["code"], patients["x1"].to_numpy()
    fit = fine_gray(time, code, x)
    moved = fine_gray(time, code, 1e6 + 1e3 * x)
    close(moved.coefficients * 1e3, fit.coefficients, 1e-7)
    close(moved.standard_errors * 1e3, fit.standard_errors, 1e-7)
    close(moved.predict([1e6 + 500.0], 10).upper, fit.predict([0.5], 10).upper, 1e-7)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cause_specific_equals_coxph(ties, patients, pinned):
    time, code, x = patients["t_day"], patients["code"], patients.select("x1", "x2")
    fit = cause_specific(time, code, x, ties=ties)
    for cause in (1, 2, 3):
        expected = pinned[f"cause-specific {ties} {cause}"]
        close(fit.cause_specific[cause].coefficients, expected["coef"], 1e-8)
        close(fit.cause_specific[cause].standard_errors, expected["se"], 1e-8)
        again = fine_gray(time, code, x, cause=cause)
        close(fit.subdistribution[cause].coefficients, again.coefficients, 1e-12)
    table = fit.table()
    assert table.height == 3 * 2 * 2
    row = table.row(2, named=True)
    assert (row["cause"], row["model"], row["term"]) == (1, "subdistribution", "x1")
    close(row["ratio"], np.exp(fit.subdistribution[1].coefficients[0]))
    assert "different questions" in fit.note
    assert list(cause_specific(time, code, x, causes=[2]).events) == [2]


def test_predictions_end_with_the_follow_up_and_know_their_covariates(patients):
    fit = fine_gray(patients["t_day"], patients["code"], patients.select("x1", "x2"),
                    strata=patients["stratum"])  # fmt: skip
    new = {"x2": [1.0], "x1": [0.0]}
    found = fit.predict(new, [0, 5, 10, 1000], stratum=1).table()
    assert found["incidence"][0] == 0
    assert np.isnan(found["incidence"][3])
    inside = found[1:3]
    assert (inside["lower"] < inside["incidence"]).all()
    assert (inside["incidence"] < inside["upper"]).all()
    with pytest.raises(EstimationError, match="allowed, for they have events: 0, 1, 2"):
        fit.predict(new, 5)
    with pytest.raises(InputError, match="every covariate of the fit"):
        fit.predict({"x1": [0.0]}, 5, stratum=1)
    with pytest.raises(InputError, match="missing or infinite"):
        fit.predict([[np.nan, 1.0]], 5, stratum=1)


def test_constant_and_collinear_covariates_are_named(patients):
    d = patients.select("x1", twice=2 * pl.col("x1"), one=pl.lit(1.0))
    with pytest.warns(NotEstimableWarning, match="twice, one"):
        fit = fine_gray(patients["t_day"], patients["code"], d)
    alone = fine_gray(patients["t_day"], patients["code"], d["x1"])
    close(fit.coefficients, [alone.coefficients[0], np.nan, np.nan], 1e-9)
    close(fit.standard_errors, [alone.standard_errors[0], np.nan, np.nan], 1e-9)
    assert fit.wald_test.df == 1
    with pytest.raises(EstimationError, match="no finite coefficient of twice, one"):
        fit.predict([[0.0, 0.0, 1.0]], 5)


def test_ratios_beyond_double_precision_are_infinite_without_a_warning(patients):
    x = patients["x1"].to_numpy() * 1e-4
    fit = fine_gray(patients["t_day"], patients["code"], x)
    assert fit.table()["subdistribution_hazard_ratio"][0] == np.inf
    assert np.isfinite(fit.p_values[0])
    alone = fine_gray(patients["t_day"], patients["code"], patients["x1"])
    close(fit.p_values, alone.p_values, 1e-8)


def test_a_monotone_likelihood_is_said():
    time, code = [1, 2, 3, 4, 5, 6], [1, 1, 2, 0, 2, 0]
    with pytest.warns(MonotoneLikelihoodWarning, match=r"marker \(\+infinite\)"):
        fit = fine_gray(time, code, {"marker": [1, 1, 0, 0, 0, 0]})
    assert fit.coefficients[0] == np.inf
    assert np.isnan(fit.p_values[0])
    assert np.isnan(fit.table()["upper"][0])
    assert fit.wald_test.df == 0
    with pytest.warns(MonotoneLikelihoodWarning):
        both = fine_gray([*time, 7], [*code, 1], {"marker": [1, 1, 0, 0, 0, 0, 0], "x": range(7)})
    assert not np.isfinite(both.coefficients).any()
    assert np.isnan(both.log_likelihood)
    assert np.isfinite(both.log_likelihood_null)


def test_bad_input_is_named_together():
    with pytest.raises(InputError) as caught:
        fine_gray([1, np.nan, 3], [0, 1, -1], {"x": [1.0, None, 2.0]}, cluster=["a", None, "b"])
    assert {p.column for p in caught.value.problems} == {"time", "event_code", "x", "cluster"}
    with pytest.raises(EstimationError, match="no events with code 2 among 2 rows; found: 1"):
        fine_gray([1, 2], [1, 0], [1, 0], cause=2)
    with pytest.raises(EstimationError, match="cause is 0"):
        gray_test([1, 2], [1, 0], [1, 0], cause=0)
    with pytest.raises(EstimationError, match="one group only"):
        gray_test([1, 2], [1, 0], ["a", "a"])
    with pytest.raises(EstimationError, match="no events among 2 rows"):
        cause_specific([1, 2], [0, 0], [1, 0])
    with pytest.raises(EstimationError, match="one cluster only"):
        fine_gray([1, 2, 3], [1, 0, 1], [1, 0, 0], cluster=["a", "a", "a"])
    with pytest.raises(InputError, match="time 0"):
        fine_gray_rows([0, 2, 3], [1, 2, 1])


def test_more_covariates_than_events_are_counted():
    rng = np.random.default_rng(3)
    time, code = np.arange(1.0, 21), np.array([2] * 6 + [1] + [2] * 4 + [0] * 9)
    with pytest.warns(AshworthWarning) as said:
        fine_gray(time, code, rng.normal(size=(20, 2)))
    assert said[0].category is FewEventsWarning
    assert "2 covariates and 1 events: 0.5 events per variable" in str(said[0].message)


@pytest.mark.r
def test_random_studies_against_finegray(tmp_path):
    """Live: rows of R's finegray on random late entries and ties, all strata together."""
    rng = np.random.default_rng(11)
    n = 150
    t = rng.integers(2, 40, n)
    d = pl.DataFrame(
        {"t": t, "e": np.minimum(rng.integers(0, 12, n), t - 1), "c": rng.choice(3, n),
         "x": rng.normal(size=n)}
    )  # fmt: skip
    path = tmp_path / "d.csv"
    d.write_csv(path)
    code = (
        f"library(survival); d <- read.csv('{path}'); d$id <- 1:{n}; r <- finegray(Surv(e, t, "
        "factor(c)) ~ ., d, id = id); m <- coxph(Surv(fgstart, fgstop, fgstatus) ~ x, r, weights "
        "= fgwt, ties = 'breslow', control = coxph.control(eps = 1e-14)); "
        "f <- survfit(Surv(t, factor(c)) ~ 1, d); cat(sprintf('%.17g', c(nrow(r), sum(r$fgwt), "
        "coef(m), summary(f, times = 20)$std.err[2])))"
    )
    program = shutil.which("Rscript")
    assert program is not None
    done = subprocess.run([program, "-e", code], capture_output=True, text=True, check=True)
    count, weight, slope, error = map(float, done.stdout.split())
    rows = fine_gray_rows(d["t"], d["c"], entry=d["e"])
    assert rows.row.size == count
    close(rows.weight.sum(), weight, 1e-12)
    x = d["x"].to_numpy()[rows.row]
    fit = cox(rows.stop, rows.event, x, entry=rows.start, weights=rows.weight, ties="breslow")
    close(fit.coefficients, slope, 1e-8)
    curve = cumulative_incidence(d["t"], d["c"])["all", 1]
    close(curve.incidence_at(20).standard_error, error, 1e-10)


@pytest.mark.r
def test_mgus2_against_survfit_and_finegray():
    """Live: progression and death in monoclonal gammopathy, read from R.

    By hand: on its complete cases with five covariates crr of cmprsk 2.2-11 and `fine_gray` agree
    to 2e-14 in coefficients and standard errors of both causes.
    """
    code = (
        "library(survival); d <- subset(mgus2, !is.na(hgb)); "
        "d$t <- with(d, ifelse(pstat == 0, futime, ptime)); "
        "d$c <- with(d, ifelse(pstat == 0, 2 * death, 1)); d <- d[, c('t', 'c', 'age', 'hgb')]; "
        "r <- finegray(Surv(t, factor(c)) ~ ., d); m <- coxph(Surv(fgstart, fgstop, fgstatus) ~ "
        "age + hgb, r, weights = fgwt, ties = 'breslow', control = coxph.control(eps = 1e-14)); "
        "f <- summary(survfit(Surv(t, factor(c)) ~ 1, d), times = c(60, 240)); "
        "cat(sprintf('%.17g', c(coef(m), f$pstate[, 2:3], f$std.err[, 2:3])), '\\n'); "
        "write.csv(d, row.names = FALSE)"
    )
    program = shutil.which("Rscript")
    assert program is not None
    done = subprocess.run([program, "-e", code], capture_output=True, text=True, check=True)
    first, table = done.stdout.split("\n", 1)
    expected = [float(w) for w in first.split()]
    d = pl.read_csv(table.encode())
    fit = fine_gray(d["t"], d["c"], d.select("age", "hgb"), censoring_ties="survival")
    close(fit.coefficients, expected[:2], 1e-8)
    curves = cumulative_incidence(d["t"], d["c"])
    at = [curves["all", cause].incidence_at([60, 240]) for cause in (1, 2)]
    close(np.concatenate([a.incidence for a in at]), expected[2:6], 1e-11)
    close(np.concatenate([a.standard_error for a in at]), expected[6:], 1e-10)
