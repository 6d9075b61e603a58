"""Performance measures of a simulation with their Monte Carlo standard errors.

Morris, White and Crowther (2019, Stat Med 38:2074-2102): ADEMP; every estimate stands beside its
Monte Carlo standard error (MCSE) and the number of replicates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass
class Sums:
    """Sums over replicates of named quantities: memory does not grow with replicates.

    Partial sums of any chunks add up to the same totals, as long as chunks are added in order.
    """

    count: dict[str, int] = field(default_factory=dict)
    total: dict[str, float] = field(default_factory=dict)
    squares: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, values: Floats) -> None:
        """Add one value per replicate; values that are not finite stay out and are not counted."""
        finite = values[np.isfinite(values)]
        self.count[name] = self.count.get(name, 0) + int(finite.size)
        self.total[name] = self.total.get(name, 0.0) + math.fsum(finite)
        self.squares[name] = self.squares.get(name, 0.0) + math.fsum(finite * finite)

    def merge(self, other: Sums) -> None:
        """Add the sums of a later chunk."""
        for name, count in other.count.items():
            self.count[name] = self.count.get(name, 0) + count
            self.total[name] = self.total.get(name, 0.0) + other.total[name]
            self.squares[name] = self.squares.get(name, 0.0) + other.squares[name]

    def mean(self, name: str) -> float:
        """Mean over replicates; NaN without any."""
        n = self.count.get(name, 0)
        return self.total[name] / n if n else math.nan

    def deviation(self, name: str) -> float:
        """Standard deviation over replicates."""
        n = self.count.get(name, 0)
        if n < 2:
            return math.nan
        spread = self.squares[name] - self.total[name] ** 2 / n
        return math.sqrt(max(spread, 0.0) / (n - 1))

    def to_dict(self) -> dict[str, Mapping[str, float]]:
        """The sums for a file."""
        return {"count": self.count, "total": self.total, "squares": self.squares}

    @classmethod
    def from_dict(cls, document: Mapping[str, Mapping[str, float]]) -> Sums:
        """Read sums back."""
        counts = {k: int(v) for k, v in document["count"].items()}
        return cls(counts, dict(document["total"]), dict(document["squares"]))


@dataclass(frozen=True, slots=True)
class Performance:
    """One measure.

    Attributes
    ----------
    measure, method : str
    estimate, mcse : float
    n_sim : int
        Replicates that entered.
    expected : float or None
        What theory gives for the same quantity, where it does.
    rough : bool
        Whether theory says only about where it lies: no distance in MCSE is told then.
    """

    measure: str
    method: str
    estimate: float
    mcse: float
    n_sim: int
    expected: float | None = None
    rough: bool = False

    @property
    def distance(self) -> float | None:
        """Difference from theory in Monte Carlo standard errors."""
        if self.expected is None or self.rough or not self.mcse > 0:
            return None
        return (self.estimate - self.expected) / self.mcse


def proportion(sums: Sums, name: str, measure: str, method: str,
               expected: float | None = None) -> Performance:  # fmt: skip
    """A probability, from a 0/1 quantity: ``MCSE = sqrt(p (1 - p) / n)``.

    Examples
    --------
    >>> sums = Sums()
    >>> sums.add("hit", np.array([1.0, 0.0, 1.0, 1.0]))
    >>> proportion(sums, "hit", "power", "log-rank").estimate
    0.75
    """
    n = sums.count.get(name, 0)
    p = sums.mean(name)
    spread = math.sqrt(p * (1 - p) / n) if n else math.nan
    return Performance(measure, method, p, spread, n, expected)


def average(sums: Sums, name: str, measure: str, method: str,
            expected: float | None = None, *, rough: bool = False) -> Performance:  # fmt: skip
    """A mean: ``MCSE = s / sqrt(n)``."""
    n = sums.count.get(name, 0)
    spread = sums.deviation(name) / math.sqrt(n) if n else math.nan
    return Performance(measure, method, sums.mean(name), spread, n, expected, rough)


def spread_of(sums: Sums, name: str, measure: str, method: str) -> Performance:
    """An empirical standard error: ``MCSE = s / sqrt(2 (n - 1))``."""
    n = sums.count.get(name, 0)
    s = sums.deviation(name)
    return Performance(measure, method, s, s / math.sqrt(2 * (n - 1)) if n > 1 else math.nan, n)


def rows(measures: Sequence[Performance]) -> list[dict[str, float | int | str | None]]:
    """Rows for a table."""
    keys = ("measure", "method", "estimate", "mcse", "n_sim", "expected", "distance")
    return [{key: getattr(m, key) for key in keys} for m in measures]
