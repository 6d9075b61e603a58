"""Workflows of randomisation and the validation kit."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import polars as pl
import pytest

from ashworth.errors import InputError
from ashworth.storage.allocations import ROLES
from ashworth.trials import allocation_scheme
from ashworth.workflows.randomise import validation
from ashworth.workflows.randomise.steps import (
    allocate_next,
    correct_allocation,
    export_allocations,
    open_randomisation,
    scheme_metrics,
    set_role,
    unblind,
    verify_randomisation,
)
from ashworth.workflows.randomise.validation import CHECKS, installation_check, requirements

ROOT = Path(__file__).parents[2]


def shown(result) -> str:
    json.dumps(result.to_dict(), allow_nan=False)
    return "\n".join(result.lines())


def test_a_trial_from_opening_to_export(tmp_path):
    key, where = tmp_path / "key", str(tmp_path / "log.sqlite")
    scheme = allocation_scheme("permuted_blocks", ["a", "b"], factors={"site": ["x", "y"]},
                               strata=["site"])  # fmt: skip
    head = open_randomisation(where, scheme, key=key, make_key=True, who="me",
                              protocol={"id": "p", "version": "1", "hash": "h"},
                              roles={role: ["me"] for role in ROLES}, rehearsal=True)  # fmt: skip
    assert "rehearsal" in shown(head)
    arms = {}
    for i in range(4):
        made = allocate_next(where, f"P{i}", {"site": "x"}, who="me", request_id=str(i),
                             eligibility={"verdict": "eligible"}, key=key)  # fmt: skip
        assert shown(made) == f"P{i}: {made.arm}"
        arms[f"P{i}"] = made.arm
    assert sorted(arms.values()) == ["a", "a", "b", "b"]
    assert unblind(where, "P2", reason="emergency", who="me", key=key).arm == arms["P2"]
    shown(correct_allocation(where, 2, field="site", value="y", reason="typed", who="me", key=key))
    shown(set_role(where, "you", "see", granted=True, reason="new", who="me", key=key))
    seen = export_allocations(where, reason="analysis", who="you", key=key, out=tmp_path / "a.csv")
    assert "4 allocations" in shown(seen)
    table = pl.read_csv(tmp_path / "a.csv")
    assert dict(zip(table["patient_id"], table["arm"], strict=True)) == arms
    found = verify_randomisation(where, anchor=head.head, who="me", key=key)
    assert found.valid
    assert "every arm drawn anew, the anchor" in shown(found)
    bare = verify_randomisation(where, with_key=False)
    assert bare.valid
    assert "not checked without the key" in shown(bare)
    with pytest.raises(InputError, match="new file"):
        export_allocations(where, reason="again", who="you", key=key, out=tmp_path / "a.csv")


def test_metrics_say_that_they_are_simulated():
    made = scheme_metrics(allocation_scheme("simple", ["a", "b"]), 20, replicates=200)
    assert "200 simulated sequences of 20 patients" in shown(made)


def test_installation_passes_its_check():
    made = installation_check()
    assert made.passed, shown(made)
    assert {row.requirement for row in made.rows} == {r["id"] for r in requirements() if r["check"]}


def test_installation_check_notices_a_wrong_number(monkeypatch):
    monkeypatch.setitem(validation.GUESSES, 4, 0.7)
    rows = list(validation._guesses(None))
    assert [row.verdict for row in rows] == [True, False, True, True]


def test_every_requirement_has_tests_that_exist():
    for entry in requirements():
        assert entry["check"] is None or entry["check"] in CHECKS
        assert entry["tests"], entry["id"]
        for place in entry["tests"]:
            file, name = place.split("::")
            tree = ast.parse((ROOT / file).read_text("utf-8"))
            assert name in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}, place
    assert set(CHECKS) == {r["check"] for r in requirements() if r["check"]}
