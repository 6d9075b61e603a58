"""Kaplan-Meier, log-rank, follow-up and rates against R and published numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ashworth.survival import follow_up, kaplan_meier, log_rank, person_years, rate_ratio

from .conftest import close

CI = ("plain", "log", "log-log", "logit", "arcsin")


@pytest.mark.parametrize(("ci", "weights", "entry"), list(itertools.product(CI, (0, 1), (0, 1))))
def test_kaplan_meier_equals_r(ci, weights, entry, cohort, values):
    expected = values[f"km {ci} {weights} {entry}"]
    km = kaplan_meier(
        cohort["t_day"],
        cohort["event"],
        entry=cohort["entry_day"] if entry else None,
        weights=cohort["weight"] if weights else None,
        ci=ci,
    )
    close(km.time, expected["time"])
    close(km.at_risk, expected["n_risk"])
    close(km.survival, expected["surv"])
    empty = km.survival == 0
    close(km.standard_error[~empty], np.array(expected["std_err"])[~empty])
    known = np.array([v is not None for v in expected["lower"]])
    close(km.lower[known], np.array(expected["lower"], dtype=float)[known])
    close(km.upper[known], np.array(expected["upper"], dtype=float)[known])
    assert set(km.survival[~known]) <= {0.0, 1.0}
    found = np.array([km["all"].quantile(q) for q in (0.25, 0.5, 0.75)])
    close(found[:, 0], expected["quantile"])
    close(found[:, 1], expected["q_lower"])
    close(found[:, 2], expected["q_upper"])
    close(km["all"].restricted_mean(20), [expected["rmst"][0], expected["rmst_se"][0]])


def test_lung_overall(lung, cases):
    expected = cases["km_lung_overall"]
    km = kaplan_meier(lung["time"], lung["event"], ci="log")
    at = km.survival_at(expected["time"])
    close(at.survival, expected["surv"])
    close(at.standard_error, expected["std_err"])
    close(at.lower, expected["log_lower"])
    close(at.upper, expected["log_upper"])
    for q in ("25", "50", "75"):
        value, lower, upper = km["all"].quantile(int(q) / 100)
        assert (value, lower, upper) == tuple(
            expected[k][q] for k in ("quantiles", "q_lower", "q_upper")
        )
    mean, error = km["all"].restricted_mean(365.25)
    close([mean, error], [expected["rmst_365_25"], expected["rmst_se"]])
    close(km.risk_table(expected["time"])["at_risk"], expected["n_risk"])
    assert (km.n, km.events) == (expected["n"], expected["events"])


@pytest.mark.parametrize("ci", CI)
def test_interval_types_of_lung(ci, lung, cases):
    expected = cases["km_conf_types"][ci.replace("-", "_")]
    at = kaplan_meier(lung["time"], lung["event"], ci=ci).survival_at([182.625, 365.25, 730.5])
    close(at.lower, expected["lower"])
    close(at.upper, expected["upper"])


@pytest.mark.parametrize("ci", ["log", "log-log", "plain"])
def test_medians_by_sex(ci, lung, cases):
    expected = cases["km_median_ci_types"][ci.replace("-", "_")]
    km = kaplan_meier(lung["time"], lung["event"], group=lung["sex"], ci=ci)
    assert list(km.median.values()) == expected["median"]
    lower, upper = zip(*km.median_limits.values(), strict=True)
    assert (list(lower), list(upper)) == (expected["lower"], expected["upper"])


def test_milestone_and_restricted_mean(gbsg2, cases):
    expected = cases["milestone_and_rmst_difference"]
    km = kaplan_meier(gbsg2["time"], gbsg2["event"], group=gbsg2["hormone"])
    at = km.survival_at(1826.25)
    close([at[g].survival[0] for g in (0, 1)], expected["surv"])
    close([at[g].standard_error[0] for g in (0, 1)], expected["std_err"])
    means = np.array([km[g].restricted_mean(1826.25) for g in (0, 1)])
    close(means[:, 0], expected["rmst"])
    close(means[:, 1], expected["rmst_se"])


def test_log_rank_of_lung(lung, cases):
    expected = cases["logrank_lung_sex"]
    found = log_rank(lung["time"], lung["event"], lung["sex"])
    close(found.observed, expected["obs"])
    close(found.expected, expected["exp"])
    close(found.variance[0, 0], expected["var11"])
    close([found.statistic, found.p_value], [expected["chisq"], expected["p"]])
    assert found.n_per_group.tolist() == expected["n"]
    peto = log_rank(lung["time"], lung["event"], lung["sex"], rho=1)
    close(peto.statistic, expected["peto_rho1_chisq"])
    known = lung.drop_nulls("inst")
    by = log_rank(known["time"], known["event"], known["sex"], strata=known["inst"])
    close(by.statistic, expected["stratified_by_inst_chisq"])


def test_weighted_log_rank_of_gbsg(gbsg2, cases):
    expected = cases["weighted_logrank"]
    for rho, statistic in zip(expected["rho"], expected["chisq"], strict=True):
        found = log_rank(gbsg2["time"], gbsg2["event"], gbsg2["hormone"], rho=rho)
        close(found.statistic, statistic)
    grade = log_rank(gbsg2["time"], gbsg2["event"], gbsg2["grade"])
    close(grade.statistic, expected["grade_chisq"])
    assert grade.df == 2


@pytest.mark.parametrize("rho", [0, 0.5, 1])
@pytest.mark.parametrize("strata", [0, 1])
def test_log_rank_equals_r(rho, strata, cohort, values):
    expected = values[f"log_rank {rho} {strata}"]
    found = log_rank(
        cohort["t_day"],
        cohort["event"],
        cohort["arm"],
        rho=rho,
        strata=cohort["stratum"] if strata else None,
    )
    close(found.statistic, expected["statistic"])
    close(found.observed, expected["observed"])
    close(found.expected, expected["expected"])
    close(found.variance.ravel(), expected["variance"], atol=1e-12)


@pytest.mark.parametrize("strata", [0, 1])
def test_log_rank_with_late_entry_is_the_cox_score_test(strata, cohort, values):
    found = log_rank(
        cohort["t_continuous"],
        cohort["event"],
        cohort["arm"],
        entry=cohort["entry_continuous"],
        strata=cohort["stratum"] if strata else None,
    )
    close(found.statistic, values[f"log_rank late {strata}"]["statistic"])


def test_follow_up_equals_r(cohort, values):
    expected = values["follow_up"]
    found = follow_up(cohort["t_day"], cohort["event"], ci="log")["all"].quantile(0.5)
    close(found, [expected[k][0] for k in ("quantile", "q_lower", "q_upper")])


def test_near_ties_of_the_curve(values):
    expected = values["near_ties"]
    km = kaplan_meier([0.1 + 0.2, 0.3, 0.7, 0.1 * 7, 1, 1.5], [1, 1, 1, 0, 1, 1])
    close(km.at_risk, expected["n_risk"])
    close(km.survival, expected["surv"])


@pytest.mark.parametrize("events", [0, 1, 7, 16, 250])
def test_exact_limits_of_a_rate(events, values):
    expected = values[f"rate {events}"]
    n = max(events, 1)
    time, event = np.full(n, 32.7 / n), np.full(n, events > 0)
    found = person_years(time, event, days_per_year=1)
    close(found.rate, expected["rate"])
    close([found.lower[0], found.upper[0]], expected["limits"])


def test_rate_ratio_equals_r(values):
    expected = values["rate_ratio"]
    found = rate_ratio(7, 32.7, 16, 796.3)
    close([found.ratio, found.lower, found.upper], [*expected["ratio"], *expected["limits"]])
    close(found.p_value, expected["p"])
    none = rate_ratio(0, 10, 9, 20)
    expected = values["rate_ratio zero"]
    close([none.ratio, none.lower, none.upper], [*expected["ratio"], *expected["limits"]])
    close(none.p_value, expected["p"])
    assert rate_ratio(3, 10, 0, 20).ratio == np.inf


def test_rates_of_dtc_persistence():
    """Rates per person-year printed for 7 and 16 relapses in 32.7 and 796.3 person-years."""
    time = np.concatenate([np.full(10, 3.27), np.full(100, 7.963)])
    event = np.concatenate([np.arange(10) < 7, np.arange(100) < 16])
    found = person_years(time, event, group=np.repeat([0, 1], [10, 100]), days_per_year=1)
    close(found.rate.round(4), [0.2141, 0.0201])
    close(found.lower.round(4), [0.0861, 0.0115])
    close(found.upper.round(4), [0.4411, 0.0326])
