"""Test by rerandomisation: the p-value that the allocation itself gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.trials.faults import Faults
from ashworth.trials.randomisation.scheme import AllocationScheme
from ashworth.trials.randomisation.sequences import drawn_uniforms, sequences
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class RerandomisationTest:
    """Result of `rerandomisation_test`: the statistic and how often chance reaches it."""

    statistic: float
    p_value: float
    n: int
    replicates: int
    method: str
    options: dict[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row."""
        import polars as pl

        return pl.DataFrame({"statistic": [self.statistic], "p_value": [self.p_value],
                             "n": [self.n], "replicates": [self.replicates]})  # fmt: skip


def rerandomisation_test(
    scheme: AllocationScheme,
    arms: Sequence[str],
    outcomes: Sequence[float],
    *,
    factors: Sequence[Mapping[str, str]] = (),
    replicates: int = 10_000,
    seed: int = 1,
) -> RerandomisationTest:
    """Test no effect in anyone, by allocating the same patients anew.

    Patients, their order, factors and outcomes stay; the scheme runs again and again. The
    statistic is the sum of squares between arms, for two arms of a trial a one-to-one function
    of the squared difference of means and the arms' sizes; for a time to event give martingale or
    log-rank scores as outcomes. ``p = (1 + times reached) / (1 + replicates)``, two-sided.

    Parameters
    ----------
    scheme : AllocationScheme
    arms : sequence of str, length n
        In the order of randomisation.
    outcomes : sequence of float, length n
    factors : sequence of mapping, length n
        Needed when the scheme has factors.
    replicates, seed : int

    Returns
    -------
    RerandomisationTest

    Raises
    ------
    InputError

    Examples
    --------
    >>> from ashworth.trials.randomisation.scheme import allocation_scheme
    >>> scheme = allocation_scheme("permuted_blocks", ["a", "b"], block_sizes=[2])
    >>> made = rerandomisation_test(scheme, "abbaabab", [1, 5, 6, 2, 1, 7, 2, 6], replicates=4000)
    >>> round(made.p_value, 2)  # 2 of 2**4 allocations are as extreme
    0.12
    """
    levels = _check(scheme, arms, outcomes, factors, replicates, seed)
    n = len(outcomes)
    values = np.asarray(outcomes, float)
    values = values - values.mean()
    observed = np.array([[scheme.arms.index(a) for a in arms]], np.int8)
    statistic = float(_between(observed, values, len(scheme.arms))[0])
    reached, step = 0, max(1, 200_000 // n)
    for first in range(0, replicates, step):
        rows = np.arange(first, min(first + step, replicates))
        many = np.broadcast_to(levels, (len(rows), *levels.shape[1:]))
        made = sequences(scheme, many, drawn_uniforms(seed, rows, n))
        again = _between(made.arms, values, len(scheme.arms))
        reached += int((again >= statistic * (1 - 1e-12)).sum())
    options = {"seed": seed, "scheme": scheme.to_dict(), "simulated": True}
    p = (1 + reached) / (1 + replicates)
    return RerandomisationTest(statistic, p, n, replicates, scheme.method, options)


def _between(arms: np.ndarray, values: np.ndarray, k: int) -> np.ndarray:
    """Sum of squares between arms of centred values; an empty arm adds nothing."""
    total = np.zeros(len(arms))
    for a in range(k):
        inside = arms == a
        size = inside.sum(axis=1)
        total += np.where(size > 0, (inside @ values) ** 2 / np.maximum(size, 1), 0.0)
    return total


def _check(
    scheme: AllocationScheme, arms: Sequence[str], outcomes: Sequence[float],
    factors: Sequence[Mapping[str, str]], replicates: int, seed: int,
) -> np.ndarray:  # fmt: skip
    """Levels of the patients, shape (1, n, factors)."""
    faults = Faults("rerandomisation test")
    faults.whole("replicates", replicates)
    faults.whole("seed", seed, least=0)
    n = len(outcomes)
    if n < 2 or len(arms) != n:
        faults.add("outcomes", f"{n} outcomes of {len(arms)} patients", "one of each patient")
    if scheme.factors and len(factors) != n:
        faults.add("factors", f"{len(factors)} patients", f"{n} patients")
    for arm in sorted({str(a) for a in arms} - set(scheme.arms)):
        faults.add("arms", repr(arm), ", ".join(scheme.arms))
    for value in outcomes:
        faults.number("outcomes", value)
    faults.refuse()
    levels = np.zeros((1, n, len(scheme.factors)), np.int64)
    for f, (name, known) in enumerate(scheme.factors):
        for i, row in enumerate(factors):
            scheme.check_factors(row)
            levels[0, i, f] = known.index(row[name])
    return levels
