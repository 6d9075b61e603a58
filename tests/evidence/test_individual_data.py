"""Pooled patient data against R's coxph and metafor, and what happens to poor centres."""

from __future__ import annotations

import shutil
import subprocess
import warnings

import numpy as np
import polars as pl
import pytest

from ashworth.errors import EstimationError, InputError
from ashworth.evidence import (
    NarrowIntervalWarning,
    interaction_within_and_across,
    leave_one_centre_out,
    one_stage,
    two_stage,
)
from ashworth.survival import cox, firth_cox, frailty_cox

from .conftest import close, load, load_cases, load_data

VALUES = load("individual_data")
CENTRES = load_data("centres").with_columns(g3=(pl.col("grade") == 3).cast(pl.Int64))
USABLE = CENTRES.filter(pl.col("centre").is_in(list("ABCDEF")))
TERMS = ["marker", "age", "g3"]
EVERY = [(late, ties) for late in ("plain", "late") for ties in ("efron", "breslow")]
every_clock = pytest.mark.parametrize(("late", "ties"), EVERY)
METAFOR = {"knha": "hksj", "adhoc": "hksj_conservative", "z": "normal"}


def outcome(data, late="plain"):
    return data["time"], data["event"], data["entry"] if late == "late" else None


def fit(estimator, data, late="plain", **options):
    time, event, entry = outcome(data, late)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NarrowIntervalWarning)
        return estimator(time, event, data.select(TERMS), data["centre"], entry=entry, **options)


@every_clock
def test_one_stage_equals_r(late, ties):
    found = fit(one_stage, CENTRES, late, ties=ties)
    want = VALUES[f"one stage {late} {ties}"]
    close(found.coefficients, want["coef"], 1e-8)
    close(found.standard_errors, want["se"], 1e-8)
    close([found.model.log_likelihood_null, found.model.log_likelihood], want["loglik"], 1e-10)
    test = fit(one_stage, USABLE, late, ties=ties).heterogeneity_test
    close(test.statistic, VALUES[f"heterogeneity {late} {ties}"]["statistic"], 1e-8)
    assert test.df == 15


@every_clock
@pytest.mark.parametrize("method", ["REML", "DL"])
@pytest.mark.parametrize("test", METAFOR)
def test_two_stage_equals_coxph_and_metafor(late, ties, method, test):
    found = fit(two_stage, CENTRES, late, ties=ties, method=method, test=METAFOR[test])
    want = VALUES[f"two stages {late} {ties} {method} {test}"]
    marker = found.pooled["marker"]
    close([marker.estimate, marker.standard_error], [*want["estimate"], *want["se"]], 1e-8)
    close([marker.lower, marker.upper], [*want["lower"], *want["upper"]], 1e-8)
    close([marker.tau2, marker.p_value], [*want["tau2"], *want["p"]], 1e-7)
    own = found.centre_table().filter(pl.col("term") == "marker", pl.col("used"))
    close(own["coefficient"], VALUES[f"centres {late} {ties}"]["coef"][:6], 1e-8)
    close(own["standard_error"], VALUES[f"centres {late} {ties}"]["se"][:6], 1e-8)


def test_the_centres_differ_in_the_reference():
    assert VALUES["two stages plain efron REML knha"]["tau2"][0] > 0.05


def test_poor_centres_are_left_out_for_named_reasons():
    found = fit(two_stage, CENTRES)
    left = found.left_out()
    reasons = {
        row["centre"]: row["reason"] for row in left.filter(pl.col("term") == "marker").to_dicts()
    }
    assert set(reasons) == {"none", "one", "rare", "tiny"}
    assert reasons["none"] == "no events"
    assert reasons["one"] == "one value of the covariate only (1)"
    assert "monotone" in reasons["rare"]
    assert reasons["tiny"] == "one value of the covariate only (0)"
    row = found.table().row(0, named=True)
    assert (row["k"], row["n"], row["events"]) == (6, USABLE.height, USABLE["event"].sum())
    assert (found.n, found.events) == (CENTRES.height, CENTRES["event"].sum())
    assert "one" not in left.filter(pl.col("term") == "age")["centre"].to_list()
    many = fit(two_stage, CENTRES, min_events=45).left_out()
    words = many.filter(pl.col("term") == "marker", pl.col("reason").str.contains("fewer than 45"))
    assert words.height == 2


