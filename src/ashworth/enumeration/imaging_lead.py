"""What the count knew before the first imaging did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from ashworth.enumeration.arguments import (
    Faults,
    column,
    confidence,
    finite,
    flags,
    one_of,
    same_length,
)
from ashworth.enumeration.intervals import ProportionInterval, proportion_interval
from ashworth.errors import EstimationError
from ashworth.version import __version__

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CountBeforeImaging:
    """A count under therapy as a test for what the first imaging found later.

    Attributes
    ----------
    n_both, n_count_only, n_imaging_only, n_neither : int
        Unfavourable by count and by imaging, by count only, by imaging only, by neither.
    measures : polars.DataFrame
        measure, estimate, lower, upper, n, of.
    days : polars.DataFrame
        quantity, value: days from the count to the imaging.
    kappa : float
        Cohen's kappa of the two verdicts.
    n : int
        Patients compared: count before imaging, both evaluable.
    excluded : mapping of str to int
        Who was left out, and why.
    level : float
    method : str
    options : mapping
    version : str
    """

    n_both: int
    n_count_only: int
    n_imaging_only: int
    n_neither: int
    measures: pl.DataFrame
    days: pl.DataFrame
    kappa: float
    n: int
    excluded: Mapping[str, int]
    level: float
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the measures: sensitivity to likelihood ratios, with limits."""
        return self.measures


def count_before_imaging(
    count_unfavourable: Any,
    imaging_unfavourable: Any,
    count_day: Any,
    imaging_day: Any,
    *,
    interval: ProportionInterval = "wilson",
    level: float = 0.95,
) -> CountBeforeImaging:
    r"""Compare the count's verdict under therapy with that of the first imaging after it.

    Use it to ask what a count after the first cycle said before imaging could (Martin 2013).

    Parameters
    ----------
    count_unfavourable : array-like of bool or 0/1, shape (n,)
        1 where the count was high at the draw under therapy; missing where not assessable.
    imaging_unfavourable : array-like of bool or 0/1, shape (n,)
        1 where the first imaging showed progression (or no benefit); missing where not evaluable.
    count_day, imaging_day : array-like, shape (n,)
        Days of the draw and of the imaging on one clock; missing where there was none.
    interval : {'wilson', 'clopper-pearson'}
        Limits of proportions.
    level : float
        Of all limits.

    Returns
    -------
    CountBeforeImaging

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        If nobody has a count before an imaging.

    Notes
    -----
    Patients without either verdict, and those whose imaging was not later than the draw, are left
    out and counted. Likelihood ratios :math:`LR_+ = se / (1 - sp)` and
    :math:`LR_- = (1 - se) / sp` have limits from the variance of their logarithm, such as
    :math:`1/a - 1/(a+c) + 1/b - 1/(b+d)` for :math:`LR_+` (a, b unfavourable counts with and
    without, c, d favourable counts with and without unfavourable imaging); none with an empty
    cell. The days gained are those between draw and imaging: how often imaging was planned
    decides them, not the biology of the cells.

    References
    ----------
    Martin M et al. Oncologist 2013;18:917. Simel DL, Samsa GP, Matchar DB. J Clin Epidemiol
    1991;44:763.

    Examples
    --------
    >>> found = count_before_imaging([1, 1, 0, 0, 0, 1], [1, 1, 0, 0, 1, 0],
    ...     [28, 28, 25, 30, 28, 27], [63, 70, 56, 84, 63, 60])
    >>> found.n, found.table().row(0)[:2]
    (6, ('agreement', 0.6666666666666666))
    """
    one_of(interval, "interval", ("wilson", "clopper-pearson"))
    confidence(level)
    faults = Faults("count_before_imaging")
    by_count = flags(count_unfavourable, "count_unfavourable", faults, gaps=True)
    by_imaging = flags(imaging_unfavourable, "imaging_unfavourable", faults, gaps=True)
    drawn, imaged = (
        column(v, n, faults) for v, n in ((count_day, "count_day"), (imaging_day, "imaging_day"))
    )
    for values, name in ((drawn, "count_day"), (imaged, "imaging_day")):
        finite(values[~np.isnan(values)], name, faults)
    same_length(
        {"count_unfavourable": by_count, "imaging_unfavourable": by_imaging, "count_day": drawn,
         "imaging_day": imaged}, faults,
    )  # fmt: skip
    faults.stop()
    keep, excluded = _compared(by_count, by_imaging, drawn, imaged)
    if not keep.any():
        raise EstimationError(
            f"count_before_imaging: none of {keep.size} patients has a count before an imaging"
        )
    c, i = by_count[keep] == 1.0, by_imaging[keep] == 1.0
    cells = (int((c & i).sum()), int((c & ~i).sum()), int((~c & i).sum()), int((~c & ~i).sum()))
    gap = imaged[keep] - drawn[keep]
    return CountBeforeImaging(
        *cells, _measures(cells, interval, level), _days(gap), _kappa(cells), int(keep.sum()),
        excluded, level, f"two by two table; {interval} limits; log limits of likelihood ratios",
        {"interval": interval},
    )  # fmt: skip


