"""Baujat's axes against metafor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ashworth.errors import EstimationError
from ashworth.evidence import contributions, pool

CASES = json.loads(
    (Path(__file__).parents[2] / "reference" / "evidence" / "contributions.json").read_text()
)
Y, S = [0.45, 0.72, 0.10, 0.55, 1.40], [0.20, 0.25, 0.22, 0.15, 0.30]
TESTS = {"z": "normal", "knha": "hksj"}


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['method']}-{c['test']}")
def test_equals_metafor(case):
    found = contributions(
        pool(Y, S, tau2_method=case["method"], ci_method=TESTS[case["test"]], studies=list("ABCDE"))
    )
    np.testing.assert_allclose(found.contribution, case["x"], rtol=1e-10)
    np.testing.assert_allclose(found.influence, case["y"], rtol=1e-9)
    assert found.table().columns == ["label", "contribution", "influence"]
    assert found.table()["label"].to_list() == list("ABCDE")


def test_influence_is_that_of_pooling_again_by_hand():
    whole = pool(Y, S)
    without = pool(Y[:4], S[:4])
    change = (whole.estimate - without.estimate) ** 2 / without.standard_error**2
    assert contributions(whole).influence[4] == pytest.approx(change, rel=1e-12)


def test_two_studies_are_refused():
    with pytest.raises(EstimationError, match="contributions"):
        contributions(pool(Y[:2], S[:2]))
