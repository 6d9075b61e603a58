"""Bounds when the looks come at other information than planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .checks import CLOSEST, numbers
from .design import GroupSequential, error_until
from .recursion import crossing

if TYPE_CHECKING:
    import polars as pl

_COLUMNS = (
    "information", "information_fractions", "upper_z", "lower_z", "nominal_p", "alpha_spent",
    "power",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MonitoredLooks:
    """Bounds of the looks held so far.

    Attributes
    ----------
    method : str
        As in the design.
    sided : int
        1 or 2.
    binding : bool
        Whether the bound for efficacy counts on stopping for futility.
    final : bool
        Whether the last look ends the trial and takes all the error that is left.
    information, information_fractions : tuple of float
        As held, and over the planned maximum.
    planned_information : float
        Planned maximum.
    upper_z, lower_z, nominal_p : tuple of float
        Bounds, and the one-sided p of the upper one.
    alpha_spent : tuple of float
        Type I error until each look over all sides.
    power : tuple of float
        Probability until each look to have crossed the upper bound, at the design's effect.
    version : str
        Version of the package.
    """

    method: str
    sided: int
    binding: bool
    final: bool
    planned_information: float
    information: tuple[float, ...]
    information_fractions: tuple[float, ...]
    upper_z: tuple[float, ...]
    lower_z: tuple[float, ...]
    nominal_p: tuple[float, ...]
    alpha_spent: tuple[float, ...]
    power: tuple[float, ...]
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {k: getattr(self, k) for k in ("method", "final", "planned_information")}

    def table(self) -> pl.DataFrame:
        """One row per look."""
        import polars as pl

        looks = {"look": range(1, len(self.upper_z) + 1)}
        return pl.DataFrame({**looks, **{name: getattr(self, name) for name in _COLUMNS}})


def sequential_looks_at(
    design: GroupSequential,
    information: Sequence[float],
    *,
    planned_information: float = 1.0,
    final: bool = False,
) -> MonitoredLooks:
    r"""Bounds at the information that the looks really had.

    Parameters
    ----------
    design : GroupSequential
        One whose bound for efficacy spends, is Haybittle's or fixed; a single constant
        (O'Brien-Fleming, Pocock, Wang-Tsiatis) is solved for the planned looks only.
    information : sequence of float
        Of the looks so far, e.g. events; increasing.
    planned_information : float
        Maximum of the design in the same unit, e.g. events.
    final : bool
        True for the last analysis, below or beyond the planned maximum: it takes all the error
        that is left, with the correlation that the information really gives.

    Returns
    -------
    MonitoredLooks
        Bounds of earlier looks do not change when a look is added.

    Raises
    ------
    InputError
        All faults at once: information that does not increase, or reaches the planned maximum
        without `final`.

    Examples
    --------
    >>> from ashworth.trials import group_sequential
    >>> design = group_sequential(3)
    >>> looks = sequential_looks_at(design, [200, 360, 530], planned_information=514, final=True)
    >>> [round(z, 4) for z in looks.upper_z]
    [3.4085, 2.4426, 2.0043]
    """
    faults = Faults("sequential_looks_at")
    found = _check(faults, design, information, planned_information, final=final)
    faults.refuse()
    times = found / planned_information
    clock = np.minimum(times, 1.0)
    if final:
        clock[-1] = 1.0
    upper, lower = design.rules.bounds(times, design.drift, clock, final=final)
    gained = np.cumsum(crossing(times, lower, upper, design.drift)[0])
    spent = error_until(design.rules, times, lower, upper)
    return MonitoredLooks(
        design.method, design.sided, design.binding, final,
        float(planned_information), tuple(found.tolist()),
        tuple(times.tolist()), tuple(upper.tolist()), tuple(lower.tolist()),
        tuple(ndtr(-upper).tolist()), tuple(spent.tolist()), tuple(gained.tolist()),
    )  # fmt: skip


def _check(
    faults: Faults, design: GroupSequential, information: Any, planned: Any, *, final: bool
) -> Any:
    found = numbers(information) or ()
    if not found or found[0] <= 0:
        faults.add("information", repr(information), "increasing numbers above 0")
    for a, b in pairwise(found):
        if b - a < CLOSEST * b:
            faults.add("information", f"{b:g} after {a:g}", "looks that increase, not by a hair",
                       "order the looks, merge those too close")  # fmt: skip
    if not isinstance(final, bool):
        faults.add("final", repr(final), "True or False")
        final = False
    if faults.number("planned_information", planned, above=0):
        early = found if not final else found[:-1]
        if any(v >= planned for v in early):
            faults.add("information", f"{max(early):g}", f"below {planned:g} unless final",
                       "say final=True at the last analysis")  # fmt: skip
    rule = design.rules.efficacy
    if rule.shape is not None:
        faults.add("design", design.efficacy, "a bound that spends", "choose a spending family")
    counted = rule.fixed or (rule.spender.spent if rule.spender else ())
    futile = design.rules.futility
    counted = counted or futile.fixed or (futile.spender.spent if futile.spender else ())
    if counted and len(found) > len(design.upper_z):
        faults.add("information", f"{len(found)} looks", f"at most {len(design.upper_z)}",
                   "values given look by look know no further look")  # fmt: skip
    return np.asarray(found, dtype=np.float64)
