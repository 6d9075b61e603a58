"""Exact unconditional power and type I error of tests of two proportions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ashworth.trials.faults import Faults
from ashworth.trials.log_rank_sizes.checks import check_level
from ashworth.version import __version__

from .arguments import check_arms, check_side, check_test
from .binomial import binomial, likely_counts
from .certified import LargestProbability, largest_probability
from .fisher_tables import Alternative
from .regions import ProportionTestName, boschloo_reaches, rejection_region

if TYPE_CHECKING:
    import polars as pl

Side = Literal["auto", "greater", "less"]


@dataclass(frozen=True, slots=True)
class ProportionPower:
    """Power of a test of two proportions, by enumeration of all tables.

    Attributes
    ----------
    method : str
        Test.
    p_control, p_experimental : float
        Assumed shares with the event.
    n_control, n_experimental : int
        Patients analysed.
    alpha, sided : float, int
        Nominal level over `sided` sides.
    alternative : str
        ``greater`` or ``less`` (experimental against control), or ``two-sided``.
    null_difference : float
        Experimental minus control under the null.
    power : float
        Probability to reject, all sides of the test together.
    type_1_error : float
        Largest probability to reject under the null, over all control shares.
    type_1_error_bound : float
        Proven upper bound of it.
    type_1_error_at : float
        Control share where it is largest.
    version : str
        Version of the package.
    """

    method: str
    p_control: float
    p_experimental: float
    n_control: int
    n_experimental: int
    alpha: float
    sided: int
    alternative: str
    null_difference: float
    power: float
    type_1_error: float
    type_1_error_bound: float
    type_1_error_at: float
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "alpha", "sided", "alternative", "null_difference")
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def two_proportions_power(
    p_control: float,
    p_experimental: float,
    n_control: int,
    n_experimental: int,
    *,
    alpha: float = 0.05,
    sided: Literal[1, 2] = 2,
    test: ProportionTestName = "fisher",
    alternative: Side = "auto",
    null_difference: float = 0.0,
) -> ProportionPower:
    r"""Exact power: :math:`\sum_{(x, y) \in R} b(x; n_C, p_C)\, b(y; n_E, p_E)`.

    Every test, the normal ones too, is taken by the tables that it rejects; the type I error is
    the largest probability of these tables on :math:`p_E = p_C + \delta_0`, with a certified
    bound.

    Parameters
    ----------
    p_control, p_experimental : float
        Shares with the event, between 0 and 1.
    n_control, n_experimental : int
        Patients analysed in each arm, at most 3000.
    alpha : float
        Type I error over `sided` sides.
    sided : 1 or 2
        Sides.
    test : str
        "fisher", "boschloo", "farrington_manning", "miettinen_nurminen", "z_pooled" or
        "z_unpooled".
    alternative : {"auto", "greater", "less"}
        Side of a one-sided test. ``auto``: away from the margin's sign (a margin of -0.1 is
        non-inferiority where more events are better), without a margin that of the assumed
        difference.
    null_difference : float
        Margin on the difference, experimental minus control; 0 for superiority.

    Returns
    -------
    ProportionPower

    Raises
    ------
    InputError
        All faults at once: shares outside (0, 1), n that is not whole, equal shares without an
        alternative, a margin with a test that knows none.

    Examples
    --------
    >>> found = two_proportions_power(0.5, 0.3, 87, 87, alpha=0.05, sided=1)
    >>> round(found.power, 6), round(found.type_1_error, 6)
    (0.825, 0.040463)
    """
    faults = Faults("two_proportions_power")
    check_level(faults, alpha, sided)
    check_test(faults, test, null_difference)
    check_arms(faults, n_control, n_experimental)
    side = check_side(faults, (p_control, p_experimental), null_difference, sided, alternative)
    faults.refuse()
    sizes = (int(n_control), int(n_experimental))
    question = Question(test, float(alpha), side, float(null_difference))  # type: ignore[arg-type]
    return described(question, (float(p_control), float(p_experimental)), sizes, sided)


@dataclass(frozen=True, slots=True)
class Question:
    """A test, its level, its side and its null."""

    test: ProportionTestName
    alpha: float
    alternative: Alternative
    null_difference: float

    def power(self, shares: tuple[float, float], sizes: tuple[int, int]) -> float:
        """Probability to reject."""
        rows, columns = (likely_counts(n, p) for n, p in zip(sizes, shares, strict=True))
        region = rejection_region(self.test, *sizes, self.alpha, self.alternative,
                                  self.null_difference, rows, columns)  # fmt: skip
        control, experimental = (binomial(n, p) for n, p in zip(sizes, shares, strict=True))
        return float(control[rows] @ region @ experimental[columns])

    def reaches(
        self, shares: tuple[float, float], sizes: tuple[int, int], power: float
    ) -> bool:  # fmt: skip
        """Whether the power is at least this; Boschloo's test has at least Fisher's."""
        if self.test == "boschloo":
            if replace(self, test="fisher").power(shares, sizes) >= power:
                return True
            return boschloo_reaches(shares, sizes, self.alpha, self.alternative, power)
        return self.power(shares, sizes) >= power

    def with_fixed_region(
        self, p_control: float, sizes: tuple[int, int]
    ) -> Callable[[float], float]:
        """Power as a function of the experimental share."""
        region = rejection_region(self.test, *sizes, self.alpha, self.alternative,
                                  self.null_difference)  # fmt: skip
        by_experimental = binomial(sizes[0], p_control) @ region
        return lambda p: float(by_experimental @ binomial(sizes[1], p))

    def type_1_error(self, sizes: tuple[int, int]) -> LargestProbability:
        """Largest probability to reject under the null."""
        region = rejection_region(self.test, *sizes, self.alpha, self.alternative,
                                  self.null_difference)  # fmt: skip
        return largest_probability(region, self.null_difference)


def described(
    question: Question, shares: tuple[float, float], sizes: tuple[int, int], sided: int
) -> ProportionPower:
    """Power and type I error of one pair of arm sizes."""
    error = question.type_1_error(sizes)
    return ProportionPower(
        question.test, *shares, *sizes, question.alpha, sided, question.alternative,
        question.null_difference, question.power(shares, sizes), error.probability, error.bound,
        error.p_control,
    )  # fmt: skip
