"""Many sequences of a scheme, for metrics and for tests by rerandomisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from ashworth.trials.random_numbers.uniforms import draws
from ashworth.trials.randomisation.scheme import MINIMISING, AllocationScheme, Measure

Integers = NDArray[np.int64]
CODES = {"simple": 0, "permuted_blocks": 1, "efron": 2, "big_stick": 3, "block_urn": 4}
MINIMISE = 5


@dataclass(frozen=True, slots=True)
class Sequences:
    """Arms of r sequences of n patients with the sums that metrics need."""

    arms: NDArray[np.int8]
    forced: NDArray[np.float64]
    guessed: NDArray[np.float64]


def sequences(
    scheme: AllocationScheme, levels: Integers, uniforms: NDArray[np.float64]
) -> Sequences:
    """Run the scheme over given levels (r, n, factors) and uniform numbers (r, n, 2 or more)."""
    from ashworth.trials.randomisation.sequence_kernel import allocate_sequences

    r, n = uniforms.shape[:2]
    names = [name for name, _ in scheme.factors]
    free = [names.index(name) for name in scheme.minimised]
    strata = _strata(scheme, names, levels, (r, n))
    arms = np.zeros((r, n), np.int8)
    forced, guessed = np.zeros(r), np.zeros(r)
    minimising = scheme.method in MINIMISING
    allocate_sequences(
        MINIMISE if minimising else CODES[scheme.method],
        np.array(scheme.ratio, np.int64), np.array(scheme.slots, np.int64),
        np.array(scheme.block_sizes or (0,), np.int64), scheme.p,
        np.array(scheme.p_table or (0.0,)), scheme.limit, scheme.urn_sets,
        get_args(Measure).index(scheme.measure), np.array(scheme.weights, float).reshape(-1),
        strata, np.ascontiguousarray(levels[:, :, free]),
        max((len(v) for _, v in scheme.factors), default=1), uniforms, arms, forced, guessed,
    )  # fmt: skip
    return Sequences(arms, forced, guessed)


def _strata(
    scheme: AllocationScheme, names: list[str], levels: Integers, shape: tuple[int, int]
) -> Integers:
    """Number of each patient's stratum."""
    number = np.zeros(shape, np.int64)
    sizes = {name: len(v) for name, v in scheme.factors}
    for name in scheme.strata:
        number = number * sizes[name] + levels[:, :, names.index(name)]
    return number


def drawn_levels(scheme: AllocationScheme, seed: int, replicates: Integers, n: int) -> Integers:
    """Levels of simulated patients, all levels of a factor equally likely."""
    source = draws(seed, "randomisation metrics", replicates, n)
    levels = np.zeros((len(replicates), n, len(scheme.factors)), np.int64)
    for f, (name, known) in enumerate(scheme.factors):
        uniform = source.uniforms(f"factor {name}")[:, 0].reshape(len(replicates), n)
        levels[:, :, f] = (uniform * len(known)).astype(np.int64)
    return levels


def drawn_uniforms(seed: int, replicates: Integers, n: int) -> NDArray[np.float64]:
    """Uniform numbers of the allocations, shape (r, n, 4)."""
    source = draws(seed, "randomisation metrics", replicates, n)
    return source.uniforms("allocation").reshape(len(replicates), n, 4)
