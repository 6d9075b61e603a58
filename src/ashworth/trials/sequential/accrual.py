"""Accrual over sites whose rates differ: what is expected, and when a target will be met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .checks import numbers
from .recursion import Floats
from .site_rates import RatePrior, prior_from_sites

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ExpectedAccrual:
    """Expected patients by day; tuples have one value per day.

    Attributes
    ----------
    method : str
        "poisson_gamma", or "poisson" where sites do not differ.
    mean_rate, cv : float
        Patients per site and day; coefficient of variation between sites.
    level : float
        Of the prediction limits.
    day, expected, standard_deviation : tuple of float
        Days, and mean and standard deviation of the patients by then.
    lower, upper : tuple of int
        Central prediction limits.
    version : str
        Version of the package.
    """

    method: str
    mean_rate: float
    cv: float
    level: float
    day: tuple[float, ...]
    expected: tuple[float, ...]
    standard_deviation: tuple[float, ...]
    lower: tuple[int, ...]
    upper: tuple[int, ...]
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {k: getattr(self, k) for k in ("method", "mean_rate", "cv", "level")}

    def table(self) -> pl.DataFrame:
        """One row per day."""
        import polars as pl

        names = ("day", "expected", "standard_deviation", "lower", "upper")
        return pl.DataFrame({name: getattr(self, name) for name in names})


def expected_accrual(
    days: Sequence[float],
    *,
    site_open_days: Sequence[float],
    mean_rate: float,
    cv: float = 0.0,
    site_close_days: Sequence[float] | None = None,
    level: float = 0.9,
) -> ExpectedAccrual:
    r"""Expected accrual curve of sites that open at their days.

    Parameters
    ----------
    days : sequence of float
        Days asked for, 0 or later. Any unit of time will do.
    site_open_days, site_close_days : sequence of float
        Of each site; without the latter sites stay open.
    mean_rate : float
        Patients per site and day, above 0.
    cv : float
        Coefficient of variation of the rates between sites; 0 for sites alike.
    level : float
        Of the central prediction limits.

    Returns
    -------
    ExpectedAccrual
        Rates are gamma, counts Poisson given them (Anisimov & Fedorov 2007, Stat Med 26:4958):
        mean :math:`m \sum\tau_i`, variance :math:`m \sum\tau_i + m^2 cv^2 \sum\tau_i^2` with
        exposures :math:`\tau_i`. Limits are those of the negative binomial with these moments,
        exact where the exposures are equal.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> found = expected_accrual([180, 360], site_open_days=[0, 90], mean_rate=0.02, cv=0.5)
    >>> found.expected
    (5.4, 12.6)
    """
    faults = Faults("expected_accrual")
    asked = _series(faults, "days", days, least=0.0)
    opened = _series(faults, "site_open_days", site_open_days)
    closed = None
    if site_close_days is not None:
        closed = _series(faults, "site_close_days", site_close_days)
        if len(closed) != len(opened) or np.any(closed <= opened):
            faults.add("site_close_days", str(list(closed)), "one day per site, after its opening")
    faults.number("mean_rate", mean_rate, above=0)
    faults.number("cv", cv, least=0)
    faults.probability("level", level)
    faults.refuse()
    ends = asked[:, None] if closed is None else np.minimum(asked[:, None], closed)
    exposure = np.maximum(ends - opened, 0.0)
    mean = mean_rate * exposure.sum(axis=1)
    extra = (mean_rate * cv) ** 2 * (exposure**2).sum(axis=1)
    lower, upper = (count_quantile(q, mean, extra) for q in ((1 - level) / 2, (1 + level) / 2))
    return ExpectedAccrual(
        "poisson_gamma" if cv > 0 else "poisson", float(mean_rate), float(cv), float(level),
        tuple(asked.tolist()), tuple(mean.tolist()), tuple(np.sqrt(mean + extra).tolist()),
        lower, upper,
    )  # fmt: skip


def count_quantile(probability: float, mean: Floats, extra: Floats) -> tuple[int, ...]:
    """Quantiles of negative binomial counts with means and variances mean + extra."""
    from scipy.stats import nbinom, poisson

    found = []
    for m, e in zip(mean.tolist(), extra.tolist(), strict=True):
        if m <= 0:
            found.append(0)
        elif e <= 1e-12 * m:
            found.append(int(poisson.ppf(probability, m)))
        else:
            found.append(int(nbinom.ppf(probability, m * m / e, m / (m + e))))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class AccrualPrediction:
    """Days from now until a number of patients have entered.

    Attributes
    ----------
    method : str
        "poisson_gamma", or "poisson" where the sites' counts do not differ more than by chance.
    target, entered : int
        Patients wanted, and so far.
    mean_rate, cv : float
        Patients per site and day, and its variation between sites: fitted, or as given.
    level : float
        Of the prediction interval.
    mean_days : float or None
        Mean in closed form or by quadrature; None where sites are still to open.
    median_days, lower_days, upper_days : float
        Of the simulated days.
    simulated_mean_days, standard_error : float
        Mean of the simulated days and its Monte Carlo standard error.
    repeats : int
        Simulations.
    version : str
        Version of the package.
    """

    method: str
    target: int
    entered: int
    mean_rate: float
    cv: float
    level: float
    mean_days: float | None
    median_days: float
    lower_days: float
    upper_days: float
    simulated_mean_days: float
    standard_error: float
    repeats: int
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {k: getattr(self, k) for k in ("method", "target", "level", "repeats")}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def predict_accrual(
    patients: Sequence[int],
    exposure_days: Sequence[float],
    target: int,
    *,
    seed: int | np.random.Generator,
    still_open: Sequence[bool] | None = None,
    future_open_days: Sequence[float] = (),
    mean_rate: float | None = None,
    cv: float | None = None,
    level: float = 0.9,
    repeats: int = 10_000,
) -> AccrualPrediction:
    r"""When a target will be met, from the patients that each site has entered so far.

    Parameters
    ----------
    patients, exposure_days : sequence, one value per site
        Patients entered, and days open until now. Any unit of time will do.
    target : int
        Patients of all sites together, above those entered.
    seed : int or numpy Generator
        Of the simulation.
    still_open : sequence of bool, optional
        Sites that go on; without it all do.
    future_open_days : sequence of float
        Days from now at which further sites open.
    mean_rate, cv : float, optional
        Of the rates between sites; without them they are fitted by maximum likelihood.
    level, repeats
        Of the prediction interval; simulations.

    Returns
    -------
    AccrualPrediction
        A site's rate given its n patients in :math:`\tau` days is gamma with shape a + n and rate
        b + :math:`\tau` (Anisimov & Fedorov 2007); the time to r more patients is gamma over the
        sum of rates. Its mean is :math:`r \int_0^\infty \prod_i (1+s/b_i)^{-a_i} ds`. Fitted a
        and b stand; where the sites differ no more than by chance they share one rate, drawn
        from gamma(patients + 1/2, days).

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> found = predict_accrual([12, 5, 9], [200.0, 150.0, 180.0], 60, seed=1)
    >>> round(found.mean_days)
    236
    """
    faults = Faults("predict_accrual")
    counts, exposure = _sites(faults, patients, exposure_days)
    going = np.ones(len(counts), dtype=bool)
    if still_open is not None:
        going = np.asarray(list(still_open))
        if going.dtype != bool or going.shape != counts.shape:
            faults.add("still_open", repr(still_open), "True or False, one per site")
    future = np.sort(_series(faults, "future_open_days", future_open_days, least=0.0, empty=True))
    _check_prediction(faults, target, counts, level, repeats)
    _check_prior(faults, mean_rate, cv, counts)
    faults.refuse()
    if not going.any() and not len(future):
        faults.add("still_open", "no site goes on", "a site that goes on or opens")
        faults.refuse()
    prior = prior_from_sites(counts, exposure) if mean_rate is None else RatePrior(
        float(mean_rate), float(cv or 0.0))  # fmt: skip
    more = int(target) - int(counts.sum())
    rng = np.random.default_rng(seed)
    days = _simulated_days(rng, prior, counts[going], exposure[going], future, more, int(repeats))
    mean = None if len(future) else more * prior.mean_inverse_rate(counts[going], exposure[going])
    low, middle, high = np.quantile(days, [(1 - level) / 2, 0.5, (1 + level) / 2])
    return AccrualPrediction(
        "poisson_gamma" if prior.cv > 0 else "poisson", int(target), int(counts.sum()),
        prior.mean, prior.cv, float(level), mean, float(middle), float(low), float(high),
        float(days.mean()), float(days.std(ddof=1) / math.sqrt(len(days))), int(repeats),
    )  # fmt: skip


def _simulated_days(
    rng: np.random.Generator, prior: RatePrior, counts: Floats, exposure: Floats, future: Floats,
    more: int, repeats: int,
) -> Floats:  # fmt: skip
    """Days until the target: unit-rate waiting time sent through the summed intensity."""
    now, later = prior.sums(rng, counts, exposure, len(future), repeats)
    waiting = rng.gamma(more, size=repeats)
    rate, done, day = now, np.zeros(repeats), 0.0
    days = np.full(repeats, np.inf)
    for k in range(len(future) + 1):
        end = future[k] if k < len(future) else math.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            arrive = np.where(rate > 0, day + (waiting - done) / rate, np.inf)
        here = ~np.isfinite(days) & (arrive <= end)
        days = np.where(here, arrive, days)
        if k < len(future):
            done, day, rate = done + rate * (end - day), float(end), rate + later[:, k]
    return days


def _check_prediction(
    faults: Faults, target: Any, counts: Floats, level: Any, repeats: Any
) -> None:  # fmt: skip
    if faults.whole("target", target) and target <= counts.sum():
        faults.add("target", f"{target:g} with {counts.sum():g} entered", "more than entered")
    faults.probability("level", level)
    faults.whole("repeats", repeats, least=100)


def _check_prior(faults: Faults, mean_rate: Any, cv: Any, counts: Floats) -> None:
    if (mean_rate is None) != (cv is None):
        faults.add("mean_rate", "one of mean_rate and cv", "both or none")
    if mean_rate is not None:
        faults.number("mean_rate", mean_rate, above=0)
    if cv is not None:
        faults.number("cv", cv, least=0)
    if mean_rate is None and counts.sum() == 0:
        faults.add("patients", "0 at all sites", "at least one patient, or mean_rate and cv")


def _sites(faults: Faults, patients: Any, exposure: Any) -> tuple[Floats, Floats]:
    counts = _series(faults, "patients", patients, least=0.0)
    days = _series(faults, "exposure_days", exposure, least=0.0)
    if np.any(counts != np.round(counts)):
        faults.add("patients", str(list(counts)), "whole numbers")
    if len(counts) != len(days):
        faults.add("exposure_days", f"{len(days)} values", f"{len(counts)}, one per site")
    elif np.any((days == 0) & (counts > 0)):
        faults.add("exposure_days", "0 days with patients", "days above 0 where patients entered")
    return counts, days


def _series(
    faults: Faults, name: str, values: Any, *, least: float = -math.inf, empty: bool = False
) -> Floats:
    found = numbers(values.tolist() if isinstance(values, np.ndarray) else values)
    if found is None or (not found and not empty):
        faults.add(name, repr(values)[:60], "finite numbers", "list the values")
        return np.zeros(0)
    if found and min(found) < least:
        faults.add(name, f"{min(found):g}", f"numbers at least {least:g}")
    return np.asarray(found, dtype=np.float64)
