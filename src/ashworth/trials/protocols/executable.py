"""A protocol whose every expression is parsed and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from ashworth.definitions.protocols.document import ProtocolDocument, read_protocol
from ashworth.definitions.protocols.flow import AnyNode, Decide
from ashworth.definitions.protocols.model import Protocol
from ashworth.errors import DefinitionFileError, Problem
from ashworth.trials.language.checking import check, expect
from ashworth.trials.language.kinds import ANY, BOOLEAN, CATEGORY, Kind
from ashworth.trials.language.parsing import parse
from ashworth.trials.language.syntax import ExpressionError
from ashworth.trials.language.typed import Typed, references_of
from ashworth.trials.language.units import UNITS
from ashworth.trials.protocols.structure import structural_faults

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression of a protocol: its text, its checked form, and where it stands."""

    text: str
    typed: Typed
    place: Place

    def names(self) -> tuple[str, ...]:
        """List the quantities and derived values that it reads directly."""
        return references_of(self.typed)


@dataclass(frozen=True)
class Executable:
    """A protocol that can be run: document and formulas.

    Attributes
    ----------
    document : ProtocolDocument
    formulas : mapping
        Formulas by place, e.g. ``("arms", "standard", "give")``.
    scope : mapping
        Kind of every quantity and derived value.
    """

    document: ProtocolDocument
    formulas: Mapping[Place, Formula]
    scope: Mapping[str, Kind]

    @property
    def protocol(self) -> Protocol:
        """The protocol's data."""
        return self.document.protocol

    @cached_property
    def nodes(self) -> dict[str, AnyNode]:
        """Nodes by id, in the order of the file."""
        return {node.id: node for node in self.protocol.flow}

    @property
    def start(self) -> str:
        """Id of the first node."""
        return self.protocol.flow[0].id

    def formula(self, *place: str | int) -> Formula:
        """Give the formula at a place."""
        return self.formulas[place]

    @cached_property
    def quantities_of(self) -> dict[str, tuple[str, ...]]:
        """Give, for every derived value, the quantities it comes from, through all levels."""
        found: dict[str, tuple[str, ...]] = {}
        for name in self.protocol.derived:
            names = self.formula("derived", name, "value").names()
            found[name] = tuple(dict.fromkeys(q for n in names for q in found.get(n, (n,))))
        return found

    def problem(self, place: Place, found: str, allowed: str, remedy: str) -> Problem:
        """Make a problem that knows line and column."""
        return _problem(self.document, place, found, allowed, remedy)


def load_protocol(
    protocol: str | Path,
    *,
    version: int | None = None,
    on: date | None = None,
    folders: Sequence[Path | str] = (),
) -> Executable:
    """Load a protocol by id or from a file, and check every expression in it.

    Parameters
    ----------
    protocol : str or path
        Id of a protocol that ships (or lies in `folders`), or path of a YAML file.
    version : int, optional
        Version; the newest by default.
    on : date, optional
        The version that held on a day.
    folders : sequence of paths, optional
        Folders with a user's own definitions.

    Raises
    ------
    DefinitionError
        Unknown protocol or version.
    DefinitionFileError
        Every fault of the file, with line and column.

    Examples
    --------
    >>> trial = load_protocol("stic-ctc")
    >>> trial.protocol.phase
    'III'
    """
    return compile_protocol(read_protocol(protocol, version=version, on=on, folders=folders))


def compile_protocol(document: ProtocolDocument) -> Executable:
    """Parse and check every expression of a document; all faults at once."""
    problems: list[Problem] = []
    scope: dict[str, Kind] = {}
    formulas: dict[Place, Formula] = {}
    for name, quantity in document.protocol.quantities.items():
        if quantity.unit is not None and quantity.unit not in UNITS:
            problems.append(_unknown_unit(document, name, quantity.unit))
            continue
        scope[name] = _kind(quantity)
    for name in sorted(set(document.protocol.derived) & set(document.protocol.quantities)):
        problems.append(_twice(document, name))
    for place, text, wanted in _expressions(document.protocol):
        try:
            typed = _checked(text, {**scope, **_extra_scope(document.protocol, place)}, wanted)
        except ExpressionError as error:
            problems.append(_expression_problem(document, place, text, error))
            if place[0] == "derived":
                scope[str(place[1])] = ANY
            continue
        formulas[place] = Formula(text, typed, place)
        if place[0] == "derived":
            scope[str(place[1])] = typed.kind
    problems += [_problem(document, *fault) for fault in structural_faults(document.protocol)]
    if problems:
        raise DefinitionFileError(problems, subject=document.name)
    return Executable(document, formulas, scope)


