"""The summary of one sample: everything that was given is on the page, nothing more."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest

from ashworth.enumeration import poisson_interval
from ashworth.errors import InputError
from ashworth.reports.sample_facts import SampleFacts
from ashworth.reports.sample_summary import sample_summary

from .cell_pictures import drawn_cells
from .sample import HOSTILE

NUMBERS = {"ctc": 7, "ck_without_nucleus": 12, "leukocyte": 40, "doublet": 0, "odd_class": 2}


class Tables(HTMLParser):
    """Cells of every table, the words of the page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self._cell = self._quiet = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._quiet = tag in ("script", "style")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        self._cell = self._cell and tag not in ("td", "th")
        self._quiet = False

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.rows[-1][-1] += data.strip()
        if not self._quiet and data.strip():
            self.words.append(data.strip())

    def row(self, first: str) -> list[str]:
        return next(row for row in self.rows if row[0] == first)


def counts() -> pl.DataFrame:
    limits = poisson_interval(list(NUMBERS.values()))
    return pl.DataFrame(
        {"call": list(NUMBERS), "n_cells": list(NUMBERS.values()),
         "lower": limits.lower, "upper": limits.upper}
    )  # fmt: skip


def facts(**changes: Any) -> SampleFacts:
    cells = drawn_cells({"ctc": 7, "ck_without_nucleus": 12, "leukocyte": 40})
    cells = cells.with_columns(
        ck_mean=pl.when(pl.col("call") == "leukocyte").then(1.0).otherwise(400.0),
        cd45_mean=pl.when(pl.col("call") == "leukocyte").then(300.0).otherwise(2.0),
    )
    made = SampleFacts(
        sample="tube 17",
        format="CellTracks",
        reason="17.xml beside 6 frames",
        n_frames=6,
        pixel_size_um=0.64,
        caller="cellsearch-ctc@1",
        volume_ml=7.5,
        notes=("Tag 755 was absent.",),
        channels=pl.DataFrame(
            {"channel": ["DAPI", "HER2"], "role": ["nucleus", "marker1"],
             "threshold_counts": [55.25, None], "leukocyte_median_counts": [412.0, 22.5]}
        ),
        n_leukocytes=40,
        counts=counts(),
        quality=pl.DataFrame(
            {"measure": ["Saturated pixels", "Frames out of focus"], "value": [0.0214, 2.0],
             "unit": ["%", "of 6"], "flag": [False, True]}
        ),
        frames=pl.DataFrame(
            {"frame": [1, 2, 3, 4, 5, 6], "column": [0, 1, 2, 2, 1, 0],
             "row": [0, 0, 0, 1, 1, 1], "n_nuclei": [5, 9, 7, 6, 8, 5]}
        ),
        frame_width_um=102.4,
        frame_height_um=76.8,
        cells=cells,
        ck_cut=60.0,
        cd45_cut=33.0,
        agreement=pl.DataFrame(
            {"measure": ["Cohen's kappa", "Missed"], "value": [0.9137, 1.0],
             "lower": [0.78, None], "upper": [1.0, None]}
        ),
        verdicts=pl.DataFrame(
            {"rule": ["any-strong@1", "share-50@1"], "status": ["positive", "not_assessable"],
             "reason": [None, "3 evaluable of 5 needed"], "n_evaluable": [7, 3],
             "n_strong": [2, 0], "expected_false_strong": [0.0035, None], "n_removed": [0, None],
             "robust_status": ["positive", None]}
        ),
        gallery="gallery.html",
    )  # fmt: skip
    return replace(made, **changes)


@pytest.fixture(scope="module")
def page() -> Tables:
    return Tables(sample_summary(facts()).html())


def test_counts_stand_with_their_limits(page: Tables) -> None:
    assert page.row("CTC") == ["CTC", "7", "2.8–14.4"]
    assert page.row("Doublet") == ["Doublet", "0", "0.0–3.7"]
    assert page.row("odd class")[1] == "2"
    order = [row[0] for row in page.rows]
    assert order.index("CTC") < order.index("CK+ without nucleus") < order.index("Leukocyte")
    assert order.index("Leukocyte") < order.index("odd class")


def test_thresholds_quality_and_agreement(page: Tables) -> None:
    assert page.row("DAPI") == ["DAPI", "nucleus", "55.2", "412.0"]
    assert page.row("HER2") == ["HER2", "marker1", "", "22.5"]
    assert any("40 leukocytes of this sample" in word for word in page.words)
    assert page.row("Saturated pixels") == ["Saturated pixels", "0.0214", "%"]
    assert page.row("Frames out of focus") == ["Frames out of focus", "2", "of 6"]
    assert page.row("Cohen's kappa") == ["Cohen's kappa", "0.914", "0.78–1.00"]
    assert page.row("Missed") == ["Missed", "1", ""]


