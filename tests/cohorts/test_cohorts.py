from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import betaincinv

from ashworth import cohorts, definitions
from ashworth import enumeration as en
from ashworth.enumeration.repeatability import expected_positivity

BAND = 3.9  # two-sided probability of about 1e-4 for a normal score


@pytest.fixture(scope="module")
def made() -> dict[str, cohorts.SimulatedCohort]:
    return {name: cohorts.simulate(cohorts.preset(name), 11) for name in cohorts.PRESETS}


def baseline_statuses(cohort) -> pl.DataFrame:
    rule = definitions.load("positivity_rule", cohort.spec.rule)
    tables = cohort.tables
    return en.statuses(
        tables["specimens"], tables["assay_runs"], tables["counts"], rule,
        assay=definitions.load("assay", cohort.spec.assay), fulfilled=cohort.spec.fulfilled,
    ).table()  # fmt: skip


@pytest.mark.parametrize("name", list(cohorts.PRESETS))
def test_tables_pass_the_schemas(made, name):
    pytest.importorskip("ashworth.records.schemas.laboratory")
    from ashworth.records.schemas import clinical, laboratory, outcomes

    schemas = {
        "patients": clinical.Patients, "treatments": clinical.Treatments,
        "specimens": laboratory.Specimens, "assay_runs": laboratory.AssayRuns,
        "counts": laboratory.Counts, "outcomes": outcomes.Outcomes,
    }  # fmt: skip
    assert set(made[name].tables) == set(schemas)
    for table, schema in schemas.items():
        frame = made[name].tables[table]
        known = list(schema.columns())
        assert set(frame.columns) <= set(known), table
        absent = [pl.lit(None).alias(c) for c in known if c not in frame.columns]
        schema.validate(frame.with_columns(absent).select(known), cast=True)


@pytest.mark.parametrize("name", list(cohorts.PRESETS))
def test_same_seed_same_tables(made, name):
    again = cohorts.simulate(cohorts.preset(name), 11)
    other = cohorts.simulate(cohorts.preset(name), 12)
    for table, frame in made[name].tables.items():
        assert frame.equals(again.tables[table])
        assert table == "specimens" or not frame.equals(other.tables[table])
    assert made[name].truth["concentrations"].equals(again.truth["concentrations"])


def test_streams_are_independent_of_each_other():
    spec = cohorts.preset("metastatic", n_patients=200)
    one = cohorts.simulate(spec, 5)
    other = cohorts.simulate(replace(spec, centre_variance=0.0, drop_out_per_year=0.5), 5)
    for table in ("patients",):
        assert one.tables[table].equals(other.tables[table])
    keys = ["patient_id", "specimen_id"]
    both = one.tables["counts"].join(other.tables["counts"], on=keys)
    assert both["n_cells"].equals(both["n_cells_right"].rename("n_cells"))


@pytest.mark.parametrize(
    ("name", "n", "centres", "share"),
    [
        ("metastatic", 2436, 18, 0.50),
        ("early_dtc", 10307, 11, 0.273),
        ("early_ctc", 3173, 5, 0.202),
    ],
)
@pytest.mark.parametrize("family", ["negative_binomial", "poisson_lognormal"])
def test_positivity_is_the_published_one(name, n, centres, share, family):
    spec = cohorts.preset(name, family=family)
    assert (spec.n_patients, spec.n_centres) == (n, centres)
    statuses = baseline_statuses(cohorts.simulate(spec, 3))
    first = statuses.filter(pl.col("timepoint") == "baseline", pl.col("status") != "not_assessable")
    found = (first["status"] == "positive").mean()
    # short tubes are assessable only when positive: they add at most short_tubes * share
    lift = spec.short_tubes * share
    error = np.sqrt(share * (1 - share) / first.height)
    assert share - BAND * error < found < share + lift + BAND * error


def test_planted_values_are_the_published_ones():
    """Bidard 2018, PADDY, Janni 2016 and Zhang 2012, as the reference collection states them."""
    path = Path(__file__).resolve().parents[2] / "reference" / "enumeration" / "cases.json"
    published = {t["source"].split()[0]: t for t in json.loads(path.read_text())["published"]}
    early, dtc, late = (cohorts.preset(n) for n in ("early_ctc", "early_dtc", "metastatic"))
    by_count = [values[0] for values in published["Bidard"]["os_hr_by_count"].values()]
    assert [e.os for e in early.count_effects] == by_count
    share = expected_positivity(1, 7.5, early.population, measurement=early.measurement)
    np.testing.assert_allclose(share, published["Janni"]["positivity"], atol=1e-9)
    assert dtc.n_patients == published["PADDY"]["n"]
    assert dtc.count_effects[0].os == published["PADDY"]["multivariable_hr_abstract"]["OS"][0]
    pooled = published["Zhang"]["pooled_hr"]
    assert late.count_effects[0].first_event == pooled["metastatic_PFS"][0]
    _, lower, upper = pooled["metastatic_OS"]
    assert lower < late.count_effects[0].os < upper


