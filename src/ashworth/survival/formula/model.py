"""Cox models by formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.formula.design import FormulaDesign, build, combined, offset_of
from ashworth.survival.formula.grammar import Parsed, parse
from ashworth.survival.formula.rows import Rows, complete_rows, find_levels, read_table
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Faults,
    Floats,
    Integers,
    observations,
)
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import TestResult
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

    from ashworth.survival.proportional_hazards.prediction import PredictedSurvival


@dataclass(frozen=True, slots=True)
class FormulaCox:
    """A Cox model fitted by formula.

    Attributes
    ----------
    fit : CoxResult
        The model on the coded covariates: covariance, residuals, tests and all else.
    formula : str
        As given.
    reference_levels : dict
        Per factor, the level that the others are compared with.
    levels : dict
        Per factor, all its levels, the reference first.
    n_given : int
        Rows that were given; ``fit.n`` were fitted.
    missing : dict
        Missing values by column among the rows that were given.
    dropped : ndarray of int
        Positions of the rows that were left out for missing values.
    design : FormulaDesign
        Coding of the covariates (with formulaic's ``ModelSpec``), for prediction.
    version : str
        Version of the package.
    """

    fit: CoxResult
    formula: str
    reference_levels: Mapping[str, Any]
    levels: Mapping[str, tuple[Any, ...]]
    n_given: int
    missing: Mapping[str, int]
    dropped: Integers
    design: FormulaDesign = field(repr=False, compare=False)
    version: str = __version__

    @property
    def method(self) -> str:
        """Name of the estimator."""
        return self.fit.method

    @property
    def n(self) -> int:
        """Rows that were fitted."""
        return self.fit.n

    @property
    def events(self) -> int:
        """Events among them."""
        return self.fit.events

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the fit and the formula."""
        return {**self.fit.options, "formula": self.formula}

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the design."""
        return self.fit.names

    @property
    def coefficients(self) -> Floats:
        """Log hazard ratios."""
        return self.fit.coefficients

    @property
    def standard_errors(self) -> Floats:
        """Their standard errors."""
        return self.fit.standard_errors

    @property
    def hazard_ratios(self) -> Floats:
        """Hazard ratios per unit of each column."""
        return self.fit.hazard_ratios

    @property
    def covariance(self) -> Floats:
        """Covariance of the coefficients."""
        return self.fit.covariance

    @property
    def p_values(self) -> Floats:
        """Two-sided Wald p-values."""
        return self.fit.p_values

    def confint(self, level: float = 0.95) -> Floats:
        """Wald limits of the coefficients, shape (p, 2)."""
        return self.fit.confint(level)

    @property
    def log_likelihood(self) -> float:
        """Log partial likelihood at the maximum."""
        return self.fit.log_likelihood

    @property
    def likelihood_ratio_test(self) -> TestResult:
        """Test that all coefficients are 0."""
        return self.fit.likelihood_ratio_test

    def table(self, level: float = 0.95) -> pl.DataFrame:
        """`CoxResult.table`."""
        return self.fit.table(level)

    def _rows(self, data: Any) -> Rows:
        parsed = self.design.parsed
        needed = [*parsed.covariates, *parsed.strata]
        table = read_table(data, needed, "prediction")
        return complete_rows(table, needed, "prediction")

    def covariates(self, data: Any) -> pl.DataFrame:
        """Code new rows as the fit was coded, one column per term.

        Raises
        ------
        InputError
            For levels that the fit has not seen, with their rows.
        """
        import polars as pl

        rows = self._rows(data)
        matrix = self.design.covariates(rows.table, rows.kept)
        return pl.DataFrame(dict(zip(self.names, matrix.T, strict=True)))

    def predict_survival(
        self, data: Any, times: Any = None, *, ci: Literal["log", "log-log", "plain"] = "log",
        level: float = 0.95,
    ) -> PredictedSurvival:  # fmt: skip
        """Predict survival for new rows, see `ashworth.survival.predict_survival`."""
        from ashworth.survival.proportional_hazards.prediction import predict_survival

        rows, parsed = self._rows(data), self.design.parsed
        matrix = self.design.covariates(rows.table, rows.kept)
        add = offset_of(parsed, rows.table, self.levels, rows.kept)
        return predict_survival(
            self.fit, dict(zip(self.names, matrix.T, strict=True)), times,
            strata=combined(rows.table, parsed.strata), offset=0.0 if add is None else add, ci=ci,
            level=level,
        )  # fmt: skip


def check_outcome(parsed: Parsed, table: pl.DataFrame, subject: str) -> None:
    """Check the outcome of all rows that were given, before any is left out.

    Raises
    ------
    InputError
        With the rows as the caller counts them.
    """
    time, event, entry = outcome_of(parsed, table)
    observations(time, event, entry, None, Faults(subject))


def outcome_of(parsed: Parsed, table: pl.DataFrame) -> tuple[Any, Any, Any]:
    """Time, event and entry columns; the event is compared where the formula says with what."""
    event = table[parsed.event]
    if parsed.event_value is not None:
        if event.null_count():
            raise EstimationError(
                f"column '{parsed.event}' has {event.null_count()} missing values; a missing "
                "outcome is never an event; leave these rows out"
            )
        event = np.array([v == parsed.event_value for v in event.to_list()])
    entry = None if parsed.start is None else table[parsed.start]
    return table[parsed.stop], event, entry


def cox_formula(
    formula: str,
    data: Any,
    *,
    reference: Mapping[str, Any] | None = None,
    weights: str | None = None,
    robust: bool | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    tie_tolerance: float = TIE_TOLERANCE,
) -> FormulaCox:
    """Fit a Cox model by formula.

    Use it for factors, interactions, splines and the terms ``strata()``, ``cluster()`` and
    ``offset()``, as in R. It needs the extra ``formula`` (the package formulaic).

    Parameters
    ----------
    formula : str
        ``surv(time, event) ~ age + C(grade) + strata(centre) + cluster(patient)``, or
        ``surv(start, stop, event)``; an event coded otherwise as ``surv(time, status == 2)``. Terms
        are joined by ``+``, ``:`` and ``*``; text columns are factors, numbers become one inside
        ``C()``. Functions: C, I, abs, bs, center, exp, log, log10, log1p, log2, poly, rcs, scale,
        sqrt; nothing else is evaluated. ``rcs(x, 4)`` is the restricted cubic spline with 4 knots
        at Harrell's quantiles, ``rcs(x, [0, 5, 20])`` with these.
    data : frame (polars or pandas) or dict of columns
        One row per subject or interval.
    reference : mapping, optional
        Reference level by factor; the first in order by default (the order of an Enum, else
        sorted).
    weights : str, optional
        Column of case weights.
    robust, ties, tie_tolerance
        As for `cox`.

    Returns
    -------
    FormulaCox
        The fit, its coding, reference levels, and how many rows were left out for what.

    Raises
    ------
    InputError
        For what a formula may not contain, columns that are not there, missing outcomes, and
        levels that do not exist, all at once.
    EstimationError
        Without formulaic, without covariates, and as for `cox`.

    Warns
    -----
    MissingRowsWarning
        Where rows are left out for missing covariates.

    Notes
    -----
    An intercept takes part in the coding of factors and is dropped after it, as in R; ``- 1``
    changes nothing. Levels that do not occur in the complete rows are no levels.

    Examples
    --------
    >>> data = {"time": [5, 8, 12, 3, 9, 14], "event": [1, 1, 0, 1, 1, 1],
    ...         "grade": [3, 2, 1, 3, 1, 2], "age": [61, 50, 47, 55, 70, 58]}
    >>> import importlib.util
    >>> if importlib.util.find_spec("formulaic"):
    ...     fit = cox_formula("surv(time, event) ~ log(age) + offset(grade)", data)
    ...     assert fit.names == ("log(age)",)
    """
    parsed = parse(formula)
    extra = [] if weights is None else [weights]
    needed = [*parsed.covariates, *parsed.strata, *parsed.cluster, *extra]
    table = read_table(data, [*parsed.outcome, *needed], "cox_formula")
    check_outcome(parsed, table, "cox_formula")
    rows = complete_rows(table, needed, "cox_formula")
    levels = find_levels(rows.table, parsed, reference)
    design, matrix = build(parsed, rows.table, levels, rows.kept)
    time, event, entry = outcome_of(parsed, rows.table)
    fit = cox(
        time, event, matrix, names=design.names, entry=entry,
        strata=combined(rows.table, parsed.strata), cluster=combined(rows.table, parsed.cluster),
        weights=None if weights is None else rows.table[weights],
        offset=offset_of(parsed, rows.table, levels, rows.kept), robust=robust, ties=ties,
        tie_tolerance=tie_tolerance,
    )  # fmt: skip
    return FormulaCox(
        fit, formula, {name: values[0] for name, values in levels.items()}, levels, rows.n_given,
        rows.missing, np.setdiff1d(np.arange(rows.n_given), rows.kept), design,
    )  # fmt: skip
