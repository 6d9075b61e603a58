"""What a trial's randomisation is: a frozen scheme of plain values, checked and hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import gcd, isclose
from typing import Any, Literal, get_args

from ashworth.trials.faults import Faults

Method = Literal[
    "simple", "permuted_blocks", "efron", "big_stick", "block_urn", "minimisation",
    "ratio_minimisation",
]  # fmt: skip
Measure = Literal["range", "variance", "sd", "marginal"]
TWO_EQUAL_ARMS = ("efron", "big_stick")
MINIMISING = ("minimisation", "ratio_minimisation")


@dataclass(frozen=True, slots=True)
class AllocationScheme:
    """Method of allocation with all that it needs; make it by `allocation_scheme`.

    Attributes
    ----------
    method : str
    arms : tuple of str
    ratio : tuple of int
        Smallest whole numbers, one per arm.
    factors : tuple of (str, tuple of str)
        Names with their levels.
    strata : tuple of str
        Factors within whose combinations the method runs apart.
    block_sizes : tuple of int
        Sizes from which each new block is drawn, equally likely.
    p : float
        Probability of the favoured arm (Efron, minimisation).
    p_table : tuple of float
        Probabilities by rank of the score, best first; (p, (1 - p)/(k - 1), ...) by default.
    limit : int
        Largest difference that big stick tolerates.
    urn_sets : int
        Balanced sets in the block urn at its start (Zhao & Weng's lambda).
    measure : str
        Score of minimisation.
    weights : tuple of float
        Weights of the minimised factors.
    """

    method: Method
    arms: tuple[str, ...]
    ratio: tuple[int, ...]
    factors: tuple[tuple[str, tuple[str, ...]], ...] = ()
    strata: tuple[str, ...] = ()
    block_sizes: tuple[int, ...] = ()
    p: float = 0.0
    p_table: tuple[float, ...] = ()
    limit: int = 0
    urn_sets: int = 0
    measure: Measure = "range"
    weights: tuple[float, ...] = ()

    @property
    def minimised(self) -> tuple[str, ...]:
        """Factors that minimisation balances: those that are no strata."""
        if self.method not in MINIMISING:
            return ()
        return tuple(name for name, _ in self.factors if name not in self.strata)

    @property
    def slots(self) -> tuple[int, ...]:
        """Arm of each slot: one slot per unit of the ratio where the ratio is preserved."""
        units = self.ratio if self.method == "ratio_minimisation" else (1,) * len(self.arms)
        return tuple(arm for arm, many in enumerate(units) for _ in range(many))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `allocation_scheme` takes them."""
        found = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        found["factors"] = [[name, list(levels)] for name, levels in self.factors]
        found["p"] = self.p or None
        found["p_table"] = [] if self.p else list(self.p_table)
        return found

    def digest(self) -> str:
        """SHA-256 of the canonical JSON of the scheme."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def stratum_of(self, factors: Mapping[str, str]) -> tuple[str, ...]:
        """Levels of the strata, in the scheme's order."""
        return tuple(factors[name] for name in self.strata)

    def check_factors(self, factors: Mapping[str, Any]) -> None:
        """Refuse a missing factor, an unknown one and an unknown level, all at once."""
        faults = Faults("factors of the patient")
        known = dict(self.factors)
        for name, levels in known.items():
            if name not in factors:
                faults.add(name, "nothing", " or ".join(levels), "give the patient's level")
            elif factors[name] not in levels:
                faults.add(name, repr(factors[name]), " or ".join(levels), "give a known level")
        for name in factors:
            if name not in known:
                faults.add(str(name), "a factor unknown to the scheme", ", ".join(known) or "none",
                           "leave it out")  # fmt: skip
        faults.refuse()


def allocation_scheme(
    method: Method,
    arms: Sequence[str],
    *,
    ratio: Sequence[int] | None = None,
    factors: Mapping[str, Sequence[str]] | Sequence[tuple[str, Sequence[str]]] = (),
    strata: Sequence[str] = (),
    block_sizes: Sequence[int] = (),
    p: float | None = None,
    p_table: Sequence[float] = (),
    limit: int = 3,
    urn_sets: int = 2,
    measure: Measure = "range",
    weights: Sequence[float] = (),
) -> AllocationScheme:
    """Check the plain values of a scheme and make it.

    Parameters
    ----------
    method : {"simple", "permuted_blocks", "efron", "big_stick", "block_urn", "minimisation", \
"ratio_minimisation"}
    arms : sequence of str
    ratio : sequence of int, optional
        Equal by default.
    factors : mapping of str to sequence of str, or pairs of both
        Levels of each factor; their order is that of the weights.
    strata : sequence of str
        Factors within whose combinations the method runs apart.
    block_sizes : sequence of int
        Multiples of the sum of the ratio; twice that sum by default.
    p : float, optional
        Between 1/k and 1; 2/3 for Efron's coin, 0.8 for minimisation by default.
    p_table : sequence of float
        One probability per arm (per unit of the ratio where that is preserved), falling.
    limit : int
        Of big stick.
    urn_sets : int
        Of the block urn.
    measure : {"range", "variance", "sd", "marginal"}
        Of minimisation; ``marginal`` is the weighted count of the patient's levels in the arm.
    weights : sequence of float
        One per minimised factor; 1 by default.

    Returns
    -------
    AllocationScheme

    Raises
    ------
    InputError
        With every fault of the arguments.

    Examples
    --------
    >>> scheme = allocation_scheme("permuted_blocks", ["standard", "guided"], block_sizes=[4, 6])
    >>> scheme.ratio, scheme.digest() == allocation_scheme(**scheme.to_dict()).digest()
    ((1, 1), True)
    """
    faults = Faults("allocation scheme")
    known = faults.one_of("method", method, get_args(Method))
    named = _check_arms(faults, arms)
    units = _check_ratio(faults, ratio, len(named))
    levels = _check_factors(faults, dict(factors), strata)
    faults.refuse()
    slots = sum(units) if method == "ratio_minimisation" else len(named)
    blocks, share, table = (), 0.0, ()
    if known and method == "permuted_blocks":
        blocks = _check_blocks(faults, block_sizes, sum(units))
    if method in TWO_EQUAL_ARMS or method == "minimisation":
        _check_equal(faults, method, units)
    if method == "efron":
        share = _check_p(faults, 2 / 3 if p is None else p, 2)
    free = [name for name, _ in levels if name not in strata]
    if method in MINIMISING:
        share, table = _check_table(faults, p, p_table, slots)
        faults.one_of("measure", measure, get_args(Measure))
        weights = _check_weights(faults, weights, free)
    if method == "big_stick":
        faults.whole("limit", limit, least=1)
    if method == "block_urn":
        faults.whole("urn_sets", urn_sets, least=1)
    faults.refuse()
    return AllocationScheme(
        method, named, units, levels, tuple(strata), blocks, share, table,
        int(limit) if method == "big_stick" else 0, int(urn_sets) if method == "block_urn" else 0,
        measure, tuple(float(w) for w in weights) if method in MINIMISING else (),
    )  # fmt: skip


def _check_arms(faults: Faults, arms: Sequence[str]) -> tuple[str, ...]:
    named = () if isinstance(arms, str) else tuple(arms)
    if len(named) < 2 or len(set(named)) < len(named):
        faults.add("arms", repr(arms), "two or more different names")
    for arm in named:
        if not isinstance(arm, str) or not arm.strip():
            faults.add("arms", repr(arm), "a name")
    return named


def _check_ratio(faults: Faults, ratio: Sequence[int] | None, arms: int) -> tuple[int, ...]:
    if ratio is None:
        return (1,) * arms
    if len(ratio) != arms:
        faults.add("ratio", repr(list(ratio)), f"{arms} whole numbers, one per arm")
    good = [faults.whole("ratio", w) for w in ratio]
    if not all(good):
        return (1,) * arms
    common = gcd(*(int(w) for w in ratio))
    return tuple(int(w) // common for w in ratio)


def _check_factors(
    faults: Faults, factors: Mapping[str, Sequence[str]], strata: Sequence[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    for name, levels in factors.items():
        texts = not isinstance(levels, str) and all(isinstance(v, str) for v in levels)
        if not texts or len(levels) < 2 or len(set(levels)) < len(levels):
            faults.add(f"factors.{name}", repr(levels), "two or more different levels, as text")
    for name in strata:
        if name not in factors:
            allowed = ", ".join(factors) or "none: give factors first"
            faults.add("strata", repr(name), allowed, "name a factor")
    return tuple((name, tuple(levels)) for name, levels in factors.items())


def _check_blocks(faults: Faults, sizes: Sequence[int], unit: int) -> tuple[int, ...]:
    chosen = tuple(sizes) or (2 * unit,)
    for size in chosen:
        if faults.whole("block_sizes", size) and int(size) % unit:
            faults.add("block_sizes", str(size), f"multiples of {unit}, the sum of the ratio")
    return chosen


def _check_equal(faults: Faults, method: str, units: tuple[int, ...]) -> None:
    if method in TWO_EQUAL_ARMS and len(units) != 2:
        faults.add("arms", f"{len(units)} arms", "two arms", "choose block_urn or minimisation")
    if len(set(units)) > 1:
        other = "ratio_minimisation" if method == "minimisation" else "block_urn"
        faults.add("ratio", ":".join(map(str, units)), f"equal arms with {method}",
                   f"choose {other}, made for unequal ratios")  # fmt: skip


def _check_p(faults: Faults, p: float, slots: int) -> float:
    return float(p) if faults.number("p", p, least=1 / slots, most=1) else 0.0


def _check_table(
    faults: Faults, p: float | None, table: Sequence[float], slots: int
) -> tuple[float, tuple[float, ...]]:
    """Give p and the probabilities by rank."""
    if table and p is not None:
        faults.add("p_table", "p and p_table", "one of the two", "leave one out")
    if not table:
        share = _check_p(faults, 0.8 if p is None else p, slots)
        return share, (share, *[(1 - share) / (slots - 1)] * (slots - 1))
    good = [faults.number("p_table", q, least=0, most=1) for q in table]
    if all(good):
        falling = all(a >= b for a, b in pairwise(table))
        if len(table) != slots or not falling or not isclose(sum(table), 1, abs_tol=1e-9):
            faults.add("p_table", repr(list(table)), f"{slots} falling numbers with sum 1")
    return 0.0, tuple(float(q) for q in table) if all(good) else ()


def _check_weights(faults: Faults, weights: Sequence[float], free: Sequence[str]) -> list[float]:
    if not free:
        faults.add("factors", "no factor to minimise", "at least one that is not a stratum",
                   "name the factors with their levels")  # fmt: skip
    if weights and len(weights) != len(free):
        faults.add("weights", repr(list(weights)), f"{len(free)} numbers, one per factor")
    for weight in weights:
        faults.number("weights", weight, above=0)
    return list(weights) or [1.0] * len(free)
