"""What a formula says, and what it may say: nothing is evaluated that is not on the list.

Formulas are read by formulaic, which evaluates the pieces it does not know as Python. Every piece
is therefore checked first: columns, numbers, arithmetic, and the functions of `FUNCTIONS`.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

from ashworth.errors import EstimationError, InputError, Problem

FUNCTIONS = (
    "C", "I", "abs", "bs", "center", "exp", "log", "log10", "log1p", "log2", "poly", "rcs", "scale",
    "sqrt",
)  # fmt: skip
"""Functions that a term may use, besides strata(), cluster() and offset()."""

_SPECIAL = ("strata", "cluster", "offset")
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd)
_SIZED = ("bs", "poly", "rcs")
_MOST_COLUMNS = 20
_LARGEST_POWER = 5
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Parsed:
    """A formula taken apart.

    Attributes
    ----------
    text : str
        The formula as given.
    start, stop, event : str
        Columns of the left side; `start` is None without late entry.
    event_value : object
        The value that means an event (``event == 2``), or None for 0/1 columns.
    terms : tuple of str
        Terms of the right side without the intercept and the special ones.
    strata, cluster : tuple of str
        Columns of ``strata()`` and ``cluster()``.
    offsets : tuple of str
        Expressions of ``offset()``.
    factors : frozenset of str
        Columns inside ``C()``.
    covariates : tuple of str
        Columns of terms and offsets, sorted.
    """

    text: str
    start: str | None
    stop: str
    event: str
    event_value: Any
    terms: tuple[str, ...]
    strata: tuple[str, ...]
    cluster: tuple[str, ...]
    offsets: tuple[str, ...]
    factors: frozenset[str]
    covariates: tuple[str, ...]

    @property
    def outcome(self) -> tuple[str, ...]:
        """Columns of the left side."""
        return tuple(c for c in (self.start, self.stop, self.event) if c is not None)


class _Reader:
    """Collects the faults and columns of one formula."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.problems: list[Problem] = []
        self.numbers: set[str] = set()
        self.factors: set[str] = set()

    def note(self, found: str, allowed: str, remedy: str) -> None:
        self.problems.append(Problem("formula", None, None, found, allowed, remedy))

    def stop(self) -> None:
        if self.problems:
            raise InputError(self.problems, subject=f"the formula '{self.text}'")


def _tree(source: str, reader: _Reader) -> ast.expr | None:
    try:
        return ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        reader.note(f"'{source.strip()}'", "an expression that can be read", "look for a slip")
        return None


def _backticked(source: str) -> tuple[str, dict[str, str]]:
    """Replace names in backticks by plain ones."""
    names: dict[str, str] = {}

    def plain(match: re.Match[str]) -> str:
        key = f"quoted_column_{len(names)}"
        names[key] = match.group(1)
        return key

    return re.sub(r"`([^`]+)`", plain, source), names


def _equation(node: ast.Compare) -> tuple[Any, ast.AST]:
    """Value and other side of ``column == value``; the node itself where it is something else."""
    value = node.comparators[0]
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq) and isinstance(value, ast.Constant):
        return value.value, node.left
    return None, node


def _left_side(source: str, reader: _Reader) -> tuple[str | None, str, str, Any]:
    plain, names = _backticked(source)
    tree = _tree(plain, reader)
    allowed = "surv(time, event), surv(start, stop, event), with event == value if coded otherwise"
    right = (
        isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)
        and tree.func.id.lower() == "surv" and len(tree.args) in (2, 3) and not tree.keywords
    )  # fmt: skip
    if not right:
        if tree is not None:
            reader.note(f"'{source.strip()}' on the left", allowed, "name the outcome columns")
        return None, "", "", None
    assert isinstance(tree, ast.Call)
    *times, event = tree.args
    value = None
    if isinstance(event, ast.Compare):
        value, event = _equation(event)
    columns = [a.id if isinstance(a, ast.Name) else "" for a in (*times, event)]
    if "" in columns:
        reader.note(f"'{source.strip()}' on the left", allowed, "compute columns before the call")
        return None, "", "", None
    named = [names.get(c, c) for c in columns]
    return (named[0] if len(named) == 3 else None), named[-2], named[-1], value


