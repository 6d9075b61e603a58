"""Calls by gates, the leukocytes that they are relative to, and what makes a cell not evaluable."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.classification import call_cells, find_leukocytes
from ashworth.classification.gates import decide, names_of
from ashworth.classification.relative import MEANING, relative_features
from ashworth.definitions import load

KINDS = {
    # kind: nucleus_um2, dapi, ck, cd45, overlay
    "leukocyte": (45.0, 300.0, 3.0, 90.0, 0.0),
    "unclassified_nucleus": (45.0, 280.0, 0.3, 0.2, 0.0),
    "ctc": (70.0, 250.0, 300.0, 0.1, 1.0),
    "doublet": (80.0, 300.0, 250.0, 120.0, 1.0),
    "ck_without_nucleus": (0.0, 0.0, 150.0, 0.1, 0.0),
}
RULE = load("call_rule", "ctc-epithelial")


def cells_of(numbers: dict[str, int], seed: int = 1) -> pl.DataFrame:
    """Cells with the columns that imaging gives, spread around their kind's values."""
    rng = np.random.default_rng(seed)
    rows = []
    for kind, n in numbers.items():
        nucleus, dapi, ck, cd45, overlay = KINDS[kind]
        for _ in range(n):
            spread = np.exp(rng.normal(0, 0.2, 4))
            rows.append(
                {
                    "kind": kind,
                    "nucleus_um2": nucleus * spread[0],
                    "diameter_um": 12.0,
                    "nuclear_share": 0.6 if nucleus else 0.0,
                    "dapi_mean": dapi * spread[1],
                    "dapi_nucleus_mean": dapi * spread[1] if nucleus else None,
                    "ck_mean": ck * spread[2] + rng.normal(0, 0.5),
                    "ck_nucleus_mean": ck * spread[2] if nucleus else None,
                    "cd45_mean": cd45 * spread[3] + rng.normal(0, 0.5),
                    "dapi_Overlay_ck": overlay,
                    "ck_granularity": 0.35,
                    "dapi_speckle": 1.5,
                    "dapi_P2A": 1.1 if nucleus else None,
                }
            )
    table = pl.DataFrame(rows, infer_schema_length=None)
    fixed = {f"{p}_noise": pl.lit(1.2) for p in ("dapi", "ck", "cd45")}
    fixed |= {f"{p}_saturated_share": pl.lit(0.0) for p in ("dapi", "ck", "cd45")}
    return table.with_columns(cell_id=pl.int_range(pl.len()).cast(pl.String), **fixed)


MIX = {"leukocyte": 200, "unclassified_nucleus": 120, "ctc": 12, "doublet": 4,
       "ck_without_nucleus": 9}  # fmt: skip


def test_every_kind_is_called_by_its_name():
    cells = cells_of(MIX)
    called = call_cells(cells)
    wrong = cells.select("kind").with_columns(called.calls).filter(pl.col("kind") != pl.col("call"))
    assert wrong.is_empty(), wrong
    assert called.evaluable
    assert called.leukocytes.n == 200
    assert (called.calls["score"] >= 0.5).all()


@settings(deadline=None, max_examples=25)
@given(
    st.tuples(*[st.floats(0.1, 10.0)] * 3),
    st.integers(0, 50),
)
def test_gain_changes_no_call(gains, seed):
    cells = cells_of(MIX, seed)
    scaled = cells.with_columns(
        pl.col(f"^{p}_(mean|nucleus_mean|noise)$") * g
        for p, g in zip(("dapi", "ck", "cd45"), gains, strict=True)
    )
    before, after = call_cells(cells).calls, call_cells(scaled).calls
    assert before["call"].equals(after["call"])
    assert np.allclose(before["score"], after["score"], rtol=1e-6)


def test_tumour_cells_and_doublets_do_not_shift_the_reference():
    clean = find_leukocytes(cells_of({"leukocyte": 200}), RULE.leukocytes)
    mixed = find_leukocytes(
        cells_of({"leukocyte": 200, "doublet": 30, "ctc": 400}), RULE.leukocytes
    )
    assert mixed.n == clean.n == 200
    assert mixed.ck_upper == pytest.approx(clean.ck_upper, rel=0.05)


@pytest.mark.parametrize("prefix", ["dapi", "ck", "cd45"])
def test_a_missing_channel_makes_every_cell_not_evaluable(prefix):
    cells = cells_of(MIX)
    cells = cells.drop(c for c in cells.columns if c.startswith(f"{prefix}_"))
    called = call_cells(cells)
    assert not called.evaluable
    assert set(called.calls["call"]) == {"not_evaluable"}
    assert "channel missing" in called.reason


def test_without_leukocytes_nothing_is_evaluable():
    called = call_cells(cells_of({"unclassified_nucleus": 200, "ctc": 20}))
    assert not called.evaluable
    assert set(called.calls["call"]) == {"not_evaluable"}
    assert called.reason == "0 leukocytes, the rule needs 20"


def test_a_cartridge_without_any_cell_is_not_evaluable():
    called = call_cells(cells_of({"leukocyte": 1}).clear())
    assert not called.evaluable
    assert called.calls.is_empty()


