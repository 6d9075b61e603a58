from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth import definitions
from ashworth import enumeration as en

counts = st.integers(0, 400)
volumes = st.sampled_from([2.5, 5.0, 7.5, 15.0, 30.0])
priors = st.one_of(
    st.builds(en.NegativeBinomial, mean=st.floats(0.01, 20), size=st.floats(0.05, 20)),
    st.builds(en.PoissonLognormal, log_mean=st.floats(-4, 3), log_sd=st.floats(0.1, 3)),
)
measurements = st.builds(
    en.Measurement, recovery=st.floats(0.2, 1.0), blank_rate=st.sampled_from([0.0, 0.01, 0.2])
)


@settings(deadline=None)
@given(st.lists(st.tuples(counts, volumes), min_size=1, max_size=5))
def test_counts_add_over_tubes(tubes_in):
    keys = {"patient_id": "p", "run_id": "r"}
    ids = [f"s{i}" for i in range(len(tubes_in))]
    frame = pl.DataFrame({"specimen_id": ids}).with_columns(
        pl.lit(v).alias(k) for k, v in keys.items()
    )
    specimens = frame.with_columns(
        pl.lit("blood").alias("matrix"), pl.lit("t").alias("timepoint"),
        pl.lit(0).alias("collected_day"),
    )  # fmt: skip
    runs = frame.with_columns(
        pl.lit("cellsearch-ctc").alias("assay"), pl.lit("done").alias("outcome")
    )
    table = frame.with_columns(
        pl.lit("ctc").alias("phenotype"), pl.lit("x").alias("caller"),
        pl.Series("n_cells", [n for n, _ in tubes_in]),
        pl.Series("volume_ml", [v for _, v in tubes_in]),
    )  # fmt: skip
    total = en.combine_tubes(table, specimens, runs).table()
    assert total["n_cells"][0] == sum(n for n, _ in tubes_in)
    assert total["volume_ml"][0] == sum(v for _, v in tubes_in)
    assert total["n_tubes"][0] == len(tubes_in)


@settings(deadline=None, max_examples=60)
@given(counts, volumes, st.integers(1, 12), priors, measurements)
def test_agreement_is_a_probability(n, volume, cut, prior, known):
    agreement = en.agreement_probability(n, volume, cut, prior, measurement=known)[0]
    reached = en.concentration_probability(n, volume, cut / volume, prior, measurement=known)[0]
    assert 0 <= agreement <= 1
    assert 0 <= reached <= 1
    more = en.concentration_probability(n + 1, volume, cut / volume, prior, measurement=known)[0]
    assert more >= reached - 1e-9


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 8), volumes, priors, measurements)
def test_disagreement_is_consistent(cut, volume, prior, known):
    """2 E[p (1 - p)] lies in [0, 1/2] and below 2 P (1 - P) of the population."""
    share = en.expected_positivity(cut, volume, prior, measurement=known)[0]
    found = en.disagreement_probability(cut, volume, population=prior, measurement=known)[0]
    assert -1e-9 <= found <= min(0.5, 2 * share * (1 - share)) + 1e-7


@given(st.floats(0.01, 5), volumes, st.floats(0.1, 0.9), st.integers(1, 6))
def test_more_recovery_detects_more(concentration, volume, recovery, cut):
    low, high = (
        en.detection_probability(concentration, volume, recovery=r, minimum_count=cut)
        for r in (recovery, recovery + 0.1)
    )
    assert high >= low
    needed = en.volume_for_detection(
        concentration, recovery=recovery, minimum_count=cut, probability=0.8
    )
    again = en.detection_probability(concentration, needed, recovery=recovery, minimum_count=cut)
    np.testing.assert_allclose(again, 0.8, rtol=1e-9)


@settings(deadline=None)
@given(counts, counts, volumes, volumes, st.sampled_from(["doubling", "minimum_likelihood"]))
def test_change_is_antisymmetric(n, m, v, w, rule):
    forth = en.change_test(n, m, v, w, two_sided=rule)
    back = en.change_test(m, n, w, v, two_sided=rule)
    np.testing.assert_allclose(forth.p_value, back.p_value, rtol=1e-7, atol=1e-300)
    assert 0 <= forth.p_value[0] <= 1
    turned = {"up": "down", "down": "up", "none": "none"}
    assert back.direction[0] == turned[forth.direction[0]]


@given(counts, volumes, st.floats(0.5, 0.999))
def test_intervals_hold_the_estimate(n, volume, level):
    limits = en.poisson_interval(n, volume, level=level)
    assert limits.lower <= limits.estimate <= limits.upper
    twice = en.poisson_interval(n, volume, level=level, per=2.0)
    np.testing.assert_allclose(twice.upper, 2 * limits.upper)


@given(st.integers(0, 60), st.integers(0, 60))
def test_proportions_mirror(x, rest):
    n = x + rest
    for method in ("clopper-pearson", "wilson"):
        one = en.proportion_interval(x, n, method=method)
        other = en.proportion_interval(rest, n, method=method)
        np.testing.assert_allclose(one.lower, 1 - other.upper, atol=1e-9)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 30), volumes), min_size=1, max_size=12))
def test_a_model_never_changes_exact_volumes(rows):
    from tests.enumeration.conftest import Tubes

    tables = Tubes.make([(f"p{i:02d}", "t", 0, "done", n, v) for i, (n, v) in enumerate(rows)])
    rule = definitions.load("positivity_rule", "ctc-metastatic-5")
    assay = definitions.load("assay", "cellsearch-ctc")
    plain = en.statuses(*tables, rule, assay=assay).table()
    model = en.statuses(*tables, rule, assay=assay, model="binomial_thinning").table()
    exact = plain["denominator"] <= 7.5
    assert plain.filter(exact).equals(model.filter(exact))
    assert (model.filter(~exact)["status"] != "not_assessable").all()
    assert (plain.filter(~exact)["status"] == "not_assessable").all()
