"""One patient: the value of an expression, with its trace of reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from ashworth.trials.language.checking import EPOCH
from ashworth.trials.language.kinds import Kind
from ashworth.trials.language.operators import OPERATORS, Value
from ashworth.trials.language.typed import Const, Ref, Scaled, Typed, references_of
from ashworth.trials.language.units import DIMENSIONLESS

Patient = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Trace:
    """What an expression answered, and what its parts did.

    Attributes
    ----------
    text : str
        The expression as written.
    value : bool, float, str or None
        None is unknown.
    """

    text: str
    value: Value
    operator: str
    parts: tuple[Trace, ...]
    facts: tuple[str, ...]

    def reasons(self) -> tuple[str, ...]:
        """Give the facts that decide the answer, each once."""
        return tuple(dict.fromkeys(self._deciding()))

    def _deciding(self) -> Iterator[str]:
        if self.operator in ("and", "or") and self.value is not None:
            wanted = self.operator == "or"
            parts = [p for p in self.parts if p.value is wanted] or list(self.parts)
        elif self.operator in ("and", "or"):
            parts = [p for p in self.parts if p.value is None]
        elif self.operator == "not":
            parts = list(self.parts)
        else:
            yield self._leaf()
            return
        for part in parts:
            yield from part._deciding()

    def _leaf(self) -> str:
        # a leaf that only repeats its one fact says it once
        said = f"{self.text} is {value_text(self.value)}"
        others = [fact for fact in self.facts if fact != said]
        return f"{said} ({', '.join(others)})" if others else said


def evaluate(expression: Typed, patient: Patient) -> Value:
    """Give the value of an expression for one patient; None is unknown."""
    if isinstance(expression, Const):
        return expression.value  # type: ignore[return-value]
    if isinstance(expression, Ref):
        return patient.get(expression.name)
    if isinstance(expression, Scaled):
        value = evaluate(expression.operand, patient)
        return None if value is None else float(value) * expression.factor
    values = [evaluate(part, patient) for part in expression.operands]
    return OPERATORS[expression.operator](values)


def trace(
    expression: Typed,
    text: str,
    patient: Patient,
    *,
    inside: Callable[[str], Trace | None] = lambda name: None,
) -> Trace:
    """Evaluate an expression and keep how.

    Parameters
    ----------
    expression : Typed
        The checked expression.
    text : str
        Its source.
    patient : mapping
        Values by name; a missing name is unknown.
    inside : callable, optional
        Gives the trace of a derived value, so that reasons reach down to quantities.
    """
    if isinstance(expression, Ref):
        found = inside(expression.name)
        if found is not None:
            return found
    said = text[expression.span.start : expression.span.end]
    if isinstance(expression, (Const, Ref, Scaled)):
        value = evaluate(expression, patient)
        return Trace(said, value, "value", (), _facts(expression, patient))
    parts = tuple(trace(p, text, patient, inside=inside) for p in expression.operands)
    value = OPERATORS[expression.operator]([p.value for p in parts])
    return Trace(said, value, expression.operator, parts, _facts(expression, patient))


def _facts(expression: Typed, patient: Patient) -> tuple[str, ...]:
    kinds = dict(_kinds(expression))
    return tuple(
        f"{name} is {value_text(patient.get(name), kinds[name])}"
        for name in references_of(expression)
    )


def _kinds(expression: Typed) -> Iterator[tuple[str, Kind]]:
    if isinstance(expression, Ref):
        yield expression.name, expression.kind
    elif isinstance(expression, Scaled):
        yield from _kinds(expression.operand)
    elif not isinstance(expression, Const):
        for part in expression.operands:
            yield from _kinds(part)


def value_text(value: Value, kind: Kind | None = None) -> str:
    """Write a value as a person would, with its unit."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    if kind is not None and kind.sort == "date":
        return (EPOCH + timedelta(days=int(value))).isoformat()
    number = f"{value:g}" if abs(value) < 1e6 else f"{value!r}"
    if kind is None or kind.unit is DIMENSIONLESS:
        return number
    return f"{number} {kind.unit.name}"
