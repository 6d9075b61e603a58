"""Representative patients: values below, at and above every cut that a protocol makes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product

import numpy as np

from ashworth.trials.language.columns import Codes, Column
from ashworth.trials.language.operators import Value
from ashworth.trials.language.typed import Apply, Const, Ref, Scaled, Typed
from ashworth.trials.protocols.executable import Executable

MOST = 200_000
_DAY_ZERO = 17_897.0  # 2019-01-01


def representative_values(trial: Executable, name: str) -> tuple[Value, ...]:
    """Values of one quantity that stand for all values between its cuts.

    None, the unknown value, is among them where the protocol asks whether the quantity is known.
    """
    asked = any(_asks_known(f.typed, name) for f in trial.formulas.values())
    return _known_values(trial, name) + ((None,) if asked else ())


def _asks_known(expression: Typed, name: str) -> bool:
    if not isinstance(expression, Apply):
        return False
    if expression.operator == "known" and _factor_of(expression, name) is not None:
        return True
    return any(_asks_known(part, name) for part in expression.operands)


def _known_values(trial: Executable, name: str) -> tuple[Value, ...]:
    quantity = trial.protocol.quantities[name]
    if quantity.type == "boolean":
        return (True, False)
    if quantity.type == "category":
        return quantity.values
    cuts = sorted(_cuts(trial))
    if quantity.type == "date":
        return tuple(sorted({_DAY_ZERO + d for c in (*cuts, 0.0) for d in (c - 1, c, c + 1)}))
    mine = sorted(_cuts_of(trial, name)) or [1.0]
    if quantity.type == "count":
        around = {v for c in mine for v in (math.floor(c) - 1, math.floor(c), math.floor(c) + 1)}
        return tuple(float(v) for v in sorted(around) if v >= 0)
    between = [(a + b) / 2 for a, b in pairwise(mine)]
    return tuple(sorted({mine[0] - 1, *mine, *between, mine[-1] + 1}))


def grid_size(trial: Executable, names: Iterable[str]) -> int:
    """Number of combinations of representative values."""
    return math.prod(len(representative_values(trial, n)) for n in names)


def representative_patients(
    trial: Executable, names: Sequence[str], codes: Codes
) -> tuple[dict[str, Column], int, bool]:
    """Columns of representative patients over some quantities.

    All combinations where there are at most 200,000, otherwise a drawn 200,000 of them.

    Returns
    -------
    columns : dict of str to Column
    n : int
    complete : bool
    """
    values = [representative_values(trial, name) for name in names]
    size = math.prod(len(v) for v in values)
    if size <= MOST:
        rows = list(product(*values))
    else:
        generator = np.random.Generator(np.random.Philox(1869))
        picks = [generator.integers(0, len(v), MOST) for v in values]
        rows = [tuple(v[p[i]] for v, p in zip(values, picks, strict=True)) for i in range(MOST)]
    columns = {
        name: _column(trial, name, [row[j] for row in rows], codes) for j, name in enumerate(names)
    }
    return columns, len(rows), size <= MOST


def _column(trial: Executable, name: str, values: list[Value], codes: Codes) -> Column:
    known = np.array([v is not None for v in values], dtype=np.bool_)
    quantity = trial.protocol.quantities[name]
    if quantity.type == "category":
        coded = [-1 if v is None else codes.of(str(v)) for v in values]
        return Column(np.array(coded, dtype=np.int32), known)
    dtype = np.bool_ if quantity.type == "boolean" else np.float64
    return Column(np.array([0 if v is None else v for v in values], dtype=dtype), known)


def _cuts(trial: Executable) -> set[float]:
    """Every numeric constant of the protocol."""
    return {c for f in trial.formulas.values() for c in _constants(f.typed)}


def _constants(expression: Typed) -> Iterator[float]:
    if isinstance(expression, Const) and isinstance(expression.value, float):
        yield expression.value
    elif isinstance(expression, Scaled):
        yield from _constants(expression.operand)
    elif isinstance(expression, Apply):
        for part in expression.operands:
            yield from _constants(part)


def _cuts_of(trial: Executable, name: str) -> set[float]:
    """Constants that stand in one comparison with a quantity, in the quantity's unit."""
    found: set[float] = set()
    for formula in trial.formulas.values():
        found |= set(_comparison_cuts(formula.typed, name))
    return found


def _comparison_cuts(expression: Typed, name: str) -> Iterator[float]:
    if isinstance(expression, Scaled):
        yield from _comparison_cuts(expression.operand, name)
        return
    if not isinstance(expression, Apply):
        return
    if expression.kind.sort == "boolean" and expression.operator not in ("and", "or", "not"):
        factor = _factor_of(expression, name)
        if factor is not None:
            yield from (c / factor for c in _constants(expression))
    for part in expression.operands:
        yield from _comparison_cuts(part, name)


def _factor_of(expression: Typed, name: str) -> float | None:
    """Scale of a quantity inside an expression; None where it does not stand there."""
    if isinstance(expression, Ref):
        return 1.0 if expression.name == name else None
    if isinstance(expression, Scaled):
        inner = _factor_of(expression.operand, name)
        return None if inner is None else inner * expression.factor
    if isinstance(expression, Apply):
        factors = (_factor_of(part, name) for part in expression.operands)
        return next((f for f in factors if f is not None), None)
    return None
