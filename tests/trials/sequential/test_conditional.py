"""Conditional and predictive power against gsDesign, closed forms and simulated paths."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ashworth.errors import InputError
from ashworth.trials import conditional_crossing, conditional_power, group_sequential

from .conftest import MADE

B_VALUE = re.compile(r"cp\.Bvalue\.z([\d.]+)\.t([\d.]+)$")
CROSSING = re.compile(r"cp\.gsDesign\.LDOF3\.i(\d)\.z([\d.]+)$")
THETA = re.compile(r"cp\.theta\.i(\d)\.z([\d.]+)$")


def numbers(pattern):
    found = [(k, pattern.match(k)) for k in MADE]
    return [(k, *map(float, m.groups())) for k, m in found if m]


@pytest.mark.parametrize(("name", "z", "t"), numbers(B_VALUE))
def test_conditional_power_equals_the_closed_form(name, z, t):
    made = MADE[name]
    found = conditional_power(z, t, drift=3.241515550084655)
    assert found.null == pytest.approx(made["null"], rel=1e-12)
    assert found.trend == pytest.approx(made["trend"], rel=1e-12)
    assert found.planned == pytest.approx(made["design90"], rel=1e-12)
    assert found.predictive == pytest.approx(made["predictive_flat"], rel=1e-12)


@pytest.mark.parametrize(("name", "look", "z"), numbers(CROSSING))
def test_conditional_crossing_equals_gsdesign(name, look, z):
    found = conditional_crossing(group_sequential(3), int(look), z)
    rows = np.array(MADE[name]).reshape(-1, 3)
    assert np.column_stack([found.trend, found.null, found.planned]) == pytest.approx(
        rows, abs=1e-6
    )


@pytest.mark.parametrize(("name", "look", "z"), numbers(THETA))
def test_drifts_are_those_of_gsdesign(name, look, z):
    design = group_sequential(3)
    trend = z / design.information[int(look) - 1] ** 0.5
    planned = design.drift / design.inflation**0.5
    assert [trend, 0, planned] == pytest.approx(MADE[name], rel=1e-6, abs=1e-12)


def test_one_look_left_is_the_b_value():
    design = group_sequential(information_fractions=[0.5, 1.0], efficacy="pocock")
    later = conditional_crossing(design, 1, 1.3, drift=2.0, prior_mean=1.0, prior_sd=0.7)
    plain = conditional_power(1.3, 0.5, critical_value=design.upper_z[-1], drift=2.0,
                              prior_mean=1.0, prior_sd=0.7)  # fmt: skip
    assert later.given == pytest.approx([plain.planned], rel=1e-12)
    assert later.trend == pytest.approx([plain.trend], rel=1e-12)
    assert later.predictive == pytest.approx([plain.predictive], rel=1e-12)


def test_averaged_over_the_first_look_conditional_crossing_is_unconditional():
    """Law of total probability, by quadrature over the first z inside its bounds."""
    design = group_sequential(4, efficacy="pocock", futility="pocock", binding=True)
    points, weights = np.polynomial.legendre.leggauss(60)
    low, high = design.lower_z[0], design.upper_z[0]
    z = (low + high) / 2 + (high - low) / 2 * points
    mean = design.drift * design.information_fractions[0] ** 0.5
    density = np.exp(-0.5 * (z - mean) ** 2) / np.sqrt(2 * np.pi) * weights * (high - low) / 2
    rows = np.array([conditional_crossing(design, 1, float(x)).planned for x in z])
    assert density @ rows == pytest.approx(design.upper_alternative[1:], abs=1e-10)


def test_predictive_power_agrees_with_simulated_paths():
    """Simulated: 200,000 paths from the posterior of the drift."""
    design = group_sequential(3, futility="hwang_shih_decani", futility_gamma=-2)
    rng = np.random.default_rng(5)
    runs, t, z = 200_000, 1 / 3, 1.2
    drift = z / t**0.5 + rng.standard_normal(runs) / t**0.5
    score = z * t**0.5 + drift / 3 + rng.standard_normal(runs) / 3**0.5
    second = score / (2 / 3) ** 0.5
    last = score + drift / 3 + rng.standard_normal(runs) / 3**0.5
    up = second > design.upper_z[1]
    end = ~up & (second > design.lower_z[1]) & (last > design.upper_z[2])
    found = conditional_crossing(design, 1, z).predictive
    for share, theory in zip((up.mean(), end.mean()), found, strict=True):
        assert abs(share - theory) < 4 * (theory * (1 - theory) / runs) ** 0.5


def test_futility_unheeded_leaves_more_power():
    design = group_sequential(3, futility="pocock")
    heeded = conditional_crossing(design, 1, 0.5)
    ignored = conditional_crossing(design, 1, 0.5, heed_futility=False)
    assert sum(heeded.planned) < sum(ignored.planned)
    assert ignored.table()["look"].to_list() == [2, 3]
    assert conditional_power(1.0, 0.5).table().height == 1


def test_faults():
    with pytest.raises(InputError) as caught:
        conditional_power(float("inf"), 1.0, prior_mean=0.0)
    assert {p.column for p in caught.value.problems} == {"z", "information_fraction", "prior_mean"}
    with pytest.raises(InputError) as caught:
        conditional_crossing(group_sequential(3), 3, 1.0, prior_mean=0.0, prior_sd=0.0)
    assert {p.column for p in caught.value.problems} == {"look", "prior_sd"}
