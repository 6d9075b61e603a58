"""Calibrations: the one that ships is what its provenance says; a laboratory can make its own."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ashworth.classification import (
    CONTROLS,
    Her2Ladder,
    calibrate,
    her2_verdict,
    score_her2,
    simulated_calibration,
    simulated_cells,
    write_calibration,
)
from ashworth.definitions import load
from ashworth.definitions.her2_models import Her2Calibration, Her2Criterion, Her2Rule
from ashworth.errors import DefinitionFileError, EstimationError, InputError

LINES = {"MCF-7": 1, "SK-BR-3": 3}


def spiked(
    seed: int, n: int, *, ladder: Her2Ladder | None = None, cartridge: str = "a"
) -> pl.DataFrame:
    """Two simulated lines on one cartridge, called as a laboratory would."""
    names = {"simulated HER2 1+": "MCF-7", "simulated HER2 3+": "SK-BR-3"}
    return simulated_cells(
        np.random.default_rng(seed), cells_per_class=(0, n, 0, n), control_cells=True,
        ladder=ladder or Her2Ladder(),
    ).with_columns(pl.col("control").replace(names), cartridge=pl.lit(cartridge))  # fmt: skip


def made(cells: pl.DataFrame, controls=LINES, **options) -> Her2Calibration:
    given = {"id": "my-lab", "title": "My laboratory", "provenance": "simulated", "simulated": True}
    return calibrate(cells, controls, **(given | options))


def test_the_shipped_calibration_is_what_its_provenance_says():
    shipped, again = load("her2_calibration", "her2-simulated"), simulated_calibration()
    ours = {"notes", "cases", "references"}
    assert shipped.model_dump(exclude=ours) == again.model_dump(exclude=ours)
    assert "seed 20261122" in shipped.provenance.text
    assert shipped.provenance.simulated


def test_the_stated_false_strong_rate_is_above_what_was_observed():
    shipped = load("her2_calibration", "her2-simulated")
    strong = next(r for r in shipped.false_rates if r.at_least == 3)
    assert (strong.rate, strong.basis, strong.n_called) == (0.0005, "allowance", 0)
    assert 1 - 0.05 ** (1 / strong.n_cells) <= strong.rate


def test_two_cell_lines_make_a_calibration():
    mine = made(spiked(1, 400), bleed_coefficient=0.01)
    assert [c.source for c in mine.classes] == [
        "leukocytes", "measured", "interpolated", "measured",
    ]  # fmt: skip
    shipped = load("her2_calibration", "her2-simulated")
    for ours, theirs in zip(mine.thresholds, shipped.thresholds, strict=True):
        assert 0.5 < ours / theirs < 2.0
    strong, moderate = mine.false_rates
    assert strong.basis == "observed_upper_limit"
    assert strong.rate == pytest.approx(1 - 0.05 ** (1 / 400), rel=1e-2)
    assert moderate.rate >= strong.rate


def test_a_written_calibration_is_read_and_used(tmp_path):
    mine = made(spiked(2, 300))
    path = write_calibration(mine, tmp_path)
    assert path == tmp_path / "her2_calibration" / "my-lab.yaml"
    again = load("her2_calibration", "my-lab", folders=[tmp_path])
    assert again == mine
    cells = simulated_cells(np.random.default_rng(3), cells_per_class=(50, 0, 0, 50))
    scores = score_her2(cells, again)
    truth = cells["simulated_score"].fill_null(0)
    assert ((truth == 3) == (scores.table()["her2_score"] == 3)).mean() > 0.99
    assert her2_verdict(scores, "ctc-her2-any-strong").calibration == "my-lab@1"
    with pytest.raises(InputError, match="which exists"):
        write_calibration(mine, tmp_path)
    assert [p.name for p in path.parent.iterdir()] == ["my-lab.yaml"]


def test_cartridges_of_different_gain_pool():
    one, two = spiked(4, 200), spiked(5, 200, cartridge="b")
    brighter = two.with_columns(pl.col("her2_mean", "ck_mean") * 2)
    assert made(pl.concat([one, two])) == made(pl.concat([one, brighter]))


def test_bleed_through_is_estimated_on_negative_control_cells():
    cells = simulated_cells(
        np.random.default_rng(6), cells_per_class=(800, 0, 0, 100), control_cells=True,
        ladder=Her2Ladder(bleed=0.02),
    )  # fmt: skip
    assert made(cells, CONTROLS).bleed_coefficient == pytest.approx(0.02, abs=0.003)


def test_the_ring_can_be_the_signal():
    mine = made(spiked(7, 300), signal="her2_ring_mean")
    scores = score_her2(simulated_cells(np.random.default_rng(8)), mine)
    assert scores.table()["her2_score"].n_unique() == 4


@pytest.mark.parametrize(
    ("cells", "controls", "message"),
    [
        (spiked(1, 10), LINES, "10 cells of score 1"),
        (spiked(1, 50), {"MCF-7": 1}, "scores"),
        (spiked(1, 50), {"MCF-7": 2, "SK-BR-3": 3}, "scores"),
        (spiked(1, 50), {"MCF-7": 1, "SK-BR-3": 5}, "scores"),
        (spiked(1, 50).drop("control"), LINES, "no such column"),
        (spiked(1, 50).filter(pl.col("call") == "ctc"), LINES, "0 leukocytes"),
        (spiked(1, 50), {"MCF7": 1, "SK-BR-3": 3}, "no cells of score 0 or 1"),
    ],
)
def test_control_cells_that_do_not_do(cells, controls, message):
    with pytest.raises(InputError, match=message):
        made(cells, controls)


def test_lines_that_are_swapped():
    with pytest.raises(EstimationError, match="class medians"):
        made(spiked(1, 50), {"MCF-7": 3, "SK-BR-3": 1})


def test_an_allowance_needs_enough_negative_cells():
    with pytest.raises(EstimationError, match="measure more negative"):
        made(spiked(1, 50), allowance=0.0005)
    assert made(spiked(1, 50), allowance=0.08).false_rate(3) == 0.08


SHIPPED = load("her2_calibration", "her2-simulated").model_dump()


@pytest.mark.parametrize(
    "change",
    [
        {"thresholds": (30.0, 20.0, 100.0)},
        {"thresholds": (5.0, 20.0)},
        {"classes": SHIPPED["classes"][::-1]},
        {"false_rates": SHIPPED["false_rates"][::-1]},
        {"controls": ({"name": "a", "score": 0}, {"name": "a", "score": 3})},
        {"minimum_leukocytes": 1},
        {"bleed_coefficient": -0.1},
        {"colour": "red"},
    ],
    ids=lambda c: next(iter(c)),
)
def test_calibrations_that_contradict_themselves(change):
    with pytest.raises(ValueError):
        Her2Calibration.model_validate(SHIPPED | change)


RULE = load("her2_rule", "ctc-her2-half").model_dump()


@pytest.mark.parametrize(
    "change",
    [
        {"positive_scores": ()},
        {"positive_scores": (1, 3)},
        {"positive_scores": (3, 2)},
        {"cell_at_least": 2.0},
        {"reads": "fish_ratio"},
        {"reads": "fish_ratio", "positive_scores": (), "cell_at_least": 2.0,
         "criterion": {"kind": "h_score", "at_least": 200}},
        {"criterion": {"kind": "share", "at_least": 1.5}},
        {"criterion": {"kind": "share"}},
        {"minimum_evaluable": 0},
        {"events": ()},
    ],
    ids=str,
)  # fmt: skip
def test_rules_that_contradict_themselves(change):
    with pytest.raises(ValueError):
        Her2Rule.model_validate(RULE | change)


def test_criteria_in_words():
    assert Her2Criterion(kind="share", more_than=0.3).text == "share of positive cells > 30 %"
    assert Her2Criterion(kind="cells", at_least=2).text == "positive cells >= 2"


def test_rules_that_name_others_must_name_existing_ones(tmp_path):
    from ashworth.definitions import Catalogue
    from ashworth.definitions.loader import SHIPPED as FOLDER

    (tmp_path / "her2_rule").mkdir()
    text = (FOLDER / "her2_rule" / "ctc-her2-half.yaml").read_text(encoding="utf-8")
    text = text.replace("id: ctc-her2-half", "id: mine").replace(
        "[ctc-her2-over-30-percent]", "[ctc-her2-over-40-percent]"
    )
    (tmp_path / "her2_rule" / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionFileError, match="over-40-percent"):
        Catalogue((tmp_path,)).all()