@every_clock
def test_leave_one_centre_out_equals_metafor_and_coxph(late, ties):
    found = fit(leave_one_centre_out, USABLE, late, ties=ties, test="hksj_conservative")
    want = VALUES[f"left out, two stages {late} {ties}"]
    for column, name in (("coefficients", "estimate"), ("standard_errors", "se"),
                         ("lower", "lower"), ("upper", "upper"), ("tau2", "tau2"),
                         ("i2_percent", "i2")):  # fmt: skip
        close(getattr(found, column), want[name], 1e-7, 1e-9)
    single = fit(leave_one_centre_out, USABLE, late, ties=ties, stages="one")
    want = VALUES[f"left out, one stage {late} {ties}"]
    close(single.coefficients, want["estimate"], 1e-8)
    close(single.standard_errors, want["se"], 1e-8)


def test_leaving_out_a_centre_without_an_estimate_says_so():
    found = fit(leave_one_centre_out, CENTRES)
    rows = {r["left_out"]: r for r in found.table().to_dicts()}
    assert rows["none"]["reason"] == "had no estimate: no events"
    assert rows["none"]["coefficient"] == found.all_centres["coefficient"]
    assert rows["A"]["reason"] in ("", "narrower than fixed effect")
    age = fit(leave_one_centre_out, USABLE, term="age")
    assert age.term == "age"


@every_clock
def test_interaction_equals_coxph(late, ties):
    time, event, entry = outcome(CENTRES, late)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NarrowIntervalWarning)
        found = interaction_within_and_across(
            time, event, CENTRES["marker"], CENTRES["age"], CENTRES["centre"],
            adjust={"g3": CENTRES["g3"]}, entry=entry, ties=ties,
        )  # fmt: skip
    want = VALUES[f"interaction {late} {ties}"]
    mine = [found.within.coefficient, found.across.coefficient]
    close(mine, want["coef"][-2:], 1e-7)
    close([found.within.standard_error, found.across.standard_error], want["se"][-2:], 1e-7)
    close(found.model.coefficients[:3], want["coef"][:3], 1e-7)
    close(found.ecological_bias_test.statistic, want["wald"], 1e-6)
    mixed = VALUES[f"amalgamated {late} {ties}"]
    close(found.amalgamated.coefficient, mixed["coef"][-1], 1e-7)
    close(found.amalgamated.standard_error, mixed["se"][-1], 1e-7)
    two, want = found.within_two_stage, VALUES[f"interaction, two stages {late} {ties}"]
    close([two.coefficient, two.standard_error], [*want["estimate"], *want["se"]], 1e-6, 1e-9)
    close([two.lower, two.upper, two.p_value],
          [*want["lower"], *want["upper"], *want["p"]], 1e-6, 1e-9)  # fmt: skip
    assert two.k == 6


@every_clock
def test_interaction_with_the_covariates_own_effects_equals_coxph(late, ties):
    time, event, entry = outcome(USABLE, late)
    found = interaction_within_and_across(
        time, event, USABLE["marker"], USABLE["age"], USABLE["centre"],
        adjust={"g3": USABLE["g3"]}, entry=entry, ties=ties, covariate_effect="by_centre",
        test="hksj_conservative",
    )  # fmt: skip
    want = VALUES[f"interaction, own covariate effects {late} {ties}"]
    close([found.within.coefficient, found.across.coefficient], want["coef"], 1e-6)
    close([found.within.standard_error, found.across.standard_error], want["se"], 1e-6)


