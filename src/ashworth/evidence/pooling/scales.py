"""Whether estimates and their limits are on the scale they are said to be."""

from __future__ import annotations

import numpy as np

from ashworth.evidence.consistency.records import decimals
from ashworth.survival.inputs import Booleans, Floats

_EVEN = 0.02
_UNEVEN = 0.10


def on_other_scale(y: Floats, low: Floats, high: Floats, *, ratio: bool) -> Booleans:
    """Tell the rows whose limits are even around the estimate on the other scale only.

    An interval is even on a scale where both limits are equally far from the estimate, to 2 % of
    its width within the rounding of the three numbers, and uneven beyond 10 %.

    Parameters
    ----------
    y, low, high : array, shape (k,)
        Estimates and limits, as printed.
    ratio : bool
        They are said to be ratios; False: logarithms or differences.

    Examples
    --------
    >>> y, low, high = np.array([[0.405, 1.8], [0.182, 1.3], [0.629, 2.49]])
    >>> on_other_scale(y, low, high, ratio=True), on_other_scale(y, low, high, ratio=False)
    (array([ True, False]), array([False,  True]))
    """
    logged, natural = _unevenness(y, low, high)
    here, there = (logged, natural) if ratio else (natural, logged)
    return (there <= _EVEN) & (here >= _UNEVEN)


def _unevenness(y: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Least unevenness that rounding leaves, on the log scale and on the natural one."""
    half = np.array([0.5 * 10.0 ** -decimals(*row) for row in zip(y, low, high, strict=True)])
    positive: Booleans = (low > 0.0) & (low < high)
    with np.errstate(all="ignore"):
        gap = np.abs(np.log(high / y) - np.log(y / low)) - half * (1 / high + 2 / y + 1 / low)
        logged = np.where(positive, np.maximum(gap, 0.0) / np.log(high / low), np.nan)
        apart = np.abs(high - 2.0 * y + low) - 4.0 * half
        natural = np.maximum(apart, 0.0) / (high - low)
    return logged, natural
