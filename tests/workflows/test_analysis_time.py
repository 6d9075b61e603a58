"""Landmark, updated status, windows and milestones of a small simulated study."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from ashworth.reports import Callout, Paragraph, Section
from ashworth.reports.blocks import figures_of, tables_of
from ashworth.survival import cox, hazard_ratio_windows, log_rank, milestone_difference
from ashworth.workflows.simulate_cohort import simulate_study
from ashworth.workflows.study.analyse import analyse
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.run import run_analyses
from ashworth.workflows.study.inputs import read_study
from ashworth.workflows.study.settings import load_settings

MONTH = 365.25 / 12
REQUESTS = """
[[analyses]]
kind = "landmark"
at = [3, 6, 900]
endpoints = ["os"]

[[analyses]]
kind = "landmark"
at = [3]
by = "dynamics"
endpoints = ["os"]

[[analyses]]
kind = "time_varying_status"

[[analyses]]
kind = "windows"
breaks = [6, 12]
endpoints = ["os"]

[[analyses]]
kind = "windows"
breaks = [900]
endpoints = ["os"]

[[analyses]]
kind = "milestones"
at = [12, 24, 900]
restricted_mean_at = 24
endpoints = ["os"]
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("time") / "study"
    simulate_study("metastatic", out=folder, seed=4, patients=160, centres=2)
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


def outcomes(context):
    events = context.results.course.events.filter(endpoint="os")
    return events.select("patient_id", "exit_day", "event_code")


def draws(context):
    statuses = context.results.marker.statuses.filter(pl.col("status") != "not_assessable")
    return statuses.select("patient_id", day="specimen_day", high=pl.col("status") == "positive")


def strata(context, frame):
    return frame.join(context.results.strata, on="patient_id", how="left", maintain_order="left")


def test_landmarks_are_those_of_the_tables(study):
    context, results = study
    result, at = results["landmark"], 3 * MONTH
    known = draws(context).filter(pl.col("day") <= at).sort("patient_id", "day")
    known = known.unique("patient_id", keep="last")
    left = outcomes(context).filter(pl.col("exit_day") > at).join(known, on="patient_id")
    left = strata(context, left.sort("patient_id"))
    event = left["event_code"] == 1
    fit = cox(left["exit_day"] - at, event, left["high"].cast(float), strata=left["stratum"])
    table = result.tables["hazard_ratios"].filter(pl.col("landmark_days") == at)
    assert table["n"].sum() == left.height
    assert table["events"].sum() == event.sum()
    np.testing.assert_allclose(table["hazard_ratio"][1], fit.hazard_ratios[0], rtol=1e-8)
    gone = result.tables["left_out"].filter(pl.col("landmark") == at)["n"].sum()
    assert gone + left.height == outcomes(context).height
    said = " ".join(texts(result.blocks))
    assert f"{left.height} of {outcomes(context).height} patients with follow-up" in said
    assert "Landmark 900 months, not estimated: landmark: nobody of" in said
    assert "All landmarks together" in said
    assert "clustered by patient" in said
    assert len(figures_of(result.blocks)) == 2
    assert all(f.figure.name.startswith("landmark-os-") for f in figures_of(result.blocks))


def test_landmark_by_dynamics(study):
    context, results = study
    result = results["landmark-2"]
    table = result.tables["hazard_ratios"]
    classes = [c.name for c in context.results.dynamics_rule.classes]
    assert table["group"].to_list() == [c for c in classes if c in table["group"].to_list()]
    assert table["hazard_ratio"].null_count() >= 1
    assert "no dynamics class by the landmark" in " ".join(texts(result.blocks))


def test_current_status_by_loops_over_patients(study):
    context, results = study
    table = results["time-varying-status"].tables["hazard_ratios"].filter(endpoint="os")
    mine = []
    for patient, leave, code in outcomes(context).sort("patient_id").rows():
        own = draws(context).filter(patient_id=patient).sort("day")
        days = [(d, h) for _, d, h in own.rows() if d < leave]
        ends = [d for d, _ in days[1:]] + [leave] * bool(days)
        for (day, high), end in zip(days, ends, strict=True):
            mine.append((patient, day, end, code == 1 and end == leave, high, days[0][1]))
    columns = ["patient_id", "start", "stop", "event", "high", "first"]
    rows = strata(context, pl.DataFrame(mine, schema=columns, orient="row"))
    for place, column in ((0, "first"), (1, "high")):
        fit = cox(
            rows["stop"], rows["event"], rows[column].cast(float), entry=rows["start"],
            strata=rows["stratum"],
        )  # fmt: skip
        assert table["section"][place] == "One at a time"
        np.testing.assert_allclose(table["estimate"][place], fit.hazard_ratios[0], rtol=1e-8)
        assert table["events"][place] == rows["event"].sum()
    assert len(figures_of(results["time-varying-status"].blocks)) == 2


def test_windows_are_those_of_the_estimator(study):
    context, results = study
    rows = context.rows(context.results.endpoints[0], "baseline")
    found = hazard_ratio_windows(
        rows.time / MONTH, rows.event, rows.high, [6, 12], strata=rows.strata
    )
    table = results["windows"].tables["hazard_ratios"]
    alone = table.filter(section="Not adjusted")
    np.testing.assert_allclose(alone["estimate"], found.hazard_ratios, rtol=1e-8)
    assert alone["n"].to_list() == found.at_risk.tolist()
    assert alone["label"].to_list() == ["0–6 months", "6–12 months", "after 12 months"]
    assert table.filter(section="Adjusted").height == 3
    assert "nobody is at risk after 900" in " ".join(texts(results["windows-2"].blocks))


def test_milestones_are_those_of_the_estimators(study):
    context, results = study
    result = results["milestones"]
    rows = context.rows(context.results.endpoints[0], "baseline")
    low = context.results.groups.low
    found = milestone_difference(rows.time / MONTH, rows.event, rows.group, 24, reference=low)
    table = result.tables["differences"]
    assert table["at"].to_list() == [12, 24]
    np.testing.assert_allclose(table["difference"][1], found.difference[0], rtol=1e-10)
    late = log_rank(rows.time, rows.event, rows.group, strata=rows.strata, gamma=1)
    tests = result.tables["tests"]
    np.testing.assert_allclose(tests["chi_square"][4], late.statistic, rtol=1e-10)
    assert tests["test"].to_list()[-2:] == ["Modestly weighted", "MaxCombo"]
    assert len(tables_of(result.blocks)) == 3
    said = " ".join(texts(result.blocks))
    assert "at 900 is after the last follow-up" in said


def test_every_figure_says_that_it_is_simulated(study):
    _, results = study
    figures = [f.figure for r in results.values() for f in figures_of(r.blocks)]
    assert len({f.name for f in figures}) == len(figures) == 6
    for figure in figures:
        assert "Simulated data" in json.dumps(figure.spec)
        assert any(c.isdigit() for c in figure.alt)
    assert all(r.methods for r in results.values() if r.tables)
