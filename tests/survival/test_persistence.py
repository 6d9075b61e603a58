"""Persistence of a high count: everybody accounted for, the clock at the second draw."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import EstimationError, InputError
from ashworth.survival import cox, kaplan_meier, log_rank, persistence

from .conftest import close


def columns(seed, n=120):
    rng = np.random.default_rng(seed)
    before = rng.choice([0.0, 1.0, np.nan], n, p=[0.3, 0.65, 0.05])
    after = rng.choice([0.0, 1.0, np.nan], n, p=[0.5, 0.4, 0.1])
    draw = np.where(rng.random(n) < 0.9, rng.integers(20, 36, n), np.nan)
    after[np.isnan(draw)] = np.nan
    exit_ = np.ceil(rng.exponential(300, n)) + 1
    return before, after, draw, exit_, rng.random(n) < 0.7


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_flow_adds_up_and_the_clock_starts_at_the_draw(seed):
    before, after, draw, exit_, event = columns(seed)
    found = persistence(before, after, draw, exit_, event)
    flow = found.flow_table()
    left = None
    for role, _, n in flow.iter_rows():
        if role == "step":
            assert left is None or left == n
            left = n
        else:
            left -= n
    keep = (before == 1) & ~np.isnan(after) & (exit_ > draw)
    assert found.n == keep.sum()
    assert found.events == event[keep].sum()
    time, high = (exit_ - draw)[keep], after[keep]
    fit = cox(time, event[keep], high)
    close(found.hazard_ratio.coefficients, fit.coefficients)
    close(found.log_rank_test.statistic, log_rank(time, event[keep], high).statistic)
    curve = kaplan_meier(time, event[keep], group=high)[1.0]
    close(found.table()["median"][1], curve.median)
    twice = (before == 1) & ~np.isnan(after)
    assert (found.n_assessed, found.n_persistent) == (twice.sum(), (after[twice] == 1).sum())


def test_exact_limits_equal_r():
    """R: binom.test(5, 12)$conf.int."""
    high, n = np.ones(12), 12
    found = persistence(high, [1] * 5 + [0] * 7, [30] * n, [100 + i for i in range(n)], [1] * n)
    close([found.lower, found.upper], [0.151652229808430, 0.723330314317894], 1e-10)
    assert found.proportion == 5 / 12


def test_who_is_left_out_and_why():
    found = persistence(
        [1, 1, 1, 1, 1, 1, 0, None, 1, 1],
        [1, 0, None, None, None, 1, 0, 1, 0, None],
        [30, 30, None, None, None, 30, 30, 30, 28, 31],
        [300, 200, 10, 12, 400, 30, 500, 500, 28, 90],
        [1, 1, 1, 0, 0, 1, 0, 0, 0, 1],
    )
    out = found.flow_table().filter(pl.col("role") == "out")
    assert dict(zip(out["what"], out["n"], strict=True)) == {
        "first draw not assessable": 1,
        "low at the first draw": 1,
        "event before a second draw": 1,
        "follow-up ended before a second draw": 1,
        "under observation, but no second draw": 1,
        "second draw not assessable": 1,
        "event on or before the day of the second draw": 1,
        "follow-up ended on or before the day of the second draw": 1,
    }
    assert (found.n, found.n_assessed, found.n_high) == (2, 4, 8)
    assert found.options["draw_by"] == 31


def test_strata_reach_both_comparisons():
    before, after, draw, exit_, event = columns(3)
    strata = np.arange(before.size) % 3
    keep = (before == 1) & ~np.isnan(after) & (exit_ > draw)
    found = persistence(before, after, draw, exit_, event, strata=strata)
    fit = cox((exit_ - draw)[keep], event[keep], after[keep], strata=strata[keep])
    close(found.hazard_ratio.coefficients, fit.coefficients)
    plain = persistence(before, after, draw, exit_, event)
    assert found.log_rank_test.statistic != plain.log_rank_test.statistic


def test_nothing_to_compare_is_said():
    with pytest.raises(EstimationError, match="none of 2 patients was high"):
        persistence([0, None], [0, 1], [30, 30], [90, 90], [1, 1])
    one = persistence([1, 1], [1, 1], [30, 30], [90, 95], [1, 1])
    assert one.log_rank_test is None
    assert one.problem == "all of 2 are persistent; nothing to compare"
    quiet = persistence([1, 1], [1, 0], [30, 30], [90, 95], [0, 0])
    assert "no events" in quiet.problem
    assert quiet.table().height == 2
    gone = persistence([1, 1], [1, 0], [30, 30], [30, 20], [1, 1])
    assert gone.curves is None
    assert gone.table().height == 0
    none = persistence([1], [None], [None], [90], [1])
    assert np.isnan([none.proportion, none.lower]).all()
    split = persistence([1] * 4, [1, 1, 0, 0], [30] * 4, [60, 61, 90, 95], [1, 1, 0, 0])
    assert "monotone" in split.problem
    assert split.hazard_ratio.coefficients[0] == np.inf


def test_faults_come_together():
    with pytest.raises(InputError) as caught:
        persistence([1, 2], [1, 0], [30, None], [90, np.nan], [1, 3])
    assert {p.column for p in caught.value.problems} == {
        "baseline_high",
        "exit_day",
        "event",
        "draw_day",
    }
    with pytest.raises(InputError, match="as many as"):
        persistence([1, 1], [1], [30, 30], [90, 90], [1, 1])
