"""Group-sequential designs: bounds, crossing probabilities, inflation, expected information."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import ndtr, ndtri

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .boundaries import Rules
from .recursion import Floats, crossing
from .requests import EfficacyFamily, FutilityFamily, read_request

if TYPE_CHECKING:
    import polars as pl

_COLUMNS = (
    "upper_z", "lower_z", "nominal_p", "alpha_spent", "beta_spent", "upper_null", "upper_halfway",
    "upper_alternative", "lower_null", "lower_halfway", "lower_alternative",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupSequential:
    """A group-sequential design; positive z is benefit, tuples have one value per look.

    Attributes
    ----------
    method : str
        Family of the bound for efficacy, and of that for futility where there is one.
    efficacy, futility : str
        The two families.
    binding : bool
        Whether the bound for efficacy counts on stopping for futility.
    alpha : float
        As asked for, over `sided` sides.
    sided : int
        1 or 2; with 2 the bounds are symmetrical.
    power : float
        Probability to cross the upper bound at `drift`.
    information_fractions : tuple of float
        Information at the looks, of the maximum.
    upper_z, lower_z : tuple of float
        Bounds. The lower one is futility (one-sided; minus infinity where there is none) or
        the mirror of the upper one (two-sided).
    nominal_p : tuple of float
        One-sided p of `upper_z`.
    alpha_spent : tuple of float
        Error until each look over `sided` sides; a non-binding bound for futility is ignored.
    beta_spent : tuple of float
        Probability, at `drift`, to have stopped for futility.
    upper_null, upper_halfway, upper_alternative : tuple of float
        Probability to cross the upper bound first at each look, with no, half, the whole drift.
    lower_null, lower_halfway, lower_alternative : tuple of float
        The same of the lower bound; at the last look of a one-sided design not to reject.
    drift : float
        Mean of the last z under the alternative.
    inflation : float
        Maximum information over that of a design without interim looks.
    expected_null, expected_halfway, expected_alternative : float
        Expected information over that of a design without interim looks.
    rules : Rules
        What made the bounds; for `sequential_looks_at` and `sequential_events`.
    version : str
        Version of the package.
    """

    method: str
    efficacy: str
    futility: str
    binding: bool
    alpha: float
    sided: int
    power: float
    information_fractions: tuple[float, ...]
    upper_z: tuple[float, ...]
    lower_z: tuple[float, ...]
    nominal_p: tuple[float, ...]
    alpha_spent: tuple[float, ...]
    beta_spent: tuple[float, ...]
    upper_null: tuple[float, ...]
    upper_halfway: tuple[float, ...]
    upper_alternative: tuple[float, ...]
    lower_null: tuple[float, ...]
    lower_halfway: tuple[float, ...]
    lower_alternative: tuple[float, ...]
    drift: float
    inflation: float
    expected_null: float
    expected_halfway: float
    expected_alternative: float
    rules: Rules = field(repr=False)
    version: str = __version__

    @property
    def type_one_error(self) -> float:
        """Error that the bounds have, over `sided` sides; alpha unless they were fixed."""
        return self.alpha_spent[-1]

    @property
    def information(self) -> tuple[float, ...]:
        """Information at the looks over that of a design without interim looks."""
        return tuple(self.inflation * t for t in self.information_fractions)

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for, with the parameters of the families."""
        names = ("efficacy", "futility", "binding", "alpha", "sided", "power")
        chosen = {name: getattr(self, name) for name in names}
        eff, fut = self.rules.efficacy, self.rules.futility
        chosen |= {"shape": eff.shape, "interim_z": eff.interim_z}
        if eff.spender is not None:
            chosen |= {"gamma": eff.spender.gamma, "rho": eff.spender.rho}
        if fut.spender is not None:
            chosen |= {"futility_gamma": fut.spender.gamma, "futility_rho": fut.spender.rho}
        return chosen

    def table(self) -> pl.DataFrame:
        """One row per look."""
        import polars as pl

        looks = {"look": range(1, len(self.upper_z) + 1),
                 "information_fraction": self.information_fractions,
                 "information": self.information}  # fmt: skip
        return pl.DataFrame({**looks, **{name: getattr(self, name) for name in _COLUMNS}})


