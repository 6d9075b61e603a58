"""Effect sizes, counts, moderators, influence, asymmetry and two outcomes against metafor."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from ashworth.errors import EstimationError, InputError
from ashworth.evidence import (
    BackTransformationWarning,
    NarrowIntervalWarning,
    blups,
    cumulative,
    egger_test,
    fail_safe_number,
    influence,
    leave_one_out,
    mantel_haenszel,
    meta_regression,
    pet_peese,
    peto,
    pool,
    pool_proportions,
    pool_two_outcomes,
    proportions,
    rank_test,
    rate_ratios,
    rates,
    ratios_from_intervals,
    ratios_from_log_rank,
    ratios_from_p_values,
    subgroups,
    trim_and_fill,
    two_groups,
)
from ashworth.evidence.pooling.counts import binomial_likelihood

from .conftest import close, load, load_cases, load_data

VALUES = load("meta_analysis")
CASES = load_cases()
BCG = load_data("bcg")
ZERO = load_data("zero_cells")
MEASURES = {"RR": "risk_ratio", "OR": "odds_ratio", "RD": "risk_difference"}


def tables(name):
    if name == "zero":
        return [ZERO[c] for c in ("e1", "n1", "e2", "n2")]
    return BCG["tpos"], BCG["tpos"] + BCG["tneg"], BCG["cpos"], BCG["cpos"] + BCG["cneg"]


def bcg():
    found = two_groups(*tables("bcg"))
    return found.estimate, found.standard_error


def studies(name):
    if name == "bcg":
        return bcg()
    rows = load_data("studies").filter(set=name)
    return rows["estimate"].to_numpy(), rows["standard_error"].to_numpy()


@pytest.mark.parametrize("data", ["bcg", "zero"])
@pytest.mark.parametrize("short", ["RR", "OR", "RD", "PETO"])
def test_two_groups_equal_escalc(data, short):
    """Peto's needs no 0.5, which metafor adds to single studies but not to rma.peto."""
    want = VALUES[f"sizes {data} {short}"]
    measure = MEASURES.get(short, "peto_odds_ratio")
    found = two_groups(*tables(data), measure=measure, double_zero="keep")
    rows = [2, *range(4, 9)] if short == "PETO" and data == "zero" else slice(None)
    close(found.estimate[rows], np.array(want["y"])[rows], 1e-12)
    close(found.standard_error[rows] ** 2, np.array(want["v"])[rows], 1e-12)


def test_studies_without_a_contrast_are_left_out_and_named():
    found = two_groups(*tables("zero"))
    assert np.flatnonzero(~found.used).tolist() == [3]
    assert "none or all" in found.reasons[3]
    assert np.flatnonzero(found.corrected).tolist() == [0, 1]
    assert two_groups(*tables("zero"), measure="risk_difference").used.all()
    assert found.table()["natural_estimate"][2] == pytest.approx(np.exp(found.estimate[2]))


@pytest.mark.parametrize("data", ["bcg", "zero"])
@pytest.mark.parametrize("short", ["RR", "OR", "RD"])
def test_mantel_haenszel_equals_metafor(data, short):
    want = VALUES[f"mh {data} {short}"]
    found = mantel_haenszel(*tables(data), measure=MEASURES[short])
    close([found.estimate, found.standard_error], [*want["y"], *want["se"]], 1e-12)
    close([found.lower, found.q], [*want["lower"], *want["q"]], 1e-10)
    close(found.p_value, want["p"], 1e-8)


@pytest.mark.parametrize("data", ["bcg", "zero"])
def test_peto_equals_metafor(data):
    want, found = VALUES[f"peto {data}"], peto(*tables(data))
    close([found.estimate, found.standard_error], [*want["y"], *want["se"]], 1e-12)
    close(found.q, want["q"], 1e-10)
    case = CASES.get("ma_bcg_mh_peto")
    if data == "bcg" and case:
        close(found.estimate, case["peto_b"]["intrcpt"])