def test_a_missing_value_never_passes_a_gate():
    features = {name: np.array([v]) for name, v in RULE.cases[0].given.features.items()}
    assert names_of(decide(features, RULE)[0], RULE) == ["ctc"]
    for name in ("cd45_of_leukocytes", "ck_over_leukocytes", "nucleus_on_ck"):
        lacking = features | {name: np.array([np.nan])}
        assert names_of(decide(lacking, RULE)[0], RULE) == ["not_evaluable"]


def test_reasons_name_the_gates_and_what_kept_a_cell_from_being_a_tumour_cell():
    cells = cells_of(MIX)
    table = cells.select("kind").with_columns(call_cells(cells).calls)
    ctc = table.filter(pl.col("kind") == "ctc")["reasons"][0]
    assert "ck_over_leukocytes" in ctc
    assert "cd45_of_leukocytes" in ctc
    leukocyte = table.filter(pl.col("kind") == "leukocyte")["reasons"][0]
    assert "not ctc: ck_over_leukocytes" in leukocyte


def test_cells_of_one_body_form_a_cluster():
    cells = cells_of({"leukocyte": 100, "ctc": 5}).with_columns(
        frame=pl.lit(7), body_id=pl.Series([0] * 100 + [3, 3, 3, 4, 5])
    )
    clusters = call_cells(cells).calls["cluster_id"].to_list()[100:]
    assert clusters == ["0007-c3"] * 3 + [None, None]


def test_every_relative_feature_has_a_meaning():
    cells = cells_of(MIX)
    leukocytes = find_leukocytes(cells, RULE.leukocytes)
    assert set(relative_features(cells, leukocytes)) == set(MEANING)
    used = {gate.feature for row in RULE.classes for gate in row.gates}
    assert used <= set(MEANING)


@pytest.mark.parametrize("trace", [10.0, 30.0])
def test_many_tumour_cells_with_a_trace_of_cd45_do_not_take_over_the_reference(trace):
    cells = cells_of({"leukocyte": 60, "unclassified_nucleus": 40, "ctc": 500})
    tumour = pl.col("kind") == "ctc"
    cells = cells.with_columns(
        cd45_mean=pl.when(pl.col("kind") == "leukocyte").then(pl.col("cd45_mean") * 4)
        .when(tumour).then(pl.col("cd45_mean") + trace).otherwise("cd45_mean")
    )  # fmt: skip
    called = call_cells(cells)
    assert called.evaluable
    assert called.leukocytes.n <= 60
    found = cells.select("kind").with_columns(called.calls)
    assert (found.filter(tumour)["call"] == "ctc").mean() > 0.99


def test_tumour_cells_alone_are_no_leukocytes():
    cells = cells_of({"ctc": 300}).with_columns(pl.col("cd45_mean") + 30)
    called = call_cells(cells)
    assert not called.evaluable


@pytest.mark.parametrize("times", [2, 4, 6])
def test_nuclei_without_cd45_raise_the_limit_of_cytokeratin(times):
    cells = cells_of({"leukocyte": 300, "unclassified_nucleus": 240, "ctc": 5})
    brighter = pl.col("kind") == "unclassified_nucleus"
    cells = cells.with_columns(
        pl.when(brighter)
        .then(pl.lit(3.0 * times) * pl.col("dapi_mean") / 280)
        .otherwise(c)
        .alias(c)
        for c in ("ck_mean", "ck_nucleus_mean")
    ).with_columns(dapi_Overlay_ck=pl.when(brighter).then(1.0).otherwise("dapi_Overlay_ck"))
    found = cells.select("kind").with_columns(call_cells(cells).calls)
    assert (found.filter(brighter)["call"] == "ctc").mean() <= 0.005
    assert (found.filter(pl.col("kind") == "ctc")["call"] == "ctc").all()


def test_a_cluster_over_a_seam_is_one():
    cells = cells_of({"leukocyte": 100, "ctc": 4}).with_columns(
        frame=pl.Series([1] * 100 + [1, 2, 1, 2]),
        body_id=pl.Series([0] * 100 + [3, 5, 6, 7]),
        border=pl.Series([False] * 100 + [True, True, True, True]),
        x_um=pl.Series([0.0] * 100 + [880.0, 892.0, 300.0, 900.0]),
        y_um=pl.Series([0.0] * 100 + [50.0, 50.0, 500.0, 500.0]),
    )
    assert call_cells(cells).calls["cluster_id"].to_list()[100:] == [
        "0001-c3",
        "0001-c3",
        None,
        None,
    ]


def test_saturated_tumour_cells_are_no_artefacts():
    cells = cells_of(MIX).with_columns(
        pl.when(pl.col("kind") == "ctc").then(0.6).otherwise(0.0).alias(f"{p}_saturated_share")
        for p in ("dapi", "ck")
    )
    found = cells.select("kind").with_columns(call_cells(cells).calls)
    assert (found.filter(pl.col("kind") == "ctc")["call"] == "ctc").all()
