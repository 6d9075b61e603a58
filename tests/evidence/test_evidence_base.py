"""The evidence base: what ships, and what a question gives."""

from __future__ import annotations

import math
import shutil

import polars as pl
import pytest
import yaml

from ashworth.definitions import Catalogue, load, references
from ashworth.definitions.loader import SHIPPED
from ashworth.errors import DefinitionFileError, InputError
from ashworth.evidence import conflicts, find, studies


def test_every_reference_of_the_review_and_later_studies_are_there():
    base = studies()
    cited = {number for study in base for number in study.review_references}
    assert cited == set(range(1, 37))
    later = {
        "geparx",
        "circe01",
        "circe-t-dm1",
        "pada-1",
        "serena-6",
        "ctrak-tn",
        "zest",
        "survive",
    }
    assert later | {"zhang2012", "lu2016", "larsson2018", "magbanua2021"} <= {s.id for s in base}
    assert base.table().height == base.n == len(base)


def test_every_number_has_a_document_in_the_list():
    keys = set(references())
    assert all(s.cited() <= keys for s in studies())


def test_the_review_is_the_document_of_what_comes_from_the_review():
    pairs = [(x.origin == "source_review", x.document == "banys2019")
             for study in studies() for x in (*study.statistics, *study.funnel)]  # fmt: skip
    assert all(of_review == by_review for of_review, by_review in pairs)
    assert sum(of_review for of_review, _ in pairs) > 50


def test_unverified_values_only_by_name():
    shown = find().table()
    assert "unverified" not in set(shown["origin"])
    everything = find(unverified=True)
    hidden = find().unverified_left_out
    assert hidden > 10
    assert everything.n == shown.height + hidden
    assert everything.unverified_left_out == 0


def test_all_unverified_is_said():
    answer = find(studies="bidard2014", outcome=["os", "pfs"])
    assert answer.n == 0
    assert answer.table().is_empty()
    assert answer.groups().is_empty()
    assert answer.summary() == "no verified record; 4 unverified left out"
    assert find(studies="bidard2014", outcome="pfs", unverified=True).table()["estimate"][0] == 1.92
    assert find(studies="bidard2014", outcome="pcr").summary() == "no record"


@pytest.mark.parametrize(
    ("question", "study", "estimate", "lower", "upper", "level"),
    [
        ({"outcome": "dfs", "setting": "early", "specimen": "blood", "timepoint": "before_therapy"},
         "janni2016", 1.82, 1.47, 2.26, 0.95),
        ({"outcome": "os", "setting": "neoadjuvant"}, "bidard2018", 1.09, 0.65, 1.69, 0.95),
        ({"outcome": "pfs", "setting": "metastatic", "measure": "hazard_ratio", "marker": "ctc"},
         "jiang2013", 1.93, 1.39, 2.69, 0.95),
        ({"outcome": "recurrence", "specimen": "blood", "measure": "hazard_ratio",
          "adjustment": "adjusted"}, "e5103", 13.1, None, None, None),
    ],
)  # fmt: skip
def test_questions(question, study, estimate, lower, upper, level):
    row = find(**question).table().row(0, named=True)
    found = (row["study"], row["estimate"], row["lower"], row["upper"], row["level"])
    assert found == (study, estimate, lower, upper, level)


def test_standard_error_is_of_the_logarithm_at_the_level_of_the_limits():
    both = find(studies="stic-ctc", outcome="pfs", measure="hazard_ratio").table()
    assert both["level"].to_list() == [0.9, 0.95]
    width = math.log(1.09 / 0.81)
    z = [1.6448536269514722, 1.959963984540054]
    expected = [width / (2 * value) for value in z]
    assert both["standard_error"].to_list() == pytest.approx(expected, rel=1e-14)
    assert both["scale"].to_list() == ["ratio", "ratio"]
    assert [round(4 / error**2) for error in expected] == [491, 697]


def test_the_statistic_s_own_cut_off_volume_and_setting():
    table = find(studies="rack2014", outcome="dfs", measure="hazard_ratio").table()
    rows = {r["statistic"]: r for r in table.iter_rows(named=True)}
    assert rows["dfs"]["cutoff"] == ">= 1 CTC per 30 ml"
    assert rows["dfs-5"]["cutoff"] == ">= 5 CTC per 30 ml"
    assert {r["volume_ml"] for r in rows.values()} == {30.0}
    assert find(studies="success-a-late", outcome="os").table()["volume_ml"].to_list() == [None]
    seven = find(studies="success-a-late", outcome="positivity").table()
    assert seven.filter(statistic="positivity-2y-abstract")["volume_ml"].item() == 7.5
    settings = find(studies="zhang2012", outcome="os").table()["setting"].to_list()
    assert settings == ["early", "metastatic"]


def test_groups_keep_both_denominators_of_treat_ctc():
    groups = find(studies="treat-ctc", timepoint="week_18").groups()
    counts = {
        key[0]: part.select("events", "n").rows()
        for key, part in groups.drop_nulls("events").group_by("statistic")
    }
    assert counts == {"week-18-review": [(5, 31), (4, 32)], "week-18": [(5, 29), (4, 29)]}
    tests = {s.id: s.p.test for s in load("study", "treat-ctc").statistics if s.p}
    assert tests == {"week-18": "fisher_less", "week-18-review": "unknown"}


