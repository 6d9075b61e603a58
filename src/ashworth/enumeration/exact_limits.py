"""Limits of blank and of detection of integer cells: exact, not by standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincinv, chdtrc, gammaincc, gammainccinv, ndtri

from ashworth.enumeration.detection_limits import demand_shares, results_of, warn_if_few
from ashworth.enumeration.fitting import fit_population
from ashworth.enumeration.intervals import poisson_interval
from ashworth.enumeration.populations import NegativeBinomial
from ashworth.errors import InputError, Problem
from ashworth.version import __version__

BlankFamily: TypeAlias = Literal["poisson", "negative_binomial"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CountLimits:
    """Limits of blank and of detection of a count.

    Attributes
    ----------
    limit_of_blank, limit_of_blank_lower, limit_of_blank_upper : int
        Largest count that blanks may give; a count above it is detected.
    false_positive_probability : float
        That a blank exceeds `limit_of_blank`, at the estimated rate.
    limit_of_detection, limit_of_detection_lower, limit_of_detection_upper : float
        True cells per unit of the denominator.
    blank_rate, blank_rate_lower, blank_rate_upper : float
        False positive cells per unit.
    analysed : float
        Amount that the limits hold for.
    dispersion_p_value : float
        Of the test that blanks are Poisson (chi-square of the index of dispersion); NaN for one
        blank or none positive.
    n, n_cells : int
        Blanks, and the cells called in them.
    """

    limit_of_blank: int
    limit_of_blank_lower: int
    limit_of_blank_upper: int
    false_positive_probability: float
    limit_of_detection: float
    limit_of_detection_lower: float
    limit_of_detection_upper: float
    blank_rate: float
    blank_rate_lower: float
    blank_rate_upper: float
    analysed: float
    dispersion_p_value: float
    level: float
    n: int
    n_cells: int
    method: str
    options: dict[str, float]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Three rows: quantity, estimate, lower, upper, unit."""
        names = ("blank_rate", "limit_of_blank", "limit_of_detection")
        columns = {
            suffix or "estimate": [float(getattr(self, name + tail)) for name in names]
            for suffix, tail in (("", ""), ("lower", "_lower"), ("upper", "_upper"))
        }
        units = ["cells per unit", "cells", "cells per unit"]
        return pl.DataFrame({"quantity": names, **columns, "unit": units})


def count_limits(
    n_cells: ArrayLike,
    amount: ArrayLike,
    *,
    analysed: float | None = None,
    family: BlankFamily = "poisson",
    recovery: float = 1.0,
    spike_size: float = np.inf,
    alpha: float = 0.05,
    beta: float = 0.05,
    level: float = 0.95,
) -> CountLimits:
    r"""Limits of blank and of detection from the cells called in blanks.

    Parameters
    ----------
    n_cells : array_like of int, shape (n,)
        Cells called in each blank (blood or marrow without tumour cells), zeros included.
    amount : array_like, shape (n,) or scalar
        Amount analysed in each blank: ml, or nucleated cells.
    analysed : float, optional
        Amount that the limits shall hold for; by default that of the blanks, where it is one.
    family : {'poisson', 'negative_binomial'}
        Distribution of blanks of the same amount. ``negative_binomial`` where donors or batches
        differ; it is fitted by `fit_population`, which refuses counts no more dispersed than
        Poisson.
    recovery : float
        Share of the cells that are found, in (0, 1], taken as known.
    spike_size : float
        Size of the negative binomial of repeated low-level counts; infinite: Poisson.
    alpha, beta : float
        Share of blanks above the limit of blank; of samples at the limit of detection that are
        not above it.
    level : float
        Of all limits.

    Returns
    -------
    CountLimits

    Raises
    ------
    InputError
        With all problems: no blanks, counts that are negative or not whole, amounts that are not
        positive, different amounts without `analysed`.
    EstimationError
        From the fit of a negative binomial.

    Warns
    -----
    FewMeasurementsWarning
        Fewer than 60 blanks.

    Notes
    -----
    The limit of blank is the smallest k with :math:`P(B \le k) \ge 1 - \alpha`, the limit of
    detection the smallest concentration c with :math:`P(B + S > k) \ge 1 - \beta`, where B are
    the blank cells in the amount and S the found cells, of mean recovery x c x amount.
    Limits of the blank rate: Garwood, or the profile of the fit (log mean); those of the other
    two are their extremes while the blank rate runs between its limits. Any dispersion is held.

    References
    ----------
    CLSI EP17-A2, 2012, for the definitions. Currie LA. Anal Chem 1968;40:586.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     found = count_limits([0] * 48 + [1] * 2, 7.5, recovery=0.85)
    >>> found.limit_of_blank, round(found.limit_of_detection * 7.5, 2)
    (0, 3.48)
    """
    counts, amounts = _checked(n_cells, amount, analysed)
    volume = float(amounts[0] if analysed is None else analysed)
    demand_shares(alpha=alpha, beta=beta, level=level)
    if not 0 < recovery <= 1 or spike_size <= 0:
        raise ValueError("need 0 < recovery <= 1 and spike_size > 0")
    warn_if_few(counts.size, "blanks")
    rate, lower, upper, size = _blank_rate(counts, amounts, family, level)
    means = np.array([rate, lower, upper]) * volume
    blank, blank_low, blank_high = (_largest_blank(m, size, alpha) for m in means)
    exposure = recovery * volume
    spiked = _needed(blank, means[0], size, spike_size, beta)
    range_ = _range_of_needed(means, (blank_low, blank_high), (size, spike_size), alpha, beta)
    return CountLimits(
        blank, blank_low, blank_high, float(1.0 - _cdf(np.array([blank]), means[0], size)[0]),
        spiked / exposure, range_[0] / exposure, range_[1] / exposure, rate, lower, upper, volume,
        _dispersion(counts, amounts), level, counts.size, int(counts.sum()),
        f"exact, {family} blanks",
        {"alpha": alpha, "beta": beta, "recovery": recovery, "spike_size": spike_size,
         "blank_size": size},
    )  # fmt: skip


