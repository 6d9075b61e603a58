"""The checklist at the report's end says what is there and what is missing."""

from __future__ import annotations

import pytest

from ashworth.workflows.simulate_cohort import simulate_study
from ashworth.workflows.study.analyse import analyse
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.run import run_analyses
from ashworth.workflows.study.inputs import read_study
from ashworth.workflows.study.remark import remark_items
from ashworth.workflows.study.report import study_report
from ashworth.workflows.study.settings import load_settings


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("remark") / "study"
    simulate_study("metastatic", out=folder, seed=3, patients=120, centres=2)
    return folder


def answers(study, **changes):
    """Answers and places by item of a report with changed settings."""
    settings = load_settings(study / "study.toml").model_copy(update=changes)
    inputs = read_study(study, settings)
    results = analyse(inputs.tables, settings)
    further = run_analyses(Context(inputs.tables, results))
    html, _ = study_report(results, further=further)
    titles = [
        type("S", (), {"id": i, "title": i.title()})()
        for i in ("summary", "patients", "methods", "counts", *settings.endpoints)
    ]
    items = remark_items(results, titles, further)
    assert "REMARK checklist" in html
    assert [i.number for i in items] == list(range(1, 21))
    assert all(f"{i.number}. {i.topic}" in html for i in items)
    return {i.number: (i.answer, i.where) for i in items}


@pytest.fixture(scope="module")
def plain(study):
    return answers(study)


def test_what_only_the_authors_know_is_missing(plain):
    found = plain
    assert {n for n in (9, 19, 20) if found[n][0] == "missing"} == {9, 19, 20}
    assert found[7][0] == "here"
    assert found[5][0] == "in part"


def test_models_without_adjustment_do_not_answer_16_and_17(study, plain):
    assert plain[16][0] == "here"
    without = answers(study, adjust=())
    assert without[16][0] == without[17][0] == "missing"


def test_requested_checks_answer_18(study, plain):
    assert plain[18] == ("missing", "Ask for them under [[analyses]]")
    text = '\n[[analyses]]\nkind = "proportional_hazards"\nendpoints = ["os"]\n'
    asked = study.parent / "asked.toml"
    asked.write_text((study / "study.toml").read_text() + text)
    requests = load_settings(asked).analyses
    found = answers(study, analyses=requests)
    assert found[18] == ("here", "Proportional hazards")
    assert found[10][0] == "here"


def test_what_was_not_estimated_answers_nothing_and_has_no_methods(study):
    text = '\nclock = "index-delayed-entry"\n'
    asked = study.parent / "refused.toml"
    head, first, rest = (study / "study.toml").read_text().partition("\n[[timepoints]]")
    requests = '\n[[analyses]]\nkind = "cut_point"\ntimepoint = "first_follow_up"\n'
    asked.write_text(head + text + first + rest + requests)
    settings = load_settings(asked)
    found = answers(study, clock=settings.clock, analyses=settings.analyses)
    assert found[18] == ("missing", "Ask for them under [[analyses]]")
    inputs = read_study(study, settings)
    results = analyse(inputs.tables, settings)
    further = run_analyses(Context(inputs.tables, results))
    assert not further[0].estimated
    html, _ = study_report(results, further=further)
    assert "Not estimated: with late entry" in html
    assert "maximally selected" not in html