def _compared(
    by_count: Floats, by_imaging: Floats, drawn: Floats, imaged: Floats
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Who is compared, and the first reason against everyone else."""
    reasons = (
        ("no assessable count under therapy", np.isnan(by_count) | np.isnan(drawn)),
        ("no evaluable imaging", np.isnan(by_imaging) | np.isnan(imaged)),
        ("imaging on or before the day of the draw", imaged <= drawn),
    )
    keep, excluded = np.ones(drawn.size, dtype=bool), {}
    for reason, bad in reasons:
        excluded[reason] = int((keep & bad).sum())
        keep &= ~bad
    return keep, excluded


def _measures(
    cells: tuple[int, int, int, int], interval: ProportionInterval, level: float
) -> pl.DataFrame:
    a, b, c, d = cells
    pairs = (
        ("agreement", a + d, a + b + c + d),
        ("sensitivity", a, a + c),
        ("specificity", d, b + d),
        ("positive predictive value", a, a + b),
        ("negative predictive value", d, c + d),
    )
    limits = proportion_interval(
        [p[1] for p in pairs], [p[2] for p in pairs], method=interval, level=level
    )
    rows: list[tuple[Any, ...]] = [
        (name, limits.estimate[j], limits.lower[j], limits.upper[j], part, of)
        for j, (name, part, of) in enumerate(pairs)
    ]
    rows.append(("positive likelihood ratio", *_likelihood_ratio(a, b, a + c, b + d, level)))
    rows.append(("negative likelihood ratio", *_likelihood_ratio(c, d, a + c, b + d, level)))
    schema = {
        "measure": pl.String, "estimate": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
        "n": pl.Int64, "of": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _likelihood_ratio(
    x: int, y: int, with_: int, without: int, level: float
) -> tuple[float, float, float, None, None]:
    """(x / with) / (y / without), with limits of its logarithm."""
    nan = float("nan")
    if not with_ or not without or (x == 0 and y == 0):
        return nan, nan, nan, None, None
    if y == 0 or x == 0:
        return (float("inf") if y == 0 else 0.0), nan, nan, None, None
    ratio = x / with_ / (y / without)
    half = float(ndtri(0.5 + level / 2.0)) * np.sqrt(1 / x - 1 / with_ + 1 / y - 1 / without)
    return ratio, ratio * float(np.exp(-half)), ratio * float(np.exp(half)), None, None


def _kappa(cells: tuple[int, int, int, int]) -> float:
    a, b, c, d = cells
    n = a + b + c + d
    chance = ((a + b) * (a + c) + (c + d) * (b + d)) / n**2
    return float("nan") if chance == 1.0 else ((a + d) / n - chance) / (1.0 - chance)


def _days(gap: Floats) -> pl.DataFrame:
    """Quartiles (R's type 7) and range of the days from count to imaging."""
    values = np.quantile(gap, [0.0, 0.25, 0.5, 0.75, 1.0]).tolist()
    names = ["minimum", "lower quartile", "median", "upper quartile", "maximum"]
    return pl.DataFrame({"quantity": names, "days": values})
