"""Pooled evidence as figures: the numbers drawn are those of the results."""

from __future__ import annotations

import math

import pytest

from ashworth.errors import EstimationError
from ashworth.evidence import (
    contributions,
    egger_test,
    find,
    leave_one_out,
    pool,
    pool_effects,
    subgroups,
    trim_and_fill,
)
from ashworth.workflows.evidence_figures import baujat_of, funnel_of, leave_one_out_of
from ashworth.workflows.evidence_forests import effects_forest, pooled_forest

Y = [0.10, 0.30, 0.55, 0.80, 1.10, 0.20]
S = [0.10, 0.15, 0.20, 0.30, 0.40, 0.12]
STUDIES = list("ABCDEF")
GROUPS = ["x", "y", "x", "y", "y", "x"]


@pytest.fixture(scope="module")
def pooled():
    return pool(Y, S, studies=STUDIES)


def words(figure):
    layers = (p for p in figure.spec["layer"] if p["mark"]["type"] == "text")
    return " ".join(row["text"] for p in layers for row in p["data"]["values"])


def test_a_display_says_why_and_shows_the_limits_as_printed():
    early = find(outcome="os", setting="early", marker="ctc", measure="hazard_ratio",
                 timepoint="before_therapy", adjustment="adjusted")  # fmt: skip
    found = pool_effects(early, allow=["overlap", "cutoff", "volume"])
    figure = effects_forest(found, name="os", title="OS", favours=("less", "more"))
    assert found.pooled is None
    printed = figure.table().filter(label="Janni 2016").row(0, named=True)
    assert (printed["estimate"], printed["lower"], printed["upper"]) == pytest.approx(
        (1.97, 1.51, 2.59), abs=1e-12
    )
    text = words(figure)
    assert "No pooled number: 1 independent cohort" in text
    assert "the same patients" in text
    assert "mixed cutoff" in text
    assert "Risk of bias (QUIPS) is not recorded" in text
    assert "Weight" not in text


def table(**more):
    rows = [
        {"study": f"smith200{i}", "estimate": math.exp(y), "lower": math.exp(y - 1.96 * s),
         "upper": math.exp(y + 1.96 * s), "level": 0.95, "scale": "ratio", **more}
        for i, (y, s) in enumerate(zip(Y, S, strict=True))
    ]  # fmt: skip
    rows[0]["lower"] = None
    return rows


def test_effects_that_can_be_pooled_have_a_diamond_and_a_prediction():
    found = pool_effects(table(outcome="os"))
    figure = effects_forest(found, name="f", title="F")
    rows = {r["role"]: r for r in figure.table().to_dicts()}
    assert rows["pooled"]["estimate"] == pytest.approx(math.exp(found.pooled.estimate))
    assert rows["prediction"]["upper"] == pytest.approx(math.exp(found.pooled.prediction.upper))
    assert figure.table()["reason"].to_list().count("neither limits nor standard error are printed")
    assert "In all rows: OS." in words(figure)


def test_subgroups_have_their_diamonds_and_the_test(pooled):
    parts = subgroups(Y, S, GROUPS, tau2="common")
    figure = pooled_forest(pooled, name="s", title="S", groups=GROUPS, subgroups=parts)
    drawn = figure.table()
    assert drawn.filter(role="subtotal")["estimate"].to_list() == pytest.approx(
        [math.exp(v) for v in parts.estimates]
    )
    assert drawn["label"].to_list()[:5] == ["x", "A", "C", "F", "3 studies"]
    assert "Test of interaction between the subgroups: p" in words(figure)
    assert "I² from τ²" in words(figure)


def test_groups_that_are_others_than_those_tested_are_refused(pooled):
    parts = subgroups(Y, S, GROUPS, tau2="common")
    with pytest.raises(EstimationError, match="5 groups for 6 studies"):
        pooled_forest(pooled, name="s", title="S", groups=GROUPS[:5], subgroups=parts)


def test_fixed_effect_has_no_tau2_and_no_prediction():
    found = pool(Y, S, tau2_method="FE", ci_method="normal")
    text = words(pooled_forest(found, name="s", title="S", ratio=False))
    assert "I² from Q" in text
    assert "τ²" not in text
    assert "predicts no other" in text


def test_funnel_has_the_studies_and_the_filled_ones(pooled):
    filled = trim_and_fill(Y, S)
    figure = funnel_of(pooled, name="f", title="F", test=egger_test(Y, S), filled=filled)
    drawn = figure.table()
    assert drawn["filled"].sum() == filled.missing
    assert drawn["estimate"].to_list()[:6] == pytest.approx([math.exp(y) for y in Y])
    assert "Egger, least squares: p" in words(figure)


def test_baujat_and_leave_one_out_show_what_the_estimators_gave(pooled):
    drawn = baujat_of(pooled, name="b", title="B").table()
    assert drawn["influence"].to_list() == contributions(pooled).influence.tolist()
    figure = leave_one_out_of(pooled, name="l", title="L")
    expected = [math.exp(v) for v in leave_one_out(pooled).estimates]
    assert figure.table()["estimate"].to_list()[:6] == pytest.approx(expected)
    assert figure.table()["estimate"].to_list()[-1] == pytest.approx(math.exp(pooled.estimate))
