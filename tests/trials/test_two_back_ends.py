"""The interpreter and the column compiler answer alike, on random expressions and protocols."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.trials.random_protocols import QUANTITIES, patients, protocols, texts, truths

from ashworth.definitions.protocols.document import document_of
from ashworth.definitions.protocols.model import Protocol
from ashworth.trials import ColumnRouter, route_patient
from ashworth.trials.language.checking import check
from ashworth.trials.language.columns import Codes, Column, compile_columns
from ashworth.trials.language.interpreter import evaluate, trace
from ashworth.trials.language.parsing import parse
from ashworth.trials.protocols.executable import compile_protocol
from ashworth.trials.protocols.patients import columns_of

SCOPE = compile_protocol(
    document_of(
        Protocol.model_validate(
            {
                "id": "scope", "version": 1, "title": "t", "origin": "derived", "references": [],
                "phase": "p", "setting": "s", "status": "s", "quantities": QUANTITIES,
                "eligibility": {}, "flow": [{"id": "end", "do": "stop", "title": "end"}],
                "arms": {}, "endpoints": {"os": {"title": "os", "type": "time_to_event"}},
                "analyses": [{"id": "os", "endpoint": "os", "test": "log_rank"}],
            }
        )
    )
)  # fmt: skip
MANY = st.lists(patients(), min_size=1, max_size=12)
QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=250)


@QUIET
@given(text=truths(3) | texts(2), people=MANY)
def test_an_expression_answers_alike_for_one_patient_and_for_columns(text, people):
    typed = check(parse(text), SCOPE.scope)
    codes = Codes()
    run = compile_columns(typed, codes)
    found = run(columns_of(SCOPE, people, codes), len(people))
    for i, patient in enumerate(people):
        value = evaluate(typed, patient)
        assert bool(found.known[i]) is (value is not None)
        if value is not None:
            got = found.values[i]
            assert (codes.texts()[got] if isinstance(value, str) else bool(got)) == value
        assert trace(typed, text, patient).value == value


@QUIET
@given(document=protocols(), people=MANY, data=st.data())
def test_a_protocol_routes_alike_for_one_patient_and_for_columns(document, people, data):
    trial = compile_protocol(document_of(Protocol.model_validate(document)))
    arms = data.draw(st.lists(st.sampled_from(("a", "b", None)), min_size=len(people),
                              max_size=len(people)))  # fmt: skip
    router = ColumnRouter(trial)
    arm = Column(
        np.array([-1 if a is None else router.codes.of(a) for a in arms], dtype=np.int32),
        np.array([a is not None for a in arms]),
    )
    found = router.route(columns_of(trial, people, router.codes), len(people), arm=arm)
    visits = dict.fromkeys(trial.nodes, 0)
    for i, (patient, mine) in enumerate(zip(people, arms, strict=True)):
        route = route_patient(trial, patient, arm=mine)
        assert found.nodes[found.at[i]] == route.at
        assert bool(found.ended[i]) is (route.verdict == "ended")
        last = route.treatments[-1] if route.treatments else "unknown"
        code = found.treatment[i]
        assert ("unknown" if code < 0 else found.treatments[code]) == last
        for visit in route.visits:
            visits[visit.node] += 1
    assert found.visits == visits