@pytest.mark.parametrize(
    ("short", "measure"), [("PLO", "logit"), ("PFT", "double_arcsine"), ("PR", "raw")]
)
def test_proportions_equal_escalc(short, measure):
    want = VALUES[f"proportions {short}"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackTransformationWarning)
        found = proportions(ZERO["e1"], ZERO["n1"], measure=measure)
    close(found.estimate, want["y"], 1e-12)
    close(found.standard_error**2, want["v"], 1e-12)


def test_the_double_arcsine_warns():
    with pytest.warns(BackTransformationWarning, match="no unique proportion"):
        proportions([1], [10], measure="double_arcsine")


def test_rates_equal_escalc():
    t1, t2 = ZERO["n1"] * 1.7, ZERO["n2"] * 1.1
    found = rates(ZERO["e1"], t1)
    close(found.estimate, VALUES["rates"]["y"], 1e-12)
    close(found.standard_error**2, VALUES["rates"]["v"], 1e-12)
    both, want = rate_ratios(ZERO["e1"], t1, ZERO["e2"], t2), VALUES["rate ratios"]
    close(both.estimate[both.used], np.array(want["y"])[both.used], 1e-12)
    close(both.standard_error[both.used] ** 2, np.array(want["v"])[both.used], 1e-12)
    assert (~both.used).sum() == 1


def test_proportions_by_the_logistic_model_equal_rma_glmm():
    """lme4's stopping rule leaves it about four digits."""
    want = VALUES["glmm"]
    found = pool_proportions(BCG["tpos"], BCG["tpos"] + BCG["tneg"])
    close([found.estimate, found.standard_error], [*want["y"], *want["se"]], 2e-4)
    close([found.tau2, found.q], [*want["tau2"], *want["q"]], 2e-3)
    alike = pool_proportions([10, 20, 30], [100, 200, 300])
    assert alike.tau2 == 0
    close(alike.natural, 0.1, 1e-12)


def test_two_more_estimators_of_tau2():
    for test, ci in (("z", "normal"), ("knha", "hksj")):
        want, found = VALUES[f"HS {test}"], pool(*bcg(), tau2_method="HS", ci_method=ci)
        close([found.tau2, found.heterogeneity.standard_error], [*want["tau2"], *want["se_tau2"]])
        close([found.estimate, found.standard_error], [*want["y"], *want["se"]])
    want, found = VALUES["DL2 z"], pool(*bcg(), tau2_method="DL2")
    close([found.tau2, found.heterogeneity.standard_error], [*want["tau2"], *want["se_tau2"]])


@pytest.mark.parametrize("name", [v for v in VALUES if v.startswith("moderators")])
def test_meta_regression_equals_metafor(name):
    _, method, test = name.split()
    want = VALUES[name]
    columns = {"ablat": BCG["ablat"], "since": BCG["year"] - 1965}
    ci = "hksj" if test == "knha" else "normal"
    found = meta_regression(*bcg(), columns, tau2_method=method, ci_method=ci)
    close(found.coefficients, want["y"], 1e-8, 1e-10)
    close(found.standard_errors, want["se"], 1e-8, 1e-10)
    close([*found.lower, *found.upper], [*want["lower"], *want["upper"]], 1e-8, 1e-9)
    close(found.p_values, want["p"], 1e-7)
    close([found.tau2, found.q, found.q_p_value], [*want["tau2"], *want["q"], *want["q_p"]], 1e-8)
    close([found.moderator_statistic, found.moderator_p_value], [*want["qm"], *want["qm_p"]], 1e-7)
    close(found.log_likelihood, want["ll"], 1e-8)
    if method != "FE":
        close(found.i2, want["i2"], 1e-7)


def test_subgroups_equal_metafor():
    common = subgroups(*bcg(), BCG["alloc"], tau2="common")
    test, cells = VALUES["subgroups common"], VALUES["subgroups cells"]
    close([common.statistic, common.p_value], [*test["qm"], *test["qm_p"]], 1e-8)
    close(common.estimates, cells["y"], 1e-8)
    close(common.standard_errors, cells["se"], 1e-8)
    apart, want = subgroups(*bcg(), BCG["alloc"], ci_method="normal"), VALUES["subgroups separate"]
    close([apart.statistic, apart.p_value], [*want["qm"], *want["qm_p"]], 1e-7)
    close(apart.estimates, want["y"], 1e-8)
    assert apart.table()["k"].to_list() == [2, 7, 4]


