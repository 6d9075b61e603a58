"""The marker over centres, and missing covariates imputed, in a small simulated study."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ashworth.evidence import one_stage, two_stage
from ashworth.reports import Callout, Paragraph, Section
from ashworth.reports.blocks import figures_of, tables_of
from ashworth.survival import cox
from ashworth.workflows.simulate_cohort import simulate_study
from ashworth.workflows.study.analyse import analyse
from ashworth.workflows.study.analyses.context import Context, covariate_matrix
from ashworth.workflows.study.analyses.run import run_analyses
from ashworth.workflows.study.inputs import read_study
from ashworth.workflows.study.settings import load_settings

REQUESTS = """
[[analyses]]
kind = "pooling"
endpoints = ["os"]
interactions = ["age_years", "er_status"]

[[analyses]]
kind = "pooling"
endpoints = ["os"]
by = "setting"

[[analyses]]
kind = "imputation"
endpoints = ["os"]
imputations = 2
"""


def spoil(folder):
    """Gaps in age and HER2, a centre with few patients, and patients without a centre."""
    path = folder / "patients.csv"
    patients = pl.read_csv(path, infer_schema_length=0)
    place = pl.int_range(pl.len())
    centre = pl.when(place < 4).then(None).when(place == 4).then(pl.lit("C99"))
    patients.with_columns(
        age_years=pl.when(place % 7 == 3).then(None).otherwise(pl.col("age_years")),
        her2_status=pl.when(place % 5 == 1).then(None).otherwise(pl.col("her2_status")),
        centre=centre.otherwise(pl.col("centre")),
    ).write_csv(path)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("pooling") / "study"
    simulate_study("metastatic", out=folder, seed=4, patients=200, centres=4)
    spoil(folder)
    path = folder / "study.toml"
    text = path.read_text().replace('population = "poisson_lognormal"', 'population = "none"')
    text = text.replace('stratify = ["centre"]\n', "")
    path.write_text(text + REQUESTS)
    settings = load_settings(path)
    tables = read_study(folder, settings).tables
    context = Context(tables, analyse(tables, settings))
    return context, {f.anchor: f.result for f in run_analyses(context)}


def texts(blocks):
    for block in blocks:
        if isinstance(block, Section):
            yield from texts(block.blocks)
        elif isinstance(block, Paragraph | Callout):
            yield block.text


def pooled_rows(context):
    rows = context.rows(context.results.endpoints[0], "baseline")
    known = rows.patients["centre"].is_not_null().to_numpy()
    return rows, rows.take(known)


def test_the_models_are_those_of_the_estimators(study):
    context, results = study
    _, rows = pooled_rows(context)
    table = results["pooling"].tables["models"].filter(pl.col("model") == "Not adjusted")
    given = rows.time, rows.event, {"marker": rows.high}, rows.patients["centre"]
    two = two_stage(*given, test="hksj_conservative").table().row(0, named=True)
    one = one_stage(*given).table().row(0, named=True)
    found = {r["pooling"]: r for r in table.to_dicts()}
    for name, row in (("two stages", two), ("one stage, stratified", one)):
        assert found[name]["hazard_ratio"] == pytest.approx(row["hazard_ratio"], rel=1e-12)
        assert found[name]["upper"] == pytest.approx(row["upper"], rel=1e-12)
        assert found[name]["n"] == row["n"]
    assert found["one stage, gamma frailty"]["hazard_ratio"] > 1
    assert results["pooling"].tables["models"]["model"].unique().len() == 2


def test_the_centre_without_an_estimate_is_named_everywhere(study):
    context, results = study
    every, rows = pooled_rows(context)
    result = results["pooling"]
    centres = result.tables["centres"].filter(pl.col("model") == "Not adjusted")
    assert centres["n"].sum() == rows.n
    poor = centres.filter(pl.col("centre") == "C99").row(0, named=True)
    assert poor["reason"]
    assert poor["hazard_ratio"] is None
    (figure,) = figures_of(result.blocks)
    drawn = figure.figure.data.filter(pl.col("label") == "C99").row(0, named=True)
    assert drawn["reason"] == poor["reason"]
    assert figure.figure.data["role"].to_list()[-1] == "prediction"
    assert "Simulated data" in figure.figure.svg()
    words = " ".join(texts(result.blocks))
    assert f"{every.n - rows.n} patients without a centre left out" in words
    assert "4 of 5 centres" in words
    left = result.tables["left_out"]
    assert left.filter(stages="two")["left_out"].to_list() == centres["centre"].to_list()


def test_interactions_are_shown_by_their_source(study):
    table = study[1]["pooling"].tables["interactions"]
    assert table["covariate"].unique().sort().to_list() == ["age_years", "er_status"]
    assert table.height == 8
    captions = [t.caption for t in tables_of(study[1]["pooling"].blocks)]
    assert len(captions) == 3


def test_one_group_cannot_be_pooled_and_says_so(study):
    (block,) = study[1]["pooling-2"].blocks
    assert isinstance(block, Callout)
    assert "one centre only" in block.text


def test_complete_cases_are_those_of_cox_and_all_are_in_the_imputed_model(study):
    context, results = study
    rows = context.rows(context.results.endpoints[0], "baseline")
    z, _, complete = covariate_matrix(rows, context.codings)
    kept = rows.take(complete)
    alone = cox(kept.time, kept.event, np.column_stack([kept.high, z[complete]]))
    models = results["imputation"].tables["models"]
    cases = models.filter(pl.col("model") == "complete cases")
    np.testing.assert_allclose(cases["hazard_ratio"], alone.hazard_ratios, rtol=1e-12)
    assert cases["n"][0] == complete.sum()
    imputed = models.filter(pl.col("model") == "imputed")
    assert imputed["n"].unique().to_list() == [rows.n]
    assert imputed["hazard_ratio"].null_count() == 0
    missing = results["imputation"].tables["missing"]
    gaps = dict(missing.select("column", "missing").iter_rows())
    assert gaps["age_years"] == rows.patients["age_years"].null_count()
    assert gaps["line"] == 0
    words = " ".join(texts(results["imputation"].blocks))
    assert f"{rows.n - complete.sum()}" in words
    assert "2 imputations, seed 1" in words
