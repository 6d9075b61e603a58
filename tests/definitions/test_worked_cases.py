"""Every worked case holds, and a changed value is found out by its case."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ashworth.definitions import load, load_all
from ashworth.definitions.loader import SHIPPED
from ashworth.errors import DefinitionError
from ashworth.workflows.definitions import (
    check_definitions,
    list_definitions,
    show_definition,
)
from ashworth.workflows.worked_cases import run_all


def test_all_shipped_cases_hold():
    result = run_all()
    assert result.table().filter(~pl.col("holds")).is_empty(), result.text()
    assert result.n == sum(len(getattr(d, "cases", ())) for d in load_all())
    assert result.holds


def own_copy(folder: Path, kind: str, id: str, *changes: tuple[str, str]) -> None:
    text = (SHIPPED / kind / f"{id}.yaml").read_text(encoding="utf-8")
    text = text.replace(f"id: {id}", f"id: my-{id}", 1)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / kind).mkdir(exist_ok=True)
    (folder / kind / f"my-{id}.yaml").write_text(text, encoding="utf-8")


MUTATIONS = [
    ("positivity_rule", "ctc-metastatic-5", "at_least: 5", "at_least: 4",
     {"four cells in 7.5 ml, just below", "four cells in a short tube"}),
    ("positivity_rule", "ctc-metastatic-5", "at_least: 5", "at_least: 6",
     {"five cells in 7.5 ml, at the cut-off",
      "five cells in a short tube, the cut-off is reached already"}),
    ("positivity_rule", "ctc-treat-ctc-15ml", "amount: 15", "amount: 7.5",
     {"one cell in 15 ml, at the cut-off", "no cell in 15 ml, just below",
      "no cell in one tube of 7.5 ml is half an answer"}),
    ("positivity_rule", "dtc-ucsf-flow", "more_than: 10", "more_than: 9",
     {"ten cells in 1 ml, at the limit", "twenty cells in 2 ml are 10 per ml"}),
    ("positivity_rule", "dtc-icc-1", ", isotype_control]\ndiffers", "]\ndiffers",
     {"no isotype control"}),
    ("positivity_rule", "dtc-icc-1", "morphological_category, isotype_control]\ndiffers",
     "isotype_control]\ndiffers", {"no morphological category"}),
    ("positivity_rule", "ctc-neoadjuvant-ordinal", '">=5", at_least: 5', '">=5", at_least: 4',
     {"four cells, just below the highest level"}),
    ("dynamics_rule", "ctc-dynamics-5", "at_least: 5", "at_least: 4",
     {"four, then four", "five, then four", "four, then five"}),
    ("endpoint", "ibcfs", "second_primary_non_breast:\n    role: ignored",
     "second_primary_non_breast:\n    role: event", {"second primary outside the breast only"}),
    ("endpoint", "rfi", "role: competing\n    code: 2", "role: event",
     {"death from another cause"}),
    ("endpoint", "os", "death_unknown_cause:\n    role: event",
     "death_unknown_cause:\n    role: censoring", {"death of unknown cause"}),
    ("endpoint", "pfs", "closes: [last_disease_assessment, last_contact]",
     "closes: [last_contact, last_disease_assessment]",
     {"alive without progression, last assessed before the last contact",
      "two assessments, the later one closes"}),
    ("subtype", "paddy-luminal-b", "one_of: [3]", "one_of: [2, 3]", {"grade 2"}),
    ("subtype", "ajcc-cm0i", "at_most: 0.2", "at_most: 0.3",
     {"deposit just above the limit belongs to no class here"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "id", "old", "new", "failing"), MUTATIONS)
def test_a_changed_value_fails_exactly_its_cases(tmp_path, kind, id, old, new, failing):
    own_copy(tmp_path, kind, id, (old, new))
    table = check_definitions([tmp_path]).table().filter(~pl.col("holds"))
    assert set(table["definition"]) == {f"my-{id}"}
    assert set(table["case"]) == failing


def test_failures_are_told(tmp_path):
    own_copy(tmp_path, "positivity_rule", "ctc-metastatic-5", ("at_least: 5", "at_least: 4"))
    text = check_definitions([tmp_path]).text()
    assert "my-ctc-metastatic-5: four cells in 7.5 ml, just below" in text
    assert "expected negative, found positive" in text


def test_cases_can_ask_for_an_earlier_cutoff(tmp_path):
    later = (
        "  - {from: 2004-08-19, at_least: 5, reference: cristofanilli2004, origin: publication}\n"
    )
    case = "cases:\n  - name: before the change\n    on: 2010-01-01\n    given: "
    own_copy(
        tmp_path, "positivity_rule", "ctc-metastatic-5",
        (later, later + later.replace("2004-08-19, at_least: 5", "2020, at_least: 3")),
        ("cases:\n", case + "{n_cells: 4, volume_ml: 7.5}\n    expect: {status: negative}\n"),
    )  # fmt: skip
    table = check_definitions([tmp_path]).table()
    mine = table.filter(pl.col("definition") == "my-ctc-metastatic-5")
    assert mine.filter(pl.col("case") == "before the change")["holds"].item()
    assert not mine.filter(pl.col("case") == "four cells in 7.5 ml, just below")["holds"].item()


def test_list_marks_unverified_and_own(tmp_path):
    own_copy(tmp_path, "endpoint", "idfs")
    listed = list_definitions([tmp_path])
    rows = {r["id"]: r for r in listed.table().iter_rows(named=True)}
    assert rows["my-idfs"]["source"] == "own"
    assert rows["idfs"]["source"] == "shipped"
    assert rows["dfs-paddy"]["origin"] == "unverified"
    line = next(t for t in listed.text().splitlines() if "dfs-paddy" in t)
    assert line.endswith("[UNVERIFIED]")


def test_show_marks_unverified_values():
    lines = show_definition("cellsearch-ctc").text().splitlines()
    assert next(t for t in lines if t.startswith("  clusters")).endswith("[UNVERIFIED]")
    assert next(t for t in lines if t.startswith("  apoptotic")).endswith("[menarini-ctc]")


@pytest.mark.parametrize("id", [d.id for d in load_all()])
def test_show_writes_every_definition(id):
    shown = show_definition(id)
    assert shown.definition.title in shown.text()
    assert shown.table().null_count().sum_horizontal().item() == 0


def test_show_unknown_names_close_ones():
    with pytest.raises(DefinitionError, match="'idfs'"):
        show_definition("idf")


def test_run_on_given_definitions_only():
    result = run_all([load("endpoint", "idfs")])
    assert set(result.table()["definition"]) == {"idfs"}
    assert result.n_definitions == 1