@pytest.mark.parametrize(("test", "ci"), [("knha", "hksj"), ("z", "normal")])
def test_influence_equals_metafor(test, ci):
    pooled = pool(*bcg(), ci_method=ci)
    want, found = VALUES[f"influence {test}"], influence(pooled)
    pairs = {
        "studentised_residuals": "rstudent", "dffits": "dffits", "cook": "cook",
        "covariance_ratio": "cov", "tau2_without": "tau2", "q_without": "q",
        "weights_percent": "weight", "hat": "hat", "dfbetas": "dfbs",
    }  # fmt: skip
    for own, theirs in pairs.items():
        close(getattr(found, own), want[theirs], 1e-7, 1e-9)
    assert found.influential.astype(float).tolist() == want["influential"]
    out, left = VALUES[f"leave one out {test}"], leave_one_out(pooled)
    close([*left.estimates, *left.standard_errors], [*out["y"], *out["se"]], 1e-8, 1e-10)
    close([*left.lower, *left.upper], [*out["lower"], *out["upper"]], 1e-8, 1e-9)
    close(left.p_values, out["p"], 1e-6)
    grown, added = VALUES[f"cumulative {test}"], cumulative(pooled, BCG["year"])
    close([*added.estimates, *added.standard_errors], [*grown["y"], *grown["se"]], 1e-8, 1e-10)
    drawn, own = VALUES[f"blup {test}"], blups(pooled)
    close([*own.estimates, *own.standard_errors], [*drawn["y"], *drawn["se"]], 1e-8)
    close([*own.lower, *own.upper], [*drawn["lower"], *drawn["upper"]], 1e-8)


@pytest.mark.parametrize("data", ["bcg", "forty", "twelve"])
def test_asymmetry_equals_metafor(data):
    want, columns = VALUES[f"asymmetry {data}"], studies(data)
    lm, random = egger_test(*columns), egger_test(*columns, model="random")
    close([lm.statistic, lm.p_value, lm.limit, lm.limit_lower],
          [*want["t"], *want["p"], *want["limit"], *want["limit_lower"]], 1e-8)  # fmt: skip
    close([random.statistic, random.p_value, random.limit],
          [*want["z"], *want["z_p"], *want["z_limit"]], 1e-7)  # fmt: skip
    begg = rank_test(*columns)
    close([begg.statistic, begg.p_value], [*want["tau"], *want["tau_p"]], 1e-10)
    assert fail_safe_number(*columns).number == want["fsn"][0]


@pytest.mark.parametrize("name", [v for v in VALUES if v.startswith("trim and fill")])
def test_trim_and_fill_equals_metafor(name):
    *_, data, side, estimator = name.split()
    want = VALUES[name]
    rtol = 1e-5 if data == "twelve" else 1e-8  # there Fisher's scoring ends short of the maximum
    found = trim_and_fill(*studies(data), side=side, estimator=estimator, ci_method="normal")
    assert (found.missing, found.side == "left") == (want["k0"][0], bool(want["side"][0]))
    close(found.missing_standard_error, want["se"], 1e-8)
    close([found.pooled.estimate, found.pooled.standard_error, found.pooled.tau2],
          [*want["y"], *want["se_y"], *want["tau2"]], rtol, 1e-10)  # fmt: skip


def test_published_asymmetry_and_pet_peese():
    case = CASES.get("ma_bcg_selection_pet_peese")
    assert case is not None
    found = pet_peese(*bcg())
    close([found.pet.limit, found.pet.slope], list(case["pet_b"].values()), 1e-9)
    close([found.peese.limit, found.peese.slope], list(case["peese_b"].values()), 1e-9)
    close([found.pet.limit_standard_error, found.peese.limit_standard_error],
          [case["pet_se"]["(Intercept)"], case["peese_se"]["(Intercept)"]], 1e-9)  # fmt: skip
    bias = CASES["ma_bcg_bias"]
    assert fail_safe_number(*bcg()).number == bias["fsn_rosenthal"]
    common = trim_and_fill(*bcg(), tau2_method="FE", ci_method="normal")
    assert common.missing == bias["tf_ee_k0"]
    close(common.pooled.estimate, bias["tf_ee_b"], 1e-9)


