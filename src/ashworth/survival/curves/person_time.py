"""Rates per person-year with exact Poisson limits, and the ratio of two rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import bdtr, betaincinv, gammaincinv, gammaln, xlog1py, xlogy

from ashworth.errors import EstimationError
from ashworth.survival.inputs import (
    Faults,
    Floats,
    Integers,
    check_level,
    check_number,
    labels,
    observations,
)
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class PersonYears:
    """Events, person-years and rates of k groups.

    Attributes
    ----------
    groups : tuple
        Labels, sorted; ``("all",)`` without groups.
    n_per_group, events_per_group : ndarray of int, shape (k,)
        Rows and events.
    person_years : ndarray, shape (k,)
        Time at risk in years.
    rate, lower, upper : ndarray, shape (k,)
        Events per person-year with exact limits.
    method, n, events, options, version
        Name of the method, totals, what was chosen, version of the package.
    """

    groups: tuple[Any, ...]
    n_per_group: Integers
    events_per_group: Integers
    person_years: Floats
    rate: Floats
    lower: Floats
    upper: Floats
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per group: group, n, events, person_years, rate, lower, upper."""
        import polars as pl

        return pl.DataFrame(
            {
                "group": [str(g) for g in self.groups],
                "n": self.n_per_group,
                "events": self.events_per_group,
                "person_years": self.person_years,
                "rate": self.rate,
                "lower": self.lower,
                "upper": self.upper,
            }
        )


@dataclass(frozen=True, slots=True)
class RateRatio:
    """Ratio of two rates with exact conditional limits.

    Attributes
    ----------
    ratio, lower, upper : float
        First rate over the second; infinite when the second has no events.
    p_value : float
        Exact two-sided p-value.
    method : str
        Name of the method.
    n, events : float, int
        Person-years and events of both groups.
    options : mapping
        Confidence level.
    version : str
        Version of the package.
    """

    ratio: float
    lower: float
    upper: float
    p_value: float
    method: str
    n: float
    events: int
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row: ratio, lower, upper, p_value, events, person_years."""
        import polars as pl

        row = {"ratio": self.ratio, "lower": self.lower, "upper": self.upper}
        rest = {"p_value": self.p_value, "events": self.events, "person_years": self.n}
        return pl.DataFrame([row | rest])


def poisson_limits(counts: Any, level: float = 0.95) -> tuple[Floats, Floats]:
    """Garwood's exact limits of Poisson means, shape as `counts`; the lower one of 0 is 0."""
    k = np.asarray(counts, dtype=np.float64)
    tail = (1.0 - level) / 2.0
    lower = np.where(k > 0, gammaincinv(np.maximum(k, 1.0), tail), 0.0)
    return lower, gammaincinv(k + 1.0, 1.0 - tail)


def person_years(
    time: Any,
    event: Any,
    *,
    group: Any = None,
    entry: Any = None,
    days_per_year: float = DAYS_PER_YEAR,
    level: float = 0.95,
) -> PersonYears:
    r"""Estimate event rates per person-year, by group.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up in days.
    event : array-like of bool or 0/1, shape (n,)
        1 event, 0 none.
    group : array-like, shape (n,), optional
        Labels.
    entry : array-like, shape (n,), optional
        Start of follow-up in days; 0 by default.
    days_per_year : float
        Units of `time` in a year; 1 where times are years already.
    level : float
        Confidence level.

    Returns
    -------
    PersonYears
        Rates d / Y with Garwood's limits, exact for a Poisson count. Without events the rate and
        its lower limit are 0; without person-time they are NaN.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.

    Notes
    -----
    .. math:: \chi^2_{2d,\alpha/2} / 2Y,\quad \chi^2_{2d+2,1-\alpha/2} / 2Y

    References
    ----------
    .. [1] Garwood F (1936). Fiducial limits for the Poisson distribution. Biometrika 28:437-442.

    Examples
    --------
    >>> rates = person_years([1.0, 2.5, 4.0], [1, 0, 1], days_per_year=1)
    >>> round(float(rates.rate[0]), 4), round(float(rates.upper[0]), 4)
    (0.2667, 0.9633)
    """
    check_level(level)
    if check_number(days_per_year, "days_per_year", "a positive number") <= 0:
        raise EstimationError(f"days_per_year is {days_per_year!r}; allowed: a positive number")
    faults = Faults("person_years")
    names, codes = (["all"], None) if group is None else labels(group, "group", faults)
    seen = observations(time, event, entry, None, faults, ("group", codes))
    length = seen.time if seen.entry is None else seen.time - seen.entry
    place = np.zeros(length.size, dtype=np.int64) if codes is None else codes
    k = len(names)
    years = np.bincount(place, weights=length, minlength=k) / days_per_year
    deaths = np.bincount(place[seen.event], minlength=k)
    low, high = poisson_limits(deaths, level)
    known = years > 0
    rate, lower, upper = (
        np.divide(x, years, out=np.full(k, np.nan), where=known) for x in (deaths, low, high)
    )
    return PersonYears(
        tuple(names), np.bincount(place, minlength=k), deaths, years, rate, lower, upper,
        "person-year rates, Garwood limits", length.size, int(deaths.sum()),
        {"level": level, "days_per_year": days_per_year, "entry": entry is not None}, __version__,
    )  # fmt: skip


