"""The result of comparing the forms of a marker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ashworth.survival.inputs import Floats
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import TestResult

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class MarkerForm:
    """One form of a marker in a Cox model.

    Attributes
    ----------
    name : str
        ``"cut"``, ``"log"``, ``"spline"``, ``"cut and spline"`` (or ``"cut and log"``).
    fit : CoxResult
        The model; the marker's columns stand before the covariates.
    chi_square, df, p_value : float, int, float
        Likelihood-ratio test of the marker in this form, given the covariates.
    aic : float
        -2 log partial likelihood + 2 df of the whole model.
    adequacy : float
        Share of the chi-square of all forms together.
    concordance, base_concordance : float
        Harrell's C of the whole model, and of the covariates alone (0.5 without any).
    """

    name: str
    fit: CoxResult = field(repr=False)
    chi_square: float
    df: int
    p_value: float
    aic: float
    adequacy: float
    concordance: float
    base_concordance: float


@dataclass(frozen=True, slots=True)
class MarkerForms:
    """Forms of one marker on the same rows.

    Attributes
    ----------
    forms : mapping of str to MarkerForm
        By name; ``result["cut"]`` reads one.
    tests : mapping of str to TestResult
        ``"nonlinearity"``, ``"curve beyond cut"``, ``"cut beyond curve"``.
    knots : ndarray
        Knots of the spline as counts; empty where fewer than 3 exist, and the curve is then the
        logarithm.
    knots_by : str
        How they were placed.
    cut, reference : float
        The cut, and the count at which the curve is 0.
    share_positive : float
        Share of rows at or above the cut.
    curve : mapping of str to ndarray
        ``count``, ``log_hazard_ratio``, ``lower``, ``upper`` of the smooth form.
    method : str
        Name of the comparison.
    n, events : int
        Rows and events of every model.
    options : mapping
        Ties, level, covariates.
    version : str
        Version of the package.
    """

    forms: Mapping[str, MarkerForm]
    tests: Mapping[str, TestResult]
    knots: Floats
    knots_by: str
    cut: float
    reference: float
    share_positive: float
    curve: Mapping[str, Floats]
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str

    def __getitem__(self, name: str) -> MarkerForm:
        """Read one form."""
        return self.forms[name]

    def table(self) -> pl.DataFrame:
        """One row per form: chi-square, df, p-value, AIC, adequacy, C."""
        import polars as pl

        columns = ("chi_square", "df", "p_value", "aic", "adequacy", "concordance",
                   "base_concordance")  # fmt: skip
        rows = self.forms.values()
        return pl.DataFrame(
            {
                "form": [f.name for f in rows],
                "n": [self.n] * len(rows),
                "events": [self.events] * len(rows),
                **{c: [getattr(f, c) for f in rows] for c in columns},
            }
        )

    def curve_table(self) -> pl.DataFrame:
        """One row per count: hazard ratio against the reference with limits."""
        import polars as pl

        return pl.DataFrame({k: self.curve[k] for k in self.curve})
