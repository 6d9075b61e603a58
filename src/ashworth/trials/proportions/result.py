"""Result of a test of two proportions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ProportionTest:
    """A test of two proportions.

    Attributes
    ----------
    method : str
        Test.
    alternative : str
        ``two-sided``; ``greater``: the experimental share is larger; ``less``: smaller.
    null_difference : float
        Experimental minus control under the null.
    events_control, n_control, events_experimental, n_experimental : int
        The table.
    difference : float
        Observed, experimental minus control.
    statistic : float
        Named in the function.
    p_value : float
        Of the alternative.
    nuisance : float
        Common share at which an unconditional p-value is largest; NaN for other tests.
    p_value_bound : float
        Proven upper bound of the p-value; the p-value itself where it is computed directly.
    version : str
        Version of the package.
    """

    method: str
    alternative: str
    null_difference: float
    events_control: int
    n_control: int
    events_experimental: int
    n_experimental: int
    difference: float
    statistic: float
    p_value: float
    nuisance: float
    p_value_bound: float
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "alternative", "null_difference")
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def named_test(
    method: str, alternative: str, counts: tuple[int, int, int, int], statistic: float,
    p_value: float, *, null_difference: float = 0.0, nuisance: float = float("nan"),
    p_value_bound: float | None = None,
) -> ProportionTest:  # fmt: skip
    """Fill the result: counts are control's events and patients, then the experimental arm's."""
    x, n, y, m = counts
    bound = p_value if p_value_bound is None else p_value_bound
    return ProportionTest(
        method, alternative, float(null_difference), x, n, y, m, y / m - x / n, statistic,
        p_value, nuisance, bound,
    )  # fmt: skip
