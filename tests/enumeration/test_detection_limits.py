"""Limits of blank and detection: R's numbers, exactness by sums and by simulation, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import nbinom, norm, poisson

from ashworth import enumeration as en
from ashworth.errors import EstimationError, InputError

FEW = pytest.mark.filterwarnings("ignore::ashworth.enumeration.FewMeasurementsWarning")
BLANK = [2.1, -0.4, 3.3, 1.8, 0.2, 2.6, 4.0, 1.1, 0.9, 3.1, 2.2, 1.4, -1.0, 2.9, 3.6, 0.5, 1.9,
         2.4, 5.1, 1.2, 0.1, 2.0, 3.8, 1.6, 2.7, 0.8, 1.5, 4.4, 2.3, 1.0]  # fmt: skip
LOW = [9.1, 8.2, 10.4, 9.9, 7.8, 14.2, 12.9, 15.5, 13.1, 20.2, 18.8, 22.1, 19.5, 21.0, 17.3]
OF = ["a"] * 5 + ["b"] * 4 + ["c"] * 6
HITS, LEVELS = [6, 11, 16, 19, 20], [1, 2, 4, 8, 16]
SPIKED = [0, 0, 5, 5, 10, 10, 50, 50, 500, 500]
FOUND = [0, 1, 4, 5, 7, 10, 41, 45, 430, 417]


@FEW
def test_limit_of_blank_equals_r(r_values):
    ranks = [en.limit_of_blank(BLANK, alpha=a).estimate for a in (0.05, 0.1)]
    assert_allclose(ranks, r_values["lob_classical"], rtol=1e-13)
    two = np.arange(30) % 2
    moments = en.limit_of_blank(BLANK, samples=two, method="parametric")
    assert_allclose(moments.estimate, r_values["lob_parametric"], rtol=1e-13)
    limits = r_values["lob_parametric_limits"]
    assert_allclose([moments.lower, moments.upper], limits, rtol=1e-9)
    assert (moments.n, moments.n_samples, moments.degrees_of_freedom) == (30, 2, 28)
    assert moments.method == "EP17-A2 parametric"
    assert moments.table()["kind"].to_list() == ["limit_of_blank"]


def test_rank_limits_are_order_statistics(r_values):
    found = en.limit_of_blank(np.arange(1, 201))
    assert [found.lower, found.upper] == r_values["lob_rank_limits"].tolist()
    assert found.estimate == 190.5
    assert en.limit_of_blank(np.arange(60)).upper == np.inf


@FEW
def test_limit_of_detection_equals_r(r_values):
    found = en.limit_of_detection(LOW, OF, blank=4.2)
    assert_allclose(found.estimate, r_values["lod_classical"], rtol=1e-13)
    assert_allclose(
        [found.standard_deviation, found.degrees_of_freedom], r_values["lod_pooled_sd"], rtol=1e-13
    )
    whole = en.limit_of_detection(LOW, OF, blank=en.limit_of_blank(BLANK))
    assert_allclose(whole.estimate, found.estimate + 0.2, rtol=1e-13)
    assert found.lower < found.estimate < found.upper
    assert "limit_of_blank" in whole.options


def test_the_limits_of_both_cover_the_truth():
    """Gaussian results, 2,000 experiments of 60: 95 % limits, binomial band of five errors."""
    rng = np.random.default_rng(1)
    truth = norm.ppf(0.95)
    hits = np.zeros(3)
    for _ in range(2000):
        blanks = rng.normal(size=60)
        samples = np.repeat(np.arange(5), 12)
        low = rng.normal(samples * 3.0 + 4.0)
        for i, (found, true) in enumerate((
            (en.limit_of_blank(blanks), truth),
            (en.limit_of_blank(blanks, method="parametric"), truth),
            (en.limit_of_detection(low, samples, blank=truth), 2 * truth),
        )):  # fmt: skip
            hits[i] += found.lower <= true <= found.upper
    assert hits[0] >= 2000 * 0.95 - 5 * np.sqrt(2000 * 0.95 * 0.05)
    assert_allclose(hits[1:] / 2000, 0.95, atol=5 * np.sqrt(0.95 * 0.05 / 2000))


def test_few_results_are_warned_and_too_few_refused():
    with pytest.warns(en.FewMeasurementsWarning, match="30 results of blanks"):
        en.limit_of_blank(BLANK)
    with pytest.warns(en.FewMeasurementsWarning, match="15 results of low-level samples"):
        en.limit_of_detection(LOW, OF, blank=1.0)
    with pytest.warns(en.FewMeasurementsWarning, match="5 results of blanks"):
        en.count_limits([0, 0, 0, 1, 0], 7.5)
    with pytest.warns(en.FewMeasurementsWarning, match="50 results of spiked samples"):
        en.detection_curve(LEVELS, [2, 5, 7, 9, 10], 10)


@FEW
@pytest.mark.parametrize("n", [1, 9])
def test_ranks_need_ten_blanks(n):
    with pytest.raises(EstimationError, match=rf"found {n} blanks; allowed: at least 10"):
        en.limit_of_blank(BLANK[:n])
    assert en.limit_of_blank(BLANK[:10]).estimate == 4.0


@FEW
def test_a_sample_measured_once_has_no_spread():
    with pytest.raises(EstimationError, match="no two results of one sample"):
        en.limit_of_detection([3.0, 4.0], ["a", "b"], blank=0.0)
    with pytest.raises(EstimationError, match="no two results of one sample"):
        en.limit_of_blank([3.0], method="parametric")


def faults(call, *args, **options):
    with pytest.raises(InputError) as caught:
        call(*args, **options)
    return [(p.table, p.row, p.column, p.found) for p in caught.value.problems]


def test_bad_input_is_named():
    assert faults(en.limit_of_blank, []) == [("blanks", None, None, "no results")]
    assert faults(en.limit_of_blank, [1.0, np.nan, np.inf]) == [
        ("blanks", 2, None, "nan"), ("blanks", 3, None, "inf")
    ]  # fmt: skip
    assert faults(en.limit_of_detection, [1.0, 2.0], ["a", None], blank=0.0)[0][1:3] == (
        2,
        "sample",
    )
    assert faults(en.limit_of_detection, [1.0, 2.0], ["a"], blank=0.0)[0][3] == (
        "1 samples for 2 results"
    )
    assert faults(en.count_limits, [0, -1, 0.5], [7.5, 0, 7.5]) == [
        ("blanks", 2, "n_cells", "-1"), ("blanks", 3, "n_cells", "0.5"),
        ("blanks", 2, "amount", "0"), ("blanks", None, "amount", "different amounts"),
    ]  # fmt: skip
    assert faults(en.count_limits, [], 7.5) == [("blanks", None, None, "no results")]
    assert faults(en.count_limits, [0, 0], [7.5, 7.5, 7.5])[0][3] == "3 amounts for 2 blanks"
    assert faults(en.count_limits, [0, 0], 7.5, analysed=0)[0][2] == "analysed"
    assert faults(en.detection_curve, [1, np.nan, -1], [1, 1, 3], [2, 2, 2]) == [
        ("spikes", 2, "level", "nan"), ("spikes", 3, "level", "-1"), ("spikes", 3, "detected", "3")
    ]  # fmt: skip
    assert faults(en.detection_curve, [1, 2], [1])[0][3].startswith("2 levels, 1 detected")
    assert faults(en.recovery_line, [-1, 2], [1, np.nan]) == [
        ("spikes", 1, "found", "-1"), ("spikes", 2, "spiked", "nan")
    ]  # fmt: skip
    assert faults(en.recovery_line, [1, 2], [1])[0][3] == "2 found, 1 spiked"


@pytest.mark.parametrize(
    ("call", "options"),
    [(en.limit_of_blank, {"alpha": 0}), (en.limit_of_blank, {"method": "ranks"}),
     (en.count_limits, {"amount": 7.5, "family": "normal"}),
     (en.count_limits, {"amount": 7.5, "recovery": 1.2}),
     (en.count_limits, {"amount": 7.5, "level": 95})],
)  # fmt: skip
def test_wrong_options_are_refused(call, options):
    with pytest.raises(ValueError, match=r"allowed|need"):
        call(np.zeros(60), **options)


def limits_at(mean, *, family="poisson", **options):
    """Limits of 10,000 blanks in an amount of 1 with exactly this mean."""
    counts = np.zeros(10_000)
    counts[: round(mean * 10_000) % 10_000] = 1
    counts += round(mean * 10_000) // 10_000
    return en.count_limits(counts, 1.0, family=family, **options)


@pytest.mark.parametrize(("i", "mean"), list(enumerate([0, 0.02, 0.12, 0.5, 2.7, 11])))
def test_limits_of_poisson_counts_equal_r(r_values, i, mean):
    found = limits_at(mean)
    assert found.limit_of_blank == r_values["lob_poisson"][i]
    assert found.limit_of_blank == en.smallest_cutoff(mean)[0] - 1
    assert_allclose(found.limit_of_detection, r_values["lod_poisson"][i], rtol=1e-9)
    half = limits_at(mean, recovery=0.5)
    assert_allclose(half.limit_of_detection, 2 * found.limit_of_detection, rtol=1e-9)
    exceeded = en.detection_probability(
        found.limit_of_detection, 1.0, minimum_count=found.limit_of_blank + 1, blank_rate=mean
    )
    assert_allclose(exceeded, 0.95, rtol=1e-9)
    assert_allclose(
        found.false_positive_probability, poisson.sf(found.limit_of_blank, mean), atol=1e-12
    )


@pytest.mark.parametrize(("i", "mean"), list(enumerate([0.02, 0.12, 0.5, 2.7, 11])))
def test_overdispersed_limits_equal_r(r_values, i, mean):
    from ashworth.enumeration import exact_limits

    blank = exact_limits._largest_blank(mean, 0.4, 0.05)
    assert blank == r_values["lob_negative_binomial"][i]
    needed = exact_limits._needed(blank, mean, 0.4, 5.0, 0.05)
    assert_allclose(needed, r_values["lod_overdispersed"][i], rtol=1e-9)


def test_blanks_of_differing_donors():
    rng = np.random.default_rng(4)
    counts = rng.negative_binomial(0.3, 0.3 / (0.3 + 1.2), 400)
    plain = en.count_limits(counts, 7.5)
    spread = en.count_limits(counts, 7.5, family="negative_binomial")
    assert plain.dispersion_p_value < 1e-6
    assert spread.limit_of_blank > plain.limit_of_blank
    assert spread.blank_rate == pytest.approx(plain.blank_rate, rel=1e-6)
    assert spread.blank_rate_upper - spread.blank_rate_lower > (
        plain.blank_rate_upper - plain.blank_rate_lower
    )
    size = spread.options["blank_size"]
    p = size / (size + 7.5 * spread.blank_rate)
    assert (
        nbinom.sf(spread.limit_of_blank, size, p)
        <= 0.05
        < nbinom.sf(spread.limit_of_blank - 1, size, p)
    )
    with pytest.raises(EstimationError):
        en.count_limits(np.zeros(100), 7.5, family="negative_binomial")


def test_no_cell_in_sixty_blanks_still_has_an_upper_limit():
    found = en.count_limits(np.zeros(60), 7.5)
    assert (found.blank_rate, found.blank_rate_lower) == (0.0, 0.0)
    assert found.blank_rate_upper == pytest.approx(-np.log(0.025) / 450)
    assert (found.limit_of_blank, found.limit_of_blank_upper) == (0, 1)
    assert np.isnan(found.dispersion_p_value)
    assert found.table()["quantity"].to_list() == [
        "blank_rate", "limit_of_blank", "limit_of_detection"
    ]  # fmt: skip


def test_other_amounts_than_that_of_the_blanks():
    counts, amounts = np.r_[np.zeros(90), np.ones(10)], np.r_[np.full(50, 7.5), np.full(50, 15.0)]
    found = en.count_limits(counts, amounts, analysed=30.0)
    assert found.blank_rate == pytest.approx(10 / 1125)
    assert found.limit_of_blank == poisson.ppf(0.95, 30 * 10 / 1125)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=60, max_size=80),
    st.floats(0.5, 30), st.floats(0.3, 1.0), st.sampled_from([0.5, 3.0, np.inf]),
)  # fmt: skip
def test_estimates_lie_within_their_limits(counts, amount, recovery, spike_size):
    found = en.count_limits(counts, amount, recovery=recovery, spike_size=spike_size)
    for name in ("blank_rate", "limit_of_blank", "limit_of_detection"):
        low, high = getattr(found, f"{name}_lower"), getattr(found, f"{name}_upper")
        assert low * (1 - 1e-9) <= getattr(found, name) <= high * (1 + 1e-9)
    assert found.false_positive_probability <= 0.05
    mean = np.linspace(found.blank_rate_lower, found.blank_rate_upper, 9)[1:-1] * amount
    from ashworth.enumeration.exact_limits import _largest_blank, _needed

    for m in mean:
        need = _needed(_largest_blank(m, np.inf, 0.05), m, np.inf, spike_size, 0.05)
        per_unit = need / (recovery * amount)
        assert found.limit_of_detection_lower * (1 - 1e-9) <= per_unit
        assert per_unit <= found.limit_of_detection_upper * (1 + 1e-9)


@pytest.mark.parametrize("link", ["probit", "logit"])
@pytest.mark.parametrize("scale", ["log10", "linear"])
def test_curves_equal_r(r_values, link, scale):
    fit = en.detection_curve(LEVELS, HITS, 20, link=link, scale=scale)
    r = r_values[f"curve_{link}_{scale}"]
    assert_allclose([fit.intercept, fit.slope], r[:2], rtol=1e-8)
    assert_allclose(fit.covariance[[0, 1, 1], [0, 0, 1]], r[2:5], rtol=1e-6)
    at = np.log10(fit.limit_of_detection) if scale == "log10" else fit.limit_of_detection
    assert_allclose([at, fit.standard_error], r[5:7], rtol=1e-7)
    assert_allclose(fit.deviance, r[7], rtol=1e-7)
    assert_allclose(fit.detected(fit.limit_of_detection), 0.95, rtol=1e-12)
    assert (fit.n, fit.n_detected, fit.n_levels, fit.degrees_of_freedom) == (100, 72, 5, 3)
    one_by_one = en.detection_curve(
        np.repeat(LEVELS, 20), np.concatenate([np.arange(20) < h for h in HITS]), link=link,
        scale=scale,
    )  # fmt: skip
    assert_allclose(one_by_one.limit_of_detection, fit.limit_of_detection, rtol=1e-9)
    assert_allclose(one_by_one.deviance, fit.deviance, rtol=1e-8)


def test_fiellers_limits_solve_their_equation():
    fit = en.detection_curve(LEVELS, HITS, 20)
    z = norm.ppf(0.975)
    for x in np.log10([fit.lower, fit.upper]):
        v = np.array([1, x]) @ fit.covariance @ np.array([1, x])
        off = fit.intercept + fit.slope * x - norm.ppf(0.95)
        assert_allclose(off**2, z**2 * v, rtol=1e-9)
    flat = en.detection_curve([1, 2, 4], [10, 9, 12], 20)
    assert (flat.lower, flat.upper) == (0.0, np.inf)


def test_blanks_and_extreme_levels_in_a_curve():
    with_blank = en.detection_curve([0, *LEVELS], [1, *HITS], 20)
    assert (with_blank.n_blank, with_blank.n) == (20, 100)
    plain = en.detection_curve(LEVELS, HITS, 20)
    assert with_blank.limit_of_detection == plain.limit_of_detection
    wide = en.detection_curve([1e-9, 1, 2, 4, 1e9], [0, 5, 50, 95, 100], 100)
    near = en.detection_curve([1, 2, 4], [5, 50, 95], 100)
    assert_allclose(wide.limit_of_detection, near.limit_of_detection, rtol=1e-6)


@pytest.mark.parametrize(
    ("hits", "text"),
    [([0, 0, 20], "overlap"), ([0, 10, 20], "overlap"), ([20, 20, 20], "overlap"),
     ([0, 0, 0], "overlap"), ([19, 10, 2], "falls")],
)  # fmt: skip
def test_curves_without_an_answer_are_refused(hits, text):
    with pytest.raises(EstimationError, match=text):
        en.detection_curve([1, 2, 4], hits, 20)


@pytest.mark.parametrize(
    ("weights", "case"),
    [("equal", "equal"), ("inverse_spiked", "inverse"), ([1, 2] * 5, "given")],
)
def test_recovery_line_equals_r(r_values, weights, case):
    line = en.recovery_line(FOUND, SPIKED, weights=weights)
    r = r_values[f"recovery_{case}"]
    got = [line.intercept, line.slope, line.intercept_lower, line.intercept_upper,
           line.slope_lower, line.slope_upper, line.residual_deviation,
           line.covariance[0, 1]]  # fmt: skip
    assert_allclose(got, r, rtol=1e-9)
    assert line.table()["parameter"].to_list() == ["slope", "intercept"]


def test_recovery_line_needs_levels():
    with pytest.raises(EstimationError, match="at least three"):
        en.recovery_line([1, 2], [1, 2])
    with pytest.raises(EstimationError, match="1 levels"):
        en.recovery_line([1, 2, 3], [5, 5, 5])
    with pytest.raises(EstimationError, match="two weighted"):
        en.recovery_line([1, 2, 3], [1, 2, 3], weights=[1, 1, 0])
    with pytest.raises(ValueError, match="weights"):
        en.recovery_line([1, 2, 3], [1, 2, 3], weights=[1, 1, -1])
    exact = en.recovery_line([0, 85, 850], [0, 100, 1000])
    assert_allclose([exact.slope, exact.intercept], [0.85, 0], atol=1e-12)
