"""A quick run of the simulations in reference/validate.py."""

from __future__ import annotations

import importlib.util

import pytest


@pytest.fixture(scope="module")
def simulations(reference):
    spec = importlib.util.spec_from_file_location("validate", reference / "validate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_error_rates_lie_in_their_bands(simulations):
    assert simulations.validate(200) == []


def test_the_band_catches_a_wrong_method(simulations):
    low, high = simulations.band(0.95, 200, 0.01)
    assert not low <= 0.85 <= high
