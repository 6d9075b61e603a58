"""Cox fits that lead Newton's method astray: extreme offsets, overshoots, hidden recession.

Finite or infinite is checked by linear programming on all contrasts, and finite answers by the
definition of the likelihood: nothing near them may be larger.
"""

from __future__ import annotations

import time as clock
import warnings

import numpy as np
import pytest
from scipy.optimize import linprog

from ashworth.errors import (
    AshworthWarning,
    EstimationError,
    FewEventsWarning,
    InputError,
    MonotoneLikelihoodWarning,
)
from ashworth.survival import cox, kaplan_meier, log_rank

_DIED = [
    2, 3, 4, 5, 6, 7, 9, 11, 12, 13, *[14] * 9, *[15] * 5, 16, 22, 23, 24, 26, 27, 28, 35, 40, 63,
    64,
]  # fmt: skip
_CENSORED = [
    17, 18, 19, 20, 20, 29, 37, 38, 42, 44, 45, 49, 50, 51, 52, 53, 56, 59, 60, 61, 62, 65, 66, 67,
    68, 69, 70, 71,
]  # fmt: skip


def test_vanishing_information_with_offsets_does_not_hang():
    x = [[0.397, -0.534], [0.519, 0.64], [-2.067, -1.005], [-1.336, 1.119], [0.2526, -0.8947]]
    with pytest.warns(MonotoneLikelihoodWarning), pytest.warns(FewEventsWarning):
        found = cox([4, 2, 2, 4, 2], [0, 1, 0, 0, 0], x, offset=[-4.37, -4.13, 1.6, -2.75, 6.8])
    assert np.isinf(found.coefficients).all()
    assert found.log_likelihood == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("time", "event", "x", "offset"),
    [
        ([1, 3], [1, 0], [1.35, 5.85], [-1.4, 40.0]),
        ([2, 3, 5], [1, 0, 0], [1.0, 2.0, 3.0], [-20.0, 30.0, 80.0]),
    ],
)
def test_far_offsets_do_not_make_a_covariate_constant(time, event, x, offset):
    with pytest.warns(MonotoneLikelihoodWarning):
        found = cox(time, event, x, offset=offset)
    assert found.coefficients.tolist() == [-np.inf]
    assert found.converged


def test_overshot_binary_comes_back():
    time = np.array([*_DIED, *_CENSORED], dtype=float)
    event = np.arange(time.size) < len(_DIED)
    rare = (time == 2).astype(float)
    with pytest.warns(MonotoneLikelihoodWarning, match="marker"):
        found = cox(time, event, {"marker": event * 1.0, "rare": rare}, ties="breslow")
    assert found.coefficients.tolist() == [np.inf, np.inf]
    later = event & (time > 2)
    empty = cox(time[later], event[later], np.arange(later.sum()) % 2, ties="breslow")
    assert found.log_likelihood == pytest.approx(empty.log_likelihood_null, rel=1e-12)


def test_balanced_far_offsets_are_finite():
    found = cox([1, 2, 3, 4], [1, 0, 1, 0], [1.0, 0.0, 0.0, 1.0], entry=[0, 0, 2, 2],
                offset=[20.0, 0.0, 20.0, 0.0])  # fmt: skip
    assert found.coefficients[0] == pytest.approx(0, abs=1e-6)
    assert found.standard_errors[0] == pytest.approx(np.sqrt(np.exp(20) / 2), rel=1e-6)


def test_a_maximum_beyond_double_precision_is_refused():
    first = [-3, 1, 2, 2, 0, 0]
    second = [-2.9991483572842075, 1.000810235623268, 1.9972524931277744, 2.00013556854993,
              -0.00010766950697364214, -0.0009913146990319828]  # fmt: skip
    x = np.column_stack([first, second])
    offset = [-20.42, 48.96, -37.76, 10.4, 24.84, 32.44]
    with pytest.raises(EstimationError, match="no maximum of the partial likelihood"):
        cox([2, 1, 3, 3, 3, 2], [1, 0, 0, 0, 0, 1], x, offset=offset, ties="breslow")


def draw(rng, i):
    n, p = int(rng.integers(2, 13)), int(rng.integers(1, 5))
    x = rng.normal(size=(n, p)) if i % 2 else rng.choice([0.0, 1.0, 2.0, -3.0], size=(n, p))
    time = rng.integers(1, rng.choice([4, 7, 30]), n).astype(float)
    event = rng.random(n) < rng.choice([0.3, 0.6, 1.0])
    event[rng.integers(n)] = True
    options = {}
    if i % 3:
        options["offset"] = rng.uniform(-1, 1, n) * rng.choice([1, 8, 20, 50])
    if i % 4 == 0:
        options["weights"] = rng.uniform(0.1, 3, n)
    if i % 4 == 1:
        options["entry"] = np.floor(time * rng.random(n) * 0.99)
    if i % 5 == 0:
        options["strata"] = rng.integers(0, 2, n)
    return time, event, x, options, ("efron", "breslow")[int(rng.integers(2))]


