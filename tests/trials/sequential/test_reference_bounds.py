"""Bounds, crossing probabilities, inflation and expected information against other programs."""

from __future__ import annotations

import numpy as np
import pytest

from ashworth.trials import (
    TrialCourse,
    error_spending,
    group_sequential,
    hazard_of_survival,
    sequential_events,
    time_of_events,
)

from .conftest import MADE, PRECISE, design_of

QUANTITIES = {
    "z": lambda d: d.upper_z,
    "lower_z": lambda d: d.lower_z,
    "nominal_p": lambda d: d.nominal_p,
    "stageLevels": lambda d: d.nominal_p,
    "spend": lambda d: np.diff(d.alpha_spent, prepend=0.0),
    "inflation": lambda d: d.inflation,
    "I": lambda d: d.information,
    "cross_H0": lambda d: d.upper_null,
    "cross_H1": lambda d: d.upper_alternative,
    "EN": lambda d: (d.expected_null, d.expected_alternative),
    "delta": lambda d: d.drift / d.inflation**0.5,
}
ENTRIES = [k for k in MADE if k.startswith("gs.") and not k.endswith("_asn")]


@pytest.mark.parametrize("name", PRECISE)
def test_bounds_equal_an_independent_recursion(name):
    assert design_of(name).upper_z == pytest.approx(PRECISE[name], abs=1e-12)


def test_every_entry_equals_gsdesign():
    """Tolerance of those programs: they differ from each other by up to 5e-7."""
    assert len(ENTRIES) == 150
    for name in ENTRIES:
        found = QUANTITIES[name.rsplit(".", 1)[1]](design_of(name))
        assert found == pytest.approx(MADE[name], rel=0, abs=1e-6), name


@pytest.mark.parametrize("family", ["asOF", "asP", "OF", "WT"])
def test_expected_information_equals_rpact(family):
    made = MADE[f"gs.rpact.{family}.k3.a0.025.inflation_asn"]
    design = design_of(f"gs.rpact.{family}.k3")
    found = [design.inflation, design.expected_alternative, design.expected_halfway,
             design.expected_null, design.drift**2]  # fmt: skip
    keys = ("inflation", "asnH1", "asnH01", "asnH0", "shift")
    assert found == pytest.approx([made[k] for k in keys], abs=1e-7)


@pytest.mark.parametrize("name", [k for k in MADE if k.startswith("spend.")])
def test_spending_equals_gsdesign(name):
    family = "obrien_fleming" if "LDOF" in name else "pocock"
    spent = error_spending([float(name.rsplit(".t", 1)[1])], family=family)
    assert spent.cumulative[-1] == pytest.approx(MADE[name], rel=1e-12)


def test_events_equal_gssurv():
    """That call's tolerance is wider (its bounds differ from gsDesign's own by 1e-4)."""
    design = group_sequential(3, futility="hwang_shih_decani", futility_gamma=-2)
    made = MADE["gsSurv.LDOF.hr.75"]
    found = sequential_events(design, fixed_events=506.7121010)
    assert found.events == pytest.approx(made["events"], rel=1e-4)
    course = TrialCourse(control_median=12.0, hazard_ratio=0.75, accrual_duration=24.0,
                         follow_up=18.0, dropout_hazard=hazard_of_survival(0.95, 12.0))  # fmt: skip
    months = [time_of_events(course, d, made["n"][-1]) for d in made["events"]]
    assert months == pytest.approx(made["T"], rel=1e-6)
    assert design.lower_z == pytest.approx(made["zL"], abs=2e-3)
    assert design.upper_z == pytest.approx(made["zU"], abs=1e-4)
