"""What misclassified clearance does to a difference of two arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashworth.trials.faults import Faults
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class MisclassifiedClearance:
    """Shares with persisting cells, true and as a test shows them.

    Attributes
    ----------
    method : str
        Where the sensitivity comes from: ``given``, ``poisson`` or ``negative_binomial``.
    sensitivity, specificity : float
        A patient with persisting cells is positive; one without is negative.
    p_control, p_experimental, difference : float
        True shares with persisting cells; experimental minus control.
    observed_control, observed_experimental, observed_difference : float
        Expected shares of positive tests.
    shrinkage : float
        Observed over true difference, sensitivity + specificity - 1.
    size_factor : float
        Patients needed against an error-free test, by the unpooled formula.
    version : str
        Version of the package.
    """

    method: str
    sensitivity: float
    specificity: float
    p_control: float
    p_experimental: float
    difference: float
    observed_control: float
    observed_experimental: float
    observed_difference: float
    shrinkage: float
    size_factor: float
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "sensitivity", "specificity")
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def misclassified_clearance(
    p_control: float,
    p_experimental: float,
    *,
    sensitivity: float | None = None,
    specificity: float = 1.0,
    cells_per_ml: float | None = None,
    volume_ml: float | None = None,
    recovery: float = 1.0,
    size: float | None = None,
) -> MisclassifiedClearance:
    r"""Shrink a difference of persistence by the test's errors.

    A tube without a cell does not prove clearance: with few cells per ml many tubes of patients
    with persisting cells are empty. Observed shares are :math:`p\,se + (1 - p)(1 - sp)`, so that
    the difference shrinks by :math:`se + sp - 1`, the same in both arms.

    Parameters
    ----------
    p_control, p_experimental : float
        True shares with persisting cells, between 0 and 1.
    sensitivity : float or None
        That a patient with persisting cells shows at least one; or give the next two.
    specificity : float
        That a cleared patient shows none; sensitivity + specificity above 1.
    cells_per_ml, volume_ml : float or None
        Mean concentration among patients with persisting cells, and volume of the tube.
    recovery : float
        Share of the cells that the assay finds, above 0, at most 1.
    size : float or None
        Size of a negative binomial spread of the counts over patients; None: Poisson.

    Returns
    -------
    MisclassifiedClearance

    Raises
    ------
    InputError
        All faults at once: no sensitivity, or two; a test no better than chance.

    Examples
    --------
    Persistence 50% against 30% by one tube of 7.5 ml at 0.2 cells per ml:

    >>> found = misclassified_clearance(0.5, 0.3, cells_per_ml=0.2, volume_ml=7.5, recovery=0.85)
    >>> round(found.sensitivity, 3), round(found.observed_difference, 3)
    (0.721, -0.144)
    >>> round(found.size_factor, 2)
    1.67
    """
    faults = Faults("misclassified_clearance")
    faults.probability("p_control", p_control)
    faults.probability("p_experimental", p_experimental)
    faults.number("specificity", specificity, above=0, most=1)
    method = _check_source(faults, sensitivity, (cells_per_ml, volume_ml, recovery, size))
    faults.refuse()
    if sensitivity is None:
        assert cells_per_ml is not None
        assert volume_ml is not None
        sensitivity = _at_least_one(cells_per_ml * volume_ml * recovery, size)
    shrinkage = sensitivity + specificity - 1.0
    if shrinkage <= 0.0:
        found = f"sensitivity {sensitivity:g} with specificity {specificity:g}"
        faults.add("specificity", found, "a sum above 1", "such a test is no better than chance")
    faults.refuse()
    true = (float(p_control), float(p_experimental))
    seen = [p * sensitivity + (1.0 - p) * (1.0 - specificity) for p in true]
    spread = _variance(seen) / _variance(true)
    return MisclassifiedClearance(
        method, float(sensitivity), float(specificity), *true, true[1] - true[0], seen[0], seen[1],
        seen[1] - seen[0], shrinkage, spread / shrinkage**2,
    )  # fmt: skip


def _check_source(faults: Faults, sensitivity: Any, cells: tuple[Any, Any, Any, Any]) -> str:
    """Demand one source of the sensitivity, and tell which."""
    concentration, volume, recovery, size = cells
    given = concentration is not None or volume is not None
    if (sensitivity is None) != given:
        found = "both" if given else "neither"
        remedy = "give sensitivity, or cells_per_ml with volume_ml"
        faults.add("sensitivity", found, "one source of the sensitivity", remedy)
        return "given"
    if sensitivity is not None:
        faults.number("sensitivity", sensitivity, above=0, most=1)
        return "given"
    faults.number("cells_per_ml", concentration, above=0)
    faults.number("volume_ml", volume, above=0)
    faults.number("recovery", recovery, above=0, most=1)
    if size is None:
        return "poisson"
    faults.number("size", size, above=0)
    return "negative_binomial"


def _at_least_one(mean: float, size: float | None) -> float:
    from math import expm1, log1p

    return -expm1(-mean if size is None else -size * log1p(mean / size))


def _variance(shares: Any) -> float:
    return sum(p * (1.0 - p) for p in shares)
