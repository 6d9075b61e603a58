"""Two-stage and single-stage designs of one arm."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from ashworth.errors import EstimationError
from ashworth.trials import simon_two_stage, single_arm_size

from .conftest import MADE, PRINTED, entries


def stages(design):
    return f"{design.r1}/{design.n1} {design.r}/{design.n}"


@pytest.mark.parametrize("kind", ["Optimal", "Minimax"])
def test_designs_equal_lrstat(kind):
    found = entries(rf"simon2\.p0_([\d.]+)\.p1_([\d.]+)\.a([\d.]+)\.b([\d.]+)\.{kind}")
    assert found
    for made, p0, p1, alpha, beta in found:
        design = getattr(simon_two_stage(p0, p1, alpha=alpha, beta=beta), kind.lower())
        assert (design.r1, design.n1, design.r, design.n) == (
            made["r1"], made["n1"], made["r"], made["n"])  # fmt: skip
        assert (design.expected_p0, design.stop_p0, design.type_1_error, design.power) == (
            pytest.approx((made["EN"], made["PET"], made["a"], made["power"]), rel=1e-11)
        )


@pytest.mark.parametrize(
    ("p0", "p1", "beta", "optimal", "expected", "minimax", "expected_minimax"),
    PRINTED["simon_1989"]["value"],
)
def test_designs_equal_simons_table(
    p0, p1, beta, optimal, expected, minimax, expected_minimax
):  # fmt: skip
    found = simon_two_stage(p0, p1, beta=beta)
    assert stages(found.optimal) == optimal
    assert stages(found.minimax) == minimax
    assert round(found.optimal.expected_p0, 1) == expected
    assert round(found.minimax.expected_p0, 1) == expected_minimax


def by_enumeration(p0, p1, alpha, beta, most):
    """Expected size, n and stages of every design that keeps both errors."""
    for n in range(2, most + 1):
        for n1 in range(1, n):
            first = [binom.pmf(range(n1 + 1), n1, p) for p in (p0, p1)]
            for r1 in range(n1):
                for r in range(r1 + 1, n):
                    power = [
                        sum(f[x] * binom.sf(r - x, n - n1, p) for x in range(r1 + 1, n1 + 1))
                        for f, p in zip(first, (p0, p1), strict=True)
                    ]
                    if power[0] <= alpha and power[1] >= 1 - beta:
                        yield n1 + (1 - first[0][: r1 + 1].sum()) * (n - n1), n, (r1, n1, r)


@pytest.mark.parametrize(
    ("p0", "p1", "alpha", "beta"),
    [(0.1, 0.5, 0.1, 0.2), (0.5, 0.9, 0.1, 0.1), (0.01, 0.9, 0.05, 0.2), (0.7, 0.95, 0.2, 0.2)],
)
def test_no_design_was_overlooked(p0, p1, alpha, beta):
    found = simon_two_stage(p0, p1, alpha=alpha, beta=beta)
    designs = list(by_enumeration(p0, p1, alpha, beta, found.searched_to + 2))
    expected, n, (r1, n1, r) = min(designs)
    assert stages(found.optimal) == f"{r1}/{n1} {r}/{n}"
    smallest = min(n for _, n, _ in designs)
    expected, n, (r1, n1, r) = min(d for d in designs if d[1] == smallest)
    assert stages(found.minimax) == f"{r1}/{n1} {r}/{n}"
    assert found.minimax.expected_p0 == pytest.approx(expected)
    for design in found.admissible:
        middle = (design.weight_from + design.weight_to) / 2
        score = middle * design.n + (1 - middle) * design.expected_p0
        assert score <= min(middle * n + (1 - middle) * e for e, n, _ in designs) + 1e-9


def test_admissible_designs_share_all_weights():
    found = simon_two_stage(0.1, 0.3)
    assert [stages(d) for d in found.admissible] == [
        "1/15 5/25", "1/12 5/26", "1/11 5/27", "1/10 5/29"]  # fmt: skip
    assert found.admissible[0].weight_to == 1.0
    assert found.admissible[-1].weight_from == 0.0
    for left, right in zip(found.admissible, found.admissible[1:], strict=False):
        assert left.weight_from == right.weight_to
    assert found.table().height == 4
    assert found.table()["kind"][0] == "minimax"
    assert MADE["simon2.p0_0.1.p1_0.3.a0.05.b0.2.Minimax"]["n"] == found.minimax.n


@pytest.mark.parametrize(("p0", "p1", "alpha", "beta", "n", "responses"),
                         PRINTED["ahern_2001"]["value"])  # fmt: skip
def test_single_arm_equals_aherns_table(p0, p1, alpha, beta, n, responses):
    found = single_arm_size(p0, p1, alpha=alpha, beta=beta)
    assert (found.first_n, found.first_r + 1) == (n, responses)


@pytest.mark.parametrize(("p0", "p1"), [(0.1, 0.3), (0.6, 0.8), (0.02, 0.15)])
def test_single_arm_is_aware_of_the_saw_tooth(p0, p1):
    found = single_arm_size(p0, p1, alpha=0.05, beta=0.1)

    def power(n):
        r = next(r for r in range(n + 1) if binom.sf(r, n, p0) <= 0.05)
        return r, binom.sf(r, n, p0), binom.sf(r, n, p1)

    sizes = range(1, found.searched_to + 1)
    good = [n for n in sizes if power(n)[2] >= 0.9]
    assert found.first_n == good[0]
    assert found.n == max(set(sizes) - set(good)) + 1
    assert all(power(n)[2] >= 0.9 for n in range(found.n, 2 * found.n))
    assert (found.r, found.type_1_error, found.power) == pytest.approx(power(found.n), rel=1e-10)


def test_a_search_that_ends_early_says_so():
    with pytest.raises(EstimationError, match="raise n_most"):
        simon_two_stage(0.1, 0.15, n_most=40)
    with pytest.raises(EstimationError, match="at most 50"):
        single_arm_size(0.5, 0.55, n_most=50)
