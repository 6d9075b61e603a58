import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashworth.errors import ImmortalTimeError
from ashworth.workflows.study.clock import start_clock
from ashworth.workflows.study.events import Course

COLUMNS = ("patient_id", "endpoint", "entry_day", "exit_day", "event_code")
TYPES = (pl.String, pl.String, pl.Int64, pl.Int64, pl.Int64)


def groups(*days):
    n = len(days)
    return pl.DataFrame(
        {
            "patient_id": [f"P{i}" for i in range(n)],
            "timepoint": "first",
            "clock_day": days,
            "group": ["high" if i % 2 else "low" for i in range(n)],
            "rank": [i % 2 for i in range(n)],
            "high": [bool(i % 2) for i in range(n)],
        },
        schema_overrides={
            "patient_id": pl.String,
            "clock_day": pl.Int64,
            "group": pl.String,
            "rank": pl.Int64,
        },
    )


def events(*rows):
    frame = pl.DataFrame(
        [(f"P{i}", "os", *row) for i, row in enumerate(rows)],
        schema=dict(zip(COLUMNS, TYPES, strict=True)),
        orient="row",
    )
    return Course(frame)


def test_time_runs_from_the_specimen_and_earlier_ends_are_counted_by_reason():
    result = start_clock(
        groups(30, 30, 30, 30, 30),
        events((0, 100, 1), (0, 30, 1), (0, 20, 0), (0, 25, 2), (40, 90, 0)),
        endpoint="os",
        clock="specimen",
    )
    assert result.frame.select("patient_id", "entry", "time", "event").rows() == [
        ("P0", 0, 70, 1),
        ("P4", 10, 60, 0),
    ]
    assert dict(result.exclusions.rows()) == {
        "event on or before the day of the specimen": 1,
        "follow-up ended on or before the day of the specimen": 1,
        "competing event on or before the day of the specimen": 1,
    }
    assert result.delayed


def test_delayed_entry_keeps_the_index_day_as_zero():
    result = start_clock(
        groups(30, -5), events((0, 100, 1), (0, 50, 0)), endpoint="os", clock="index-delayed-entry"
    )
    assert result.frame.select("entry", "time").rows() == [(30, 100), (0, 50)]


def test_a_later_status_on_the_index_clock_is_refused():
    with pytest.raises(ImmortalTimeError, match=r"1 of 2 .* P1; latest day 28"):
        start_clock(groups(0, 28), events((0, 9, 1), (0, 99, 1)), endpoint="os", clock="index")


def test_the_index_clock_is_allowed_for_specimens_of_that_day_or_before():
    result = start_clock(groups(0, -3), events((0, 9, 1), (0, 99, 1)), endpoint="os", clock="index")
    assert result.frame["time"].to_list() == [9, 99]
    assert not result.delayed


@given(st.lists(st.tuples(st.integers(-50, 200), st.integers(1, 400), st.integers(0, 2))))
def test_nobody_is_lost(rows):
    exits = [(0, exit_day, code) for _, exit_day, code in rows]
    result = start_clock(
        groups(*(day for day, _, _ in rows)), events(*exits), endpoint="os", clock="specimen"
    )
    assert result.n + result.exclusions["n"].sum() == len(rows)
    assert (result.frame["time"] > result.frame["entry"]).all()