def test_a_difference_between_centres_only_is_not_an_interaction_of_patients():
    """Old centres have a strong marker; within a centre age does not matter."""
    rng = np.random.default_rng(5)
    n = 6000
    centre = rng.integers(0, 12, n)
    mean = np.linspace(-1.5, 1.5, 12)[centre]
    age, marker = mean + rng.normal(size=n), rng.integers(0, 2, n)
    time = rng.exponential(size=n) * np.exp(-marker * (0.5 + 0.6 * mean))
    found = interaction_within_and_across(
        time, np.ones(n), marker, age, centre, test="hksj_conservative"
    )
    assert abs(found.within.coefficient) < 3 * found.within.standard_error
    assert abs(found.across.coefficient - 0.6) < 3 * found.across.standard_error
    assert found.amalgamated.p_value < 1e-6, "the usual product term mistakes it for one"
    assert found.ecological_bias_test.p_value < 1e-6


def test_a_centre_with_fewer_events_than_covariates_is_left_out():
    few = USABLE.filter((pl.col("centre") != "D") | (pl.int_range(pl.len()).over("centre") < 4))
    rng = np.random.default_rng(1)
    x = {f"x{i}": rng.normal(size=few.height) for i in range(5)}
    time, event, _ = outcome(few)
    found = two_stage(time, event, x, few["centre"], test="hksj_conservative")
    reasons = found.left_out().filter(pl.col("centre") == "D")["reason"].unique().to_list()
    assert all("for 5 covariates" in r or "infinite" in r or "collinear" in r for r in reasons)
    assert len(reasons) >= 1
    assert found.table()["k"].to_list() == [5] * 5


def test_frailty_stands_beside_the_stratified_model():
    time, event, _ = outcome(USABLE)
    found = fit(one_stage, USABLE, frailty="gamma")
    alone = frailty_cox(time, event, USABLE.select(TERMS), USABLE["centre"])
    assert found.frailty is not None
    close(found.frailty.coefficients, alone.coefficients, 1e-9)
    close(found.coefficients, fit(one_stage, USABLE).coefficients, 1e-14)
    assert fit(one_stage, USABLE).frailty is None


def test_firth_keeps_a_centre_whose_coefficient_is_infinite():
    found = fit(two_stage, CENTRES, penalty="firth")
    left = found.left_out().filter(pl.col("term") == "marker")
    assert set(left["centre"]) == {"none", "one", "tiny"}
    rare = CENTRES.filter(pl.col("centre") == "rare")
    own = firth_cox(rare["time"], rare["event"], rare.select(TERMS))
    (mine,) = [f for f in found.centres if f.centre == "rare"]
    close(mine.coefficients, own.coefficients, 1e-9)
    assert 0 < found.pooled["marker"].weights_percent.min() < 5


def test_two_equal_centres_give_their_common_effect():
    both = pl.concat([USABLE.filter(pl.col("centre") == "A")] * 2)
    half = both.height // 2
    data = both.with_columns(centre=pl.Series(["x"] * half + ["y"] * half))
    one = cox(data["time"][:half], data["event"][:half], data.select(TERMS)[:half])
    found = fit(two_stage, data, test="normal")
    close([found.pooled[t].estimate for t in TERMS], one.coefficients, 1e-9)
    close(fit(one_stage, data).coefficients, one.coefficients, 1e-9)
    close(fit(one_stage, data).heterogeneity_test.statistic, 0.0, 1e-9, 1e-7)


def test_centres_without_information_change_nothing():
    poor = CENTRES.filter(~pl.col("centre").is_in(["one", "rare", "tiny"]))
    all_, good = fit(one_stage, poor), fit(one_stage, USABLE)
    close(all_.coefficients, good.coefficients, 1e-10)
    assert all_.centre_table().filter(~pl.col("informative"))["centre"].to_list() == ["none"]


