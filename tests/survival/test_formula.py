"""The formula door against R's formulas, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from ashworth.errors import EstimationError, InputError
from ashworth.survival import (
    MissingRowsWarning,
    cox_formula,
    kaplan_meier_formula,
    log_rank_formula,
)

from .conftest import FOLDER, close, load_data

pytest.importorskip("formulaic")
pd = pytest.importorskip("pandas")

VALUES = {v["id"]: v for v in json.loads((FOLDER / "formula.json").read_text())["values"]}
DATA = load_data("discrimination").with_columns(
    event=(pl.col("code") == 1).cast(int),
    site=pl.col("stratum").replace_strict({0: "north", 1: "east", 2: "south"}),
    half=pl.col("cluster") > 25,
)


PAIRS = [
    ("surv(time, event) ~ first * second + log1p(weight)",
     "Surv(time, event) ~ first * second + log1p(weight)", None),
    ("surv(time, event) ~ site + first", "Surv(time, event) ~ site_south + first",
     {"site": "south"}),
    ("surv(time, event) ~ site * C(weight)", "Surv(time, event) ~ site * factor(weight)", None),
    ("surv(time, event) ~ first + C(weight):second + strata(stratum)",
     "Surv(time, event) ~ first + factor(weight):second + strata(stratum)", None),
    ("surv(time, event) ~ first + strata(stratum, weight) - 1",
     "Surv(time, event) ~ first + strata(stratum, weight)", None),
    ("surv(entry, time, event) ~ first + offset(second / 2) + cluster(cluster)",
     "Surv(entry, time, event) ~ first + offset(second / 2) + cluster(cluster)", None),
    ("Surv(time, code == 2) ~ poly(first, 2) + sqrt(weight)",
     "Surv(time, code == 2) ~ poly(first, 2) + sqrt(weight)", None),
    ("surv(time, event) ~ rcs(first, 4)", "Surv(time, event) ~ rcs4(first)", None),
    ("surv(time, event) ~ bs(first, df=5)", "Surv(time, event) ~ bs(first, df = 5)", None),
    ("surv(time, event) ~ scale(first) + I(second**2)",
     "Surv(time, event) ~ scale(first) + I(second^2)", None),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "r_formula", "reference"), PAIRS, ids=[p[0] for p in PAIRS])
def test_formulas_equal_r(formula, r_formula, reference):
    fit = cox_formula(formula, DATA, reference=reference)
    expected = VALUES[r_formula]
    # R drops levels in another order within interactions; sets of coefficients are the same
    order, want = np.argsort(fit.coefficients), np.argsort(expected["coef"])
    close(fit.coefficients[order], np.array(expected["coef"])[want], 1e-8)
    close(fit.standard_errors[order], np.array(expected["se"])[want], 1e-8)
    close(fit.log_likelihood, expected["loglik"][-1], 1e-10)


@pytest.mark.parametrize("how", ["polars", "pandas", "dict"])
def test_predictions_equal_r(how):
    columns = DATA.to_dict(as_series=False)
    data = {"polars": DATA, "pandas": pd.DataFrame(columns), "dict": columns}[how]
    fit = cox_formula("surv(time, event) ~ first * site + strata(half)", data)
    new = {"first": [0, 1], "site": ["south", "east"], "half": [False, True]}
    found = fit.predict_survival(new, 12).table()
    expected = VALUES["prediction"]
    for name in ("survival", "lower", "upper"):
        close(found[name], expected[name], 1e-8)
    assert fit.reference_levels == {"site": "east"}
    assert fit.levels["site"] == ("east", "north", "south")


def test_curves_and_log_rank_equal_r():
    test = log_rank_formula("surv(time, event) ~ site + weight + strata(half)", DATA)
    close(test.statistic, VALUES["survdiff"]["statistic"], 1e-9)
    km = kaplan_meier_formula("surv(time, event) ~ site + weight", DATA)
    assert next(iter(km.groups)) == "site=east, weight=1"
    close(
        [c.survival_at(12).survival[0] for c in km.groups.values()], VALUES["survfit"]["survival"]
    )
    assert list(kaplan_meier_formula("surv(time, event) ~ 1", DATA).groups) == ["all"]
    assert list(kaplan_meier_formula("surv(time, event) ~ weight", DATA).groups) == [1, 2, 3]


def test_splines_and_scales_keep_what_they_learnt():
    fit = cox_formula("surv(time, event) ~ rcs(first, 4) + scale(second) + poly(weight, 2)", DATA)
    at_fit = fit.fit.data.covariates[5:8]
    close(fit.covariates(DATA[5:8]).to_numpy(), at_fit, 1e-12)


def test_missing_rows_are_counted_and_told():
    gappy = DATA.with_columns(
        first=pl.when(pl.int_range(pl.len()) < 3).then(None).otherwise("first"),
        second=pl.when(pl.int_range(pl.len()) == 2).then(np.nan).otherwise("second"),
    )
    with pytest.warns(MissingRowsWarning, match=r"3 of 240 rows .*first 3, second 1"):
        fit = cox_formula("surv(time, event) ~ first + second", gappy)
    assert (fit.n, fit.n_given, dict(fit.missing)) == (237, 240, {"first": 3, "second": 1})
    assert fit.dropped.tolist() == [0, 1, 2]
    whole = cox_formula("surv(time, event) ~ first + second", DATA[3:])
    close(fit.coefficients, whole.coefficients, 0, 0)


def test_a_missing_outcome_is_an_error_with_the_callers_rows():
    bad = DATA.with_columns(
        first=pl.when(pl.int_range(pl.len()) < 3).then(None).otherwise("first"),
        event=pl.when(pl.int_range(pl.len()) == 7).then(None).otherwise("event"),
    )
    with pytest.raises(InputError, match=r"from 0: 7\)"):
        cox_formula("surv(time, event) ~ first", bad)
    with pytest.raises(EstimationError, match="never an event"):
        cox_formula("surv(time, event == 1) ~ first", bad)


def test_unknown_levels_are_refused_at_prediction():
    fit = cox_formula("surv(time, event) ~ site + C(weight) + strata(half)", DATA)
    new = {"site": ["east", "moon"], "weight": [7, 1], "half": [True, False]}
    with pytest.raises(InputError) as caught:
        fit.covariates(new)
    assert [(p.column, p.found) for p in caught.value.problems] == [
        ("site", "'moon' in 1 rows (from 0: [1])"), ("weight", "7 in 1 rows (from 0: [0])"),
    ]  # fmt: skip
    with pytest.raises(InputError, match="no such column"):
        fit.covariates({"site": ["east"], "half": [True]})


def test_levels_of_an_enum_keep_their_order():
    ordered = DATA.with_columns(pl.col("site").cast(pl.Enum(["south", "unused", "north", "east"])))
    fit = cox_formula("surv(time, event) ~ site", ordered)
    assert fit.levels["site"] == ("south", "north", "east")
    assert fit.names == ("site[T.north]", "site[T.east]")


@pytest.mark.parametrize(
    "right",
    [
        "__import__('os').system('true')", "np.log(first)", "first.__class__", "eval('1')",
        "I([x for x in first])", "log(lambda: 1)", "first**99", "I(2**3)", "I(first**second)",
        "strata(site):first", "first + cluster(log(cluster))", "first +", "first ~ second",
        "weight + C(weight)", "hashed(site)", "first if second else site", "Q('first')",
        "lag(first)", "I('a' * 3)", "I([1] * 3)", "I((first, 1) + (2,))",
        "open('x')", "I(" * 2000 + "first" + ")" * 2000, "{first.values}", "[first ~ second]", ".",
    ],
)  # fmt: skip
def test_what_a_formula_may_not_say(right, monkeypatch):
    def never(*arguments, **options):
        raise AssertionError("evaluated")

    monkeypatch.setattr("ashworth.survival.formula.model.build", never)
    with pytest.raises((InputError, EstimationError)):
        cox_formula(f"surv(time, event) ~ {right}", DATA)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("time ~ first", "on the left"),
        ("surv(time) ~ first", "on the left"),
        ("surv(time, event > 1) ~ first", "on the left"),
        ("surv(time, event)", "allowed: one text"),
        ("surv(time, event) ~ 1", "no covariates"),
        ("surv(time, event) ~ nothing + none", "2 problems"),
        ("surv(time, event) ~ log(first)", "missing or infinite values"),
        ("surv(time, event) ~ first + offset(site)", "offset"),
        ("surv(time, event) ~ log(site)", "formula"),
        ("surv(time, event) ~ rcs(site, 4)", "formula"),
    ],
)
def test_bad_formulas(formula, message):
    with pytest.raises((InputError, EstimationError), match=message):
        cox_formula(formula, DATA)


def test_reference_levels_must_exist():
    with pytest.raises(InputError) as caught:
        cox_formula("surv(time, event) ~ site + first", DATA,
                    reference={"site": "moon", "first": 1})  # fmt: skip
    assert [p.column for p in caught.value.problems] == ["site", "first"]


def test_columns_with_odd_names():
    odd = DATA.rename({"time": "time (days)", "first": "CTC count"})
    fit = cox_formula("surv(`time (days)`, event) ~ `CTC count`", odd)
    close(fit.coefficients, cox_formula("surv(time, event) ~ first", DATA).coefficients, 0, 0)
    with pytest.raises(EstimationError, match="groups on the right"):
        log_rank_formula("surv(time, event) ~ log1p(weight)", DATA)


@pytest.mark.parametrize(
    "term", ["bs(x, df=10000000)", "poly(x, 100000)", "rcs(x, 21)", "rcs(x, 'a')"]
)
def test_sizes_in_formulas_are_limited(term):
    data = {"time": [1, 2, 3], "event": [1, 1, 1], "x": [1, 2, 3]}
    with pytest.raises(InputError, match="whole numbers up to 20"):
        cox_formula(f"surv(time, event) ~ {term}", data)
