"""Share of the experimental arm that given arms can detect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ashworth.errors import EstimationError
from ashworth.trials.faults import Faults
from ashworth.trials.log_rank_sizes.normal import critical_value
from ashworth.version import __version__

from .arguments import check_arms
from .fisher_tables import Alternative
from .formulas import FORMULAS, ProportionFormula, formula_power
from .power import Question
from .regions import TESTS, ProportionTestName

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class DetectableShare:
    """Experimental share that two arms detect with a given power.

    Attributes
    ----------
    method : str
        Exact test, or formula of the normal approximation.
    p_control : float
        Assumed control share.
    p_experimental : float
        Nearest share that is detected with the wanted power.
    difference : float
        Experimental minus control.
    n_control, n_experimental : int
        Patients analysed.
    alpha, sided, alternative, power : float, int, str, float
        As asked for.
    version : str
        Version of the package.
    """

    method: str
    p_control: float
    p_experimental: float
    difference: float
    n_control: int
    n_experimental: int
    alpha: float
    sided: int
    alternative: str
    power: float
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "alpha", "sided", "alternative", "power")
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def two_proportions_detectable(
    p_control: float,
    n_control: int,
    n_experimental: int,
    *,
    alternative: Literal["greater", "less"],
    alpha: float = 0.05,
    sided: Literal[1, 2] = 2,
    power: float = 0.8,
    test: ProportionTestName | ProportionFormula = "fisher",
) -> DetectableShare:
    """Find the experimental share that given arms detect.

    Parameters
    ----------
    p_control : float
        Control share, between 0 and 1.
    n_control, n_experimental : int
        Patients analysed.
    alternative : {"greater", "less"}
        Side on which the experimental share is sought.
    alpha, sided, power : float, {1, 2}, float
        Level over `sided` sides, and wanted power.
    test : str
        A test of `two_proportions_power` (exact power), or ``pooled``, ``pooled_continuity``,
        ``unpooled`` (the formulae of `two_proportions_formula`).

    Returns
    -------
    DetectableShare

    Raises
    ------
    InputError
        All faults at once.
    EstimationError
        Even a share of 0 or 1 is not detected with that power.

    Examples
    --------
    Treat CTC with 87 patients per arm, by Boschloo's and by Fisher's test:

    >>> for test in ("boschloo", "fisher"):
    ...     found = two_proportions_detectable(0.5, 87, 87, alternative="less", sided=1, test=test)
    ...     print(test, round(found.p_experimental, 3))
    boschloo 0.315
    fisher 0.307
    """
    faults = Faults("two_proportions_detectable")
    faults.probability("p_control", p_control)
    check_arms(faults, n_control, n_experimental)
    faults.one_of("alternative", alternative, ("greater", "less"))
    faults.level_and_power(alpha, sided, power)
    faults.one_of("test", test, (*TESTS, *FORMULAS[:3]))
    faults.refuse()
    sizes = (int(n_control), int(n_experimental))
    side: Alternative = "two-sided" if sided == 2 else alternative
    reached = _reached(test, float(p_control), sizes, (float(alpha), sided, side))
    found = _nearest(reached, float(p_control), alternative, power)
    return DetectableShare(
        test, float(p_control), found, found - p_control, *sizes, float(alpha), sided, alternative,
        float(power),
    )  # fmt: skip


def _reached(
    test: Any, p_control: float, sizes: tuple[int, int], level: tuple[float, int, Alternative]
) -> Callable[[float], float]:
    """Power as a function of the experimental share."""
    if test in FORMULAS:
        z = critical_value(*level[:2])
        return lambda p: formula_power(test, (p_control, p), 0.0, sizes, z)
    return Question(test, level[0], level[2], 0.0).with_fixed_region(p_control, sizes)


def _nearest(
    reached: Callable[[float], float], p_control: float, alternative: str, power: float
) -> float:
    from scipy.optimize import brentq

    end = 1.0 - 1e-9 if alternative == "greater" else 1e-9
    near = p_control + (1e-9 if alternative == "greater" else -1e-9)
    if reached(end) < power:
        highest = f"found at most {reached(end):.4f} at a share of {round(end)}"
        raise EstimationError(f"power {power:g} is out of reach: {highest}; plan more patients")
    return brentq(lambda p: reached(p) - power, near, end, xtol=1e-13, rtol=1e-14)  # type: ignore
