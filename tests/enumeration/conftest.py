from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest

HERE = Path(__file__).resolve().parents[2] / "reference" / "enumeration"


@pytest.fixture(scope="session")
def r_values() -> dict[str, np.ndarray]:
    """Values made by reference/enumeration/generate.R."""
    values = defaultdict(list)
    with (HERE / "values.csv").open() as lines:
        for row in csv.DictReader(lines):
            values[row["case"]].append(float(row["value"]))
    return {case: np.array(v) for case, v in values.items()}


@pytest.fixture(scope="session")
def cases() -> dict[str, dict]:
    """The collection's reference cases about counts."""
    document = json.loads((HERE / "cases.json").read_text())
    return {c["id"]: c["values"] for c in document["cases"]}


class Tubes:
    """Small tables, one tube per row."""

    @staticmethod
    def make(rows, *, assay="cellsearch-ctc", matrix="blood", phenotype="ctc", kind="volume_ml"):
        """Rows: patient, timepoint, day, outcome, cells, amount."""
        specimens, runs, counts = [], [], []
        for i, (patient, timepoint, day, outcome, cells, amount) in enumerate(rows):
            key = {"patient_id": patient, "specimen_id": f"s{i}"}
            specimens.append(key | {"matrix": matrix, "timepoint": timepoint, "collected_day": day})
            if outcome is not None:
                runs.append(key | {"run_id": "r", "assay": assay, "outcome": outcome})
            if cells is not None:
                counts.append(
                    key
                    | {"run_id": "r", "phenotype": phenotype, "caller": "reader"}
                    | {"n_cells": cells, kind: amount}
                )
        key = {"patient_id": pl.String, "specimen_id": pl.String}
        run = key | {"run_id": pl.String}
        return (
            pl.DataFrame(
                specimens,
                schema=key
                | {"matrix": pl.String, "timepoint": pl.String, "collected_day": pl.Int64},
            ),
            pl.DataFrame(runs, schema=run | {"assay": pl.String, "outcome": pl.String}),
            pl.DataFrame(
                counts,
                schema=run
                | {"phenotype": pl.String, "caller": pl.String}
                | {"n_cells": pl.Int64, kind: pl.Float64},
            ),
        )


@pytest.fixture(scope="session")
def tubes():
    return Tubes
