"""Binomial probabilities, and the counts that matter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]
NEGLIGIBLE = 37.0
_LOG_OF_0 = -1e4


def log_choose(n: int) -> Floats:
    """Logarithms of n over 0 .. n."""
    k = np.arange(n + 1.0)
    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)


def binomial(n: int, share: Any) -> Floats:
    """Probabilities of 0 .. n, shape (..., n + 1), for shares of shape (...)."""
    k = np.arange(n + 1.0)
    p = np.asarray(share, dtype=float)[..., None]
    with np.errstate(divide="ignore"):
        yes, no = np.maximum(np.log(p), _LOG_OF_0), np.maximum(np.log1p(-p), _LOG_OF_0)
    mass = np.exp(log_choose(n) + k * yes + (n - k) * no)
    return mass / mass.sum(axis=-1, keepdims=True)


def beta_binomial(n: int, a: float, b: float) -> Floats:
    """Probabilities of 0 .. n where the share has a beta distribution."""
    from scipy.special import betaln

    k = np.arange(n + 1.0)
    return np.exp(log_choose(n) + betaln(k + a, n - k + b) - betaln(a, b))


def likely_counts(n: int, share: float) -> slice:
    """Counts outside of which less than 2 exp(-37) lies (Bernstein's inequality)."""
    variance = n * share * (1.0 - share)
    third = NEGLIGIBLE / 3.0
    spread = third + math.sqrt(third**2 + 2.0 * NEGLIGIBLE * variance)
    low = max(0, math.floor(n * share - spread))
    return slice(low, min(n, math.ceil(n * share + spread)) + 1)


def all_counts(n: int) -> slice:
    """Counts 0 .. n."""
    return slice(0, n + 1)