def test_sentences_only_when_asked_for():
    assert "text" not in set(find().table()["measure"])
    assert find(measure="text", studies="rack2014").n == 1


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"setting": "metastasic"}, ["'metastasic'", "metastatic", "did you mean"]),
        ({"outcome": "overall"}, ["'overall'", "positivity"]),
        ({"studies": ["rack2014", "rack2041"]}, ["'rack2041'", "'rack2014'"]),
        ({"marker": []}, ["an empty list", "ctdna"]),
        ({"measure": "HR", "timepoint": "noon"}, ["2 problems", "'HR'", "'noon'", "hazard_ratio"]),
    ],
)
def test_unknown_words_are_refused_with_what_exists(question, words):
    with pytest.raises(InputError) as caught:
        find(**question)
    assert all(word in str(caught.value) for word in words)


def test_cohorts_that_contain_others():
    contains = {s.id: s.contains for s in studies() if s.contains}
    assert contains == {
        "cristofanilli2019": ("european-pooled-analysis",),
        "janni2016": ("success-a", "mdacc-early"),
        "paddy": ("tuebingen-marrow",),
    }
    cohorts = {s.id: s.cohort for s in studies()}
    assert cohorts["rack2014"] == cohorts["success-a-late"] == "success-a"
    assert cohorts["hartkopf2014"] == "tuebingen-marrow"
    assert find(setting="early", marker="ctc", outcome="os", measure="hazard_ratio").n_cohorts == 5


def test_conflicts_name_every_side():
    table = conflicts().table()
    assert table["document"].null_count() == 0
    about = {
        ("stic-ctc", "discordant-benefit"), ("treat-ctc", "denominator"), ("e5103", "version"),
        ("paddy", "version"), ("detect", "recruiting"), ("denosumab-ucsf", "ongoing"),
        ("treat-ctc", "her2-of-ctc"), ("success-a-late", "two-year-number"),
        ("paddy", "receptor"), ("banys2014", "recurrence"), ("bidard2018", "one-cell"),
        ("swog-s0500", "sampled"), ("braun2005", "kind-of-analysis"), ("rack2014", "persistence"),
    }  # fmt: skip
    assert about <= set(table.select("study", "conflict").iter_rows())
    assert conflicts().n == len(conflicts()) == table.select("study", "conflict").n_unique()


def own_study(folder, **changes):
    """Copy a shipped study under an id of its own, changed; give the catalogue beside it."""
    target = folder / "study"
    target.mkdir(parents=True)
    shutil.copy(SHIPPED / "study" / "janni2016.yaml", target / "mine.yaml")
    data = yaml.safe_load((target / "mine.yaml").read_text(encoding="utf-8"))
    data |= {"id": "mine", **changes}
    (target / "mine.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    return Catalogue((folder,))


def test_own_studies_stand_beside(tmp_path):
    catalogue = own_study(tmp_path, review_references=[])
    assert studies(catalogue=catalogue).n == studies().n + 1
    answer = find(studies="mine", outcome="dfs", catalogue=catalogue)
    assert answer.table()["estimate"].to_list() == [1.82]
    with pytest.raises(InputError, match="'mine'"):
        find(studies="mine")


def statistic(**changes):
    base = {"id": "x", "label": "x", "measure": "hazard_ratio", "value": 2.0,
            "document": "janni2016", "origin": "publication"}  # fmt: skip
    return {k: v for k, v in (base | changes).items() if v is not None}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"origin": None}, ["origin"]),
        ({"lower": 3.0, "upper": 1.0, "level": 0.95}, ["limits swapped"]),
        ({"lower": 1.0, "upper": 3.0}, ["without their level"]),
        ({"lower": 1.0, "level": 0.95}, ["one limit"]),
        ({"lower": 2.5, "upper": 3.0, "level": 0.95}, ["2.0 outside of its limits 2.5 to 3.0"]),
        ({"value": -0.7}, ["a ratio with -0.7"]),
        ({"measure": "proportion", "value": 124.0}, ["per cent outside"]),
        ({"measure": "survival", "groups": [{"label": "a", "value": 101}]}, ["per cent outside"]),
        ({"events": 5, "n": 4}, ["5 events among 4"]),
        ({"groups": [{"label": "a", "value": 2, "lower": 4, "upper": 3}]}, ["limits swapped"]),
        ({"p": {"value": 0}}, ["p.value", "greater than 0"]),
        ({"groups": [{"label": "a", "events": 5, "n": 4}]}, ["5 events among 4"]),
        ({"document": "nowhere1999"}, ["nowhere1999"]),
    ],
)
def test_bad_statistics_are_refused(tmp_path, given, words):
    catalogue = own_study(tmp_path, statistics=[statistic(**given)])
    with pytest.raises(DefinitionFileError) as caught:
        studies(catalogue=catalogue)
    assert all(word in str(caught.value) for word in words)


def test_cohorts_and_assays_that_nobody_defines_are_refused(tmp_path):
    own_study(tmp_path, contains=["sucess-a"], assay_definition="cellsearch")
    with pytest.raises(DefinitionFileError) as caught:
        Catalogue((tmp_path,)).all()
    assert all(word in str(caught.value) for word in ("'sucess-a'", "'success-a'", "'cellsearch'"))


def test_table_has_its_columns_when_nothing_is_found():
    empty = find(outcome="pcr", setting="dcis")
    assert empty.table().schema == find(outcome="os").table().schema
    assert empty.table().schema["estimate"] == pl.Float64


@pytest.mark.parametrize("word", [5, [None], [], b"os"])
def test_questions_that_are_no_words_are_refused(word):
    with pytest.raises(InputError):
        find(outcome=word)
