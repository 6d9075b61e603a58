"""Limit of blank and limit of detection from replicates, as in CLSI EP17-A2.

For integer cells see `ashworth.enumeration.count_limits`; where a sample is only positive or
negative, `ashworth.enumeration.detection_curve`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, chdtri, nctdtrit, ndtri

from ashworth.errors import AshworthWarning, EstimationError, InputError, Problem
from ashworth.version import __version__

BlankMethod: TypeAlias = Literal["classical", "parametric"]
Kind: TypeAlias = Literal["limit_of_blank", "limit_of_detection"]
Floats = NDArray[np.float64]
ENOUGH = 60
"""Results of blanks, and of low-level samples, that EP17-A2 asks for per reagent lot."""


class FewMeasurementsWarning(AshworthWarning):
    """Fewer results than EP17-A2 asks for; the limits of the estimate are wide."""


@dataclass(frozen=True, slots=True)
class DetectionLimit:
    """A limit of blank or of detection.

    Attributes
    ----------
    kind : {'limit_of_blank', 'limit_of_detection'}
    estimate, lower, upper : float
        In the unit of the measurements; infinite where the results cannot bound it.
    level : float
        Of `lower` and `upper`, two-sided.
    probability : float
        Share of blanks at or below a limit of blank; of samples at a limit of detection that
        exceed the limit of blank.
    n, n_samples : int
        Results, and the samples that they come from.
    degrees_of_freedom : int or None
        Behind the standard deviation; None for ranks.
    standard_deviation : float or None
        Of all blanks, or pooled over the low-level samples.
    """

    kind: Kind
    estimate: float
    lower: float
    upper: float
    level: float
    probability: float
    n: int
    n_samples: int
    degrees_of_freedom: int | None
    standard_deviation: float | None
    method: str
    options: dict[str, float] = field(default_factory=dict)
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row: kind, estimate, lower, upper, n, n_samples, standard_deviation, method."""
        names = ("kind", "estimate", "lower", "upper", "n", "n_samples", "standard_deviation",
                 "method")  # fmt: skip
        return pl.DataFrame({name: [getattr(self, name)] for name in names})


def limit_of_blank(
    blanks: ArrayLike,
    *,
    samples: ArrayLike | None = None,
    method: BlankMethod = "classical",
    alpha: float = 0.05,
    level: float = 0.95,
) -> DetectionLimit:
    r"""Highest result that blanks are likely to give.

    Take ``classical`` unless the results are plainly Gaussian; for integer counts near zero take
    `count_limits`.

    Parameters
    ----------
    blanks : array_like of float, shape (n,)
        Results of blank samples, of one reagent lot. With two or three lots EP17-A2 reports the
        largest limit of the lots; with more they are taken together.
    samples : array_like, shape (n,), optional
        Sample that each result comes from; by default all of one. Only ``parametric`` uses it.
    method : {'classical', 'parametric'}
        Ranks, or mean and standard deviation of a Gaussian.
    alpha : float
        Share of blanks that may lie above, in (0, 1).
    level : float
        Of the limits of the estimate.

    Returns
    -------
    DetectionLimit

    Raises
    ------
    InputError
        No blanks, or results that are not finite.
    EstimationError
        Fewer blanks than the rank needs (10 at alpha 0.05), or no degree of freedom.

    Warns
    -----
    FewMeasurementsWarning
        Fewer than 60 results.

    Notes
    -----
    ``classical``: the ordered result at rank :math:`0.5 + (1 - \alpha) n`, interpolated; its
    limits are the order statistics that the binomial distribution gives, infinite where n is too
    small for them.
    ``parametric``: :math:`M + c_p S`, with :math:`c_p = z_{1-\alpha} / (1 - 1/(4 f))` and
    f = n - number of samples; its limits are those of a Gaussian quantile (noncentral t).

    References
    ----------
    CLSI EP17-A2, Evaluation of Detection Capability for Clinical Laboratory Measurement
    Procedures, 2012. Linnet K, Kondratovich M. Clin Chem 2004;50:732.

    Examples
    --------
    >>> limit_of_blank(np.arange(60) / 10).estimate
    5.65
    """
    values = results_of(blanks, "blanks")
    labels = _labels(samples, values, "blanks")
    demand_shares(alpha=alpha, level=level)
    warn_if_few(values.size, "blanks")
    if method == "classical":
        found = _by_ranks(np.sort(values), 1.0 - alpha, level)
        degrees, deviation = None, None
    elif method == "parametric":
        degrees = _degrees(values.size - np.unique(labels).size, "blanks")
        deviation = float(np.std(values, ddof=1))
        found = _by_moments(values, deviation, degrees, 1.0 - alpha, level)
    else:
        raise ValueError(f"found method {method!r}; allowed: 'classical', 'parametric'")
    return DetectionLimit(
        "limit_of_blank", *found, level, 1.0 - alpha, values.size, np.unique(labels).size,
        degrees, deviation, f"EP17-A2 {method}", {"alpha": alpha},
    )  # fmt: skip


