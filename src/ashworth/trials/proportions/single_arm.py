"""Single-stage designs of one arm by the exact binomial test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .binomial import binomial
from .simon import check_one_arm

if TYPE_CHECKING:
    import polars as pl

_SLACK = 1e-12
_BEYOND = 1.3


@dataclass(frozen=True, slots=True)
class SingleArmSize:
    """Size of one arm by the exact binomial test.

    Attributes
    ----------
    method : str
        ``exact_binomial``.
    p0, p1, alpha, beta : float
        Uninteresting and wanted response, and the errors allowed.
    n, r : int
        Patients from which the power holds at every size up to `searched_to`; p0 is rejected
        with more than r responses.
    type_1_error, power : float
        Exact, there.
    first_n, first_r : int
        The first size that reaches the power (A'Hern's table).
    first_type_1_error, first_power : float
        Exact, there.
    searched_to : int
        Largest size tried.
    version : str
        Version of the package.
    """

    method: str
    p0: float
    p1: float
    alpha: float
    beta: float
    n: int
    r: int
    type_1_error: float
    power: float
    first_n: int
    first_r: int
    first_type_1_error: float
    first_power: float
    searched_to: int
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {"p0": self.p0, "p1": self.p1, "alpha": self.alpha, "beta": self.beta}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def single_arm_size(
    p0: float, p1: float, *, alpha: float = 0.05, beta: float = 0.2, n_most: int = 2000
) -> SingleArmSize:
    """Smallest single arm that tells p1 from p0 by the exact binomial test.

    Exact power falls whenever the critical number of responses rises by one; both the first
    size that reaches the power and the size from which it holds are given.

    Parameters
    ----------
    p0, p1, alpha, beta
        As in `simon_two_stage`.
    n_most : int
        Patients at which the search gives up.

    Returns
    -------
    SingleArmSize

    Raises
    ------
    InputError
        All faults at once.
    EstimationError
        More than `n_most` patients are needed.

    References
    ----------
    A'Hern RP. Stat Med 2001;20:859. Fleming TR. Biometrics 1982;38:143.

    Examples
    --------
    >>> found = single_arm_size(0.1, 0.3)
    >>> found.first_n, found.first_r, found.n, found.r
    (25, 5, 29, 6)
    """
    faults = Faults("single_arm_size")
    check_one_arm(faults, p0, p1, alpha, beta)
    faults.whole("n_most", n_most, least=2)
    faults.refuse()
    shares = (float(p0), float(p1))
    first, holds, n = 0, 1, 1
    while not first or n <= _BEYOND * holds + 20:
        if n > n_most:
            raise EstimationError(f"found no size of at most {n_most} patients; raise n_most")
        if _one_stage(n, shares, alpha)[2] < 1.0 - beta - _SLACK:
            holds = n + 1
        elif not first:
            first = n
        n += 1
    return SingleArmSize(
        "exact_binomial", *shares, float(alpha), float(beta), holds,
        *_one_stage(holds, shares, alpha), first, *_one_stage(first, shares, alpha), n - 1,
    )  # fmt: skip


def _one_stage(n: int, shares: tuple[float, float], alpha: float) -> tuple[int, float, float]:
    """Smallest r with the level, type I error and power of rejecting with more than r."""
    level, power = (np.append(np.cumsum(binomial(n, p)[:0:-1])[::-1], 0.0) for p in shares)
    r = int((level > alpha + _SLACK).sum())
    return r, float(level[r]), float(power[r])