def group_sequential(
    looks: int | None = None,
    *,
    information_fractions: Sequence[float] | None = None,
    alpha: float = 0.025,
    sided: Literal[1, 2] = 1,
    power: float = 0.9,
    efficacy: EfficacyFamily = "obrien_fleming",
    gamma: float | None = None,
    rho: float | None = None,
    shape: float | None = None,
    interim_z: float = 3.0,
    spent: Sequence[float] | None = None,
    bounds: Sequence[float] | None = None,
    futility: FutilityFamily = "none",
    futility_gamma: float | None = None,
    futility_rho: float | None = None,
    futility_spent: Sequence[float] | None = None,
    futility_bounds: Sequence[float] | None = None,
    binding: bool = False,
) -> GroupSequential:
    r"""Bounds and properties of a group-sequential design.

    Parameters
    ----------
    looks : int, optional
        Looks in all, equally spaced; or give the fractions.
    information_fractions : sequence of float, optional
        Increasing; the last is 1.
    alpha : float
        Type I error over `sided` sides, below 0.5 per side.
    sided : 1 or 2
        Two-sided designs are symmetrical, each side spends half of alpha, and the power is that
        of the right side.
    power : float
        Above alpha per side, below 1.
    efficacy : str
        Spending: "obrien_fleming", "pocock", "hwang_shih_decani" (`gamma`), "kim_demets" (`rho`),
        "user" (`spent`: cumulative alpha). One constant: "exact_obrien_fleming" (O'Brien & Fleming
        1979, Biometrics 35:549), "exact_pocock" (1977, Biometrika 64:191), "wang_tsiatis"
        (`shape`; 1987, Biometrics 43:193: z proportional to t**(shape - 0.5)). "haybittle_peto":
        `interim_z` before the last look, which takes the rest. "fixed": z `bounds` as given;
        `alpha` then serves as the yardstick of `inflation` only.
    futility : str
        Families that spend 1 - power; "user" (`futility_spent`: cumulative beta), or "fixed"
        (`futility_bounds`: z, one per look before the last). One-sided designs only.
    binding : bool
        True: the bound for efficacy counts on stopping for futility. False: it does not, and the
        type I error holds whether the bound for futility is heeded or not.

    Returns
    -------
    GroupSequential
        Probabilities by recursive integration, accurate to about 1e-12 (Jennison & Turnbull 2000,
        chapter 19).

    Raises
    ------
    InputError
        All faults at once: looks that do not increase, go beyond 1 or end before it; alpha out of
        (0, 0.5); power not above alpha; spending that decreases or misses its whole; a parameter
        without its family.

    Examples
    --------
    >>> design = group_sequential(3)
    >>> [round(z, 6) for z in design.upper_z]
    [3.710303, 2.511427, 1.993047]
    >>> round(design.inflation, 6), round(design.expected_alternative, 4)
    (1.011853, 0.8115)
    """
    request = read_request(**locals())
    return describe(request.rules, request.times, power, (efficacy, futility))


def describe(
    rules: Rules, times: Floats, power: float, families: tuple[str, str]
) -> GroupSequential:
    """Solve a design and gather its properties."""
    fixed_drift = float(ndtri(power) - ndtri(rules.alpha))
    drift = rules.solve_drift(times, fixed_drift)
    upper, lower = rules.bounds(times, drift)
    spent = error_until(rules, times, lower, upper)
    _check_spent_whole(rules, float(spent[-1]))
    inflation = (drift / fixed_drift) ** 2
    runs = {name: crossing(times, lower, upper, share * drift) for name, share in _DRIFTS}
    names = (("upper", 0), ("lower", 1))
    values: dict[str, Any] = {
        f"{side}_{run}": _tuple(runs[run][i]) for side, i in names for run in runs
    }
    values |= {f"expected_{run}": inflation * expected_time(times, *runs[run]) for run in runs}
    return GroupSequential(
        method=" / ".join(f for f in families if f != "none"), efficacy=families[0],
        futility=families[1], binding=rules.futility.binding, alpha=rules.alpha * rules.sided,
        sided=rules.sided, power=power, information_fractions=_tuple(times),
        upper_z=_tuple(upper), lower_z=_tuple(lower), nominal_p=_tuple(ndtr(-upper)),
        alpha_spent=_tuple(spent),
        beta_spent=_tuple(np.cumsum(runs["alternative"][1]) if rules.futility.exists
                          else np.zeros(len(times))),
        drift=drift, inflation=inflation, rules=rules, **values,
    )  # fmt: skip


def _check_spent_whole(rules: Rules, spent: float) -> None:
    """Refuse a binding bound for futility that stops so many that alpha cannot be spent."""
    alpha = rules.alpha * rules.sided
    if rules.efficacy.fixed or spent >= alpha * (1.0 - 1e-9):
        return
    faults = Faults("group_sequential")
    faults.add("futility", f"a binding bound that leaves {spent:.3g} of alpha {alpha:g}",
               "a bound after which alpha can still be spent",
               "choose binding=False or a bound that spends less early")  # fmt: skip
    faults.refuse()


_DRIFTS = (("null", 0.0), ("halfway", 0.5), ("alternative", 1.0))


def expected_time(times: Floats, up: Floats, down: Floats) -> float:
    """Expected information at the end of the trial; who crosses nothing ends at the last look."""
    stops = up + down
    return float(times[:-1] @ stops[:-1] + times[-1] * (1.0 - stops[:-1].sum()))


def error_until(rules: Rules, times: Floats, lower: Floats, upper: Floats) -> Floats:
    """Type I error until each look over all sides, without a futility bound that need not bind."""
    heeded = rules.sided == 2 or rules.futility.binding
    bottom = lower if heeded else np.full(len(times), -math.inf)
    return rules.sided * np.cumsum(crossing(times, bottom, upper, 0.0)[0])


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
