"""Pooling against metafor converged to the end, published cases, properties and bad input."""

from __future__ import annotations

import shutil
import subprocess
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from ashworth.errors import EstimationError, InputError
from ashworth.evidence import NarrowIntervalWarning, Pooled, pool
from ashworth.evidence.pooling.heterogeneity import log_likelihood
from ashworth.evidence.pooling.roots import gather

from .conftest import close, load, load_cases, load_data

VALUES = load("pooling")
CASES = load_cases()
STUDIES = load_data("studies")
MODELS = [v for v in VALUES if len(v.split()) == 3 and "likelihood" not in v]


def quietly(*columns, **options) -> Pooled:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NarrowIntervalWarning)
        return pool(*columns, **options)


def columns(name):
    part = STUDIES.filter(STUDIES["set"] == name)
    return part["estimate"], part["standard_error"]


def bcg(**options) -> Pooled:
    given_ = CASES["ma_bcg_input"]
    return quietly(given_["yi"], np.sqrt(given_["vi"]), **options)


@pytest.mark.parametrize("name", MODELS)
def test_pool_equals_metafor(name):
    """All numbers of all estimators and tests; metafor's own root of PM is exact to 1e-8 only."""
    want = VALUES[name]
    kind, method, test = name.split()
    rule = "normal" if test == "normal" else "k-1"
    found = quietly(*columns(kind), tau2_method=method, ci_method=test, prediction=rule)
    h, rtol = found.heterogeneity, 1e-8
    atol = 1e-9 if method in ("PM", "EB", "REML", "ML") else 1e-13
    close(found.estimate, want["estimate"], rtol, atol)
    close(found.standard_error, want["se"], rtol, atol)
    close([found.lower, found.upper], [*want["lower"], *want["upper"]], rtol, atol)
    close(found.p_value, want["p"], 1e-7, atol)
    close([h.tau2, h.standard_error], [*want["tau2"], *want["se_tau2"]], rtol, atol)
    close([h.q, h.p_value], [*want["q"], *want["q_p"]], 1e-10)
    share = h.i2_from_q_percent if method == "FE" else h.i2_from_tau2_percent
    close([share], want["i2"], rtol, 1e-7)
    close(found.log_likelihood, want["log_likelihood"], rtol)
    close([found.prediction.lower, found.prediction.upper], want["prediction"], rtol, atol)
    close(found.weights_percent, want["weights"], rtol, 1e-7)
    assert (found.n, found.options["tau2_method"]) == (want["k"][0], method)


def test_most_models_are_compared():
    assert len(MODELS) >= 200


@pytest.mark.parametrize("name", [v for v in VALUES if v not in MODELS])
def test_limits_of_tau2_equal_metafor_converged(name):
    kind, limits = name.split()[0], "q_profile" if "Q-" in name else "profile_likelihood"
    h = quietly(*columns(kind), tau2_limits=limits).heterogeneity
    close([h.lower, h.upper], VALUES[name]["limits"], 1e-8, 1e-10)
    if "i2" in VALUES[name]:
        close(h.i2_from_tau2_limits, VALUES[name]["i2"], 1e-8, 1e-8)


@pytest.mark.parametrize(
    ("case", "method", "test"),
    [("DL_hksj", "DL", "hksj"), ("HE", "HE", "normal"), ("SJ", "SJ", "normal"),
     ("SJ_hksj", "SJ", "hksj"), ("ML_hksj", "ML", "hksj"), ("REML_hksj", "REML", "hksj"),
     ("EB_hksj", "EB", "hksj"), ("PM", "PM", "normal"), ("PM_hksj", "PM", "hksj"),
     ("adhoc", "REML", "hksj_conservative"), ("t", "REML", "t")],
)  # fmt: skip
def test_tuberculosis_vaccine_trials(case, method, test):
    both = CASES["ma_bcg_adhoc_and_t"]
    want = both[case] if case in both else CASES[f"ma_bcg_{case}"]
    found = bcg(
        tau2_method=method, ci_method=test, prediction="normal" if test == "normal" else "k-1"
    )
    h, own = found.heterogeneity, found.interval
    close([found.estimate, own.standard_error, own.statistic, own.p_value],
          [want["b"], want["se"], want["stat"], want["p"]], 1e-10)  # fmt: skip
    close([own.lower, own.upper], want["ci"])
    close([h.tau2, h.standard_error, h.q, h.h2, h.i2_from_tau2_percent],
          [want["tau2"], want["se_tau2"], want["QE"], want["H2"], want["I2"]])  # fmt: skip
    close([found.prediction.lower, found.prediction.upper], want["pi"])
    close(found.log_likelihood, want["ll"])


