"""Residuals, robust variance, test of proportional hazards and prediction against R."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from ashworth.survival import (
    baseline_hazard,
    cox,
    cox_residuals,
    predict_survival,
    proportional_hazards_test,
)

from .conftest import FOLDER, close

GRID = list(itertools.product(("efron", "breslow"), (0, 1), (0, 1), (0, 1)))
NAMES = ("x1", "x2", "x3")
PROFILES = {"x1": [0, 0.5], "x2": [0, -1], "x3": [0, 1]}


@pytest.fixture(scope="module")
def pinned():
    document = json.loads((FOLDER / "diagnostics.json").read_text())
    return {v["id"]: v for v in document["values"]}


@pytest.fixture(scope="module")
def few(cohort):
    return cohort.head(60)


@pytest.fixture(scope="module")
def fits(few):
    """The fits of the grid, by case and robust or not; each is made once."""
    made = {}

    def get(case, *, robust=False):
        ties, strata, entry, weights = case
        if (case, robust) not in made:
            made[case, robust] = cox(
                few["t_day"], few["event"], few.select(NAMES),
                strata=few["stratum"] if strata else None,
                entry=few["entry_day"] if entry else None,
                weights=few["weight"] if weights else None,
                offset=few["offset"] if weights else None,
                ties=ties, cluster=(np.arange(60) + 1) % 17, robust=robust,
            )  # fmt: skip
        return made[case, robust]

    return get


def key(case):
    return f"diagnostics {' '.join(map(str, case))}"


@pytest.fixture(params=GRID, ids=lambda c: "-".join(map(str, c)))
def case(request):
    return request.param


def test_robust_variance_equals_r(case, fits, pinned):
    found, expected = fits(case, robust=True), pinned[key(case)]
    close(found.coefficients, expected["coef"], 1e-10)
    close(found.covariance.ravel(), expected["robust"], 1e-10, 1e-14)
    close(found.standard_errors**2, found.covariance.diagonal(), 1e-14)
    close(found.wald_test.statistic, expected["wald"], 1e-10)
    if not case[3]:
        close(found.robust_score_test.statistic, expected["rscore"], 1e-10)
    assert found.n_clusters == 17
    assert found.variance == "robust"
    close(found.model_covariance, fits(case).covariance, 1e-14)


def rows_by(values, groups):
    return np.stack([values[groups == g].sum(axis=0) for g in np.unique(groups)])


@pytest.mark.parametrize("kind", ["martingale", "deviance", "score", "dfbeta", "dfbetas"])
def test_residuals_of_rows_equal_r(case, kind, fits, pinned):
    found, expected = cox_residuals(fits(case), kind), pinned[key(case)]
    want = np.array([np.nan if v is None else v for v in expected[kind]], float)
    values = found.values.ravel()
    known = ~np.isnan(want)
    close(values[known], want[known], 1e-9, 1e-12)
    assert np.abs(values[~known]).max(initial=0.0) < 1e-6
    assert found.rows.tolist() == list(range(60))


@pytest.mark.parametrize("kind", ["martingale", "deviance", "score", "dfbeta"])
def test_residuals_of_clusters_equal_r(case, kind, fits, few, pinned):
    found = cox_residuals(fits(case), kind, by="cluster")
    mine, theirs = found.values, pinned[key(case)][f"{kind}_cluster"]
    if kind == "deviance":  # R's formula holds for one event at most
        few_events = np.bincount((np.arange(60) + 1) % 17, few["event"]) <= 1
        mine, theirs = mine[few_events], np.array(theirs, dtype=object)[few_events].tolist()
        assert len(theirs) > 3
    close(mine.ravel(), theirs, 1e-9, 1e-12)
    assert found.labels == tuple(range(17))


@pytest.mark.parametrize("kind", ["schoenfeld", "scaled_schoenfeld"])
def test_residuals_of_events_equal_r(case, kind, fits, pinned):
    found, expected = cox_residuals(fits(case), kind), pinned[key(case)]
    close(found.time, expected["event_time"])
    close(found.values.ravel(), expected[kind], 1e-9, 1e-11)


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_proportional_hazards_equals_r(case, transform, fits, pinned):
    found, expected = proportional_hazards_test(fits(case), transform), pinned[key(case)]
    table = np.reshape(expected[f"zph_{transform}"], (4, 3))
    got = found.table().select("statistic", "df", "p_value").to_numpy()
    close(got, table, 1e-9)
    close(np.sort(found.transformed_time), np.sort(expected[f"x_{transform}"]), 1e-12)
    if transform == "km":
        close(found.residual_variance.ravel(), expected["zph_var"], 1e-9)
        known = ~np.isnan(found.residuals).any(axis=1)
        assert (~known).sum() == case[1]  # the event of a stratum with one row
        mine = sorted(zip(found.time[known], *found.residuals[known].T, strict=True))
        theirs = np.reshape([np.nan if v is None else v for v in expected["zph_y"]], (-1, 3))
        theirs = sorted(zip(expected["zph_time"], *theirs.T, strict=True))
        close(np.array(mine), np.array(theirs), 1e-9, 1e-11)


@pytest.mark.parametrize("ci", ["log", "log-log", "plain"])
def test_predicted_survival_equals_r(case, ci, fits, pinned):
    expected = pinned[key(case)]
    found = predict_survival(fits(case), PROFILES, ci=ci)
    curves = found.curves
    if case[1]:
        half = len(curves) // 2
        curves = [c for pair in zip(curves[:half], curves[half:], strict=True) for c in pair]

    def joined(name):
        return np.concatenate([getattr(c, name) for c in curves])

    times = expected["time"] if case[1] else expected["time"] * 2
    close(joined("time"), times)
    close(joined("survival"), expected["surv"], 1e-10)
    close(joined("cumulative_hazard"), expected["cumhaz"], 1e-10)
    close(joined("cumulative_hazard_error"), expected["error_log"], 1e-10)
    for side in ("lower", "upper"):
        want = np.array([np.nan if v is None else v for v in expected[f"{side}_{ci}"]], float)
        started = joined("survival") < 1
        close(joined(side)[started], want[started], 1e-9)
        assert (joined(side)[~started] == 1).all()
    robust = predict_survival(fits(case, robust=True), PROFILES)
    errors = [c.cumulative_hazard_error for c in robust.curves]
    if not case[1]:
        close(np.concatenate(errors), expected["error_robust_log"], 1e-10)


def test_baseline_hazard_equals_r(case, fits, pinned):
    found = baseline_hazard(fits(case))
    hazard = np.concatenate([c.cumulative_hazard for c in found.curves])
    offset = 0.0
    if case[3]:  # R centres at the mean offset
        offset = -np.log(pinned[key(case)]["basehaz"][-1] / hazard[-1])
    close(hazard * np.exp(-offset), pinned[key(case)]["basehaz"], 1e-10)


@pytest.mark.parametrize("strata", [0, 1])
def test_terms_and_smooth_equal_r(strata, few, pinned):
    level = (np.arange(60) + 1) % 3
    x = {"x1": few["x1"], "grade1": (level == 1) * 1.0, "grade2": (level == 2) * 1.0}
    fit = cox(few["t_day"], few["event"], x, strata=few["stratum"] if strata else None)
    terms = {"grade": ["grade1", "grade2"]}
    found = proportional_hazards_test(fit, "identity", terms=terms)
    expected = pinned[f"terms {strata}"]
    got = found.table().select("statistic", "df", "p_value").to_numpy()
    close(got.ravel(), expected["table"], 1e-9)
    assert found.terms == ("x1", "grade")
    close(found.estimate, [fit.coefficients[0], 1.0])
    if strata:  # R scales wrongly behind the stratum with one row
        return
    close(found.residual_variance.ravel(), expected["var"], 1e-9)
    mine = sorted(zip(found.time, *found.residuals.T, strict=True))
    close([m[0] for m in mine], np.sort(few["t_day"].to_numpy()[few["event"].to_numpy() == 1]))
    close(np.sort(found.residuals, axis=0), np.sort(np.reshape(expected["y"], (-1, 2)), axis=0))
    smooth = found.smooth("x1")
    close(smooth["estimate"], expected["smooth"], 1e-8)
    half = (smooth["upper"] - smooth["lower"]) / 2 / 1.959963984540054
    close(half, expected["smooth_se"], 1e-8)
