"""The way from a study folder to its results."""

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from ashworth.errors import ImmortalTimeError, InputError
from ashworth.workflows.run_study import run_study
from ashworth.workflows.simulate_cohort import simulate_study

REFERENCE = {
    "hr": 2.573383096372219,
    "chisq": 67.90604761351048,
    "adjusted": [
        2.3759491168497791, 0.9461419064547408, 1.1803982078153255, 1.0612221164848461,
        1.6793793481277735, 1.7152760155713220, 0.8396938732062341, 0.6781555131376086,
    ],
    "adjusted_p": [
        3.220736970669905e-12, 5.421604864564876e-01, 3.639094960902463e-01,
        1.221021190553128e-01, 3.952143727794111e-02, 5.051210820444466e-02,
        2.708069613022658e-08, 2.471379249681294e-03,
    ],
}  # fmt: skip
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def gbsg(tmp_path_factory):
    out = tmp_path_factory.mktemp("gbsg") / "results"
    return run_study(EXAMPLES / "gbsg", out=out)


@pytest.fixture(scope="module")
def metastatic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metastatic") / "study"
    simulate_study("metastatic", out=folder, seed=5, patients=600, centres=4)
    return run_study(folder)


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    simulate_study("metastatic", out=folder, seed=3, patients=60, centres=2)
    return folder


def table(summary, name):
    return pl.read_parquet(summary.folder / "tables" / f"{name}.parquet")


def test_real_patients_equal_r(gbsg):
    """R 4.2.2, survival 3.5-3: gbsg, status is recurrence-free survival.

    coxph(Surv(rfstime, status) ~ I(nodes >= 4), gbsg); survdiff of the same; survfit by group.
    coxph(Surv(rfstime, status) ~ I(nodes >= 4) + I(age/10) + meno + I(size/10) +
          factor(grade) + log1p(pgr) + hormon, gbsg)
    """
    test = table(gbsg, "tests").filter(pl.col("endpoint") == "rfs").row(0, named=True)
    assert (test["n"], test["events"]) == (686, 299)
    assert test["hazard_ratio"] == pytest.approx(REFERENCE["hr"], rel=1e-8)
    assert test["log_rank_chi_square"] == pytest.approx(REFERENCE["chisq"], rel=1e-10)
    model = table(gbsg, "cox_multivariable").filter(
        (pl.col("endpoint") == "rfs") & ~pl.col("is_reference")
    )
    assert model["estimate"].to_list() == pytest.approx(REFERENCE["adjusted"], rel=1e-7)
    assert model["p_value"].to_list() == pytest.approx(REFERENCE["adjusted_p"], rel=1e-6)


def test_the_covariate_report_never_says_ctc_or_dtc(gbsg):
    html = gbsg.report.read_text()
    visible = re.sub(r"(?s)<(script|style).*?</\1>", "", html)
    assert not re.search(r"\b[CD]TCs?\b|tumour cell", visible)
    names = [p.name for p in gbsg.folder.rglob("*")]
    assert not any("ctc" in n or "dtc" in n for n in names)
    for path in (gbsg.folder / "tables").glob("*.csv"):
        assert not re.search(r"\b[cd]tc\b", path.read_text(), flags=re.IGNORECASE)


def test_the_report_is_one_offline_file_that_says_what_it_is(metastatic):
    html = metastatic.report.read_text()
    assert not re.search(r'(?:src|href)\s*=\s*"(?:https?:)?//(?!doi\.org)', html)
    assert "Research use only. Not a medical device." in html
    assert "imulated data" in html
    for heading in ("Patients", "CTC counts", "Dynamics", "Overall survival", "Methods"):
        assert heading in html


def test_two_runs_give_the_same_bytes(study, tmp_path):
    first = run_study(study, out=tmp_path / "a")
    second = run_study(study, out=tmp_path / "b")
    files = sorted(p.relative_to(first.folder) for p in first.folder.rglob("*") if p.is_file())
    assert len(files) > 30
    for name in files:
        if name.name != "run.json":
            assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes(), name


