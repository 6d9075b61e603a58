"""Flow diagrams and decision tables of every protocol: complete, in order, one answer each."""

from __future__ import annotations

import pytest

from ashworth.definitions import load_all
from ashworth.trials import decision_tables, flow_diagram, load_protocol

LIBRARY = sorted({p.id for p in load_all("protocol")})


@pytest.mark.parametrize("name", LIBRARY)
def test_every_node_stands_in_the_diagram_below_what_leads_to_it(name):
    trial = load_protocol(name)
    drawn = flow_diagram(trial)
    layer = dict(drawn.boxes.select("node", "layer").iter_rows())
    assert set(layer) == set(trial.nodes)
    assert all(layer[a["target"]] > layer[a["source"]] for a in drawn.arrows.to_dicts())
    assert set(drawn.arrows["target"]) | {next(iter(trial.nodes))} == set(trial.nodes)
    for (_,), boxes in drawn.boxes.group_by("layer"):
        places = boxes["place"].to_list()
        assert len(set(places)) == len(places)
        assert all(0 <= p <= 1 for p in places)


@pytest.mark.parametrize("name", LIBRARY)
def test_a_combination_of_conditions_has_one_answer(name):
    for table in decision_tables(load_protocol(name)):
        conditions = [row[: len(table.conditions)] for row in table.rows]
        assert len(set(conditions)) == len(conditions)
        assert all(len(row) == len(table.conditions) + len(table.answers) for row in table.rows)
        assert table.rows


def test_the_rule_of_stic_ctc_is_the_published_one():
    policies = decision_tables(load_protocol("stic-ctc"))[-1]
    answers = {row[:2]: row[2:] for row in policies.rows}
    assert answers == {
        ("chemotherapy", "false"): ("chemotherapy", "endocrine therapy"),
        ("chemotherapy", "true"): ("chemotherapy", "chemotherapy"),
        ("endocrine therapy", "false"): ("endocrine therapy", "endocrine therapy"),
        ("endocrine therapy", "true"): ("endocrine therapy", "chemotherapy"),
    }
