"""Faults of arguments: all at once, with place, value, what is allowed, remedy."""

from __future__ import annotations

import math

import pytest

from ashworth import trials
from ashworth.errors import InputError


def columns(caught):
    return {problem.column for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("name", "arguments", "options", "faults"),
    [
        ("fisher_exact_test", (5, 4, -1, 2.5), {"alternative": "smaller"},
         {"events_control", "events_experimental", "n_experimental", "alternative"}),
        ("boschloo_test", ("5", 10, None, 10), {}, {"events_control", "events_experimental"}),
        ("farrington_manning_test", (1, 10, 2, 10), {"null_difference": 1.0, "method": "wald"},
         {"method"}),
        ("farrington_manning_test", (1, 10, 2, 10), {"null_difference": -1.5},
         {"null_difference"}),
        ("two_proportions_z_test", (1, 10, 2, 10), {"null_difference": 0.1},
         {"null_difference"}),
        ("two_proportions_p_values", ([3, 4], [2, 5], [1.5, 0], 3), {"test": "chi"},
         {"test", "events_control", "events_experimental"}),
        ("two_proportions_p_values", ([3, 4], [5, 6, 7], 1, 3), {}, {"events and n"}),
        ("two_proportions_power", (0.0, 1.0, 10.5, 0), {"alpha": 0.7, "sided": 3},
         {"p_control", "p_experimental", "n_control", "n_experimental", "alpha", "sided"}),
        ("two_proportions_power", (0.3, 0.3, 20, 20), {"sided": 1}, {"p_experimental"}),
        ("two_proportions_power", (0.3, 0.4, 4000, 20), {}, {"n_control"}),
        ("boschloo_test", (3, 20, 4, 10**6), {}, {"n_experimental"}),
        ("two_proportions_power", (0.3, 0.2, 20, 20), {"null_difference": 0.1},
         {"null_difference"}),
        ("two_proportions_size", (0.3, 0.3), {"power": 0.01, "ratio": 0, "dropout": 1.0},
         {"p_experimental", "power", "ratio", "dropout"}),
        ("two_proportions_formula", (0.3, math.nan), {"method": "pearson", "alpha": True},
         {"p_experimental", "method", "alpha"}),
        ("two_proportions_formula", (0.3, 0.3), {"method": "pooled", "null_difference": 0.1},
         {"null_difference"}),
        ("two_proportions_detectable", (1.2, 10, 10), {"alternative": "auto", "test": "wald"},
         {"p_control", "alternative", "test"}),
        ("fisher_conditional_power", (5, 4, 1, 10, 20, 8), {"alternative": "lower",
                                                           "p_control": 2},
         {"events_control", "n_experimental", "alternative", "p_control"}),
        ("fisher_predictive_power", (1, 4, 1, 10, 20, 20),
         {"alternative": "less", "prior_control": (0, 1), "prior_experimental": 3},
         {"prior_control", "prior_experimental"}),
        ("miettinen_nurminen_interval", (5, 4, 1, 10), {"measure": "risk", "level": 95},
         {"events_control", "measure", "level"}),
        ("misclassified_clearance", (0.5, 0.3), {}, {"sensitivity"}),
        ("misclassified_clearance", (0.5, 0.3), {"sensitivity": 0.9, "volume_ml": 7.5},
         {"sensitivity"}),
        ("misclassified_clearance", (0.5, 2), {"cells_per_ml": 0.1, "recovery": 0},
         {"p_experimental", "volume_ml", "recovery"}),
        ("misclassified_clearance", (0.5, 0.3), {"sensitivity": 0.4, "specificity": 0.5},
         {"specificity"}),
        ("simon_two_stage", (0.3, 0.1), {"alpha": 0.6, "beta": 0, "n_most": 1},
         {"p1", "alpha", "beta", "n_most"}),
        ("single_arm_size", (0.1, 0.3), {"beta": 0.96}, {"beta"}),
    ],
)  # fmt: skip
def test_all_faults_at_once(name, arguments, options, faults):
    with pytest.raises(InputError) as caught:
        getattr(trials, name)(*arguments, **options)
    assert columns(caught) == faults
    assert all(p.found and p.allowed and p.remedy for p in caught.value.problems)


@pytest.mark.parametrize(
    ("shares", "null", "alternative"),
    [((0.15, 0.30), 0.10, "auto"), ((0.30, 0.15), -0.10, "auto"), ((0.2, 0.2), 0.1, "greater"),
     ((0.2, 0.4), 0.1, "less")],
)  # fmt: skip
def test_a_margin_in_the_wrong_direction(shares, null, alternative):
    for size in (trials.two_proportions_size, trials.two_proportions_formula):
        named = {"test": "farrington_manning"} if "size" in size.__name__ else {
            "method": "farrington_manning"}  # fmt: skip
        with pytest.raises(InputError, match="points the wrong way") as caught:
            size(*shares, sided=1, null_difference=null, alternative=alternative, **named)
        assert columns(caught) == {"null_difference"}


def test_superiority_by_a_margin_names_its_side():
    margin = {"null_difference": 0.1, "alternative": "greater", "test": "farrington_manning"}
    found = trials.two_proportions_size(0.2, 0.6, sided=1, **margin)
    assert found.alternative == "greater"
    assert found.power_integer >= 0.8
