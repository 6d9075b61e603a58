"""When each quantity is known along the flow, and what is used too early (immortal time)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ashworth.definitions.protocols.flow import (
    AnyNode,
    Assess,
    Decide,
    Measure,
    Randomise,
    Screen,
    Treat,
)
from ashworth.trials.protocols.executable import Executable, Formula, Place
from ashworth.trials.protocols.graph import successors
from ashworth.trials.protocols.route_columns import flow_order


@dataclass(frozen=True, slots=True)
class EarlyUse:
    """A quantity that is used where it is not known yet."""

    place: Place
    quantity: str
    used_for: str
    immortal: bool


def early_uses(trial: Executable) -> Iterator[EarlyUse]:
    """Yield every use of a quantity before it is known.

    A quantity that a node measures is known after that node; any other is known from its stage:
    at the start, or after the randomisation. A use is immortal time when it is decided by
    something that is known only after the randomisation.
    """
    known = _known_before(trial)
    after = _after_randomisation(trial)
    late = {n for n, q in trial.protocol.quantities.items() if q.known == "after_randomisation"}
    late |= {
        name
        for node in trial.protocol.flow
        if isinstance(node, (Measure, Assess)) and node.id in after
        for name in node.quantities
        if not _measured_before(trial, name, after)
    }
    for node in trial.protocol.flow:
        for place, quantities, what in _uses(trial, node):
            for name in quantities:
                if name not in known[node.id]:
                    yield EarlyUse(place, name, what, name in late and node.id not in after)
    for place, quantities, what in _analysis_uses(trial):
        for name in quantities:
            if name in late:
                yield EarlyUse(place, name, what, True)


def wrong_stages(trial: Executable) -> Iterator[tuple[Place, str]]:
    """Yield quantities whose stage says before randomisation, measured only after it."""
    after = _after_randomisation(trial)
    for node in trial.protocol.flow:
        if isinstance(node, (Measure, Assess)) and node.id in after:
            for name in node.quantities:
                early = trial.protocol.quantities[name].known != "after_randomisation"
                if early and not _measured_before(trial, name, after):
                    yield ("quantities", name, "known"), node.id


def _measured_before(trial: Executable, name: str, after: set[str]) -> bool:
    return any(
        isinstance(node, (Measure, Assess)) and name in node.quantities and node.id not in after
        for node in trial.protocol.flow
    )


def _after_randomisation(trial: Executable) -> set[str]:
    """Ids of the nodes below a randomisation."""
    found: set[str] = set()
    for id in flow_order(trial):
        node = trial.nodes[id]
        if isinstance(node, Randomise) or id in found:
            found |= set(successors(node))
    return found


def _known_before(trial: Executable) -> dict[str, set[str]]:
    """For every node, the quantities that are known on every way to it."""
    measured = {
        name
        for node in trial.protocol.flow
        if isinstance(node, (Measure, Assess))
        for name in node.quantities
    }
    quantities = trial.protocol.quantities
    start = {
        name for name, q in quantities.items()
        if name not in measured and q.known != "after_randomisation"
    }  # fmt: skip
    known: dict[str, set[str]] = {trial.start: start}
    for id in flow_order(trial):
        node = trial.nodes[id]
        here = known.setdefault(id, set(start)) | _made_known(trial, node)
        for target in successors(node):
            known[target] = known[target] & here if target in known else set(here)
    return known


def _made_known(trial: Executable, node: AnyNode) -> set[str]:
    if isinstance(node, (Measure, Assess)):
        return set(node.quantities)
    if isinstance(node, Randomise):
        return _unmeasured_late(trial)
    return set()


def _unmeasured_late(trial: Executable) -> set[str]:
    """Late quantities that no node measures: known somewhere after the randomisation."""
    measured = {
        name
        for node in trial.protocol.flow
        if isinstance(node, (Measure, Assess))
        for name in node.quantities
    }
    quantities = trial.protocol.quantities.items()
    return {n for n, q in quantities if q.known == "after_randomisation" and n not in measured}


Use = tuple[Place, Iterable[str], str]


def _through(trial: Executable, names: Iterable[str]) -> tuple[str, ...]:
    """Quantities behind names of quantities and derived values."""
    return tuple(dict.fromkeys(q for n in names for q in trial.quantities_of.get(n, (n,))))


def _of(trial: Executable, formula: Formula, what: str) -> Use:
    return formula.place, _through(trial, formula.names()), what


def _uses(trial: Executable, node: AnyNode) -> Iterator[Use]:
    if isinstance(node, Screen):
        for side in ("include", "exclude"):
            for criterion in getattr(trial.protocol.eligibility, side):
                asked = not node.criteria or criterion.id in node.criteria
                if criterion.when is not None and asked:
                    formula = trial.formula("eligibility", side, criterion.id, "when")
                    yield _of(trial, formula, f"eligibility at node '{node.id}'")
    elif isinstance(node, Decide):
        for i in range(len(node.cases)):
            formula = trial.formula("flow", node.id, "cases", i, "when")
            yield _of(trial, formula, f"the decision at node '{node.id}'")
    elif isinstance(node, Treat):
        yield _of(trial, trial.formula("arms", node.arm, "give"), f"the policy of '{node.arm}'")
    elif isinstance(node, Randomise):
        design = trial.protocol.randomisation
        if design is not None and design.factors != "unknown":
            factors = _through(trial, design.factors)
            yield ("randomisation", "factors"), factors, "a factor of the randomisation"


def _analysis_uses(trial: Executable) -> Iterator[Use]:
    for analysis in trial.protocol.analyses:
        if trial.protocol.randomisation is None:
            continue
        place: Place = ("analyses", analysis.id)
        if analysis.within is not None:
            formula = trial.formula(*place, "within")
            yield _of(trial, formula, f"the population of analysis '{analysis.id}'")
        if analysis.strata != "unknown":
            strata = _through(trial, analysis.strata)
            yield (*place, "strata"), strata, f"a stratum of analysis '{analysis.id}'"
