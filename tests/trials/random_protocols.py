"""Random expressions, protocols and patients of one small world of quantities."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

QUANTITIES: dict[str, dict[str, Any]] = {
    "age": {"title": "Age", "type": "number", "unit": "years"},
    "wait": {"title": "Waiting", "type": "number", "unit": "weeks"},
    "ctc": {"title": "CTC", "type": "count", "unit": "cells/7.5mL"},
    "after": {"title": "CTC after", "type": "count", "unit": "cells/7.5mL"},
    "ratio": {"title": "Ratio", "type": "number", "unit": "1"},
    "node": {"title": "Node", "type": "boolean"},
    "visceral": {"title": "Visceral", "type": "boolean"},
    "choice": {"title": "Choice", "type": "category", "values": ["endo", "chemo", "none"]},
    "seen": {"title": "Seen", "type": "date"},
    "born": {"title": "Born", "type": "date"},
}
CELLS = ("0 cells/7.5mL", "1 cells/7.5mL", "5 cells/7.5mL", "2.5 cells/7.5mL")
TIMES = ("0 days", "18 years", "90 days", "3 months", "12 weeks")
PLAIN = ("0", "1", "2.2", "-1", "1e3")
NUMBERS = {
    "time": (("age", "wait", "(seen - born)", "(born - seen)"), TIMES),
    "cells": (("ctc", "after"), CELLS),
    "plain": (("ratio", "ctc / after", "age / wait", "number_true(node, visceral)"), PLAIN),
}
TEXTS = ("'endo'", "'chemo'", "'none'")


@st.composite
def numbers(draw: st.DrawFn, dimension: str, depth: int) -> str:
    names, constants = NUMBERS[dimension]
    if depth == 0:
        return draw(st.sampled_from((*names, *constants, "unknown")))
    left, right = (draw(numbers(dimension, depth - 1)) for _ in range(2))
    plain = draw(st.sampled_from(PLAIN))
    condition = draw(truths(depth - 1))
    return draw(
        st.sampled_from(
            (
                f"({left} + {right})", f"({left} - {right})", f"(-{left})", f"({left} * {plain})",
                f"min({left}, {right})", f"max({left}, {right})", f"abs({left})",
                f"(if {condition} then {left} else {right})", f"({left} / ratio)",
            )
        )
    )  # fmt: skip


@st.composite
def texts(draw: st.DrawFn, depth: int) -> str:
    if depth == 0:
        return draw(st.sampled_from(("choice", *TEXTS)))
    condition = draw(truths(depth - 1))
    yes, no = (draw(texts(depth - 1)) for _ in range(2))
    return f"(if {condition} then {yes} else {no})"


@st.composite
def any_text(draw: st.DrawFn, depth: int) -> str:
    """A text that may be any of the values: a comparison with a foreign value is refused."""
    if depth == 0:
        return "choice"
    return f"(if {draw(truths(depth - 1))} then choice else {draw(texts(depth - 1))})"


@st.composite
def truths(draw: st.DrawFn, depth: int) -> str:
    if depth == 0:
        return draw(st.sampled_from(("node", "visceral", "true", "false", "unknown",
                                     "known(ctc)", "choice == 'endo'", "ctc >= 5 cells/7.5mL",
                                     "seen < born", "seen + 90 days >= born")))  # fmt: skip
    kind = draw(st.sampled_from(("and", "or", "not", "compare", "in", "text", "known", "if")))
    if kind in ("and", "or"):
        return f"({draw(truths(depth - 1))} {kind} {draw(truths(depth - 1))})"
    if kind == "not":
        return f"(not {draw(truths(depth - 1))})"
    if kind == "text":
        operator = draw(st.sampled_from(("==", "!=")))
        return f"({draw(any_text(depth - 1))} {operator} {draw(texts(depth - 1))})"
    if kind == "in":
        members = ", ".join(draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3)))
        return f"({draw(any_text(depth - 1))} in [{members}])"
    if kind == "if":
        parts = [draw(truths(depth - 1)) for _ in range(3)]
        return f"(if {parts[0]} then {parts[1]} else {parts[2]})"
    dimension = draw(st.sampled_from(sorted(NUMBERS)))
    number = draw(numbers(dimension, depth - 1))
    if kind == "known":
        return f"known({number})"
    operator = draw(st.sampled_from(("<", "<=", ">", ">=", "==", "!=")))
    return f"({number} {operator} {draw(numbers(dimension, depth - 1))})"


def patients() -> st.SearchStrategy[dict[str, Any]]:
    """Typed patients; None is unknown. Values meet the constants of the expressions often."""
    maybe = {
        "age": st.sampled_from((17.0, 18.0, 90.0, 0.0)),
        "wait": st.sampled_from((0.0, 12.0, 11.9, 939.214)),
        "ctc": st.integers(0, 6).map(float),
        "after": st.integers(0, 6).map(float),
        "ratio": st.sampled_from((0.0, 1.0, 2.2, -1.0, 1e300)),
        "node": st.booleans(),
        "visceral": st.booleans(),
        "choice": st.sampled_from(("endo", "chemo", "none")),
        "seen": st.sampled_from((0.0, 90.0, 17000.0)),
        "born": st.sampled_from((0.0, 90.0, 17000.0)),
    }
    return st.fixed_dictionaries({k: st.none() | v for k, v in maybe.items()})


@st.composite
def protocols(draw: st.DrawFn) -> dict[str, Any]:
    """A random protocol: criteria, derived values, and a flow of up to nine nodes."""
    nodes = draw(st.integers(3, 9))
    ids = [f"n{i}" for i in range(nodes)]
    flow: list[dict[str, Any]] = []
    randomised: list[str] = []
    for i, id in enumerate(ids[:-1]):
        later = st.sampled_from(ids[i + 1 :])
        flow.append({"id": id, "title": id, **draw(_node(later, allow_chance=not randomised))})
        if flow[-1]["do"] == "randomise":
            randomised = ["a", "b"]
    flow.append({"id": ids[-1], "title": "end", "do": "stop"})
    document: dict[str, Any] = {
        "id": "random", "version": 1, "title": "random", "origin": "derived", "references": [],
        "phase": "none", "setting": "none", "status": "none", "quantities": QUANTITIES,
        "derived": {"d1": {"value": draw(truths(2))}, "d2": {"value": f"d1 or {draw(truths(1))}"}},
        "eligibility": {
            "include": [{"id": "i", "text": "i", "when": draw(truths(1))},
                        {"id": "j", "text": "j", "when": draw(truths(2))}],
            "exclude": [{"id": "e", "text": "e", "when": draw(truths(1))}],
        },
        "flow": flow,
        "arms": {"a": {"title": "a", "give": draw(texts(1))},
                 "b": {"title": "b", "give": f"if d1 then 'x' else {draw(texts(1))}"}},
        "endpoints": {"os": {"title": "os", "type": "time_to_event"}},
        "analyses": [{"id": "os", "endpoint": "os", "test": "log_rank"}],
    }  # fmt: skip
    if randomised:
        document["randomisation"] = {"ratio": {"a": 1, "b": 1}}
    return document


@st.composite
def _node(draw: st.DrawFn, later: Any, *, allow_chance: bool) -> dict[str, Any]:
    kinds = ["screen", "decide", "decide", "treat", "derive"]
    kind = draw(st.sampled_from([*kinds, "randomise"] if allow_chance else kinds))
    if kind == "screen":
        criteria = draw(st.sampled_from(([], ["i"], ["i", "e"])))
        return {"do": kind, "criteria": criteria, "next": draw(later), "otherwise": draw(later)}
    if kind == "treat":
        return {"do": kind, "arm": draw(st.sampled_from("ab")), "next": draw(later)}
    if kind == "derive":
        return {"do": kind, "values": ["d1"], "next": draw(later)}
    if kind == "randomise":
        return {"do": kind, "arms": {"a": draw(later), "b": draw(later)}}
    cases = [
        {"when": draw(truths(1) | st.sampled_from(("d1", "not d2"))), "next": draw(later)}
        for _ in range(draw(st.integers(1, 3)))
    ]
    return {"do": kind, "cases": cases} | draw(
        st.just({}) | st.fixed_dictionaries({"otherwise": later})
    )