def test_stock_limits_of_metafor_stop_early_and_ours_do_not():
    """confint() of metafor with its own tolerance (1.2e-4): off in the fifth digit.

    Q at a limit must be the chi-square quantile; with tol = 1e-14 metafor agrees with ours.
    """
    stock = CASES["ma_bcg_confint_tau2"]["QP_REML"]["by_row"][0][1:]
    h = bcg().heterogeneity
    close([h.lower, h.upper], stock, 3e-4)
    y, v = (np.array(CASES["ma_bcg_input"][c]) for c in ("yi", "vi"))

    def q(tau2):
        w = 1 / (v + tau2)
        return w @ (y - w @ y / w.sum()) ** 2

    close([q(h.lower), q(h.upper)], chi2.ppf([0.975, 0.025], 12), 1e-12)
    assert abs(q(stock[0]) / chi2.ppf(0.975, 12) - 1) > 1e-5
    close([h.lower, h.upper], [0.11971836114126073, 1.1114790840609292], 1e-13)
    p = bcg(tau2_limits="profile_likelihood").heterogeneity
    close([p.lower, p.upper], [0.11526610574805432, 0.96469532651420897], 1e-12)


def test_paule_mandel_is_the_exact_root():
    """Stock metafor 3.8: 0.318094; the root of Q(tau2) = k - 1 is 0.318068."""
    found = bcg(tau2_method="PM")
    y, v = (np.array(CASES["ma_bcg_input"][c]) for c in ("yi", "vi"))
    w = 1 / (v + found.tau2)
    close(w @ (y - w @ y / w.sum()) ** 2, 12.0, 1e-13)
    close(found.tau2, 0.318068452205024, 1e-12)


def test_prediction_interval_of_the_meta_package():
    """meta 6.0: k - 2 degrees of freedom and the plain variance, whatever the test."""
    found = bcg(ci_method="normal", prediction="k-2")
    want = CASES["ma_meta_pkg_pi"]
    close([found.prediction.lower, found.prediction.upper], want["pi"], 1e-6)
    limits = found.heterogeneity.i2_from_q_limits
    close(np.array(limits) / 100, want["I2_ci"], 1e-10)
    close(found.heterogeneity.i2_from_q_percent / 100, want["I2"], 1e-10)


def test_hksj_narrower_than_fixed_effect_warns_and_shows_the_conservative_one():
    with pytest.warns(NarrowIntervalWarning, match="conservative"):
        found = pool(*columns("alike"))
    assert found.tau2 == 0
    assert found.narrower_than_fixed_effect
    assert found.upper - found.lower < 0.05
    safe = found.conservative
    assert safe.upper - safe.lower > 0.5
    rows = found.summary()
    assert rows["model"].to_list()[1] == "random effects, conservative HKSJ"
    assert pool(*columns("alike"), ci_method="hksj_conservative").lower == safe.lower


def test_identical_studies():
    with pytest.raises(EstimationError, match="no width"):
        pool([0.4, 0.4, 0.4], [0.1, 0.2, 0.3])
    found = pool([0.4, 0.4, 0.4], [0.1, 0.2, 0.3], ci_method="hksj_conservative")
    assert (found.tau2, found.heterogeneity.q) == (0, 0)
    close(found.estimate, 0.4)
    assert found.upper == found.conservative.upper > 0.4
    assert quietly([0.4, 0.4], [0.1, 0.2], tau2_method="SJ", ci_method="t").tau2 == 0


