"""Patients and events that a log-rank test needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ashworth.errors import InputError, Problem
from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .course import TrialCourse
from .course_events import average_hazard_ratio
from .event_formulas import drift_per_root_event, ratio_of_drift
from .events import Sided
from .method_lines import MethodLine, SizeMethod, check_line, method_line
from .normal import critical_value, quantile, tail_below, whole

if TYPE_CHECKING:
    import polars as pl


_MOST_EXTRA = 50


@dataclass(frozen=True, slots=True)
class LogRankSize:
    """Patients and events of a log-rank test by one method, real-valued and whole.

    Attributes
    ----------
    method : str
        Method.
    course : TrialCourse
        The trial.
    alpha, power, null_hazard_ratio : float
        As asked for.
    sided : int
        1 or 2.
    steps_per_year : int or None
        Markov steps per year; None where the method has none.
    events, patients, patients_control, patients_experimental : float
        Real-valued design.
    duration : float
        Calendar time from the first patient to the analysis.
    average_hazard_ratio : float
        Of the alternative at the analysis.
    events_integer : int
        Whole events, rounded up.
    patients_control_integer, patients_experimental_integer : int
        Whole patients, each arm rounded up (a few more where that changes the ratio for the worse).
    alpha_integer, power_integer : float
        Of the whole patients with their own allocation ratio, computed anew.
    expected_events_integer : float
        Expected events of the whole patients at the analysis.
    version : str
        Version of the package.
    """

    method: str
    course: TrialCourse
    alpha: float
    sided: int
    power: float
    null_hazard_ratio: float
    steps_per_year: int | None
    events: float
    patients: float
    patients_control: float
    patients_experimental: float
    duration: float
    average_hazard_ratio: float
    events_integer: int
    patients_control_integer: int
    patients_experimental_integer: int
    alpha_integer: float
    power_integer: float
    expected_events_integer: float
    version: str = __version__

    @property
    def patients_integer(self) -> int:
        """Whole patients of both arms."""
        return self.patients_control_integer + self.patients_experimental_integer

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "alpha", "sided", "power", "null_hazard_ratio", "steps_per_year",
                 "course")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row: the question, the real-valued and the whole design."""
        import polars as pl

        from .tables import one_row

        return one_row(self).with_columns(pl.lit(self.patients_integer).alias("patients_integer"))


