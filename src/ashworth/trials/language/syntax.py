"""The parsed expression: small frozen nodes that know where they stand in the text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

Scalar = bool | float | str | date | None


@dataclass(frozen=True, slots=True)
class Span:
    """First character and the one after the last (from 0)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A number (with the name of its unit), text, day, truth value; None is `unknown`."""

    value: Scalar
    unit: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of a quantity or a derived value."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Operation:
    """`and`, `or`, `not`, a comparison, arithmetic, or a negation (`neg`)."""

    operator: str
    operands: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Membership:
    """`x in [a, b]`."""

    operand: Expression
    members: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Choice:
    """`if condition then a else b`."""

    condition: Expression
    yes: Expression
    no: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the language."""

    function: str
    arguments: tuple[Expression, ...]
    span: Span


Expression = Constant | Reference | Operation | Membership | Choice | Call


class ExpressionError(Exception):
    """A fault at a place of an expression.

    Attributes
    ----------
    span : Span
    found, allowed, remedy : str
    """

    def __init__(self, span: Span, found: str, allowed: str, remedy: str) -> None:
        self.span, self.found, self.allowed, self.remedy = span, found, allowed, remedy
        super().__init__(f"character {span.start + 1}: found {found}; allowed: {allowed}")
