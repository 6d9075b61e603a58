"""The compiled twin of `allocate`, for many sequences at once."""

from __future__ import annotations

import numpy as np
from numba import njit

SIMPLE, BLOCKS, EFRON, BIG_STICK, URN, MINIMISE = range(6)
RANGE, VARIANCE, SD, MARGINAL = range(4)
TIE = 1e-9


@njit(cache=True, nogil=True)
def score_of(counts, slot, measure):
    """Imbalance of the counts of one level after one more in the slot."""
    k = len(counts)
    low, high, total, squares = 1e300, -1e300, 0.0, 0.0
    for s in range(k):
        c = counts[s] + (1.0 if s == slot else 0.0)
        low, high, total = min(low, c), max(high, c), total + c
    if measure == RANGE:
        return high - low
    if measure == MARGINAL:
        return counts[slot] + 1.0
    mean = total / k
    for s in range(k):
        squares += (counts[s] + (1.0 if s == slot else 0.0) - mean) ** 2
    variance = squares / (k - 1)
    return variance if measure == VARIANCE else variance**0.5


@njit(cache=True, nogil=True)
def minimise(margins, levels, weights, table, measure, scores, chances):
    """Chances of each slot by the rank of its score."""
    k = len(scores)
    scores[:] = 0.0
    for f in range(len(levels)):
        for s in range(k):
            scores[s] += weights[f] * score_of(margins[f, levels[f]], s, measure)
    for s in range(k):
        below, tied, total = 0, 0, 0.0
        for other in range(k):
            below += scores[other] < scores[s] - TIE
            tied += abs(scores[other] - scores[s]) <= TIE
        for r in range(below, below + tied):
            total += table[r]
        chances[s] = total / tied


@njit(cache=True, nogil=True)
def by_counts(method, ratio, counts, p, limit, urn_sets, chances):
    """Chances of the methods that know only the arms' counts."""
    k = len(ratio)
    total = 0.0
    if method == URN:
        sets = urn_sets + min([counts[a] // ratio[a] for a in range(k)])
        for a in range(k):
            chances[a] = ratio[a] * sets - counts[a]
            total += chances[a]
    else:
        for a in range(k):
            chances[a] = ratio[a]
            total += ratio[a]
    for a in range(k):
        chances[a] /= total
    if method in (EFRON, BIG_STICK):
        difference = counts[0] - counts[1]
        ahead = 0 if difference > 0 else 1
        if method == EFRON and difference != 0:
            chances[ahead], chances[1 - ahead] = 1 - p, p
        if method == BIG_STICK and abs(difference) >= limit:
            chances[ahead], chances[1 - ahead] = 0.0, 1.0


@njit(cache=True, nogil=True)
def guessed_rightly(totals, ratio, arm):
    """Chance that who guesses the arm furthest behind its share guesses this one."""
    least, many, hit = 1e300, 0, False
    for a in range(len(ratio)):
        share = totals[a] / ratio[a]
        if share < least - TIE:
            least, many, hit = share, 1, a == arm
        elif share <= least + TIE:
            many, hit = many + 1, hit or a == arm
    return 1.0 / many if hit else 0.0


@njit(cache=True, nogil=True)
def from_block(left, block_sizes, ratio, unit, uniform, chances):
    """Chances of what is left in the block; an empty one begins anew with a drawn size."""
    if left.sum() == 0:
        size = block_sizes[int(uniform * len(block_sizes))]
        for a in range(len(ratio)):
            left[a] = ratio[a] * (size // unit)
    rest = left.sum()
    for a in range(len(ratio)):
        chances[a] = left[a] / rest


@njit(cache=True, nogil=True)
def drawn(chances, uniform):
    """Slot whose share of (0, 1) holds the uniform number; never one without a chance."""
    total, last = 0.0, 0
    for s in range(len(chances)):
        if chances[s] > 0:
            total += chances[s]
            last = s
            if uniform < total:
                return s
    return last


@njit(cache=True, nogil=True)
def distance(chances, slots, ratio, unit, by_arm):
    """Sum over the arms of the distance of the chance from the arm's share."""
    by_arm[:] = 0.0
    for s in range(len(slots)):
        by_arm[slots[s]] += chances[s]
    total = 0.0
    for a in range(len(ratio)):
        total += abs(by_arm[a] - ratio[a] / unit)
    return total


@njit(cache=True, nogil=True)
def allocate_sequences(
    method, ratio, slots, block_sizes, p, table, limit, urn_sets, measure, weights,
    strata, levels, most_levels, uniforms, arms, forced, guessed,
):  # fmt: skip
    """Fill `arms` (r, n); `forced` and `guessed` (r,) are sums over the sequence."""
    replicates, n = arms.shape
    k, many, factors = len(ratio), len(slots), len(weights)
    unit = ratio.sum()
    n_strata = strata.max() + 1 if strata.size else 1
    scores, chances, by_arm = np.zeros(many), np.zeros(many), np.zeros(k)
    for r in range(replicates):
        counts, totals = np.zeros((n_strata, k), np.int64), np.zeros(k, np.int64)
        left = np.zeros((n_strata, k), np.int64)
        margins = np.zeros((n_strata, max(factors, 1), most_levels, many))
        for i in range(n):
            h = strata[r, i]
            if method == MINIMISE:
                minimise(margins[h], levels[r, i], weights, table, measure, scores, chances)
            elif method == BLOCKS:
                from_block(left[h], block_sizes, ratio, unit, uniforms[r, i, 1], chances)
            else:
                by_counts(method, ratio, counts[h], p, limit, urn_sets, chances)
            slot = drawn(chances, uniforms[r, i, 0])
            arm = slots[slot]
            forced[r] += distance(chances, slots, ratio, unit, by_arm)
            guessed[r] += guessed_rightly(totals, ratio, arm)
            arms[r, i] = arm
            counts[h, arm] += 1
            totals[arm] += 1
            left[h, arm] -= method == BLOCKS
            for f in range(factors):
                margins[h, f, levels[r, i, f], slot] += 1
