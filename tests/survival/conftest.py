"""Pinned values and data of the survival tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "reference" / "survival"


def load_values() -> dict[str, dict[str, Any]]:
    document = json.loads((FOLDER / "values.json").read_text())
    return {v["id"]: v for v in document["values"]}


def load_cases() -> dict[str, dict[str, Any]]:
    document = json.loads((FOLDER / "cases.json").read_text())
    return {c["id"]: c["values"] for c in document["cases"]}


def load_data(name: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / "data" / f"{name}.csv")


def close(found: Any, expected: Any, rtol: float = 1e-10, atol: float = 1e-13) -> None:
    """Compare with a reference; null in the reference is NaN here."""
    want = np.array([np.nan if v is None else v for v in np.atleast_1d(expected)], dtype=float)
    np.testing.assert_allclose(np.atleast_1d(found), want, rtol=rtol, atol=atol)


@pytest.fixture(scope="session")
def values() -> dict[str, dict[str, Any]]:
    return load_values()


@pytest.fixture(scope="session")
def cases() -> dict[str, dict[str, Any]]:
    return load_cases()


@pytest.fixture(scope="session")
def cohort() -> pl.DataFrame:
    return load_data("cohort")


@pytest.fixture(scope="session")
def lung() -> pl.DataFrame:
    return load_data("lung")


@pytest.fixture(scope="session")
def gbsg2() -> pl.DataFrame:
    return load_data("gbsg2")
