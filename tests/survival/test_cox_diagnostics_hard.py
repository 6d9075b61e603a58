"""Cox diagnostics: properties, extreme predictors, bad input, live R."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import (
    EstimationError,
    FewEventsWarning,
    InputError,
    MonotoneLikelihoodWarning,
    NotEstimableWarning,
)
from ashworth.survival import (
    baseline_hazard,
    cox,
    cox_residuals,
    predict_survival,
    proportional_hazards_test,
)
from ashworth.survival.proportional_hazards.risk_sets import (
    compiled_score_rows,
    exact_sets,
    expected_events,
    numpy_score_rows,
    risk_sets,
    score_rows,
    weighted_information,
)

from .conftest import close
from .test_live_r import r_frame, r_numbers


def simulate(seed, n=60, p=2, *, strata=1, late=True, weights=True, ties=5.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    time = np.ceil(rng.exponential(size=n) * ties * np.exp(-0.5 * x[:, 0])) + 1
    return {
        "time": time,
        "event": np.append(rng.random(n - 1) < 0.7, True),
        "covariates": x,
        "entry": np.floor(time * rng.uniform(size=n) * 0.7) if late else None,
        "strata": rng.integers(0, strata, n) if strata > 1 else None,
        "weights": rng.uniform(0.5, 2.0, n) if weights else None,
        "cluster": rng.integers(0, n // 4, n),
    }


def make(data, **changes):
    d = {**data, **changes}
    return cox(d.pop("time"), d.pop("event"), d.pop("covariates"), **d)


cases = st.tuples(
    st.integers(0, 10_000), st.integers(1, 4), st.booleans(), st.booleans(),
    st.sampled_from([1.0, 5.0, 100.0]), st.booleans(),
)  # fmt: skip


@given(cases)
@settings(max_examples=20, deadline=None)
def test_compiled_plain_and_one_by_one_agree(case):
    seed, strata, late, weights, ties, efron = case
    fit = make(simulate(seed, strata=strata, late=late, weights=weights, ties=ties), robust=False)
    design = fit.data.design()
    beta = np.random.default_rng(seed).normal(size=2) * 0.7
    ways = [
        risk_sets(design, beta, efron=efron, careful=careful, compiled=compiled)
        for careful, compiled in ((False, False), (False, True), (True, False))
    ]
    rows = [numpy_score_rows(ways[0]), compiled_score_rows(ways[1]), score_rows(ways[2])]
    factor = np.random.default_rng(1).normal(size=design.deaths.size)
    for way, row in zip(ways[1:], rows[1:], strict=True):
        close(row, rows[0], 1e-9, 1e-11)
        close(expected_events(way), expected_events(ways[0]), 1e-9, 1e-11)
        close(weighted_information(way, factor), weighted_information(ways[0], factor), 1e-8, 1e-10)
        close(way.means, ways[0].means, 1e-9, 1e-11)
        lowered = np.exp(way.shift[design.cell_start[:-1]])
        close(way.terms[1] / lowered, ways[0].terms[1], 1e-9, 1e-11)


@given(cases)
@settings(max_examples=15, deadline=None)
def test_residuals_add_up(case):
    seed, strata, late, weights, ties, efron = case
    data = simulate(seed, strata=strata, late=late, weights=weights, ties=ties)
    fit = make(data, ties="efron" if efron else "breslow")
    w = np.ones(60) if data["weights"] is None else data["weights"]
    stratum = np.zeros(60) if data["strata"] is None else data["strata"]
    martingale = w * cox_residuals(fit).values
    for s in np.unique(stratum):
        assert abs(martingale[stratum == s].sum()) < 1e-9
    score = cox_residuals(fit, "score").values
    close(w @ score, [0, 0], atol=1e-5)
    dfbeta = cox_residuals(fit, "dfbeta", by="cluster").values
    close(dfbeta.T @ dfbeta, fit.covariance, 1e-9)
    events = cox_residuals(fit, "schoenfeld")
    close(w[events.rows] @ events.values, [0, 0], atol=1e-5)
    assert (np.diff(events.time[np.asarray(stratum)[events.rows] == 0]) >= 0).all()


def test_start_stop_rows_of_a_subject_are_one_subject():
    data = simulate(3, strata=2, weights=False)
    whole = make(data, cluster=np.arange(60))
    cut = (data["entry"] + data["time"]) / 2
    twice = {k: v if v is None else np.concatenate([v, v]) for k, v in data.items()}
    twice["time"] = np.concatenate([cut, data["time"]])
    twice["entry"] = np.concatenate([data["entry"], cut])
    twice["event"] = np.concatenate([np.zeros(60, bool), data["event"]])
    parts = make(twice, cluster=np.tile(np.arange(60), 2))
    close(parts.covariance, whole.covariance, 1e-9)
    close(parts.robust_score_test.statistic, whole.robust_score_test.statistic, 1e-9)
    for kind in ("martingale", "deviance", "score", "dfbeta"):
        close(
            cox_residuals(parts, kind, by="cluster").values,
            cox_residuals(whole, kind).values, 1e-8, 1e-11,
        )  # fmt: skip
    a, b = (proportional_hazards_test(f, "identity").statistic for f in (parts, whole))
    close(a, b, 1e-9)


def test_dfbeta_is_about_the_change_without_the_row():
    data = simulate(1, n=400, late=False, weights=False)
    fit = make(data)
    dfbeta = cox_residuals(fit, "dfbeta").values
    for i in (0, 17, 399):
        rest = {k: v if v is None else np.delete(v, i, axis=0) for k, v in data.items()}
        change = fit.coefficients - make(rest).coefficients
        np.testing.assert_allclose(dfbeta[i], change, rtol=0.15, atol=3e-4)


def test_many_rows_by_the_kernel():
    data = simulate(5, n=25_000, p=3, strata=3)
    fit = make(data, robust=True)
    design, few = fit.data.design(), fit.data
    sets = risk_sets(design, fit.coefficients * design.scale, efron=True, compiled=False)
    rows = numpy_score_rows(sets)
    sums = np.zeros((6250, 3))
    np.add.at(sums, few.cluster[design.rows], (rows.T * design.scale))
    bread = fit.model_covariance
    close(fit.covariance, bread @ (sums.T @ sums) @ bread, 1e-9)
    alone = make(data, cluster=None, robust=True)
    own = rows.T * design.scale
    close(alone.covariance, bread @ (own.T @ own) @ bread, 1e-9)
    assert alone.n_clusters == 25_000


def test_order_and_labels_of_rows_do_not_matter():
    data = simulate(8, strata=3)
    data["strata"] = np.array(["a", "b", "c"])[data["strata"]]
    fit = make(data)
    order = np.random.default_rng(0).permutation(60)
    moved = make({k: v if v is None else v[order] for k, v in data.items()})
    for kind in ("martingale", "score", "dfbetas"):
        a, b = cox_residuals(fit, kind).values, cox_residuals(moved, kind).values
        close(b, a[order], 1e-9, 1e-11)
    a, b = proportional_hazards_test(fit), proportional_hazards_test(moved)
    close(a.statistic, b.statistic, 1e-9)
    assert set(a.stratum) <= {"a", "b", "c"}
    one = predict_survival(fit, [0, 1], strata="b", times=[2, 4])
    two = predict_survival(moved, [0, 1], times=[2, 4])
    close(one[0].survival, two[1].survival, 1e-10)
    assert [c.stratum for c in two.curves] == ["a", "b", "c"]


def test_weights_are_subjects():
    data = simulate(2, weights=False)
    counts = np.random.default_rng(2).integers(1, 4, 60)
    weighted = make(data, weights=counts, ties="breslow")
    many = {k: v if v is None else np.repeat(v, counts, axis=0) for k, v in data.items()}
    repeated = make(many, ties="breslow")
    close(weighted.covariance, repeated.covariance, 1e-9)
    a, b = (proportional_hazards_test(f, "identity") for f in (weighted, repeated))
    assert a.global_test.statistic > 0
    assert b.global_test.statistic > 0
    c, d = predict_survival(weighted, [1, 1])[0], predict_survival(repeated, [1, 1])[0]
    close(c.upper, d.upper, 1e-9)
    close(c.at_risk, d.at_risk)
    by_row = cox_residuals(repeated, "martingale").values
    close(np.repeat(cox_residuals(weighted, "martingale").values, counts), by_row, 1e-9, 1e-12)


def test_units_do_not_matter():
    data = simulate(4, strata=2)
    fit = make(data)
    other = make(data, covariates=data["covariates"] * [1e-6, 1e5] + [3.0, -7e4])
    close(
        proportional_hazards_test(fit).statistic, proportional_hazards_test(other).statistic, 1e-8
    )
    close(other.covariance * np.outer([1e-6, 1e5], [1e-6, 1e5]), fit.covariance, 1e-8)
    x = np.array([0.3, -1.2])
    a = predict_survival(fit, x)[0]
    b = predict_survival(other, x * [1e-6, 1e5] + [3.0, -7e4])[0]
    close(a.survival, b.survival, 1e-8)
    close(a.standard_error, b.standard_error, 1e-7)


def test_extreme_predictors_keep_their_digits():
    """Offsets that span e^70 with late entry: sums over all rows would lose the small risks."""
    data = simulate(6, late=True, weights=False)
    offset = np.linspace(0.0, 70.0, 60)
    fit = make(data, offset=offset)
    design = fit.data.design()
    sets = exact_sets(risk_sets(design, fit.coefficients * design.scale, efron=True))
    assert sets.careful
    assert abs(cox_residuals(fit).values.sum()) < 1e-9
    close(np.ones(60) @ cox_residuals(fit, "score").values, [0, 0], atol=1e-5)
    assert np.isfinite(proportional_hazards_test(fit).statistic).all()
    total = sum(c.n_events.sum() for c in baseline_hazard(fit).curves)
    assert total == fit.events
    curve = predict_survival(fit, [0, 0], offset=35.0)[0]
    assert ((curve.survival >= 0) & (curve.survival <= 1)).all()
    with pytest.raises(EstimationError, match="too far from"):
        predict_survival(fit, [0, 2000.0], offset=1e4)


def test_undetermined_coefficients():
    data = simulate(7)
    x = np.column_stack([data["covariates"], data["covariates"][:, 0] * 2])
    with pytest.warns(NotEstimableWarning, match="x3"):
        fit = make(data, covariates=x)
    less = make(data)
    close(fit.covariance[:2, :2], less.covariance, 1e-9)
    values = cox_residuals(fit, "dfbeta").values
    assert np.isnan(values[:, 2]).all()
    close(values[:, :2], cox_residuals(less, "dfbeta").values, 1e-9, 1e-12)
    test = proportional_hazards_test(fit)
    assert test.terms == ("x1", "x2")
    close(test.statistic, proportional_hazards_test(less).statistic, 1e-9)
    with pytest.raises(EstimationError, match="do not determine the coefficients of x3"):
        predict_survival(fit, [0, 0, 0])


def test_infinite_coefficients_are_refused():
    with pytest.warns(MonotoneLikelihoodWarning):
        fit = cox([1, 2, 3, 4, 5], [1, 1, 0, 0, 1], [1, 1, 0, 0, 0], cluster=[1, 2, 3, 4, 5])
    assert np.isnan(fit.covariance).all()
    assert np.isinf(fit.standard_errors[0])
    for call in (
        lambda: cox_residuals(fit),
        lambda: proportional_hazards_test(fit),
        lambda: predict_survival(fit, [0]),
        lambda: baseline_hazard(fit),
    ):
        with pytest.raises(EstimationError, match="coefficients of x1 are infinite"):
            call()


def test_all_faults_of_profiles_at_once():
    data = simulate(9, strata=2)
    fit = make(data)
    with pytest.raises(InputError) as caught:
        predict_survival(fit, {"x1": 1.0, "age": 3.0})
    text = str(caught.value)
    assert "age" in text
    assert "no values for x2" in text
    with pytest.raises(InputError) as caught:
        predict_survival(fit, [[1.0, np.nan]], times=[3, -1], strata="z", offset=np.inf)
    for word in ("x2", "times", "unknown z", "offset"):
        assert word in str(caught.value)
    plain = make(simulate(9))
    with pytest.raises(InputError, match="the fit has no strata"):
        predict_survival(plain, [0, 0], strata=0)
    with pytest.raises(InputError, match="3 columns"):
        predict_survival(plain, [[0, 0, 0]])
    with pytest.raises(EstimationError, match="ci is"):
        predict_survival(plain, [0, 0], ci="logit")
    with pytest.raises(EstimationError, match="one set of covariate values"):
        baseline_hazard(plain, [[0, 0], [1, 1]])


def test_other_refusals():
    fit = make(simulate(1), cluster=None)
    with pytest.raises(EstimationError, match="no clusters"):
        cox_residuals(fit, by="cluster")
    with pytest.raises(EstimationError, match="belong to events"):
        cox_residuals(make(simulate(1)), "schoenfeld", by="cluster")
    with pytest.raises(EstimationError, match="weighted deviance"):
        cox_residuals(fit, "deviance", weighted=True)
    with pytest.raises(EstimationError, match="kind is"):
        cox_residuals(fit, "response")
    with pytest.raises(EstimationError, match="unknown covariates: x9"):
        proportional_hazards_test(fit, terms={"a": ["x1", "x9"]})
    with pytest.raises(EstimationError, match="one cluster only"):
        make(simulate(1), cluster=np.ones(60))
    with pytest.raises(EstimationError, match="robust is"):
        make(simulate(1), robust="yes")
    with pytest.raises(EstimationError, match="at one time"):
        proportional_hazards_test(cox([3, 3, 3, 5], [1, 1, 1, 0], [1, 0, 1, 0]))
    zero = cox([0, 2, 3, 5], [1, 1, 1, 0], [1, 0, 1, 0.5])
    with pytest.raises(EstimationError, match="no logarithm"):
        proportional_hazards_test(zero, "log")
    with pytest.warns(NotEstimableWarning, match="too few clusters"):
        few = make(simulate(1), cluster=np.arange(60) % 2)
    assert np.isnan(few.wald_test.statistic)
    assert (few.standard_errors > 0).all()


def test_more_covariates_than_events_are_said():
    x = np.random.default_rng(0).normal(size=(40, 3))
    event = np.isin(np.arange(40), (20, 21))
    with pytest.warns(FewEventsWarning, match=r"3 covariates and 2 events: 0\.67 events per"):
        cox(np.arange(1, 41), event, x)


def test_missing_clusters_are_named():
    data = simulate(1)
    cluster = data["cluster"].astype(float)
    cluster[3] = np.nan
    with pytest.raises(InputError, match=r"missing labels in 1 row \(from 0: 3\)"):
        make(data, cluster=cluster)


def test_tables_and_times_after_the_end():
    fit = make(simulate(1, strata=2), cluster=None)
    table = predict_survival(fit, {"x1": [0, 1], "x2": 0.5}, times=[0, 2, 1e6]).table()
    assert table.height == 12
    assert table.filter(table["time"] == 1e6)["survival"].is_nan().all()
    assert (table.filter(table["time"] == 0)["survival"] == 1).all()
    assert cox_residuals(fit, "schoenfeld").table().columns[:3] == ["row", "time", "stratum"]
    assert cox_residuals(make(simulate(1)), by="cluster").table().columns[0] == "cluster"
    test = proportional_hazards_test(fit)
    assert test.points().height == 2 * fit.events
    assert test.table()["term"].to_list() == ["x1", "x2", "GLOBAL"]
    with pytest.raises(EstimationError, match="term is"):
        test.smooth("x5")
    assert replace(fit, names=fit.names) == fit


@pytest.mark.r
def test_veteran_live():
    d = r_frame("veteran")
    fit = cox(d["time"], d["status"], d.select("karno", "trt"))
    expected = {
        "time": [30, 90, 180, 365],
        "surv": [0.575035465535621, 0.245171272295262, 0.0482140027789239, 0.00651002260774123],
        "lower": [0.466127872711263, 0.15348665597089, 0.0179566839560905, 0.00109458257004457],
    }
    found = predict_survival(fit, {"karno": [40, 80], "trt": [1, 2]}, times=expected["time"])
    close(found[0].survival, expected["surv"], 1e-8)
    close(found[0].lower, expected["lower"], 1e-8)
    base = baseline_hazard(fit)[0]
    place = np.searchsorted(base.time, expected["time"], side="right") - 1
    close(
        base.cumulative_hazard[place],
        [1.80219969195571, 4.57874801993573, 9.87570474087286, 16.3973071590777], 1e-8,
    )  # fmt: skip
    karno = cox(d["time"], d["status"], d.select("trt", "karno", "age"))
    test = proportional_hazards_test(karno, "identity")
    want = r_numbers(
        "c(cox.zph(coxph(Surv(time, status) ~ trt + karno + age, veteran, control = ctl), "
        "'identity')$table)"
    )
    close(test.table().select("statistic", "df", "p_value").to_numpy().T.ravel(), want, 1e-8)


@pytest.mark.r
@pytest.mark.parametrize("seed", range(2))
def test_random_studies_live(seed, tmp_path):
    import polars as pl

    d = simulate(seed, n=250, strata=4, ties=20.0)
    columns = {k: v for k, v in d.items() if k != "covariates"}
    frame = pl.DataFrame({**columns, "x1": d["covariates"][:, 0], "x2": d["covariates"][:, 1]})
    frame = frame.with_columns(event=pl.col("event").cast(pl.Int64))
    path = tmp_path / "study.csv"
    frame.write_csv(path)
    ties = ("efron", "breslow")[seed]
    fit = make(d, ties=ties)
    code = (
        f"{{d <- read.csv('{path}'); m <- coxph(Surv(entry, time, event) ~ x1 + x2 + "
        f"strata(strata), d, weights = weights, cluster = cluster, ties = '{ties}', "
        "control = ctl); c(m$var, m$naive.var, m$wald.test, m$rscore, "
        "residuals(m, 'dfbetas'), residuals(m), residuals(m, 'scaledsch'), "
        "cox.zph(m, 'rank')$table)}"
    )
    mine = np.concatenate([
        fit.covariance.T.ravel(), fit.model_covariance.ravel(), [fit.wald_test.statistic],
        [fit.robust_score_test.statistic], cox_residuals(fit, "dfbetas").values.T.ravel(),
        cox_residuals(fit).values, cox_residuals(fit, "scaled_schoenfeld").values.T.ravel(),
        proportional_hazards_test(fit, "rank").table().select(
            "statistic", "df", "p_value").to_numpy().T.ravel(),
    ])  # fmt: skip
    close(mine, r_numbers(code), 1e-8, 1e-10)


@pytest.mark.r
def test_robust_variance_of_weights_and_offset_live(cases):
    """Case weights and an offset; R's robust score test leaves the offset out and is not ours."""
    expected = cases["cox_weights_offset"]
    d = r_frame("lung").drop_nulls(["time", "status", "age", "sex", "ph.karno"])
    fit = cox(
        d["time"], d["status"] == 2, d.select("sex"), weights=d["ph.karno"] / 50,
        offset=0.01 * d["age"], robust=True,
    )  # fmt: skip
    close(fit.standard_errors, [0.163191180334194], 1e-8)
    close(np.sqrt(fit.model_covariance.diagonal()), [expected["se"]["sex"]], 1e-8)
