"""Concordance, time-dependent AUC, Brier score and net reclassification against R."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import EstimationError, InputError
from ashworth.survival import (
    brier_score,
    compare_accuracy,
    compare_concordance,
    concordance,
    cox,
    cox_concordance,
    kaplan_meier,
    net_reclassification,
    time_dependent_auc,
    uno_concordance,
)
from ashworth.survival.prognostic_value.dominance import weight_below

from .conftest import FOLDER, close, load_cases, load_data
from .test_live_r import r_frame, r_numbers

VALUES = {v["id"]: v for v in json.loads((FOLDER / "discrimination.json").read_text())["values"]}
DATA = load_data("discrimination").with_columns(event=(pl.col("code") == 1).cast(int))
AT = [5.0, 12.0, 30.0]
PAIRS = [k for k in VALUES if k.startswith("concordance ")]


def column(name: str) -> np.ndarray:
    return DATA[name].to_numpy()


@pytest.mark.parametrize("case", PAIRS)
def test_concordance_equals_r(case):
    late, strata, weights, cluster, time_weight = case.split()[1:]
    found = concordance(
        DATA["time"], DATA["event"], DATA["first"],
        entry=DATA["entry"] if late == "1" else None,
        strata=DATA["stratum"] if strata == "1" else None,
        weights=DATA["weight"] if weights == "1" else None,
        cluster=DATA["cluster"] if cluster == "1" else None,
        until=30 if cluster == "1" else None, time_weight=time_weight,
    )  # fmt: skip
    expected = VALUES[case]
    close(found.concordance, expected["concordance"], 1e-12)
    close(found.covariance, [expected["var"]], 1e-12)
    # R counts ties of time after ymax when there is late entry; they are in no formula
    counted = 3 if late == "1" and cluster == "1" else 5
    close(found.counts[0, :counted], expected["count"][:counted], 1e-12)


def brute_force(time, event, score, entry, weights, kind):
    """Counts, C and its infinitesimal jackknife by loops over pairs, weights of times held."""
    n, alive = time.size, 1.0
    size, counts, share = {}, np.zeros(3), np.zeros((n, 3))
    for t in np.unique(time[event]):
        at_risk = weights[(entry < t) & (time >= t)].sum()
        size[t] = {"n": 1.0, "S": weights.sum() * alive / at_risk, "I": 1.0 / at_risk}[kind]
        alive *= 1.0 - weights[event & (time == t)].sum() / at_risk
    for i in np.flatnonzero(event):
        t = time[i]
        for j in np.flatnonzero((entry < t) & ((time > t) | ((time == t) & ~event))):
            k = 0 if score[i] > score[j] else 1 if score[i] < score[j] else 2
            counts[k] += size[t] * weights[i] * weights[j]
            share[i, k] += size[t] * weights[j]
            share[j, k] += size[t] * weights[i]
    somer = (counts[0] - counts[1]) / max(counts.sum(), 1e-300)
    influence = (
        weights * (share[:, 0] - share[:, 1] - somer * share.sum(1)) / max(counts.sum(), 1e-300) / 2
    )
    return counts, (somer + 1) / 2, influence


@pytest.mark.parametrize("kind", ["n", "S", "I"])
def test_late_entry_by_loops(kind):
    d = DATA.head(90)
    time, event, score, entry, weights = (
        d[c].to_numpy().astype(float) for c in ("time", "event", "first", "entry", "weight")
    )
    counts, c, influence = brute_force(time, event == 1, score, entry, weights, kind)
    found = concordance(time, event, score, entry=entry, weights=weights, time_weight=kind)
    close(found.counts[0, :3], counts, 1e-12)
    close(found.concordance, c, 1e-12)
    close(found.influence[:, 0], influence, 1e-9, 1e-14)


def test_cox_models_equal_r():
    g = load_data("gbsg2").with_columns(two=pl.col("grade") == 2, three=pl.col("grade") == 3)
    grade = cox(g["time"], g["event"], g.select("two", "three"))
    both = cox(g["time"], g["event"], g.select("two", "three", "hormone"))
    found, expected = cox_concordance(grade, both), VALUES["cox_concordance"]
    close(found.concordance, expected["concordance"], 1e-12)
    close(found.covariance.ravel(), expected["var"], 1e-11)
    close(found.counts.ravel(), expected["count"], 1e-12)
    change = compare_concordance(found, "model 1")
    one = np.array([-1.0, 1.0])
    variance = one @ np.reshape(expected["var"], (2, 2)) @ one
    close(change.difference, np.diff(expected["concordance"]), 1e-10)
    close(change.standard_errors, np.sqrt(variance), 1e-10)
    close(change.upper - change.lower, 2 * 1.959963984540054 * np.sqrt(variance), 1e-10)


def test_stratified_cox_models_with_late_entry_equal_r():
    options = {"entry": DATA["entry"], "strata": DATA["stratum"]}
    a = cox(DATA["time"], DATA["event"], DATA.select("first"), **options)
    b = cox(DATA["time"], DATA["event"], DATA.select("first", "second"), **options)
    found, expected = cox_concordance(a, b, names=["a", "b"]), VALUES["cox_concordance strata"]
    close(found.concordance, expected["concordance"], 1e-12)
    close(found.covariance.ravel(), expected["var"], 1e-11)


def uno_by_loops(time, event, score, weights, until, compared):
    cuts = np.unique(time[~event])

    def uncensored_before(t):
        value = 1.0
        for c in cuts[cuts < t]:
            gone = ~event & (time == c)
            value *= 1.0 - weights[gone].sum() / weights[(time > c) | gone].sum()
        return value

    above = below = 0.0
    for i in np.flatnonzero(event & (time <= until)):
        rest = (time > time[i]) | ((time == time[i]) & ~event if compared else False)
        pair = weights[i] * weights[rest] / uncensored_before(time[i]) ** 2
        above += pair @ ((score[i] > score[rest]) + 0.5 * (score[i] == score[rest]))
        below += pair.sum()
    return above / below


@pytest.mark.parametrize("rule", ["compared", "left_out"])
def test_uno_and_its_error_by_loops(rule):
    d = DATA.head(45)
    time, score = d["time"].to_numpy().astype(float), d["first"].to_numpy()
    event, one = d["event"].to_numpy() == 1, np.ones(45)
    found = uno_concordance(time, event, score, until=25, censored_at_event=rule)
    assert (np.isin(time[~event], time[event])).any()
    close(found.concordance, uno_by_loops(time, event, score, one, 25, rule == "compared"), 1e-12)
    for k in range(0, 45, 7):
        step = 1e-5 * (np.arange(45) == k)
        up, down = (
            uno_by_loops(time, event, score, one + s, 25, rule == "compared") for s in (step, -step)
        )
        close(found.influence[k], (up - down) / 2e-5, 1e-5, 1e-9)


def test_uno_is_r_with_n_over_g2():
    found = uno_concordance(DATA["time"], DATA["event"], DATA["first"], until=30)
    held = concordance(
        DATA["time"], DATA["event"], DATA["first"], until=30, time_weight="n/G2"
    )  # equal to R by the test above
    close(found.concordance, held.concordance, 1e-12)
    assert 0 < abs(found.standard_errors[0] / held.standard_errors[0] - 1) < 0.1


@pytest.mark.parametrize("kind", ["event", "code"])
def test_auc_equals_score(kind):
    expected = VALUES[f"score {kind}"]
    found = time_dependent_auc(
        DATA["time"], DATA[kind], {"A": DATA["risk_a"], "B": DATA["risk_b"]}, AT
    )
    close(found.auc.ravel(), expected["auc"], 1e-12)
    close(found.standard_errors.ravel(), expected["auc_se"], 1e-12)
    close(found.lower.ravel(), expected["auc_lower"], 1e-11)
    close(found.upper.ravel(), expected["auc_upper"], 1e-11)
    change = compare_accuracy(found)
    close(change.difference[0], expected["auc_difference"], 1e-11)
    close(change.standard_errors[0], expected["auc_difference_se"], 1e-11)
    close(change.p_values[0], expected["auc_difference_p"], 1e-9)


def test_auc_against_those_free_of_every_event():
    found = time_dependent_auc(
        DATA["time"], DATA["code"], DATA["risk_a"], AT, controls="event_free"
    )
    close(found.auc[0], VALUES["auc event_free"]["auc"], 1e-12)


@pytest.mark.parametrize("kind", ["event", "code"])
def test_brier_equals_score(kind):
    expected = VALUES[f"score {kind}"]
    risk = {m: np.tile(column(f"risk_{m}"), (3, 1)).T for m in ("a", "b")}
    found = brier_score(DATA["time"], DATA[kind], risk, AT, integration="step")
    close(found.null_score, expected["null"], 1e-12)
    close(found.score.ravel(), expected["brier"], 1e-12)
    close(found.standard_errors.ravel(), expected["brier_se"], 1e-12)
    close(found.lower.ravel(), expected["brier_lower"], 1e-11)
    close(found.upper.ravel(), expected["brier_upper"], 1e-11)
    close(found.scaled.ravel(), expected["ipa"], 1e-11)
    close(found.integrated, expected["ibs"], 1e-12)
    close(found.integrated_null, expected["ibs_null"], 1e-12)
    change = compare_accuracy(found, "a")
    close(change.difference[0], expected["brier_difference"], 1e-11)
    close(change.standard_errors[0], expected["brier_difference_se"], 1e-11)
    close(change.p_values[0], expected["brier_difference_p"], 1e-9)


def test_brier_equals_pec():
    risk = {m: np.tile(column(f"risk_{m}"), (3, 1)).T for m in ("a", "b")}
    found = brier_score(DATA["time"], DATA["event"], risk, AT, integration="step")
    close(found.score.ravel(), VALUES["pec"]["brier"], 1e-12)
    close(found.null_score, VALUES["pec"]["null"], 1e-12)
    close([found.integrated_null, *found.integrated], VALUES["pec"]["ibs"], 1e-12)


def accuracy_by_loops(time, code, risk, weights, t):
    """AUC, Brier score and scaled Brier score of weighted rows."""
    cuts = np.unique(time[code == 0])
    steps = []
    for c in cuts:
        gone = (code == 0) & (time == c)
        steps.append(1.0 - weights[gone].sum() / weights[(time > c) | gone].sum())
    before = np.array(
        [np.prod([s for c, s in zip(cuts, steps, strict=True) if c < u]) for u in time]
    )
    upto = np.prod([s for c, s in zip(cuts, steps, strict=True) if c <= t])
    later, known = time > t, (time <= t) & (code > 0)
    w = weights * np.where(known, 1 / before, later / upto)
    y = known & (code == 1)
    a, b = w[y], w[~y]
    pairs = (risk[y][:, None] > risk[~y]) + 0.5 * (risk[y][:, None] == risk[~y])
    brier, f = (w @ (y - risk) ** 2) / weights.sum(), (w @ y) / weights.sum()
    return np.array([a @ pairs @ b / a.sum() / b.sum(), brier, 1 - brier / (f * (1 - f))])


def test_jackknife_errors_are_derivatives():
    time, code, risk = (v[:60] for v in (column("time") * 1.0, column("code"), column("risk_a")))
    one, t = np.ones(60), 12.0
    options = {"weight_errors": "jackknife"}
    auc = time_dependent_auc(time, code, risk, t, **options)
    brier = brier_score(time, code, risk, t, **options)
    slopes = np.empty((60, 3))
    for k in range(60):
        step = 1e-5 * (np.arange(60) == k)
        up, down = (accuracy_by_loops(time, code, risk, one + s, t) for s in (step, -step))
        slopes[k] = (up - down) / 2e-5
    close(auc.influence[:, 0, 0], slopes[:, 0], 1e-5, 1e-9)
    close(brier.influence[:, 0, 0], slopes[:, 1], 1e-5, 1e-9)
    expected = np.sqrt((slopes**2).sum(axis=0) * 60 / 59)
    close(auc.standard_errors[0], expected[0], 1e-7)
    close(brier.standard_errors[0], expected[1], 1e-7)
    close(brier.scaled_standard_errors[0], expected[2], 1e-7)


def test_net_reclassification_equals_its_formula_in_r():
    arguments = (DATA["time"], DATA["event"], DATA["risk_a"], DATA["risk_b"], 20)
    found = net_reclassification(*arguments, cuts=[0.3, 0.6], replicates=200, seed=1)
    close(found.table()["estimate"], VALUES["nri"]["categories"], 1e-12)
    assert (found.lower <= found.table()["estimate"].to_numpy()).all()
    assert (found.upper >= found.table()["estimate"].to_numpy()).all()
    assert found.moved.sum() == found.n
    assert found.caveat.startswith("Net reclassification is no proper measure")
    assert set(found.table()["caveat"]) == {found.caveat}
    again = net_reclassification(*arguments, cuts=[0.3, 0.6], replicates=200, seed=1)
    close(again.lower, found.lower, 0, 0)
    anything = net_reclassification(*arguments, replicates=0)
    close(anything.table()["estimate"], VALUES["nri"]["continuous"], 1e-12)
    assert np.isnan(anything.lower).all()


def test_bootstrap_weights_are_repeated_rows():
    """The Kaplan-Meier with weights in the bootstrap is that of the repeated rows."""
    d = DATA.head(80)
    weights = np.random.default_rng(2).integers(0, 4, 80)
    rows = np.repeat(np.arange(80), weights)
    from ashworth.survival.prognostic_value.reclassification import _Moves, _survival

    order = np.argsort(d["time"].to_numpy(), kind="stable")
    none = np.zeros(80, dtype=bool)
    moves = _Moves(d["time"].to_numpy()[order], d["event"].to_numpy()[order] == 1, none, none, 15,
                   False)  # fmt: skip
    found = _survival(moves, weights[order][None, :].astype(float))
    curve = kaplan_meier(d["time"].to_numpy()[rows], d["event"].to_numpy()[rows])["all"]
    close(found, curve.survival_at(15).survival, 1e-12)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_weights_below_are_sums(data):
    n = data.draw(st.integers(1, 40))
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    rank, weight = rng.integers(0, data.draw(st.integers(1, 9)), n), rng.integers(0, 5, n) * 1.0
    low = rng.integers(0, n + 1, 12)
    high, bound = np.array([rng.integers(v, n + 1) for v in low]), rng.integers(0, 12, 12)
    expected = [weight[a:b][rank[a:b] < c].sum() for a, b, c in zip(low, high, bound, strict=True)]
    close(weight_below(rank, weight, low, high, bound), expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_counts_are_those_of_loops_within_strata(seed):
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 9, 40) * 1.0, rng.random(40) < 0.6
    entry, score = np.floor(time * rng.random(40)), rng.integers(0, 5, 40) * 1.0
    weights, strata = rng.integers(0, 3, 40) * 1.0, rng.integers(0, 3, 40)
    kept = weights > 0
    parts = [
        brute_force(*(v[kept & (strata == s)] for v in (time, event, score, entry, weights)), "n")[
            0
        ]
        for s in range(3)
        if (event & (strata == s) & kept).any()
    ]
    expected = np.sum(parts, axis=0)
    if not parts or expected.sum() == 0:
        return
    found = concordance(time, event, score, entry=entry, strata=strata, weights=weights)
    close(found.counts[0, :3], expected, 1e-12)
    pooled = concordance(time, event, score, entry=entry, strata=strata, weights=weights,
                         cluster=np.arange(40))  # fmt: skip
    close(pooled.covariance, found.covariance, 1e-12, 1e-16)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["n", "S", "S/G", "n/G2", "I"]))
def test_concordance_falls_with_the_sign_and_not_with_the_scale(seed, kind):
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 20, 40), rng.integers(0, 2, 40)
    event[np.argmin(time)] = 1
    score = rng.integers(0, 6, 40)
    c = concordance(time, event, score, time_weight=kind)
    assert 0 <= c.lower[0] <= c.concordance[0] <= c.upper[0] <= 1
    turned = concordance(time, event, score, time_weight=kind, high_score="late")
    close(turned.concordance, 1 - c.concordance, 1e-12)
    close(turned.covariance, c.covariance, 1e-9, 1e-15)
    close(concordance(time, event, np.exp(score), time_weight=kind).concordance, c.concordance)


def test_a_score_that_orders_everything_and_one_that_says_nothing():
    found = concordance([1, 2, 3, 4], [1, 1, 1, 0], {"best": [4, 3, 2, 1], "flat": [1, 1, 1, 1]})
    close(found.concordance, [1.0, 0.5])
    close(found.standard_errors, [0.0, 0.0])
    change = compare_concordance(found)
    assert np.isnan(change.p_values[0]) == (change.standard_errors[0] == 0)


def test_equal_covariates_stay_tied():
    rng = np.random.default_rng(3)
    x = np.repeat(rng.normal(size=(37, 3)), 5, axis=0)
    time, event = rng.exponential(size=185), rng.random(185) < 0.7
    fit = cox(time, event, x)
    from ashworth.survival.prognostic_value.model_concordance import linear_predictor

    assert np.unique(linear_predictor(fit)).size == 37


def test_bad_input_all_at_once():
    with pytest.raises(InputError) as caught:
        concordance([1, 2, np.nan], [1, 0, 2], [1.0, np.nan, 3.0])
    assert {p.column for p in caught.value.problems} >= {"time", "event", "x1"}
    with pytest.raises(InputError, match="values that are no codes"):
        time_dependent_auc([1, 2, 3], [1, 0.5, 0], [1, 2, 3], 2)
    with pytest.raises(InputError) as caught:
        brier_score([1, 2, 3], [1, 0, 1], {"a": [0.1, 1.2, 0.3]}, [2, 1])
    assert {p.column for p in caught.value.problems} == {"times", "a"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: concordance([1, 2], [0, 0], [1, 2]), "no comparable pairs"),
        (lambda: concordance([1, 2], [1, 1], [1, 2], strata=[0, 1]), "no comparable pairs"),
        (lambda: concordance([1, 2], [1, 1], [1, 2], entry=[0, 1]), "no comparable pairs"),
        (lambda: uno_concordance([1, 2, 2], [0, 1, 1], [1, 2, 3]), "no comparable pairs"),
        (lambda: concordance([1, 2], [1, 1], [1, 2], time_weight="KM"), "allowed: n, S"),
        (
            lambda: concordance([2, 3], [1, 1], [1, 2], entry=[0, 1], time_weight="S/G"),
            "allowed with entry",
        ),
        (lambda: time_dependent_auc([1, 2, 3], [1, 0, 1], [1, 2, 3], [0.5, 2, 3]), "at 0.5: 0"),
        (lambda: brier_score([1, 2, 3], [1, 0, 1], [0.1, 0.2, 0.3], 3), "0 still followed"),
        (
            lambda: net_reclassification([1, 2, 3], [0, 0, 1], [0.1] * 3, [0.2] * 3, 2),
            "0 events by 2",
        ),
        (
            lambda: net_reclassification([1, 1, 9, 9], [1, 0, 0, 0], [0.1] * 4,
                                         [0.1, 0.2, 0.1, 0.1], 5),
            "ipcw",
        ),
        (lambda: compare_concordance(concordance([1, 2], [1, 1], [1, 2])), "one score only"),
        (
            lambda: cox_concordance(
                cox([1, 2, 3], [1, 1, 1], [1, 3, 2]), cox([1, 2, 4], [1, 1, 1], [1, 3, 2])
            ),
            "stands on other rows",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_estimated(call, message):
    with pytest.raises(EstimationError, match=message):
        call()


def test_auc_falls_with_the_sign_of_the_marker():
    up = time_dependent_auc(DATA["time"], DATA["code"], DATA["first"], AT)
    down = time_dependent_auc(DATA["time"], DATA["code"], -DATA["first"], AT)
    close(down.auc, 1 - up.auc, 1e-12)
    close(down.standard_errors, up.standard_errors, 1e-10)


def test_nobody_censored_is_the_plain_proportion():
    time, event = np.arange(1, 41), np.ones(40, dtype=int)
    risk = np.random.default_rng(5).random(40)
    found = brier_score(time, event, risk, 20)
    close(found.score[0], np.mean(((time <= 20) - risk) ** 2))
    close(found.null_score, 0.25)
    auc = time_dependent_auc(time, event, risk, 20)
    above = (risk[:20, None] > risk[20:]).mean()
    close(auc.auc[0], above)


def test_tables_say_what_they_stand_on():
    found = concordance(DATA["time"], DATA["event"], DATA.select("first", "second"))
    assert found.table()["score"].to_list() == ["first", "second"]
    assert found.table()["events"].to_list() == [found.events] * 2
    auc = time_dependent_auc(DATA["time"], DATA["code"], DATA["risk_a"], AT)
    table = auc.table()
    assert (table["cases"] + table["controls"] + table["censored"]).to_list() == [auc.n] * 3
    brier = brier_score(DATA["time"], DATA["code"], np.tile(column("risk_a"), (3, 1)).T, AT)
    assert brier.table()["model"].to_list() == ["no model"] * 3 + ["model"] * 3
    assert compare_concordance(found).table().height == 1


@pytest.mark.r
def test_pbc_reclassified_as_by_nricens():
    """Case nri_survival: nricens reads the baseline hazard between event times by a line."""
    d = r_frame(
        "{d <- pbc[1:312, ]; d$st <- 1 * (d$status == 2); "
        "risk <- function(f) {m <- coxph(f, d); b <- basehaz(m); "
        "1 - exp(-approx(b$time, b$hazard, 2000)$y * exp(m$linear.predictors))}; "
        "data.frame(time = d$time, st = d$st, a = risk(Surv(time, st) ~ age + bili + albumin), "
        "b = risk(Surv(time, st) ~ age + bili + albumin + protime))}"
    )
    expected = load_cases()["nri_survival"]
    assert d.height == expected["n"]
    arguments = (d["time"], d["st"], d["a"], d["b"], 2000)
    found = net_reclassification(*arguments, cuts=[0.2, 0.4], replicates=0)
    close(found.table()["estimate"], list(expected["nri_km_categories"].values()), 1e-8)
    weighted = net_reclassification(
        *arguments, estimator="ipcw", censoring_ties="together", replicates=0
    )
    close(weighted.table()["estimate"], list(expected["continuous_ipw"].values()), 1e-8)
    left = net_reclassification(*arguments, estimator="ipcw", replicates=0)
    close(left.table()["estimate"], list(expected["continuous_ipw"].values()), 2e-3)


@pytest.mark.r
def test_nodes_in_rotterdam():
    d = r_frame("rotterdam").with_columns(
        small=(pl.col("size") == "20-50"), large=(pl.col("size") == ">50"),
        grade3=(pl.col("grade") == 3), log_nodes=(pl.col("nodes") + 1).log(),
    )  # fmt: skip
    names = ["age", "meno", "small", "large", "grade3", "hormon", "chemo"]
    a = cox(d["dtime"], d["death"], d.select(names))
    b = cox(d["dtime"], d["death"], d.select([*names, "log_nodes"]))
    found = cox_concordance(a, b)
    change = compare_concordance(found)
    fits = (
        "{a <- coxph(Surv(dtime, death) ~ age + meno + size + factor(grade) + hormon + chemo, "
        "rotterdam, control = ctl); b <- update(a, . ~ . + log1p(nodes)); "
        "m <- concordance(a, b); c(m$concordance, m$var, m$count)}"
    )
    close(
        [*found.concordance, *found.covariance.ravel(), *found.counts.T.ravel()],
        r_numbers(fits), 1e-12,
    )  # fmt: skip
    # The stored case has one of its 2.6 million pairs untied by rounding of equal predictors
    # (model a): half a pair is 1.9e-7 in C. Equal covariates stay tied here, as in R above.
    expected = load_cases()["cox_prognostic_value_added_LR"]
    close(found.concordance[1], expected["C"][1], 1e-8)
    close(found.concordance[0], expected["C"][0] - 0.5 / found.counts[0, :3].sum(), 1e-12)
    close(found.covariance[1, 1], expected["C_var"]["by_row"][1][1], 1e-8)
    close(found.covariance, expected["C_var"]["by_row"], 1e-5)
    close(change.difference, expected["C_diff"], 1e-5)
    close(change.standard_errors, expected["C_diff_se"], 1e-5)


@pytest.mark.parametrize("kind", ["n", "S", "S/G", "n/G2", "I"])
def test_a_stratum_with_one_event_keeps_its_time_weight(kind):
    rng = np.random.default_rng(4)
    stratum = np.repeat([0, 1, 2], [30, 8, 5])
    time, score = rng.integers(1, 12, 43).astype(float), rng.normal(size=43)
    event = rng.random(43) < 0.6
    event[stratum > 0] = False
    event[[32, 40]] = True
    time[[32, 40]] = 3.0
    time[30:32] = 2.0
    whole = concordance(time, event, score, strata=stratum, time_weight=kind)
    parts = [
        concordance(time[m], event[m], score[m], time_weight=kind).counts
        for m in (stratum == s for s in range(3))
    ]
    close(whole.counts, np.sum(parts, axis=0), rtol=1e-10, atol=1e-10)
    if kind == "I":
        at_risk = int(((stratum == 1) & (time >= 3.0)).sum())
        close(parts[1].sum(), (at_risk - 1) / at_risk, rtol=1e-10)
