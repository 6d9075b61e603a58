"""Expected accrual over sites whose rates differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .checks import MOST, series
from .recursion import Floats

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
    asked = series(faults, "days", days, least=0.0)
    opened = series(faults, "site_open_days", site_open_days)
    closed = None
    if site_close_days is not None:
        closed = series(faults, "site_close_days", site_close_days)
        if len(closed) != len(opened) or np.any(closed <= opened):
            faults.add("site_close_days", str(list(closed)), "one day per site, after its opening")
    faults.number("mean_rate", mean_rate, above=0, most=MOST)
    faults.number("cv", cv, least=0, most=100)
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
