"""Landmarks, status histories, windows, milestones, restricted means and weighted tests."""

from __future__ import annotations

import json
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from ashworth.errors import EstimationError, InputError, NotEstimableWarning
from ashworth.survival import (
    cox,
    hazard_ratio_windows,
    kaplan_meier,
    landmark,
    log_rank,
    max_combo,
    milestone_difference,
    restricted_mean_difference,
    status_history,
)

from .conftest import FOLDER, close, load_data

VALUES = {v["id"]: v for v in json.loads((FOLDER / "time.json").read_text())["values"]}
WEIGHTS = {
    "fleming-harrington 0 1": {"gamma": 1},
    "fleming-harrington 1 1": {"rho": 1, "gamma": 1},
    "fleming-harrington 0.5 2": {"rho": 0.5, "gamma": 2},
    "fleming-harrington 1 0": {"rho": 1},
    "tarone-ware": {"weighting": "tarone-ware"},
    "gehan-breslow": {"weighting": "gehan-breslow"},
    "modestly-weighted 100": {"weighting": "modestly-weighted", "delay": 100},
}


def heart() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Transplants as draws, and one row per patient of the Stanford study."""
    rows = load_data("heart").with_columns(patient_id=(pl.col("start") == 0).cum_sum())
    draws = rows.filter(pl.col("transplant") == 1).select(
        "patient_id", day="start", status=pl.lit(1)
    )
    whole = rows.unique("patient_id", keep="last", maintain_order=True)
    outcomes = whole.select("patient_id", "age", exit_day="stop", event_code="event")
    return draws, outcomes


COVARIATES = ["age"]


# weighted log-rank


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize(("late", "strata"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_weighted_tests_are_score_tests_of_r(kind, late, strata, cohort):
    found = log_rank(
        cohort["t_continuous"], cohort["event"], cohort["arm"],
        entry=cohort["entry_continuous"] if late else None,
        strata=cohort["stratum"] if strata else None, **WEIGHTS[kind],
    )  # fmt: skip
    close(found.statistic, VALUES[f"weighted {kind} {late} {strata}"]["statistic"], 1e-12)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("Tarone-Ware", {"weighting": "tarone-ware"}), ("Fleming-Harrington", {"gamma": 1}),
     ("Gehan-Breslow", {"weighting": "gehan-breslow"})],
)  # fmt: skip
def test_numerators_are_those_of_coin(kind, options, cohort):
    found = log_rank(cohort["t_continuous"], cohort["event"], cohort["x3"], **options)
    close(found.observed[1] - found.expected[1], VALUES[f"coin {kind}"]["difference"], 1e-12)


def test_weights_by_definition_with_ties(cohort):
    time, event = cohort["t_day"].to_numpy(), cohort["event"].to_numpy() == 1
    high = cohort["x3"].to_numpy() == 1
    survival, u, v = 1.0, 0.0, 0.0
    for t in np.unique(time[event]):
        r, d = (time >= t).sum(), (event & (time == t)).sum()
        r1, d1 = (high & (time >= t)).sum(), (high & event & (time == t)).sum()
        w = survival**0.5 * (1 - survival) ** 1.5
        u += w * (d1 - d * r1 / r)
        v += w**2 * d * (r - d) / max(r - 1, 1) * r1 / r * (1 - r1 / r)
        survival *= 1 - d / r
    found = log_rank(time, event, high, rho=0.5, gamma=1.5)
    close(found.statistic, u**2 / v, 1e-12)


def test_modest_weights_end_at_the_log_rank_test(cohort):
    given = cohort["t_day"], cohort["event"], cohort["arm"]
    first = log_rank(*given, weighting="modestly-weighted", delay=0)
    close(first.statistic, log_rank(*given).statistic, 1e-12)
    assert first.method == "modestly weighted log-rank"
    assert log_rank(*given, rho=1).method == "G-rho"


@pytest.mark.parametrize(
    ("options", "words"),
    [({"weighting": "wilcoxon"}, "allowed: fleming-harrington"),
     ({"weighting": "tarone-ware", "rho": 1}, "rho=1, gamma=0"),
     ({"weighting": "modestly-weighted"}, "without delay"),
     ({"weighting": "modestly-weighted", "delay": -1}, "0 or later"),
     ({"delay": 5}, "only with weighting='modestly-weighted'"), ({"gamma": -1}, "0 or more")],
)  # fmt: skip
def test_weights_that_contradict_each_other(options, words, cohort):
    with pytest.raises(EstimationError, match=words):
        log_rank(cohort["t_day"], cohort["event"], cohort["arm"], **options)


def test_weight_zero_at_every_event():
    with pytest.raises(EstimationError, match="weight 0"):
        log_rank([1, 2, 3, 4], [1, 0, 0, 0], ["a", "a", "b", "b"], gamma=1)


def test_max_combo_equals_r(cohort):
    expected = VALUES["max combo"]
    given = cohort["t_continuous"], cohort["event"], cohort["x3"]
    found = max_combo(*given)
    close(found.z, expected["z"], 1e-10)
    close(found.correlation.ravel(), expected["correlation"], 1e-10)
    close(found.statistic, max(expected["z"]), 1e-10)
    three = max_combo(*given, weights=((0, 1), (1, 0), (1, 1)))
    close(three.p_value, expected["p_of_three"], 1e-3)
    assert three.p_value < found.p_value < 4 * found.table()["p_value_alone"].min()


def test_max_combo_of_one_test_is_that_test(cohort):
    given = cohort["t_day"], cohort["event"], cohort["x3"]
    for rho, gamma in ((0, 0), (0, 1), (0.5, 0.5)):
        one = log_rank(*given, rho=rho, gamma=gamma, strata=cohort["stratum"])
        found = max_combo(*given, weights=[(rho, gamma)], strata=cohort["stratum"])
        close(found.statistic**2, one.statistic, 1e-10)
        close(found.p_value, one.p_value, 1e-10)


def test_max_combo_of_two_independent_tests():
    """With correlation 0 the p-value is 1 - (1 - p)^2."""
    from ashworth.survival.curves.max_combo_test import _exceedance

    for z in (0.5, 2.0, 6.0):
        alone = 2 * ndtr(-z)
        close(_exceedance(z, np.eye(2)), alone * (2 - alone), 1e-3)


def test_max_combo_that_cannot_be_made(cohort):
    given = cohort["t_day"], cohort["event"]
    with pytest.raises(EstimationError, match="3 groups; exactly two"):
        max_combo(*given, cohort["arm"])
    with pytest.raises(EstimationError, match="different pairs"):
        max_combo(*given, cohort["x3"], weights=[(0, 0), (0, 0)])
    with pytest.raises(EstimationError, match=r"\(0, 1\), \(1, 1\) have no variance"):
        max_combo([1, 2, 3, 4], [1, 0, 0, 0], ["a", "a", "b", "b"])


# milestones and restricted means


@pytest.mark.parametrize("at", [365.25, 1826.25])
def test_milestones_equal_r(at, gbsg2):
    expected = VALUES[f"milestone {at:g}"]
    given = gbsg2["time"], gbsg2["event"], gbsg2["hormone"], at
    found = milestone_difference(*given)
    close([found.survival_reference[0], found.survival[0]], expected["survival"], 1e-12)
    close([found.standard_error_reference[0], found.standard_error[0]], expected["error"], 1e-12)
    close(found.difference, expected["difference"], 1e-11)
    close([found.lower[0], found.upper[0]], expected["limits"], 1e-11)
    close(found.p_value, expected["p"], 1e-10)
    close([found.ratio[0], found.ratio_lower[0], found.ratio_upper[0]], expected["ratio"], 1e-12)
    close(found.ratio_p_value, expected["ratio_p"], 1e-10)
    other = milestone_difference(*given, ci="log-log")
    close([other.lower[0], other.upper[0]], expected["loglog_limits"], 1e-11)
    close(other.p_value, expected["loglog_p"], 1e-10)


def test_case_of_milestone_and_restricted_mean(gbsg2, cases):
    expected = cases["milestone_and_rmst_difference"]
    given = gbsg2["time"], gbsg2["event"], gbsg2["hormone"], 1826.25
    found, means = milestone_difference(*given), restricted_mean_difference(*given)
    close([found.difference[0], found.difference_error[0]], [expected["diff"], expected["diff_se"]])
    close([found.lower[0], found.upper[0]], expected["ci"])
    close(found.p_value, expected["p"])
    close([means.mean_reference[0], means.mean[0]], expected["rmst"])
    close(means.difference, expected["rmst_diff"])
    close(means.difference_error, expected["rmst_diff_se"])


def test_restricted_means_equal_r(gbsg2):
    expected = VALUES["restricted_mean 1826.25"]
    found = restricted_mean_difference(gbsg2["time"], gbsg2["event"], gbsg2["hormone"], 1826.25)
    row = found.table().row(0, named=True)
    names = ("difference", "difference_error", "lower", "upper", "p_value")
    close([row[n] for n in names], expected["difference"], 1e-10)
    names = ("ratio", "ratio_lower", "ratio_upper", "ratio_p_value")
    close([row[n] for n in names], expected["ratio"], 1e-10)
    names = ("lost_ratio", "lost_lower", "lost_upper", "lost_p_value")
    close([row[n] for n in names], expected["lost"], 1e-10)


def test_exchanging_groups_exchanges_the_signs(gbsg2):
    given = gbsg2["time"], gbsg2["event"], gbsg2["grade"]
    for ci in ("plain", "log-log"):
        a = milestone_difference(*given, [500, 1500], ci=ci)
        b = milestone_difference(*given, [500, 1500], reference=2, ci=ci)
        assert a.group == (2, 2, 3, 3)
        assert b.group == (1, 1, 3, 3)
        close(a.difference[:2], -b.difference[:2])
        close(a.lower[:2], -b.upper[:2])
        close(a.ratio[:2], 1 / b.ratio[:2])
        close(a.p_value[:2], b.p_value[:2])
    a, b = (restricted_mean_difference(*given, 1500, reference=r) for r in (1, 2))
    close(a.upper[0], -b.lower[0])
    close(a.lost_lower[0], 1 / b.lost_upper[0])


def test_group_without_events_has_no_standard_error():
    time, event = [1, 2, 3, 4, 5, 6, 7, 8], [1, 0, 1, 0, 0, 0, 0, 0]
    group = ["a"] * 4 + ["b"] * 4
    with pytest.warns(NotEstimableWarning, match="'b' at 3: survival 1"):
        found = milestone_difference(time, event, group, 3)
    close(found.difference, 0.625)
    assert np.isnan([found.lower[0], found.p_value[0], found.ratio_lower[0]]).all()
    with pytest.warns(NotEstimableWarning, match="'b' until 3"):
        means = restricted_mean_difference(time, event, group, 3)
    assert np.isnan(means.upper[0])


@pytest.mark.parametrize("estimate", [milestone_difference, restricted_mean_difference])
def test_comparisons_that_cannot_be_made(estimate, gbsg2):
    given = gbsg2["time"], gbsg2["event"]
    with pytest.raises(EstimationError, match=r"after the last follow-up 2563 of group"):
        estimate(*given, gbsg2["hormone"], 2655)
    with pytest.raises(EstimationError, match="one group only"):
        estimate(*given, np.ones(gbsg2.height), 365)
    with pytest.raises(EstimationError, match="allowed: 0, 1"):
        estimate(*given, gbsg2["hormone"], 365, reference=2)
    with pytest.raises(EstimationError, match="after 0"):
        estimate(*given, gbsg2["hormone"], 0)
    with pytest.raises(InputError, match="missing or infinite"):
        estimate([1, None], [1, 0], [0, 1], 1)


# windows


def test_windows_equal_r(gbsg2):
    expected = VALUES["windows gbsg2"]
    found = hazard_ratio_windows(
        gbsg2["time"], gbsg2["event"], gbsg2["hormone"], [365.25, 3 * 365.25],
        adjust=gbsg2.select("grade"),
    )  # fmt: skip
    close(found.coefficients, expected["coef"], 1e-9)
    close(found.standard_errors, expected["se"], 1e-9)
    close(found.fit.coefficients[3], expected["grade"], 1e-9)
    close(found.equality_test.statistic, expected["lr"], 1e-8)
    assert found.equality_test.df == 2
    assert found.at_risk.tolist() == expected["at_risk"]
    assert found.n_events.tolist() == expected["events"]
    close(found.person_time, expected["person_time"], 1e-12)
    table = found.table(0.9)
    close(table["hazard_ratio"], np.exp(expected["coef"]), 1e-9)
    half = 1.6448536269514722 * np.array(expected["se"])
    close(table["upper"], np.exp(expected["coef"] + half), 1e-9)


def test_event_at_a_break_belongs_to_the_window_that_ends_there():
    time, event, x = [2, 2, 3, 5, 5, 7], [1, 1, 0, 1, 1, 1], [1, 0, 1, 0, 1, 0]
    with pytest.warns(Warning, match="constant within strata|monotone"):
        found = hazard_ratio_windows(time, event, x, [2, 5])
    assert found.n_events.tolist() == [2, 2, 1]
    assert found.at_risk.tolist() == [6, 4, 1]
    close(found.person_time, [12, 10, 2])


def test_break_that_differs_from_a_time_by_rounding_is_that_time():
    time = [0.1 * 3, 0.1 * 3, 0.1, 0.2, 0.5, 0.6, 0.7]
    assert time[0] > 0.3
    found = hazard_ratio_windows(time, [1, 1, 1, 0, 1, 1, 0], [1, 0, 1, 0, 0, 1, 0], 0.3)
    assert found.n_events.tolist() == [3, 2]
    assert found.at_risk.tolist() == [7, 3]


def test_window_without_events_takes_no_part(gbsg2):
    with pytest.warns(NotEstimableWarning, match=r"hormone \(2600, inf\)"):
        found = hazard_ratio_windows(
            gbsg2["time"], gbsg2["event"], gbsg2.select("hormone"), [1000, 2600]
        )
    assert np.isnan(found.coefficients[2])
    assert found.equality_test.df == 1
    two = hazard_ratio_windows(gbsg2["time"], gbsg2["event"], gbsg2.select("hormone"), 1000)
    close(found.equality_test.statistic, two.equality_test.statistic, 1e-8)


def test_windows_of_two_markers_with_weights():
    """A weight of 0 leaves a row out; each marker has its own windows."""
    rng = np.random.default_rng(5)
    n = 80
    time, event = rng.exponential(size=n), rng.random(n) < 0.8
    x = {"a": rng.normal(size=n), "b": rng.normal(size=n)}
    z, weights = rng.normal(size=n), (rng.random(n) < 0.7) * 1.0
    keep = weights > 0
    found = hazard_ratio_windows(time, event, x, [0.4, 1], adjust={"z": z}, weights=weights)
    few = hazard_ratio_windows(
        time[keep], event[keep], {k: v[keep] for k, v in x.items()}, [0.4, 1],
        adjust={"z": z[keep]},
    )  # fmt: skip
    assert found.names == ("a",) * 3 + ("b",) * 3
    close(found.coefficients, few.coefficients, 1e-10)
    close(found.equality_test.statistic, few.equality_test.statistic, 1e-9)
    assert found.equality_test.df == 4
    assert found.n == few.n == keep.sum()
    swapped = hazard_ratio_windows(time, event, {"b": x["b"], "a": x["a"]}, [0.4, 1], adjust=z)
    other = hazard_ratio_windows(time, event, x, [0.4, 1], adjust=z)
    close(swapped.coefficients[:3], other.coefficients[3:], 1e-9)


@pytest.mark.parametrize("breaks", [[], [0, 5], [5, 5], [5, 2], [np.nan], "late"])
def test_breaks_out_of_order(breaks, gbsg2):
    with pytest.raises(EstimationError, match="ascending"):
        hazard_ratio_windows(gbsg2["time"], gbsg2["event"], gbsg2["hormone"], breaks)


def test_windows_that_nobody_reaches():
    with pytest.raises(EstimationError, match="nobody is at risk after 9"):
        hazard_ratio_windows([1, 9], [1, 0], [0, 1], 9)
    with pytest.raises(EstimationError, match=r"at risk in \(0, 2\]"):
        hazard_ratio_windows([5, 9, 8], [1, 0, 1], [0, 1, 1], 2, entry=[3, 2, 2])
    with pytest.raises(EstimationError, match="no events"):
        hazard_ratio_windows([5, 9], [0, 0], [0, 1], 2)
    with pytest.raises(InputError, match="a marker"):
        hazard_ratio_windows([5, 9], [1, 0], {"x": [0, 1]}, 2, adjust={"x": [0, 1]})


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_windows_of_a_common_model_add_up(seed):
    """Cutting rows changes neither the common model nor the sums."""
    rng = np.random.default_rng(seed)
    n = 60
    time = np.ceil(rng.exponential(size=n) * 20) + 1
    entry = np.floor(time * rng.random(n) * 0.5)
    event, x = rng.random(n) < 0.7, rng.normal(size=n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = hazard_ratio_windows(time, event, x, [5.5, 12], entry=entry)
    whole = cox(time, event, x, entry=entry)
    close(found.common_fit.coefficients, whole.coefficients, 1e-9)
    close(found.common_fit.log_likelihood, whole.log_likelihood, 1e-11)
    close(found.person_time.sum(), (time - entry).sum(), 1e-12)
    assert found.n_events.sum() == event.sum()
    assert found.equality_test.statistic >= -1e-8


# status histories and landmarks


def test_immortal_time_of_the_heart_study():
    draws, outcomes = heart()
    ever = outcomes["patient_id"].is_in(draws["patient_id"].implode()).cast(pl.Int64)
    x = outcomes.select(COVARIATES)
    wrong = cox(outcomes["exit_day"], outcomes["event_code"], x.with_columns(ever=ever))
    close(wrong.coefficients[1], VALUES["heart"]["ever"], 1e-9)
    rows = status_history(draws, outcomes, keep=COVARIATES, before_first=0).rows
    right = cox(
        rows["stop"], rows["event"], rows.select(*COVARIATES, "status"), entry=rows["start"]
    )
    close(right.coefficients[1], VALUES["heart"]["now"], 1e-7)
    assert round(float(wrong.coefficients[1]), 2) == -1.80
    assert abs(right.coefficients[1]) < 0.1


def test_history_gives_back_the_published_rows():
    draws, outcomes = heart()
    rows = status_history(draws, outcomes, before_first=0).rows
    expected = load_data("heart")
    assert rows["status"].to_list() == expected["transplant"].to_list()
    close(rows["start"], expected["start"])
    close(rows["stop"], expected["stop"])
    assert rows["event"].to_list() == expected["event"].to_list()


@pytest.mark.parametrize("at", [30, 60, 90])
def test_landmarks_of_the_heart_study(at):
    expected = VALUES[f"heart landmark {at}"]
    found = landmark(*heart(), at, keep=COVARIATES, before_first=0)
    f = found.frame
    assert [found.n, f["status"].sum()] == [*expected["n"], *expected["transplanted"]]
    fit = cox(f["time"], f["event"], f.select("status", *COVARIATES))
    close(fit.coefficients[0], expected["coef"], 1e-9)
    close(fit.standard_errors[0], expected["se"], 1e-9)
    close(log_rank(f["time"], f["event"], f["status"]).statistic, expected["chisq"], 1e-10)
    assert found.left_out["n"].sum() + found.n == found.n_patients == 103
    assert kaplan_meier(f["time"], f["event"], group=f["status"]).n == found.n


DRAWS = pl.DataFrame(
    {
        "patient_id": ["a", "a", "a", "b", "b", "c", "d", "e", "f"],
        "day": [-5, 30, 60, 0, 50, 10, 100, 0, 40],
        "status": ["neg", "pos", None, "pos", "neg", "neg", "pos", "pos", "pos"],
    }
)
OUTCOMES = pl.DataFrame(
    {
        "patient_id": ["f", "a", "b", "c", "d", "e", "g"],
        "entry_day": [0, 0, 0, 0, 0, 80, 0],
        "exit_day": [41, 90, 50, 60, 100, 200, 61],
        "event_code": [2, 1, 1, 0, 1, 1, 0],
    }
)


def test_rules_of_a_history():
    found = status_history(DRAWS, OUTCOMES)
    rows = found.rows.select("patient_id", "start", "stop", "event_code", "status").rows()
    assert rows == [
        ("a", 0, 30, 0, "neg"), ("a", 30, 90, 1, "pos"), ("b", 0, 50, 1, "pos"),
        ("c", 0, 10, 0, None), ("c", 10, 60, 0, "neg"), ("d", 0, 100, 1, None),
        ("e", 80, 200, 1, "pos"), ("f", 0, 40, 0, None), ("f", 40, 41, 2, "pos"),
        ("g", 0, 61, 0, None),
    ]  # fmt: skip
    assert found.counts == {
        "draws for the starting status": 3, "draws in follow-up": 3,
        "draws superseded before entry": 0, "draws on or after the last day": 2,
        "draws without a status": 1, "rows": 10, "rows with unknown status": 4,
        "events with unknown status": 1,
    }  # fmt: skip
    assert (found.n, found.events, found.known().height) == (7, 4, 6)


def test_a_status_grows_old():
    found = status_history(DRAWS, OUTCOMES, max_age_days=40)
    rows = found.rows.filter(pl.col("patient_id").is_in(["a", "b", "e"]))
    assert rows.select("patient_id", "start", "stop", "event", "status").rows() == [
        ("a", 0, 30, 0, "neg"), ("a", 30, 70, 0, "pos"), ("a", 70, 90, 1, None),
        ("b", 0, 40, 0, "pos"), ("b", 40, 50, 1, None), ("e", 80, 200, 1, None),
    ]  # fmt: skip
    assert rows["draw_day"].to_list() == [-5, 30, 30, 0, 0, 0]


def test_a_missing_status_makes_it_unknown():
    rows = status_history(DRAWS, OUTCOMES, missing="unknown").rows
    assert rows.filter(pl.col("patient_id") == "a").select("start", "stop", "status").rows() == [
        (0, 30, "neg"), (30, 60, "pos"), (60, 90, None)
    ]  # fmt: skip


def test_rules_of_a_landmark():
    found = landmark(DRAWS, OUTCOMES, 60)
    assert found.frame.select("patient_id", "status", "draw_day", "time", "event").rows() == [
        ("a", "pos", 30, 30, 1)
    ]
    reasons = dict(found.left_out.filter(pl.col("n") > 0).select("reason", "n").rows())
    assert reasons == {
        "event by the landmark": 1, "competing event by the landmark": 1,
        "follow-up ended by the landmark": 1, "no draw by the landmark": 2,
        "under observation only after the landmark": 1,
    }  # fmt: skip
    gone = landmark(DRAWS, OUTCOMES, 50).left_out.filter(reason="event by the landmark")
    assert gone["n"].to_list() == [1]


def test_landmark_options():
    assert landmark(DRAWS, OUTCOMES, 60, before_first="none").n == 3
    with pytest.raises(EstimationError, match=r"latest draw without a status \(1\)"):
        landmark(DRAWS, OUTCOMES, 60, missing="unknown")
    with pytest.raises(EstimationError, match=r"latest draw before the window \(1\)"):
        landmark(DRAWS, OUTCOMES, 60, window_days=29)
    assert landmark(DRAWS, OUTCOMES, 60, window_days=30).n == 1
    with pytest.raises(EstimationError, match="nobody of 7 patients is left at day 200"):
        landmark(DRAWS, OUTCOMES, 200)
    short = landmark(DRAWS, OUTCOMES, [20, 60], horizon_days=30)
    assert short.frame.select("landmark", "patient_id", "time", "event_code").rows() == [
        (20, "a", 30, 0), (20, "b", 30, 1), (20, "c", 30, 0), (60, "a", 30, 1)
    ]  # fmt: skip
    assert short.table().rows() == [
        (20, "neg", 2, 0, 0, 60), (20, "pos", 1, 1, 0, 30), (60, "pos", 1, 1, 0, 30)
    ]  # fmt: skip


@pytest.mark.parametrize("at", [[], -1, [30, 30], [np.nan], "soon", True])
def test_landmarks_that_are_no_days(at):
    with pytest.raises(EstimationError, match="0 or later"):
        landmark(DRAWS, OUTCOMES, at)


@pytest.mark.parametrize("build", [status_history, lambda d, o, **k: landmark(d, o, 5, **k)])
def test_all_faults_of_the_tables(build):
    twice = pl.concat([DRAWS, DRAWS.filter(pl.col("day") == 30)])
    with pytest.raises(InputError, match="a on day 30") as caught:
        build(twice, OUTCOMES.filter(pl.col("patient_id") != "f"))
    assert "found f;" in str(caught.value)
    bad = OUTCOMES.with_columns(
        exit_day=pl.Series([41, None, 50, 60, 0, 200, 61]),
        event_code=pl.Series([0, 1, -1, 0, 1, 1, 0]),
    )
    with pytest.raises(InputError, match=r"outcomes.exit_day.*missing"):
        build(DRAWS, bad)
    with pytest.raises(InputError) as caught:
        build(DRAWS, bad.with_columns(pl.col("exit_day").fill_null(5)))
    assert "exit at or before entry" in str(caught.value)
    assert "event_code" in str(caught.value)
    with pytest.raises(InputError, match="b") as caught:
        build(DRAWS.drop("day"), OUTCOMES.drop("exit_day"))
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="more than once: b"):
        build(DRAWS, pl.concat([OUTCOMES, OUTCOMES.filter(patient_id="b")]))
    with pytest.raises(InputError, match="names that the result does not use"):
        build(DRAWS, OUTCOMES.with_columns(start=1), keep=["start"])
    with pytest.raises(InputError, match="one type"):
        build(DRAWS, OUTCOMES.with_columns(patient_id=pl.Series(range(7))))


def test_unknown_patients_can_be_left_out():
    few = OUTCOMES.filter(pl.col("patient_id") != "f")
    assert status_history(DRAWS, few, unknown_patients="ignore").unknown_patients == ("f",)


@pytest.mark.parametrize("build", [status_history, lambda d, o, **k: landmark(d, o, 40, **k)])
def test_status_before_the_first_draw_is_of_their_type(build):
    with pytest.raises(EstimationError, match=r"before_first is 0; allowed.*String"):
        build(DRAWS, OUTCOMES, before_first=0)
    flags = DRAWS.with_columns(pl.col("status") == "pos")
    with pytest.raises(EstimationError, match=r"before_first is 'neg'; allowed.*Boolean"):
        build(flags, OUTCOMES, before_first="neg")
    frame = build(flags, OUTCOMES, before_first=False)
    assert frame.n > 0


def test_frames_of_pandas_are_accepted():
    pd = pytest.importorskip("pandas")
    draws, outcomes = (pd.DataFrame(t.to_dict(as_series=False)) for t in (DRAWS, OUTCOMES))
    assert status_history(draws, outcomes).rows.equals(status_history(DRAWS, OUTCOMES).rows)


def test_no_draws_at_all():
    rows = status_history(DRAWS.clear(), OUTCOMES, before_first="neg").rows
    assert rows["status"].to_list() == ["neg"] * 7


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 7.0, 30.0]))
def test_rows_of_a_history_are_the_follow_up(seed, max_age):
    """Rows tile each patient's time, and each has the status of a walk through the days."""
    rng = np.random.default_rng(seed)
    n = 8
    entry = rng.integers(0, 10, n)
    outcomes = pl.DataFrame(
        {"patient_id": range(n), "entry_day": entry, "exit_day": entry + rng.integers(1, 60, n),
         "event_code": rng.integers(0, 3, n)}
    )  # fmt: skip
    days = [(p, d) for p in range(n) for d in rng.permutation(70)[: rng.integers(0, 6)]]
    draws = pl.DataFrame(
        {"patient_id": [p for p, _ in days], "day": [int(d) for _, d in days],
         "status": rng.integers(0, 3, len(days))},
        schema={"patient_id": pl.Int64, "day": pl.Int64, "status": pl.Int64},
    )  # fmt: skip
    rows = status_history(draws, outcomes, max_age_days=max_age).rows
    known = {(p, d): s for p, d, s in draws.rows()}
    made: dict[int, list[tuple]] = {p: [] for p in range(n)}
    for row in rows.select("patient_id", "start", "stop", "event_code", "status").rows():
        made[row[0]].append(row[1:])
    for p, start, stop, code in outcomes.rows():
        mine = made[p]
        assert [r[0] for r in mine] == [start, *(r[1] for r in mine[:-1])]
        assert [r[2] for r in mine] == [0] * (len(mine) - 1) + [code]
        assert mine[-1][1] == stop
        for day in range(start + 1, stop + 1):
            before = [d for d in range(day) if (p, d) in known]
            fresh = before and (max_age is None or day - before[-1] <= max_age)
            here = [r[3] for r in mine if r[0] < day <= r[1]]
            assert here == [known[p, before[-1]] if fresh else None]
