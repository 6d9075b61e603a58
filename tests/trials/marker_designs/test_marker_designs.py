"""Marker designs against closed forms made apart from this package, and simulated patients."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from ashworth.errors import InputError
from ashworth.trials import (
    assay_enrichment,
    discordant_dilution,
    interaction_events,
    log_rank_events,
    marker_designs,
)

ROOT = Path(__file__).resolve().parents[3]
VALUES = json.loads((ROOT / "reference/trials/marker_designs.json").read_text())["values"]
NAMES = {
    "enrichment": "enrichment_randomised", "all_comers": "allcomers",
    "strategy": "strategy_vs_standard", "strategy_randomised_control": "strategy_vs_randomised",
    "reverse_strategy": "reverse_strategy", "interaction": "stratified_interaction",
    "stratified_positive": "stratified_positive_subgroup_total",
}  # fmt: skip


def of(kind):
    return {k: v for k, v in VALUES.items() if k.startswith(kind)}


def numbers(key, *prefixes):
    """Numbers behind their prefixes in a key such as prev0.25.ratio-0.25."""
    words = key.replace(".prev", " prev").replace(".d", " d").replace(".se", " se")
    words = words.replace(".sp", " sp").replace(".ratio", " ratio").replace(".hr", " hr")
    words = words.replace(".f", " f").split()
    return [float(next(w for w in words if w.startswith(p))[len(p) :]) for p in prefixes]


@pytest.mark.parametrize("key", of("designs.cont"))
def test_seven_designs(key):
    g, up, down = numbers(key, "prev", "dpos", "dneg")
    found = marker_designs(g, up, down)
    for ours, theirs in NAMES.items():
        assert found[ours].randomised == pytest.approx(VALUES[key][theirs], rel=1e-8)
    assert found["enrichment"].screened == pytest.approx(VALUES[key]["enrichment_screened"])
    assert found.table().height == 7


def test_a_sized_reverse_strategy_has_its_power_in_simulated_patients():
    g, up, down, rng = 0.5, 0.5, -0.25, np.random.default_rng(20)
    n = math.ceil(marker_designs(g, up, down)["reverse_strategy"].randomised / 2)
    positive = rng.random((2, 4000, n)) < g
    means = np.stack([np.where(positive[0], up, 0), np.where(positive[1], 0, down)])
    seen = means + rng.standard_normal(means.shape)
    z = (seen[0].mean(1) - seen[1].mean(1)) / np.sqrt(
        (seen[0].var(1, ddof=1) + seen[1].var(1, ddof=1)) / n
    )
    share = float((np.abs(z) > 1.959964).mean())
    assert abs(share - 0.9) < 4 * math.sqrt(0.09 / 4000) + 0.003


@pytest.mark.parametrize("key", of("simon_maitournam"))
def test_unselected_over_targeted(key):
    found = assay_enrichment(*numbers(key, "prev", "ratio"))
    expected = VALUES[key]
    assert found.randomised_ratio == pytest.approx(expected["randomised_untargeted_over_targeted"])
    assert found.screened_ratio == pytest.approx(expected["screened_targeted_over_untargeted"]) or (
        1 / found.screened_ratio == pytest.approx(expected["screened_targeted_over_untargeted"])
    )


@pytest.mark.parametrize("key", of("enrichment.assay"))
def test_enrichment_with_assay_error(key):
    g, se, sp, ratio = numbers(key, "prev", "se", "sp", "ratio")
    found = assay_enrichment(g, ratio, sensitivity=se, specificity=sp)
    expected = VALUES[key]
    assert found.ppv == pytest.approx(expected["ppv"])
    assert found.npv == pytest.approx(expected["npv"])
    assert found.positive_rate == pytest.approx(expected["pos_rate"])
    assert found.effect_share == pytest.approx(expected["effect_ratio"])
    assert found.inflation == pytest.approx(expected["n_inflation_vs_perfect"])


@pytest.mark.parametrize("key", [k for k in of("dilution.f") if "approx_overall_hr" in VALUES[k]])
def test_dilution(key):
    f, ratio = numbers(key, "f", "hrdisc")
    f = 292 / 755 if f == 0.3868 else f  # the key is rounded
    found, expected = discordant_dilution(f, ratio, margin=1.25), VALUES[key]
    assert found.overall_hazard_ratio == pytest.approx(expected["approx_overall_hr"])
    assert found.randomise_all_ratio == pytest.approx(expected["ratio_randomised"])
    assert found.screened_ratio == pytest.approx(expected["ratio_screened"])
    assert found.at_margin == pytest.approx(1.25 ** (1 / f))


def test_interaction_needs_four_times_a_main_effect():
    main = log_rank_events(0.6, alpha=0.05, sided=2, power=0.9).events
    found = interaction_events(0.6, 1.0, positive_share=0.5)
    assert found.events == pytest.approx(4 * main, rel=1e-12)
    assert found.events_integer == math.ceil(found.events)


def test_an_effect_of_nought_needs_infinitely_many():
    assert marker_designs(0.5, 0.25, 0.25)["reverse_strategy"].randomised == math.inf
    assert marker_designs(0.5, 0.25, 0.25)["interaction"].randomised == math.inf


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: marker_designs(1.2, "a", 0, sd=-1, power=0.01),
         ["prevalence", "effect_positive", "sd", "power"]),
        (lambda: assay_enrichment(0.2, sensitivity=0.0), ["sensitivity"]),
        (lambda: assay_enrichment(0.5, -1.0), ["effect_ratio"]),
        (lambda: interaction_events(0.7, 0.7, positive_share=1.0),
         ["positive_share", "hazard_ratio_negative"]),
        (lambda: discordant_dilution(0, -1, margin=0),
         ["discordant_share", "discordant_hazard_ratio", "margin"]),
    ],
)  # fmt: skip
def test_all_faults_are_told_together(call, named):
    with pytest.raises(InputError) as refused:
        call()
    assert all(name in str(refused.value) for name in named)