def test_every_verdict_prints_what_qualifies_it(page: Tables) -> None:
    assert page.row("any-strong@1")[1:] == ["positive", "7", "2", "0.0035", "0", "positive"]
    assert page.row("share-50@1")[1:] == [
        "not assessable (3 evaluable of 5 needed)", "3", "0", "not known", "", "not known",
    ]  # fmt: skip
    assert any("HER2 by immunofluorescence 3+" in word for word in page.words)
    text = " ".join(page.words)
    assert set(re.findall(r"(\S+) [0-3]\+", text)) == {"immunofluorescence"}


def test_what_was_opened_is_said(page: Tables) -> None:
    for words in (
        "CellTracks: 17.xml beside 6 frames", "Tag 755 was absent.", "0.64 µm", "7.5 ml",
        "cellsearch-ctc@1", "Research use only. Not a medical device.",
    ):  # fmt: skip
        assert words in page.words
    assert any("gallery.html" in word for word in page.words)


def test_both_figures_are_drawn_from_the_tables() -> None:
    made = sample_summary(facts())
    assert [f.name for f in made.figures] == ["cell-scatter", "cartridge-map"]
    assert made.figures[0].table().rows()[0] == ("ctc", 7, 2.0, 400.0)
    assert made.figures[1].table()["cells_drawn"].sum() == 19
    assert made.html().count("<svg") == 2
    assert "vegaEmbed" not in made.html()


def test_the_table_behind_the_page_has_every_number() -> None:
    table = sample_summary(facts()).table()
    found = {(s, i): v for s, i, v in table.select("section", "item", "value").rows()}
    assert found["counts", "ctc"] == "7"
    assert found["quality", "Saturated pixels"] == "0.0214"
    assert found["her2", "any-strong@1 expected_false_strong"] == "0.0035"
    assert found["thresholds", "DAPI threshold"] == "55.25"
    assert found["agreement", "Cohen's kappa"] == "0.9137"
    ctc = table.filter(section="counts", item="ctc").row(0, named=True)
    assert ctc["upper"] == pytest.approx(14.4227, abs=1e-3)
    assert len(found) == table.height


def refused(**changes: Any) -> SampleFacts:
    none = {name: pl.DataFrame() for name in ("counts", "cells", "frames", "agreement", "verdicts")}
    given = {"outcome": "not_evaluable", "outcome_reason": "No leukocytes were found.", **changes}
    return facts(**{**none, "n_leukocytes": None, **given})


def test_a_sample_that_is_not_evaluable_says_why_and_shows_no_count() -> None:
    made = sample_summary(refused())
    read = Tables(made.html())
    assert "No leukocytes were found. No cells were counted; this is not a count of zero." in (
        read.words
    )
    assert not [row for row in read.rows if row[:1] == ["CTC"]]
    assert made.figures == ()
    assert made.table().filter(section="counts").is_empty()
    assert made.table().row(0) == (
        "sample", "outcome", "not_evaluable", None, None, "", "No leukocytes were found.",
    )  # fmt: skip


def test_contradictions_are_refused_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        sample_summary(
            refused(counts=counts().drop("lower"), outcome_reason=" ",
                    quality=pl.DataFrame({"measure": ["x"]}))
        )  # fmt: skip
    named = [(p.table, p.column) for p in caught.value.problems]
    assert named == [
        ("counts", "lower"), ("quality", "value"), ("quality", "unit"), ("counts", None),
        ("sample", "outcome_reason"),
    ]  # fmt: skip
    with pytest.raises(InputError, match="not evaluable"):
        sample_summary(facts(counts=pl.DataFrame()))


def test_hostile_texts_stay_text() -> None:
    nasty = facts(
        sample=HOSTILE, format=HOSTILE, reason=HOSTILE, caller=HOSTILE, notes=(HOSTILE,),
        gallery=HOSTILE, counts=counts().with_columns(call=pl.lit(HOSTILE) + pl.col("call")),
        quality=pl.DataFrame({"measure": [HOSTILE], "value": [1.0], "unit": [HOSTILE]}),
    )  # fmt: skip
    read, usual = Tables(sample_summary(nasty).html()), Tables(sample_summary(facts()).html())
    for tag in ("script", "img", "style", "iframe"):
        assert read.tags.count(tag) == usual.tags.count(tag)


def test_simulated_data_say_so_and_the_same_facts_give_the_same_page() -> None:
    simulated = sample_summary(facts(simulated=True)).html()
    assert "SIMULATED DATA" in simulated
    assert simulated.count("Simulated data") == 2
    assert simulated == sample_summary(facts(simulated=True)).html()
    real = sample_summary(facts()).html()
    assert "SIMULATED" not in real
    assert "Simulated" not in real
