"""Test of proportional hazards and predicted survival of a small simulated study."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from ashworth.errors import InputError
from ashworth.reports import Callout, Paragraph, Section
from ashworth.reports.blocks import figures_of, tables_of
from ashworth.survival import cox, predict_survival, proportional_hazards_test
from ashworth.workflows.simulate_cohort import simulate_study
from ashworth.workflows.study.analyse import analyse
from ashworth.workflows.study.analyses.context import Context, covariate_matrix
from ashworth.workflows.study.analyses.run import run_analyses
from ashworth.workflows.study.inputs import read_study
from ashworth.workflows.study.settings import load_settings

REQUESTS = """
[[analyses]]
kind = "proportional_hazards"
transform = "rank"
endpoints = ["os"]

[[analyses]]
kind = "predicted_survival"
endpoints = ["os"]
at = [12, 24, 900]
profiles = [{}, {age_years = 40, er_status = "positive", marker = "high"}]
"""


def context_of(folder, requests, change=lambda text: text):
    path = folder / "study.toml"
    path.write_text(change(path.read_text()) + requests)
    settings = load_settings(path)
    tables = read_study(folder, settings).tables
    return Context(tables, analyse(tables, settings))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diagnostics") / "study"
    simulate_study("metastatic", out=folder, seed=4, patients=220, centres=3)
    path = folder / "patients.csv"
    patients = pl.read_csv(path, infer_schema=False)
    gap = pl.when(pl.int_range(pl.len()) < 3).then(None).otherwise(pl.col("er_status"))
    patients.with_columns(er_status=gap).write_csv(path)
    context = context_of(folder, REQUESTS)
    return context, run_analyses(context)


@pytest.fixture(scope="module")
def model(study):
    """The same model by hand: marker first, time in months."""
    context, _ = study
    rows = context.rows(context.results.endpoints[0], context.results.groups.timepoints[0].name)
    z, names, complete = covariate_matrix(rows, context.codings)
    kept = rows.take(complete)
    x = np.column_stack([kept.high, z[complete]])
    fit = cox(context.in_unit(kept.time), kept.event, x, names=["high", *names], strata=kept.strata)
    return fit, kept


def words(blocks):
    parts = []
    for block in blocks:
        if isinstance(block, Section):
            parts.append(words(block.blocks))
        elif isinstance(block, Paragraph | Callout):
            parts.append(block.text)
    return " ".join(parts)


def test_both_give_text_figure_and_tables(study):
    _, found = study
    for further in found:
        result = further.result
        figures = figures_of(result.blocks)
        assert figures
        assert all(f.figure.name.startswith(further.anchor) for f in figures)
        assert all("Simulated data" in f.figure.json() for f in figures)
        assert tables_of(result.blocks)
        assert result.methods
        assert "Not estimated" not in words(result.blocks)
        assert "3 left out for a missing covariate" in words(result.blocks)


def test_the_test_is_the_estimator(study, model):
    fit, kept = model
    table = study[1][0].result.tables["tests"]
    expected = proportional_hazards_test(fit, "rank")
    assert table["term"].to_list()[:: len(expected.terms)] == ["CTC", "GLOBAL"]
    np.testing.assert_allclose(table["statistic"][:-1], expected.statistic, rtol=1e-8)
    np.testing.assert_allclose(table["p_value"][-1], expected.global_test.p_value, rtol=1e-8)
    assert table["events"][0] == int(kept.event.sum())


def test_predictions_are_the_estimator(study, model):
    _, found = study
    fit, kept = model
    table = found[1].result.tables["survival"]
    ages = kept.patients["age_years"].to_numpy()
    values = {"high": [0, 1, 1], "age_years": [np.median(ages), np.median(ages), 40]}
    values["age_years"] = [v / 10 for v in values["age_years"]]
    line = np.median(kept.patients["line"].to_numpy())
    others = {n: [0.0] * 3 for n in fit.names if n not in values}
    others["er_status=positive"] = [0.0, 0.0, 1.0]
    others["line"] = [line] * 3
    expected = predict_survival(fit, {**values, **others}, [12, 24, 900], ci="log-log").table()
    assert table.height == expected.height == 3 * 3 * 3
    for column in ("survival", "lower", "upper"):
        got = table[column].cast(pl.Float64).fill_null(np.nan)
        np.testing.assert_allclose(got, expected[column], rtol=1e-8)
    text = words(found[1].result.blocks)
    assert "After the last follow-up: 900" in text
    assert "Age" in text
    assert len(figures_of(found[1].result.blocks)) == 2
    assert table["profile"][-1].startswith("Age 40 years, Oestrogen receptor positive; ")


def test_all_faults_of_profiles_at_once(study):
    context, _ = study
    wrong = [{"age_years": "old", "ward": 3.0}, {"er_status": "maybe", "marker": "middle"}]
    request = context.settings.analyses[1].model_copy(update={"profiles": tuple(wrong)})
    settings = context.settings.model_copy(update={"analyses": (request,)})
    other = replace(context, results=replace(context.results, settings=settings))
    with pytest.raises(InputError) as caught:
        run_analyses(other)
    for word in ("'old'", "'ward'", "'maybe'", "'middle'"):
        assert word in str(caught.value)


def test_what_cannot_be_estimated_is_said(tmp_path):
    folder = tmp_path / "few"
    simulate_study("early_ctc", out=folder, seed=4, patients=40, centres=1)
    requests = (
        '[[analyses]]\nkind = "proportional_hazards"\n[[analyses]]\nkind = "predicted_survival"\n'
    )
    for further in run_analyses(context_of(folder, f"\n{requests}")):
        text = words(further.result.blocks)
        assert "Not estimated" in text or "events per coefficient" in text
