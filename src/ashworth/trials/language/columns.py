"""Columns: one expression over many patients at once, by numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ashworth.trials.language.typed import Const, Ref, Scaled, Typed


@dataclass(frozen=True, slots=True)
class Column:
    """Values of many patients.

    Attributes
    ----------
    values : ndarray, shape (n,)
        Boolean, float64 (numbers and days) or int32 (codes of categories); whatever stands where
        the value is unknown.
    known : ndarray of bool, shape (n,)
    """

    values: NDArray
    known: NDArray[np.bool_]


class Codes:
    """Category texts to whole numbers, the same for all expressions of a protocol."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def of(self, text: str) -> int:
        """Give the code of a text; a new text gets the next code."""
        return self._codes.setdefault(text, len(self._codes))

    def texts(self) -> tuple[str, ...]:
        """List the texts in order of their codes."""
        return tuple(self._codes)


Columns = Mapping[str, Column]
Compiled = Callable[[Columns, int], Column]


def compile_columns(expression: Typed, codes: Codes) -> Compiled:
    """Compile a checked expression to a function of columns.

    The function takes the columns by name and the number of patients; a name without a column is
    unknown for everyone.
    """
    if isinstance(expression, Const):
        return _constant(expression, codes)
    if isinstance(expression, Ref):
        return _reference(expression)
    if isinstance(expression, Scaled):
        inner, factor = compile_columns(expression.operand, codes), expression.factor

        def scaled(columns: Columns, n: int) -> Column:
            column = inner(columns, n)
            return Column(column.values * factor, column.known)

        return scaled
    parts = [compile_columns(part, codes) for part in expression.operands]
    function = _FUNCTIONS[expression.operator]

    def apply(columns: Columns, n: int) -> Column:
        with np.errstate(all="ignore"):
            return function([part(columns, n) for part in parts])

    return apply


def _constant(constant: Const, codes: Codes) -> Compiled:
    value = constant.value
    if isinstance(value, str):
        filled, dtype = codes.of(value), np.dtype(np.int32)
    elif isinstance(value, bool):
        filled, dtype = value, np.dtype(np.bool_)
    else:
        filled, dtype = (0.0 if value is None else value), np.dtype(np.float64)

    def constant_column(columns: Columns, n: int) -> Column:
        values = np.broadcast_to(np.asarray(filled, dtype=dtype), (n,))
        return Column(values, np.broadcast_to(np.asarray(value is not None), (n,)))

    return constant_column


_DTYPES = {"boolean": np.bool_, "category": np.int32}


def _reference(reference: Ref) -> Compiled:
    dtype = _DTYPES.get(reference.kind.sort, np.float64)

    def look_up(columns: Columns, n: int) -> Column:
        found = columns.get(reference.name)
        if found is None:
            return Column(np.zeros(n, dtype=dtype), np.zeros(n, dtype=np.bool_))
        return found

    return look_up


def _truth(column: Column) -> NDArray[np.bool_]:
    """The truth values; the word `unknown` comes as a number."""
    return column.values.astype(np.bool_, copy=False)


def _all_known(columns: Sequence[Column]) -> NDArray[np.bool_]:
    known = columns[0].known
    for column in columns[1:]:
        known = known & column.known
    return known


def _and(columns: Sequence[Column]) -> Column:
    left, right = columns
    false = (left.known & ~_truth(left)) | (right.known & ~_truth(right))
    known = false | (left.known & right.known)
    return Column(known & ~false, known)


def _or(columns: Sequence[Column]) -> Column:
    left, right = columns
    true = (left.known & _truth(left)) | (right.known & _truth(right))
    return Column(true, true | (left.known & right.known))


def _in(columns: Sequence[Column]) -> Column:
    first, *members = columns
    found = np.zeros(first.known.shape, dtype=np.bool_)
    known = np.ones(first.known.shape, dtype=np.bool_)
    for member in members:
        both = first.known & member.known
        found |= both & (first.values == member.values)
        known &= both
    return Column(found, found | known)


def _if(columns: Sequence[Column]) -> Column:
    condition, yes, no = columns
    truth = condition.known & _truth(condition)
    dtype = np.result_type(
        yes.values if yes.known.any() else no.values, no.values if no.known.any() else yes.values
    )
    first, second = yes.values.astype(dtype, copy=False), no.values.astype(dtype, copy=False)
    agree = yes.known & no.known & (first == second)
    known = np.where(condition.known, np.where(truth, yes.known, no.known), agree)
    return Column(np.where(truth, first, second), known)


def _number_true(columns: Sequence[Column]) -> Column:
    total = np.zeros(columns[0].known.shape)
    for column in columns:
        total = total + _truth(column)
    return Column(total, _all_known(columns))


def _known(columns: Sequence[Column]) -> Column:
    known = columns[0].known
    return Column(known, np.ones(known.shape, dtype=np.bool_))


def _comparison(compare: Callable[..., NDArray]) -> Callable[[Sequence[Column]], Column]:
    def apply(columns: Sequence[Column]) -> Column:
        left, right = columns
        return Column(compare(left.values, right.values), left.known & right.known)

    return apply


def _arithmetic(function: Callable[..., NDArray]) -> Callable[[Sequence[Column]], Column]:
    def apply(columns: Sequence[Column]) -> Column:
        values = columns[0].values.astype(np.float64, copy=False)
        if len(columns) == 1:
            values = function(values)
        for column in columns[1:]:
            values = function(values, column.values.astype(np.float64, copy=False))
        return Column(values, _all_known(columns) & np.isfinite(values))

    return apply


_FUNCTIONS: dict[str, Callable[[Sequence[Column]], Column]] = {
    "and": _and,
    "or": _or,
    "in": _in,
    "if": _if,
    "number_true": _number_true,
    "known": _known,
    "not": lambda columns: Column(~_truth(columns[0]), columns[0].known),
    "neg": _arithmetic(np.negative),
    "+": _arithmetic(np.add),
    "-": _arithmetic(np.subtract),
    "*": _arithmetic(np.multiply),
    "/": _arithmetic(np.divide),
    "min": _arithmetic(np.minimum),
    "max": _arithmetic(np.maximum),
    "abs": _arithmetic(np.abs),
    "<": _comparison(np.less),
    "<=": _comparison(np.less_equal),
    ">": _comparison(np.greater),
    ">=": _comparison(np.greater_equal),
    "==": _comparison(np.equal),
    "!=": _comparison(np.not_equal),
}
