"""What each method says of one planned patient: drift and standard deviations of its statistic."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from ashworth.trials.faults import Faults

from .at_risk import at_risk, piece_rates
from .checks import check_ratios
from .course import UNITS_PER_YEAR, TrialCourse
from .course_events import mean_log_ratio
from .event_formulas import drift_per_root_event
from .lakatos import score_moments

SizeMethod = Literal[
    "schoenfeld", "freedman", "hsieh_freedman", "lachin_foulkes", "bernstein_lagakos",
    "average_hazard_ratio", "lakatos", "lakatos_limit",
]  # fmt: skip
SIZE_METHODS: tuple[str, ...] = get_args(SizeMethod)
_PROPORTIONAL = SIZE_METHODS[:5]


@dataclass(frozen=True, slots=True)
class MethodLine:
    """Patients are ((z_alpha null_sd + z_beta sd) / drift)^2.

    Attributes
    ----------
    drift : float
        Effect per root patient; negative where the alternative lies beyond a margin.
    null_sd, sd : float
        Standard deviations of the statistic under the null and under the alternative.
    control, experimental : float
        Expected events per planned patient.
    """

    drift: float
    null_sd: float
    sd: float
    control: float
    experimental: float

    @property
    def events(self) -> float:
        """Expected events of both arms per planned patient."""
        return self.control + self.experimental

    def patients(self, limit: float, quantile: float) -> float:
        """Patients for a critical value and a quantile of the power."""
        return ((limit * self.null_sd + quantile * self.sd) / self.drift) ** 2

    def statistic(self, limit: float, patients: float) -> float:
        """Quantile of the power of given patients."""
        return (math.sqrt(patients) * self.drift - limit * self.null_sd) / self.sd


def method_line(
    course: TrialCourse, method: str, null_hazard_ratio: float, steps_per_year: int
) -> MethodLine:
    """Evaluate a method on a course."""
    if method in ("lakatos", "lakatos_limit"):
        steps = steps_per_year if method == "lakatos" else None
        mean, variance, events = score_moments(course, null_hazard_ratio, steps)
        drift = -mean / math.sqrt(variance)
        return _line(_sided(drift, null_hazard_ratio), 1.0, 1.0, events)
    state = at_risk(course, course.duration)
    events = state.events
    if method in ("lachin_foulkes", "bernstein_lagakos"):
        null = _null_course(course, method, null_hazard_ratio)
        null_sd = _estimate_sd(at_risk(null, course.duration).events)
        drift = math.log(null_hazard_ratio / course.hazard_ratios[0])
        return _line(_sided(drift, null_hazard_ratio), null_sd, _estimate_sd(events), events)
    average = method == "average_hazard_ratio"
    hazard_ratio = math.exp(mean_log_ratio(state)) if average else course.hazard_ratios[0]
    formula = "schoenfeld" if average else method
    size = drift_per_root_event(hazard_ratio, course.ratio, null_hazard_ratio, formula)
    drift = math.copysign(size * math.sqrt(events.sum()), null_hazard_ratio - hazard_ratio)
    return _line(_sided(drift, null_hazard_ratio), 1.0, 1.0, events)


def _line(drift: float, null_sd: float, sd: float, events: np.ndarray) -> MethodLine:
    control, experimental = (float(e) for e in events.sum(axis=1))
    return MethodLine(drift, null_sd, sd, control, experimental)


def _sided(drift: float, null_hazard_ratio: float) -> float:
    """Superiority looks at either side; a margin only below itself."""
    return abs(drift) if null_hazard_ratio == 1.0 else drift


def _estimate_sd(events: np.ndarray) -> float:
    """Standard deviation of the log hazard ratio times root patients, stratified."""
    information = 1.0 / (1.0 / events).sum(axis=0)
    return float(1.0 / math.sqrt(information.sum()))


def _null_course(course: TrialCourse, method: str, null_hazard_ratio: float) -> TrialCourse:
    """Course under the null: of the same mean hazard (Lachin-Foulkes) or the control's."""
    scale = 1.0
    if method == "lachin_foulkes":
        hazard_ratio = course.hazard_ratios[0]
        scale = (1 + course.ratio * hazard_ratio) / (1 + course.ratio * null_hazard_ratio)
    hazards = tuple(scale * hazard for hazard in course.control_hazards)
    return replace(course, control_median=None, control_hazard=hazards,
                   hazard_ratio=null_hazard_ratio)  # fmt: skip


def obstacles(
    course: TrialCourse, method: str, null_hazard_ratio: float, steps_per_year: int
) -> list[tuple[str, str, str, str]]:
    """What keeps a method from a course: argument, found, allowed, remedy."""
    if method == "lakatos":
        return _coarse_steps(course, steps_per_year)
    found = []
    other = "choose lakatos, lakatos_limit or average_hazard_ratio"
    if method in _PROPORTIONAL and len(course.hazard_ratios) > 1:
        found.append(("method", f"{method} with {len(course.hazard_ratios)} hazard ratios",
                      "methods without proportional hazards", other))  # fmt: skip
    if method in _PROPORTIONAL and any(course.change_hazards):
        found.append(("method", f"{method} with change of treatment",
                      "methods with change of treatment", other))  # fmt: skip
    if method in ("freedman", "hsieh_freedman") and null_hazard_ratio != 1.0:
        found.append(("method", f"{method} with null_hazard_ratio {null_hazard_ratio:g}",
                      "any other method where null_hazard_ratio is not 1",
                      "Freedman's formula is one of superiority"))  # fmt: skip
    return found


def _coarse_steps(course: TrialCourse, steps_per_year: int) -> list[tuple[str, str, str, str]]:
    """Steps in which a patient at the highest hazard leaves with more than a chance of 1/4."""
    factor = max(course.stratum_hazard_factors)
    fastest = float(piece_rates(course, factor)[1].max())
    fastest += max(course.dropout_hazards) + max(course.change_hazards)
    least = math.ceil(4.0 * fastest * UNITS_PER_YEAR[course.time_unit])
    if steps_per_year >= least:
        return []
    found = f"lakatos with {steps_per_year} steps a year"
    remedy = "give more steps_per_year, mend time_unit, or choose lakatos_limit"
    return [("steps_per_year", found, f"at least {least} for these hazards", remedy)]


def check_line(
    faults: Faults, course: TrialCourse, method: str, null: float, steps_per_year: int,
    *, different: bool,
) -> None:  # fmt: skip
    """Check what sizes and powers by patients share; with `different` also that HR is not null."""
    if not isinstance(course, TrialCourse):
        faults.add("course", repr(course), "a TrialCourse", "make one with TrialCourse(...)")
        course = None  # type: ignore[assignment]
    fine = faults.number("null_hazard_ratio", null, above=0)
    steps = steps_per_year if faults.whole("steps_per_year", steps_per_year) else 10**9
    if not faults.one_of("method", method, SIZE_METHODS) or course is None or not fine:
        return
    for obstacle in obstacles(course, method, null, steps):
        faults.add(*obstacle)
    if different and len(set(course.hazard_ratios)) == 1:
        check_ratios(faults, course.hazard_ratios[0], null)
