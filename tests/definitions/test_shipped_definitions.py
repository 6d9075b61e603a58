"""What ships, against the issue's list and the literature's cut-offs."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from ashworth.definitions import KINDS, load, load_all, references
from ashworth.definitions.loader import SHIPPED
from ashworth.definitions.reading import read_yaml
from ashworth.definitions.schema import SCHEMAS, json_schema, publish, schema_files
from ashworth.errors import DefinitionError

RULES = {
    "ctc-early-1": ("count", 7.5, ">= 1"),
    "ctc-treat-ctc-15ml": ("count", 15, ">= 1"),
    "ctc-rack2014-30ml": ("count", 30, ">= 1"),
    "ctc-success-a-2y": ("count", 7.5, ">= 1"),
    "ctc-metastatic-5": ("count", 7.5, ">= 5"),
    "ctc-neoadjuvant-ordinal": ("count", 7.5, ">= 1"),
    "dtc-icc-1": ("count", None, ">= 1"),
    "dtc-ucsf-flow": ("rate_per_ml", None, "> 10"),
}
ASSAYS = {
    "cellsearch-ctc": ("blood", "volume_ml", "ctc"),
    "cellsearch-ctc-her2": ("blood", "volume_ml", "ctc"),
    "dtc-icc-a45b-b3": ("bone_marrow", "nucleated_cells", "dtc"),
    "dtc-flow-immunomagnetic": ("bone_marrow", "volume_ml", "dtc"),
}


def test_rules():
    found = {
        r.id: (r.scale, r.denominator.amount, r.cutoff().text) for r in load_all("positivity_rule")
    }
    assert found == RULES


def test_assays():
    found = {a.id: (a.matrix, a.denominator, a.phenotype) for a in load_all("assay")}
    assert found == ASSAYS


def test_rules_that_look_alike_say_that_they_differ():
    for one, other in (
        ("ctc-rack2014-30ml", "ctc-success-a-2y"),
        ("ctc-early-1", "ctc-treat-ctc-15ml"),
        ("dtc-icc-1", "dtc-ucsf-flow"),
    ):
        assert other in load("positivity_rule", one).differs_from
        assert one in load("positivity_rule", other).differs_from


def test_levels_of_the_ordinal_rule():
    levels = load("positivity_rule", "ctc-neoadjuvant-ordinal").levels
    assert [(v.name, v.at_least) for v in levels] == [
        ("0", 0), ("1", 1), ("2", 2), ("3-4", 3), (">=5", 5),
    ]  # fmt: skip


def test_dtc_requirements():
    assert set(load("positivity_rule", "dtc-icc-1").requires) == {
        "nucleated_cells_screened",
        "morphological_category",
        "isotype_control",
    }


def test_dynamics_classes():
    five = load("dynamics_rule", "ctc-dynamics-5")
    assert five.class_of("negative", "negative") == "persistently low"
    assert five.class_of("positive", "negative") == "decrease"
    assert five.class_of("negative", "positive") == "increase"
    assert five.class_of("positive", "positive") == "persistently high"
    assert (five.at_least, five.amount) == (5, 7.5)
    one = load("dynamics_rule", "ctc-dynamics-1")
    signs = ("negative", "positive")
    assert all(one.class_of(a, b) == f"{a}-{b}" for a in signs for b in signs)
    clearance = load("dynamics_rule", "ctc-clearance")
    assert clearance.class_of("negative", "negative") is None
    assert clearance.caveat == "not a validated surrogate"


def test_cutoff_of_a_day():
    rule = load("positivity_rule", "ctc-metastatic-5")
    assert rule.cutoff(date(2004, 8, 19)).at_least == 5
    with pytest.raises(DefinitionError, match="2004-08-18"):
        rule.cutoff(date(2004, 8, 18))
    with pytest.raises(DefinitionError):
        load("positivity_rule", "ctc-metastatic-5", on=date(2000, 1, 1))
    assert load("positivity_rule", "ctc-metastatic-5", on=date(2010, 1, 1)) == rule


def test_later_values_take_over():
    rule = load("positivity_rule", "ctc-metastatic-5")
    later = rule.values[0].model_copy(update={"from_text": "2030", "at_least": 3})
    both = rule.model_copy(update={"values": (*rule.values, later)})
    assert both.cutoff().at_least == 3
    assert both.cutoff(date(2029, 12, 31)).at_least == 5


def test_every_reference_is_used():
    used = {key for d in load_all() for key in d.cited()}
    assert used == set(references())


def test_every_rule_endpoint_and_subtype_has_cases():
    without = ("assay", "study")
    assert all(d.cases for kind in KINDS if kind not in without for d in load_all(kind))


def test_definitions_of_unread_studies_are_marked():
    marked = {d.id for d in load_all("endpoint") if d.origin == "unverified"}
    assert marked == {
        d.id for d in load_all("endpoint") if d.id.startswith(("dfs-", "ddfs-"))
    }  # fmt: skip
    assert marked


def test_schema_files_are_up_to_date(tmp_path):
    publish(tmp_path)
    fresh = {p.name: p.read_text(encoding="utf-8") for p in tmp_path.iterdir()}
    shipped = {p.name: p.read_text(encoding="utf-8") for p in SCHEMAS.glob("*.json")}
    assert shipped == fresh == schema_files()


@pytest.mark.parametrize(
    "path", sorted(SHIPPED.rglob("*.yaml")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_shipped_files_fit_the_published_schemas(path: Path):
    name = "references" if path.parent == SHIPPED else path.parent.name
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    data, _, problems = read_yaml(path, path.name)
    assert not problems
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema)


def test_schema_refuses_unknown_keys():
    schema = json_schema("assay")
    data, _, _ = read_yaml(SHIPPED / "assay" / "cellsearch-ctc.yaml", "x")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data | {"colour": "red"}, schema)


def test_schema_of_an_unknown_kind():
    with pytest.raises(DefinitionError):
        json_schema("rule")


def test_models_are_frozen():
    rule = load("positivity_rule", "ctc-early-1")
    with pytest.raises(ValueError, match="frozen"):
        rule.version = 2