@pytest.mark.parametrize("name", [v for v in VALUES if v.startswith("two outcomes")])
def test_two_outcomes_equal_rma_mv(name):
    """metafor's optimiser stops at 1e-5 of the parameters; ours is at least as likely."""
    want = VALUES[name]
    d = load_data("two_outcomes").with_columns(
        [load_data("two_outcomes")[c].cast(float, strict=False) for c in ("y1", "s1", "y2", "s2")]
    )
    rho = float(name.split()[-1])
    found = pool_two_outcomes(
        d["y1"], d["s1"], d["y2"], d["s2"], within_correlation=rho, method=name.split()[2]
    )
    close(found.estimates, want["y"], 1e-5)
    close(found.standard_errors, want["se"], 1e-4)
    close(found.tau2, want["tau2"], 1e-3)
    close(found.correlation, want["rho"], 1e-3)
    assert found.log_likelihood >= want["ll"][0] - 1e-9
    close(found.log_likelihood, want["ll"], 1e-7)
    close(found.covariance[0, 1], want["v"], 1e-3)
    assert found.sizes == (16, 15, 13)


def test_ratios_from_print():
    assert ratios_from_intervals([2.0], [1.0], [4.0]).standard_error[0] == pytest.approx(
        np.log(4) / 2 / 1.959963984540054
    )
    narrow = ratios_from_intervals([0.94, 0.85], [0.81, 0.69], [1.09, 1.03], level=[0.9, 0.95])
    close(4 / narrow.standard_error**2, [491.0, 382.8], 2e-3)
    p = ratios_from_p_values([1.5], [2 * 0.02275013194817921])
    close(p.standard_error, np.log(1.5) / 2, 1e-12)
    close(ratios_from_log_rank([10], [6.0], [4.0]).estimate, 1.0)


@pytest.mark.parametrize(
    ("ratio", "lower", "upper", "words"),
    [(1.8, 0.385, 0.815, "limits that are logarithms"), (0.6, 1.47, 2.26, "natural limits"),
     (1.8, 2.3, 1.4, "swapped"), (1.8, 1.9, 2.3, "without its estimate"),
     (-0.2, -0.5, -0.1, "these logarithms"), (1.8, 1.8, 1.8, "limits equal"),
     (np.nan, 1.0, 2.0, "missing values")],
)  # fmt: skip
def test_intervals_that_cannot_be(ratio, lower, upper, words):
    with pytest.raises(InputError, match=words):
        ratios_from_intervals([ratio, 1.2], [lower, 1.0], [upper, 1.4])


def test_other_bad_input():
    with pytest.raises(InputError, match="p is never 0"):
        ratios_from_p_values([1.3], [0.0])
    with pytest.raises(InputError, match="over 100 %"):
        proportions([11], [10])
    with pytest.raises(InputError, match="more events than patients"):
        two_groups([11], [10], [1], [10])
    with pytest.raises(InputError, match="level"):
        ratios_from_intervals([1.2], [1.0], [1.4], level=[np.nan])
    with pytest.raises(EstimationError, match="no events in one group"):
        mantel_haenszel([0, 0], [10, 20], [1, 2], [10, 20])
    with pytest.raises(EstimationError, match="no finite estimate"):
        pool_proportions([0, 0], [10, 10])
    with pytest.raises(EstimationError, match="collinear"):
        meta_regression([0.1, 0.2, 0.5, 0.1], [0.1] * 4, {"a": [1, 2, 3, 4], "b": [2, 4, 6, 8]})
    with pytest.raises(EstimationError, match="more studies than"):
        meta_regression([0.1, 0.2], [0.1] * 2, {"a": [1, 2]})
    with pytest.raises(EstimationError, match="tau2='common'"):
        subgroups([0.1, 0.2, 0.3], [0.1] * 3, ["a", "a", "b"])
    with pytest.raises(EstimationError, match="unequal size"):
        egger_test([0.1, 0.2, 0.3], [0.1] * 3)
    with pytest.raises(EstimationError, match="at least 3"):
        leave_one_out(pool([0.1, 0.9], [0.1, 0.2]))
    with pytest.raises(EstimationError, match="at least 3"):
        pool_two_outcomes([0.1, 0.2], [0.1, 0.2], [0.1, 0.2], [0.1, 0.2])


