"""Subgroups, treatment by marker, response, monitoring and persistence of a small study."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from ashworth.enumeration import count_kinetics, response_by_category
from ashworth.errors import InputError
from ashworth.reports import Callout, Paragraph, Section
from ashworth.reports.blocks import figures_of
from ashworth.survival import persistence, subgroup_effects, treatment_by_marker
from ashworth.workflows.simulate_cohort import simulate_study
from ashworth.workflows.study.analyse import analyse
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.imaging_lead import best_responses
from ashworth.workflows.study.analyses.run import run_analyses
from ashworth.workflows.study.inputs import read_study
from ashworth.workflows.study.settings import StudySettings, load_settings

MONTH = 365.25 / 12
REQUESTS = """
[covariates.bisphosphonate]
type = "text"
label = "Bisphosphonate"
categories = ["none", "given"]

[covariates.clinical_benefit]
type = "boolean"
label = "Clinical benefit"

[[analyses]]
kind = "subgroup_interaction"
by = ["her2_status", "paddy-luminal-b"]
adjusted = true
endpoints = ["os"]

[[analyses]]
kind = "treatment_interaction"
treatment = "bisphosphonate"
at = 24
endpoints = ["os"]

[[analyses]]
kind = "treatment_interaction"
treatment = "bisphosphonate"
randomised = true
adjusted = true
at = 900

[[analyses]]
kind = "response"
response = "clinical_benefit"
adjusted = true

[[analyses]]
kind = "monitoring"

