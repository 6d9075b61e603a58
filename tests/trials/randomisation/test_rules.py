"""The rule that allocates a patient, its compiled twin, and numbers made elsewhere."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import InputError
from ashworth.trials import (
    Past,
    allocate,
    allocation_scheme,
    randomisation_metrics,
    rerandomisation_test,
)
from ashworth.trials.randomisation.sequences import drawn_levels, drawn_uniforms, sequences

KNOWN = json.loads(
    (Path(__file__).parents[3] / "reference/trials/randomisation.json").read_text("utf-8")
)
FACTORS = {"site": ["x", "y", "z"], "line": ["first", "later"], "hr": ["neg", "pos"]}
FOUR = {"a": ["0", "1"], "b": ["0", "1"], "c": ["0", "1", "2"], "d": ["0", "1", "2"]}
ARMS = ["standard", "guided", "third"]
SCHEMES = {
    "simple": allocation_scheme("simple", ARMS, ratio=[2, 1, 1]),
    "blocks": allocation_scheme("permuted_blocks", ARMS, ratio=[2, 1, 1], factors=FACTORS,
                                strata=["site", "hr"], block_sizes=[4, 8]),
    "efron": allocation_scheme("efron", ARMS[:2], factors=FACTORS, strata=["site"]),
    "big stick": allocation_scheme("big_stick", ARMS[:2], limit=2),
    "urn": allocation_scheme("block_urn", ARMS, ratio=[3, 2, 1], urn_sets=2),
    "range": allocation_scheme("minimisation", ARMS, factors=FACTORS, weights=[2, 1, 1]),
    "variance": allocation_scheme("minimisation", ARMS, factors=FACTORS, measure="variance"),
    "sd": allocation_scheme("minimisation", ARMS, factors=FACTORS, measure="sd", strata=["hr"]),
    "marginal": allocation_scheme("minimisation", ARMS, factors=FACTORS, measure="marginal",
                                  p_table=[0.7, 0.2, 0.1]),
    "ratio": allocation_scheme("ratio_minimisation", ARMS[:2], ratio=[2, 1], factors=FACTORS),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEMES)
def test_simulated_rule_is_the_rule_that_allocates(name):
    scheme, n = SCHEMES[name], 60
    rows = np.arange(3)
    levels, uniforms = drawn_levels(scheme, 7, rows, n), drawn_uniforms(7, rows, n)
    many = sequences(scheme, levels, uniforms).arms
    for r in rows:
        past: list[Past] = []
        for i in range(n):
            factors = {f: known[levels[r, i, k]] for k, (f, known) in enumerate(scheme.factors)}
            made = allocate(scheme, past, factors, uniforms[r, i])
            assert sum(made.probabilities) == pytest.approx(1)
            assert made.arm == scheme.arms[many[r, i]]
            past.append(Past(made.arm, factors, made.block_size, made.slot))


@st.composite
def schemes(draw):
    """Any scheme of 2 to 4 arms, over factors of which some are strata."""
    method = draw(st.sampled_from(["simple", "permuted_blocks", "block_urn", "minimisation",
                                   "ratio_minimisation"]))  # fmt: skip
    arms = [f"arm {k}" for k in range(draw(st.integers(2, 4)))]
    equal = method == "minimisation"
    ratio = [1 if equal else draw(st.integers(1, 3)) for _ in arms]
    factors = {f"f{k}": ["u", "v", "w"][: draw(st.integers(2, 3))] for k in range(3)}
    strata = draw(st.lists(st.sampled_from(["f0", "f1"]), unique=True))
    measure = draw(st.sampled_from(["range", "variance", "sd", "marginal"]))
    return allocation_scheme(method, arms, ratio=ratio, factors=factors, strata=strata,
                             measure=measure)  # fmt: skip


@settings(max_examples=40)
@given(schemes(), st.integers(0, 2**31))
def test_any_scheme_is_simulated_as_it_allocates(scheme, seed):
    rows, n = np.arange(1), 25
    levels, uniforms = drawn_levels(scheme, seed, rows, n), drawn_uniforms(seed, rows, n)
    many, past = sequences(scheme, levels, uniforms).arms[0], []
    for i in range(n):
        factors = {f: known[levels[0, i, k]] for k, (f, known) in enumerate(scheme.factors)}
        made = allocate(scheme, past, factors, uniforms[0, i])
        assert min(made.probabilities) >= 0
        assert sum(made.probabilities) == pytest.approx(1)
        past.append(Past(made.arm, factors, made.block_size, made.slot))
    assert [p.arm for p in past] == [scheme.arms[a] for a in many]


@pytest.mark.parametrize("size", KNOWN["guess_rate_permuted_blocks"])
def test_guess_rate_of_permuted_blocks(size):
    scheme = allocation_scheme("permuted_blocks", ["a", "b"], block_sizes=[int(size)])
    made = randomisation_metrics(scheme, 10 * int(size), replicates=3000, seed=3)
    exact = float(Fraction(KNOWN["guess_rate_permuted_blocks"][size]))
    assert abs(made.guess_rate - exact) <= 4 * made.guess_rate_mcse + 1e-12
    assert made.guess_rate_mcse < 0.002
    assert made.imbalance == 0


@pytest.mark.parametrize("size", KNOWN["variance_at_random_stop"])
def test_variance_of_the_difference_inside_a_block(size):
    scheme = allocation_scheme("permuted_blocks", ["a", "b"], block_sizes=[int(size)])
    rows = np.arange(20_000)
    arms = sequences(scheme, drawn_levels(scheme, 1, rows, int(size)),
                     drawn_uniforms(1, rows, int(size))).arms  # fmt: skip
    squares = (np.cumsum(1 - 2 * arms, axis=1) ** 2).mean(axis=1)
    error = squares.std() / len(squares) ** 0.5
    assert abs(squares.mean() - KNOWN["variance_at_random_stop"][size]) < 4 * error + 1e-12


def test_efrons_coin_reaches_its_limit():
    made = randomisation_metrics(allocation_scheme("efron", ["a", "b"]), 100, replicates=20_000)
    exact = KNOWN["efron_two_thirds"]["mean_absolute_difference_even_n"]
    assert abs(made.imbalance - exact) < 4 * made.imbalance_mcse


@pytest.mark.parametrize("measure", ["range", "variance"])
def test_minimisation_is_as_balanced_as_elsewhere(measure):
    scheme = allocation_scheme("minimisation", ["a", "b"], factors=FOUR, measure=measure, p=0.8)
    made = randomisation_metrics(scheme, 100, replicates=40_000, seed=11)
    there = KNOWN["minimisation"]
    error = np.hypot(made.imbalance_mcse, there["mcse"])
    assert abs(made.imbalance - there["mean_absolute_difference"][measure]) < 4 * error
    assert made.margin_imbalance == pytest.approx(there["largest_margin"][measure], abs=0.03)


def test_simple_allocation_has_the_closed_form():
    made = randomisation_metrics(allocation_scheme("simple", ["a", "b"]), 100, replicates=20_000)
    exact = KNOWN["complete_100_mean_absolute_difference"]
    assert abs(made.imbalance - exact) < 4 * made.imbalance_mcse
    assert made.forcing_index == 0
    assert abs(made.guess_rate - 0.5) < 4 * made.guess_rate_mcse


@pytest.mark.parametrize("name", ["simple", "blocks", "ratio"])
def test_unequal_ratio_holds_at_every_position(name):
    made = randomisation_metrics(SCHEMES[name], 30, replicates=40_000, seed=5)
    assert made.ratio_deviation < 4.5


def exact_urn_shares(ratio, sets, n):
    """Chance of each arm at each position, by adding up all ways of the urn."""
    states, shares = {(0,) * len(ratio): 1.0}, []
    for _ in range(n):
        after, share = {}, [0.0] * len(ratio)
        for counts, chance in states.items():
            inside = sets + min(c // w for c, w in zip(counts, ratio, strict=True))
            balls = [w * inside - c for c, w in zip(counts, ratio, strict=True)]
            for arm, many in enumerate(balls):
                if many:
                    new = tuple(c + (k == arm) for k, c in enumerate(counts))
                    after[new] = after.get(new, 0.0) + chance * many / sum(balls)
                    share[arm] += chance * many / sum(balls)
        states = after
        shares.append(share)
    return np.array(shares)


def test_block_urn_has_its_exact_shares_which_are_not_the_ratio():
    made = randomisation_metrics(SCHEMES["urn"], 30, replicates=40_000, seed=5)
    exact = exact_urn_shares((3, 2, 1), 2, 30)
    spread = np.sqrt(exact * (1 - exact) / made.replicates)
    assert (np.abs(np.array(made.shares) - exact) < 4.5 * spread).all()
    assert np.abs(exact - np.array([3, 2, 1]) / 6).max() > 0.005


def test_big_stick_never_exceeds_its_limit():
    made = randomisation_metrics(SCHEMES["big stick"], 100, replicates=2000)
    assert made.largest_imbalance <= 2


def test_labels_do_not_matter():
    """Labels that are no numbers from 1 must not change the favoured arm's probability."""
    for arms in (["1", "2"], ["20", "10"]):
        scheme = allocation_scheme("minimisation", arms, factors={"f": ["u", "v"]}, p=0.8)
        past = [Past(arms[0], {"f": "u"}, 0, 0)]
        made = allocate(scheme, past, {"f": "u"}, [0.5, 0.5])
        assert made.probabilities == pytest.approx((0.2, 0.8))


