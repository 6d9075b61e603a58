"""Approximate sizes of tests of two proportions, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.trials.faults import Faults
from ashworth.trials.log_rank_sizes.normal import critical_value, quantile, tail_below, whole
from ashworth.version import __version__

from .arguments import check_side
from .power import Side
from .scores import restricted_shares

if TYPE_CHECKING:
    import polars as pl

ProportionFormula = Literal["pooled", "pooled_continuity", "unpooled", "farrington_manning"]
FORMULAS = ("pooled", "pooled_continuity", "unpooled", "farrington_manning")


@dataclass(frozen=True, slots=True)
class ProportionFormulaSize:
    """Size of two arms by a normal approximation.

    Attributes
    ----------
    method : str
        Formula.
    p_control, p_experimental, null_difference : float
        Assumed shares, and their difference under the null.
    alpha, sided, power, ratio : float, int, float, float
        As asked for.
    n_control, n_experimental, n_total : float
        Real-valued patients.
    n_control_integer, n_experimental_integer : int
        Each arm rounded up.
    power_integer : float
        Of the whole numbers, by the same formula: an approximation.
    version : str
        Version of the package.
    """

    method: str
    p_control: float
    p_experimental: float
    null_difference: float
    alpha: float
    sided: int
    power: float
    ratio: float
    n_control: float
    n_experimental: float
    n_total: float
    n_control_integer: int
    n_experimental_integer: int
    power_integer: float
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "null_difference", "alpha", "sided", "power", "ratio")
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def two_proportions_formula(
    p_control: float,
    p_experimental: float,
    *,
    alpha: float = 0.05,
    sided: Literal[1, 2] = 2,
    power: float = 0.8,
    ratio: float = 1.0,
    method: ProportionFormula = "pooled",
    alternative: Side = "auto",
    null_difference: float = 0.0,
) -> ProportionFormulaSize:
    r"""Size of two arms by a normal approximation; `two_proportions_size` is exact.

    :math:`n_C = (z_\alpha \sigma_0 + z_\beta \sigma_1)^2 / (p_E - p_C - \delta_0)^2` with
    :math:`\sigma_1^2 = p_C q_C + p_E q_E / r`, and :math:`\sigma_0` by the method: the pooled
    share, the same as :math:`\sigma_1` (unpooled), or the shares most likely under
    :math:`\delta_0` (Farrington and Manning). The continuity correction is that of Casagrande,
    Pike and Smith, extended to unequal arms by Fleiss, Tytun and Ury.

    Parameters
    ----------
    p_control, p_experimental : float
        Shares with the event.
    alpha, sided, power
        Level over `sided` sides; power of the side of the alternative.
    ratio : float
        Experimental to control patients.
    method : {"pooled", "pooled_continuity", "unpooled", "farrington_manning"}
        Formula. A margin needs one of the last two.
    alternative, null_difference
        As in `two_proportions_power`.

    Returns
    -------
    ProportionFormulaSize

    Raises
    ------
    InputError
        All faults at once.

    References
    ----------
    Farrington CP, Manning G. Stat Med 1990;9:1447. Casagrande JT et al. Biometrics 1978;34:483.
    Fleiss JL et al. Biometrics 1980;36:343.

    Examples
    --------
    >>> two_proportions_formula(0.5, 0.3, alpha=0.05, sided=1).n_total
    146.273974...
    """
    faults = Faults("two_proportions_formula")
    faults.level_and_power(alpha, sided, power)
    check_method(faults, method, ratio, null_difference)
    check_side(faults, (p_control, p_experimental), null_difference, sided, alternative,
               different=True)  # fmt: skip
    faults.refuse()
    shares, z = (float(p_control), float(p_experimental)), critical_value(alpha, sided)
    n = formula_size(method, shares, null_difference, ratio, z, quantile(power))
    whole_n = max(whole(n), 1)
    whole_m = max(whole(ratio * n), 1)
    reached = formula_power(method, shares, null_difference, (whole_n, whole_m), z)
    return ProportionFormulaSize(
        method, *shares, float(null_difference), float(alpha), sided, float(power), float(ratio),
        n, ratio * n, (1.0 + ratio) * n, whole_n, whole_m, reached,
    )  # fmt: skip


def check_method(faults: Faults, method: Any, ratio: Any, null_difference: Any) -> None:
    """Demand a known formula, a ratio, and a margin only where the formula knows one."""
    known = faults.one_of("method", method, FORMULAS)
    faults.number("ratio", ratio, above=0)
    right = faults.number("null_difference", null_difference, above=-1, below=1)
    if known and right and null_difference and method.startswith("pooled"):
        remedy = "choose 'farrington_manning' or 'unpooled', or leave the margin out"
        found = f"{null_difference:g} with method '{method}'"
        faults.add("null_difference", found, "0 for a pooled variance", remedy)


def formula_size(
    method: ProportionFormula, shares: tuple[float, float], null_difference: float, ratio: float,
    z_alpha: float, z_beta: float,
) -> float:  # fmt: skip
    """Real-valued control patients."""
    null, other = _deviations(method, shares, null_difference, ratio)
    gap = abs(shares[1] - shares[0] - null_difference)
    n = max(z_alpha * null + z_beta * other, 0.0) ** 2 / gap**2
    if method == "pooled_continuity":
        step = _step(ratio, gap)
        return n / 4.0 * (1.0 + math.sqrt(1.0 + 4.0 * step / n)) ** 2 if n > 0 else step
    return n


def _step(ratio: float, gap: float) -> float:
    return (1.0 + ratio) / (2.0 * ratio * gap)


def formula_power(
    method: ProportionFormula, shares: tuple[float, float], null_difference: float,
    sizes: tuple[int, int], z_alpha: float,
) -> float:  # fmt: skip
    """Power of whole arms by the formula."""
    n, ratio = sizes[0], sizes[1] / sizes[0]
    null, other = _deviations(method, shares, null_difference, ratio)
    gap = abs(shares[1] - shares[0] - null_difference)
    effective = float(n)
    if method == "pooled_continuity":
        effective = max(n - _step(ratio, gap), 0.0) ** 2 / n
    return tail_below((gap * math.sqrt(effective) - z_alpha * null) / other)


def _deviations(
    method: ProportionFormula, shares: tuple[float, float], null_difference: float, ratio: float
) -> tuple[float, float]:
    """Standard deviations under the null and under the alternative, per root control patient."""
    p, q = shares
    other = math.sqrt(p * (1.0 - p) + q * (1.0 - q) / ratio)
    if method == "unpooled":
        return other, other
    if null_difference == 0.0:
        pooled = (p + ratio * q) / (1.0 + ratio)
        return math.sqrt(pooled * (1.0 - pooled) * (1.0 + 1.0 / ratio)), other
    x, n, y, m = (np.array(v) for v in (p, 1.0, ratio * q, ratio))
    p, q = (float(v) for v in restricted_shares(x, n, y, m, null_difference))
    return math.sqrt(p * (1.0 - p) + q * (1.0 - q) / ratio), other
