"""Durations that given patients or a given rate of accrual need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ashworth.trials.faults import Faults

from .course import TrialCourse
from .course_events import horizon
from .events import Sided
from .method_lines import SizeMethod, check_line, method_line
from .normal import critical_value, quantile
from .patients import LogRankSize, log_rank_size


def log_rank_accrual(
    course: TrialCourse,
    accrual_rate: float,
    *,
    alpha: float = 0.025,
    sided: Sided = 1,
    power: float = 0.9,
    null_hazard_ratio: float = 1.0,
    method: SizeMethod = "lachin_foulkes",
    steps_per_year: int = 120,
) -> LogRankSize:
    """Size a trial whose accrual rate is fixed: accrual goes on until the patients suffice.

    Parameters
    ----------
    course : TrialCourse
        Follow-up and hazards; its `accrual_duration` is replaced, accrual must be uniform.
    accrual_rate : float
        Patients of both arms per unit of time, above 0.
    alpha, sided, power, null_hazard_ratio, method, steps_per_year
        As in `log_rank_size`.

    Returns
    -------
    LogRankSize
        Its `course` has the accrual duration found: patients / `accrual_rate`.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> from ashworth.trials import TrialCourse
    >>> course = TrialCourse(control_median=12.0, hazard_ratio=0.75, accrual_duration=1.0,
    ...     follow_up=18.0)
    >>> size = log_rank_accrual(course, 30.0, method="schoenfeld")
    >>> round(size.patients, 2), round(size.course.accrual_duration, 3)
    (673.25, 22.442)
    """
    asked: dict[str, Any] = {
        "alpha": alpha, "sided": sided, "power": power, "null_hazard_ratio": null_hazard_ratio,
        "method": method, "steps_per_year": steps_per_year,
    }  # fmt: skip
    faults = _checked("log_rank_accrual", course, asked)
    faults.number("accrual_rate", accrual_rate, above=0)
    if isinstance(course, TrialCourse) and course.accrual_breaks:
        faults.add("course", "accrual in pieces", "uniform accrual", "leave out accrual_breaks")
    faults.refuse()

    def missing(duration: float) -> float:
        """Patients that still lack after accrual of some duration, as a share."""
        this = replace(course, accrual_duration=duration)
        return accrual_rate * duration / _needed(this, asked) - 1.0

    high = 1.0
    while missing(high) < 0.0 and high < 1e9:
        high *= 2.0
    if missing(high) < 0.0:
        found, remedy = f"{accrual_rate:g}", "give a higher rate or a larger effect"
        faults.add("accrual_rate", found, "enough for the power at some duration", remedy)
    faults.refuse()
    duration = _root(missing, high)
    return log_rank_size(replace(course, accrual_duration=duration), **asked)


def log_rank_follow_up(
    course: TrialCourse,
    patients: float,
    *,
    alpha: float = 0.025,
    sided: Sided = 1,
    power: float = 0.9,
    null_hazard_ratio: float = 1.0,
    method: SizeMethod = "lachin_foulkes",
    steps_per_year: int = 120,
) -> LogRankSize:
    """Follow-up after the last patient that given patients need for a power.

    Parameters
    ----------
    course : TrialCourse
        Accrual and hazards; its `follow_up` is replaced.
    patients : float
        Patients of both arms, above 0.
    alpha, sided, power, null_hazard_ratio, method, steps_per_year
        As in `log_rank_size`.

    Returns
    -------
    LogRankSize
        Its `course` has the follow-up found, which is 0 where the power is there at the end of
        accrual; the patients are then fewer than given.

    Raises
    ------
    InputError
        All faults at once; a power that these patients never reach, however long they are
        followed.

    Examples
    --------
    >>> from ashworth.trials import TrialCourse
    >>> course = TrialCourse(control_median=12.0, hazard_ratio=0.75, accrual_duration=24.0,
    ...     follow_up=1.0)
    >>> round(log_rank_follow_up(course, 700, method="schoenfeld").course.follow_up, 3)
    15.114
    """
    asked: dict[str, Any] = {
        "alpha": alpha, "sided": sided, "power": power, "null_hazard_ratio": null_hazard_ratio,
        "method": method, "steps_per_year": steps_per_year,
    }  # fmt: skip
    faults = _checked("log_rank_follow_up", course, asked)
    faults.number("patients", patients, above=0)
    faults.refuse()

    def spare(follow_up: float) -> float:
        """Share of the given patients beyond what is needed after some follow-up."""
        return patients / _needed(replace(course, follow_up=follow_up), asked) - 1.0

    if course.accrual_duration > 0.0 and spare(0.0) >= 0.0:
        return log_rank_size(replace(course, follow_up=0.0), **asked)
    last = horizon(course) - course.accrual_duration
    if spare(last) < 0.0:
        needed = _needed(replace(course, follow_up=last), asked)
        allowed = f"at least {needed:.6g}, needed when all have had their event or dropped out"
        if needed == float("inf"):
            allowed = "effects that move the log-rank statistic away from the null"
        faults.add("patients", f"{patients:g}", allowed, "plan more patients or less power")
    faults.refuse()
    return log_rank_size(replace(course, follow_up=_root(spare, last)), **asked)


def _checked(subject: str, course: TrialCourse, asked: dict[str, Any]) -> Faults:
    faults = Faults(subject)
    faults.level_and_power(asked["alpha"], asked["sided"], asked["power"])
    check_line(faults, course, asked["method"], asked["null_hazard_ratio"],
               asked["steps_per_year"], different=True)  # fmt: skip
    return faults


def _needed(course: TrialCourse, asked: dict[str, Any]) -> float:
    """Patients that a course needs; infinite where its effects cancel."""
    line = method_line(course, asked["method"], asked["null_hazard_ratio"], asked["steps_per_year"])
    if line.drift <= 1e-8:
        return float("inf")
    limit = critical_value(asked["alpha"], asked["sided"])
    return line.patients(limit, quantile(asked["power"]))


def _root(gap: Callable[[float], float], high: float) -> float:
    """Duration at which a gap turns from below to above 0, up to `high`."""
    from scipy.optimize import brentq

    low = high
    while gap(low) > 0.0:
        low /= 2.0
    root: Any = brentq(gap, low, min(2.0 * low, high), xtol=1e-12 * high, rtol=1e-12)
    return float(root)
