"""What a protocol needs to run at all: every name it uses exists, and every path ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from ashworth.definitions.protocols.analyses import Analysis
from ashworth.definitions.protocols.flow import (
    AnyNode,
    Assess,
    Derive,
    Measure,
    Randomise,
    Screen,
    Treat,
)
from ashworth.definitions.protocols.model import Protocol
from ashworth.definitions.reading import close_names
from ashworth.trials.protocols.graph import successors

Fault = tuple[tuple[str | int, ...], str, str, str]


def structural_faults(protocol: Protocol) -> Iterator[Fault]:
    """Yield place, found, allowed and remedy of everything that keeps a protocol from running."""
    yield from _flow_faults(protocol)
    yield from _name_faults(protocol)
    yield from _randomisation_faults(protocol)
    yield from _analysis_faults(protocol)
    yield from _assumption_faults(protocol)
    yield from _cycle_faults(protocol)


def _missing(place: tuple[str | int, ...], name: str, allowed: Iterable[str], what: str) -> Fault:
    known = list(allowed)
    close = close_names(name, known)
    remedy = f"did you mean {' or '.join(close)}?" if close else f"declare it under {what}"
    return place, f"'{name}'", ", ".join(known) or f"nothing: {what} is empty", remedy


def _flow_faults(protocol: Protocol) -> Iterator[Fault]:
    ids = [node.id for node in protocol.flow]
    for node in protocol.flow:
        for target in successors(node):
            if target not in ids:
                yield _missing(("flow", node.id), target, ids, "flow")
        yield from _node_faults(protocol, node)


def _node_faults(protocol: Protocol, node: AnyNode) -> Iterator[Fault]:
    place = ("flow", node.id)
    criteria = [c.id for c in (*protocol.eligibility.include, *protocol.eligibility.exclude)]
    wanted: list[tuple[tuple[str, ...], Iterable[str], str]] = []
    if isinstance(node, Screen):
        wanted.append((node.criteria, criteria, "eligibility"))
    if isinstance(node, (Measure, Assess)):
        wanted.append((node.quantities, protocol.quantities, "quantities"))
    if isinstance(node, Derive):
        wanted.append((node.values, protocol.derived, "derived"))
    if isinstance(node, Assess):
        wanted.append((node.endpoints, protocol.endpoints, "endpoints"))
    if isinstance(node, Treat):
        wanted.append(((node.arm,), protocol.arms, "arms"))
    if isinstance(node, Randomise):
        wanted.append((tuple(node.arms), protocol.arms, "arms"))
    for names, allowed, what in wanted:
        for name in names:
            if name not in allowed:
                yield _missing(place, name, allowed, what)


def _name_faults(protocol: Protocol) -> Iterator[Fault]:
    for analysis in protocol.analyses:
        yield from _analysis_names(protocol, analysis)
    ids = [a.id for a in protocol.analyses]
    for size in protocol.sizes:
        if size.analysis is not None and size.analysis not in ids:
            yield _missing(("sizes", size.id, "analysis"), size.analysis, ids, "analyses")
    for i, estimand in enumerate(protocol.estimands):
        if estimand.variable not in protocol.endpoints:
            place = ("estimands", i, "variable")
            yield _missing(place, estimand.variable, protocol.endpoints, "endpoints")


def _analysis_names(protocol: Protocol, analysis: Analysis) -> Iterator[Fault]:
    place = ("analyses", analysis.id)
    if analysis.endpoint not in protocol.endpoints:
        yield _missing((*place, "endpoint"), analysis.endpoint, protocol.endpoints, "endpoints")
    for key in ("experimental", "control"):
        arm = getattr(analysis, key)
        if arm is not None and arm not in protocol.arms:
            yield _missing((*place, key), arm, protocol.arms, "arms")
    names = (*protocol.quantities, *protocol.derived)
    for name in analysis.strata if analysis.strata != "unknown" else ():
        if name not in names:
            yield _missing((*place, "strata"), name, names, "quantities")


def _randomisation_faults(protocol: Protocol) -> Iterator[Fault]:
    nodes = [n for n in protocol.flow if isinstance(n, Randomise)]
    design = protocol.randomisation
    if nodes and design is None:
        yield (
            ("flow", nodes[0].id), "a randomisation in the flow, none in the document",
            "a block 'randomisation'", "add randomisation with its ratio",
        )  # fmt: skip
    if design is None:
        return
    if not nodes:
        yield (
            ("randomisation",), "a randomisation that no node of the flow does", "a node that does",
            "add a node with 'do: randomise'",
        )  # fmt: skip
    for node in nodes:
        if set(node.arms) != set(design.ratio):
            yield (
                ("flow", node.id, "arms"), ", ".join(node.arms), ", ".join(design.ratio),
                "let the node and the ratio name the same arms",
            )  # fmt: skip
    names = (*protocol.quantities, *protocol.derived)
    for name in design.factors if design.factors != "unknown" else ():
        if name not in names:
            yield _missing(("randomisation", "factors"), name, names, "quantities")


def _analysis_faults(protocol: Protocol) -> Iterator[Fault]:
    for analysis in protocol.analyses:
        place = ("analyses", analysis.id)
        alpha, power = analysis.alpha, analysis.power
        if alpha != "unknown" and power != "unknown" and power <= alpha:
            yield (
                (*place, "power"), f"power {power:g} with alpha {alpha:g}", "a power above alpha",
                "correct power or alpha",
            )  # fmt: skip
        margin = analysis.margin
        if isinstance(margin, float) and margin <= 0 and analysis.scale != "difference":
            yield (
                (*place, "margin"), f"{margin:g}", "a ratio above 0", "correct the margin"
            )  # fmt: skip
        looks = analysis.looks
        if looks is not None and looks.fractions != "unknown":
            yield from _look_faults(place, looks.fractions)


def _look_faults(place: tuple[str | int, ...], fractions: tuple[float, ...]) -> Iterator[Fault]:
    words = ", ".join(f"{f:g}" for f in fractions)
    if list(fractions) != sorted(set(fractions)):
        yield (
            (*place, "looks", "fractions"), words, "information fractions that increase",
            "order the looks",
        )  # fmt: skip
    elif not fractions or fractions[-1] != 1:
        yield (
            (*place, "looks", "fractions"), words or "none", "a last look at fraction 1",
            "add the final analysis",
        )  # fmt: skip


def _assumption_faults(protocol: Protocol) -> Iterator[Fault]:
    assumed = protocol.assumptions
    if assumed is None:
        return
    for i, draw in enumerate(assumed.population):
        place = ("assumptions", "population", i)
        for name in draw.set:
            if name not in protocol.quantities:
                yield _missing(place, name, protocol.quantities, "quantities")
        of = draw.concentration.of if draw.concentration is not None else None
        if of is not None and of not in protocol.quantities:
            yield _missing((*place, "concentration", "of"), of, protocol.quantities, "quantities")
    outcomes = [(("assumptions", "outcomes"), assumed.outcomes)]
    outcomes += [(("assumptions", "scenarios", s.id, "outcomes"), s.outcomes)
                 for s in assumed.scenarios]  # fmt: skip
    for place, named in outcomes:
        for name in named:
            if name not in protocol.endpoints:
                yield _missing((*place, name), name, protocol.endpoints, "endpoints")


def _cycle_faults(protocol: Protocol) -> Iterator[Fault]:
    before: dict[str, set[str]] = {node.id: set() for node in protocol.flow}
    for node in protocol.flow:
        for target in successors(node):
            if target in before:
                before[target].add(node.id)
    try:
        list(TopologicalSorter(before).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        place = ("flow", error.args[1][0])
        yield place, f"a cycle: {circle}", "a flow without cycles", "let one node lead on"
