"""Penalised models, frailty and regression dilution of a small simulated study."""

from __future__ import annotations

import numpy as np
import pytest

from ashworth.errors import InputError
from ashworth.reports import Callout, Paragraph, Section
from ashworth.reports.blocks import figures_of, tables_of
from ashworth.survival import firth_cox, frailty_cox
from ashworth.workflows.simulate_cohort import simulate_study
from ashworth.workflows.study.analyse import analyse
from ashworth.workflows.study.analyses.context import Context, covariate_matrix
from ashworth.workflows.study.analyses.run import run_analyses
from ashworth.workflows.study.inputs import read_study
from ashworth.workflows.study.settings import load_settings

REQUESTS = """
[[analyses]]
kind = "penalised"
endpoints = ["os"]

[[analyses]]
kind = "frailty"
endpoints = ["os"]

[[analyses]]
kind = "frailty"
distribution = "gaussian"

[[analyses]]
kind = "dilution"
endpoints = ["os"]
"""


PRIOR = 'population = "poisson_lognormal"'


def context_of(folder, requests, change=lambda text: text):
    path = folder / "study.toml"
    path.write_text(change(path.read_text()) + requests)
    settings = load_settings(path)
    tables = read_study(folder, settings).tables
    return Context(tables, analyse(tables, settings))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("penalised") / "study"
    simulate_study("metastatic", out=folder, seed=4, patients=220, centres=6)
    context = context_of(folder, REQUESTS, lambda text: text.replace(PRIOR, 'population = "none"'))
    return context, run_analyses(context)


def words(blocks):
    parts = []
    for block in blocks:
        if isinstance(block, Section):
            parts.append(words(block.blocks))
        elif isinstance(block, Paragraph | Callout):
            parts.append(block.text)
    return " ".join(parts)


def test_every_kind_gives_text_figure_and_tables(study):
    _, found = study
    assert [f.kind for f in found] == ["penalised", "frailty", "frailty", "dilution"]
    for further in found:
        result = further.result
        figures = figures_of(result.blocks)
        assert figures
        assert all(f.figure.name.startswith(further.anchor) for f in figures)
        assert all("Simulated data" in f.figure.json() for f in figures)
        assert tables_of(result.blocks)
        assert result.methods
        assert "OS: " in words(result.blocks)
        assert "Not estimated" not in words(result.blocks)


def test_penalised_is_the_estimator(study):
    context, found = study
    rows = context.rows(context.results.endpoints[0], context.results.groups.timepoints[0].name)
    z, _, complete = covariate_matrix(rows, context.codings)
    kept = rows.take(complete)
    x = np.column_stack([kept.high, z[complete]])
    expected = firth_cox(kept.time, kept.event, x, strata=kept.strata, ties=context.settings.ties)
    table = found[0].result.tables["hazard_ratios"]
    firth = table.filter(table["method"].str.starts_with("Firth"))
    np.testing.assert_allclose(firth["estimate"], expected.hazard_ratios, rtol=1e-8)
    np.testing.assert_allclose(firth["upper"], np.exp(expected.upper), rtol=1e-6)
    assert table.height == 3 * x.shape[1]
    assert table["events"][0] == int(kept.event.sum())


def test_frailty_replaces_the_strata_by_centre(study):
    context, found = study
    frailties = found[1].result.tables["frailties"]
    assert frailties.height == 6
    text = words(found[1].result.blocks)
    assert "in 6 groups (centre)" in text
    assert ("replaced by the frailty" in text) == ("centre" in context.settings.stratify)
    rows = context.rows(context.results.endpoints[0], context.results.groups.timepoints[0].name)
    z, _, complete = covariate_matrix(rows, context.codings)
    kept = rows.take(complete)
    expected = frailty_cox(
        kept.time, kept.event, np.column_stack([kept.high, z[complete]]),
        kept.patients["centre"].cast(str), ties=context.settings.ties,
    )  # fmt: skip
    ratios = found[1].result.tables["hazard_ratios"]
    np.testing.assert_allclose(ratios["hazard_ratio"], expected.hazard_ratios, rtol=1e-7)
    np.testing.assert_allclose(ratios["variance"][0], expected.variance, rtol=1e-5, atol=1e-9)


def test_dilution_names_probabilities_and_ratios(study):
    _, found = study
    result = found[3].result
    assert result.tables["hazard_ratios"].height == 3
    patients = result.tables["patients"]
    assert patients["probability"].is_between(0, 1).all()
    assert (patients.filter(patients["n_cells"] >= 30)["probability"] > 0.99).all()
    text = words(result.blocks)
    assert "Expected sensitivity" in text
    assert "Assumed:" in text


def test_what_cannot_be_estimated_is_said(tmp_path):
    folder = tmp_path / "early"
    simulate_study("early_ctc", out=folder, seed=4, patients=120, centres=1)
    requests = '[[analyses]]\nkind = "dilution"\n[[analyses]]\nkind = "frailty"\n'
    found = run_analyses(context_of(folder, f"\n{requests}"))
    assert "names no concentration" in words(found[0].result.blocks)
    assert "one group" in words(found[1].result.blocks)
    with pytest.raises(InputError, match="ward"):
        wrong = '\n[[analyses]]\nkind = "frailty"\nby = "ward"\n'
        run_analyses(context_of(folder, wrong))


def test_frailty_names_the_strata_that_stay(tmp_path):
    folder = tmp_path / "study"
    simulate_study("metastatic", out=folder, seed=4, patients=160, centres=3)
    request = '\n[[analyses]]\nkind = "frailty"\nendpoints = ["os"]\n'
    swaps = {
        PRIOR: 'population = "none"',
        'stratify = ["centre"]': 'stratify = ["centre", "er_status"]',
        'adjust = ["age_years", "er_status", ': 'adjust = ["age_years", ',
        'subgroups = ["er_status", ': "subgroups = [",
    }

    def change(text):
        for old, new in swaps.items():
            assert old in text
            text = text.replace(old, new)
        return text

    (found,) = run_analyses(context_of(folder, request, change))
    assert "strata by centre are replaced by the frailty here." in words(found.result.blocks)
    assert "All models are stratified by er_status as well." in words(found.result.blocks)
