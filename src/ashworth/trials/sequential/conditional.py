"""Conditional and predictive power: what the rest of the trial may still show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .checks import MOST_Z
from .design import GroupSequential
from .recursion import Floats, crossing, panels

if TYPE_CHECKING:
    import polars as pl

CRITICAL = 1.959963984540054


@dataclass(frozen=True, slots=True)
class ConditionalPower:
    r"""Probability that the last statistic passes its critical value, given the one so far.

    Attributes
    ----------
    method : str
        "b_value".
    z, information_fraction, critical_value : float
        As given.
    b_value : float
        :math:`B(t) = Z\sqrt t`.
    null, trend : float
        With no drift from here on; with the drift seen so far.
    planned : float or None
        With the drift given as `drift`.
    predictive : float
        Averaged over what the data so far (and the prior) say of the drift.
    drift, prior_mean, prior_sd : float or None
        As given.
    version : str
        Version of the package.
    """

    method: str
    z: float
    information_fraction: float
    critical_value: float
    b_value: float
    null: float
    trend: float
    planned: float | None
    predictive: float
    drift: float | None
    prior_mean: float | None
    prior_sd: float | None
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("z", "information_fraction", "critical_value", "drift", "prior_mean", "prior_sd")
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def conditional_power(
    z: float,
    information_fraction: float,
    *,
    critical_value: float = CRITICAL,
    drift: float | None = None,
    prior_mean: float | None = None,
    prior_sd: float | None = None,
) -> ConditionalPower:
    r"""Conditional and predictive power of a trial with one analysis left.

    Parameters
    ----------
    z : float
        Statistic so far, positive for benefit.
    information_fraction : float
        t, between 0 and 1, of the final information.
    critical_value : float
        Of the last statistic, on one side.
    drift : float, optional
        Planned or given mean of the last statistic :math:`\theta`, e.g.
        :math:`-\log HR \sqrt{p_1 p_2 D}` with D final events.
    prior_mean, prior_sd : float, optional
        Normal prior of the drift; without them it is flat.

    Returns
    -------
    ConditionalPower
        :math:`\Phi\big((B(t) + \theta (1-t) - c)/\sqrt{1-t}\big)` (Lan & Wittes 1988, Biometrics
        44:579) with :math:`\theta` 0, :math:`B(t)/t`, or as given; and its average over the
        posterior of :math:`\theta` (Spiegelhalter, Freedman & Blackburn 1986, Control Clin Trials
        7:8), in closed form.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> found = conditional_power(1.5, 0.5, drift=3.2415)
    >>> round(found.null, 4), round(found.trend, 4), round(found.planned, 4)
    (0.1017, 0.5903, 0.8462)
    >>> round(found.predictive, 4)
    0.5641
    """
    faults = Faults("conditional_power")
    faults.number("z", z, least=-MOST_Z, most=MOST_Z)
    faults.probability("information_fraction", information_fraction)
    faults.number("critical_value", critical_value, least=-MOST_Z, most=MOST_Z)
    if drift is not None:
        faults.number("drift", drift, least=-MOST_Z, most=MOST_Z)
    _check_prior(faults, prior_mean, prior_sd)
    faults.refuse()
    t = float(information_fraction)
    b, left = z * math.sqrt(t), 1.0 - t
    centre, variance = posterior_of_drift(b, t, prior_mean, prior_sd)

    def passing(theta: float, variance: float = 0.0) -> float:
        spread = math.sqrt(left + left**2 * variance)
        return float(ndtr((b + theta * left - critical_value) / spread))

    return ConditionalPower(
        "b_value", float(z), t, float(critical_value), b, passing(0.0), passing(b / t),
        None if drift is None else passing(drift), passing(centre, variance), drift,
        prior_mean, prior_sd,
    )  # fmt: skip


def posterior_of_drift(
    b: float, t: float, prior_mean: float | None, prior_sd: float | None
) -> tuple[float, float]:
    """Mean and variance of the drift given B(t) = b and a normal or flat prior."""
    if prior_mean is None or prior_sd is None:
        return b / t, 1.0 / t
    precision = t + prior_sd**-2
    return (b + prior_mean * prior_sd**-2) / precision, 1.0 / precision


def _check_prior(faults: Faults, mean: Any, sd: Any) -> None:
    if (mean is None) != (sd is None):
        faults.add("prior_mean", "one of prior_mean and prior_sd", "both or none")
    if mean is not None:
        faults.number("prior_mean", mean, least=-MOST_Z, most=MOST_Z)
    if sd is not None:
        faults.number("prior_sd", sd, least=1e-6, most=1e6)


@dataclass(frozen=True, slots=True)
class ConditionalCrossing:
    """Probabilities to cross first at each later look, given the statistic at one look.

    Attributes
    ----------
    method : str
        Bounds of the design.
    look : int
        Look held, from 1.
    z : float
        Statistic there.
    later_looks : tuple of int
        Looks to come.
    null, trend, planned, predictive : tuple of float
        Upper bound crossed first at each later look: with no drift, with that seen so far, with
        the design's, and averaged over the posterior of the drift.
    given : tuple of float or None
        With the drift given as `drift`.
    drift, prior_mean, prior_sd : float or None
        As given.
    version : str
        Version of the package.
    """

    method: str
    look: int
    z: float
    later_looks: tuple[int, ...]
    null: tuple[float, ...]
    trend: tuple[float, ...]
    planned: tuple[float, ...]
    predictive: tuple[float, ...]
    given: tuple[float, ...] | None
    drift: float | None
    prior_mean: float | None
    prior_sd: float | None
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("look", "z", "drift", "prior_mean", "prior_sd")
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row per later look; sums over rows are the power that is left."""
        import polars as pl

        names = ["null", "trend", "planned", "predictive"]
        names += ["given"] if self.given is not None else []
        return pl.DataFrame({"look": self.later_looks, **{k: getattr(self, k) for k in names}})


