"""When a number of patients will have entered, from what each site has entered so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .checks import MOST, check_repeats, series
from .recursion import Floats
from .site_rates import RatePrior, prior_from_sites

if TYPE_CHECKING:
    import polars as pl


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
        going = np.asarray(still_open)
        if going.dtype != bool or going.shape != counts.shape:
            faults.add("still_open", repr(still_open)[:60], "True or False, one per site")
    future = np.sort(series(faults, "future_open_days", future_open_days, least=0.0, empty=True))
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
    if faults.whole("target", target) and not counts.sum() < target <= MOST:
        words = f"more than entered, at most {MOST:g}"
        faults.add("target", f"{target:g} with {counts.sum():g} entered", words)
    faults.probability("level", level)
    check_repeats(faults, repeats)


def _check_prior(faults: Faults, mean_rate: Any, cv: Any, counts: Floats) -> None:
    if (mean_rate is None) != (cv is None):
        faults.add("mean_rate", "one of mean_rate and cv", "both or none")
    if mean_rate is not None:
        faults.number("mean_rate", mean_rate, above=0, most=MOST)
    if cv is not None:
        faults.number("cv", cv, least=0, most=100)
    if mean_rate is None and counts.sum() == 0:
        faults.add("patients", "0 at all sites", "at least one patient, or mean_rate and cv")


def _sites(faults: Faults, patients: Any, exposure: Any) -> tuple[Floats, Floats]:
    counts = series(faults, "patients", patients, least=0.0)
    days = series(faults, "exposure_days", exposure, least=0.0)
    if np.any(counts != np.round(counts)):
        faults.add("patients", str(list(counts)), "whole numbers")
    if len(counts) != len(days):
        faults.add("exposure_days", f"{len(days)} values", f"{len(counts)}, one per site")
    elif np.any((days == 0) & (counts > 0)):
        faults.add("exposure_days", "0 days with patients", "days above 0 where patients entered")
    return counts, days
