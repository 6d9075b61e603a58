"""The checked expression, which both back ends run: every node knows its kind.

Constants are in the unit that the comparison uses, so that no back end converts units.
"""

from __future__ import annotations

from dataclasses import dataclass

from ashworth.trials.language.kinds import Kind
from ashworth.trials.language.syntax import Scalar, Span


@dataclass(frozen=True, slots=True)
class Const:
    """A constant; None is unknown. Days are counted from 1970-01-01."""

    value: Scalar
    kind: Kind
    span: Span


@dataclass(frozen=True, slots=True)
class Ref:
    """A quantity or a derived value."""

    name: str
    kind: Kind
    span: Span


@dataclass(frozen=True, slots=True)
class Scaled:
    """A number brought to another unit of its dimension."""

    operand: Typed
    factor: float
    kind: Kind
    span: Span


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or function on operands of checked kinds."""

    operator: str
    operands: tuple[Typed, ...]
    kind: Kind
    span: Span


Typed = Const | Ref | Scaled | Apply


def references_of(expression: Typed) -> tuple[str, ...]:
    """List the names that an expression reads, in order of appearance."""
    return tuple(dict.fromkeys(_names(expression)))


def _names(expression: Typed) -> list[str]:
    if isinstance(expression, Ref):
        return [expression.name]
    if isinstance(expression, Scaled):
        return _names(expression.operand)
    if isinstance(expression, Apply):
        return [name for part in expression.operands for name in _names(part)]
    return []
