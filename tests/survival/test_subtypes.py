"""Classes of patients by conditions with three truth values."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.definitions import Condition, Subtype, load
from ashworth.errors import InputError
from ashworth.survival.subtypes import classify_subtype

STATUS = ("positive", "negative", "unknown", None)
GRADE = (1, 2, 3, None)


def luminal(er, pr, her2, grade):
    """PADDY's classes, worked out with Python's None as the third value."""
    her2, er, pr = (None if v in (None, "unknown") else v == "positive" for v in (her2, er, pr))
    hormone = True if er or pr else None if er is None or pr is None else False
    if her2 is None:
        # Not settled, unless nothing could make it settled: HER2 positive stays possible.
        return None
    if her2:
        return "her2_positive"
    if hormone is None:
        return None
    if not hormone:
        return "triple_negative"
    return None if grade is None else "luminal_b" if grade == 3 else "luminal_a"


def test_every_combination_of_receptors_and_grade():
    rows = list(itertools.product(STATUS, STATUS, STATUS, GRADE))
    columns = ["er_status", "pr_status", "her2_status", "grade"]
    table = pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        patient_id=pl.int_range(len(rows)).cast(pl.String).str.zfill(4)
    )
    found = classify_subtype(table).classes["subtype"].to_list()
    assert found == [luminal(*row) for row in rows]
    assert {"luminal_a", "luminal_b", "her2_positive", "triple_negative", None} == set(found)


@pytest.mark.parametrize("grade", [["3", "2"], [3.0, 2.0], [3, 2]])
def test_grade_as_text_float_or_integer(grade):
    table = pl.DataFrame(
        {
            "patient_id": ["a", "b"], "er_status": "positive", "pr_status": "positive",
            "her2_status": "negative", "grade": grade,
        }
    )  # fmt: skip
    assert classify_subtype(table).classes["subtype"].to_list() == ["luminal_b", "luminal_a"]


def test_unknown_names_the_empty_columns():
    table = pl.DataFrame(
        {
            "patient_id": ["b", "a"], "er_status": ["positive", "positive"],
            "pr_status": ["unknown", "negative"], "her2_status": "negative",
            "grade": [None, 3],
        }
    )  # fmt: skip
    result = classify_subtype(table)
    assert result.classes.rows() == [
        ("a", "paddy-luminal-b", "luminal_b", None),
        ("b", "paddy-luminal-b", None, "pr_status, grade"),
    ]
    assert (result.n, result.n_unknown) == (2, 1)
    assert result.table() is result.classes


def test_missing_column_is_an_error_that_names_all():
    with pytest.raises(InputError) as caught:
        classify_subtype(pl.DataFrame({"patient_id": ["a"], "er_status": ["positive"]}))
    assert {p.column for p in caught.value.problems} == {"pr_status", "her2_status", "grade"}


def test_pandas_gives_the_same():
    pandas = pytest.importorskip("pandas")
    columns = {
        "patient_id": ["a", "b", "c"], "er_status": ["positive", None, "negative"],
        "pr_status": ["negative", "negative", "negative"],
        "her2_status": ["negative", "negative", "negative"], "grade": [3, 3, None],
    }  # fmt: skip
    mine = classify_subtype(pl.DataFrame(columns)).classes
    assert classify_subtype(pandas.DataFrame(columns)).classes.equals(mine)
    assert mine["subtype"].to_list() == ["luminal_b", None, "triple_negative"]


def test_staging_note():
    table = pl.DataFrame(
        {
            "patient_id": list("abcd"),
            "m": ["M0", "M0", "M1", "M0"],
            "tumour_cells": ["detected", "not_detected", "detected", None],
            "largest_deposit_mm": [0.01, None, None, None],
        }
    )
    found = classify_subtype(table, "ajcc-cm0i").classes["subtype"].to_list()
    assert found == ["cM0(i+)", "M0", "M1", None]


def with_condition(condition: dict) -> Subtype:
    """Make a classification with one class."""
    base = load("subtype", "paddy-luminal-b")
    row = base.classes[0].model_copy(update={"when": Condition.model_validate(condition)})
    return base.model_copy(update={"classes": (row,)})


LEAF = {c: {"column": c, "one_of": ["yes"]} for c in "xyz"}
KLEENE = {
    "all_of": lambda values: False if False in values else None if None in values else True,
    "any_of": lambda values: True if True in values else None if None in values else False,
    "none_of": lambda values: False if True in values else None if None in values else True,
}


@settings(max_examples=40, deadline=None)
@given(
    outer=st.sampled_from(sorted(KLEENE)),
    inner=st.sampled_from(sorted(KLEENE)),
    values=st.tuples(*[st.sampled_from([True, False, None])] * 3),
)
def test_nested_conditions_follow_kleene(outer, inner, values):
    definition = with_condition({outer: [LEAF["x"], {inner: [LEAF["y"], LEAF["z"]]}]})
    words = {True: "yes", False: "no", None: None}
    table = pl.DataFrame(
        {"patient_id": ["p"], **{c: [words[v]] for c, v in zip("xyz", values, strict=True)}},
        schema=dict.fromkeys(("patient_id", *"xyz"), pl.String),
    )
    x, y, z = values
    truth = KLEENE[outer]([x, KLEENE[inner]([y, z])])
    expected = {True: "her2_positive", False: "none", None: None}[truth]
    assert classify_subtype(table, definition).classes["subtype"].item() == expected


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"column": "grade"},
        {"one_of": [1]},
        {"column": "grade", "one_of": [1], "all_of": [LEAF["x"]]},
        {"all_of": [LEAF["x"]], "any_of": [LEAF["y"]]},
    ],
)
def test_conditions_have_one_form(bad):
    with pytest.raises(ValueError, match="give column"):
        Condition.model_validate(bad)
