"""Worked cases of trial protocols: where a patient gets, asked of the interpreter."""

from __future__ import annotations

from collections.abc import Iterator

from ashworth.definitions.protocols.document import document_of
from ashworth.definitions.protocols.model import Protocol, RouteCase
from ashworth.errors import InputError
from ashworth.trials.protocols.executable import Executable, compile_protocol
from ashworth.trials.protocols.patients import typed_patients
from ashworth.trials.protocols.route import route_patient


def protocol_answers(protocol: Protocol) -> Iterator[tuple[str, str, str]]:
    """Yield name, expected and found answer of each worked case, by the case's version."""
    newest = 1 + len(protocol.amendments)
    trials: dict[int, Executable] = {}
    for case in protocol.cases:
        version = case.protocol_version or newest
        if version not in trials:
            document = document_of(protocol, version, name=f"protocol/{protocol.id}.yaml")
            trials[version] = compile_protocol(document)
        yield case.name, _expected(case), _found(trials[version], case)


def _expected(case: RouteCase) -> str:
    want = case.expect
    verdict = want.verdict or "ended"
    return _words(want.ends, verdict, want.treatment)


def _found(trial: Executable, case: RouteCase) -> str:
    unknown = sorted(set(case.given.values) - set(trial.protocol.quantities))
    if unknown:
        return f"refused: no quantity {', '.join(unknown)}"
    try:
        (patient,) = typed_patients(trial, [case.given.values])
    except InputError as error:
        return f"refused: {error.problems[0].found}"
    route = route_patient(trial, patient, arm=case.given.arm)
    given = ", ".join(route.treatments) if case.expect.treatment is not None else None
    return _words(route.at, route.verdict, given)


def _words(node: str, verdict: str, treatment: str | None) -> str:
    return f"{verdict} at {node}" + ("" if treatment is None else f", given {treatment}")