[[analyses]]
kind = "persistence"
endpoints = ["os"]
"""


def enrich(folder):
    """Add a treatment, a response and imaging to a simulated study."""
    rng = np.random.default_rng(7)
    patients = pl.read_csv(folder / "patients.csv")
    n = patients.height
    extra = patients.with_columns(
        pl.Series("bisphosphonate", rng.choice(["none", "given", ""], n, p=[0.5, 0.45, 0.05])),
        pl.Series("clinical_benefit", rng.choice(["yes", "no", ""], n, p=[0.5, 0.4, 0.1])),
    )
    extra.write_csv(folder / "patients.csv")
    imaging = pl.DataFrame(
        {
            "patient_id": patients["patient_id"], "day": rng.integers(50, 80, n),
            "method": "RECIST 1.1",
            "response": rng.choice(["pr", "sd", "pd", "ne"], n, p=[0.3, 0.4, 0.25, 0.05]),
        }
    )  # fmt: skip
    dead = pl.read_csv(folder / "outcomes.csv").filter(pl.col("kind").str.starts_with("death"))
    gone = dead.select("patient_id", pl.col("day").alias("death"))
    alive = imaging.join(gone, on="patient_id", how="left", maintain_order="left").filter(
        pl.col("death").is_null() | (pl.col("death") >= pl.col("day"))
    )
    alive.drop("death").write_csv(folder / "assessments.csv")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("markers") / "study"
    simulate_study("metastatic", out=folder, seed=9, patients=150, centres=2)
    enrich(folder)
    path = folder / "study.toml"
    text = path.read_text().replace('population = "poisson_lognormal"', 'population = "none"')
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


def parts(context, name, timepoint="baseline"):
    endpoint = next(e for e in context.results.endpoints if e.id == name)
    return context.rows(endpoint, timepoint)


def test_every_kind_runs_and_draws_simulated_figures(study):
    _, results = study
    assert list(results) == [
        "subgroup-interaction", "treatment-interaction", "treatment-interaction-2", "response",
        "monitoring", "persistence",
    ]  # fmt: skip
    figures = [f for r in results.values() for f in figures_of(r.blocks)]
    assert len(figures) == 9
    assert all("Simulated data" in json.dumps(f.figure.spec) for f in figures)
    assert len({f.figure.name for f in figures}) == 9
    assert all(f.figure.alt for f in figures)


def test_subgroups_are_those_of_the_estimator(study):
    context, results = study
    rows, table = parts(context, "os"), results["subgroup-interaction"].tables["effects"]
    z = np.column_stack([c.values(rows.patients) for c in context.codings])
    complete = ~np.isnan(z).any(axis=1)
    her2 = rows.patients["her2_status"].to_numpy()[complete]
    found = subgroup_effects(
        rows.time[complete], rows.event[complete], rows.high[complete], {"her2_status": her2},
        covariates=z[complete], strata=rows.strata[complete],
    )  # fmt: skip
    mine = table.filter(pl.col("factor") == "her2_status")
    np.testing.assert_allclose(mine["hazard_ratio"], found.table()["hazard_ratio"][1:], rtol=1e-7)
    tests = results["subgroup-interaction"].tables["tests"]
    assert set(tests["factor"]) == {"her2_status", "paddy-luminal-b"}
    assert tests.filter(pl.col("factor") == "paddy-luminal-b")["n"][0] > 100


def test_a_treatment_that_was_not_randomised_is_called_an_association(study):
    context, results = study
    seen, trial = results["treatment-interaction"], results["treatment-interaction-2"]
    words = " ".join(texts(seen.blocks))
    assert "not a treatment effect" in words
    assert "unknown treatment" in words
    assert set(seen.tables["hazard_ratios"]["label"]) == {
        "not randomised: association, not a treatment effect"
    }
    assert "not a treatment effect" not in " ".join(texts(trial.blocks))
    assert "after the last follow-up" in " ".join(texts(trial.blocks))
    rows = parts(context, "os")
    given = rows.patients["bisphosphonate"]
    known = given.is_in(["none", "given"]).fill_null(value=False).to_numpy()
    treated = (given == "given").fill_null(value=False).to_numpy()
    found = treatment_by_marker(
        rows.time[known] / MONTH, rows.event[known], treated[known], rows.high[known],
        randomised=False, at=24, strata=rows.strata[known],
    )  # fmt: skip
    table = seen.tables["hazard_ratios"]
    np.testing.assert_allclose(table["coefficient"], found.coefficients, rtol=1e-8)
    differences = [d["estimate"] for d in found.differences]
    np.testing.assert_allclose(seen.tables["differences"]["estimate"], differences, rtol=1e-8)


def test_response_counts_only_who_has_both(study):
    context, results = study
    tables = results["response"].tables
    counts = context.counts("baseline").filter(pl.col("status") != "not_assessable")
    both = counts.join(context.results.patients, on="patient_id").filter(
        pl.col("clinical_benefit").is_not_null()
    )
    found = response_by_category(both["n_cells"], both["clinical_benefit"].cast(pl.Int64))
    assert tables["by_count"]["n_responders"].to_list() == found.n_responders.tolist()
    assert tables["tests"]["p_value"][1] == found.trend.exact_p_value
    assert tables["model"]["term"].to_list()[:2] == ["intercept", "ln(CTC + 1), per unit"]
    by_class = tables["by_dynamics"].filter(pl.col("response") == "Clinical benefit")
    assert 0 < by_class["n"].sum() <= both.height
    best = tables["by_dynamics"].filter(pl.col("response") == "Objective response (imaging)")
    assessed = context.tables["assessments"].filter(pl.col("response") != "ne")
    assert best["n"].sum() <= assessed["patient_id"].n_unique()
    assert best["n_with"].sum() > 0
    assert tables["before_imaging"].height == 7
    words = " ".join(texts(results["response"].blocks))
    assert "left out for an unknown response" in words
    assert "the schedule of imaging decides these days" in words


def test_monitoring_shows_every_patient_with_two_draws(study):
    context, results = study
    statuses = context.results.marker.statuses.filter(pl.col("status") != "not_assessable")
    found = count_kinetics(
        statuses["patient_id"], statuses["specimen_day"], statuses["n_cells"],
        statuses["denominator"],
    )  # fmt: skip
    table = results["monitoring"].tables["kinetics"]
    assert table["patient"].to_list() == found.table()["patient"].to_list()
    (figure,) = figures_of(results["monitoring"].blocks)
    assert figure.figure.data["patient"].n_unique() == found.n
    assert figure.figure.data["marked"].any()


def test_persistence_is_that_of_the_estimator(study):
    context, results = study
    first, second = (context.counts(t) for t in ("baseline", "first_follow_up"))
    known = pl.col("status") != "not_assessable"
    status = pl.when(known).then((pl.col("status") == "positive").cast(pl.Int64))
    events = context.results.course.events.filter(pl.col("endpoint") == "os")
    frame = (
        first.select("patient_id", status.alias("a"))
        .join(second.select("patient_id", status.alias("b"), "specimen_day"), on="patient_id",
              how="left")
        .join(events, on="patient_id").sort("patient_id")
    )  # fmt: skip
    found = persistence(
        frame["a"], frame["b"], frame["specimen_day"], frame["exit_day"], frame["event_code"]
    )
    table = results["persistence"].tables["groups"]
    assert table["n"].to_list() == found.table()["n"].to_list()
    np.testing.assert_allclose(table["median"] * MONTH, found.table()["median"], rtol=1e-9)
    flow = results["persistence"].tables["flow"]
    assert flow["n"].to_list() == found.flow_table()["n"].to_list()
    assert "does not show that a change of therapy helps" in " ".join(
        texts(results["persistence"].blocks)
    )


def asked(context, text):
    """The same study with other requests."""
    raw = context.settings.model_dump()
    raw["analyses"] = tomllib.loads(f"[[analyses]]\n{text}")["analyses"]
    settings = StudySettings.model_validate(raw)
    return replace(context, results=replace(context.results, settings=settings))


def test_complete_response_comes_from_the_outcomes(study):
    context, _ = study
    changed = asked(context, 'kind = "response"\nresponse = "pcr"')
    (nothing,) = run_analyses(changed)
    assert "no patient has both a count" in " ".join(texts(nothing.result.blocks))
    ids = context.results.patients["patient_id"].head(60)
    answers = pl.DataFrame(
        {"patient_id": ids, "day": 150, "kind": ["pcr", "no_pcr", "no_pcr"] * 20}
    )
    tables = {**context.tables, "outcomes": answers}
    (found,) = run_analyses(replace(changed, tables=tables))
    assert found.title == "Pathological complete response by count"
    known = context.counts("baseline").filter(
        (pl.col("status") != "not_assessable") & pl.col("patient_id").is_in(ids.to_list())
    )
    assert found.result.tables["by_count"]["n"].sum() == known.height
    assert "left out for an unknown response" in " ".join(texts(found.result.blocks))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ('kind = "subgroup_interaction"\nby = ["age_years"]', "which is a number"),
        ('kind = "subgroup_interaction"\nby = ["phase"]', "no patient has a value"),
        ('kind = "treatment_interaction"\ntreatment = "line"', "a column with two values"),
        ('kind = "response"\nresponse = "histology"', "one with two categories"),
    ],
)
def test_bad_requests_are_told(study, request_, message):
    context, _ = study
    with pytest.raises(InputError, match=message):
        run_analyses(asked(context, request_))


def test_best_response_and_benefit_stop_at_progression(study):
    context, _ = study
    rows = [
        ("a", 60, "pr"), ("a", 120, "pd"), ("b", 60, "sd"), ("b", 180, "sd"), ("b", 240, "pd"),
        ("c", 60, "pd"), ("c", 120, "cr"), ("d", 60, "sd"), ("e", 60, "ne"), ("f", -3, "cr"),
        ("g", 60, "sd"), ("g", 100, "pd"),
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema=["patient_id", "day", "response"], orient="row")
    found = best_responses(replace(context, tables={"assessments": table}))
    assert found.rows() == [
        ("a", 1, 1), ("b", 0, 1), ("c", 0, 0), ("d", 0, None), ("g", 0, 0)
    ]  # fmt: skip
