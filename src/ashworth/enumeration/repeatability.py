"""How repeatable a status is: second tubes, true concentrations, other volumes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, pdtr

from ashworth.enumeration.blanks import log_probability, log_terms
from ashworth.enumeration.populations import Measurement, Population

Floats = NDArray[np.float64]
_EXACT = Measurement()


def agreement_probability(
    n_cells: ArrayLike,
    denominator: ArrayLike,
    minimum_count: ArrayLike,
    population: Population,
    *,
    measurement: Measurement = _EXACT,
    positive: ArrayLike | None = None,
    second: ArrayLike | None = None,
) -> Floats:
    r"""Probability that a second tube of the same patient gives the same status.

    Parameters
    ----------
    n_cells, denominator : array_like, shape (n,)
        First tube: cells, amount.
    minimum_count : array_like, shape (n,) or scalar
        Smallest count in the second tube that is called positive.
    population : NegativeBinomial or PoissonLognormal
        Prior of the true concentration: a named one, never a silent default.
    measurement : Measurement
        Recovery and blank rate.
    positive : array_like of bool, optional
        Status of the first tube; by default ``n_cells >= minimum_count``.
    second : array_like, optional
        Amount of the second tube; by default that of the first.

    Returns
    -------
    ndarray of float, shape (n,)
        In [0, 1].

    Notes
    -----
    :math:`P(N_2 \ge k \mid n) = \sum_b P(b \mid n) \int P(N_2 \ge k \mid c)\, p(c \mid n - b) dc`
    over b blanks among the n cells. With a gamma prior everything is closed form.

    Examples
    --------
    >>> from ashworth.enumeration import NegativeBinomial
    >>> prior = NegativeBinomial(mean=0.36, size=0.13)
    >>> agreement_probability([0, 5, 50], 7.5, 5, prior).round(2).tolist()
    [1.0, 0.49, 1.0]
    """
    counts, amounts, cut = _arrays(n_cells, denominator, minimum_count)
    other = amounts if second is None else np.broadcast_to(np.asarray(second, float), counts.shape)
    called = counts >= cut if positive is None else np.asarray(positive, dtype=bool)
    pairs, back = np.unique(np.stack([counts, amounts, cut, other]), axis=1, return_inverse=True)
    below = _below(pairs[0], pairs[1], pairs[2], pairs[3], population, measurement)[back.ravel()]
    return np.clip(np.where(called, 1.0 - below, below), 0.0, 1.0)


def concentration_probability(
    n_cells: ArrayLike,
    denominator: ArrayLike,
    concentration: ArrayLike,
    population: Population,
    *,
    measurement: Measurement = _EXACT,
) -> Floats:
    """Posterior probability that the true concentration reaches a value.

    Parameters
    ----------
    n_cells, denominator : array_like, shape (n,)
        Cells and amount.
    concentration : array_like, shape (n,) or scalar
        Cells per unit of the denominator (5 per 7.5 ml is 5 / 7.5).
    population : NegativeBinomial or PoissonLognormal
        Prior of the true concentration.
    measurement : Measurement
        Recovery and blank rate.

    Returns
    -------
    ndarray of float, shape (n,)

    Examples
    --------
    >>> from ashworth.enumeration import NegativeBinomial
    >>> prior = NegativeBinomial(mean=0.36, size=0.13)
    >>> concentration_probability([2, 5, 12], 7.5, 5 / 7.5, prior).round(2).tolist()
    [0.04, 0.42, 0.99]
    """
    counts, amounts, level = _arrays(n_cells, denominator, concentration)
    pairs, back = np.unique(np.stack([counts, amounts, level]), axis=1, return_inverse=True)
    found, logs = log_terms(pairs[0], pairs[1], population, measurement)
    exposure = np.broadcast_to((pairs[1] * measurement.recovery)[:, None], found.shape)
    tails = population.tail(found, exposure, np.broadcast_to(pairs[2][:, None], found.shape))
    return np.clip(_mix(logs, tails), 0.0, 1.0)[back.ravel()]


def expected_positivity(
    minimum_count: int,
    denominator: ArrayLike,
    population: Population,
    *,
    measurement: Measurement = _EXACT,
) -> Floats:
    """Share of a population that is positive when this amount is analysed.

    This is the model that a comparison of positivity at 7.5, 15 and 30 ml needs.

    Parameters
    ----------
    minimum_count : int
        Smallest positive count.
    denominator : array_like of float
        Amounts.
    population : NegativeBinomial or PoissonLognormal
        True concentrations.
    measurement : Measurement
        Recovery and blank rate.

    Returns
    -------
    ndarray of float, shape of `denominator`

    Examples
    --------
    >>> from ashworth.enumeration import NegativeBinomial
    >>> prior = NegativeBinomial(mean=0.0847, size=0.1)
    >>> expected_positivity(1, [7.5, 30.0], prior).round(3).tolist()
    [0.181, 0.279]
    """
    amounts = np.atleast_1d(np.asarray(denominator, dtype=float))
    counts = np.tile(np.arange(minimum_count, dtype=float), amounts.size)
    logs = log_probability(counts, np.repeat(amounts, minimum_count), population, measurement)
    return 1.0 - np.exp(logs).reshape(amounts.size, minimum_count).sum(axis=1)


def disagreement_probability(
    minimum_count: int,
    denominator: float,
    *,
    concentration: ArrayLike | None = None,
    population: Population | None = None,
    measurement: Measurement = _EXACT,
) -> Floats:
    """Probability that two tubes of one patient fall on different sides of a cut-off.

    Parameters
    ----------
    minimum_count : int
        Smallest positive count.
    denominator : float
        Amount of each tube.
    concentration : array_like, optional
        True concentration; or give `population` for the average over patients. Exactly one.
    population : NegativeBinomial or PoissonLognormal, optional
        True concentrations.
    measurement : Measurement
        Recovery and blank rate.

    Returns
    -------
    ndarray of float
        Shape of `concentration`, or (1,).

    Raises
    ------
    ValueError
        If not exactly one of concentration and population is given.

    Notes
    -----
    2 p (1 - p) with p = P(N >= k) at one concentration; its mean over a population.

    Examples
    --------
    >>> disagreement_probability(5, 1.0, concentration=[4, 5]).round(3).tolist()
    [0.467, 0.493]
    """
    if (concentration is None) == (population is None):
        raise ValueError("give exactly one of concentration and population")
    if population is None:
        rate = measurement.recovery * np.asarray(concentration, dtype=float)
        below = pdtr(minimum_count - 1, denominator * (rate + measurement.blank_rate))
        return 2.0 * below * (1.0 - below)
    counts = np.arange(minimum_count, dtype=float)
    amounts, cut = np.full_like(counts, denominator), np.full_like(counts, minimum_count)
    first = np.exp(log_probability(counts, amounts, population, measurement))
    again = _below(counts, amounts, cut, amounts, population, measurement)
    return np.array([2.0 * float(first @ (1.0 - again))])


def _arrays(*values: ArrayLike) -> tuple[Floats, ...]:
    """Broadcast to one-dimensional floats."""
    return tuple(
        np.atleast_1d(a) for a in np.broadcast_arrays(*(np.asarray(v, float) for v in values))
    )


def _mix(logs: Floats, values: Floats) -> Floats:
    """Average over the number of blanks, given the count."""
    weights = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    return (weights * values).sum(axis=1)


def _below(
    n: Floats,
    amount: Floats,
    cut: Floats,
    second: Floats,
    population: Population,
    measurement: Measurement,
) -> Floats:
    """P(second count < cut | first count), element by element."""
    found, logs = log_terms(n, amount, population, measurement)
    parts = population.next_below(
        found,
        *(
            np.broadcast_to(a[:, None], found.shape)
            for a in (
                amount * measurement.recovery,
                cut,
                second * measurement.recovery,
                second * measurement.blank_rate,
            )
        ),
    )
    return _mix(logs, parts)
