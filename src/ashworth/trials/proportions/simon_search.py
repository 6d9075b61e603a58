r"""Two-stage designs of one arm: every design of a size, and a proven end of the search.

H0 is rejected where the first stage has more than r1 responses of n1 and both stages more than r
of n. Expected size under p0 is :math:`n_1 + (1 - PET)(n - n_1)`. Power demands
:math:`P_{p_1}(X_1 \le r_1) \le \beta`, which bounds PET for each n1 and so the expected size of
any design of n patients from below; that bound grows with n, so the search can end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .binomial import binomial

Floats = NDArray[np.float64]
_SLACK = 1e-12


@dataclass(frozen=True, slots=True)
class TwoStages:
    """Stages of one arm: r1 of n1 stop, more than r of n reject."""

    r1: int
    n1: int
    r: int
    n: int

    def stops(self, share: float) -> float:
        """Probability of early termination."""
        return float(binomial(self.n1, share)[: self.r1 + 1].sum())

    def rejects(self, share: float) -> float:
        """Probability to reject H0."""
        first = binomial(self.n1, share)
        at_least = _at_least(self.n - self.n1, share)
        x = np.arange(self.r1 + 1, self.n1 + 1)
        needed = np.clip(self.r + 1 - x, 0, self.n - self.n1 + 1)
        return float(first[x] @ at_least[needed])

    def expected(self, share: float) -> float:
        """Expected patients."""
        return self.n1 + (1.0 - self.stops(share)) * (self.n - self.n1)


class Search:
    """Best design of each size n, by expected size under p0."""

    def __init__(self, p0: float, p1: float, alpha: float, beta: float) -> None:
        self.shares = (p0, p1)
        self.alpha, self.beta = alpha, beta
        self._below: dict[int, tuple[Floats, Floats]] = {}

    def best_of(self, n: int) -> TwoStages | None:
        """Design of n patients with the smallest expected size, or None."""
        best, smallest = None, np.inf
        critical = self._single_stage(n)
        if critical is None:
            return None
        for n1 in range(1, n):
            most = self._most_stopped(n1)
            if most < 0 or self._least_expected(n1, n) >= smallest:
                continue
            found = self._best_of_stages(n1, n, most, critical)
            if found is not None and found[0] < smallest - _SLACK:
                smallest, best = found
        return best

    def least_expected(self, n: int) -> float:
        """Lower bound of the expected size of every design of n or more patients."""
        return min(self._least_expected(n1, n) for n1 in range(1, n))

    def _least_expected(self, n1: int, n: int) -> float:
        most = self._most_stopped(n1)
        stopped = float(self._cumulative(n1)[0][most]) if most >= 0 else 0.0
        return n1 + (1.0 - stopped) * (n - n1)

    def _cumulative(self, n1: int) -> tuple[Floats, Floats]:
        """Distribution functions of n1 patients' responses under p0 and p1."""
        if n1 not in self._below:
            low, high = (np.cumsum(binomial(n1, p)) for p in self.shares)
            self._below[n1] = (low, high)
        return self._below[n1]

    def _most_stopped(self, n1: int) -> int:
        """Largest r1 that the power allows, -1 for none."""
        return int((self._cumulative(n1)[1] <= self.beta + _SLACK).sum()) - 1

    def _single_stage(self, n: int) -> int | None:
        """Smallest r of one stage that keeps alpha; None where no test of n has the power.

        Two stages are a test of n patients, so the randomised most powerful one bounds them.
        """
        low, high = self._cumulative(n)
        r = int((1.0 - low > self.alpha + _SLACK).sum())
        mass = low[r] - (low[r - 1] if r else 0.0)
        share = (self.alpha - (1.0 - low[r])) / mass if mass > 0.0 else 1.0
        power = 1.0 - high[r] + share * (high[r] - (high[r - 1] if r else 0.0))
        return r if power >= 1.0 - self.beta - _SLACK else None

    def _best_of_stages(
        self, n1: int, n: int, most: int, critical: int
    ) -> tuple[float, TwoStages] | None:
        """Largest r1 whose smallest r with alpha still has the power."""
        r = np.arange(min(max(critical, most + 1), n - 1) + 1)
        level, power = (self._rejecting(n1, n, r, most, p) for p in self.shares)
        rows = np.arange(most + 1)
        kept = (level <= self.alpha + _SLACK) & (r > rows[:, None])
        smallest = np.argmax(kept, axis=1)
        good = kept.any(axis=1) & (power[rows, smallest] >= 1.0 - self.beta - _SLACK)
        if not good.any():
            return None
        r1 = int(rows[good].max())
        design = TwoStages(r1, n1, int(smallest[r1]), n)
        return design.expected(self.shares[0]), design

    def _rejecting(self, n1: int, n: int, r: NDArray[np.int64], most: int, p: float) -> Floats:
        """Probability to reject for r1 = 0 .. most (rows) and r (columns)."""
        x = np.arange(n1 + 1)
        needed = np.clip(r + 1 - x[:, None], 0, n - n1 + 1)
        both = binomial(n1, p)[:, None] * _at_least(n - n1, p)[needed]
        return np.cumsum(both[::-1], axis=0)[::-1][1 : most + 2]


def _at_least(n: int, share: float) -> Floats:
    """P(X >= k) for k = 0 .. n + 1."""
    out = np.zeros(n + 2)
    out[:-1] = np.cumsum(binomial(n, share)[::-1])[::-1]
    return out
