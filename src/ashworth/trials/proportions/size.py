"""Smallest exact sizes of tests of two proportions, aware of the saw-tooth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ashworth.errors import EstimationError
from ashworth.trials.faults import Faults
from ashworth.trials.log_rank_sizes.normal import critical_value, quantile, whole
from ashworth.version import __version__

from .arguments import check_side, check_test
from .formulas import formula_size
from .power import Question, Side
from .regions import ProportionTestName

if TYPE_CHECKING:
    import polars as pl

_MOST = 2500
_SCANNED = 60


@dataclass(frozen=True, slots=True)
class ProportionSize:
    """Smallest arms with the wanted exact power.

    Exact power falls now and then as patients are added. `n_control` is the smallest size from
    which it holds at every size up to `searched_to`; `first_n_control` the first that reaches it.

    Attributes
    ----------
    method : str
        Test.
    p_control, p_experimental : float
        Assumed shares.
    alpha, sided, alternative, null_difference : float, int, str, float
        The test.
    power : float
        As asked for.
    ratio : float
        Experimental to control patients.
    dropout : float
        Share of randomised patients without the endpoint.
    n_control, n_experimental : int
        Analysed patients from which the power holds.
    power_integer : float
        Exact power there.
    type_1_error, type_1_error_bound, type_1_error_at : float
        There: largest exact type I error, its proven bound, and the control share of it.
    first_n_control, first_n_experimental : int
        First arms that reach the power.
    first_power : float
        Exact power there.
    searched_from, searched_to : int
        Control patients between which every size was computed.
    randomised_control, randomised_experimental, randomised_total : int
        With drop-out, each arm rounded up.
    version : str
        Version of the package.
    """

    method: str
    p_control: float
    p_experimental: float
    alpha: float
    sided: int
    alternative: str
    null_difference: float
    power: float
    ratio: float
    dropout: float
    n_control: int
    n_experimental: int
    power_integer: float
    type_1_error: float
    type_1_error_bound: float
    type_1_error_at: float
    first_n_control: int
    first_n_experimental: int
    first_power: float
    searched_from: int
    searched_to: int
    randomised_control: int
    randomised_experimental: int
    randomised_total: int
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "alpha", "sided", "alternative", "null_difference", "power", "ratio",
                 "dropout")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def two_proportions_size(
    p_control: float,
    p_experimental: float,
    *,
    alpha: float = 0.05,
    sided: Literal[1, 2] = 2,
    power: float = 0.8,
    ratio: float = 1.0,
    test: ProportionTestName = "fisher",
    alternative: Side = "auto",
    null_difference: float = 0.0,
    dropout: float = 0.0,
) -> ProportionSize:
    """Smallest arms whose exact power reaches a target, first and for good.

    Parameters
    ----------
    p_control, p_experimental : float
        Shares with the event.
    alpha, sided : float, {1, 2}
        Level over `sided` sides.
    power : float
        Above the level, below 1.
    ratio : float
        Experimental to control patients; the experimental arm is rounded up.
    test, alternative, null_difference
        As in `two_proportions_power`.
    dropout : float
        Share of the randomised without the endpoint, at least 0, below 1: each arm is divided
        by 1 - dropout and rounded up.

    Returns
    -------
    ProportionSize

    Raises
    ------
    InputError
        All faults at once: equal shares without a margin, power not above the level, a margin
        in the wrong direction.
    EstimationError
        More than 2500 patients in an arm by the normal formula.

    Examples
    --------
    DETECT V: adverse events in 86.3% against 64.7%.

    >>> design = two_proportions_size(0.863, 0.647, power=0.9)
    >>> design.n_control, round(design.power_integer, 3), round(design.type_1_error, 3)
    (89, 0.902, 0.038)
    """
    faults = Faults("two_proportions_size")
    faults.level_and_power(alpha, sided, power)
    check_test(faults, test, null_difference)
    faults.number("ratio", ratio, above=0)
    faults.number("dropout", dropout, least=0, below=1)
    shares = (p_control, p_experimental)
    side = check_side(faults, shares, null_difference, sided, alternative, different=True)
    faults.refuse()
    question = Question(test, float(alpha), side, float(null_difference))  # type: ignore[arg-type]

    def reaches(n: int, target: float) -> bool:
        if n > 2 * _MOST:
            raise EstimationError(f"no size of up to {2 * _MOST} per arm has power {target:g}")
        return question.reaches(shares, (n, experimental_patients(n, ratio)), target)

    start = _approximate(shares, null_difference, ratio, (alpha, sided, power))
    search = smallest_sizes(reaches, power, start)
    sizes, firsts = ((n, experimental_patients(n, ratio)) for n in (search.holds, search.first))
    error = question.type_1_error(sizes)
    randomised = [whole(n / (1.0 - dropout)) for n in sizes]
    return ProportionSize(
        test, float(p_control), float(p_experimental), float(alpha), sided, side,
        float(null_difference), float(power), float(ratio), float(dropout), *sizes,
        question.power(shares, sizes), error.probability, error.bound, error.p_control,
        *firsts, question.power(shares, firsts), search.searched_from, search.searched_to,
        randomised[0], randomised[1], sum(randomised),
    )  # fmt: skip


def experimental_patients(n_control: int, ratio: float) -> int:
    """Patients of the experimental arm, rounded up."""
    return max(1, whole(ratio * n_control))


def _approximate(
    shares: tuple[float, float], null_difference: float, ratio: float,
    level: tuple[float, int, float],
) -> float:  # fmt: skip
    """Control patients by Farrington and Manning's formula."""
    z = critical_value(level[0], level[1]), quantile(level[2])
    n = formula_size("farrington_manning", shares, null_difference, ratio, *z)
    if (larger := max(n, ratio * n)) > _MOST:
        found = f"exact sizes end at {_MOST} per arm, the normal formula asks for {larger:.0f}"
        raise EstimationError(f"{found}; use two_proportions_formula for so small a difference")
    return n


@dataclass(frozen=True, slots=True)
class SizeSearch:
    """Sizes that were tried, and the two answers."""

    first: int
    holds: int
    searched_from: int
    searched_to: int


def smallest_sizes(reaches: Callable[[int, float], bool], power: float, start: float) -> SizeSearch:
    """Scan sizes from below the first success to well beyond the last failure.

    The scan begins where power is below the target by more than the saw-tooth is high
    (1 / root n), at 1 for small trials; it ends when no size has failed for 15% and 20 more.
    """
    low = 1
    if start > _SCANNED:
        low = _below(reaches, power - 1.0 / math.sqrt(start), start)
    n, holds, first = low, low, 0
    while not first or n <= 1.15 * holds + 20:
        if not reaches(n, power):
            holds = n + 1
        elif not first:
            first = n
        n += 1
    return SizeSearch(first, holds, low, n - 1)


def _below(reaches: Callable[[int, float], bool], target: float, start: float) -> int:
    """Largest size, to within 1%, that halving finds below a target."""
    low, high = 1, math.ceil(start)
    while not reaches(high, target):
        low, high = high, 2 * high
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle, target) else (middle, high)
    return low
