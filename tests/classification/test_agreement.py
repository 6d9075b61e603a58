"""Operator and software: matching of boxes, measures of agreement against vcd and print."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ashworth.classification import (
    agreement,
    agreement_of_counts,
    match_events,
    ordinal_agreement,
)
from ashworth.classification import agreement_measures as measures
from ashworth.errors import InputError

REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "classification"
SCALE = ["0", "1+", "2+", "3+"]


@pytest.fixture(scope="module")
def r_values():
    values = defaultdict(list)
    with (REFERENCE / "agreement.csv").open() as lines:
        for row in csv.DictReader(lines):
            values[row["case"]].append(float(row["value"]))
    return {case: np.array(v) for case, v in values.items()}


def cells(*rows, **more):
    """Rows: cell, x, y."""
    return pl.DataFrame(
        rows, schema={"cell_id": pl.String, "x_um": pl.Float64, "y_um": pl.Float64}, orient="row"
    ).with_columns(**{n: pl.Series(v) for n, v in more.items()})


def boxes(*rows, size=10.0, **more):
    """Rows: event, left, top, assigned."""
    names = {"event_id": pl.String, "x_um": pl.Float64, "y_um": pl.Float64, "assigned": pl.Boolean}
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        width_um=pl.lit(size), height_um=pl.lit(size), **{n: pl.Series(v) for n, v in more.items()}
    )


def calls(caller="gates@1", **called):
    return pl.DataFrame(
        [(c, caller, call) for c, call in called.items()],
        schema={"cell_id": pl.String, "caller": pl.String, "call": pl.String}, orient="row",
    )  # fmt: skip


def faults(call, *args, **options):
    with pytest.raises(InputError) as caught:
        call(*args, **options)
    return [(p.table, p.row, p.column, p.found) for p in caught.value.problems]


def pairs(matched):
    return matched.pairs["event_id", "cell_id"].rows()


def test_the_centroid_decides_and_the_edge_belongs_to_the_box():
    found = match_events(
        cells(("in", 5, 5), ("edge", 20, 30), ("out", 10.1, 5)),
        boxes(("1", 0, 0, True), ("2", 20, 20, False), ("3", 90, 90, True)),
    )
    assert pairs(found) == [("1", "in"), ("2", "edge")]
    assert found.events_alone.rows() == [("3", True)]
    assert found.cells_alone["cell_id"].to_list() == ["out"]
    assert (found.n_events, found.n_assigned, found.n_cells) == (3, 2, 3)
    assert_allclose(found.pairs["distance_um"], [0, np.hypot(5, 5)])
    grown = match_events(
        cells(("out", 10.1, 5)), boxes(("1", 0, 0, True)), margin_um=0.2
    )  # fmt: skip
    assert pairs(grown) == [("1", "out")]


def test_two_cells_in_a_box_and_two_boxes_on_a_cell_go_by_the_nearest():
    found = match_events(
        cells(("far", 1, 1), ("near", 4, 5), ("shared", 26, 25)),
        boxes(("1", 0, 0, True), ("2", 20, 20, True), ("3", 22, 20, False)),
    )
    assert dict(pairs(found)) == {"1": "near", "2": "shared"}
    assert found.cells_alone["cell_id"].to_list() == ["far"]
    assert found.events_alone["event_id"].to_list() == ["3"]


def test_a_cell_taken_by_a_nearer_box_leaves_the_next_cell_to_the_other():
    found = match_events(
        cells(("a", 5, 5), ("b", 9, 5)), boxes(("1", 0, 0, True), ("2", 1, 0, True))
    )
    assert dict(pairs(found)) == {"1": "a", "2": "b"}


def test_frames_only_where_fields_are_unrelated():
    where = cells(("a", 5, 5), ("b", 5, 5), frame=[1, 2])
    box = boxes(("1", 0, 0, True), frame=[2])
    assert pairs(match_events(where, box)) == [("1", "a")]
    assert pairs(match_events(where, box, within_frames=True)) == [("1", "b")]


def test_boxes_in_pixels():
    box = pl.DataFrame({"event_id": ["1"], "assigned": [True], "x": [100], "y": [0],
                        "width": [20], "height": [20]})  # fmt: skip
    inside = cells(("a", 70, 6))
    assert pairs(match_events(inside, box, pixel_size_um=0.64)) == [("1", "a")]
    assert pairs(match_events(inside, box, pixel_size_um=1.0)) == []
    assert ("events", None, "x_um", "no such column") in faults(match_events, inside, box)
    with pytest.raises(ValueError, match="pixel_size_um"):
        match_events(inside, box, pixel_size_um=0)


def test_nothing_to_match():
    found = match_events(cells(), boxes())
    assert (found.n_events, found.n_cells, found.table().height) == (0, 0, 0)
    assert match_events(cells(("a", 1, 1)), boxes()).cells_alone.height == 1
    assert match_events(cells(), boxes(("1", 0, 0, True))).events_alone.height == 1


def test_bad_tables_are_named():
    good = cells(("a", 1, 1))
    assert faults(match_events, good.drop("x_um"), boxes()) == [
        ("cells", None, "x_um", "no such column")
    ]
    twice = cells(("a", 1, 1), ("a", 2, np.nan))
    assert faults(match_events, twice, boxes(("1", 0, 0, None))) == [
        ("cells", 3, "y_um", "no finite value"), ("cells", 2, "cell_id", "a repeated id"),
        ("cells", 3, "cell_id", "a repeated id"), ("events", 2, "assigned", "no value"),
    ]  # fmt: skip
    assert faults(match_events, good, boxes(("1", 0, 0, True), size=-1.0))[0][3] == (
        "a negative size"
    )
    runs = cells(("a", 1, 1), ("b", 2, 2), run_id=["1", "2"])
    assert faults(match_events, runs, boxes())[0][3] == "cells of 2 runs"
    assert faults(match_events, good, boxes(), within_frames=True)[0][2] == "frame"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 60)), max_size=25),
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 60), st.booleans()), max_size=15),
)
def test_matching_is_one_to_one_complete_and_stable(points, squares):
    where = cells(*((f"c{i}", x, y) for i, (x, y) in enumerate(points)))
    box = boxes(*((f"e{i}", x, y, a) for i, (x, y, a) in enumerate(squares)))
    found = match_events(where, box)
    for column, alone, n in (("cell_id", found.cells_alone, len(points)),
                             ("event_id", found.events_alone, len(squares))):  # fmt: skip
        names = found.pairs[column].to_list() + alone[column].to_list()
        assert len(names) == len(set(names)) == n
    paired = set(pairs(found))
    place = dict(zip(where["cell_id"], points, strict=True))
    corner = {e: (x, y) for e, (x, y, _) in zip(box["event_id"], squares, strict=True)}

    def inside(e, c):
        (left, top), (x, y) = corner[e], place[c]
        return left <= x <= left + 10 and top <= y <= top + 10

    assert all(inside(e, c) for e, c in paired)
    for e in found.events_alone["event_id"]:
        assert not any(inside(e, c) for c in found.cells_alone["cell_id"])


def compared(**options):
    """Operator and software over seven cells and six events."""
    where = cells(*((c, 20.0 * i + 5, 5.0) for i, c in enumerate("abcdefg")))
    shown = ((c, 20.0 * i, 0.0, c in "abf") for i, c in enumerate("abcdf"))
    shown = [(f"e{c}", 20.0 * "abcdefg".index(c), 0.0, a) for c, _, _, a in shown]
    box = boxes(*shown, ("lost", 900.0, 0.0, True), ("empty", 950.0, 0.0, False))
    called = calls(a="ctc", b="leukocyte", c="ctc", d="leukocyte", e="ctc", f="not_evaluable",
                   g="leukocyte")  # fmt: skip
    return agreement(match_events(where, box), called, **options)


def test_missed_extra_and_not_evaluable_are_kept_apart():
    found = compared()
    assert (found.both, found.missed, found.extra, found.neither) == (1, 2, 2, 2)
    assert (found.n_not_evaluable, found.n) == (1, 7)
    outcome = {(e, c): o for e, c, o in found.listing["event_id", "cell_id", "outcome"].rows()}
    assert outcome == {
        ("ea", "a"): "both", ("eb", "b"): "missed", ("lost", None): "missed",
        ("ec", "c"): "extra", (None, "e"): "extra", ("ed", "d"): "neither",
        ("empty", None): "neither", ("ef", "f"): "not_evaluable",
    }  # fmt: skip
    every = compared(universe="cells")
    assert (every.both, every.missed, every.extra, every.neither) == (1, 2, 2, 3)
    row = found.table().filter(pl.col("measure") == "software_sensitivity")
    assert row["estimate"].to_list() == pytest.approx([1 / 3])
    wider = compared(tumour=("ctc", "leukocyte"))
    assert (wider.both, wider.extra) == (2, 4)


def test_calls_that_do_not_fit_are_refused():
    matched = match_events(cells(("a", 5, 5)), boxes(("1", 0, 0, True)))
    two = pl.concat([calls(a="ctc"), calls("reader", a="leukocyte")])
    assert faults(agreement, matched, two)[0][3] == "gates@1, reader"
    assert agreement(matched, two, caller="reader").missed == 1
    assert faults(agreement, matched, pl.concat([calls(a="ctc")] * 2))[0][3] == (
        "'a' more than once"
    )
    assert faults(agreement, matched, calls(b="ctc"))[0][3] == "no call of cell 'a'"
    assert faults(agreement, match_events(cells(), boxes()), calls())[0][0] == "agreement"
    assert faults(agreement_of_counts, -1, 0, 0.5, 0) == [
        ("agreement", None, "both", "-1"), ("agreement", None, "extra", "0.5")
    ]  # fmt: skip
    with pytest.raises(ValueError, match="universe"):
        agreement(matched, calls(a="ctc"), universe="frames")
    with pytest.raises(ValueError, match="level"):
        agreement_of_counts(1, 1, 1, 1, level=95)


def row_of(found, name):
    return found.table().row(by_predicate=pl.col("measure") == name, named=True)


@pytest.mark.parametrize("case", ["rare", "operator"])
def test_two_by_two_equals_vcd_and_r(r_values, case):
    found = agreement_of_counts(*(int(c) for c in r_values[f"counts_{case}"]))
    kappa = row_of(found, "kappa")
    assert_allclose(
        [kappa["estimate"], kappa["standard_error"]], r_values[f"kappa_{case}"][:2], rtol=1e-12
    )
    names = {"observed_agreement": "observed", "software_sensitivity": "sensitivity",
             "confirmed_share": "confirmed"}  # fmt: skip
    for name, r in names.items():
        got = row_of(found, name)
        assert_allclose(
            [got["estimate"], got["lower"], got["upper"]], r_values[f"{r}_{case}"], rtol=1e-7
        )
    assert_allclose(found.mcnemar_p_value, r_values[f"mcnemar_{case}"], rtol=1e-12)
    adjusted = row_of(found, "prevalence_adjusted_kappa")
    assert adjusted["estimate"] == 2 * row_of(found, "observed_agreement")["estimate"] - 1


@pytest.mark.parametrize("case", ["diagnoses", "her2"])
def test_weighted_kappa_equals_vcd(r_values, case):
    flat = r_values[f"counts_{case}"].astype(int)
    k = int(np.sqrt(flat.size))
    names = [str(i) for i in range(k)]
    first = np.repeat(np.repeat(names, k), flat).tolist()
    second = np.repeat(np.tile(names, k), flat).tolist()
    found = ordinal_agreement(first, second, categories=names)
    kappas = found.table().filter(pl.col("measure") != "observed_agreement")
    got = kappas.select("estimate", "standard_error").to_numpy().ravel()
    assert_allclose(got, r_values[f"kappa_{case}"], rtol=1e-12)
    assert found.counts.drop("first").to_numpy().ravel().tolist() == flat.tolist()
    assert found.n == flat.sum()


def test_numbers_in_print():
    """Fleiss 1981 (diagnoses), Agresti 1990 (spouses), Gwet's overview of irrCAC (abstractors)."""
    diagnoses = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    fleiss = measures.kappa(diagnoses, np.eye(3), 0.95)
    assert (round(fleiss.estimate, 2), round(fleiss.standard_error, 3)) == (0.68, 0.088)
    spouses = np.array([[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]])
    for weighting, estimate, error in (("identity", 0.1293, 0.0686), ("linear", 0.2374, 0.0783)):
        found = measures.kappa(spouses, measures.weights(4, weighting), 0.95)
        assert_allclose([found.estimate, found.standard_error], [estimate, error], atol=6e-5)
    abstractors = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
    found = measures.ac1(abstractors, 0.95)
    assert_allclose([found.estimate, found.standard_error], [0.8493305, 0.04321747], atol=5e-8)
    kappa = measures.kappa(abstractors, np.eye(3), 0.95)
    assert_allclose([kappa.estimate, kappa.standard_error], [0.7964094, 0.05891072], atol=5e-8)