def _checked(text: str, scope: Mapping[str, Kind], wanted: tuple[Kind, str] | None) -> Typed:
    typed = check(parse(text), scope)
    return typed if wanted is None else expect(typed, *wanted)


def _kind(quantity: Any) -> Kind:
    if quantity.type in ("number", "count"):
        return Kind("number", UNITS[quantity.unit])
    if quantity.type == "category":
        return Kind("category", values=frozenset(quantity.values))
    return Kind(quantity.type)


def _extra_scope(protocol: Protocol, place: Place) -> dict[str, Kind]:
    """Names that only assumptions know: the arm and the treatment that was given."""
    if place[0] != "assumptions":
        return {}
    arms = frozenset(protocol.arms)
    return {"arm": Kind("category", values=arms), "treatment": CATEGORY}


_TRUTH = "a condition"
Entry = tuple[Place, str, tuple[Kind, str] | None]


def _expressions(protocol: Protocol) -> Iterator[Entry]:
    """Yield place, text and wanted kind of every expression; derived values in order first."""
    for name, derived in protocol.derived.items():
        yield ("derived", name, "value"), derived.value, None
    for side in ("include", "exclude"):
        for criterion in getattr(protocol.eligibility, side):
            if criterion.when is not None:
                yield ("eligibility", side, criterion.id, "when"), criterion.when, (BOOLEAN, _TRUTH)
    for node in protocol.flow:
        if isinstance(node, Decide):
            for i, case in enumerate(node.cases):
                yield ("flow", node.id, "cases", i, "when"), case.when, (BOOLEAN, _TRUTH)
    for name, arm in protocol.arms.items():
        yield ("arms", name, "give"), arm.give, (CATEGORY, "a treatment")
    yield from _design_expressions(protocol)
    yield from _assumed_expressions(protocol)


def _design_expressions(protocol: Protocol) -> Iterator[Entry]:
    for name, endpoint in protocol.endpoints.items():
        if endpoint.success is not None:
            yield ("endpoints", name, "success"), endpoint.success, (BOOLEAN, _TRUTH)
    for analysis in protocol.analyses:
        if analysis.within is not None:
            yield ("analyses", analysis.id, "within"), analysis.within, (BOOLEAN, _TRUTH)


def _assumed_expressions(protocol: Protocol) -> Iterator[Entry]:
    if protocol.assumptions is None:
        return
    for i, draw in enumerate(protocol.assumptions.population):
        if draw.where is not None:
            yield ("assumptions", "population", i, "where"), draw.where, (BOOLEAN, _TRUTH)
        if draw.value is not None:
            yield ("assumptions", "population", i, "value"), draw.value, None
    yield from _outcome_expressions(protocol.assumptions.outcomes, ("assumptions", "outcomes"))
    for scenario in protocol.assumptions.scenarios:
        place = ("assumptions", "scenarios", scenario.id, "outcomes")
        yield from _outcome_expressions(scenario.outcomes, place)


def _outcome_expressions(outcomes: Mapping[str, Any], place: Place) -> Iterator[Entry]:
    for name, outcome in outcomes.items():
        for kind in ("hazards", "successes"):
            for i, case in enumerate(getattr(outcome, kind)):
                if case.when is not None:
                    yield (*place, name, kind, i, "when"), case.when, (BOOLEAN, _TRUTH)


def _problem(
    document: ProtocolDocument, place: Place, found: str, allowed: str, remedy: str
) -> Problem:
    line, column = document.place(place)
    words = ".".join(str(step) for step in place)
    at = f"{words} (column {column})" if column is not None else words
    return Problem(document.name, line, at, found, allowed, remedy)


def _expression_problem(
    document: ProtocolDocument, place: Place, text: str, error: ExpressionError
) -> Problem:
    line, column = document.place(place)
    start = error.span.start
    words = ".".join(str(step) for step in place)
    at = words if column is None else f"{words} (column {column + start + 1})"
    marked = f"{error.found} at character {start + 1} of `{text}`"
    return Problem(document.name, line, at, marked, error.allowed, error.remedy)


def _unknown_unit(document: ProtocolDocument, name: str, unit: str) -> Problem:
    return _problem(
        document, ("quantities", name, "unit"), f"the unit '{unit}'", ", ".join(UNITS),
        "use one of them",
    )  # fmt: skip


def _twice(document: ProtocolDocument, name: str) -> Problem:
    return _problem(
        document, ("derived", name), f"'{name}', which is a quantity too", "one meaning per name",
        "rename the derived value",
    )  # fmt: skip
