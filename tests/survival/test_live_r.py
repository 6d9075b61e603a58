"""Live comparison with R where it is installed."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import polars as pl
import pytest

from ashworth.survival import cox, follow_up, kaplan_meier, log_rank

from .conftest import close

pytestmark = pytest.mark.r

CONTROL = "ctl <- coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100);"


def r(code: str) -> str:
    program = shutil.which("Rscript")
    assert program is not None
    code = f"suppressMessages(library(survival)); options(warn = -1); {CONTROL} {code}"
    done = subprocess.run([program, "-e", code], capture_output=True, text=True, check=True)
    return done.stdout


def r_numbers(code: str) -> list[float]:
    words = r(f"cat(sprintf('%.17g', c({code})))").split()
    return [float("nan") if w == "NA" else float(w) for w in words]


def r_frame(code: str) -> pl.DataFrame:
    return pl.read_csv(r(f"write.csv({code}, row.names = FALSE)").encode(), null_values="NA")


@pytest.fixture(scope="module")
def rotterdam():
    return r_frame("rotterdam")


def test_follow_up_of_rotterdam(rotterdam, cases):
    expected = cases["median_followup_reverse_km"]
    found = follow_up(rotterdam["dtime"] / 365.25, rotterdam["death"], ci="log")["all"]
    close(found.quantile(0.5), [expected[k] for k in ("median", "lower", "upper")])


def test_value_added_by_nodes(rotterdam, cases):
    expected = cases["cox_prognostic_value_added_LR"]
    d = rotterdam.with_columns(
        pre=pl.col("meno"), small=(pl.col("size") == "20-50"), large=(pl.col("size") == ">50"),
        grade3=(pl.col("grade") == 3), log_nodes=(pl.col("nodes") + 1).log(),
    )  # fmt: skip
    names = ["age", "meno", "small", "large", "grade3", "hormon", "chemo"]
    a = cox(d["dtime"], d["death"], d.select(names))
    b = cox(d["dtime"], d["death"], d.select([*names, "log_nodes"]))
    close([a.log_likelihood, b.log_likelihood], [expected["ll0"], expected["ll1"]])
    close(2 * (b.log_likelihood - a.log_likelihood), expected["LR_chisq"], 1e-8)


def test_effect_by_period_with_late_entry(rotterdam, cases):
    expected = cases["piecewise_time_varying_hr"]
    cut = np.array([0, 2, 5, np.inf]) * 365.25
    time, event = rotterdam["rtime"].to_numpy(), rotterdam["recur"].to_numpy()
    np_, age = (rotterdam["nodes"] > 0).to_numpy() * 1.0, rotterdam["age"].to_numpy()
    parts = []
    for k in range(3):
        inside = time > cut[k]
        last = time <= cut[k + 1]
        parts.append(
            np.column_stack(
                [np.full(time.size, cut[k]), np.minimum(time, cut[k + 1]), event * last,
                 np.full(time.size, k), np_, age]
            )[inside]
        )  # fmt: skip
    s = np.concatenate(parts)
    assert s.shape[0] == expected["rows"]
    x = np.column_stack([s[:, 5], *((s[:, 3] == k) * s[:, 4] for k in range(3))])
    found = cox(s[:, 1], s[:, 2], x, entry=s[:, 0], strata=s[:, 3])
    close(found.coefficients, [expected["age"], *expected["loghr_by_period"].values()], 1e-8)
    close(found.standard_errors[1:], list(expected["se"].values()), 1e-8)
    plain = cox(s[:, 1], s[:, 2], x[:, :1] * 0 + s[:, 4:6], entry=s[:, 0], strata=s[:, 3])
    change = 2 * (found.log_likelihood - plain.log_likelihood)
    close(change, expected["LR_change"], 1e-8)


def test_two_cohorts_with_strata(rotterdam):
    r_code = (
        "{r <- subset(rotterdam, nodes > 0); a <- with(r, data.frame(s = 0, "
        "t = ifelse(recur == 1, rtime, dtime), e = pmax(recur, death), hormon, age, nodes, pgr));"
        "b <- with(gbsg, data.frame(s = 1, t = rfstime, e = status, hormon, age, nodes, pgr));"
        "rbind(a, b)}"
    )
    d = r_frame(r_code).with_columns(nodes=pl.col("nodes").log(), pgr=(pl.col("pgr") + 1).log())
    found = cox(d["t"], d["e"], d.select("hormon", "age", "nodes", "pgr"), strata=d["s"])
    close(
        found.coefficients,
        [-0.38878872163453, 0.00854823177876479, 0.493615958378401, -0.0747190047445212],
        1e-8,
    )
    close([found.log_likelihood_null, found.log_likelihood], [-9067.84018841286, -8885.57930831999])


def test_veteran_and_its_null_model(cases):
    d = r_frame("veteran")
    found = cox(d["time"], d["status"], d.select("karno", "trt"))
    expected = cases["cox_baseline_predict"]["coef"]
    close(found.coefficients, [expected["karno"], expected["trt"]], 1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_random_studies(seed, tmp_path):
    rng = np.random.default_rng(seed)
    n = 300
    x = rng.normal(size=(n, 2)) * [1, 1e4]
    time = np.ceil(rng.exponential(size=n) * 50 * np.exp(x[:, 0]) + 1)
    entry = np.floor(time * rng.uniform(size=n) * 0.5)
    columns = {
        "time": time, "entry": np.minimum(entry, time - 1), "event": 1 * (rng.random(n) < 0.6),
        "x1": x[:, 0], "x2": x[:, 1], "s": rng.integers(0, 20, n), "g": rng.integers(0, 3, n),
    }  # fmt: skip
    d = pl.DataFrame(columns)
    path = tmp_path / "study.csv"
    d.write_csv(path)
    read = f"{{d <- read.csv('{path}'); "
    model = "m <- coxph(Surv(entry, time, event) ~ x1 + x2 + strata(s), d, control = ctl); "
    expected = r_numbers(read + model + "c(coef(m), sqrt(diag(vcov(m))), m$loglik)}")
    fit = cox(d["time"], d["event"], d.select("x1", "x2"), entry=d["entry"], strata=d["s"])
    mine = [*fit.coefficients, *fit.standard_errors, fit.log_likelihood_null, fit.log_likelihood]
    close(mine, expected, 1e-8)
    test = "survdiff(Surv(time, event) ~ g + strata(s), d)$chisq}"
    close(log_rank(d["time"], d["event"], d["g"], strata=d["s"]).statistic, r_numbers(read + test))
    curve = "summary(survfit(Surv(entry, time, event) ~ 1, d), times = c(20, 50, 90))$surv}"
    km = kaplan_meier(d["time"], d["event"], entry=d["entry"])
    close(km.survival_at([20, 50, 90]).survival, r_numbers(read + curve))


def test_dropped_covariates_are_the_same_as_in_r(tmp_path):
    rng = np.random.default_rng(7)
    s = rng.integers(0, 4, 120)
    x = rng.normal(size=120)
    d = pl.DataFrame(
        {"t": rng.exponential(size=120), "e": 1, "x": x, "centre": s * 2.5, "twice": 2 * x, "s": s}
    )
    path = tmp_path / "study.csv"
    d.write_csv(path)
    code = "coef(coxph(Surv(t, e) ~ centre + x + twice + strata(s), d, control = ctl))}"
    expected = r_numbers(f"{{d <- read.csv('{path}'); {code}")
    with pytest.warns(Warning, match="centre, twice"):
        fit = cox(d["t"], d["e"], d.select("centre", "x", "twice"), strata=d["s"])
    np.testing.assert_array_equal(np.isnan(fit.coefficients), np.isnan(expected))
    close(fit.coefficients[1], expected[1], 1e-9)