_MOST_EVENTS = 10_000_000
"""More would fill the memory: the exact p-value looks at every possible outcome."""


def _exact_binomial_p(k: int, n: int, share: float) -> float:
    """Two-sided p: all outcomes that are at most as probable as the one seen."""
    x = np.arange(n + 1, dtype=np.float64)
    log_choose = gammaln(n + 1.0) - gammaln(x + 1.0) - gammaln(n - x + 1.0)
    log_p = log_choose + xlogy(x, share) + xlog1py(n - x, -share)
    as_rare = log_p <= log_p[k] + 1e-7
    mode = int(np.floor((n + 1) * share))
    low = np.flatnonzero(as_rare[: min(mode, n) + 1])
    high = np.flatnonzero(as_rare[min(mode, n) :]) + min(mode, n)
    if low.size and high.size and low[-1] >= high[0]:
        return 1.0
    below = float(bdtr(int(low[-1]), n, share)) if low.size else 0.0
    above = float(bdtr(n - int(high[0]), n, 1.0 - share)) if high.size else 0.0
    return min(1.0, below + above)


def rate_ratio(
    events: int,
    person_years: float,
    events_reference: int,
    person_years_reference: float,
    *,
    level: float = 0.95,
) -> RateRatio:
    r"""Compare two Poisson rates exactly, given the total number of events.

    Parameters
    ----------
    events, events_reference : int
        Events of the group of interest and of the reference group.
    person_years, person_years_reference : float
        Their person-years.
    level : float
        Confidence level.

    Returns
    -------
    RateRatio
        Ratio with limits and p-value. Without events in the reference group the ratio and its
        upper limit are infinite, without events in the first both ratio and lower limit are 0.

    Raises
    ------
    EstimationError
        Without events, with negative or fractional ones, or without person-years.

    Notes
    -----
    Given :math:`n = d_1 + d_0` the count :math:`d_1` is binomial with
    :math:`\pi = Y_1\theta / (Y_1\theta + Y_0)`; Clopper-Pearson limits of :math:`\pi` give those
    of :math:`\theta`. The p-value adds all outcomes at most as probable as the one seen.

    References
    ----------
    .. [1] Przyborowski J, Wilenski H (1940). Homogeneity of results in testing samples from
       Poisson series. Biometrika 31:313-323.

    Examples
    --------
    >>> r = rate_ratio(7, 32.7, 16, 796.3)
    >>> round(r.ratio, 2), round(r.lower, 2), round(r.upper, 1), f"{r.p_value:.1e}"
    (10.65, 3.71, 27.4, '2.1e-05')
    """
    check_level(level)
    counts, years = (events, events_reference), (person_years, person_years_reference)
    allowed = f"whole numbers up to {_MOST_EVENTS:,}, not both 0"
    whole = [check_number(c, "events", allowed) for c in counts]
    if any(not 0 <= c <= _MOST_EVENTS or c != int(c) for c in whole) or sum(whole) == 0:
        raise EstimationError(f"events are {counts}; allowed: {allowed}")
    if not all(check_number(y, "person-years", "positive numbers") > 0 for y in years):
        raise EstimationError(f"person-years are {years}; allowed: positive numbers")
    first, second = int(events), int(events_reference)
    tail = (1.0 - level) / 2.0
    low = float(betaincinv(first, second + 1, tail)) if first else 0.0
    high = float(betaincinv(first + 1, second, 1.0 - tail)) if second else 1.0
    odds = float(person_years_reference) / float(person_years)
    infinite = float("inf")
    share = 1.0 / (1.0 + odds)
    return RateRatio(
        first / second * odds if second else infinite,
        low / (1.0 - low) * odds if low < 1.0 else infinite,
        high / (1.0 - high) * odds if second else infinite,
        _exact_binomial_p(first, first + second, share),
        "exact conditional Poisson", float(sum(years)), first + second, {"level": level},
        __version__,
    )  # fmt: skip
