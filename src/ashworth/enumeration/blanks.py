"""Counts as found cells plus blanks: the mixture behind every total count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp, pdtrc, xlogy

from ashworth.enumeration.populations import Measurement, Population

Floats = NDArray[np.float64]


def log_terms(
    n: Floats, amount: Floats, population: Population, measurement: Measurement
) -> tuple[Floats, Floats]:
    """Log joint probability of b blanks and n - b found cells.

    Returns
    -------
    found : ndarray, shape (n.size, B + 1)
        Found cells for 0..B blanks (clipped at 0 where impossible).
    logs : ndarray, shape (n.size, B + 1)
        Log P(n - b found) + log P(b blanks); -inf where b > n. B is where the Poisson tail of
        the blanks falls below 1e-18, at most the largest count.
    """
    blank_mean = amount * measurement.blank_rate
    b = np.arange(_most_blanks(n, blank_mean) + 1, dtype=float)
    found = n[:, None] - b
    exposure = np.broadcast_to((amount * measurement.recovery)[:, None], found.shape)
    logs = population.log_pmf(np.maximum(found, 0.0), exposure)
    means = blank_mean[:, None]
    logs = logs + xlogy(b, means) - means - gammaln(b + 1.0)
    return np.maximum(found, 0.0), np.where(found >= 0, logs, -np.inf)


def log_probability(
    n: Floats, amount: Floats, population: Population, measurement: Measurement
) -> Floats:
    """Log probability of the observed count, blanks included; shape (n.size,)."""
    return logsumexp(log_terms(n, amount, population, measurement)[1], axis=1)


def _most_blanks(n: Floats, blank_mean: Floats) -> int:
    """Largest number of blanks worth a term."""
    worst = float(np.max(blank_mean, initial=0.0))
    top = int(np.max(n, initial=0.0))
    if worst == 0.0:
        return 0
    count = 0
    while count < top and pdtrc(count, worst) > 1e-18:
        count += 1
    return count
