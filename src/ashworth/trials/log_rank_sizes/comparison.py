"""All methods side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .course import TrialCourse
from .events import Sided
from .method_lines import SIZE_METHODS, check_line, obstacles
from .patients import LogRankSize, log_rank_size

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class MethodComparison:
    """Sizes of one trial by every method, and why a method gives none.

    Attributes
    ----------
    course : TrialCourse
        The trial.
    sizes : tuple of LogRankSize
        One per method that knows the course.
    not_applicable : tuple of (str, str)
        Method and reason.
    method : str
        ``"all"``.
    version : str
        Version of the package.
    """

    course: TrialCourse
    sizes: tuple[LogRankSize, ...]
    not_applicable: tuple[tuple[str, str], ...]
    method: str = "all"
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for, but for the method."""
        return {k: v for k, v in self.sizes[0].options.items() if k != "method"}

    def table(self) -> pl.DataFrame:
        """One row per method; methods that do not apply stand last, with their reason."""
        import polars as pl

        names = ("method", "events", "patients", "events_integer", "patients_integer",
                 "power_integer", "average_hazard_ratio")  # fmt: skip
        rows = [{**{n: getattr(s, n) for n in names}, "note": ""} for s in self.sizes]
        rows += [{"method": method, "note": note} for method, note in self.not_applicable]
        types = dict(zip(names, (pl.String, *[pl.Float64] * 2, *[pl.Int64] * 2,
                                 *[pl.Float64] * 2), strict=True))  # fmt: skip
        return pl.DataFrame(rows, schema={**types, "note": pl.String})


def compare_methods(
    course: TrialCourse,
    *,
    alpha: float = 0.025,
    sided: Sided = 1,
    power: float = 0.9,
    null_hazard_ratio: float = 1.0,
    steps_per_year: int = 120,
) -> MethodComparison:
    """Size one trial by every method.

    Parameters
    ----------
    course, alpha, sided, power, null_hazard_ratio, steps_per_year
        As in `log_rank_size`.

    Returns
    -------
    MethodComparison

    Raises
    ------
    InputError
        All faults at once, as in `log_rank_size`. A method that does not know the course is no
        fault: it stands in `not_applicable`.

    Examples
    --------
    >>> from ashworth.trials import TrialCourse
    >>> course = TrialCourse(control_median=13.9, hazard_ratio=1.0, accrual_duration=54.0,
    ...     follow_up=24.0)
    >>> found = compare_methods(course, alpha=0.05, power=0.8, null_hazard_ratio=1.25)
    >>> for size in found.sizes:
    ...     print(f"{size.method:<20} {size.events:7.2f} {size.patients:7.2f}")
    schoenfeld            496.66  554.69
    lachin_foulkes        497.95  556.13
    bernstein_lagakos     489.56  546.76
    average_hazard_ratio  496.66  554.69
    lakatos               494.60  552.40
    lakatos_limit         494.60  552.39
    """
    faults = Faults("compare_methods")
    faults.level_and_power(alpha, sided, power)
    check_line(faults, course, "lakatos_limit", null_hazard_ratio, steps_per_year, different=True)
    faults.refuse()
    sizes, reasons = [], []
    for method in SIZE_METHODS:
        found = obstacles(course, method, null_hazard_ratio, steps_per_year)
        if found:
            reasons.append((method, f"{found[0][1]}; {found[0][3]}"))
            continue
        sizes.append(
            log_rank_size(
                course, alpha=alpha, sided=sided, power=power, method=method,  # type: ignore[arg-type]
                null_hazard_ratio=null_hazard_ratio, steps_per_year=steps_per_year,
            )
        )  # fmt: skip
    return MethodComparison(course, tuple(sizes), tuple(reasons))
