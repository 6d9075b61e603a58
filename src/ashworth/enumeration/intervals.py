"""Limits for counts (as rates) and for proportions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, gammainccinv, gammaincinv, ndtri

from ashworth.version import __version__

CountInterval = Literal["garwood", "jeffreys"]
ProportionInterval = Literal["clopper-pearson", "wilson"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """Estimates with their limits, element by element.

    Attributes
    ----------
    estimate, lower, upper : ndarray of float
        Rate per `unit` of the denominator, or proportion; NaN where nothing was observed.
    level : float
        Confidence level, two-sided.
    method : str
        Name of the interval.
    n : int
        Number of elements.
    """

    estimate: Floats
    lower: Floats
    upper: Floats
    level: float
    method: str
    n: int
    options: dict[str, float]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Columns estimate, lower, upper."""
        return pl.DataFrame({"estimate": self.estimate, "lower": self.lower, "upper": self.upper})


def poisson_interval(
    n_cells: ArrayLike,
    denominator: ArrayLike = 1.0,
    *,
    method: CountInterval = "garwood",
    level: float = 0.95,
    per: float = 1.0,
) -> Interval:
    r"""Limits of the rate behind a Poisson count.

    Parameters
    ----------
    n_cells : array_like of int
        Observed cells, >= 0.
    denominator : array_like of float
        Amount in which they were found (ml, or nucleated cells), > 0; broadcast.
    method : {'garwood', 'jeffreys'}
        ``garwood`` is exact: the coverage is never below `level`. ``jeffreys`` takes quantiles of
        Gamma(n + 1/2), narrower and right on average; its lower limit at 0 cells is above 0.
    level : float
        Two-sided level.
    per : float
        Amount that the rate refers to, e.g. 7.5.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        For a negative count, a denominator that is not positive, or an unknown method.

    Notes
    -----
    With :math:`a = 1 - level`, Garwood's limits are :math:`\chi^2_{2n}(a/2)/2` and
    :math:`\chi^2_{2n+2}(1 - a/2)/2`.

    References
    ----------
    Garwood F. Biometrika 1936;28:437. Jeffreys H. Theory of Probability, 1961.

    Examples
    --------
    >>> limits = poisson_interval([0, 5], 7.5, per=7.5)
    >>> limits.lower.round(3).tolist(), limits.upper.round(3).tolist()
    ([0.0, 1.623], [3.689, 11.668])
    """
    counts, amounts = np.broadcast_arrays(
        np.asarray(n_cells, dtype=float), np.asarray(denominator, dtype=float)
    )
    if np.any(counts < 0) or np.any(amounts <= 0):
        raise ValueError("counts must be >= 0 and denominators > 0")
    tail = (1.0 - level) / 2.0
    if method == "garwood":
        lower = np.where(counts > 0, gammaincinv(np.maximum(counts, 1.0), tail), 0.0)
        upper = gammainccinv(counts + 1.0, tail)
    elif method == "jeffreys":
        lower = gammaincinv(counts + 0.5, tail)
        upper = gammainccinv(counts + 0.5, tail)
    else:
        raise ValueError(f"found method {method!r}; allowed: 'garwood', 'jeffreys'")
    scale = per / amounts
    return Interval(
        counts * scale, lower * scale, upper * scale, level, method, counts.size, {"per": per}
    )


def proportion_interval(
    successes: ArrayLike,
    trials: ArrayLike,
    *,
    method: ProportionInterval = "clopper-pearson",
    level: float = 0.95,
) -> Interval:
    r"""Limits of a proportion.

    Parameters
    ----------
    successes, trials : array_like of int
        0 <= successes <= trials; no trial gives NaN.
    method : {'clopper-pearson', 'wilson'}
        Exact (never below the level), or Wilson's score interval.
    level : float
        Two-sided level.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If there are more successes than trials, or the method is unknown.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934;26:404. Wilson EB. J Am Stat Assoc 1927;22:209.

    Examples
    --------
    >>> limits = proportion_interval(2814, 10307)
    >>> round(float(limits.lower), 4), round(float(limits.upper), 4)
    (0.2644, 0.2817)
    """
    x, n = np.broadcast_arrays(np.asarray(successes, dtype=float), np.asarray(trials, dtype=float))
    if np.any(x < 0) or np.any(x > n):
        raise ValueError("need 0 <= successes <= trials")
    if method not in ("clopper-pearson", "wilson"):
        raise ValueError(f"found method {method!r}; allowed: 'clopper-pearson', 'wilson'")
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(n > 0, x / n, np.nan)
        limits = _wilson if method == "wilson" else _clopper_pearson
        lower, upper = limits(x, n, level)
    empty = n == 0
    return Interval(
        share,
        np.where(empty, np.nan, lower),
        np.where(empty, np.nan, upper),
        level,
        method,
        x.size,
        {},
    )


def _clopper_pearson(x: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Quantiles of beta distributions; 0 and 1 at the ends."""
    tail = (1.0 - level) / 2.0
    misses = n - x
    lower = np.where(x > 0, betaincinv(np.maximum(x, 1.0), misses + 1.0, tail), 0.0)
    upper = np.where(misses > 0, betaincinv(x + 1.0, np.maximum(misses, 1.0), 1.0 - tail), 1.0)
    return lower, upper


def _wilson(x: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Invert the score test."""
    z = ndtri(0.5 + level / 2.0)
    centre = (x + z**2 / 2.0) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(x * (n - x) / n + z**2 / 4.0)
    return np.where(x == 0, 0.0, centre - half), np.where(x == n, 1.0, centre + half)
