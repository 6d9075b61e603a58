"""Normal statistics of a difference of two proportions, for arrays of tables."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .fisher_tables import Alternative

Floats = NDArray[np.float64]
ScoreTest = Literal["farrington_manning", "miettinen_nurminen", "z_pooled", "z_unpooled"]
SCORE_TESTS = ("farrington_manning", "miettinen_nurminen", "z_pooled", "z_unpooled")


def score_statistics(
    test: ScoreTest, control: Any, n_control: Any, experimental: Any, n_experimental: Any,
    null_difference: float,
) -> Floats:  # fmt: skip
    """(difference - null) / standard error; infinite where the error is 0 but the gap is not."""
    x, n, y, m = (np.asarray(v, float) for v in (control, n_control, experimental, n_experimental))
    gap = y / m - x / n - null_difference
    gap = np.where(np.abs(gap) < 1e-12, 0.0, gap)
    variance = _VARIANCES[test](x, n, y, m, null_difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = gap / np.sqrt(variance)
    return np.where(gap == 0.0, 0.0, statistic)


def normal_p_values(statistic: Floats, alternative: Alternative) -> Floats:
    """Tail of the standard normal distribution on the side of the alternative."""
    if alternative == "two-sided":
        return np.asarray(2.0 * ndtr(-np.abs(statistic)))
    return np.asarray(ndtr(-statistic if alternative == "greater" else statistic))


def restricted_shares(
    x: Floats, n: Floats, y: Floats, m: Floats, difference: float
) -> tuple[Floats, Floats]:
    """Most likely shares of control and experimental arm with a given difference.

    Root of the cubic of Miettinen and Nurminen (1985, Stat Med 4:213), after one step of Newton.
    """
    total, events = n + m, x + y
    a, b = total, (m + 2.0 * n) * difference - total - events
    c = (n * difference - total - 2.0 * x) * difference + events
    d = x * difference * (1.0 - difference)
    shift = b / (3.0 * a)
    q = shift**3 - b * c / (6.0 * a**2) + d / (2.0 * a)
    size = np.copysign(np.sqrt(np.maximum(shift**2 - c / (3.0 * a), 0.0)), q)
    cube = np.where(size == 0.0, 1.0, size**3)
    angle = (np.pi + np.arccos(np.clip(q / cube, -1.0, 1.0))) / 3.0
    share = 2.0 * size * np.cos(angle) - shift
    slope = (3.0 * a * share + 2.0 * b) * share + c
    value = ((a * share + b) * share + c) * share + d
    share = share - np.where(np.abs(slope) > 1e-4 * total, value, 0.0) / np.where(
        np.abs(slope) > 1e-4 * total, slope, 1.0
    )
    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)
    share = np.where(events == 0.0, low, np.where(events == total, high, share))
    share = np.clip(share, low, high)
    return share, np.clip(share + difference, 0.0, 1.0)


def _restricted(x: Floats, n: Floats, y: Floats, m: Floats, null: float) -> Floats:
    if null == 0.0:
        return _pooled(x, n, y, m, null)
    p, q = restricted_shares(x, n, y, m, null)
    return p * (1.0 - p) / n + q * (1.0 - q) / m


def _corrected(x: Floats, n: Floats, y: Floats, m: Floats, null: float) -> Floats:
    return _restricted(x, n, y, m, null) * (n + m) / (n + m - 1.0)


def _pooled(x: Floats, n: Floats, y: Floats, m: Floats, null: float) -> Floats:
    share = (x + y) / (n + m)
    return share * (1.0 - share) * (1.0 / n + 1.0 / m)


def _unpooled(x: Floats, n: Floats, y: Floats, m: Floats, null: float) -> Floats:
    return x * (n - x) / n**3 + y * (m - y) / m**3


_VARIANCES = {
    "farrington_manning": _restricted, "miettinen_nurminen": _corrected, "z_pooled": _pooled,
    "z_unpooled": _unpooled,
}  # fmt: skip
