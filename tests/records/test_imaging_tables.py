"""The tables of cells and calls: their schemas, and the rules that tie them to runs."""

from __future__ import annotations

import polars as pl
import pytest

from ashworth.errors import InputError
from ashworth.records import blank, key_of, read_tables, validate
from ashworth.records.schemas import specs

RUN = {"patient_id": "P1", "specimen_id": "S1", "run_id": "1"}
CELL = RUN | {"cell_id": "1-1"}
CALL = CELL | {"caller": "gates@1", "call": "ctc", "score": 0.9, "reasons": "ck high"}


def cells(**columns):
    return pl.DataFrame([CELL | columns])


def calls(**columns):
    return pl.DataFrame([CALL | columns])


def study(**tables):
    base = {
        "patients": pl.DataFrame({"patient_id": ["P1"]}),
        "specimens": pl.DataFrame(
            {"patient_id": ["P1"], "specimen_id": ["S1"], "matrix": ["blood"],
             "timepoint": ["baseline"], "collected_day": [0]}
        ),
        "assay_runs": pl.DataFrame([RUN | {"assay": "cellsearch-ctc", "outcome": "failed"}]),
    }  # fmt: skip
    return read_tables(base | tables)


def problems(**tables):
    with pytest.raises(InputError) as caught:
        study(**tables)
    return [(p.table, p.row, p.column, p.found) for p in caught.value.problems]


def test_keys_and_wide_columns():
    assert key_of("cells") == ("patient_id", "specimen_id", "run_id", "cell_id")
    assert key_of("calls") == (*key_of("cells"), "caller")
    wide = {f"{p}_{m}" for p in ("dapi", "ck", "cd45", "her2")
            for m in ("mean", "peak", "background")}  # fmt: skip
    assert wide <= set(specs("cells"))
    assert not any(specs("cells")[n].required for n in wide)


def test_only_the_key_and_the_call_are_needed():
    assert validate(pl.DataFrame([CELL]), "cells") == []
    assert validate(calls().drop("score", "reasons"), "calls") == []
    assert [p.column for p in validate(calls().drop("call"), "calls")] == ["call"]


def test_a_mean_below_the_background_is_a_measurement_and_features_may_follow():
    table = cells(frame=3, ck_mean=-0.4, border=True, ck_MeanIntensity=12.5, dapi_Size=40.0)
    assert validate(table, "cells") == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("frame", -1), ("area_um2", -0.1), ("nuclei", -1), ("ck_mean", float("nan")),
     ("diameter_um", float("inf"))],
)  # fmt: skip
def test_values_that_no_cell_has(column, value):
    assert [p.column for p in validate(cells(**{column: value}), "cells")] == [column]


@pytest.mark.parametrize(("column", "value"), [("call", "tumour"), ("score", 1.01)])
def test_values_that_no_call_has(column, value):
    assert [p.column for p in validate(calls(**{column: value}), "calls")] == [column]


def test_a_cell_stands_once_and_a_call_once_per_caller():
    twice = pl.concat([cells(), cells()])
    assert [p.found for p in validate(twice, "cells")] == ["'P1, S1, 1, 1-1' in rows 2, 3"] * 2
    two_callers = pl.concat([calls(), calls(caller="reader A")])
    assert validate(two_callers, "calls") == []


def test_cells_and_calls_come_through_a_study_and_through_text(tmp_path):
    path = tmp_path / "cells.csv"
    cells(frame=3, ck_mean=-0.5, saturated=False, ck_MeanIntensity=1.5).write_csv(path)
    read = study(cells=path, calls=calls())
    assert read["cells"]["ck_mean", "saturated"].rows() == [(-0.5, False)]
    assert read.reads["cells"].ignored_columns == ("ck_MeanIntensity",)
    assert read["calls"].schema == blank("calls").schema


def test_a_cell_needs_its_run_and_a_call_its_cell():
    assert problems(cells=cells(run_id="2")) == [("cells", 2, "run_id", "run '2' of specimen 'S1'")]
    assert problems(cells=cells(), calls=calls(cell_id="9-9")) == [
        ("calls", 2, "cell_id", "cell '9-9' of run '1'")
    ]
    assert study(calls=calls(cell_id="9-9"))["calls"].height == 1
    strange = problems(cells=cells(specimen_id="S7"))
    assert ("cells", 2, "specimen_id", "'S7' of patient 'P1'") in strange