def log_rank_size(
    course: TrialCourse,
    *,
    alpha: float = 0.025,
    sided: Sided = 1,
    power: float = 0.9,
    null_hazard_ratio: float = 1.0,
    method: SizeMethod = "lachin_foulkes",
    steps_per_year: int = 120,
) -> LogRankSize:
    r"""Patients that a log-rank test needs, with accrual over a fixed duration.

    Parameters
    ----------
    course : TrialCourse
        Accrual, follow-up, hazards. Durations stay; the accrual rate follows from the patients.
    alpha : float
        Type I error over `sided` sides.
    sided : 1 or 2
        Sides of the test. The far side's power is left out.
    power : float
        Above alpha, below 1.
    null_hazard_ratio : float
        1 for superiority; the margin for non-inferiority.
    method : str
        ``"schoenfeld"``, ``"freedman"``, ``"hsieh_freedman"``: events of `log_rank_events`,
        divided by the probability of an event. ``"lachin_foulkes"`` (1986, Biometrics 42:507)
        and ``"bernstein_lagakos"`` (1978, J Stat Comput Simul 8:65): variance of log HR, summed
        as information over strata, with
        :math:`n = (z_\alpha\sigma_0 + z_\beta\sigma_1)^2/(\log HR - \log M)^2` and
        :math:`\sigma^2 = 1/E d_0 + 1/E d_1`; under the null the former keeps the mean hazard of
        both arms, the latter the control hazard. ``"average_hazard_ratio"``: Schoenfeld at
        `average_hazard_ratio`. ``"lakatos"`` (1988, Biometrics 44:229): mean and variance of the
        score by Markov steps; ``"lakatos_limit"``: its integral. Only the last three know
        delayed effects and change of treatment.
    steps_per_year : int
        Markov steps per year of ``"lakatos"``.

    Returns
    -------
    LogRankSize

    Raises
    ------
    InputError
        All faults at once: hazard ratio 1 without a margin or not below it, power not above
        alpha, a method that does not know the course, effects that cancel.

    Examples
    --------
    >>> from ashworth.trials import TrialCourse, hazard_of_survival
    >>> course = TrialCourse(control_median=12.0, hazard_ratio=0.75, accrual_duration=24.0,
    ...     follow_up=18.0, dropout_hazard=hazard_of_survival(0.95, 12.0))
    >>> size = log_rank_size(course)
    >>> round(size.events, 3), round(size.patients, 3), size.patients_integer
    (506.712, 697.751, 698)
    """
    faults = Faults("log_rank_size")
    faults.level_and_power(alpha, sided, power)
    check_line(faults, course, method, null_hazard_ratio, steps_per_year, different=True)
    faults.refuse()
    line = method_line(course, method, null_hazard_ratio, steps_per_year)
    _refuse_no_drift(line, course, null_hazard_ratio)
    limit = critical_value(alpha, sided)
    patients = line.patients(limit, quantile(power))
    control, experimental = (patients * share for share in course.arm_shares)

    def evaluate(arms: tuple[int, int]) -> MethodLine:
        own = replace(course, ratio=arms[1] / arms[0])
        return method_line(own, method, null_hazard_ratio, steps_per_year)

    arms, whole_line = _whole_arms(evaluate, (control, experimental), limit, power)
    expected = sum(arms) * whole_line.events
    return LogRankSize(
        method, course, float(alpha), sided, float(power), float(null_hazard_ratio),
        steps_per_year if method == "lakatos" else None, patients * line.events, patients,
        control, experimental, course.duration, average_hazard_ratio(course),
        max(whole(patients * line.events), 1), *arms,
        _alpha_of(limit, expected, arms[1] / arms[0], null_hazard_ratio, sided),
        tail_below(whole_line.statistic(limit, sum(arms))), expected,
    )  # fmt: skip


def _whole_arms(
    evaluate: Callable[[tuple[int, int]], MethodLine], real: tuple[float, float], limit: float,
    power: float,
) -> tuple[tuple[int, int], MethodLine]:  # fmt: skip
    """Round both arms up; add patients where the changed ratio would lose the power."""
    total = sum(real)
    arms, line = (0, 0), None
    for extra in range(_MOST_EXTRA):
        scale = 1.0 + extra / total
        arms = max(whole(real[0] * scale), 1), max(whole(real[1] * scale), 1)
        line = evaluate(arms)
        if tail_below(line.statistic(limit, sum(arms))) >= power - 1e-12:
            break
    assert line is not None
    return arms, line


def _alpha_of(limit: float, events: float, ratio: float, null: float, sided: int) -> float:
    """Alpha of declaring at the estimate where the test turns significant."""
    declared = ratio_of_drift(limit / math.sqrt(events), ratio, null, "schoenfeld")
    back = drift_per_root_event(declared, ratio, null, "schoenfeld")
    return sided * tail_below(-back * math.sqrt(events))


def _refuse_no_drift(line: MethodLine, course: TrialCourse, null: float) -> None:
    """Refuse effects that cancel, or lie beyond the margin on average."""
    if line.drift > 1e-8:
        return
    found = f"{course.hazard_ratios} with null_hazard_ratio {null:g}: drift {line.drift:.3g}"
    remedy = "no number of patients shows this; mend the ratios, their breaks or the margin"
    allowed = "effects that move the log-rank statistic away from the null"
    problem = Problem("log_rank_size", None, "course", found, allowed, remedy)
    raise InputError([problem], subject="the arguments of log_rank_size")