def test_agreement_probability_is_calibrated():
    """Second tubes agree as often as promised, within each band of promised probability."""
    spec = cohorts.preset("metastatic", n_patients=20_000, short_tubes=0.0, no_result=0.0)
    cohort = cohorts.simulate(spec, 8)
    truth = cohort.truth["concentrations"].filter(pl.col("timepoint") == "baseline")
    second = np.random.default_rng(1).poisson(truth["mean_count"].to_numpy())
    first = truth["full_count"].to_numpy()
    promised = en.agreement_probability(
        first, 7.5, 5, spec.population, measurement=spec.measurement
    )
    agrees = (first >= 5) == (second >= 5)
    for low, high in ((0.4, 0.6), (0.6, 0.75), (0.75, 0.9), (0.9, 0.99), (0.99, 1.01)):
        band = (promised >= low) & (promised < high)
        error = np.sqrt((promised[band] * (1 - promised[band])).sum()) + 1e-9
        assert band.sum() > 100
        assert abs((agrees[band] - promised[band]).sum()) < BAND * error
    reached = en.concentration_probability(
        first, 7.5, 5 / 7.5, spec.population, measurement=spec.measurement
    )
    true = truth["concentration"].to_numpy() >= 5 / 7.5
    assert abs((true - reached).sum()) < BAND * np.sqrt((reached * (1 - reached)).sum())


def test_population_is_calibrated_exactly():
    spec = cohorts.preset("metastatic")
    found = expected_positivity(5, 7.5, spec.population, measurement=spec.measurement)
    np.testing.assert_allclose(found, 0.5, atol=1e-9)


def kaplan_meier_median(days, dead):
    order = np.argsort(days, kind="stable")
    days, dead = days[order], dead[order]
    times, start = np.unique(days, return_index=True)
    at_risk = days.size - start
    survival = np.cumprod(1 - np.add.reduceat(dead.astype(float), start) / at_risk)
    return times[np.argmax(survival <= 0.5)]


def follow_up(cohort) -> pl.DataFrame:
    ends = pl.col("kind").str.starts_with("death") | (pl.col("kind") == "last_contact")
    return (
        cohort.tables["outcomes"]
        .filter(ends)
        .group_by("patient_id")
        .agg(pl.col("day").max(), pl.col("kind").str.starts_with("death").any().alias("dead"))
        .sort("patient_id")
    )


def test_medians_are_those_of_2019():
    """36.3 months below 5 and 16.0 months from 5 CTC; Monte Carlo error of n = 40,000 is 2 %."""
    spec = cohorts.preset("metastatic", n_patients=40_000, n_centres=1000)
    cohort = cohorts.simulate(spec, 2)
    statuses = baseline_statuses(cohort).filter(pl.col("timepoint") == "baseline")
    joined = statuses.join(follow_up(cohort), on="patient_id")
    for status, months in (("negative", 36.3), ("positive", 16.0)):
        rows = joined.filter(pl.col("status") == status)
        median = kaplan_meier_median(rows["day"].to_numpy(), rows["dead"].to_numpy())
        assert abs(median / (365.25 / 12) / months - 1) < 0.03


def test_therapy_lowers_counts_and_carries_prognosis(made):
    cohort = made["metastatic"]
    table = baseline_statuses(cohort)
    rule = definitions.load("dynamics_rule", "ctc-dynamics-5")
    parts = [table.filter(pl.col("timepoint") == t) for t in cohort.spec.timepoints]
    classes = en.dynamics(*parts, rule).table()
    joined = classes.join(follow_up(cohort), on="patient_id")
    size = classes["dynamics_class"].value_counts()
    share = dict(size.iter_rows())
    assert share["decrease"] > 5 * share["increase"] > 0
    rate = {
        name: rows["dead"].sum() / rows["day"].sum()
        for (name,), rows in joined.drop_nulls("dynamics_class").group_by("dynamics_class")
    }
    assert rate["persistently low"] < rate["decrease"] < rate["persistently high"]
    later = parts[1].filter(pl.col("status") != "not_assessable")["status"] == "positive"
    assert 0.25 < later.mean() < 0.36  # Cristofanilli 2004: 30 %


@pytest.mark.parametrize("name", list(cohorts.PRESETS))
def test_facts_hang_together(made, name):
    cohort = made[name]
    facts = cohort.tables["outcomes"]
    last = follow_up(cohort).rename({"day": "end"})
    assert last.height == cohort.n
    assert facts.join(last, on="patient_id").filter(pl.col("day") > pl.col("end")).height == 0
    deaths = facts.filter(pl.col("kind").str.starts_with("death"))
    assert deaths["patient_id"].is_unique().all()
    assert deaths["day"].min() >= 1
    draws = cohort.tables["specimens"].join(last, on="patient_id")
    assert (draws["collected_day"] < draws["end"]).all()
    keys = ["patient_id", "specimen_id"]
    done = cohort.tables["assay_runs"].filter(pl.col("outcome") == "done").select(keys)
    assert done.equals(cohort.tables["counts"].select(keys))
    patients = cohort.tables["patients"]
    three = patients.filter(pl.col("her2_ihc") == "3+")
    assert (three["her2_status"] == "positive").all()
    assert ((patients["er_percent"] > 0) == (patients["er_status"] == "positive")).all()


