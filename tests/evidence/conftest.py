"""Pinned values and data of the evidence tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

FOLDER = Path(__file__).resolve().parents[2] / "reference" / "evidence"


def load(name: str) -> dict[str, dict[str, Any]]:
    document = json.loads((FOLDER / f"{name}.json").read_text())
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