def limit_of_detection(
    low_level: ArrayLike,
    samples: ArrayLike,
    *,
    blank: DetectionLimit | float,
    beta: float = 0.05,
    level: float = 0.95,
) -> DetectionLimit:
    r"""Lowest content whose results are likely to exceed the limit of blank.

    Parameters
    ----------
    low_level : array_like of float, shape (n,)
        Results of samples with a low content.
    samples : array_like, shape (n,)
        Sample (or spiked level) that each result comes from.
    blank : DetectionLimit or float
        Limit of blank.
    beta : float
        Share of results at the limit that may lie at or below the limit of blank.
    level : float
        Of the limits of the estimate.

    Returns
    -------
    DetectionLimit
        Its limits hold the limit of blank fixed: only the standard deviation is uncertain.

    Raises
    ------
    InputError
        No results, results that are not finite or negative, a result without its sample.
    EstimationError
        No sample with two results.

    Warns
    -----
    FewMeasurementsWarning
        Fewer than 60 results.

    Notes
    -----
    :math:`LoD = LoB + c_p S_L`, with :math:`S_L` pooled over samples by their degrees of freedom,
    :math:`c_p = z_{1-\beta} / (1 - 1/(4 f))` and f = n - number of samples. The standard
    deviation is taken as the same in all samples; counts are not so, see `count_limits`.

    References
    ----------
    CLSI EP17-A2, 2012.

    Examples
    --------
    >>> results = [8.0, 9, 10, 11] * 15
    >>> round(limit_of_detection(results, ["a", "b"] * 30, blank=2.0).estimate, 3)
    3.68
    """
    values = results_of(low_level, "low-level samples")
    labels = _labels(samples, values, "low-level samples")
    demand_shares(beta=beta, level=level)
    warn_if_few(values.size, "low-level samples")
    names, group, size = np.unique(labels, return_inverse=True, return_counts=True)
    degrees = _degrees(values.size - names.size, "low-level samples")
    means = np.bincount(group, values) / size
    deviation = float(np.sqrt(np.sum((values - means[group]) ** 2) / degrees))
    start = blank.estimate if isinstance(blank, DetectionLimit) else float(blank)
    step = _factor(1.0 - beta, degrees) * deviation
    tail = (1.0 - level) / 2.0
    low, high = (np.sqrt(degrees / chdtri(degrees, p)) for p in (tail, 1.0 - tail))
    return DetectionLimit(
        "limit_of_detection", start + step, float(start + step * low), float(start + step * high),
        level, 1.0 - beta, values.size, names.size, degrees, deviation, "EP17-A2 classical",
        {"beta": beta, "limit_of_blank": start},
    )  # fmt: skip


def results_of(values: ArrayLike, table: str) -> Floats:
    """Return the results as an array; refuse none and what is not finite."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not array.size:
        found = "no results" if not array.size else f"an array of {array.ndim} dimensions"
        raise InputError(
            [Problem(table, None, None, found, "one result per replicate", "give the results")]
        )
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise InputError(
            [Problem(table, int(i) + 1, None, str(array[i]), "a finite number",
                     "leave out what was not measured, and say so") for i in bad]
        )  # fmt: skip
    return array


def _labels(samples: ArrayLike | None, values: Floats, table: str) -> NDArray[np.str_]:
    """Return the sample of each result as text; refuse a missing one."""
    if samples is None:
        return np.full(values.size, "1")
    raw = np.asarray(samples, dtype=object).ravel()
    if raw.size != values.size:
        found = f"{raw.size} samples for {values.size} results"
        raise InputError([Problem(table, None, "sample", found, "one per result", "give one each")])
    lost = [i for i, s in enumerate(raw) if s is None or s != s]
    if lost:
        raise InputError(
            [Problem(table, i + 1, "sample", "no sample", "the sample (or spiked level) of each "
                     "result", "name it, or leave the result out") for i in lost]
        )  # fmt: skip
    return raw.astype(str)


def demand_shares(**shares: float) -> None:
    """Refuse shares outside (0, 1), by name."""
    for name, value in shares.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} is {value}; allowed: above 0 and below 1")


def warn_if_few(n: int, what: str) -> None:
    """Warn of fewer results than EP17-A2 asks for; called by a public function."""
    if n < ENOUGH:
        warnings.warn(
            f"{n} results of {what}: EP17-A2 asks for at least {ENOUGH} per reagent lot",
            FewMeasurementsWarning,
            stacklevel=3,
        )


def _degrees(degrees: int, what: str) -> int:
    if degrees < 1:
        raise EstimationError(
            f"found no two results of one sample among the {what}; allowed: at least one sample "
            "with two results; mend: measure replicates, or say which results belong together"
        )
    return degrees


def _factor(probability: float, degrees: int) -> float:
    """Gaussian quantile, corrected for a standard deviation from few degrees of freedom."""
    return float(ndtri(probability) / (1.0 - 1.0 / (4.0 * degrees)))


def _by_ranks(ordered: Floats, probability: float, level: float) -> tuple[float, float, float]:
    """Quantile by rank with order statistics as limits."""
    n = ordered.size
    rank = 0.5 + probability * n
    if not 1 <= rank <= n:
        raise EstimationError(
            f"found {n} blanks; allowed: at least {int(np.ceil(0.5 / (1 - probability)))} for a "
            "limit by ranks; mend: measure more blanks, or take method='parametric'"
        )
    estimate = float(np.interp(rank, np.arange(1, n + 1), ordered))
    below = bdtr(np.arange(n), n, probability)
    tail = (1.0 - level) / 2.0
    first = int(np.sum(below <= tail))
    last = int(np.searchsorted(below, 1.0 - tail)) + 1
    lower = float(ordered[first - 1]) if first >= 1 else -np.inf
    upper = float(ordered[last - 1]) if last <= n else np.inf
    return estimate, lower, upper


def _by_moments(
    values: Floats, deviation: float, degrees: int, probability: float, level: float
) -> tuple[float, float, float]:
    """Gaussian quantile with the limits of the noncentral t distribution."""
    n, mean = values.size, float(np.mean(values))
    shift = float(ndtri(probability) * np.sqrt(n))
    tail = (1.0 - level) / 2.0
    low, high = (float(nctdtrit(n - 1, shift, p) / np.sqrt(n)) for p in (tail, 1.0 - tail))
    estimate = mean + _factor(probability, degrees) * deviation
    return estimate, mean + low * deviation, mean + high * deviation