def test_two_studies():
    found = pool([0.1, 0.9], [0.1, 0.12])
    assert found.upper - found.lower > 5, "t with one degree of freedom is wide"
    assert found.prediction.upper - found.prediction.lower > found.upper - found.lower
    undefined = pool([0.1, 0.9], [0.1, 0.12], prediction="k-2").prediction
    assert np.isnan(undefined.lower)
    assert "2 studies leave 0 degrees of freedom" in undefined.reason
    assert np.isnan(pool([0.1, 0.2], [0.1, 0.12]).heterogeneity.i2_from_q_limits[0])


def test_one_study_is_refused_with_its_own_number():
    with pytest.raises(EstimationError, match=r"1 study \(its own estimate is 0.4"):
        pool([0.4], [0.1])


def test_the_fixed_effect_model_predicts_nothing():
    found = pool([0.1, 0.9], [0.1, 0.12], tau2_method="FE", ci_method="normal")
    assert np.isnan(found.prediction.lower)
    assert "one true effect" in found.prediction.reason
    assert np.isnan(found.heterogeneity.lower)
    close(found.lower, found.fixed_effect.lower)


def test_all_faults_are_raised_together():
    with pytest.raises(InputError) as caught:
        pool([0.1, np.nan, 0.3, 0.4], [0.1, 0.2, 0.0, -1.0])
    assert {p.column for p in caught.value.problems} == {"estimate", "standard_error"}
    assert "from 0: 2, 3" in str(caught.value)
    with pytest.raises(InputError, match="3 values"):
        pool([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.1])
    with pytest.raises(InputError, match="more than once"):
        pool([0.1, 0.2], [0.1, 0.2], studies=["A", "A"])
    with pytest.raises(InputError, match="convert estimate"):
        pool(["a", "b"], [0.1, 0.2])


@pytest.mark.parametrize(
    ("options", "words"),
    [({"tau2_method": "DSL"}, "allowed: REML, DL"), ({"ci_method": "z"}, "allowed: hksj"),
     ({"level": 95}, "between 0 and 1"), ({"prediction": "k"}, "allowed: k-1"),
     ({"tau2_method": "DL", "tau2_limits": "profile_likelihood"}, "allowed: ML, REML")],
)  # fmt: skip
def test_unknown_options(options, words):
    with pytest.raises(EstimationError, match=words):
        pool([0.1, 0.2], [0.1, 0.2], **options)


def test_errors_a_million_times_apart_are_refused():
    with pytest.raises(EstimationError, match="factor of a million"):
        pool([0.1, 0.2], [1e-9, 1.0])
    with pytest.raises(EstimationError, match="change the unit"):
        pool([0.1, 0.2], [1e90, 2e90])
    assert pool([1e30, 3e30], [1e29, 2e29]).estimate == pytest.approx(2e30, rel=0.1)


def test_the_higher_of_two_maxima_is_taken():
    """The restricted likelihood of these studies has maxima near 0.095 and 17.98."""
    y = np.array([0.57, -0.14, -1.5, -15.19, 0.07, 0.84, 0.28, 4.67])
    s = np.array([0.19, 0.06, 1.78, 3.1, 0.05, 0.42, 0.21, 2.11])
    d = gather(y, s * s)
    grid = np.geomspace(1e-4, 300, 400)
    heights = np.array([log_likelihood(d, t, restricted=True) for t in grid])
    inner = heights[1:-1]
    assert ((inner > heights[:-2]) & (inner > heights[2:])).sum() == 2
    found = quietly(y, s)
    close(found.tau2, 17.98, 0.01)
    assert log_likelihood(d, found.tau2, restricted=True) >= heights.max()


def test_two_maxima_within_one_decade_are_told_apart():
    """Maxima near 0.219 and 2.737: eight steps over all scales saw one."""
    y = np.array([-0.984, -0.002, -0.222, 5.924, -0.262])
    s = np.array([0.2565, 0.9013, 0.17, 1.7775, 0.0537])
    d, found = gather(y, s * s), quietly(y, s)
    heights = [log_likelihood(d, t, restricted=True) for t in np.geomspace(1e-4, 100, 2000)]
    assert log_likelihood(d, found.tau2, restricted=True) >= max(heights)
    close(found.tau2, 2.737, 0.01)


