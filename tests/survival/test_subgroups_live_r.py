"""Subgroups and treatment by marker against live R, on random studies and on rotterdam."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ashworth.survival import subgroup_effects, treatment_by_marker

from .conftest import close
from .test_live_r import r_frame, r_numbers

pytestmark = pytest.mark.r


@pytest.mark.parametrize("seed", range(2))
def test_random_studies(seed, tmp_path):
    rng = np.random.default_rng(seed)
    n = 300
    d = pl.DataFrame(
        {
            "m": rng.integers(0, 2, n), "g": rng.choice(["a", "b", "c"], n),
            "x": rng.normal(size=n).round(3), "s": rng.integers(0, 3, n),
            "id": rng.integers(0, 90, n), "entry": rng.integers(0, 5, n),
        }
    )  # fmt: skip
    rate = np.exp(0.5 * d["m"].to_numpy() + 0.4 * d["x"].to_numpy())
    time = np.ceil(rng.exponential(30, n) / rate) + 5
    d = d.with_columns(pl.Series("time", time), pl.Series("event", 1 * (rng.random(n) < 0.7)))
    path = tmp_path / "study.csv"
    d.write_csv(path)
    read = f"{{d <- read.csv('{path}'); d$g <- factor(d$g); "
    large = (
        "f <- coxph(Surv(entry, time, event) ~ g + m:g + x + strata(s), d, control = ctl, "
        "cluster = id); "
    )
    code = "k <- grep(':m|m:', names(coef(f))); c(coef(f)[k], sqrt(diag(vcov(f)))[k])}"
    found = subgroup_effects(
        d["time"], d["event"], d["m"], d.select("g"), covariates=d.select("x"), entry=d["entry"],
        strata=d["s"], cluster=d["id"],
    )  # fmt: skip
    rows = found.rows[1:]
    mine = [*(row.coefficient for row in rows), *(row.standard_error for row in rows)]
    close(mine, r_numbers(read + large + code), 1e-8)


def test_rotterdam_hormones_by_node_status():
    d = r_frame("rotterdam").filter(pl.col("dtime") > 0)
    found = treatment_by_marker(
        d["dtime"], d["death"], d["hormon"], (d["nodes"] > 3).cast(pl.Int64), randomised=False,
        covariates=d.select("age"), strata=d["grade"],
    )  # fmt: skip
    code = (
        "{d <- rotterdam; d$m <- 1 * (d$nodes > 3); "
        "f <- coxph(Surv(dtime, death) ~ hormon * m + age + strata(grade), d, control = ctl); "
        "e <- coxph(Surv(dtime, death) ~ hormon + m + age + strata(grade), d, control = ctl); "
        "b <- coef(f); v <- vcov(f); i <- c(1, 4); "
        "c(b[1], sum(b[i]), b[4], sqrt(v[1, 1]), sqrt(sum(v[i, i])), sqrt(v[4, 4]), "
        "2 * (f$loglik[2] - e$loglik[2]))}"
    )
    expected = r_numbers(code)
    use = [0, 1, 5]
    close([*found.coefficients[use], *found.standard_errors[use]], expected[:6], 1e-8)
    close(found.likelihood_ratio_test.statistic, expected[6], 1e-7)