def _check_call(node: ast.Call, reader: _Reader, *, factor: bool) -> None:
    name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
    if name not in FUNCTIONS:
        what = "inside a term" if name in _SPECIAL else ""
        reader.note(
            f"{name}() {what}".strip(), f"the functions {', '.join(FUNCTIONS)}; strata(), "
            "cluster() and offset() as terms of their own", "compute a column before the call",
        )  # fmt: skip
    sizes = [*node.args[1:], *(k.value for k in node.keywords)] if name in _SIZED else []
    for size in sizes:
        if isinstance(size, ast.Constant) and not _is_size(size.value):
            allowed = f"whole numbers up to {_MOST_COLUMNS} in {name}()"
            reader.note(f"'{ast.unparse(node)}'", allowed, "ask for fewer columns")
    for part in [*node.args, *(k.value for k in node.keywords)]:
        _check(part, reader, factor=factor or name == "C")


def _is_size(value: Any) -> bool:
    """Whether a constant may be a number of knots, columns or a degree (or a flag)."""
    return isinstance(value, bool) or (isinstance(value, int) and value <= _MOST_COLUMNS)


def _check(node: ast.AST, reader: _Reader, *, factor: bool = False) -> None:
    """Walk an expression and note whatever is not on the list."""
    if isinstance(node, ast.Call):
        _check_call(node, reader, factor=factor)
    elif isinstance(node, ast.Name):
        (reader.factors if factor else reader.numbers).add(node.id)
    elif _is_arithmetic(node):
        _check_power(node, reader)
        _check(node.left, reader, factor=factor)
        _check(node.right, reader, factor=factor)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, _OPERATORS):
        _check(node.operand, reader, factor=factor)
    elif isinstance(node, ast.List | ast.Tuple):
        for part in node.elts:
            _check(part, reader, factor=factor)
    elif not isinstance(node, ast.Constant):
        reader.note(f"'{ast.unparse(node)}'", "columns, numbers, + - * / ** and named functions",
                    "compute a column before the call")  # fmt: skip


