"""Status histories, windows and cut rows against R where it is installed."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ashworth.survival import cox, hazard_ratio_windows, landmark, log_rank, status_history

from .conftest import close
from .test_live_r import CONTROL, r_frame, r_numbers

pytestmark = pytest.mark.r
assert CONTROL

BASE = "base <- subset(pbc, id <= 312, c(id, time, status, age)); base$ev <- base$status == 2;"
MERGE = (
    "a <- tmerge(base, base, id = id, death = event(time, ev));"
    "a <- tmerge(a, pbcseq, id = id, chol = tdc(day, chol), bili = tdc(day, bili),"
    "            options = list(na.rm = {})); a"
)


@pytest.fixture(scope="module")
def visits() -> pl.DataFrame:
    return r_frame("pbcseq[, c('id', 'day', 'chol', 'bili')]").rename({"id": "patient_id"})


@pytest.fixture(scope="module")
def patients() -> pl.DataFrame:
    table = r_frame(f"{{{BASE} base}}")
    return table.select("age", patient_id="id", exit_day="time", event_code=pl.col("ev").cast(int))


@pytest.mark.parametrize(("missing", "na_rm"), [("carry", "TRUE"), ("unknown", "FALSE")])
def test_rows_are_those_of_tmerge(missing, na_rm, visits, patients):
    merge = MERGE.format(na_rm).replace(" bili = tdc(day, bili),", "")
    expected = r_frame(f"{{{BASE} {merge}}}")
    rows = status_history(visits, patients, status="chol", missing=missing).rows
    assert rows["patient_id"].to_list() == expected["id"].to_list()
    close(rows["start"], expected["tstart"])
    close(rows["stop"], expected["tstop"])
    assert rows["event"].to_list() == expected["death"].cast(int).to_list()
    assert rows["status"].to_list() == expected["chol"].to_list()


def test_current_bilirubin_as_in_the_vignette(visits, patients):
    merge = MERGE.format("TRUE").removesuffix("; a")
    code = f"{BASE} {merge}; m <- coxph(Surv(tstart, tstop, death) ~ log(bili) + age, a,"
    expected = r_numbers(f"{{{code} control = ctl); c(coef(m), sqrt(diag(vcov(m))))}}")
    rows = status_history(visits, patients, status="bili", keep=["age"]).rows
    x = rows.select(pl.col("status").log(), "age")
    found = cox(rows["stop"], rows["event"], x, entry=rows["start"])
    close([*found.coefficients, *found.standard_errors], expected, 1e-8)


def test_landmark_of_bilirubin(visits, patients):
    at = 365
    code = (
        f"{BASE} k <- subset(base, time > {at}); s <- subset(pbcseq, day <= {at} & id %in% k$id);"
        "s <- s[order(s$id, s$day), ]; s <- s[!duplicated(s$id, fromLast = TRUE), ];"
        "k$bili <- s$bili[match(k$id, s$id)];"
        f"c(nrow(k), survdiff(Surv(time - {at}, ev) ~ bili > 2, k)$chisq)"
    )
    expected = r_numbers(f"{{{code}}}")
    found = landmark(visits, patients, at, status="bili")
    frame = found.frame
    test = log_rank(frame["time"], frame["event"], frame["status"] > 2)
    close([found.n, test.statistic], expected, 1e-10)


def test_effect_by_period_of_rotterdam(cases):
    expected = cases["piecewise_time_varying_hr"]
    d = r_frame("rotterdam")
    found = hazard_ratio_windows(
        d["rtime"], d["recur"], (d["nodes"] > 0).rename("np"), [2 * 365.25, 5 * 365.25],
        adjust=d.select("age"),
    )  # fmt: skip
    close(found.coefficients, list(expected["loghr_by_period"].values()), 1e-8)
    close(found.standard_errors, list(expected["se"].values()), 1e-8)
    close(found.fit.coefficients[3], expected["age"], 1e-8)
    close(found.equality_test.statistic, expected["LR_change"], 1e-8)
    assert found.at_risk.sum() == expected["rows"]


@pytest.mark.parametrize("seed", [1, 2])
def test_cut_rows_of_random_studies(seed, tmp_path):
    rng = np.random.default_rng(seed)
    n = 120
    time = np.ceil(rng.exponential(size=n) * 40) + 1
    entry = np.floor(time * rng.random(n) * 0.6)
    d = pl.DataFrame(
        {"time": time, "entry": entry, "event": 1 * (rng.random(n) < 0.7),
         "x": rng.normal(size=n), "z": rng.normal(size=n), "s": rng.integers(0, 3, n)}
    )  # fmt: skip
    path = tmp_path / "study.csv"
    d.write_csv(path)
    code = (
        f"d <- read.csv('{path}');"
        "s <- survSplit(Surv(entry, time, event) ~ ., d, cut = c(10, 25), episode = 'k');"
        "m <- coxph(Surv(entry, time, event) ~ x:factor(k) + z + strata(s), s, control = ctl);"
        "c(coef(m)[2:4], sqrt(diag(vcov(m)))[2:4], table(s$k), tapply(s$event, s$k, sum))"
    )
    expected = r_numbers(f"{{{code}}}")
    found = hazard_ratio_windows(
        d["time"], d["event"], d["x"], [10, 25], adjust=d["z"], entry=d["entry"], strata=d["s"]
    )
    mine = [found.coefficients, found.standard_errors, found.at_risk, found.n_events]
    close(np.concatenate(mine), expected, 1e-8)


def test_windows_with_clusters():
    code = (
        "s <- survSplit(Surv(time, status) ~ ., kidney, cut = c(30, 120), episode = 'k');"
        "m <- coxph(Surv(tstart, time, status) ~ sex:factor(k) + age + cluster(id), s,"
        "           control = ctl); b <- coef(m)[2:4]; v <- vcov(m)[2:4, 2:4];"
        "k <- rbind(c(-1, 1, 0), c(-1, 0, 1));"
        "c(b, sqrt(diag(v)), t(k %*% b) %*% solve(k %*% v %*% t(k)) %*% (k %*% b))"
    )
    expected = r_numbers(f"{{{code}}}")
    d = r_frame("kidney")
    found = hazard_ratio_windows(
        d["time"], d["status"], d["sex"], [30, 120], adjust=d["age"], cluster=d["id"]
    )
    mine = [found.coefficients, found.standard_errors, [found.equality_test.statistic]]
    close(np.concatenate(mine), expected, 1e-7)
    assert (found.equality_test.df, found.equality_test.n) == (2, 76)


def test_one_model_over_all_landmarks(visits, patients):
    at = (365, 730, 1095)
    code = (
        f"{BASE} one <- function(at) {{ k <- subset(base, time > at);"
        "s <- subset(pbcseq, day <= at & id %in% k$id); s <- s[order(s$id, s$day), ];"
        "s <- s[!duplicated(s$id, fromLast = TRUE), ]; k$x <- log(s$bili[match(k$id, s$id)]);"
        "k$left <- pmin(k$time - at, 1826); k$ev <- k$ev & k$time - at <= 1826; k$at <- at; k };"
        "d <- rbind(one(365), one(730), one(1095));"
        "m <- coxph(Surv(left, ev) ~ x + strata(at) + cluster(id), d, control = ctl);"
        "c(nrow(d), coef(m), sqrt(vcov(m)))"
    )
    expected = r_numbers(f"{{{code}}}")
    frame = landmark(visits, patients, at, status="bili", horizon_days=1826).frame
    fit = cox(
        frame["time"], frame["event"], frame["status"].log(), strata=frame["landmark"],
        cluster=frame["patient_id"],
    )  # fmt: skip
    close([frame.height, fit.coefficients[0], fit.standard_errors[0]], expected, 1e-8)
