"""The planted interaction with luminal B: where it stands, and that it is found."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ashworth.cohorts import LUMINAL_B, InteractionEffect, preset, simulate
from ashworth.cohorts.hazards import linear_predictor
from ashworth.survival import classify_subtype

REFERENCE = Path(__file__).resolve().parents[2] / "reference"


@pytest.fixture(scope="module")
def validation():
    sys.path.insert(0, str(REFERENCE))
    try:
        import validate_interaction

        yield validate_interaction
    finally:
        sys.path.remove(str(REFERENCE))


def test_only_positive_patients_of_the_class_have_it():
    plain = preset("early_dtc", n_patients=400)
    planted = preset("early_dtc", n_patients=400, interaction_effects=(LUMINAL_B,))
    patients = simulate(plain, 3).tables["patients"]
    counts = np.arange(400) % 3 * 1.0
    inside = (classify_subtype(patients).table()["subtype"] == "luminal_b").fill_null(value=False)
    for which in ("os", "first_event"):
        more = linear_predictor(planted, patients, counts, which) - linear_predictor(
            plain, patients, counts, which
        )
        expected = np.log(getattr(LUMINAL_B, which)) * (inside.to_numpy() & (counts >= 1))
        np.testing.assert_allclose(more, expected, atol=1e-12)
    assert 0 < inside.sum() < 400


def test_the_truth_names_it():
    spec = preset("early_dtc", n_patients=50, interaction_effects=(LUMINAL_B,))
    ratios = simulate(spec, 1).truth["hazard_ratios"]
    assert ratios["os"]["interactions"] == [
        {"subtype": "paddy-luminal-b", "level": "luminal_b", "ratio": 1.45}
    ]


def test_a_strong_interaction_is_found_and_covered(validation):
    effect = InteractionEffect("paddy-luminal-b", "luminal_b", os=3.0, first_event=3.0)
    spec = preset("early_dtc", n_patients=5000, interaction_effects=(effect,))
    found = [validation.one(spec, seed, "idfs") for seed in (1, 2, 3)]
    assert all(f.p_value < 0.01 for f in found)
    assert all(abs(f.log_ratio - np.log(3.0)) < 2.5 * f.error for f in found)
    formula = np.sqrt((1 / found[0].events).sum())
    assert found[0].error == pytest.approx(formula, rel=0.1)
    assert validation.computed_power(3.0, found[0].events) > 0.99
    assert validation.computed_power(1.0, found[0].events) == pytest.approx(0.05)