def risk_sets(time, event, options):
    entry = options.get("entry", np.full(time.size, -1.0))
    stratum = options.get("strata", np.zeros(time.size))
    for g in np.unique(stratum):
        for t in np.unique(time[event & (stratum == g)]):
            here = (time >= t) & (entry < t) & (stratum == g)
            yield here, here & event & (time == t)


def is_monotone(time, event, x, options):
    sets = list(risk_sets(time, event, options))
    rows = np.concatenate([x[i] - x[r] for r, d in sets for i in np.flatnonzero(d)])
    rows = rows[np.abs(rows).max(axis=1) > 0]
    if rows.shape[0] == 0:
        return False
    zero = np.zeros(rows.shape[0])
    found = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=zero, bounds=(-1, 1), method="highs")
    return -found.fun > 1e-6


def log_likelihood(beta, time, event, x, options, ties):
    eta = x @ beta + options.get("offset", np.zeros(time.size))
    w = options.get("weights", np.ones(time.size))
    total = 0.0
    for here, dead in risk_sets(time, event, options):
        top, d = eta[here].max(), int(dead.sum())
        total += (w * (eta - top))[dead].sum()
        for k in range(d):
            part = 1 - dead[here] * (k / d if ties == "efron" else 0)
            total -= w[dead].mean() * np.log((w[here] * np.exp(eta[here] - top) * part).sum())
    return total


def assert_nothing_near_is_larger(found, problem, ties):
    known = np.isfinite(found.coefficients)
    beta = np.where(known, found.coefficients, 0.0)
    best = log_likelihood(beta, *problem, ties)
    assert found.log_likelihood == pytest.approx(best, rel=1e-9, abs=1e-9)
    for j in np.flatnonzero(known):
        step = np.zeros(beta.size)
        step[j] = 1e-3 * min(found.standard_errors[j], 1.0)
        up, down = (log_likelihood(beta + s * step, *problem, ties) for s in (1, -1))
        assert max(up, down) <= best + 1e-11 * (1 + abs(best))
        assert abs(up - down) < 2e-8


def test_tiny_studies_agree_with_linear_programming():
    rng, kinds = np.random.default_rng(20), {"finite": 0, "infinite": 0, "refused": 0}
    for i in range(600):
        *problem, ties = draw(rng, i)
        time, event, x, options = problem
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AshworthWarning)
            began = clock.perf_counter()
            try:
                found = cox(time, event, x, ties=ties, **options)
            except EstimationError:
                kinds["refused"] += 1
                continue
        assert clock.perf_counter() - began < 1, i
        assert found.converged
        infinite = bool(np.isinf(found.coefficients).any())
        assert infinite == is_monotone(*problem), i
        kinds["infinite" if infinite else "finite"] += 1
        if not infinite:
            assert_nothing_near_is_larger(found, problem, ties)
    assert kinds["finite"] > 200
    assert kinds["infinite"] > 150
    assert kinds["refused"] < 10


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: log_rank([1, 2], [1, 1], [0, 1], rho="1"), "rho is '1'"),
        (lambda: log_rank([1, 2], [1, 1], [0, 1], tie_tolerance=None), "tie_tolerance is None"),
        (lambda: kaplan_meier([1, 2], [1, 1], level="0.95"), "level is '0.95'"),
        (lambda: kaplan_meier([1, 2], [1, 1], ci=["plain"]), "ci is"),
        (lambda: cox([1, 2], [1, 1], [0, 1], ties=None), "ties is None"),
        (lambda: cox([1, 2, 3], [1, 1, 0], [1e200, 3e200, 2e200]), "too large"),
    ],
)
def test_wrong_options_and_sizes_are_refused(call, words):
    with pytest.raises(EstimationError, match=words):
        call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cox([1, 2], [1, 1], [[0, 1], [1, 0]], names=["a", "a"]), "a more than once"),
        (lambda: cox([1, 2], [1, 1], [0, 1], weights=[1, -1]), "number of subjects"),
        (lambda: kaplan_meier([1, 2], [1, 1], weights=[0, 0]), "only zeros"),
    ],
)
def test_wrong_names_and_weights_are_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
