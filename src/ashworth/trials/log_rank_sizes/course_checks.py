"""Checks of a trial's course: every fault at once."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ashworth.trials.faults import Faults

from .checks import is_number

if TYPE_CHECKING:
    from .course import TrialCourse


def check_course(course: TrialCourse, time_units: tuple[str, ...]) -> None:
    """Raise `InputError` with all faults of a course."""
    faults = Faults("TrialCourse")
    _check_durations(course, faults)
    _check_control(course, faults)
    _check_pieces(faults, "hazard_ratio", course.hazard_ratio, "hazard_ratio_breaks",
                  course.hazard_ratio_breaks)  # fmt: skip
    _check_accrual(course, faults)
    _check_strata(course, faults)
    faults.number("ratio", course.ratio, above=0)
    for name in ("dropout_hazard", "drop_in_hazard", "crossover_hazard"):
        faults.number(name, getattr(course, name), least=0)
    if course.dropout_hazard_experimental is not None:
        name = "dropout_hazard_experimental"
        faults.number(name, getattr(course, name), least=0)
    faults.one_of("time_unit", course.time_unit, time_units)
    faults.refuse()


def _check_durations(course: TrialCourse, faults: Faults) -> None:
    fine = [
        faults.number(name, getattr(course, name), least=0)
        for name in ("accrual_duration", "follow_up")
    ]
    if all(fine) and course.accrual_duration + course.follow_up <= 0.0:
        faults.add("follow_up", "0 with accrual_duration 0", "a trial longer than 0",
                    "give accrual_duration, follow_up or both")  # fmt: skip


def _check_control(course: TrialCourse, faults: Faults) -> None:
    """Exactly one of median and hazards."""
    if (course.control_median is None) == (course.control_hazard is None):
        found = "neither" if course.control_median is None else "both"
        faults.add("control_hazard", found, "control_median or control_hazard", "give one of them")
        return
    if course.control_median is None:
        _check_pieces(faults, "control_hazard", course.control_hazard, "hazard_breaks",
                      course.hazard_breaks)  # fmt: skip
        return
    faults.number("control_median", course.control_median, above=0)
    if course.hazard_breaks:
        faults.add("hazard_breaks", repr(course.hazard_breaks), "none with control_median",
                    "give control_hazard with one hazard per piece")  # fmt: skip


def _check_pieces(faults: Faults, name: str, values: Any, breaks_name: str, breaks: Any) -> None:
    """One value above 0 per piece, and breaks that increase from above 0."""
    bad = [repr(v) for v in values if not (is_number(v) and v > 0.0)]
    if bad:
        faults.add(name, ", ".join(bad), "numbers above 0", f"mend the values of {name}")
    _check_breaks(faults, breaks_name, breaks)
    if len(values) != len(breaks) + 1:
        faults.add(name, f"{len(values)} values with {len(breaks)} breaks",
                    "one value more than breaks", f"give {len(breaks) + 1} values")  # fmt: skip


def _check_breaks(faults: Faults, name: str, breaks: Any) -> bool:
    numbers = all(is_number(b) and b > 0.0 for b in breaks)
    if numbers and all(a < b for a, b in pairwise(breaks)):
        return True
    faults.add(name, repr(tuple(breaks)), "times above 0 that increase", "sort and mend them")
    return False


def _check_accrual(course: TrialCourse, faults: Faults) -> None:
    """Rates of at least 0, not all 0; breaks within the accrual."""
    rates, breaks = course.accrual_rates, course.accrual_breaks
    bad = [repr(r) for r in rates if not (is_number(r) and r >= 0.0)]
    if bad or not any(is_number(r) and r > 0.0 for r in rates):
        faults.add("accrual_rates", ", ".join(bad) or repr(rates), "at least 0, one above 0",
                    "mend the rates")  # fmt: skip
    if len(rates) != len(breaks) + 1:
        faults.add("accrual_rates", f"{len(rates)} values with {len(breaks)} breaks",
                    "one value more than breaks", f"give {len(breaks) + 1} rates")  # fmt: skip
    if not _check_breaks(faults, "accrual_breaks", breaks) or not breaks:
        return
    if is_number(course.accrual_duration) and breaks[-1] >= course.accrual_duration:
        faults.add("accrual_breaks", f"{breaks[-1]:g} with accrual_duration "
                    f"{course.accrual_duration:g}", "within the accrual",
                    "leave out the pieces after the last patient")  # fmt: skip


def _check_strata(course: TrialCourse, faults: Faults) -> None:
    """Shares above 0 that sum to 1, with as many hazard factors above 0."""
    shares, factors = course.stratum_shares, course.stratum_hazard_factors
    for name, values in (("stratum_shares", shares), ("stratum_hazard_factors", factors)):
        bad = [repr(v) for v in values if not (is_number(v) and v > 0.0)]
        if bad or not values:
            faults.add(name, ", ".join(bad) or "none", "numbers above 0", f"mend {name}")
    if all(is_number(s) for s in shares) and abs(sum(shares) - 1.0) > 1e-9:
        faults.add("stratum_shares", f"sum {sum(shares):g}", "sum 1", "divide them by their sum")
    if len(shares) != len(factors):
        faults.add("stratum_hazard_factors", f"{len(factors)} for {len(shares)} shares",
                    "one per stratum", "give as many factors as shares")  # fmt: skip