def gwet_error(counts):
    """Standard error of AC1 as Gwet (2008) writes it, for two readers."""
    n, k = counts.sum(), len(counts)
    p = counts / n
    pi = (p.sum(axis=0) + p.sum(axis=1)) / 2
    po, pe = np.trace(p), np.sum(pi * (1 - pi)) / (k - 1)
    g = (po - pe) / (1 - pe)
    first = po * (1 - po)
    second = 4 * (1 - g) * (np.sum(np.diag(p) * (1 - pi)) / (k - 1) - po * pe)
    mean = np.add.outer(pi, pi) / 2
    third = 4 * (1 - g) ** 2 * (np.sum(p * (1 - mean) ** 2) / (k - 1) ** 2 - pe**2)
    return np.sqrt((first - second + third) / (n * (1 - pe) ** 2))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 4), st.data())
def test_ac1_has_gwets_variance(k, data):
    flat = data.draw(st.lists(st.integers(1, 60), min_size=k * k, max_size=k * k))
    counts = np.array(flat, dtype=float).reshape(k, k)
    assert_allclose(measures.ac1(counts, 0.95).standard_error, gwet_error(counts), rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 50)] * 4).filter(any))
def test_swapping_readers_and_classes(counts):
    both, missed, extra, neither = counts
    found = agreement_of_counts(both, missed, extra, neither)
    other = agreement_of_counts(both, extra, missed, neither)
    flipped = agreement_of_counts(neither, extra, missed, both)
    same = ("observed_agreement", "kappa", "prevalence_adjusted_kappa", "ac1")
    for name in same:
        for twin in (other, flipped):
            for part in ("estimate", "standard_error", "lower", "upper"):
                assert_allclose(
                    row_of(found, name)[part], row_of(twin, name)[part], atol=1e-7, equal_nan=True
                )
    assert_allclose(
        row_of(found, "positive_agreement")["estimate"],
        row_of(flipped, "negative_agreement")["estimate"], equal_nan=True,
    )  # fmt: skip
    assert found.mcnemar_p_value == other.mcnemar_p_value


