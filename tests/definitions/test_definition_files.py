"""Malformed files: every fault at once, with file, line and key path."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ashworth.definitions import Catalogue, load, references
from ashworth.definitions.loader import SHIPPED
from ashworth.errors import DefinitionError, DefinitionFileError

RULE = (SHIPPED / "positivity_rule" / "ctc-early-1.yaml").read_text(encoding="utf-8")
OWN = RULE.replace("id: ctc-early-1", "id: my-rule")


@pytest.fixture
def own(tmp_path: Path):
    """Write a rule of one's own and read it."""
    (tmp_path / "positivity_rule").mkdir()

    def read(text: str):
        (tmp_path / "positivity_rule" / "my-rule.yaml").write_text(text, encoding="utf-8")
        return Catalogue((tmp_path,)).get("positivity_rule", "my-rule")

    return read


def problems_of(read, text: str):
    with pytest.raises(DefinitionFileError) as caught:
        read(text)
    return caught.value.problems


def line_with(text: str, part: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


def test_own_rule_is_read(own):
    assert own(OWN).cutoff().at_least == 1


def test_duplicate_key_is_refused_with_its_line(own):
    text = OWN.replace("scale: count\n", "scale: count\nscale: rate_per_ml\n")
    (problem,) = problems_of(own, text)
    assert problem.row == line_with(text, "scale: rate_per_ml")
    assert problem.column == "scale"
    assert "twice" in problem.found


def test_duplicate_key_deep_in_a_flow_mapping(own):
    text = OWN.replace("{n_cells: 1, volume_ml: 7.5}", "{n_cells: 1, n_cells: 2, volume_ml: 7.5}")
    (problem,) = problems_of(own, text)
    assert problem.column == "cases[0].given.n_cells"
    assert problem.row == line_with(text, "n_cells: 2")


def test_all_faults_of_a_file_come_at_once(own):
    text = (
        OWN.replace("setting: early", "setting: erly")
        .replace("matrix: blood", "matriks: blood")
        .replace("at_least: 1", "at_least: -1")
        .replace("{from: 2016", "{from: 2016-13-40")
        .replace("expect: {status: negative}", "expect: {status: perhaps}")
    )
    found = {p.column: p for p in problems_of(own, text)}
    assert set(found) == {
        "setting",
        "matrix",
        "matriks",
        "values[0].from",
        "values[0].at_least",
        "cases[1].expect.status",
    }
    assert found["matriks"].remedy == "write 'matrix' instead"
    assert found["setting"].row == line_with(text, "erly")
    assert found["values[0].from"].row == line_with(text, "2016-13-40")
    assert found["cases[1].expect.status"].row == line_with(text, "perhaps")
    assert all(p.table == "positivity_rule/my-rule.yaml" for p in found.values())


@pytest.mark.parametrize("bad", ["2016-13", "next year", "20160101", "16", "true", "2016-02-30"])
def test_bad_dates(own, bad):
    (problem,) = problems_of(own, OWN.replace("from: 2016", f"from: {bad}"))
    assert problem.column == "values[0].from"


@pytest.mark.parametrize(
    ("written", "day", "text"),
    [
        ("2016", date(2016, 1, 1), "2016"),
        ("2016-05", date(2016, 5, 1), "2016-05"),
        ("2016-05-20", date(2016, 5, 20), "2016-05-20"),
    ],
)
def test_dates_keep_what_is_known_of_them(own, written, day, text):
    value = own(OWN.replace("from: 2016", f"from: {written}")).cutoff()
    assert (value.from_date, value.from_text) == (day, text)


def test_unknown_reference(own):
    text = OWN.replace("reference: janni2016", "reference: jani2016")
    (problem,) = problems_of(own, text)
    assert "jani2016" in problem.found
    assert problem.remedy == "write 'janni2016'"


@pytest.mark.parametrize("instead", ["at_least: 1, more_than: 2, ", ""])
def test_cutoff_needs_exactly_one_form(own, instead):
    text = OWN.replace("at_least: 1, reference", f"{instead}reference", 1)
    assert text != OWN
    (problem,) = problems_of(own, text)
    assert "exactly one" in problem.allowed


def test_words_of_yaml_1_1_stay_text(own):
    """The keys `on` and values such as `no` are words here, not truth values."""
    text = OWN.replace("notes:", "notes:\n  - no", 1)
    assert "no" in own(text).notes


@pytest.mark.parametrize(
    "text", ["", "just text", "[1, 2]", "id: [unclosed", "\tid: x", "id: &a [*a]"]
)
def test_files_that_are_no_definition(own, text):
    assert problems_of(own, text)


def test_binary_file(tmp_path):
    (tmp_path / "assay").mkdir()
    (tmp_path / "assay" / "x.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(DefinitionFileError, match="UTF-8"):
        Catalogue((tmp_path,)).get("assay", "x")


def test_file_name_and_id_must_agree(own):
    (problem,) = problems_of(own, OWN.replace("id: my-rule", "id: your-rule"))
    assert problem.column == "id"


def test_faults_of_several_files_come_at_once(tmp_path):
    (tmp_path / "positivity_rule").mkdir()
    for name in ("one", "two"):
        text = RULE.replace("id: ctc-early-1", f"id: {name}").replace("early\n", "late\n")
        (tmp_path / "positivity_rule" / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionFileError) as caught:
        Catalogue((tmp_path,)).all()
    assert {p.table for p in caught.value.problems} == {
        "positivity_rule/one.yaml",
        "positivity_rule/two.yaml",
    }


def test_shipped_id_is_never_overridden(tmp_path):
    (tmp_path / "positivity_rule").mkdir()
    mine = RULE.replace("at_least: 1,", "at_least: 2,")
    (tmp_path / "positivity_rule" / "ctc-early-1.yaml").write_text(mine, encoding="utf-8")
    with pytest.raises(DefinitionFileError, match="exists already"):
        load("positivity_rule", "ctc-early-1", folders=[tmp_path])


def test_shipped_reference_is_never_overridden(tmp_path):
    text = "janni2016: {authors: A, journal: B, year: 2000}\n"
    (tmp_path / "references.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionFileError, match="janni2016"):
        references(folders=[tmp_path])


def test_own_references_can_be_cited(tmp_path):
    (tmp_path / "positivity_rule").mkdir()
    text = "mine2026: {authors: A, journal: B, year: 2026}\n"
    (tmp_path / "references.yaml").write_text(text, encoding="utf-8")
    rule = OWN.replace("reference: janni2016", "reference: mine2026")
    (tmp_path / "positivity_rule" / "my-rule.yaml").write_text(rule, encoding="utf-8")
    assert load("positivity_rule", "my-rule", folders=[tmp_path]).cutoff().reference == "mine2026"


def test_folder_with_a_misspelt_kind(tmp_path):
    (tmp_path / "positivity_rules").mkdir()
    with pytest.raises(DefinitionFileError, match="positivity_rules"):
        Catalogue((tmp_path,))


def test_files_that_would_be_overlooked_are_refused(tmp_path):
    (tmp_path / "positivity_rule").mkdir()
    (tmp_path / "positivity_rule" / "my-rule.yml").write_text(OWN, encoding="utf-8")
    with pytest.raises(DefinitionFileError, match=r"my-rule\.yml"):
        Catalogue((tmp_path,))


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(DefinitionFileError, match="no such folder"):
        Catalogue((tmp_path / "nowhere",))


def test_unknown_id_names_close_ones():
    with pytest.raises(DefinitionError, match="did you mean 'ctc-metastatic-5'"):
        load("positivity_rule", "ctc-metastatic5")


def test_unknown_kind():
    with pytest.raises(DefinitionError, match="kind 'rule' is unknown"):
        load("rule", "ctc-early-1")


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("assays: [cellsearch-ctc, cellsearch-ctc-her2]", "assays: [cellsearch]", "assays"),
        ("matrix: blood", "matrix: bone_marrow", "matrix"),
        ("phenotype: ctc", "phenotype: dtc", "phenotype"),
        ("kind: volume_ml", "kind: nucleated_cells", "denominator.kind"),
        ("differs_from: [ctc-treat-ctc-15ml", "differs_from: [ctc-treat", "differs_from"),
    ],
)
def test_rules_must_fit_what_they_name(tmp_path, old, new, column):
    (tmp_path / "positivity_rule").mkdir()
    assert old in OWN
    path = tmp_path / "positivity_rule" / "my-rule.yaml"
    path.write_text(OWN.replace(old, new), encoding="utf-8")
    with pytest.raises(DefinitionFileError) as caught:
        Catalogue((tmp_path,)).all()
    assert column in {p.column for p in caught.value.problems}