def test_every_table_is_written_twice_and_the_log_names_all_files(metastatic):
    folder = metastatic.folder
    log = json.loads((folder / "run.json").read_text())
    written = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(log["results"]) == written - {"run.json"}
    assert {"study.toml", "patients.csv", "counts.csv"} <= set(log["inputs"])
    parquet = {p.stem for p in (folder / "tables").glob("*.parquet")}
    assert parquet == {p.stem for p in (folder / "tables").glob("*.csv")}
    assert {"statuses", "dynamics", "events", "curves", "cox_multivariable"} <= parquet
    for name in parquet:
        assert (
            pl.read_csv(folder / "tables" / f"{name}.csv").height == table(metastatic, name).height
        )


def test_the_flow_adds_up(metastatic):
    flow = table(metastatic, "cohort_flow")
    steps = flow.filter(pl.col("role") == "step")["n"].to_list()
    for step in range(len(steps) - 1):
        lost = flow.filter((pl.col("role") == "excluded") & (pl.col("step") == step))["n"].sum()
        assert steps[step] - lost == steps[step + 1]
    assert flow.filter(pl.col("role") == "group")["n"].sum() == steps[-1]


def test_every_status_of_the_report_is_that_of_the_counts(metastatic):
    statuses = table(metastatic, "statuses")
    counted = statuses.filter(pl.col("status") != "not_assessable")
    assert ((counted["n_cells"] >= 5) == (counted["status"] == "positive")).all()
    short = statuses.filter(pl.col("reason").str.starts_with("too little"))
    assert short.height > 0
    assert (short["n_cells"] < 5).all()


def edit(folder, name, change):
    path = folder / name
    path.write_text(change(path.read_text()))


def rows(folder, name, change):
    frame = pl.read_csv(folder / name, infer_schema=False)
    change(frame).write_csv(folder / name)


def first_cell(column, value):
    return lambda f: f.with_columns(
        pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value)).otherwise(column).alias(column)
    )


