"""Power of a log-rank test with given patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .checks import check_level
from .course import TrialCourse
from .course_events import average_hazard_ratio
from .events import Sided
from .method_lines import SizeMethod, check_line, method_line
from .normal import critical_value, tail_below

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class LogRankPower:
    """Power of given patients by one method.

    Attributes
    ----------
    method : str
        Method.
    course : TrialCourse
        The trial.
    patients, alpha, null_hazard_ratio : float
        As given.
    sided : int
        1 or 2.
    steps_per_year : int or None
        Markov steps per year; None where the method has none.
    power : float
        Probability to reject on the side of the alternative (with a margin: below it).
    events_control, events_experimental : float
        Expected events at the analysis.
    average_hazard_ratio : float
        Of the alternative at the analysis.
    version : str
        Version of the package.
    """

    method: str
    course: TrialCourse
    patients: float
    alpha: float
    sided: int
    null_hazard_ratio: float
    steps_per_year: int | None
    power: float
    events_control: float
    events_experimental: float
    average_hazard_ratio: float
    version: str = __version__

    @property
    def events(self) -> float:
        """Expected events of both arms."""
        return self.events_control + self.events_experimental

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "patients", "alpha", "sided", "null_hazard_ratio", "steps_per_year",
                 "course")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row: the question, power and expected events."""
        import polars as pl

        from .tables import one_row

        return one_row(self).with_columns(pl.lit(self.events).alias("events"))


def log_rank_power_of_patients(
    course: TrialCourse,
    patients: float,
    *,
    alpha: float = 0.025,
    sided: Sided = 1,
    null_hazard_ratio: float = 1.0,
    method: SizeMethod = "lakatos_limit",
    steps_per_year: int = 120,
) -> LogRankPower:
    """Power of a log-rank test with given patients.

    Parameters
    ----------
    course : TrialCourse
        Accrual, follow-up, hazards.
    patients : float
        Patients of both arms, above 0.
    alpha, sided, null_hazard_ratio, method, steps_per_year
        As in `log_rank_size`. The hazard ratio may equal the null, or lie beyond a margin.

    Returns
    -------
    LogRankPower

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> from ashworth.trials import TrialCourse
    >>> course = TrialCourse(control_median=13.9, hazard_ratio=1.0, accrual_duration=54.0,
    ...     follow_up=24.0)
    >>> found = log_rank_power_of_patients(course, 778, alpha=0.05, null_hazard_ratio=1.25)
    >>> round(found.power, 4), round(found.events, 2)
    (0.9042, 696.61)
    """
    faults = Faults("log_rank_power_of_patients")
    check_level(faults, alpha, sided)
    faults.number("patients", patients, above=0)
    check_line(faults, course, method, null_hazard_ratio, steps_per_year, different=False)
    faults.refuse()
    line = method_line(course, method, null_hazard_ratio, steps_per_year)
    power = tail_below(line.statistic(critical_value(alpha, sided), patients))
    return LogRankPower(
        method, course, float(patients), float(alpha), sided, float(null_hazard_ratio),
        steps_per_year if method == "lakatos" else None, power, patients * line.control,
        patients * line.experimental, average_hazard_ratio(course),
    )  # fmt: skip
