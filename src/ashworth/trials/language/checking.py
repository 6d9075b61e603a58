"""Kinds and units of an expression, checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from ashworth.definitions.reading import close_names
from ashworth.trials.language import syntax
from ashworth.trials.language.kinds import ANY, BOOLEAN, DATE, Kind
from ashworth.trials.language.parsing import COMPARISONS
from ashworth.trials.language.syntax import ExpressionError, Span
from ashworth.trials.language.typed import Apply, Const, Ref, Scaled, Typed
from ashworth.trials.language.units import DAYS, DIMENSIONLESS, UNITS, Unit, base_of

Scope = Mapping[str, Kind]
EPOCH = date(1970, 1, 1)


def check(expression: syntax.Expression, scope: Scope) -> Typed:
    """Check kinds and units.

    Raises
    ------
    ExpressionError
        Unknown name, kinds or units that do not fit, division by a constant zero.
    """
    if isinstance(expression, syntax.Constant):
        return _constant(expression)
    if isinstance(expression, syntax.Reference):
        return Ref(expression.name, _kind_of(expression, scope), expression.span)
    if isinstance(expression, syntax.Membership):
        return _membership(expression, scope)
    if isinstance(expression, syntax.Choice):
        return _choice(expression, scope)
    if isinstance(expression, syntax.Call):
        return _call(expression, scope)
    operands = tuple(check(part, scope) for part in expression.operands)
    return _operation(expression.operator, operands, expression.span)


def expect(expression: Typed, kind: Kind, what: str) -> Typed:
    """Demand a kind of a whole expression."""
    if expression.kind.sort not in (kind.sort, "any"):
        raise ExpressionError(
            expression.span, expression.kind.words(), f"{kind.words()} for {what}",
            "write an expression that answers it",
        )  # fmt: skip
    return expression


def _constant(constant: syntax.Constant) -> Const:
    value = constant.value
    if value is None:
        return Const(None, ANY, constant.span)
    if isinstance(value, bool):
        return Const(value, BOOLEAN, constant.span)
    if isinstance(value, date):
        return Const(float((value - EPOCH).days), DATE, constant.span)
    if isinstance(value, str):
        return Const(value, Kind("category", values=frozenset({value})), constant.span)
    return Const(value, Kind("number", UNITS[constant.unit or "1"]), constant.span)


def _kind_of(reference: syntax.Reference, scope: Scope) -> Kind:
    if reference.name in scope:
        return scope[reference.name]
    close = close_names(reference.name, list(scope))
    hint = f"did you mean {' or '.join(close)}?" if close else "declare it under quantities"
    raise ExpressionError(
        reference.span, f"the name '{reference.name}'", "a quantity or a derived value", hint
    )


def _operation(operator: str, operands: tuple[Typed, ...], span: Span) -> Typed:
    if operator in ("and", "or", "not"):
        return Apply(operator, tuple(_as_boolean(o) for o in operands), BOOLEAN, span)
    if operator in COMPARISONS:
        left, right = _alike(operands, ordered=operator not in ("==", "!="))
        return Apply(operator, (left, right), BOOLEAN, span)
    return _ARITHMETIC[operator](operands, span)


def _as_boolean(operand: Typed) -> Typed:
    return expect(operand, BOOLEAN, "'and', 'or', 'not' and 'if'")


def _alike(operands: Sequence[Typed], *, ordered: bool = False) -> tuple[Typed, ...]:
    """Bring operands to one kind and one unit."""
    known = [o for o in operands if o.kind.sort != "any"]
    if not known:
        return tuple(operands)
    first = known[0]
    for other in known[1:]:
        if other.kind.sort != first.kind.sort:
            raise _mismatch(other, first)
    if first.kind.sort == "number":
        return _one_unit(operands, known)
    if ordered and first.kind.sort != "date":
        raise ExpressionError(
            first.span, first.kind.words(), "numbers or days with < <= > >=", "use == or !="
        )
    if first.kind.sort == "category":
        _refuse_foreign_values(known)
    return tuple(operands)


def _mismatch(found: Typed, wanted: Typed) -> ExpressionError:
    return ExpressionError(
        found.span, found.kind.words(), wanted.kind.words(), "compare like with like"
    )


def _one_unit(operands: Sequence[Typed], known: Sequence[Typed]) -> tuple[Typed, ...]:
    units = [o.kind.unit for o in known]
    for operand, unit in zip(known, units, strict=True):
        if unit.dimension != units[0].dimension:
            raise ExpressionError(
                operand.span, operand.kind.words(), known[0].kind.words(),
                f"write the unit, e.g. 5 {_named_unit(units)}",
            )  # fmt: skip
    same = all(u is units[0] for u in units)
    return tuple(o if same or o.kind is ANY else _to_base(o) for o in operands)


def _named_unit(units: Sequence[Unit]) -> str:
    return next((u.name for u in units if u is not DIMENSIONLESS), "days")


def _to_base(operand: Typed) -> Typed:
    unit = operand.kind.unit
    base = base_of(unit)
    if unit is base:
        return operand
    return Scaled(operand, unit.factor / base.factor, Kind("number", base), operand.span)


def _refuse_foreign_values(known: Sequence[Typed]) -> None:
    named = [o.kind.values for o in known if not isinstance(o, Const) and o.kind.values]
    allowed = frozenset().union(*named)
    for operand in known:
        if named and isinstance(operand, Const) and operand.value not in allowed:
            close = close_names(str(operand.value), sorted(allowed))
            hint = f"did you mean '{close[0]}'?" if close else "use one of them"
            words = ", ".join(f"'{v}'" for v in sorted(allowed))
            raise ExpressionError(operand.span, f"'{operand.value}'", words, hint)


def _membership(expression: syntax.Membership, scope: Scope) -> Typed:
    parts = (expression.operand, *expression.members)
    operands = _alike([check(p, scope) for p in parts])
    return Apply("in", operands, BOOLEAN, expression.span)


def _choice(expression: syntax.Choice, scope: Scope) -> Typed:
    condition = _as_boolean(check(expression.condition, scope))
    yes, no = check(expression.yes, scope), check(expression.no, scope)
    if "category" in (yes.kind.sort, no.kind.sort):
        _refuse_mixed(yes, no)
    else:
        yes, no = _alike((yes, no))
    kind = _joined(yes.kind, no.kind)
    return Apply("if", (condition, yes, no), kind, expression.span)


def _refuse_mixed(yes: Typed, no: Typed) -> None:
    if no.kind.sort not in (yes.kind.sort, "any") and yes.kind.sort != "any":
        raise _mismatch(no, yes)


def _joined(yes: Kind, no: Kind) -> Kind:
    if yes.sort == "any":
        return no
    if no.sort == "any" or yes.sort != "category":
        return yes
    both = yes.values is not None and no.values is not None
    return Kind("category", values=(yes.values or frozenset()) | no.values if both else None)  # type: ignore[operator]


def _call(call: syntax.Call, scope: Scope) -> Typed:
    arguments = [check(a, scope) for a in call.arguments]
    if call.function == "known":
        _refuse_count(call, len(arguments) == 1, "one argument")
        return Apply("known", tuple(arguments), BOOLEAN, call.span)
    if call.function == "number_true":
        operands = tuple(_as_boolean(a) for a in arguments)
        return Apply("number_true", operands, Kind("number"), call.span)
    if call.function in ("min", "max", "abs"):
        _refuse_count(call, (len(arguments) == 1) == (call.function == "abs"),
                      "one argument for abs, two or more for min and max")  # fmt: skip
        operands = _alike([expect(a, Kind("number"), call.function) for a in arguments])
        return Apply(call.function, operands, _number_kind(operands), call.span)
    names = ("known", "number_true", "min", "max", "abs")
    close = close_names(call.function, names)
    raise ExpressionError(
        call.span, f"the function '{call.function}'", ", ".join(names),
        f"did you mean {close[0]}?" if close else "use one of them",
    )  # fmt: skip


def _refuse_count(call: syntax.Call, right: bool, allowed: str) -> None:
    if not right:
        found = f"{len(call.arguments)} arguments of {call.function}"
        raise ExpressionError(call.span, found, allowed, "give the right number of arguments")


def _number_kind(operands: Sequence[Typed]) -> Kind:
    return next((o.kind for o in operands if o.kind.sort == "number"), ANY)


def _negation(operands: tuple[Typed, ...], span: Span) -> Typed:
    (operand,) = operands
    expect(operand, Kind("number"), "a minus sign")
    return Apply("neg", operands, _number_kind(operands), span)


def _addition(operands: tuple[Typed, ...], span: Span, operator: str = "+") -> Typed:
    left, right = operands
    if left.kind.sort == "date" and right.kind.sort == "number":
        days = _in_days(right)
        return Apply(operator, (left, days), DATE, span)
    for operand in operands:
        expect(operand, Kind("number"), f"'{operator}'")
    alike = _alike(operands)
    return Apply(operator, alike, _number_kind(alike), span)


def _in_days(operand: Typed) -> Typed:
    if operand.kind.unit.dimension != "time":
        raise ExpressionError(
            operand.span, operand.kind.words(), "a number of days, weeks, months or years",
            "write the unit",
        )  # fmt: skip
    return _to_base(operand)


def _subtraction(operands: tuple[Typed, ...], span: Span) -> Typed:
    left, right = operands
    if left.kind.sort == "date" and right.kind.sort == "date":
        return Apply("-", operands, Kind("number", DAYS), span)
    return _addition(operands, span, "-")


def _multiplication(operands: tuple[Typed, ...], span: Span) -> Typed:
    for operand in operands:
        expect(operand, Kind("number"), "'*'")
    units = [o.kind.unit for o in operands if o.kind.unit is not DIMENSIONLESS]
    if len(units) > 1:
        raise ExpressionError(
            span, "a product of two units", "at most one unit", "leave the unit of one away"
        )
    kind = Kind("number", units[0] if units else DIMENSIONLESS)
    return Apply("*", operands, ANY if _any(operands) else kind, span)


def _any(operands: Sequence[Typed]) -> bool:
    """Whether an operand may have any unit, as the word `unknown` has."""
    return any(o.kind.sort == "any" for o in operands)


def _division(operands: tuple[Typed, ...], span: Span) -> Typed:
    left, right = (expect(o, Kind("number"), "'/'") for o in operands)
    if isinstance(right, Const) and right.value == 0:
        raise ExpressionError(
            right.span, "a division by zero", "a divisor that is not zero", "correct the divisor"
        )
    if _any((left, right)):
        return Apply("/", (left, right), ANY, span)
    if right.kind.unit is DIMENSIONLESS:
        return Apply("/", (left, right), _number_kind((left,)), span)
    alike = _alike((left, right))
    return Apply("/", alike, Kind("number"), span)


_ARITHMETIC: dict[str, Callable[[tuple[Typed, ...], Span], Typed]] = {
    "neg": _negation,
    "+": _addition,
    "-": _subtraction,
    "*": _multiplication,
    "/": _division,
}
