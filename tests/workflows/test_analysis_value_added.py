"""Value added, form of the marker and searched cut-off in small simulated studies."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ashworth.reports import Callout, Paragraph, Section
from ashworth.reports.blocks import figures_of, tables_of
from ashworth.survival import compare_marker_forms, cut_point_search, likelihood_ratio
from ashworth.survival.prognostic_value.held_out import folds_of, held_out_risks
from ashworth.workflows.simulate_cohort import simulate_study
from ashworth.workflows.study.analyse import analyse
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.discrimination_models import fit_models
from ashworth.workflows.study.analyses.run import run_analyses
from ashworth.workflows.study.inputs import read_study
from ashworth.workflows.study.settings import load_settings

REQUESTS = """
[[analyses]]
kind = "value_added"
at = 24
bootstrap = 20

[[analyses]]
kind = "marker_form"
endpoints = ["os"]

[[analyses]]
kind = "cut_point"
bootstrap = 20
endpoints = ["os"]

[[analyses]]
kind = "value_added"
at = 900
bootstrap = 0
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
    folder = tmp_path_factory.mktemp("value_added") / "study"
    context = context_of(folder, "metastatic", REQUESTS, patients=220)
    return context, {f.anchor: f.result for f in run_analyses(context)}


def texts(blocks):
    for block in blocks:
        if isinstance(block, Section):
            yield from texts(block.blocks)
        elif isinstance(block, Paragraph | Callout):
            yield block.text


def rows_of(context, endpoint="os"):
    found = next(e for e in context.results.endpoints if e.id == endpoint)
    return context.rows(found, context.results.groups.timepoints[0].name)


def test_value_added_begins_with_the_likelihood(study):
    context, results = study
    result = results["value-added"]
    models = fit_models(context, rows_of(context))
    test = likelihood_ratio(*models.fits.values())
    table = result.tables["likelihood"].filter(
        (pl.col("endpoint") == "os") & (pl.col("model") == "added")
    )
    np.testing.assert_allclose(table["chi_square"][0], test.statistic, rtol=1e-10)
    said = " ".join(texts(result.blocks))
    assert f"{test.n} patients, {test.events} events" in said
    assert "adequacy" in said
    assert "does not say that a treatment works" in said
    captions = [t.caption for t in tables_of(result.blocks)]
    assert "likelihood of the models" in captions[0]
    assert {f.figure.name.rsplit("-", 1)[1] for f in figures_of(result.blocks)} == {
        "calibration",
        "decision",
    }
    assert all("Simulated data" in f.figure.json() for f in figures_of(result.blocks))
    assert set(result.tables) == {
        "likelihood", "optimism", "calibration", "calibration_groups", "decision_curve",
    }  # fmt: skip


def test_a_horizon_beyond_the_follow_up_is_a_remark(study):
    result = study[1]["value-added-2"]
    said = list(texts(result.blocks))
    assert any("followed to 900" in text for text in said)
    assert "likelihood" in result.tables
    assert "decision_curve" not in result.tables


def test_forms_are_those_of_the_public_estimator(study):
    context, results = study
    result = results["marker-form"]
    forms = {r["form"]: r for r in result.tables["forms"].to_dicts()}
    assert forms["cut and spline"]["adequacy"] == 1.0
    assert forms["cut"]["n"] <= rows_of(context).n
    said = " ".join(texts(result.blocks))
    assert "The cut-off at 5 loses" in said
    assert len(figures_of(result.blocks)) == 1
    assert "From the cut-off 5 on" in figures_of(result.blocks)[0].figure.alt


def test_the_searched_cut_is_corrected(study):
    result = study[1]["cut-point"]
    table = result.tables["statistics"]
    assert table["selected"].sum() == 1
    said = list(texts(result.blocks))
    assert any("no validated cut-off" in text for text in said)
    assert any("corrected p" in text and "Uncorrected" in text for text in said)
    assert any("multipliers" in text for text in said)
    assert result.tables["bootstrap"]["n"].sum() == 20
    captions = [t.caption for t in tables_of(result.blocks)]
    assert "hazard ratio at the searched cut-off" in captions[0]


def test_without_covariates_the_marker_stands_alone(tmp_path):
    def bare(text):
        lines = [line for line in text.splitlines() if not line.startswith(("adjust", "stratify"))]
        return "\n".join(lines) + "\n"

    requests = REQUESTS.split("[[analyses]]")
    few = "[[analyses]]".join(requests[:4]).replace("bootstrap = 20", "bootstrap = 0")
    context = context_of(tmp_path / "study", "metastatic", few, change=bare, patients=120)
    results = {f.anchor: f.result for f in run_analyses(context)}
    said = " ".join(texts(results["value-added"].blocks))
    assert "no base model" in said
    assert "likelihood" not in results["value-added"].tables
    rows = rows_of(context)
    known = rows.take(np.isfinite(rows.value))
    direct = compare_marker_forms(known.time, known.event, known.value, 5)
    forms = results["marker-form"].tables["forms"].filter(pl.col("form") == "log")
    np.testing.assert_allclose(forms["chi_square"][0], direct["log"].chi_square, rtol=1e-8)
    search = cut_point_search(known.time, known.event, known.value, seed=1)
    found = results["cut-point"].tables["statistics"]
    np.testing.assert_allclose(found["statistic"], search.statistics, rtol=1e-8)
    assert "bootstrap" not in results["cut-point"].tables


def test_held_out_risks_do_not_know_their_own_outcome(study):
    context, _ = study
    models = fit_models(context, rows_of(context))
    data = models.whole.fit.data
    fold = folds_of(np.asarray(models.code), 5, np.random.default_rng(1))
    risks = held_out_risks(data, (data.event * 1).astype(np.int64), 12.0, fold)
    assert np.isfinite(risks).all()
    assert ((risks > 0) & (risks < 1)).all()
    changed = data.event.copy()
    changed[3] = ~changed[3]
    again = held_out_risks(
        type(data)(
            data.time, changed, data.entry, data.covariates, data.stratum, data.stratum_labels,
            data.cluster, data.weights, data.offset, data.names, data.rows,
        ),
        (changed * 1).astype(np.int64), 12.0, fold,
    )  # fmt: skip
    own = fold == fold[3]
    np.testing.assert_array_equal(risks[own], again[own])
    assert (risks[~own] != again[~own]).any()
    spread = np.bincount(fold[data.event])
    assert np.ptp(spread) <= 1