def test_steep_endpoints_differ(made):
    survival = pytest.importorskip("ashworth.survival")
    facts = made["early_dtc"].tables["outcomes"]
    events = {}
    for name in ("idfs", "drfs", "rfi", "bcss", "os"):
        derived = survival.derive_events(facts, definitions.load("endpoint", name)).table()
        events[name] = int((derived["event_code"] == 1).sum())
    assert events["idfs"] > events["drfs"] > events["os"] > events["bcss"]
    assert events["idfs"] > events["rfi"]


def test_truth_is_labelled_and_plain(made):
    truth = made["early_ctc"].truth_record()
    assert truth["label"] == "simulated"
    assert json.loads(json.dumps(truth))["hazard_ratios"]["os"]["counts"] == {
        "1": 1.09, "2": 2.63, "3-4": 3.83, ">=5": 6.25,
    }  # fmt: skip
    assert truth["model"]["stratified"] == "centre"
    table = made["metastatic"].truth["concentrations"]
    assert table.height == 2 * 2436
    spec = made["metastatic"].spec
    mean = 7.5 * (0.85 * table["concentration"] + spec.measurement.blank_rate)
    np.testing.assert_allclose(table["mean_count"], mean)


def test_counts_follow_their_concentrations(made):
    table = made["metastatic"].truth["concentrations"].filter(pl.col("mean_count") < 1e6)
    mean, count = table["mean_count"].to_numpy(), table["full_count"].to_numpy()
    z = (count - mean).sum() / np.sqrt(mean.sum())
    assert abs(z) < BAND
    pearson = ((count - mean) ** 2 / mean)[mean > 0.5]
    assert abs(pearson.mean() - 1) < 0.15


def test_hazard_on_true_concentration_differs():
    spec = cohorts.preset("metastatic", n_patients=500)
    seen, true = (cohorts.simulate(replace(spec, hazard_on=h), 4) for h in ("observed", "true"))
    assert seen.tables["counts"]["n_cells"][0] == true.tables["counts"]["n_cells"][0]
    assert not seen.tables["outcomes"].equals(true.tables["outcomes"])


def test_refusals():
    with pytest.raises(ValueError, match="coupling"):
        cohorts.preset("metastatic", coupling=2.0)
    with pytest.raises(ValueError, match="allowed: metastatic"):
        cohorts.preset("lung")
    slow = cohorts.preset("metastatic", n_patients=50, median_first_event=3000.0)
    with pytest.raises(ValueError, match="less hazard than death"):
        cohorts.simulate(slow, 1)


def test_rounding_keeps_order_and_never_gives_zero():
    spec = cohorts.preset("metastatic", n_patients=3000, median_os=3.0, median_first_event=1.0)
    facts = cohorts.simulate(spec, 1).tables["outcomes"]
    assert facts["day"].min() == 1
    wide = facts.with_columns(pl.col("kind").str.replace("death.*", "death"))
    pair = wide.filter(pl.col("kind") == "progression").join(
        wide.filter(pl.col("kind") == "death"), on="patient_id"
    )
    assert (pair["day"] <= pair["day_right"]).all()


def binomial_band(n: int, p: float = 0.95, alpha: float = 1e-4) -> tuple[int, int]:
    """Smallest and largest plausible number of successes."""
    k = np.arange(n + 1)
    low = betaincinv(np.maximum(k, 1), n - k + 1, alpha / 2) * (k > 0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - alpha / 2), 1.0)
    inside = k[(low <= p) & (p <= high)]
    return int(inside[0]), int(inside[-1])


@pytest.mark.slow
@pytest.mark.parametrize("name", list(cohorts.PRESETS))
def test_planted_hazard_ratios_are_covered(name):
    """40 seeds; the full run is reference/validate_cohorts.py."""
    import importlib.util
    import sys

    path = Path(__file__).resolve().parents[2] / "reference" / "validate_cohorts.py"
    loader = importlib.util.spec_from_file_location("validate_cohorts", path)
    validate = importlib.util.module_from_spec(loader)
    sys.modules["validate_cohorts"] = validate
    loader.loader.exec_module(validate)
    spec = cohorts.preset(name, n_patients=900, n_centres=6)
    if name != "metastatic":
        spec = replace(spec, n_patients=2500)
    low, high = binomial_band(40)
    for endpoint in ("os", spec.first_endpoint):
        results = validate.coverage(spec, endpoint, range(40), levels=len(spec.count_effects) > 1)
        marker = [c for c in results if c.term.startswith(("positive", "count"))]
        assert marker
        for c in marker:
            assert low <= c.held <= high, c
            assert abs(c.mean_z) < BAND / np.sqrt(c.n), c
