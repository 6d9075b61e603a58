"""Spending functions: how much of an error may be used up by a fraction of the information."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .checks import (
    SPENDING_FAMILIES,
    check_fractions,
    check_sided_level,
    check_spender,
    numbers,
)
from .recursion import Floats

if TYPE_CHECKING:
    import polars as pl

SpendingFamily = Literal["obrien_fleming", "pocock", "hwang_shih_decani", "kim_demets", "user"]


@dataclass(frozen=True, slots=True)
class Spender:
    """A spending function with its parameter.

    Attributes
    ----------
    family : str
        One of `SpendingFamily`.
    gamma, rho : float or None
        Parameter of Hwang-Shih-DeCani and of the power family.
    spent : tuple of float
        User's cumulative values, one per look.
    """

    family: str
    gamma: float | None = None
    rho: float | None = None
    spent: tuple[float, ...] = ()

    def cumulative(self, fractions: Floats, total: float) -> Floats:
        """Error spent until each fraction; at or beyond 1 the whole of it."""
        t = np.minimum(fractions, 1.0)
        if self.family == "user":
            values = np.asarray(self.spent[: len(t)], dtype=np.float64)
            return np.where(t >= 1.0, total, values)
        shares = {"obrien_fleming": _obrien_fleming, "pocock": _pocock}
        if self.family in shares:
            values = shares[self.family](t, total)
        elif self.family == "kim_demets":
            values = total * t ** float(self.rho or 1.0)
        else:
            values = total * _exponential_share(t, float(self.gamma or 0.0))
        return np.where(t >= 1.0, total, values)


def _obrien_fleming(t: Floats, total: float) -> Floats:
    from scipy.special import ndtr, ndtri

    return 2.0 * ndtr(ndtri(total / 2.0) / np.sqrt(t))


def _pocock(t: Floats, total: float) -> Floats:
    return total * np.log1p((math.e - 1.0) * t)


def _exponential_share(t: Floats, gamma: float) -> Floats:
    return t if gamma == 0.0 else np.expm1(-gamma * t) / math.expm1(-gamma)


@dataclass(frozen=True, slots=True)
class ErrorSpending:
    """Error spent by information.

    Attributes
    ----------
    method : str
        Spending family.
    alpha : float
        Whole error, over `sided` sides.
    sided : int
        1 or 2.
    gamma, rho : float or None
        Parameter of the family.
    information_fractions, cumulative, increments : tuple of float
        Fractions; error spent until, and at each.
    version : str
        Version of the package.
    """

    method: str
    alpha: float
    sided: int
    gamma: float | None
    rho: float | None
    information_fractions: tuple[float, ...]
    cumulative: tuple[float, ...]
    increments: tuple[float, ...]
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {k: getattr(self, k) for k in ("method", "alpha", "sided", "gamma", "rho")}

    def table(self) -> pl.DataFrame:
        """One row per look: fraction, spent until and at the look."""
        import polars as pl

        names = ("information_fractions", "cumulative", "increments")
        look = {"look": range(1, len(self.cumulative) + 1)}
        columns = {"information_fraction": self.information_fractions}
        return pl.DataFrame({**look, **columns, **{k: getattr(self, k) for k in names[1:]}})


def error_spending(
    information_fractions: Sequence[float],
    *,
    alpha: float = 0.025,
    sided: Literal[1, 2] = 1,
    family: SpendingFamily = "obrien_fleming",
    gamma: float | None = None,
    rho: float | None = None,
    spent: Sequence[float] | None = None,
) -> ErrorSpending:
    r"""Error spent until each look.

    Parameters
    ----------
    information_fractions : sequence of float
        Increasing, above 0, at most 1. The last need not be 1.
    alpha : float
        Whole error; a beta is spent by the same functions.
    sided : 1 or 2
        Two sides spend half of `alpha` each; what is given is the sum.
    family : {"obrien_fleming", "pocock", "hwang_shih_decani", "kim_demets", "user"}
        Per side, with a the side's error (Lan & DeMets 1983, Biometrika 70:659; Hwang, Shih &
        DeCani 1990, Stat Med 9:1439; Kim & DeMets 1987, Biometrika 74:149):
        :math:`2 - 2\Phi(\Phi^{-1}(1-a/2)/\sqrt t)`, :math:`a \log(1 + (e-1) t)`,
        :math:`a (1-e^{-\gamma t})/(1-e^{-\gamma})`, :math:`a t^\rho`, or values of one's own.
    gamma, rho : float, optional
        For hwang_shih_decani (any sign, 0 is linear) and kim_demets (above 0).
    spent : sequence of float, optional
        For user: cumulative values, not decreasing; `alpha` where the last fraction is 1.

    Returns
    -------
    ErrorSpending

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> plan = error_spending([0.5, 0.75, 1.0])
    >>> [round(value, 6) for value in plan.cumulative]
    [0.001525, 0.009649, 0.025]
    """
    faults = Faults("error_spending")
    check_fractions(faults, "information_fractions", information_fractions)
    check_sided_level(faults, alpha, sided)
    known = faults.one_of("family", family, SPENDING_FAMILIES)
    check_spender(faults, "", family if known else "", gamma, rho)
    if known and family == "user":
        looks = numbers(information_fractions) or (0.0,)
        check_spent(faults, "spent", spent, looks, alpha, whole=looks[-1] == 1)
    faults.refuse()
    times = np.asarray(information_fractions, dtype=np.float64)
    values = numbers(spent) or ()
    spender = Spender(family, gamma, rho, tuple(v / sided for v in values))
    total = sided * spender.cumulative(times, alpha / sided)
    return ErrorSpending(
        family, float(alpha), sided, gamma, rho, tuple(times.tolist()), tuple(total.tolist()),
        tuple(np.diff(total, prepend=0.0).tolist()),
    )  # fmt: skip


def check_spent(
    faults: Faults, name: str, spent: Any, fractions: Any, alpha: Any, *, whole: bool = False
) -> None:
    """Demand cumulative values, one per look, that do not decrease nor pass the error."""
    values = numbers(spent)
    looks = numbers(fractions)
    if values is None:
        faults.add(name, repr(spent), "cumulative error spent until each look", "give the values")
        return
    if looks is not None and len(values) != len(looks):
        faults.add(name, f"{len(values)} values", f"{len(looks)} values, one per look")
    if any(b < a for a, b in pairwise((0.0, *values))):
        faults.add(name, str(list(values)), "values from 0 upwards that never decrease")
    error = numbers([alpha])
    if error is not None and values and values[-1] > error[0] * (1 + 1e-12):
        faults.add(name, f"{values[-1]:g} at the end", f"at most {error[0]:g}")
    elif error is not None and whole and values and values[-1] < error[0] * (1 - 1e-9):
        faults.add(name, f"{values[-1]:g} at the last look", f"{error[0]:g}, the whole error")