def test_block_urn_of_one_set_is_the_permuted_block():
    urn = allocation_scheme("block_urn", ["a", "b"], urn_sets=1)
    assert allocate(urn, [Past("a", {})], {}, [0.0, 0.0]).probabilities == (0, 1)


def test_rerandomisation_counts_all_allocations():
    scheme = allocation_scheme("permuted_blocks", ["a", "b"], block_sizes=[2])
    made = rerandomisation_test(scheme, "abbaabab", [1, 5, 6, 2, 1, 7, 2, 6], replicates=20_000)
    assert made.p_value == pytest.approx(2 / 16, abs=0.01)
    null = rerandomisation_test(scheme, "abab", [1, 1, 1, 1], replicates=50)
    assert null.p_value == 1


def test_same_seed_same_metrics():
    scheme = SCHEMES["urn"]
    first, again = (randomisation_metrics(scheme, 20, replicates=500, seed=9) for _ in range(2))
    assert first == again
    assert first.table().height == 6


def faults(call) -> str:
    with pytest.raises(InputError) as found:
        call()
    return str(found.value)


def test_all_faults_of_a_scheme_at_once():
    text = faults(lambda: allocation_scheme("coin", ["a", "a"], ratio=[1, 0, 2], strata=["site"]))
    assert all(w in text for w in ("'coin'", "different names", "'ratio'", "name a factor"))


