"""Interim looks: plans, crossings, the recursion beside the simulation, type I error."""

from __future__ import annotations

import numpy as np
import pytest

from ashworth.definitions.protocols.analyses import Looks
from ashworth.errors import InputError
from ashworth.trials import simulate_survival, survival_design
from ashworth.trials.simulation.look_plans import (
    BENEFIT,
    FUTILITY,
    HARM,
    NONE,
    expected_looks,
    first_crossings,
    plan_looks,
)

THIRDS = (1 / 3, 2 / 3, 1.0)
REFERENCE = {
    "n": 800, "accrual_months": 24.0, "follow_up_months": 120.0, "drop_out_per_month": 0.005,
    "control_per_month": (0.06, 0.04), "control_from_month": (0.0, 6.0),
}  # fmt: skip


def plan_of(events=500, alpha=0.025, sided=1, power=0.9, **looks):
    return plan_looks(
        Looks(**{"fractions": THIRDS, "spending": "obrien_fleming", **looks}), alpha=alpha,
        sided=sided, power=power, planned_events=events, expected_events=500.0,
    )  # fmt: skip


def test_bounds_of_the_reference_design():
    plan = plan_of()
    assert plan.events == (167, 333, 500)
    assert plan.design.upper_z == pytest.approx(
        (3.7103028733, 2.5114274813, 1.9930474778), rel=1e-9
    )
    assert np.isneginf(plan.lower_z).all()
    assert plan.assumed == ()


def test_what_the_protocol_does_not_tell_is_said():
    plan = plan_looks(
        Looks(number=4), alpha=0.05, sided=2, power=None, planned_events=None, expected_events=108.4
    )
    assert plan.events == (27, 54, 81, 0)
    said = " ".join(plan.assumed)
    for word in ("4 equally spaced", "O'Brien", "108 events expected"):
        assert word in said


def test_where_each_trial_ends():
    plan = plan_of(futility="pocock")
    upper, lower = np.array(plan.design.upper_z), plan.lower_z
    assert np.isfinite(lower[:2]).all()
    assert np.isneginf(lower[2])
    between = (np.maximum(lower, -1.0) + upper) / 2
    z = np.array([
        [upper[0], 0.0, 0.0],
        [between[0], upper[1] + 1, -3.0],
        [lower[0] - 0.01, 5.0, 5.0],
        [between[0], between[1], upper[2]],
        [between[0], between[1], upper[2] - 0.01],
        [between[0], lower[1] - 0.01, 9.0],
    ])  # fmt: skip
    look, outcome = first_crossings(z, plan)
    assert look.tolist() == [0, 1, 0, 2, 2, 1]
    assert outcome.tolist() == [BENEFIT, BENEFIT, FUTILITY, BENEFIT, NONE, FUTILITY]
    _, ignoring = first_crossings(z, plan, heed_futility=False)
    assert ignoring.tolist() == [BENEFIT, BENEFIT, BENEFIT, BENEFIT, NONE, BENEFIT]


def test_harm_ends_a_two_sided_trial():
    plan = plan_of(sided=2, alpha=0.05)
    z = np.array([[-4.0, 0.0, 0.0], [0.0, 0.0, -2.5]])
    look, outcome = first_crossings(z, plan)
    assert (look.tolist(), outcome.tolist()) == ([0, 2], [HARM, HARM])


@pytest.mark.parametrize(
    ("effect", "looks", "sided"),
    [
        ({"hazard_ratio": 0.75}, {}, 1),
        ({"hazard_ratio": 1.0}, {}, 1),
        ({"hazard_ratio": 0.8}, {"futility": "hwang_shih_decani", "futility_gamma": -2.0}, 1),
        ({"hazard_ratio": (1.0, 0.6), "hazard_ratio_from_month": (0.0, 6.0)},
         {"spending": "kim_demets", "rho": 2.0}, 1),
        ({"hazard_ratio": 0.9}, {"spending": "pocock"}, 2),
    ],
)  # fmt: skip
def test_crossings_agree_with_the_recursion(effect, looks, sided):
    plan = plan_of(sided=sided, alpha=0.025 * sided, **looks)
    design = survival_design(**REFERENCE, **effect, looks=plan.events)
    found = simulate_survival(design, replicates=20_000, seed=8, estimate=False)
    look, outcome = first_crossings(-found.column("statistic"), plan)
    theory = expected_looks(design, plan, 800)
    below = HARM if sided == 2 else FUTILITY
    for k in range(plan.number):
        for how, expected in ((BENEFIT, theory.upward[k]), (below, theory.downward[k])):
            share = ((look == k) & (outcome == how)).mean()
            assert abs(share - expected) < 4.5 * np.sqrt(max(expected, 1e-4) / 20_000)
    assert found.column("day").mean(axis=0) == pytest.approx(theory.days, rel=0.01)


@pytest.mark.parametrize(
    "looks",
    [{"fractions": "unknown"}, {"spending": "hwang_shih_decani"}, {"spending": "kim_demets"},
     {"fractions": (0.5, 0.4, 1.0)}, {"fractions": (0.5, 0.9)}],
)  # fmt: skip
def test_looks_that_cannot_be_are_refused(looks):
    with pytest.raises(InputError):
        plan_of(**looks)


def test_too_few_events_for_the_looks():
    with pytest.raises(InputError, match="events"):
        plan_of(events=3, fractions=(0.1, 0.2, 0.5, 1.0))
