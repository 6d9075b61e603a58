"""Normal quantiles and tails, and whole numbers that rounding does not push up."""

from __future__ import annotations

import math


def critical_value(alpha: float, sided: int) -> float:
    """Quantile of the standard normal that the statistic must pass."""
    from scipy.special import ndtri

    return -float(ndtri(alpha / sided))


def quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(probability))


def tail_below(z: float) -> float:
    """Distribution function of the standard normal distribution."""
    from scipy.special import ndtr

    return float(ndtr(z))


def whole(value: float) -> int:
    """Smallest whole number at or above, forgiving 1e-9 relative of rounding error."""
    nearest = round(value)
    return nearest if abs(value - nearest) <= 1e-9 * max(1.0, abs(value)) else math.ceil(value)
