"""The way of one patient through the flow, with the reason for every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ashworth.definitions.protocols.flow import (
    AnyNode,
    Assess,
    Decide,
    Derive,
    Measure,
    Randomise,
    Screen,
    Stop,
    Treat,
)
from ashworth.trials.language.interpreter import Trace, evaluate, trace
from ashworth.trials.language.operators import Value, conjunction
from ashworth.trials.protocols.executable import Executable, Formula

Verdict = Literal["ended", "undecided", "awaiting_randomisation"]


@dataclass(frozen=True, slots=True)
class Visit:
    """A node on the way and why it led on."""

    node: str
    title: str
    led_to: str | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Where one patient gets.

    Attributes
    ----------
    verdict : {"ended", "undecided", "awaiting_randomisation"}
        Undecided: a quantity that a decision needs is not known.
    at : str
        Node where the way ends or halts.
    arm : str or None
        The arm that chance gave, where it was told.
    treatments : tuple of str
        What the arms' policies give, in order of the way; "unknown" where a policy cannot tell.
    visits : tuple of Visit
    """

    verdict: Verdict
    at: str
    arm: str | None
    treatments: tuple[str, ...]
    visits: tuple[Visit, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons of all steps, in order."""
        return tuple(reason for visit in self.visits for reason in visit.reasons)


def with_derived(trial: Executable, patient: Mapping[str, Value]) -> dict[str, Value]:
    """Add the derived values to a patient."""
    values = dict(patient)
    for name in trial.protocol.derived:
        values[name] = evaluate(trial.formula("derived", name, "value").typed, values)
    return values


def route_patient(
    trial: Executable, patient: Mapping[str, Value], *, arm: str | None = None
) -> Route:
    """Route one patient through the protocol.

    Parameters
    ----------
    trial : Executable
    patient : mapping
        Typed values by quantity; what is missing is unknown.
    arm : str, optional
        The arm that chance gave; without it the way halts at the randomisation.

    Examples
    --------
    >>> from ashworth.trials import load_protocol
    >>> trial = load_protocol("stic-ctc")
    >>> route_patient(trial, {}).verdict
    'undecided'
    """
    return _Walk(trial, with_derived(trial, patient), arm).walk()


class _Walk:
    """One patient's walk: state is the node, the visits and the treatments."""

    def __init__(self, trial: Executable, values: Mapping[str, Value], arm: str | None) -> None:
        self._trial, self._values, self._arm = trial, values, arm
        self._visits: list[Visit] = []
        self._treatments: list[str] = []

    def walk(self) -> Route:
        at: str = self._trial.start
        while True:
            node = self._trial.nodes[at]
            led_to, reasons = self._step(node)
            self._visits.append(Visit(node.id, node.title, led_to, reasons))
            if led_to is None:
                return self._end(node)
            at = led_to

    def _end(self, node: AnyNode) -> Route:
        verdict: Verdict = "undecided"
        if isinstance(node, Stop):
            verdict = "ended"
        elif isinstance(node, Randomise):
            verdict = "awaiting_randomisation"
        return Route(verdict, node.id, self._arm, tuple(self._treatments), tuple(self._visits))

    def _step(self, node: AnyNode) -> tuple[str | None, tuple[str, ...]]:
        if isinstance(node, Screen):
            return self._screen(node)
        if isinstance(node, Decide):
            return self._decide(node)
        if isinstance(node, Randomise):
            return self._randomise(node)
        if isinstance(node, Treat):
            return self._treat(node)
        if isinstance(node, (Measure, Derive, Assess)):
            return node.next, ()
        return None, ()

    def _trace(self, formula: Formula) -> Trace:
        return trace(formula.typed, formula.text, self._values, inside=self._inside)

    def _inside(self, name: str) -> Trace | None:
        derived = self._trial.formulas.get(("derived", name, "value"))
        return None if derived is None else self._trace(derived)

    def _screen(self, node: Screen) -> tuple[str | None, tuple[str, ...]]:
        answers = []
        for side, wanted in (("include", True), ("exclude", False)):
            for criterion in getattr(self._trial.protocol.eligibility, side):
                asked = not node.criteria or criterion.id in node.criteria
                if criterion.when is not None and asked:
                    found = self._trace(
                        self._trial.formula("eligibility", side, criterion.id, "when")
                    )
                    met = None if found.value is None else found.value is wanted
                    answers.append((met, criterion.id, side, found.reasons()))
        verdict = conjunction([met for met, *_ in answers])
        told = [a for a in answers if a[0] is not True] if verdict is not True else []
        told = [a for a in told if verdict is None or a[0] is False]
        words = tuple(_criterion_words(*a) for a in told)
        if verdict is None:
            return None, words
        return (node.next, ("eligible",)) if verdict else (node.otherwise, words)

    def _decide(self, node: Decide) -> tuple[str | None, tuple[str, ...]]:
        denied: list[str] = []
        for i, case in enumerate(node.cases):
            found = self._trace(self._trial.formula("flow", node.id, "cases", i, "when"))
            if found.value is None:
                return None, found.reasons()
            if found.value:
                return case.next, found.reasons()
            denied += found.reasons()
        if node.otherwise is None:
            return None, ("no case of the decision is true", *dict.fromkeys(denied))
        return node.otherwise, tuple(dict.fromkeys(denied))

    def _randomise(self, node: Randomise) -> tuple[str | None, tuple[str, ...]]:
        if self._arm is None:
            return None, (f"to be randomised: {', '.join(node.arms)}",)
        if self._arm not in node.arms:
            return None, (f"arm '{self._arm}' is not one of {', '.join(node.arms)}",)
        return node.arms[self._arm], (f"allocated to {self._arm}",)

    def _treat(self, node: Treat) -> tuple[str | None, tuple[str, ...]]:
        found = self._trace(self._trial.formula("arms", node.arm, "give"))
        if found.value is None:
            self._treatments.append("unknown")
            return node.next, (f"the policy of {node.arm} cannot tell", *_policy_reasons(found))
        self._treatments.append(str(found.value))
        return node.next, (f"{node.arm} gives {found.value}", *_policy_reasons(found))


def _criterion_words(met: bool | None, id: str, side: str, reasons: tuple[str, ...]) -> str:
    state = "unknown" if met is None else "not met" if side == "include" else "present"
    kind = "criterion" if side == "include" else "exclusion"
    return f"{kind} '{id}' is {state}: {'; '.join(reasons)}"


def _policy_reasons(found: Trace) -> tuple[str, ...]:
    """Why a policy with a choice chose; a constant policy needs no reason."""
    return found.parts[0].reasons() if found.operator == "if" else ()
