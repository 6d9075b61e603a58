"""Every kind of analysis that a study file may ask for has its work, and a test that runs it."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import polars as pl
import pytest

from ashworth.errors import EstimationError
from ashworth.workflows.study.analyses.context import demand_groups
from ashworth.workflows.study.analysis_settings import REQUESTS

HERE = Path(__file__).parent


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_kind_can_be_run(kind):
    module = importlib.import_module(f"ashworth.workflows.study.analyses.{kind}")
    assert callable(module.run)


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_kind_is_run_by_a_test(kind):
    texts = (p.read_text() for p in HERE.glob("test_*.py") if p.name != Path(__file__).name)
    assert any(re.search(rf"""["']{kind}["']""", text) for text in texts)


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        (["a", "b"] * 3, False),
        ([f"centre {i // 3}" for i in range(30)], False),
        ([f"centre {i // 2}" for i in range(30)], True),
        ([40.0 + i % 60 for i in range(600)], True),
        ([1, 2, 3] * 4, False),
    ],
)
def test_a_measurement_names_no_groups(values, refused):
    column = pl.Series(values)
    if refused:
        with pytest.raises(EstimationError, match="name a column of centres"):
            demand_groups(column, "by")
    else:
        demand_groups(column, "by")