@pytest.mark.parametrize("estimator", [one_stage, two_stage, leave_one_centre_out])
def test_bad_input(estimator):
    time, event, _ = outcome(CENTRES)
    with pytest.raises(EstimationError, match="one centre only"):
        estimator(time, event, CENTRES.select(TERMS), ["A"] * CENTRES.height)
    with pytest.raises(EstimationError, match="no events"):
        estimator(time, [0] * CENTRES.height, CENTRES.select(TERMS), CENTRES["centre"])
    broken = CENTRES.with_columns(
        marker=pl.when(pl.int_range(pl.len()) < 2).then(None).otherwise(pl.col("marker")),
        centre=pl.when(pl.int_range(pl.len()) < 1).then(None).otherwise(pl.col("centre")),
        time=pl.when(pl.int_range(pl.len()) == 3).then(-5).otherwise(pl.col("time")),
    )
    with pytest.raises(InputError) as caught:
        fit(estimator, broken)
    assert {p.column for p in caught.value.problems} >= {"marker", "centre", "time"}


def test_nothing_to_pool_is_an_error():
    poor = CENTRES.filter(pl.col("centre").is_in(["none", "one", "A"]))
    with pytest.raises(EstimationError, match="1 of 3 centres have an estimate"):
        two_stage(*outcome(poor)[:2], {"marker": poor["marker"]}, poor["centre"])
    with pytest.raises(EstimationError, match="2 centres; three are needed"):
        fit(leave_one_centre_out, USABLE.filter(pl.col("centre").is_in(["A", "B"])))
    with pytest.raises(EstimationError, match="allowed: marker, age, g3"):
        fit(leave_one_centre_out, USABLE, term="ki67")
    with pytest.raises(EstimationError, match="min_events"):
        fit(two_stage, USABLE, min_events=0)


def test_an_interaction_needs_patients_that_differ_within_a_centre():
    centre = USABLE["centre"].to_list()
    constant = [float(ord(c)) for c in centre]
    with pytest.raises(EstimationError, match="covariate has one value only in every centre"):
        interaction_within_and_across(*outcome(USABLE)[:2], USABLE["marker"], constant, centre)
    with pytest.raises(EstimationError, match="adjust repeats marker"):
        interaction_within_and_across(
            *outcome(USABLE)[:2], USABLE["marker"], USABLE["age"], centre,
            adjust={"marker": USABLE["g3"]},
        )  # fmt: skip


@pytest.mark.r
def test_rotterdam_and_gbsg():
    """Case ipd_two_cohorts_rotterdam_gbsg, on R's own data."""
    code = """suppressMessages(library(survival)); r <- subset(rotterdam, nodes > 0)
    a <- data.frame(study = "rot", t = with(r, ifelse(recur == 1, rtime, dtime)),
      e = pmax(r$recur, r$death), hormon = r$hormon, age = r$age, nodes = r$nodes, pgr = r$pgr)
    b <- with(gbsg, data.frame(study = "gbsg", t = rfstime, e = status, hormon = hormon,
      age = age, nodes = nodes, pgr = pgr))
    write.csv(rbind(a, b), row.names = FALSE)"""
    program = shutil.which("Rscript")
    assert program is not None
    done = subprocess.run([program, "-e", code], capture_output=True, check=True)
    d = pl.read_csv(done.stdout).with_columns(
        nodes=pl.col("nodes").log(), pgr=(pl.col("pgr") + 1).log()
    )
    want = load_cases()["ipd_two_cohorts_rotterdam_gbsg"]
    terms = d.select("hormon", "age", "nodes", "pgr")
    found = one_stage(d["t"], d["e"], terms, d["study"])
    close(found.coefficients, want["stratified"]["coef"], 1e-8)
    close(found.standard_errors, want["stratified"]["se"], 1e-7)
    close([found.model.log_likelihood_null, found.model.log_likelihood],
          want["stratified"]["loglik"])  # fmt: skip
    close(found.heterogeneity_test.statistic, want["LR_study_interaction"], 1e-8)
    assert (found.events, found.heterogeneity_test.df) == (want["events"], want["df"])
    for centre in two_stage(
        d["t"], d["e"], terms, d["study"], test="normal", prediction="normal"
    ).centres:
        own = want["per_study"][centre.centre]
        close(centre.coefficients, own["coef"], 1e-7)
        close(centre.standard_errors, own["se"], 1e-7)
        assert centre.n == want["n"][centre.centre]
