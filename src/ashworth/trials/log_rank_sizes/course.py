"""How a trial runs: accrual, follow-up, hazards of event, drop-out and change of treatment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any, Literal

from .course_checks import check_course

TimeUnit = Literal["days", "weeks", "months", "years"]
UNITS_PER_YEAR = {"days": 365.25, "weeks": 365.25 / 7.0, "months": 12.0, "years": 1.0}
Numbers = float | Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCourse:
    r"""Accrual and follow-up of a trial of two arms, all times in one unit.

    Hazards are constant within pieces of the time since randomisation; accrual rates within
    pieces of calendar time. Patients leave the risk set by event, drop-out and the end of the
    trial; drop-in and crossover move them to the other arm's event hazard (Lakatos 1988,
    Biometrics 44:229). Drop-out goes with the arm of randomisation.

    Attributes
    ----------
    hazard_ratio : float or sequence of float
        Experimental to control, above 0: one, or one per piece (delayed effect).
    hazard_ratio_breaks : sequence of float
        Times since randomisation at which the next ratio begins.
    control_median : float or None
        Median of the control arm (exponential). Give it or `control_hazard`.
    control_hazard : float, sequence of float or None
        Hazard of the control arm: one, or one per piece.
    hazard_breaks : sequence of float
        Times since randomisation at which the next control hazard begins.
    accrual_duration, follow_up : float
        Calendar time from first to last patient, and from there to the analysis; at least 0,
        not both 0.
    accrual_rates : sequence of float
        Relative rates of accrual per piece; only their proportions count.
    accrual_breaks : sequence of float
        Calendar times at which the next rate begins, within the accrual.
    ratio : float
        Allocation, experimental to control.
    dropout_hazard : float
        Hazard of drop-out (no event is seen afterwards).
    dropout_hazard_experimental : float or None
        The experimental arm's; None: the same.
    drop_in_hazard : float
        Control patients who change to the experimental treatment.
    crossover_hazard : float
        Experimental patients who change to the control treatment.
    stratum_shares : sequence of float
        Shares of patients per stratum, sum 1.
    stratum_hazard_factors : sequence of float
        Control hazard of each stratum as a multiple of the control hazard above.
    time_unit : {"days", "weeks", "months", "years"}
        Unit of all times; needed only for Markov steps per year.

    Raises
    ------
    InputError
        All faults at once: negative durations, breaks that do not increase, a wrong number of
        pieces, two or no control hazards, shares that do not sum to 1.

    Examples
    --------
    >>> course = TrialCourse(control_median=12.0, hazard_ratio=0.75, accrual_duration=24.0,
    ...     follow_up=18.0, dropout_hazard=hazard_of_survival(0.95, 12.0))
    >>> course.duration
    42.0
    """

    hazard_ratio: Numbers
    accrual_duration: float
    follow_up: float
    control_median: float | None = None
    control_hazard: Numbers | None = None
    hazard_breaks: Sequence[float] = ()
    hazard_ratio_breaks: Sequence[float] = ()
    accrual_rates: Sequence[float] = (1.0,)
    accrual_breaks: Sequence[float] = ()
    ratio: float = 1.0
    dropout_hazard: float = 0.0
    dropout_hazard_experimental: float | None = None
    drop_in_hazard: float = 0.0
    crossover_hazard: float = 0.0
    stratum_shares: Sequence[float] = (1.0,)
    stratum_hazard_factors: Sequence[float] = (1.0,)
    time_unit: TimeUnit = "months"

    def __post_init__(self) -> None:
        """Make tuples of numbers and check all of them."""
        for name in _SEQUENCES:
            object.__setattr__(self, name, as_tuple(getattr(self, name)))
        if self.control_hazard is not None:
            object.__setattr__(self, "control_hazard", as_tuple(self.control_hazard))
        check_course(self, tuple(UNITS_PER_YEAR))

    @property
    def duration(self) -> float:
        """Calendar time from the first patient to the analysis."""
        return float(self.accrual_duration + self.follow_up)

    @property
    def control_hazards(self) -> tuple[float, ...]:
        """Control hazard per piece of `hazard_breaks`."""
        if self.control_median is not None:
            return (log(2.0) / self.control_median,)
        assert isinstance(self.control_hazard, tuple)
        return self.control_hazard

    @property
    def hazard_ratios(self) -> tuple[float, ...]:
        """Hazard ratio per piece of `hazard_ratio_breaks`."""
        return as_tuple(self.hazard_ratio)

    @property
    def dropout_hazards(self) -> tuple[float, float]:
        """Hazards of drop-out of the control and of the experimental arm."""
        other = self.dropout_hazard_experimental
        return self.dropout_hazard, self.dropout_hazard if other is None else other

    @property
    def change_hazards(self) -> tuple[float, float]:
        """Hazards of drop-in (control arm) and crossover (experimental arm)."""
        return self.drop_in_hazard, self.crossover_hazard

    @property
    def arm_shares(self) -> tuple[float, float]:
        """Shares of the control and of the experimental arm."""
        return 1.0 / (1.0 + self.ratio), self.ratio / (1.0 + self.ratio)


_SEQUENCES = (
    "hazard_ratio", "hazard_breaks", "hazard_ratio_breaks", "accrual_rates", "accrual_breaks",
    "stratum_shares", "stratum_hazard_factors",
)  # fmt: skip


def as_tuple(values: Any) -> tuple[Any, ...]:
    """One number or a sequence of them as a tuple."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        return (values,)
    return tuple(values)


def hazard_of_survival(survival: float, time: float) -> float:
    """Constant hazard that leaves a share without the event at a time.

    Parameters
    ----------
    survival : float
        Share without event (or without drop-out), above 0, below 1.
    time : float
        Time of it, above 0.

    Returns
    -------
    float
        -log(survival) / time, per unit of time.

    Raises
    ------
    InputError
        Both faults at once.

    Examples
    --------
    >>> round(hazard_of_survival(0.5, 12.0), 6)
    0.057762
    """
    from ashworth.trials.faults import Faults

    faults = Faults("hazard_of_survival")
    faults.probability("survival", survival)
    faults.number("time", time, above=0)
    faults.refuse()
    return -log(survival) / time
