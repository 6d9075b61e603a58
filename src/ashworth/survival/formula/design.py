"""The design behind a formula: coded once, kept for prediction."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import EstimationError, InputError, Problem
from ashworth.survival.formula.grammar import Parsed, formulaic
from ashworth.survival.formula.rows import unknown_levels
from ashworth.survival.inputs import Floats, Integers

if TYPE_CHECKING:
    import polars as pl


def _spline_transform() -> Any:
    """Restricted cubic spline that remembers its knots between fit and prediction."""
    from ashworth.survival.prognostic_value.spline import restricted_cubic_spline, spline_columns

    stateful = importlib.import_module("formulaic.transforms").stateful_transform

    @stateful
    def rcs(x: Any, knots: Any = 4, _state: Any = None) -> dict[str, Floats]:
        values = np.asarray(x, dtype=np.float64)
        if "knots" not in _state:
            given = None if isinstance(knots, int) else list(knots)
            n_knots = knots if isinstance(knots, int) else len(given or [])
            basis = restricted_cubic_spline(values, knots=given, n_knots=n_knots)
            _state["knots"] = np.asarray(basis.knots, dtype=np.float64)
        columns = spline_columns(values, _state["knots"])
        return {"'" * k or "linear": columns[:, k] for k in range(columns.shape[1])}

    return rcs


def context() -> dict[str, Any]:
    """The functions that formulas may call."""
    functions = {name: getattr(np, name) for name in ("abs", "exp", "log", "log10", "log1p", "log2",
                                                      "sqrt")}  # fmt: skip
    return {**functions, "rcs": _spline_transform()}


def to_pandas(table: pl.DataFrame, levels: Mapping[str, tuple[Any, ...]]) -> Any:
    """Numbers as float, factors as categories with the reference first."""
    pd = importlib.import_module("pandas")
    columns = {}
    for name in table.columns:
        column = table[name]
        if name in levels:
            columns[name] = pd.Categorical(column.to_list(), categories=list(levels[name]))
        elif column.dtype.is_numeric():
            columns[name] = column.to_numpy().astype(np.float64)
        else:
            columns[name] = _as_numbers(column)
    return pd.DataFrame(columns)


def _as_numbers(column: pl.Series) -> Floats:
    import polars as pl

    if column.dtype == pl.Boolean:
        return column.to_numpy().astype(np.float64)
    raise EstimationError(
        f"column '{column.name}' has type {column.dtype}; allowed: numbers, true/false and text; "
        "convert it before the call"
    )


def _evaluate(text: str, make: Callable[[], Any]) -> Any:
    """Let formulaic evaluate checked terms; say in our words where that fails."""
    errors = importlib.import_module("formulaic.errors")
    try:
        with np.errstate(all="ignore"):
            return make()
    except errors.FormulaicError as error:
        cause = error.__cause__ or error
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else "no reason given"
        raise EstimationError(f"formula '{text}': {reason}") from error


@dataclass(frozen=True, slots=True)
class FormulaDesign:
    """Coding of the covariates of one fit.

    Attributes
    ----------
    parsed : Parsed
        The formula.
    spec : formulaic.ModelSpec
        Coding, with the state of splines and scales.
    names : tuple of str
        Columns of the design without the intercept.
    levels : dict
        Levels by factor, the reference first.
    """

    parsed: Parsed
    spec: Any
    names: tuple[str, ...]
    levels: dict[str, tuple[Any, ...]]

    def covariates(self, table: pl.DataFrame, rows: Integers) -> Floats:
        """Design matrix of complete rows, shape (n, p).

        Parameters
        ----------
        table : polars.DataFrame
            The columns of the formula's right side.
        rows : ndarray of int
            Positions of the rows for messages.

        Raises
        ------
        InputError
            For levels that the fit has not seen, and values that are not finite.
        """
        problems = unknown_levels(table, self.levels, rows)
        if problems:
            raise InputError(problems, subject="the data for prediction")
        frame = to_pandas(table.select(self.parsed.covariates), self.levels)
        made = _evaluate(
            self.parsed.text, lambda: self.spec.get_model_matrix(frame, context=context())
        )
        return _finite(made, self.names, rows)


def _finite(made: Any, names: Sequence[str], rows: Integers) -> Floats:
    matrix = np.asarray(made[list(names)], dtype=np.float64)
    problems = []
    for name, column in zip(names, matrix.T, strict=True):
        bad = rows[~np.isfinite(column)]
        if bad.size:
            found = f"missing or infinite values in {bad.size} rows (from 0: {bad[:5].tolist()})"
            remedy = "look at the transformation, such as the logarithm of 0"
            problems.append(Problem("formula", None, name, found, "finite numbers", remedy))
    if problems:
        raise InputError(problems, subject="the terms of the formula")
    return matrix


def _model_matrix(parsed: Parsed, terms: str, frame: Any) -> Any:
    """Code terms; rows with values that are not finite are kept, and refused afterwards."""
    make = formulaic().model_matrix
    return _evaluate(parsed.text, lambda: make(terms, frame, context=context(), na_action="ignore"))


def build(
    parsed: Parsed, table: pl.DataFrame, levels: dict[str, tuple[Any, ...]], rows: Integers
) -> tuple[FormulaDesign, Floats]:
    """Code the terms; the intercept takes part in the coding and is dropped after it."""
    if not parsed.terms:
        raise EstimationError(f"formula '{parsed.text}': no covariates on the right side")
    frame = to_pandas(table.select(parsed.covariates), levels)
    made = _model_matrix(parsed, " + ".join(["1", *parsed.terms]), frame)
    names = tuple(str(c) for c in made.columns if c != "Intercept")
    design = FormulaDesign(parsed, made.model_spec, names, levels)
    return design, _finite(made, names, rows)


def offset_of(
    parsed: Parsed, table: pl.DataFrame, levels: Mapping[str, tuple[Any, ...]], rows: Integers
) -> Floats | None:
    """Sum of the offsets, None without."""
    if not parsed.offsets:
        return None
    frame = to_pandas(table.select(parsed.covariates), levels)
    terms = " + ".join(["0", *(f"I({part})" for part in parsed.offsets)])
    made = _model_matrix(parsed, terms, frame)
    if made.shape[1] != len(parsed.offsets):
        raise EstimationError(f"formula '{parsed.text}': offset() needs numbers, not a factor")
    return _finite(made, [str(c) for c in made.columns], rows).sum(axis=1)


def combined(table: pl.DataFrame, columns: Sequence[str]) -> list[Any] | None:
    """One label per row: the values of one column, or "a=1, b=2" of several."""
    if not columns:
        return None
    if len(columns) == 1:
        return table[columns[0]].to_list()
    return [
        ", ".join(f"{c}={v}" for c, v in zip(columns, row, strict=True))
        for row in table.select(columns).iter_rows()
    ]
