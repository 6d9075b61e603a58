"""Every kind of analysis that a study file may ask for has its work, and a test that runs it."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

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