def test_order_and_sign_do_not_matter():
    y, s = bcg()
    rows = np.arange(y.size)[::-1]
    one, two = trim_and_fill(y, s), trim_and_fill(-y[rows], s[rows])
    assert one.missing == two.missing
    close(one.pooled.estimate, -two.pooled.estimate, 1e-8)
    close(egger_test(y, s).p_value, egger_test(-y[rows], s[rows]).p_value, 1e-10)
    close(influence(pool(y, s)).cook, influence(pool(-y[rows], s[rows])).cook[rows], 1e-6)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_all_deletions_at_once_equal_one_by_one(method):
    """Also where the likelihood has two maxima."""
    y = np.array([0.57, -0.14, -1.5, -15.19, 0.07, 0.84, 0.28, 4.67])
    s = np.array([0.19, 0.06, 1.78, 3.1, 0.05, 0.42, 0.21, 2.11])
    for a, b in (bcg(), studies("forty"), studies("alike"), (y, s)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NarrowIntervalWarning)
            pooled = pool(a, b, tau2_method=method)
            single = [
                pool(np.delete(a, i), np.delete(b, i), tau2_method=method).tau2
                for i in range(len(a))
            ]
        close(leave_one_out(pooled).tau2, single, 1e-9, 1e-12)


def test_studies_without_events_and_with_only_events_in_the_logistic_model():
    """Targets: 2,400,001 even steps over the random effect, maximised by Nelder and Mead."""
    x, n = np.array([0.0, 3, 0, 10, 20]), np.array([40.0, 52, 30, 33, 20])
    for mean, tau, want in ((-2.8, 6.1, -12.109294373), (-3.6, 9.6, -12.327267089)):
        close(binomial_likelihood(x, n, mean, tau), want, 1e-10)
    far = binomial_likelihood(np.array([5000.0]), np.array([5000.0]), -2.926356588, 0.28065002636)
    close(far, -396.30157, 1e-6)
    found = pool_proportions(x.astype(int), n.astype(int))
    close([found.estimate, found.tau2], [-2.8429341, 37.09795], 1e-6)
    assert found.standard_error > 3.0
    with pytest.raises(EstimationError, match="rises without end"):
        pool_proportions([0, 20], [20, 20])
    assert pool_proportions([1, 0], [1, 1]).tau2 == 0


def test_one_table_does_not_disagree_with_itself():
    found = mantel_haenszel([0], [40], [4], [38], measure="risk_difference")
    close(found.estimate, -4 / 38, 1e-12)
    assert (found.q, found.q_df) == (0.0, 0)


def test_meta_regression_refuses_what_has_no_width_or_cannot_be_squared():
    moderator = {"x": [1, 2, 3]}
    with pytest.raises(EstimationError, match="no width"):
        meta_regression([0.1] * 3, [0.1] * 3, moderator)
    for y, s in (([1e300, 1.0, -1e300], [1.0] * 3), ([0.1, 0.2, 0.3], [1e-200] * 3)):
        with pytest.raises(EstimationError, match=r"meta_regression: .*change the unit"):
            meta_regression(y, s, moderator)


@pytest.mark.parametrize("measure", ["odds_ratio", "risk_ratio", "risk_difference"])
def test_events_in_everybody_are_no_contrast(measure):
    with pytest.raises(EstimationError, match="mantel_haenszel: no"):
        mantel_haenszel([5, 5], [5, 5], [5, 5], [5, 5], measure=measure)
