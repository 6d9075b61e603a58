"""The protocol language: what it answers, and what it refuses, with the place."""

from __future__ import annotations

import pytest

from ashworth.trials.language.checking import check
from ashworth.trials.language.interpreter import evaluate, trace
from ashworth.trials.language.kinds import BOOLEAN, DATE, NUMBER, Kind
from ashworth.trials.language.parsing import parse
from ashworth.trials.language.syntax import ExpressionError
from ashworth.trials.language.units import UNITS

SCOPE = {
    "age": Kind("number", UNITS["years"]),
    "wait": Kind("number", UNITS["weeks"]),
    "ctc": Kind("number", UNITS["cells/7.5mL"]),
    "large": Kind("number", UNITS["cells/15mL"]),
    "ratio": NUMBER,
    "node": BOOLEAN,
    "her2": Kind("category", values=frozenset({"positive", "negative"})),
    "seen": DATE,
    "born": DATE,
}


def answer(text, **patient):
    return evaluate(check(parse(text), SCOPE), patient)


@pytest.mark.parametrize(
    ("text", "patient", "value"),
    [
        ("ctc >= 5 cells/7.5mL", {"ctc": 5.0}, True),
        ("ctc >= 5 cells/7.5mL", {"ctc": 4.0}, False),
        ("ctc >= 5 cells/7.5mL", {}, None),
        ("age >= 18 years", {"age": 18.0}, True),
        ("age > 6574 days", {"age": 18.0}, True),
        ("wait <= 3 months", {"wait": 13.0}, True),
        ("wait <= 3 months", {"wait": 14.0}, False),
        ("seen - born >= 90 days", {"seen": 90.0, "born": 0.0}, True),
        ("seen < born + 3 months", {"seen": 91.0, "born": 0.0}, True),
        ("seen == 2020-02-29", {"seen": 18321.0}, True),
        ("false and node", {}, False),
        ("true or node", {}, True),
        ("true and node", {}, None),
        ("not node", {}, None),
        ("known(node)", {}, False),
        ("known(node)", {"node": False}, True),
        ("her2 in ['positive']", {"her2": "positive"}, True),
        ("her2 in ['positive', unknown]", {"her2": "negative"}, None),
        ("if node then 1 else 1", {}, 1.0),
        ("if node then 1 else 2", {}, None),
        ("number_true(node, true, false)", {"node": True}, 2.0),
        ("1 / ratio > 0", {"ratio": 0.0}, None),
        ("1 / ratio > 0 or node", {"ratio": 0.0, "node": True}, True),
        ("-2 + 3 * 4 - 1", {}, 9.0),
        ("min(3, ratio, 2) + abs(-1)", {"ratio": 1.5}, 2.5),
        ("2 - 1 - 1", {}, 0.0),
    ],
)
def test_answers(text, patient, value):
    found = answer(text, **patient)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "start", "words"),
    [
        ("cct >= 5 cells/7.5mL", 0, "did you mean ctc"),
        ("ctc >= 5", 7, "write the unit, e.g. 5 cells/7.5mL"),
        ("ctc >= 5 cells/15mL", 7, "a number of cells/7.5mL"),
        ("ctc >= large", 7, "a number of cells/7.5mL"),
        ("age >= 18 cells/7.5mL", 7, "a number of years"),
        ("age + 1 > 2 years", 6, "write the unit"),
        ("1 / 0 > 2", 4, "a divisor that is not zero"),
        ("1 / -0 > 2", None, None),
        ("her2 == 'postive'", 8, "did you mean 'positive'"),
        ("her2 > 'negative'", 0, "use == or !="),
        ("node > true", 0, "use == or !="),
        ("ctc = 5 cells/7.5mL", 4, "compare with =="),
        ("ctc >= 5 cells/7.5mL & node", 21, "write 'and'"),
        ("1 < 2 < 3", 6, "join two by 'and'"),
        ("node and", 8, "a value, a name or '('"),
        ("(node", 5, "')'"),
        ("node node", 5, "an operator or the end"),
        ("if node then 1", 14, "'else'"),
        ("seen == 2020-02-30", 8, "a day that the calendar has"),
        ("know(node)", 0, "did you mean known"),
        ("known(node, node)", 0, "one argument"),
        ("ratio and node", 0, "true or false"),
        ("seen + 3 > born", 7, "days, weeks, months or years"),
        ("age * wait > 1 years", 0, "at most one unit"),
        ("node == 1", 8, "true or false"),
        ("'a", 0, "close the text"),
        ("if node then 'a' else 1", 22, "compare like with like"),
    ],
)
def test_refusals_know_their_place(text, start, words):
    if start is None:
        assert check(parse(text), SCOPE)
        return
    with pytest.raises(ExpressionError) as told:
        check(parse(text), SCOPE)
    error = told.value
    assert error.span.start == start
    assert words in f"{error.found} {error.allowed} {error.remedy}"


def test_deep_nesting_is_refused_and_long_chains_are_not():
    with pytest.raises(ExpressionError, match="levels"):
        parse("(" * 400 + "node" + ")" * 400)
    assert answer(" or ".join(["node"] * 100), node=True) is True


def test_python_is_no_part_of_it():
    for text in (
        "__import__('os')",
        "node.__class__",
        "lambda: 1",
        "[node]",
        "node if node else 1",
    ):
        with pytest.raises(ExpressionError):
            check(parse(text), SCOPE)


def test_reasons_are_the_facts_that_decide():
    text = "age >= 18 years and (ctc >= 5 cells/7.5mL or node)"
    typed = check(parse(text), SCOPE)
    found = trace(typed, text, {"age": 50.0, "ctc": 3.0, "node": False})
    assert found.value is False
    assert found.reasons() == (
        "ctc >= 5 cells/7.5mL is false (ctc is 3 cells/7.5mL)", "node is false",
    )  # fmt: skip
    found = trace(typed, text, {"age": 50.0, "node": False})
    assert found.value is None
    assert found.reasons() == ("ctc >= 5 cells/7.5mL is unknown (ctc is unknown)",)
