"""Rubin's rules against their case and R; what imputation keeps, knows and refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ashworth.errors import EstimationError, InputError
from ashworth.evidence import impute, rubin
from ashworth.evidence.imputation.columns import nelson_aalen
from ashworth.survival import cox

from .conftest import close, load, load_cases

RULES = load("rubin")


def test_rubin_equals_the_case():
    found = rubin([0.61, 0.55, 0.66], [0.012, 0.013, 0.0125])
    want = load_cases()["rubin_pooling"]
    close(found.estimates, want["pooled"])
    close(found.total[0, 0], want["total_var"])
    close(found.df, want["df_rubin"])
    close(found.fraction_missing, want["fmi"])


@pytest.mark.parametrize("name", RULES)
def test_rubin_equals_the_formulae_in_r(name):
    want, size = RULES[name], name.split()[1]
    found = rubin(want["q"], want["u"], n=None if size == "many" else int(size))
    close(found.estimates, want["estimate"])
    close(found.standard_errors, want["se"])
    close(found.df, want["df"])
    close(found.confint()[0], want["limits"])
    close(found.p_values, want["p"])
    close(found.fraction_missing, want["fraction"])
    close(found.relative_efficiency, want["efficiency"])


def test_rubin_of_many_estimates_is_rubin_of_each():
    rng = np.random.default_rng(1)
    q, root = rng.normal(size=(5, 3)), rng.normal(size=(5, 3, 3))
    u = root @ root.transpose(0, 2, 1)
    found = rubin(q, u, n=100, names=["a", "b", "c"])
    variances = np.diagonal(u, axis1=1, axis2=2)
    for j in range(3):
        one = rubin(q[:, j], variances[:, j], n=98)
        close(found.df[j], one.df[0])
        close(found.standard_errors[j], one.standard_errors[0])
    close(found.standard_errors, rubin(q, variances, n=100).standard_errors)
    close(found.total, u.mean(axis=0) + 1.2 * np.cov(q.T))
    assert found.table()["term"].to_list() == ["a", "b", "c"]


def test_equal_imputations_lose_nothing():
    found = rubin([0.5, 0.5, 0.5], [0.04, 0.04, 0.04])
    assert (found.df[0], found.fraction_missing[0]) == (np.inf, 0)
    close(found.confint()[0], [0.5 - 1.959963984540054 * 0.2, 0.5 + 1.959963984540054 * 0.2])


def test_rubin_refuses_what_it_cannot_combine():
    with pytest.raises(EstimationError, match="two or more"):
        rubin([0.5], [0.1])
    with pytest.raises(InputError) as caught:
        rubin([0.5, np.inf, 0.4], [0.1, 0.1, 0.0])
    assert {p.column for p in caught.value.problems} == {"estimates", "variances"}
    with pytest.raises(InputError, match="shapes"):
        rubin([0.5, 0.4], [0.1])
    with pytest.raises(EstimationError, match="n is 1"):
        rubin([0.5, 0.4], [0.1, 0.2], n=1)
    with pytest.raises(EstimationError, match="2 names for 1"):
        rubin([0.5, 0.4], [0.1, 0.2], names=["a", "b"])


def test_nelson_aalen_by_definition():
    rng = np.random.default_rng(3)
    time, event = rng.integers(1, 9, 60).astype(float), rng.random(60) < 0.6
    entry = np.floor(time * rng.random(60) * 0.9)

    def hazard(a, b, late):
        total = 0.0
        for t in np.unique(time[event]):
            if a < t <= b:
                risk = (time >= t) & (entry < t if late else True)
                total += (event & (time == t)).sum() / risk.sum()
        return total

    close(nelson_aalen(time, event, None), [hazard(-1, t, False) for t in time])
    close(nelson_aalen(time, event, entry),
          [hazard(a, t, True) for a, t in zip(entry, time, strict=True)])  # fmt: skip


def study(n=300, seed=4):
    """Age drives grade and hazard; gaps depend on the event and on age."""
    rng = np.random.default_rng(seed)
    age = rng.normal(55, 10, n).round(1)
    grade = np.where(rng.random(n) < 1 / (1 + np.exp(-(age - 55) / 10)), "3", "2")
    node = rng.integers(0, 2, n)
    time = rng.exponential(size=n) * np.exp(-0.6 * (grade == "3") - 0.03 * (age - 55))
    end = rng.exponential(2, n)
    event = time <= end
    gap = rng.random(n) < 1 / (1 + np.exp(0.5 - event - (age - 55) / 20))
    full = pl.DataFrame({"age": age, "grade": grade, "node": node})
    holed = full.with_columns(
        grade=pl.when(pl.Series(~gap)).then(pl.col("grade")),
        age=pl.when(pl.Series(rng.random(n) > 0.2)).then(pl.col("age")),
    )
    return full, holed, np.minimum(time, end) + 0.01, event


FULL, HOLED, TIME, EVENT = study()


@pytest.fixture(scope="module")
def imputed():
    pytest.importorskip("sklearn")
    return impute(HOLED, TIME, EVENT, seed=3, m=4, iterations=3)


def test_gaps_are_filled_and_nothing_else_changes(imputed):
    assert imputed.m == 4
    assert imputed.complete == HOLED.drop_nulls().height
    assert (imputed.n, imputed.events) == (300, int(EVENT.sum()))
    for frame in imputed.frames:
        assert frame.schema == HOLED.schema
        assert frame.null_count().sum_horizontal().item() == 0
        for column in HOLED.columns:
            known = HOLED[column].is_not_null()
            assert frame[column].filter(known).equals(HOLED[column].filter(known))
            assert set(frame[column]) <= set(HOLED[column].drop_nulls())
    assert not imputed.frames[0].equals(imputed.frames[1])


def test_the_table_counts_what_is_missing(imputed):
    rows = {r["column"]: r for r in imputed.table().to_dicts()}
    assert rows["grade"]["missing"] == HOLED["grade"].null_count()
    assert (rows["grade"]["kind"], rows["age"]["kind"], rows["node"]["kind"]) == (
        "factor", "number", "factor",
    )  # fmt: skip
    assert rows["node"]["imputed_by"] == "complete"
    assert imputed.chain_means.shape == (4, 3, 2)


def test_the_seed_decides_and_imputation_i_does_not_depend_on_m(imputed):
    fewer = impute(HOLED, TIME, EVENT, seed=3, m=2, iterations=3)
    assert all(a.equals(b) for a, b in zip(fewer.frames, imputed.frames, strict=False))
    other = impute(HOLED, TIME, EVENT, seed=4, m=2, iterations=3)
    assert not other.frames[0].equals(imputed.frames[0])


def coded(frame):
    return {"grade": (frame["grade"] == "3").cast(pl.Int8), "age": frame["age"]}


def test_imputation_knows_the_outcome():
    """Grade given at random knows nothing: its effect goes to 0; imputed, it stays."""
    pytest.importorskip("sklearn")
    full, holed, time, event = study(2000, seed=8)
    found = impute(holed, time, event, seed=1, m=5, iterations=3)
    fits = [cox(time, event, coded(f)) for f in found.frames]
    joint = rubin([f.coefficients for f in fits], [f.covariance for f in fits],
                  n=int(event.sum()))  # fmt: skip
    truth = cox(time, event, coded(full)).coefficients
    assert np.all(np.abs(joint.estimates - truth) < 2.5 * joint.standard_errors)
    rng = np.random.default_rng(1)
    gap = holed["grade"].is_null().to_numpy()
    blind = np.where(gap, rng.choice(["2", "3"], 2000), full["grade"].to_numpy())
    ignorant = cox(time, event, {"grade": 1.0 * (blind == "3"), "age": full["age"]})
    assert ignorant.coefficients[0] < joint.estimates[0] - 2 * joint.standard_errors[0]


def test_pandas_and_plain_columns_are_the_same():
    pytest.importorskip("sklearn")
    small = HOLED.head(80)
    once = impute(small, TIME[:80], EVENT[:80], seed=1, m=2, iterations=1)
    frame = pd.DataFrame({c: small[c].to_list() for c in small.columns})
    again = impute(frame, TIME[:80], EVENT[:80], seed=1, m=2, iterations=1)
    plain = impute({c: small[c].to_list() for c in small.columns}, TIME[:80], EVENT[:80],
                   seed=1, m=2, iterations=1)  # fmt: skip
    assert once.frames[1].to_dicts() == again.frames[1].to_dicts() == plain.frames[1].to_dicts()
    grade = pl.Series("grade", small["grade"].to_list(), dtype=pl.Object)
    last = impute(small.with_columns(grade), TIME[:80], EVENT[:80], seed=1, m=2, iterations=1)
    assert last.frames[1].to_dicts() == once.frames[1].to_dicts()


def test_strata_late_entry_and_progress():
    pytest.importorskip("sklearn")
    told = []
    found = impute(
        HOLED, TIME, EVENT, seed=1, m=2, iterations=1, entry=TIME / 2,
        strata=np.arange(300) % 3, progress=lambda *words: told.append(words),
    )  # fmt: skip
    assert found.options["strata"]
    assert found.options["entry"]
    assert told == [("imputing", 0, 2), ("imputing", 1, 2), ("imputing", 2, 2)]


def test_bad_input():
    pytest.importorskip("sklearn")
    with pytest.raises(EstimationError, match="no value is missing"):
        impute(FULL, TIME, EVENT, seed=1)
    odd = HOLED.with_columns(
        empty=pl.lit(None, dtype=pl.Float64), text=pl.int_range(300).cast(pl.String),
        born=pl.date(1960, 1, 1),
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        impute(odd, np.where(np.arange(300) == 2, np.nan, TIME), EVENT, seed=1)
    columns = {p.column for p in caught.value.problems}
    assert columns == {"empty", "text", "born", "time"}
    with pytest.raises(InputError, match="as many as time"):
        impute(HOLED, TIME[:-1], EVENT[:-1], seed=1)
    with pytest.raises(EstimationError, match="m is 1"):
        impute(HOLED, TIME, EVENT, seed=1, m=1)
    with pytest.raises(InputError, match="mixed types"):
        impute({"a": [1, "x", None] * 100}, TIME, EVENT, seed=1)
    with pytest.raises(InputError, match="2 lengths"):
        impute({"a": [1, None], "b": [1]}, TIME, EVENT, seed=1)
    with pytest.raises(InputError, match="a frame or a dict"):
        impute([[1.0, 2.0]], TIME, EVENT, seed=1)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(EstimationError, match=r"ashworth\[imputation\]"):
        impute(HOLED, TIME, EVENT, seed=1)