def _checked(
    n_cells: ArrayLike, amount: ArrayLike, analysed: float | None
) -> tuple[Floats, Floats]:
    """Counts and amounts; every fault at once."""
    counts = results_of(n_cells, "blanks")
    given = np.asarray(amount, dtype=float)
    if given.ndim > 1 or given.size not in (1, counts.size):
        found = f"{given.size} amounts for {counts.size} blanks"
        raise InputError(
            [Problem("blanks", None, "amount", found, "one, or one per blank", "give one each")]
        )
    amounts = np.array(np.broadcast_to(given.ravel(), counts.shape))
    wrong = (counts < 0) | (counts != np.floor(counts))
    problems = [
        Problem("blanks", int(i) + 1, "n_cells", f"{counts[i]:g}", "whole cells, at least 0",
                "give the cells called, not a rate") for i in np.flatnonzero(wrong)
    ] + [
        Problem("blanks", int(i) + 1, "amount", f"{amounts[i]:g}", "an amount above 0",
                "give the amount analysed") for i in np.flatnonzero(~(amounts > 0))
    ]  # fmt: skip
    if analysed is None and np.unique(amounts).size > 1:
        problems.append(
            Problem("blanks", None, "amount", "different amounts", "one amount, or analysed",
                    "give analysed: the amount that the limits shall hold for")
        )  # fmt: skip
    if analysed is not None and not (np.isfinite(analysed) and analysed > 0):
        problems.append(
            Problem("blanks", None, "analysed", str(analysed), "above 0", "give an amount")
        )
    if problems:
        raise InputError(problems)
    return counts, amounts


def _blank_rate(
    counts: Floats, amounts: Floats, family: BlankFamily, level: float
) -> tuple[float, float, float, float]:
    """Rate of blank cells with its limits, and the size of their distribution."""
    if family == "poisson":
        found = poisson_interval(counts.sum(), amounts.sum(), level=level)
        return float(found.estimate), float(found.lower), float(found.upper), np.inf
    if family != "negative_binomial":
        raise ValueError(f"found family {family!r}; allowed: 'poisson', 'negative_binomial'")
    fit = fit_population(counts, amounts)
    assert isinstance(fit.population, NegativeBinomial)
    mean = fit.population.mean
    spread = float(np.exp(ndtri((1.0 + level) / 2.0) * np.sqrt(fit.covariance[0, 0])))
    return mean, mean / spread, mean * spread, fit.population.size


def _cdf(k: Floats, mean: float, size: float) -> Floats:
    """P(N <= k) of a Poisson (infinite size) or negative binomial count; 0 below 0."""
    whole = np.maximum(k, 0.0)
    if mean == 0:
        inside = np.ones_like(whole)
    elif np.isinf(size):
        inside = gammaincc(whole + 1.0, mean)
    else:
        inside = betainc(size, whole + 1.0, size / (size + mean))
    return np.where(k < 0, 0.0, inside)


def _mean_with(k: int, probability: float, size: float) -> float:
    """Mean of a count that is at most k with this probability; 0 for k below 0."""
    if k < 0:
        return 0.0
    if np.isinf(size):
        return float(gammainccinv(k + 1.0, probability))
    share = float(betaincinv(size, k + 1.0, probability))
    return size * (1.0 - share) / share


def _largest_blank(mean: float, size: float, alpha: float) -> int:
    """Smallest k that a blank exceeds with a probability of at most alpha."""
    high = 1
    while _cdf(np.array([float(high)]), mean, size)[0] < 1.0 - alpha:
        high *= 2
    candidates = np.arange(high + 1.0)
    return int(np.argmax(_cdf(candidates, mean, size) >= 1.0 - alpha))


def _needed(blank: int, blank_mean: float, size: float, spike_size: float, beta: float) -> float:
    """Mean of found cells at which a sample stays at or below `blank` with probability beta."""
    k = np.arange(blank + 1.0)
    mass = np.diff(_cdf(k, blank_mean, size), prepend=0.0)

    def missed(mean: float) -> float:
        return float(mass @ _cdf(blank - k, mean, spike_size))

    low, high = 0.0, _mean_with(blank, beta, spike_size)
    if missed(low) <= beta:
        return 0.0
    while high - low > 1e-13 * high:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if missed(middle) > beta else (low, middle)
    return high


def _range_of_needed(
    means: Floats, blanks: tuple[int, int], sizes: tuple[float, float], alpha: float, beta: float
) -> tuple[float, float]:
    """Extremes of what is needed while the blank mean runs from means[1] to means[2].

    Between two jumps of the limit of blank the need falls with the blank mean, so the ends of
    these pieces suffice.
    """
    needed = []
    for k in range(blanks[0], blanks[1] + 1):
        start = max(means[1], _mean_with(k - 1, 1.0 - alpha, sizes[0]))
        stop = min(means[2], _mean_with(k, 1.0 - alpha, sizes[0]))
        needed += [_needed(k, float(m), *sizes, beta) for m in (start, stop)]
    return min(needed), max(needed)


def _dispersion(counts: Floats, amounts: Floats) -> float:
    """P value of the chi-square test that the counts are Poisson with one rate."""
    total = counts.sum()
    if counts.size < 2 or total == 0:
        return float("nan")
    expected = total * amounts / amounts.sum()
    return float(chdtrc(counts.size - 1, np.sum((counts - expected) ** 2 / expected)))