def _is_arithmetic(node: ast.AST) -> TypeGuard[ast.BinOp]:
    """Whether a node is arithmetic of columns and numbers, not of texts and lists."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, _OPERATORS)
        and not any(isinstance(v, ast.List | ast.Tuple) for v in (node.left, node.right))
        and not any(
            isinstance(v, ast.Constant) and not isinstance(v.value, int | float)
            for v in (node.left, node.right)
        )
    )


def _check_power(node: ast.BinOp, reader: _Reader) -> None:
    if not isinstance(node.op, ast.Pow):
        return
    power, base = node.right, node.left
    small = (
        isinstance(power, ast.Constant) and isinstance(power.value, int | float)
        and abs(power.value) <= _LARGEST_POWER
    )  # fmt: skip
    if not small or not any(isinstance(n, ast.Name) for n in ast.walk(base)):
        reader.note(f"'{ast.unparse(node)}'", f"a column to a power up to {_LARGEST_POWER}",
                    "compute a column before the call")  # fmt: skip


def formulaic() -> Any:
    """Import formulaic where it is needed."""
    try:
        return importlib.import_module("formulaic")
    except ImportError as error:
        raise EstimationError(
            "formulas need the package formulaic; install ashworth[formula], or pass columns to "
            "cox, kaplan_meier and log_rank"
        ) from error


def _terms(right: str, reader: _Reader) -> list[Any]:
    large = [p for p in re.findall(r"(?:\*\*|\^)\s*(\d+)", right) if int(p) > _LARGEST_POWER]
    if large:
        reader.note(f"power {large[0]}", f"powers up to {_LARGEST_POWER}", "write the terms out")
        return []
    parser = importlib.import_module("formulaic.parser").DefaultFormulaParser
    try:
        return list(parser(feature_flags=set()).get_terms(right))
    except Exception as error:  # formulaic and ast raise many kinds
        reason = re.sub(r"[^\x20-\x7e]", " ", str(error)).strip().split("  ")[0]
        reader.note(f"'{right.strip()}' on the right ({reason})", "terms joined by + : * and ()",
                    "look for a slip")  # fmt: skip
        return []


def _special(expression: str) -> tuple[str, ast.Call] | None:
    """Name and call of a factor that is strata(), cluster() or offset() as a whole."""
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError:
        return None
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in _SPECIAL:
        return tree.func.id, tree
    return None


def _written(factors: list[tuple[str, str]]) -> str:
    """A term as formulaic reads it again."""
    parts = []
    for expression, method in factors:
        if method == "lookup" and not expression.isidentifier():
            parts.append(f"`{expression}`")
        elif method == "python" and not expression.endswith(")"):
            parts.append(f"{{{expression}}}")
        else:
            parts.append(expression)
    return ":".join(parts)


def _columns_of(call: ast.Call, name: str, reader: _Reader) -> Iterator[str]:
    for part in call.args:
        if isinstance(part, ast.Name):
            yield part.id
        else:
            reader.note(f"'{ast.unparse(part)}' in {name}()", "columns", "name columns only")
    if not call.args or call.keywords:
        reader.note(f"'{ast.unparse(call)}'", f"{name}(column, ...)", "name columns only")


def _right_side(right: str, reader: _Reader) -> tuple[list[str], dict[str, list[str]]]:
    """Ordinary terms, and what stands in the special ones."""
    plain: list[str] = []
    special: dict[str, list[str]] = {name: [] for name in _SPECIAL}
    for term in _terms(right, reader):
        factors = [(f.expr, f.eval_method.value) for f in term.factors]
        if all(method == "literal" for _, method in factors):
            continue
        found = _special(factors[0][0]) if len(factors) == 1 else None
        if found is None:
            plain.append(_written(factors))
            _check_factors(factors, reader)
        elif found[0] == "offset":
            for part in found[1].args:
                _check(part, reader)
                special["offset"].append(ast.unparse(part))
        else:
            special[found[0]].extend(_columns_of(found[1], found[0], reader))
    return plain, special


def _check_factors(factors: list[tuple[str, str]], reader: _Reader) -> None:
    for expression, method in factors:
        if method == "lookup":
            reader.numbers.add(expression)
        elif method == "python":
            tree = _tree(expression, reader)
            if tree is not None:
                _check(tree, reader)


def parse(text: Any) -> Parsed:
    """Take a formula apart.

    Raises
    ------
    InputError
        Everything that is not allowed in it.
    """
    if not isinstance(text, str) or text.count("~") != 1 or len(text) > _LONGEST:
        raise EstimationError(
            f"formula is {str(text)[:200]!r}; allowed: one text such as "
            f"'surv(time, event) ~ age + C(grade)', up to {_LONGEST:,} letters"
        )
    formulaic()
    reader = _Reader(text)
    left, right = text.split("~")
    start, stop, event, value = _left_side(left, reader)
    terms, special = _right_side(right, reader)
    both = sorted(reader.factors & reader.numbers)
    if both:
        reader.note(f"{', '.join(both)} inside and outside of C()", "one way for each column",
                    "copy the column under another name")  # fmt: skip
    reader.stop()
    return Parsed(
        text, start, stop, event, value, tuple(terms), tuple(special["strata"]),
        tuple(special["cluster"]), tuple(special["offset"]), frozenset(reader.factors),
        tuple(sorted(reader.factors | reader.numbers)),
    )  # fmt: skip
