"""Discrimination of a small simulated study: base model against base model and marker."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ashworth.reports import Callout, Paragraph, Section
from ashworth.reports.blocks import figures_of, tables_of
from ashworth.survival import (
    compare_concordance,
    cox,
    cox_concordance,
    fine_gray,
    predict_survival,
)
from ashworth.workflows.simulate_cohort import simulate_study
from ashworth.workflows.study.analyse import analyse
from ashworth.workflows.study.analyses.context import Context, covariate_matrix
from ashworth.workflows.study.analyses.discrimination_models import fit_models
from ashworth.workflows.study.analyses.run import run_analyses
from ashworth.workflows.study.inputs import read_study
from ashworth.workflows.study.settings import load_settings

REQUESTS = """
[[analyses]]
kind = "discrimination"
at = [12, 24, 900]
reclassify_at = [0.3, 0.6]
bootstrap = 40
endpoints = ["os"]

[[analyses]]
kind = "discrimination"
at = [900]
endpoints = ["os"]
"""


def context_of(folder, preset, requests, change=lambda text: text, **options):
    simulate_study(preset, out=folder, seed=4, centres=2, **options)
    path = folder / "study.toml"
    text = path.read_text().replace('population = "poisson_lognormal"', 'population = "none"')
    path.write_text(change(text) + requests)
    settings = load_settings(path)
    tables = read_study(folder, settings).tables
    return Context(tables, analyse(tables, settings))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("discrimination") / "study"
    context = context_of(folder, "metastatic", REQUESTS, patients=160)
    return context, {f.anchor: f.result for f in run_analyses(context)}


def texts(blocks):
    for block in blocks:
        if isinstance(block, Section):
            yield from texts(block.blocks)
        elif isinstance(block, Paragraph | Callout):
            yield block.text


def test_concordance_is_that_of_the_models(study):
    context, results = study
    result = results["discrimination"]
    endpoint = next(e for e in context.results.endpoints if e.id == "os")
    rows = context.rows(endpoint, context.results.groups.timepoints[0].name)
    z, _, complete = covariate_matrix(rows, context.codings)
    kept = rows.take(complete)
    options = {"strata": kept.strata, "entry": kept.entry}
    base = cox(kept.time, kept.event, z[complete], **options)
    both = cox(kept.time, kept.event, np.column_stack([z[complete], kept.high]), **options)
    c = cox_concordance(base, both)
    table = result.tables["concordance"].filter(pl.col("measure") == "harrell_c")
    np.testing.assert_allclose(table["estimate"], c.concordance, rtol=1e-12)
    change = result.tables["differences"].filter(pl.col("measure") == "harrell_c")
    found = compare_concordance(c)
    np.testing.assert_allclose(change["standard_error"], found.standard_errors, rtol=1e-8)
    said = " ".join(texts(result.blocks))
    assert f"{kept.n} patients, {kept.n_events} events" in said
    assert "Likelihood-ratio test of the marker" in said
    assert "apparent" in said


def test_risks_are_the_predicted_ones(study):
    context, _ = study
    endpoint = next(e for e in context.results.endpoints if e.id == "os")
    models = fit_models(context, context.rows(endpoint, context.results.groups.timepoints[0].name))
    times = np.array([6.0, 24.0])
    risks = models.risks(times)[models.names[1]]
    fit = models.whole.fit
    for row in (0, 7, 31):
        label = None
        if fit.data.stratum is not None:
            label = fit.data.stratum_labels[fit.data.stratum[row]]
        curve = predict_survival(fit, fit.data.covariates[row], times, strata=label).curves[0]
        np.testing.assert_allclose(risks[row], 1 - curve.survival, rtol=1e-10)


def test_accuracy_figure_and_what_is_not_estimated(study):
    _, results = study
    result = results["discrimination"]
    figures = figures_of(result.blocks)
    assert [f.figure.name for f in figures] == ["discrimination-os-accuracy"]
    assert "AUC" in figures[0].figure.alt
    said = " ".join(texts(result.blocks))
    assert "othing is estimated at 900" in said
    rows = result.tables["accuracy"]
    assert set(rows.filter(pl.col("asked"))["time"]) == {12.0, 24.0}
    assert rows.filter(pl.col("measure") == "auc")["estimate"].is_between(0, 1).all()
    assert "Net reclassification is no proper measure" in said
    assert "caveat" in result.tables["reclassification"].columns
    assert len(tables_of(result.blocks)) == 3
    assert not figures_of(results["discrimination-2"].blocks)


def test_marker_alone_with_competing_events(tmp_path):
    requests = '\n[[analyses]]\nkind = "discrimination"\nat = [2, 4]\nreclassify_at = [0.1]\n'

    def change(text):
        lines = [line for line in text.splitlines() if not line.startswith("adjust")]
        return "\n".join(
            'endpoints = ["rfi"]' if line.startswith("endpoints") else line for line in lines
        )

    context = context_of(tmp_path / "study", "early_ctc", requests, change, patients=250)
    result = run_analyses(context)[0].result
    said = " ".join(texts(result.blocks))
    assert "adjusts for nothing" in said
    assert "had a competing event first" in said
    assert "there is no base model" in said
    assert set(result.tables["accuracy"]["model"]) == {"CTC alone", "no model"}
    assert "differences" not in result.tables
    endpoint = context.results.endpoints[0]
    models = fit_models(context, context.rows(endpoint, context.results.groups.timepoints[0].name))
    times = np.array([2.0, 4.0])
    risks, data = models.risks(times)["CTC alone"], models.whole.fit.data
    fit = fine_gray(models.time, models.code, data.covariates, names=models.whole.fit.names,
                    strata=models.rows.strata)  # fmt: skip
    for row in (0, 11):
        expected = fit.predict(data.covariates[[row]], times, stratum=models.rows.strata[row])
        np.testing.assert_allclose(risks[row], expected.incidence[0], rtol=1e-9)
