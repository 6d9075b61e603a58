"""What a scheme costs in balance and in predictability, by simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.trials.faults import Faults
from ashworth.trials.randomisation.scheme import AllocationScheme
from ashworth.trials.randomisation.sequences import drawn_levels, drawn_uniforms, sequences
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

_CHUNK_PATIENTS = 200_000


@dataclass(frozen=True, slots=True)
class RandomisationMetrics:
    """Balance and predictability of simulated sequences.

    Attributes
    ----------
    n, replicates : int
        Patients of a sequence; sequences.
    imbalance, imbalance_mcse : float
        Mean of max - min of patients per unit of the ratio at the end (two equal arms: of the
        absolute difference), and its Monte Carlo standard error.
    largest_imbalance : float
        Mean over sequences of the largest imbalance on the way.
    margin_imbalance : float
        Mean of the largest imbalance within any level of any factor at the end (NaN without).
    forcing_index, guess_rate, guess_rate_mcse : float
        See `randomisation_metrics`.
    shares : tuple of tuple of float
        Share of each arm at every position.
    ratio_deviation : float
        Largest distance of a position's share from the ratio, in Monte Carlo standard errors.
    method, options, version
    """

    n: int
    replicates: int
    imbalance: float
    imbalance_mcse: float
    largest_imbalance: float
    margin_imbalance: float | None
    forcing_index: float
    guess_rate: float
    guess_rate_mcse: float
    shares: tuple[tuple[float, ...], ...]
    ratio_deviation: float
    method: str
    options: dict[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per metric."""
        import polars as pl

        rows = [
            ("imbalance at the end", self.imbalance, self.imbalance_mcse),
            ("largest imbalance on the way", self.largest_imbalance, None),
            ("largest imbalance of a margin", self.margin_imbalance, None),
            ("forcing index", self.forcing_index, None),
            ("correct guesses", self.guess_rate, self.guess_rate_mcse),
            ("deviation from the ratio (MCSE)", self.ratio_deviation, None),
        ]
        return pl.DataFrame(rows, schema=["metric", "simulated", "mcse"], orient="row")


def randomisation_metrics(
    scheme: AllocationScheme, n: int, *, replicates: int = 100_000, seed: int = 1
) -> RandomisationMetrics:
    r"""Simulate sequences of a scheme; factors have independent, equally likely levels.

    The guess rate is that of the convergence strategy (Blackwell & Hodges 1957): guess the arm
    furthest behind its share, toss a coin at ties. The forcing index (Heritier, Gebski & Pillai
    2005) is ``2/n sum_i sum_k |phi_ik - rho_k|``: 0 for complete randomisation, 1 for blocks of
    two. A rule preserves the allocation ratio when the share of each arm is the ratio at every
    position; the block urn with unequal arms misses it a little, the other methods keep it. The
    seed has nothing to do with that of a real trial.

    Parameters
    ----------
    scheme : AllocationScheme
    n : int
        Patients of a sequence.
    replicates : int
    seed : int

    Returns
    -------
    RandomisationMetrics

    Raises
    ------
    InputError

    Examples
    --------
    >>> from ashworth.trials.randomisation.scheme import allocation_scheme
    >>> scheme = allocation_scheme("permuted_blocks", ["a", "b"], block_sizes=[2])
    >>> made = randomisation_metrics(scheme, 10, replicates=100)
    >>> made.guess_rate, made.forcing_index, made.imbalance
    (0.75, 1.0, 0.0)
    """
    _check(n, replicates, seed)
    ratio = np.array(scheme.ratio, float)
    step = max(1, _CHUNK_PATIENTS // n)
    parts = [_chunk(scheme, seed, np.arange(f, min(f + step, replicates)), n)
             for f in range(0, replicates, step)]  # fmt: skip
    end, largest, margin, forced, guessed = (
        np.concatenate([p[i] for p in parts]) for i in range(5)
    )
    shares = np.sum([p[5] for p in parts], axis=0) / replicates
    rho = ratio / ratio.sum()
    spread = np.sqrt(rho * (1 - rho) / replicates)
    return RandomisationMetrics(
        n, replicates, float(end.mean()), _mcse(end), float(largest.mean()),
        float(margin.mean()) if scheme.factors else None,
        float(2 * forced.mean() / n), float(guessed.mean() / n), _mcse(guessed / n),
        tuple(tuple(float(v) for v in row) for row in shares),
        float(np.max(np.abs(shares - rho) / spread)), scheme.method,
        {"seed": seed, "scheme": scheme.to_dict(), "simulated": True},
    )  # fmt: skip


def _check(n: int, replicates: int, seed: int) -> None:
    faults = Faults("randomisation metrics")
    faults.whole("n", n)
    faults.whole("replicates", replicates)
    faults.whole("seed", seed, least=0)
    faults.refuse()


def _mcse(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")


def _chunk(
    scheme: AllocationScheme, seed: int, replicates: np.ndarray, n: int
) -> tuple[np.ndarray, ...]:
    """Imbalances, forcing, guesses of some sequences; and counts of arms by position."""
    levels = drawn_levels(scheme, seed, replicates, n)
    made = sequences(scheme, levels, drawn_uniforms(seed, replicates, n))
    k = len(scheme.arms)
    hot = made.arms[:, :, None] == np.arange(k, dtype=np.int8)
    units = np.cumsum(hot, axis=1, dtype=np.int32) / np.array(scheme.ratio, float)
    course = units.max(axis=2) - units.min(axis=2)
    margin = _margins(scheme, levels, hot)
    return (course[:, -1], course.max(axis=1), margin, made.forced, made.guessed,
            hot.sum(axis=0).astype(float))  # fmt: skip


def _margins(scheme: AllocationScheme, levels: np.ndarray, hot: np.ndarray) -> np.ndarray:
    """Largest imbalance within a level of any factor."""
    found = [np.full(len(levels), np.nan if not scheme.factors else 0.0)]
    ratio = np.array(scheme.ratio, float)
    for f, (_, known) in enumerate(scheme.factors):
        for level in range(len(known)):
            units = np.einsum("rn,rnk->rk", levels[:, :, f] == level, hot.astype(np.float32))
            units = units / ratio
            found.append(units.max(axis=1) - units.min(axis=1))
    return np.max(found, axis=0)