BAD = {
    "negative count": ("counts.csv", first_cell("n_cells", "-1"), "counts", "n_cells", "-1"),
    "fractional count": ("counts.csv", first_cell("n_cells", "2.5"), "counts", "n_cells", "2.5"),
    "decimal comma": ("counts.csv", first_cell("volume_ml", "7,5"), "counts", "volume_ml", "7,5"),
    "count without volume": ("counts.csv", first_cell("volume_ml", ""), "counts", "volume_ml", ""),
    "no volume column": ("counts.csv", lambda f: f.drop("volume_ml"), "counts", "volume_ml", ""),
    "missing column": ("counts.csv", lambda f: f.drop("n_cells"), "counts", "n_cells", ""),
    "stranger": ("counts.csv", first_cell("patient_id", "X9"), "counts", "patient_id", "X9"),
    "unknown kind": ("outcomes.csv", first_cell("kind", "died"), "outcomes", "kind", "died"),
    "unknown assay": ("assay_runs.csv", first_cell("assay", "x-1"), "assay_runs", "assay", "x-1"),
    "twice": ("patients.csv", lambda f: pl.concat([f, f.head(1)]), "patients", "patient_id", ""),
    "e-mail": (
        "patients.csv", lambda f: f.with_columns(email=pl.lit("a@b.org")), "patients", "email", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_its_place_and_leaves_nothing_behind(study, case):
    name, change, where, column, found = BAD[case]
    run_study(study)
    before = (study / "results" / "report.html").read_bytes()
    rows(study, name, change)
    with pytest.raises(InputError) as caught:
        run_study(study)
    problem, *more = [p for p in caught.value.problems if (p.table, p.column) == (where, column)]
    assert found in problem.found
    assert not more or case == "twice"
    assert problem.allowed
    assert problem.remedy
    assert (study / "results" / "report.html").read_bytes() == before
    assert not [p for p in study.iterdir() if p.name.startswith(".")]


def test_all_problems_of_all_tables_come_at_once(study):
    rows(study, "counts.csv", first_cell("n_cells", "-1"))
    rows(study, "outcomes.csv", first_cell("kind", "died"))
    rows(study, "patients.csv", first_cell("age_years", "430"))
    with pytest.raises(InputError) as caught:
        run_study(study)
    assert {"counts", "outcomes", "patients"} <= {p.table for p in caught.value.problems}


@pytest.mark.parametrize(
    ("old", "new", "key", "hint"),
    [
        ('rule = "ctc-metastatic-5"', 'rule = "ctc-metastatic"', "rule", "ctc-metastatic-5"),
        ('"cellsearch-ctc"', '"cellsearch"', "assay", "cellsearch-ctc"),
        ('"os", "pfs"', '"os", "pfss"', "endpoints", "pfs"),
        ('adjust = ["age_years"', 'adjust = ["age"', "adjust", "age_years"),
        ('name = "first_follow_up"', 'name = "week4"', "timepoints", "first_follow_up"),
        ('"os", "pfs"', '"os", "os"', "endpoints", "only once"),
        ('adjust = ["age_years"', 'adjust = ["age_years", "age_years"', "adjust", "only once"),
        ('adjust = ["age_years"', 'adjust = ["centre"', None, "centre stratifies"),
        ('adjust = ["age_years"', 'adjust = ["patient_id"', None, "no covariate"),
        ('stratify = ["centre"]', 'stratify = ["centre", "centre"]', "stratify", "only once"),
        ("survival_at = [12", "survival_at = [-12", "survival_at.0", "greater than 0"),
        ("simulated = true", 'simulated = "no"', "simulated", "true or false"),
        ('setting = "metastatic"', 'setting = "early"', "setting", "60 of 60"),
        ('"ctc-dynamics-5"', '"ctc-dynamics-1"', "dynamics", "own cut-off"),
        ('"cellsearch-ctc"', '"dtc-icc-a45b-b3"', "assay", "cellsearch-ctc"),
        ("[[timepoints]]", '[columns.nosuch]\na = "b"\n[[timepoints]]', "columns.nosuch", "counts"),
        (
            "[[timepoints]]",
            "[covariates.age_years]\nminimum = 70\n[[timepoints]]",
            "covariates.age_years.minimum",
            "standard column",
        ),
    ],
)
def test_wrong_declarations(study, old, new, key, hint):
    text = (study / "study.toml").read_text()
    assert old in text
    (study / "study.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        run_study(study)
    problem = next(p for p in caught.value.problems if p.column in (key, "timepoint"))
    assert hint in problem.allowed + problem.remedy + problem.found
    assert not (study / "results").exists()


def test_a_later_status_on_the_baseline_clock_is_refused(study):
    edit(
        study,
        "study.toml",
        lambda t: t.replace("[[timepoints]]", 'clock = "index"\n[[timepoints]]', 1),
    )
    with pytest.raises(ImmortalTimeError, match="first_follow_up"):
        run_study(study)


def test_endpoint_definitions_change_the_analysis(study):
    both = run_study(study)
    events = table(both, "events").group_by("endpoint").agg((pl.col("event_code") == 1).sum())
    number = dict(events.rows())
    assert number["pfs"] > number["os"] > 0


def test_ready_made_events_stand_in_for_outcomes(study):
    first = run_study(study)
    derived = table(first, "events")
    shutil.copy(first.folder / "tables" / "events.csv", study / "events.csv")
    (study / "outcomes.csv").unlink()
    again = run_study(study)
    assert table(again, "events").equals(derived)
    assert first.endpoints == again.endpoints


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02\xff", b"PK\x03\x04rest", b'a,b\n"x'])
def test_files_that_are_no_tables(study, content):
    (study / "counts.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        run_study(study)
    assert caught.value.problems[0].table == "counts"


def test_a_file_of_ten_gigabytes_is_refused_unread(study):
    with (study / "counts.csv").open("wb") as stream:
        stream.truncate(10 * 1024**3)
    with pytest.raises(InputError, match="bytes"):
        run_study(study)


def test_a_monotone_likelihood_is_said_in_words(study, capsys):
    def only_high_die(f):
        high = pl.read_csv(study / "counts.csv").filter(
            pl.col("specimen_id").str.ends_with("-1") & (pl.col("n_cells") >= 5)
        )
        dies = pl.col("patient_id").is_in(high["patient_id"].to_list())
        kind = pl.when(pl.col("kind").str.starts_with("death") & ~dies).then(pl.lit("last_contact"))
        return f.with_columns(kind.otherwise(pl.col("kind")).alias("kind"))

    rows(study, "outcomes.csv", only_high_die)
    summary = run_study(study)
    first = summary.endpoints[0]
    assert first["hazard_ratio"] is None
    assert "monotone" in first["problem"]
    assert capsys.readouterr().err == ""
    row = table(summary, "cox_univariable").row(1, named=True)
    assert row["estimate"] == float("inf")
    assert "infinite" in summary.report.read_text()


@pytest.mark.parametrize("marker", ["age_years"])
def test_subgroups_by_a_number_are_refused(study, marker):
    edit(
        study,
        "study.toml",
        lambda t: t.replace('subgroups = ["er_status"', f'subgroups = ["{marker}"'),
    )
    with pytest.raises(InputError, match="which is a number"):
        run_study(study)


def test_the_step_of_a_covariate_can_be_one(study):
    edit(study, "study.toml", lambda t: t + "\n[covariates.age_years]\nper = 1\n")
    row = table(run_study(study), "cox_multivariable").filter(pl.col("section") == "Age")
    assert row["label"][0] == "Age, per 1 years"


def test_an_ordinal_rule_is_analysed_by_level(tmp_path):
    folder = tmp_path / "study"
    simulate_study("early_ctc", out=folder, seed=2, patients=1500, centres=2)
    summary = run_study(folder)
    labels = ["0 CTC", "1 CTC", "2 CTC", "3–4 CTC", "≥ 5 CTC"]
    curves = table(summary, "curves")
    assert curves["group"].unique().sort().to_list() == sorted(labels)
    for name in ("cox_univariable", "cox_multivariable"):
        rows = table(summary, name).filter(pl.col("section") == "CTC", pl.col("endpoint") == "os")
        assert rows["label"].to_list() == labels
        assert rows["is_reference"].to_list() == [True] + [False] * 4
    statuses = table(summary, "statuses").filter(pl.col("level").is_not_null())
    level = {0: "0", 1: "1", 2: "2", 3: "3-4", 4: "3-4"}
    assert all(level.get(n, ">=5") == v for n, v in statuses.select("n_cells", "level").iter_rows())
    tests = table(summary, "tests")
    assert set(tests["log_rank_df"]) == {4}
    flow = table(summary, "cohort_flow")
    last = flow.filter(pl.col("role") == "step")["n"].to_list()[-1]
    assert flow.filter(pl.col("role") == "group")["n"].sum() == last


@pytest.mark.parametrize(
    ("old", "new", "key", "hint"),
    [
        ('marker = "nodes"', 'marker = "nods"', "marker", "did you mean 'nodes'"),
        ('marker = "nodes"', 'marker = "setting"', "marker", "a number"),
        ("cut = 4", "cut = nan", "cut", "finite"),
        ("cut = 4", "cut = 4000", "cut", "1 to 51"),
        ('adjust = ["age_years"', 'adjust = ["nodes"', None, "is the marker"),
        ("minimum = 1\n", "minimum = 1\nmaximum = 0\n", "covariates.nodes", "minimum"),
    ],
)
def test_wrong_declarations_of_a_covariate_marker(tmp_path, old, new, key, hint):
    folder = tmp_path / "gbsg"
    shutil.copytree(EXAMPLES / "gbsg", folder)
    edit(folder, "study.toml", lambda t: t.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        run_study(folder)
    problem = next(p for p in caught.value.problems if p.column == key)
    assert hint in problem.allowed + problem.remedy + problem.found


def test_every_patient_with_a_status_is_analysed_or_excluded_with_a_reason(metastatic):
    statuses = table(metastatic, "statuses").filter(pl.col("status") != "not_assessable")
    excluded, tests = table(metastatic, "exclusions"), table(metastatic, "tests")
    for row in tests.iter_rows(named=True):
        known = statuses.filter(pl.col("timepoint") == row["timepoint"]).height
        out = excluded.filter(
            pl.col("endpoint") == row["endpoint"], pl.col("timepoint") == row["timepoint"]
        )["n"].sum()
        assert row["n"] + out == known
    assert excluded["n"].sum() > 0
    assert f"{excluded['n'].to_list()[0]:,} of" in metastatic.report.read_text()