def conditional_crossing(
    design: GroupSequential,
    look: int,
    z: float,
    *,
    drift: float | None = None,
    prior_mean: float | None = None,
    prior_sd: float | None = None,
    heed_futility: bool = True,
) -> ConditionalCrossing:
    """Conditional and predictive power of a group-sequential trial, look by look.

    Parameters
    ----------
    design : GroupSequential
        Planned design.
    look : int
        Look held, 1 to the last but one.
    z : float
        Statistic there, positive for benefit.
    drift : float, optional
        A further drift, as the mean of the last statistic.
    prior_mean, prior_sd : float, optional
        Normal prior of the drift for the predictive power; without them it is flat.
    heed_futility : bool
        Whether the trial will stop at the lower bounds to come.

    Returns
    -------
    ConditionalCrossing
        From B(t) on, the score process is a new Brownian motion with its bounds shifted.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> from ashworth.trials import group_sequential
    >>> found = conditional_crossing(group_sequential(3), 1, 1.5)
    >>> [round(p, 4) for p in found.trend]
    [0.2906, 0.4861]
    """
    faults = Faults("conditional_crossing")
    if faults.whole("look", look) and look >= len(design.upper_z):
        faults.add("look", f"{look:g}", f"1 to {len(design.upper_z) - 1}", "name an interim look")
    faults.number("z", z, least=-MOST_Z, most=MOST_Z)
    if drift is not None:
        faults.number("drift", drift, least=-MOST_Z, most=MOST_Z)
    _check_prior(faults, prior_mean, prior_sd)
    faults.refuse()
    rest = _Rest.of(design, int(look), float(z), heed_futility=heed_futility)
    t = design.information_fractions[int(look) - 1]
    centre, variance = posterior_of_drift(z * math.sqrt(t), t, prior_mean, prior_sd)
    return ConditionalCrossing(
        design.method, int(look), float(z), tuple(range(int(look) + 1, len(design.upper_z) + 1)),
        rest.upward(0.0), rest.upward(z / math.sqrt(t)), rest.upward(design.drift),
        rest.averaged(centre, variance), None if drift is None else rest.upward(drift), drift,
        prior_mean, prior_sd,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rest:
    """Looks to come as a design of its own, from B(t) on."""

    times: Floats
    lower: Floats
    upper: Floats

    @classmethod
    def of(cls, design: GroupSequential, look: int, z: float, *, heed_futility: bool) -> _Rest:
        t = np.asarray(design.information_fractions)
        b, times = z * math.sqrt(t[look - 1]), t[look:] - t[look - 1]
        heeded = heed_futility or design.sided == 2
        low = np.asarray(design.lower_z) if heeded else np.full(len(t), -math.inf)

        def shifted(bound: Floats) -> Floats:
            return (bound[look:] * np.sqrt(t[look:]) - b) / np.sqrt(times)

        return cls(times, shifted(low), shifted(np.asarray(design.upper_z)))

    def upward(self, drift: float) -> tuple[float, ...]:
        """Probabilities to cross the upper bound first at each look."""
        return tuple(crossing(self.times, self.lower, self.upper, drift)[0].tolist())

    def averaged(self, mean: float, variance: float) -> tuple[float, ...]:
        """The same averaged over a normal drift."""
        points, weights = panels(-9.0, 9.0, 3.0)
        density = weights * np.exp(-0.5 * points**2) / math.sqrt(2.0 * math.pi)
        rows = [self.upward(mean + math.sqrt(variance) * float(x)) for x in points]
        return tuple((density @ np.asarray(rows)).tolist())
