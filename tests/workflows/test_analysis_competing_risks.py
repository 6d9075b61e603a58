"""Competing risks and surveillance of small simulated studies."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ashworth.reports import Callout, Paragraph, Section, Table
from ashworth.reports.blocks import figures_of, tables_of
from ashworth.survival import (
    absolute_risk_by_status,
    cumulative_incidence,
    fine_gray,
    fine_gray_rows,
    gray_test,
)
from ashworth.workflows.simulate_cohort import simulate_study
from ashworth.workflows.study.analyse import analyse
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.run import run_analyses
from ashworth.workflows.study.inputs import read_study
from ashworth.workflows.study.settings import load_settings

REQUESTS = """
[[analyses]]
kind = "competing_risks"
at = [2, 5]

[[analyses]]
kind = "surveillance"
at = [1, 5]
"""


def context_of(folder, requests, *changes):
    path = folder / "study.toml"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text + requests)
    settings = load_settings(path)
    tables = read_study(folder, settings).tables
    return Context(tables, analyse(tables, settings))


def blocks_of(blocks):
    for block in blocks:
        if isinstance(block, Section):
            yield from blocks_of(block.blocks)
        else:
            yield block


def words(blocks):
    return " ".join(b.text for b in blocks_of(blocks) if isinstance(b, Paragraph | Callout))


def rows_of(context, endpoint):
    found = next(e for e in context.results.endpoints if e.id == endpoint)
    return context.rows(found, context.results.groups.timepoints[0].name)


@pytest.fixture(scope="module")
def early(tmp_path_factory):
    folder = tmp_path_factory.mktemp("competing") / "study"
    simulate_study("early_ctc", out=folder, seed=4, patients=260, centres=2)
    ends = ('endpoints = ["os", "idfs"]', 'endpoints = ["os", "rfi"]')
    adjust = ('adjust = ["age_years", "er_status", "grade", "pt", "pn"]', 'adjust = ["er_status"]')
    context = context_of(folder, REQUESTS, ends, adjust)
    return context, run_analyses(context)


def test_report_blocks(early):
    _, (risks, watch) = early
    for further in (risks, watch):
        figures = figures_of(further.result.blocks)
        assert all(f.figure.name.startswith(further.anchor) for f in figures)
        assert all("Simulated data" in f.figure.json() for f in figures)
        assert tables_of(further.result.blocks)
        assert further.result.methods
    assert len(figures_of(risks.result.blocks)) == 2
    assert "OS has no competing events (its definition names none)" in words(risks.result.blocks)
    tables = [b for b in blocks_of(risks.result.blocks) if isinstance(b, Table)]
    assert any("different questions" in note for t in tables for note in t.notes)


def test_competing_risks_are_the_estimators(early):
    context, (risks, _) = early
    rows = rows_of(context, "rfi")
    code = np.minimum(rows.event_code, 2)
    text = words(risks.result.blocks)
    assert f"{rows.n} patients, {rows.n_events} events" in text
    assert f"{(code == 2).sum()} competing events first, {(code == 0).sum()} censored" in text
    tables = risks.result.tables
    test = gray_test(rows.time, code, rows.group, strata=rows.strata)
    assert tables["tests"]["p_value"][0] == pytest.approx(test.p_value, rel=1e-12)
    fit = fine_gray(rows.time, code, rows.high, strata=rows.strata)
    shown = tables["ratios"].filter(
        (pl.col("model") == "subdistribution hazard") & ~pl.col("adjusted")
    )
    assert shown["ratio"][0] == pytest.approx(np.exp(fit.coefficients[0]), rel=1e-8)
    assert shown["upper"][0] == pytest.approx(np.exp(fit.confint()[0, 1]), rel=1e-7)
    assert tables["ratios"].height == 2 * 2 + 2 * 2 * 2
    curve = cumulative_incidence(context.in_unit(rows.time), code, group=rows.group)
    first = tables["incidence"].row(0, named=True)
    value = curve[first["group"], 1].incidence_at(2).incidence[0]
    assert first["incidence"] == pytest.approx(value, rel=1e-12)


def test_surveillance_is_the_estimator(early):
    context, (_, watch) = early
    rows = rows_of(context, "rfi")
    tables = watch.result.tables
    expected = absolute_risk_by_status(
        context.in_unit(rows.time), np.minimum(rows.event_code, 2), rows.group, [1, 5],
        reference=context.results.groups.labels[0],
    )  # fmt: skip
    shown = tables["risks"].filter(pl.col("endpoint") == "rfi").sort("status", "time")
    np.testing.assert_allclose(shown["risk"], expected.risk.ravel(), rtol=1e-12)
    assert set(tables["predictive_values"]["method"]) == {"kaplan-meier", "ipcw"}
    text = words(watch.result.blocks)
    assert "Method: Aalen-Johansen" in text
    assert "Method: Kaplan-Meier" in text
    assert "needs serial draws" in text


@pytest.fixture(scope="module")
def metastatic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("surveillance") / "study"
    simulate_study("metastatic", out=folder, seed=4, patients=120, centres=2)
    request = '\n[[analyses]]\nkind = "surveillance"\nat = [12]\nendpoints = ["os"]\n'
    context = context_of(
        folder, request, ('population = "poisson_lognormal"', 'population = "none"')
    )
    return context, run_analyses(context)[0].result


def test_lead_time_stands_with_its_bias(metastatic):
    context, result = metastatic
    text = words(result.blocks)
    for word in ("Selection:", "Interval:", "Length:", "Immortal time:", "Left out:"):
        assert word in text
    patients = result.tables["lead_time_patients"]
    known = patients.drop_nulls("lead_time")
    assert known.height
    assert (known["lead_time"] > 0).all()
    table = result.tables["lead_time"]
    assert table["value"][0] == patients.height
    assert table["value"][1] == pytest.approx(known.height / patients.height)
    draws = context.results.groups.frame.filter(pl.col("high"))
    ever = set(draws["patient_id"].to_list())
    assert set(known["patient"].to_list()) <= ever


def test_late_entry_and_missing_events_are_said(tmp_path):
    folder = tmp_path / "late"
    simulate_study("early_ctc", out=folder, seed=4, patients=160, centres=1)
    specimens = pl.read_csv(folder / "specimens.csv", infer_schema_length=0)
    specimens.with_columns(collected_day=pl.lit("10")).write_csv(folder / "specimens.csv")
    request = '\n[[analyses]]\nkind = "competing_risks"\nendpoints = ["rfi"]\n'
    context = context_of(
        folder, request, ('endpoints = ["os", "idfs"]', 'endpoints = ["rfi", "os"]'),
        ('adjust = ["age_years", "er_status", "grade", "pt", "pn"]', "adjust = []"),
        ('time_unit = "years"', 'time_unit = "years"\nclock = "index-delayed-entry"'),
    )  # fmt: skip
    result = run_analyses(context)[0].result
    text = words(result.blocks)
    assert "Gray's test takes no late entry" in text
    assert "Patients enter at their draw" in text
    rows = rows_of(context, "rfi")
    split = fine_gray_rows(rows.time, np.minimum(rows.event_code, 2), entry=rows.entry)
    shown = result.tables["ratios"].filter(pl.col("model") == "subdistribution hazard")
    assert split.events == shown["events"][0] == rows.n_events
    assert np.isfinite(shown["upper"][0])


def test_competing_events_are_counted_among_the_analysed(tmp_path):
    folder = tmp_path / "study"
    simulate_study("early_ctc", out=folder, seed=4, patients=260, centres=2)
    patients = pl.read_csv(folder / "patients.csv", infer_schema_length=0).with_row_index("i")
    third = pl.when(pl.col("i") % 3 > 0)
    patients = patients.with_columns(
        age_years=third.then("age_years"), tablets=(pl.col("i") % 2).cast(pl.String)
    )
    patients.drop("i").write_csv(folder / "patients.csv")
    requests = (
        '\n[covariates.tablets]\ntype = "integer"\n'
        '\n[[analyses]]\nkind = "predicted_survival"\nat = [2]\nendpoints = ["rfi"]\n'
        '\n[[analyses]]\nkind = "treatment_interaction"\ntreatment = "tablets"\nat = 2\n'
        'adjusted = true\nendpoints = ["rfi"]\n'
    )
    adjust = ('adjust = ["age_years", "er_status", "grade", "pt", "pn"]', 'adjust = ["age_years"]')
    ends = ('endpoints = ["os", "idfs"]', 'endpoints = ["os", "rfi"]')
    context = context_of(folder, requests, ends, adjust)
    rows = rows_of(context, "rfi")
    known = rows.patients["age_years"].is_not_null().to_numpy()
    n = int((rows.event_code[known] > 1).sum())
    assert 1 < n < (rows.event_code > 1).sum()
    for further in run_analyses(context):
        assert f"{n} patients had a competing event first" in words(further.result.blocks)
