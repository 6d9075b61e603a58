r"""Largest probability of a region of tables over the nuisance, with a proven bound.

For independent Bernoulli data with shares p and p + d, f(p) the probability of the region and
:math:`I(p) = n_C / (p q) + n_E / ((p + d)(1 - p - d))`, Cauchy-Schwarz gives
:math:`|f'| \le \sqrt{f (1 - f) I}` and :math:`|f''| \le \sqrt{2 f (1 - f)} I`; everywhere
:math:`|f''| \le 2 N^2`, and :math:`|f''| \le \min(f, 1 - f) B^2` with B the largest score of
any table. Between two nodes f lies below the chord plus a parabola; intervals that may hold more
than the best node (by 1e-9 of it) are halved until none is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from .binomial import binomial

Floats = NDArray[np.float64]
ACCURACY = 1e-9
_MOST_NODES = 20_000


@dataclass(frozen=True, slots=True)
class LargestProbability:
    """Largest probability found, where it lies, and a bound that it cannot exceed."""

    probability: float
    p_control: float
    bound: float


@dataclass(frozen=True, slots=True)
class Runs:
    """A region of tables as runs of experimental counts, [begin, end) in each control row."""

    sizes: tuple[int, int]
    row: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]

    @classmethod
    def of(cls, region: NDArray[np.bool_]) -> Runs:
        """Find the runs of a region of shape (n_control + 1, n_experimental + 1)."""
        edges = np.diff(region.astype(np.int8), axis=1, prepend=0, append=0)
        row, begin = np.nonzero(edges == 1)
        return cls((region.shape[0] - 1, region.shape[1] - 1), row, begin, np.nonzero(edges < 0)[1])

    def probability(self, at: Masses) -> Floats:
        """Probability of the region for each control share."""
        inner = at.above[:, self.begin] - at.above[:, self.end]
        experimental = np.where(self.begin == 0, at.below[:, self.end], inner)
        return (at.control[:, self.row] * experimental).sum(axis=1)


@dataclass(frozen=True, slots=True)
class Masses:
    """Control probabilities, and experimental tails from either end, for P control shares.

    Both tails are kept, so that small ones keep their digits.
    """

    control: Floats
    below: Floats
    above: Floats

    @classmethod
    def at(cls, p: Floats, difference: float, sizes: tuple[int, int]) -> Masses:
        """Probabilities at control shares p, experimental shares p + difference."""
        mass = binomial(sizes[1], np.clip(p + difference, 0.0, 1.0))
        below = np.zeros((p.size, sizes[1] + 2))
        above = np.zeros_like(below)
        below[:, 1:] = np.cumsum(mass, axis=1)
        above[:, :-1] = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1]
        return cls(binomial(sizes[0], p), below, above)


@lru_cache(maxsize=2)
def _first_nodes(sizes: tuple[int, int], difference: float) -> tuple[Floats, Masses]:
    """Nodes of the first round, dense where the information is large."""
    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)
    angle = np.linspace(0.0, np.pi / 2.0, 16 + 4 * int(np.sqrt(sum(sizes))))
    nodes = low + (high - low) * np.sin(angle) ** 2
    return nodes, Masses.at(nodes, difference, sizes)


def largest_probability(
    region: NDArray[np.bool_], difference: float = 0.0, *, limit: float | None = None
) -> LargestProbability:
    """Maximise the probability of a region over p_control, p_experimental = that + difference.

    With a limit the search ends as soon as the answer lies above it, or surely does not.
    """
    runs = Runs.of(region)
    if not runs.row.size:
        return LargestProbability(0.0, 0.5, 0.0)
    ceiling = _Ceiling(runs, difference)
    nodes, masses = _first_nodes(runs.sizes, float(difference))
    values = runs.probability(masses)
    a, b, fa, fb = nodes[:-1], nodes[1:], values[:-1], values[1:]
    best, at, used = float(values.max()), float(nodes[values.argmax()]), nodes.size
    while True:
        bound = ceiling.over(a, b, fa, fb)
        accepted = max(best * (1.0 + ACCURACY) + 1e-300, 0.0 if limit is None else limit)
        open_ = bound > accepted
        if not open_.any() or used > _MOST_NODES or (limit is not None and best > limit):
            return LargestProbability(best, at, max(best, float(bound.max())))
        a, b, fa, fb = a[open_], b[open_], fa[open_], fb[open_]
        middle = 0.5 * (a + b)
        values = runs.probability(Masses.at(middle, difference, runs.sizes))
        used += middle.size
        if values.max() > best:
            best, at = float(values.max()), float(middle[values.argmax()])
        a, b = np.concatenate([a, middle]), np.concatenate([middle, b])
        fa, fb = np.concatenate([fa, values]), np.concatenate([values, fb])


@dataclass(frozen=True, slots=True)
class _Ceiling:
    """Upper bounds of f on intervals [a, b] of the control share."""

    runs: Runs
    difference: float

    def over(self, a: Floats, b: Floats, fa: Floats, fb: Floats) -> Floats:
        """Chord plus parabola, or the tail of the total where that is less."""
        half = 0.5 * self._bend(a, b, fa, fb) * (b - a) ** 2
        step = np.abs(fb - fa)
        with np.errstate(divide="ignore", invalid="ignore"):
            arch = 0.5 * (fa + fb) + half / 4.0 + np.where(half > 0, step**2 / (4.0 * half), 0.0)
        bound = np.where(step >= half, np.maximum(fa, fb), arch)
        return bound if self.difference else np.minimum(bound, self._tail(a, b))

    def _bend(self, a: Floats, b: Floats, fa: Floats, fb: Floats) -> Floats:
        """Bound of the second derivative: by information, by N, relative to f and to 1 - f."""
        highest = np.maximum(fa, fb)
        arms = [(self.runs.sizes[0], a, b)]
        arms.append((self.runs.sizes[1], a + self.difference, b + self.difference))
        total = float(sum(self.runs.sizes))
        with np.errstate(all="ignore"):
            left = sum((n / (p * (1.0 - p)) for n, p, _ in arms), np.zeros_like(a))
            right = sum((n / (p * (1.0 - p)) for n, _, p in arms), np.zeros_like(a))
            information = np.maximum(left, right)
            information = np.where(information > 0.0, information, np.inf)
            top = np.arcsin(np.sqrt(np.clip(highest, 0.0, 1.0)))
            top = np.minimum(top + 0.25 * (b - a) * np.sqrt(information), np.pi / 2.0)
            spread = np.where(top > np.pi / 4.0, 0.25, (np.sin(top) * np.cos(top)) ** 2)
            score = sum(n / np.maximum(np.minimum(p, 1.0 - q), 0.0) for n, p, q in arms)
            smaller = np.minimum(highest, np.maximum(1.0 - np.minimum(fa, fb), 1e-14))
            relative = smaller * np.exp(0.5 * score * (b - a)) * score**2
        bend = np.minimum(np.sqrt(2.0 * spread) * information, 2.0 * total**2)
        return np.fmin(bend, relative)

    def _tail(self, a: Floats, b: Floats) -> Floats:
        """No table of the region has fewer, or more, events in total than these."""
        total = sum(self.runs.sizes)
        fewest = int((self.runs.row + self.runs.begin).min())
        most = int((self.runs.row + self.runs.end).max()) - 1
        upper = betainc(fewest, total - fewest + 1.0, b) if fewest > 0 else 1.0
        lower = betainc(total - most, most + 1.0, 1.0 - a) if most < total else 1.0
        return np.minimum(upper, lower) * np.ones_like(a)
