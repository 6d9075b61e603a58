"""Inference at and after stopping: repeated intervals, stage-wise p, median-unbiased estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .checks import MOST_Z
from .design import GroupSequential
from .monitoring import MonitoredLooks
from .recursion import Floats, Paths, root

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class RepeatedInterval:
    """Interval at one look that holds whatever look it is, and whether the trial stops.

    Attributes
    ----------
    method : str
        Bounds of the design.
    look : int
        From 1.
    estimate, standard_error : float
        As given.
    critical_value : float
        Upper bound of the look.
    lower, upper : float
        Limits, simultaneous over the looks.
    version : str
        Version of the package.
    """

    method: str
    look: int
    estimate: float
    standard_error: float
    critical_value: float
    lower: float
    upper: float
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {k: getattr(self, k) for k in ("method", "look", "estimate", "standard_error")}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def repeated_interval(
    design: GroupSequential | MonitoredLooks, look: int, estimate: float, standard_error: float
) -> RepeatedInterval:
    r"""Repeated confidence interval at a look.

    Parameters
    ----------
    design : GroupSequential or MonitoredLooks
        Its upper bounds are used on both sides: each limit has the level of one side.
    look : int
        From 1.
    estimate, standard_error : float
        Of the effect, positive for benefit (e.g. minus the log hazard ratio).

    Returns
    -------
    RepeatedInterval
        :math:`\hat\theta_k \pm u_k\,SE_k` (Jennison & Turnbull 1989, JRSS B 51:305).

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> from ashworth.trials import group_sequential
    >>> found = repeated_interval(group_sequential(3), 1, 0.24, 0.2)
    >>> round(found.lower, 4), round(found.upper, 4)
    (-0.5021, 0.9821)
    """
    _check("repeated_interval", design, look, estimate, standard_error)
    bound = design.upper_z[int(look) - 1]
    return RepeatedInterval(
        design.method, int(look), float(estimate), float(standard_error), bound,
        estimate - bound * standard_error, estimate + bound * standard_error,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StagewiseInference:
    """Inference after the trial has stopped, by the stage-wise ordering of outcomes.

    Attributes
    ----------
    method : str
        "stagewise ordering".
    look : int
        Look at which the trial stopped.
    estimate, standard_error : float
        As given: naive.
    p_one_sided : float
        Probability under the null of an outcome at least as much in favour.
    p_value : float
        Over the sides of the design.
    median_unbiased : float
        Effect at which the outcome is the median.
    lower, upper : float
        Central limits of `level`.
    level : float
        Confidence level.
    version : str
        Version of the package.
    """

    method: str
    look: int
    estimate: float
    standard_error: float
    p_one_sided: float
    p_value: float
    median_unbiased: float
    lower: float
    upper: float
    level: float
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {k: getattr(self, k) for k in ("look", "estimate", "standard_error", "level")}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def stagewise_inference(
    design: GroupSequential | MonitoredLooks,
    look: int,
    estimate: float,
    standard_error: float,
    *,
    level: float = 0.95,
) -> StagewiseInference:
    r"""P-value, estimate and limits that allow for the looks, after the trial has stopped.

    Parameters
    ----------
    design : GroupSequential or MonitoredLooks
        Bounds as held. A futility bound that does not bind is ignored.
    look : int
        Look at which the trial stopped, from 1.
    estimate, standard_error : float
        Of the effect there, positive for benefit (e.g. minus the log hazard ratio).
    level : float
        Confidence level.

    Returns
    -------
    StagewiseInference
        Outcomes are ordered by the bound crossed, then by the look (earlier is more extreme),
        then by z (Tsiatis, Rosner & Mehta 1984, Biometrics 40:797). Limits and the
        median-unbiased estimate are the effects at which that probability is (1 - level)/2, 1/2
        and (1 + level)/2.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> from ashworth.trials import group_sequential
    >>> found = stagewise_inference(group_sequential(3), 2, 0.4002, 0.1380)
    >>> round(found.p_one_sided, 5), round(found.median_unbiased, 3)
    (0.00192, 0.4)
    """
    faults = _check("stagewise_inference", design, look, estimate, standard_error, refuse=False)
    faults.probability("level", level)
    faults.refuse()
    outcome = _Outcome.of(design, int(look), estimate / standard_error)
    unit = standard_error * math.sqrt(design.information_fractions[int(look) - 1])
    p = outcome.at_least(0.0)
    middle, low, high = (
        outcome.drift_at(q) * unit for q in (0.5, (1 - level) / 2, (1 + level) / 2)
    )
    two = 2.0 * min(p, 1.0 - p)
    return StagewiseInference(
        "stagewise ordering", int(look), float(estimate), float(standard_error), p,
        two if design.sided == 2 else p, middle, low, high, float(level),
    )  # fmt: skip


def _check(
    subject: str, design: Any, look: Any, estimate: Any, error: Any, *, refuse: bool = True
) -> Faults:
    faults = Faults(subject)
    if faults.whole("look", look) and look > len(design.upper_z):
        faults.add("look", f"{look:g}", f"1 to {len(design.upper_z)}", "name a look of the design")
    right = faults.number("estimate", estimate)
    if faults.number("standard_error", error, above=0) and right:
        faults.number("estimate / standard_error", estimate / error, least=-MOST_Z, most=MOST_Z)
    if refuse:
        faults.refuse()
    return faults


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Where a trial stopped."""

    times: Floats
    lower: Floats
    upper: Floats
    z: float

    @classmethod
    def of(cls, design: GroupSequential | MonitoredLooks, look: int, z: float) -> _Outcome:
        heeded = design.sided == 2 or design.binding
        lower = np.asarray(design.lower_z) if heeded else np.full(len(design.upper_z), -math.inf)
        times = np.asarray(design.information_fractions)
        return cls(times[:look], lower[:look], np.asarray(design.upper_z)[:look], z)

    def at_least(self, drift: float) -> float:
        """Probability of an outcome at least as much in favour."""
        paths, up, down = Paths.from_origin(drift), 0.0, 0.0
        for k, time in enumerate(self.times[:-1]):
            up += paths.above(time, self.upper[k])
            down += paths.below(time, self.lower[k])
            paths = paths.go_on(time, self.lower[k], self.upper[k], self.times[k + 1])
        if self.z <= self.lower[-1] < self.upper[-1]:
            return 1.0 - down - paths.below(self.times[-1], self.z)
        return up + paths.above(self.times[-1], self.z)

    def drift_at(self, probability: float) -> float:
        """Drift at which that probability has a value."""
        middle = self.z / math.sqrt(self.times[-1])
        width = 2.0 / math.sqrt(self.times[-1])

        def excess(drift: float) -> float:
            return self.at_least(drift) - probability

        low, high = middle - width, middle + width
        for _ in range(8):
            low = low if excess(low) < 0 else middle - 2.0 * (middle - low)
            high = high if excess(high) > 0 else middle + 2.0 * (high - middle)
        return root(excess, low, high)
