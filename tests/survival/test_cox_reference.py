"""Cox models against R's fully converged values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ashworth.survival import cox

from .conftest import close, load_data

GRID = list(
    itertools.product(("efron", "breslow"), (0, 1), (0, 1), (0, 1), (0, 1), ("day", "continuous"))
)


def fit(cohort, ties, strata, entry, weights, offset, clock):
    return cox(
        cohort[f"t_{clock}"],
        cohort["event"],
        cohort.select("x1", "x2", "x3"),
        strata=cohort["stratum"] if strata else None,
        entry=cohort[f"entry_{clock}"] if entry else None,
        weights=cohort["weight"] if weights else None,
        offset=cohort["offset"] if offset else None,
        ties=ties,
    )


def test_the_grid_has_not_shrunk(values):
    assert sum(key.startswith("cox ") for key in values) == len(GRID) == 64


@pytest.mark.parametrize("case", GRID, ids=lambda c: "-".join(map(str, c)))
def test_cox_equals_r(case, cohort, values):
    expected = values[f"cox {' '.join(map(str, case))}"]
    found = fit(cohort, *case)
    close(found.coefficients, expected["coef"], 1e-9)
    close(found.standard_errors, expected["se"], 1e-9)
    close([found.log_likelihood_null, found.log_likelihood], expected["loglik"], 1e-10)
    close(found.score_test.statistic, expected["score"], 1e-9)
    close(found.wald_test.statistic, expected["wald"], 1e-9)
    null, best = expected["loglik"]
    close(found.likelihood_ratio_test.statistic, 2 * (best - null), 1e-9)
    assert found.converged
    assert found.names == ("x1", "x2", "x3")


def test_late_entry_of_the_heart_transplant_study(values):
    heart = load_data("heart")
    names = ["age", "year", "surgery", "transplant"]
    found = cox(heart["stop"], heart["event"], heart.select(names), entry=heart["start"])
    expected = values["heart"]
    close(found.coefficients, expected["coef"], 1e-9)
    close(found.standard_errors, expected["se"], 1e-9)
    close(found.log_likelihood, expected["loglik"][1], 1e-12)


def test_weights_and_offset_of_lung(lung, cases):
    d = lung.drop_nulls(["age", "sex", "ph_karno"])
    found = cox(
        d["time"],
        d["event"],
        {"sex": d["sex"]},
        weights=d["ph_karno"] / 50,
        offset=0.01 * d["age"],
    )
    expected = cases["cox_weights_offset"]
    assert (found.n, found.events) == (expected["n"], expected["nevent"])
    close(found.coefficients, expected["coef"]["sex"], 1e-8)
    close(found.standard_errors, expected["se"]["sex"], 1e-8)
    close([found.log_likelihood_null, found.log_likelihood], expected["loglik"])
    close(found.score_test.statistic, expected["score"], 1e-8)
    close(found.wald_test.statistic, expected["wald"], 1e-8)
    close(found.likelihood_ratio_test.statistic, expected["lrt"], 1e-8)


def test_near_ties_are_merged_as_by_timefix(values):
    time = [0.1 + 0.2, 0.3, 0.7, 0.1 * 7, 1, 1.5]
    event, x = [1, 1, 1, 0, 1, 1], [0, 1, 1, 0, 1, 0]
    expected = values["near_ties"]
    found = cox(time, event, x)
    close(found.coefficients, expected["coef"], 1e-9)
    close([found.log_likelihood_null, found.log_likelihood], expected["loglik"])
    apart = cox(time, event, x, tie_tolerance=0)
    assert abs(apart.log_likelihood - found.log_likelihood) > 1e-3


def test_table_has_limits_and_terms(cohort):
    found = fit(cohort, "efron", 0, 0, 0, 0, "day")
    table = found.table()
    assert table.columns == [
        "term", "n", "events", "coefficient", "standard_error", "hazard_ratio", "lower", "upper",
        "z", "p_value",
    ]  # fmt: skip
    half = 1.959963984540054 * found.standard_errors
    close(table["lower"], np.exp(found.coefficients - half))
    close(table["upper"], np.exp(found.coefficients + half))
