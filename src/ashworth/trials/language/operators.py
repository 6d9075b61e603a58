"""What the operators answer on single values; None is unknown (Kleene's logic)."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence

Value = bool | float | str | None


def conjunction(values: Sequence[Value]) -> bool | None:
    """False if any is false, else unknown if any is unknown."""
    if False in values:
        return False
    return None if None in values else True


def disjunction(values: Sequence[Value]) -> bool | None:
    """True if any is true, else unknown if any is unknown."""
    if True in values:
        return True
    return None if None in values else False


def membership(values: Sequence[Value]) -> bool | None:
    """Whether the first is among the others."""
    first, *members = values
    return disjunction([None if None in (first, m) else first == m for m in members])


def choice(values: Sequence[Value]) -> Value:
    """The chosen branch; an unknown condition answers only where both branches agree."""
    condition, yes, no = values
    if condition is None:
        return yes if yes == no else None
    return yes if condition else no


def number_true(values: Sequence[Value]) -> float | None:
    """How many are true; unknown if any is unknown."""
    return None if None in values else float(sum(bool(v) for v in values))


def _divide(left: float, right: float) -> float | None:
    return None if right == 0 else left / right


def strict(function: Callable[..., Value]) -> Callable[[Sequence[Value]], Value]:
    """Unknown if any operand is; a number that is not finite is unknown too."""

    def apply(values: Sequence[Value]) -> Value:
        if None in values:
            return None
        found = function(*values)
        return None if isinstance(found, float) and not math.isfinite(found) else found

    return apply


OPERATORS: dict[str, Callable[[Sequence[Value]], Value]] = {
    "and": conjunction,
    "or": disjunction,
    "in": membership,
    "if": choice,
    "number_true": number_true,
    "known": lambda values: values[0] is not None,
    "not": strict(operator.not_),
    "neg": strict(operator.neg),
    "+": strict(operator.add),
    "-": strict(operator.sub),
    "*": strict(operator.mul),
    "/": strict(_divide),
    "<": strict(operator.lt),
    "<=": strict(operator.le),
    ">": strict(operator.gt),
    ">=": strict(operator.ge),
    "==": strict(operator.eq),
    "!=": strict(operator.ne),
    "min": strict(lambda *v: min(v)),
    "max": strict(lambda *v: max(v)),
    "abs": strict(abs),
}
