"""The exact conditional test of change between two draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, gammaln, xlog1py, xlogy

from ashworth.version import __version__

TwoSided = Literal["doubling", "minimum_likelihood"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChangeTest:
    """Tests of equal rates, element by element.

    Attributes
    ----------
    p_value : ndarray of float
        Two-sided.
    direction : ndarray of str
        ``up``, ``down`` or ``none``: how the observed rate moved, whatever the p value.
    rate_ratio : ndarray of float
        Later rate over earlier rate; inf or NaN where the earlier is 0.
    method : str
        Test and two-sided rule.
    """

    p_value: Floats
    direction: NDArray[np.str_]
    rate_ratio: Floats
    method: str
    n: int
    options: dict[str, str]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Columns rate_ratio, p_value, direction."""
        return pl.DataFrame(
            {
                "rate_ratio": self.rate_ratio,
                "p_value": self.p_value,
                "direction": self.direction,
            }
        )


def change_test(
    n_from: ArrayLike,
    n_to: ArrayLike,
    amount_from: ArrayLike = 1.0,
    amount_to: ArrayLike = 1.0,
    *,
    two_sided: TwoSided = "doubling",
) -> ChangeTest:
    r"""Test whether two Poisson counts of one patient come from the same rate.

    Parameters
    ----------
    n_from, n_to : array_like of int
        Cells at the earlier and the later draw.
    amount_from, amount_to : array_like of float
        Amounts analysed (exposures), > 0.
    two_sided : {'doubling', 'minimum_likelihood'}
        Twice the smaller tail (at most 1), or the sum of all probabilities that are not above
        that of the observed split (as R's `binom.test`).

    Returns
    -------
    ChangeTest

    Raises
    ------
    ValueError
        For negative counts, or amounts that are not positive.

    Notes
    -----
    Given the sum, :math:`N_{to} \sim Bin(n_{from} + n_{to}, v_{to} / (v_{from} + v_{to}))` when
    the rates are equal. No cell at all: p = 1. The test is about counting noise alone; it knows
    nothing of variation between draws, and a count that crosses a cut-off need not have changed.

    References
    ----------
    Przyborowski J, Wilenski H. Biometrika 1940;31:313.

    Examples
    --------
    >>> result = change_test([12, 5], [2, 4], 7.5, 7.5)
    >>> result.p_value.round(4).tolist(), result.direction.tolist()
    ([0.0129, 1.0], ['down', 'down'])
    """
    arrays = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(v, float)) for v in (n_from, n_to, amount_from, amount_to))
    )
    before, after, exposure, exposure_to = arrays
    if np.any(before < 0) or np.any(after < 0) or np.any(exposure <= 0) or np.any(exposure_to <= 0):
        raise ValueError("counts must be >= 0 and amounts > 0")
    if two_sided not in ("doubling", "minimum_likelihood"):
        raise ValueError(f"found {two_sided!r}; allowed: 'doubling', 'minimum_likelihood'")
    share = exposure_to / (exposure + exposure_to)
    rule = _doubling if two_sided == "doubling" else _minimum_likelihood
    moved = np.sign(after * exposure - before * exposure_to).astype(int)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (after / exposure_to) / (before / exposure)
    return ChangeTest(
        rule(after, before + after, share),
        np.array(["none", "up", "down"])[moved],
        ratio,
        f"exact conditional binomial test, two-sided by {two_sided.replace('_', ' ')}",
        before.size,
        {"two_sided": two_sided},
    )


def _doubling(x: Floats, n: Floats, p: Floats) -> Floats:
    """Twice the smaller tail."""
    low = np.where(x < n, betainc(np.maximum(n - x, 0.5), x + 1.0, 1.0 - p), 1.0)
    high = np.where(x > 0, betainc(np.maximum(x, 0.5), n - x + 1.0, p), 1.0)
    return np.minimum(1.0, 2.0 * np.minimum(low, high))


def _minimum_likelihood(x: Floats, n: Floats, p: Floats) -> Floats:
    """Sum of the probabilities that are not above the observed one."""
    triples, back = np.unique(np.stack([x, n, p]), axis=1, return_inverse=True)
    out = np.empty(triples.shape[1])
    for i, (seen, total, share) in enumerate(triples.T):
        k = np.arange(total + 1.0)
        mass = np.exp(
            gammaln(total + 1.0)
            - gammaln(k + 1.0)
            - gammaln(total - k + 1.0)
            + xlogy(k, share)
            + xlog1py(total - k, -share)
        )
        out[i] = min(1.0, mass[mass <= mass[int(seen)] * (1.0 + 1e-7)].sum())
    return out[back.ravel()]