@pytest.mark.parametrize(("options", "words"), [
    ({"method": "efron", "ratio": [2, 1]}, "block_urn"),
    ({"method": "minimisation", "ratio": [2, 1], "factors": FACTORS}, "ratio_minimisation"),
    ({"method": "minimisation"}, "no factor to minimise"),
    ({"method": "permuted_blocks", "block_sizes": [3]}, "multiples of 2"),
    ({"method": "minimisation", "factors": FACTORS, "p_table": [0.2, 0.8]}, "falling"),
    ({"method": "minimisation", "factors": FACTORS, "weights": [1, 0, 1]}, "weights"),
    ({"method": "efron", "p": 0.4}, "'p'"),
    ({"method": "big_stick", "limit": 0}, "limit"),
])  # fmt: skip
def test_schemes_that_make_no_sense(options, words):
    assert words in faults(lambda: allocation_scheme(arms=["a", "b"], **options))


def test_patient_without_factor_or_of_unknown_level():
    scheme = SCHEMES["range"]
    text = faults(lambda: allocate(scheme, [], {"site": "w", "age": "old"}, [0.1, 0.1]))
    assert all(w in text for w in ("'w'", "line", "hr", "age"))
    assert "uniforms" in faults(lambda: allocate(SCHEMES["simple"], [], {}, [1.0, 0.1]))


def test_metrics_and_rerandomisation_refuse_nonsense():
    scheme = SCHEMES["simple"]
    assert "replicates" in faults(lambda: randomisation_metrics(scheme, 10, replicates=0))
    text = faults(lambda: rerandomisation_test(scheme, ["x"], [1.0, float("nan")]))
    assert all(w in text for w in ("'x'", "outcomes", "nan"))


@pytest.mark.parametrize("name", SCHEMES)
def test_scheme_survives_its_own_plain_values(name):
    scheme = SCHEMES[name]
    again = allocation_scheme(**json.loads(json.dumps(scheme.to_dict(), sort_keys=True)))
    assert again == scheme
    assert again.digest() == scheme.digest()