estimates = st.lists(
    st.tuples(st.floats(-3, 3).map(lambda x: round(x, 3)), st.floats(0.05, 2)),
    min_size=2, max_size=12,
).filter(lambda pairs: len({y for y, _ in pairs}) > 1)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(estimates, st.sampled_from(["REML", "ML", "PM", "DL", "SJ", "HE"]), st.floats(0.01, 100))
def test_units_order_and_sign(pairs, method, scale):
    y, s = (np.array(c) for c in zip(*pairs, strict=True))
    found = quietly(y, s, tau2_method=method)
    turned = quietly(-scale * y[::-1], scale * s[::-1], tau2_method=method)
    size = scale * (np.abs(y).max() + s.max())
    close(turned.estimate, -scale * found.estimate, 1e-6, 1e-6 * size)
    close(turned.tau2, scale**2 * found.tau2, 1e-6, 1e-6 * size**2)
    close([turned.lower, turned.upper], [-scale * found.upper, -scale * found.lower], 1e-6,
          1e-5 * size)  # fmt: skip
    assert y.min() - 1e-9 <= found.estimate <= y.max() + 1e-9
    close(found.weights_percent.sum(), 100.0)
    h = found.heterogeneity
    assert 0 <= h.lower <= h.upper
    assert found.conservative.standard_error >= found.standard_error * (1 - 1e-12)


@settings(max_examples=30, deadline=None)
@given(estimates, st.booleans())
def test_no_value_of_tau2_is_likelier(pairs, restricted):
    y, s = (np.array(c) for c in zip(*pairs, strict=True))
    found = quietly(y, s, tau2_method="REML" if restricted else "ML")
    d = gather(y, s * s)
    best = log_likelihood(d, found.tau2, restricted=restricted)
    for tau2 in (0.0, *np.geomspace(1e-5, 100, 25)):
        assert log_likelihood(d, tau2, restricted=restricted) <= best + 1e-9


@pytest.mark.r
@pytest.mark.parametrize("data", ["riley2003 DFS", "riley2003 OS", "hackshaw1998"])
def test_prognostic_markers_and_passive_smoking(data):
    """Cases ma_prognostic_riley2003 and ma_hackshaw1998, on the data of R's metadat."""
    name, _, outcome = data.partition(" ")
    pick = f"d <- d[d$outcome == '{outcome}', ];" if outcome else ""
    code = (
        "if (!requireNamespace('metadat', quietly = TRUE)) quit(status = 3);"
        f"d <- metadat::dat.{name}; {pick} write.csv(d[, c('yi', 'vi')], row.names = FALSE)"
    )
    program = shutil.which("Rscript")
    assert program is not None
    done = subprocess.run([program, "-e", code], capture_output=True, check=False)
    if done.returncode == 3:
        pytest.skip("R has no metadat")
    d = pl.read_csv(done.stdout)
    y, s = d["yi"], d["vi"].sqrt()
    cases = CASES["ma_prognostic_riley2003"][outcome] if outcome else CASES["ma_hackshaw1998"]
    ways = {
        "reml": ("REML", "normal"), "reml_hksj": ("REML", "hksj"), "dl": ("DL", "normal"),
        "pm": ("PM", "normal"), "ee": ("FE", "normal"),
    }  # fmt: skip
    for key in set(ways) & set(cases):
        method, test = ways[key]
        want, exact = cases[key], method in ("DL", "FE")
        found = quietly(y, s, tau2_method=method, ci_method=test,
                        prediction="normal" if test == "normal" else "k-1")  # fmt: skip
        rtol = 1e-10 if exact else 1e-8
        close([found.estimate, found.standard_error], [want["b"], want["se"]], rtol)
        close([found.lower, found.upper], want["ci"], rtol)
        close([found.tau2, found.heterogeneity.q], [want["tau2"], want["QE"]], rtol)
        if method != "FE":
            close([found.prediction.lower, found.prediction.upper], want["pi"], rtol)
            close(found.heterogeneity.i2_from_tau2_percent, want["I2"], rtol)
