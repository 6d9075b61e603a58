"""One allocation: from the past and a patient's factors to probabilities, then to an arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ashworth.trials.faults import Faults
from ashworth.trials.randomisation.scheme import AllocationScheme

TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Past:
    """A patient who has an arm.

    Attributes
    ----------
    arm : str
    factors : mapping of str to str
    block_size : int
        Of permuted blocks, else 0.
    slot : int
        Unit of the ratio that was drawn, where the ratio is preserved; else the arm's number.
    """

    arm: str
    factors: Mapping[str, str]
    block_size: int = 0
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Allocation:
    """An arm and how it came about.

    Attributes
    ----------
    arm : str
    probabilities : tuple of float
        Of each arm, before the draw.
    scores : tuple of float
        Of each arm: imbalance after it (minimisation) or patients before (else), by slot.
    reason : str
    block_size, slot : int
        As `Past` keeps them.
    """

    arm: str
    probabilities: tuple[float, ...]
    scores: tuple[float, ...]
    reason: str
    block_size: int = 0
    slot: int = 0


def allocate(
    scheme: AllocationScheme,
    history: Sequence[Past],
    factors: Mapping[str, str],
    uniforms: Sequence[float],
) -> Allocation:
    """Allocate the next patient; equal arguments give equal answers.

    Permuted blocks; Efron (1971, Biometrika 58:403); big stick (Soares & Wu 1983, Commun Stat A
    12:2017); block urn (Zhao & Weng 2011, Contemp Clin Trials 32:953); minimisation (Pocock &
    Simon 1975, Biometrics 31:103); for unequal ratios minimisation over as many slots as the
    ratio has units, which keeps the ratio at every allocation (Kuznetsova & Tymofyeyev 2012, Stat
    Med 31:701).

    Parameters
    ----------
    scheme : AllocationScheme
    history : sequence of Past
        Everyone allocated before, oldest first.
    factors : mapping of str to str
        The patient's levels, of all factors of the scheme.
    uniforms : sequence of two float
        In [0, 1): for the arm, and for the size of a new block.

    Returns
    -------
    Allocation

    Raises
    ------
    InputError
        A factor is missing or unknown, or a level is.

    Examples
    --------
    >>> from ashworth.trials.randomisation.scheme import allocation_scheme
    >>> scheme = allocation_scheme("minimisation", ["a", "b"], factors={"site": ["x", "y"]})
    >>> made = allocate(scheme, [Past("a", {"site": "x"})], {"site": "x"}, [0.3, 0.5])
    >>> made.arm, made.scores
    ('b', (2.0, 0.0))
    """
    scheme.check_factors(factors)
    _check_uniforms(uniforms)
    stratum = scheme.stratum_of(factors)
    past = [p for p in history if scheme.stratum_of(p.factors) == stratum]
    counts = [sum(p.arm == arm for p in past) for arm in scheme.arms]
    block = 0
    scores: Sequence[float] = [float(c) for c in counts]
    if scheme.minimised:
        scores = minimisation_scores(scheme, past, factors)
        chances = by_rank(scores, scheme.p_table)
    elif scheme.method == "permuted_blocks":
        block, chances = _block(scheme, past, uniforms[1])
    else:
        chances = count_chances(scheme, counts)
    slot = drawn(chances, uniforms[0])
    arms = scheme.slots
    by_arm = tuple(
        sum(c for c, a in zip(chances, arms, strict=True) if a == k)
        for k in range(len(scheme.arms))
    )
    words = reason_of(scheme, stratum, block)
    return Allocation(scheme.arms[arms[slot]], by_arm, tuple(scores), words, block, slot)


def _check_uniforms(uniforms: Sequence[float]) -> None:
    faults = Faults("random numbers")
    if len(uniforms) < 2:
        faults.add("uniforms", f"{len(uniforms)}", "two numbers")
    for u in uniforms:
        faults.number("uniforms", u, least=0, below=1)
    faults.refuse()


def drawn(chances: Sequence[float], uniform: float) -> int:
    """Slot whose share of (0, 1) holds the uniform number; never one without a chance."""
    total, last = 0.0, 0
    for slot, chance in enumerate(chances):
        if chance > 0:
            total += chance
            last = slot
            if uniform < total:
                return slot
    return last


def count_chances(scheme: AllocationScheme, counts: Sequence[int]) -> list[float]:
    """Probabilities of the methods that know only how many patients each arm has."""
    ratio, unit = scheme.ratio, sum(scheme.ratio)
    if scheme.method == "block_urn":
        sets = scheme.urn_sets + min(n // w for n, w in zip(counts, ratio, strict=True))
        left = [w * sets - n for n, w in zip(counts, ratio, strict=True)]
        return [v / sum(left) for v in left]
    difference = counts[0] - counts[1]
    if scheme.method == "efron" and difference:
        return [1 - scheme.p, scheme.p] if difference > 0 else [scheme.p, 1 - scheme.p]
    if scheme.method == "big_stick" and abs(difference) >= scheme.limit:
        return [0.0, 1.0] if difference > 0 else [1.0, 0.0]
    return [w / unit for w in ratio]


def _block(
    scheme: AllocationScheme, past: Sequence[Past], uniform: float
) -> tuple[int, list[float]]:
    """Size of the current block and what is left in it."""
    start = 0
    while start < len(past) and start + past[start].block_size <= len(past):
        start += past[start].block_size
    if start < len(past):
        size = past[start].block_size
    else:
        size = scheme.block_sizes[int(uniform * len(scheme.block_sizes))]
    inside = [p.arm for p in past[start:]]
    sets = size // sum(scheme.ratio)
    left = [w * sets - inside.count(a) for w, a in zip(scheme.ratio, scheme.arms, strict=True)]
    return size, [v / sum(left) for v in left]


def minimisation_scores(
    scheme: AllocationScheme, past: Sequence[Past], factors: Mapping[str, str]
) -> list[float]:
    """Weighted imbalance over the patient's levels, were the patient given each slot."""
    slots = len(scheme.slots)
    scores = [0.0] * slots
    for name, weight in zip(scheme.minimised, scheme.weights, strict=True):
        level = [p.slot for p in past if p.factors[name] == factors[name]]
        counts = [level.count(s) for s in range(slots)]
        for s in range(slots):
            after = [c + (k == s) for k, c in enumerate(counts)]
            scores[s] += weight * imbalance(after, s, scheme.measure)
    return scores


def imbalance(counts: Sequence[int], slot: int, measure: str) -> float:
    """Range, sample variance or its root of the counts; or the slot's own count."""
    if measure == "range":
        return float(max(counts) - min(counts))
    if measure == "marginal":
        return float(counts[slot])
    mean = sum(counts) / len(counts)
    variance = sum((c - mean) ** 2 for c in counts) / (len(counts) - 1)
    return variance if measure == "variance" else variance**0.5


def by_rank(scores: Sequence[float], table: Sequence[float]) -> list[float]:
    """Probabilities by rank of the score, smallest first; ties share theirs equally."""
    chances = []
    for score in scores:
        below = sum(other < score - TIE for other in scores)
        tied = sum(abs(other - score) <= TIE for other in scores)
        chances.append(sum(table[below : below + tied]) / tied)
    return chances


def reason_of(scheme: AllocationScheme, stratum: Sequence[str], block: int) -> str:
    """One line: method, stratum, block."""
    words = scheme.method
    if scheme.minimised:
        words += f" by {scheme.measure} over {', '.join(scheme.minimised)}"
    if block:
        words += f", block of {block}"
    return words + (f", stratum {' / '.join(stratum)}" if stratum else "")