def test_large_sample_limits_cover():
    """2,000 tables of 300 cells: 95 % limits of kappa, AC1 and both specific agreements."""
    p = np.array([[0.25, 0.06], [0.04, 0.65]])
    rng = np.random.default_rng(11)
    functions = (
        lambda t: measures.kappa(t, np.eye(2), 0.95),
        lambda t: measures.ac1(t, 0.95),
        lambda t: measures.specific_agreement(t, 0, 0.95),
        lambda t: measures.specific_agreement(t, 1, 0.95),
    )
    truth = [f(p * 1e6).estimate for f in functions]
    hits = np.zeros(4)
    for flat in rng.multinomial(300, p.ravel(), size=2000):
        for i, f in enumerate(functions):
            got = f(flat.reshape(2, 2).astype(float))
            hits[i] += got.lower <= truth[i] <= got.upper
    assert_allclose(hits / 2000, 0.95, atol=0.025)


def test_measures_that_are_not_defined_are_not_numbers():
    nobody = agreement_of_counts(0, 0, 0, 9)
    assert np.isnan(row_of(nobody, "kappa")["estimate"])
    assert np.isnan(row_of(nobody, "positive_agreement")["estimate"])
    assert np.isnan(row_of(nobody, "software_sensitivity")["lower"])
    assert row_of(nobody, "negative_agreement")["estimate"] == 1.0
    assert nobody.mcnemar_p_value == 1.0
    full = agreement_of_counts(4, 0, 0, 9)
    assert row_of(full, "kappa")["estimate"] == pytest.approx(1.0)
    assert row_of(full, "observed_agreement")["lower"] < 1.0


def test_scores_that_do_not_fit_are_refused():
    assert faults(ordinal_agreement, ["0", "3"], ["0", None], categories=SCALE) == [
        ("scores", 2, "first", "'3'"), ("scores", 2, "second", "None")
    ]  # fmt: skip
    assert faults(ordinal_agreement, ["0"], [], categories=SCALE)[0][3] == "1 and 0 scores"
    with pytest.raises(ValueError, match="each once"):
        ordinal_agreement(["0"], ["0"], categories=["0", "0"])
    with pytest.raises(ValueError, match="level"):
        ordinal_agreement(["0"], ["0"], categories=SCALE, level=2)
